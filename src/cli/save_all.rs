//! `lvsadm save --all`: everything that an agent runs, in one save file.

use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use super::{
    Error, Ui,
    agent::ask::{ask, ask_verb},
    source::{operator_table, reason},
    vrrp::{
        Target,
        file::{Saved, lock, write},
    },
};
use crate::{
    agent::{
        control::{AgentCall, SaveAnswer},
        supervisor::status::Status,
    },
    ipvs::plan::{Extra, plan},
    model::Table,
    state::{names::Resolver, print, store},
};

/// The operator's table, as the check process says it.
#[derive(Debug, Deserialize)]
struct Held {
    lines: Vec<String>,
}

/// Writes what the agent runs, to its save file if none is named. Without an agent, what the save file says about virtual
/// routers and checks stays as it is, and the table is the kernel's.
pub(super) fn run(target: &Target, file: Option<&Path>, ui: &mut Ui) -> Result<u8, Error> {
    let agent = target.agent();
    if let (None, Some(socket)) = (file, &agent)
        && ask::<SaveAnswer>(socket, &AgentCall::Save { autosave: None })?.is_some()
    {
        return Ok(0);
    }
    let path = target.state();
    let _lock = if file.is_none() { Some(lock(&path)?) } else { None };
    let mut saved = Saved::of(target)?;
    if let Some(table) = table(agent.as_deref())? {
        saved.file = saved.file.with_table(&table, &Resolver::new());
    }
    match file {
        None => write(&saved)?,
        Some(file) if file.as_os_str() == "-" => ui.print(saved.file.text())?,
        Some(file) => {
            let replace = if saved.file.holds_secrets() { store::replace_private } else { store::replace };
            replace(file, saved.file.text().as_bytes()).map_err(|error| {
                let hint = "the old file, if there was one, is unchanged";
                Error::failed(format_args!("cannot write {}: {}", file.display(), reason(&error))).hint(hint)
            })?;
        }
    }
    Ok(0)
}

/// Returns the lines of the table: those that the agent holds, nothing if it holds none; without an agent, those of a
/// check process that runs alone, or the kernel's.
fn table(agent: Option<&Path>) -> Result<Option<Vec<String>>, Error> {
    if let Some(socket) = agent
        && let Some(status) = ask::<Status>(socket, &AgentCall::Status {})?
    {
        let holds = status.processes.iter().any(|process| process.name == "check" && process.state != "idle");
        let held = if holds { ask_verb::<Held>(socket, "table.get", json!({}))? } else { None };
        return Ok(held.map(|held| held.lines));
    }
    // Timeouts and daemons are the whole table's, and no agent holds them.
    let table = Table { timeouts: None, daemons: Vec::new(), ..operator_table(false)?.0 };
    Ok(Some(plan(&Table::default(), &table, Extra::Keep).map(|change| print::change_line(&change)).collect()))
}
