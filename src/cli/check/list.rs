//! `lvsadm check list`: what runs, or what the save file says if nothing does.

use std::time::Duration;

use clap::Args;

use crate::{
    agent::{
        check::control::{SOCKET, idle_status},
        control::CheckCall,
    },
    cli::{
        Error, Ui,
        agent::{ask::ask_verb, child::Child},
        args::interval,
        json, render,
        vrrp::{
            Target,
            file::{Saved, placed},
        },
        watch::watch,
    },
    pool::{
        settings::Scope,
        status::{IdleStatus, Status, describe},
    },
    state::names::Resolver,
};

/// Show checks: state, since when, last answer, latency, failures, next probe
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm check list
  lvsadm check list --watch=1
  lvsadm check list --json | jq '.services[].servers[] | select(.state == \"down\")'")]
pub(super) struct ListArgs {
    /// JSON, described in lvsadm(8)
    #[arg(long)]
    json: bool,
    /// Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", require_equals = true, value_parser = interval)]
    watch: Option<Duration>,
    #[command(flatten)]
    target: Target,
}

impl ListArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let Some(interval) = self.watch else {
            let (status, running) = self.status()?;
            if self.json {
                ui.json(&json::Checks::new(&status, running))?;
            } else {
                ui.print(render::checks(&status))?;
                if !running {
                    ui.note("no check process runs; `lvsadm check run` starts one");
                }
            }
            return Ok(0);
        };
        watch(interval, ui, |ui| {
            let (status, running) = self.status()?;
            if self.json {
                ui.json_line(&json::Checks::new(&status, running))
            } else {
                ui.print(render::checks(&status))
            }
        })
    }

    /// Returns how checks are doing, and whether they run.
    fn status(&self) -> Result<(Status, bool), Error> {
        let (verb, params) = CheckCall::Status {}.parts();
        match ask_verb(&Child::Check.way(&self.target.run_dir())?, &verb, params)? {
            Some(status) => Ok((status, true)),
            None => Ok((self.saved()?, false)),
        }
    }

    /// Returns what the save file says: checks that are idle, all of them.
    fn saved(&self) -> Result<Status, Error> {
        let saved = Saved::of(&self.target)?;
        if !saved.is_there() {
            let (socket, state) = (self.target.run_dir().join(SOCKET), saved.path);
            return Err(Error::failed(format_args!(
                "no check process answers at {}, and there is no save file {}",
                socket.display(),
                state.display()
            ))
            .hint("`lvsadm check add` makes the file; --state and --run-dir name other places"));
        }
        let (lines, table) = saved.file.checks(&Resolver::new()).map_err(|faults| {
            Error::all_failed(faults.into_iter().map(|fault| placed(&saved.path, fault)).collect())
        })?;
        let expanded = lines.over(table.table, Scope::All);
        let idle = expanded.settings.checks.iter().map(|check| IdleStatus {
            service: check.service.to_string(),
            server: check.server.to_string(),
            probe: describe(&check.probe),
        });
        Ok(Status { idle: idle.chain(expanded.idle.iter().map(idle_status)).collect(), ..Status::default() })
    }
}
