//! What the operator wants of a server beside its weight: no new connections for now, or its weight in steps. No IO.
//!
//! A server that drains has weight 0 in the kernel, whatever its checks say; its connections go on. One that comes back may
//! do so in steps: meanwhile all weights of its service are multiplied by [`STEPS`], so that also a weight of 1 among others
//! of 1 can be divided, and its own is multiplied by the number of the step.

use std::time::Duration;

use crate::model::{Moment, Weight};

/// In how many steps a server gets its weight back.
pub const STEPS: u32 = 10;

/// What is wanted of a server beside its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// No new connections.
    Drain(Drain),
    /// Its weight in steps.
    Ramp(Ramp),
}

/// A server that drains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Since when.
    pub since: Moment,
    /// Who asked, for people.
    pub owner: Option<String>,
    /// Whether it is deleted when it has drained.
    pub delete: bool,
    /// When it counts as drained, whatever connections it has.
    pub until: Option<Moment>,
    /// The connections that it had when they were counted last.
    pub left: Option<Left>,
    /// Whether it has drained.
    pub over: bool,
}

/// Connections of a server that drains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Established ones.
    pub active: u32,
    /// Others.
    pub inactive: u32,
    /// Clients that persistence leads to it: they come back.
    pub persistent: u32,
}

/// A server that gets its weight back in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// Since when.
    pub since: Moment,
    /// How long it takes.
    pub length: Duration,
    /// The step that it is at, from 1 to [`STEPS`] − 1 or more: then it is over.
    pub step: u32,
}

impl Drain {
    /// Takes the connections that the server still has. Returns whether it has drained only now.
    pub(super) fn count(&mut self, now: Moment, left: Left) -> bool {
        self.left = Some(left);
        let before = self.over;
        self.over |= left == Left::default() || self.until.is_some_and(|until| until <= now);
        self.over && !before
    }
}

impl Ramp {
    /// Begins at the first step.
    pub fn new(now: Moment, length: Duration) -> Self {
        Self { since: now, length, step: 1 }
    }

    /// Returns when the next step is due.
    pub(super) fn due(&self) -> Moment {
        self.since + self.length * self.step / STEPS
    }

    /// Takes all steps that are due. Returns whether there were any.
    pub(super) fn pass(&mut self, now: Moment) -> bool {
        let before = self.step;
        while self.step < STEPS && self.due() <= now {
            self.step += 1;
        }
        self.step != before
    }

    /// Whether the server has its whole weight.
    pub(super) fn is_over(&self) -> bool {
        self.step >= STEPS
    }

    /// Returns how much of its weight the server has, in percent.
    pub fn percent(&self) -> u32 {
        self.step * 100 / STEPS
    }
}

/// Returns a weight during a ramp of its service: multiplied by [`STEPS`], or of a server that ramps itself, by its step.
/// Where `large` weights do not bear that, only the server that ramps has a part of its own.
pub(super) fn scaled(weight: Weight, ramp: Option<&Ramp>, large: bool) -> Weight {
    let step = ramp.map_or(STEPS, |ramp| ramp.step.min(STEPS));
    let value = u64::from(weight.value()) * u64::from(step);
    let value = if large { value.div_ceil(u64::from(STEPS)) } else { value };
    u32::try_from(value).ok().and_then(Weight::new).unwrap_or(Weight::MAX)
}

/// Whether this weight cannot be multiplied by [`STEPS`].
pub(super) fn is_large(weight: Weight) -> bool {
    weight.value() > Weight::MAX.value() / STEPS
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
    fn a_ramp_takes_its_steps_in_time() {
        let mut ramp = Ramp::new(at(100), Duration::from_secs(50));
        assert_eq!((ramp.percent(), ramp.due()), (10, at(105)));
        assert!(!ramp.pass(at(104)));
        assert!(ramp.pass(at(105)));
        assert_eq!((ramp.percent(), ramp.due()), (20, at(110)));
        assert!(ramp.pass(at(144)), "several at once, after a pause");
        assert!(!ramp.is_over());
        assert!(ramp.pass(at(145)) && ramp.is_over(), "the tenth step is the whole weight");
        let mut none = Ramp::new(at(1), Duration::ZERO);
        assert!(none.pass(at(1)) && none.is_over());
    }

    #[test]
    fn weights_are_divided_whatever_they_are() {
        let mut ramp = Ramp::new(at(0), Duration::from_secs(10));
        ramp.step = 3;
        assert_eq!(scaled(weight(1), Some(&ramp), false), weight(3));
        assert_eq!(scaled(weight(1), None, false), weight(10));
        assert_eq!(scaled(Weight::MAX, None, true), Weight::MAX);
        assert_eq!(scaled(weight(1_000_000_000), Some(&ramp), true), weight(300_000_000));
        assert!(is_large(Weight::MAX) && !is_large(weight(214_748_364)));
    }

    #[test]
    fn a_server_has_drained_without_connections_or_without_time() {
        let drain = Drain { since: at(0), owner: None, delete: false, until: Some(at(60)), left: None, over: false };
        let some = Left { persistent: 1, ..Left::default() };
        let mut one = drain.clone();
        assert!(!one.count(at(1), some));
        assert!(one.count(at(2), Left::default()));
        assert!(!one.count(at(3), Left::default()), "said once");
        let mut other = drain;
        assert!(!other.count(at(59), some));
        assert!(other.count(at(60), some));
    }
}
