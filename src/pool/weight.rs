//! The weight that a server gets when its checks have a say in it.

use crate::{check::answer::WeightChange, model::Weight};

/// Keeps products away from overflow, and is far more than any weight.
const MOST: i128 = 1 << 62;

/// Returns the weight of a working server: the operator's, as its checks change it, within `bounds` (least, greatest).
///
/// First what checks add: `Exactly(n)` adds the difference between n and the operator's weight, `Add(n)` adds n; several
/// add up, as in keepalived. The sum is then multiplied by each `Percent`, one after the other, rounded up so that only 0 %
/// of something is nothing. With `changes` empty the operator's weight is returned as it is, in or out of the bounds.
pub fn combine(
    operator: Weight,
    changes: impl IntoIterator<Item = WeightChange> + Clone,
    bounds: Option<(Weight, Weight)>,
) -> Weight {
    if changes.clone().into_iter().next().is_none() {
        return operator;
    }
    let base = i128::from(operator.value());
    let added = changes.clone().into_iter().fold(base, |sum, change| match change {
        WeightChange::Exactly(value) => sum + i128::from(value) - base,
        WeightChange::Add(delta) => sum + i128::from(delta),
        WeightChange::Percent(_) => sum,
    });
    let result = changes.into_iter().fold(added.clamp(0, MOST), |value, change| match change {
        WeightChange::Percent(percent) => ((value * i128::from(percent) + 99) / 100).min(MOST),
        WeightChange::Exactly(_) | WeightChange::Add(_) => value,
    });
    let (least, greatest) = bounds.unwrap_or((Weight::ZERO, Weight::MAX));
    let fits = u32::try_from(result).ok().and_then(Weight::new).unwrap_or(Weight::MAX);
    fits.min(greatest).max(least)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        WeightChange::{Add, Exactly, Percent},
        *,
    };

    fn combined(operator: u32, changes: &[WeightChange]) -> u32 {
        combine(Weight::new(operator).unwrap(), changes.iter().copied(), None).value()
    }

    #[test]
    fn changes_combine() {
        assert_eq!(combined(10, &[]), 10);
        assert_eq!(combined(10, &[Exactly(3)]), 3);
        assert_eq!(combined(10, &[Exactly(3), Exactly(8)]), 1, "keepalived: 10 - 7 - 2");
        assert_eq!(combined(10, &[Add(-4), Add(20)]), 26);
        assert_eq!(combined(10, &[Add(-40)]), 0);
        assert_eq!(combined(10, &[Percent(50)]), 5);
        assert_eq!(combined(10, &[Percent(50), Add(10)]), 10, "what is added comes first");
        assert_eq!(combined(10, &[Percent(50), Percent(50)]), 3, "2.5 up");
        assert_eq!(combined(1, &[Percent(1)]), 1);
        assert_eq!(combined(100, &[Percent(0)]), 0);
        assert_eq!(combined(0, &[Percent(200)]), 0);
        assert_eq!(combined(0, &[Add(5)]), 5);
        assert_eq!(combined(i32::MAX as u32, &[Add(i64::MAX)]), i32::MAX as u32);
        assert_eq!(combined(5, &[Exactly(i64::MIN), Add(i64::MIN)]), 0);
    }

    #[test]
    fn bounds_hold_for_what_checks_say() {
        let weight = |value| Weight::new(value).unwrap();
        let bounds = Some((weight(10), weight(50)));
        assert_eq!(combine(weight(20), [Percent(1)], bounds), weight(10));
        assert_eq!(combine(weight(20), [Add(1000)], bounds), weight(50));
        assert_eq!(combine(weight(99), [], bounds), weight(99), "the operator's own weight is his own");
    }

    fn changes() -> impl Strategy<Value = WeightChange> {
        prop_oneof![any::<i64>().prop_map(Exactly), any::<i64>().prop_map(Add), any::<u32>().prop_map(Percent)]
    }

    proptest! {
        #[test]
        fn nothing_overflows(operator in 0..=i32::MAX as u32, changes in prop::collection::vec(changes(), 0..20)) {
            prop_assert!(combined(operator, &changes) <= i32::MAX as u32);
        }
    }
}
