//! All probes of a process: which one is due, which are under way, and which checks share one. No IO, no clock.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use super::{
    answer::Answer,
    schedule::{Course, Outcome},
    settings::{Probe, Question, Schedule},
};
use crate::model::Moment;

/// A probe on a [`Board`]; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(u64);

/// A probe that is to be made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// To be given back with the answer.
    pub id: ProbeId,
    /// What to ask.
    pub probe: Arc<Probe>,
}

/// How late probes began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Probes begun.
    pub probes: u64,
    /// Latest ever.
    pub worst: Duration,
    /// Sum over all probes.
    pub total: Duration,
    /// Probes later than 1 ms, 5 ms, 10 ms, 100 ms and 1 s.
    pub over: [u64; 5],
}

/// A probe may begin this part of its interval early, together with another one that is due: to wake up and to ask the kernel
/// what came costs as much as a probe.
const EARLY: u32 = 20;

/// No probe begins earlier than this.
const MOST_EARLY: Duration = Duration::from_millis(50);

/// The bounds of [`Lateness::over`].
const BOUNDS: [Duration; 5] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
];

impl Lateness {
    fn note(&mut self, late: Duration) {
        self.probes += 1;
        self.worst = self.worst.max(late);
        self.total = self.total.saturating_add(late);
        for (count, bound) in self.over.iter_mut().zip(BOUNDS) {
            *count += u64::from(late > bound);
        }
    }
}

/// All probes of a process. Equal ones (same question, same schedule) are one, however many checks want them.
///
/// A probe is under way at most once. When as many are under way as there may be, the others wait, and those that were due
/// first begin first: a probe's next turn is always later than the turns that wait, so that none waits for ever.
#[derive(Debug)]
pub struct Board {
    /// Boxed, because a map has room for twice as many as there are.
    probes: HashMap<ProbeId, Box<Shared>>,
    /// The probes that ask the same, each at a schedule of its own, by a hash of what they ask: they have it themselves.
    alike: BTreeSet<(u64, ProbeId)>,
    hasher: RandomState,
    due: BTreeSet<(Moment, ProbeId)>,
    /// With those that nobody wants any more, until they are answered: they hold descriptors.
    under_way: HashSet<ProbeId>,
    most: usize,
    rng: fastrand::Rng,
    lateness: Lateness,
    last_id: u64,
}

#[derive(Debug)]
struct Shared {
    probe: Arc<Probe>,
    course: Course,
    /// How many checks want it.
    users: usize,
    /// How many of these are awake.
    awake: usize,
}

impl Shared {
    /// How much sooner than it is due it may begin.
    fn early(&self) -> Duration {
        (self.course.schedule().interval / EARLY).min(MOST_EARLY)
    }

    /// Whether probes are made of it; the state of a BFD session is told instead.
    fn is_scheduled(&self) -> bool {
        self.awake > 0 && !matches!(self.probe.question, Question::Bfd { .. })
    }
}

impl Board {
    /// Returns an empty board. At most `most` probes (at least 1) are under way at once.
    pub fn new(seed: u64, most: usize) -> Self {
        Self {
            probes: HashMap::new(),
            alike: BTreeSet::new(),
            hasher: RandomState::new(),
            due: BTreeSet::new(),
            under_way: HashSet::new(),
            most: most.max(1),
            rng: fastrand::Rng::with_seed(seed),
            lateness: Lateness::default(),
            last_id: 0,
        }
    }

    /// Sets how many probes may be under way at once, at least 1.
    pub fn set_most(&mut self, most: usize) {
        self.most = most.max(1);
    }

    /// Adds a probe for one more check, which is asleep at first (see [`Self::wake`]). If an equal one is there, that one
    /// is shared; else a new one begins, with what is known from the same probe at another schedule.
    pub fn add(&mut self, now: Moment, probe: Arc<Probe>, schedule: Arc<Schedule>) -> ProbeId {
        let hash = self.hasher.hash_one(&probe);
        let alike = self.alike.range((hash, ProbeId(0))..=(hash, ProbeId(u64::MAX))).map(|(_, id)| *id);
        let alike =
            alike.filter_map(|id| self.probes.get(&id).filter(|known| known.probe == probe).map(|known| (id, known)));
        let mut like = None;
        for (id, known) in alike {
            if *known.course.schedule() == *schedule {
                if let Some(shared) = self.probes.get_mut(&id) {
                    shared.users += 1;
                }
                return id;
            }
            like = like.or(Some(known));
        }
        self.last_id += 1;
        let id = ProbeId(self.last_id);
        let course = match like {
            Some(like) => Course::after(now, schedule, &like.course),
            None => Course::new(now, schedule, &mut self.rng),
        };
        self.alike.insert((hash, id));
        self.probes.insert(id, Box::new(Shared { probe, course, users: 1, awake: 0 }));
        id
    }

    /// Takes a sleeping check away; the last one takes its probe with it.
    pub fn release(&mut self, id: ProbeId) {
        let Some(shared) = self.probes.get_mut(&id) else { return };
        shared.users = shared.users.saturating_sub(1);
        if shared.users == 0
            && let Some(gone) = self.probes.remove(&id)
        {
            self.due.remove(&(gone.course.due(), id));
            self.alike.remove(&(self.hasher.hash_one(&gone.probe), id));
        }
    }

    /// Wakes one check: its probe is made. After a sleep it is due at once, since nobody knows what happened meanwhile; but
    /// the first one keeps its warm-up.
    pub fn wake(&mut self, now: Moment, id: ProbeId) {
        let under_way = self.under_way.contains(&id);
        let Some(shared) = self.probes.get_mut(&id) else { return };
        shared.awake += 1;
        if shared.awake > 1 || under_way || !shared.is_scheduled() {
            return;
        }
        if shared.course.due() < now {
            shared.course.hurry(now);
        }
        self.due.insert((shared.course.due(), id));
    }

    /// Puts one check to sleep. With the last one its probe's state freezes: an answer that is still to come is dropped.
    pub fn rest(&mut self, id: ProbeId) {
        let Some(shared) = self.probes.get_mut(&id) else { return };
        shared.awake = shared.awake.saturating_sub(1);
        if shared.awake == 0 {
            self.due.remove(&(shared.course.due(), id));
        }
    }

    /// Takes an answer to a probe that was started, or the state of a BFD session. `None` if nobody wants it any more.
    pub fn handle(&mut self, now: Moment, id: ProbeId, answer: Answer) -> Option<Outcome> {
        self.under_way.remove(&id);
        let shared = self.probes.get_mut(&id)?;
        if shared.awake == 0 {
            return None;
        }
        self.due.remove(&(shared.course.due(), id));
        let outcome = shared.course.handle(now, answer, &mut self.rng);
        if shared.is_scheduled() {
            self.due.insert((shared.course.due(), id));
        }
        Some(outcome)
    }

    /// Returns when [`Self::poll`] will have something to start. May change after any other call.
    pub fn next_timeout(&self) -> Option<Moment> {
        let (first, _) = self.due.first()?;
        (self.under_way.len() < self.most).then_some(*first)
    }

    /// Returns a probe that is due, or nearly so, if there is one and there is room for it. May give more after it gave one.
    pub fn poll(&mut self, now: Moment) -> Option<Start> {
        let (due, id) = *self.due.first().filter(|_| self.under_way.len() < self.most)?;
        let shared = self.probes.get(&id).filter(|shared| due <= now + shared.early())?;
        self.due.remove(&(due, id));
        self.under_way.insert(id);
        self.lateness.note(now.since(due));
        Some(Start { id, probe: Arc::clone(&shared.probe) })
    }

    /// Returns the course of a probe, `None` if nobody wants it any more.
    pub fn course(&self, id: ProbeId) -> Option<&Course> {
        self.probes.get(&id).map(|shared| &shared.course)
    }

    /// Returns what a probe asks, as it is kept here; `None` if nobody wants it any more.
    pub fn probe(&self, id: ProbeId) -> Option<&Arc<Probe>> {
        self.probes.get(&id).map(|shared| &shared.probe)
    }

    /// Returns the probes that stand for the BFD session of this name.
    pub fn bfd<'a>(&'a self, session: &'a str) -> impl Iterator<Item = ProbeId> + 'a {
        self.probes.iter().filter_map(move |(id, shared)| match &shared.probe.question {
            Question::Bfd { name } if name == session => Some(*id),
            _ => None,
        })
    }

    /// Returns when a probe is due next, or was due if it is being made; `None` if none is planned.
    pub fn next(&self, id: ProbeId) -> Option<Moment> {
        let shared = self.probes.get(&id).filter(|shared| shared.is_scheduled())?;
        Some(shared.course.due())
    }

    /// Returns how many probes are being made.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Returns how many different probes there are.
    pub fn len(&self) -> usize {
        self.probes.len()
    }

    /// Whether there is no probe.
    pub fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }

    /// Returns how late probes began.
    pub fn lateness(&self) -> Lateness {
        self.lateness
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{
        answer::{Success, Verdict},
        schedule::Health,
        settings::{Connection, Initial},
    };

    fn probe(number: u8) -> Probe {
        Probe {
            target: ([10, 0, 0, number], 80).into(),
            connection: Connection::default(),
            question: Question::Tcp,
            deadline: Duration::from_secs(2),
        }
    }

    fn schedule() -> Schedule {
        Schedule {
            interval: Duration::from_secs(1),
            jitter: Duration::ZERO,
            retry: 1,
            delay_before_retry: Duration::from_secs(1),
            rise: 1,
            warmup: Duration::ZERO,
            initial: Initial::CheckFirst,
            log_all_failures: false,
        }
    }

    fn at(millis: u64) -> Moment {
        Moment::from_start(Duration::from_millis(millis))
    }

    fn good() -> Answer {
        Answer { verdict: Verdict::Good(Success::default()), took: Duration::from_millis(1) }
    }

    fn awake(board: &mut Board, number: u8) -> ProbeId {
        let id = board.add(at(0), probe(number).into(), schedule().into());
        board.wake(at(0), id);
        id
    }

    #[test]
    fn equal_probes_are_made_once_and_go_with_their_last_user() {
        let mut board = Board::new(1, 10);
        let ids: Vec<_> = (0..10).map(|_| awake(&mut board, 1)).collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!(board.len(), 1);
        let other = board.add(at(0), probe(1).into(), Schedule { retry: 7, ..schedule() }.into());
        assert_ne!(other, ids[0], "another schedule is another probe");
        board.release(other);
        assert_eq!(board.poll(at(0)).map(|start| start.id), Some(ids[0]));
        assert_eq!(board.poll(at(5000)), None, "never two of the same at once");
        for id in ids.iter().skip(1) {
            board.rest(*id);
            board.release(*id);
        }
        assert!(board.handle(at(5000), ids[0], good()).is_some());
        board.rest(ids[0]);
        board.release(ids[0]);
        assert!(board.is_empty());
        assert_eq!(board.next_timeout(), None);
        assert_ne!(awake(&mut board, 1), ids[0], "a late answer is never taken for another probe's");
    }

    #[test]
    fn a_full_board_starts_what_was_due_first() {
        let mut board = Board::new(1, 2);
        let ids: Vec<_> = (0..5).map(|number| awake(&mut board, number)).collect();
        let mut made = vec![0; ids.len()];
        let mut under_way = Vec::new();
        for step in 0..10_000 {
            let now = at(step * 10);
            while let Some(start) = board.poll(now) {
                under_way.push(start.id);
            }
            assert!(board.under_way() <= 2);
            if under_way.len() == 2 {
                assert_eq!(board.next_timeout(), None, "a full board needs an answer, not time");
            }
            // Each takes a second, so the board is always overloaded.
            if step % 50 == 0 && !under_way.is_empty() {
                let id = under_way.remove(0);
                made[ids.iter().position(|each| *each == id).unwrap()] += 1;
                board.handle(now, id, good());
            }
        }
        // 200 turns for five: 40 each, if there were no beats, by which some are not yet due when there is room.
        assert!(made.iter().all(|count| *count >= 30), "{made:?}");
        assert!(board.lateness().over[4] > 0, "and is seen to be");
    }

    #[test]
    fn probes_that_are_nearly_due_begin_together_and_keep_their_beat() {
        let mut board = Board::new(1, 10);
        let ids = [0, 30, 60].map(|millis| {
            let id = board.add(at(millis), probe(u8::try_from(millis).unwrap()).into(), schedule().into());
            board.wake(at(millis), id);
            assert_eq!(board.poll(at(millis)).map(|start| start.id), Some(id));
            board.handle(at(millis + 1), id, good());
            id
        });
        for second in 1..4 {
            assert_eq!(board.next_timeout(), Some(at(second * 1000)));
            assert_eq!(board.poll(at(second * 1000 - 51)), None);
            let begun: Vec<_> = std::iter::from_fn(|| board.poll(at(second * 1000)).map(|start| start.id)).collect();
            assert_eq!(begun, ids[..2], "a twentieth of the interval early, not more");
            assert_eq!(board.next_timeout(), Some(at(second * 1000 + 60)));
            assert_eq!(board.poll(at(second * 1000 + 60)).map(|start| start.id), Some(ids[2]));
            ids.iter().for_each(|id| _ = board.handle(at(second * 1000 + 61), *id, good()));
        }
        assert_eq!(board.lateness().worst, Duration::ZERO);
    }

    #[test]
    fn sleep_freezes_the_state_and_waking_asks_at_once() {
        let mut board = Board::new(1, 10);
        let id = awake(&mut board, 1);
        board.poll(at(0)).unwrap();
        board.rest(id);
        assert_eq!(board.handle(at(10), id, good()), None);
        assert_eq!(board.course(id).map(Course::health), Some(Health::Untested));
        assert_eq!(board.poll(at(60_000)), None);
        board.wake(at(70_000), id);
        assert_eq!(board.next_timeout(), Some(at(70_000)));
        assert_eq!(board.poll(at(70_000)).map(|start| start.id), Some(id));
        // Asleep and awake again while a probe is under way: it is answered once, and there is one next.
        board.rest(id);
        board.wake(at(70_001), id);
        assert_eq!(board.poll(at(70_001)), None);
        assert!(board.handle(at(70_002), id, good()).is_some());
        assert_eq!(board.next_timeout(), Some(at(71_000)));
    }

    #[test]
    fn another_schedule_of_the_same_probe_begins_with_what_is_known() {
        let mut board = Board::new(1, 10);
        let id = awake(&mut board, 1);
        board.poll(at(0)).unwrap();
        board.handle(at(10), id, good());
        let faster = Schedule { interval: Duration::from_millis(100), ..schedule() };
        let next = board.add(at(20), probe(1).into(), faster.into());
        board.wake(at(20), next);
        board.rest(id);
        board.release(id);
        assert_eq!(board.course(next).map(Course::health), Some(Health::Up));
        assert_eq!(board.next_timeout(), Some(at(120)));
    }

    #[test]
    fn sessions_of_bfd_are_told_not_probed() {
        let mut board = Board::new(1, 10);
        let question = Question::Bfd { name: "peer1".into() };
        let id = board.add(at(0), Probe { question, ..probe(1) }.into(), schedule().into());
        board.wake(at(0), id);
        assert_eq!(board.next_timeout(), None);
        assert_eq!(board.bfd("peer1").collect::<Vec<_>>(), [id]);
        assert!(board.handle(at(1), id, good()).is_some_and(|outcome| outcome.changed));
        assert_eq!(board.next_timeout(), None);
    }
}
