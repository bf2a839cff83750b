//! An agent and its processes, for people.

use super::{Column, checks::span, clean_line, table};
use crate::agent::supervisor::status::{ProcessStatus, Status};

/// Returns an agent, and its processes one a line, each with what it does in a few words.
pub fn agent(status: &Status, details: &[String]) -> String {
    let saved = match (status.saved, status.autosave) {
        (true, true) => "saved, and each change is",
        (true, false) => "saved",
        (false, _) => "not saved",
    };
    let since = span(status.since_ms);
    let head = format!(
        "agent {}: process {}, since {since}, in {}\nsave file {}: {saved}\n\n",
        status.phase, status.pid, status.run_dir, status.file
    );
    let columns = [
        Column::text("PROCESS"),
        Column::text("STATE"),
        Column::optional("PID"),
        Column::optional("SINCE"),
        Column::number("RESTARTS"),
        Column::optional("DETAILS"),
    ];
    let row = |(process, detail): (&ProcessStatus, &String)| {
        let since = process.since_ms.or(process.starts_in_ms).map(span).unwrap_or_default();
        let since = if process.starts_in_ms.is_some() { format!("in {since}") } else { since };
        vec![
            process.name.clone(),
            process.state.clone(),
            process.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            since,
            process.restarts.to_string(),
            clean_line(detail),
        ]
    };
    let head = head.lines().map(|line| clean_line(line) + "\n").collect::<String>();
    head + &table(&columns, status.processes.iter().zip(details).map(row))
}
