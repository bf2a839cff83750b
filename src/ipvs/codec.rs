//! The kernel's language for IPVS: generic netlink family `IPVS`, version 1 (`linux/ip_vs.h`).
//!
//! Turns requests into bytes and answers into values. Does no IO. Numbers are in host byte order where the kernel's
//! header does not say otherwise, and for a service's flags even though it does.

mod decode;
mod encode;

// Bytes of a little-endian machine.
#[cfg(all(test, target_endian = "little"))]
mod golden;
#[cfg(test)]
mod tests;

pub use decode::{daemon, info, server, service, service_key, timeouts};
pub use encode::{change, get, get_servers, get_service};

/// Name of the family.
pub const FAMILY: &str = "IPVS";

/// Version of the family.
pub const VERSION: u8 = 1;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Commands.
pub mod command {
    #![allow(missing_docs, reason = "the kernel's own names say it")]
    pub const NEW_SERVICE: u8 = 1;
    pub const SET_SERVICE: u8 = 2;
    pub const DEL_SERVICE: u8 = 3;
    pub const GET_SERVICE: u8 = 4;
    pub const NEW_DEST: u8 = 5;
    pub const SET_DEST: u8 = 6;
    pub const DEL_DEST: u8 = 7;
    pub const GET_DEST: u8 = 8;
    pub const NEW_DAEMON: u8 = 9;
    pub const DEL_DAEMON: u8 = 10;
    pub const GET_DAEMON: u8 = 11;
    pub const SET_CONFIG: u8 = 12;
    pub const GET_CONFIG: u8 = 13;
    pub const GET_INFO: u8 = 15;
    pub const ZERO: u8 = 16;
    pub const FLUSH: u8 = 17;
}

/// Attributes of a message.
mod top {
    pub(super) const SERVICE: u16 = 1;
    pub(super) const DEST: u16 = 2;
    pub(super) const DAEMON: u16 = 3;
    pub(super) const TIMEOUT_TCP: u16 = 4;
    pub(super) const TIMEOUT_TCP_FIN: u16 = 5;
    pub(super) const TIMEOUT_UDP: u16 = 6;
}

/// Attributes of the answer to `GET_INFO`, which numbers its own from 1 again.
mod info_attribute {
    pub(super) const VERSION: u16 = 1;
    pub(super) const CONN_TAB_SIZE: u16 = 2;
}

/// Attributes of a service.
mod service_attribute {
    pub(super) const AF: u16 = 1;
    pub(super) const PROTOCOL: u16 = 2;
    pub(super) const ADDR: u16 = 3;
    pub(super) const PORT: u16 = 4;
    pub(super) const FWMARK: u16 = 5;
    pub(super) const SCHED_NAME: u16 = 6;
    pub(super) const FLAGS: u16 = 7;
    pub(super) const TIMEOUT: u16 = 8;
    pub(super) const NETMASK: u16 = 9;
    pub(super) const STATS: u16 = 10;
    pub(super) const PE_NAME: u16 = 11;
    pub(super) const STATS64: u16 = 12;
}

/// Flags of a service.
mod service_flag {
    pub(super) const PERSISTENT: u32 = 0x01;
    pub(super) const ONE_PACKET: u32 = 0x04;
    pub(super) const SCHEDULER_1: u32 = 0x08;
    pub(super) const SCHEDULER_2: u32 = 0x10;
    pub(super) const SCHEDULER_3: u32 = 0x20;
}

/// Attributes of a real server.
mod server_attribute {
    pub(super) const ADDR: u16 = 1;
    pub(super) const PORT: u16 = 2;
    pub(super) const FWD_METHOD: u16 = 3;
    pub(super) const WEIGHT: u16 = 4;
    pub(super) const U_THRESH: u16 = 5;
    pub(super) const L_THRESH: u16 = 6;
    pub(super) const ACTIVE_CONNS: u16 = 7;
    pub(super) const INACT_CONNS: u16 = 8;
    pub(super) const PERSIST_CONNS: u16 = 9;
    pub(super) const STATS: u16 = 10;
    pub(super) const ADDR_FAMILY: u16 = 11;
    pub(super) const STATS64: u16 = 12;
    pub(super) const TUN_TYPE: u16 = 13;
    pub(super) const TUN_PORT: u16 = 14;
    pub(super) const TUN_FLAGS: u16 = 15;
}

/// How packets get to a real server, and the bits of the attribute that say it.
mod forwarding_method {
    pub(super) const MASQUERADE: u32 = 0;
    pub(super) const LOCAL: u32 = 1;
    pub(super) const TUNNEL: u32 = 2;
    pub(super) const ROUTE: u32 = 3;
    pub(super) const BYPASS: u32 = 4;
    pub(super) const MASK: u32 = 7;
}

/// Encapsulations.
mod tunnel_type {
    pub(super) const IPIP: u8 = 0;
    pub(super) const GUE: u8 = 1;
    pub(super) const GRE: u8 = 2;
}

/// Checksums of tunnels.
mod tunnel_flag {
    pub(super) const NONE: u16 = 0;
    pub(super) const CHECKSUM: u16 = 1;
    pub(super) const REMOTE_CHECKSUM: u16 = 2;
}

/// Attributes of a sync daemon.
mod daemon_attribute {
    pub(super) const STATE: u16 = 1;
    pub(super) const MCAST_IFN: u16 = 2;
    pub(super) const SYNC_ID: u16 = 3;
    pub(super) const SYNC_MAXLEN: u16 = 4;
    pub(super) const MCAST_GROUP: u16 = 5;
    pub(super) const MCAST_GROUP6: u16 = 6;
    pub(super) const MCAST_PORT: u16 = 7;
    pub(super) const MCAST_TTL: u16 = 8;
}

/// Roles of a sync daemon.
mod daemon_state {
    pub(super) const MASTER: u32 = 1;
    pub(super) const BACKUP: u32 = 2;
}

/// Counters and rates. The 32-bit and the 64-bit form number them alike.
mod stats_attribute {
    pub(super) const CONNS: u16 = 1;
    pub(super) const INPKTS: u16 = 2;
    pub(super) const OUTPKTS: u16 = 3;
    pub(super) const INBYTES: u16 = 4;
    pub(super) const OUTBYTES: u16 = 5;
    pub(super) const CPS: u16 = 6;
    pub(super) const INPPS: u16 = 7;
    pub(super) const OUTPPS: u16 = 8;
    pub(super) const INBPS: u16 = 9;
    pub(super) const OUTBPS: u16 = 10;
}
