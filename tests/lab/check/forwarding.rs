//! Probes through the virtual address, by the kernel's own forwarding.

use std::thread;
use std::time::Duration;

use lvsadm::agent::check::{RunOptions, run};
use lvsadm::model::{Forwarding, Protocol, ServiceKey, Tunnel};
use lvsadm::pool::settings::{Policy, Settings};
use nix::sys::signal::{Signal, kill};
use tokio::sync::mpsc;

use super::running::{Running, keep_log, real, rows, settings};
use crate::support::hosts::{Family, Forwarding as Setup, Hosts};
use crate::support::{Background, until};

fn through_vip(hosts: &Hosts, forwarding: Forwarding, family: Family) -> Settings {
    let key = ServiceKey::Address { protocol: Protocol::Tcp, address: hosts.vip(family), port: 80 };
    let servers: Vec<_> = hosts.servers.iter().map(|host| real(host.address(family), forwarding, 1)).collect();
    let mut settings = settings(key, &servers, Policy::of(key));
    settings.checks.iter_mut().for_each(|check| check.through_vip = true);
    settings
}

/// Stock ipvsadm's list of hidden services.
fn hidden(host: &crate::support::hosts::Host) -> usize {
    host.ipvsadm("-Ln").ok().lines().filter(|line| line.starts_with("FWM")).count()
}

#[test]
fn a_server_that_answers_only_by_itself_is_down() {
    let tunnel = Forwarding::Tunnel(Tunnel::Ipip);
    for (forwarding, setup, family) in [
        (Forwarding::Route, Setup::Dr, Family::V4),
        (Forwarding::Masquerade, Setup::Nat, Family::V4),
        (tunnel, Setup::Tun, Family::V4),
        (Forwarding::Route, Setup::Dr, Family::V6),
        (Forwarding::Masquerade, Setup::Nat, Family::V6),
        (tunnel, Setup::Tun, Family::V6),
    ] {
        let hosts = Hosts::new(2);
        hosts.prepare(setup, family);
        let (director, vip) = (&hosts.director, hosts.vip(family));
        // Answers of direct routing and tunnels come from an address that is the director's own. IPv6 does not mind.
        director.sysctl("net/ipv4/conf/eth0/accept_local", 1);
        let [first, second] = [0, 1].map(|at: usize| hosts.servers[at].address(family).to_string());
        thread::scope(|scope| {
            let settings = through_vip(&hosts, forwarding, family);
            let process = Running::start(scope, director, settings, RunOptions::default());
            let shown = || {
                let listing = director.lvsadm("list").ok();
                (listing.matches(&first).count(), listing.matches(&second).count())
            };
            until(&format!("both work, {forwarding:?} {family:?}"), || shown() == (1, 1));
            assert_eq!(hidden(director), 2, "one for each server, and stock ipvsadm shows them");
            for words in ["list", "save", "-Ln", "-Sn", "list --json"] {
                let output = director.lvsadm(words).ok();
                assert!(
                    !output.contains("FWM") && !output.contains("-f ") && !output.contains("1280704512"),
                    "{output}"
                );
            }
            // It takes connections, but not those of clients: no virtual address, or no way back through the director.
            let length = if family == Family::V4 { 32 } else { 128 };
            let loss = match (setup, family) {
                (Setup::Nat, _) => "ip link set eth0 down".to_owned(),
                (Setup::Dr, _) => format!("ip address del {vip}/{length} dev lo"),
                (Setup::Tun, Family::V4) => format!("ip address del {vip}/{length} dev tunl0"),
                (Setup::Tun, Family::V6) => format!("ip address del {vip}/{length} dev ip6tnl0"),
            };
            hosts.servers[0].run(loss).ok();
            until(&format!("it is out, {forwarding:?} {family:?}"), || shown() == (0, 1));
            process.stop();
        });
        assert_eq!(hidden(director), 0, "hidden services go with the process");
        let left = director.ipvsadm("-Ln").ok();
        assert!(left.contains(&second) && !left.contains(&first), "{left}");
    }
}

/// What the other test starts as a process of its own.
#[test]
fn a_process_of_its_own() {
    if std::env::var_os("LVSADM_LAB_CHECK").is_none() {
        return;
    }
    keep_log();
    // The hosts are those of the test that started this: only their addresses matter.
    let vip = "10.0.0.100".parse().expect("an address");
    let key = ServiceKey::Address { protocol: Protocol::Tcp, address: vip, port: 80 };
    let server = real("10.0.0.11".parse().expect("an address"), Forwarding::Route, 1);
    let mut settings = settings(key, &[server], Policy::of(key));
    settings.checks[0].through_vip = true;
    let (_orders, inbox) = mpsc::channel(1);
    run(settings, &RunOptions::default(), inbox).expect("it runs");
}

#[test]
fn hidden_services_of_a_killed_process_go_with_the_next_one() {
    let hosts = Hosts::new(1);
    hosts.prepare(Setup::Dr, Family::V4);
    let director = &hosts.director;
    director.sysctl("net/ipv4/conf/all/accept_local", 1);
    // Something that somebody else has in the same range.
    director.ipvsadm("-A -f 1280704513 -s wlc").ok();
    let program = std::env::current_exe().expect("this program");
    let words = ["env", "LVSADM_LAB_CHECK=1", &program.display().to_string(), "--exact"].map(str::to_owned);
    let start = || -> Background {
        let name = "check::forwarding::a_process_of_its_own".to_owned();
        director.start(words.iter().cloned().chain([name]).collect::<Vec<_>>())
    };
    let first = start();
    until("it works", || rows(director) == ["10.0.0.11:80 1"; 2]);
    assert_eq!(hidden(director), 2);
    kill(first.pid(), Signal::SIGKILL).expect("killed");
    drop(first);
    assert_eq!(hidden(director), 2, "left behind");
    assert!(!director.lvsadm("list").ok().contains("1280704512"), "and not shown even so");
    // A process that has no use for them.
    thread::scope(|scope| {
        let settings = {
            let mut settings = through_vip(&hosts, Forwarding::Route, Family::V4);
            settings.checks.iter_mut().for_each(|check| check.through_vip = false);
            settings
        };
        let process = Running::start(scope, director, settings, RunOptions::default());
        until("only somebody else's is left", || hidden(director) == 1);
        process.stop();
    });
    assert!(director.ipvsadm("-Ln").ok().contains("1280704513"), "somebody else's is nobody's business");
    // SIGTERM is the proper end.
    let second = start();
    until("it works", || hidden(director) == 2);
    kill(second.pid(), Signal::SIGTERM).expect("told");
    until("its hidden service is gone", || hidden(director) == 1);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(rows(director), ["10.0.0.11:80 1"]);
}
