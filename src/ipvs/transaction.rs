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

/// Makes all changes of a plan to the kernel's table, which holds `before`, or none of them.
///
/// `plan` gives the same changes each time. Deletions are not begun before everything in front of them has succeeded.
/// `progress` is told how many changes were made since the last call. Something that is gone already counts as deleted.
///
/// # Errors
/// The kernel refuses a change, or cannot be talked to.
pub fn carry_out<I: Iterator<Item = Change>>(
    client: &mut Client,
    before: &Table,
    plan: impl Fn() -> I,
    mut progress: impl FnMut(usize),
) -> Result<(), Failure> {
    let mut changes = plan().peekable();
    let mut begun = 0;
    // What was gone already, and must not come back when the rest is undone.
    let mut missing = HashSet::new();
    let mut step = Vec::new();
    while let Some(first) = changes.next() {
        let deleting = deletes(&first);
        step.clear();
        step.push(first);
        while step.len() < STEP
            && let Some(next) = changes.next_if(|next| deletes(next) == deleting)
        {
            step.push(next);
        }
        let gone_already = |refusal: &Refusal| step.get(refusal.index).is_some_and(|change| gone(change, refusal));
        let (gone, failed): (Vec<_>, Vec<_>) = client.apply(&step)?.into_iter().partition(gone_already);
        progress(step.len());
        missing.extend(gone.iter().chain(&failed).map(|refusal| begun + refusal.index));
        begun += step.len();
        if !failed.is_empty() {
            let done = plan().take(begun).enumerate().filter(|(index, _)| !missing.contains(index));
            let back = undo(before, &done.map(|(_, change)| change).collect::<Vec<_>>());
            let left = refused(&back, client.apply(&back)?);
            return Err(Failure::Refused { refused: causes(refused(&step, failed)), left });
        }
    }
    Ok(())
}

fn deletes(change: &Change) -> bool {
    matches!(change, Change::DeleteService(_) | Change::DeleteServer(..) | Change::Clear)
}

/// Whether what was to be deleted is not there, which is as good.
fn gone(change: &Change, refusal: &Refusal) -> bool {
    deletes(change) && matches!(refusal.errno, Errno::ESRCH | Errno::ENOENT)
}

/// Puts each refusal beside the change that it is about.
fn refused(changes: &[Change], refusals: Vec<Refusal>) -> Vec<Refused> {
    let pair = |refusal: Refusal| Some(Refused { change: changes.get(refusal.index)?.clone(), refusal });
    refusals.into_iter().filter_map(pair).collect()
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
