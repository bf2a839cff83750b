//! All of a plan or nothing of it: the kernel has no transactions, so what was done is undone when it refuses.

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
    let (harmless, rest) = changes.split_at(first_deletion);
    let mut done: Vec<Change> = Vec::with_capacity(changes.len());
    for step in harmless.chunks(STEP).chain(rest.chunks(STEP)) {
        let refusals = client.apply(step)?;
        progress(step.len());
        if refusals.is_empty() {
            done.extend_from_slice(step);
            continue;
        }
        let refused: Vec<_> = refusals.iter().filter_map(|refusal| refused(step, refusal)).collect();
        let failed = |index: usize| refusals.iter().any(|refusal| refusal.index == index);
        done.extend(step.iter().enumerate().filter(|(index, _)| !failed(*index)).map(|(_, change)| change.clone()));
        let serious = causes(refused.into_iter().filter(|refused| !gone_already(refused)).collect());
        if !serious.is_empty() {
            let back = undo(before, &done);
            let left = client.apply(&back)?.iter().filter_map(|refusal| self::refused(&back, refusal)).collect();
            return Err(Failure::Refused { refused: serious, left });
        }
    }
    Ok(())
}

fn deletes(change: &Change) -> bool {
    matches!(change, Change::DeleteService(_) | Change::DeleteServer(..) | Change::Clear)
}

fn refused(changes: &[Change], refusal: &Refusal) -> Option<Refused> {
    changes.get(refusal.index).map(|change| Refused { change: change.clone(), refusal: refusal.clone() })
}

fn gone_already(refused: &Refused) -> bool {
    deletes(&refused.change) && matches!(refused.refusal.errno, Errno::ESRCH | Errno::ENOENT)
}

/// Leaves out what was refused only because its service had been.
fn causes(refused: Vec<Refused>) -> Vec<Refused> {
    let missing: Vec<ServiceKey> = refused
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
