//! Which program am I, parse, run, exit status: all of it in [`lvsadm::cli`], where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lvsadm::cli::main(std::env::args_os().collect())
}
