//! Where a packet of this host would go: its way, and the neighbour at the end of its first step. Read only.

use std::net::IpAddr;

use nix::errno::Errno;

use super::{
    client::{Error, Host},
    codec::lookup,
};
use crate::sys::netlink;

/// The way to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// What becomes of the packet.
    pub kind: WayKind,
    /// Index of the link that it leaves by.
    pub link: Option<u32>,
    /// The router that it is given to, if the destination is not on the link.
    pub gateway: Option<IpAddr>,
    /// The address that it would be sent from.
    pub source: Option<IpAddr>,
    /// The route's own limit for packets, in bytes, beside that of the link.
    pub mtu: Option<u32>,
}

/// What becomes of a packet (`RTN_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayKind {
    /// It is sent.
    Unicast,
    /// The destination is this host.
    Local,
    /// Something else (broadcast 3, multicast 5 …).
    Other(u8),
}

/// A neighbour: another host on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// What the kernel knows of it.
    pub state: NeighbourState,
    /// Its address on the wire, where that is known.
    pub address: Option<Vec<u8>>,
}

/// What the kernel knows of a neighbour (`NUD_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighbourState {
    /// Nothing.
    None,
    /// It was asked for and has not answered yet.
    Incomplete,
    /// It answered lately.
    Reachable,
    /// It answered some time ago.
    Stale,
    /// It is about to be asked again.
    Delay,
    /// It is being asked again.
    Probe,
    /// It did not answer.
    Failed,
    /// The link needs no such addresses.
    NoArp,
    /// Somebody wrote its address down.
    Permanent,
}

impl NeighbourState {
    /// Returns the kernel's word, as `ip neighbour` prints it, in small letters.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Incomplete => "incomplete",
            Self::Reachable => "reachable",
            Self::Stale => "stale",
            Self::Delay => "delay",
            Self::Probe => "probe",
            Self::Failed => "failed",
            Self::NoArp => "noarp",
            Self::Permanent => "permanent",
        }
    }
}

impl Host {
    /// Returns the way of a packet of this host with a firewall mark (0: none); the kernel's reason if there is no way.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn way_to(&mut self, to: IpAddr, mark: u32) -> Result<Result<Way, Errno>, Error> {
        self.ask("look a route up", |batch| lookup::get_way(batch, to, mark), lookup::way)
    }

    /// Returns what the kernel knows of a neighbour; `None`: nothing, or this kernel cannot be asked for one (before 5.0).
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn neighbour(&mut self, address: IpAddr, link: u32) -> Result<Option<Neighbour>, Error> {
        let encode = |batch: &mut netlink::Batch| lookup::get_neighbour(batch, address, link);
        Ok(self.ask("look a neighbour up", encode, lookup::neighbour)?.ok())
    }
}
