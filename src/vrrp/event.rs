//! What goes into the router and what comes out of it: plain values.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::settings::Tracker;
use crate::model::Moment;

/// Number of an instance in the router; stays the same until the instance is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub u32);

/// A VRRP packet as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// Index of the link.
    pub link: u32,
    /// Who sent it.
    pub source: IpAddr,
    /// Where it was sent: the group, or our address.
    pub destination: IpAddr,
    /// TTL or hop limit; `None` = the kernel did not say.
    pub hops: Option<u8>,
    /// IPv4: the whole packet with its IP header. IPv6: what follows the headers; the kernel has checked the checksum.
    pub bytes: &'a [u8],
}

/// Why an instance cannot take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkFault {
    /// There is no such link.
    Missing,
    /// It is down or has no carrier.
    Down,
    /// It has no address to send adverts from, or not the one that was asked for.
    NoSource,
    /// Its virtual MAC could not be set up.
    NoVmac,
}

impl LinkFault {
    /// Returns what is wrong, for people: `down`, `there is none of this name`.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Missing => "there is none of this name",
            Self::Down => "down or without carrier",
            Self::NoSource => "it has no address to send adverts from",
            Self::NoVmac => "its virtual MAC could not be set up",
        }
    }
}

/// The link under an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its index.
    pub index: u32,
    /// The address that adverts come from: decides between equal priorities.
    pub source: IpAddr,
}

/// What is known of a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observation {
    /// Nothing yet: instances with an unweighted track wait.
    Unknown,
    /// It works.
    Up,
    /// It fails.
    Down,
    /// A file's number.
    Value(i64),
}

/// What the router is told.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A packet came in.
    Packet(Received<'a>),
    /// The link under an instance is so.
    Link(InstanceId, Result<Link, LinkFault>),
    /// A tracker is so.
    Tracker(&'a Tracker, Observation),
    /// The operator wants this instance (and its sync group) to be master, whatever its priority.
    Promote(InstanceId),
    /// The operator wants it to give up mastership, and not to take it back while another master is heard.
    Demote(InstanceId),
    /// All instances give up; nothing is sent afterwards.
    Stop,
}

/// State of an instance or a sync group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not begun: waits for trackers or for the startup delay.
    Init,
    /// Listens.
    Backup,
    /// Speaks for the addresses.
    Master,
    /// Cannot take part.
    Fault,
    /// Ended.
    Stopped,
}

/// Why a state was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum Cause {
    /// The process started.
    Started,
    /// It was master before it was started again.
    Resumed,
    /// Nothing was heard of the master for this long.
    MasterSilent {
        /// Who it was, if one was ever heard.
        master: Option<IpAddr>,
        /// Since its last advert, or since listening began.
        silence: Duration,
    },
    /// The master gave up (priority 0).
    MasterGaveUp {
        /// Who.
        master: IpAddr,
    },
    /// A master of lower priority was displaced.
    Preempted {
        /// Who.
        master: IpAddr,
        /// Its priority.
        priority: u8,
    },
    /// Another master has the higher priority, or the same and the higher address.
    Outranked {
        /// Who.
        master: IpAddr,
        /// Its priority.
        priority: u8,
    },
    /// The process did not run for so long that others may have taken over.
    Paused {
        /// How late it was.
        late: Duration,
    },
    /// The link under it has a fault.
    Link {
        /// Which.
        fault: LinkFault,
    },
    /// A tracker without weight fails.
    Tracker {
        /// Which, in words.
        tracker: String,
    },
    /// A sync group takes its members along.
    Group {
        /// The member that began.
        member: String,
    },
    /// All faults are gone.
    Recovered,
    /// The operator said so.
    Operator,
    /// The settings changed.
    Reconfigured,
    /// The process ends, or the instance is removed.
    Stopped,
}

/// Something that people, scripts and FIFOs are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    #[serde(skip)]
    pub at: Moment,
    /// Instance or sync group.
    pub subject: Subject,
    /// What happened.
    pub kind: NoticeKind,
    /// Effective priority; groups 0.
    pub priority: u8,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// An instance by name.
    Instance(String),
    /// A sync group by name.
    Group(String),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// A state was entered.
    Entered {
        /// Which.
        state: State,
        /// Why.
        #[serde(flatten)]
        cause: Cause,
    },
    /// An instance was removed from the settings.
    Deleted,
    /// A master heard an advert of lower priority.
    LowerPriority {
        /// From whom.
        source: IpAddr,
        /// With which priority.
        priority: u8,
    },
    /// The effective priority changed.
    Priority {
        /// What it was before.
        before: u8,
    },
    /// An advert lists other addresses than ours; it was taken all the same.
    AddressesDiffer {
        /// From whom.
        source: IpAddr,
    },
    /// An advert was rejected: the first of its kind since the last transition.
    Rejected {
        /// From whom.
        source: IpAddr,
        /// Why, in words.
        reason: String,
    },
}

/// What the router wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a packet. IPv4: with its IP header (the kernel fills in its checksum). IPv6: what follows the headers; the
    /// kernel fills in the checksum.
    Send {
        /// By the link and source of this instance.
        instance: InstanceId,
        /// To whom: the group, or one peer.
        to: IpAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Put the instance's addresses, routes and rules on the host.
    Take(InstanceId),
    /// Take them away.
    Give(InstanceId),
    /// Announce the instance's addresses, all of them, so many times in turns.
    Announce {
        /// Whose.
        instance: InstanceId,
        /// How often each.
        repeat: u32,
        /// Which.
        which: Which,
    },
    /// Tell.
    Notice(Notice),
}

/// Which addresses are announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that the instance holds.
    All,
    /// Those on other links than that of the adverts.
    OtherLinks,
    /// The source of adverts (a unicast backup after a fault, so that the master's ARP cache is warm).
    Source,
}
