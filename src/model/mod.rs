//! Words everybody shares: addresses, ports, weights, service and server keys, the table.
//!
//! Plain values without IO, clock or knowledge of wire formats. Everything a kernel table can be told to hold has
//! one representation here, and values that cannot be meant (a tunnel port on a route, a weight of minus one)
//! have none.

mod change;
mod daemon;
mod server;
mod service;
mod stats;
mod table;
mod time;

pub use change::{Change, Target};
pub use daemon::{DaemonRole, SyncDaemon, Timeouts};
pub use server::{Checksum, Forwarding, RealServer, ServerKey, Thresholds, Tunnel, Weight};
pub use service::{Family, Netmask, Persistence, Protocol, Scheduler, SchedulerFlags, ServiceKey, VirtualService};
pub use stats::{Info, ServerStatus, Snapshot, SnapshotServer, SnapshotService, Stats};
pub use table::{Conflict, Entry, Table};
pub use time::{Moment, calendar};
