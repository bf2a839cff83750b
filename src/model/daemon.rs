//! Connection synchronisation daemons and connection timeouts.

use std::{fmt, net::IpAddr};

/// Which side of connection synchronisation a daemon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DaemonRole {
    /// Sends its connections.
    Master,
    /// Receives them.
    Backup,
}

impl fmt::Display for DaemonRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

/// A kernel sync daemon. `None` in what is asked for leaves the choice to the kernel; the kernel reports all it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncDaemon {
    /// Sender or receiver; one of each may run.
    pub role: DaemonRole,
    /// Multicast interface, 1 to 15 bytes.
    pub interface: String,
    /// Identifies the cluster on the wire, 0 to 255.
    pub sync_id: u8,
    /// Longest message in bytes, 1 to 65507; kernel default from the MTU (1472 typical).
    pub max_len: Option<u16>,
    /// Multicast group; kernel default 224.0.0.81.
    pub group: Option<IpAddr>,
    /// UDP port; kernel default 8848.
    pub port: Option<u16>,
    /// Multicast TTL, 1 to 255; kernel default 1.
    pub ttl: Option<u8>,
}

impl SyncDaemon {
    /// Whether a running daemon with these settings is what `wanted` asks for: equal in everything that `wanted` names.
    pub fn satisfies(&self, wanted: &Self) -> bool {
        fn asked<T: PartialEq>(have: &Option<T>, want: &Option<T>) -> bool {
            want.is_none() || have == want
        }
        self.role == wanted.role
            && self.interface == wanted.interface
            && self.sync_id == wanted.sync_id
            && asked(&self.max_len, &wanted.max_len)
            && asked(&self.group, &wanted.group)
            && asked(&self.port, &wanted.port)
            && asked(&self.ttl, &wanted.ttl)
    }
}

/// Connection timeouts in seconds, 0 to 2147483647 / HZ; 0 in a request keeps what is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Idle established TCP connections.
    pub tcp: u32,
    /// TCP connections after a FIN.
    pub tcp_fin: u32,
    /// UDP flows.
    pub udp: u32,
}
