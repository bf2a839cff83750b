//! The one request type: what both grammars, save files and the planner ask of a table.

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
