//! A child as a process: started, listened to, told to end. Decides nothing.

use std::{
    env, fs, io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

use super::tree::Kind;
use crate::agent::event::{Event, MOST_LINE};

/// How long is waited for what a child said last.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What is ours alone: a child must not speak to systemd in our name.
const OURS: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// What a child does.
#[derive(Debug)]
pub(super) enum News {
    /// It says something.
    Event(Event),
    /// It says that it lives.
    Alive,
    /// It has ended.
    Ended(ExitStatus),
}

/// A running child. Dropped, its standard input ends, and so does it.
#[derive(Debug)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: u32,
    signals: mpsc::UnboundedSender<Signal>,
    _tether: Option<ChildStdin>,
}

impl Process {
    /// Starts this program as a child; `news` is told what becomes of it. Must be called in the main thread.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(kind: Kind, words: &[String], news: mpsc::Sender<(Kind, News)>) -> io::Result<Self> {
        let mut command = Command::new(program()?);
        command.arg0("lvsadm").args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        for name in OURS {
            command.env_remove(name);
        }
        let mut child = command.spawn()?;
        let pid = child.id().unwrap_or_default();
        let (signals, orders) = mpsc::unbounded_channel();
        let tether = child.stdin.take();
        let output = Output { read: child.stdout.take().map(BufReader::new), line: Vec::new() };
        tokio::spawn(attend(kind, child, output, orders, news));
        Ok(Self { pid, signals, _tether: tether })
    }

    /// Sends it a signal, if it is still there.
    pub(super) fn signal(&self, signal: Signal) {
        // Nobody takes it: it has ended, and that is being told.
        let _ = self.signals.send(signal);
    }
}

/// Returns the path of this program. After an upgrade there is another one in its place: then the old one is taken where
/// the kernel still has it, so that parent and child speak the same language.
fn program() -> io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    let ours = fs::metadata(&running)?;
    let same = |other: fs::Metadata| (other.dev(), other.ino()) == (ours.dev(), ours.ino());
    Ok(env::current_exe().ok().filter(|path| fs::metadata(path).is_ok_and(same)).unwrap_or(running))
}

/// Listens to a child until it has ended.
async fn attend(
    kind: Kind,
    mut child: Child,
    mut output: Output,
    mut signals: mpsc::UnboundedReceiver<Signal>,
    news: mpsc::Sender<(Kind, News)>,
) {
    let ended = loop {
        tokio::select! {
            // Nobody listens any more when everything ends.
            Some(said) = output.next() => {
                let _ = news.send((kind, said)).await;
            }
            Some(signal) = signals.recv() => {
                // Not reaped yet, so the number is still its own.
                if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
                    let _ = kill(Pid::from_raw(pid), signal);
                }
            }
            ended = child.wait() => break ended,
        }
    };
    let _ = timeout(LAST_WORDS, async {
        while let Some(said) = output.next().await {
            let _ = news.send((kind, said)).await;
        }
    })
    .await;
    // That waiting fails cannot happen to a child of ours.
    let _ = news.send((kind, News::Ended(ended.unwrap_or_default()))).await;
}

/// What a child says.
struct Output {
    /// Nothing after the end.
    read: Option<BufReader<ChildStdout>>,
    /// The line that is coming in.
    line: Vec<u8>,
}

impl Output {
    /// Returns what it says next; `None` at the end, once and for all. Lines that are none are passed over. May be asked again
    /// when an answer was not waited for.
    async fn next(&mut self) -> Option<News> {
        loop {
            let read = self.read.as_mut()?;
            let most = MOST_LINE.saturating_sub(self.line.len()) as u64;
            let ended = read.take(most).read_until(b'\n', &mut self.line).await.is_err() || !self.line.ends_with(b"\n");
            if ended {
                self.read = None;
                return None;
            }
            let line = std::mem::take(&mut self.line);
            if line == b"\n" {
                return Some(News::Alive);
            }
            match serde_json::from_slice(&line) {
                Ok(event) => return Some(News::Event(event)),
                Err(error) => log::warn!("a child said what is no event: {error}"),
            }
        }
    }
}
