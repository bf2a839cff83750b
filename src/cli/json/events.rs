//! Events, as `agent events` and `agent why` print them.

use serde::Serialize;

use super::SCHEMA;
use crate::agent::{
    event::{Author, Subject},
    journal::{Entry, Page},
};

/// A line of `agent events --json`.
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    schema: u32,
    number: u64,
    /// Milliseconds since 1970.
    time_ms: u64,
    /// `instance`, `group`, `session`, `service`, `server`, `process`.
    kind: &'static str,
    /// Of all but services and servers.
    name: Option<&'a str>,
    service: Option<&'a str>,
    server: Option<&'a str>,
    what: &'a str,
    text: &'a str,
    reason: Option<&'a str>,
    evidence: Option<&'a str>,
    /// Who asked for it.
    by: Option<&'a Author>,
}

impl<'a> Event<'a> {
    /// Converts an entry of the journal.
    pub fn new(entry: &'a Entry) -> Self {
        let event = &entry.event;
        let (kind, name, service, server) = match &event.subject {
            Subject::Instance(name) => ("instance", Some(name), None, None),
            Subject::Group(name) => ("group", Some(name), None, None),
            Subject::Session(name) => ("session", Some(name), None, None),
            Subject::Process(name) => ("process", Some(name), None, None),
            Subject::Service(service) => ("service", None, Some(service), None),
            Subject::Server { service, server } => ("server", None, Some(service), Some(server)),
        };
        Self {
            schema: SCHEMA,
            number: entry.number,
            time_ms: event.time,
            kind,
            name: name.map(String::as_str),
            service: service.map(String::as_str),
            server: server.map(String::as_str),
            what: &event.what,
            text: &event.text,
            reason: event.reason.as_deref(),
            evidence: event.evidence.as_deref(),
            by: event.by.as_ref(),
        }
    }
}

/// `agent why --json`.
#[derive(Debug, Serialize)]
pub struct Events<'a> {
    schema: u32,
    /// When the oldest event that is still known happened.
    begin_ms: Option<u64>,
    events: Vec<Event<'a>>,
}

impl<'a> Events<'a> {
    /// Converts a page of the journal.
    pub fn new(page: &'a Page) -> Self {
        Self { schema: SCHEMA, begin_ms: page.begin, events: page.events.iter().map(Event::new).collect() }
    }
}
