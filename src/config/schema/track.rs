//! What bears on elections: sync groups, scripts, files, processes, BFD sessions, links.

use super::{
    COMMAND,
    Inside::{Entries, Words},
    Keyword,
    Kind::{Address, Link, Milliseconds, Number, Of, OneOf, Path, Seconds, Word},
    MOST_SIGNED, POSITIVE_TIME, SECOND,
    Slot::{Any, Maybe, One, Options},
    TIME, Thing, USER, flag, keyword, root, switch,
};

const WEIGHT: &[Keyword] = &[keyword(
    &["weight"],
    &[One(Number(-254, 254)), Maybe(OneOf(&["reverse", "noreverse"]))],
    "Added or taken away; 0 = a failure is a fault",
)];

/// Entries of `track_interface` and its like.
pub(super) const INTERFACES: &[super::Slot] = &[One(Link), Options(WEIGHT)];
pub(super) const SCRIPTS: &[super::Slot] = &[One(Of(Thing::Script)), Options(WEIGHT)];
pub(super) const FILES: &[super::Slot] = &[One(Of(Thing::File)), Options(WEIGHT)];
pub(super) const PROCESSES: &[super::Slot] = &[One(Of(Thing::Process)), Options(WEIGHT)];
pub(super) const BFDS: &[super::Slot] = &[One(Of(Thing::Bfd)), Options(WEIGHT)];

/// Everything in `vrrp_sync_group`.
pub(super) static SYNC_GROUP: &[Keyword] = &[
    keyword(&["group"], &[], "Its members").block(root::NAMES_OF_INSTANCES).required().many(),
    keyword(&["notify_master"], COMMAND, "Run on becoming master").first(),
    keyword(&["notify_backup"], COMMAND, "Run on becoming backup").first(),
    keyword(&["notify_fault"], COMMAND, "Run on a fault").first(),
    keyword(&["notify_stop"], COMMAND, "Run when the agent ends").first(),
    keyword(&["notify"], COMMAND, "Run on each of these, with GROUP, name, state and 0 behind its arguments").first(),
    switch(&["smtp_alert"], "Mail of transitions").default("smtp_alert_vrrp"),
    keyword(&["track_interface"], &[], "Links that must be up")
        .block(Entries("INTERFACE [weight N [reverse]]", INTERFACES))
        .many(),
    keyword(&["track_script"], &[], "Scripts that must succeed")
        .block(Entries("SCRIPT [weight N [reverse|noreverse]]", SCRIPTS))
        .many(),
    keyword(&["track_file"], &[], "Files whose number counts")
        .block(Entries("FILE [weight N [reverse|noreverse]]", FILES))
        .many(),
    keyword(&["track_process"], &[], "Processes that must run")
        .block(Entries("PROCESS [weight N [reverse|noreverse]]", PROCESSES))
        .many(),
    keyword(&["track_bfd"], &[], "BFD sessions that must be up")
        .block(Entries("SESSION [weight N [reverse|noreverse]]", BFDS))
        .many(),
    switch(&["notify_priority_changes"], "Changes of priority go to the FIFO").default("vrrp_notify_priority_changes"),
    flag(&["sync_group_tracking_weight", "global_tracking"], "Members may have trackers with weights"),
];

/// Everything in `vrrp_script`.
pub(super) static SCRIPT: &[Keyword] = &[
    keyword(&["script"], COMMAND, "What is run; exit status 0 is success").required(),
    keyword(&["interval"], &[One(POSITIVE_TIME)], "Seconds from one start to the next").default("1"),
    keyword(&["timeout"], &[One(POSITIVE_TIME)], "Seconds after which it has failed").default("interval"),
    keyword(
        &["weight"],
        &[One(Number(-253, 253)), Maybe(OneOf(&["reverse", "noreverse"]))],
        "Added or taken away; 0 = a failure is a fault",
    )
    .default("0"),
    keyword(&["rise"], &[One(Number(1, MOST_SIGNED))], "Successes in a row until it works again").default("1"),
    keyword(&["fall"], &[One(Number(1, MOST_SIGNED))], "Failures in a row until it fails").default("1"),
    keyword(&["user"], USER, "Who runs it").default("script_user"),
    flag(&["init_fail"], "It has failed before it first ran"),
];

/// Everything in `track_file`.
pub(super) static FILE: &[Keyword] = &[
    keyword(&["file"], &[One(Path)], "The file; it begins with a number").required(),
    keyword(
        &["weight"],
        &[One(Number(-254, 254)), Maybe(OneOf(&["reverse", "noreverse"]))],
        "What the number is multiplied by; 0 = any number but 0 is a fault",
    )
    .default("1"),
    keyword(
        &["init_file"],
        &[Maybe(Word("NUMBER")), Maybe(OneOf(&["overwrite"]))],
        "Written at the start if there is no file; overwrite = always",
    )
    .default("no file is made"),
];

/// Everything in `vrrp_track_process`.
pub(super) static PROCESS: &[Keyword] = &[
    keyword(&["process"], &[One(Word("PROGRAM")), Any(Word("ARGUMENT"))], "Program, and the arguments it must have")
        .required(),
    keyword(
        &["param_match"],
        &[Maybe(OneOf(&["initial", "partial"]))],
        "How arguments are compared; alone = exactly, with none",
    )
    .default("exactly"),
    keyword(
        &["weight"],
        &[One(Number(-254, 254)), Maybe(OneOf(&["reverse", "noreverse"]))],
        "Added or taken away; 0 = a failure is a fault",
    )
    .default("0"),
    keyword(&["quorum"], &[One(Number(1, 65535))], "Least number that must run").default("1"),
    keyword(&["quorum_max"], &[One(Number(0, 65535))], "Most that may run").default("any number"),
    keyword(&["delay"], &[One(Seconds(1, 3600 * SECOND))], "Seconds of fork_delay and terminate_delay").default("0"),
    keyword(&["fork_delay"], &[One(Seconds(1, 3600 * SECOND))], "Seconds that a new process must have run")
        .default("0"),
    keyword(&["terminate_delay"], &[One(Seconds(1, 3600 * SECOND))], "Seconds that a missing process may stay away")
        .default("0"),
    flag(&["full_command"], "The whole command line is compared, not the name only"),
];

/// Everything in `bfd_instance`.
pub(super) static BFD: &[Keyword] = &[
    keyword(&["neighbor_ip", "neighbour_ip"], &[One(Address)], "The other end").required(),
    keyword(&["source_ip"], &[One(Address)], "Our end").default("any"),
    keyword(
        &["min_rx"],
        &[One(Milliseconds(1000, 4_294_967_000))],
        "Least milliseconds between packets that we can take",
    )
    .default("10"),
    keyword(&["min_tx"], &[One(Milliseconds(1000, 4_294_967_000))], "Least milliseconds between packets that we send")
        .default("10"),
    keyword(
        &["idle_tx"],
        &[One(Milliseconds(1_000_000, 4_294_967_000))],
        "Milliseconds between packets while it is down",
    )
    .default("1000"),
    keyword(&["multiplier"], &[One(Number(1, 255))], "Packets that are missed before it is down").default("5"),
    flag(&["passive"], "We wait for the other end to begin"),
    keyword(&["ttl", "hoplimit"], &[One(Number(1, 255))], "TTL of packets").default("255, IPv6: 64"),
    keyword(&["max_hops"], &[One(Number(-1, 255))], "Hops that packets may have made").default("0"),
    switch(&["multihop"], "The other end is not on a link of ours (RFC 5883)"),
    keyword(
        &["weight"],
        &[One(Number(-253, 253)), Maybe(OneOf(&["reverse", "noreverse"]))],
        "Added or taken away; 0 = a failure is a fault",
    )
    .default("0"),
    flag(&["vrrp"], "For virtual routers only"),
    flag(&["checker"], "For servers only"),
];

/// Everything in `track_group`.
pub(super) static TRACK_GROUP: &[Keyword] =
    &[keyword(&["group"], &[], "Its members").block(root::NAMES_OF_INSTANCES).required().many()];

/// Everything in `garp_group`.
pub(super) static GARP_GROUP: &[Keyword] = &[
    keyword(&["garp_interval"], &[One(TIME)], "Seconds between two gratuitous ARPs").default("vrrp_garp_interval"),
    keyword(&["gna_interval"], &[One(TIME)], "Seconds between two neighbour advertisements")
        .default("vrrp_gna_interval"),
    keyword(&["interface"], &[One(Link)], "A link"),
    keyword(&["interfaces"], &[], "Links").block(Words(Link)),
];
