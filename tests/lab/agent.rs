//! An agent with checks and a table: what commands change, what is saved, and what dies in between.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use lvsadm::host::namespace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Background, in_netns, ipvsadm, lvsadm, rows, until};

const SERVICE: &str = "-t 10.0.0.1:80";
const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

/// A save file, and the agent that runs it.
struct Site {
    directory: tempfile::TempDir,
    agent: Option<Background>,
}

impl Site {
    fn new(lines: &str) -> Self {
        let site = Self { directory: tempfile::tempdir().expect("a directory"), agent: None };
        fs::write(site.file(), lines).expect("a file");
        site
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).expect("a file")
    }

    fn start(&mut self, words: &[&str]) {
        let file = self.file().display().to_string();
        let all = [&[LVSADM, "agent", "run", "--state", &file, "--compare", "1"], words].concat();
        self.agent = Some(Background::start(all));
        until("the agent is ready", || status()["phase"] == "running");
    }

    /// Ends the agent alone.
    fn end(&mut self, signal: Signal) {
        let agent = self.agent.take().expect("it runs");
        kill(agent.pid(), signal).expect("it runs");
        let lock = namespace::run_dir(None).join("agent.sock");
        until("it has ended", || std::os::unix::net::UnixStream::connect(&lock).is_err());
    }
}

fn status() -> Value {
    serde_json::from_str(&lvsadm("agent status --json").stdout).unwrap_or_default()
}

fn check_pid() -> Pid {
    let pid = status()["processes"][1]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
    Pid::from_raw(pid.expect("a check process"))
}

fn server(number: u8) -> TcpListener {
    TcpListener::bind((std::net::Ipv4Addr::new(127, 0, 0, number), 80)).expect("a server")
}

#[test]
fn from_nothing_by_commands_to_a_file_and_back() {
    in_netns(|| {
        let (_one, two) = (server(11), server(12));
        let mut site = Site::new("# made by commands\n");
        site.start(&[]);
        assert_eq!(status()["processes"][1]["state"], "idle");
        // The check process comes with the first line about the table.
        lvsadm(format!("add-service {SERVICE} -s rr")).ok();
        lvsadm(format!("add-real {SERVICE} -r 127.0.0.11 -r 127.0.0.12 -m")).ok();
        assert_eq!(rows(), ["127.0.0.11:80 1", "127.0.0.12:80 1"]);
        assert_eq!(status()["saved"], false);
        lvsadm(format!("check add {SERVICE} tcp --interval 200ms --retry 0 --warmup 0")).ok();
        drop(two);
        until("the dead one is out", || rows() == ["127.0.0.11:80 1"]);
        // What cannot be is refused, and nothing changes.
        let refused = lvsadm(format!("check add {SERVICE} -r 127.0.0.99:80 tcp"));
        assert!(refused.status == 0 || !lvsadm("save --all -").ok().contains("127.0.0.99"), "{refused}");
        lvsadm(format!("check delete {SERVICE} -r 127.0.0.99:80 --if-exists")).ok();
        lvsadm("save --all").ok();
        let saved = site.text();
        assert!(saved.starts_with("# made by commands\n") && saved.contains("check add -t 10.0.0.1:80 tcp"), "{saved}");
        assert!(
            saved.contains("-a -t 10.0.0.1:80 -r 127.0.0.12:80 -m -w 1"),
            "a server that is down is saved: {saved}"
        );
        assert_eq!(status()["saved"], true);

        // A machine that starts again.
        lvsadm("agent stop").ok();
        assert_eq!(rows(), ["127.0.0.11:80 1"], "the table stays");
        drop(site.agent.take());
        ipvsadm("-C").ok();
        site.start(&[]);
        until("all is as it was", || rows() == ["127.0.0.11:80 1"]);
        let _two = server(12);
        until("the dead one is back", || rows() == ["127.0.0.11:80 1", "127.0.0.12:80 1"]);
        assert_eq!(site.text(), saved);
        let shown = lvsadm("agent status").ok();
        assert!(shown.contains("2 up"), "{shown}");
    });
}

#[test]
fn killed_processes_change_nothing_in_the_table() {
    in_netns(|| {
        let _one = server(11);
        let lines = format!(
            "-A {SERVICE} -s rr\n-a {SERVICE} -r 127.0.0.11:80 -m -w 1\n-a {SERVICE} -r 127.0.0.12:80 -m -w 1\n\
             check add {SERVICE} tcp --interval 200ms --retry 0 --warmup 0\n"
        );
        let mut site = Site::new(&lines);
        site.start(&["--autosave"]);
        until("the dead one is out", || rows() == ["127.0.0.11:80 1"]);
        lvsadm(format!("edit-real {SERVICE} -r 127.0.0.11 -w 7")).ok();
        let saved = site.text();
        assert!(saved.contains("-r 127.0.0.11:80 -m -w 7"), "each change is saved before it is answered: {saved}");
        for round in 1..=2 {
            let pid = check_pid();
            kill(pid, Signal::SIGKILL).expect("it runs");
            let end = Instant::now() + Duration::from_secs(3);
            while Instant::now() < end {
                assert_eq!(rows(), ["127.0.0.11:80 7"]);
                thread::sleep(Duration::from_millis(20));
            }
            until("another one runs", || status()["processes"][1]["state"] == "ready");
            assert_eq!(status()["processes"][1]["restarts"], round);
        }
        // The agent itself; somebody clears the table, and the next one goes on with what ran.
        lvsadm(format!("check edit {SERVICE} tcp --interval 300ms")).ok();
        lvsadm(format!("add-real {SERVICE} -r 127.0.0.13 -m -w 0")).ok();
        let saved = site.text();
        assert!(saved.contains("300ms") && saved.contains("127.0.0.13"), "{saved}");
        fs::write(site.file(), "# lost\n").expect("ours");
        let check = check_pid();
        site.end(Signal::SIGKILL);
        // What is asked for while nobody runs is not undone; what others do to the kernel's table is.
        until("the children are gone", || kill(check, None).is_err());
        lvsadm(format!("edit-real {SERVICE} -r 127.0.0.11 -w 9")).ok();
        lvsadm(format!("-a {SERVICE} -r 127.0.0.15:80 -m -w 3")).ok();
        lvsadm("-A -f 77 -s rr").ok();
        assert_ne!(lvsadm("-A -f 77 -s rr").status, 0);
        lvsadm(format!("add-real {SERVICE} -r 127.0.0.16 -m -w 1 --kernel")).ok();
        site.start(&[]);
        until("it is as asked", || rows() == ["127.0.0.11:80 9"]);
        let running = lvsadm("save --all -").ok();
        for word in ["300ms", "127.0.0.13", "-r 127.0.0.15:80 -m -w 3", "-A -f 77 -s rr"] {
            assert!(running.contains(word), "{word} in {running}");
        }
        assert!(!running.contains("127.0.0.16"), "{running}");
        // A reload is about what the file says.
        fs::write(site.file(), lines.replace("127.0.0.12", "127.0.0.14")).expect("ours");
        let pid = check_pid();
        lvsadm("agent reload").ok();
        let saved = lvsadm("save --all -").ok();
        assert!(saved.contains("127.0.0.14") && !saved.contains("127.0.0.12"), "{saved}");
        assert!(saved.contains("-r 127.0.0.11:80 -m -w 1") && !saved.contains("127.0.0.13"), "{saved}");
        until("the kernel has it", || rows() == ["127.0.0.11:80 1"]);
        assert_eq!(check_pid(), pid);
        site.end(Signal::SIGTERM);
    });
}

/// Others have services beside the agent's; a file names some of both.
#[test]
fn a_file_is_restored_over_the_agents_services_and_those_of_others() {
    in_netns(|| {
        let _one = server(11);
        ipvsadm("-A -t 10.0.0.2:80 -s rr").ok();
        ipvsadm("-a -t 10.0.0.2:80 -r 127.0.0.21:80 -m -w 1").ok();
        ipvsadm("-A -t 10.0.0.3:80 -s rr").ok();
        ipvsadm("-a -t 10.0.0.3:80 -r 127.0.0.31:80 -m -w 1").ok();
        let mut site = Site::new(&format!(
            "-A {SERVICE} -s rr\n-a {SERVICE} -r 127.0.0.11:80 -m -w 1\n-a {SERVICE} -r 127.0.0.12:80 -m -w 1\n\
             check add {SERVICE} tcp --interval 200ms --retry 0 --warmup 0\n"
        ));
        site.start(&["--foreign", "ignore"]);
        let before = ["127.0.0.11:80 1", "127.0.0.21:80 1", "127.0.0.31:80 1"];
        until("the dead one is out, the others are left alone", || rows() == before);
        let held = || lvsadm("save --all -").ok();
        assert!(held().contains("-r 127.0.0.12:80") && !held().contains("127.0.0.21"), "{}", held());
        let table = format!(
            "-A {SERVICE} -s rr\n-a {SERVICE} -r 127.0.0.11:80 -m -w 5\n-a {SERVICE} -r 127.0.0.12:80 -m -w 6\n\
             -A -t 10.0.0.2:80 -s rr\n-a -t 10.0.0.2:80 -r 127.0.0.22:80 -m -w 2\n\
             -A -t 10.0.0.4:80 -s wlc\n-a -t 10.0.0.4:80 -r 127.0.0.41:80 -m -w 4\n"
        );
        let file = site.directory.path().join("table");
        let restore = |text: &str| {
            fs::write(&file, text).expect("ours");
            lvsadm(format!("restore {}", file.display()))
        };
        // What the kernel refuses at the end undoes all of it, in both.
        let refused = restore(&format!("{table}-A -t 10.0.0.5:80 -s nosuch\n"));
        assert!(refused.status == 1 && refused.stderr.contains("nothing was changed"), "{refused}");
        assert_eq!(rows(), before);
        restore(&table).ok();
        // What the file does not name of others is theirs; a server that is down has its new weight when it comes.
        let after = ["127.0.0.11:80 5", "127.0.0.22:80 2", "127.0.0.31:80 1", "127.0.0.41:80 4"];
        until("it is so", || rows() == after);
        assert!(held().contains("-r 127.0.0.12:80 -m -w 6") && held().contains("127.0.0.41"), "{}", held());
        assert!(!held().contains("127.0.0.22"), "{}", held());
        restore(&table).ok();
        assert_eq!(rows(), after, "the same again changes nothing");
        let _two = server(12);
        until("it is back", || rows().contains(&"127.0.0.12:80 6".to_owned()));
        // Whoever did it is in the journal.
        let why = lvsadm(format!("agent why {SERVICE} -r 127.0.0.11:80")).ok();
        assert!(why.contains("-w 5, by root (pid "), "{why}");
        site.end(Signal::SIGTERM);
    });
}
