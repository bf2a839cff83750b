//! Pools and the engine in virtual time.

mod cases;
mod engine;
mod property;

use std::time::Duration;

use indexmap::IndexMap;

use super::settings::{AtStart, Check, Policy, Scope, ServerPolicy, Settings};
use crate::{
    check::settings::{Connection, Initial, Probe, Question, Schedule},
    host::Command,
    model::{
        Entry, Forwarding, Moment, Protocol, RealServer, ServerKey, ServiceKey, Table, Thresholds, VirtualService,
        Weight,
    },
};

fn at(millis: u64) -> Moment {
    Moment::from_start(Duration::from_millis(millis))
}

fn service(number: u8) -> ServiceKey {
    ServiceKey::Address { protocol: Protocol::Tcp, address: [10, 0, 0, number].into(), port: 80 }
}

fn key(number: u8) -> ServerKey {
    ServerKey { address: [10, 0, 1, number].into(), port: 80 }
}

fn server(number: u8, weight: u32) -> RealServer {
    let weight = Weight::new(weight).unwrap();
    RealServer { key: key(number), forwarding: Forwarding::Route, weight, thresholds: Thresholds::default() }
}

fn entry(number: u8, servers: &[RealServer]) -> Entry {
    let servers: IndexMap<_, _> = servers.iter().map(|server| (server.key, *server)).collect();
    Entry { service: VirtualService::new(service(number)), servers }
}

fn table(entries: &[Entry]) -> Table {
    Table { services: entries.iter().map(|entry| (entry.service.key, entry.clone())).collect(), ..Table::default() }
}

fn schedule(initial: Initial) -> Schedule {
    Schedule {
        interval: Duration::from_secs(5),
        jitter: Duration::ZERO,
        retry: 1,
        delay_before_retry: Duration::from_secs(1),
        rise: 1,
        warmup: Duration::ZERO,
        initial,
        log_all_failures: false,
    }
}

fn check(service: ServiceKey, server: ServerKey, initial: Initial) -> Check {
    let probe = Probe {
        target: (server.address, server.port).into(),
        connection: Connection::default(),
        question: Question::Tcp,
        deadline: Duration::from_secs(2),
    };
    Check { service, server, probe: probe.into(), schedule: schedule(initial).into(), through_vip: false }
}

fn command(name: &str) -> Command {
    Command { words: vec![format!("/bin/{name}")], user: None }
}

/// One service with servers 1, 2, … of these weights, each with one check and commands.
fn settings(weights: &[u32], initial: Initial, policy: Policy) -> Settings {
    let servers: Vec<_> = weights.iter().zip(1..).map(|(weight, number)| server(number, *weight)).collect();
    Settings {
        operator: table(&[entry(1, &servers)]),
        checks: servers.iter().map(|server| check(service(1), server.key, initial)).collect(),
        servers: servers
            .iter()
            .map(|server| ServerPolicy {
                service: service(1),
                server: server.key,
                inhibit: None,
                up: Some(command("up")),
                down: Some(command("down")),
                weights: None,
            })
            .collect(),
        policies: vec![policy],
        ..Settings::default()
    }
}

fn policy(quorum: u32, hysteresis: u32) -> Policy {
    Policy {
        quorum,
        hysteresis,
        quorum_up: Some(command("quorum-up")),
        quorum_down: Some(command("quorum-down")),
        ..Policy::of(service(1))
    }
}
