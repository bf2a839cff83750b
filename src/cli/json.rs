//! What programs read: the JSON of `--json`, described in lvsadm(8).
//!
//! A contract of its own, apart from the model: a field here is never renamed or removed without a new [`SCHEMA`]
//! number; new ones may come. Every field is always there, `null` where there is nothing to say.

mod attempt;
mod doctor;
mod drain;
mod events;
mod explain;
mod top;

use std::net::IpAddr;

use serde::Serialize;

use super::render::{Notes, forwarding_word, template_mark};
use crate::{
    ipvs::Connection,
    model::{self, Checksum, Family, Forwarding, Protocol, ServiceKey, SnapshotServer, SnapshotService, Tunnel},
    state::print,
    vrrp::status::Status,
};

pub use attempt::{Attempt, Digest};
pub use doctor::{Doctor, Prepared, Undone};
pub use drain::{DrainStep, Undrained};
pub use events::{Event, Events};
pub use explain::Explained;
pub use top::Top;

/// Number of the schema that all of it follows.
pub const SCHEMA: u32 = 1;

/// `list --json`.
#[derive(Debug, Serialize)]
pub struct Table {
    schema: u32,
    /// `kernel`, or `proc` for the part of it that everybody may read.
    source: &'static str,
    services: Vec<Service>,
}

impl Table {
    /// Converts a snapshot; `complete` if the kernel itself was asked.
    pub fn new(snapshot: &model::Snapshot, complete: bool, notes: &Notes) -> Self {
        Self {
            schema: SCHEMA,
            source: if complete { "kernel" } else { "proc" },
            services: snapshot.services.iter().map(|service| Service::new(service, notes)).collect(),
        }
    }
}

/// What identifies a service: protocol, address and port, or mark; and the family.
#[derive(Debug, Serialize)]
pub struct ServiceName {
    protocol: Option<String>,
    address: Option<IpAddr>,
    port: Option<u16>,
    mark: Option<u32>,
    family: &'static str,
}

impl ServiceName {
    /// Converts a key.
    pub fn new(key: &ServiceKey) -> Self {
        let family = family(key.family());
        match *key {
            ServiceKey::Address { protocol, address, port } => Self {
                protocol: Some(self::protocol(protocol)),
                address: Some(address),
                port: Some(port),
                mark: None,
                family,
            },
            ServiceKey::Mark { mark, .. } => {
                Self { protocol: None, address: None, port: None, mark: Some(mark), family }
            }
        }
    }
}

/// Returns `ipv4` or `ipv6`.
fn family(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

/// Returns `tcp`, `udp`, `sctp`, or the protocol's number.
pub fn protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Tcp => "tcp".into(),
        Protocol::Udp => "udp".into(),
        Protocol::Sctp => "sctp".into(),
        Protocol::Other(number) => number.to_string(),
    }
}

#[derive(Debug, Serialize)]
struct Service {
    #[serde(flatten)]
    name: ServiceName,
    scheduler: String,
    flags: Vec<String>,
    persistence: Option<Persistence>,
    engine: Option<String>,
    one_packet: bool,
    stats: Option<Stats>,
    servers: Vec<Server>,
}

#[derive(Debug, Serialize)]
struct Persistence {
    timeout: u32,
    netmask: String,
}

impl Service {
    fn new(each: &SnapshotService, notes: &Notes) -> Self {
        let service = &each.service;
        Self {
            name: ServiceName::new(&service.key),
            scheduler: service.scheduler.to_string(),
            flags: print::flag_names(service.flags, service.scheduler.as_str())
                .split(',')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
            persistence: service
                .persistence
                .map(|p| Persistence { timeout: p.timeout, netmask: p.netmask.to_string() }),
            engine: service.engine.clone(),
            one_packet: service.one_packet,
            stats: each.stats.as_ref().map(Stats::new),
            servers: each.servers.iter().map(|server| Server::new(&service.key, server, notes)).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Server {
    address: IpAddr,
    port: u16,
    forwarding: &'static str,
    tunnel: Option<TunnelDetails>,
    weight: u32,
    upper_threshold: u32,
    lower_threshold: u32,
    active_connections: u32,
    inactive_connections: u32,
    persistent_connections: u32,
    /// With an agent that holds the table: `in-force`, or why the server is not as it was asked for (`down`, `drained` …).
    state: Option<String>,
    /// Whether the kernel has it.
    in_kernel: bool,
    stats: Option<Stats>,
}

impl Server {
    fn new(service: &ServiceKey, each: &SnapshotServer, notes: &Notes) -> Self {
        let SnapshotServer { server, status } = each;
        let note = notes.0.get(&(*service, server.key));
        Self {
            address: server.key.address,
            port: server.key.port,
            forwarding: forwarding_word(server.forwarding),
            tunnel: if let Forwarding::Tunnel(tunnel) = server.forwarding {
                Some(TunnelDetails::new(tunnel))
            } else {
                None
            },
            weight: server.weight.value(),
            upper_threshold: server.thresholds.upper,
            lower_threshold: server.thresholds.lower,
            active_connections: status.active,
            inactive_connections: status.inactive,
            persistent_connections: status.persistent,
            state: notes.1.then(|| note.map_or_else(|| "in-force".to_owned(), |note| note.why.clone())),
            in_kernel: note.is_none_or(|note| !note.absent),
            stats: status.stats.as_ref().map(Stats::new),
        }
    }
}

#[derive(Debug, Serialize)]
struct TunnelDetails {
    r#type: &'static str,
    port: Option<u16>,
    checksum: &'static str,
}

impl TunnelDetails {
    fn new(tunnel: Tunnel) -> Self {
        let (r#type, port, checksum) = match tunnel {
            Tunnel::Ipip => ("ipip", None, Checksum::None),
            Tunnel::Gue { port, checksum } => ("gue", Some(port), checksum),
            Tunnel::Gre { checksum } => ("gre", None, checksum),
        };
        let checksum = match checksum {
            Checksum::None => "none",
            Checksum::Full => "full",
            Checksum::Remote => "remote",
        };
        Self { r#type, port, checksum }
    }
}

/// Counters, and rates a second.
#[derive(Debug, Serialize)]
struct Stats {
    connections: u64,
    in_packets: u64,
    out_packets: u64,
    in_bytes: u64,
    out_bytes: u64,
    connection_rate: u64,
    in_packet_rate: u64,
    out_packet_rate: u64,
    in_byte_rate: u64,
    out_byte_rate: u64,
}

impl Stats {
    fn new(stats: &model::Stats) -> Self {
        Self {
            connections: stats.connections,
            in_packets: stats.in_packets,
            out_packets: stats.out_packets,
            in_bytes: stats.in_bytes,
            out_bytes: stats.out_bytes,
            connection_rate: stats.connection_rate,
            in_packet_rate: stats.in_packet_rate,
            out_packet_rate: stats.out_packet_rate,
            in_byte_rate: stats.in_byte_rate,
            out_byte_rate: stats.out_byte_rate,
        }
    }
}

/// `connections --json`.
#[derive(Debug, Serialize)]
pub struct Connections<'a> {
    schema: u32,
    /// How many there are, whatever the limit.
    total: usize,
    connections: Vec<ConnectionItem<'a>>,
}

#[derive(Debug, Serialize)]
struct ConnectionItem<'a> {
    protocol: Option<String>,
    /// The firewall mark of a persistence template; the service's address and port are then `null`.
    mark: Option<u32>,
    client_address: IpAddr,
    client_port: u16,
    service_address: Option<IpAddr>,
    service_port: Option<u16>,
    server_address: IpAddr,
    server_port: u16,
    state: &'a str,
    expires: u32,
    /// Whether this is the memory of a client and no connection.
    template: bool,
    engine: Option<&'a str>,
    engine_data: Option<&'a str>,
}

impl<'a> Connections<'a> {
    /// Converts connections, `total` before they were cut to the limit.
    pub fn new(total: usize, connections: &[Connection<'a>]) -> Self {
        let connections = connections.iter().map(|each| {
            let mark = match template_mark(each) {
                Some(ServiceKey::Mark { mark, .. }) => Some(mark),
                _ => None,
            };
            ConnectionItem {
                protocol: mark.is_none().then(|| protocol(each.protocol)),
                mark,
                client_address: each.client.ip(),
                client_port: each.client.port(),
                service_address: mark.is_none().then(|| each.service.ip()),
                service_port: mark.is_none().then(|| each.service.port()),
                server_address: each.server.ip(),
                server_port: each.server.port(),
                state: each.state,
                expires: each.expires,
                template: each.client.port() == 0,
                engine: each.engine.map(|(name, _)| name),
                engine_data: each.engine.map(|(_, data)| data),
            }
        });
        Self { schema: SCHEMA, total, connections: connections.collect() }
    }
}

/// `connections --count-by … --json`, the largest group first.
#[derive(Debug, Serialize)]
pub struct Groups<'a> {
    schema: u32,
    count_by: &'static str,
    total: usize,
    groups: Vec<GroupItem<'a>>,
}

#[derive(Debug, Serialize)]
struct GroupItem<'a> {
    name: &'a str,
    connections: usize,
}

impl<'a> Groups<'a> {
    /// Converts groups of `total` connections.
    pub fn new(count_by: &'static str, total: usize, groups: &'a [(String, usize)]) -> Self {
        let groups = groups.iter().map(|(name, connections)| GroupItem { name, connections: *connections });
        Self { schema: SCHEMA, count_by, total, groups: groups.collect() }
    }
}

/// `timeouts --json`, in seconds.
#[derive(Debug, Serialize)]
pub struct Timeouts {
    schema: u32,
    tcp: u32,
    tcp_fin: u32,
    udp: u32,
}

impl Timeouts {
    /// Converts timeouts.
    pub fn new(timeouts: &model::Timeouts) -> Self {
        Self { schema: SCHEMA, tcp: timeouts.tcp, tcp_fin: timeouts.tcp_fin, udp: timeouts.udp }
    }
}

/// `sync show --json`.
#[derive(Debug, Serialize)]
pub struct Daemons {
    schema: u32,
    daemons: Vec<Daemon>,
}

#[derive(Debug, Serialize)]
struct Daemon {
    role: String,
    interface: String,
    sync_id: u8,
    max_length: Option<u16>,
    group: Option<IpAddr>,
    port: Option<u16>,
    ttl: Option<u8>,
}

impl Daemons {
    /// Converts daemons.
    pub fn new(daemons: &[model::SyncDaemon]) -> Self {
        let daemons = daemons.iter().map(|daemon| Daemon {
            role: daemon.role.to_string(),
            interface: daemon.interface.clone(),
            sync_id: daemon.sync_id,
            max_length: daemon.max_len,
            group: daemon.group,
            port: daemon.port,
            ttl: daemon.ttl,
        });
        Self { schema: SCHEMA, daemons: daemons.collect() }
    }
}

/// `save --json`, `restore --json`: the changes that make a table, or that lead to it, in their order.
#[derive(Debug, Serialize)]
pub struct Changes {
    schema: u32,
    changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct Change {
    action: &'static str,
    service: Option<ServiceName>,
    server: Option<ServerName>,
    /// The change in ipvsadm's words.
    line: String,
}

/// What identifies a server within its service.
#[derive(Debug, Serialize)]
struct ServerName {
    address: IpAddr,
    port: u16,
}

impl Changes {
    /// Converts changes.
    pub fn new(changes: impl Iterator<Item = model::Change>) -> Self {
        Self { schema: SCHEMA, changes: changes.map(|change| Change::new(&change)).collect() }
    }
}

impl Change {
    fn new(change: &model::Change) -> Self {
        use model::Change as C;
        let (action, service, server) = match change {
            C::AddService(service) => ("add-service", Some(service.key), None),
            C::EditService(service) => ("edit-service", Some(service.key), None),
            C::DeleteService(key) => ("delete-service", Some(*key), None),
            C::AddServer(service, server) => ("add-real", Some(*service), Some(server.key)),
            C::EditServer(service, server) => ("edit-real", Some(*service), Some(server.key)),
            C::DeleteServer(service, key) => ("delete-real", Some(*service), Some(*key)),
            C::SetTimeouts(_) => ("set-timeouts", None, None),
            C::StartDaemon(_) => ("start-daemon", None, None),
            C::StopDaemon(_) => ("stop-daemon", None, None),
            C::Zero(key) => ("zero", *key, None),
            C::Clear => ("clear", None, None),
        };
        Self {
            action,
            service: service.as_ref().map(ServiceName::new),
            server: server.map(|key| ServerName { address: key.address, port: key.port }),
            line: print::change_line(change),
        }
    }
}

/// `diff --json`.
#[derive(Debug, Serialize)]
pub struct Differences<'a> {
    schema: u32,
    first: &'a str,
    second: &'a str,
    differences: Vec<Difference<'a>>,
}

/// A line that is not the same in both tables; `null` where a table has none.
#[derive(Debug, Serialize)]
struct Difference<'a> {
    minus: Option<&'a str>,
    plus: Option<&'a str>,
}

impl<'a> Differences<'a> {
    /// Converts what differs between two tables of these names.
    pub fn new(first: &'a str, second: &'a str, differences: &'a [super::diff::Difference]) -> Self {
        let differences = differences
            .iter()
            .map(|each| Difference { minus: each.minus.as_deref(), plus: each.plus.as_deref() })
            .collect();
        Self { schema: SCHEMA, first, second, differences }
    }
}
/// `vrrp list` and `vrrp show`.
#[derive(Debug, Serialize)]
pub struct VirtualRouters<'a> {
    schema: u32,
    running: bool,
    #[serde(flatten)]
    status: &'a Status,
}

impl<'a> VirtualRouters<'a> {
    /// Returns the description of `status`; `running` tells whether a process said it, rather than the save file.
    pub fn new(status: &'a Status, running: bool) -> Self {
        Self { schema: SCHEMA, running, status }
    }
}

/// `bfd list` and `bfd show`.
#[derive(Debug, Serialize)]
pub struct Sessions<'a> {
    schema: u32,
    running: bool,
    #[serde(flatten)]
    status: &'a crate::bfd::status::Status,
}

impl<'a> Sessions<'a> {
    /// Returns the description of `status`; `running` tells whether a process said it, rather than the save file.
    pub fn new(status: &'a crate::bfd::status::Status, running: bool) -> Self {
        Self { schema: SCHEMA, running, status }
    }
}

/// `agent status`.
#[derive(Debug, Serialize)]
pub struct Agent<'a> {
    schema: u32,
    #[serde(flatten)]
    status: &'a crate::agent::supervisor::status::Status,
}

impl<'a> Agent<'a> {
    /// Returns the description of `status`.
    pub fn new(status: &'a crate::agent::supervisor::status::Status) -> Self {
        Self { schema: SCHEMA, status }
    }
}

/// `check list`.
#[derive(Debug, Serialize)]
pub struct Checks<'a> {
    schema: u32,
    running: bool,
    #[serde(flatten)]
    status: &'a crate::pool::status::Status,
}

impl<'a> Checks<'a> {
    /// Returns the description of `status`; `running` tells whether a process said it, rather than the save file.
    pub fn new(status: &'a crate::pool::status::Status, running: bool) -> Self {
        Self { schema: SCHEMA, running, status }
    }
}
