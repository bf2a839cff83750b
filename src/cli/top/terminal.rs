//! A terminal that is drawn on: keys come at once, and everything is put back on every way out, of a panic too.
//!
//! Signals are taken from a descriptor, so nothing is ever interrupted half-way.

use std::{
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    panic,
    sync::Mutex,
    time::Duration,
};

use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal, raise},
        signalfd::{SfdFlags, SignalFd},
        termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr},
    },
    unistd::read,
};

use super::screen::Size;
use crate::cli::{Complaint, Error};

/// Another screen, without a cursor and without wrapped lines; and back.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// How the terminal was; nothing while it is so.
static SAVED: Mutex<Option<libc::termios>> = Mutex::new(None);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Keys.
    Keys(Vec<u8>),
    /// The window has another size, or its process goes on after a suspension.
    Changed,
    /// Somebody else wants the process suspended.
    Suspend,
    /// A signal that ends processes.
    Ended(Signal),
    /// The terminal is gone.
    Gone,
    /// Nothing.
    Timeout,
}

/// The terminal of standard input and output, until this is dropped.
pub(super) struct Terminal {
    signals: SignalFd,
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// There is none, or it is not one that can be drawn on.
    pub(super) fn open() -> Result<Self, Error> {
        let dumb = std::env::var("TERM").is_ok_and(|name| name == "dumb");
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() || dumb {
            let complaint = Complaint::new("top draws on a terminal, and this is none");
            return Err(Error::usage(vec![complaint.hint("--once prints one page, --json one line for each reading")]));
        }
        let failed = |errno: Errno| Error::failed(format_args!("cannot take the terminal over: {}", errno.desc()));
        let mut taken = SigSet::empty();
        for signal in [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
            Signal::SIGTSTP,
            Signal::SIGCONT,
            Signal::SIGWINCH,
        ] {
            taken.add(signal);
        }
        taken.thread_block().map_err(failed)?;
        let signals = SignalFd::with_flags(&taken, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(failed)?;
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            leave();
            before(info);
        }));
        let terminal = Self { signals };
        enter().map_err(failed)?;
        Ok(terminal)
    }

    /// Returns the size of the window; the usual one if it does not say.
    pub(super) fn size() -> Size {
        let known = terminal_size::terminal_size_of(io::stdout());
        let (columns, lines) = known.map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()));
        Size { columns, lines }
    }

    /// Draws lines over what was there; those that are marked stand out.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub(super) fn draw(lines: &[(String, bool)]) -> Result<(), Error> {
        let mut text = String::from("\u{1b}[H");
        for (number, (line, stands_out)) in lines.iter().enumerate() {
            if number > 0 {
                text.push_str("\r\n");
            }
            if *stands_out {
                text.push_str("\u{1b}[1m");
            }
            text.push_str(line);
            text.push_str("\u{1b}[0m\u{1b}[K");
        }
        text.push_str("\u{1b}[J");
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Error::output(&error))
    }

    /// Waits until something happens.
    pub(super) fn wait(&self, limit: Duration) -> Input {
        let stdin = io::stdin();
        let mut asked =
            [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        // A part of a millisecond is waited for as a whole one, or we would not wait at all.
        let milliseconds = i32::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        let timeout = PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX);
        match poll(&mut asked, timeout) {
            Ok(0) | Err(Errno::EINTR) => return Input::Timeout,
            Ok(_) => {}
            Err(_) => return Input::Gone,
        }
        if let Ok(Some(info)) = self.signals.read_signal() {
            let signal = i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
            return match signal {
                Some(Signal::SIGTSTP) => Input::Suspend,
                Some(signal @ (Signal::SIGINT | Signal::SIGTERM | Signal::SIGHUP | Signal::SIGQUIT)) => {
                    Input::Ended(signal)
                }
                _ => Input::Changed,
            };
        }
        let mut bytes = [0; 256];
        match read(&stdin, &mut bytes) {
            Ok(0) => Input::Gone,
            Ok(count) => Input::Keys(bytes.get(..count).unwrap_or_default().to_vec()),
            Err(Errno::EINTR | Errno::EAGAIN) => Input::Timeout,
            Err(_) => Input::Gone,
        }
    }

    /// Gives the terminal back and stops, until somebody has the process go on.
    ///
    /// # Errors
    /// The terminal cannot be taken over again.
    pub(super) fn suspend(&self) -> Result<(), Error> {
        leave();
        let mut stop = SigSet::empty();
        stop.add(Signal::SIGTSTP);
        // It is pending until it is let through. Without a shell that could wake us, the kernel passes over it.
        let _ = raise(Signal::SIGTSTP);
        let _ = stop.thread_unblock();
        let _ = stop.thread_block();
        enter().map_err(|errno| Error::failed(format_args!("cannot take the terminal over again: {}", errno.desc())))
    }

    /// Gives the terminal back and ends as processes do that do not know this signal.
    pub(super) fn die(self, signal: Signal) {
        drop(self);
        let _ = raise(signal);
        let mut let_through = SigSet::empty();
        let_through.add(signal);
        let _ = let_through.thread_unblock();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> Result<(), Errno> {
    let stdin = io::stdin();
    let found = tcgetattr(&stdin)?;
    let mut raw = found.clone();
    cfmakeraw(&mut raw);
    if let Ok(mut saved) = SAVED.lock() {
        saved.get_or_insert(found.into());
    }
    tcsetattr(&stdin, SetArg::TCSADRAIN, &raw)?;
    let mut out = io::stdout().lock();
    // What cannot be written now will be missed when the first page is drawn.
    let _ = out.write_all(ENTER.as_bytes()).and_then(|()| out.flush());
    Ok(())
}

/// Puts the terminal back as it was; nothing if it is so.
fn leave() {
    let Some(saved) = SAVED.lock().ok().and_then(|mut saved| saved.take()) else { return };
    let mut out = io::stdout().lock();
    let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &Termios::from(saved));
}
