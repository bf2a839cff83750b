//! Save files: lines ↔ changes, files ↔ tables.

pub mod grammar;
pub mod store;
pub mod words;
