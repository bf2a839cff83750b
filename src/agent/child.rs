//! What ties a process to the agent that started it. It ends when the agent is gone: that holds the other end of its standard
//! input, and writes nothing to it. In return it says every second that it still goes its rounds.

use std::{future, io, os::fd::AsFd, time::Duration};

use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::Receiver,
    time::{MissedTickBehavior, interval},
};

use super::event::Outlet;

/// How often a process says that it lives.
const BEAT: Duration = Duration::from_secs(1);

/// What ties a process to the agent that started it, if one did.
#[derive(Debug)]
pub(super) struct Tether(Option<(Receiver, Outlet)>);

impl Tether {
    /// Ties the process to its standard input if an agent listens at `outlet`; else to nothing. Must be called inside a
    /// runtime.
    ///
    /// # Errors
    /// Standard input is no pipe.
    pub(super) fn new(outlet: Outlet) -> io::Result<Self> {
        if !outlet.open {
            return Ok(Self(None));
        }
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let no_pipe = |error: io::Error| io::Error::new(error.kind(), format!("standard input is no pipe: {error}"));
        Receiver::from_owned_fd(input).map(|pipe| Self(Some((pipe, outlet)))).map_err(no_pipe)
    }

    /// Waits until the agent is gone; for ever if there is none. To be waited for where the work of the process is done:
    /// what says that it lives is the round in which this has its turn.
    pub(super) async fn is_cut(&mut self) {
        let Some((pipe, outlet)) = &mut self.0 else { return future::pending().await };
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What is written there is nothing to us.
        let mut waste = [0; 64];
        loop {
            tokio::select! {
                read = pipe.read(&mut waste) => if !read.is_ok_and(|read| read > 0) {
                    return;
                },
                _ = beat.tick() => outlet.beat(),
            }
        }
    }
}
