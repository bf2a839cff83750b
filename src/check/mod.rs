//! Health checks: what a checker asks a real server, when, and what the answer means for the check.
//!
//! What a server's health means for the table is decided in `pool`.

pub mod agent;
pub mod answer;
pub mod board;
pub mod certificate;
mod connect;
mod datagram;
mod dialer;
pub mod dns;
pub mod durations;
mod echo;
pub mod facts;
mod file;
pub mod history;
#[cfg(test)]
mod hostile;
mod http;
pub mod lines;
pub mod pattern;
mod ping;
pub mod probe;
pub mod raw;
pub mod schedule;
mod script;
pub mod settings;
pub mod smtp;
mod tcp;
mod tls;
mod udp;

pub use tls::secure;
