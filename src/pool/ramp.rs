//! Slow start: a server gets its share of new connections little by little. Pure; time is told.
//!
//! Weights are whole numbers, so a server of weight 1 has no smaller one. All weights of its service are therefore multiplied by
//! one factor meanwhile, which leaves the shares of the others what they are.

use std::time::Duration;

use crate::model::{Moment, Weight};

/// In how many steps a server gets its weight.
const STEPS: u32 = 20;

/// Whether this scheduler gives shares by weight. Others ignore weights (rr, lc), choose by an order of weights (fo, ovf), or
/// would give clients of other servers other ones at each step (sh, mh).
pub fn weights_are_shares(scheduler: &str) -> bool {
    matches!(scheduler, "wrr" | "wlc" | "sed" | "nq" | "lblc" | "lblcr" | "twos")
}

/// Returns what all weights of a service are to be multiplied by, so that the smallest of those that are to grow has a whole number
/// for each step; less if the greatest of all would not fit a weight.
pub fn factor(growing: impl Iterator<Item = Weight>, others: impl Iterator<Item = Weight>) -> u32 {
    let (mut least, mut greatest) = (u32::MAX, 1);
    for weight in growing.map(Weight::value).filter(|weight| *weight > 0) {
        (least, greatest) = (least.min(weight), greatest.max(weight));
    }
    greatest = others.map(Weight::value).fold(greatest, u32::max);
    STEPS.div_ceil(least).min(Weight::MAX.value() / greatest).max(1)
}

/// Returns `weight`, multiplied.
pub fn multiplied(weight: Weight, factor: u32) -> Weight {
    weight.value().checked_mul(factor).and_then(Weight::new).unwrap_or(Weight::MAX)
}

/// A server that gets its weight in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// Since when.
    pub since: Moment,
    /// How long it takes.
    pub length: Duration,
    /// The step that it is at, from 1 to [`STEPS`]: then it is over.
    step: u32,
}

impl Ramp {
    /// Begins at the first step.
    pub fn new(now: Moment, length: Duration) -> Self {
        Self { since: now, length, step: 1 }
    }

    /// Returns when the next step is due.
    pub fn due(&self) -> Moment {
        self.since + self.length * self.step / STEPS
    }

    /// Takes all steps that are due. Returns whether there were any.
    pub fn pass(&mut self, now: Moment) -> bool {
        let before = self.step;
        while self.step < STEPS && self.due() <= now {
            self.step += 1;
        }
        self.step != before
    }

    /// Whether the server has its whole weight.
    pub fn is_over(&self) -> bool {
        self.step >= STEPS
    }

    /// Returns how much of its weight the server has, in percent.
    pub fn percent(&self) -> u32 {
        self.step * 100 / STEPS
    }

    /// Returns the part of `weight` that the server has: more than nothing from the begin on.
    pub fn part(&self, weight: Weight) -> Weight {
        let part = (u64::from(weight.value()) * u64::from(self.step)).div_ceil(u64::from(STEPS));
        u32::try_from(part).ok().and_then(Weight::new).unwrap_or(weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn weight(value: u32) -> Weight {
        Weight::new(value).unwrap()
    }

    #[test]
    fn small_weights_get_steps() {
        let of = |growing: &[u32], others: &[u32]| {
            factor(growing.iter().copied().map(weight), others.iter().copied().map(weight))
        };
        let most = Weight::MAX.value();
        assert_eq!(of(&[1], &[1]), 20);
        assert_eq!(of(&[100, 3], &[500, 0]), 7);
        assert_eq!(of(&[100], &[1]), 1);
        assert_eq!([of(&[0], &[0]), of(&[], &[5])], [1, 1], "nothing grows");
        assert_eq!([of(&[1], &[most]), of(&[1, most], &[])], [1, 1]);
        assert_eq!(of(&[1], &[most / 3]), 3);
        assert_eq!(multiplied(Weight::MAX, 2), Weight::MAX);
    }

    #[test]
    fn a_server_grows_from_little_to_all() {
        let mut ramp = Ramp::new(at(100), Duration::from_secs(60));
        let mut seen = Vec::new();
        for seconds in [100, 102, 103, 106, 130, 156, 157] {
            ramp.pass(at(seconds));
            seen.push((ramp.part(weight(20)).value(), ramp.part(weight(1)).value()));
        }
        assert_eq!(seen, [(1, 1), (1, 1), (2, 1), (3, 1), (11, 1), (19, 1), (20, 1)]);
        assert_eq!(ramp.part(Weight::ZERO), Weight::ZERO);
        assert_eq!(ramp.part(Weight::MAX), Weight::MAX);
    }

    #[test]
    fn a_ramp_takes_its_steps_in_time() {
        let mut ramp = Ramp::new(at(100), Duration::from_secs(100));
        assert_eq!((ramp.percent(), ramp.due()), (5, at(105)));
        assert!(!ramp.pass(at(104)));
        assert!(ramp.pass(at(105)));
        assert_eq!((ramp.percent(), ramp.due()), (10, at(110)));
        assert!(ramp.pass(at(194)), "several at once, after a pause");
        assert!(!ramp.is_over());
        assert!(ramp.pass(at(195)) && ramp.is_over(), "the last step is the whole weight");
        let mut none = Ramp::new(at(1), Duration::ZERO);
        assert!(none.pass(at(1)) && none.is_over());
    }
}
