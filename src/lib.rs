//! lvsadm: Linux Virtual Server at the prompt.
//!
//! Modules are layers; imports point downwards only, `tests/layers.rs` checks it:
//! `cli` → `state` → `ipvs` → `sys` → `model`.

pub mod cli;
pub mod ipvs;
pub mod model;
pub mod state;
pub mod sys;
