//! The kernel's table and connections as files in `/proc/net` tell them.
//!
//! Everybody may read these files, and for connections there is no other source. They tell less than netlink: no counters,
//! thresholds, tunnel types, scheduler flags and persistence engines, and no family of firewall marks. What they do not tell
//! reads as if it were not there, so a snapshot from here is for looking at and never for planning changes. Where several network
//! namespaces have services, kernels may leave out the end of a table of more than a page (about 60 lines).

use std::{
    fs,
    io::{self, Read},
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

/// Reads the kernel's services and servers, as far as everybody may know them, without hidden services.
///
/// # Errors
/// The file cannot be read or understood.
pub fn read_snapshot() -> Result<Snapshot, Error> {
    // Every Linux has the coarse clock; 250 is what most distributions build with.
    let hz = clock::ticks_per_second().unwrap_or(250);
    let mut snapshot = snapshot(&read(TABLE)?, hz).map_err(|fault| Error::Line { file: TABLE, fault })?;
    snapshot.services.retain(|each| !may_be_hidden(&each.service));
    Ok(snapshot)
}

/// Whether this looks like a hidden service, of which the flags are not in the file.
fn may_be_hidden(service: &VirtualService) -> bool {
    match service.key {
        ServiceKey::Mark { mark, family } if VirtualService::HIDDEN_MARKS.contains(&mark) => {
            let flags = VirtualService::hidden(mark, family).flags;
            VirtualService { flags, ..service.clone() }.is_hidden()
        }
        _ => false,
    }
}

/// Reads the text from which [`connections`] takes the connections. It can be long: there is a line for each.
///
/// # Errors
/// The file cannot be read.
pub fn read_connections() -> Result<String, Error> {
    read(CONNECTIONS)
}

/// Reads a file as text: persistence engines copy into it what clients sent.
///
/// A table of a page or less has to be read with one system call. Between two, kernels lose count if other network namespaces
/// have services, too, and leave out the end.
fn read(file: &'static str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(64 * 1024);
    let read = fs::File::open(file).and_then(|mut opened| opened.read_to_end(&mut bytes));
    read.map_err(|source| Error::File { file, source })?;
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

/// Eight hexadecimal digits, or an IPv6 address: in brackets in the table, without in the connections.
fn parse_address(word: &str) -> Option<IpAddr> {
    if !word.contains(':') {
        return u32::from_str_radix(word, 16).ok().map(|bits| Ipv4Addr::from(bits).into());
    }
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
    bare.parse::<Ipv6Addr>().ok().map(IpAddr::from)
}

fn parse_port(word: &str) -> Option<u16> {
    u16::from_str_radix(word, 16).ok()
}

fn fault(index: usize, line: &str) -> Fault {
    Fault { line: index + 1, text: line.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written by Linux 6.1 with 100 ticks a second, little-endian.
    const TABLE: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A000001:0050 rr  persistent 30000 FFFFFF00
  -> [2001:0db8:0000:0000:0000:0000:0000:0011]:0050      Tunnel  1      0          0         
  -> 0A00000C:0050      Route   1      2          3         
  -> 0A00000B:1F90      Masq    5      0          0         
UDP  0A000001:0035 sh ops  
TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0050 wlc persistent 10000 40000000
  -> [2001:0db8:0000:0000:0000:0000:0000:0011]:0050      Local   0      0          0         
SCTP  0A000001:0051 wlc  
FWM  FFFFFFFF wlc 
FWM  00000006 wlc ops 
  -> [2001:0db8:0000:0000:0000:0000:0000:0011]:0050      Route   1      0          0         
";

    const CONNECTIONS: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
UDP 2001:0db8:0000:0000:0000:0000:0000:0001 0000 2001:0db8:0000:0000:0000:0000:0000:0001 0035 2001:0db8:0000:0000:0000:0000:0000:0001 14E9 NONE             99
TCP 0A000001 8DAE 0A000001 0050 7F000001 1F90 CLOSE             9
UDP 0A000001 0000 0A000001 13C4 7F000001 13C4 NONE             59 sip abc123@10.0.0.2
IP  0A000000 0000 00000005 0000 7F000001 0000 ASSURED         360
";

    const SYNCED: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires
TCP 0A000001 8DAE 0A000001 0050 7F000001 1F90 CLOSE       LOCAL        9
UDP 0A000001 0000 0A000001 13C4 7F000001 13C4 NONE        SYNC        59
";

    fn shown(service: &SnapshotService) -> String {
        let SnapshotService { service, servers, .. } = service;
        let persistence = service.persistence.map(|p| format!(" {}s {}", p.timeout, p.netmask)).unwrap_or_default();
        let one_packet = if service.one_packet { " ops" } else { "" };
        let mut text = format!("{} {}{persistence}{one_packet}", service.key, service.scheduler);
        for SnapshotServer { server, status } in servers {
            let (active, inactive) = (status.active, status.inactive);
            text += &format!("\n  {} {:?} {} {active} {inactive}", server.key, server.forwarding, server.weight);
        }
        text
    }

    #[test]
    fn a_table_is_understood() {
        let found = snapshot(TABLE, 100).expect("understood");
        let found: Vec<_> = found.services.iter().map(shown).collect();
        let expected = "\
TCP 10.0.0.1:80 rr 300s 255.255.255.0
  [2001:db8::11]:80 Tunnel(Ipip) 1 0 0
  10.0.0.12:80 Route 1 2 3
  10.0.0.11:8080 Masquerade 5 0 0
UDP 10.0.0.1:53 sh ops
TCP [2001:db8::1]:80 wlc 100s 64
  [2001:db8::11]:80 Local 0 0 0
SCTP 10.0.0.1:81 wlc
FWM 4294967295 wlc
FWM 6 IPv6 wlc ops
  [2001:db8::11]:80 Route 1 0 0";
        assert_eq!(found.join("\n"), expected);
        assert_eq!(info(TABLE), Ok(Info { version: 0x01_02_01, table_size: 4096 }));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        let wrong = TABLE.replace("Route   1      2", "Teleport 1     2");
        let fault = snapshot(&wrong, 100).expect_err("not understood");
        assert_eq!(fault.line, 6);
        let error = Error::Line { file: super::TABLE, fault }.to_string();
        assert!(
            error.starts_with("/proc/thread-self/net/ip_vs, line 6: not understood:   -> 0A00000C:0050"),
            "{error}"
        );
        let orphan: Vec<_> = TABLE.lines().enumerate().filter(|(at, _)| *at != 3).map(|(_, line)| line).collect();
        assert_eq!(snapshot(&orphan.join("\n"), 100).expect_err("no service").line, 4);
        assert_eq!(info("").expect_err("no heading").line, 1);
    }

    #[test]
    fn connections_are_understood() {
        let found: Vec<_> = connections(CONNECTIONS).collect::<Result<_, _>>().expect("understood");
        let shown: Vec<_> = found
            .iter()
            .map(|c| format!("{} {} {} {} {} {}", c.protocol_name, c.client, c.service, c.server, c.state, c.expires))
            .collect();
        let expected = [
            "UDP [2001:db8::1]:0 [2001:db8::1]:53 [2001:db8::1]:5353 NONE 99",
            "TCP 10.0.0.1:36270 10.0.0.1:80 127.0.0.1:8080 CLOSE 9",
            "UDP 10.0.0.1:0 10.0.0.1:5060 127.0.0.1:5060 NONE 59",
            "IP 10.0.0.0:0 0.0.0.5:0 127.0.0.1:0 ASSURED 360",
        ];
        assert_eq!(shown, expected);
        assert_eq!(
            found.iter().map(|c| c.engine).collect::<Vec<_>>(),
            [None, None, Some(("sip", "abc123@10.0.0.2")), None]
        );
        assert_eq!(found[3].protocol, Protocol::Other(0));
    }

    #[test]
    fn the_origin_of_connections_is_understood() {
        let found: Vec<_> = connections(SYNCED).collect::<Result<_, _>>().expect("understood");
        assert_eq!(found.iter().map(|c| c.origin).collect::<Vec<_>>(), [Some(Origin::Local), Some(Origin::Synced)]);
        assert_eq!(found.iter().map(|c| c.expires).collect::<Vec<_>>(), [9, 59]);
    }

    #[test]
    fn one_bad_connection_does_not_hide_the_others() {
        let text = CONNECTIONS.replace("8DAE", "8DAEX");
        let found: Vec<_> = connections(&text).map(|c| c.map_err(|fault| fault.line)).collect();
        assert_eq!(found.len(), 4);
        assert_eq!(found[1], Err(3));
        assert_eq!(found.iter().filter(|c| c.is_ok()).count(), 3);
    }

    proptest! {
        #[test]
        fn damaged_text_never_panics(at: prop::sample::Index, with in "\\PC{0,3}", cut: prop::sample::Index) {
            for text in [TABLE, CONNECTIONS, SYNCED] {
                let mut text = text.to_owned();
                let at = at.index(text.len());
                text.replace_range(at..=at, &with);
                let _ = (snapshot(&text, 100), info(&text), connections(&text).count());
                let cut = text.chars().take(cut.index(text.len())).collect::<String>();
                let _ = (snapshot(&cut, 0), info(&cut), connections(&cut).count());
            }
        }

        #[test]
        fn garbage_never_panics(text in "\\PC*") {
            let text = format!("\n\n\n{text}");
            let _ = (snapshot(&text, 100), info(&text), connections(&text).count());
        }
    }
}
