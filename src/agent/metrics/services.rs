//! Numbers of services and servers: what the kernel counts, and what checks say.

use std::collections::HashMap;

use super::{
    Per,
    exposition::{Exposition, Histogram, Kind, labels, seconds},
};
use crate::{
    check::durations::BOUNDS_US,
    model::{Snapshot, SnapshotServer, Stats},
    pool::status::{CheckStatus, ServerStatus, ServiceStatus, Status},
};

/// Lateness that a check process counts, in microseconds.
const LATE_US: [u64; 5] = [1_000, 5_000, 10_000, 100_000, 1_000_000];

/// What the kernel counts of a service and of a server alike.
type Counter = (&'static str, &'static str, fn(&Stats) -> u64);

const COUNTERS: [Counter; 5] = [
    ("connections_total", "Connections scheduled", |stats| stats.connections),
    ("in_packets_total", "Packets from clients", |stats| stats.in_packets),
    ("out_packets_total", "Packets to clients that this host saw (masquerading only)", |stats| stats.out_packets),
    ("in_bytes_total", "Bytes from clients", |stats| stats.in_bytes),
    ("out_bytes_total", "Bytes to clients that this host saw (masquerading only)", |stats| stats.out_bytes),
];

/// What the kernel says of a server now.
type Gauge = (&'static str, &'static str, fn(&SnapshotServer) -> u32);

const GAUGES: [Gauge; 4] = [
    ("weight", "Weight in the kernel", |server| server.server.weight.value()),
    ("active_connections", "Established connections", |server| server.status.active),
    ("inactive_connections", "All other connections", |server| server.status.inactive),
    ("persistent_connections", "Persistent clients", |server| server.status.persistent),
];

/// Writes what the kernel says.
pub(super) fn kernel(text: &mut Exposition, snapshot: &Snapshot, per: Per) {
    let services: Vec<_> =
        snapshot.services.iter().map(|each| (labels(&[("service", &each.service.key.to_string())]), each)).collect();
    let all = || snapshot.services.iter().flat_map(|service| &service.servers);
    text.single("services", Kind::Gauge, "Virtual services in the kernel", services.len());
    text.single("servers", Kind::Gauge, "Real servers in the kernel, each once for each service", all().count());
    for (name, help, of) in COUNTERS {
        let stats = || snapshot.services.iter().filter_map(|service| service.stats.as_ref());
        if per == Per::Nothing && stats().next().is_some() {
            let sum = stats().map(of).fold(0, u64::wrapping_add);
            text.single(&format!("all_services_{name}"), Kind::Counter, help, sum);
        }
    }
    for (name, help, of) in GAUGES {
        if per == Per::Nothing {
            let sum: u64 = all().map(|server| u64::from(of(server))).sum();
            text.single(&format!("all_servers_{name}"), Kind::Gauge, help, sum);
        }
    }
    if per == Per::Nothing {
        return;
    }
    let count = services.iter().map(|(labels, service)| (labels.clone(), service.servers.len()));
    text.family("service_servers", Kind::Gauge, "Real servers of the service in the kernel", count);
    for (name, help, of) in COUNTERS {
        let samples = services.iter().filter_map(|(labels, each)| Some((labels.clone(), of(each.stats.as_ref()?))));
        text.family(&format!("service_{name}"), Kind::Counter, help, samples);
    }
    if per == Per::Service {
        for (name, help, of) in GAUGES {
            let sum = |servers: &[SnapshotServer]| servers.iter().map(|server| u64::from(of(server))).sum::<u64>();
            let samples = services.iter().map(|(labels, service)| (labels.clone(), sum(&service.servers)));
            text.family(&format!("service_{name}"), Kind::Gauge, &format!("{help}, of all its servers"), samples);
        }
        return;
    }
    let servers: Vec<(String, &SnapshotServer)> = services
        .iter()
        .flat_map(|(labels, service)| service.servers.iter().map(move |server| (labels, server)))
        .map(|(service, server)| {
            (format!("{service},{}", labels(&[("server", &server.server.key.to_string())])), server)
        })
        .collect();
    for (name, help, of) in GAUGES {
        let samples = servers.iter().map(|(labels, server)| (labels.clone(), of(server)));
        text.family(&format!("server_{name}"), Kind::Gauge, help, samples);
    }
    for (name, help, of) in COUNTERS {
        let stats = |server: &SnapshotServer| server.status.stats.as_ref().map(of);
        let samples = servers.iter().filter_map(|(labels, server)| Some((labels.clone(), stats(server)?)));
        text.family(&format!("server_{name}"), Kind::Counter, help, samples);
    }
}

/// Writes what the check process says.
pub(super) fn checks(text: &mut Exposition, status: &Status, per: Per) {
    process(text, status);
    states(text, status, per);
    if per != Per::Nothing {
        pools(text, &status.services);
    }
    probes(text, status, per);
    if per == Per::Server {
        servers(text, &status.services);
    }
}

fn process(text: &mut Exposition, status: &Status) {
    let (probes, table) = (&status.probes, &status.table);
    text.single("probes", Kind::Gauge, "Different probes; equal ones are made once", probes.different);
    text.single("probes_under_way", Kind::Gauge, "Probes that are being made now", probes.under_way);
    text.single("idle_checks", Kind::Gauge, "Checks of services or servers that do not exist", status.idle.len());
    let late = Histogram::of_late(&LATE_US, &probes.late, probes.begun, probes.total_late_us);
    text.histograms("probe_lateness_seconds", "How late probes were begun", [(String::new(), late)]);
    text.single("probe_lateness_worst_seconds", Kind::Gauge, "The latest begin ever", seconds(probes.worst_late_us));
    text.single("table_changes_total", Kind::Counter, "Changes that the kernel made for us", table.changes);
    text.single(
        "table_refused_total",
        Kind::Counter,
        "Changes that the kernel refused, each time it did",
        table.refused,
    );
    text.single("table_refusals", Kind::Gauge, "Changes that the kernel refuses now", table.refusals.len());
    let help = "Changes that somebody else made to our services in the kernel's table";
    text.single("table_foreign_changes_total", Kind::Counter, help, table.foreign);
}

/// How many servers are in each state.
fn states(text: &mut Exposition, status: &Status, per: Per) {
    let count = |services: &[ServiceStatus], state: &str| {
        services.iter().flat_map(|service| &service.servers).filter(|server| server.state == state).count()
    };
    let mut samples = Vec::new();
    for state in ["up", "down", "untested"] {
        if per == Per::Nothing {
            samples.push((labels(&[("state", state)]), count(&status.services, state)));
            continue;
        }
        let of = |each: &ServiceStatus| labels(&[("service", &each.service), ("state", state)]);
        samples.extend(status.services.iter().map(|each| (of(each), count(std::slice::from_ref(each), state))));
    }
    text.family("checked_servers", Kind::Gauge, "Real servers by what their checks say", samples);
}

fn pools(text: &mut Exposition, services: &[ServiceStatus]) {
    let label = |service: &ServiceStatus| labels(&[("service", &service.service)]);
    let quorum = services.iter().filter_map(|each| Some((label(each), u8::from(each.quorum?))));
    text.family("service_up", Kind::Gauge, "Whether the service has its quorum", quorum);
    let weight = services.iter().map(|each| (label(each), each.weight));
    text.family("service_working_weight", Kind::Gauge, "Weight of working servers", weight);
    let needed = services.iter().map(|each| (label(each), each.needed));
    text.family("service_quorum", Kind::Gauge, "Weight that makes a quorum", needed);
    let sorry = services.iter().filter(|each| each.sorry.is_some());
    let sorry = sorry.map(|each| (label(each), u8::from(each.sorry_active)));
    text.family("service_sorry_server_active", Kind::Gauge, "Whether the sorry server has taken over", sorry);
    let suspended = services.iter().map(|each| (label(each), u8::from(each.suspended)));
    text.family("service_suspended", Kind::Gauge, "Whether its checks sleep", suspended);
}

fn servers(text: &mut Exposition, services: &[ServiceStatus]) {
    let label = |service: &ServiceStatus, server: &ServerStatus| {
        labels(&[("service", &service.service), ("server", &server.server)])
    };
    let all = || services.iter().flat_map(|service| service.servers.iter().map(move |server| (service, server)));
    let up = all().filter(|(_, server)| server.state != "untested");
    let up = up.map(|(service, server)| (label(service, server), u8::from(server.state == "up")));
    text.family("server_up", Kind::Gauge, "Whether its checks pass", up);
    let age = all().map(|(service, server)| (label(service, server), server.since_ms / 1000));
    text.family("server_state_age_seconds", Kind::Gauge, "How long it has been in its state", age);
    let weight = all().map(|(service, server)| (label(service, server), server.operator_weight));
    text.family("server_operator_weight", Kind::Gauge, "Weight that the operator gave it", weight);
}

/// What of checks belongs together, by its labels.
#[derive(Default)]
struct Sum {
    probes: u64,
    failed: u64,
    unknown: u64,
    durations: Histogram,
}

impl Sum {
    fn add(&mut self, check: &CheckStatus) {
        self.probes += check.probes;
        self.failed += check.failed;
        self.unknown += check.unknown;
        if let Some(durations) = &check.durations {
            let mut counts = durations.counts.iter().copied();
            let buckets = BOUNDS_US.iter().map(|bound| (seconds(*bound), counts.next().unwrap_or_default().into()));
            let buckets: Vec<_> = buckets.collect();
            let beyond = counts.next().unwrap_or_default().into();
            self.durations.add(&Histogram { buckets, beyond, sum_us: durations.sum_us });
        }
    }
}

fn probes(text: &mut Exposition, status: &Status, per: Per) {
    let mut sums: Vec<(String, Sum)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for service in &status.services {
        for server in &service.servers {
            for check in &server.checks {
                let label = match per {
                    Per::Nothing => String::new(),
                    Per::Service => labels(&[("service", &service.service)]),
                    Per::Server => {
                        labels(&[("service", &service.service), ("server", &server.server), ("check", &check.probe)])
                    }
                };
                let at = *places.entry(label.clone()).or_insert(sums.len());
                if at == sums.len() {
                    sums.push((label, Sum::default()));
                }
                if let Some((_, sum)) = sums.get_mut(at) {
                    sum.add(check);
                }
            }
        }
    }
    let counter = |of: fn(&Sum) -> u64| sums.iter().map(move |(label, sum)| (label.clone(), of(sum)));
    text.family("check_answers_total", Kind::Counter, "Answers of all kinds", counter(|sum| sum.probes));
    text.family("check_failures_total", Kind::Counter, "Bad answers", counter(|sum| sum.failed));
    let help = "Answers that said nothing, because we failed and not the server";
    text.family("check_unknown_total", Kind::Counter, help, counter(|sum| sum.unknown));
    let durations = sums.iter().filter(|(_, sum)| !sum.durations.buckets.is_empty());
    let durations = durations.map(|(label, sum)| (label.clone(), sum.durations.clone()));
    text.histograms("check_duration_seconds", "How long good answers took", durations);
}
