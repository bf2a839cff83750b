//! BFD: failures of the path to a neighbour seen in milliseconds, after RFC 5880 (protocol and authentication), 5881 (single
//! hop) and 5883 (several hops). Asynchronous mode; the demand mode of others is answered. No echo packets.
//!
//! Packets and sessions do no IO and read no clock: [`sessions`] takes packets and the time and lays out what is to be sent and
//! told. What has sockets stands in `driver`. Who is told about a session, and what they make of it, is others' business.

pub mod driver;
pub mod packet;
pub mod session;
pub mod sessions;
pub mod settings;
#[cfg(test)]
mod simulation;
pub mod status;
