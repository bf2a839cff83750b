//! Points in time for code that reads no clock.

use std::{
    ops::{Add, Sub},
    time::Duration,
};

/// A point on a clock that never steps and that counts suspension: time since the machine was started
/// (`CLOCK_BOOTTIME`), or since the begin of a simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// The first moment.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// Returns the moment so long after the clock's begin.
    pub const fn from_start(since: Duration) -> Self {
        Self(since)
    }

    /// Returns how long after the clock's begin this is.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// Returns how long after `earlier` this is; zero if it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier))
    }
}
