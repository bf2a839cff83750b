//! The system's edges: netlink sockets, kernel modules, privileges. The only module that may hold unsafe code.
//!
//! Knows nothing of IPVS: mechanisms only, with values and errors that the layers above can word.

pub mod clock;
pub mod module;
pub mod netlink;
pub mod privileges;
