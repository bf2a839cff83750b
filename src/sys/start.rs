//! The program's first instructions, in place of the standard library's.
//!
//! That one has the C library look up the bounds of the stack in `/proc/self/maps`: with the page faults behind it, a fifth
//! of what `lvsadm -A …` costs as a whole, and scripts run such commands by the thousand. What else it does and a program
//! needs is done here: no socket gets the number of a standard stream, and a reader that goes away is an error, not a death.

#![allow(unsafe_code)]

use std::{
    ffi::{CStr, OsString, c_char, c_int},
    fs::OpenOptions,
    io::{self, Write},
    mem,
    os::{fd::AsRawFd, unix::ffi::OsStringExt},
    panic,
};

use nix::{
    libc,
    sys::signal::{SigHandler, Signal, signal},
};

/// The exit status of a program that panicked, as the standard library has it.
const PANICKED: c_int = 101;

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
    // A panic has said what it has to say, and must not leave a function that C called.
    let status = panic::catch_unwind(move || main(words)).map_or(PANICKED, c_int::from);
    let _ = io::stdout().flush();
    status
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
