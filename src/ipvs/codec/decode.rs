//! Answers as values. Attributes that are not known are skipped; those that are wanted and missing or of the wrong length are
//! errors that name them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    AF_INET, AF_INET6, daemon_attribute, daemon_state, forwarding_method, info_attribute, server_attribute,
    service_attribute, service_flag, stats_attribute, top, tunnel_flag, tunnel_type,
};
use crate::{
    model::{
        Checksum, DaemonRole, Family, Forwarding, Info, Netmask, Persistence, Protocol, RealServer, Scheduler,
        SchedulerFlags, ServerKey, ServerStatus, ServiceKey, SnapshotServer, SnapshotService, Stats, SyncDaemon,
        Thresholds, Timeouts, Tunnel, VirtualService, Weight,
    },
    sys::netlink::{Attribute, Attributes, Malformed},
};

/// Decodes a service, with its counters and without its servers.
///
/// # Errors
/// An attribute is missing or malformed.
pub fn service(message: &[u8]) -> Result<SnapshotService, Malformed> {
    let mut key = ServiceKeyParts::default();
    let (mut scheduler, mut engine, mut flags, mut timeout, mut netmask) = (None, None, None, None, None);
    let (mut stats, mut stats64) = (None, None);
    for attribute in nest(message, top::SERVICE, "IPVS_CMD_ATTR_SERVICE")? {
        let attribute = attribute?;
        match attribute.kind {
            service_attribute::SCHED_NAME => {
                scheduler = Some(Scheduler::new(attribute.string("IPVS_SVC_ATTR_SCHED_NAME")?));
            }
            service_attribute::PE_NAME => engine = Some(attribute.string("IPVS_SVC_ATTR_PE_NAME")?.to_owned()),
            service_attribute::FLAGS => flags = Some(flag_bits(&attribute)?),
            service_attribute::TIMEOUT => timeout = Some(attribute.u32("IPVS_SVC_ATTR_TIMEOUT")?),
            service_attribute::NETMASK => netmask = Some(attribute.bytes("IPVS_SVC_ATTR_NETMASK")?),
            service_attribute::STATS => stats = Some(attribute),
            service_attribute::STATS64 => stats64 = Some(attribute),
            _ => key.read(&attribute)?,
        }
    }
    let key = key.finish()?;
    let flags = required(flags, "IPVS_SVC_ATTR_FLAGS")?;
    let timeout = required(timeout, "IPVS_SVC_ATTR_TIMEOUT")?;
    let netmask = required(netmask, "IPVS_SVC_ATTR_NETMASK")?;
    let persistence = if flags & service_flag::PERSISTENT == 0 {
        None
    } else {
        Some(Persistence { timeout, netmask: mask_of(key.family(), netmask)? })
    };
    let service = VirtualService {
        key,
        scheduler: required(scheduler, "IPVS_SVC_ATTR_SCHED_NAME")?,
        flags: SchedulerFlags {
            first: flags & service_flag::SCHEDULER_1 != 0,
            second: flags & service_flag::SCHEDULER_2 != 0,
            third: flags & service_flag::SCHEDULER_3 != 0,
        },
        persistence,
        engine: engine.filter(|name| !name.is_empty()),
        one_packet: flags & service_flag::ONE_PACKET != 0,
    };
    Ok(SnapshotService { service, stats: best_stats(stats64, stats)?, servers: Vec::new() })
}

/// Decodes what identifies a service, and skips the rest.
///
/// # Errors
/// An attribute is missing or malformed.
pub fn service_key(message: &[u8]) -> Result<ServiceKey, Malformed> {
    let mut key = ServiceKeyParts::default();
    for attribute in nest(message, top::SERVICE, "IPVS_CMD_ATTR_SERVICE")? {
        key.read(&attribute?)?;
    }
    key.finish()
}

/// Decodes a server of a service of `family`: kernels before 3.18 do not tell a server's own family.
///
/// # Errors
/// An attribute is missing or malformed.
pub fn server(message: &[u8], family: Family) -> Result<SnapshotServer, Malformed> {
    let (mut own_family, mut address, mut port, mut method, mut weight) = (None, None, None, None, None);
    let (mut kind, mut tunnel_port, mut checksum) = (tunnel_type::IPIP, 0, tunnel_flag::NONE);
    let mut thresholds = Thresholds::default();
    let mut status = ServerStatus::default();
    let (mut stats, mut stats64) = (None, None);
    for attribute in nest(message, top::DEST, "IPVS_CMD_ATTR_DEST")? {
        let attribute = attribute?;
        match attribute.kind {
            server_attribute::ADDR_FAMILY => own_family = Some(attribute.u16("IPVS_DEST_ATTR_ADDR_FAMILY")?),
            server_attribute::ADDR => address = Some(attribute.payload),
            server_attribute::PORT => port = Some(attribute.u16_be("IPVS_DEST_ATTR_PORT")?),
            server_attribute::FWD_METHOD => method = Some(attribute.u32("IPVS_DEST_ATTR_FWD_METHOD")?),
            server_attribute::WEIGHT => weight = Some(attribute.u32("IPVS_DEST_ATTR_WEIGHT")?),
            server_attribute::TUN_TYPE => kind = attribute.u8("IPVS_DEST_ATTR_TUN_TYPE")?,
            server_attribute::TUN_PORT => tunnel_port = attribute.u16_be("IPVS_DEST_ATTR_TUN_PORT")?,
            server_attribute::TUN_FLAGS => checksum = attribute.u16("IPVS_DEST_ATTR_TUN_FLAGS")?,
            server_attribute::U_THRESH => thresholds.upper = attribute.u32("IPVS_DEST_ATTR_U_THRESH")?,
            server_attribute::L_THRESH => thresholds.lower = attribute.u32("IPVS_DEST_ATTR_L_THRESH")?,
            server_attribute::ACTIVE_CONNS => status.active = attribute.u32("IPVS_DEST_ATTR_ACTIVE_CONNS")?,
            server_attribute::INACT_CONNS => status.inactive = attribute.u32("IPVS_DEST_ATTR_INACT_CONNS")?,
            server_attribute::PERSIST_CONNS => status.persistent = attribute.u32("IPVS_DEST_ATTR_PERSIST_CONNS")?,
            server_attribute::STATS => stats = Some(attribute),
            server_attribute::STATS64 => stats64 = Some(attribute),
            _ => {}
        }
    }
    let family = own_family.map_or(Ok(family), |number| family_of(number, "IPVS_DEST_ATTR_ADDR_FAMILY"))?;
    let address = address_of(family, required(address, "IPVS_DEST_ATTR_ADDR")?, "IPVS_DEST_ATTR_ADDR")?;
    let forwarding = match required(method, "IPVS_DEST_ATTR_FWD_METHOD")? & forwarding_method::MASK {
        forwarding_method::MASQUERADE => Forwarding::Masquerade,
        forwarding_method::LOCAL => Forwarding::Local,
        forwarding_method::TUNNEL => Forwarding::Tunnel(tunnel(kind, tunnel_port, checksum)?),
        forwarding_method::ROUTE => Forwarding::Route,
        forwarding_method::BYPASS => Forwarding::Bypass,
        _ => return Err(Malformed::new("IPVS_DEST_ATTR_FWD_METHOD", "unknown forwarding method")),
    };
    let weight = Weight::new(required(weight, "IPVS_DEST_ATTR_WEIGHT")?);
    status.stats = best_stats(stats64, stats)?;
    let server = RealServer {
        key: ServerKey { address, port: required(port, "IPVS_DEST_ATTR_PORT")? },
        forwarding,
        weight: weight.ok_or_else(|| Malformed::new("IPVS_DEST_ATTR_WEIGHT", "negative"))?,
        thresholds,
    };
    Ok(SnapshotServer { server, status })
}

/// Decodes a sync daemon.
///
/// # Errors
/// An attribute is missing or malformed.
pub fn daemon(message: &[u8]) -> Result<SyncDaemon, Malformed> {
    let (mut state, mut interface, mut sync_id) = (None, None, None);
    let (mut max_len, mut group, mut port, mut ttl) = (None, None, None, None);
    for attribute in nest(message, top::DAEMON, "IPVS_CMD_ATTR_DAEMON")? {
        let attribute = attribute?;
        match attribute.kind {
            daemon_attribute::STATE => state = Some(attribute.u32("IPVS_DAEMON_ATTR_STATE")?),
            daemon_attribute::MCAST_IFN => interface = Some(attribute.string("IPVS_DAEMON_ATTR_MCAST_IFN")?.to_owned()),
            daemon_attribute::SYNC_ID => sync_id = Some(attribute.u32("IPVS_DAEMON_ATTR_SYNC_ID")?),
            daemon_attribute::SYNC_MAXLEN => max_len = Some(attribute.u16("IPVS_DAEMON_ATTR_SYNC_MAXLEN")?),
            daemon_attribute::MCAST_GROUP => {
                group = Some(IpAddr::from(attribute.bytes::<4>("IPVS_DAEMON_ATTR_MCAST_GROUP")?));
            }
            daemon_attribute::MCAST_GROUP6 => {
                group = Some(IpAddr::from(attribute.bytes::<16>("IPVS_DAEMON_ATTR_MCAST_GROUP6")?));
            }
            daemon_attribute::MCAST_PORT => port = Some(attribute.u16("IPVS_DAEMON_ATTR_MCAST_PORT")?),
            daemon_attribute::MCAST_TTL => ttl = Some(attribute.u8("IPVS_DAEMON_ATTR_MCAST_TTL")?),
            _ => {}
        }
    }
    let role = match required(state, "IPVS_DAEMON_ATTR_STATE")? {
        daemon_state::MASTER => DaemonRole::Master,
        daemon_state::BACKUP => DaemonRole::Backup,
        _ => return Err(Malformed::new("IPVS_DAEMON_ATTR_STATE", "neither master nor backup")),
    };
    let sync_id = required(sync_id, "IPVS_DAEMON_ATTR_SYNC_ID")?;
    Ok(SyncDaemon {
        role,
        interface: required(interface, "IPVS_DAEMON_ATTR_MCAST_IFN")?,
        sync_id: u8::try_from(sync_id).map_err(|_| Malformed::new("IPVS_DAEMON_ATTR_SYNC_ID", "above 255"))?,
        max_len,
        group,
        port,
        ttl,
    })
}

/// Decodes the connection timeouts.
///
/// # Errors
/// An attribute is missing or malformed.
pub fn timeouts(message: &[u8]) -> Result<Timeouts, Malformed> {
    let (mut tcp, mut tcp_fin, mut udp) = (None, None, None);
    for attribute in Attributes::of_command(message)? {
        let attribute = attribute?;
        match attribute.kind {
            top::TIMEOUT_TCP => tcp = Some(attribute.u32("IPVS_CMD_ATTR_TIMEOUT_TCP")?),
            top::TIMEOUT_TCP_FIN => tcp_fin = Some(attribute.u32("IPVS_CMD_ATTR_TIMEOUT_TCP_FIN")?),
            top::TIMEOUT_UDP => udp = Some(attribute.u32("IPVS_CMD_ATTR_TIMEOUT_UDP")?),
            _ => {}
        }
    }
    Ok(Timeouts {
        tcp: required(tcp, "IPVS_CMD_ATTR_TIMEOUT_TCP")?,
        tcp_fin: required(tcp_fin, "IPVS_CMD_ATTR_TIMEOUT_TCP_FIN")?,
        udp: required(udp, "IPVS_CMD_ATTR_TIMEOUT_UDP")?,
    })
}

/// Decodes what the kernel says of itself.
///
/// # Errors
/// An attribute is missing or malformed.
pub fn info(message: &[u8]) -> Result<Info, Malformed> {
    let (mut version, mut table_size) = (None, None);
    for attribute in Attributes::of_command(message)? {
        let attribute = attribute?;
        match attribute.kind {
            info_attribute::VERSION => version = Some(attribute.u32("IPVS_INFO_ATTR_VERSION")?),
            info_attribute::CONN_TAB_SIZE => table_size = Some(attribute.u32("IPVS_INFO_ATTR_CONN_TAB_SIZE")?),
            _ => {}
        }
    }
    Ok(Info {
        version: required(version, "IPVS_INFO_ATTR_VERSION")?,
        table_size: required(table_size, "IPVS_INFO_ATTR_CONN_TAB_SIZE")?,
    })
}

/// The attributes that identify a service, as they come in.
#[derive(Default)]
struct ServiceKeyParts<'a> {
    family: Option<u16>,
    protocol: Option<u16>,
    address: Option<&'a [u8]>,
    port: Option<u16>,
    mark: Option<u32>,
}

impl<'a> ServiceKeyParts<'a> {
    fn read(&mut self, attribute: &Attribute<'a>) -> Result<(), Malformed> {
        match attribute.kind {
            service_attribute::AF => self.family = Some(attribute.u16("IPVS_SVC_ATTR_AF")?),
            service_attribute::PROTOCOL => self.protocol = Some(attribute.u16("IPVS_SVC_ATTR_PROTOCOL")?),
            service_attribute::ADDR => self.address = Some(attribute.payload),
            service_attribute::PORT => self.port = Some(attribute.u16_be("IPVS_SVC_ATTR_PORT")?),
            service_attribute::FWMARK => self.mark = Some(attribute.u32("IPVS_SVC_ATTR_FWMARK")?),
            _ => {}
        }
        Ok(())
    }

    /// With a mark, protocol and address do not count, as in the kernel.
    fn finish(self) -> Result<ServiceKey, Malformed> {
        let family = family_of(required(self.family, "IPVS_SVC_ATTR_AF")?, "IPVS_SVC_ATTR_AF")?;
        if let Some(mark) = self.mark.filter(|mark| *mark != 0) {
            return Ok(ServiceKey::Mark { mark, family });
        }
        let address = required(self.address, "IPVS_SVC_ATTR_ADDR")?;
        Ok(ServiceKey::Address {
            protocol: Protocol::from_number(required(self.protocol, "IPVS_SVC_ATTR_PROTOCOL")?),
            address: address_of(family, address, "IPVS_SVC_ATTR_ADDR")?,
            port: required(self.port, "IPVS_SVC_ATTR_PORT")?,
        })
    }
}

/// Returns what a nested attribute of the message holds.
fn nest<'a>(message: &'a [u8], kind: u16, name: &'static str) -> Result<Attributes<'a>, Malformed> {
    for attribute in Attributes::of_command(message)? {
        let attribute = attribute?;
        if attribute.kind == kind {
            return Ok(attribute.nested());
        }
    }
    Err(missing(name))
}

fn required<T>(value: Option<T>, name: &'static str) -> Result<T, Malformed> {
    value.ok_or_else(|| missing(name))
}

fn missing(name: &'static str) -> Malformed {
    Malformed::new(name, "missing")
}

fn family_of(number: u16, name: &'static str) -> Result<Family, Malformed> {
    match number {
        AF_INET => Ok(Family::V4),
        AF_INET6 => Ok(Family::V6),
        _ => Err(Malformed::new(name, "neither IPv4 nor IPv6")),
    }
}

/// Returns the address in a field that is wide enough for either family, or just for its own.
fn address_of(family: Family, bytes: &[u8], name: &'static str) -> Result<IpAddr, Malformed> {
    let address = match family {
        Family::V4 => bytes.first_chunk().map(|octets: &[u8; 4]| Ipv4Addr::from(*octets).into()),
        Family::V6 => bytes.first_chunk().map(|octets: &[u8; 16]| Ipv6Addr::from(*octets).into()),
    };
    address.ok_or_else(|| Malformed::new(name, "too short for its family"))
}

/// The flags come with a mask, all ones in answers.
fn flag_bits(attribute: &Attribute<'_>) -> Result<u32, Malformed> {
    let pair: [u8; 8] = attribute.bytes("IPVS_SVC_ATTR_FLAGS")?;
    let [a, b, c, d, ..] = pair;
    Ok(u32::from_ne_bytes([a, b, c, d]))
}

/// An IPv4 mask is an address; for IPv6 the field holds a prefix length.
fn mask_of(family: Family, bytes: [u8; 4]) -> Result<Netmask, Malformed> {
    match family {
        Family::V4 => Ok(Netmask::V4(bytes.into())),
        Family::V6 => u8::try_from(u32::from_ne_bytes(bytes))
            .map(Netmask::V6)
            .map_err(|_| Malformed::new("IPVS_SVC_ATTR_NETMASK", "no IPv6 prefix length")),
    }
}

fn tunnel(kind: u8, port: u16, flags: u16) -> Result<Tunnel, Malformed> {
    let checksum = if flags & tunnel_flag::REMOTE_CHECKSUM != 0 {
        Checksum::Remote
    } else if flags & tunnel_flag::CHECKSUM != 0 {
        Checksum::Full
    } else {
        Checksum::None
    };
    match kind {
        tunnel_type::IPIP => Ok(Tunnel::Ipip),
        tunnel_type::GUE => Ok(Tunnel::Gue { port, checksum }),
        tunnel_type::GRE => Ok(Tunnel::Gre { checksum }),
        _ => Err(Malformed::new("IPVS_DEST_ATTR_TUN_TYPE", "unknown tunnel type")),
    }
}

/// Kernels before 4.1 have the 32-bit form only, in which counters wrap.
fn best_stats(wide: Option<Attribute<'_>>, narrow: Option<Attribute<'_>>) -> Result<Option<Stats>, Malformed> {
    wide.or(narrow).map(|attribute| stats(attribute.nested())).transpose()
}

fn stats(attributes: Attributes<'_>) -> Result<Stats, Malformed> {
    let mut stats = Stats::default();
    for attribute in attributes {
        let attribute = attribute?;
        let (field, name) = match attribute.kind {
            stats_attribute::CONNS => (&mut stats.connections, "IPVS_STATS_ATTR_CONNS"),
            stats_attribute::INPKTS => (&mut stats.in_packets, "IPVS_STATS_ATTR_INPKTS"),
            stats_attribute::OUTPKTS => (&mut stats.out_packets, "IPVS_STATS_ATTR_OUTPKTS"),
            stats_attribute::INBYTES => (&mut stats.in_bytes, "IPVS_STATS_ATTR_INBYTES"),
            stats_attribute::OUTBYTES => (&mut stats.out_bytes, "IPVS_STATS_ATTR_OUTBYTES"),
            stats_attribute::CPS => (&mut stats.connection_rate, "IPVS_STATS_ATTR_CPS"),
            stats_attribute::INPPS => (&mut stats.in_packet_rate, "IPVS_STATS_ATTR_INPPS"),
            stats_attribute::OUTPPS => (&mut stats.out_packet_rate, "IPVS_STATS_ATTR_OUTPPS"),
            stats_attribute::INBPS => (&mut stats.in_byte_rate, "IPVS_STATS_ATTR_INBPS"),
            stats_attribute::OUTBPS => (&mut stats.out_byte_rate, "IPVS_STATS_ATTR_OUTBPS"),
            _ => continue,
        };
        *field = attribute.counter(name)?;
    }
    Ok(stats)
}
