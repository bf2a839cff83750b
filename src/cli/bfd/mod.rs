//! `lvsadm bfd`: BFD sessions in the save file, and in the process that runs them.

mod list;
mod run;

use clap::{Args, Subcommand};

use super::{
    Error, Ui,
    vrrp::{
        change::{AddArgs, DeleteArgs, EditArgs},
        list::ListArgs,
    },
};
use crate::{
    bfd::status::Status,
    state::vrrp::{Kind, SessionGrammar},
};

/// See failures of the path to a neighbour in milliseconds (BFD)
///
/// Virtual routers give way when a session that they track is down (`vrrp … --track-bfd NAME`), and real servers leave their
/// service (`check add … bfd NAME`). Changes are made to the save file, whose other lines stay as they are, and to the process
/// that runs it, if one does. What is wrong is said first, and then nothing is changed. lvsadm-bfd(7) explains the words.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm bfd add gw --neighbour 10.9.9.1 --min-rx 50ms --min-tx 50ms --multiplier 3
      A session with a router; a failure is seen in 150 ms.
  lvsadm vrrp edit VI_1 --track-bfd gw
      Another director takes over while the router cannot be reached from here.
  lvsadm bfd edit gw --min-rx 20ms --min-tx 20ms
      Faster, while the session stays up.
  lvsadm bfd list --watch
      Which are up, since when, and why not.
  lvsadm bfd edit gw --admin-down
      Held down before work on the path; --unset admin-down ends it.")]
pub struct BfdArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a session with a neighbour
    #[command(after_long_help = "\
Examples:
  lvsadm bfd add gw --neighbour 10.9.9.1 --min-rx 50ms --min-tx 50ms --multiplier 3
      A router on the link; a failure is seen in 150 ms.
  lvsadm bfd add gw6 --neighbour fe80::1 --interface eth0
      By its link-local address, at 10 ms x 5.
  lvsadm bfd add far --neighbour 192.0.2.7 --source 10.9.9.2 --multihop --max-hops 3
      Up to three routers away (RFC 5883).
  lvsadm bfd add safe --neighbour 10.9.9.3 --auth meticulous-sha1 --key-id 5 --secret-file /etc/bfd.key
      Nobody else can bring it down.")]
    Add(AddArgs<SessionGrammar>),
    /// Change what is named of a session; new times are negotiated while it stays up
    #[command(after_long_help = "\
Examples:
  lvsadm bfd edit gw --min-rx 20ms --multiplier 3
      Everything else stays.
  lvsadm bfd edit gw --unset multiplier
      Back to the default.
  lvsadm bfd edit gw --admin-down
      Held down; the neighbour is told that this is no failure of the path.")]
    Edit(EditArgs<SessionGrammar>),
    /// Delete sessions; their neighbours are told
    Delete(DeleteArgs),
    /// Show sessions, one a line
    List(ListArgs<Status>),
    /// Show everything about sessions
    Show(ListArgs<Status>),
    /// Run sessions in the foreground, without virtual routers, until a signal ends them
    #[command(after_long_help = run::HELP)]
    Run(Box<run::RunArgs>),
}

/// Runs the verb.
///
/// # Errors
/// The command line or the save file is wrong, a file cannot be read or written, or the running process refuses.
pub fn run(args: BfdArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.command {
        Command::Add(args) => args.run(Kind::Session, ui),
        Command::Edit(args) => args.run(Kind::Session, ui),
        Command::Delete(args) => args.run(Kind::Session, ui),
        Command::List(args) => args.list(ui),
        Command::Show(args) => args.show(ui),
        Command::Run(args) => args.run(ui),
    }
}
