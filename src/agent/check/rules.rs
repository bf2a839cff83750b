//! keepalived's rules for the kernel's table: timeouts and sync daemons are those of the file for as long as the process runs,
//! and at its end nothing of the file is left.

use log::{info, warn};

use super::Error;
use crate::{
    ipvs::{Client, explain},
    model::{Change, SyncDaemon, Table, Timeouts},
};

/// What holds beside checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WholeFile {
    /// Whether the table is emptied at the start (`lvs_flush`).
    pub flush_at_start: bool,
    /// Whether it is emptied at the end, or only the file's services are removed.
    pub flush_at_end: bool,
}

/// What was changed of the kernel beside services.
#[derive(Debug)]
pub(super) struct Held {
    rules: WholeFile,
    /// What the timeouts were before; `None` = they were left alone, or nobody knows.
    before: Option<Timeouts>,
    daemons: Vec<SyncDaemon>,
}

impl Held {
    /// Brings timeouts and daemons to what the file says. `resume`: a process before this one was killed and had done so.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn begin(rules: WholeFile, wanted: &Table, resume: bool) -> Result<Self, Error> {
        let mut held = Self { rules, before: None, daemons: Vec::new() };
        if rules.flush_at_start && !resume {
            info!("the table is emptied (lvs_flush)");
            carry_out(&mut Client::open()?, &[Change::Clear])?;
        }
        if resume {
            held.daemons.clone_from(&wanted.daemons);
        }
        held.change(wanted, None)?;
        Ok(held)
    }

    /// Goes on with what another file says; `flush_at_end` if it says that.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn change(&mut self, wanted: &Table, flush_at_end: Option<bool>) -> Result<(), Error> {
        self.rules.flush_at_end = flush_at_end.unwrap_or(self.rules.flush_at_end);
        if wanted.timeouts.is_none() && self.before.is_none() && wanted.daemons == self.daemons {
            return Ok(());
        }
        let mut client = Client::open()?;
        let mut changes = Vec::new();
        match wanted.timeouts {
            Some(timeouts) => {
                if self.before.is_none() {
                    self.before = Some(client.timeouts()?);
                }
                changes.push(Change::SetTimeouts(timeouts));
            }
            None => changes.extend(self.before.take().map(Change::SetTimeouts)),
        }
        if wanted.daemons != self.daemons {
            let there = client.daemons()?;
            let stays = |daemon: &SyncDaemon| wanted.daemons.iter().any(|wanted| daemon.satisfies(wanted));
            let gone = there.iter().filter(|daemon| !stays(daemon)).map(|daemon| Change::StopDaemon(daemon.role));
            changes.extend(gone);
            let new = wanted.daemons.iter().filter(|wanted| !there.iter().any(|daemon| daemon.satisfies(wanted)));
            changes.extend(new.cloned().map(Change::StartDaemon));
            self.daemons.clone_from(&wanted.daemons);
        }
        carry_out(&mut client, &changes)
    }

    /// Leaves the kernel as it was. The services have gone by themselves.
    pub(super) fn end(self) {
        let mut changes: Vec<Change> = self.before.map(Change::SetTimeouts).into_iter().collect();
        changes.extend(self.daemons.iter().map(|daemon| Change::StopDaemon(daemon.role)));
        if self.rules.flush_at_end {
            changes.push(Change::Clear);
        }
        if changes.is_empty() {
            return;
        }
        let done = Client::open().map_err(Error::from).and_then(|mut client| carry_out(&mut client, &changes));
        if let Err(error) = done {
            warn!("cannot leave the kernel's table as it should be: {error}");
        }
    }
}

/// Makes changes; what the kernel refuses is said, and the others are made all the same.
fn carry_out(client: &mut Client, changes: &[Change]) -> Result<(), Error> {
    for refusal in client.apply(changes)? {
        if let Some(change) = changes.get(refusal.index) {
            let why = explain(change, &refusal);
            warn!("the kernel refuses this: {}: {}", change.target(), why.reason());
        }
    }
    Ok(())
}
