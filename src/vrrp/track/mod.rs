//! What trackers make of what they see: counts and delays, without IO and without a clock. Looking belongs to
//! `driver::trackers`, what an observation means for a priority to the router.

mod file;
mod process;
mod script;

pub use file::number;
pub use process::Processes;
pub use script::Health;
