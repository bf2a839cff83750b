//! Elections by preemption, ownership and what is tracked, with real processes.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use super::site::{Host, Site, until};

const VIP: &str = "10.9.9.100";
const LIMIT: Duration = Duration::from_secs(12);

fn line(priority: u8, more: &str) -> String {
    format!(
        "vrrp add VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --priority {priority} --address {VIP}/24 {more}\n"
    )
}

#[track_caller]
fn only(site: &Site, holder: usize) {
    until(&format!("host {} alone has the address", holder + 1), LIMIT, || {
        site.hosts.iter().take(2).enumerate().all(|(index, host)| host.has(VIP) == (index == holder))
    });
}

#[track_caller]
fn stays(site: &Site, holder: usize, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        assert!(site.hosts.iter().take(2).enumerate().all(|(index, host)| host.has(VIP) == (index == holder)));
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn nopreempt_and_a_delay() {
    let site = Site::new(2);
    let _low = site.hosts[1].vrrp_file(&line(100, ""));
    only(&site, 1);
    let high = site.hosts[0].vrrp_file(&line(150, "--nopreempt"));
    until("it listens", LIMIT, || site.hosts[0].is("VI_1", "backup"));
    stays(&site, 1, Duration::from_millis(800));
    // Allowed to, but not at once.
    let begun = Instant::now();
    site.hosts[0].change("edit VI_1 --unset nopreempt --preempt-delay 1s").ok();
    only(&site, 0);
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}\n{}", begun.elapsed(), high.log());
}

#[test]
fn an_owner_is_master_at_once() {
    let site = Site::new(2);
    let _low = site.hosts[1].vrrp_file(&line(254, ""));
    only(&site, 1);
    let _owner = site.hosts[0].vrrp_file(&line(255, "--no-accept"));
    only(&site, 0);
    let transitions = site.hosts[0].instance("VI_1")["transitions"].clone();
    assert_eq!(transitions.as_array().map(Vec::len), Some(1), "{transitions}");
    // Its own addresses are pinged whatever is said.
    assert!(site.hosts[1].pings(VIP));
}

#[test]
fn begin_early_or_late() {
    let site = Site::new(2);
    let slow = "--down-timer-adverts 30";
    let begun = Instant::now();
    let _early = site.hosts[0].vrrp_file(&line(150, &format!("--initial master {slow}")));
    only(&site, 0);
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    let late = format!("vrrp set --startup-delay 1s\n{}", line(200, ""));
    let begun = Instant::now();
    let _late = site.hosts[1].vrrp_file(&late);
    until("it waits", LIMIT, || site.hosts[1].vrrp("show VI_1").stdout.contains("startup delay"));
    only(&site, 1);
    assert!(begun.elapsed() > Duration::from_millis(1200), "{:?}", begun.elapsed());
}

/// A director with trackers, and one with priority 100 that takes over below that.
fn tracked(site: &Site, lines: &str) -> [super::site::Daemon; 2] {
    let a = site.hosts[0].vrrp_file(lines);
    let b = site.hosts[1].vrrp_file(&line(100, ""));
    [a, b]
}

#[test]
fn an_interface_by_weight_and_by_fault() {
    let site = Site::new(2);
    let host = &site.hosts[0];
    host.run("ip link add up0 type veth peer name far0").ok();
    host.run("ip link set far0 up").ok();
    host.run("ip link set up0 up").ok();
    let _daemons = tracked(&site, &line(150, "--track-interface up0:-60"));
    only(&site, 0);
    host.run("ip link set up0 down").ok();
    only(&site, 1);
    assert_eq!(host.instance("VI_1")["priority"], 90);
    host.run("ip link set up0 up").ok();
    only(&site, 0);
    host.change("edit VI_1 --track-interface up0:0").ok();
    host.run("ip link delete up0").ok();
    until("it has a fault", LIMIT, || host.is("VI_1", "fault"));
    only(&site, 1);
}

#[test]
fn scripts_rise_fall_and_time_out() {
    let site = Site::new(2);
    let host = &site.hosts[0];
    let directory = crate::directory();
    let state = directory.path().join("state");
    let who = directory.path().join("who");
    fs::write(&who, "").expect("a file");
    fs::set_permissions(&who, std::os::unix::fs::PermissionsExt::from_mode(0o666)).expect("ours");
    let body = format!(
        "id -un > {}; test \"$(cat {})\" = hang && exec sleep 5; test \"$(cat {1})\" = good",
        who.display(),
        state.display()
    );
    let check = crate::script(directory.path(), "check", &body);
    fs::write(&state, "good").expect("a file");
    let lines = format!(
        "vrrp add-script chk --command 'nobody@{}' --interval 100ms --timeout 2s --rise 3 --fall 2\n{}",
        check.display(),
        line(150, "--track-script chk:-60")
    );
    let [daemon, _other] = tracked(&site, &lines);
    only(&site, 0);
    assert_eq!(fs::read_to_string(&who).expect("a file").trim(), "nobody");
    fs::write(&state, "bad").expect("a file");
    only(&site, 1);
    fs::write(&state, "good").expect("a file");
    only(&site, 0);
    host.change("edit-script chk --timeout 150ms").ok();
    fs::write(&state, "hang").expect("a file");
    only(&site, 1);
    assert!(daemon.log().contains("script chk fails"), "{}", daemon.log());
    fs::write(&state, "good").expect("a file");
    only(&site, 0);
}

#[test]
fn processes_and_files() {
    let site = Site::new(2);
    let host = &site.hosts[0];
    let directory = crate::directory();
    let number = directory.path().join("number");
    fs::write(&number, "0\n").expect("a file");
    // A name that nothing else has.
    let program = directory.path().join(format!("vt{}", std::process::id()));
    fs::copy("/bin/sleep", &program).expect("a copy of sleep");
    let name = program.file_name().expect("a name").to_string_lossy().into_owned();
    let mut sleeper = host.start(vec![program.display().to_string(), "100".to_owned()]);
    assert!(sleeper.pid() > 1);
    let lines = format!(
        "vrrp add-process worker --program {name}\nvrrp add-file number --path {}\n{}",
        number.display(),
        line(150, "--track-process worker:-60 --track-file number:1")
    );
    let _daemons = tracked(&site, &lines);
    only(&site, 0);
    sleeper.kill();
    only(&site, 1);
    let mut sleeper = host.start(vec![program.display().to_string(), "100".to_owned()]);
    only(&site, 0);
    fs::write(&number, "-60\n").expect("a file");
    only(&site, 1);
    fs::write(&number, "3\n").expect("a file");
    only(&site, 0);
    assert_eq!(host.instance("VI_1")["priority"], 153);
    sleeper.kill();
}

#[test]
fn a_service_without_ipvs_fails() {
    if fs::exists("/proc/net/ip_vs").unwrap_or(false) {
        eprintln!("passed over: this kernel has IPVS");
        return;
    }
    let site = Site::new(2);
    let host = &site.hosts[0];
    let [daemon, _other] = tracked(&site, &line(150, "--track-service tcp/10.9.9.100:80"));
    only(&site, 1);
    until("it has a fault", LIMIT, || host.is("VI_1", "fault"));
    assert!(daemon.log().contains("IPVS"), "{}", daemon.log());
}

#[test]
fn a_sync_group_over_two_links() {
    let site = Site::new(2);
    let [first, second] = site.hosts.as_slice() else { panic!("two hosts") };
    for host in [first, second] {
        host.run("ip link add eth1 type veth peer name far1").ok();
        host.run("ip link set far1 up").ok();
        host.run("ip link set eth1 up").ok();
        host.run(format!("ip address add 10.8.8.{}/24 dev eth1", host.number)).ok();
    }
    let lines = |priority: u8| {
        format!(
            "{}vrrp add VI_2 --interface eth0 --vrid 52 --version 3 --interval 100ms --priority {priority} \
             --address '10.8.8.100/24 dev eth1' --track-interface eth1\nvrrp add-group G --member VI_1 --member VI_2\n",
            line(priority, "")
        )
    };
    let _a = first.vrrp_file(&lines(150));
    let _b = second.vrrp_file(&lines(100));
    let both = |host: &Host| host.has(VIP) && host.has("10.8.8.100");
    let none = |host: &Host| !host.has(VIP) && !host.has("10.8.8.100");
    until("host 1 has both", LIMIT, || both(first) && none(second));
    first.run("ip link set eth1 down").ok();
    until("host 2 has both", LIMIT, || none(first) && both(second));
    assert!(first.vrrp("show").ok().contains("VI_2"));
    first.run("ip link set eth1 up").ok();
    until("host 1 has both", LIMIT, || both(first) && none(second));
}
