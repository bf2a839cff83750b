//! All sessions of a process: which packet is for which, what is due next, who is told. No IO, no clock.
//!
//! Timers stand in a heap that is put right lazily: each packet that comes in moves the detection time of its session away, and
//! none of that has to touch the heap.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use fastrand::Rng;

use super::{
    packet::{Diagnostic, Packet, Reject, State},
    session::{Effects, Rejected, Session},
    settings::Settings,
    status::{Measured, Negotiated, RemoteStatus, SessionStatus, Status, Times},
};
use crate::model::Moment;

/// Number of a session among all; stays the same until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// A packet as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// Where it was sent: our address.
    pub destination: IpAddr,
    /// Index of the link.
    pub link: Option<u32>,
    /// TTL or hop limit.
    pub hops: u8,
    /// Whether it came to the port of sessions beyond routers.
    pub multihop: bool,
    /// What the datagram holds.
    pub bytes: &'a [u8],
}

/// What sessions want done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a packet to the neighbour of a session.
    Send(SessionId, Vec<u8>),
    /// Tell.
    Notice(Notice),
}

/// Something that people and those who depend on a session are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: Moment,
    /// Name of the session.
    pub session: String,
    /// What happened.
    pub kind: NoticeKind,
}

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A state was entered.
    Entered {
        /// Which.
        state: State,
        /// What it was before.
        before: State,
        /// Our diagnostic.
        diagnostic: Diagnostic,
        /// The neighbour's.
        remote: Diagnostic,
    },
    /// A packet of the neighbour was not taken: the first of its kind since the last change of state.
    Rejected {
        /// Why.
        reason: Reject,
        /// Its TTL or hop limit, and the least that is taken.
        ttl: (u8, u8),
    },
    /// It was removed from the settings.
    Removed,
}

/// A session and what stands around it.
#[derive(Clone, Debug)]
struct Slot {
    session: Session,
    /// Index of its link; `None` = any, or it is not there.
    link: Option<u32>,
    /// The time under which it stands in the heap.
    queued: Option<Moment>,
    /// Reasons that were told already.
    told: Vec<Reject>,
}

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    slots: BTreeMap<SessionId, Slot>,
    order: Vec<SessionId>,
    by_discriminator: HashMap<u32, SessionId>,
    by_neighbour: HashMap<(IpAddr, bool), Vec<SessionId>>,
    timers: BinaryHeap<Reverse<(Moment, SessionId)>>,
    outputs: VecDeque<Output>,
    /// Packets for no session.
    rejected: Rejected,
    last: u32,
    /// Discriminators of sessions by name, from an earlier process or from before they were removed.
    remembered: BTreeMap<String, u32>,
    rng: Rng,
}

impl Sessions {
    /// Begins sessions. `remembered`: discriminators that they had before, by name. `seed` makes discriminators, sequence
    /// numbers and jitter.
    pub fn new(settings: &[Settings], remembered: BTreeMap<String, u32>, seed: u64, now: Moment) -> Self {
        let mut sessions = Self {
            slots: BTreeMap::new(),
            order: Vec::new(),
            by_discriminator: HashMap::new(),
            by_neighbour: HashMap::new(),
            timers: BinaryHeap::new(),
            outputs: VecDeque::new(),
            rejected: Rejected::default(),
            last: 0,
            remembered,
            rng: Rng::with_seed(seed),
        };
        sessions.reconfigure(settings, now);
        sessions
    }

    /// Goes on with other settings: sessions of the same name, neighbour and addresses go on, with poll sequences for what is
    /// new; others begin; those that are no more say so.
    pub fn reconfigure(&mut self, settings: &[Settings], now: Moment) {
        let goes_on = |slot: &Slot, new: &Settings| {
            let old = slot.session.settings();
            (&old.name, old.neighbour, old.source, &old.interface, old.multihop)
                == (&new.name, new.neighbour, new.source, &new.interface, new.multihop)
        };
        let mut kept: HashMap<&str, SessionId> = HashMap::new();
        let mut gone = Vec::new();
        let by_name: HashMap<&str, &Settings> = settings.iter().map(|each| (each.name.as_str(), each)).collect();
        for (id, slot) in &self.slots {
            match by_name.get(slot.session.settings().name.as_str()) {
                Some(new) if goes_on(slot, new) => {
                    kept.insert(new.name.as_str(), *id);
                }
                _ => gone.push(*id),
            }
        }
        gone.into_iter().for_each(|id| self.remove(id, now));
        self.order.clear();
        for new in settings {
            let id = match kept.get(new.name.as_str()) {
                Some(id) => {
                    self.with(*id, now, |session| session.reconfigure(new.clone(), now));
                    *id
                }
                None => self.add(new.clone(), now),
            };
            self.order.push(id);
        }
        let names: HashSet<&str> = by_name.keys().copied().collect();
        self.remembered.retain(|name, _| names.contains(name.as_str()));
    }

    fn add(&mut self, settings: Settings, now: Moment) -> SessionId {
        self.last += 1;
        let id = SessionId(self.last);
        let remembered = self.remembered.get(&settings.name).copied();
        let is_free = |number: &u32| *number != 0 && !self.by_discriminator.contains_key(number);
        let discriminator = remembered.filter(is_free).unwrap_or_else(|| {
            // There are four thousand million, and few are taken.
            let mut number = self.rng.u32(1..);
            while self.by_discriminator.contains_key(&number) {
                number = self.rng.u32(1..);
            }
            number
        });
        self.by_discriminator.insert(discriminator, id);
        self.by_neighbour.entry((settings.neighbour, settings.multihop)).or_default().push(id);
        self.remembered.insert(settings.name.clone(), discriminator);
        let session = Session::new(settings, discriminator, now, self.rng.fork());
        self.slots.insert(id, Slot { session, link: None, queued: None, told: Vec::new() });
        self.queue(id);
        id
    }

    fn remove(&mut self, id: SessionId, now: Moment) {
        self.with(id, now, |session| session.stop(now));
        let Some(slot) = self.slots.remove(&id) else { return };
        let settings = slot.session.settings();
        self.by_discriminator.remove(&slot.session.discriminator());
        let key = (settings.neighbour, settings.multihop);
        if let Some(ids) = self.by_neighbour.get_mut(&key) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_neighbour.remove(&key);
            }
        }
        let notice = Notice { at: now, session: settings.name.clone(), kind: NoticeKind::Removed };
        self.outputs.push_back(Output::Notice(notice));
    }

    /// Is told which link has the name that a session is bound to; `None` = none.
    pub fn set_link(&mut self, id: SessionId, link: Option<u32>) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.link = link;
        }
    }

    /// Returns all sessions, in the order of the settings, and the link of each, if it is bound to one that is there.
    pub fn all(&self) -> impl Iterator<Item = (SessionId, &Session, Option<u32>)> {
        self.order.iter().filter_map(|id| self.slots.get(id).map(|slot| (*id, &slot.session, slot.link)))
    }

    /// Returns a session and its link.
    pub fn get(&self, id: SessionId) -> Option<(&Session, Option<u32>)> {
        self.slots.get(&id).map(|slot| (&slot.session, slot.link))
    }

    /// Returns the discriminators that the next process should go on with, by name.
    pub fn discriminators(&self) -> &BTreeMap<String, u32> {
        &self.remembered
    }

    /// Takes in a packet.
    pub fn handle(&mut self, now: Moment, received: &Received<'_>) {
        let packet = match Packet::decode(received.bytes) {
            Ok(packet) => packet,
            Err(reason) => return self.reject(now, self.neighbour(received), received, reason),
        };
        let id = match self.find(received, &packet) {
            Ok(id) => id,
            Err((id, reason)) => return self.reject(now, id, received, reason),
        };
        let mut rejected = None;
        self.with(id, now, |session| {
            session.handle(now, &packet, Some(received.destination)).unwrap_or_else(|reason| {
                rejected = Some(reason);
                Effects::default()
            })
        });
        if let Some(reason) = rejected {
            self.tell_rejected(now, id, received, reason);
        }
    }

    /// Returns the session that a packet is for (RFC 5880 section 6.3), or why it is for none and whose neighbour it is from.
    fn find(&self, received: &Received<'_>, packet: &Packet<'_>) -> Result<SessionId, (Option<SessionId>, Reject)> {
        let id = match packet.control.yours {
            0 => self.neighbour(received).ok_or((None, Reject::Neighbour))?,
            number => {
                let id = self.by_discriminator.get(&number);
                *id.ok_or_else(|| (self.neighbour(received), Reject::Discriminator))?
            }
        };
        let Some(slot) = self.slots.get(&id) else { return Err((None, Reject::Discriminator)) };
        // Who guesses a discriminator is not a neighbour yet.
        if !slot.hears(received) {
            return Err((None, Reject::Neighbour));
        }
        if received.hops < slot.session.settings().least_ttl() {
            return Err((Some(id), Reject::Ttl));
        }
        Ok(id)
    }

    fn neighbour(&self, received: &Received<'_>) -> Option<SessionId> {
        let ids = self.by_neighbour.get(&(received.source, received.multihop))?;
        ids.iter().copied().find(|id| self.slots.get(id).is_some_and(|slot| slot.hears(received)))
    }

    fn reject(&mut self, now: Moment, id: Option<SessionId>, received: &Received<'_>, reason: Reject) {
        let Some((id, slot)) = id.and_then(|id| Some((id, self.slots.get_mut(&id)?))) else {
            return self.rejected.count(reason);
        };
        slot.session.reject(reason);
        self.tell_rejected(now, id, received, reason);
    }

    /// Tells of a rejected packet, if nobody was told of one like it.
    fn tell_rejected(&mut self, now: Moment, id: SessionId, received: &Received<'_>, reason: Reject) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        // A neighbour that was started anew goes on with the old discriminator for a moment.
        if slot.told.contains(&reason) || reason == Reject::Discriminator {
            return;
        }
        slot.told.push(reason);
        let settings = slot.session.settings();
        let kind = NoticeKind::Rejected { reason, ttl: (received.hops, settings.least_ttl()) };
        self.outputs.push_back(Output::Notice(Notice { at: now, session: settings.name.clone(), kind }));
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Moment) {
        while let Some(Reverse((due, id))) = self.timers.peek().copied() {
            if due > now {
                break;
            }
            self.timers.pop();
            let Some(slot) = self.slots.get_mut(&id).filter(|slot| slot.queued == Some(due)) else { continue };
            slot.queued = None;
            if slot.session.next_timeout().is_some_and(|due| due <= now) {
                self.with(id, now, |session| session.handle_timeout(now));
            } else {
                self.queue(id);
            }
        }
    }

    /// Returns when something may be due; nothing is due before.
    pub fn next_timeout(&self) -> Option<Moment> {
        self.timers.peek().map(|Reverse((due, _))| *due)
    }

    /// Ends all sessions; they say so.
    pub fn stop(&mut self, now: Moment) {
        for id in std::mem::take(&mut self.order) {
            self.with(id, now, |session| session.stop(now));
        }
    }

    /// Returns what is to be done next, until it returns `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Does something with a session, and lays out what follows.
    fn with(&mut self, id: SessionId, now: Moment, action: impl FnOnce(&mut Session) -> Effects) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let effects = action(&mut slot.session);
        self.outputs.extend(effects.send.into_iter().map(|bytes| Output::Send(id, bytes)));
        if let Some(entered) = effects.entered {
            slot.told.clear();
            let session = &slot.session;
            let kind = NoticeKind::Entered {
                state: entered.state,
                before: entered.before,
                diagnostic: session.diagnostic(),
                remote: session.remote().diagnostic,
            };
            let notice = Notice { at: now, session: session.settings().name.clone(), kind };
            self.outputs.push_back(Output::Notice(notice));
        }
        self.queue(id);
    }

    /// Sees that a session stands in the heap not later than its next timer.
    fn queue(&mut self, id: SessionId) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let Some(due) = slot.session.next_timeout() else { return };
        if slot.queued.is_none_or(|queued| due < queued) {
            slot.queued = Some(due);
            self.timers.push(Reverse((due, id)));
        }
    }

    /// Returns how all are doing.
    pub fn status(&self, now: Moment) -> Status {
        let sessions = self.all().map(|(_, session, _)| status(session, now)).collect();
        Status { sessions, rejected: self.rejected }
    }
}

impl Slot {
    /// Whether a packet's addresses and link are those of this session.
    fn hears(&self, received: &Received<'_>) -> bool {
        let settings = self.session.settings();
        received.source == settings.neighbour
            && received.multihop == settings.multihop
            && settings.source.is_none_or(|source| source == received.destination)
            && (settings.interface.is_none() || self.link.is_some() && received.link == self.link)
    }
}

/// Returns what settings ask for.
pub fn times(settings: &Settings) -> Times {
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Times { min_tx_us: us(settings.min_tx), min_rx_us: us(settings.min_rx), multiplier: settings.multiplier }
}

fn status(session: &Session, now: Moment) -> SessionStatus {
    let (settings, remote) = (session.settings(), session.remote());
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let is_known = remote.discriminator != 0;
    let measure = session.measure();
    SessionStatus {
        source: settings.source.or(remote.towards),
        since_ms: ms(now.since(session.since())),
        state: session.state(),
        changes: session.changes(),
        diagnostic: session.diagnostic(),
        why: session.diagnostic().in_words().to_owned(),
        discriminator: session.discriminator(),
        negotiated: is_known.then(|| Negotiated {
            transmit_us: us(session.transmit_interval()),
            detection_us: us(session.detection_time()),
        }),
        remote: is_known.then(|| RemoteStatus {
            state: remote.state,
            diagnostic: remote.diagnostic,
            why: remote.diagnostic.in_words().to_owned(),
            discriminator: remote.discriminator,
            times: Times {
                min_tx_us: remote.min_tx.into(),
                min_rx_us: remote.min_rx.into(),
                multiplier: remote.multiplier,
            },
            demand: remote.demand,
            heard_ms: session.heard().map_or(0, |heard| ms(now.since(heard))),
        }),
        measured: (!measure.longest.is_zero()).then(|| Measured {
            jitter_us: us(measure.jitter),
            longest_us: us(measure.longest),
            lost: measure.lost,
        }),
        counters: *session.counters(),
        ..idle(settings)
    }
}

/// Returns what there is to say of a session that does not run.
pub fn idle(settings: &Settings) -> SessionStatus {
    SessionStatus {
        name: settings.name.clone(),
        neighbour: settings.neighbour.to_string(),
        source: settings.source,
        interface: settings.interface.clone(),
        multihop: settings.multihop,
        passive: settings.passive,
        authentication: settings.authentication.as_ref().map(|each| each.method.name().to_owned()),
        wanted: times(settings),
        why: Diagnostic::NONE.in_words().to_owned(),
        ..SessionStatus::default()
    }
}
