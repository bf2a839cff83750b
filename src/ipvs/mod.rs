//! The kernel's IPVS table: its netlink language, a client, its files in `/proc`, what its refusals mean, and plans.

mod client;
pub mod codec;
pub mod plan;
pub mod transaction;

pub use client::{Client, Error, OpenError, Refusal};
