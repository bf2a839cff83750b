//! Requests that are read back, golden messages of stock ipvsadm, and garbage.

use std::net::IpAddr;

use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::{
    model::{
        Change, Checksum, DaemonRole, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, Scheduler,
        SchedulerFlags, ServerKey, ServiceKey, SyncDaemon, Thresholds, Timeouts, Tunnel, VirtualService, Weight,
    },
    sys::netlink::{Attributes, Batch},
};

/// What follows the netlink header of the request for a change: command, version, attributes.
pub(super) fn request(wanted: &Change) -> Vec<u8> {
    let mut batch = Batch::default();
    change(&mut batch, 0x1c, wanted);
    let bytes = batch.requests().next().expect("a request");
    bytes[16..].to_vec()
}

fn addresses() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn families() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

fn service_keys() -> impl Strategy<Value = ServiceKey> {
    let address = (any::<u16>(), addresses(), any::<u16>()).prop_map(|(protocol, address, port)| ServiceKey::Address {
        protocol: Protocol::from_number(protocol),
        address,
        port,
    });
    prop_oneof![address, (1u32.., families()).prop_map(|(mark, family)| ServiceKey::Mark { mark, family })]
}

fn services() -> impl Strategy<Value = VirtualService> {
    let flags = any::<[bool; 3]>().prop_map(|[first, second, third]| SchedulerFlags { first, second, third });
    let persistence = option::of((any::<u32>(), any::<[u8; 4]>(), any::<u8>()));
    let parts = (service_keys(), "[a-z-]{0,15}", flags, persistence, option::of("[a-z]{1,16}"), any::<bool>());
    parts.prop_map(|(key, scheduler, flags, persistence, engine, one_packet)| VirtualService {
        key,
        scheduler: Scheduler::new(&scheduler),
        flags,
        persistence: persistence.map(|(timeout, mask, prefix)| Persistence {
            timeout,
            netmask: match key.family() {
                Family::V4 => Netmask::V4(mask.into()),
                Family::V6 => Netmask::V6(prefix),
            },
        }),
        engine,
        one_packet,
    })
}

fn forwardings() -> impl Strategy<Value = Forwarding> {
    let checksums = || prop_oneof![Just(Checksum::None), Just(Checksum::Full), Just(Checksum::Remote)];
    prop_oneof![
        Just(Forwarding::Masquerade),
        Just(Forwarding::Local),
        Just(Forwarding::Route),
        Just(Forwarding::Bypass),
        Just(Forwarding::Tunnel(Tunnel::Ipip)),
        (any::<u16>(), checksums()).prop_map(|(port, checksum)| Forwarding::Tunnel(Tunnel::Gue { port, checksum })),
        checksums().prop_map(|checksum| Forwarding::Tunnel(Tunnel::Gre { checksum })),
    ]
}

fn server_keys() -> impl Strategy<Value = ServerKey> {
    (addresses(), any::<u16>()).prop_map(|(address, port)| ServerKey { address, port })
}

fn servers() -> impl Strategy<Value = RealServer> {
    let weights = (0..=Weight::MAX.value()).prop_map(|weight| Weight::new(weight).expect("in range"));
    let thresholds = any::<(u32, u32)>().prop_map(|(upper, lower)| Thresholds { upper, lower });
    (server_keys(), forwardings(), weights, thresholds).prop_map(|(key, forwarding, weight, thresholds)| RealServer {
        key,
        forwarding,
        weight,
        thresholds,
    })
}

fn roles() -> impl Strategy<Value = DaemonRole> {
    prop_oneof![Just(DaemonRole::Master), Just(DaemonRole::Backup)]
}

fn daemons() -> impl Strategy<Value = SyncDaemon> {
    let options =
        (option::of(any::<u16>()), option::of(addresses()), option::of(any::<u16>()), option::of(any::<u8>()));
    (roles(), "[a-z0-9.]{0,15}", any::<u8>(), options).prop_map(
        |(role, interface, sync_id, (max_len, group, port, ttl))| SyncDaemon {
            role,
            interface,
            sync_id,
            max_len,
            group,
            port,
            ttl,
        },
    )
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        services().prop_map(Change::AddService),
        services().prop_map(Change::EditService),
        service_keys().prop_map(Change::DeleteService),
        (service_keys(), servers()).prop_map(|(key, server)| Change::AddServer(key, server)),
        (service_keys(), servers()).prop_map(|(key, server)| Change::EditServer(key, server)),
        (service_keys(), server_keys()).prop_map(|(service, key)| Change::DeleteServer(service, key)),
        any::<(u32, u32, u32)>().prop_map(|(tcp, tcp_fin, udp)| Change::SetTimeouts(Timeouts { tcp, tcp_fin, udp })),
        daemons().prop_map(Change::StartDaemon),
        roles().prop_map(Change::StopDaemon),
        option::of(service_keys()).prop_map(Change::Zero),
        Just(Change::Clear),
    ]
}

/// Reads a request as an answer and compares: requests and answers use the same attributes.
fn read_back(wanted: &Change) {
    let bytes = request(wanted);
    let number = bytes[0];
    match wanted {
        Change::AddService(expected) | Change::EditService(expected) => {
            assert!([command::NEW_SERVICE, command::SET_SERVICE].contains(&number));
            assert_eq!(service(&bytes).expect("decodes").service, *expected);
        }
        Change::AddServer(key, expected) | Change::EditServer(key, expected) => {
            assert!([command::NEW_DEST, command::SET_DEST].contains(&number));
            assert_eq!(service_key(&bytes), Ok(*key));
            assert_eq!(server(&bytes, key.family()).expect("decodes").server, *expected);
        }
        Change::DeleteService(key) | Change::DeleteServer(key, _) | Change::Zero(Some(key)) => {
            assert!([command::DEL_SERVICE, command::DEL_DEST, command::ZERO].contains(&number));
            assert_eq!(service_key(&bytes), Ok(*key));
        }
        Change::SetTimeouts(expected) => assert_eq!(timeouts(&bytes), Ok(*expected)),
        Change::StartDaemon(expected) => assert_eq!(daemon(&bytes), Ok(expected.clone())),
        Change::StopDaemon(_) => assert_eq!(number, command::DEL_DAEMON),
        Change::Zero(None) | Change::Clear => assert_eq!(bytes.len(), 4),
    }
}

fn decode_all(bytes: &[u8]) {
    let _ = service(bytes);
    let _ = service_key(bytes);
    let _ = server(bytes, Family::V4);
    let _ = server(bytes, Family::V6);
    let _ = daemon(bytes);
    let _ = timeouts(bytes);
    let _ = info(bytes);
}

proptest! {
    #[test]
    fn what_is_asked_for_is_what_would_be_understood(change in changes()) {
        read_back(&change);
    }

    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..300)) {
        decode_all(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(change in changes(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut bytes = request(&change);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decode_all(&bytes);
        decode_all(&bytes[..cut.index(bytes.len())]);
    }
}

fn full_server() -> Change {
    let service = ServiceKey::Mark { mark: 1, family: Family::V6 };
    let key = ServerKey { address: "2001:db8::1".parse().expect("an address"), port: 80 };
    let forwarding = Forwarding::Tunnel(Tunnel::Gue { port: 6080, checksum: Checksum::Remote });
    let thresholds = Thresholds { upper: 10, lower: 5 };
    Change::AddServer(service, RealServer { key, forwarding, weight: Weight::default(), thresholds })
}

/// Removes the attribute `kind` from the nest `nest` of a message.
fn without(message: &[u8], nest: u16, kind: u16) -> Vec<u8> {
    let mut batch = Batch::default();
    batch.push(0x1c, &message[..4], |w| {
        for attribute in Attributes::of_command(message).expect("long enough").flatten() {
            w.nest(attribute.kind, |w| {
                let kept = attribute.nested().flatten().filter(|a| attribute.kind != nest || a.kind != kind);
                kept.for_each(|a| w.bytes(a.kind, a.payload));
            });
        }
    });
    batch.requests().next().expect("a request")[16..].to_vec()
}

#[test]
fn a_server_without_a_family_is_of_its_services() {
    let bytes = without(&request(&full_server()), top::DEST, server_attribute::ADDR_FAMILY);
    let found = server(&bytes, Family::V6).expect("decodes").server;
    assert_eq!(found.key.to_string(), "[2001:db8::1]:80");
    // An IPv4 address stands in the first four of the sixteen bytes.
    assert_eq!(server(&bytes, Family::V4).expect("decodes").server.key.to_string(), "32.1.13.184:80");
}

#[test]
fn what_is_missing_is_named() {
    let bytes = without(&request(&full_server()), top::DEST, server_attribute::WEIGHT);
    let error = server(&bytes, Family::V6).expect_err("no weight");
    assert_eq!(error.to_string(), "IPVS_DEST_ATTR_WEIGHT: missing");
    let error = server(&request(&Change::Clear), Family::V6).expect_err("no server");
    assert_eq!(error.to_string(), "IPVS_CMD_ATTR_DEST: missing");
}

#[test]
fn statistics_prefer_64_bits_and_do_with_32() {
    let stats = |kinds: &[u16]| {
        let mut batch = Batch::default();
        batch.push(0x1c, &[5, 1, 0, 0], |w| {
            w.nest(top::DEST, |w| {
                w.bytes(server_attribute::ADDR, &[10, 0, 0, 1]);
                w.u16_be(server_attribute::PORT, 80);
                w.u32(server_attribute::FWD_METHOD, 0x103);
                w.u32(server_attribute::WEIGHT, 1);
                w.u32(99, 1);
                for kind in kinds {
                    w.nest(*kind, |w| {
                        if *kind == server_attribute::STATS64 {
                            w.bytes(stats_attribute::CONNS, &u64::to_ne_bytes(1 << 40));
                        } else {
                            w.u32(stats_attribute::CONNS, 7);
                        }
                        w.bytes(stats_attribute::INBYTES, &u64::to_ne_bytes(1 << 41));
                        w.bytes(11, &[]);
                    });
                }
            });
        });
        let bytes = batch.requests().next().expect("a request")[16..].to_vec();
        let found = server(&bytes, Family::V4).expect("decodes");
        assert_eq!(found.server.forwarding, Forwarding::Route);
        found.status.stats.map(|stats| (stats.connections, stats.in_bytes))
    };
    let (narrow, wide) = (server_attribute::STATS, server_attribute::STATS64);
    assert_eq!(stats(&[narrow, wide]), Some((1 << 40, 1 << 41)));
    assert_eq!(stats(&[wide, narrow]), Some((1 << 40, 1 << 41)));
    assert_eq!(stats(&[narrow]), Some((7, 1 << 41)));
    assert_eq!(stats(&[]), None);
}
