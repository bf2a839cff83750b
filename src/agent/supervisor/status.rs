//! How an agent is doing: what `agent status` prints and `agent.status` answers. The JSON schema is this file's types; fields
//! are added, never changed.

use serde::{Deserialize, Serialize};

/// Everything about an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Version of lvsadm.
    pub version: String,
    /// `starting` until the first table and the first VRRP state stand, then `running`; at the end `stopping`.
    pub phase: String,
    /// Milliseconds since it was started.
    pub since_ms: u64,
    /// Its run directory.
    pub run_dir: String,
    /// The save file.
    pub file: String,
    /// Number of the running state.
    pub revision: u64,
    /// Whether the save file says what runs.
    pub saved: bool,
    /// Whether each change is saved.
    pub autosave: bool,
    /// Its children: `vrrp` and `check`.
    pub processes: Vec<ProcessStatus>,
}

/// A child of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Name: `vrrp` or `check`.
    pub name: String,
    /// `idle`: nothing to do, and not started; `starting`; `ready`; `waiting`: it ended, and is started again in a moment.
    pub state: String,
    /// Its number, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Milliseconds since it was started, or ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// How often it was started because it had ended.
    pub restarts: u64,
    /// Milliseconds until it is started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_in_ms: Option<u64>,
    /// How it last ended: `killed by SIGKILL`, `exit status 1: …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<String>,
}
