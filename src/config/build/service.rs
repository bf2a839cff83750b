//! `virtual_server` → services of the table with their servers, policies and checks.

use std::{collections::HashMap, mem, net::IpAddr, path::PathBuf};

use indexmap::IndexMap;

use super::{
    checker::{self, Common, Of},
    global::Defaults,
    group::{self, Member},
    reading::{Reader, Reading, address, inside, number, port},
};
use crate::{
    check::settings::{Probe, Schedule},
    config::tree::{Place, Statement, Verdict},
    host::Command,
    model::{
        Checksum, Entry, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, Scheduler, SchedulerFlags,
        ServerKey, ServiceKey, Thresholds, Tunnel, VirtualService, Weight,
    },
    pool::settings::{AtStart, Check, Policy, ServerPolicy, Settings},
    vrrp::settings::TrackedFile,
};

/// What virtual servers need to know of the rest of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) groups: &'a HashMap<String, Vec<Member>>,
    pub(super) files: &'a [TrackedFile],
    pub(super) identity: Option<&'a (PathBuf, PathBuf)>,
    pub(super) defaults: &'a Defaults,
}

/// The schedulers that keepalived knows.
const SCHEDULERS: [&str; 14] =
    ["rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"];

/// How long clients stay with their server if only that they do is said, in seconds.
const PERSISTENCE: u32 = 360;

/// What a virtual server says, before it is known which services it is.
#[derive(Debug, Default)]
struct Said<'a> {
    common: Common,
    scheduler: Option<Scheduler>,
    flags: Vec<&'a Statement>,
    forwarding: Option<Forwarding>,
    protocol: Option<Protocol>,
    timeout: Option<u32>,
    netmask: Option<&'a Statement>,
    engine: Option<String>,
    one_packet: Option<Place>,
    family: Option<Family>,
    inhibit: bool,
    omega: bool,
    quorum: u32,
    hysteresis: u32,
    quorum_up: Option<Command>,
    quorum_down: Option<Command>,
    weight: Weight,
    suspend: Option<Place>,
    at_start: AtStart,
    host: Option<String>,
    sorry: Option<(IpAddr, Option<u16>, Place)>,
    sorry_inhibit: bool,
    sorry_forwarding: Option<Forwarding>,
    servers: Vec<&'a Statement>,
}

/// A real server, before it is known of which services.
#[derive(Debug)]
struct Server {
    address: IpAddr,
    /// As it is written.
    port: Option<u16>,
    place: Place,
    forwarding: Option<Forwarding>,
    weight: Weight,
    thresholds: Thresholds,
    inhibit: Option<bool>,
    up: Option<Command>,
    down: Option<Command>,
    /// Whether there is mail about it.
    alert: Option<bool>,
    probes: Probes,
}

/// What a server is asked, and when.
type Probes = Vec<(Probe, Schedule)>;

/// Where services were defined, to tell those that are defined twice.
pub(super) type Seen = HashMap<ServiceKey, (String, Place)>;

/// Reads a virtual server into the settings.
pub(super) fn read(block: &Statement, around: Around<'_>, seen: &mut Seen, settings: &mut Settings, r: &mut Reader) {
    let Some(members) = members(block, around, r) else { return };
    let mut said = say(block, around, r);
    let at = &block.keyword.place;
    if said.scheduler.is_none() {
        r.warn(at, Verdict::Corrects, "no lb_algo is set: wlc is taken").hint =
            Some("lb_algo rr, wrr, lc, wlc …".to_owned());
    }
    if said.forwarding.is_none() {
        let message = "no lb_kind is set: NAT is taken, which needs the servers' way back to lead through this host";
        r.warn(at, Verdict::Corrects, message).hint = Some("lb_kind NAT, DR or TUN".to_owned());
    }
    if said.protocol.is_none() && members.iter().any(|member| matches!(member, Member::Address(..))) {
        r.warn(at, Verdict::Corrects, "no protocol is set: UDP is taken").hint =
            Some("protocol TCP, UDP or SCTP".to_owned());
    }
    let first_port = members.iter().find_map(|member| match member {
        Member::Address(_, port) if *port != 0 => Some(*port),
        _ => None,
    });
    let blocks = mem::take(&mut said.servers);
    let mut servers: Vec<Server> = Vec::new();
    let mut known: HashMap<(IpAddr, Option<u16>), ()> = HashMap::with_capacity(blocks.len());
    for block in blocks {
        let Some(server) = r.within(block, |r| server(block, &said, first_port, around, r)) else { continue };
        if known.insert((server.address, server.port), ()).is_some() {
            let message = format!("real_server {} is there already", line(&server));
            r.error(&server.place, Verdict::Ignores, message);
        } else {
            servers.push(server);
        }
    }
    if servers.is_empty() {
        r.error(at, Verdict::Ignores, "virtual_server has no real_server").hint =
            Some("real_server ADDR PORT { … }".to_owned());
        return;
    }
    quorum(&mut said, &servers, at, r);
    let mut first = true;
    let mut members = members.into_iter().peekable();
    while let Some(member) = members.next() {
        let Some(service) = virtual_service(member, &said, &servers, at, r) else { continue };
        let key = service.key;
        if let Some((_, other)) = seen.get(&key) {
            r.error(at, Verdict::Accepts, format_args!("{key} is defined already at {other}")).hint =
                Some("keep one of the two".to_owned());
            continue;
        }
        seen.insert(key, (block.title(), at.clone()));
        r.alert(inside(block), &key.to_string());
        let probes = if members.peek().is_some() { |own: &mut Probes| own.clone() } else { mem::take };
        add(service, &said, &mut servers, probes, first, settings, r);
        first = false;
    }
}

fn line(server: &Server) -> String {
    server.port.map_or_else(|| server.address.to_string(), |port| format!("{} {port}", server.address))
}

/// Returns what the words behind `virtual_server` stand for.
fn members(block: &Statement, around: Around<'_>, r: &mut Reader) -> Option<Vec<Member>> {
    let Some(first) = block.values.first() else {
        r.error(&block.keyword.place, Verdict::Refuses, "virtual_server has no address").hint =
            Some("virtual_server ADDR PORT, fwmark N or group NAME".to_owned());
        return None;
    };
    let second = block.values.get(1);
    match &*first.text {
        "fwmark" => {
            let mark = second.and_then(|word| r.word(block, word, number(1..=u32::MAX)));
            let family = block.values.get(2).and_then(|word| r.word(block, word, group::family));
            if second.is_none() {
                r.error(&first.place, Verdict::Refuses, "the mark is missing behind fwmark");
            }
            Some(vec![Member::Mark(mark?, family)])
        }
        "group" => {
            let name = second.map(|word| &*word.text).unwrap_or_default();
            let members = around.groups.get(name).cloned();
            if members.is_none() {
                let place = second.map_or(&first.place, |word| &word.place);
                r.error(place, Verdict::Refuses, format_args!("there is no virtual_server_group {name}"));
            }
            members
        }
        _ => {
            let address = r.word(block, first, address)?;
            let port = second.map_or(Some(0), |word| r.word(block, word, port))?;
            Some(vec![Member::Address(address, port)])
        }
    }
}

fn say<'a>(block: &'a Statement, around: Around<'_>, r: &mut Reader) -> Said<'a> {
    let mut said = Said { quorum: 1, weight: Weight::default(), ..Said::default() };
    said.common.log_all_failures = around.defaults.log_all_failures;
    said.at_start = around.defaults.at_start;
    for statement in inside(block) {
        if !said.common.take(statement, r) && !of_table(statement, &mut said, r) {
            of_policy(statement, &mut said, r);
        }
    }
    said
}

/// Reads a keyword about the kernel's table; returns whether it was one.
fn of_table<'a>(statement: &'a Statement, said: &mut Said<'a>, r: &mut Reader) -> bool {
    match &*statement.keyword.text {
        "lb_algo" | "lvs_sched" => said.scheduler = r.one(statement, scheduler),
        "lb_kind" | "lvs_method" => said.forwarding = forwarding(statement, r),
        "protocol" => said.protocol = r.one(statement, protocol),
        "persistence_timeout" => {
            said.timeout = match statement.values.first() {
                None => Some(PERSISTENCE),
                // 0 is written for off.
                Some(word) => r.word(statement, word, number(0..=2_678_400)).filter(|timeout| *timeout > 0),
            };
        }
        "persistence_granularity" => said.netmask = Some(statement),
        "persistence_engine" => said.engine = r.text(statement),
        "ops" => said.one_packet = Some(statement.keyword.place.clone()),
        "flag-1" | "flag-2" | "flag-3" | "sh-port" | "sh-fallback" | "mh-port" | "mh-fallback" => {
            said.flags.push(statement);
        }
        "ip_family" => said.family = r.one(statement, group::family),
        "weight" => said.weight = weight(statement, r).unwrap_or(said.weight),
        "real_server" => said.servers.push(statement),
        _ => return false,
    }
    true
}

fn weight(statement: &Statement, r: &mut Reader) -> Option<Weight> {
    r.number(statement, 0..=Weight::MAX.value()).and_then(Weight::new)
}

fn of_policy(statement: &Statement, said: &mut Said<'_>, r: &mut Reader) {
    match &*statement.keyword.text {
        "inhibit_on_failure" => said.inhibit = r.switch(statement),
        "omega" => said.omega = true,
        "quorum" => said.quorum = r.number(statement, 1..=u32::MAX).unwrap_or(said.quorum),
        "hysteresis" => said.hysteresis = r.number(statement, 0..=u32::MAX).unwrap_or(said.hysteresis),
        "quorum_up" => said.quorum_up = r.command(statement),
        "quorum_down" => said.quorum_down = r.command(statement),
        "ha_suspend" => said.suspend = Some(statement.keyword.place.clone()),
        "virtualhost" => said.host = r.text(statement),
        "sorry_server" => {
            let port = statement.values.get(1).and_then(|word| r.word(statement, word, port));
            let place = statement.keyword.place.clone();
            said.sorry = r.one(statement, address).map(|address| (address, port, place));
        }
        "sorry_server_inhibit" => said.sorry_inhibit = r.switch(statement),
        "sorry_server_lvs_method" => said.sorry_forwarding = forwarding(statement, r),
        _ => {}
    }
}

fn scheduler(text: &str) -> Reading<Scheduler> {
    if SCHEDULERS.contains(&text) {
        return Ok(Scheduler::new(text));
    }
    Err(format!("one of {} is needed", SCHEDULERS.join(", ")))
}

fn protocol(text: &str) -> Reading<Protocol> {
    match text.to_ascii_uppercase().as_str() {
        "TCP" => Ok(Protocol::Tcp),
        "UDP" => Ok(Protocol::Udp),
        "SCTP" => Ok(Protocol::Sctp),
        _ => Err("TCP, UDP or SCTP is needed".to_owned()),
    }
}

/// Reads `NAT|DR|TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]`.
fn forwarding(statement: &Statement, r: &mut Reader) -> Option<Forwarding> {
    let kind = r.one(statement, |text| match text.to_ascii_uppercase().as_str() {
        "NAT" => Ok(Forwarding::Masquerade),
        "DR" => Ok(Forwarding::Route),
        "TUN" => Ok(Forwarding::Tunnel(Tunnel::Ipip)),
        _ => Err("NAT, DR or TUN is needed".to_owned()),
    })?;
    let (mut tunnel, mut gue, mut checksum) = ("ipip", None, Checksum::None);
    let mut words = statement.values.iter().skip(1);
    while let Some(word) = words.next() {
        match &*word.text {
            "type" => tunnel = words.next().map(|word| &*word.text).unwrap_or_default(),
            "port" => gue = words.next().and_then(|word| r.word(statement, word, port)),
            "nocsum" => checksum = Checksum::None,
            "csum" => checksum = Checksum::Full,
            "remcsum" => checksum = Checksum::Remote,
            other => {
                let message = format!("{other} is not known behind {}", statement.keyword.text);
                r.error(&word.place, Verdict::Ignores, message);
            }
        }
    }
    if kind != Forwarding::Tunnel(Tunnel::Ipip) {
        return Some(kind);
    }
    let tunnel = match (tunnel, gue) {
        ("ipip", _) => Tunnel::Ipip,
        ("gre", _) if checksum != Checksum::Remote => Tunnel::Gre { checksum },
        ("gue", Some(port)) => Tunnel::Gue { port, checksum },
        _ => {
            let message = "type ipip, type gue port N, or type gre without remcsum is needed";
            r.error(&statement.keyword.place, Verdict::Ignores, message);
            return None;
        }
    };
    Some(Forwarding::Tunnel(tunnel))
}

fn server(
    block: &Statement,
    said: &Said<'_>,
    first_port: Option<u16>,
    around: Around<'_>,
    r: &mut Reader,
) -> Option<Server> {
    let address = r.one(block, address)?;
    let own_port = block.values.get(1).and_then(|word| r.word(block, word, port));
    let mut server = Server {
        address,
        port: own_port,
        place: block.keyword.place.clone(),
        forwarding: None,
        weight: said.weight,
        thresholds: Thresholds::default(),
        inhibit: None,
        up: None,
        down: None,
        alert: None,
        probes: Vec::new(),
    };
    let (mut common, mut host) = (said.common.clone(), None);
    let mut checkers = Vec::new();
    for statement in inside(block) {
        match &*statement.keyword.text {
            "weight" => server.weight = weight(statement, r).unwrap_or(server.weight),
            "lvs_method" => server.forwarding = forwarding(statement, r),
            "uthreshold" => server.thresholds.upper = r.number(statement, 0..=i32::MAX as u32).unwrap_or(0),
            "lthreshold" => server.thresholds.lower = r.number(statement, 0..=i32::MAX as u32).unwrap_or(0),
            "inhibit_on_failure" => server.inhibit = Some(r.switch(statement)).filter(|own| *own != said.inhibit),
            "notify_up" => server.up = r.command(statement),
            "notify_down" => server.down = r.command(statement),
            "smtp_alert" => server.alert = Some(r.switch(statement)),
            "virtualhost" => host = r.text(statement),
            keyword if checker::is_one(keyword) => checkers.push(statement),
            _ => _ = common.take(statement, r),
        }
    }
    let of = Of {
        address,
        port: own_port.or(first_port).unwrap_or(0),
        of_service: said.host.as_deref(),
        of_server: host.as_deref(),
        identity: around.identity,
        files: around.files,
    };
    // Probes are large, and most servers have one.
    server.probes.reserve_exact(checkers.len());
    for statement in checkers {
        server.probes.extend(r.within(statement, |r| checker::read(statement, &common, of, r)));
    }
    Some(server)
}

/// Brings quorum and hysteresis to what can be reached.
fn quorum(said: &mut Said<'_>, servers: &[Server], at: &Place, r: &mut Reader) {
    let sum: u64 = servers.iter().map(|server| u64::from(server.weight.value())).sum();
    if u64::from(said.quorum) > sum {
        let reachable = u32::try_from(sum).unwrap_or(u32::MAX).max(1);
        let message = format!("the quorum of {} is more than all weights: {reachable} is taken", said.quorum);
        r.warn(at, Verdict::Corrects, message);
        said.quorum = reachable;
    }
    if said.hysteresis >= said.quorum && said.hysteresis > 0 {
        let message = format!("the hysteresis is less than the quorum: {} is taken", said.quorum - 1);
        r.warn(at, Verdict::Corrects, message);
        said.hysteresis = said.quorum - 1;
    }
}

fn virtual_service(
    member: Member,
    said: &Said<'_>,
    servers: &[Server],
    at: &Place,
    r: &mut Reader,
) -> Option<VirtualService> {
    let key = match member {
        Member::Address(address, port) => {
            let protocol = said.protocol.unwrap_or(Protocol::Udp);
            ServiceKey::Address { protocol, address, port }
        }
        Member::Mark(mark, family) => {
            let of_servers = servers.first().map_or(Family::V4, |server| Family::of(server.address));
            ServiceKey::Mark { mark, family: family.or(said.family).unwrap_or(of_servers) }
        }
    };
    let mut service = VirtualService::new(key);
    service.scheduler = said.scheduler.clone().unwrap_or_default();
    let timeout = said.timeout.or_else(|| said.netmask.map(|_| PERSISTENCE));
    let netmask = said.netmask.and_then(|statement| granularity(statement, key.family(), r));
    service.persistence = timeout.map(|timeout| {
        let netmask = netmask.unwrap_or_else(|| Netmask::host(key.family()));
        Persistence { timeout, netmask }
    });
    service.engine.clone_from(&said.engine);
    service.flags = flags(said, r);
    if key.port() == Some(0) && service.persistence.is_none() {
        r.error(at, Verdict::Refuses, "a service of all ports of an address must be persistent").hint =
            Some("name a port, or persistence_timeout SECONDS".to_owned());
        return None;
    }
    if let Some(place) = &said.one_packet {
        let possible = matches!(key, ServiceKey::Mark { .. } | ServiceKey::Address { protocol: Protocol::Udp, .. });
        if !possible {
            r.error(place, Verdict::Ignores, "ops is for UDP and firewall marks");
        }
        service.one_packet = possible;
    }
    Some(service)
}

fn granularity(statement: &Statement, family: Family, r: &mut Reader) -> Option<Netmask> {
    r.one(statement, |text| match family {
        Family::V4 => {
            let length = || number(1..=32_u32)(text).map(|length| u32::MAX << (32 - length));
            let mask = text.parse().or_else(|_| length().map(std::net::Ipv4Addr::from_bits));
            mask.map(Netmask::V4).map_err(|_| "a mask such as 255.255.255.0 is needed".to_owned())
        }
        Family::V6 => number(1..=128)(text).map(Netmask::V6),
    })
}

fn flags(said: &Said<'_>, r: &mut Reader) -> SchedulerFlags {
    let mut flags = SchedulerFlags::default();
    let scheduler = said.scheduler.as_ref().map(Scheduler::as_str).unwrap_or_default();
    for statement in &said.flags {
        let keyword = &*statement.keyword.text;
        if let Some((of, _)) = keyword.split_once('-').filter(|(of, _)| *of != "flag" && *of != scheduler) {
            let message = format!("{keyword} is for the scheduler {of}");
            r.error(&statement.keyword.place, Verdict::Ignores, message);
            continue;
        }
        match keyword {
            "flag-1" | "sh-fallback" | "mh-fallback" => flags.first = true,
            "flag-2" | "sh-port" | "mh-port" => flags.second = true,
            _ => flags.third = true,
        }
    }
    flags
}

/// Adds a service. `probes` gives it those of its servers; the last service of a group gets the servers' own. Commands of a group
/// run once: they belong to its `first` service.
fn add(
    service: VirtualService,
    said: &Said<'_>,
    servers: &mut [Server],
    probes: fn(&mut Probes) -> Probes,
    first: bool,
    settings: &mut Settings,
    r: &mut Reader,
) {
    let key = service.key;
    let mut entry = Entry { service, servers: IndexMap::with_capacity(servers.len()) };
    settings.checks.reserve(servers.iter().map(|server| server.probes.len()).sum());
    for server in servers {
        let forwarding = server.forwarding.or(said.forwarding).unwrap_or(Forwarding::Masquerade);
        if Family::of(server.address) != key.family() && !matches!(forwarding, Forwarding::Tunnel(_)) {
            let message = format!("{} is of another family than {key}: only tunnels lead there", server.address);
            r.error(&server.place, Verdict::Refuses, message).hint = Some("lb_kind TUN".to_owned());
            continue;
        }
        let port = server_port(server, &key, forwarding, r);
        let own = ServerKey { address: server.address, port };
        let real = RealServer { key: own, forwarding, weight: server.weight, thresholds: server.thresholds };
        if entry.servers.insert(own, real).is_some() {
            let message = format!("server {own} of {key} is there twice, because its port is the service's");
            r.error(&server.place, Verdict::Refuses, message);
            continue;
        }
        settings.checks.extend(probes(&mut server.probes).into_iter().map(|(probe, schedule)| Check {
            service: key,
            server: own,
            probe: probe.into(),
            schedule: schedule.into(),
            through_vip: false,
        }));
        r.alerts.extend(server.alert.map(|on| (format!("{own} of {key}"), on)));
        let (up, down) = (server.up.clone().filter(|_| first), server.down.clone().filter(|_| first));
        if server.inhibit.is_some() || up.is_some() || down.is_some() {
            let inhibit = server.inhibit;
            settings.servers.push(ServerPolicy { service: key, server: own, inhibit, up, down, weights: None });
        }
    }
    let policy = policy(key, said, first, r);
    if policy != Policy::of(key) {
        settings.policies.push(policy);
    }
    settings.operator.services.insert(key, entry);
}

/// Only NAT can change a port.
fn server_port(server: &Server, key: &ServiceKey, forwarding: Forwarding, r: &mut Reader) -> u16 {
    let of_service = key.port().unwrap_or(0);
    let own = server.port.unwrap_or(of_service);
    if forwarding == Forwarding::Masquerade || own == of_service {
        return own;
    }
    if key.port().is_some_and(|port| port != 0) {
        let message = format!("only NAT can change a port: {of_service} is taken for {own}");
        r.warn(&server.place, Verdict::Corrects, message);
    }
    of_service
}

fn policy(key: ServiceKey, said: &Said<'_>, first: bool, r: &mut Reader) -> Policy {
    let suspend = match (&said.suspend, key) {
        (Some(_), ServiceKey::Address { address, .. }) => Some(address),
        (Some(place), ServiceKey::Mark { .. }) => {
            r.error(place, Verdict::Ignores, "ha_suspend is for services with an address");
            None
        }
        (None, _) => None,
    };
    let sorry = said.sorry.as_ref().and_then(|(address, port, place)| {
        let forwarding = said.sorry_forwarding.or(said.forwarding).unwrap_or(Forwarding::Masquerade);
        if Family::of(*address) != key.family() && !matches!(forwarding, Forwarding::Tunnel(_)) {
            r.error(place, Verdict::Refuses, format_args!("{address} is of another family than {key}"));
            return None;
        }
        let of_service = key.port().unwrap_or(0);
        let nat = forwarding == Forwarding::Masquerade;
        let port = port.filter(|_| nat).unwrap_or(of_service);
        let key = ServerKey { address: *address, port };
        Some(RealServer { key, forwarding, weight: Weight::default(), thresholds: Thresholds::default() })
    });
    Policy {
        service: key,
        quorum: said.quorum,
        hysteresis: said.hysteresis,
        quorum_up: said.quorum_up.clone().filter(|_| first),
        quorum_down: said.quorum_down.clone().filter(|_| first),
        sorry_inhibit: said.sorry_inhibit && sorry.is_some(),
        sorry,
        inhibit: said.inhibit,
        omega: said.omega,
        suspend_without: suspend,
        foreign: None,
        at_start: match said.at_start {
            AtStart::Nothing if first && said.quorum_up.is_some() => AtStart::Quorum,
            wanted => wanted,
        },
    }
}
