//! What happened, as the processes of an agent tell each other, and as `agent events`, `agent why`, mail and metrics read it.
//! Plain values; who carries them where is others' business. [`told`] makes them of what the layers below say.

mod outlet;
mod told;

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};

pub use outlet::{MOST_LINE, Outlet};

/// Something that happened. One line of JSON between processes and in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When: milliseconds since 1970, UTC.
    pub time: u64,
    /// What it is about.
    pub subject: Subject,
    /// What happened: `up`, `down`, `master`, `backup`, `fault`, `changed`, `restarted`, …; one word that a program can go by.
    pub what: String,
    /// One sentence for people, without time and full stop.
    pub text: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was seen: the first bytes of a wrong answer, without control characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Who asked for it, if it is what a command did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
}

/// Who asks for something at a control socket, as the kernel tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Name of the user, or the number of one without a name.
    pub user: String,
    /// The process; nothing if it is of another PID namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// `root (pid 123)`.
impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)?;
        match self.pid {
            Some(pid) => write!(f, " (pid {pid})"),
            None => Ok(()),
        }
    }
}

/// What an event is about. Names are as commands print them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A VRRP instance.
    Instance(String),
    /// A sync group.
    Group(String),
    /// A BFD session.
    Session(String),
    /// A virtual service: its quorum, or what somebody changed of it.
    Service(String),
    /// A real server of a virtual service.
    Server {
        /// The service.
        service: String,
        /// The server.
        server: String,
    },
    /// A process of the agent: `agent`, `vrrp` or `check`. It is `ready` once its first work is done.
    Process(String),
}

impl Event {
    /// Makes an event of this moment, without reason and evidence.
    pub fn now(subject: Subject, what: &str, text: impl fmt::Display) -> Self {
        let (what, text) = (what.to_owned(), text.to_string());
        Self { time: now(), subject, what, text, reason: None, evidence: None, by: None }
    }

    /// Says that a process of the agent has done its first work.
    pub fn ready(process: &str) -> Self {
        Self::now(Subject::Process(process.to_owned()), "ready", format_args!("the {process} process is ready"))
    }

    /// Says that a process of the agent cannot run: one thing of all that is in its way.
    pub fn failed(process: &str, text: impl fmt::Display) -> Self {
        Self::now(Subject::Process(process.to_owned()), "failed", text)
    }

    /// Adds why.
    #[must_use]
    pub fn because(self, reason: impl fmt::Display) -> Self {
        Self { reason: Some(reason.to_string()), ..self }
    }

    /// Adds who asked for it.
    #[must_use]
    pub fn by(self, author: &Author) -> Self {
        Self { by: Some(author.clone()), ..self }
    }
}

/// One line for a log: `server 10.0.0.11:80 of TCP 10.0.0.1:80 is down: connection refused`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some(reason) = &self.reason {
            write!(f, ": {reason}")?;
        }
        match &self.by {
            Some(author) => write!(f, ", by {author}"),
            None => Ok(()),
        }
    }
}

/// Returns the wall clock in milliseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
