//! The control socket: one line of JSON asks, one line of JSON answers.
//!
//! `{"version":1,"verb":"vrrp.status","params":{}}` is answered by `{"version":1,"ok":…}` or by
//! `{"version":1,"error":[{"text":…,"hint":…}]}`; then the next line may follow. Only root and the owner of the process
//! are heard. What a verb does is up to whoever takes the requests from their channel; nothing here waits for a client
//! longer than a few seconds, and clients cannot hold each other up.

mod agent;
mod check;
mod client;
mod forward;
mod journal;
mod server;
mod vrrp;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use super::event::Author;

pub use agent::{AgentCall, SaveAnswer, SetAnswer, StateAnswer};
pub use check::{
    Already, Applied, CheckCall, Drained, Held, OperatorTable, Place, Refused, Then, change, service_named,
};
pub use client::{CallError, call};
pub use forward::ask;
pub use journal::{JournalCall, Query};
pub use server::{BindError, Request, Server, holder};
pub use vrrp::VrrpCall;

/// Version of this protocol. Another version is refused by both sides.
pub const VERSION: u32 = 1;

/// The longest request, in bytes, its line end included: a save file of a hundred thousand lines. Those of more than a
/// mebibyte are taken one at a time, so that all clients together cannot fill the memory.
pub const MOST_REQUEST: usize = 16 << 20;

/// What is wrong with a request, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// What failed, where, why: one line without a full stop.
    pub text: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Complaint {
    /// Returns a complaint without a hint.
    pub fn new(text: impl std::fmt::Display) -> Self {
        Self { text: text.to_string(), hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(self, hint: impl std::fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }
}

/// A request on the wire.
#[derive(Debug, Serialize, Deserialize)]
struct Ask {
    version: u32,
    verb: String,
    #[serde(default)]
    params: Value,
    /// Who asked the agent for it, in what it passes on to its children; of anybody else this is not heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Author>,
}

/// An answer on the wire: what was asked for, as text, or why there is nothing.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    version: u32,
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    ok: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Vec<Complaint>>,
}

/// An answer may be `null`, which is not the same as none.
fn some<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

/// What answers a request: JSON, kept as text since thousands of servers are tens of megabytes as a tree of values, or why
/// there is nothing.
pub type Reply = Result<Box<RawValue>, Vec<Complaint>>;

/// Returns `answer` as a reply; `()` is `null`.
///
/// # Errors
/// JSON has no words for it.
pub fn reply(answer: &impl Serialize) -> Reply {
    serde_json::value::to_raw_value(answer).map_err(|error| vec![Complaint::new(error)])
}

/// Returns the verb of a call and its parameters.
fn parts(call: &impl Serialize) -> (String, Value) {
    let value = serde_json::to_value(call).unwrap_or_default();
    let verb = value.get("verb").and_then(Value::as_str).unwrap_or_default().to_owned();
    (verb, value.get("params").cloned().unwrap_or_default())
}

/// Reads a request as a call to `whom`.
fn read<C: DeserializeOwned>(whom: &str, request: &Request) -> Result<C, Vec<Complaint>> {
    let params = if request.params.is_null() { json!({}) } else { request.params.clone() };
    serde_json::from_value(json!({ "verb": request.verb, "params": params })).map_err(|error| {
        let text = format!("the {whom} process does not understand {}: {error}", request.verb);
        vec![Complaint::new(text).hint("lvsadm and the process may be of different versions")]
    })
}

#[cfg(test)]
mod tests;
