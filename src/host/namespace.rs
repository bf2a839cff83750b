//! Which network namespace this is, and where its files belong.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::sys::socket::namespace_cookie;

/// Where the agent of the machine's first network namespace keeps sockets and the like.
const RUN_DIR: &str = "/run/lvsadm";

/// A switch that is there in the machine's first network namespace only: the kernel has one queue for all of them. Unlike the
/// namespace of process 1, everybody may look at it, with whatever capabilities.
const OF_FIRST: &str = "/proc/sys/net/core/netdev_max_backlog";

/// Switches that every network namespace has.
const OF_ALL: &str = "/proc/sys/net/core";

/// Names another directory for all commands of a shell or unit.
const VARIABLE: &str = "LVSADM_RUN_DIR";

/// Returns the directory for sockets and other files of this run: `chosen` if there is one, or else the environment's
/// `LVSADM_RUN_DIR`; `/run/lvsadm` in the machine's first network namespace; `/run/lvsadm/net-NUMBER.COOKIE` in others, so
/// that each can have an agent of its own. The number is that of `ls -l /proc/self/ns/net`; a namespace that gets the number of
/// a former one has another cookie, and does not find what that one left. Makes nothing.
pub fn run_dir(chosen: Option<&Path>) -> PathBuf {
    if let Some(chosen) = chosen {
        return chosen.to_owned();
    }
    if let Some(chosen) = env::var_os(VARIABLE).filter(|chosen| !chosen.is_empty()) {
        return PathBuf::from(chosen);
    }
    let base = PathBuf::from(RUN_DIR);
    // Where /proc shows too little to tell, there is most likely one namespace only.
    let is_first = Path::new(OF_FIRST).exists() || !Path::new(OF_ALL).exists();
    match fs::metadata("/proc/thread-self/ns/net") {
        Ok(namespace) if !is_first => {
            let cookie = namespace_cookie().map(|cookie| format!(".{cookie}")).unwrap_or_default();
            base.join(format!("net-{}{cookie}", namespace.ino()))
        }
        _ => base,
    }
}

/// Returns the run directory of the machine's first network namespace.
pub fn first_run_dir() -> &'static Path {
    Path::new(RUN_DIR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_directory_is_taken() {
        assert_eq!(run_dir(Some(Path::new("/x"))), Path::new("/x"));
    }
}
