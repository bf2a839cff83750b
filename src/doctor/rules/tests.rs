use std::net::{IpAddr, SocketAddr};

use super::*;
use crate::{
    doctor::{
        facts::{ELSEWHERE_V4, Saved, Way},
        finding::{Finding, Severity},
        listen::Advert,
        probe::{Answer, Kind, Path, PathMtu},
    },
    host::{Address, HeldAddress, Link, fou::Port, prepare},
    model::{
        DaemonRole, Family, Forwarding, Info, Netmask, Persistence, Protocol, RealServer, ServerKey, ServerStatus,
        ServiceKey, SnapshotServer, SnapshotService, SyncDaemon, Thresholds, Tunnel, VirtualService, Weight,
    },
    vrrp::{
        event::State,
        status::{InstanceStatus, Status},
    },
};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn link(index: u32, name: &str) -> Link {
    Link {
        index,
        name: name.to_owned(),
        hardware_type: if name == "lo" { 772 } else { 1 },
        hardware_address: vec![2, 0, 0, 0, 0, index as u8],
        mtu: 1500,
        up: true,
        running: true,
        noarp: name.starts_with("tun"),
        loopback: name == "lo",
        multicast: true,
        kind: None,
        private: false,
        parent: None,
    }
}

fn hold(facts: &mut Facts, address: &str, prefix: u8, link: u32) {
    let address = Address { prefix, ..Address::new(ip(address)) };
    facts.addresses.push(HeldAddress {
        link,
        address,
        protocol: None,
        secondary: false,
        tentative: false,
        duplicate: false,
    });
}

fn out(link: u32, gateway: Option<&str>) -> Way {
    Way::Out { link, gateway: gateway.map(ip), source: Some(ip("10.0.0.1")), mtu: None }
}

const KEY: ServiceKey = ServiceKey::Address {
    protocol: Protocol::Tcp,
    address: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 100)),
    port: 80,
};

const SERVER: ServerKey = ServerKey { address: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 11)), port: 80 };

/// A healthy director of one service with one server.
fn director(forwarding: Forwarding) -> Facts {
    let mut facts = Facts::new(Role::Director);
    facts.kernel = (6, 1);
    facts.links = vec![link(1, "lo"), link(2, "eth0")];
    hold(&mut facts, "10.0.0.1", 24, 2);
    hold(&mut facts, "10.0.0.100", 32, 2);
    let server = RealServer { key: SERVER, forwarding, weight: Weight::default(), thresholds: Thresholds::default() };
    let servers = vec![SnapshotServer { server, status: ServerStatus::default() }];
    facts.ipvs = Ipvs::Present {
        services: vec![SnapshotService { service: VirtualService::new(KEY), stats: None, servers }],
        daemons: Vec::new(),
        info: Info { version: 0x0001_0201, table_size: 4096 },
    };
    facts.ways.insert(ip("10.0.0.100"), Way::Local);
    facts.ways.insert(SERVER.address, out(2, None));
    facts.ways.insert(ELSEWHERE_V4, out(2, Some("10.0.0.254")));
    for (path, value) in [
        ("ipv4/ip_forward", 1),
        ("ipv4/conf/all/send_redirects", 0),
        ("ipv4/conf/eth0/send_redirects", 0),
        ("ipv4/conf/all/rp_filter", 0),
        ("ipv4/conf/eth0/rp_filter", 2),
        ("ipv4/vs/conntrack", 0),
        ("ipv4/vs/conn_reuse_mode", 1),
        ("ipv4/vs/run_estimation", 1),
    ] {
        set(&mut facts, path, value);
    }
    facts.firewall = Some(crate::doctor::firewall::Ruleset::default());
    facts.probes.made = true;
    facts.probes.macs.insert(SERVER.address, [2, 0, 0, 0, 0, 11]);
    for kind in [Kind::Direct, Kind::Routed, Kind::Wrapped, Kind::Returning] {
        facts.probes.paths.push(Path { service: KEY, server: SERVER, kind, answer: Answer::Accepted });
    }
    facts
}

fn set(facts: &mut Facts, path: &str, value: i64) {
    facts.switches.insert(path.to_owned(), value.to_string());
}

fn say(facts: &mut Facts, kind: Kind, answer: Answer) {
    let path = facts.probes.paths.iter_mut().find(|path| path.kind == kind).expect("a probe");
    path.answer = answer;
}

fn edit(facts: &mut Facts, change: impl FnOnce(&mut SnapshotService)) {
    if let Ipvs::Present { services, .. } = &mut facts.ipvs {
        change(services.first_mut().expect("a service"));
    }
}

/// The numbers of the rules with findings.
fn fired(facts: &Facts) -> Vec<u8> {
    examine(facts).findings().iter().map(|(verdict, _)| verdict.number).collect()
}

fn first(facts: &Facts) -> Finding {
    examine(facts).findings().first().expect("a finding").1.clone()
}

const METHODS: [Forwarding; 3] = [Forwarding::Route, Forwarding::Masquerade, Forwarding::Tunnel(Tunnel::Ipip)];

#[test]
fn nothing_is_said_of_a_healthy_director() {
    for forwarding in METHODS {
        assert_eq!(fired(&director(forwarding)), [0; 0], "{forwarding:?}");
    }
}

#[test]
fn without_ipvs_nothing_else_is_needed() {
    let mut facts = director(Forwarding::Route);
    facts.ipvs = Ipvs::Absent { why: "the module ip_vs is not loaded".to_owned(), hint: None };
    assert_eq!(fired(&facts), [1]);
    assert_eq!(first(&facts).mend[0].command, "modprobe ip_vs");
    let mut facts = director(Forwarding::Route);
    let saved =
        Saved {
            path: "/etc/x".into(), missing_schedulers: vec!["mh".to_owned()], mixed: vec![(3, "-a …".to_owned())]
        };
    facts.saved = Some(saved);
    assert_eq!(fired(&facts), [1, 20]);
}

#[test]
fn forwarding_is_asked_for_by_nat_only() {
    for (forwarding, wanted) in METHODS.into_iter().zip([vec![], vec![2], vec![]]) {
        let mut facts = director(forwarding);
        set(&mut facts, "ipv4/ip_forward", 0);
        assert_eq!(fired(&facts), wanted, "{forwarding:?}");
    }
    let mut facts = director(Forwarding::Masquerade);
    set(&mut facts, "ipv4/conf/eth0/forwarding", 0);
    assert_eq!(first(&facts).mend[0].command, "sysctl -w net/ipv4/conf/eth0/forwarding=1");
}

#[test]
fn redirects_are_asked_for_by_nat_on_one_link_only() {
    for (forwarding, wanted) in METHODS.into_iter().zip([vec![], vec![12], vec![]]) {
        let mut facts = director(forwarding);
        set(&mut facts, "ipv4/conf/all/send_redirects", 1);
        assert_eq!(fired(&facts), wanted, "{forwarding:?}");
    }
    let mut facts = director(Forwarding::Masquerade);
    set(&mut facts, "ipv4/conf/all/send_redirects", 1);
    facts.links.push(link(3, "eth1"));
    facts.ways.insert(SERVER.address, out(3, None));
    assert_eq!(fired(&facts), [0; 0], "two links");
}

#[test]
fn an_address_that_is_not_here() {
    let mut facts = director(Forwarding::Route);
    facts.ways.insert(ip("10.0.0.100"), out(2, None));
    facts.addresses.pop();
    assert_eq!(fired(&facts), [3]);
    // A backup need not have it.
    facts.vrrp = Some(Status { instances: vec![instance(State::Backup)], ..Status::default() });
    facts.adverts = Some(Vec::new());
    assert_eq!(fired(&facts), [0; 0]);
    // And should not.
    hold(&mut facts, "10.0.0.100", 32, 2);
    facts.ways.insert(ip("10.0.0.100"), Way::Local);
    assert_eq!(fired(&facts), [4]);
    assert_eq!(first(&facts).severity, Severity::Broken);
}

#[test]
fn an_address_with_two_owners() {
    let mut facts = director(Forwarding::Route);
    hold(&mut facts, "10.0.0.100", 32, 1);
    assert_eq!(fired(&facts), [4]);
    let mut facts = director(Forwarding::Route);
    facts.probes.answering.insert(ip("10.0.0.100"), vec![[2, 0, 0, 0, 0, 11]]);
    assert_eq!(fired(&facts), [5]);
    assert_eq!(first(&facts).mend[0].host, Some(SERVER.address));
    let mut facts = director(Forwarding::Route);
    facts.vrrp = Some(Status { instances: vec![instance(State::Master)], ..Status::default() });
    facts.adverts = Some(Vec::new());
    assert_eq!(fired(&facts), [0; 0]);
    facts.configured.push((ip("10.0.0.100"), "/etc/network/interfaces".into()));
    assert_eq!(fired(&facts), [4]);
}

#[test]
fn probes_bear_on_the_methods_that_they_are_about() {
    for (kind, numbers) in [
        (Kind::Routed, [vec![6], vec![], vec![]]),
        (Kind::Wrapped, [vec![], vec![], vec![9]]),
        (Kind::Returning, [vec![], vec![11], vec![]]),
    ] {
        for (forwarding, wanted) in METHODS.into_iter().zip(numbers) {
            let mut facts = director(forwarding);
            say(&mut facts, kind, Answer::Silent);
            assert_eq!(fired(&facts), wanted, "{kind:?} {forwarding:?}");
            // A server that is out is nobody's concern.
            edit(&mut facts, |service| {
                service.servers[0].server.weight = Weight::ZERO;
                let other = SnapshotServer {
                    server: RealServer {
                        key: ServerKey { port: 80, address: ip("10.0.0.12") },
                        weight: Weight::default(),
                        ..service.servers[0].server
                    },
                    status: ServerStatus::default(),
                };
                service.servers.push(other);
            });
            facts.ways.insert(ip("10.0.0.12"), out(2, None));
            assert_eq!(fired(&facts), [0; 0], "{kind:?} {forwarding:?}");
        }
    }
}

#[test]
fn a_server_of_direct_routing_behind_a_router() {
    let mut facts = director(Forwarding::Route);
    facts.ways.insert(SERVER.address, out(2, Some("10.0.0.254")));
    assert!(fired(&facts) == [6] && first(&facts).read.contains("behind the router 10.0.0.254"));
}

#[test]
fn a_way_that_is_too_narrow() {
    let mut facts = director(Forwarding::Tunnel(Tunnel::Ipip));
    facts.probes.mtus.insert(SERVER.address, PathMtu { believed: 2000, passes: Some(1500) });
    assert_eq!(fired(&facts), [10]);
    assert!(first(&facts).mend[1].command.contains("advmss 1440"), "{:?}", first(&facts));
    for passes in [None, Some(2000)] {
        facts.probes.mtus.insert(SERVER.address, PathMtu { believed: 2000, passes });
        assert_eq!(fired(&facts), [0; 0]);
    }
}

#[test]
fn connections_that_are_tracked() {
    for (count, wanted) in [(10, vec![]), (90, vec![14]), (100, vec![14])] {
        let mut facts = director(Forwarding::Route);
        facts.conntrack = Some((count, 100));
        assert_eq!(fired(&facts), wanted);
    }
}

#[test]
fn switches_of_ipvs() {
    let mut facts = director(Forwarding::Route);
    set(&mut facts, "ipv4/vs/run_estimation", 0);
    assert_eq!(fired(&facts), [23]);
    let mut facts = director(Forwarding::Route);
    set(&mut facts, "ipv4/vs/conn_reuse_mode", 0);
    assert_eq!(fired(&facts), [0; 0]);
    set(&mut facts, "ipv4/vs/expire_nodest_conn", 0);
    assert_eq!(fired(&facts), [15]);
    let mut facts = director(Forwarding::Masquerade);
    (facts.kernel, facts.firewall) = ((5, 4), None);
    set(&mut facts, "ipv4/vs/conntrack", 1);
    assert_eq!(fired(&facts), [15]);
    facts.kernel = (5, 10);
    assert_eq!(fired(&facts), [0; 0]);
}

#[test]
fn a_table_that_is_full() {
    let mut facts = director(Forwarding::Route);
    edit(&mut facts, |service| service.servers[0].status.inactive = 4096 * 8);
    assert_eq!(fired(&facts), [16]);
    assert!(first(&facts).mend[0].command.contains("conn_tab_bits=13"));
}

#[test]
fn services_without_an_eligible_server() {
    let mut facts = director(Forwarding::Route);
    edit(&mut facts, |service| service.servers[0].server.thresholds.upper = 5);
    assert_eq!(fired(&facts), [0; 0]);
    edit(&mut facts, |service| service.servers[0].status.active = 5);
    assert_eq!(fired(&facts), [17]);
    edit(&mut facts, |service| service.servers[0].server.weight = Weight::ZERO);
    assert_eq!(fired(&facts), [17]);
    edit(&mut facts, |service| service.servers.clear());
    assert_eq!(fired(&facts), [17]);
}

#[test]
fn ports_matter_where_they_are_not_rewritten() {
    for (forwarding, wanted) in METHODS.into_iter().zip([vec![18], vec![], vec![18]]) {
        let mut facts = director(forwarding);
        edit(&mut facts, |service| service.servers[0].server.key.port = 8080);
        facts.probes.paths.iter_mut().for_each(|path| path.server.port = 8080);
        assert_eq!(fired(&facts), wanted, "{forwarding:?}");
    }
}

#[test]
fn clients_that_cannot_be_served() {
    let ends = (SocketAddr::new(ip("10.0.0.100"), 80), SocketAddr::new(ip("10.0.0.11"), 80));
    for (client, numbers) in [
        ("10.0.0.1", [vec![19], vec![], vec![19]]),
        ("10.0.0.11", [vec![], vec![19], vec![]]),
        ("10.0.0.7", [vec![], vec![], vec![]]),
    ] {
        for (forwarding, wanted) in METHODS.into_iter().zip(numbers) {
            let mut facts = director(forwarding);
            facts.connections.stuck.entry(ends).or_default().insert(ip(client), 1);
            assert_eq!(fired(&facts), wanted, "{client} {forwarding:?}");
        }
    }
    // On the servers' own network, and past the director.
    let mut facts = director(Forwarding::Masquerade);
    facts.connections.stuck.entry(ends).or_default().insert(ip("10.0.0.7"), 1);
    say(&mut facts, Kind::Returning, Answer::Silent);
    assert!(fired(&facts) == [11] && first(&facts).read.contains("the servers' own network"));
}

#[test]
fn clients_that_are_tied() {
    let mut facts = director(Forwarding::Route);
    edit(&mut facts, |service| {
        service.service.persistence = Some(Persistence { timeout: 300, netmask: Netmask::host(Family::V4) });
        let mut other = service.servers[0];
        other.server.key.address = ip("10.0.0.12");
        other.server.weight = Weight::ZERO;
        service.servers.push(other);
        service.servers[0].status.persistent = 40;
    });
    assert_eq!(fired(&facts), [0; 0]);
    edit(&mut facts, |service| service.servers[1].status.persistent = 3);
    assert_eq!(fired(&facts), [21]);
    set(&mut facts, "ipv4/vs/expire_quiescent_template", 1);
    assert_eq!(fired(&facts), [0; 0]);
    edit(&mut facts, |service| {
        service.servers[0].status.persistent = 100;
        service.servers[1].server.weight = Weight::default();
    });
    facts.probes.paths.clear();
    assert_eq!(fired(&facts), [21], "all at one server");
}

#[test]
fn sync_daemons_need_a_link() {
    let mut facts = director(Forwarding::Route);
    let daemon = |interface: &str| SyncDaemon {
        role: DaemonRole::Backup,
        interface: interface.to_owned(),
        sync_id: 5,
        max_len: None,
        group: None,
        port: None,
        ttl: None,
    };
    for (interface, wanted) in [("eth0", vec![]), ("eth9", vec![22])] {
        if let Ipvs::Present { daemons, .. } = &mut facts.ipvs {
            *daemons = vec![daemon(interface)];
        }
        assert_eq!(fired(&facts), wanted);
    }
}

fn instance(state: State) -> InstanceStatus {
    InstanceStatus {
        name: "VI_1".to_owned(),
        interface: Some("eth0".to_owned()),
        vrid: 51,
        version: 2,
        family: "ipv4".to_owned(),
        state,
        since_ms: 0,
        transitions: Vec::new(),
        base_priority: 100,
        priority: 100,
        interval_ms: 1000,
        source: None,
        group: None,
        order: None,
        addresses: vec!["10.0.0.100/24".to_owned()],
        peers: Vec::new(),
        timer_ms: None,
        waits_for: Vec::new(),
        counters: Default::default(),
    }
}

fn advert() -> Advert {
    Advert {
        link: "eth0".to_owned(),
        mac: [2, 0, 0, 0, 0, 9],
        from: ip("10.0.0.3"),
        to: ip("224.0.0.18"),
        hops: 255,
        version: 2,
        vrid: 51,
        priority: 150,
        authentication: 0,
        interval_ms: 1000,
        addresses: vec![ip("10.0.0.100")],
        sound: true,
    }
}

#[test]
fn routers_that_do_not_agree() {
    let said = |state: State, adverts: Vec<Advert>| {
        let mut facts = director(Forwarding::Route);
        if state == State::Backup {
            facts.addresses.pop();
            facts.ways.insert(ip("10.0.0.100"), out(2, None));
        }
        facts.vrrp = Some(Status { instances: vec![instance(state)], ..Status::default() });
        facts.adverts = Some(adverts);
        let report = examine(&facts);
        report.findings().iter().map(|(verdict, finding)| (verdict.number, finding.read.clone())).collect::<Vec<_>>()
    };
    assert_eq!(said(State::Backup, vec![advert()]), []);
    assert_eq!(said(State::Master, vec![Advert { vrid: 52, ..advert() }]), [], "somebody else's");
    for (advert, words) in [
        (Advert { version: 3, ..advert() }, "of version 3"),
        (Advert { hops: 64, ..advert() }, "TTL is 64"),
        (Advert { sound: false, ..advert() }, "checksum is wrong"),
        (Advert { interval_ms: 2000, ..advert() }, "interval is 2000 ms"),
        (Advert { addresses: vec![ip("10.9.0.1")], ..advert() }, "quite other addresses"),
        (Advert { addresses: vec![ip("10.0.0.100"), ip("10.9.0.1")], ..advert() }, "sends other addresses"),
    ] {
        let said = said(State::Backup, vec![advert]);
        assert!(matches!(&said[..], [(24, read)] if read.contains(words)), "{words}: {said:?}");
    }
    let two = said(State::Master, vec![advert()]);
    assert!(matches!(&two[..], [(24, read)] if read.contains("does not get")), "{two:?}");
    let three = said(State::Backup, vec![advert(), Advert { from: ip("10.0.0.4"), ..advert() }]);
    assert!(matches!(&three[..], [(24, read)] if read.contains("2 hosts send adverts")), "{three:?}");
}

#[test]
fn the_machine_below() {
    let mut facts = director(Forwarding::Route);
    facts.links.push(Link { hardware_address: vec![0, 0, 0x5e, 0, 1, 51], ..link(3, "vrrp.51") });
    assert_eq!(fired(&facts), [0; 0]);
    facts.machine = "VMware, Inc.".to_owned();
    assert_eq!(fired(&facts), [25]);
    let mut facts = director(Forwarding::Route);
    let mut late = instance(State::Master);
    late.counters.paused = 1;
    facts.vrrp = Some(Status { instances: vec![late], ..Status::default() });
    facts.adverts = Some(Vec::new());
    assert_eq!(fired(&facts), [26]);
}

/// A healthy real server.
fn server(mode: prepare::Mode) -> Facts {
    let wanted = prepare::RealServer {
        mode,
        vips: if mode == prepare::Mode::Nat { Vec::new() } else { vec![ip("10.0.0.100")] },
        gateway: (mode == prepare::Mode::Nat).then(|| ip("10.0.0.1")),
        clients: Vec::new(),
        tunnel: prepare::Tunnel::Ipip,
        over: None,
        port: None,
    };
    let mut facts = Facts::new(Role::RealServer(wanted));
    facts.links = vec![link(1, "lo"), link(2, "eth0"), Link { kind: Some("ipip".to_owned()), ..link(3, "tunl0") }];
    hold(&mut facts, "10.0.0.11", 24, 2);
    hold(&mut facts, "10.0.0.100", 32, 1);
    facts.ways.insert(ip("10.0.0.100"), Way::Local);
    facts.ways.insert(ip("10.0.0.1"), out(2, None));
    facts.ways.insert(ELSEWHERE_V4, out(2, Some("10.0.0.1")));
    for link in ["all", "eth0", "tunl0"] {
        set(&mut facts, &format!("ipv4/conf/{link}/arp_ignore"), i64::from(link == "all"));
        set(&mut facts, &format!("ipv4/conf/{link}/arp_announce"), if link == "all" { 2 } else { 0 });
        set(&mut facts, &format!("ipv4/conf/{link}/rp_filter"), 0);
    }
    facts.firewall = Some(crate::doctor::firewall::Ruleset::default());
    facts
}

const MODES: [prepare::Mode; 3] = [prepare::Mode::Dr, prepare::Mode::Nat, prepare::Mode::Tun];

#[test]
fn nothing_is_said_of_a_healthy_server() {
    for mode in MODES {
        assert_eq!(fired(&server(mode)), [0; 0], "{mode}");
    }
}

#[test]
fn servers_are_asked_for_what_their_mode_needs() {
    type Break = (fn(&mut Facts), [&'static [u8]; 3]);
    let breaks: [Break; 7] = [
        (|facts| set(facts, "ipv4/conf/all/arp_ignore", 0), [&[5], &[], &[5]]),
        (|facts| set(facts, "ipv4/conf/all/arp_announce", 1), [&[5], &[], &[5]]),
        (|facts| _ = facts.ways.insert(ip("10.0.0.100"), out(2, None)), [&[6], &[], &[6]]),
        (|facts| facts.addresses[1].address.prefix = 24, [&[7], &[], &[7]]),
        (|facts| set(facts, "ipv4/conf/tunl0/rp_filter", 1), [&[], &[], &[8]]),
        (|facts| facts.links[2].up = false, [&[], &[], &[9]]),
        (|facts| _ = facts.ways.insert(ELSEWHERE_V4, out(2, Some("10.0.0.254"))), [&[], &[11], &[]]),
    ];
    for (number, (breaking, wanted)) in breaks.into_iter().enumerate() {
        for (mode, wanted) in MODES.into_iter().zip(wanted) {
            let mut facts = server(mode);
            breaking(&mut facts);
            assert_eq!(fired(&facts), wanted, "{number} {mode}");
        }
    }
}

#[test]
fn gue_needs_its_port() {
    let mut facts = server(prepare::Mode::Tun);
    if let Role::RealServer(wanted) = &mut facts.role {
        wanted.tunnel = prepare::Tunnel::Gue(6080);
    }
    facts.gue_ports = vec![Port::gue(6081, Family::V4)];
    assert!(fired(&facts) == [9] && first(&facts).read.contains("6081"));
    facts.gue_ports = vec![Port::gue(6080, Family::V4)];
    assert_eq!(fired(&facts), [0; 0]);
}

#[test]
fn what_is_safe_is_done_once() {
    let mut facts = server(prepare::Mode::Dr);
    set(&mut facts, "ipv4/conf/all/arp_ignore", 0);
    facts.ways.insert(ip("10.0.0.100"), out(2, None));
    let steps: Vec<String> = examine(&facts).steps().iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["sysctl -w net/ipv4/conf/all/arp_ignore=1", "ip address add 10.0.0.100/32 dev lo"]);
}

/// What became of a rule.
fn outcome(facts: &Facts, number: u8) -> Outcome {
    examine(facts).verdicts.into_iter().find(|verdict| verdict.number == number).expect("a rule").outcome
}

#[test]
fn what_nobody_asked_is_not_fine() {
    let rules = [(Forwarding::Route, 6), (Forwarding::Tunnel(Tunnel::Ipip), 9), (Forwarding::Masquerade, 11)];
    for (forwarding, rule) in rules {
        let says = |facts: &Facts| match outcome(facts, rule) {
            Outcome::Unknown(why) => why,
            other => panic!("{forwarding:?}: {other:?}"),
        };
        let mut facts = director(forwarding);
        assert_eq!(outcome(&facts, rule), Outcome::Checked(Vec::new()));
        for path in &mut facts.probes.paths {
            path.answer = Answer::Unsent("no frames can be sent by wg0, which leads there".to_owned());
        }
        let unsent = "TCP 10.0.0.100:80 at 10.0.0.11:80: no frames can be sent by wg0, which leads there";
        assert_eq!(says(&facts), unsent);
        assert!(fired(&facts).is_empty());
        // A host that is not there is another matter.
        for path in &mut facts.probes.paths {
            path.answer = Answer::Absent("10.0.0.11 does not answer on eth0".to_owned());
        }
        assert_eq!(fired(&facts), [rule]);
        assert!(first(&facts).read.contains("10.0.0.11 does not answer on eth0"));
        facts.probes.paths.clear();
        assert!(says(&facts).contains("too many servers"));
        edit(&mut facts, |service| service.service.key = ServiceKey::Mark { mark: 5, family: Family::V4 });
        assert!(says(&facts).contains("no rule of the firewall tells an address"));
    }
    let mut facts = director(Forwarding::Tunnel(Tunnel::Ipip));
    assert!(matches!(outcome(&facts, 10), Outcome::Unknown(why) if why.ends_with("it could not be asked")));
    facts.probes.mtus.insert(SERVER.address, PathMtu { believed: 1500, passes: None });
    assert!(matches!(outcome(&facts, 10), Outcome::Unknown(why) if why.ends_with("it answers no echo requests")));
    facts.probes.mtus.insert(SERVER.address, PathMtu { believed: 1500, passes: Some(1500) });
    assert_eq!(outcome(&facts, 10), Outcome::Checked(Vec::new()));
}

/// A service of datagrams is asked with the begin of a TCP connection, which tells where packets go and nothing more.
#[test]
fn a_refusal_tells_where_packets_go() {
    let key = ServiceKey::Address { protocol: Protocol::Udp, address: ip("10.0.0.100"), port: 80 };
    let rules = [
        (Forwarding::Route, 6, Kind::Routed),
        (Forwarding::Tunnel(Tunnel::Ipip), 9, Kind::Wrapped),
        (Forwarding::Masquerade, 11, Kind::Returning),
    ];
    for (forwarding, rule, kind) in rules {
        let mut facts = director(forwarding);
        edit(&mut facts, |service| service.service.key = key);
        for path in &mut facts.probes.paths {
            path.service = key;
            path.answer = Answer::Refused;
        }
        assert_eq!(outcome(&facts, rule), Outcome::Checked(Vec::new()), "{forwarding:?}");
        say(&mut facts, kind, Answer::Silent);
        assert_eq!(fired(&facts), [rule], "{forwarding:?}");
        for path in &mut facts.probes.paths {
            path.answer = Answer::Silent;
        }
        assert!(matches!(outcome(&facts, rule), Outcome::Unknown(why) if why.contains("no TCP connection")));
    }
}

/// Only keepalived knows whether it is master here.
#[test]
fn a_backup_of_keepalived_need_not_have_the_address() {
    let mut facts = director(Forwarding::Route);
    facts.keepalived = true;
    assert!(fired(&facts).is_empty());
    assert!(matches!(outcome(&facts, 24), Outcome::Unknown(why) if why.contains("keepalived")));
    facts.addresses.pop();
    facts.ways.insert(ip("10.0.0.100"), out(2, None));
    facts.probes.answering.insert(ip("10.0.0.100"), vec![[2, 0, 0, 0, 0, 2]]);
    assert!(matches!(outcome(&facts, 3), Outcome::Unknown(why) if why.contains("a backup")));
    facts.probes.answering.clear();
    assert_eq!((fired(&facts), first(&facts).severity), (vec![3], Severity::Risk));
    facts.keepalived = false;
    assert_eq!((fired(&facts), first(&facts).severity), (vec![3], Severity::Broken));
}

#[test]
fn sources_are_rewritten_only_where_connections_are_tracked() {
    let rules = r#"{"nftables": [
        {"chain": {"family": "ip", "table": "f", "name": "post", "handle": 1, "type": "nat", "hook": "postrouting", "prio": 100,
                   "policy": "accept"}},
        {"rule": {"family": "ip", "table": "f", "chain": "post", "handle": 2, "expr": [{"masquerade": null}]}}]}"#;
    let mut facts = director(Forwarding::Masquerade);
    facts.firewall = crate::doctor::firewall::parse(rules);
    assert!(fired(&facts).is_empty(), "answers come back anyway");
    say(&mut facts, Kind::Returning, Answer::Silent);
    assert_eq!((fired(&facts), first(&facts).severity), (vec![14], Severity::Broken));
    // Whether they do is not known.
    say(&mut facts, Kind::Returning, Answer::Unsent("no frames can be sent by wg0".to_owned()));
    assert_eq!((fired(&facts), first(&facts).severity), (vec![14], Severity::Risk));
}
