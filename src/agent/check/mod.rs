//! The check process: makes probes, and keeps the kernel's table as the pools want it.
//!
//! All decisions are the engine's (`pool`), which knows no IO. Here are the sockets, the clock, the kernel and the log; what
//! one loop does: answers and timers in, table out, probes off.

mod commands;
pub mod control;
mod hidden;
mod limits;
mod process;
mod table;

use std::{io, time::Duration};

use nix::errno::Errno;
use thiserror::Error as ThisError;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    task::LocalSet,
};

use super::{child::Tether, control::BindError, event::Outlet, log};
use crate::{
    host::{
        Command, User, UserFault,
        script::{self, Runner},
    },
    ipvs::{self, OpenError},
    model::{Change, ServerKey, ServiceKey, Table, Target, VirtualService},
    notify::CommandQueue,
    pool::{settings::Settings, status::Status},
    sys::clock::now,
};
pub use commands::CommandFault;
use process::Process;

/// How a check process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// The first of the 65536 firewall marks for hidden services of probes through the virtual address.
    pub first_mark: u32,
    /// Within this, all services are compared with the kernel's, a few at a time.
    pub compare: Duration,
    /// What becomes of others' changes to the kernel's table.
    pub foreign: Foreign,
    /// Whether all servers are put back with the operator's weight at the end; else the table stays as it is.
    pub restore_table: bool,
    /// Whether this process comes after one that died: servers that are out stay out until they pass, whatever their
    /// checks' initial state.
    pub resume: bool,
    /// User and group that run commands which name none; see [`User::for_scripts`].
    pub script_user: Option<(String, Option<String>)>,
    /// How it logs.
    pub log: log::Options,
    /// Where its events go. If that is open, the process ends when its standard input does.
    pub outlet: Outlet,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            first_mark: *VirtualService::HIDDEN_MARKS.start(),
            compare: Duration::from_secs(5),
            foreign: Foreign::Adopt,
            restore_table: false,
            resume: false,
            script_user: None,
            log: log::Options::default(),
            outlet: Outlet::default(),
        }
    }
}

/// What becomes of changes that somebody else makes to services of ours in the kernel's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// They are the operator's wish from now on.
    Adopt,
    /// They are undone.
    Restore,
}

/// What a running check process is asked or told.
#[derive(Debug)]
pub enum Order {
    /// How is everything?
    Status(oneshot::Sender<Status>),
    /// Go on with other settings; what is known of checks that stay is kept. The answer is what a person should know of
    /// them, or why the old ones stay.
    Replace(Box<Settings>, oneshot::Sender<Result<Vec<String>, Error>>),
    /// Go on with the settings that a function makes of the operator's table as it is at that moment, with everything that
    /// was adopted. Answered as `Replace`.
    Rebuild(Rebuild, oneshot::Sender<Result<Vec<String>, Error>>),
    /// What is the operator's table?
    Operator(oneshot::Sender<Table>),
    /// Change the operator's table: not in the kernel, that is ours to do.
    Change(Change),
    /// The state of a BFD session.
    Session {
        /// Name of the session.
        name: String,
        /// Whether it is up.
        up: bool,
    },
}

/// Makes settings of the operator's table, or says all that is in the way.
pub struct Rebuild(pub Box<dyn FnOnce(Table) -> Result<Settings, Vec<String>> + Send>);

impl std::fmt::Debug for Rebuild {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rebuild")
    }
}

/// A command that is to be run, after the table was written: those of one subject one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whom it is about.
    pub subject: Target,
    /// What to run.
    pub command: Command,
}

/// Why a check process does not run.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The kernel's table cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The kernel's table cannot be read.
    #[error("cannot read the kernel's table: {0}")]
    Kernel(#[from] ipvs::Error),
    /// The limit of open files cannot be read.
    #[error("cannot tell how many files this process may open: {errno}", errno = .0.desc())]
    Limit(Errno),
    /// Too few files.
    #[error("this process may open {limit} files, which is too few to run checks: it takes at least {least}")]
    Descriptors {
        /// The limit.
        limit: u64,
        /// What it takes.
        least: u64,
    },
    /// The user who is to run commands.
    #[error("cannot run commands: {0}")]
    User(#[from] UserFault),
    /// Commands that cannot run.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Commands(Vec<CommandFault>),
    /// Settings that make no sense for the operator's table.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// The control socket.
    #[error(transparent)]
    Control(#[from] BindError),
    /// The runtime does not start.
    #[error("cannot start the loop of probes: {0}")]
    Runtime(#[from] io::Error),
    /// A check cannot go through the virtual address.
    #[error("the check of server {server} of {service} cannot go through the virtual address: {why}")]
    ThroughVip {
        /// The service.
        service: ServiceKey,
        /// The server.
        server: ServerKey,
        /// Why not, in words.
        why: &'static str,
    },
    /// More hidden services than marks.
    #[error(
        "no firewall mark is left for probes through virtual addresses: those from {first:#x} to {last:#x} are in use"
    )]
    Marks {
        /// The first mark.
        first: u32,
        /// The last mark.
        last: u32,
    },
}

impl Error {
    /// Returns what a person can do about it, if the message does not say it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open(error) => Some(error.hint()),
            Self::Descriptors { .. } => {
                Some("raise LimitNOFILE= of the unit, or run `ulimit -Hn` and `ulimit -n` first")
            }
            Self::Marks { .. } => Some("begin with another mark"),
            Self::User(fault) => Some(fault.hint()),
            Self::Control(_) => Some("--run-dir names another directory for it"),
            Self::Settings(_)
            | Self::Commands(_)
            | Self::Kernel(_)
            | Self::Limit(_)
            | Self::Runtime(_)
            | Self::ThroughVip { .. } => None,
        }
    }
}

/// How many scripts of checks run at once, and as many commands beside them.
const SCRIPTS_AT_ONCE: usize = script::AT_ONCE;

/// Runs checks until SIGTERM or SIGINT, and returns the exit status.
///
/// `orders` come from whoever answers the control socket. Says what happens through the `log` macros.
///
/// # Errors
/// Nothing was started: no IPVS, no permission, too few descriptors, settings that cannot be carried out.
pub fn run(settings: Settings, options: &RunOptions, orders: mpsc::Receiver<Order>) -> Result<u8, Error> {
    run_with(settings, options, || Ok(orders))
}

/// The same; `orders` is called within the runtime, before anything is started.
fn run_with(
    settings: Settings,
    options: &RunOptions,
    orders: impl FnOnce() -> Result<mpsc::Receiver<Order>, Error>,
) -> Result<u8, Error> {
    let user = User::for_scripts(options.script_user.as_ref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = LocalSet::new().block_on(&runtime, async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut tether = Tether::new(options.outlet.open)?;
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = tether.is_cut() => {}
            }
        };
        let orders = orders()?;
        let (outbox, runs) = mpsc::unbounded_channel();
        let queue = CommandQueue::new(Runner::new(user.clone(), SCRIPTS_AT_ONCE));
        let commands = tokio::spawn(commands::carry_out(runs, queue));
        let served = serve(settings, options, Runner::new(user, SCRIPTS_AT_ONCE), orders, outbox, stop).await;
        // It ends when there are no more, and has a time limit of its own.
        let _ = commands.await;
        served
    });
    // A script that does not end must not keep the process.
    runtime.shutdown_background();
    result.map(|()| 0)
}

/// Does the same within a current-thread runtime and a [`LocalSet`], until `stop` is over. `scripts` runs those of checks;
/// `commands` is told what to run for servers and services that come and go.
///
/// # Errors
/// As for [`run`].
pub async fn serve(
    settings: Settings,
    options: &RunOptions,
    scripts: Runner,
    orders: mpsc::Receiver<Order>,
    commands: mpsc::UnboundedSender<Run>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let mut process = Process::begin(settings, options, scripts, commands)?;
    process.work(now());
    process.turn(orders, stop).await;
    process.end();
    Ok(())
}
