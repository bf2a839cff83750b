//! `lvsadm check run`: the checks of the save file, in the foreground.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{
    agent::{
        check::{
            Foreign, Owns, RunOptions, WholeFile,
            control::{self, Loaded},
        },
        event::Outlet,
    },
    cli::{Complaint, Error, Ui, agent::ask::refused, args, error::tell_agent},
    host::namespace,
    model::VirtualService,
    state::agent_file::SYSTEM_FILE,
};

/// Run the checks of the save file in the foreground, until a signal ends them
///
/// Lines of the table in the file are the operator's table; if it has none, the kernel's table is, as it is now.
#[derive(Debug, Args)]
#[command(after_long_help = "\
What happens is said on standard error, one line an event. SIGHUP reads the file again; SIGTERM and Ctrl-C end the checks,
and the table stays as it is.

Examples:
  lvsadm check run
      All checks of /etc/sysconfig/lvsadm.
  lvsadm check run ./web.checks --run-dir /tmp/web --restore-table
      For a trial: servers that are out come back at the end.")]
pub(super) struct RunArgs {
    /// Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]
    file: Option<PathBuf>,
    /// Directory of the control socket [default: /run/lvsadm]
    #[arg(long, value_name = "DIR", help_heading = "Process")]
    run_dir: Option<PathBuf>,
    #[command(flatten)]
    table: TableArgs,
    /// Servers that are out stay out until they pass, whatever --initial says: after a process that died
    #[arg(long, help_heading = "Table")]
    resume: bool,
    /// keepalived's rules: the file is the whole table, and nothing of it stays at the end
    #[arg(long, hide = true)]
    whole_file: bool,
    /// Empty the kernel's table at the start
    #[arg(long, hide = true, requires = "whole_file")]
    flush_at_start: bool,
    /// What is removed at the end
    #[arg(long, hide = true, requires = "whole_file", value_name = "WHAT")]
    at_end: Option<AtEnd>,
    #[command(flatten)]
    log: args::LogArgs,
    /// The agent reads events from standard output, and holds standard input for as long as it lives
    #[arg(long, hide = true)]
    child: bool,
}

/// What becomes of the table, and who runs scripts. The agent has these options for its check process.
#[derive(Debug, Args)]
pub(in crate::cli) struct TableArgs {
    /// Put all servers back with the operator's weight at the end
    #[arg(long, help_heading = "Table")]
    restore_table: bool,
    /// What becomes of others' changes to services of which `check set --foreign` says nothing else [default: adopt]
    #[arg(long, value_name = "WHAT", help_heading = "Table")]
    foreign: Option<ForeignWord>,
    /// The kernel's table is compared within this time, in seconds [default: 5]
    #[arg(long, value_name = "SECONDS", help_heading = "Table", value_parser = args::interval)]
    compare: Option<Duration>,
    /// First firewall mark for --through-vip, 0x4c560000 to 0x4c56ffff [default: 0x4c560000]
    #[arg(long, value_name = "MARK", help_heading = "Table")]
    first_mark: Option<String>,
    /// Who runs scripts and commands of checks that name nobody [default: lvsadm_script, keepalived_script or nobody, the first that there is]
    #[arg(long, value_name = "USER[:GROUP]", help_heading = "Process")]
    script_user: Option<String>,
}

impl TableArgs {
    /// Returns them as words again.
    pub(in crate::cli) fn words(&self) -> impl Iterator<Item = String> {
        let foreign = self.foreign.and_then(|word| word.to_possible_value());
        let named = [
            ("foreign", foreign.map(|word| word.get_name().to_owned())),
            ("compare", self.compare.map(|time| time.as_secs_f64().to_string())),
            ("first-mark", self.first_mark.clone()),
            ("script-user", self.script_user.clone()),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value?)));
        self.restore_table.then(|| "--restore-table".to_owned()).into_iter().chain(named)
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ForeignWord {
    /// They are the operator's wish from now on
    Adopt,
    /// They are undone
    Restore,
    /// They are said once, and stay until something of ours changes the service
    Ignore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AtEnd {
    /// The services of the file
    Remove,
    /// Everything
    Flush,
}

impl RunArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let outlet = Outlet { open: self.child };
        self.run_prepared(ui).inspect_err(|error| tell_agent(outlet, "check", error))
    }

    fn run_prepared(self, ui: &mut Ui) -> Result<u8, Error> {
        let mut options = self.options()?;
        let named =
            self.file.or_else(|| std::env::var_os("LVSADM_STATE").filter(|name| !name.is_empty()).map(PathBuf::from));
        let loaded = Loaded::read(&named.unwrap_or_else(|| PathBuf::from(SYSTEM_FILE))).map_err(refused)?;
        ui.flush()?;
        let run_dir = namespace::run_dir(self.run_dir.as_deref());
        options.memory = Some(run_dir.clone());
        control::run(loaded, &options, &run_dir).map(|()| 0).map_err(refused)
    }

    fn options(&self) -> Result<RunOptions, Error> {
        let mut faults = args::Faults::default();
        let defaults = RunOptions::default();
        let first_mark = self.table.first_mark.as_ref().map(|word| {
            let hex = word.strip_prefix("0x").map(|hex| u32::from_str_radix(hex, 16));
            let mark =
                hex.unwrap_or_else(|| word.parse()).ok().filter(|mark| VirtualService::HIDDEN_MARKS.contains(mark));
            faults.take(mark.ok_or_else(|| {
                Complaint::new(format_args!("--first-mark {word}: a number from 0x4c560000 to 0x4c56ffff is needed"))
            }))
        });
        let script_user = self.table.script_user.as_ref().map(|word| {
            let (user, group) = word.split_once(':').map_or((word.as_str(), None), |(user, group)| (user, Some(group)));
            if user.is_empty() || group == Some("") {
                faults.add(Complaint::new(format_args!("--script-user {word}: a user, or user:group, is needed")));
            }
            (user.to_owned(), group.map(str::to_owned))
        });
        faults.check()?;
        Ok(RunOptions {
            first_mark: first_mark.flatten().unwrap_or(defaults.first_mark),
            compare: self.table.compare.unwrap_or(defaults.compare),
            foreign: match self.table.foreign {
                Some(ForeignWord::Adopt) => Foreign::Adopt,
                Some(ForeignWord::Restore) => Foreign::Restore,
                Some(ForeignWord::Ignore) => Foreign::Ignore,
                None => defaults.foreign,
            },
            owns: if self.whole_file { Owns::Listed } else { Owns::Whole },
            whole_file: self.whole_file.then(|| WholeFile {
                flush_at_start: self.flush_at_start,
                flush_at_end: self.at_end == Some(AtEnd::Flush),
            }),
            memory: None,
            restore_table: self.table.restore_table,
            resume: self.resume,
            script_user,
            log: self.log.options(),
            outlet: if self.child {
                Outlet::to_agent().map_err(|error| Error::output(&error))?
            } else {
                Outlet::default()
            },
        })
    }
}
