//! The authentication header of version 2 (RFC 2338 section 5.3.6, RFC 2402): HMAC-MD5-96 over the whole packet, and a sequence
//! number that all routers of an instance share.

use std::net::Ipv4Addr;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

use super::{Reject, VRRP};

/// Bytes of the header.
pub(super) const LEN: usize = 24;

/// Bytes before the code.
const BEFORE_CODE: usize = 12;

/// Length of the header in 32-bit words without the first two.
const WORDS: u8 = 4;

/// The last number that is used. Peers would take none after it, so a master that got so far is as good as silent until the
/// number starts again; at one advert a second that takes 136 years.
const LAST: u32 = 0xffff_fffd;

/// Key and sequence number of an instance.
#[derive(Clone)]
pub(super) struct Ah {
    /// Has taken in the key.
    keyed: Hmac<Md5>,
    /// The highest number sent or heard. One counter for both, so that a new master goes on where the old one stopped.
    highest: u32,
    /// What the advert in the making has.
    sending: u32,
}

impl Ah {
    /// Takes a password, of which 8 bytes count.
    pub(super) fn new(password: [u8; 8]) -> Self {
        Self { keyed: Hmac::new_from_slice(&password).expect("HMAC takes keys of any length"), highest: 0, sending: 0 }
    }

    pub(super) fn begin(&mut self) {
        self.highest = self.highest.saturating_add(1).min(LAST);
        self.sending = self.highest;
    }

    pub(super) fn highest(&self) -> u32 {
        self.highest
    }

    /// Uses only numbers after this one.
    pub(super) fn resync(&mut self, number: u32) {
        self.highest = self.highest.max(number);
    }

    /// Starts the numbers again if they have come to their end.
    pub(super) fn became_master(&mut self) {
        if self.highest >= LAST {
            self.highest = 0;
        }
    }

    /// Returns the header for a packet; its code is zero.
    pub(super) fn header(&self, source: Ipv4Addr) -> [u8; LEN] {
        let mut header = [0; LEN];
        let [next, words, _, _, index @ ..] = &mut header;
        (*next, *words) = (VRRP, WORDS);
        let (index, rest) = index.split_at_mut(4);
        index.copy_from_slice(&source.octets());
        rest[..4].copy_from_slice(&self.sending.to_be_bytes());
        header
    }

    /// Returns the code for a packet.
    pub(super) fn code(&self, ip: &[u8], header: &[u8; LEN], vrrp: &[u8], unicast: bool) -> [u8; 12] {
        let mut code = [0; 12];
        for (code, byte) in code.iter_mut().zip(self.mac(ip, header, vrrp, unicast).finalize().into_bytes()) {
            *code = byte;
        }
        code
    }

    /// Checks the header of a packet, and remembers its number.
    pub(super) fn check(
        &mut self,
        ip: &[u8],
        header: &[u8; LEN],
        vrrp: &[u8],
        source: Ipv4Addr,
        unicast: bool,
    ) -> Result<(), Reject> {
        let (fields, code) = header.split_at(BEFORE_CODE);
        let [next, words, _, _, s0, s1, s2, s3, n0, n1, n2, n3] = *fields else { return Err(Reject::AhHeader) };
        if (next, words, [s0, s1, s2, s3]) != (VRRP, WORDS, source.octets()) {
            return Err(Reject::AhHeader);
        }
        // The comparison takes the same time whatever the bytes are.
        self.mac(ip, header, vrrp, unicast).verify_truncated_left(code).map_err(|_| Reject::AhCode)?;
        // After the code: only a peer with the key can move the counter.
        let number = u32::from_be_bytes([n0, n1, n2, n3]);
        if number <= self.highest {
            return Err(Reject::Replay);
        }
        self.highest = number;
        Ok(())
    }

    /// Returns the code's computation: everything that does not change on the way (RFC 2402 section 3.3.3.1). keepalived
    /// counts the TTL among that if the packet is multicast and cannot pass a router.
    fn mac(&self, ip: &[u8], header: &[u8; LEN], vrrp: &[u8], unicast: bool) -> Hmac<Md5> {
        let mut mac = self.keyed.clone();
        let mut ip = ip.iter().copied().enumerate().map(|(at, byte)| match at {
            // Type of service; flags and offset; header checksum.
            1 | 6 | 7 | 10 | 11 => 0,
            // TTL.
            8 if unicast => 0,
            _ => byte,
        });
        // An IPv4 header has at most 60 bytes.
        let mut fixed = [0; 60];
        let len = fixed.iter_mut().zip(&mut ip).map(|(to, byte)| *to = byte).count();
        mac.update(fixed.get(..len).unwrap_or_default());
        let (fields, code) = header.split_at(BEFORE_CODE);
        mac.update(fields);
        mac.update(&[0; 12][..code.len()]);
        mac.update(vrrp);
        mac
    }
}
