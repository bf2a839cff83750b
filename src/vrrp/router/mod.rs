//! All virtual routers of a process: gives each its packets and timers, and lets sync groups act as one.
//!
//! No IO, no clock: the driver calls [`Router::handle`] with what happens and [`Router::handle_timeout`] at
//! [`Router::next_timeout`], and then carries out what [`Router::poll`] returns, in this order, until it returns `None`.
//!
//! ## Orders of the operator
//!
//! *Promote* makes an instance master at once, whatever the priorities, and its sync group with it. It then says that its
//! priority is 254 (its own, if that is higher), so that others give way; if a master of 254 with a higher address or the
//! owner (255) is heard all the same, it says 255. The order stands while the instance is master: until it is demoted, has a
//! fault, or hears another 255 with a higher address. *Demote* lets a master say that it gives up (priority 0) and become a
//! backup that takes every other master for its master, whatever its priority, and that counts with the skew of priority 1,
//! so that all others go first. If nobody speaks for its down interval, it becomes master again, and that ends the order;
//! so does a promotion. Both orders go to instances that are master or backup; to others nothing happens.
//!
//! ## Pauses
//!
//! A process that did not run (a suspended machine, a starved CPU) has not heard what was said meanwhile, so silence proves
//! nothing. The router asks to be called at least twice in the shortest advert interval of its instances, and looks at the
//! time since the last call:
//!
//! * More than one interval of the master: the backup has not listened meanwhile, so its down timer is put off by that time,
//!   less half an interval. More than two intervals: it also listens for at least one interval and skew from now on, because
//!   others may have elected a master. What is shorter is noise of scheduling and changes nothing: with adverts each 10 ms a
//!   call may come 5 ms late, and the failover is still within 3 intervals and skew of the last advert.
//! * A master that has sent nothing for n intervals and the least skew of a peer (1/256), n being how many adverts must be
//!   missed, may have been replaced. It becomes a backup without another word and listens for one interval and skew.
//!
//! The driver hands over waiting packets before it calls [`Router::handle_timeout`], so that what was said while the process
//! alone stood still is heard.

mod groups;
mod reconfigure;
#[cfg(test)]
pub(in crate::vrrp) mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    time::Duration,
};

use super::{
    event::{Cause, Event, InstanceId, Link, Output, Received, State},
    group::Group,
    instance::{Desk, Machine, Retreat},
    packet::peek,
    settings::{Instance, Settings, Transport},
    status::{Lateness, Status},
    tracking::Trackers,
};
use crate::model::Moment;

/// Where packets of an instance come in: index of the link (0 = any), whether it is IPv6, VRID.
type Place = (u32, bool, u8);

/// All virtual routers of a process.
pub struct Router {
    machines: BTreeMap<InstanceId, Entry>,
    /// In the order of the settings.
    order: Vec<InstanceId>,
    next_id: u32,
    groups: Vec<Group>,
    trackers: Trackers,
    places: HashMap<Place, Vec<InstanceId>>,
    /// The first timer of each instance that has one.
    queue: BTreeSet<(Moment, InstanceId)>,
    desk: Desk,
    /// What is added to a moment for the time since 1970.
    utc_offset: Duration,
    /// Until when no election starts.
    starting: Option<Moment>,
    /// The longest time between two calls.
    pulse: Duration,
    lateness: Lateness,
    stopped: bool,
}

/// An instance and its place in the router's indices.
struct Entry {
    machine: Machine,
    group: Option<usize>,
    queued: Option<Moment>,
    place: Option<Place>,
}

impl Router {
    /// Begins with these settings, which must have been checked. The instances called `resumed` were master until just now, in
    /// a process before this one: they become master as soon as their links are known, with an advert and without waiting, and
    /// with them their sync groups.
    pub fn new(settings: &Settings, now: Moment, resumed: &[String]) -> Self {
        let mut router = Self {
            machines: BTreeMap::new(),
            order: Vec::new(),
            next_id: 0,
            groups: Vec::new(),
            trackers: Trackers::default(),
            places: HashMap::new(),
            queue: BTreeSet::new(),
            desk: Desk { now, utc: now.since_start(), ..Desk::default() },
            utc_offset: Duration::ZERO,
            starting: (!settings.startup_delay.is_zero()).then(|| now + settings.startup_delay),
            pulse: Duration::MAX,
            lateness: Lateness::default(),
            stopped: false,
        };
        router.configure(settings);
        router.resume(resumed);
        router
    }

    /// Returns the instances, in the order of the settings. Changes after [`Self::reconfigure`].
    pub fn ids(&self) -> impl Iterator<Item = (InstanceId, &Instance)> {
        self.order.iter().filter_map(|id| Some((*id, self.instance(*id)?)))
    }

    /// Returns the settings of an instance; `None` if it was removed.
    pub fn instance(&self, id: InstanceId) -> Option<&Instance> {
        self.machines.get(&id).map(|entry| entry.machine.settings())
    }

    /// Returns the state of an instance; `None` if it was removed.
    pub fn state(&self, id: InstanceId) -> Option<State> {
        self.machines.get(&id).map(|entry| entry.machine.state())
    }

    /// Returns the link of an instance as it was when it last worked: where its adverts go and come from.
    pub fn link(&self, id: InstanceId) -> Option<Link> {
        self.machines.get(&id).and_then(|entry| entry.machine.link())
    }

    /// Returns the priority that an instance has in its adverts, 1 to 255; `None` if it was removed.
    pub fn effective_priority(&self, id: InstanceId) -> Option<u8> {
        self.machines.get(&id).map(|entry| entry.machine.priority())
    }

    /// Returns the last sequence number of an instance's authentication header, sent or heard; 0 without such a header. Peers
    /// take none that is not higher, so a process that resumes hands it to [`Self::resync`].
    pub fn sequence(&self, id: InstanceId) -> u32 {
        self.machines.get(&id).map_or(0, |entry| entry.machine.wire().sequence())
    }

    /// Lets the sequence numbers of an instance's authentication header go on after `sequence`.
    pub fn resync(&mut self, id: InstanceId, sequence: u32) {
        if let Some(entry) = self.machines.get_mut(&id) {
            entry.machine.wire_mut().resync(sequence);
        }
    }

    /// Sets what is added to a moment for the time since 1970, which adverts with an HMAC carry. To be called at the begin and
    /// when the host's clock is set.
    pub fn set_utc_offset(&mut self, offset: Duration) {
        self.utc_offset = offset;
        self.desk.utc = self.desk.now.since_start() + offset;
    }

    /// Takes what happened. Outputs and the next timeout may change.
    pub fn handle(&mut self, now: Moment, event: Event<'_>) {
        if self.stopped {
            return;
        }
        self.wake(now);
        match event {
            Event::Packet(received) => self.hear(&received),
            Event::Link(id, link) => {
                let Some(entry) = self.machines.get_mut(&id) else { return };
                entry.machine.set_link(link);
                self.find_place(id);
                self.settle(id);
            }
            Event::Tracker(tracker, observation) => {
                let users = self.trackers.observe(self.desk.now, tracker, observation);
                for id in &users {
                    self.judge(*id);
                }
                // After all of them are judged, so that a group falls for its own reason.
                self.settle_all(&users);
            }
            Event::Promote(id) => self.promote(id),
            Event::Demote(id) => self.demote(id),
            Event::Stop => self.stop(),
        }
    }

    /// Fires the timers that are due. Outputs and the next timeout may change; a call too early does no harm.
    pub fn handle_timeout(&mut self, now: Moment) {
        if self.stopped {
            return;
        }
        self.wake(now);
        let now = self.desk.now;
        if self.starting.take_if(|until| *until <= now).is_some() {
            self.settle_all(&self.order.clone());
        }
        while let Some(&(due, id)) = self.queue.first().filter(|(due, _)| *due <= now) {
            self.note_lateness(now.since(due));
            let Some(entry) = self.machines.get_mut(&id) else {
                self.queue.pop_first();
                continue;
            };
            let wish = entry.machine.fire(&mut self.desk);
            self.requeue(id);
            if let Some(wish) = wish {
                self.fulfil(id, wish);
            }
        }
    }

    /// Returns when [`Self::handle_timeout`] is to be called. Changes with every call of the others.
    pub fn next_timeout(&self) -> Option<Moment> {
        let timer = self.queue.first().map(|(due, _)| (*due).min(self.desk.now + self.pulse));
        timer.into_iter().chain(self.starting).min()
    }

    /// Returns what is to be done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.desk.outputs.pop_front()
    }

    /// Returns how everything is doing.
    pub fn status(&self, now: Moment) -> Status {
        let name = |id: InstanceId| self.instance(id).map(|settings| settings.name.clone());
        let instances = self.order.iter().filter_map(|id| {
            let entry = self.machines.get(id)?;
            let group = entry.group.and_then(|group| self.groups.get(group));
            let mut status = entry.machine.status(now, group.map(|group| group.name.as_str()));
            if status.state == State::Init && self.starting.is_some() {
                status.waits_for.push("the startup delay".to_owned());
            }
            if matches!(status.state, State::Init | State::Fault) && status.waits_for.is_empty() {
                status.waits_for.extend(group.map(|group| format!("sync group {}", group.name)));
            }
            Some(status)
        });
        Status {
            instances: instances.collect(),
            groups: self.groups.iter().map(|group| group.status(now, name)).collect(),
            trackers: self.trackers.status(now),
            lateness: self.lateness,
        }
    }

    /// Takes the time, and notices that the process did not run.
    fn wake(&mut self, now: Moment) {
        let gap = now.since(self.desk.now);
        self.desk.now = self.desk.now.max(now);
        self.desk.utc = self.desk.now.since_start() + self.utc_offset;
        // What the instance of the shortest interval does not mind, nobody does.
        if gap <= self.pulse.saturating_mul(2) {
            return;
        }
        let now = self.desk.now;
        let ids = self.order.clone();
        // Backups first: who becomes one now begins to listen now.
        for id in &ids {
            if let Some(entry) = self.machines.get_mut(id) {
                entry.machine.pause_of_backup(now, gap);
                self.requeue(*id);
            }
        }
        for id in ids {
            let late = self.machines.get(&id).and_then(|entry| entry.machine.pause_of_master(now));
            if let Some(late) = late {
                self.fall(id, &Cause::Paused { late }, Retreat::Paused);
            }
        }
    }

    fn hear(&mut self, received: &Received<'_>) {
        let Some(id) = self.addressee(received) else { return };
        let Some(entry) = self.machines.get_mut(&id) else { return };
        let wish = entry.machine.hear(&mut self.desk, received);
        self.requeue(id);
        if let Some(wish) = wish {
            self.fulfil(id, wish);
        }
    }

    /// Returns whom a packet is for. Where several instances share link and VRID, the destination decides; a packet to none
    /// of them goes to the first, whose counters tell.
    fn addressee(&self, received: &Received<'_>) -> Option<InstanceId> {
        let vrid = peek(received)?;
        let v6 = received.source.is_ipv6();
        let on = |link| self.places.get(&(link, v6, vrid));
        let ids = on(received.link).or_else(|| on(0))?;
        match ids[..] {
            [id] => Some(id),
            _ => ids.iter().find(|id| self.is_addressed(**id, received.destination)).or_else(|| ids.first()).copied(),
        }
    }

    fn is_addressed(&self, id: InstanceId, destination: IpAddr) -> bool {
        let Some(Entry { machine, .. }) = self.machines.get(&id) else { return false };
        match &machine.settings().transport {
            Transport::Multicast { group, .. } => *group == destination,
            Transport::Unicast { .. } => machine.link().is_some_and(|link| link.source == destination),
        }
    }

    /// Notes where the packets of an instance come in.
    fn find_place(&mut self, id: InstanceId) {
        let Some(entry) = self.machines.get_mut(&id) else { return };
        let settings = entry.machine.settings();
        let index = |link: Link| if settings.interface.is_some() { link.index } else { 0 };
        let new = entry.machine.link().map(|link| (index(link), link.source.is_ipv6(), settings.vrid.get()));
        let old = std::mem::replace(&mut entry.place, new);
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.leave_place(old, id);
        }
        if let Some(new) = new {
            self.places.entry(new).or_default().push(id);
        }
    }

    fn leave_place(&mut self, place: Place, id: InstanceId) {
        if let Some(ids) = self.places.get_mut(&place) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.places.remove(&place);
            }
        }
    }

    /// Puts the first timer of an instance into the queue.
    fn requeue(&mut self, id: InstanceId) {
        let Some(entry) = self.machines.get_mut(&id) else { return };
        self.pulse = self.pulse.min(entry.machine.pulse());
        let due = entry.machine.due();
        let old = std::mem::replace(&mut entry.queued, due);
        if old == due {
            return;
        }
        if let Some(old) = old {
            self.queue.remove(&(old, id));
        }
        if let Some(due) = due {
            self.queue.insert((due, id));
        }
    }

    /// Looks anew at what the trackers of an instance come to.
    fn judge(&mut self, id: InstanceId) {
        let Some(entry) = self.machines.get_mut(&id) else { return };
        let judgement = self.trackers.judge(entry.machine.tracks());
        entry.machine.set_judgement(&mut self.desk, judgement);
        self.requeue(id);
    }

    fn note_lateness(&mut self, late: Duration) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let lateness = &mut self.lateness;
        lateness.timers += 1;
        lateness.worst_us = lateness.worst_us.max(micros);
        lateness.total_us = lateness.total_us.saturating_add(micros);
        for (count, limit) in lateness.over.iter_mut().zip([1_000, 10_000, 100_000, 1_000_000]) {
            *count += u64::from(micros > limit);
        }
    }

    /// Ends: masters say so, all of them before the first takes anything off the host.
    fn stop(&mut self) {
        self.stopped = true;
        self.starting = None;
        self.queue.clear();
        for id in &self.order {
            if let Some(entry) = self.machines.get_mut(id) {
                entry.machine.say_farewell(&mut self.desk);
            }
        }
        for id in &self.order {
            if let Some(entry) = self.machines.get_mut(id) {
                entry.machine.stop(&mut self.desk);
            }
        }
        for group in 0..self.groups.len() {
            self.finish(group, &Cause::Stopped);
        }
    }
}
