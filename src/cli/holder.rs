//! Who holds the table that a verb is about: the kernel, or a check process that keeps the operator's table and makes the
//! kernel's of it. Verbs do not know the difference.
//!
//! Changes go to the agent, which saves them if it is told to; a check process that runs alone is asked itself. An edit is a
//! patch of what the operator wants: the weight of a server that is down is changed without bringing it up.

use std::{
    borrow::Borrow,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use serde::de::DeserializeOwned;

use super::{Error, agent::ask::ask_verb, kernel};
use crate::{
    agent::{
        SOCKET as AGENT,
        check::{control::SOCKET as CHECK, note_for_next},
        control::{Applied, CheckCall, Held, OperatorTable, Place, Refused},
    },
    host::namespace,
    ipvs::{Client, Refusal},
    model::{Change, ServerStatus, ServiceKey, Snapshot, SnapshotServer, SnapshotService, Table},
    state::{file, grammar::NoNames, print},
};

/// The operator's table, in the run directory: a check process has held it, and holds it again as soon as it runs.
const TABLE: &str = "table";

/// Where a verb reads services and puts changes.
pub trait Tables {
    /// Returns all services.
    ///
    /// # Errors
    /// Nobody answers.
    fn snapshot(&mut self) -> Result<Snapshot, Error>;

    /// Returns a service with its servers; `None` if there is no such service.
    ///
    /// # Errors
    /// Nobody answers.
    fn service(&mut self, key: &ServiceKey) -> Result<Option<SnapshotService>, Error>;

    /// Makes changes, each by itself, and returns those that were refused.
    ///
    /// # Errors
    /// Nobody answers.
    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Refusal>, Error>;
}

impl Tables for Client {
    fn snapshot(&mut self) -> Result<Snapshot, Error> {
        Ok(Self::snapshot(self)?)
    }

    fn service(&mut self, key: &ServiceKey) -> Result<Option<SnapshotService>, Error> {
        Ok(Self::service(self, key)?)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Refusal>, Error> {
        Ok(Self::apply(self, changes)?)
    }
}

/// The kernel's table, while nobody holds it: a process that is killed is followed by one that goes on with what it held.
struct Unheld(Client);

impl Tables for Unheld {
    fn snapshot(&mut self) -> Result<Snapshot, Error> {
        Tables::snapshot(&mut self.0)
    }

    fn service(&mut self, key: &ServiceKey) -> Result<Option<SnapshotService>, Error> {
        Tables::service(&mut self.0, key)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Refusal>, Error> {
        let refusals = self.0.apply(changes)?;
        note(made(changes, &refusals))?;
        Ok(refusals)
    }
}

/// Returns the changes that were not refused.
pub fn made<'a>(changes: &'a [Change], refusals: &[Refusal]) -> impl Iterator<Item = &'a Change> {
    let refused = |at: usize| refusals.iter().any(|refusal| refusal.index == at);
    changes.iter().enumerate().filter(move |(at, _)| !refused(*at)).map(|(_, made)| made)
}

/// Notes what was changed in the kernel while nobody held its table, for the process that comes after one that was killed.
///
/// # Errors
/// It cannot be noted, and so will be undone.
pub fn note(changes: impl Iterator<Item = impl Borrow<Change>>) -> Result<(), Error> {
    let run_dir = namespace::run_dir(None);
    note_for_next(&run_dir, changes.filter(|change| is_held(change.borrow()))).map_err(|error| {
        let table = run_dir.join(TABLE);
        Error::failed(format_args!("the kernel has it, but it cannot be noted in {}: {error}", table.display()))
            .hint("an agent was killed, and the next one will put the table back as it was; repeat the command then")
    })
}

/// Opens the table: the kernel's if nobody holds it, or if a process that does is to be passed by.
///
/// # Errors
/// No IPVS, or no permission.
pub fn open(kernel: bool) -> Result<Box<dyn Tables>, Error> {
    if kernel {
        return Ok(Box::new(kernel::open()?));
    }
    Ok(match Holder::for_changes() {
        Some(holder) => Box::new(holder),
        None => Box::new(Unheld(kernel::open()?)),
    })
}

/// A process that holds the operator's table.
#[derive(Clone, Debug)]
pub struct Holder {
    socket: PathBuf,
}

impl Holder {
    /// Finds who takes changes of the table: the agent, or else a check process.
    pub fn for_changes() -> Option<Self> {
        Self::for_changes_in(&namespace::run_dir(None))
    }

    /// Does the same in a run directory.
    pub fn for_changes_in(run_dir: &Path) -> Option<Self> {
        Self::at(run_dir.join(AGENT)).or_else(|| Self::at(run_dir.join(CHECK)))
    }

    /// Finds who knows the operator's table. An agent that never held one is not bothered: the kernel's is the operator's.
    pub fn for_reading() -> Option<Self> {
        Self::for_reading_in(&namespace::run_dir(None))
    }

    /// Does the same in a run directory.
    pub fn for_reading_in(run_dir: &Path) -> Option<Self> {
        let agent = Self::at(run_dir.join(AGENT)).filter(|_| run_dir.join(TABLE).exists());
        agent.or_else(|| Self::at(run_dir.join(CHECK)))
    }

    /// Somebody is there if the socket takes connections. Who may not ask has no business with it.
    fn at(socket: PathBuf) -> Option<Self> {
        UnixStream::connect(&socket).is_ok().then_some(Self { socket })
    }

    /// Returns the operator's table, or one service of it; and the servers that the kernel does not have as it is there.
    ///
    /// # Errors
    /// The process does not answer, or refuses.
    pub fn table(&self, only: Option<&ServiceKey>) -> Result<(Table, Vec<Held>), Error> {
        self.whole_table(only).map(|(table, held, _)| (table, held))
    }

    /// Returns the same, and which servers are not in it any more because they had drained.
    ///
    /// # Errors
    /// As for [`Self::table`].
    pub fn whole_table(&self, only: Option<&ServiceKey>) -> Result<(Table, Vec<Held>, Vec<Place>), Error> {
        let service = only.map(|key| print::service_name(key, &print::numeric));
        let answer: OperatorTable = self.ask(&CheckCall::GetTable { service })?;
        let text: String = answer.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let read = file::parse(text.as_bytes(), &NoNames).map_err(|faults| {
            let why = faults.first().map(|fault| fault.message.as_str()).unwrap_or_default();
            Error::failed(format_args!("the answer of {} makes no sense: {why}", self.socket.display()))
                .hint("lvsadm and the process may be of different versions")
        })?;
        Ok((read.table, answer.held, answer.emptied))
    }

    /// Makes changes of services and servers, all of them or none, or `each` by itself. Returns those that were refused.
    ///
    /// # Errors
    /// The process does not answer, or refuses.
    pub fn apply(&self, changes: &[Change], each: bool) -> Result<Vec<Refusal>, Error> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let lines = changes.iter().map(print::change_line).collect();
        let Applied { refused, .. } = self.ask(&CheckCall::Apply { lines, each })?;
        let refusal = |refused: Refused| Refusal {
            index: refused.index,
            errno: Errno::from_raw(refused.errno),
            said: refused.said,
        };
        Ok(refused.into_iter().map(refusal).collect())
    }

    /// Returns the answer to a question.
    ///
    /// # Errors
    /// The process does not answer, or refuses.
    pub fn ask<A: DeserializeOwned>(&self, call: &CheckCall) -> Result<A, Error> {
        let (verb, params) = call.parts();
        let gone = || Error::failed(format_args!("no process answers at {} any more", self.socket.display()));
        ask_verb(&self.socket, &verb, params)?.ok_or_else(gone)
    }
}

impl Tables for Holder {
    fn snapshot(&mut self) -> Result<Snapshot, Error> {
        Ok(snapshot(&self.table(None)?.0))
    }

    fn service(&mut self, key: &ServiceKey) -> Result<Option<SnapshotService>, Error> {
        Ok(snapshot(&self.table(Some(key))?.0).services.pop())
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Refusal>, Error> {
        Self::apply(self, changes, true)
    }
}

/// Returns a table as what listings show: nobody has counted anything.
pub fn snapshot(table: &Table) -> Snapshot {
    let services = table.services.values().map(|entry| SnapshotService {
        service: entry.service.clone(),
        stats: None,
        servers: entry
            .servers
            .values()
            .map(|server| SnapshotServer { server: *server, status: ServerStatus::default() })
            .collect(),
    });
    Snapshot { services: services.collect() }
}

/// Whether a change is one of services and servers, which a process may hold; the kernel alone has everything else.
pub fn is_held(change: &Change) -> bool {
    change.target().service().is_some() && !matches!(change, Change::Zero(_)) || *change == Change::Clear
}
