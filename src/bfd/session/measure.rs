//! What is counted and measured of a session. No IO.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{bfd::packet::Reject, model::Moment};

/// What happened to packets since the session began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Packets sent.
    pub sent: u64,
    /// Packets taken.
    pub received: u64,
    /// Times that nothing was heard for the detection time.
    pub expired: u64,
    /// How late our latest packet left, in microseconds.
    pub worst_late_us: u64,
    /// Packets that were not taken.
    pub rejected: Rejected,
}

/// Packets that were not taken, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rejected {
    /// Wrong length.
    pub length: u64,
    /// Another version.
    pub version: u64,
    /// Bits that must not be set, a multiplier of 0.
    pub bits: u64,
    /// No discriminator, or nobody's.
    pub discriminator: u64,
    /// Nobody's neighbour.
    pub neighbour: u64,
    /// The TTL is too low.
    pub ttl: u64,
    /// Authenticated in another way.
    pub authentication_mismatch: u64,
    /// Wrong password or digest.
    pub authentication_failure: u64,
    /// A sequence number that is not to be expected.
    pub replay: u64,
}

impl Rejected {
    /// Counts a packet.
    pub fn count(&mut self, reason: Reject) {
        let counter = match reason {
            Reject::Length => &mut self.length,
            Reject::Version => &mut self.version,
            Reject::Bits | Reject::Multiplier => &mut self.bits,
            Reject::NoDiscriminator | Reject::Discriminator => &mut self.discriminator,
            Reject::Neighbour => &mut self.neighbour,
            Reject::Ttl => &mut self.ttl,
            Reject::AuthenticationMismatch => &mut self.authentication_mismatch,
            Reject::AuthenticationFailure => &mut self.authentication_failure,
            Reject::Replay => &mut self.replay,
        };
        *counter += 1;
    }

    /// Returns all reasons in words, with how many packets there were of each.
    pub fn in_words(&self) -> [(u64, &'static str); 9] {
        [
            (self.length, "wrong length"),
            (self.version, "other version"),
            (self.bits, "wrong bits"),
            (self.discriminator, "wrong discriminator"),
            (self.neighbour, "not of a neighbour"),
            (self.ttl, "TTL too low"),
            (self.authentication_mismatch, "other authentication"),
            (self.authentication_failure, "wrong secret"),
            (self.replay, "repeated"),
        ]
    }
}

impl Counters {
    pub(super) fn reject(&mut self, reason: Reject) {
        self.rejected.count(reason);
    }

    pub(super) fn late(&mut self, late: Duration) {
        self.worst_late_us = self.worst_late_us.max(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
    }
}

/// How regularly the neighbour's packets come while both are up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    last: Option<(Moment, Duration)>,
    gap: Option<Duration>,
    /// Mean difference between one gap and the next, as RFC 3550 section 6.4.1 has it; a gap in which packets got lost counts
    /// as what each of them would have had.
    pub jitter: Duration,
    /// The longest time between two packets.
    pub longest: Duration,
    /// About how many packets got lost: packets have no numbers, so it is reckoned from gaps.
    pub lost: u64,
}

impl Measure {
    /// Takes in a packet; `interval` is the longest time there should be between two.
    pub(super) fn packet(&mut self, now: Moment, interval: Duration) {
        let last = self.last.replace((now, interval));
        // Another interval says nothing about the last gap.
        let Some((last, _)) = last.filter(|(_, before)| *before == interval) else {
            self.gap = None;
            return;
        };
        let gap = now.since(last);
        self.longest = self.longest.max(gap);
        let sent = self.sent_in(gap, interval);
        self.lost += u64::from(sent - 1);
        let gap = gap / sent;
        if let Some(before) = self.gap.replace(gap) {
            self.jitter = (self.jitter * 15 + gap.abs_diff(before)) / 16;
        }
    }

    /// Reckons how many packets were sent from one that came to the next, that one counted. Machines and networks that are
    /// never in time lose nothing by that.
    fn sent_in(&self, gap: Duration, interval: Duration) -> u32 {
        if gap <= interval * 6 / 5 + self.jitter * 2 {
            return 1;
        }
        // Senders shorten intervals by up to a quarter, at random.
        let usual = (interval * 7 / 8).as_nanos().max(1);
        u32::try_from((gap.as_nanos() + usual / 2) / usual).unwrap_or(u32::MAX).max(1)
    }

    /// The next gap means nothing.
    pub(super) fn pause(&mut self) {
        (self.last, self.gap) = (None, None);
    }
}
