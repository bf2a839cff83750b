//! Real servers that go by a BFD session: the agent runs the session in one process and the check in the other.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::hosts::{Family, Host, Hosts};
use crate::support::{Background, until};

const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

/// What every session says.
const TIMES: &str = "--min-tx 100ms --min-rx 100ms --multiplier 3";
const DETECTION: Duration = Duration::from_millis(300);

/// What a slow guest may need to write the table and to be asked. Without the word of the moment, servers would leave when the
/// check process is told again, each second.
const SLACK: Duration = Duration::from_millis(500);

/// A director whose agent has one service, with a server for each session.
struct Director<'a> {
    host: &'a Host,
    // It ends before its files go.
    _agent: Background,
    directory: TempDir,
}

impl<'a> Director<'a> {
    /// With our own lines.
    fn start(hosts: &'a Hosts) -> Self {
        let vip = hosts.vip(Family::V4);
        let mut lines = format!("-A -t {vip}:80 -s rr\n");
        for server in &hosts.servers {
            let (name, address) = (&server.name, server.address(Family::V4));
            lines += &format!(
                "-a -t {vip}:80 -r {address}:80 -g -w 1\nbfd add {name} --neighbour {address} {TIMES}\n\
                 check add -t {vip}:80 -r {address}:80 bfd {name}\n"
            );
        }
        Self::run(hosts, "--state", &lines)
    }

    /// With a keepalived.conf that says the same.
    fn start_from_configuration(hosts: &'a Hosts) -> Self {
        let (mut sessions, mut servers) = (String::new(), String::new());
        for server in &hosts.servers {
            let (name, address) = (&server.name, server.address(Family::V4));
            sessions += &format!(
                "bfd_instance {name} {{\n neighbor_ip {address}\n min_tx 100\n min_rx 100\n multiplier 3\n}}\n"
            );
            servers += &format!(" real_server {address} 80 {{\n weight 1\n BFD_CHECK {{\n name {name}\n }}\n }}\n");
        }
        let vip = hosts.vip(Family::V4);
        let service = format!(
            "virtual_server {vip} 80 {{\n delay_loop 1\n lb_algo rr\n lb_kind DR\n protocol TCP\n{servers}}}\n"
        );
        Self::run(hosts, "--config", &(sessions + &service))
    }

    fn run(hosts: &'a Hosts, option: &str, text: &str) -> Self {
        let directory = TempDir::with_prefix("lvsadm-lab-").expect("a temporary directory");
        let at = directory.path().display();
        fs::write(directory.path().join("file"), text).expect("written");
        let agent = hosts.director.start(format!("{LVSADM} agent run {option} {at}/file --run-dir {at}/run"));
        Self { host: &hosts.director, _agent: agent, directory }
    }

    fn asked(&self, verb: &str) -> String {
        self.host.lvsadm(format!("{verb} --run-dir {}/run", self.directory.path().display())).stdout
    }

    fn servers(&self) -> usize {
        self.host.ipvsadm("-Ln").ok().matches("-> 10.0.0.").count()
    }

    fn process(&self, number: usize) -> Value {
        let status: Value = serde_json::from_str(&self.asked("agent status --json")).unwrap_or_default();
        status["processes"][number].clone()
    }

    /// Kills the VRRP process (0) or the check process (1), and waits for the one after it.
    fn kill(&self, number: usize) {
        let before = self.process(number);
        let pid = before["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("it runs");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
        until("another one runs", || {
            let now = self.process(number);
            now["state"] == "ready" && now["pid"] != before["pid"]
        });
    }

    /// When something last happened to a subject, in milliseconds.
    fn last(&self, text: &str) -> u64 {
        let events = self.asked("agent events --json");
        let line = events.lines().rev().find(|line| line.contains(text));
        let event: Value = serde_json::from_str(line.unwrap_or_default()).unwrap_or_default();
        event["time_ms"].as_u64().unwrap_or_else(|| panic!("no event {text}:\n{events}"))
    }
}

/// The other end of a session, at a real server.
fn far_end(server: &Host, director: &Host, directory: &TempDir) -> Background {
    let at = directory.path().join(&server.name);
    let at = at.display();
    fs::write(format!("{at}-state"), format!("bfd add d --neighbour {} {TIMES}\n", director.address(Family::V4)))
        .expect("written");
    server.start(format!("{LVSADM} bfd run --state {at}-state --run-dir {at}-run"))
}

#[test]
fn a_server_leaves_within_the_detection_time_and_comes_back() {
    let hosts = Hosts::new(2);
    let directory = TempDir::with_prefix("lvsadm-lab-").expect("a temporary directory");
    let director = Director::start(&hosts);
    until("no server is in before its session is up", || director.process(1)["state"] == "ready");
    assert_eq!(director.servers(), 0);
    let mut ends: Vec<_> = hosts.servers.iter().map(|server| far_end(server, director.host, &directory)).collect();
    until("both servers are in", || director.servers() == 2);

    let back = format!("{}/32", director.host.address(Family::V4));
    for round in 0..3 {
        // The far end lives, and what it says arrives no more.
        hosts.servers[0].run(format!("ip route add blackhole {back}")).ok();
        let begun = Instant::now();
        until("its server leaves", || director.servers() == 1);
        let took = begun.elapsed();
        assert!(took < DETECTION + SLACK, "round {round}: {took:?}");
        assert!(director.host.ipvsadm("-Ln").ok().contains("10.0.0.12:80"), "the other one stays");
        hosts.servers[0].run(format!("ip route del blackhole {back}")).ok();
        until("it comes back", || director.servers() == 2);
    }
    let listed = director.asked("check list");
    assert!(listed.contains("bfd rs1"), "{listed}");

    // A process that comes anew knows nothing, and is told; nothing leaves meanwhile.
    for number in [1, 0] {
        let watched = thread::scope(|scope| {
            let killed = scope.spawn(|| director.kill(number));
            let mut fewest = 2;
            while !killed.is_finished() {
                fewest = fewest.min(director.servers());
                thread::sleep(Duration::from_millis(20));
            }
            fewest
        });
        assert_eq!(watched, 2, "process {number} was killed");
        until("sessions are up", || director.asked("bfd list").matches(" up ").count() == 2);
        assert_eq!(director.servers(), 2);
    }
    drop(ends.remove(0));
    until("the server leaves whose end was killed", || director.servers() == 1);
    let (down, out) =
        (director.last("BFD session rs1 is down"), director.last("server 10.0.0.11:80 of TCP 10.0.0.100:80 is down"));
    assert!(out.abs_diff(down) < 200, "the session was down at {down}, its server at {out}");
}

#[test]
fn a_keepalived_conf_has_servers_go_by_sessions() {
    let hosts = Hosts::new(2);
    let directory = TempDir::with_prefix("lvsadm-lab-").expect("a temporary directory");
    let director = Director::start_from_configuration(&hosts);
    // In keepalived, too, a server is out until its session is up, and out again as soon as that is down.
    until("the check process is ready", || director.process(1)["state"] == "ready");
    let mut ends: Vec<_> = hosts.servers.iter().map(|server| far_end(server, director.host, &directory)).collect();
    until("both servers are in", || director.servers() == 2 && director.asked("bfd list").matches(" up ").count() == 2);
    drop(ends.remove(0));
    until("the server leaves whose end is gone", || director.servers() == 1);
    assert!(director.host.ipvsadm("-Ln").ok().contains("10.0.0.12:80"), "the other one stays");
    ends.push(far_end(&hosts.servers[0], director.host, &directory));
    until("it comes back", || director.servers() == 2);
}
