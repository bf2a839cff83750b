//! Shows that the lab is real: the stock tool makes this kernel balance real requests over real web servers.

use std::net::SocketAddr;

use crate::support::hosts::{Family, Forwarding, Hosts};
use crate::support::{in_netns, ipvsadm, lvsadm};

#[test]
fn each_network_namespace_has_its_own_table() {
    in_netns(|| {
        ipvsadm("-A -t 127.0.0.1:80 -s rr").ok();
        let elsewhere = in_netns(|| ipvsadm("-S -n").ok());
        assert_eq!(elsewhere, "");
        assert_eq!(ipvsadm("-S -n").ok(), "-A -t 127.0.0.1:80 -s rr\n");
    });
}

#[test]
fn a_failed_command_shows_what_happened() {
    let output = in_netns(|| ipvsadm("-D -t 127.0.0.1:80"));
    assert_eq!(output.status, 255);
    assert_eq!(output.to_string(), "$ ipvsadm -D -t 127.0.0.1:80\n--- stderr\nNo such service\n--- status 255");
}

#[test]
fn the_program_under_test_runs_here() {
    in_netns(|| lvsadm("--version").ok());
    Hosts::new(0).director.lvsadm("--version").ok();
}

#[test]
fn direct_routing_ipv4() {
    balances(Forwarding::Dr, Family::V4);
}

#[test]
fn direct_routing_ipv6() {
    balances(Forwarding::Dr, Family::V6);
}

#[test]
fn masquerading_ipv4() {
    balances(Forwarding::Nat, Family::V4);
}

#[test]
fn masquerading_ipv6() {
    balances(Forwarding::Nat, Family::V6);
}

#[test]
fn tunnelling_ipv4() {
    balances(Forwarding::Tun, Family::V4);
}

#[test]
fn tunnelling_ipv6() {
    balances(Forwarding::Tun, Family::V6);
}

/// Stock ipvsadm makes a service of two servers; six requests go to them in turn.
fn balances(forwarding: Forwarding, family: Family) {
    let hosts = Hosts::new(2);
    hosts.prepare(forwarding, family);
    let vip = hosts.vip(family);
    let service = SocketAddr::new(vip, 80);
    hosts.director.ipvsadm(format!("-A -t {service} -s rr")).ok();
    for server in &hosts.servers {
        let real = SocketAddr::new(server.address(family), 80);
        let method = forwarding.option();
        hosts.director.ipvsadm(format!("-a -t {service} -r {real} {method}")).ok();
    }

    let mut answers = hosts.requests(6, vip);
    assert_ne!(answers[0], answers[1], "round robin takes turns: {answers:?}");
    answers.sort();
    assert_eq!(answers, ["rs1", "rs1", "rs1", "rs2", "rs2", "rs2"]);

    // The requests went through the table, and not past it. Connections, because the counters lag by two seconds.
    let connections = hosts.director.ipvsadm("-lnc").ok();
    let through = connections.lines().filter(|line| line.contains(&service.to_string())).count();
    assert_eq!(through, 6, "{connections}");
}
