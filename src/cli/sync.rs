//! `lvsadm sync`: the kernel's daemons that copy connections to another director.

use std::net::IpAddr;

use clap::{Args, Subcommand, ValueEnum};

use super::{
    Complaint, Error, Ui,
    args::{Faults, number},
    json, kernel, render,
};
use crate::model::{Change, DaemonRole, SyncDaemon};

/// The longest name of an interface.
const MAX_INTERFACE: usize = 15;

/// The longest sync message.
const MAX_MESSAGE: u16 = 65_507;

/// Copy connections to another director
///
/// The kernel sends them by multicast, so that they survive a failover.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm sync start master --mcast-interface eth0 --syncid 7
      Send connections to whoever listens on eth0 with the same id.
  lvsadm sync start backup --mcast-interface eth0 --syncid 7
      Receive them.
  lvsadm sync show
      Which daemons run, and how.
  lvsadm sync stop master
      Stop sending.")]
pub struct SyncArgs {
    #[command(subcommand)]
    command: SyncCommand,
}

#[derive(Debug, Subcommand)]
enum SyncCommand {
    /// Start a daemon
    Start(StartArgs),
    /// Stop a daemon
    Stop {
        /// Which one
        role: Role,
    },
    /// Show which daemons run
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct StartArgs {
    /// Which one
    role: Role,
    /// Interface for the multicast
    #[arg(long, value_name = "NAME", default_value = "eth0")]
    mcast_interface: String,
    /// Number of the cluster, the same on all its directors
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    syncid: String,
    /// Longest message in bytes [default: the kernel's choice]
    #[arg(long, value_name = "BYTES")]
    sync_maxlen: Option<String>,
    /// Multicast group [kernel's default: 224.0.0.81]
    #[arg(long, value_name = "ADDR")]
    mcast_group: Option<String>,
    /// UDP port [kernel's default: 8848]
    #[arg(long, value_name = "PORT")]
    mcast_port: Option<String>,
    /// How many routers the multicast may pass [kernel's default: 1]
    #[arg(long, value_name = "NUMBER")]
    mcast_ttl: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Sends connections
    Master,
    /// Receives them
    Backup,
}

impl From<Role> for DaemonRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Master => Self::Master,
            Role::Backup => Self::Backup,
        }
    }
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or the kernel refuses.
pub fn run(args: SyncArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.command {
        SyncCommand::Start(args) => {
            let daemon = args.daemon()?;
            kernel::apply(&mut kernel::open()?, &[Change::StartDaemon(daemon)])?;
        }
        SyncCommand::Stop { role } => kernel::apply(&mut kernel::open()?, &[Change::StopDaemon(role.into())])?,
        SyncCommand::Show { json } => {
            let daemons = kernel::open()?.daemons()?;
            if json {
                ui.json(&json::Daemons::new(&daemons))?;
            } else {
                for daemon in &daemons {
                    ui.print(render::daemon(daemon))?;
                }
            }
        }
    }
    Ok(0)
}

impl StartArgs {
    fn daemon(&self) -> Result<SyncDaemon, Error> {
        let mut faults = Faults::default();
        let interface = &self.mcast_interface;
        if interface.is_empty() || interface.len() > MAX_INTERFACE {
            faults.add(Complaint::new(format_args!(
                "--mcast-interface {interface}: the name of an interface has 1 to {MAX_INTERFACE} letters"
            )));
        }
        let daemon = SyncDaemon {
            role: self.role.into(),
            interface: interface.clone(),
            sync_id: faults.take(number("--syncid", &self.syncid, 0..=u8::MAX)).unwrap_or(0),
            max_len: faults.read(self.sync_maxlen.as_ref(), |word| number("--sync-maxlen", word, 1..=MAX_MESSAGE)),
            group: faults.read(self.mcast_group.as_ref(), group),
            port: faults.read(self.mcast_port.as_ref(), |word| number("--mcast-port", word, 1..=u16::MAX)),
            ttl: faults.read(self.mcast_ttl.as_ref(), |word| number("--mcast-ttl", word, 1..=u8::MAX)),
        };
        faults.check()?;
        Ok(daemon)
    }
}

fn group(word: &str) -> Result<IpAddr, Complaint> {
    word.parse::<IpAddr>().ok().filter(IpAddr::is_multicast).ok_or_else(|| {
        Complaint::new(format_args!("--mcast-group {word}: this is no multicast address"))
            .hint("the kernel's own choice is 224.0.0.81; ff02::81 is one for IPv6")
    })
}
