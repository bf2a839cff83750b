//! ipvsadm's table listings, byte for byte: snapshot → text.
//!
//! Pure. Widths and blanks at line ends are interface: scripts cut columns out of these lines.

use std::{fmt::Write, net::IpAddr};

use crate::{
    model::{
        Checksum, Family, Forwarding, Info, Protocol, ServiceKey, SnapshotServer, SnapshotService, Stats, SyncDaemon,
        Timeouts, Tunnel, VirtualService,
    },
    state::{
        grammar::{Columns, Listing},
        names::Resolver,
        print,
    },
};

/// Returns the listing of `services`; `info` heads it where the whole table is listed.
pub(in crate::cli) fn table(
    info: Option<&Info>,
    services: &[SnapshotService],
    listing: &Listing,
    names: &Resolver,
) -> String {
    let mut text = info.map(|info| format!("{info}\n")).unwrap_or_default();
    headings(&mut text, listing.columns);
    let row = Row { listing, names };
    for each in services {
        row.service(&mut text, each);
        for server in &each.servers {
            row.server(&mut text, &each.service.key, server);
        }
    }
    text
}

/// Returns `-L --timeout`.
pub(super) fn timeouts(timeouts: &Timeouts) -> String {
    format!("Timeout (tcp tcpfin udp): {} {} {}\n", timeouts.tcp, timeouts.tcp_fin, timeouts.udp)
}

/// Returns `-L --daemon`: a line for each daemon, nothing where there is none.
pub(super) fn daemons(daemons: &[SyncDaemon]) -> String {
    let mut daemons: Vec<&SyncDaemon> = daemons.iter().collect();
    daemons.sort_by_key(|daemon| daemon.role);
    let mut text = String::new();
    for daemon in daemons {
        let _ = write!(text, "{} sync daemon (mcast={}, syncid={}", daemon.role, daemon.interface, daemon.sync_id);
        let mut part = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, ", {name}={value}");
            }
        };
        part("maxlen", daemon.max_len.filter(|n| *n != 0).map(|n| n.to_string()));
        part(
            "group",
            daemon.group.map(|group| match group {
                IpAddr::V4(group) => group.to_string(),
                IpAddr::V6(group) => print::ipv6(group),
            }),
        );
        part("port", daemon.port.filter(|n| *n != 0).map(|n| n.to_string()));
        part("ttl", daemon.ttl.filter(|n| *n != 0).map(|n| n.to_string()));
        text.push_str(")\n");
    }
    text
}

fn headings(text: &mut String, columns: Columns) {
    let address = "Prot LocalAddress:Port";
    let _ = match columns {
        Columns::Default | Columns::TunInfo => writeln!(text, "{address} Scheduler Flags"),
        Columns::Stats => writeln!(
            text,
            "{address:<33} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"
        ),
        Columns::Rate => {
            writeln!(text, "{address:<33} {:>8} {:>8} {:>8} {:>8} {:>8}", "CPS", "InPPS", "OutPPS", "InBPS", "OutBPS")
        }
        Columns::Thresholds => writeln!(
            text,
            "{address:<33} {:<10} {:<10} {:<10} {:<10}",
            "Uthreshold", "Lthreshold", "ActiveConn", "InActConn"
        ),
        Columns::PersistentConn => writeln!(
            text,
            "{address:<33} {:<9} {:<11} {:<10} {:<10}",
            "Weight", "PersistConn", "ActiveConn", "InActConn"
        ),
    };
    text.push_str(match columns {
        Columns::Default => "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
        Columns::TunInfo => "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n",
        _ => "  -> RemoteAddress:Port\n",
    });
}

/// What the rows of one listing have in common.
struct Row<'a> {
    listing: &'a Listing,
    names: &'a Resolver,
}

impl Row<'_> {
    fn service(&self, text: &mut String, each: &SnapshotService) {
        let name = self.service_name(&each.service.key);
        let stats = each.stats.unwrap_or_default();
        match self.listing.columns {
            Columns::Stats => {
                let _ = write!(text, "{name:<33}");
                self.counters(text, &stats);
            }
            Columns::Rate => {
                let _ = write!(text, "{name:<33}");
                for rate in [
                    stats.connection_rate,
                    stats.in_packet_rate,
                    stats.out_packet_rate,
                    stats.in_byte_rate,
                    stats.out_byte_rate,
                ] {
                    big(text, rate, self.listing.exact);
                }
            }
            _ => {
                let _ = write!(text, "{name} {}{}", each.service.scheduler, settings(&each.service));
            }
        }
        text.push('\n');
    }

    fn server(&self, text: &mut String, service: &ServiceKey, each: &SnapshotServer) {
        let (server, status) = (&each.server, &each.status);
        let stats = status.stats.unwrap_or_default();
        let mut address = self.endpoint(server.key.address, server.key.port, protocol(service));
        if server.key.family() == Family::V4 {
            cut(&mut address, 28);
        }
        let _ = write!(text, "  -> {address:<28}");
        let _ = match self.listing.columns {
            Columns::Default => {
                let forward = forwarding(server.forwarding);
                write!(text, " {forward:<7} {:<6} {:<10} {:<10}", server.weight, status.active, status.inactive)
            }
            Columns::TunInfo => {
                let (forward, tunnel) = (forwarding(server.forwarding), tunnel(server.forwarding));
                write!(
                    text,
                    " {forward:<7} {tunnel:<13} {:<6} {:<10} {:<10}",
                    server.weight, status.active, status.inactive
                )
            }
            Columns::Thresholds => write!(
                text,
                " {:<10} {:<10} {:<10} {:<10}",
                server.thresholds.upper, server.thresholds.lower, status.active, status.inactive
            ),
            Columns::PersistentConn => write!(
                text,
                " {:<9} {:<11} {:<10} {:<10}",
                server.weight, status.persistent, status.active, status.inactive
            ),
            Columns::Stats => {
                self.counters(text, &stats);
                Ok(())
            }
            Columns::Rate => {
                // The first three are never abbreviated, unlike those of services.
                let result = write!(
                    text,
                    " {:>8} {:>8} {:>8}",
                    stats.connection_rate, stats.in_packet_rate, stats.out_packet_rate
                );
                big(text, stats.in_byte_rate, self.listing.exact);
                big(text, stats.out_byte_rate, self.listing.exact);
                result
            }
        };
        text.push('\n');
    }

    fn counters(&self, text: &mut String, stats: &Stats) {
        for count in [stats.connections, stats.in_packets, stats.out_packets, stats.in_bytes, stats.out_bytes] {
            big(text, count, self.listing.exact);
        }
    }

    /// `TCP  10.0.0.1:80`, `FWM  5 IPv6`.
    fn service_name(&self, key: &ServiceKey) -> String {
        match *key {
            ServiceKey::Address { protocol, address, port } => {
                let label = match protocol {
                    Protocol::Tcp => "TCP",
                    Protocol::Udp => "UDP",
                    Protocol::Sctp => "SCTP",
                    Protocol::Other(_) => "?",
                };
                let mut name = format!("{label:<4} {}", self.endpoint(address, port, Some(protocol)));
                if address.is_ipv4() {
                    cut(&mut name, 33);
                }
                name
            }
            // Marks of 2^31 and above are shown as negative numbers.
            ServiceKey::Mark { mark, family: Family::V4 } => format!("FWM  {}", mark as i32),
            ServiceKey::Mark { mark, family: Family::V6 } => format!("FWM  {} IPv6", mark as i32),
        }
    }

    fn endpoint(&self, address: IpAddr, port: u16, protocol: Option<Protocol>) -> String {
        if self.listing.numeric {
            print::numeric(address, port, protocol)
        } else {
            endpoint(self.names, address, port, protocol)
        }
    }
}

/// Everything after the scheduler: ` (flag-1) persistent 360 mask 255.255.255.0 pe sip ops`.
fn settings(service: &VirtualService) -> String {
    let mut text = String::new();
    if service.flags.any() {
        let mut flags = service.flags;
        // sh and mh have no name for the third flag here, so alone it shows as empty brackets.
        if matches!(service.scheduler.as_str(), "sh" | "mh") {
            flags.third = false;
        }
        let _ = write!(text, " ({})", print::flag_names(flags, service.scheduler.as_str()));
    }
    if let Some(persistence) = service.persistence {
        let _ = write!(text, " persistent {}", persistence.timeout);
        if !persistence.netmask.is_host() {
            let _ = write!(text, " mask {}", persistence.netmask);
        }
        if let Some(engine) = &service.engine {
            let _ = write!(text, " pe {engine}");
        }
    }
    if service.one_packet {
        text.push_str(" ops");
    }
    text
}

fn protocol(key: &ServiceKey) -> Option<Protocol> {
    match key {
        ServiceKey::Address { protocol, .. } => Some(*protocol),
        ServiceKey::Mark { .. } => None,
    }
}

fn forwarding(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Masquerade => "Masq",
        Forwarding::Local => "Local",
        Forwarding::Tunnel(_) => "Tunnel",
        Forwarding::Route => "Route",
        Forwarding::Bypass => "Bypass",
    }
}

fn tunnel(forwarding: Forwarding) -> String {
    match forwarding {
        Forwarding::Tunnel(Tunnel::Ipip) => "ipip".to_owned(),
        Forwarding::Tunnel(Tunnel::Gue { port, checksum }) => format!("gue:{port}:{}", checksum_mark(checksum)),
        Forwarding::Tunnel(Tunnel::Gre { checksum }) => format!("gre:{}", checksum_mark(checksum)),
        _ => "n/a".to_owned(),
    }
}

fn checksum_mark(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::None => "-c",
        Checksum::Full => "+c",
        Checksum::Remote => "r+c",
    }
}

/// Writes an address and a port as names, in as many bytes as ipvsadm has for them: long names lose their port.
pub(super) fn endpoint(names: &Resolver, address: IpAddr, port: u16, protocol: Option<Protocol>) -> String {
    let mut text = names.endpoint(address, port, protocol);
    cut(&mut text, 59);
    text
}

/// A counter: nine columns, abbreviated where it has more than eight digits, unless it must be `exact`.
fn big(text: &mut String, value: u64, exact: bool) {
    let _ = match value {
        0..100_000_000 => write!(text, "{value:>9}"),
        _ if exact => write!(text, " {value}"),
        100_000_000..1_000_000_000 => write!(text, "{:>8}K", value / 1_000),
        1_000_000_000..100_000_000_000 => write!(text, "{:>8}M", value / 1_000_000),
        100_000_000_000..100_000_000_000_000 => write!(text, "{:>8}G", value / 1_000_000_000),
        _ => write!(text, "{:>8}T", value / 1_000_000_000_000),
    };
}

/// Shortens `text` to at most `max` bytes.
pub(super) fn cut(text: &mut String, max: usize) {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        DaemonRole, Netmask, Persistence, RealServer, Scheduler, SchedulerFlags, ServerKey, ServerStatus, Thresholds,
        Weight,
    };

    fn service(key: ServiceKey, scheduler: &str) -> VirtualService {
        VirtualService { scheduler: Scheduler::new(scheduler), ..VirtualService::new(key) }
    }

    fn tcp(address: &str, port: u16) -> ServiceKey {
        ServiceKey::Address { protocol: Protocol::Tcp, address: address.parse().unwrap(), port }
    }

    fn server(address: &str, port: u16, forwarding: Forwarding) -> SnapshotServer {
        let server = RealServer {
            key: ServerKey { address: address.parse().unwrap(), port },
            forwarding,
            weight: Weight::new(100).unwrap(),
            thresholds: Thresholds { upper: 100, lower: 50 },
        };
        let stats = Stats {
            connections: 3,
            in_packets: 20,
            out_packets: 19,
            in_bytes: 1213,
            out_bytes: 21411,
            connection_rate: 100_000_000,
            in_byte_rate: 100_000_000,
            ..Stats::default()
        };
        let status = ServerStatus { active: 1, inactive: 2, persistent: 1, stats: Some(stats) };
        SnapshotServer { server, status }
    }

    fn row(columns: Columns, server: SnapshotServer) -> String {
        let listing = Listing { columns, numeric: true, ..Listing::default() };
        let names = Resolver::new();
        let mut text = String::new();
        Row { listing: &listing, names: &names }.server(&mut text, &tcp("10.0.0.1", 80), &server);
        text
    }

    fn service_row(service: VirtualService) -> String {
        let listing = Listing { numeric: true, ..Listing::default() };
        let names = Resolver::new();
        let mut text = String::new();
        let each = SnapshotService { service, stats: None, servers: Vec::new() };
        Row { listing: &listing, names: &names }.service(&mut text, &each);
        text
    }

    /// Printed by ipvsadm 1.31.
    #[test]
    fn headings_of_an_empty_table() {
        let info = Info { version: 0x01_02_01, table_size: 4096 };
        let heading = |columns| {
            let listing = Listing { columns, ..Listing::default() };
            table(Some(&info), &[], &listing, &Resolver::new())
        };
        let first = "IP Virtual Server version 1.2.1 (size=4096)\n";
        let rest = [
            (
                Columns::Default,
                "Prot LocalAddress:Port Scheduler Flags\n  \
                 -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
            ),
            (
                Columns::TunInfo,
                "Prot LocalAddress:Port Scheduler Flags\n  \
                 -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n",
            ),
            (
                Columns::Stats,
                "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  \
                 -> RemoteAddress:Port\n",
            ),
            (
                Columns::Rate,
                "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  \
                 -> RemoteAddress:Port\n",
            ),
            (
                Columns::Thresholds,
                "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  \
                 -> RemoteAddress:Port\n",
            ),
            (
                Columns::PersistentConn,
                "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  \
                 -> RemoteAddress:Port\n",
            ),
        ];
        for (columns, text) in rest {
            assert_eq!(heading(columns), format!("{first}{text}"));
        }
    }

    #[test]
    fn services() {
        let persistence = Persistence { timeout: 360, netmask: Netmask::V4("255.255.255.0".parse().unwrap()) };
        let flags = SchedulerFlags { first: true, second: true, third: false };
        let udp = ServiceKey::Address { protocol: Protocol::Udp, address: "10.0.0.1".parse().unwrap(), port: 53 };
        let engine = Some("sip".to_owned());
        let cases = [
            (service(tcp("10.0.0.1", 80), "rr"), "TCP  10.0.0.1:80 rr\n"),
            (
                VirtualService { persistence: Some(persistence), ..service(tcp("10.0.0.1", 443), "wlc") },
                "TCP  10.0.0.1:443 wlc persistent 360 mask 255.255.255.0\n",
            ),
            (
                VirtualService { flags, one_packet: true, ..service(udp, "sh") },
                "UDP  10.0.0.1:53 sh (sh-fallback,sh-port) ops\n",
            ),
            (
                VirtualService {
                    persistence: Some(Persistence { timeout: 30, netmask: Netmask::host(Family::V4) }),
                    engine: engine.clone(),
                    ..service(udp, "wlc")
                },
                "UDP  10.0.0.1:53 wlc persistent 30 pe sip\n",
            ),
            // The engine is shown of persistent services only.
            (VirtualService { engine, ..service(udp, "wlc") }, "UDP  10.0.0.1:53 wlc\n"),
            (
                VirtualService {
                    flags: SchedulerFlags { third: true, ..SchedulerFlags::default() },
                    ..service(ServiceKey::Mark { mark: u32::MAX, family: Family::V6 }, "mh")
                },
                "FWM  -1 IPv6 mh ()\n",
            ),
            (
                service(
                    ServiceKey::Address { protocol: Protocol::Other(47), address: "::1".parse().unwrap(), port: 0 },
                    "rr",
                ),
                "?    [::1]:0 rr\n",
            ),
        ];
        for (service, text) in cases {
            assert_eq!(service_row(service), text);
        }
    }

    #[test]
    fn servers() {
        let nat = || server("172.16.3.2", 8080, Forwarding::Masquerade);
        let cases = [
            (Columns::Default, "  -> 172.16.3.2:8080              Masq    100    1          2         \n"),
            (
                Columns::TunInfo,
                "  -> 172.16.3.2:8080              Masq    n/a           100    1          2         \n",
            ),
            (Columns::Thresholds, "  -> 172.16.3.2:8080              100        50         1          2         \n"),
            (
                Columns::PersistentConn,
                "  -> 172.16.3.2:8080              100       1           1          2         \n",
            ),
            (Columns::Stats, "  -> 172.16.3.2:8080                     3       20       19     1213    21411\n"),
            (Columns::Rate, "  -> 172.16.3.2:8080              100000000        0        0  100000K        0\n"),
        ];
        for (columns, text) in cases {
            assert_eq!(row(columns, nat()), text);
        }
        // Long IPv6 addresses push the columns to the right.
        let long = server(
            "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1",
            8080,
            Forwarding::Tunnel(Tunnel::Gue { port: 60800, checksum: Checksum::Remote }),
        );
        assert_eq!(
            row(Columns::TunInfo, long),
            "  -> [2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:8080 Tunnel  gue:60800:r+c 100    1          2         \n"
        );
    }

    #[test]
    fn counters() {
        let written = |value, exact| {
            let mut text = String::new();
            big(&mut text, value, exact);
            text
        };
        for (value, text) in [
            (0, "        0"),
            (99_999_999, " 99999999"),
            (100_000_000, "  100000K"),
            (999_999_999, "  999999K"),
            (1_000_000_000, "    1000M"),
            (99_999_999_999, "   99999M"),
            (100_000_000_000, "     100G"),
            (100_000_000_000_000, "     100T"),
            (u64::MAX, "18446744T"),
        ] {
            assert_eq!(written(value, false), text);
        }
        assert_eq!(written(99_999_999, true), " 99999999");
        assert_eq!(written(100_000_000, true), " 100000000");
        assert_eq!(written(u64::MAX, true), " 18446744073709551615");
    }

    #[test]
    fn small_listings() {
        let shown = Timeouts { tcp: 900, tcp_fin: 120, udp: 300 };
        assert_eq!(timeouts(&shown), "Timeout (tcp tcpfin udp): 900 120 300\n");
        let master = SyncDaemon {
            role: DaemonRole::Master,
            interface: "eth0".to_owned(),
            sync_id: 0,
            max_len: Some(1472),
            group: Some("224.0.0.81".parse().unwrap()),
            port: Some(8848),
            ttl: Some(1),
        };
        let backup = SyncDaemon {
            role: DaemonRole::Backup,
            max_len: None,
            group: None,
            port: Some(0),
            ttl: None,
            ..master.clone()
        };
        assert_eq!(
            daemons(&[backup, master]),
            "master sync daemon (mcast=eth0, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n\
             backup sync daemon (mcast=eth0, syncid=0)\n"
        );
        assert_eq!(daemons(&[]), "");
    }

    #[test]
    fn long_names_lose_their_end() {
        let mut text = "é".repeat(20);
        cut(&mut text, 33);
        assert_eq!(text.len(), 32);
    }
}
