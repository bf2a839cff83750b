//! The router with its ears and hands: packets, links and timers go into it; what it wants done is done on the host.
//! Never waits for anything.

mod look;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    os::fd::OwnedFd,
    path::Path,
    sync::Arc,
    time::Duration,
};

use log::{debug, warn};

use super::{
    Error,
    holdings::{Holdings, Item},
    links::Links,
    resume::{self, Held, Left, Resume, Sequence},
    sockets::{BATCH, Endpoint, Outgoing, Sockets},
    steps,
    vmacs::{self, Vmacs},
};
use crate::{
    host::{
        Change, HeldAddress, Host, Monitor, Refusal, Route, Rule, Watch,
        firewall::{Firewall, Guard},
    },
    model::Moment,
    sys::clock,
    vrrp::{
        announce::{Announcer, Frame, Target},
        event::{self, Event, InstanceId, LinkFault, Notice, Observation, Output, State, Which},
        router::Router,
        settings::{Authentication, Instance, Settings, Tracker, Transport},
        status::Status,
    },
};

/// How many addresses, routes and rules are changed between two looks at packets and timers: a millisecond's work.
const SLICE: usize = 64;

/// Who holds what is on the host whoever is master. No instance gets this number.
const STATICS: InstanceId = InstanceId(u32::MAX);

/// How often the heartbeat is written, as a part of the shortest advert interval.
const BEATS: u32 = 4;

/// How many different complaints are remembered, and so said once only.
const MOST_COMPLAINTS: usize = 1024;

/// A timer later than this is no noise of the scheduler: what came in meanwhile is looked at first.
const LATE: Duration = Duration::from_millis(5);

/// How many batches are read then: all that a buffer can hold.
const BATCHES: usize = 128;

/// A socket and where its adverts come from.
pub(super) type Listening = (Endpoint, Arc<OwnedFd>);

/// Router, host and sockets of one process.
pub(super) struct Core {
    router: Router,
    settings: Settings,
    host: Host,
    monitor: Monitor,
    links: Links,
    vmacs: Vmacs,
    sockets: Sockets,
    /// Changes with the endpoints of `sockets`.
    sockets_version: u64,
    holdings: Holdings,
    announcer: Announcer,
    /// Opened when the first instance needs it.
    firewall: Option<Firewall>,
    guarded: BTreeSet<Guard>,
    resume: Resume,
    left: Left,
    /// What was last told to the router about what is under each instance.
    under: BTreeMap<InstanceId, Result<event::Link, LinkFault>>,
    outgoing: Vec<Outgoing>,
    notices: Vec<Notice>,
    beat_every: Duration,
    /// What was complained about already.
    complaints: BTreeSet<String>,
}

impl Core {
    /// Makes everything ready and begins: afterwards adverts can come in. `first` is what is known of trackers already, so that
    /// nobody begins with a priority that is not its own.
    ///
    /// # Errors
    /// The kernel gives no sockets, or the run directory cannot be used.
    pub(super) fn start(settings: Settings, run_dir: &Path, first: &[(Tracker, Observation)]) -> Result<Self, Error> {
        let mut host = Host::open()?;
        let watch = watch(&settings);
        let mut monitor = Monitor::open(watch)?;
        let mut links = Links::default();
        links.replace(host.links()?, host.addresses()?);
        monitor.learn(links.all());
        let (resume, left, beat) = Resume::open(run_dir).map_err(|error| Error::RunDirectory(run_dir.into(), error))?;
        let now = clock::now();
        let resumed = resume::resumed(&settings.instances, &left, beat, now);
        let router = Router::new(&settings, now, &resumed);
        let mut core = Self {
            router,
            host,
            monitor,
            links,
            vmacs: Vmacs::resume(left.sysctls),
            sockets: Sockets::new()?,
            sockets_version: 0,
            holdings: Holdings::default(),
            announcer: Announcer::default(),
            firewall: None,
            guarded: BTreeSet::new(),
            resume,
            left: Left::default(),
            under: BTreeMap::new(),
            outgoing: Vec::new(),
            notices: Vec::new(),
            beat_every: beat_every(&settings),
            complaints: BTreeSet::new(),
            settings,
        };
        core.router.set_utc_offset(clock::utc_offset());
        for (tracker, observation) in first {
            core.router.handle(now, Event::Tracker(tracker, *observation));
        }
        for (name, sequence) in left.sequences {
            core.resync(&name, sequence, now);
        }
        core.look(now)?;
        core.vmacs.put_back_the_rest();
        core.delete_left_macvlans(&left.macvlans)?;
        core.find_left_overs(&left.addresses)?;
        core.holdings.take(STATICS);
        core.settle(now);
        core.note_changes();
        Ok(core)
    }

    /// Finds what an earlier process left on the host of what instances hold: masters keep it, backups take it away.
    fn find_left_overs(&mut self, left: &[Held]) -> Result<(), Error> {
        for held in self.links.addresses().to_vec() {
            let ours = |left: &&Held| {
                (left.link, left.address, left.prefix) == (held.link, held.address.address, held.address.prefix)
            };
            if left.iter().any(|left| ours(&left)) {
                self.holdings.left(held.link, held.address.clone());
            }
            self.holdings.found(held.link, held.address.address);
            // It may have run without virtual MAC addresses.
            for index in self.vmacs.on(held.link) {
                self.holdings.found_below(index, held.link, held.address.address);
            }
        }
        let watch = watch(&self.settings);
        if watch.routes {
            let routes = self.host.routes()?;
            self.holdings.found_if(|item| match item {
                Item::Route(own) => routes.iter().any(|held| own.is_held_as(held)),
                Item::Address(..) | Item::Rule(_) => false,
            });
        }
        if watch.rules {
            let rules = self.host.rules()?;
            self.holdings.found_if(|item| matches!(item, Item::Rule(own) if rules.contains(own)));
        }
        Ok(())
    }

    /// Goes on with the sequence numbers of an authentication header behind those that the earlier process can have sent.
    fn resync(&mut self, key: &str, sequence: Sequence, now: Moment) {
        let found = self.router.ids().find(|(_, instance)| resume::key(instance) == key);
        let Some((id, instance)) = found.map(|(id, instance)| (id, instance.clone())) else { return };
        self.router.resync(id, sequence.by(now, instance.interval));
    }

    fn delete_left_macvlans(&mut self, names: &[String]) -> Result<(), Error> {
        let ours = self.vmacs.names();
        for name in names.iter().filter(|name| !ours.contains(name)) {
            let left = self.host.link(name)?.filter(|link| link.kind.as_deref() == Some("macvlan"));
            if let Some(link) = left {
                self.host.delete_link(link.index)?;
            }
        }
        Ok(())
    }

    /// Lets the firewall drop what masters do not accept, and keep group reports off macvlans.
    fn guard(&mut self) {
        let unaccepting = |instance: &Instance| !instance.accept && !instance.priority.is_owner();
        let mut wanted: BTreeSet<Guard> = self.vmacs.indices().map(Guard::Link).collect();
        for (id, instance) in self.router.ids().filter(|(_, instance)| unaccepting(instance)) {
            if self.router.state(id) == Some(State::Master) {
                let addresses = instance.addresses.iter().chain(&instance.excluded);
                wanted.extend(addresses.map(|address| Guard::Address(address.address)));
            }
        }
        if wanted == self.guarded {
            return;
        }
        let add: Vec<Guard> = wanted.difference(&self.guarded).copied().collect();
        let remove: Vec<Guard> = self.guarded.difference(&wanted).copied().collect();
        let firewall = match &mut self.firewall {
            Some(firewall) => Ok(firewall),
            none => Firewall::open().map(|firewall| none.insert(firewall)),
        };
        match firewall.and_then(|firewall| firewall.change(&add, &remove)) {
            Ok(()) => self.guarded = wanted,
            Err(error) => {
                let (text, hint) = (error.to_string(), error.hint());
                self.complain(&text, Some(hint));
            }
        }
    }

    /// Does what the router wants done: packets leave at once, addresses in slices ([`Self::work`]).
    pub(super) fn settle(&mut self, now: Moment) {
        let mut masters_changed = false;
        while let Some(output) = self.router.poll() {
            match output {
                Output::Send { instance, to, bytes } => {
                    if let Some(Ok(under)) = self.under.get(&instance) {
                        let event::Link { index, source } = *under;
                        let link = Some(index).filter(|index| *index != 0);
                        let hops = self.router.instance(instance).and_then(unicast_hops);
                        self.outgoing.push(Outgoing { link, source, to, hops, bytes });
                    }
                }
                Output::Take(id) => {
                    self.holdings.take(id);
                    masters_changed = true;
                }
                Output::Give(id) => {
                    self.holdings.give(id);
                    self.announcer.forget(id);
                    masters_changed = true;
                }
                Output::Announce { instance, repeat, which } => self.announce(instance, repeat, which),
                Output::Notice(notice) => self.notices.push(notice),
            }
        }
        self.send(now);
        self.send_frames(now);
        if masters_changed {
            self.guard();
            self.note_changes();
        }
    }

    /// Writes down what a process after this one has to know.
    fn note_changes(&mut self) {
        let masters = || self.router.ids().filter(|(id, _)| self.router.state(*id) == Some(State::Master));
        let now = clock::now();
        let with_header =
            |instance: &&(InstanceId, &Instance)| matches!(instance.1.authentication, Authentication::Ah(_));
        let left = Left {
            masters: masters().map(|(_, instance)| resume::key(instance)).collect(),
            sequences: masters()
                .collect::<Vec<_>>()
                .iter()
                .filter(with_header)
                .map(|(id, instance)| (resume::key(instance), Sequence::new(now, self.router.sequence(*id))))
                .collect(),
            addresses: self
                .holdings
                .wanted_addresses()
                .map(|(link, address)| Held { link, address: address.address, prefix: address.prefix })
                .collect(),
            macvlans: self.vmacs.names(),
            sysctls: self.vmacs.found(),
            ..Left::default()
        };
        if left == self.left {
            return;
        }
        self.left = left;
        if let Err(error) = self.resume.save(&self.left) {
            warn!(
                "cannot write down who is master, so killing and restarting this process would be a failover: {error}"
            );
        }
    }

    fn send(&mut self, now: Moment) {
        if self.outgoing.is_empty() {
            return;
        }
        for (_, error) in self.sockets.send(&self.outgoing) {
            // A link that is going down refuses a packet or two before it says so.
            debug!("advert: {error}");
        }
        self.outgoing.clear();
        if let Err(error) = self.resume.beat(now, self.beat_every) {
            debug!("cannot write the heartbeat: {error}");
        }
    }

    fn announce(&mut self, id: InstanceId, repeat: u32, which: Which) {
        let under = self.under.get(&id).copied().and_then(Result::ok);
        let addresses: Vec<(u32, IpAddr)> = match which {
            Which::All => self.holdings.announce(id, repeat),
            Which::OtherLinks => {
                let own = under.map(|link| link.index);
                self.holdings.addresses(id).filter(|(link, _)| Some(*link) != own).collect()
            }
            Which::Source => under.map(|link| (link.index, link.source)).into_iter().collect(),
        };
        self.announce_these(id, &addresses, repeat);
    }

    fn announce_these(&mut self, id: InstanceId, addresses: &[(u32, IpAddr)], repeat: u32) {
        let targets: Vec<Target> =
            addresses.iter().filter_map(|(link, address)| self.links.target(*link, *address)).collect();
        if let Some(instance) = self.router.instance(id) {
            self.announcer.announce(id, &targets, repeat, &instance.announce);
        }
    }

    /// Whether addresses, routes or rules are to be changed.
    pub(super) fn has_work(&self) -> bool {
        self.holdings.is_busy()
    }

    /// Changes some addresses, routes and rules, and announces addresses that got there.
    pub(super) fn work(&mut self, now: Moment) {
        let steps = self.holdings.slice(SLICE);
        let mut refused: BTreeMap<usize, Refusal> = BTreeMap::new();
        let result = steps::carry_out(&mut self.host, &steps, &mut refused);
        if let Err(error) = &result {
            warn!("{error}");
        }
        let mut announced: BTreeMap<(InstanceId, u32), Vec<(u32, IpAddr)>> = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            let refusal = refused.get(&index).filter(|refusal| !refusal.is_needless());
            if let Some(refusal) = refusal {
                self.complain(&refusal.to_string(), refusal.hint());
            }
            let repeat = self.holdings.done(step, result.is_ok() && refusal.is_none(), now);
            if let (Some(id), Item::Address(link, address), 1..) = (step.owner, &step.item, repeat) {
                announced.entry((id, repeat)).or_default().push((*link, address.address));
            }
        }
        for ((id, repeat), addresses) in announced {
            self.announce_these(id, &addresses, repeat);
        }
        self.send_frames(now);
    }

    /// Says once what fails time and again.
    fn complain(&mut self, text: &str, hint: Option<&str>) {
        if self.complaints.len() < MOST_COMPLAINTS && self.complaints.insert(text.to_owned()) {
            match hint {
                Some(hint) => warn!("{text}; {hint}"),
                None => warn!("{text}"),
            }
        }
    }

    fn send_frames(&mut self, now: Moment) {
        let frames: Vec<Frame> = std::iter::from_fn(|| self.announcer.poll(now)).collect();
        if frames.is_empty() {
            return;
        }
        for (_, error) in self.sockets.send_frames(&frames) {
            debug!("announcement: {error}");
        }
    }

    /// Reads what came in at an endpoint, a batch of it. Returns whether there may be more.
    pub(super) fn receive(&mut self, endpoint: &Endpoint, now: Moment) -> bool {
        let Self { sockets, router, .. } = self;
        let count = sockets.receive(endpoint, |received| router.handle(now, Event::Packet(received)));
        self.settle(now);
        match count {
            Ok(count) => count == BATCH,
            Err(error) => {
                debug!("{error}");
                false
            }
        }
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Moment) {
        if self.next_timeout().is_some_and(|due| now.since(due) > LATE) {
            // Who was away hears first what the others said meanwhile.
            let endpoints: Vec<Endpoint> = self.sockets.listening().map(|(endpoint, _)| *endpoint).collect();
            for endpoint in &endpoints {
                // Whoever floods us does not keep our own adverts from leaving.
                let _ = (0..BATCHES).all(|_| self.receive(endpoint, now));
            }
        }
        // Somebody may have set the wall clock, which is in signed adverts.
        self.router.set_utc_offset(clock::utc_offset());
        self.router.handle_timeout(now);
        self.holdings.handle_timeout(now);
        self.settle(now);
    }

    /// Returns when something is due.
    pub(super) fn next_timeout(&self) -> Option<Moment> {
        [self.router.next_timeout(), self.announcer.next_timeout(), self.holdings.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Takes in what changed on the host.
    pub(super) fn hear_host(&mut self, now: Moment) -> Result<bool, Error> {
        let mut look = false;
        let mut more = false;
        while let Some(change) = self.monitor.next()? {
            look |= self.links.apply(&change);
            match change {
                Change::AddressRemoved(held) => self.address_removed(held.link, held.address.address)?,
                Change::RouteRemoved(route) => {
                    let owner = self.holdings.lost(|item| matches!(item, Item::Route(own) if own.is_held_as(&route)));
                    self.report_loss(owner, "a route");
                }
                Change::RuleRemoved(rule) => {
                    let owner = self.holdings.lost(|item| matches!(item, Item::Rule(own) if *own == rule));
                    self.report_loss(owner, "a rule");
                }
                Change::Overrun => {
                    self.read_anew()?;
                    look = true;
                }
                Change::Later => {
                    more = true;
                    break;
                }
                Change::Link(_) | Change::LinkGone { .. } | Change::AddressAdded(_) => {}
            }
        }
        if look {
            let Self { vmacs, links, .. } = self;
            vmacs.retain(|index| links.get(index).is_some());
            self.look(now)?;
        }
        self.settle(now);
        self.note_changes();
        Ok(more)
    }

    fn address_removed(&mut self, link: u32, address: IpAddr) -> Result<(), Error> {
        let Some(owner) = self.holdings.lost_address(link, address) else { return Ok(()) };
        // News come late: it may be our own removal of some time ago.
        if self.host.addresses_of(link)?.iter().any(|held| held.address.address == address) {
            self.holdings.found(link, address);
        } else {
            self.report_loss(Some(owner), &address.to_string());
        }
        Ok(())
    }

    fn report_loss(&self, owner: Option<InstanceId>, what: &str) {
        let whose = match owner {
            Some(STATICS) => "what is always here",
            Some(id) => self.router.instance(id).map(|instance| instance.name.as_str()).unwrap_or_default(),
            None => return,
        };
        warn!("{whose}: somebody else removed {what}; it is put back");
    }

    /// Reads links, addresses, routes and rules anew, and finds out what is missing.
    fn read_anew(&mut self) -> Result<(), Error> {
        self.links.replace(self.host.links()?, self.host.addresses()?);
        let (routes, rules) = (self.host.routes()?, self.host.rules()?);
        let missing: Vec<Item> =
            self.holdings.held().filter(|item| !self.is_there(item, &routes, &rules)).cloned().collect();
        for item in missing {
            let owner = self.holdings.lost(|held| *held == item);
            self.report_loss(owner, "an address, route or rule");
        }
        Ok(())
    }

    fn is_there(&self, item: &Item, routes: &[Route], rules: &[Rule]) -> bool {
        match item {
            Item::Address(link, address) => {
                let is_it = |held: &HeldAddress| held.link == *link && held.address.address == address.address;
                self.links.addresses().iter().any(is_it)
            }
            Item::Route(route) => routes.iter().any(|held| route.is_held_as(held)),
            Item::Rule(rule) => rules.contains(rule),
        }
    }

    /// Takes in what a tracker says.
    pub(super) fn observe(&mut self, tracker: &Tracker, observation: Observation, now: Moment) {
        self.router.handle(now, Event::Tracker(tracker, observation));
        self.settle(now);
    }

    /// Carries out an order about one instance. Returns whether there is such an instance.
    pub(super) fn order(&mut self, name: &str, order: fn(InstanceId) -> Event<'static>, now: Moment) -> bool {
        let Some(id) = self.router.ids().find(|(_, instance)| instance.name == name).map(|(id, _)| id) else {
            return false;
        };
        self.router.handle(now, order(id));
        self.settle(now);
        true
    }

    /// Takes over other settings.
    pub(super) fn reconfigure(&mut self, settings: Settings, now: Moment) -> Result<(), Error> {
        let before: Vec<InstanceId> = self.router.ids().map(|(id, _)| id).collect();
        self.router.reconfigure(now, &settings);
        // Those that are gone still say that they give up.
        self.settle(now);
        let after: BTreeSet<InstanceId> = self.router.ids().map(|(id, _)| id).collect();
        for id in before.into_iter().filter(|id| !after.contains(id)) {
            self.holdings.remove(id);
            self.vmacs.promote(id, &BTreeMap::new());
        }
        self.beat_every = beat_every(&settings);
        self.monitor.watch(watch(&settings))?;
        self.settings = settings;
        let needed: BTreeSet<(InstanceId, String)> = self
            .router
            .ids()
            .flat_map(|(id, instance)| vmacs::wanted(instance).into_iter().map(move |wanted| (id, wanted.base)))
            .collect();
        self.vmacs.remove_all_but(&mut self.host, |id, base| needed.contains(&(id, base.to_owned())));
        self.look(now)?;
        self.holdings.take(STATICS);
        self.settle(now);
        self.note_changes();
        Ok(())
    }

    /// Returns how everything is.
    pub(super) fn status(&self, now: Moment) -> Status {
        self.router.status(now)
    }

    /// Gives everything up: masters say so, addresses go away, nothing is left behind.
    pub(super) fn stop(mut self) -> Vec<Notice> {
        let now = clock::now();
        self.router.handle(now, Event::Stop);
        self.settle(now);
        self.holdings.give(STATICS);
        // What the kernel refuses to remove now, it will not remove later.
        while self.has_work() {
            self.work(now);
        }
        self.vmacs.remove_all_but(&mut self.host, |_, _| false);
        self.resume.finish();
        self.notices
    }

    /// Returns what people have to be told since the last call.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    pub(super) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Returns the sockets to listen on, if they are others than those of `version`.
    pub(super) fn sockets_since(&self, version: u64) -> Option<(u64, Vec<Listening>)> {
        let listening = || self.sockets.listening().map(|(endpoint, socket)| (*endpoint, Arc::clone(socket))).collect();
        (self.sockets_version != version).then(|| (self.sockets_version, listening()))
    }
}

fn unicast_hops(instance: &Instance) -> Option<u8> {
    match instance.transport {
        Transport::Unicast { ttl, .. } => ttl,
        Transport::Multicast { .. } => None,
    }
}

/// Returns all that is watched.
fn trackers(settings: &Settings) -> BTreeSet<Tracker> {
    let of_instances = settings.instances.iter().flat_map(|instance| &instance.tracks);
    let tracks = of_instances.chain(settings.groups.iter().flat_map(|group| &group.tracks));
    tracks.map(|track| track.tracker.clone()).collect()
}

/// Returns what has to be listened to for these settings, beside links and addresses.
fn watch(settings: &Settings) -> Watch {
    let has = |some: fn(&Instance) -> bool| settings.instances.iter().any(some);
    let statics = &settings.statics;
    Watch {
        routes: has(|instance| !instance.routes.is_empty()) || !statics.routes.is_empty(),
        rules: has(|instance| !instance.rules.is_empty()) || !statics.rules.is_empty(),
    }
}

fn beat_every(settings: &Settings) -> Duration {
    let shortest = settings.instances.iter().map(|instance| instance.interval).min();
    shortest.unwrap_or(Duration::from_secs(1)) / BEATS
}
