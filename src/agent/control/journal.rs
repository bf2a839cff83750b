//! The verbs of the agent's journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Complaint, Request};
use crate::agent::event::Subject;

/// What the journal can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", content = "params")]
pub enum JournalCall {
    /// What happened; answered by a [`crate::agent::journal::Page`].
    #[serde(rename = "journal.events")]
    Events(Query),
    /// How journal and mail are doing; answered by a [`crate::agent::metrics::Told`].
    #[serde(rename = "journal.status")]
    Status {},
}

/// Which events are wanted: those that all of it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// Those that came after the event of this number. What of that is no longer known is counted in the answer.
    pub after: Option<u64>,
    /// Those from this time on: milliseconds since 1970.
    pub since: Option<u64>,
    /// Only the last so many.
    pub most: Option<usize>,
    /// Those of the instance, group, session or process of this name.
    pub name: Option<String>,
    /// Those of this service and its servers, as in `TCP 10.0.0.1:80`.
    pub service: Option<String>,
    /// With `service`: those of this server of it only, as in `10.0.0.11:80`.
    pub server: Option<String>,
    /// If there are none, the answer waits a few seconds for one.
    pub wait: bool,
}

impl Query {
    /// Whether events about this are wanted.
    pub fn takes(&self, subject: &Subject) -> bool {
        let is = |wanted: &Option<String>, name: &String| wanted.as_ref().is_none_or(|wanted| wanted == name);
        match subject {
            Subject::Instance(name) | Subject::Group(name) | Subject::Session(name) | Subject::Process(name) => {
                self.service.is_none() && is(&self.name, name)
            }
            Subject::Service(service) => self.name.is_none() && self.server.is_none() && is(&self.service, service),
            Subject::Server { service, server } => {
                self.name.is_none() && is(&self.service, service) && is(&self.server, server)
            }
        }
    }
}

impl JournalCall {
    /// Returns the verb and its parameters.
    pub fn parts(&self) -> (String, Value) {
        super::parts(self)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// There is no such verb, or its parameters are wrong.
    pub fn read(request: &Request) -> Result<Self, Vec<Complaint>> {
        super::read("agent", request)
    }
}
