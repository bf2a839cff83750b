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
