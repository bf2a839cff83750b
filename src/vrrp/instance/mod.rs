//! One virtual router: its states, its election timers, what it says and what it believes of what it hears (RFC 9568
//! section 6, with keepalived's habits). It knows nothing of other instances: what concerns its sync group too, it asks of
//! the router by a [`Wish`].

mod backup;
mod master;
mod record;

use std::{collections::VecDeque, net::IpAddr, time::Duration};

pub(super) use self::record::millis;
use self::{backup::Backup, master::Master, record::Record};
use super::{
    event::{Cause, InstanceId, Link, LinkFault, Notice, NoticeKind, Output, Received, State, Subject, Which},
    packet::{Own, Wire},
    settings::{Initial, Instance, Track, Transport, Version},
    tracking::Judgement,
};
use crate::model::Moment;

/// What an instance that was promoted says its priority is, as long as that is enough.
const PROMOTED: u8 = 254;

/// What the owner of the addresses says its priority is while it gives way to another owner.
const REDUCED: u8 = 254;

/// The time, and the place where instances lay what they want done.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// Now.
    pub(super) now: Moment,
    /// Now as time since 1970.
    pub(super) utc: Duration,
    /// What is to be done, in order.
    pub(super) outputs: VecDeque<Output>,
}

/// What an instance asks of its router, because its sync group has a say in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nobody is master any more who should be: it wants to be.
    Rise(Cause),
    /// A master must become a backup; no priority 0, because somebody else is master already.
    Yield(Cause),
    /// A backup takes somebody else for the master.
    Obeyed,
    /// A master of lower priority was heard: the other members announce their addresses, too.
    AnnounceLower,
}

/// How a master becomes a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retreat {
    /// With an advert of priority 0.
    Farewell,
    /// Without a word, because somebody else is master.
    Outranked,
    /// Without a word, because somebody else may be; that is soon known.
    Paused,
}

/// What the operator ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// To be master, with this priority or the own one if that is higher.
    Promoted(u8),
    /// To leave mastership to anybody who wants it.
    Demoted,
}

/// What keeps an instance from taking part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A fault.
    Fault(Cause),
    /// Something that is not known yet.
    Wait,
}

/// A state and what belongs to it alone.
#[derive(Debug)]
enum Role {
    Init,
    Backup(Backup),
    Master(Master),
    Fault,
    Stopped,
}

/// Somebody who is taken for the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sender {
    address: IpAddr,
    priority: u8,
}

/// One virtual router.
pub(super) struct Machine {
    id: InstanceId,
    settings: Instance,
    wire: Wire,
    /// Own tracks and those of the group.
    tracks: Vec<Track>,
    /// The link as it was when it last worked; `None` = it never did.
    link: Option<Link>,
    link_fault: Option<LinkFault>,
    judgement: Judgement,
    order: Option<Order>,
    /// An owner that gives way to another one.
    reduced: bool,
    /// Was master in the process before this one, and has not begun yet.
    resumed: bool,
    role: Role,
    /// The master's advert interval: version 3 learns it from the adverts (RFC 9568 section 6.4.2).
    master_interval: Duration,
    /// Who was taken for the master last.
    master: Option<Sender>,
    record: Record,
}

impl Machine {
    /// Returns an instance that has not begun.
    pub(super) fn new(id: InstanceId, settings: Instance, tracks: Vec<Track>, now: Moment) -> Self {
        Self {
            id,
            wire: Wire::new(&settings),
            tracks,
            link: None,
            link_fault: None,
            judgement: Judgement::default(),
            order: None,
            reduced: false,
            resumed: false,
            role: Role::Init,
            master_interval: settings.interval,
            master: None,
            record: Record::new(now),
            settings,
        }
    }

    pub(super) fn settings(&self) -> &Instance {
        &self.settings
    }

    pub(super) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    pub(super) fn link(&self) -> Option<Link> {
        self.link
    }

    pub(super) fn wire_mut(&mut self) -> &mut Wire {
        &mut self.wire
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    pub(super) fn state(&self) -> State {
        match self.role {
            Role::Init => State::Init,
            Role::Backup(_) => State::Backup,
            Role::Master(_) => State::Master,
            Role::Fault => State::Fault,
            Role::Stopped => State::Stopped,
        }
    }

    pub(super) fn is_master(&self) -> bool {
        matches!(self.role, Role::Master(_))
    }

    /// Whether it takes part in elections.
    pub(super) fn runs(&self) -> bool {
        matches!(self.role, Role::Backup(_) | Role::Master(_))
    }

    /// Whether nothing but its sync group keeps it from being master.
    pub(super) fn wants_master(&self) -> bool {
        match &self.role {
            Role::Master(_) => true,
            Role::Backup(backup) => backup.down.is_none(),
            Role::Init | Role::Fault | Role::Stopped => false,
        }
    }

    /// Whether it may be master at once when it begins, and why: an owner by RFC 9568 section 6.4.1, or one that was master
    /// until just now.
    pub(super) fn begins_as_master(&self) -> Option<Cause> {
        match self.role {
            Role::Init if self.resumed => Some(Cause::Resumed),
            Role::Init if self.settings.priority.is_owner() => Some(Cause::Started),
            _ => None,
        }
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Tells that it was master until just now.
    pub(super) fn resume(&mut self) {
        self.resumed = true;
    }

    /// Returns the priority in adverts: orders go before trackers. Trackers do not bear on an owner.
    pub(super) fn priority(&self) -> u8 {
        let base = self.settings.priority;
        let own = match (base.is_owner(), self.reduced) {
            (true, true) => REDUCED,
            (true, false) => base.get(),
            (false, _) => (i32::from(base.get()) + self.judgement.weight).clamp(1, 254) as u8,
        };
        match self.order {
            Some(Order::Promoted(priority)) => own.max(priority),
            _ => own,
        }
    }

    /// Returns the skew time (RFC 3768 section 6.1 in whole seconds' parts, RFC 9568 section 6.1 in the master's intervals).
    /// Who was demoted has that of priority 1, so that everybody else goes first.
    fn skew(&self) -> Duration {
        let priority = match self.order {
            Some(Order::Demoted) => 1,
            _ if self.settings.priority.is_owner() => 255,
            _ => self.priority(),
        };
        self.skew_unit() * (256 - u32::from(priority)) / 256
    }

    fn skew_unit(&self) -> Duration {
        match self.settings.version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => self.master_interval,
        }
    }

    /// Returns how long the master may be silent.
    fn down_interval(&self) -> Duration {
        self.master_interval * u32::from(self.settings.down_timer_adverts) + self.skew()
    }

    /// Returns how long somebody listens who did not run for a while.
    fn brief_interval(&self) -> Duration {
        self.master_interval + self.skew()
    }

    /// Returns the longest time between two calls with which pauses are noticed (see the router's head).
    pub(super) fn pulse(&self) -> Duration {
        self.master_interval.min(self.settings.interval) / 2
    }

    /// Returns when [`Self::fire`] is due.
    pub(super) fn due(&self) -> Option<Moment> {
        match &self.role {
            Role::Backup(backup) => backup.down,
            Role::Master(master) => Some(master.due()),
            Role::Init | Role::Fault | Role::Stopped => None,
        }
    }

    /// Lets the timers that are due do their work.
    pub(super) fn fire(&mut self, desk: &mut Desk) -> Option<Wish> {
        match &self.role {
            Role::Backup(_) => self.fire_as_backup(desk),
            Role::Master(_) => {
                self.fire_as_master(desk);
                None
            }
            Role::Init | Role::Fault | Role::Stopped => None,
        }
    }

    /// Takes a packet that is for this instance.
    pub(super) fn hear(&mut self, desk: &mut Desk, received: &Received<'_>) -> Option<Wish> {
        if !self.runs() {
            return None;
        }
        let source = received.source;
        let own = Own { is_owner: self.settings.priority.is_owner(), master: self.master.map(|master| master.address) };
        let heard = match self.wire.decode(received, desk.utc, own) {
            Ok(heard) => heard,
            Err(reject) => {
                reject.count(&mut self.record.counters.rejected);
                if self.record.is_new_reject(&reject) {
                    self.tell(desk, NoticeKind::Rejected { source, reason: reject.to_string() });
                }
                return None;
            }
        };
        self.record.counters.received += 1;
        self.record.heard(desk.now, source, &heard);
        if heard.priority == 0 {
            self.record.counters.zero_received += 1;
        }
        let wish = match self.role {
            Role::Backup(_) => self.hear_as_backup(desk, source, &heard),
            Role::Master(_) => self.hear_as_master(desk, source, &heard),
            Role::Init | Role::Fault | Role::Stopped => None,
        };
        // Afterwards, because with another master it may be told again.
        if heard.addresses_differ {
            self.record.counters.addresses_differ += 1;
            if self.record.is_new_difference() {
                self.tell(desk, NoticeKind::AddressesDiffer { source });
            }
        }
        wish
    }

    /// Takes the master's word for who it is and how often it speaks.
    fn follow(&mut self, master: Sender, interval: Duration) {
        if self.master.is_none_or(|known| known.address != master.address) {
            self.record.forget_reports();
        }
        self.master = Some(master);
        if self.settings.version == Version::V3 {
            self.master_interval = interval;
        }
    }

    /// Takes what is known of the link. A link that fails is remembered as it was, for those whom its faults do not
    /// concern.
    pub(super) fn set_link(&mut self, link: Result<Link, LinkFault>) {
        self.link_fault = link.err();
        if let Ok(link) = link {
            self.link = Some(link);
        }
    }

    /// Takes what the trackers come to. The priority may change, and with it the timer of a backup.
    pub(super) fn set_judgement(&mut self, desk: &mut Desk, judgement: Judgement) {
        self.change(desk, |machine| machine.judgement = judgement);
    }

    /// Returns what keeps it from taking part, looking at nothing but itself.
    pub(super) fn obstacle(&self) -> Option<Obstacle> {
        if let Some(fault) = self.link_fault {
            let ignored = fault == LinkFault::Down && !self.settings.track_primary && self.link.is_some();
            if !ignored {
                return Some(Obstacle::Fault(Cause::Link { fault }));
            }
        }
        if let Some(tracker) = self.judgement.faults.first() {
            return Some(Obstacle::Fault(Cause::Tracker { tracker: tracker.clone() }));
        }
        // Who was master goes on at once: that a script has not run yet is no news of it.
        let waits = self.link.is_none() || !(self.judgement.waits.is_empty() || self.resumed);
        waits.then_some(Obstacle::Wait)
    }

    /// Begins to take part, or takes part again after faults.
    pub(super) fn begin(&mut self, desk: &mut Desk) {
        let recovers = matches!(self.role, Role::Fault);
        self.resumed = false;
        self.master_interval = self.settings.interval;
        let wait = if recovers && !self.settings.priority.is_owner() {
            self.down_interval()
        } else if recovers || self.settings.initial == Initial::Master {
            // keepalived's short first wait, with the least skew.
            self.master_interval + self.skew_unit() / 256
        } else {
            self.down_interval()
        };
        self.role = Role::Backup(Backup::new(desk.now, wait));
        self.enter(desk, if recovers { Cause::Recovered } else { Cause::Started });
        if recovers && matches!(self.settings.transport, Transport::Unicast { .. }) {
            self.announce(desk, 1, Which::Source);
        }
    }

    /// Becomes master: the first advert goes out before anything else, so that others stay quiet whatever the rest takes.
    /// [`Self::take`] does the rest.
    pub(super) fn rise(&mut self, desk: &mut Desk) {
        self.resumed = false;
        self.reduced = false;
        if self.order == Some(Order::Demoted) {
            self.order = None;
        }
        self.master_interval = self.settings.interval;
        self.role = Role::Master(Master::new(desk.now, &self.settings.announce));
        self.wire.became_master();
        self.record.counters.became_master += 1;
        self.send(desk);
    }

    /// Puts the addresses on the host and announces them; belongs to [`Self::rise`].
    pub(super) fn take(&mut self, desk: &mut Desk, cause: Cause) {
        desk.outputs.push_back(Output::Take(self.id));
        self.announce(desk, self.settings.announce.repeat, Which::All);
        self.enter(desk, cause);
    }

    /// Lets a master become a backup.
    pub(super) fn fall(&mut self, desk: &mut Desk, cause: Cause, retreat: Retreat) {
        self.leave(desk, retreat == Retreat::Farewell);
        let wait = match retreat {
            Retreat::Farewell | Retreat::Outranked => self.down_interval(),
            Retreat::Paused => {
                self.record.counters.paused += 1;
                self.brief_interval()
            }
        };
        self.role = Role::Backup(Backup::new(desk.now, wait));
        self.enter(desk, cause);
    }

    /// Stops taking part because of a fault.
    pub(super) fn fail(&mut self, desk: &mut Desk, cause: Cause) {
        // Where the own link is at fault, nothing can be sent.
        let farewell = self.link_fault.is_none();
        self.leave(desk, farewell);
        self.resumed = false;
        self.role = Role::Fault;
        self.enter(desk, cause);
    }

    /// The first half of the end: a master says that it gives up.
    pub(super) fn say_farewell(&mut self, desk: &mut Desk) {
        if self.is_master() {
            self.send_zero(desk);
        }
    }

    /// The other half of the end.
    pub(super) fn stop(&mut self, desk: &mut Desk) {
        self.leave(desk, false);
        self.role = Role::Stopped;
        self.enter(desk, Cause::Stopped);
    }

    /// Ends, because it is in the settings no more.
    pub(super) fn delete(&mut self, desk: &mut Desk) {
        self.leave(desk, true);
        self.role = Role::Stopped;
        self.tell(desk, NoticeKind::Deleted);
    }

    /// Gives up what a master has.
    fn leave(&mut self, desk: &mut Desk, farewell: bool) {
        if !self.is_master() {
            return;
        }
        if farewell {
            self.send_zero(desk);
        }
        desk.outputs.push_back(Output::Give(self.id));
        self.record.counters.released_master += 1;
        if matches!(self.order, Some(Order::Promoted(_))) {
            self.order = None;
        }
    }

    /// Remembers the state that was entered, and tells.
    fn enter(&mut self, desk: &mut Desk, cause: Cause) {
        let state = self.state();
        self.record.entered(desk.now, state, cause.clone());
        self.tell(desk, NoticeKind::Entered { state, cause });
    }

    /// Takes other settings. A master stays master, and counters are kept.
    pub(super) fn reconfigure(&mut self, desk: &mut Desk, settings: Instance, tracks: Vec<Track>) {
        self.tracks = tracks;
        if settings == self.settings {
            return;
        }
        self.wire.reconfigure(&settings);
        let timing = |of: &Instance| (of.version, of.interval, of.down_timer_adverts);
        let other_timing = timing(&settings) != timing(&self.settings);
        let other_interval = (settings.version, settings.interval) != (self.settings.version, self.settings.interval);
        let announce = settings.announce;
        self.change(desk, |machine| machine.settings = settings);
        if other_interval {
            self.master_interval = self.settings.interval;
        }
        match &mut self.role {
            Role::Master(master) => master.reconfigure(desk.now, self.settings.interval, &announce),
            Role::Backup(_) if other_timing => self.listen(desk.now),
            Role::Backup(_) | Role::Init | Role::Fault | Role::Stopped => {}
        }
    }

    /// The operator wants it to be master. The router lets it rise if it is not master yet.
    pub(super) fn promote(&mut self, desk: &mut Desk) {
        self.change(desk, |machine| {
            machine.order = Some(Order::Promoted(PROMOTED));
            machine.reduced = false;
        });
        if self.is_master() {
            self.send(desk);
        }
    }

    /// The operator wants it to give up mastership.
    pub(super) fn demote(&mut self, desk: &mut Desk) {
        self.change(desk, |machine| machine.order = Some(Order::Demoted));
        if self.is_master() {
            self.fall(desk, Cause::Operator, Retreat::Farewell);
        } else {
            self.listen(desk.now);
        }
    }

    /// Does something that may change the priority: the timer of a backup is adjusted by the difference of the skews, and
    /// those who want to know are told.
    fn change(&mut self, desk: &mut Desk, change: impl FnOnce(&mut Self)) {
        let (priority, skew) = (self.priority(), self.skew());
        change(self);
        let new_skew = self.skew();
        if let Role::Backup(Backup { down: Some(down), .. }) = &mut self.role {
            *down = *down - skew + new_skew;
        }
        // In a fault and before the begin, too, as keepalived does: whoever compares priorities wants all of them.
        if !matches!(self.role, Role::Stopped) && self.priority() != priority {
            self.tell(desk, NoticeKind::Priority { before: priority });
        }
    }

    /// Tells people, scripts and FIFOs.
    fn tell(&self, desk: &mut Desk, kind: NoticeKind) {
        let subject = Subject::Instance(self.settings.name.clone());
        desk.outputs.push_back(Output::Notice(Notice { at: desk.now, subject, kind, priority: self.priority() }));
    }

    fn announce(&self, desk: &mut Desk, repeat: u32, which: Which) {
        if repeat > 0 {
            desk.outputs.push_back(Output::Announce { instance: self.id, repeat, which });
        }
    }
}
