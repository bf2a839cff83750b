//! A line of `top --json`.

use std::net::IpAddr;

use serde::Serialize;

use super::{SCHEMA, ServiceName};
use crate::{
    cli::top::{
        sample::{Rates, Sample},
        screen::Health,
    },
    model::ServerKey,
};

/// What services and servers did since the reading before.
#[derive(Debug, Serialize)]
pub struct Top<'a> {
    schema: u32,
    /// Milliseconds since 1970.
    time: u64,
    /// Milliseconds since the reading before.
    interval: u64,
    services: Vec<ServiceItem<'a>>,
}

#[derive(Debug, Serialize)]
struct ServiceItem<'a> {
    #[serde(flatten)]
    service: ServiceName,
    scheduler: &'a str,
    /// `null` where counters went back, or there was no reading before, or this process may not read them.
    rates: Option<RateItem>,
    servers: Vec<ServerItem>,
}

#[derive(Debug, Serialize)]
struct ServerItem {
    address: IpAddr,
    port: u16,
    weight: u32,
    active_connections: u32,
    inactive_connections: u32,
    rates: Option<RateItem>,
    /// `up`, `down`, `untested`; `null` without checks.
    health: Option<String>,
    draining: bool,
    /// How much of its weight a slow start has given it, in per cent.
    ramp: Option<u32>,
    /// Whether the weight is another one than the agent wants.
    drift: bool,
}

/// A second.
#[derive(Debug, Serialize)]
struct RateItem {
    connections: f64,
    in_packets: f64,
    out_packets: f64,
    in_bytes: f64,
    out_bytes: f64,
}

impl RateItem {
    fn new(rates: &Rates) -> Self {
        // Thousandths are enough, and short.
        let round = |rate: f64| (rate * 1000.0).round() / 1000.0;
        Self {
            connections: round(rates.connections),
            in_packets: round(rates.in_packets),
            out_packets: round(rates.out_packets),
            in_bytes: round(rates.in_bytes),
            out_bytes: round(rates.out_bytes),
        }
    }
}

impl<'a> Top<'a> {
    /// Converts a sample that was taken at `time`, in milliseconds since 1970.
    pub(in crate::cli) fn new(sample: &'a Sample, health: &dyn Health, time: u64) -> Self {
        let services = sample.services.iter().map(|service| {
            let key = &service.each.service.key;
            let servers = service.each.servers.iter().zip(&service.servers).map(|(each, rates)| {
                let ServerKey { address, port } = each.server.key;
                let told = health.server(key, &each.server.key, each.server.weight);
                ServerItem {
                    address,
                    port,
                    weight: each.server.weight.value(),
                    active_connections: each.status.active,
                    inactive_connections: each.status.inactive,
                    rates: rates.as_ref().map(RateItem::new),
                    health: told.health,
                    draining: told.draining,
                    ramp: told.ramp,
                    drift: told.drifts,
                }
            });
            ServiceItem {
                service: ServiceName::new(key),
                scheduler: service.each.service.scheduler.as_str(),
                rates: service.rates.as_ref().map(RateItem::new),
                servers: servers.collect(),
            }
        });
        let interval = sample.passed.map_or(0, |passed| u64::try_from(passed.as_millis()).unwrap_or(u64::MAX));
        Self { schema: SCHEMA, time, interval, services: services.collect() }
    }
}
