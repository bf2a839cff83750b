//! The kernel's clocks, and what they tell about the kernel.

use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_getres, clock_gettime};

use crate::model::Moment;

/// Returns the time since the machine was started (`CLOCK_BOOTTIME`): it never steps, and time that the machine was
/// suspended counts.
pub fn now() -> Moment {
    // Every Linux since 2.6.39 has the first; in a time namespace they are moved alike.
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC));
    Moment::from_start(time.map_or(Duration::ZERO, Duration::from))
}

/// Returns how much later than the beginning of 1970 the machine was started, as the wall clock has it now: what to add to
/// a [`Moment`] to show it to people. Changes when the wall clock is set.
pub fn utc_offset() -> Duration {
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    wall.saturating_sub(now().since_start())
}

/// Returns how many timer ticks (jiffies) this kernel has in a second (`CONFIG_HZ`), `None` if it cannot be told.
///
/// The coarse clock advances by the tick, and says so to everybody.
pub fn ticks_per_second() -> Option<u32> {
    let tick = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE).ok()?;
    let nanoseconds = u32::try_from(tick.tv_nsec()).ok().filter(|tick| *tick > 0 && tick_is_short(*tick))?;
    // A tick of 300 Hz is 3333333 ns: round.
    Some((1_000_000_000 + nanoseconds / 2) / nanoseconds)
}

/// No kernel ticks less than 10 times a second.
fn tick_is_short(nanoseconds: u32) -> bool {
    nanoseconds <= 100_000_000
}

#[cfg(test)]
mod tests {
    #[test]
    fn moments_are_times_since_the_machine_was_started() {
        let text = std::fs::read_to_string("/proc/uptime").expect("procfs");
        let uptime: f64 = text.split(' ').next().and_then(|word| word.parse().ok()).expect("seconds");
        let first = super::now();
        assert!((first.since_start().as_secs_f64() - uptime).abs() < 5.0, "{first:?} {uptime}");
        assert!(super::now() >= first);
        let wall = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).expect("after 1970");
        let shown = super::utc_offset() + super::now().since_start();
        assert!(shown.abs_diff(wall) < std::time::Duration::from_secs(1), "{shown:?} {wall:?}");
    }

    #[test]
    fn this_kernel_ticks_at_a_rate_that_kernels_have() {
        let hz = super::ticks_per_second().expect("Linux has a coarse clock");
        assert!([24, 32, 48, 64, 100, 128, 200, 250, 256, 300, 500, 1000, 1024, 1200].contains(&hz), "{hz}");
    }
}
