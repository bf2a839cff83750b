//! Rates from counters: what changed between two readings, by the time between them. Pure.
//!
//! The kernel's own rates are means over some seconds, which go on long after the last packet, and which differ among counters by when
//! its timer looked at them.

use std::{cell::OnceCell, collections::HashMap, time::Duration};

use crate::model::{Moment, ServerKey, ServiceKey, Snapshot, SnapshotServer, SnapshotService, Stats};

/// Changes a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::cli) struct Rates {
    /// Connections.
    pub(in crate::cli) connections: f64,
    /// Packets from clients.
    pub(in crate::cli) in_packets: f64,
    /// Packets to clients that the director saw.
    pub(in crate::cli) out_packets: f64,
    /// Bytes from clients.
    pub(in crate::cli) in_bytes: f64,
    /// Bytes to clients that the director saw.
    pub(in crate::cli) out_bytes: f64,
}

impl Rates {
    /// Returns the rates between two readings; `None` where counters went back, because somebody zeroed them or made the thing
    /// anew.
    pub(in crate::cli) fn between(before: &Stats, now: &Stats, passed: Duration) -> Option<Self> {
        let seconds = passed.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "shown with three digits")]
        let rate = |before: u64, now: u64| now.checked_sub(before).map(|more| more as f64 / seconds);
        if passed.is_zero() {
            return None;
        }
        Some(Self {
            connections: rate(before.connections, now.connections)?,
            in_packets: rate(before.in_packets, now.in_packets)?,
            out_packets: rate(before.out_packets, now.out_packets)?,
            in_bytes: rate(before.in_bytes, now.in_bytes)?,
            out_bytes: rate(before.out_bytes, now.out_bytes)?,
        })
    }

    /// Adds rates of something else.
    pub(super) fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.in_packets += other.in_packets;
        self.out_packets += other.out_packets;
        self.in_bytes += other.in_bytes;
        self.out_bytes += other.out_bytes;
    }
}

/// The table at one time, with rates since the reading before.
#[derive(Debug, Default)]
pub(in crate::cli) struct Sample {
    at: Moment,
    /// The services.
    pub(in crate::cli) services: Vec<Sampled>,
    /// The time since the reading before; `None` for the first one.
    pub(in crate::cli) passed: Option<Duration>,
}

/// A service with its rates.
#[derive(Debug)]
pub(in crate::cli) struct Sampled {
    /// The service and its servers.
    pub(in crate::cli) each: SnapshotService,
    /// Its rates, where they are known.
    pub(in crate::cli) rates: Option<Rates>,
    /// Those of its servers, in their order.
    pub(in crate::cli) servers: Vec<Option<Rates>>,
}

impl Sample {
    /// Takes a reading of this moment, and compares it with `before`.
    pub(in crate::cli) fn new(at: Moment, snapshot: Snapshot, before: Option<&Self>) -> Self {
        let passed = before.map(|before| at.since(before.at));
        let index: HashMap<ServiceKey, &Sampled> =
            before.into_iter().flat_map(|it| &it.services).map(|it| (it.each.service.key, it)).collect();
        let services = snapshot.services.into_iter().map(|each| {
            let old = index.get(&each.service.key).map(|old| &old.each);
            let between = |old: Option<Stats>, new: Option<Stats>| Rates::between(&old?, &new?, passed?);
            let rates = between(old.and_then(|old| old.stats), each.stats);
            // Servers stay where they are in the list, mostly.
            let elsewhere = OnceCell::new();
            let servers = each.servers.iter().enumerate().map(|(place, server)| {
                let old = find(old?, place, server.server.key, &elsewhere)?;
                between(old.status.stats, server.status.stats)
            });
            Sampled { rates, servers: servers.collect(), each }
        });
        Self { at, services: services.collect(), passed }
    }
}

fn find<'a>(
    old: &'a SnapshotService,
    place: usize,
    key: ServerKey,
    elsewhere: &OnceCell<HashMap<ServerKey, &'a SnapshotServer>>,
) -> Option<&'a SnapshotServer> {
    if let Some(same) = old.servers.get(place).filter(|old| old.server.key == key) {
        return Some(same);
    }
    let all = || old.servers.iter().map(|server| (server.server.key, server)).collect();
    elsewhere.get_or_init(all).get(&key).copied()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Forwarding, Protocol, RealServer, ServerStatus, Thresholds, VirtualService, Weight};

    /// A table: ports of services, each with the last numbers of its servers and their connections so far.
    pub(in crate::cli::top) fn table(services: &[(u16, &[(u8, u64)])]) -> Snapshot {
        let counted = |connections| Some(Stats { connections, in_bytes: connections * 100, ..Stats::default() });
        let service = |(port, servers): &(u16, &[(u8, u64)])| {
            let key =
                ServiceKey::Address { protocol: Protocol::Tcp, address: "10.0.0.1".parse().unwrap(), port: *port };
            let server = |(number, connections): &(u8, u64)| SnapshotServer {
                server: RealServer {
                    key: ServerKey { address: [10, 0, 0, *number].into(), port: *port },
                    forwarding: Forwarding::Route,
                    weight: Weight::default(),
                    thresholds: Thresholds::default(),
                },
                status: ServerStatus {
                    active: (*number).into(),
                    stats: counted(*connections),
                    ..ServerStatus::default()
                },
            };
            SnapshotService {
                service: VirtualService::new(key),
                stats: counted(servers.iter().map(|(_, connections)| connections).sum()),
                servers: servers.iter().map(server).collect(),
            }
        };
        Snapshot { services: services.iter().map(service).collect() }
    }

    pub(in crate::cli::top) fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn rates_are_differences_by_time() {
        let first = Sample::new(at(10), table(&[(80, &[(11, 100), (12, 5)]), (81, &[(11, 7)])]), None);
        assert_eq!((first.passed, first.services[0].rates), (None, None));
        // A server came in front of the list, a service went, another one was made anew.
        let second =
            Sample::new(at(14), table(&[(81, &[(11, 3)]), (80, &[(13, 4), (11, 180), (12, 5)])]), Some(&first));
        let rate =
            |service: usize, server: usize| second.services[service].servers[server].map(|rates| rates.connections);
        assert_eq!(second.passed, Some(Duration::from_secs(4)));
        assert_eq!([rate(0, 0), rate(1, 0), rate(1, 1), rate(1, 2)], [None, None, Some(20.0), Some(0.0)]);
        assert_eq!(second.services[1].rates.map(|rates| rates.in_bytes), Some(84.0 / 4.0 * 100.0));
        assert_eq!(second.services[0].rates, None);
    }

    #[test]
    fn no_time_has_no_rate() {
        assert_eq!(Rates::between(&Stats::default(), &Stats::default(), Duration::ZERO), None);
    }
}
