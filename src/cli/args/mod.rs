//! What the verbs have in common on their command lines: how a service and its servers are named, and their options.
//!
//! clap only records the words, so that all that is wrong with them can be said at once; [`values`] reads them,
//! [`patch`] holds what an edit may change. Nothing here asks the kernel.

mod log;
mod options;
mod patch;
mod select;
mod values;

pub use log::LogArgs;
pub use options::{ServerOptions, ServiceOptions};
pub use patch::{Method, Persist, ServerPatch, ServicePatch, TunnelKind, TunnelPatch};
pub use select::{Lookup, OneService, ServersArgs, ServiceArgs, ServiceFilter, ServiceFilterArgs, server_filter};
pub use values::{Prefix, address, duration, interval, mark, number};

use super::{Complaint, Error};

/// Collects what is wrong with a command line, so that one run tells all of it.
#[derive(Debug, Default)]
pub struct Faults(Vec<Complaint>);

impl Faults {
    /// Keeps the complaint, if it is one, and returns the value otherwise.
    pub fn take<T>(&mut self, result: Result<T, Complaint>) -> Option<T> {
        result.map_err(|complaint| self.0.push(complaint)).ok()
    }

    /// Reads an option's word, if it was given.
    pub fn read<T>(&mut self, word: Option<&String>, read: impl Fn(&str) -> Result<T, Complaint>) -> Option<T> {
        word.and_then(|word| self.take(read(word)))
    }

    /// Adds a complaint.
    pub fn add(&mut self, complaint: Complaint) {
        self.0.push(complaint);
    }

    /// Adds complaints.
    pub fn extend(&mut self, complaints: impl IntoIterator<Item = Complaint>) {
        self.0.extend(complaints);
    }

    /// Passes if nothing is wrong.
    ///
    /// # Errors
    /// All that is wrong with the command line.
    pub fn check(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::usage(faults.0)
    }
}
