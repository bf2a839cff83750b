//! Netlink: one blocking socket, requests by the batch, dumps that are redone when the kernel says they are torn.
//!
//! Stands on neli's `NlSocket`. Messages are written into and read out of byte slices here, because a table of
//! thousands of servers is thousands of messages. Says nothing about what the messages mean.

mod attribute;
mod generic;
mod inbox;
mod message;
mod monitor;
#[cfg(test)]
mod tests;

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

use neli::{
    consts::{
        nl::{NlmF, Nlmsg},
        socket::{Msg, NlFamily},
    },
    socket::NlSocket,
    utils::Groups,
};
use nix::{
    errno::Errno,
    libc,
    sys::socket::{self, MsgFlags, NetlinkAddr, sockopt},
};
use thiserror::Error;

pub use attribute::{Attribute, Attributes, Malformed, Writer};
pub use generic::Command;
pub use message::Batch;
pub use monitor::Monitor;

use inbox::Inbox;
use message::Messages;

/// What the kernel may have waiting for us.
const RECEIVE_BUFFER: usize = 1024 * 1024;

/// What one waiting answer to a request costs of the receive buffer, generously (an `sk_buff` with a short message).
const ANSWER_COST: usize = 2048;

/// More requests in one send than this bring no more speed.
const LARGEST_BATCH: usize = 128;

/// How often a dump that the kernel calls torn, or an answer that was lost, is asked for.
const ATTEMPTS: usize = 5;

/// Why a request did not come through.
#[derive(Debug, Error)]
pub enum Error {
    /// A system call on the socket failed.
    #[error("cannot {action}: {errno}", errno = .errno.desc())]
    Socket {
        /// What was tried, as a verb with its object.
        action: &'static str,
        /// Why it failed.
        errno: Errno,
    },
    /// The kernel refused the request.
    #[error("the kernel refused the request: {}", .0.reason())]
    Refused(Refused),
    /// The answer makes no sense.
    #[error("the kernel's answer makes no sense: {0}")]
    Malformed(#[from] Malformed),
    /// The table changed during each of several attempts to read it.
    #[error("the kernel's answer was interrupted {ATTEMPTS} times in a row")]
    Interrupted,
}

/// The kernel's refusal of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The kernel's error number.
    pub errno: Errno,
    /// What the kernel said beside it, which it seldom does.
    pub said: Option<String>,
}

impl Refused {
    /// Returns the kernel's own words where there are any, the text of the error number otherwise.
    pub fn reason(&self) -> &str {
        self.said.as_deref().unwrap_or_else(|| self.errno.desc())
    }
}

/// What became of a batch of requests.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The refused requests: index in the batch and reason.
    pub refused: Vec<(usize, Refused)>,
    /// How many requests, from the first, have a known fate. Fewer than were sent only if the kernel had no room for its
    /// answers; the others have been carried out or refused, nobody knows.
    pub known: usize,
}

/// A netlink socket that talks to the kernel and to nobody else.
pub struct Socket {
    socket: NlSocket,
    sequence: u32,
    inbox: Inbox,
    batch_limit: usize,
}

impl Socket {
    /// Opens a socket of a netlink family.
    ///
    /// # Errors
    /// The kernel has no such family, or this process may not use it.
    pub fn open(family: NlFamily) -> Result<Self, Errno> {
        let mut socket = Self::with_limits(family, RECEIVE_BUFFER, LARGEST_BATCH)?;
        let room = socket::getsockopt(&borrowed(&socket.socket), sockopt::RcvBuf)?;
        socket.batch_limit = (room / ANSWER_COST).clamp(1, LARGEST_BATCH);
        Ok(socket)
    }

    /// Opens a socket with a receive buffer of about so many bytes, and batches of so many requests whether the answers fit
    /// or not. For tests of what happens if they do not.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn with_limits(family: NlFamily, receive_buffer: usize, batch_limit: usize) -> Result<Self, Errno> {
        let socket = NlSocket::connect(family, None, Groups::empty()).map_err(errno_of)?;
        // Root may go beyond the system's limit.
        if socket::setsockopt(&borrowed(&socket), sockopt::RcvBufForce, &receive_buffer).is_err() {
            socket::setsockopt(&borrowed(&socket), sockopt::RcvBuf, &receive_buffer)?;
        }
        // Answers without a copy of the request are short; old kernels cannot leave it out, and that does no harm.
        let _ = capped_answers(&socket);
        let _ = socket.enable_ext_ack(true);
        // A connected netlink socket takes messages from its peer only: port 0, the kernel.
        socket::connect(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Self { socket, sequence: 0, inbox: Inbox::new(), batch_limit })
    }

    /// Returns how many requests a batch may hold so that the answers fit even if all are refused.
    pub fn batch_limit(&self) -> usize {
        self.batch_limit
    }

    /// Sends a batch of requests that change something, in one system call, and learns which of them were refused.
    ///
    /// Only the last asks for an acknowledgement. The kernel answers refused requests in any case, and it answers in order:
    /// so what stays silent has been done.
    ///
    /// # Errors
    /// The socket fails, or the answers make no sense. Refusals are no error.
    pub fn execute(&mut self, batch: &mut Batch) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        if batch.is_empty() {
            return Ok(outcome);
        }
        let first = self.send(batch, NlmF::ACK)?;
        let last = batch.len() - 1;
        let mut lost = false;
        loop {
            let answers = match self.receive(lost) {
                Ok(answers) => answers,
                // The queue overflowed. What is in it can be read; then it is empty, and the rest is lost.
                Err(Errno::ENOBUFS) => {
                    lost = true;
                    continue;
                }
                Err(Errno::EAGAIN) if lost => return Ok(outcome),
                Err(errno) => return Err(receive_failed(errno)),
            };
            for answer in answers {
                let answer = answer?;
                let index = answer.sequence.wrapping_sub(first) as usize;
                if index > last || answer.kind != u16::from(Nlmsg::Error) {
                    continue;
                }
                outcome.known = index + 1;
                if let Some(refused) = answer.refusal()? {
                    outcome.refused.push((index, refused));
                }
                if index == last {
                    return Ok(outcome);
                }
            }
        }
    }

    /// Sends a transaction of the netfilter kind: the first and the last request enclose those that are carried out
    /// together or not at all, and each of these asks for an acknowledgement itself. Returns the first refusal, if any, with
    /// the index of its request: 0 is the whole.
    ///
    /// The ends ask for none, because old kernels give none.
    ///
    /// # Errors
    /// The socket fails, or the answers make no sense.
    pub fn transaction(&mut self, batch: &mut Batch) -> Result<Option<(usize, Refused)>, Error> {
        let Some(last) = batch.len().checked_sub(2).filter(|last| *last > 0) else {
            return Ok(None);
        };
        let first = self.send(batch, NlmF::empty())?;
        let mut refusal = None;
        loop {
            for answer in self.receive(false).map_err(receive_failed)? {
                let answer = answer?;
                let index = answer.sequence.wrapping_sub(first) as usize;
                if index > last || answer.kind != u16::from(Nlmsg::Error) {
                    continue;
                }
                let refused = answer.refusal()?;
                let ended = index == last || (index == 0 && refused.is_some());
                refusal = refusal.or_else(|| refused.map(|refused| (index, refused)));
                if ended {
                    return Ok(refusal);
                }
            }
        }
    }

    /// Has the kernel take the fields of a dump's request as a filter, where it can (`NETLINK_GET_STRICT_CHK`, Linux 4.20):
    /// the caller filters, too.
    pub fn filter_dumps(&self) {
        let _ = self.socket.enable_strict_checking(true);
    }

    /// Sends one request and decodes its one answer.
    ///
    /// # Errors
    /// The socket fails, the kernel refuses, or the answer makes no sense.
    pub fn call<T>(&mut self, request: &mut Batch, decode: impl Fn(&[u8]) -> Result<T, Malformed>) -> Result<T, Error> {
        for _ in 0..ATTEMPTS {
            let sequence = self.send(request, NlmF::empty())?;
            let mut lost = false;
            loop {
                let answers = match self.receive(lost) {
                    Ok(answers) => answers,
                    Err(Errno::ENOBUFS) => {
                        lost = true;
                        continue;
                    }
                    Err(Errno::EAGAIN) if lost => break,
                    Err(errno) => return Err(receive_failed(errno)),
                };
                for answer in answers {
                    let answer = answer?;
                    if answer.sequence != sequence {
                        continue;
                    }
                    if answer.kind != u16::from(Nlmsg::Error) {
                        return Ok(decode(answer.payload)?);
                    }
                    return Err(match answer.refusal()? {
                        Some(refused) => Error::Refused(refused),
                        None => Malformed::new("message", "an acknowledgement where an answer should be").into(),
                    });
                }
            }
        }
        Err(Error::Interrupted)
    }

    /// Sends one request for a dump and decodes each message of it; redoes it when the kernel says that it is torn.
    ///
    /// # Errors
    /// The socket fails, the kernel refuses, a message makes no sense, or the dump is torn time and again.
    pub fn dump<T>(
        &mut self,
        request: &mut Batch,
        mut decode: impl FnMut(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Error> {
        for _ in 0..ATTEMPTS {
            if let Some(found) = self.try_dump(request, &mut decode)? {
                return Ok(found);
            }
        }
        Err(Error::Interrupted)
    }

    /// One attempt at a dump; `None` if it is torn. Reads to the end even of a dump that cannot be used, because the kernel
    /// starts no other dump on this socket before.
    fn try_dump<T>(
        &mut self,
        request: &mut Batch,
        decode: &mut impl FnMut(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<Vec<T>>, Error> {
        let sequence = self.send(request, NlmF::DUMP)?;
        let mut found = Vec::new();
        let mut malformed = None;
        let (mut torn, mut lost) = (false, false);
        loop {
            let answers = match self.receive(lost) {
                Ok(answers) => answers,
                Err(Errno::ENOBUFS) => {
                    lost = true;
                    continue;
                }
                Err(Errno::EAGAIN) if lost => return Ok(None),
                Err(errno) => return Err(receive_failed(errno)),
            };
            for answer in answers {
                let answer = answer?;
                if answer.sequence != sequence {
                    continue;
                }
                torn |= answer.flags & NlmF::DUMP_INTR.bits() != 0;
                if answer.kind == u16::from(Nlmsg::Done) || answer.kind == u16::from(Nlmsg::Error) {
                    if let Some(refused) = answer.refusal()? {
                        return Err(Error::Refused(refused));
                    }
                    return match malformed {
                        _ if torn || lost => Ok(None),
                        Some(malformed) => Err(Error::Malformed(malformed)),
                        None => Ok(Some(found)),
                    };
                }
                match decode(answer.payload) {
                    Ok(value) => found.push(value),
                    Err(error) => malformed = malformed.or(Some(error)),
                }
            }
        }
    }

    /// Numbers the requests, adds `flags` to the last one, sends them all, and returns the number of the first.
    fn send(&mut self, batch: &mut Batch, flags: NlmF) -> Result<u32, Error> {
        let first = self.sequence.wrapping_add(1);
        self.sequence = self.sequence.wrapping_add(batch.len() as u32);
        let bytes = batch.seal(first, flags);
        loop {
            match self.socket.send(bytes, Msg::empty()).map_err(errno_of) {
                // The kernel takes all or nothing.
                Ok(_) => return Ok(first),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::Socket { action: "send a request to the kernel", errno }),
            }
        }
    }

    /// Receives one datagram, which holds one or many messages; `EAGAIN` if there is none and it must not wait.
    fn receive(&mut self, lost: bool) -> Result<Messages<'_>, Errno> {
        let flags = if lost { MsgFlags::MSG_DONTWAIT } else { MsgFlags::empty() };
        self.inbox.next(&borrowed(&self.socket), flags).map(Messages::new)
    }
}

/// Returns the error number of an error that a system call reported.
fn errno_of(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

fn receive_failed(errno: Errno) -> Error {
    Error::Socket { action: "receive the kernel's answer", errno }
}

#[allow(unsafe_code)]
fn borrowed(socket: &NlSocket) -> BorrowedFd<'_> {
    // SAFETY: the descriptor stays open as long as `socket`, which the result borrows.
    unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) }
}

/// Asks the kernel to leave the copy of the request out of refusals (`NETLINK_CAP_ACK`).
#[allow(unsafe_code)]
fn capped_answers(socket: &NlSocket) -> Result<(), Errno> {
    let on: libc::c_int = 1;
    // SAFETY: the pointer and the length describe `on`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_NETLINK,
            libc::NETLINK_CAP_ACK,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    Errno::result(result).map(drop)
}
