//! drain, undrain, top and explain on a live table, with stock ipvsadm as judge.

mod drain;
mod explain;
mod held;
mod prompt;
mod top;
