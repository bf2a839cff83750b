//! VRRP: elections over virtual addresses, after RFC 3768, 5798 and 9568 and the habits of keepalived.
//!
//! Packets, instances, sync groups and tracking do no IO and read no clock: [`event`] says what goes in and what comes
//! out, and [`router`] puts them together. What has sockets stands in `driver`.

pub mod announce;
mod commands;
pub mod driver;
pub mod event;
mod group;
mod instance;
pub mod packet;
pub mod router;
pub mod settings;
#[cfg(test)]
mod simulation;
pub mod status;
pub mod track;
pub mod tracking;
mod words;

pub use commands::commands;
