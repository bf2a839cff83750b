//! What an agent tells, where none runs: mail in the save file, events and why, metrics.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::check;

/// Runs lines one after the other beside a save file `state` and a run directory `run`; returns all that they did, and the
/// file at the end.
fn session(state: &str, journal: &str, lines: &[&str]) -> String {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("state"), state).expect("written");
    fs::create_dir(home.path().join("run")).expect("a directory");
    if !journal.is_empty() {
        fs::write(home.path().join("run/journal"), journal).expect("written");
    }
    let mut text = String::new();
    for line in lines {
        let words = lvsadm::state::words::split(line).expect(line);
        let words = words.iter().map(|word| word.text.as_ref());
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        command.args(words).args(["--run-dir", "run"]).env_clear().env("COLUMNS", "100").env("LVSADM_STATE", "state");
        let output = command.current_dir(home.path()).stdin(Stdio::null()).output().expect("the program starts");
        text += &format!("$ lvsadm {line}\n{}", String::from_utf8_lossy(&output.stdout));
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            text += &format!("! {line}\n");
        }
        text += &format!("[{}]\n", output.status.code().unwrap_or(-1));
    }
    let file = fs::read_to_string(home.path().join("state")).expect("still there");
    format!("{text}\n{file}").replace(&home.path().display().to_string(), "HOME")
}

#[test]
fn mail() {
    let lines = [
        "set mail",
        "set mail --server mail.example.org --from lvs@example.org",
        "set mail --server mail.example.org --from lvs@example.org --to 'Ops <ops@example.org>'",
        "set mail --to night@example.org --not VI_test --tag lb1",
        "set mail --starttls --auth-file mail.auth",
        "set mail --auth-file /etc/mail.auth",
        "set mail --starttls --auth-file /etc/mail.auth --port 5",
        "set mail --starttls --auth-file /etc/mail.auth --about everything --timeout 0",
        "set mail --starttls --auth-file /etc/mail.auth",
        "set mail --unset 'to=Ops <ops@example.org>' --unset helo",
        "set mail --unset to=night@example.org",
        "set mail --delete --tag x",
        "set mail --delete",
        "set mail --test",
        "set male",
    ];
    check("set-mail", &session("vrrp set --startup-delay 2s # slowly\n", "", &lines));
}

#[test]
fn fifos() {
    let lines = [
        "set notify",
        "set notify --fifo '/run/lvs.fifo owner alice'",
        "set notify --fifo '/run/lvs.fifo owner alice:ops reader bob@/usr/local/bin/on-servers -v'",
        "set notify --fifo lvs.fifo --fifo '/run/b of alice'",
        "set notify --fifo /run/b",
        "set notify --unset fifo=/run/lvs.fifo",
        "set notify --unset fifo=/run/c",
        "set notify --delete --fifo /run/c",
        "set notify --delete",
        "set notfy",
    ];
    check("set-notify", &session("set mail --server h --from a@b --to c@d\n", "", &lines));
}

#[test]
fn what_an_agent_has_left() {
    let journal = r#"{"number":1,"time":1795379730123,"subject":{"instance":"VI_1"},"what":"master","text":"VI_1: master, priority 150","reason":"nothing heard of 10.9.9.2 for 3.4s"}
{"number":2,"time":1795379740004,"subject":{"server":{"service":"TCP 10.0.0.1:80","server":"10.0.0.11:80"}},"what":"down","text":"server 10.0.0.11:80 of TCP 10.0.0.1:80 is down","reason":"status 500","evidence":"HTTP/1.1 500\\r\\n"}
{"number":3,"time":1795379741000,"subject":{"service":"TCP 10.0.0.1:80"},"what":"down","text":"TCP 10.0.0.1:80 has lost its quorum","reason":"nothing works"}
{"number":4,"time":17953797
"#;
    let lines = [
        "agent events",
        "agent events --json",
        "agent events --since yesterday",
        "agent why -t 10.0.0.1:80 --json",
        "agent why",
        "agent why VI_1 -t 10.0.0.1:80",
        "agent why VI_2",
        "agent why -t 10.0.0.1:81 -r 10.0.0.11",
        "metrics --per everything",
    ];
    check("agent-left", &session("", journal, &lines));
    check("agent-none", &session("", "", &["agent events", "agent why VI_1"]));
}
