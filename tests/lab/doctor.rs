//! `lvsadm doctor`: clusters that are broken in one way each, which really fail for the client, and the rule that says so; healthy
//! ones, about which there is nothing to say.

mod addresses;
mod filters;
mod nat;
mod prepare;
mod server;
mod table;
mod tunnel;
mod vrrp;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{PoisonError, RwLock},
};

use serde_json::Value;

use crate::support::{
    Words,
    hosts::{Family, Forwarding, Host, Hosts},
    run_with_input,
};

/// A cluster with a service of port 80 on all of its servers, in turns.
fn cluster(servers: u8, forwarding: Forwarding, family: Family) -> Hosts {
    let hosts = Hosts::new(servers);
    hosts.prepare(forwarding, family);
    if forwarding == Forwarding::Nat {
        // Answers to all clients go by the director, not only to the one that the servers have beside them.
        for server in &hosts.servers {
            server.run(format!("ip route add default via {}", hosts.director.address(family))).ok();
        }
    }
    serve(&hosts, family, forwarding.option());
    hosts
}

fn serve(hosts: &Hosts, family: Family, options: &str) {
    let service = SocketAddr::new(hosts.vip(family), 80);
    hosts.director.ipvsadm(format!("-A -t {service} -s rr")).ok();
    for server in &hosts.servers {
        let real = SocketAddr::new(server.address(family), 80);
        hosts.director.ipvsadm(format!("-a -t {service} -r {real} {options}")).ok();
    }
}

/// Who writes changes something that all hosts of all tests have in common.
static COMMON: RwLock<()> = RwLock::new(());

/// What doctor says on a host.
fn doctor(host: &Host, options: &str) -> Value {
    let _as_usual = COMMON.read().unwrap_or_else(PoisonError::into_inner);
    report(host, options)
}

fn report(host: &Host, options: &str) -> Value {
    // Other tests may have written a save file.
    let file = if options.contains("--file") { "" } else { "--file /dev/null" };
    let output = host.lvsadm(format!("doctor --json {file} {options}"));
    assert!(matches!(output.status, 0 | 1), "{output}");
    let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(output.status == 0, findings.is_empty(), "{output}");
    report
}

/// The numbers of rules with findings, and all findings as text.
fn fired(report: &Value) -> (Vec<u64>, String) {
    let findings = report["findings"].as_array().expect("a list");
    let mut rules: Vec<u64> = findings.iter().filter_map(|finding| finding["rule"].as_u64()).collect();
    rules.sort_unstable();
    rules.dedup();
    (rules, format!("{findings:#?}"))
}

#[track_caller]
fn says(host: &Host, options: &str, rules: &[u64]) -> String {
    let (found, text) = fired(&doctor(host, options));
    assert_eq!(found, rules, "{}: {text}", host.name);
    text
}

/// Whether the client gets an answer; healthy clusters of the lab need some hundredths of a second.
fn answers(hosts: &Hosts, family: Family, options: &str) -> bool {
    answers_within(hosts, family, options, "1.5")
}

fn answers_within(hosts: &Hosts, family: Family, options: &str, seconds: &str) -> bool {
    let url = format!("http://{}/", SocketAddr::new(hosts.vip(family), 80));
    let words = ["curl", "-sSf", "-o", "/dev/null", "--max-time", seconds, &url];
    hosts.client.run([&words[..], &options.words().iter().map(String::as_str).collect::<Vec<_>>()].concat()).status == 0
}

/// The hardware address of a host, as `ip` writes it.
fn mac(host: &Host) -> String {
    let link = host.run("ip -o link show eth0").ok();
    link.split("link/ether ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a MAC address").to_owned()
}

#[track_caller]
fn works(hosts: &Hosts, family: Family) {
    assert!(answers_within(hosts, family, "", "10"), "the client gets an answer");
}

#[track_caller]
fn fails(hosts: &Hosts, family: Family) {
    assert!(!answers(hosts, family, ""), "the client should get no answer");
}

#[test]
fn nothing_is_said_of_healthy_clusters() {
    for forwarding in [Forwarding::Dr, Forwarding::Nat, Forwarding::Tun] {
        for family in [Family::V4, Family::V6] {
            let hosts = cluster(1, forwarding, family);
            works(&hosts, family);
            says(&hosts.director, "", &[]);
            works(&hosts, family);
            says(&hosts.director, "", &[]);
            let vip = hosts.vip(family);
            let options = match forwarding {
                Forwarding::Dr => format!("--real-server --mode dr --vip {vip}"),
                Forwarding::Nat => format!("--real-server --mode nat --gateway {}", hosts.director.address(family)),
                Forwarding::Tun => format!("--real-server --mode tun --vip {vip}"),
            };
            hosts.servers.iter().for_each(|server| drop(says(server, &options, &[])));
        }
    }
}

#[test]
fn the_report_is_for_people_too() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let output = hosts.director.lvsadm("doctor --file /dev/null");
    assert_eq!((output.status, output.stdout.as_str()), (0, ""), "{output}");
    assert!(output.stderr.starts_with("note: nothing is wrong"), "{output}");
    let all = hosts.director.lvsadm("doctor --file /dev/null --all").ok();
    assert!(all.contains("not needed: no server answers through this host: direct routing"), "{all}");
    hosts.director.ipvsadm("-e -t 10.0.0.100:80 -r 10.0.0.11:80 -g -w 0").ok();
    let output = hosts.director.lvsadm("doctor --file /dev/null");
    assert_eq!(output.status, 1);
    assert!(
        output.stdout.starts_with("broken: TCP 10.0.0.100:80 (rule 17, weights)\n  found:  all 1 servers"),
        "{output}"
    );
    assert!(output.stdout.contains("mend:   lvsadm edit-real -t 10.0.0.100:80 -r 10.0.0.11:80 -w 1"), "{output}");
    let output = hosts.director.lvsadm("doctor --vip 10.0.0.100");
    assert_eq!(output.status, 2, "{output}");
}

#[test]
fn what_is_mended_is_shown_before() {
    let hosts = cluster(1, Forwarding::Nat, Family::V4);
    let director = &hosts.director;
    director.sysctl("net/ipv4/ip_forward", 0);
    let is_on = || director.run("sysctl -n net.ipv4.ip_forward").ok() == "1\n";
    let dry = director.lvsadm("doctor --file /dev/null --fix --dry-run");
    assert!(dry.status == 1 && dry.stderr.contains("note: would do: sysctl -w net/ipv4/ip_forward=1\n"), "{dry}");
    assert!(dry.stdout.contains("(rule 2, forwarding)") && !is_on(), "{dry}");
    // What cannot be done was shown as well.
    let program = env!("CARGO_BIN_EXE_lvsadm");
    let inside = format!(
        "mount --bind -o ro /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec {program} doctor --file /dev/null --fix"
    );
    let failed = director.run(["unshare", "-m", "sh", "-c", &inside]);
    assert!(failed.status == 2 && failed.stderr.contains("read-only here"), "{failed}");
    assert!(failed.stderr.find("doing: sysctl -w net/ipv4/ip_forward=1") < failed.stderr.find("error: "), "{failed}");
    let fixed = director.lvsadm("doctor --file /dev/null --fix");
    assert!(fixed.stderr.contains("note: doing: sysctl -w net/ipv4/ip_forward=1\n"), "{fixed}");
    assert!(fixed.status == 0 && is_on(), "{fixed}");
    works(&hosts, Family::V4);
    director.lvsadm("prepare undo").ok();
    assert!(!is_on());
}

/// What was not asked is said not to be known, and what can be asked is.
#[test]
fn services_that_no_connection_can_be_begun_to() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let (director, server) = (&hosts.director, &hosts.servers[0]);
    director.ipvsadm("-C").ok();
    let rule = |number: u64| {
        let report = doctor(director, "");
        let all = report["rules"].as_array().expect("a list").clone();
        all.into_iter().find(|rule| rule["rule"] == number).expect("the rule")
    };
    for table in [
        "-A -u 10.0.0.100:53 -s rr\n-a -u 10.0.0.100:53 -r 10.0.0.11:53 -g\n",
        "-A -t 10.0.0.100:0 -s rr -p\n-a -t 10.0.0.100:0 -r 10.0.0.11:0 -g\n",
    ] {
        director.inside(|| run_with_input("ipvsadm -R", table).ok());
        assert_eq!(rule(6)["outcome"], "fine", "{table}");
        server.run("ip address del 10.0.0.100/32 dev lo").ok();
        assert_eq!(rule(6)["outcome"], "finding", "{table}");
        server.run("ip address add 10.0.0.100/32 dev lo").ok();
        director.ipvsadm("-C").ok();
    }
    // A server that says nothing to connections says nothing of datagrams either.
    director.ipvsadm("-A -u 10.0.0.100:53 -s rr").ok();
    director.ipvsadm("-a -u 10.0.0.100:53 -r 10.0.0.11:53 -g").ok();
    server.run("iptables-legacy -A INPUT -p tcp -j DROP").ok();
    let said = rule(6);
    assert_eq!(said["outcome"], "unknown", "{said}");
    assert!(said["why"].as_str().is_some_and(|why| why.contains("answers no TCP connection")), "{said}");
    let page = director.lvsadm("doctor --file /dev/null");
    assert!(page.stderr.contains("could not be checked"), "{page}");
    director.ipvsadm("-C").ok();

    // A link without hardware addresses: no frame can be sent, and that is no fault of the server.
    director.run("ip link add d0 type dummy").ok();
    director.run("ip address add 10.7.0.1/24 dev d0").ok();
    director.run("ip link set d0 up").ok();
    director.ipvsadm("-A -t 10.0.0.100:80 -s rr").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.7.0.2:80 -g").ok();
    let said = rule(6);
    assert_eq!(said["outcome"], "unknown", "{said}");
    assert!(said["why"].as_str().is_some_and(|why| why.contains("no frames can be sent by d0")), "{said}");
}

/// Files that a bundle has, with secrets in every spelling that they know; each has this one word in it.
const SECRETS: [(&str, &str); 2] = [
    (
        "/etc/keepalived/keepalived.conf",
        "$PASS=geheim\nvrrp_instance VI_1 {\n  authentication {\n    auth_type PASS\n    auth_pass $PASS\n  }\n}\n\
         vrrp_instance VI_2 {\n  authentication { auth_type PASS auth_pass geheim }\n}\n\
         vrrp_instance VI_3 {\n  auth_hmac {\n    key 1 hex:00geheim11\n    key 2 \"a geheim b\"\n    active_key 1\n  }\n}\n\
         virtual_server 10.0.0.100 80 {\n  SSL {\n    password the geheim\n  }\n}\n",
    ),
    (
        "/etc/sysconfig/lvsadm",
        "vrrp add VI_1 --dev eth0 --secret geheim --vrid 51\n\
         vrrp add VI_2 --dev eth0 --vrid 52 --hmac-key 1:a,geheim,b --hmac-key=2:'a geheim' --hmac-active 1\n\
         bfd add B1 --secret 'a \\'geheim --auth sha1\n\
         set mail --server m:587 --auth-file /etc/mail.auth\n\
         check add http -t 10.0.0.100:80 --path /health --header 'Authorization: Basic geheim'\n",
    ),
];

#[test]
fn a_bundle_has_everything_but_secrets() {
    let hosts = cluster(1, Forwarding::Dr, Family::V4);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bundle.tar.gz");
    let file = file.display();
    // Files of its own, whatever this machine has there.
    let mut script = "set -e\n".to_owned();
    for (path, text) in SECRETS {
        let directory = Path::new(path).parent().expect("a directory").display();
        script += &format!("mkdir -p {directory}; mount -t tmpfs none {directory}; cat >{path} <<'END'\n{text}END\n");
    }
    script += &format!("exec {} doctor --file /dev/null --bundle {file}", env!("CARGO_BIN_EXE_lvsadm"));
    hosts.director.run(["unshare", "-m", "sh", "-c", &script]).ok();
    let names = hosts.director.run(format!("tar -tzf {file}")).ok();
    for name in ["report.txt", "facts.txt", "commands/ip--details-address.txt", "files/proc-thread-self-net-ip_vs.txt"]
    {
        assert!(names.contains(name), "{names}");
    }
    let table = hosts.director.run(format!("tar -xzOf {file} lvsadm-bundle/files/proc-thread-self-net-ip_vs.txt")).ok();
    assert!(table.contains("0A000064:0050"), "{table}");
    let all = hosts.director.run(format!("tar -xzOf {file}")).ok();
    for kept in [
        "auth_type PASS",
        "active_key 1",
        "--vrid 51",
        "--hmac-active 1",
        "--auth-file /etc/mail.auth",
        "--path /health",
    ] {
        assert!(all.contains(kept), "{kept} is no secret");
    }
    assert!(all.contains("********"));
    let told: Vec<_> = all.lines().filter(|line| line.contains("geheim")).collect();
    assert!(told.is_empty(), "{told:#?}");
    let again = hosts.director.lvsadm(format!("doctor --file /dev/null --bundle {file}"));
    assert_eq!(again.status, 2, "{again}");
}
