//! Why a command failed, for people: every fault that was found, each with what to do about it.
//!
//! Errors of the layers below become text here, once; nothing above prints an error itself.

use std::{fmt, io};

use crate::agent::event::{Event, Outlet};

/// Tells the agent that started this process why the process cannot run.
pub fn tell_agent(outlet: Outlet, process: &str, error: &Error) {
    for Complaint { text, hint } in error.complaints() {
        let hint = hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        outlet.put(&Event::failed(process, format_args!("{text}{hint}")));
    }
}

/// One fault: what failed, where and why; and what to do, where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What failed, where, why: one line without a full stop.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Complaint {
    /// Returns a complaint without a hint.
    pub fn new(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }
}

/// A failed command: everything there is to say, and the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    complaints: Vec<Complaint>,
    status: u8,
}

impl Error {
    /// It failed: exit status 1.
    pub fn failed(text: impl fmt::Display) -> Self {
        Self { complaints: vec![Complaint::new(text)], status: 1 }
    }

    /// Several things failed: exit status 1.
    pub fn all_failed(complaints: Vec<Complaint>) -> Self {
        Self { complaints, status: 1 }
    }

    /// The command line is wrong, in one or several places: exit status 2.
    pub fn usage(complaints: Vec<Complaint>) -> Self {
        Self { complaints, status: 2 }
    }

    /// Whoever read our standard output has gone; that is no failure (`lvsadm list | head -1`).
    pub fn reader_gone() -> Self {
        Self { complaints: Vec::new(), status: 0 }
    }

    /// Standard output could not be written.
    pub fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::reader_gone();
        }
        Self::failed(format_args!("cannot write to standard output: {error}"))
    }

    /// Adds what to do about the last thing complained of.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        if let Some(last) = self.complaints.last_mut() {
            last.hint = Some(hint.to_string());
        }
        self
    }

    /// Ends with this status instead: for commands whose 1 means something else (`diff`: 2 is trouble).
    #[must_use]
    pub fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// Returns the exit status.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Returns what there is to say.
    pub fn complaints(&self) -> &[Complaint] {
        &self.complaints
    }
}
