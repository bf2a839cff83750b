//! From the state of checks to the table that the kernel should have: health, quorum, sorry servers, weights. No IO, no
//! clock, no probes.

pub mod settings;
