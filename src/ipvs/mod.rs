//! The kernel's IPVS table: its netlink language, a client, its files in `/proc`, and what its refusals mean.

mod client;
pub mod codec;

pub use client::{Client, Error, OpenError, Refusal};
