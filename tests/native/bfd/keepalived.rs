//! Stock keepalived as neighbour.

use std::time::{Duration, Instant};

use super::{LIMIT, RECOVERY, bfd, bfd_run, is, session, until_up, with_router};
use crate::{
    support::Words,
    vrrp::site::{Daemon, Host, Site, until},
};

/// Starts keepalived with one BFD session.
fn keepalived(host: &Host, lines: &str) -> Daemon {
    let file = host.file("keepalived.conf", &format!("bfd_instance peer {{\n{lines}\n}}\n"));
    let pid = host.file("pid", "");
    let pid = pid.display();
    let line = format!(
        "keepalived --dont-fork --log-console --log-detail --use-file={} --pid={pid}.1 --vrrp_pid={pid}.2 \
         --checkers_pid={pid}.3 --bfd_pid={pid}.4",
        file.display()
    );
    host.start(line.words())
}

fn ups(daemon: &Daemon) -> usize {
    daemon.log().matches("Entering Up state").count()
}

fn agree(site: &Site, ours: &str, theirs: &str) {
    let (us, them) = (&site.hosts[0], &site.hosts[site.hosts.len() - 1]);
    let mut peer = keepalived(them, &format!("{theirs}\nmin_rx 60\nmin_tx 40\nmultiplier 3"));
    let line = format!("bfd add peer {ours} --min-tx 50ms --min-rx 80ms --multiplier 4\n");
    let mut process = bfd_run(us, &line);
    until_up(us, "peer");
    until("keepalived says the same", LIMIT, || ups(&peer) == 1);
    until("times are agreed on", LIMIT, || session(us, "peer")["negotiated"]["detection_us"] == 240_000);
    assert_eq!(session(us, "peer")["negotiated"]["transmit_us"], 60_000);

    bfd(us, "edit peer --min-tx 100ms --min-rx 100ms").ok();
    until("new times", LIMIT, || session(us, "peer")["negotiated"]["detection_us"] == 300_000);
    assert!(is(us, "peer", "up"));

    // We end, and it hears that; we come back.
    process.stop();
    until("keepalived hears that we end", LIMIT, || peer.log().contains("Entering Down state"));
    let mut process = bfd_run(us, &line);
    until_up(us, "peer");
    until("keepalived is up again", LIMIT, || ups(&peer) == 2);
    // Until it says that it sends faster now that it is up, its silence is nothing to wonder at.
    until("times are agreed on again", LIMIT, || session(us, "peer")["negotiated"]["detection_us"] == 240_000);
    peer.kill();
    until("we see that it is gone", Duration::from_millis(240 + 2000), || is(us, "peer", "down"));
    assert_eq!(session(us, "peer")["diagnostic"], 1);
    process.stop();
}

#[test]
fn on_the_link() {
    agree(&Site::new(2), "--neighbour 10.9.9.2", "neighbor_ip 10.9.9.1\nsource_ip 10.9.9.2");
}

#[test]
fn on_the_link_and_they_wait_for_us() {
    agree(&Site::new(2), "--neighbour 10.9.9.2", "neighbor_ip 10.9.9.1\npassive");
}

/// keepalived's hop limit is 64 for IPv6, unless it is told otherwise.
#[test]
fn on_the_link_with_ipv6() {
    agree(&Site::new(2), "--neighbour fd09::2 --ttl 64", "neighbor_ip fd09::1\nsource_ip fd09::2");
}

#[test]
fn a_lower_hop_limit_is_refused_with_the_reason() {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let _peer = keepalived(them, "neighbor_ip fd09::1\nsource_ip fd09::2\nmin_rx 60\nmin_tx 40");
    let process = bfd_run(us, "bfd add peer --neighbour fd09::2\n");
    let said =
        "BFD session peer: a packet of the neighbour was rejected: its TTL is 64, and 255 is the least that is taken";
    until("the reason", LIMIT, || process.log().contains(said));
    assert_eq!(session(us, "peer")["state"], "down");
    until("it is counted", LIMIT, || session(us, "peer")["counters"]["rejected"]["ttl"].as_u64() > Some(1));
}

/// keepalived 2.2 knows port 4784 not yet, but hops.
#[test]
fn beyond_a_router_and_we_wait_for_them() {
    let site = Site::new(3);
    with_router(&site);
    let ours = "--neighbour 10.3.0.3 --source 10.1.0.1 --max-hops 1 --passive";
    agree(&site, ours, "neighbor_ip 10.1.0.1\nsource_ip 10.3.0.3\nmax_hops 1");
}

/// keepalived's hop limit is 64 for IPv6 here, too.
#[test]
fn beyond_a_router_with_ipv6() {
    let site = Site::new(3);
    with_router(&site);
    let ours = "--neighbour fd03::3 --source fd01::1 --ttl 64 --max-hops 1";
    agree(&site, ours, "neighbor_ip fd01::1\nsource_ip fd03::3\nmax_hops 1");
}

/// Killed and started again at once: a handshake, and no more.
#[test]
fn a_killed_process_is_up_again_soon() {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let peer = keepalived(them, "neighbor_ip 10.9.9.1\nsource_ip 10.9.9.2\nmin_rx 100\nmin_tx 100\nmultiplier 3");
    let line = "bfd add peer --neighbour 10.9.9.2 --min-tx 100ms --min-rx 100ms --multiplier 3\n";
    let mut process = bfd_run(us, line);
    until_up(us, "peer");
    until("keepalived is up", LIMIT, || ups(&peer) == 1);
    let before = session(us, "peer")["discriminator"].clone();
    for round in 1..=3 {
        process.kill();
        let begun = Instant::now();
        process = bfd_run(us, line);
        until_up(us, "peer");
        until("keepalived is up again", LIMIT, || ups(&peer) == 1 + round);
        let took = begun.elapsed();
        assert!(took < RECOVERY, "round {round}: {took:?}");
        assert_eq!(session(us, "peer")["discriminator"], before);
    }
}
