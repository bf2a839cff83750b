//! How virtual routers are doing: what `vrrp list`, `vrrp show` and `--json` print, and what a running process answers.
//! The JSON schema is this file's types; fields are added, never changed.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::event::{Cause, Observation, State};

/// Everything about one VRRP process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The instances, in the order of the settings.
    pub instances: Vec<InstanceStatus>,
    /// The sync groups.
    pub groups: Vec<GroupStatus>,
    /// What is watched.
    pub trackers: Vec<TrackerStatus>,
    /// How late timers fired.
    pub lateness: Lateness,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Name.
    pub name: String,
    /// Name of the link.
    pub interface: Option<String>,
    /// Virtual router identifier.
    pub vrid: u8,
    /// Version of the protocol, 2 or 3.
    pub version: u8,
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// State.
    pub state: State,
    /// Milliseconds since the state was entered.
    pub since_ms: u64,
    /// Transitions, the last one first; at most [`HISTORY`].
    pub transitions: Vec<Transition>,
    /// Priority before trackers.
    pub base_priority: u8,
    /// Priority in adverts.
    pub priority: u8,
    /// Our advert interval in milliseconds.
    pub interval_ms: u64,
    /// Source of our adverts, when known.
    pub source: Option<IpAddr>,
    /// Sync group.
    pub group: Option<String>,
    /// What the operator ordered: `promote`, `demote`, nothing.
    pub order: Option<String>,
    /// Virtual addresses, those of the adverts first.
    pub addresses: Vec<String>,
    /// Who was heard, the last one first; at most [`PEERS`].
    pub peers: Vec<PeerStatus>,
    /// Milliseconds until the next timer of the election, if one runs.
    pub timer_ms: Option<u64>,
    /// What holds it back: faults and trackers that nobody has heard of yet, in words.
    pub waits_for: Vec<String>,
    /// What happened how often.
    pub counters: Counters,
}

/// How many transitions are remembered.
pub const HISTORY: usize = 16;

/// How many peers are remembered.
pub const PEERS: usize = 16;

/// A change of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Milliseconds ago.
    pub ago_ms: u64,
    /// From which state.
    pub from: State,
    /// To which state.
    pub to: State,
    /// Why.
    #[serde(flatten)]
    pub cause: Cause,
}

/// Somebody who sent adverts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its address.
    pub address: IpAddr,
    /// Its priority.
    pub priority: u8,
    /// Its advert interval in milliseconds.
    pub interval_ms: u64,
    /// Milliseconds since its last advert.
    pub ago_ms: u64,
    /// Adverts heard of it.
    pub adverts: u64,
}

/// Counters of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Adverts sent (a unicast advert to three peers counts once).
    pub sent: u64,
    /// Adverts received and accepted.
    pub received: u64,
    /// Times it became master.
    pub became_master: u64,
    /// Times it gave mastership up.
    pub released_master: u64,
    /// Adverts of priority 0 sent.
    pub zero_sent: u64,
    /// Adverts of priority 0 received.
    pub zero_received: u64,
    /// Adverts of lower priority heard while master.
    pub lower_received: u64,
    /// Timers that fired so late that the instance listened again.
    pub paused: u64,
    /// Adverts taken although their addresses differ.
    pub addresses_differ: u64,
    /// Rejected adverts by reason.
    pub rejected: Rejected,
}

/// Rejected adverts by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rejected {
    /// The length is not that of its contents.
    pub length: u64,
    /// TTL or hop limit.
    pub hops: u64,
    /// The version is not ours.
    pub version: u64,
    /// Not an advert.
    pub kind: u64,
    /// The checksum is wrong.
    pub checksum: u64,
    /// An authentication type that does not exist.
    pub auth_type: u64,
    /// Another authentication type than ours.
    pub auth_mismatch: u64,
    /// Wrong password or authentication code.
    pub auth_failure: u64,
    /// A repeated sequence number.
    pub replay: u64,
    /// Outside the time window.
    pub window: u64,
    /// A key number that we do not have.
    pub key: u64,
    /// No trailer where one must be.
    pub no_trailer: u64,
    /// Another advert interval than ours (version 2).
    pub interval: u64,
    /// Multicast where unicast is spoken, or the reverse.
    pub destination: u64,
    /// Not one of our peers.
    pub source: u64,
    /// We are the owner and ignore adverts.
    pub owner: u64,
}

/// One sync group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Name.
    pub name: String,
    /// State.
    pub state: State,
    /// Milliseconds since the state was entered.
    pub since_ms: u64,
    /// Members.
    pub members: Vec<String>,
}

/// One tracker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackerStatus {
    /// Kind and name, as on a command line: `interface eth1`, `script chk`, `service tcp 10.0.0.1:80`.
    pub tracker: String,
    /// What is known of it.
    pub observation: Observation,
    /// Milliseconds since that changed.
    pub since_ms: u64,
    /// Instances and groups that it bears on.
    pub users: Vec<String>,
}

/// How late timers fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// Timers fired.
    pub timers: u64,
    /// Latest ever, in microseconds.
    pub worst_us: u64,
    /// Sum over all timers, in microseconds: the mean is this through `timers`.
    pub total_us: u64,
    /// Timers later than 1 ms, 10 ms, 100 ms and 1 s.
    pub over: [u64; 4],
}
