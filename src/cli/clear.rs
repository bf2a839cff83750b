//! `lvsadm clear`: removes all virtual services.

use clap::Args;

use super::{Error, Ui, holder, kernel};
use crate::model::Change;

/// Remove all virtual services
///
/// At once and without asking. Timeouts and sync daemons stay.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm save /root/table; lvsadm clear
      Keep a copy, then remove everything.")]
pub struct ClearArgs {
    /// Clear the kernel's table itself, past a running agent
    #[arg(long)]
    kernel: bool,
}

/// Runs the verb.
///
/// # Errors
/// The kernel cannot be reached or refuses.
pub fn run(args: ClearArgs, _ui: &mut Ui) -> Result<u8, Error> {
    kernel::apply(&mut *holder::open(args.kernel)?, &[Change::Clear])?;
    Ok(0)
}
