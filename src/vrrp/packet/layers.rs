//! What a received packet consists of: a checked view.

use std::net::IpAddr;

use super::{AH, ah};
use crate::vrrp::event::Received;

/// The parts of a packet. Their lengths fit together; nothing else has been checked.
pub(super) struct Layers<'a> {
    /// The IPv4 header with its options; nothing for IPv6.
    pub(super) ip: &'a [u8],
    /// The authentication header.
    pub(super) ah: Option<&'a [u8; ah::LEN]>,
    /// What follows.
    pub(super) vrrp: &'a [u8],
}

impl<'a> Layers<'a> {
    /// Returns the parts of `received`; `None` if there is no VRRP header in it, or if its length is not what its IP header says.
    pub(super) fn of(received: &Received<'a>) -> Option<Self> {
        let (ip, rest, protocol) = match received.source {
            IpAddr::V4(_) => ipv4(received.bytes)?,
            IpAddr::V6(_) => (&[][..], received.bytes, super::VRRP),
        };
        let (ah, vrrp) = if protocol == AH {
            let (ah, vrrp) = rest.split_first_chunk()?;
            (Some(ah), vrrp)
        } else {
            (None, rest)
        };
        (vrrp.len() >= super::HEADER).then_some(Self { ip, ah, vrrp })
    }
}

/// The least that Ethernet carries: shorter packets are followed by padding.
const ETHERNET_LEAST: usize = 46;

/// Returns header, contents and protocol of an IPv4 packet.
fn ipv4(bytes: &[u8]) -> Option<(&[u8], &[u8], u8)> {
    let first = *bytes.first()?;
    let header_len = usize::from(first & 0x0f) * 4;
    let len = usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]));
    let padding = bytes.len().checked_sub(len)?;
    if first >> 4 != 4 || header_len < super::IPV4_HEADER || (padding > 0 && bytes.len() > ETHERNET_LEAST) {
        return None;
    }
    let (header, rest) = bytes.get(..len)?.split_at_checked(header_len)?;
    Some((header, rest, *header.get(9)?))
}
