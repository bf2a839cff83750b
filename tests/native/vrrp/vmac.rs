//! Virtual MAC addresses: what neighbours see, what is made on the host and put back.

use std::{thread, time::Duration};

use super::site::{Host, Site, until};

const VIP: &str = "10.9.9.100";
const MAC: &str = "00:00:5e:00:01:33";
const LIMIT: Duration = Duration::from_secs(12);

fn options(priority: u8, more: &str) -> String {
    format!(
        "VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --priority {priority} --address {VIP}/24 {more}"
    )
}

fn keepalived(priority: u8, more: &str) -> String {
    format!(
        "global_defs {{ router_id x }}\nvrrp_instance VI_1 {{\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n\
         priority {priority}\nversion 3\nadvert_int 0.1\n{more}\nvirtual_ipaddress {{\n{VIP}/24\n}}\n}}\n"
    )
}

/// Kernel parameters that virtual MAC addresses need.
fn switches(host: &Host) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for link in ["all", "default", "eth0"] {
        for name in ["arp_ignore", "arp_filter", "arp_announce", "rp_filter", "accept_local", "promote_secondaries"] {
            let path = format!("ipv4/conf/{link}/{name}");
            found.push((path.clone(), host.sysctl(&path)));
        }
    }
    found
}

fn links(host: &Host) -> String {
    host.run("ip -o link show").ok()
}

/// Asks for the address anew, and tells whose it is.
fn neighbour(client: &Host) -> String {
    let _ = client.run(["ip", "neighbour", "flush", "to", VIP]);
    until("the address answers", LIMIT, || client.pings(VIP));
    let shown = client.run(["ip", "neighbour", "show", VIP]).ok();
    shown.split_whitespace().find(|word| word.contains(':')).unwrap_or_default().to_owned()
}

#[test]
fn neighbours_see_one_mac_from_both_directors() {
    let site = Site::new(3);
    let [us, them, client] = site.hosts.as_slice() else { panic!("three hosts") };
    us.set_sysctl("ipv4/conf/all/rp_filter", "1");
    let before = switches(us);
    let mut ours = us.vrrp_run(options(150, "--vmac"));
    until("we are master", LIMIT, || us.has(VIP));
    let shown = us.run("ip -o -d link show type macvlan").ok();
    assert!(shown.contains("vrrp.51@eth0") && shown.contains(MAC) && shown.contains("private"), "{shown}");
    assert!(us.run("ip -o address show dev vrrp.51").ok().contains(VIP));
    assert_eq!(neighbour(client), MAC);
    let _theirs = them.keepalived(&keepalived(100, "use_vmac"));
    thread::sleep(Duration::from_millis(800));
    assert!(us.has(VIP) && !them.has(VIP), "keepalived does not hear the adverts by the macvlan");

    let (_, status) = ours.stop();
    assert_eq!(status, Some(0));
    assert_eq!(links(us).matches("macvlan").count() + links(us).matches("vrrp.51").count(), 0);
    assert_eq!(switches(us), before);
    until("keepalived is master", LIMIT, || them.has(VIP));

    // And we hear it, by a macvlan with the same MAC address as the sender's.
    let _backup = us.vrrp_run(options(50, "--vmac"));
    until("we are backup", LIMIT, || us.is("VI_1", "backup"));
    thread::sleep(Duration::from_millis(800));
    assert!(!us.has(VIP) && them.has(VIP));
    assert!(us.instance("VI_1")["counters"]["received"].as_u64() > Some(3), "{}", us.instance("VI_1"));
    assert_eq!(us.became_master("VI_1"), 0);
}

#[test]
fn adverts_may_leave_by_the_link_below() {
    let site = Site::new(3);
    let [us, them, client] = site.hosts.as_slice() else { panic!("three hosts") };
    let mut ours = us.vrrp_run(options(150, "--vmac=vip0 --vmac-transmit-base"));
    let _theirs = them.keepalived(&keepalived(100, "use_vmac\nvmac_xmit_base"));
    until("we alone are master", LIMIT, || us.has(VIP) && !them.has(VIP));
    assert!(us.run("ip -o address show dev vip0").ok().contains(VIP));
    assert_eq!(neighbour(client), MAC);
    ours.stop();
    until("keepalived is master", LIMIT, || them.has(VIP));
    let _backup = us.vrrp_run(options(50, "--vmac=vip0 --vmac-transmit-base"));
    until("we are backup", LIMIT, || us.is("VI_1", "backup"));
    thread::sleep(Duration::from_millis(800));
    assert!(!us.has(VIP) && them.has(VIP));
}

#[test]
fn ipv6() {
    let site = Site::new(3);
    let [us, them, client] = site.hosts.as_slice() else { panic!("three hosts") };
    let vip = "fd09::100";
    let run = |host: &Host, priority: u8| {
        host.vrrp_run(format!(
            "VI_1 --interface eth0 --vrid 51 --interval 100ms --priority {priority} --vmac --address fe80::51/64 --address {vip}/64"
        ))
    };
    let mut a = run(us, 150);
    until("host 1 is master", LIMIT, || us.has(vip));
    let _b = run(them, 100);
    until("the address answers", LIMIT, || client.pings(vip));
    let neighbour = client.run(["ip", "neighbour", "show", vip]).ok();
    assert!(neighbour.contains("00:00:5e:00:02:33"), "{neighbour}");
    thread::sleep(Duration::from_millis(500));
    assert!(us.has(vip) && !them.has(vip));
    a.stop();
    until("host 2 is master", LIMIT, || them.has(vip) && !us.has(vip));
    assert!(!links(us).contains("vrrp"), "{}", links(us));
}

#[test]
fn a_killed_process_leaves_nothing_to_the_next_one() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    host.set_sysctl("ipv4/conf/all/rp_filter", "1");
    let before = switches(host);
    let mut first = host.vrrp_run(options(150, "--vmac"));
    until("it is master", LIMIT, || host.has(VIP));
    assert_ne!(switches(host), before);
    first.kill();
    assert!(links(host).contains("vrrp.51"));
    // With other settings: no virtual MAC address.
    let mut second = host.vrrp_run(options(150, ""));
    until("it is master again, on the link itself", LIMIT, || {
        host.run("ip -o address show dev eth0").ok().contains(VIP) && !links(host).contains("vrrp.51")
    });
    assert_eq!(switches(host), before);
    second.kill();
    // And back: the address is on the link itself, where it must not stay.
    let mut third = host.vrrp_run(options(150, "--vmac"));
    until("the address moved to the macvlan", LIMIT, || {
        host.run("ip -o address show dev vrrp.51").stdout.contains(VIP)
            && !host.run("ip -o address show dev eth0").ok().contains(VIP)
    });
    third.stop();
    assert!(!host.has(VIP) && !links(host).contains("vrrp.51"));
    assert_eq!(switches(host), before);
}

#[test]
fn addresses_on_other_links_have_macvlans_there() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    host.run("ip link add eth1 type veth peer name far1").ok();
    host.run("ip link set eth1 up").ok();
    host.run("ip link set far1 up").ok();
    let before = switches(host);
    let lines = format!("vrrp add {} --address '10.8.8.100/24 dev eth1'\n", options(150, "--vmac --vmac-other-links"));
    let mut ours = host.vrrp_file(&lines);
    until("both are there", LIMIT, || host.has(VIP) && host.has("10.8.8.100"));
    let shown = host.run("ip -o -d link show type macvlan").ok();
    assert_eq!(shown.matches(MAC).count(), 2, "{shown}");
    assert!(shown.contains("@eth0") && shown.contains("@eth1"), "{shown}");
    assert!(!host.run("ip -o address show dev eth1").ok().contains("10.8.8.100"));
    ours.stop();
    assert!(!host.has("10.8.8.100"));
    assert_eq!(host.run("ip -o link show type macvlan").ok(), "");
    assert_eq!(switches(host), before);
}

#[test]
fn a_macvlan_that_somebody_deletes_is_made_again() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let _ours = host.vrrp_run(options(150, "--vmac"));
    until("it is master", LIMIT, || host.has(VIP));
    host.run("ip link delete vrrp.51").ok();
    until("macvlan and address are back", LIMIT, || host.run("ip -o address show dev vrrp.51").stdout.contains(VIP));
}
