//! What is claimed about this machine's kernel, without IPVS: in network namespaces, natively, in seconds.

mod keepalived;
mod network;
mod sockets;
