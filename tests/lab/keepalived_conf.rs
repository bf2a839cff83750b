//! What a keepalived.conf says of the kernel's table as a whole: what is removed when, timeouts, sync daemons, tunnels. Stock keepalived
//! is the judge: what holds here holds of both programs, unless a test says otherwise.

use std::fs;

use crate::{
    cluster::{Director, Program},
    support::{
        hosts::{Family, Host, Hosts},
        until,
    },
};

/// A file with one service, and what is said of all.
fn file(hosts: &Hosts, global: &str) -> String {
    let (vip, server) = (hosts.vip(Family::V4), hosts.servers[0].address(Family::V4));
    format!(
        "global_defs {{\n{global}\n}}\nvirtual_server {vip} 80 {{\n lb_algo rr\n lb_kind DR\n protocol TCP\n \
         real_server {server} 80 {{\n }}\n}}\n"
    )
}

/// The services in a host's table: `TCP 10.0.0.100:80`.
fn services(host: &Host) -> Vec<String> {
    let text = host.ipvsadm("-Ln").ok();
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        let protocol = words.next().filter(|word| ["TCP", "UDP", "FWM"].contains(word))?;
        Some(format!("{protocol} {}", words.next()?))
    };
    text.lines().filter_map(name).collect()
}

fn timeouts(host: &Host) -> String {
    let text = host.ipvsadm("-L --timeout").ok();
    text.rsplit(':').next().unwrap_or_default().trim().to_owned()
}

impl Director<'_> {
    /// Has another file read.
    fn goes_on_with(&self, text: &str) {
        fs::write(self.directory.path().join("keepalived.conf"), text).expect("written");
        self.reload();
    }

    /// Starts with another file.
    fn starts_with(&mut self, text: &str) {
        fs::write(self.directory.path().join("keepalived.conf"), text).expect("written");
        self.start();
    }
}

fn table(program: Program) {
    let hosts = Hosts::new(1);
    let host = &hosts.director;
    let own = format!("TCP {}:80", hosts.vip(Family::V4));
    let other = |host: &Host| host.ipvsadm("-A -u 10.0.0.100:53 -s rr").ok();
    let others = "UDP 10.0.0.100:53";
    let before = timeouts(host);

    // Emptied at the start; at the end only what is the file's goes.
    other(host);
    let text = file(&hosts, " lvs_flush\n lvs_flush_on_stop VS\n lvs_timeouts tcp 800 udp 200");
    let mut director = Director::new(host, program, &text);
    until("the table is the file's", || services(host) == [own.clone()]);
    let [_, tcpfin, _] = before.split(' ').collect::<Vec<_>>()[..] else { panic!("{before}") };
    until("the timeouts are the file's", || timeouts(host) == format!("800 {tcpfin} 200"));
    other(host);
    director.goes_on_with(&text.replace("tcp 800", "tcp 700"));
    until("other timeouts", || timeouts(host) == format!("700 {tcpfin} 200"));
    assert_eq!(services(host).len(), 2, "a reload empties nothing");
    director.stop();
    until("the timeouts are as they were", || timeouts(host) == before);
    assert_eq!(services(host), [others]);

    // Nothing is emptied; what is said of the end when the file is read again counts.
    director.starts_with(&file(&hosts, ""));
    until("the service is there", || services(host).contains(&own));
    assert!(services(host).contains(&others.to_owned()), "{:?}", services(host));
    director.goes_on_with(&file(&hosts, " lvs_flush_on_stop\n lvs_timeouts tcp 600"));
    until("it was read", || timeouts(host).starts_with("600 "));
    director.stop();
    until("the table is empty", || services(host).is_empty());
    until("the timeouts are as they were", || timeouts(host) == before);
}

#[test]
fn the_table_of_stock_keepalived() {
    table(Program::Keepalived);
}

#[test]
fn the_table_of_lvsadm() {
    table(Program::Lvsadm);
}

/// One that was killed is followed by one that goes on: the table is not emptied a second time, and connections stay.
#[test]
fn a_killed_agent_s_table_is_not_emptied() {
    let hosts = Hosts::new(1);
    let host = &hosts.director;
    let mut director = Director::new(host, Program::Lvsadm, &file(&hosts, " lvs_flush"));
    let runs = |director: &Director<'_>| {
        let status = format!("check list --run-dir {}/run", director.directory.path().display());
        host.lvsadm(status).status == 0
    };
    until("it runs", || runs(&director) && services(host).len() == 1);
    director.kill();
    host.ipvsadm("-A -u 10.0.0.100:53 -s rr").ok();
    director.start();
    until("it runs again", || runs(&director));
    let now = services(host);
    assert!(now.len() == 2, "{now:?}");
    director.stop();
    assert_eq!(services(host), ["UDP 10.0.0.100:53"]);
}

/// The daemons of a host: `master 51`.
fn daemons(host: &Host) -> Vec<String> {
    let text = host.ipvsadm("-L --daemon").ok();
    let daemon = |line: &str| {
        let (role, rest) = line.split_once(" sync daemon")?;
        let id = rest.split_once("syncid=")?.1.split([',', ')']).next()?;
        Some(format!("{role} {id}"))
    };
    text.lines().filter_map(daemon).collect()
}

#[test]
fn sync_daemons_follow_their_instance() {
    let hosts = Hosts::with_backup(0);
    let (first, second) = (&hosts.director, hosts.backup.as_ref().expect("a second director"));
    let text = |priority: u8| {
        format!(
            "global_defs {{\n lvs_sync_daemon eth0 VI_1\n}}\nvrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n \
             priority {priority}\n advert_int 1\n virtual_ipaddress {{\n {}\n }}\n}}\n",
            hosts.vip(Family::V4)
        )
    };
    let mut ours = Director::new(first, Program::Lvsadm, &text(150));
    let mut stock = Director::new(second, Program::Keepalived, &text(100));
    until("ours is master", || ours.has_vip() && daemons(first) == ["master 51"]);
    until("stock keepalived is backup", || daemons(second) == ["backup 51"]);
    ours.stop();
    assert_eq!(daemons(first), [""; 0]);
    until("stock keepalived is master", || stock.has_vip() && daemons(second) == ["master 51"]);
    ours.starts_with(&text(50));
    until("ours is backup", || daemons(first) == ["backup 51"]);
    stock.stop();
    until("ours is master again", || daemons(first) == ["master 51"]);
    // Without the words there is none.
    ours.goes_on_with(&text(50).replace("lvs_sync_daemon eth0 VI_1", ""));
    until("the daemon has ended", || daemons(first).is_empty());
    assert!(ours.has_vip());
    ours.stop();
}

/// A server that nobody has tested, and so a sorry server behind a tunnel.
fn sorry(program: Program) -> Vec<String> {
    let hosts = Hosts::new(1);
    let vip = hosts.vip(Family::V4);
    let text = |tunnel: &str| {
        format!(
            "virtual_server {vip} 80 {{\n lb_algo rr\n lb_kind DR\n protocol TCP\n alpha\n delay_loop 600\n sorry_server 10.0.0.99 80\n \
             sorry_server_lvs_method TUN type {tunnel}\n real_server 10.0.0.98 80 {{\n TCP_CHECK {{\n connect_timeout 1\n }}\n }}\n}}\n"
        )
    };
    let row = || {
        let text = hosts.director.ipvsadm("-Sn").ok();
        text.lines().find_map(|line| line.split_once("-r 10.0.0.99:80 ").map(|(_, rest)| rest.to_owned()))
    };
    let tunnels = ["gre csum", "gue port 6080", "gue port 6081 remcsum"];
    let rows = tunnels.map(|tunnel| {
        let mut director = Director::new(&hosts.director, program, &text(tunnel));
        until("the sorry server is there", || row().is_some());
        let row = row().unwrap_or_default();
        director.stop();
        row
    });
    rows.to_vec()
}

#[test]
fn sorry_servers_behind_tunnels() {
    let ours = sorry(Program::Lvsadm);
    assert_eq!(ours, sorry(Program::Keepalived));
    assert!(ours[0].contains("--tun-type gre") && ours[2].contains("--tun-port 6081 --tun-remcsum"), "{ours:?}");
}
