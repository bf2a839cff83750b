//! Packets of strangers: garbage, forgeries, floods; and secrets.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    thread,
    time::Duration,
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::site::{Host, Site, until};

const VIP: &str = "10.9.9.100";
const LIMIT: Duration = Duration::from_secs(12);

fn options(priority: u8, more: &str) -> String {
    format!(
        "VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --priority {priority} --address {VIP}/24 {more}"
    )
}

/// Sends what follows the IP header to the group, from this host, with a TTL.
fn send(host: &Host, ttl: u32, packets: &[Vec<u8>]) {
    host.inside(|| {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(112))).expect("a raw socket");
        socket.bind_device(Some(b"eth0")).expect("a link");
        socket.set_multicast_ttl_v4(ttl).expect("a TTL");
        let group = SockAddr::from(SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 18), 0));
        for packet in packets {
            let _ = socket.send_to(packet, &group);
        }
    });
}

/// An advert of version 3 for VRID 51 from 10.9.9.2, with the right checksum.
fn advert(priority: u8) -> Vec<u8> {
    let mut bytes = vec![0x31, 51, priority, 1, 0, 10, 0, 0, 10, 9, 9, 100];
    let pseudo = [10, 9, 9, 2, 224, 0, 0, 18, 0, 112, 0, 12];
    let words = pseudo.chunks(2).chain(bytes.chunks(2)).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = !u16::try_from(sum).expect("16 bits");
    bytes[6..8].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn rejected(host: &Host, reason: &str) -> u64 {
    host.instance("VI_1")["counters"]["rejected"][reason].as_u64().unwrap_or_default()
}

#[test]
fn garbage_is_counted_by_reason_and_changes_nothing() {
    let site = Site::new(2);
    let [host, stranger] = site.hosts.as_slice() else { panic!("two hosts") };
    let daemon = host.vrrp_run(options(150, ""));
    until("it is master", LIMIT, || host.is("VI_1", "master"));
    let changed = |at: usize, value: u8| {
        let mut bytes = advert(200);
        bytes[at] = value;
        bytes
    };
    send(
        stranger,
        255,
        &[changed(7, 0x55), changed(0, 0x21), changed(0, 0x32), advert(200)[..10].to_vec(), vec![0x31, 51]],
    );
    // From beyond a router.
    send(stranger, 64, &[advert(200)]);
    until("all are counted", LIMIT, || {
        ["checksum", "kind", "length", "hops"].iter().all(|reason| rejected(host, reason) > 0)
    });
    assert!(host.has(VIP) && host.became_master("VI_1") == 1, "{}", daemon.log());
    assert_eq!(host.instance("VI_1")["counters"]["received"], 0, "{}", host.instance("VI_1"));
    assert!(daemon.log().contains("10.9.9.2"), "nobody is told: {}", daemon.log());
}

#[test]
fn a_flood_changes_nothing() {
    let site = Site::new(3);
    let [host, stranger, backup] = site.hosts.as_slice() else { panic!("three hosts") };
    let daemon = host.vrrp_run(options(150, ""));
    let _backup = backup.vrrp_run(options(100, ""));
    until("it is master", LIMIT, || host.is("VI_1", "master"));
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default().to_owned();
        line.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).expect("kilobytes")
    };
    let before = memory();
    let mut bad = advert(200);
    bad[7] ^= 1;
    // Garbage, and adverts of lower priority, each of which would be answered.
    let packets: Vec<Vec<u8>> = (0..20_000).map(|n| if n % 2 == 0 { bad.clone() } else { advert(50) }).collect();
    send(stranger, 255, &packets);
    until("it answers", LIMIT, || host.is("VI_1", "master"));
    thread::sleep(Duration::from_millis(500));
    let counters = host.instance("VI_1")["counters"].clone();
    println!("{counters}; {} kB more", memory().saturating_sub(before));
    assert!(rejected(host, "checksum") > 100);
    assert_eq!((host.became_master("VI_1"), backup.became_master("VI_1")), (1, 0), "{}", daemon.log());
    assert!(memory() < before + 4096, "{before} kB, then {} kB", memory());
    assert!(daemon.log().len() < 20_000, "the log is flooded, too: {} bytes", daemon.log().len());
}

#[test]
fn hmac_and_a_wrong_key() {
    for version in ["--version 2 --interval 1s", "--version 3 --interval 100ms"] {
        let site = Site::new(3);
        let [first, second, stranger] = site.hosts.as_slice() else { panic!("three hosts") };
        let run = |host: &Host, priority: u8, key: &str| {
            host.vrrp_run(format!(
                "VI_1 --interface eth0 --vrid 51 {version} --priority {priority} --address {VIP}/24 --hmac-key 1:{key}"
            ))
        };
        let right = "0123456789abcdef0123456789abcdef";
        let _a = run(first, 150, right);
        let _b = run(second, 100, right);
        until("host 1 is master, host 2 hears it", LIMIT, || {
            first.has(VIP) && second.instance("VI_1")["counters"]["received"].as_u64() > Some(2)
        });
        assert!(!second.has(VIP));
        let _c = run(stranger, 200, "ffffffffffffffffffffffffffffffff");
        until("the wrong key is counted", LIMIT, || rejected(first, "auth_failure") > 0);
        assert!(first.has(VIP), "{}", first.instance("VI_1"));
        assert_eq!(first.instance("VI_1")["counters"]["released_master"], 0);
    }
}

#[test]
fn unicast_peers_have_ttl_limits() {
    let site = Site::new(2);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    let _a = first.vrrp_run(options(100, "--unicast-peer 10.9.9.2,ttl=254-255"));
    until("host 1 is master", LIMIT, || first.has(VIP));
    let mut b = second.vrrp_run(options(150, "--unicast-peer 10.9.9.1 --ttl 64"));
    until("its adverts are rejected", LIMIT, || rejected(first, "hops") > 0);
    assert!(first.is("VI_1", "master"));
    b.stop();
    let _b = second.vrrp_run(options(150, "--unicast-peer 10.9.9.1 --ttl 254"));
    until("host 2 alone is master", LIMIT, || second.has(VIP) && !first.has(VIP));
}

#[test]
fn sequence_numbers_go_on_after_a_kill() {
    let site = Site::new(2);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    let run = |host: &Host, priority: u8| {
        host.vrrp_run(format!(
            "VI_1 --interface eth0 --vrid 51 --version 2 --auth ah --secret 1111 --priority {priority} --address {VIP}/24"
        ))
    };
    let mut a = run(first, 150);
    let b = run(second, 100);
    until("host 1 is master", LIMIT, || {
        first.has(VIP) && second.instance("VI_1")["counters"]["received"].as_u64() > Some(2)
    });
    a.kill();
    thread::sleep(Duration::from_millis(500));
    let _a = run(first, 150);
    thread::sleep(Duration::from_secs(4));
    assert_eq!(rejected(second, "replay"), 0, "{}", b.log());
    assert_eq!(second.became_master("VI_1"), 0);
    assert!(first.has(VIP));
}
