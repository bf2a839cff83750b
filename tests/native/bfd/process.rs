//! The process and its save file: changes while it runs, what it refuses, what it remembers.

use std::{fs, time::Duration};

use super::{LIMIT, bfd, bfd_run, is, session, until_up};
use crate::vrrp::site::{Site, until};

const OURS: &str = "bfd add peer --neighbour 10.9.9.2 --min-tx 20ms --min-rx 20ms --multiplier 3\n";
const THEIRS: &str = "bfd add peer --neighbour 10.9.9.1 --min-tx 20ms --min-rx 20ms --multiplier 3\n";

#[test]
fn a_killed_process_keeps_its_discriminator() {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let mut ours = bfd_run(us, OURS);
    let _theirs = bfd_run(them, THEIRS);
    until_up(us, "peer");
    until_up(them, "peer");
    let before = session(us, "peer")["discriminator"].clone();
    ours.kill();
    until("it is missed", Duration::from_millis(60 + 2000), || is(them, "peer", "down"));
    let mut ours = bfd_run(us, OURS);
    until_up(us, "peer");
    assert_eq!(session(us, "peer")["discriminator"], before);
    until_up(them, "peer");
    // An orderly end is no failure of the path, and leaves nothing behind.
    ours.stop();
    until("they are told", LIMIT, || session(them, "peer")["diagnostic"] == 3);
    assert_eq!(session(them, "peer")["remote"]["state"], "admin-down");
    let left: Vec<_> =
        fs::read_dir(us.run_dir()).expect("a directory").map(|entry| entry.expect("read").path()).collect();
    assert!(!left.iter().any(|path| path.to_string_lossy().contains("bfd")), "{left:?}");
}

#[test]
fn sessions_come_and_go_while_others_run() {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let process = bfd_run(us, OURS);
    let _theirs = bfd_run(them, THEIRS);
    until_up(us, "peer");
    bfd(us, "add other --neighbour fd09::2 --min-tx 20ms --min-rx 20ms").ok();
    bfd(them, "add other --neighbour fd09::1 --min-tx 20ms --min-rx 20ms").ok();
    until_up(us, "other");
    bfd(us, "delete other").ok();
    until("they are told", LIMIT, || is(them, "other", "down"));
    assert_eq!(session(us, "peer")["changes"], 1);
    let listed = bfd(us, "list").ok();
    assert!(listed.contains("peer") && !listed.contains("other"), "{listed}");
    assert!(process.log().contains("BFD session other was removed"), "{}", process.log());
}

#[test]
fn what_is_wrong_is_refused_and_nothing_changes() {
    let site = Site::new(1);
    let us = &site.hosts[0];
    let process = bfd_run(us, OURS);
    until("it answers", LIMIT, || is(us, "peer", "down"));
    let before = fs::read_to_string(us.state()).expect("the save file");
    for (arguments, wanted) in [
        ("add x --neighbour 10.9.9.1", "the neighbour 10.9.9.1 is our own address, on eth0"),
        ("add x --neighbour 127.0.0.1", "this is our own address"),
        ("add x --neighbour 10.9.9.7 --source fd09::1", "the neighbour 10.9.9.7 is of the other family"),
        ("add x --neighbour 10.9.9.7 --min-rx 0", "a time from 1us to"),
        ("add x --neighbour 10.9.9.7 --idle-tx 10ms", "a time from 1s to"),
        ("add x --neighbour fe80::7", "a link-local address means nothing without --interface"),
        ("add x --neighbour 10.9.9.7 --interface eth7", "there is no interface eth7"),
        ("add x --neighbour 10.9.9.2", "peer (line 1) has the neighbour 10.9.9.2, too"),
        ("add x --neighbour 10.9.9.7 --auth sha1", "the key is missing"),
        ("add peer --neighbour 10.9.9.7", "peer is there already"),
        ("edit y --multiplier 2", "there is no BFD session y"),
        ("list y", "there is no BFD session y"),
    ] {
        let refused = bfd(us, arguments);
        assert_ne!(refused.status, 0, "{arguments}");
        assert!(refused.stderr.contains(wanted), "{arguments}: {}", refused.stderr);
        assert_eq!(fs::read_to_string(us.state()).expect("the save file"), before, "{arguments}");
    }
    let second = bfd_run(us, OURS);
    until("a second one says what is in its way", LIMIT, || second.log().contains("runs already"));
    assert!(!process.log().contains("do not run any more"));
}

#[test]
fn another_program_on_the_port_is_named() {
    let site = Site::new(1);
    let us = &site.hosts[0];
    let socket = us.inside(|| std::net::UdpSocket::bind("0.0.0.0:3784").expect("a port"));
    let process = bfd_run(us, OURS);
    until("it says so", LIMIT, || {
        process.log().contains("cannot listen on UDP port 3784 (IPv4): another program does")
    });
    drop(socket);
}
