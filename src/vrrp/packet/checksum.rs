//! The Internet checksum (RFC 1071), and the pseudo-headers that it may cover.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A checksum in the making. Parts are added in order; each but the last has an even number of bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Checksum(u64);

impl Checksum {
    /// Adds bytes, taken as 16-bit words; an odd last byte counts as the upper half of a word.
    pub(crate) fn add(self, bytes: &[u8]) -> Self {
        let (words, odd) = bytes.as_chunks::<2>();
        let words: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
        let odd: u64 = odd.iter().map(|byte| u64::from(*byte) << 8).sum();
        Self(self.0 + words + odd)
    }

    /// Adds the pseudo-header of IPv4: addresses, protocol and length.
    pub(crate) fn add_pseudo_v4(self, source: Ipv4Addr, to: Ipv4Addr, protocol: u8, length: usize) -> Self {
        let rest = Self(u64::from(protocol) + length as u64);
        self.add(&source.octets()).add(&to.octets()).plus(rest)
    }

    /// Adds the pseudo-header of IPv6 (RFC 8200 section 8.1).
    pub(crate) fn add_pseudo_v6(self, source: Ipv6Addr, to: Ipv6Addr, next_header: u8, length: usize) -> Self {
        let rest = Self(u64::from(next_header) + length as u64);
        self.add(&source.octets()).add(&to.octets()).plus(rest)
    }

    /// Returns the checksum as it stands in a packet whose checksum field was zero; zero for a packet that has its right
    /// checksum in it.
    pub(crate) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        // At most 16 bits are left.
        !(sum as u16)
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Checksum::default().add(&bytes).finish(), !0xddf2);
        assert_eq!(Checksum::default().add(&bytes).add(&(!0xddf2_u16).to_be_bytes()).finish(), 0);
    }

    #[test]
    fn an_odd_byte_is_the_upper_half_of_a_word() {
        assert_eq!(Checksum::default().add(&[1, 2, 3]).finish(), Checksum::default().add(&[1, 2, 3, 0]).finish());
    }
}
