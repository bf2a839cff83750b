//! `lvsadm prepare`: fresh hosts become a cluster of which doctor has nothing to say, and go back to what they were.

use std::sync::Once;

use serde_json::Value;

use super::{doctor, fired, says, serve};
use crate::support::{
    hosts::{Family, Forwarding, Host, Hosts},
    run,
};

/// A host as distributions leave it.
fn freshen(host: &Host) {
    // These make links on all hosts, which no test should see come that has looked at its own before.
    static LOADED: Once = Once::new();
    LOADED.call_once(|| drop(run("modprobe -a ipip ip6_tunnel fou")));
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
    // Not with `sysctl -a`, which reads all that there are.
    let switches = ["ipv4/conf", "ipv4/ip_forward", "ipv4/vs", "ipv6/conf"].map(|path| format!("/proc/sys/net/{path}"));
    let grep = ["grep", "-rsH", "."].map(str::to_owned);
    text.push_str(&host.run([&grep[..], &switches].concat()).stdout);
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
    for family in [Family::V4, Family::V6] {
        for forwarding in [Forwarding::Dr, Forwarding::Nat, Forwarding::Tun] {
            round(forwarding, family);
        }
    }
}

fn round(forwarding: Forwarding, family: Family) {
    let hosts = Hosts::new(1);
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
        // The director sees that nobody has prepared it.
        assert_ne!(fired(&doctor(&hosts.director, "")).0, [0; 0], "{mode} {family:?}");
        for options in &servers {
            server.lvsadm(format!("prepare real-server {options}")).ok();
        }
        // Twice is as good as once.
        let again = server.lvsadm(format!("prepare real-server {}", servers[0]));
        assert!(again.stdout.lines().all(|line| line.starts_with("# as it should be: ")), "{again}");
    }
    super::works(&hosts, family);
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
            let lines = state.lines().filter(|line| !line.starts_with("/proc/sys/net/ipv6/conf/tunl0/"));
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
    // What was to be done was seen before it failed.
    assert!(output.stdout.contains("ip address add 10.0.0.100/32 dev eth0\n"), "{output}");
    let output = host.lvsadm("prepare director --mode nat --vip 10.0.0.100 --vip fd00::100 --dev eth0 --json");
    let plan: Value = serde_json::from_str(&output.stdout).expect("one document");
    assert_eq!((output.status, &plan["dry_run"]), (1, &false.into()), "{output}");
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
fn plans_and_what_is_undone_for_programs() {
    let hosts = Hosts::new(0);
    let host = &hosts.director;
    freshen(host);
    let json = |words: &str| -> Value { serde_json::from_str(&host.lvsadm(words).ok()).expect("one document") };
    let command = "prepare real-server --mode dr --vip 10.0.0.100";
    let changes = |document: &Value| -> Vec<bool> {
        let steps = document["steps"].as_array().expect("a list").iter();
        steps.map(|step| step["changes"].as_bool().expect("a boolean")).collect()
    };
    let plan = json(&format!("{command} --json --dry-run"));
    assert_eq!((&plan["dry_run"], &plan["files"]), (&true.into(), &Value::Array(Vec::new())), "{plan}");
    assert!(plan["steps"].as_array().expect("a list").iter().any(|step| {
        (&step["command"], &step["changes"]) == (&"ip address add 10.0.0.100/32 dev lo".into(), &true.into())
    }));
    let done = json(&format!("{command} --json"));
    assert_eq!((&done["dry_run"], &done["steps"]), (&false.into(), &plan["steps"]), "what is done is what was planned");
    assert!(changes(&done).contains(&true));
    assert!(!changes(&json(&format!("{command} --json"))).contains(&true), "it is as it should be");

    for options in ["--json --dry-run", "--json"] {
        let undone = json(&format!("prepare undo {options}"));
        assert_eq!(undone["dry_run"], options.contains("dry-run"), "{undone}");
        let all = undone["undone"].as_array().expect("a list");
        assert_eq!((all.len(), &all[0]["command"]), (1, &format!("lvsadm {command}").into()), "{undone}");
        let steps = all[0]["steps"].as_array().expect("a list");
        assert!(steps.contains(&"ip address del 10.0.0.100/32 dev lo".into()), "{undone}");
    }
    assert_eq!(json("prepare undo --json")["undone"], Value::Array(Vec::new()));
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
    freshen(host);
    let wanted = "/etc/systemd/system/multi-user.target.wants/lvsadm-prepare.service";
    let files = [
        "/etc/sysctl.d/90-lvsadm.conf",
        "/etc/modules-load.d/lvsadm.conf",
        "/etc/systemd/system/lvsadm-prepare.service",
        wanted,
    ];
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let commands =
        ["prepare real-server --mode dr --vip 10.0.0.100", "prepare director --mode dr --vip 10.0.0.101 --dev eth0"];
    let prepare = || commands.iter().for_each(|command| drop(host.lvsadm(format!("{command} --persist")).ok()));
    let before = state(host);
    let planned = host.lvsadm(format!("{} --persist --dry-run", commands[0])).ok();
    for file in [files[0], files[2], files[3]] {
        assert!(planned.contains(&format!("# file: {file}\n")), "{planned}");
    }
    assert!(files.iter().all(|file| std::fs::symlink_metadata(file).is_err()), "nothing is done to try");
    prepare();
    let (written, prepared) = (files.map(read), state(host));
    assert!(written[0].contains("net/ipv4/conf/all/arp_ignore = 1\n"), "{written:?}");
    assert!(written[1].ends_with("\nip_vs\n"), "{written:?}");
    let unit = &written[2];
    let ordered: Vec<_> =
        unit.lines().filter(|line| line.starts_with("After=") || line.starts_with("Before=")).collect();
    // Links have to be there, and tables and virtual routers come later.
    assert_eq!(ordered[0], "After=network-online.target");
    for later in ["lvsadm.service", "lvsadm-agent.service", "ipvsadm.service", "keepalived.service"] {
        assert!(ordered[1].starts_with("Before=") && ordered[1].contains(later), "{unit}");
    }
    let starts: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("ExecStart=")).collect();
    assert_eq!(starts, commands.map(|command| format!("{} {command}", env!("CARGO_BIN_EXE_lvsadm"))));
    assert_eq!(std::fs::read_link(wanted).expect("a link").to_str(), Some(files[2]));
    let output = host.run(["systemd-analyze", "verify", "--man=no", files[2]]);
    assert!(!format!("{}{}", output.stdout, output.stderr).contains("lvsadm"), "{output}");
    // The names are those that sysctl takes.
    host.run(format!("sysctl -p {}", files[0])).ok();

    prepare();
    assert_eq!((files.map(read), state(host)), (written.clone(), prepared.clone()), "twice is as good as once");
    // As at boot: nothing of it is there, and systemd does what the unit says.
    host.run("ip address del 10.0.0.100/32 dev lo").ok();
    host.run("ip address del 10.0.0.101/32 dev eth0").ok();
    freshen(host);
    starts.iter().for_each(|line| drop(host.run(*line).ok()));
    assert_eq!(state(host), prepared);

    host.lvsadm("prepare undo").ok();
    assert_eq!(state(host), before);
    assert!(files.iter().all(|file| std::fs::symlink_metadata(file).is_err()), "all of them are gone");
    assert!(host.lvsadm("prepare undo").stderr.contains("nothing is recorded"));
}
