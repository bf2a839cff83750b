//! Sending: up to [`BATCH`] datagrams a system call, each to a destination of its own.

use std::{
    io::IoSlice,
    net::{Ipv4Addr, Ipv6Addr},
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use nix::{errno::Errno, libc};

use super::{BATCH, control::Control};

/// A datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Where to.
    pub to: Destination,
    /// What; with its header for IPv4 sockets that include it.
    pub bytes: &'a [u8],
}

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// By IPv4.
    V4 {
        /// To whom.
        to: Ipv4Addr,
        /// From which address; decides about the route, if there is none in the datagram itself.
        source: Ipv4Addr,
        /// By which link; 0 = as the route says.
        link: u32,
        /// TTL; `None` = the socket's, or that of the header in the datagram.
        hops: Option<u8>,
    },
    /// By IPv6.
    V6 {
        /// To whom.
        to: Ipv6Addr,
        /// From which address of ours.
        source: Ipv6Addr,
        /// By which link; 0 = as the route says.
        link: u32,
        /// Hop limit; `None` = the socket's.
        hops: Option<u8>,
    },
    /// By a packet socket: the datagram is a frame.
    Link {
        /// Index of the link.
        link: u32,
        /// Ethernet type, for the queues and filters on the way.
        ethernet_type: u16,
    },
}

/// Sends datagrams in order, and returns those that were not sent, by their index, with the reason. Goes on after a
/// failure, except that a full socket buffer (`EAGAIN`) fails the rest, too. Does not wait.
///
/// `direct`: to a neighbour on the link, whatever the routing table says (`MSG_DONTROUTE`).
pub fn send(socket: BorrowedFd<'_>, datagrams: &[Outgoing<'_>], direct: bool) -> Vec<(usize, Errno)> {
    let flags = libc::MSG_DONTWAIT | if direct { libc::MSG_DONTROUTE } else { 0 };
    let mut failed = Vec::new();
    for (batch, first) in datagrams.chunks(BATCH).zip((0..).step_by(BATCH)) {
        let mut batch = Batch::new(batch);
        let mut done = 0;
        while done < batch.len() {
            match batch.send(socket, done, flags) {
                Ok(sent) => done += sent,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    failed.extend((first + done..datagrams.len()).map(|at| (at, Errno::EAGAIN)));
                    return failed;
                }
                // It is about the first one.
                Err(errno) => {
                    failed.push((first + done, errno));
                    done += 1;
                }
            }
        }
    }
    failed
}

/// What the system call points to.
struct Batch<'a> {
    vectors: Vec<IoSlice<'a>>,
    names: Vec<Name>,
    controls: Vec<Control>,
}

enum Name {
    V4(libc::sockaddr_in),
    V6(libc::sockaddr_in6),
    Link(libc::sockaddr_ll),
}

impl Name {
    fn raw(&mut self) -> (*mut libc::c_void, usize) {
        match self {
            Self::V4(name) => (ptr::from_mut(name).cast(), size_of_val(name)),
            Self::V6(name) => (ptr::from_mut(name).cast(), size_of_val(name)),
            Self::Link(name) => (ptr::from_mut(name).cast(), size_of_val(name)),
        }
    }
}

impl<'a> Batch<'a> {
    fn new(datagrams: &[Outgoing<'a>]) -> Self {
        let (names, controls) = datagrams.iter().map(|datagram| address(datagram.to)).unzip();
        Self { vectors: datagrams.iter().map(|datagram| IoSlice::new(datagram.bytes)).collect(), names, controls }
    }

    fn len(&self) -> usize {
        self.names.len()
    }

    /// Sends what comes after the first `done`, and returns how many of those were sent; at least one.
    #[allow(unsafe_code)]
    fn send(&mut self, socket: BorrowedFd<'_>, done: usize, flags: libc::c_int) -> Result<usize, Errno> {
        let parts = self.names.iter_mut().zip(&mut self.controls).zip(&mut self.vectors).skip(done);
        let mut headers: Vec<libc::mmsghdr> = parts
            .map(|((name, control), vector)| {
                // SAFETY: all zeros is a header that names no address, no buffers and no control data.
                let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
                let (name, len) = name.raw();
                header.msg_hdr.msg_name = name;
                header.msg_hdr.msg_namelen = len as libc::socklen_t;
                header.msg_hdr.msg_iov = ptr::from_mut(vector).cast();
                header.msg_hdr.msg_iovlen = 1;
                if control.len() > 0 {
                    header.msg_hdr.msg_controllen = control.len() as _;
                    header.msg_hdr.msg_control = control.as_mut_ptr();
                }
                header
            })
            .collect();
        // SAFETY: every header points to an address, control data and one I/O vector (`IoSlice` is one by definition) with
        // their true sizes, which live until after the call; the length is that of the headers.
        let sent = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), headers.len() as libc::c_uint, flags as _)
        };
        // The kernel answers with at least one, or with an error.
        Ok(usize::try_from(Errno::result(sent)?).unwrap_or(0).max(1))
    }
}

fn address(destination: Destination) -> (Name, Control) {
    let mut control = Control::EMPTY;
    let name = match destination {
        Destination::V4 { to, source, link, hops } => {
            let info = libc::in_pktinfo {
                ipi_ifindex: link.cast_signed(),
                ipi_spec_dst: in_addr(source),
                ipi_addr: in_addr(Ipv4Addr::UNSPECIFIED),
            };
            control.push(libc::IPPROTO_IP, libc::IP_PKTINFO, info);
            if let Some(hops) = hops {
                control.push(libc::IPPROTO_IP, libc::IP_TTL, libc::c_int::from(hops));
            }
            Name::V4(libc::sockaddr_in {
                sin_family: libc::AF_INET as _,
                sin_port: 0,
                sin_addr: in_addr(to),
                sin_zero: [0; 8],
            })
        }
        Destination::V6 { to, source, link, hops } => {
            let info = libc::in6_pktinfo { ipi6_addr: in6_addr(source), ipi6_ifindex: link };
            control.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
            if let Some(hops) = hops {
                control.push(libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, libc::c_int::from(hops));
            }
            Name::V6(libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as _,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: in6_addr(to),
                // Used for link-local destinations and groups of a link only.
                sin6_scope_id: link,
            })
        }
        Destination::Link { link, ethernet_type } => Name::Link(libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as _,
            sll_protocol: ethernet_type.to_be(),
            sll_ifindex: link.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        }),
    };
    (name, control)
}

fn in_addr(address: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) }
}

fn in6_addr(address: Ipv6Addr) -> libc::in6_addr {
    libc::in6_addr { s6_addr: address.octets() }
}
