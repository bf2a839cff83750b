//! How sessions are doing: what `bfd.status` answers, and the JSON schema of `bfd list --json` (lvsadm-bfd(7)).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use super::session::Rejected;
use super::{
    packet::{Diagnostic, State},
    session::Counters,
};

/// All sessions of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// In the order of the settings.
    pub sessions: Vec<SessionStatus>,
    /// Packets that were for no session, by reason.
    #[serde(default)]
    pub rejected: Rejected,
}

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Its name.
    pub name: String,
    /// The neighbour.
    pub neighbour: String,
    /// Our address, if it is known.
    pub source: Option<IpAddr>,
    /// The interface, if it is bound to one.
    pub interface: Option<String>,
    /// Whether routers may be in between.
    pub multihop: bool,
    /// Whether the neighbour has to begin.
    pub passive: bool,
    /// How packets are authenticated; absent: not at all.
    pub authentication: Option<String>,
    /// Its state.
    pub state: State,
    /// For how long, in milliseconds.
    pub since_ms: u64,
    /// How often it went up or came down.
    pub changes: u64,
    /// Why it last went down.
    pub diagnostic: Diagnostic,
    /// The same in words.
    pub why: String,
    /// Our discriminator.
    pub discriminator: u32,
    /// What the settings ask for.
    pub wanted: Times,
    /// What both agreed on: our packets, and how long nothing may be heard. Absent while the neighbour is not known.
    pub negotiated: Option<Negotiated>,
    /// The neighbour; absent while nothing is known of it.
    pub remote: Option<RemoteStatus>,
    /// How regular its packets were; absent before there were any while up.
    pub measured: Option<Measured>,
    /// What was counted.
    pub counters: Counters,
}

/// Intervals of one end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Least time between packets that it sends, in microseconds.
    pub min_tx_us: u64,
    /// Least time between packets that it takes, in microseconds.
    pub min_rx_us: u64,
    /// Its multiplier.
    pub multiplier: u8,
}

/// What both ends agreed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    /// Time between our packets, before jitter, in microseconds.
    pub transmit_us: u64,
    /// After what time without a packet the path counts as failed, in microseconds.
    pub detection_us: u64,
}

/// The other end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteStatus {
    /// Its state, as it last said.
    pub state: State,
    /// Why it last went down.
    pub diagnostic: Diagnostic,
    /// The same in words.
    pub why: String,
    /// Its discriminator.
    pub discriminator: u32,
    /// Its intervals.
    pub times: Times,
    /// Whether it wants no packets while all is well.
    pub demand: bool,
    /// How long ago its last packet came, in milliseconds.
    pub heard_ms: u64,
}

/// What was measured of the neighbour's packets while up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Mean difference between one gap and the next, in microseconds (RFC 3550).
    pub jitter_us: u64,
    /// Longest time between two packets, in microseconds.
    pub longest_us: u64,
    /// About how many packets got lost.
    pub lost: u64,
}
