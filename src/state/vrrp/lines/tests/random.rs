//! Random settings, printed and read back.

use std::{net::IpAddr, time::Duration};

use fastrand::Rng;
use proptest::prelude::*;

use super::{TwoFiles, parse};
use crate::{
    host::{Address, Command, Lifetime, NextHop, Route, RouteTarget, Rule, RuleAction, Scope},
    model::{DaemonRole, Family, Protocol, ServiceKey, SyncDaemon},
    state::vrrp::{
        instance::{Defaults, default_group},
        legality, lines,
    },
    vrrp::settings::{
        Announce, AntiReplay, ArgumentMatch, Authentication, Fifo, Hmac, HmacMode, Initial, Instance, Notify, Peer,
        Preempt, Priority, Process, Script, Secret, Settings, Statics, SyncFollower, SyncGroup, Track, TrackedFile,
        TrackedService, Tracker, Transport, Version, Vmac, Vrid,
    },
};

proptest! {
    #[test]
    fn settings_come_back(seed: u64) {
        let wanted = settings(&mut Rng::with_seed(seed));
        let text = lines(&wanted);
        let numbered = text.iter().enumerate().map(|(at, line)| (at + 1, line.as_str()));
        match parse(numbered, &TwoFiles) {
            Ok(parsed) => {
                prop_assert_eq!(lines(&parsed.settings), text.clone());
                prop_assert_eq!(parsed.settings, wanted);
            }
            Err(faults) => prop_assert!(false, "{faults:?}\n{}", text.join("\n")),
        }
    }

    #[test]
    fn no_line_makes_the_reader_panic(text in r"(vrrp (add|add-group|add-file|set) [a-z]{1,3} )?(--[a-z-]{1,12}[ =]\PC{0,8} ?){0,4}") {
        let _ = parse(text.lines().enumerate(), &TwoFiles);
    }
}

fn daemon(rng: &mut Rng) -> SyncDaemon {
    SyncDaemon {
        role: DaemonRole::Master,
        interface: format!("eth{}", rng.u8(..9)),
        sync_id: rng.u8(..),
        max_len: maybe(rng, |rng| rng.u16(1..=65_507)),
        group: maybe(rng, |rng| IpAddr::from([224, 0, 1, rng.u8(..)])),
        port: maybe(rng, |rng| rng.u16(1..)),
        ttl: maybe(rng, |rng| rng.u8(1..)),
    }
}

/// Something or nothing.
fn maybe<T>(rng: &mut Rng, make: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    rng.bool().then(|| make(rng))
}

fn pick<T: Clone>(rng: &mut Rng, choice: &[T]) -> T {
    choice[rng.usize(..choice.len())].clone()
}

fn some<T>(rng: &mut Rng, most: usize, mut make: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..rng.usize(..=most)).map(|_| make(rng)).collect()
}

fn time(rng: &mut Rng, most_seconds: u64) -> Duration {
    let micros = match rng.u8(..4) {
        0 => 0,
        1 => rng.u64(..=most_seconds) * 1_000_000,
        2 => rng.u64(..=most_seconds * 1000) * 1000,
        _ => rng.u64(..=most_seconds * 1_000_000),
    };
    Duration::from_micros(micros)
}

fn ip(rng: &mut Rng, family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::from([10, rng.u8(..), rng.u8(..), rng.u8(..)]),
        Family::V6 => IpAddr::from([0x2001, 0xdb8, 0, rng.u16(..), 0, 0, 0, rng.u16(..)]),
    }
}

fn link_local(rng: &mut Rng) -> IpAddr {
    IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, rng.u16(1..)])
}

fn word(rng: &mut Rng) -> String {
    pick(rng, &["a", "it's", "two words", "\"q\"", "#hash", "--x", "ü\\", "", "x=1"]).to_owned()
}

fn user(rng: &mut Rng) -> (String, Option<String>) {
    ("alice".to_owned(), maybe(rng, |rng| pick(rng, &["1000", ":", ":adm"]).to_owned()))
}

fn command(rng: &mut Rng) -> Command {
    let mut words = vec![pick(rng, &["/bin/true", "/opt/my script", "/a@/b", "true"]).to_owned()];
    words.extend(some(rng, 3, word));
    Command { words, user: maybe(rng, user) }
}

fn address(rng: &mut Rng, family: Family) -> Address {
    let v4 = family == Family::V4;
    Address {
        address: ip(rng, family),
        prefix: if rng.bool() { if v4 { 32 } else { 128 } } else { rng.u8(8..=32) },
        device: maybe(rng, |_| "eth7".to_owned()),
        label: maybe(rng, |_| "eth7:vip".to_owned()).filter(|_| v4),
        broadcast: maybe(rng, |rng| ip(rng, family)).filter(|_| v4),
        peer: maybe(rng, |rng| ip(rng, family)),
        scope: pick(rng, &[Scope::Global, Scope::Site, Scope::Link, Scope::Host, Scope::Nowhere, Scope::Other(7)]),
        preferred: maybe(rng, |rng| pick(rng, &[Lifetime::Forever, Lifetime::Seconds(0), Lifetime::Seconds(77)])),
        duplicate_detection: rng.bool(),
        no_prefix_route: rng.bool(),
    }
}

fn hop(rng: &mut Rng, family: Family) -> NextHop {
    let gateway = maybe(rng, |rng| ip(rng, family));
    let device = if gateway.is_none() || rng.bool() { Some("eth0".to_owned()) } else { None };
    let onlink = gateway.is_some() && device.is_some() && rng.bool();
    NextHop { gateway, device, weight: rng.u16(1..=256), onlink }
}

fn route(rng: &mut Rng) -> Route {
    let family = pick(rng, &[Family::V4, Family::V6]);
    let target = match rng.u8(..4) {
        0 => pick(rng, &[RouteTarget::Blackhole, RouteTarget::Unreachable, RouteTarget::Prohibit]),
        1 => RouteTarget::Via((0..3).map(|_| hop(rng, family)).collect()),
        _ => RouteTarget::Via(vec![hop(rng, family)]),
    };
    let network = match family {
        Family::V4 => (IpAddr::from([10, rng.u8(..), 0, 0]), rng.u8(16..=32)),
        Family::V6 => (IpAddr::from([0x2001, rng.u16(..), 0, 0, 0, 0, 0, 0]), rng.u8(32..=128)),
    };
    Route {
        to: maybe(rng, |_| network),
        target,
        table: pick(rng, &[254, 255, 253, 100]),
        source: maybe(rng, |rng| ip(rng, family)),
        metric: maybe(rng, |rng| rng.u32(..)),
        scope: maybe(rng, |rng| pick(rng, &[Scope::Global, Scope::Link, Scope::Other(9)])),
        mtu: maybe(rng, |rng| rng.u32(68..)),
        advmss: maybe(rng, |rng| rng.u32(1..)),
    }
}

fn rule(rng: &mut Rng) -> Rule {
    let family = pick(rng, &[Family::V4, Family::V6]);
    let prefix = |rng: &mut Rng| (ip(rng, family), if family == Family::V4 { 32 } else { 128 });
    Rule {
        preference: rng.u32(..),
        not: rng.bool(),
        from: maybe(rng, prefix),
        to: maybe(rng, prefix),
        mark: maybe(rng, |rng| (rng.u32(..), pick(rng, &[u32::MAX, 0xff]))),
        iif: maybe(rng, |_| "eth0".to_owned()),
        oif: maybe(rng, |_| "eth1".to_owned()),
        family,
        action: pick(
            rng,
            &[RuleAction::Lookup(254), RuleAction::Lookup(9), RuleAction::Blackhole, RuleAction::Prohibit],
        ),
    }
}

fn authentication(rng: &mut Rng) -> Authentication {
    let secret = |rng: &mut Rng, least: usize, most: usize| {
        let bytes: Vec<u8> = (0..rng.usize(least..=most)).map(|_| rng.u8(..)).collect();
        if rng.bool() { Secret::new(bytes) } else { Secret::new(vec![b'k'; bytes.len()]) }
    };
    match rng.u8(..4) {
        0 => Authentication::None,
        1 => Authentication::Pass(secret(rng, 1, 8)),
        2 => Authentication::Ah(secret(rng, 1, 8)),
        _ => Authentication::Hmac(Hmac {
            keys: vec![(7, secret(rng, 32, 64)), (9, secret(rng, 32, 64))],
            active: pick(rng, &[7, 9]),
            mode: pick(rng, &[HmacMode::Enforce, HmacMode::Permissive, HmacMode::ReceiveOnly]),
            replay: pick(rng, &[AntiReplay::Monotonic, AntiReplay::Window(Duration::from_secs(5))]),
        }),
    }
}

fn transport(rng: &mut Rng, family: Family) -> Transport {
    let source = maybe(rng, |rng| ip(rng, family));
    if rng.bool() {
        let group = if family == Family::V4 {
            IpAddr::from([239, 1, 2, 3])
        } else {
            IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 9])
        };
        let group = pick(rng, &[group, default_group(family)]);
        return Transport::Multicast { group, source };
    }
    let peer = |rng: &mut Rng| Peer { address: ip(rng, family), ttl: maybe(rng, |rng| (rng.u8(..9), rng.u8(9..))) };
    let peers: Vec<Peer> = (0..rng.usize(1..4)).map(|_| peer(rng)).collect();
    let check_source = peers.iter().any(|peer| peer.ttl.is_some()) || rng.bool();
    Transport::Unicast { source, peers, ttl: maybe(rng, |rng| rng.u8(1..)), check_source }
}

fn notify(rng: &mut Rng) -> Notify {
    Notify {
        master: maybe(rng, command),
        backup: maybe(rng, command),
        fault: maybe(rng, command),
        stop: maybe(rng, command),
        deleted: maybe(rng, command),
        any: maybe(rng, command),
        lower_priority: maybe(rng, command),
        priority_changes: rng.bool(),
    }
}

fn tracks(rng: &mut Rng, weights: bool) -> Vec<Track> {
    let service = ServiceKey::Address { protocol: Protocol::Sctp, address: ip(rng, Family::V6), port: rng.u16(..) };
    let mark = ServiceKey::Mark { mark: rng.u32(1..), family: pick(rng, &[Family::V4, Family::V6]) };
    // In the order of the tables, as they are read.
    let trackers = [
        Tracker::Interface("eth1".to_owned()),
        Tracker::Script("chk".to_owned()),
        Tracker::Process("ngx".to_owned()),
        Tracker::File("num".to_owned()),
        Tracker::Bfd("peer".to_owned()),
        Tracker::Service(TrackedService { service, quorum: rng.u32(1..) }),
        Tracker::Service(TrackedService { service: mark, quorum: 1 }),
    ];
    let track = |rng: &mut Rng, tracker| Track {
        tracker,
        weight: if weights { rng.i16(-253..=253) } else { 0 },
        reverse: rng.bool(),
    };
    trackers.into_iter().filter_map(|tracker| rng.bool().then(|| track(rng, tracker))).collect()
}

/// An instance that is legal; many tries are not.
fn instance(rng: &mut Rng, number: u8, weights: bool) -> Instance {
    loop {
        let instance = any_instance(rng, number, weights);
        if legality::faults(&instance).is_empty() {
            return instance;
        }
    }
}

fn any_instance(rng: &mut Rng, number: u8, weights: bool) -> Instance {
    let family = pick(rng, &[Family::V4, Family::V6]);
    let strict = rng.u8(..3) == 0;
    let priority = pick(rng, &[Priority::OWNER, Priority::DEFAULT, Priority::new(150).expect("not 0")]);
    let defaults = Defaults::of(family, priority, strict);
    let version = pick(rng, &[Version::V2, Version::V3]);
    let mut addresses = some(rng, 4, |rng| address(rng, family));
    if strict && family == Family::V6 {
        addresses.insert(0, Address { address: link_local(rng), ..address(rng, family) });
    }
    let transport = if strict {
        Transport::Multicast { group: default_group(family), source: None }
    } else {
        transport(rng, family)
    };
    let unicast = matches!(transport, Transport::Unicast { .. });
    let source = match &transport {
        Transport::Unicast { source, .. } | Transport::Multicast { source, .. } => source.is_some(),
    };
    let vmac = Vmac {
        name: maybe(rng, |_| "v1".to_owned()),
        mac: maybe(rng, |rng| [2, rng.u8(..), 0, 0, 0, 1]).filter(|_| !strict),
        transmit_on_base: unicast || !strict && rng.bool(),
        other_links: rng.bool(),
    };
    let announce = Announce {
        repeat: rng.u32(1..9),
        delay: time(rng, 10),
        refresh: time(rng, 1000),
        refresh_repeat: rng.u32(1..9),
        lower_repeat: if strict { 0 } else { rng.u32(..9) },
        lower_delay: if strict { Duration::ZERO } else { time(rng, 10) },
        other_links: time(rng, 86_400),
        arp_interval: time(rng, 60),
        na_interval: time(rng, 60),
    };
    Instance {
        name: format!("VI_{number}"),
        interface: (!unicast || !source || rng.bool()).then(|| "eth0".to_owned()),
        vrid: Vrid::new(number).expect("not 0"),
        version,
        family,
        priority,
        interval: if version == Version::V2 {
            Duration::from_secs(rng.u64(1..=255))
        } else {
            Duration::from_millis(rng.u64(1..=4095) * 10)
        },
        initial: pick(rng, &[Initial::Backup, Initial::Master]),
        preempt: pick(rng, &[Preempt::Never, Preempt::After(Duration::ZERO), Preempt::After(Duration::from_micros(7))]),
        addresses,
        excluded: some(rng, 2, |rng| address(rng, Family::V6)),
        routes: some(rng, 3, route),
        rules: some(rng, 3, rule),
        authentication: authentication(rng),
        pseudo_header: rng.bool(),
        transport,
        vmac: maybe(rng, |_| vmac),
        announce: pick(rng, &[announce, defaults.announce]),
        accept: rng.bool(),
        strict,
        track_primary: rng.bool(),
        track_source: rng.bool(),
        answer_lower: !strict && rng.bool(),
        answer_higher: rng.bool(),
        owner_ignores_adverts: defaults.owner_ignores_adverts || rng.bool(),
        skip_address_check: rng.bool(),
        promote_secondaries: rng.bool(),
        down_timer_adverts: if strict { 3 } else { rng.u8(1..=100) },
        tracks: tracks(rng, weights),
        notify: notify(rng),
    }
}

fn settings(rng: &mut Rng) -> Settings {
    let weights = rng.bool();
    let interval = time(rng, 100).max(Duration::from_millis(1));
    let script = Script {
        name: "chk".to_owned(),
        command: command(rng),
        interval,
        timeout: pick(rng, &[interval, Duration::from_secs(3)]),
        weight: (rng.i16(-253..=253), rng.bool()),
        rise: rng.u32(1..9),
        fall: rng.u32(1..9),
        init_fail: rng.bool(),
    };
    let process = Process {
        name: "ngx".to_owned(),
        program: "nginx".to_owned(),
        arguments: maybe(rng, |rng| {
            (some(rng, 3, word), pick(rng, &[ArgumentMatch::Exact, ArgumentMatch::Initial, ArgumentMatch::Partial]))
        }),
        full_command: rng.bool(),
        weight: (rng.i16(-254..=254), rng.bool()),
        quorum: rng.u32(1..=5),
        quorum_max: maybe(rng, |rng| rng.u32(5..=65_535)),
        terminate_delay: time(rng, 3600),
        fork_delay: time(rng, 3600),
    };
    let file = TrackedFile {
        name: "num".to_owned(),
        path: "/run/a file".into(),
        weight: (rng.i16(-254..=254), rng.bool()),
        initial: maybe(rng, |rng| (rng.i64(..), rng.bool())),
    };
    let fifo = |rng: &mut Rng| Fifo {
        path: format!("/run/{}", rng.u32(..)).into(),
        owner: maybe(rng, user),
        reader: maybe(rng, command),
    };
    let instances: Vec<Instance> = (1..=rng.u8(1..4)).map(|number| instance(rng, number, weights)).collect();
    let follows = instances.first().map(|instance| instance.name.clone());
    let sync = follows.filter(|_| rng.bool()).map(|instance| SyncFollower { instance, daemon: daemon(rng) });
    let group = SyncGroup {
        name: "VG".to_owned(),
        members: instances.iter().map(|instance| instance.name.clone()).collect(),
        tracks: tracks(rng, weights),
        weights,
        notify: Notify { deleted: None, lower_priority: None, ..notify(rng) },
    };
    Settings {
        groups: maybe(rng, |_| group).into_iter().collect(),
        instances,
        scripts: vec![script],
        processes: vec![process],
        files: vec![file],
        startup_delay: time(rng, 86_400),
        missing_interfaces: rng.bool(),
        fifos: some(rng, 2, fifo),
        script_user: maybe(rng, user),
        statics: Statics {
            addresses: some(rng, 2, |rng| Address {
                device: Some(format!("eth{}", rng.u8(..9))),
                ..address(rng, Family::V4)
            }),
            ..Statics::default()
        },
        sync,
    }
}
