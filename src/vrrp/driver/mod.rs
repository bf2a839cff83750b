//! What has sockets: the part of VRRP that does IO. Decides nothing.

pub mod sockets;
