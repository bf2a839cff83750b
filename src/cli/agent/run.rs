//! `lvsadm agent run`: the agent in the foreground, or in the background for `agent start`.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    net::SocketAddr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::{self, Path, PathBuf},
    time::Duration,
};

use clap::Args;
use nix::{
    sched::{CloneFlags, setns},
    unistd,
};

use super::ask::refused;
use crate::{
    agent::{self, control, supervisor},
    cli::{
        Complaint, Error, Ui, args,
        check::TableArgs,
        config::KEEPALIVED_CONF,
        metrics::PerWord,
        vrrp::{Target, run::TurnArgs},
    },
    config::{
        Environment,
        build::Global,
        load::{Machine, load},
    },
};

/// Run the agent in the foreground, until a signal ends it
///
/// It begins with the save file, or with what an agent that was killed has left. The processes that it needs are started and
/// kept running: VRRP if there are virtual routers, checks if there are checks or a table.
#[derive(Debug, Args)]
#[command(after_long_help = "\
What happens is said on standard error, one line an event. SIGHUP reads the save file again, SIGUSR1 says how everything is,
SIGTERM and Ctrl-C give addresses up and end. systemd is told when everything stands (Type=notify), and that the agent is
alive (WatchdogSec=).

Examples:
  lvsadm agent run
      What /etc/sysconfig/lvsadm says.
  lvsadm agent run --autosave --rt-priority 10 --no-swap
      Changes are kept at once; VRRP is in time on a busy machine.
  lvsadm agent run --config /etc/keepalived/keepalived.conf
      In the place of keepalived.
  lvsadm agent run --state ./trial --run-dir /tmp/trial
      Beside the real one, for a trial.")]
pub(super) struct RunArgs {
    #[command(flatten)]
    options: RunOptions,
    /// Somebody waits on standard output for the word that it runs
    #[arg(long, hide = true)]
    background: bool,
}

/// How an agent runs.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    target: Target,
    /// Run a keepalived.conf instead of a save file [without a name: /etc/keepalived/keepalived.conf]
    ///
    /// keepalived's rules hold: the services of the file are as the file has them, and go when the agent ends. Commands do not
    /// change what runs; the file does, by `lvsadm agent reload` or SIGHUP. A file with errors is refused, and what runs goes on.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = KEEPALIVED_CONF, help_heading = "Files")]
    #[arg(conflicts_with = "autosave")]
    config: Option<PathBuf>,
    /// Begin with the save file, although an agent that was killed has left what it ran
    #[arg(long, help_heading = "Files")]
    fresh: bool,
    /// Write each change to the save file
    #[arg(long, help_heading = "Files")]
    autosave: bool,
    /// File for the process number [default: none; with `start` agent.pid in the run directory]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pid_file: Option<PathBuf>,
    /// Append what is said to this file
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    log_file: Option<PathBuf>,
    #[command(flatten)]
    log: args::LogArgs,
    /// Metrics for Prometheus are to be had at this port: http://ADDRESS:PORT/metrics
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Metrics")]
    metrics: Option<SocketAddr>,
    /// How fine they are
    #[arg(long, value_name = "WHAT", default_value = "server", help_heading = "Metrics")]
    metrics_per: PerWord,
    /// The address may be one that others can reach
    #[arg(long, requires = "metrics", help_heading = "Metrics")]
    metrics_open: bool,
    /// The end may take so many seconds; then processes are killed [default: 10]
    #[arg(long, value_name = "SECONDS", help_heading = "Process", value_parser = args::interval)]
    stop_limit: Option<Duration>,
    /// A process that was silent for so many seconds hangs: it is killed, and started again; ten times as long at its start [default: 30]
    #[arg(long, value_name = "SECONDS", help_heading = "Process", value_parser = clap::value_parser!(u16).range(5..=3600))]
    hang_limit: Option<u16>,
    #[command(flatten)]
    turns: TurnArgs,
    #[command(flatten)]
    table: TableArgs,
}

impl RunArgs {
    /// Runs it until a signal ends it.
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        if !self.background {
            let log = self.options.log_file.clone();
            let options = self.options.prepare(false)?;
            log.map(write_log_to).transpose()?;
            ui.flush()?;
            return supervisor::run(options, || ()).map(|()| 0).map_err(refused);
        }
        let starter = detach().map_err(|error| Error::failed(format_args!("cannot go to the background: {error}")))?;
        let log = self.options.log_file.clone();
        let tell = |complaints: &[control::Complaint]| {
            let mut line = serde_json::to_vec(complaints).unwrap_or_default();
            line.push(b'\n');
            // Whoever started it need not wait for the end.
            let _ = (&starter).write_all(&line);
        };
        let result = self.options.prepare(true).and_then(|options| {
            write_log_to(log.unwrap_or_else(|| PathBuf::from("/dev/null")))?;
            std::env::set_current_dir("/").map_err(|error| Error::failed(format_args!("cannot go to /: {error}")))?;
            supervisor::run(options, || tell(&[])).map(|()| 0).map_err(refused)
        });
        if let Err(error) = &result {
            let complaints = error.complaints().iter();
            tell(
                &complaints
                    .map(|each| control::Complaint { text: each.text.clone(), hint: each.hint.clone() })
                    .collect::<Vec<_>>(),
            );
        }
        result
    }
}

impl RunOptions {
    /// Whether what is said goes where nobody reads it, if the agent is in the background.
    pub(super) fn has_no_log_file(&self) -> bool {
        self.log_file.is_none()
    }

    /// Checks what can be checked, and makes paths independent of the working directory.
    fn prepare(self, background: bool) -> Result<supervisor::Options, Error> {
        // Which network it is, and which agent in it, is said in the file.
        let global = self.config.as_deref().map(globals).unwrap_or_default();
        if let Some(name) = &global.net_namespace {
            enter(name)?;
        }
        let mut run_dir = absolute(self.target.run_dir())?;
        if let Some(name) = global.instance.filter(|name| !self.target.names_run_dir() && !name.contains('/')) {
            run_dir.push(name);
        }
        let source = match &self.config {
            Some(file) => supervisor::Source::Keepalived(absolute(file.clone())?),
            None => supervisor::Source::Saved(absolute(self.target.state())?),
        };
        let default = background.then(|| run_dir.join("agent.pid"));
        let pid_file = self.pid_file.clone().map(absolute).transpose()?.or(default);
        let stop_limit = self.stop_limit.unwrap_or(Duration::from_secs(10));
        let hang_limit = Duration::from_secs(self.hang_limit.unwrap_or(30).into());
        let vrrp_words = self.turns.words().chain(self.log_words()).collect();
        let check_words = self.table.words().chain(self.log_words()).collect();
        let metrics = self.metrics_port()?;
        let Self { fresh, autosave, .. } = self;
        Ok(supervisor::Options {
            run_dir,
            source,
            fresh,
            autosave,
            pid_file,
            stop_limit,
            hang_limit,
            log: self.log.options(),
            metrics,
            vrrp_words,
            check_words,
        })
    }

    /// Metrics tell who serves whom: they are not for everybody who can reach this host.
    fn metrics_port(&self) -> Result<Option<supervisor::Port>, Error> {
        let Some(address) = self.metrics else { return Ok(None) };
        if !address.ip().is_loopback() && !self.metrics_open {
            let text = format!("--metrics {address}: others than this host could read there");
            let complaint =
                Complaint::new(text).hint("127.0.0.1 and ::1 are this host's own; --metrics-open allows others");
            return Err(Error::usage(vec![complaint]));
        }
        Ok(Some(supervisor::Port { address, per: self.metrics_per.into() }))
    }

    /// Children log as their parent; what is usual need not be said.
    fn log_words(&self) -> Vec<String> {
        let usual = self.log.options() == agent::log::Options::default();
        if usual { Vec::new() } else { self.log.words().collect() }
    }
}

/// Returns what a keepalived.conf says of the agent itself. What is wrong with the file is said when it is run.
fn globals(file: &Path) -> Global {
    load(file, &Environment::of_host(), Machine::Any).built.configuration.global
}

/// Goes into a network namespace that `ip netns` has made.
fn enter(name: &str) -> Result<(), Error> {
    let path = Path::new("/run/netns").join(name);
    let failed = |error: io::Error| {
        Error::failed(format_args!("cannot go into the network namespace {name}: {}: {error}", path.display()))
            .hint(format_args!("`ip netns add {name}` makes it"))
    };
    let namespace = File::open(&path).map_err(failed)?;
    setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|errno| failed(errno.into()))
}

fn absolute(path: PathBuf) -> Result<PathBuf, Error> {
    path::absolute(&path)
        .map_err(|error| Error::failed(format_args!("cannot tell where {} is: {error}", path.display())))
}

/// Sends standard error, which children share, to the end of a file.
fn write_log_to(path: PathBuf) -> Result<(), Error> {
    let failed = |error: io::Error| Error::failed(format_args!("cannot write {}: {error}", path.display()));
    let file = OpenOptions::new().append(true).create(true).mode(0o640).open(&path).map_err(failed)?;
    unistd::dup2_stderr(&file).map_err(|errno| failed(errno.into()))
}

/// Leaves the terminal and its session; returns what was standard output, where somebody waits.
fn detach() -> io::Result<File> {
    let starter: OwnedFd = io::stdout().as_fd().try_clone_to_owned()?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    unistd::dup2_stdout(&null)?;
    unistd::dup2_stdin(&null)?;
    unistd::setsid()?;
    Ok(File::from(starter))
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

    #[test]
    fn options_go_to_whom_they_are_for() {
        let words = "run --rt-priority 5 --nice -3 --no-swap --cpu 0 --cpu 1 --foreign restore --compare 2 --autosave \
                     --restore-table --run-dir run --state /s";
        let line = Line::try_parse_from(words.split_whitespace()).unwrap();
        let options = line.run.options.prepare(true).unwrap();
        assert_eq!(options.vrrp_words, ["--rt-priority=5", "--nice=-3", "--no-swap", "--cpu=0", "--cpu=1"]);
        assert_eq!(options.check_words, ["--restore-table", "--foreign=restore", "--compare=2"]);
        assert!(options.run_dir.is_absolute() && options.autosave && !options.fresh);
        assert_eq!(options.pid_file, Some(options.run_dir.join("agent.pid")));
        let bare = Line::try_parse_from(["run"]).unwrap().run.options.prepare(false).unwrap();
        assert_eq!((bare.pid_file, bare.stop_limit), (None, Duration::from_secs(10)));
    }
}
