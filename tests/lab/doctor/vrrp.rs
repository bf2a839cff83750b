//! Two directors that do not agree.

use std::{thread, time::Duration};

use nix::sys::signal::{Signal, kill};

use super::{cluster, doctor, fails, fired, mac, says, works};
use crate::support::{
    Background,
    hosts::{Family, Forwarding, Host, Hosts},
    until,
};

fn router(host: &Host, options: &str) -> Background {
    let line = format!(
        "{} vrrp run --interface eth0 --vrid 51 --address 10.0.0.100/24 {} {options}",
        env!("CARGO_BIN_EXE_lvsadm"),
        directory(host)
    );
    host.start(line)
}

fn directory(host: &Host) -> String {
    format!("--run-dir /run/{}", host.namespace)
}

/// Until a host has the address, or has it not.
fn wait(host: &Host, has: bool) {
    let what = format!("{}: the address is there: {has}", host.name);
    until(&what, || host.run("ip address show").ok().contains("10.0.0.100/") == has);
}

/// A director, and a real server that is another one.
fn two() -> (Hosts, Host) {
    let hosts = cluster(2, Forwarding::Dr, Family::V4);
    let other = hosts.servers[1].clone();
    hosts.director.ipvsadm("-d -t 10.0.0.100:80 -r 10.0.0.12:80").ok();
    hosts.director.run("ip address del 10.0.0.100/32 dev eth0").ok();
    other.run("ip address del 10.0.0.100/32 dev lo").ok();
    (hosts, other)
}

#[test]
fn directors_that_agree_and_a_backup_with_the_address() {
    let (hosts, other) = two();
    other.ipvsadm("-A -t 10.0.0.100:80 -s rr").ok();
    other.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11:80 -g").ok();
    let _master = router(&hosts.director, "--priority 200 --version 3 --interval 500ms");
    wait(&hosts.director, true);
    let _backup = router(&other, "--priority 100 --version 3 --interval 500ms");
    thread::sleep(Duration::from_secs(1));
    says(&hosts.director, &directory(&hosts.director), &[]);
    says(&other, &directory(&other), &[]);
    // Somebody put it into the configuration of the network.
    other.run("ip address add 10.0.0.100/32 dev lo").ok();
    says(&other, &directory(&other), &[4, 5]);
    other.sysctl("net/ipv4/conf/all/arp_ignore", 0);
    let (rules, text) = fired(&doctor(&hosts.director, &directory(&hosts.director)));
    assert_eq!(rules, [5], "{text}");
}

/// Stock keepalived does not say who is master. A backup is healthy without the address.
#[test]
fn a_backup_that_keepalived_runs() {
    let (hosts, other) = two();
    other.ipvsadm("-A -t 10.0.0.100:80 -s rr").ok();
    other.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11:80 -g").ok();
    let files = tempfile::tempdir().expect("a directory");
    let start = |host: &Host, priority: u8| {
        let at = files.path().join(&host.name).display().to_string();
        let text = format!(
            "vrrp_instance VI_1 {{\n  interface eth0\n  virtual_router_id 51\n  priority {priority}\n  advert_int 1\n  \
             virtual_ipaddress {{\n    10.0.0.100/24\n  }}\n}}\n"
        );
        std::fs::write(format!("{at}.conf"), text).expect("a file");
        host.start(format!(
            "keepalived --dont-fork --log-console --vrrp --use-file {at}.conf --pid {at}.pid --vrrp_pid {at}.vrrp.pid"
        ))
    };
    let _master = start(&hosts.director, 200);
    wait(&hosts.director, true);
    let backup = start(&other, 100);
    thread::sleep(Duration::from_secs(2));
    says(&hosts.director, &directory(&hosts.director), &[]);
    let report = doctor(&other, &directory(&other));
    assert_eq!(fired(&report).0, [0; 0], "{report}");
    let outcome = |number: u64| {
        let rules = report["rules"].as_array().expect("a list").iter();
        rules.clone().find(|rule| rule["rule"] == number).expect("the rule")["outcome"].clone()
    };
    assert_eq!((outcome(3), outcome(24)), ("unknown".into(), "unknown".into()), "{report}");
    drop(backup);
    until("keepalived has ended", || fired(&doctor(&other, &directory(&other))).0 == [3]);
}

#[test]
fn routers_that_do_not_hear_each_other() {
    let (mut hosts, other) = two();
    hosts.kill_web_server(1);
    let _master = router(&hosts.director, "--priority 200 --version 2 --interval 1s");
    wait(&hosts.director, true);
    works(&hosts, Family::V4);
    let _second = router(&other, "--priority 100 --version 3 --interval 1s");
    wait(&other, true);
    // Both announce the address. Who heard the second one last gets no answer: it has no table.
    hosts.client.run(format!("ip neighbour replace 10.0.0.100 lladdr {} dev eth0", mac(&other))).ok();
    fails(&hosts, Family::V4);
    hosts.client.run("ip neighbour del 10.0.0.100 dev eth0").ok();
    let (rules, text) = fired(&doctor(&hosts.director, &directory(&hosts.director)));
    assert!(rules.contains(&24) && text.contains("they are of version 3, and ours of version 2"), "{text}");
    // The client hears both.
    assert!(rules.contains(&5), "{text}");
}

#[test]
fn adverts_that_are_filtered() {
    let (hosts, other) = two();
    hosts.director.run("iptables-legacy -A INPUT -p 112 -j DROP").ok();
    let _master = router(&hosts.director, "--priority 100 --interval 1s");
    let _second = router(&other, "--priority 200 --interval 1s");
    wait(&hosts.director, true);
    wait(&other, true);
    let (rules, text) = fired(&doctor(&hosts.director, &directory(&hosts.director)));
    assert!(rules.contains(&13) && rules.contains(&24), "{text}");
}

/// A switch that lets a port have the one hardware address that it was given, as those of virtual machines do.
#[test]
fn a_virtual_mac_address_that_the_switch_does_not_know() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let director = &hosts.director;
    director.run("ip address del 10.0.0.100/32 dev eth0").ok();
    let _router = router(director, "--priority 200 --version 3 --interval 500ms --vmac");
    wait(director, true);
    works(&hosts, Family::V4);
    // This machine is nobody's: it says who made it where a file says so.
    let machine = |maker: &str| {
        let script = format!(
            "mount -t tmpfs none /sys/class && mkdir -p /sys/class/dmi/id && echo '{maker}' >/sys/class/dmi/id/sys_vendor && \
             exec {} doctor --json --file /dev/null {}",
            env!("CARGO_BIN_EXE_lvsadm"),
            directory(director)
        );
        let output = director.run(["unshare", "-m", "sh", "-c", &script]);
        fired(&serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}")))
    };
    let (rules, text) = machine("Somebody Else");
    // Its own adverts come from the virtual router's address: that makes them nobody else's.
    assert!(!rules.contains(&25) && !rules.contains(&24), "{text}");
    let own = mac(director);
    hosts.on_lan("bridge link set dev director learning off flood off").ok();
    hosts.on_lan(format!("bridge fdb replace {own} dev director master static")).ok();
    let _ = hosts.on_lan("bridge fdb del 00:00:5e:00:01:33 dev director master");
    hosts.client.run("ip neighbour flush dev eth0").ok();
    fails(&hosts, Family::V4);
    let (rules, text) = machine("VMware, Inc.");
    assert!(rules.contains(&25), "{text}");
}

/// The machine of the master stands still: others cannot tell that from its death. The client is served by the other one
/// meanwhile; what fails is what was promised, that nothing changes without a cause.
#[test]
fn a_master_that_did_not_get_its_turn() {
    let (hosts, other) = two();
    let master = router(&hosts.director, "--priority 200 --version 3 --interval 300ms");
    wait(&hosts.director, true);
    let _backup = router(&other, "--priority 100 --version 3 --interval 300ms");
    until("the backup has heard it", || {
        other.lvsadm(format!("vrrp list {}", directory(&other))).stdout.contains("backup")
    });
    // In a slow guest a timer may have been late already, but nobody who stood still.
    let late = || {
        let (rules, text) = fired(&doctor(&hosts.director, &directory(&hosts.director)));
        rules.contains(&26) && !text.contains("; 0 times an instance had to listen again")
    };
    assert!(!late());
    kill(master.pid(), Signal::SIGSTOP).expect("it runs");
    wait(&other, true);
    thread::sleep(Duration::from_secs(1));
    kill(master.pid(), Signal::SIGCONT).expect("it runs");
    wait(&other, false);
    assert!(late(), "that it stood still is found");
}
