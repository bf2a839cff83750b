//! keepalived.conf: its grammar, what is said of faults, and mutants of the files that keepalived ships.

mod faults;
mod grammar;
mod mutants;
mod schema;
