//! Masquerading: the way back.

use super::{answers_within, cluster, doctor, fails, fired, says, works};
use crate::support::{
    hosts::{Family, Forwarding, Hosts},
    until,
};

#[test]
fn a_director_that_passes_nothing_on() {
    for family in [Family::V4, Family::V6] {
        let hosts = cluster(1, Forwarding::Nat, family);
        let switch = if family == Family::V4 { "net/ipv4/ip_forward" } else { "net/ipv6/conf/all/forwarding" };
        hosts.director.sysctl(switch, 0);
        fails(&hosts, family);
        says(&hosts.director, "", &[2]);
        assert_eq!(hosts.director.lvsadm("doctor --file /dev/null --fix").status, 0);
        works(&hosts, family);
    }
}

#[test]
fn a_server_that_answers_by_somebody_else() {
    for family in [Family::V4, Family::V6] {
        let hosts = cluster(1, Forwarding::Nat, family);
        let (server, director) = (&hosts.servers[0], hosts.director.address(family));
        let (client, bits) = (hosts.client.address(family), if family == Family::V4 { 32 } else { 128 });
        server.run(format!("ip route del {client}/{bits}")).ok();
        server.run(format!("ip route replace default via {client}")).ok();
        fails(&hosts, family);
        let text = says(&hosts.director, "", &[11]);
        assert!(text.contains(&format!("--gateway {director}")), "{text}");
        says(server, &format!("--real-server --mode nat --gateway {director}"), &[11]);
    }
}

#[test]
fn a_client_on_the_servers_network() {
    let hosts = cluster(1, Forwarding::Nat, Family::V4);
    let server = &hosts.servers[0];
    server.run("ip route del 10.0.0.2/32").ok();
    // The server has the default route, and does not need it for its neighbour. Who has only just begun may still get his answer:
    // the client is to wait for longer.
    assert!(!answers_within(&hosts, Family::V4, "", "3"), "the client should get no answer");
    let text = says(&hosts.director, "", &[11]);
    assert!(text.contains("the client 10.0.0.2 is on the servers' own network"), "{text}");
    let here = "--real-server --mode nat --gateway 10.0.0.1";
    says(server, &format!("{here} --client 10.0.0.2"), &[11]);
    server.lvsadm("prepare real-server --mode nat --gateway 10.0.0.1 --client 10.0.0.2").ok();
    works(&hosts, Family::V4);
    says(server, &format!("{here} --client 10.0.0.2"), &[]);
    server.lvsadm("prepare undo").ok();
}

#[test]
fn a_director_that_tells_a_shorter_way() {
    let hosts = cluster(1, Forwarding::Nat, Family::V4);
    hosts.director.sysctl("net/ipv4/conf/all/send_redirects", 1);
    hosts.director.sysctl("net/ipv4/conf/eth0/send_redirects", 1);
    says(&hosts.director, "", &[12]);
    // Servers listen to it, unless told otherwise: in the middle of a connection this one goes the shorter way, and the client
    // gets answers from somebody whom it has not asked. So it is with new connections from then on.
    let large =
        ["curl", "-sSf", "-o", "/dev/null", "--limit-rate", "4M", "--max-time", "20", "http://10.0.0.100/large"];
    until("the server goes the shorter way", || hosts.client.run(large).status != 0);
    fails(&hosts, Family::V4);
    let (rules, text) = fired(&doctor(&hosts.director, ""));
    assert!(rules.contains(&12), "{text}");
    // It keeps to it for minutes, unless somebody has it forget.
    hosts.servers[0].run("ip route flush cache").ok();
    assert_eq!(hosts.director.lvsadm("doctor --file /dev/null --fix").status, 0);
    works(&hosts, Family::V4);
}

#[test]
fn redirects_that_no_switch_of_the_director_stops() {
    let hosts = cluster(1, Forwarding::Nat, Family::V6);
    let server = &hosts.servers[0];
    server.sysctl("net/ipv6/conf/eth0/accept_redirects", 1);
    let here = "--real-server --mode nat --gateway fd00::1 --client fd00::2";
    says(server, here, &[12]);
    assert_eq!(server.lvsadm(format!("doctor --fix {here}")).status, 0);
}

#[test]
fn sources_that_are_not_rewritten() {
    // The servers know nothing of the director: their answers come back because it puts its own address in.
    let hosts = Hosts::new(1);
    hosts.director.add_address(hosts.vip(Family::V4), "eth0");
    super::serve(&hosts, Family::V4, "-m");
    hosts.director.run("iptables-legacy -t nat -A POSTROUTING -d 10.0.0.11 -j MASQUERADE").ok();
    fails(&hosts, Family::V4);
    says(&hosts.director, "", &[14]);
    assert_eq!(hosts.director.lvsadm("doctor --file /dev/null --fix").status, 0);
    works(&hosts, Family::V4);
    says(&hosts.director, "", &[]);
    hosts.director.lvsadm("prepare undo").ok();
    says(&hosts.director, "", &[14]);
}
