//! `vrrp_instance`.

use super::{
    COMMAND,
    Inside::{Entries, Keywords},
    Keyword,
    Kind::{Address, Link, Mac, Number, OneOf, Seconds, Word},
    MOST, SECOND,
    Slot::{Maybe, One, Options},
    entries, flag, keyword, switch, track,
};

const PEER: &[Keyword] = &[
    keyword(&["min_ttl"], &[One(Number(0, 255))], "Least TTL of its adverts"),
    keyword(&["max_ttl"], &[One(Number(0, 255))], "Greatest TTL of its adverts"),
];

const AUTHENTICATION: &[Keyword] = &[
    keyword(&["auth_type"], &[One(OneOf(&["PASS", "AH"]))], "Password in each advert, or authentication header")
        .required(),
    keyword(&["auth_pass"], &[One(Word("PASSWORD"))], "At most 8 bytes, the same on all directors").required(),
];

const HMAC: &[Keyword] = &[
    keyword(
        &["key"],
        &[One(Number(1, 255)), One(Word("KEY"))],
        "A key of 32 to 64 bytes: text, hex:DIGITS or file:PATH",
    )
    .many()
    .required(),
    keyword(&["active_key"], &[One(Number(1, 255))], "The key that signs").required(),
    keyword(&["anti_replay"], &[One(OneOf(&["time", "monotonic"]))], "How repeated adverts are found out")
        .default("time"),
    keyword(&["time_window"], &[One(Seconds(SECOND, 300 * SECOND))], "How far clocks may differ, in seconds")
        .default("3 adverts, at least 5"),
    keyword(
        &["mode"],
        &[One(OneOf(&["enforce", "permissive", "receive-only"]))],
        "What becomes of adverts without a trailer",
    )
    .default("enforce"),
];

const VMAC_OPTIONS: &[Keyword] = &[
    keyword(&["name"], &[One(Link)], "Name of the macvlan"),
    flag(&["netlink_notify_msg"], "Links are told anew").obsolete("nothing needs it"),
    keyword(&["group"], &[One(Number(0, MOST))], "Group of the link").not_done("the macvlan is in the default group"),
];

const IPVLAN: &str = "lvsadm makes macvlans; see use_vmac";

/// Everything in `vrrp_instance`.
pub(super) static INSTANCE: &[Keyword] = &[
    keyword(&["state"], &[One(OneOf(&["MASTER", "BACKUP"]))], "Where it begins")
        .default("BACKUP, or MASTER with priority 255"),
    keyword(&["interface"], &[One(Link)], "Link of adverts and addresses"),
    keyword(
        &["virtual_router_id"],
        &[One(Number(1, 255))],
        "Number, the same on all directors and no other router's on the link",
    )
    .required(),
    keyword(&["priority"], &[One(Number(1, 255))], "The highest becomes master; 255 owns the addresses")
        .default("100, with state MASTER 255"),
    keyword(
        &["advert_int"],
        &[One(Seconds(10_000, 255 * SECOND))],
        "Seconds between adverts: version 2 whole ones, version 3 0.01 to 40.95",
    )
    .default("1"),
    keyword(&["virtual_ipaddress"], &[], "Addresses of the master")
        .block(Entries("ADDRESS[/LENGTH] [OPTION ...]", entries::ADDRESS))
        .many(),
    keyword(&["virtual_ipaddress_excluded"], &[], "Addresses that move along and are not in adverts")
        .block(Entries("ADDRESS[/LENGTH] [OPTION ...]", entries::ADDRESS))
        .many(),
    flag(&["no_virtual_ipaddress"], "It may have no addresses"),
    keyword(&["virtual_routes"], &[], "Routes of the master")
        .block(Entries("[OPTION ...] DESTINATION [OPTION ...]", entries::ROUTE))
        .many(),
    keyword(&["virtual_rules"], &[], "Rules of the master").block(Entries("[OPTION ...]", entries::RULE)).many(),
    keyword(&["authentication"], &[], "Authentication of version 2").default("none").block(Keywords(AUTHENTICATION)),
    keyword(&["auth_hmac"], &[], "keepalived's trailer with HMAC-SHA-256").default("none").block(Keywords(HMAC)),
    flag(&["nopreempt"], "A master of lower priority stays master; needs state BACKUP"),
    flag(&["preempt"], "It does not").obsolete("it is so without it"),
    keyword(
        &["preempt_delay"],
        &[One(Seconds(0, 1000 * SECOND))],
        "Seconds before a master of lower priority is displaced",
    )
    .default("0"),
    keyword(&["version"], &[One(Number(2, 3))], "Version of VRRP").default("vrrp_version"),
    keyword(&["track_interface"], &[], "Links that must be up")
        .block(Entries("INTERFACE [weight N [reverse]]", track::INTERFACES))
        .many(),
    keyword(&["track_script"], &[], "Scripts that must succeed")
        .block(Entries("SCRIPT [weight N [reverse|noreverse]]", track::SCRIPTS))
        .many(),
    keyword(&["track_file"], &[], "Files whose number counts")
        .block(Entries("FILE [weight N [reverse|noreverse]]", track::FILES))
        .many(),
    keyword(&["track_process"], &[], "Processes that must run")
        .block(Entries("PROCESS [weight N [reverse|noreverse]]", track::PROCESSES))
        .many(),
    keyword(&["track_bfd"], &[], "BFD sessions that must be up")
        .block(Entries("SESSION [weight N [reverse|noreverse]]", track::BFDS))
        .many(),
    flag(&["dont_track_primary"], "A fault of its own link is none of the instance"),
    flag(&["track_src_ip"], "The absence of its source address is a fault"),
    keyword(&["mcast_src_ip", "unicast_src_ip"], &[One(Address)], "Source of adverts").default("the link's first"),
    keyword(&["mcast_dst_ip"], &[One(Address)], "Multicast group").default("vrrp_mcast_group4, vrrp_mcast_group6"),
    keyword(&["unicast_peer"], &[], "The other directors, instead of multicast")
        .block(Entries("ADDRESS [min_ttl N] [max_ttl N]", &[One(Address), Options(PEER)]))
        .many(),
    keyword(&["unicast_ttl"], &[One(Number(0, 255))], "TTL of adverts to peers").default("255"),
    flag(&["unicast_fault_no_peer"], "Without peers it is in state FAULT")
        .not_done("an instance without peers uses multicast"),
    flag(&["check_unicast_src"], "Adverts of others than the peers are rejected").default("vrrp_check_unicast_src"),
    keyword(&["old_unicast_checksum"], &[Maybe(OneOf(&["never"]))], "Checksums of keepalived before 1.3.7")
        .obsolete("such peers are found out"),
    switch(&["v3_checksum_as_v2"], "Version 3 over IPv4 without pseudo-header").default("the one of global_defs"),
    keyword(
        &["use_vmac"],
        &[super::Slot::Around(VMAC_OPTIONS, &[Mac, Link])],
        "Addresses have a virtual MAC address, on a macvlan",
    )
    .default("name vrrp.VRID"),
    flag(&["use_vmac_addr"], "Addresses on other links have one, too"),
    flag(&["vmac_xmit_base"], "Adverts leave with the MAC address of the link"),
    keyword(&["use_ipvlan"], &[super::Slot::Any(Word("OPTION"))], "Adverts leave by an ipvlan").not_done(IPVLAN),
    keyword(&["vrf"], &[One(Link)], "VRF of adverts without a link").not_done("name a link of that VRF"),
    flag(&["promote_secondaries"], "Other addresses of a network stay when the first one goes"),
    flag(&["accept"], "The master takes packets to its addresses").default("yes, unless strict"),
    flag(&["no_accept"], "It does not"),
    switch(&["skip_check_adv_addr"], "Addresses of the master heard last are not compared again")
        .default("vrrp_skip_check_adv_addr"),
    switch(&["strict_mode"], "What the RFC forbids is refused").default("vrrp_strict"),
    keyword(
        &["garp_master_delay"],
        &[One(Number(0, MOST))],
        "Seconds until a master announces its addresses again; 0 = not",
    )
    .default("vrrp_garp_master_delay"),
    keyword(&["garp_master_repeat"], &[One(Number(1, MOST))], "How often each address is announced at once")
        .default("vrrp_garp_master_repeat"),
    keyword(&["garp_master_refresh"], &[One(Number(0, MOST))], "Seconds between announcements; 0 = none")
        .default("vrrp_garp_master_refresh"),
    keyword(&["garp_master_refresh_repeat"], &[One(Number(1, MOST))], "How often each is announced then")
        .default("vrrp_garp_master_refresh_repeat"),
    keyword(&["garp_lower_prio_delay"], &[One(Number(0, MOST))], "The delay after an advert of lower priority")
        .default("vrrp_garp_lower_prio_delay"),
    keyword(
        &["garp_lower_prio_repeat"],
        &[One(Number(0, super::MOST_SIGNED))],
        "The repeat after an advert of lower priority",
    )
    .default("vrrp_garp_lower_prio_repeat"),
    keyword(
        &["garp_extra_if", "vmac_garp_intvl"],
        &[Maybe(OneOf(&["all"])), One(Number(0, 86_400))],
        "Seconds between announcements on links without adverts",
    )
    .default("vrrp_garp_extra_if"),
    keyword(&["down_timer_adverts"], &[One(Number(1, 100))], "Adverts that are missed before the master is dead")
        .default("vrrp_down_timer_adverts"),
    switch(&["lower_prio_no_advert"], "A master does not answer an advert of lower priority")
        .default("vrrp_lower_prio_no_advert"),
    switch(&["higher_prio_send_advert"], "A master answers an advert of higher priority first")
        .default("vrrp_higher_prio_send_advert"),
    switch(&["owner_ignore_adverts"], "Priority 255 ignores adverts").default("vrrp_owner_ignore_adverts"),
    keyword(
        &["timer_expired_backup", "thread_timer_expired"],
        &[Maybe(Number(1, 254))],
        "A process that was late goes back to BACKUP",
    )
    .not_done("it always listens first when it was late"),
    keyword(&["kernel_rx_buf_size"], &[One(Number(1, MOST))], "Size of the receive buffer")
        .not_done("sockets have buffers for what is to be expected"),
    keyword(&["notify_master"], COMMAND, "Run on becoming master").first(),
    keyword(&["notify_backup"], COMMAND, "Run on becoming backup").first(),
    keyword(&["notify_fault"], COMMAND, "Run on a fault").first(),
    keyword(&["notify_stop"], COMMAND, "Run when the agent ends").first(),
    keyword(&["notify"], COMMAND, "Run on each of these, with INSTANCE, name, state and priority behind its arguments")
        .first(),
    keyword(
        &["notify_deleted"],
        &[Maybe(super::Kind::Command), super::Slot::Any(Word("ARGUMENT"))],
        "Run when a reload removes the instance",
    )
    .default("notify_fault")
    .first(),
    keyword(&["notify_master_rx_lower_pri"], COMMAND, "Run when a master hears an advert of lower priority").first(),
    switch(&["notify_priority_changes"], "Changes of priority go to the FIFO").default("vrrp_notify_priority_changes"),
    switch(&["smtp_alert"], "Mail of transitions").default("smtp_alert_vrrp"),
    keyword(&["debug"], &[One(Number(0, 4))], "Nothing").obsolete("it never did anything"),
    flag(&["native_ipv6"], "IPv6").obsolete("the addresses tell"),
    flag(&["linkbeat_use_polling"], "The link is polled").obsolete("the kernel tells of every change of a link"),
    keyword(&["lvs_sync_daemon_interface"], &[One(Link)], "Link of the sync daemon")
        .obsolete("write lvs_sync_daemon in global_defs"),
];
