//! What runs, changed by commands, reloads, and saved.

use std::{fs, time::Duration};

use lvsadm::agent::control::{CallError, call};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Agent, LIMIT, line};
use crate::vrrp::site::{Site, until};

#[test]
fn commands_change_what_runs_and_save_keeps_it() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let daemon = agent.run("# ours\n", "");
    assert_eq!(agent.vrrp()["state"], "idle", "nothing to do yet");
    agent.lvsadm(line("A", 51, 150).trim()).ok();
    until("it is master", LIMIT, || host.has("10.9.9.51"));
    agent.lvsadm("vrrp edit A --address 10.9.9.61/24").ok();
    until("the address is there", LIMIT, || host.has("10.9.9.61"));
    assert_eq!(agent.saved(), "# ours\n");
    assert_eq!(agent.status()["saved"], false);
    let shown = agent.lvsadm("save --all -").ok();
    assert!(shown.starts_with("# ours\nvrrp add A"), "{shown}");
    agent.lvsadm("save --all").ok();
    assert_eq!(agent.saved(), shown);
    assert_eq!(agent.status()["saved"], true);
    // Faults of the words, of the file as a whole, and of this machine: each leaves all as it is.
    let before = agent.state();
    for (words, said) in [
        ("vrrp edit A --vrid 300", "--vrid 300"),
        ("vrrp add A --interface eth0 --vrid 9 --address 10.9.9.9", "there already, in line 2"),
        ("vrrp edit A --track-script none", "none"),
        ("vrrp add C --interface nix0 --vrid 9 --address 10.9.9.9", "no interface nix0"),
        ("vrrp delete nobody", "no instance nobody"),
    ] {
        let refused = agent.lvsadm(words);
        assert!(refused.status != 0 && refused.stderr.contains(said), "{refused}");
        assert_eq!(agent.state(), before, "{words}");
    }
    assert_eq!(host.became_master("A"), 1, "{}", daemon.log());
    // The last one goes, and the process with nothing to do does no harm.
    agent.lvsadm("vrrp delete A").ok();
    until("the addresses are gone", LIMIT, || !host.has("10.9.9.51") && !host.has("10.9.9.61"));
    agent.lvsadm("agent stop").ok();
    assert!(fs::read_to_string(host.run_dir().join("state.unsaved")).is_ok_and(|text| text == "# ours\n"));
}

#[test]
fn many_at_once_lose_nothing() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let _daemon = agent.run(&line("A", 51, 150), "--autosave");
    std::thread::scope(|scope| {
        for number in 1..=8 {
            let agent = &agent;
            scope.spawn(move || agent.lvsadm(line(&format!("B{number}"), 100 + number, 90).trim()).ok());
        }
    });
    let text = agent.state()["text"].as_str().unwrap_or_default().to_owned();
    assert_eq!(text.matches("vrrp add B").count(), 8, "{text}");
    assert_eq!(agent.saved(), text, "what is answered is saved");
    // Whoever changes what is no longer there is told.
    let stale = call::<Value>(&agent.socket(), "state.set", json!({ "revision": 1, "text": "" }), LIMIT);
    assert!(matches!(&stale, Err(CallError::Refused(why)) if why[0].text.contains("revision")), "{stale:?}");
    assert_eq!(agent.state()["text"], text);
}

#[test]
fn a_reload_changes_what_differs() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let mut daemon = agent.run(&(line("A", 51, 150) + &line("B", 52, 150)), "");
    until("both are master", LIMIT, || host.has("10.9.9.51") && host.has("10.9.9.52"));
    let pid = agent.vrrp_pid();
    host.file("state", &(line("A", 51, 150) + &line("C", 53, 150)));
    agent.lvsadm("agent reload").ok();
    until("C is master", LIMIT, || host.has("10.9.9.53"));
    assert!(!host.has("10.9.9.52") && host.became_master("A") == 1 && agent.vrrp_pid() == pid);
    // The same by a signal; what is wrong is logged.
    host.file("state", &line("A", 51, 150));
    daemon.signal(Signal::SIGHUP);
    until("C is gone", LIMIT, || !host.has("10.9.9.53"));
    host.file("state", "nonsense\n");
    daemon.signal(Signal::SIGHUP);
    until("it is refused", LIMIT, || daemon.log().contains("state:1:1:"));
    daemon.signal(Signal::SIGUSR1);
    until("all is said", LIMIT, || daemon.log().contains("vrrp: ready, process"));
    fs::remove_file(host.state()).expect("a file");
    let refused = agent.lvsadm("agent reload");
    assert!(refused.status == 1 && refused.stderr.contains("there is no save file"), "{refused}");
    assert!(host.has("10.9.9.51") && host.became_master("A") == 1);
    assert!(daemon.stop().0 < Duration::from_secs(2));
}

#[test]
fn a_fault_in_any_line_is_found_and_changes_nothing() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let good = [
        "vrrp set --startup-delay 0s".to_owned(),
        "vrrp add-file drain --path /run/none --weight -1 --initial 0".to_owned(),
        line("A", 51, 150).trim().to_owned(),
        line("B", 52, 150).trim().to_owned(),
        "vrrp add-group G --member A --member B".to_owned(),
    ];
    let _daemon = agent.run(&good.join("\n"), "");
    until("both are master", LIMIT, || host.has("10.9.9.51") && host.has("10.9.9.52"));
    let before = agent.state();
    let corruptions: [fn(&str) -> String; 5] = [
        |line| format!("{line} --bogus 1"),
        |line| format!("{line} 'open"),
        |line| line.replacen("vrrp", "vrpr", 1),
        |line| line.replacen("add", "adb", 1).replacen("set", "sat", 1),
        |line| format!("{line} \u{1}"),
    ];
    for (at, number) in (1..=good.len()).enumerate() {
        for corrupt in corruptions {
            let mut lines = good.clone();
            lines[at] = corrupt(&lines[at]);
            let text = lines.join("\n");
            host.file("state", &text);
            let refused = agent.lvsadm("agent reload");
            assert_eq!(refused.status, 1, "{text}\n{refused}");
            assert!(refused.stderr.contains(&format!("state:{number}:")), "{text}\n{refused}");
            assert_eq!(agent.state()["revision"], before["revision"]);
        }
    }
    // All of them at once: each is named.
    let all: Vec<_> = good.iter().map(|line| corruptions[0](line)).collect();
    host.file("state", &all.join("\n"));
    let refused = agent.lvsadm("agent reload");
    assert!((1..=good.len()).all(|number| refused.stderr.contains(&format!("state:{number}:"))), "{refused}");
    assert_eq!((host.became_master("A"), host.became_master("B")), (1, 1));
}
