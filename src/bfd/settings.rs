//! What a BFD session is told to be: plain values, as checked settings. Reading them from lines belongs to `state`.

use std::{net::IpAddr, time::Duration};

use super::packet::Method;
use crate::model::Secret;

/// Interval of control packets in both directions, if nobody says otherwise (keepalived's).
pub const INTERVAL: Duration = Duration::from_millis(10);

/// Interval while the session is not up, if nobody says otherwise; and the least that may be said (RFC 5880 section 6.8.3).
pub const IDLE: Duration = Duration::from_secs(1);

/// How many packets are missed before the path counts as failed, if nobody says otherwise (keepalived's).
pub const MULTIPLIER: u8 = 5;

/// The longest interval, which has microseconds in 32 bits on the wire.
pub const LONGEST: Duration = Duration::from_micros(u32::MAX as u64);

/// A session with one neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Who is at the other end.
    pub neighbour: IpAddr,
    /// Our address, of the neighbour's family; `None` = as the route says.
    pub source: Option<IpAddr>,
    /// The interface that packets leave and come in by; link-local addresses need one.
    pub interface: Option<String>,
    /// Least time between packets of the neighbour that we can take, 1 µs to [`LONGEST`].
    pub min_rx: Duration,
    /// Least time between our packets, 1 µs to [`LONGEST`].
    pub min_tx: Duration,
    /// Time between our packets while the session is not up, at least [`IDLE`].
    pub idle_tx: Duration,
    /// How many packets of ours the neighbour misses before it gives us up; not 0.
    pub multiplier: u8,
    /// Whether it says nothing before the neighbour does (RFC 5880 section 6.1).
    pub passive: bool,
    /// TTL or hop limit of what we send; not 0.
    pub ttl: u8,
    /// How many routers may have lowered the TTL of what comes in, counted from `ttl`; `None` = any number (keepalived's
    /// `max_hops`).
    pub max_hops: Option<u8>,
    /// Whether the neighbour is beyond routers: port 4784 (RFC 5883) instead of 3784.
    pub multihop: bool,
    /// How packets are authenticated.
    pub authentication: Option<Authentication>,
    /// Whether it is held down by the operator (RFC 5880 section 6.8.16).
    pub admin_down: bool,
}

/// One key, known to both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// How.
    pub method: Method,
    /// Number of the key, the same at both ends.
    pub key_id: u8,
    /// The key: 1 byte to [`Method::longest_key`] bytes.
    pub key: Secret,
}

impl Settings {
    /// Returns the settings of a session of which nothing is said but these.
    pub fn new(name: &str, neighbour: IpAddr) -> Self {
        Self {
            name: name.to_owned(),
            neighbour,
            source: None,
            interface: None,
            min_rx: INTERVAL,
            min_tx: INTERVAL,
            idle_tx: IDLE,
            multiplier: MULTIPLIER,
            passive: false,
            ttl: 255,
            max_hops: Some(0),
            multihop: false,
            authentication: None,
            admin_down: false,
        }
    }

    /// Returns the least TTL that a packet of the neighbour may come in with.
    pub fn least_ttl(&self) -> u8 {
        self.max_hops.map_or(0, |hops| self.ttl.saturating_sub(hops))
    }

    /// Whether both would be the same session to a neighbour.
    pub fn collides(&self, other: &Self) -> bool {
        let both = |a: Option<IpAddr>, b: Option<IpAddr>| a.is_none() || b.is_none() || a == b;
        self.neighbour == other.neighbour
            && self.multihop == other.multihop
            && both(self.source, other.source)
            && (self.interface.is_none() || other.interface.is_none() || self.interface == other.interface)
    }
}
