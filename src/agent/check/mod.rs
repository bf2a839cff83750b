//! The check process: makes probes, and keeps the kernel's table as the pools want it.
//!
//! All decisions are the engine's (`pool`), which knows no IO. Here are the sockets, the clock, the kernel and the log; what
//! one loop does: answers and timers in, table out, probes off.

mod commands;
pub mod control;
mod hidden;
mod limits;
mod memory;
mod operator;
mod process;
mod rules;
mod table;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use nix::errno::Errno;
use thiserror::Error as ThisError;
use tokio::{
    runtime::LocalOptions,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    task::spawn_local,
};

use super::{
    child::Tether,
    control::{Applied, BindError, Drained},
    event::{Author, Outlet},
    log,
};
pub use crate::pool::settings::Foreign;
use crate::{
    host::{
        Command, User, UserFault,
        script::{self, Runner},
    },
    ipvs::{self, OpenError},
    model::{Change, ServerKey, ServiceKey, Table, Target, VirtualService},
    notify::CommandQueue,
    pool::{
        HeldServer, Pools,
        settings::{Scope, Settings},
        status::Status,
    },
    sys::clock::now,
};
pub use commands::CommandFault;
pub use memory::note_for_next;
use process::Process;
pub use rules::WholeFile;

/// How a check process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// The first firewall mark for hidden services of probes through the virtual address, one of
    /// [`VirtualService::HIDDEN_MARKS`].
    pub first_mark: u32,
    /// Within this, all services are compared with the kernel's, a few at a time.
    pub compare: Duration,
    /// What becomes of others' changes to services of which nothing else is said.
    pub foreign: Foreign,
    /// Which services are this process's.
    pub owns: Owns,
    /// Where the operator's table is kept for a process that comes after this one; `None` = nowhere.
    pub memory: Option<PathBuf>,
    /// Whether all servers are put back with the operator's weight at the end; else the table stays as it is.
    pub restore_table: bool,
    /// keepalived's rules for the whole file; `None` = the table is the operator's, whoever runs.
    pub whole_file: Option<WholeFile>,
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
            owns: Owns::Listed,
            memory: None,
            restore_table: false,
            whole_file: None,
            resume: false,
            script_user: None,
            log: log::Options::default(),
            outlet: Outlet::default(),
        }
    }
}

/// Which services of the kernel's table a process takes for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owns {
    /// Those of the operator's table, and those that somebody asks it to add. What others add is adopted where others' changes
    /// are; else it is theirs.
    Whole,
    /// Those that its settings list.
    Listed,
}

/// Lines of a save file, or what else makes settings of a table.
pub trait Layer: Send + Sync {
    /// Returns the settings of the services of `scope` over the operator's table of them.
    fn over(&self, operator: Table, scope: Scope) -> Layered;

    /// Whether a server that this service gets is checked because of what is said of all its servers.
    fn concerns(&self, service: &ServiceKey) -> bool;
}

/// A layer, and what it says of services without servers.
type Laid = (Arc<dyn Layer>, Vec<IdleCheck>);

/// A service without servers, and what all of them would be asked.
pub type IdleCheck = (ServiceKey, String);

/// What a [`Layer`] makes of a table.
#[derive(Clone, Debug, Default)]
pub struct Layered {
    /// The settings.
    pub settings: Settings,
    /// Checks of all servers of a service that has none.
    pub idle: Vec<IdleCheck>,
    /// What makes no sense for this table.
    pub faults: Vec<String>,
}

/// What a running check process is asked or told.
#[derive(Debug)]
pub enum Order {
    /// How is everything?
    Status(oneshot::Sender<Status>),
    /// Go on with other settings; what is known of checks that stay is kept. The answer is what a person should know of
    /// them, or why the old ones stay.
    Replace(Box<Settings>, oneshot::Sender<Result<Vec<String>, Error>>),
    /// Go on with what another layer makes of the operator's table, with everything that was adopted. Answered as `Replace`.
    Reload(Reload, oneshot::Sender<Result<Vec<String>, Error>>),
    /// What is the operator's table, or this service of it; and what does the kernel not have as it is there?
    Table(Option<ServiceKey>, oneshot::Sender<Result<Operator, Error>>),
    /// Change services and servers of the operator's table: all or nothing, or each change by itself.
    Apply {
        /// The changes.
        changes: Vec<Change>,
        /// Whether each stands by itself.
        each: bool,
        /// Who asks.
        by: Author,
        /// What became of them.
        reply: oneshot::Sender<Result<Applied, Error>>,
    },
    /// Have servers drain, or not any more.
    Turn {
        /// Which.
        places: Vec<(ServiceKey, ServerKey)>,
        /// What is asked of them.
        wanted: WantedTurn,
        /// Who asks.
        by: Author,
        /// What became of it.
        reply: oneshot::Sender<Drained>,
    },
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

/// The operator's table, or a part of it.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    /// The table.
    pub table: Table,
    /// What the kernel should not have as it is there.
    pub held: Vec<HeldServer>,
    /// Servers that are not in it any more because they had drained and were to be deleted then; the last of them.
    pub emptied: Vec<(ServiceKey, ServerKey)>,
}

/// Another layer, and what else is different then.
pub struct Reload {
    /// The layer.
    pub layer: Arc<dyn Layer>,
    /// Tells from the pools as they are what is different.
    pub after: Box<dyn FnOnce(&Pools) -> After + Send>,
}

/// What is different after a file was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Changes of the operator's table.
    pub changes: Vec<Change>,
    /// The services that are different, in the table or in what is said of them.
    pub scope: Scope,
    /// The operator's table of those.
    pub operator: Table,
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reload")
    }
}

/// What is asked of servers beside their weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedTurn {
    /// No new connections.
    Drain {
        /// Who asks.
        owner: Option<String>,
        /// Whether they are deleted then.
        delete: bool,
        /// When they count as drained whatever connections they have.
        timeout: Option<Duration>,
    },
    /// New connections again, with the whole weight after this time.
    Back(Duration),
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
    /// There is nobody to ask.
    #[error("cannot talk to the kernel's IPVS at present; this is tried again, and nothing was changed")]
    Lost,
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
            | Self::Lost
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
pub fn run(settings: Settings, options: &RunOptions, orders: mpsc::Receiver<Order>) -> Result<(), Error> {
    run_with(settings, None, options, || Ok(orders)).map(|_| ())
}

/// The same; `orders` is called within the runtime, before anything is started. Returns why it ended.
fn run_with(
    settings: Settings,
    layer: Option<Laid>,
    options: &RunOptions,
    orders: impl FnOnce() -> Result<mpsc::Receiver<Order>, Error> + 'static,
) -> Result<Stop, Error> {
    let user = User::for_scripts(options.script_user.as_ref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let options = options.clone();
    let run = async move {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut tether = Tether::new(options.outlet)?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => Stop::Asked,
                _ = interrupt.recv() => Stop::Asked,
                () = tether.is_cut() => Stop::Abandoned,
            }
        };
        let orders = orders()?;
        let (outbox, runs) = mpsc::unbounded_channel();
        let queue = CommandQueue::new(Runner::new(user.clone(), SCRIPTS_AT_ONCE));
        let commands = tokio::spawn(commands::carry_out(runs, queue));
        let scripts = Runner::new(user, SCRIPTS_AT_ONCE);
        let served = serve(settings, layer, &options, scripts, orders, outbox, stop).await;
        // It ends when there are no more, and has a time limit of its own.
        let _ = commands.await;
        served
    };
    // As a task: to wake what the runtime itself waits for is a system call each time.
    let result = runtime.block_on(async { spawn_local(run).await });
    // A script that does not end must not keep the process.
    runtime.shutdown_background();
    result.map_err(io::Error::from)?
}

/// Why a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody asked for it.
    Asked,
    /// The agent that started it was killed. The next one goes on with what the kernel has, so traffic must not notice.
    Abandoned,
}

/// Does the same within a [`LocalRuntime`](tokio::runtime::LocalRuntime), until `stop` is over. `layer` is what made the settings and
/// can make others, `scripts` runs those of checks, `commands` is told what to run for servers and services that come and go.
///
/// # Errors
/// As for [`run`].
pub async fn serve(
    settings: Settings,
    layer: Option<Laid>,
    options: &RunOptions,
    scripts: Runner,
    orders: mpsc::Receiver<Order>,
    commands: mpsc::UnboundedSender<Run>,
    stop: impl Future<Output = Stop>,
) -> Result<Stop, Error> {
    let mut process = Process::begin(settings, layer, options, scripts, commands)?;
    process.work(now());
    let stop = process.turn(orders, stop).await;
    process.end(stop);
    Ok(stop)
}
