//! The cluster of the LVS guide from its keepalived.conf: two directors, two web servers, direct routing. lvsadm runs the file on
//! one director and stock keepalived on the other, and lvsadm on both.

use std::{fs, thread, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::support::{
    Background,
    hosts::{Family, Host, Hosts},
    traffic::Traffic,
    until,
};

/// How many clients ask without a pause.
const CLIENTS: u64 = 2;

/// What runs a director's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Lvsadm,
    Keepalived,
}

/// The guide's file, with its habits: intervals of 0, a persistence of 0, a keyword of other checkers.
fn file(state: &str, priority: u8, hosts: &Hosts) -> String {
    let vip = hosts.vip(Family::V4);
    let server = |host: &Host| {
        let address = host.address(Family::V4);
        format!(
            "    real_server {address} 80 {{\n        weight 1\n        TCP_CHECK {{\n            connect_port 80\n            \
             connect_timeout 2\n            nb_get_retry 1\n            delay_before_retry 1\n        }}\n    }}\n"
        )
    };
    let servers: String = hosts.servers.iter().map(server).collect();
    format!(
        "! Configuration File for keepalived\n\
         global_defs {{\n    router_id LVS_{priority}\n    vrrp_skip_check_adv_addr\n    vrrp_garp_interval 0\n    \
         vrrp_gna_interval 0\n}}\n\
         vrrp_instance VI_1 {{\n    state {state}\n    interface eth0\n    virtual_router_id 51\n    priority {priority}\n    \
         advert_int 1\n    authentication {{\n        auth_type PASS\n        auth_pass 1111\n    }}\n    \
         virtual_ipaddress {{\n        {vip}\n    }}\n}}\n\
         virtual_server {vip} 80 {{\n    delay_loop 1\n    lb_algo rr\n    lb_kind DR\n    protocol TCP\n    \
         persistence_timeout 0\n{servers}}}\n"
    )
}

/// A director with its file, and what runs it.
pub(crate) struct Director<'a> {
    pub(crate) host: &'a Host,
    program: Program,
    pub(crate) directory: TempDir,
    process: Option<Background>,
}

impl<'a> Director<'a> {
    pub(crate) fn new(host: &'a Host, program: Program, text: &str) -> Self {
        let directory = TempDir::with_prefix("lvsadm-lab-").expect("a temporary directory");
        fs::write(directory.path().join("keepalived.conf"), text).expect("written");
        let mut director = Self { host, program, directory, process: None };
        director.start();
        director
    }

    pub(crate) fn start(&mut self) {
        let at = self.directory.path().display();
        self.process = Some(self.host.start(match self.program {
            Program::Lvsadm => {
                format!("{} agent run --config {at}/keepalived.conf --run-dir {at}/run", env!("CARGO_BIN_EXE_lvsadm"))
            }
            Program::Keepalived => format!(
                "keepalived --dont-fork --log-console --use-file {at}/keepalived.conf --pid {at}/pid \
                 --vrrp_pid {at}/vrrp --checkers_pid {at}/checkers"
            ),
        }));
    }

    /// Ends it in order, and waits for that.
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        kill(process.pid(), Signal::SIGTERM).expect("it runs");
        until("it has ended", || process.has_ended());
        assert!(!self.has_vip() && self.rows().is_empty(), "it gives everything up");
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        kill(process.pid(), Signal::SIGKILL).expect("it runs");
        until("it is gone", || process.has_ended());
    }

    pub(crate) fn has_vip(&self) -> bool {
        self.host.run("ip -o address show dev eth0").ok().contains(" 10.0.0.100/")
    }

    /// The process that was started.
    pub(crate) fn pid(&self) -> Pid {
        self.process.as_ref().expect("it runs").pid()
    }

    /// The real servers in its table.
    fn rows(&self) -> Vec<String> {
        let text = self.host.ipvsadm("-Ln").ok();
        let row = |line: &str| Some(line.trim().strip_prefix("-> 10.")?.split_whitespace().next()?.to_owned());
        text.lines().filter_map(row).collect()
    }

    pub(crate) fn reload(&self) {
        kill(self.pid(), Signal::SIGHUP).expect("it runs");
    }
}

/// Which servers answer the client, if all of so many requests are answered.
fn answers(hosts: &Hosts) -> Vec<String> {
    let url = format!("http://{}/", hosts.vip(Family::V4));
    let mut words = vec!["curl", "--silent", "--fail", "--max-time", "2"];
    words.extend(std::iter::repeat_n(url.as_str(), 4));
    let output = hosts.client.run(words);
    let mut names: Vec<String> = output.stdout.lines().map(str::to_owned).collect();
    if output.status != 0 {
        names.clear();
    }
    names.sort();
    names.dedup();
    names
}

/// Says what an event cost clients since the last one, and fails the test if that is more requests than these.
#[track_caller]
fn cost(traffic: &Traffic, event: &str, most: u64) {
    let count = traffic.take();
    eprintln!("{event}: {} requests served, {} lost", count.served, count.lost.len());
    assert!(count.lost.len() as u64 <= most, "{event}: {:?}", count.lost);
}

fn cluster(programs: [Program; 2]) {
    let mut hosts = Hosts::with_backup(2);
    let vip = hosts.vip(Family::V4);
    hosts.servers.iter().for_each(|server| server.add_address(vip, "lo"));
    let (first, second) = (hosts.director.clone(), hosts.backup.clone().expect("a second director"));
    let mut master = Director::new(&first, programs[0], &file("MASTER", 100, &hosts));
    let mut backup = Director::new(&second, programs[1], &file("BACKUP", 90, &hosts));

    until("the client is served by both web servers", || answers(&hosts) == ["rs1", "rs2"]);
    until("the first director is master", || master.has_vip() && !backup.has_vip());
    until("the tables are equal", || master.rows().len() == 2 && backup.rows().len() == 2);

    let traffic = Traffic::start(&hosts.client, vip, CLIENTS);
    hosts.kill_web_server(0);
    until("the dead web server leaves both tables", || master.rows().len() == 1 && backup.rows().len() == 1);
    // Until it is out, it refuses what it gets.
    cost(&traffic, "a web server dies", u64::MAX);
    assert_eq!(answers(&hosts), ["rs2"]);
    hosts.revive_web_server(0);
    until("it returns", || master.rows().len() == 2 && backup.rows().len() == 2);
    // Whoever was sent to the dead one a moment before may only know it now.
    cost(&traffic, "without it, and its return", CLIENTS);

    // The same file again changes nothing; one with a fault changes nothing, either.
    if programs[0] == Program::Lvsadm {
        let path = master.directory.path().join("keepalived.conf");
        let text = fs::read_to_string(&path).expect("it is there");
        fs::write(&path, text.replace("virtual_router_id 51", "virtual_router_id 510")).expect("written");
        master.reload();
        thread::sleep(Duration::from_secs(2));
        assert!(
            master.has_vip() && answers(&hosts) == ["rs1", "rs2"],
            "a file with an error does not disturb what runs"
        );
        fs::write(&path, text.replace("weight 1\n", "weight 7\n")).expect("written");
        master.reload();
        until("the weights change", || master.host.ipvsadm("-Ln").ok().contains("Route   7 "));
        assert!(master.has_vip());
        // What somebody else changes is put back.
        master.host.ipvsadm(format!("-D -t {vip}:80")).ok();
        until("the service is back", || master.rows().len() == 2);
        fs::write(&path, text).expect("written");
        master.reload();
    }

    cost(&traffic, "reloads, and a service that somebody deletes", u64::MAX);
    // Whoever is just being served when the address moves is lost; the others only wait. What keepalived does is its own business.
    let moved = if programs == [Program::Lvsadm; 2] { 2 * CLIENTS } else { u64::MAX };
    master.stop();
    until("the second director takes over", || backup.has_vip());
    until("and serves", || answers(&hosts) == ["rs1", "rs2"]);
    cost(&traffic, "the first director ends", moved);
    master.start();
    until("the first one takes the address back", || master.has_vip() && !backup.has_vip());
    until("and serves", || answers(&hosts) == ["rs1", "rs2"]);
    cost(&traffic, "the first director comes back", moved);
    drop(traffic);
    backup.stop();
    assert!(master.has_vip());
    master.stop();
}

#[test]
fn lvsadm_beside_keepalived() {
    cluster([Program::Lvsadm, Program::Keepalived]);
}

#[test]
fn keepalived_beside_lvsadm() {
    cluster([Program::Keepalived, Program::Lvsadm]);
}

#[test]
fn lvsadm_on_both() {
    cluster([Program::Lvsadm; 2]);
}
