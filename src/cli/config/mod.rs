//! `lvsadm config`: what is in a keepalived.conf.

mod convert;
mod lint;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Complaint, Error, Ui};
use crate::config::{
    Environment,
    load::{self, Loaded, Machine},
    tree::{Finding, Level},
};

/// Where the file is if nobody says otherwise.
pub(in crate::cli) const KEEPALIVED_CONF: &str = "/etc/keepalived/keepalived.conf";

/// Look at a keepalived.conf, or turn it into a save file
///
/// `lvsadm agent run --config FILE` runs such a file as it is.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm config lint
      What is wrong with /etc/keepalived/keepalived.conf.
  lvsadm config convert /etc/keepalived/keepalived.conf
      What the file says, as commands of lvsadm.
  lvsadm config convert --output /etc/sysconfig/lvsadm
      The same as the save file of the agent, which nobody else may read.")]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(convert::ConvertArgs),
    Lint(lint::LintArgs),
}

/// Runs the verb.
///
/// # Errors
/// The file cannot be read, or cannot be run so; the result cannot be written.
pub fn run(args: ConfigArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.command {
        Command::Convert(args) => args.run(ui),
        Command::Lint(args) => args.run(ui),
    }
}

/// Reads a file that is to be run or converted. Warnings are said.
///
/// # Errors
/// All that keeps it from being run.
pub(super) fn load(file: Option<PathBuf>, ui: &mut Ui) -> Result<(PathBuf, Loaded), Error> {
    let file = file.unwrap_or_else(|| PathBuf::from(KEEPALIVED_CONF));
    let loaded = load::load(&file, &Environment::of_host(), Machine::Any);
    if !loaded.is_sound() {
        return Err(refused(&loaded.findings));
    }
    for finding in &loaded.findings {
        ui.warn(load::line(finding));
        finding.hint.iter().for_each(|hint| ui.hint(hint));
    }
    Ok((file, loaded))
}

fn refused(findings: &[Finding]) -> Error {
    let errors = findings.iter().filter(|finding| finding.level == Level::Error);
    let complaint = |finding: &Finding| {
        let complaint = Complaint::new(load::line(finding));
        match &finding.hint {
            Some(hint) => complaint.hint(hint),
            None => complaint,
        }
    };
    Error::all_failed(errors.map(complaint).collect())
}
