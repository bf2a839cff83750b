//! Tests that need a real IPVS kernel; `tests/lab/test` runs them (see README.md here).

mod agent;
mod bfd;
mod check;
mod check_cli;
mod check_keepalived;
mod client;
mod cluster;
mod compat;
mod doctor;
mod holder;
mod keepalived_conf;
mod kills;
mod live;
mod restore;
mod smoke;
mod support;
mod told;
mod verbs;
mod vrrp;
