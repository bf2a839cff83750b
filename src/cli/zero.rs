//! `lvsadm zero`: sets counters to zero.

use clap::Args;

use super::{
    Error, Ui,
    args::{Faults, ServiceFilterArgs},
    kernel,
    names::Names,
};
use crate::model::Change;

/// Set counters to zero
///
/// Those of the services that are named with their servers, else all, and the totals.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm zero
      All counters, and the totals.
  lvsadm zero -t 10.0.0.1:80
      One service and its servers.
  lvsadm zero -t 10.0.0.1
      All TCP services of an address.")]
pub struct ZeroArgs {
    #[command(flatten)]
    services: ServiceFilterArgs,
    /// Look host and service names up
    #[arg(long)]
    resolve: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no such service, or the kernel refuses.
pub fn run(args: ZeroArgs, _ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let filter = args.services.filter(&Names::new(args.resolve), &mut faults);
    faults.check()?;

    let mut client = kernel::open()?;
    let changes = if filter.takes_all() {
        vec![Change::Zero(None)]
    } else {
        let snapshot = client.snapshot()?;
        filter.all_found(&snapshot)?;
        let keys = snapshot.services.iter().map(|each| each.service.key).filter(|key| filter.takes(key));
        keys.map(|key| Change::Zero(Some(key))).collect()
    };
    kernel::apply(&mut client, &changes)?;
    Ok(0)
}
