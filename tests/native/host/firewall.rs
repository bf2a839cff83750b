//! The nftables table, with nft and ping as the judges.

use std::{thread, time::Duration};

use lvsadm::host::{
    Host,
    firewall::{Firewall, Guard, TABLE},
};

use super::{neighbour::Neighbour, *};
use crate::support::{Output, in_netns, run};

fn guard(address: &str) -> Guard {
    Guard::Address(ip(address))
}

fn table() -> Output {
    run(format!("nft -n list table inet {TABLE}"))
}

#[test]
fn guarded_addresses_take_nothing_but_neighbour_discovery() {
    with_cable(|_| {
        let neighbour = Neighbour::new();
        let reached =
            || ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"].map(|address| neighbour.reaches(address));
        assert_eq!(reached(), [true; 4]);
        let mut firewall = Firewall::open().expect("nftables");
        assert_ne!(table().status, 0, "no table before it is needed");
        firewall.change(&[guard("192.0.2.1"), guard("2001:db8::1")], &[]).expect("changed");
        assert_eq!(reached(), [false, true, false, true]);
        // The neighbour is found all the same.
        neighbour.run("ip neigh flush dev peer0").ok();
        assert!(!neighbour.reaches("2001:db8::1") && !neighbour.reaches("192.0.2.1"));
        for address in ["2001:db8::1", "192.0.2.1"] {
            let found = neighbour.run(&format!("ip neigh show {address}")).ok();
            assert!(found.contains("lladdr"), "{found}");
        }
        // Both at once, each of which may be so already.
        firewall
            .change(&[guard("192.0.2.2"), guard("2001:db8::1")], &[guard("192.0.2.1"), guard("192.0.2.7")])
            .expect("changed");
        assert_eq!(reached(), [true, false, false, true]);
        drop(firewall);
        assert_ne!(table().status, 0, "the table goes with its owner");
        assert_eq!(reached(), [true; 4]);
    });
}

#[test]
fn nft_shows_the_table_as_it_was_meant() {
    with_cable(|host| {
        let mut firewall = Firewall::open().expect("nftables");
        let eth0 = index(host, "eth0");
        firewall.change(&[guard("192.0.2.1"), guard("2001:db8::1"), Guard::Link(eth0)], &[]).expect("changed");
        let shown = table().ok();
        let lines: Vec<_> = shown.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(
            lines[1..],
            [
                "flags owner",
                "set addresses4 {",
                "type ipv4_addr",
                "elements = { 192.0.2.1 }",
                "}",
                "set addresses6 {",
                "type ipv6_addr",
                "elements = { 2001:db8::1 }",
                "}",
                "set links {",
                "type iface_index",
                "elements = { \"eth0\" }",
                "}",
                "chain input {",
                "type filter hook input priority 110; policy accept;",
                "ip daddr @addresses4 counter packets 0 bytes 0 drop",
                "ip6 daddr @addresses6 icmpv6 type 135-136 accept",
                "ip6 daddr @addresses6 counter packets 0 bytes 0 drop",
                "}",
                "chain output {",
                "type filter hook output priority 0; policy accept;",
                "oif @links ip protocol 2 drop",
                "oif @links icmpv6 type 130-132 drop",
                "oif @links icmpv6 type 143 drop",
                "}",
                "}",
            ],
            "{shown}"
        );
    });
}

/// How many packets a link has sent.
fn sent(link: &str) -> u64 {
    ip_json(&format!("-s link show dev {link}"))[0]["stats64"]["tx"]["packets"].as_u64().expect("a number")
}

#[test]
fn reports_of_groups_are_kept_off_macvlans() {
    with_cable(|host| {
        let eth0 = index(host, "eth0");
        let mut firewall = Firewall::open().expect("nftables");
        let guarded = host.add_macvlan("vrrp.1", eth0, [0, 0, 0x5e, 0, 1, 1]).expect("a macvlan").0;
        firewall.change(&[Guard::Link(guarded)], &[]).expect("changed");
        let before = sent("vrrp.1");
        let free = host.add_macvlan("vrrp.2", eth0, [0, 0, 0x5e, 0, 1, 2]).expect("a macvlan").0;
        for (name, link) in [("vrrp.1", guarded), ("vrrp.2", free)] {
            // Joins the group of its solicitations, and a group of IPv4.
            let vip = address("2001:db8::7", 128);
            assert_eq!(host.change_addresses(&change(Action::Add, link, [&vip])).expect("an outcome"), []);
            run(format!("ip address add 239.1.2.3/32 dev {name} autojoin")).ok();
        }
        // Reports are sent within a second.
        thread::sleep(Duration::from_millis(1500));
        assert!(sent("vrrp.2") > 0, "reports are sent where nobody minds");
        assert_eq!(sent("vrrp.1") - before, 0);
        // Everything else gets through.
        run("ip address add 198.51.100.1/24 dev vrrp.1").ok();
        let _ = run("ping -n -c 1 -W 1 -I vrrp.1 -b 198.51.100.255");
        assert!(sent("vrrp.1") > before);
    });
}

#[test]
fn left_over_tables_go_and_those_of_others_are_respected() {
    in_netns(|| {
        // Of a run on a kernel that knows no owners.
        run(format!("nft add table inet {TABLE}")).ok();
        run(format!("nft add set inet {TABLE} addresses4 {{ type ipv4_addr; }}").as_str()).ok();
        let mut first = Firewall::open().expect("nftables");
        assert_ne!(table().status, 0, "removed at the start");
        run(format!("nft add table inet {TABLE}")).ok();
        first.change(&[guard("192.0.2.1")], &[]).expect("made anew");
        assert!(table().ok().contains("192.0.2.1"));

        let mut second = Firewall::open().expect("nftables");
        let error = second.change(&[guard("192.0.2.2")], &[]).expect_err("taken");
        assert_eq!(
            error.to_string(),
            "cannot drop packets to virtual addresses: another process that runs has the nftables table lvsadm_vrrp"
        );
        drop(first);
        second.change(&[guard("192.0.2.2")], &[]).expect("free now");
        assert!(table().ok().contains("192.0.2.2"));
        // Nobody flushes it by accident.
        run("nft flush ruleset").ok();
        assert!(table().ok().contains("192.0.2.2"));
    });
}

#[test]
fn many_addresses_are_guarded_at_once() {
    in_netns(|| {
        let mut firewall = Firewall::open().expect("nftables");
        let many: Vec<_> = (0..2500).map(|n| guard(&format!("10.0.{}.{}", n / 250, n % 250))).collect();
        firewall.change(&many, &[]).expect("changed");
        let elements = |text: &str| text.matches("10.0.").count();
        assert_eq!(elements(&table().ok()), many.len());
        firewall.change(&[], &many).expect("changed");
        assert_eq!(elements(&table().ok()), 0);
        // A host that looks on is still there.
        assert!(Host::open().expect("a client").links().is_ok());
    });
}
