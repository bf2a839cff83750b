//! `lvsadm bfd list` and `show`: what runs, or what the save file says if nothing does.

use std::time::Duration;

use clap::Args;

use crate::{
    agent::control::VrrpCall,
    bfd::{sessions::idle, status::Status},
    cli::{
        Complaint, Error, Ui,
        args::interval,
        json, render,
        vrrp::{Target, ask, file::Saved},
        watch::watch,
    },
};

/// What both have in common.
#[derive(Debug, Args)]
struct Output {
    /// Only these sessions
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// JSON, described in lvsadm-bfd(7)
    #[arg(long)]
    json: bool,
    /// Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", require_equals = true, value_parser = interval)]
    watch: Option<Duration>,
    #[command(flatten)]
    target: Target,
}

/// Sessions, one a line.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    output: Output,
}

/// Sessions with everything about them.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    output: Output,
}

impl ListArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        self.output.run(ui, render::bfd_list)
    }
}

impl ShowArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        self.output.run(ui, render::bfd_show)
    }
}

impl Output {
    fn run(&self, ui: &mut Ui, text: fn(&Status, bool) -> String) -> Result<u8, Error> {
        let Some(interval) = self.watch else {
            let (status, running) = self.status(ui)?;
            if self.json {
                ui.json(&json::Sessions::new(&status, running))?;
            } else {
                ui.print(text(&status, running))?;
            }
            return Ok(0);
        };
        watch(interval, ui, |ui| {
            let (status, running) = self.status(ui)?;
            if self.json {
                ui.json_line(&json::Sessions::new(&status, running))
            } else {
                ui.print(text(&status, running))
            }
        })
    }

    /// Returns what is asked for, and whether it runs.
    fn status(&self, ui: &mut Ui) -> Result<(Status, bool), Error> {
        let running = ask::ask::<Status>(&self.target, &VrrpCall::Sessions {})?;
        let runs = running.is_some();
        let mut status = match running {
            Some(status) => status,
            None => self.saved(ui)?,
        };
        let missing: Vec<_> = self
            .names
            .iter()
            .filter(|name| !status.sessions.iter().any(|session| session.name == **name))
            .map(|name| Complaint::new(format_args!("there is no BFD session {name}")))
            .collect();
        if !missing.is_empty() {
            return Err(Error::all_failed(missing));
        }
        if !self.names.is_empty() {
            status.sessions.retain(|session| self.names.contains(&session.name));
        }
        Ok((status, runs))
    }

    /// Returns what the save file says.
    fn saved(&self, ui: &mut Ui) -> Result<Status, Error> {
        let saved = Saved::of(&self.target)?;
        if !saved.is_there() {
            return Err(Error::failed(format_args!(
                "no process with BFD sessions answers at {}, and there is no save file {}",
                self.target.socket().display(),
                saved.path.display()
            ))
            .hint("`lvsadm bfd add` makes the file; --state and --run-dir name other places"));
        }
        // Warnings time and again would write over the listing.
        let parsed = if self.watch.is_some() { saved.parse()? } else { saved.check(ui)? };
        Ok(Status { sessions: parsed.settings.sessions.iter().map(idle).collect(), ..Status::default() })
    }
}
