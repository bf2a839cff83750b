//! An epoll instance of our own inside tokio's: for descriptors that are used over and over, by the thousand. Registering
//! them with tokio costs system calls each time, and it takes a closed connection for the end of its descriptor.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use tokio::io::unix::AsyncFd;

pub use nix::sys::epoll::EpollFlags;

use super::ready;

/// How many events are taken in one system call.
const EVENTS: usize = 256;

/// An epoll instance.
#[derive(Debug)]
pub struct Watch {
    epoll: Epoll,
    ready: AsyncFd<OwnedFd>,
}

impl Watch {
    /// Opens an instance. Must be called in a tokio runtime with IO.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let ready = ready::readable(&epoll.0)?;
        Ok(Self { epoll, ready })
    }

    /// Has events of a descriptor reported under a number; it is watched until it is closed.
    ///
    /// # Errors
    /// It is watched already, or the kernel has no room (`fs.epoll.max_user_watches`).
    pub fn add(&self, descriptor: impl AsFd, events: EpollFlags, number: u64) -> io::Result<()> {
        Ok(self.epoll.add(descriptor, EpollEvent::new(events, number))?)
    }

    /// Waits for events and hands each to `take`, with its number.
    ///
    /// # Errors
    /// The runtime ends.
    pub async fn events(&self, mut take: impl FnMut(u64, EpollFlags)) -> io::Result<()> {
        let mut ready = self.ready.readable().await?;
        let mut events = [EpollEvent::empty(); EVENTS];
        let count = self.epoll.wait(&mut events, EpollTimeout::ZERO)?;
        if count < EVENTS {
            ready.clear_ready();
        }
        events.iter().take(count).for_each(|event| take(event.data(), event.events()));
        Ok(())
    }
}
