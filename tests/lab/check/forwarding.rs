//! Probes through the virtual address, by the kernel's own forwarding.

use std::thread;
use std::time::Duration;

use lvsadm::agent::check::{RunOptions, run};
use lvsadm::model::Forwarding;
use lvsadm::pool::settings::{Policy, Settings};
use nix::sys::signal::{Signal, kill};
use tokio::sync::mpsc;

use super::running::{Running, keep_log, rows, server, service, settings};
use crate::support::hosts::{Family, Forwarding as Setup, Hosts};
use crate::support::{Background, until};

fn through_vip(hosts: &Hosts, forwarding: Forwarding) -> Settings {
    let key = service(hosts);
    let servers: Vec<_> = hosts.servers.iter().map(|host| server(host, forwarding, 1)).collect();
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
    for (forwarding, setup) in [(Forwarding::Route, Setup::Dr), (Forwarding::Masquerade, Setup::Nat)] {
        let hosts = Hosts::new(2);
        hosts.prepare(setup, Family::V4);
        let (director, vip) = (&hosts.director, hosts.vip(Family::V4));
        // Answers of direct routing come from an address that is the director's own.
        director.sysctl("net/ipv4/conf/all/accept_local", 1);
        thread::scope(|scope| {
            let process = Running::start(scope, director, through_vip(&hosts, forwarding), RunOptions::default());
            let shown = || {
                let listing = director.lvsadm("list").ok();
                (listing.matches("10.0.0.11").count(), listing.matches("10.0.0.12").count())
            };
            until("both work", || shown() == (1, 1));
            assert_eq!(hidden(director), 2, "one for each server, and stock ipvsadm shows them");
            for words in ["list", "save", "-Ln", "-Sn", "list --json"] {
                let output = director.lvsadm(words).ok();
                assert!(
                    !output.contains("FWM") && !output.contains("-f ") && !output.contains("1280704512"),
                    "{output}"
                );
            }
            // It takes connections, but not those of clients: no virtual address, or no way back through the director.
            match setup {
                Setup::Dr => drop(hosts.servers[0].run(format!("ip address del {vip}/32 dev lo")).ok()),
                _ => drop(hosts.servers[0].run("ip link set eth0 down").ok()),
            }
            until("it is out", || shown() == (0, 1));
            process.stop();
        });
        assert_eq!(hidden(director), 0, "hidden services go with the process");
        assert_eq!(rows(director), ["10.0.0.12:80 1"]);
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
    let key = lvsadm::model::ServiceKey::Address { protocol: lvsadm::model::Protocol::Tcp, address: vip, port: 80 };
    let server = super::running::real("10.0.0.11".parse().expect("an address"), Forwarding::Route, 1);
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
            let mut settings = through_vip(&hosts, Forwarding::Route);
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
