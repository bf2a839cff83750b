//! `lvsadm vrrp run`: virtual routers of the save file, or one of the command line, in the foreground.

use std::{fs, path::PathBuf};

use clap::Args;

use super::{Target, file::Saved};
use crate::{
    agent::{
        event::Outlet,
        vrrp::{self as process, Origin, RunOptions},
    },
    cli::{Complaint, Error, Ui, agent::ask::refused, args::LogArgs, error::tell_agent},
    state::vrrp::{self, Disk, InstanceGrammar, Kind, Options, Subject, edited},
    vrrp::settings::Settings,
};

/// What `run --help` has below its options.
pub(super) const HELP: &str = "\
What happens is said on standard error, one line an event. SIGTERM and Ctrl-C give the addresses up.

Examples:
  lvsadm vrrp run
      All virtual routers of the save file.
  lvsadm vrrp run --interface eth0 --vrid 51 --priority 150 --address 10.9.9.100/24
      One that is in no file.
  lvsadm vrrp run VI_1 --rt-priority 10 --no-swap
      One of the save file, for a busy machine.";

/// Virtual routers in the foreground.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Only these instances of the save file; with options of `add`, the name of the one that they make
    names: Vec<String>,
    #[command(flatten)]
    options: Options<InstanceGrammar>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    process: ProcessArgs,
}

/// How the process runs.
#[derive(Debug, Args)]
pub(in crate::cli) struct ProcessArgs {
    #[command(flatten)]
    turns: TurnArgs,
    #[command(flatten)]
    log: LogArgs,
    /// The agent reads events from standard output, and holds standard input for as long as it lives
    #[arg(long, hide = true)]
    child: bool,
}

/// How it gets its turns on a busy machine. The agent has these options for its VRRP process.
#[derive(Debug, Args)]
pub(in crate::cli) struct TurnArgs {
    /// Real-time priority of virtual routers and BFD sessions
    #[arg(long, value_name = "NUMBER", help_heading = "Process", value_parser = clap::value_parser!(u8).range(1..=99))]
    rt_priority: Option<u8>,
    /// Niceness of virtual routers and BFD sessions
    #[arg(long, value_name = "NUMBER", help_heading = "Process", allow_negative_numbers = true, value_parser = clap::value_parser!(i8).range(-20..=19))]
    nice: Option<i8>,
    /// Lock their memory, so that they never wait for a disk
    #[arg(long, help_heading = "Process")]
    no_swap: bool,
    /// Run them on this CPU only; may be repeated
    #[arg(long, value_name = "NUMBER", help_heading = "Process")]
    cpu: Vec<usize>,
}

impl TurnArgs {
    /// Returns them as words again.
    pub(in crate::cli) fn words(&self) -> impl Iterator<Item = String> {
        let priority = self.rt_priority.map(|value| format!("--rt-priority={value}"));
        let nice = self.nice.map(|value| format!("--nice={value}"));
        let lock = self.no_swap.then(|| "--no-swap".to_owned());
        priority.into_iter().chain(nice).chain(lock).chain(self.cpu.iter().map(|cpu| format!("--cpu={cpu}")))
    }
}

impl ProcessArgs {
    /// Where its events go.
    pub(in crate::cli) fn outlet(&self) -> Outlet {
        Outlet { open: self.child }
    }

    /// Returns how a process runs that has its files in `run_dir`.
    pub(in crate::cli) fn options(self, run_dir: PathBuf) -> Result<RunOptions, Error> {
        Ok(RunOptions {
            run_dir,
            rt_priority: self.turns.rt_priority,
            nice: self.turns.nice,
            lock_memory: self.turns.no_swap,
            cpus: self.turns.cpu,
            log: self.log.options(),
            outlet: if self.child {
                Outlet::to_agent().map_err(|error| Error::output(&error))?
            } else {
                Outlet::default()
            },
        })
    }
}

/// What is to be run.
#[derive(Clone, Debug)]
struct Prepared {
    settings: Settings,
    options: RunOptions,
    origin: Origin,
}

impl RunArgs {
    /// Runs them until a signal ends them.
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let outlet = self.process.outlet();
        self.run_prepared(ui).inspect_err(|error| tell_agent(outlet, "vrrp", error))
    }

    fn run_prepared(self, ui: &mut Ui) -> Result<u8, Error> {
        let Prepared { settings, options, origin } = self.prepare(ui)?;
        ui.flush()?;
        process::run(settings, &options, origin).map(|()| 0).map_err(refused)
    }

    /// Reads and checks everything that is to be run. Warnings are said.
    ///
    /// # Errors
    /// The command line or the save file is wrong, or there is nothing to run.
    fn prepare(self, ui: &mut Ui) -> Result<Prepared, Error> {
        let options = self.process.options(self.target.run_dir())?;
        let given = super::change::checked(self.options.into_given(), ui)?;
        if !given.is_empty() {
            let name = match self.names.as_slice() {
                [] => "vrrp".to_owned(),
                [name] => name.clone(),
                _ => {
                    return Err(Error::usage(vec![Complaint::new(
                        "options of `add` make one instance, with one name",
                    )]));
                }
            };
            let line = edited(&Subject { kind: Kind::Instance, name }, "", given, &[])
                .map_err(|error| Error::failed(error.to_string()))?;
            let parsed = vrrp::parse(std::iter::once((1, line.as_str())), &Disk).map_err(|faults| {
                let complaint = |fault: crate::state::file::Fault| Complaint { text: fault.message, hint: fault.hint };
                Error::usage(faults.into_iter().map(complaint).collect())
            })?;
            parsed.notes.iter().for_each(|note| ui.warn(&note.message));
            return Ok(Prepared { settings: parsed.settings, options, origin: Origin::default() });
        }
        let saved = Saved::read(&self.target.state())?;
        if !saved.is_there() {
            return Err(Error::failed(format_args!("there is no save file {}", saved.path.display()))
                .hint("`lvsadm vrrp add` makes it; --state names another, and options of `add` need none"));
        }
        let mut settings = saved.check(ui)?.settings;
        vrrp::select(&mut settings, &self.names)
            .map_err(|wrong| Error::all_failed(wrong.into_iter().map(Complaint::new).collect()))?;
        if settings.instances.is_empty() && settings.statics.is_empty() && settings.sessions.is_empty() {
            return Err(Error::failed(format_args!(
                "{} has no instance and no BFD session to run",
                saved.path.display()
            ))
            .hint("`lvsadm vrrp add` adds one"));
        }
        // Whoever changes the file may name it differently.
        let file = fs::canonicalize(&saved.path).unwrap_or(saved.path);
        Ok(Prepared { settings, options, origin: Origin { file: Some(file), names: self.names, ..Origin::default() } })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    fn prepare(words: &str) -> Result<Prepared, Vec<String>> {
        let line = Line::try_parse_from(std::iter::once("run").chain(words.split(' '))).expect(words);
        let error = |error: Error| error.complaints().iter().map(|complaint| complaint.text.clone()).collect();
        line.run.prepare(&mut Ui::new()).map_err(error)
    }

    #[test]
    fn from_the_command_line() {
        let prepared =
            prepare("VI --interface eth0 --vrid 5 --address 10.0.0.1 --rt-priority 50 --nice -5 --cpu 1").unwrap();
        assert_eq!(prepared.settings.instances.len(), 1);
        assert_eq!((prepared.options.rt_priority, prepared.options.nice), (Some(50), Some(-5)));
        assert_eq!((prepared.options.cpus, prepared.origin.file), (vec![1], None));
        assert_eq!(prepare("VI --interface eth0 --vrid 0 --address 10.0.0.1 --strict --ttl 1").unwrap_err().len(), 2);
        assert_eq!(prepare("A B --vrid 1").unwrap_err().len(), 1);
    }

    #[test]
    fn from_a_save_file() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let add =
            |name: &str, vrid: u8| format!("vrrp add {name} --interface eth0 --vrid {vrid} --address 10.0.0.{vrid}\n");
        let group = "vrrp add-group G --member A --member B\n";
        fs::write(&state, add("A", 1) + &add("B", 2) + &add("C", 3) + group).unwrap();
        let prepare = |names: &str| prepare(format!("{names} --state {}", state.display()).trim());
        let names =
            |prepared: Prepared| prepared.settings.instances.into_iter().map(|each| each.name).collect::<Vec<_>>();
        assert_eq!(prepare("").map(names), Ok(vec!["A".to_owned(), "B".to_owned(), "C".to_owned()]));
        assert_eq!(prepare("C").map(|prepared| prepared.settings.groups.len()), Ok(0));
        assert_eq!(prepare("B A").map(|prepared| prepared.settings.groups.len()), Ok(1));
        assert_eq!(
            prepare("A D").map(names),
            Err(vec!["there is no instance D".to_owned(), "group G goes together: B belongs to it, too".to_owned()])
        );
    }
}
