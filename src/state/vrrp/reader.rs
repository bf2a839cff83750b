//! The options of one line, asked for by name; faults get the place of their option.

use super::{
    option::Given,
    track::{self, Draft, Tracked},
    values::{Reading, Wrong, command},
};
use crate::{state::file::Fault, vrrp::settings::Notify};

/// One line's options, and what was found wrong with them.
pub(in crate::state) struct Reader<'a> {
    /// What the line is about, as messages call it.
    pub(in crate::state) subject: String,
    /// Number of the line, from 1.
    pub(in crate::state) line: usize,
    /// Column of the name, from 1.
    pub(in crate::state) column: usize,
    given: &'a [Given],
    /// Options whose words cannot be read.
    broken: Vec<&'static str>,
    pub(in crate::state) faults: Vec<Fault>,
    pub(in crate::state) notes: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(in crate::state) fn new(subject: String, line: usize, column: usize, given: &'a [Given]) -> Self {
        Self { subject, line, column, given, broken: Vec::new(), faults: Vec::new(), notes: Vec::new() }
    }

    /// Returns the option if it was given.
    pub(in crate::state) fn says(&self, option: &str) -> Option<&'a Given> {
        self.given.iter().find(|given| given.option.name == option)
    }

    /// Whether a flag was given.
    pub(in crate::state) fn flag(&self, option: &str) -> bool {
        self.says(option).is_some()
    }

    /// Reads the value of an option, if it was given and can be read.
    pub(in crate::state) fn one<T>(&mut self, option: &str, read: impl Fn(&str) -> Reading<T>) -> Option<T> {
        self.all(option, read).into_iter().next().map(|(_, value)| value)
    }

    /// Reads the values of an option that may be repeated.
    pub(in crate::state) fn all<T>(&mut self, option: &str, read: impl Fn(&str) -> Reading<T>) -> Vec<(&'a Given, T)> {
        let mut values = Vec::new();
        for given in self.given.iter().filter(|given| given.option.name == option) {
            match read(given.value.as_deref().unwrap_or_default()) {
                Ok(value) => values.push((given, value)),
                Err(wrong) => {
                    self.broken.push(given.option.name);
                    self.faults.push(placed(given, self.line, self.column, wrong));
                }
            }
        }
        values
    }

    /// As [`Self::all`], the values only.
    pub(in crate::state) fn values<T>(&mut self, option: &str, read: impl Fn(&str) -> Reading<T>) -> Vec<T> {
        self.all(option, read).into_iter().map(|(_, value)| value).collect()
    }

    /// Whether an option was given and all its words can be read.
    pub(in crate::state) fn is_sound(&self, option: &str) -> bool {
        self.flag(option) && !self.broken.contains(&option)
    }

    /// Says that an option must be there.
    pub(in crate::state) fn need(&mut self, option: &str, why: &str) {
        if self.says(option).is_none() {
            self.refuse("", Wrong::new(format_args!("--{option} is missing")).hint(why));
        }
    }

    /// Says that an option has no use.
    pub(in crate::state) fn useless(&mut self, options: &[&str], why: &str) {
        for option in options {
            if self.says(option).is_some() {
                self.refuse(option, Wrong::new(why));
            }
        }
    }

    /// Says what is wrong with an option, or with the whole if it was not given.
    pub(in crate::state) fn refuse(&mut self, option: &str, wrong: Wrong) {
        let fault = self.fault(option, wrong);
        self.faults.push(fault);
    }

    /// Says what may not be as it was meant.
    pub(in crate::state) fn note(&mut self, option: &str, wrong: Wrong) {
        let fault = self.fault(option, wrong);
        self.notes.push(fault);
    }

    fn fault(&self, option: &str, wrong: Wrong) -> Fault {
        match self.says(option) {
            Some(given) => placed(given, self.line, self.column, wrong),
            None => {
                let message = format!("{}: {}", self.subject, wrong.why);
                Fault { line: self.line, column: self.column, message, hint: wrong.hint }
            }
        }
    }

    /// Reads all that is watched.
    pub(super) fn tracks(&mut self) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (option, kind, most) in track::NAMED {
            let found = self.all(option, track::named(kind, most));
            drafts.extend(found.into_iter().map(draft));
        }
        drafts.extend(self.all("track-service", track::service).into_iter().map(draft));
        for (at, draft) in drafts.iter().enumerate() {
            if drafts.iter().take(at).any(|earlier| earlier.tracker == draft.tracker) {
                let message = format!("{}: this is tracked twice", draft.label);
                let hint = Some("keep one of the two".to_owned());
                self.faults.push(Fault { line: self.line, column: draft.column, message, hint });
            }
        }
        drafts
    }

    /// Reads the commands on transitions.
    pub(in crate::state) fn notify(&mut self) -> Notify {
        Notify {
            master: self.one("notify-master", command),
            backup: self.one("notify-backup", command),
            fault: self.one("notify-fault", command),
            stop: self.one("notify-stop", command),
            deleted: self.one("notify-deleted", command),
            any: self.one("notify", command),
            lower_priority: self.one("notify-lower-priority", command),
            priority_changes: self.flag("notify-priority-changes"),
        }
    }
}

fn draft((given, (tracker, weight)): (&Given, Tracked)) -> Draft {
    Draft { tracker, weight, column: given.column, label: given.label() }
}

fn placed(given: &Given, line: usize, column: usize, wrong: Wrong) -> Fault {
    let column = if given.column == 0 { column } else { given.column };
    Fault { line, column, message: format!("{}: {}", given.label(), wrong.why), hint: wrong.hint }
}
