//! `lvsadm delete-real`: removes real servers from a virtual service.

use clap::Args;

use super::{
    Error, Ui,
    args::{Faults, ServersArgs, ServiceArgs},
    holder, kernel,
    names::Names,
};
use crate::model::Change;

/// Remove real servers from a service
///
/// Their connections break off at once; weight 0 (edit-real -w 0) lets them end first.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm delete-real -t 10.0.0.1:80 -r 10.0.0.11 -r 10.0.0.13:8080
      Remove two servers.
  lvsadm delete-real -t 10.0.0.1:80 -r 10.0.0.11 --if-exists
      Make sure that the service has no such server.")]
pub struct DeleteRealArgs {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    servers: ServersArgs,
    /// It is no failure if there is no such server, or no such service
    #[arg(long)]
    if_exists: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no such service or server, or the kernel refuses; other servers are removed.
pub fn run(args: DeleteRealArgs, _ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.service.resolve);
    let service = args.service.key(&names, &mut faults);
    let keys = args.servers.keys(service, &names, &mut faults);
    let Some(service) = service else { return Err(faults.into()) };
    faults.check()?;

    let mut client = holder::open(args.service.kernel)?;
    let changes: Vec<_> = keys.into_iter().map(|key| Change::DeleteServer(service, key)).collect();
    let pass = if args.if_exists { kernel::Pass::Missing } else { kernel::Pass::Nothing };
    kernel::apply_but(&mut *client, &changes, pass)?;
    Ok(0)
}
