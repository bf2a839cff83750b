//! Which program am I, parse, run, exit status: all of it in [`lvsadm::cli`], where tests reach it.

#![no_main]

lvsadm::entry!(lvsadm::cli::main);
