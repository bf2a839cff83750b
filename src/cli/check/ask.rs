//! What the running check process is asked.

use std::time::Duration;

use serde_json::Value;

use crate::{
    agent::{
        check::control::SOCKET,
        control::{self, CallError, CheckCall},
    },
    cli::{Complaint, Error, vrrp::Target},
    pool::status::Status,
};

/// How long an answer is waited for: longer than the process itself waits for its own.
const LIMIT: Duration = Duration::from_secs(12);

/// Returns how the running process is doing; nothing if there is none.
pub(super) fn status(target: &Target) -> Result<Option<Status>, Error> {
    let Some(value) = ask(target, &CheckCall::Status {})? else { return Ok(None) };
    serde_json::from_value(value).map(Some).map_err(|error| {
        Error::failed(format_args!("the answer of the check process makes no sense: {error}"))
            .hint("lvsadm and the process may be of different versions")
    })
}

/// Calls the running process.
pub(super) fn call(target: &Target, call: &CheckCall) -> Result<Value, CallError> {
    let (verb, params) = call.parts();
    control::call(&target.run_dir().join(SOCKET), &verb, params, LIMIT)
}

fn ask(target: &Target, question: &CheckCall) -> Result<Option<Value>, Error> {
    match call(target, question) {
        Ok(value) => Ok(Some(value)),
        Err(CallError::NotRunning) => Ok(None),
        Err(CallError::Refused(complaints)) => Err(refused(complaints)),
        Err(CallError::Broken(why)) => {
            let socket = target.run_dir().join(SOCKET);
            Err(Error::failed(format_args!("the check process at {} does not answer: {why}", socket.display())))
        }
    }
}

/// Returns what the process says against a request.
pub(super) fn refused(complaints: Vec<control::Complaint>) -> Error {
    let complaints = complaints.into_iter().map(|control::Complaint { text, hint }| Complaint { text, hint });
    Error::all_failed(complaints.collect())
}
