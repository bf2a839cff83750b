//! Which program am I, parse, run, exit status.

fn main() {}
