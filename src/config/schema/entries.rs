//! Addresses, routes and rules: lines of options, as `ip` takes them.

use super::{
    Keyword,
    Kind::{Address, Iproute, Link, Mark, Number, Of, OneOf, Prefix, PrefixOr, Span, Word},
    MOST,
    Slot::{self, Around, Maybe, One, Options},
    Thing, flag, keyword,
};

const NO_ATTRIBUTE: &str = "routes have destination, gateways, source, metric, scope, mtu and advmss";
const NO_FLAG: &str = "addresses have no such flag";
const NO_SELECTOR: &str = "rules have from, to, fwmark, iif, oif and not";
const NO_TRACK: &str = "what others take away is put back in any case";

const NO_TRACKING: Keyword = flag(&["no_track"], "Its loss is no matter").not_done(NO_TRACK);
const TRACK_GROUP: Keyword =
    keyword(&["track_group"], &[One(Of(Thing::TrackGroup))], "Instances that give up with it").not_done(NO_TRACK);

const ADDRESS_OPTIONS: &[Keyword] = &[
    keyword(&["dev"], &[One(Link)], "Its link").default("the instance's"),
    keyword(&["label"], &[One(Word("LABEL"))], "Its label"),
    keyword(&["brd", "broadcast"], &[One(Word("ADDRESS|+|-"))], "Broadcast address"),
    keyword(&["scope"], &[One(Iproute)], "Scope").default("global"),
    keyword(&["peer"], &[One(Prefix)], "The other end of a point-to-point link"),
    flag(&["home"], "IPv6 home address").not_done(NO_FLAG),
    flag(&["-nodad"], "IPv6: duplicates are looked for"),
    flag(&["mngtmpaddr"], "IPv6: temporary addresses are made from it").not_done(NO_FLAG),
    flag(&["noprefixroute"], "No route of its network"),
    flag(&["autojoin"], "Multicast group is joined").not_done(NO_FLAG),
    keyword(&["preferred_lft"], &[One(Word("SECONDS|forever"))], "IPv6: how long it is preferred")
        .default("0 for /128"),
    flag(&["use_vmac"], "It is on the macvlan"),
    NO_TRACKING,
    TRACK_GROUP,
];

const ADDRESS_KINDS: &[super::Kind] = &[Prefix];

/// An address of an instance, and one that is always there.
pub(super) const ADDRESS: &[Slot] = &[One(Prefix), Options(ADDRESS_OPTIONS)];
pub(super) const STATIC_ADDRESS: &[Slot] = &[Around(ADDRESS_OPTIONS, ADDRESS_KINDS)];

const ANYWHERE: super::Kind = PrefixOr(&["default", "any", "all", "default6"]);
const LOCKED: &[&str] = &["lock"];

const fn metric(names: &'static [&'static str], meaning: &'static str) -> Keyword {
    keyword(names, &[Maybe(OneOf(LOCKED)), One(Word("N"))], meaning)
}

const ROUTE_OPTIONS: &[Keyword] = &[
    keyword(&["to"], &[One(ANYWHERE)], "Destination"),
    flag(&["unicast"], "An ordinary route"),
    flag(&["blackhole"], "Packets are dropped without a word"),
    flag(&["unreachable"], "Senders are told that there is no way"),
    flag(&["prohibit"], "Senders are told that it is forbidden"),
    flag(&["local"], "The destination is this host").not_done(NO_ATTRIBUTE),
    flag(&["broadcast"], "The destination is a broadcast address").not_done(NO_ATTRIBUTE),
    flag(&["anycast"], "The destination is an anycast address").not_done(NO_ATTRIBUTE),
    flag(&["multicast"], "The destination is a multicast group").not_done(NO_ATTRIBUTE),
    flag(&["throw"], "The next rule decides").not_done(NO_ATTRIBUTE),
    flag(&["inet"], "IPv4"),
    flag(&["inet6"], "IPv6"),
    keyword(&["via"], &[Maybe(OneOf(&["inet", "inet6"])), One(Address)], "Gateway"),
    keyword(&["src"], &[One(Prefix)], "Source address of what this host sends"),
    keyword(&["from"], &[One(Prefix)], "IPv6: source of packets").not_done(NO_ATTRIBUTE),
    keyword(&["dev", "oif"], &[One(Link)], "Link"),
    keyword(&["table"], &[One(Iproute)], "Routing table").default("main"),
    keyword(&["metric", "priority", "preference"], &[One(Number(0, MOST))], "Metric"),
    keyword(&["scope"], &[One(Iproute)], "Scope"),
    keyword(&["protocol", "proto"], &[One(Iproute)], "Who made it").default("keepalived").not_done(NO_ATTRIBUTE),
    metric(&["mtu"], "Largest packet"),
    metric(&["advmss"], "Largest TCP segment announced"),
    flag(&["onlink"], "The gateway is on the link, whatever its address"),
    keyword(&["nexthop"], &[], "One of several gateways follows"),
    keyword(&["weight"], &[One(Number(1, 256))], "Its share"),
    keyword(&["tos", "dsfield"], &[One(Iproute)], "Type of service").not_done(NO_ATTRIBUTE),
    keyword(&["encap"], &[One(OneOf(&["mpls", "ip", "ip6", "ila"])), One(Word("PARAMETER"))], "Encapsulation")
        .not_done(NO_ATTRIBUTE),
    keyword(&["expires"], &[One(Number(0, MOST))], "Seconds that it lives").not_done(NO_ATTRIBUTE),
    metric(&["hoplimit"], "Hop limit").not_done(NO_ATTRIBUTE),
    metric(&["rtt"], "Round trip").not_done(NO_ATTRIBUTE),
    metric(&["rttvar"], "Its variance").not_done(NO_ATTRIBUTE),
    metric(&["reordering"], "Reordering").not_done(NO_ATTRIBUTE),
    metric(&["window"], "TCP window").not_done(NO_ATTRIBUTE),
    metric(&["cwnd"], "Congestion window").not_done(NO_ATTRIBUTE),
    metric(&["ssthresh"], "Slow start threshold").not_done(NO_ATTRIBUTE),
    metric(&["rto_min"], "Least retransmission timeout").not_done(NO_ATTRIBUTE),
    metric(&["initcwnd"], "First congestion window").not_done(NO_ATTRIBUTE),
    metric(&["initrwnd"], "First receive window").not_done(NO_ATTRIBUTE),
    keyword(&["realms", "realm"], &[One(Iproute)], "Realms").not_done(NO_ATTRIBUTE),
    keyword(&["features"], &[One(OneOf(&["ecn"]))], "Features").not_done(NO_ATTRIBUTE),
    keyword(&["quickack"], &[One(Number(0, 1))], "Acknowledgements at once").not_done(NO_ATTRIBUTE),
    metric(&["congctl"], "Congestion control").not_done(NO_ATTRIBUTE),
    keyword(&["pref"], &[One(OneOf(&["low", "medium", "high"]))], "IPv6: preference").not_done(NO_ATTRIBUTE),
    keyword(&["ttl-propagate"], &[One(OneOf(&["enabled", "disabled"]))], "MPLS: TTL").not_done(NO_ATTRIBUTE),
    keyword(&["fastopen_no_cookie"], &[One(Number(0, 1))], "TCP fast open").not_done(NO_ATTRIBUTE),
    flag(&["add"], "It is not added if there is one").not_done(NO_ATTRIBUTE),
    flag(&["prepend"], "It goes before others"),
    flag(&["append"], "It goes behind others").not_done(NO_ATTRIBUTE),
    keyword(&["gw"], &[One(Address)], "Gateway").obsolete("write via"),
    keyword(&["or"], &[One(Address)], "Another gateway").obsolete("write nexthop via"),
    keyword(&["vrf"], &[One(Link)], "VRF").not_done(NO_ATTRIBUTE),
    NO_TRACKING,
    TRACK_GROUP,
];

const DESTINATIONS: &[super::Kind] = &[ANYWHERE];

/// A route of an instance, and one that is always there.
pub(super) const ROUTE: &[Slot] = &[Around(ROUTE_OPTIONS, DESTINATIONS)];
pub(super) const STATIC_ROUTE: &[Slot] = ROUTE;

const RULE_OPTIONS: &[Keyword] = &[
    flag(&["not"], "What does not match"),
    keyword(&["from"], &[One(ANYWHERE)], "Source"),
    keyword(&["to"], &[One(ANYWHERE)], "Destination"),
    flag(&["inet"], "IPv4"),
    flag(&["inet6"], "IPv6"),
    keyword(&["table", "lookup"], &[One(Iproute)], "Routing table that decides"),
    keyword(&["preference", "order", "priority"], &[One(Number(0, MOST))], "Lower goes first").default("a free one"),
    keyword(&["fwmark"], &[One(Mark)], "Firewall mark"),
    keyword(&["iif", "dev"], &[One(Link)], "Link that packets come in by"),
    keyword(&["oif"], &[One(Link)], "Link that sockets are bound to"),
    keyword(&["type"], &[One(OneOf(&["blackhole", "unreachable", "prohibit"]))], "What happens"),
    flag(&["blackhole"], "Packets are dropped without a word"),
    flag(&["unreachable"], "Senders are told that there is no way"),
    flag(&["prohibit"], "Senders are told that it is forbidden"),
    keyword(&["tos", "dsfield"], &[One(Iproute)], "Type of service").not_done(NO_SELECTOR),
    keyword(&["realms"], &[One(Iproute)], "Realms").not_done(NO_SELECTOR),
    keyword(&["suppress_prefixlength", "sup_pl"], &[One(Number(0, 128))], "Routes of shorter prefixes do not count")
        .not_done(NO_SELECTOR),
    keyword(&["suppress_ifgroup", "sup_group"], &[One(Iproute)], "Routes over this group do not count")
        .not_done(NO_SELECTOR),
    keyword(&["tunnel-id"], &[One(Number(0, MOST))], "Tunnel").not_done(NO_SELECTOR),
    keyword(&["uidrange"], &[One(Span(0, MOST))], "Users").not_done(NO_SELECTOR),
    flag(&["l3mdev"], "The VRF decides").not_done(NO_SELECTOR),
    keyword(&["protocol"], &[One(Iproute)], "Who made it").not_done(NO_SELECTOR),
    keyword(&["ipproto"], &[One(Iproute)], "Protocol of packets").not_done(NO_SELECTOR),
    keyword(&["sport"], &[One(Span(0, 65535))], "Source ports").not_done(NO_SELECTOR),
    keyword(&["dport"], &[One(Span(0, 65535))], "Destination ports").not_done(NO_SELECTOR),
    keyword(&["goto"], &[One(Number(0, MOST))], "Rule that goes on").not_done(NO_SELECTOR),
    flag(&["nop"], "Nothing").not_done(NO_SELECTOR),
    NO_TRACKING,
    TRACK_GROUP,
];

/// A rule of an instance, and one that is always there.
pub(super) const RULE: &[Slot] = &[Options(RULE_OPTIONS)];
pub(super) const STATIC_RULE: &[Slot] = RULE;
