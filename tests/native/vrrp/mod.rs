//! VRRP between network namespaces on one LAN: lvsadm, stock keepalived, FRR.

mod directors;
mod edits;
mod elections;
mod frr;
mod holding;
mod interfaces;
mod interop;
mod pauses;
mod process;
pub(crate) mod site;
mod strangers;
mod transcript;
mod vmac;
