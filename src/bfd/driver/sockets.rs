//! The sockets of BFD. Receiving: one UDP socket for each family and port that sessions need. Sending: one raw socket for each
//! family, so that the packets of all sessions leave with one system call, each with the source port of its session, its source
//! address and its TTL; that takes a UDP header of our own making.
//!
//! Sockets belong to the network namespace of the thread that opens them. Nothing here waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::AsFd,
};

use nix::{
    errno::Errno,
    libc,
    net::if_::if_nametoindex,
    sys::socket::{setsockopt, sockopt},
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use thiserror::Error;

use crate::{
    bfd::{
        packet::{LONGEST, MULTI_HOP, SINGLE_HOP},
        sessions::{Received, SessionId},
        settings::Settings,
    },
    sys::{
        epoll::{EpollFlags, Watch},
        raw::{self, Arena, BATCH, Datagram, Destination},
    },
};

/// Internetwork control, as traffic class and as priority in the host's own queues.
const TRAFFIC_CLASS: u32 = 0xc0;
const PRIORITY: u32 = 6;

/// Room for a few thousand small packets.
const BUFFER: usize = 1 << 20;

/// Source ports of sessions (RFC 5881 section 4): each session has its own, as long as there are enough.
const FIRST_PORT: u16 = 49152;
const PORTS: u32 = 16384;

/// Bytes of a UDP header, and where its checksum stands.
const UDP_HEADER: usize = 8;
const CHECKSUM_AT: u8 = 6;

/// Where packets come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    pub(super) v6: bool,
    pub(super) multihop: bool,
}

impl Endpoint {
    fn port(self) -> u16 {
        if self.multihop { MULTI_HOP } else { SINGLE_HOP }
    }

    /// Its number among what is watched.
    fn number(self) -> u64 {
        u64::from(self.v6) << 1 | u64::from(self.multihop)
    }

    fn family(self) -> &'static str {
        if self.v6 { "IPv6" } else { "IPv4" }
    }
}

/// A packet on its way.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    to: Destination,
    /// With its UDP header.
    bytes: Vec<u8>,
}

impl Outgoing {
    /// Addresses a packet of a session; `towards`: our address as the neighbour knows it. Nothing if the link that it should
    /// leave by is not there.
    pub(super) fn new(
        id: SessionId,
        settings: &Settings,
        towards: Option<IpAddr>,
        link: Option<u32>,
        payload: &[u8],
    ) -> Option<Self> {
        let link = match (&settings.interface, link) {
            (Some(_), None) => return None,
            (_, link) => link.unwrap_or(0),
        };
        let hops = Some(settings.ttl);
        let source = settings.source.or(towards);
        let (to, checksum_of) = match settings.neighbour {
            IpAddr::V4(to) => {
                let known = if let Some(IpAddr::V4(source)) = source { Some(source) } else { None };
                let source = known.unwrap_or(Ipv4Addr::UNSPECIFIED);
                (Destination::V4 { to, source, link, hops }, known.map(|source| (source, to)))
            }
            IpAddr::V6(to) => {
                let source = if let Some(IpAddr::V6(source)) = source { source } else { Ipv6Addr::UNSPECIFIED };
                (Destination::V6 { to, source, link, hops }, None)
            }
        };
        let endpoint = Endpoint { v6: settings.neighbour.is_ipv6(), multihop: settings.multihop };
        let from = FIRST_PORT + u16::try_from(id.0 % PORTS).unwrap_or(0);
        let len = u16::try_from(UDP_HEADER + payload.len()).ok()?;
        let mut bytes = Vec::with_capacity(len.into());
        for word in [from, endpoint.port(), len] {
            bytes.extend(word.to_be_bytes());
        }
        // The kernel fills it in for IPv6. Without our address there is none, which IPv4 allows.
        bytes.extend([0, 0]);
        bytes.extend(payload);
        if let Some((source, to)) = checksum_of {
            let sum = checksum(source, to, &bytes);
            bytes.iter_mut().skip(CHECKSUM_AT.into()).zip(sum.to_be_bytes()).for_each(|(place, byte)| *place = byte);
        }
        Some(Self { to, bytes })
    }
}

/// The checksum of UDP over IPv4 (RFC 768), of a packet in which it is 0.
fn checksum(source: Ipv4Addr, to: Ipv4Addr, udp: &[u8]) -> u16 {
    let len = u32::try_from(udp.len()).unwrap_or(0);
    let words = |bytes: &[u8]| -> u32 {
        bytes.chunks(2).map(|pair| pair.iter().zip([8, 0]).map(|(byte, by)| u32::from(*byte) << by).sum::<u32>()).sum()
    };
    let mut sum = words(&source.octets()) + words(&to.octets()) + u32::from(17_u8) + len + words(udp);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    match !(sum as u16) {
        // 0 would mean that there is none.
        0 => 0xffff,
        sum => sum,
    }
}

/// Why sockets cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No permission.
    #[error("cannot open raw sockets, which BFD needs: run this as root, or with the capability CAP_NET_RAW")]
    Permission,
    /// Another program has the port.
    #[error(
        "cannot listen on UDP port {0} ({1}): another program does, such as FRR's bfdd, keepalived or another lvsadm \
         (`ss -lunp sport = {0}` tells which)"
    )]
    InUse(u16, &'static str),
    /// The kernel was built or started without the family.
    #[error("this kernel does not speak {0}: it was built without, or started with ipv6.disable=1")]
    NoFamily(&'static str),
    /// Something else.
    #[error("cannot open a socket for BFD ({}): {}", .0, .1.desc())]
    Other(&'static str, Errno),
    /// Receiving failed.
    #[error("cannot receive BFD packets: {}", .0.desc())]
    Receive(Errno),
}

/// All sockets of a process.
pub(super) struct Sockets {
    listening: BTreeMap<Endpoint, Socket>,
    v4: Option<Socket>,
    v6: Option<Socket>,
    arena: Arena,
}

impl Sockets {
    /// Opens nothing yet.
    pub(super) fn new() -> Self {
        Self { listening: BTreeMap::new(), v4: None, v6: None, arena: Arena::default() }
    }

    /// Opens what is needed and not open; `watch` tells when packets are there. If that fails, nothing has changed.
    pub(super) fn ensure(&mut self, endpoints: &BTreeSet<Endpoint>, watch: &Watch) -> Result<(), Error> {
        let mut opened = Vec::new();
        for endpoint in endpoints.iter().filter(|endpoint| !self.listening.contains_key(endpoint)) {
            let failed = |error: io::Error| why(*endpoint, &error);
            let socket = listen(*endpoint).map_err(failed)?;
            watch.add(&socket, EpollFlags::EPOLLIN, endpoint.number()).map_err(failed)?;
            let sender = if endpoint.v6 { &mut self.v6 } else { &mut self.v4 };
            if sender.is_none() {
                *sender = Some(if endpoint.v6 { sender_v6() } else { sender_v4() }.map_err(failed)?);
            }
            opened.push((*endpoint, socket));
        }
        self.listening.extend(opened);
        Ok(())
    }

    /// Closes what is not needed any more.
    pub(super) fn close_all_but(&mut self, endpoints: &BTreeSet<Endpoint>) {
        self.listening.retain(|endpoint, _| endpoints.contains(endpoint));
        if !endpoints.iter().any(|endpoint| endpoint.v6) {
            self.v6 = None;
        }
        if endpoints.iter().all(|endpoint| endpoint.v6) {
            self.v4 = None;
        }
    }

    /// Returns the numbers of all sockets that packets come in by.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.listening.keys().map(|endpoint| endpoint.number())
    }

    /// Calls `each` with packets of the socket with this number, [`BATCH`] at most; returns whether there may be more.
    pub(super) fn receive(&mut self, number: u64, mut each: impl FnMut(&Received<'_>)) -> Result<bool, Error> {
        let Some((endpoint, socket)) = self.listening.iter().find(|(endpoint, _)| endpoint.number() == number) else {
            return Ok(false);
        };
        let each = |datagram: Datagram<'_>| {
            let (Some(source), Some(destination), Some(hops)) = (datagram.source, datagram.destination, datagram.hops)
            else {
                return;
            };
            let Datagram { link, bytes, .. } = datagram;
            // What is longer is no packet, and only its head is of interest.
            let bytes = bytes.get(..LONGEST.min(bytes.len())).unwrap_or_default();
            each(&Received { source, destination, link, hops, multihop: endpoint.multihop, bytes });
        };
        let count = self.arena.receive(socket.as_fd(), each).map_err(Error::Receive)?;
        Ok(count == BATCH)
    }

    /// Sends packets with few system calls; `failed` is told to whom one was not sent, and why.
    pub(super) fn send(&mut self, packets: &[Outgoing], mut failed: impl FnMut(IpAddr, Errno)) {
        for (v6, socket) in [(false, &self.v4), (true, &self.v6)] {
            let ours = packets.iter().filter(|packet| matches!(packet.to, Destination::V6 { .. }) == v6);
            let datagrams: Vec<raw::Outgoing<'_>> =
                ours.map(|packet| raw::Outgoing { to: packet.to, bytes: &packet.bytes }).collect();
            let Some(socket) = socket.as_ref().filter(|_| !datagrams.is_empty()) else { continue };
            for (at, errno) in raw::send(socket.as_fd(), &datagrams, false) {
                match datagrams.get(at).map(|datagram| datagram.to) {
                    Some(Destination::V4 { to, .. }) => failed(to.into(), errno),
                    Some(Destination::V6 { to, .. }) => failed(to.into(), errno),
                    Some(Destination::Link { .. }) | None => {}
                }
            }
        }
    }
}

/// Returns the index of a link, if there is one of this name.
pub(super) fn link_index(name: &str) -> Option<u32> {
    if_nametoindex(name).ok()
}

fn listen(endpoint: Endpoint) -> io::Result<Socket> {
    let domain = if endpoint.v6 { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    let address: IpAddr = if endpoint.v6 {
        socket.set_only_v6(true)?;
        socket.set_recv_hoplimit_v6(true)?;
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        Ipv4Addr::UNSPECIFIED.into()
    };
    grow(&socket, sockopt::RcvBufForce);
    socket.bind(&SocketAddr::new(address, endpoint.port()).into())?;
    Ok(socket)
}

/// A raw socket for sending UDP. It would receive all of the host's UDP packets, too.
fn sender(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(Protocol::UDP))?;
    let nothing = SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0);
    socket.attach_filter(&[nothing])?;
    socket.set_priority(PRIORITY)?;
    grow(&socket, sockopt::SndBufForce);
    Ok(socket)
}

fn sender_v4() -> io::Result<Socket> {
    let socket = sender(Domain::IPV4)?;
    socket.set_tos_v4(TRAFFIC_CLASS)?;
    // That may have set another one.
    socket.set_priority(PRIORITY)?;
    Ok(socket)
}

fn sender_v6() -> io::Result<Socket> {
    let socket = sender(Domain::IPV6)?;
    raw::set_checksum_offset(socket.as_fd(), CHECKSUM_AT)?;
    socket.set_tclass_v6(TRAFFIC_CLASS)?;
    Ok(socket)
}

/// Makes a buffer larger than the administrator's limit, if we may; without, it works until there is much to do.
fn grow(socket: &Socket, option: impl nix::sys::socket::SetSockOpt<Val = usize>) {
    if let Err(errno) = setsockopt(socket, option, &BUFFER) {
        log::debug!("a socket keeps its small buffer: {errno}");
    }
}

fn why(endpoint: Endpoint, error: &io::Error) -> Error {
    match error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw) {
        Errno::EPERM | Errno::EACCES => Error::Permission,
        Errno::EADDRINUSE => Error::InUse(endpoint.port(), endpoint.family()),
        Errno::EAFNOSUPPORT if endpoint.v6 => Error::NoFamily(endpoint.family()),
        errno => Error::Other(endpoint.family(), errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_the_checksum_of_their_addresses() {
        let mut settings = Settings::new("peer", Ipv4Addr::new(10, 0, 0, 2).into());
        let outgoing = |settings: &Settings| Outgoing::new(SessionId(1), settings, None, None, &[1, 2, 3]).unwrap();
        assert_eq!(outgoing(&settings).bytes, [0xc0, 1, 0x0e, 0xc8, 0, 11, 0, 0, 1, 2, 3], "without our address: none");
        settings.source = Some(Ipv4Addr::new(10, 0, 0, 1).into());
        // 0a00+0001+0a00+0002+0011+000b+c001+0ec8+000b+0102+0300 = e6f5, whose complement it is.
        assert_eq!(outgoing(&settings).bytes[6..8], [0x19, 0x0a]);
        settings.multihop = true;
        assert_eq!(outgoing(&settings).bytes[2..4], [0x12, 0xb0]);
        settings.interface = Some("eth0".to_owned());
        assert!(Outgoing::new(SessionId(1), &settings, None, None, &[]).is_none());
    }
}
