//! Processes that stay: what drives the decisions of the layers below with sockets, timers, signals and children.

pub mod check;
