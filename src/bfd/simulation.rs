//! Two ends in virtual time, with clocks that drift, on a network that loses, delays and repeats packets. Seeded: what fails,
//! fails again. The promises that a session makes are asserted for thousands of seeds.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use fastrand::Rng;

use super::{
    packet::{Control, Diagnostic, State, auth::METHODS},
    sessions::{NoticeKind, Output, Received, Sessions},
    settings::{Authentication, Settings},
    status::SessionStatus,
};
use crate::model::{Moment, Secret};

const fn address(node: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, if node == 0 { 1 } else { 2 }))
}

/// What the network does to packets of one direction.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Most packets in a row that get lost; and how many of a hundred do.
    row: u32,
    percent: u32,
    delay: Duration,
    /// How much longer a packet may take.
    spread: Duration,
    repeats: bool,
    cut: bool,
}

const GOOD: Way =
    Way { row: 0, percent: 0, delay: Duration::from_micros(100), spread: Duration::ZERO, repeats: false, cut: false };

struct Node {
    sessions: Sessions,
    settings: Settings,
    /// The clock gains or loses so many microseconds a second, and began so.
    ppm: i64,
    begin: u64,
    /// State changes, by the time of the world and the node's own.
    entered: Vec<(u64, Moment, State, Diagnostic)>,
    /// When the last packet came, by the world's time.
    heard: u64,
    /// Packets of this node that got lost: in a row, and all.
    lost: u32,
    lost_ever: u64,
    sent: Vec<Moment>,
}

impl Node {
    fn local(&self, world: u64) -> Moment {
        let drift = i128::from(world) * i128::from(self.ppm) / 1_000_000;
        Moment::from_start(Duration::from_nanos((i128::from(self.begin + world) + drift) as u64))
    }

    /// The first moment of the world when the clock shows this.
    fn world(&self, local: Moment) -> u64 {
        let since = local.since_start().as_nanos() as i128 - i128::from(self.begin);
        let mut world = (since * 1_000_000 / i128::from(1_000_000 + self.ppm)).max(0) as u64;
        world = world.saturating_sub(2);
        while self.local(world) < local {
            world += 1;
        }
        world
    }

    fn status(&self, world: u64) -> SessionStatus {
        self.sessions.status(self.local(world)).sessions[0].clone()
    }
}

/// A packet under way: when it arrives, its number, for which node, its bytes.
type Flying = (u64, u64, usize, Vec<u8>);

struct World {
    now: u64,
    nodes: [Node; 2],
    ways: [Way; 2],
    flying: BinaryHeap<Reverse<Flying>>,
    count: u64,
    rng: Rng,
}

impl World {
    fn new(seed: u64, settings: [Settings; 2], ways: [Way; 2]) -> Self {
        let mut rng = Rng::with_seed(seed);
        let nodes = settings.map(|settings| {
            let (ppm, begin) = (rng.i64(-500..=500), rng.u64(0..1 << 50));
            let sessions = Sessions::new(&[], BTreeMap::new(), 0, Moment::ZERO);
            Node {
                sessions,
                settings,
                ppm,
                begin,
                entered: Vec::new(),
                heard: 0,
                lost: 0,
                lost_ever: 0,
                sent: Vec::new(),
            }
        });
        let mut world = Self { now: 0, nodes, ways, flying: BinaryHeap::new(), count: 0, rng };
        world.start(0, false);
        world.start(1, false);
        world
    }

    /// Starts a node, or kills it and starts it again.
    fn start(&mut self, node: usize, remembers: bool) {
        let seed = self.rng.u64(..);
        let here = &mut self.nodes[node];
        let old = here.sessions.discriminators().clone();
        let remembered = if remembers { old } else { BTreeMap::new() };
        here.sessions = Sessions::new(std::slice::from_ref(&here.settings), remembered, seed, here.local(self.now));
        self.settle(node);
    }

    fn settle(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].sessions.poll_output() {
            match output {
                Output::Send(_, bytes) => self.send(node, bytes),
                Output::Notice(notice) => {
                    if let NoticeKind::Entered { state, diagnostic, .. } = notice.kind {
                        self.nodes[node].entered.push((self.now, notice.at, state, diagnostic));
                    }
                }
            }
        }
    }

    fn send(&mut self, node: usize, bytes: Vec<u8>) {
        let way = self.ways[node];
        let local = self.nodes[node].local(self.now);
        let here = &mut self.nodes[node];
        here.sent.push(local);
        if way.cut {
            return;
        }
        if here.lost < way.row && self.rng.u32(0..100) < way.percent {
            here.lost += 1;
            here.lost_ever += 1;
            return;
        }
        here.lost = 0;
        let copies = if way.repeats && self.rng.u32(0..10) == 0 { 2 } else { 1 };
        for _ in 0..copies {
            let spread = self.rng.u64(0..=way.spread.as_nanos() as u64);
            self.count += 1;
            let at = self.now + way.delay.as_nanos() as u64 + spread;
            self.flying.push(Reverse((at, self.count, 1 - node, bytes.clone())));
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time.as_nanos() as u64;
        loop {
            let due = |node: &Node| node.sessions.next_timeout().map(|due| node.world(due));
            let timers = self.nodes.iter().zip(0..).filter_map(|(node, at)| Some((due(node)?, at))).min();
            let packet = self.flying.peek().map(|Reverse((at, ..))| *at);
            let next = packet.into_iter().chain(timers.map(|(at, _)| at)).min().filter(|next| *next <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            if packet == Some(next) {
                let Some(Reverse((_, _, node, bytes))) = self.flying.pop() else { break };
                self.nodes[node].heard = self.now;
                self.deliver(node, address(1 - node), &bytes);
            } else if let Some((_, node)) = timers {
                let local = self.nodes[node].local(self.now);
                self.nodes[node].sessions.handle_timeout(local);
                self.settle(node);
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, node: usize, source: IpAddr, bytes: &[u8]) {
        let local = self.nodes[node].local(self.now);
        let received =
            Received { source, destination: address(node), link: Some(1), hops: 255, multihop: false, bytes };
        self.nodes[node].sessions.handle(local, &received);
        self.settle(node);
    }

    fn states(&self) -> [State; 2] {
        [0, 1].map(|node| self.nodes[node].status(self.now).state)
    }

    fn downs(&self) -> usize {
        self.nodes.iter().flat_map(|node| &node.entered).filter(|(_, _, state, _)| *state == State::Down).count()
    }
}

fn settings(rng: &mut Rng, least_multiplier: u8) -> [Settings; 2] {
    let keyed = rng.bool().then(|| METHODS[rng.usize(0..METHODS.len())].1);
    let authentication = keyed.map(|method| Authentication { method, key_id: 1, key: Secret::new(*b"key of both") });
    let passive = rng.usize(0..4);
    [0, 1].map(|node| Settings {
        min_tx: Duration::from_micros(rng.u64(5_000..100_000)),
        min_rx: Duration::from_micros(rng.u64(5_000..100_000)),
        multiplier: rng.u8(least_multiplier..=6),
        passive: passive == node,
        authentication: authentication.clone(),
        ..Settings::new("peer", address(1 - node))
    })
}

/// The longest time between two packets of a node, before jitter.
fn interval(settings: &[Settings; 2], node: usize) -> Duration {
    settings[node].min_tx.max(settings[1 - node].min_rx)
}

/// Ways that lose as much as may get lost: with one packet less in a row than the multiplier, and what is late, in hand.
fn bad_ways(rng: &mut Rng, settings: &[Settings; 2]) -> [Way; 2] {
    [0, 1].map(|node| Way {
        row: u32::from(settings[node].multiplier).saturating_sub(2),
        percent: rng.u32(0..60),
        delay: Duration::from_micros(rng.u64(50..200_000)),
        // Packets overtake each other.
        spread: interval(settings, node) / 3,
        repeats: rng.bool(),
        cut: false,
    })
}

#[test]
fn no_path_fails_that_loses_less_than_was_agreed() {
    for seed in 0..2000 {
        let mut rng = Rng::with_seed(seed);
        let settings = settings(&mut rng, 3);
        // A packet that was overtaken counts as repeated when each has its number, and so as lost.
        let meticulous = |each: &Authentication| each.method.is_meticulous();
        let in_order = settings[0].authentication.as_ref().is_some_and(meticulous);
        let mut ways = bad_ways(&mut rng, &settings);
        if in_order {
            ways = ways.map(|way| Way { spread: Duration::ZERO, ..way });
        }
        let mut world = World::new(seed, settings, ways);
        world.run(Duration::from_secs(30));
        assert_eq!(world.states(), [State::Up; 2], "seed {seed}");
        let before = world.downs();
        world.run(Duration::from_secs(10));
        assert_eq!((world.states(), world.downs()), ([State::Up; 2], before), "seed {seed}");
    }
}

#[test]
fn a_cut_is_seen_in_the_detection_time_and_not_before() {
    for seed in 0..2000 {
        let mut rng = Rng::with_seed(seed);
        let settings = settings(&mut rng, 2);
        let ways = [0, 1].map(|_| Way { delay: Duration::from_micros(rng.u64(50..50_000)), ..GOOD });
        let mut world = World::new(seed, settings.clone(), ways);
        world.run(Duration::from_secs(20) + Duration::from_micros(rng.u64(0..200_000)));
        assert_eq!(world.states(), [State::Up; 2], "seed {seed}");
        let one_way = rng.bool();
        world.ways[0].cut = true;
        world.ways[1].cut = !one_way;
        world.nodes.iter_mut().for_each(|node| node.entered.clear());
        let cut = world.now;
        world.run(Duration::from_secs(3));
        let agreed = interval(&settings, 0) * u32::from(settings[0].multiplier);
        let (down, local, state, diagnostic) = world.nodes[1].entered[0];
        assert_eq!((state, diagnostic), (State::Down, Diagnostic::TIME_EXPIRED), "seed {seed}");
        let heard = world.nodes[1].local(world.nodes[1].heard);
        // The wire has whole microseconds.
        assert!(
            local.since(heard).abs_diff(agreed) < Duration::from_micros(20),
            "seed {seed}: {:?} {agreed:?}",
            local.since(heard)
        );
        let most = agreed + ways[0].delay + Duration::from_millis(1);
        assert!(Duration::from_nanos(down - cut) <= most, "seed {seed}");
        // The other end hears of it, or finds out by itself.
        let (_, _, state, diagnostic) = world.nodes[0].entered[0];
        let why = if one_way { Diagnostic::NEIGHBOUR_DOWN } else { Diagnostic::TIME_EXPIRED };
        assert_eq!((state, diagnostic), (State::Down, why), "seed {seed}");
        world.ways.iter_mut().for_each(|way| way.cut = false);
        world.run(Duration::from_secs(10));
        assert_eq!(world.states(), [State::Up; 2], "seed {seed}: it comes back");
    }
}

#[test]
fn who_was_started_anew_is_up_again_soon() {
    for seed in 0..1000 {
        let mut rng = Rng::with_seed(seed);
        let settings = settings(&mut rng, 2);
        let mut world = World::new(seed, settings.clone(), [GOOD; 2]);
        world.run(Duration::from_secs(10) + Duration::from_micros(rng.u64(0..100_000)));
        assert_eq!(world.states(), [State::Up; 2], "seed {seed}");
        let remembers = rng.bool();
        let before = world.nodes[0].status(world.now).discriminator;
        let restart = world.now;
        world.start(0, remembers);
        assert!(!remembers || world.nodes[0].status(world.now).discriminator == before);
        world.run(Duration::from_secs(6));
        assert_eq!(world.states(), [State::Up; 2], "seed {seed}, remembers: {remembers}");
        let up = world.nodes.iter().flat_map(|node| &node.entered).filter(|(_, _, state, _)| *state == State::Up);
        let took = Duration::from_nanos(up.map(|(at, ..)| *at).max().unwrap_or(0) - restart);
        // Packets each of which answers the one before; one that is passive waits for the neighbour's next, and
        // without its discriminator until that begins anew. Sequence numbers begin anew, which the neighbour takes when
        // nothing was valid for twice the detection time; it is down by then, and speaks each second.
        let [interval, detection] =
            [interval(&settings, 1), interval(&settings, 0) * u32::from(settings[0].multiplier)];
        let most = match (&settings[0].authentication, settings[0].passive) {
            (None, false) => Duration::ZERO,
            (None, true) if remembers => interval,
            (None, true) => detection + Duration::from_secs(2),
            (Some(_), _) => 2 * detection + Duration::from_secs(2),
        };
        assert!(took <= most + Duration::from_millis(1), "seed {seed}, remembers: {remembers}: {took:?}");
        let again = world.nodes[1].entered.iter().filter(|(_, _, state, _)| *state == State::Up).count();
        assert_eq!(again, 2, "seed {seed}: it went down once");
    }
}

#[test]
fn packets_leave_as_the_jitter_says_and_do_not_drift() {
    for seed in 0..300 {
        let mut rng = Rng::with_seed(seed);
        let least = rng.u8(1..3);
        let mut settings = settings(&mut rng, least);
        settings.iter_mut().for_each(|each| each.multiplier = least);
        let mut world = World::new(seed, settings.clone(), [GOOD; 2]);
        world.run(Duration::from_secs(10));
        world.nodes.iter_mut().for_each(|node| node.sent.clear());
        world.run(Duration::from_secs(10));
        assert_eq!(world.states(), [State::Up; 2], "seed {seed}");
        for node in 0..2 {
            let interval = interval(&settings, node);
            let most = if least == 1 { interval * 9 / 10 } else { interval };
            let sent = &world.nodes[node].sent;
            for pair in sent.windows(2) {
                let gap = pair[1].since(pair[0]);
                let slack = Duration::from_micros(1);
                assert!(gap + slack >= interval * 3 / 4 && gap <= most + slack, "seed {seed}: {gap:?} {interval:?}");
            }
            let mean = sent[sent.len() - 1].since(sent[0]) / (sent.len() as u32 - 1);
            assert!(mean > interval * 78 / 100 && mean < interval * 95 / 100, "seed {seed}: {mean:?} {interval:?}");
        }
    }
}

/// The manual says how good it is.
#[test]
fn the_estimate_of_lost_packets_is_near() {
    for seed in 0..400 {
        let mut rng = Rng::with_seed(seed);
        let settings = settings(&mut rng, 4);
        let percent = [0, 1, 5, 20, 40][rng.usize(0..5)];
        let is_steady = rng.bool();
        let ways = [0, 1].map(|node| Way {
            row: 2,
            percent,
            delay: Duration::from_micros(rng.u64(50..50_000)),
            spread: if is_steady { Duration::ZERO } else { interval(&settings, node) / 5 },
            ..GOOD
        });
        let mut world = World::new(seed, settings, ways);
        world.run(Duration::from_secs(20));
        assert_eq!(world.states(), [State::Up; 2], "seed {seed}");
        let counts = |world: &World| {
            [0, 1].map(|node| {
                let measured = world.nodes[1 - node].status(world.now).measured.expect("it is up");
                (measured.lost, world.nodes[node].lost_ever, world.nodes[node].sent.len() as u64)
            })
        };
        let before = counts(&world);
        world.run(Duration::from_secs(60));
        for ((reckoned, lost, sent), before) in counts(&world).into_iter().zip(before) {
            let (reckoned, lost, sent) = (reckoned - before.0, lost - before.1, sent - before.2);
            // One or two may be on their way, or in a row that has not ended.
            let most = 3 + if is_steady { sent / 100 } else { sent / 50 };
            let text = format!("seed {seed}: {reckoned} of {lost} lost, {sent} sent; {percent} %, steady: {is_steady}");
            assert!(reckoned.abs_diff(lost) <= most, "{text}");
            assert!(percent > 0 || !is_steady || reckoned == 0, "{text}");
        }
    }
}

#[test]
fn strangers_cannot_touch_an_authenticated_session() {
    for (at, (name, method)) in METHODS.into_iter().enumerate().skip(1) {
        let key = |secret: &[u8]| Authentication { method, key_id: 1, key: Secret::new(secret) };
        let both = [0, 1]
            .map(|node| Settings { authentication: Some(key(b"right")), ..Settings::new("peer", address(1 - node)) });
        let mut world = World::new(at as u64, both, [GOOD; 2]);
        world.run(Duration::from_secs(5));
        assert_eq!(world.states(), [State::Up; 2], "{name}");
        let changes = world.nodes[0].status(world.now).changes;
        let yours = world.nodes[0].status(world.now).discriminator;
        let forged = |state| Control { state, multiplier: 3, mine: 77, yours, min_rx: 0, ..Control::default() };
        for number in 0..200 {
            for state in [State::Down, State::AdminDown, State::Init, State::Up] {
                let control = forged(state);
                for bytes in [control.encode(), control.encode_with(&key(b"wrong"), number)] {
                    world.deliver(0, address(1), &bytes);
                }
                // The right key, and a number that is not to be expected.
                world.deliver(0, address(1), &control.encode_with(&key(b"right"), number.wrapping_sub(1 << 30)));
                world.deliver(0, IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9)), &control.encode());
            }
            world.run(Duration::from_millis(20));
        }
        let status = world.nodes[0].status(world.now);
        assert_eq!((status.state, status.changes), (State::Up, changes), "{name}");
        let rejected = status.counters.rejected;
        assert_eq!((rejected.authentication_mismatch, rejected.authentication_failure), (800, 800), "{name}");
        assert!(rejected.replay >= 790, "{name}: {rejected:?}");
        assert_eq!(world.nodes[0].sessions.status(Moment::ZERO).rejected.neighbour, 800, "{name}");
    }
}
