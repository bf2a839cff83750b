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
    match control::call(socket, verb, params, LIMIT) {
        Ok(answer) => Ok(Some(answer)),
        Err(CallError::NotRunning) => Ok(None),
        Err(CallError::Refused(complaints)) => Err(refused(complaints)),
        Err(CallError::Broken(why)) => {
            Err(Error::failed(format_args!("no good answer from the process at {}: {why}", socket.display())))
        }
    }
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
