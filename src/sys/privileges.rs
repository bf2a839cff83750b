//! What this process lacks when the kernel says `EPERM`.

use std::fs;

use nix::unistd;
use thiserror::Error;

/// The first thing that a process lacks to administer the network of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Lacking {
    /// Its user namespace is not the first one: containers without privileges, `unshare -r`.
    #[error("this process runs in a user namespace of its own, where root is not the machine's root")]
    FirstUserNamespace,
    /// It is not root, and has not been given the capability either.
    #[error("this process is neither root nor has it the capability CAP_NET_ADMIN")]
    Root,
    /// It is root without `CAP_NET_ADMIN`: most containers.
    #[error("this process is root without the capability CAP_NET_ADMIN, as in most containers")]
    NetAdmin,
}

/// Returns what this process lacks, supposing that it lacks something.
pub fn lacking() -> Lacking {
    // The first user namespace maps all numbers to themselves.
    let first =
        fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    if !first {
        Lacking::FirstUserNamespace
    } else if !unistd::geteuid().is_root() {
        Lacking::Root
    } else {
        Lacking::NetAdmin
    }
}
