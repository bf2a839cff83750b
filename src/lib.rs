//! lvsadm: Linux Virtual Server at the prompt and in the background.
//!
//! Modules are layers; imports point downwards only, `tests/layers.rs` checks it. Top to bottom: `cli`, `agent`,
//! `notify`, `config`, `state`, `pool`, `check`, `vrrp`, `bfd`, `ipvs`, `host`, `sys`, `model`.

pub mod agent;
pub mod bfd;
pub mod check;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod host;
pub mod ipvs;
pub mod model;
pub mod notify;
pub mod pool;
pub mod state;
pub mod sys;
pub mod vrrp;
