//! A terminal of its own for a command that wants one: what is shown there is kept, and keys can be pressed.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    os::unix::process::ExitStatusExt,
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread,
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    pty::{Winsize, openpty},
    sys::{
        signal::{Signal, kill},
        termios::{Termios, tcgetattr},
    },
    unistd::Pid,
};

use super::{Words, until};

/// A terminal with a command in front of it, which is killed when this is dropped.
pub(crate) struct Terminal {
    keys: File,
    /// The command's side stays open, so that the terminal outlives it.
    side: OwnedFd,
    before: Termios,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts a command in front of a terminal of that size, in the namespace of the calling thread.
    pub(crate) fn start(words: impl Words, columns: u16, rows: u16) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).expect("a terminal");
        for descriptor in [&pair.master, &pair.slave] {
            fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("ours");
        }
        let before = tcgetattr(&pair.slave).expect("a terminal");
        let end = || pair.slave.try_clone().expect("a descriptor");
        // It becomes the terminal of a session of its own, so that Ctrl-C is a signal.
        let child = Command::new("setsid")
            .arg("--ctty")
            .args(words.words())
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("setsid, of util-linux");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let mut screen = File::from(pair.master.try_clone().expect("a descriptor"));
        let kept = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end is an error: nobody has the terminal any more.
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                kept.lock().expect("nobody panics with it").extend_from_slice(&buffer[..length]);
            }
        });
        Self { keys: pair.master.into(), side: pair.slave, before, child, shown }
    }

    /// Everything that was written so far.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("nobody panics with it")).into_owned()
    }

    /// Waits until this was written.
    #[track_caller]
    pub(crate) fn until(&self, text: &str) {
        self.until_again(text, 0);
    }

    /// Waits until this was written behind so many bytes.
    #[track_caller]
    pub(crate) fn until_again(&self, text: &str, behind: usize) {
        let text = text.as_bytes();
        until(&format!("{:?} is shown", String::from_utf8_lossy(text)), || {
            let shown = self.shown.lock().expect("nobody panics with it");
            shown.get(behind..).is_some_and(|new| new.windows(text.len()).any(|part| part == text))
        });
    }

    /// How many bytes were written so far.
    pub(crate) fn written(&self) -> usize {
        self.shown.lock().expect("nobody panics with it").len()
    }

    /// Presses keys, as bytes: `\x03` is Ctrl-C.
    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("a terminal");
    }

    /// The command's process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Sends a signal to the command alone.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("it runs");
    }

    /// Whether the terminal's modes are those of the beginning.
    pub(crate) fn is_as_before(&self) -> bool {
        tcgetattr(&self.side).expect("a terminal") == self.before
    }

    /// Waits for the end of the command. Returns its exit status, 128 + the number of the signal that killed it.
    #[track_caller]
    pub(crate) fn end(&mut self) -> i32 {
        let mut status = None;
        until("it ends", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        let status = status.expect("it has ended");
        status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
