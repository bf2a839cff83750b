//! Drains in the hands of a process that holds the table: two people at once, commands that are killed, servers that go meanwhile.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::{
    drain::{Place, WHOLE, reset, weights},
    prompt::connect,
};
use crate::support::{Background, in_netns, ipvsadm, lvsadm, run, until};

const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");
const DRAIN: &str = "drain -r 127.0.0.11 -t 10.9.0.1:80";

/// A process that holds the table, and a connection to its first server.
struct Held {
    place: Place,
    process: Option<Background>,
    listener: TcpListener,
    client: Option<TcpStream>,
}

impl Held {
    fn new(lines: &str) -> Self {
        let place = Place::new();
        let (listener, client) = connect();
        ipvsadm("--set 900 1 300").ok();
        fs::write(place.state(), ipvsadm("-S -n").ok() + lines).expect("a file");
        let mut held = Self { place, process: None, listener, client: Some(client) };
        held.restart();
        held
    }

    /// Kills the process, if one runs, and starts another one.
    fn restart(&mut self) {
        self.process = None;
        let file = self.place.state().display().to_string();
        self.process = Some(Background::start([LVSADM, "check", "run", &file, "--compare", "1"]));
        let socket = lvsadm::host::namespace::run_dir(None).join("check.sock");
        until("the process answers", || Path::new(&socket).exists() && lvsadm("check list").status == 0);
        until("the table is there", || weights() == WHOLE);
    }

    fn disconnect(&mut self) {
        reset(&self.client.take().expect("a connection"));
    }
}

/// Starts a command that goes on, and gives it time to see what there is.
fn start(words: &str) -> Child {
    let words = words.split_whitespace();
    let mut command = Command::new(LVSADM);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("lvsadm");
    until("the weight is 0", || weights().contains(":80 127.0.0.11:80 0"));
    thread::sleep(Duration::from_millis(1500));
    child
}

/// Its exit status, the last line of its output, and its complaints.
fn end(child: Child) -> (Option<i32>, Value, String) {
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    let last = text.lines().last().map(|line| serde_json::from_str(line).expect("JSON")).unwrap_or_default();
    (output.status.code(), last, String::from_utf8(output.stderr).expect("text"))
}

fn is_listed() -> bool {
    let list = lvsadm("drain --list").ok();
    list.lines().any(|line| line.contains("127.0.0.11:80") && line.contains("TCP 10.9.0.1:80"))
}

#[test]
fn who_comes_second_takes_nothing_away() {
    in_netns(|| {
        let mut held = Held::new("");
        lvsadm(format!("{DRAIN} --then delete --no-wait")).ok();
        let second = lvsadm(format!("{DRAIN} --no-wait --json"));
        assert!(second.stderr.contains("127.0.0.11:80 of TCP 10.9.0.1:80 drains already, since "), "{second}");

        // Who thinks better of it gives back what was taken by this command, and no more.
        let watching = start("drain -r 127.0.0.11 --on-interrupt restore --json");
        assert!(weights().contains(":81 127.0.0.11:80 0"));
        kill(Pid::from_raw(watching.id().cast_signed()), Signal::SIGINT).expect("it runs");
        let (status, last, said) = end(watching);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("servers that drained before this command go on draining"), "{said}");
        let states: Vec<_> = last["servers"].as_array().expect("a list").iter().map(|each| &each["state"]).collect();
        assert_eq!(states, ["draining", "restored"], "{last}");
        until("it has its weight", || weights().contains(":81 127.0.0.11:80 1"));
        assert!(weights().contains(":80 127.0.0.11:80 0") && is_listed());

        // A command that is killed takes nothing with it.
        let mut killed = start(DRAIN);
        killed.kill().expect("it runs");
        killed.wait().expect("it ends");
        assert!(weights().contains(":80 127.0.0.11:80 0") && is_listed());

        // What the first one wanted holds to the end.
        let waiting = start(&format!("{DRAIN} --json"));
        held.disconnect();
        let (status, last, said) = end(waiting);
        assert_eq!((status, &last["emptied"]), (Some(0), &true.into()), "{last} {said}");
        until("it is deleted", || !weights().contains(":80 127.0.0.11:80"));
    });
}

#[test]
fn who_comes_second_may_want_it_deleted() {
    in_netns(|| {
        let mut held = Held::new("");
        lvsadm(format!("{DRAIN} --no-wait")).ok();
        let waiting = start(&format!("{DRAIN} --then delete --json"));
        held.disconnect();
        let (status, last, said) = end(waiting);
        assert_eq!(status, Some(0), "{said}");
        assert!(matches!(last["servers"][0]["state"].as_str(), Some("emptied" | "deleted")), "{last}");
        until("it is deleted", || !weights().contains(":80 127.0.0.11:80"));
    });
}

/// That somebody else deletes a server with its connections is no success.
#[test]
fn a_server_that_others_delete_was_not_emptied() {
    for (delete, options) in [
        ("ipvsadm -d -t 10.9.0.1:80 -r 127.0.0.11:80".to_owned(), ""),
        ("ipvsadm -d -t 10.9.0.1:80 -r 127.0.0.11:80".to_owned(), "--then delete"),
        (format!("{LVSADM} delete-real -t 10.9.0.1:80 -r 127.0.0.11:80"), "--then delete"),
    ] {
        in_netns(|| {
            let mut held = Held::new("");
            let drain = start(&format!("{DRAIN} {options} --json"));
            run(&delete).ok();
            let (status, last, said) = end(drain);
            assert_eq!((status, &last["servers"][0]["state"]), (Some(1), &"gone".into()), "{last}");
            assert!(said.contains("127.0.0.11:80 of TCP 10.9.0.1:80 was deleted by somebody else"), "{said}");
            // Who adds it again wants it to work, whatever happens to the process.
            lvsadm("add-real -t 10.9.0.1:80 -r 127.0.0.11:80 -m -w 3").ok();
            until("it is back", || weights() == WHOLE);
            held.restart();
            assert!(!is_listed());
        });
    }
}

/// A server that is down is taken out, and has nothing left.
#[test]
fn a_server_that_fails_is_emptied() {
    in_netns(|| {
        let held = Held::new("check add -t 10.9.0.1:80 -r 127.0.0.11:80 tcp --interval 200ms --retry 0 --warmup 0\n");
        let drain = start(&format!("{DRAIN} --json"));
        drop(held.listener);
        let (status, last, said) = end(drain);
        assert_eq!((status, &last["servers"][0]["state"]), (Some(0), &"emptied".into()), "{last} {said}");
        assert!(is_listed());
    });
}
