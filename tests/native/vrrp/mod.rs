//! VRRP between network namespaces on one LAN: lvsadm, stock keepalived, FRR.

mod directors;
mod frr;
mod interop;
mod site;
