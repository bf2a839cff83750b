//! `lvsadm drain`: no new connections for a server, and waiting until the old ones have ended.

pub(in crate::cli) mod agent;
pub(in crate::cli) mod choose;
mod decay;
pub(in crate::cli) mod owner;
pub(in crate::cli) mod record;
pub(in crate::cli) mod wait;

use std::{fmt::Display, net::IpAddr, time::Duration};

use clap::{Args, ValueEnum};

use super::{
    Complaint, Error, Ui,
    args::{Faults, ServiceFilter, ServiceFilterArgs, duration, server_filter},
    holder::Holder,
    json, kernel,
    names::Names,
    render,
    vrrp::Target,
};
use crate::{
    agent::control,
    host::sysctl,
    ipvs::Client,
    model::{DaemonRole, Protocol, ServerStatus, ServiceKey, Table, VirtualService, Weight},
};
use choose::{Chosen, choose};
use wait::{Drained, End, Options, Signals, State};

/// The longest time that is waited: a month, the longest persistence.
const MOST_SECONDS: u32 = 31 * 24 * 3600;

/// Take work from real servers gently
///
/// The servers get weight 0, and so no new connections, and lvsadm waits until those that they have are gone. Exit status 0: they
/// are; 1: some are left. `lvsadm undrain` gives the weights back. With an agent the drain outlives terminal and restarts; without
/// one, the weights are noted beside the save file.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm drain -r 10.0.0.11
      In all services; wait until its last connection has ended.
  lvsadm drain -r 10.0.0.11:80 -t 10.0.0.1:80 --timeout 10m --then delete
      In one service, ten minutes at most; remove the server when it is empty.
  lvsadm drain -r 10.0.0.11 -r 10.0.0.12 --no-wait
      Two servers, and back to the prompt at once.
  lvsadm drain --list
      What is drained, by whom, since when, and what is left of it.
  lvsadm drain -r 10.0.0.11 --on-interrupt restore --json | jq -r .connections
      For a script: what is left, a line whenever that changes.

A busy UDP client keeps its server, because a flow ends only some time after its last packet; and a persistent service sends a client
that it remembers to the same server, whatever its weight. lvsadm says when it waits for those; --ignore does not.")]
pub struct DrainArgs {
    /// The server; without a port: all of its ports. May be repeated
    #[arg(short = 'r', long = "real-server", value_name = "ADDR[:PORT]", required_unless_present = "list")]
    servers: Vec<String>,
    #[command(flatten)]
    services: ServiceFilterArgs,
    /// Wait no longer than this: 90, 10m, 8h. The servers go on draining [default: no end]
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// What to do with a server that has nothing left
    #[arg(long, value_name = "WHAT", default_value = "keep")]
    then: Then,
    /// Do not wait
    #[arg(long, conflicts_with_all = ["timeout", "ignore", "on_interrupt"])]
    no_wait: bool,
    /// Do not wait for these. May be repeated
    #[arg(long, value_name = "WHAT")]
    ignore: Vec<Ignore>,
    /// What Ctrl-C does to the weights; without a terminal to ask on, they are left
    #[arg(long, value_name = "WHAT", default_value = "ask")]
    on_interrupt: OnInterrupt,
    /// Show what is drained, by whom and since when, instead of draining something
    #[arg(long, conflicts_with_all = ["timeout", "then", "no_wait", "ignore", "on_interrupt"])]
    list: bool,
    /// Look host and service names up
    #[arg(long)]
    resolve: bool,
    /// JSON, one line for each change, described in lvsadm(8)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What becomes of an empty server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Then {
    /// It stays in the table with weight 0
    Keep,
    /// It is removed from the service
    Delete,
}

/// What is not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ignore {
    /// Flows of UDP services
    Udp,
    /// Clients that a persistent service remembers
    Templates,
}

/// What an interrupt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnInterrupt {
    /// Asks
    Ask,
    /// They are given back
    Restore,
    /// They stay 0
    Leave,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no such server, the kernel or the agent refuses, or the note cannot be written.
pub fn run(args: DrainArgs, ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.resolve);
    let services = args.services.filter(&names, &mut faults);
    let servers = servers(&args.servers, &names, &mut faults);
    let timeout = faults.read(args.timeout.as_ref(), |word| duration("--timeout", word, MOST_SECONDS));
    faults.check()?;

    if args.list {
        return list(&args, &services, &servers, ui);
    }
    let holder = Holder::for_changes_in(&args.target.run_dir());
    let by_agent = holder.is_some();
    if args.no_wait && args.then == Then::Delete && !by_agent {
        let complaint = Complaint::new("--then delete needs somebody who waits until the servers are empty");
        return Err(Error::usage(vec![complaint.hint("leave --no-wait out, or run an agent, which does that")]));
    }
    let mut client = kernel::open()?;
    let signals = if args.no_wait { None } else { Some(Signals::new()?) };
    let mut drained = match &holder {
        Some(holder) => begin_by_agent(holder, &args, &services, &servers, ui)?,
        None => begin(&args, &mut client, &services, &servers, ui)?,
    };
    let templates = says(&mut client, &drained, &args, ui)?;
    let end = if let Some(signals) = &signals {
        let options = Options {
            ignore: &args.ignore,
            timeout: timeout.map(|seconds| Duration::from_secs(seconds.into())),
            delete: args.then == Then::Delete && !by_agent,
            agent: holder.as_ref(),
            templates_count: templates && !args.ignore.contains(&Ignore::Templates),
            on_interrupt: args.on_interrupt,
            json: args.json,
        };
        wait::wait(&mut client, &mut drained, &options, signals, ui)?
    } else {
        End::Left
    };
    if end == End::Restore {
        restore(&args, &mut client, &mut drained, holder.as_ref(), ui)?;
    }
    if !by_agent {
        let over = |each: &&Drained| matches!(each.state, State::Deleted | State::Gone | State::Raised(_));
        let over: Vec<_> = drained.iter().filter(over).map(|each| each.chosen.member()).collect();
        record::forget(&record::path(&args.target), &over)?;
    }
    report(&args, &drained, end, ui)
}

/// Reads `-r`.
pub(in crate::cli) fn servers(words: &[String], names: &Names, faults: &mut Faults) -> Vec<(IpAddr, Option<u16>)> {
    words.iter().filter_map(|word| faults.take(server_filter(word, names))).collect()
}

fn begin(
    args: &DrainArgs,
    client: &mut Client,
    services: &ServiceFilter,
    servers: &[(IpAddr, Option<u16>)],
    ui: &mut Ui,
) -> Result<Vec<Drained>, Error> {
    let path = record::path(&args.target);
    let choose = |table: &Table| choose(table, services, servers);
    let begun = record::begin(&path, client, choose, &owner::operator(), ui)?;
    Ok(begun
        .into_iter()
        .map(|record::Begun { chosen, weight, owner, ours }| Drained {
            chosen,
            weight,
            owner,
            ours,
            since: None,
            state: State::Draining,
            status: ServerStatus::default(),
        })
        .collect())
}

fn begin_by_agent(
    holder: &Holder,
    args: &DrainArgs,
    services: &ServiceFilter,
    servers: &[(IpAddr, Option<u16>)],
    ui: &mut Ui,
) -> Result<Vec<Drained>, Error> {
    let chosen = choose(&holder.table(None)?.0, services, servers)?;
    let then = match args.then {
        Then::Keep => control::Then::Keep,
        Then::Delete => control::Then::Delete,
    };
    let owner = owner::operator();
    let already = agent::drain(holder, &chosen, owner.clone(), then)?;
    let begun = chosen.into_iter().map(|chosen| {
        let before = agent::find(&already, &chosen);
        let owner = before.map_or_else(|| owner.clone(), |before| before.owner.clone().unwrap_or_default());
        if let Some(before) = before {
            say_already(&chosen, render::duration(before.since_ms / 1000), &owner, ui);
        } else if chosen.server.weight == Weight::ZERO {
            say_idle(&chosen, ui);
        }
        Drained {
            weight: Some(chosen.server.weight.value()),
            owner,
            ours: before.is_none(),
            since: None,
            state: State::Draining,
            status: ServerStatus::default(),
            chosen,
        }
    });
    Ok(begun.collect())
}

/// Says that somebody drained a server before.
fn say_already(chosen: &Chosen, since: impl Display, owner: &str, ui: &mut Ui) {
    ui.note(format_args!("{} drains already, since {since}: {owner}", chosen.label()));
}

/// Says that a server got nothing new before.
fn say_idle(chosen: &Chosen, ui: &mut Ui) {
    ui.note(format_args!("{} has weight 0 already, and nobody drains it", chosen.label()));
}

/// Says what makes this drain longer than it looks. Returns whether clients that are remembered come back to drained servers.
fn says(client: &mut Client, drained: &[Drained], args: &DrainArgs, ui: &mut Ui) -> Result<bool, Error> {
    let is_udp =
        |each: &Drained| matches!(each.chosen.service.key, ServiceKey::Address { protocol: Protocol::Udp, .. });
    if !args.no_wait && drained.iter().any(is_udp) && !args.ignore.contains(&Ignore::Udp) {
        let seconds = render::duration(client.timeouts()?.udp.into());
        ui.note(format_args!(
            "UDP: a flow ends {seconds} after its last packet, so a client that goes on sending keeps its server; \
             --ignore udp does not wait for that"
        ));
    }
    let persistent = drained.iter().filter_map(|each| each.chosen.service.persistence).map(|p| p.timeout).max();
    let mut templates = false;
    if let Some(timeout) = persistent {
        // Where it cannot be read, the kernel has no such switch and does as with 0.
        let switch = sysctl::Key::new("ipv4/vs/expire_quiescent_template").ok();
        templates = switch.and_then(|key| sysctl::read(&key).ok()).as_deref() != Some("1");
        if templates {
            ui.note(format_args!(
                "persistence: clients that are remembered still get new connections to this server, until they have \
                 been away for {}; --ignore templates does not wait for that",
                render::duration(timeout.into())
            ));
            ui.hint("sysctl net.ipv4.vs.expire_quiescent_template=1 sends them to other servers, in all services");
        }
    }
    let mut closed: Vec<&str> = drained
        .iter()
        .filter(|each| drops_clients(&each.chosen.service))
        .map(|each| each.chosen.service.scheduler.as_str())
        .collect();
    closed.sort_unstable();
    closed.dedup();
    for scheduler in closed {
        ui.warn(format_args!(
            "the scheduler {scheduler} goes on naming a drained server to its clients: their new connections are dropped"
        ));
        ui.hint(match scheduler {
            "sh" => "edit-service -b sh-fallback gives them other servers (with sh-port: -b sh-fallback,sh-port)",
            "mh" => "edit-service -b mh-fallback gives them other servers (with mh-port: -b mh-fallback,mh-port)",
            _ => "delete-real gives them other servers, and cuts the connections that there are",
        });
    }
    for daemon in client.daemons()? {
        match daemon.role {
            DaemonRole::Master => ui.note(
                "sync: the backup director has a table of its own; drain there, too, or the server gets new \
                 connections when that director takes over",
            ),
            DaemonRole::Backup => ui.note(
                "sync: connections of another director count here as well, and end when that one says so; drain there, \
                 too",
            ),
        }
    }
    Ok(templates)
}

/// Whether this service drops the clients of a server without weight, because its hash has no second choice.
fn drops_clients(service: &VirtualService) -> bool {
    match service.scheduler.as_str() {
        "sh" | "mh" => !service.flags.first,
        "dh" => true,
        _ => false,
    }
}

/// Gives the weights back that this command took; drains of others go on.
fn restore(
    args: &DrainArgs,
    client: &mut Client,
    drained: &mut [Drained],
    holder: Option<&Holder>,
    ui: &mut Ui,
) -> Result<(), Error> {
    let ours: Vec<&mut Drained> =
        drained.iter_mut().filter(|each| each.ours && matches!(each.state, State::Draining | State::Emptied)).collect();
    let chosen: Vec<Chosen> = ours.iter().map(|each| each.chosen.clone()).collect();
    if let Some(holder) = holder {
        agent::undrain(holder, &chosen, None)?;
    } else {
        let path = record::path(&args.target);
        record::end(
            &path,
            client,
            |table, list| {
                let back = chosen.iter().filter_map(|each| {
                    let entry = table.services.get(&each.service.key)?;
                    let server = *entry.servers.get(&each.server.key)?;
                    let weight = list.drain(&each.member()).and_then(|drain| Weight::new(drain.weight))?;
                    Some(record::Back { chosen: Chosen { service: entry.service.clone(), server }, weight })
                });
                Ok(back.collect())
            },
            None,
        )?;
    }
    for each in ours {
        each.state = State::Restored;
    }
    if drained.iter().any(|each| !each.ours) {
        ui.note("servers that drained before this command go on draining");
    }
    Ok(())
}

/// Shows what is drained.
fn list(
    args: &DrainArgs,
    services: &ServiceFilter,
    servers: &[(IpAddr, Option<u16>)],
    ui: &mut Ui,
) -> Result<u8, Error> {
    let drained = match Holder::for_reading_in(&args.target.run_dir()) {
        Some(holder) => agent::drained(&holder, choose(&holder.table(None)?.0, services, servers)?)?,
        None => record::drained(&record::path(&args.target), &kernel::open()?.snapshot()?, |table| {
            choose(table, services, servers)
        })?,
    };
    let left = drained.iter().map(|each| u64::from(each.status.active) + u64::from(each.status.inactive)).sum();
    if args.json {
        ui.json_line(&json::DrainStep::new("list", &drained, left, None))?;
    } else {
        ui.print(render::drained(&drained))?;
    }
    Ok(0)
}

/// Says how it ended.
fn report(args: &DrainArgs, drained: &[Drained], end: End, ui: &mut Ui) -> Result<u8, Error> {
    let emptied = drained.iter().all(|each| each.state.is_success());
    let left: u64 = drained
        .iter()
        .filter(|each| each.state == State::Draining)
        .map(|each| u64::from(each.status.active) + u64::from(each.status.inactive))
        .sum();
    if args.json {
        let event = if args.no_wait { "begun" } else { "end" };
        ui.json_line(&json::DrainStep::new(event, drained, left, None))?;
    } else {
        ui.print(render::drained(drained))?;
    }
    ui.flush()?;
    if args.no_wait {
        return Ok(0);
    }
    if end == End::TimedOut {
        let which: Vec<_> =
            drained.iter().filter(|each| each.state == State::Draining).map(|each| each.chosen.label()).collect();
        let more = if which.len() > 5 { " …" } else { "" };
        let which: Vec<_> = which.into_iter().take(5).collect();
        return Err(Error::failed(format_args!("not empty within the time: {}{more}", which.join(", "))).hint(
            "they go on draining; `lvsadm connections -r …` shows what is left, undrain gives the weights back, \
             delete-real cuts the connections",
        ));
    }
    Ok(u8::from(!emptied))
}
