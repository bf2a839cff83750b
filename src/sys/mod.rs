//! The system's edges: netlink sockets, kernel modules, privileges, names. The only module that may hold unsafe code.
//!
//! Knows nothing of IPVS: mechanisms only, with values and errors that the layers above can word.

pub mod capabilities;
pub mod child;
pub mod clock;
pub mod epoll;
pub mod module;
pub mod names;
pub mod netlink;
pub mod priority;
pub mod privileges;
pub mod procevents;
pub mod raw;
pub mod ready;
pub mod socket;
pub mod start;
