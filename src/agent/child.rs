//! A process that the agent started ends when the agent is gone: it holds the other end of its standard input, and writes
//! nothing to it.

use std::{future, io, os::fd::AsFd};

use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};

/// What ties a process to the agent that started it, if one did.
#[derive(Debug)]
pub(super) struct Tether(Option<Receiver>);

impl Tether {
    /// Ties the process to its standard input if `is_child`; else to nothing. Must be called inside a runtime.
    ///
    /// # Errors
    /// Standard input is no pipe.
    pub(super) fn new(is_child: bool) -> io::Result<Self> {
        if !is_child {
            return Ok(Self(None));
        }
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let no_pipe = |error: io::Error| io::Error::new(error.kind(), format!("standard input is no pipe: {error}"));
        Receiver::from_owned_fd(input).map(|pipe| Self(Some(pipe))).map_err(no_pipe)
    }

    /// Waits until the agent is gone; for ever if there is none.
    pub(super) async fn is_cut(&mut self) {
        let Some(pipe) = &mut self.0 else { return future::pending().await };
        // What is written there is nothing to us.
        let mut waste = [0; 64];
        while pipe.read(&mut waste).await.is_ok_and(|read| read > 0) {}
    }
}
