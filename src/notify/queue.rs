//! Commands that are run one after the other for each subject, and at the same time for different ones.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::host::{Command, script::Runner};

/// How many commands of one subject may wait. Then the oldest of them is left out: what counts is the last state.
const WAITING: usize = 32;

/// How long a command may go on that the last one of its subject waits for.
const LAST_WAITS: Duration = Duration::from_secs(1);

/// Runs commands in order. Clones are the same queue.
#[derive(Clone, Debug)]
pub struct CommandQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    runner: Runner,
    subjects: Mutex<HashMap<String, Line>>,
    /// Told when a subject has nothing more to do.
    done: Notify,
    left_out: AtomicU64,
}

/// What one subject has to do. It is there as long as its worker.
#[derive(Debug)]
struct Line {
    waiting: VecDeque<Job>,
    /// How many were left out since the last one that was run.
    left_out: u64,
    /// Told when what runs shall come to an end.
    hurry: Arc<Notify>,
    worker: AbortHandle,
}

#[derive(Debug)]
struct Job {
    command: Command,
    extra: Vec<String>,
    limit: Duration,
    is_last: bool,
}

impl CommandQueue {
    /// Makes an empty queue.
    pub fn new(runner: Runner) -> Self {
        Self(Arc::new(Shared { runner, subjects: Mutex::default(), done: Notify::new(), left_out: AtomicU64::new(0) }))
    }

    /// Has `command` run with `extra` words behind its own, for at most `limit`, after all that was pushed before for the same
    /// subject (`instance VI_1`: what logs call it). Does not wait. If too many wait, the oldest is left out, and a line in
    /// the log says so when the next one is run.
    pub fn push(&self, subject: String, command: Command, extra: Vec<String>, limit: Duration) {
        self.add(subject, Job { command, extra, limit, is_last: false });
    }

    /// As [`Self::push`], for a subject that ends: whatever else waits for it is left out, and what runs has one second more,
    /// so that this one has its turn before the process ends.
    pub fn push_last(&self, subject: String, command: Command, extra: Vec<String>, limit: Duration) {
        self.add(subject, Job { command, extra, limit, is_last: true });
    }

    fn add(&self, subject: String, job: Job) {
        let mut subjects = self.0.lock();
        let Some(line) = subjects.get_mut(&subject) else {
            let hurry = Arc::new(Notify::new());
            let worker = tokio::spawn(Arc::clone(&self.0).work(subject.clone(), Arc::clone(&hurry))).abort_handle();
            subjects.insert(subject, Line { waiting: VecDeque::from([job]), left_out: 0, hurry, worker });
            return;
        };
        let before = line.waiting.len();
        if job.is_last {
            line.waiting.retain(|other| other.is_last);
            line.hurry.notify_one();
        } else if before >= WAITING {
            line.waiting.pop_front();
        }
        let left_out = (before - line.waiting.len()) as u64;
        line.left_out += left_out;
        self.0.left_out.fetch_add(left_out, Ordering::Relaxed);
        line.waiting.push_back(job);
    }

    /// Returns how many commands were left out since the start.
    pub fn left_out(&self) -> u64 {
        self.0.left_out.load(Ordering::Relaxed)
    }

    /// Waits until nothing waits or runs, but not longer than `limit`; what is left then is killed.
    pub async fn finish(&self, limit: Duration) {
        let end = Instant::now() + limit;
        loop {
            let done = self.0.done.notified();
            if self.0.lock().is_empty() {
                return;
            }
            if timeout_at(end, done).await.is_err() {
                break;
            }
        }
        for (subject, line) in self.0.lock().drain() {
            line.worker.abort();
            log::warn!(
                "{subject}: a command is killed because the program ends, {} more are not run",
                line.waiting.len()
            );
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(self: Arc<Self>, subject: String, hurry: Arc<Notify>) {
        while let Some(Job { command, extra, limit, is_last }) = self.next(&subject) {
            let program = command.words.first().map_or("", String::as_str);
            let shown = format!("{subject}: {program} {}", extra.join(" "));
            let too_long = async {
                hurry.notified().await;
                sleep(LAST_WAITS).await;
            };
            tokio::select! {
                exit = self.runner.run(&command, &extra, limit) => {
                    let level = if exit.is_success() { log::Level::Debug } else { log::Level::Warn };
                    log::log!(level, "{shown}: {exit}");
                }
                () = too_long, if !is_last => log::warn!("{shown}: killed, because the last command waits for it"),
            }
        }
    }

    /// Returns the next job; without one the subject is forgotten.
    fn next(&self, subject: &str) -> Option<Job> {
        let mut subjects = self.lock();
        let line = subjects.get_mut(subject)?;
        if line.left_out > 0 {
            let count = std::mem::take(&mut line.left_out);
            log::warn!("{subject}: {count} commands were left out, because they were overtaken by events");
        }
        let job = line.waiting.pop_front();
        if job.is_none() {
            subjects.remove(subject);
            self.done.notify_waiters();
        }
        job
    }
}
