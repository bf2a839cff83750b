//! Checks for people: the services, and their servers' checks, one a line.

use super::{Column, clean_line, duration, table};
use crate::pool::status::{CheckStatus, ServerStatus, ServiceStatus, Status};

/// Returns services and checks, and what has nothing to check.
pub fn checks(status: &Status) -> String {
    let mut blocks = Vec::new();
    if !status.services.is_empty() {
        let columns = [
            Column::text("SERVICE"),
            Column::text("QUORUM"),
            Column::text("SINCE"),
            Column::number("WEIGHT"),
            Column::number("NEEDED"),
            Column::optional("SORRY SERVER"),
        ];
        blocks.push(table(&columns, status.services.iter().map(service)));
        let columns = [
            Column::text("SERVICE"),
            Column::text("SERVER"),
            Column::text("STATE"),
            Column::text("SINCE"),
            Column::text("WEIGHT"),
            Column::text("CHECK"),
            Column::text("LAST"),
            Column::text("MEDIAN"),
            Column::text("WORST"),
            Column::text("FAILED"),
            Column::text("NEXT"),
            Column::optional("WHY"),
        ];
        let rows = status
            .services
            .iter()
            .flat_map(|service| service.servers.iter().flat_map(move |server| rows(&service.service, server)));
        blocks.push(table(&columns, rows));
    }
    if !status.idle.is_empty() {
        let columns = [Column::text("IDLE CHECK"), Column::text("SERVER"), Column::text("SERVICE")];
        let rows =
            status.idle.iter().map(|idle| vec![clean_line(&idle.probe), idle.server.clone(), idle.service.clone()]);
        blocks.push(table(&columns, rows));
    }
    if !status.table.refusals.is_empty() {
        let refusals =
            status.table.refusals.iter().map(|refusal| format!("the kernel refuses: {}\n", clean_line(refusal)));
        blocks.push(refusals.collect());
    }
    blocks.join("\n")
}

fn service(service: &ServiceStatus) -> Vec<String> {
    let quorum = match service.quorum {
        _ if service.suspended => "asleep",
        Some(true) => "yes",
        Some(false) => "no",
        None => "untested",
    };
    let sorry = match (&service.sorry, service.sorry_active) {
        (Some(sorry), true) => format!("{sorry}, active"),
        (Some(sorry), false) => sorry.clone(),
        (None, _) => String::new(),
    };
    let needed = match service.hysteresis {
        0 => service.needed.to_string(),
        hysteresis => format!("{}±{hysteresis}", service.needed),
    };
    vec![service.service.clone(), quorum.to_owned(), span(service.since_ms), service.weight.to_string(), needed, sorry]
}

/// The checks of a server; one row if it has none.
fn rows(service: &str, server: &ServerStatus) -> Vec<Vec<String>> {
    let weight = match server.weight {
        None => format!("out of {}", server.operator_weight),
        Some(weight) if weight == server.operator_weight => weight.to_string(),
        Some(weight) => format!("{weight} of {}", server.operator_weight),
    };
    let head = [service.to_owned(), server.server.clone()];
    let row = |state: &str, since: u64, rest: [String; 7]| {
        let own = [state.to_owned(), span(since), weight.clone()];
        head.iter().cloned().chain(own).chain(rest).collect()
    };
    if server.checks.is_empty() {
        let none = ["none", "-", "-", "-", "-", "-", ""].map(str::to_owned);
        return vec![row(&server.state, server.since_ms, none)];
    }
    server.checks.iter().map(|check| row(&check.state, check.since_ms, check_cells(check))).collect()
}

fn check_cells(check: &CheckStatus) -> [String; 7] {
    let none = || "-".to_owned();
    let vip = if check.through_vip { ", through the VIP" } else { "" };
    let last = check.last.as_ref().map_or_else(none, |last| format!("{} {} ago", last.verdict, span(last.ago_ms)));
    let latency = check.latency.map(|latency| (micros(latency.median_us), micros(latency.worst_us)));
    let (median, worst) = latency.unwrap_or_else(|| (none(), none()));
    let next = match check.next_ms {
        Some(0) => "now".to_owned(),
        Some(next) => span(next),
        None => none(),
    };
    [
        clean_line(&format!("{}{vip}", check.probe)),
        last,
        median,
        worst,
        format!("{} of {}", check.failed, check.probes),
        next,
        clean_line(&why(check)),
    ]
}

/// What a person may want to know: why it is down, or what failed last.
fn why(check: &CheckStatus) -> String {
    if let Some(last) = &check.last
        && last.verdict != "good"
    {
        return last.text.clone();
    }
    if let Some(warning) = check.last.as_ref().and_then(|last| last.warning.as_ref()) {
        return warning.clone();
    }
    let failure = check.failures.first();
    failure.map(|failure| format!("{} ago: {}", span(failure.ago_ms), failure.reason)).unwrap_or_default()
}

/// Returns milliseconds in people's units: `312ms`, `3.6s`, `14m56s`.
pub(super) fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..10_000 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        _ => duration(ms / 1_000),
    }
}

fn micros(us: u64) -> String {
    if us < 10_000 { format!("{}.{:02}ms", us / 1000, us % 1000 / 10) } else { span(us / 1000) }
}
