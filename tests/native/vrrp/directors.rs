//! Two lvsadm directors, and a client that pings the virtual address all the time.

use std::{thread, time::Duration};

use nix::sys::signal::Signal;

use super::site::{Daemon, Host, Site, until};

const VIP: &str = "10.9.9.100";
const LIMIT: Duration = Duration::from_secs(12);

/// Ten adverts a second, so that a failover takes a third of a second.
fn director(host: &Host, priority: u8) -> Daemon {
    host.vrrp_run(format!(
        "VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --priority {priority} --address {VIP}/24"
    ))
}

/// How many of the pings that the client sends every 10 ms got no answer while `meanwhile` ran.
fn lost_pings(client: &Host, meanwhile: impl FnOnce()) -> usize {
    let mut ping = client.start(["ping", "-n", "-O", "-i", "0.01", VIP].map(str::to_owned).to_vec());
    thread::sleep(Duration::from_millis(300));
    meanwhile();
    thread::sleep(Duration::from_millis(500));
    ping.signal(Signal::SIGINT);
    let summary = "packets transmitted, ";
    until("ping has counted", LIMIT, || ping.log().contains(summary));
    ping.stop_quietly();
    let log = ping.log();
    let line = log.lines().find(|line| line.contains(summary)).expect("just seen");
    let numbers: Vec<usize> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [sent, received, ..] = numbers.as_slice() else { panic!("ping says {line}") };
    println!("{line}");
    sent - received
}

fn master(site: &Site, index: usize) {
    until(&format!("host {} alone is master", index + 1), LIMIT, || {
        site.hosts[..2].iter().enumerate().all(|(other, host)| host.has(VIP) == (other == index))
    });
}

#[test]
fn failover_and_fail_back_in_lost_pings() {
    let site = Site::new(3);
    let [first, second, client] = site.hosts.as_slice() else { panic!("three hosts") };
    let mut a = director(first, 150);
    let _b = director(second, 100);
    master(&site, 0);

    // Told: the other needs its skew time, 61 ms.
    let told = lost_pings(client, || {
        a.stop();
        master(&site, 1);
    });
    // Fail-back: the old master gives way to the first advert of the new one.
    let back = lost_pings(client, || {
        a = director(first, 150);
        master(&site, 0);
    });
    // A crash: three intervals and the skew time, 361 ms, and from then on the client knows the new MAC address.
    let crash = lost_pings(client, || {
        first.cable(false);
        until("host 2 is master", LIMIT, || second.has(VIP));
    });
    let healed = lost_pings(client, || {
        first.cable(true);
        master(&site, 0);
    });
    println!("lost pings of 10 ms: told {told}, fail-back {back}, crash {crash}, healed {healed}");
    // Twice what the protocol needs: the machine may be busy.
    assert!(told <= 15, "{told} pings lost when the master ended");
    assert!(back <= 15, "{back} pings lost when it came back");
    assert!(crash <= 80, "{crash} pings lost when its cable was pulled");
    assert!(healed <= 25, "{healed} pings lost when its cable was put back");
}

#[test]
fn killed_and_restarted_within_the_down_interval_is_no_failover() {
    let site = Site::new(3);
    let [first, second, client] = site.hosts.as_slice() else { panic!("three hosts") };
    // One advert a second: three seconds are enough to restart by hand.
    let start = |host: &Host, priority: u8| {
        host.vrrp_run(format!("VI_1 --interface eth0 --vrid 51 --version 3 --priority {priority} --address {VIP}/24"))
    };
    let mut a = start(first, 150);
    let _b = start(second, 100);
    master(&site, 0);
    let before = second.vrrp("show VI_1 --json").ok();
    let mut restarted = None;
    let lost = lost_pings(client, || {
        a.kill();
        thread::sleep(Duration::from_millis(1500));
        restarted = Some(start(first, 150));
        thread::sleep(Duration::from_secs(4));
    });
    assert_eq!(lost, 0, "the address was away");
    assert!(first.has(VIP) && !second.has(VIP));
    // The backup never noticed.
    let times = |shown: &str| {
        let status: serde_json::Value = serde_json::from_str(shown).expect("JSON");
        status["instances"][0]["counters"]["became_master"].as_u64()
    };
    let after = second.vrrp("show VI_1 --json").ok();
    assert_eq!(times(&before), times(&after), "{after}");
    let shown = first.vrrp("show VI_1").ok();
    assert!(shown.contains("was master before its restart"), "{shown}");
}

#[test]
fn a_stop_takes_less_than_a_tenth_of_a_second() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let addresses: Vec<String> = (1..=200).map(|n| format!("--address 10.9.9.{}/32", 20 + n)).collect();
    let mut director = host.vrrp_run(format!(
        "VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --priority 150 {}",
        addresses.join(" ")
    ));
    until("all addresses are there", LIMIT, || host.has("10.9.9.21") && host.has("10.9.9.220"));
    let (took, status) = director.stop();
    assert_eq!(status, Some(0), "{}", director.log());
    println!("200 addresses were away after {took:?}");
    // The issue is the addresses, not the process: twice that for a busy machine.
    assert!(took < Duration::from_millis(200), "it took {took:?}");
    assert!(!host.has("10.9.9.21") && !host.has("10.9.9.220"));
}

#[test]
fn an_address_removed_by_somebody_else_comes_back() {
    let site = Site::new(2);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    let a = director(first, 150);
    let b = director(second, 100);
    master(&site, 0);
    first.run(["ip", "address", "delete", &format!("{VIP}/24"), "dev", "eth0"]).ok();
    until("the address is back", LIMIT, || first.has(VIP));
    until("and it was reported", LIMIT, || a.log().contains("put back"));
    thread::sleep(Duration::from_millis(600));
    assert!(!second.has(VIP), "the other took over: {}", b.log());
}

#[test]
fn left_over_addresses_of_a_backup_go_away() {
    let site = Site::new(2);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    let _a = director(first, 150);
    until("host 1 is master", LIMIT, || first.has(VIP));
    second.run(["ip", "address", "add", &format!("{VIP}/24"), "dev", "eth0"]).ok();
    let _b = director(second, 100);
    master(&site, 0);
}
