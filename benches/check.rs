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
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lvsadm::{
    agent::check::{Order, RunOptions, run},
    check::settings::{Connection, Http, HttpVersion, Initial, Page, Probe, Question, Schedule, Tls},
    model::{
        Entry, Forwarding, Protocol, RealServer, Scheduler, ServerKey, ServiceKey, Table, Thresholds, VirtualService,
        Weight,
    },
    pool::{
        settings::{Check, Settings},
        status::ProbesStatus,
    },
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use support::{
    daemons::{Daemon, certificate},
    in_netns,
};
use tokio::sync::{mpsc, oneshot};

/// How long processor time is counted.
const WINDOW: Duration = Duration::from_secs(10);

/// How long a table may take to be complete.
const LIMIT: Duration = Duration::from_secs(240);

/// The first arguments that make this program a check process, and a server that takes connections.
const OURS: &str = "--ours";
const ACCEPT: &str = "--accept";

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(OURS) => return ours(&Work::read(&arguments[1..])),
        Some(ACCEPT) => return accept(),
        _ => {}
    }
    println!("| work | keepalived | lvsadm | ratio | target | checks a second of each | over 5 ms late |");
    println!("|---|---|---|---|---|---|---|");
    let tcp = |services, interval| Work { kind: Kind::Tcp, services, servers: 100, shared: false, interval };
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

    fn words(self) -> Vec<String> {
        let kind = match self.kind {
            Kind::Tcp => 0,
            Kind::Http => 1,
            Kind::Https => 2,
        };
        [kind, u64::from(self.services), u64::from(self.servers), u64::from(self.shared), self.interval]
            .map(|number| number.to_string())
            .to_vec()
    }

    fn read(words: &[String]) -> Self {
        let numbers: Vec<u32> = words.iter().map(|word| word.parse().expect("a number")).collect();
        let &[kind, services, servers, shared, interval] = numbers.as_slice() else { panic!("five numbers") };
        let kind = [Kind::Tcp, Kind::Http, Kind::Https][kind as usize];
        Self { kind, services, servers, shared: shared == 1, interval: interval.into() }
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

    fn settings(self) -> Settings {
        let page = || Page {
            path: "/index.html".into(),
            host: None,
            method: "GET".into(),
            headers: Vec::new(),
            statuses: vec![(200, 200)],
            digest: None,
            pattern: None,
        };
        let http = |tls| {
            let http = Http { tls, version: HttpVersion::V1_0, pages: vec![page()], largest: 1 << 20 };
            Question::Http(Box::new(http))
        };
        let question = match self.kind {
            Kind::Tcp => Question::Tcp,
            Kind::Http => http(None),
            Kind::Https => http(Some(Tls::default())),
        };
        let interval = Duration::from_secs(self.interval);
        let schedule = Schedule {
            interval,
            jitter: Duration::ZERO,
            retry: 0,
            delay_before_retry: Duration::from_secs(1),
            rise: 1,
            warmup: Duration::ZERO,
            initial: Initial::CheckFirst,
            log_all_failures: false,
        };
        let mut table = Table::default();
        let mut checks = Vec::new();
        for service in 0..self.services {
            let address = IpAddr::V4(Self::virtual_address(service));
            let key = ServiceKey::Address { protocol: Protocol::Tcp, address, port: 80 };
            let mut servers = indexmap::IndexMap::new();
            for server in 0..self.servers {
                let target = self.server(service, server);
                let server = ServerKey { address: target.ip(), port: target.port() };
                let real = RealServer {
                    key: server,
                    forwarding: Forwarding::Masquerade,
                    weight: Weight::default(),
                    thresholds: Thresholds::default(),
                };
                servers.insert(server, real);
                let probe = Probe {
                    target,
                    connection: Connection::default(),
                    question: question.clone(),
                    deadline: Duration::from_secs(5),
                };
                // Spread over the interval, as keepalived's are.
                let schedule = Schedule { warmup: interval, ..schedule.clone() };
                checks.push(Check { service: key, server, probe, schedule, through_vip: false });
            }
            let service = VirtualService { scheduler: Scheduler::new("rr"), ..VirtualService::new(key) };
            table.services.insert(key, Entry { service, servers });
        }
        Settings { operator: table, checks, ..Settings::default() }
    }
}

/// The check process. Tells its lateness for each line that it reads.
fn ours(work: &Work) {
    let mut settings = work.settings();
    if work.interval >= 20 {
        // What counts is how soon all have been asked.
        settings.checks.iter_mut().for_each(|check| check.schedule.warmup = Duration::ZERO);
    }
    let (orders, inbox) = mpsc::channel(1);
    thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            let (reply, answer) = oneshot::channel();
            orders.blocking_send(Order::Status(reply)).expect("it runs");
            let probes = answer.blocking_recv().expect("an answer").probes;
            println!("{}", serde_json::to_string(&probes).expect("plain values"));
        }
    });
    run(settings, &RunOptions::default(), inbox).expect("it runs (is this the lab?)");
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
        let accept = this_program().arg(ACCEPT).spawn().expect("this program");
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
    questions: Option<(ChildStdin, BufReader<ChildStdout>)>,
    _directory: tempfile::TempDir,
}

impl Checker {
    fn start(who: Who, work: Work, alpha: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        if who == Who::Lvsadm {
            let mut command = this_program();
            command.arg(OURS).args(work.words()).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().expect("this program");
            let questions = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
            return Self { process: pid(&child), child, questions, _directory: directory };
        }
        fs::write(path("conf"), work.configuration(alpha)).expect("written");
        let mut command = Command::new("keepalived");
        command.args(["--check", "--dont-fork", "--use-file"]).arg(path("conf"));
        command.arg("--pid").arg(path("pid")).arg("--checkers_pid").arg(path("checkers"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("keepalived (is it installed?)");
        let end = Instant::now() + LIMIT;
        let process = loop {
            let number = fs::read_to_string(path("checkers")).ok().and_then(|text| text.trim().parse().ok());
            if let Some(number) = number {
                break Pid::from_raw(number);
            }
            assert!(Instant::now() < end, "keepalived does not start");
            thread::sleep(Duration::from_millis(5));
        };
        Self { child, process, questions: None, _directory: directory }
    }

    fn probes(&mut self) -> Option<ProbesStatus> {
        let (stdin, stdout) = self.questions.as_mut()?;
        writeln!(stdin).expect("it runs");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it runs");
        Some(serde_json::from_str(&line).expect("an answer"))
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
    memory: u64,
    late: Option<f64>,
}

fn measure(who: Who, work: Work) -> Measured {
    in_netns(|| {
        let _servers = Servers::start(work);
        prepare();
        let mut checker = Checker::start(who, work, false);
        complete(work);
        thread::sleep(Duration::from_secs(work.interval + 3));
        let before = (checker.time(), opened(), checker.probes(), Instant::now());
        thread::sleep(WINDOW);
        let after = (checker.time(), opened(), checker.probes(), Instant::now());
        let connections = after.1 - before.1;
        let stands_for = if who == Who::Lvsadm && work.shared { f64::from(work.services) } else { 1.0 };
        let checks = connections as f64 * stands_for;
        let late = before.2.zip(after.2).map(|(before, after)| {
            (after.late[1] - before.late[1]) as f64 / (after.begun - before.begun).max(1) as f64
        });
        let seconds = (after.3 - before.3).as_secs_f64();
        Measured {
            check: (after.0 - before.0).div_f64(checks.max(1.0)),
            rate: checks / seconds,
            memory: checker.memory(),
            late,
        }
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
    let (stock, ours) = (measure(Who::Keepalived, size).memory, measure(Who::Lvsadm, size).memory);
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

fn this_program() -> Command {
    let program = env::current_exe().expect("this program");
    let mut command = Command::new(Path::new(&program));
    command.stdin(Stdio::null());
    command
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}
