//! What people type and read: both grammars, one file a verb, rendering, completions.
//!
//! A verb parses its arguments to values of the model, asks `ipvs` for what it needs, and prints. Whatever can be
//! decided without the kernel is a pure function beside it. Nothing here knows how the kernel is talked to.

pub mod add_real;
pub mod add_service;
pub mod agent;
pub mod args;
pub mod bfd;
pub mod check;
pub mod clear;
pub mod compat;
pub mod completions;
pub mod config;
pub mod connections;
pub mod delete_real;
pub mod delete_service;
pub mod diff;
pub mod doctor;
pub mod drain;
pub mod edit_real;
pub mod edit_service;
pub mod error;
pub mod explain;
pub mod genhash;
pub mod holder;
pub mod json;
pub mod kernel;
pub mod list;
pub mod metrics;
pub mod names;
pub mod prepare;
pub mod render;
pub mod restore;
pub mod save;
mod save_all;
pub mod set;
pub mod source;
pub mod sync;
pub mod timeouts;
pub mod top;
pub mod ui;
pub mod undrain;
pub mod vrrp;
pub mod watch;
pub mod zero;

use std::{ffi::OsString, io, path::Path};

use clap::{CommandFactory, Parser, Subcommand};

pub use error::{Complaint, Error};
pub use ui::Ui;

/// Linux Virtual Server at the prompt: virtual services, real servers, connections.
///
/// Commands of ipvsadm work as they are: `lvsadm -A -t 10.0.0.1:80 -s rr`, `lvsadm -Ln`. Linked as ipvsadm,
/// ipvsadm-save or ipvsadm-restore, lvsadm stands in for that program (see lvsadm-ipvsadm(7)), and linked as genhash for
/// keepalived's.
#[derive(Debug, Parser)]
#[command(name = "lvsadm", version, max_term_width = 100, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The verbs, in the order of a day's work.
#[derive(Debug, Subcommand)]
enum Command {
    AddService(add_service::AddServiceArgs),
    EditService(edit_service::EditServiceArgs),
    DeleteService(delete_service::DeleteServiceArgs),
    AddReal(add_real::AddRealArgs),
    EditReal(edit_real::EditRealArgs),
    DeleteReal(delete_real::DeleteRealArgs),
    List(list::ListArgs),
    Connections(connections::ConnectionsArgs),
    Drain(Box<drain::DrainArgs>),
    Undrain(undrain::UndrainArgs),
    Top(top::TopArgs),
    Explain(explain::ExplainArgs),
    Clear(clear::ClearArgs),
    Zero(zero::ZeroArgs),
    Timeouts(timeouts::TimeoutsArgs),
    Sync(sync::SyncArgs),
    Save(save::SaveArgs),
    Restore(restore::RestoreArgs),
    Diff(diff::DiffArgs),
    Vrrp(vrrp::VrrpArgs),
    Bfd(bfd::BfdArgs),
    Check(check::CheckArgs),
    Agent(agent::AgentArgs),
    Config(config::ConfigArgs),
    Set(set::SetArgs),
    Metrics(metrics::MetricsArgs),
    Doctor(doctor::DoctorArgs),
    Prepare(prepare::PrepareArgs),
    Completions(completions::CompletionsArgs),
}

impl Command {
    fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        match self {
            Self::AddService(args) => add_service::run(args, ui),
            Self::EditService(args) => edit_service::run(args, ui),
            Self::DeleteService(args) => delete_service::run(args, ui),
            Self::AddReal(args) => add_real::run(args, ui),
            Self::EditReal(args) => edit_real::run(args, ui),
            Self::DeleteReal(args) => delete_real::run(args, ui),
            Self::List(args) => list::run(args, ui),
            Self::Clear(args) => clear::run(args, ui),
            Self::Zero(args) => zero::run(args, ui),
            Self::Timeouts(args) => timeouts::run(args, ui),
            Self::Sync(args) => sync::run(args, ui),
            Self::Connections(args) => connections::run(args, ui),
            Self::Drain(args) => drain::run(*args, ui),
            Self::Undrain(args) => undrain::run(args, ui),
            Self::Top(args) => top::run(args, ui),
            Self::Explain(args) => explain::run(args, ui),
            Self::Save(args) => save::run(args, ui),
            Self::Restore(args) => restore::run(args, ui),
            Self::Diff(args) => diff::run(args, ui),
            Self::Vrrp(args) => vrrp::run(args, ui),
            Self::Bfd(args) => bfd::run(args, ui),
            Self::Check(args) => check::run(args, ui),
            Self::Agent(args) => agent::run(args, ui),
            Self::Config(args) => config::run(args, ui),
            Self::Set(args) => set::run(args, ui),
            Self::Metrics(args) => metrics::run(args, ui),
            Self::Doctor(args) => doctor::run(args, ui),
            Self::Prepare(args) => prepare::run(args, ui),
            Self::Completions(args) => completions::run(args, ui),
        }
    }
}

/// Returns the definition of the subcommand grammar: for help, manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs a whole command line, the program's name first, and returns the exit status.
pub fn main(args: Vec<OsString>) -> u8 {
    let mut words = args.iter();
    let program = words.next().map_or_else(|| "lvsadm".into(), |name| name.to_string_lossy());
    let rest = args.get(1..).unwrap_or_default();
    let name = Path::new(&*program).file_name().unwrap_or_default();
    match name.to_str() {
        Some("ipvsadm") => return compat::run(&program, compat::Program::Ipvsadm, rest),
        Some("ipvsadm-save") => return compat::run(&program, compat::Program::Save, rest),
        Some("genhash") => return genhash::run(rest),
        Some("ipvsadm-restore") => return compat::run(&program, compat::Program::Restore, rest),
        _ => {}
    }
    if words.next().and_then(|word| word.to_str()).is_some_and(is_ipvsadm_option) {
        return compat::run(&program, compat::Program::Ipvsadm, rest);
    }
    // Not a verb: shells ask, people do not, and help and completions need not know it.
    if rest.first().is_some_and(|word| word == "__complete") {
        let words: Vec<String> = rest.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        return finish(|ui| completions::run_live(&words, ui));
    }
    match Cli::try_parse_from(args) {
        Ok(cli) => finish(|ui| cli.command.run(ui)),
        Err(error) => explain_usage(&error),
    }
}

/// Runs a verb and reports how it went.
fn finish(verb: impl FnOnce(&mut Ui) -> Result<u8, Error>) -> u8 {
    let mut ui = Ui::new();
    let result = verb(&mut ui).and_then(|status| ui.flush().map(|()| status));
    result.unwrap_or_else(|error| {
        // What was found before the failure is still worth reading; a second failure to write it is not.
        let _ = ui.flush();
        for complaint in error.complaints() {
            ui.complain(complaint);
        }
        error.status()
    })
}

/// Prints clap's help, version or complaint, each to its proper stream.
fn explain_usage(error: &clap::Error) -> u8 {
    match error.print() {
        Err(write) if write.kind() != io::ErrorKind::BrokenPipe => 1,
        _ => u8::try_from(error.exit_code()).unwrap_or(2),
    }
}

/// ipvsadm's options, letters and long names; all but help and version by their long names, which are lvsadm's own.
pub(crate) const IPVSADM_OPTIONS: [(Option<char>, &str); 55] = [
    (Some('A'), "add-service"),
    (Some('E'), "edit-service"),
    (Some('D'), "delete-service"),
    (Some('C'), "clear"),
    (Some('L'), "list"),
    (Some('a'), "add-server"),
    (Some('e'), "edit-server"),
    (Some('d'), "delete-server"),
    (Some('S'), "save"),
    (Some('R'), "restore"),
    (Some('Z'), "zero"),
    (None, "set"),
    (None, "start-daemon"),
    (None, "stop-daemon"),
    (Some('t'), "tcp-service"),
    (Some('u'), "udp-service"),
    (None, "sctp-service"),
    (Some('f'), "fwmark-service"),
    (Some('6'), "ipv6"),
    (Some('r'), "real-server"),
    (Some('s'), "scheduler"),
    (Some('p'), "persistent"),
    (Some('M'), "netmask"),
    (Some('b'), "sched-flags"),
    (None, "pe"),
    (Some('o'), "ops"),
    (Some('g'), "gatewaying"),
    (Some('i'), "ipip"),
    (Some('m'), "masquerading"),
    (Some('w'), "weight"),
    (Some('x'), "u-threshold"),
    (Some('y'), "l-threshold"),
    (None, "tun-type"),
    (None, "tun-port"),
    (None, "tun-nocsum"),
    (None, "tun-csum"),
    (None, "tun-remcsum"),
    (Some('n'), "numeric"),
    (Some('c'), "connection"),
    (Some('X'), "exact"),
    (None, "stats"),
    (None, "rate"),
    (None, "thresholds"),
    (None, "persistent-conn"),
    (None, "tun-info"),
    (None, "timeout"),
    (None, "daemon"),
    (None, "sort"),
    (None, "nosort"),
    (None, "mcast-interface"),
    (None, "mcast-group"),
    (None, "mcast-port"),
    (None, "mcast-ttl"),
    (None, "syncid"),
    (None, "sync-maxlen"),
];

/// Whether a command line that begins with `word` is in ipvsadm's grammar: an option of it, alone, in a cluster
/// (`-Ln`) or with its value (`--set=…`).
fn is_ipvsadm_option(word: &str) -> bool {
    if let Some(long) = word.strip_prefix("--") {
        let name = long.split('=').next();
        return IPVSADM_OPTIONS.iter().any(|(_, option)| name == Some(*option));
    }
    // -l lists, too, and -v is the version that scripts ask ipvsadm for.
    let letter = word.strip_prefix('-').and_then(|cluster| cluster.chars().next());
    letter.is_some_and(|c| "lv".contains(c) || IPVSADM_OPTIONS.iter().any(|(option, _)| *option == Some(c)))
}

#[cfg(test)]
mod tests {
    use super::{command, is_ipvsadm_option};

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn the_first_word_chooses_the_grammar() {
        for word in ["-A", "-Ln", "-At10.0.0.1:80", "--list", "--add-service", "--set", "-v", "-t", "--weight=3"] {
            assert!(is_ipvsadm_option(word), "{word}");
        }
        for word in ["-h", "--help", "--version", "-V", "--", "-", "", "list", "--bogus", "-j"] {
            assert!(!is_ipvsadm_option(word), "{word}");
        }
    }
}
