//! Our client against the real kernel, stock ipvsadm being the judge of what is in its table.

use std::{
    net::{IpAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use lvsadm::{
    ipvs::{Client, Refusal, explain, procfs},
    model::{
        Change, Checksum, DaemonRole, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, Scheduler,
        SchedulerFlags, ServerKey, ServiceKey, SnapshotServer, Stats, SyncDaemon, Table, Thresholds, Timeouts, Tunnel,
        VirtualService, Weight,
    },
    sys::netlink::Socket,
};
use neli::consts::socket::NlFamily;
use nix::errno::Errno;

use crate::support::{in_netns, ipvsadm, run, run_with_input};

fn client() -> Client {
    Client::open().expect("a client")
}

fn service_key(protocol: Protocol, address: &str, port: u16) -> ServiceKey {
    ServiceKey::Address { protocol, address: address.parse().expect("an address"), port }
}

fn vip() -> ServiceKey {
    service_key(Protocol::Tcp, "10.0.0.1", 80)
}

fn vip6() -> ServiceKey {
    service_key(Protocol::Tcp, "2001:db8::1", 80)
}

fn mark(mark: u32, family: Family) -> ServiceKey {
    ServiceKey::Mark { mark, family }
}

fn service(key: ServiceKey, scheduler: &str) -> VirtualService {
    VirtualService { scheduler: Scheduler::new(scheduler), ..VirtualService::new(key) }
}

fn persistent(service: VirtualService, timeout: u32, netmask: Netmask) -> VirtualService {
    VirtualService { persistence: Some(Persistence { timeout, netmask }), ..service }
}

fn server(address: &str, port: u16, forwarding: Forwarding) -> RealServer {
    RealServer {
        key: ServerKey { address: address.parse().expect("an address"), port },
        forwarding,
        weight: Weight::default(),
        thresholds: Thresholds::default(),
    }
}

fn masquerade(address: &str) -> RealServer {
    server(address, 8080, Forwarding::Masquerade)
}

fn weighted(server: RealServer, weight: u32) -> RealServer {
    RealServer { weight: Weight::new(weight).expect("a weight"), ..server }
}

fn limited(server: RealServer, upper: u32, lower: u32) -> RealServer {
    RealServer { thresholds: Thresholds { upper, lower }, ..server }
}

fn gue(port: u16, checksum: Checksum) -> Forwarding {
    Forwarding::Tunnel(Tunnel::Gue { port, checksum })
}

fn gre(checksum: Checksum) -> Forwarding {
    Forwarding::Tunnel(Tunnel::Gre { checksum })
}

const IPIP: Forwarding = Forwarding::Tunnel(Tunnel::Ipip);

fn flags(first: bool, second: bool, third: bool) -> SchedulerFlags {
    SchedulerFlags { first, second, third }
}

fn daemon(role: DaemonRole, interface: &str) -> SyncDaemon {
    SyncDaemon { role, interface: interface.to_owned(), sync_id: 0, max_len: None, group: None, port: None, ttl: None }
}

#[track_caller]
fn apply(client: &mut Client, changes: &[Change]) {
    assert_eq!(client.apply(changes).expect("answers"), []);
}

/// What each change is refused for, `None` if it is not.
fn refusals(client: &mut Client, changes: &[Change]) -> Vec<Option<Errno>> {
    let refused = client.apply(changes).expect("answers");
    let mut found = vec![None; changes.len()];
    refused.iter().for_each(|refusal| found[refusal.index] = Some(refusal.errno));
    found
}

/// Every kind of service and server, as changes and as ipvsadm's command lines.
fn everything() -> Vec<(Change, &'static str)> {
    let udp = |port| service_key(Protocol::Udp, "10.0.0.1", port);
    let sctp = service_key(Protocol::Sctp, "2001:db8::1", 0);
    let host = Netmask::host(Family::V4);
    let network = Netmask::V4([255, 255, 255, 0].into());
    let sip = VirtualService { engine: Some("sip".to_owned()), one_packet: true, ..service(udp(5060), "wlc") };
    let mh = VirtualService { flags: flags(true, true, true), ..service(udp(54), "mh") };
    let sh = VirtualService { flags: flags(false, true, false), one_packet: true, ..service(udp(53), "sh") };
    vec![
        (Change::AddService(service(vip(), "rr")), "-A -t 10.0.0.1:80 -s rr"),
        (
            Change::AddService(persistent(service(service_key(Protocol::Tcp, "10.0.0.1", 0), "wrr"), 360, network)),
            "-A -t 10.0.0.1:0 -s wrr -p 360 -M 255.255.255.0",
        ),
        (Change::AddService(sh), "-A -u 10.0.0.1:53 -s sh -o -b sh-port"),
        (Change::AddService(mh), "-A -u 10.0.0.1:54 -s mh -b mh-fallback,mh-port,flag-3"),
        (Change::AddService(persistent(sip, 60, host)), "-A -u 10.0.0.1:5060 -s wlc -p 60 --pe sip -o"),
        (
            Change::AddService(persistent(service(vip6(), "lc"), 1, Netmask::V6(64))),
            "-A -t [2001:db8::1]:80 -s lc -p 1 -M 64",
        ),
        (
            Change::AddService(persistent(service(sctp, "sed"), 2_678_400, Netmask::V6(128))),
            "-A --sctp-service [2001:db8::1]:0 -s sed -p 2678400",
        ),
        (Change::AddService(service(mark(5, Family::V4), "nq")), "-A -f 5 -s nq"),
        (Change::AddService(service(mark(5, Family::V6), "dh")), "-A -f 5 -6 -s dh"),
        (Change::AddService(service(mark(u32::MAX, Family::V4), "fo")), "-A -f 4294967295 -s fo"),
        (
            Change::AddServer(vip(), limited(weighted(masquerade("10.0.0.11"), 7), 1000, 500)),
            "-a -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 7 -x 1000 -y 500",
        ),
        (
            Change::AddServer(vip(), weighted(server("10.0.0.12", 80, Forwarding::Route), 0)),
            "-a -t 10.0.0.1:80 -r 10.0.0.12:80 -g -w 0",
        ),
        (Change::AddServer(vip(), server("10.0.0.13", 80, IPIP)), "-a -t 10.0.0.1:80 -r 10.0.0.13:80 -i"),
        (
            Change::AddServer(vip(), server("10.0.0.14", 80, gue(6080, Checksum::None))),
            "-a -t 10.0.0.1:80 -r 10.0.0.14:80 -i --tun-type gue --tun-port 6080 --tun-nocsum",
        ),
        (
            Change::AddServer(vip(), server("2001:db8::14", 80, gue(65535, Checksum::Remote))),
            "-a -t 10.0.0.1:80 -r [2001:db8::14]:80 -i --tun-type gue --tun-port 65535 --tun-remcsum",
        ),
        (
            Change::AddServer(vip(), server("10.0.0.15", 80, gre(Checksum::Full))),
            "-a -t 10.0.0.1:80 -r 10.0.0.15:80 -i --tun-type gre --tun-csum",
        ),
        (
            Change::AddServer(vip(), server("10.0.0.16", 80, gre(Checksum::None))),
            "-a -t 10.0.0.1:80 -r 10.0.0.16:80 -i --tun-type gre --tun-nocsum",
        ),
        (
            Change::AddServer(vip6(), weighted(server("2001:db8::11", 80, Forwarding::Route), 65535)),
            "-a -t [2001:db8::1]:80 -r [2001:db8::11]:80 -g -w 65535",
        ),
        (
            Change::AddServer(vip6(), server("10.0.0.11", 80, gue(1, Checksum::Full))),
            "-a -t [2001:db8::1]:80 -r 10.0.0.11:80 -i --tun-type gue --tun-port 1 --tun-csum",
        ),
        (
            Change::AddServer(mark(5, Family::V4), server("10.0.0.11", 0, Forwarding::Route)),
            "-a -f 5 -r 10.0.0.11:0 -g",
        ),
        (
            Change::AddServer(mark(5, Family::V6), server("2001:db8::11", 0, Forwarding::Masquerade)),
            "-a -f 5 -6 -r [2001:db8::11]:0 -m",
        ),
    ]
}

/// All that stock ipvsadm can tell of a table's configuration. Lines are sorted: its own order is not the same everywhere.
fn as_stock_sees_it() -> String {
    let listings =
        ["-S -n", "-L -n --thresholds", "-L -n --tun-info", "-L -n --persistent-conn", "-L --timeout", "-L --daemon"];
    let listing = |options| {
        let listing = ipvsadm(options).ok();
        let mut lines: Vec<_> = listing.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    listings.map(listing).join("\n")
}

/// The table that stock ipvsadm makes, and what it then sees.
fn made_by_stock() -> (Table, String) {
    in_netns(|| {
        everything().iter().for_each(|(_, command)| drop(ipvsadm(*command).ok()));
        (client().table().expect("a table"), as_stock_sees_it())
    })
}

#[test]
fn what_we_make_is_what_stock_makes() {
    let (table, listings) = made_by_stock();
    in_netns(|| {
        let changes: Vec<_> = everything().into_iter().map(|(change, _)| change).collect();
        let mut client = client();
        apply(&mut client, &changes);
        assert_eq!(as_stock_sees_it(), listings);

        let found = client.table().expect("a table");
        assert_eq!(found, table);
        let mut wanted = Table { timeouts: found.timeouts, ..Table::default() };
        changes.iter().for_each(|change| wanted.apply(change).expect("it fits"));
        assert_eq!(found, wanted);

        for (key, entry) in &wanted.services {
            let one = client.service(key).expect("an answer").expect("the service");
            assert_eq!(one.service, entry.service);
            assert_eq!(one.servers.len(), entry.servers.len());
        }
        assert_eq!(client.service(&mark(6, Family::V4)).expect("an answer"), None);
        apply(&mut client, &[Change::Clear]);
        assert_eq!(ipvsadm("-S -n").ok(), "");
        assert_eq!(client.snapshot().expect("a snapshot").services, []);
    });
}

#[test]
fn edits_replace_everything() {
    in_netns(|| {
        let mut client = client();
        let full = VirtualService {
            engine: Some("sip".to_owned()),
            one_packet: true,
            flags: flags(true, false, true),
            ..persistent(
                service(service_key(Protocol::Udp, "10.0.0.1", 53), "rr"),
                60,
                Netmask::V4([255, 0, 0, 0].into()),
            )
        };
        let tunnelled = limited(weighted(server("10.0.0.11", 53, gue(6080, Checksum::Full)), 9), 10, 5);
        apply(&mut client, &[Change::AddService(full.clone()), Change::AddServer(full.key, tunnelled)]);
        let plain = (service(full.key, "wlc"), server("10.0.0.11", 53, Forwarding::Route));
        for (service, server) in [plain.clone(), (full.clone(), tunnelled), plain] {
            apply(&mut client, &[Change::EditService(service.clone()), Change::EditServer(full.key, server)]);
            let found = client.service(&full.key).expect("an answer").expect("the service");
            assert_eq!(found.service, service);
            assert_eq!(found.servers.iter().map(|each| each.server).collect::<Vec<_>>(), [server]);
        }
        assert_eq!(ipvsadm("-S -n").ok(), "-A -u 10.0.0.1:53 -s wlc\n-a -u 10.0.0.1:53 -r 10.0.0.11:53 -g -w 1\n");
        apply(&mut client, &[Change::DeleteServer(full.key, tunnelled.key)]);
        assert_eq!(ipvsadm("-S -n").ok(), "-A -u 10.0.0.1:53 -s wlc\n");
        apply(&mut client, &[Change::DeleteService(full.key)]);
        assert_eq!(ipvsadm("-S -n").ok(), "");
    });
}

#[test]
fn info_timeouts_and_daemons() {
    in_netns(|| {
        let mut client = client();
        let heading = ipvsadm("-L -n").ok();
        assert_eq!(client.info().expect("info").to_string(), heading.lines().next().expect("a heading"));
        assert_eq!(procfs::read_info().expect("info"), client.info().expect("info"));

        apply(&mut client, &[Change::SetTimeouts(Timeouts { tcp: 100, tcp_fin: 0, udp: 7 })]);
        assert_eq!(ipvsadm("-L --timeout").ok(), "Timeout (tcp tcpfin udp): 100 120 7\n");
        assert_eq!(client.timeouts().expect("timeouts"), Timeouts { tcp: 100, tcp_fin: 120, udp: 7 });

        lan_interface();
        assert_eq!(client.daemons().expect("daemons"), []);
        let master = daemon(DaemonRole::Master, "eth0");
        let backup = SyncDaemon {
            sync_id: 255,
            max_len: Some(2000),
            group: Some("ff02::81".parse().expect("an address")),
            port: Some(9000),
            ttl: Some(3),
            ..daemon(DaemonRole::Backup, "eth0")
        };
        apply(&mut client, &[Change::StartDaemon(backup.clone()), Change::StartDaemon(master.clone())]);
        assert_eq!(
            ipvsadm("-L --daemon").ok(),
            "master sync daemon (mcast=eth0, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n\
             backup sync daemon (mcast=eth0, syncid=255, maxlen=2000, group=ff02::81, port=9000, ttl=3)\n"
        );
        let running = client.daemons().expect("daemons");
        assert_eq!(running[1], backup);
        assert!(running[0].satisfies(&master), "{running:?}");
        assert_eq!(client.table().expect("a table").daemons, running);
        apply(&mut client, &[Change::StopDaemon(DaemonRole::Master), Change::StopDaemon(DaemonRole::Backup)]);
        assert_eq!(ipvsadm("-L --daemon").ok(), "");
    });
}

/// Makes an interface that sync daemons can use.
fn lan_interface() {
    let commands = "link add eth0 type dummy\nlink set eth0 up\naddress add 192.0.2.1/24 dev eth0\n\
                    address add 2001:db8:2::1/64 dev eth0 nodad\n";
    run_with_input("ip -batch -", commands).ok();
}

#[test]
fn every_refusal_is_explained() {
    in_netns(|| {
        let mut client = client();
        let rip = masquerade("10.0.0.11");
        let prefix = |prefix| persistent(service(vip6(), "rr"), 1, Netmask::V6(prefix));
        let engine = |name: &str| VirtualService { engine: Some(name.to_owned()), ..service(vip6(), "rr") };
        let absent = service_key(Protocol::Udp, "10.0.0.9", 9);
        let local = |port| server("127.0.0.1", port, Forwarding::Masquerade);
        apply(&mut client, &[Change::AddService(service(vip(), "rr")), Change::AddServer(vip(), rip)]);
        run("ip address add 10.0.0.1/24 brd + dev lo").ok();
        let timeouts = Timeouts { tcp: u32::MAX, tcp_fin: 0, udp: 0 };
        let cases = [
            (Change::AddService(service(vip(), "rr")), Errno::EEXIST, "it exists already"),
            (Change::AddService(service(vip6(), "nope")), Errno::ENOENT, "the kernel has no scheduler 'nope'"),
            (
                Change::AddService(engine("seventeen-letters")),
                Errno::EINVAL,
                "the name of a persistence engine has at most 16 bytes",
            ),
            (Change::AddService(engine("sap")), Errno::ENOENT, "the kernel has no persistence engine 'sap'"),
            (Change::AddService(prefix(0)), Errno::EINVAL, "the persistence prefix length 0 is not one for IPv6"),
            (Change::AddService(prefix(129)), Errno::EINVAL, "the persistence prefix length 129 is not one for IPv6"),
            (Change::EditService(service(vip(), "nope")), Errno::ENOENT, "the kernel has no scheduler 'nope'"),
            (Change::EditService(service(absent, "rr")), Errno::ESRCH, "there is no such service"),
            (Change::DeleteService(absent), Errno::ESRCH, "there is no such service"),
            (Change::Zero(Some(absent)), Errno::ESRCH, "there is no such service"),
            (Change::AddServer(absent, rip), Errno::ESRCH, "there is no virtual service UDP 10.0.0.9:9"),
            (Change::EditServer(absent, rip), Errno::ESRCH, "there is no virtual service UDP 10.0.0.9:9"),
            (Change::DeleteServer(absent, rip.key), Errno::ESRCH, "there is no virtual service UDP 10.0.0.9:9"),
            (Change::AddServer(vip(), rip), Errno::EEXIST, "the service has this server already"),
            (Change::EditServer(vip(), local(1)), Errno::ENOENT, "the service has no such server"),
            (Change::DeleteServer(vip(), local(1).key), Errno::ENOENT, "the service has no such server"),
            (Change::AddServer(vip(), masquerade("224.0.0.1")), Errno::EINVAL, "224.0.0.1 is no unicast address"),
            (Change::AddServer(vip(), masquerade("0.0.0.0")), Errno::EINVAL, "0.0.0.0 is no unicast address"),
            (
                Change::AddServer(vip(), masquerade("10.0.0.255")),
                Errno::EINVAL,
                "the kernel does not take 10.0.0.255 for a unicast address",
            ),
            (
                Change::AddServer(vip(), masquerade("2001:db8::11")),
                Errno::EINVAL,
                "server and service are of different families",
            ),
            (
                Change::AddServer(vip(), limited(local(2), 5, 10)),
                Errno::ERANGE,
                "the lower threshold 10 is above the upper threshold 5",
            ),
            (
                Change::EditServer(vip(), limited(rip, 5, 10)),
                Errno::ERANGE,
                "the lower threshold 10 is above the upper threshold 5",
            ),
            (
                Change::AddServer(vip(), server("10.0.0.12", 80, gue(0, Checksum::None))),
                Errno::EINVAL,
                "a GUE tunnel needs a destination port",
            ),
            (Change::SetTimeouts(timeouts), Errno::EINVAL, "4294967295 seconds are more than this kernel can count"),
            (Change::StartDaemon(daemon(DaemonRole::Master, "eth9")), Errno::ENODEV, "there is no interface eth9"),
            (
                Change::StartDaemon(daemon(DaemonRole::Master, "an-interface-of-20-b")),
                Errno::EINVAL,
                "an interface's name has at most 15 bytes",
            ),
            (
                Change::StartDaemon(SyncDaemon {
                    group: Some([10, 0, 0, 1].into()),
                    ..daemon(DaemonRole::Master, "lo")
                }),
                Errno::EINVAL,
                "10.0.0.1 is no multicast address",
            ),
            (Change::StopDaemon(DaemonRole::Backup), Errno::ESRCH, "no backup sync daemon is running"),
        ];
        let changes: Vec<_> = cases.iter().map(|(change, ..)| change.clone()).collect();
        let refused = client.apply(&changes).expect("answers");
        assert_eq!(
            refused.iter().map(|refusal| refusal.index).collect::<Vec<_>>(),
            (0..cases.len()).collect::<Vec<_>>()
        );
        for ((change, errno, reason), refusal) in cases.iter().zip(&refused) {
            assert_eq!(refusal.errno, *errno, "{change:?}");
            assert_eq!(explain(change, refusal).reason(), *reason, "{change:?}");
        }
        assert_eq!(ipvsadm("-S -n").ok(), "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 1\n");
    });
}

#[test]
fn refusals_that_depend_on_something_else_are_explained() {
    in_netns(|| {
        let mut client = client();
        lan_interface();
        let mixed = Change::AddServer(vip(), server("2001:db8::11", 80, IPIP));
        let master = Change::StartDaemon(daemon(DaemonRole::Master, "eth0"));
        apply(&mut client, &[Change::AddService(service(vip(), "rr")), master.clone()]);
        check(&mut client, &mixed, Errno::EINVAL, "which cannot be while a sync daemon is running");
        check(&mut client, &master, Errno::EEXIST, "a master sync daemon is running already");
        apply(&mut client, &[Change::StopDaemon(DaemonRole::Master), mixed]);
        check(&mut client, &master, Errno::EINVAL, "which the sync protocol cannot carry");

        apply(&mut client, &[Change::AddService(service(vip6(), "rr"))]);
        let link_local = Change::AddServer(vip6(), server("fe80::1", 80, Forwarding::Route));
        check(&mut client, &link_local, Errno::EINVAL, "is a link-local address that is not this machine's");
        let group = Change::AddServer(vip6(), server("ff02::1", 80, Forwarding::Route));
        check(&mut client, &group, Errno::EINVAL, "is no unicast address");
    });
}

#[track_caller]
fn check(client: &mut Client, change: &Change, errno: Errno, reason: &str) {
    let refused = client.apply(std::slice::from_ref(change)).expect("answers");
    let [refusal] = &refused[..] else { panic!("{change:?}: {refused:?}") };
    assert_eq!((refusal.index, refusal.errno), (0, errno), "{change:?}");
    let explanation = explain(change, refusal).to_string();
    assert!(explanation.ends_with(reason), "{explanation}");
}

/// Changes that fit a random table or not: the kernel refuses exactly those that the model refuses, and in the end both hold
/// the same.
#[test]
fn random_changes_do_to_the_kernel_what_they_do_to_the_model() {
    for seed in 0..20 {
        in_netns(|| {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut client = client();
            let mut table = client.table().expect("a table");
            for _ in 0..5 {
                let changes: Vec<_> = (0..random.usize(1..400)).map(|_| random_change(&mut random)).collect();
                let expected: Vec<_> = changes
                    .iter()
                    .enumerate()
                    .filter(|(_, change)| table.apply(change).is_err())
                    .map(|(index, _)| index)
                    .collect();
                let refused: Vec<_> =
                    client.apply(&changes).expect("answers").iter().map(|refusal| refusal.index).collect();
                assert_eq!(refused, expected, "seed {seed}");
                assert_eq!(client.table().expect("a table"), table, "seed {seed}");
            }
        });
    }
}

fn random_change(random: &mut fastrand::Rng) -> Change {
    let key = random_key(random);
    match random.u8(0..100) {
        0..20 => Change::AddService(random_service(random, key)),
        20..27 => Change::EditService(random_service(random, key)),
        27..32 => Change::DeleteService(key),
        32..70 => Change::AddServer(key, random_server(random, key)),
        70..83 => Change::EditServer(key, random_server(random, key)),
        83..93 => Change::DeleteServer(key, random_server(random, key).key),
        93..95 => Change::SetTimeouts(Timeouts { tcp: random.u32(0..10000), tcp_fin: 0, udp: random.u32(0..3) }),
        95..97 => Change::Zero(Some(key)),
        97..99 => Change::Zero(None),
        _ => Change::Clear,
    }
}

fn random_key(random: &mut fastrand::Rng) -> ServiceKey {
    let protocol = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp][random.usize(0..3)];
    match random.u8(0..4) {
        0 => mark(random.u32(1..3), if random.bool() { Family::V4 } else { Family::V6 }),
        1 => service_key(protocol, "2001:db8::1", random.u16(80..82)),
        _ => service_key(protocol, "10.0.0.1", random.u16(80..83)),
    }
}

fn random_service(random: &mut fastrand::Rng, key: ServiceKey) -> VirtualService {
    let scheduler = ["rr", "wrr", "wlc", "sh", "mh", "fo", "none"][random.usize(0..7)];
    let netmask = match key.family() {
        Family::V4 => Netmask::V4(random.u32(..).into()),
        Family::V6 => Netmask::V6(random.u8(1..=128)),
    };
    let persistence = Persistence { timeout: random.u32(1..2_678_401), netmask };
    VirtualService {
        flags: flags(random.bool(), random.bool(), random.bool()),
        persistence: random.bool().then_some(persistence),
        engine: (random.u8(0..4) == 0).then(|| "sip".to_owned()),
        one_packet: random.bool(),
        ..service(key, scheduler)
    }
}

fn random_server(random: &mut fastrand::Rng, service: ServiceKey) -> RealServer {
    let number = random.u8(11..15);
    let address = match service.family() {
        Family::V4 => IpAddr::from([10, 0, 0, number]),
        Family::V6 => format!("2001:db8::{number}").parse().expect("an address"),
    };
    let forwarding = match random.u8(0..7) {
        0 | 1 => Forwarding::Masquerade,
        2 | 3 => Forwarding::Route,
        4 => IPIP,
        5 => gue(random.u16(1..), [Checksum::None, Checksum::Full, Checksum::Remote][random.usize(0..3)]),
        _ => gre([Checksum::None, Checksum::Full][random.usize(0..2)]),
    };
    let upper = random.u32(0..1 << 31);
    let thresholds = Thresholds { upper, lower: random.u32(0..=upper) };
    let weight = Weight::new(random.u32(0..1 << 31)).expect("a weight");
    let key = ServerKey { address, port: random.u16(80..82) };
    RealServer { key, forwarding, weight, thresholds }
}

/// 3,000 servers of one service, every seventh of them twice.
fn many_with_failures() -> (Vec<Change>, Vec<Refusal>) {
    let mut changes = vec![Change::AddService(service(vip(), "rr"))];
    let mut expected = Vec::new();
    for number in 0..3000u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let add = Change::AddServer(vip(), masquerade(&format!("10.1.{high}.{low}")));
        changes.push(add.clone());
        if number % 7 == 0 {
            expected.push(Refusal { index: changes.len(), errno: Errno::EEXIST, said: None });
            changes.push(add);
        }
    }
    (changes, expected)
}

#[test]
fn failures_among_thousands_are_found() {
    in_netns(|| {
        let (changes, expected) = many_with_failures();
        let mut client = client();
        assert_eq!(client.apply(&changes).expect("answers"), expected);
        let found = client.snapshot().expect("a snapshot");
        assert_eq!(found.services[0].servers.len(), 3000);
        assert_eq!(ipvsadm("-S -n").ok().lines().count(), 3001);
        // And if all of them fail.
        let refused = client.apply(&changes).expect("answers");
        assert_eq!(
            refused.iter().map(|refusal| refusal.index).collect::<Vec<_>>(),
            (0..changes.len()).collect::<Vec<_>>()
        );
    });
}

/// With room for a few answers only, refusals get lost. What the kernel holds in the end is right, and so are the refusals of
/// what could not be done; what was done already counts as done.
#[test]
fn lost_answers_are_made_up_for() {
    in_netns(|| {
        let socket = Socket::with_limits(NlFamily::Generic, 1, 100).expect("a socket");
        let mut narrow = Client::over(socket).expect("a client");
        let fine: Vec<_> =
            (11..61).map(|number| Change::AddServer(vip(), masquerade(&format!("10.0.0.{number}")))).collect();
        // Fifty refusals for want of a service in one batch; the service last.
        let mut changes = fine.clone();
        changes.push(Change::AddService(service(vip(), "rr")));
        let refused = refusals(&mut narrow, &changes[..50]);
        assert_eq!(refused, [Some(Errno::ESRCH); 50]);

        // Fifty other refusals hide what became of what follows them in the batch.
        let mut changes = vec![Change::AddService(service(vip(), "rr"))];
        changes.extend((1..51).map(|number| Change::Zero(Some(mark(number, Family::V4)))));
        changes.extend(fine[..40].iter().cloned());
        changes.push(Change::EditServer(vip(), weighted(masquerade("10.0.0.11"), 5)));
        changes.push(Change::DeleteServer(vip(), masquerade("10.0.0.12").key));
        changes.push(Change::AddServer(vip(), weighted(masquerade("10.0.0.13"), 9)));
        changes.push(Change::EditServer(vip(), masquerade("10.0.0.99")));
        changes.push(Change::AddService(service(vip6(), "rr")));
        let refused = refusals(&mut narrow, &changes);
        assert_eq!(refused[0], None);
        assert_eq!(refused[1..51], [Some(Errno::ESRCH); 50]);
        // 10.0.0.13 is there with another weight, 10.0.0.99 is not there.
        let mut rest = [None; 45];
        rest[42] = Some(Errno::EEXIST);
        rest[43] = Some(Errno::ENOENT);
        assert_eq!(refused[51..], rest);
        let found = narrow.table().expect("a table");
        assert_eq!(found, client().table().expect("a table"));
        assert_eq!(found.services.len(), 2);
        let servers = &found.services[&vip()].servers;
        assert!(servers.contains_key(&masquerade("10.0.0.11").key), "{servers:?}");
        assert!(!servers.contains_key(&masquerade("10.0.0.12").key), "{servers:?}");
    });
}

/// A snapshot taken while others change the table repeats nothing and invents nothing.
#[test]
fn a_table_that_changes_while_it_is_read() {
    in_netns(|| {
        let mut client = client();
        let steady: Vec<_> = (0..300u16).map(|port| service_key(Protocol::Tcp, "10.0.0.1", port + 1000)).collect();
        let mut changes = Vec::new();
        for key in &steady {
            changes.push(Change::AddService(service(*key, "rr")));
            changes.extend((11..13).map(|number| Change::AddServer(*key, masquerade(&format!("10.0.0.{number}")))));
        }
        apply(&mut client, &changes);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut other = Client::open().expect("a client");
                let key = |port| service_key(Protocol::Udp, "10.0.0.2", port);
                while !stop.load(Ordering::Relaxed) {
                    let add = (1..20).map(|port| Change::AddService(service(key(port), "rr")));
                    let delete = (1..20).map(|port| Change::DeleteService(key(port)));
                    apply(&mut other, &add.chain(delete).collect::<Vec<_>>());
                    thread::yield_now();
                }
            });
            for _ in 0..20 {
                let found = client.snapshot().expect("a snapshot");
                let table = found.table();
                assert_eq!(table.services.len(), found.services.len(), "no service twice");
                for (key, entry) in &table.services {
                    let servers = if steady.contains(key) { 2 } else { 0 };
                    assert_eq!(entry.servers.len(), servers, "{key}");
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        let found: Vec<_> = client.table().expect("a table").services.keys().copied().collect();
        assert!(steady.iter().all(|key| found.contains(key)));
    });
}

#[test]
fn proc_tells_what_netlink_tells_as_far_as_it_goes() {
    in_netns(|| {
        let mut client = client();
        apply(&mut client, &everything().into_iter().map(|(change, _)| change).collect::<Vec<_>>());
        let mut expected = client.snapshot().expect("a snapshot");
        for each in &mut expected.services {
            each.stats = None;
            each.service.flags = SchedulerFlags::default();
            each.service.engine = None;
            for SnapshotServer { server, status } in &mut each.servers {
                status.stats = None;
                server.thresholds = Thresholds::default();
                if let Forwarding::Tunnel(_) = server.forwarding {
                    server.forwarding = IPIP;
                }
            }
        }
        let mut found = procfs::read_snapshot().expect("a snapshot");
        // Firewall marks come last in both, in an order of their own.
        let order = |services: &mut Vec<lvsadm::model::SnapshotService>| services.sort_by_key(|each| each.service.key);
        order(&mut found.services);
        order(&mut expected.services);
        assert_eq!(found, expected);
    });
}

#[test]
fn connections_are_what_stock_ipvsadm_lists() {
    in_netns(|| {
        run_with_input(
            "ip -batch -",
            "address add 10.0.0.1/24 dev lo
address add 2001:db8::1/64 dev lo nodad
",
        )
        .ok();
        for command in [
            "-A -u 10.0.0.1:53 -s rr",
            "-a -u 10.0.0.1:53 -r 127.0.0.1:5353 -m",
            "-A -u 10.0.0.1:5060 -s rr -p 3600 --pe sip -o",
            "-a -u 10.0.0.1:5060 -r 127.0.0.1:5060 -m",
            "-A -u [2001:db8::1]:53 -s rr -p 100 -M 64",
            "-a -u [2001:db8::1]:53 -r [2001:db8::1]:5353 -m",
        ] {
            ipvsadm(command).ok();
        }
        let v4 = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        v4.send_to(b"x", "10.0.0.1:53").expect("it goes");
        let call = b"INVITE sip:x SIP/2.0\r\nCall-ID: abc123@10.0.0.2\r\n\r\n";
        v4.send_to(call, "10.0.0.1:5060").expect("it goes");
        let v6 = UdpSocket::bind("[::]:0").expect("a socket");
        v6.send_to(b"x", "[2001:db8::1]:53").expect("it goes");

        let text = procfs::read_connections().expect("readable");
        let found = procfs::connections(&text).map(|connection| {
            let c = connection.expect("understood");
            let engine = c.engine.map_or(String::new(), |(name, data)| format!(" {name} {data}"));
            format!("{} {} {} {} {}{engine}", c.protocol_name, c.state, c.client, c.service, c.server)
        });
        let found: Vec<_> = found.collect();
        // Without the heading and the seconds, which pass.
        let listed = ipvsadm("-L -n -c --persistent-conn").ok();
        let words = listed.lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>());
        let listed: Vec<_> = words.map(|words| [&words[..1], &words[2..]].concat().join(" ")).collect();
        assert_eq!(found, listed);
        assert!(found.iter().any(|line| line.ends_with("127.0.0.1:5060 sip abc123@10.0.0.2")), "{found:#?}");
        assert_eq!(found.len(), 4, "{found:#?}");
        let first = procfs::connections(&text).flatten().map(|c| c.expires).max();
        assert!(first.is_some_and(|seconds| (3500..=3600).contains(&seconds)), "{text}");
    });
}

#[test]
fn statistics_are_counted_and_zeroed() {
    in_netns(|| {
        run("ip address add 10.0.0.1/24 dev lo").ok();
        let mut client = client();
        let udp = VirtualService { one_packet: true, ..service(service_key(Protocol::Udp, "10.0.0.1", 53), "rr") };
        let backend = server("127.0.0.1", 5353, Forwarding::Masquerade);
        apply(&mut client, &[Change::AddService(udp.clone()), Change::AddServer(udp.key, backend)]);
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        (0..10).for_each(|_| drop(socket.send_to(b"12345", "10.0.0.1:53")));
        // The kernel adds up its counters every two seconds.
        thread::sleep(std::time::Duration::from_secs(3));
        let found = client.service(&udp.key).expect("an answer").expect("the service");
        let counted = |stats: Stats| (stats.connections, stats.in_packets, stats.in_bytes);
        assert_eq!(found.stats.map(counted), Some((10, 10, 330)));
        assert_eq!(found.servers[0].status.stats.map(counted), Some((10, 10, 330)));
        apply(&mut client, &[Change::Zero(None), Change::Zero(Some(udp.key))]);
        let found = client.service(&udp.key).expect("an answer").expect("the service");
        assert_eq!(found.stats.map(counted), Some((0, 0, 0)));
        assert_eq!(found.servers[0].status.stats.map(counted), Some((0, 0, 0)));
    });
}

/// Not a test by itself: tells whether a client can be opened, for [`those_without_permission_are_told_what_they_lack`].
#[test]
fn opening() {
    match Client::open() {
        Ok(_) => println!("open"),
        Err(error) => println!("{error}; {}", error.hint()),
    }
}

#[test]
fn those_without_permission_are_told_what_they_lack() {
    let program = std::env::current_exe().expect("this program");
    let open = |wrapper: &str| {
        let mut words: Vec<_> = wrapper.split_whitespace().map(str::to_owned).collect();
        words.push(program.display().to_string());
        words.extend(["--exact", "client::opening", "--nocapture"].map(str::to_owned));
        run(words).ok()
    };
    assert!(open("env").contains("open\n"));
    for (wrapper, message) in [
        ("unshare -r -n", "in a user namespace of its own, where root is not the machine's root; the kernel wants"),
        (
            "setpriv --reuid 65534 --clear-groups",
            "is neither root nor has it the capability CAP_NET_ADMIN; run as root",
        ),
        ("setpriv --bounding-set -net_admin --inh-caps -net_admin", "is root without the capability CAP_NET_ADMIN"),
    ] {
        let said = open(wrapper);
        assert!(said.contains("not permitted to use the kernel's IPVS: this process"), "{wrapper}: {said}");
        assert!(said.contains(message), "{wrapper}: {said}");
    }
}
