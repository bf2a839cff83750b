//! What is inside of a frame: an IP packet, taken apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of the header of IPv6.
pub(super) const V6: usize = 40;

/// An IP packet. Its body may be shorter than the header says: errors quote only the begin of a packet.
pub(in crate::doctor) struct Ip<'a> {
    pub(in crate::doctor) from: IpAddr,
    pub(in crate::doctor) to: IpAddr,
    /// TTL or hop limit.
    pub(in crate::doctor) hops: u8,
    pub(in crate::doctor) protocol: u8,
    /// What is behind the header, without the padding of short frames.
    pub(in crate::doctor) body: &'a [u8],
}

impl<'a> Ip<'a> {
    /// Takes a packet apart; `None` if it ends before its header does.
    pub(in crate::doctor) fn read(bytes: &'a [u8]) -> Option<Self> {
        let byte = |at: usize| bytes.get(at).copied();
        let length = |at: usize| Some(usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?)));
        let body = |start: usize, end: usize| bytes.get(..end).unwrap_or(bytes).get(start..);
        if byte(0)? >> 4 == 6 {
            let address = |at: usize| Some(Ipv6Addr::from(*bytes.get(at..)?.first_chunk::<16>()?).into());
            return Some(Self {
                from: address(8)?,
                to: address(24)?,
                hops: byte(7)?,
                protocol: byte(6)?,
                body: body(V6, V6 + length(4)?)?,
            });
        }
        let address = |at: usize| Some(Ipv4Addr::from(*bytes.get(at..)?.first_chunk::<4>()?).into());
        Some(Self {
            from: address(12)?,
            to: address(16)?,
            hops: byte(8)?,
            protocol: byte(9)?,
            body: body(usize::from(byte(0)? & 0x0f) * 4, length(2)?)?,
        })
    }
}
