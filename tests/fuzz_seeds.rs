//! Replays what the fuzzer starts from, and what it once found, as an ordinary test.

use std::{fs, path::Path};

#[path = "../fuzz/targets.rs"]
mod targets;

fn replay(name: &str, target: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut count = 0;
    for entry in fs::read_dir(&directory).expect("seeds") {
        let path = entry.expect("a seed").path();
        println!("{}", path.display());
        target(&fs::read(&path).expect("a seed"));
        count += 1;
    }
    assert!(count > 0, "{} has seeds", directory.display());
}

#[test]
fn savefile() {
    replay("savefile", targets::savefile);
}

#[test]
fn vrrpfile() {
    replay("vrrpfile", targets::vrrpfile);
}

#[test]
fn netlink() {
    replay("netlink", targets::netlink);
}

#[test]
fn proc() {
    replay("proc", targets::proc);
}

#[test]
fn vrrp() {
    replay("vrrp", targets::vrrp);
}

#[test]
fn route() {
    replay("route", targets::route);
}

#[test]
fn bfd() {
    replay("bfd", targets::bfd);
}

#[test]
fn keepalived() {
    replay("keepalived", targets::keepalived);
}

#[test]
fn dns() {
    replay("dns", targets::dns);
}

#[test]
fn smtp() {
    replay("smtp", targets::smtp);
}

#[test]
fn agent() {
    replay("agent", targets::agent);
}
