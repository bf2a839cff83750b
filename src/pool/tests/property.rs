//! For any sequence of results, the effective table is what a simple function of operator's table, states and policy says.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::{
    super::{CheckId, Event, Pools, combine},
    *,
};
use crate::{
    check::{answer::WeightChange, schedule::Health},
    model::Change,
};

/// How many servers a service has at most, each with two checks.
const SERVERS: u8 = 4;

#[derive(Clone, Debug)]
enum Happening {
    Says(usize, Health, Option<WeightChange>),
    Edits(u8, u32),
    Adds(u8, u32),
    Deletes(u8),
}

fn happenings() -> impl Strategy<Value = Happening> {
    use Happening::{Adds, Deletes, Edits, Says};
    let health = prop::sample::select(vec![Health::Up, Health::Down]);
    let change = prop_oneof![
        (0_i64..6).prop_map(WeightChange::Exactly),
        (-3_i64..4).prop_map(WeightChange::Add),
        (0_u32..200).prop_map(WeightChange::Percent),
    ];
    let checks = usize::from(SERVERS) * 2;
    prop_oneof![
        8 => (0..checks, health, prop::option::of(change)).prop_map(|(check, health, weight)| {
            // Failed checks say nothing new of the weight.
            Says(check, health, weight.filter(|_| health == Health::Up))
        }),
        1 => (1..=SERVERS, 0_u32..5).prop_map(|(number, weight)| Edits(number, weight)),
        1 => (1..=SERVERS, 0_u32..5).prop_map(|(number, weight)| Adds(number, weight)),
        1 => (1..=SERVERS).prop_map(Deletes),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    let sorry = prop::option::of(prop::sample::select(vec![1, 99]));
    (1_u32..8, 0_u32..4, sorry, any::<bool>(), any::<bool>()).prop_map(|(quorum, hysteresis, sorry, aside, inhibit)| {
        Policy {
            sorry: sorry.map(|number| server(number, 7)),
            sorry_inhibit: aside,
            inhibit,
            ..policy(quorum, hysteresis)
        }
    })
}

type CheckSays = (Health, Option<WeightChange>);

/// The documentation, written down once more, as plainly as possible.
struct Reference {
    policy: Policy,
    servers: BTreeMap<u8, (u32, [CheckSays; 2])>,
    kernel: BTreeMap<u8, u32>,
    /// The sorry server, if the kernel had it.
    sorry_there: Option<u32>,
    quorum: Option<bool>,
}

impl Reference {
    fn health(&self, number: u8) -> Health {
        let (_, checks) = self.servers[&number];
        // Down if any is down, else untested if any is, else up.
        checks.iter().map(|(health, _)| *health).fold(Health::Up, |worst, health| match (worst, health) {
            (Health::Down, _) | (_, Health::Down) => Health::Down,
            (Health::Untested, _) | (_, Health::Untested) => Health::Untested,
            _ => Health::Up,
        })
    }

    fn weight(&self, number: u8) -> u32 {
        let (weight, checks) = self.servers[&number];
        combine(Weight::new(weight).unwrap(), checks.iter().filter_map(|(_, change)| *change), None).value()
    }

    fn count(&self, number: u8, with_untested: bool) -> u32 {
        match self.health(number) {
            Health::Up => self.weight(number),
            Health::Untested if with_untested => self.kernel.get(&number).copied().unwrap_or(0),
            _ => 0,
        }
    }

    fn settle(&mut self) {
        let sum: u32 = self.servers.keys().map(|number| self.count(*number, true)).sum();
        let passed: u32 = self.servers.keys().map(|number| self.count(*number, false)).sum();
        let untested = self.servers.keys().any(|number| self.health(*number) == Health::Untested);
        let Policy { quorum, hysteresis, .. } = self.policy;
        self.quorum = match self.quorum {
            Some(true) => Some(!(sum == 0 || i64::from(sum) < i64::from(quorum) - i64::from(hysteresis))),
            Some(false) => Some(sum >= quorum + hysteresis),
            None if passed >= quorum => Some(true),
            None if untested || self.servers.is_empty() => None,
            None => Some(false),
        };
    }

    fn table(&self) -> BTreeMap<u8, u32> {
        let sorry = self.policy.sorry.map(|sorry| if sorry.key == key(1) { 1 } else { 99 });
        let is_sorry = self.quorum == Some(false) && sorry.is_some();
        let mut table = BTreeMap::new();
        for number in self.servers.keys() {
            let health = self.health(*number);
            let there = match health {
                Health::Up if !is_sorry => Some(self.weight(*number)),
                Health::Untested if !is_sorry => self.kernel.get(number).copied(),
                Health::Untested if !self.kernel.contains_key(number) => None,
                _ => self.policy.inhibit.then_some(0),
            };
            table.extend(there.map(|weight| (*number, weight)));
        }
        if let Some(sorry) = sorry {
            match self.quorum {
                Some(false) => _ = table.insert(sorry, 7),
                // Not if it is one of the operator's.
                _ if self.servers.contains_key(&sorry) => {}
                Some(true) if self.policy.sorry_inhibit => _ = table.insert(sorry, 0),
                Some(true) => {}
                None => table.extend(self.sorry_there.map(|weight| (sorry, weight))),
            }
        }
        table
    }
}

fn row(server: &RealServer) -> (u8, u32) {
    let numbers = (1..=SERVERS).chain([99]);
    (numbers.into_iter().find(|number| key(*number) == server.key).unwrap(), server.weight.value())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_effective_table_is_the_documented_function(
        weights in prop::collection::vec(0_u32..5, 1..=usize::from(SERVERS)),
        there in prop::collection::vec(prop::option::of(0_u32..3), usize::from(SERVERS)),
        initial in prop::sample::select(vec![Initial::CheckFirst, Initial::Up, Initial::Down]),
        policy in policies(),
        sequence in prop::collection::vec(happenings(), 0..40),
    ) {
        let kernel: BTreeMap<u8, u32> =
            weights.iter().zip(&there).zip(1..).filter_map(|((_, there), number)| Some((number, (*there)?))).collect();
        let rows: Vec<_> = kernel.iter().map(|(number, weight)| server(*number, *weight)).collect();
        let mut settings = settings(&weights, initial, policy.clone());
        settings.checks = (1..=SERVERS)
            .flat_map(|number| [Question::Tcp, Question::Ping].map(|question| {
                let mut check = check(service(1), key(number), initial);
                Arc::make_mut(&mut check.probe).question = question;
                check
            }))
            .collect();
        let first = Health::at_first(initial);
        let mut reference = Reference {
            sorry_there: policy.sorry.filter(|sorry| sorry.key == key(1)).and_then(|_| kernel.get(&1).copied()),
            servers: weights.iter().zip(1..).map(|(weight, number)| (number, (*weight, [(first, None); 2]))).collect(),
            policy,
            kernel,
            quorum: None,
        };
        reference.settle();
        let mut pools = Pools::new(at(0), settings, &table(&[entry(1, &rows)]));
        for happening in sequence {
            match happening {
                Happening::Says(check, health, weight) => {
                    if let Some((_, checks)) = reference.servers.get_mut(&(u8::try_from(check / 2).unwrap() + 1)) {
                        checks[check % 2] = (health, weight);
                    }
                    let event = Event::Check { check: CheckId(check), health, weight, reason: "", evidence: b"" };
                    pools.handle(at(1), event);
                }
                Happening::Edits(number, weight) | Happening::Adds(number, weight) => {
                    let change = Change::AddServer(service(1), server(number, weight));
                    let (operators, _) = reference.servers.entry(number).or_insert_with(|| {
                        reference.kernel.remove(&number);
                        (0, [(first, None); 2])
                    });
                    *operators = weight;
                    reference.kernel.entry(number).and_modify(|there| *there = weight);
                    pools.handle(at(1), Event::Operator { change: &change, in_kernel: false });
                }
                Happening::Deletes(number) => {
                    reference.servers.remove(&number);
                    let change = Change::DeleteServer(service(1), key(number));
                    pools.handle(at(1), Event::Operator { change: &change, in_kernel: false });
                }
            }
            reference.settle();
            let effective: BTreeMap<u8, u32> = pools.effective(&service(1)).unwrap().servers.values().map(row).collect();
            prop_assert_eq!(effective, reference.table());
        }
        // And the quorum is never lost without a word: outputs end.
        let mut outputs = 0;
        while pools.poll().is_some() {
            outputs += 1;
            prop_assert!(outputs < 1000);
        }
    }
}
