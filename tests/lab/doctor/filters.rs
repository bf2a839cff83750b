//! Firewalls of the director.

use std::sync::PoisonError;

use super::{cluster, fails, says, works};
use crate::support::hosts::{Family, Forwarding};

#[test]
fn packets_of_clients_are_dropped() {
    for family in [Family::V4, Family::V6] {
        let hosts = cluster(1, Forwarding::Dr, family);
        let program = if family == Family::V4 { "iptables-legacy" } else { "ip6tables-legacy" };
        if family == Family::V6 {
            hosts.director.run(format!("{program} -A INPUT -p ipv6-icmp -j ACCEPT")).ok();
        }
        hosts.director.run(format!("{program} -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")).ok();
        hosts.director.run(format!("{program} -P INPUT DROP")).ok();
        fails(&hosts, family);
        let text = says(&hosts.director, "", &[13]);
        assert!(text.contains("filter INPUT, policy DROP"), "{text}");
        let mend = format!("-t filter -I INPUT -d {} -p tcp --dport 80 -j ACCEPT", hosts.vip(family));
        assert!(text.contains(&mend), "{text}");
        hosts.director.run(format!("{program} {mend}")).ok();
        works(&hosts, family);
        says(&hosts.director, "", &[]);
    }
}

#[test]
fn answers_of_servers_are_dropped() {
    let hosts = cluster(1, Forwarding::Nat, Family::V4);
    // As Docker leaves it.
    hosts.director.run("iptables-legacy -P FORWARD DROP").ok();
    fails(&hosts, Family::V4);
    let text = says(&hosts.director, "", &[13]);
    assert!(text.contains("chain ip filter FORWARD, policy DROP"), "{text}");
    hosts.director.run("iptables-legacy -I FORWARD -s 10.0.0.11 -p tcp --sport 80 -j ACCEPT").ok();
    works(&hosts, Family::V4);
    says(&hosts.director, "", &[]);
}

#[test]
fn what_is_passed_on_is_dropped() {
    let hosts = cluster(1, Forwarding::Tun, Family::V4);
    hosts.director.run("iptables-legacy -A OUTPUT -p 4 -j DROP").ok();
    fails(&hosts, Family::V4);
    // Probes go past the filter.
    assert!(says(&hosts.director, "", &[13]).contains("chain ip filter OUTPUT"));
}

#[test]
fn the_table_of_tracked_connections_is_full() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let director = &hosts.director;
    director.run("iptables-legacy -A INPUT -m conntrack --ctstate NEW").ok();
    works(&hosts, Family::V4);
    says(director, "", &[]);
    // What IPVS passes on is not counted; the director's own connections are.
    (0..4).for_each(|_| drop(director.run("curl -sSf http://10.0.0.11/").ok()));
    // One limit for all network namespaces, and only the first one may set it. So this is short.
    let most = |value: &str| crate::support::run(["sysctl", "-qw", &format!("net.netfilter.nf_conntrack_max={value}")]);
    let _alone = super::COMMON.write().unwrap_or_else(PoisonError::into_inner);
    let before = director.run("sysctl -n net.netfilter.nf_conntrack_max").ok();
    if most("2").status != 0 {
        return;
    }
    let (failed, report) = (!super::answers(&hosts, Family::V4, ""), super::report(director, ""));
    most(before.trim()).ok();
    assert!(failed, "the client is dropped");
    assert_eq!(super::fired(&report).0, [14]);
}
