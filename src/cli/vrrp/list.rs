//! `list` and `show` of virtual routers, and of what runs beside them: what runs, or what the save file says if nothing does.

use std::time::Duration;

use clap::Args;
use serde::{Serialize, de::DeserializeOwned};

use super::{Target, ask, file::Saved};
use crate::{
    agent::control::VrrpCall,
    cli::{Complaint, Error, Ui, args::interval, json, render, watch::watch},
    model::Family,
    state::vrrp::print_address,
    vrrp::{
        event::State,
        settings::{Instance, Settings, Transport, Version},
        status::{Counters, GroupStatus, InstanceStatus, Status},
    },
};

/// How all are doing that are of one kind, instances or BFD sessions, and how that is shown.
pub(in crate::cli) trait Report: DeserializeOwned {
    /// What one is called.
    const NOUN: &'static str;
    /// What the process is called that runs them.
    const PROCESS: &'static str;
    /// The verb, and its page of the manual.
    const VERB: &'static str;
    const PAGE: &'static str;
    /// What the process is asked.
    const CALL: VrrpCall;
    /// One a line, and everything about them; whether they run.
    const LIST: fn(&Self, bool) -> String;
    const SHOW: fn(&Self, bool) -> String;

    /// Returns what there is to say of those that do not run.
    fn of_settings(settings: &Settings) -> Self;

    /// Whether there is one of this name.
    fn has(&self, name: &str) -> bool;

    /// Leaves only those of these names, and what belongs to them.
    fn select(&mut self, names: &[String]);

    /// Returns it as programs get it.
    fn json(&self, runs: bool) -> impl Serialize;
}

/// Which, and how they are shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs<R: Report> {
    #[arg(value_name = "NAME", help = format!("Only these {}s", R::NOUN))]
    names: Vec<String>,
    #[arg(long, help = format!("JSON, described in {}", R::PAGE))]
    json: bool,
    /// Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", require_equals = true, value_parser = interval)]
    watch: Option<Duration>,
    #[command(flatten)]
    target: Target,
    #[arg(skip)]
    report: std::marker::PhantomData<R>,
}

impl<R: Report> ListArgs<R> {
    /// Shows them one a line.
    pub(in crate::cli) fn list(self, ui: &mut Ui) -> Result<u8, Error> {
        self.run(ui, R::LIST)
    }

    /// Shows everything about them.
    pub(in crate::cli) fn show(self, ui: &mut Ui) -> Result<u8, Error> {
        self.run(ui, R::SHOW)
    }

    fn run(&self, ui: &mut Ui, text: fn(&R, bool) -> String) -> Result<u8, Error> {
        let Some(interval) = self.watch else {
            let (report, runs) = self.report(ui)?;
            if self.json {
                ui.json(&report.json(runs))?;
            } else {
                ui.print(text(&report, runs))?;
            }
            return Ok(0);
        };
        watch(interval, ui, |ui| {
            let (report, runs) = self.report(ui)?;
            if self.json { ui.json_line(&report.json(runs)) } else { ui.print(text(&report, runs)) }
        })
    }

    /// Returns what is asked for, and whether it runs.
    fn report(&self, ui: &mut Ui) -> Result<(R, bool), Error> {
        let running = ask::ask::<R>(&self.target, &R::CALL)?;
        let runs = running.is_some();
        let mut report = match running {
            Some(report) => report,
            None => R::of_settings(&self.saved(ui)?),
        };
        let missing = self.names.iter().filter(|name| !report.has(name));
        let missing: Vec<_> =
            missing.map(|name| Complaint::new(format_args!("there is no {} {name}", R::NOUN))).collect();
        if !missing.is_empty() {
            return Err(Error::all_failed(missing));
        }
        if !self.names.is_empty() {
            report.select(&self.names);
        }
        Ok((report, runs))
    }

    /// Returns what the save file says.
    fn saved(&self, ui: &mut Ui) -> Result<Settings, Error> {
        let saved = Saved::of(&self.target)?;
        if !saved.is_there() {
            return Err(Error::failed(format_args!(
                "no {} answers at {}, and there is no save file {}",
                R::PROCESS,
                self.target.socket().display(),
                saved.path.display()
            ))
            .hint(format_args!("`lvsadm {} add` makes the file; --state and --run-dir name other places", R::VERB)));
        }
        // Warnings time and again would write over the listing.
        let parsed = if self.watch.is_some() { saved.parse()? } else { saved.check(ui)? };
        Ok(parsed.settings)
    }
}

impl Report for Status {
    const NOUN: &'static str = "instance";
    const PROCESS: &'static str = "VRRP process";
    const VERB: &'static str = "vrrp";
    const PAGE: &'static str = "lvsadm-vrrp(7)";
    const CALL: VrrpCall = VrrpCall::Status {};
    const LIST: fn(&Self, bool) -> String = render::vrrp_list;
    const SHOW: fn(&Self, bool) -> String = render::vrrp_show;

    fn of_settings(settings: &Settings) -> Self {
        let instances = settings.instances.iter().map(|instance| idle(settings, instance));
        let groups = settings.groups.iter().map(|group| GroupStatus {
            name: group.name.clone(),
            state: State::Stopped,
            since_ms: 0,
            members: group.members.clone(),
        });
        Self { instances: instances.collect(), groups: groups.collect(), ..Self::default() }
    }

    fn has(&self, name: &str) -> bool {
        self.instances.iter().any(|instance| instance.name == name)
    }

    fn select(&mut self, names: &[String]) {
        self.instances.retain(|instance| names.contains(&instance.name));
        self.groups.retain(|group| group.members.iter().any(|member| names.contains(member)));
        let shown = |user: &String| names.contains(user) || self.groups.iter().any(|group| group.name == *user);
        self.trackers.retain(|tracker| tracker.users.iter().any(shown));
    }

    fn json(&self, runs: bool) -> impl Serialize {
        json::VirtualRouters::new(self, runs)
    }
}

/// Returns what there is to say of an instance that does not run.
fn idle(settings: &Settings, instance: &Instance) -> InstanceStatus {
    let group = settings.groups.iter().find(|group| group.members.contains(&instance.name));
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
        group: group.map(|group| group.name.clone()),
        order: None,
        addresses: instance.addresses.iter().chain(&instance.excluded).map(print_address).collect(),
        peers: Vec::new(),
        timer_ms: None,
        waits_for: Vec::new(),
        counters: Counters::default(),
    }
}
