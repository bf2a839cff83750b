//! Lines about checks: what commands make of the save file, and what they say of mistakes. No process runs here.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::check;

/// Runs lines one after the other on a save file `state`, and returns all that they did, and the file at the end.
fn session(state: &str, lines: &[&str]) -> String {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("state"), state).expect("written");
    let mut text = String::new();
    for line in lines {
        let words = lvsadm::state::words::split(line).expect(line);
        let words = words.iter().map(|word| word.text.as_ref());
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        command.arg("check").args(words).env_clear().env("COLUMNS", "100").env("LVSADM_STATE", "state");
        let output = command.current_dir(home.path()).stdin(Stdio::null()).output().expect("the program starts");
        text += &format!("$ lvsadm check {line}\n{}", String::from_utf8_lossy(&output.stdout));
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            text += &format!("! {line}\n");
        }
        text += &format!("[{}]\n", output.status.code().unwrap_or(-1));
    }
    let file = fs::read_to_string(home.path().join("state")).expect("still there");
    format!("{text}\n{file}").replace(&home.path().display().to_string(), "HOME")
}

const TABLE: &str = "\
# the web
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 1
-a -t 10.0.0.1:80 -r 10.0.0.12:80 -g -w 1
check add -t 10.0.0.1:80 tcp --retry 2 # they listen
";

#[test]
fn a_day() {
    let lines = [
        "add -t 10.0.0.1:80 http --path '/a b' --match ok",
        "add -t 10.0.0.1:80 -r 10.0.0.12 tcp --connect :81",
        "edit -t 10.0.0.1:80 tcp --fall 4 --interval 2s",
        "edit -t 10.0.0.1:80 http --no-match 'it is down' --unset path",
        "add -t 10.0.0.1:80 tcp --or-edit --rise 2",
        "set -t 10.0.0.1:80 --quorum 2 --sorry-server 10.0.0.9 -m --notify-down '/bin/page web'",
        "set -t 10.0.0.1:80 -i --quorum 1",
        "add -f 7 dns --as a --name example.org",
        "add -f 7 script --dynamic -- /bin/probe --retry 1",
        "set -t 10.0.0.1:80 -r 10.0.0.11 --weight-min 3",
        "set -t 10.0.0.1:80 -r 10.0.0.11 --unset weight-min",
        "list --run-dir run",
        "delete -t 10.0.0.1:80 -r 10.0.0.12 tcp",
        "delete -f 8 --if-exists",
    ];
    check("check-day", &session(TABLE, &lines));
}

#[test]
fn wrong_lines() {
    let lines = [
        "add -t 10.0.0.1:80",
        "add tcp",
        "add -t 10.0.0.1:80 icmp",
        "add -t 10.0.0.1:80 tcp",
        "add -t 10.0.0.1:80 udp --bogus",
        "add -t www:80 -r 10.0.0.300 udp",
        "add -t 10.0.0.1:80 http --digest 12 --match 'a(b' --status 7 --interval 0 --retry 1 --fall 3 --timeout x",
        "add -f 7 -r 10.0.0.11 tcp",
        "add -t 10.0.0.1:80 script -- probe",
        "edit -t 10.0.0.1:80 tcp",
        "edit -t 10.0.0.1:80 tcp --unset rise",
        "edit -t 10.0.0.2:80 tcp --rise 2",
        "delete -t 10.0.0.1:80 http",
        "set -t 10.0.0.1:80",
        "set -t 10.0.0.1:80 --quorum 2 --hysteresis 2 -g --weight-min 4 --weight-max 3 --quorum-up ./x",
        "set -t 10.0.0.1:80 -r 10.0.0.11 --quorum 2",
        "run nowhere",
        "run state --first-mark 0 --script-user :x",
    ];
    check("check-wrong-lines", &session(TABLE, &lines));
    let bad =
        "check add -t 10.0.0.1:80 tcp --interval 0\ncheck frob\n-A nonsense\nchek add\ncheck add -t 10.0.0.1:80 ping\n";
    check("check-bad-file", &session(bad, &["list", "run state", "add -t 10.0.0.1:80 udp", "add -t 10.0.0.1:80 ping"]));
}
