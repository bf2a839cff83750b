//! What happened, as the processes of an agent tell each other, and as `agent events`, `agent why`, mail and metrics read it.
//! Plain values; who carries them where is others' business.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

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

/// Where a process puts its events: standard output, if the agent started it and reads them there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlet {
    /// Whether anybody reads.
    pub open: bool,
}

impl Outlet {
    /// Puts an event out as one line. A reader that is gone is no error: the process is about to be told.
    pub fn put(self, event: &Event) {
        if !self.open {
            return;
        }
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let _ = io::stdout().lock().write_all(&line);
    }
}
