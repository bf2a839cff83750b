//! Whether a descriptor can be read, now or later, for what tokio has no type for.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::{Interest, unix::AsyncFd};

/// Returns something that tells when `descriptor` can be read. It holds a descriptor of its own for the same thing, so it
/// works as long as it lives, whatever becomes of `descriptor`.
///
/// # Errors
/// No more descriptors, or one that can always be read (a file).
#[allow(unsafe_code)]
pub fn readable(descriptor: &impl AsFd) -> io::Result<AsyncFd<OwnedFd>> {
    let own = descriptor.as_fd().try_clone_to_owned()?;
    // SAFETY: an `OwnedFd` keeps its descriptor open, and names the same one, until it is dropped; `AsyncFd` gives no way to
    // replace it.
    Ok(unsafe { AsyncFd::register_with_interest(own, Interest::READABLE) }?)
}

/// Whether something can be read now.
pub fn can_be_read(descriptor: &impl AsFd) -> bool {
    let mut asked = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
    poll(&mut asked, PollTimeout::ZERO).is_ok_and(|count| count > 0)
}
