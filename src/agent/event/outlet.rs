//! Where a process puts its events: one line of JSON each, and never a wait for whoever reads them.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    unistd,
};

use super::{Event, Subject};

/// The longest line, in bytes: what a pipe takes whole or not at all (`PIPE_BUF`, pipe(7)), so that a full pipe can lose
/// lines but not break them.
pub const MOST_LINE: usize = 4096;

/// How many events found no room since the last one that did.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Where a process puts its events: standard output, if the agent started it and reads them there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlet {
    /// Whether anybody reads.
    pub open: bool,
}

impl Outlet {
    /// Returns the outlet of a process that the agent started: standard output, which is no longer waited for.
    ///
    /// # Errors
    /// There is no standard output.
    pub fn to_agent() -> io::Result<Self> {
        let flags = fcntl(io::stdout(), FcntlArg::F_GETFL)?;
        fcntl(io::stdout(), FcntlArg::F_SETFL(OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK))?;
        Ok(Self { open: true })
    }

    /// Says that the process still goes its rounds: an empty line.
    pub fn beat(self) {
        if self.open {
            // Who does not take it knows why nothing comes.
            write(b"\n");
        }
    }

    /// Puts an event out as one line. A reader that is gone is no error: the process is about to be told. To one that does
    /// not read, events are lost; how many is told when there is room again.
    pub fn put(self, event: &Event) {
        if !self.open {
            return;
        }
        let lost = LOST.load(Ordering::Relaxed);
        if lost > 0 {
            let text = format!("{lost} events were lost, because the agent did not take them in time");
            let gap = Event::now(Subject::Process("agent".to_owned()), "lost", text);
            if !write(&event_line(&gap)) {
                LOST.fetch_add(1, Ordering::Relaxed);
                return;
            }
            LOST.fetch_sub(lost, Ordering::Relaxed);
        }
        if !write(&event_line(event)) {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(line: &[u8]) -> bool {
    // Not through std's buffer, which would keep the half of a line.
    unistd::write(io::stdout(), line).is_ok_and(|written| written == line.len())
}

/// Returns an event as a line of at most [`MOST_LINE`] bytes; what is too long is cut.
pub(in crate::agent) fn event_line(event: &Event) -> Vec<u8> {
    let mut event = event.clone();
    let mut most = MOST_LINE;
    loop {
        let mut line = serde_json::to_vec(&event).unwrap_or_default();
        line.push(b'\n');
        if line.len() <= MOST_LINE || most == 0 {
            return line;
        }
        most /= 2;
        let texts = [Some(&mut event.text), event.reason.as_mut(), event.evidence.as_mut()];
        for text in texts.into_iter().flatten() {
            *text = text.chars().take(most).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_into_a_pipe_whatever_is_in_it() {
        let mut event = Event::now(Subject::Instance("V".to_owned()), "master", "\"".repeat(10_000));
        event.reason = Some("ä\u{1}".repeat(3000));
        event.evidence = Some("\\x00".repeat(256));
        let line = event_line(&event);
        assert!(line.len() <= MOST_LINE && line.ends_with(b"}\n"), "{}", line.len());
        let read: Event = serde_json::from_slice(&line).unwrap();
        assert_eq!((read.subject, read.what), (event.subject.clone(), event.what.clone()));
        event = Event::now(event.subject, "up", "short");
        assert_eq!(serde_json::from_slice::<Event>(&event_line(&event)).unwrap(), event);
    }
}
