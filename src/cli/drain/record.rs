//! Drains without an agent: weights in the kernel's table, and a file that remembers what they were.
//!
//! The file is written before the table is changed, so that no weight is ever lost; what the kernel refuses is taken back in both.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

use super::{
    choose::Chosen,
    wait::{Drained, State},
};
use crate::{
    cli::{
        Error, Ui, kernel,
        source::reason,
        vrrp::{Target, file::lock},
    },
    host::namespace,
    ipvs::Client,
    model::{Change, RealServer, ServiceKey, Snapshot, Table, Weight},
    pool::ramp,
    state::{
        agent_file::SYSTEM_FILE,
        drains::{Drain, Drains, Member, Start},
        store,
    },
};

/// Returns the file for the table of this network namespace: beside the save file; in the run directory in namespaces other
/// than the machine's first, where no save file is named, because those do not outlive the machine.
pub(in crate::cli) fn path(target: &Target) -> PathBuf {
    let (state, run_dir) = (target.state(), target.run_dir());
    if state == Path::new(SYSTEM_FILE) && run_dir != namespace::first_run_dir() {
        return run_dir.join("drains");
    }
    Drains::beside(&state)
}

/// Reads the file.
pub(in crate::cli) fn read(path: &Path) -> Result<Drains, Error> {
    Drains::read(path).map_err(|error| {
        Error::failed(format_args!("cannot read {}: {}", path.display(), reason(&error)))
            .hint("it says which servers are drained and what weight they had; without it nothing is known of that")
    })
}

fn locked(path: &Path) -> Result<store::Lock, Error> {
    // The run directory is made by who needs it first; the other one is the system's.
    if let Some(parent) = path.parent().filter(|parent| parent.starts_with(namespace::first_run_dir())) {
        fs::create_dir_all(parent).map_err(|error| {
            Error::failed(format_args!("cannot make the directory {}: {}", parent.display(), reason(&error)))
        })?;
    }
    lock(path)
}

fn write(list: &Drains, path: &Path) -> Result<(), Error> {
    list.write(path).map_err(|error| {
        Error::failed(format_args!("cannot write {}: {}", path.display(), reason(&error)))
            .hint("the weights of drained servers are kept there; --state names another place: FILE.drains")
    })
}

/// A server that drains.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// Which.
    pub(super) chosen: Chosen,
    /// The weight that it had; `None` where that is not known here.
    pub(super) weight: Option<u32>,
    /// Who drains it.
    pub(super) owner: String,
    /// Whether this command began it.
    pub(super) ours: bool,
}

/// Takes the weight of the chosen servers away and notes what it was. Those that drain already stay as they are.
///
/// # Errors
/// The file cannot be read or written, or the kernel refuses; nothing is changed then.
pub(super) fn begin(
    path: &Path,
    client: &mut Client,
    choose: impl FnOnce(&Table) -> Result<Vec<Chosen>, Error>,
    owner: &str,
    ui: &mut Ui,
) -> Result<Vec<Begun>, Error> {
    let _lock = locked(path)?;
    let before = read(path)?;
    let found = client.snapshot()?.table();
    let mut list = before.clone();
    let (table, mut changes) = mend(&mut list, &found);
    let chosen = choose(&table)?;
    let mut begun = Vec::new();
    for chosen in chosen {
        let member = chosen.member();
        if let Some(drain) = list.drain(&member) {
            let weight = (drain.weight > 0).then_some(drain.weight);
            super::say_already(&chosen, since(drain.since), &drain.owner, ui);
            begun.push(Begun { weight, owner: drain.owner.clone(), ours: false, chosen });
            continue;
        }
        // A slow start that goes on has given it a part of its weight only.
        let target = list.starts.iter().find(|start| start.member == member).map(|start| start.weight);
        let weight = target.unwrap_or_else(|| chosen.server.weight.value());
        if weight == 0 {
            super::say_idle(&chosen, ui);
        }
        let drain = Drain { member, weight, owner: owner.to_owned(), since: now(), pid: process::id() };
        list.drains.push(drain);
        changes.push(reweighted(chosen.service.key, &chosen.server, Weight::ZERO));
        begun.push(Begun { weight: (weight > 0).then_some(weight), owner: owner.to_owned(), ours: true, chosen });
    }
    if list != before {
        write(&list, path)?;
    }
    carry_out(client, &found, &changes).inspect_err(|_| {
        let _ = before.write(path);
    })?;
    Ok(begun)
}

/// Returns those of the chosen servers that are drained.
///
/// # Errors
/// The file cannot be read, and what `choose` says.
pub(super) fn drained(
    path: &Path,
    snapshot: &Snapshot,
    choose: impl FnOnce(&Table) -> Result<Vec<Chosen>, Error>,
) -> Result<Vec<Drained>, Error> {
    let list = read(path)?;
    let chosen = choose(&snapshot.table())?.into_iter().filter(|each| each.server.weight == Weight::ZERO);
    let found = chosen.filter_map(|chosen| {
        let drain = list.drain(&chosen.member())?;
        let service = snapshot.services.iter().find(|each| each.service.key == chosen.service.key)?;
        let server = service.servers.iter().find(|each| each.server.key == chosen.server.key)?;
        let left = server.status.active > 0 || server.status.inactive > 0;
        Some(Drained {
            weight: (drain.weight > 0).then_some(drain.weight),
            owner: drain.owner.clone(),
            ours: false,
            since: Some(drain.since),
            state: if left { State::Draining } else { State::Emptied },
            status: server.status,
            chosen,
        })
    });
    Ok(found.collect())
}

/// What is to become of a drained server.
pub(in crate::cli) struct Back {
    /// Which.
    pub(in crate::cli) chosen: Chosen,
    /// The weight that it gets.
    pub(in crate::cli) weight: Weight,
}

/// Gives servers their weight back and takes them off the list. `target` says what weight a chosen server gets, from what is noted
/// of it; `None` passes it over. With `slowly`, they begin with little of it, and the caller goes on with [`Start`]s.
///
/// # Errors
/// As for [`begin`], and what `target` says.
pub(in crate::cli) fn end(
    path: &Path,
    client: &mut Client,
    choose: impl FnOnce(&Table, &Drains) -> Result<Vec<Back>, Error>,
    slowly: Option<&str>,
) -> Result<(Vec<Back>, Vec<Start>), Error> {
    let _lock = locked(path)?;
    let before = read(path)?;
    let found = client.snapshot()?.table();
    let mut list = before.clone();
    let (table, mut changes) = mend(&mut list, &found);
    let mut back = choose(&table, &list)?;
    let mut starts = Vec::new();
    for each in &back {
        list.take(&each.chosen.member());
    }
    if let Some(owner) = slowly {
        let keys: Vec<ServiceKey> = back.iter().map(|each| each.chosen.service.key).collect();
        for (at, key) in keys.iter().enumerate() {
            if keys.iter().position(|other| other == key) != Some(at) {
                continue;
            }
            let members: Vec<&Back> = back.iter().filter(|each| each.chosen.service.key == *key).collect();
            if let Some(entry) = table.services.get(key)
                && ramp::weights_are_shares(entry.service.scheduler.as_str())
            {
                let others: Vec<RealServer> = entry
                    .servers
                    .values()
                    .filter(|server| !members.iter().any(|each| each.chosen.server.key == server.key))
                    .copied()
                    .collect();
                let growing = members.iter().map(|each| each.weight);
                let factor = ramp::factor(growing, others.iter().map(|server| server.weight));
                changes.extend(
                    others.iter().map(|server| reweighted(*key, server, ramp::multiplied(server.weight, factor))),
                );
                let noted: Vec<_> =
                    others.iter().map(|server| (server.key.to_string(), server.weight.value())).collect();
                starts.extend(members.iter().map(|each| Start {
                    member: each.chosen.member(),
                    weight: each.weight.value(),
                    owner: owner.to_owned(),
                    pid: process::id(),
                    factor,
                    others: noted.clone(),
                }));
            }
        }
    }
    for each in &mut back {
        let member = each.chosen.member();
        let weight = if starts.iter().any(|start| start.member == member) { Weight::default() } else { each.weight };
        changes.push(reweighted(each.chosen.service.key, &each.chosen.server, weight));
    }
    list.starts.extend(starts.iter().cloned());
    // Between the two a drain is noted that is over: the kernel's table tells that. The other way round a weight could be lost.
    let mut noted = list.clone();
    noted.drains.clone_from(&before.drains);
    write(&noted, path)?;
    carry_out(client, &found, &changes).inspect_err(|_| {
        let _ = before.write(path);
    })?;
    write(&list, path)?;
    Ok((back, starts))
}

/// Takes what is over off the list: drains of servers that were deleted or that somebody gave a weight, and slow starts of this
/// process.
pub(in crate::cli) fn forget(path: &Path, members: &[Member]) -> Result<(), Error> {
    let _lock = locked(path)?;
    let before = read(path)?;
    let mut list = before.clone();
    list.drains.retain(|drain| !members.contains(&drain.member));
    list.starts.retain(|start| !members.contains(&start.member) || start.pid != process::id());
    if list == before { Ok(()) } else { write(&list, path) }
}

/// Drops what the kernel's table does not bear out. Returns the changes that end slow starts whose process is gone, and the table
/// with them.
fn mend(list: &mut Drains, table: &Table) -> (Table, Vec<Change>) {
    let servers = || {
        table.services.values().flat_map(|entry| {
            entry
                .servers
                .values()
                .map(|server| (entry.service.key, server, Member::new(&entry.service.key, &server.key)))
        })
    };
    let drained =
        |member: &Member| servers().any(|(_, server, known)| known == *member && server.weight == Weight::ZERO);
    list.drains.retain(|drain| drained(&drain.member));
    let (alive, dead): (Vec<_>, Vec<_>) = list.starts.drain(..).partition(|start| is_alive(start.pid));
    list.starts = alive;
    let mut changes = Vec::new();
    for start in dead {
        for (key, server, member) in servers().filter(|(_, _, member)| member.service == start.member.service) {
            let is_started = member == start.member && server.weight > Weight::ZERO;
            let noted = start.others.iter().find(|(name, _)| *name == member.server).and_then(|(_, w)| Weight::new(*w));
            let multiplied = |weight: &Weight| ramp::multiplied(*weight, start.factor) == server.weight;
            let wanted = if is_started { Weight::new(start.weight) } else { noted.filter(multiplied) };
            changes.extend(wanted.filter(|weight| *weight != server.weight).map(|to| reweighted(key, server, to)));
        }
    }
    let mut mended = table.clone();
    for change in &changes {
        // Each is about a server that was just seen in it.
        let _ = mended.apply(change);
    }
    (mended, changes)
}

/// Returns what gives a server another weight and leaves the rest as it is.
pub(in crate::cli) fn reweighted(service: ServiceKey, server: &RealServer, weight: Weight) -> Change {
    Change::EditServer(service, RealServer { weight, ..*server })
}

/// Makes all changes of weights; if one is refused, those that were made are taken back.
fn carry_out(client: &mut Client, table: &Table, changes: &[Change]) -> Result<(), Error> {
    kernel::apply(client, changes).inspect_err(|_| {
        let was = changes.iter().filter_map(|change| match change {
            Change::EditServer(key, server) => {
                table.services.get(key)?.servers.get(&server.key).map(|old| Change::EditServer(*key, *old))
            }
            _ => None,
        });
        // What was refused is refused again; the first answer is the one to report.
        let _ = client.apply(&was.collect::<Vec<_>>());
    })
}

fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).unwrap_or(0);
    pid > 0 && !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Returns how long ago that was, for people.
pub(in crate::cli) fn since(then: u64) -> impl Display {
    crate::cli::render::duration(now().saturating_sub(then))
}
