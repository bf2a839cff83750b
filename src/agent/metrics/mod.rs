//! Numbers for Prometheus: how the kernel's table, checks, virtual routers and the agent itself are doing, as text.
//!
//! The text is a plain function of what was asked; who asks whom, and when, is up to the caller. How many series there are
//! is a choice: those of servers can be many.

mod exposition;
mod http;
mod kernel;
mod processes;
mod services;
mod sessions;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{journal::JournalStatus, supervisor::status::Status};
use crate::{bfd, model::Snapshot, notify::MailStatus, pool, vrrp};
use exposition::{Exposition, Kind};

pub use http::Listener;
pub use kernel::snapshot as kernel;

/// How fine numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Per {
    /// A series for each server of each service.
    #[default]
    Server,
    /// One for each service.
    Service,
    /// Only sums.
    Nothing,
}

/// What is known, and from whom.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Services and servers in the kernel.
    pub kernel: Option<Snapshot>,
    /// The check process.
    pub check: Option<pool::status::Status>,
    /// The VRRP process.
    pub vrrp: Option<vrrp::status::Status>,
    /// Its BFD sessions.
    pub bfd: Option<bfd::status::Status>,
    /// The agent.
    pub agent: Option<Status>,
    /// What the agent keeps and sends.
    pub told: Option<Told>,
    /// How fine numbers are.
    pub per: Per,
}

/// How journal, mail and FIFOs are doing: what `journal.status` is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The journal.
    pub journal: JournalStatus,
    /// Mail; nothing if nobody gets any.
    pub mail: Option<MailStatus>,
    /// Lines that FIFOs have lost because nobody read them fast enough; nothing if there are none.
    #[serde(default)]
    pub fifo_lines_lost: Option<u64>,
}

/// Returns the metrics.
pub fn text(sources: &Sources) -> String {
    let mut text = Exposition::default();
    let version = exposition::labels(&[("version", env!("CARGO_PKG_VERSION"))]);
    text.family("build_info", Kind::Gauge, "Always 1; the version of lvsadm is a label", [(version, 1)]);
    let asked = [
        ("kernel", sources.kernel.is_some()),
        ("check", sources.check.is_some()),
        ("vrrp", sources.vrrp.is_some()),
        ("agent", sources.agent.is_some()),
    ];
    let asked = asked.map(|(source, there)| (exposition::labels(&[("source", source)]), u8::from(there)));
    text.family("source_up", Kind::Gauge, "Whether the numbers of this source are here", asked);
    if let Some(kernel) = &sources.kernel {
        services::kernel(&mut text, kernel, sources.per);
    }
    if let Some(check) = &sources.check {
        services::checks(&mut text, check, sources.per);
    }
    if let Some(vrrp) = &sources.vrrp {
        processes::vrrp(&mut text, vrrp);
    }
    if let Some(bfd) = sources.bfd.as_ref().filter(|bfd| !bfd.sessions.is_empty()) {
        sessions::sessions(&mut text, bfd);
    }
    if let Some(agent) = &sources.agent {
        processes::agent(&mut text, agent);
    }
    if let Some(told) = &sources.told {
        processes::told(&mut text, told);
    }
    text.into_text()
}
