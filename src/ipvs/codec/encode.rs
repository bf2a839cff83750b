//! Requests as bytes.

use std::net::IpAddr;

use super::{
    AF_INET, AF_INET6, VERSION, command, daemon_attribute, daemon_state, forwarding_method, server_attribute,
    service_attribute, service_flag, top, tunnel_flag, tunnel_type,
};
use crate::{
    model::{
        Change, Checksum, DaemonRole, Family, Forwarding, Netmask, RealServer, ServerKey, ServiceKey, SyncDaemon,
        Timeouts, Tunnel, VirtualService,
    },
    sys::netlink::{Batch, Command, Writer},
};

/// Appends the request that asks the kernel for `change`. Deletions carry keys only.
pub fn change(batch: &mut Batch, family: u16, change: &Change) {
    let mut push = |number, write: &dyn Fn(&mut Writer<'_>)| {
        batch.push_command(Command { family, number, version: VERSION }, write);
    };
    match change {
        Change::AddService(wanted) => push(command::NEW_SERVICE, &|w| service(w, wanted)),
        Change::EditService(wanted) => push(command::SET_SERVICE, &|w| service(w, wanted)),
        Change::DeleteService(key) => push(command::DEL_SERVICE, &|w| service_nest(w, key)),
        Change::AddServer(key, wanted) => push(command::NEW_DEST, &|w| server(w, key, wanted)),
        Change::EditServer(key, wanted) => push(command::SET_DEST, &|w| server(w, key, wanted)),
        Change::DeleteServer(service, key) => push(command::DEL_DEST, &|w| {
            service_nest(w, service);
            w.nest(top::DEST, |w| server_key(w, key));
        }),
        Change::SetTimeouts(wanted) => push(command::SET_CONFIG, &|w| timeouts(w, wanted)),
        Change::StartDaemon(wanted) => push(command::NEW_DAEMON, &|w| daemon(w, wanted)),
        Change::StopDaemon(role) => push(command::DEL_DAEMON, &|w| {
            w.nest(top::DAEMON, |w| w.u32(daemon_attribute::STATE, state_of(*role)));
        }),
        Change::Zero(Some(key)) => push(command::ZERO, &|w| service_nest(w, key)),
        Change::Zero(None) => push(command::ZERO, &|_| {}),
        Change::Clear => push(command::FLUSH, &|_| {}),
    }
}

/// Appends a request that names nothing: `GET_INFO`, `GET_CONFIG`, all services, all daemons.
pub fn get(batch: &mut Batch, family: u16, number: u8) {
    batch.push_command(Command { family, number, version: VERSION }, |_| {});
}

/// Appends a request for one service.
pub fn get_service(batch: &mut Batch, family: u16, key: &ServiceKey) {
    let command = Command { family, number: command::GET_SERVICE, version: VERSION };
    batch.push_command(command, |w| service_nest(w, key));
}

/// Appends a request for the servers of one service.
pub fn get_servers(batch: &mut Batch, family: u16, key: &ServiceKey) {
    let command = Command { family, number: command::GET_DEST, version: VERSION };
    batch.push_command(command, |w| service_nest(w, key));
}

fn service_nest(w: &mut Writer<'_>, key: &ServiceKey) {
    w.nest(top::SERVICE, |w| service_key(w, key));
}

fn service_key(w: &mut Writer<'_>, key: &ServiceKey) {
    w.u16(service_attribute::AF, number_of(key.family()));
    match key {
        ServiceKey::Address { protocol, address: at, port } => {
            w.u16(service_attribute::PROTOCOL, protocol.number());
            address(w, service_attribute::ADDR, *at);
            w.u16_be(service_attribute::PORT, *port);
        }
        ServiceKey::Mark { mark, .. } => w.u32(service_attribute::FWMARK, *mark),
    }
}

fn service(w: &mut Writer<'_>, wanted: &VirtualService) {
    let flags = [
        (wanted.persistence.is_some(), service_flag::PERSISTENT),
        (wanted.one_packet, service_flag::ONE_PACKET),
        (wanted.flags.first, service_flag::SCHEDULER_1),
        (wanted.flags.second, service_flag::SCHEDULER_2),
        (wanted.flags.third, service_flag::SCHEDULER_3),
    ];
    let flags: u32 = flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum();
    // The kernel wants a timeout and a valid netmask even where there is no persistence.
    let timeout = wanted.persistence.map_or(0, |persistence| persistence.timeout);
    let netmask =
        wanted.persistence.map_or_else(|| Netmask::host(wanted.key.family()), |persistence| persistence.netmask);
    w.nest(top::SERVICE, |w| {
        service_key(w, &wanted.key);
        w.string(service_attribute::SCHED_NAME, wanted.scheduler.as_str());
        // To leave the name out is to want no engine.
        if let Some(engine) = &wanted.engine {
            w.string(service_attribute::PE_NAME, engine);
        }
        // The flags, and a mask of those to change.
        let mut pair = [0xff; 8];
        pair[..4].copy_from_slice(&flags.to_ne_bytes());
        w.bytes(service_attribute::FLAGS, &pair);
        w.u32(service_attribute::TIMEOUT, timeout);
        match netmask {
            Netmask::V4(mask) => w.bytes(service_attribute::NETMASK, &mask.octets()),
            Netmask::V6(prefix) => w.u32(service_attribute::NETMASK, prefix.into()),
        }
    });
}

fn server_key(w: &mut Writer<'_>, key: &ServerKey) {
    w.u16(server_attribute::ADDR_FAMILY, number_of(key.family()));
    address(w, server_attribute::ADDR, key.address);
    w.u16_be(server_attribute::PORT, key.port);
}

fn server(w: &mut Writer<'_>, service: &ServiceKey, wanted: &RealServer) {
    service_nest(w, service);
    let method = match wanted.forwarding {
        Forwarding::Masquerade => forwarding_method::MASQUERADE,
        Forwarding::Local => forwarding_method::LOCAL,
        Forwarding::Tunnel(_) => forwarding_method::TUNNEL,
        Forwarding::Route => forwarding_method::ROUTE,
        Forwarding::Bypass => forwarding_method::BYPASS,
    };
    let (kind, port, checksum) = match wanted.forwarding {
        Forwarding::Tunnel(Tunnel::Gue { port, checksum }) => (tunnel_type::GUE, port, checksum),
        Forwarding::Tunnel(Tunnel::Gre { checksum }) => (tunnel_type::GRE, 0, checksum),
        _ => (tunnel_type::IPIP, 0, Checksum::None),
    };
    let flags = match checksum {
        Checksum::None => tunnel_flag::NONE,
        Checksum::Full => tunnel_flag::CHECKSUM,
        Checksum::Remote => tunnel_flag::REMOTE_CHECKSUM,
    };
    w.nest(top::DEST, |w| {
        server_key(w, &wanted.key);
        w.u32(server_attribute::FWD_METHOD, method);
        w.u32(server_attribute::WEIGHT, wanted.weight.value());
        w.u8(server_attribute::TUN_TYPE, kind);
        w.u16_be(server_attribute::TUN_PORT, port);
        w.u16(server_attribute::TUN_FLAGS, flags);
        w.u32(server_attribute::U_THRESH, wanted.thresholds.upper);
        w.u32(server_attribute::L_THRESH, wanted.thresholds.lower);
    });
}

fn timeouts(w: &mut Writer<'_>, wanted: &Timeouts) {
    w.u32(top::TIMEOUT_TCP, wanted.tcp);
    w.u32(top::TIMEOUT_TCP_FIN, wanted.tcp_fin);
    w.u32(top::TIMEOUT_UDP, wanted.udp);
}

fn daemon(w: &mut Writer<'_>, wanted: &SyncDaemon) {
    w.nest(top::DAEMON, |w| {
        w.u32(daemon_attribute::STATE, state_of(wanted.role));
        w.string(daemon_attribute::MCAST_IFN, &wanted.interface);
        w.u32(daemon_attribute::SYNC_ID, wanted.sync_id.into());
        if let Some(len) = wanted.max_len {
            w.u16(daemon_attribute::SYNC_MAXLEN, len);
        }
        match wanted.group {
            Some(IpAddr::V4(group)) => w.bytes(daemon_attribute::MCAST_GROUP, &group.octets()),
            Some(IpAddr::V6(group)) => w.bytes(daemon_attribute::MCAST_GROUP6, &group.octets()),
            None => {}
        }
        if let Some(port) = wanted.port {
            w.u16(daemon_attribute::MCAST_PORT, port);
        }
        if let Some(ttl) = wanted.ttl {
            w.u8(daemon_attribute::MCAST_TTL, ttl);
        }
    });
}

/// The kernel copies sixteen bytes whatever the family.
fn address(w: &mut Writer<'_>, kind: u16, address: IpAddr) {
    let mut bytes = [0; 16];
    match address {
        IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => bytes = address.octets(),
    }
    w.bytes(kind, &bytes);
}

fn number_of(family: Family) -> u16 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

fn state_of(role: DaemonRole) -> u32 {
    match role {
        DaemonRole::Master => daemon_state::MASTER,
        DaemonRole::Backup => daemon_state::BACKUP,
    }
}
