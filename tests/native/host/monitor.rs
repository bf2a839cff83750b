//! What the monitor tells when ip changes something.

use std::{
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use lvsadm::host::{Action, Change, Host, Monitor, RouteChange, RuleChange, Watch};
use tokio::io::{Interest, unix::AsyncFd};

use super::*;
use crate::support::run;

const LIMIT: Duration = Duration::from_secs(5);

/// Waits for a change that `wanted` takes.
#[track_caller]
fn wait<T>(monitor: &mut Monitor, what: &str, mut wanted: impl FnMut(&Change) -> Option<T>) -> T {
    let begin = Instant::now();
    let mut others = Vec::new();
    while begin.elapsed() < LIMIT {
        match monitor.next().expect("a working socket") {
            Some(change) => match wanted(&change) {
                Some(found) => return found,
                None => others.push(change),
            },
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
    panic!("not told: {what}; told: {others:?}");
}

fn link_is(change: &Change, name: &str, up: bool, running: bool) -> Option<()> {
    matches!(change, Change::Link(link) if link.name == name && link.up == up && link.running == running).then_some(())
}

fn monitor() -> Monitor {
    Monitor::open(Watch { routes: true, rules: true }).expect("a monitor")
}

#[test]
fn nothing_is_told_where_nothing_happens() {
    with_cable(|_| {
        let mut monitor = Monitor::open(Watch::default()).expect("a monitor");
        let begin = Instant::now();
        while monitor.next().expect("a working socket").is_some() {}
        assert!(begin.elapsed() < LIMIT, "it never waits");
    });
}

#[test]
fn link_flaps_are_told() {
    with_cable(|_| {
        let mut monitor = monitor();
        run("ip link set peer0 down").ok();
        wait(&mut monitor, "eth0 without carrier", |change| link_is(change, "eth0", true, false));
        run("ip link set peer0 up").ok();
        wait(&mut monitor, "eth0 with carrier", |change| link_is(change, "eth0", true, true));
        run("ip link set eth0 down").ok();
        wait(&mut monitor, "eth0 down", |change| link_is(change, "eth0", false, false));
        run("ip link set eth0 name cable").ok();
        wait(&mut monitor, "a new name", |change| link_is(change, "cable", false, false));
        run("ip link delete cable").ok();
        let gone = |change: &Change| matches!(change, Change::LinkGone { name, .. } if name == "cable").then_some(());
        wait(&mut monitor, "cable gone", gone);
        run("ip link add eth0 type veth peer name peer0").ok();
        wait(&mut monitor, "eth0 is back", |change| link_is(change, "eth0", false, false));
    });
}

#[test]
fn a_port_that_leaves_a_bridge_is_not_gone() {
    with_cable(|_| {
        run("ip link add br0 type bridge").ok();
        run("ip link set eth0 master br0").ok();
        let mut monitor = monitor();
        run("ip link set eth0 nomaster").ok();
        run("ip link set eth0 mtu 1400").ok();
        let told = |change: &Change| match change {
            Change::LinkGone { .. } => panic!("told: {change:?}"),
            Change::Link(link) => (link.name == "eth0" && link.mtu == 1400).then_some(()),
            _ => None,
        };
        wait(&mut monitor, "the new MTU", told);
    });
}

#[test]
fn stolen_addresses_are_told() {
    with_cable(|host| {
        let eth0 = index(host, "eth0");
        let ours = [address("192.0.2.1", 32), address("2001:db8::1", 128)];
        assert_eq!(host.change_addresses(&change(Action::Add, eth0, &ours)).expect("an outcome"), []);
        let mut monitor = monitor();
        for ours in &ours {
            let text = format!("{}/{}", ours.address, ours.prefix);
            run(format!("ip address del {text} dev eth0")).ok();
            let removed = wait(&mut monitor, &text, |change| match change {
                Change::AddressRemoved(held) if held.address.address == ours.address => Some(held.clone()),
                _ => None,
            });
            assert_eq!((removed.link, removed.address.prefix), (eth0, ours.prefix));
            run(format!("ip address add {text} dev eth0")).ok();
            let added = wait(&mut monitor, &text, |change| match change {
                Change::AddressAdded(held) if held.address.address == ours.address => Some(held.clone()),
                _ => None,
            });
            assert_eq!((added.link, added.address.prefix), (eth0, ours.prefix));
        }
    });
}

#[test]
fn removed_routes_and_rules_of_ours_are_told() {
    with_cable(|host| {
        run("ip address add 192.0.2.254/24 dev eth0").ok();
        run("ip address add 2001:db8::fe/64 dev eth0 nodad").ok();
        let via = |gateway| RouteTarget::Via(vec![hop(Some(gateway), Some("eth0"))]);
        let routes = [
            route(Some(("198.51.100.0", 24)), via("192.0.2.1")),
            route(Some(("2001:db8:1::", 48)), via("2001:db8::1")),
        ];
        let added: Vec<_> = routes.iter().map(|route| RouteChange { action: Action::Add, route }).collect();
        assert_eq!(host.change_routes(&added).expect("an outcome"), []);
        let ours = Rule { from: Some((ip("192.0.2.0"), 24)), ..rule(100, RuleAction::Lookup(100)) };
        assert_eq!(host.change_rules(&[RuleChange { action: Action::Add, rule: &ours }]).expect("an outcome"), []);

        let mut monitor = monitor();
        monitor.learn(&host.links().expect("a list"));
        run("ip route del 198.51.100.0/24").ok();
        run("ip -6 route del 2001:db8:1::/48").ok();
        run("ip rule del pref 100").ok();
        for wanted in &routes {
            wait(&mut monitor, "a route", |change| match change {
                Change::RouteRemoved(held) => wanted.is_held_as(held).then_some(()),
                _ => None,
            });
        }
        let removed = wait(&mut monitor, "a rule", |change| match change {
            Change::RuleRemoved(held) => Some(held.clone()),
            _ => None,
        });
        assert_eq!(removed, ours);
    });
}

#[test]
fn lost_news_are_told_as_such_and_the_monitor_works_on() {
    with_cable(|host| {
        let eth0 = index(host, "eth0");
        let mut monitor = monitor();
        let addresses: Vec<_> = (0..200).map(|n| address(&format!("10.3.0.{n}"), 32)).collect();
        for _ in 0..60 {
            flap(host, eth0, &addresses);
        }
        wait(&mut monitor, "an overrun", |change| (*change == Change::Overrun).then_some(()));
        while monitor.next().expect("a working socket").is_some() {}
        run("ip link set eth0 mtu 1234").ok();
        let told = |change: &Change| matches!(change, Change::Link(link) if link.mtu == 1234).then_some(());
        wait(&mut monitor, "what happened later", told);
    });
}

fn flap(host: &mut Host, link: u32, addresses: &[Address]) {
    for action in [Action::Add, Action::Remove] {
        assert_eq!(host.change_addresses(&change(action, link, addresses)).expect("an outcome"), []);
    }
}

#[test]
fn event_loops_are_woken() {
    with_cable(|_| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut monitor = monitor();
            let descriptor = monitor.as_fd().try_clone_to_owned().expect("a descriptor");
            #[allow(deprecated, reason = "tests hold no unsafe code; the descriptor is its owner's alone")]
            let descriptor = AsyncFd::with_interest(descriptor, Interest::READABLE).expect("a descriptor");
            run("ip link set eth0 mtu 1234").ok();
            let woken = async {
                loop {
                    let mut ready = descriptor.readable().await.expect("a working socket");
                    match monitor.next().expect("a working socket") {
                        Some(Change::Link(link)) if link.mtu == 1234 => return,
                        Some(_) => {}
                        None => ready.clear_ready(),
                    }
                }
            };
            tokio::time::timeout(LIMIT, woken).await.expect("told");
        });
    });
}
