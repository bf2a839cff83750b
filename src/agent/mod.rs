//! What runs in the background, and how it is spoken to: drives the decisions of the layers below with sockets, timers,
//! signals and children.

pub mod alert;
pub mod check;
mod child;
pub mod control;
pub mod event;
pub mod journal;
pub mod log;
pub mod metrics;
pub mod supervisor;
mod sync;
pub mod vrrp;

/// The agent's control socket, in the run directory.
pub const SOCKET: &str = "agent.sock";
