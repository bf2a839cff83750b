//! What BFD costs and how fast it is, side by side with stock keepalived in one run, natively in network namespaces:
//! `tests/bench native` runs this. Prints the rows of a Markdown table.
//!
//! The neighbour is the same for both: lvsadm on a host of its own.

// What the other bench uses of it is not all used here.
#[allow(dead_code)]
mod measure;
#[allow(dead_code)]
#[path = "../tests/native/vrrp/site.rs"]
mod site;
#[allow(dead_code)]
#[path = "../tests/lab/support/mod.rs"]
mod support;

use std::{
    thread,
    time::{Duration, Instant},
};

use measure::{Capture, usage};
use site::{Daemon, Host, Site};
use support::{Words, run_with_input};

/// How often a failure is repeated; the median counts.
const FAILURES: usize = 15;

/// How long processor time is counted.
const LOAD: Duration = Duration::from_secs(10);

const LIMIT: Duration = Duration::from_secs(30);

fn main() {
    println!("| work | keepalived | lvsadm | ratio | target |");
    println!("|---|---|---|---|---|");
    failover();
    load(1000, 50);
}

/// Which program runs on a host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Keepalived,
    Lvsadm,
}

/// A session: source, neighbour.
type Pair = (String, String);

impl Who {
    /// Starts sessions of one interval in milliseconds and a multiplier of 3; with a priority, a virtual router that tracks the
    /// first one.
    fn start(self, host: &Host, pairs: &[Pair], interval: u32, priority: Option<u8>) -> Daemon {
        let sessions = pairs.iter().enumerate();
        match self {
            Self::Keepalived => {
                let mut file: String = sessions
                    .map(|(at, (source, neighbour))| {
                        format!(
                            "bfd_instance s{at} {{\nneighbor_ip {neighbour}\nsource_ip {source}\nmin_rx {interval}\n\
                             min_tx {interval}\nmultiplier 3\n}}\n"
                        )
                    })
                    .collect();
                if let Some(priority) = priority {
                    file += &format!(
                        "vrrp_instance VI_1 {{\nstate BACKUP\ninterface eth0\nversion 3\nvirtual_router_id 1\n\
                         priority {priority}\nadvert_int 0.1\nvirtual_ipaddress {{\n10.9.8.1\n}}\ntrack_bfd {{\ns0\n}}\n}}\n"
                    );
                }
                let (file, pid) = (host.file("keepalived.conf", &file), host.file("pid", ""));
                let (file, pid) = (file.display(), pid.display());
                let line = format!(
                    "keepalived --dont-fork --log-console --use-file={file} --pid={pid}.1 --vrrp_pid={pid}.2 \
                     --checkers_pid={pid}.3 --bfd_pid={pid}.4"
                );
                host.start(line.words())
            }
            Self::Lvsadm => {
                let mut file: String = sessions
                    .map(|(at, (source, neighbour))| {
                        format!(
                            "bfd add s{at} --neighbour {neighbour} --source {source} --min-rx {interval}ms \
                             --min-tx {interval}ms --multiplier 3\n"
                        )
                    })
                    .collect();
                if let Some(priority) = priority {
                    file += &format!(
                        "vrrp add VI_1 --interface eth0 --vrid 1 --version 3 --priority {priority} --interval 100ms \
                         --address 10.9.8.1 --track-bfd s0\n"
                    );
                }
                host.vrrp_file(&file)
            }
        }
    }
}

fn pair(host: u8, neighbour: u8) -> Pair {
    (format!("10.9.9.{host}"), format!("10.9.9.{neighbour}"))
}

/// How many sessions of a host are up, as the lvsadm at their other end says.
fn ups(neighbour: &Host) -> usize {
    let (state, run_dir) = (neighbour.state(), neighbour.run_dir());
    let line = format!("bfd list --json --state {} --run-dir {}", state.display(), run_dir.display());
    let mut words = vec![env!("CARGO_BIN_EXE_lvsadm").to_owned()];
    words.extend(line.words());
    let status: serde_json::Value = serde_json::from_str(&neighbour.run(words).stdout).unwrap_or_default();
    let sessions = status["sessions"].as_array().map(Vec::as_slice).unwrap_or_default();
    sessions.iter().filter(|session| session["state"] == "up").count()
}

/// From the last packet that a master hears of its gateway, at 10 ms x 3: to its advert of priority 0, beyond the 30 ms of the
/// protocol; and to the first advert of the backup, in milliseconds.
fn failover() {
    let measure = |who: Who| {
        let mut seen: Vec<(f64, f64)> = (0..FAILURES)
            .map(|_| {
                let site = Site::new(3);
                let [first, second, gateway] = site.hosts.as_slice() else { panic!("three hosts") };
                let _gateway = Who::Lvsadm.start(gateway, &[pair(3, 1), pair(3, 2)], 10, None);
                let _master = who.start(first, &[pair(1, 3)], 10, Some(150));
                site::until("host 1 is master", LIMIT, || first.has("10.9.8.1"));
                let _backup = who.start(second, &[pair(2, 3)], 10, Some(100));
                site::until("sessions are up", LIMIT, || ups(gateway) == 2);
                thread::sleep(Duration::from_millis(1500));
                let capture = Capture::start(&site, "vrrp or (udp port 3784 and host 10.9.9.1)");
                thread::sleep(Duration::from_millis(200));
                gateway.run("ip route add blackhole 10.9.9.1/32").ok();
                site::until("host 2 is master", LIMIT, || second.has("10.9.8.1"));
                let lines = capture.take();
                let given = |line: &str| line.starts_with("IP 10.9.9.1 > 224.0.0.18") && line.contains("prio 0");
                let given = lines.iter().find(|(_, line)| given(line)).expect("host 1 gives way").0;
                let is_gateway = |line: &str| line.starts_with("IP 10.9.9.3.");
                let last =
                    lines.iter().rfind(|(at, line)| *at < given && is_gateway(line)).expect("the gateway spoke").0;
                let taken = |at: f64, line: &str| at > given && line.starts_with("IP 10.9.9.2 > 224.0.0.18");
                let taken = lines.iter().find(|(at, line)| taken(*at, line)).expect("host 2 speaks").0;
                ((given - last) * 1000.0 - 30.0, (taken - last) * 1000.0)
            })
            .collect();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (median, worst) = (seen[seen.len() / 2].0, seen[seen.len() - 1].0);
        seen.sort_by(|a, b| a.1.total_cmp(&b.1));
        (median, worst, seen[seen.len() / 2].1)
    };
    let (stock, stock_worst, stock_taken) = measure(Who::Keepalived);
    let (ours, ours_worst, ours_taken) = measure(Who::Lvsadm);
    println!(
        "| the master's gateway is silent, BFD at 10 ms × 3: master gives way, beyond 30 ms, median (worst of {FAILURES}) \
         | {stock:+.2} ms ({stock_worst:+.2}) | {ours:+.2} ms ({ours_worst:+.2}) | | ≤ keepalived's |"
    );
    println!(
        "| … first advert of the backup (an advert each 100 ms, skew 60.9 ms), median | {stock_taken:.1} ms | {ours_taken:.1} ms | {:.2} × | |",
        ours_taken / stock_taken
    );
}

/// Processor time and memory of one end of many sessions.
fn load(count: usize, interval: u32) {
    let addresses = |net: u8| (0..count).map(move |at| format!("10.{net}.{}.{}", at / 250, 1 + at % 250));
    let measure = |who: Who| {
        let site = Site::new(2);
        let [us, neighbour] = site.hosts.as_slice() else { panic!("two hosts") };
        for (host, net, other, next) in [(us, 21, 22, 2), (neighbour, 22, 21, 1)] {
            let mut batch: String = addresses(net).map(|each| format!("address add {each}/32 dev eth0\n")).collect();
            // By one next hop: the kernel remembers a thousand neighbours at most.
            batch += &format!("route add 10.{other}.0.0/16 via 10.9.9.{next}\n");
            host.inside(|| run_with_input("ip -batch -", &batch)).ok();
        }
        let pairs: Vec<Pair> = addresses(21).zip(addresses(22)).collect();
        let theirs: Vec<Pair> = pairs.iter().cloned().map(|(ours, theirs)| (theirs, ours)).collect();
        let _neighbour = Who::Lvsadm.start(neighbour, &theirs, interval, None);
        let daemon = who.start(us, &pairs, interval, None);
        // Not everybody gets so far.
        let begun = Instant::now();
        while ups(neighbour) < count && begun.elapsed() < LIMIT {
            thread::sleep(Duration::from_millis(500));
        }
        thread::sleep(Duration::from_secs(3));
        let before = usage(&daemon).0;
        thread::sleep(LOAD);
        let (after, memory) = usage(&daemon);
        let stayed = ups(neighbour);
        // 100 ticks a second.
        ((after - before) as f64 / LOAD.as_secs_f64(), memory, stayed)
    };
    let ((stock, stock_memory, stock_stayed), (ours, our_memory, ours_stayed)) =
        (measure(Who::Keepalived), measure(Who::Lvsadm));
    println!(
        "| {count} sessions at {interval} ms: processor | {stock:.1} % | {ours:.1} % | {:.2} × | ≤ 1 × |",
        ours / stock
    );
    println!(
        "| … resident memory, all its processes | {stock_memory} kB | {our_memory} kB | {:.2} × | |",
        our_memory as f64 / stock_memory as f64
    );
    println!("| … up at the end | {stock_stayed} | {ours_stayed} | | |");
}
