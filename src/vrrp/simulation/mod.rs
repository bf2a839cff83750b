//! Several hosts in virtual time, on links that lose, delay, repeat and cut. Each has a router with the real packets, a clock
//! of its own that runs a little fast or slow, and may sleep, crash and come back. Everything goes by a seed.

mod chaos;
mod exact;
mod groups;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    net::IpAddr,
    time::Duration,
};

use super::{
    event::{Event, InstanceId, Link, LinkFault, NoticeKind, Observation, Output, Received, State, Subject},
    router::Router,
    settings::{Settings, Tracker, Transport},
};
use crate::model::Moment;

/// Virtual nanoseconds since the begin of the world.
type Time = u64;

const MS: Time = 1_000_000;

/// The time of day at the begin of the world.
const EPOCH: Time = 1_800_000_000_000_000_000;

fn nanos(duration: Duration) -> Time {
    duration.as_nanos() as Time
}

/// The script that nodes may track.
fn script() -> Tracker {
    Tracker::Script("chk".into())
}

/// One host.
struct Node {
    settings: Settings,
    /// `None` = crashed.
    router: Option<Router>,
    /// How much faster its clock runs, in millionths.
    drift: i64,
    /// What its clock said at the begin.
    base: Time,
    /// Until when it does not run, and whether what comes in meanwhile is lost (a suspended machine) or waits (a process that
    /// does not get the CPU).
    asleep: Option<(Time, bool)>,
    waiting: Vec<Flight>,
    /// Links that are down at this host.
    down: Vec<usize>,
    script: Observation,
    /// When it last took the addresses of a VRID, sent an advert for it.
    took: HashMap<u8, Time>,
    sent: HashMap<u8, Time>,
}

/// A packet on its way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    arrives: Time,
    number: u64,
    to: usize,
    link: usize,
    source: IpAddr,
    destination: IpAddr,
    bytes: Vec<u8>,
}

/// What happens to the world at a time.
#[derive(Clone, Debug)]
enum Action {
    /// Nodes of the set and the others do not hear each other on a link.
    Partition(usize, Vec<usize>),
    /// A node does not hear another one on a link.
    Deafen {
        link: usize,
        from: usize,
        to: usize,
    },
    /// Everybody hears everybody.
    Heal,
    /// A node does not run for so long; whether its packets are lost.
    Sleep(usize, Time, bool),
    Crash(usize),
    /// A crashed node starts again; whether as what it was.
    Return(usize, bool),
    LinkDown(usize, usize),
    LinkUp(usize, usize),
    Script(usize, Observation),
    Reconfigure(usize, Box<Settings>),
    Promote(usize, String),
    Demote(usize, String),
    /// Nothing is lost, cut, asleep or broken any more.
    Whole,
}

/// How links treat packets.
#[derive(Clone, Copy, Debug)]
struct Weather {
    /// Of a thousand packets, so many are lost.
    loss: u32,
    /// Of a thousand packets, so many come twice.
    twice: u32,
    /// The least and the longest time on the way.
    delay: (Time, Time),
}

/// Everything.
struct World {
    rng: fastrand::Rng,
    now: Time,
    nodes: Vec<Node>,
    weather: Weather,
    /// Pairs that do not hear: link, from, to.
    cut: Vec<(usize, usize, usize)>,
    flights: BinaryHeap<Reverse<Flight>>,
    flight_number: u64,
    actions: BTreeMap<(Time, usize), Action>,
    /// Masters were crashed: names by node.
    were_masters: HashMap<usize, Vec<String>>,
    /// Since when two masters of a VRID hear each other.
    rivals: HashMap<(u8, usize, usize), Time>,
    /// Transitions, newest last: time, node, VRID, took.
    history: Vec<(Time, usize, u8, bool)>,
    /// What happened, for people; empty unless somebody looks.
    trace: Option<Vec<String>>,
}

impl World {
    fn new(seed: u64, weather: Weather, settings: Vec<Settings>) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let nodes = settings.into_iter().map(|settings| Node {
            settings,
            router: None,
            drift: rng.i64(-500..=500),
            base: rng.u64(0..100_000) * MS + rng.u64(0..MS),
            asleep: None,
            waiting: Vec::new(),
            down: Vec::new(),
            script: Observation::Up,
            took: HashMap::new(),
            sent: HashMap::new(),
        });
        let nodes = nodes.collect();
        Self {
            rng,
            now: 0,
            nodes,
            weather,
            cut: Vec::new(),
            flights: BinaryHeap::new(),
            flight_number: 0,
            actions: BTreeMap::new(),
            were_masters: HashMap::new(),
            rivals: HashMap::new(),
            history: Vec::new(),
            trace: None,
        }
    }

    fn plan(&mut self, at: Time, action: Action) {
        self.actions.insert((at, self.actions.len()), action);
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>12.3} ms  {}", self.now as f64 / MS as f64, what()));
        }
    }

    /// What node `n`'s clock says now.
    fn clock(&self, n: usize) -> Moment {
        let node = &self.nodes[n];
        let run = i128::from(self.now) * (1_000_000 + i128::from(node.drift)) / 1_000_000;
        Moment::from_start(Duration::from_nanos(node.base + run as Time))
    }

    /// When node `n`'s clock will say so.
    fn when(&self, n: usize, moment: Moment) -> Time {
        let node = &self.nodes[n];
        let run = i128::from(nanos(moment.since_start())) - i128::from(node.base);
        let rate = 1_000_000 + i128::from(node.drift);
        let time = (run * 1_000_000 + rate - 1) / rate;
        (time.max(0) as Time).max(self.now)
    }

    fn source(n: usize, link: usize) -> IpAddr {
        IpAddr::from([10, 0, link as u8, n as u8 + 1])
    }

    fn start(&mut self, n: usize, resumed: bool) {
        let names = self.were_masters.remove(&n).filter(|_| resumed).unwrap_or_default();
        let now = self.clock(n);
        let node = &mut self.nodes[n];
        let mut router = Router::new(&node.settings, now, &names);
        // Hosts agree on the time of day.
        router.set_utc_offset(Duration::from_nanos(EPOCH - node.base));
        router.handle(now, Event::Tracker(&script(), node.script));
        node.router = Some(router);
        self.note(|| format!("node {n} starts, was master of {names:?}"));
        self.tell_links(n);
    }

    fn tell_links(&mut self, n: usize) {
        let now = self.clock(n);
        let node = &mut self.nodes[n];
        let Some(router) = &mut node.router else { return };
        let links: Vec<(InstanceId, usize)> = router.ids().map(|(id, instance)| (id, link_of(instance))).collect();
        for (id, link) in links {
            let state = if node.down.contains(&link) {
                Err(LinkFault::Down)
            } else {
                Ok(Link { index: link as u32 + 1, source: Self::source(n, link) })
            };
            router.handle(now, Event::Link(id, state));
        }
        self.collect(n);
    }

    /// Lets time go on until `until`; `check` looks after each step.
    fn run(&mut self, until: Time, mut check: impl FnMut(&mut Self)) {
        loop {
            let wakes = (0..self.nodes.len()).filter_map(|n| self.wakes(n).map(|at| (at, n)));
            let wake = wakes.min();
            let flight = self.flights.peek().map(|Reverse(flight)| flight.arrives);
            let action = self.actions.keys().next().map(|(at, _)| *at);
            let next = [wake.map(|(at, _)| at), flight, action].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if action == Some(next) {
                if let Some((_, action)) = self.actions.pop_first() {
                    self.act(action);
                }
            } else if flight == Some(next) {
                if let Some(Reverse(flight)) = self.flights.pop() {
                    self.deliver(flight);
                }
            } else if let Some((_, n)) = wake {
                self.wake(n);
            }
            check(self);
        }
        self.now = until;
    }

    fn wakes(&self, n: usize) -> Option<Time> {
        let node = &self.nodes[n];
        let router = node.router.as_ref()?;
        match node.asleep {
            Some((until, _)) => Some(until),
            None => router.next_timeout().map(|next| self.when(n, next)),
        }
    }

    fn wake(&mut self, n: usize) {
        if self.nodes[n].asleep.take().is_some() {
            self.note(|| format!("node {n} runs again"));
            // A driver takes waiting packets before it looks at its timers.
            for flight in std::mem::take(&mut self.nodes[n].waiting) {
                self.deliver(flight);
            }
        }
        let now = self.clock(n);
        if let Some(router) = &mut self.nodes[n].router {
            router.handle_timeout(now);
        }
        self.collect(n);
    }

    fn deliver(&mut self, flight: Flight) {
        let n = flight.to;
        let now = self.clock(n);
        let node = &mut self.nodes[n];
        if node.down.contains(&flight.link) {
            return;
        }
        match node.asleep {
            Some((_, true)) => {}
            Some((_, false)) => node.waiting.push(flight),
            None => {
                let Some(router) = &mut node.router else { return };
                let Flight { link, source, destination, bytes, .. } = &flight;
                let received =
                    Received { link: *link as u32 + 1, source: *source, destination: *destination, hops: None, bytes };
                router.handle(now, Event::Packet(received));
                self.collect(n);
            }
        }
    }

    /// Whether node `to` hears node `from`.
    fn hears(&self, link: usize, from: usize, to: usize) -> bool {
        !self.cut.contains(&(link, from, to))
            && !self.nodes[from].down.contains(&link)
            && !self.nodes[to].down.contains(&link)
    }

    /// Carries out what node `n` wants done.
    fn collect(&mut self, n: usize) {
        while let Some(output) = self.nodes[n].router.as_mut().and_then(Router::poll) {
            match output {
                Output::Send { instance, to, bytes } => self.send(n, instance, to, &bytes),
                Output::Take(id) => self.transition(n, id, true),
                Output::Give(id) => self.transition(n, id, false),
                Output::Announce { .. } => {}
                Output::Notice(notice) => {
                    let (Subject::Instance(name) | Subject::Group(name)) = &notice.subject;
                    if let NoticeKind::Entered { state, cause } = &notice.kind {
                        self.note(|| format!("node {n} {name} ({}) is {state:?}: {cause:?}", notice.priority));
                    }
                }
            }
        }
    }

    fn instance(&self, n: usize, id: InstanceId) -> Option<&super::settings::Instance> {
        self.nodes[n].router.as_ref().and_then(|router| router.instance(id))
    }

    fn transition(&mut self, n: usize, id: InstanceId, took: bool) {
        let Some(vrid) = self.instance(n, id).map(|instance| instance.vrid.get()) else { return };
        if took {
            self.nodes[n].took.insert(vrid, self.now);
        }
        self.history.push((self.now, n, vrid, took));
    }

    fn send(&mut self, from: usize, id: InstanceId, destination: IpAddr, bytes: &[u8]) {
        let Some(instance) = self.instance(from, id) else { return };
        let (link, vrid) = (link_of(instance), instance.vrid.get());
        let unicast = matches!(instance.transport, Transport::Unicast { .. });
        self.nodes[from].sent.insert(vrid, self.now);
        self.note(|| format!("node {from} VRID {vrid} says {}", bytes[22]));
        for to in 0..self.nodes.len() {
            let addressed = !unicast || destination == Self::source(to, link);
            if to == from || !addressed || !self.hears(link, from, to) {
                continue;
            }
            let copies = if self.rng.u32(0..1000) < self.weather.twice { 2 } else { 1 };
            for _ in 0..copies {
                if self.rng.u32(0..1000) < self.weather.loss {
                    continue;
                }
                let (least, longest) = self.weather.delay;
                self.flight_number += 1;
                self.flights.push(Reverse(Flight {
                    arrives: self.now + self.rng.u64(least..=longest),
                    number: self.flight_number,
                    to,
                    link,
                    source: Self::source(from, link),
                    destination,
                    bytes: bytes.to_vec(),
                }));
            }
        }
    }

    fn act(&mut self, action: Action) {
        self.note(|| format!("{action:?}").chars().take(100).collect());
        match action {
            Action::Partition(link, set) => {
                for a in 0..self.nodes.len() {
                    for b in 0..self.nodes.len() {
                        if set.contains(&a) != set.contains(&b) {
                            self.cut.push((link, a, b));
                        }
                    }
                }
            }
            Action::Deafen { link, from, to } => self.cut.push((link, from, to)),
            Action::Heal => self.cut.clear(),
            Action::Sleep(n, time, deaf) => {
                if self.nodes[n].asleep.is_none() {
                    self.nodes[n].asleep = Some((self.now + time, deaf));
                }
            }
            Action::Crash(n) => self.crash(n),
            Action::Return(n, resumed) => {
                if self.nodes[n].router.is_none() {
                    self.start(n, resumed);
                }
            }
            Action::LinkDown(n, link) => {
                self.rouse(n);
                self.nodes[n].down.push(link);
                self.tell_links(n);
            }
            Action::LinkUp(n, link) => {
                self.rouse(n);
                self.nodes[n].down.retain(|down| *down != link);
                self.tell_links(n);
            }
            Action::Script(n, seen) => {
                self.nodes[n].script = seen;
                self.order(n, |router, now| router.handle(now, Event::Tracker(&script(), seen)));
            }
            Action::Reconfigure(n, settings) => {
                self.nodes[n].settings = *settings.clone();
                self.order(n, |router, now| router.reconfigure(now, &settings));
                self.tell_links(n);
            }
            Action::Promote(n, name) => self.order(n, |router, now| {
                if let Some(id) = named(router, &name) {
                    router.handle(now, Event::Promote(id));
                }
            }),
            Action::Demote(n, name) => self.order(n, |router, now| {
                if let Some(id) = named(router, &name) {
                    router.handle(now, Event::Demote(id));
                }
            }),
            Action::Whole => {
                self.cut.clear();
                self.weather.loss = 0;
                for n in 0..self.nodes.len() {
                    self.rouse(n);
                    if self.nodes[n].router.is_none() {
                        self.start(n, false);
                    }
                    self.nodes[n].down.clear();
                    self.nodes[n].script = Observation::Up;
                    self.order(n, |router, now| router.handle(now, Event::Tracker(&script(), Observation::Up)));
                    self.tell_links(n);
                }
            }
        }
    }

    fn crash(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        node.asleep = None;
        node.waiting.clear();
        let Some(router) = node.router.take() else { return };
        let masters = router.ids().filter(|(id, _)| router.state(*id) == Some(State::Master));
        self.were_masters.insert(n, masters.map(|(_, instance)| instance.name.clone()).collect());
    }

    /// Wakes a node that sleeps, so that it can be told something.
    fn rouse(&mut self, n: usize) {
        if self.nodes[n].asleep.is_some() {
            self.wake(n);
        }
    }

    fn order(&mut self, n: usize, order: impl FnOnce(&mut Router, Moment)) {
        self.rouse(n);
        let now = self.clock(n);
        if let Some(router) = &mut self.nodes[n].router {
            order(router, now);
        }
        self.collect(n);
    }

    /// Returns the nodes that are master of a VRID.
    fn masters(&self, vrid: u8) -> Vec<usize> {
        let is_master = |n: &usize| {
            let Some(router) = &self.nodes[*n].router else { return false };
            router.ids().any(|(id, i)| i.vrid.get() == vrid && router.state(id) == Some(State::Master))
        };
        (0..self.nodes.len()).filter(is_master).collect()
    }

    /// Returns what is known of a VRID at a node: its number, settings and effective priority.
    fn standing(&self, n: usize, vrid: u8) -> Option<(InstanceId, &super::settings::Instance, u8)> {
        let router = self.nodes[n].router.as_ref()?;
        let (id, instance) = router.ids().find(|(_, instance)| instance.vrid.get() == vrid)?;
        Some((id, instance, router.effective_priority(id)?))
    }

    /// Checks that two masters that hear each other do not last longer than one advert. (Where packets are lost, nobody
    /// can promise that.)
    fn check_rivals(&mut self, vrids: &[u8]) {
        for vrid in vrids {
            let masters = self.masters(*vrid);
            let hear = |a: usize, b: usize| {
                let Some((_, instance, _)) = self.standing(a, *vrid) else { return false };
                let link = link_of(instance);
                let awake = |n: usize| self.nodes[n].asleep.is_none();
                awake(a) && awake(b) && self.hears(link, a, b) && self.hears(link, b, a) && self.weather.loss == 0
            };
            let mut pairs: Vec<(u8, usize, usize)> = Vec::new();
            for (i, a) in masters.iter().enumerate() {
                pairs.extend(masters[i + 1..].iter().filter(|b| hear(*a, **b)).map(|b| (*vrid, *a, *b)));
            }
            self.rivals.retain(|pair, _| pair.0 != *vrid || pairs.contains(pair));
            for pair in pairs {
                let since = *self.rivals.entry(pair).or_insert(self.now);
                let both = [pair.1, pair.2].map(|n| self.standing(n, *vrid).map(|(_, instance, _)| instance.interval));
                let advert = nanos(both.into_iter().flatten().max().unwrap_or_default());
                let limit = advert + advert / 500 + 4 * self.weather.delay.1;
                let lasted = self.now - since;
                assert!(lasted <= limit, "two masters of VRID {vrid} for {} ms: {pair:?}", lasted / MS);
            }
        }
    }
}

fn named(router: &Router, name: &str) -> Option<InstanceId> {
    router.ids().find(|(_, instance)| instance.name == name).map(|(id, _)| id)
}

/// Instances of node `n` on link 1 have the interface `link1`.
fn link_of(instance: &super::settings::Instance) -> usize {
    instance.interface.as_deref().and_then(|name| name.strip_prefix("link")).and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Runs `one` for each of `count` seeds, or for the one in `LVSADM_SEED`, whose events are printed then. A seed that fails is
/// named, so that it can be run again.
fn for_seeds(count: u64, one: impl Fn(u64, bool) + std::panic::RefUnwindSafe) {
    if let Some(seed) = std::env::var("LVSADM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return one(seed, true);
    }
    for seed in 0..count {
        if let Err(cause) = std::panic::catch_unwind(|| one(seed, false)) {
            eprintln!("seed {seed} fails; with LVSADM_SEED={seed} this test runs it alone and prints what happens");
            std::panic::resume_unwind(cause);
        }
    }
}
