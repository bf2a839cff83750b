//! Slow start: a server gets its share of new connections little by little. Pure; time is told.
//!
//! Weights are whole numbers, so a server of weight 1 has no smaller one. All weights of its service are therefore multiplied by
//! one factor meanwhile, which leaves the shares of the others what they are.

use std::time::Duration;

use crate::model::Weight;

/// How many different weights a server has on its way, at least.
const STEPS: u32 = 20;

/// Whether this scheduler gives shares by weight. Others ignore weights (rr, lc), choose by an order of weights (fo, ovf), or
/// would give clients of other servers other ones at each step (sh, mh).
pub fn weights_are_shares(scheduler: &str) -> bool {
    matches!(scheduler, "wrr" | "wlc" | "sed" | "nq" | "lblc" | "lblcr" | "twos")
}

/// Returns what all weights are to be multiplied by so that `least`, the smallest that is to grow, has [`STEPS`] steps; less if
/// `greatest`, the greatest of all, would not fit a weight.
pub fn factor(least: Weight, greatest: Weight) -> u32 {
    let wanted = STEPS.div_ceil(least.value().max(1));
    wanted.min(Weight::MAX.value() / greatest.value().max(1)).max(1)
}

/// Returns `weight`, multiplied.
pub fn multiplied(weight: Weight, factor: u32) -> Weight {
    weight.value().checked_mul(factor).and_then(Weight::new).unwrap_or(Weight::MAX)
}

/// Returns the part of `weight` after `passed` of `whole`: more than nothing from the begin on.
pub fn part(weight: Weight, passed: Duration, whole: Duration) -> Weight {
    if passed >= whole || weight == Weight::ZERO {
        return weight;
    }
    let part = u128::from(weight.value()) * passed.as_millis() / whole.as_millis().max(1);
    u32::try_from(part).ok().and_then(|part| Weight::new(part.max(1))).unwrap_or(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(value: u32) -> Weight {
        Weight::new(value).unwrap()
    }

    #[test]
    fn small_weights_get_steps() {
        assert_eq!(factor(weight(1), weight(1)), 20);
        assert_eq!(factor(weight(3), weight(500)), 7);
        assert_eq!(factor(weight(100), weight(100)), 1);
        assert_eq!(factor(weight(0), weight(0)), 20);
        assert_eq!(factor(weight(1), Weight::MAX), 1);
        assert_eq!(factor(weight(1), weight(i32::MAX as u32 / 3)), 3);
        assert_eq!(multiplied(Weight::MAX, 2), Weight::MAX);
    }

    #[test]
    fn a_server_grows_from_little_to_all() {
        let whole = Duration::from_secs(60);
        let at = |seconds| part(weight(20), Duration::from_secs(seconds), whole).value();
        assert_eq!([at(0), at(3), at(6), at(30), at(59), at(60), at(99)], [1, 1, 2, 10, 19, 20, 20]);
        assert_eq!(part(weight(5), Duration::ZERO, Duration::ZERO), weight(5));
        assert_eq!(part(Weight::ZERO, Duration::ZERO, whole), Weight::ZERO);
    }
}
