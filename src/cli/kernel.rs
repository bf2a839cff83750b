//! What every verb does with the kernel: open it, send changes, say in people's words what was refused.

use std::{fmt, io};

use nix::errno::Errno;

use super::{Complaint, Error, Ui, holder::Tables};
use crate::{
    ipvs::{self, Client, OpenError, Refusal, explain, procfs},
    model::{Change, Info, ServerKey, ServiceKey, Snapshot, SnapshotService},
};

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        Self::failed(&error).hint(error.hint())
    }
}

impl From<ipvs::Error> for Error {
    fn from(error: ipvs::Error) -> Self {
        Self::failed(error)
    }
}

/// Opens the kernel's table for reading and changing.
///
/// # Errors
/// No IPVS, or no permission.
pub fn open() -> Result<Client, Error> {
    Ok(Client::open()?)
}

/// Returns a service with its servers.
///
/// # Errors
/// There is no such service, or the kernel cannot be talked to.
pub fn service(client: &mut dyn Tables, key: &ServiceKey) -> Result<SnapshotService, Error> {
    match client.service(key)? {
        Some(service) => Ok(service),
        None => {
            let complaint = Complaint::new(format_args!("there is no service {key}"));
            Err(Error::all_failed(vec![hint_at_service(complaint, client, *key)]))
        }
    }
}

impl From<procfs::Error> for Error {
    fn from(error: procfs::Error) -> Self {
        let missing = matches!(&error, procfs::Error::File { source, .. } if source.kind() == io::ErrorKind::NotFound);
        let failed = Self::failed(error);
        if missing { failed.hint("the kernel has no IPVS, or has not loaded it yet: modprobe ip_vs") } else { failed }
    }
}

/// Reads services and servers from the kernel or, without permission for that, what everybody may read of them.
pub struct Reader(Option<Client>);

impl Reader {
    /// Opens what this process may read, and says what that lacks.
    ///
    /// # Errors
    /// There is no IPVS, or the kernel cannot be talked to.
    pub fn open(ui: &mut Ui) -> Result<Self, Error> {
        let reader = Self::open_quietly()?;
        if !reader.is_complete() {
            ui.note(
                "not permitted to ask the kernel itself; what everybody may read lacks counters, thresholds, tunnels, \
                 flags of schedulers, persistence engines and the families of firewall marks",
            );
        }
        Ok(reader)
    }

    /// Opens what this process may read.
    ///
    /// # Errors
    /// There is no IPVS, or the kernel cannot be talked to.
    pub fn open_quietly() -> Result<Self, OpenError> {
        match Client::open() {
            Ok(client) => Ok(Self(Some(client))),
            Err(OpenError::NotPermitted(_)) => Ok(Self(None)),
            // Without root the module cannot be loaded, and without the module there is nothing to read.
            Err(error) => Err(error),
        }
    }

    /// Returns services and servers as they are now.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn snapshot(&mut self) -> Result<Snapshot, Error> {
        match &mut self.0 {
            Some(client) => Ok(client.snapshot()?),
            None => Ok(procfs::read_snapshot()?),
        }
    }

    /// Returns what the kernel says of itself.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn info(&mut self) -> Result<Info, Error> {
        match &mut self.0 {
            Some(client) => Ok(client.info()?),
            None => Ok(procfs::read_info()?),
        }
    }

    /// Whether the kernel itself is asked, so that nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.0.is_some()
    }
}

/// Which refusals are no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// All are failures.
    Nothing,
    /// What was to be deleted is not there (`--if-exists`).
    Missing,
}

/// Sends all changes in one batch; the refusal of one does not hold the others up.
///
/// # Errors
/// Everything that the kernel refused; or it cannot be talked to.
pub fn apply(client: &mut dyn Tables, changes: &[Change]) -> Result<(), Error> {
    apply_all(client, changes, Vec::new(), Pass::Nothing)
}

/// Does the same, and passes over some refusals.
///
/// # Errors
/// Everything that the kernel refused; or it cannot be talked to.
pub fn apply_but(client: &mut dyn Tables, changes: &[Change], pass: Pass) -> Result<(), Error> {
    apply_all(client, changes, Vec::new(), pass)
}

/// Does the same, after `complaints` of what cannot even be asked for.
///
/// # Errors
/// The complaints, and everything that the kernel refused; or it cannot be talked to.
pub fn apply_with(client: &mut dyn Tables, changes: &[Change], complaints: Vec<Complaint>) -> Result<(), Error> {
    apply_all(client, changes, complaints, Pass::Nothing)
}

fn apply_all(
    client: &mut dyn Tables,
    changes: &[Change],
    mut complaints: Vec<Complaint>,
    pass: Pass,
) -> Result<(), Error> {
    for refusal in client.apply(changes)? {
        let Some(change) = changes.get(refusal.index) else { continue };
        let missing = matches!(refusal.errno, Errno::ESRCH | Errno::ENOENT);
        if pass == Pass::Missing && missing {
            continue;
        }
        complaints.push(refused(client, change, &refusal));
    }
    if complaints.is_empty() { Ok(()) } else { Err(Error::all_failed(complaints)) }
}

/// What the kernel refused, why, and what to do: the hint names what could have been meant, where the table tells it.
fn refused(client: &mut dyn Tables, change: &Change, refusal: &Refusal) -> Complaint {
    let complaint = explained("", change, refusal);
    match (change, refusal.errno) {
        (Change::AddService(_), Errno::EEXIST) => {
            complaint.hint("edit-service changes it; so does add-service --or-edit")
        }
        (Change::AddServer(..), Errno::EEXIST) => complaint.hint("edit-real changes it; so does add-real --or-edit"),
        (Change::DeleteServer(service, key), Errno::ENOENT) => match client.service(service) {
            Ok(Some(there)) => hint_at_server(complaint, &there, *key),
            _ => complaint,
        },
        (
            Change::DeleteService(key)
            | Change::AddServer(key, _)
            | Change::DeleteServer(key, _)
            | Change::Zero(Some(key)),
            Errno::ESRCH,
        ) => hint_at_service(complaint, client, *key),
        _ => complaint,
    }
}

/// Says what the kernel refused and why, behind the `place` where it was asked for.
pub fn explained(place: &str, change: &Change, refusal: &Refusal) -> Complaint {
    let explanation = explain(change, refusal);
    Complaint { text: format!("{place}{explanation}"), hint: explanation.hint().map(str::to_owned) }
}

/// Adds which services there are that could be meant.
fn hint_at_service(complaint: Complaint, client: &mut dyn Tables, key: ServiceKey) -> Complaint {
    let Ok(snapshot) = client.snapshot() else { return complaint };
    let alike: Vec<_> =
        snapshot.services.iter().map(|each| each.service.key).filter(|there| alike(&key, there)).collect();
    hint_at(complaint, "there is", &alike)
}

/// Adds which servers a service has that could be meant.
fn hint_at_server(complaint: Complaint, service: &SnapshotService, key: ServerKey) -> Complaint {
    let servers = service.servers.iter().map(|each| each.server.key);
    let alike: Vec<_> = servers.filter(|there| there.address == key.address).collect();
    hint_at(complaint, "it has", &alike)
}

/// Says that a service has no such server, and which it has at that address.
pub fn no_such_server(service: &SnapshotService, key: ServerKey) -> Complaint {
    let complaint = Complaint::new(format_args!(
        "cannot edit the real server {key} of {}: the service has no such server",
        service.service.key
    ));
    hint_at_server(complaint, service, key)
}

/// Whether two services are easily taken for each other: the same address, or the same mark.
fn alike(one: &ServiceKey, other: &ServiceKey) -> bool {
    match (one, other) {
        (ServiceKey::Address { address: one, .. }, ServiceKey::Address { address: other, .. }) => one == other,
        (ServiceKey::Mark { mark: one, .. }, ServiceKey::Mark { mark: other, .. }) => one == other,
        _ => false,
    }
}

/// How many of the things that could be meant are named.
const MOST_HINTS: usize = 5;

fn hint_at<T: fmt::Display>(complaint: Complaint, verb: &str, alike: &[T]) -> Complaint {
    if alike.is_empty() {
        return complaint;
    }
    let more = if alike.len() > MOST_HINTS { " …" } else { "" };
    let names: Vec<_> = alike.iter().take(MOST_HINTS).map(ToString::to_string).collect();
    complaint.hint(format_args!("{verb} {}{more}", names.join(", ")))
}
