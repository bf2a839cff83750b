//! The verbs against the real kernel, with stock ipvsadm as judge.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    thread,
    time::{Duration, Instant},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, connect, setsockopt, socket, sockopt::Mark};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Output,
    hosts::{Family, Forwarding, Hosts},
    in_netns, ipvsadm, lvsadm, run, run_with_input,
};

/// Services and servers as stock ipvsadm saves them.
fn saved() -> String {
    ipvsadm("-S -n").ok()
}

/// Runs stock ipvsadm on each line.
fn given(lines: &str) {
    run_with_input("ipvsadm -R", lines).ok();
}

/// Fails unless the command failed with this and nothing else on standard error.
#[track_caller]
fn fails(output: Output, status: i32, complaints: &str) {
    assert_eq!((output.status, output.stderr.as_str()), (status, complaints), "{output}");
}

#[test]
fn a_service_keeps_what_an_edit_does_not_name() {
    in_netns(|| {
        lvsadm("add-service -t 10.0.0.1:80 -M 24 -p 5m -s sh -b sh-port").ok();
        let check = |edit: &str, line: &str| {
            lvsadm(format!("edit-service -t 10.0.0.1:80 {edit}")).ok();
            assert_eq!(saved(), format!("-A -t 10.0.0.1:80 {line}\n"), "{edit}");
        };
        check("-s mh", "-s mh -p 300 -M 255.255.255.0 -b mh-port");
        check("-p 10m", "-s mh -p 600 -M 255.255.255.0 -b mh-port");
        check("-M 255.255.0.0", "-s mh -p 600 -M 255.255.0.0 -b mh-port");
        check("-p", "-s mh -p 600 -M 255.255.0.0 -b mh-port");
        check("-b mh-fallback", "-s mh -p 600 -M 255.255.0.0 -b mh-fallback");
        check("-b none", "-s mh -p 600 -M 255.255.0.0");
        check("--no-persistent", "-s mh");
        fails(
            lvsadm("edit-service -t 10.0.0.1:80 -M 24"),
            1,
            "error: TCP 10.0.0.1:80: -M is the granularity of persistence, and the service has none\n\
             hint: -p switches persistence on\n",
        );
        check("-M 24 -p", "-s mh -p 360 -M 255.255.255.0");
    });
}

#[test]
fn udp_and_marks_have_what_is_theirs() {
    in_netns(|| {
        lvsadm("add-service -u 10.0.0.1:5060 -p 30 --pe sip -o").ok();
        lvsadm("add-service -6 -f 0x10 -p -M 64").ok();
        lvsadm("add-service --sctp 10.0.0.1:3868 -s lc").ok();
        lvsadm("add-service -t 2001:db8::1 -p").ok();
        let all = "-A -t [2001:db8::1]:0 -s wlc -p 360\n\
                   -A -u 10.0.0.1:5060 -s wlc -p 30 --pe sip -o\n\
                   -A --sctp-service 10.0.0.1:3868 -s lc\n\
                   -A -f 16 -6 -s wlc -p 360 -M 64\n";
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&saved()), sorted(all));
        lvsadm("edit-service -u 10.0.0.1:5060 --no-pe --no-ops -s rr").ok();
        assert!(saved().contains("-A -u 10.0.0.1:5060 -s rr -p 30\n"));
        lvsadm("delete-service -f 16 -6").ok();
        assert!(!saved().contains("-f 16"));
    });
}

#[test]
fn a_server_keeps_what_an_edit_does_not_name() {
    in_netns(|| {
        lvsadm("add-service -t 10.0.0.1:80").ok();
        lvsadm("add-real -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w 5 -x 100 -y 50").ok();
        lvsadm("add-real -t 10.0.0.1:80 -r 10.1.0.2 -i --tun-type gue --tun-port 6080 --tun-csum").ok();
        lvsadm("add-real -t 10.0.0.1:80 -r 2001:db8::1 -i").ok();
        // Weight 0 with ipvsadm -e would turn masquerading into routing and take the thresholds away.
        lvsadm("edit-real -t 10.0.0.1:80 -r 10.1.0.1:8080 -w 0").ok();
        lvsadm("edit-real -t 10.0.0.1:80 -r 10.1.0.2 -r 2001:db8::1 -x 7").ok();
        lvsadm("edit-real -t 10.0.0.1:80 -r 10.1.0.2 --tun-port 6081").ok();
        assert_eq!(
            saved(),
            "-A -t 10.0.0.1:80 -s wlc\n\
             -a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w 0\n\
             -a -t 10.0.0.1:80 -r 10.1.0.2:80 -i -w 1 --tun-type gue --tun-port 6081 --tun-csum\n\
             -a -t 10.0.0.1:80 -r [2001:db8::1]:80 -i -w 1 --tun-type ipip\n"
        );
        let thresholds = ipvsadm("-Ln --thresholds").ok();
        let rows: Vec<_> = thresholds.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for row in ["-> 10.1.0.1:8080 100 50 0 0", "-> 10.1.0.2:80 7 0 0 0", "-> [2001:db8::1]:80 7 0 0 0"] {
            assert!(rows.iter().any(|each| each == row), "{thresholds}");
        }
    });
}

#[test]
fn or_edit_may_run_twice() {
    in_netns(|| {
        for _ in 0..2 {
            lvsadm("add-service -t 10.0.0.1:80 -s rr -p 60 --or-edit").ok();
            lvsadm("add-real -t 10.0.0.1:80 -r 10.1.0.1 -r 10.1.0.2 -w 3 --or-edit").ok();
        }
        let table = "-A -t 10.0.0.1:80 -s rr -p 60\n\
                     -a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 3\n\
                     -a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 3\n";
        assert_eq!(saved(), table);
        // Only what is named changes, and what is not there yet is added.
        lvsadm("add-service -t 10.0.0.1:80 -s lc --or-edit").ok();
        lvsadm("add-real -t 10.0.0.1:80 -r 10.1.0.2 -r 10.1.0.3 -x 9 --or-edit").ok();
        let table = table.replace("-s rr", "-s lc") + "-a -t 10.0.0.1:80 -r 10.1.0.3:80 -g -w 1\n";
        assert_eq!(saved(), table);
    });
}

#[test]
fn or_edit_of_the_same_writes_nothing() {
    in_netns(|| {
        given("-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 3\n");
        let program = env!("CARGO_BIN_EXE_lvsadm");
        let again = format!("strace -f -e trace=sendto,sendmsg {program} add-service -t 10.0.0.1:80 -s rr --or-edit");
        let same = run(again.as_str());
        let other = run(again.replace("-s rr", "-s lc"));
        let sends = |output: &Output| output.stderr.lines().filter(|line| line.contains("send")).count();
        assert_eq!((same.status, other.status), (0, 0), "{same}\n{other}");
        assert_eq!(sends(&same) + 1, sends(&other), "{same}\n{other}");
    });
}

#[test]
fn what_exists_and_what_does_not() {
    in_netns(|| {
        given("-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w 3\n");
        fails(
            lvsadm("add-service -t 10.0.0.1:80"),
            1,
            "error: cannot add the virtual service TCP 10.0.0.1:80: it exists already\n\
             hint: edit-service changes it; so does add-service --or-edit\n",
        );
        fails(
            lvsadm("delete-service -t 10.0.0.1:81"),
            1,
            "error: cannot delete the virtual service TCP 10.0.0.1:81: there is no such service\n\
             hint: there is TCP 10.0.0.1:80\n",
        );
        fails(
            lvsadm("edit-real -t 10.0.0.1:80 -r 10.1.0.1 -w 0"),
            1,
            "error: cannot edit the real server 10.1.0.1:80 of TCP 10.0.0.1:80: the service has no such server\n\
             hint: it has 10.1.0.1:8080\n",
        );
        fails(lvsadm("edit-service -f 1 -s rr"), 1, "error: there is no service FWM 1\n");
        fails(
            lvsadm("add-service -t 10.0.0.1:81 -s nosuch"),
            1,
            "error: cannot add the virtual service TCP 10.0.0.1:81: the kernel has no scheduler 'nosuch'\n\
             hint: Linux has: dh, fo, lblc, lblcr, lc, mh, nq, ovf, rr, sed, sh, twos, wlc, wrr\n",
        );
        lvsadm("delete-real -t 10.0.0.1:80 -r 10.1.0.1 -r 10.1.0.1:8080 --if-exists").ok();
        lvsadm("delete-real -t 10.0.0.9:80 -r 10.1.0.1 --if-exists").ok();
        assert_eq!(saved(), "-A -t 10.0.0.1:80 -s rr\n");
        for _ in 0..2 {
            lvsadm("delete-service -t 10.0.0.1:80 --if-exists").ok();
        }
        assert_eq!(saved(), "");
    });
}

#[test]
fn one_server_that_fails_holds_no_other_up() {
    in_netns(|| {
        given("-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 3\n");
        let output = lvsadm("add-real -t 10.0.0.1:80 -r 10.1.0.1 -r 10.1.0.2 -r 224.0.0.1 -r 10.1.0.4");
        assert_eq!(output.status, 1);
        let named: Vec<_> = output.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(named.len(), 2, "{output}");
        assert!(named[0].contains("10.1.0.2:80") && named[1].contains("224.0.0.1:80"), "{output}");
        let output = lvsadm("delete-real -t 10.0.0.1:80 -r 10.1.0.1 -r 10.1.0.9 -r 10.1.0.2");
        assert_eq!(output.status, 1);
        assert!(output.stderr.contains("10.1.0.9:80 of TCP 10.0.0.1:80: the service has no such server"), "{output}");
        assert_eq!(saved(), "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.4:80 -g -w 1\n");
        // What is wrong with the words is found before anything is done.
        assert_eq!(lvsadm("add-real -t 10.0.0.1:80 -r 10.1.0.5 -r 10.1.0.x").status, 2);
        assert!(!saved().contains("10.1.0.5"));
    });
}

const TABLE: &str = "\
-A -t 10.0.0.1:80 -s wrr -p 300 -M 255.255.255.0
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1 -x 100 -y 50
-a -t 10.0.0.1:80 -r 10.1.0.2:8080 -m -w 7
-A -u 10.0.0.1:53 -s sh -o -b sh-port
-A -t [2001:db8::1]:80 -s rr
-a -t [2001:db8::1]:80 -r [2001:db8::11]:80 -i -w 1 --tun-type gue --tun-port 6080
-A -f 5 -6 -s lc
";

#[test]
fn list_for_people() {
    in_netns(|| {
        given(TABLE);
        assert_eq!(
            lvsadm("list").ok(),
            "\
SERVICE / SERVER      METHOD  WEIGHT  ACTIVE  INACTIVE  OPTIONS
TCP 10.0.0.1:80       wrr                  0         0  persistent 5m, mask 255.255.255.0
  10.1.0.1:80         route        1       0         0  at most 100, again below 50
  10.1.0.2:8080       masq         7       0         0
UDP 10.0.0.1:53       sh                   0         0  sh-port, one-packet
TCP [2001:db8::1]:80  rr                   0         0
  [2001:db8::11]:80   tunnel       1       0         0  gue port 6080
FWM 5 IPv6            lc                   0         0
"
        );
        let first_words = |arguments: &str| {
            let text = lvsadm(format!("list {arguments}")).ok();
            let lines = text.lines().skip(1).map(|line| line.split("  ").find(|word| !word.is_empty()));
            lines.map(|word| word.unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(first_words("-u 10.0.0.1 -f 5"), ["UDP 10.0.0.1:53", "FWM 5 IPv6"]);
        assert_eq!(first_words("-r 10.1.0.2"), ["TCP 10.0.0.1:80", "10.1.0.2:8080"]);
        assert_eq!(first_words("-t 10.0.0.1:80 --sort weight"), ["TCP 10.0.0.1:80", "10.1.0.2:8080", "10.1.0.1:80"]);
        fails(lvsadm("list -t 10.0.0.1:81"), 1, "error: TCP 10.0.0.1:81: there is no such service\n");
        fails(lvsadm("list -r 10.1.0.9"), 1, "error: no service has a server that -r names\n");
        assert!(lvsadm("list --stats --rates --persistent-conn").ok().lines().all(|line| line.len() > 100));
    });
}

#[test]
fn list_for_scripts_is_ipvsadm_s() {
    in_netns(|| {
        given(TABLE);
        for (ours, stock) in [
            ("", "-Ln"),
            ("--stats", "-Ln --stats"),
            ("--rates", "-Ln --rate"),
            ("--persistent-conn", "-Ln --persistent-conn"),
            ("--stats --exact", "-Ln --stats --exact"),
            ("-t 10.0.0.1:80", "-Ln -t 10.0.0.1:80"),
        ] {
            assert_eq!(lvsadm(format!("list --format ipvsadm {ours}")).ok(), ipvsadm(stock).ok(), "{ours}");
        }
    });
}

fn json(arguments: &str) -> Value {
    serde_json::from_str(&lvsadm(arguments).ok()).expect("JSON")
}

#[test]
fn list_for_programs() {
    in_netns(|| {
        given(TABLE);
        let table = json("list --json");
        assert_eq!((&table["schema"], &table["source"]), (&1.into(), &"kernel".into()));
        let services = table["services"].as_array().expect("services");
        assert_eq!(services.len(), 4);
        assert_eq!(services[0]["persistence"]["timeout"], 300);
        assert_eq!(services[0]["servers"][0]["upper_threshold"], 100);
        assert_eq!(services[0]["servers"][1]["forwarding"], "masq");
        assert_eq!(services[1]["flags"], serde_json::json!(["sh-port"]));
        assert_eq!(services[2]["servers"][0]["tunnel"]["port"], 6080);
        assert_eq!((&services[3]["mark"], &services[3]["family"]), (&5.into(), &"ipv6".into()));
    });
}

#[test]
fn list_repeats_itself_until_interrupted() {
    in_netns(|| {
        given(TABLE);
        let program = env!("CARGO_BIN_EXE_lvsadm");
        let watch = format!("timeout --preserve-status -s INT 3 {program} list --watch 0.3");
        let lines = run(format!("{watch} --json")).ok();
        let tables: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!((2..=11).contains(&tables.len()), "{} tables", tables.len());
        let plain = run(watch.as_str()).ok();
        assert!(plain.matches("SERVICE / SERVER").count() >= 2 && !plain.contains('\u{1b}'), "{plain}");
        let terminal = run(["script", "-qec", &watch, "/dev/null"]).ok();
        assert!(terminal.matches("\u{1b}[H").count() >= 2, "{terminal:?}");
    });
}

#[test]
fn timeouts_and_zero() {
    in_netns(|| {
        lvsadm("timeouts --tcp 10m --tcp-fin 90").ok();
        assert_eq!(ipvsadm("-L --timeout").ok(), "Timeout (tcp tcpfin udp): 600 90 300\n");
        assert_eq!(lvsadm("timeouts").ok(), "tcp      10m\ntcp-fin  1m30s\nudp      5m\n");
        assert_eq!(json("timeouts --json")["udp"], 300);
        given(TABLE);
        lvsadm("zero").ok();
        lvsadm("zero -t 10.0.0.1 -f 5").ok();
        fails(lvsadm("zero -u 10.0.0.2"), 1, "error: UDP 10.0.0.2: there is no such service\n");
        lvsadm("clear").ok();
        assert_eq!(saved(), "");
    });
}

#[test]
fn sync_daemons() {
    in_netns(|| {
        assert_eq!(lvsadm("sync show").ok(), "");
        lvsadm("sync start master --mcast-interface lo --syncid 7 --mcast-ttl 3").ok();
        let stock = ipvsadm("-L --daemon").ok();
        assert!(stock.starts_with("master sync daemon (mcast=lo, syncid=7, "), "{stock}");
        assert!(stock.contains("ttl=3"), "{stock}");
        let shown = lvsadm("sync show").ok();
        assert!(shown.starts_with("master on lo, sync id 7, group 224.0.0.81, port 8848, ttl 3"), "{shown}");
        assert_eq!(json("sync show --json")["daemons"][0]["sync_id"], 7);
        assert_eq!(lvsadm("sync start master --mcast-interface lo").status, 1);
        lvsadm("sync stop master").ok();
        assert_eq!(ipvsadm("-L --daemon").ok(), "");
        fails(
            lvsadm("sync stop master"),
            1,
            "error: cannot stop the master sync daemon: no master sync daemon is running\n",
        );
    });
}

#[test]
fn connections_of_real_traffic() {
    let hosts = Hosts::new(2);
    hosts.prepare(Forwarding::Nat, Family::V4);
    let director = &hosts.director;
    director.lvsadm("add-service -t 10.0.0.100:80 -s rr").ok();
    director.lvsadm("add-real -t 10.0.0.100:80 -r 10.0.0.11 -r 10.0.0.12 -m").ok();
    hosts.requests(6, hosts.vip(Family::V4));

    let lines = |arguments: &str| director.lvsadm(format!("connections {arguments}")).ok().lines().count() - 1;
    assert_eq!(lines(""), 6);
    assert_eq!(lines("-r 10.0.0.11"), 3);
    assert_eq!(lines("-r 10.0.0.12:80 -t 10.0.0.100"), 3);
    assert_eq!(lines("-u 10.0.0.100:80"), 0);
    assert_eq!(lines("--client 10.0.0.0/24"), 6);
    assert_eq!(lines("--client 10.0.0.3"), 0);
    assert_eq!(lines("--state time_wait --state established --state fin_wait --state close"), 6);
    assert_eq!(lines("--state syn_recv"), 0);
    let counted = director.lvsadm("connections --count-by server").ok();
    assert_eq!(counted, "CONNECTIONS  SERVER\n          3  10.0.0.11:80\n          3  10.0.0.12:80\n");
    let limited = director.lvsadm("connections --limit 2");
    assert_eq!((limited.stdout.lines().count(), limited.stderr.as_str()), (3, "note: 2 of 6 connections\n"));
    let text = director.lvsadm("connections --json --limit 1").ok();
    let all: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&all["total"], all["connections"].as_array().map(Vec::len)), (&6.into(), Some(1)));
    assert_eq!(all["connections"][0]["client_address"], "10.0.0.2");

    // The kernel adds counters up every two seconds.
    let counted = || {
        let table: Value = serde_json::from_str(&director.lvsadm("list --stats --json").ok()).expect("JSON");
        table["services"][0]["stats"]["connections"] == 6
    };
    let give_up = Instant::now() + Duration::from_secs(10);
    while !counted() {
        assert!(Instant::now() < give_up, "six connections are counted");
        thread::sleep(Duration::from_millis(200));
    }
    director.lvsadm("zero -t 10.0.0.100:80").ok();
    assert!(
        director.ipvsadm("-Ln --stats --exact").ok().contains("TCP  10.0.0.100:80                       0        0")
    );
}

/// The connection table does not tell the mark that a packet had.
#[test]
fn connections_of_a_firewall_mark() {
    let hosts = Hosts::new(1);
    let director = &hosts.director;
    hosts.prepare(Forwarding::Nat, Family::V4);
    director.lvsadm("add-service -f 7 -s rr -p 60").ok();
    director.lvsadm("add-real -f 7 -r 10.0.0.11 -m").ok();
    director.lvsadm("add-service -t 10.0.0.100:81 -s rr").ok();
    director.lvsadm("add-real -t 10.0.0.100:81 -r 10.0.0.11:80 -m").ok();
    director.inside(|| {
        TcpStream::connect("10.0.0.100:81").expect("the service on port 81");
        let marked = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).expect("a socket");
        setsockopt(&marked, Mark, &7).expect("a mark");
        let vip: SocketAddr = "10.0.0.100:80".parse().expect("an address");
        let SocketAddr::V4(vip) = vip else { unreachable!("it is IPv4") };
        connect(std::os::fd::AsRawFd::as_raw_fd(&marked), &SockaddrIn::from(vip)).expect("the marked service");
    });
    let shown = director.lvsadm("connections -f 7").ok();
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.contains("FWM 7") && shown.contains("TCP 10.0.0.100:80") && !shown.contains(":81"), "{shown}");
}

/// A directory that everybody may enter, with a copy of the program that everybody may run.
fn for_everybody() -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("lvsadm");
    fs::copy(env!("CARGO_BIN_EXE_lvsadm"), &program).expect("a copy");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("for everybody");
    let program = program.display().to_string();
    (directory, program)
}

#[test]
fn everybody_may_look() {
    let (_directory, program) = for_everybody();
    in_netns(|| {
        given(TABLE);
        let nobody =
            |arguments: &str| run(format!("setpriv --reuid 65534 --regid 65534 --clear-groups {program} {arguments}"));
        let list = nobody("list --stats");
        assert_eq!(list.status, 0, "{list}");
        assert!(list.stderr.starts_with("note: not permitted to ask the kernel itself"), "{list}");
        assert!(list.stdout.contains("  10.1.0.2:8080       masq         7"), "{list}");
        assert!(list.stdout.contains("persistent 5m, mask 255.255.255.0"), "{list}");
        let table: Value = serde_json::from_str(&nobody("list --json").stdout).expect("JSON");
        assert_eq!((&table["source"], &table["services"][0]["stats"]), (&"proc".into(), &Value::Null));
        nobody("connections --count-by state").ok();
        fails(
            nobody("add-service -t 10.0.0.1:443"),
            1,
            "error: not permitted to use the kernel's IPVS: this process is neither root nor has it the capability \
             CAP_NET_ADMIN\nhint: run as root, for instance with sudo\n",
        );
    });
}

#[test]
fn names_are_looked_up_on_request_only() {
    in_netns(|| {
        given("-A -t 127.0.0.1:80 -s rr\n-a -t 127.0.0.1:80 -r 127.0.0.1:80 -m -w 1\n");
        let program = env!("CARGO_BIN_EXE_lvsadm");
        let looked_up = |arguments: &str| {
            let traced = run(format!("strace -f -e trace=openat,connect {program} {arguments}"));
            assert_eq!(traced.status, 0, "{traced}");
            ["/etc/hosts", "/etc/services", "nscd", "AF_INET"].iter().any(|place| traced.stderr.contains(place))
        };
        for arguments in ["list", "edit-real -t 127.0.0.1:80 -r 127.0.0.1 -w 5", "connections", "zero -t 127.0.0.1"] {
            assert!(!looked_up(arguments), "{arguments}");
        }
        assert!(looked_up("list --resolve"));
        let list = lvsadm("list --resolve -t localhost:http").ok();
        assert!(list.contains("TCP localhost:http") && list.contains("  localhost:http  "), "{list}");
        lvsadm("add-real --resolve -t localhost:80 -r localhost:8080 -m").ok();
        assert_eq!(lvsadm("add-real -t 127.0.0.1:80 -r localhost:8081 -m").status, 2);
        assert!(saved().contains("-a -t 127.0.0.1:80 -r 127.0.0.1:8080 -m -w 1\n"));
    });
}

#[test]
fn completion_knows_the_table() {
    in_netns(|| {
        given(TABLE);
        let live = |words: &[&str]| lvsadm([&["__complete"], words].concat()).ok();
        assert_eq!(live(&["list", "-t", ""]), "10.0.0.1:80\n[2001:db8::1]:80\n");
        assert_eq!(live(&["-e", "-u", "10"]), "10.0.0.1:53\n");
        assert_eq!(live(&["delete-service", "-f", ""]), "5\n");
        assert_eq!(live(&["edit-real", "-t", "10.0.0.1:80", "-r", ""]), "10.1.0.1:80\n10.1.0.2:8080\n");
        assert_eq!(live(&["-at", "10.0.0.1:80", "-r", ""]).lines().count(), 2);
        assert_eq!(live(&["list", "--json", ""]), "");
    });
}
