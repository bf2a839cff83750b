//! Real servers that are killed and return, under stock keepalived and under the check process at once: the same sequence in both tables,
//! ours never later.
//!
//! Both directors ask the same servers, each with a kernel table of its own. When in its interval a check is made is chance in
//! both, so a single change may come later in either table, by an interval; our mean may not be later.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use lvsadm::{
    agent::check::RunOptions,
    check::settings::{Http, HttpVersion, Page, Question, Tls},
    model::{Forwarding, RealServer, ServerKey, ServiceKey},
    pool::settings::{Policy, Settings},
};
use nix::sys::signal::{Signal, kill};

use crate::{
    check::running::{self, Running},
    support::{
        daemons::{Daemon, certificate},
        hosts::{Family, Host, Hosts},
        until,
    },
};

/// From one probe to the next, in both.
const INTERVAL: Duration = Duration::from_secs(1);

/// What a slow guest may take beyond it: two directors, seven servers and a test share one processor.
const SLACK: Duration = Duration::from_millis(700);

/// How much later than keepalived's our mean may be: the phases of the checks are chance, and of so many changes their mean
/// differs by a tenth of an interval.
const TOLERANCE: Duration = Duration::from_millis(300);

/// A kind of server: on which host it is, on which port, how it is started, and what asks it in both programs.
struct Kind {
    host: usize,
    port: u16,
    start: fn(&Scene) -> Daemon,
    stock: &'static str,
    ours: fn() -> Question,
}

/// What servers need to start.
struct Scene {
    certificates: tempfile::TempDir,
}

fn http(tls: Option<Tls>) -> Question {
    let page = Page {
        path: "/index.html".into(),
        host: None,
        method: "GET".into(),
        headers: Vec::new(),
        statuses: vec![(200, 200)],
        digest: None,
        pattern: None,
    };
    Question::Http(Box::new(Http { tls, version: HttpVersion::V1_0, pages: vec![page], largest: 1 << 20 }))
}

const PAGES: &[(&str, &str)] = &[("index.html", "it works\n")];

const KINDS: &[Kind] = &[
    Kind {
        host: 0,
        port: 8000,
        start: |_| Daemon::nginx("server { listen 8000; }", PAGES).listening(8000),
        stock: "HTTP_GET {\nurl {\npath /index.html\nstatus_code 200\n}\n",
        ours: || http(None),
    },
    Kind {
        host: 0,
        port: 8080,
        start: |_| Daemon::apache(8080, PAGES).listening(8080),
        stock: "HTTP_GET {\nurl {\npath /index.html\nstatus_code 200\n}\n",
        ours: || http(None),
    },
    Kind {
        host: 1,
        port: 443,
        start: |scene| {
            let at = scene.certificates.path().display();
            let server = format!(
                "server {{ listen 443 ssl; ssl_certificate {at}/www.example.pem; ssl_certificate_key {at}/www.example.key; }}"
            );
            Daemon::nginx(&server, PAGES).listening(443)
        },
        stock: "SSL_GET {\nurl {\npath /index.html\nstatus_code 200\n}\n",
        ours: || http(Some(Tls::default())),
    },
    Kind {
        host: 1,
        port: 25,
        start: |_| Daemon::postfix().listening(25),
        stock: "SMTP_CHECK {\nhelo_name director.example\n",
        ours: || Question::Smtp { helo: "director.example".into() },
    },
    Kind {
        host: 2,
        port: 53,
        start: |_| Daemon::named().listening(53),
        stock: "DNS_CHECK {\ntype A\nname www.example\n",
        ours: || Question::Dns { name: "www.example".into(), kind: 1 },
    },
    Kind {
        host: 2,
        port: 8000,
        start: |_| Daemon::nginx("server { listen 8000; }", PAGES).listening(8000),
        stock: "TCP_CHECK {\n",
        ours: || Question::Tcp,
    },
];

impl Kind {
    fn address(&self, hosts: &Hosts) -> SocketAddr {
        SocketAddr::new(hosts.servers[self.host].address(Family::V4), self.port)
    }
}

fn stock(hosts: &Hosts) -> String {
    let mut text = format!(
        "virtual_server {} 80 {{\ndelay_loop 1\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n",
        hosts.vip(Family::V4)
    );
    for kind in KINDS {
        let address = kind.address(hosts);
        text += &format!(
            "real_server {} {} {{\nweight 1\n{}connect_timeout 1\nretry 0\ndelay_before_retry 1\nwarmup 0\n}}\n}}\n",
            address.ip(),
            address.port(),
            kind.stock
        );
    }
    text + "}\n"
}

fn ours(hosts: &Hosts, key: ServiceKey) -> Settings {
    let server = |kind: &Kind| {
        let address = kind.address(hosts);
        let key = ServerKey { address: address.ip(), port: address.port() };
        RealServer { key, ..running::real(address.ip(), Forwarding::Masquerade, 1) }
    };
    let servers: Vec<_> = KINDS.iter().map(server).collect();
    let mut settings = running::settings(key, &servers, Policy::of(key));
    for (check, kind) in settings.checks.iter_mut().zip(KINDS) {
        Arc::make_mut(&mut check.probe).question = (kind.ours)();
        // keepalived's limit is for each step of a check, ours for all of it; mail servers have three.
        let steps = if matches!(check.probe.question, Question::Smtp { .. }) { 3 } else { 1 };
        Arc::make_mut(&mut check.probe).deadline = INTERVAL * steps;
        Arc::make_mut(&mut check.schedule).interval = INTERVAL;
    }
    settings
}

/// The servers in the table of a host, and when that was first so.
type Seen = Vec<(Instant, BTreeSet<SocketAddr>)>;

/// Looks at a host's table until told to stop.
fn watch(host: &Host, ended: &AtomicBool) -> Seen {
    host.inside(|| {
        let mut seen: Seen = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            let text = fs::read_to_string("/proc/thread-self/net/ip_vs").expect("a kernel with IPVS");
            let now: BTreeSet<_> = text.lines().filter_map(row).collect();
            if seen.last().is_none_or(|(_, before)| *before != now) {
                seen.push((Instant::now(), now));
            }
            thread::sleep(Duration::from_millis(20));
        }
        seen
    })
}

/// Reads `  -> 0A00000B:1F40      Masq    1      0          0`.
fn row(line: &str) -> Option<SocketAddr> {
    let (address, port) = line.trim().strip_prefix("-> ")?.split_whitespace().next()?.split_once(':')?;
    let address = u32::from_str_radix(address, 16).ok()?;
    Some(SocketAddr::from((std::net::Ipv4Addr::from(address), u16::from_str_radix(port, 16).ok()?)))
}

/// A step of the script: which servers work from then on.
struct Step {
    there: Vec<usize>,
    /// Whether those that leave are still there, and say nothing; else their processes are gone.
    silent: bool,
}

fn script() -> Vec<Step> {
    let all: Vec<usize> = (0..KINDS.len()).collect();
    let without = |gone: &[usize]| all.iter().copied().filter(|kind| !gone.contains(kind)).collect::<Vec<_>>();
    let mut steps = Vec::new();
    for kind in 0..KINDS.len() {
        steps.extend([without(&[kind]), all.clone()]);
    }
    steps.extend([without(&[0, 1]), without(&[1, 4]), without(&[4]), Vec::new(), vec![2], all.clone()]);
    let mut steps: Vec<_> = steps.into_iter().map(|there| Step { there, silent: false }).collect();
    steps.extend([Step { there: without(&[0]), silent: true }, Step { there: all, silent: false }]);
    steps
}

#[test]
fn the_same_servers_under_stock_keepalived() {
    let hosts = Hosts::new(3);
    let scene = Scene { certificates: tempfile::tempdir().expect("a directory") };
    certificate(scene.certificates.path(), "www.example");
    let start = |kind: &Kind| hosts.servers[kind.host].inside(|| (kind.start)(&scene));
    let mut daemons: Vec<_> = KINDS.iter().map(|kind| Some(start(kind))).collect();

    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path().display();
    fs::write(directory.path().join("conf"), stock(&hosts)).expect("written");
    let (stock_host, our_host) = (&hosts.client, &hosts.director);
    let keepalived = stock_host.start(format!(
        "keepalived --check --dont-fork --log-console --use-file {at}/conf --pid {at}/pid --checkers_pid {at}/checkers"
    ));
    let ended = AtomicBool::new(false);
    let (stock_seen, our_seen, steps) = thread::scope(|scope| {
        let process = Running::start(scope, our_host, ours(&hosts, running::service(&hosts)), RunOptions::default());
        let watching = [stock_host, our_host].map(|host| scope.spawn(|| watch(host, &ended)));
        let all = || [stock_host, our_host].map(|host| running::rows(host).len());
        until("all servers are in both tables", || all() == [KINDS.len(); 2]);
        // keepalived begins with its checks a second after it has added the servers.
        thread::sleep(Duration::from_secs(3));
        let mut steps = Vec::new();
        for step in script() {
            let begun = Instant::now();
            for (number, kind) in KINDS.iter().enumerate() {
                let daemon = &mut daemons[number];
                match (step.there.contains(&number), &*daemon) {
                    (true, Some(running)) => running.signal(Signal::SIGCONT),
                    (true, None) => *daemon = Some(start(kind)),
                    (false, Some(running)) if step.silent => running.signal(Signal::SIGSTOP),
                    (false, _) => *daemon = None,
                }
            }
            let wanted: BTreeSet<_> = step.there.iter().map(|kind| KINDS[*kind].address(&hosts)).collect();
            steps.push((begun, Instant::now(), wanted.clone()));
            until("both tables are as the servers are", || {
                [stock_host, our_host].iter().all(|host| {
                    let rows = running::rows(host);
                    rows.len() == wanted.len() && wanted.iter().all(|server| rows.contains(&format!("{server} 1")))
                })
            });
        }
        ended.store(true, Ordering::Relaxed);
        let [stock_seen, our_seen] = watching.map(|thread| thread.join().expect("it looked"));
        process.stop();
        (stock_seen, our_seen, steps)
    });
    let _ = kill(keepalived.pid(), Signal::SIGTERM);

    // When a table was as the servers were, after each step.
    let delays = [&stock_seen, &our_seen].map(|seen| {
        let delay = |number: usize| {
            let (begun, done, wanted) = &steps[number];
            // Who watches the table may see it later than who goes on with the next step.
            let end = steps.get(number + 1).map(|(begun, ..)| *begun + SLACK);
            let at = seen.iter().find(|(at, there)| at >= begun && end.is_none_or(|end| *at < end) && there == wanted);
            let (at, _) = at.unwrap_or_else(|| panic!("step {number} is missing: {seen:?}"));
            at.saturating_duration_since(*done)
        };
        (0..steps.len()).map(delay).collect::<Vec<_>>()
    });
    assert_eq!(sequences(&stock_seen), sequences(&our_seen), "no server came or went that did not do so itself");
    let mean = |delays: &[Duration]| delays.iter().sum::<Duration>() / u32::try_from(delays.len()).expect("few");
    let worst = |delays: &[Duration]| delays.iter().max().copied().unwrap_or_default();
    let ([stock_mean, our_mean], [stock_worst, our_worst]) =
        (delays.each_ref().map(|each| mean(each)), delays.each_ref().map(|each| worst(each)));
    let [stock_ms, stock_worst_ms, our_ms, our_worst_ms] =
        [stock_mean, stock_worst, our_mean, our_worst].map(|time| time.as_millis());
    println!(
        "{} steps: keepalived {stock_ms} ms after them in the mean, {stock_worst_ms} at worst; lvsadm {our_ms} and {our_worst_ms}",
        steps.len()
    );
    for (number, (stock, ours)) in delays[0].iter().zip(&delays[1]).enumerate() {
        assert!(*ours <= *stock + INTERVAL + SLACK, "step {number}: {delays:?}");
    }
    assert!(our_mean <= stock_mean + TOLERANCE, "{delays:?}");
}

/// How each server came (`true`) and went, from the first moment when all were there.
fn sequences(seen: &Seen) -> BTreeMap<SocketAddr, Vec<bool>> {
    let complete = seen.iter().skip_while(|(_, there)| there.len() < KINDS.len()).map(|(_, there)| there);
    let mut sequences: BTreeMap<SocketAddr, Vec<bool>> = BTreeMap::new();
    for (before, after) in complete.clone().zip(complete.skip(1)) {
        for server in before ^ after {
            sequences.entry(server).or_default().push(after.contains(&server));
        }
    }
    sequences
}
