//! VRRP packets: bytes from and to values, with all checks of what comes in (RFC 3768 sections 5 and 7.1, RFC 9568 sections
//! 5 and 7.1, and keepalived's habits where they differ). Knows nothing of states: what an advert means is the instance's
//! business.
//!
//! ```text
//! byte   version 2                              version 3
//! 0      0x21: version, type                    0x31
//! 1      VRID                                   same
//! 2      priority                               same
//! 3      number of addresses                    same
//! 4–5    authentication type, interval in s     interval in 1/100 s, 12 bits
//! 6–7    checksum                               same
//! 8…     addresses                              same
//! end    8 bytes of authentication (IPv4)       nothing
//! ```

mod ah;
pub(crate) mod checksum;
mod layers;
mod reject;
#[cfg(test)]
mod tests;
mod trailer;

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

pub use self::reject::Reject;
use self::{ah::Ah, checksum::Checksum, layers::Layers, trailer::Trailer};
use super::{
    event::Received,
    settings::{Authentication, Instance, Peer, Transport, Version},
};
use crate::model::Family;

/// The IP protocol of adverts.
pub const VRRP: u8 = 112;

/// The IP protocol of adverts with an authentication header.
pub const AH: u8 = 51;

/// TTL and hop limit of multicast adverts; a router on the way would make it less.
const HOPS: u8 = 255;

/// Type of service: internetwork control.
const TOS: u8 = 0xc0;

/// Bytes of an IPv4 header without options.
const IPV4_HEADER: usize = 20;

/// Bytes of a VRRP header.
const HEADER: usize = 8;

/// Bytes of authentication data in version 2 over IPv4.
const AUTH_DATA: usize = 8;

/// The only type of VRRP packets.
const ADVERT: u8 = 1;

/// How version 3 counts intervals.
const CENTISECOND: Duration = Duration::from_millis(10);

/// The largest interval of version 3, in hundredths of a second.
const LONGEST: u16 = 0x0fff;

/// What keepalived up to 1.3.6 took for the destination in the pseudo-header of unicast adverts.
const OLD_DESTINATION: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// Returns the VRID of a packet, with which its instance is found; `None` if it is no VRRP packet at all.
pub fn peek(received: &Received<'_>) -> Option<u8> {
    Layers::of(received)?.vrrp.get(1).copied()
}

/// What an accepted advert says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The sender's priority; 0 = it gives up.
    pub priority: u8,
    /// The sender's advert interval; never zero.
    pub interval: Duration,
    /// Whether its addresses are others than ours.
    pub addresses_differ: bool,
}

/// What of an instance's state bears on whether an advert is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Whether the instance owns its addresses (priority 255).
    pub is_owner: bool,
    /// The master heard last, whose addresses need not be compared again if the settings say so.
    pub master: Option<IpAddr>,
}

/// Framing and authentication of one instance's adverts.
pub struct Wire {
    version: Version,
    family: Family,
    interval: Duration,
    /// What every advert has in common: the VRRP packet with priority and checksum zero.
    template: Vec<u8>,
    /// How many bytes of it are addresses.
    addresses: usize,
    authentication: Auth,
    pseudo_header: bool,
    /// TTL of what is sent; over IPv6 the socket's business.
    ttl: u8,
    /// The peers of unicast; `None` = multicast.
    peers: Option<Vec<Peer>>,
    check_source: bool,
    owner_ignores_adverts: bool,
    skip_address_check: bool,
    /// Number of the IPv4 packet, never 0: the kernel would replace that.
    id: u16,
    /// Peers that expect the old unicast checksum.
    old_peers: Vec<IpAddr>,
}

enum Auth {
    None,
    Pass([u8; AUTH_DATA]),
    Ah(Ah),
    Trailer(Trailer),
}

impl Auth {
    /// The authentication type in a version 2 header.
    fn number(&self) -> u8 {
        match self {
            Self::None | Self::Trailer(_) => 0,
            Self::Pass(_) => 1,
            Self::Ah(_) => 2,
        }
    }

    fn in_words(number: u8) -> &'static str {
        match number {
            0 => "no authentication",
            1 => "a password (PASS)",
            _ => "an authentication header (AH)",
        }
    }
}

impl Wire {
    /// Returns the framing for an instance, as checked settings. Password and authentication header exist in version 2 over
    /// IPv4 only, and are ignored elsewhere.
    pub fn new(instance: &Instance) -> Self {
        let classic = instance.version == Version::V2 && instance.family == Family::V4;
        let (peers, ttl, check_source) = match &instance.transport {
            Transport::Multicast { .. } => (None, None, false),
            Transport::Unicast { peers, ttl, check_source, .. } => {
                (Some(peers.clone()), *ttl, *check_source || peers.iter().any(|peer| peer.ttl.is_some()))
            }
        };
        let authentication = match &instance.authentication {
            Authentication::Pass(secret) if classic => Auth::Pass(padded(secret.bytes())),
            Authentication::Ah(secret) if classic => Auth::Ah(Ah::new(padded(secret.bytes()))),
            Authentication::Hmac(hmac) => Auth::Trailer(Trailer::new(hmac, peers.as_ref().map_or(0, Vec::len))),
            Authentication::None | Authentication::Pass(_) | Authentication::Ah(_) => Auth::None,
        };
        let template = template(instance, &authentication);
        let tail = if classic { AUTH_DATA } else { 0 };
        Self {
            version: instance.version,
            family: instance.family,
            interval: instance.interval,
            addresses: template.len() - HEADER - tail,
            template,
            authentication,
            pseudo_header: instance.pseudo_header,
            ttl: ttl.unwrap_or(HOPS),
            peers,
            check_source,
            owner_ignores_adverts: instance.owner_ignores_adverts,
            skip_address_check: instance.skip_address_check,
            id: 0,
            old_peers: Vec::new(),
        }
    }

    /// Takes other settings for the same instance; packet and sequence numbers go on.
    pub fn reconfigure(&mut self, instance: &Instance) {
        let mut new = Self::new(instance);
        new.id = self.id;
        match (&mut new.authentication, &self.authentication) {
            (Auth::Ah(new), Auth::Ah(old)) => new.resync(old.highest()),
            (Auth::Trailer(new), Auth::Trailer(old)) => new.go_on_from(old),
            _ => {}
        }
        let peers = new.peers.as_deref().unwrap_or_default();
        new.old_peers = self.old_peers.iter().copied().filter(|old| peers.iter().any(|p| p.address == *old)).collect();
        *self = new;
    }

    /// Begins the next advert: the next packet number and the next sequence number, which all its unicast copies share.
    /// `utc` is the time since 1970.
    pub fn begin(&mut self, utc: Duration) {
        self.id = self.id.checked_add(1).unwrap_or(1);
        match &mut self.authentication {
            Auth::Ah(ah) => ah.begin(),
            Auth::Trailer(trailer) => trailer.begin(utc),
            Auth::None | Auth::Pass(_) => {}
        }
    }

    /// Returns the advert that was begun, for one destination. IPv4: the whole packet with its IP header, whose checksum the
    /// kernel fills in. IPv6: what follows the headers; the kernel fills in the VRRP checksum.
    pub fn encode(&self, priority: u8, source: IpAddr, to: IpAddr) -> Vec<u8> {
        let mut packet = Vec::with_capacity(IPV4_HEADER + ah::LEN + self.template.len() + trailer::LEN);
        let IpAddr::V4(source_v4) = source else {
            self.append_advert(&mut packet, priority, source, to);
            return packet;
        };
        let protocol = if matches!(self.authentication, Auth::Ah(_)) { AH } else { VRRP };
        packet.extend_from_slice(&[0x45, TOS, 0, 0]);
        packet.extend_from_slice(&self.id.to_be_bytes());
        packet.extend_from_slice(&[0, 0, self.ttl, protocol, 0, 0]);
        packet.extend_from_slice(&source_v4.octets());
        packet.extend_from_slice(&v4(to).octets());
        let header = if let Auth::Ah(ah) = &self.authentication { Some(ah.header(source_v4)) } else { None };
        packet.extend_from_slice(header.as_ref().map_or(&[], |header| header));
        self.append_advert(&mut packet, priority, source, to);
        // At most 20 + 24 + 8 + 255 * 4 + 8 + 28 bytes.
        let len = packet.len() as u16;
        put(&mut packet, 2, &len.to_be_bytes());
        if let (Auth::Ah(ah), Some(header)) = (&self.authentication, &header) {
            let (ip, rest) = packet.split_at(IPV4_HEADER);
            let code = ah.code(ip, header, &rest[ah::LEN..], self.peers.is_some());
            put(&mut packet, IPV4_HEADER + ah::LEN - code.len(), &code);
        }
        packet
    }

    /// Checks a packet for this instance, in keepalived's order. `utc` is the time since 1970. A packet with a valid code
    /// uses up its sequence number, even if it is rejected for something else.
    pub fn decode(&mut self, received: &Received<'_>, utc: Duration, own: Own) -> Result<Heard, Reject> {
        let Some(layers) = Layers::of(received) else {
            return Err(Reject::Length { got: received.bytes.len(), expected: HEADER });
        };
        let hops = layers.ip.get(8).copied().or(received.hops);
        let Layers { vrrp: [first, _, priority, count, b4, b5, _, _, ..], .. } = layers else {
            return Err(Reject::Length { got: layers.vrrp.len(), expected: HEADER });
        };
        let theirs = if layers.ah.is_some() { 2 } else { 0 };
        if layers.ah.is_some() != matches!(self.authentication, Auth::Ah(_)) {
            return Err(self.auth_mismatch(theirs));
        }
        let (advert, trailer) = self.split(*first >> 4, *count, layers.vrrp)?;
        if self.peers.is_none() && hops != Some(HOPS) {
            return Err(Reject::Hops(hops));
        }
        if first >> 4 != self.version_number() {
            return Err(Reject::Version { theirs: first >> 4, ours: self.version_number() });
        }
        self.check_trailer(advert, trailer, received.source, utc)?;
        if self.version == Version::V2 {
            self.check_authentication(*b4, advert, &layers, received.source)?;
        }
        let interval = self.interval_of([*b4, *b5])?;
        if first & 0x0f != ADVERT {
            return Err(Reject::Kind(first & 0x0f));
        }
        self.check_sum(advert, received.source, received.destination)?;
        match (self.peers.is_some(), received.destination.is_multicast()) {
            (true, true) => return Err(Reject::Multicast),
            (false, false) => return Err(Reject::Unicast),
            _ => {}
        }
        if self.owner_ignores_adverts && own.is_owner {
            return Err(Reject::Owner);
        }
        self.check_peer(received.source, hops)?;
        let known = self.skip_address_check && own.master == Some(received.source);
        Ok(Heard { priority: *priority, interval, addresses_differ: !known && !self.same_addresses(advert, *count) })
    }

    /// Tells that the instance became master. (A counter of an authentication header that came to its end starts again.)
    pub fn became_master(&mut self) {
        if let Auth::Ah(ah) = &mut self.authentication {
            ah.became_master();
        }
    }

    /// Returns the last sequence number of the authentication header, sent or heard; 0 without such a header. Peers take
    /// none that is not higher, so who starts again as master hands it to [`Self::resync`].
    pub fn sequence(&self) -> u32 {
        if let Auth::Ah(ah) = &self.authentication { ah.highest() } else { 0 }
    }

    /// Lets the sequence numbers of the authentication header go on after `sequence`, if they are not further already. What
    /// is heard moves them without being told.
    pub fn resync(&mut self, sequence: u32) {
        if let Auth::Ah(ah) = &mut self.authentication {
            ah.resync(sequence);
        }
    }

    fn version_number(&self) -> u8 {
        version_number(self.version)
    }

    /// Appends the VRRP packet, with checksum and trailer.
    fn append_advert(&self, packet: &mut Vec<u8>, priority: u8, source: IpAddr, to: IpAddr) {
        let at = packet.len();
        packet.extend_from_slice(&self.template);
        put(packet, at + 2, &[priority]);
        if let (IpAddr::V4(source), IpAddr::V4(mut to)) = (source, to) {
            if self.old_peers.contains(&IpAddr::V4(to)) {
                to = OLD_DESTINATION;
            }
            let sum = self.sum_v4(packet.get(at..).unwrap_or_default(), source, to).finish();
            put(packet, at + 6, &sum.to_be_bytes());
        }
        if let Auth::Trailer(trailer) = &self.authentication {
            trailer.append(packet, at, source);
        }
    }

    /// Returns the sum over an IPv4 advert.
    fn sum_v4(&self, advert: &[u8], source: Ipv4Addr, to: Ipv4Addr) -> Checksum {
        let sum = Checksum::default().add(advert);
        if self.version == Version::V3 && self.pseudo_header {
            sum.add_pseudo_v4(source, to, VRRP, advert.len())
        } else {
            sum
        }
    }

    /// Splits what follows the IP header into advert and trailer, going by the length.
    fn split<'a>(
        &self,
        version: u8,
        count: u8,
        vrrp: &'a [u8],
    ) -> Result<(&'a [u8], Option<&'a [u8; trailer::LEN]>), Reject> {
        // By the packet's own version, so that another version is reported as what it is.
        let tail = if version == 2 && self.family == Family::V4 { AUTH_DATA } else { 0 };
        let expected = HEADER + usize::from(count) * self.address_size() + tail;
        let wrong = Reject::Length { got: vrrp.len(), expected };
        let (advert, rest) = vrrp.split_at_checked(expected).ok_or(wrong)?;
        match (&self.authentication, rest) {
            (_, []) => Ok((advert, None)),
            (Auth::Trailer(_), _) => rest.try_into().map(|trailer| (advert, Some(trailer))).map_err(|_| wrong),
            _ => Err(wrong),
        }
    }

    fn check_trailer(
        &mut self,
        advert: &[u8],
        trailer: Option<&[u8; trailer::LEN]>,
        source: IpAddr,
        utc: Duration,
    ) -> Result<(), Reject> {
        match (&mut self.authentication, trailer) {
            (Auth::Trailer(ours), Some(trailer)) => ours.check(advert, trailer, source, utc),
            (Auth::Trailer(ours), None) if !ours.optional() => Err(Reject::NoTrailer),
            _ => Ok(()),
        }
    }

    /// Checks the authentication of version 2.
    fn check_authentication(
        &mut self,
        number: u8,
        advert: &[u8],
        layers: &Layers<'_>,
        source: IpAddr,
    ) -> Result<(), Reject> {
        if number > 2 {
            return Err(Reject::AuthType(number));
        }
        if number != self.authentication.number() {
            return Err(self.auth_mismatch(number));
        }
        let unicast = self.peers.is_some();
        match &mut self.authentication {
            Auth::Pass(password) => {
                let theirs = advert.last_chunk::<AUTH_DATA>().copied().map(u64::from_ne_bytes);
                // Whole words, so that the comparison takes the same time whatever the bytes are.
                if theirs != Some(u64::from_ne_bytes(*password)) { Err(Reject::Password) } else { Ok(()) }
            }
            Auth::Ah(ah) => {
                let header = layers.ah.ok_or(Reject::AhHeader)?;
                ah.check(layers.ip, header, advert, v4(source), unicast)
            }
            Auth::None | Auth::Trailer(_) => Ok(()),
        }
    }

    fn auth_mismatch(&self, theirs: u8) -> Reject {
        Reject::AuthMismatch {
            theirs: Auth::in_words(theirs),
            ours: match &self.authentication {
                Auth::Trailer(_) => "an HMAC trailer",
                other => Auth::in_words(other.number()),
            },
        }
    }

    /// Returns the interval of an advert. Version 2 must have ours; version 3 may have any.
    fn interval_of(&self, field: [u8; 2]) -> Result<Duration, Reject> {
        let theirs = match self.version {
            Version::V2 => Duration::from_secs(u64::from(field[1])),
            Version::V3 => CENTISECOND * u32::from(u16::from_be_bytes(field) & LONGEST),
        };
        let wrong = theirs.is_zero() || (self.version == Version::V2 && theirs != self.interval);
        if wrong { Err(Reject::Interval { theirs, ours: self.interval }) } else { Ok(theirs) }
    }

    fn check_sum(&mut self, advert: &[u8], source: IpAddr, to: IpAddr) -> Result<(), Reject> {
        // The kernel has checked those of IPv6.
        let (IpAddr::V4(source_v4), IpAddr::V4(to)) = (source, to) else { return Ok(()) };
        let pseudo_header = self.version == Version::V3 && self.pseudo_header;
        if self.sum_v4(advert, source_v4, to).finish() == 0 {
            self.old_peers.retain(|peer| *peer != source);
            Ok(())
        } else if self.version == Version::V3 && !self.pseudo_header {
            Ok(())
        } else if pseudo_header && self.peers.is_some() && self.sum_v4(advert, source_v4, OLD_DESTINATION).finish() == 0
        {
            if self.peer(source).is_some() && !self.old_peers.contains(&source) {
                self.old_peers.push(source);
            }
            Ok(())
        } else if pseudo_header && Checksum::default().add(advert).finish() == 0 {
            Err(Reject::NoPseudoHeader)
        } else {
            Err(Reject::Checksum)
        }
    }

    fn check_peer(&self, source: IpAddr, hops: Option<u8>) -> Result<(), Reject> {
        if !self.check_source {
            return Ok(());
        }
        let peer = self.peer(source).ok_or(Reject::Source(source))?;
        match peer.ttl {
            Some((least, most)) if hops.is_none_or(|hops| hops < least || hops > most) => {
                Err(Reject::PeerHops { hops, peer: source, least, most })
            }
            _ => Ok(()),
        }
    }

    fn peer(&self, address: IpAddr) -> Option<&Peer> {
        self.peers.iter().flatten().find(|peer| peer.address == address)
    }

    fn address_size(&self) -> usize {
        match self.family {
            Family::V4 => 4,
            Family::V6 => 16,
        }
    }

    /// Whether an advert has our addresses, in any order.
    fn same_addresses(&self, advert: &[u8], count: u8) -> bool {
        let len = usize::from(count) * self.address_size();
        let theirs = advert.get(HEADER..HEADER + len).unwrap_or_default();
        let ours = self.template.get(HEADER..HEADER + self.addresses).unwrap_or_default();
        // Nearly always.
        if theirs == ours {
            return true;
        }
        let sorted = |addresses| {
            let mut addresses: Vec<&[u8]> = <[u8]>::chunks(addresses, self.address_size()).collect();
            addresses.sort_unstable();
            addresses
        };
        theirs.len() == ours.len() && sorted(theirs) == sorted(ours)
    }
}

/// Returns what all adverts of an instance have in common.
fn template(instance: &Instance, authentication: &Auth) -> Vec<u8> {
    let addresses = instance.addresses.iter().take(usize::from(u8::MAX)).map(|address| address.address);
    let addresses = addresses.filter(|address| Family::of(*address) == instance.family);
    // At most 255.
    let count = addresses.clone().count() as u8;
    let [b4, b5] = match instance.version {
        Version::V2 => [authentication.number(), u8::try_from(instance.interval.as_secs()).unwrap_or(u8::MAX)],
        Version::V3 => {
            let centiseconds = instance.interval.as_millis() / CENTISECOND.as_millis();
            u16::try_from(centiseconds).unwrap_or(LONGEST).min(LONGEST).to_be_bytes()
        }
    };
    let first = version_number(instance.version) << 4 | ADVERT;
    let mut bytes = vec![first, instance.vrid.get(), 0, count, b4, b5, 0, 0];
    for address in addresses {
        match address {
            IpAddr::V4(address) => bytes.extend_from_slice(&address.octets()),
            IpAddr::V6(address) => bytes.extend_from_slice(&address.octets()),
        }
    }
    if instance.version == Version::V2 && instance.family == Family::V4 {
        bytes.extend_from_slice(if let Auth::Pass(password) = authentication { password } else { &[0; AUTH_DATA] });
    }
    bytes
}

fn version_number(version: Version) -> u8 {
    match version {
        Version::V2 => 2,
        Version::V3 => 3,
    }
}

/// Returns a password as it is on the wire: filled up with zeros.
fn padded(secret: &[u8]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(secret).for_each(|(to, byte)| *to = *byte);
    bytes
}

/// Returns an address that is known to be IPv4.
fn v4(address: IpAddr) -> Ipv4Addr {
    match address {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

/// Overwrites bytes of a packet that is long enough.
fn put(packet: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = packet.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
