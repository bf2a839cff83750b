//! Listings of connections and counters that are not zero.

use std::net::{SocketAddr, UdpSocket};

use super::{ours, stock, words};
use crate::support::hosts::{Family, Forwarding, Hosts};

/// Compares listings that change by themselves: ours must be what the stock program says just before or just after.
#[track_caller]
fn compare(hosts: &Hosts, line: &str) {
    let words = words(line);
    let mut last = Vec::new();
    for _ in 0..5 {
        last = hosts
            .director
            .inside(|| vec![stock("ipvsadm", &words, ""), ours("ipvsadm", &words, ""), stock("ipvsadm", &words, "")]);
        let parts: Vec<_> = last.iter().map(|output| (&output.stdout, &output.stderr, output.status)).collect();
        if parts.get(1) == parts.first() || parts.get(1) == parts.last() {
            return;
        }
    }
    let shown: Vec<String> = last.iter().map(ToString::to_string).collect();
    panic!("stock, ours, stock:\n{}", shown.join("\n"));
}

#[test]
fn connections_and_counters() {
    let hosts = Hosts::new(2);
    for family in [Family::V4, Family::V6] {
        hosts.prepare(Forwarding::Nat, family);
        let service = SocketAddr::new(hosts.vip(family), 80);
        hosts.director.ipvsadm(format!("-A -t {service} -s rr -p 500")).ok();
        for server in &hosts.servers {
            hosts.director.ipvsadm(format!("-a -t {service} -r {}:80 -m", bracketed(server.address(family)))).ok();
        }
        hosts.requests(5, hosts.vip(family));
        sip(&hosts, family);
    }
    for listing in [
        "-Lnc",
        "-Lc",
        "-Lnc --persistent-conn",
        "-Lc --persistent-conn",
        "-Ln",
        "-Ln --stats",
        "-Ln --stats --exact",
        "-Ln --rate",
        "-Ln --persistent-conn",
        "-Ln --thresholds",
    ] {
        compare(&hosts, listing);
    }
    let connections = hosts.director.ipvsadm("-Lnc --persistent-conn").ok();
    assert!(connections.contains("ASSURED") && connections.contains("call-1@client"), "{connections}");
    hosts.director.ipvsadm("-Z").ok();
    compare(&hosts, "-Ln --stats");
}

/// Makes a persistence template with data of the engine.
fn sip(hosts: &Hosts, family: Family) {
    let vip = hosts.vip(family);
    let service = SocketAddr::new(vip, 5060);
    hosts.director.ipvsadm(format!("-A -u {service} -s rr -p 500 --pe sip")).ok();
    let server = bracketed(hosts.servers[0].address(family));
    hosts.director.ipvsadm(format!("-a -u {service} -r {server}:5060 -m")).ok();
    hosts.client.inside(|| {
        let any = if vip.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).expect("a socket");
        let message = format!("OPTIONS sip:{vip} SIP/2.0\r\nCall-ID: call-1@client\r\n\r\n");
        socket.send_to(message.as_bytes(), service).expect("to send");
    });
}

fn bracketed(address: std::net::IpAddr) -> String {
    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
}
