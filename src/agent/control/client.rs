//! The asking end of the control socket: one question, one answer, within a time.

use std::{
    fmt::Display,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};
use thiserror::Error;

use super::{Answer, Ask, Complaint, VERSION};

/// The longest answer, in bytes.
pub(super) const MOST_ANSWER: u64 = 64 << 20;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// No process answers there.
    #[error("no process answers")]
    NotRunning,
    /// The process refuses.
    #[error("the process refuses")]
    Refused(Vec<Complaint>),
    /// It did not answer, or not in time: it may or may not have done what was asked.
    #[error("{0}")]
    Broken(String),
}

/// Asks the process behind the socket at `path`, and waits no longer than `limit`.
///
/// # Errors
/// Nobody is there, it refuses, or there is no answer that makes sense.
pub fn call<A: DeserializeOwned>(path: &Path, verb: &str, params: Value, limit: Duration) -> Result<A, CallError> {
    let end = Instant::now() + limit;
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => CallError::Broken(format!("no answer within {limit:?}")),
        _ => CallError::Broken(error.to_string()),
    };
    let stream = connect(path, limit).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => CallError::NotRunning,
        io::ErrorKind::PermissionDenied => CallError::Broken("only root may ask".to_owned()),
        _ => broken(error),
    })?;
    let ask = Ask { version: VERSION, verb: verb.to_owned(), params, by: None };
    let mut line = serde_json::to_vec(&ask).map_err(|error| CallError::Broken(error.to_string()))?;
    line.push(b'\n');
    // A process that refuses without reading says why all the same.
    let sent = (&stream).write_all(&line);
    let answer = read_line(&stream, end).map_err(|error| sent.err().map_or(error, |sent| sent)).map_err(broken)?;
    outcome(&answer)
}

/// Returns what an answer says.
pub(super) fn outcome<A: DeserializeOwned>(answer: &[u8]) -> Result<A, CallError> {
    let senseless = |why: &dyn Display| CallError::Broken(format!("the answer makes no sense: {why}"));
    let Answer { version, ok, error } = serde_json::from_slice(answer).map_err(|error| senseless(&error))?;
    match (ok, error) {
        _ if version != VERSION => {
            Err(CallError::Broken(format!("the process speaks version {version}, and this lvsadm version {VERSION}")))
        }
        (_, Some(complaints)) => Err(CallError::Refused(complaints)),
        (Some(value), None) => serde_json::from_slice(value.get().as_bytes()).map_err(|error| senseless(&error)),
        (None, None) => Err(senseless(&"it is empty")),
    }
}

fn connect(path: &Path, limit: Duration) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.connect_timeout(&SockAddr::unix(path)?, limit)?;
    let stream = UnixStream::from(std::os::fd::OwnedFd::from(socket));
    stream.set_write_timeout(Some(limit))?;
    Ok(stream)
}

fn read_line(stream: &UnixStream, end: Instant) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut read = BufReader::new(stream.take(MOST_ANSWER));
    loop {
        // Each read waits for what is left of the time, however small the pieces are.
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let piece = read.fill_buf()?;
        if piece.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the process closed the connection"));
        }
        let until = piece.iter().position(|byte| *byte == b'\n');
        let used = until.map_or(piece.len(), |at| at + 1);
        line.extend(piece.iter().take(used));
        read.consume(used);
        if until.is_some() {
            return Ok(line);
        }
    }
}
