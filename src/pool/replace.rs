//! From settings to pools, and from the pools of some settings to those of others: what is the same stays as it is.

use std::collections::HashSet;

use super::{
    CheckId, Output,
    checks::Checks,
    pools::Pools,
    settings::{Policy, Scope, Settings},
};
use crate::model::{Entry, Moment, ServerKey, ServiceKey, Table};

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
    /// Services of which nothing is different, or of which the settings do not speak, are not touched: their checks keep their
    /// numbers. All others' are watched anew before the old ones are not watched any more. Numbers of the latter are given again:
    /// all outputs have to be taken before the next call.
    pub fn replace(&mut self, now: Moment, settings: Settings, kernel: &Table) {
        let Settings { scope, operator, checks, policies, servers } = settings;
        self.policies.retain(|service, _| !scope.has(service));
        self.policies.extend(policies.into_iter().map(|policy| (policy.service, policy)));
        self.server_policies.retain(|(service, _), _| !scope.has(service));
        self.server_policies.extend(servers.into_iter().map(|policy| ((policy.service, policy.server), policy)));

        let checks = Checks::new(checks);
        let same: HashSet<ServiceKey> =
            operator.services.values().filter(|entry| self.is_same(entry, &checks)).map(Entry::key).collect();
        let is_other = |service: &ServiceKey| scope.has(service) && !same.contains(service);
        let old_checks = self.checks.exchange(is_other, checks);
        self.turned.retain(|(service, _)| !is_other(service));

        for entry in operator.services.values().filter(|entry| !same.contains(&entry.key())) {
            self.exchange(now, entry, kernel);
        }
        self.bury(|service| scope.has(service) && !operator.services.contains_key(service));
        if scope == Scope::All && !self.pools.keys().eq(operator.services.keys()) {
            self.pools.sort_by_cached_key(|service, _| operator.services.get_index_of(service));
        }
        self.checks.forget(old_checks);
    }

    /// Whether all that is said of a service is what was said before.
    fn is_same(&self, entry: &Entry, checks: &Checks) -> bool {
        let key = entry.key();
        let Some(old) = self.pools.get(&key) else { return false };
        let same_policy =
            self.policies.get(&key).map_or_else(|| old.policy == Policy::of(key), |policy| old.policy == *policy);
        let same_check = |(old, new): (CheckId, &CheckId)| self.checks.get(old) == checks.get(*new);
        same_policy
            && old.service == entry.service
            && old.members.len() == entry.servers.len()
            && old.members.values().zip(entry.servers.values()).all(|(member, server)| {
                let place = (key, server.key);
                let ids = checks.of(&place);
                member.server == *server
                    && member.policy.as_deref() == self.server_policies.get(&place)
                    && member.checks.len() == ids.len()
                    && member.checks.iter().map(|state| state.id).zip(ids).all(same_check)
            })
    }

    /// Puts a service in the place of what it was before, if it was.
    fn exchange(&mut self, now: Moment, entry: &Entry, kernel: &Table) {
        let key = entry.key();
        let is_told = self.changed.contains(&key);
        let old = self.add_service(now, &entry.service, kernel);
        for server in entry.servers.values() {
            let in_kernel = kernel.services.get(&key).and_then(|entry| entry.servers.get(&server.key));
            self.add_server(now, key, *server, in_kernel.copied(), old.as_ref());
        }
        let Some(pool) = self.pools.get_mut(&key) else { return };
        pool.members.values_mut().for_each(|member| member.old = true);
        pool.decide_silently(old.as_ref().and_then(|old| old.quorum));
        let Some(mut old) = old else { return pool.tell_of_start(&mut self.outputs) };
        if !is_told && old.effective() == pool.effective() {
            self.changed.swap_remove(&key);
        }
        let is_gone = |server: &&ServerKey| !entry.servers.contains_key(*server);
        for gone in old.members.keys().filter(is_gone).copied().collect::<Vec<_>>() {
            old.remove(&gone, &mut self.outputs);
        }
        self.outputs.extend(old.checks().map(Output::Unwatch));
    }

    /// Ends services that are no more.
    fn bury(&mut self, is_gone: impl Fn(&ServiceKey) -> bool) {
        let (outputs, changed) = (&mut self.outputs, &mut self.changed);
        self.pools.retain(|service, pool| {
            if is_gone(service) {
                pool.finish(outputs);
                outputs.extend(pool.checks().map(Output::Unwatch));
                changed.insert(*service);
            }
            !is_gone(service)
        });
    }
}
