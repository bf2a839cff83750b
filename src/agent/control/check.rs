//! The verbs of a check process: how it is doing, what it runs, and the operator's table that it holds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Complaint, Request};
use crate::{
    model::{Change, ServerKey, ServiceKey},
    state::{
        grammar::{self, Command, NoNames},
        print, words,
    },
};

/// What a check process can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", content = "params")]
pub enum CheckCall {
    /// How it is doing; answered by a [`crate::pool::status::Status`].
    #[serde(rename = "check.status")]
    Status {},
    /// That it reads its save file again and does what that says from now on; answered by a list of warnings.
    #[serde(rename = "check.reload")]
    Reload {
        /// The save file; a process that was started from another refuses.
        file: String,
        /// Whether the kernel's table is emptied at the end, for a process that goes by keepalived's rules.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flush_at_end: Option<bool>,
    },
    /// The state of a BFD session, from whoever runs it; answered by `null`.
    #[serde(rename = "check.session")]
    Session {
        /// Name of the session.
        name: String,
        /// Whether it is up.
        up: bool,
    },
    /// The operator's table, with what others have changed up to now; answered by an [`OperatorTable`].
    #[serde(rename = "table.get")]
    GetTable {
        /// Only this service, named as on a line: `-t 10.0.0.1:80`, `-f 5 -6`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
    },
    /// Changes of the operator's table, and so of the kernel's; answered by an [`Applied`].
    #[serde(rename = "table.apply")]
    Apply {
        /// The changes as lines of a save file without timeouts and daemons: `-A`, `-E`, `-D`, `-a`, `-e`, `-d`, `-C`.
        lines: Vec<String>,
        /// Whether each line stands by itself. Otherwise all are done, or none.
        #[serde(default)]
        each: bool,
    },
    /// That servers get no new connections, whatever their weight; answered by a [`Drained`].
    #[serde(rename = "table.drain")]
    Drain {
        /// Which servers. Those that drain already stay as they are, but for a deletion that is asked for only now.
        targets: Vec<Place>,
        /// Who asks, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// What becomes of a server that has drained.
        #[serde(default)]
        then: Then,
        /// After so many seconds it counts as drained, whatever connections it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout: Option<u64>,
    },
    /// That drained servers get new connections again; answered by a [`Drained`].
    #[serde(rename = "table.undrain")]
    Undrain {
        /// Which servers; those that do not drain are passed over.
        targets: Vec<Place>,
        /// The time until they have their whole weight, which they get in steps.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ramp_seconds: Option<u64>,
    },
}

/// What becomes of a server that has drained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// It stays in the table with weight 0.
    #[default]
    Keep,
    /// It is deleted from the operator's table.
    Delete,
}

/// A server of a service, named as on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `-t 10.0.0.1:80`, `-f 5 -6`.
    pub service: String,
    /// `10.0.0.11:80`.
    pub server: String,
}

impl Place {
    /// Names a server of a service.
    pub fn new(service: &ServiceKey, server: &ServerKey) -> Self {
        Self { service: print::service_name(service, &print::numeric), server: server.to_string() }
    }

    /// Returns what this names.
    ///
    /// # Errors
    /// It names nothing.
    pub fn keys(&self) -> Result<(ServiceKey, ServerKey), Complaint> {
        let line = format!("-d {} -r {}", self.service, self.server);
        match change(&line)? {
            Change::DeleteServer(service, server) => Ok((service, server)),
            _ => Err(Complaint::new(format_args!("`{line}` names no server"))),
        }
    }
}

/// Returns the service that `-t 10.0.0.1:80` names.
///
/// # Errors
/// It names none.
pub fn service_named(name: &str) -> Result<ServiceKey, Complaint> {
    match change(&format!("-D {name}"))? {
        Change::DeleteService(key) => Ok(key),
        _ => Err(Complaint::new(format_args!("`{name}` names no service"))),
    }
}

/// Reads a line with a change of the table. Names are not looked up.
///
/// # Errors
/// It is none.
pub fn change(line: &str) -> Result<Change, Complaint> {
    let wrong = |why: &dyn std::fmt::Display| Complaint::new(format_args!("`{line}`: {why}"));
    let split = words::split(line).map_err(|unsplit| wrong(&unsplit))?;
    let texts: Vec<&str> = split.iter().map(|word| &*word.text).collect();
    let parsed = grammar::parse(&texts, &NoNames).map_err(|fault| {
        let complaint = wrong(&fault);
        match fault.hint() {
            Some(hint) => complaint.hint(hint),
            None => complaint,
        }
    })?;
    match parsed.command {
        Command::Change(change) => Ok(change),
        _ => Err(wrong(&"this changes nothing of a table")),
    }
}

/// The operator's table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorTable {
    /// Lines of a save file, `-A` and `-a`, in the order in which things were added.
    pub lines: Vec<String>,
    /// Servers that the kernel does not have as the operator wants them, and why.
    pub held: Vec<Held>,
    /// Servers that were deleted lately because they had drained, as their drains asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emptied: Vec<Place>,
}

/// A server that the kernel does not have as the operator wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which.
    #[serde(flatten)]
    pub place: Place,
    /// Why: `down`, `untested`, `drained`, `ramp`, `sorry` (the sorry server has taken over), `checks` (they give it this
    /// weight), `refused` or `changed` (the kernel's differs for another reason).
    pub why: String,
    /// The weight that the kernel should have; `null` if the server should not be there.
    pub weight: Option<u32>,
}

/// What became of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// What was refused; if the lines do not stand each by itself and this is not empty, nothing was changed.
    pub refused: Vec<Refused>,
    /// How many lines were done.
    pub done: usize,
}

/// A change that was refused, by the kernel or in its stead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which of the lines, from 0.
    pub index: usize,
    /// Linux's error number.
    pub errno: i32,
    /// What the kernel said beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// What became of servers that are to drain or not any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// How many of the servers are others than before.
    pub changed: usize,
    /// Servers that the operator's table does not have.
    pub missing: Vec<Place>,
    /// Servers that were to drain and did so before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub already: Vec<Already>,
}

/// A server that drained before somebody asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Already {
    /// Which.
    #[serde(flatten)]
    pub place: Place,
    /// Who asked first, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// How many milliseconds ago.
    pub since_ms: u64,
}

impl CheckCall {
    /// Returns the verb and its parameters.
    pub fn parts(&self) -> (String, Value) {
        super::parts(self)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// There is no such verb, or its parameters are wrong.
    pub fn read(request: &Request) -> Result<Self, Vec<Complaint>> {
        super::read("check", request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;

    #[test]
    fn places_come_back() {
        let server = ServerKey { address: "fd00::11".parse().unwrap(), port: 0 };
        for service in [ServiceKey::Mark { mark: 7, family: Family::V6 }, service_named("-t [fd00::1]:80").unwrap()] {
            assert_eq!(Place::new(&service, &server).keys(), Ok((service, server)));
        }
        assert!(service_named("-t 10.0.0.1:80 -r 10.0.0.2").is_err());
        assert!(Place { service: "-x".into(), server: String::new() }.keys().is_err());
        assert!(change("-L").is_err_and(|complaint| complaint.text.contains("changes nothing")));
    }

    #[test]
    fn verbs_come_back() {
        for (verb, wanted) in [
            ("table.get", CheckCall::GetTable { service: None }),
            ("table.apply", CheckCall::Apply { lines: vec!["-C".into()], each: true }),
            ("check.session", CheckCall::Session { name: "a".into(), up: true }),
        ] {
            let (said, params) = wanted.parts();
            assert_eq!(said, verb);
            assert_eq!(CheckCall::read(&Request::of(said, params).0), Ok(wanted));
        }
    }
}
