//! Lines of a save file about VRRP and BFD ↔ settings: one process carries them out, and tracks tie them together.
//!
//! A line is `vrrp VERB NAME OPTIONS`, the words of `lvsadm vrrp` themselves: `vrrp add`, `add-group`, `add-script`,
//! `add-process`, `add-file`, `vrrp set` for the whole process, and `bfd add`. One table of options is the grammar of both. What
//! only the machine knows (whether an interface exists, whether a script may be run) is not judged here.

pub(in crate::state) mod fifo;
mod host;
mod instance;
mod legality;
mod lines;
mod objects;
pub(in crate::state) mod option;
mod print;
pub(in crate::state) mod reader;
mod select;
mod session;
mod tables;
mod track;
pub(in crate::state) mod values;

pub use host::print_address;
pub use lines::{NotOne, Parsed, Subject, edited, holds_secret, parse, subject};
pub use option::{Given, Grammar, Opt, Options, Section, Takes};
pub use print::{BARE_SET, file, group, instance, lines, process, script, session, set};
pub use select::{select, select_sessions};
pub use tables::{
    FileGrammar, GroupGrammar, InstanceGrammar, ProcessGrammar, ScriptGrammar, SessionGrammar, SetGrammar,
};
pub use values::{Disk, Files, MAX_SECRET_FILE, print_time};

use crate::{
    host::{Address, Command, Route, Rule},
    vrrp::settings::Secret,
};

/// Reads a command as lines have it: `[USER[:GROUP]@]PROGRAM [ARGUMENT…]`, quoted as in a shell.
///
/// # Errors
/// Why it is none, and what to do.
pub(super) fn read_command(text: &str) -> Result<Command, (String, Option<String>)> {
    values::command(text).map_err(|wrong| (wrong.why, wrong.hint))
}

/// Reads a name that people give to instances, groups and what is watched.
///
/// # Errors
/// Why it is none.
pub fn read_name(text: &str) -> Result<String, String> {
    values::name(text).map_err(|wrong| wrong.why)
}

/// Reads the name of a link.
///
/// # Errors
/// Why it is none.
pub fn read_link(text: &str) -> Result<String, String> {
    values::link(text).map_err(|wrong| wrong.why)
}

/// Reads an address with the words of `ip address`, as lines have it.
///
/// # Errors
/// Why it is none, and what to do.
pub fn read_address(text: &str) -> Result<Address, (String, Option<String>)> {
    host::read_address(text).map_err(|wrong| (wrong.why, wrong.hint))
}

/// Reads a route with the words of `ip route`, as lines have it.
///
/// # Errors
/// Why it is none, and what to do.
pub fn read_route(text: &str) -> Result<Route, (String, Option<String>)> {
    host::read_route(text).map_err(|wrong| (wrong.why, wrong.hint))
}

/// Reads a rule with the words of `ip rule`, as lines have it.
///
/// # Errors
/// Why it is none, and what to do.
pub fn read_rule(text: &str) -> Result<Rule, (String, Option<String>)> {
    host::read_rule(text).map_err(|wrong| (wrong.why, wrong.hint))
}

/// Reads a secret as lines have it: `hex:…`, `file:PATH`, or the text itself.
///
/// # Errors
/// Why it is none; never the secret itself.
pub fn read_secret(text: &str) -> Result<Secret, String> {
    values::secret(&Disk)(text).map_err(|wrong| wrong.why)
}

/// Writes a command as lines have it.
pub fn print_command(command: &Command) -> String {
    values::print_command(command)
}

/// What a line can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The whole process; it has no name.
    Set,
    /// A script.
    Script,
    /// A process.
    Process,
    /// A file.
    File,
    /// A BFD session.
    Session,
    /// An instance.
    Instance,
    /// A sync group.
    Group,
}

/// All kinds, in the order of a tidy file.
const KINDS: [Kind; 7] =
    [Kind::Set, Kind::Script, Kind::Process, Kind::File, Kind::Session, Kind::Instance, Kind::Group];

impl Kind {
    /// Returns the first word of its lines, which is the command that makes them, too.
    pub fn part(self) -> &'static str {
        if self == Self::Session { "bfd" } else { "vrrp" }
    }

    /// Returns the second word of its lines.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Script => "add-script",
            Self::Process => "add-process",
            Self::File => "add-file",
            Self::Instance | Self::Session => "add",
            Self::Group => "add-group",
        }
    }

    /// Returns what people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Set => "vrrp set",
            Self::Script => "script",
            Self::Process => "process",
            Self::File => "file",
            Self::Session => "BFD session",
            Self::Instance => "instance",
            Self::Group => "group",
        }
    }

    /// Returns its options.
    pub fn sections(self) -> &'static [&'static Section] {
        match self {
            Self::Set => SetGrammar::SECTIONS,
            Self::Script => ScriptGrammar::SECTIONS,
            Self::Process => ProcessGrammar::SECTIONS,
            Self::File => FileGrammar::SECTIONS,
            Self::Session => SessionGrammar::SECTIONS,
            Self::Instance => InstanceGrammar::SECTIONS,
            Self::Group => GroupGrammar::SECTIONS,
        }
    }
}
