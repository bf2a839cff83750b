//! `lvsadm add-real`: adds real servers to a virtual service.

use clap::Args;

use super::{
    Error, Ui,
    args::{Faults, ServerOptions, ServersArgs, ServiceArgs},
    holder, kernel,
    names::Names,
};
use crate::model::{Change, RealServer, ServiceKey};

/// Add real servers to a service
///
/// They get new connections at once. Without -g, -i or -m packets are routed directly, as with ipvsadm. Several servers
/// are one batch: one that fails does not hold the others up.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm add-real -t 10.0.0.1:80 -r 10.0.0.11 -r 10.0.0.12
      Two servers by direct routing, on the service's port.
  lvsadm add-real -t 10.0.0.1:80 -r 10.0.0.13:8080 -m -w 5
      A server by masquerading: only that can change the port.
  lvsadm add-real -t [2001:db8::1]:80 -r 2001:db8::11 -x 500 -y 400
      At most 500 connections; new ones again below 400.
  lvsadm add-real -t 10.0.0.1:80 -r 192.0.2.7 -i --tun-type gue --tun-port 6080
      A server in another network, through a tunnel.
  lvsadm add-real -t 10.0.0.1:80 -r 10.0.0.11 -w 2 --or-edit
      The same whether the server exists or not; of one that exists, only the weight changes.")]
pub struct AddRealArgs {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    servers: ServersArgs,
    #[command(flatten)]
    options: ServerOptions,
    /// Of servers that exist, change what is named here instead
    #[arg(long)]
    or_edit: bool,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no such service, or the kernel refuses a server; the others are added.
pub fn run(args: AddRealArgs, _ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.service.resolve);
    let service = args.service.key(&names, &mut faults);
    let keys = args.servers.keys(service, &names, &mut faults);
    let patch = args.options.patch(&mut faults);
    let Some(service) = service else { return Err(faults.into()) };
    let new: Vec<_> = keys.iter().map(|key| patch.create(service, *key)).collect();
    if !args.or_edit {
        for complaints in new.iter().filter_map(|server| server.as_ref().err()) {
            faults.extend(complaints.iter().cloned());
        }
    }
    faults.check()?;

    let mut client = holder::open(args.service.kernel)?;
    if !args.or_edit {
        let changes: Vec<_> = new.into_iter().flatten().map(|server| Change::AddServer(service, server)).collect();
        kernel::apply(&mut *client, &changes)?;
        return Ok(0);
    }
    let existing = kernel::service(&mut *client, &service)?;
    let mut changes = Vec::new();
    let mut complaints = Vec::new();
    for (key, new) in keys.into_iter().zip(new) {
        let old = existing.servers.iter().map(|each| each.server).find(|server| server.key == key);
        let wanted = old.map_or(new, |old| patch.apply(service, &old));
        match wanted {
            Ok(wanted) => changes.extend(change(service, old, wanted)),
            Err(wrong) => complaints.extend(wrong),
        }
    }
    kernel::apply_with(&mut *client, &changes, complaints)?;
    Ok(0)
}

fn change(service: ServiceKey, old: Option<RealServer>, wanted: RealServer) -> Option<Change> {
    match old {
        None => Some(Change::AddServer(service, wanted)),
        Some(old) if old == wanted => None,
        Some(_) => Some(Change::EditServer(service, wanted)),
    }
}
