//! What the running process is asked: `lvsadm vrrp promote` and `demote`, and how it is doing.

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Target;
use crate::{
    agent::control::VrrpCall,
    cli::{
        Error,
        agent::{ask::ask_verb, child::Child},
    },
};

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
    match ask::<Value>(target, order)? {
        Some(_) => Ok(0),
        None => {
            let socket = target.socket();
            Err(Error::failed(format_args!("no VRRP process answers at {}", socket.display()))
                .hint("--run-dir names the directory of one that runs elsewhere"))
        }
    }
}

/// Returns the answer of the running process, be it an agent's or alone; nothing if there is none.
pub(in crate::cli) fn ask<A: DeserializeOwned>(target: &Target, call: &VrrpCall) -> Result<Option<A>, Error> {
    let (verb, params) = call.parts();
    ask_verb(&Child::Vrrp.way(&target.run_dir())?, &verb, params)
}
