//! `lvsadm agent`: the process in the background that holds virtual routers, checks and the table.

pub(in crate::cli) mod ask;
pub(in crate::cli) mod child;
mod events;
mod run;
mod start;
pub(in crate::cli) mod state;
mod status;
mod stop;
mod why;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Error, Ui};
use crate::{agent::SOCKET, host::namespace};

/// Run virtual routers and health checks in the background
///
/// One agent for each network namespace. It begins with its save file; from then on commands change what runs, and
/// `lvsadm save --all` keeps it. lvsadm-agent(7) explains the rest.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm agent start
      What /etc/sysconfig/lvsadm says, in the background.
  lvsadm check add -t 10.0.0.1:80 http --path /health; lvsadm save --all
      A change of what runs, kept for the next start.
  lvsadm agent status
      Which processes there are, since when, and whether all is saved.
  lvsadm agent why -t 10.0.0.1:80
      What happened to a service and its servers, and what was seen.")]
pub struct AgentArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(Box<run::RunArgs>),
    Start(Box<start::StartArgs>),
    Stop(stop::StopArgs),
    Reload(stop::ReloadArgs),
    Status(status::StatusArgs),
    Events(events::EventsArgs),
    Why(why::WhyArgs),
}

/// Runs the verb.
///
/// # Errors
/// The command line or the save file is wrong, there is no agent or already one, or it refuses.
pub fn run(args: AgentArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.verb {
        Verb::Run(args) => args.run(ui),
        Verb::Start(args) => args.run(ui),
        Verb::Stop(args) => args.run(ui),
        Verb::Reload(args) => args.run(ui),
        Verb::Status(args) => args.run(ui),
        Verb::Events(args) => args.run(ui),
        Verb::Why(args) => args.run(ui),
    }
}

/// Which agent.
#[derive(Debug, Args)]
struct Where {
    /// Directory of the agent's control socket [default: /run/lvsadm]
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
}

impl Where {
    fn run_dir(&self) -> PathBuf {
        namespace::run_dir(self.run_dir.as_deref())
    }

    fn socket(&self) -> PathBuf {
        self.run_dir().join(SOCKET)
    }
}
