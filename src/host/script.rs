//! Runs commands that a person asked for: checks, trackers, notifications, readers of FIFOs.
//!
//! No shell reads their words. They run as an ordinary user unless told otherwise, for a limited time, with limited output,
//! and only so many at once. What may run at all says [`check`]; what comes of a run says [`Exit`]. When to run what, and
//! what an exit status means, is decided above.
//!
//! Works in a current-thread tokio runtime whose thread lasts as long as the process: commands end with the thread that
//! started them.

mod fault;
mod output;
mod path;

use std::{
    fmt,
    future::Future,
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    pin::pin,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use tokio::{
    process::Child,
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};

pub use fault::ScriptFault;

use super::{Command, User};
use crate::sys::child;
use output::Output;

/// How many commands run at once unless somebody says otherwise.
pub const AT_ONCE: usize = 64;

/// How much of a command's output is kept, in bytes: the first. The rest is read and forgotten.
pub const OUTPUT_KEPT: usize = 4096;

/// How long a command has from SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// How often we look whether a command has ended after SIGTERM.
const LOOK: Duration = Duration::from_millis(10);

/// A file that is being written cannot be executed. Whoever replaces a script needs a moment for it, and that is no reason for
/// a failover.
const WRITTEN_ATTEMPTS: u32 = 10;

/// What of our environment commands do not get: it would change how a shell reads words, and what the loader loads.
const NOT_INHERITED: [&str; 3] = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"];

/// A command that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The file that is executed, without symbolic links on the way.
    pub file: PathBuf,
    /// All words; the first is what the program sees as its name.
    pub words: Vec<String>,
    /// Who runs it.
    pub user: User,
}

/// Checks whether a command may and can run: its user exists, its file exists and is executable for that user, and, if
/// it runs with root's rights, nobody but root can change the file or the way to it. `default` is who runs commands without a
/// user of their own ([`User::for_scripts`]).
///
/// Reads directories and the user database, so it may take long where these are remote. Access control lists are not
/// read: what only they allow counts as forbidden.
///
/// # Errors
/// See [`ScriptFault`]; it names the part of the path that is at fault.
pub fn check(command: &Command, default: &User) -> Result<Resolved, ScriptFault> {
    let word = command.words.first().filter(|word| !word.is_empty()).ok_or(ScriptFault::NoCommand)?;
    let user = match &command.user {
        Some((user, group)) => User::find(user, group.as_deref())?,
        None => default.clone(),
    };
    let file = path::find(word, &user)?;
    Ok(Resolved { file, words: command.words.clone(), user })
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// How.
    pub end: End,
    /// What it wrote to standard output and standard error, at most [`OUTPUT_KEPT`] bytes.
    pub output: Vec<u8>,
    /// From its start to its end.
    pub took: Duration,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It exited with this status, 0 to 255.
    Status(i32),
    /// A signal ended it.
    Signal(i32),
    /// Its time was over; nothing of its process group is left.
    Timeout,
    /// It could not be started, for this reason.
    NotStarted(String),
}

impl Exit {
    fn not_started(reason: String) -> Self {
        Self { end: End::NotStarted(reason), output: Vec::new(), took: Duration::ZERO }
    }

    /// Whether it exited with status 0.
    pub fn is_success(&self) -> bool {
        self.end == End::Status(0)
    }

    /// Returns the first line of the output that is not empty, without control characters, at most 120 characters.
    pub fn first_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.output);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect()
    }
}

/// `status 3, "no route"`: what goes into logs.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Status(status) => write!(f, "exit status {status}")?,
            End::Signal(number) => match Signal::try_from(*number) {
                Ok(signal) => write!(f, "ended by {signal}")?,
                Err(_) => write!(f, "ended by signal {number}")?,
            },
            End::Timeout => write!(f, "still running after {:?}, ended", self.took)?,
            End::NotStarted(reason) => return write!(f, "not started: {reason}"),
        }
        match self.first_line() {
            line if line.is_empty() => Ok(()),
            line => write!(f, ", {line:?}"),
        }
    }
}

/// Runs commands. Clones share the limit on how many run at once.
#[derive(Clone, Debug)]
pub struct Runner {
    default: User,
    permits: Arc<Semaphore>,
    /// Output that outlives its command, and is still read.
    lingering: Arc<Semaphore>,
}

impl Runner {
    /// Makes a runner: `default` runs commands without a user of their own, `at_once` is how many run at the same time
    /// ([`AT_ONCE`]).
    pub fn new(default: User, at_once: usize) -> Self {
        Self {
            default,
            permits: Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS))),
            lingering: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Returns who runs commands without a user of their own.
    pub fn default_user(&self) -> &User {
        &self.default
    }

    /// Runs `command` with `extra` words behind its own. After `limit`, counted from its start, its process group gets a
    /// SIGTERM, and 2 s later a SIGKILL; when this returns nothing of it is left. What it starts in the background may outlive
    /// it otherwise.
    ///
    /// Waits first while too many others run. If the future is dropped, the command's process group is killed.
    pub async fn run(&self, command: &Command, extra: &[String], limit: Duration) -> Exit {
        let Ok(_permit) = self.permits.acquire().await else {
            return Exit::not_started("the program ends".to_owned());
        };
        // Checked before each run, because files and users change; elsewhere, because their servers may hang.
        let resolved = match timeout(limit.max(GRACE), self.resolve(command)).await {
            Ok(Ok(resolved)) => resolved,
            Ok(Err(reason)) => return Exit::not_started(reason),
            Err(_) => return Exit::not_started("its user or its file could not be looked up in time".to_owned()),
        };
        self.supervise(resolved, extra, sleep(limit)).await
    }

    /// Runs a command that stays until it ends by itself, or until `stop` is ready, which it is then told by SIGTERM, and 2 s
    /// later by SIGKILL ([`End::Timeout`]). Does not count as one of those that run at once.
    pub async fn serve(&self, command: &Command, extra: &[String], stop: impl Future<Output = ()>) -> Exit {
        match self.resolve(command).await {
            Ok(resolved) => self.supervise(resolved, extra, stop).await,
            Err(reason) => Exit::not_started(reason),
        }
    }

    async fn resolve(&self, command: &Command) -> Result<Resolved, String> {
        let (command, default) = (command.clone(), self.default.clone());
        match spawn_blocking(move || check(&command, &default)).await {
            Ok(result) => result.map_err(|fault| format!("{fault} ({hint})", hint = fault.hint())),
            Err(_) => Err("the program ends".to_owned()),
        }
    }

    async fn supervise(&self, resolved: Resolved, extra: &[String], over: impl Future<Output = ()>) -> Exit {
        let mut attempts = WRITTEN_ATTEMPTS;
        let (mut running, mut output) = loop {
            attempts -= 1;
            match start(&resolved, extra) {
                Ok(started) => break started,
                Err((Some(Errno::ETXTBSY), _)) if attempts > 0 => sleep(LOOK).await,
                Err((_, reason)) => return Exit::not_started(reason),
            }
        };
        let begin = Instant::now();
        let mut over = pin!(over);
        let end = loop {
            tokio::select! {
                status = running.child.wait() => break match status {
                    Ok(status) => end_of(status),
                    Err(error) => End::NotStarted(format!("its end was missed: {error}")),
                },
                () = &mut over => {
                    running.stop().await;
                    break End::Timeout;
                }
                () = output.read_more() => {}
            }
        };
        let took = begin.elapsed();
        Exit { end, output: output.finish(&self.lingering), took }
    }
}

/// A command that runs. Dropped before its end, it is killed with all its process group.
struct Running {
    child: Child,
}

impl Running {
    /// Its process group; `None` once its end was seen. Until then the number is its own and can be no other's.
    fn group(&self) -> Option<Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw)
    }

    /// Ends the process group: asked first, then killed. Its leader stays a zombie until all is done, so that the number of the
    /// group cannot come to mean another one.
    async fn stop(&mut self) {
        let Some(group) = self.group() else {
            return;
        };
        let _ = killpg(group, Signal::SIGTERM);
        let last = Instant::now() + GRACE;
        while !has_ended(group) && Instant::now() < last {
            sleep(LOOK).await;
        }
        let _ = killpg(group, Signal::SIGKILL);
        // A process that the kernel holds (a dead NFS server) does not even die of SIGKILL. It is reaped when it does.
        let _ = timeout(GRACE, self.child.wait()).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group() {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Whether a child has ended; leaves it a zombie.
fn has_ended(child: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(child), flags), Ok(WaitStatus::StillAlive))
}

/// Starts a command; an error is its number, if there is one, and words.
fn start(resolved: &Resolved, extra: &[String]) -> Result<(Running, Output), (Option<Errno>, String)> {
    let Resolved { file, words, user } = resolved;
    let failed = |what: &str, error: io::Error| {
        let errno = error.raw_os_error().map(Errno::from_raw);
        let reason = match errno {
            // The file itself was found a moment ago.
            Some(Errno::ENOENT) => "the interpreter in its first line does not exist".to_owned(),
            Some(Errno::EAGAIN) => "too many processes (ulimit -u, pids.max)".to_owned(),
            _ => error.to_string(),
        };
        (errno, format!("cannot {what} {file} as {name}: {reason}", file = file.display(), name = user.name))
    };
    let (output, input) = Output::new().map_err(|error| failed("make a pipe for", error))?;
    let second = input.try_clone().map_err(|error| failed("make a pipe for", error))?;
    let mut command = std::process::Command::new(file);
    if let Some(name) = words.first() {
        command.arg0(name);
    }
    command.args(words.iter().skip(1)).args(extra);
    command.current_dir("/").stdin(Stdio::null()).stdout(input).stderr(second);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    child::prepare(&mut command, user.identity.clone());
    match tokio::process::Command::from(command).spawn() {
        Ok(child) => Ok((Running { child }, output)),
        Err(error) => Err(failed("start", error)),
    }
}

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Status(code),
        (None, Some(signal)) => End::Signal(signal),
        // There is no third way to end.
        (None, None) => End::NotStarted("its end was missed".to_owned()),
    }
}
