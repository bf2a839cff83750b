//! ipvsadm's own command line.

use std::{ffi::OsString, process::ExitCode};

/// The three programs that lvsadm can stand in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `ipvsadm`
    Ipvsadm,
    /// `ipvsadm-save`
    Save,
    /// `ipvsadm-restore`
    Restore,
}

/// Runs a command line of `program`, which was called as `name`.
pub fn run(name: &str, program: Program, args: &[OsString]) -> ExitCode {
    eprintln!("{name}: {program:?} {args:?}");
    ExitCode::FAILURE
}
