//! What the tasks of an agent share: the children, what runs, who waits for what. The tasks run one after the other in one
//! thread, and none holds on to it while it waits.

use std::{
    cell::RefCell, collections::HashMap, os::unix::process::ExitStatusExt, process::ExitStatus, rc::Rc, time::Duration,
};

use log::{error, info, warn};
use nix::sys::signal::Signal;
use tokio::{
    sync::{Mutex, Notify, Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{
    Options,
    process::{News, Process},
    running::Running,
    status::{ProcessStatus, Status},
    tree::{Child, Kind, Order, Phase, Tree},
};
use crate::{
    agent::{
        alert::Alerts,
        control::Complaint,
        event::{Author, Event, Subject},
        journal::Journal,
    },
    check::answer::spoken,
    model::Moment,
    state::set,
    sys::clock::now,
};

/// How long a child may take to do its first work before nobody waits for it any more. It goes on with it.
const FIRST_WORK: Duration = Duration::from_secs(20);

/// News of children that wait for their turn.
const WAITING: usize = 256;

/// How many requests of clients are on their way to a child at once: it has room for some more, which are our own.
const LANE: usize = 32;

/// Takes the word that a child is ready, or why it is not.
type Waiter = oneshot::Sender<Result<(), Vec<Complaint>>>;

/// What the tasks share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) core: RefCell<Core>,
    /// Rings when the main loop has something to look at.
    pub(super) wake: Notify,
    /// Held by the one who changes what runs.
    pub(super) writer: Mutex<()>,
    news: mpsc::Sender<(Kind, News)>,
    /// Requests that may be on their way to each child.
    lanes: [Semaphore; 2],
    pub(super) journal: Journal,
    pub(super) alerts: RefCell<Alerts>,
}

/// What changes.
pub(super) struct Core {
    pub(super) tree: Tree,
    pub(super) running: Running,
    processes: HashMap<Kind, Process>,
    waiters: Vec<(Kind, Waiter)>,
    /// What a child said last about why it cannot run.
    reasons: HashMap<Kind, Vec<Complaint>>,
    last_ends: HashMap<Kind, String>,
    started: Moment,
    /// Whether everything stood once.
    pub(super) was_ready: bool,
    /// Why the agent ends, if it could not start.
    pub(super) failure: Option<Vec<Complaint>>,
    /// When the table is to be saved.
    pub(super) save_at: Option<Moment>,
    /// Who asked for the end, until that is said.
    pub(super) stopped_by: Option<Author>,
}

impl Shared {
    /// Returns the state of a tree in which nothing runs yet, and where news of its children will come from.
    pub(super) fn new(options: Options, running: Running, resume: bool) -> (Rc<Self>, mpsc::Receiver<(Kind, News)>) {
        let core = Core {
            tree: Tree::new(resume),
            running,
            processes: HashMap::new(),
            waiters: Vec::new(),
            reasons: HashMap::new(),
            last_ends: HashMap::new(),
            started: now(),
            was_ready: false,
            failure: None,
            save_at: None,
            stopped_by: None,
        };
        let (news, receiver) = mpsc::channel(WAITING);
        let core = RefCell::new(core);
        let (journal, alerts) = (Journal::begin(&options.run_dir), RefCell::default());
        let lanes = Kind::ALL.map(|_| Semaphore::new(LANE));
        let (wake, writer) = (Notify::new(), Mutex::new(()));
        let shared = Self { options, core, wake, writer, news, lanes, journal, alerts };
        (Rc::new(shared), receiver)
    }

    /// Goes by what lines say about the agent itself.
    ///
    /// # Errors
    /// See [`Alerts::configure`].
    pub(super) fn configure(&self, settings: &set::Settings) -> Result<(), Vec<Complaint>> {
        self.alerts.borrow_mut().configure(settings)
    }

    /// Returns what a request to a child takes one of, and gives back when it is answered.
    pub(super) fn lane(&self, kind: Kind) -> &Semaphore {
        let [vrrp, check] = &self.lanes;
        match kind {
            Kind::Vrrp => vrrp,
            Kind::Check => check,
        }
    }

    /// Looks at what is known of a child.
    pub(super) fn child(&self, kind: Kind) -> Child {
        *self.core.borrow().tree.child(kind)
    }

    /// Does what the tree wants done.
    pub(super) fn carry_out(&self) {
        while let Some(order) = { self.core.borrow_mut().tree.poll() } {
            match order {
                Order::Start { kind, resume } => self.start(kind, resume),
                Order::Terminate(kind) => self.signal(kind, Signal::SIGTERM),
                Order::Kill(kind) => {
                    warn!("{} does not end: it is killed", kind.noun());
                    self.signal(kind, Signal::SIGKILL);
                }
                Order::KillHung(kind) => {
                    let (noun, limit) = (kind.noun(), self.options.hang_limit);
                    let text = format!("{noun} has not been heard of for {limit:?} or longer: it hangs, and is killed");
                    let event = Event::now(Subject::Process(kind.name().to_owned()), "hung", text);
                    error!("{event}");
                    self.tell(&event);
                    self.signal(kind, Signal::SIGKILL);
                }
            }
        }
    }

    fn start(&self, kind: Kind, resume: bool) {
        let words = self.options.words(kind, resume, &self.core.borrow().running.words);
        let started = Process::start(kind, &words, self.news.clone());
        let mut core = self.core.borrow_mut();
        core.reasons.remove(&kind);
        match started {
            Ok(process) => _ = core.processes.insert(kind, process),
            Err(error) => {
                let complaint = Complaint::new(format_args!("cannot start {}: {error}", kind.noun()));
                drop(core);
                self.has_ended(kind, complaint.text.clone(), vec![complaint], true);
            }
        }
    }

    fn signal(&self, kind: Kind, signal: Signal) {
        if let Some(process) = self.core.borrow().processes.get(&kind) {
            process.signal(signal);
        }
    }

    /// Takes what a child does.
    pub(super) fn take(&self, kind: Kind, news: News) {
        match news {
            News::Event(event) => self.hear(kind, event),
            News::Alive => self.core.borrow_mut().tree.heard(kind),
            News::Ended(status) => {
                let said = self.core.borrow_mut().reasons.remove(&kind).unwrap_or_default();
                let how = end_in_words(status);
                let complaints = if said.is_empty() {
                    vec![Complaint::new(format_args!("{} has ended: {how}", kind.noun()))]
                } else {
                    said
                };
                self.has_ended(kind, how, complaints, status.signal().is_none());
            }
        }
    }

    fn hear(&self, kind: Kind, event: Event) {
        if event.subject == Subject::Process(kind.name().to_owned()) {
            let mut core = self.core.borrow_mut();
            match event.what.as_str() {
                "ready" => {
                    core.tree.ready(kind, now());
                    core.answer_waiters(kind, &Ok(()));
                }
                "failed" => core.reasons.entry(kind).or_default().push(Complaint::new(&event.text)),
                _ => {}
            }
        }
        // A server that has drained may have been deleted.
        if kind == Kind::Check && matches!(event.what.as_str(), "adopted" | "drained") {
            self.table_changed();
        }
        self.tell(&event);
    }

    /// Everything that happens comes by here, for whoever keeps or passes it on.
    pub(super) fn tell(&self, event: &Event) {
        self.journal.feed(event.clone());
        self.alerts.borrow().take(event);
    }

    /// A child has ended; `by_itself`, or a signal ended it.
    fn has_ended(&self, kind: Kind, how: String, complaints: Vec<Complaint>, by_itself: bool) {
        let mut core = self.core.borrow_mut();
        core.processes.remove(&kind);
        let was_ready = core.tree.child(kind).is_ready();
        let expected = core.tree.is_ending();
        core.tree.ended(kind, now());
        core.answer_waiters(kind, &Err(complaints.clone()));
        if expected {
            return;
        }
        core.last_ends.insert(kind, how.clone());
        // What cannot be started at all is nothing to go on with.
        if !core.was_ready && by_itself && !was_ready {
            core.failure = Some(complaints);
            core.tree.stop(now(), self.options.stop_limit);
            return;
        }
        let next = match core.tree.child(kind).phase {
            Phase::Waiting(until) => format!("it is started again in {}", spoken(until.since(now()))),
            Phase::Starting(_) => "it is started again".to_owned(),
            _ => "it is not needed any more".to_owned(),
        };
        drop(core);
        let event = Event::now(
            Subject::Process(kind.name().to_owned()),
            "ended",
            format_args!("{} has ended: {how}; {next}", kind.noun()),
        );
        error!("{event}");
        self.tell(&event);
    }

    /// Sees that a child runs, and waits until its first work is done. One that takes long is not waited for to the end.
    ///
    /// # Errors
    /// It ended instead: what it said.
    pub(super) async fn want(&self, kind: Kind) -> Result<(), Vec<Complaint>> {
        let (waiter, answer) = oneshot::channel();
        {
            let mut core = self.core.borrow_mut();
            if core.tree.is_ending() {
                return Err(vec![Complaint::new("the agent is about to end")]);
            }
            core.tree.want(kind, now());
            if core.tree.child(kind).is_ready() {
                return Ok(());
            }
            core.waiters.push((kind, waiter));
        }
        self.wake.notify_one();
        match timeout(FIRST_WORK, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(vec![Complaint::new("the agent is about to end")]),
            Err(_) => Ok(()),
        }
    }

    /// Whether everything stands now.
    pub(super) fn gets_ready(&self) -> bool {
        let mut core = self.core.borrow_mut();
        let stands = core.tree.is_ready() && !core.tree.is_ending();
        core.was_ready |= stands;
        stands
    }

    /// The operator's table is another one.
    pub(super) fn table_changed(&self) {
        let mut core = self.core.borrow_mut();
        core.running.table_changed = true;
        core.running.table_moved = true;
        if core.running.autosave && core.save_at.is_none() {
            core.save_at = Some(now() + super::SAVE_DELAY);
            self.wake.notify_one();
        }
    }

    /// Begins the end, as somebody or a signal asks.
    pub(super) fn stop(&self, by: Option<&Author>) {
        let mut core = self.core.borrow_mut();
        core.stopped_by = by.cloned();
        core.tree.stop(now(), self.options.stop_limit);
        self.wake.notify_one();
    }

    /// Returns how everything is.
    pub(super) fn status(&self) -> Status {
        let core = self.core.borrow();
        Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            phase: core.phase().to_owned(),
            since_ms: milliseconds(now().since(core.started)),
            run_dir: self.options.run_dir.display().to_string(),
            file: core.running.source.path().display().to_string(),
            revision: core.running.revision,
            saved: core.running.is_saved(),
            autosave: core.running.autosave,
            processes: Kind::ALL.into_iter().map(|kind| core.process(kind)).collect(),
        }
    }

    /// Says how everything is.
    pub(super) fn log_status(&self) {
        let status = self.status();
        let saved = if status.saved { "saved" } else { "not saved" };
        info!("the agent is {}; revision {} of its state, {saved} in {}", status.phase, status.revision, status.file);
        for process in &status.processes {
            let pid = process.pid.map_or_else(String::new, |pid| format!(", process {pid}"));
            info!("{}: {}{pid}, started again {} times", process.name, process.state, process.restarts);
        }
    }

    /// Returns one line about everything, for systemd.
    pub(super) fn summary(&self) -> String {
        let core = self.core.borrow();
        let processes = Kind::ALL.map(|kind| core.process(kind));
        let processes = processes.iter().map(|process| format!("{} {}", process.name, process.state));
        format!("{}: {}", core.phase(), processes.collect::<Vec<_>>().join(", "))
    }
}

impl Core {
    fn phase(&self) -> &'static str {
        if self.tree.is_ending() {
            "stopping"
        } else if self.was_ready {
            "running"
        } else {
            "starting"
        }
    }

    fn answer_waiters(&mut self, kind: Kind, answer: &Result<(), Vec<Complaint>>) {
        for (whom, waiter) in std::mem::take(&mut self.waiters) {
            if whom == kind {
                // Whoever waited may have gone.
                let _ = waiter.send(answer.clone());
            } else {
                self.waiters.push((whom, waiter));
            }
        }
    }

    fn process(&self, kind: Kind) -> ProcessStatus {
        let child = self.tree.child(kind);
        let (state, since, until) = match child.phase {
            Phase::Down => ("idle", None, None),
            Phase::Waiting(until) => ("waiting", None, Some(until)),
            Phase::Starting(since) => ("starting", Some(since), None),
            Phase::Ready(since) => ("ready", Some(since), None),
        };
        ProcessStatus {
            name: kind.name().to_owned(),
            state: state.to_owned(),
            pid: self.processes.get(&kind).map(|process| process.pid),
            since_ms: since.map(|since| milliseconds(now().since(since))),
            restarts: child.restarts,
            starts_in_ms: until.map(|until| milliseconds(until.since(now()))),
            last_end: self.last_ends.get(&kind).cloned(),
        }
    }

    /// Returns why a child does not run, as far as is known.
    pub(super) fn why_down(&self, kind: Kind) -> Complaint {
        let how = self.last_ends.get(&kind).map_or_else(String::new, |how| format!(" ({how})"));
        let complaint = Complaint::new(format_args!("{} does not run{how}", kind.noun()));
        match self.tree.child(kind).phase {
            Phase::Waiting(until) => {
                complaint.hint(format_args!("it is started again in {}", spoken(until.since(now()))))
            }
            _ => complaint.hint("`lvsadm agent status` shows what runs"),
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Says how a process ended.
fn end_in_words(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(number), _) => match Signal::try_from(number) {
            Ok(signal) => format!("killed by {signal}"),
            Err(_) => format!("killed by signal {number}"),
        },
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => "nobody knows how".to_owned(),
    }
}
