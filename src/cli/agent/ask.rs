//! What a running agent is asked, or a process that runs alone.

use std::{path::Path, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    agent::control::{self, AgentCall, CallError},
    cli::{Complaint, Error},
};

/// How long an answer is waited for: longer than an agent takes for its own.
pub(in crate::cli) const LIMIT: Duration = Duration::from_secs(65);

/// Returns the answer of the agent behind a socket; nothing if there is none.
///
/// # Errors
/// It refuses, or there is no answer that makes sense.
pub(in crate::cli) fn ask<A: DeserializeOwned>(socket: &Path, call: &AgentCall) -> Result<Option<A>, Error> {
    let (verb, params) = call.parts();
    ask_verb(socket, &verb, params)
}

/// The same for any verb.
///
/// # Errors
/// As for [`ask`].
pub(in crate::cli) fn ask_verb<A: DeserializeOwned>(
    socket: &Path,
    verb: &str,
    params: Value,
) -> Result<Option<A>, Error> {
    let value = match control::call(socket, verb, params, LIMIT) {
        Ok(value) => value,
        Err(CallError::NotRunning) => return Ok(None),
        Err(CallError::Refused(complaints)) => return Err(refused(complaints)),
        Err(CallError::Broken(why)) => {
            return Err(Error::failed(format_args!("the process at {} does not answer: {why}", socket.display())));
        }
    };
    serde_json::from_value(value).map(Some).map_err(|error| {
        Error::failed(format_args!("the answer of the process at {} makes no sense: {error}", socket.display()))
            .hint("lvsadm and the process may be of different versions")
    })
}

/// Says that there is no agent.
pub(super) fn none(socket: &Path) -> Error {
    Error::failed(format_args!("no agent answers at {}", socket.display()))
        .hint("`lvsadm agent start` starts one; --run-dir names the directory of one that runs elsewhere")
}

/// Returns what a process says against a request.
pub(in crate::cli) fn refused(complaints: Vec<control::Complaint>) -> Error {
    let complaints = complaints.into_iter().map(|control::Complaint { text, hint }| Complaint { text, hint });
    Error::all_failed(complaints.collect())
}
