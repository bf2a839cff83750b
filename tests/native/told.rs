//! What people and programs are told of an agent: mail, the journal, metrics, the log.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::{
    is_installed,
    support::daemons::{Daemon, certificate},
    vrrp::site::{Host, Site, until},
};

/// The number of the user `nobody`.
const NOBODY: u32 = 65_534;

const LIMIT: Duration = Duration::from_secs(20);
const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

const LINES: &str = "\
vrrp add VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --address 10.9.9.100/24
set mail --server 127.0.0.1 --from lvs@example --to 'Ops <ops@example>' --tag lb1 --timeout 5s
";

/// Runs `lvsadm …` about the agent of this host.
fn lvsadm(host: &Host, words: &str) -> crate::support::Output {
    host.run(format!("{LVSADM} {words} --run-dir {}", host.run_dir().display()))
}

fn agent(host: &Host, more: &str) -> crate::vrrp::site::Daemon {
    let words =
        format!("{LVSADM} agent run --state {} --run-dir {} {more}", host.state().display(), host.run_dir().display());
    host.start(words.split_whitespace().map(str::to_owned).collect())
}

/// The process number of a child of the agent.
fn child(host: &Host, name: &str) -> Option<i32> {
    let status: Value = serde_json::from_str(&lvsadm(host, "agent status --json").stdout).ok()?;
    let processes = status["processes"].as_array()?;
    processes.iter().find(|process| process["name"] == name)?["pid"].as_i64()?.try_into().ok()
}

/// Fails the test if promtool finds fault with metrics.
#[track_caller]
fn judge(metrics: &str) {
    if !is_installed("promtool") {
        return;
    }
    let promtool =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut promtool = promtool.expect("promtool starts");
    promtool.stdin.take().expect("a pipe").write_all(metrics.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{metrics}");
}

#[test]
fn mail_goes_to_postfix() {
    if !is_installed("postfix") {
        return;
    }
    let site = Site::new(1);
    let host = &site.hosts[0];
    let directory = tempfile::tempdir().expect("a directory");
    certificate(directory.path(), "localhost");
    let pem = |name: &str| fs::read_to_string(directory.path().join(name)).expect("a PEM file");
    let postfix = host.inside(|| Daemon::postfix_with_tls(&pem("localhost.key"), &pem("localhost.pem")).listening(25));
    host.file("state", LINES);
    let set = |more: &str| host.run(format!("{LVSADM} set mail --state {} {more}", host.state().display()));
    let sent = set("--test");
    assert!(sent.status == 0 && sent.stderr.contains("127.0.0.1:25 has taken a mail"), "{sent}");
    let has = |word: &str| postfix.mails().iter().any(|mail| mail.contains(word));
    until("it has it", LIMIT, || has("Subject: [lb1] test") && has("To: Ops <ops@example>"));
    // The certificate is for another name; then it is for the right one.
    let refused = set("--starttls --test");
    assert!(refused.status == 1 && refused.stderr.contains("no secure connection to 127.0.0.1:25"), "{refused}");
    let authority = directory.path().join("localhost.pem");
    set(&format!("--server localhost --tag safe --authorities {} --test", authority.display())).ok();
    until("the safe one is there, too", LIMIT, || has("Subject: [safe] test"));
    set("--server 127.0.0.1 --unset authorities --no-verify --tag blind --test").ok();
    until("and the one to anybody", LIMIT, || has("Subject: [blind] test"));
    // What the server does not want is said as it says it.
    let refused = set("--to root@elsewhere --unset to='Ops <ops@example>' --test");
    assert!(refused.status != 0, "{refused}");
    host.file("state", &LINES.replace("Ops <ops@example>", "ops@elsewhere"));
    let refused = set("--test");
    assert!(refused.status == 1 && refused.stderr.contains("554"), "{refused}");
}

#[test]
fn an_agent_tells_what_happens() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    host.file("state", LINES);
    let postfix = is_installed("postfix").then(|| host.inside(|| Daemon::postfix().listening(25)));
    let mut daemon = agent(host, "--metrics 127.0.0.1:9105");
    until("it is master", LIMIT, || host.has("10.9.9.100"));

    // Why, who and when: at the prompt, and as JSON.
    let why = lvsadm(host, "agent why VI_1").ok();
    assert!(why.starts_with("instance VI_1\n") && why.contains("  master  no master heard for "), "{why}");
    let events = lvsadm(host, "agent events --json").ok();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(
        events.iter().any(|event| event["what"] == "master" && event["kind"] == "instance" && event["name"] == "VI_1"),
        "{events:#?}"
    );
    let nobody = lvsadm(host, "agent why VI_9");
    assert!(
        nobody.status == 1 && nobody.stderr.contains("the journal has nothing about VI_9; it goes back to "),
        "{nobody}"
    );

    // Metrics at the prompt and at the port are the same families, and sound.
    let prompt = lvsadm(host, "metrics").ok();
    let port = host.run("curl -s --noproxy * http://127.0.0.1:9105/metrics").ok();
    for metrics in [&prompt, &port] {
        judge(metrics);
        for line in ["lvsadm_vrrp_state{instance=\"VI_1\",state=\"master\"} 1", "lvsadm_process_up{process=\"vrrp\"} 1"]
        {
            assert!(metrics.contains(line), "{line}\n{metrics}");
        }
    }
    let families = |metrics: &str| {
        metrics.lines().filter(|line| line.starts_with("# TYPE")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(families(&prompt), families(&port));
    let open = host.run(format!("{LVSADM} agent run --metrics 10.9.9.1:9105 --run-dir {}", host.run_dir().display()));
    assert!(open.status == 2 && open.stderr.contains("--metrics-open"), "{open}");

    // A quiet time writes nothing.
    let before = (daemon.log(), fs::read(host.run_dir().join("journal")).expect("a journal"));
    thread::sleep(Duration::from_secs(3));
    assert_eq!((daemon.log(), fs::read(host.run_dir().join("journal")).expect("a journal")), before);

    // A process that dies, and then the agent: the journal goes on.
    let vrrp = child(host, "vrrp").expect("it runs");
    kill(Pid::from_raw(vrrp), Signal::SIGKILL).expect("it runs");
    until("it is back", LIMIT, || child(host, "vrrp").is_some_and(|pid| pid != vrrp));
    until("that is told", LIMIT, || lvsadm(host, "agent why vrrp").stdout.contains("ended"));
    assert!(host.has("10.9.9.100"), "it is still master");
    if let Some(postfix) = &postfix {
        let has = |word: &str| postfix.mails().iter().any(|mail| mail.contains(word));
        until("the mails are there", LIMIT, || {
            has("Subject: [lb1] VRRP Instance VI_1 - Entering MASTER state") && has("ENDED")
        });
    }
    daemon.kill();
    drop(daemon);
    let left = lvsadm(host, "agent why VI_1");
    assert!(left.status == 0 && left.stderr.contains("no agent runs") && left.stdout.contains("master"), "{left}");
    let mut daemon = agent(host, "");
    until("it runs again", LIMIT, || child(host, "vrrp").is_some());
    let events = lvsadm(host, "agent events").ok();
    assert!(events.contains("VI_1: master") && events.contains("killed by SIGKILL"), "{events}");
    daemon.stop();
}

#[test]
fn who_follows_sees_it_at_once() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    host.file("state", LINES.lines().next().expect("a line"));
    let mut daemon = agent(host, "");
    until("it is master", LIMIT, || host.has("10.9.9.100"));
    let words = format!("{LVSADM} agent events -f --run-dir {}", host.run_dir().display());
    let follower = host.start(words.split(' ').map(str::to_owned).collect());
    until("it has seen what was", LIMIT, || follower.log().contains("VI_1: master"));
    let link = |state: &str| host.run(format!("ip link set eth0 {state}")).ok();
    link("down");
    until("it sees the fault", Duration::from_secs(5), || {
        follower.log().contains("VI_1: fault, priority 100: its interface is down")
    });
    link("up");
    until("and that it is over", Duration::from_secs(5), || follower.log().matches("VI_1: master").count() == 2);
    // It waits for another agent when this one has gone.
    daemon.stop();
    until("it says so", LIMIT, || follower.log().contains("this waits for one"));
    let mut daemon = agent(host, "");
    until("it goes on", LIMIT, || follower.log().matches("VI_1: master").count() == 3);
    daemon.stop();
}

#[test]
fn sessions_are_told_and_counted() {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let times = "--min-tx 50ms --min-rx 50ms --multiplier 4";
    us.file(
        "state",
        &format!("bfd add gw --neighbour 10.9.9.2 {times}\nbfd add nobody --neighbour 10.9.9.77 {times}\n"),
    );
    them.file("state", &format!("bfd add back --neighbour 10.9.9.1 {times}\n"));
    let _ours = agent(us, "--metrics 127.0.0.1:9105");
    let mut theirs = agent(them, "");
    let metrics = || lvsadm(us, "metrics").stdout;
    let has = |line: &str| metrics().lines().any(|other| other == line);
    until("it is up", LIMIT, || has("lvsadm_bfd_state{session=\"gw\",state=\"up\"} 1"));
    let text = metrics();
    judge(&text);
    for line in [
        "lvsadm_bfd_state{session=\"gw\",state=\"down\"} 0",
        "lvsadm_bfd_state{session=\"nobody\",state=\"down\"} 1",
        "lvsadm_bfd_changes_total{session=\"gw\"} 1",
        "lvsadm_bfd_transmit_interval_seconds{session=\"gw\"} 0.05",
        "lvsadm_bfd_detection_time_seconds{session=\"gw\"} 0.2",
        "lvsadm_bfd_packets_received_total{session=\"nobody\"} 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
    assert!(
        text.contains("lvsadm_bfd_packets_sent_total{session=\"gw\"} ")
            && !text.contains("detection_time_seconds{session=\"nobody\"}")
    );
    let port = us.run("curl -s --noproxy * http://127.0.0.1:9105/metrics").ok();
    judge(&port);
    assert!(port.contains("lvsadm_bfd_state{session=\"gw\",state=\"up\"} 1"), "{port}");
    // Through the agent at the prompt, and in its journal.
    assert!(lvsadm(us, "bfd list").ok().contains("up"));
    theirs.kill();
    until("it is missed", LIMIT, || has("lvsadm_bfd_changes_total{session=\"gw\"} 2"));
    until("both are told", LIMIT, || {
        let why = lvsadm(us, "agent why gw").stdout;
        why.starts_with("session gw\n") && why.contains("  up ") && why.contains("  down  ")
    });
    assert!(lvsadm(us, "agent events").ok().contains("BFD session gw is down: "));
}

/// One FIFO for all: the agent makes it, gives it to somebody and starts its reader, as nobody; the VRRP process, which has few of
/// root's rights, writes to it, and so does the one that comes after it.
#[test]
fn one_fifo_of_somebody_else_for_all() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let directory = tempfile::tempdir().expect("a directory");
    let (fifo, seen) = (directory.path().join("fifo"), directory.path().join("seen"));
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    fs::write(&seen, "").expect("a file");
    chown(&seen, Some(NOBODY), None).expect("root may");
    let reader = directory.path().join("reader");
    fs::write(&reader, format!("#!/bin/sh\nid -un >> {0}\ncat $1 >> {0}\n", seen.display())).expect("a script");
    fs::set_permissions(&reader, fs::Permissions::from_mode(0o755)).expect("ours");
    let (path, reader) = (fifo.display(), reader.display());
    host.file(
        "state",
        &format!(
            "vrrp add VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --address 10.9.9.100/24\n\
             vrrp set --fifo '{path} owner nobody'\nset notify --fifo '{path} owner nobody reader nobody@{reader}'\n"
        ),
    );
    let mut daemon = agent(host, "");
    let read = || fs::read_to_string(&seen).expect("a file");
    until("it was read", LIMIT, || read().contains("INSTANCE \"VI_1\" MASTER "));
    assert!(read().starts_with("nobody\n"), "{}", read());
    let node = fs::symlink_metadata(&fifo).expect("there");
    assert_eq!((node.uid(), node.mode() & 0o777), (NOBODY, 0o600));

    let vrrp = child(host, "vrrp").expect("it runs");
    kill(Pid::from_raw(vrrp), Signal::SIGKILL).expect("it runs");
    until("another one runs", LIMIT, || child(host, "vrrp").is_some_and(|other| other != vrrp));
    let lines = read().lines().count();
    lvsadm(host, "vrrp demote VI_1").ok();
    until("it is heard, too", LIMIT, || read().lines().count() > lines);

    // What cannot be is refused, and nothing is changed.
    let refused = lvsadm(host, &format!("set notify --fifo {}", seen.display()));
    assert!(refused.status != 0 && refused.stderr.contains("exists and is not a FIFO"), "{refused}");
    let (fifo_option, run_dir) = (format!("{path} reader /lvsadm/no/reader"), host.run_dir().display().to_string());
    let refused = host.run([LVSADM, "set", "notify", "--fifo", &fifo_option, "--run-dir", &run_dir]);
    assert!(refused.status != 0 && refused.stderr.contains("/lvsadm/no/reader"), "{refused}");
    assert!(fifo.exists());
    daemon.stop();
    assert!(!fifo.exists(), "who made it takes it away");
    host.file("state", &format!("set notify --fifo {}\n", seen.display()));
    let refused = host.run(format!(
        "{LVSADM} agent run --state {} --run-dir {}",
        host.state().display(),
        host.run_dir().display()
    ));
    assert!(refused.status != 0 && refused.stderr.contains("exists and is not a FIFO"), "{refused}");
    assert!(!host.run_dir().join("state").exists(), "nothing is left for the next one");
}
