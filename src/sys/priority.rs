//! How soon this process gets the processor, which one, and whether its memory may be swapped out.

use nix::{
    errno::Errno,
    libc,
    sched::{CpuSet, sched_setaffinity},
    sys::{
        mman::{MlockAllFlags, mlockall},
        resource::{Resource, setrlimit},
    },
    unistd::Pid,
};

/// The longest that a real-time process may run without a pause, in microseconds: a loop that never waits must not stop the
/// machine. Adverts need a thousandth of it.
const LONGEST_RUN: u64 = 1_000_000;

/// Makes this process real-time (`SCHED_RR`) with a priority of 1 to 99. Children are not.
///
/// # Errors
/// The priority is out of range, or this process may not (`CAP_SYS_NICE`).
#[allow(unsafe_code)]
pub fn real_time(priority: u8) -> Result<(), Errno> {
    setrlimit(Resource::RLIMIT_RTTIME, LONGEST_RUN, LONGEST_RUN)?;
    // SAFETY: a `sched_param` is plain numbers, for which zero is valid.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority.into();
    // SAFETY: the pointer is to a value that outlives the call; 0 means this process.
    let result =
        unsafe { libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &raw const parameters) };
    Errno::result(result).map(drop)
}

/// Sets the nice value of this process, −20 (soonest) to 19.
///
/// # Errors
/// This process may not (`CAP_SYS_NICE`).
#[allow(unsafe_code)]
pub fn nice(value: i8) -> Result<(), Errno> {
    // SAFETY: takes numbers only; 0 means this process.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, value.into()) };
    Errno::result(result).map(drop)
}

/// Keeps all memory of this process, now and later, out of the swap.
///
/// # Errors
/// This process may not (`CAP_IPC_LOCK`, `RLIMIT_MEMLOCK`).
pub fn lock_memory() -> Result<(), Errno> {
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)
}

/// Lets this process run on these processors only, by their numbers from 0.
///
/// # Errors
/// There is no such processor.
pub fn run_on(processors: &[usize]) -> Result<(), Errno> {
    let mut set = CpuSet::new();
    for processor in processors {
        set.set(*processor)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
}
