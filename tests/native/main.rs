//! What is claimed about kernels without IPVS, natively: in network namespaces of this machine, with stock tools as judges.
//! Needs root.

mod agent;
mod bfd;
mod convert;
mod doctor;
mod genhash;
mod host;
mod https;
mod keepalived;
mod network;
mod notify;
mod pings;
mod scripts;
mod servers;
mod sockets;
// Of what lab tests share, only a part is used here.
#[allow(dead_code)]
#[path = "../lab/support/mod.rs"]
mod support;
mod told;
mod trackers;
mod vrrp;

use std::{
    env, fs,
    future::Future,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use lvsadm::host::Command;

/// Runs a future in a runtime like the agent's, and no longer than a test may take.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let limited = async { tokio::time::timeout(Duration::from_secs(20), future).await.expect("ends in time") };
    let result = runtime.block_on(limited);
    runtime.shutdown_background();
    result
}

/// Whether tests that change users can do so.
fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("passed over: needs root");
    }
    root
}

/// A directory that other users may read, too.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::Builder::new().prefix("lvsadm-native-").tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    directory
}

/// Writes an executable shell script.
fn script(directory: &Path, name: &str, body: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    path
}

/// A command without a user of its own.
fn command(path: &Path, words: &[&str]) -> Command {
    let program = path.to_str().expect("a plain path").to_owned();
    Command { words: [program].into_iter().chain(words.iter().map(|word| (*word).to_owned())).collect(), user: None }
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("in vain: {what}");
}

/// Whether a program is installed. `tests/run` installs what it needs; elsewhere a test without its judge says nothing.
fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|dir| fs::metadata(dir.join(program)).is_ok_and(|file| file.is_file()));
    if !found {
        eprintln!("passed over: {program} is not installed");
    }
    found
}
