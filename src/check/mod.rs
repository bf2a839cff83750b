//! Health checks: what a checker asks a real server, when, and what the answer means for the check.
//!
//! What a server's health means for the table is decided in `pool`.

pub mod answer;
mod connect;
mod dialer;
pub mod probe;
pub mod settings;
mod tcp;
