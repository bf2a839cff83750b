//! Which network namespace this is, and where its files belong.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Where the agent of the machine's first network namespace keeps sockets and the like.
const RUN_DIR: &str = "/run/lvsadm";

/// Returns the directory for sockets and other files of this run: `chosen` if there is one; `/run/lvsadm` in the network
/// namespace of the machine (that of process 1); `/run/lvsadm/net-NUMBER` in others, so that each can have an agent of its
/// own. Makes nothing.
pub fn run_dir(chosen: Option<&Path>) -> PathBuf {
    if let Some(chosen) = chosen {
        return chosen.to_owned();
    }
    let base = PathBuf::from(RUN_DIR);
    // Who may not look at process 1 is not root, and has no business in another namespace.
    match (number("/proc/thread-self/ns/net"), number("/proc/1/ns/net")) {
        (Ok(own), Ok(first)) if own != first => base.join(format!("net-{own}")),
        _ => base,
    }
}

/// Returns the number of the network namespace that a file of procfs stands for; `ip netns identify` and `lsns` show it.
fn number(file: &str) -> io::Result<u64> {
    fs::metadata(file).map(|namespace| namespace.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_directory_is_taken() {
        assert_eq!(run_dir(Some(Path::new("/x"))), Path::new("/x"));
    }
}
