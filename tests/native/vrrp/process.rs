//! The process itself: one in a network namespace, what it refuses to start with, how it gets the processor, what it shows.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use super::site::{Site, until};

const LIMIT: Duration = Duration::from_secs(12);
const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

fn line(more: &str) -> String {
    format!("vrrp add VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --address 10.9.9.100/24 {more}\n")
}

#[test]
fn two_of_them() {
    let site = Site::new(2);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    let daemon = first.vrrp_file(&line(""));
    until("it is master", LIMIT, || first.has("10.9.9.100"));
    let refused = first.vrrp(format!("run --state {}", first.state().display()));
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains(&daemon.pid().to_string()), "{refused}");
    assert_eq!(first.became_master("VI_1"), 1);
    // In different namespaces they need no options to tell them apart.
    let start = |host: &super::site::Host| {
        let words = format!(
            "{LVSADM} vrrp run X --interface eth0 --vrid 77 --version 3 --interval 100ms --address 10.9.9.7{}",
            host.number
        );
        host.start(words.split(' ').map(str::to_owned).collect())
    };
    let mut a = start(first);
    let mut b = start(second);
    until("both run", LIMIT, || a.log().contains("X: ") && b.log().contains("X: "));
    let list = |host: &super::site::Host| host.run(format!("{LVSADM} vrrp list --json")).ok();
    assert!(list(first).contains("10.9.9.71") && list(second).contains("10.9.9.72"));
    assert_eq!((a.stop().1, b.stop().1), (Some(0), Some(0)));
}

#[test]
fn all_faults_at_once_and_nothing_started() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let directory = crate::directory();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let open = crate::script(directory.path(), "open", "exit 0");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("ours");
    fs::write(path("plain"), "#!/bin/sh\n").expect("a file");
    let started = path("started");
    let good = crate::script(directory.path(), "good", &format!("touch {started}"));
    // What this machine tells: links and scripts.
    let lines = format!(
        "vrrp set --script-user root\nvrrp add-script missing --command {}\nvrrp add-script plain --command {}\n\
         vrrp add-script open --command {}\nvrrp add-script good --command {}\n{}",
        path("missing"),
        path("plain"),
        open.display(),
        good.display(),
        line(
            "--track-script missing --track-script plain --track-script open --track-script good --track-interface nix0"
        )
    );
    let file = host.file("state", &lines);
    let refused = host.vrrp(format!("run --state {}", file.display()));
    assert_eq!(refused.status, 1, "{refused}");
    for what in ["script missing", "script plain", "script open", "nix0"] {
        assert!(refused.stderr.contains(what), "{what}: {refused}");
    }
    assert!(!fs::exists(&started).unwrap_or(true) && !host.has("10.9.9.100"));
    // What words alone tell.
    let lines = "vrrp add A --interface eth0 --vrid 1 --version 2 --interval 100ms --address 10.9.9.1\n\
                 vrrp add B --interface eth0 --vrid 2 --address 10.9.9.1 --address fd09::1\n\
                 vrrp add C --interface eth0 --vrid 3 --version 2 --auth pass --secret 123456789 --address 10.9.9.1\n\
                 vrrp add D --interface eth0 --vrid 4 --track-script nobody --track-process nobody --address 10.9.9.1\n\
                 vrrp add E --interface eth0 --vrid 1 --version 2 --address 10.9.9.1\n\
                 vrrp add F --interface eth0 --address 10.9.9.1\n";
    let file = host.file("state", lines);
    let refused = host.vrrp(format!("run --state {}", file.display()));
    assert_eq!(refused.status, 1, "{refused}");
    for number in 1..=6 {
        assert!(refused.stderr.contains(&format!("state:{number}:")), "line {number}: {refused}");
    }
    // The same on a command line is the command line's fault.
    let refused =
        host.vrrp("run A --interface eth0 --vrid 1 --version 2 --interval 100ms --address 10.9.9.1 --address fd09::1");
    assert_eq!(refused.status, 2, "{refused}");
}

#[test]
fn without_the_right_it_says_so() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let file = host.file("state", &line(""));
    let run_dir = host.run_dir();
    let words = format!(
        "capsh --drop=cap_net_raw -- -c|exec {LVSADM} vrrp run --state {} --run-dir {}",
        file.display(),
        run_dir.display()
    );
    let (command, script) = words.split_once('|').expect("two parts");
    if !crate::is_installed("capsh") {
        return;
    }
    let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    words.push(script.to_owned());
    let refused = host.run(words);
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains("CAP_NET_RAW"), "{refused}");
}

#[test]
fn it_gets_the_processor_in_time() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let file = host.file("state", &line(""));
    let stat = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        let (_, rest) = text.rsplit_once(')').expect("a name");
        // From the third field on.
        rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut daemon = host.vrrp_run(format!("--state {} --rt-priority 7 --no-swap --cpu 0", file.display()));
    until("it is master", LIMIT, || host.has("10.9.9.100"));
    let fields = stat(daemon.pid());
    assert_eq!((fields[37].as_str(), fields[38].as_str()), ("7", "2"), "priority and SCHED_RR");
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    assert_eq!(field("Cpus_allowed_list:"), "0");
    assert_ne!(field("VmLck:"), "0 kB");
    daemon.stop();
    let daemon = host.vrrp_run(format!("--state {} --nice -5", file.display()));
    until("it is master", LIMIT, || host.has("10.9.9.100"));
    assert_eq!(stat(daemon.pid())[16], "-5");
}

#[test]
fn what_it_shows() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let _daemon = host.vrrp_file(&line("--track-interface eth0:-10"));
    until("it is master", LIMIT, || host.is("VI_1", "master"));
    let list = host.vrrp("list").ok();
    assert!(list.contains("VI_1") && list.contains("master"), "{list}");
    let show = host.vrrp("show VI_1").ok();
    assert!(show.contains("no master heard") && show.contains("timers:"), "{show}");
    let mut watch = host.start(
        format!("{LVSADM} vrrp list --watch --run-dir {}", host.run_dir().display())
            .split(' ')
            .map(str::to_owned)
            .collect(),
    );
    until("it is shown again and again", LIMIT, || watch.log().matches("VI_1").count() >= 2);
    watch.stop_quietly();
}
