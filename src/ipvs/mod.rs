//! The kernel's IPVS table: its netlink language, a client, its files in `/proc`, and what its refusals mean.

mod client;
pub mod codec;
mod explain;
pub mod procfs;
mod settle;

pub use client::{Client, Error, OpenError, Refusal};
pub use explain::{Explanation, explain};
pub use procfs::Connection;
