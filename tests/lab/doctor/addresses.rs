//! Virtual addresses on the director, and who else answers for them.

use super::{cluster, fails, says, works};
use crate::support::hosts::{Family, Forwarding};

#[test]
fn a_director_without_the_address() {
    for family in [Family::V4, Family::V6] {
        let hosts = cluster(1, Forwarding::Dr, family);
        let vip = hosts.vip(family);
        let bits = if vip.is_ipv4() { 32 } else { 128 };
        hosts.director.run(format!("ip address del {vip}/{bits} dev eth0")).ok();
        fails(&hosts, family);
        let text = says(&hosts.director, "", &[3]);
        assert!(text.contains("ip address add") && text.contains("dev eth0"), "{text}");
    }
}

#[test]
fn a_mark_that_nobody_sets_and_one_that_is_routed_away() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let director = &hosts.director;
    director.ipvsadm("-D -t 10.0.0.100:80").ok();
    director.ipvsadm("-A -f 5 -s rr").ok();
    director.ipvsadm("-a -f 5 -r 10.0.0.11:0 -g").ok();
    fails(&hosts, Family::V4);
    assert!(says(director, "", &[3]).contains("no rule of the firewall sets the mark 5"));
    // The lab's kernel has no nftables for these families, so it is iptables of the old kind.
    director.run("iptables-legacy -t mangle -A PREROUTING -d 10.0.0.100 -p tcp --dport 80 -j MARK --set-mark 5").ok();
    works(&hosts, Family::V4);
    says(director, "", &[]);
    director.run("ip address del 10.0.0.100/32 dev eth0").ok();
    fails(&hosts, Family::V4);
    assert!(says(director, "", &[3]).contains("are not for this host"));
    director.run("ip rule add fwmark 5 lookup 100").ok();
    director.run("ip route add local 10.0.0.100/32 dev lo table 100").ok();
    // Nobody answers ARP for it now, so the client is told where it is.
    hosts.client.run("ip route add 10.0.0.100/32 via 10.0.0.1").ok();
    works(&hosts, Family::V4);
    says(director, "", &[]);
}

#[test]
fn an_address_on_two_links() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    hosts.director.run("ip address add 10.0.0.100/32 dev lo").ok();
    // It is no failure by itself.
    works(&hosts, Family::V4);
    says(&hosts.director, "", &[4]);
}

#[test]
fn a_server_that_answers_for_the_address() {
    let mut hosts = cluster(2, Forwarding::Dr, Family::V4);
    let server = hosts.servers[0].clone();
    server.sysctl("net/ipv4/conf/all/arp_ignore", 0);
    let text = says(&hosts.director, "", &[5]);
    assert!(text.contains("the real server 10.0.0.11"), "{text}");
    let text = says(&server, "--real-server --mode dr --vip 10.0.0.100", &[5]);
    assert!(text.contains("net/ipv4/conf/all/arp_ignore=1"), "{text}");
    // A client that believes that server is not balanced any more: when the server is out, the client has nobody.
    let mac = super::mac(&server);
    hosts.client.run(format!("ip neighbour replace 10.0.0.100 lladdr {mac} dev eth0")).ok();
    hosts.kill_web_server(0);
    hosts.director.ipvsadm("-d -t 10.0.0.100:80 -r 10.0.0.11:80").ok();
    fails(&hosts, Family::V4);
    hosts.client.run("ip neighbour del 10.0.0.100 dev eth0").ok();
    server.sysctl("net/ipv4/conf/all/arp_ignore", 1);
    works(&hosts, Family::V4);
    says(&hosts.director, "", &[]);
}

#[test]
fn a_server_that_has_the_address_on_its_network() {
    for family in [Family::V4, Family::V6] {
        let hosts = cluster(1, Forwarding::Dr, family);
        let vip = hosts.vip(family);
        let server = &hosts.servers[0];
        let bits = if vip.is_ipv4() { 32 } else { 128 };
        server.run(format!("ip address del {vip}/{bits} dev lo")).ok();
        server.add_address(vip, "eth0");
        assert!(says(&hosts.director, "", &[5]).contains("answers for it, too"));
        assert!(says(server, &format!("--real-server --mode dr --vip {vip}"), &[5]).contains("dev eth0"));
    }
}

#[test]
fn answers_that_do_not_come_back_the_same_way() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let director = &hosts.director;
    // Clients elsewhere come in by eth0, and the default route leaves by another link.
    for command in ["ip link add d0 type dummy", "ip address add 10.8.0.1/24 dev d0", "ip link set d0 up"] {
        director.run(command).ok();
    }
    director.run("ip route add default via 10.8.0.2").ok();
    hosts.client.run("ip address add 10.7.0.2/24 dev eth0").ok();
    hosts.servers[0].run("ip route add 10.7.0.0/24 dev eth0").ok();
    assert!(super::answers(&hosts, Family::V4, "--interface 10.7.0.2"));
    says(director, "", &[]);
    director.sysctl("net/ipv4/conf/eth0/rp_filter", 1);
    assert!(!super::answers(&hosts, Family::V4, "--interface 10.7.0.2"));
    says(director, "", &[8]);
    director.lvsadm("doctor --file /dev/null --fix").ok();
    assert!(super::answers(&hosts, Family::V4, "--interface 10.7.0.2"));
    director.lvsadm("prepare undo").ok();
    says(director, "", &[8]);
}
