//! Save files: lines ↔ changes, files ↔ tables.

pub mod store;
pub mod words;
