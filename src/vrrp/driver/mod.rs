//! What the router's outside is made of: sockets, trackers. IO only; decisions belong to the router.

pub mod trackers;
