//! An epoll instance of our own inside tokio's: for descriptors that are used over and over, by the thousand. Registering
//! them with tokio costs system calls each time, and closed connections cannot be told from new ones there.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollTimeout};
use tokio::io::unix::AsyncFd;

pub use nix::sys::epoll::EpollFlags;

/// How many events are taken in one system call.
const EVENTS: usize = 256;

/// An epoll instance.
#[derive(Debug)]
pub struct Watch(AsyncFd<Instance>);

#[derive(Debug)]
struct Instance(Epoll);

impl AsRawFd for Instance {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

impl Watch {
    /// Opens an instance. Must be called in a tokio runtime with IO.
    ///
    /// # Errors
    /// No descriptor is left.
    #[allow(unsafe_code)]
    pub fn new() -> io::Result<Self> {
        let instance = Instance(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        // SAFETY: the instance owns its open descriptor, which nothing can replace or close before it is dropped.
        Ok(Self(unsafe { AsyncFd::register(instance) }?))
    }

    /// Has events of a descriptor reported under a number; it is watched until it is closed.
    ///
    /// # Errors
    /// It is watched already, or the kernel has no room (`fs.epoll.max_user_watches`).
    pub fn add(&self, descriptor: impl AsFd, events: EpollFlags, number: u64) -> io::Result<()> {
        Ok(self.0.get_ref().0.add(descriptor, EpollEvent::new(events, number))?)
    }

    /// Waits for events and hands each to `take`, with its number.
    ///
    /// # Errors
    /// The runtime ends.
    pub async fn events(&self, mut take: impl FnMut(u64, EpollFlags)) -> io::Result<()> {
        let mut ready = self.0.readable().await?;
        let mut events = [EpollEvent::empty(); EVENTS];
        let count = ready.get_inner().0.wait(&mut events, EpollTimeout::ZERO)?;
        if count < EVENTS {
            ready.clear_ready();
        }
        events.iter().take(count).for_each(|event| take(event.data(), event.events()));
        Ok(())
    }
}
