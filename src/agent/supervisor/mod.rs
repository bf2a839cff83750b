//! The supervisor: starts the processes of an agent and keeps them running, holds what they run, and is the one door for
//! programs (`agent.sock`).
//!
//! It carries out nothing of that itself: it sends no packets, makes no probes, writes no table. What is to become of a
//! child is decided in [`tree`]; the rest is IO around it.

mod editor;
mod numbers;
mod process;
mod route;
mod running;
mod shared;
mod source;
pub mod status;
mod systemd;
mod tree;

use std::{fs, future, io, path::PathBuf, rc::Rc, sync::Arc, time::Duration};

use log::{info, warn};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    task::{LocalSet, spawn_local},
    time::{MissedTickBehavior, interval, sleep},
};

use self::{
    process::News,
    running::{Running, TABLE},
    shared::Shared,
    source::{Words, add_words},
    systemd::Systemd,
    tree::Kind,
};
use super::{
    SOCKET, check,
    control::{BindError, Complaint, Request, Server, holder},
    event::{Event, Subject},
    log as sink, vrrp,
};
use crate::{
    model::Moment,
    sys::{
        capabilities::{self, Capability},
        clock::now,
    },
};

pub use numbers::Port;
pub use running::STATE;
pub use source::Source;

/// Of root's rights, those that are needed for save files, wherever and whosever they are, and for readers of FIFOs that are
/// other users. Children get root's rights when
/// they are started, and give up their own.
const RIGHTS: [Capability; 7] = [
    Capability::Chown,
    Capability::Fowner,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::SetUid,
    Capability::SetGid,
    Capability::Kill,
];

/// What metrics take in addition: the kernel's table, and perhaps a port below 1024.
const RIGHTS_OF_METRICS: [Capability; 2] = [Capability::NetAdmin, Capability::NetBindService];

/// Most clients of it at a time.
const MOST_CLIENTS: usize = 1000;

/// How long an answer may take to be made: a change may have to start children.
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests that wait for their turn.
const WAITING: usize = 64;

/// How many files are open at most: two for each client, and some.
const FILES: u64 = 4096;

/// How long children of an agent that was killed may take to end before ours are started.
const LEFTOVERS: Duration = Duration::from_secs(15);

/// How long they may take where nothing says that an agent was killed.
const FAREWELL_OF_CHILDREN: Duration = Duration::from_secs(3);

/// How long mail about the end may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long changes of the table that no command made are collected before they are saved.
const SAVE_DELAY: Duration = Duration::from_millis(500);

/// How an agent runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Directory of sockets, and of what is to be known after a crash.
    pub run_dir: PathBuf,
    /// Where the lines are from that it carries out.
    pub source: Source,
    /// Whether it begins with the save file although there is the state of an agent that was killed.
    pub fresh: bool,
    /// Whether each change is saved.
    pub autosave: bool,
    /// A file that has its process number in it for as long as it runs.
    pub pid_file: Option<PathBuf>,
    /// How long the end may take.
    pub stop_limit: Duration,
    /// How long a child may be silent before it counts as one that hangs.
    pub hang_limit: Duration,
    /// How it logs; children do the same if their options say so.
    pub log: sink::Options,
    /// Where metrics are to be had, if anywhere.
    pub metrics: Option<Port>,
    /// More options for `vrrp run`.
    pub vrrp_words: Vec<String>,
    /// More options for `check run`.
    pub check_words: Vec<String>,
}

impl Options {
    /// Returns the options of an agent that nobody has told more.
    pub fn new(run_dir: PathBuf, source: Source) -> Self {
        Self {
            run_dir,
            source,
            fresh: false,
            autosave: false,
            pid_file: None,
            stop_limit: Duration::from_secs(10),
            hang_limit: Duration::from_secs(30),
            log: sink::Options::default(),
            metrics: None,
            vrrp_words: Vec::new(),
            check_words: Vec::new(),
        }
    }

    /// Returns the command line of a child, of which the file says more in `said`.
    fn words(&self, kind: Kind, resume: bool, said: &Words) -> Vec<String> {
        let run_dir = self.run_dir.display().to_string();
        let state = self.run_dir.join(STATE).display().to_string();
        let (mut words, typed, said) = match kind {
            Kind::Vrrp => (vec!["vrrp", "run", "--child", "--state", &state], &self.vrrp_words, &said.vrrp),
            Kind::Check => (vec!["check", "run", "--child", &state], &self.check_words, &said.check),
        };
        words.extend(["--run-dir", &run_dir]);
        if resume && kind == Kind::Check {
            words.push("--resume");
        }
        let mut more = typed.clone();
        add_words(&mut more, said);
        words.into_iter().map(str::to_owned).chain(more).collect()
    }
}

/// Runs an agent until SIGTERM, SIGINT or `agent.stop` ends it. `ready` is called when the first table and the first state of
/// all virtual routers stand.
///
/// # Errors
/// Another agent runs in this network namespace, all that is wrong with the save file, or what keeps a child from its
/// first work. Everything that was started has ended then.
pub fn run(options: Options, ready: impl FnOnce()) -> Result<(), Vec<Complaint>> {
    sink::start(&options.log);
    let for_metrics = options.metrics.map_or(&[][..], |_| &RIGHTS_OF_METRICS);
    capabilities::keep_or_warn(&[&RIGHTS[..], for_metrics].concat());
    let failed = |error: io::Error| vec![Complaint::new(format_args!("cannot wait for events: {error}"))];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let result = LocalSet::new().block_on(&runtime, begin(options, ready));
    runtime.shutdown_background();
    result
}

async fn begin(options: Options, ready: impl FnOnce()) -> Result<(), Vec<Complaint>> {
    // First of all, because only one agent may look at what another one left.
    let server = Server::bind(&options.run_dir.join(SOCKET)).map_err(taken)?;
    let signals = Signals::new().map_err(|error| vec![Complaint::new(format_args!("cannot take signals: {error}"))])?;
    let pid_file = options.pid_file.clone().map(PidFile::write).transpose()?;
    let files = getrlimit(Resource::RLIMIT_NOFILE);
    if let Err(errno) =
        files.and_then(|(soft, hard)| setrlimit(Resource::RLIMIT_NOFILE, FILES.clamp(soft, hard.max(soft)), hard))
    {
        warn!("cannot open more files than usual: {}", errno.desc());
    }
    let (mut running, resume) = Running::begin(&options)?;
    running.autosave = options.autosave;
    let state = running.path.clone();
    wait_for_leftovers(&options, resume).await?;
    let table = options.run_dir.join(TABLE);
    let keepalived = matches!(options.source, Source::Keepalived(_));
    let had_table = resume && !keepalived && table.exists();
    // The file says what the table is, whatever somebody left.
    if !resume || keepalived {
        remove(&table);
    }

    let metrics = options.metrics;
    let lines = Arc::clone(&running.state);
    let (shared, news) = Shared::new(options, running, resume);
    shared.configure(&lines.agent)?;
    metrics.map(|port| numbers::listen(&shared, port)).transpose()?;
    running::write(&state, &lines.file.text())?;
    {
        let mut core = shared.core.borrow_mut();
        for kind in Kind::ALL {
            if core.running.state.needs(kind) || kind == Kind::Check && had_table {
                core.tree.want(kind, now());
            }
        }
    }
    let (requests_in, requests) = mpsc::channel(WAITING);
    let serving = tokio::spawn(server.with_limits(MOST_CLIENTS, PATIENCE).serve(requests_in));
    serve(&shared, signals, news, requests, ready).await;
    let alerts = shared.alerts.take();
    alerts.finish(FAREWELL).await;

    let failure = shared.core.borrow_mut().failure.take();
    // What was there before a start that failed stays for the next one.
    if failure.is_none() || !resume {
        leave(&shared, failure.is_none());
        remove(&table);
    }
    drop(pid_file);
    // Dropped last: whoever waits for our end waits for this.
    serving.abort();
    let _ = serving.await;
    failure.map_or(Ok(()), Err)
}

/// Everything of a life between start and end.
async fn serve(
    shared: &Rc<Shared>,
    mut signals: Signals,
    mut news: mpsc::Receiver<(Kind, News)>,
    mut requests: mpsc::Receiver<Request>,
    ready: impl FnOnce(),
) {
    let systemd = Rc::new(Systemd::new());
    let mut watchdog = Systemd::watchdog().map(|limit| interval(limit / 3));
    let mut look = interval(shared.options.hang_limit / tree::SILENCE);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ready = Some(ready);
    let mut summary = String::new();
    let mut ends = false;
    loop {
        shared.carry_out();
        if !ends && shared.core.borrow().tree.is_ending() {
            ends = true;
            systemd.stopping();
            let event = Event::now(Subject::Process("agent".to_owned()), "stopping", "the agent process ends");
            shared.tell(&Event { by: shared.core.borrow_mut().stopped_by.take(), ..event });
        }
        if shared.core.borrow().tree.is_over() {
            return;
        }
        if shared.gets_ready()
            && let Some(ready) = ready.take()
        {
            let event = Event::ready("agent");
            info!("{event}");
            shared.tell(&event);
            systemd.ready();
            ready();
        }
        let now_summary = shared.summary();
        if now_summary != summary {
            systemd.status(&now_summary);
            summary = now_summary;
        }
        let due = shared.core.borrow().next_timeout();
        tokio::select! {
            Some((kind, news)) = news.recv() => shared.take(kind, news),
            Some(request) = requests.recv() => {
                spawn_local(route::answer(Rc::clone(shared), request));
            }
            () = shared.wake.notified() => {}
            () = until(due) => handle_timeout(shared),
            () = alive(&mut watchdog) => systemd.alive(),
            _ = look.tick() => shared.core.borrow_mut().tree.look(),
            _ = signals.hangup.recv(), if ready.is_none() => {
                let (shared, systemd) = (Rc::clone(shared), Rc::clone(&systemd));
                spawn_local(async move {
                    systemd.reloading();
                    report(editor::reload(&shared, None).await.map(|answer| answer.warnings));
                    systemd.ready();
                });
            }
            _ = signals.user1.recv() => shared.log_status(),
            _ = signals.terminate.recv() => shared.stop(None),
            _ = signals.interrupt.recv() => shared.stop(None),
        }
    }
}

impl shared::Core {
    fn next_timeout(&self) -> Option<Moment> {
        self.tree.next_timeout().into_iter().chain(self.save_at).min()
    }
}

fn handle_timeout(shared: &Rc<Shared>) {
    let mut core = shared.core.borrow_mut();
    core.tree.handle_timeout(now());
    if core.save_at.is_some_and(|due| due <= now()) {
        core.save_at = None;
        let shared = Rc::clone(shared);
        spawn_local(async move { editor::autosave(&shared).await });
    }
}

/// Says what came of something that nobody waits for.
fn report(result: Result<Vec<String>, Vec<Complaint>>) {
    match result {
        Ok(warnings) => warnings.iter().for_each(|warning| warn!("{warning}")),
        Err(complaints) => {
            complaints.iter().for_each(|complaint| warn!("{}", complaint.text));
            warn!("what ran before goes on");
        }
    }
}

async fn until(due: Option<Moment>) {
    match due {
        Some(due) => sleep(due.since(now())).await,
        None => future::pending().await,
    }
}

async fn alive(watchdog: &mut Option<tokio::time::Interval>) {
    match watchdog {
        Some(watchdog) => {
            watchdog.tick().await;
        }
        None => future::pending().await,
    }
}

/// Waits until the children of an agent that was killed have ended: they give addresses up, which takes a moment.
async fn wait_for_leftovers(options: &Options, resume: bool) -> Result<(), Vec<Complaint>> {
    const STEP: Duration = Duration::from_millis(50);
    let end = now() + if resume { LEFTOVERS } else { FAREWELL_OF_CHILDREN };
    let sockets = [vrrp::SOCKET, check::control::SOCKET].map(|name| options.run_dir.join(name));
    loop {
        let held: Vec<_> = sockets.iter().filter_map(|path| holder(path).map(|pid| (pid, path))).collect();
        if held.is_empty() {
            return Ok(());
        }
        if now() >= end {
            let taken = |(pid, path): (u32, &PathBuf)| {
                let complaint = Complaint::new(BindError::Taken { pid, path: path.clone() });
                complaint.hint("stop it, and let the agent run it; or --run-dir names another directory")
            };
            return Err(held.into_iter().map(taken).collect());
        }
        sleep(STEP).await;
    }
}

fn taken(error: BindError) -> Vec<Complaint> {
    let complaint = match &error {
        BindError::Taken { pid, path } => Complaint::new(format_args!(
            "an agent runs in this network namespace already: process {pid}, which holds {}",
            path.display()
        ))
        .hint("`lvsadm agent status` asks it; --run-dir names another directory"),
        BindError::Failed { .. } => Complaint::new(&error).hint("--run-dir names another directory"),
    };
    vec![complaint]
}

/// Clears the running state away. What was changed and not saved is kept beside it.
fn leave(shared: &Shared, keep: bool) {
    let core = shared.core.borrow();
    let state = &core.running.path;
    if !keep || core.running.is_saved() {
        return remove(state);
    }
    let unsaved = state.with_extension("unsaved");
    match fs::rename(state, &unsaved) {
        Ok(()) => {
            warn!("not all that ran is in {}: {} has it", core.running.source.path().display(), unsaved.display());
        }
        Err(error) => warn!("cannot keep what was not saved: {error}"),
    }
}

/// Removes a file, if it is there.
fn remove(path: &std::path::Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => warn!("cannot remove {}: {error}", path.display()),
        _ => {}
    }
}

/// Signals that an agent takes.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user1: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
        })
    }
}

/// A file with our number in it; dropped, it goes away.
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: PathBuf) -> Result<Self, Vec<Complaint>> {
        match fs::write(&path, format!("{}\n", std::process::id())) {
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(vec![Complaint::new(format_args!("cannot write {}: {error}", path.display()))]),
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        remove(&self.0);
    }
}
