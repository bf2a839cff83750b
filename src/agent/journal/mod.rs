//! What happened, remembered: a bounded journal that survives the death of the process that keeps it.
//!
//! The agent feeds it with the events of its processes and answers `journal.events` out of it. A client that follows asks
//! again and again for what came after the last event that it has: so nobody's slowness costs anything here, and one that
//! was too slow is told how many events it missed.

mod file;
mod store;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};

pub use store::{Entry, MOST_BYTES, MOST_OF_ONE};

use self::{file::JournalFile, store::Store};
use super::{
    control::{Query, Reply, reply},
    event::Event,
};

/// The journal's file, in the run directory.
pub const FILE: &str = "journal";

/// How long a request waits for an event: less than the control socket waits for an answer.
const WAIT: Duration = Duration::from_secs(4);

/// After a failure to write, how long until it is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// What `journal.events` is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The events, oldest first.
    pub events: Vec<Entry>,
    /// The number of the last event that was looked at: what to ask for next comes `after` it.
    pub last: u64,
    /// How many events since the one that was asked for are no longer known.
    pub missed: u64,
    /// When the oldest event that is still known happened: milliseconds since 1970.
    pub begin: Option<u64>,
}

/// How the journal is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalStatus {
    /// Events that it was fed, since its process began.
    pub fed: u64,
    /// Events that it holds.
    pub held: usize,
    /// Events that could not be written to its file, and will be lost with the process.
    pub unwritten: u64,
}

/// The journal of an agent. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    /// The number of the last event, for those who wait.
    last: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    /// Nothing if there could be none.
    file: Option<JournalFile>,
    status: JournalStatus,
    /// When writing failed, if it did.
    failed: Option<Instant>,
}

impl Journal {
    /// Opens the journal in a run directory, with what the last agent has left there. If its file cannot be made, read or
    /// written, a line in the log says so, and it is kept in memory only: servers matter more.
    pub fn begin(run_dir: &Path) -> Self {
        let path = run_dir.join(FILE);
        Self::open_with(&path, MOST_BYTES).unwrap_or_else(|error| {
            log::warn!("cannot keep a journal in {}: {error}; what happens is forgotten at the end", path.display());
            Self::of(Store::new(MOST_BYTES), None)
        })
    }

    fn open_with(path: &Path, most_bytes: usize) -> io::Result<Self> {
        let mut store = Store::new(most_bytes);
        let file = JournalFile::open(path, &mut store)?;
        Ok(Self::of(store, Some(file)))
    }

    fn of(store: Store, file: Option<JournalFile>) -> Self {
        let last = watch::Sender::new(store.last());
        let inner = Inner { store, file, status: JournalStatus::default(), failed: None };
        Self(Arc::new(Shared { inner: Mutex::new(inner), last }))
    }

    /// Remembers an event.
    pub fn feed(&self, event: Event) {
        let last = {
            let mut inner = self.0.lock();
            inner.feed(event);
            inner.store.last()
        };
        self.0.last.send_replace(last);
    }

    /// Answers a query, now or when something happens. Never waits. Must be called inside a runtime.
    pub fn answer(&self, query: Query, mut reply_to: oneshot::Sender<Reply>) {
        let page = self.page(&query);
        if !query.wait || !page.events.is_empty() || page.missed > 0 {
            // Whoever asked may have gone: here and below.
            let _ = reply_to.send(reply(&page));
            return;
        }
        let journal = self.clone();
        tokio::spawn(async move {
            let page = tokio::select! {
                page = journal.next(Query { after: Some(page.last), ..query }) => Some(page),
                () = reply_to.closed() => None,
            };
            let _ = page.map(|page| reply_to.send(reply(&page)));
        });
    }

    /// Waits for events; not for long, so the page may be empty.
    async fn next(&self, mut query: Query) -> Page {
        let mut changes = self.0.last.subscribe();
        let found = async {
            loop {
                let page = self.page(&query);
                if !page.events.is_empty() || page.missed > 0 {
                    return;
                }
                query.after = Some(page.last);
                // The other end is ours.
                let _ = changes.changed().await;
            }
        };
        let _ = timeout(WAIT, found).await;
        self.page(&query)
    }

    /// Returns what a query asks for, of what there is.
    pub fn page(&self, query: &Query) -> Page {
        page(&self.0.lock().store, query)
    }

    /// Returns how the journal is doing.
    pub fn status(&self) -> JournalStatus {
        let inner = self.0.lock();
        JournalStatus { held: inner.store.len(), ..inner.status }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn feed(&mut self, event: Event) {
        self.status.fed += 1;
        let entry = Entry { number: self.store.last() + 1, event };
        let line = file::line(&entry);
        self.store.add(entry, line.len());
        let held_off = self.failed.is_some_and(|failed| failed.elapsed() < AGAIN);
        let Some(file) = self.file.as_mut().filter(|_| !held_off) else {
            self.status.unwritten += 1;
            return;
        };
        // What was not written before may have left half a line.
        let begin: &[u8] = if self.failed.is_some() { b"\n" } else { b"" };
        let written = file.append(&[begin, &line].concat());
        match written.and_then(|()| file.tidy(&self.store)) {
            Ok(()) if self.failed.take().is_some() => log::info!("the journal is written again"),
            Ok(()) => {}
            Err(error) => {
                if self.failed.is_none() {
                    log::warn!("cannot write the journal: {error}; what happens now will be forgotten at the end");
                }
                self.status.unwritten += 1;
                self.failed = Some(Instant::now());
            }
        }
    }
}

/// Reads what an agent that is gone has left in a run directory.
///
/// # Errors
/// There is no journal, or it cannot be read.
pub fn left(run_dir: &Path, query: &Query) -> io::Result<Page> {
    let mut store = Store::new(MOST_BYTES);
    file::read(&mut File::open(run_dir.join(FILE))?, &mut store)?;
    Ok(page(&store, query))
}

fn page(store: &Store, query: &Query) -> Page {
    let after = query.after.unwrap_or(0);
    let begin = store.after(0).next().map(|entry| entry.event.time);
    let known = store.after(after).count() as u64;
    // Of all that came before somebody began to listen nothing was missed.
    let missed = if query.after.is_some() { store.last().saturating_sub(after).saturating_sub(known) } else { 0 };
    let since = query.since.unwrap_or(0);
    let wanted = store.after(after).filter(|entry| entry.event.time >= since && query.takes(&entry.event.subject));
    let most = query.most.unwrap_or(usize::MAX);
    let mut events: Vec<Entry> = wanted.rev().take(most).cloned().collect();
    events.reverse();
    Page { events, last: store.last(), missed, begin }
}
