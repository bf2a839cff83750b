//! What is foretold of hashes is compared with what the kernel does, client by client.
//!
//! Datagrams of a service with one-packet scheduling are each scheduled by themselves, so a client costs two system calls and
//! leaves nothing behind.

use std::{
    collections::HashMap,
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use lvsadm::{
    ipvs::{
        Client,
        predict::{self, Choice, LastWeights, Packet},
    },
    model::SnapshotService,
};
use serde_json::Value;

use crate::support::{
    hosts::{Family, Forwarding, Hosts},
    in_netns, ipvsadm, lvsadm, run, run_with_input,
};

/// A director that is its own client and its own servers: clients are 10.50.0.0/16 or fd50::/64, servers 127.0.0.11 … or fd11::11 ….
struct World {
    vip: SocketAddr,
    servers: Vec<(SocketAddr, UdpSocket)>,
    v6: bool,
}

impl World {
    /// `weights` are those of the servers; `service` is the rest of the service's line.
    fn new(service: &str, weights: &[u32], v6: bool) -> Self {
        run("ip address add 10.9.0.1/32 dev lo").ok();
        run("ip -6 address add fd09::1/128 dev lo").ok();
        run("ip route add local 10.50.0.0/16 dev lo").ok();
        run("ip -6 route add local fd50::/64 dev lo").ok();
        run("ip -6 route add local fd11::/64 dev lo").ok();
        std::fs::write("/proc/sys/net/ipv6/ip_nonlocal_bind", "1").expect("a switch");
        std::fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1").expect("a switch");
        let vip: SocketAddr = if v6 { "[fd09::1]:53" } else { "10.9.0.1:53" }.parse().expect("an address");
        let mut table = format!("-A -u {vip} {service}\n");
        let mut servers = Vec::new();
        for (number, weight) in weights.iter().enumerate() {
            let address: IpAddr = if v6 {
                format!("fd11::{}", 11 + number).parse::<Ipv6Addr>().expect("an address").into()
            } else {
                Ipv4Addr::new(127, 0, 0, 11 + u8::try_from(number).expect("few servers")).into()
            };
            let address = SocketAddr::new(address, 53);
            let socket = UdpSocket::bind(address).expect("a server");
            socket.set_nonblocking(true).expect("a socket");
            servers.push((address, socket));
            table += &format!("-a -u {vip} -r {address} -m -w {weight}\n");
        }
        run_with_input("ipvsadm -R", table).ok();
        Self { vip, servers, v6 }
    }

    fn service(&self) -> SnapshotService {
        let snapshot = Client::open().expect("a client").snapshot().expect("a table");
        snapshot.services.into_iter().find(|each| each.service.key.port() == Some(53)).expect("the service")
    }

    /// The address of a client; they are scattered, and every port is another one.
    fn client(&self, number: u32) -> SocketAddr {
        let [.., high, low] = (number.wrapping_mul(40_503) % 65_500 + 10).to_be_bytes();
        if self.v6 {
            let part = u16::from_be_bytes([high, low]);
            SocketAddr::new(Ipv6Addr::new(0xfd50, 0, 0, 0, part, 7, part ^ 0x5555, part).into(), 0)
        } else {
            SocketAddr::new(Ipv4Addr::new(10, 50, high, low).into(), 0)
        }
    }

    /// Sends a datagram from each of so many clients, and compares who got it with what was foretold. Returns how many each
    /// server got, and how many nobody.
    fn compare(&self, clients: u32) -> (HashMap<IpAddr, u32>, u32) {
        let service = self.service();
        let choices = self.send(clients, |packet| predict::choose(&service, packet, &LastWeights::new()));
        let mut counts = HashMap::new();
        let mut nobody = 0;
        for choice in choices {
            match choice {
                Choice::Hashed(key) => *counts.entry(key.address).or_default() += 1,
                _ => nobody += 1,
            }
        }
        (counts, nobody)
    }

    /// Sends a datagram from each of so many clients; fails unless `foretell` said who gets it. Returns what it said.
    fn send(&self, clients: u32, foretell: impl Fn(&Packet) -> Choice) -> Vec<Choice> {
        let mut got: HashMap<SocketAddr, IpAddr> = HashMap::new();
        let mut foretold = Vec::new();
        for number in 0..clients {
            let socket = UdpSocket::bind(self.client(number)).expect("a client's address");
            let client = socket.local_addr().expect("bound");
            let packet = Packet { source: client.ip(), source_port: Some(client.port()), destination: self.vip.ip() };
            foretold.push((client, foretell(&packet)));
            // Where nobody takes it, the sender may be told.
            let _ = socket.send_to(b"x", self.vip);
            if number % 64 == 63 {
                self.collect(&mut got);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
        self.collect(&mut got);
        for (client, choice) in &foretold {
            let wanted = match choice {
                Choice::Hashed(key) => Some(key.address),
                Choice::Closed(_) | Choice::Nobody => None,
                other => panic!("{client}: {other:?}"),
            };
            assert_eq!(got.get(client).copied(), wanted, "{client}, {choice:?}");
        }
        foretold.into_iter().map(|(_, choice)| choice).collect()
    }

    fn collect(&self, got: &mut HashMap<SocketAddr, IpAddr>) {
        let mut buffer = [0; 16];
        for (address, socket) in &self.servers {
            loop {
                match socket.recv_from(&mut buffer) {
                    Ok((_, client)) => drop(got.insert(client, address.ip())),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{address}: {error}"),
                }
            }
        }
    }
}

/// Clients of each comparison.
const CLIENTS: u32 = 2000;

#[test]
fn source_hashes_are_foretold() {
    for v6 in [false, true] {
        for (service, weights) in [
            ("-s sh -o", &[1, 1, 1][..]),
            ("-s sh -o", &[3, 0, 1, 7]),
            ("-s sh -o -b sh-port", &[2, 5, 1]),
            ("-s sh -o -b sh-fallback", &[3, 0, 1, 0, 200]),
            ("-s sh -o -b sh-fallback,sh-port", &[1, 0, 1]),
        ] {
            in_netns(|| {
                let world = World::new(service, weights, v6);
                let (counts, nobody) = world.compare(CLIENTS);
                assert_eq!(counts.values().sum::<u32>() + nobody, CLIENTS);
                assert_eq!(nobody > 0, weights.contains(&0) && !service.contains("fallback"), "{service}");
            });
        }
    }
}

#[test]
fn maglev_hashes_are_foretold() {
    for v6 in [false, true] {
        for (service, weights) in [
            ("-s mh -o", &[1, 1, 1][..]),
            ("-s mh -o", &[3, 1, 7, 2, 2]),
            ("-s mh -o -b mh-port", &[20, 50, 10]),
            ("-s mh -o", &[100_000, 30_001, 7]),
        ] {
            in_netns(|| {
                let world = World::new(service, weights, v6);
                let (counts, nobody) = world.compare(CLIENTS);
                assert_eq!((counts.len(), nobody), (weights.len(), 0), "{service}: {counts:?}");
            });
        }
    }
}

/// A server that is drained or deleted: who takes over is what was foretold before.
#[test]
fn who_takes_over_is_foretold() {
    for v6 in [false, true] {
        for service in ["-s sh -o", "-s sh -o -b sh-fallback", "-s mh -o", "-s mh -o -b mh-fallback", "-s dh -o"] {
            in_netns(|| who_takes_over(&World::new(service, &[2, 3, 2], v6), service));
        }
    }
}

fn who_takes_over(world: &World, service: &str) {
    let before = world.service();
    let chosen = world.send(400, |packet| predict::choose(&before, packet, &LastWeights::new()));
    // With dh, one virtual address has one server for all clients.
    let gone = match (service.contains("dh"), &chosen[0]) {
        (true, Choice::Hashed(key)) => *key,
        _ => before.servers[1].server.key,
    };
    let moved = chosen.iter().filter(|choice| **choice == Choice::Hashed(gone)).count();
    assert!(if service.contains("dh") { moved == 400 } else { (50..350).contains(&moved) }, "{moved} of 400");
    // What was foretold of the end of a server holds for its clients. The others may move, too: sh deals its places anew.
    let found = before.servers.iter().find(|each| each.server.key == gone);
    let weight = found.expect("the server").server.weight;
    let check = |deleted: bool| {
        let now = world.service();
        let known = LastWeights::from([(gone, weight)]);
        world.send(400, |packet| {
            let next = || predict::fallback(&before, packet, gone, &LastWeights::new());
            match predict::choose(&before, packet, &LastWeights::new()) {
                Choice::Hashed(key) if key == gone && deleted => next().deleted,
                Choice::Hashed(key) if key == gone => next().drained,
                _ => predict::choose(&now, packet, &known),
            }
        });
    };
    ipvsadm(format!("-e -u {} -r {gone} -m -w 0", world.vip)).ok();
    check(false);
    ipvsadm(format!("-d -u {} -r {gone}", world.vip)).ok();
    check(true);
}

#[test]
fn destination_hashes_are_foretold() {
    in_netns(|| {
        run("ip route add local 10.60.0.0/16 dev lo").ok();
        std::fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1").expect("a switch");
        let servers: Vec<_> = (11..14_u8)
            .map(|number| {
                let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, number), 53)).expect("a server");
                socket.set_nonblocking(true).expect("a socket");
                socket
            })
            .collect();
        // Each virtual address has a service of its own, for dh goes by that address.
        let mut table = String::new();
        let vips: Vec<IpAddr> =
            (0..500_u32).map(|n| Ipv4Addr::new(10, 60, (n % 7) as u8, (n / 2 + 1) as u8).into()).collect();
        let mut vips = vips;
        vips.sort();
        vips.dedup();
        for vip in &vips {
            table += &format!("-A -u {vip}:53 -s dh -o\n");
            for number in 11..14 {
                table += &format!("-a -u {vip}:53 -r 127.0.0.{number}:53 -m\n");
            }
        }
        run_with_input("ipvsadm -R", table).ok();
        let snapshot = Client::open().expect("a client").snapshot().expect("a table");
        let socket = UdpSocket::bind("10.60.255.1:0").expect("a client");
        let mut seen = HashMap::new();
        for vip in vips {
            let found = snapshot.services.iter().find(
                |each| matches!(each.service.key, lvsadm::model::ServiceKey::Address { address, .. } if address == vip),
            );
            let packet =
                Packet { source: "10.60.255.1".parse().expect("an address"), source_port: None, destination: vip };
            let Choice::Hashed(wanted) = predict::choose(found.expect("the service"), &packet, &LastWeights::new())
            else {
                panic!("{vip}")
            };
            socket.send_to(b"x", (vip, 53)).expect("sent");
            let mut buffer = [0; 4];
            let got = servers.iter().position(|server| server.recv(&mut buffer).is_ok()).expect("somebody got it");
            assert_eq!(wanted.address.to_string(), format!("127.0.0.{}", 11 + got), "{vip}");
            *seen.entry(got).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 3, "{seen:?}");
    });
}

/// Every step in words, against what the kernel then does.
#[test]
fn the_command_tells_what_happens() {
    let hosts = Hosts::new(2);
    hosts.prepare(Forwarding::Nat, Family::V4);
    let director = &hosts.director;
    let explain = |words: &str| -> Value {
        serde_json::from_str(&director.lvsadm(format!("explain {words} --json")).ok()).expect("JSON")
    };
    director.ipvsadm("-A -t 10.0.0.100:80 -s sh").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11:80 -m").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.12:80 -m").ok();
    let told = explain("10.0.0.2 10.0.0.100:80");
    assert_eq!((&told["matched_by"], &told["decision"]), (&"exact".into(), &"hash".into()), "{told}");
    let server = told["server"]["address"].as_str().expect("a server").to_owned();
    let other = if server == "10.0.0.11" { "10.0.0.12" } else { "10.0.0.11" };
    assert_eq!((&told["server_if_drained"], &told["server_if_deleted"]["address"]), (&Value::Null, &other.into()));
    assert_eq!(told["candidates"][0]["route"], "link");
    assert_eq!(told["candidates"][0]["link"], "eth0");
    assert_eq!(told["candidates"][0]["largest_packet"], 1500);
    let page = director.lvsadm("explain 10.0.0.2 10.0.0.100:80").ok();
    for words in
        ["address     10.0.0.100 is on ", "service     TCP 10.0.0.100:80, by address and port\n", "hashes it there"]
    {
        assert!(page.contains(words), "{page}");
    }
    let name = if server == "10.0.0.11" { "rs1" } else { "rs2" };
    assert_eq!(hosts.requests(3, "10.0.0.100".parse().expect("an address")), [name, name, name]);
    let told = explain("10.0.0.2 10.0.0.100:80");
    assert_eq!(told["candidates"][0]["neighbour"], "reachable", "{told}");
    let told = explain("10.0.0.2 10.0.0.100:81");
    assert_eq!((&told["decision"], &told["service"]["port"]), (&"nothing".into(), &Value::Null), "{told}");

    // A mark goes before the address, and port 0 takes what nobody else does.
    director.ipvsadm("-A -f 5 -s rr").ok();
    director.ipvsadm("-a -f 5 -r 10.0.0.12:80 -m").ok();
    director.ipvsadm("-A -t 10.0.0.100:0 -s rr -p 60").ok();
    director.ipvsadm("-a -t 10.0.0.100:0 -r 10.0.0.11:0 -m").ok();
    director.ipvsadm("-a -t 10.0.0.100:0 -r 10.0.0.12:0 -m -w 0").ok();
    let told = explain("10.0.0.2 10.0.0.100:80 --mark 5");
    assert_eq!((&told["matched_by"], &told["candidates"][0]["address"]), (&"mark".into(), &"10.0.0.12".into()));
    let told = explain("10.0.0.2 10.0.0.100:8080");
    assert_eq!((&told["matched_by"], &told["decision"]), (&"all-ports".into(), &"share".into()));
    assert_eq!(told["candidates"][0]["share"], 1.0);

    // Who names no mark is shown the rules that may give one.
    director.run("iptables-legacy -t mangle -A PREROUTING -d 10.0.0.100 -p tcp --dport 90 -j MARK --set-mark 5").ok();
    let told = explain("10.0.0.2 10.0.0.100:80");
    let rules: Vec<_> = told["mark_rules"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(rules.len(), 1, "{told}");
    assert!(rules[0].starts_with("iptables") && rules[0].contains("--dport 90 -j MARK --set-xmark 0x5/"), "{rules:?}");
    assert!(director.lvsadm("explain 10.0.0.2 10.0.0.100:80").ok().contains(rules[0]));
    assert!(explain("10.0.0.2 10.0.0.100:80 --mark 5")["mark_rules"].is_null());
    director.run("iptables-legacy -t mangle -F").ok();

    // A connection stays where it is, whatever the table says by now.
    let told = director.lvsadm("explain 10.0.0.2 10.0.0.100:80").ok();
    assert!(told.contains("these go on; what follows is about a new one"), "{told}");

    // Nobody answers for this address.
    director.ipvsadm("-A -t 10.0.0.100:90 -s lc").ok();
    director.ipvsadm("-a -t 10.0.0.100:90 -r 10.0.0.77:90 -g").ok();
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let _ = director.run("ping -c 1 -W 1 10.0.0.77");
        let told = explain("10.0.0.2 10.0.0.100:90");
        if told["candidates"][0]["doubts"][0].as_str().is_some_and(|doubt| doubt.contains("does not answer on eth0")) {
            assert_eq!(told["decision"], "counts");
            break;
        }
        assert!(Instant::now() < end, "{told}");
    }
}

#[test]
fn what_is_remembered_decides() {
    in_netns(|| {
        run("ip address add 10.9.0.1/32 dev lo").ok();
        std::fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1").expect("a switch");
        run_with_input(
            "ipvsadm -R",
            "-A -t 10.9.0.1:80 -s rr -p 600 -M 255.255.255.0\n-a -t 10.9.0.1:80 -r 127.0.0.11:80 -m\n-a -t 10.9.0.1:80 -r 127.0.0.12:80 -m\n",
        )
        .ok();
        let explain = |words: &str| -> Value {
            serde_json::from_str(&lvsadm(format!("explain {words} --json")).ok()).expect("JSON")
        };
        let listeners = ["127.0.0.11:80", "127.0.0.12:80"].map(|at| TcpListener::bind(at).expect("a server"));
        assert_eq!(explain("10.9.0.1 10.9.0.1:80")["decision"], "share");
        let client = TcpStream::connect("10.9.0.1:80").expect("through the director");
        let port = client.local_addr().expect("bound").port();
        let told = explain(&format!("10.9.0.1:{port} 10.9.0.1:80"));
        assert_eq!(told["decision"], "connection", "{told}");
        let server = told["server"]["address"].as_str().expect("a server").to_owned();
        // Another client of the same network goes to the same server.
        let told = explain("10.9.0.200 10.9.0.1:80");
        assert_eq!(
            (&told["decision"], &told["server"]["address"]),
            (&"persistence".into(), &server.as_str().into()),
            "{told}"
        );
        ipvsadm(format!("-e -t 10.9.0.1:80 -r {server}:80 -m -w 0")).ok();
        assert_eq!(explain("10.9.0.200 10.9.0.1:80")["decision"], "persistence");
        std::fs::write("/proc/sys/net/ipv4/vs/expire_quiescent_template", "1").expect("a switch");
        assert_eq!(explain("10.9.0.200 10.9.0.1:80")["decision"], "share");
        drop(listeners);
    });
}
