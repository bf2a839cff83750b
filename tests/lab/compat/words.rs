//! Random command lines: most are wrong in one way or another, and the first fault must be the same.

use fastrand::Rng;
use lvsadm::{
    model::{Change, Protocol, ServiceKey},
    state::grammar::{self, Class, Command, Names, Subject},
};

use super::{assert_same, ours, random::choose, rounds, stock};
use crate::support::{Output, in_netns};

/// Lines that end a restore, whether they are wrong or not, need a process each; all others can share one.
#[test]
fn that_are_mostly_wrong() {
    rounds(6, |rng, seed| {
        let batches: Vec<String> = (0..15).map(|_| batch(rng, 20)).collect();
        let run_all = |run: fn(&str, &[String], &str) -> Output| -> Vec<Output> {
            in_netns(|| batches.iter().map(|batch| run("ipvsadm", &["-R".to_owned()], batch)).collect())
        };
        let (stock, ours) = (run_all(stock), run_all(ours));
        for ((stock, ours), batch) in stock.iter().zip(&ours).zip(&batches) {
            assert_same(stock, ours, &format!("{seed}\n{batch}"));
        }
    });
}

/// Listings of what the batches before left, `count` lines, the last of which ends it all.
fn batch(rng: &mut Rng, count: usize) -> String {
    let mut lines = vec!["-L -n --thresholds".to_owned(), "-L -n --tun-info".to_owned(), "-C".to_owned()];
    let (mut going, mut ending) = (Vec::new(), None);
    while going.len() < count || ending.is_none() {
        let words = line(rng);
        match what_happens(&words) {
            Some(true) if going.len() < count => going.push(words.join(" ")),
            Some(false) => ending = Some(words.join(" ")),
            _ => {}
        }
    }
    lines.append(&mut going);
    lines.extend(ending);
    lines.join("\n") + "\n"
}

/// Whether a restore goes on after this line; `None` for lines that say something else in each namespace, or always.
fn what_happens(words: &[String]) -> Option<bool> {
    // Only argv can hold an empty word.
    let words: Vec<&String> = words.iter().filter(|word| !word.is_empty()).collect();
    match grammar::parse(&words, &Localhost) {
        Ok(parsed) => match parsed.command {
            Command::Help | Command::Version => None,
            Command::List(listing) if !listing.sorted => None,
            Command::List(listing) => Some(!matches!(listing.subject, Subject::Service(_))),
            Command::Restore => Some(false),
            // Saved as a negative number by the stock program.
            Command::Change(Change::AddService(service)) if is_large_mark(&service.key) => None,
            // A daemon that is stopped before it ever ran: the kernel answers nothing, and the stock program waits for ever.
            Command::Change(Change::StopDaemon(_)) => None,
            // ipvsadm crashes.
            _ if words.iter().any(|word| **word == ",") => None,
            _ => Some(true),
        },
        Err(fault) => Some(fault.kind.class() == Class::Options),
    }
}

fn is_large_mark(key: &ServiceKey) -> bool {
    matches!(key, ServiceKey::Mark { mark, .. } if *mark > i32::MAX as u32)
}

struct Localhost;

impl Names for Localhost {
    fn host_v4(&self, name: &str) -> Option<std::net::Ipv4Addr> {
        (name == "localhost").then_some(std::net::Ipv4Addr::LOCALHOST)
    }

    fn port(&self, name: &str, protocol: Protocol) -> Option<u16> {
        (name == "domain" && protocol != Protocol::Sctp).then_some(53)
    }
}

/// A command with options, most of which it takes.
pub(super) fn line(rng: &mut Rng) -> Vec<String> {
    let command = choose(rng, COMMANDS);
    let mut words: Vec<String> = vec![command.to_owned()];
    if rng.u8(0..30) == 0 {
        words.insert(0, choose(rng, OPTIONS).to_owned());
    }
    let kind = command.trim_start_matches('-').split('-').next_back().unwrap_or_default();
    let likely: &[&str] = match kind {
        "A" | "E" | "service" => &["-t", "-u", "-f", "-s", "-p", "-M", "-o", "-b", "--pe", "-6", "--sctp-service"],
        "a" | "e" | "d" | "server" => SERVER_OPTIONS,
        "L" | "l" | "list" => {
            &["-n", "-c", "-t", "--timeout", "--daemon", "--stats", "--rate", "--exact", "--tun-info"]
        }
        "daemon" => &["--mcast-interface", "--syncid", "--mcast-group", "--mcast-port", "--mcast-ttl", "--sync-maxlen"],
        "set" => &["1", "x", "0", "5"],
        _ => &["-t", "-n", "foo", "-f"],
    };
    if kind == "daemon" {
        words.push(choose(rng, &["master", "master", "backup", "foo"]).to_owned());
    }
    if likely == SERVER_OPTIONS && rng.bool() {
        words.extend(["-t", choose(rng, &["10.0.0.1:80", "10.0.0.1:0", "[::1]:80"])].map(str::to_owned));
        if rng.bool() {
            words.extend(["-r", "127.0.0.9:99"].map(str::to_owned));
        }
    }
    for _ in 0..rng.usize(0..6) {
        let option = if rng.u8(0..6) > 0 { choose(rng, likely) } else { choose(rng, OPTIONS) };
        match (value(rng, option), rng.u8(0..40)) {
            (Some(value), 1..4) if option.starts_with("--") => words.push(format!("{option}={value}")),
            (Some(value), 4..) => words.extend([option.to_owned(), value.to_owned()]),
            (_, _) => words.push(option.to_owned()),
        }
    }
    words
}

/// A value for an option, mostly one that it takes.
fn value(rng: &mut Rng, option: &str) -> Option<&'static str> {
    let good = rng.u8(0..5) > 0;
    Some(match option {
        "-t" | "-u" | "--sctp-service" | "-r" => choose(rng, if good { &ADDRESSES[..8] } else { ADDRESSES }),
        "-p" | "--persistent" if rng.bool() => return None,
        "-f" | "-w" | "-x" | "-y" | "--syncid" | "--mcast-port" | "--mcast-ttl" | "--sync-maxlen" | "--tun-port"
        | "-p" | "--persistent" => choose(rng, if good { &NUMBERS[..4] } else { NUMBERS }),
        "-M" => choose(rng, &["255.255.255.0", "24", "64", "129", "64x", "x", "0"]),
        "-s" => choose(rng, &["rr", "sh", "mh", "wlc", "nosuch", "averyveryverylongname"]),
        "-b" => choose(
            rng,
            &["flag-1", "flag-2,flag-3", "sh-port", "mh-port,mh-fallback", "bogus", ",flag-1", "flag-1,sh-port"],
        ),
        "--pe" => choose(rng, &["sip", "averyveryverylongname"]),
        "--mcast-interface" => choose(rng, &["lo", "eth1", "averyveryverylongname"]),
        "--mcast-group" => {
            choose(rng, &["224.0.0.1", "10.0.0.1", "ff02::1", "::1", "x", "239.255.255.255", "240.0.0.1", "224.1"])
        }
        "--tun-type" => choose(rng, &["ipip", "gue", "gre", "GUE"]),
        _ => return None,
    })
}

const COMMANDS: &[&str] = &[
    "-A",
    "-A",
    "-A",
    "-E",
    "-D",
    "-C",
    "-L",
    "-l",
    "-a",
    "-a",
    "-a",
    "-d",
    "-e",
    "-Z",
    "-S",
    "-R",
    "--set",
    "--start-daemon",
    "--stop-daemon",
    "--list",
    "--add-service",
    "--edit-service",
    "--add-server",
    "--edit-server",
    "--delete-server",
    "--zero",
];

const SERVER_OPTIONS: &[&str] = &[
    "-t",
    "-u",
    "-f",
    "-r",
    "-g",
    "-i",
    "-m",
    "-w",
    "-x",
    "-y",
    "--tun-type",
    "--tun-port",
    "--tun-csum",
    "--tun-nocsum",
    "--tun-remcsum",
    "-6",
];

const OPTIONS: &[&str] = &[
    "-t",
    "-u",
    "--sctp-service",
    "-f",
    "-s",
    "-p",
    "-M",
    "-r",
    "-g",
    "-i",
    "-m",
    "-w",
    "-x",
    "-y",
    "--mcast-interface",
    "--timeout",
    "--daemon",
    "--stats",
    "--rate",
    "--thresholds",
    "--persistent-conn",
    "--sort",
    "--syncid",
    "--exact",
    "-X",
    "-o",
    "--ops",
    "--pe",
    "-b",
    "--mcast-group",
    "--mcast-port",
    "--mcast-ttl",
    "--sync-maxlen",
    "--tun-info",
    "--tun-type",
    "--tun-port",
    "--tun-nocsum",
    "--tun-csum",
    "--tun-remcsum",
    "-6",
    "-n",
    "-c",
    "--",
    "-A",
    "-L",
    "--bogus",
    "foo",
    "-q",
    "-",
    "-h",
    "-v",
    "--persistent",
    "--numeric=3",
    "-np",
    "-gw",
    "-pn",
    "-p=5",
    "--weight=",
    "-n=",
    "--lis",
    "-#",
    "--start-daemon",
    "ipvsadm",
    "/sbin/ipvsadm",
    "#",
    "--stop-daemon=foo",
    "-l",
    "-6n",
    "-ä",
    "--=x",
    "---n",
];

/// The first eight are good ones. All within 2^31 of each other: the kernel's order, on which the sorting of others
/// depends, is different in each namespace.
const ADDRESSES: &[&str] = &[
    "10.0.0.1:80",
    "10.0.0.2:81",
    "127.0.0.1:80",
    "10.0.0.1:0",
    "10.0.0.1",
    "[2001:db8::1]:80",
    "2001:db8::1",
    "[::1]:80",
    "localhost:domain",
    "80",
    "bad",
    "[10.0.0.1]:80",
    "10.1:80",
    "0x0a000001:80",
    "012.1:9",
    "[::1]80",
    "[::1]",
    "1.2.3.256:1",
    "1.2.65536:1",
    "10.0.0.1:65536",
    "::",
    "::ffff:10.3.4.5",
    "[::1%lo]:80",
    "1.2.3.4.5:80",
    "08.1.1.1:80",
    "0x:80",
    "1..2:80",
    "10.0.0.1.:80",
    ".:80",
    "[fe80::1]:http",
    "1:2:3:4:5:6:7::",
    "1:2:3:4:5:6:7:8::",
    "::1.2.3.04",
    "010.0.0.1:5",
    "4294967296:80",
    "1.16777215:80",
    "1.16777216:80",
    "0X7f.1:80",
    "0:0",
    "[10.0.0.1:99]:80",
    "[10.0.0.1]:99]:80",
    "[localhost:domain]:x",
    "10.0.0.1:",
    ":80",
    "10.0.0.1:+80",
    "70000",
];

/// The first four are good everywhere.
const NUMBERS: &[&str] = &[
    "1",
    "5",
    "80",
    "7",
    "0",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "-1",
    "+3",
    "3x",
    "x",
    "007",
    "0x10",
    "2678400",
    "2678401",
    "65507",
    "65508",
    "255",
    "256",
    "99999999999999999999",
    "2147483647",
];
