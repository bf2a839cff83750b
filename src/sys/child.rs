//! What a child process does between fork and exec, so that a command starts as an ordinary program of another user: no
//! descriptors of ours, no privileges, no real-time priority, a process group of its own, and an end with its parent.

use std::{io, os::unix::process::CommandExt, process::Command};

use nix::{
    errno::Errno,
    libc,
    sys::signal::Signal,
    unistd::{self, Gid, Pid, Uid},
};

/// Descriptors that a command may keep are those below: input, output, errors.
const FIRST_OTHER_DESCRIPTOR: libc::c_int = 3;

/// Kernels without `CLOSE_RANGE_CLOEXEC` (before 5.11) are asked about so many descriptors, one by one.
const DESCRIPTORS_ASKED: libc::c_int = 65_536;

/// Who a command runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User.
    pub uid: Uid,
    /// Group.
    pub gid: Gid,
    /// Supplementary groups; all others are given up.
    pub groups: Vec<Gid>,
}

/// Makes `command` start as `identity`, in a process group of its own (whose number is its process id), with ordinary
/// scheduling and without capabilities and descriptors of ours. When the thread that starts it ends, it gets a SIGTERM:
/// so start commands in a thread that lasts.
///
/// Errors on the way come out of `spawn`. Without root's rights the user stays what it is.
#[allow(unsafe_code)]
pub fn prepare(command: &mut Command, identity: Identity) {
    let parent = unistd::getpid();
    let is_root = unistd::geteuid().is_root();
    command.process_group(0);
    let setup = move || {
        schedule_as_usual();
        if is_root {
            become_user(&identity)?;
        }
        // After the change of user, which the kernel takes as a reason to forget the signal.
        end_with(parent)?;
        close_descriptors_on_exec()
    };
    // SAFETY: between fork and exec of a process that may have threads, only what is safe in a signal handler is allowed.
    // `setup` makes system calls, and neither allocates nor locks; its errors are numbers.
    unsafe { command.pre_exec(setup) };
}

/// Real-time priority and niceness are for adverts, not for scripts. A kernel that refuses leaves them as they are.
#[allow(unsafe_code)]
fn schedule_as_usual() {
    let usual = libc::sched_param { sched_priority: 0 };
    // SAFETY: the pointer is to a value that outlives the call; 0 is the calling process.
    unsafe {
        libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const usual);
        libc::setpriority(libc::PRIO_PROCESS, 0, 0);
    }
}

/// Groups first: afterwards the right to change them is gone.
fn become_user(identity: &Identity) -> io::Result<()> {
    unistd::setgroups(&identity.groups)?;
    unistd::setgid(identity.gid)?;
    unistd::setuid(identity.uid)?;
    Ok(())
}

/// Asks for SIGTERM when the parent ends; fails if it has ended already.
#[allow(unsafe_code)]
fn end_with(parent: Pid) -> io::Result<()> {
    // SAFETY: both calls take numbers only.
    let result = unsafe {
        // What an agent without root's rights may do (CAP_NET_ADMIN) is not for its scripts.
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, Signal::SIGTERM as libc::c_ulong)
    };
    Errno::result(result)?;
    if unistd::getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
}

/// They are closed on exec, and not at once, because the standard library reports errors through one of them.
#[allow(unsafe_code)]
fn close_descriptors_on_exec() -> io::Result<()> {
    // SAFETY: takes numbers only.
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, FIRST_OTHER_DESCRIPTOR, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    if result == 0 {
        return Ok(());
    }
    for descriptor in FIRST_OTHER_DESCRIPTOR..DESCRIPTORS_ASKED {
        // SAFETY: takes numbers only; descriptors that are not open are refused.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}
