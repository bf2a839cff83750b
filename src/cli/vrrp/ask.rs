//! What the running process is asked: `lvsadm vrrp promote` and `demote`, and how it is doing.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Target;
use crate::{
    agent::control::{self, CallError, VrrpCall},
    cli::{Complaint, Error},
};

/// How long an answer is waited for: longer than the process itself waits for its own.
pub(in crate::cli) const LIMIT: Duration = Duration::from_secs(12);

/// An order for one instance.
#[derive(Debug, Args)]
pub(super) struct OrderArgs {
    /// Name of the instance
    name: String,
    #[command(flatten)]
    target: Target,
}

impl OrderArgs {
    pub(super) fn promote(self) -> Result<u8, Error> {
        order(&self.target, &VrrpCall::Promote { name: self.name })
    }

    pub(super) fn demote(self) -> Result<u8, Error> {
        order(&self.target, &VrrpCall::Demote { name: self.name })
    }
}

fn order(target: &Target, order: &VrrpCall) -> Result<u8, Error> {
    match ask(target, order)? {
        Some(_) => Ok(0),
        None => {
            let socket = target.socket();
            Err(Error::failed(format_args!("no VRRP process answers at {}", socket.display()))
                .hint("--run-dir names the directory of one that runs elsewhere"))
        }
    }
}

/// Returns the answer of the running process; nothing if there is none.
pub(in crate::cli) fn ask(target: &Target, call: &VrrpCall) -> Result<Option<Value>, Error> {
    let (verb, params) = call.parts();
    let socket = target.socket();
    match control::call(&socket, &verb, params, LIMIT) {
        Ok(value) => Ok(Some(value)),
        Err(CallError::NotRunning) => Ok(None),
        Err(CallError::Refused(complaints)) => Err(refused(complaints)),
        Err(CallError::Broken(why)) => {
            Err(Error::failed(format_args!("the VRRP process at {} does not answer: {why}", socket.display())))
        }
    }
}

/// Returns what the process says against a request.
pub(in crate::cli) fn refused(complaints: Vec<control::Complaint>) -> Error {
    let complaints = complaints.into_iter().map(|control::Complaint { text, hint }| Complaint { text, hint });
    Error::all_failed(complaints.collect())
}
