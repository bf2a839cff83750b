//! What a pool is told: plain values, as checked settings. Reading them from lines belongs to `state`.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use crate::{
    check::settings::{Probe, Schedule},
    host::Command,
    model::{RealServer, ServerKey, ServiceKey, Table, Weight},
};

/// All that a check process is told, or all of some services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Of which services all else speaks.
    pub scope: Scope,
    /// The operator's table: the services that the process owns. Timeouts and sync daemons in it are not its business.
    pub operator: Table,
    /// The checks; those of services and servers that `operator` does not have are idle.
    pub checks: Vec<Check>,
    /// What is said about services; of those without, [`Policy::of`] is true.
    pub policies: Vec<Policy>,
    /// What is said about servers.
    pub servers: Vec<ServerPolicy>,
}

/// Of which services something speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Of all: those that it does not name are not there.
    #[default]
    All,
    /// Of these: those of them that it does not name are not there, and of others it says nothing.
    Only(HashSet<ServiceKey>),
}

impl Scope {
    /// Whether it is about this service.
    pub fn has(&self, service: &ServiceKey) -> bool {
        match self {
            Self::All => true,
            Self::Only(services) => services.contains(service),
        }
    }
}

/// A check of one real server of one virtual service. Probes and schedules are shared with who makes them: there are many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The service.
    pub service: ServiceKey,
    /// The server.
    pub server: ServerKey,
    /// What is asked.
    pub probe: Arc<Probe>,
    /// When.
    pub schedule: Arc<Schedule>,
    /// Through the kernel's own forwarding, to prove the whole path.
    pub through_vip: bool,
}

/// How the servers of one virtual service make up its pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The service.
    pub service: ServiceKey,
    /// Least sum of weights of working servers, at least 1.
    pub quorum: u32,
    /// Kept away from the quorum on both sides; less than it.
    pub hysteresis: u32,
    /// Run when the quorum is gained or lost.
    pub quorum_up: Option<Command>,
    /// See `quorum_up`.
    pub quorum_down: Option<Command>,
    /// Takes over without a quorum.
    pub sorry: Option<RealServer>,
    /// Whether the sorry server stays in the table with weight 0.
    pub sorry_inhibit: bool,
    /// Whether failed servers stay in the table with weight 0.
    pub inhibit: bool,
    /// Whether what ends, with the process or before it, is told of and has its commands run (`omega`).
    pub omega: bool,
    /// Checks sleep while this address is on no link of this host (`ha_suspend`).
    pub suspend_without: Option<IpAddr>,
    /// What becomes of others' changes to the service in the kernel's table; `None` = what holds for the whole process.
    pub foreign: Option<Foreign>,
    /// What is told of what works already when the service begins.
    pub at_start: AtStart,
}

/// What is told, by commands, events, mail and FIFOs, of what works already when its service begins: as if it had just come up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtStart {
    /// Nothing: it is no news.
    #[default]
    Nothing,
    /// That there is a quorum.
    Quorum,
    /// That its servers are up, and that there is a quorum.
    Servers,
}

/// What becomes of changes that somebody else makes to a service of ours in the kernel's table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Foreign {
    /// They are the operator's wish from now on.
    #[default]
    Adopt,
    /// They are undone.
    Restore,
    /// They are said once, and stay until something of ours changes the service.
    Ignore,
}

impl Policy {
    /// Returns the policy of a service of which nothing is said: any working server is a quorum, failed ones are removed.
    pub fn of(service: ServiceKey) -> Self {
        Self {
            service,
            quorum: 1,
            hysteresis: 0,
            quorum_up: None,
            quorum_down: None,
            sorry: None,
            sorry_inhibit: false,
            inhibit: false,
            omega: false,
            suspend_without: None,
            foreign: None,
            at_start: AtStart::Nothing,
        }
    }
}

/// What is said about one server beside its checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPolicy {
    /// The service.
    pub service: ServiceKey,
    /// The server.
    pub server: ServerKey,
    /// Overrides the service's `inhibit`.
    pub inhibit: Option<bool>,
    /// Run when it comes back.
    pub up: Option<Command>,
    /// Run when it fails.
    pub down: Option<Command>,
    /// Bounds of weights that checks give it.
    pub weights: Option<(Weight, Weight)>,
}
