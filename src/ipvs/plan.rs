//! The planner: a table that is and a table that should be → the changes between them; and the way back.
//!
//! Pure decision code: no kernel, no clock, no IO. The order of a plan is its promise to traffic: what is added or
//! raised comes before what is lowered, and what is lowered before what is removed, so that a service that is in both
//! tables is at no moment without a server that both give it or will give it.

use crate::model::{Change, Entry, RealServer, ServiceKey, SyncDaemon, Table, Timeouts, Weight};

/// What becomes of services and servers that only the kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// They are deleted: the result is the wanted table.
    Delete,
    /// They stay: the result is the wanted table and what was there beside it.
    Keep,
}

/// Returns the smallest list of changes that turns `have` into `wanted`: one for each object that differs. They are made as
/// they are asked for, so a plan takes no memory of its own.
///
/// Services and servers that are to be added come in the order of `wanted`, because some schedulers (sh, dh, rr) go by
/// the order of the kernel's list. Timeouts and sync daemons of which `wanted` says nothing are left alone.
pub fn plan<'a>(have: &'a Table, wanted: &'a Table, extra: Extra) -> impl Iterator<Item = Change> + 'a {
    let running = |daemon: &SyncDaemon| have.daemons.iter().find(|running| running.role == daemon.role);
    let other = |daemon: &&SyncDaemon| running(daemon).is_none_or(|running| !running.satisfies(daemon));
    let starts: Vec<&SyncDaemon> = wanted.daemons.iter().filter(other).collect();
    let stops: Vec<Change> = starts
        .iter()
        .filter(|daemon| running(daemon).is_some())
        .map(|daemon| Change::StopDaemon(daemon.role))
        .collect();
    // A start is the change that the kernel refuses most easily (no such interface), so it comes before anything is
    // lowered or removed; but it is impossible while there are tunnels to another family.
    let (early, late) = if mixes_families(have) { (Vec::new(), starts) } else { (starts, Vec::new()) };
    let start = |daemon: &SyncDaemon| Change::StartDaemon(daemon.clone());
    let timeouts = wanted.timeouts.filter(|timeouts| !holds(have.timeouts, *timeouts));
    let deleted = have.services.iter().filter(move |_| extra == Extra::Delete);
    stops
        .into_iter()
        .chain(early.into_iter().map(start))
        .chain(timeouts.map(Change::SetTimeouts))
        .chain(wanted.services.iter().flat_map(|(key, entry)| additions_and_edits(have.services.get(key), entry)))
        .chain(deleted.flat_map(|(key, entry)| deletions(entry, wanted.services.get(key))))
        .chain(late.into_iter().map(start))
}

/// What a wanted service needs that the kernel may have as `before`.
fn additions_and_edits(before: Option<&Entry>, entry: &Entry) -> Vec<Change> {
    let key = entry.service.key;
    let mut changes = Vec::new();
    match before {
        None => changes.push(Change::AddService(entry.service.clone())),
        Some(before) if before.service != entry.service => changes.push(Change::EditService(entry.service.clone())),
        Some(_) => {}
    }
    let mut edits: Vec<RealServer> = Vec::new();
    for (server_key, server) in &entry.servers {
        match before.and_then(|before| before.servers.get(server_key)) {
            None => changes.push(Change::AddServer(key, *server)),
            Some(old) if old != server => edits.push(*server),
            Some(_) => {}
        }
    }
    // A server that takes over work gets it before another one gives it up.
    edits.sort_by_key(|server| server.weight == Weight::ZERO);
    changes.extend(edits.into_iter().map(|server| Change::EditServer(key, server)));
    changes
}

/// What of a service that the kernel has is not wanted, `after` being what is.
fn deletions(entry: &Entry, after: Option<&Entry>) -> Vec<Change> {
    let key = entry.service.key;
    let Some(after) = after else { return vec![Change::DeleteService(key)] };
    let unwanted = entry.servers.keys().filter(|server| !after.servers.contains_key(*server));
    unwanted.map(|server| Change::DeleteServer(key, *server)).collect()
}

/// Whether any server is of another family than its service.
fn mixes_families(table: &Table) -> bool {
    let mixed = |(key, entry): (&ServiceKey, &Entry)| entry.servers.keys().any(|s| s.family() != key.family());
    table.services.iter().any(mixed)
}

/// Whether timeouts are already what is asked for; 0 asks for nothing.
fn holds(have: Option<Timeouts>, wanted: Timeouts) -> bool {
    let same = |have: u32, wanted: u32| wanted == 0 || have == wanted;
    have.map_or(wanted == Timeouts { tcp: 0, tcp_fin: 0, udp: 0 }, |have| {
        same(have.tcp, wanted.tcp) && same(have.tcp_fin, wanted.tcp_fin) && same(have.udp, wanted.udp)
    })
}

/// Returns the changes that lead back to `before` after `done`, a list of changes that succeeded, in their order.
///
/// What others changed in the meantime is not touched. Counters of what was deleted are lost; zeroing is not undone.
pub fn undo(before: &Table, done: &[Change]) -> Vec<Change> {
    let mut back = Vec::new();
    for change in done.iter().rev() {
        match change {
            Change::AddService(service) => back.push(Change::DeleteService(service.key)),
            Change::EditService(service) => {
                back.extend(before.services.get(&service.key).map(|entry| Change::EditService(entry.service.clone())));
            }
            Change::DeleteService(key) => whole_service(before, key, &mut back),
            Change::AddServer(service, server) => back.push(Change::DeleteServer(*service, server.key)),
            Change::EditServer(service, server) => {
                let old = before.services.get(service).and_then(|entry| entry.servers.get(&server.key));
                back.extend(old.map(|old| Change::EditServer(*service, *old)));
            }
            Change::DeleteServer(service, server) => {
                let old = before.services.get(service).and_then(|entry| entry.servers.get(server));
                back.extend(old.map(|old| Change::AddServer(*service, *old)));
            }
            Change::SetTimeouts(_) => back.extend(before.timeouts.map(Change::SetTimeouts)),
            Change::StartDaemon(daemon) => back.push(Change::StopDaemon(daemon.role)),
            Change::StopDaemon(role) => {
                let old = before.daemons.iter().find(|daemon| daemon.role == *role);
                back.extend(old.map(|old| Change::StartDaemon(old.clone())));
            }
            Change::Clear => before.services.keys().for_each(|key| whole_service(before, key, &mut back)),
            Change::Zero(_) => {}
        }
    }
    back
}

fn whole_service(table: &Table, key: &ServiceKey, changes: &mut Vec<Change>) {
    if let Some(entry) = table.services.get(key) {
        changes.push(Change::AddService(entry.service.clone()));
        changes.extend(entry.servers.values().map(|server| Change::AddServer(*key, *server)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;
    use crate::model::{DaemonRole, Forwarding, Protocol, Scheduler, ServerKey, Thresholds, VirtualService};

    fn service(number: u8, scheduler: &str) -> VirtualService {
        let key = ServiceKey::Address { protocol: Protocol::Tcp, address: [10, 0, 0, number].into(), port: 80 };
        VirtualService { scheduler: Scheduler::new(scheduler), ..VirtualService::new(key) }
    }

    fn server(number: u8, weight: u32) -> RealServer {
        RealServer {
            key: ServerKey { address: [10, 0, 1, number].into(), port: 80 },
            forwarding: Forwarding::Route,
            weight: Weight::new(weight).expect("in range"),
            thresholds: Thresholds::default(),
        }
    }

    fn table(services: &[(VirtualService, Vec<RealServer>)]) -> Table {
        let entries = services.iter().map(|(service, servers)| {
            let servers = servers.iter().map(|server| (server.key, *server)).collect();
            (service.key, Entry { service: service.clone(), servers })
        });
        Table { services: entries.collect(), ..Table::default() }
    }

    /// Tables over so few services and servers that two of them share most keys.
    fn tables() -> impl Strategy<Value = Table> {
        let server = (0_u8..6, 0_u32..3).prop_map(|(number, weight)| server(number, weight));
        let service = (0_u8..5, prop::sample::select(vec!["rr", "wlc"])).prop_map(|(n, s)| service(n, s));
        let entries = prop::collection::vec((service, prop::collection::vec(server, 0..6)), 0..5);
        let timeouts = prop::option::of((1_u32..3, 1_u32..3, 1_u32..3));
        let daemons = prop::option::of((0_u8..2, prop::option::of(1_u16..3)));
        (entries, timeouts, daemons).prop_map(|(entries, timeouts, daemon)| Table {
            timeouts: timeouts.map(|(tcp, tcp_fin, udp)| Timeouts { tcp, tcp_fin, udp }),
            daemons: daemon.into_iter().map(|(sync_id, max_len)| daemon_of(sync_id, max_len)).collect(),
            ..table(&entries)
        })
    }

    fn daemon_of(sync_id: u8, max_len: Option<u16>) -> SyncDaemon {
        let interface = "eth0".to_owned();
        SyncDaemon { role: DaemonRole::Master, interface, sync_id, max_len, group: None, port: None, ttl: None }
    }

    fn applied(table: &Table, changes: &[Change]) -> Table {
        let mut result = table.clone();
        for change in changes {
            result.apply(change).unwrap_or_else(|conflict| panic!("{change:?}: {conflict}"));
        }
        result
    }

    /// Number of objects that differ: what the smallest plan must change.
    fn differences(have: &Table, wanted: &Table) -> usize {
        let mut count = 0;
        for (key, entry) in &wanted.services {
            let before = have.services.get(key);
            count += usize::from(before.is_none_or(|before| before.service != entry.service));
            count += entry
                .servers
                .iter()
                .filter(|(key, server)| before.and_then(|before| before.servers.get(*key)) != Some(*server))
                .count();
        }
        for (key, entry) in &have.services {
            match wanted.services.get(key) {
                None => count += 1,
                Some(after) => count += entry.servers.keys().filter(|key| !after.servers.contains_key(*key)).count(),
            }
        }
        count
    }

    fn at_work(entry: &Entry) -> usize {
        entry.servers.values().filter(|server| server.weight != Weight::ZERO).count()
    }

    proptest! {
        #[test]
        fn a_plan_gives_the_wanted_table_and_planning_again_gives_nothing(have in tables(), wanted in tables()) {
            let changes: Vec<_> = plan(&have, &wanted, Extra::Delete).collect();
            let result = applied(&have, &changes);
            prop_assert_eq!(&result.services, &wanted.services);
            prop_assert_eq!(plan(&result, &wanted, Extra::Delete).count(), 0);
            if let Some(timeouts) = wanted.timeouts {
                prop_assert_eq!(result.timeouts, Some(timeouts));
            }
            let tables_only: Vec<_> = changes
                .iter()
                .filter(|c| !matches!(c, Change::SetTimeouts(_) | Change::StartDaemon(_) | Change::StopDaemon(_)))
                .collect();
            prop_assert_eq!(tables_only.len(), differences(&have, &wanted));
        }

        #[test]
        fn no_service_of_both_tables_is_ever_out_of_work(have in tables(), wanted in tables()) {
            let mut now = have.clone();
            for change in plan(&have, &wanted, Extra::Delete) {
                now.apply(&change).unwrap();
                for (key, after) in &wanted.services {
                    let Some(before) = have.services.get(key) else { continue };
                    if at_work(before) > 0 && at_work(after) > 0 {
                        prop_assert!(at_work(&now.services[key]) > 0, "{key} is out of work after {change:?}");
                    }
                }
            }
        }

        #[test]
        fn keeping_deletes_nothing(have in tables(), wanted in tables()) {
            let changes: Vec<_> = plan(&have, &wanted, Extra::Keep).collect();
            let deletes = |c: &Change| matches!(c, Change::DeleteService(_) | Change::DeleteServer(..) | Change::Clear);
            prop_assert!(!changes.iter().any(deletes));
            let result = applied(&have, &changes);
            prop_assert_eq!(plan(&result, &wanted, Extra::Keep).count(), 0);
            for (key, entry) in &wanted.services {
                for (server_key, server) in &entry.servers {
                    prop_assert_eq!(result.services[key].servers.get(server_key), Some(server));
                }
            }
        }

        /// The kernel may refuse any of the changes, and with a service all of its servers.
        #[test]
        fn undoing_what_succeeded_leads_back(
            have in tables(),
            wanted in tables(),
            chosen in subsequence((0..64_usize).collect::<Vec<_>>(), 0..=64),
            flush in any::<bool>(),
        ) {
            let mut changes = if flush { vec![Change::Clear] } else { Vec::new() };
            let empty = Table { services: Default::default(), ..have.clone() };
            changes.extend(plan(if flush { &empty } else { &have }, &wanted, Extra::Delete));
            let mut now = have.clone();
            let done: Vec<_> = changes
                .into_iter()
                .enumerate()
                .filter(|(index, change)| chosen.contains(index) && now.apply(change).is_ok())
                .map(|(_, change)| change)
                .collect();
            let back = applied(&now, &undo(&have, &done));
            prop_assert_eq!(&back.services, &have.services);
            prop_assert_eq!(&back.daemons, &have.daemons);
            if have.timeouts.is_some() {
                prop_assert_eq!(back.timeouts, have.timeouts);
            }
        }
    }

    #[test]
    fn order_is_add_raise_lower_delete() {
        let have = table(&[(service(1, "rr"), vec![server(1, 1), server(2, 0), server(3, 1)])]);
        let wanted = table(&[(service(1, "rr"), vec![server(1, 0), server(2, 1), server(4, 1)])]);
        let key = service(1, "rr").key;
        let expected = vec![
            Change::AddServer(key, server(4, 1)),
            Change::EditServer(key, server(2, 1)),
            Change::EditServer(key, server(1, 0)),
            Change::DeleteServer(key, server(3, 1).key),
        ];
        assert_eq!(plan(&have, &wanted, Extra::Delete).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_daemon_with_unnamed_settings_is_left_running() {
        let have = Table { daemons: vec![daemon_of(0, Some(1472))], ..Table::default() };
        let wanted = Table { daemons: vec![daemon_of(0, None)], ..Table::default() };
        assert_eq!(plan(&have, &wanted, Extra::Delete).count(), 0);
        let other = Table { daemons: vec![daemon_of(1, None)], ..Table::default() };
        let restart = vec![Change::StopDaemon(DaemonRole::Master), Change::StartDaemon(daemon_of(1, None))];
        assert_eq!(plan(&have, &other, Extra::Delete).collect::<Vec<_>>(), restart);
    }
}
