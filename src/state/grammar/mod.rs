//! ipvsadm's grammar: words → command, both for the command line and for the lines of save files.
//!
//! Pure: names are looked up through [`Names`], nothing is printed and nothing is done. Behaves as ipvsadm 1.31 with
//! popt 1.19 does, order of checks included; where it does not, a comment says so:
//! ipvsadm crashes on `-b ,`, here that is an empty list; popt's expansion of `!#:+` in values is left out.

mod address;
mod draft;
mod fault;
mod legality;
mod options;
mod popt;
mod values;

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use draft::Draft;
pub use fault::{Class, Context, Fault, FaultKind, Note};
#[cfg(test)]
pub(crate) use options::documented as option_names;
use options::{Means, Verb};
use popt::Scanner;

use crate::model::{Change, Protocol, ServiceKey};

/// Looks names up for the grammar.
pub trait Names {
    /// Returns the first IPv4 address of a host.
    fn host_v4(&self, name: &str) -> Option<Ipv4Addr>;

    /// Returns the port of a service (`http`) of a protocol.
    fn port(&self, name: &str, protocol: Protocol) -> Option<u16>;
}

/// Knows no names: for lines that must not depend on a resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn host_v4(&self, _name: &str) -> Option<Ipv4Addr> {
        None
    }

    fn port(&self, _name: &str, _protocol: Protocol) -> Option<u16> {
        None
    }
}

/// What a line of words asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The request.
    pub command: Command,
    /// What ipvsadm does silently with these words and a person may not expect.
    pub notes: Vec<Note>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Change the kernel's table.
    Change(Change),
    /// Show something of it.
    List(Listing),
    /// Print the table as lines that restore reads.
    Save {
        /// Whether addresses and ports stay numbers.
        numeric: bool,
    },
    /// Run the lines that come from standard input.
    Restore,
    /// Show the options.
    Help,
    /// Show the version.
    Version,
}

/// What to show, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What to show.
    pub subject: Subject,
    /// Which columns.
    pub columns: Columns,
    /// Whether addresses and ports stay numbers.
    pub numeric: bool,
    /// Whether large counters are written in full.
    pub exact: bool,
    /// Whether services and servers are sorted, or in the kernel's order.
    pub sorted: bool,
}

/// What a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All services with their servers.
    Table,
    /// One service with its servers.
    Service(ServiceKey),
    /// The connections.
    Connections,
    /// The connection timeouts.
    Timeouts,
    /// The sync daemons.
    Daemons,
}

/// The columns of a table listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Columns {
    /// Forwarding, weight and connections.
    #[default]
    Default,
    /// Counters.
    Stats,
    /// Rates.
    Rate,
    /// Connection thresholds.
    Thresholds,
    /// Persistent connections; with connections, the data of the persistence engine.
    PersistentConn,
    /// The default ones and the tunnel.
    TunInfo,
}

impl Default for Listing {
    fn default() -> Self {
        Self { subject: Subject::Table, columns: Columns::Default, numeric: false, exact: false, sorted: true }
    }
}

/// Reads one command line, without the program's name. No words at all ask for the table.
///
/// # Errors
/// The first fault that ipvsadm would report.
pub fn parse(words: &[impl AsRef<str>], names: &dyn Names) -> Result<Parsed, Fault> {
    if words.is_empty() {
        return Ok(Parsed { command: Command::List(Listing::default()), notes: Vec::new() });
    }
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let mut scanner = Scanner::new(&words);
    let no_command = || Fault { kind: FaultKind::NoCommand, word: Some(0) };
    let first = scanner.next_option().map_err(|_| no_command())?.ok_or_else(no_command)?;
    let Means::Verb(verb) = first.spec.means else { return Err(no_command()) };
    match verb {
        Verb::Help => return Ok(Parsed { command: Command::Help, notes: Vec::new() }),
        Verb::Version => return Ok(Parsed { command: Command::Version, notes: Vec::new() }),
        _ => {}
    }
    let mut draft = Draft::new(verb, first.value)?;
    while let Some(found) = scanner.next_option()? {
        if let Means::Verb(_) = found.spec.means {
            // The message shows the word that was read last: the value, where the command has one.
            let word = found.value.map_or(found.word, |value| value.word);
            let text = words.get(word).copied().unwrap_or_default().to_owned();
            return Err(Fault { kind: FaultKind::InvalidOption(text), word: Some(found.word) });
        }
        draft.take(&found, names)?;
    }
    let leftovers: Vec<(usize, &str)> =
        scanner.leftovers.iter().filter_map(|at| Some((*at, *words.get(*at)?))).collect();
    draft.finish(&leftovers)
}
