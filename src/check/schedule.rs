//! One probe in time: when it is made next, and when its results count. No IO, no clock.

use std::{sync::Arc, time::Duration};

use super::{
    answer::{Answer, Verdict, WeightChange},
    history::History,
    settings::{Initial, Schedule},
};
use crate::model::Moment;

/// No probe begins sooner than this after the last one began, whatever its settings say: a server that refuses at once
/// would otherwise keep us busy with nothing else.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);

/// What a check says of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// Nothing yet.
    Untested,
    /// It works.
    Up,
    /// It does not.
    Down,
}

impl Health {
    /// Returns what counts before the first verdict.
    pub fn at_first(initial: Initial) -> Self {
        match initial {
            Initial::CheckFirst => Self::Untested,
            Initial::Up => Self::Up,
            Initial::Down => Self::Down,
        }
    }

    /// Returns the word for it in JSON and lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Untested => "untested",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What an answer did to the state of its probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether health or weight differ from before.
    pub changed: bool,
    /// Whether a failed probe was forgiven, because retries are left.
    pub forgiven: bool,
    /// Whether the answer says nothing, and the one before it did.
    pub newly_unknown: bool,
}

/// One probe's way through time.
#[derive(Clone, Debug)]
pub struct Course {
    schedule: Arc<Schedule>,
    health: Health,
    since: Moment,
    /// Whether a verdict was ever given. The first one counts at once, so that a dead server has no grace at start.
    judged: bool,
    /// Verdicts in a row that contradict `health`.
    against: u32,
    weight: Option<WeightChange>,
    due: Moment,
    history: History,
}

impl Course {
    /// Begins: the first probe is due within the warm-up.
    pub(super) fn new(now: Moment, schedule: Arc<Schedule>, rng: &mut fastrand::Rng) -> Self {
        Self {
            health: Health::at_first(schedule.initial),
            since: now,
            judged: false,
            against: 0,
            weight: None,
            due: now + up_to(schedule.warmup, rng),
            history: History::default(),
            schedule,
        }
    }

    /// Begins with what another schedule of the same probe has found out.
    pub(super) fn after(now: Moment, schedule: Arc<Schedule>, before: &Self) -> Self {
        let due = before.due.min(now + schedule.interval);
        Self { schedule, due, ..before.clone() }
    }

    /// Takes the answer to the probe that was due last, and decides when the next one is.
    ///
    /// * The first verdict counts at once, but a check that is taken for failed at first needs its rises.
    /// * A bad answer of a working check is forgiven `retry` times in a row, each time with a probe after
    ///   `delay_before_retry`; then the check has failed.
    /// * `rise` good answers in a row bring a failed check back.
    /// * What says nothing changes nothing, and does not interrupt a row.
    pub(super) fn handle(&mut self, now: Moment, answer: Answer, rng: &mut fastrand::Rng) -> Outcome {
        let before = (self.health, self.weight);
        let was_unknown = matches!(self.history.last(), Some((_, Answer { verdict: Verdict::Unknown(_), .. })));
        let unknown = matches!(answer.verdict, Verdict::Unknown(_));
        match &answer.verdict {
            Verdict::Good(success) => self.good(success.weight),
            Verdict::Bad(_) => self.bad(),
            Verdict::Unknown(_) => {}
        }
        if self.health != before.0 {
            self.since = now;
            self.against = 0;
        }
        let forgiven = matches!(answer.verdict, Verdict::Bad(_)) && self.health == Health::Up;
        self.history.note(now, answer);
        self.due = if forgiven {
            now + self.schedule.delay_before_retry.max(LEAST_INTERVAL)
        } else {
            self.next_beat(now, rng)
        };
        Outcome { changed: (self.health, self.weight) != before, forgiven, newly_unknown: unknown && !was_unknown }
    }

    fn good(&mut self, weight: Option<WeightChange>) {
        match self.health {
            Health::Up => self.against = 0,
            Health::Untested => self.health = Health::Up,
            Health::Down => {
                self.against = self.against.saturating_add(1);
                if self.against >= self.schedule.rise {
                    self.health = Health::Up;
                }
            }
        }
        self.judged = true;
        if self.health == Health::Up {
            self.weight = weight;
        }
    }

    fn bad(&mut self) {
        match self.health {
            Health::Down => self.against = 0,
            Health::Untested => self.health = Health::Down,
            Health::Up => {
                self.against = self.against.saturating_add(1);
                if !self.judged || self.against > self.schedule.retry {
                    self.health = Health::Down;
                }
            }
        }
        self.judged = true;
    }

    /// An interval after the begin of the last probe, give or take the jitter. What cannot be kept because the probe (or
    /// this process) took longer is skipped: many probes that are late together must not come together ever after.
    fn next_beat(&self, now: Moment, rng: &mut fastrand::Rng) -> Moment {
        let interval = self.schedule.interval.max(LEAST_INTERVAL);
        let jitter = self.schedule.jitter.min(interval - LEAST_INTERVAL);
        let next = self.due + (interval - jitter) + up_to(jitter * 2, rng);
        if next >= now {
            return next;
        }
        let missed = now.since(next).as_nanos().div_ceil(interval.as_nanos());
        next + interval.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX))
    }

    /// Makes the next probe due now.
    pub(super) fn hurry(&mut self, now: Moment) {
        self.due = now;
    }

    /// Returns when the next probe is due; while one is under way, when that was.
    pub fn due(&self) -> Moment {
        self.due
    }

    /// Returns what the check says of its server.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Returns since when.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// Returns what the last good answer that counted says of the server's weight.
    pub fn weight(&self) -> Option<WeightChange> {
        self.weight
    }

    /// Returns when probes are made.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Returns the answers so far.
    pub fn history(&self) -> &History {
        &self.history
    }
}

/// Returns a random duration from zero to `most`.
fn up_to(most: Duration, rng: &mut fastrand::Rng) -> Duration {
    Duration::from_micros(rng.u64(0..=u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::answer::{Failure, FailureKind, Success};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn at(millis: u64) -> Moment {
        Moment::from_start(Duration::from_millis(millis))
    }

    fn schedule() -> Schedule {
        Schedule {
            interval: seconds(6),
            jitter: Duration::ZERO,
            retry: 2,
            delay_before_retry: seconds(1),
            rise: 2,
            warmup: Duration::ZERO,
            initial: Initial::CheckFirst,
            log_all_failures: false,
        }
    }

    /// A course and the answers it is given, each at the time when its probe is due and after `took` milliseconds.
    struct Run {
        course: Course,
        rng: fastrand::Rng,
    }

    impl Run {
        fn new(schedule: Schedule) -> Self {
            let mut rng = fastrand::Rng::with_seed(7);
            Self { course: Course::new(Moment::ZERO, schedule.into(), &mut rng), rng }
        }

        /// Returns when the probe began in milliseconds, and the health after it.
        fn answer(&mut self, verdict: Verdict, took: u64) -> (u128, Health) {
            let begun = self.course.due();
            let took = Duration::from_millis(took);
            self.course.handle(begun + took, Answer { verdict, took }, &mut self.rng);
            (begun.since_start().as_millis(), self.course.health())
        }

        fn good(&mut self) -> (u128, Health) {
            self.answer(Verdict::Good(Success::default()), 3)
        }

        fn bad(&mut self) -> (u128, Health) {
            let failure = Failure { kind: FailureKind::Timeout, reason: "no answer".into(), evidence: Vec::new() };
            self.answer(Verdict::Bad(failure), 500)
        }

        fn unknown(&mut self) -> (u128, Health) {
            self.answer(Verdict::Unknown("no descriptors".into()), 1)
        }
    }

    #[test]
    fn failures_of_a_working_check_are_retried_with_their_own_pause_then_it_has_failed() {
        use Health::{Down, Up};
        let mut run = Run::new(schedule());
        assert_eq!(run.good(), (0, Up));
        assert_eq!(run.bad(), (6000, Up));
        assert_eq!(run.bad(), (7500, Up), "a second after the end of the failed one");
        assert_eq!(run.good(), (9000, Up));
        assert_eq!(run.bad(), (15000, Up), "the count began again");
        assert_eq!(run.bad(), (16500, Up));
        assert_eq!(run.bad(), (18000, Down), "retry 2 makes three attempts");
        assert_eq!(run.course.since(), at(18500));
        assert_eq!(run.bad(), (24000, Down), "a failed check is probed at its interval");
        assert_eq!(run.good(), (30000, Down));
        assert_eq!(run.bad(), (36000, Down));
        assert_eq!(run.good(), (42000, Down), "rises are in a row");
        assert_eq!(run.good(), (48000, Up));
        assert_eq!(run.bad(), (54000, Up), "retries are there again");
    }

    #[test]
    fn the_first_verdict_counts_at_once_except_for_what_has_to_rise() {
        let first = |initial, good: bool| {
            let mut run = Run::new(Schedule { initial, ..schedule() });
            let before = run.course.health();
            let (_, after) = if good { run.good() } else { run.bad() };
            (before, after)
        };
        assert_eq!(first(Initial::CheckFirst, true), (Health::Untested, Health::Up));
        assert_eq!(first(Initial::CheckFirst, false), (Health::Untested, Health::Down));
        assert_eq!(first(Initial::Up, true), (Health::Up, Health::Up));
        assert_eq!(first(Initial::Up, false), (Health::Up, Health::Down), "keepalived has no retries here either");
        assert_eq!(first(Initial::Down, true), (Health::Down, Health::Down), "one of two rises");
        assert_eq!(first(Initial::Down, false), (Health::Down, Health::Down));
        let mut run = Run::new(Schedule { initial: Initial::Down, ..schedule() });
        run.good();
        assert_eq!(run.good().1, Health::Up);
    }

    #[test]
    fn what_says_nothing_changes_nothing_and_interrupts_no_row() {
        let mut run = Run::new(schedule());
        assert_eq!(run.unknown(), (0, Health::Untested));
        assert_eq!(run.unknown(), (6000, Health::Untested), "asked again at the interval");
        run.good();
        run.bad();
        run.unknown();
        run.bad();
        run.unknown();
        assert_eq!(run.bad().1, Health::Down, "three failures in a row");
        assert!(run.course.handle(at(60_000), unknown(), &mut run.rng).newly_unknown);
        assert!(!run.course.handle(at(66_000), unknown(), &mut run.rng).newly_unknown);
    }

    fn unknown() -> Answer {
        Answer { verdict: Verdict::Unknown("no link".into()), took: Duration::ZERO }
    }

    #[test]
    fn intervals_go_from_begin_to_begin_and_what_was_missed_is_skipped() {
        let mut run = Run::new(Schedule { interval: seconds(2), ..schedule() });
        assert_eq!(run.good().0, 0);
        assert_eq!(run.answer(Verdict::Good(Success::default()), 1900).0, 2000);
        assert_eq!(run.answer(Verdict::Good(Success::default()), 5000).0, 4000, "it ends at 9000");
        assert_eq!(run.good().0, 10000, "at the next beat");
    }

    #[test]
    fn warm_up_and_jitter_stay_in_their_bounds_and_spread() {
        let mut rng = fastrand::Rng::with_seed(1);
        let settings = Schedule { warmup: seconds(60), jitter: seconds(1), ..schedule() };
        let mut firsts = Vec::new();
        for _ in 0..500 {
            let mut course = Course::new(Moment::ZERO, settings.clone().into(), &mut rng);
            let first = course.due();
            assert!(first <= at(60_000));
            firsts.push(first);
            course.handle(first, unknown(), &mut rng);
            let gap = course.due().since(first);
            assert!(gap >= seconds(5) && gap <= seconds(7), "{gap:?}");
        }
        firsts.sort_unstable();
        assert!(firsts[0] < at(2000) && firsts[499] > at(58_000), "over the whole of it");
        assert!(firsts[250] > at(25_000) && firsts[250] < at(35_000), "evenly");
    }

    #[test]
    fn silly_intervals_do_not_keep_us_busy() {
        let zero = Schedule { interval: Duration::ZERO, delay_before_retry: Duration::ZERO, ..schedule() };
        let mut run = Run::new(Schedule { jitter: seconds(9), ..zero });
        run.answer(Verdict::Good(Success::default()), 0);
        assert_eq!(run.course.due(), at(10));
        run.answer(Verdict::Unknown(String::new()), 0);
        assert_eq!(run.course.due(), at(20));
    }

    #[test]
    fn the_weight_is_that_of_the_last_good_answer_that_counted() {
        let weighty = |weight| Verdict::Good(Success { weight: Some(weight), ..Success::default() });
        let mut run = Run::new(schedule());
        run.answer(weighty(WeightChange::Percent(50)), 1);
        assert_eq!(run.course.weight(), Some(WeightChange::Percent(50)));
        run.bad();
        assert_eq!(run.course.weight(), Some(WeightChange::Percent(50)), "forgiven");
        run.good();
        assert_eq!(run.course.weight(), None);
    }
}
