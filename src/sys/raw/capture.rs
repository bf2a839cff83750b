//! Frames of one link, past the kernel's own protocols: what a filter takes of what comes in, and what is sent as it is.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::Instant,
};

use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use socket2::{Domain, SockFilter, Socket, Type};

use super::{Arena, BATCH};

/// A packet socket on one link.
pub struct Capture {
    socket: Socket,
}

impl Capture {
    /// Opens a socket that takes, of all frames that come in by this link (and of those that leave by it), what `filter` takes.
    ///
    /// # Errors
    /// Not permitted (`CAP_NET_RAW`), or no such link.
    #[allow(unsafe_code)]
    pub fn open(link: u32, filter: &[SockFilter]) -> io::Result<Self> {
        // Protocol 0: nothing comes in before the filter stands.
        let socket = Socket::new(Domain::from(libc::AF_PACKET), Type::RAW.nonblocking().cloexec(), None)?;
        socket.attach_filter(filter)?;
        let name = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as _,
            sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
            sll_ifindex: link.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: the name is a whole `sockaddr_ll`, whose length is given, and lives until after the call.
        let result = unsafe {
            libc::bind(socket.as_raw_fd(), (&raw const name).cast(), size_of::<libc::sockaddr_ll>() as libc::socklen_t)
        };
        Errno::result(result)?;
        Ok(Self { socket })
    }

    /// Sends a whole frame.
    ///
    /// # Errors
    /// The link is down, or the frame too long for it (`EMSGSIZE`).
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send(frame).map(drop)
    }

    /// Calls `each` with the frames that are there; does not wait.
    ///
    /// # Errors
    /// The socket fails; the link went down, for one.
    pub fn receive(&self, arena: &mut Arena, mut each: impl FnMut(&[u8])) -> Result<(), Errno> {
        while arena.receive(self.socket.as_fd(), |datagram| each(datagram.bytes))? == BATCH {}
        Ok(())
    }
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Waits until one of the sockets has something, or the time is there. Returns whether it is not there yet.
pub fn wait<'a>(sockets: impl Iterator<Item = &'a Capture>, until: Instant) -> bool {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return false;
    }
    let mut asked: Vec<_> = sockets.map(|capture| PollFd::new(capture.as_fd(), PollFlags::POLLIN)).collect();
    // Rounded up, so that the last millisecond is not spent in turning round.
    let timeout = PollTimeout::try_from(left.as_millis().saturating_add(1)).unwrap_or(PollTimeout::MAX);
    // An interrupted wait is as good as one that ended.
    let _ = poll(&mut asked, timeout);
    true
}
