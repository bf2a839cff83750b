//! What a running agent runs, under a command that changes it: taken, changed, given back.

use std::path::PathBuf;

use super::ask::ask;
use crate::{
    agent::control::{AgentCall, SetAnswer, StateAnswer},
    cli::{
        Error, Ui,
        vrrp::{Target, file::Saved},
    },
    state::agent_file::AgentFile,
};

/// How often a change is tried while others change the same.
const ATTEMPTS: usize = 20;

/// Returns what the agent runs, as if it were a save file; nothing if no agent runs, or a file was named.
///
/// # Errors
/// It does not answer.
pub(in crate::cli) fn running(target: &Target) -> Result<Option<Saved>, Error> {
    Ok(get(target)?.map(|(saved, _)| saved))
}

fn get(target: &Target) -> Result<Option<(Saved, u64)>, Error> {
    let Some(socket) = target.agent() else { return Ok(None) };
    let Some(state) = ask::<StateAnswer>(&socket, &AgentCall::Get {})? else { return Ok(None) };
    Ok(Some((Saved::running(PathBuf::from(state.running), &state.text)?, state.revision)))
}

/// Changes what the agent runs by `edit`, which checks what it makes of it; returns whether there is an agent. If somebody
/// else was quicker, what they made of it is changed.
///
/// # Errors
/// Those of `edit`, or what the agent says against it; nothing is changed then.
pub(in crate::cli) fn change(
    target: &Target,
    ui: &mut Ui,
    edit: impl Fn(&mut Saved, &mut Ui) -> Result<(), Error>,
) -> Result<bool, Error> {
    for attempt in 1.. {
        let Some((mut saved, revision)) = get(target)? else { return Ok(false) };
        edit(&mut saved, ui)?;
        match set(target, revision, &saved.file) {
            Ok(warnings) => {
                warnings.iter().for_each(|warning| ui.warn(warning));
                return Ok(true);
            }
            Err(_) if attempt < ATTEMPTS && get(target)?.is_some_and(|(_, now)| now != revision) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn set(target: &Target, revision: u64, file: &AgentFile) -> Result<Vec<String>, Error> {
    let gone = || Error::failed("the agent ended while it was to be changed").hint("`lvsadm agent start` starts one");
    let socket = target.agent().ok_or_else(gone)?;
    let answer: Option<SetAnswer> = ask(&socket, &AgentCall::Set { revision, text: file.text() })?;
    answer.map(|answer| answer.warnings).ok_or_else(gone)
}
