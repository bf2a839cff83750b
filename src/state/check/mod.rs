//! Health checks in words: the options of `check add` and `check try`, the same on command lines and in save files.
//!
//! clap only records the words, so that all that is wrong with them is told at once; then they are read to the plain
//! values of `check::settings`. Nothing here does IO: that a file or a link exists is for who uses it.

mod connection;
mod fault;
mod given;
mod http;
mod kinds;
mod line;
mod lines;
mod policy;
mod print;
mod schedule;
mod selector;
mod sorry;
mod url;
mod values;

pub use connection::{ConnectionArgs, Target};
pub use fault::{Fault, Faults};
pub use given::{Given, Typed};
pub use http::{HttpArgs, RequestArgs, TlsArgs, default_name};
pub use kinds::{AgentArgs, BfdArgs, DnsArgs, FileArgs, PingArgs, ScriptArgs, SmtpArgs, TcpArgs, UdpArgs};
pub use line::{AddLine, SetLine, Subject, Subjects, Verb};
pub use lines::{Expanded, Lines};
pub use print::lines;
pub use schedule::ScheduleArgs;
pub use selector::SelectorArgs;
pub use url::Url;

use crate::check::settings::Question;

/// Reads path and query of a page.
///
/// # Errors
/// Why it is none, and what to do.
pub fn page_path(text: &str) -> Result<String, (String, Option<String>)> {
    url::page_path(text).map_err(|wrong| (wrong.why, wrong.hint))
}

/// The options of one kind of check.
pub trait Kind {
    /// Its word on command lines.
    const WORD: &'static str;
    /// The port that is asked where none is named.
    const PORT: Option<u16> = None;
    /// How many failed probes of a working check are forgiven if nothing is said, as in keepalived.
    const RETRY: u32 = 1;
    /// Pause before a probe that follows a failed one if nothing is said, in seconds, as in keepalived; `None` = the
    /// interval.
    const RETRY_DELAY: Option<u64> = Some(1);

    /// Reads the question; `None` if something is wrong with it.
    fn question(&self, faults: &mut Faults) -> Option<Question>;
}
