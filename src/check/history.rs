//! What is remembered of a probe's answers: for `check list`, for metrics, for the person who asks why.

use std::{collections::VecDeque, time::Duration};

use super::{
    answer::{Answer, FailureKind, Verdict},
    durations::Durations,
};
use crate::model::Moment;

/// How many latencies are remembered.
pub const LATENCIES: usize = 32;

/// How many failures are remembered with their reason.
pub const FAILURES: usize = 5;

/// Answers of one probe.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Of good answers in microseconds, in no order that matters; a ring once there are [`LATENCIES`].
    latencies: Vec<u32>,
    oldest: usize,
    failures: VecDeque<Failed>,
    last: Option<(Moment, Answer)>,
    /// Of good answers, since the begin.
    pub durations: Durations,
    /// Answers of all kinds.
    pub probes: u64,
    /// Bad answers.
    pub failed: u64,
    /// Answers that said nothing, because we failed and not the server.
    pub unknown: u64,
}

/// A failure as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// When the answer was there.
    pub at: Moment,
    /// What sort of failure.
    pub kind: FailureKind,
    /// What was wrong, for people.
    pub reason: String,
}

/// How long good answers took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// How many are known, at most [`LATENCIES`].
    pub samples: usize,
    /// Half of them took longer than this.
    pub median: Duration,
    /// The longest of them.
    pub worst: Duration,
}

impl History {
    /// Remembers an answer.
    pub(super) fn note(&mut self, now: Moment, answer: Answer) {
        self.probes += 1;
        match &answer.verdict {
            Verdict::Good(_) => {
                self.note_latency(answer.took);
                self.durations.note(answer.took);
            }
            Verdict::Bad(failure) => {
                self.failed += 1;
                if self.failures.len() == FAILURES {
                    self.failures.pop_back();
                }
                self.failures.push_front(Failed { at: now, kind: failure.kind, reason: failure.reason.clone() });
            }
            Verdict::Unknown(_) => self.unknown += 1,
        }
        self.last = Some((now, answer));
    }

    fn note_latency(&mut self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        match self.latencies.get_mut(self.oldest) {
            Some(oldest) => {
                *oldest = micros;
                self.oldest = (self.oldest + 1) % LATENCIES;
            }
            None => {
                self.latencies.push(micros);
                self.oldest = self.latencies.len() % LATENCIES;
            }
        }
    }

    /// Returns the last answer and when it came.
    pub fn last(&self) -> Option<(Moment, &Answer)> {
        self.last.as_ref().map(|(at, answer)| (*at, answer))
    }

    /// Returns the last failures, the newest first; at most [`FAILURES`].
    pub fn failures(&self) -> impl Iterator<Item = &Failed> {
        self.failures.iter()
    }

    /// Returns how long the last [`LATENCIES`] good answers took; `None` before the first one.
    pub fn latency(&self) -> Option<Latency> {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let micros = |value: &u32| Duration::from_micros((*value).into());
        Some(Latency {
            samples: sorted.len(),
            median: sorted.get(sorted.len() / 2).map(micros)?,
            worst: sorted.last().map(micros)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::answer::{Failure, Success};

    fn answer(verdict: Verdict, took: u64) -> Answer {
        Answer { verdict, took: Duration::from_millis(took) }
    }

    #[test]
    fn latencies_are_those_of_the_last_good_answers() {
        let mut history = History::default();
        assert_eq!(history.latency(), None);
        for took in [1000, 900].into_iter().chain(1..=LATENCIES as u64) {
            history.note(Moment::ZERO, answer(Verdict::Good(Success::default()), took));
        }
        let latency = history.latency().unwrap();
        assert_eq!(
            (latency.samples, latency.worst),
            (LATENCIES, Duration::from_millis(32)),
            "the old ones are forgotten"
        );
        assert_eq!(latency.median, Duration::from_millis(17));
    }

    #[test]
    fn failures_are_counted_and_the_newest_are_kept() {
        let mut history = History::default();
        for number in 0..=FAILURES {
            let failure =
                Failure { kind: FailureKind::Refused, reason: format!("failure {number}"), evidence: Vec::new() };
            history.note(Moment::ZERO, answer(Verdict::Bad(failure), 5000));
        }
        history.note(Moment::ZERO, answer(Verdict::Unknown("no descriptors".into()), 0));
        assert_eq!((history.probes, history.failed, history.unknown), (7, 6, 1));
        assert_eq!(history.failures().next().map(|failed| failed.reason.as_str()), Some("failure 5"));
        assert_eq!(history.failures().count(), FAILURES);
        assert_eq!(history.latency(), None, "failures have no latency");
    }
}
