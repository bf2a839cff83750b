//! `lvsadm edit-real`: changes what is named of real servers, and nothing else.

use clap::Args;

use super::{
    Complaint, Error, Ui,
    args::{Faults, ServerOptions, ServersArgs, ServiceArgs},
    holder, kernel,
    names::Names,
};
use crate::model::Change;

/// Change what is named of real servers
///
/// Everything that is not named stays as it is, and so do connections.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm edit-real -t 10.0.0.1:80 -r 10.0.0.11 -w 0
      No new connections to this server; how packets get there, and its limits, stay.
  lvsadm edit-real -t 10.0.0.1:80 -r 10.0.0.11 -r 10.0.0.12 -x 500 -y 400
      Limits for two servers.
  lvsadm edit-real -t 10.0.0.1:80 -r 10.0.0.13:8080 -w 3
      A server on a port of its own is named with it.")]
pub struct EditRealArgs {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    servers: ServersArgs,
    #[command(flatten)]
    options: ServerOptions,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no such service or server, or the kernel refuses; other servers are changed.
pub fn run(args: EditRealArgs, _ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.service.resolve);
    let service = args.service.key(&names, &mut faults);
    let keys = args.servers.keys(service, &names, &mut faults);
    let patch = args.options.patch(&mut faults);
    if patch.is_empty() {
        faults.add(Complaint::new("nothing is to be changed").hint("name what is, for example -w 5"));
    }
    let Some(service) = service else { return Err(faults.into()) };
    faults.check()?;

    let mut client = holder::open(args.service.kernel)?;
    let existing = kernel::service(&mut *client, &service)?;
    let mut changes = Vec::new();
    let mut complaints = Vec::new();
    for key in keys {
        let Some(old) = existing.servers.iter().map(|each| each.server).find(|server| server.key == key) else {
            complaints.push(kernel::no_such_server(&existing, key));
            continue;
        };
        match patch.apply(service, &old) {
            Ok(edited) if edited == old => {}
            Ok(edited) => changes.push(Change::EditServer(service, edited)),
            Err(wrong) => complaints.extend(wrong),
        }
    }
    kernel::apply_with(&mut *client, &changes, complaints)?;
    Ok(0)
}
