//! The cluster of the LVS guide from its keepalived.conf: two directors, two web servers, direct routing. lvsadm runs the file on
//! one director and stock keepalived on the other, and lvsadm on both.

use std::{fs, thread, time::Duration};

use nix::sys::signal::{Signal, kill};
use tempfile::TempDir;

use crate::support::{
    Background,
    hosts::{Family, Host, Hosts},
    until,
};

/// What runs a director's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
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
struct Director<'a> {
    host: &'a Host,
    program: Program,
    directory: TempDir,
    process: Option<Background>,
}

impl<'a> Director<'a> {
    fn new(host: &'a Host, program: Program, text: &str) -> Self {
        let directory = TempDir::with_prefix("lvsadm-lab-").expect("a temporary directory");
        fs::write(directory.path().join("keepalived.conf"), text).expect("written");
        let mut director = Self { host, program, directory, process: None };
        director.start();
        director
    }

    fn start(&mut self) {
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
    fn stop(&mut self) {
        let process = self.process.take().expect("it runs");
        kill(process.pid(), Signal::SIGTERM).expect("it runs");
        until("it has given everything up", || !self.has_vip() && self.rows().is_empty());
        // It may still have to say so.
        thread::sleep(Duration::from_millis(500));
    }

    fn has_vip(&self) -> bool {
        self.host.run("ip -o address show dev eth0").ok().contains(" 10.0.0.100/")
    }

    /// The real servers in its table.
    fn rows(&self) -> Vec<String> {
        let text = self.host.ipvsadm("-Ln").ok();
        let row = |line: &str| Some(line.trim().strip_prefix("-> 10.")?.split_whitespace().next()?.to_owned());
        text.lines().filter_map(row).collect()
    }

    fn reload(&self) {
        let process = self.process.as_ref().expect("it runs");
        kill(process.pid(), Signal::SIGHUP).expect("it runs");
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

    hosts.kill_web_server(0);
    until("the dead web server leaves both tables", || master.rows().len() == 1 && backup.rows().len() == 1);
    assert_eq!(answers(&hosts), ["rs2"]);
    hosts.revive_web_server(0);
    until("it returns", || master.rows().len() == 2 && backup.rows().len() == 2);

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

    master.stop();
    until("the second director takes over", || backup.has_vip());
    until("and serves", || answers(&hosts) == ["rs1", "rs2"]);
    master.start();
    until("the first one takes the address back", || master.has_vip() && !backup.has_vip());
    until("and serves", || answers(&hosts) == ["rs1", "rs2"]);
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
