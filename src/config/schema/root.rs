//! What may stand outside all blocks.

use super::{
    Inside::{Entries, Keywords, Words},
    Keyword,
    Kind::{self, Link, New, Number, Of, OneOf, Word},
    Slot::{Either, Maybe, One},
    Thing, entries, flag, global, instance, keyword, lvs, track,
};

/// Everything outside blocks.
pub static ROOT: &[Keyword] = &[
    keyword(&["global_defs"], &[], "What is true for all of it").block(Keywords(global::GLOBAL)).many(),
    keyword(&["vrrp_instance"], &[One(New(Thing::Instance))], "A virtual router")
        .block(Keywords(instance::INSTANCE))
        .many(),
    keyword(&["vrrp_sync_group"], &[One(New(Thing::SyncGroup))], "Virtual routers that are master and backup together")
        .block(Keywords(track::SYNC_GROUP))
        .many(),
    keyword(&["vrrp_script"], &[One(New(Thing::Script))], "A script whose success bears on priorities")
        .block(Keywords(track::SCRIPT))
        .many(),
    keyword(
        &["track_file", "vrrp_track_file"],
        &[One(New(Thing::File))],
        "A file whose number bears on priorities or weights",
    )
    .block(Keywords(track::FILE))
    .many(),
    keyword(&["vrrp_track_process"], &[One(New(Thing::Process))], "Processes whose presence bears on priorities")
        .block(Keywords(track::PROCESS))
        .many(),
    keyword(&["bfd_instance"], &[One(New(Thing::Bfd))], "A BFD session whose state bears on priorities or servers")
        .block(Keywords(track::BFD))
        .many(),
    keyword(
        &["virtual_server"],
        &[Either(
            &[
                ("fwmark", &[One(Number(1, super::MOST)), Maybe(OneOf(&["inet", "inet6"]))]),
                ("group", &[One(Of(Thing::ServerGroup))]),
            ],
            &[One(Kind::Address), Maybe(Kind::Port(true))],
        )],
        "A virtual service: an address and port, a firewall mark, or a group of them",
    )
    .block(Keywords(lvs::VIRTUAL_SERVER))
    .many(),
    keyword(&["virtual_server_group"], &[One(New(Thing::ServerGroup))], "Addresses and marks of one virtual service")
        .block(Entries(
            "ADDRESS [PORT] | FIRST-LAST [PORT] | NETWORK/LENGTH [PORT] | fwmark N [inet|inet6]",
            lvs::GROUP_ENTRY,
        ))
        .many(),
    keyword(&["SSL"], &[], "The certificate that checks over TLS show").block(Keywords(lvs::SSL)),
    keyword(&["static_ipaddress"], &[], "Addresses that are there while lvsadm runs, whoever is master")
        .block(Entries("ADDRESS[/LENGTH] [OPTION ...]", entries::STATIC_ADDRESS))
        .many(),
    keyword(&["static_routes"], &[], "Routes that are there while lvsadm runs, whoever is master")
        .block(Entries("[OPTION ...] DESTINATION [OPTION ...]", entries::STATIC_ROUTE))
        .many(),
    keyword(&["static_rules"], &[], "Rules that are there while lvsadm runs, whoever is master")
        .block(Entries("[OPTION ...]", entries::STATIC_RULE))
        .many(),
    keyword(
        &["track_group"],
        &[One(New(Thing::TrackGroup))],
        "Instances that give up with a static address, route or rule",
    )
    .block(Keywords(track::TRACK_GROUP))
    .many()
    .not_done("a static address that is taken away is put back, and no instance gives up for it"),
    keyword(&["garp_group"], &[], "Links that share the pauses between announcements")
        .block(Keywords(track::GARP_GROUP))
        .many(),
    keyword(&["interface_up_down_delays"], &[], "How long a link must be down or up before it counts")
        .block(Entries(
            "INTERFACE DOWN [UP], in seconds",
            &[One(Link), One(Kind::Seconds(0, 255 * super::SECOND)), Maybe(Kind::Seconds(0, 255 * super::SECOND))],
        ))
        .not_done("a change of a link counts at once"),
    keyword(&["linkbeat_interfaces"], &[], "Links that are polled")
        .block(Entries("INTERFACE [MII|ETHTOOL|IOCTL]", &[One(Link), Maybe(OneOf(&["MII", "ETHTOOL", "IOCTL"]))]))
        .obsolete("the kernel tells of every change of a link"),
    flag(&["linkbeat_use_polling"], "Links are polled").obsolete("the kernel tells of every change of a link"),
    keyword(&["net_namespace"], &[One(Word("NAME"))], "Network namespace to run in").default("the caller's"),
    keyword(&["net_namespace_ipvs"], &[Maybe(Word("NAME"))], "Network namespace of the virtual services")
        .default("net_namespace")
        .not_done("virtual services and virtual routers share a namespace; run a second agent for the other"),
    flag(&["namespace_with_ipsets"], "ipsets work in a network namespace").obsolete("lvsadm needs no ipsets"),
    flag(&["use_pid_dir"], "PID files go to /run/keepalived")
        .not_done("lvsadm has a run directory for each network namespace"),
    keyword(&["instance"], &[One(Word("NAME"))], "Name of this agent where several run in one namespace")
        .not_done("one agent runs in a network namespace"),
    keyword(&["child_wait_time"], &[One(Number(0, super::MOST))], "Seconds that children have to stop")
        .default("5")
        .not_done("children take the time that they need, and no more"),
];

/// Words that stand for the units of a list.
pub(super) const NAMES_OF_INSTANCES: super::Inside = Words(Of(Thing::Instance));
