//! `lvsadm check` as people type it, on a running process: lines in a save file, what it does with them, what it shows.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use crate::support::{Background, Output, in_netns, ipvsadm, lvsadm, run, until};

const SERVICE: &str = "-t 10.0.0.1:80";

struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    fn file(&self) -> PathBuf {
        self.directory.path().join("checks")
    }

    fn check(&self, words: &str) -> Output {
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        let places = format!("--state {} --run-dir {}", self.file().display(), self.directory.path().display());
        // Before a script's words, which take everything that follows.
        let (rest, script) =
            rest.split_once(" script").map_or((rest, String::new()), |(rest, words)| (rest, format!(" script{words}")));
        match script.as_str() {
            "" => lvsadm(format!("check {verb} {rest} {places}")),
            script => lvsadm(format!("check {verb} {rest} {places}{script}")),
        }
    }

    fn list(&self) -> Value {
        serde_json::from_str(&self.check("list --json").ok()).expect("JSON")
    }

    /// The state of each server, in the order of their addresses, and how many checks it has.
    fn states(&self) -> Vec<(String, usize)> {
        let list = self.list();
        let mut servers = list["services"][0]["servers"].as_array().cloned().unwrap_or_default();
        servers.sort_by_key(|server| server["server"].to_string());
        let state = |server: &Value| {
            let checks = server["checks"].as_array().map_or(0, Vec::len);
            (server["state"].as_str().unwrap_or_default().to_owned(), checks)
        };
        servers.iter().map(state).collect()
    }
}

#[test]
fn a_day() {
    in_netns(|| {
        let site = Site { directory: tempfile::tempdir().expect("a directory") };
        let one = TcpListener::bind("127.0.0.11:80").expect("a server");
        let two = TcpListener::bind("127.0.0.12:80").expect("another");
        ipvsadm(format!("-A {SERVICE} -s rr")).ok();
        ipvsadm(format!("-a {SERVICE} -r 127.0.0.11:80 -m")).ok();
        ipvsadm(format!("-a {SERVICE} -r 127.0.0.12:80 -m")).ok();

        // Without a process: lines, and what they would do.
        let quick = "--interval 200ms --retry 0 --warmup 0";
        site.check(&format!("add {SERVICE} tcp {quick}")).ok();
        let list = site.list();
        assert_eq!(
            (list["running"].as_bool(), list["idle"].as_array().map(Vec::len)),
            (Some(false), Some(1)),
            "{list}"
        );

        let file = site.file().display().to_string();
        let run_dir = site.directory.path().display().to_string();
        let process = Background::start([env!("CARGO_BIN_EXE_lvsadm"), "check", "run", &file, "--run-dir", &run_dir]);
        let up = |checks: usize| ("up".to_owned(), checks);
        until("both servers are up", || {
            site.directory.path().join("check.sock").exists() && site.states() == [up(1), up(1)]
        });

        // One more check on the running process, and one that it refuses.
        site.check(&format!("add {SERVICE} -r 127.0.0.11:80 ping {quick}")).ok();
        until("the ping answers", || site.states() == [up(2), up(1)]);
        let before = fs::read_to_string(site.file()).expect("the file");
        let refused = site.check(&format!("add {SERVICE} script -- /nonexistent/probe"));
        assert!(refused.status == 1 && refused.stderr.contains("/nonexistent/probe"), "{refused}");
        assert_eq!(fs::read_to_string(site.file()).expect("the file"), before);

        // A server dies and returns.
        drop(two);
        until("the dead server is out", || !ipvsadm("-Ln").ok().contains("127.0.0.12"));
        let list = site.check("list").ok();
        assert!(list.contains("127.0.0.12:80") && list.contains("refused") && list.contains("out of 1"), "{list}");
        let two = TcpListener::bind("127.0.0.12:80").expect("again");
        until("it is back", || ipvsadm("-Ln").ok().contains("127.0.0.12"));

        // A change and a deletion.
        site.check(&format!("edit {SERVICE} tcp --interval 300ms")).ok();
        let text = fs::read_to_string(site.file()).expect("the file");
        assert!(text.contains("tcp --interval 300ms --retry 0 --warmup 0"), "{text}");
        site.check(&format!("delete {SERVICE} -r 127.0.0.11 ping")).ok();
        assert_eq!(site.states(), [up(1), up(1)]);

        // What is said of the service; a check that has nothing to check is kept and warned of.
        site.check(&format!("set {SERVICE} --inhibit --quorum 2")).ok();
        drop(two);
        until("it has weight 0", || site.check("list").ok().contains("0 of 1"));
        let idle = site.check("add -t 10.0.0.9:80 tcp");
        assert!(idle.status == 0 && idle.stderr.contains("idle"), "{idle}");

        // A server that somebody adds is checked, too.
        let three = TcpListener::bind("127.0.0.13:80").expect("a third server");
        run(format!("ipvsadm -a {SERVICE} -r 127.0.0.13:80 -m")).ok();
        until("the new server is checked", || site.states().get(2) == Some(&up(1)));

        kill(process.pid(), Signal::SIGTERM).expect("it runs");
        until("it has ended", || site.list()["running"] == false);
        assert!(ipvsadm("-Ln").ok().contains("127.0.0.11"), "the table stays");
        drop((one, three));
    });
}
