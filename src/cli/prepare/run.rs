//! Doing a plan, with a record; and undoing what is recorded.

use std::{net::IpAddr, path::PathBuf};

use clap::Args;

use super::{
    args::{HowArgs, complaints},
    persist,
};
use crate::{
    cli::{Complaint, Error, Ui, json, ui::clean},
    doctor::record::{self, Entry, Record},
    host::{
        Host,
        prepare::{Failed, Fault, Found, Seen, Step, apply, find, load, seen, unapply},
    },
};

/// Plans, shows the plan, and carries it out.
pub(super) fn prepare(
    command: &str,
    how: &HowArgs,
    ui: &mut Ui,
    addresses: Vec<IpAddr>,
    plan: impl FnOnce(&Seen) -> Result<Vec<Step>, Vec<Fault>>,
) -> Result<u8, Error> {
    let mut host = Host::open().map_err(host_error)?;
    let seen = seen(&mut host, addresses.into_iter()).map_err(host_error)?;
    let steps = plan(&seen).map_err(complaints)?;
    let (needed, _) = find(&mut host, &steps).map_err(failed)?;
    let mut files = Vec::new();
    if how.persist {
        let record = record::read(&record::place()).map_err(Error::failed)?;
        files = persist::files(command, &steps, &record).map_err(Error::failed)?;
    }
    let files: Vec<PathBuf> = files.into_iter().map(|file| file.found.path).collect();
    show(&steps, &needed, &files, how, ui)?;
    if how.dry_run {
        if !how.json {
            ui.note("nothing was changed");
        }
        return Ok(0);
    }
    let done = carry_out(&mut host, command, &steps, how.persist)?;
    if !how.json {
        say_done(&done, ui);
    }
    Ok(0)
}

/// What was done.
pub(in crate::cli) struct Done {
    /// The steps that changed something.
    pub(in crate::cli) steps: Vec<Step>,
    /// The files that were written.
    pub(in crate::cli) files: Vec<PathBuf>,
}

/// Does all steps or none, and keeps what was found.
///
/// # Errors
/// A step failed. Modules that were loaded before stay.
pub(in crate::cli) fn carry_out(host: &mut Host, command: &str, steps: &[Step], keep: bool) -> Result<Done, Error> {
    let place = &record::place();
    let before = record::read(place).map_err(Error::failed)?;
    // What modules bring can be looked at only when it is there. They change nothing by themselves.
    let modules: Vec<Step> = find(host, steps).map_err(failed)?.0.into_iter().filter(is_module).collect();
    load(host, steps).map_err(failed)?;
    let (needed, found) = find(host, steps).map_err(failed)?;
    // The record is there before anything changes: a process that is killed half-way leaves what undoes it.
    let mut entry = Entry { command: command.to_owned(), found: new_to(&before, &found), files: Vec::new() };
    let mut written = Vec::new();
    if keep {
        written = persist::files(command, steps, &before).map_err(Error::failed)?;
        entry.files = written.iter().map(|file| file.found.clone()).collect();
    }
    let mut after = before.clone();
    if !(entry.found.is_empty() && entry.files.is_empty()) {
        after.entries.push(entry.clone());
    }
    record::write(place, &after)
        .map_err(|why| Error::failed(why).hint("nothing was changed: without this file it could not be put back"))?;
    if let Err(why) = apply(host, &needed, &found) {
        // Nothing of it is left; that the record could not be cut again is said by the next command.
        let _ = record::write(place, &before);
        return Err(failed(why));
    }
    if let Err(why) = written.iter().try_for_each(persist::File::write) {
        let mut complaints = vec![Complaint::new(why)];
        complaints.extend(record::put_back(&entry.files).into_iter().map(Complaint::new));
        complaints.extend(unapply(host, &found).0.into_iter().map(|(text, hint)| complaint(text, hint)));
        let _ = record::write(place, &before);
        return Err(Error::all_failed(complaints));
    }
    let files = written.into_iter().map(|file| file.found.path).collect();
    Ok(Done { steps: modules.into_iter().chain(needed).collect(), files })
}

fn is_module(step: &Step) -> bool {
    matches!(step, Step::Module(_))
}

/// Returns what of `found` nobody recorded before: what was found first is what counts.
fn new_to(record: &Record, found: &[Found]) -> Vec<Found> {
    let same = |a: &Found, b: &Found| match (a, b) {
        (Found::Switch { key: a, .. }, Found::Switch { key: b, .. }) => a == b,
        (a, b) => a == b,
    };
    let known = |each: &&Found| record.entries.iter().flat_map(|entry| &entry.found).any(|known| same(known, each));
    found.iter().filter(|each| !known(each)).cloned().collect()
}

/// Shows what is to be done, before anything of it is.
fn show(steps: &[Step], needed: &[Step], files: &[PathBuf], how: &HowArgs, ui: &mut Ui) -> Result<(), Error> {
    if how.json {
        ui.json(&json::Prepared::new(how.dry_run, steps, needed, files))?;
        return ui.flush();
    }
    for step in steps {
        let as_it_is = if needed.contains(step) { "" } else { "# as it should be: " };
        ui.print(clean(&format!("{as_it_is}{step}\n")).as_bytes())?;
    }
    for file in files {
        ui.print(clean(&format!("# file: {}\n", file.display())).as_bytes())?;
    }
    ui.flush()
}

/// Says what was done.
fn say_done(done: &Done, ui: &mut Ui) {
    for file in &done.files {
        ui.note(format_args!("wrote {}", file.display()));
    }
    if done.steps.is_empty() && done.files.is_empty() {
        return ui.note("nothing was to be done");
    }
    ui.note("`lvsadm prepare undo` puts everything back");
    if !done.files.is_empty() {
        ui.note("`systemctl daemon-reload` shows systemd the new unit before the next boot");
    }
}

/// Put back what `prepare` and `doctor --fix` changed
///
/// What somebody else has changed since then stays as it is. Kernel modules stay loaded.
#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// Only show what would be put back
    #[arg(long)]
    dry_run: bool,
    /// Print what was undone as JSON
    #[arg(long)]
    json: bool,
}

impl UndoArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let place = record::place();
        let record = record::read(&place).map_err(Error::failed)?;
        if self.json {
            ui.json(&json::Undone::new(self.dry_run, &record))?;
        }
        if record.entries.is_empty() {
            ui.note(format_args!("nothing is recorded in {}", place.display()));
            return Ok(0);
        }
        if !self.json {
            for entry in record.entries.iter().rev() {
                ui.print(clean(&format!("lvsadm {}\n", entry.command)).as_bytes())?;
                for line in entry.found.iter().rev().filter_map(words) {
                    ui.print(clean(&format!("  {line}\n")).as_bytes())?;
                }
                for file in &entry.files {
                    let what = if file.before.is_some() { "as it was" } else { "removed" };
                    ui.print(clean(&format!("  {}: {what}\n", file.path.display())).as_bytes())?;
                }
            }
            ui.flush()?;
        }
        if self.dry_run {
            ui.note("nothing was changed");
            return Ok(0);
        }
        let mut host = Host::open().map_err(host_error)?;
        let all: Vec<Found> = record.entries.iter().flat_map(|entry| entry.found.clone()).collect();
        let mut complaints: Vec<Complaint> =
            unapply(&mut host, &all).0.into_iter().map(|(text, hint)| complaint(text, hint)).collect();
        for entry in record.entries.iter().rev() {
            complaints.extend(record::put_back(&entry.files).into_iter().map(Complaint::new));
        }
        if complaints.is_empty() {
            record::write(&place, &Record::default()).map_err(Error::failed)?;
            Ok(0)
        } else {
            // The record stays: once more puts back the rest.
            Err(Error::all_failed(complaints))
        }
    }
}

/// Says how something is put back; nothing about what follows by itself.
pub(in crate::cli) fn words(found: &Found) -> Option<String> {
    Some(match found {
        Found::Switch { ours: None, .. } => return None,
        Found::Switch { key, before, .. } => format!("sysctl -w {key}={before}"),
        Found::LinkDown(link) => format!("ip link set {link} down"),
        Found::NoAddress { link, address, prefix } => format!("ip address del {address}/{prefix} dev {link}"),
        Found::NoRoute { to: Some((address, prefix)), gateway } => {
            format!("ip route del {address}/{prefix} via {gateway}")
        }
        Found::NoRoute { to: None, gateway } => format!("ip route del default via {gateway}"),
        Found::PortClosed(port) => format!("ip fou del port {}{}", port.port, if port.ipv6 { " -6" } else { "" }),
    })
}

fn complaint(text: String, hint: Option<String>) -> Complaint {
    let complaint = Complaint::new(text);
    match hint {
        Some(hint) => complaint.hint(hint),
        None => complaint,
    }
}

pub(in crate::cli) fn failed(failed: Failed) -> Error {
    Error::all_failed(failed.0.into_iter().map(|(text, hint)| complaint(text, hint)).collect())
}

pub(in crate::cli) fn host_error(error: crate::host::Error) -> Error {
    failed(error.into())
}
