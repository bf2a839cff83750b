//! keepalived.conf: from text to settings, with all that is wrong with it.
//!
//! Reads files, and does nothing else with the world. What the settings mean is the business of the layers below.

pub mod build;
pub mod tree;
