//! When the last connection will have ended, from how they have ended so far. Pure; time is told.

use std::{collections::VecDeque, time::Duration};

/// What happened longer ago tells little of what is left: the short connections are gone.
const WINDOW: Duration = Duration::from_secs(60);

/// Beyond this an estimate is only a way to say that it takes long.
const MOST: Duration = Duration::from_secs(2 * 24 * 3600);

/// Euler's constant: what the harmonic series has more than the logarithm.
const EULER: f64 = 0.577_215_664_9;

/// How many connections there were, and when.
#[derive(Debug, Default)]
pub(super) struct Decay(VecDeque<(Duration, u64)>);

impl Decay {
    /// Notes how many are left, so long after the begin.
    pub(super) fn note(&mut self, at: Duration, left: u64) {
        while self.0.len() > 1 && self.0.front().is_some_and(|(first, _)| at.saturating_sub(*first) > WINDOW) {
            self.0.pop_front();
        }
        self.0.push_back((at, left));
    }

    /// Returns how long it will take until none is left; `None` as long as they do not get fewer.
    ///
    /// If each of n connections ends with the same chance a second, the last one is expected after the sum of 1/n, 1/(n-1) … 1
    /// mean lives.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let ((begin, first), (end, last)) = (self.0.front()?, self.0.back()?);
        if *last == 0 {
            return Some(Duration::ZERO);
        }
        let passed = end.saturating_sub(*begin).as_secs_f64();
        if last >= first || passed <= 0.0 {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let (first, last) = (*first as f64, *last as f64);
        let mean_life = passed / (first / last).ln();
        let seconds = mean_life * (last.ln() + EULER);
        (seconds < MOST.as_secs_f64()).then(|| Duration::from_secs_f64(seconds.max(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_decay_is_foreseen() {
        let mut decay = Decay::default();
        assert_eq!(decay.remaining(), None);
        // Half of them end every ten seconds: a mean life of 14.4 s.
        for second in 0..=30_u32 {
            decay.note(Duration::from_secs(second.into()), (800.0 * 0.5_f64.powf(f64::from(second) / 10.0)) as u64);
        }
        let seconds = decay.remaining().expect("an estimate").as_secs();
        assert!((70..80).contains(&seconds), "{seconds}");
    }

    #[test]
    fn without_a_decay_nothing_is_foreseen() {
        let mut decay = Decay::default();
        for second in 0..100 {
            decay.note(Duration::from_secs(second), 5);
        }
        assert_eq!(decay.remaining(), None);
        decay.note(Duration::from_secs(100), 9);
        assert_eq!(decay.remaining(), None);
        decay.note(Duration::from_secs(101), 0);
        assert_eq!(decay.remaining(), Some(Duration::ZERO));
        assert!(decay.0.len() < 64, "{}", decay.0.len());
    }
}
