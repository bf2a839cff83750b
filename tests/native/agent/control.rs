//! Programs at the control socket: good ones, bad ones, slow ones, too many.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};

use lvsadm::agent::control::{CallError, call};
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::{Signal, kill},
};
use serde_json::{Value, json};

use super::{Agent, LIMIT, line};
use crate::vrrp::site::{Site, until};

#[test]
fn verbs_go_to_whom_they_are_for() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let _daemon = agent.run(&line("A", 51, 150), "");
    let ask = |verb: &str, params| host.inside(|| call::<Value>(&agent.socket(), verb, params, LIMIT));
    assert_eq!(ask("vrrp.status", json!({})).expect("an answer")["instances"][0]["name"], "A");
    let refused = |verb: &str, params| match ask(verb, params) {
        Err(CallError::Refused(complaints)) => complaints[0].text.clone(),
        other => panic!("{verb}: {other:?}"),
    };
    assert!(refused("vrrp.promote", json!({ "name": "B" })).contains("no instance B"));
    assert!(refused("vrrp.reload", json!({})).contains("agent's own"));
    assert!(refused("no.such", json!({})).contains("no verb no.such"));
    assert!(refused("agent.nothing", json!({})).contains("agent.nothing"));
    assert!(refused("check.status", json!({})).contains("the check process does not run"));
    // Without IPVS there is no table, and virtual routers do not care.
    assert!(refused("table.apply", json!({ "lines": ["-A -f 1 -s rr"] })).to_lowercase().contains("ipvs"));
    assert_eq!((&agent.status()["phase"], &agent.vrrp()["state"]), (&"running".into(), &"ready".into()));
    assert_eq!(agent.status()["processes"][1]["state"], "idle");
    // A child that hangs holds nobody else up.
    let child = agent.vrrp_pid();
    kill(child, Signal::SIGSTOP).expect("it runs");
    thread::scope(|scope| {
        let waits = scope.spawn(|| ask("vrrp.status", json!({})));
        let begun = Instant::now();
        ask("agent.status", json!({})).expect("an answer");
        assert!(begun.elapsed() < Duration::from_secs(1));
        thread::sleep(Duration::from_millis(300));
        kill(child, Signal::SIGCONT).expect("it is there");
        waits.join().expect("no panic").expect("an answer after all");
    });
}

#[test]
fn what_a_command_does_has_its_name_on_it() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let daemon = agent.run(&line("A", 51, 150), "");
    until("it is master", LIMIT, || host.has("10.9.9.51"));
    agent.lvsadm("vrrp demote A").ok();
    agent.lvsadm("vrrp promote A").ok();
    agent.lvsadm(line("B", 52, 150).trim()).ok();
    agent.lvsadm("agent reload").ok();
    // Whoever asks the process past the agent is seen as well; only the agent may name somebody else.
    let ours = host.run_dir().join("vrrp.sock");
    host.inside(|| call::<Value>(&ours, "vrrp.demote", json!({ "name": "A" }), LIMIT)).expect("it is taken");
    let signed = || {
        let events = agent.lvsadm("agent events --json").ok();
        let events = events.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        events.filter(|event| event["by"]["user"] == "root").collect::<Vec<_>>()
    };
    until("all is told", LIMIT, || signed().len() == 5);
    let signed = signed();
    let what: Vec<_> = signed.iter().filter_map(|event| event["what"].as_str()).collect();
    assert_eq!(what, ["demote", "promote", "changed", "reloaded", "demote"]);
    let pids: Vec<_> = signed.iter().map(|event| event["by"]["pid"].as_u64().expect("a number")).collect();
    let agents: Vec<_> = [agent.status()["pid"].as_u64(), agent.vrrp()["pid"].as_u64()].into_iter().flatten().collect();
    assert!(pids.iter().all(|pid| !agents.contains(pid)) && pids[0] != pids[1], "{pids:?} {agents:?}");
    assert_eq!(pids[4], u64::from(std::process::id()));
    let by = format!("A was told to give mastership up, by root (pid {})", pids[0]);
    assert!(daemon.log().contains(&by) && agent.lvsadm("agent why A").ok().contains(&by), "{}", daemon.log());
    let by = format!("what the agent runs was changed, by root (pid {})", pids[2]);
    assert!(daemon.log().contains(&by), "{}", daemon.log());
}

#[test]
fn bad_clients_cost_nothing() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let mut daemon = agent.run(&line("A", 51, 150), "");
    until("it is master", LIMIT, || host.has("10.9.9.51"));
    let connect = || UnixStream::connect(agent.socket()).expect("somebody listens");
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..200 {
        let mut stream = connect();
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let length = random.usize(1..2000);
        let garbage: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
        // It may hang up on us.
        let _ = stream.write_all(&garbage).and_then(|()| stream.write_all(b"\n"));
        let mut answer = String::new();
        let _ = BufReader::new(&stream).read_line(&mut answer);
        assert!(answer.is_empty() || answer.contains("\"error\""), "{answer}");
    }
    // Longer than anything may be, from many at once; only one of them is read at a time.
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut stream = connect();
                let piece = vec![b' '; 1 << 20];
                for _ in 0..20 {
                    if stream.write_all(&piece).is_err() {
                        break;
                    }
                }
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    // Gone before the answer comes.
    for _ in 0..100 {
        let _ = connect().write_all(b"{\"version\":1,\"verb\":\"vrrp.status\"}\n");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap_or(u64::MAX);
    assert!(peak < 100_000, "{peak} kB at most");
    assert_eq!(host.became_master("A"), 1);
    assert_eq!(daemon.stop().1, Some(0), "{}", daemon.log());
}

#[test]
fn a_thousand_clients() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(8192), hard).expect("a higher limit");
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let _daemon = agent.run(&line("A", 51, 150), "");
    let mut clients: Vec<_> = (0..1100).map(|_| UnixStream::connect(agent.socket())).collect();
    let (mut answered, mut refused) = (0, 0);
    // Those who are one too many are told at once; the others first ask now.
    for client in clients.iter_mut().flatten() {
        client.set_read_timeout(Some(LIMIT)).expect("a limit");
        let _ = client.write_all(b"{\"version\":1,\"verb\":\"vrrp.status\"}\n");
    }
    for client in clients.iter_mut().flatten() {
        let mut answer = String::new();
        let _ = BufReader::new(client).read_line(&mut answer);
        if answer.contains("\"ok\"") {
            answered += 1;
        } else {
            assert!(answer.contains("too many clients"), "{answer}");
            refused += 1;
        }
    }
    assert!(answered >= 900 && refused >= 50 && answered + refused >= 1000, "{answered} answered, {refused} refused");
    drop(clients);
    assert_eq!(agent.vrrp()["restarts"], 0);
}
