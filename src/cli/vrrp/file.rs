//! The save file under a command: read, changed by one command at a time, and what runs is told.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::Target;
use crate::{
    agent::{
        bfd,
        control::{self, CallError, VrrpCall},
    },
    cli::{
        Complaint, Error, Ui,
        agent::{
            ask::{LIMIT, refused},
            state,
        },
        source::{Source, reason},
    },
    state::{
        agent_file::AgentFile,
        file::Fault,
        store,
        vrrp::{Disk, Kind, Parsed},
    },
};

/// How long another command may have the file: longer than it waits for a process.
const PATIENCE: Duration = Duration::from_secs(15);

/// A save file as it was read.
pub(in crate::cli) struct Saved {
    pub(in crate::cli) path: PathBuf,
    pub(in crate::cli) file: AgentFile,
    /// Its content; nothing if it is not there.
    content: Option<Vec<u8>>,
}

impl Saved {
    /// Reads a save file; one that is not there has no lines.
    pub(in crate::cli) fn read(path: &Path) -> Result<Self, Error> {
        let content = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            _ => Some(Source::File(path.to_owned()).read()?),
        };
        let file = AgentFile::new(content.as_deref().unwrap_or_default())
            .map_err(|fault| Error::all_failed(vec![placed(path, fault)]))?;
        Ok(Self { path: path.to_owned(), file, content })
    }

    /// Returns what the agent runs, or the save file if there is no agent, or a file was named.
    pub(in crate::cli) fn of(target: &Target) -> Result<Self, Error> {
        match state::running(target)? {
            Some(saved) => Ok(saved),
            None => Self::read(&target.state()),
        }
    }

    /// Takes what an agent runs for a save file.
    pub(in crate::cli) fn running(path: PathBuf, text: &str) -> Result<Self, Error> {
        let file = AgentFile::new(text.as_bytes()).map_err(|fault| Error::all_failed(vec![placed(&path, fault)]))?;
        Ok(Self { path, file, content: Some(text.as_bytes().to_vec()) })
    }

    pub(in crate::cli) fn is_there(&self) -> bool {
        self.content.is_some()
    }

    /// Reads what its lines say.
    pub(in crate::cli) fn parse(&self) -> Result<Parsed, Error> {
        let complaints = |faults: Vec<Fault>| faults.into_iter().map(|fault| placed(&self.path, fault)).collect();
        self.file.vrrp(&Disk).map_err(|faults| Error::all_failed(complaints(faults)))
    }

    /// As [`Self::parse`]; warnings are said.
    pub(in crate::cli) fn check(&self, ui: &mut Ui) -> Result<Parsed, Error> {
        let path = &self.path;
        let parsed = self.parse()?;
        for note in &parsed.notes {
            ui.warn(placed(path, note.clone()).text);
        }
        let readable = || fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
        if self.file.holds_secrets() && readable() {
            ui.warn(format_args!("{} holds a secret, and others may read it", path.display()));
            ui.hint(format_args!("chmod 600 {}; or --secret-file", path.display()));
        }
        Ok(parsed)
    }

    /// Checks what its lines say after a change of `before`. `own` is the line of this command, whose faults need no
    /// place; warnings are said of that line only.
    fn check_change(&self, before: &AgentFile, own: Option<usize>, ui: &mut Ui) -> Result<(), Error> {
        let faults = match self.file.vrrp(&Disk) {
            Ok(parsed) => {
                self.check_neighbour(&parsed, own)?;
                parsed.notes.iter().filter(|note| Some(note.line) == own).for_each(|note| ui.warn(&note.message));
                return Ok(());
            }
            Err(faults) => faults,
        };
        let of_command = faults.iter().any(|fault| Some(fault.line) == own);
        let complaints = faults.into_iter().map(|fault| match fault {
            Fault { line, message, hint, .. } if Some(line) == own => Complaint { text: message, hint },
            // Whoever looks for it finds the file as it was.
            fault => placed(&self.path, Fault { line: before.number_before(&self.file, fault.line), ..fault }),
        });
        let complaints = complaints.collect();
        Err(if of_command { Error::usage(complaints) } else { Error::all_failed(complaints) })
    }

    /// Says that the neighbour of a session of this command is ourselves. Sessions of other lines are judged where they run:
    /// the file may be for several hosts.
    fn check_neighbour(&self, parsed: &Parsed, own: Option<usize>) -> Result<(), Error> {
        let Some(own) = own.and_then(|own| self.file.subject(own)).filter(|own| own.kind == Kind::Session) else {
            return Ok(());
        };
        let sessions: Vec<_> = parsed.settings.sessions.iter().filter(|each| each.name == own.name).cloned().collect();
        let mut complaints = Vec::new();
        bfd::check(&sessions, false, &mut complaints).map_err(refused)?;
        if complaints.is_empty() { Ok(()) } else { Err(refused(complaints)) }
    }
}

/// Changes what the agent runs by `edit`, which returns the line that is this command's own; without an agent, the save
/// file. All of it is checked; then it is written; then the process that runs it, if one does, is told. If that refuses,
/// all is what it was.
pub(super) fn change(
    target: &Target,
    ui: &mut Ui,
    edit: impl Fn(&mut AgentFile, &mut Ui) -> Result<Option<usize>, Error>,
) -> Result<(), Error> {
    let edit = |saved: &mut Saved, ui: &mut Ui| {
        let before = saved.file.clone();
        let own = edit(&mut saved.file, ui)?;
        saved.check_change(&before, own, ui)?;
        Ok(saved.file != before)
    };
    if state::change(target, ui, |saved, ui| edit(saved, ui).map(drop))? {
        return Ok(());
    }
    let path = target.state();
    let _lock = lock(&path)?;
    let mut saved = Saved::read(&path)?;
    if edit(&mut saved, ui)? {
        write(&saved)?;
    }
    tell(target, &saved, ui).inspect_err(|_| put_back(&saved, ui))
}

pub(in crate::cli) fn lock(path: &Path) -> Result<store::Lock, Error> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let made = match parent {
        // The usual directory is missing on some distributions; what lies above it is there.
        Some(parent) => fs::create_dir(parent).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        }),
        None => Ok(()),
    };
    made.and_then(|()| store::lock(path, PATIENCE)).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => Error::failed(format_args!(
            "cannot change {}: another lvsadm has been changing it for {PATIENCE:?}",
            path.display()
        ))
        .hint("see what it waits for: ps -C lvsadm"),
        _ => Error::failed(format_args!("cannot change {}: {}", path.display(), reason(&error))),
    })
}

pub(in crate::cli) fn write(saved: &Saved) -> Result<(), Error> {
    let text = saved.file.text();
    let replace = if saved.file.holds_secrets() { store::replace_private } else { store::replace };
    replace(&saved.path, text.as_bytes()).map_err(|error| {
        Error::failed(format_args!("cannot write {}: {}", saved.path.display(), reason(&error)))
            .hint("the old file, if there was one, is unchanged")
    })
}

/// Tells the running process what the file says now.
fn tell(target: &Target, saved: &Saved, ui: &mut Ui) -> Result<(), Error> {
    // The process may have been started with another name for the same file.
    let file = fs::canonicalize(&saved.path).unwrap_or_else(|_| saved.path.clone());
    let lines = saved.file.vrrp_lines().map(|(number, line)| (number, line.to_owned())).collect();
    let (verb, params) = VrrpCall::Reload { file: file.display().to_string(), lines }.parts();
    match control::call(&target.socket(), &verb, params, LIMIT) {
        Ok(()) | Err(CallError::NotRunning) => Ok(()),
        Err(CallError::Refused(complaints)) => Err(refused(complaints)),
        Err(CallError::Broken(why)) => {
            ui.warn(format_args!(
                "{} is changed, but it is not known whether the running process took it over: {why}",
                saved.path.display()
            ));
            Ok(())
        }
    }
}

/// Makes the file what it was before; somebody is told why already.
pub(in crate::cli) fn put_back(saved: &Saved, ui: &mut Ui) {
    let restored = match &saved.content {
        Some(content) => store::replace(&saved.path, content),
        None => fs::remove_file(&saved.path),
    };
    match restored {
        Ok(()) => ui.note(format_args!("{} is what it was", saved.path.display())),
        Err(error) => ui.warn(format_args!(
            "{} holds what the process refused, and cannot be put back: {}",
            saved.path.display(),
            reason(&error)
        )),
    }
}

pub(in crate::cli) fn placed(path: &Path, fault: Fault) -> Complaint {
    let Fault { line, column, message, hint } = fault;
    Complaint { text: format!("{}:{line}:{column}: {message}", path.display()), hint }
}
