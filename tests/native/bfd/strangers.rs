//! Garbage and forged packets: counted, and without effect.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use lvsadm::bfd::packet::{Control, State};

use super::{LIMIT, bfd_run, session, until_up};
use crate::vrrp::site::{Site, until};

#[test]
fn forged_packets_have_no_effect() {
    let site = Site::new(3);
    let [us, them, stranger] = site.hosts.as_slice() else { panic!("three hosts") };
    let key = us.file("key", "a key\n");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("ours");
    let line = |address: &str| {
        format!(
            "bfd add peer --neighbour {address} --min-tx 100ms --min-rx 100ms --multiplier 5 --auth meticulous-sha1 --secret-file {}\n",
            key.display()
        )
    };
    let _ours = bfd_run(us, &line("10.9.9.2"));
    let _theirs = bfd_run(them, &line("10.9.9.1"));
    until_up(us, "peer");
    let before = session(us, "peer");
    let yours = u32::try_from(before["discriminator"].as_u64().expect("a number")).expect("32 bits");
    let forged = |state, yours| Control { state, multiplier: 3, mine: 9, yours, ..Control::default() }.encode();
    let to: SocketAddr = "10.9.9.1:3784".parse().expect("an address");
    let send = |from: &str, ttl: u32, packets: &[Vec<u8>]| {
        // The stranger has taken the neighbour's address.
        let source: SocketAddr = format!("{from}:0").parse().expect("an address");
        stranger.inside(|| {
            let socket = UdpSocket::bind(source).expect("a socket");
            socket.set_ttl(ttl).expect("a TTL");
            packets.iter().for_each(|packet| _ = socket.send_to(packet, to).expect("sent"));
        });
    };
    // It forges packets of BFD, and leaves the neighbour's ARP alone.
    for switch in ["arp_ignore=1", "arp_announce=2"] {
        stranger.run(format!("sysctl -qw net.ipv4.conf.all.{switch}")).ok();
    }
    let link = us.run("ip -brief link show dev eth0").ok();
    let mac = link.split_whitespace().nth(2).expect("a MAC address");
    stranger.run(format!("ip neighbour replace 10.9.9.1 lladdr {mac} dev eth0 nud permanent")).ok();
    stranger.run("ip address add 10.9.9.2/32 dev lo").ok();
    let garbage: Vec<Vec<u8>> =
        vec![vec![], vec![0x20], vec![0xff; 24], vec![0x20, 0xc0, 3, 24, 0, 0, 0, 1], vec![0x20; 2000]];
    for _ in 0..10 {
        send("10.9.9.2", 255, &garbage);
        send("10.9.9.2", 255, &[forged(State::Down, yours), forged(State::AdminDown, 0), forged(State::Up, yours)]);
        send("10.9.9.2", 254, &[forged(State::AdminDown, yours)]);
        send("10.9.9.2", 255, &[forged(State::Down, yours.wrapping_add(1).max(1))]);
        send("10.9.9.3", 255, &[forged(State::Down, 0), forged(State::AdminDown, yours)]);
    }
    until("all of it is counted", LIMIT, || {
        let rejected = session(us, "peer")["counters"]["rejected"].clone();
        let count = |what: &str| rejected[what].as_u64().unwrap_or_default();
        count("authentication_mismatch") >= 30
            && count("ttl") == 10
            && count("discriminator") >= 10
            && count("length") >= 10
    });
    let after = session(us, "peer");
    assert_eq!((&after["state"], &after["changes"]), (&"up".into(), &before["changes"]), "{after}");
    assert_eq!(session(them, "peer")["changes"], before["changes"]);
}

#[test]
fn keys_that_differ_bring_nothing_up() {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let ours = bfd_run(us, "bfd add peer --neighbour 10.9.9.2 --auth md5 --secret one\n");
    let _theirs = bfd_run(them, "bfd add peer --neighbour 10.9.9.1 --auth md5 --secret two\n");
    until("the reason", LIMIT, || ours.log().contains("its password or digest is wrong"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(session(us, "peer")["state"], "down");
    assert!(!ours.log().contains("one"), "a secret is in no log");
}
