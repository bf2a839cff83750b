//! `lvsadm clear`: removes all virtual services.

use clap::Args;

use super::{Error, Ui, kernel};
use crate::model::Change;

/// Remove all virtual services
///
/// At once and without asking. Timeouts and sync daemons stay.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm save /root/table; lvsadm clear
      Keep a copy, then remove everything.")]
pub struct ClearArgs {}

/// Runs the verb.
///
/// # Errors
/// The kernel cannot be reached or refuses.
pub fn run(_args: ClearArgs, _ui: &mut Ui) -> Result<u8, Error> {
    kernel::apply(&mut kernel::open()?, &[Change::Clear])?;
    Ok(0)
}
