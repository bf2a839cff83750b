//! What a keepalived.conf says of the kernel's table as a whole: what is removed when, timeouts, sync daemons, tunnels. Stock keepalived
//! is the judge: what holds here holds of both programs, unless a test says otherwise.

use std::{
    fs,
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    thread,
    time::Duration,
};

use nix::{libc, sys::stat::Mode, unistd::mkfifo};

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

/// A FIFO of the test's, and what was written to it.
struct Ear {
    fifo: fs::File,
    lines: String,
}

impl Ear {
    fn new(path: &Path) -> Self {
        mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
        let fifo = fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path);
        Self { fifo: fifo.expect("our FIFO"), lines: String::new() }
    }

    /// Reads what is there; keepalived has a byte 0 behind each line about servers.
    fn hear(&mut self) {
        let mut bytes = [0; 4096];
        while let Ok(length) = self.fifo.read(&mut bytes) {
            self.lines += &String::from_utf8_lossy(&bytes[..length]).replace('\0', "");
        }
    }
}

/// What FIFOs are told while servers come and go, step by step: that for servers, and that for everything, of which the lines
/// about instances stand last because two processes write to it.
fn told(program: Program) -> String {
    let hosts = Hosts::new(3);
    let directory = tempfile::tempdir().expect("a directory");
    let (lvs, all) = (directory.path().join("lvs"), directory.path().join("all"));
    let mut ears = [Ear::new(&lvs), Ear::new(&all)];
    let server = |number: usize| {
        let address = hosts.servers[number].address(Family::V4);
        format!(
            " real_server {address} 80 {{\n weight 1\n TCP_CHECK {{\n connect_timeout 1\n retry 0\n \
             delay_before_retry 1\n warmup 0\n }}\n }}\n"
        )
    };
    let text = |numbers: &[usize]| {
        let servers: String = numbers.iter().map(|number| server(*number)).collect();
        format!(
            "global_defs {{\n script_user root\n lvs_notify_fifo {lvs}\n notify_fifo {all}\n}}\n\
             vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n priority 150\n advert_int 1\n \
             virtual_ipaddress {{\n 10.0.0.77\n }}\n}}\n\
             virtual_server {vip} 80 {{\n delay_loop 1\n lb_algo rr\n lb_kind DR\n protocol TCP\n quorum {quorum}\n{servers}}}\n",
            lvs = lvs.display(),
            all = all.display(),
            vip = hosts.vip(Family::V4),
            quorum = numbers.len(),
        )
    };
    let (three, two) = (text(&[0, 1, 2]), text(&[1, 2]));
    let mut director = Director::new(&hosts.director, program, &three);
    let mut transcript = String::new();
    let mut step = |name: &str, rows: usize| {
        let count = || hosts.director.ipvsadm("-Ln").ok().matches("  -> 10.").count();
        until(name, || count() == rows);
        // Whatever else there is to be told.
        thread::sleep(Duration::from_secs(4));
        transcript += &format!("-- {name}\n");
        for ear in &mut ears {
            ear.hear();
            let lines = std::mem::take(&mut ear.lines);
            let (of_instances, of_servers): (Vec<_>, Vec<_>) = lines.lines().partition(|line| line.starts_with("INST"));
            of_servers.iter().chain(&of_instances).for_each(|line| transcript += &format!("{line}\n"));
            transcript.push('\n');
        }
    };
    step("start", 3);
    hosts.servers[0].run("ip link set eth0 down").ok();
    step("a server is gone", 2);
    hosts.servers[0].run("ip link set eth0 up").ok();
    step("it is back", 3);
    director.goes_on_with(&two);
    step("it is out of the file", 2);
    director.goes_on_with(&three);
    step("it is in it again", 3);
    director.stop();
    step("end", 0);
    transcript
}

#[test]
fn fifos_are_told_what_keepalived_tells_them() {
    let (ours, stock) = (told(Program::Lvsadm), told(Program::Keepalived));
    // keepalived says of a server that is taken out of the file that it failed, and of its service that it has lost the
    // quorum which the file does not ask for any more.
    let failed = "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 DOWN\nVS [10.0.0.100]:tcp:80 DOWN\n\n";
    let (out, both) = ("-- it is out of the file\n", format!("{failed}{failed}"));
    assert!(stock.contains(&format!("{out}{both}")), "{stock}");
    assert_eq!(ours, stock.replace(&format!("{out}{both}"), &format!("{out}\n\n")));
    assert!(stock.contains("VS [10.0.0.100]:tcp:80 UP\n") && stock.contains("INSTANCE \"VI_1\" MASTER 150"), "{stock}");
}

/// What ran when a service began, with servers that work: commands, and what the FIFO was told.
fn begun(program: Program, global: &str, virtual_server: &str) -> String {
    let hosts = Hosts::new(1);
    let directory = tempfile::tempdir().expect("a directory");
    let (fifo, log) = (directory.path().join("fifo"), directory.path().join("log"));
    let mut ear = Ear::new(&fifo);
    let say = |word: &str| format!("\"/bin/sh -c 'echo {word} >> {}'\"", log.display());
    let (vip, server) = (hosts.vip(Family::V4), hosts.servers[0].address(Family::V4));
    let text = format!(
        "global_defs {{\n script_user root\n lvs_notify_fifo {fifo}\n {global}\n}}\nvirtual_server {vip} 80 {{\n delay_loop 1\n \
         lb_algo rr\n lb_kind DR\n protocol TCP\n {virtual_server}\n quorum_up {up}\n quorum_down {down}\n \
         real_server {server} 80 {{\n notify_up {server_up}\n notify_down {server_down}\n TCP_CHECK {{\n \
         connect_timeout 1\n retry 0\n warmup 0\n }}\n }}\n}}\n",
        fifo = fifo.display(),
        up = say("quorum_up"),
        down = say("quorum_down"),
        server_up = say("notify_up"),
        server_down = say("notify_down"),
    );
    let mut director = Director::new(&hosts.director, program, &text);
    thread::sleep(Duration::from_secs(4));
    director.stop();
    ear.hear();
    // Whose commands run first is chance in keepalived.
    let mut ran: Vec<String> = fs::read_to_string(&log).unwrap_or_default().lines().map(str::to_owned).collect();
    ran.sort();
    format!("{}{}", ear.lines, ran.join("\n"))
}

#[test]
fn services_begin_as_with_keepalived() {
    for (global, virtual_server) in [("", ""), ("rs_init_notifies", ""), ("", "omega")] {
        let (ours, stock) =
            (begun(Program::Lvsadm, global, virtual_server), begun(Program::Keepalived, global, virtual_server));
        assert_eq!(ours, stock, "{global} {virtual_server}");
        assert!(stock.contains("VS [10.0.0.100]:tcp:80 UP\n") && stock.contains("quorum_up"), "{stock}");
    }
}

/// Whoever ends in the moment after it took over from one that was killed gives up what that one held.
#[test]
fn an_agent_that_ends_at_once_leaves_nothing_of_a_killed_one() {
    let hosts = Hosts::new(1);
    let vip = hosts.vip(Family::V4);
    let text = file(&hosts, "")
        + &format!(
            "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n version 3\n advert_int 0.1\n \
             virtual_ipaddress {{\n {vip}\n }}\n}}\n"
        );
    for delay in [0, 30, 60, 100, 200, 400] {
        let mut director = Director::new(&hosts.director, Program::Lvsadm, &text);
        until("it holds both", || director.has_vip() && services(director.host).len() == 1);
        director.kill();
        let socket = director.directory.path().join("run/agent.sock");
        let number = || fs::symlink_metadata(&socket).map_or(0, |socket| socket.ino());
        let old = number();
        director.start();
        until("it has begun", || number() != old);
        thread::sleep(Duration::from_millis(delay));
        director.stop();
    }
}
