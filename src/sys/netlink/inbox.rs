//! Receiving: as many datagrams as are there with one system call. The kernel puts each refusal and each part of a dump into a
//! datagram of its own.

use std::{
    io::IoSliceMut,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use nix::{errno::Errno, libc, sys::socket::MsgFlags};

/// The kernel makes datagrams of up to 32 KiB, if it has seen that the reader can take them.
const LARGEST: usize = 32 * 1024;

/// How many datagrams are received at once. The two of a small dump are enough for most of the gain.
const SLOTS: usize = 8;

/// Datagrams that were received and not read yet.
pub(super) struct Inbox {
    /// [`SLOTS`] times [`LARGEST`] bytes; only what is written to takes up memory.
    buffer: Box<[u8]>,
    /// The lengths of the datagrams in the first `filled` slots, those before `read` have been handed out.
    lengths: [usize; SLOTS],
    filled: usize,
    read: usize,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; SLOTS * LARGEST].into(), lengths: [0; SLOTS], filled: 0, read: 0 }
    }

    /// Returns the next datagram; waits for one, unless the flags say otherwise, if none is left.
    pub(super) fn next(&mut self, socket: &BorrowedFd<'_>, flags: MsgFlags) -> Result<&[u8], Errno> {
        if self.read == self.filled {
            self.fill(socket, flags)?;
        }
        let slot = self.read;
        self.read += 1;
        let datagram = self.buffer.chunks(LARGEST).nth(slot).zip(self.lengths.get(slot));
        // The length is that of the datagram, not of what fitted. The kernel sends no empty ones.
        let bytes = datagram.and_then(|(bytes, len)| bytes.get(..*len)).ok_or(Errno::EMSGSIZE)?;
        if bytes.is_empty() { Err(Errno::EBADMSG) } else { Ok(bytes) }
    }

    #[allow(unsafe_code)]
    fn fill(&mut self, socket: &BorrowedFd<'_>, flags: MsgFlags) -> Result<(), Errno> {
        let flags = flags | MsgFlags::MSG_TRUNC | MsgFlags::MSG_WAITFORONE;
        let mut slots = self.buffer.chunks_mut(LARGEST).map(IoSliceMut::new);
        let mut vectors: [Option<IoSliceMut<'_>>; SLOTS] = std::array::from_fn(|_| slots.next());
        // SAFETY: all zeros is a header that names no address, no buffers and no control data.
        let mut headers: [libc::mmsghdr; SLOTS] = unsafe { std::mem::zeroed() };
        for (header, vector) in headers.iter_mut().zip(vectors.iter_mut().flatten()) {
            header.msg_hdr.msg_iov = ptr::from_mut(vector).cast();
            header.msg_hdr.msg_iovlen = 1;
        }
        let received = loop {
            // SAFETY: every header points to one I/O vector (`IoSliceMut` is one by definition) over a slot of its own, which
            // live until after the call; there are `SLOTS` headers.
            let result = unsafe {
                libc::recvmmsg(
                    socket.as_raw_fd(),
                    headers.as_mut_ptr(),
                    SLOTS as libc::c_uint,
                    flags.bits() as _,
                    ptr::null_mut(),
                )
            };
            match Errno::result(result) {
                Ok(received) => break received as usize,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        };
        self.lengths = headers.map(|header| header.msg_len as usize);
        self.filled = received.min(SLOTS);
        self.read = 0;
        Ok(())
    }
}
