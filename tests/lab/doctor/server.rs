//! Direct routing: what is wrong with a real server, seen from the director and on the server itself.

use super::{cluster, fails, says, works};
use crate::support::hosts::{Family, Forwarding};

const HERE: &str = "--real-server --mode dr --vip 10.0.0.100";

#[test]
fn a_server_without_the_address() {
    for family in [Family::V4, Family::V6] {
        let hosts = cluster(1, Forwarding::Dr, family);
        let (vip, server) = (hosts.vip(family), &hosts.servers[0]);
        let bits = if vip.is_ipv4() { 32 } else { 128 };
        server.run(format!("ip address del {vip}/{bits} dev lo")).ok();
        fails(&hosts, family);
        let text = says(&hosts.director, "", &[6]);
        assert!(text.contains(&format!("lvsadm prepare real-server --vip {vip} --mode dr")), "{text}");
        let here = format!("--real-server --mode dr --vip {vip}");
        says(server, &here, &[6]);
        // That much is safe to be done by itself.
        assert_eq!(server.lvsadm(format!("doctor --fix {here}")).status, 0);
        works(&hosts, family);
        says(&hosts.director, "", &[]);
        server.lvsadm("prepare undo").ok();
        says(server, &here, &[6]);
    }
}

#[test]
fn a_server_that_is_dead_and_one_that_listens_elsewhere() {
    let mut hosts = cluster(1, Forwarding::Dr, Family::V4);
    hosts.kill_web_server(0);
    fails(&hosts, Family::V4);
    assert!(says(&hosts.director, "", &[6]).contains("nobody listens at port 80"));
    hosts.revive_web_server(0);
    says(&hosts.director, "", &[]);
    hosts.servers[0].run("ip link set eth0 down").ok();
    fails(&hosts, Family::V4);
    assert!(says(&hosts.director, "", &[6]).contains("neither 10.0.0.11:80 nor 10.0.0.100:80 answers"));
}

#[test]
fn a_prefix_that_swallows_the_network() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let server = &hosts.servers[0];
    server.run("ip address del 10.0.0.100/32 dev lo").ok();
    server.run("ip address add 10.0.0.100/24 dev lo").ok();
    fails(&hosts, Family::V4);
    says(server, HERE, &[7]);
    says(&hosts.director, "", &[6]);
}

#[test]
fn a_server_that_announces_the_address() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let server = &hosts.servers[0];
    server.sysctl("net/ipv4/conf/all/arp_announce", 0);
    says(server, HERE, &[5]);
    // It asks for the client as the virtual address, and the client believes that it is there.
    server.run("ip neighbour flush dev eth0").ok();
    works(&hosts, Family::V4);
    let mac = super::mac(server);
    let learnt = hosts.client.run("ip neighbour show 10.0.0.100").ok();
    assert!(learnt.contains(&mac), "{learnt}");
}

#[test]
fn a_server_that_filters() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let server = &hosts.servers[0];
    server.run("iptables-legacy -A INPUT -d 10.0.0.100 -p tcp --dport 80 -j DROP").ok();
    fails(&hosts, Family::V4);
    says(server, &format!("{HERE} --port 80"), &[13]);
    says(&hosts.director, "", &[6]);
}

#[test]
fn a_server_whose_answers_leave_elsewhere() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let server = &hosts.servers[0];
    for command in ["ip link add d0 type dummy", "ip address add 10.8.0.1/24 dev d0", "ip link set d0 up"] {
        server.run(command).ok();
    }
    server.run("ip route add default via 10.8.0.2").ok();
    server.sysctl("net/ipv4/conf/eth0/rp_filter", 1);
    hosts.client.run("ip address add 10.7.0.2/24 dev eth0").ok();
    assert!(!super::answers(&hosts, Family::V4, "--interface 10.7.0.2"));
    says(server, &format!("{HERE} --gateway 10.0.0.1"), &[8]);
}
