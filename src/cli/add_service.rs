//! `lvsadm add-service`: adds a virtual service.

use clap::Args;

use super::{
    Error, Ui,
    args::{Faults, ServiceArgs, ServiceOptions},
    holder, kernel,
    names::Names,
};
use crate::model::{Change, VirtualService};

/// Add a virtual service
///
/// It takes clients as soon as it has a server. Port 0, or none, means all ports and needs persistence.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm add-service -t 10.0.0.1:80 -s rr
      Balance TCP port 80 of 10.0.0.1 over its servers in turn.
  lvsadm add-service -t [2001:db8::1]:443 -p 5m -M 64
      Keep all clients of a /64 network with one server, for five minutes after their last connection.
  lvsadm add-service -t 10.0.0.2 -p 1h
      All ports of an address; that needs persistence.
  lvsadm add-service -f 1 -6 -s wlc
      IPv6 packets that the firewall gave the mark 1.
  lvsadm add-service -t 10.0.0.1:80 -s wrr --or-edit
      The same whether the service exists or not; of one that exists, only the scheduler changes.")]
pub struct AddServiceArgs {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    options: ServiceOptions,
    /// If the service exists, change what is named here instead
    #[arg(long)]
    or_edit: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or the kernel refuses.
pub fn run(args: AddServiceArgs, _ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let key = args.service.key(&Names::new(args.service.resolve), &mut faults);
    let patch = args.options.patch(key.map(|key| key.family()), &mut faults);
    let Some(key) = key else { return Err(faults.into()) };
    let new = patch.apply(&VirtualService::new(key));
    if !args.or_edit
        && let Err(complaints) = &new
    {
        faults.extend(complaints.iter().cloned());
        faults.extend(args.service.port_hint());
    }
    faults.check()?;

    let mut client = holder::open(args.service.kernel)?;
    let existing = if args.or_edit { client.service(&key)? } else { None };
    let change = match existing {
        Some(existing) => {
            let edited = patch.apply(&existing.service).map_err(Error::all_failed)?;
            if edited == existing.service {
                return Ok(0);
            }
            Change::EditService(edited)
        }
        None => Change::AddService(new.map_err(Error::usage)?),
    };
    kernel::apply(&mut *client, &[change])?;
    Ok(0)
}
