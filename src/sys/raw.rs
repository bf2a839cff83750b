//! Raw IP sockets and packet sockets: what the standard library and socket2 do not do. Many datagrams a system call in both
//! directions, each with its link and addresses beside it.

mod capture;
mod control;
mod receive;
mod send;

pub use capture::{Capture, wait};
pub use receive::{Arena, Datagram, LARGEST};
pub use send::{Destination, Outgoing, send};

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

use nix::{errno::Errno, libc};

/// How many datagrams a system call receives or sends at most.
pub const BATCH: usize = 64;

/// Lets the kernel compute the checksum of what a raw IPv6 socket sends, at this offset of the payload, and drop what comes in
/// with a wrong one (RFC 3542 section 3.1).
#[allow(unsafe_code)]
pub fn set_checksum_offset(socket: BorrowedFd<'_>, offset: u8) -> io::Result<()> {
    let offset = libc::c_int::from(offset);
    // SAFETY: the option's value is one `int`, which lives until after the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IPV6,
            libc::IPV6_CHECKSUM,
            (&raw const offset).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    Ok(Errno::result(result).map(drop)?)
}
