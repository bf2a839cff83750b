//! Start, end, and what dies in between.

use std::{
    fs,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::{Duration, Instant},
};

use nix::sys::signal::{Signal, kill};

use super::{Agent, LIMIT, LVSADM, line};
use crate::{
    support::Words,
    vrrp::site::{Site, until},
};

#[test]
fn in_the_background() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let start = || host.run(format!("{LVSADM} agent start {} --stop-limit 5", agent.places()));
    assert_eq!((agent.lvsadm("agent status").status, agent.lvsadm("agent stop").status), (1, 1));
    host.file("state", &line("A", 51, 150));
    start().ok();
    // Ready when the command is over.
    let status = agent.status();
    assert_eq!((&status["phase"], &status["saved"]), (&"running".into(), &true.into()));
    assert_eq!(agent.vrrp()["state"], "ready");
    let pid = status["pid"].to_string();
    let pid_file = host.run_dir().join("agent.pid");
    assert_eq!(fs::read_to_string(&pid_file).unwrap_or_default().trim(), pid);
    for second in [start(), host.run(format!("{LVSADM} agent run {}", agent.places()))] {
        assert_eq!(second.status, 1, "{second}");
        assert!(second.stderr.contains(&format!("process {pid}")), "{second}");
    }
    until("it is master", LIMIT, || host.has("10.9.9.51"));
    let shown = agent.lvsadm("agent status").ok();
    assert!(shown.contains("agent running") && shown.contains("1 master"), "{shown}");
    agent.lvsadm("agent stop").ok();
    assert!(!host.has("10.9.9.51") && !pid_file.exists() && !host.run_dir().join("state").exists());
    // Whoever takes orphans in may not have looked yet.
    until("it is gone", LIMIT, || !lives(&pid));
    // Whatever is wrong is said by the command that starts it.
    host.file("state", "vrrp add A --interface nix0 --vrid 1 --address 10.9.9.1\n");
    let refused = start();
    assert!(refused.status == 1 && refused.stderr.contains("no interface nix0"), "{refused}");
    host.file("state", "vrrp add A --vrid 0\nnonsense\n");
    let refused = start();
    assert!(refused.stderr.contains("state:1:") && refused.stderr.contains("state:2:"), "{refused}");
    assert!(!host.run_dir().join("state").exists() && !pid_file.exists());
}

#[test]
fn systemd_is_told() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    host.file("state", &line("A", 51, 150));
    let name = format!("lvsadm-{}", host.run_dir().display());
    let path = host.run_dir().with_extension("notify");
    let sockets = [
        (format!("@{name}"), SocketAddr::from_abstract_name(&name)),
        (path.display().to_string(), SocketAddr::from_pathname(&path)),
    ];
    for (named, address) in sockets {
        // Abstract names belong to a network namespace.
        let socket = host.inside(|| UnixDatagram::bind_addr(&address.expect("a name"))).expect("a socket");
        socket.set_read_timeout(Some(LIMIT)).expect("a limit");
        let words = format!(
            "env NOTIFY_SOCKET={named} WATCHDOG_USEC=300000 {LVSADM} agent run {} --pid-file /nowhere/x",
            agent.places()
        );
        let refused = host.run(&words);
        assert!(refused.status == 1 && refused.stderr.contains("/nowhere/x"), "{refused}");
        let mut daemon = host.start(words.replace("--pid-file /nowhere/x", "").words());
        let mut buffer = [0; 4096];
        let mut hear = || {
            let length = socket.recv(&mut buffer).expect("it says something in time");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let mut heard = Vec::new();
        while heard.last().is_none_or(|last| last != "READY=1") {
            heard.push(hear());
        }
        assert!(heard.iter().any(|text| text.starts_with("STATUS=starting")), "{heard:?}");
        assert_eq!(agent.vrrp()["state"], "ready");
        let begun = Instant::now();
        let mut alive = 0;
        while begun.elapsed() < Duration::from_secs(1) {
            alive += u32::from(hear() == "WATCHDOG=1");
        }
        assert!(alive >= 5, "{alive} times within a second");
        daemon.signal(Signal::SIGHUP);
        while !hear().starts_with("RELOADING=1\nMONOTONIC_USEC=") {}
        while hear() != "READY=1" {}
        kill_and_hear(&mut daemon, &mut hear);
    }
}

fn kill_and_hear(daemon: &mut crate::vrrp::site::Daemon, mut hear: impl FnMut() -> String) {
    daemon.signal(Signal::SIGTERM);
    while hear() != "STOPPING=1" {}
    assert_eq!(daemon.stop().1, Some(0), "{}", daemon.log());
}

#[test]
fn a_killed_vrrp_process_is_back_before_a_peer_notices() {
    let site = Site::new(2);
    let [ours, theirs] = site.hosts.as_slice() else { panic!("two hosts") };
    let agent = Agent(ours);
    let lines = "vrrp add A --interface eth0 --vrid 51 --priority 150 --interval 1s --address 10.9.9.51/24\n";
    let mut daemon = agent.run(lines, "");
    until("we are master", LIMIT, || ours.has("10.9.9.51"));
    let keepalived = theirs.keepalived(
        "vrrp_instance A {\n interface eth0\n virtual_router_id 51\n priority 100\n advert_int 1\n \
         virtual_ipaddress {\n 10.9.9.51/24\n }\n}\n",
    );
    until("keepalived is backup", LIMIT, || keepalived.log().contains("Entering BACKUP STATE"));
    for round in 1..=3 {
        let pid = agent.vrrp_pid();
        kill(pid, Signal::SIGKILL).expect("it runs");
        until("another one runs", LIMIT, || agent.vrrp()["restarts"] == round && agent.vrrp()["state"] == "ready");
        let end = Instant::now() + Duration::from_secs(4);
        while Instant::now() < end {
            assert!(!theirs.has("10.9.9.51"), "{}", daemon.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(ours.has("10.9.9.51"), "{}", daemon.log());
    }
    assert!(!keepalived.log().contains("MASTER"), "{}", keepalived.log());
    assert_eq!(agent.vrrp()["last_end"], "killed by SIGKILL");
    // At the end the peer need not wait for a timeout.
    let (took, status) = daemon.stop();
    assert!(status == Some(0) && took < Duration::from_secs(2), "{took:?}");
    let took = until("keepalived is master", LIMIT, || theirs.has("10.9.9.51"));
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

/// Whether a process runs; one that has ended may not have been waited for yet.
fn lives(pid: impl std::fmt::Display) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z"))
}

#[test]
fn a_killed_agent_takes_its_children_along_and_is_followed() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let mut daemon = agent.run(&line("A", 51, 150), "");
    until("it is master", LIMIT, || host.has("10.9.9.51"));
    agent.lvsadm(line("B", 52, 150).trim()).ok();
    let child = agent.vrrp_pid();
    // The agent alone, and at once the next one: it waits for what is left of the first.
    kill(nix::unistd::Pid::from_raw(i32::try_from(daemon.pid()).expect("a pid")), Signal::SIGKILL).expect("it runs");
    daemon.stop_quietly();
    let daemon = agent.run_again("");
    assert_ne!(agent.vrrp_pid(), child);
    assert!(!lives(child), "the child has ended");
    assert!(agent.state()["text"].as_str().is_some_and(|text| text.contains("vrrp add B")));
    assert_eq!((&agent.status()["saved"], agent.saved().contains("vrrp add B")), (&false.into(), false));
    until("both are master again", LIMIT, || host.has("10.9.9.51") && host.has("10.9.9.52"));
    drop(daemon);
    // Of that one nobody is left, children included; and the next begins with the file.
    let _daemon = agent.run_again("--fresh");
    assert!(agent.state()["text"].as_str().is_some_and(|text| !text.contains("vrrp add B")));
}

#[test]
fn what_does_not_end_is_killed() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let mut daemon = agent.run(&line("A", 51, 150), "--stop-limit 1");
    let child = agent.vrrp_pid();
    kill(child, Signal::SIGSTOP).expect("it runs");
    let (took, status) = daemon.stop();
    assert_eq!(status, Some(0));
    assert!((Duration::from_millis(900)..Duration::from_secs(3)).contains(&took), "{took:?}");
    assert!(daemon.log().contains("it is killed") && kill(child, None).is_err());
}

#[test]
fn who_hangs_is_killed_and_who_pauses_is_not() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let daemon = agent.run(&line("A", 51, 150), "--hang-limit 5");
    until("it is master", LIMIT, || host.has("10.9.9.51"));
    let pause = |pids: &[nix::unistd::Pid], time| {
        pids.iter().for_each(|pid| kill(*pid, Signal::SIGSTOP).expect("it runs"));
        std::thread::sleep(Duration::from_secs(time));
        pids.iter().rev().for_each(|pid| kill(*pid, Signal::SIGCONT).expect("it is there"));
    };
    let child = agent.vrrp_pid();
    let ours = nix::unistd::Pid::from_raw(i32::try_from(daemon.pid()).expect("a pid"));
    // A short pause, and a long one of the whole machine.
    pause(&[child], 2);
    pause(&[child, ours], 7);
    until("it answers", LIMIT, || agent.lvsadm("vrrp list").ok().contains("master"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((agent.vrrp_pid(), &agent.vrrp()["restarts"]), (child, &0.into()), "{}", daemon.log());
    kill(child, Signal::SIGSTOP).expect("it runs");
    let took = until("another one runs", LIMIT, || agent.vrrp()["restarts"] == 1 && agent.vrrp()["state"] == "ready");
    assert!(took > Duration::from_secs(3), "{took:?}");
    assert!(!lives(child) && agent.vrrp()["last_end"] == "killed by SIGKILL", "{}", daemon.log());
    until("it is master again", LIMIT, || agent.lvsadm("vrrp list").ok().contains("master") && host.has("10.9.9.51"));
    let why = agent.lvsadm("agent why vrrp").ok();
    assert!(why.contains("  hung ") && why.contains("has not been heard of for 5s"), "{why}");
    assert!(daemon.log().contains("has not been heard of for 5s"), "{}", daemon.log());
}

#[test]
fn options_reach_the_vrrp_process() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let _daemon = agent.run(&line("A", 51, 150), "--rt-priority 5 --no-swap --cpu 0");
    let pid = agent.vrrp_pid();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    assert_eq!(field("Cpus_allowed_list:"), "0");
    assert_ne!(field("VmLck:"), "0 kB");
    let policy = host.run(format!("chrt -p {pid}")).ok();
    assert!(policy.contains("SCHED_RR") && policy.contains("priority: 5"), "{policy}");
    // Neither process has rights of root that it does not use: CAP_SYS_ADMIN, CAP_SYS_MODULE, CAP_NET_ADMIN of the first.
    let rights = |pid: String| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let set = status.lines().find_map(|line| line.strip_prefix("CapPrm:")).unwrap_or_default().trim().to_owned();
        u64::from_str_radix(&set, 16).expect("a number")
    };
    let (own, child) = (rights(agent.status()["pid"].to_string()), rights(pid.to_string()));
    assert_eq!((own >> 12 & 1, child >> 12 & 1), (0, 1));
    assert_eq!((own | child) & (1 << 21 | 1 << 16), 0, "{own:x} {child:x}");
    let refused = host.run(format!("{LVSADM} agent run --rt-priority 100"));
    assert_eq!(refused.status, 2, "{refused}");
}
