//! One loop: answers and timers in, table out, probes off.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::IpAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use indexmap::IndexSet;
use nix::{errno::Errno, ifaddrs::getifaddrs};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    After, Error, Foreign, IdleCheck, Laid, Layer, Layered, Order, Owns, Reload, Run, RunOptions, Stop, commands,
    control::idle_status,
    hidden::{self, Hidden},
    limits,
    memory::Memory,
    table::Keeper,
};
use crate::{
    agent::event::Event,
    check::{
        answer::{Answer, Failure, FailureKind, Verdict},
        board::{ProbeId, Start},
        probe::{Context, ask},
        settings::Probe,
    },
    host::{User, script::Runner},
    model::{Entry, Moment, ServerKey, ServiceKey, Table, Target},
    pool::{
        Engine, Step,
        drain::Turn,
        settings::{Scope, Settings},
    },
    sys::clock::now,
};

/// An answer on its way back from a probe's task.
type Answers = mpsc::UnboundedSender<(ProbeId, Answer)>;

/// In how many steps the services are compared with the kernel's.
const STEPS: usize = 25;

/// How many probes are begun in one go: those that are on their way then have a turn before the next ones take memory.
const BATCH: usize = 64;

/// How long to wait before trying again to talk to the kernel.
const RECONNECT: Duration = Duration::from_secs(2);

/// How often addresses of this host are looked at, where checks depend on them.
const LOOK_FOR_ADDRESSES: Duration = Duration::from_secs(1);

/// How often the connections of servers that drain are counted.
const COUNT: Duration = Duration::from_secs(1);

/// A check process with its sockets.
pub(super) struct Process {
    pub(super) engine: Engine,
    pub(super) keeper: Keeper,
    pub(super) hidden: Hidden,
    /// What makes settings of the operator's table, if that may get other servers.
    pub(super) layer: Option<Arc<dyn Layer>>,
    /// What it says of services without servers.
    idle: Vec<IdleCheck>,
    /// Services that got other servers since it was laid over them.
    pub(super) outdated: HashSet<ServiceKey>,
    pub(super) memory: Memory,
    /// Servers that were deleted because they had drained, and did not drain again since; the last of them.
    pub(super) emptied: VecDeque<(ServiceKey, ServerKey)>,
    context: Rc<Context>,
    /// Who runs commands that name no user.
    user: User,
    pub(super) options: RunOptions,
    commands: mpsc::UnboundedSender<Run>,
    answers: (Answers, mpsc::UnboundedReceiver<(ProbeId, Answer)>),
    /// Services to compare with the kernel's until all have had their turn.
    turns: VecDeque<ServiceKey>,
    /// How many of them in one step.
    at_once: usize,
    /// Which step is next, from 0 to [`STEPS`] − 1.
    step: usize,
    /// Services that have to be written.
    pub(super) dirty: IndexSet<ServiceKey>,
    /// Services that others changed and that stay so as long as they should be as they should then (`None`: not there).
    pub(super) ignored: HashMap<ServiceKey, Option<Entry>>,
    /// Services of others that have been said to be there.
    strange: HashSet<ServiceKey>,
    /// When to try again to talk to the kernel, if that failed: nothing is known of its table then.
    pub(super) lost: Option<Moment>,
    /// Addresses on which checks depend, and whether they are on this host.
    addresses: HashMap<IpAddr, bool>,
    /// Whether the table was written once.
    ready: bool,
}

impl Process {
    /// Reads the kernel's table, and starts nothing yet.
    ///
    /// # Errors
    /// As for [`super::run`].
    pub(super) fn begin(
        mut settings: Settings,
        layer: Option<Laid>,
        options: &RunOptions,
        scripts: Runner,
        commands: mpsc::UnboundedSender<Run>,
    ) -> Result<Self, Error> {
        let (layer, idle) = layer.map_or((None, Vec::new()), |(layer, idle)| (Some(layer), idle));
        let user = scripts.default_user().clone();
        check_commands(&settings, &user)?;
        let most = limits::probes_at_once(settings.checks.len())?;
        let mut keeper = Keeper::open()?;
        let mut hidden = Hidden::new(options.first_mark);
        hidden.assign(&mut settings.checks, &settings.scope, || keeper.marks())?;
        if options.resume {
            settings.resume();
        }
        keeper.learn(settings.operator.services.keys().copied())?;
        let context = Rc::new(Context::new(scripts)?);
        let mut memory = Memory::new(options.memory.as_deref());
        memory.write(&settings.operator);
        let turns = memory.turns();
        let mut process = Self {
            layer,
            idle,
            outdated: HashSet::new(),
            memory,
            emptied: VecDeque::new(),
            ignored: HashMap::new(),
            strange: HashSet::new(),
            dirty: leftovers(&mut keeper, options.first_mark)?,
            engine: Engine::new(now(), settings, keeper.known(), fastrand::u64(..), most),
            keeper,
            hidden,
            context,
            user,
            options: options.clone(),
            commands,
            answers: mpsc::unbounded_channel(),
            turns: VecDeque::new(),
            at_once: 0,
            step: 0,
            lost: None,
            addresses: HashMap::new(),
            ready: false,
        };
        process.dirty.extend(process.hidden.keys());
        let any = !turns.is_empty();
        for (service, server, turn) in turns {
            // A server that is gone drains no more.
            let _ = process.engine.turn_server(now(), (service, server), Some(turn));
        }
        if any {
            process.memory.write_turns(process.engine.pools().turned());
        }
        for warning in process.engine.pools().warnings(&Scope::All) {
            log::warn!("{warning}");
        }
        process.look_for_addresses();
        Ok(process)
    }

    /// Takes what comes, until `stop` is over; returns what that says.
    pub(super) async fn turn(&mut self, mut orders: mpsc::Receiver<Order>, stop: impl Future<Output = Stop>) -> Stop {
        let period = self.options.compare.max(Duration::from_millis(100)) / STEPS as u32;
        let mut compare = interval(period);
        let mut look = interval(LOOK_FOR_ADDRESSES);
        let mut count = interval(COUNT);
        compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        count.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut open = true;
        // The runtime's clock and ours, read together: reading clocks is not free everywhere. They drift apart while the
        // machine is suspended.
        let mut both = (Instant::now(), now());
        tokio::pin!(stop);
        loop {
            let due = self.engine.next_timeout().map(|due| both.0 + due.since(both.1));
            let now = tokio::select! {
                stop = &mut stop => return stop,
                Some((id, answer)) = self.answers.1.recv() => {
                    let now = now();
                    self.engine.answer(now, id, answer);
                    // All that is there goes into one write.
                    while let Ok((id, answer)) = self.answers.1.try_recv() {
                        self.engine.answer(now, id, answer);
                    }
                    now
                }
                () = sleep_until(due.unwrap_or(both.0)), if due.is_some() => now(),
                order = orders.recv(), if open => {
                    match order {
                        Some(order) => self.obey(order),
                        None => open = false,
                    }
                    now()
                }
                _ = compare.tick() => {
                    self.compare();
                    both = (Instant::now(), now());
                    both.1
                }
                _ = count.tick(), if self.engine.pools().turned().any(|(_, _, turn)| matches!(turn, Turn::Drain(_))) => {
                    let now = now();
                    self.count_left(now);
                    now
                }
                _ = look.tick(), if !self.addresses.is_empty() => {
                    self.look_for_addresses();
                    now()
                }
            };
            self.work(now);
            if self.engine.next_timeout().is_some_and(|due| due <= now) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Carries out what the engine wants: first the table, then commands and probes.
    pub(super) fn work(&mut self, now: Moment) {
        let (mut runs, mut starts) = (Vec::new(), Vec::new());
        while let Some(step) = self.engine.poll(now) {
            match step {
                Step::Changed(key) => {
                    self.dirty.insert(key);
                    self.dirty.extend(self.hidden.of(&key));
                }
                Step::Start(start) => {
                    starts.push(start);
                    // The others stay due, and nothing but probes is left.
                    if starts.len() == BATCH {
                        break;
                    }
                }
                Step::Run { subject, command } => runs.push(Run { subject, command }),
                Step::Notice(notice) => {
                    log::log!(if notice.up { log::Level::Info } else { log::Level::Warn }, "{notice}");
                    self.options.outlet.put(&(&notice).into());
                }
                Step::Failed { target, reason } => log::info!("{target}: a check failed: {reason}"),
                Step::Unknown { target, reason } => {
                    let event = Event::unknown(&target, &reason);
                    log::warn!("{event}");
                    self.options.outlet.put(&event);
                }
            }
        }
        self.write();
        if !self.ready && self.lost.is_none() {
            self.ready = true;
            self.options.outlet.put(&Event::ready("check"));
        }
        for run in runs {
            // Nobody runs commands any more when everything ends.
            let _ = self.commands.send(run);
        }
        for start in starts {
            self.start(start);
        }
    }

    /// Makes the kernel's table as it should be, where it may not be.
    fn write(&mut self) {
        if self.dirty.is_empty() || self.lost.is_some() {
            return;
        }
        let (hidden, pools) = (&self.hidden, self.engine.pools());
        let wanted = |key: &ServiceKey| hidden.effective(key, pools).or_else(|| pools.effective(key));
        let dirty = &self.dirty;
        // As soon as something of ours is different, all of the service is made as it should be.
        self.ignored.retain(|key, was| !dirty.contains(key) || wanted(key) == *was);
        self.dirty.retain(|key| !self.ignored.contains_key(key));
        let works = |service: &ServiceKey, server: &ServerKey| pools.may_work(service, server);
        match self.keeper.write(&self.dirty, wanted, works) {
            Ok(()) => self.dirty.clear(),
            Err(error) => self.lose(&error),
        }
        self.keeper.settle();
    }

    pub(super) fn lose(&mut self, error: &dyn std::error::Error) {
        if self.lost.is_none() {
            log::error!("cannot talk to the kernel's IPVS: {error}; this is tried again");
        }
        self.lost = Some(now() + RECONNECT);
    }

    /// Compares the next few services with the kernel's.
    fn compare(&mut self) {
        match self.lost {
            Some(again) if now() < again => return,
            Some(_) => match self.find_again() {
                Ok(()) => self.lost = None,
                Err(error) => return self.lose(&error),
            },
            None => {}
        }
        if self.step == 0 {
            let mut all = self.ours();
            match self.others() {
                Ok(others) => all.extend(others),
                Err(error) => return self.lose(&error),
            }
            self.at_once = all.len().div_ceil(STEPS);
            self.turns = all.into_iter().collect();
        }
        self.step = (self.step + 1) % STEPS;
        for _ in 0..self.at_once.max(1) {
            let Some(key) = self.keeper.next_stale().or_else(|| self.turns.pop_front()) else { break };
            match self.keeper.read(key) {
                Ok(Some((known, kernel))) => self.found(key, &known, &kernel),
                Ok(None) => {}
                Err(error) => return self.lose(&error),
            }
            // What was refused is tried again, too. What was deleted meanwhile, and is there again, is somebody else's.
            let refused = self.keeper.refusal(&Target::Service(key)).is_some();
            if refused || self.engine.pools().has(&key) || self.hidden.contains(&key) {
                self.dirty.insert(key);
            }
        }
        self.update();
    }

    /// Opens the kernel's table once more. What became of the last write is not known, so what is different now is not
    /// somebody else's doing.
    fn find_again(&mut self) -> Result<(), Error> {
        self.keeper.reopen()?;
        self.keeper.learn(self.dirty.iter().copied())?;
        log::info!("the kernel's IPVS can be talked to again");
        Ok(())
    }

    /// The services that this process has to do with: with those that checks wait for, if they may come by themselves.
    fn ours(&self) -> IndexSet<ServiceKey> {
        let pools = self.engine.pools();
        let awaited = pools.idle().map(|check| check.service).filter(|key| self.policy(key) == Foreign::Adopt);
        pools.services().chain(awaited).chain(self.hidden.keys()).collect()
    }

    /// The services that somebody else made and that are to be adopted. Of others it is said once that they are there.
    fn others(&mut self) -> Result<Vec<ServiceKey>, crate::ipvs::Error> {
        if self.options.owns != Owns::Whole {
            return Ok(Vec::new());
        }
        let mut others = self.keeper.keys()?;
        others.retain(|key| !self.engine.pools().has(key) && !self.hidden.contains(key));
        let strange: Vec<_> = others.extract_if(.., |key| self.policy(key) != Foreign::Adopt).collect();
        self.strange.retain(|key| strange.contains(key));
        for key in strange {
            if self.strange.insert(key) {
                log::warn!("somebody made the service {key}, which is left to them");
            }
        }
        Ok(others)
    }

    /// Sees to it that the kernel can be talked to.
    ///
    /// # Errors
    /// It cannot.
    pub(super) fn be_connected(&mut self) -> Result<(), Error> {
        if self.lost.is_some() {
            self.find_again().map_err(|_| Error::Lost)?;
            self.lost = None;
        }
        Ok(())
    }

    /// Begins a probe.
    fn start(&mut self, start: Start) {
        let Start { id, probe } = start;
        let answers = self.answers.0.clone();
        // Nobody waits for it any more when everything ends.
        let reply = move |answer| _ = answers.send((id, answer));
        let probe = match self.hidden.behind(&probe) {
            None => probe,
            Some((key, _)) if !self.keeper.known().services.contains_key(&key) => {
                // Without it the probe would be forwarded as anybody's connection, to any server.
                let reason = format!("the hidden service {key} is not in the kernel's table");
                return reply(own_answer(Verdict::Unknown(reason)));
            }
            Some((_, server)) => match with_source(&probe, server) {
                Some(probe) => probe,
                None => {
                    let reason = format!("there is no route to {}", server.address);
                    let failure = Failure { kind: FailureKind::Unreachable, reason, evidence: Vec::new() };
                    return reply(own_answer(Verdict::Bad(failure)));
                }
            },
        };
        let context = Rc::clone(&self.context);
        tokio::task::spawn_local(async move { reply(ask(&probe, &context).await) });
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Status(reply) => {
                let mut status = self.engine.status(now());
                status.table = self.keeper.status.clone();
                status.idle.extend(self.idle.iter().map(idle_status));
                // Who asked may have gone.
                let _ = reply.send(status);
            }
            Order::Replace(settings, reply) => {
                let replaced = self.replace(*settings, Vec::new());
                let _ = reply.send(replaced.map(|()| self.warnings(&Scope::All)));
            }
            Order::Reload(reload, reply) => _ = reply.send(self.reload(reload)),
            Order::Table(only, reply) => _ = reply.send(self.operator(only)),
            Order::Apply { changes, each, by, reply } => _ = reply.send(self.apply(&changes, each, &by)),
            Order::Turn { places, wanted, by, reply } => _ = reply.send(self.turn_servers(places, &wanted, &by)),
            Order::Change(change) => {
                self.take(std::slice::from_ref(&change), false);
                self.remember(&[change]);
            }
            Order::Session { name, up } => self.engine.session(now(), &name, up),
        }
    }

    /// Goes on with what another layer makes of the operator's table.
    fn reload(&mut self, Reload { layer, after }: Reload) -> Result<Vec<String>, Error> {
        let After { changes, scope, operator } = after(self.engine.pools());
        let Layered { settings, idle, faults } = layer.over(operator, scope);
        if !faults.is_empty() {
            return Err(Error::Settings(faults));
        }
        self.replace(settings, idle)?;
        self.layer = Some(layer);
        self.remember(&changes);
        Ok(self.warnings(&Scope::All))
    }

    /// Goes on with another table of the operator's for these services, and with what is said of their servers.
    pub(super) fn lay_over(&mut self, table: Table, services: HashSet<ServiceKey>) -> Result<Vec<String>, Error> {
        let Some(layer) = self.layer.clone() else { return Ok(Vec::new()) };
        let scope = Scope::Only(services);
        let Layered { settings, idle, faults } = layer.over(table, scope.clone());
        self.replace(settings, idle)?;
        // Whoever added the server has done so already.
        Ok(self.warnings(&scope).into_iter().chain(faults).collect())
    }

    /// Returns what a person should know of what is said of these services.
    fn warnings(&self, scope: &Scope) -> Vec<String> {
        let idle = self.idle.iter().filter(|(service, _)| scope.has(service));
        self.engine.pools().warnings(scope).into_iter().chain(idle.map(idle_warning)).collect()
    }

    fn replace(&mut self, mut settings: Settings, idle: Vec<IdleCheck>) -> Result<(), Error> {
        check_commands(&settings, &self.user)?;
        let others = self.engine.pools().checks().filter(|check| !settings.scope.has(&check.service));
        let most = limits::probes_at_once(others.count() + settings.checks.len())?;
        let before: Vec<_> = self.hidden.keys().collect();
        let mut hidden = self.hidden.clone();
        hidden.assign(&mut settings.checks, &settings.scope, || self.keeper.marks())?;
        let new = settings.operator.services.keys().filter(|key| !self.keeper.known().services.contains_key(*key));
        let new: Vec<_> = new.copied().collect();
        self.keeper.learn(new)?;
        self.hidden = hidden;
        self.idle.retain(|(service, _)| !settings.scope.has(service));
        self.idle.extend(idle);
        self.engine.set_most(most);
        self.engine.replace(now(), settings, self.keeper.known());
        self.dirty.extend(before);
        self.dirty.extend(self.hidden.keys());
        self.look_for_addresses();
        Ok(())
    }

    /// Tells the engine which of the addresses that checks depend on are here.
    fn look_for_addresses(&mut self) {
        let wanted = self.engine.pools().addresses();
        if wanted.is_empty() {
            self.addresses.clear();
            return;
        }
        let here = match addresses() {
            Ok(here) => here,
            Err(errno) => return log::warn!("cannot list the addresses of this host: {}", errno.desc()),
        };
        let before = std::mem::take(&mut self.addresses);
        for address in wanted {
            let present = here.contains(&address);
            match (before.get(&address), present) {
                (Some(true) | None, true) => {}
                (Some(false), true) => log::info!("the address {address} is here: checks that depend on it wake up"),
                (Some(true) | None, false) => log::info!("the address {address} is not here: its checks sleep"),
                (Some(false), false) => {}
            }
            self.engine.address(now(), address, present);
            self.addresses.insert(address, present);
        }
    }

    /// Returns the servers that the kernel does not have as the operator wants them, as he does and as it has them; among the
    /// latter those that he did not ask for, too.
    fn left(&self) -> (Table, Table) {
        let pools = self.engine.pools();
        let (mut operator, mut kernel) = (Table::default(), Table::default());
        for held in pools.held(None) {
            let wanted = pools.operator_server(&held.service, &held.server);
            let there =
                self.keeper.known().services.get(&held.service).and_then(|entry| entry.servers.get(&held.server));
            for (table, server) in [(&mut operator, wanted), (&mut kernel, there.copied())] {
                let Some(service) = pools.operator_service(&held.service) else { continue };
                let entry = table.services.entry(held.service);
                let entry = entry.or_insert_with(|| Entry { service, servers: Default::default() });
                entry.servers.extend(server.map(|server| (server.key, server)));
            }
        }
        for (key, entry) in &self.keeper.known().services {
            let sorry = entry.servers.values().find(|server| pools.is_sorry_server(key, &server.key));
            if let Some(sorry) = sorry {
                let new = || Entry { service: entry.service.clone(), servers: Default::default() };
                operator.services.entry(*key).or_insert_with(new);
                kernel.services.entry(*key).or_insert_with(new).servers.insert(sorry.key, *sorry);
            }
        }
        (operator, kernel)
    }

    /// Leaves the table as it is, but for hidden services; or, if it was asked to end, as its options say.
    pub(super) fn end(&mut self, stop: Stop) {
        self.engine.finish();
        self.work(now());
        let asked = stop == Stop::Asked;
        let restored = (self.options.restore_table && asked).then(|| self.engine.pools().operator_table());
        // With keepalived's rules nothing of the file stays.
        let removed =
            (self.options.whole_file.is_some() && asked).then(|| self.engine.pools().services().collect::<Vec<_>>());
        let keys: IndexSet<ServiceKey> = match &restored {
            Some(table) => table.services.keys().copied().chain(self.hidden.keys()).collect(),
            None => removed.into_iter().flatten().chain(self.hidden.keys()).collect(),
        };
        let wanted = |key: &ServiceKey| restored.as_ref().and_then(|table| table.services.get(key).cloned());
        let (operator, kernel) = match restored {
            Some(_) => Default::default(),
            None => self.left(),
        };
        self.memory.leave(&operator, &kernel);
        if let Err(error) = self.keeper.write(&keys, wanted, |_, _| false) {
            log::error!("cannot leave the kernel's table as it should be: {error}");
        }
    }
}

/// Says of a check of all servers that there are none.
pub(super) fn idle_warning((service, probe): &IdleCheck) -> String {
    format!("the {probe} check of all servers of {service} is idle: the table has none")
}

fn check_commands(settings: &Settings, user: &User) -> Result<(), Error> {
    let faults = commands::faults(settings, user);
    if faults.is_empty() { Ok(()) } else { Err(Error::Commands(faults)) }
}

/// Returns the hidden services that a process which was killed has left behind, having read them.
fn leftovers(keeper: &mut Keeper, first: u32) -> Result<IndexSet<ServiceKey>, Error> {
    // Marks below are those of another process, which was told so.
    let ours = |key: &ServiceKey| matches!(key, ServiceKey::Mark { mark, .. } if *mark >= first);
    let left: IndexSet<ServiceKey> = keeper.hidden()?.into_iter().filter(ours).collect();
    keeper.learn(left.iter().copied())?;
    Ok(left)
}

/// Returns the probe with the address that this host has towards the server; `None` without a route to it.
fn with_source(probe: &Arc<Probe>, server: ServerKey) -> Option<Arc<Probe>> {
    if probe.connection.source.is_some() || server.address.is_ipv4() != probe.target.is_ipv4() {
        return Some(Arc::clone(probe));
    }
    let mut probe = Probe::clone(probe);
    probe.connection.source = Some(hidden::source_towards(server.address)?);
    Some(Arc::new(probe))
}

fn own_answer(verdict: Verdict) -> Answer {
    Answer { verdict, took: Duration::ZERO }
}

/// Returns the addresses of this host.
fn addresses() -> Result<HashSet<IpAddr>, Errno> {
    let address = |each: nix::ifaddrs::InterfaceAddress| {
        let storage = each.address?;
        let v4 = storage.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    };
    Ok(getifaddrs()?.filter_map(address).collect())
}
