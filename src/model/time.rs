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

/// Returns year, month and day of the day so many days after the first of 1970.
pub fn calendar(days: u64) -> (u64, u64, u64) {
    // Eras of 400 years that begin in March (Hinnant, chrono-compatible low-level date algorithms).
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}
