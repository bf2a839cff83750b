//! The program's first instructions, in place of the standard library's.
//!
//! That one has the C library look up the bounds of the stack in `/proc/self/maps`: with the page faults behind it, a fifth
//! of what `lvsadm -A …` costs as a whole, and scripts run such commands by the thousand. What else it does and a program
//! needs is done here: no socket gets the number of a standard stream, and a reader that goes away is an error, not a death. A panic
//! ends the process, in whichever thread and build: nothing goes on half-way, and the agent starts another child in its place.

#![allow(unsafe_code)]

use std::{
    ffi::{CStr, OsString, c_char, c_int},
    fs::OpenOptions,
    io::{self, Write},
    mem,
    os::{fd::AsRawFd, unix::ffi::OsStringExt},
    panic::{self, PanicHookInfo},
    process,
};

use nix::{
    libc,
    sys::signal::{SigHandler, Signal, signal},
};

/// Makes a function from the words of the command line to the exit status the `main` of a program, which must be
/// `#![no_main]`.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn main(count: ::std::ffi::c_int, words: *const *const ::std::ffi::c_char) -> ::std::ffi::c_int {
            // SAFETY: these are what the C library calls `main` with.
            unsafe { $crate::sys::start::run(count, words, $main) }
        }
    };
}

/// Runs `main` with the words of the command line and returns the exit status.
///
/// # Safety
/// `words` points to `count` C strings that stay as they are.
pub unsafe fn run(count: c_int, words: *const *const c_char, main: fn(Vec<OsString>) -> u8) -> c_int {
    open_standard_streams();
    // SAFETY: no handler of ours is installed, and no other thread is running yet.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
    let words = (0..usize::try_from(count).unwrap_or(0)).map(|index| {
        // SAFETY: the caller's promise.
        let word = unsafe { CStr::from_ptr(*words.add(index)) };
        OsString::from_vec(word.to_bytes().to_vec())
    });
    let words = words.collect();
    panic::set_hook(Box::new(end));
    let status = main(words);
    let _ = io::stdout().flush();
    status.into()
}

/// Says what to report of a panic, and ends the process.
fn end(panic: &PanicHookInfo<'_>) {
    // Nobody may be there to read it.
    let _ = writeln!(
        io::stderr(),
        "lvsadm {}: {panic}\nThis is a defect of lvsadm. Please report these lines, and what it was doing.",
        env!("CARGO_PKG_VERSION"),
    );
    process::abort();
}

/// Opens `/dev/null` for each standard stream that is closed, so that no file of ours takes its place: a new file gets the
/// lowest number that is free.
fn open_standard_streams() {
    while let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null")
        && null.as_raw_fd() <= libc::STDERR_FILENO
    {
        // It stays open to the end.
        mem::forget(null);
    }
}

#[cfg(test)]
mod tests {
    use std::{env, os::unix::process::ExitStatusExt, process::Command};

    use super::*;

    #[test]
    fn a_panic_says_what_to_report_and_ends_the_process() {
        let this = env::current_exe().expect("a test program");
        let output = Command::new(this)
            .args(["--exact", "sys::start::tests::panics_in_a_thread", "--ignored", "--nocapture"])
            .output()
            .expect("it runs again");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{said}");
        for part in [env!("CARGO_PKG_VERSION"), "what went wrong", "src/sys/start.rs", "a defect of lvsadm"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    #[ignore = "it ends the process; the test above has one for it"]
    fn panics_in_a_thread() {
        panic::set_hook(Box::new(end));
        let _ = std::thread::spawn(|| panic!("what went wrong")).join();
        unreachable!("a panic ends all threads");
    }
}
