//! keepalived's HMAC trailer (`auth_hmac`): 28 bytes behind a VRRP packet of any version, with a key's number, a sequence
//! number that is a time, and HMAC-SHA-256-128.
//!
//! ```text
//! type 1 | key | reserved 0 | seconds, UTC: 32 bits | 1/65536 s: 16 bits | counter: 16 bits | code: 16 bytes
//! ```

use std::{net::IpAddr, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Reject;
use crate::vrrp::settings::{self, AntiReplay, HmacMode};

/// Bytes of the trailer.
pub(super) const LEN: usize = 28;

/// Bytes before the code.
const BEFORE_CODE: usize = 12;

/// The only type there is.
const TYPE: u8 = 1;

/// How many senders are told apart on a multicast link, and beside the peers of a unicast instance.
const SENDERS: usize = 4;

/// Keys and sequence numbers of an instance.
pub(super) struct Trailer {
    /// By number; each has taken in its key.
    keys: Vec<(u8, Hmac<Sha256>)>,
    active: u8,
    mode: HmacMode,
    replay: AntiReplay,
    senders: usize,
    /// Our last number.
    last: u64,
    /// The highest number of each sender, the one heard last at the end; at most `senders`.
    heard: Vec<(IpAddr, u64)>,
}

impl Trailer {
    /// Takes settings, and the number of unicast peers, each of which has a sequence of its own.
    pub(super) fn new(settings: &settings::Hmac, peers: usize) -> Self {
        let keyed = |(number, secret): &(u8, settings::Secret)| {
            (*number, Hmac::new_from_slice(secret.bytes()).expect("HMAC takes keys of any length"))
        };
        Self {
            keys: settings.keys.iter().map(keyed).collect(),
            active: settings.active,
            mode: settings.mode,
            replay: settings.replay,
            senders: peers + SENDERS,
            last: 0,
            heard: Vec::new(),
        }
    }

    /// Goes on with the sequence numbers of `before`.
    pub(super) fn go_on_from(&mut self, before: &Self) {
        self.last = before.last;
        self.heard.clone_from(&before.heard);
    }

    pub(super) fn begin(&mut self, utc: Duration) {
        let clock = number_at(utc);
        // A clock that was set back must not stop us: peers take growing numbers only.
        let next = self.last.wrapping_add(1);
        self.last = if self.last == 0 || grows(self.last, clock) { clock } else { next };
    }

    /// Whether adverts without a trailer are taken.
    pub(super) fn optional(&self) -> bool {
        self.mode != HmacMode::Enforce
    }

    /// Appends the trailer to `packet`, whose VRRP part is `vrrp`; nothing if ours have none.
    pub(super) fn append(&self, packet: &mut Vec<u8>, vrrp_at: usize, source: IpAddr) {
        if self.mode == HmacMode::ReceiveOnly {
            return;
        }
        let Some((number, keyed)) = self.keys.iter().find(|(number, _)| *number == self.active) else { return };
        let mut fields = [0; BEFORE_CODE];
        fields[0] = TYPE;
        fields[1] = *number;
        fields[4..].copy_from_slice(&self.last.to_be_bytes());
        let code = mac(keyed, source, packet.get(vrrp_at..).unwrap_or_default(), &fields).finalize().into_bytes();
        packet.extend_from_slice(&fields);
        packet.extend(code.iter().take(LEN - BEFORE_CODE));
    }

    /// Checks a trailer behind `vrrp`, and remembers its number. The order is keepalived's: time, key, code, growth.
    pub(super) fn check(
        &mut self,
        vrrp: &[u8],
        trailer: &[u8; LEN],
        source: IpAddr,
        utc: Duration,
    ) -> Result<(), Reject> {
        let (fields, code) = trailer.split_at(BEFORE_CODE);
        let [TYPE, key, _, _, number @ ..] = fields else { return Err(Reject::NoTrailer) };
        let (key, number) = (*key, number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        if let AntiReplay::Window(allowed) = self.replay {
            let off = distance(number, number_at(utc));
            if off > allowed {
                return Err(Reject::Window { off, allowed });
            }
        }
        let (_, keyed) = self.keys.iter().find(|(number, _)| *number == key).ok_or(Reject::Key(key))?;
        // The comparison takes the same time whatever the bytes are.
        mac(keyed, source, vrrp, fields).verify_truncated_left(code).map_err(|_| Reject::Hmac(key))?;
        self.remember(source, number)
    }

    /// After the code: only somebody with the key can move a counter or push a sender out.
    fn remember(&mut self, source: IpAddr, number: u64) -> Result<(), Reject> {
        if let Some(at) = self.heard.iter().position(|(sender, _)| *sender == source) {
            if self.heard.get(at).is_some_and(|(_, highest)| !grows(*highest, number)) {
                return Err(Reject::Replay);
            }
            self.heard.remove(at);
        } else if self.heard.len() >= self.senders {
            self.heard.remove(0);
        }
        self.heard.push((source, number));
        Ok(())
    }
}

/// Returns the sequence number of a time since 1970: 32 bits of seconds, 16 of their fraction, a counter of 0.
fn number_at(utc: Duration) -> u64 {
    let fraction = (u64::from(utc.subsec_nanos()) << 16) / 1_000_000_000;
    // Seconds lose their upper bits, in 2106 for the first time: numbers are compared modulo 2^64.
    utc.as_secs() << 32 | fraction << 16
}

/// Whether `to` comes after `from`: serial number arithmetic (RFC 1982) of 64 bits.
fn grows(from: u64, to: u64) -> bool {
    to.wrapping_sub(from).cast_signed() > 0
}

/// Returns the time between two numbers.
fn distance(a: u64, b: u64) -> Duration {
    let ticks = a.wrapping_sub(b).cast_signed().unsigned_abs();
    Duration::new(ticks >> 32, (((ticks & 0xffff_ffff) * 1_000_000_000) >> 32) as u32)
}

/// Returns the code's computation: a pseudo-header of 20 bytes, the VRRP packet with a checksum of zero, the trailer with a
/// code of zero.
fn mac(keyed: &Hmac<Sha256>, source: IpAddr, vrrp: &[u8], fields: &[u8]) -> Hmac<Sha256> {
    let mut mac = keyed.clone();
    let (first, vrid) = (vrrp.first().copied().unwrap_or(0), vrrp.get(1).copied().unwrap_or(0));
    let mut pseudo = [0; 20];
    pseudo[1] = first >> 4;
    pseudo[2] = vrid;
    match source {
        IpAddr::V4(source) => {
            pseudo[0] = 4;
            pseudo[4..8].copy_from_slice(&source.octets());
        }
        IpAddr::V6(source) => {
            pseudo[0] = 6;
            pseudo[4..].copy_from_slice(&source.octets());
        }
    }
    mac.update(&pseudo);
    mac.update(vrrp.get(..6).unwrap_or_default());
    mac.update(&[0; 2]);
    mac.update(vrrp.get(8..).unwrap_or_default());
    mac.update(fields);
    mac.update(&[0; LEN - BEFORE_CODE]);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_modulo_their_size() {
        assert!(grows(1, 2) && !grows(2, 2) && !grows(2, 1));
        assert!(grows(u64::MAX, 0) && !grows(0, u64::MAX));
        assert!(grows(u64::MAX - 5, 1 << 62));
    }

    #[test]
    fn a_number_is_a_time() {
        assert_eq!(number_at(Duration::from_millis(1_500)), 0x0000_0001_8000_0000);
        let end = Duration::from_secs(u64::from(u32::MAX));
        assert_eq!(distance(number_at(end), number_at(end + Duration::from_secs(2))), Duration::from_secs(2));
        assert_eq!(distance(number_at(end), number_at(end - Duration::from_millis(500))), Duration::from_millis(500));
    }
}
