//! Virtual services: what identifies one, and how it is configured.

use std::{
    cmp::Ordering,
    fmt,
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
};

/// Address family of a service or server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Returns the family that `address` belongs to.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// Transport protocol of an address service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, protocol number 6.
    Tcp,
    /// UDP, protocol number 17.
    Udp,
    /// SCTP, protocol number 132.
    Sctp,
    /// Anything else that somebody put into the kernel table; lvsadm shows such services and never makes them.
    Other(u16),
}

impl Protocol {
    /// Returns the protocol with this IP protocol number.
    pub fn from_number(number: u16) -> Self {
        match number {
            6 => Self::Tcp,
            17 => Self::Udp,
            132 => Self::Sctp,
            other => Self::Other(other),
        }
    }

    /// Returns the IP protocol number.
    pub fn number(self) -> u16 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
            Self::Other(number) => number,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("TCP"),
            Self::Udp => f.write_str("UDP"),
            Self::Sctp => f.write_str("SCTP"),
            Self::Other(number) => write!(f, "protocol {number}"),
        }
    }
}

/// What identifies a virtual service in the kernel table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKey {
    /// A protocol, address and port. Port 0 means all ports of the address.
    Address {
        /// Transport protocol.
        protocol: Protocol,
        /// The virtual address.
        address: IpAddr,
        /// The virtual port; 0 = every port that has no service of its own.
        port: u16,
    },
    /// A firewall mark in one family; the same mark may exist once in each.
    Mark {
        /// The firewall mark, never 0 in a kernel table.
        mark: u32,
        /// The family of the packets it takes.
        family: Family,
    },
}

impl ServiceKey {
    /// Returns the family of the packets that this service takes.
    pub fn family(&self) -> Family {
        match self {
            Self::Address { address, .. } => Family::of(*address),
            Self::Mark { family, .. } => *family,
        }
    }

    /// Returns the port of an address service, `None` for a firewall mark.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Address { port, .. } => Some(*port),
            Self::Mark { .. } => None,
        }
    }

    /// Address services before marks; then family, protocol, address and port.
    fn sort_key(&self) -> (u32, Family, u16, IpAddr, u16) {
        match *self {
            Self::Address { protocol, address, port } => (0, Family::of(address), protocol.number(), address, port),
            Self::Mark { mark, family } => (mark, family, 0, IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        }
    }
}

impl Ord for ServiceKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for ServiceKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// For people and messages: `TCP 10.0.0.1:80`, `FWM 5`, `FWM 5 IPv6`.
impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Address { protocol, address: IpAddr::V4(address), port } => write!(f, "{protocol} {address}:{port}"),
            Self::Address { protocol, address: IpAddr::V6(address), port } => {
                write!(f, "{protocol} [{address}]:{port}")
            }
            Self::Mark { mark, family: Family::V4 } => write!(f, "FWM {mark}"),
            Self::Mark { mark, family: Family::V6 } => write!(f, "FWM {mark} IPv6"),
        }
    }
}

/// Name of a kernel scheduler (`rr`, `wlc`, `mh` …): 0 to 15 bytes without NUL. The kernel knows which exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scheduler(String);

impl Scheduler {
    /// The longest name that the kernel takes, in bytes (`IP_VS_SCHEDNAME_MAXLEN` - 1).
    pub const MAX_LEN: usize = 15;

    /// Returns a scheduler of this name, cut to [`Self::MAX_LEN`] bytes at a character border as ipvsadm does.
    pub fn new(name: &str) -> Self {
        Self(cut(name, Self::MAX_LEN))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `wlc`, what ipvsadm takes when no scheduler is named.
impl Default for Scheduler {
    fn default() -> Self {
        Self("wlc".to_owned())
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the longest start of `text` that has at most `max` bytes and ends at a character border.
pub(super) fn cut(text: &str, max: usize) -> String {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The three flag bits that a scheduler may read (`IP_VS_SVC_F_SCHED1` to `3`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchedulerFlags {
    /// `flag-1`; `sh-fallback` for sh, `mh-fallback` for mh.
    pub first: bool,
    /// `flag-2`; `sh-port` for sh, `mh-port` for mh.
    pub second: bool,
    /// `flag-3`.
    pub third: bool,
}

impl SchedulerFlags {
    /// Whether any bit is set.
    pub fn any(self) -> bool {
        self.first || self.second || self.third
    }
}

/// Persistence: clients of one network stay with one server for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Persistence {
    /// How long a client is remembered after its last connection, in seconds (ipvsadm: 1 to 2678400).
    pub timeout: u32,
    /// Which part of the client's address counts.
    pub netmask: Netmask,
}

/// The granularity of persistence, in the form of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Netmask {
    /// IPv4: any 32 bits, contiguous or not.
    V4(Ipv4Addr),
    /// IPv6: prefix length, 1 to 128.
    V6(u8),
}

impl Netmask {
    /// Returns the mask that tells every single client address of `family` apart.
    pub fn host(family: Family) -> Self {
        match family {
            Family::V4 => Self::V4(Ipv4Addr::BROADCAST),
            Family::V6 => Self::V6(128),
        }
    }

    /// Whether this mask tells every single client address apart: the default, which listings leave out.
    pub fn is_host(self) -> bool {
        matches!(self, Self::V4(Ipv4Addr::BROADCAST) | Self::V6(128))
    }
}

/// Dotted for IPv4, a bare prefix length for IPv6: ipvsadm's way.
impl fmt::Display for Netmask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(mask) => write!(f, "{mask}"),
            Self::V6(prefix) => write!(f, "{prefix}"),
        }
    }
}

/// A virtual service as configured, without its servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualService {
    /// What identifies it.
    pub key: ServiceKey,
    /// Who chooses the server of a new connection.
    pub scheduler: Scheduler,
    /// Flags for the scheduler.
    pub flags: SchedulerFlags,
    /// Persistence, if on.
    pub persistence: Option<Persistence>,
    /// Persistence engine (`sip`), at most [`Self::ENGINE_MAX_LEN`] bytes. The kernel keeps it without persistence, too.
    pub engine: Option<String>,
    /// One-packet scheduling: each datagram is scheduled by itself.
    pub one_packet: bool,
}

impl VirtualService {
    /// The firewall marks that hidden services have. Where flags cannot be seen, the mark tells such a service apart.
    pub const HIDDEN_MARKS: RangeInclusive<u32> = 0x4c56_0000..=0x4c56_ffff;

    /// The longest persistence engine name, in bytes (`IP_VS_PENAME_MAXLEN`).
    pub const ENGINE_MAX_LEN: usize = 16;

    /// Returns the hidden service for a firewall mark: it has one real server, and a probe that carries the mark gets to
    /// that server by the kernel's own forwarding. Its flags tell it apart, which mean nothing to its scheduler.
    pub fn hidden(mark: u32, family: Family) -> Self {
        Self {
            scheduler: Scheduler::new("rr"),
            flags: SchedulerFlags { first: true, second: true, third: true },
            ..Self::new(ServiceKey::Mark { mark, family })
        }
    }

    /// Whether this is a hidden service, made for probes: listings and save files do without it. Stock ipvsadm shows it.
    /// One of [`Self::HIDDEN_MARKS`], and flags that nobody else sets with such a scheduler: somebody's own service is never
    /// taken for one.
    pub fn is_hidden(&self) -> bool {
        match self.key {
            ServiceKey::Mark { mark, family } => {
                Self::HIDDEN_MARKS.contains(&mark) && *self == Self::hidden(mark, family)
            }
            ServiceKey::Address { .. } => false,
        }
    }

    /// Returns a service with ipvsadm's defaults: wlc, not persistent, no flags.
    pub fn new(key: ServiceKey) -> Self {
        Self {
            key,
            scheduler: Scheduler::default(),
            flags: SchedulerFlags::default(),
            persistence: None,
            engine: None,
            one_packet: false,
        }
    }
}
