//! `lvsadm prepare`: what LVS guides do by hand on a director or a real server, done and put back.

mod args;
mod persist;
mod run;

pub(super) use args::RealServerArgs;
pub(super) use run::{carry_out, host_error, words as undo_words};

use clap::{Args, Subcommand};

use super::{Error, Ui};

/// Set a director or a real server up, and put everything back
///
/// Loads modules, sets switches of the kernel, puts addresses on links, sets tunnels up, adds routes: what the mode needs and nothing
/// else. All of it is done or none. What was found before is kept, and `prepare undo` puts it back.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Only this host is changed, and only until it is started again, unless --persist is given. Kernel modules stay \
loaded.

Examples:
  lvsadm prepare director --mode dr --vip 10.0.0.100
      The module, and the address on the link that leads there.
  lvsadm prepare real-server --mode dr --vip 10.0.0.100 --persist
      The address on lo, arp_ignore and arp_announce; after a reboot, too.
  lvsadm prepare director --mode nat
      Forwarding on, redirects off; VRRP has the addresses.
  lvsadm prepare real-server --mode nat --gateway 10.1.0.1
      All answers go by the director.
  lvsadm prepare real-server --mode tun --vip 10.0.0.100 --tun-type gue --tun-port 6080
  lvsadm prepare undo --dry-run"
)]
pub struct PrepareArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Director(args::DirectorArgs),
    RealServer(args::ServerArgs),
    Undo(run::UndoArgs),
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong; or a step failed, and what was done before it is undone.
pub fn run(args: PrepareArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.what {
        What::Director(args) => args.run(ui),
        What::RealServer(args) => args.run(ui),
        What::Undo(args) => args.run(ui),
    }
}
