//! `virtual_server`, `real_server`, `virtual_server_group`, `SSL`.

use super::{
    COMMAND,
    Inside::Keywords,
    Keyword,
    Kind::{Address, Granularity, Number, OneOf, OneOfAnyCase, Path, Port, Range, Word},
    MOST, MOST_SIGNED, POSITIVE_TIME,
    Slot::{self, Around, Either, Maybe, One},
    TIME, checkers, flag, keyword, switch,
};

const SCHEDULERS: &[&str] =
    &["rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"];

const TUNNEL: &[Keyword] = &[
    keyword(&["type"], &[One(OneOf(&["ipip", "gue", "gre"]))], "Kind of tunnel").default("ipip"),
    keyword(&["port"], &[One(Port(false))], "UDP port of gue"),
    flag(&["nocsum"], "No checksum"),
    flag(&["csum"], "Checksum; gue and gre"),
    flag(&["remcsum"], "Remote checksum offload; gue"),
];

const FORWARDING: &[Slot] = &[Around(TUNNEL, &[OneOf(&["NAT", "DR", "TUN"])])];

/// What SNMP calls something.
const SNMP_NAME: Keyword = keyword(&["snmp_name"], &[One(Word("NAME"))], "Name for SNMP")
    .not_done("lvsadm speaks no SNMP; see lvsadm metrics");

/// Entries of `virtual_server_group`.
pub(super) const GROUP_ENTRY: &[Slot] = &[Either(
    &[("fwmark", &[One(Number(1, MOST)), Maybe(OneOf(&["inet", "inet6"]))])],
    &[One(Range), Maybe(Port(true))],
)];

/// Everything in `SSL`.
pub(super) static SSL: &[Keyword] = &[
    keyword(&["password"], &[One(Word("PASSWORD"))], "Password of the key")
        .not_done("lvsadm takes keys without passwords"),
    keyword(&["ca"], &[One(Path)], "Certificates of authorities")
        .not_done("as in keepalived, certificates of servers are not verified; see check add --verify"),
    keyword(&["certificate"], &[One(Path)], "Our certificate"),
    keyword(&["key"], &[One(Path)], "Its key"),
];

/// Everything in `virtual_server`.
pub(super) static VIRTUAL_SERVER: &[Keyword] = &[
    keyword(&["lb_algo", "lvs_sched"], &[One(OneOf(SCHEDULERS))], "Scheduler").default("wlc"),
    keyword(&["lb_kind", "lvs_method"], FORWARDING, "How packets reach servers").default("NAT"),
    keyword(&["protocol"], &[One(OneOfAnyCase(&["TCP", "UDP", "SCTP"]))], "Protocol; of no use with fwmark")
        .default("UDP"),
    keyword(
        &["persistence_timeout"],
        &[Maybe(Number(0, 2_678_400))],
        "Seconds that a client stays with its server; alone 360, 0 = it does not",
    )
    .default("0"),
    keyword(
        &["persistence_granularity"],
        &[One(Granularity)],
        "Clients of one network stay together; implies persistence",
    )
    .default("one client"),
    keyword(&["persistence_engine"], &[One(OneOf(&["sip"]))], "What tells clients apart beside their address"),
    flag(&["ops"], "Each packet of UDP is scheduled by itself"),
    flag(&["flag-1"], "First flag of the scheduler"),
    flag(&["flag-2"], "Second flag of the scheduler"),
    flag(&["flag-3"], "Third flag of the scheduler"),
    flag(&["sh-fallback"], "sh: another server for one that has weight 0"),
    flag(&["sh-port"], "sh: the source port counts"),
    flag(&["mh-fallback"], "mh: another server for one that has weight 0"),
    flag(&["mh-port"], "mh: the source port counts"),
    flag(&["hashed"], "Nothing").obsolete("keepalived knows it and does nothing"),
    keyword(&["ip_family"], &[One(OneOf(&["inet", "inet6"]))], "Family of a firewall mark")
        .default("that of the servers"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next").default("60"),
    keyword(&["retry"], &[One(Number(1, MOST))], "Failed probes that are forgiven").default("the check's"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the check's"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds").default("delay_loop"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds to reach a server").default("5"),
    flag(&["inhibit_on_failure"], "Failed servers stay in the table with weight 0"),
    flag(&["alpha"], "Servers come into the table when they have passed"),
    flag(&["omega"], "Commands run at the end, too"),
    keyword(&["quorum"], &[One(Number(1, MOST))], "Least sum of weights of working servers").default("1"),
    keyword(&["hysteresis"], &[One(Number(0, MOST))], "Kept away from the quorum on both sides").default("0"),
    keyword(&["quorum_up"], COMMAND, "Run when the quorum is gained").first(),
    keyword(&["quorum_down"], COMMAND, "Run when the quorum is lost").first(),
    keyword(&["weight"], &[One(Number(0, MOST_SIGNED))], "Weight of servers that have none").default("1"),
    flag(&["ha_suspend"], "No probes while the address is not on this host"),
    keyword(&["virtualhost"], &[One(Word("HOST"))], "Host header of probes").default("the address"),
    switch(&["smtp_alert"], "Mail of the quorum").default("smtp_alert_checker"),
    SNMP_NAME,
    keyword(&["sorry_server"], &[One(Address), Maybe(Port(true))], "Takes over without a quorum"),
    flag(&["sorry_server_inhibit"], "It stays in the table with weight 0"),
    keyword(&["sorry_server_lvs_method"], FORWARDING, "How packets reach it").default("lb_kind"),
    keyword(&["real_server"], &[One(Address), Maybe(Port(true))], "A server")
        .block(Keywords(REAL_SERVER))
        .required()
        .many(),
];

/// Everything in `real_server`.
pub(super) static REAL_SERVER: &[Keyword] = &[
    keyword(&["weight"], &[One(Number(0, MOST_SIGNED))], "Share of new connections").default("the service's weight"),
    keyword(&["lvs_method"], FORWARDING, "How packets reach it").default("lb_kind"),
    keyword(&["uthreshold"], &[One(Number(0, MOST))], "No new connections at so many").default("0"),
    keyword(&["lthreshold"], &[One(Number(0, MOST))], "New ones again below so many").default("0"),
    switch(&["inhibit_on_failure"], "It stays in the table with weight 0 when it fails").default("the service's"),
    keyword(&["notify_up"], COMMAND, "Run when it comes back").first(),
    keyword(&["notify_down"], COMMAND, "Run when it fails").first(),
    switch(&["alpha"], "It comes into the table when it has passed").default("the service's"),
    keyword(&["retry"], &[One(Number(1, MOST))], "Failed probes that are forgiven").default("the service's"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the service's"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds").default("the service's"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds to reach it").default("the service's"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next").default("the service's"),
    switch(&["smtp_alert"], "Mail when it fails or comes back").default("smtp_alert_checker, else on"),
    keyword(&["virtualhost"], &[One(Word("HOST"))], "Host header of probes").default("the service's"),
    SNMP_NAME,
    keyword(&["TCP_CHECK"], &[], "It takes a TCP connection").block(Keywords(checkers::TCP)).many(),
    keyword(&["HTTP_GET"], &[], "Its pages are what they should be").block(Keywords(checkers::HTTP)).many(),
    keyword(&["SSL_GET"], &[], "The same over TLS").block(Keywords(checkers::HTTP)).many(),
    keyword(&["SMTP_CHECK"], &[], "It greets as a mail server").block(Keywords(checkers::SMTP)).many(),
    keyword(&["DNS_CHECK"], &[], "It answers as a name server").block(Keywords(checkers::DNS)).many(),
    keyword(&["UDP_CHECK"], &[], "It answers over UDP, or does not refuse").block(Keywords(checkers::UDP)).many(),
    keyword(&["PING_CHECK"], &[], "It answers an echo request").block(Keywords(checkers::PING)).many(),
    keyword(&["MISC_CHECK"], &[], "A script says so").block(Keywords(checkers::MISC)).many(),
    keyword(&["BFD_CHECK"], &[], "A BFD session is up").block(Keywords(checkers::BFD)).many(),
    keyword(&["FILE_CHECK"], &[], "A file's number says so").block(Keywords(checkers::FILE)).many(),
];
