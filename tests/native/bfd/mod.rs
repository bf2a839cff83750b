//! BFD between network namespaces on one LAN: lvsadm with itself, with FRR's bfdd, with stock keepalived, and with strangers.

mod frr;
mod keepalived;
mod process;
mod strangers;
mod tracked;

use std::time::Duration;

use serde_json::Value;

use crate::{
    support::{Output, Words},
    vrrp::site::{Daemon, Host, Site, until},
};

/// A handshake takes three packets a second apart at worst, and FRR a while to start.
const LIMIT: Duration = Duration::from_secs(15);

/// How soon both ends are up again after one of them, at 100 ms x 3, was killed and started: the detection time at most until the
/// other knows, two packets that leave each second, and the time to start and to ask.
const RECOVERY: Duration = Duration::from_millis(300 + 2000 + 700);

/// Starts `lvsadm bfd run` with a save file of these lines.
fn bfd_run(host: &Host, lines: &str) -> Daemon {
    let file = host.file("state", lines);
    let run_dir = host.run_dir();
    let line = format!("bfd run --state {} --run-dir {}", file.display(), run_dir.display());
    let mut words = vec![env!("CARGO_BIN_EXE_lvsadm").to_owned()];
    words.extend(line.words());
    host.start(words)
}

/// Runs `lvsadm bfd …` about the save file and the process of [`bfd_run`].
fn bfd(host: &Host, arguments: &str) -> Output {
    let (file, run_dir) = (host.state(), host.run_dir());
    let line = format!("bfd {arguments} --state {} --run-dir {}", file.display(), run_dir.display());
    let mut words = vec![env!("CARGO_BIN_EXE_lvsadm").to_owned()];
    words.extend(line.words());
    host.run(words)
}

/// How a session is doing; null if there is none, or no process.
fn session(host: &Host, name: &str) -> Value {
    let shown = bfd(host, &format!("show {name} --json"));
    let status: Value = serde_json::from_str(&shown.stdout).unwrap_or_default();
    if status["running"] == true { status["sessions"][0].clone() } else { Value::Null }
}

fn is(host: &Host, name: &str, state: &str) -> bool {
    session(host, name)["state"] == state
}

#[track_caller]
fn until_up(host: &Host, name: &str) {
    until(&format!("{name} is up"), LIMIT, || is(host, name, "up"));
}

/// Makes the second host a router between the first and the third, which have the addresses 10.1.0.1 and 10.3.0.3, and
/// fd01::1 and fd03::3, on `lo`.
fn with_router(site: &Site) {
    let [one, two, three] = site.hosts.as_slice() else { panic!("three hosts") };
    for name in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        two.set_sysctl(name, "1");
    }
    for name in ["ipv4/conf/all/send_redirects", "ipv4/conf/eth0/send_redirects"] {
        two.set_sysctl(name, "0");
    }
    for (host, lines) in [
        (
            one,
            "ip address add 10.1.0.1/32 dev lo|ip address add fd01::1/128 dev lo nodad|ip route add 10.3.0.3 via 10.9.9.2 src 10.1.0.1|ip route add fd03::3 via fd09::2 src fd01::1",
        ),
        (
            two,
            "ip route add 10.1.0.1 via 10.9.9.1|ip route add 10.3.0.3 via 10.9.9.3|ip route add fd01::1 via fd09::1|ip route add fd03::3 via fd09::3",
        ),
        (
            three,
            "ip address add 10.3.0.3/32 dev lo|ip address add fd03::3/128 dev lo nodad|ip route add 10.1.0.1 via 10.9.9.2 src 10.3.0.3|ip route add fd01::1 via fd09::2 src fd03::3",
        ),
    ] {
        lines.split('|').for_each(|line| drop(host.run(line).ok()));
    }
}
