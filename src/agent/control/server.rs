//! The process's end of the control socket.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    unistd,
};
use serde_json::Value;
use thiserror::Error;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Answer, Ask, Complaint, MOST_REQUEST, Reply, VERSION};
use crate::{agent::event::Author, host::User};

/// How long a client may take to ask, an answer to be made, and a client to take it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longer than somebody who asks who has the socket ([`holder`]) keeps its lock.
const ASKING: Duration = Duration::from_millis(200);

/// Most clients at a time.
const MOST_CLIENTS: usize = 64;

/// Of longer requests, only one comes in at a time.
const SHORT_REQUEST: usize = 1 << 20;

/// A request that somebody entitled made.
#[derive(Debug)]
pub struct Request {
    /// What is to be done: `vrrp.status`.
    pub verb: String,
    /// With what; null if nothing was said.
    pub params: Value,
    /// Who asks.
    pub by: Author,
    /// Takes the answer. Dropped, the client is told that there is none.
    pub reply: oneshot::Sender<Reply>,
}

#[cfg(test)]
impl Request {
    /// Returns a request of nobody, and where its answer comes.
    pub(in crate::agent) fn of(verb: String, params: Value) -> (Self, oneshot::Receiver<Reply>) {
        let (reply, answer) = oneshot::channel();
        (Self { verb, params, by: Author { user: "nobody".to_owned(), pid: None }, reply }, answer)
    }
}

/// Why there is no control socket.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another process has it.
    #[error("process {pid} runs already: it holds {path}")]
    Taken {
        /// Its number; 0 if it did not say.
        pid: u32,
        /// The path of the socket.
        path: PathBuf,
    },
    /// It cannot be made.
    #[error("cannot make the control socket {path}: {error}")]
    Failed {
        /// The path of the socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A control socket. Dropped, it goes away.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    most_clients: usize,
    /// The user that this process is.
    owner: String,
    /// How long an answer may take to be made.
    patience: Duration,
    /// Held for as long as the process lives; tells a live socket from one that a crash left behind.
    _lock: Flock<File>,
}

impl Server {
    /// Makes the socket at `path`, for this user alone; what a process that is gone left there is replaced. Directories
    /// are made where they are missing. Must be called inside a runtime.
    ///
    /// # Errors
    /// Another process has the socket, or it cannot be made.
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        let failed = |error: io::Error| BindError::Failed { path: path.to_owned(), error };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let lock = lock(path)?;
        // Made under another name, so that nobody finds it before it has its permissions.
        let new = path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&new).map_err(failed)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        fs::rename(&new, path).map_err(failed)?;
        let (path, owner) = (path.to_owned(), User::ourselves().name);
        Ok(Self { listener, path, most_clients: MOST_CLIENTS, owner, patience: PATIENCE, _lock: lock })
    }

    /// Serves so many clients at a time, and lets the making of an answer take so long.
    #[must_use]
    pub fn with_limits(mut self, most_clients: usize, patience: Duration) -> Self {
        self.most_clients = most_clients;
        self.patience = patience;
        self
    }

    /// Serves clients, passing on what they ask, until nobody takes requests any more. Errors of one client are its own;
    /// if connections cannot be taken (no descriptors left), it tries again.
    pub async fn serve(self, requests: mpsc::Sender<Request>) {
        const AGAIN: Duration = Duration::from_millis(100);
        let mut clients = JoinSet::new();
        let long = Arc::new(Semaphore::new(1));
        loop {
            tokio::select! {
                () = requests.closed() => return,
                Some(_) = clients.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Err(error) => {
                        log::warn!("control socket {}: {error}", self.path.display());
                        sleep(AGAIN).await;
                    }
                    Ok((stream, _)) if clients.len() >= self.most_clients => refuse(&stream, "too many clients"),
                    Ok((stream, _)) => match Peer::of(&stream, &self.owner) {
                        Some(peer) => {
                            clients.spawn(client(stream, peer, requests.clone(), Arc::clone(&long), self.patience));
                        }
                        None => refuse(&stream, "only root may ask"),
                    },
                },
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The lock is still held: it is ours.
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes the lock that lies beside the socket; the file stays, for a lock on a file that is gone keeps nobody out.
fn lock(path: &Path) -> Result<Flock<File>, BindError> {
    let failed = |error: io::Error| BindError::Failed { path: path.to_owned(), error };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(path.with_extension("lock")).map_err(failed)?;
    let until = Instant::now() + ASKING;
    let mut lock = loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => break lock,
            Err((same, Errno::EWOULDBLOCK)) if Instant::now() < until => {
                file = same;
                thread::sleep(ASKING / 20);
            }
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut pid = String::new();
                // Who it is only makes the message better.
                let _ = file.read_to_string(&mut pid);
                return Err(BindError::Taken { pid: pid.trim().parse().unwrap_or_default(), path: path.to_owned() });
            }
            Err((_, errno)) => return Err(failed(errno.into())),
        }
    };
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write(&mut lock).map_err(failed)?;
    Ok(lock)
}

/// Returns the process that has the control socket at `path`, 0 if it did not say who it is; `None` if nobody has.
pub fn holder(path: &Path) -> Option<u32> {
    let mut file = File::open(path.with_extension("lock")).ok()?;
    // Shared, so that two who only ask do not see each other; taken for a moment, and given back at once.
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_) => return None,
        Err((taken, _)) => file = taken,
    }
    let mut pid = String::new();
    let _ = file.read_to_string(&mut pid);
    Some(pid.trim().parse().unwrap_or_default())
}

/// Who is at the other end.
#[derive(Clone, Debug)]
struct Peer {
    author: Author,
    /// Whether it is the process that started this one: an agent, which asks for others.
    speaks_for_others: bool,
}

impl Peer {
    /// Returns who is at the other end, if that is root, or `owner`, who we are.
    fn of(stream: &UnixStream, owner: &str) -> Option<Self> {
        let peer = stream.peer_cred().ok()?;
        let user = match peer.uid() {
            uid if uid == unistd::geteuid().as_raw() => owner.to_owned(),
            0 => "root".to_owned(),
            _ => return None,
        };
        let pid = peer.pid().filter(|pid| *pid > 0);
        let speaks_for_others = pid == Some(unistd::getppid().as_raw());
        let author = Author { user, pid: pid.and_then(|pid| u32::try_from(pid).ok()) };
        Some(Self { author, speaks_for_others })
    }

    /// Returns who asks for what says that `by` does.
    fn author(&self, by: Option<Author>) -> Author {
        by.filter(|_| self.speaks_for_others).unwrap_or_else(|| self.author.clone())
    }
}

/// Tells why nothing will be answered, if that can be told at once.
fn refuse(stream: &UnixStream, why: &str) {
    let _ = stream.try_write(&line(Err(vec![Complaint::new(why)])));
}

async fn client(
    stream: UnixStream,
    peer: Peer,
    requests: mpsc::Sender<Request>,
    long: Arc<Semaphore>,
    patience: Duration,
) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Ok(Some(asked)) = timeout(PATIENCE, read_line(&mut read, &long)).await.unwrap_or(Ok(None)) {
        let reply = match asked {
            Some(asked) => answer(&asked, &peer, &requests, patience).await,
            None => Err(vec![Complaint::new(format_args!("a request has at most {MOST_REQUEST} bytes"))]),
        };
        let last = reply.is_err();
        let written = timeout(PATIENCE, write.write_all(&line(reply))).await;
        // Behind what was no request the next one cannot be found.
        if !matches!(written, Ok(Ok(()))) || last {
            return;
        }
    }
}

/// Reads a line; nothing at the end, and nothing in it if it is too long.
async fn read_line(read: &mut (impl AsyncBufRead + Unpin), long: &Semaphore) -> io::Result<Option<Option<Vec<u8>>>> {
    let mut line = Vec::new();
    (&mut *read).take(SHORT_REQUEST as u64).read_until(b'\n', &mut line).await?;
    if line.len() == SHORT_REQUEST && !line.ends_with(b"\n") {
        // Never closed, so this is only a matter of time.
        let _turn = long.acquire().await;
        read.take((MOST_REQUEST - SHORT_REQUEST) as u64).read_until(b'\n', &mut line).await?;
    }
    match line.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(Some(line))),
        Some(_) if line.len() < MOST_REQUEST => Ok(None),
        Some(_) => Ok(Some(None)),
    }
}

async fn answer(line: &[u8], peer: &Peer, requests: &mpsc::Sender<Request>, patience: Duration) -> Reply {
    let refused = |complaint: Complaint| Err(vec![complaint]);
    let ask: Ask = match serde_json::from_slice(line) {
        Ok(ask) => ask,
        Err(error) => return refused(Complaint::new(format_args!("this is no request: {error}"))),
    };
    if ask.version != VERSION {
        let text = format!("the request has version {}, and this process speaks version {VERSION}", ask.version);
        return refused(Complaint::new(text).hint("restart the process after an upgrade"));
    }
    let (reply, replied) = oneshot::channel();
    let request = Request { verb: ask.verb, params: ask.params, by: peer.author(ask.by), reply };
    let late = || Complaint::new(format_args!("the process is too busy to answer within {patience:?}"));
    let handed_over = timeout(patience, async {
        requests.send(request).await.map_err(|_| ())?;
        replied.await.map_err(|_| ())
    });
    match handed_over.await {
        Ok(Ok(reply)) => reply,
        Ok(Err(())) => refused(Complaint::new("the process is about to end")),
        Err(_) => refused(late()),
    }
}

fn line(reply: Reply) -> Vec<u8> {
    let (ok, error) = match reply {
        Ok(ok) => (Some(ok), None),
        Err(complaints) => (None, Some(complaints)),
    };
    let mut line = serde_json::to_vec(&Answer { version: VERSION, ok, error }).unwrap_or_default();
    line.push(b'\n');
    line
}
