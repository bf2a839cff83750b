//! The host around the kernel table: links, addresses, routes, rules, ARP and neighbour discovery, sysctls, scripts.
//!
//! Mechanisms with plain values; who wants what on which host, and when, is decided above.

mod command;
pub mod process;
pub mod script;
mod user;
mod wanted;

pub use command::Command;
pub use process::Program;
pub use user::{User, UserFault};
pub use wanted::{Address, Lifetime, NextHop, PROTOCOL, Route, RouteTarget, Rule, RuleAction, Scope};
