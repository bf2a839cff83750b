//! All pools of a process: which check belongs where, and what an event means for whom.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::IpAddr,
    sync::Arc,
};

use indexmap::{IndexMap, IndexSet};

use super::{
    CheckId, Output,
    checks::Checks,
    drain::{Left, Turn},
    service::{CheckState, Member, Pool},
    settings::{AtStart, Check, Foreign, Policy, Scope, ServerPolicy, Settings},
};
use crate::{
    check::{
        answer::WeightChange,
        schedule::Health,
        settings::{Initial, Probe},
    },
    model::{Change, Entry, Moment, RealServer, ServerKey, ServiceKey, Table, VirtualService, Weight},
};

/// Outputs for which there is always room.
const KEPT: usize = 64;

/// What pools are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// What a check says now. Ignored while its service sleeps.
    Check {
        /// The check.
        check: CheckId,
        /// Its state.
        health: Health,
        /// What it says of the weight.
        weight: Option<WeightChange>,
        /// Why, in words.
        reason: &'a str,
        /// The first bytes of a wrong answer.
        evidence: &'a [u8],
    },
    /// The operator's table changes. Of what is not about services and servers nothing is known here.
    Operator {
        /// The change. To add what is there edits it; to delete what is not there does nothing.
        change: &'a Change,
        /// Whether the kernel has it already, because it was made there.
        in_kernel: bool,
    },
    /// An address came to this host, or left it.
    Address {
        /// The address.
        address: IpAddr,
        /// Whether it is here.
        present: bool,
    },
}

/// All pools of a process.
#[derive(Clone, Debug, Default)]
pub struct Pools {
    pub(super) checks: Checks,
    pub(super) pools: IndexMap<ServiceKey, Pool>,
    pub(super) policies: HashMap<ServiceKey, Policy>,
    pub(super) server_policies: HashMap<(ServiceKey, ServerKey), ServerPolicy>,
    pub(super) changed: IndexSet<ServiceKey>,
    pub(super) outputs: VecDeque<Output>,
    /// The servers that drain or ramp.
    pub(super) turned: IndexSet<(ServiceKey, ServerKey)>,
}

/// A server that the kernel should not have as the operator wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldServer {
    /// The service.
    pub service: ServiceKey,
    /// The server.
    pub server: ServerKey,
    /// Why: `down`, `untested`, `drained`, `ramp`, `sorry`, `checks`.
    pub why: &'static str,
    /// The weight that it should have; `None` if it should not be there.
    pub weight: Option<Weight>,
}

impl Pools {
    /// Puts a service without servers in the place of the one that was there, and returns that.
    pub(super) fn add_service(&mut self, now: Moment, service: &VirtualService, kernel: &Table) -> Option<Pool> {
        let key = service.key;
        let policy = self.policies.get(&key).cloned().unwrap_or_else(|| Policy::of(key));
        let there = kernel.services.get(&key);
        let held_sorry = policy.sorry.and_then(|sorry| there?.servers.get(&sorry.key).copied());
        let before = self.pools.get(&key);
        let awake = match (policy.suspend_without, before) {
            (None, _) => true,
            (Some(address), Some(before)) if before.policy.suspend_without == Some(address) => before.awake,
            (Some(_), _) => false,
        };
        let since = before.map_or(now, |before| before.since);
        self.changed.insert(key);
        self.pools.insert(key, Pool::new(since, service.clone(), policy, held_sorry, awake))
    }

    pub(super) fn add_server(
        &mut self,
        now: Moment,
        key: ServiceKey,
        server: RealServer,
        held: Option<RealServer>,
        before: Option<&Pool>,
    ) {
        let old = before.and_then(|before| before.members.get(&server.key));
        let checks = self.checks.of(&(key, server.key)).iter().filter_map(|id| {
            let check = self.checks.get(*id)?;
            let known = old.and_then(|old| self.known(old, &check.probe));
            Some(known.map_or_else(
                || CheckState { id: *id, health: Health::at_first(check.schedule.initial), weight: None },
                |known| CheckState { id: *id, ..known.clone() },
            ))
        });
        let policy = self.server_policies.get(&(key, server.key)).cloned();
        let mut member = Member::new(now, server, policy, checks.collect(), held);
        if let Some(old) = old.filter(|old| old.health == member.health) {
            member.since = old.since;
        }
        let Some(pool) = self.pools.get_mut(&key) else { return };
        if let Some(turn) = old.and_then(|old| old.turn.clone()) {
            member.turn = Some(turn);
            self.turned.insert((key, server.key));
        }
        for check in &member.checks {
            self.outputs.push_back(Output::Watch(check.id));
            self.outputs.extend(pool.awake.then_some(Output::Wake(check.id)));
        }
        pool.members.insert(server.key, member);
    }

    /// What a server's check with this probe has found out.
    fn known<'a>(&self, member: &'a Member, probe: &Arc<Probe>) -> Option<&'a CheckState> {
        member.checks.iter().find(|state| self.checks.get(state.id).is_some_and(|check| check.probe == *probe))
    }

    /// Takes an event.
    pub fn handle(&mut self, now: Moment, event: Event<'_>) {
        match event {
            Event::Check { check, health, weight, reason, evidence } => {
                self.handle_check(now, check, (health, weight), reason, evidence);
            }
            Event::Operator { change, in_kernel } => self.handle_operator(now, change, in_kernel),
            Event::Address { address, present } => self.handle_address(address, present),
        }
    }

    fn handle_check(
        &mut self,
        now: Moment,
        id: CheckId,
        (health, weight): (Health, Option<WeightChange>),
        reason: &str,
        evidence: &[u8],
    ) {
        let Some(Check { service, server, .. }) = self.checks.get(id) else { return };
        let Some(pool) = self.pools.get_mut(service).filter(|pool| pool.awake) else { return };
        let states = pool.members.get_mut(server).map(|member| &mut member.checks);
        let Some(state) = states.and_then(|states| states.iter_mut().find(|state| state.id == id)) else { return };
        if (state.health, state.weight) == (health, weight) {
            return;
        }
        (state.health, state.weight) = (health, weight);
        pool.judge(now, *server, reason, evidence, &mut self.outputs);
        pool.decide(now, &mut self.outputs);
        self.changed.insert(*service);
    }

    fn handle_operator(&mut self, now: Moment, change: &Change, in_kernel: bool) {
        match change {
            Change::AddService(service) | Change::EditService(service) => match self.pools.get_mut(&service.key) {
                Some(pool) => pool.service = service.clone(),
                None => _ = self.add_service(now, service, &Table::default()),
            },
            Change::DeleteService(key) => self.remove_service(key),
            Change::AddServer(key, server) | Change::EditServer(key, server) => {
                let Some(pool) = self.pools.get_mut(key) else { return };
                if !pool.edit(*server, in_kernel) {
                    self.add_server(now, *key, *server, in_kernel.then_some(*server), None);
                }
            }
            Change::DeleteServer(key, server) => {
                if let Some(pool) = self.pools.get_mut(key) {
                    pool.remove(server, &mut self.outputs);
                    self.turned.swap_remove(&(*key, *server));
                }
            }
            Change::Clear => {
                self.pools.keys().copied().collect::<Vec<_>>().iter().for_each(|key| self.remove_service(key));
            }
            Change::SetTimeouts(_) | Change::StartDaemon(_) | Change::StopDaemon(_) | Change::Zero(_) => return,
        }
        let Some(key) = change.target().service() else { return };
        if let Some(pool) = self.pools.get_mut(&key) {
            pool.decide(now, &mut self.outputs);
        }
        self.changed.insert(key);
    }

    fn remove_service(&mut self, key: &ServiceKey) {
        let Some(pool) = self.pools.shift_remove(key) else { return };
        self.turned.retain(|(service, _)| service != key);
        pool.finish(&mut self.outputs);
        self.outputs.extend(pool.checks().map(Output::Unwatch));
        self.changed.insert(*key);
    }

    fn handle_address(&mut self, address: IpAddr, present: bool) {
        for pool in self.pools.values_mut().filter(|pool| pool.policy.suspend_without == Some(address)) {
            if pool.awake == present {
                continue;
            }
            pool.awake = present;
            let turned = |id| if present { Output::Wake(id) } else { Output::Rest(id) };
            self.outputs.extend(pool.checks().map(turned));
        }
    }

    /// Has a server drain, ramp, or neither; where weights are no shares, there is no ramp. Returns whether that is new; `None` if
    /// there is no such server.
    pub fn turn_server(&mut self, now: Moment, place: (ServiceKey, ServerKey), turn: Option<Turn>) -> Option<bool> {
        let pool = self.pools.get_mut(&place.0)?;
        let turn = turn.filter(|turn| matches!(turn, Turn::Drain(_)) || pool.shares_by_weight());
        let member = pool.members.get_mut(&place.1)?;
        if member.turn.as_deref() == turn.as_ref() {
            return Some(false);
        }
        member.turn = turn.map(Box::new);
        if member.turn.is_some() {
            self.turned.insert(place);
        } else {
            self.turned.swap_remove(&place);
        }
        pool.decide(now, &mut self.outputs);
        self.changed.insert(place.0);
        Some(true)
    }

    /// Takes the connections of a server that drains. Returns whether it has drained only now.
    pub fn count_left(&mut self, now: Moment, place: (ServiceKey, ServerKey), left: Left) -> bool {
        let member = self.pools.get_mut(&place.0).and_then(|pool| pool.members.get_mut(&place.1));
        match member.and_then(|member| member.turn.as_deref_mut()) {
            Some(Turn::Drain(drain)) => drain.count(now, left),
            _ => false,
        }
    }

    /// Returns what is wanted of a server beside its weight.
    pub fn turn_of(&self, place: &(ServiceKey, ServerKey)) -> Option<&Turn> {
        self.pools.get(&place.0)?.members.get(&place.1)?.turn.as_deref()
    }

    /// Whether this is a service of the operator's table.
    pub fn has(&self, service: &ServiceKey) -> bool {
        self.pools.contains_key(service)
    }

    /// Returns the servers that drain or ramp.
    pub fn turned(&self) -> impl Iterator<Item = (ServiceKey, ServerKey, &Turn)> {
        self.turned.iter().filter_map(|(service, server)| {
            let turn = self.pools.get(service)?.members.get(server)?.turn.as_deref()?;
            Some((*service, *server, turn))
        })
    }

    /// Returns when the next step of a ramp is due.
    pub fn next_timeout(&self) -> Option<Moment> {
        self.turned().filter_map(|(_, _, turn)| if let Turn::Ramp(ramp) = turn { Some(ramp.due()) } else { None }).min()
    }

    /// Takes the steps of ramps that are due.
    pub fn pass(&mut self, now: Moment) {
        if self.next_timeout().is_none_or(|due| due > now) {
            return;
        }
        for place in self.turned.clone() {
            let pool = self.pools.get_mut(&place.0);
            let Some(member) = pool.and_then(|pool| pool.members.get_mut(&place.1)) else { continue };
            let Some(Turn::Ramp(ramp)) = member.turn.as_deref_mut() else { continue };
            if !ramp.pass(now) {
                continue;
            }
            if ramp.is_over() {
                member.turn = None;
                self.turned.swap_remove(&place);
            }
            self.changed.insert(place.0);
        }
    }

    /// Returns the servers that the kernel should not have as the operator wants them; of one service if `only` names it.
    pub fn held(&self, only: Option<ServiceKey>) -> Vec<HeldServer> {
        let mut held = Vec::new();
        for (key, pool) in self.pools.iter().filter(|(key, _)| only.is_none_or(|only| only == **key)) {
            let effective = pool.effective();
            for member in pool.members.values() {
                let placed = effective.servers.get(&member.server.key);
                if placed == Some(&member.server) {
                    continue;
                }
                let why = match member.health {
                    Health::Down => "down",
                    Health::Untested => "untested",
                    Health::Up if member.drains() => "drained",
                    Health::Up if pool.is_sorry() => "sorry",
                    Health::Up if pool.ramps() => "ramp",
                    Health::Up => "checks",
                };
                let weight = placed.map(|server| server.weight);
                held.push(HeldServer { service: *key, server: member.server.key, why, weight });
            }
        }
        held
    }

    /// Returns what becomes of others' changes to a service; `None` if that is not said of it.
    pub fn foreign(&self, service: &ServiceKey) -> Option<Foreign> {
        self.policies.get(service).and_then(|policy| policy.foreign)
    }

    /// Returns one service of the operator's table.
    pub fn operator_entry(&self, key: &ServiceKey) -> Option<Entry> {
        let pool = self.pools.get(key)?;
        let servers = pool.members.iter().map(|(key, member)| (*key, member.server)).collect();
        Some(Entry { service: pool.service.clone(), servers })
    }

    /// Returns what is to be done next, in order; services that changed come last, each once. Gives more after each call
    /// until it gives `None`.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // The begin of many checks is a long list, which is not needed again.
            self.outputs.shrink_to(KEPT);
        }
        output.or_else(|| self.changed.shift_remove_index(0).map(Output::Changed))
    }

    /// Says that all ends: what belongs to that with `omega` is to be done.
    pub fn finish(&mut self) {
        for pool in self.pools.values() {
            pool.finish(&mut self.outputs);
        }
    }

    /// Returns a service as the kernel should have it, `None` if it should not.
    pub fn effective(&self, key: &ServiceKey) -> Option<Entry> {
        self.pools.get(key).map(Pool::effective)
    }

    /// Returns the whole effective table, without timeouts and sync daemons.
    pub fn effective_table(&self) -> Table {
        let services = self.pools.iter().map(|(key, pool)| (*key, pool.effective()));
        Table { services: services.collect(), ..Table::default() }
    }

    /// Returns the operator's table as it is now, with changes that were adopted.
    pub fn operator_table(&self) -> Table {
        self.operator_part(self.pools.keys())
    }

    /// Returns these services of the operator's table.
    pub fn operator_part<'a>(&self, services: impl IntoIterator<Item = &'a ServiceKey>) -> Table {
        let services = services.into_iter().filter_map(|key| Some((*key, self.operator_entry(key)?)));
        Table { services: services.collect(), ..Table::default() }
    }

    /// Returns the services, in the order in which they were added.
    pub fn services(&self) -> impl Iterator<Item = ServiceKey> {
        self.pools.keys().copied()
    }

    /// Returns a service as the operator wants it, without its servers.
    pub fn operator_service(&self, key: &ServiceKey) -> Option<VirtualService> {
        self.pools.get(key).map(|pool| pool.service.clone())
    }

    /// Returns a server as the operator wants it.
    pub fn operator_server(&self, service: &ServiceKey, server: &ServerKey) -> Option<RealServer> {
        self.pools.get(service)?.members.get(server).map(|member| member.server)
    }

    /// Whether this server works or may work, for all that is known.
    pub fn may_work(&self, service: &ServiceKey, server: &ServerKey) -> bool {
        let member = self.pools.get(service).and_then(|pool| pool.members.get(server));
        member.is_some_and(|member| member.health != Health::Down)
    }

    /// Whether this is the sorry server of a service, and not one of the operator's.
    pub fn is_sorry_server(&self, service: &ServiceKey, server: &ServerKey) -> bool {
        let pool = self.pools.get(service).filter(|pool| !pool.members.contains_key(server));
        pool.and_then(|pool| pool.policy.sorry).is_some_and(|sorry| sorry.key == *server)
    }

    /// Returns a check.
    pub fn check(&self, id: CheckId) -> Option<&Check> {
        self.checks.get(id)
    }

    /// Returns the addresses without which some checks sleep.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        self.pools.values().filter_map(|pool| pool.policy.suspend_without).collect()
    }

    /// Returns all checks.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter()
    }

    /// Returns the checks that have nothing to check, because their service or server does not exist.
    pub fn idle(&self) -> impl Iterator<Item = &Check> {
        let exists = |check: &&Check| self.operator_server(&check.service, &check.server).is_some();
        self.checks.iter().filter(move |check| !exists(check))
    }

    /// Returns what a person should know about the settings of these services although they can be carried out: checks and
    /// policies of what does not exist, quorums that cannot be reached.
    pub fn warnings(&self, scope: &Scope) -> Vec<String> {
        let mut warnings: Vec<String> = self
            .idle()
            .filter(|check| scope.has(&check.service))
            .map(|check| {
                let missing = if self.pools.contains_key(&check.service) { "server" } else { "service" };
                format!(
                    "the check of server {} of {} is idle: there is no such {missing} in the table",
                    check.server, check.service
                )
            })
            .collect();
        for policy in self.policies.values().filter(|policy| scope.has(&policy.service)) {
            let key = policy.service;
            let Some(pool) = self.pools.get(&key) else {
                warnings.push(format!("the quorum of {key} is idle: there is no such service in the table"));
                continue;
            };
            let most: u64 = pool.members.values().map(|member| u64::from(member.server.weight.value())).sum();
            let needed = u64::from(policy.quorum) + u64::from(policy.hysteresis);
            if needed > most {
                warnings.push(format!(
                    "{key} cannot gain its quorum back once lost: quorum {} and hysteresis {} make {needed}, \
                     all servers together have weight {most}",
                    policy.quorum, policy.hysteresis
                ));
            }
        }
        warnings.sort_unstable();
        warnings
    }
}

impl Settings {
    /// Has checks begin without a word on servers that the kernel has: for a process that comes after one that died, so
    /// that servers which were out stay out until a check has passed, and nobody is told again of what works.
    pub fn resume(&mut self) {
        for check in self.checks.iter_mut().filter(|check| check.schedule.initial == Initial::Up) {
            Arc::make_mut(&mut check.schedule).initial = Initial::CheckFirst;
        }
        self.policies.iter_mut().for_each(|policy| policy.at_start = AtStart::Nothing);
    }
}
