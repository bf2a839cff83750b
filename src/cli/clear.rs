//! `lvsadm clear`: removes all virtual services.

use std::process::ExitCode;

use clap::Args;

use super::{Error, Ui};

/// Removes all virtual services with their servers, at once.
#[derive(Debug, Args)]
pub struct ClearArgs {}

/// Runs the verb.
///
/// # Errors
/// The kernel cannot be reached or refuses.
pub fn run(_args: ClearArgs, _ui: &mut Ui) -> Result<ExitCode, Error> {
    Err(Error::failed("no client yet"))
}
