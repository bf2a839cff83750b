//! Which server the kernel's scheduler chooses for a new connection, from what can be seen of the table. No IO.
//!
//! sh, dh and mh choose by a hash of addresses and are foretold exactly: what the hashes are was learnt from the kernel's behaviour,
//! and the lab compares thousands of clients with a real kernel. lc, wlc, sed, nq, fo and ovf choose by counts that are known now
//! and may be others when the packet comes. rr, wrr, twos and the caching ones keep something to themselves: for them there are
//! shares only.
//!
//! Not seen from outside: a server above its upper threshold stays closed until it is below the lower one, and mh goes by the last
//! weight above 0 that a server had ([`LastWeights`]).

mod hash;
mod maglev;

use std::{collections::HashMap, net::IpAddr};

use crate::model::{ServerKey, SnapshotServer, SnapshotService, Weight};

/// What a client's packet tells a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Address of the client.
    pub source: IpAddr,
    /// Port of the client; `None` where it is not known, which matters with `sh-port` and `mh-port` only.
    pub source_port: Option<u16>,
    /// Where the packet goes to.
    pub destination: IpAddr,
}

/// The last weights above 0 of servers that have weight 0 now, as far as somebody knows them. mh goes by them.
pub type LastWeights = HashMap<ServerKey, Weight>;

/// Returns the servers whose last weight would have to be known to foretell this service's choices, and is not.
pub fn unknown_weights(service: &SnapshotService, last: &LastWeights) -> Vec<ServerKey> {
    if service.service.scheduler.as_str() != "mh" {
        return Vec::new();
    }
    let keys = service.servers.iter().filter(|each| each.server.weight == Weight::ZERO).map(|each| each.server.key);
    keys.filter(|key| !last.contains_key(key)).collect()
}

/// What a scheduler does with a new connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It goes to this server, by a hash: again and again.
    Hashed(ServerKey),
    /// It goes to this server, as counts and weights are now.
    Now(ServerKey),
    /// It goes to one of these, with shares in thousandths.
    Shared(Vec<(ServerKey, u32)>),
    /// The hash names this server, which takes no new connections: the packet is dropped.
    Closed(ServerKey),
    /// No server takes new connections: the packet is dropped.
    Nobody,
    /// The hash needs the client's port; every server may be meant.
    NeedsPort,
}

/// Who is asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// What is chosen once the server has weight 0.
    pub drained: Choice,
    /// What is chosen once the server is deleted.
    pub deleted: Choice,
}

/// Returns what the service's scheduler chooses.
pub fn choose(service: &SnapshotService, packet: &Packet, last: &LastWeights) -> Choice {
    let flags = service.service.flags;
    let servers = service.servers.as_slice();
    if servers.is_empty() {
        return Choice::Nobody;
    }
    let port = |hashed: bool| if hashed { packet.source_port } else { Some(0) };
    match service.service.scheduler.as_str() {
        "dh" => hashed(hash::destination(servers, packet.destination)),
        "sh" => match port(flags.second) {
            Some(port) => hashed(hash::source(servers, packet.source, port, flags.first)),
            None => Choice::NeedsPort,
        },
        "mh" => match port(flags.second) {
            Some(port) => {
                let table = maglev::Table::new(servers, service.service.key.family(), last);
                hashed(table.find(packet.source, port, flags.first))
            }
            None => Choice::NeedsPort,
        },
        other => counted(other, servers),
    }
}

/// Returns what is chosen when `gone` is not there for new connections any more.
pub fn fallback(service: &SnapshotService, packet: &Packet, gone: ServerKey, last: &LastWeights) -> Fallback {
    let mut drained = service.clone();
    let mut known = last.clone();
    for each in drained.servers.iter_mut().filter(|each| each.server.key == gone) {
        if each.server.weight > Weight::ZERO {
            known.insert(gone, each.server.weight);
        }
        each.server.weight = Weight::ZERO;
    }
    let mut deleted = service.clone();
    deleted.servers.retain(|each| each.server.key != gone);
    Fallback { drained: choose(&drained, packet, &known), deleted: choose(&deleted, packet, last) }
}

/// Whether a server takes new connections, as far as that can be seen.
pub fn is_open(each: &SnapshotServer) -> bool {
    let upper = each.server.thresholds.upper;
    each.server.weight > Weight::ZERO && (upper == 0 || connections(each) < u64::from(upper))
}

/// What a hash found.
enum Found {
    Open(ServerKey),
    Closed(ServerKey),
    Nobody,
}

impl Found {
    fn of(server: &SnapshotServer) -> Self {
        if is_open(server) { Self::Open(server.server.key) } else { Self::Closed(server.server.key) }
    }
}

fn hashed(found: Found) -> Choice {
    match found {
        Found::Open(key) => Choice::Hashed(key),
        Found::Closed(key) => Choice::Closed(key),
        Found::Nobody => Choice::Nobody,
    }
}

fn connections(each: &SnapshotServer) -> u64 {
    u64::from(each.status.active) + u64::from(each.status.inactive)
}

/// The schedulers that go by counts and weights.
fn counted(scheduler: &str, servers: &[SnapshotServer]) -> Choice {
    let open: Vec<&SnapshotServer> = servers.iter().filter(|each| is_open(each)).collect();
    if open.is_empty() {
        return Choice::Nobody;
    }
    let active = |each: &SnapshotServer| u128::from(each.status.active);
    let weight = |each: &SnapshotServer| u128::from(each.server.weight.value().max(1));
    // An active connection counts as much as 256 inactive ones.
    let load = |each: &SnapshotServer| active(each) * 256 + u128::from(each.status.inactive);
    // Fractions are compared crosswise; of equals, the first of the list is taken.
    let least = |of: &dyn Fn(&SnapshotServer) -> (u128, u128)| {
        let mut best: Option<&SnapshotServer> = None;
        for each in &open {
            let (load, share) = of(each);
            if best.map(of).is_none_or(|(least, its)| load * its < least * share) {
                best = Some(each);
            }
        }
        best.map_or(Choice::Nobody, |each| Choice::Now(each.server.key))
    };
    match scheduler {
        "lc" => least(&|each| (load(each), 1)),
        "wlc" => least(&|each| (load(each), weight(each))),
        "sed" => least(&|each| (active(each) + 1, weight(each))),
        "nq" => match open.iter().find(|each| each.status.active == 0) {
            Some(idle) => Choice::Now(idle.server.key),
            None => least(&|each| (active(each) + 1, weight(each))),
        },
        "fo" => first_by_weight(&open),
        "ovf" => {
            let room = |each: &&SnapshotServer| active(each) < weight(each);
            first_by_weight(&open.into_iter().filter(room).collect::<Vec<_>>())
        }
        "rr" => shares(&open, |_| 1),
        _ => shares(&open, |each| u64::from(each.server.weight.value())),
    }
}

/// Of the greatest weight, the first.
fn first_by_weight(servers: &[&SnapshotServer]) -> Choice {
    let mut best: Option<&SnapshotServer> = None;
    for each in servers {
        if best.is_none_or(|best| best.server.weight < each.server.weight) {
            best = Some(each);
        }
    }
    best.map_or(Choice::Nobody, |each| Choice::Now(each.server.key))
}

fn shares(servers: &[&SnapshotServer], part: impl Fn(&SnapshotServer) -> u64) -> Choice {
    let total: u64 = servers.iter().map(|each| part(each)).sum::<u64>().max(1);
    let share = |each: &&SnapshotServer| u32::try_from(part(each) * 1000 / total).unwrap_or(1000);
    Choice::Shared(servers.iter().map(|each| (each.server.key, share(each))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Forwarding, Protocol, RealServer, Scheduler, ServerStatus, ServiceKey, Thresholds, VirtualService,
    };

    fn service(scheduler: &str, servers: &[(u32, u32, u32)]) -> SnapshotService {
        let key = ServiceKey::Address { protocol: Protocol::Tcp, address: "10.0.0.1".parse().unwrap(), port: 80 };
        let service = VirtualService { scheduler: Scheduler::new(scheduler), ..VirtualService::new(key) };
        let servers = servers.iter().zip(1_u8..).map(|((weight, active, inactive), number)| SnapshotServer {
            server: RealServer {
                key: ServerKey { address: IpAddr::from([10, 0, 0, number]), port: 80 },
                forwarding: Forwarding::Route,
                weight: Weight::new(*weight).unwrap(),
                thresholds: Thresholds::default(),
            },
            status: ServerStatus { active: *active, inactive: *inactive, ..ServerStatus::default() },
        });
        SnapshotService { service, stats: None, servers: servers.collect() }
    }

    fn packet() -> Packet {
        let ip = |text: &str| text.parse().unwrap();
        Packet { source: ip("192.0.2.1"), source_port: None, destination: ip("10.0.0.1") }
    }

    /// The last number of the address that is chosen now.
    fn now(scheduler: &str, servers: &[(u32, u32, u32)]) -> Option<u8> {
        match choose(&service(scheduler, servers), &packet(), &LastWeights::new()) {
            Choice::Now(ServerKey { address: IpAddr::V4(address), .. }) => Some(address.octets()[3]),
            _ => None,
        }
    }

    #[test]
    fn counts_decide() {
        assert_eq!(now("lc", &[(1, 2, 0), (1, 1, 255), (1, 1, 256)]), Some(2));
        assert_eq!(now("lc", &[(1, 1, 0), (1, 1, 0)]), Some(1), "the first of equals");
        assert_eq!(now("wlc", &[(1, 2, 0), (4, 4, 0), (0, 0, 0)]), Some(2));
        assert_eq!(now("sed", &[(1, 0, 0), (3, 1, 0)]), Some(2));
        assert_eq!(now("nq", &[(1, 1, 0), (9, 2, 0), (1, 0, 500)]), Some(3));
        assert_eq!(now("fo", &[(1, 0, 0), (9, 900, 0), (9, 0, 0)]), Some(2));
        assert_eq!(now("ovf", &[(1, 0, 0), (9, 9, 0), (5, 4, 0)]), Some(3));
        assert_eq!(now("wlc", &[(0, 0, 0)]), None);
    }

    #[test]
    fn shares_add_up() {
        let Choice::Shared(shares) =
            choose(&service("wrr", &[(3, 0, 0), (1, 0, 0), (0, 0, 0)]), &packet(), &LastWeights::new())
        else {
            panic!("shares");
        };
        assert_eq!(shares.iter().map(|(_, share)| *share).collect::<Vec<_>>(), [750, 250]);
        let Choice::Shared(shares) = choose(&service("rr", &[(3, 0, 0), (1, 0, 0)]), &packet(), &LastWeights::new())
        else {
            panic!("shares");
        };
        assert_eq!(shares.iter().map(|(_, share)| *share).collect::<Vec<_>>(), [500, 500]);
    }

    #[test]
    fn a_full_server_is_closed() {
        let mut service = service("lc", &[(1, 5, 5), (1, 9, 9)]);
        service.servers[0].server.thresholds.upper = 10;
        assert_eq!(choose(&service, &packet(), &LastWeights::new()), Choice::Now(service.servers[1].server.key));
        service.servers[1].server.thresholds.upper = 1;
        assert_eq!(choose(&service, &packet(), &LastWeights::new()), Choice::Nobody);
    }

    #[test]
    fn hashes_fall_back_only_if_told_to() {
        for scheduler in ["sh", "mh"] {
            let mut service = service(scheduler, &[(1, 0, 0), (1, 0, 0), (1, 0, 0)]);
            let Choice::Hashed(chosen) = choose(&service, &packet(), &LastWeights::new()) else {
                panic!("{scheduler}")
            };
            let without = fallback(&service, &packet(), chosen, &LastWeights::new());
            assert_eq!(without.drained, Choice::Closed(chosen));
            assert!(matches!(without.deleted, Choice::Hashed(other) if other != chosen));
            service.service.flags.first = true;
            let with = fallback(&service, &packet(), chosen, &LastWeights::new());
            assert!(matches!(with.drained, Choice::Hashed(other) if other != chosen));
            service.service.flags.second = true;
            assert_eq!(choose(&service, &packet(), &LastWeights::new()), Choice::NeedsPort);
        }
    }
}
