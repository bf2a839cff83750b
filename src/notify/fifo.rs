//! A named pipe that lines are written to, and the program that reads it.
//!
//! Knows nothing of what the lines say. The writer never waits: what the pipe cannot take is kept, up to a limit, and what is
//! beyond it is counted and logged.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use nix::{
    libc,
    sys::stat::{Mode, fchmod},
    unistd::{self, fchown, setfsuid},
};
use thiserror::Error;
use tokio::{
    net::unix::pipe::Sender,
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    host::{
        Command, User, UserFault,
        script::{Exit, Runner},
    },
    sys::ready,
};

/// Read and written by the owner only.
const MODE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// How many lines wait for a reader beside those in the pipe (64 KiB).
const WAITING: usize = 1024;

/// How long a reader that died waits before it is started again: at first, and at most.
const RESTART: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// A reader that lived for so long is started again without much ado.
const LIVED: Duration = Duration::from_secs(60);

/// How often we look whether everything was read.
const LOOK: Duration = Duration::from_millis(10);

/// How long a reader has at the end to read what is in the pipe; and then, when there are no more writers, to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long a reader that is replaced has for the last line that it read.
const LAST_LINE: Duration = Duration::from_millis(100);

/// Why a FIFO cannot be had.
#[derive(Debug, Error)]
pub enum FifoFault {
    /// There is something else.
    #[error("{path} exists and is not a FIFO", path = .0.display())]
    NotAFifo(PathBuf),
    /// It belongs to somebody who could replace it and read what is not for them.
    #[error("FIFO {path} belongs to user {owner}", path = .path.display())]
    Foreign {
        /// The FIFO.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// Its owner-to-be does not exist.
    #[error("FIFO {path}: {fault}", path = .path.display())]
    User {
        /// The FIFO.
        path: PathBuf,
        /// What is wrong.
        fault: UserFault,
    },
    /// The kernel refuses.
    #[error("cannot {action} FIFO {path}: {error}", path = .path.display())]
    System {
        /// What was tried.
        action: &'static str,
        /// The FIFO.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
}

impl FifoFault {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAFifo(_) => "remove it, or name another path",
            Self::Foreign { .. } => "remove it, or name its owner as the one who may read it",
            Self::User { fault, .. } => fault.hint(),
            Self::System { .. } => "check that the directory exists and that we may write to it",
        }
    }
}

/// A FIFO that is written to. Dropped, it is closed, and removed if we made it and no other process of ours writes to it; its
/// reader is killed.
#[derive(Debug)]
pub struct FifoWriter {
    path: PathBuf,
    is_ours: bool,
    pipe: File,
    shared: Arc<Shared>,
    /// Held, because it ends when dropped.
    _writer: Task,
    runner: Runner,
    reader: Option<Reader>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    lines: Mutex<Lines>,
    more: Notify,
    lost: AtomicU64,
}

/// Lines that are not in the pipe yet.
#[derive(Debug, Default)]
struct Lines {
    waiting: VecDeque<String>,
    /// Whether one more is on its way.
    is_writing: bool,
    /// Whether they have to wait, because a reader is being replaced.
    is_held: bool,
}

/// A program that reads.
#[derive(Debug)]
struct Reader {
    order: watch::Sender<Order>,
    task: Task,
}

/// What a reader shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Read, and be started again when it ends.
    Read,
    /// Read what is there; it is not started again.
    Leave,
    /// End now.
    Stop,
}

/// A task that ends when this is dropped.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FifoWriter {
    /// Opens the FIFO at `path`, makes it if there is none (mode 0600), gives it to `owner` (ours without one), and starts
    /// `reader` with the path as its last word. A FIFO that exists must be ours or `owner`'s; links are not followed.
    ///
    /// # Errors
    /// See [`FifoFault`].
    pub fn open(
        path: &Path,
        owner: Option<&(String, Option<String>)>,
        reader: Option<&Command>,
        runner: Runner,
    ) -> Result<Self, FifoFault> {
        let owner = find_owner(path, owner)?;
        let (pipe, is_ours) = open(path, owner.as_ref())?;
        let failed = |error| FifoFault::System { action: "watch", path: path.to_owned(), error };
        let sender = pipe.try_clone().and_then(Sender::from_file).map_err(failed)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            lines: Mutex::default(),
            more: Notify::new(),
            lost: AtomicU64::new(0),
        });
        let writer = Task(tokio::spawn(Arc::clone(&shared).write_all(sender)));
        let mut fifo = Self { path: path.to_owned(), is_ours, pipe, shared, _writer: writer, runner, reader: None };
        fifo.read_with(reader);
        Ok(fifo)
    }

    /// Gives the FIFO to another owner and another reader. The old reader ends before the new one starts, so that no line is
    /// read by both; what is in the pipe stays.
    ///
    /// # Errors
    /// The owner does not exist; nothing has changed then.
    pub fn change(
        &mut self,
        owner: Option<&(String, Option<String>)>,
        reader: Option<&Command>,
    ) -> Result<(), FifoFault> {
        let owner = find_owner(&self.path, owner)?.unwrap_or_else(User::ourselves);
        give_to(&self.pipe, &self.path, &owner)?;
        self.read_with(reader);
        Ok(())
    }

    /// Writes a line, newline included; now, or when there is room. Never waits.
    pub fn write(&self, line: &str) {
        let mut lines = self.shared.lock();
        if lines.waiting.len() >= WAITING && lines.waiting.pop_front().is_some() {
            let lost = self.shared.lost.fetch_add(1, Ordering::Relaxed) + 1;
            // The first one, and then ever fewer, or nobody could read the log.
            if lost.is_power_of_two() {
                let path = self.path.display();
                log::warn!("FIFO {path} is full, because nobody reads it fast enough: {lost} lines lost so far");
            }
        }
        lines.waiting.push_back(line.to_owned());
        self.shared.more.notify_one();
    }

    /// Returns how many lines were lost since it was opened.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Ends: lets the reader that we started read what was written, and end; each may take a second. Then it is told to
    /// end by SIGTERM, and killed when `limit` is over. Other readers keep what is in the pipe. Removes the FIFO if we
    /// made it.
    pub async fn finish(mut self, limit: Duration) {
        let end = Instant::now() + limit;
        let soon = || end.min(Instant::now() + LAST_WORDS);
        let reader = self.reader.take();
        let all_read = async {
            while !self.shared.is_flushed() || (reader.is_some() && ready::can_be_read(&self.pipe)) {
                sleep(LOOK).await;
            }
        };
        let _ = timeout_at(soon(), all_read).await;
        let left = self.shared.lock().waiting.len();
        if left > 0 {
            log::warn!("FIFO {}: the last {left} lines are lost, because nobody read them", self.path.display());
        }
        // Without a writer the reader comes to the end of the file, and most readers end then.
        if let Some(Reader { order, mut task }) = reader {
            let _ = order.send(Order::Leave);
            drop(self);
            if timeout_at(soon(), &mut task.0).await.is_err() {
                let _ = order.send(Order::Stop);
                let _ = timeout_at(end, &mut task.0).await;
            }
        }
    }

    /// Replaces the reader.
    fn read_with(&mut self, command: Option<&Command>) {
        let farewell = self.reader.take().map(|old| {
            self.shared.hold(true);
            farewell(old, Arc::clone(&self.shared), self.pipe.try_clone())
        });
        let Some(command) = command.cloned() else {
            farewell.map(tokio::spawn);
            return;
        };
        let (order, orders) = watch::channel(Order::Read);
        let (runner, path) = (self.runner.clone(), self.path.clone());
        let task = Task(tokio::spawn(async move {
            if let Some(farewell) = farewell {
                farewell.await;
            }
            keep_reading(&runner, &command, &path, orders).await;
        }));
        self.reader = Some(Reader { order, task });
    }
}

/// Ends a reader that is replaced. Meanwhile lines are held, so that it can finish what it has read, and reads no more.
async fn farewell(mut old: Reader, shared: Arc<Shared>, pipe: io::Result<File>) {
    let all_read = async {
        while pipe.as_ref().is_ok_and(ready::can_be_read) {
            sleep(LOOK).await;
        }
        sleep(LAST_LINE).await;
    };
    let _ = timeout_at(Instant::now() + LAST_WORDS, all_read).await;
    let _ = old.order.send(Order::Stop);
    let _ = (&mut old.task.0).await;
    shared.hold(false);
}

impl Drop for FifoWriter {
    fn drop(&mut self) {
        if self.is_ours
            && self.pipe.try_lock().is_ok()
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            log::warn!("FIFO {} cannot be removed: {error}", self.path.display());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_flushed(&self) -> bool {
        let lines = self.lock();
        lines.waiting.is_empty() && !lines.is_writing
    }

    fn hold(&self, is_held: bool) {
        self.lock().is_held = is_held;
        self.more.notify_one();
    }

    /// Returns the next line to write.
    fn next(&self) -> Option<String> {
        let mut lines = self.lock();
        let line = if lines.is_held { None } else { lines.waiting.pop_front() };
        lines.is_writing = line.is_some();
        line
    }

    /// Writes lines for ever.
    async fn write_all(self: Arc<Self>, pipe: Sender) {
        loop {
            let Some(line) = self.next() else {
                self.more.notified().await;
                continue;
            };
            if let Err(error) = write(&pipe, line.as_bytes()).await {
                self.lost.fetch_add(1, Ordering::Relaxed);
                log::warn!("FIFO {}: a line is lost: {error}", self.path.display());
            }
        }
    }
}

/// Writes all bytes. A line of up to 4096 bytes goes as a whole or not at all (`PIPE_BUF`).
async fn write(pipe: &Sender, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        pipe.writable().await?;
        match pipe.try_write(bytes) {
            Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Runs a reader, and runs it again when it ends, until the order is another one.
async fn keep_reading(runner: &Runner, command: &Command, path: &Path, orders: watch::Receiver<Order>) {
    let word = path.to_string_lossy().into_owned();
    let mut pause = RESTART.0;
    while *orders.borrow() == Order::Read {
        let mut told = orders.clone();
        let stop = async {
            // Without somebody who gives orders, this task is about to be ended.
            let _ = told.wait_for(|order| *order == Order::Stop).await;
        };
        let exit: Exit = runner.serve(command, std::slice::from_ref(&word), stop).await;
        if *orders.borrow() != Order::Read {
            return;
        }
        if exit.took >= LIVED {
            pause = RESTART.0;
        }
        log::warn!("FIFO {word}: its reader ended ({exit}); it is started again in {pause:?}");
        let mut told = orders.clone();
        tokio::select! {
            _ = told.wait_for(|order| *order != Order::Read) => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(RESTART.1);
    }
}

pub(super) fn find_owner(path: &Path, owner: Option<&(String, Option<String>)>) -> Result<Option<User>, FifoFault> {
    let find = |(user, group): &(String, Option<String>)| User::find(user, group.as_deref());
    owner.map(find).transpose().map_err(|fault| FifoFault::User { path: path.to_owned(), fault })
}

/// Opens a FIFO for reading and writing, so that opening does not wait for a reader, and writing without one does not fail.
/// Whether we made it is the second value.
fn open(path: &Path, owner: Option<&User>) -> Result<(File, bool), FifoFault> {
    let failed = |action| move |error| FifoFault::System { action, path: path.to_owned(), error };
    let is_ours = match unistd::mkfifo(path, MODE) {
        Ok(()) => true,
        Err(nix::errno::Errno::EEXIST) => false,
        Err(errno) => return Err(failed("make")(errno.into())),
    };
    // Looked at before it is opened, because opening a device may do something.
    let before = fs::symlink_metadata(path).map_err(failed("look at"))?;
    if !before.file_type().is_fifo() {
        return Err(FifoFault::NotAFifo(path.to_owned()));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let ourselves = User::ourselves();
    let owned = owner.map(|user| user.identity.uid).filter(|uid| uid.as_raw() == before.uid());
    let opened = options.open(path).or_else(|error| match owned {
        // A process with few of root's rights opens what was given to somebody else as that user.
        Some(uid) if error.kind() == io::ErrorKind::PermissionDenied => {
            let own = setfsuid(uid);
            let opened = options.open(path);
            setfsuid(own);
            opened
        }
        _ => Err(error),
    });
    let pipe = opened.map_err(failed("open"))?;
    // Whoever else writes to it has it locked, too.
    pipe.lock_shared().map_err(failed("lock"))?;
    let metadata = pipe.metadata().map_err(failed("look at"))?;
    if !metadata.file_type().is_fifo() {
        return Err(FifoFault::NotAFifo(path.to_owned()));
    }
    let owners = [Some(&ourselves), owner].map(|user| user.map(|user| user.identity.uid.as_raw()));
    if !owners.contains(&Some(metadata.uid())) {
        return Err(FifoFault::Foreign { path: path.to_owned(), owner: metadata.uid() });
    }
    if is_ours {
        // Whatever the umask took away.
        fchmod(pipe.as_fd(), MODE).map_err(|errno| failed("set the mode of")(errno.into()))?;
    }
    if let Some(owner) = owner {
        give_to(&pipe, path, owner)?;
    }
    Ok((pipe, is_ours))
}

fn give_to(pipe: &File, path: &Path, owner: &User) -> Result<(), FifoFault> {
    fchown(pipe, Some(owner.identity.uid), Some(owner.identity.gid)).map_err(|errno| FifoFault::System {
        action: "change the owner of",
        path: path.to_owned(),
        error: errno.into(),
    })
}
