//! The one way to change what runs: checked as a whole, written, told to the children; and if one refuses, all is as before.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use log::{info, warn};
use nix::errno::Errno;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::{
    running::{self, Checked, Running},
    shared::Shared,
    source::{Said, Source},
    tree::Kind,
};
use crate::{
    agent::{
        check,
        control::{
            self, Applied, CallError, CheckCall, Complaint, OperatorTable, Refused, SaveAnswer, SetAnswer, VrrpCall,
        },
        event::{Author, Event, Subject},
        vrrp,
    },
    ipvs::plan::{Extra, plan},
    model::Table,
    state::{agent_file::AgentFile, file, names::Resolver, print, store},
    sys::clock::now,
};

/// How long a child may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(12);

/// When it is tried again to save, after it failed.
const SAVE_AGAIN: Duration = Duration::from_secs(60);

/// How long another command may have the save file.
const PATIENCE: Duration = Duration::from_secs(5);

/// What comes of a change: what a person should know, or why there is none.
type Changed = Result<SetAnswer, Vec<Complaint>>;

/// Goes on with the lines of a save file, as somebody asks, if nobody changed what runs since `revision`.
///
/// # Errors
/// Somebody did, or all that is wrong; nothing is changed then.
pub(super) async fn set(shared: &Shared, revision: u64, text: String, by: &Author) -> Changed {
    let _writer = shared.writer.lock().await;
    let (latest, path) = {
        let core = shared.core.borrow();
        core.running.source.may_change()?;
        (core.running.revision, core.running.path.clone())
    };
    if latest != revision {
        let text = format!("somebody else changed what runs: it has revision {latest} now, not {revision}");
        return Err(vec![Complaint::new(text).hint("read it again, and change that")]);
    }
    let said = Said { text: text.into_bytes(), words: shared.core.borrow().running.words.clone() };
    let mut answer = replace(shared, said, path).await?;
    answer.warnings.extend(autosave_now(shared).await);
    let event = Event::now(agent(), "changed", "what the agent runs was changed").by(by);
    info!("{event}");
    shared.tell(&event);
    Ok(answer)
}

/// Reads the save file again, and goes on with that. Nobody is known to have asked for it if it was a signal.
///
/// # Errors
/// All that is wrong; nothing is changed then.
pub(super) async fn reload(shared: &Shared, by: Option<&Author>) -> Changed {
    let _writer = shared.writer.lock().await;
    let source = shared.core.borrow().running.source.clone();
    let file = source.path().to_owned();
    let keepalived = matches!(source, Source::Keepalived(_));
    // Looking at users and scripts may mean to ask somebody else.
    let read = spawn_blocking(move || Running::reread(&source)).await;
    let said = read.unwrap_or_else(|error| Err(vec![Complaint::new(error)]))?;
    let other_process = shared.core.borrow().running.words.vrrp != said.words.vrrp;
    let mut answer = replace(shared, said, file.clone()).await?;
    if other_process {
        let warning = "what the file says of the process of virtual routers (vrrp_priority and the like) holds when it starts again";
        answer.warnings.push(warning.to_owned());
    }
    let moved = shared.core.borrow().running.table_moved;
    if moved && !keepalived {
        answer.warnings.extend(put_table_back(shared, by).await?);
    }
    {
        let mut core = shared.core.borrow_mut();
        core.running.table_changed = false;
        core.running.table_moved = false;
    }
    let event = Event::now(agent(), "reloaded", format_args!("{} was read again", file.display()));
    let event = Event { by: by.cloned(), ..event };
    info!("{event}");
    shared.tell(&event);
    Ok(answer)
}

/// Makes the operator's table what the lines say: the check process did only what they differ in from those before, and
/// commands have changed the table since. Returns what was refused.
async fn put_table_back(shared: &Shared, by: Option<&Author>) -> Result<Vec<String>, Vec<Complaint>> {
    let lines: Vec<String> = shared.core.borrow().running.state.file.table_lines().map(str::to_owned).collect();
    // A file without a table says nothing about it.
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let Some(held) = table(shared).await? else { return Ok(Vec::new()) };
    let changes = spawn_blocking(move || {
        let read = |lines: &[String]| file::parse(lines.join("\n").as_bytes(), &Resolver::new()).map(|file| file.table);
        let (Ok(held), Ok(wanted)) = (read(&held), read(&lines)) else { return Vec::new() };
        let wanted = Table { timeouts: None, daemons: Vec::new(), ..wanted };
        plan(&held, &wanted, Extra::Delete).map(|change| print::change_line(&change)).collect::<Vec<_>>()
    });
    let changes = changes.await.unwrap_or_default();
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let applied: Applied = ask(shared, Kind::Check, "table.apply", json!({ "lines": changes }), by).await?;
    let said = |refused: &Refused| {
        let line = changes.get(refused.index).map_or("a line", String::as_str);
        format!("the table was not put back: {line}: {}", Errno::from_raw(refused.errno).desc())
    };
    Ok(applied.refused.iter().map(said).collect())
}

/// Writes what runs to the save file. `autosave`: whether that is done after each change from now on.
///
/// # Errors
/// The table is not to be had, or the file cannot be written; it is what it was then.
pub(super) async fn save(shared: &Shared, autosave: Option<bool>) -> Result<SaveAnswer, Vec<Complaint>> {
    let _writer = shared.writer.lock().await;
    {
        let running = &mut shared.core.borrow_mut().running;
        running.source.may_change()?;
        running.autosave = autosave.unwrap_or(running.autosave);
    }
    save_now(shared).await?;
    let core = shared.core.borrow();
    Ok(SaveAnswer { file: core.running.source.path().display().to_string(), autosave: core.running.autosave })
}

/// Writes what runs to the save file if that is to be done after each change, and nobody has done so since this one was made.
/// What is in the way is said, and it is tried again.
pub(super) async fn autosave(shared: &Shared) -> Vec<String> {
    let _writer = shared.writer.lock().await;
    autosave_now(shared).await
}

/// The same for the one who changes what runs.
async fn autosave_now(shared: &Shared) -> Vec<String> {
    {
        let core = shared.core.borrow();
        if !core.running.autosave || core.running.is_saved() {
            return Vec::new();
        }
    }
    let Err(complaints) = save_now(shared).await else { return Vec::new() };
    shared.core.borrow_mut().save_at = Some(now() + SAVE_AGAIN);
    shared.wake.notify_one();
    let said = |complaint: Complaint| format!("what was changed runs, and is not saved: {}", complaint.text);
    let warnings: Vec<String> = complaints.into_iter().map(said).collect();
    warnings.iter().for_each(|warning| warn!("{warning}; this is tried again"));
    warnings
}

async fn save_now(shared: &Shared) -> Result<(), Vec<Complaint>> {
    let (lines, path) = {
        let mut core = shared.core.borrow_mut();
        core.save_at = None;
        // What changes from here on is not saved yet.
        core.running.table_changed = false;
        (core.running.state.file.clone(), core.running.source.path().to_owned())
    };
    let saved = write_file(shared, lines, path).await;
    shared.core.borrow_mut().running.table_changed |= saved.is_err();
    saved
}

async fn write_file(shared: &Shared, mut lines: AgentFile, path: PathBuf) -> Result<(), Vec<Complaint>> {
    if let Some(table) = table(shared).await? {
        lines = lines.with_table(&table, &Resolver::new());
    }
    let named = path.display().to_string();
    let written = spawn_blocking(move || {
        make_parent(&path)?;
        let _lock = store::lock(&path, PATIENCE)?;
        let replace = if lines.holds_secrets() { store::replace_private } else { store::replace };
        replace(&path, lines.text().as_bytes())
    });
    let written = written.await.unwrap_or_else(|error| Err(io::Error::other(error)));
    written.map_err(|error| {
        let complaint = Complaint::new(format_args!("cannot write {named}: {error}"));
        vec![complaint.hint("the old file, if there was one, is unchanged")]
    })
}

/// The usual directory is missing on some distributions; what lies above it is there.
fn make_parent(path: &Path) -> io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()).map(fs::create_dir) {
        Some(Err(error)) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Returns the lines of the operator's table; nothing if nobody holds one.
async fn table(shared: &Shared) -> Result<Option<Vec<String>>, Vec<Complaint>> {
    if !shared.child(Kind::Check).wanted {
        return Ok(None);
    }
    shared.want(Kind::Check).await?;
    let OperatorTable { lines, .. } = ask(shared, Kind::Check, "table.get", json!({}), None).await?;
    Ok(Some(lines))
}

/// Goes on with other lines. Messages about them call them `named`.
async fn replace(shared: &Shared, said: Said, named: PathBuf) -> Changed {
    let Said { text, words } = said;
    let (old, path) = {
        let core = shared.core.borrow();
        (Arc::clone(&core.running.state), core.running.path.clone())
    };
    let before = Arc::clone(&old);
    let checked = spawn_blocking(move || Checked::read(&text, &named, Some(&before))).await;
    let new = checked.unwrap_or_else(|error| Err(vec![Complaint::new(error)]))?;
    running::write(&path, &new.file.text())?;
    if let Err(complaints) = shared.configure(&new.agent) {
        put_back(shared, &path, &old, [].iter()).await;
        return Err(complaints);
    }
    // A child that starts meanwhile goes by them.
    let old_words = std::mem::replace(&mut shared.core.borrow_mut().running.words, words);
    let mut warnings = Vec::new();
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        match carry_over(shared, kind, &path, &new).await {
            Ok(said) => warnings.extend(said),
            Err(complaints) => {
                shared.core.borrow_mut().running.words = old_words;
                put_back(shared, &path, &old, Kind::ALL.iter().take(at + 1)).await;
                return Err(complaints);
            }
        }
    }
    let revision = {
        let mut core = shared.core.borrow_mut();
        core.running.state = Arc::new(new);
        core.running.revision += 1;
        core.running.revision
    };
    Ok(SetAnswer { revision, warnings })
}

/// What was refused by one is taken back from those who took it.
async fn put_back(shared: &Shared, path: &Path, old: &Checked, kinds: impl Iterator<Item = &Kind>) {
    for result in [running::write(path, &old.file.text()), shared.configure(&old.agent)] {
        result.err().into_iter().flatten().for_each(|complaint| warn!("{}", complaint.text));
    }
    for kind in kinds {
        if let Err(complaints) = carry_over(shared, *kind, path, old).await {
            complaints.iter().for_each(|complaint| warn!("going back to what was: {}", complaint.text));
        }
    }
}

/// Sees that a child goes by these lines, which are in `RUN/state` already. Returns what a person should know.
async fn carry_over(shared: &Shared, kind: Kind, path: &Path, lines: &Checked) -> Result<Vec<String>, Vec<Complaint>> {
    let before = shared.child(kind);
    let texts = |complaints: Vec<Complaint>| complaints.into_iter().map(|complaint| complaint.text).collect();
    if !lines.needs(kind) && !before.runs() {
        shared.core.borrow_mut().tree.release(kind);
        return Ok(Vec::new());
    }
    if !before.runs() {
        return match shared.want(kind).await {
            // It was in trouble before, and these lines need not be to blame.
            Err(complaints) if before.wanted => Ok(texts(complaints)),
            result => {
                if result.is_err() {
                    shared.core.borrow_mut().tree.release(kind);
                }
                result.map(|()| Vec::new())
            }
        };
    }
    // One that is just starting may have read the lines before.
    shared.want(kind).await?;
    let flush_at_end = shared.core.borrow().running.words.flush_at_end();
    let (verb, params) = reload_call(kind, path, lines, flush_at_end);
    let told = match call::<Option<Vec<String>>>(shared, kind, &verb, params, None).await {
        Ok(warnings) => Ok(warnings.unwrap_or_default()),
        Err(CallError::Refused(complaints)) => Err(complaints),
        // It has ended meanwhile; the next one reads the lines.
        Err(CallError::NotRunning) => shared.want(kind).await.map(|()| Vec::new()),
        Err(CallError::Broken(why)) => {
            Ok(vec![format!("it is not known whether {} took the change over: {why}", kind.noun())])
        }
    };
    // A check process stays for the table that it holds.
    if kind == Kind::Vrrp && !lines.needs(kind) {
        shared.core.borrow_mut().tree.release(kind);
    }
    told
}

fn reload_call(kind: Kind, path: &Path, lines: &Checked, flush_at_end: Option<bool>) -> (String, Value) {
    let file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    match kind {
        Kind::Vrrp => {
            let lines = lines.file.vrrp_lines().map(|(number, line)| (number, line.to_owned())).collect();
            VrrpCall::Reload { file, lines }.parts()
        }
        Kind::Check => CheckCall::Reload { file, flush_at_end }.parts(),
    }
}

/// Asks a child, for somebody else if `by` says so.
pub(super) async fn call<A: DeserializeOwned>(
    shared: &Shared,
    kind: Kind,
    verb: &str,
    params: Value,
    by: Option<&Author>,
) -> Result<A, CallError> {
    let socket = match kind {
        Kind::Vrrp => vrrp::SOCKET,
        Kind::Check => check::control::SOCKET,
    };
    control::ask(&shared.options.run_dir.join(socket), verb, params, by.cloned(), ANSWER).await
}

/// The same, and words what is in the way.
pub(super) async fn ask<A: DeserializeOwned>(
    shared: &Shared,
    kind: Kind,
    verb: &str,
    params: Value,
    by: Option<&Author>,
) -> Result<A, Vec<Complaint>> {
    call(shared, kind, verb, params, by).await.map_err(|error| match error {
        CallError::Refused(complaints) => complaints,
        CallError::NotRunning => vec![shared.core.borrow().why_down(kind)],
        CallError::Broken(why) => vec![Complaint::new(format_args!("{} does not answer: {why}", kind.noun()))],
    })
}

fn agent() -> Subject {
    Subject::Process("agent".to_owned())
}
