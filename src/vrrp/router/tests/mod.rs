//! Rules of the state machine, one by one, in virtual time. What the router does is written down as lines, with the time in
//! milliseconds: `3609 V1 is Master: nobody spoke for 3609`.

mod elections;
mod groups;
mod orders;
mod pauses;
mod properties;
mod reconfigure;
mod tracking;

use std::{net::IpAddr, time::Duration};

use super::*;
use crate::{
    host::Address,
    model::Family,
    vrrp::{
        event::{LinkFault, NoticeKind, Observation, Subject, Which},
        packet::Wire,
        settings::*,
    },
};

pub(in crate::vrrp) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(in crate::vrrp) fn address(n: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, n])
}

/// An instance of version 3 with adverts each second and one address, which announces it once only.
pub(in crate::vrrp) fn instance(name: &str, vrid: u8, priority: u8) -> Instance {
    let announce = Announce { delay: Duration::ZERO, ..Announce::default() };
    Instance {
        interface: Some("eth0".into()),
        priority: Priority::new(priority).expect("a priority"),
        addresses: vec![Address::new(IpAddr::from([10, 0, 1, vrid]))],
        announce,
        ..Instance::new(name, Vrid::new(vrid).expect("a VRID"), Version::V3, Family::V4)
    }
}

pub(in crate::vrrp) fn group(name: &str, members: &[&str]) -> SyncGroup {
    let members = members.iter().map(|member| (*member).to_owned()).collect();
    SyncGroup { name: name.into(), members, tracks: Vec::new(), weights: false, notify: Notify::default() }
}

/// A router whose host is 10.0.0.5 and whose links are as the test says.
struct Bench {
    router: Router,
    now: Moment,
    log: Vec<String>,
}

const OWN: u8 = 5;

impl Bench {
    /// Begins with these settings; no link is known.
    fn unlinked(settings: &Settings, resumed: &[&str]) -> Self {
        let resumed: Vec<String> = resumed.iter().map(|name| (*name).to_owned()).collect();
        let router = Router::new(settings, Moment::ZERO, &resumed);
        Self { router, now: Moment::ZERO, log: Vec::new() }
    }

    /// Begins with these settings; all links work. Instance n is on link n.
    fn with(settings: &Settings) -> Self {
        Self::resumed(settings, &[])
    }

    fn resumed(settings: &Settings, resumed: &[&str]) -> Self {
        let mut bench = Self::unlinked(settings, resumed);
        bench.link_all();
        bench
    }

    fn of(instances: impl IntoIterator<Item = Instance>) -> Self {
        Self::with(&Settings { instances: instances.into_iter().collect(), ..Settings::default() })
    }

    fn link_all(&mut self) {
        let ids: Vec<InstanceId> = self.router.ids().map(|(id, _)| id).collect();
        for id in ids {
            self.event(Event::Link(id, Ok(Link { index: id.0 + 1, source: address(OWN) })));
        }
    }

    fn id(&self, name: &str) -> InstanceId {
        self.router.ids().find(|(_, i)| i.name == name).map(|(id, _)| id).expect("an instance of this name")
    }

    fn name(&self, id: InstanceId) -> String {
        self.router.instance(id).map_or_else(|| format!("#{}", id.0), |instance| instance.name.clone())
    }

    fn event(&mut self, event: Event<'_>) {
        self.router.handle(self.now, event);
        self.collect();
    }

    fn tracker(&mut self, tracker: &Tracker, observation: Observation) {
        self.event(Event::Tracker(tracker, observation));
    }

    fn fault(&mut self, name: &str, fault: LinkFault) {
        self.event(Event::Link(self.id(name), Err(fault)));
    }

    fn link(&mut self, name: &str) {
        let id = self.id(name);
        self.event(Event::Link(id, Ok(Link { index: id.0 + 1, source: address(OWN) })));
    }

    fn reconfigure(&mut self, settings: &Settings) {
        self.router.reconfigure(self.now, settings);
        self.collect();
    }

    /// Lets time go on until `ms`; timers fire when they are due.
    fn until(&mut self, until: u64) -> &mut Self {
        let until = Moment::from_start(ms(until));
        while let Some(next) = self.router.next_timeout().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.router.handle_timeout(self.now);
            self.collect();
        }
        self.now = until;
        self
    }

    /// Lets the host sleep until `ms`, and then run again.
    fn sleep_until(&mut self, until: u64) {
        self.now = Moment::from_start(ms(until));
        self.router.handle_timeout(self.now);
        self.collect();
    }

    /// Lets instance `name` hear an advert of 10.0.0.`from`.
    fn advert(&mut self, name: &str, from: u8, priority: u8) {
        self.advert_every(name, from, priority, None);
    }

    /// The same with an advert interval other than ours.
    fn advert_every(&mut self, name: &str, from: u8, priority: u8, interval: Option<Duration>) {
        let id = self.id(name);
        let mut peer = self.router.instance(id).expect("an instance").clone();
        peer.interval = interval.unwrap_or(peer.interval);
        self.advert_as(id, &peer, from, priority);
    }

    fn advert_as(&mut self, id: InstanceId, peer: &Instance, from: u8, priority: u8) {
        let to = match &peer.transport {
            Transport::Multicast { group, .. } => *group,
            Transport::Unicast { .. } => address(OWN),
        };
        let mut wire = Wire::new(peer);
        wire.begin(Duration::ZERO);
        let bytes = wire.encode(priority, address(from), to);
        let received =
            Received { link: id.0 + 1, source: address(from), destination: to, hops: Some(255), bytes: &bytes };
        self.event(Event::Packet(received));
    }

    fn collect(&mut self) {
        while let Some(output) = self.router.poll() {
            let at = self.now.since_start().as_millis();
            let line = self.words(&output);
            self.log.push(format!("{at} {line}"));
        }
    }

    fn words(&self, output: &Output) -> String {
        match output {
            Output::Send { instance, bytes, .. } => format!("{} says {}", self.name(*instance), bytes[22]),
            Output::Take(id) => format!("{} takes", self.name(*id)),
            Output::Give(id) => format!("{} gives", self.name(*id)),
            Output::Announce { instance, repeat, which: Which::All } => {
                format!("{} announces {repeat}", self.name(*instance))
            }
            Output::Announce { instance, repeat, which } => {
                format!("{} announces {which:?} {repeat}", self.name(*instance))
            }
            Output::Notice(notice) => {
                let (Subject::Instance(name) | Subject::Group(name)) = &notice.subject;
                let what = match &notice.kind {
                    NoticeKind::Entered { state, cause } => format!("is {state:?}: {}", cause_words(cause)),
                    NoticeKind::Deleted => "is deleted".to_owned(),
                    NoticeKind::LowerPriority { source, priority } => format!("hears lower {priority} of {source}"),
                    NoticeKind::Priority { before } => format!("has priority {} after {before}", notice.priority),
                    NoticeKind::AddressesDiffer { source } => format!("hears other addresses of {source}"),
                    NoticeKind::Rejected { source, reason } => format!("rejects {source}: {reason}"),
                };
                format!("{name} {what}")
            }
        }
    }

    /// Checks what was done since this was called last.
    #[track_caller]
    fn expect(&mut self, lines: &[&str]) {
        let log = std::mem::take(&mut self.log);
        assert_eq!(log, lines, "\ndid:\n{}", log.join("\n"));
    }

    /// The same without adverts, announcements and addresses: what happened to states.
    #[track_caller]
    fn expect_notices(&mut self, lines: &[&str]) {
        let mut log = std::mem::take(&mut self.log);
        log.retain(|line| ![" says ", " takes", " gives", " announces "].iter().any(|word| line.contains(word)));
        assert_eq!(log, lines, "\ntold:\n{}", log.join("\n"));
    }

    fn forget(&mut self) {
        self.log.clear();
    }

    fn state(&self, name: &str) -> State {
        self.router.state(self.id(name)).expect("a state")
    }

    /// Lets instance `name` become master because nobody speaks.
    #[track_caller]
    fn make_master(&mut self, name: &str) {
        let until = self.now.since_start().as_millis() as u64 + 4000;
        self.until(until);
        assert_eq!(self.state(name), State::Master);
        self.forget();
    }
}

fn cause_words(cause: &Cause) -> String {
    match cause {
        Cause::Started => "started".into(),
        Cause::Resumed => "resumed".into(),
        Cause::MasterSilent { master: None, silence } => format!("nobody spoke for {}", silence.as_millis()),
        Cause::MasterSilent { master: Some(master), silence } => format!("{master} silent for {}", silence.as_millis()),
        Cause::MasterGaveUp { master } => format!("{master} gave up"),
        Cause::Preempted { master, priority } => format!("preempts {master} of {priority}"),
        Cause::Outranked { master, priority } => format!("outranked by {master} of {priority}"),
        Cause::Paused { late } => format!("late by {}", late.as_millis()),
        Cause::Link { fault } => format!("link {fault:?}"),
        Cause::Tracker { tracker } => format!("{tracker} fails"),
        Cause::Group { member } => format!("with {member}"),
        Cause::Recovered => "recovered".into(),
        Cause::Operator => "operator".into(),
        Cause::Reconfigured => "reconfigured".into(),
        Cause::Stopped => "stopped".into(),
    }
}
