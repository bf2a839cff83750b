//! What the documentation says, case by case.

use std::{collections::HashSet, sync::Arc};

use super::{
    super::{
        CheckId, Event, Output, Pools,
        drain::{Drain, Left, Turn},
        foreign_changes,
        ramp::Ramp,
    },
    *,
};
use crate::{
    check::{answer::WeightChange, schedule::Health},
    model::{Change, Scheduler, Target},
};

/// Pools over a kernel, and what they wanted since they were asked last.
struct Run(Pools);

impl Run {
    fn new(settings: Settings, kernel: &Table) -> Self {
        let mut run = Self(Pools::new(at(0), settings, kernel));
        run.commands();
        run
    }

    fn says(&mut self, check: usize, health: Health) -> &mut Self {
        self.weighs(check, health, None)
    }

    fn weighs(&mut self, check: usize, health: Health, weight: Option<WeightChange>) -> &mut Self {
        let event = Event::Check { check: CheckId(check), health, weight, reason: "because", evidence: b"" };
        self.0.handle(at(1000), event);
        self
    }

    /// Servers as last number and weight, in order.
    fn table(&self) -> Vec<(u8, u32)> {
        let entry = self.0.effective(&service(1)).unwrap();
        let number = |server: &RealServer| match server.key.address {
            std::net::IpAddr::V4(address) => address.octets()[3],
            std::net::IpAddr::V6(_) => 0,
        };
        let mut rows: Vec<_> = entry.servers.values().map(|s| (number(s), s.weight.value())).collect();
        rows.sort_unstable();
        rows
    }

    /// The commands to run since the last call, by name and subject.
    fn commands(&mut self) -> Vec<String> {
        let mut commands = Vec::new();
        while let Some(output) = self.0.poll() {
            if let Output::Run { subject, command } = output {
                let whom = match subject {
                    Target::Server(_, server) => format!(" {}", server.address),
                    _ => String::new(),
                };
                commands.push(format!("{}{whom}", command.words[0].trim_start_matches("/bin/")));
            }
        }
        commands
    }
}

const UP: Health = Health::Up;
const DOWN: Health = Health::Down;

#[test]
fn a_failed_server_is_removed_and_comes_back_with_the_operators_weight() {
    let mut run = Run::new(settings(&[3, 5], Initial::Up, policy(1, 0)), &Table::default());
    assert_eq!(run.table(), [(1, 3), (2, 5)], "keepalived's way: there before any check");
    run.says(0, DOWN);
    assert_eq!(run.table(), [(2, 5)]);
    assert_eq!(run.commands(), ["down 10.0.1.1"]);
    let heavier = Change::EditServer(service(1), server(1, 9));
    run.0.handle(at(1), Event::Operator { change: &heavier, in_kernel: false });
    assert_eq!(run.table(), [(2, 5)]);
    run.says(0, UP);
    assert_eq!(run.table(), [(1, 9), (2, 5)]);
    assert_eq!(run.commands(), ["up 10.0.1.1"]);
}

#[test]
fn an_inhibited_server_stays_with_weight_0() {
    let inhibit = Policy { inhibit: true, ..policy(1, 0) };
    let mut settings = settings(&[3, 5], Initial::Up, inhibit);
    settings.servers[1].inhibit = Some(false);
    let mut run = Run::new(settings, &Table::default());
    run.says(0, DOWN).says(1, DOWN);
    assert_eq!(run.table(), [(1, 0)], "the second one overrides its service");
}

#[test]
fn quorum_edges() {
    // Weights of servers, quorum, hysteresis; then which servers fail or return, and whether there is a quorum after it.
    type Story<'a> = (&'a [u32], u32, u32, &'a [(usize, Health, bool)]);
    let stories: &[Story<'_>] = &[
        // The default: any weight at all is a quorum.
        (&[1, 1], 1, 0, &[(0, DOWN, true), (1, DOWN, false), (0, UP, true)]),
        // Lost below quorum − hysteresis, gained at quorum + hysteresis.
        (
            &[1; 5],
            3,
            1,
            &[
                (0, DOWN, true),
                (1, DOWN, true),
                (2, DOWN, true),
                (3, DOWN, false),
                (3, UP, false),
                (2, UP, false),
                (1, UP, true),
            ],
        ),
        // Hysteresis 0: lost and gained at the same number.
        (&[1; 3], 2, 0, &[(0, DOWN, true), (1, DOWN, false), (1, UP, true)]),
        // Hysteresis as large as it may be: nothing is less than 1, so only nothing at all is too little.
        (
            &[1; 5],
            3,
            2,
            &[
                (0, DOWN, true),
                (1, DOWN, true),
                (2, DOWN, true),
                (3, DOWN, true),
                (4, DOWN, false),
                (0, UP, false),
                (1, UP, false),
                (2, UP, false),
                (3, UP, false),
                (4, UP, true),
            ],
        ),
        // More hysteresis than quorum is the same; it never comes back.
        (&[1; 2], 1, 7, &[(0, DOWN, true), (1, DOWN, false), (0, UP, false), (1, UP, false)]),
        // More than there is: no quorum from the beginning.
        (&[1; 2], 5, 0, &[(0, DOWN, false), (0, UP, false)]),
        // Weights count, not servers.
        (&[10, 1, 1], 3, 0, &[(1, DOWN, true), (2, DOWN, true), (1, UP, true), (0, DOWN, false), (2, UP, false)]),
        // Servers of weight 0 work for nobody.
        (&[0, 1], 1, 0, &[(1, DOWN, false), (0, DOWN, false), (0, UP, false), (1, UP, true)]),
        // The sum of weights is larger than one weight may be.
        (&[i32::MAX as u32; 3], u32::MAX, 1, &[(0, DOWN, true), (1, DOWN, false), (1, UP, false), (0, UP, true)]),
    ];
    for (weights, quorum, hysteresis, steps) in stories {
        let mut run = Run::new(settings(weights, Initial::Up, policy(*quorum, *hysteresis)), &Table::default());
        for (check, health, expected) in *steps {
            run.says(*check, *health);
            let has = run.0.pools[&service(1)].quorum;
            assert_eq!(has, Some(*expected), "{weights:?} {quorum} ± {hysteresis}: {check} {health:?} of {steps:?}");
        }
    }
}

#[test]
fn the_sorry_server_stands_in_for_all() {
    let sorry = Policy { sorry: Some(server(99, 1)), ..policy(2, 0) };
    let mut run = Run::new(settings(&[1, 1], Initial::Up, sorry.clone()), &Table::default());
    run.says(0, DOWN);
    assert_eq!(run.table(), [(99, 1)], "the one that still works goes, too");
    assert_eq!(run.commands(), ["down 10.0.1.1", "quorum-down"]);
    run.says(1, DOWN);
    assert_eq!(run.table(), [(99, 1)]);
    run.says(1, UP).says(0, UP);
    assert_eq!(run.table(), [(1, 1), (2, 1)]);
    assert_eq!(run.commands(), ["down 10.0.1.2", "up 10.0.1.2", "up 10.0.1.1", "quorum-up"]);

    let aside = Policy { sorry_inhibit: true, inhibit: true, ..sorry };
    let mut run = Run::new(settings(&[1, 1], Initial::Up, aside), &Table::default());
    assert_eq!(run.table(), [(1, 1), (2, 1), (99, 0)]);
    run.says(0, DOWN);
    assert_eq!(run.table(), [(1, 0), (2, 0), (99, 1)]);
}

#[test]
fn without_a_sorry_server_what_works_stays() {
    let mut run = Run::new(settings(&[1, 1], Initial::Up, policy(2, 0)), &Table::default());
    run.says(0, DOWN);
    assert_eq!(run.table(), [(2, 1)]);
}

#[test]
fn a_sorry_server_may_be_one_of_the_servers() {
    let sorry = Policy { sorry: Some(server(2, 7)), sorry_inhibit: true, ..policy(2, 0) };
    let mut run = Run::new(settings(&[1, 1], Initial::Up, sorry), &Table::default());
    assert_eq!(run.table(), [(1, 1), (2, 1)]);
    run.says(0, DOWN);
    assert_eq!(run.table(), [(2, 7)]);
}

#[test]
fn at_first_the_table_stays_as_it_is() {
    let sorry = Policy { sorry: Some(server(99, 1)), ..policy(1, 0) };
    // Before: server 1 works, server 2 is inhibited, server 3 is out, and the service has been sorry.
    let kernel = table(&[entry(1, &[server(1, 1), server(2, 0), server(99, 1)])]);
    let mut run = Run::new(settings(&[1, 1, 1], Initial::CheckFirst, sorry.clone()), &kernel);
    assert_eq!(run.table(), [(1, 1), (2, 0), (99, 1)]);
    run.says(1, DOWN);
    assert_eq!(run.table(), [(1, 1), (99, 1)], "not enough is known to send the sorry server away");
    assert_eq!(run.commands(), ["down 10.0.1.2"]);
    run.says(0, UP);
    assert_eq!(run.table(), [(1, 1)], "the first that passes makes a quorum");
    assert_eq!(run.commands(), [""; 0], "which it had before, as far as clients are concerned");
    run.says(2, UP);
    assert_eq!(run.table(), [(1, 1), (3, 1)]);
    assert_eq!(run.commands(), ["up 10.0.1.3"]);

    // From nothing: servers are added when they have passed, and the sorry server when all have failed.
    let mut run = Run::new(settings(&[1, 1], Initial::CheckFirst, sorry), &Table::default());
    assert_eq!(run.table(), []);
    run.says(0, DOWN);
    assert_eq!(run.table(), []);
    run.says(1, DOWN);
    assert_eq!(run.table(), [(99, 1)]);
    assert_eq!(run.commands(), ["down 10.0.1.1", "down 10.0.1.2", "quorum-down"]);
    run.says(0, UP);
    assert_eq!(run.table(), [(1, 1)]);
    assert_eq!(run.commands(), ["up 10.0.1.1", "quorum-up"]);
}

#[test]
fn a_resumed_process_leaves_out_what_was_out() {
    let kernel = table(&[entry(1, &[server(2, 1)])]);
    let mut settings = settings(&[1, 1], Initial::Up, policy(1, 0));
    assert_eq!(Run::new(settings.clone(), &kernel).table(), [(1, 1), (2, 1)]);
    settings.resume();
    let mut run = Run::new(settings, &kernel);
    assert_eq!(run.table(), [(2, 1)]);
    run.says(0, DOWN).says(1, UP);
    assert_eq!(run.table(), [(2, 1)]);
}

#[test]
fn alpha_begins_with_nothing_but_the_sorry_server() {
    let sorry = Policy { sorry: Some(server(99, 1)), ..policy(1, 0) };
    let mut run = Run::new(settings(&[1], Initial::Down, sorry), &Table::default());
    assert_eq!(run.table(), [(99, 1)]);
    run.says(0, UP);
    assert_eq!(run.table(), [(1, 1)]);
    assert_eq!(run.commands(), ["up 10.0.1.1", "quorum-up"]);
}

#[test]
fn a_server_works_if_all_its_checks_do() {
    let mut settings = settings(&[4], Initial::Up, policy(1, 0));
    let mut second = settings.checks[0].clone();
    Arc::make_mut(&mut second.probe).question = Question::Ping;
    settings.checks.push(second);
    let mut run = Run::new(settings, &Table::default());
    run.says(0, DOWN).says(1, DOWN).says(0, UP);
    assert_eq!(run.table(), []);
    run.weighs(1, UP, Some(WeightChange::Add(2))).weighs(0, UP, Some(WeightChange::Exactly(2)));
    assert_eq!(run.table(), [(1, 4)], "4 - 2 + 2");
}

#[test]
fn dynamic_weights_count_for_the_quorum_and_have_bounds() {
    let mut settings = settings(&[10, 10], Initial::Up, policy(15, 0));
    settings.servers[0].weights = Weight::new(3).zip(Weight::new(12));
    let mut run = Run::new(settings, &Table::default());
    run.weighs(0, UP, Some(WeightChange::Percent(1)));
    assert_eq!(run.table(), [(1, 3), (2, 10)]);
    assert_eq!(run.commands(), ["quorum-down"]);
    run.weighs(0, UP, Some(WeightChange::Percent(500)));
    assert_eq!(run.table(), [(1, 12), (2, 10)]);
    assert_eq!(run.commands(), ["quorum-up"]);
}

#[test]
fn what_works_at_the_start_is_told_if_that_is_wanted() {
    let begin = |at_start, initial| {
        let wanted = settings(&[1, 1], initial, Policy { at_start, ..policy(2, 0) });
        let mut run = Run(Pools::new(at(0), wanted.clone(), &Table::default()));
        let said = run.commands();
        // Other settings are no start.
        run.0.replace(
            at(1),
            Settings { policies: vec![Policy { omega: true, ..wanted.policies[0].clone() }], ..wanted },
            &Table::default(),
        );
        assert_eq!(run.commands(), [""; 0]);
        said
    };
    assert_eq!(begin(AtStart::Nothing, Initial::Up), [""; 0]);
    assert_eq!(begin(AtStart::Quorum, Initial::Up), ["quorum-up"]);
    assert_eq!(begin(AtStart::Servers, Initial::Up), ["up 10.0.1.1", "up 10.0.1.2", "quorum-up"]);
    assert_eq!(begin(AtStart::Servers, Initial::CheckFirst), [""; 0], "nobody knows yet");
    // After a process that died nothing begins.
    let mut wanted = settings(&[1], Initial::Up, Policy { at_start: AtStart::Servers, ..policy(1, 0) });
    wanted.checks.clear();
    wanted.resume();
    assert_eq!(Run(Pools::new(at(0), wanted, &Table::default())).commands(), [""; 0]);
}

#[test]
fn omega_runs_the_commands_of_what_ends() {
    for omega in [false, true] {
        let mut run = Run::new(settings(&[1, 1], Initial::Up, Policy { omega, ..policy(1, 0) }), &Table::default());
        run.says(0, DOWN);
        run.commands();
        run.0.finish();
        let expected: &[&str] = if omega { &["down 10.0.1.2", "quorum-down"] } else { &[] };
        assert_eq!(run.commands(), expected);
    }
}

#[test]
fn what_is_taken_away_by_hand_and_given_back_ends_and_begins() {
    let mut run =
        Run::new(settings(&[1], Initial::CheckFirst, Policy { omega: true, ..policy(1, 0) }), &Table::default());
    run.says(0, UP);
    assert_eq!(run.commands(), ["up 10.0.1.1", "quorum-up"]);
    let full = run.0.effective_table();
    for (before, after) in [(&full, &Table::default()), (&Table::default(), &full)] {
        for change in foreign_changes(&run.0, before, after) {
            run.0.handle(at(2), Event::Operator { change: &change, in_kernel: true });
        }
    }
    assert_eq!(run.table(), [(1, 1)]);
    assert_eq!(run.commands(), ["down 10.0.1.1", "quorum-down"]);
    run.says(0, UP);
    assert_eq!(run.commands(), ["up 10.0.1.1", "quorum-up"]);
}

#[test]
fn suspended_services_keep_their_state() {
    let address = [10, 0, 0, 1].into();
    let suspended = Policy { suspend_without: Some(address), ..policy(1, 0) };
    let mut run = Run::new(settings(&[1], Initial::Up, suspended), &Table::default());
    assert_eq!(run.0.addresses().into_iter().collect::<Vec<_>>(), [address]);
    run.says(0, DOWN);
    assert_eq!(run.table(), [(1, 1)]);
    run.0.handle(at(1), Event::Address { address, present: true });
    assert_eq!(run.0.poll(), Some(Output::Wake(CheckId(0))));
    run.says(0, DOWN);
    assert_eq!(run.table(), []);
    run.0.handle(at(2), Event::Address { address, present: false });
    run.says(0, UP);
    assert_eq!(run.table(), []);
}

#[test]
fn other_settings_keep_what_is_known() {
    let before = settings(&[1, 1, 1], Initial::Up, policy(2, 0));
    let mut run = Run::new(before.clone(), &Table::default());
    run.says(0, DOWN).says(1, DOWN);
    run.commands();
    let mut after = before;
    after.operator.services[&service(1)].servers.shift_remove(&key(3));
    after.operator.services[&service(1)].servers.insert(key(4), server(4, 1));
    Arc::make_mut(&mut after.checks[0].schedule).interval = Duration::from_secs(1);
    after.checks.push(check(service(1), key(4), Initial::CheckFirst));
    let kernel = run.0.effective_table();
    run.0.replace(at(9), after, &kernel);
    assert_eq!(run.table(), [], "1 and 2 are still down, 3 is gone, 4 has to pass first");
    assert_eq!(run.commands(), [""; 0]);
    // The checks of a service that is another one have other numbers.
    run.says(6, UP).says(4, UP);
    assert_eq!(run.table(), [(2, 1), (4, 1)]);
    assert_eq!(run.commands(), ["up 10.0.1.2", "quorum-up"]);
    let warnings = run.0.warnings(&Scope::All);
    assert!(warnings[0].contains("server 10.0.1.3:80 of TCP 10.0.0.1:80 is idle"), "{warnings:?}");
    assert_eq!(run.0.warnings(&Scope::Only([service(2)].into())), [""; 0]);
}

#[test]
fn a_check_sleeps_until_its_server_exists() {
    let mut run = Run::new(settings(&[1], Initial::CheckFirst, policy(1, 0)), &Table::default());
    let gone = Change::DeleteServer(service(1), key(1));
    run.0.handle(at(1), Event::Operator { change: &gone, in_kernel: true });
    assert_eq!(run.0.poll(), Some(Output::Unwatch(CheckId(0))));
    assert_eq!(run.0.idle().count(), 1);
    while run.0.poll().is_some() {}
    let added = Change::AddServer(service(1), server(1, 6));
    run.0.handle(at(2), Event::Operator { change: &added, in_kernel: true });
    assert_eq!(run.0.poll(), Some(Output::Watch(CheckId(0))));
    assert_eq!(run.0.poll(), Some(Output::Wake(CheckId(0))));
    assert_eq!(run.table(), [(1, 6)], "it is there, and stays until the first verdict");
    run.says(0, DOWN);
    assert_eq!(run.table(), []);
}

#[test]
fn what_others_change_in_the_kernel_becomes_the_operators_wish() {
    let sorry = Policy { inhibit: true, sorry: Some(server(99, 1)), ..policy(1, 0) };
    let mut run = Run::new(settings(&[5, 5, 5], Initial::Up, sorry), &Table::default());
    run.says(0, DOWN);
    let known = run.0.effective_table();
    assert_eq!(run.table(), [(1, 0), (2, 5), (3, 5)]);
    // Thresholds of the server that is down, a weight, a deletion, an addition, and a sorry server that is not ours.
    let mut kernel = known.clone();
    let servers = &mut kernel.services[&service(1)].servers;
    servers[&key(1)].thresholds.upper = 100;
    servers[&key(2)].weight = Weight::new(8).unwrap();
    servers.shift_remove(&key(3));
    servers.insert(key(4), server(4, 2));
    servers.insert(key(99), server(99, 3));
    for change in foreign_changes(&run.0, &known, &kernel) {
        run.0.handle(at(2), Event::Operator { change: &change, in_kernel: true });
    }
    let operator = run.0.operator_table();
    let one = operator.services[&service(1)].servers[&key(1)];
    assert_eq!((one.weight.value(), one.thresholds.upper), (5, 100));
    assert_eq!(run.table(), [(1, 0), (2, 8), (4, 2)]);
    run.says(0, UP);
    assert_eq!(run.table(), [(1, 5), (2, 8), (4, 2)]);
}

#[test]
fn a_cleared_kernel_table_is_a_cleared_table_of_the_operators() {
    let mut run = Run::new(settings(&[5], Initial::Up, policy(1, 0)), &Table::default());
    for change in foreign_changes(&run.0, &run.0.effective_table(), &Table::default()) {
        run.0.handle(at(2), Event::Operator { change: &change, in_kernel: true });
    }
    assert_eq!(run.0.effective(&service(1)), None);
    assert_eq!(run.0.idle().count(), 1);
}

fn drain(delete: bool) -> Option<Turn> {
    Some(Turn::Drain(Drain { since: at(0), owner: None, delete, until: None, left: None, over: false }))
}

#[test]
fn a_server_that_drains_gets_nothing_new_whatever_its_checks_say() {
    let mut run = Run::new(settings(&[3, 3], Initial::Up, policy(1, 0)), &Table::default());
    let place = (service(1), key(1));
    assert_eq!(run.0.turn_server(at(0), (service(1), key(9)), drain(false)), None, "there is no such server");
    assert_eq!(run.0.turn_server(at(0), place, drain(false)), Some(true));
    assert_eq!(run.0.turn_server(at(0), place, drain(false)), Some(false));
    assert_eq!(run.table(), [(1, 0), (2, 3)]);
    let held: Vec<_> = run.0.held(None).iter().map(|held| (held.server, held.why)).collect();
    assert_eq!(held, [(key(1), "drained")]);
    // The operator may change its weight meanwhile: it counts later.
    let change = Change::EditServer(service(1), server(1, 8));
    run.0.handle(at(0), Event::Operator { change: &change, in_kernel: false });
    assert_eq!(run.table(), [(1, 0), (2, 3)]);
    // Nobody is left: the one that drains keeps its connections, and there is no quorum.
    run.says(1, DOWN);
    assert_eq!(run.table(), [(1, 0)]);
    assert!(run.commands().contains(&"quorum-down".to_owned()));
    run.says(0, DOWN);
    assert_eq!(run.table(), []);
    run.says(0, UP);
    assert_eq!(run.table(), [(1, 0)]);
    assert!(!run.0.count_left(at(0), place, Left { active: 1, ..Left::default() }));
    assert!(run.0.count_left(at(0), place, Left::default()));
    assert_eq!(run.0.turn_server(at(0), place, None), Some(true));
    assert_eq!((run.table(), run.0.turned().count()), (vec![(1, 8)], 0));
    // With other settings it goes on; without the server it is over.
    run.0.turn_server(at(0), place, drain(true));
    let settings = settings(&[3, 3], Initial::Up, policy(1, 0));
    run.0.replace(at(1), settings, &Table::default());
    assert_eq!(run.0.turned().count(), 1);
    run.0.handle(at(1), Event::Operator { change: &Change::DeleteServer(service(1), key(1)), in_kernel: false });
    assert_eq!(run.0.turned().count(), 0);
}

#[test]
fn a_ramp_multiplies_the_service_and_ends_by_itself() {
    let mut run = Run::new(settings(&[1, 2], Initial::Up, policy(1, 0)), &Table::default());
    let ramp = |run: &mut Run, at| {
        run.0.turn_server(at, (service(1), key(1)), Some(Turn::Ramp(Ramp::new(at, Duration::from_secs(20)))))
    };
    assert_eq!(ramp(&mut run, at(0)), Some(true));
    assert_eq!(run.table(), [(1, 1), (2, 40)], "a twentieth of 1, where the other one has all of 2");
    assert_eq!(run.0.next_timeout(), Some(at(1000)));
    run.0.pass(at(999));
    assert_eq!(run.table(), [(1, 1), (2, 40)]);
    run.0.pass(at(4000));
    assert_eq!(run.table(), [(1, 5), (2, 40)]);
    run.0.pass(at(19000));
    assert_eq!((run.table(), run.0.next_timeout()), (vec![(1, 1), (2, 2)], None));

    // Where weights are no shares, there are no steps; nor when they are none any more.
    let edit = |run: &mut Run, scheduler: &str| {
        let service = VirtualService { scheduler: Scheduler::new(scheduler), ..entry(1, &[]).service };
        run.0.handle(at(20_000), Event::Operator { change: &Change::EditService(service), in_kernel: false });
    };
    ramp(&mut run, at(20_000));
    assert_eq!(run.table(), [(1, 1), (2, 40)]);
    edit(&mut run, "mh");
    assert_eq!(run.table(), [(1, 1), (2, 2)]);
    run.0.turn_server(at(20_000), (service(1), key(1)), None);
    assert_eq!((ramp(&mut run, at(20_000)), run.0.turned().count()), (Some(false), 0));
}

#[test]
fn only_what_is_to_be_other_than_before_is_written() {
    let all = || {
        let mut settings = settings(&[1, 1], Initial::Up, policy(1, 0));
        settings.operator.services.insert(service(2), entry(2, &[server(1, 1)]));
        settings.checks.push(check(service(2), key(1), Initial::Up));
        settings
    };
    let mut pools = Pools::new(at(0), all(), &Table::default());
    let told = |pools: &mut Pools| {
        let (mut changed, mut watched, mut left) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(output) = pools.poll() {
            match output {
                Output::Changed(key) => changed.push(key),
                Output::Watch(check) => watched.push(check.0),
                Output::Unwatch(check) => left.push(check.0),
                _ => {}
            }
        }
        (changed, watched, left)
    };
    assert_eq!(told(&mut pools), (vec![service(1), service(2)], vec![0, 1, 2], vec![]));
    let replace = |pools: &mut Pools, settings| pools.replace(at(1), settings, &Table::default());
    replace(&mut pools, all());
    assert_eq!(told(&mut pools), (vec![], vec![], vec![]));
    // Another weight: that service is another one, whose check gets another number.
    let mut other = all();
    other.operator.services[1].servers[0] = server(1, 7);
    other.checks.rotate_right(1);
    replace(&mut pools, other);
    assert_eq!(told(&mut pools), (vec![service(2)], vec![3], vec![2]));
    // What was not told yet is not forgotten.
    replace(&mut pools, all());
    replace(&mut pools, all());
    assert_eq!(told(&mut pools), (vec![service(2)], vec![2], vec![3]));
    // Whatever is said of a service, of a server, or of a check counts.
    let base = all();
    let differ = |change: fn(&mut Settings)| {
        let mut pools = Pools::new(at(0), base.clone(), &Table::default());
        while pools.poll().is_some() {}
        let mut settings = base.clone();
        change(&mut settings);
        replace(&mut pools, settings);
        let (_, watched, left) = told(&mut pools);
        (watched, left)
    };
    let first = (vec![3, 4], vec![0, 1]);
    assert_eq!(differ(|settings| settings.policies[0].omega ^= true), first);
    assert_eq!(differ(|settings| settings.servers[0].down = None), first);
    assert_eq!(differ(|settings| Arc::make_mut(&mut settings.checks[1].schedule).retry += 1), first);
    assert_eq!(differ(|settings| Arc::make_mut(&mut settings.checks[1].probe).deadline *= 2), first);
    assert_eq!(differ(|settings| settings.operator.services[0].service.scheduler = Scheduler::new("rr")), first);
    assert_eq!(differ(|settings| settings.operator.services[0].servers.swap_indices(0, 1)), (vec![4, 3], vec![0, 1]));
    assert_eq!(differ(|settings| drop(settings.checks.remove(2))), (vec![], vec![2]));
    // The order in which services are listed is the last settings'.
    let mut turned = all();
    turned.operator.services.swap_indices(0, 1);
    replace(&mut pools, turned);
    assert_eq!(pools.services().collect::<Vec<_>>(), [service(2), service(1)]);
    assert_eq!(told(&mut pools), (vec![], vec![], vec![]));
}

/// Settings that speak of some services leave others as they are, as if all had been said again.
#[test]
fn some_services_get_other_settings() {
    let all = |weights: [u32; 3], lost: Option<u8>| {
        let mut all = Settings::default();
        for (number, weight) in (1..).zip(weights).filter(|(number, _)| Some(*number) != lost) {
            all.operator.services.insert(service(number), entry(number, &[server(1, weight), server(2, 1)]));
            all.checks.extend([1, 2].map(|each| check(service(number), key(each), Initial::Up)));
            all.policies.push(Policy { omega: true, ..Policy { service: service(number), ..policy(1, 0) } });
        }
        all
    };
    let some = |all: Settings, numbers: &[u8]| {
        let keys: HashSet<_> = numbers.iter().map(|number| service(*number)).collect();
        let mut some = Settings { scope: Scope::Only(keys.clone()), ..all };
        some.operator.services.retain(|key, _| keys.contains(key));
        some.checks.retain(|check| keys.contains(&check.service));
        some.policies.retain(|policy| keys.contains(&policy.service));
        some
    };
    let mut run = Run::new(all([1, 1, 1], None), &Table::default());
    run.says(2, DOWN).says(4, DOWN);
    run.commands();
    let tables = |run: &Run| (run.0.operator_table(), run.0.effective_table());
    // One changes, one is not there any more, one stays as it was, with what is known of it.
    let mut whole = Run(run.0.clone());
    let wanted = all([1, 7, 5], Some(1));
    run.0.replace(at(1), some(wanted.clone(), &[1, 2]), &Table::default());
    run.0.replace(at(1), some(wanted.clone(), &[3]), &Table::default());
    whole.0.replace(at(1), wanted, &Table::default());
    assert_eq!(tables(&run), tables(&whole));
    assert_eq!(run.commands(), ["quorum-down"], "of the one that is gone");
    assert_eq!(run.0.operator_table().services.keys().copied().collect::<Vec<_>>(), [service(2), service(3)]);
    assert_eq!(run.0.effective(&service(2)).unwrap().servers.len(), 1, "the other one is still down");
    run.0.replace(at(2), some(all([1, 7, 5], None), &[1]), &Table::default());
    assert_eq!(run.0.operator_table(), all([1, 7, 5], None).operator);
    // Checks of what does not exist come and go, too.
    let mut idle = some(all([1, 1, 1], None), &[]);
    idle.scope = Scope::Only([service(9)].into());
    idle.checks.push(check(service(9), key(1), Initial::Up));
    run.0.replace(at(3), idle.clone(), &Table::default());
    assert_eq!(run.0.idle().count(), 1);
    idle.checks.clear();
    run.0.replace(at(4), idle, &Table::default());
    assert_eq!(run.0.idle().count(), 0);
}
