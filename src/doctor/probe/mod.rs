//! Questions to the network that nobody else hears as questions: who answers for an address, does a server take what a director
//! would send it, does its answer come back this way, and how large may a packet be.
//!
//! Probes are whole frames, made here and sent past the kernel's own protocols, because only so can they be exactly what IPVS
//! sends; neither a table nor a connection of the kernel knows of them. A server sees the begin of a connection, and its end.

pub mod frames;
mod ip;
mod volley;

pub(super) use ip::Ip;
pub(crate) use volley::in_network;
pub use volley::{Targets, run};

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use crate::model::{Forwarding, Protocol, RealServer, ServerKey, ServiceKey};

/// Bytes of an Ethernet header.
pub(super) const ETHERNET: usize = 14;

/// A hardware address.
pub type Mac = [u8; 6];

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Its own address, from this host's own.
    Direct,
    /// The virtual address, at the server's hardware address: direct routing.
    Routed,
    /// The virtual address, wrapped: a tunnel.
    Wrapped,
    /// Its own address, from an address elsewhere: whether the answer comes back by this host.
    Returning,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It takes the connection.
    Accepted,
    /// It refuses the connection (RST).
    Refused,
    /// An ICMP error, in words.
    Unreachable(&'static str),
    /// Nothing in a second.
    Silent,
    /// There is no way to it, or nobody at the end of the way: why.
    Absent(String),
    /// The probe could not be made, which says nothing of the server: why.
    Unsent(String),
}

/// A probe of a server with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The service.
    pub service: ServiceKey,
    /// The server.
    pub server: ServerKey,
    /// What was asked.
    pub kind: Kind,
    /// What came back.
    pub answer: Answer,
}

/// How large packets to a server may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathMtu {
    /// What this host believes, in bytes of an IP packet.
    pub believed: u32,
    /// The largest that came through; `None` if the server answers no echo requests.
    pub passes: Option<u32>,
}

/// What came of all probes.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    /// Whether any were made.
    pub made: bool,
    /// Who answers for each virtual address beside this host.
    pub answering: BTreeMap<IpAddr, Vec<Mac>>,
    /// Hardware addresses of servers.
    pub macs: BTreeMap<IpAddr, Mac>,
    /// Probes of servers.
    pub paths: Vec<Path>,
    /// Packet sizes to servers behind tunnels.
    pub mtus: BTreeMap<IpAddr, PathMtu>,
}

impl Probes {
    /// Returns what came back from a server.
    pub fn answer(&self, service: ServiceKey, server: ServerKey, kind: Kind) -> Option<&Answer> {
        let path = self.paths.iter().find(|path| (path.service, path.server, path.kind) == (service, server, kind));
        path.map(|path| &path.answer)
    }

    /// Returns the server that has this hardware address.
    pub fn owner(&self, mac: Mac) -> Option<IpAddr> {
        self.macs.iter().find(|(_, known)| **known == mac).map(|(address, _)| *address)
    }
}

/// Returns a hardware address as people write it.
pub fn shown(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// Returns the port of a server at which packets of a service arrive; 0: at the one that the client names.
fn port(key: ServiceKey, server: &RealServer) -> u16 {
    match server.forwarding {
        Forwarding::Masquerade => server.key.port,
        _ => key.port().unwrap_or(0),
    }
}

/// Whether a probe, which is the begin of a TCP connection, is what clients of the service send as well. If not, it is made at a port
/// that may be any, and tells only whether the server has the address that it was sent to: a refusal is as good as an answer.
pub fn is_exact(key: ServiceKey, server: &RealServer) -> bool {
    matches!(key, ServiceKey::Address { protocol: Protocol::Tcp, .. }) && port(key, server) != 0
}

/// Returns the socket address of a service.
pub fn socket(key: ServiceKey) -> Option<SocketAddr> {
    match key {
        ServiceKey::Address { address, port, .. } => Some(SocketAddr::new(address, port)),
        ServiceKey::Mark { .. } => None,
    }
}
