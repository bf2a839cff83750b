//! The kernel's table and connections as files in `/proc/net` tell them.
//!
//! Everybody may read these files, and for connections there is no other source. They tell less than netlink: no counters,
//! thresholds, tunnel types, scheduler flags and persistence engines, and no family of firewall marks. What they do not tell
//! reads as if it were not there, so a snapshot from here is for looking at and never for planning changes.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use thiserror::Error;

use crate::{
    model::{
        Family, Forwarding, Info, Netmask, Persistence, Protocol, RealServer, Scheduler, ServerKey, ServerStatus,
        ServiceKey, Snapshot, SnapshotServer, SnapshotService, Thresholds, Tunnel, VirtualService, Weight,
    },
    sys::clock,
};

/// Services and servers. Not `/proc/net`, which shows the network namespace of the process's first thread.
const TABLE: &str = "/proc/thread-self/net/ip_vs";

/// Connections.
const CONNECTIONS: &str = "/proc/thread-self/net/ip_vs_conn";

/// Why a file could not be read.
#[derive(Debug, Error)]
pub enum Error {
    /// The file could not be opened or read; it is missing where the kernel has no IPVS, or has not loaded it yet.
    #[error("cannot read {file}: {source}")]
    File {
        /// Which file.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A line says something unheard of.
    #[error("{file}, line {line}: not understood: {text}", line = .fault.line, text = .fault.text)]
    Line {
        /// Which file.
        file: &'static str,
        /// Where in it.
        fault: Fault,
    },
}

/// A line that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Number of the line, counted from 1.
    pub line: usize,
    /// The line.
    pub text: String,
}

/// Where a connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On this director.
    Local,
    /// On another one, that told this one by the sync protocol.
    Synced,
}

/// A connection, or a persistence template, which is a connection from port 0 of a masked address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// Transport protocol; 0 for a persistence template of a firewall mark.
    pub protocol: Protocol,
    /// The protocol as the kernel calls it: `TCP`, `UDP`, `SCTP`, `IP` …
    pub protocol_name: &'a str,
    /// Where the connection comes from.
    pub client: SocketAddr,
    /// Where the client sends to.
    pub service: SocketAddr,
    /// The real server.
    pub server: SocketAddr,
    /// The state as the kernel calls it: `ESTABLISHED`, `FIN_WAIT`, `UDP` …
    pub state: &'a str,
    /// Seconds until it is forgotten if no packet comes.
    pub expires: u32,
    /// Where it was made; only `ip_vs_conn_sync` says so.
    pub origin: Option<Origin>,
    /// Name and data of the persistence engine, on templates that have one; `ip_vs_conn_sync` leaves them out.
    pub engine: Option<(&'a str, &'a str)>,
}

/// Reads what the kernel says of itself.
///
/// # Errors
/// The file cannot be read or understood.
pub fn read_info() -> Result<Info, Error> {
    info(&read(TABLE)?).map_err(|fault| Error::Line { file: TABLE, fault })
}

/// Reads the kernel's services and servers, as far as everybody may know them.
///
/// # Errors
/// The file cannot be read or understood.
pub fn read_snapshot() -> Result<Snapshot, Error> {
    // Every Linux has the coarse clock; 250 is what most distributions build with.
    let hz = clock::ticks_per_second().unwrap_or(250);
    snapshot(&read(TABLE)?, hz).map_err(|fault| Error::Line { file: TABLE, fault })
}

/// Reads the text from which [`connections`] takes the connections. It can be long: there is a line for each.
///
/// # Errors
/// The file cannot be read.
pub fn read_connections() -> Result<String, Error> {
    read(CONNECTIONS)
}

/// Reads a file as text: persistence engines copy into it what clients sent.
fn read(file: &'static str) -> Result<String, Error> {
    let bytes = fs::read(file).map_err(|source| Error::File { file, source })?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Parses the first line of `ip_vs`: `IP Virtual Server version 1.2.1 (size=4096)`.
///
/// # Errors
/// It is another line.
pub fn info(text: &str) -> Result<Info, Fault> {
    let line = text.lines().next().unwrap_or_default();
    parse_info(line).ok_or_else(|| fault(0, line))
}

fn parse_info(line: &str) -> Option<Info> {
    let (version, size) = line.strip_prefix("IP Virtual Server version ")?.split_once(" (size=")?;
    let mut numbers = version.split('.').map(str::parse::<u8>);
    let mut number = || numbers.next()?.ok();
    let version = u32::from_be_bytes([0, number()?, number()?, number()?]);
    Some(Info { version, table_size: size.strip_suffix(')')?.parse().ok()? })
}

/// Parses `ip_vs` as a kernel with `hz` ticks a second writes it.
///
/// A firewall mark's family is not in the file; it is taken for IPv6 if it has servers and all of them are IPv6.
///
/// # Errors
/// The first line that is not understood.
pub fn snapshot(text: &str, hz: u32) -> Result<Snapshot, Fault> {
    let mut services: Vec<SnapshotService> = Vec::new();
    // Three lines of heading.
    for (number, line) in text.lines().enumerate().skip(3) {
        let understood = match line.trim_start().strip_prefix("-> ") {
            Some(server) => {
                let service = services.last_mut();
                service.zip(parse_server(server)).map(|(service, server)| service.servers.push(server))
            }
            None => parse_service(line, hz).map(|service| services.push(service)),
        };
        understood.ok_or_else(|| fault(number, line))?;
    }
    for each in &mut services {
        if let ServiceKey::Mark { family, .. } = &mut each.service.key
            && !each.servers.is_empty()
            && each.servers.iter().all(|each| each.server.key.family() == Family::V6)
        {
            *family = Family::V6;
        }
    }
    Ok(Snapshot { services })
}

/// `TCP  0A000001:0050 rr ops persistent 30000 FFFFFFFF`, `FWM  00000005 wlc`.
fn parse_service(line: &str, hz: u32) -> Option<SnapshotService> {
    let mut words = line.split_whitespace();
    let key = match (words.next()?, words.next()?) {
        ("FWM", mark) => ServiceKey::Mark { mark: u32::from_str_radix(mark, 16).ok()?, family: Family::V4 },
        (protocol, at) => {
            let (address, port) = at.rsplit_once(':')?;
            ServiceKey::Address {
                protocol: parse_protocol(protocol)?,
                address: parse_address(address)?,
                port: parse_port(port)?,
            }
        }
    };
    let mut service = VirtualService::new(key);
    service.scheduler = Scheduler::new(words.next()?);
    while let Some(word) = words.next() {
        match word {
            "ops" => service.one_packet = true,
            "persistent" => {
                let ticks: u32 = words.next()?.parse().ok()?;
                let mask = u32::from_str_radix(words.next()?, 16).ok()?;
                let netmask = match key.family() {
                    Family::V4 => Netmask::V4(mask.into()),
                    // A prefix length in host order, written as if it were in network order.
                    Family::V6 => Netmask::V6(u8::try_from(u32::from_be(mask)).ok()?),
                };
                service.persistence = Some(Persistence { timeout: ticks / hz.max(1), netmask });
            }
            _ => return None,
        }
    }
    Some(SnapshotService { service, stats: None, servers: Vec::new() })
}

/// `0A00000B:0050      Masq    5      0          0`, without the arrow.
fn parse_server(line: &str) -> Option<SnapshotServer> {
    let mut words = line.split_whitespace();
    let (address, port) = words.next()?.rsplit_once(':')?;
    let key = ServerKey { address: parse_address(address)?, port: parse_port(port)? };
    let forwarding = match words.next()? {
        "Masq" => Forwarding::Masquerade,
        "Local" => Forwarding::Local,
        "Tunnel" => Forwarding::Tunnel(Tunnel::Ipip),
        "Route" => Forwarding::Route,
        "Bypass" => Forwarding::Bypass,
        _ => return None,
    };
    let weight = Weight::new(words.next()?.parse().ok()?)?;
    let status = ServerStatus {
        active: words.next()?.parse().ok()?,
        inactive: words.next()?.parse().ok()?,
        ..ServerStatus::default()
    };
    let server = RealServer { key, forwarding, weight, thresholds: Thresholds::default() };
    Some(SnapshotServer { server, status })
}

/// Parses `ip_vs_conn` or `ip_vs_conn_sync`.
///
/// A line that is not understood is an error in its place: one such line should not hide the others.
pub fn connections(text: &str) -> impl Iterator<Item = Result<Connection<'_>, Fault>> {
    // One line of heading.
    let lines = text.lines().enumerate().skip(1);
    lines.map(|(number, line)| parse_connection(line).ok_or_else(|| fault(number, line)))
}

/// `TCP 0A000002 A7A6 0A000001 0050 0A00000B 1F90 ESTABLISHED     896`, then ` sip 1234@host` on some; or, in
/// `ip_vs_conn_sync`, `LOCAL` or `SYNC` before the seconds.
fn parse_connection(line: &str) -> Option<Connection<'_>> {
    let mut words = line.split_whitespace();
    let protocol_name = words.next()?;
    let mut endpoint = || Some(SocketAddr::new(parse_address(words.next()?)?, parse_port(words.next()?)?));
    let (client, service, server) = (endpoint()?, endpoint()?, endpoint()?);
    let state = words.next()?;
    let word = words.next()?;
    let origin = match word {
        "LOCAL" => Some(Origin::Local),
        "SYNC" => Some(Origin::Synced),
        _ => None,
    };
    let expires = if origin.is_some() { words.next()? } else { word };
    Some(Connection {
        protocol: parse_protocol(protocol_name)?,
        protocol_name,
        client,
        service,
        server,
        state,
        expires: expires.parse().ok()?,
        origin,
        engine: words.next().map(|name| (name, words.next().unwrap_or_default())),
    })
}

/// The kernel's names of protocols; those that it does not know it writes as `IP_47`.
fn parse_protocol(name: &str) -> Option<Protocol> {
    let number = match name {
        "TCP" => 6,
        "UDP" => 17,
        "SCTP" => 132,
        "IP" => 0,
        "ICMP" => 1,
        "ESP" => 50,
        "AH" => 51,
        "ICMPv6" => 58,
        other => other.strip_prefix("IP_")?.parse().ok()?,
    };
    Some(Protocol::from_number(number))
}

/// Eight hexadecimal digits, or an IPv6 address in brackets.
fn parse_address(word: &str) -> Option<IpAddr> {
    match word.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => u32::from_str_radix(word, 16).ok().map(|bits| Ipv4Addr::from(bits).into()),
    }
}

fn parse_port(word: &str) -> Option<u16> {
    u16::from_str_radix(word, 16).ok()
}

fn fault(index: usize, line: &str) -> Fault {
    Fault { line: index + 1, text: line.to_owned() }
}
