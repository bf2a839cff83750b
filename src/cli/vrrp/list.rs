//! `lvsadm vrrp list` and `show`: what runs, or what the save file says if nothing does.

use std::time::Duration;

use clap::Args;

use super::{Target, ask, file::Saved};
use crate::{
    agent::control::VrrpCall,
    cli::{Complaint, Error, Ui, args::interval, json, render, watch::watch},
    model::Family,
    state::vrrp::print_address,
    vrrp::{
        event::State,
        settings::{Settings, Transport, Version},
        status::{Counters, GroupStatus, InstanceStatus, Status},
    },
};

/// What both have in common.
#[derive(Debug, Args)]
struct Output {
    /// Only these instances
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// JSON, described in lvsadm-vrrp(7)
    #[arg(long)]
    json: bool,
    /// Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", require_equals = true, value_parser = interval)]
    watch: Option<Duration>,
    #[command(flatten)]
    target: Target,
}

/// Instances, one a line.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    output: Output,
}

/// Instances with everything about them.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    output: Output,
}

impl ListArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        self.output.run(ui, render::vrrp_list)
    }
}

impl ShowArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        self.output.run(ui, render::vrrp_show)
    }
}

impl Output {
    fn run(&self, ui: &mut Ui, text: fn(&Status, bool) -> String) -> Result<u8, Error> {
        let Some(interval) = self.watch else {
            let (status, running) = self.status(ui)?;
            if self.json {
                ui.json(&json::VirtualRouters::new(&status, running))?;
            } else {
                ui.print(text(&status, running))?;
            }
            return Ok(0);
        };
        watch(interval, ui, |ui| {
            let (status, running) = self.status(ui)?;
            if self.json {
                ui.json_line(&json::VirtualRouters::new(&status, running))
            } else {
                ui.print(text(&status, running))
            }
        })
    }

    /// Returns what is asked for, and whether it runs.
    fn status(&self, ui: &mut Ui) -> Result<(Status, bool), Error> {
        let running = ask::ask::<Status>(&self.target, &VrrpCall::Status {})?;
        let runs = running.is_some();
        let mut status = match running {
            Some(status) => status,
            None => self.saved(ui)?,
        };
        let missing: Vec<_> = self
            .names
            .iter()
            .filter(|name| !status.instances.iter().any(|instance| instance.name == **name))
            .map(|name| Complaint::new(format_args!("there is no instance {name}")))
            .collect();
        if !missing.is_empty() {
            return Err(Error::all_failed(missing));
        }
        if !self.names.is_empty() {
            status.instances.retain(|instance| self.names.contains(&instance.name));
            status.groups.retain(|group| group.members.iter().any(|member| self.names.contains(member)));
            let shown =
                |user: &String| self.names.contains(user) || status.groups.iter().any(|group| group.name == *user);
            status.trackers.retain(|tracker| tracker.users.iter().any(shown));
        }
        Ok((status, runs))
    }

    /// Returns what the save file says.
    fn saved(&self, ui: &mut Ui) -> Result<Status, Error> {
        let saved = Saved::of(&self.target)?;
        if !saved.is_there() {
            let (socket, state) = (self.target.socket(), saved.path);
            return Err(Error::failed(format_args!(
                "no VRRP process answers at {}, and there is no save file {}",
                socket.display(),
                state.display()
            ))
            .hint("`lvsadm vrrp add` makes the file; --state and --run-dir name other places"));
        }
        // Warnings time and again would write over the listing.
        let parsed = if self.watch.is_some() { saved.parse()? } else { saved.check(ui)? };
        Ok(of_settings(&parsed.settings))
    }
}

/// Returns what there is to say of instances that do not run.
fn of_settings(settings: &Settings) -> Status {
    let group_of = |name: &String| settings.groups.iter().find(|group| group.members.contains(name));
    let instances = settings.instances.iter().map(|instance| {
        let (Transport::Multicast { source, .. } | Transport::Unicast { source, .. }) = &instance.transport;
        InstanceStatus {
            name: instance.name.clone(),
            interface: instance.interface.clone(),
            vrid: instance.vrid.get(),
            version: if instance.version == Version::V2 { 2 } else { 3 },
            family: if instance.family == Family::V4 { "ipv4" } else { "ipv6" }.to_owned(),
            state: State::Stopped,
            since_ms: 0,
            transitions: Vec::new(),
            base_priority: instance.priority.get(),
            priority: instance.priority.get(),
            interval_ms: u64::try_from(instance.interval.as_millis()).unwrap_or(u64::MAX),
            source: *source,
            group: group_of(&instance.name).map(|group| group.name.clone()),
            order: None,
            addresses: instance.addresses.iter().chain(&instance.excluded).map(print_address).collect(),
            peers: Vec::new(),
            timer_ms: None,
            waits_for: Vec::new(),
            counters: Counters::default(),
        }
    });
    let groups = settings.groups.iter().map(|group| GroupStatus {
        name: group.name.clone(),
        state: State::Stopped,
        since_ms: 0,
        members: group.members.clone(),
    });
    Status { instances: instances.collect(), groups: groups.collect(), ..Status::default() }
}
