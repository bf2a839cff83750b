//! The checks of a real server.

use super::{
    COMMAND,
    Inside::Keywords,
    Keyword,
    Kind::{Address, Bytes, Digest, Link, Number, Of, OneOf, Pattern, Port, Statuses, Word},
    MOST, MOST_SIGNED, POSITIVE_TIME,
    Slot::{Many, Maybe, One},
    TIME, Thing, USER, flag, keyword, switch,
};

/// What `regex_options` may say.
const PATTERN_OPTIONS: &[&str] = &[
    "allow_empty_class",
    "alt_bsux",
    "auto_callout",
    "caseless",
    "dollar_endonly",
    "dotall",
    "dupnames",
    "extended",
    "firstline",
    "match_unset_backref",
    "multiline",
    "never_ucp",
    "never_utf",
    "no_auto_capture",
    "no_auto_possess",
    "no_dotstar_anchor",
    "no_start_optimize",
    "ucp",
    "ungreedy",
    "utf",
    "never_backslash_c",
    "alt_circumflex",
    "alt_verbnames",
    "use_offset_limit",
];

const URL: &[Keyword] = &[
    keyword(&["path"], &[One(Word("PATH"))], "Path of the page").required(),
    keyword(&["digest"], &[One(Digest)], "MD5 of the page; see lvsadm check digest"),
    keyword(&["status_code"], &[Many(Statuses)], "Statuses that are good").default("200-299"),
    keyword(&["virtualhost"], &[One(Word("HOST"))], "Host header").default("the check's"),
    keyword(&["regex"], &[One(Pattern)], "Must match the page"),
    flag(&["regex_no_match"], "It must not"),
    keyword(&["regex_options"], &[Many(OneOf(PATTERN_OPTIONS))], "How it is read").many(),
    keyword(&["regex_min_offset"], &[One(Number(0, MOST))], "Where it is looked for first")
        .not_done("all of the page is looked at"),
    keyword(&["regex_max_offset"], &[One(Number(1, MOST))], "Where it is looked for last")
        .not_done("all of the page is looked at"),
    keyword(&["regex_stack"], &[One(Number(1, MOST)), One(Number(1, MOST))], "Memory for it").obsolete("it needs none"),
    switch(&["tls_compliant"], "Connections end as TLS wants").obsolete("they always do"),
];

/// Where a mail server is, in the old way.
const HOST: &[Keyword] = &[
    keyword(&["connect_ip"], &[One(Address)], "Address that is asked").default("the server's"),
    keyword(&["connect_port"], &[One(Port(false))], "Port that is asked").default("the server's"),
    keyword(&["bindto"], &[One(Address)], "Our address"),
    keyword(&["bind_port"], &[One(Port(false))], "Our port"),
    keyword(&["bind_if"], &[One(Link)], "The link that is used"),
    keyword(&["fwmark"], &[One(Number(0, MOST))], "Mark of the packets").default("0"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds for each step").default("the server's, else 5"),
];

/// Everything in `TCP_CHECK`.
pub(super) static TCP: &[Keyword] = &[
    keyword(&["connect_ip"], &[One(Address)], "Address that is asked").default("the server's"),
    keyword(&["connect_port"], &[One(Port(false))], "Port that is asked").default("the server's"),
    keyword(&["bindto"], &[One(Address)], "Our address"),
    keyword(&["bind_port"], &[One(Port(false))], "Our port"),
    keyword(&["bind_if"], &[One(Link)], "The link that is used"),
    keyword(&["fwmark"], &[One(Number(0, MOST))], "Mark of the packets").default("0"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds for each step").default("the server's, else 5"),
    keyword(&["retry"], &[One(Number(0, MOST))], "Failed probes that are forgiven").default("the server's, else 1"),
    keyword(&["nb_get_retry"], &[One(Number(0, MOST))], "The same").obsolete("write retry"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the server's, else 1"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds")
        .default("the server's, else delay_loop"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next")
        .default("the server's, else 60"),
    switch(&["alpha"], "It has failed until it passed").default("the server's"),
    switch(&["log_all_failures"], "Each failed probe is logged").default("checker_log_all_failures"),
];

/// Everything in `PING_CHECK`.
pub(super) static PING: &[Keyword] = &[
    keyword(&["connect_ip"], &[One(Address)], "Address that is asked").default("the server's"),
    keyword(&["connect_port"], &[One(Port(false))], "Port that is asked").default("the server's"),
    keyword(&["bindto"], &[One(Address)], "Our address"),
    keyword(&["bind_port"], &[One(Port(false))], "Our port"),
    keyword(&["bind_if"], &[One(Link)], "The link that is used"),
    keyword(&["fwmark"], &[One(Number(0, MOST))], "Mark of the packets").default("0"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds for each step").default("the server's, else 5"),
    keyword(&["retry"], &[One(Number(0, MOST))], "Failed probes that are forgiven").default("the server's, else 1"),
    keyword(&["nb_get_retry"], &[One(Number(0, MOST))], "The same").obsolete("write retry"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the server's, else 1"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds")
        .default("the server's, else delay_loop"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next")
        .default("the server's, else 60"),
    switch(&["alpha"], "It has failed until it passed").default("the server's"),
    switch(&["log_all_failures"], "Each failed probe is logged").default("checker_log_all_failures"),
];

/// Everything in `HTTP_GET` and `SSL_GET`.
pub(super) static HTTP: &[Keyword] = &[
    keyword(&["connect_ip"], &[One(Address)], "Address that is asked").default("the server's"),
    keyword(&["connect_port"], &[One(Port(false))], "Port that is asked").default("the server's"),
    keyword(&["bindto"], &[One(Address)], "Our address"),
    keyword(&["bind_port"], &[One(Port(false))], "Our port"),
    keyword(&["bind_if"], &[One(Link)], "The link that is used"),
    keyword(&["fwmark"], &[One(Number(0, MOST))], "Mark of the packets").default("0"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds for each step").default("the server's, else 5"),
    keyword(&["retry"], &[One(Number(0, MOST))], "Failed probes that are forgiven").default("the server's, else 1"),
    keyword(&["nb_get_retry"], &[One(Number(0, MOST))], "The same").obsolete("write retry"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the server's, else 3"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds")
        .default("the server's, else delay_loop"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next")
        .default("the server's, else 60"),
    switch(&["alpha"], "It has failed until it passed").default("the server's"),
    switch(&["log_all_failures"], "Each failed probe is logged").default("checker_log_all_failures"),
    keyword(&["url"], &[], "A page").block(Keywords(URL)).required().many(),
    keyword(&["virtualhost"], &[One(Word("HOST"))], "Host header").default("the server's"),
    keyword(
        &["http_protocol"],
        &[One(OneOf(&["1.0", "1.0C", "1.0c", "1.1"]))],
        "Version; 1.0C = with Connection: close",
    )
    .default("1.0"),
    switch(&["enable_sni"], "The name is told in the TLS handshake"),
    keyword(&["sni_name"], &[One(Word("NAME"))], "That name").default("virtualhost"),
    switch(&["fast_recovery"], "Pages of a failed server are asked for without a pause")
        .obsolete("pages are always asked for without a pause"),
    switch(&["tls_compliant"], "Connections end as TLS wants").obsolete("they always do"),
];

/// Everything in `SMTP_CHECK`.
pub(super) static SMTP: &[Keyword] = &[
    keyword(&["connect_ip"], &[One(Address)], "Address that is asked").default("the server's"),
    keyword(&["connect_port"], &[One(Port(false))], "Port that is asked").default("the server's"),
    keyword(&["bindto"], &[One(Address)], "Our address"),
    keyword(&["bind_port"], &[One(Port(false))], "Our port"),
    keyword(&["bind_if"], &[One(Link)], "The link that is used"),
    keyword(&["fwmark"], &[One(Number(0, MOST))], "Mark of the packets").default("0"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds for each step").default("the server's, else 5"),
    keyword(&["retry"], &[One(Number(0, MOST))], "Failed probes that are forgiven").default("the server's, else 1"),
    keyword(&["nb_get_retry"], &[One(Number(0, MOST))], "The same").obsolete("write retry"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the server's, else 1"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds")
        .default("the server's, else delay_loop"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next")
        .default("the server's, else 60"),
    switch(&["alpha"], "It has failed until it passed").default("the server's"),
    switch(&["log_all_failures"], "Each failed probe is logged").default("checker_log_all_failures"),
    keyword(&["helo_name"], &[One(Word("NAME"))], "Name in HELO").default("smtpchecker.keepalived.org"),
    keyword(&["host"], &[], "Where the server is").block(Keywords(HOST)).obsolete("write its keywords in SMTP_CHECK"),
];

/// Everything in `DNS_CHECK`.
pub(super) static DNS: &[Keyword] = &[
    keyword(&["connect_ip"], &[One(Address)], "Address that is asked").default("the server's"),
    keyword(&["connect_port"], &[One(Port(false))], "Port that is asked").default("the server's"),
    keyword(&["bindto"], &[One(Address)], "Our address"),
    keyword(&["bind_port"], &[One(Port(false))], "Our port"),
    keyword(&["bind_if"], &[One(Link)], "The link that is used"),
    keyword(&["fwmark"], &[One(Number(0, MOST))], "Mark of the packets").default("0"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds for each step").default("the server's, else 5"),
    keyword(&["retry"], &[One(Number(0, MOST))], "Failed probes that are forgiven").default("the server's, else 3"),
    keyword(&["nb_get_retry"], &[One(Number(0, MOST))], "The same").obsolete("write retry"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the server's, else delay_loop"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds")
        .default("the server's, else delay_loop"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next")
        .default("the server's, else 60"),
    switch(&["alpha"], "It has failed until it passed").default("the server's"),
    switch(&["log_all_failures"], "Each failed probe is logged").default("checker_log_all_failures"),
    keyword(
        &["type"],
        &[One(OneOf(&["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"]))],
        "Type that is asked for",
    )
    .default("SOA"),
    keyword(&["name"], &[One(Word("NAME"))], "Name that is asked for").default("."),
];

/// Everything in `UDP_CHECK`.
pub(super) static UDP: &[Keyword] = &[
    keyword(&["connect_ip"], &[One(Address)], "Address that is asked").default("the server's"),
    keyword(&["connect_port"], &[One(Port(false))], "Port that is asked").default("the server's"),
    keyword(&["bindto"], &[One(Address)], "Our address"),
    keyword(&["bind_port"], &[One(Port(false))], "Our port"),
    keyword(&["bind_if"], &[One(Link)], "The link that is used"),
    keyword(&["fwmark"], &[One(Number(0, MOST))], "Mark of the packets").default("0"),
    keyword(&["connect_timeout"], &[One(POSITIVE_TIME)], "Seconds for each step").default("the server's, else 5"),
    keyword(&["retry"], &[One(Number(0, MOST))], "Failed probes that are forgiven").default("the server's, else 1"),
    keyword(&["nb_get_retry"], &[One(Number(0, MOST))], "The same").obsolete("write retry"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the server's, else 1"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds")
        .default("the server's, else delay_loop"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next")
        .default("the server's, else 60"),
    switch(&["alpha"], "It has failed until it passed").default("the server's"),
    switch(&["log_all_failures"], "Each failed probe is logged").default("checker_log_all_failures"),
    keyword(&["payload"], &[One(Bytes(false))], "What is sent, in hexadecimal").default("a short text"),
    keyword(&["require_reply"], &[Maybe(Bytes(true))], "It must answer, and so; x = any digit"),
    keyword(&["min_reply_length"], &[One(Number(0, 65535))], "Least bytes of the answer").default("0"),
    keyword(&["max_reply_length"], &[One(Number(0, 65535))], "Most bytes of the answer").default("255"),
];

/// Everything in `MISC_CHECK`.
pub(super) static MISC: &[Keyword] = &[
    keyword(&["retry"], &[One(Number(0, MOST))], "Failed probes that are forgiven").default("the server's, else 0"),
    keyword(&["nb_get_retry"], &[One(Number(0, MOST))], "The same").obsolete("write retry"),
    keyword(&["delay_before_retry"], &[One(TIME)], "Seconds before the probe that follows a failed one")
        .default("the server's, else 1"),
    keyword(&["warmup"], &[One(TIME)], "The first probe is within so many seconds")
        .default("the server's, else delay_loop"),
    keyword(&["delay_loop"], &[One(POSITIVE_TIME)], "Seconds from one probe to the next")
        .default("the server's, else 60"),
    switch(&["alpha"], "It has failed until it passed").default("the server's"),
    switch(&["log_all_failures"], "Each failed probe is logged").default("checker_log_all_failures"),
    keyword(&["misc_path"], COMMAND, "What is run; exit status 0 is success").required(),
    keyword(&["misc_timeout"], &[One(Number(1, MOST))], "Seconds after which it has failed").default("delay_loop"),
    flag(&["misc_dynamic"], "Exit status 2 to 255 is success, with the weight 0 to 253"),
    keyword(&["user"], USER, "Who runs it").default("script_user"),
];

/// Everything in `BFD_CHECK`.
pub(super) static BFD: &[Keyword] = &[
    keyword(&["name"], &[One(Of(Thing::Bfd))], "The session").required(),
    switch(&["alpha"], "It has failed until the session is up").default("the server's"),
];

/// Everything in `FILE_CHECK`.
pub(super) static FILE: &[Keyword] = &[
    keyword(&["track_file"], &[One(Of(Thing::File))], "The file").required(),
    keyword(
        &["weight"],
        &[One(Number(-MOST_SIGNED, MOST_SIGNED)), Maybe(OneOf(&["reverse", "noreverse"]))],
        "What its number is multiplied by; 0 = any number but 0 is a failure",
    )
    .default("the file's"),
];
