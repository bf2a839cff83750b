//! Taking other settings while running: what is the same instance stays what it is, whatever it is called.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    time::Duration,
};

use super::{Entry, Router};
use crate::{
    model::{Family, Moment},
    vrrp::{
        event::{Cause, InstanceId, State},
        group::Group,
        instance::Machine,
        settings::{Instance, Settings, SyncGroup, Transport, Vmac, Vrid},
        tracking::tracks_of,
    },
};

/// By what instances of two settings are the same.
#[derive(PartialEq)]
struct Identity<'a> {
    /// The multicast group, or the unicast source.
    address: Option<IpAddr>,
    multicast: bool,
    vmac: &'a Option<Vmac>,
}

fn identity(instance: &Instance) -> Identity<'_> {
    let (multicast, address) = match &instance.transport {
        Transport::Multicast { group, .. } => (true, Some(*group)),
        Transport::Unicast { source, .. } => (false, *source),
    };
    Identity { address, multicast, vmac: &instance.vmac }
}

fn place(instance: &Instance) -> (Vrid, Family, Option<String>) {
    (instance.vrid, instance.family, instance.interface.clone())
}

impl Router {
    /// Takes other settings, which must have been checked. Instances are the same if VRID, family, link, transport (multicast
    /// group or unicast source) and virtual MAC are; their names may change. A master stays master, counters are kept. What is
    /// not in the settings any more gives up ([`NoticeKind::Deleted`]); what is new begins as at start. Afterwards the driver
    /// tells the links of new instances, and of those whose source address has changed; addresses, routes and rules of a master
    /// that changed are the driver's to bring in line.
    ///
    /// [`NoticeKind::Deleted`]: crate::vrrp::event::NoticeKind::Deleted
    pub fn reconfigure(&mut self, now: Moment, settings: &Settings) {
        if self.stopped {
            return;
        }
        self.wake(now);
        self.configure(settings);
    }

    pub(super) fn configure(&mut self, settings: &Settings) {
        let now = self.desk.now;
        let kept = self.match_up(settings);
        self.remove_others(&kept);
        let groups: HashMap<&str, (usize, &SyncGroup)> = settings
            .groups
            .iter()
            .enumerate()
            .flat_map(|(n, group)| group.members.iter().map(move |member| (member.as_str(), (n, group))))
            .collect();
        self.order.clear();
        self.trackers.begin();
        for (instance, kept) in settings.instances.iter().zip(kept) {
            let group = groups.get(instance.name.as_str());
            let tracks = tracks_of(instance, group.map(|(_, group)| *group));
            let id = kept.unwrap_or_else(|| self.free_id());
            self.trackers.add_user(now, id, &instance.name, &tracks);
            match self.machines.get_mut(&id) {
                Some(entry) => entry.machine.reconfigure(&mut self.desk, instance.clone(), tracks),
                None => {
                    let machine = Machine::new(id, instance.clone(), tracks, now);
                    self.machines.insert(id, Entry { machine, group: None, queued: None, place: None });
                }
            }
            if let Some(entry) = self.machines.get_mut(&id) {
                entry.group = group.map(|(n, _)| *n);
            }
            self.order.push(id);
        }
        self.trackers.prune();
        self.regroup(&settings.groups);
        self.pulse = Duration::MAX;
        let ids = self.order.clone();
        ids.iter().for_each(|id| self.judge(*id));
        self.settle_all(&ids);
        for group in 0..self.groups.len() {
            self.finish(group, &Cause::Reconfigured);
        }
    }

    /// Marks instances that were master until just now, and the other members of their groups.
    pub(super) fn resume(&mut self, names: &[String]) {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        let was_master = |id: &InstanceId| self.instance(*id).is_some_and(|i| names.contains(i.name.as_str()));
        let mut ids: HashSet<InstanceId> = self.order.iter().copied().filter(was_master).collect();
        for group in &self.groups {
            if group.members.iter().any(|id| ids.contains(id)) {
                ids.extend(&group.members);
            }
        }
        for id in ids {
            if let Some(entry) = self.machines.get_mut(&id) {
                entry.machine.resume();
            }
        }
    }

    /// Returns, for each instance of the settings, which one of ours it is.
    fn match_up(&self, settings: &Settings) -> Vec<Option<InstanceId>> {
        let mut ours: HashMap<(Vrid, Family, Option<String>), Vec<InstanceId>> = HashMap::new();
        for (id, instance) in self.ids() {
            ours.entry(place(instance)).or_default().push(id);
        }
        let same = |id: &InstanceId, wanted: &Instance| {
            self.instance(*id).is_some_and(|ours| identity(ours) == identity(wanted))
        };
        settings
            .instances
            .iter()
            .map(|wanted| {
                let ids = ours.get_mut(&place(wanted))?;
                let found = ids.iter().position(|id| same(id, wanted))?;
                Some(ids.swap_remove(found))
            })
            .collect()
    }

    fn remove_others(&mut self, kept: &[Option<InstanceId>]) {
        let kept: HashSet<InstanceId> = kept.iter().copied().flatten().collect();
        for id in std::mem::take(&mut self.order) {
            if kept.contains(&id) {
                continue;
            }
            let Some(mut entry) = self.machines.remove(&id) else { continue };
            entry.machine.delete(&mut self.desk);
            if let Some(due) = entry.queued {
                self.queue.remove(&(due, id));
            }
            if let Some(place) = entry.place {
                self.leave_place(place, id);
            }
        }
    }

    /// Numbers are not used again, so that nothing old can be taken for something new.
    fn free_id(&mut self) -> InstanceId {
        let id = InstanceId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        id
    }

    /// Makes the groups anew; those of the same name keep their state.
    fn regroup(&mut self, settings: &[SyncGroup]) {
        let now = self.desk.now;
        let mut old: HashMap<String, Group> =
            std::mem::take(&mut self.groups).into_iter().map(|group| (group.name.clone(), group)).collect();
        let ids: HashMap<&str, InstanceId> = self.ids().map(|(id, instance)| (instance.name.as_str(), id)).collect();
        let groups = settings.iter().map(|group| {
            let members = group.members.iter().filter_map(|name| ids.get(name.as_str()).copied()).collect();
            let (state, since) = old.remove(&group.name).map_or((State::Init, now), |old| (old.state, old.since));
            Group { name: group.name.clone(), members, state, since, has_master: false }
        });
        self.groups = groups.collect();
    }
}
