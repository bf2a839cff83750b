//! The pool of one virtual service: the state of its servers and its quorum → what the kernel should have.

use indexmap::IndexMap;

use super::{
    CheckId, Notice, Output,
    drain::Turn,
    ramp::{self, Ramp},
    settings::{AtStart, Policy, ServerPolicy},
    weight::combine,
};
use crate::{
    check::{answer::WeightChange, schedule::Health},
    host::Command,
    model::{Entry, Moment, RealServer, ServerKey, ServiceKey, Target, VirtualService, Weight},
};

/// One virtual service with its servers as their checks see them.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) service: VirtualService,
    pub(super) policy: Policy,
    pub(super) members: IndexMap<ServerKey, Member>,
    /// Whether there is a quorum; `None` until enough checks have spoken.
    pub(super) quorum: Option<bool>,
    pub(super) since: Moment,
    /// The sorry server as the kernel had it at the start: it stays until the quorum is known.
    held_sorry: Option<RealServer>,
    /// Whether its checks are made: always, or while its address is here.
    pub(super) awake: bool,
}

/// One server of the operator's.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) server: RealServer,
    pub(super) policy: Option<Box<ServerPolicy>>,
    pub(super) checks: Box<[CheckState]>,
    /// How the kernel had it when the first check of it began: it stays so until all checks have spoken.
    held: Option<Box<RealServer>>,
    /// Whether it was there before we came: to find that it works is no news then.
    pub(super) old: bool,
    pub(super) health: Health,
    pub(super) since: Moment,
    /// What the operator wants beside its weight.
    pub(super) turn: Option<Box<Turn>>,
}

/// What one check of a server says.
#[derive(Clone, Debug)]
pub(super) struct CheckState {
    pub(super) id: CheckId,
    pub(super) health: Health,
    pub(super) weight: Option<WeightChange>,
}

impl Member {
    pub(super) fn new(
        now: Moment,
        server: RealServer,
        policy: Option<ServerPolicy>,
        checks: Box<[CheckState]>,
        held: Option<RealServer>,
    ) -> Self {
        let mut member = Self {
            server,
            policy: policy.map(Box::new),
            checks,
            held: held.map(Box::new),
            old: false,
            health: Health::Untested,
            since: now,
            turn: None,
        };
        member.health = member.judged();
        member
    }

    /// A server works if none of its checks has failed, and all have spoken. Without checks it works.
    fn judged(&self) -> Health {
        let any = |health| self.checks.iter().any(|check| check.health == health);
        if any(Health::Down) {
            Health::Down
        } else if any(Health::Untested) {
            Health::Untested
        } else {
            Health::Up
        }
    }

    /// The weight that it has while it serves.
    pub(super) fn weight(&self) -> Weight {
        let changes = self.checks.iter().filter_map(|check| check.weight);
        combine(self.server.weight, changes, self.policy.as_ref().and_then(|policy| policy.weights))
    }

    /// Whether it is to get no new connections.
    pub(super) fn drains(&self) -> bool {
        matches!(self.turn.as_deref(), Some(Turn::Drain(_)))
    }

    pub(super) fn ramp(&self) -> Option<&Ramp> {
        match self.turn.as_deref() {
            Some(Turn::Ramp(ramp)) => Some(ramp),
            _ => None,
        }
    }

    /// What it counts for the quorum.
    fn share(&self) -> u64 {
        match self.health {
            _ if self.drains() => 0,
            Health::Up => self.weight().value().into(),
            Health::Untested => self.held.as_ref().map_or(0, |held| held.weight.value().into()),
            Health::Down => 0,
        }
    }

    fn inhibits(&self, service: &Policy) -> bool {
        self.policy.as_ref().and_then(|policy| policy.inhibit).unwrap_or(service.inhibit)
    }

    /// Whether the kernel gave it connections before we came.
    fn was_serving(&self) -> bool {
        self.old && self.held.as_ref().is_some_and(|held| held.weight != Weight::ZERO)
    }
}

impl Pool {
    /// Returns a pool without servers, its quorum unknown.
    pub(super) fn new(
        now: Moment,
        service: VirtualService,
        policy: Policy,
        held_sorry: Option<RealServer>,
        awake: bool,
    ) -> Self {
        Self { service, policy, members: IndexMap::new(), quorum: None, since: now, held_sorry, awake }
    }

    fn key(&self) -> ServiceKey {
        self.service.key
    }

    /// The checks of its servers.
    pub(super) fn checks(&self) -> impl Iterator<Item = CheckId> {
        self.members.values().flat_map(|member| &member.checks).map(|check| check.id)
    }

    /// Judges a server anew after what one of its checks said, or after an edit; says and does what belongs to a change.
    pub(super) fn judge(
        &mut self,
        now: Moment,
        server: ServerKey,
        reason: &str,
        evidence: &[u8],
        out: &mut impl Extend<Output>,
    ) {
        let key = self.key();
        let Some(member) = self.members.get_mut(&server) else { return };
        let before = member.health;
        member.health = member.judged();
        if member.health == before {
            return;
        }
        member.since = now;
        let up = match member.health {
            // What the kernel had, and what works, has not changed for anybody.
            Health::Up if before == Health::Untested && member.was_serving() => return,
            Health::Up => true,
            Health::Down => false,
            Health::Untested => return,
        };
        let policy = member.policy.as_ref();
        let command = policy.and_then(|policy| if up { policy.up.clone() } else { policy.down.clone() });
        let target = Target::Server(key, server);
        tell(Notice { target, up, reason: reason.to_owned(), evidence: evidence.to_vec() }, command, out);
    }

    /// Says and does what belongs to what works at the start, as far as the policy wants that.
    pub(super) fn tell_of_start(&self, out: &mut impl Extend<Output>) {
        if self.policy.at_start == AtStart::Servers {
            for (key, member) in self.members.iter().filter(|(_, member)| member.health == Health::Up) {
                let target = Target::Server(self.key(), *key);
                let reason = "it counts as up at the start".to_owned();
                let command = member.policy.as_ref().and_then(|policy| policy.up.clone());
                tell(Notice { target, up: true, reason, evidence: Vec::new() }, command, out);
            }
        }
        if self.policy.at_start != AtStart::Nothing && self.quorum == Some(true) {
            self.tell_quorum(true, out);
        }
    }

    fn tell_quorum(&self, up: bool, out: &mut impl Extend<Output>) {
        let target = Target::Service(self.key());
        let reason = format!("weight of working servers {}, quorum {}", self.working(), self.policy.quorum);
        let command = if up { self.policy.quorum_up.clone() } else { self.policy.quorum_down.clone() };
        tell(Notice { target, up, reason, evidence: Vec::new() }, command, out);
    }

    /// Decides the quorum anew; says and does what belongs to a change.
    pub(super) fn decide(&mut self, now: Moment, out: &mut impl Extend<Output>) {
        let before = self.quorum;
        // A service that is being built, one server after the other, has lost nothing yet.
        if before.is_none() && self.members.is_empty() {
            return;
        }
        self.quorum = self.quorum_now();
        let Some(up) = self.quorum.filter(|_| self.quorum != before) else { return };
        self.since = now;
        if before.is_none() && up && self.members.values().any(Member::was_serving) {
            return;
        }
        self.tell_quorum(up, out);
    }

    /// Decides the quorum at the start, when there is nobody to be told of a change.
    pub(super) fn decide_silently(&mut self, before: Option<bool>) {
        self.quorum = before;
        self.quorum = self.quorum_now();
    }

    /// * With a quorum: lost when the weight of working servers is 0 or less than quorum − hysteresis.
    /// * Without: gained when it is at least quorum + hysteresis.
    /// * Not known yet: there is one as soon as servers that have passed make up the quorum; there is none if they do not,
    ///   and no server is untested any more.
    fn quorum_now(&self) -> Option<bool> {
        let working = self.working();
        let quorum = u64::from(self.policy.quorum).max(1);
        let hysteresis = u64::from(self.policy.hysteresis);
        match self.quorum {
            Some(true) => Some(working > 0 && working >= quorum.saturating_sub(hysteresis)),
            Some(false) => Some(working >= quorum + hysteresis),
            None => {
                let untested = |member: &&Member| member.health == Health::Untested;
                let passed: u64 = self.members.values().filter(|member| !untested(member)).map(Member::share).sum();
                match passed >= quorum {
                    true => Some(true),
                    false if self.members.values().any(|member| untested(&member)) => None,
                    false => Some(false),
                }
            }
        }
    }

    /// The weight that counts for the quorum: of servers that work, and of untested ones that the kernel has.
    pub(super) fn working(&self) -> u64 {
        self.members.values().map(Member::share).sum()
    }

    /// Whether the sorry server takes over.
    pub(super) fn is_sorry(&self) -> bool {
        self.quorum == Some(false) && self.policy.sorry.is_some()
    }

    /// Returns the service as the kernel should have it.
    ///
    /// * A server that works has the operator's settings and its weight; one that has failed is not there, or has weight 0
    ///   if it is inhibited; an untested one is as the kernel had it.
    /// * Without a quorum the sorry server, if there is one, stands in for all of them: they are treated as failed.
    /// * With a quorum the sorry server is not there, or has weight 0 if it is inhibited. While the quorum is not known, it
    ///   is as the kernel had it.
    /// * One that drains has weight 0 as long as it works, whoever else serves; while one ramps, all weights are multiplied.
    pub(super) fn effective(&self) -> Entry {
        let mut servers: IndexMap<ServerKey, RealServer> =
            self.members.values().filter_map(|member| self.placed(member)).map(|server| (server.key, server)).collect();
        if self.ramps() {
            let is_growing = |key: &ServerKey| self.members.get(key).is_some_and(|member| member.ramp().is_some());
            let weights = |growing| {
                let those = servers.values().filter(move |server| is_growing(&server.key) == growing);
                those.map(|server| server.weight)
            };
            let factor = ramp::factor(weights(true), weights(false));
            for (key, server) in &mut servers {
                let whole = ramp::multiplied(server.weight, factor);
                let ramp = self.members.get(key).and_then(Member::ramp);
                server.weight = ramp.map_or(whole, |ramp| ramp.part(whole));
            }
        }
        if let Some(sorry) = self.policy.sorry {
            let aside = self.policy.sorry_inhibit.then_some(RealServer { weight: Weight::ZERO, ..sorry });
            // One server may be a sorry server and one of the operator's; as long as nobody is sorry it is the operator's.
            let idle = match self.quorum {
                Some(false) => {
                    servers.insert(sorry.key, sorry);
                    None
                }
                Some(true) => aside,
                None => self.held_sorry,
            };
            let idle = idle.filter(|idle| !self.members.contains_key(&idle.key));
            servers.extend(idle.map(|idle| (idle.key, idle)));
        }
        Entry { service: self.service.clone(), servers }
    }

    /// Whether its weights are those of a slow start.
    pub(super) fn ramps(&self) -> bool {
        self.shares_by_weight() && self.members.values().any(|member| member.ramp().is_some())
    }

    /// Whether a part of its weight is a part of the connections for a server.
    pub(super) fn shares_by_weight(&self) -> bool {
        ramp::weights_are_shares(self.service.scheduler.as_str())
    }

    /// A server as the kernel should have it, `None` if it should not.
    fn placed(&self, member: &Member) -> Option<RealServer> {
        let aside = RealServer { weight: Weight::ZERO, ..member.server };
        match member.health {
            Health::Up if member.drains() => Some(aside),
            Health::Untested if member.drains() => member.held.is_some().then_some(aside),
            Health::Up if !self.is_sorry() => Some(RealServer { weight: member.weight(), ..member.server }),
            Health::Untested if !self.is_sorry() => member.held.as_deref().copied(),
            Health::Untested if member.held.is_none() => None,
            _ => member.inhibits(&self.policy).then_some(aside),
        }
    }

    /// Takes the operator's settings of a server that is in the pool; `in_kernel` if the kernel has them already.
    pub(super) fn edit(&mut self, server: RealServer, in_kernel: bool) -> bool {
        let Some(member) = self.members.get_mut(&server.key) else { return false };
        member.server = server;
        if in_kernel || member.held.is_some() {
            member.held = Some(Box::new(server));
        }
        true
    }

    /// Takes a server out, and does what belongs to that with `omega`.
    pub(super) fn remove(&mut self, server: &ServerKey, out: &mut impl Extend<Output>) {
        let Some(member) = self.members.shift_remove(server) else { return };
        out.extend(member.checks.iter().map(|check| Output::Unwatch(check.id)));
        self.last_rites(&member, out);
    }

    /// Does what belongs to the end of the whole pool with `omega`.
    pub(super) fn finish(&self, out: &mut impl Extend<Output>) {
        for member in self.members.values() {
            self.last_rites(member, out);
        }
        if self.policy.omega && self.quorum == Some(true) {
            tell(of_end(Target::Service(self.key())), self.policy.quorum_down.clone(), out);
        }
    }

    fn last_rites(&self, member: &Member, out: &mut impl Extend<Output>) {
        if self.policy.omega && member.health == Health::Up {
            let command = member.policy.as_ref().and_then(|policy| policy.down.clone());
            tell(of_end(Target::Server(self.key(), member.server.key)), command, out);
        }
    }
}

/// What is said, with `omega`, of something that works when it ends.
fn of_end(target: Target) -> Notice {
    Notice { target, up: false, reason: "it is taken away".to_owned(), evidence: Vec::new() }
}

/// Says something, and has the command run that belongs to it.
fn tell(notice: Notice, command: Option<Command>, out: &mut impl Extend<Output>) {
    let subject = notice.target;
    out.extend([Output::Notice(Box::new(notice))]);
    out.extend(command.map(|command| Output::Run { subject, command: Box::new(command) }));
}
