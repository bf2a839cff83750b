//! The kernel's table.

pub mod plan;
