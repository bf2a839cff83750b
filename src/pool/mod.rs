//! From the state of checks to the table that the kernel should have: health, quorum, sorry servers, weights. No IO, no
//! clock, no probes.
//!
//! Three tables are told apart. The operator's is what people asked for. The effective one is that with health applied: a
//! function of the operator's table, the states of checks and the policies. What the kernel has is the business of whoever
//! writes to it; here it only matters at the start, because what is there stays until checks have spoken.

mod checks;
pub mod drain;
mod drift;
mod engine;
mod pools;
pub mod ramp;
mod replace;
mod service;
pub mod settings;
pub mod status;
#[cfg(test)]
mod tests;
mod weight;

pub use drift::foreign_changes;
pub use engine::{Engine, Step};
pub use pools::{Event, HeldServer, Pools};
pub use weight::combine;

use crate::{
    host::Command,
    model::{ServiceKey, Target},
};

/// A check by its number: at first its place in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckId(pub usize);

/// What [`Pools`] want done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The effective entry of this service may be another one now, or none.
    Changed(ServiceKey),
    /// A command is to be run; those of one subject one after the other.
    Run {
        /// Whom it is about: a service or a server.
        subject: Target,
        /// What to run. Boxed, as notices are: at the begin there are two small outputs for each check.
        command: Box<Command>,
    },
    /// Something changed that a person may want to know.
    Notice(Box<Notice>),
    /// A check's server came into being: its probe is wanted.
    Watch(CheckId),
    /// A check's server is no more: its probe is not wanted.
    Unwatch(CheckId),
    /// A watched check goes to sleep.
    Rest(CheckId),
    /// A watched check wakes up; checks begin asleep.
    Wake(CheckId),
}

/// A server or a service came up or went down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// A service (its quorum) or a server.
    pub target: Target,
    /// Which way.
    pub up: bool,
    /// Why, in words.
    pub reason: String,
    /// The first bytes of a wrong answer, if that is why.
    pub evidence: Vec<u8>,
}

/// For the log: `server 10.0.0.11:80 of TCP 10.0.0.1:80 is down: connection refused`.
impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, up, reason, evidence: _ } = self;
        match (target, up) {
            (Target::Service(_), true) => write!(f, "{target} has its quorum: {reason}"),
            (Target::Service(_), false) => write!(f, "{target} has lost its quorum: {reason}"),
            (_, true) => write!(f, "{target} is up: {reason}"),
            (_, false) => write!(f, "{target} is down: {reason}"),
        }
    }
}
