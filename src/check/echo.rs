//! Echo requests of ICMP (RFC 792) and ICMPv6 (RFC 4443), and what comes of them, as bytes.

use std::net::IpAddr;

use socket2::SockFilter;

use crate::model::Family;

/// Length of type, code, checksum, identifier and sequence number.
const HEAD: usize = 8;

/// What follows in a request: as many bytes as keepalived sends.
const PAYLOAD: [u8; 128] = [0; 128];

/// Numbers of a family's messages.
struct Types {
    request: u8,
    reply: u8,
    /// The packet does not arrive: there is no way, or it is not wanted.
    unreachable: u8,
    /// It went through too many routers, in a circle mostly.
    exceeded: u8,
    /// Length of the IP header of our requests, which have no options.
    header: usize,
}

fn types(family: Family) -> Types {
    match family {
        Family::V4 => Types { request: 8, reply: 0, unreachable: 3, exceeded: 11, header: 20 },
        Family::V6 => Types { request: 128, reply: 129, unreachable: 1, exceeded: 3, header: 40 },
    }
}

/// What a message says about a request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) id: u16,
    pub(super) sequence: u16,
    /// What a router says against it, and to whom it was sent; `None` for a reply.
    pub(super) lost: Option<(&'static str, IpAddr)>,
}

/// Returns an echo request. The kernel fills the checksum of ICMPv6 in, and that of ICMP on sockets that are not raw.
pub(super) fn request(family: Family, id: u16, sequence: u16) -> Vec<u8> {
    let mut bytes = vec![types(family).request, 0, 0, 0];
    bytes.extend(id.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(PAYLOAD);
    if family == Family::V4 {
        let sum = checksum(&bytes).to_be_bytes();
        bytes.iter_mut().skip(2).zip(sum).for_each(|(byte, sum)| *byte = sum);
    }
    bytes
}

/// Reads a reply, or a message that a request got lost; `None` if the bytes are anything else. A raw IPv4 socket gives the IP
/// header, too.
pub(super) fn read(family: Family, with_ip_header: bool, bytes: &[u8]) -> Option<Said> {
    let bytes = if with_ip_header { behind_header(bytes)? } else { bytes };
    let types = types(family);
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let [kind, code, ..] = *head;
    if kind == types.reply {
        let (id, sequence) = numbers(head);
        return (code == 0).then_some(Said { id, sequence, lost: None });
    }
    // What follows is the packet that got lost, or its beginning.
    let (to, request) = match family {
        Family::V4 => (IpAddr::from(*rest.get(16..)?.first_chunk::<4>()?), behind_header(rest)?),
        Family::V6 => (IpAddr::from(*rest.get(24..)?.first_chunk::<16>()?), rest.get(types.header..)?),
    };
    let why = match kind {
        kind if kind == types.unreachable => unreachable(family, code)?,
        kind if kind == types.exceeded => "time exceeded",
        _ => return None,
    };
    let head = request.first_chunk::<HEAD>().filter(|head| head[0] == types.request)?;
    let (id, sequence) = numbers(head);
    Some(Said { id, sequence, lost: Some((why, to)) })
}

/// Identifier and sequence number.
fn numbers(head: &[u8; HEAD]) -> (u16, u16) {
    let [_, _, _, _, id0, id1, sequence0, sequence1] = *head;
    (u16::from_be_bytes([id0, id1]), u16::from_be_bytes([sequence0, sequence1]))
}

/// What is behind an IPv4 header.
fn behind_header(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(usize::from(bytes.first()? & 0xf) * 4..)
}

/// Says why something is unreachable (RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3.1); `None` for what says nothing
/// about the server.
fn unreachable(family: Family, code: u8) -> Option<&'static str> {
    Some(match (family, code) {
        // Ours are short enough for every link.
        (Family::V4, 4) => return None,
        (Family::V4, 0 | 6 | 11) | (Family::V6, 0) => "network unreachable",
        (Family::V4, 1 | 7 | 12) | (Family::V6, 3) => "host unreachable",
        (Family::V4, 2) => "protocol unreachable",
        (Family::V4, 9 | 10 | 13) | (Family::V6, 1 | 5) => "administratively prohibited",
        (Family::V6, 6) => "route rejected",
        _ => "unreachable",
    })
}

/// Returns the program that has the kernel drop everything but what is said about requests with our identifier: a raw socket
/// would get a copy of every ICMP message of the host.
pub(super) fn filter(family: Family, id: u16) -> Vec<SockFilter> {
    let types = types(family);
    // IPv4 packets come with their header; X is its length. Offsets are counted from there.
    let (prelude, byte, half) = match family {
        Family::V4 => (Some(SockFilter::new(0xb1, 0, 0, 0)), 0x50, 0x48),
        Family::V6 => (None, 0x30, 0x28),
    };
    let lost = u32::try_from(HEAD + types.header).unwrap_or(0);
    let program = [
        SockFilter::new(byte, 0, 0, 0),
        SockFilter::new(0x15, 4, 0, u32::from(types.reply)),
        SockFilter::new(0x15, 1, 0, u32::from(types.unreachable)),
        SockFilter::new(0x15, 0, 5, u32::from(types.exceeded)),
        SockFilter::new(half, 0, 0, lost + 4),
        SockFilter::new(0x05, 0, 0, 1),
        SockFilter::new(half, 0, 0, 4),
        SockFilter::new(0x15, 0, 1, u32::from(id)),
        SockFilter::new(0x06, 0, 0, u32::MAX),
        SockFilter::new(0x06, 0, 0, 0),
    ];
    prelude.into_iter().chain(program).collect()
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 1071, section 3.
    #[test]
    fn the_sum_of_the_example() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[0x01]), !0x0100);
        assert_eq!(checksum(&request(Family::V4, 7, 9)), 0, "a message with its sum sums up to nothing");
    }

    const REPLY: Option<Said> = Some(Said { id: 0x1234, sequence: 5, lost: None });

    #[test]
    fn replies_are_told_from_all_else() {
        let mut message = request(Family::V4, 0x1234, 5);
        assert_eq!(read(Family::V4, false, &message), None, "a request");
        message[0] = 0;
        assert_eq!(read(Family::V4, false, &message), REPLY);
        let packet = [&[0x46][..], &[0; 23], &message].concat();
        assert_eq!(read(Family::V4, true, &packet), REPLY, "with IP options");
        message[1] = 1;
        assert_eq!(read(Family::V4, false, &message), None, "no such code");
        let mut message = request(Family::V6, 0x1234, 5);
        message[0] = 129;
        assert_eq!(read(Family::V6, false, &message), REPLY);
        assert_eq!(read(Family::V6, false, &message[..7]), None, "short");
    }

    #[test]
    fn what_got_lost_is_in_the_message() {
        let v4 = |kind: u8, code: u8, lost: &[u8]| {
            let header = [&[0x45; 1][..], &[0; 15], &[192, 0, 2, 7]].concat();
            read(Family::V4, false, &[&[kind, code, 0, 0, 0, 0, 0, 0], header.as_slice(), lost].concat())
        };
        let v6 = |kind: u8, code: u8| {
            let header = [&[0x60; 1][..], &[0; 23], &[0x20, 1, 0xd, 0xb8], &[0; 11], &[7]].concat();
            let lost = request(Family::V6, 0x1234, 5);
            read(Family::V6, false, &[&[kind, code, 0, 0, 0, 0, 0, 0], header.as_slice(), &lost].concat())
        };
        let request = request(Family::V4, 0x1234, 5);
        let lost =
            |why, to: &str| Some(Said { id: 0x1234, sequence: 5, lost: Some((why, to.parse().expect("an address"))) });
        assert_eq!(v4(3, 1, &request), lost("host unreachable", "192.0.2.7"));
        assert_eq!(v4(3, 13, &request[..8]), lost("administratively prohibited", "192.0.2.7"), "routers cut it");
        assert_eq!(v4(11, 0, &request), lost("time exceeded", "192.0.2.7"));
        assert_eq!(v6(1, 0), lost("network unreachable", "2001:db8::7"));
        assert_eq!(v6(3, 0), lost("time exceeded", "2001:db8::7"));
        assert_eq!(v4(3, 4, &request), None, "too long for a link");
        assert_eq!(v4(3, 1, &request[..7]), None, "short");
        assert_eq!(v4(5, 1, &request), None, "a redirect");
        assert_eq!(v4(3, 1, &[0; 8]), None, "somebody's reply got lost");
    }

    proptest! {
        #[test]
        fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..80), header: bool) {
            for family in [Family::V4, Family::V6] {
                read(family, header, &bytes);
            }
        }
    }
}
