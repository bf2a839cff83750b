//! The table of services and servers.

use std::collections::HashMap;

use super::{
    Column, Labels, bytes, clean_line, count, duration, forwarding_word, server_label, service_label, table,
    words::tunnel_words,
};
use crate::{
    model::{Forwarding, ServerKey, ServiceKey, Snapshot, SnapshotServer, SnapshotService, Stats, Thresholds},
    state::print,
};

/// What a listing shows beside configuration and connections.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    /// Counters.
    pub counters: bool,
    /// Rates.
    pub rates: bool,
    /// Persistence templates of each server.
    pub persistent: bool,
    /// Numbers in full instead of with units.
    pub exact: bool,
}

/// Why servers are not as people asked for, where a process that holds the table says so; and whether one does.
#[derive(Clone, Debug, Default)]
pub struct Notes(pub HashMap<(ServiceKey, ServerKey), Note>, pub bool);

/// Why a server is not as people asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// One word: `down`, `drained`, …
    pub why: String,
    /// Whether the kernel does not have it.
    pub absent: bool,
}

/// Returns the table: each service, its servers below it.
pub fn services(snapshot: &Snapshot, columns: Columns, notes: &Notes, labels: &dyn Labels) -> String {
    let rows = snapshot.services.iter().flat_map(|service| {
        let first = service_row(service, columns, labels);
        let rest = service.servers.iter().map(move |server| {
            let note = notes.0.get(&(service.service.key, server.server.key));
            server_row(&service.service.key, server, columns, note, labels)
        });
        std::iter::once(first).chain(rest)
    });
    table(&titles(columns), rows)
}

fn titles(columns: Columns) -> Vec<Column> {
    let mut titles = vec![
        Column::text("SERVICE / SERVER"),
        Column::text("METHOD"),
        Column::number("WEIGHT"),
        Column::number("ACTIVE"),
        Column::number("INACTIVE"),
    ];
    if columns.persistent {
        titles.push(Column::number("PERSISTENT"));
    }
    if columns.rates {
        titles.extend(["CONN/S", "IN-PKT/S", "OUT-PKT/S", "IN-BYTE/S", "OUT-BYTE/S"].map(Column::number));
    }
    if columns.counters {
        titles.extend(["CONNS", "IN-PKTS", "OUT-PKTS", "IN-BYTES", "OUT-BYTES"].map(Column::number));
    }
    titles.push(Column::optional("STATE"));
    titles.push(Column::optional("OPTIONS"));
    titles
}

fn service_row(service: &SnapshotService, columns: Columns, labels: &dyn Labels) -> Vec<String> {
    let sum = |number: fn(&SnapshotServer) -> u32| service.servers.iter().map(|s| u64::from(number(s))).sum::<u64>();
    let mut row = vec![
        service_label(&service.service.key, labels),
        clean_line(service.service.scheduler.as_str()),
        String::new(),
        sum(|s| s.status.active).to_string(),
        sum(|s| s.status.inactive).to_string(),
    ];
    if columns.persistent {
        row.push(sum(|s| s.status.persistent).to_string());
    }
    row.extend(traffic(service.stats.as_ref(), columns));
    row.push(String::new());
    row.push(service_options(service));
    row
}

fn server_row(
    service: &ServiceKey,
    server: &SnapshotServer,
    columns: Columns,
    note: Option<&Note>,
    labels: &dyn Labels,
) -> Vec<String> {
    let protocol = match service {
        ServiceKey::Address { protocol, .. } => Some(*protocol),
        ServiceKey::Mark { .. } => None,
    };
    let mut row = vec![
        format!("  {}", server_label(&server.server.key, protocol, labels)),
        forwarding_word(server.server.forwarding).to_owned(),
        if note.is_some_and(|note| note.absent) { "-".to_owned() } else { server.server.weight.to_string() },
        server.status.active.to_string(),
        server.status.inactive.to_string(),
    ];
    if columns.persistent {
        row.push(server.status.persistent.to_string());
    }
    row.extend(traffic(server.status.stats.as_ref(), columns));
    row.push(note.map(|note| clean_line(&note.why)).unwrap_or_default());
    row.push(server_options(server));
    row
}

fn traffic(stats: Option<&Stats>, columns: Columns) -> Vec<String> {
    let mut cells = Vec::new();
    let mut add = |counts: fn(&Stats) -> [u64; 3], volumes: fn(&Stats) -> [u64; 2]| {
        let Some(stats) = stats else {
            cells.extend(std::iter::repeat_n("-".to_owned(), 5));
            return;
        };
        let plain = |number: u64| number.to_string();
        cells.extend(counts(stats).map(if columns.exact { plain } else { count }));
        cells.extend(volumes(stats).map(if columns.exact { plain } else { bytes }));
    };
    if columns.rates {
        add(|s| [s.connection_rate, s.in_packet_rate, s.out_packet_rate], |s| [s.in_byte_rate, s.out_byte_rate]);
    }
    if columns.counters {
        add(|s| [s.connections, s.in_packets, s.out_packets], |s| [s.in_bytes, s.out_bytes]);
    }
    cells
}

fn service_options(service: &SnapshotService) -> String {
    let service = &service.service;
    let mut words = Vec::new();
    if service.flags.any() {
        words.push(print::flag_names(service.flags, service.scheduler.as_str()));
    }
    if let Some(persistence) = service.persistence {
        words.push(format!("persistent {}", duration(u64::from(persistence.timeout))));
        if !persistence.netmask.is_host() {
            words.push(format!("mask {}", persistence.netmask));
        }
    }
    if let Some(engine) = &service.engine {
        words.push(format!("engine {}", clean_line(engine)));
    }
    if service.one_packet {
        words.push("one-packet".into());
    }
    words.join(", ")
}

fn server_options(server: &SnapshotServer) -> String {
    let mut words = Vec::new();
    if let Forwarding::Tunnel(tunnel) = server.server.forwarding {
        words.extend(tunnel_words(tunnel));
    }
    match server.server.thresholds {
        Thresholds { upper: 0, lower: 0 } => {}
        Thresholds { upper, lower: 0 } => words.push(format!("at most {upper}")),
        Thresholds { upper, lower } => words.push(format!("at most {upper}, again below {lower}")),
    }
    words.join(", ")
}
