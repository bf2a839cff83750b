//! Frames ↔ values: ARP and neighbour discovery, the begin and the end of a TCP connection, echo, ICMP errors. No IO.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::SockFilter;

use super::{
    ETHERNET, Mac,
    ip::{Ip, V6},
};
use crate::{
    model::{Checksum as Outer, Tunnel},
    vrrp::packet::checksum::Checksum,
};

const BROADCAST: Mac = [0xff; 6];
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

mod protocol {
    pub(super) const ICMP: u8 = 1;
    pub(super) const IPIP: u8 = 4;
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;
    pub(super) const IPV6: u8 = 41;
    pub(super) const GRE: u8 = 47;
    pub(super) const ICMPV6: u8 = 58;
}

const ECHO: u8 = 8;
const ECHO_REPLY: u8 = 0;
const ECHO_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Bytes of an IPv4 header without options.
const V4: usize = 20;

/// Hops that a probe may make.
const HOPS: u8 = 64;

/// What a frame that came in means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Somebody has this address.
    Neighbour {
        /// The address.
        address: IpAddr,
        /// Whose hardware address.
        mac: Mac,
    },
    /// An answer to a connection that was begun with this sequence number.
    Tcp {
        /// The sequence number of the begin.
        sequence: u32,
        /// Whether it is taken; else it is refused.
        accepted: bool,
    },
    /// Somebody says that a packet could not be delivered.
    Error {
        /// The destination of that packet.
        to: IpAddr,
        /// Why, in words.
        why: &'static str,
        /// The sequence number in it, if it was the bare begin of a connection.
        sequence: Option<u32>,
    },
    /// An answer to an echo request.
    Echo {
        /// Who answers.
        from: IpAddr,
        /// The identifier of the request.
        id: u16,
        /// The number of the request.
        number: u16,
    },
}

/// The addresses of a frame: by whom, to whom.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Our hardware address.
    pub from: Mac,
    /// The next hop's.
    pub to: Mac,
}

fn ethernet(ends: Ends, kind: u16) -> Vec<u8> {
    [&ends.to[..], &ends.from, &kind.to_be_bytes()].concat()
}

/// Asks who has an address, by ARP or neighbour solicitation. `source` is an address of ours on that link.
pub fn who_has(from: Mac, source: IpAddr, address: IpAddr) -> Option<Vec<u8>> {
    match (source, address) {
        (IpAddr::V4(source), IpAddr::V4(address)) => {
            let mut frame = ethernet(Ends { from, to: BROADCAST }, ARP);
            // Ethernet, IPv4, 6 and 4 bytes, request.
            frame.extend([0, 1, 0x08, 0x00, 6, 4, 0, 1]);
            frame.extend(from);
            frame.extend(source.octets());
            frame.extend([0; 6]);
            frame.extend(address.octets());
            Some(frame)
        }
        (IpAddr::V6(source), IpAddr::V6(address)) => {
            let [.., a, b, c] = address.octets();
            let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
            let mut body = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
            body.extend(address.octets());
            // Option: our link-layer address, in units of 8 bytes.
            body.extend([1, 1]);
            body.extend(from);
            let mut frame = ethernet(Ends { from, to: [0x33, 0x33, 0xff, a, b, c] }, IPV6);
            frame.extend(packet_v6(
                source,
                group,
                protocol::ICMPV6,
                255,
                &sealed_v6(source, group, protocol::ICMPV6, body, 2),
            ));
            Some(frame)
        }
        _ => None,
    }
}

/// Returns an IP packet that begins (`SYN`) or ends (`RST`) a connection; `None` if its ends are of different families.
pub fn tcp(from: SocketAddr, to: SocketAddr, sequence: u32, begin: bool) -> Option<Vec<u8>> {
    let mut segment = Vec::with_capacity(24);
    segment.extend(from.port().to_be_bytes());
    segment.extend(to.port().to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend([0; 4]);
    // Five words of header, or six with an option; a window of some kilobytes; checksum; no urgent data.
    segment.extend([if begin { 0x60 } else { 0x50 }, if begin { SYN } else { RST }, 0x20, 0, 0, 0, 0, 0]);
    if begin {
        // Option: the largest segment is 536 bytes. Nothing will be sent.
        segment.extend([2, 4, 0x02, 0x18]);
    }
    packet(from.ip(), to.ip(), protocol::TCP, segment, 16)
}

/// Returns an echo request of `size` bytes in all, which must not be split on its way.
pub fn echo(from: IpAddr, to: IpAddr, id: u16, number: u16, size: usize) -> Option<Vec<u8>> {
    let (header, kind, proto) = match to {
        IpAddr::V4(_) => (V4, ECHO, protocol::ICMP),
        IpAddr::V6(_) => (V6, ECHO_V6, protocol::ICMPV6),
    };
    let mut body = vec![kind, 0, 0, 0];
    body.extend(id.to_be_bytes());
    body.extend(number.to_be_bytes());
    body.resize(size.checked_sub(header)?.max(body.len()), 0);
    packet(from, to, proto, body, 2)
}

/// Wraps an IP packet as IPVS does.
pub fn wrap(inner: &[u8], tunnel: Tunnel, from: IpAddr, to: IpAddr, port: u16) -> Option<Vec<u8>> {
    let ipv6 = inner.first()? >> 4 == 6;
    let kind = if ipv6 { protocol::IPV6 } else { protocol::IPIP };
    match tunnel {
        Tunnel::Ipip => plain(from, to, kind, inner),
        Tunnel::Gue { port: to_port, checksum } => {
            let length = u16::try_from(12 + inner.len()).ok()?;
            let mut datagram = Vec::with_capacity(usize::from(length));
            datagram.extend(port.to_be_bytes());
            datagram.extend(to_port.to_be_bytes());
            datagram.extend(length.to_be_bytes());
            // No checksum yet; GUE of version 0: no options, what is inside, no flags.
            datagram.extend([0, 0, 0, kind, 0, 0]);
            datagram.extend(inner);
            if checksum == Outer::None && from.is_ipv4() {
                return plain(from, to, protocol::UDP, &datagram);
            }
            packet(from, to, protocol::UDP, datagram, 6)
        }
        Tunnel::Gre { .. } => {
            let kind = if ipv6 { IPV6 } else { IPV4 };
            let mut datagram = vec![0, 0];
            datagram.extend(kind.to_be_bytes());
            datagram.extend(inner);
            plain(from, to, protocol::GRE, &datagram)
        }
    }
}

/// Puts an IP packet into a frame.
pub fn framed(ends: Ends, packet: &[u8]) -> Vec<u8> {
    let kind = if packet.first().is_some_and(|first| first >> 4 == 6) { IPV6 } else { IPV4 };
    [&ethernet(ends, kind)[..], packet].concat()
}

/// Returns an IP packet around `body`, whose checksum, over a pseudo-header too where the protocol has it, is put at `at`.
fn packet(from: IpAddr, to: IpAddr, protocol: u8, body: Vec<u8>, at: usize) -> Option<Vec<u8>> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let sum = Checksum::default();
            let sum = if protocol == protocol::ICMP { sum } else { sum.add_pseudo_v4(from, to, protocol, body.len()) };
            let body = sealed(body, at, sum);
            Some(packet_v4(from, to, protocol, &body))
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            Some(packet_v6(from, to, protocol, HOPS, &sealed_v6(from, to, protocol, body, at)))
        }
        _ => None,
    }
}

/// Returns an IP packet around `body` as it is.
fn plain(from: IpAddr, to: IpAddr, protocol: u8, body: &[u8]) -> Option<Vec<u8>> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => Some(packet_v4(from, to, protocol, body)),
        (IpAddr::V6(from), IpAddr::V6(to)) => Some(packet_v6(from, to, protocol, HOPS, body)),
        _ => None,
    }
}

fn sealed_v6(from: Ipv6Addr, to: Ipv6Addr, protocol: u8, body: Vec<u8>, at: usize) -> Vec<u8> {
    let sum = Checksum::default().add_pseudo_v6(from, to, protocol, body.len());
    sealed(body, at, sum)
}

fn sealed(mut body: Vec<u8>, at: usize, pseudo: Checksum) -> Vec<u8> {
    let sum = pseudo.add(&body).finish();
    if let Some(place) = body.get_mut(at..at + 2) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    body
}

fn packet_v4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(V4 + body.len()).unwrap_or(u16::MAX);
    let mut header = vec![0x45, 0];
    header.extend(length.to_be_bytes());
    // No identification; do not fragment; hops; protocol; no checksum yet.
    header.extend([0, 0, 0x40, 0, HOPS, protocol, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    let mut packet = sealed(header, 10, Checksum::default());
    packet.extend(body);
    packet
}

fn packet_v6(from: Ipv6Addr, to: Ipv6Addr, protocol: u8, hops: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
    packet.extend([protocol, hops]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend(body);
    packet
}

/// Reads a frame; `None` if it is none of those that are waited for. `port` is the one that connections were begun from.
pub fn read(frame: &[u8], port: u16) -> Option<Seen> {
    match word(frame, 12)? {
        ARP => {
            // A reply, and whose it is.
            if word(frame, 20)? != 2 {
                return None;
            }
            let address = Ipv4Addr::from(*frame.get(28..)?.first_chunk::<4>()?);
            Some(Seen::Neighbour { address: address.into(), mac: *frame.get(22..)?.first_chunk()? })
        }
        IPV4 | IPV6 => {
            let ip = Ip::read(frame.get(ETHERNET..)?)?;
            match ip.protocol {
                protocol::TCP => read_tcp(&ip, port),
                protocol::ICMP => read_icmp(&ip),
                protocol::ICMPV6 => read_icmp_v6(&ip),
                _ => None,
            }
        }
        _ => None,
    }
}

fn read_tcp(ip: &Ip<'_>, port: u16) -> Option<Seen> {
    let flags = *ip.body.get(13)?;
    let acknowledged = long(ip.body, 8)?;
    // Of others, and our own on their way out, there is nothing to learn.
    if word(ip.body, 2)? != port || flags & ACK == 0 {
        return None;
    }
    let accepted = flags & SYN != 0;
    (accepted || flags & RST != 0).then_some(Seen::Tcp { sequence: acknowledged.wrapping_sub(1), accepted })
}

fn read_icmp(ip: &Ip<'_>) -> Option<Seen> {
    let why = match (*ip.body.first()?, *ip.body.get(1)?) {
        (ECHO_REPLY, _) => return read_echo(ip),
        (3, 0) => "no route to that network",
        (3, 1) => "the host does not answer",
        (3, 2) => "it does not know the protocol",
        (3, 3) => "nobody listens at the port",
        (3, 4) => "the packet is too large",
        (3, 9 | 10 | 13) => "it is forbidden",
        (3, _) => "it cannot be reached",
        _ => return None,
    };
    read_error(ip.body.get(8..)?, why)
}

fn read_icmp_v6(ip: &Ip<'_>) -> Option<Seen> {
    let why = match (*ip.body.first()?, *ip.body.get(1)?) {
        (ECHO_REPLY_V6, _) => return read_echo(ip),
        (ADVERTISEMENT, _) => return read_advertisement(ip.body),
        (1, 0) => "no route to that network",
        (1, 1 | 5 | 6) => "it is forbidden",
        (1, 3) => "the host does not answer",
        (1, 4) => "nobody listens at the port",
        (1, _) => "it cannot be reached",
        (2, _) => "the packet is too large",
        (4, 1) => "it does not know the protocol",
        _ => return None,
    };
    read_error(ip.body.get(8..)?, why)
}

fn read_echo(ip: &Ip<'_>) -> Option<Seen> {
    Some(Seen::Echo { from: ip.from, id: word(ip.body, 4)?, number: word(ip.body, 6)? })
}

fn read_error(quoted: &[u8], why: &'static str) -> Option<Seen> {
    let quoted = Ip::read(quoted)?;
    let sequence = (quoted.protocol == protocol::TCP).then(|| long(quoted.body, 4)).flatten();
    Some(Seen::Error { to: quoted.to, why, sequence })
}

fn read_advertisement(body: &[u8]) -> Option<Seen> {
    let address = Ipv6Addr::from(*body.get(8..)?.first_chunk::<16>()?);
    // Option: the target's link-layer address, which is there when somebody asked all.
    let option = body.get(24..)?;
    let mac = (option.first()? == &2).then(|| option.get(2..)?.first_chunk().copied()).flatten()?;
    Some(Seen::Neighbour { address: address.into(), mac })
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns a filter that takes ARP, ICMP, and TCP to our port: a director may have millions of other packets a second.
pub fn filter(port: u16) -> [SockFilter; 17] {
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF_INDEXED: u16 = 0x48;
    const HEADER_LENGTH: u16 = 0xb1;
    const IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let load = |code, at| SockFilter::new(code, 0, 0, at);
    let when = |value: u32, yes, no| SockFilter::new(IF_EQUAL, yes, no, value);
    [
        load(LOAD_HALF, 12),
        when(ARP.into(), 13, 0),
        when(IPV6.into(), 7, 0),
        when(IPV4.into(), 0, 12),
        // 4: IPv4, whose header has no fixed length.
        load(LOAD_BYTE, 23),
        when(protocol::ICMP.into(), 9, 0),
        when(protocol::TCP.into(), 0, 9),
        load(HEADER_LENGTH, ETHERNET as u32),
        load(LOAD_HALF_INDEXED, ETHERNET as u32 + 2),
        when(port.into(), 5, 6),
        // 10: IPv6, without extension headers.
        load(LOAD_BYTE, 20),
        when(protocol::ICMPV6.into(), 3, 0),
        when(protocol::TCP.into(), 0, 3),
        load(LOAD_HALF, (ETHERNET + V6 + 2) as u32),
        when(port.into(), 0, 1),
        load(RETURN, u32::MAX),
        load(RETURN, 0),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENDS: Ends = Ends { from: [2, 0, 0, 0, 0, 1], to: [2, 0, 0, 0, 0, 2] };

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn socket(text: &str) -> SocketAddr {
        text.parse().expect("a socket address")
    }

    /// Whether all checksums of an IPv4 packet are right.
    fn is_sound(packet: &[u8]) -> bool {
        Checksum::default().add(&packet[..V4]).finish() == 0
    }

    #[test]
    fn arp_asks_and_is_read() {
        let frame = who_has(ENDS.from, ip("10.0.0.1"), ip("10.0.0.100")).expect("a frame");
        assert_eq!(frame.len(), 42);
        assert_eq!(read(&frame, 1), None, "a question is no answer");
        let mut reply = frame.clone();
        reply[21] = 2;
        reply[22..28].copy_from_slice(&ENDS.to);
        reply[28..32].copy_from_slice(&[10, 0, 0, 100]);
        assert_eq!(read(&reply, 1), Some(Seen::Neighbour { address: ip("10.0.0.100"), mac: ENDS.to }));
        let frame = who_has(ENDS.from, ip("fd00::1"), ip("fd00::100")).expect("a frame");
        assert_eq!(frame.len(), 14 + 40 + 32);
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0, 1, 0]);
        assert_eq!(who_has(ENDS.from, ip("fd00::1"), ip("10.0.0.100")), None);
    }

    #[test]
    fn connections_begin_and_answers_are_told_apart() {
        let (from, to) = (socket("10.0.0.1:61000"), socket("10.0.0.100:80"));
        let begin = tcp(from, to, 0x4c56_0007, true).expect("a packet");
        assert_eq!(begin.len(), 44);
        assert!(is_sound(&begin));
        // What a server would answer: the ends exchanged, both flags, the sequence number and one more.
        let answer = |flags: u8| {
            let mut answer = framed(ENDS, &tcp(to, from, 0, true).expect("a packet"));
            answer[ETHERNET + V4 + 8..][..4].copy_from_slice(&0x4c56_0008_u32.to_be_bytes());
            answer[ETHERNET + V4 + 13] = flags;
            read(&answer, 61000)
        };
        assert_eq!(answer(SYN | ACK), Some(Seen::Tcp { sequence: 0x4c56_0007, accepted: true }));
        assert_eq!(answer(RST | ACK), Some(Seen::Tcp { sequence: 0x4c56_0007, accepted: false }));
        assert_eq!(answer(SYN), None);
        assert_eq!(read(&framed(ENDS, &begin), 61000), None, "our own");
    }

    #[test]
    fn errors_name_what_could_not_be_delivered() {
        let begin = tcp(socket("10.0.0.1:61000"), socket("10.0.0.11:80"), 5, true).expect("a packet");
        let wrapped = wrap(&begin, Tunnel::Ipip, ip("10.0.0.1"), ip("10.0.0.11"), 0).expect("a packet");
        assert!(is_sound(&wrapped) && wrapped.len() == begin.len() + 20 && wrapped[9] == 4);
        let error = |code: u8, quoted: &[u8]| {
            let body = [&[3, code, 0, 0, 0, 0, 0, 0], quoted].concat();
            read(&framed(ENDS, &packet_v4(Ipv4Addr::new(10, 0, 0, 11), Ipv4Addr::new(10, 0, 0, 1), 1, &body)), 61000)
        };
        let to = ip("10.0.0.11");
        assert_eq!(error(3, &begin), Some(Seen::Error { to, why: "nobody listens at the port", sequence: Some(5) }));
        assert_eq!(error(2, &wrapped), Some(Seen::Error { to, why: "it does not know the protocol", sequence: None }));
    }

    #[test]
    fn wrappings_have_the_length_that_the_kernel_gives_them() {
        let inner = tcp(socket("[fd00::1]:61000"), socket("[fd00::100]:80"), 5, true).expect("a packet");
        let wrapped = |tunnel| wrap(&inner, tunnel, ip("10.0.0.1"), ip("10.0.0.11"), 61000).expect("a packet");
        assert_eq!(wrapped(Tunnel::Ipip)[9], 41);
        assert_eq!(wrapped(Tunnel::Gre { checksum: Outer::None }).len(), inner.len() + 24);
        for checksum in [Outer::None, Outer::Full] {
            let gue = wrapped(Tunnel::Gue { port: 6080, checksum });
            assert_eq!(gue.len(), inner.len() + 20 + 8 + 4);
            assert_eq!(gue[26..28] == [0, 0], checksum == Outer::None);
            assert_eq!(gue[28..30], [0, 41]);
        }
        assert_eq!(wrap(&inner, Tunnel::Ipip, ip("10.0.0.1"), ip("fd00::11"), 0), None);
    }

    #[test]
    fn echo_requests_have_the_size_that_is_asked_for() {
        for (from, to) in [("10.0.0.1", "10.0.0.11"), ("fd00::1", "fd00::11")] {
            let request = echo(ip(from), ip(to), 7, 9, 1480).expect("a packet");
            assert_eq!(request.len(), 1480);
            let at = if to.contains(':') { V6 } else { V4 };
            let mut reply = framed(ENDS, &request);
            reply[ETHERNET + at] = if at == V6 { ECHO_REPLY_V6 } else { ECHO_REPLY };
            assert_eq!(read(&reply, 1), Some(Seen::Echo { from: ip(from), id: 7, number: 9 }));
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(frame in proptest::collection::vec(any::<u8>(), 0..120), kind in 0..4_usize) {
            let mut frame = frame;
            if let Some(place) = frame.get_mut(12..14) {
                place.copy_from_slice(&[ARP, IPV4, IPV6, 0][kind].to_be_bytes());
            }
            let _ = read(&frame, 61000);
        }
    }
}
