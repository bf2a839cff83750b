//! Changes to what runs: only what they name changes, and what is refused changes nothing.

use std::{fmt::Write as _, fs, thread, time::Duration};

use super::site::{Host, Site, until};

const LIMIT: Duration = Duration::from_secs(12);

fn line(name: &str, vrid: u8) -> String {
    format!(
        "vrrp add {name} --interface eth0 --vrid {vrid} --version 3 --interval 100ms --priority 150 --address 10.9.9.{vrid}/24"
    )
}

/// How often each instance became master and gave it up.
fn flaps(host: &Host) -> Vec<(String, u64, u64)> {
    let status = host.status();
    let count = |each: &serde_json::Value, name: &str| each["counters"][name].as_u64().unwrap_or_default();
    let instances = status["instances"].as_array().expect("instances").iter();
    instances
        .map(|each| {
            (
                each["name"].as_str().unwrap_or_default().to_owned(),
                count(each, "became_master"),
                count(each, "released_master"),
            )
        })
        .collect()
}

#[test]
fn add_edit_delete_change_only_what_they_name() {
    let site = Site::new(2);
    let [host, peer] = site.hosts.as_slice() else { panic!("two hosts") };
    let daemon = host.vrrp_file(&format!("# ours\n{}\n{}\n", line("A", 101), line("B", 102)));
    until("both are there", LIMIT, || host.has("10.9.9.101") && host.has("10.9.9.102"));
    let steady = || {
        let flaps = flaps(host);
        assert!(flaps.contains(&("A".to_owned(), 1, 0)), "{flaps:?}\n{}", daemon.log());
    };
    host.change(line("C", 103).trim_start_matches("vrrp ").to_owned()).ok();
    until("the new one is there", LIMIT, || host.has("10.9.9.103"));
    steady();
    // Addresses come and go; the others stay.
    host.change("edit B --address 10.9.9.112/24 --priority 160").ok();
    until("one more", LIMIT, || host.has("10.9.9.112") && host.has("10.9.9.102"));
    assert_eq!(host.instance("B")["priority"], 160);
    host.change("edit B --unset address=10.9.9.102").ok();
    until("one less", LIMIT, || host.has("10.9.9.112") && !host.has("10.9.9.102"));
    assert!(flaps(host).contains(&("B".to_owned(), 1, 0)), "{:?}", flaps(host));
    // No packets to the addresses, from one moment to the next, and again.
    assert!(peer.pings("10.9.9.112"));
    host.change("edit B --no-accept").ok();
    until("no answers", LIMIT, || !peer.pings("10.9.9.112"));
    assert!(peer.pings("10.9.9.101"));
    host.change("edit B --unset no-accept").ok();
    until("answers", LIMIT, || peer.pings("10.9.9.112"));
    // Another interval.
    host.change("edit A --interval 200ms").ok();
    assert_eq!(host.instance("A")["interval_ms"], 200);
    host.change("delete C").ok();
    until("it is gone", LIMIT, || !host.has("10.9.9.103"));
    steady();
    let text = fs::read_to_string(host.state()).expect("the save file");
    assert!(text.starts_with("# ours\n") && !text.contains("add C"), "{text}");
}

#[test]
fn routes_and_rules_of_an_edit_are_guarded_too() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let _daemon = host.vrrp_file(&format!("{}\n", line("A", 101)));
    until("it is there", LIMIT, || host.has("10.9.9.101"));
    let words = [
        "edit",
        "A",
        "--route",
        "10.77.0.0/16 via 10.9.9.254 dev eth0 table 100",
        "--rule",
        "from 10.77.0.0/16 lookup 100 preference 500",
    ];
    host.change(words).ok();
    let there = || {
        host.run("ip route show table 100").stdout.contains("10.77.0.0/16")
            && host.run("ip rule show").ok().contains("500:")
    };
    until("both are there", LIMIT, there);
    host.run("ip route delete 10.77.0.0/16 table 100").ok();
    host.run("ip rule delete preference 500").ok();
    until("both are back", LIMIT, there);
    host.change(["edit", "A", "--unset", "route", "--unset", "rule"]).ok();
    until("both are gone", LIMIT, || {
        !host.run("ip route show table 100").stdout.contains("10.77") && !host.run("ip rule show").ok().contains("500:")
    });
}

#[test]
fn what_is_refused_changes_nothing() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let _daemon = host.vrrp_file(&format!("{}\n", line("A", 101)));
    until("it is there", LIMIT, || host.has("10.9.9.101"));
    let before = fs::read_to_string(host.state()).expect("the save file");
    for (words, why) in [
        (vec!["edit", "A", "--interface", "nonesuch"], "nonesuch"),
        (vec!["edit", "A", "--priority", "300"], "priority"),
        (vec!["edit", "A", "--address", "fd09::7"], "famil"),
        (vec!["edit", "A", "--track-script", "nobody"], "nobody"),
        (vec!["edit", "A", "--notify", "/nonesuch/script"], "/nonesuch/script"),
        (vec!["delete", "Z"], "no instance Z"),
    ] {
        let refused = host.change(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert!(matches!(refused.status, 1 | 2), "{refused}");
        assert!(refused.stderr.contains(why), "{refused}");
        assert_eq!(fs::read_to_string(host.state()).expect("the save file"), before, "{refused}");
    }
    assert_eq!(flaps(host), [("A".to_owned(), 1, 0)]);
    assert!(host.has("10.9.9.101"));
}

#[test]
fn one_of_250_changes() {
    let site = Site::new(2);
    let [host, peer] = site.hosts.as_slice() else { panic!("two hosts") };
    let mut lines = String::new();
    for n in 1..=250 {
        let _ = writeln!(
            lines,
            "vrrp add I{n} --interface eth0 --vrid {n} --version 3 --interval 500ms --priority 150 --address 10.9.7.{n}/32"
        );
    }
    let _daemon = host.vrrp_file(&lines);
    until("all are there", LIMIT, || host.run("ip -o address show").ok().matches(" 10.9.7.").count() == 250);
    let mut watch = peer.start(["ip", "monitor", "neigh"].map(str::to_owned).to_vec());
    let begun = std::time::Instant::now();
    host.change("edit I77 --priority 140").ok();
    let took = begun.elapsed();
    println!("one change of 250 took {took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    thread::sleep(Duration::from_millis(1200));
    let flaps = flaps(host);
    assert!(flaps.iter().all(|(_, became, released)| (*became, *released) == (1, 0)), "{flaps:?}");
    assert_eq!(host.instance("I77")["priority"], 140);
    watch.stop_quietly();
}

#[test]
fn promote_and_demote_with_a_keepalived_peer() {
    let site = Site::new(2);
    let [us, them] = site.hosts.as_slice() else { panic!("two hosts") };
    let vip = "10.9.9.101";
    let _ours = us.vrrp_file(&format!(
        "{}\nvrrp add B --interface eth0 --vrid 102 --version 3 --interval 100ms --priority 150 --address 10.9.9.102/24\n\
         vrrp add-group G --member A --member B\n",
        line("A", 101)
    ));
    let instance = |name: &str, vrid: u8| {
        format!(
            "vrrp_instance {name} {{\nstate BACKUP\ninterface eth0\nvirtual_router_id {vrid}\npriority 120\nversion 3\n\
             advert_int 0.1\nvirtual_ipaddress {{\n10.9.9.{vrid}/24\n}}\n}}\n"
        )
    };
    let _theirs =
        them.keepalived(&format!("global_defs {{ router_id x }}\n{}{}", instance("A", 101), instance("B", 102)));
    let ours = |all: bool| us.has(vip) == all && us.has("10.9.9.102") == all;
    let theirs = |all: bool| them.has(vip) == all && them.has("10.9.9.102") == all;
    until("we have both", LIMIT, || ours(true) && theirs(false));
    us.vrrp("demote A").ok();
    until("keepalived has both", LIMIT, || ours(false) && theirs(true));
    thread::sleep(Duration::from_millis(700));
    assert!(ours(false) && theirs(true), "it does not stay demoted");
    assert_eq!(us.instance("A")["order"], "demote");
    assert_eq!(us.instance("A")["base_priority"], 150);
    us.vrrp("promote B").ok();
    until("we have both", LIMIT, || ours(true) && theirs(false));
    // Less than the other, and yet master by order.
    us.change("edit A --priority 50").ok();
    thread::sleep(Duration::from_millis(700));
    assert!(ours(true) && theirs(false));
    let unknown = us.vrrp("promote Z");
    assert_eq!(unknown.status, 1, "{unknown}");
}
