//! The grammar against the reference, row by row, and against the printer.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::{
    model::{DaemonRole, Family},
    state::{print, words},
};

/// `/etc/hosts` and `/etc/services` of these tests.
struct Book;

impl Names for Book {
    fn host_v4(&self, name: &str) -> Option<Ipv4Addr> {
        (name == "web.example").then_some(Ipv4Addr::new(10, 9, 9, 9))
    }

    fn port(&self, name: &str, protocol: Protocol) -> Option<u16> {
        match (name, protocol) {
            ("http", Protocol::Tcp) => Some(80),
            ("domain", Protocol::Tcp | Protocol::Udp) => Some(53),
            _ => None,
        }
    }
}

/// Splits as a shell would: `''` is an empty word.
fn split(line: &str) -> Vec<String> {
    words::split(line).expect(line).into_iter().map(|word| word.text.into_owned()).collect()
}

#[track_caller]
fn ok(line: &str) -> Parsed {
    parse(&split(line), &Book).unwrap_or_else(|fault| panic!("{line}: {fault}"))
}

#[track_caller]
fn change(line: &str) -> Change {
    match ok(line).command {
        Command::Change(change) => change,
        other => panic!("{line}: {other:?}"),
    }
}

/// What the line means, as the printer says it.
#[track_caller]
fn means(line: &str, expected: &str) {
    assert_eq!(print::change_line(&change(line)), expected, "{line}");
}

#[track_caller]
fn fails(line: &str, status: u8, message: &str, word: Option<usize>) {
    let fault = parse(&split(line), &Book).expect_err(line);
    let found = (fault.kind.class().status(), fault.kind.message("ipvsadm"), fault.word);
    assert_eq!(found, (status, message.to_owned(), word), "{line}");
}

const HINT: &str = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.";

#[test]
fn the_first_option_is_the_command() {
    for line in ["-n -L", "--bogus", "--", "''", "foo", "-", "-t 10.0.0.1:80 -A", "-- -L", "--list=3", "--set=1 2 3"] {
        fails(line, 255, HINT, Some(0));
    }
    assert_eq!(parse(&[""; 0], &Book).unwrap().command, Command::List(Listing::default()));
    assert_eq!(ok("-h --bogus").command, Command::Help);
    assert_eq!(ok("--help").command, Command::Help);
    assert_eq!(ok("-vL").command, Command::Version);
    assert_eq!(ok("-R").command, Command::Restore);
    assert_eq!(ok("-S -n").command, Command::Save { numeric: true });
    assert_eq!(FaultKind::NoCommand.message("lvsadm"), "Try `lvsadm -h' or 'lvsadm --help' for more information.");
}

#[test]
fn the_command_comes_once() {
    fails("-A -L", 2, "invalid option `-L'", Some(1));
    fails("-AL", 2, "invalid option `-AL'", Some(0));
    fails("-L -n -h", 2, "invalid option `-h'", Some(2));
    fails("-L -v", 2, "invalid option `-v'", Some(1));
    // The word read last is shown, which is the value.
    fails("-A --start-daemon foo", 2, "invalid option `foo'", Some(1));
}

#[test]
fn options_cluster_and_take_values() {
    for line in [
        "-A -t 10.0.0.1:80 -s rr",
        "-At10.0.0.1:80 -srr",
        "-A -s=rr -t=10.0.0.1:80",
        "--add-service --tcp-service=10.0.0.1:80 --scheduler rr",
        "-As rr -t 10.0.0.1:80",
        "-A -t 10.0.0.1:80 -s rr --",
    ] {
        means(line, "-A -t 10.0.0.1:80 -s rr");
    }
    means("-A -t 10.0.0.1:80 -s -x", "-A -t 10.0.0.1:80 -s -x");
    fails("-A -t", 255, "-t: missing argument", Some(1));
    fails("-L --lis", 255, "--lis: unknown option", Some(1));
    fails("-L -nzq", 255, "-nzq: unknown option", Some(1));
    fails("-L --numeric=3", 255, "--numeric=3: option does not take an argument", Some(1));
    fails("-L -n=3", 255, "-n=3: option does not take an argument", Some(1));
    fails("-list", 2, "Illegal 'scheduler' option with the 'list' command", Some(0));
}

#[test]
fn persistence_has_an_optional_value() {
    for (line, seconds) in [("-p", 360), ("-p500", 500), ("-p=33", 33), ("-p 7", 7), ("--persistent=8", 8)] {
        means(&format!("-A -f 1 {line}"), &format!("-A -f 1 -s wlc -p {seconds}"));
    }
    means("-A -p -f 1", "-A -f 1 -s wlc -p 360");
    fails("-A -f 1 -p -1", 255, "-1: unknown option", Some(4));
    fails("-A -f 1 -ps rr", 2, "invalid timeout value `s' specified", Some(3));
    fails("-A -f 1 -p ''", 2, "invalid timeout value `' specified", Some(4));
    fails("-A -f 1 -p 0", 2, "invalid timeout value `0' specified", Some(4));
    fails("-A -f 1 -p 2678401", 2, "invalid timeout value `2678401' specified", Some(4));
}

#[test]
fn options_come_once() {
    fails("-L -n -n", 2, "multiple 'numeric' options specified", Some(2));
    fails("-A -t 10.0.0.1:80 -f 5", 2, "multiple 'service-address' options specified", Some(3));
    fails("-a -f 5 -r 10.0.0.1 -m -g", 2, "multiple 'forwarding-method' options specified", Some(6));
    // That is found out before the value is looked at.
    fails("-A -t 10.0.0.1:80 -t bad", 2, "multiple 'service-address' options specified", Some(3));
    means("-A -f 5 -6 -6", "-A -f 5 -6 -s wlc");
    assert_eq!(ok("-L --sort --sort").command, Command::List(Listing::default()));
}

#[test]
fn numbers_are_those_of_strtol() {
    for weight in ["' 7'", "+7", "007"] {
        means(&format!("-a -f 1 -r 10.0.0.1 -w {weight}"), "-a -f 1 -r 10.0.0.1:0 -g -w 7");
    }
    for weight in ["7x", "0x7", "''", "-1", "2147483648", "99999999999999999999", "'7 '"] {
        fails(&format!("-a -f 1 -r 10.0.0.1 -w {weight}"), 2, "illegal weight specified", Some(6));
    }
    means("-a -f 1 -r 10.0.0.1 -w 2147483647", "-a -f 1 -r 10.0.0.1:0 -g -w 2147483647");
}

#[test]
fn service_addresses() {
    let cases = [
        ("10.0.0.1:80", "10.0.0.1:80"),
        ("10.1:80", "10.0.0.1:80"),
        ("10:80", "0.0.0.10:80"),
        ("0x0a000001:80", "10.0.0.1:80"),
        ("012.1:9", "10.0.0.1:9"),
        ("'10.0.0.1 x:80'", "10.0.0.1:80"),
        ("'10.0.0.1: +80'", "10.0.0.1:80"),
        ("1.16777215:80", "1.255.255.255:80"),
        ("web.example:http", "10.9.9.9:80"),
        ("[2001:db8::1]:80", "[2001:db8::1]:80"),
        ("[::1.2.3.4]:80", "[::1.2.3.4]:80"),
        ("[10.0.0.1:99]:80", "10.0.0.1:99"),
        ("0.0.0.0:80", "0.0.0.0:80"),
        ("224.0.0.1:80", "224.0.0.1:80"),
    ];
    for (text, address) in cases {
        means(&format!("-A -t {text}"), &format!("-A -t {address} -s wlc"));
    }
    means("-A -u web.example:domain", "-A -u 10.9.9.9:53 -s wlc");
    means("-A --sctp-service 10.0.0.1:9", "-A --sctp-service 10.0.0.1:9 -s wlc");
    // A bare IPv6 address is all address; brackets drop the port of an IPv4 one.
    for (text, address) in
        [("2001:db8::1", "[2001:db8::1]:0"), ("2001:db8::1:80", "[2001:db8::1:80]:0"), ("[10.0.0.1]:80", "10.0.0.1:0")]
    {
        means(&format!("-A -t {text} -p"), &format!("-A -t {address} -s wlc -p 360"));
    }
    for text in [
        "80",
        "''",
        "70000",
        "[::1]",
        "[::1]80",
        "[::1",
        "[::1%lo]:80",
        "10.0.0.1:65536",
        "10.0.0.1:-1",
        "10.0.0.1:0x50",
        "10.0.0.1:",
        "10.0.0.1:nosuch",
        ":80",
        "bad",
        "bad.example:80",
        "1.2.3.256:1",
        "1.2.65536:1",
        "1.16777216:1",
        "4294967296:1",
        "08.1.1.1:1",
        "1..2:1",
        "1.2.3.4.5:1",
        "0x:1",
        "[]:80",
    ] {
        fails(&format!("-A -t {text}"), 2, "illegal virtual server address[:port] specified", Some(2));
        fails(&format!("-a -f 1 -r {text}"), 2, "illegal real server address[:port] specified", Some(4));
    }
    fails("-A -u 10.0.0.1:http", 2, "illegal virtual server address[:port] specified", Some(2));
}

#[test]
fn server_ports() {
    means("-a -t 10.0.0.1:80 -r 10.0.0.2 -m", "-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1");
    means("-a -t 10.0.0.1:80 -r 10.0.0.2:http -m", "-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1");
    means("-a -t 10.0.0.1:80 -r 10.0.0.2:9 -m", "-a -t 10.0.0.1:80 -r 10.0.0.2:9 -m -w 1");
    means("-a -f 1 -r 10.0.0.2:http", "-a -f 1 -r 10.0.0.2:80 -g -w 1");
    means("-a -f 1 -r 10.0.0.2", "-a -f 1 -r 10.0.0.2:0 -g -w 1");
    // Before the service nothing is known of it.
    means("-a -r 10.0.0.2 -m -t 10.0.0.1:80", "-a -t 10.0.0.1:80 -r 10.0.0.2:0 -m -w 1");
    fails("-a -r 10.0.0.2:http -t 10.0.0.1:80", 2, "illegal real server address[:port] specified", Some(2));
    // Only -m can change it, but -d takes it as it is.
    for method in ["-g", "-i", ""] {
        let forced = change(&format!("-e -t 10.0.0.1:80 -r 10.0.0.2:9 {method}"));
        assert!(print::change_line(&forced).starts_with("-e -t 10.0.0.1:80 -r 10.0.0.2:80 "));
    }
    means("-d -t 10.0.0.1:80 -r 10.0.0.2:9", "-d -t 10.0.0.1:80 -r 10.0.0.2:9");
}

#[test]
fn marks() {
    means("-A -f 4294967295", "-A -f 4294967295 -s wlc");
    means("-A -f 1 -6", "-A -f 1 -6 -s wlc");
    means("-D -f ' +5'", "-D -f 5");
    for mark in ["0", "-1", "4294967296", "x", "0x1"] {
        fails(&format!("-A -f {mark}"), 2, &format!("invalid fwmark value `{mark}' specified"), Some(2));
    }
    fails("-A -6 -f 1", 2, "-6 used before -f\n", Some(1));
    fails("-A -t 10.0.0.1:80 -6", 2, "-6 used before -f\n", Some(3));
}

#[test]
fn netmasks() {
    for (options, printed) in [
        ("-t 10.0.0.1:80 -p -M 255.255.255.0", "-t 10.0.0.1:80 -s wlc -p 360 -M 255.255.255.0"),
        ("-M 24 -t 10.0.0.1:80 -p", "-t 10.0.0.1:80 -s wlc -p 360 -M 0.0.0.24"),
        ("-t 10.0.0.1:80 -p -M 255.255.255.255", "-t 10.0.0.1:80 -s wlc -p 360"),
        ("-t 10.0.0.1:80 -p -M web.example", "-t 10.0.0.1:80 -s wlc -p 360 -M 10.9.9.9"),
        ("-t 10.0.0.1:80 -M 255.0.0.0", "-t 10.0.0.1:80 -s wlc"),
        ("-t [::1]:80 -p -M 64", "-t [::1]:80 -s wlc -p 360 -M 64"),
        ("-t [::1]:80 -p -M 64x", "-t [::1]:80 -s wlc -p 360 -M 64"),
        ("-t [::1]:80 -p -M 128", "-t [::1]:80 -s wlc -p 360"),
        ("-M 64 -t [::1]:80 -p", "-t [::1]:80 -s wlc -p 360"),
        ("-f 1 -6 -M 64 -p", "-f 1 -6 -s wlc -p 360 -M 64"),
        ("-f 1 -M 255.0.0.0 -6 -p", "-f 1 -6 -s wlc -p 360"),
    ] {
        means(&format!("-A {options}"), &format!("-A {printed}"));
    }
    fails("-A -t 10.0.0.1:80 -M ''", 2, "illegal virtual server persistent mask specified", Some(4));
    for prefix in ["0", "129", "''", "x", "-1"] {
        fails(&format!("-A -t [::1]:80 -M {prefix}"), 2, "illegal ipv6 netmask specified", Some(4));
    }
}

#[test]
fn scheduler_flags() {
    for (options, printed) in [
        ("-b flag-1,,flag-3,", "-s wlc -b flag-1,flag-3"),
        ("-b sh-port,sh-fallback -s sh", "-s sh -b sh-fallback,sh-port"),
        ("-s mh -b flag-1,flag-3", "-s mh -b mh-fallback,flag-3"),
        ("-b ''", "-s wlc"),
        // ipvsadm crashes.
        ("-b ,", "-s wlc"),
    ] {
        means(&format!("-A -f 1 {options}"), &format!("-A -f 1 {printed}"));
    }
    fails("-A -f 1 -b bogus", 2, "invalid scheduler flag `bogus'", Some(4));
    fails("-A -f 1 -b sh-port", 2, "incompatible scheduler flag `sh-port'", Some(4));
    fails("-A -f 1 -b mh-port -s sh", 2, "incompatible scheduler flag `mh-port'", Some(4));
    // They are judged after the words that are too many, and before what is missing.
    fails("-A -b bogus foo", 2, "unexpected argument foo", Some(3));
    fails("-A -b bogus", 2, "invalid scheduler flag `bogus'", Some(2));
}

#[test]
fn names_are_cut() {
    means("-A -f 1 -s averyveryverylongname", "-A -f 1 -s averyveryverylo");
    means("-A -f 1 --pe averyveryverylongname", "-A -f 1 -s wlc --pe averyveryverylon");
    means("-A -f 1 -s '' --pe ''", "-A -f 1 -s wlc");
    assert_eq!(ok("-A -f 1 -s averyveryverylongname").notes.len(), 1);
}

#[test]
fn timeouts() {
    means("--set 0 120 2678400", "--set 0 120 2678400");
    means("--set 1 -- 2 3", "--set 1 2 3");
    fails("--set 1 2", 2, "--set option requires 3 timeout values", None);
    fails("--set 1 x 3 4", 2, "invalid timeout value `x' specified", Some(2));
    fails("--set 1 2 2678401", 2, "invalid timeout value `2678401' specified", Some(3));
    fails("--set 1 2 3 4", 2, "unexpected argument 4", Some(4));
    fails("--set 1 2 3 -n", 2, "Illegal 'numeric' option with the 'set' command", Some(4));
}

#[test]
fn daemons() {
    let start = "--start-daemon master --mcast-interface";
    means("--start-daemon master", &format!("{start} eth0 --syncid 0"));
    means("--start-daemon=master --mcast-interface ''", &format!("{start} eth0 --syncid 0"));
    means(
        "--start-daemon backup --mcast-interface eth1 --syncid 255 --mcast-group ff02::81 --mcast-port 65535 --mcast-ttl 255 --sync-maxlen 65507",
        "--start-daemon backup --mcast-interface eth1 --syncid 255 --sync-maxlen 65507 --mcast-group ff02::81 --mcast-port 65535 --mcast-ttl 255",
    );
    assert_eq!(change("--stop-daemon backup --syncid 3"), Change::StopDaemon(DaemonRole::Backup));
    fails("--start-daemon", 255, HINT, Some(0));
    fails("--start-daemon foo -t bad", 2, "illegal start-daemon parameter specified", Some(1));
    fails("--stop-daemon ''", 2, "illegal start_daemon specified", Some(1));
    for (options, message) in [
        ("--syncid 256", "illegal syncid specified"),
        ("--mcast-port 0", "illegal mcast-port specified"),
        ("--mcast-ttl 256", "illegal mcast-ttl specified"),
        ("--sync-maxlen 65508", "illegal sync-maxlen specified"),
        ("--mcast-group 10.0.0.1", "invalid IPv4 mcast-group `10.0.0.1'"),
        ("--mcast-group 224.1", "invalid IPv4 mcast-group `224.1'"),
        ("--mcast-group ::1", "invalid IPv6 mcast-group `::1'"),
    ] {
        fails(&format!("--start-daemon master {options}"), 2, message, Some(3));
    }
    fails(
        "--stop-daemon master --mcast-ttl 3",
        2,
        "Illegal 'mcast-ttl' option with the 'stop-daemon' command",
        Some(2),
    );
}

#[test]
fn tunnels() {
    let server = "-a -f 1 -r 10.0.0.1";
    for (options, printed) in [
        ("-i", "-i -w 1 --tun-type ipip"),
        ("-i --tun-type gue --tun-port 9", "-i -w 1 --tun-type gue --tun-port 9 --tun-nocsum"),
        ("-i --tun-type gue --tun-port 9 --tun-remcsum", "-i -w 1 --tun-type gue --tun-port 9 --tun-remcsum"),
        ("-i --tun-type gre --tun-csum -x 5 -y 4", "-i -w 1 -x 5 -y 4 --tun-type gre --tun-csum"),
    ] {
        means(&format!("{server} {options}"), &format!("-a -f 1 -r 10.0.0.1:0 {printed}"));
    }
    means("-a -f 1 -6 -r 10.0.0.1 -i", "-a -f 1 -6 -r 10.0.0.1:0 -i -w 1 --tun-type ipip");
    for (options, message, word) in [
        ("--tun-csum", "Tunnel options conflict with forward method", Some(5)),
        ("-m --tun-type ipip", "Tunnel options conflict with forward method", Some(6)),
        ("-i --tun-csum", "Illegal 'tun-csum' option with the 'ipip' tunnel type", Some(6)),
        ("-i --tun-type gue", "You need to supply the 'tun-port' option for the 'gue' tunnel type", None),
        ("-i --tun-type gre --tun-port 9", "Illegal 'tun-port' option with the 'gre' tunnel type", Some(8)),
        ("-i --tun-type gre --tun-remcsum", "Illegal 'tun-remcsum' option with the 'gre' tunnel type", Some(8)),
        (
            "-i --tun-type gue --tun-port 9 --tun-csum --tun-nocsum",
            "The option 'tun-csum' conflicts with the 'tun-nocsum' option in the 'gue' tunnel type",
            Some(10),
        ),
        ("-i --tun-type GRE", "illegal tunnel type specified", Some(7)),
        ("-i --tun-port 0", "illegal tunnel port specified", Some(7)),
    ] {
        fails(&format!("{server} {options}"), 2, message, word);
    }
    let other = "Different address family is allowed only for tunneling servers";
    fails("-a -f 1 -r [::1]:80 -m", 2, other, Some(3));
    fails("-a -f 1 -r [::1]:80 --tun-csum", 2, other, Some(3));
}

#[test]
fn legality() {
    for (line, message, word) in [
        ("-A", "You need to supply the 'service-address' option for the 'add-service' command", None),
        ("-a -f 1", "You need to supply the 'real-server' option for the 'add-server' command", None),
        ("-d -f 1 -r 10.0.0.1 -w 3", "Illegal 'weight' option with the 'delete-server' command", Some(5)),
        ("-C -n", "Illegal 'numeric' option with the 'flush' command", Some(1)),
        ("-R -n", "Illegal 'numeric' option with the 'restore' command", Some(1)),
        ("-S --stats", "Illegal 'stats' option with the 'save' command", Some(1)),
        ("-Z -f 1 -p", "Illegal 'persistent' option with the 'zero' command", Some(3)),
        // In the order of the options' table, not of the words.
        ("-A -w 1 -n", "Illegal 'numeric' option with the 'add-service' command", Some(3)),
        ("-A -w 1", "You need to supply the 'service-address' option for the 'add-service' command", None),
        (
            "-L -f 1 -c",
            "The option 'service-address' conflicts with the 'connection' option in the 'list' command",
            Some(1),
        ),
        (
            "-L --daemon --timeout",
            "The option 'daemon' conflicts with the 'timeout' option in the 'list' command",
            Some(1),
        ),
        ("-L -c --stats", "options conflicts in the list command", Some(2)),
        ("-L --timeout --persistent-conn", "options conflicts in the list command", Some(2)),
        ("-A -t 10.0.0.1", "Zero port specified for non-persistent service", Some(1)),
        ("-A -t 10.0.0.1:80 -o", "One-Packet Scheduling is only for UDP virtual services", Some(3)),
        ("-L foo", "unexpected argument foo", Some(1)),
        ("foo -L", "unexpected argument foo", Some(0)),
        ("-L -", "unexpected argument -", Some(1)),
        ("-L -- -n", "unexpected argument -n", Some(2)),
    ] {
        fails(line, 2, message, word);
    }
    means("-A -u 10.0.0.1:80 -o", "-A -u 10.0.0.1:80 -s wlc -o");
    means("-A -f 1 -o", "-A -f 1 -s wlc -o");
    means("-D -t 10.0.0.1", "-D -t 10.0.0.1:0");
}

#[test]
fn edits_replace_everything() {
    means("-E -t 10.0.0.1:80", "-E -t 10.0.0.1:80 -s wlc");
    means("-e -t 10.0.0.1:80 -r 10.0.0.2", "-e -t 10.0.0.1:80 -r 10.0.0.2:80 -g -w 1");
}

#[test]
fn zeroing_nothing_zeroes_everything() {
    for line in ["-Z", "-Z -t 0.0.0.0:0", "-Z -u [::]:0"] {
        means(line, "-Z");
    }
    means("-Z -t 0.0.0.0:80", "-Z -t 0.0.0.0:80");
}

#[test]
fn listings() {
    let listing = |line: &str| match ok(line).command {
        Command::List(listing) => listing,
        other => panic!("{line}: {other:?}"),
    };
    let plain = Listing::default();
    assert_eq!(listing("-Ln --nosort -X"), Listing { numeric: true, exact: true, sorted: false, ..plain });
    for (options, columns) in [
        ("--stats --rate", Columns::Stats),
        ("--rate --thresholds", Columns::Rate),
        ("--thresholds --persistent-conn", Columns::Thresholds),
        ("--tun-info --persistent-conn", Columns::PersistentConn),
        ("--tun-info", Columns::TunInfo),
    ] {
        assert_eq!(listing(&format!("-L {options}")), Listing { columns, ..plain }, "{options}");
    }
    for (options, subject) in [
        ("-c", Subject::Connections),
        ("--timeout", Subject::Timeouts),
        ("--daemon", Subject::Daemons),
        ("-f 5 -6", Subject::Service(ServiceKey::Mark { mark: 5, family: Family::V6 })),
    ] {
        assert_eq!(listing(&format!("-l {options}")), Listing { subject, ..plain }, "{options}");
    }
}

#[test]
fn what_goes_without_saying_is_noted() {
    for (line, note) in [
        ("-A -t [10.0.0.1]:80 -p", "the port of `[10.0.0.1]:80' is not read: brackets are for IPv6 addresses"),
        (
            "-a -t 10.0.0.1:80 -r 10.0.0.2:9",
            "port 9 of the real server is replaced by 80, the service's: only -m can change the port",
        ),
        (
            "-a -r 10.0.0.2 -m -t 10.0.0.1:80",
            "the real server gets port 0: -r stands before the service and names no port",
        ),
        (
            "-A -M 64 -t [::1]:80 -p",
            "the netmask 0.0.0.64 is lost: with an IPv6 service -M must follow the service (and -6)",
        ),
        ("-A -f 1 -M 255.0.0.0", "the netmask has no effect without -p"),
        ("-A -f 1 -6 -p -M 64x", "only the number at the start of netmask `64x' is read"),
        ("-L --syncid 3", "syncid has no effect with this command"),
        ("-L --sort", "sort has no effect with this command"),
    ] {
        let notes: Vec<String> = ok(line).notes.iter().map(ToString::to_string).collect();
        assert!(notes.contains(&note.to_owned()), "{line}: {notes:?}");
    }
    assert_eq!(ok("-a -t 10.0.0.1:80 -r 10.0.0.2:80 -w 3").notes, []);
}

#[test]
fn classes() {
    for (line, class) in
        [("-L --bogus", Class::Options), ("-A -t", Class::Options), ("foo", Class::NoCommand), ("-A", Class::Local)]
    {
        assert_eq!(parse(&split(line), &Book).unwrap_err().kind.class(), class, "{line}");
    }
}

/// Words that make command lines more often than chance would have it.
fn word() -> impl Strategy<Value = String> {
    let known = vec![
        "-A",
        "-E",
        "-D",
        "-a",
        "-e",
        "-d",
        "-Z",
        "-C",
        "-L",
        "-S",
        "-R",
        "--set",
        "--start-daemon",
        "--stop-daemon",
        "master",
        "backup",
        "-t",
        "-u",
        "--sctp-service",
        "-f",
        "-r",
        "-s",
        "-p",
        "-M",
        "-g",
        "-i",
        "-m",
        "-w",
        "-x",
        "-y",
        "-6",
        "-o",
        "-b",
        "-n",
        "-c",
        "--pe",
        "--tun-type",
        "--tun-port",
        "--tun-csum",
        "--mcast-group",
        "--mcast-interface",
        "--mcast-ttl",
        "--syncid",
        "10.0.0.1:80",
        "10.0.0.2",
        "[::1]:80",
        "::1",
        "[10.0.0.1]:80",
        "1",
        "64",
        "255.0.0.0",
        "rr",
        "sh",
        "sh-port",
        "flag-3",
        "gue",
        "gre",
        "224.0.0.1",
        "ff02::1",
        "eth0",
        "sip",
        "--",
        "",
        ",",
        "a b",
        "it's",
        "#x",
        "\"",
        "\\",
        "ä\u{301}€averylongnameindeed",
    ];
    prop_oneof![9 => prop::sample::select(known).prop_map(str::to_owned), 1 => "\\PC{0,20}", 1 => any::<String>()]
}

proptest! {
    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(word(), 0..12)) {
        match parse(&words, &Book) {
            // It never accepts what the printer cannot print back.
            Ok(Parsed { command: Command::Change(change), .. }) => {
                let line = print::change_line(&change);
                prop_assert_eq!(parse(&split(&line), &NoNames).expect(&line).command, Command::Change(change), "{}", line);
            }
            Ok(_) => {}
            Err(fault) => {
                prop_assert!(fault.word.is_none_or(|word| word < words.len()));
                prop_assert!(!fault.to_string().is_empty());
                let _ = fault.hint();
            }
        }
    }

    /// A command and options that belong to it, so that most are accepted.
    #[test]
    fn what_is_accepted_is_printed_back(
        command in prop::sample::select(vec!["-A", "-E", "-a", "-e", "-d", "-D", "-Z"]),
        service in prop::sample::select(vec![
            "-t 10.0.0.1:80", "-u [::1]:53", "--sctp-service 10.1:9", "-f 7", "-f 4294967295 -6", "-t ::", "-t 1.2.3.4",
        ]),
        server in prop::sample::select(vec!["-r 10.0.0.2:9", "-r 10.0.0.3", "-r [::2]:9", "-r ::3"]),
        options in prop::collection::vec(
            prop::sample::select(vec![
                "-s rr", "-s sh", "-s mh", "-p", "-p 5", "-M 255.0.0.0", "-M 64", "-o", "-b flag-1", "-b sh-port,flag-3",
                "--pe sip", "-g", "-i", "-m", "-w 0", "-w 7", "-x 9", "-y 3", "--tun-type gue", "--tun-type gre",
                "--tun-port 6", "--tun-csum", "--tun-nocsum", "--tun-remcsum",
            ]),
            0..5,
        ),
    ) {
        let server = if command.chars().all(|c| c != 'A' && c != 'E' && c != 'D' && c != 'Z') { server } else { "" };
        let line = format!("{command} {service} {server} {}", options.join(" "));
        if let Ok(Parsed { command: Command::Change(change), .. }) = parse(&split(&line), &Book) {
            let printed = print::change_line(&change);
            prop_assert_eq!(parse(&split(&printed), &NoNames).expect(&printed).command, Command::Change(change), "{}", printed);
        }
    }
}
