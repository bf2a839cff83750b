//! The way to virtual routers and checks: the agent's socket if it runs them, which sees who asks and writes it down; else the
//! socket of a process that runs alone.

use std::path::{Path, PathBuf};

use super::ask::ask;
use crate::{
    agent::{self, control::AgentCall, supervisor::status::Status},
    cli::Error,
};

/// A process that has a socket of its own when it runs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Child {
    /// Virtual routers and BFD sessions.
    Vrrp,
    /// Checks, and the table.
    Check,
}

impl Child {
    /// Returns the socket at which it is asked.
    ///
    /// # Errors
    /// An agent does not answer.
    pub(in crate::cli) fn way(self, run_dir: &Path) -> Result<PathBuf, Error> {
        let door = run_dir.join(agent::SOCKET);
        let status: Option<Status> = ask(&door, &AgentCall::Status {})?;
        let (name, own) = match self {
            Self::Vrrp => ("vrrp", agent::vrrp::SOCKET),
            Self::Check => ("check", agent::check::control::SOCKET),
        };
        let runs = |status: Status| status.processes.iter().any(|each| each.name == name && each.state != "idle");
        Ok(if status.is_some_and(runs) { door } else { run_dir.join(own) })
    }
}
