//! The kernel's IPVS table: its netlink language, a client, its files in `/proc`, what its refusals mean, and plans.

mod client;
pub mod codec;
mod explain;
pub mod plan;
pub mod predict;
pub mod procfs;
mod settle;
pub mod transaction;

pub use client::{Client, Error, OpenError, Refusal};
pub use explain::{Explanation, explain};
pub use procfs::Connection;
