//! Lines to the system's logger, by its socket (syslog(3), RFC 3164).

use std::{
    io,
    os::unix::net::UnixDatagram,
    path::PathBuf,
    process,
    sync::{Mutex, PoisonError},
};

use super::Facility;

/// Where every system's logger listens.
const SOCKET: &str = "/dev/log";

/// The longest line: what loggers take (RFC 5424, section 6.1).
const LONGEST: usize = 2048;

/// The way to the logger. A line that it does not take at once is nobody's: nothing waits for it.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    facility: Facility,
    /// Nothing while the logger is away; it may have been restarted.
    socket: Mutex<Option<UnixDatagram>>,
}

impl Syslog {
    pub(super) fn new(facility: Facility) -> Self {
        Self::at(PathBuf::from(SOCKET), facility)
    }

    fn at(path: PathBuf, facility: Facility) -> Self {
        Self { path, facility, socket: Mutex::default() }
    }

    /// Sends a line of this severity; returns whether the logger has it.
    pub(super) fn send(&self, severity: u8, text: &str) -> bool {
        let priority = self.facility.number() * 8 + severity;
        let text: String = text.chars().take(LONGEST).collect();
        let line = format!("<{priority}>lvsadm[{}]: {text}", process::id());
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        // Twice, because the first failure may be that of a logger that was restarted.
        for _ in 0..2 {
            if socket.is_none() {
                *socket = self.connect().ok();
            }
            match socket.as_ref().map(|socket| socket.send(line.as_bytes())) {
                Some(Ok(_)) => return true,
                // It has too much to do.
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Some(Err(_)) => *socket = None,
                None => return false,
            }
        }
        false
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        Ok(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logger_may_come_go_and_be_slow() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let syslog = Syslog::at(path.clone(), Facility::Local(3));
        assert!(!syslog.send(6, "nobody is there"));
        for _ in 0..2 {
            let logger = UnixDatagram::bind(&path).unwrap();
            assert!(syslog.send(4, "a line"));
            let mut line = [0; 100];
            let length = logger.recv(&mut line).unwrap();
            assert_eq!(line[..length], *format!("<156>lvsadm[{}]: a line", process::id()).as_bytes());
            assert!((0..10_000).any(|_| !syslog.send(4, "too much")), "it does not wait");
            drop(logger);
            std::fs::remove_file(&path).unwrap();
            assert!(!syslog.send(6, "it has gone"));
        }
    }
}
