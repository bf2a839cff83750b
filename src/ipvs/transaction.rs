//! All of a plan or nothing of it: the kernel has no transactions, so what was done is undone when it refuses.

use std::collections::HashSet;

use nix::errno::Errno;
use thiserror::Error;

use super::{Client, Error, Refusal, plan::undo};
use crate::model::{Change, ServiceKey, Table};

/// How many changes are sent before looking whether one was refused: enough to be fast, few enough to watch.
const STEP: usize = 1024;

/// A change that the kernel refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The change.
    pub change: Change,
    /// The kernel's reason; [`super::explain`] puts it into words.
    pub refusal: Refusal,
}

/// Why a plan was not carried out.
#[derive(Debug, Error)]
pub enum Failure {
    /// The kernel could not be talked to; how far the plan came is not known.
    #[error(transparent)]
    Transport(#[from] Error),
    /// The kernel refused changes; what had been done was undone.
    #[error("the kernel refused {} changes", refused.len())]
    Refused {
        /// Each change that was refused for a reason of its own, in the plan's order.
        refused: Vec<Refused>,
        /// What could not be undone: empty unless somebody else changed the table at the same time.
        left: Vec<Refused>,
    },
}

/// Makes all `changes` to the kernel's table, which holds `before`, or none of them.
///
/// Deletions are not begun before everything else has succeeded. `progress` is told how many changes were made since
/// the last call. Something that is gone already counts as deleted.
///
/// # Errors
/// The kernel refuses a change, or cannot be talked to.
pub fn carry_out(
    client: &mut Client,
    before: &Table,
    changes: &[Change],
    mut progress: impl FnMut(usize),
) -> Result<(), Failure> {
    let first_deletion = changes.iter().position(deletes).unwrap_or(changes.len());
    let (gentle, rest) = changes.split_at(first_deletion);
    let mut begun = 0;
    // What was gone already, and must not come back when the rest is undone.
    let mut missing = HashSet::new();
    for step in gentle.chunks(STEP).chain(rest.chunks(STEP)) {
        let refusals = client.apply(step)?;
        progress(step.len());
        let (gone, failed): (Vec<_>, Vec<_>) = refusals
            .into_iter()
            .filter_map(|refusal| Some((refusal.index, Refused { change: step.get(refusal.index)?.clone(), refusal })))
            .partition(|(_, refused)| gone_already(refused));
        missing.extend(gone.iter().chain(&failed).map(|(index, _)| begun + index));
        begun += step.len();
        if !failed.is_empty() {
            let done = changes[..begun].iter().enumerate().filter(|(index, _)| !missing.contains(index));
            let back = undo(before, done.map(|(_, change)| change));
            let left = client
                .apply(&back)?
                .into_iter()
                .filter_map(|refusal| Some(Refused { change: back.get(refusal.index)?.clone(), refusal }));
            let refused = causes(failed.into_iter().map(|(_, refused)| refused).collect());
            return Err(Failure::Refused { refused, left: left.collect() });
        }
    }
    Ok(())
}

fn deletes(change: &Change) -> bool {
    matches!(change, Change::DeleteService(_) | Change::DeleteServer(..) | Change::Clear)
}

fn gone_already(refused: &Refused) -> bool {
    deletes(&refused.change) && matches!(refused.refusal.errno, Errno::ESRCH | Errno::ENOENT)
}

/// Leaves out what was refused only because its service had been.
fn causes(refused: Vec<Refused>) -> Vec<Refused> {
    let missing: HashSet<ServiceKey> = refused
        .iter()
        .filter_map(|each| match &each.change {
            Change::AddService(service) => Some(service.key),
            _ => None,
        })
        .collect();
    let consequence = |each: &Refused| match &each.change {
        Change::AddServer(service, _) => each.refusal.errno == Errno::ESRCH && missing.contains(service),
        _ => false,
    };
    refused.into_iter().filter(|each| !consequence(each)).collect()
}
