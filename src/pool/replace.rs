//! From settings to pools, and from the pools of some settings to those of others: what is the same stays as it is.

use std::{collections::HashSet, mem, sync::Arc};

use super::{
    CheckId, Output,
    pools::Pools,
    settings::{Check, Policy, Settings},
};
use crate::{
    check::settings::Schedule,
    model::{Entry, Moment, Table},
};

impl Pools {
    /// Builds the pools of these settings over a kernel that holds `kernel`. At first all services are [`Output::Changed`],
    /// and all checks of servers that exist are watched. Services whose checks depend on an address sleep until they are
    /// told of it.
    pub fn new(now: Moment, settings: Settings, kernel: &Table) -> Self {
        let mut pools = Self::default();
        pools.replace(now, settings, kernel);
        pools
    }

    /// Goes on with other settings over a kernel that holds `kernel`. What is known of checks that are the same (service,
    /// server, probe), of quorums, and of who is asleep is kept. Services that are to be other than before are
    /// [`Output::Changed`].
    ///
    /// Returns the checks of services of which nothing is different, each with the number that it had and the one that it has
    /// now. They go on as they are; all others are to be watched anew, and nobody says that they end.
    pub fn replace(&mut self, now: Moment, settings: Settings, kernel: &Table) -> Vec<(CheckId, CheckId)> {
        let Settings { operator, checks, policies, servers } = settings;
        let checks = held(checks);
        let mut by_server: Vec<_> = (0..checks.len()).map(CheckId).collect();
        by_server.sort_by_key(|id| checks.get(id.0).map(|check| (check.service, check.server)));
        let new = Self {
            checks,
            by_server,
            policies: policies.into_iter().map(|policy| (policy.service, policy)).collect(),
            server_policies: servers.into_iter().map(|policy| ((policy.service, policy.server), policy)).collect(),
            ..Self::default()
        };
        let mut before = mem::replace(self, new);
        let mut kept = Vec::with_capacity(self.checks.len());
        for entry in operator.services.values() {
            let key = entry.service.key;
            if let Some(same) = self.same(entry, &before)
                && let Some(pool) = before.pools.swap_remove(&key)
            {
                self.pools.insert(key, pool);
                self.renumber(entry, &same, &before);
                kept.extend(same);
                continue;
            }
            self.add_service(now, &entry.service, kernel, Some(&before));
            for server in entry.servers.values() {
                let in_kernel = kernel.services.get(&key).and_then(|entry| entry.servers.get(&server.key));
                self.add_server(now, key, *server, in_kernel.copied(), Some(&before));
            }
            let Some(pool) = self.pools.get_mut(&key) else { continue };
            pool.members.values_mut().for_each(|member| member.old = true);
            let old = before.pools.get(&key);
            pool.decide_silently(old.and_then(|old| old.quorum));
            if old.is_none() {
                pool.tell_of_start(&mut self.outputs);
            }
            if !before.changed.contains(&key) && old.is_some_and(|old| old.effective() == pool.effective()) {
                self.changed.swap_remove(&key);
            }
        }
        self.bury(&before);
        kept
    }

    /// Returns the checks of a service, with the number that each had and has, if all that is said of it is what was said
    /// before; else `None`.
    fn same(&self, entry: &Entry, before: &Self) -> Option<Vec<(CheckId, CheckId)>> {
        let key = entry.service.key;
        let old = before.pools.get(&key).filter(|old| {
            let policy = self.policies.get(&key);
            old.service == entry.service
                && old.members.len() == entry.servers.len()
                && policy.map_or_else(|| old.policy == Policy::of(key), |policy| old.policy == *policy)
                && !before.changed.contains(&key)
        })?;
        let mut checks = Vec::with_capacity(entry.servers.len());
        for (member, server) in old.members.values().zip(entry.servers.values()) {
            let place = (key, server.key);
            let ids = self.checks_of(&place);
            if member.server != *server
                || member.policy.as_deref() != self.server_policies.get(&place)
                || member.checks.len() != ids.len()
            {
                return None;
            }
            for (state, id) in member.checks.iter().zip(ids) {
                if before.checks.get(state.id.0)? != self.checks.get(id.0)? {
                    return None;
                }
                checks.push((state.id, *id));
            }
        }
        Some(checks)
    }

    /// Gives the checks of a service that was kept their new numbers.
    fn renumber(&mut self, entry: &Entry, checks: &[(CheckId, CheckId)], before: &Self) {
        let key = entry.service.key;
        let Some(pool) = self.pools.get_mut(&key) else { return };
        let states = pool.members.values_mut().flat_map(|member| &mut member.checks);
        for (state, (old, new)) in states.zip(checks) {
            state.id = *new;
            // Equal, and shared with who makes the probes.
            if let (Some(check), Some(old)) = (self.checks.get_mut(new.0), before.checks.get(old.0)) {
                *check = old.clone();
            }
        }
        let turned = pool.members.iter().filter(|(_, member)| member.turn.is_some());
        self.turned.extend(turned.map(|(server, _)| (key, *server)));
    }

    /// Ends what was before and is no more.
    fn bury(&mut self, before: &Self) {
        for (key, old) in &before.pools {
            let Some(new) = self.pools.get(key) else {
                old.finish(&mut self.outputs);
                self.changed.insert(*key);
                continue;
            };
            let mut ended = old.clone();
            for gone in old.members.keys().filter(|server| !new.members.contains_key(*server)) {
                ended.remove(gone, &mut self.outputs);
            }
        }
        // The checks of `before` are not ours to stop watching.
        self.outputs.retain(|output| !matches!(output, Output::Unwatch(_)));
    }
}

/// Makes checks share equal schedules, and take no more room than they need.
fn held(mut checks: Vec<Check>) -> Vec<Check> {
    let mut schedules: HashSet<Arc<Schedule>> = HashSet::new();
    for check in &mut checks {
        match schedules.get(&check.schedule) {
            Some(known) => check.schedule = Arc::clone(known),
            None => _ = schedules.insert(Arc::clone(&check.schedule)),
        }
    }
    checks.shrink_to_fit();
    checks
}
