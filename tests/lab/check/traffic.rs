//! Clients while a server dies and comes back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lvsadm::agent::check::RunOptions;
use lvsadm::model::Forwarding;
use lvsadm::pool::settings::Policy;

use super::running::{Running, rows, server, service, settings};
use crate::support::hosts::{Family, Forwarding as Setup, Hosts};
use crate::support::until;

/// One request: when it began, and the page, `None` if there was none.
type Request = (Instant, Option<String>);

fn request(target: SocketAddr) -> Option<String> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&target, limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    page.lines().last().map(str::to_owned)
}

#[test]
fn a_killed_server_leaves_and_returns_and_clients_see_errors_only_until_it_left() {
    let mut hosts = Hosts::new(2);
    hosts.prepare(Setup::Dr, Family::V4);
    let target = SocketAddr::new(hosts.vip(Family::V4), 80);
    let key = service(&hosts);
    let servers: Vec<_> = hosts.servers.iter().map(|host| server(host, Forwarding::Route, 1)).collect();
    let settings = settings(key, &servers, Policy::of(key));
    // The process and the client borrow one copy of the names, so that servers can be killed beside them.
    let web = std::sync::Mutex::new(&mut hosts);
    let (director, client) = {
        let hosts = web.lock().expect("ours");
        (hosts.director.clone(), hosts.client.clone())
    };
    let ended = AtomicBool::new(false);
    let (killed, requests) = thread::scope(|scope| {
        let process = Running::start(scope, &director, settings, RunOptions::default());
        until("both servers are there", || rows(&director).len() == 2);
        let load = scope.spawn(|| {
            client.inside(|| {
                let mut requests: Vec<Request> = Vec::new();
                while !ended.load(Ordering::Relaxed) {
                    requests.push((Instant::now(), request(target)));
                    thread::sleep(Duration::from_millis(10));
                }
                requests
            })
        });
        thread::sleep(Duration::from_secs(2));
        let killed = Instant::now();
        web.lock().expect("ours").kill_web_server(0);
        until("the dead server is out", || rows(&director).len() == 1);
        thread::sleep(Duration::from_secs(3));
        web.lock().expect("ours").revive_web_server(0);
        until("it is back", || rows(&director).len() == 2);
        thread::sleep(Duration::from_secs(1));
        ended.store(true, Ordering::Relaxed);
        let requests = load.join().expect("the client ends");
        let status = process.status();
        let check = &status.services[0].servers[0].checks[0];
        assert!(check.failed > 0 && check.failures[0].reason.contains("refused"), "{check:?}");
        process.stop();
        (killed, requests)
    });
    let errors: Vec<_> = requests.iter().filter(|(_, page)| page.is_none()).map(|(at, _)| *at).collect();
    assert!(!errors.is_empty(), "somebody noticed");
    // Interval 500 ms, answered at once; the guest is slow.
    let window = killed - Duration::from_millis(100)..killed + Duration::from_millis(1500);
    let late: Vec<_> = errors.iter().filter(|at| !window.contains(at)).map(|at| at.duration_since(killed)).collect();
    assert!(late.is_empty(), "{late:?} of {} errors in {} requests", errors.len(), requests.len());
    let last = errors.iter().max().map(|at| at.duration_since(killed));
    println!("{} requests, {} errors, the last {last:?} after the kill", requests.len(), errors.len());
    let served = |name: &str| requests.iter().filter(|(_, page)| page.as_deref() == Some(name)).count();
    assert!(served("rs1") > 10 && served("rs2") > served("rs1"), "both worked, the dead one less");
}
