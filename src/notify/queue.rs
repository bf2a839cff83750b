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
    time::{Instant, timeout_at},
};

use crate::host::{Command, script::Runner};

/// How many commands of one subject may wait. Then the oldest of them is left out: what counts is the last state.
const WAITING: usize = 32;

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
    worker: AbortHandle,
}

#[derive(Debug)]
struct Job {
    command: Command,
    extra: Vec<String>,
    limit: Duration,
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
        let job = Job { command, extra, limit };
        let mut subjects = self.0.lock();
        if let Some(line) = subjects.get_mut(&subject) {
            if line.waiting.len() >= WAITING && line.waiting.pop_front().is_some() {
                line.left_out += 1;
                self.0.left_out.fetch_add(1, Ordering::Relaxed);
            }
            line.waiting.push_back(job);
        } else {
            let worker = tokio::spawn(Arc::clone(&self.0).work(subject.clone())).abort_handle();
            subjects.insert(subject, Line { waiting: VecDeque::from([job]), left_out: 0, worker });
        }
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

    async fn work(self: Arc<Self>, subject: String) {
        while let Some(Job { command, extra, limit }) = self.next(&subject) {
            let exit = self.runner.run(&command, &extra, limit).await;
            let program = command.words.first().map_or("", String::as_str);
            if exit.is_success() {
                log::debug!("{subject}: {program} {}: {exit}", extra.join(" "));
            } else {
                log::warn!("{subject}: {program} {}: {exit}", extra.join(" "));
            }
        }
    }

    /// Returns the next job; without one the subject is forgotten.
    fn next(&self, subject: &str) -> Option<Job> {
        let mut subjects = self.lock();
        let line = subjects.get_mut(subject)?;
        if line.left_out > 0 {
            let count = std::mem::take(&mut line.left_out);
            log::warn!("{subject}: {count} commands were left out, because those before them took too long");
        }
        let job = line.waiting.pop_front();
        if job.is_none() {
            subjects.remove(subject);
            self.done.notify_waiters();
        }
        job
    }
}
