//! Virtual routers that go by a session.

use std::time::{Duration, Instant};

use super::{LIMIT, bfd, bfd_run, until_up};
use crate::vrrp::site::{Host, Site, until};

const VIP: &str = "10.9.9.100";

/// A director with a session with the third host, which its instance tracks.
fn lines(priority: u8, track: &str) -> String {
    format!(
        "bfd add gw --neighbour 10.9.9.3 --min-tx 10ms --min-rx 10ms --multiplier 3\n\
         vrrp add VI_1 --interface eth0 --vrid 51 --priority {priority} --interval 1s --address {VIP}{track}\n"
    )
}

fn gateway(neighbour: u8) -> String {
    format!("bfd add d{neighbour} --neighbour 10.9.9.{neighbour} --min-tx 10ms --min-rx 10ms --multiplier 3\n")
}

fn reached_by(gateway: &Host, director: u8, reached: bool) {
    let mode = if reached { "del" } else { "add" };
    gateway.run(format!("ip route {mode} blackhole 10.9.9.{director}/32")).ok();
}

#[test]
fn a_master_without_its_gateway_gives_way_at_once() {
    let site = Site::new(3);
    let [one, two, three] = site.hosts.as_slice() else { panic!("three hosts") };
    let _gateway = bfd_run(three, &(gateway(1) + &gateway(2)));
    let first = one.vrrp_file(&lines(200, " --track-bfd gw"));
    let _second = two.vrrp_file(&lines(100, ""));
    until_up(one, "gw");
    until("the first is master", LIMIT, || one.is("VI_1", "master"));
    until("the second is not", LIMIT, || two.is("VI_1", "backup"));
    let begun = Instant::now();
    reached_by(three, 1, false);
    until("the second has the address", LIMIT, || two.has(VIP));
    let took = begun.elapsed();
    // Detection, an advert of priority 0, the skew time of the second (0.61 s), and the time that looking takes.
    assert!(took < Duration::from_millis(30 + 610 + 500), "{took:?}");
    assert!(one.is("VI_1", "fault"));
    assert!(first.log().contains("BFD session gw is down: nothing heard for the detection time"), "{}", first.log());
    reached_by(three, 1, true);
    until("the first is master again", LIMIT, || one.is("VI_1", "master"));
}

/// The session begins with a handshake then, which is no failure of the path. Its times leave room for a machine that is busy
/// with other tests.
#[test]
fn a_killed_master_goes_on_as_master() {
    let site = Site::new(3);
    let [one, two, three] = site.hosts.as_slice() else { panic!("three hosts") };
    let slow = |lines: String| lines.replace("10ms", "100ms");
    let _gateway = bfd_run(three, &slow(gateway(1)));
    let begin = || one.vrrp_file(&slow(lines(200, " --track-bfd gw")));
    let mut first = begin();
    let second = two.vrrp_file(&slow(lines(100, "")));
    until("the first is master", LIMIT, || one.is("VI_1", "master"));
    until("the second is not", LIMIT, || two.is("VI_1", "backup"));
    let mut said = String::new();
    for _ in 0..2 {
        said += &first.log();
        first.kill();
        first = begin();
        until("the first goes on", LIMIT, || one.is("VI_1", "master"));
        until_up(one, "gw");
    }
    assert_eq!(two.became_master("VI_1"), 0, "{said}{}\nthe second: {}", first.log(), second.log());
}

#[test]
fn a_session_that_never_comes_up_is_waited_for_and_then_counts() {
    let site = Site::new(1);
    let one = &site.hosts[0];
    let begun = Instant::now();
    let process = one.vrrp_file(&lines(200, " --track-bfd gw"));
    until("it answers", LIMIT, || one.is("VI_1", "init"));
    until("a fault", LIMIT, || one.is("VI_1", "fault"));
    assert!(begun.elapsed() > Duration::from_millis(2500), "{}", process.log());
    // A track more takes what is known already.
    one.change("edit VI_1 --unset track-bfd").ok();
    until("master", LIMIT, || one.is("VI_1", "master"));
    one.change("edit VI_1 --track-bfd gw:-50").ok();
    until("less", LIMIT, || one.instance("VI_1")["priority"] == 150);
    // What is tracked cannot be deleted.
    let refused = bfd(one, "delete gw");
    assert!(refused.status != 0 && refused.stderr.contains("there is no BFD session gw"), "{}", refused.stderr);
}
