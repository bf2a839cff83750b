//! What stock ip says to the kernel, and what the kernel answers it, against what we say and understand.

use neli::consts::nl::NlmF;

use super::{tests::*, *};
use crate::{
    host::{
        link::Link,
        wanted::{Address, Lifetime, NextHop, Route, RouteTarget, Rule, RuleAction},
    },
    sys::netlink::Batch,
};

/// A message: its netlink header's type and flags, and what follows the header.
#[derive(Clone)]
struct Message {
    kind: u16,
    flags: u16,
    payload: Vec<u8>,
}

/// Returns the messages of the request, or of the answer, of a command.
fn messages(command: &str, mark: &str) -> Vec<Message> {
    let text = include_str!("../../../tests/golden/route.txt");
    let block = text.split("\n\n").find(|block| block.lines().next() == Some(&format!("$ ip {command}")));
    let lines = block.unwrap_or_else(|| panic!("no golden command {command}")).lines();
    lines.filter_map(|line| line.strip_prefix(mark)).flat_map(datagram).collect()
}

fn datagram(hex: &str) -> Vec<Message> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    let bytes: Vec<_> = (0..hex.len()).step_by(2).map(byte).collect();
    split_messages(&bytes)
}

fn split_messages(mut rest: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(len) = rest.first_chunk() {
        let (message, more) = rest.split_at(u32::from_le_bytes(*len) as usize);
        let number = |at: usize| u16::from_le_bytes([message[at], message[at + 1]]);
        messages.push(Message { kind: number(4), flags: number(6), payload: message[16..].to_vec() });
        rest = more;
    }
    messages
}

/// The attributes in an order of their own, those in `nests` with what is in them: ip writes some in another order than we,
/// and marks some nests and others not.
fn attributes(bytes: &[u8], nests: &[u16]) -> Vec<(u16, Vec<u8>)> {
    let mut found: Vec<_> = Attributes::new(bytes)
        .map(|attribute| attribute.expect("well formed"))
        .flat_map(|attribute| {
            if nests.contains(&attribute.kind) {
                let inner = attributes(attribute.payload, &[]).into_iter();
                inner.map(|(kind, payload)| (attribute.kind << 8 | kind, payload)).collect()
            } else {
                vec![(attribute.kind, attribute.payload.to_vec())]
            }
        })
        .collect();
    found.sort();
    found
}

/// Compares our request with ip's. `ours_only` are attributes that ip does not send.
#[track_caller]
fn assert_said(command: &str, header: usize, nests: &[u16], ours_only: &[(u16, Vec<u8>)], batch: &Batch) {
    let [theirs] = &messages(command, "> ")[..] else { panic!("{command}: one request") };
    let [ours] = &split_messages(&batch.requests().flatten().copied().collect::<Vec<_>>())[..] else {
        panic!("{command}: one request of ours");
    };
    assert_eq!((ours.kind, ours.flags | NlmF::ACK.bits()), (theirs.kind, theirs.flags), "{command}");
    assert_eq!(ours.payload[..header], theirs.payload[..header], "{command}");
    let mut expected = attributes(&theirs.payload[header..], nests);
    expected.extend(ours_only.iter().cloned());
    expected.sort();
    assert_eq!(attributes(&ours.payload[header..], nests), expected, "{command}");
}

/// Index of `eth0` in the golden namespace, and of the macvlan.
const ETH0: u32 = 3;
const MACVLAN: u32 = 4;

/// The commands that add and remove addresses, and the addresses.
fn golden_addresses() -> Vec<(&'static str, Action, Address)> {
    let v4 = address("192.0.2.1", 32);
    let labelled = Address {
        broadcast: Some(ip("203.0.113.255")),
        label: Some("eth0:1".to_owned()),
        scope: Scope::Link,
        ..address("203.0.113.2", 24)
    };
    let pair = |one, other, prefix| Address { peer: Some(ip(other)), no_prefix_route: true, ..address(one, prefix) };
    let v6 = address("2001:db8::1", 128);
    let checked = Address { duplicate_detection: true, ..address("2001:db8::2", 64) };
    let pair6 = Address { preferred: Some(Lifetime::Forever), ..pair("2001:db8::3", "2001:db8::4", 128) };
    vec![
        ("address add 192.0.2.1/32 dev eth0", Action::Add, v4.clone()),
        ("address add 203.0.113.2/24 broadcast 203.0.113.255 dev eth0 label eth0:1 scope link", Action::Add, labelled),
        (
            "address add 192.0.2.3 peer 192.0.2.4/32 dev eth0 noprefixroute",
            Action::Add,
            pair("192.0.2.3", "192.0.2.4", 32),
        ),
        ("address add 2001:db8::1/128 dev eth0 nodad preferred_lft 0", Action::Add, v6.clone()),
        ("address add 2001:db8::2/64 dev eth0", Action::Add, checked),
        ("address add 2001:db8::3 peer 2001:db8::4/128 dev eth0 nodad noprefixroute", Action::Add, pair6),
        ("address del 192.0.2.1/32 dev eth0", Action::Remove, v4),
        ("address del 192.0.2.3 peer 192.0.2.4/32 dev eth0", Action::Remove, pair("192.0.2.3", "192.0.2.4", 32)),
        ("address del 2001:db8::1/128 dev eth0", Action::Remove, v6),
    ]
}

#[test]
fn addresses_are_said_as_ip_says_them() {
    // `IFA_PROTO`, which this ip does not know.
    let protocol = [(11, vec![18])];
    for (command, action, address) in golden_addresses() {
        let mut batch = Batch::default();
        address::change(&mut batch, action, ETH0, &address);
        let ours_only = if action == Action::Add { &protocol[..] } else { &[] };
        assert_said(command, 8, &[], ours_only, &batch);
    }
}

#[test]
fn addresses_are_understood() {
    let listed = messages("address show dev eth0", "< ");
    let addresses = listed.iter().filter(|message| message.kind == address::NEW);
    let held: Vec<_> =
        addresses.map(|message| address::decode(&message.payload).expect("well formed").expect("an address")).collect();
    for (_, action, wanted) in golden_addresses() {
        if action == Action::Remove {
            continue;
        }
        let held = held.iter().find(|held| held.address.address == wanted.address).expect("listed");
        assert_eq!(held.link, ETH0);
        let default = if wanted.address == ip("2001:db8::1") { Lifetime::Seconds(0) } else { Lifetime::Forever };
        let label = wanted.address.is_ipv4().then(|| wanted.label.clone().unwrap_or_else(|| "eth0".to_owned()));
        assert_eq!(held.address, Address { preferred: Some(wanted.preferred.unwrap_or(default)), label, ..wanted });
    }
}

#[test]
fn links_are_said_as_ip_says_them() {
    type Encode = fn(&mut Batch);
    let cases: [(&str, Encode); 4] = [
        ("link add link eth0 name vrrp.51 address 00:00:5e:00:01:33 type macvlan mode private", |batch| {
            link::add_macvlan(batch, "vrrp.51", ETH0, [0, 0, 0x5e, 0, 1, 51]);
        }),
        ("link set vrrp.51 addrgenmode none", |batch| link::generate_no_addresses(batch, MACVLAN)),
        ("link set vrrp.51 up", |batch| link::set_up(batch, MACVLAN, true)),
        ("link delete vrrp.51", |batch| link::delete(batch, MACVLAN)),
    ];
    for (command, encode) in cases {
        let mut batch = Batch::default();
        encode(&mut batch);
        // `IFLA_LINKINFO`, `IFLA_AF_SPEC`; the numbers in them differ from both.
        assert_said(command, 16, &[18, 26], &[], &batch);
    }
}

#[test]
fn links_are_understood() {
    let links: Vec<_> = messages("link show", "< ")
        .iter()
        .filter(|message| message.kind == link::NEW)
        .map(|message| link::decode(&message.payload).expect("well formed").expect("a link"))
        .collect();
    let named = |name: &str| links.iter().find(|link| link.name == name).expect("listed").clone();
    assert!(named("lo").loopback && named("lo").up && named("lo").mac().is_none());
    assert_eq!(
        named("eth0"),
        Link {
            index: ETH0,
            name: "eth0".to_owned(),
            hardware_type: 1,
            hardware_address: vec![2, 0, 0, 0, 0, 1],
            mtu: 1500,
            up: true,
            running: true,
            noarp: false,
            loopback: false,
            multicast: true,
            kind: Some("veth".to_owned()),
            private: false,
            parent: Some(2),
        }
    );
    let macvlan = named("vrrp.51");
    assert!(macvlan.is_macvlan_of(ETH0, [0, 0, 0x5e, 0, 1, 51]), "{macvlan:?}");
    assert!(!macvlan.is_macvlan_of(ETH0, [0, 0, 0x5e, 0, 1, 52]));
    assert!(!macvlan.is_macvlan_of(2, [0, 0, 0x5e, 0, 1, 51]));
}

/// The commands that add routes, and the routes.
fn golden_routes() -> Vec<(&'static str, Route)> {
    let to = |address, prefix, target| route(Some((ip(address), prefix)), target);
    let via = |gateway, device| RouteTarget::Via(vec![hop(gateway, device)]);
    let weighted = |gateway, weight| NextHop { weight, ..hop(Some(gateway), Some("eth0")) };
    let both = |one, other| RouteTarget::Via(vec![one, other]);
    vec![
        ("route prepend 198.51.100.0/24 via 192.0.2.9 proto 18", to("198.51.100.0", 24, via(Some("192.0.2.9"), None))),
        (
            "route prepend default via 192.0.2.9 dev eth0 metric 5 src 192.0.2.254 mtu 1400 advmss 1300 proto 18",
            Route {
                metric: Some(5),
                source: Some(ip("192.0.2.254")),
                mtu: Some(1400),
                advmss: Some(1300),
                ..route(None, via(Some("192.0.2.9"), Some("eth0")))
            },
        ),
        (
            "route prepend 198.51.101.0/24 dev eth0 table 1000 proto 18",
            Route { table: 1000, ..to("198.51.101.0", 24, via(None, Some("eth0"))) },
        ),
        (
            "route prepend 198.51.102.0/24 via 203.0.113.1 dev eth0 onlink proto 18",
            to(
                "198.51.102.0",
                24,
                RouteTarget::Via(vec![NextHop { onlink: true, ..hop(Some("203.0.113.1"), Some("eth0")) }]),
            ),
        ),
        (
            "route prepend 198.51.103.0/24 proto 18 nexthop via 192.0.2.9 dev eth0 weight 2 nexthop via 192.0.2.10 dev \
             eth0 weight 256",
            to("198.51.103.0", 24, both(weighted("192.0.2.9", 2), weighted("192.0.2.10", 256))),
        ),
        (
            "route prepend 198.51.104.0/24 via inet6 2001:db8::9 dev eth0 proto 18",
            to("198.51.104.0", 24, via(Some("2001:db8::9"), Some("eth0"))),
        ),
        ("route prepend blackhole 198.51.105.0/24 proto 18", to("198.51.105.0", 24, RouteTarget::Blackhole)),
        ("route prepend unreachable 198.51.106.0/24 proto 18", to("198.51.106.0", 24, RouteTarget::Unreachable)),
        ("route prepend prohibit 198.51.107.0/24 proto 18", to("198.51.107.0", 24, RouteTarget::Prohibit)),
        ("-6 route add default via 2001:db8::9 dev eth0 proto 18", to("::", 0, via(Some("2001:db8::9"), Some("eth0")))),
        (
            "-6 route add 2001:db8:1::/48 dev eth0 metric 7 proto 18",
            Route { metric: Some(7), ..to("2001:db8:1::", 48, via(None, Some("eth0"))) },
        ),
        (
            "-6 route add 2001:db8:2::/48 proto 18 nexthop via 2001:db8::9 dev eth0 weight 1 nexthop via 2001:db8::a dev \
             eth0 weight 3",
            to("2001:db8:2::", 48, both(weighted("2001:db8::9", 1), weighted("2001:db8::a", 3))),
        ),
    ]
}

fn link_named(name: &str) -> Option<u32> {
    (name == "eth0").then_some(ETH0)
}

#[test]
fn routes_are_said_as_ip_says_them() {
    let golden = golden_routes();
    let added = golden.iter().map(|(command, route)| (*command, Action::Add, route));
    let removed = [
        ("route del unicast 198.51.100.0/24 via 192.0.2.9 proto 18", Action::Remove, &golden[0].1),
        ("-6 route del unicast 2001:db8:1::/48 dev eth0 metric 7 proto 18", Action::Remove, &golden[10].1),
    ];
    for (command, action, route) in added.chain(removed) {
        let mut batch = Batch::default();
        route::change(&mut batch, action, route, link_named).expect("a route");
        // ip names the destination of IPv6's default route, which is all zeros.
        let mut theirs_only = Vec::new();
        if command.starts_with("-6 route add default") {
            theirs_only = vec![0; 16];
        }
        if theirs_only.is_empty() {
            assert_said(command, 12, &[8], &[], &batch);
        } else {
            let [theirs] = &messages(command, "> ")[..] else { panic!("one request") };
            let mut ours = attributes(&batch.requests().next().expect("one")[28..], &[]);
            ours.push((1, theirs_only));
            ours.sort();
            assert_eq!(ours, attributes(&theirs.payload[12..], &[]));
        }
    }
}

#[test]
fn routes_are_understood() {
    let held: Vec<_> = ["-4 route show table all proto 18", "-6 route show table all proto 18"]
        .into_iter()
        .flat_map(|command| messages(command, "< "))
        .filter(|message| message.kind == route::NEW)
        .filter_map(|message| {
            route::decode(&message.payload, |index| (index == ETH0).then(|| "eth0".to_owned())).expect("well formed")
        })
        .collect();
    let golden = golden_routes();
    assert_eq!(held.len(), golden.len(), "{held:#?}");
    for (command, wanted) in &golden {
        let same: Vec<_> = held.iter().filter(|held| wanted.is_held_as(held)).collect();
        let [same] = same[..] else { panic!("{command}: {same:?} of {held:?}") };
        assert_eq!((same.mtu, same.advmss, same.source), (wanted.mtu, wanted.advmss, wanted.source), "{command}");
        if let (RouteTarget::Via(wanted), RouteTarget::Via(same)) = (&wanted.target, &same.target) {
            let shares = |hops: &[NextHop]| hops.iter().map(|hop| (hop.weight, hop.onlink)).collect::<Vec<_>>();
            assert_eq!(shares(same), shares(wanted), "{command}");
        }
    }
}

/// The commands that add rules, and the rules.
fn golden_rules() -> Vec<(&'static str, Rule)> {
    let prefix = |address, prefix| Some((ip(address), prefix));
    let v6 = |rule| Rule { family: Family::V6, ..rule };
    vec![
        (
            "rule add pref 100 from 192.0.2.0/24 lookup 100 protocol 18",
            Rule { from: prefix("192.0.2.0", 24), ..rule(100, RuleAction::Lookup(100)) },
        ),
        (
            "rule add pref 101 not to 198.51.100.1/32 lookup 1000 protocol 18",
            Rule { not: true, to: prefix("198.51.100.1", 32), ..rule(101, RuleAction::Lookup(1000)) },
        ),
        (
            "rule add pref 102 fwmark 0x5/0xff iif eth0 oif lo blackhole protocol 18",
            Rule {
                mark: Some((5, 255)),
                iif: Some("eth0".to_owned()),
                oif: Some("lo".to_owned()),
                ..rule(102, RuleAction::Blackhole)
            },
        ),
        (
            "-6 rule add pref 103 from 2001:db8::/32 to 2001:db8:1::1/128 unreachable protocol 18",
            v6(Rule {
                from: prefix("2001:db8::", 32),
                to: prefix("2001:db8:1::1", 128),
                ..rule(103, RuleAction::Unreachable)
            }),
        ),
        ("-6 rule add pref 104 prohibit protocol 18", v6(rule(104, RuleAction::Prohibit))),
    ]
}

#[test]
fn rules_are_said_as_ip_says_them() {
    let golden = golden_rules();
    let added = golden.iter().map(|(command, rule)| (*command, Action::Add, rule));
    let removed = ("rule del pref 100 from 192.0.2.0/24 lookup 100 protocol 18", Action::Remove, &golden[0].1);
    for (command, action, rule) in added.chain([removed]) {
        let mut batch = Batch::default();
        rule::change(&mut batch, action, rule);
        assert_said(command, 12, &[], &[], &batch);
    }
}

#[test]
fn rules_are_understood() {
    let held: Vec<_> = ["rule show", "-6 rule show"]
        .into_iter()
        .flat_map(|command| messages(command, "< "))
        .filter(|message| message.kind == rule::NEW)
        .filter_map(|message| rule::decode(&message.payload).expect("well formed"))
        .collect();
    let wanted: Vec<_> = golden_rules().into_iter().map(|(_, rule)| rule).collect();
    assert_eq!(held, wanted);
}
