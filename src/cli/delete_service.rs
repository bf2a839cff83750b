//! `lvsadm delete-service`: removes a virtual service with its servers.

use clap::Args;

use super::{
    Error, Ui,
    args::{Faults, ServiceArgs},
    holder, kernel,
    names::Names,
};
use crate::model::Change;

/// Remove a virtual service with its servers
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm delete-service -t 10.0.0.1:80
      Remove the service.
  lvsadm delete-service -f 1 -6 --if-exists
      Make sure that there is no such service.")]
pub struct DeleteServiceArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// It is no failure if there is no such service
    #[arg(long)]
    if_exists: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no such service, or the kernel refuses.
pub fn run(args: DeleteServiceArgs, _ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let key = args.service.key(&Names::new(args.service.resolve), &mut faults);
    let Some(key) = key else { return Err(faults.into()) };
    faults.check()?;

    let mut client = holder::open(args.service.kernel)?;
    let pass = if args.if_exists { kernel::Pass::Missing } else { kernel::Pass::Nothing };
    kernel::apply_but(&mut *client, &[Change::DeleteService(key)], pass)?;
    Ok(0)
}
