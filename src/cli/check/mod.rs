//! `lvsadm check`: asks real servers whether they work, once or for as long as a process runs.

mod attempt;
mod change;
mod digest;
mod list;
mod run;

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use clap::{Args, Subcommand};

pub(in crate::cli) use self::run::TableArgs;
use super::{Complaint, Error, Ui};
use crate::{
    check::{
        answer::Answer,
        facts::Facts,
        probe::{self, Context},
        settings::{Probe, Question},
    },
    host::{
        User,
        script::{AT_ONCE, Runner},
    },
    state::check::{self, Fault},
};

/// Keep dead servers out of the table; ask servers whether they work
///
/// Checks are lines of what the agent runs, or of a save file if there is no agent or --state names one. Commands change their
/// line, keep all others, and tell the process that runs them, if one does. `try` and `digest` ask once, at the prompt, and change nothing. lvsadm-check(7) explains the words.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm check add -t 10.0.0.1:80 http --path /health --interval 2s
      All servers of a service must have this page.
  lvsadm check set -t 10.0.0.1:80 --quorum 2 --sorry-server 10.0.0.9:80
      Another server takes over when less than two work.
  lvsadm check run
      Does what the save file says, until a signal ends it.
  lvsadm check list --watch
      Who works, since when, how fast and why not.
  lvsadm check try http https://10.0.0.5/health --host www.example.org
      Whether a page is as it should be, and how long each step takes.
  lvsadm check try tcp 10.0.0.5:80
      Whether somebody listens.
  lvsadm check digest http://10.0.0.5/
      The digest that a check can compare.")]
pub struct CheckArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Add(change::AddArgs),
    Edit(change::EditArgs),
    Delete(change::DeleteArgs),
    Set(change::SetArgs),
    List(list::ListArgs),
    Run(run::RunArgs),
    Try(attempt::TryArgs),
    Digest(digest::DigestArgs),
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or nothing can be asked.
pub fn run(args: CheckArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.verb {
        Verb::Add(args) => args.run(ui),
        Verb::Edit(args) => args.run(ui),
        Verb::Delete(args) => args.run(ui),
        Verb::Set(args) => args.run(ui),
        Verb::List(args) => args.run(ui),
        Verb::Run(args) => args.run(ui),
        Verb::Try(args) => attempt::run(args, ui),
        Verb::Digest(args) => digest::run(args, ui),
    }
}

impl From<Fault> for Complaint {
    fn from(fault: Fault) -> Self {
        let complaint = Self::new(&fault);
        match fault.hint {
            Some(hint) => complaint.hint(hint),
            None => complaint,
        }
    }
}

/// Passes if nothing is wrong with a command line.
fn passed(complaints: Vec<Complaint>, faults: check::Faults) -> Result<(), Error> {
    let all: Vec<Complaint> =
        complaints.into_iter().chain(faults.into_all().into_iter().map(Complaint::from)).collect();
    if all.is_empty() { Ok(()) } else { Err(Error::usage(all)) }
}

/// Stands for a target while the rest of a command line is read, whose own is wrong or missing.
fn nowhere() -> SocketAddr {
    SocketAddr::new(IpAddr::from([0; 4]), 0)
}

/// Makes probes, one after the other, in a runtime of their own.
fn ask(probes: &[&Probe]) -> Result<Vec<(Answer, Facts)>, Error> {
    let cannot = |error: io::Error| Error::failed(format_args!("cannot prepare a probe: {error}")).with_status(2);
    // Only scripts need somebody to run them; looking for one may mean to ask a directory server.
    let user = if probes.iter().any(|probe| matches!(probe.question, Question::Script { .. })) {
        User::for_scripts(None).map_err(|fault| Error::failed(fault).with_status(2))?
    } else {
        User::ourselves()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    runtime.block_on(async {
        let context = Context::new(Runner::new(user, AT_ONCE)).map_err(cannot)?;
        let mut answers = Vec::new();
        for probe in probes {
            answers.push(probe::ask_in_detail(probe, &context).await);
        }
        Ok(answers)
    })
}
