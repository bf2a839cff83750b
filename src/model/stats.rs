//! What the kernel reports beside the configuration: counters, rates, connection counts.

use std::fmt;

use super::{Entry, RealServer, Table, VirtualService};

/// Counters since creation or the last zeroing, and the kernel's two-second rate estimates (per second; bytes, not bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub in_packets: u64,
    /// Packets to clients that the director saw (NAT only).
    pub out_packets: u64,
    /// Bytes from clients.
    pub in_bytes: u64,
    /// Bytes to clients that the director saw (NAT only).
    pub out_bytes: u64,
    /// Connections a second.
    pub connection_rate: u64,
    /// Packets from clients a second.
    pub in_packet_rate: u64,
    /// Packets to clients a second.
    pub out_packet_rate: u64,
    /// Bytes from clients a second.
    pub in_byte_rate: u64,
    /// Bytes to clients a second.
    pub out_byte_rate: u64,
}

/// What a real server is doing now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStatus {
    /// Connections that are established.
    pub active: u32,
    /// All other connections.
    pub inactive: u32,
    /// Persistence templates that point here.
    pub persistent: u32,
    /// Counters and rates; `None` where the source has none (`/proc/net/ip_vs`).
    pub stats: Option<Stats>,
}

/// A real server as the kernel reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotServer {
    /// Its configuration.
    pub server: RealServer,
    /// What it is doing.
    pub status: ServerStatus,
}

/// A virtual service as the kernel reports it, servers in the kernel's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotService {
    /// Its configuration.
    pub service: VirtualService,
    /// Counters and rates; `None` where the source has none (`/proc/net/ip_vs`).
    pub stats: Option<Stats>,
    /// Its servers.
    pub servers: Vec<SnapshotServer>,
}

/// The kernel's services and servers at one time, in the kernel's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All services.
    pub services: Vec<SnapshotService>,
}

impl Snapshot {
    /// Returns the configuration in it, without daemons and timeouts, which the kernel reports apart.
    pub fn table(&self) -> Table {
        let services = self.services.iter().map(|each| {
            let servers = each.servers.iter().map(|s| (s.server.key, s.server)).collect();
            (each.service.key, Entry { service: each.service.clone(), servers })
        });
        Table { services: services.collect(), ..Table::default() }
    }
}

/// What the kernel says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// IPVS version, one byte each: 0x010201 is 1.2.1.
    pub version: u32,
    /// Buckets of the connection table.
    pub table_size: u32,
}

/// The heading of a listing: `IP Virtual Server version 1.2.1 (size=4096)`.
impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, major, minor, patch] = self.version.to_be_bytes();
        write!(f, "IP Virtual Server version {major}.{minor}.{patch} (size={})", self.table_size)
    }
}
