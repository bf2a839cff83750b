//! The asking end of the control socket for a process that has other things to do meanwhile.

use std::{io, path::Path, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::{
    Ask, CallError, VERSION,
    client::{MOST_ANSWER, outcome},
};
use crate::agent::event::Author;

/// Asks the process behind the socket at `path`, for somebody else if `by` says so, and waits no longer than `limit`. As
/// [`super::call`], within a runtime.
///
/// # Errors
/// As for [`super::call`].
pub async fn ask<A: DeserializeOwned>(
    path: &Path,
    verb: &str,
    params: Value,
    by: Option<Author>,
    limit: Duration,
) -> Result<A, CallError> {
    let ask = Ask { version: VERSION, verb: verb.to_owned(), params, by };
    let mut line = serde_json::to_vec(&ask).map_err(|error| CallError::Broken(error.to_string()))?;
    line.push(b'\n');
    match timeout(limit, exchange(path, &line)).await {
        Err(_) => Err(CallError::Broken(format!("no answer within {limit:?}"))),
        Ok(Err(error)) => Err(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => CallError::NotRunning,
            _ => CallError::Broken(error.to_string()),
        }),
        Ok(Ok(answer)) => outcome(&answer),
    }
}

async fn exchange(path: &Path, line: &[u8]) -> io::Result<Vec<u8>> {
    let (read, mut write) = UnixStream::connect(path).await?.into_split();
    // A process that refuses without reading says why all the same.
    let sent = write.write_all(line).await;
    let mut answer = Vec::new();
    BufReader::new(read.take(MOST_ANSWER)).read_until(b'\n', &mut answer).await?;
    if answer.ends_with(b"\n") {
        return Ok(answer);
    }
    sent?;
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the process closed the connection"))
}
