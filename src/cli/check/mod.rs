//! `lvsadm check`: asks real servers whether they work.

mod attempt;
mod digest;

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use clap::{Args, Subcommand};

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

/// Ask real servers whether they work
///
/// One probe now, at the prompt; nothing is changed.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
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
    Try(attempt::TryArgs),
    Digest(digest::DigestArgs),
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or nothing can be asked.
pub fn run(args: CheckArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.verb {
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
