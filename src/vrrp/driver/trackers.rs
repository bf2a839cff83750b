//! Watches what settings track, and tells what it sees: scripts by running them, processes by the kernel's events, files by
//! inotify, virtual services by the kernel's table. Links are watched by who drives the router; BFD sessions are told by
//! [`Trackers::set`].
//!
//! Only what an instance or a group tracks is watched. Each script has a task of its own; processes, files and services
//! have one for all of their kind. What an observation means for an election is the router's business.

mod files;
mod processes;
mod scripts;
mod services;

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    path::PathBuf,
};

use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
};

use crate::{
    host::script::Runner,
    vrrp::{
        event::Observation,
        settings::{Process, Script, Settings, TrackedFile, TrackedService, Tracker},
        track::Health,
    },
};

/// Observations that nobody has taken yet; whoever makes more waits.
const WAITING: usize = 256;

/// The watching of everything that some settings track. Dropped, it stops; scripts that run are killed.
#[derive(Debug)]
pub struct Trackers {
    runner: Runner,
    scripts: HashMap<String, (Script, Task)>,
    processes: Kind<Process>,
    files: Kind<TrackedFile>,
    services: Kind<TrackedService>,
    /// What was told of each, and which task may tell of it.
    known: HashMap<Tracker, Known>,
    last_task: u64,
    sender: mpsc::Sender<Seen>,
    receiver: mpsc::Receiver<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    observation: Observation,
    /// What other tasks tell is old.
    task: u64,
}

/// What a task saw.
#[derive(Debug)]
struct Seen {
    task: u64,
    tracker: Tracker,
    observation: Observation,
}

/// All of a kind that one task watches.
#[derive(Debug)]
struct Kind<T> {
    settings: Vec<T>,
    /// Held, because it ends when dropped.
    _task: Option<Task>,
}

impl<T> Default for Kind<T> {
    fn default() -> Self {
        Self { settings: Vec::new(), _task: None }
    }
}

/// A task that ends when this is dropped.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where a task puts what it sees.
#[derive(Clone, Debug)]
struct Out {
    task: u64,
    sender: mpsc::Sender<Seen>,
}

impl Out {
    async fn tell(&self, tracker: Tracker, observation: Observation) {
        // Nobody listens any more: the task is about to be ended.
        let _ = self.sender.send(Seen { task: self.task, tracker, observation }).await;
    }
}

impl Trackers {
    /// Starts to watch. `runner` runs the scripts.
    ///
    /// Must be called in a current-thread runtime; the first scripts start with its next turn.
    pub fn start(settings: &Settings, runner: Runner) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut trackers = Self {
            runner,
            scripts: HashMap::new(),
            processes: Kind::default(),
            files: Kind::default(),
            services: Kind::default(),
            known: HashMap::new(),
            last_task: 0,
            sender,
            receiver,
        };
        trackers.reconfigure(settings);
        trackers
    }

    /// Watches what other settings track. What did not change goes on undisturbed, with what is known of it. A script that
    /// changed keeps its last result until its new command has one; files that are new get their initial value.
    pub fn reconfigure(&mut self, settings: &Settings) {
        let tracked: HashSet<&Tracker> = tracked(settings).collect();
        self.known.retain(|tracker, _| tracked.contains(tracker));
        self.scripts.retain(|name, _| tracked.contains(&Tracker::Script(name.clone())));
        for script in &settings.scripts {
            if tracked.contains(&Tracker::Script(script.name.clone())) {
                self.watch_script(script);
            }
        }
        let processes = chosen(&settings.processes, |each| tracked.contains(&Tracker::Process(each.name.clone())));
        if processes != self.processes.settings {
            let out = self.take_over(processes.iter().map(|each| Tracker::Process(each.name.clone())));
            let task = (!processes.is_empty()).then(|| Task::run(processes::watch(processes.clone(), out)));
            self.processes = Kind { settings: processes, _task: task };
        }
        let files = chosen(&settings.files, |each| tracked.contains(&Tracker::File(each.name.clone())));
        if files != self.files.settings {
            let out = self.take_over(files.iter().map(|each| Tracker::File(each.name.clone())));
            let seen: HashSet<PathBuf> = self.files.settings.iter().map(|each| each.path.clone()).collect();
            let new = chosen(&files, |each| !seen.contains(&each.path));
            let task = (!files.is_empty()).then(|| Task::run(files::watch(files.clone(), new, out)));
            self.files = Kind { settings: files, _task: task };
        }
        let mut services: Vec<TrackedService> = tracked.iter().filter_map(|each| service(each)).collect();
        services.sort_unstable();
        if services != self.services.settings {
            let out = self.take_over(services.iter().copied().map(Tracker::Service));
            let task = (!services.is_empty()).then(|| Task::run(services::watch(services.clone(), out)));
            self.services = Kind { settings: services, _task: task };
        }
        for tracker in tracked.into_iter().filter(|tracker| matches!(tracker, Tracker::Bfd(_))) {
            self.known.entry(tracker.clone()).or_insert(Known { observation: Observation::Unknown, task: 0 });
        }
    }

    /// Tells of a tracker that somebody else watches: a BFD session. What nobody tracks is forgotten.
    pub fn set(&mut self, name: &str, observation: Observation) {
        let tracker = Tracker::Bfd(name.to_owned());
        match self.sender.try_send(Seen { task: 0, tracker, observation }) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(seen)) => {
                let sender = self.sender.clone();
                tokio::spawn(async move {
                    let _ = sender.send(seen).await;
                });
            }
        }
    }

    /// Waits for a tracker about which something else is known than before, and returns it. Nothing is lost if the future is
    /// dropped.
    pub async fn next(&mut self) -> (Tracker, Observation) {
        loop {
            let Some(Seen { task, tracker, observation }) = self.receiver.recv().await else {
                // Cannot be: we hold a sender.
                return std::future::pending().await;
            };
            if let Some(known) = self.known.get_mut(&tracker)
                && known.task == task
                && known.observation != observation
            {
                known.observation = observation;
                return (tracker, observation);
            }
        }
    }

    /// Returns what was last told of a tracker.
    pub fn known(&self, tracker: &Tracker) -> Observation {
        self.known.get(tracker).map_or(Observation::Unknown, |known| known.observation)
    }

    fn watch_script(&mut self, script: &Script) {
        let tracker = Tracker::Script(script.name.clone());
        let old = self.scripts.get(&script.name).map(|(old, _)| old);
        let same_command = old.is_some_and(|old| old.command == script.command);
        if same_command && old.is_some_and(|old| scripts::is_watched_alike(old, script)) {
            self.scripts.entry(script.name.clone()).and_modify(|(old, _)| *old = script.clone());
            return;
        }
        let known = self.known(&tracker);
        let health = match known {
            Observation::Unknown if script.init_fail => Health::new(script.rise, script.fall, Observation::Down),
            _ if same_command => Health::resumed(script.rise, script.fall, known),
            _ => Health::new(script.rise, script.fall, known),
        };
        let out = self.take_over([tracker]);
        let task = Task::run(scripts::watch(script.clone(), health, self.runner.clone(), out));
        self.scripts.insert(script.name.clone(), (script.clone(), task));
    }

    /// Gives trackers to a new task, with what is known of them.
    fn take_over(&mut self, trackers: impl IntoIterator<Item = Tracker>) -> Out {
        self.last_task += 1;
        let task = self.last_task;
        for tracker in trackers {
            let known = self.known.entry(tracker).or_insert(Known { observation: Observation::Unknown, task });
            known.task = task;
        }
        Out { task, sender: self.sender.clone() }
    }
}

impl Task {
    fn run(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

/// Returns what can be known of trackers at once, without waiting: numbers of files. Those that have an initial value get it.
pub(super) fn first(settings: &Settings) -> Vec<(Tracker, Observation)> {
    let tracked: HashSet<&Tracker> = tracked(settings).collect();
    let files = chosen(&settings.files, |each| tracked.contains(&Tracker::File(each.name.clone())));
    files::initialise(&files);
    files.into_iter().map(|file| (Tracker::File(file.name), Observation::Value(files::value(&file.path)))).collect()
}

/// Returns all that instances and groups track.
fn tracked(settings: &Settings) -> impl Iterator<Item = &Tracker> {
    let instances = settings.instances.iter().flat_map(|each| &each.tracks);
    instances.chain(settings.groups.iter().flat_map(|each| &each.tracks)).map(|track| &track.tracker)
}

fn chosen<T: Clone>(all: &[T], is_tracked: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|each| is_tracked(each)).cloned().collect()
}

fn service(tracker: &Tracker) -> Option<TrackedService> {
    if let Tracker::Service(service) = tracker { Some(*service) } else { None }
}
