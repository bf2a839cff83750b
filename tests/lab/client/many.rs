//! Thousands of changes, random ones, lost answers, and a table that does not hold still.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use lvsadm::{
    ipvs::{Client, Refusal},
    model::{
        Change, Checksum, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, ServerKey, ServiceKey,
        Thresholds, Timeouts, VirtualService, Weight,
    },
    sys::netlink::Socket,
};
use neli::consts::socket::NlFamily;
use nix::errno::Errno;

use super::values::*;
use crate::support::{in_netns, ipvsadm};

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
