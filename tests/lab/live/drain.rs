//! Servers lose their work gently and get it back, with real connections.

use std::{
    fs,
    io::Read,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Background, Output, in_netns, ipvsadm, lvsadm, run, run_with_input, until};

/// A table with two servers in two services, and a place for notes.
pub(super) struct Place {
    directory: TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        run_with_input(
            "ipvsadm -R",
            "-A -t 10.9.0.1:80 -s wrr\n-a -t 10.9.0.1:80 -r 127.0.0.11:80 -m -w 3\n-a -t 10.9.0.1:80 -r 127.0.0.12:80 -m -w 1\n\
             -A -t 10.9.0.1:81 -s wlc\n-a -t 10.9.0.1:81 -r 127.0.0.11:80 -m -w 1\n-a -t 10.9.0.1:81 -r 127.0.0.12:80 -m -w 1\n",
        )
        .ok();
        run("ip address add 10.9.0.1/32 dev lo").ok();
        fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1").expect("a switch");
        Self { directory: TempDir::with_prefix("lvsadm-drain-").expect("a directory") }
    }

    pub(super) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    pub(super) fn notes(&self) -> PathBuf {
        self.directory.path().join("state.drains")
    }

    pub(super) fn lvsadm(&self, words: &str) -> Output {
        lvsadm(self.words(words))
    }

    pub(super) fn words(&self, words: &str) -> Vec<String> {
        let mut words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        words.extend(["--state".to_owned(), self.state().display().to_string()]);
        words
    }

    /// Starts a drain that goes on.
    fn start(&self, words: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_lvsadm"))
            .args(self.words(words))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lvsadm")
    }
}

/// `10.9.0.1:80 127.0.0.11:80 3`, one a line, sorted.
pub(super) fn weights() -> String {
    let saved = ipvsadm("-S -n").ok();
    let mut lines: Vec<_> = saved
        .lines()
        .filter(|line| line.starts_with("-a"))
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let after = |option: &str| words[words.iter().position(|word| *word == option).expect("an option") + 1];
            format!("{} {} {}", after("-t").trim_start_matches("10.9.0.1"), after("-r"), after("-w"))
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

pub(super) const WHOLE: &str = ":80 127.0.0.11:80 3\n:80 127.0.0.12:80 1\n:81 127.0.0.11:80 1\n:81 127.0.0.12:80 1";

/// Has the connection end with a reset, after which the kernel forgets it in ten seconds instead of two minutes.
pub(super) fn reset(client: &TcpStream) {
    socket2::SockRef::from(client).set_linger(Some(Duration::ZERO)).expect("a socket");
}

fn read(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).expect("text");
    text
}

fn notes(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("notes")).expect("JSON")
}

#[test]
fn weights_are_taken_and_given_back() {
    in_netns(|| {
        let place = Place::new();
        let output = place.lvsadm("drain -r 127.0.0.11");
        assert_eq!(output.status, 0, "{output}");
        assert!(output.stdout.contains("emptied"), "{output}");
        assert_eq!(weights(), ":80 127.0.0.11:80 0\n:80 127.0.0.12:80 1\n:81 127.0.0.11:80 0\n:81 127.0.0.12:80 1");
        let noted = notes(&place.notes());
        assert_eq!(noted["drains"][0]["service"], "-t 10.9.0.1:80");
        assert_eq!(noted["drains"][0]["weight"], 3);

        let second = place.lvsadm("drain -r 127.0.0.11 --no-wait --json");
        assert!(second.stderr.contains("drains already, since"), "{second}");
        let listed: Value = serde_json::from_str(&second.clone().ok()).expect("JSON");
        assert_eq!((&listed["event"], &listed["servers"][0]["weight_before"]), (&"begun".into(), &3.into()));

        place.lvsadm("undrain -r 127.0.0.11:80 -t 10.9.0.1:80").ok();
        assert_eq!(weights(), WHOLE.replace(":81 127.0.0.11:80 1", ":81 127.0.0.11:80 0"));
        let again = place.lvsadm("undrain -r 127.0.0.11 -t 10.9.0.1:80");
        assert_eq!((again.status, again.stderr.contains("is not drained: it has weight 3")), (1, true), "{again}");
        place.lvsadm("undrain --all").ok();
        assert_eq!(weights(), WHOLE);
        assert!(!place.notes().exists());
    });
}

#[test]
fn several_servers_of_several_services() {
    in_netns(|| {
        let place = Place::new();
        run_with_input("ipvsadm -R", "-A -t 10.9.0.1:82 -s rr\n-a -t 10.9.0.1:82 -r 127.0.0.11:82 -m -w 5\n").ok();
        let untouched = ":82 127.0.0.11:82 5";
        place.lvsadm("drain -r 127.0.0.11 -r 127.0.0.12 -t 10.9.0.1:80 -t 10.9.0.1:81").ok();
        let drained = WHOLE.lines().map(|line| format!("{} 0\n", line.rsplit_once(' ').expect("a weight").0));
        assert_eq!(weights(), drained.collect::<String>() + untouched);

        let answer: Value = serde_json::from_str(&place.lvsadm("undrain --all --json").ok()).expect("one document");
        assert_eq!(weights(), format!("{WHOLE}\n{untouched}"));
        let back: Vec<_> = answer["servers"].as_array().expect("a list").iter().collect();
        let told: Vec<_> = back
            .iter()
            .map(|each| {
                format!("{} {} {}", each["port"], each["server_address"].as_str().expect("text"), each["weight"])
            })
            .collect();
        assert_eq!(told, ["80 127.0.0.11 3", "80 127.0.0.12 1", "81 127.0.0.11 1", "81 127.0.0.12 1"], "{answer}");
        assert!(back.iter().all(|each| each["ramped"] == false), "{answer}");
    });
}

/// The other director has a table of its own.
#[test]
fn a_sync_daemon_is_named() {
    in_netns(|| {
        let place = Place::new();
        run("ip link add d0 type dummy").ok();
        run("ip address add 10.8.0.1/24 dev d0").ok();
        run("ip link set d0 up").ok();
        let drain = || {
            let output = place.lvsadm("drain -r 127.0.0.11");
            place.lvsadm("undrain --all").ok();
            output.stderr
        };
        assert!(!drain().contains("sync:"));
        for (role, words) in [("master", "has a table of its own; drain there, too"), ("backup", "count here as well")]
        {
            ipvsadm(format!("--start-daemon {role} --mcast-interface d0")).ok();
            let said = drain();
            assert!(said.contains("note: sync: ") && said.contains(words), "{said}");
            ipvsadm(format!("--stop-daemon {role}")).ok();
        }
    });
}

#[test]
fn a_drain_ends_with_the_last_connection() {
    in_netns(|| {
        let place = Place::new();
        let listener = TcpListener::bind("127.0.0.11:80").expect("a server");
        run("ipvsadm -d -t 10.9.0.1:80 -r 127.0.0.12:80").ok();
        ipvsadm("--set 900 1 300").ok();
        let client = TcpStream::connect("10.9.0.1:80").expect("through the director");
        let (server, _) = listener.accept().expect("a client");
        let drain = place.start("drain -r 127.0.0.11 --then delete --json");
        until("the weight is 0", || weights().contains(":80 127.0.0.11:80 0"));
        thread::sleep(Duration::from_millis(1500));
        assert!(weights().contains(":80 127.0.0.11:80 0"), "it waits");
        reset(&client);
        drop((client, server));
        let output = drain.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).expect("text");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines[0]["connections"], 1, "{lines:?}");
        let last = &lines[lines.len() - 1];
        assert_eq!((&last["event"], &last["emptied"]), (&"end".into(), &true.into()));
        assert!(last["servers"].as_array().expect("a list").iter().all(|each| each["state"] == "deleted"), "{last}");
        assert_eq!(weights(), ":81 127.0.0.12:80 1");
        assert!(!place.notes().exists());
    });
}

#[test]
fn a_drain_may_end_early() {
    in_netns(|| {
        let place = Place::new();
        let listener = TcpListener::bind("127.0.0.11:80").expect("a server");
        run("ipvsadm -e -t 10.9.0.1:80 -r 127.0.0.12:80 -m -w 0").ok();
        let _client = TcpStream::connect("10.9.0.1:80").expect("through the director");
        let _server = listener.accept().expect("a client");

        let late = place.lvsadm("drain -r 127.0.0.11 -t 10.9.0.1 --timeout 2");
        assert_eq!(late.status, 1, "{late}");
        assert!(late.stderr.contains("not empty within the time: 127.0.0.11:80 of TCP 10.9.0.1:80\n"), "{late}");
        assert!(weights().contains(":80 127.0.0.11:80 0"));
        place.lvsadm("undrain -r 127.0.0.11").ok();

        for (how, weight) in [("restore", 3), ("leave", 0), ("ask", 0)] {
            let mut drain = place.start(&format!("drain -r 127.0.0.11 --on-interrupt {how}"));
            until("the weight is 0", || weights().contains(":80 127.0.0.11:80 0"));
            thread::sleep(Duration::from_millis(500));
            kill(Pid::from_raw(drain.id().cast_signed()), Signal::SIGINT).expect("it runs");
            assert_eq!(drain.wait().expect("it ends").code(), Some(1), "{how}");
            assert!(weights().contains(&format!(":80 127.0.0.11:80 {weight}")), "{how}: {}", weights());
            assert_eq!(place.notes().exists(), weight == 0, "{how}");
            if weight == 0 {
                place.lvsadm("undrain -r 127.0.0.11").ok();
            }
        }

        let mut killed = place.start("drain -r 127.0.0.11");
        until("the weight is 0", || weights().contains(":80 127.0.0.11:80 0"));
        killed.kill().expect("it runs");
        killed.wait().expect("it ends");
        place.lvsadm("undrain -r 127.0.0.11").ok();
        assert!(weights().contains(":80 127.0.0.11:80 3"));
    });
}

#[test]
fn others_change_the_table_meanwhile() {
    in_netns(|| {
        let place = Place::new();
        let listener = TcpListener::bind("127.0.0.11:80").expect("a server");
        run("ipvsadm -e -t 10.9.0.1:80 -r 127.0.0.12:80 -m -w 0").ok();
        let _client = TcpStream::connect("10.9.0.1:80").expect("through the director");
        let _server = listener.accept().expect("a client");
        let drains = |change: &str| {
            let mut drain = place.start("drain -r 127.0.0.11 -t 10.9.0.1:80");
            until("the weight is 0", || weights().contains(":80 127.0.0.11:80 0"));
            ipvsadm(change).ok();
            let status = drain.wait().expect("it ends").code();
            (status, read(drain.stderr.take().expect("a pipe")))
        };
        let (status, said) = drains("-e -t 10.9.0.1:80 -r 127.0.0.11:80 -m -w 7");
        assert_eq!(status, Some(1));
        assert!(said.contains("127.0.0.11:80 of TCP 10.9.0.1:80 has weight 7 again"), "{said}");
        assert!(!place.notes().exists());
        let (status, said) = drains("-d -t 10.9.0.1:80 -r 127.0.0.11:80");
        assert_eq!(status, Some(1));
        assert!(said.contains("127.0.0.11:80 of TCP 10.9.0.1:80 was deleted by somebody else"), "{said}");
        assert!(!place.notes().exists());
        ipvsadm("-a -t 10.9.0.1:80 -r 127.0.0.11:80 -m -w 3").ok();
        let _client = TcpStream::connect("10.9.0.1:80").expect("through the director");
        let (status, said) = drains("-D -t 10.9.0.1:80");
        assert_eq!(status, Some(1));
        assert!(said.contains("127.0.0.11:80 of TCP 10.9.0.1:80 was deleted by somebody else"), "{said}");
        assert!(!place.notes().exists());

        let nowhere = place.lvsadm("drain -r 127.0.0.99");
        assert_eq!(
            (nowhere.status, nowhere.stderr.as_str()),
            (1, "error: no service has the real server 127.0.0.99\n")
        );
        let none = place.lvsadm("drain -r 127.0.0.11 -t 10.9.0.1:82");
        assert_eq!((none.status, none.stderr.as_str()), (1, "error: TCP 10.9.0.1:82: there is no such service\n"));
    });
}

#[test]
fn datagrams_and_remembered_clients_are_named() {
    in_netns(|| {
        let place = Place::new();
        run_with_input(
            "ipvsadm -R",
            "-A -u 10.9.0.1:53 -s rr\n-a -u 10.9.0.1:53 -r 127.0.0.11:53 -m\n\
             -A -t 10.9.0.1:90 -s rr -p 600\n-a -t 10.9.0.1:90 -r 127.0.0.11:90 -m\n",
        )
        .ok();
        ipvsadm("--set 900 1 300").ok();
        let socket = UdpSocket::bind("10.9.0.1:0").expect("a client");
        socket.send_to(b"x", "10.9.0.1:53").expect("sent");
        let waits = place.lvsadm("drain -r 127.0.0.11 -u 10.9.0.1 --timeout 2");
        assert_eq!(waits.status, 1, "{waits}");
        assert!(waits.stderr.contains("UDP: a flow ends 5m after its last packet"), "{waits}");
        let ignores = place.lvsadm("drain -r 127.0.0.11 -u 10.9.0.1 --timeout 2 --ignore udp");
        assert_eq!(ignores.status, 0, "{ignores}");

        let listener = TcpListener::bind("127.0.0.11:90").expect("a server");
        let client = TcpStream::connect("10.9.0.1:90").expect("through the director");
        drop(listener.accept());
        reset(&client);
        drop(client);
        let waits = place.lvsadm("drain -r 127.0.0.11 -t 10.9.0.1:90 --timeout 4");
        assert_eq!(waits.status, 1, "{waits}");
        assert!(waits.stderr.contains("until they have been away for 10m"), "{waits}");
        fs::write("/proc/sys/net/ipv4/vs/expire_quiescent_template", "1").expect("a switch");
        let moves = place.lvsadm("drain -r 127.0.0.11 -t 10.9.0.1:90 --timeout 40");
        assert_eq!(moves.status, 0, "{moves}");
        assert!(!moves.stderr.contains("persistence"), "{moves}");
    });
}

#[test]
fn a_slow_start_multiplies_and_divides() {
    in_netns(|| {
        let place = Place::new();
        place.lvsadm("drain -r 127.0.0.12 -t 10.9.0.1:80").ok();
        let mut start = place.start("undrain -r 127.0.0.12 --ramp 15s");
        let mut seen = Vec::new();
        until("it ends", || {
            if seen.last() != Some(&weights()) {
                seen.push(weights());
            }
            start.try_wait().expect("a child").is_some()
        });
        assert!(start.wait().expect("it ends").success());
        assert_eq!(weights(), WHOLE);
        assert!(!place.notes().exists());
        // 3 and 1, times 20: the other one keeps its share while this one climbs.
        let climbing: Vec<u32> = seen
            .iter()
            .filter(|weights| weights.contains(":80 127.0.0.11:80 60"))
            .filter_map(|weights| weights.lines().nth(1)?.rsplit(' ').next()?.parse().ok())
            .collect();
        assert!(climbing.len() >= 5 && climbing.is_sorted(), "{seen:?}");
        assert!(climbing[0] <= 5, "it begins with little: {seen:?}");

        // Killed on the way: the next command on that table puts it right.
        place.lvsadm("drain -r 127.0.0.12 -t 10.9.0.1:80").ok();
        let mut start = place.start("undrain -r 127.0.0.12 --ramp 10m");
        until("it climbs", || weights().contains(":80 127.0.0.11:80 60"));
        start.kill().expect("it runs");
        start.wait().expect("it ends");
        place.lvsadm("drain -r 127.0.0.11 -t 10.9.0.1:81").ok();
        place.lvsadm("undrain --all").ok();
        assert_eq!(weights(), WHOLE);
        assert!(!place.notes().exists());

        // An interrupt gives the rest at once.
        place.lvsadm("drain -r 127.0.0.12 -t 10.9.0.1:80").ok();
        let mut start = place.start("undrain -r 127.0.0.12 --ramp 10m");
        until("it climbs", || weights().contains(":80 127.0.0.11:80 60"));
        thread::sleep(Duration::from_millis(300));
        kill(Pid::from_raw(start.id().cast_signed()), Signal::SIGINT).expect("it runs");
        assert!(start.wait().expect("it ends").success());
        assert_eq!(weights(), WHOLE);

        // Schedulers that do not share by weight have no steps.
        ipvsadm("-E -t 10.9.0.1:80 -s rr").ok();
        place.lvsadm("drain -r 127.0.0.12 -t 10.9.0.1:80").ok();
        let at_once = place.lvsadm("undrain -r 127.0.0.12 --ramp 10m");
        assert_eq!(at_once.status, 0, "{at_once}");
        assert!(at_once.stderr.contains("its whole weight at once: the scheduler rr"), "{at_once}");
        assert_eq!(weights(), WHOLE);
    });
}

#[test]
fn what_cannot_be_noted_is_not_done() {
    in_netns(|| {
        Place::new();
        let output = lvsadm("drain -r 127.0.0.11 --state /proc/nowhere/state");
        assert_eq!(output.status, 1, "{output}");
        assert!(output.stderr.starts_with("error: cannot change /proc/nowhere/state.drains: "), "{output}");
        assert_eq!(weights(), WHOLE);
        // A namespace that is not the machine's first keeps its notes with its other files that end with it.
        lvsadm("drain -r 127.0.0.11").ok();
        lvsadm("undrain --all").ok();
        assert_eq!(weights(), WHOLE);
    });
}

#[test]
fn who_may_not_is_told_so() {
    in_netns(|| {
        let place = Place::new();
        // So that it is the kernel who refuses.
        fs::set_permissions(place.directory.path(), fs::Permissions::from_mode(0o777)).expect("ours");
        let nobody = |words: &str| {
            let program = env!("CARGO_BIN_EXE_lvsadm").to_owned();
            let all = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"].map(str::to_owned);
            run([&all[..], &[program], &place.words(words)].concat())
        };
        for words in ["drain -r 127.0.0.11", "undrain -r 127.0.0.11 -w 2"] {
            let output = nobody(words);
            assert_eq!(output.status, 1, "{output}");
            assert!(output.stderr.contains("root"), "{output}");
        }
        let nobody_at_all = |words: &str| {
            let program = env!("CARGO_BIN_EXE_lvsadm");
            run(format!("setpriv --reuid=65534 --clear-groups --inh-caps=-all {program} {words}"))
        };
        for (words, status) in
            [("drain --list", 1), ("doctor", 2), ("prepare director --mode dr --vip 10.9.0.2 --dev lo", 1)]
        {
            let output = nobody_at_all(words);
            assert_eq!(output.status, status, "{output}");
            assert!(output.stderr.contains("error: ") && output.stderr.contains("root"), "{output}");
        }
        assert_eq!(weights(), WHOLE);
        assert!(!place.notes().exists());
        // What only reads shows what everybody may read.
        let explain = nobody_at_all("explain 10.0.0.2 10.9.0.1:80");
        assert_eq!(explain.status, 0, "{explain}");
        assert!(
            explain.stdout.contains("service     TCP 10.9.0.1:80") && explain.stderr.contains("note: not permitted"),
            "{explain}"
        );
        let top = nobody_at_all("top --once --json --interval 0.1");
        let line: Value = serde_json::from_str(&top.clone().ok()).expect("JSON");
        let services = line["services"].as_array().expect("a list");
        assert!(services.len() == 2 && services.iter().all(|service| service["rates"].is_null()), "{top}");
    });
}

/// With a process that holds the table, the drain is its business, and outlives it.
#[test]
fn others_hold_the_table() {
    in_netns(|| {
        let directory = TempDir::with_prefix("lvsadm-drain-").expect("a directory");
        let file = directory.path().join("state").display().to_string();
        fs::write(&file, "").expect("a file");
        let start = || {
            let process =
                Background::start([env!("CARGO_BIN_EXE_lvsadm"), "check", "run", file.as_str(), "--compare", "1"]);
            until("the process answers", || lvsadm("check list --json").stdout.contains("\"running\": true"));
            process
        };
        let process = start();
        lvsadm("add-service -t 10.9.0.1:80 -s wrr").ok();
        lvsadm("add-real -t 10.9.0.1:80 -r 127.0.0.11 -m -w 3").ok();
        lvsadm("add-real -t 10.9.0.1:80 -r 127.0.0.12 -m -w 1").ok();
        let whole = ":80 127.0.0.11:80 3\n:80 127.0.0.12:80 1";
        let drained = ":80 127.0.0.11:80 0\n:80 127.0.0.12:80 1";
        until("the table is there", || weights() == whole);
        lvsadm("drain -r 127.0.0.11 --timeout 20").ok();
        until("it is drained", || weights() == drained);
        let listed: Value = serde_json::from_str(&lvsadm("drain --list --json").ok()).expect("JSON");
        let server = &listed["servers"][0];
        assert_eq!(
            (&server["server_address"], &server["weight_before"]),
            (&"127.0.0.11".into(), &3.into()),
            "{listed}"
        );
        assert!(server["owner"].as_str().is_some_and(|owner| owner.contains("root")), "{listed}");
        drop(process);
        let _process = start();
        until("it goes on", || weights() == drained && lvsadm("drain --list").ok().contains("127.0.0.11"));
        let saved = lvsadm("save").ok();
        assert!(saved.contains("-r 127.0.0.11:80 -m -w 3"), "what was asked for is saved: {saved}");
        lvsadm("undrain -r 127.0.0.11").ok();
        until("it is back", || weights() == whole);
        assert_eq!(lvsadm("undrain -r 127.0.0.11").status, 1);
        let deleted = lvsadm("drain -r 127.0.0.11 --then delete --timeout 20");
        assert_eq!(deleted.status, 0, "{deleted}");
        until("it is deleted", || weights() == ":80 127.0.0.12:80 1");
    });
}
