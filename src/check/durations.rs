//! How long answers took, counted in ranges: for histograms of programs that ask now and then.

use std::time::Duration;

/// Upper ends of the ranges, in microseconds; one more range is open.
pub const BOUNDS_US: [u64; 11] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

/// Durations in ranges, since the begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many in each range of [`BOUNDS_US`]; the last one is open.
    pub counts: [u32; BOUNDS_US.len() + 1],
    /// Sum of all, in microseconds.
    pub sum_us: u64,
}

impl Durations {
    /// Counts one.
    pub(super) fn note(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_us = self.sum_us.saturating_add(micros);
        let range = BOUNDS_US.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS_US.len());
        if let Some(count) = self.counts.get_mut(range) {
            *count = count.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_with_their_bounds() {
        let mut durations = Durations::default();
        for micros in [0, 1_000, 1_001, 5_000_000, 5_000_001, u64::MAX] {
            durations.note(Duration::from_micros(micros));
        }
        assert_eq!(
            (durations.counts[0], durations.counts[1], durations.counts[10], durations.counts[11]),
            (2, 1, 1, 2)
        );
        assert_eq!(durations.sum_us, u64::MAX);
    }
}
