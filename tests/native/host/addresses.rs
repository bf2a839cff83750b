//! Addresses, with `ip -j address` as the judge.

use std::time::Instant;

use lvsadm::host::{Action, Address, Host, Lifetime, PROTOCOL, Scope};
use serde_json::{Value, json};

use super::*;
use crate::support::{in_netns, run};

/// The addresses that ip sees on a link, without those that the kernel made itself.
fn seen(link: &str) -> Vec<Value> {
    let listed = ip_json(&format!("address show dev {link}"));
    let addresses = listed.first().and_then(|link| link["addr_info"].as_array()).cloned().unwrap_or_default();
    let made_by_kernel = |address: &Value| address["local"].as_str().is_some_and(|local| local.starts_with("fe80:"));
    addresses.into_iter().filter(|address| !made_by_kernel(address)).collect()
}

#[track_caller]
fn assert_seen(link: &str, local: &str, fields: &Value) {
    let listed = seen(link);
    let address =
        listed.iter().find(|address| address["local"] == local).unwrap_or_else(|| panic!("{local} in {listed:?}"));
    for (name, value) in fields.as_object().expect("fields") {
        assert_eq!(address.get(name).unwrap_or(&Value::Null), value, "{name} of {address}");
    }
}

#[test]
fn every_option_is_as_ip_shows_it() {
    with_cable(|host| {
        let eth0 = index(host, "eth0");
        let peer = |one, other| Address { peer: Some(ip(other)), ..address(one, 32) };
        let wanted = [
            address("192.0.2.1", 32),
            Address {
                label: Some("eth0:vip".to_owned()),
                broadcast: Some(ip("198.51.100.255")),
                scope: Scope::Link,
                ..address("198.51.100.2", 24)
            },
            Address { no_prefix_route: true, ..peer("192.0.2.3", "192.0.2.4") },
            Address { scope: Scope::Host, ..address("192.0.2.5", 32) },
            Address { scope: Scope::Site, ..address("192.0.2.6", 32) },
            Address { preferred: Some(Lifetime::Seconds(0)), ..address("192.0.2.7", 32) },
            Address { scope: Scope::Nowhere, ..address("192.0.2.8", 32) },
            Address { scope: Scope::Other(77), ..address("192.0.2.9", 32) },
            address("2001:db8::1", 128),
            address("2001:db8:1::1", 64),
            Address { preferred: Some(Lifetime::Forever), ..address("2001:db8::3", 128) },
            Address { duplicate_detection: true, ..address("2001:db8:1::4", 64) },
            Address { preferred: Some(Lifetime::Seconds(1000)), ..address("2001:db8:1::5", 64) },
            Address { no_prefix_route: true, ..address("2001:db8:2::6", 64) },
            Address { peer: Some(ip("2001:db8:3::8")), ..address("2001:db8:3::7", 128) },
        ];
        assert_eq!(host.change_addresses(&change(Action::Add, eth0, &wanted)).expect("an outcome"), []);

        let forever = u32::MAX;
        assert_seen(
            "eth0",
            "192.0.2.1",
            &json!({"prefixlen": 32, "scope": "global", "label": "eth0", "broadcast": null}),
        );
        assert_seen(
            "eth0",
            "198.51.100.2",
            &json!({"prefixlen": 24, "scope": "link", "label": "eth0:vip", "broadcast": "198.51.100.255"}),
        );
        assert_seen("eth0", "192.0.2.3", &json!({"address": "192.0.2.4", "prefixlen": 32, "noprefixroute": true}));
        assert_seen("eth0", "192.0.2.5", &json!({"scope": "host"}));
        assert_seen("eth0", "192.0.2.6", &json!({"scope": "site"}));
        assert_seen("eth0", "192.0.2.7", &json!({"deprecated": true}));
        assert_seen("eth0", "192.0.2.8", &json!({"scope": "nowhere"}));
        assert_seen("eth0", "192.0.2.9", &json!({"scope": "77"}));
        assert_seen(
            "eth0",
            "2001:db8::1",
            &json!({
                "prefixlen": 128, "nodad": true, "tentative": null, "deprecated": true, "preferred_life_time": 0,
                "valid_life_time": forever
            }),
        );
        assert_seen(
            "eth0",
            "2001:db8:1::1",
            &json!({"prefixlen": 64, "nodad": true, "tentative": null, "preferred_life_time": forever}),
        );
        assert_seen("eth0", "2001:db8::3", &json!({"deprecated": null, "preferred_life_time": forever}));
        assert_seen("eth0", "2001:db8:1::4", &json!({"nodad": null}));
        assert_seen("eth0", "2001:db8:1::5", &json!({"preferred_life_time": 1000}));
        assert_seen("eth0", "2001:db8:2::6", &json!({"noprefixroute": true}));
        assert_seen("eth0", "2001:db8:3::7", &json!({"address": "2001:db8:3::8"}));
        let routes = run("ip -6 route show dev eth0").ok();
        assert!(routes.contains("2001:db8:1::/64") && !routes.contains("2001:db8:2::/64"), "{routes}");

        // We see what ip sees, and know our own.
        let held = host.addresses_of(eth0).expect("a list");
        for address in &wanted {
            let held = held.iter().find(|held| held.address.address == address.address).expect("held");
            assert_eq!(held.protocol, Some(PROTOCOL));
            assert!(address.preferred.is_none_or(|wanted| {
                // Time has passed.
                held.address
                    .preferred
                    .is_some_and(|held| held == wanted || matches!(held, Lifetime::Seconds(990..1000)))
            }));
            assert_eq!((held.link, held.address.prefix, held.address.peer), (eth0, address.prefix, address.peer));
        }
        assert!(host.addresses().expect("a list").len() > held.len(), "lo has addresses, too");

        // All of them go, as they were wanted.
        assert_eq!(host.change_addresses(&change(Action::Remove, eth0, &wanted)).expect("an outcome"), []);
        assert_eq!(seen("eth0"), Vec::<Value>::new());
    });
}

#[test]
fn five_hundred_of_each_family_come_and_go() {
    with_cable(|host| {
        let eth0 = index(host, "eth0");
        for family in ["10.1", "2001:db8::"] {
            let text = |n: u32| {
                if family == "10.1" { format!("10.1.{}.{}", n / 250, n % 250 + 1) } else { format!("{family}{n:x}") }
            };
            let prefix = if family == "10.1" { 32 } else { 128 };
            let addresses: Vec<_> = (1..=500).map(|n| address(&text(n), prefix)).collect();
            for action in [Action::Add, Action::Remove] {
                let begin = Instant::now();
                let refusals = host.change_addresses(&change(action, eth0, &addresses)).expect("an outcome");
                println!("{action:?} 500 addresses of {prefix} bits: {:?}", begin.elapsed());
                assert_eq!(refusals, []);
                assert_eq!(seen("eth0").len(), if action == Action::Add { 500 } else { 0 });
            }
        }
    });
}

#[test]
fn refusals_say_what_and_why() {
    with_cable(|host| {
        let eth0 = index(host, "eth0");
        let v4 = address("192.0.2.1", 32);
        let v6 = address("2001:db8::1", 128);
        let mut refused = |changes: &[AddressChange<'_>]| {
            let refusals = host.change_addresses(changes).expect("an outcome");
            refusals
                .into_iter()
                .map(|refusal| (refusal.index, refusal.is_needless(), refusal.to_string()))
                .collect::<Vec<_>>()
        };
        let add = |address| AddressChange { action: Action::Add, link: eth0, address };
        let remove = |address| AddressChange { action: Action::Remove, link: eth0, address };

        // What is refused is told apart from what is done before, between and behind it.
        assert_eq!(
            refused(&[remove(&v4), add(&v4), add(&v4), add(&v6), add(&v6), remove(&v6), remove(&v6)]),
            [
                (0, true, "cannot remove 192.0.2.1/32 from eth0: it is not there".to_owned()),
                (2, true, "cannot add 192.0.2.1/32 to eth0: it is there already".to_owned()),
                (4, true, "cannot add 2001:db8::1/128 to eth0: it is there already".to_owned()),
                (6, true, "cannot remove 2001:db8::1/128 from eth0: it is not there".to_owned()),
            ]
        );
        let nowhere = AddressChange { action: Action::Add, link: 4242, address: &v4 };
        let said = "cannot add 192.0.2.1/32 to link 4242: there is no such link".to_owned();
        assert_eq!(refused(&[nowhere]), [(0, false, said)]);
        let gone = AddressChange { action: Action::Remove, ..nowhere };
        let said = "cannot remove 192.0.2.1/32 from link 4242: there is no such link".to_owned();
        assert_eq!(refused(&[gone]), [(0, true, said)]);
        let group = address("ff02::99", 128);
        let said = "cannot add ff02::99/128 to eth0: no link can have such an address".to_owned();
        assert_eq!(refused(&[add(&group)]), [(0, false, said)]);
        let labelled = Address { label: Some("eth0:sixteen-byte".to_owned()), ..address("192.0.2.2", 32) };
        let said = "cannot add 192.0.2.2/32 to eth0: the label has more than 15 bytes".to_owned();
        assert_eq!(refused(&[add(&labelled)]), [(0, false, said)]);
        let endless = address("192.0.2.2", 33);
        let said = "cannot add 192.0.2.2/33 to eth0: the kernel refused it: ".to_owned();
        assert!(refused(&[add(&endless)])[0].2.starts_with(&said), "{:?}", refused(&[add(&endless)]));

        run("sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=1").ok();
        let said = "cannot add 2001:db8::1/128 to eth0: IPv6 is switched off on eth0".to_owned();
        assert_eq!(refused(&[add(&v6)]), [(0, false, said)]);
        run("sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0").ok();
        run("ip link set eth0 mtu 1000").ok();
        let refusals = host.change_addresses(&[add(&v6)]).expect("an outcome");
        assert!(texts(&refusals)[0].ends_with("or eth0 does not carry IPv6"), "{refusals:?}");
        assert_eq!(refusals[0].hint(), Some("IPv6 needs an MTU of 1280 bytes or more: see `ip link show eth0`"));
    });
}

#[test]
fn a_batch_may_be_of_any_length() {
    with_cable(|host| {
        assert_eq!(host.change_addresses(&[]).expect("an outcome"), []);
        let eth0 = index(host, "eth0");
        let addresses: Vec<_> = (0..3000).map(|n| address(&format!("10.2.{}.{}", n / 250, n % 250 + 1), 32)).collect();
        let refusals = host.change_addresses(&change(Action::Remove, eth0, &addresses)).expect("an outcome");
        assert_eq!(refusals.len(), addresses.len());
        assert!(refusals.iter().enumerate().all(|(at, refusal)| refusal.index == at && refusal.is_needless()));
    });
}

#[test]
fn what_somebody_labelled_anew_is_removed_all_the_same() {
    with_cable(|host| {
        run("ip address add 192.0.2.1/32 dev eth0 label eth0:other").ok();
        let eth0 = index(host, "eth0");
        let wanted = Address { label: Some("eth0:ours".to_owned()), ..address("192.0.2.1", 32) };
        assert_eq!(host.change_addresses(&change(Action::Remove, eth0, [&wanted])).expect("an outcome"), []);
        assert!(seen("eth0").is_empty());
    });
}

#[test]
fn each_namespace_has_its_own_host() {
    in_netns(|| {
        let names =
            |host: &mut Host| -> Vec<_> { host.links().expect("links").into_iter().map(|link| link.name).collect() };
        let mut outer = Host::open().expect("a client");
        run("ip link add eth0 type veth peer name peer0").ok();
        let inner = in_netns(|| names(&mut Host::open().expect("a client")));
        assert!(!inner.contains(&"eth0".to_owned()));
        assert!(names(&mut outer).contains(&"eth0".to_owned()));
    });
}
