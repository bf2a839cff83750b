//! `lvsadm agent stop` and `reload`.

use std::{
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    Where,
    ask::{ask, none},
};
use crate::{
    agent::{
        control::{AgentCall, holder},
        supervisor::status::Status,
    },
    cli::{Error, Ui},
};

/// How long the end of an agent is waited for: longer than it may take.
const LIMIT: Duration = Duration::from_secs(90);

/// End the agent, and wait until it has ended
///
/// Virtual routers give their addresses up at once, so that others take over; the table stays as it is.
#[derive(Debug, Args)]
pub(super) struct StopArgs {
    #[command(flatten)]
    which: Where,
}

impl StopArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let socket = self.which.socket();
        let Some(status) = ask::<Status>(&socket, &AgentCall::Status {})? else { return Err(none(&socket)) };
        if !status.saved {
            ui.note(format_args!(
                "not all that runs is in {}; it is kept in {}/state.unsaved",
                status.file, status.run_dir
            ));
        }
        ask::<()>(&socket, &AgentCall::Stop {})?;
        let begun = Instant::now();
        while holder(&socket).is_some() {
            if begun.elapsed() > LIMIT {
                return Err(Error::failed(format_args!("the agent, process {}, has not ended yet", status.pid))
                    .hint("it waits for its children: `lvsadm agent status`"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(0)
    }
}

/// Let the agent read its save file again
///
/// Only what differs changes: sessions, check histories and mastership of everything else stay. If anything in the file is
/// wrong, all of that is said, and nothing changes. Changes that were made by commands and not saved are gone.
#[derive(Debug, Args)]
pub(super) struct ReloadArgs {
    #[command(flatten)]
    which: Where,
}

impl ReloadArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let socket = self.which.socket();
        let warnings: Vec<String> = ask(&socket, &AgentCall::Reload {})?.ok_or_else(|| none(&socket))?;
        warnings.iter().for_each(|warning| ui.warn(warning));
        Ok(0)
    }
}
