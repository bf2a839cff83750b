//! Processes of an agent that are killed with SIGKILL at random moments, while clients ask through the virtual address and
//! somebody changes a weight time and again. The table loses nothing; what was answered is so; the address comes back.
//!
//! `LVSADM_KILL_SECONDS` says for how long (30), `LVSADM_KILL_SEED` which moments.

use std::{
    env, fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use lvsadm::{agent::control, host::namespace};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Background,
    hosts::{Family, Host, Hosts},
    traffic::{Count, Traffic},
    until,
};

const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

/// How many clients ask at a time.
const CLIENTS: u64 = 3;

/// A director, whose agent is started again when it is gone, as a service manager does.
struct Director<'a> {
    host: &'a Host,
    directory: TempDir,
    agent: Background,
}

impl<'a> Director<'a> {
    fn new(host: &'a Host, priority: u8, hosts: &Hosts) -> Self {
        let vip = hosts.vip(Family::V4);
        let mut lines = format!(
            "vrrp add VI_1 --interface eth0 --vrid 51 --priority {priority} --interval 1s --address {vip}\n\
             -A -t {vip}:80 -s rr\n"
        );
        for server in &hosts.servers {
            lines += &format!("-a -t {vip}:80 -r {}:80 -g -w 1\n", server.address(Family::V4));
        }
        lines += &format!("check add -t {vip}:80 tcp --interval 500ms --retry 1 --warmup 0\n");
        let directory = TempDir::with_prefix("lvsadm-lab-").expect("a temporary directory");
        fs::write(directory.path().join("state"), lines).expect("written");
        let agent = Self::start(host, &directory);
        Self { host, directory, agent }
    }

    fn start(host: &Host, directory: &TempDir) -> Background {
        host.start(format!("{LVSADM} agent run --state {}/state --log-level warn", directory.path().display()))
    }

    /// Ends the agent alone, and starts the next one a moment later.
    fn kill_agent(&mut self) {
        kill(self.agent.pid(), Signal::SIGKILL).expect("it runs");
        thread::sleep(Duration::from_millis(100));
        self.agent = Self::start(self.host, &self.directory);
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.host.lvsadm("agent status --json").stdout).unwrap_or_default()
    }

    /// The process number of a child, if there is one just now.
    fn child(&self, name: &str) -> Option<Pid> {
        let status = self.status();
        let processes = status["processes"].as_array()?.iter();
        let pid = processes.filter(|process| process["name"] == name).find_map(|process| process["pid"].as_i64())?;
        i32::try_from(pid).ok().map(Pid::from_raw)
    }

    fn has_vip(&self) -> bool {
        self.host.run("ip -o address show dev eth0").ok().contains(" 10.0.0.100/")
    }

    /// All that it runs, as a save file.
    fn runs(&self) -> String {
        self.host.lvsadm("save --all -").ok()
    }

    fn is_well(&self) -> bool {
        let status = self.status();
        let ready = |process: &Value| process["state"] == "ready";
        status["phase"] == "running" && status["processes"].as_array().is_some_and(|all| all.iter().all(ready))
    }
}

/// The real servers that stock ipvsadm shows, with their weights.
fn rows(host: &Host) -> Vec<(String, u32)> {
    let text = host.ipvsadm("-Ln").ok();
    let row = |line: &str| {
        let words: Vec<_> = line.trim().strip_prefix("-> ")?.split_whitespace().collect();
        Some(((*words.first()?).to_owned(), words.get(2)?.parse().ok()?))
    };
    let mut rows: Vec<_> = text.lines().filter_map(row).collect();
    rows.sort();
    rows
}

/// Changes the weight of a server through the agent until all is over. Returns what it may be at the end: what was answered
/// is so, and what was not may be.
fn change(host: &Host, service: &str, server: &str, over: &AtomicBool) -> (Vec<u32>, u64) {
    let (mut possible, mut answered) = (vec![1], 0);
    for weight in 2.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let lines = json!({ "lines": [format!("-e {service} -r {server} -g -w {weight}")] });
        let socket = namespace_socket(host);
        match host.inside(|| control::call::<Value>(&socket, "table.apply", lines, Duration::from_secs(30))) {
            Ok(answer) => {
                assert_eq!(answer["refused"], json!([]), "{answer}");
                (possible, answered) = (vec![weight], answered + 1);
            }
            Err(control::CallError::NotRunning) => {}
            Err(_) => possible.push(weight),
        }
        thread::sleep(Duration::from_millis(300));
    }
    (possible, answered)
}

fn namespace_socket(host: &Host) -> std::path::PathBuf {
    host.inside(|| namespace::run_dir(None)).join("agent.sock")
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}: a number")))
}

#[test]
fn random_kills_under_traffic() {
    let (seconds, seed) = (number("LVSADM_KILL_SECONDS", 30), number("LVSADM_KILL_SEED", 7));
    let mut random = fastrand::Rng::with_seed(seed);
    let hosts = Hosts::with_backup(3);
    let vip = hosts.vip(Family::V4);
    hosts.servers.iter().for_each(|server| server.add_address(vip, "lo"));
    let mut master = Director::new(&hosts.director, 150, &hosts);
    let backup = Director::new(hosts.backup.as_ref().expect("a second director"), 100, &hosts);
    until("the first director is master, and both are well", || {
        master.has_vip() && !backup.has_vip() && master.is_well() && backup.is_well()
    });
    let (service, server) = (format!("-t {vip}:80"), format!("{}:80", hosts.servers[0].address(Family::V4)));
    let addresses = |host: &Host| rows(host).into_iter().map(|(address, _)| address).collect::<Vec<_>>();
    let (all, ran) = (addresses(&hosts.director), master.runs());
    assert_eq!(all.len(), 3);

    let traffic = Traffic::start(&hosts.client, vip, CLIENTS);
    let (over, begun) = (AtomicBool::new(false), Instant::now());
    let mut kills = [0_u64; 3];
    let (possible, answered, looks) = thread::scope(|scope| {
        let changes = scope.spawn(|| change(&hosts.director, &service, &server, &over));
        let looks = scope.spawn(|| {
            let mut looks = 0_u64;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(addresses(&hosts.director), all, "nothing leaves the table");
                looks += 1;
                thread::sleep(Duration::from_millis(200));
            }
            looks
        });
        while begun.elapsed() < Duration::from_secs(seconds) {
            thread::sleep(Duration::from_millis(random.u64(100..2500)));
            let whom = random.usize(..3);
            let done = match whom {
                0 => {
                    master.kill_agent();
                    true
                }
                // One that waits to be started again cannot be killed; it may also end meanwhile.
                whom => master.child(["", "vrrp", "check"][whom]).is_some_and(|pid| kill(pid, Signal::SIGKILL).is_ok()),
            };
            kills[whom] += u64::from(done);
            if looks.is_finished() {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        let (possible, answered) = changes.join().expect("its changes are taken");
        (possible, answered, looks.join().expect("the table is whole"))
    });

    let Count { served, lost } = traffic.stop();
    until("the first director is master again, and well", || master.has_vip() && !backup.has_vip() && master.is_well());
    let weight = rows(&hosts.director).iter().find(|(address, _)| *address == server).map(|(_, weight)| *weight);
    assert!(weight.is_some_and(|weight| possible.contains(&weight)), "{weight:?} of {possible:?}");
    let weight = weight.unwrap_or_default();
    let wanted = ran.replace(&format!("-r {server} -g -w 1"), &format!("-r {server} -g -w {weight}"));
    assert_eq!(master.runs(), wanted);
    let [agents, vrrp, checks] = kills;
    eprintln!(
        "seed {seed}, {seconds} s: killed {agents} agents, {vrrp} VRRP and {checks} check processes; {served} requests \
         served, {} lost; {answered} changes answered; {looks} looks at the table\n{lost:?}",
        lost.len()
    );
    assert!(agents > 0 && vrrp > 0 && checks > 0 && answered > 0 && looks > 10, "everything had its turn");
    assert!(served > seconds * CLIENTS, "{served}");
    // The address moves when an agent or a VRRP process is killed, there and back: who is just being served then is lost.
    assert!(lost.len() as u64 <= 2 * CLIENTS * (agents + vrrp), "{lost:?}");
}
