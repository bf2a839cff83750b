//! The one request type: what both grammars, save files and the planner ask of a table.

use std::fmt;

use super::{DaemonRole, RealServer, ServerKey, ServiceKey, SyncDaemon, Timeouts, VirtualService};

/// One change to a table; one message to the kernel. Edits replace the whole configuration of what they name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a virtual service.
    AddService(VirtualService),
    /// Replaces a virtual service's configuration; its servers stay.
    EditService(VirtualService),
    /// Removes a virtual service with its servers.
    DeleteService(ServiceKey),
    /// Adds a real server to a service.
    AddServer(ServiceKey, RealServer),
    /// Replaces a real server's configuration.
    EditServer(ServiceKey, RealServer),
    /// Removes a real server from a service.
    DeleteServer(ServiceKey, ServerKey),
    /// Sets the connection timeouts.
    SetTimeouts(Timeouts),
    /// Starts a sync daemon.
    StartDaemon(SyncDaemon),
    /// Stops a sync daemon.
    StopDaemon(DaemonRole),
    /// Zeroes the counters of one service, or of all and the totals.
    Zero(Option<ServiceKey>),
    /// Removes all services and servers.
    Clear,
}

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A virtual service.
    Service(ServiceKey),
    /// A real server of a service.
    Server(ServiceKey, ServerKey),
    /// The connection timeouts.
    Timeouts,
    /// The sync daemon of a role.
    Daemon(DaemonRole),
    /// The counters of one service, or all of them.
    Counters(Option<ServiceKey>),
    /// All services.
    Table,
}

impl Change {
    /// Returns what this change is about.
    pub fn target(&self) -> Target {
        match self {
            Self::AddService(service) | Self::EditService(service) => Target::Service(service.key),
            Self::DeleteService(key) => Target::Service(*key),
            Self::AddServer(service, server) | Self::EditServer(service, server) => {
                Target::Server(*service, server.key)
            }
            Self::DeleteServer(service, key) => Target::Server(*service, *key),
            Self::SetTimeouts(_) => Target::Timeouts,
            Self::StartDaemon(daemon) => Target::Daemon(daemon.role),
            Self::StopDaemon(role) => Target::Daemon(*role),
            Self::Zero(key) => Target::Counters(*key),
            Self::Clear => Target::Table,
        }
    }
}

impl Target {
    /// Returns the service that this is or belongs to.
    pub fn service(self) -> Option<ServiceKey> {
        match self {
            Self::Service(key) | Self::Server(key, _) => Some(key),
            Self::Counters(key) => key,
            Self::Timeouts | Self::Daemon(_) | Self::Table => None,
        }
    }
}

/// For messages: `TCP 10.0.0.1:80`, `server 10.0.0.11:80 of TCP 10.0.0.1:80`, `the master sync daemon`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(key) => key.fmt(f),
            Self::Server(key, server) => write!(f, "server {server} of {key}"),
            Self::Timeouts => f.write_str("the timeouts"),
            Self::Daemon(role) => write!(f, "the {role} sync daemon"),
            Self::Counters(Some(key)) => write!(f, "the counters of {key}"),
            Self::Counters(None) => f.write_str("all counters"),
            Self::Table => f.write_str("the table"),
        }
    }
}
