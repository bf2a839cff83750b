//! Echo requests and replies of ICMP (RFC 792) and ICMPv6 (RFC 4443, section 4) as bytes.

use socket2::SockFilter;

use crate::model::Family;

/// Length of type, code, checksum, identifier and sequence number.
const HEAD: usize = 8;

/// What follows in a request: as many bytes as keepalived sends.
const PAYLOAD: [u8; 128] = [0; 128];

fn types(family: Family) -> (u8, u8) {
    match family {
        Family::V4 => (8, 0),
        Family::V6 => (128, 129),
    }
}

/// Returns an echo request. The kernel fills the checksum of ICMPv6 in, and that of ICMP on sockets that are not raw.
pub(super) fn request(family: Family, id: u16, sequence: u16) -> Vec<u8> {
    let (kind, _) = types(family);
    let mut bytes = vec![kind, 0, 0, 0];
    bytes.extend(id.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(PAYLOAD);
    if family == Family::V4 {
        let sum = checksum(&bytes).to_be_bytes();
        bytes.iter_mut().skip(2).zip(sum).for_each(|(byte, sum)| *byte = sum);
    }
    bytes
}

/// Returns identifier and sequence number of an echo reply, `None` if the bytes are anything else. A raw IPv4 socket gives
/// the IP header, too.
pub(super) fn reply(family: Family, with_ip_header: bool, bytes: &[u8]) -> Option<(u16, u16)> {
    let bytes = if with_ip_header { bytes.get(usize::from(bytes.first()? & 0xf) * 4..)? } else { bytes };
    let [kind, code, _, _, id0, id1, sequence0, sequence1] = *bytes.first_chunk::<HEAD>()?;
    let matches = kind == types(family).1 && code == 0;
    matches.then(|| (u16::from_be_bytes([id0, id1]), u16::from_be_bytes([sequence0, sequence1])))
}

/// Returns the program that has the kernel drop everything but echo replies with our identifier: a raw socket would get a
/// copy of every ICMP message of the host.
pub(super) fn filter(family: Family, id: u16) -> Vec<SockFilter> {
    let (_, kind) = types(family);
    // IPv4 packets come with their header; X is its length. Offsets are counted from there.
    let (prelude, byte, half) = match family {
        Family::V4 => (Some(SockFilter::new(0xb1, 0, 0, 0)), 0x50, 0x48),
        Family::V6 => (None, 0x30, 0x28),
    };
    let program = [
        SockFilter::new(byte, 0, 0, 0),
        SockFilter::new(0x15, 0, 3, u32::from(kind)),
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

    #[test]
    fn replies_are_told_from_all_else() {
        let mut message = request(Family::V4, 0x1234, 5);
        assert_eq!(reply(Family::V4, false, &message), None, "a request");
        message[0] = 0;
        assert_eq!(reply(Family::V4, false, &message), Some((0x1234, 5)));
        let packet = [&[0x46][..], &[0; 23], &message].concat();
        assert_eq!(reply(Family::V4, true, &packet), Some((0x1234, 5)), "with IP options");
        message[1] = 1;
        assert_eq!(reply(Family::V4, false, &message), None, "no such code");
        let mut message = request(Family::V6, 0x1234, 5);
        message[0] = 129;
        assert_eq!(reply(Family::V6, false, &message), Some((0x1234, 5)));
        assert_eq!(reply(Family::V6, false, &message[..7]), None, "short");
    }

    proptest! {
        #[test]
        fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..80), header: bool) {
            for family in [Family::V4, Family::V6] {
                reply(family, header, &bytes);
            }
        }
    }
}
