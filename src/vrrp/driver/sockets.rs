//! The sockets of VRRP. Receiving: one for each place where adverts come in (family, protocol, link, group or own address), so
//! that the kernel sorts out what is not ours. Sending: one for each family, which names the link with each packet; so
//! the adverts of all instances on all links leave with one system call. One more for Ethernet frames.
//!
//! Sockets belong to the network namespace of the thread that opens them. Nothing here waits.

use std::{
    collections::HashMap,
    ffi::CString,
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::Arc,
};

use nix::{
    errno::Errno,
    libc,
    net::if_::if_indextoname,
    sys::socket::{MsgFlags, recv, setsockopt, sockopt},
};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, SockFilter, Socket, Type};
use thiserror::Error;

use crate::{
    model::Family,
    sys::raw::{self, Arena, Datagram, Destination},
    vrrp::{announce::Frame, event::Received, packet},
};

/// How many packets one call of [`Sockets::receive`] takes at most; fewer mean that none was left.
pub const BATCH: usize = raw::BATCH;

/// Where the checksum stands in a VRRP packet.
const CHECKSUM_AT: u8 = 6;

/// Internetwork control, as traffic class and as priority in the host's own queues.
const TRAFFIC_CLASS: u32 = 0xc0;
const PRIORITY: u32 = 6;

/// Hop limit of what is sent, unless a packet has its own.
const HOPS: u32 = 255;

/// Room for a few thousand small packets: what may come in while the process has to wait for a CPU, and what the adverts of
/// all instances need at once.
const BUFFER: usize = 1 << 20;

/// Where adverts come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Index of the link; `None` = any (unicast only).
    pub link: Option<u32>,
    /// [`packet::VRRP`] or [`packet::AH`].
    pub protocol: u8,
    /// The multicast group, or our address, which need not be there yet.
    pub address: IpAddr,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (IP protocol {}", self.address, self.protocol)?;
        match self.link {
            Some(link) => write!(f, ", link {})", name_of(link)),
            None => f.write_str(")"),
        }
    }
}

/// A packet to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// By which link; `None` = as the route says.
    pub link: Option<u32>,
    /// From which address.
    pub source: IpAddr,
    /// To which group or peer.
    pub to: IpAddr,
    /// IPv6: hop limit; `None` = 255. IPv4 packets have theirs in the header.
    pub hops: Option<u8>,
    /// The packet, as [`packet::Wire::encode`] makes it.
    pub bytes: Vec<u8>,
}

/// Why sockets cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No permission.
    #[error("cannot open raw sockets, which VRRP needs: run this as root, or with the capability CAP_NET_RAW")]
    Permission,
    /// The link does not exist.
    #[error("cannot listen for adverts to {0}: there is no such link (any more)")]
    NoLink(Endpoint),
    /// The kernel was built or started without the family.
    #[error("this kernel does not speak {}: it was built without, or started with ipv6.disable=1", family_name(.0))]
    NoFamily(Family),
    /// Something else.
    #[error("cannot listen for adverts to {0}: {1}")]
    Listen(Endpoint, Errno),
    /// Something else, about a socket for sending.
    #[error("cannot open a socket for sending {0}: {1}")]
    Sender(&'static str, Errno),
    /// The endpoint is not open.
    #[error("nobody listens for adverts to {0}")]
    Closed(Endpoint),
    /// Receiving failed.
    #[error("cannot receive adverts to {0}: {1}")]
    Receive(Endpoint, Errno),
}

/// Why a packet was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("cannot send to {}{}: {}", Whom(.to), ByLink(.link), reason(.errno))]
pub struct SendError {
    /// To whom; `None` = an Ethernet frame.
    pub to: Option<IpAddr>,
    /// By which link.
    pub link: Option<u32>,
    /// What the kernel said.
    pub errno: Errno,
}

struct Whom<'a>(&'a Option<IpAddr>);

impl fmt::Display for Whom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(to) => to.fmt(f),
            None => f.write_str("the neighbours"),
        }
    }
}

struct ByLink<'a>(&'a Option<u32>);

impl fmt::Display for ByLink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |link| write!(f, " by link {}", name_of(link)))
    }
}

/// The usual reasons in words.
fn reason(errno: &Errno) -> String {
    match errno {
        Errno::ENODEV | Errno::ENXIO => "there is no such link (any more)".to_owned(),
        Errno::ENETDOWN => "the link is down".to_owned(),
        Errno::ENETUNREACH | Errno::EHOSTUNREACH => "there is no route; is the link up?".to_owned(),
        Errno::EADDRNOTAVAIL | Errno::EINVAL => format!("the source address is not on the link ({errno})"),
        Errno::EPERM => "forbidden by a firewall rule for outgoing packets".to_owned(),
        Errno::EMSGSIZE => "the packet is larger than the link's MTU".to_owned(),
        Errno::EAGAIN | Errno::ENOBUFS => "the link takes no more packets now".to_owned(),
        errno => errno.to_string(),
    }
}

/// All sockets of one process.
pub struct Sockets {
    listening: HashMap<Endpoint, Arc<OwnedFd>>,
    arena: Arena,
    /// Opened with the first endpoint of the family: there are kernels without IPv6.
    v4: Option<Socket>,
    v6: Option<Socket>,
    frames: Socket,
}

impl Sockets {
    /// Opens what does not depend on endpoints.
    pub fn new() -> Result<Self, Error> {
        // Protocol 0: it receives nothing.
        let frames = Socket::new(Domain::PACKET, raw_type(), None).and_then(|socket| {
            socket.set_priority(PRIORITY)?;
            grow(&socket, sockopt::SndBufForce);
            Ok(socket)
        });
        let frames = frames.map_err(|error| sender_error("Ethernet frames", Family::V4, error))?;
        Ok(Self { listening: HashMap::new(), arena: Arena::default(), v4: None, v6: None, frames })
    }

    /// Listens on an endpoint for adverts with one of these VRIDs; the kernel throws others away. If the endpoint is open
    /// already, only its VRIDs change. Opens the family's socket for sending, too. Returns the socket, to wait for packets;
    /// it is the same until [`Self::close`].
    ///
    /// Fails if the link does not exist, without permission, and if the kernel does not speak the family; nothing has changed
    /// then.
    pub fn ensure(&mut self, endpoint: Endpoint, vrids: &[u8]) -> Result<Arc<OwnedFd>, Error> {
        if let Some(socket) = self.listening.get(&endpoint) {
            let socket2 = socket2::SockRef::from(socket.as_ref());
            attach(&socket2, &endpoint, vrids).map_err(|error| listen_error(endpoint, error))?;
            return Ok(Arc::clone(socket));
        }
        match endpoint.address {
            IpAddr::V4(_) if self.v4.is_none() => {
                self.v4 = Some(sender_v4().map_err(|error| sender_error("IPv4 adverts", Family::V4, error))?);
            }
            IpAddr::V6(_) if self.v6.is_none() => {
                self.v6 = Some(sender_v6().map_err(|error| sender_error("IPv6 adverts", Family::V6, error))?);
            }
            _ => {}
        }
        let socket = listen(&endpoint, vrids).map_err(|error| listen_error(endpoint, error))?;
        let socket = Arc::new(OwnedFd::from(socket));
        self.listening.insert(endpoint, Arc::clone(&socket));
        Ok(socket)
    }

    /// Stops listening; does nothing if nobody does. (The socket itself is closed when nobody holds it any more.)
    pub fn close(&mut self, endpoint: &Endpoint) {
        self.listening.remove(endpoint);
    }

    /// Returns the endpoints that are open, with their sockets.
    pub fn listening(&self) -> impl Iterator<Item = (&Endpoint, &Arc<OwnedFd>)> {
        self.listening.iter()
    }

    /// Calls `each` with packets that came in, [`BATCH`] at most, and returns how many there were. If it returns fewer, the
    /// socket is empty, and waiting for it again is right; after [`BATCH`], others may have their turn first.
    pub fn receive(&mut self, endpoint: &Endpoint, mut each: impl FnMut(Received<'_>)) -> Result<usize, Error> {
        let socket = self.listening.get(endpoint).ok_or(Error::Closed(*endpoint))?;
        let each = |datagram: Datagram<'_>| {
            if let Some(received) = received(endpoint, &datagram) {
                each(received);
            }
        };
        self.arena.receive(socket.as_fd(), each).map_err(|errno| Error::Receive(*endpoint, errno))
    }

    /// Sends packets, those of a family in order and with few system calls, and returns those that were not sent, by their
    /// index. Packets to groups go to the link whatever the routing table says.
    pub fn send(&mut self, packets: &[Outgoing]) -> Vec<(usize, SendError)> {
        let mut failed = Vec::new();
        for (family, socket) in [(Family::V4, &self.v4), (Family::V6, &self.v6)] {
            for multicast in [true, false] {
                let ours = |packet: &Outgoing| Family::of(packet.to) == family && packet.to.is_multicast() == multicast;
                let indices: Vec<usize> = (0..).zip(packets).filter(|(_, p)| ours(p)).map(|(at, _)| at).collect();
                if indices.is_empty() {
                    continue;
                }
                let packets: Vec<raw::Outgoing<'_>> =
                    packets.iter().filter(|packet| ours(packet)).filter_map(outgoing).collect();
                let errors = match socket {
                    Some(socket) if packets.len() == indices.len() => raw::send(socket.as_fd(), &packets, multicast),
                    // Nobody listens, so nobody has a reason to speak; or source and destination are of two families.
                    _ => (0..indices.len()).map(|at| (at, Errno::EAFNOSUPPORT)).collect(),
                };
                failed.extend(errors.into_iter().filter_map(|(at, errno)| Some((*indices.get(at)?, errno))));
            }
        }
        failed.sort_unstable_by_key(|(at, _)| *at);
        let in_words = |(at, errno): (usize, Errno)| {
            let packet = packets.get(at)?;
            Some((at, SendError { to: Some(packet.to), link: packet.link, errno }))
        };
        failed.into_iter().filter_map(in_words).collect()
    }

    /// Sends Ethernet frames in order, with few system calls, and returns those that were not sent, by their index.
    pub fn send_frames(&mut self, frames: &[Frame]) -> Vec<(usize, SendError)> {
        let outgoing: Vec<raw::Outgoing<'_>> = frames.iter().map(outgoing_frame).collect();
        let in_words =
            |(at, errno)| (at, SendError { to: None, link: frames.get(at).map(|frame: &Frame| frame.link), errno });
        raw::send(self.frames.as_fd(), &outgoing, false).into_iter().map(in_words).collect()
    }
}

/// Returns a packet with the values that its endpoint, its header and the kernel give; `None` if any is missing.
fn received<'a>(endpoint: &Endpoint, datagram: &Datagram<'a>) -> Option<Received<'a>> {
    let bytes = datagram.bytes;
    let link = endpoint.link.or(datagram.link)?;
    if endpoint.address.is_ipv6() {
        let (source, destination) = (datagram.source?, datagram.destination?);
        return Some(Received { link, source, destination, hops: datagram.hops, bytes });
    }
    let address = |at: usize| bytes.get(at..)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).into());
    Some(Received { link, source: address(12)?, destination: address(16)?, hops: bytes.get(8).copied(), bytes })
}

/// Returns a packet as the socket takes it; `None` if its addresses are of two families.
fn outgoing(packet: &Outgoing) -> Option<raw::Outgoing<'_>> {
    let link = packet.link.unwrap_or(0);
    let to = match (packet.source, packet.to) {
        (IpAddr::V4(source), IpAddr::V4(to)) => Destination::V4 { to, source, link, hops: None },
        (IpAddr::V6(source), IpAddr::V6(to)) => Destination::V6 { to, source, link, hops: packet.hops },
        _ => return None,
    };
    Some(raw::Outgoing { to, bytes: &packet.bytes })
}

fn outgoing_frame(frame: &Frame) -> raw::Outgoing<'_> {
    let ethernet_type = frame.bytes.get(12..).and_then(|rest| rest.first_chunk()).copied();
    let ethernet_type = u16::from_be_bytes(ethernet_type.unwrap_or_default());
    raw::Outgoing { to: Destination::Link { link: frame.link, ethernet_type }, bytes: &frame.bytes }
}

fn raw_type() -> Type {
    Type::RAW.nonblocking().cloexec()
}

fn sender_v4() -> io::Result<Socket> {
    // IPPROTO_RAW: packets come with their headers, of any protocol, and none are received.
    let socket = Socket::new(Domain::IPV4, raw_type(), Some(Protocol::from(libc::IPPROTO_RAW)))?;
    socket.set_multicast_loop_v4(false)?;
    socket.set_priority(PRIORITY)?;
    grow(&socket, sockopt::SndBufForce);
    Ok(socket)
}

fn sender_v6() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, raw_type(), Some(Protocol::from(i32::from(packet::VRRP))))?;
    // It would receive every advert, too.
    socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, NOTHING)])?;
    raw::set_checksum_offset(socket.as_fd(), CHECKSUM_AT)?;
    socket.set_multicast_loop_v6(false)?;
    socket.set_multicast_hops_v6(HOPS)?;
    socket.set_unicast_hops_v6(HOPS)?;
    socket.set_tclass_v6(TRAFFIC_CLASS)?;
    socket.set_priority(PRIORITY)?;
    grow(&socket, sockopt::SndBufForce);
    Ok(socket)
}

fn listen(endpoint: &Endpoint, vrids: &[u8]) -> io::Result<Socket> {
    let (address, index) = (endpoint.address, endpoint.link.unwrap_or(0));
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, raw_type(), Some(Protocol::from(i32::from(endpoint.protocol))))?;
    // Until it is bound it hears every link, and would report that as its own.
    socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, NOTHING)])?;
    grow(&socket, sockopt::RcvBufForce);
    if let Some(link) = endpoint.link {
        let name = link_name(link).ok_or(Errno::ENODEV)?;
        socket.bind_device(Some(name.to_bytes()))?;
    }
    match address {
        IpAddr::V4(address) => {
            // The address may be added later.
            socket.set_freebind_v4(true)?;
            socket.bind(&SockAddr::from(SocketAddr::V4(SocketAddrV4::new(address, 0))))?;
            socket.set_multicast_all_v4(false)?;
            if address.is_multicast() {
                socket.join_multicast_v4_n(&address, &InterfaceIndexOrAddress::Index(index))?;
            }
            if endpoint.link.is_none() {
                setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
            }
        }
        IpAddr::V6(address) => {
            socket.set_freebind_v6(true)?;
            socket.bind(&SockAddr::from(SocketAddr::V6(SocketAddrV6::new(address, 0, 0, index))))?;
            socket.set_multicast_all_v6(false)?;
            if address.is_multicast() {
                socket.join_multicast_v6(&address, index)?;
            }
            socket.set_recv_hoplimit_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
            raw::set_checksum_offset(socket.as_fd(), CHECKSUM_AT)?;
        }
    }
    // What it heard before the filter was there.
    while recv(socket.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT).is_ok() {}
    attach(&socket, endpoint, vrids)?;
    Ok(socket)
}

/// Makes a buffer larger than the administrator's limit, if we may; without, it works until there is much to do.
fn grow(socket: &Socket, option: impl nix::sys::socket::SetSockOpt<Val = usize>) {
    if let Err(errno) = setsockopt(socket, option, &BUFFER) {
        log::debug!("a socket keeps its small buffer: {errno}");
    }
}

/// Instructions of the kernel's classic packet filter (`linux/filter.h`).
const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_ABS | libc::BPF_B) as u16;
const LOAD_BYTE_AFTER_X: u16 = (libc::BPF_LD | libc::BPF_IND | libc::BPF_B) as u16;
const LOAD_X_HEADER_LENGTH: u16 = (libc::BPF_LDX | libc::BPF_MSH | libc::BPF_B) as u16;
const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const NOTHING: u32 = 0;
const EVERYTHING: u32 = u32::MAX;

/// Where the VRID stands after the IP header, and after the authentication header.
const VRID_AT: u32 = 1;
const VRID_AT_AFTER_AH: u32 = 24 + VRID_AT;

/// Lets a socket hear these VRIDs only: adverts of other virtual routers on the link need not wake us up.
fn attach(socket: &Socket, endpoint: &Endpoint, vrids: &[u8]) -> io::Result<()> {
    let at = if endpoint.protocol == packet::AH { VRID_AT_AFTER_AH } else { VRID_AT };
    let mut program = if endpoint.address.is_ipv4() {
        vec![SockFilter::new(LOAD_X_HEADER_LENGTH, 0, 0, 0), SockFilter::new(LOAD_BYTE_AFTER_X, 0, 0, at)]
    } else {
        vec![SockFilter::new(LOAD_BYTE, 0, 0, at)]
    };
    let mut vrids = vrids.to_vec();
    vrids.sort_unstable();
    vrids.dedup();
    // Jumps reach 255 instructions far, which is as many as there are VRIDs.
    vrids.retain(|vrid| *vrid != 0);
    for (vrid, rest) in vrids.iter().zip((1..=vrids.len()).rev()) {
        program.push(SockFilter::new(JUMP_IF_EQUAL, rest as u8, 0, (*vrid).into()));
    }
    program.push(SockFilter::new(RETURN, 0, 0, NOTHING));
    program.push(SockFilter::new(RETURN, 0, 0, EVERYTHING));
    socket.attach_filter(&program)
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

fn listen_error(endpoint: Endpoint, error: io::Error) -> Error {
    match errno(&error) {
        Errno::EPERM | Errno::EACCES => Error::Permission,
        Errno::EAFNOSUPPORT => Error::NoFamily(Family::of(endpoint.address)),
        Errno::ENODEV | Errno::ENXIO => Error::NoLink(endpoint),
        errno => Error::Listen(endpoint, errno),
    }
}

fn sender_error(what: &'static str, family: Family, error: io::Error) -> Error {
    match errno(&error) {
        Errno::EPERM | Errno::EACCES => Error::Permission,
        Errno::EAFNOSUPPORT if family == Family::V6 => Error::NoFamily(family),
        errno => Error::Sender(what, errno),
    }
}

fn family_name(family: &Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

/// Returns the name of a link for people, or its index if it has none any more.
fn name_of(link: u32) -> String {
    link_name(link).map_or_else(|| format!("number {link}"), |name| name.to_string_lossy().into_owned())
}

/// Returns the name of a link. (nix has an empty one for links that do not exist.)
fn link_name(link: u32) -> Option<CString> {
    if_indextoname(link).ok().filter(|name| !name.is_empty())
}
