//! VRRP between network namespaces on one LAN: lvsadm, stock keepalived, FRR.

mod directors;
mod edits;
mod frr;
mod interfaces;
mod interop;
mod pauses;
mod site;
mod transcript;
mod vmac;
