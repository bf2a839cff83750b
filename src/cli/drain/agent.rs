//! Drains in the hands of an agent: it keeps them in mind, over restarts too, and carries them out.

use std::{path::Path, time::Duration};

use serde::de::DeserializeOwned;

use super::choose::Chosen;
use crate::{
    agent::{
        check,
        control::{self, CallError, CheckCall, Drained, OperatorTable, Place, Then},
    },
    cli::{Complaint, Error},
    model::Table,
    state::{file, grammar::NoNames},
};

/// The door of an agent; a check process that runs by itself has only its own.
pub(in crate::cli) const SOCKETS: [&str; 2] = ["agent.sock", check::control::SOCKET];

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(12);

/// Returns the operator's table that an agent in this run directory holds; nothing if there is none.
pub(in crate::cli) fn table(run_dir: &Path) -> Result<Option<Table>, Error> {
    let Some(found) = ask::<OperatorTable>(run_dir, &CheckCall::GetTable { service: None })? else { return Ok(None) };
    let text: String = found.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let parsed = file::parse(text.as_bytes(), &NoNames).map_err(|faults| {
        let first = faults.first().map_or("", |fault| fault.message.as_str());
        Error::failed(format_args!("the table of the agent at {} makes no sense: {first}", run_dir.display()))
            .hint("lvsadm and the agent may be of different versions")
    })?;
    Ok(Some(parsed.table))
}

/// Has servers drained.
pub(super) fn drain(run_dir: &Path, chosen: &[Chosen], owner: String, then: Then) -> Result<(), Error> {
    let call = CheckCall::Drain { targets: places(chosen), owner: Some(owner), then, timeout: None };
    done(ask(run_dir, &call)?)
}

/// Gives servers their weight back, within `ramp` seconds.
pub(in crate::cli) fn undrain(run_dir: &Path, chosen: &[Chosen], ramp: Option<u32>) -> Result<usize, Error> {
    let call = CheckCall::Undrain { targets: places(chosen), ramp_seconds: ramp.map(u64::from) };
    let answer: Option<Drained> = ask(run_dir, &call)?;
    let changed = answer.as_ref().map_or(0, |answer| answer.changed);
    done(answer).map(|()| changed)
}

fn places(chosen: &[Chosen]) -> Vec<Place> {
    chosen.iter().map(|each| Place::new(&each.service.key, &each.server.key)).collect()
}

fn done(answer: Option<Drained>) -> Result<(), Error> {
    let Some(answer) = answer else { return Err(Error::failed("the agent has ended meanwhile")) };
    let gone = |place: Place| Complaint::new(format_args!("{} of {} is no more", place.server, place.service));
    let missing: Vec<_> = answer.missing.into_iter().map(gone).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::all_failed(missing)) }
}

fn ask<T: DeserializeOwned>(run_dir: &Path, call: &CheckCall) -> Result<Option<T>, Error> {
    let (verb, params) = call.parts();
    for socket in SOCKETS.map(|name| run_dir.join(name)) {
        let value = match control::call(&socket, &verb, params.clone(), LIMIT) {
            Ok(value) => value,
            Err(CallError::NotRunning) => continue,
            Err(CallError::Refused(complaints)) => {
                let complaints =
                    complaints.into_iter().map(|control::Complaint { text, hint }| Complaint { text, hint });
                return Err(Error::all_failed(complaints.collect()));
            }
            Err(CallError::Broken(why)) => {
                let at = socket.display();
                return Err(Error::failed(format_args!("the agent at {at} does not answer: {why}")));
            }
        };
        return serde_json::from_value(value).map(Some).map_err(|error| {
            Error::failed(format_args!("the answer of the agent makes no sense: {error}"))
                .hint("lvsadm and the agent may be of different versions")
        });
    }
    Ok(None)
}
