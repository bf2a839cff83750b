//! The agent on hosts without IPVS: its processes, what it runs, its control socket. What it does with a table is tested in the
//! lab.

mod control;
mod edits;
mod full;
mod installed;
mod life;

use std::{fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use crate::{
    support::{Output, Words},
    vrrp::site::{Daemon, Host, until},
};

const LIMIT: Duration = Duration::from_secs(15);
const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

/// A virtual router as a line, ten adverts a second.
fn line(name: &str, vrid: u8, priority: u8) -> String {
    format!(
        "vrrp add {name} --interface eth0 --vrid {vrid} --version 3 --interval 100ms --priority {priority} \
         --address 10.9.9.{vrid}/24\n"
    )
}

/// The agent of a host.
struct Agent<'a>(&'a Host);

impl Agent<'_> {
    /// Starts it in the foreground with these lines, and waits until it is ready.
    #[track_caller]
    fn run(&self, lines: &str, options: &str) -> Daemon {
        self.0.file("state", lines);
        self.run_again(options)
    }

    /// Starts it with what is there.
    #[track_caller]
    fn run_again(&self, options: &str) -> Daemon {
        let words = format!("{LVSADM} agent run {} {options}", self.places());
        let daemon = self.0.start(words.words());
        until("the agent is ready", LIMIT, || self.status()["phase"] == "running");
        daemon
    }

    fn places(&self) -> String {
        format!("--state {} --run-dir {}", self.0.state().display(), self.0.run_dir().display())
    }

    /// Runs `lvsadm …` about the running agent.
    fn lvsadm(&self, arguments: &str) -> Output {
        self.0.run(format!("{LVSADM} {arguments} --run-dir {}", self.0.run_dir().display()))
    }

    /// How it is doing; null if there is none.
    fn status(&self) -> Value {
        serde_json::from_str(&self.lvsadm("agent status --json").stdout).unwrap_or_default()
    }

    /// How its VRRP process is doing.
    fn vrrp(&self) -> Value {
        self.status()["processes"][0].clone()
    }

    /// The number of its VRRP process.
    fn vrrp_pid(&self) -> nix::unistd::Pid {
        let pid = self.vrrp()["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        nix::unistd::Pid::from_raw(pid.expect("a VRRP process"))
    }

    fn socket(&self) -> PathBuf {
        self.0.run_dir().join("agent.sock")
    }

    /// What it runs, by the socket.
    fn state(&self) -> Value {
        let answer = lvsadm::agent::control::call(&self.socket(), "state.get", json!({}), LIMIT);
        answer.unwrap_or_else(|error| panic!("state.get: {error}"))
    }

    /// The save file.
    fn saved(&self) -> String {
        fs::read_to_string(self.0.state()).expect("a save file")
    }
}
