//! Save files and the ipvsadm grammar: lines of words ↔ requests.
//!
//! No input or output of its own except for save files named by the caller; nothing here talks to the kernel.

pub mod grammar;
