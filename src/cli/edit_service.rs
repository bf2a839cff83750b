//! `lvsadm edit-service`: changes what is named of a virtual service, and nothing else.

use clap::Args;

use super::{
    Complaint, Error, Ui,
    args::{Faults, Persist, ServiceArgs, ServiceOptions},
    holder, kernel,
    names::Names,
};
use crate::model::Change;

/// Change what is named of a virtual service
///
/// Everything that is not named stays as it is, and so do its servers and connections.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm edit-service -t 10.0.0.1:80 -s wlc
      Another scheduler; persistence and everything else stay.
  lvsadm edit-service -t 10.0.0.1:80 -p 10m
      Another time of persistence; its mask stays.
  lvsadm edit-service -t 10.0.0.1:80 --no-persistent
      No persistence any more.")]
pub struct EditServiceArgs {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    options: ServiceOptions,
    /// Switch persistence off
    #[arg(long, conflicts_with_all = ["persistent", "netmask"])]
    no_persistent: bool,
    /// Take the persistence engine away
    #[arg(long, conflicts_with = "pe")]
    no_pe: bool,
    /// Switch one-packet scheduling off
    #[arg(long, conflicts_with = "ops")]
    no_ops: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no such service, or the kernel refuses.
pub fn run(args: EditServiceArgs, _ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let key = args.service.key(&Names::new(args.service.resolve), &mut faults);
    let mut patch = args.options.patch(key.map(|key| key.family()), &mut faults);
    if args.no_persistent {
        patch.persist = Some(Persist::Off);
    }
    if args.no_pe {
        patch.engine = Some(None);
    }
    if args.no_ops {
        patch.one_packet = Some(false);
    }
    if patch.is_empty() {
        faults.add(Complaint::new("nothing is to be changed").hint("name what is, for example -s wlc"));
    }
    let Some(key) = key else { return Err(faults.into()) };
    faults.check()?;

    let mut client = holder::open(args.service.kernel)?;
    let existing = kernel::service(&mut *client, &key)?;
    let edited = patch.apply(&existing.service).map_err(Error::all_failed)?;
    if edited != existing.service {
        kernel::apply(&mut *client, &[Change::EditService(edited)])?;
    }
    Ok(0)
}
