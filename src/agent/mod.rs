//! What runs in the background, and how it is spoken to.

pub mod control;
pub mod vrrp;
