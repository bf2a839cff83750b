//! Real servers: what identifies one within its service, and how packets reach it.

use std::{fmt, net::IpAddr};

use super::Family;

/// What identifies a real server within its virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerKey {
    /// The server's address; of another family than the service's only with a tunnel.
    pub address: IpAddr,
    /// The server's port; 0 = as the client sent it (firewall marks and all-port services).
    pub port: u16,
}

impl ServerKey {
    /// Returns the address family.
    pub fn family(&self) -> Family {
        Family::of(self.address)
    }
}

/// `10.0.0.11:80`, `[2001:db8::11]:80`.
impl fmt::Display for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}", self.port),
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

/// Share of new connections, 0 to 2147483647; 0 = no new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u32);

impl Weight {
    /// The greatest weight: the kernel keeps it in a signed 32-bit number.
    pub const MAX: Self = Self(i32::MAX as u32);

    /// No new connections.
    pub const ZERO: Self = Self(0);

    /// Returns the weight, or `None` above [`Self::MAX`].
    pub fn new(value: u32) -> Option<Self> {
        (value <= Self::MAX.0).then_some(Self(value))
    }

    /// Returns the number.
    pub fn value(self) -> u32 {
        self.0
    }
}

/// 1, what ipvsadm takes when no weight is named.
impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Connection limits of a server; 0 = none. Each 0 to 2147483647.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thresholds {
    /// At this many connections the server gets no new ones.
    pub upper: u32,
    /// Below this many it gets new ones again.
    pub lower: u32,
}

/// How packets get to a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forwarding {
    /// NAT: the destination address is rewritten, answers come back through the director (`-m`).
    Masquerade,
    /// The server is this machine; kernels no longer report it, ipvsadm saves it as `-g`.
    Local,
    /// Encapsulated (`-i`).
    Tunnel(Tunnel),
    /// Direct routing: only the link-layer address changes (`-g`).
    Route,
    /// Around the cache cluster; made by the kernel only.
    Bypass,
}

/// Encapsulation of a tunnelled server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tunnel {
    /// IP in IP.
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// Destination UDP port on the server, 1 to 65535.
        port: u16,
        /// Outer checksum.
        checksum: Checksum,
    },
    /// Generic routing encapsulation; never [`Checksum::Remote`].
    Gre {
        /// GRE checksum.
        checksum: Checksum,
    },
}

/// Checksum of the outer header of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checksum {
    /// None (`--tun-nocsum`).
    None,
    /// On (`--tun-csum`).
    Full,
    /// Remote checksum offload (`--tun-remcsum`, GUE only).
    Remote,
}

/// A real server as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RealServer {
    /// What identifies it within its service.
    pub key: ServerKey,
    /// How packets get there.
    pub forwarding: Forwarding,
    /// Share of new connections.
    pub weight: Weight,
    /// Connection limits.
    pub thresholds: Thresholds,
}
