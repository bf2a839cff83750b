//! Why an advert is not taken: text for people, and the counter that it belongs to.

use std::{net::IpAddr, time::Duration};

use thiserror::Error;

use crate::vrrp::status::Rejected;

/// Why an advert was rejected. The text says what is wrong and, where it is a matter of settings, what to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Reject {
    /// The bytes are no VRRP packet, or their number is not what their header says.
    #[error("the packet has {got} bytes after the IP header, and its contents need {expected}")]
    Length {
        /// Bytes there are, without the IP header and the authentication header.
        got: usize,
        /// Bytes there should be; 8 if there is not even a header.
        expected: usize,
    },
    /// A multicast advert may have crossed a router: its TTL or hop limit is not 255 (RFC 9568 section 5.1.1.3).
    #[error("{}, not 255: the advert does not come from this link, or something on the way changes it", hops_in_words(.0))]
    Hops(Option<u8>),
    /// TTL or hop limit of a peer's advert outside the limits that are set for it.
    #[error("{}, and the limits for peer {peer} are {least} to {most}", hops_in_words(.hops))]
    PeerHops {
        /// TTL or hop limit; `None` = the kernel did not say.
        hops: Option<u8>,
        /// The peer.
        peer: IpAddr,
        /// Least that it may have.
        least: u8,
        /// Most that it may have.
        most: u8,
    },
    /// Another version of the protocol.
    #[error("the advert is of version {theirs}, and this instance speaks version {ours}: give all routers the same")]
    Version {
        /// Its version, 0 to 15.
        theirs: u8,
        /// Ours, 2 or 3.
        ours: u8,
    },
    /// VRRP, but no advert.
    #[error("the packet is of type {0}, and there is no other type than 1, advert")]
    Kind(u8),
    /// The checksum is wrong.
    #[error("the checksum is wrong: the packet was damaged, or its sender computes it in another way")]
    Checksum,
    /// The checksum would be right without pseudo-header.
    #[error(
        "the checksum covers no pseudo-header (so say RFC 9568, Cisco and Juniper), and this instance expects one: \
         let it leave the pseudo-header out, too (v3_checksum_as_v2)"
    )]
    NoPseudoHeader,
    /// An authentication type that does not exist.
    #[error("the advert has authentication type {0}, which does not exist")]
    AuthType(u8),
    /// Another authentication type than ours.
    #[error("the advert has {theirs}, and this instance has {ours}: give all routers the same")]
    AuthMismatch {
        /// Theirs in words.
        theirs: &'static str,
        /// Ours in words.
        ours: &'static str,
    },
    /// The password is not ours.
    #[error("the password is another one than ours")]
    Password,
    /// The code of the authentication header is not what our key gives.
    #[error("the authentication header is not made with our key, or the packet was changed on the way")]
    AhCode,
    /// The authentication header is not as RFC 2402 and RFC 2338 say, or its index is not the sender's address.
    #[error("the authentication header is malformed")]
    AhHeader,
    /// The HMAC is not what the key gives.
    #[error("the HMAC is not made with our key number {0}, or the packet was changed on the way")]
    Hmac(u8),
    /// A sequence number that was there before.
    #[error("the sequence number does not grow: a repeated packet, or two routers with one address")]
    Replay,
    /// The time in the trailer is too far from ours.
    #[error("the time in the trailer is {} from ours, and at most {} are allowed: set the clocks", in_seconds(.off), in_seconds(.allowed))]
    Window {
        /// How far.
        off: Duration,
        /// How far it may be.
        allowed: Duration,
    },
    /// A key number that we do not have.
    #[error("the HMAC trailer names key {0}, which this instance does not have")]
    Key(u8),
    /// Neither a trailer nor leave to go without.
    #[error("the advert has no HMAC trailer, and this instance enforces one")]
    NoTrailer,
    /// Another interval than ours (version 2), or none at all (version 3).
    #[error("the advert interval is {}, and ours is {}: give all routers the same", in_seconds(.theirs), in_seconds(.ours))]
    Interval {
        /// Theirs.
        theirs: Duration,
        /// Ours.
        ours: Duration,
    },
    /// Multicast to an instance that speaks unicast.
    #[error("the advert was sent to a multicast group, and this instance has unicast peers")]
    Multicast,
    /// Unicast to an instance that speaks multicast.
    #[error("the advert was sent to our address, and this instance speaks multicast")]
    Unicast,
    /// Sent by somebody else than our peers.
    #[error("{0} is not one of the unicast peers")]
    Source(IpAddr),
    /// We are the owner and ignore adverts.
    #[error("this router owns the addresses and is set to ignore adverts of others")]
    Owner,
}

impl Reject {
    /// Adds one to the counter of this reason.
    pub fn count(&self, counters: &mut Rejected) {
        let counter = match self {
            Self::Length { .. } => &mut counters.length,
            Self::Hops(_) | Self::PeerHops { .. } => &mut counters.hops,
            Self::Version { .. } => &mut counters.version,
            Self::Kind(_) => &mut counters.kind,
            Self::Checksum | Self::NoPseudoHeader => &mut counters.checksum,
            Self::AuthType(_) => &mut counters.auth_type,
            Self::AuthMismatch { .. } => &mut counters.auth_mismatch,
            Self::Password | Self::AhCode | Self::AhHeader | Self::Hmac(_) => &mut counters.auth_failure,
            Self::Replay => &mut counters.replay,
            Self::Window { .. } => &mut counters.window,
            Self::Key(_) => &mut counters.key,
            Self::NoTrailer => &mut counters.no_trailer,
            Self::Interval { .. } => &mut counters.interval,
            Self::Multicast | Self::Unicast => &mut counters.destination,
            Self::Source(_) => &mut counters.source,
            Self::Owner => &mut counters.owner,
        };
        *counter += 1;
    }
}

fn hops_in_words(hops: &Option<u8>) -> String {
    match hops {
        Some(hops) => format!("TTL or hop limit is {hops}"),
        None => "TTL or hop limit is unknown".to_owned(),
    }
}

fn in_seconds(duration: &Duration) -> String {
    // Rounded down to what a person can use.
    format!("{} s", duration.as_millis() as f64 / 1000.0)
}
