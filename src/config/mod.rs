//! keepalived.conf: from text to settings, with all that is wrong with it.
//!
//! Reads files, and does nothing else with the world. What the settings mean is the business of the layers below.

pub mod build;
pub mod convert;
pub mod lint;
pub mod load;
pub mod schema;
pub mod source;
pub mod text;
pub mod tree;
pub mod values;

mod blocks;
mod bytes;
mod check;
mod definitions;
mod reader;
mod repair;
mod rules;

use std::path::Path;

pub use reader::Environment;
use tree::{Finding, Statement};

/// Reads a configuration file and what it includes: its statements, and what is wrong with its grammar. What keywords mean is not
/// looked at. The name may have wildcards.
///
/// A file with faults has statements all the same, as keepalived would read them where that makes sense; do not run them.
pub fn read(path: &Path, environment: &Environment) -> (Vec<Statement>, Vec<Finding>) {
    reader::read(path, environment)
}
