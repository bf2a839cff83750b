//! Save files: lines ↔ changes, files ↔ tables.

pub mod agent_file;
pub mod check;
pub mod drains;
pub mod file;
pub mod grammar;
pub mod names;
pub mod print;
pub mod set;
pub mod store;
pub mod vrrp;
pub mod words;
