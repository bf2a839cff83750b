//! `lvsadm metrics`: numbers for Prometheus, at the prompt.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Error, Ui, agent::ask::ask_verb};
use crate::{
    agent::{
        SOCKET, check,
        control::{AgentCall, CheckCall, JournalCall, VrrpCall},
        metrics::{self, Per, Sources},
        supervisor, vrrp,
    },
    host::namespace,
};

/// Print metrics: the kernel's counters, checks, virtual routers, the agent; as Prometheus reads them
///
/// Of the agent and its processes where they run; of the kernel's table in any case. `agent run --metrics` has the same at a
/// port.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm metrics --per service
      A series for each service, and none for each server.
  lvsadm metrics > /var/lib/node_exporter/lvsadm.prom
      For node_exporter's textfile collector, from cron.")]
pub struct MetricsArgs {
    /// How fine
    #[arg(long, value_name = "WHAT", default_value = "server")]
    per: PerWord,
    /// Directory of the control sockets [default: /run/lvsadm]
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
}

/// How fine metrics are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PerWord {
    /// A series for each server of each service
    Server,
    /// One for each service
    Service,
    /// Only sums
    None,
}

impl From<PerWord> for Per {
    fn from(word: PerWord) -> Self {
        match word {
            PerWord::Server => Self::Server,
            PerWord::Service => Self::Service,
            PerWord::None => Self::Nothing,
        }
    }
}

/// Runs the verb.
///
/// # Errors
/// There is nothing to say anything about, or a process does not answer.
pub fn run(args: MetricsArgs, ui: &mut Ui) -> Result<u8, Error> {
    let directory = namespace::run_dir(args.run_dir.as_deref());
    let door = directory.join(SOCKET);
    let agent: Option<supervisor::status::Status> = ask(&door, AgentCall::Status {}.parts())?;
    let of = |name: &str| {
        // The agent says why a process does not run; for metrics that is no failure.
        agent.as_ref().is_none_or(|agent| agent.processes.iter().any(|each| each.name == name && each.state == "ready"))
    };
    let socket = |own: &str| if agent.is_some() { door.clone() } else { directory.join(own) };
    let sources = Sources {
        kernel: metrics::kernel(),
        check: if of("check") { ask(&socket(check::control::SOCKET), CheckCall::Status {}.parts())? } else { None },
        vrrp: if of("vrrp") { ask(&socket(vrrp::SOCKET), VrrpCall::Status {}.parts())? } else { None },
        bfd: if of("vrrp") { ask(&socket(vrrp::SOCKET), VrrpCall::Sessions {}.parts())? } else { None },
        told: if agent.is_some() { ask(&door, JournalCall::Status {}.parts())? } else { None },
        agent,
        per: args.per.into(),
    };
    if sources.kernel.is_none() && sources.check.is_none() && sources.vrrp.is_none() && sources.agent.is_none() {
        return Err(Error::failed("there is nothing to measure: the kernel has no IPVS, and no agent runs")
            .hint("modprobe ip_vs; or `lvsadm agent start`"));
    }
    ui.print(metrics::text(&sources))?;
    Ok(0)
}

fn ask<A: DeserializeOwned>(socket: &Path, (verb, params): (String, serde_json::Value)) -> Result<Option<A>, Error> {
    ask_verb(socket, &verb, if params.is_null() { json!({}) } else { params })
}
