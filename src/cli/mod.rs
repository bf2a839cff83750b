//! What people type and read: both grammars, one file a verb, rendering, completions.
//!
//! A verb parses its arguments to values of the model, asks `ipvs` for what it needs, and prints. Whatever can be
//! decided without the kernel is a pure function beside it. Nothing here knows how the kernel is talked to.

pub mod clear;
pub mod compat;
pub mod error;
pub mod ui;

use std::{ffi::OsString, io, path::Path, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};

pub use error::{Complaint, Error};
pub use ui::Ui;

/// Linux Virtual Server at the prompt: virtual services, real servers, connections.
///
/// Commands of ipvsadm work as they are: `lvsadm -A -t 10.0.0.1:80 -s rr`, `lvsadm -Ln`. Linked as ipvsadm,
/// ipvsadm-save or ipvsadm-restore, lvsadm stands in for that program (see lvsadm-ipvsadm(7)).
#[derive(Debug, Parser)]
#[command(name = "lvsadm", version, max_term_width = 100, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
enum Command {
    /// Remove all virtual services
    Clear(clear::ClearArgs),
}

impl Command {
    fn run(self, ui: &mut Ui) -> Result<ExitCode, Error> {
        match self {
            Self::Clear(args) => clear::run(args, ui),
        }
    }
}

/// Returns the definition of the subcommand grammar: for help, manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs a whole command line, the program's name first, and returns the exit status.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let mut words = args.iter();
    let program = words.next().map_or_else(|| "lvsadm".into(), |name| name.to_string_lossy());
    let rest = args.get(1..).unwrap_or_default();
    let name = Path::new(&*program).file_name().unwrap_or_default();
    match name.to_str() {
        Some("ipvsadm") => return compat::run(&program, compat::Program::Ipvsadm, rest),
        Some("ipvsadm-save") => return compat::run(&program, compat::Program::Save, rest),
        Some("ipvsadm-restore") => return compat::run(&program, compat::Program::Restore, rest),
        _ => {}
    }
    if words.next().and_then(|word| word.to_str()).is_some_and(is_ipvsadm_option) {
        return compat::run(&program, compat::Program::Ipvsadm, rest);
    }
    match Cli::try_parse_from(args) {
        Ok(cli) => finish(cli),
        Err(error) => explain(&error),
    }
}

/// Runs the verb and reports how it went.
fn finish(cli: Cli) -> ExitCode {
    let mut ui = Ui::new();
    let result = cli.command.run(&mut ui).and_then(|status| ui.flush().map(|()| status));
    result.unwrap_or_else(|error| {
        // What was found before the failure is still worth reading; a second failure to write it is not.
        let _ = ui.flush();
        for complaint in error.complaints() {
            ui.complain(complaint);
        }
        ExitCode::from(error.status())
    })
}

/// Prints clap's help, version or complaint, each to its proper stream.
fn explain(error: &clap::Error) -> ExitCode {
    match error.print() {
        Err(write) if write.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}

/// ipvsadm's short options, all but `-h`, which is lvsadm's own help.
const IPVSADM_SHORT: &str = "AEDCadeLlRSZvnctufspMrgimwxyXob6";

/// ipvsadm's long options, all but `--help` and `--version`.
const IPVSADM_LONG: [&str; 55] = [
    "add-server",
    "add-service",
    "clear",
    "connection",
    "daemon",
    "delete-server",
    "delete-service",
    "edit-server",
    "edit-service",
    "exact",
    "fwmark-service",
    "gatewaying",
    "ipip",
    "ipv6",
    "l-threshold",
    "list",
    "masquerading",
    "mcast-group",
    "mcast-interface",
    "mcast-port",
    "mcast-ttl",
    "netmask",
    "nosort",
    "numeric",
    "ops",
    "pe",
    "persistent",
    "persistent-conn",
    "rate",
    "real-server",
    "restore",
    "save",
    "sched-flags",
    "scheduler",
    "sctp-service",
    "set",
    "sort",
    "start-daemon",
    "stats",
    "stop-daemon",
    "sync-maxlen",
    "syncid",
    "tcp-service",
    "thresholds",
    "timeout",
    "tun-csum",
    "tun-info",
    "tun-nocsum",
    "tun-port",
    "tun-remcsum",
    "tun-type",
    "u-threshold",
    "udp-service",
    "weight",
    "zero",
];

/// Whether a command line that begins with `word` is in ipvsadm's grammar: an option of it, alone, in a cluster
/// (`-Ln`) or with its value (`--set=…`).
fn is_ipvsadm_option(word: &str) -> bool {
    if let Some(long) = word.strip_prefix("--") {
        return IPVSADM_LONG.contains(&long.split('=').next().unwrap_or(long));
    }
    word.strip_prefix('-').and_then(|cluster| cluster.chars().next()).is_some_and(|c| IPVSADM_SHORT.contains(c))
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
