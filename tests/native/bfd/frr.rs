//! FRR's bfdd as neighbour: both ends come up, agree on the times that both say, and see each other's end.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{LIMIT, RECOVERY, bfd, bfd_run, is, session, until_up, with_router};
use crate::{
    support::Words,
    vrrp::site::{Daemon, Host, Site, until},
};

/// zebra and bfdd on one host.
struct Frr<'a> {
    host: &'a Host,
    sockets: String,
    _zebra: Daemon,
    bfdd: Daemon,
}

impl<'a> Frr<'a> {
    /// Starts them; `peers` are the lines below `bfd`.
    fn start(host: &'a Host, peers: &str) -> Self {
        let zebra = host.file("zebra.conf", "hostname frr\n");
        let bfdd = host.file("bfdd.conf", &format!("hostname frr\nbfd\n{peers}\n"));
        let sockets = host.file("frr", "");
        fs::remove_file(&sockets).expect("we made it");
        fs::create_dir(&sockets).expect("a directory for sockets");
        // Both give up root.
        let directory = sockets.parent().expect("it is in our directory");
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("our directory");
        let owned = Command::new("chown").arg("frr:frr").arg(&sockets).status();
        assert!(owned.is_ok_and(|status| status.success()), "FRR's user is missing");
        let sockets = sockets.display().to_string();
        let start = |daemon: &str, file: &Path, more: &str| {
            let words = format!(
                "/usr/lib/frr/{daemon} -f {} -i {sockets}/{daemon}.pid -z {sockets}/zserv.api --vty_socket {sockets} -A 127.0.0.1{more}",
                file.display()
            );
            host.start(words.words())
        };
        let zebra = start("zebra", &zebra, "");
        until("zebra listens", LIMIT, || fs::exists(format!("{sockets}/zserv.api")).unwrap_or(false));
        let bfdd = start("bfdd", &bfdd, &format!(" --bfdctl {sockets}/bfdd.sock"));
        Self { host, sockets, _zebra: zebra, bfdd }
    }

    /// What it says of its only peer.
    fn peer(&self) -> Value {
        let shown = self.host.run(["vtysh", "--vty_socket", &self.sockets, "-c", "show bfd peers json"]);
        let peers: Value = serde_json::from_str(&shown.stdout).unwrap_or_default();
        peers[0].clone()
    }

    fn is(&self, status: &str) -> bool {
        self.peer()["status"] == status
    }
}

/// What both ends have to say of each other: `ours` are options of our session, `theirs` the line of FRR's peer.
fn agree(site: &Site, ours: &str, theirs: &str, passive: bool) {
    let (us, them) = (&site.hosts[0], &site.hosts[site.hosts.len() - 1]);
    let times = "  detect-multiplier 3\n  receive-interval 60\n  transmit-interval 40";
    let passive = if passive { "  passive-mode\n" } else { "" };
    let mut frr = Frr::start(them, &format!(" {theirs}\n{times}\n{passive} !"));
    let line = format!("bfd add peer {ours} --min-tx 50ms --min-rx 80ms --multiplier 4\n");
    let mut process = bfd_run(us, &line);
    until_up(us, "peer");
    until("FRR says the same", LIMIT, || frr.is("up"));
    until("times are agreed on", LIMIT, || session(us, "peer")["negotiated"]["detection_us"] == 240_000);
    let ours = session(us, "peer");
    assert_eq!(ours["negotiated"]["transmit_us"], 60_000, "{ours}");
    assert_eq!(ours["remote"]["times"]["multiplier"], 3, "{ours}");
    let theirs = frr.peer();
    until("FRR knows our times", LIMIT, || frr.peer()["remote-transmit-interval"] == 50);
    assert_eq!(
        (&theirs["remote-detect-multiplier"], &theirs["remote-receive-interval"]),
        (&4.into(), &80.into()),
        "{theirs}"
    );

    // New times while it stays up.
    let changes = ours["changes"].clone();
    bfd(us, "edit peer --min-tx 100ms --min-rx 100ms").ok();
    until("FRR takes new times", LIMIT, || frr.peer()["remote-transmit-interval"] == 100);
    until("and so do we", LIMIT, || session(us, "peer")["negotiated"]["detection_us"] == 300_000);
    assert_eq!(session(us, "peer")["changes"], changes);

    // Held down, and up again.
    bfd(us, "edit peer --admin-down").ok();
    until("FRR hears that it is held down", LIMIT, || !frr.is("up"));
    bfd(us, "edit peer --unset admin-down").ok();
    until_up(us, "peer");
    until("FRR is up again", LIMIT, || frr.is("up"));
    // Until it says that it sends faster now that it is up, its silence is nothing to wonder at.
    until("times are agreed on again", LIMIT, || session(us, "peer")["negotiated"]["detection_us"] == 300_000);

    // Killed: the detection time, and a little for asking.
    frr.bfdd.kill();
    until("we see that it is gone", Duration::from_millis(300 + 2000), || is(us, "peer", "down"));
    assert_eq!(session(us, "peer")["diagnostic"], 1);
    process.stop();
}

#[test]
fn on_the_link() {
    agree(&Site::new(2), "--neighbour 10.9.9.2", "peer 10.9.9.1 interface eth0", false);
}

#[test]
fn on_the_link_and_they_wait_for_us() {
    agree(&Site::new(2), "--neighbour 10.9.9.2 --source 10.9.9.1", "peer 10.9.9.1 local-address 10.9.9.2", true);
}

#[test]
fn on_the_link_and_we_wait_for_them() {
    agree(&Site::new(2), "--neighbour fd09::2 --passive", "peer fd09::1 local-address fd09::2 interface eth0", false);
}

#[test]
fn beyond_a_router() {
    let site = Site::new(3);
    with_router(&site);
    let ours = "--neighbour 10.3.0.3 --source 10.1.0.1 --multihop --max-hops 1";
    agree(&site, ours, "peer 10.1.0.1 multihop local-address 10.3.0.3", false);
}

#[test]
fn beyond_a_router_with_ipv6() {
    let site = Site::new(3);
    with_router(&site);
    let ours = "--neighbour fd03::3 --source fd01::1 --multihop";
    agree(&site, ours, "peer fd01::1 multihop local-address fd03::3", false);
}

/// Killed and started again at once: a handshake, and no more.
#[test]
fn a_killed_process_is_up_again_soon() {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let times = "  detect-multiplier 3\n  receive-interval 100\n  transmit-interval 100";
    let frr = Frr::start(them, &format!(" peer 10.9.9.1 interface eth0\n{times}\n !"));
    let line = "bfd add peer --neighbour 10.9.9.2 --min-tx 100ms --min-rx 100ms --multiplier 3\n";
    let mut process = bfd_run(us, line);
    until_up(us, "peer");
    until("FRR is up", LIMIT, || frr.is("up"));
    let discriminators = || (session(us, "peer")["discriminator"].clone(), frr.peer()["remote-id"].clone());
    let before = discriminators();
    for round in 0..3 {
        process.kill();
        let begun = Instant::now();
        process = bfd_run(us, line);
        // We are up when FRR has heard that we were not.
        until_up(us, "peer");
        until("FRR is up again", LIMIT, || frr.is("up"));
        let took = begun.elapsed();
        assert!(took < RECOVERY, "round {round}: {took:?}");
        assert_eq!(discriminators(), before);
    }
}
