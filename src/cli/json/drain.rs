//! `drain --json` and `undrain --json`.

use std::{net::IpAddr, time::Duration};

use serde::Serialize;

use super::{SCHEMA, ServiceName};
use crate::cli::{
    drain::wait::{Drained, State},
    undrain::Restored,
};

/// A line of `drain --json`.
#[derive(Debug, Serialize)]
pub struct DrainStep<'a> {
    schema: u32,
    /// `begun` (with `--no-wait`), `progress`, `end`; `list` (with `--list`).
    event: &'static str,
    /// Whether all servers were seen without connections.
    emptied: bool,
    /// What is waited for.
    connections: u64,
    /// How long that will take, in seconds; `null` as long as it gets no less.
    remaining_seconds: Option<u64>,
    servers: Vec<DrainItem<'a>>,
}

#[derive(Debug, Serialize)]
struct DrainItem<'a> {
    #[serde(flatten)]
    service: ServiceName,
    server_address: IpAddr,
    server_port: u16,
    /// `draining`, `emptied`, `deleted`, `gone` (somebody else deleted it), `raised` (somebody gave it a weight),
    /// `restored` (interrupted, weight given back).
    state: &'static str,
    active_connections: u32,
    inactive_connections: u32,
    /// Clients that the service remembers.
    persistent_connections: u32,
    /// The weight before the drain, `null` where it is not known.
    weight_before: Option<u32>,
    /// Who drains it.
    owner: &'a str,
    /// Since when, in seconds since 1970; only in lists.
    since: Option<u64>,
}

impl<'a> DrainStep<'a> {
    /// Converts what is waited for.
    pub(in crate::cli) fn new(
        event: &'static str,
        drained: &'a [Drained],
        connections: u64,
        remaining: Option<Duration>,
    ) -> Self {
        let servers = drained.iter().map(|each| DrainItem {
            service: ServiceName::new(&each.chosen.service.key),
            server_address: each.chosen.server.key.address,
            server_port: each.chosen.server.key.port,
            state: each.state.word(),
            active_connections: each.status.active,
            inactive_connections: each.status.inactive,
            persistent_connections: each.status.persistent,
            weight_before: each.weight,
            owner: &each.owner,
            since: each.since,
        });
        let emptied = drained.iter().all(|each| matches!(each.state, State::Emptied | State::Deleted));
        let remaining_seconds = remaining.map(|remaining| remaining.as_secs());
        Self { schema: SCHEMA, event, emptied, connections, remaining_seconds, servers: servers.collect() }
    }
}

/// `undrain --json`.
#[derive(Debug, Serialize)]
pub struct Undrained {
    schema: u32,
    servers: Vec<UndrainItem>,
}

#[derive(Debug, Serialize)]
struct UndrainItem {
    #[serde(flatten)]
    service: ServiceName,
    server_address: IpAddr,
    server_port: u16,
    /// The weight that it has again; `null` where an agent knows it.
    weight: Option<u32>,
    /// Whether it got there in steps.
    ramped: bool,
}

impl Undrained {
    /// Converts what was given back.
    pub(in crate::cli) fn new(restored: &[Restored]) -> Self {
        let servers = restored.iter().map(|each| UndrainItem {
            service: ServiceName::new(&each.service),
            server_address: each.server.address,
            server_port: each.server.port,
            weight: each.weight.map(|weight| weight.value()),
            ramped: each.ramped,
        });
        Self { schema: SCHEMA, servers: servers.collect() }
    }
}
