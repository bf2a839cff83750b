//! The running state: the lines that this agent carries out, as they are now, and the file that keeps them while it lives.
//!
//! `RUN/state` is a save file like any other. The agent is its only writer; the children read it. It is there for as long as
//! the agent lives, so that one that was killed is followed by one that goes on with the same.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use log::warn;

use super::{
    Options,
    source::{self, Said, Source, Words},
    tree::Kind,
};
use crate::{
    agent::control::Complaint,
    state::{
        agent_file::{AgentFile, read_checks},
        check,
        file::Fault,
        names::Resolver,
        set, store,
        vrrp::{self, Disk},
    },
};

/// Its name in the run directory.
pub const STATE: &str = "state";

/// What the check process keeps there: the operator's table.
pub(super) const TABLE: &str = "table";

/// Lines without a fault.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked {
    pub(super) file: AgentFile,
    /// What they say about the agent itself.
    pub(super) agent: set::Settings,
    /// Whether there are virtual routers or BFD sessions.
    vrrp: bool,
    /// Whether there are checks, or a table.
    check: bool,
    /// The lines about checks; those that stand there again need not be read again.
    checks: check::Lines,
}

impl Checked {
    /// Reads and checks the lines of a save file, which messages call `named`, after others. May wait for look-ups of names.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(super) fn read(text: &[u8], named: &Path, before: Option<&Self>) -> Result<Self, Vec<Complaint>> {
        let placed = |fault: Fault| {
            let text = format!("{}:{}:{}: {}", named.display(), fault.line, fault.column, fault.message);
            Complaint { text, hint: fault.hint }
        };
        let file = AgentFile::new(text).map_err(|fault| vec![placed(fault)])?;
        let routers = file.vrrp(&Disk);
        let has_statics = routers.as_ref().is_ok_and(|parsed| !parsed.settings.statics.is_empty());
        let mut faults = routers.err().unwrap_or_default();
        let (checks, _) =
            read_checks(text, &Resolver::new(), before.map(|before| &before.checks)).unwrap_or_else(|found| {
                faults.extend(found);
                Default::default()
            });
        let agent = file.agent().unwrap_or_else(|found| {
            faults.extend(found);
            set::Settings::default()
        });
        faults.sort_by_key(|fault| (fault.line, fault.column));
        // What is wrong with the words of a line is found by everybody who reads it.
        faults.dedup_by_key(|fault| (fault.line, fault.column));
        if !faults.is_empty() {
            return Err(faults.into_iter().map(placed).collect());
        }
        let has = |kind| !file.names(kind).is_empty();
        let vrrp = has(vrrp::Kind::Instance) || has(vrrp::Kind::Session) || has_statics;
        let check = file.check_lines().next().is_some() || file.table_lines().next().is_some();
        Ok(Self { file, agent, vrrp, check, checks })
    }

    /// Whether a child has something to do.
    pub(super) fn needs(&self, kind: Kind) -> bool {
        match kind {
            Kind::Vrrp => self.vrrp,
            Kind::Check => self.check,
        }
    }
}

/// The lines that an agent carries out.
#[derive(Debug)]
pub(super) struct Running {
    /// `RUN/state`.
    pub(super) path: PathBuf,
    /// Where its lines are from.
    pub(super) source: Source,
    /// Another number after each change; those of an agent before this one are lower.
    pub(super) revision: u64,
    pub(super) state: Arc<Checked>,
    /// What a keepalived.conf says of the processes.
    pub(super) words: Words,
    /// Whether the table was changed since it was last read or saved.
    pub(super) table_changed: bool,
    /// Whether the operator's table may be another one than the lines say.
    pub(super) table_moved: bool,
    /// Whether each change is saved.
    pub(super) autosave: bool,
}

impl Running {
    /// Begins with what an agent that was killed has left in `run_dir`, unless `fresh`; else with the save file, which may
    /// be missing. A keepalived.conf goes before what was left, which only tells that somebody was killed, unless it has
    /// faults. Returns it, and whether it goes on. Nothing is written yet.
    ///
    /// # Errors
    /// What cannot be read, or all that is wrong with it.
    pub(super) fn begin(options: &Options) -> Result<(Self, bool), Vec<Complaint>> {
        let Options { run_dir, source, fresh, .. } = options;
        let path = run_dir.join(STATE);
        let left = if *fresh { None } else { source::read(&path)? };
        let resume = left.is_some();
        let source = source.clone();
        let file = source.path();
        let said = match (&source, &left) {
            (Source::Saved(_), Some(_)) => Said::default(),
            (Source::Keepalived(_), Some(_)) => {
                source.read().map(Option::unwrap_or_default).unwrap_or_else(|complaints| {
                    complaints.iter().for_each(|complaint| warn!("{}", complaint.text));
                    warn!("it goes on with what ran before");
                    Said::default()
                })
            }
            (_, None) => source.read()?.unwrap_or_default(),
        };
        let Said { text, words } = said;
        let state = match left.filter(|_| text.is_empty()) {
            Some(text) => Checked::read(&text, &path, None).map_err(|mut complaints| {
                let hint =
                    format!("this is left from an agent that was killed; --fresh begins with {}", file.display());
                complaints.push(Complaint::new("cannot go on where it was").hint(hint));
                complaints
            })?,
            None => Checked::read(&text, file, None)?,
        };
        let state = Arc::new(state);
        let revision = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let revision = u64::try_from(revision).unwrap_or_default();
        let running =
            Self { path, source, revision, state, words, table_changed: false, table_moved: resume, autosave: false };
        Ok((running, resume))
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn reread(source: &Source) -> Result<Said, Vec<Complaint>> {
        source.read()?.ok_or_else(|| {
            let complaint = Complaint::new(format_args!("there is no save file {}", source.path().display()));
            vec![complaint.hint("`lvsadm save --all` writes it; what runs goes on")]
        })
    }

    /// Whether the save file says what runs.
    pub(super) fn is_saved(&self) -> bool {
        if self.table_changed {
            return false;
        }
        let Source::Saved(file) = &self.source else { return true };
        let content = fs::read(file).unwrap_or_default();
        AgentFile::new(&content).is_ok_and(|file| file.other_lines().eq(self.state.file.other_lines()))
    }
}

/// Writes lines to `RUN/state`, for nobody else to read.
///
/// # Errors
/// They cannot be written; what was there stays.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Vec<Complaint>> {
    store::replace_private(path, text.as_bytes()).map_err(|error| {
        let complaint = Complaint::new(format_args!("cannot write {}: {error}", path.display()));
        vec![complaint.hint("nothing is changed")]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VRRP: &str = "vrrp add A --interface eth0 --vrid 1 --address 10.0.0.1\n";

    #[test]
    fn what_is_needed_goes_by_the_lines() {
        let needs = |text: &str| {
            let checked = Checked::read(text.as_bytes(), Path::new("f"), None).unwrap();
            Kind::ALL.map(|kind| checked.needs(kind))
        };
        assert_eq!(needs("# nothing\n"), [false, false]);
        assert_eq!(needs(VRRP), [true, false]);
        assert_eq!(needs("vrrp set --startup-delay 2s\n-A -f 1\n"), [false, true]);
        assert_eq!(needs("check add -t 10.0.0.1:80 tcp\n"), [false, true]);
    }

    #[test]
    fn every_fault_is_reported_once() {
        let text = "vrrp add A --vrid 0\n-A -t nonsense\ncheck add -t 10.0.0.1:80 tpc\nvrpr\nvrrp add 'B\n";
        let complaints = Checked::read(text.as_bytes(), Path::new("/f"), None).unwrap_err();
        for line in 1..=5 {
            assert!(complaints.iter().any(|each| each.text.starts_with(&format!("/f:{line}:"))), "{complaints:#?}");
        }
        let mut texts: Vec<_> = complaints.iter().map(|complaint| &complaint.text).collect();
        texts.dedup();
        assert_eq!(texts.len(), complaints.len(), "{complaints:#?}");
    }

    #[test]
    fn a_killed_agent_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let begin = |fresh| {
            let source = Source::Saved(file.clone());
            Running::begin(&Options { fresh, ..Options::new(directory.path().to_owned(), source) })
        };
        let (running, resume) = begin(false).unwrap();
        assert!(!resume && running.is_saved() && !running.state.needs(Kind::Vrrp), "no file is an empty one");
        fs::write(&file, VRRP).unwrap();
        assert!(!running.is_saved());
        let (running, resume) = begin(false).unwrap();
        assert!(!resume && running.state.needs(Kind::Vrrp) && running.is_saved());
        write(&running.path, &(VRRP.to_owned() + "-A -f 1\n")).unwrap();
        let (running, resume) = begin(false).unwrap();
        assert!(resume && running.state.needs(Kind::Check) && running.is_saved());
        assert!(!begin(true).unwrap().1);
        write(&running.path, "nonsense\n").unwrap();
        assert_eq!(begin(false).unwrap_err().len(), 2);
    }
}
