//! Where the lines come from that an agent carries out: a save file, or a keepalived.conf, of which the lines of a save file
//! are made. So there is one way to run either, and what is converted does the same as what runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use log::warn;

use crate::{
    agent::control::Complaint,
    config::{
        Environment,
        build::{AtStop, Global, Preference},
        convert::save_file,
        load::{self, Loaded, Machine},
        tree::{Finding, Level},
    },
};

/// Where the lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A save file.
    Saved(PathBuf),
    /// A keepalived.conf: nobody else changes what runs.
    Keepalived(PathBuf),
}

/// What a source says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Lines of a save file.
    pub(super) text: Vec<u8>,
    /// What lines cannot say.
    pub(super) words: Words,
}

/// Options of processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Those of the VRRP process.
    pub(super) vrrp: Vec<String>,
    /// Those of the check process.
    pub(super) check: Vec<String>,
}

impl Words {
    /// Whether the kernel's table is emptied at the end; `None` = that is not for the file to say.
    pub(super) fn flush_at_end(&self) -> Option<bool> {
        let said = |word: &str| self.check.iter().any(|each| each == word);
        said(WHOLE_FILE).then(|| said(FLUSH_AT_END))
    }
}

const WHOLE_FILE: &str = "--whole-file";
const FLUSH_AT_END: &str = "--at-end=flush";

impl Source {
    /// Returns its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Saved(path) | Self::Keepalived(path) => path,
        }
    }

    /// Whether commands may change what runs.
    pub(super) fn may_change(&self) -> Result<(), Vec<Complaint>> {
        let Self::Keepalived(path) = self else { return Ok(()) };
        let complaint = Complaint::new(format_args!("the agent runs what {} says", path.display()));
        let hint = "change that file, and `lvsadm agent reload`; or make a save file of it with `lvsadm config convert`, and \
                    run that";
        Err(vec![complaint.hint(hint)])
    }

    /// Reads it; nothing if there is no save file.
    ///
    /// # Errors
    /// It cannot be read. All that is wrong with a keepalived.conf; faults of a save file are for whoever reads its lines.
    pub(super) fn read(&self) -> Result<Option<Said>, Vec<Complaint>> {
        match self {
            Self::Saved(path) => {
                let text = read(path)?;
                Ok(text.map(|text| Said { text, ..Said::default() }))
            }
            Self::Keepalived(path) => keepalived(path).map(Some),
        }
    }
}

/// Reads a file; nothing if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Vec<Complaint>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(vec![Complaint::new(format_args!("cannot read {}: {error}", path.display()))]),
    }
}

fn keepalived(path: &Path) -> Result<Said, Vec<Complaint>> {
    let mut loaded = load::load(path, &Environment::of_host(), Machine::This);
    if !loaded.is_sound() {
        let errors = loaded.findings.iter().filter(|finding| finding.level == Level::Error);
        return Err(errors.map(complaint).collect());
    }
    loaded.findings.iter().for_each(|finding| warn!("{}", load::line(finding)));
    wait_after_boot(&mut loaded);
    let global = &loaded.built.configuration.global;
    Ok(Said {
        text: save_file(path, &loaded).into_bytes(),
        words: Words { vrrp: preference(&global.vrrp), check: check_words(global) },
    })
}

fn complaint(finding: &Finding) -> Complaint {
    let complaint = Complaint::new(load::line(finding));
    match &finding.hint {
        Some(hint) => complaint.hint(hint),
        None => complaint,
    }
}

/// `vrrp_delay_after_boot` is a delay of elections for what is left of it.
fn wait_after_boot(loaded: &mut Loaded) {
    let configuration = &mut loaded.built.configuration;
    if configuration.global.delay_after_boot.is_zero() {
        return;
    }
    let uptime = crate::sys::clock::now().since_start();
    let left = configuration.global.delay_after_boot.saturating_sub(uptime);
    // Lines of a save file have whole milliseconds there.
    let left = Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or_default());
    configuration.vrrp.startup_delay = configuration.vrrp.startup_delay.max(left);
}

fn preference(preference: &Preference) -> Vec<String> {
    let priority = preference.real_time.map(|value| format!("--rt-priority={value}"));
    let nice = preference.nice.map(|value| format!("--nice={value}"));
    let lock = preference.lock_memory.then(|| "--no-swap".to_owned());
    let cpus = preference.cpus.iter().map(|cpu| format!("--cpu={cpu}"));
    priority.into_iter().chain(nice).chain(lock).chain(cpus).collect()
}

/// keepalived's rules for the table: it holds the file's services as the file has them, and they go when it ends.
fn check_words(global: &Global) -> Vec<String> {
    let mut words = vec!["--foreign=restore".to_owned(), WHOLE_FILE.to_owned()];
    if global.flush {
        words.push("--flush-at-start".to_owned());
    }
    words.push(match global.at_stop {
        AtStop::Remove => "--at-end=remove".to_owned(),
        AtStop::Flush => FLUSH_AT_END.to_owned(),
    });
    words
}

/// Adds options that are not there yet: what somebody typed goes before what a file says.
pub(super) fn add_words(words: &mut Vec<String>, more: &[String]) {
    let name = |word: &str| word.split('=').next().unwrap_or_default().to_owned();
    let typed: Vec<String> = words.iter().map(|word| name(word)).collect();
    words.extend(more.iter().filter(|word| !typed.contains(&name(word))).cloned());
}
