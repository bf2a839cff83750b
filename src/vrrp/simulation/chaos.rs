//! Everything goes wrong for a while; then the network is whole, and one master is left.

use super::*;
use crate::vrrp::{
    router::tests::instance,
    settings::{
        AntiReplay, Authentication, Hmac, HmacMode, Initial, Instance, Preempt, Priority, Secret, Track, Version,
    },
};

/// What a world is made of.
struct Recipe {
    settings: Vec<Settings>,
    vrids: Vec<u8>,
    weather: Weather,
    /// The longest interval of any instance.
    interval: Time,
    /// The longest preempt delay.
    delay: Time,
}

fn recipe(rng: &mut fastrand::Rng) -> Recipe {
    let version = if rng.u8(0..4) == 0 { Version::V2 } else { Version::V3 };
    let interval = match version {
        Version::V2 => Duration::from_secs(rng.u64(1..=2)),
        Version::V3 => Duration::from_millis([10, 100, 1000][rng.usize(0..3)]),
    };
    let mixed = version == Version::V3 && rng.u8(0..5) == 0;
    let reluctant = rng.u8(0..3) == 0;
    let patient = rng.u8(0..5) == 0;
    let authentication = authentication(rng, version);
    let vrids: Vec<u8> = (51..=51 + rng.u8(0..3)).collect();
    let nodes = rng.usize(2..=7);
    let owner = (rng.u8(0..3) == 0).then(|| rng.usize(0..nodes));
    let mut longest = interval;
    let mut settings = Vec::new();
    for n in 0..nodes {
        let instances = vrids.iter().map(|vrid| {
            let base = instance(&format!("V{vrid}"), *vrid, priority(rng, owner == Some(n)));
            let interval = if mixed { interval * rng.u32(1..=3) } else { interval };
            longest = longest.max(interval);
            let preempt = match (reluctant && rng.bool(), patient) {
                (true, _) => Preempt::Never,
                (false, true) => Preempt::After(interval * 2),
                (false, false) => Preempt::After(Duration::ZERO),
            };
            let weight = [0, -40, 30][rng.usize(0..3)];
            Instance {
                interface: Some(format!("link{}", vrid % 2)),
                version,
                interval,
                preempt,
                initial: if rng.u8(0..4) == 0 { Initial::Master } else { Initial::Backup },
                authentication: authentication.clone(),
                answer_lower: rng.u8(0..4) != 0,
                answer_higher: rng.u8(0..4) == 0,
                tracks: vec![Track { tracker: script(), weight, reverse: false }],
                ..base
            }
        });
        let instances = instances.collect();
        settings.push(Settings { instances, ..Settings::default() });
    }
    let least = nanos(interval) / 1000;
    let weather = Weather {
        loss: [0, 0, 50, 300][rng.usize(0..4)],
        twice: [0, 100][rng.usize(0..2)],
        delay: (least / 10, least * [1, 5, 20][rng.usize(0..3)]),
    };
    let interval = nanos(longest);
    Recipe { settings, vrids, weather, interval, delay: if patient { 2 * interval } else { 0 } }
}

fn priority(rng: &mut fastrand::Rng, owner: bool) -> u8 {
    if owner { Priority::OWNER.get() } else { rng.u8(1..=254) }
}

/// Any but the authentication header: after a crash its numbers start again, and peers that count on take nothing.
fn authentication(rng: &mut fastrand::Rng, version: Version) -> Authentication {
    let hmac = |replay| {
        let keys = vec![(7, Secret::new([7; 32]))];
        Authentication::Hmac(Hmac { keys, active: 7, mode: HmacMode::Enforce, replay })
    };
    match (version, rng.u8(0..4)) {
        (Version::V2, 0) => Authentication::Pass(Secret::new("secret")),
        (Version::V3, 0) => hmac(AntiReplay::Monotonic),
        (Version::V3, 1) => hmac(AntiReplay::Window(Duration::from_secs(5))),
        _ => Authentication::None,
    }
}

/// Plans what goes wrong between now and `until`.
fn plan(world: &mut World, recipe: &Recipe, until: Time) {
    let mut rng = world.rng.fork();
    for _ in 0..rng.usize(0..=12) {
        let at = rng.u64(0..until);
        let n = rng.usize(0..world.nodes.len());
        let link = rng.usize(0..2);
        let soon = at + rng.u64(0..8 * recipe.interval);
        let name = format!("V{}", recipe.vrids[rng.usize(0..recipe.vrids.len())]);
        match rng.u8(0..12) {
            0 | 1 => {
                let set = (0..world.nodes.len()).filter(|_| rng.bool()).collect();
                world.plan(at, Action::Partition(link, set));
                world.plan(soon, Action::Heal);
            }
            2 => {
                world.plan(at, Action::Deafen { link, from: n, to: rng.usize(0..world.nodes.len()) });
                world.plan(soon, Action::Heal);
            }
            3 | 4 => world.plan(at, Action::Sleep(n, rng.u64(0..8 * recipe.interval), rng.bool())),
            5 | 6 => {
                world.plan(at, Action::Crash(n));
                world.plan(soon, Action::Return(n, rng.bool()));
            }
            7 => {
                world.plan(at, Action::LinkDown(n, link));
                world.plan(soon, Action::LinkUp(n, link));
            }
            8 => {
                world.plan(at, Action::Script(n, Observation::Down));
                world.plan(soon, Action::Script(n, Observation::Up));
            }
            9 => {
                let mut settings = recipe.settings[n].clone();
                for instance in settings.instances.iter_mut().filter(|instance| !instance.priority.is_owner()) {
                    instance.priority = Priority::new(rng.u8(1..=254)).unwrap_or(Priority::DEFAULT);
                }
                world.plan(at, Action::Reconfigure(n, Box::new(settings)));
            }
            10 => world.plan(at, Action::Promote(n, name)),
            _ => world.plan(at, Action::Demote(n, name)),
        }
    }
}

/// One world: chaos, then one master each within the bound, and then nothing changes any more.
fn chaos(seed: u64, print: bool) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let recipe = recipe(&mut rng);
    let mut world = World::new(rng.u64(..), recipe.weather, recipe.settings.clone());
    world.trace = print.then(Vec::new);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| live(&mut world, &recipe)));
    if let Err(cause) = result {
        world.trace.iter().flatten().for_each(|line| println!("{line}"));
        std::panic::resume_unwind(cause);
    }
}

fn live(world: &mut World, recipe: &Recipe) {
    let Recipe { vrids, interval, .. } = recipe;
    for n in 0..world.nodes.len() {
        let at = world.rng.u64(0..2 * interval);
        world.plan(at, Action::Return(n, false));
    }
    let troubles = 40 * interval;
    plan(world, recipe, troubles);
    world.run(troubles, |world| world.check_rivals(vrids));

    world.actions.clear();
    world.act(Action::Whole);
    // The longest down interval is 3 intervals and a whole one of skew; then everybody hears the first advert. Clocks may
    // run slow. A preempt delay begins when a master of lower priority is heard, and its down interval ends after it.
    let skew = if recipe.settings[0].instances[0].version == Version::V2 { 1000 * MS } else { *interval };
    let down = 3 * interval + skew;
    let bound = if recipe.delay > 0 { 2 * down + recipe.delay } else { down };
    let bound = bound * 1002 / 1000 + interval + 4 * world.weather.delay.1;
    let whole = world.now;
    world.run(whole + bound, |world| world.check_rivals(vrids));
    let settled = world.history.len();
    for vrid in vrids {
        let masters = world.masters(*vrid);
        assert_eq!(masters.len(), 1, "masters of VRID {vrid} {} ms after all is well: {masters:?}", bound / MS);
        check_highest(world, *vrid, masters[0]);
    }
    world.run(whole + bound + 6 * interval, |world| world.check_rivals(vrids));
    assert_eq!(world.history.len(), settled, "it goes on changing");
}

/// The highest priority is master, unless somebody would not displace a lower one.
fn check_highest(world: &World, vrid: u8, master: usize) {
    let standings: Vec<_> = (0..world.nodes.len()).filter_map(|n| world.standing(n, vrid)).collect();
    let demoted = world.nodes.iter().filter_map(|node| node.router.as_ref()).any(|router| {
        let status = router.status(Moment::ZERO);
        status.instances.iter().any(|i| i.vrid == vrid && i.order.as_deref() == Some("demote"))
    });
    if demoted || standings.iter().any(|(_, instance, _)| instance.preempt == Preempt::Never) {
        return;
    }
    let highest = standings.iter().map(|(_, _, priority)| *priority).max();
    let of_master = world.standing(master, vrid).map(|(_, _, priority)| priority);
    assert_eq!(of_master, highest, "node {master} is master of VRID {vrid}");
}

#[test]
fn one_master_is_left_when_all_is_well() {
    for_seeds(4000, chaos);
}
