//! The host around the kernel table: links, addresses, routes, rules, ARP and neighbour discovery, sysctls, scripts.
//!
//! Mechanisms with plain values; who wants what on which host, and when, is decided above.

mod client;
mod codec;
mod command;
pub mod firewall;
pub mod fou;
mod link;
pub mod lookup;
mod monitor;
mod name;
pub mod namespace;
pub mod prepare;
pub mod process;
mod refusal;
pub mod script;
pub mod sysctl;
mod user;
pub mod vmac;
mod wanted;

pub use client::{AddressChange, Error, Host, RouteChange, RuleChange};
pub use codec::Action;
pub use command::Command;
pub use link::{HeldAddress, Link};
pub use monitor::{Change, Monitor, Watch};
pub use name::hostname;
pub use process::Program;
pub use refusal::Refusal;
pub use user::{User, UserFault};
pub use wanted::{Address, Lifetime, NextHop, PROTOCOL, Route, RouteTarget, Rule, RuleAction, Scope};
