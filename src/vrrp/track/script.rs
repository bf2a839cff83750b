//! A script's results: how many in a row make it work or fail.

use crate::vrrp::event::Observation;

/// What the results of a script amount to. The first result decides, whatever comes before it; afterwards so many in a row
/// are needed to change the mind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    rise: u32,
    fall: u32,
    state: Observation,
    /// Whether a result has been counted; before, `state` is what it started from.
    decided: bool,
    /// How many results in a row contradict `state`.
    against: u32,
}

impl Health {
    /// Starts without a result; `initial` is what holds until the first one. `rise` and `fall` of 0 count as 1.
    pub fn new(rise: u32, fall: u32, initial: Observation) -> Self {
        Self { rise: rise.max(1), fall: fall.max(1), state: initial, decided: false, against: 0 }
    }

    /// Goes on from what was known under other counts.
    pub fn resumed(rise: u32, fall: u32, known: Observation) -> Self {
        Self { decided: known != Observation::Unknown, ..Self::new(rise, fall, known) }
    }

    /// Returns what is known.
    pub fn observation(&self) -> Observation {
        self.state
    }

    /// Counts a result; returns what is known now if that changed.
    pub fn count(&mut self, is_good: bool) -> Option<Observation> {
        let result = if is_good { Observation::Up } else { Observation::Down };
        if result == self.state {
            self.decided = true;
            self.against = 0;
            return None;
        }
        self.against = self.against.saturating_add(1);
        let enough = if is_good { self.rise } else { self.fall };
        if self.decided && self.against < enough {
            return None;
        }
        self.decided = true;
        self.against = 0;
        self.state = result;
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Observation::{Down, Unknown, Up};

    /// Feeds results (`+`, `-`) and draws what is known after each (`U`, `D`).
    fn draw(mut health: Health, results: &str) -> String {
        let known = |result| {
            health.count(result == '+');
            if health.observation() == Up { 'U' } else { 'D' }
        };
        results.chars().map(known).collect()
    }

    #[test]
    fn the_first_result_decides() {
        for initial in [Unknown, Down] {
            assert_eq!(Health::new(3, 3, initial).count(true), Some(Up));
        }
        assert_eq!(Health::new(3, 3, Unknown).count(false), Some(Down));
        assert_eq!(Health::new(3, 3, Down).count(false), None);
        assert_eq!(draw(Health::new(3, 3, Down), "-++-+++"), "DDDDDDU");
    }

    #[test]
    fn only_results_in_a_row_count() {
        assert_eq!(draw(Health::new(2, 3, Unknown), "+--+--+---+-++-"), "UUUUUUUUUDDDDUU");
        assert_eq!(draw(Health::new(1, 1, Unknown), "+-+-"), "UDUD");
    }

    #[test]
    fn what_was_known_before_a_reload_is_not_overturned_by_one_result() {
        assert_eq!(draw(Health::resumed(1, 2, Up), "--"), "UD");
        assert_eq!(draw(Health::resumed(2, 2, Unknown), "+"), "U");
    }

    proptest! {
        /// After the first result the state is that of the last run of equal results that was long enough.
        #[test]
        fn the_last_long_run_holds(
            rise in 1u32..5,
            fall in 1u32..5,
            results in proptest::collection::vec(any::<bool>(), 1..60),
        ) {
            let mut health = Health::new(rise, fall, Unknown);
            let (mut expected, mut run) = (results[0], 0);
            for (index, result) in results.iter().enumerate() {
                run = if index > 0 && results[index - 1] == *result { run + 1 } else { 1 };
                if run >= if *result { rise } else { fall } {
                    expected = *result;
                }
                health.count(*result);
                prop_assert_eq!(health.observation(), if expected { Up } else { Down });
            }
        }
    }
}
