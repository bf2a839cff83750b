//! Packets as keepalived 2.2.7 sends them (captured with tcpdump), every reason to reject one, and any bytes.

mod authentication;

use std::time::Duration;

use proptest::prelude::*;

use super::{
    super::settings::{self, AntiReplay, HmacMode, Secret},
    super::status::Rejected,
    *,
};
use crate::host::Address;

const SOURCE: &str = "10.9.9.1";
const GROUP: &str = "224.0.0.18";
const PEER: &str = "10.9.9.2";
const NOW: Duration = Duration::from_secs(1_800_000_000);

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The instance that the captured packets are from.
fn instance(version: Version, addresses: &[&str]) -> Instance {
    let family = addresses.first().map_or(Family::V4, |address| Family::of(ip(address)));
    let mut instance = Instance::new("VI_1", settings::Vrid::new(51).expect("a VRID"), version, family);
    instance.addresses = addresses.iter().map(|text| Address::new(ip(text))).collect();
    instance
}

fn v2() -> Instance {
    instance(Version::V2, &["10.9.9.100"])
}

fn v3() -> Instance {
    Instance { interval: Duration::from_millis(500), ..instance(Version::V3, &["10.9.9.100"]) }
}

fn with(mut instance: Instance, authentication: Authentication) -> Instance {
    instance.authentication = authentication;
    instance
}

fn unicast(mut instance: Instance, peers: &[(&str, Option<(u8, u8)>)], check_source: bool) -> Instance {
    let peers = peers.iter().map(|(address, ttl)| Peer { address: ip(address), ttl: *ttl }).collect();
    instance.transport = Transport::Unicast { source: None, peers, ttl: None, check_source };
    instance
}

fn hmac(mode: HmacMode, replay: AntiReplay) -> Authentication {
    let keys = vec![(1, Secret::new([0x11; 32])), (2, Secret::new([0x22; 64]))];
    Authentication::Hmac(settings::Hmac { keys, active: 1, mode, replay })
}

fn enforced() -> Authentication {
    hmac(HmacMode::Enforce, AntiReplay::Window(Duration::from_secs(5)))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("digits");
    digits.chunks(2).map(byte).collect()
}

/// An IPv4 header as keepalived makes it, without its checksum.
fn ipv4_header(protocol: u8, to: &str, payload: usize) -> Vec<u8> {
    let mut header = vec![0x45, 0xc0, 0, 20 + payload as u8, 0, 1, 0, 0, 0xff, protocol, 0, 0];
    header.extend(v4(ip(SOURCE)).octets());
    header.extend(v4(ip(to)).octets());
    header
}

fn received<'a>(source: &str, to: &str, bytes: &'a [u8]) -> Received<'a> {
    Received { link: 2, source: ip(source), destination: ip(to), hops: Some(255), bytes }
}

fn decode(instance: &Instance, bytes: &[u8]) -> Result<Heard, Reject> {
    let to = if matches!(instance.transport, Transport::Multicast { .. }) { GROUP } else { PEER };
    Wire::new(instance).decode(&received(SOURCE, to, bytes), NOW, Own::default())
}

fn advert(instance: &Instance) -> Vec<u8> {
    let mut wire = Wire::new(instance);
    wire.begin(NOW);
    let to = if matches!(instance.transport, Transport::Multicast { .. }) { GROUP } else { PEER };
    wire.encode(150, ip(SOURCE), ip(to))
}

/// Both ways: what keepalived sent is what we send, and what we accept.
fn golden(instance: &Instance, priority: u8, to: &str, protocol: u8, hex: &str) {
    let payload = bytes(hex);
    let mut packet = ipv4_header(protocol, to, payload.len());
    packet.extend(&payload);
    let mut wire = Wire::new(instance);
    wire.begin(NOW);
    assert_eq!(wire.encode(priority, ip(SOURCE), ip(to)), packet, "{hex}");
    // The kernel's checksum arrives, too.
    let sum = Checksum::default().add(&packet[..20]).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    let received = received(SOURCE, to, &packet);
    assert_eq!(peek(&received), Some(51));
    let heard = Wire::new(instance).decode(&received, NOW, Own::default());
    assert_eq!(heard, Ok(Heard { priority, interval: instance.interval, addresses_differ: false }), "{hex}");
}

#[test]
fn version_2_as_keepalived() {
    let two = instance(Version::V2, &["10.9.9.100", "10.9.9.101"]);
    golden(&two, 150, GROUP, VRRP, "21339602 000121ee 0a090964 0a090965 0000000000000000");
    golden(&two, 0, GROUP, VRRP, "21330002 0001b7ee 0a090964 0a090965 0000000000000000");
    let pass = with(v2(), Authentication::Pass(Secret::new("1111")));
    golden(&pass, 150, GROUP, VRRP, "21339601 0101d1fa 0a090964 3131313100000000");
    let ah = with(v2(), Authentication::Ah(Secret::new("1111")));
    let header = "70040000 0a090901 00000001 ef92e7189c75b5271d130231";
    golden(&ah, 150, GROUP, AH, &format!("{header} 21339601 0201335d 0a090964 0000000000000000"));
}

#[test]
fn version_3_as_keepalived() {
    golden(&v3(), 150, GROUP, VRRP, "31339601 00323193 0a090964");
    golden(&v3(), 0, GROUP, VRRP, "31330001 0032c793 0a090964");
    golden(&unicast(v3(), &[(SOURCE, None)], true), 150, PEER, VRRP, "31339601 0032fe9a 0a090964");
}

#[test]
fn ipv6_as_keepalived() {
    let addresses = ["fe80::51", "2001:db8::100"];
    let six = Instance { interval: Duration::from_millis(500), ..instance(Version::V3, &addresses) };
    let (source, group) = ("fe80::e098:8cff:fefe:5ff9", "ff02::12");
    let mut wire = Wire::new(&six);
    wire.begin(NOW);
    let mut packet = wire.encode(150, ip(source), ip(group));
    let expected = "31339602 00320000 fe800000000000000000000000000051 20010db8000000000000000000000100";
    assert_eq!(packet, bytes(expected));
    // The kernel's work, on both sides; here only to see that it comes to what was captured.
    let (IpAddr::V6(from), IpAddr::V6(to)) = (ip(source), ip(group)) else { panic!("IPv6") };
    let sum = Checksum::default().add(&packet).add_pseudo_v6(from, to, VRRP, packet.len()).finish();
    assert_eq!(sum, 0x404e);
    packet[6..8].copy_from_slice(&sum.to_be_bytes());
    let heard = wire.decode(&received(source, group, &packet), NOW, Own::default());
    assert_eq!(heard, Ok(Heard { priority: 150, interval: six.interval, addresses_differ: false }));
}

/// Each reason, the packet that has it, and the one counter that it moves.
fn rejected(instance: &Instance, bytes: &[u8], reason: Reject, counter: impl Fn(&Rejected) -> u64) {
    assert_eq!(decode(instance, bytes), Err(reason));
    let mut counters = Rejected::default();
    reason.count(&mut counters);
    assert_eq!(counter(&counters), 1, "{reason}");
    let all = serde_json::to_value(counters).expect("counters");
    let sum: u64 = all.as_object().expect("an object").values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(sum, 1, "{reason}");
}

/// Returns the advert with one byte of its VRRP part changed, and the checksum made right again.
fn changed(instance: &Instance, at: usize, byte: u8) -> Vec<u8> {
    let mut packet = advert(instance);
    packet[20 + at] = byte;
    packet[26..28].copy_from_slice(&[0, 0]);
    let sum = Wire::new(instance).sum_v4(&packet[20..], v4(ip(SOURCE)), v4(ip(GROUP))).finish();
    packet[26..28].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[test]
fn length() {
    let mut cut = advert(&v2());
    cut.pop();
    rejected(&v2(), &cut, Reject::Length { got: 39, expected: 8 }, |c| c.length);
    cut[3] -= 1;
    rejected(&v2(), &cut, Reject::Length { got: 19, expected: 20 }, |c| c.length);
    let more = changed(&v2(), 3, 2);
    rejected(&v2(), &more, Reject::Length { got: 20, expected: 24 }, |c| c.length);
    let trailer = advert(&with(v2(), enforced()));
    rejected(&v2(), &trailer, Reject::Length { got: 48, expected: 20 }, |c| c.length);
    rejected(&v2(), &[], Reject::Length { got: 0, expected: 8 }, |c| c.length);
}

#[test]
fn the_padding_of_short_ethernet_frames_is_no_fault() {
    let mut padded = advert(&v2());
    padded.resize(46, 0);
    assert!(decode(&v2(), &padded).is_ok());
    padded.push(0);
    assert!(decode(&v2(), &padded).is_err());
}

#[test]
fn hops() {
    let mut packet = advert(&v2());
    packet[8] = 254;
    rejected(&v2(), &packet, Reject::Hops(Some(254)), |c| c.hops);
    // Unicast may cross routers, within the limits of the peer.
    assert!(decode(&unicast(v2(), &[(SOURCE, None)], true), &packet).is_ok());
    assert!(decode(&unicast(v2(), &[(SOURCE, Some((254, 255)))], false), &packet).is_ok());
    let strict = unicast(v2(), &[(SOURCE, Some((255, 255)))], false);
    let reason = Reject::PeerHops { hops: Some(254), peer: ip(SOURCE), least: 255, most: 255 };
    rejected(&strict, &packet, reason, |c| c.hops);
}

#[test]
fn ipv6_hops_must_be_known() {
    let six = instance(Version::V3, &["fe80::51"]);
    let packet = Wire::new(&six).encode(150, ip("fe80::1"), ip("ff02::12"));
    let received = Received { hops: None, ..received("fe80::1", "ff02::12", &packet) };
    assert_eq!(Wire::new(&six).decode(&received, NOW, Own::default()), Err(Reject::Hops(None)));
}

#[test]
fn version() {
    rejected(&v2(), &advert(&v3()), Reject::Version { theirs: 3, ours: 2 }, |c| c.version);
    rejected(&v3(), &advert(&v2()), Reject::Version { theirs: 2, ours: 3 }, |c| c.version);
}

#[test]
fn kind() {
    rejected(&v2(), &changed(&v2(), 0, 0x22), Reject::Kind(2), |c| c.kind);
}

#[test]
fn checksum() {
    let mut packet = advert(&v2());
    packet[26] ^= 1;
    rejected(&v2(), &packet, Reject::Checksum, |c| c.checksum);
    let without = Instance { pseudo_header: false, ..v3() };
    rejected(&v3(), &advert(&without), Reject::NoPseudoHeader, |c| c.checksum);
    let mut packet = advert(&v3());
    packet[26] ^= 1;
    rejected(&v3(), &packet, Reject::Checksum, |c| c.checksum);
    assert!(decode(&without, &packet).is_ok(), "wrong sums are tolerated");
}

#[test]
fn the_old_unicast_checksum_is_recognised_and_answered() {
    let ours = unicast(v3(), &[(SOURCE, None), ("10.9.9.3", None)], false);
    let mut wire = Wire::new(&ours);
    // As to the group, but sent to us.
    let mut old = advert(&v3());
    old[16..20].copy_from_slice(&v4(ip(PEER)).octets());
    assert!(wire.decode(&received(SOURCE, PEER, &old), NOW, Own::default()).is_ok());
    let sum = |wire: &Wire, to| wire.encode(150, ip(PEER), ip(to))[26..28].to_vec();
    assert_eq!(sum(&wire, SOURCE), sum(&Wire::new(&v3()), GROUP), "the peer gets what it understands");
    assert_eq!(sum(&wire, "10.9.9.3"), sum(&Wire::new(&ours), "10.9.9.3"), "others get what is right");
    wire.reconfigure(&ours);
    assert_ne!(sum(&wire, SOURCE), sum(&Wire::new(&ours), SOURCE), "remembered");
    // The peer gets a newer version.
    assert!(wire.decode(&received(SOURCE, PEER, &advert(&ours)), NOW, Own::default()).is_ok());
    assert_eq!(sum(&wire, SOURCE), sum(&Wire::new(&ours), SOURCE));
}

#[test]
fn interval() {
    let theirs = Instance { interval: Duration::from_secs(2), ..v2() };
    let reason = Reject::Interval { theirs: Duration::from_secs(2), ours: Duration::from_secs(1) };
    rejected(&v2(), &advert(&theirs), reason, |c| c.interval);
    assert_eq!(reason.to_string(), "the advert interval is 2 s, and ours is 1 s: give all routers the same");
    // Version 3 carries it for others to take over.
    let theirs = Instance { interval: Duration::from_millis(40_950), ..v3() };
    assert_eq!(decode(&v3(), &advert(&theirs)).map(|heard| heard.interval), Ok(theirs.interval));
    let none = Instance { interval: Duration::ZERO, ..v3() };
    let reason = Reject::Interval { theirs: Duration::ZERO, ours: Duration::from_millis(500) };
    rejected(&v3(), &advert(&none), reason, |c| c.interval);
    // The upper four bits are reserved, and ignored.
    assert!(decode(&v3(), &changed(&v3(), 4, 0xf0)).is_ok());
}

#[test]
fn destination() {
    let peer = unicast(v2(), &[(SOURCE, None)], true);
    let mut wire = Wire::new(&peer);
    let packet = advert(&v2());
    assert_eq!(wire.decode(&received(SOURCE, GROUP, &packet), NOW, Own::default()), Err(Reject::Multicast));
    let mut wire = Wire::new(&v2());
    assert_eq!(wire.decode(&received(SOURCE, PEER, &packet), NOW, Own::default()), Err(Reject::Unicast));
    for reason in [Reject::Multicast, Reject::Unicast] {
        let mut counters = Rejected::default();
        reason.count(&mut counters);
        assert_eq!(counters, Rejected { destination: 1, ..Rejected::default() });
    }
}

#[test]
fn source() {
    let others = [("10.9.9.3", None)];
    let packet = advert(&unicast(v2(), &others, false));
    rejected(&unicast(v2(), &others, true), &packet, Reject::Source(ip(SOURCE)), |c| c.source);
    assert!(decode(&unicast(v2(), &others, false), &packet).is_ok());
    // Limits for the TTL of peers mean that others are not wanted.
    let limited = [("10.9.9.3", Some((250, 255)))];
    rejected(&unicast(v2(), &limited, false), &packet, Reject::Source(ip(SOURCE)), |c| c.source);
}

#[test]
fn owner() {
    let owner = Instance { owner_ignores_adverts: true, ..v2() };
    let packet = advert(&v2());
    let own = |is_owner| Own { is_owner, master: None };
    let mut wire = Wire::new(&owner);
    assert_eq!(wire.decode(&received(SOURCE, GROUP, &packet), NOW, own(true)), Err(Reject::Owner));
    assert!(wire.decode(&received(SOURCE, GROUP, &packet), NOW, own(false)).is_ok());
    assert!(Wire::new(&v2()).decode(&received(SOURCE, GROUP, &packet), NOW, own(true)).is_ok());
    let mut counters = Rejected::default();
    Reject::Owner.count(&mut counters);
    assert_eq!(counters, Rejected { owner: 1, ..Rejected::default() });
}

#[test]
fn other_addresses_are_taken_and_reported() {
    let ours = instance(Version::V2, &["10.9.9.100", "10.9.9.101"]);
    let differ = |addresses: &[&str]| {
        decode(&ours, &advert(&instance(Version::V2, addresses))).map(|heard| heard.addresses_differ)
    };
    assert_eq!(differ(&["10.9.9.100", "10.9.9.101"]), Ok(false));
    assert_eq!(differ(&["10.9.9.101", "10.9.9.100"]), Ok(false));
    assert_eq!(differ(&["10.9.9.100", "10.9.9.102"]), Ok(true));
    assert_eq!(differ(&["10.9.9.100", "10.9.9.100"]), Ok(true));
    assert_eq!(differ(&["10.9.9.100"]), Ok(true));
    assert_eq!(differ(&[]), Ok(true));
    let skip = Instance { skip_address_check: true, ..ours };
    let packet = advert(&v2());
    let differ = |master| {
        let own = Own { is_owner: false, master };
        Wire::new(&skip).decode(&received(SOURCE, GROUP, &packet), NOW, own).map(|heard| heard.addresses_differ)
    };
    assert_eq!(differ(Some(ip(SOURCE))), Ok(false));
    assert_eq!(differ(Some(ip(PEER))), Ok(true));
}

#[test]
fn version_2_over_ipv6_has_no_authentication_data() {
    let six = with(instance(Version::V2, &["fe80::51"]), Authentication::Pass(Secret::new("1111")));
    let packet = Wire::new(&six).encode(150, ip("fe80::1"), ip("ff02::12"));
    assert_eq!(packet, bytes("21339601 00010000 fe800000000000000000000000000051"));
    assert!(Wire::new(&six).decode(&received("fe80::1", "ff02::12", &packet), NOW, Own::default()).is_ok());
}

#[test]
fn packet_numbers_are_never_zero() {
    let mut wire = Wire::new(&v2());
    let mut number = || {
        wire.begin(NOW);
        wire.encode(1, ip(SOURCE), ip(GROUP))[4..6].to_vec()
    };
    assert_eq!(number(), [0, 1]);
    for _ in 0..65_533 {
        number();
    }
    assert_eq!(number(), [0xff, 0xff]);
    assert_eq!(number(), [0, 1]);
}

/// Any of the ways to frame and authenticate.
fn instances() -> impl Strategy<Value = Instance> {
    let addresses = (0..=255_u16, any::<bool>()).prop_map(|(count, six)| {
        let text = |n| if six { format!("fd00::{n}") } else { format!("10.1.0.{n}") };
        (0..count).map(text).collect::<Vec<String>>()
    });
    let authentication = prop_oneof![
        Just(Authentication::None),
        Just(Authentication::Pass(Secret::new("secret"))),
        Just(Authentication::Ah(Secret::new("secret"))),
        Just(enforced()),
        Just(hmac(HmacMode::Permissive, AntiReplay::Monotonic)),
        Just(hmac(HmacMode::ReceiveOnly, AntiReplay::Monotonic)),
    ];
    (addresses, authentication, any::<[bool; 3]>(), 1..=255_u8).prop_map(|(addresses, authentication, bools, n)| {
        let [v3, pseudo_header, peers] = bools;
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let mut instance = instance(if v3 { Version::V3 } else { Version::V2 }, &addresses);
        instance.authentication = authentication;
        instance.pseudo_header = pseudo_header;
        instance.interval = if v3 { CENTISECOND * u32::from(n) * 16 } else { Duration::from_secs(n.into()) };
        if peers { unicast(instance, &[(SOURCE, None), ("fe80::1", Some((64, 255)))], true) } else { instance }
    })
}

fn ends(instance: &Instance) -> (&'static str, &'static str) {
    match (instance.family, &instance.transport) {
        (Family::V4, Transport::Multicast { .. }) => (SOURCE, GROUP),
        (Family::V4, Transport::Unicast { .. }) => (SOURCE, PEER),
        (Family::V6, Transport::Multicast { .. }) => ("fe80::1", "ff02::12"),
        (Family::V6, Transport::Unicast { .. }) => ("fe80::1", "fe80::2"),
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_accepted(instance in instances(), priority: u8) {
        let (source, to) = ends(&instance);
        let mut wire = Wire::new(&instance);
        wire.begin(NOW);
        let packet = wire.encode(priority, ip(source), ip(to));
        let received = received(source, to, &packet);
        prop_assert_eq!(peek(&received), Some(51));
        let heard = Wire::new(&instance).decode(&received, NOW, Own::default());
        prop_assert_eq!(heard, Ok(Heard { priority, interval: instance.interval, addresses_differ: false }));
    }

    #[test]
    fn a_damaged_packet_is_no_panic(instance in instances(), cut in 0..1200_usize, at in 0..1200_usize, byte: u8) {
        let (source, to) = ends(&instance);
        let mut wire = Wire::new(&instance);
        wire.begin(NOW);
        let mut packet = wire.encode(1, ip(source), ip(to));
        packet.truncate(cut.max(1));
        let at = at % packet.len();
        packet[at] = byte;
        let _ = peek(&received(source, to, &packet));
        let _ = Wire::new(&instance).decode(&received(source, to, &packet), NOW, Own::default()).map_err(|e| e.to_string());
    }

    #[test]
    fn any_bytes_are_no_panic(instance in instances(), packet in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (source, to) = ends(&instance);
        let _ = peek(&received(source, to, &packet));
        let _ = Wire::new(&instance).decode(&received(source, to, &packet), NOW, Own::default()).map_err(|e| e.to_string());
    }
}
