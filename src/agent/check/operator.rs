//! The operator's table while it is kept: changes that people ask for, changes that others made to the kernel's, servers that
//! drain. A change goes to the operator's table, from there to the effective one, from there to the kernel's; if the kernel
//! refuses it, it was never made.

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexSet;
use nix::errno::Errno;

use super::{Error, Foreign, Operator, Owns, WantedTurn, process::Process};
use crate::{
    agent::{
        control::{Already, Applied, Drained, Place, Refused},
        event::{Author, Event, Subject},
    },
    ipvs::plan::{Extra, plan, undo},
    model::{Change, Conflict, Moment, ServerKey, ServiceKey, Table, Target},
    pool::{
        drain::{Drain, Left, Turn},
        foreign_changes,
        ramp::Ramp,
    },
    sys::clock::now,
};

/// So many servers that were deleted when they had drained are kept in mind, for who waits for that.
const MOST_EMPTIED: usize = 4096;

/// So many changes at once are said one by one.
const MOST_SAID: usize = 10;

/// Changes that were refused, by their index: the error number, and what the kernel said beside it.
type Refusals = BTreeMap<usize, (Errno, Option<String>)>;

impl Process {
    /// Returns the operator's table, or one service of it, as others have left it.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn operator(&mut self, only: Option<ServiceKey>) -> Result<Operator, Error> {
        self.be_connected()?;
        match only {
            Some(key) => self.refresh([key])?,
            None => {
                let keys = self.keeper.keys()?.into_iter().chain(self.engine.pools().services());
                let keys: IndexSet<ServiceKey> = keys.collect();
                self.refresh(keys)?;
            }
        }
        self.work(now());
        let pools = self.engine.pools();
        let table = match only {
            Some(key) => self.part([key]),
            None => pools.operator_table(),
        };
        let gone = |(service, server): &&(ServiceKey, ServerKey)| {
            only.is_none_or(|only| only == *service) && pools.operator_server(service, server).is_none()
        };
        Ok(Operator { table, held: pools.held(only), emptied: self.emptied.iter().filter(gone).copied().collect() })
    }

    /// Makes changes of services and servers: all of them or none, or `each` by itself.
    ///
    /// # Errors
    /// The kernel cannot be talked to. What it refuses is no error.
    pub(super) fn apply(&mut self, changes: &[Change], each: bool, by: &Author) -> Result<Applied, Error> {
        self.be_connected()?;
        let asked = self.spelled_out(changes)?;
        let keys: IndexSet<ServiceKey> = asked.iter().filter_map(|(_, change)| change.target().service()).collect();
        self.refresh(keys.iter().copied())?;
        let strange = keys.iter().any(|key| !self.engine.pools().has(key));
        let there: HashSet<ServiceKey> =
            if strange { self.keeper.keys()?.into_iter().collect() } else { HashSet::new() };
        let pools = self.engine.pools();
        let free = |key: &ServiceKey| self.options.owns == Owns::Whole && !there.contains(key);
        let ours =
            |(_, change): &(usize, Change)| change.target().service().is_some_and(|key| pools.has(&key) || free(&key));
        let (ours, others): (Vec<_>, Vec<_>) = asked.into_iter().partition(ours);

        let mut refused = Refusals::new();
        let back = self.pass_on(&others, &mut refused)?;
        if each || refused.is_empty() {
            self.put(&ours, each, &mut refused);
        }
        if !each && !refused.is_empty() {
            self.keeper.pass_on(&back)?;
        }
        if self.lost.is_some() {
            return Err(Error::Lost);
        }
        let done = if each || refused.is_empty() { changes.len() - refused.len() } else { 0 };
        if done > 0 {
            let done = changes.iter().enumerate().filter(|(index, _)| !refused.contains_key(index));
            self.say_asked(done.map(|(_, change)| change), by);
        }
        let refusal =
            |(index, (errno, said)): (usize, (Errno, Option<String>))| Refused { index, errno: errno as i32, said };
        Ok(Applied { refused: refused.into_iter().map(refusal).collect(), done })
    }

    /// Says which changes were asked for and made; of many, how many.
    fn say_asked<'a>(&self, changes: impl Iterator<Item = &'a Change> + Clone, by: &Author) {
        let count = changes.clone().count();
        let text = format!("{count} changes of the table were asked for");
        let events: Vec<Event> = match count {
            0..=MOST_SAID => changes.map(Event::asked).collect(),
            _ => vec![Event::now(Subject::Process("check".to_owned()), "changed", text)],
        };
        for event in events.into_iter().map(|event| event.by(by)) {
            log::info!("{event}");
            self.options.outlet.put(&event);
        }
    }

    /// Puts each change beside its index, and in the place of a `Clear` the deletion of every service.
    fn spelled_out(&mut self, changes: &[Change]) -> Result<Vec<(usize, Change)>, Error> {
        let mut asked = Vec::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            if *change != Change::Clear {
                asked.push((index, change.clone()));
                continue;
            }
            let made = asked.iter().filter_map(|(_, change)| match change {
                Change::AddService(service) => Some(service.key),
                _ => None,
            });
            let keys: IndexSet<ServiceKey> =
                self.keeper.keys()?.into_iter().chain(self.engine.pools().services()).chain(made).collect();
            asked.extend(keys.into_iter().map(|key| (index, Change::DeleteService(key))));
        }
        Ok(asked)
    }

    /// Makes changes of services that are not this process's; returns the way back.
    fn pass_on(&mut self, others: &[(usize, Change)], refused: &mut Refusals) -> Result<Vec<Change>, Error> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let mut before = Table::default();
        let keys: IndexSet<ServiceKey> = others.iter().filter_map(|(_, change)| change.target().service()).collect();
        for key in keys {
            before.services.extend(self.keeper.peek(&key)?.map(|entry| (key, entry)));
        }
        let changes: Vec<Change> = others.iter().map(|(_, change)| change.clone()).collect();
        let mut failed = HashSet::new();
        for refusal in self.keeper.pass_on(&changes)? {
            let Some((index, _)) = others.get(refusal.index) else { continue };
            failed.insert(refusal.index);
            refused.insert(*index, (refusal.errno, refusal.said));
        }
        let done = changes.into_iter().enumerate().filter(|(at, _)| !failed.contains(at));
        let done: Vec<Change> = done.map(|(_, change)| change).collect();
        Ok(undo(&before, &done))
    }

    /// Makes changes of services of ours; what the kernel refuses is taken back, and so is what depends on it.
    fn put(&mut self, asked: &[(usize, Change)], each: bool, refused: &mut Refusals) {
        let keys: IndexSet<ServiceKey> = asked.iter().filter_map(|(_, change)| change.target().service()).collect();
        let before = self.part(keys.iter().copied());
        keys.iter().for_each(|key| _ = self.ignored.remove(key));
        self.keeper.tries = true;
        // Each round either ends it or refuses one more.
        loop {
            let mut wanted = before.clone();
            for (index, change) in asked {
                if refused.contains_key(index) {
                    continue;
                }
                if let Err(errno) = fits(&mut wanted, change) {
                    refused.insert(*index, (errno, None));
                }
            }
            if !each && !refused.is_empty() {
                wanted = before.clone();
            }
            let have = self.part(keys.iter().copied());
            let changes: Vec<Change> = plan(&have, &wanted, Extra::Delete).collect();
            self.take(&changes, false);
            self.work(now());
            let known = refused.len();
            for (index, change) in asked.iter().filter(|(_, change)| !deletes(change)) {
                let refusal = self.keeper.refusal(&change.target()).filter(|_| !refused.contains_key(index));
                if let Some(refusal) = refusal.map(|refusal| (refusal.errno, refusal.said.clone())) {
                    refused.insert(*index, refusal);
                }
            }
            if refused.len() == known || changes.is_empty() {
                break;
            }
        }
        self.keeper.tries = false;
        if self.lost.is_some() {
            // What the kernel has of it is found out later, and is to be as before.
            let have = self.part(keys.iter().copied());
            self.take(&plan(&have, &before, Extra::Delete).collect::<Vec<_>>(), false);
        }
        let after = self.part(keys.iter().copied());
        self.remember(&plan(&before, &after, Extra::Delete).collect::<Vec<_>>());
    }

    /// Takes changes of the operator's table; `in_kernel` if they were made there. A server that is checked because of what
    /// is said of all servers is checked from the beginning; one that serves already is so in a moment.
    pub(super) fn take(&mut self, changes: &[Change], in_kernel: bool) {
        let concerned = |key: &ServiceKey| self.layer.as_ref().is_some_and(|layer| layer.concerns(key));
        let added = changes.iter().any(|change| matches!(change, Change::AddServer(key, _) if concerned(key)));
        let outdated = changes.iter().filter_map(|change| match change {
            Change::AddServer(key, _) | Change::DeleteServer(key, _) | Change::DeleteService(key) => Some(*key),
            _ => None,
        });
        let outdated: Vec<_> = outdated.filter(concerned).collect();
        if added && !in_kernel {
            let services: HashSet<ServiceKey> = changes.iter().filter_map(|change| change.target().service()).collect();
            let mut table = self.engine.pools().operator_part(&services);
            changes.iter().for_each(|change| impose(&mut table, change));
            match self.lay_over(table, services) {
                Ok(warnings) => return warnings.iter().for_each(|warning| log::warn!("{warning}")),
                Err(error) => log::error!("{error}; what was added is not checked"),
            }
        }
        self.outdated.extend(outdated);
        for change in changes {
            self.engine.operator(now(), change, in_kernel);
        }
    }

    /// Lays what is said of all servers over the table again, if that got other servers since.
    pub(super) fn update(&mut self) {
        let services = std::mem::take(&mut self.outdated);
        if services.is_empty() {
            return;
        }
        match self.lay_over(self.engine.pools().operator_part(&services), services) {
            Ok(warnings) => warnings.iter().for_each(|warning| log::warn!("{warning}")),
            Err(error) => log::error!("{error}; what was added is not checked"),
        }
    }

    /// Notes changes of the operator's table for a process that comes after this one.
    pub(super) fn remember(&mut self, changes: &[Change]) {
        let pools = self.engine.pools();
        self.memory.note(changes, || pools.operator_table());
        // Who comes back after it was deleted does not drain.
        if self.memory.outlives(changes) {
            self.memory.write_turns(pools.turned());
        }
    }

    /// Reads these services, and takes what others changed; of those that are not ours only what is to be adopted.
    fn refresh(&mut self, keys: impl IntoIterator<Item = ServiceKey>) -> Result<(), Error> {
        for key in keys {
            let adopts = self.options.owns == Owns::Whole && self.policy(&key) == Foreign::Adopt;
            if !self.engine.pools().has(&key) && !adopts || self.hidden.contains(&key) {
                continue;
            }
            if let Some((known, kernel)) = self.keeper.read(key)? {
                self.found(key, &known, &kernel);
                self.dirty.insert(key);
            }
        }
        Ok(())
    }

    /// What becomes of others' changes to a service.
    pub(super) fn policy(&self, key: &ServiceKey) -> Foreign {
        self.engine.pools().foreign(key).unwrap_or(self.options.foreign)
    }

    /// Takes what somebody else changed.
    pub(super) fn found(&mut self, key: ServiceKey, known: &Table, kernel: &Table) {
        if self.hidden.contains(&key) {
            return;
        }
        let changes = foreign_changes(self.engine.pools(), known, kernel);
        if changes.is_empty() {
            return;
        }
        let count = changes.len() as u64;
        self.keeper.status.foreign += count;
        let policy = self.policy(&key);
        let counter = match policy {
            Foreign::Adopt => &mut self.keeper.status.adopted,
            Foreign::Restore => &mut self.keeper.status.restored,
            Foreign::Ignore => &mut self.keeper.status.ignored,
        };
        *counter += count;
        for change in &changes {
            let event = Event::foreign(change, policy);
            log::log!(if policy == Foreign::Adopt { log::Level::Info } else { log::Level::Warn }, "{event}");
            self.options.outlet.put(&event);
        }
        match policy {
            Foreign::Adopt => {
                self.take(&changes, true);
                self.remember(&changes);
            }
            Foreign::Restore => {}
            Foreign::Ignore => {
                self.ignored.insert(key, self.engine.pools().effective(&key));
            }
        }
    }

    /// Has servers drain, or not any more.
    pub(super) fn turn_servers(
        &mut self,
        places: Vec<(ServiceKey, ServerKey)>,
        wanted: &WantedTurn,
        by: &Author,
    ) -> Drained {
        let at = now();
        let mut answer = Drained::default();
        for place in places {
            let before = match self.engine.pools().turn_of(&place) {
                Some(Turn::Drain(drain)) => Some(drain.clone()),
                _ => None,
            };
            let turn = match wanted {
                WantedTurn::Drain { owner, delete, timeout } => Some(Turn::Drain(match before {
                    Some(drain) => {
                        answer.already.push(Already {
                            place: Place::new(&place.0, &place.1),
                            owner: drain.owner.clone(),
                            since_ms: u64::try_from(at.since(drain.since).as_millis()).unwrap_or(u64::MAX),
                        });
                        drain.again(*delete)
                    }
                    None => Drain {
                        since: at,
                        owner: owner.clone(),
                        delete: *delete,
                        until: timeout.map(|timeout| at + timeout),
                        left: None,
                        over: false,
                    },
                })),
                WantedTurn::Back(_)
                    if before.is_none() && self.engine.pools().operator_server(&place.0, &place.1).is_some() =>
                {
                    continue;
                }
                WantedTurn::Back(ramp) if ramp.is_zero() => None,
                WantedTurn::Back(ramp) => Some(Turn::Ramp(Ramp::new(at, *ramp))),
            };
            self.emptied.retain(|emptied| *emptied != place);
            match self.engine.turn_server(at, place, turn) {
                Some(false) => {}
                Some(true) => {
                    answer.changed += 1;
                    self.say_turn(&place, wanted, by);
                }
                None => answer.missing.push(Place::new(&place.0, &place.1)),
            }
        }
        self.memory.write_turns(self.engine.pools().turned());
        self.work(now());
        answer
    }

    fn say_turn(&self, place: &(ServiceKey, ServerKey), wanted: &WantedTurn, by: &Author) {
        let target = Target::Server(place.0, place.1);
        let (what, text, owner) = match wanted {
            WantedTurn::Drain { owner, .. } => ("drain", format!("{target} drains"), owner.clone()),
            WantedTurn::Back(_) => ("undrain", format!("{target} gets new connections again"), None),
        };
        let event = Event::now((&target).into(), what, text).by(by);
        let event = match owner {
            Some(owner) => event.because(format_args!("{owner} asked for it")),
            None => event,
        };
        log::info!("{event}");
        self.options.outlet.put(&event);
    }

    /// Counts the connections of servers that drain; those that have drained are said, and deleted if that is asked for.
    pub(super) fn count_left(&mut self, at: Moment) {
        if self.lost.is_some() {
            return;
        }
        let draining = |(service, server, turn): (ServiceKey, ServerKey, &Turn)| match turn {
            Turn::Drain(drain) if !drain.over || drain.delete => Some((service, server, drain.delete)),
            _ => None,
        };
        let draining: Vec<_> = self.engine.pools().turned().filter_map(draining).collect();
        let (mut deletions, mut news) = (Vec::new(), false);
        let mut counted = None;
        for (service, server, delete) in draining {
            if counted.as_ref().is_none_or(|(key, _)| *key != service) {
                match self.keeper.connections(&service) {
                    Ok(found) => counted = Some((service, found)),
                    Err(error) => return self.lose(&error),
                }
            }
            let left = match counted.as_ref().and_then(|(_, found)| found.get(&server)) {
                Some(left) => *left,
                // Somebody deleted it, with what it had: that is no drain's doing, and is found out when tables are compared.
                None if self.should_be_there(&service, &server) => continue,
                None => Left::default(),
            };
            if self.engine.count_left(at, (service, server), left) {
                let target = Target::Server(service, server);
                let event = Event::now((&target).into(), "drained", format_args!("{target} has drained"));
                log::info!("{event}");
                self.options.outlet.put(&event);
                news = true;
            }
            let over =
                matches!(self.engine.pools().turn_of(&(service, server)), Some(Turn::Drain(drain)) if drain.over);
            if over && delete {
                deletions.push(Change::DeleteServer(service, server));
                self.emptied.push_back((service, server));
            }
        }
        let surplus = self.emptied.len().saturating_sub(MOST_EMPTIED);
        self.emptied.drain(..surplus);
        self.take(&deletions, false);
        self.remember(&deletions);
        if news || !deletions.is_empty() {
            self.memory.write_turns(self.engine.pools().turned());
        }
    }

    /// Whether the kernel is to have a server: one that is down may be out.
    fn should_be_there(&self, service: &ServiceKey, server: &ServerKey) -> bool {
        self.engine.pools().effective(service).is_some_and(|entry| entry.servers.contains_key(server))
    }

    /// Returns these services of the operator's table.
    fn part(&self, keys: impl IntoIterator<Item = ServiceKey>) -> Table {
        let pools = self.engine.pools();
        let services = keys.into_iter().filter_map(|key| Some((key, pools.operator_entry(&key)?)));
        Table { services: services.collect(), ..Table::default() }
    }
}

fn deletes(change: &Change) -> bool {
    matches!(change, Change::DeleteService(_) | Change::DeleteServer(..))
}

/// Applies a change as the kernel would, also where it does not get to see it, because the server is down.
fn fits(table: &mut Table, change: &Change) -> Result<(), Errno> {
    if let Change::AddServer(key, server) | Change::EditServer(key, server) = change
        && table.services.contains_key(key)
        && server.thresholds.lower > server.thresholds.upper
    {
        return Err(Errno::ERANGE);
    }
    table.apply(change).map_err(|conflict| match conflict {
        Conflict::ServiceExists | Conflict::ServerExists | Conflict::DaemonExists => Errno::EEXIST,
        Conflict::NoSuchService | Conflict::NoSuchDaemon => Errno::ESRCH,
        Conflict::NoSuchServer => Errno::ENOENT,
    })
}

/// Applies a change to a table that need not be as the change expects it.
pub(super) fn impose(table: &mut Table, change: &Change) {
    let instead = match (table.apply(change), change) {
        (Err(Conflict::ServiceExists), Change::AddService(service)) => Change::EditService(service.clone()),
        (Err(Conflict::NoSuchService), Change::EditService(service)) => Change::AddService(service.clone()),
        (Err(Conflict::ServerExists), Change::AddServer(key, server)) => Change::EditServer(*key, *server),
        (Err(Conflict::NoSuchServer), Change::EditServer(key, server)) => Change::AddServer(*key, *server),
        _ => return,
    };
    // It is the other one of the two.
    let _ = table.apply(&instead);
}
