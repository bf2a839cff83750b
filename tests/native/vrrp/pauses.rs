//! Processes that do not run for a while.

use std::{
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::site::{Host, Site, until};

const VIP: &str = "10.9.9.100";
const LIMIT: Duration = Duration::from_secs(12);

fn options(host: &Host, priority: u8) -> String {
    let number = host.number;
    format!(
        "VI_{number} --interface eth0 --vrid 51 --version 3 --interval 100ms --priority {priority} --address {VIP}/24"
    )
}

/// For how long adverts of both hosts were on the LAN at the same time: from the first advert of `late` after `from`, to the
/// last of the other one.
fn is_master(host: &Host) -> bool {
    host.is(&format!("VI_{}", host.number), "master")
}

#[test]
fn a_master_that_was_stopped_wakes_as_a_backup() {
    let site = Site::new(2);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    let a = first.vrrp_run(options(first, 150));
    // First, or the other one may be faster where processes start slowly.
    until("host 1 is master", LIMIT, || first.has(VIP));
    let _b = second.vrrp_run(options(second, 100));
    until("host 2 is backup", LIMIT, || second.is("VI_2", "backup"));
    a.signal(Signal::SIGSTOP);
    until("host 2 is master", LIMIT, || second.has(VIP));
    thread::sleep(Duration::from_millis(300));
    a.signal(Signal::SIGCONT);
    let woken = Instant::now();
    until("host 1 noticed", LIMIT, || {
        let transitions = first.instance("VI_1")["transitions"].clone();
        transitions.as_array().is_some_and(|all| all.iter().any(|each| each["cause"] == "paused"))
    });
    println!("noticed {:?} after it woke up", woken.elapsed());
    // Of higher priority, it becomes master again, but not before it has listened.
    until("host 1 alone is master", LIMIT, || first.has(VIP) && !second.has(VIP));
    let shown = first.vrrp("show VI_1").ok();
    assert!(shown.contains("did not run"), "{shown}");
    assert_eq!(first.instance("VI_1")["counters"]["paused"], 1);
    // It gave way once and came back once.
    assert_eq!(first.became_master("VI_1"), 2);
    assert_eq!(second.became_master("VI_2"), 1);
}

#[test]
fn a_backup_that_was_stopped_stays_backup() {
    let site = Site::new(2);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    let _a = first.vrrp_run(options(first, 150));
    // First, or the other one may be faster where processes start slowly.
    until("host 1 is master", LIMIT, || is_master(first));
    let b = second.vrrp_run(options(second, 100));
    until("host 2 is backup", LIMIT, || second.is("VI_2", "backup"));
    for _ in 0..3 {
        b.signal(Signal::SIGSTOP);
        thread::sleep(Duration::from_millis(700));
        b.signal(Signal::SIGCONT);
        thread::sleep(Duration::from_millis(400));
    }
    assert!(!second.has(VIP) && first.has(VIP));
    assert_eq!(second.became_master("VI_2"), 0, "{}", b.log());
    assert_eq!(first.became_master("VI_1"), 1);
}
