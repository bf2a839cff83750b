//! `lvsadm restore`: makes the kernel's table what a save file says, and changes nothing else.

use std::path::PathBuf;

use clap::Args;

use super::{
    Complaint, Error, Ui,
    holder::{Holder, is_held, note},
    json, kernel,
    source::{SYSTEM_FILE, Source},
};
use crate::{
    ipvs::{
        Client, Refusal,
        plan::{Extra, plan, undo},
        transaction::{Failure, Refused, carry_out},
    },
    model::{Change, Table},
    state::{file::Lines, names::Resolver, print},
};

/// Make the table what a save file says
///
/// The whole file is checked first; one bad line, and nothing is changed. Then only what differs is changed, additions
/// before deletions, so that no connection is cut. If the kernel refuses a step, all of it is undone.
///
/// Timeouts and sync daemons of which the file says nothing stay as they are. With an agent that holds the table, the file
/// is what people ask for from now on: servers that are down stay out until they work, and --flush deletes nothing that the
/// file has, too.
#[derive(Debug, Args)]
#[command(after_long_help = "Exit status: 0 done; 1 it failed and nothing was changed.
With --dry-run: 0 nothing would be changed; 1 something would be; 2 trouble.

Examples:
  lvsadm restore --dry-run /etc/sysconfig/ipvsadm    what would be changed
  lvsadm restore /etc/sysconfig/ipvsadm              change it
  lvsadm restore --keep extra-services               add and edit, delete nothing
  ipvsadm-save -n | ssh backup lvsadm restore        copy a table")]
pub struct RestoreArgs {
    /// Save file to read (default: standard input)
    file: Option<PathBuf>,
    /// Read the system's save file, /etc/sysconfig/ipvsadm
    #[arg(long, conflicts_with = "file")]
    system: bool,
    /// Print the changes, in ipvsadm's words, and make none
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Delete nothing: what is not in the file stays
    #[arg(long)]
    keep: bool,
    /// Empty the table first, as ipvsadm-restore does: counters start anew, connections may be cut
    #[arg(long, conflicts_with = "keep")]
    flush: bool,
    /// Change the kernel's table itself, past a running agent: to that it is somebody else's change
    #[arg(long)]
    kernel: bool,
    /// Print the changes as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// The file cannot be read or has faults, or the kernel refuses a change: nothing is changed then.
pub fn run(args: RestoreArgs, ui: &mut Ui) -> Result<u8, Error> {
    let trouble = |error: Error| if args.dry_run { error.with_status(2) } else { error };
    let source = match (args.system, args.file.clone()) {
        (true, _) => Source::File(PathBuf::from(SYSTEM_FILE)),
        (false, Some(file)) => Source::new(file),
        (false, None) => Source::Stdin,
    };
    let content = source.read().map_err(trouble)?;
    let file = source.check(&content, ui).map_err(trouble)?;
    let mut client = Client::open().map_err(Error::from).map_err(trouble)?;
    let holder = Holder::for_reading().and_then(|_| Holder::for_changes()).filter(|_| !args.kernel);
    let mut before = client.table().map_err(Error::from).map_err(trouble)?;
    if let Some(holder) = &holder {
        // What others have in the kernel is theirs, unless the file names it.
        let held = holder.table(None).map_err(trouble)?.0.services;
        before.services.retain(|key, _| file.table.services.contains_key(key) && !held.contains_key(key));
        before.services.extend(held);
    }
    // What a flush leaves, and what is there otherwise.
    let emptied = Table { timeouts: before.timeouts, daemons: before.daemons.clone(), ..Table::default() };
    let have = if args.flush { &emptied } else { &before };
    let extra = if args.keep || args.flush { Extra::Keep } else { Extra::Delete };
    let plan = || args.flush.then_some(Change::Clear).into_iter().chain(plan(have, &file.table, extra));
    if args.json {
        ui.json(&json::Changes::new(plan()))?;
    } else if args.dry_run {
        for change in plan() {
            ui.print(print::change_line(&change))?;
            ui.print("\n")?;
        }
    }
    if args.dry_run {
        return Ok(u8::from(plan().next().is_some()));
    }
    let progress = ui.progress("changes", plan().count());
    let result = match &holder {
        None => carry_out(&mut client, &before, plan, |made| progress.advance(made)),
        Some(holder) => hand_over(holder, &mut client, &before, plan())?,
    };
    drop(progress);
    result.map_err(|failure| complain(&source, &content, failure))?;
    if holder.is_none() && !args.kernel {
        note(plan())?;
    }
    Ok(0)
}

/// Has the process that holds the table make the changes of services, and makes those of timeouts and daemons here: all of
/// them, or none.
fn hand_over(
    holder: &Holder,
    client: &mut Client,
    before: &Table,
    plan: impl Iterator<Item = Change>,
) -> Result<Result<(), Failure>, Error> {
    let (theirs, ours): (Vec<_>, Vec<_>) = plan.partition(is_held);
    if let Err(failure) = carry_out(client, before, || ours.iter().cloned(), |_| {}) {
        return Ok(Err(failure));
    }
    let refusals = holder.apply(&theirs, false)?;
    if refusals.is_empty() {
        return Ok(Ok(()));
    }
    let back = undo(before, &ours);
    let left = beside(&back, client.apply(&back)?);
    Ok(Err(Failure::Refused { refused: beside(&theirs, refusals), left }))
}

/// Puts each refusal beside its change.
fn beside(changes: &[Change], refusals: Vec<Refusal>) -> Vec<Refused> {
    let pair = |refusal: Refusal| Some(Refused { change: changes.get(refusal.index)?.clone(), refusal });
    refusals.into_iter().filter_map(pair).collect()
}

/// Says which lines the kernel refused, and what state the table is in now.
fn complain(source: &Source, content: &[u8], failure: Failure) -> Error {
    let (refused, left) = match failure {
        Failure::Transport(error) => {
            return Error::from(error).hint(format_args!("`lvsadm diff {source}` shows how far the restore came"));
        }
        Failure::Refused { refused, left } => (refused, left),
    };
    let lines = Lines::of(content, &Resolver::new());
    let place = |change: &Change| match lines.about(change) {
        Some(line) => format!("{source}:{line}: "),
        None => String::new(),
    };
    let mut complaints: Vec<_> = refused
        .iter()
        .map(|refused| kernel::explained(&place(&refused.change), &refused.change, &refused.refusal))
        .collect();
    if left.is_empty() {
        complaints.push(Complaint::new("nothing was changed: what had been done was undone"));
    } else {
        complaints.extend(
            left.iter().map(|left| kernel::explained("this could not be undone: ", &left.change, &left.refusal)),
        );
        let hint = format!("somebody else changes the table at the same time; see `lvsadm diff {source}`");
        complaints.push(Complaint::new("the table is neither what it was nor what the file says").hint(hint));
    }
    Error::all_failed(complaints)
}
