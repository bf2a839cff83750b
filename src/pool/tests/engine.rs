//! The whole process in virtual time: probes, verdicts, tables.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{Engine, Step},
    *,
};
use crate::{
    check::{
        answer::{Answer, Failure, FailureKind, Success, Verdict},
        board::ProbeId,
    },
    model::Target,
};

/// An engine, servers that can be switched off, and a table that is written at once.
struct World {
    engine: Engine,
    now: u64,
    /// Answers under way: when they come, of which probe.
    under_way: BTreeMap<(u64, ProbeId), bool>,
    broken: Vec<u8>,
    table: Table,
    log: Vec<String>,
    probes: usize,
}

impl World {
    fn new(settings: Settings, kernel: Table) -> Self {
        let mut world = Self {
            engine: Engine::new(at(0), settings, &kernel, 42, 100),
            now: 0,
            under_way: BTreeMap::new(),
            broken: Vec::new(),
            table: kernel,
            log: Vec::new(),
            probes: 0,
        };
        world.work();
        world
    }

    fn work(&mut self) {
        while let Some(step) = self.engine.poll(at(self.now)) {
            match step {
                Step::Start(start) => {
                    self.probes += 1;
                    let good = !self.broken.iter().any(|number| start.probe.target.ip() == key(*number).address);
                    // A working server answers in 2 ms; a broken one says nothing until the deadline.
                    let took = if good { 2 } else { 2000 };
                    self.under_way.insert((self.now + took, start.id), good);
                }
                Step::Changed(key) => match self.engine.pools().effective(&key) {
                    Some(entry) => _ = self.table.services.insert(key, entry),
                    None => _ = self.table.services.shift_remove(&key),
                },
                Step::Notice(notice) => {
                    let what = match notice.target {
                        Target::Server(service, server) => format!("{} of {}", server.address, service),
                        other => other.to_string(),
                    };
                    self.log.push(format!("{} {what} {}", self.now, if notice.up { "up" } else { "down" }));
                }
                Step::Failed { target, reason } => self.log.push(format!("{} {target} {reason}", self.now)),
                Step::Run { .. } | Step::Unknown { .. } => {}
            }
        }
    }

    fn until(&mut self, end: u64) {
        loop {
            let timer = self.engine.next_timeout().map(|due| u64::try_from(due.since_start().as_millis()).unwrap());
            let answer = self.under_way.first_key_value().map(|((when, _), _)| *when);
            let Some(next) = timer.into_iter().chain(answer).min().filter(|next| *next <= end) else { break };
            self.now = next.max(self.now);
            while let Some(((when, id), good)) = self.under_way.pop_first() {
                if when > self.now {
                    self.under_way.insert((when, id), good);
                    break;
                }
                let verdict = if good {
                    Verdict::Good(Success::default())
                } else {
                    Verdict::Bad(Failure { kind: FailureKind::Timeout, reason: "silence".into(), evidence: Vec::new() })
                };
                let answer = Answer { verdict, took: Duration::from_millis(2) };
                self.engine.answer(at(self.now), id, answer);
            }
            self.work();
        }
        self.now = end;
    }

    fn servers(&self, number: u8) -> usize {
        self.table.services[&service(number)].servers.len()
    }
}

#[test]
fn a_dead_server_is_out_within_its_interval_retries_and_deadline() {
    let mut world = World::new(settings(&[1, 1], Initial::CheckFirst, policy(1, 0)), Table::default());
    world.until(100);
    assert_eq!(world.servers(1), 2, "from start to a complete table takes one answer");
    world.broken = vec![1];
    // Next probe at 5000, silence until 7000, pause until 8000, silence until 10000.
    world.until(9999);
    assert_eq!(world.servers(1), 2);
    world.until(10_000);
    assert_eq!(world.servers(1), 1);
    world.broken.clear();
    world.until(60_000);
    assert_eq!(world.servers(1), 2);
    assert_eq!(
        world.log,
        [
            "2 10.0.1.1 of TCP 10.0.0.1:80 up",
            "2 TCP 10.0.0.1:80 up",
            "2 10.0.1.2 of TCP 10.0.0.1:80 up",
            "10000 10.0.1.1 of TCP 10.0.0.1:80 down",
            "13002 10.0.1.1 of TCP 10.0.0.1:80 up",
        ]
    );
}

#[test]
fn services_that_share_a_server_share_its_probes() {
    let services: Vec<_> = (1..=10).map(|number| entry(number, &[server(1, 1), server(2, 1)])).collect();
    let mut all = Settings { operator: table(&services), ..Settings::default() };
    for number in 1..=10 {
        all.checks.extend([1, 2].map(|each| check(service(number), key(each), Initial::CheckFirst)));
    }
    let mut world = World::new(all.clone(), Table::default());
    world.until(49_999);
    assert_eq!(world.probes, 20, "two servers, ten rounds");
    world.broken = vec![1];
    world.until(70_000);
    assert!((1..=10).all(|number| world.servers(number) == 1));
    // Other settings: the last service is gone, and the check of one service is another one.
    world.log.clear();
    all.operator.services.shift_remove(&service(10));
    Arc::make_mut(&mut all.checks[0].schedule).interval = Duration::from_secs(1);
    world.engine.replace(at(world.now), all, &world.table.clone());
    world.work();
    assert!(!world.table.services.contains_key(&service(10)));
    let probes = world.probes;
    world.until(80_000);
    assert!((1..=9).all(|number| world.servers(number) == 1), "a failed server is not forgotten");
    assert_eq!(world.log, [""; 0]);
    // Two rounds of each of both, and the impatient one as often as deadline 2 s allows.
    assert!((7..=12).contains(&(world.probes - probes)), "{}", world.probes - probes);
    assert_eq!(world.engine.status(at(world.now)).idle.len(), 2);
}

#[test]
fn failures_without_consequence_are_reported_if_asked_for() {
    for all in [false, true] {
        let mut settings = settings(&[1], Initial::CheckFirst, policy(1, 0));
        Arc::make_mut(&mut settings.checks[0].schedule).log_all_failures = all;
        let mut world = World::new(settings, Table::default());
        world.until(100);
        world.broken = vec![1];
        world.until(19_999);
        let reports = world.log.iter().filter(|line| line.ends_with("silence")).count();
        assert_eq!(reports, if all { 2 } else { 0 }, "{:?}", world.log);
    }
}

#[test]
fn status_tells_state_latency_failures_and_what_is_next() {
    let mut settings = settings(&[4], Initial::CheckFirst, policy(1, 0));
    settings.checks.push(check(service(2), key(7), Initial::CheckFirst));
    let mut world = World::new(settings, Table::default());
    world.until(6000);
    world.broken = vec![1];
    world.until(16_000);
    let status = world.engine.status(at(world.now));
    let service = &status.services[0];
    assert_eq!((service.quorum, service.weight, service.since_ms), (Some(false), 0, 1000));
    let server = &service.servers[0];
    assert_eq!((server.state.as_str(), server.weight, server.operator_weight), ("down", None, 4));
    let check = &server.checks[0];
    assert_eq!(check.probe, "tcp 10.0.1.1:80");
    assert_eq!((check.probes, check.failed, check.next_ms), (4, 2, Some(2000)));
    assert_eq!(check.failures[0].reason, "silence");
    assert_eq!(check.latency.map(|latency| latency.median_us), Some(2000));
    assert_eq!(check.last.as_ref().map(|last| (last.ago_ms, last.verdict.as_str())), Some((1000, "bad")));
    assert_eq!(status.idle[0].server, "10.0.1.7:80");
    assert_eq!((status.probes.different, status.probes.begun), (1, 4));
    let json = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<super::super::status::Status>(&json).unwrap(), status);
}

#[test]
fn ten_thousand_servers_are_known_after_one_answer_each() {
    let services: Vec<_> =
        (1..=100).map(|number| entry(number, &(1..=100).map(|each| server(each, 1)).collect::<Vec<_>>())).collect();
    let mut settings = Settings { operator: table(&services), ..Settings::default() };
    for number in 1..=100 {
        settings.checks.extend((1..=100).map(|each| {
            let mut check = check(service(number), key(each), Initial::CheckFirst);
            Arc::make_mut(&mut check.probe).target.set_port(1000 + u16::from(number));
            check
        }));
    }
    let mut world = World::new(settings, Table::default());
    world.until(1000);
    assert_eq!(world.probes, 10_000);
    assert!((1..=100).all(|number| world.servers(number) == 100));
}
