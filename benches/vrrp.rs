//! What virtual routers cost, side by side with stock keepalived in one run, natively in network namespaces: `tests/bench native`
//! runs this. Prints the rows of a Markdown table; with `--addresses`, only those about many addresses.
//!
//! Each director is a network namespace with `eth0` on a bridge; a packet socket on the bridge sees every frame and when it
//! went by.

mod measure;
// What the tests use of it is not all used here.
#[allow(dead_code)]
#[path = "../tests/native/vrrp/site.rs"]
mod site;
#[allow(dead_code)]
#[path = "../tests/lab/support/mod.rs"]
mod support;

use std::{env, thread, time::Duration};

use measure::{Capture, usage};
use site::{Daemon, Host, Site};

/// How often a crash is repeated; the median counts.
const CRASHES: usize = 7;

/// How long processor time is counted.
const LOAD: Duration = Duration::from_secs(10);

fn main() {
    println!("| work | keepalived | lvsadm | ratio | target |");
    println!("|---|---|---|---|---|");
    if env::args().any(|word| word == "--addresses") {
        return addresses(500);
    }
    for (interval, runs) in [(1000, CRASHES), (100, CRASHES * 2), (10, CRASHES * 4)] {
        crash(interval, runs);
    }
    load(250, 10);
    addresses(500);
}

/// Which program runs on a host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Keepalived,
    Lvsadm,
}

impl Who {
    /// Starts `count` instances, VRIDs from 1, each with an address of its own, with an interval in milliseconds.
    fn start(self, host: &Host, count: u8, priority: u8, interval: u32, excluded: &[String]) -> Daemon {
        match self {
            Self::Keepalived => {
                let mut file = format!("global_defs {{\nrouter_id h{}\n}}\n", host.number);
                for vrid in 1..=count {
                    let seconds = f64::from(interval) / 1000.0;
                    file += &format!(
                        "vrrp_instance VI_{vrid} {{\nstate BACKUP\ninterface eth0\nversion 3\nvirtual_router_id {vrid}\n\
                         priority {priority}\nadvert_int {seconds}\nvirtual_ipaddress {{\n10.9.8.{vrid}\n}}\n"
                    );
                    if !excluded.is_empty() {
                        file += &format!("virtual_ipaddress_excluded {{\n{}\n}}\n", excluded.join("\n"));
                    }
                    file += "}\n";
                }
                host.keepalived(&file)
            }
            Self::Lvsadm => {
                let mut file = String::new();
                for vrid in 1..=count {
                    file += &format!(
                        "vrrp add VI_{vrid} --interface eth0 --vrid {vrid} --version 3 --priority {priority} \
                         --interval {interval}ms --address 10.9.8.{vrid}"
                    );
                    excluded.iter().for_each(|address| file += &format!(" --exclude {address}"));
                    file += "\n";
                }
                let path = host.file("state", &file);
                host.vrrp_run(["--state", &path.display().to_string()])
            }
        }
    }
}

fn is_from(line: &str, host: &Host) -> bool {
    line.starts_with(&format!("IP 10.9.9.{} > 224.0.0.18", host.number))
}

/// From the last advert of a master that is killed to the first one of the backup, in milliseconds beyond what the protocol
/// says: three intervals and the skew time of priority 100.
fn crash(interval: u32, runs: usize) {
    let theory = f64::from(interval) * (3.0 + 156.0 / 256.0);
    let measure = |who: Who| {
        let mut beyond: Vec<f64> = (0..runs)
            .map(|_| {
                let site = Site::new(2);
                let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
                let capture = Capture::start(&site, "vrrp");
                let mut master = who.start(first, 1, 150, interval, &[]);
                site::until("host 1 is master", Duration::from_secs(15), || first.has("10.9.8.1"));
                let _backup = who.start(second, 1, 100, interval, &[]);
                thread::sleep(Duration::from_millis(1500));
                master.kill();
                site::until("host 2 is master", Duration::from_secs(15), || second.has("10.9.8.1"));
                let seen = capture.take();
                let taken = seen.iter().find(|(_, line)| is_from(line, second)).expect("the backup speaks").0;
                let last =
                    seen.iter().rfind(|(at, line)| *at < taken && is_from(line, first)).expect("the master spoke").0;
                (taken - last) * 1000.0 - theory
            })
            .collect();
        beyond.sort_by(f64::total_cmp);
        (beyond[beyond.len() / 2], beyond[beyond.len() - 1])
    };
    let (stock, stock_worst) = measure(Who::Keepalived);
    let (ours, ours_worst) = measure(Who::Lvsadm);
    println!(
        "| crash with an advert each {interval} ms: beyond 3 intervals + skew ({theory:.1} ms), median (worst of {runs}) \
         | {stock:+.2} ms ({stock_worst:+.2}) | {ours:+.2} ms ({ours_worst:+.2}) | | ≤ 5 ms and ≤ keepalived's |"
    );
}

/// Measures until nobody became master who should not: on a busy machine that happens.
fn undisturbed<T>(measure: impl Fn() -> Option<T>) -> T {
    (0..5).find_map(|_| measure()).expect("a measurement in which roles stay as they are")
}

/// What a master and a backup take.
struct Taken {
    /// Processor time of each, in percent of one processor.
    shares: [f64; 2],
    /// Memory of each, in kB.
    memory: [u64; 2],
    /// Packets that the master sent, a second.
    sent: f64,
}

/// Processor time and memory of a master and a backup: of the two programs by turns, because a shared machine is not the same
/// all the time.
fn load(instances: u8, interval: u32) {
    const ROUNDS: usize = 3;
    let measure = |who: Who| {
        let site = Site::new(2);
        let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
        let master = who.start(first, instances, 150, interval, &[]);
        site::until("host 1 is master", Duration::from_secs(15), || first.has(&format!("10.9.8.{instances}")));
        let backup = who.start(second, instances, 100, interval, &[]);
        thread::sleep(Duration::from_secs(4));
        let sent = || {
            let text = first.run("cat /proc/net/dev").ok();
            let line = text.lines().find_map(|line| line.trim().strip_prefix("eth0:")).expect("the link").to_owned();
            line.split_whitespace().nth(9).and_then(|sent| sent.parse::<u64>().ok()).expect("a number")
        };
        let (before, packets) = ([&master, &backup].map(|daemon| usage(daemon).0), sent());
        thread::sleep(LOAD);
        let (after, packets) = ([&master, &backup].map(usage), sent() - packets);
        if second.has("10.9.8.1") {
            return None;
        }
        // 100 ticks a second.
        let share = |index: usize| (after[index].0 - before[index]) as f64 / LOAD.as_secs_f64();
        let sent = packets as f64 / LOAD.as_secs_f64();
        Some(Taken { shares: [share(0), share(1)], memory: [after[0].1, after[1].1], sent })
    };
    let (mut stock, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        stock.push(undisturbed(|| measure(Who::Keepalived)));
        ours.push(undisturbed(|| measure(Who::Lvsadm)));
    }
    let median = |taken: &[Taken], of: &dyn Fn(&Taken) -> f64| {
        let mut all: Vec<f64> = taken.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    };
    let both = |of: &dyn Fn(&Taken) -> f64| (median(&stock, of), median(&ours, of));
    for (index, role) in ["master", "backup"].into_iter().enumerate() {
        let (stock, ours) = both(&|taken| taken.shares[index]);
        println!(
            "| {instances} instances, an advert each {interval} ms: {role}, processor (median of {ROUNDS}) | {stock:.1} % | {ours:.1} % \
             | {:.2} × | ≤ 0.7 × |",
            ours / stock
        );
        let (stock, ours) = both(&|taken| taken.memory[index] as f64);
        println!("| … resident memory, all its processes | {stock} kB | {ours} kB | {:.2} × | < 2 × |", ours / stock);
    }
    let (stock, ours) = both(&|taken| taken.sent);
    println!("| … packets that the master sent, a second | {stock:.0} | {ours:.0} | {:.2} × | |", ours / stock);
}

/// From a new master's first advert to the announcement of the last of its many addresses.
fn addresses(count: u32) {
    let excluded: Vec<String> = (0..count - 1).map(|n| format!("10.9.{}.{}", 10 + n / 200, 1 + n % 200)).collect();
    let measure = |who: Who| {
        let site = Site::new(2);
        let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
        // Two keepalived with so many addresses leave no processor to start it later.
        let capture = Capture::start(&site, "vrrp or arp");
        // With an advert each 100 ms two keepalived take the role from each other while they add addresses.
        let master = who.start(first, 1, 150, 1000, &excluded);
        let last = excluded.last().expect("many addresses");
        site::until("host 1 is master", Duration::from_secs(15), || first.has(last));
        let _backup = who.start(second, 1, 100, 1000, &excluded);
        // The second announcement of host 1 comes after five seconds.
        thread::sleep(Duration::from_secs(7));
        // keepalived may take longer than tests have patience for.
        master.ask_to_end();
        thread::sleep(Duration::from_secs(20));
        let seen = capture.take();
        let given = |line: &str| is_from(line, first) && line.contains("prio 0");
        let begin = seen.iter().position(|(_, line)| given(line))?;
        let seen = &seen[begin..];
        let first_advert = seen.iter().find(|(_, line)| is_from(line, second))?.0;
        let mut announced = std::collections::HashMap::new();
        for (at, line) in seen.iter().filter(|(_, line)| line.starts_with("ARP, Request who-has")) {
            let address = line.split_whitespace().nth(3).unwrap_or_default();
            announced.entry(address.to_owned()).or_insert(*at);
        }
        let (earliest, latest) =
            announced.values().fold((f64::MAX, f64::MIN), |(least, most), at| (least.min(*at), most.max(*at)));
        // The longest silence of the new master while it adds addresses.
        let adverts: Vec<f64> = seen.iter().filter(|(_, line)| is_from(line, second)).map(|(at, _)| *at).collect();
        let silence = adverts.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        Some((announced.len(), earliest - first_advert, latest - first_advert, silence))
    };
    let (stock_count, stock_first, stock_last, stock_silence) = undisturbed(|| measure(Who::Keepalived));
    let (our_count, our_first, our_last, our_silence) = undisturbed(|| measure(Who::Lvsadm));
    println!(
        "| {count} addresses on one instance: announced, all of them after the first advert | {stock_count} in {:.0} ms | \
         {our_count} in {:.0} ms | | < 1 s |",
        stock_last * 1000.0,
        our_last * 1000.0
    );
    println!(
        "| … first advert before the first announcement by | {:.2} ms | {:.2} ms | | > 0 |",
        stock_first * 1000.0,
        our_first * 1000.0
    );
    println!(
        "| … longest silence meanwhile (1000 ms is the interval) | {:.0} ms | {:.0} ms | | |",
        stock_silence * 1000.0,
        our_silence * 1000.0
    );
}
