//! Links that vanish, come back, go down, are renamed, and lose their addresses.

use std::{thread, time::Duration};

use super::site::{Daemon, Host, Site, until};

const VIP: &str = "10.9.9.100";
const LIMIT: Duration = Duration::from_secs(12);

fn options(priority: u8, more: &str) -> String {
    format!(
        "VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --priority {priority} --address {VIP}/24 {more}"
    )
}

fn pair(site: &Site, more: &str) -> (Daemon, Daemon) {
    let a = site.hosts[0].vrrp_run(options(150, more));
    let b = site.hosts[1].vrrp_run(options(100, more));
    (a, b)
}

#[track_caller]
fn only(site: &Site, holder: usize) {
    until(&format!("host {} alone has the address", holder + 1), LIMIT, || {
        site.hosts.iter().take(2).enumerate().all(|(index, host)| host.has(VIP) == (index == holder))
    });
}

#[test]
fn down_and_up() {
    let site = Site::new(2);
    let (a, _b) = pair(&site, "");
    only(&site, 0);
    let first = &site.hosts[0];
    first.run("ip link set eth0 down").ok();
    until("it has a fault", LIMIT, || first.is("VI_1", "fault"));
    only(&site, 1);
    let shown = first.vrrp("show VI_1").ok();
    assert!(shown.contains("down"), "{shown}");
    first.run("ip link set eth0 up").ok();
    only(&site, 0);
    assert!(a.log().contains("fault"), "{}", a.log());
}

#[test]
fn gone_and_back() {
    let site = Site::new(2);
    let first = &site.hosts[0];
    first.run("ip link add eth1 type veth peer name far1").ok();
    first.run("ip link set far1 up").ok();
    let a = first.vrrp_file(
        "vrrp add VI_1 --interface eth1 --vrid 51 --version 3 --interval 100ms --priority 150 --address 10.8.8.100/24\n\
         vrrp set --missing-interfaces\n",
    );
    until("it waits for an address", LIMIT, || first.is("VI_1", "fault"));
    for round in 1..=2 {
        first.run("ip link set eth1 up").ok();
        first.run("ip link set far1 up").ok();
        first.run("ip address add 10.8.8.1/24 dev eth1").ok();
        until("it is master", LIMIT, || first.has("10.8.8.100"));
        first.run("ip link delete eth1").ok();
        until("it has a fault", LIMIT, || first.is("VI_1", "fault"));
        assert!(first.vrrp("show VI_1").ok().contains("none of this name"), "{}", first.vrrp("show VI_1").ok());
        first.run("ip link add eth1 type veth peer name far1").ok();
        assert_eq!(first.became_master("VI_1"), round);
    }
    assert!(!a.log().contains("panicked"), "{}", a.log());
}

#[test]
fn missing_at_the_start() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let line = "vrrp add VI_1 --interface eth1 --vrid 51 --version 3 --interval 100ms --address 10.8.8.100/24\n";
    // Unless allowed, it is refused.
    let file = host.file("state", line);
    let refused = host.vrrp(format!("run --state {}", file.display()));
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains("eth1") && refused.stderr.contains("--missing-interfaces"), "{refused}");
    let _daemon = host.vrrp_file(&format!("{line}vrrp set --missing-interfaces\n"));
    until("it has a fault", LIMIT, || host.is("VI_1", "fault"));
    host.run("ip link add eth1 type veth peer name far1").ok();
    host.run("ip link set eth1 up").ok();
    host.run("ip link set far1 up").ok();
    host.run("ip address add 10.8.8.1/24 dev eth1").ok();
    until("it is master", LIMIT, || host.has("10.8.8.100"));
}

#[test]
fn renamed_and_back() {
    let site = Site::new(2);
    let (_a, _b) = pair(&site, "");
    only(&site, 0);
    let first = &site.hosts[0];
    // The kernel renames links that are up from 6.0 on; before, they are set down for it.
    first.run("ip link set eth0 down").ok();
    first.run("ip link set eth0 name lan0").ok();
    first.run("ip link set lan0 up").ok();
    until("it has a fault", LIMIT, || first.is("VI_1", "fault"));
    only(&site, 1);
    first.run("ip link set lan0 down").ok();
    first.run("ip link set lan0 name eth0").ok();
    first.run("ip link set eth0 up").ok();
    only(&site, 0);
}

#[test]
fn another_address_of_the_link_is_the_next_source() {
    let site = Site::new(2);
    let (_a, _b) = pair(&site, "");
    only(&site, 0);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    first.run("ip address add 10.9.9.11/24 dev eth0").ok();
    first.run("ip address delete 10.9.9.1/24 dev eth0").ok();
    // With the first address of the network the kernel may have removed the others; whoever set them sets them again.
    let _ = first.run("ip address add 10.9.9.11/24 dev eth0");
    until("adverts come from the other address", LIMIT, || {
        let peers = second.instance("VI_1")["peers"].clone();
        peers[0]["address"] == "10.9.9.11" && peers[0]["priority"] == 150
    });
    only(&site, 0);
}

#[test]
fn without_any_address_there_is_a_fault_and_it_ends() {
    let site = Site::new(2);
    let (_a, _b) = pair(&site, "");
    only(&site, 0);
    let first = &site.hosts[0];
    first.run("ip address flush dev eth0 scope global").ok();
    only(&site, 1);
    until("it has a fault", LIMIT, || first.is("VI_1", "fault"));
    first.run("ip address add 10.9.9.1/24 dev eth0").ok();
    only(&site, 0);
}

#[test]
fn unicast_after_the_cable_was_out() {
    let site = Site::new(2);
    let start = |host: &Host, priority: u8| {
        let peer = 3 - host.number;
        host.vrrp_run(options(priority, &format!("--unicast-peer 10.9.9.{peer}")))
    };
    let _a = start(&site.hosts[0], 150);
    let _b = start(&site.hosts[1], 100);
    only(&site, 0);
    site.hosts[0].cable(false);
    until("host 2 has the address", LIMIT, || site.hosts[1].has(VIP));
    site.hosts[0].cable(true);
    only(&site, 0);
    thread::sleep(Duration::from_millis(500));
    only(&site, 0);
}
