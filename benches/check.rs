//! What health checks cost, side by side with stock keepalived in one run: `tests/bench` runs this inside the lab. Prints the rows of a
//! Markdown table.
//!
//! Each measurement has a network namespace of its own, with an empty kernel table, in which the checker and the servers are. A
//! check is what the kernel counts as an outgoing connection, in both programs; processor time is that of the process that
//! makes the checks, what the kernel does for it included.

// Of what tests use, only a part is used here.
#[allow(dead_code)]
#[path = "../tests/lab/support/mod.rs"]
mod support;

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use support::{
    daemons::{Daemon, certificate},
    in_netns,
};

/// How long processor time is counted.
const WINDOW: Duration = Duration::from_secs(10);

/// How long a table may take to be complete.
const LIMIT: Duration = Duration::from_secs(240);

/// The first argument that makes this program a server that takes connections.
const ACCEPT: &str = "--accept";

/// The first argument that has memory alone measured.
const MEMORY: &str = "--memory";

fn main() {
    if env::args().nth(1).is_some_and(|first| first == ACCEPT) {
        return accept();
    }
    let only_memory = env::args().nth(1).is_some_and(|first| first == MEMORY);
    println!("| work | keepalived | lvsadm | ratio | target | checks a second of each | over 5 ms late |");
    println!("|---|---|---|---|---|---|---|");
    let tcp = |services, interval| Work { kind: Kind::Tcp, services, servers: 100, shared: false, interval };
    if only_memory {
        return memory(tcp(50, 10));
    }
    processor("TCP checks", tcp(2, 1), "0.75");
    processor("TCP checks", tcp(10, 1), "0.75");
    processor("TCP checks", tcp(50, 1), "0.75");
    processor("TCP checks, each server in ten services", Work { shared: true, ..tcp(10, 1) }, "0.1");
    processor("HTTP checks", Work { kind: Kind::Http, ..tcp(10, 1) }, "1");
    processor("HTTPS checks", Work { kind: Kind::Https, ..tcp(2, 1) }, "1");
    memory(tcp(50, 10));
    start("10,000 servers from start to a complete, checked table", tcp(100, 20));
}

/// Who makes checks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Keepalived,
    Lvsadm,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Http,
    Https,
}

/// What there is to do.
#[derive(Clone, Copy)]
struct Work {
    kind: Kind,
    services: u32,
    /// Of each service.
    servers: u32,
    /// Whether all services have the same servers.
    shared: bool,
    /// Seconds from one check to the next.
    interval: u64,
}

impl Work {
    fn rows(self) -> usize {
        self.services as usize * self.servers as usize
    }

    fn port(self) -> u16 {
        match self.kind {
            Kind::Tcp => 80,
            Kind::Http => 8000,
            Kind::Https => 8443,
        }
    }

    fn virtual_address(service: u32) -> Ipv4Addr {
        Ipv4Addr::from(0x0a00_0001 + service)
    }

    fn server(self, service: u32, server: u32) -> SocketAddr {
        let number = if self.shared { server } else { service * self.servers + server };
        SocketAddr::from((Ipv4Addr::from(0x0b00_0001 + number), self.port()))
    }

    /// What keepalived reads. `alpha`: servers are checked before they are added.
    fn configuration(self, alpha: bool) -> String {
        let check = match self.kind {
            Kind::Tcp => "TCP_CHECK {",
            Kind::Http => "HTTP_GET {\nurl {\npath /index.html\nstatus_code 200\n}",
            Kind::Https => "SSL_GET {\nurl {\npath /index.html\nstatus_code 200\n}",
        };
        let start = if alpha { "alpha\nwarmup 0" } else { "" };
        let mut text = String::new();
        for service in 0..self.services {
            text += &format!(
                "virtual_server {} 80 {{\ndelay_loop {}\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{start}\n",
                Self::virtual_address(service),
                self.interval
            );
            for server in 0..self.servers {
                let address = self.server(service, server);
                text += &format!(
                    "real_server {} {} {{\nweight 1\n{check}\nconnect_timeout 5\nretry 0\n}}\n}}\n",
                    address.ip(),
                    address.port()
                );
            }
            text += "}\n";
        }
        text
    }
}

/// Takes connections and ends them.
fn accept() {
    let listener = TcpListener::bind("0.0.0.0:80").expect("a port");
    for stream in listener.incoming() {
        drop(stream);
    }
}

/// The servers, until this is dropped.
struct Servers {
    accept: Child,
    _nginx: Option<Daemon>,
    _directory: tempfile::TempDir,
}

impl Servers {
    fn start(work: Work) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let nginx = (work.kind != Kind::Tcp).then(|| {
            certificate(directory.path(), "www.example");
            let at = directory.path().display();
            let http = format!(
                "server {{ listen 8000 backlog=4096; listen 8443 ssl backlog=4096; ssl_protocols TLSv1.2 TLSv1.3;
                 ssl_certificate {at}/www.example.pem; ssl_certificate_key {at}/www.example.key; }}"
            );
            Daemon::nginx(&http, &[("index.html", "it works\n")]).listening(8000)
        });
        let this = env::current_exe().expect("this program");
        let accept = Command::new(this).arg(ACCEPT).stdin(Stdio::null()).spawn().expect("this program");
        Self { accept, _nginx: nginx, _directory: directory }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.accept.kill();
        let _ = self.accept.wait();
    }
}

/// A program that makes checks, until this is dropped.
struct Checker {
    child: Child,
    /// The process that makes them.
    process: Pid,
    directory: tempfile::TempDir,
}

impl Checker {
    /// Starts a program, with the same file for both.
    fn start(who: Who, work: Work, alpha: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::write(path("conf"), work.configuration(alpha)).expect("written");
        let mut command = match who {
            Who::Keepalived => {
                let mut command = Command::new("keepalived");
                command.args(["--check", "--dont-fork", "--use-file"]).arg(path("conf"));
                command.arg("--pid").arg(path("pid")).arg("--checkers_pid").arg(path("checkers"));
                command
            }
            Who::Lvsadm => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
                command.args(["agent", "run", "--config"]).arg(path("conf")).arg("--run-dir").arg(path("run"));
                command
            }
        };
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("it starts (is it installed?)");
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let end = Instant::now() + LIMIT;
        let process = loop {
            let of = fs::read_to_string(&children).unwrap_or_default();
            if let Some(number) = of.split_whitespace().next().and_then(|number| number.parse().ok()) {
                break Pid::from_raw(number);
            }
            assert!(Instant::now() < end, "it starts no process for checks");
            thread::sleep(Duration::from_millis(5));
        };
        Self { child, process, directory }
    }

    /// How many probes lvsadm has begun, and how many of them more than 5 ms late.
    fn lateness(&self, who: Who) -> Option<[u64; 2]> {
        if who == Who::Keepalived {
            return None;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        command.args(["check", "list", "--json", "--run-dir"]).arg(self.directory.path().join("run"));
        let output = command.output().expect("lvsadm");
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it answers");
        let probes = &status["probes"];
        Some([&probes["begun"], &probes["late"][1]].map(|number| number.as_u64().expect("a number")))
    }

    /// Processor time so far.
    fn time(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process)).expect("it runs");
        let of = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(tasks.map_while(Result::ok).filter_map(of).sum())
    }

    /// Largest memory so far in kB.
    fn memory(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.process)).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("a number")
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        // Not gently: stock keepalived takes long to empty a large table, which goes with its namespace.
        let _ = kill(self.process, Signal::SIGKILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was measured.
struct Measured {
    /// Processor time of one check of one service.
    check: Duration,
    rate: f64,
    /// The share of lvsadm's probes that were begun more than 5 ms late.
    late: Option<f64>,
}

fn measure(who: Who, work: Work) -> Measured {
    in_netns(|| {
        let _servers = Servers::start(work);
        prepare();
        let checker = Checker::start(who, work, false);
        complete(work);
        thread::sleep(Duration::from_secs(work.interval + 3));
        // Asked outside of the time that is counted.
        let late = checker.lateness(who);
        let before = (checker.time(), opened(), Instant::now());
        thread::sleep(WINDOW);
        let after = (checker.time(), opened(), Instant::now());
        let late = late.zip(checker.lateness(who)).map(|(before, after)| {
            let [begun, late] = [0, 1].map(|at| (after[at] - before[at]) as f64);
            late / begun.max(1.0)
        });
        let connections = after.1 - before.1;
        let stands_for = if who == Who::Lvsadm && work.shared { f64::from(work.services) } else { 1.0 };
        let checks = connections as f64 * stands_for;
        let seconds = (after.2 - before.2).as_secs_f64();
        Measured { check: (after.0 - before.0).div_f64(checks.max(1.0)), rate: checks / seconds, late }
    })
}

fn processor(work: &str, size: Work, target: &str) {
    let (stock, ours) = (measure(Who::Keepalived, size), measure(Who::Lvsadm, size));
    let shown = |check: Duration| format!("{:.1} µs", check.as_secs_f64() * 1e6);
    println!(
        "| {} {work} a second: processor time of one | {} | {} | {:.2} × | {target} × | {:.0}, {:.0} | {:.1} % |",
        size.rows() as u64 / size.interval,
        shown(stock.check),
        shown(ours.check),
        ours.check.as_secs_f64() / stock.check.as_secs_f64(),
        stock.rate,
        ours.rate,
        ours.late.unwrap_or_default() * 100.0
    );
}

/// At a rate that both can keep, when each server has been asked at least once.
fn memory(size: Work) {
    let measure = |who| {
        in_netns(|| {
            let _servers = Servers::start(size);
            prepare();
            let checker = Checker::start(who, size, false);
            complete(size);
            thread::sleep(Duration::from_secs(2 * size.interval));
            checker.memory()
        })
    };
    let (stock, ours) = (measure(Who::Keepalived), measure(Who::Lvsadm));
    println!(
        "| most memory with {} servers, {} TCP checks a second | {stock} kB | {ours} kB | {:.2} × | 2 × | | |",
        size.rows(),
        size.rows() as u64 / size.interval,
        ours as f64 / stock as f64
    );
}

fn start(work: &str, size: Work) {
    let measure = |who| {
        in_netns(|| {
            let _servers = Servers::start(size);
            prepare();
            let begin = Instant::now();
            let checker = Checker::start(who, size, true);
            complete(size);
            (begin.elapsed(), checker.time(), checker.memory())
        })
    };
    let ((stock, stock_time, stock_memory), (ours, time, memory)) = (measure(Who::Keepalived), measure(Who::Lvsadm));
    println!(
        "| {work} | {stock:.1?} ({stock_time:.1?} of processor time, {stock_memory} kB) | {ours:.1?} ({time:.1?}, {memory} kB) | {:.2} × | | | |",
        ours.as_secs_f64() / stock.as_secs_f64()
    );
}

/// Gives this namespace all addresses of servers.
fn prepare() {
    support::run("ip route add local 11.0.0.0/8 dev lo").ok();
    // As many connections as checks are begun within a moment.
    fs::write("/proc/sys/net/ipv4/tcp_max_syn_backlog", "8192").expect("in a namespace of ours");
}

/// Waits until all servers are in the table.
fn complete(work: Work) {
    let end = Instant::now() + LIMIT;
    let rows = || {
        let text = fs::read_to_string("/proc/thread-self/net/ip_vs").unwrap_or_default();
        text.lines().filter(|line| line.trim_start().starts_with("->")).count().saturating_sub(1)
    };
    while rows() < work.rows() {
        assert!(Instant::now() < end, "only {} of {} servers are in the table", rows(), work.rows());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Connections that this namespace has begun.
fn opened() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/net/snmp").expect("a kernel with TCP");
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let at = names.split_whitespace().position(|name| name == "ActiveOpens").expect("it counts them");
    values.split_whitespace().nth(at).and_then(|value| value.parse().ok()).expect("a number")
}
