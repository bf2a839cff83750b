//! The operator's table where a check process holds it: commands of both grammars go to the process, what others do to the
//! kernel's table is adopted, put back or let be, servers drain, and what a killed process held is there again.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use lvsadm::agent::control::{self, CheckCall, Drained, Place, Then};
use lvsadm::host::namespace;
use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use crate::support::{Background, in_netns, ipvsadm, lvsadm, rows, run, until};

const SERVICE: &str = "-t 10.0.0.1:80";
const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

/// A save file and the process that runs it.
struct Site {
    directory: tempfile::TempDir,
    process: Option<Background>,
}

impl Site {
    fn new(lines: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("state"), lines).expect("a file");
        Self { directory, process: None }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&mut self, words: &[&str]) {
        let file = self.file("state").display().to_string();
        let all = [&[LVSADM, "check", "run", &file, "--compare", "1"], words].concat();
        self.process = Some(Background::start(all));
        until("the process answers", || run_dir().join("check.sock").exists() && lvsadm("check list").status == 0);
    }

    fn end(&mut self, signal: Signal) {
        let process = self.process.take().expect("it runs");
        kill(process.pid(), signal).expect("it runs");
        until("it has ended", || std::os::unix::net::UnixStream::connect(run_dir().join("check.sock")).is_err());
    }
}

fn run_dir() -> PathBuf {
    namespace::run_dir(None)
}

fn status() -> Value {
    serde_json::from_str(&lvsadm("check list --json").ok()).expect("JSON")
}

fn server(number: u8) -> TcpListener {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, number], 80))).expect("a server")
}

#[test]
fn commands_go_to_who_holds_the_table() {
    in_netns(|| {
        let (_one, two) = (server(11), server(12));
        let mut site = Site::new("");
        site.start(&[]);
        lvsadm(format!("add-service {SERVICE} -s rr")).ok();
        lvsadm(format!("add-real {SERVICE} -r 127.0.0.11 -r 127.0.0.12 -m")).ok();
        assert_eq!(rows(), ["127.0.0.11:80 1", "127.0.0.12:80 1"]);
        let file = site.file("state").display().to_string();
        let check = "tcp --interval 200ms --retry 0 --warmup 0";
        lvsadm(format!("check add {SERVICE} {check} --state {file}")).ok();
        drop(two);
        until("the dead one is out", || rows() == ["127.0.0.11:80 1"]);

        // What people asked for, and why it is not so.
        let saved = lvsadm("save").ok();
        assert!(saved.contains("-a -t 10.0.0.1:80 -r 127.0.0.12:80 -m -w 1"), "{saved}");
        let old_way = lvsadm("-S -n").ok();
        assert!(old_way.contains("-r 127.0.0.12:80 -m -w 1"), "{old_way}");
        let list = lvsadm("list").ok();
        let row = list.lines().find(|line| line.contains("127.0.0.12")).expect("its row");
        assert!(row.contains("down") && row.contains(" - "), "{list}");
        let json: Value = serde_json::from_str(&lvsadm("list --json").ok()).expect("JSON");
        let servers = json["services"][0]["servers"].as_array().expect("servers").clone();
        let state = |number: usize| (servers[number]["state"].as_str(), servers[number]["in_kernel"].as_bool());
        assert_eq!((state(0), state(1)), ((Some("in-force"), Some(true)), (Some("down"), Some(false))), "{json}");
        assert!(!lvsadm("-Ln").ok().contains("127.0.0.12"), "ipvsadm's listing is the kernel's");

        // Edits are of what the operator wants.
        lvsadm(format!("edit-real {SERVICE} -r 127.0.0.12 -w 5")).ok();
        assert_eq!(rows(), ["127.0.0.11:80 1"], "that brings nobody up");
        lvsadm(format!("-e {SERVICE} -r 127.0.0.11:80 -m -w 3")).ok();
        assert_eq!(rows(), ["127.0.0.11:80 3"]);
        let saved = lvsadm("save").ok();
        assert!(saved.contains("-r 127.0.0.12:80 -m -w 5") && saved.contains("-r 127.0.0.11:80 -m -w 3"), "{saved}");

        // What is wrong is said in the same words as without the process.
        for (words, message) in [
            (format!("-A {SERVICE} -s rr"), "Service already exists"),
            ("-A -t 10.0.0.2:80 -s nosuch".to_owned(), "Scheduler or persistence engine not found"),
            (format!("-E {SERVICE} -s nosuch"), "Scheduler or persistence engine not found"),
            ("-D -t 10.0.0.2:80".to_owned(), "No such service"),
            (format!("-a {SERVICE} -r 127.0.0.12:80 -m"), "Destination already exists"),
            (format!("-d {SERVICE} -r 127.0.0.13:80"), "No such destination"),
            (format!("-e {SERVICE} -r 127.0.0.13:80 -m"), "No such destination"),
            ("-a -t 10.0.0.2:80 -r 127.0.0.13:80 -m".to_owned(), "Service not defined"),
        ] {
            let refused = lvsadm(&words);
            assert_eq!((refused.status, refused.stderr.trim()), (255, message), "{words}");
        }
        let refused = lvsadm("add-service -t 10.0.0.2:80 -s nosuch");
        assert!(refused.status == 1 && refused.stderr.contains("nosuch"), "{refused}");
        assert_eq!(lvsadm("save").ok(), saved, "and changes nothing");

        // Files: the same again changes nothing; one bad line, and nothing is changed.
        fs::write(site.file("table"), &saved).expect("a file");
        let table = site.file("table").display().to_string();
        assert_eq!(lvsadm(format!("diff {table}")).status, 0);
        assert_eq!(lvsadm(format!("restore --dry-run {table}")).ok(), "");
        let bad = saved.clone() + "-A -t 10.0.0.3:80 -s rr\n-A -t 10.0.0.2:80 -s nosuch\n";
        fs::write(site.file("bad"), bad).expect("a file");
        let refused = lvsadm(format!("restore {}", site.file("bad").display()));
        assert!(refused.status == 1 && refused.stderr.contains("nothing was changed"), "{refused}");
        assert_eq!(lvsadm("save").ok(), saved);
        lvsadm(format!("restore --flush {table}")).ok();
        assert_eq!((lvsadm("save").ok(), rows()), (saved.clone(), vec!["127.0.0.11:80 3".to_owned()]));

        // A process that was killed is followed by one that knows as much.
        site.end(Signal::SIGKILL);
        site.start(&["--resume"]);
        assert_eq!(lvsadm("save").ok(), saved);
        assert_eq!(rows(), ["127.0.0.11:80 3"]);
        // One that ended in order leaves the table; the next one begins with it, and with who was out.
        site.end(Signal::SIGTERM);
        assert!(!lvsadm("save").ok().contains("127.0.0.12"), "nobody holds it: it is the kernel's");
        site.start(&[]);
        assert_eq!(lvsadm("save").ok(), saved);
        let two = server(12);
        until("it is back, with the weight that it was given", || rows() == ["127.0.0.11:80 3", "127.0.0.12:80 5"]);

        // New servers are checked from the beginning.
        lvsadm(format!("add-real {SERVICE} -r 127.0.0.13 -m")).ok();
        assert_eq!(rows(), ["127.0.0.11:80 3", "127.0.0.12:80 5"]);
        assert!(lvsadm("list").ok().lines().any(|line| line.contains("127.0.0.13")), "it is out, and shown");
        // Past the process: it is somebody else's change.
        lvsadm(format!("delete-real {SERVICE} -r 127.0.0.12 --kernel")).ok();
        until("it is adopted", || !lvsadm("save").ok().contains("127.0.0.12"));
        lvsadm("clear").ok();
        assert_eq!((lvsadm("save").ok().contains("-A"), rows().len()), (false, 0));
        drop(two);
    });
}

#[test]
fn what_others_do_is_adopted_put_back_or_let_be() {
    in_netns(|| {
        let _servers = [server(11), server(12)];
        let (restored, ignored) = ("-t 10.0.0.2:80", "-t 10.0.0.3:80");
        let mut lines = String::new();
        for service in [SERVICE, restored, ignored] {
            lines += &format!("-A {service} -s rr\n");
            lines += &format!("-a {service} -r 127.0.0.11:80 -m -w 1\n-a {service} -r 127.0.0.12:80 -m -w 1\n");
            lines += &format!("check add {service} tcp --interval 200ms --retry 0 --warmup 0\n");
        }
        lines += &format!("check set {restored} --foreign restore\ncheck set {ignored} --foreign ignore\n");
        // Somebody's table is there before.
        ipvsadm("-A -f 7 -s wlc").ok();
        ipvsadm("-a -f 7 -r 127.0.0.99:0 -g -w 1").ok();
        let mut site = Site::new(&lines);
        site.start(&[]);
        let of = |service: &str| {
            let listing = lvsadm(format!("list {service} --format ipvsadm")).stdout;
            let servers = listing.lines().filter_map(|line| line.trim().strip_prefix("-> 127"));
            let mut servers: Vec<String> =
                servers.map(|line| line.split_whitespace().collect::<Vec<_>>()[..3].join(" ")).collect();
            servers.sort();
            servers
        };
        let both = ["0.0.11:80".to_owned(), "0.0.12:80".to_owned()].map(|server| format!(".{server} Masq 1"));
        for service in [SERVICE, restored, ignored] {
            until("all is there", || of(service) == both);
        }
        assert!(lvsadm("save").ok().contains("-a -f 7 -r 127.0.0.99:0"), "what was there is adopted");
        let counts = || {
            let table = &status()["table"];
            ["adopted", "restored", "ignored"].map(|name| table[name].as_u64().expect("a count"))
        };
        let before = counts();

        // A weight.
        for service in [SERVICE, restored, ignored] {
            ipvsadm(format!("-e {service} -r 127.0.0.11:80 -m -w 7")).ok();
        }
        let seven = vec![".0.0.11:80 Masq 7".to_owned(), both[1].clone()];
        until("one is put back", || of(restored) == both);
        until("all three are counted", || counts() == before.map(|count| count + 1));
        thread::sleep(Duration::from_secs(3));
        assert_eq!((of(SERVICE), of(ignored)), (seven.clone(), seven.clone()));
        assert_eq!(counts(), before.map(|count| count + 1), "once");
        let saved = lvsadm("save").ok();
        let weight = |service: &str| {
            let name = format!("-a {service} -r 127.0.0.11:80 -m -w ");
            saved.lines().find_map(|line| line.strip_prefix(&name)).map(str::to_owned)
        };
        assert_eq!([SERVICE, restored, ignored].map(weight), ["7", "1", "1"].map(|weight| Some(weight.to_owned())));

        // A server added, and a service deleted.
        for service in [SERVICE, restored, ignored] {
            ipvsadm(format!("-a {service} -r 127.0.0.13:80 -m -w 1")).ok();
        }
        until("it is taken away again", || of(restored) == both);
        until("it is checked, and out", || of(SERVICE) == seven);
        assert_eq!(of(ignored).len(), 3);
        ipvsadm(format!("-D {SERVICE}")).ok();
        ipvsadm(format!("-D {restored}")).ok();
        until("it is there again", || of(restored) == both);
        until("it is gone for good", || !lvsadm("save").ok().contains(&format!("-A {SERVICE}")));
        // Something of ours changes: all of the service is as it should be.
        lvsadm(format!("edit-real {ignored} -r 127.0.0.12 -w 2")).ok();
        assert_eq!(of(ignored), [both[0].clone(), ".0.0.12:80 Masq 2".to_owned()]);

        // Everything is cleared, and the process is killed in the middle of it.
        ipvsadm("-C").ok();
        site.end(Signal::SIGKILL);
        site.start(&["--resume"]);
        until("what was never cleared by us is there again", || of(restored) == both && of(ignored).len() == 2);
        ipvsadm("-C").ok();
        until("one is there again, one is gone", || of(restored) == both && of(ignored).is_empty());
        let saved = lvsadm("save").ok();
        assert!(saved.contains(&format!("-A {ignored}")) && saved.contains(&format!("-A {restored}")), "{saved}");
        // A process that holds a table adopts new services, too.
        ipvsadm("-A -t 10.0.0.9:80 -s rr").ok();
        until("it is adopted", || lvsadm("save").ok().contains("-A -t 10.0.0.9:80"));
    });
}

fn ask(call: &CheckCall) -> Drained {
    let (verb, params) = call.parts();
    let answer = control::call(&run_dir().join("check.sock"), &verb, params, Duration::from_secs(10));
    answer.expect("an answer that makes sense")
}

#[test]
fn servers_drain_and_come_back_in_steps() {
    in_netns(|| {
        let mut site = Site::new(
            "-A -t 10.0.0.1:80 -s wrr\n-a -t 10.0.0.1:80 -r 127.0.0.11:80 -m -w 1\n-a -t 10.0.0.1:80 -r 127.0.0.12:80 -m -w 1\n",
        );
        site.start(&[]);
        until("both are there", || rows() == ["127.0.0.11:80 1", "127.0.0.12:80 1"]);
        let place = |server: &str| Place { service: SERVICE.to_owned(), server: server.to_owned() };
        let drain = |server: &str, then, timeout| CheckCall::Drain {
            targets: vec![place(server)],
            owner: Some("a test".to_owned()),
            then,
            timeout,
        };
        let undrain = |ramp_seconds| CheckCall::Undrain { targets: vec![place("127.0.0.11:80")], ramp_seconds };
        assert_eq!(ask(&drain("127.0.0.11:80", Then::Keep, None)).changed, 1);
        assert_eq!(rows(), ["127.0.0.11:80 0", "127.0.0.12:80 1"]);
        assert_eq!(ask(&drain("127.0.0.13:80", Then::Keep, None)).missing, [place("127.0.0.13:80")]);
        assert!(lvsadm("list").ok().contains("drained") && lvsadm("save").ok().contains("-r 127.0.0.11:80 -m -w 1"));
        // Somebody else's weight does not end it; nor does a process that is killed.
        run(format!("{LVSADM} edit-real {SERVICE} -r 127.0.0.11 -w 4")).ok();
        site.end(Signal::SIGKILL);
        site.start(&["--resume"]);
        until("it drains", || rows() == ["127.0.0.11:80 0", "127.0.0.12:80 1"]);
        until("it has drained", || status()["services"][0]["servers"][0]["drain"]["drained"] == true);
        assert_eq!(status()["services"][0]["servers"][0]["drain"]["owner"], "a test");
        // In steps: everybody's weight is multiplied meanwhile.
        assert_eq!(ask(&undrain(Some(10))).changed, 1);
        let way = || {
            let rows = rows();
            let own = rows[0].strip_prefix("127.0.0.11:80 ").and_then(|weight| weight.parse::<u32>().ok());
            own.filter(|own| *own < 20 && rows[1] == "127.0.0.12:80 5")
        };
        let begin = way().expect("it begins with a part of its weight");
        until("it goes on", || way().is_some_and(|own| own > begin));
        until("it is there", || rows() == ["127.0.0.11:80 4", "127.0.0.12:80 1"]);
        // For good.
        assert_eq!(ask(&drain("127.0.0.11:80", Then::Delete, Some(60))).changed, 1);
        until("it is deleted", || rows() == ["127.0.0.12:80 1"]);
        assert!(!lvsadm("save").ok().contains("127.0.0.11"));
        assert_eq!(ask(&undrain(None)).missing.len(), 1);
    });
}
