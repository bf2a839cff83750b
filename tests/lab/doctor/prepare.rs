//! `lvsadm prepare`: fresh hosts become a cluster of which doctor has nothing to say, and go back to what they were.

use super::{doctor, fired, says, serve};
use crate::support::{
    hosts::{Family, Forwarding, Host, Hosts},
    run,
};

/// A host as distributions leave it.
fn freshen(host: &Host) {
    for (name, value) in [
        ("net/ipv4/conf/all/arp_ignore", 0),
        ("net/ipv4/conf/all/arp_announce", 0),
        ("net/ipv4/conf/all/rp_filter", 1),
        ("net/ipv4/conf/eth0/rp_filter", 1),
        ("net/ipv4/conf/all/send_redirects", 1),
        ("net/ipv4/conf/eth0/send_redirects", 1),
        ("net/ipv6/conf/all/accept_redirects", 1),
        ("net/ipv6/conf/eth0/accept_redirects", 1),
        ("net/ipv4/ip_forward", 0),
        ("net/ipv6/conf/all/forwarding", 0),
    ] {
        host.sysctl(name, value);
    }
}

/// All that can be seen of a host, without what goes by the clock.
fn state(host: &Host) -> String {
    let seen = ["ip -o address", "ip route show table all", "ip -6 route show table all", "ip -o link", "ip fou show"];
    let mut text: String = seen.iter().map(|command| host.run(*command).stdout).collect();
    let switches = host.run(["sysctl", "-a", "--pattern", r"^net\.ipv[46]\.(conf|ip_forward|vs\.)"]).stdout;
    text.push_str(&switches);
    let clean = |line: &str| {
        // A link that was up once keeps a queue.
        let line = line.replace("qdisc noop ", "qdisc noqueue ");
        let moves = ["expires ", "entropy", "stable_secret"].iter().any(|word| line.contains(word));
        (!moves).then_some(line)
    };
    text.lines().filter_map(clean).collect::<Vec<_>>().join("\n")
}

fn all(hosts: &Hosts) -> Vec<Host> {
    [&hosts.director].into_iter().chain(&hosts.servers).cloned().collect()
}

#[test]
fn fresh_hosts_become_a_cluster_and_go_back() {
    ["ipip", "ip6_tunnel"].iter().for_each(|module| drop(run(["modprobe", module])));
    for family in [Family::V4, Family::V6] {
        for forwarding in [Forwarding::Dr, Forwarding::Nat, Forwarding::Tun] {
            round(forwarding, family);
        }
    }
}

fn round(forwarding: Forwarding, family: Family) {
    let hosts = Hosts::new(2);
    all(&hosts).iter().for_each(freshen);
    let before: Vec<String> = all(&hosts).iter().map(state).collect();
    let (vip, director) = (hosts.vip(family), hosts.director.address(family));
    let mode = match forwarding {
        Forwarding::Dr => "dr",
        Forwarding::Nat => "nat",
        Forwarding::Tun => "tun",
    };
    hosts.director.lvsadm(format!("prepare director --mode {mode} --vip {vip}")).ok();
    serve(&hosts, family, forwarding.option());
    let (servers, here): (Vec<String>, String) = match forwarding {
        Forwarding::Nat => {
            let gateway = format!("--mode nat --gateway {director}");
            let client = format!("{gateway} --client {}", hosts.client.address(family));
            (vec![gateway.clone(), client.clone()], client)
        }
        _ => (vec![format!("--mode {mode} --vip {vip}")], format!("--mode {mode} --vip {vip}")),
    };
    for server in &hosts.servers {
        // The director sees that nobody has prepared them.
        if server.name == "rs1" {
            assert_ne!(fired(&doctor(&hosts.director, "")).0, [0; 0], "{mode} {family:?}");
        }
        for options in &servers {
            server.lvsadm(format!("prepare real-server {options}")).ok();
        }
        // Twice is as good as once.
        let again = server.lvsadm(format!("prepare real-server {}", servers[0]));
        assert!(again.stdout.lines().all(|line| line.starts_with("# as it should be: ")), "{again}");
    }
    for _ in 0..4 {
        assert!(super::answers(&hosts, family, ""), "{mode} {family:?}: the client gets an answer");
    }
    says(&hosts.director, "", &[]);
    for server in &hosts.servers {
        says(server, &format!("--real-server {here}"), &[]);
    }
    for (host, before) in all(&hosts).iter().zip(before) {
        let shown = host.lvsadm("prepare undo --dry-run").ok();
        assert!(shown.contains("lvsadm prepare "), "{shown}");
        host.lvsadm("prepare undo").ok();
        let after = state(host);
        // The kernel lists routes in the order in which they came. It makes switches of IPv6 for an IPv4 tunnel, and takes
        // them away, by itself as that goes up and down.
        let sorted = |state: &str| {
            let lines = state.lines().filter(|line| !line.starts_with("net.ipv6.conf.tunl0."));
            let mut lines: Vec<String> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let (before, after) = (sorted(&before), sorted(&after));
        let differences: Vec<_> = before
            .iter()
            .filter(|line| !after.contains(line))
            .chain(after.iter().filter(|line| !before.contains(line)))
            .collect();
        assert!(differences.is_empty(), "{mode} {family:?} {}: {differences:#?}", host.name);
        assert!(host.lvsadm("prepare undo").stderr.contains("nothing is recorded"));
    }
}

#[test]
fn all_of_it_or_nothing() {
    let hosts = Hosts::new(0);
    let host = &hosts.director;
    freshen(host);
    // The second address cannot be had: the first one goes again, and the switches with it.
    host.sysctl("net/ipv6/conf/eth0/disable_ipv6", 1);
    let before = state(host);
    let output = host.lvsadm("prepare director --mode nat --vip 10.0.0.100 --vip fd00::100 --dev eth0");
    assert_eq!(output.status, 1, "{output}");
    assert!(output.stderr.contains("IPv6 is switched off on eth0"), "{output}");
    assert_eq!(state(host), before);
    assert!(host.lvsadm("prepare undo").stderr.contains("nothing is recorded"));
    let output = host.lvsadm("prepare director --mode dr --vip 10.0.0.100 --dev nolink");
    assert!(output.status == 1 && output.stderr.contains("there is no link nolink"), "{output}");
    // A container's /proc/sys.
    let program = env!("CARGO_BIN_EXE_lvsadm");
    let inside = format!(
        "mount --bind -o ro /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec {program} prepare director --mode nat"
    );
    let output = host.run(["unshare", "-m", "sh", "-c", &inside]);
    assert!(output.status == 1 && output.stderr.contains("read-only here, as in containers"), "{output}");
    let nobody = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", program, "prepare", "director"];
    let output = host.run([&nobody[..], &["--mode", "dr", "--vip", "10.0.0.100"]].concat());
    assert_eq!(output.status, 1, "{output}");
    assert_eq!(state(host), before);
    host.lvsadm("prepare director --mode dr --vip 10.0.0.100 --dry-run").ok();
    assert_eq!(state(host), before, "nothing is done to try");
}

#[test]
fn what_others_changed_meanwhile_stays() {
    let hosts = Hosts::new(0);
    let host = &hosts.director;
    freshen(host);
    host.lvsadm("prepare real-server --mode dr --vip 10.0.0.100").ok();
    host.sysctl("net/ipv4/conf/all/arp_ignore", 2);
    host.run("ip address del 10.0.0.100/32 dev lo").ok();
    host.lvsadm("prepare undo").ok();
    let value = |name: &str| host.run(["sysctl", "-n", name]).ok();
    assert_eq!(value("net.ipv4.conf.all.arp_ignore"), "2\n");
    assert_eq!(value("net.ipv4.conf.all.arp_announce"), "0\n");
}

#[test]
fn what_lasts_is_written_and_taken_away() {
    let hosts = Hosts::new(0);
    let host = &hosts.director;
    let files = [
        "/etc/sysctl.d/90-lvsadm.conf",
        "/etc/modules-load.d/lvsadm.conf",
        "/etc/systemd/system/lvsadm-prepare.service",
    ];
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    host.lvsadm("prepare real-server --mode dr --vip 10.0.0.100 --persist").ok();
    host.lvsadm("prepare director --mode dr --vip 10.0.0.101 --dev eth0 --persist").ok();
    assert!(read(files[0]).contains("net/ipv4/conf/all/arp_ignore = 1\n"), "{}", read(files[0]));
    assert!(read(files[1]).ends_with("\nip_vs\n"), "{}", read(files[1]));
    let unit = read(files[2]);
    assert!(unit.contains("prepare real-server --mode dr --vip 10.0.0.100\n"), "{unit}");
    assert!(unit.contains("prepare director --mode dr --vip 10.0.0.101 --dev eth0\n"), "{unit}");
    // The names are those that sysctl takes.
    host.run(format!("sysctl -p {}", files[0])).ok();
    host.lvsadm("prepare undo").ok();
    assert!(files.iter().all(|file| read(file).is_empty()));
}
