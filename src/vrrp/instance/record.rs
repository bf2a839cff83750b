//! What an instance remembers for people: since when it is in its state and how it got there, whom it heard, counters, and
//! what it has told already.

use std::{collections::VecDeque, mem::Discriminant, net::IpAddr, time::Duration};

use super::{Machine, Order, Role};
use crate::{
    host::Address,
    model::{Family, Moment},
    vrrp::{
        event::{Cause, State},
        packet::{Heard, Reject},
        settings::Version,
        status::{Counters, HISTORY, InstanceStatus, PEERS, PeerStatus, Transition},
    },
};

/// Returns whole milliseconds.
pub(in crate::vrrp) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Memory of an instance.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) counters: Counters,
    state: State,
    since: Moment,
    /// The last one first.
    transitions: VecDeque<(Moment, State, State, Cause)>,
    peers: Vec<Peer>,
    /// Kinds of rejects that were told since the last transition.
    rejects: Vec<Discriminant<Reject>>,
    difference: bool,
    echo: bool,
}

#[derive(Debug)]
struct Peer {
    address: IpAddr,
    heard: Heard,
    at: Moment,
    adverts: u64,
}

impl Record {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            counters: Counters::default(),
            state: State::Init,
            since: now,
            transitions: VecDeque::new(),
            peers: Vec::new(),
            rejects: Vec::new(),
            difference: false,
            echo: false,
        }
    }

    /// A state was entered.
    pub(super) fn entered(&mut self, now: Moment, state: State, cause: Cause) {
        self.transitions.truncate(HISTORY - 1);
        self.transitions.push_front((now, self.state, state, cause));
        self.state = state;
        self.since = now;
        self.forget_reports();
    }

    /// Lets everything be told again.
    pub(super) fn forget_reports(&mut self) {
        self.rejects.clear();
        self.difference = false;
        self.echo = false;
    }

    /// Whether this kind of reject has not been told yet; it has been then.
    pub(super) fn is_new_reject(&mut self, reject: &Reject) -> bool {
        let kind = std::mem::discriminant(reject);
        let new = !self.rejects.contains(&kind);
        if new {
            self.rejects.push(kind);
        }
        new
    }

    /// The same for other addresses than ours.
    pub(super) fn is_new_difference(&mut self) -> bool {
        !std::mem::replace(&mut self.difference, true)
    }

    /// The same for what seems to be our own advert.
    pub(super) fn is_new_echo(&mut self) -> bool {
        !std::mem::replace(&mut self.echo, true)
    }

    /// An advert was heard. Of too many senders those are forgotten that were not heard for longest.
    pub(super) fn heard(&mut self, now: Moment, address: IpAddr, heard: &Heard) {
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.address == address) {
            peer.heard = *heard;
            peer.at = now;
            peer.adverts += 1;
            return;
        }
        let new = Peer { address, heard: *heard, at: now, adverts: 1 };
        if self.peers.len() < PEERS {
            self.peers.push(new);
        } else if let Some(oldest) = self.peers.iter_mut().min_by_key(|peer| peer.at) {
            *oldest = new;
        }
    }
}

impl Machine {
    /// Returns how the instance is doing.
    pub(in crate::vrrp) fn status(&self, now: Moment, group: Option<&str>) -> InstanceStatus {
        let settings = &self.settings;
        let record = &self.record;
        let mut peers: Vec<&Peer> = record.peers.iter().collect();
        peers.sort_by_key(|peer| std::cmp::Reverse(peer.at));
        InstanceStatus {
            name: settings.name.clone(),
            interface: settings.interface.clone(),
            vrid: settings.vrid.get(),
            version: match settings.version {
                Version::V2 => 2,
                Version::V3 => 3,
            },
            family: match settings.family {
                Family::V4 => "ipv4".to_owned(),
                Family::V6 => "ipv6".to_owned(),
            },
            state: self.state(),
            since_ms: millis(now.since(record.since)),
            transitions: record
                .transitions
                .iter()
                .map(|(at, from, to, cause)| Transition {
                    ago_ms: millis(now.since(*at)),
                    from: *from,
                    to: *to,
                    cause: cause.clone(),
                })
                .collect(),
            base_priority: settings.priority.get(),
            priority: self.priority(),
            interval_ms: millis(settings.interval),
            source: self.link.map(|link| link.source),
            group: group.map(str::to_owned),
            order: self.order.map(|order| match order {
                Order::Promoted(_) => "promote".to_owned(),
                Order::Demoted => "demote".to_owned(),
            }),
            addresses: settings.addresses.iter().chain(&settings.excluded).map(in_words).collect(),
            peers: peers
                .into_iter()
                .map(|peer| PeerStatus {
                    address: peer.address,
                    priority: peer.heard.priority,
                    interval_ms: millis(peer.heard.interval),
                    ago_ms: millis(now.since(peer.at)),
                    adverts: peer.adverts,
                })
                .collect(),
            timer_ms: match &self.role {
                Role::Backup(backup) => backup.down.map(|down| millis(down.since(now))),
                Role::Master(master) => Some(millis(master.next_advert_at().since(now))),
                Role::Init | Role::Fault | Role::Stopped => None,
            },
            waits_for: self.waits_for(),
            counters: record.counters,
        }
    }

    /// Returns what holds it back, in words.
    fn waits_for(&self) -> Vec<String> {
        if self.runs() {
            return Vec::new();
        }
        let link = match self.link_fault {
            Some(fault) => Some(format!("link: {}", fault.in_words())),
            None if self.link.is_none() => Some("link: not known yet".to_owned()),
            None => None,
        };
        let faults = self.judgement.faults.iter().map(|tracker| format!("{tracker} fails"));
        let waits = self.judgement.waits.iter().map(|tracker| format!("{tracker}: not known yet"));
        link.into_iter().chain(faults).chain(waits).collect()
    }
}

/// Returns an address as `ip address` shows it, with its link if that is another one.
fn in_words(address: &Address) -> String {
    let Address { address, prefix, device, .. } = address;
    device.as_ref().map_or_else(|| format!("{address}/{prefix}"), |device| format!("{address}/{prefix} dev {device}"))
}
