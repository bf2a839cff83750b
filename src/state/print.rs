//! Requests and tables → lines in ipvsadm's save form, without line ends.
//!
//! What is printed here, [`super::grammar`] reads back as the same request. ipvsadm reads it too, within its limits
//! (marks below 2^31, no flag-3 beside sh's and mh's own). Quoting is the shell's, and only foreign names need it.

use std::{
    borrow::Cow,
    fmt::Write,
    net::{IpAddr, Ipv6Addr},
};

use crate::model::{
    Change, Checksum, Family, Forwarding, Protocol, RealServer, SchedulerFlags, ServerKey, ServiceKey, SyncDaemon,
    Table, Timeouts, Tunnel, VirtualService,
};

/// Writes an address and a port of a protocol (`None` behind a firewall mark) as text.
pub type Endpoint<'a> = dyn Fn(IpAddr, u16, Option<Protocol>) -> String + 'a;

/// Which of a server's settings its line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thresholds {
    /// As `ipvsadm -S`, which loses them.
    Left,
    /// With `-x` and `-y` where they are set.
    Kept,
}

/// Returns the line that makes this change.
pub fn change_line(change: &Change) -> String {
    match change {
        Change::AddService(service) => service_line(service),
        Change::EditService(service) => format!("-E {}", service_tail(service, &numeric)),
        Change::DeleteService(key) => format!("-D {}", service_name(key, &numeric)),
        Change::AddServer(service, server) => server_line(service, server),
        Change::EditServer(service, server) => {
            format!("-e {}", server_tail(service, server, Thresholds::Kept, &numeric))
        }
        Change::DeleteServer(service, key) => format!("-d {}", server_name(service, key, &numeric)),
        Change::SetTimeouts(timeouts) => timeouts_line(timeouts),
        Change::StartDaemon(daemon) => daemon_line(daemon),
        Change::StopDaemon(role) => format!("--stop-daemon {role}"),
        Change::Zero(Some(key)) => format!("-Z {}", service_name(key, &numeric)),
        Change::Zero(None) => "-Z".to_owned(),
        Change::Clear => "-C".to_owned(),
    }
}

/// Returns the lines that make `table` from an empty one: services each followed by its servers, timeouts, daemons.
pub fn table_lines(table: &Table) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in table.services.values() {
        lines.push(service_line(&entry.service));
        lines.extend(entry.servers.values().map(|server| server_line(&entry.service.key, server)));
    }
    lines.extend(table.timeouts.as_ref().map(timeouts_line));
    lines.extend(table.daemons.iter().map(daemon_line));
    lines
}

/// Returns the line that adds a service: `-A -t 10.0.0.1:80 -s wlc`.
pub fn service_line(service: &VirtualService) -> String {
    service_line_as(service, &numeric)
}

/// Returns the line that adds a service, its address written by `endpoint`.
pub fn service_line_as(service: &VirtualService, endpoint: &Endpoint<'_>) -> String {
    format!("-A {}", service_tail(service, endpoint))
}

/// Returns the line that adds a server, thresholds included: `-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 1 -x 100`.
pub fn server_line(service: &ServiceKey, server: &RealServer) -> String {
    server_line_as(service, server, Thresholds::Kept, &numeric)
}

/// Returns the line that adds a server, addresses written by `endpoint`.
pub fn server_line_as(
    service: &ServiceKey,
    server: &RealServer,
    thresholds: Thresholds,
    endpoint: &Endpoint<'_>,
) -> String {
    format!("-a {}", server_tail(service, server, thresholds, endpoint))
}

/// Returns the line that sets the timeouts: `--set 900 120 300`.
pub fn timeouts_line(timeouts: &Timeouts) -> String {
    format!("--set {} {} {}", timeouts.tcp, timeouts.tcp_fin, timeouts.udp)
}

/// Returns the line that starts a daemon: `--start-daemon master --mcast-interface eth0 --syncid 0`.
pub fn daemon_line(daemon: &SyncDaemon) -> String {
    let mut line = format!(
        "--start-daemon {} --mcast-interface {} --syncid {}",
        daemon.role,
        quoted(&daemon.interface),
        daemon.sync_id
    );
    let mut push = |option: &str, value: Option<String>| {
        if let Some(value) = value {
            line.extend([" ", option, " ", value.as_str()]);
        }
    };
    push("--sync-maxlen", daemon.max_len.map(|n| n.to_string()));
    push("--mcast-group", daemon.group.map(|group| group.to_string()));
    push("--mcast-port", daemon.port.map(|n| n.to_string()));
    push("--mcast-ttl", daemon.ttl.map(|n| n.to_string()));
    line
}

/// Returns what names a service: `-t 10.0.0.1:80`, `-f 5 -6`.
pub fn service_name(key: &ServiceKey, endpoint: &Endpoint<'_>) -> String {
    match *key {
        ServiceKey::Address { protocol, address, port } => {
            let option = match protocol {
                Protocol::Tcp => "-t",
                Protocol::Udp => "-u",
                Protocol::Sctp => "--sctp-service",
                // Nothing can read it back; somebody put it into the kernel by other means.
                Protocol::Other(_) => "--xxx-service",
            };
            format!("{option} {}", endpoint(address, port, Some(protocol)))
        }
        ServiceKey::Mark { mark, family: Family::V4 } => format!("-f {mark}"),
        ServiceKey::Mark { mark, family: Family::V6 } => format!("-f {mark} -6"),
    }
}

/// Writes an address and a port as numbers: `10.0.0.1:80`, `[2001:db8::1]:80`.
pub fn numeric(address: IpAddr, port: u16, _protocol: Option<Protocol>) -> String {
    match address {
        IpAddr::V4(address) => format!("{address}:{port}"),
        IpAddr::V6(address) => format!("[{}]:{port}", ipv6(address)),
    }
}

/// Writes an IPv6 address as the C library does: an address of nothing but its last four bytes ends in dotted form.
pub fn ipv6(address: Ipv6Addr) -> String {
    match address.octets() {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] if (a, b) != (0, 0) => format!("::{a}.{b}.{c}.{d}"),
        _ => address.to_string(),
    }
}

/// Returns the names of the flags that are set, as `scheduler` calls them: `sh-fallback,sh-port`.
pub fn flag_names(flags: SchedulerFlags, scheduler: &str) -> String {
    let (first, second) = match scheduler {
        "sh" => ("sh-fallback", "sh-port"),
        "mh" => ("mh-fallback", "mh-port"),
        _ => ("flag-1", "flag-2"),
    };
    let names = [(flags.first, first), (flags.second, second), (flags.third, "flag-3")];
    names.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect::<Vec<_>>().join(",")
}

fn service_tail(service: &VirtualService, endpoint: &Endpoint<'_>) -> String {
    let scheduler = service.scheduler.as_str();
    let mut line = format!("{} -s {}", service_name(&service.key, endpoint), quoted(scheduler));
    if let Some(persistence) = service.persistence {
        let _ = write!(line, " -p {}", persistence.timeout);
        if !persistence.netmask.is_host() {
            let _ = write!(line, " -M {}", persistence.netmask);
        }
    }
    if let Some(engine) = &service.engine {
        let _ = write!(line, " --pe {}", quoted(engine));
    }
    if service.one_packet {
        line.push_str(" -o");
    }
    if service.flags.any() {
        let _ = write!(line, " -b {}", flag_names(service.flags, scheduler));
    }
    line
}

fn server_name(service: &ServiceKey, server: &ServerKey, endpoint: &Endpoint<'_>) -> String {
    // Behind a mark ports belong to no protocol, so they stay numbers.
    let protocol = match service {
        ServiceKey::Address { protocol, .. } => Some(*protocol),
        ServiceKey::Mark { .. } => None,
    };
    format!("{} -r {}", service_name(service, endpoint), endpoint(server.address, server.port, protocol))
}

fn server_tail(service: &ServiceKey, server: &RealServer, thresholds: Thresholds, endpoint: &Endpoint<'_>) -> String {
    let method = match server.forwarding {
        Forwarding::Masquerade => "-m",
        Forwarding::Tunnel(_) => "-i",
        Forwarding::Route | Forwarding::Local | Forwarding::Bypass => "-g",
    };
    let mut line = format!("{} {method} -w {}", server_name(service, &server.key, endpoint), server.weight);
    let limits = [("-x", server.thresholds.upper), ("-y", server.thresholds.lower)];
    for (option, limit) in limits.into_iter().filter(|(_, limit)| thresholds == Thresholds::Kept && *limit != 0) {
        let _ = write!(line, " {option} {limit}");
    }
    match server.forwarding {
        Forwarding::Tunnel(Tunnel::Ipip) => line.push_str(" --tun-type ipip"),
        Forwarding::Tunnel(Tunnel::Gue { port, checksum }) => {
            let _ = write!(line, " --tun-type gue --tun-port {port} {}", checksum_option(checksum));
        }
        Forwarding::Tunnel(Tunnel::Gre { checksum }) => {
            let _ = write!(line, " --tun-type gre {}", checksum_option(checksum));
        }
        _ => {}
    }
    line
}

fn checksum_option(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::None => "--tun-nocsum",
        Checksum::Full => "--tun-csum",
        Checksum::Remote => "--tun-remcsum",
    }
}

/// Quotes a word that a save file would not give back as it is.
fn quoted(word: &str) -> Cow<'_, str> {
    let special = |c: char| c.is_ascii_whitespace() || matches!(c, '\'' | '"' | '\\');
    if word.is_empty() || word.starts_with('#') || word.contains(special) {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    } else {
        Cow::Borrowed(word)
    }
}
