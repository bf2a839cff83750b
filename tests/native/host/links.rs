//! Links and macvlans, with `ip -j link` as the judge.

use std::env;

use lvsadm::host::{Action, Host, firewall::Firewall, namespace};
use serde_json::json;

use super::*;
use crate::support::{in_netns, run};

#[test]
fn links_are_as_ip_shows_them() {
    with_cable(|host| {
        run("ip link add above link eth0 type macvlan mode bridge").ok();
        run("ip link set eth0 mtu 1400").ok();
        run("ip link set peer0 arp off").ok();
        let links = host.links().expect("a list");
        let listed = ip_json("link show");
        assert_eq!(links.len(), listed.len());
        for seen in &listed {
            let link = links.iter().find(|link| seen["ifname"] == *link.name).expect("the same links");
            let flags = seen["flags"].as_array().expect("flags");
            let flag = |name: &str| flags.contains(&json!(name));
            assert_eq!(seen["ifindex"], link.index);
            assert_eq!(seen["mtu"], link.mtu);
            assert_eq!((link.up, link.running), (flag("UP"), flag("LOWER_UP")), "{seen}");
            assert_eq!((link.noarp, link.loopback), (flag("NOARP"), flag("LOOPBACK")), "{seen}");
            assert_eq!(link.multicast, flag("MULTICAST"));
            assert_eq!(seen["linkinfo"]["info_kind"].as_str(), link.kind.as_deref());
            if let Some(mac) = link.mac() {
                let mac: Vec<_> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(seen["address"], mac.join(":"));
            }
            assert_eq!(host.link(&link.name).expect("an answer").as_ref(), Some(link));
            assert_eq!(host.link_at(link.index).expect("an answer").as_ref(), Some(link));
        }
        let above = links.iter().find(|link| link.name == "above").expect("made above");
        assert_eq!(above.parent, Some(index(host, "eth0")));
        assert!(!above.up);
        host.set_link_up(above.index, true).expect("up");
        assert!(host.link("above").expect("an answer").expect("a link").running);
        host.set_link_up(above.index, false).expect("down");
        assert!(!host.link("above").expect("an answer").expect("a link").up);
    });
}

#[test]
fn names_that_do_not_exist_are_none() {
    with_cable(|host| {
        for name in ["eth7", "", "a name that is much too long", "e/th", "\u{fc}ber"] {
            assert_eq!(host.link(name).expect("an answer"), None, "{name:?}");
        }
        assert_eq!(host.link_at(4242).expect("an answer"), None);
        assert_eq!(host.addresses_of(4242).expect("a list"), []);
        assert!(!host.delete_link(4242).expect("an answer"));
        assert_eq!(
            host.set_link_up(4242, true).expect_err("no link").to_string(),
            "cannot set link 4242 up: it is gone"
        );
    });
}

#[test]
fn a_macvlan_is_made_adopted_and_deleted() {
    with_cable(|host| {
        let eth0 = index(host, "eth0");
        let mac = [0, 0, 0x5e, 0, 1, 51];
        let (made, new) = host.add_macvlan("vrrp.51", eth0, mac).expect("a macvlan");
        assert!(new);
        let seen = &ip_json("link show dev vrrp.51")[0];
        assert_eq!(seen["linkinfo"], json!({"info_kind": "macvlan", "info_data": seen["linkinfo"]["info_data"]}));
        assert_eq!(seen["linkinfo"]["info_data"]["mode"], "private");
        assert_eq!((&seen["address"], &seen["link"]), (&json!("00:00:5e:00:01:33"), &json!("eth0")));
        assert_eq!(seen["inet6_addr_gen_mode"], "none");
        assert_eq!(seen["operstate"], "UP");
        assert!(!run("ip -6 address show dev vrrp.51").ok().contains("inet6"));

        // Another run finds it, set down by somebody, and takes it.
        run("ip link set vrrp.51 down").ok();
        assert_eq!(host.add_macvlan("vrrp.51", eth0, mac).expect("a macvlan"), (made, false));
        assert_eq!(ip_json("link show dev vrrp.51")[0]["operstate"], "UP");
        // So it does with one that the operator made.
        run("ip link add own link eth0 address 00:00:5e:00:01:34 type macvlan mode private").ok();
        assert!(!host.add_macvlan("own", eth0, [0, 0, 0x5e, 0, 1, 52]).expect("a macvlan").1);

        // What differs is not taken.
        let peer0 = index(host, "peer0");
        let error = host.add_macvlan("vrrp.51", peer0, mac).expect_err("on another link");
        let text = format!("cannot make the link vrrp.51: there is another link of this name (link {made}, macvlan)");
        assert_eq!(error.to_string(), text);
        assert!(error.hint().is_some());
        assert!(host.add_macvlan("eth0", eth0, mac).is_err());
        run("ip link add bridged link eth0 address 00:00:5e:00:01:35 type macvlan mode bridge").ok();
        assert!(host.add_macvlan("bridged", eth0, [0, 0, 0x5e, 0, 1, 53]).is_err());

        for name in ["", ".", "..", "a/b", "a b", "a:b", "sixteen-bytes-ab"] {
            let error = host.add_macvlan(name, eth0, mac).expect_err("no name");
            assert!(error.to_string().contains("cannot be the name of a link"), "{error}");
        }
        let error = host.add_macvlan("on-lo", 1, mac).expect_err("on a loopback");
        assert_eq!(error.to_string(), "cannot make the macvlan on-lo: the link below it cannot have macvlans");
        let error = host.add_macvlan("on-none", 4242, mac).expect_err("on nothing");
        assert_eq!(error.to_string(), "cannot make the macvlan on-none: the link below it is gone");

        assert!(host.delete_link(made).expect("deleted"));
        assert!(!host.delete_link(made).expect("gone"));
        assert_eq!(host.link("vrrp.51").expect("an answer"), None);
    });
}

/// Tells the program that it was started by [`without_privilege_it_says_so`].
const WITHOUT_PRIVILEGE: &str = "LVSADM_TEST_WITHOUT_PRIVILEGE";

#[test]
fn without_privilege_it_says_so() {
    if env::var_os(WITHOUT_PRIVILEGE).is_none() {
        return with_cable(|_| {
            let program = env::current_exe().expect("a path");
            let program = program.to_str().expect("a plain path");
            let own = "host::links::without_privilege_it_says_so";
            let mark = format!("{WITHOUT_PRIVILEGE}=1");
            run(["env", &mark, "setpriv", "--bounding-set", "-net_admin", program, "--exact", own, "--nocapture"]).ok();
        });
    }
    let mut host = Host::open().expect("everybody may read");
    let eth0 = index(&mut host, "eth0");
    let vip = address("192.0.2.1", 32);
    let refusals = host.change_addresses(&change(Action::Add, eth0, [&vip])).expect("an outcome");
    assert_eq!(texts(&refusals), ["cannot add 192.0.2.1/32 to eth0: not permitted"]);
    assert!(refusals[0].hint().is_some_and(|hint| hint.contains("CAP_NET_ADMIN")));
    let error = host.add_macvlan("vrrp.51", eth0, [0, 0, 0x5e, 0, 1, 51]).expect_err("not permitted");
    assert_eq!(error.to_string(), "cannot make the macvlan vrrp.51: not permitted");
    let error = host.set_link_up(eth0, false).expect_err("not permitted");
    assert_eq!(error.to_string(), format!("cannot set link {eth0} down: not permitted"));
    let error = Firewall::open().err().expect("not permitted");
    assert_eq!(error.to_string(), "cannot drop packets to virtual addresses: not permitted");
}

#[test]
fn the_run_directory_is_that_of_the_namespace() {
    // Tests may themselves run in a namespace of their own.
    assert!(namespace::run_dir(None).starts_with("/run/lvsadm"));
    let (directory, number) = in_netns(|| (namespace::run_dir(None), run("readlink /proc/self/ns/net").ok()));
    let number = number.trim().trim_start_matches("net:[").trim_end_matches(']');
    let text = directory.display().to_string();
    let cookie = text.strip_prefix(&format!("/run/lvsadm/net-{number}.")).expect("the number");
    assert!(cookie.parse::<u64>().is_ok(), "{text}: namespaces get numbers of former ones, but not their cookies");
    let other = in_netns(|| namespace::run_dir(None));
    assert_ne!(directory, other);
}
