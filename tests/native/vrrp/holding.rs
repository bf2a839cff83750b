//! What a master holds on the host: routes, rules, labels, excluded addresses, addresses that take no packets, many addresses.

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use super::site::{Host, Site, until};

const VIP: &str = "10.9.9.100";
const LIMIT: Duration = Duration::from_secs(12);

fn line(more: &str) -> String {
    format!(
        "vrrp add VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --priority 150 --address {VIP}/24 {more}\n"
    )
}

fn route_and_rule(host: &Host) -> (bool, bool) {
    let routes = host.run("ip route show table 100").stdout;
    (routes.contains("10.77.0.0/16"), host.run("ip rule show").ok().contains("500:"))
}

const ROUTED: &str =
    "--route '10.77.0.0/16 via 10.9.9.254 dev eth0 table 100' --rule 'from 10.77.0.0/16 lookup 100 preference 500'";

#[test]
fn routes_and_rules_come_back_and_go_away() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let mut daemon = host.vrrp_file(&line(ROUTED));
    until("both are there", LIMIT, || route_and_rule(host) == (true, true));
    host.run("ip route delete 10.77.0.0/16 table 100").ok();
    host.run("ip rule delete preference 500").ok();
    until("both are back", LIMIT, || route_and_rule(host) == (true, true));
    assert!(daemon.log().contains("put back"), "{}", daemon.log());
    daemon.stop();
    assert_eq!(route_and_rule(host), (false, false));
}

#[test]
fn what_a_killed_master_left_goes_when_it_is_a_backup() {
    let site = Site::new(2);
    let [host, other] = site.hosts.as_slice() else { panic!("two hosts") };
    let mut daemon = host.vrrp_file(&line(ROUTED));
    until("all is there", LIMIT, || host.has(VIP) && route_and_rule(host) == (true, true));
    daemon.kill();
    let _master = other.vrrp_file(&line("").replace("--priority 150", "--priority 200"));
    until("the other is master", LIMIT, || other.has(VIP));
    assert_eq!(route_and_rule(host), (true, true));
    let _daemon = host.vrrp_file(&line(ROUTED));
    until("all is gone", LIMIT, || !host.has(VIP) && route_and_rule(host) == (false, false));
}

#[test]
fn an_address_taken_out_of_the_file_while_nobody_runs_goes_away() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let more = "--address 10.9.9.101/24 --exclude fd09::102/128";
    let mut daemon = host.vrrp_file(&line(more));
    until("all are there", LIMIT, || ["10.9.9.101", "fd09::102"].iter().all(|address| host.has(address)));
    daemon.kill();
    host.run("ip address add 10.9.9.103/24 dev eth0").ok();
    let _daemon = host.vrrp_file(&line(""));
    until("they are gone", LIMIT, || !host.has("10.9.9.101") && !host.has("fd09::102"));
    assert!(host.has(VIP) && host.has("10.9.9.103"), "others stay");
}

#[test]
fn labels_devices_and_excluded_addresses() {
    let site = Site::new(2);
    let [host, peer] = site.hosts.as_slice() else { panic!("two hosts") };
    host.run("ip link add eth1 type veth peer name far0").ok();
    host.run("ip link set eth1 up").ok();
    let more = "--address '10.9.9.101/24 label eth0:vip' --address '10.8.8.1/32 dev eth1' \
                --exclude 10.9.9.102/32 --exclude 'fd09::102/128'";
    let mut daemon = host.vrrp_file(&line(more));
    until("all are there", LIMIT, || ["10.9.9.101", "10.8.8.1", "10.9.9.102", "fd09::102"].iter().all(|a| host.has(a)));
    assert!(host.run("ip -o address show label eth0:vip").ok().contains("10.9.9.101/24"));
    assert!(host.run("ip -o address show dev eth1").ok().contains("10.8.8.1/32"));
    // The excluded are not in adverts: who has only the others sees no difference.
    let backup = line("--address 10.9.9.101/24 --address 10.8.8.1/32").replace("150", "100");
    let _backup = peer.vrrp_file(&backup);
    until("adverts are heard", LIMIT, || peer.instance("VI_1")["counters"]["received"].as_u64() > Some(3));
    assert_eq!(peer.instance("VI_1")["counters"]["addresses_differ"], 0);
    daemon.stop();
    for address in ["10.9.9.101", "10.8.8.1", "10.9.9.102", "fd09::102"] {
        assert!(!host.has(address), "{address}");
    }
}

#[test]
fn addresses_that_take_no_packets() {
    let site = Site::new(2);
    let [host, client] = site.hosts.as_slice() else { panic!("two hosts") };
    let line = "vrrp add VI_1 --interface eth0 --vrid 51 --version 3 --interval 100ms --priority 150 --no-accept \
                --address fe80::51/64 --address fd09::100/64\n\
                vrrp add VI_2 --interface eth0 --vrid 52 --version 3 --interval 100ms --priority 150 --no-accept \
                --address 10.9.9.100/24\n";
    let mut daemon = host.vrrp_file(line);
    until("both are master", LIMIT, || host.has(VIP) && host.has("fd09::100"));
    for address in [VIP, "fd09::100"] {
        assert!(!client.pings(address), "{address}");
        // ARP and neighbour discovery go on.
        let shown = client.run(["ip", "neighbour", "show", address]).ok();
        assert!(shown.contains("lladdr"), "{shown}");
    }
    assert!(client.pings("10.9.9.1") && client.pings("fd09::1"));
    let tables = || host.run("nft list tables").ok();
    assert!(tables().contains("lvsadm"), "{}", tables());
    daemon.kill();
    assert!(!tables().contains("lvsadm"), "{}", tables());
    let mut daemon = host.vrrp_file(line);
    until("both are master again", LIMIT, || tables().contains("lvsadm"));
    daemon.stop();
    assert!(!tables().contains("lvsadm"), "{}", tables());
}

#[test]
fn strict_takes_no_packets_unless_told_to() {
    let site = Site::new(2);
    let [host, client] = site.hosts.as_slice() else { panic!("two hosts") };
    let daemon = host.vrrp_file(&line("--strict"));
    until("it is master", LIMIT, || host.has(VIP));
    assert!(!client.pings(VIP));
    assert!(daemon.log().contains("strict"), "no warning: {}", daemon.log());
    host.change("edit VI_1 --accept").ok();
    until("it answers", LIMIT, || client.pings(VIP));
}

#[test]
fn five_hundred_addresses() {
    let site = Site::new(2);
    let [host, peer] = site.hosts.as_slice() else { panic!("two hosts") };
    let mut more = String::new();
    // Version 3 counts up to 255 in an advert.
    for n in 0..500 {
        let option = if n < 200 { "--address" } else { "--exclude" };
        let _ = write!(more, " {option} 10.60.{}.{}/32", n / 250, n % 250 + 1);
    }
    let backup = line(&more).replace("--priority 150", "--priority 100");
    let _backup = peer.vrrp_file(&backup);
    until("the first is master with all", LIMIT, || {
        peer.run("ip -o address show").ok().matches(" 10.60.").count() == 500
    });
    let heard = host.start("tcpdump -n -tt -l -i eth0 vrrp or arp".split(' ').map(str::to_owned).collect());
    thread::sleep(Duration::from_millis(300));
    let _daemon = host.vrrp_file(&line(&more));
    let begun = Instant::now();
    until("it has all", LIMIT, || host.run("ip -o address show").ok().matches(" 10.60.").count() == 500);
    println!("500 addresses {:?} after the start", begun.elapsed());
    until("the other has none", LIMIT, || !peer.run("ip -o address show").ok().contains(" 10.60."));
    thread::sleep(Duration::from_millis(500));
    let log = heard.log();
    let time = |line: &str| line.split(' ').next().and_then(|word| word.parse::<f64>().ok());
    let adverts: Vec<f64> = log.lines().filter(|l| l.contains("10.9.9.1 > 224.0.0.18")).filter_map(time).collect();
    let longest = adverts.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let announced: Vec<f64> =
        log.lines().filter(|l| l.contains("10.60.") && !l.contains("> 224")).filter_map(time).collect();
    let (first, last) = (adverts[0], announced.iter().copied().fold(0.0, f64::max));
    println!(
        "longest silence {longest:.3}s; first advert {first:.3}, {} announcements until {:.3}s later",
        announced.len(),
        last - first
    );
    assert!(longest < 0.34, "silent for {longest}s");
    assert!(announced.len() >= 500 && announced.iter().all(|at| *at >= first), "announced before the first advert");
    assert!(last - first < 2.0, "the first five rounds took {}s", last - first);
}

#[test]
fn an_address_stolen_time_and_again() {
    let site = Site::new(2);
    let [host, peer] = site.hosts.as_slice() else { panic!("two hosts") };
    let _daemon = host.vrrp_file(&line(""));
    until("it is master", LIMIT, || host.has(VIP));
    let announced = peer.start("tcpdump -n -l -i eth0 arp".split(' ').map(str::to_owned).collect());
    thread::sleep(Duration::from_millis(300));
    for _ in 0..10 {
        host.run(["ip", "address", "delete", &format!("{VIP}/24"), "dev", "eth0"]).ok();
        until("it is back", LIMIT, || host.has(VIP));
    }
    until("it was announced each time", LIMIT, || announced.log().matches(VIP).count() >= 10);
    assert_eq!(host.became_master("VI_1"), 1);
}

#[test]
fn secondary_addresses_stay_where_they_are_promoted() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let switch = "ipv4/conf/eth0/promote_secondaries";
    host.set_sysctl(switch, "0");
    let mut daemon = host.vrrp_file(&line("--promote-secondaries"));
    until("it is master", LIMIT, || host.has(VIP));
    assert_eq!(host.sysctl(switch), "1");
    host.change("edit VI_1 --unset promote-secondaries").ok();
    until("it is put back", LIMIT, || host.sysctl(switch) == "0");
    host.change("edit VI_1 --promote-secondaries").ok();
    assert_eq!(host.sysctl(switch), "1");
    daemon.kill();
    daemon = host.vrrp_file(&line(""));
    until("it is put back", LIMIT, || host.sysctl(switch) == "0");
    daemon.stop();
}
