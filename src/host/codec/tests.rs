//! Values that tests are made of, and messages of any bytes.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::{
    host::wanted::{Address, NextHop, Route, RouteTarget, Rule, RuleAction},
    sys::netlink::Batch,
};

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(super) fn address(text: &str, prefix: u8) -> Address {
    Address {
        address: ip(text),
        prefix,
        device: None,
        label: None,
        broadcast: None,
        peer: None,
        scope: Scope::Global,
        preferred: None,
        duplicate_detection: false,
        no_prefix_route: false,
    }
}

pub(super) fn hop(gateway: Option<&str>, device: Option<&str>) -> NextHop {
    NextHop { gateway: gateway.map(ip), device: device.map(str::to_owned), weight: 1, onlink: false }
}

pub(super) fn route(to: Option<(IpAddr, u8)>, target: RouteTarget) -> Route {
    Route { to, target, table: 254, source: None, metric: None, scope: None, mtu: None, advmss: None }
}

pub(super) fn rule(preference: u32, action: RuleAction) -> Rule {
    Rule { preference, not: false, from: None, to: None, mark: None, iif: None, oif: None, family: Family::V4, action }
}

#[test]
fn what_cannot_be_said_is_an_error() {
    let mut batch = Batch::default();
    let over = |name| route(None, RouteTarget::Via(vec![hop(None, Some(name))]));
    let error = route::change(&mut batch, Action::Add, &over("eth7"), |_| None);
    assert_eq!(error, Err(Unsayable::NoLink("eth7".to_owned())));
    let error = route::change(&mut batch, Action::Add, &route(None, RouteTarget::Via(Vec::new())), |_| None);
    assert!(matches!(error, Err(Unsayable::Senseless(_))));
    assert!(batch.is_empty());
}

#[test]
fn families_come_from_what_says_them() {
    let via = |gateway| RouteTarget::Via(vec![hop(Some(gateway), None)]);
    assert_eq!(route(None, via("2001:db8::1")).family(), Family::V6);
    assert_eq!(route(Some((ip("::"), 0)), RouteTarget::Blackhole).family(), Family::V6);
    assert_eq!(route(Some((ip("192.0.2.0"), 24)), via("2001:db8::1")).family(), Family::V4);
    assert_eq!(route(None, RouteTarget::Blackhole).family(), Family::V4);
    let rule = Rule { from: Some((ip("2001:db8::"), 32)), ..rule(1, RuleAction::Prohibit) };
    assert_eq!(rule.family(), Family::V6);
}

#[test]
fn held_routes_are_recognised() {
    let wanted = |target| route(Some((ip("192.0.2.0"), 24)), target);
    let via = |gateway, device| RouteTarget::Via(vec![hop(Some(gateway), device)]);
    let ours = wanted(via("10.0.0.1", None));
    assert!(ours.is_held_as(&wanted(via("10.0.0.1", Some("eth0")))));
    assert!(!ours.is_held_as(&wanted(via("10.0.0.2", Some("eth0")))));
    assert!(!ours.is_held_as(&wanted(RouteTarget::Blackhole)));
    assert!(!ours.is_held_as(&Route { metric: Some(7), ..ours.clone() }));
    assert!(!ours.is_held_as(&Route { table: 7, ..ours.clone() }));
    // IPv6 has a metric where none was given.
    let v6 = route(Some((ip("2001:db8::"), 32)), via("2001:db8::1", None));
    assert!(v6.is_held_as(&Route { metric: Some(1024), ..v6.clone() }));
    assert!(!v6.is_held_as(&Route { metric: Some(1), ..v6.clone() }));
}

/// A message with a header that is ours or like ours, and attributes with numbers that occur.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let header = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        proptest::collection::vec(prop_oneof![Just(0), Just(2), Just(10), Just(18), Just(1), Just(24)], 8..20),
    ];
    let attribute = (0..40u16, proptest::collection::vec(any::<u8>(), 0..24));
    (header, proptest::collection::vec(attribute, 0..8), any::<bool>()).prop_map(|(mut bytes, attributes, cut)| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let mut writer = Writer::new(&mut bytes);
        attributes.iter().for_each(|(kind, payload)| writer.bytes(*kind, payload));
        if cut {
            bytes.pop();
        }
        bytes
    })
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in prop_oneof![message(), proptest::collection::vec(any::<u8>(), 0..120)]) {
        let _ = link::decode(&bytes);
        let _ = address::decode(&bytes);
        let _ = route::decode(&bytes, |index| Some(index.to_string()));
        let _ = rule::decode(&bytes);
    }

    #[test]
    fn any_address_can_be_said(prefix: u8, v6: bool, peer: bool, dad: bool, bare: bool, label in ".{0,40}", scope: u8) {
        let text = if v6 { "2001:db8::1" } else { "192.0.2.1" };
        let wanted = Address {
            label: (!label.is_empty()).then_some(label),
            peer: peer.then(|| ip(text)),
            duplicate_detection: dad,
            no_prefix_route: bare,
            scope: Scope::from_number(scope),
            ..address(text, prefix)
        };
        let mut batch = Batch::default();
        address::change(&mut batch, Action::Add, 7, &wanted);
        address::change(&mut batch, Action::Remove, 7, &wanted);
        prop_assert_eq!(batch.len(), 2);
        prop_assert_eq!(Scope::from_number(scope).number(), scope);
    }
}
