//! The live view: rates against what was really done, and a terminal that is as it was afterwards.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Background,
    hosts::{Family, Forwarding, Hosts},
    in_netns, ipvsadm, lvsadm, rows, run, run_with_input,
    terminal::Terminal,
    until,
};

const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

#[test]
fn rates_are_what_was_done() {
    let hosts = Hosts::new(2);
    hosts.prepare(Forwarding::Nat, Family::V4);
    let director = &hosts.director;
    director.ipvsadm("-A -t 10.0.0.100:80 -s rr").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11:80 -m").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.12:80 -m").ok();
    let (output, requests) = thread::scope(|scope| {
        let top = scope.spawn(|| director.lvsadm("top --once --json --interval 6").ok());
        // Its first reading is made at once, and the slow guest has seconds for the requests.
        thread::sleep(Duration::from_millis(1500));
        let requests = hosts.requests(30, hosts.vip(Family::V4)).len();
        (top.join().expect("top"), requests)
    });
    let line: Value = serde_json::from_str(&output).expect("JSON");
    let seconds = line["interval"].as_f64().expect("a number") / 1000.0;
    let rates = &line["services"][0]["rates"];
    let connections = rates["connections"].as_f64().expect("a rate") * seconds;
    assert!((connections - requests as f64).abs() < 0.1, "{connections} of {requests}: {line}");
    for server in line["services"][0]["servers"].as_array().expect("a list") {
        let each = server["rates"]["connections"].as_f64().expect("a rate") * seconds;
        assert!((each - 15.0).abs() < 0.1, "{line}");
        assert!(server["rates"]["out_bytes"].as_f64().expect("a rate") > 0.0, "{line}");
    }
    let page = director.lvsadm("top --once --interval 0.1 -r 10.0.0.11").ok();
    assert!(page.contains("\n10.0.0.11 ") && page.contains("\n  80 of TCP 10.0.0.100:80 "), "{page}");
    assert!(!page.contains("10.0.0.12"), "{page}");
}

/// `top` in front of a terminal.
fn top(options: &str, columns: u16, rows: u16) -> Terminal {
    Terminal::start(format!("{LVSADM} top {options}"), columns, rows)
}

/// Waits for the end, and fails unless the terminal is as it was.
#[track_caller]
fn left_as_it_was(mut terminal: Terminal, status: i32) -> String {
    let ended = terminal.end();
    // What was written last may still be on its way.
    terminal.until("\u{1b}[?1049l");
    let screen = terminal.shown();
    assert_eq!(ended, status, "{screen:?}");
    assert!(terminal.is_as_before(), "{screen:?}");
    for (on, off) in [("\u{1b}[?1049h", "\u{1b}[?1049l"), ("\u{1b}[?25l", "\u{1b}[?25h"), ("\u{1b}[?7l", "\u{1b}[?7h")]
    {
        assert_eq!(screen.matches(on).count(), screen.matches(off).count(), "{screen:?}");
        assert!(screen.rfind(on) < screen.rfind(off), "{screen:?}");
    }
    screen
}

const TABLE: &str = "-A -t 10.9.0.1:80 -s wrr\n-a -t 10.9.0.1:80 -r 10.9.0.11:80 -m -w 3\n-a -t 10.9.0.1:80 -r 10.9.0.12:80 -m -w 1\n\
                     -A -t 10.9.0.1:81 -s wlc\n-a -t 10.9.0.1:81 -r 10.9.0.11:81 -m -w 1\n";

#[test]
fn the_terminal_is_as_it_was() {
    in_netns(|| {
        run_with_input("ipvsadm -R", TABLE).ok();
        let mut terminal = top("--interval 0.2", 100, 20);
        terminal.until("TCP 10.9.0.1:81");
        terminal.press(b"h");
        terminal.until("sort by new connections");
        terminal.press(b"xv");
        terminal.until("80 of TCP 10.9.0.1:80");
        terminal.press(b"v/:81\r ");
        terminal.until("only :81");
        terminal.until("paused");
        terminal.press(b"q");
        left_as_it_was(terminal, 0);
    });
}

#[test]
fn rows_are_sorted_and_left_out() {
    in_netns(|| {
        run("ip address add 10.9.0.1/32 dev lo").ok();
        fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1").expect("a switch");
        run_with_input("ipvsadm -R", TABLE.replace("10.9.0.1", "127.0.0.1").replace("-t 127.0.0.1:", "-t 10.9.0.1:"))
            .ok();
        let once = |options: &str| lvsadm(format!("top --once --interval 0.1 {options}")).ok();
        let order = |options: &str, names: [&str; 2]| {
            let page = once(options);
            let [one, other] = names.map(|name| page.find(name).unwrap_or_else(|| panic!("{name}: {page}")));
            assert!(one < other, "{options}: {page}");
        };
        const SERVERS: [&str; 2] = ["127.0.0.11:80", "127.0.0.12:80"];
        let backwards = [SERVERS[1], SERVERS[0]];
        // Connections to the one of less weight only; they go on.
        let _listener = TcpListener::bind("127.0.0.12:80").expect("a server");
        ipvsadm("-e -t 10.9.0.1:80 -r 127.0.0.11:80 -m -w 0").ok();
        let _clients = [(); 3].map(|()| std::net::TcpStream::connect("10.9.0.1:80").expect("by way of the service"));
        ipvsadm("-e -t 10.9.0.1:80 -r 127.0.0.11:80 -m -w 3").ok();
        order("--sort weight", SERVERS);
        order("--sort name", SERVERS);
        order("--sort active", backwards);
        order("--sort all", backwards);
        // Where nothing moves, names decide. The kernel brings its counters up to date every two seconds (net/netfilter/ipvs/ip_vs_est.c),
        // so that what was done before can still show as movement: until all of three handshakes are counted.
        until("the kernel has counted the packets", || {
            let counted = ipvsadm("-Ln --stats --exact").ok();
            let server = counted.lines().find(|line| line.contains(SERVERS[1])).unwrap_or_default();
            server.split_whitespace().skip(2).take(3).eq(["3", "6", "3"])
        });
        ["connections", "packets", "bytes"].into_iter().for_each(|key| order(&format!("--sort {key}"), SERVERS));
        order("--sort weight", ["TCP 10.9.0.1:80", "TCP 10.9.0.1:81"]);
        let unknown = lvsadm("top --once --sort size");
        assert!(unknown.status == 2 && unknown.stderr.contains("size"), "{unknown}");

        let page = once("--filter 0.12:");
        assert!(page.contains(SERVERS[1]) && page.contains("TCP 10.9.0.1:80"), "{page}");
        assert!(!page.contains(SERVERS[0]) && !page.contains("10.9.0.1:81"), "{page}");
        let page = once("--filter :81 --by-server");
        assert!(page.contains("127.0.0.11") && !page.contains("127.0.0.12"), "{page}");
        assert!(!once("--filter nothing").contains("127.0.0"), "{page}");
    });
}

#[test]
fn signals_give_the_terminal_back() {
    in_netns(|| {
        run_with_input("ipvsadm -R", TABLE).ok();
        for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 130)] {
            let terminal = top("", 80, 24);
            terminal.until("10.9.0.12");
            terminal.signal(signal);
            left_as_it_was(terminal, status);
        }
    });
}

#[test]
fn it_can_be_suspended() {
    in_netns(|| {
        run_with_input("ipvsadm -R", TABLE).ok();
        // Somebody has to be there who has it go on: a shell with jobs.
        let script = format!("set -m; {LVSADM} top --interval 0.2; echo it is $(jobs -r | wc -l) at work; read; fg");
        let mut terminal = Terminal::start(["bash", "-c", &script], 100, 20);
        terminal.until("TCP 10.9.0.1:81");
        terminal.press(b"\x1a");
        terminal.until("it is 0 at work");
        assert!(terminal.is_as_before());
        let behind = terminal.written();
        terminal.press(b"\r");
        terminal.until_again("TCP 10.9.0.1:81", behind);
        terminal.press(b"h");
        terminal.until("sort by new connections");
        terminal.press(b"xq");
        left_as_it_was(terminal, 0);
    });
}

#[test]
fn a_window_of_twenty_columns_is_enough() {
    in_netns(|| {
        run_with_input("ipvsadm -R", TABLE).ok();
        let mut terminal = top("--interval 0.2", 20, 6);
        terminal.until("CONN/S");
        terminal.until("10.9.0.1:8");
        terminal.press(b"jjq");
        let screen = left_as_it_was(terminal, 0);
        let page = screen.split("\u{1b}[H").nth(1).and_then(|rest| rest.split("\u{1b}[J").next()).expect("a page");
        let page = page.replace("\u{1b}[0m\u{1b}[K", "").replace("\u{1b}[1m", "");
        let lines: Vec<_> = page.split("\r\n").collect();
        assert_eq!(lines.len(), 6, "{page}");
        assert!(lines.iter().all(|line| line.chars().count() <= 20), "{page}");
    });
}

#[test]
fn without_a_terminal_it_says_so() {
    in_netns(|| {
        let output = lvsadm("top");
        assert_eq!(output.status, 2, "{output}");
        assert_eq!(
            output.stderr,
            "error: top draws on a terminal, and this is none\n\
             hint: --once prints one page, --json one line for each reading\n"
        );
    });
}

/// Health, drains and drift are an agent's to tell.
#[test]
fn an_agent_tells_how_servers_are() {
    in_netns(|| {
        let directory = TempDir::with_prefix("lvsadm-top-").expect("a directory");
        let file = directory.path().join("state").display().to_string();
        let mut lines = "-A -t 10.9.0.1:80 -s wrr\n-A -t 10.9.0.1:81 -s wrr\n".to_owned();
        for number in 11..=14 {
            lines += &format!("-a -t 10.9.0.1:80 -r 127.0.0.{number}:80 -m -w 3\n");
        }
        lines += "-a -t 10.9.0.1:81 -r 127.0.0.11:80 -m -w 3\n\
                  check add -t 10.9.0.1:80 tcp --interval 200ms --retry 0 --warmup 0\n\
                  check set -t 10.9.0.1:80 --inhibit\ncheck set -t 10.9.0.1:81 --foreign ignore\n";
        fs::write(&file, lines).expect("a file");
        let _servers =
            [11, 13, 14].map(|number| TcpListener::bind((Ipv4Addr::new(127, 0, 0, number), 80)).expect("a server"));
        let _agent = Background::start([LVSADM, "agent", "run", "--state", &file, "--compare", "1"]);
        until("three are up", || rows().iter().filter(|row| row.ends_with(" 3")).count() == 4);
        lvsadm("drain -r 127.0.0.13 --no-wait").ok();
        lvsadm("drain -r 127.0.0.14 --no-wait").ok();
        until("two drain", || rows().iter().filter(|row| row.ends_with(" 0")).count() == 3);
        lvsadm("undrain -r 127.0.0.14 --ramp 10m").ok();
        ipvsadm("-e -t 10.9.0.1:81 -r 127.0.0.11:80 -m -w 5").ok();

        // How each of them is told: health, drain, share of a slow start, drift.
        let told = |line: &str| -> Vec<(String, String, bool, Value, bool)> {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let services = line["services"].as_array().expect("a list");
            let servers = services.iter().flat_map(|service| service["servers"].as_array().expect("a list"));
            let each = servers.map(|server| {
                let is = |name: &str| server[name].as_bool().expect("yes or no");
                let health = server["health"].as_str().unwrap_or("-").to_owned();
                let name = server["address"].as_str().expect("an address").to_owned();
                (name, health, is("draining"), server["ramp"].clone(), is("drift"))
            });
            let mut told: Vec<_> = each.collect();
            told.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
            told
        };
        let expected = [
            ("127.0.0.11", "-", false, Value::Null, true),
            ("127.0.0.11", "up", false, Value::Null, false),
            ("127.0.0.12", "down", false, Value::Null, false),
            ("127.0.0.13", "up", true, Value::Null, false),
            ("127.0.0.14", "up", false, 5.into(), false),
        ]
        .map(|(name, health, drains, ramp, drifts)| (name.to_owned(), health.to_owned(), drains, ramp, drifts));
        assert_eq!(told(&lvsadm("top --once --json --interval 0.1").ok()), expected);
        let page = lvsadm("top --once --interval 0.1").ok();
        for (server, words) in [("12", "down"), ("13", "draining"), ("14", "ramp 5%"), ("11", "drift")] {
            let is_told = |line: &str| line.contains(&format!("127.0.0.{server}")) && line.trim_end().ends_with(words);
            assert!(page.lines().any(is_told), "{server} {words}: {page}");
        }
        // One line for each reading, for as long as somebody reads, and the agent is asked again.
        let mut stream = Command::new(LVSADM);
        stream.args(["top", "--json", "--interval", "0.2"]).stdout(Stdio::piped());
        let mut stream = stream.spawn().expect("lvsadm");
        let mut read = BufReader::new(stream.stdout.take().expect("a pipe")).lines();
        let mut next = || told(&read.next().expect("a line").expect("text"));
        assert_eq!([next(), next()], [expected.clone(), expected]);
        lvsadm("undrain -r 127.0.0.13").ok();
        until("the drain is over in the lines, too", || next().iter().all(|(_, _, drains, _, _)| !drains));
        drop(read);
        until("it ends with its reader", || stream.try_wait().expect("a child").is_some());
    });
}

/// Ten thousand servers, read and drawn every second. The guest is slow at system calls, and this is no optimised build: the bound
/// is there to catch what grows with the square of the number.
#[test]
fn ten_thousand_servers_are_drawn() {
    in_netns(|| {
        let mut table = String::new();
        for service in 0..100 {
            table += &format!("-A -t 10.9.{service}.1:80 -s wrr\n");
            for server in 0..100 {
                table += &format!("-a -t 10.9.{service}.1:80 -r 10.10.{service}.{}:80 -m -w 1\n", server + 1);
            }
        }
        run_with_input("ipvsadm -R", table).ok();
        let mut terminal = top("--interval 1", 100, 40);
        terminal.until("10000 servers");
        let used = |terminal: &Terminal| -> u64 {
            let stat = fs::read_to_string(format!("/proc/{}/stat", terminal.pid())).expect("it runs");
            let fields: Vec<_> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
            fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")
        };
        let (before, begin) = (used(&terminal), Instant::now());
        thread::sleep(Duration::from_secs(5));
        let share = (used(&terminal) - before) as f64 / 100.0 / begin.elapsed().as_secs_f64();
        eprintln!("10,000 servers at 1 Hz: {:.1} % of a core", share * 100.0);
        terminal.press(b"q");
        left_as_it_was(terminal, 0);
        assert!(share < 0.5, "{share}");
        ipvsadm("-C").ok();
    });
}
