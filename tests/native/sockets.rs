//! The sockets of VRRP between two hosts. tshark and the kernel's neighbour table are the judges of what is sent; what is
//! received is what the other side sent.

use std::{net::IpAddr, process::Command, time::Duration};

use lvsadm::{
    host::Address,
    model::Family,
    vrrp::{
        announce::{Frame, gratuitous_arp, neighbour_advertisement},
        driver::sockets::{BATCH, Endpoint, Error, Outgoing, Sockets},
        event::Received,
        packet::{AH, Heard, Own, Reject, VRRP, Wire, peek},
        settings::{AntiReplay, Authentication, Hmac, HmacMode, Instance, Peer, Secret, Transport, Version, Vrid},
    },
};

use crate::network::{Capture, Host, Pair, is_vrrp, tshark, until};

const NOW: Duration = Duration::from_secs(1_800_000_000);
const VRID: u8 = 51;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn instance(version: Version, addresses: &[&str]) -> Instance {
    let family = Family::of(ip(addresses[0]));
    let mut instance = Instance::new("VI_1", Vrid::new(VRID).expect("a VRID"), version, family);
    instance.addresses = addresses.iter().map(|address| Address::new(ip(address))).collect();
    instance
}

fn unicast(mut instance: Instance, peer: &str) -> Instance {
    let peers = vec![Peer { address: ip(peer), ttl: None }];
    instance.transport = Transport::Unicast { source: None, peers, ttl: None, check_source: true };
    instance
}

fn hmac() -> Authentication {
    let (keys, replay) = (vec![(1, Secret::new([7; 32]))], AntiReplay::Monotonic);
    Authentication::Hmac(Hmac { keys, active: 1, mode: HmacMode::Enforce, replay })
}

fn sockets() -> Sockets {
    Sockets::new().expect("sockets")
}

fn endpoint(host: &Host, protocol: u8, address: &str) -> Endpoint {
    Endpoint { link: Some(host.index("eth0")), protocol, address: ip(address) }
}

/// Sockets on a host that listen at these endpoints.
fn listening(host: &Host, endpoints: &[Endpoint]) -> Sockets {
    host.inside(|| {
        let mut sockets = sockets();
        for endpoint in endpoints {
            sockets.ensure(*endpoint, &[VRID]).expect("an endpoint");
        }
        sockets
    })
}

fn outgoing(host: &Host, source: &str, to: &str, bytes: Vec<u8>) -> Outgoing {
    Outgoing { link: Some(host.index("eth0")), source: ip(source), to: ip(to), hops: None, bytes }
}

/// An advert of `instance` from host one.
fn advert(pair: &Pair, instance: &Instance, source: &str, to: &str) -> Outgoing {
    let mut wire = Wire::new(instance);
    wire.begin(NOW);
    outgoing(&pair.one, source, to, wire.encode(150, ip(source), ip(to)))
}

/// What was received, kept.
#[derive(Debug, PartialEq)]
struct Kept {
    link: u32,
    source: IpAddr,
    destination: IpAddr,
    hops: Option<u8>,
    bytes: Vec<u8>,
}

impl Kept {
    fn received(&self) -> Received<'_> {
        let Self { link, source, destination, hops, ref bytes } = *self;
        Received { link, source, destination, hops, bytes }
    }

    fn decode(&self, instance: &Instance) -> Result<Heard, Reject> {
        Wire::new(instance).decode(&self.received(), NOW, Own::default())
    }
}

/// Returns the first packets at an endpoint, as soon as there are `count`.
#[track_caller]
fn received(sockets: &mut Sockets, endpoint: &Endpoint, count: usize) -> Vec<Kept> {
    let mut packets = Vec::new();
    until("packets come in", || {
        while receive(sockets, endpoint, &mut packets) == BATCH {}
        packets.len() >= count
    });
    packets
}

fn receive(sockets: &mut Sockets, endpoint: &Endpoint, packets: &mut Vec<Kept>) -> usize {
    let keep = |received: Received<'_>| {
        let Received { link, source, destination, hops, bytes } = received;
        packets.push(Kept { link, source, destination, hops, bytes: bytes.to_vec() });
    };
    sockets.receive(endpoint, keep).expect("to receive")
}

/// Sends one advert with real sockets, lets tshark judge it, and returns how the other side decodes it.
#[track_caller]
fn crosses(instance: &Instance, source: &str, to: &str, protocol: u8, fields: &[&str], expected: &str) {
    let pair = Pair::new();
    let (ours, theirs) = (endpoint(&pair.one, protocol, to), endpoint(&pair.two, protocol, to));
    let mut one = listening(&pair.one, &[ours]);
    let mut two = listening(&pair.two, &[theirs]);
    let capture = Capture::on(&pair.two);
    assert_eq!(one.send(&[advert(&pair, instance, source, to)]), []);
    let frames = capture.frames(1, is_vrrp);
    assert_eq!(tshark(&frames, fields, instance.pseudo_header), [expected]);
    let packets = received(&mut two, &theirs, 1);
    let [packet] = packets.as_slice() else { panic!("{packets:?}") };
    let expected = (pair.two.index("eth0"), ip(source), ip(to), Some(255));
    assert_eq!((packet.link, packet.source, packet.destination, packet.hops), expected);
    assert_eq!(peek(&packet.received()), Some(VRID));
    let heard = Heard { priority: 150, interval: Duration::from_secs(1), addresses_differ: false };
    assert_eq!(packet.decode(instance), Ok(heard));
    let mut own = Vec::new();
    receive(&mut one, &ours, &mut own);
    assert_eq!(own, [], "nobody hears himself");
}

const V4: [&str; 8] = [
    "ip.dsfield.dscp",
    "ip.ttl",
    "ip.proto",
    "ip.id",
    "ip.checksum.status",
    "vrrp.version",
    "vrrp.checksum.status",
    "vrrp.prio",
];

#[test]
fn version_2() {
    let instance = instance(Version::V2, &["10.9.9.100", "10.9.9.101"]);
    crosses(&instance, "10.9.9.1", "224.0.0.18", VRRP, &V4, "48 255 112 0x0001 1 2 1 150");
}

#[test]
fn version_2_with_password() {
    let mut instance = instance(Version::V2, &["10.9.9.100"]);
    instance.authentication = Authentication::Pass(Secret::new("1111"));
    let fields = ["vrrp.checksum.status", "vrrp.auth_type", "vrrp.auth_string"];
    crosses(&instance, "10.9.9.1", "224.0.0.18", VRRP, &fields, "1 1 1111");
}

#[test]
fn version_2_with_authentication_header() {
    let mut instance = instance(Version::V2, &["10.9.9.100"]);
    instance.authentication = Authentication::Ah(Secret::new("1111"));
    let fields = ["ip.proto", "ip.checksum.status", "ah.sequence", "vrrp.checksum.status"];
    crosses(&instance, "10.9.9.1", "224.0.0.18", AH, &fields, "51 1 1 1");
}

#[test]
fn version_3() {
    let instance = instance(Version::V3, &["10.9.9.100"]);
    crosses(&instance, "10.9.9.1", "224.0.0.18", VRRP, &V4, "48 255 112 0x0001 1 3 1 150");
}

#[test]
fn version_3_without_pseudo_header() {
    let instance = Instance { pseudo_header: false, ..instance(Version::V3, &["10.9.9.100"]) };
    crosses(&instance, "10.9.9.1", "224.0.0.18", VRRP, &V4, "48 255 112 0x0001 1 3 1 150");
}

#[test]
fn version_3_unicast() {
    let instance = unicast(instance(Version::V3, &["10.9.9.100"]), "10.9.9.1");
    crosses(&instance, "10.9.9.1", "10.9.9.2", VRRP, &V4, "48 255 112 0x0001 1 3 1 150");
}

#[test]
fn version_3_with_trailer() {
    let mut instance = instance(Version::V3, &["10.9.9.100"]);
    instance.authentication = hmac();
    let fields = ["ip.len", "ip.checksum.status"];
    crosses(&instance, "10.9.9.1", "224.0.0.18", VRRP, &fields, "60 1");
}

const V6: [&str; 5] = ["ipv6.tclass.dscp", "ipv6.hlim", "vrrp.version", "vrrp.checksum.status", "vrrp.addr_count"];

#[test]
fn ipv6() {
    let instance = instance(Version::V3, &["fe80::51", "2001:db8::100"]);
    crosses(&instance, "fe80::1", "ff02::12", VRRP, &V6, "48 255 3 1 2");
}

#[test]
fn ipv6_unicast() {
    let six = unicast(instance(Version::V3, &["fe80::51"]), "2001:db8::1");
    crosses(&six, "2001:db8::1", "2001:db8::2", VRRP, &V6, "48 255 3 1 1");
    let six = unicast(instance(Version::V3, &["fe80::51"]), "fe80::1");
    crosses(&six, "fe80::1", "fe80::2", VRRP, &V6, "48 255 3 1 1");
}

#[test]
fn ipv6_with_255_addresses_and_trailer() {
    let addresses: Vec<String> = (1..=255).map(|n| format!("2001:db8::{n}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let mut instance = instance(Version::V3, &addresses);
    instance.authentication = hmac();
    let pair = Pair::new();
    let endpoint_two = endpoint(&pair.two, VRRP, "ff02::12");
    let mut one = listening(&pair.one, &[endpoint(&pair.one, VRRP, "ff02::12")]);
    let mut two = listening(&pair.two, &[endpoint_two]);
    // Larger than the MTU: it arrives in fragments.
    assert_eq!(one.send(&[advert(&pair, &instance, "fe80::1", "ff02::12")]), []);
    let packets = received(&mut two, &endpoint_two, 1);
    assert_eq!(packets[0].bytes.len(), 8 + 255 * 16 + 28);
    assert!(packets[0].decode(&instance).is_ok());
}

#[test]
fn hop_limits_of_unicast() {
    let instance = unicast(instance(Version::V3, &["fe80::51"]), "2001:db8::1");
    let pair = Pair::new();
    let endpoint_two = endpoint(&pair.two, VRRP, "2001:db8::2");
    let mut one = listening(&pair.one, &[endpoint(&pair.one, VRRP, "2001:db8::1")]);
    let mut two = listening(&pair.two, &[endpoint_two]);
    let packet = Outgoing { hops: Some(64), ..advert(&pair, &instance, "2001:db8::1", "2001:db8::2") };
    assert_eq!(one.send(&[packet]), []);
    assert_eq!(received(&mut two, &endpoint_two, 1)[0].hops, Some(64));
}

/// An endpoint without link says by which link a packet came.
#[test]
fn any_link() {
    let pair = Pair::new();
    let four = unicast(instance(Version::V3, &["10.9.9.100"]), "10.9.9.1");
    let six = unicast(instance(Version::V3, &["2001:db8::100"]), "2001:db8::1");
    let any = |address: &str| Endpoint { link: None, protocol: VRRP, address: ip(address) };
    let mut one = listening(&pair.one, &[any("10.9.9.1"), any("2001:db8::1")]);
    let (four_two, six_two) = (any("10.9.9.2"), any("2001:db8::2"));
    let mut two = listening(&pair.two, &[four_two, six_two]);
    let packets = [
        Outgoing { link: None, ..advert(&pair, &six, "2001:db8::1", "2001:db8::2") },
        Outgoing { link: None, ..advert(&pair, &four, "10.9.9.1", "10.9.9.2") },
    ];
    assert_eq!(one.send(&packets), []);
    for (endpoint, instance) in [(four_two, &four), (six_two, &six)] {
        let packets = received(&mut two, &endpoint, 1);
        assert_eq!(packets[0].link, pair.two.index("eth0"));
        assert!(packets[0].decode(instance).is_ok());
    }
}

#[test]
fn many_at_once() {
    let pair = Pair::new();
    let (ours, theirs) = (endpoint(&pair.one, VRRP, "224.0.0.18"), endpoint(&pair.two, VRRP, "224.0.0.18"));
    let mut one = listening(&pair.one, &[ours]);
    let mut two = listening(&pair.two, &[theirs]);
    let mut wire = Wire::new(&instance(Version::V3, &["10.9.9.100"]));
    let advert = |_| {
        wire.begin(NOW);
        outgoing(&pair.one, "10.9.9.1", "224.0.0.18", wire.encode(150, ip("10.9.9.1"), ip("224.0.0.18")))
    };
    let adverts: Vec<Outgoing> = (0..500).map(advert).collect();
    assert_eq!(one.send(&adverts), []);
    let packets = received(&mut two, &theirs, 500);
    let numbers: Vec<u16> = packets.iter().map(|p| u16::from_be_bytes([p.bytes[4], p.bytes[5]])).collect();
    assert_eq!(numbers, (1..=500).collect::<Vec<u16>>(), "all of them, in order");
}

/// Returns what arrives of an advert with this VRID to this group, at endpoints of host two.
fn arrives(two: &mut Sockets, pair: &Pair, one: &mut Sockets, vrid: u8, group: &str, at: &[Endpoint]) -> Vec<usize> {
    let mut instance = instance(Version::V3, &["10.9.9.100"]);
    instance.vrid = Vrid::new(vrid).expect("a VRID");
    let capture = Capture::on(&pair.two);
    assert_eq!(one.send(&[advert(pair, &instance, "10.9.9.1", group)]), []);
    capture.frames(1, is_vrrp);
    // It is on the cable: the kernel has handed it to those that want it.
    let count = |endpoint| {
        let mut packets = Vec::new();
        receive(two, endpoint, &mut packets);
        packets.len()
    };
    at.iter().map(count).collect()
}

#[test]
fn everybody_hears_what_is_meant_for_him() {
    let pair = Pair::new();
    pair.two.run("ip link add eth1 type veth peer name eth2");
    pair.two.run("ip link set eth1 up");
    let group = endpoint(&pair.two, VRRP, "224.0.0.18");
    let other_group = endpoint(&pair.two, VRRP, "224.0.0.99");
    let other_link = Endpoint { link: Some(pair.two.index("eth1")), ..group };
    let all =
        [group, other_group, other_link, endpoint(&pair.two, VRRP, "10.9.9.2"), endpoint(&pair.two, AH, "224.0.0.18")];
    let mut one = listening(&pair.one, &[endpoint(&pair.one, VRRP, "224.0.0.18")]);
    let mut two = listening(&pair.two, &all);
    assert_eq!(arrives(&mut two, &pair, &mut one, VRID, "224.0.0.18", &all), [1, 0, 0, 0, 0]);
    assert_eq!(arrives(&mut two, &pair, &mut one, VRID, "224.0.0.99", &all), [0, 1, 0, 0, 0]);
    assert_eq!(arrives(&mut two, &pair, &mut one, VRID, "10.9.9.2", &all), [0, 0, 0, 1, 0]);
    // Virtual routers of others wake nobody, until they are ours.
    assert_eq!(arrives(&mut two, &pair, &mut one, 52, "224.0.0.18", &all), [0; 5]);
    let vrids: Vec<u8> = (0..=255).rev().collect();
    two.ensure(group, &vrids).expect("open");
    for vrid in [1, 52, 255] {
        assert_eq!(arrives(&mut two, &pair, &mut one, vrid, "224.0.0.18", &all), [1, 0, 0, 0, 0]);
    }
    two.ensure(group, &[]).expect("open");
    assert_eq!(arrives(&mut two, &pair, &mut one, VRID, "224.0.0.18", &all), [0; 5]);
    two.close(&group);
    assert_eq!(two.listening().count(), 4);
    assert_eq!(two.receive(&group, |_| ()), Err(Error::Closed(group)));
}

#[test]
fn a_damaged_ipv6_packet_does_not_arrive() {
    let pair = Pair::new();
    let six = endpoint(&pair.two, VRRP, "ff02::12");
    let mut two = listening(&pair.two, &[six]);
    let mut frames = Capture::on(&pair.two);
    let mut one = listening(&pair.one, &[endpoint(&pair.one, VRRP, "ff02::12")]);
    let instance = instance(Version::V3, &["fe80::51"]);
    assert_eq!(one.send(&[advert(&pair, &instance, "fe80::1", "ff02::12")]), []);
    let mut damaged = frames.frames(1, is_vrrp).remove(0);
    received(&mut two, &six, 1);
    // The priority.
    damaged[56] ^= 1;
    frames = Capture::on(&pair.two);
    assert_eq!(one.send_frames(&[Frame { link: pair.one.index("eth0"), bytes: damaged }]), []);
    frames.frames(1, is_vrrp);
    let mut packets = Vec::new();
    receive(&mut two, &six, &mut packets);
    assert_eq!(packets, []);
}

#[test]
fn announcements() {
    let pair = Pair::new();
    let link = pair.one.index("eth0");
    let mut one = pair.one.inside(sockets);
    // Somebody else had the addresses.
    for (address, family) in [("10.9.9.100", "-4"), ("2001:db8::100", "-6")] {
        pair.two.run(&format!("ip {family} neigh add {address} lladdr 02:00:00:00:00:99 nud stale dev eth0"));
    }
    let (IpAddr::V4(four), IpAddr::V6(six)) = (ip("10.9.9.100"), ip("2001:db8::100")) else { panic!("addresses") };
    let mac = pair.one.mac();
    let capture = Capture::on(&pair.two);
    let frames = [
        Frame { link, bytes: gratuitous_arp(mac, four) },
        Frame { link, bytes: neighbour_advertisement(mac, six, false) },
    ];
    assert_eq!(one.send_frames(&frames), []);
    let ours = |frame: &[u8]| frame[6..12] == mac && matches!(frame.get(12..14), Some([8, 6] | [0x86, 0xdd]));
    let seen = capture.frames(2, |frame| ours(frame) && frames.iter().any(|sent| sent.bytes == frame));
    let fields = [
        "arp.opcode",
        "arp.isgratuitous",
        "arp.src.proto_ipv4",
        "icmpv6.checksum.status",
        "icmpv6.nd.na.target_address",
    ];
    let arp = tshark(&seen[..1], &fields[..3], true);
    assert!(["1 1 10.9.9.100", "1 True 10.9.9.100"].contains(&arp[0].as_str()), "{arp:?}");
    assert_eq!(tshark(&seen[1..], &fields[3..], true), ["1 2001:db8::100"]);
    // The judge that matters: where its packets go now.
    let text: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = text.join(":");
    for address in ["10.9.9.100", "2001:db8::100"] {
        until("the neighbour knows", || pair.two.run(&format!("ip neigh show {address}")).contains(&text));
    }
}

#[test]
fn one_failure_does_not_stop_the_others() {
    let pair = Pair::new();
    let group = endpoint(&pair.two, VRRP, "224.0.0.18");
    let mut two = listening(&pair.two, &[group]);
    let ours = [endpoint(&pair.one, VRRP, "224.0.0.18"), endpoint(&pair.one, VRRP, "ff02::12")];
    let mut one = listening(&pair.one, &ours);
    let instance = instance(Version::V3, &["10.9.9.100"]);
    let good = advert(&pair, &instance, "10.9.9.1", "224.0.0.18");
    let no_link = Outgoing { link: Some(9999), ..good.clone() };
    let two_families = Outgoing { to: ip("fe80::2"), ..good.clone() };
    let not_ours = outgoing(&pair.one, "fe80::77", "ff02::12", vec![0x31; 8]);
    let packets = [no_link, good.clone(), not_ours, two_families, good];
    let (failed, text): (Vec<usize>, Vec<String>) =
        pair.one.inside(|| one.send(&packets).into_iter().map(|(at, error)| (at, error.to_string())).unzip());
    assert_eq!(failed, [0, 2, 3], "{text:?}");
    assert_eq!(text[0], "cannot send to 224.0.0.18 by link number 9999: there is no such link (any more)");
    assert!(
        text[1].starts_with("cannot send to ff02::12 by link eth0: the source address is not on the link"),
        "{text:?}"
    );
    assert_eq!(received(&mut two, &group, 2).len(), 2);
    let frame = Frame { link: 9999, bytes: vec![0; 42] };
    let text: Vec<String> = one.send_frames(&[frame]).into_iter().map(|(_, error)| error.to_string()).collect();
    assert_eq!(text, ["cannot send to the neighbours by link number 9999: there is no such link (any more)"]);
    pair.one.run("ip link set eth0 down");
    let advert = [Outgoing { link: Some(pair.one.index("eth0")), ..packets[1].clone() }];
    let failed = pair.one.inside(|| one.send(&advert));
    assert_eq!(failed.len(), 1);
}

#[test]
fn a_link_that_is_not_there() {
    let pair = Pair::new();
    let nowhere = Endpoint { link: Some(9999), protocol: VRRP, address: ip("224.0.0.18") };
    let error = pair.one.inside(|| sockets().ensure(nowhere, &[1]).map(drop)).expect_err("no link");
    let expected =
        "cannot listen for adverts to 224.0.0.18 (IP protocol 112, link number 9999): there is no such link (any more)";
    assert_eq!(error.to_string(), expected);
}

/// An address that is added later, and a link that goes down and up again.
#[test]
fn what_comes_later_is_heard() {
    let pair = Pair::new();
    let later = endpoint(&pair.two, VRRP, "10.9.9.22");
    let group = endpoint(&pair.two, VRRP, "224.0.0.18");
    let mut two = listening(&pair.two, &[later, group]);
    let mut one = listening(&pair.one, &[endpoint(&pair.one, VRRP, "224.0.0.18")]);
    pair.two.run("ip address add 10.9.9.22/24 dev eth0");
    pair.two.run("ip link set eth0 down");
    pair.two.run("ip link set eth0 up");
    until("the carrier is there", || pair.one.run("ip -br link show dev eth0").contains(" UP "));
    let instance = instance(Version::V3, &["10.9.9.100"]);
    let adverts = ["10.9.9.22", "224.0.0.18"].map(|to| advert(&pair, &instance, "10.9.9.1", to));
    assert_eq!(one.send(&adverts), []);
    assert_eq!(received(&mut two, &later, 1).len(), 1);
    assert_eq!(received(&mut two, &group, 1).len(), 1);
}

/// Runs itself without the capability.
#[test]
fn without_permission() {
    if std::env::var_os("WITHOUT_NET_RAW").is_some() {
        let error = Sockets::new().map(drop).expect_err("no permission");
        println!("it says: {error}");
        return;
    }
    let test = std::env::current_exe().expect("this program");
    let output = Command::new("setpriv")
        .args(["--bounding-set=-net_raw", "--inh-caps=-net_raw"])
        .arg(test)
        .args(["--exact", "sockets::without_permission", "--nocapture"])
        .env("WITHOUT_NET_RAW", "1")
        .output()
        .expect("setpriv");
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "cannot open raw sockets, which VRRP needs: run this as root, or with the capability CAP_NET_RAW";
    assert!(said.contains(&format!("it says: {expected}")), "{said}");
}
