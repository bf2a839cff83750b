//! Tunnels: interfaces, filters, ports, sizes.

use super::{answers, cluster, fails, says, serve, works};
use crate::support::hosts::{Family, Forwarding, Hosts};

const HERE: &str = "--real-server --mode tun --vip 10.0.0.100";

#[test]
fn a_tunnel_that_is_down() {
    for family in [Family::V4, Family::V6] {
        let hosts = cluster(1, Forwarding::Tun, family);
        let (vip, server) = (hosts.vip(family), &hosts.servers[0]);
        let tunnel = if family == Family::V4 { "tunl0" } else { "ip6tnl0" };
        // The address goes with an IPv6 link that goes down.
        server.run(format!("ip link set {tunnel} down")).ok();
        server.add_address(vip, "lo");
        fails(&hosts, family);
        let text = says(&hosts.director, "", &[9]);
        assert!(text.contains(&format!("--vip {vip} --mode tun")), "{text}");
        let here = format!("--real-server --mode tun --vip {vip}");
        says(server, &here, &[9]);
        assert_eq!(server.lvsadm(format!("doctor --fix {here}")).status, 0);
        works(&hosts, family);
        says(&hosts.director, "", &[]);
    }
}

#[test]
fn a_filter_that_is_strict() {
    let hosts = cluster(1, Forwarding::Tun, Family::V4);
    let server = &hosts.servers[0];
    server.sysctl("net/ipv4/conf/tunl0/rp_filter", 1);
    fails(&hosts, Family::V4);
    says(server, HERE, &[8]);
    says(&hosts.director, "", &[9]);
}

#[test]
fn a_port_that_nobody_listens_at() {
    let hosts = Hosts::new(1);
    hosts.director.add_address(hosts.vip(Family::V4), "eth0");
    let server = &hosts.servers[0];
    let prepare = "prepare real-server --mode tun --vip 10.0.0.100 --tun-type gue --tun-port";
    server.lvsadm(format!("{prepare} 6081")).ok();
    serve(&hosts, Family::V4, "-i --tun-type gue --tun-port 6080");
    fails(&hosts, Family::V4);
    let text = says(&hosts.director, "", &[9]);
    assert!(text.contains("nobody listens at UDP port 6080"), "{text}");
    let here = format!("{HERE} --tun-type gue --tun-port 6080");
    let text = says(server, &here, &[9]);
    assert!(text.contains("UDP port 6081 is open"), "{text}");
    server.lvsadm(format!("{prepare} 6080")).ok();
    works(&hosts, Family::V4);
    says(&hosts.director, "", &[]);
    says(server, &here, &[]);
    server.lvsadm("prepare undo").ok();
    fails(&hosts, Family::V4);
}

#[test]
fn what_is_wrapped_is_filtered() {
    let hosts = cluster(1, Forwarding::Tun, Family::V4);
    let server = &hosts.servers[0];
    server.run("iptables-legacy -A INPUT -p 4 -j DROP").ok();
    fails(&hosts, Family::V4);
    says(server, HERE, &[13]);
    says(&hosts.director, "", &[9]);
}

#[test]
fn packets_that_are_too_large_for_the_way() {
    let hosts = cluster(1, Forwarding::Tun, Family::V4);
    // One segment of 1440 bytes, which is too large once it is wrapped.
    let header = format!("X-Pad: {}", "x".repeat(1367));
    let request =
        ["curl", "-sSf", "-o", "/dev/null", "--max-time", "4", "-A", "x", "-H", &header, "http://10.0.0.100/"];
    let large = || hosts.client.run(request).status == 0;
    assert!(large(), "the director says what is too large, and the client sends less");
    says(&hosts.director, "", &[]);
    // The director's link takes more, and what comes behind it does not.
    hosts.director.run("ip link set eth0 mtu 2000").ok();
    hosts.on_lan("ip link set director mtu 2000").ok();
    hosts.client.run("ip route flush cache").ok();
    hosts.client.run("ip link set eth0 down").ok();
    hosts.client.run("ip link set eth0 up").ok();
    assert!(answers(&hosts, Family::V4, ""), "what is small gets through");
    assert!(!large());
    let text = says(&hosts.director, "", &[10]);
    // Links let four bytes more through, for a tag.
    assert!(text.contains("bytes they pass") && text.contains("dev eth0 mtu 150"), "{text}");
    hosts.director.run("ip route replace 10.0.0.11/32 dev eth0 mtu 1500").ok();
    assert!(large());
    says(&hosts.director, "", &[]);
}
