//! What the kernel says, for metrics.

use std::path::Path;

use crate::{
    ipvs::{Client, procfs},
    model::Snapshot,
};

/// Is there where the kernel has IPVS. To ask it otherwise would make it load the module.
const IPVS: &str = "/proc/net/ip_vs";

/// Returns services and servers with their counters; without permission for that, what everybody may read of them; nothing
/// if the kernel has no IPVS. Waits for the kernel.
pub fn snapshot() -> Option<Snapshot> {
    if !Path::new(IPVS).exists() {
        return None;
    }
    let asked = Client::open().ok().and_then(|mut client| client.snapshot().ok());
    asked.or_else(|| procfs::read_snapshot().ok())
}
