//! What stock ipvsadm sees: sorry servers, quorum, inhibit; and what it does to the table behind our back.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lvsadm::agent::check::{Foreign, Order, RunOptions};
use lvsadm::agent::control::{self, Applied};
use lvsadm::agent::event::Author;
use lvsadm::host::Command;
use lvsadm::model::{Change, Forwarding};
use lvsadm::pool::settings::Policy;
use tokio::sync::oneshot;

use super::running::{Running, real, rows, said, server, service, settings};
use crate::support::hosts::{Family, Hosts};
use crate::support::until;

fn command(name: &str) -> Option<Command> {
    Some(Command { words: vec!["/bin/true".to_owned(), name.to_owned()], user: None })
}

/// Compares with the kernel's table each second.
fn options() -> RunOptions {
    RunOptions { compare: Duration::from_secs(1), ..RunOptions::default() }
}

#[test]
fn quorum_sorry_server_and_inhibit() {
    let mut hosts = Hosts::new(3);
    let key = service(&hosts);
    let servers: Vec<_> = hosts.servers[..2].iter().map(|host| server(host, Forwarding::Route, 2)).collect();
    let policy = Policy {
        quorum: 3,
        sorry: Some(server(&hosts.servers[2], Forwarding::Route, 1)),
        inhibit: true,
        quorum_up: command("up"),
        quorum_down: command("down"),
        ..Policy::of(key)
    };
    let director = hosts.director.clone();
    thread::scope(|scope| {
        let mut process = Running::start(scope, &director, settings(key, &servers, policy.clone()), options());
        until("both work", || rows(&director) == ["10.0.0.11:80 2", "10.0.0.12:80 2"]);
        until("the command came", || process.commands() == ["/bin/true up"]);
        hosts.kill_web_server(0);
        until("the sorry server takes over", || {
            rows(&director) == ["10.0.0.11:80 0", "10.0.0.12:80 0", "10.0.0.13:80 1"]
        });
        until("the command came", || process.commands() == ["/bin/true down"]);
        hosts.revive_web_server(0);
        until("both work again", || rows(&director) == ["10.0.0.11:80 2", "10.0.0.12:80 2"]);
        // Other settings: a quorum that one server makes up. Nobody is asked anew.
        let (reply, answer) = oneshot::channel();
        let easier = Policy { quorum: 1, inhibit: false, ..policy };
        process.order(Order::Replace(Box::new(settings(key, &servers, easier)), reply));
        assert_eq!(answer.blocking_recv().expect("an answer").expect("good settings"), [""; 0]);
        assert_eq!(rows(&director), ["10.0.0.11:80 2", "10.0.0.12:80 2"]);
        hosts.kill_web_server(1);
        until("the dead one is out", || rows(&director) == ["10.0.0.11:80 2"]);
        process.stop();
    });
    assert_eq!(rows(&director), ["10.0.0.11:80 2"], "the table stays as it is");
}

#[test]
fn a_started_process_changes_nothing_before_it_knows() {
    let hosts = Hosts::new(2);
    let key = service(&hosts);
    let servers: Vec<_> = hosts.servers.iter().map(|host| server(host, Forwarding::Route, 1)).collect();
    let director = hosts.director.clone();
    director.ipvsadm("-A -t 10.0.0.100:80 -s rr").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11 -g -w 1").ok();
    thread::scope(|scope| {
        let mut slow = settings(key, &servers, Policy::of(key));
        slow.checks
            .iter_mut()
            .for_each(|check| Arc::make_mut(&mut check.probe).connection.interface = Some("eth9".to_owned()));
        let process = Running::start(scope, &director, slow, options());
        until("both were asked", || {
            process.status().services[0].servers.iter().all(|server| server.checks[0].unknown > 1)
        });
        assert_eq!(rows(&director), ["10.0.0.11:80 1"], "we failed, not the servers");
        assert!(said("tells nothing"));
        process.stop();
    });
    assert_eq!(rows(&director), ["10.0.0.11:80 1"]);
}

#[test]
fn what_the_kernel_refuses_is_said_and_tried_again() {
    let mut hosts = Hosts::new(1);
    let key = service(&hosts);
    let director = hosts.director.clone();
    // A tunnel to another family is impossible beside a sync daemon.
    let address = hosts.servers[0].address(Family::V6);
    let tunnel = real(address, Forwarding::Tunnel(lvsadm::model::Tunnel::Ipip), 1);
    let policy = Policy { sorry: Some(tunnel), ..Policy::of(key) };
    let servers = [server(&hosts.servers[0], Forwarding::Route, 1), real(address, tunnel.forwarding, 2)];
    director.ipvsadm("--start-daemon master --mcast-interface eth0").ok();
    thread::scope(|scope| {
        let process = Running::start(scope, &director, settings(key, &servers, policy), options());
        until("one of them is there", || rows(&director) == ["10.0.0.11:80 1"]);
        until("the refusal is known", || process.status().table.refusals.len() == 1);
        assert!(said("cannot add the real server [fd00::11]:80 to TCP 10.0.0.100:80"));
        let refused = process.status().table.refused;
        until("it is tried again", || process.status().table.refused > refused);
        director.ipvsadm("--stop-daemon master").ok();
        until("the kernel takes it", || rows(&director) == ["10.0.0.11:80 1", "[fd00::11]:80 2"]);
        until("nothing is refused", || process.status().table.refusals.is_empty());
        // A sorry server that cannot be added costs nobody the servers that work. Here none do.
        hosts.kill_web_server(0);
        until("the sorry server is there", || rows(&director) == ["[fd00::11]:80 1"]);
        process.stop();
    });
}

#[test]
fn others_changes_are_adopted_or_put_back() {
    let mut hosts = Hosts::new(2);
    let key = service(&hosts);
    let servers: Vec<_> = hosts.servers.iter().map(|host| server(host, Forwarding::Route, 1)).collect();
    let director = hosts.director.clone();
    let all = settings(key, &servers, Policy::of(key));
    thread::scope(|scope| {
        let process = Running::start(scope, &director, all.clone(), options());
        until("both work", || rows(&director) == ["10.0.0.11:80 1", "10.0.0.12:80 1"]);
        director.ipvsadm("-e -t 10.0.0.100:80 -r 10.0.0.11 -g -w 7").ok();
        director.ipvsadm("-E -t 10.0.0.100:80 -s wlc").ok();
        until("both changes are found", || process.status().table.foreign == 2);
        hosts.kill_web_server(0);
        until("it is out", || rows(&director) == ["10.0.0.12:80 1"]);
        hosts.revive_web_server(0);
        until("it is back with its new weight", || rows(&director) == ["10.0.0.11:80 7", "10.0.0.12:80 1"]);
        // A server that is down is added by hand, and taken out again: it is down.
        hosts.kill_web_server(0);
        until("it is out", || rows(&director) == ["10.0.0.12:80 1"]);
        director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11 -g -w 9").ok();
        until("it is out again", || rows(&director) == ["10.0.0.12:80 1"]);
        hosts.revive_web_server(0);
        until("it has the weight of that", || rows(&director) == ["10.0.0.11:80 9", "10.0.0.12:80 1"]);
        // What is deleted by hand stays deleted, and is checked again when it comes back.
        director.ipvsadm("-C").ok();
        until("the checks are idle", || process.status().idle.len() == 2);
        director.ipvsadm("-A -t 10.0.0.100:80 -s rr").ok();
        director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.12 -g -w 3").ok();
        until("it is checked again", || process.status().services.len() == 1);
        hosts.kill_web_server(1);
        until("it is out", || rows(&director).is_empty());
        hosts.revive_web_server(1);
        until("it is back", || rows(&director) == ["10.0.0.12:80 3"]);
        // The operator's own change goes through the process.
        process.order(Order::Change(Change::AddServer(key, servers[0])));
        until("it passed, and is there", || rows(&director) == ["10.0.0.11:80 1", "10.0.0.12:80 3"]);
        process.stop();
    });
    director.ipvsadm("-C").ok();
    thread::scope(|scope| {
        let restore = RunOptions { foreign: Foreign::Restore, restore_table: true, ..options() };
        let process = Running::start(scope, &director, all, restore);
        until("both work", || rows(&director) == ["10.0.0.11:80 1", "10.0.0.12:80 1"]);
        director.ipvsadm("-C").ok();
        until("it is put back", || rows(&director) == ["10.0.0.11:80 1", "10.0.0.12:80 1"]);
        hosts.kill_web_server(0);
        until("it is out", || rows(&director) == ["10.0.0.12:80 1"]);
        process.stop();
    });
    assert_eq!(rows(&director), ["10.0.0.11:80 1", "10.0.0.12:80 1"], "at the end as the operator has it");
}

#[test]
fn checks_sleep_without_their_address() {
    let mut hosts = Hosts::new(1);
    let key = service(&hosts);
    let servers = [server(&hosts.servers[0], Forwarding::Route, 1)];
    let director = hosts.director.clone();
    let vip = hosts.vip(Family::V4);
    let policy = Policy { suspend_without: Some(vip), ..Policy::of(key) };
    hosts.kill_web_server(0);
    director.ipvsadm("-A -t 10.0.0.100:80 -s rr").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11 -g -w 1").ok();
    thread::scope(|scope| {
        let process = Running::start(scope, &director, settings(key, &servers, policy), options());
        assert!(process.status().services[0].suspended);
        thread::sleep(Duration::from_secs(2));
        assert_eq!(process.status().probes.begun, 0);
        director.add_address(vip, "eth0");
        until("the dead server is out", || rows(&director).is_empty());
        director.run(format!("ip address del {vip}/32 dev eth0")).ok();
        until("the checks sleep", || process.status().services[0].suspended);
        hosts.revive_web_server(0);
        thread::sleep(Duration::from_secs(2));
        assert_eq!(rows(&director), [""; 0]);
        process.stop();
    });
}

/// A process that owns what its settings list, and no more, passes changes of all else on to the kernel.
#[test]
fn changes_of_others_services_are_passed_on() {
    let hosts = Hosts::new(1);
    let key = service(&hosts);
    let servers = [server(&hosts.servers[0], Forwarding::Route, 1)];
    let director = hosts.director.clone();
    director.ipvsadm("-A -t 10.0.0.200:80 -s rr").ok();
    director.ipvsadm("-a -t 10.0.0.200:80 -r 10.0.0.21:80 -g -w 1").ok();
    thread::scope(|scope| {
        let process = Running::start(scope, &director, settings(key, &servers, Policy::of(key)), options());
        until("both are there", || rows(&director) == ["10.0.0.11:80 1", "10.0.0.21:80 1"]);
        let apply = |lines: &[&str], each| -> Applied {
            let changes = lines.iter().map(|line| control::change(line).expect("a change")).collect();
            let (reply, answer) = oneshot::channel();
            let by = Author { user: "a test".to_owned(), pid: None };
            process.order(Order::Apply { changes, each, by, reply });
            answer.blocking_recv().expect("an answer").expect("the kernel can be asked")
        };
        let applied = apply(
            &[
                "-e -t 10.0.0.100:80 -r 10.0.0.11:80 -g -w 3",
                "-a -t 10.0.0.200:80 -r 10.0.0.22:80 -g -w 2",
                "-A -t 10.0.0.201:80 -s rr",
                "-a -t 10.0.0.201:80 -r 10.0.0.31:80 -g -w 1",
            ],
            false,
        );
        assert_eq!((applied.done, applied.refused), (4, Vec::new()));
        let now = ["10.0.0.11:80 3", "10.0.0.21:80 1", "10.0.0.22:80 2", "10.0.0.31:80 1"];
        assert_eq!(rows(&director), now);
        let (reply, answer) = oneshot::channel();
        process.order(Order::Table(None, reply));
        let table = answer.blocking_recv().expect("an answer").expect("the kernel can be asked").table;
        assert_eq!(table.services.keys().collect::<Vec<_>>(), [&key], "what others have is not ours");
        // One line is wrong: what was done of ours and of theirs is undone. Or each stands by itself.
        for (good, bad) in
            [("100:80 -r 10.0.0.11", "200:80 -r 10.0.0.29"), ("200:80 -r 10.0.0.21", "100:80 -r 10.0.0.19")]
        {
            let lines = [format!("-e -t 10.0.0.{good}:80 -g -w 9"), format!("-e -t 10.0.0.{bad}:80 -g -w 9")];
            let lines = [lines[0].as_str(), lines[1].as_str()];
            let applied = apply(&lines, false);
            assert_eq!((applied.done, applied.refused.len(), applied.refused[0].index), (0, 1, 1), "{lines:?}");
            assert_eq!(rows(&director), now, "{lines:?}");
            let applied = apply(&lines, true);
            assert_eq!((applied.done, applied.refused.len(), applied.refused[0].index), (1, 1, 1), "{lines:?}");
            assert_ne!(rows(&director), now, "{lines:?}");
            let back = if good.starts_with("100") { 3 } else { 1 };
            assert_eq!(apply(&[&format!("-e -t 10.0.0.{good}:80 -g -w {back}")], false).done, 1);
            assert_eq!(rows(&director), now);
        }
        // A clear is of everything.
        assert_eq!(apply(&["-C"], false).refused, Vec::new());
        assert_eq!(director.ipvsadm("-Ln").ok().matches("TCP").count(), 0);
        process.stop();
    });
}
