//! `lvsadm agent status`.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::{
    Where,
    ask::{ask, ask_verb, none},
};
use crate::{
    agent::{
        control::AgentCall,
        supervisor::status::{ProcessStatus, Status},
    },
    cli::{Error, Ui, json, render},
    pool, vrrp,
};

/// Show the agent's processes, and whether what runs is saved
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm agent status
  lvsadm agent status --json | jq '.processes[] | select(.restarts > 0)'")]
pub(super) struct StatusArgs {
    /// JSON, described in lvsadm-control(7)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Where,
}

impl StatusArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let socket = self.which.socket();
        let status: Status = ask(&socket, &AgentCall::Status {})?.ok_or_else(|| none(&socket))?;
        if self.json {
            ui.json(&json::Agent::new(&status))?;
            return Ok(0);
        }
        let details: Vec<String> = status.processes.iter().map(|process| detail(&socket, process)).collect();
        ui.print(render::agent(&status, &details))?;
        Ok(0)
    }
}

/// Returns what a process does, in a few words.
fn detail(socket: &Path, process: &ProcessStatus) -> String {
    if process.state != "ready" {
        return process.last_end.clone().unwrap_or_default();
    }
    // One that ends just now has nothing to say.
    let words = match process.name.as_str() {
        "vrrp" => ask_verb(socket, "vrrp.status", json!({})).map(|status| status.map(|status| routers(&status))),
        _ => ask_verb(socket, "check.status", json!({})).map(|status| status.map(|status| servers(&status))),
    };
    words.ok().flatten().unwrap_or_default()
}

fn routers(status: &vrrp::status::Status) -> String {
    counted(status.instances.iter().map(|instance| instance.state.to_string()))
}

fn servers(status: &pool::status::Status) -> String {
    counted(status.services.iter().flat_map(|service| &service.servers).map(|server| server.state.clone()))
}

/// Returns `2 master, 1 backup`.
fn counted(states: impl Iterator<Item = String>) -> String {
    let mut counts = indexmap::IndexMap::<String, usize>::new();
    for state in states {
        *counts.entry(state).or_default() += 1;
    }
    counts.iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
}
