//! The table itself, and switches of IPVS.

use std::{thread, time::Duration};

use lvsadm::ipvs::Client;
use lvsadm::model::{self, Change, Protocol, RealServer, ServerKey, ServiceKey, Thresholds, Tunnel, Weight};

use super::{cluster, fails, says, works};
use crate::support::hosts::{Family, Forwarding};

#[test]
fn no_server_is_eligible() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    hosts.director.ipvsadm("-e -t 10.0.0.100:80 -r 10.0.0.11:80 -g -w 0").ok();
    fails(&hosts, Family::V4);
    says(&hosts.director, "", &[17]);
    hosts.director.ipvsadm("-d -t 10.0.0.100:80 -r 10.0.0.11:80").ok();
    fails(&hosts, Family::V4);
    assert!(says(&hosts.director, "", &[17]).contains("it has no server"));
    hosts.director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11:80 -g -x 1 -y 0").ok();
    works(&hosts, Family::V4);
    // The connection is still remembered.
    fails(&hosts, Family::V4);
    assert!(says(&hosts.director, "", &[17]).contains("upper threshold"));
}

/// Adds 10.0.0.11:80 to the service of port 8080.
fn add(forwarding: model::Forwarding) {
    let address = |text: &str| text.parse().expect("an address");
    let service = ServiceKey::Address { protocol: Protocol::Tcp, address: address("10.0.0.100"), port: 8080 };
    let key = ServerKey { address: address("10.0.0.11"), port: 80 };
    let server = RealServer { key, forwarding, weight: Weight::default(), thresholds: Thresholds::default() };
    let refusals = Client::open().expect("IPVS").apply(&[Change::AddServer(service, server)]).expect("the kernel");
    assert!(refusals.is_empty(), "{refusals:?}");
}

#[test]
fn a_port_that_the_kernel_does_not_look_at() {
    for forwarding in [Forwarding::Dr, Forwarding::Tun] {
        let hosts = cluster(1, forwarding, Family::V4);
        let director = &hosts.director;
        director.ipvsadm("-A -t 10.0.0.100:8080 -s rr").ok();
        // ipvsadm puts the service's port there; other programs do not.
        let forwarding = if forwarding == Forwarding::Dr {
            model::Forwarding::Route
        } else {
            model::Forwarding::Tunnel(Tunnel::Ipip)
        };
        director.inside(|| add(forwarding));
        let words = ["curl", "-sSf", "--max-time", "2", "http://10.0.0.100:8080/"];
        assert_ne!(hosts.client.run(words).status, 0);
        assert!(says(director, "", &[18]).contains("arrive at port 8080"));
    }
}

#[test]
fn the_director_as_its_own_client() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let ask = ["curl", "-sSf", "--max-time", "2.6", "http://10.0.0.100/"];
    assert_ne!(hosts.director.run(ask).status, 0);
    thread::sleep(Duration::from_millis(500));
    assert!(says(&hosts.director, "", &[19]).contains("cannot be a client of its own service"));
    works(&hosts, Family::V4);
}

#[test]
fn a_server_as_a_client() {
    let hosts = cluster(2, Forwarding::Nat, Family::V4);
    let ask = ["curl", "-sSf", "--max-time", "2.6", "http://10.0.0.100/"];
    // One of two goes to itself, the other one to its neighbour: both ways fail.
    assert_ne!(hosts.servers[0].run(ask).status, 0);
    assert_ne!(hosts.servers[0].run(ask).status, 0);
    thread::sleep(Duration::from_millis(500));
    assert!(says(&hosts.director, "", &[19]).contains("the real server 10.0.0.11 is a client"));
    works(&hosts, Family::V4);
}

#[test]
fn a_file_that_cannot_be_restored() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().display().to_string();
    let restore = || hosts.director.run(["sh", "-c", &format!("ipvsadm-restore <{path}")]);
    std::fs::write(&path, "-A -t 10.0.0.100:81 -s nosuch\n").expect("written");
    assert_ne!(restore().status, 0);
    assert!(says(&hosts.director, &format!("--file {path}"), &[1]).contains("ip_vs_nosuch"));
}

#[test]
fn a_server_of_the_other_family() {
    let hosts = cluster(1, Forwarding::Dr, Family::V6);
    let vip = hosts.vip(Family::V6);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().display().to_string();
    std::fs::write(&path, format!("-A -t [{vip}]:80 -s rr\n-a -t [{vip}]:80 -r 10.0.0.11:80 -g\n")).expect("written");
    assert!(says(&hosts.director, &format!("--file {path}"), &[20]).contains("different families"));
    works(&hosts, Family::V6);
    hosts.director.ipvsadm("-C").ok();
    assert_ne!(hosts.director.run(["sh", "-c", &format!("ipvsadm-restore <{path}")]).status, 0);
    fails(&hosts, Family::V6);
}

#[test]
fn clients_that_are_tied_to_a_server_that_is_out() {
    let mut hosts = cluster(2, Forwarding::Dr, Family::V4);
    hosts.director.ipvsadm("-E -t 10.0.0.100:80 -s rr -p 300").ok();
    let answer = hosts.requests(1, hosts.vip(Family::V4));
    let (number, real) = if answer[0] == "rs1" { (0, "10.0.0.11:80") } else { (1, "10.0.0.12:80") };
    says(&hosts.director, "", &[]);
    hosts.director.ipvsadm(format!("-e -t 10.0.0.100:80 -r {real} -g -w 0")).ok();
    hosts.kill_web_server(number);
    fails(&hosts, Family::V4);
    says(&hosts.director, "", &[21]);
    assert_eq!(hosts.director.lvsadm("doctor --file /dev/null --fix").status, 0);
    works(&hosts, Family::V4);
    hosts.director.lvsadm("prepare undo").ok();
}

#[test]
fn clients_that_use_a_port_again() {
    let mut hosts = cluster(2, Forwarding::Dr, Family::V4);
    hosts.director.sysctl("net/ipv4/vs/conn_reuse_mode", 0);
    hosts.director.sysctl("net/ipv4/vs/expire_nodest_conn", 1);
    says(&hosts.director, "", &[]);
    // The same port twice: the second time the server is out.
    let ask = || {
        let words = ["curl", "-sSf", "--max-time", "2", "--local-port", "4444", "http://10.0.0.100/"];
        hosts.client.run(words)
    };
    hosts.client.sysctl("net/ipv4/tcp_tw_reuse", 1);
    hosts.client.sysctl("net/ipv4/tcp_fin_timeout", 1);
    let number = usize::from(ask().ok().trim() == "rs2");
    hosts.director.ipvsadm(format!("-e -t 10.0.0.100:80 -r 10.0.0.1{}:80 -g -w 0", number + 1)).ok();
    says(&hosts.director, "", &[15]);
    hosts.kill_web_server(number);
    works(&hosts, Family::V4);
}

#[test]
fn a_sync_daemon_on_a_link_that_is_down() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let director = &hosts.director;
    for command in [
        "ip link add d0 type veth peer name d1",
        "ip address add 10.8.0.1/24 dev d0",
        "ip link set d0 up",
        "ip link set d1 up",
    ] {
        director.run(command).ok();
    }
    director.ipvsadm("--start-daemon backup --mcast-interface d0 --syncid 5").ok();
    says(director, "", &[]);
    director.run("ip link set d1 down").ok();
    says(director, "", &[22]);
}

#[test]
fn rates_that_nobody_counts() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let file = "/proc/sys/net/ipv4/vs/run_estimation";
    if !hosts.director.inside(|| std::path::Path::new(file).exists()) {
        return;
    }
    hosts.director.sysctl("net/ipv4/vs/run_estimation", 0);
    says(&hosts.director, "", &[23]);
    assert_eq!(hosts.director.lvsadm("doctor --file /dev/null --fix").status, 0);
    hosts.director.lvsadm("prepare undo").ok();
}
