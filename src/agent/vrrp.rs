//! The VRRP process: what it is told beside its settings.

use std::path::PathBuf;

/// How a VRRP process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Directory of its control socket, `vrrp.sock`.
    pub run_dir: PathBuf,
    /// Real-time priority (`SCHED_RR`), 1 to 99; `None` = an ordinary process.
    pub rt_priority: Option<u8>,
    /// Niceness, −20 to 19; `None` = as it was started.
    pub nice: Option<i8>,
    /// Whether its memory is locked, so that it never waits for a disk.
    pub lock_memory: bool,
    /// CPUs that it may run on; empty = all.
    pub cpus: Vec<usize>,
}
