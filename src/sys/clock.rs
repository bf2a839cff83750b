//! What the kernel's clocks tell about the kernel.

use nix::time::{ClockId, clock_getres};

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
    fn this_kernel_ticks_at_a_rate_that_kernels_have() {
        let hz = super::ticks_per_second().expect("Linux has a coarse clock");
        assert!([24, 32, 48, 64, 100, 128, 200, 250, 256, 300, 500, 1000, 1024, 1200].contains(&hz), "{hz}");
    }
}
