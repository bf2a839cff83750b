//! What listings look like, from a table made by hand: text for people, JSON for programs.

use lvsadm::{
    cli::{json, names::Names, render},
    ipvs::procfs,
    model::{
        Checksum, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, Scheduler, SchedulerFlags, ServerKey,
        ServerStatus, ServiceKey, Snapshot, SnapshotServer, SnapshotService, Stats, Thresholds, Tunnel, VirtualService,
        Weight,
    },
};

use crate::check;

fn server(address: &str, port: u16, forwarding: Forwarding) -> SnapshotServer {
    SnapshotServer {
        server: RealServer {
            key: ServerKey { address: address.parse().expect("an address"), port },
            forwarding,
            weight: Weight::default(),
            thresholds: Thresholds::default(),
        },
        status: ServerStatus { active: 3, inactive: 1234, persistent: 2, stats: None },
    }
}

/// Something of everything, and names that somebody hostile chose.
fn snapshot() -> Snapshot {
    let stats = Stats {
        connections: 123_456,
        in_packets: 12_345_678_901,
        out_packets: u64::MAX,
        in_bytes: 5_000_000_000,
        out_bytes: 0,
        connection_rate: 1_000,
        in_packet_rate: 99_999,
        out_packet_rate: 100_000,
        in_byte_rate: 1_048_576,
        out_byte_rate: 9_999,
    };
    let web = ServiceKey::Address { protocol: Protocol::Tcp, address: "10.0.0.1".parse().expect("IPv4"), port: 80 };
    let dns = ServiceKey::Address { protocol: Protocol::Udp, address: "2001:db8::1".parse().expect("IPv6"), port: 53 };
    let limited = server("10.1.0.1", 80, Forwarding::Route);
    let limited = SnapshotServer {
        server: RealServer { thresholds: Thresholds { upper: 100, lower: 50 }, ..limited.server },
        status: ServerStatus { stats: Some(stats), ..limited.status },
    };
    let gue = Tunnel::Gue { port: 6080, checksum: Checksum::Remote };
    Snapshot {
        services: vec![
            SnapshotService {
                service: VirtualService {
                    scheduler: Scheduler::new("mh"),
                    flags: SchedulerFlags { first: true, second: true, third: false },
                    persistence: Some(Persistence { timeout: 90_061, netmask: Netmask::V4([255, 255, 0, 0].into()) }),
                    ..VirtualService::new(web)
                },
                stats: Some(stats),
                servers: vec![
                    limited,
                    server("10.1.0.2", 8080, Forwarding::Masquerade),
                    server("2001:db8::2", 80, Forwarding::Tunnel(Tunnel::Ipip)),
                    server("10.1.0.3", 80, Forwarding::Tunnel(gue)),
                    server("10.1.0.4", 80, Forwarding::Tunnel(Tunnel::Gre { checksum: Checksum::Full })),
                ],
            },
            SnapshotService {
                service: VirtualService {
                    scheduler: Scheduler::new("\u{1b}[2Jrr"),
                    persistence: Some(Persistence { timeout: 300, netmask: Netmask::V6(64) }),
                    engine: Some("si\np".to_owned()),
                    one_packet: true,
                    ..VirtualService::new(dns)
                },
                stats: None,
                servers: Vec::new(),
            },
            SnapshotService {
                service: VirtualService::new(ServiceKey::Mark { mark: u32::MAX, family: Family::V6 }),
                stats: None,
                servers: vec![server("2001:db8::3", 0, Forwarding::Local)],
            },
        ],
    }
}

fn text(columns: render::Columns) -> String {
    render::services(&snapshot(), columns, &render::Notes::default(), &Names::new(false))
}

#[test]
fn tables() {
    let columns = render::Columns::default();
    check("list", &text(columns));
    check("list-rates", &text(render::Columns { rates: true, ..columns }));
    check("list-stats-exact", &text(render::Columns { counters: true, exact: true, persistent: true, ..columns }));
    assert_eq!(
        render::services(&Snapshot::default(), columns, &render::Notes::default(), &Names::new(false)),
        "SERVICE / SERVER  METHOD  WEIGHT  ACTIVE  INACTIVE\n"
    );
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}

/// A change here is a change of the contract: new fields only, or another number of the schema.
#[test]
fn json_of_the_table() {
    check("list-json", &pretty(&json::Table::new(&snapshot(), true, &render::Notes::default())));
}

const CONNECTIONS: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP AC100102 A74E AC100101 0050 AC100302 1F90 ESTABLISHED     896
UDP AC100102 A74E AC100101 13C4 AC100302 13C4 UDP              99 sip \u{1b}[2J@host
IP  AC100100 0000 00000005 0000 AC100302 0000 NONE          90061
TCP [2001:0db8:0000:0000:0000:0000:0000:0002] A74E [2001:0db8:0000:0000:0000:0000:0000:0001] 0050 [2001:0db8:0000:0000:0000:0000:0000:0011] 0050 FIN_WAIT 1
";

#[test]
fn connections() {
    let found: Vec<_> = procfs::connections(CONNECTIONS).map(|line| line.expect("understood")).collect();
    check("connections", &render::connections(&found, &Names::new(false)));
    check("connections-json", &pretty(&json::Connections::new(4, &found)));
    let groups = [("10.0.0.2".to_owned(), 1234), ("10.0.0.3".to_owned(), 1)];
    check("connections-counted", &render::groups("CLIENT", &groups));
    check("connections-counted-json", &pretty(&json::Groups::new("client", 1235, &groups)));
}
