//! The check process: makes probes, and keeps the kernel's table as the pools want it.
//!
//! All decisions are the engine's (`pool`), which knows no IO. Here are the sockets, the clock, the kernel and the log; what
//! one loop does: answers and timers in, table out, probes off.

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

use crate::{
    host::Command,
    ipvs::{self, OpenError},
    model::{Change, ServerKey, ServiceKey, Target, VirtualService},
    pool::{settings::Settings, status::Status},
};
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
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            first_mark: *VirtualService::HIDDEN_MARKS.start(),
            compare: Duration::from_secs(5),
            foreign: Foreign::Adopt,
            restore_table: false,
            resume: false,
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
            Self::Kernel(_) | Self::Limit(_) | Self::Runtime(_) | Self::ThroughVip { .. } => None,
        }
    }
}

/// Runs checks until SIGTERM or SIGINT, and returns the exit status.
///
/// `orders` come from whoever answers the control socket; `commands` is told what to run for servers and services that come
/// and go. Says what happens through the `log` macros.
///
/// # Errors
/// Nothing was started: no IPVS, no permission, too few descriptors, settings that cannot be carried out.
pub fn run(
    settings: Settings,
    options: &RunOptions,
    orders: mpsc::Receiver<Order>,
    commands: mpsc::UnboundedSender<Run>,
) -> Result<u8, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        serve(settings, options, orders, commands, stop).await
    })?;
    Ok(0)
}

/// Does the same within a current-thread runtime and a [`LocalSet`], until `stop` is over.
///
/// # Errors
/// As for [`run`].
pub async fn serve(
    settings: Settings,
    options: &RunOptions,
    orders: mpsc::Receiver<Order>,
    commands: mpsc::UnboundedSender<Run>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let mut process = Process::begin(settings, options, commands)?;
    process.work();
    process.turn(orders, stop).await;
    process.end();
    Ok(())
}
