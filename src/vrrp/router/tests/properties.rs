//! Any sequence of events leaves the promises of the outputs kept.

use proptest::{collection::vec, prelude::*};

use super::*;

/// What may happen to a router of three instances, two of them in a group.
#[derive(Clone, Debug)]
enum Step {
    /// Milliseconds go by, and all timers fire.
    Wait(u64),
    /// Milliseconds go by without a call.
    Sleep(u64),
    /// An instance hears 10.0.0.n with this priority and interval in hundredths of a second.
    Hear(usize, u8, u8, u16),
    /// Bytes that may be anything come in on a link.
    Bytes(u32, Vec<u8>),
    Link(usize, Option<LinkFault>),
    Tracker(bool, Observation),
    Promote(u32),
    Demote(u32),
    /// Other settings: which instances there are, their priorities, whether there is a group, whether they preempt.
    Reconfigure([Option<u8>; 3], bool, bool),
    Stop,
}

fn step() -> impl Strategy<Value = Step> {
    let link_fault = prop_oneof![
        Just(LinkFault::Missing),
        Just(LinkFault::Down),
        Just(LinkFault::NoSource),
        Just(LinkFault::NoVmac),
    ];
    let observation = prop_oneof![
        Just(Observation::Unknown),
        Just(Observation::Up),
        Just(Observation::Down),
        any::<i64>().prop_map(Observation::Value),
    ];
    let priority = prop_oneof![1u8..=255, Just(255)];
    prop_oneof![
        8 => (0u64..5000).prop_map(Step::Wait),
        2 => (0u64..20_000).prop_map(Step::Sleep),
        8 => (0usize..3, 1u8..10, any::<u8>(), 1u16..500).prop_map(|(i, n, p, t)| Step::Hear(i, n, p, t)),
        1 => (0u32..5, vec(any::<u8>(), 0..60)).prop_map(|(link, bytes)| Step::Bytes(link, bytes)),
        4 => (0usize..3, proptest::option::weighted(0.3, link_fault)).prop_map(|(i, fault)| Step::Link(i, fault)),
        2 => (any::<bool>(), observation).prop_map(|(which, seen)| Step::Tracker(which, seen)),
        1 => (0u32..6).prop_map(Step::Promote),
        1 => (0u32..6).prop_map(Step::Demote),
        1 => (proptest::array::uniform3(proptest::option::weighted(0.8, priority)), any::<bool>(), any::<bool>())
            .prop_map(|(priorities, group, preempt)| Step::Reconfigure(priorities, group, preempt)),
        1 => Just(Step::Stop),
    ]
}

fn trackers() -> [Tracker; 2] {
    [Tracker::Script("heavy".into()), Tracker::File("light".into())]
}

fn settings(priorities: [Option<u8>; 3], grouped: bool, preempts: bool) -> Settings {
    let [heavy, light] = trackers();
    let tracks =
        vec![Track { tracker: heavy, weight: 0, reverse: false }, Track { tracker: light, weight: 3, reverse: false }];
    let preempt = if preempts { Preempt::After(Duration::ZERO) } else { Preempt::Never };
    let instances = (0u8..).zip(["A", "B", "C"]).zip(priorities).filter_map(|((n, name), priority)| {
        let announce = Announce { refresh: ms(700), lower_delay: ms(50), other_links: ms(900), ..Announce::default() };
        let tracks = if name == "A" { tracks.clone() } else { Vec::new() };
        Some(Instance { preempt, announce, tracks, ..instance(name, 50 + n, priority?) })
    });
    let groups = if grouped { vec![group("G", &["B", "C"])] } else { Vec::new() };
    Settings { instances: instances.collect(), groups, ..Settings::default() }
}

/// Looks at outputs: who holds addresses, and that it is nobody who should not.
#[derive(Default)]
struct Judge {
    holds: HashMap<InstanceId, bool>,
    stopped: bool,
    /// Members may have joined a group whose others were running.
    joined: bool,
}

impl Judge {
    fn look(&mut self, router: &mut Router, now: Moment) {
        while let Some(output) = router.poll() {
            assert!(!self.stopped, "nothing is done after the end: {output:?}");
            match output {
                Output::Take(id) => assert_ne!(self.holds.insert(id, true), Some(true), "taken twice"),
                Output::Give(id) => assert_eq!(self.holds.insert(id, false), Some(true), "given without having"),
                _ => {}
            }
        }
        for (id, holds) in &self.holds {
            assert_eq!(router.state(*id) == Some(State::Master), *holds, "{id:?}");
        }
        let status = router.status(now);
        for group in &status.groups {
            let members = status.instances.iter().filter(|i| i.group.as_ref() == Some(&group.name));
            let states: Vec<State> = members.map(|i| i.state).collect();
            assert!(
                self.joined
                    || !states.contains(&State::Fault)
                    || states.iter().all(|s| matches!(s, State::Fault | State::Init)),
                "nobody takes part while another one cannot: {states:?}"
            );
        }
    }
}

fn run(steps: Vec<Step>) {
    let first = settings([Some(100), Some(200), Some(255)], true, true);
    let mut now = Moment::ZERO;
    let mut router = Router::new(&first, now, &["B".into()]);
    let mut judge = Judge::default();
    for step in steps {
        let stops = matches!(step, Step::Stop);
        let ids: Vec<InstanceId> = router.ids().map(|(id, _)| id).collect();
        match step {
            Step::Wait(wait) => {
                let until = now + ms(wait);
                // A timer that does not move on would never end.
                let mut calls = 0;
                while let Some(next) = router.next_timeout().filter(|next| *next <= until) {
                    now = now.max(next);
                    router.handle_timeout(now);
                    calls += 1;
                    assert!(calls < 10_000, "timers go on and on");
                    if router.state(InstanceId(0)) == Some(State::Stopped) {
                        break;
                    }
                }
                now = until;
                router.handle_timeout(now);
                assert!(router.next_timeout().is_none_or(|next| next > now), "a timer stays behind");
            }
            Step::Sleep(wait) => {
                now = now + ms(wait);
                router.handle_timeout(now);
            }
            Step::Hear(which, from, priority, interval) => {
                let Some(id) = ids.get(which % ids.len().max(1)) else { continue };
                let mut peer = router.instance(*id).expect("it is there").clone();
                peer.interval = ms(u64::from(interval) * 10);
                let (source, destination) = (address(from), IpAddr::from([224, 0, 0, 18]));
                let bytes = Wire::new(&peer).encode(priority, source, destination);
                let link = id.0 + 1;
                let received = Received { link, source, destination, hops: None, bytes: &bytes };
                router.handle(now, Event::Packet(received));
            }
            Step::Bytes(link, bytes) => {
                let (source, destination) = (address(1), IpAddr::from([224, 0, 0, 18]));
                let received = Received { link, source, destination, hops: Some(255), bytes: &bytes };
                router.handle(now, Event::Packet(received));
            }
            Step::Link(which, fault) => {
                let Some(id) = ids.get(which % ids.len().max(1)) else { continue };
                let link = Link { index: id.0 + 1, source: address(OWN) };
                router.handle(now, Event::Link(*id, fault.map_or(Ok(link), Err)));
            }
            Step::Tracker(which, seen) => router.handle(now, Event::Tracker(&trackers()[usize::from(which)], seen)),
            Step::Promote(id) => router.handle(now, Event::Promote(InstanceId(id))),
            Step::Demote(id) => router.handle(now, Event::Demote(InstanceId(id))),
            Step::Reconfigure(priorities, grouped, preempts) => {
                router.reconfigure(now, &settings(priorities, grouped, preempts));
                judge.joined = true;
            }
            Step::Stop => router.handle(now, Event::Stop),
        }
        judge.look(&mut router, now);
        judge.stopped |= stops;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn promises_are_kept_whatever_happens(steps in vec(step(), 1..60)) {
        run(steps);
    }
}
