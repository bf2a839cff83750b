//! Transitions that concern a sync group as a whole. An instance without a group is treated as a group of its own.

use std::collections::HashSet;

use super::{Entry, Router};
use crate::vrrp::{
    event::{Cause, InstanceId, Notice, NoticeKind, Output, State, Subject},
    instance::{Obstacle, Retreat, Wish},
};

impl Router {
    /// Returns the members of the group of an instance, itself among them.
    fn members(&self, id: InstanceId) -> Vec<InstanceId> {
        match self.group_of(id) {
            Some(group) => self.groups.get(group).map(|group| group.members.clone()).unwrap_or_default(),
            None => vec![id],
        }
    }

    fn group_of(&self, id: InstanceId) -> Option<usize> {
        self.machines.get(&id).and_then(|entry| entry.group)
    }

    /// Returns `cause` for the member that began, and for others that their group takes them along.
    fn cause_for(&self, id: InstanceId, origin: InstanceId, cause: &Cause) -> Cause {
        if id == origin {
            return cause.clone();
        }
        let member = self.instance(origin).map(|settings| settings.name.clone()).unwrap_or_default();
        Cause::Group { member }
    }

    /// Does what an instance wishes, as far as its group allows.
    pub(super) fn fulfil(&mut self, id: InstanceId, wish: Wish) {
        match wish {
            Wish::Rise(cause) => {
                let members = self.members(id);
                let all = members.iter().all(|id| self.machines.get(id).is_some_and(|e| e.machine.wants_master()));
                if all {
                    self.rise(&members, id, &cause);
                }
            }
            Wish::Yield(cause) => self.fall(id, &cause, Retreat::Outranked),
            Wish::Obeyed => {
                let group = self.group_of(id).and_then(|group| self.groups.get(group));
                // Only after a reconfiguration can one member be a backup and another one master.
                if group.is_some_and(|group| group.has_master) {
                    self.fall(id, &Cause::Reconfigured, Retreat::Outranked);
                }
            }
            Wish::AnnounceLower => {
                for other in self.members(id).into_iter().filter(|other| *other != id) {
                    if let Some(entry) = self.machines.get_mut(&other) {
                        entry.machine.announce_lower(&mut self.desk);
                        self.requeue(other);
                    }
                }
            }
        }
    }

    /// Lets all `members` become master. Their first adverts go out before anything that takes time.
    fn rise(&mut self, members: &[InstanceId], origin: InstanceId, cause: &Cause) {
        let rising: Vec<InstanceId> = members
            .iter()
            .copied()
            .filter(|id| self.machines.get(id).is_some_and(|e| !e.machine.is_master()))
            .collect();
        for id in &rising {
            if let Some(entry) = self.machines.get_mut(id) {
                entry.machine.rise(&mut self.desk);
            }
        }
        for id in rising {
            let cause = self.cause_for(id, origin, cause);
            if let Some(entry) = self.machines.get_mut(&id) {
                entry.machine.take(&mut self.desk, cause);
            }
            self.requeue(id);
        }
        self.finish_of(origin, cause);
    }

    /// Lets all members that are master become backups.
    pub(super) fn fall(&mut self, origin: InstanceId, cause: &Cause, retreat: Retreat) {
        for id in self.members(origin) {
            let cause = self.cause_for(id, origin, cause);
            let Some(entry) = self.machines.get_mut(&id) else { continue };
            if entry.machine.is_master() {
                entry.machine.fall(&mut self.desk, cause, retreat);
                self.requeue(id);
            }
        }
        self.finish_of(origin, cause);
    }

    /// Settles these instances, each group once.
    pub(super) fn settle_all(&mut self, ids: &[InstanceId]) {
        let mut settled = HashSet::new();
        for id in ids {
            if self.group_of(*id).is_none_or(|group| settled.insert(group)) {
                self.settle(*id);
            }
        }
    }

    /// Lets the group of an instance begin, fail or recover, going by what keeps its members from taking part.
    pub(super) fn settle(&mut self, id: InstanceId) {
        let members = self.members(id);
        let machine = |router: &Self, id: &InstanceId| router.machines.get(id).map(Entry::facts);
        let facts: Vec<_> = members.iter().filter_map(|id| Some((*id, machine(self, id)?))).collect();
        let fault = facts.iter().find_map(|(id, facts)| match &facts.obstacle {
            Some(Obstacle::Fault(cause)) => Some((*id, cause.clone())),
            _ => None,
        });
        if let Some((origin, cause)) = fault {
            for (id, facts) in facts {
                let cause = match facts.obstacle {
                    Some(Obstacle::Fault(cause)) => cause,
                    _ => self.cause_for(id, origin, &cause),
                };
                let Some(entry) = self.machines.get_mut(&id) else { continue };
                if !matches!(facts.state, State::Fault | State::Stopped) {
                    entry.machine.fail(&mut self.desk, cause);
                    self.requeue(id);
                }
            }
            self.finish_of(origin, &cause);
            return;
        }
        let starting = self.starting.is_some() && !facts.iter().all(|(_, facts)| facts.resumed);
        if starting || facts.iter().any(|(_, facts)| facts.obstacle.is_some()) {
            return;
        }
        // Owners and those who were master begin as masters, if all of the group do.
        let at_once: Option<Vec<Cause>> = facts.iter().map(|(_, facts)| facts.at_once.clone()).collect();
        if let Some(Some(cause)) = at_once.map(|causes| causes.first().cloned()) {
            self.rise(&members, id, &cause);
            return;
        }
        let before = self.desk.outputs.len();
        let mut cause = None;
        for (id, facts) in facts {
            let Some(entry) = self.machines.get_mut(&id) else { continue };
            if matches!(facts.state, State::Init | State::Fault) {
                entry.machine.begin(&mut self.desk);
                self.requeue(id);
                cause = Some(if facts.state == State::Fault { Cause::Recovered } else { Cause::Started });
            }
        }
        let Some(cause) = cause else { return };
        let members_told = self.desk.outputs.len();
        self.finish_of(id, &cause);
        // At their start, keepalived tells of groups first.
        if cause == Cause::Started {
            let of_group = self.desk.outputs.split_off(members_told);
            let of_members = self.desk.outputs.split_off(before);
            self.desk.outputs.extend(of_group.into_iter().chain(of_members));
        }
    }

    /// See the module's head.
    pub(super) fn promote(&mut self, id: InstanceId) {
        let members = self.members(id);
        if !members.iter().all(|id| self.machines.get(id).is_some_and(|entry| entry.machine.runs())) {
            return;
        }
        for id in &members {
            if let Some(entry) = self.machines.get_mut(id) {
                entry.machine.promote(&mut self.desk);
                self.requeue(*id);
            }
        }
        self.rise(&members, id, &Cause::Operator);
    }

    /// See the module's head.
    pub(super) fn demote(&mut self, id: InstanceId) {
        let members = self.members(id);
        if !members.iter().all(|id| self.machines.get(id).is_some_and(|entry| entry.machine.runs())) {
            return;
        }
        for id in members {
            if let Some(entry) = self.machines.get_mut(&id) {
                entry.machine.demote(&mut self.desk);
                self.requeue(id);
            }
        }
        self.finish_of(id, &Cause::Operator);
    }

    /// Tells if the group of an instance entered another state.
    fn finish_of(&mut self, id: InstanceId, cause: &Cause) {
        if let Some(group) = self.group_of(id) {
            self.finish(group, cause);
        }
    }

    /// Tells if a group entered another state.
    pub(super) fn finish(&mut self, group: usize, cause: &Cause) {
        let now = self.desk.now;
        let Some(group) = self.groups.get_mut(group) else { return };
        let states = group.members.iter().filter_map(|id| self.machines.get(id)).map(|entry| entry.machine.state());
        let states: Vec<State> = states.collect();
        if group.update(now, states.into_iter()) {
            let kind = NoticeKind::Entered { state: group.state, cause: cause.clone() };
            let notice = Notice { at: now, subject: Subject::Group(group.name.clone()), kind, priority: 0 };
            self.desk.outputs.push_back(Output::Notice(notice));
        }
    }
}

/// What is looked at in a member before the group decides.
struct Facts {
    state: State,
    obstacle: Option<Obstacle>,
    at_once: Option<Cause>,
    resumed: bool,
}

impl Entry {
    fn facts(&self) -> Facts {
        Facts {
            state: self.machine.state(),
            obstacle: self.machine.obstacle(),
            at_once: self.machine.begins_as_master(),
            resumed: self.machine.is_resumed(),
        }
    }
}
