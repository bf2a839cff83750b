//! What every verb does with the kernel: open it, send changes, say in people's words what was refused.

use std::fmt;

use nix::errno::Errno;

use super::{Complaint, Error, Ui};
use crate::{
    ipvs::{self, Client, OpenError, explain, transaction::Refused},
    model::{Change, Conflict, ServerKey, ServiceKey, Snapshot, SnapshotService},
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
pub fn service(client: &mut Client, key: &ServiceKey) -> Result<SnapshotService, Error> {
    match client.service(key)? {
        Some(service) => Ok(service),
        None => Err(Error::all_failed(vec![no_such_service(client, *key)])),
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
        match Client::open() {
            Ok(client) => Ok(Self(Some(client))),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns services and servers as they are now.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn snapshot(&mut self) -> Result<Snapshot, Error> {
        match &mut self.0 {
            Some(client) => Ok(client.snapshot()?),
            None => Ok(Snapshot::default()),
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
pub fn apply(client: &mut Client, changes: &[Change]) -> Result<(), Error> {
    apply_all(client, changes, Vec::new(), Pass::Nothing)
}

/// Does the same, and passes over some refusals.
///
/// # Errors
/// Everything that the kernel refused; or it cannot be talked to.
pub fn apply_but(client: &mut Client, changes: &[Change], pass: Pass) -> Result<(), Error> {
    apply_all(client, changes, Vec::new(), pass)
}

/// Does the same, after `complaints` of what cannot even be asked for.
///
/// # Errors
/// The complaints, and everything that the kernel refused; or it cannot be talked to.
pub fn apply_with(client: &mut Client, changes: &[Change], complaints: Vec<Complaint>) -> Result<(), Error> {
    apply_all(client, changes, complaints, Pass::Nothing)
}

fn apply_all(client: &mut Client, changes: &[Change], mut complaints: Vec<Complaint>, pass: Pass) -> Result<(), Error> {
    for refusal in client.apply(changes)? {
        let Some(change) = changes.get(refusal.index) else { continue };
        let missing = matches!(refusal.errno, Errno::ESRCH | Errno::ENOENT);
        if pass == Pass::Missing && missing {
            continue;
        }
        let complaint = refused(client, change, refusal.errno);
        // Several servers of a missing service fail for the same reason: once is enough.
        if !complaints.contains(&complaint) {
            complaints.push(complaint);
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(Error::all_failed(complaints)) }
}

/// What the kernel refused, why, and what to do: names what is meant where the table tells it.
fn refused(client: &mut Client, change: &Change, errno: Errno) -> Complaint {
    match (change, errno) {
        (Change::AddService(service), Errno::EEXIST) => {
            Complaint::new(format_args!("{}: {}", service.key, Conflict::ServiceExists))
                .hint("edit-service changes it; so does add-service --or-edit")
        }
        (Change::AddServer(service, server), Errno::EEXIST) => {
            Complaint::new(format_args!("{service}, server {}: {}", server.key, Conflict::ServerExists))
                .hint("edit-real changes it; so does add-real --or-edit")
        }
        (Change::DeleteServer(service, key), Errno::ENOENT) => match client.service(service) {
            Ok(Some(there)) => no_such_server(&there, *key),
            _ => Complaint::new(format_args!("{service}, server {key}: {}", Conflict::NoSuchServer)),
        },
        _ => match (service_of(change), errno) {
            (Some(key), Errno::ESRCH) => no_such_service(client, key),
            _ => Complaint::new(errno.desc()),
        },
    }
}

/// Says what the kernel refused, behind `place`, where it was asked for.
pub fn complaint(place: &str, refused: &Refused) -> Complaint {
    let explanation = explain(&refused.change, &refused.refusal);
    let complaint = Complaint::new(format_args!("{place}{explanation}"));
    match explanation.hint() {
        Some(hint) => complaint.hint(hint),
        None => complaint,
    }
}

/// Returns the service that a change is about.
fn service_of(change: &Change) -> Option<ServiceKey> {
    match change {
        Change::AddService(service) | Change::EditService(service) => Some(service.key),
        Change::DeleteService(key)
        | Change::AddServer(key, _)
        | Change::EditServer(key, _)
        | Change::DeleteServer(key, _) => Some(*key),
        Change::Zero(key) => *key,
        _ => None,
    }
}

/// Says that there is no such service, and which there are that could be meant.
fn no_such_service(client: &mut Client, key: ServiceKey) -> Complaint {
    let complaint = Complaint::new(format_args!("{key}: {}", Conflict::NoSuchService));
    let Ok(snapshot) = client.snapshot() else { return complaint };
    let alike: Vec<_> =
        snapshot.services.iter().map(|each| each.service.key).filter(|there| alike(&key, there)).collect();
    hint_at(complaint, "there is", &alike)
}

/// Says that a service has no such server, and which it has at that address.
pub fn no_such_server(service: &SnapshotService, key: ServerKey) -> Complaint {
    let complaint = Complaint::new(format_args!("{}, server {key}: {}", service.service.key, Conflict::NoSuchServer));
    let alike: Vec<_> =
        service.servers.iter().map(|each| each.server.key).filter(|there| there.address == key.address).collect();
    hint_at(complaint, "it has", &alike)
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
