//! What stock ipvsadm says to the kernel, and what the kernel answers it, against what we say and understand.

use std::collections::BTreeMap;

use super::{tests::request, *};
use crate::{
    model::{
        Change, Checksum, DaemonRole, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, Scheduler,
        SchedulerFlags, ServerKey, ServiceKey, Stats, SyncDaemon, Thresholds, Timeouts, Tunnel, VirtualService, Weight,
    },
    sys::netlink::Attributes,
};

/// One command line of ipvsadm, the requests it made and the answers it got, without their netlink headers.
struct Exchange {
    command: &'static str,
    requests: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
}

fn exchanges() -> Vec<Exchange> {
    let text = include_str!("../../../tests/golden/netlink.txt");
    let exchange = |block: &'static str| {
        let mut lines = block.lines();
        let command = lines.next().and_then(|line| line.strip_prefix("$ ipvsadm ")).expect("a command");
        let lines: Vec<_> = lines.collect();
        let marked = |mark| lines.iter().filter_map(|line| line.strip_prefix(mark)).flat_map(messages).collect();
        Exchange { command, requests: marked("> "), answers: marked("< ") }
    };
    text.trim_end().split("\n\n").map(exchange).collect()
}

/// Returns the messages of a datagram without their netlink headers, which begin with the length.
fn messages(hex: &str) -> Vec<Vec<u8>> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    let bytes: Vec<_> = (0..hex.len()).step_by(2).map(byte).collect();
    let mut rest = &bytes[..];
    let mut messages = Vec::new();
    while let Some(len) = rest.first_chunk() {
        let (message, more) = rest.split_at(u32::from_le_bytes(*len) as usize);
        messages.push(message[16..].to_vec());
        rest = more;
    }
    messages
}

fn exchange(command: &str) -> Exchange {
    exchanges().into_iter().find(|exchange| exchange.command == command).expect("a golden command")
}

fn tcp(address: &str, port: u16) -> ServiceKey {
    address_service(Protocol::Tcp, address, port)
}

fn address_service(protocol: Protocol, address: &str, port: u16) -> ServiceKey {
    ServiceKey::Address { protocol, address: address.parse().expect("an address"), port }
}

fn service_with(key: ServiceKey, scheduler: &str) -> VirtualService {
    VirtualService { scheduler: Scheduler::new(scheduler), ..VirtualService::new(key) }
}

fn persistent(service: VirtualService, timeout: u32, netmask: Netmask) -> VirtualService {
    VirtualService { persistence: Some(Persistence { timeout, netmask }), ..service }
}

fn real(address: &str, port: u16, forwarding: Forwarding) -> RealServer {
    RealServer {
        key: ServerKey { address: address.parse().expect("an address"), port },
        forwarding,
        weight: Weight::default(),
        thresholds: Thresholds::default(),
    }
}

fn weighted(server: RealServer, weight: u32) -> RealServer {
    RealServer { weight: Weight::new(weight).expect("a weight"), ..server }
}

/// Every command of the golden file that changes something, as a change.
fn golden_changes() -> Vec<(&'static str, Change)> {
    let vip = tcp("10.0.0.1", 80);
    let vip6 = tcp("2001:db8::1", 80);
    let mark = |family| ServiceKey::Mark { mark: 5, family };
    let host = Netmask::host(Family::V4);
    let flags = |first, second, third| SchedulerFlags { first, second, third };
    let sh = VirtualService {
        flags: flags(true, true, false),
        one_packet: true,
        ..service_with(address_service(Protocol::Udp, "10.0.0.1", 53), "sh")
    };
    let sip = VirtualService {
        flags: flags(false, true, true),
        engine: Some("sip".to_owned()),
        ..service_with(address_service(Protocol::Udp, "10.0.0.1", 5060), "mh")
    };
    let gue = |checksum| Forwarding::Tunnel(Tunnel::Gue { port: 6080, checksum });
    let gre = Forwarding::Tunnel(Tunnel::Gre { checksum: Checksum::Full });
    let limited = RealServer {
        thresholds: Thresholds { upper: 1000, lower: 500 },
        ..weighted(real("10.0.0.11", 8080, Forwarding::Masquerade), 5)
    };
    let remote = real("2001:db8::11", 80, gue(Checksum::Remote));
    let master = SyncDaemon {
        role: DaemonRole::Master,
        interface: "eth0".to_owned(),
        sync_id: 0,
        max_len: None,
        group: None,
        port: None,
        ttl: None,
    };
    let backup = SyncDaemon {
        role: DaemonRole::Backup,
        sync_id: 7,
        max_len: Some(1000),
        group: Some("ff02::81".parse().expect("an address")),
        port: Some(9000),
        ttl: Some(3),
        ..master.clone()
    };
    vec![
        ("-A -t 10.0.0.1:80", Change::AddService(service_with(vip, "wlc"))),
        (
            "-A -t 10.0.0.1:443 -s rr -p",
            Change::AddService(persistent(service_with(tcp("10.0.0.1", 443), "rr"), 360, host)),
        ),
        (
            "-A -t 10.0.0.1:444 -s rr -p 600 -M 255.255.255.0",
            Change::AddService(persistent(
                service_with(tcp("10.0.0.1", 444), "rr"),
                600,
                Netmask::V4([255, 255, 255, 0].into()),
            )),
        ),
        ("-A -u 10.0.0.1:53 -s sh -b sh-fallback,sh-port -o", Change::AddService(sh)),
        ("-A -u 10.0.0.1:5060 -s mh -b mh-port,flag-3 -p 60 --pe sip", Change::AddService(persistent(sip, 60, host))),
        (
            "-A --sctp-service 10.0.0.1:9 -s wlc",
            Change::AddService(service_with(address_service(Protocol::Sctp, "10.0.0.1", 9), "wlc")),
        ),
        (
            "-A -t [2001:db8::1]:80 -s rr -p 600 -M 64",
            Change::AddService(persistent(service_with(vip6, "rr"), 600, Netmask::V6(64))),
        ),
        ("-A -f 5 -s rr", Change::AddService(service_with(mark(Family::V4), "rr"))),
        ("-A -f 5 -6 -s rr", Change::AddService(service_with(mark(Family::V6), "rr"))),
        (
            "-A -f 4294967295 -s rr",
            Change::AddService(service_with(ServiceKey::Mark { mark: u32::MAX, family: Family::V4 }, "rr")),
        ),
        ("-E -t 10.0.0.1:80 -s rr", Change::EditService(service_with(vip, "rr"))),
        ("-a -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 5 -x 1000 -y 500", Change::AddServer(vip, limited)),
        (
            "-a -t 10.0.0.1:80 -r 10.0.0.12 -g -w 0",
            Change::AddServer(vip, weighted(real("10.0.0.12", 80, Forwarding::Route), 0)),
        ),
        (
            "-a -t 10.0.0.1:80 -r 10.0.0.13 -i",
            Change::AddServer(vip, real("10.0.0.13", 80, Forwarding::Tunnel(Tunnel::Ipip))),
        ),
        (
            "-a -t 10.0.0.1:80 -r [2001:db8::11]:80 -i --tun-type gue --tun-port 6080 --tun-remcsum",
            Change::AddServer(vip, remote),
        ),
        (
            "-a -t [2001:db8::1]:80 -r [2001:db8::12]:80 -i --tun-type gre --tun-csum",
            Change::AddServer(vip6, real("2001:db8::12", 80, gre)),
        ),
        (
            "-a -t [2001:db8::1]:80 -r [2001:db8::13]:80 -i --tun-type gue --tun-port 6080 --tun-nocsum",
            Change::AddServer(vip6, real("2001:db8::13", 80, gue(Checksum::None))),
        ),
        ("-a -f 5 -r 10.0.0.11:0 -g", Change::AddServer(mark(Family::V4), real("10.0.0.11", 0, Forwarding::Route))),
        (
            "-e -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 7",
            Change::EditServer(vip, weighted(real("10.0.0.11", 8080, Forwarding::Masquerade), 7)),
        ),
        ("-Z -t 10.0.0.1:80", Change::Zero(Some(vip))),
        ("-Z", Change::Zero(None)),
        ("-d -t 10.0.0.1:80 -r [2001:db8::11]:80", Change::DeleteServer(vip, remote.key)),
        ("--set 100 0 300", Change::SetTimeouts(Timeouts { tcp: 100, tcp_fin: 0, udp: 300 })),
        ("--start-daemon master --mcast-interface eth0", Change::StartDaemon(master)),
        (
            "--start-daemon backup --mcast-interface eth0 --syncid 7 --sync-maxlen 1000 --mcast-group ff02::81 --mcast-port 9000 --mcast-ttl 3",
            Change::StartDaemon(backup),
        ),
        ("--stop-daemon master", Change::StopDaemon(DaemonRole::Master)),
        ("--stop-daemon backup", Change::StopDaemon(DaemonRole::Backup)),
        ("-D -t 10.0.0.1:80", Change::DeleteService(vip)),
        ("-D -f 5 -6", Change::DeleteService(mark(Family::V6))),
        ("-C", Change::Clear),
    ]
}

/// The attributes of a message: of a nest by nest and kind, of the message itself with nest 0.
fn attributes(message: &[u8], nested: bool) -> BTreeMap<(u16, u16), Vec<u8>> {
    let mut found = BTreeMap::new();
    for attribute in Attributes::of_command(message).expect("long enough") {
        let attribute = attribute.expect("well formed");
        if !nested {
            found.insert((0, attribute.kind), attribute.payload.to_vec());
            continue;
        }
        for inner in attribute.nested() {
            let inner = inner.expect("well formed");
            found.insert((attribute.kind, inner.kind), inner.payload.to_vec());
        }
    }
    found
}

#[test]
fn our_requests_say_what_stock_ipvsadm_says() {
    for (command, change) in golden_changes() {
        let stock = &exchange(command).requests[0];
        let ours = request(&change);
        assert_eq!(ours[..2], stock[..2], "{command}: command and version");
        let nested = !matches!(change, Change::SetTimeouts(_));
        let (ours, mut stock) = (attributes(&ours, nested), attributes(stock, nested));
        // What stock ipvsadm sends and the kernel never reads: all of a service's settings with its servers, all of
        // everything with deletions.
        let read = |(nest, _): &(u16, u16)| match change {
            Change::AddServer(..) | Change::EditServer(..) => *nest == top::DEST,
            Change::DeleteService(_) | Change::DeleteServer(..) | Change::StopDaemon(_) | Change::Zero(_) => false,
            _ => true,
        };
        stock.retain(|key, _| read(key) || ours.contains_key(key));
        assert_eq!(ours, stock, "{command}");
    }
}

#[test]
fn every_golden_command_is_used() {
    let known: Vec<_> = golden_changes().into_iter().map(|(command, _)| command).collect();
    let listings = ["-L -n --stats", "-L -n -t 10.0.0.1:80", "-L --timeout", "-L --daemon"];
    for exchange in exchanges() {
        assert!(known.contains(&exchange.command) || listings.contains(&exchange.command), "{}", exchange.command);
    }
}

#[test]
fn the_kernels_answers_to_stock_ipvsadm_are_understood() {
    let mut services = BTreeMap::new();
    let mut servers = BTreeMap::new();
    let listing = exchange("-L -n --stats");
    for answer in &listing.answers {
        if answer[0] == command::NEW_SERVICE {
            let found = service(answer).expect("decodes");
            assert_eq!(service_key(answer), Ok(found.service.key));
            services.insert(found.service.key, found);
        } else {
            // The family is in the answer.
            let found = server(answer, Family::V4).expect("decodes");
            servers.insert(found.server.key, found);
        }
    }

    // The table is what the golden commands before the listing made it.
    for (command, change) in golden_changes() {
        match change {
            Change::AddService(wanted) if command != "-A -t 10.0.0.1:80" => {
                assert_eq!(services[&wanted.key].service, wanted, "{command}");
            }
            Change::EditService(wanted) => assert_eq!(services[&wanted.key].service, wanted, "{command}"),
            Change::AddServer(_, wanted) if wanted.key.port != 8080 && wanted.key.port != 0 => {
                assert_eq!(servers[&wanted.key].server, wanted, "{command}");
            }
            Change::EditServer(_, wanted) => assert_eq!(servers[&wanted.key].server, wanted, "{command}"),
            _ => {}
        }
    }
    assert_eq!(services.len(), 10);

    // One datagram of five bytes went through.
    let udp = services[&address_service(Protocol::Udp, "10.0.0.1", 53)].stats.expect("statistics");
    let server = servers[&ServerKey { address: [127, 0, 0, 1].into(), port: 5353 }].status;
    assert_eq!((udp.connections, udp.in_packets, udp.in_bytes), (1, 1, 33));
    let counters = |stats: Stats| (stats.connections, stats.in_packets, stats.in_bytes, stats.out_packets);
    assert_eq!(server.stats.map(counters), Some(counters(udp)));
}

#[test]
fn one_service_timeouts_and_daemons_are_understood() {
    let answers = exchange("-L -n -t 10.0.0.1:80").answers;
    assert_eq!(service(&answers[0]).expect("decodes").service, service_with(tcp("10.0.0.1", 80), "rr"));
    assert_eq!(answers.len(), 5);

    let answers = exchange("-L --timeout").answers;
    assert_eq!(timeouts(&answers[0]), Ok(Timeouts { tcp: 100, tcp_fin: 120, udp: 300 }));

    let found: Vec<_> = exchange("-L --daemon").answers.iter().map(|a| daemon(a).expect("decodes")).collect();
    let default_group = [224, 0, 0, 81].into();
    let master = SyncDaemon {
        role: DaemonRole::Master,
        interface: "eth0".to_owned(),
        sync_id: 0,
        max_len: Some(1472),
        group: Some(default_group),
        port: Some(8848),
        ttl: Some(1),
    };
    let backup = SyncDaemon {
        role: DaemonRole::Backup,
        sync_id: 7,
        // The kernel raises what a receiver is given to 1024.
        max_len: Some(1024),
        group: Some("ff02::81".parse().expect("an address")),
        port: Some(9000),
        ttl: Some(3),
        ..master.clone()
    };
    assert_eq!(found, [master, backup]);
}
