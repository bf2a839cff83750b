//! A socket that only listens to what the kernel tells everybody (multicast groups). Never waits: made for event loops.

use std::os::fd::{AsFd, BorrowedFd};

use neli::{consts::socket::NlFamily, socket::NlSocket, utils::Groups};
use nix::{
    errno::Errno,
    sys::socket::{self, MsgFlags, sockopt},
};

use super::{Error, borrowed, errno_of, inbox::Inbox, message::Messages, receive_failed};

/// How much may wait for us before the kernel drops messages: a few thousand of them.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Listens to multicast groups of a netlink family. The descriptor is readable when something is there.
pub struct Monitor {
    socket: NlSocket,
    inbox: Inbox,
}

impl Monitor {
    /// Opens a socket and joins the groups, by their numbers (`RTNLGRP_…`).
    ///
    /// # Errors
    /// The kernel has no such family or group, or this process may not listen.
    pub fn open(family: NlFamily, groups: &[u32]) -> Result<Self, Errno> {
        let socket = NlSocket::connect(family, None, Groups::empty()).map_err(errno_of)?;
        // Root may go beyond the system's limit; others get what the system allows.
        if socket::setsockopt(&borrowed(&socket), sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket::setsockopt(&borrowed(&socket), sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        }
        socket.nonblock().map_err(errno_of)?;
        let mut monitor = Self { socket, inbox: Inbox::new() };
        monitor.join(groups)?;
        Ok(monitor)
    }

    /// Joins more groups, by their numbers. It is no failure to be in one already.
    ///
    /// # Errors
    /// The kernel has no such group, or this process may not listen.
    pub fn join(&mut self, groups: &[u32]) -> Result<(), Errno> {
        groups
            .iter()
            .try_for_each(|group| self.socket.add_mcast_membership(Groups::new_groups(&[*group])).map_err(errno_of))
    }

    /// Hands the messages of one datagram to `each`, as type and what follows the netlink header. Returns whether there was
    /// one.
    ///
    /// # Errors
    /// `ENOBUFS`: the kernel had to drop messages; what is held of the state they describe has to be read anew. Otherwise
    /// the socket fails, or a message makes no sense.
    pub fn receive(&mut self, mut each: impl FnMut(u16, &[u8])) -> Result<bool, Error> {
        let datagram = match self.inbox.next(&borrowed(&self.socket), MsgFlags::MSG_DONTWAIT) {
            Ok(datagram) => datagram,
            Err(Errno::EAGAIN) => return Ok(false),
            Err(errno) => return Err(receive_failed(errno)),
        };
        for message in Messages::new(datagram) {
            let message = message?;
            each(message.kind, message.payload);
        }
        Ok(true)
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        borrowed(&self.socket)
    }
}
