//! `lvsadm vrrp`: virtual routers in the save file, and in the process that runs them.

pub(in crate::cli) mod ask;
pub(in crate::cli) mod change;
pub(in crate::cli) mod file;
pub(in crate::cli) mod list;
pub(in crate::cli) mod run;

use std::{env, path::PathBuf};

use clap::{Args, Subcommand};

use super::{Error, Ui};
use crate::{
    agent::vrrp::SOCKET,
    host::namespace,
    state::{
        agent_file::SYSTEM_FILE,
        vrrp::{FileGrammar, GroupGrammar, InstanceGrammar, Kind, ProcessGrammar, ScriptGrammar},
    },
    vrrp::status::Status,
};

/// Move virtual addresses between directors (VRRP)
///
/// Changes are made to what the agent runs; without an agent, or with --state, to a save file, whose other lines stay as they
/// are, and to the process that runs it, if one does. What is wrong is said first, and then nothing is changed. lvsadm-vrrp(7) explains the words.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm vrrp add VI_1 --interface eth0 --vrid 51 --priority 150 --address 10.9.9.100/24
      An address that moves between the directors of VRID 51.
  lvsadm vrrp add-script chk --command '/usr/local/bin/check-web' --interval 2s --fall 3
  lvsadm vrrp edit VI_1 --track-script chk:-60 --address 10.9.9.101/24
      60 less while the script fails; one address more.
  lvsadm vrrp edit VI_1 --unset address=10.9.9.101 --unset track-script
      Both go again.
  lvsadm vrrp list --watch
      Who is master, since when and why.
  lvsadm vrrp demote VI_1
      Let another director be master, before work on this one.")]
pub struct VrrpArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add an instance: addresses that move together
    #[command(after_long_help = "\
Examples:
  lvsadm vrrp add VI_1 --interface eth0 --vrid 51 --priority 150 --interval 1s --address 10.9.9.100/24
      An address that moves between the directors of VRID 51.
  lvsadm vrrp add VI_6 --interface eth0 --vrid 51 --interval 100ms --address fe80::51 --address 2001:db8::51/64
      IPv6, ten adverts a second.
  lvsadm vrrp add VI_2 --interface eth0 --vrid 52 --address '10.9.9.101/32 dev eth1 label eth1:v' --auth pass --secret-file /etc/vrrp.secret
  lvsadm vrrp add VI_3 --interface eth0 --vrid 53 --address 10.9.9.103 --unicast-peer 10.9.9.2 --unicast-peer 10.9.9.3
      Without multicast.
  lvsadm vrrp add VI_4 --interface eth0 --vrid 54 --address 10.9.9.104 --track-interface eth1 --track-service tcp/10.9.9.104:80
      Given up while eth1 is down, or while no server of the service works.")]
    Add(change::AddArgs<InstanceGrammar>),
    /// Change what is named of an instance
    #[command(after_long_help = change::EDIT_HELP)]
    Edit(change::EditArgs<InstanceGrammar>),
    /// Delete instances
    Delete(change::DeleteArgs),
    /// Show instances, one a line
    List(list::ListArgs<Status>),
    /// Show everything about instances
    Show(list::ListArgs<Status>),
    /// Run virtual routers in the foreground, until a signal ends them
    #[command(after_long_help = run::HELP)]
    Run(Box<run::RunArgs>),
    /// Make an instance master, whatever its priority
    Promote(ask::OrderArgs),
    /// Let an instance give up mastership; its priority stays
    Demote(ask::OrderArgs),
    /// Add a sync group: instances that are master and backup together
    #[command(after_long_help = "\
Examples:
  lvsadm vrrp add-group VG --member VI_1 --member VI_2")]
    AddGroup(change::AddArgs<GroupGrammar>),
    /// Change what is named of a sync group
    EditGroup(change::EditArgs<GroupGrammar>),
    /// Delete sync groups
    DeleteGroup(change::DeleteArgs),
    /// Add a script that is run time and again
    #[command(after_long_help = "\
Examples:
  lvsadm vrrp add-script chk --command '/usr/local/bin/check-web 10.0.0.1' --interval 2s --fall 3 --weight -60
  lvsadm vrrp add-script db --command alice:dba@/opt/check-db --interval 500ms --timeout 2s")]
    AddScript(change::AddArgs<ScriptGrammar>),
    /// Change what is named of a script
    EditScript(change::EditArgs<ScriptGrammar>),
    /// Delete scripts
    DeleteScript(change::DeleteArgs),
    /// Add processes that should run
    #[command(after_long_help = "\
Examples:
  lvsadm vrrp add-process nginx --program nginx --quorum 2 --terminate-delay 3s")]
    AddProcess(change::AddArgs<ProcessGrammar>),
    /// Change what is named of processes that should run
    EditProcess(change::EditArgs<ProcessGrammar>),
    /// Delete processes that should run
    DeleteProcess(change::DeleteArgs),
    /// Add a file whose number bears on priorities
    #[command(after_long_help = "\
Examples:
  lvsadm vrrp add-file drain --path /run/drain --weight -1 --initial 0")]
    AddFile(change::AddArgs<FileGrammar>),
    /// Change what is named of a file
    EditFile(change::EditArgs<FileGrammar>),
    /// Delete files
    DeleteFile(change::DeleteArgs),
    /// Change settings of the whole process
    #[command(after_long_help = "\
Examples:
  lvsadm vrrp set --startup-delay 20s --script-user nobody
  lvsadm vrrp set --fifo '/run/vrrp.fifo owner alice reader /usr/local/bin/on-vrrp'
  lvsadm vrrp set --unset fifo")]
    Set(change::SetArgs),
}

/// Runs the verb.
///
/// # Errors
/// The command line or the save file is wrong, a file cannot be read or written, or the running process refuses.
pub fn run(args: VrrpArgs, ui: &mut Ui) -> Result<u8, Error> {
    match args.command {
        Command::Add(args) => args.run(Kind::Instance, ui),
        Command::Edit(args) => args.run(Kind::Instance, ui),
        Command::Delete(args) => args.run(Kind::Instance, ui),
        Command::AddGroup(args) => args.run(Kind::Group, ui),
        Command::EditGroup(args) => args.run(Kind::Group, ui),
        Command::DeleteGroup(args) => args.run(Kind::Group, ui),
        Command::AddScript(args) => args.run(Kind::Script, ui),
        Command::EditScript(args) => args.run(Kind::Script, ui),
        Command::DeleteScript(args) => args.run(Kind::Script, ui),
        Command::AddProcess(args) => args.run(Kind::Process, ui),
        Command::EditProcess(args) => args.run(Kind::Process, ui),
        Command::DeleteProcess(args) => args.run(Kind::Process, ui),
        Command::AddFile(args) => args.run(Kind::File, ui),
        Command::EditFile(args) => args.run(Kind::File, ui),
        Command::DeleteFile(args) => args.run(Kind::File, ui),
        Command::Set(args) => args.run(ui),
        Command::List(args) => args.list(ui),
        Command::Show(args) => args.show(ui),
        Command::Run(args) => args.run(ui),
        Command::Promote(args) => args.promote(),
        Command::Demote(args) => args.demote(),
    }
}

/// Which save file, and which process.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Files")]
pub(in crate::cli) struct Target {
    /// Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]
    #[arg(long, value_name = "FILE", global = true)]
    state: Option<PathBuf>,
    /// Directory of the running process's control socket [default: /run/lvsadm]
    #[arg(long, value_name = "DIR", global = true)]
    run_dir: Option<PathBuf>,
}

impl Target {
    pub(in crate::cli) fn state(&self) -> PathBuf {
        let named = self
            .state
            .clone()
            .or_else(|| env::var_os("LVSADM_STATE").filter(|name| !name.is_empty()).map(PathBuf::from));
        named.unwrap_or_else(|| PathBuf::from(SYSTEM_FILE))
    }

    /// Returns the control socket of the agent that this is about; nothing if a file was named instead.
    pub(in crate::cli) fn agent(&self) -> Option<PathBuf> {
        self.state.is_none().then(|| self.run_dir().join(crate::agent::SOCKET))
    }

    pub(in crate::cli) fn socket(&self) -> PathBuf {
        self.run_dir().join(SOCKET)
    }

    /// Whether the run directory is named.
    pub(in crate::cli) fn names_run_dir(&self) -> bool {
        self.run_dir.is_some()
    }

    pub(in crate::cli) fn run_dir(&self) -> PathBuf {
        namespace::run_dir(self.run_dir.as_deref())
    }
}
