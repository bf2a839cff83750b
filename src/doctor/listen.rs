//! Listening for VRRP adverts below everything that could keep them from the VRRP process: what really is on the link.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use socket2::SockFilter;

use super::probe::{ETHERNET, Ip, Mac};
use crate::{
    host::Link,
    sys::raw::{Arena, Capture, wait},
    vrrp::packet::{AH, VRRP, checksum::Checksum},
};

/// More adverts than this are not kept: a flood is seen in them, too.
const MOST: usize = 4096;

/// An advert on the wire, of anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// Name of the link.
    pub link: String,
    /// Whose hardware address.
    pub mac: Mac,
    /// Source address.
    pub from: IpAddr,
    /// Destination address.
    pub to: IpAddr,
    /// TTL or hop limit; 255 unless it came over a router.
    pub hops: u8,
    /// Version of the protocol.
    pub version: u8,
    /// Virtual router identifier.
    pub vrid: u8,
    /// Priority.
    pub priority: u8,
    /// Authentication type: 0 none, 1 a password, 2 a header; version 2 only.
    pub authentication: u8,
    /// Interval in milliseconds.
    pub interval_ms: u32,
    /// Virtual addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether the checksum is right, with or without pseudo-header.
    pub sound: bool,
}

/// Listens on these links for so long, and returns what was heard of others, each sender's adverts of a virtual router once.
/// `own` tells which are this host's: a virtual MAC address alone does not, since all routers of one VRID have the same.
///
/// # Errors
/// Not permitted: in words.
pub fn listen(links: &[&Link], own: impl Fn(&Advert) -> bool, time: Duration) -> Result<Vec<Advert>, String> {
    let mut captures = Vec::new();
    for link in links {
        let capture = Capture::open(link.index, &filter()).map_err(|error| {
            format!("cannot listen for adverts on {}: {error}; this takes root or CAP_NET_RAW", link.name)
        })?;
        captures.push((link.name.clone(), capture));
    }
    let mut arena = Arena::default();
    let mut heard: Vec<Advert> = Vec::new();
    let until = Instant::now() + time;
    while wait(captures.iter().map(|(_, capture)| capture), until) {
        for (link, capture) in &captures {
            // A link that went down has nothing more.
            let _ = capture.receive(&mut arena, |frame| {
                if let Some(advert) = read(frame, link)
                    && !own(&advert)
                    && heard.len() < MOST
                    && !heard.contains(&advert)
                {
                    heard.push(advert);
                }
            });
        }
    }
    Ok(heard)
}

/// Takes IPv4 and IPv6 packets of VRRP, bare or behind an authentication header.
fn filter() -> [SockFilter; 10] {
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE: u16 = 0x30;
    const IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let load = |code, at| SockFilter::new(code, 0, 0, at);
    let when = |value: u32, yes, no| SockFilter::new(IF_EQUAL, yes, no, value);
    [
        load(LOAD_HALF, 12),
        when(0x0800, 0, 2),
        load(LOAD_BYTE, 23),
        // On to the protocols.
        when(0, 2, 2),
        when(0x86dd, 0, 4),
        load(LOAD_BYTE, 20),
        // 6: the protocols.
        when(VRRP.into(), 1, 0),
        when(AH.into(), 0, 1),
        load(RETURN, u32::MAX),
        load(RETURN, 0),
    ]
}

/// Reads a frame; `None` if it is no advert.
fn read(frame: &[u8], link: &str) -> Option<Advert> {
    let mac = *frame.get(6..)?.first_chunk::<6>()?;
    let ip = Ip::read(frame.get(ETHERNET..)?)?;
    let (from, to, hops, ipv6) = (ip.from, ip.to, ip.hops, ip.from.is_ipv6());
    let mut bytes = ip.body;
    if ip.protocol == AH {
        // Its length is in words of four bytes, less two.
        let length = (usize::from(*bytes.get(1)?) + 2) * 4;
        bytes = (bytes.first()? == &VRRP).then(|| bytes.get(length..))??;
    } else if ip.protocol != VRRP {
        return None;
    }
    let [first, vrid, priority, count, b4, b5, _, _, rest @ ..] = bytes else { return None };
    let version = first >> 4;
    let size = if ipv6 { 16 } else { 4 };
    let addresses = rest.chunks_exact(size).take(usize::from(*count)).filter_map(|chunk| {
        let v4 = || Some(IpAddr::from(*chunk.first_chunk::<4>()?));
        let v6 = || Some(IpAddr::from(*chunk.first_chunk::<16>()?));
        if ipv6 { v6() } else { v4() }
    });
    let (authentication, interval_ms) = match version {
        2 => (*b4, u32::from(*b5) * 1000),
        _ => (0, u32::from(u16::from_be_bytes([b4 & 0x0f, *b5])) * 10),
    };
    let advert_end = 8 + usize::from(*count) * size + if version == 2 { 8 } else { 0 };
    let advert = bytes.get(..advert_end).unwrap_or(bytes);
    let bare = Checksum::default().add(advert);
    let sound = bare.finish() == 0
        || match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => bare.add_pseudo_v4(from, to, VRRP, advert.len()).finish() == 0,
            (IpAddr::V6(from), IpAddr::V6(to)) => bare.add_pseudo_v6(from, to, VRRP, advert.len()).finish() == 0,
            _ => false,
        };
    Some(Advert {
        link: link.to_owned(),
        mac,
        from,
        to,
        hops,
        version,
        vrid: *vrid,
        priority: *priority,
        authentication,
        interval_ms,
        addresses: addresses.collect(),
        sound,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ethernet, IPv4 with TTL 255 and protocol 112, version 2: VRID 51, priority 100, one address, password, 1 s.
    fn frame() -> Vec<u8> {
        let mut frame = vec![1, 0, 0x5e, 0, 0, 18, 2, 0, 0, 0, 0, 9, 0x08, 0x00];
        frame.extend([0x45, 0xc0, 0, 40, 0, 0, 0, 0, 255, 112, 0, 0, 10, 0, 0, 3, 224, 0, 0, 18]);
        let advert = vec![0x21, 51, 100, 1, 1, 1, 0, 0, 10, 0, 0, 100, b'1', b'1', b'1', b'1', 0, 0, 0, 0];
        let sum = Checksum::default().add(&advert).finish();
        frame.extend(advert);
        frame[40..42].copy_from_slice(&sum.to_be_bytes());
        frame
    }

    #[test]
    fn an_advert_is_read() {
        let advert = read(&frame(), "eth0").expect("an advert");
        assert_eq!((advert.vrid, advert.priority, advert.version, advert.hops), (51, 100, 2, 255));
        assert_eq!((advert.authentication, advert.interval_ms, advert.sound), (1, 1000, true));
        assert_eq!(advert.addresses, ["10.0.0.100".parse::<IpAddr>().expect("an address")]);
        assert_eq!(advert.from.to_string(), "10.0.0.3");
        let mut damaged = frame();
        damaged[36] = 99;
        assert!(!read(&damaged, "eth0").expect("an advert").sound);
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), cut in 0..60_usize) {
            let _ = read(&bytes, "eth0");
            let mut cut_off = frame();
            cut_off.truncate(cut);
            let _ = read(&cut_off, "eth0");
            let mut mixed = frame();
            for (place, byte) in mixed.iter_mut().skip(14).zip(bytes) { *place = byte; }
            let _ = read(&mixed, "eth0");
        }
    }
}
