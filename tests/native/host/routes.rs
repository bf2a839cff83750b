//! Routes and rules, with `ip -j route` and `ip -j rule` as the judges.

use lvsadm::{
    host::{Action, Host, RouteChange, RuleChange, Scope},
    model::Family,
};
use serde_json::{Value, json};

use super::*;
use crate::support::run;

/// A cable with addresses, so that there are gateways.
fn with_network<T: Send>(test: impl FnOnce(&mut Host) -> T + Send) -> T {
    with_cable(|host| {
        run("ip address add 192.0.2.254/24 dev eth0").ok();
        run("ip address add 2001:db8::fe/64 dev eth0 nodad").ok();
        test(host)
    })
}

/// What ip sees of a route, by its destination.
#[track_caller]
fn assert_seen(family: &str, to: &str, fields: &Value) {
    let listed = ip_json(&format!("{family} route show table all proto 18"));
    let route = listed.iter().find(|route| route["dst"] == to).unwrap_or_else(|| panic!("{to} in {listed:?}"));
    assert_contains(route, fields);
}

#[track_caller]
fn assert_contains(whole: &Value, fields: &Value) {
    for (name, value) in fields.as_object().expect("fields") {
        assert_eq!(whole.get(name).unwrap_or(&Value::Null), value, "{name} of {whole}");
    }
}

fn change_routes(host: &mut Host, action: Action, routes: &[Route]) -> Vec<Refusal> {
    let changes: Vec<_> = routes.iter().map(|route| RouteChange { action, route }).collect();
    host.change_routes(&changes).expect("an outcome")
}

fn change_rules(host: &mut Host, action: Action, rules: &[Rule]) -> Vec<Refusal> {
    let changes: Vec<_> = rules.iter().map(|rule| RuleChange { action, rule }).collect();
    host.change_rules(&changes).expect("an outcome")
}

fn via(gateway: &str) -> RouteTarget {
    RouteTarget::Via(vec![hop(Some(gateway), None)])
}

#[test]
fn every_option_of_a_route_is_as_ip_shows_it() {
    with_network(|host| {
        let dev = || RouteTarget::Via(vec![hop(None, Some("eth0"))]);
        let several = |one, other| {
            let way = |gateway, weight| NextHop { weight, ..hop(Some(gateway), Some("eth0")) };
            RouteTarget::Via(vec![way(one, 3), way(other, 256)])
        };
        let onlink = NextHop { onlink: true, ..hop(Some("203.0.113.1"), Some("eth0")) };
        let wanted = [
            route(None, via("192.0.2.1")),
            Route {
                metric: Some(7),
                source: Some(ip("192.0.2.254")),
                mtu: Some(1400),
                advmss: Some(1300),
                ..route(Some(("198.51.100.0", 24)), via("192.0.2.1"))
            },
            route(Some(("198.51.101.0", 24)), dev()),
            Route { scope: Some(Scope::Global), ..route(Some(("198.51.102.0", 24)), dev()) },
            Route { table: 1000, ..route(Some(("198.51.103.0", 24)), dev()) },
            route(Some(("198.51.104.0", 24)), several("192.0.2.1", "192.0.2.2")),
            route(Some(("198.51.105.0", 24)), RouteTarget::Via(vec![onlink])),
            route(Some(("198.51.106.0", 24)), via("2001:db8::1").with_device("eth0")),
            route(Some(("198.51.107.0", 24)), RouteTarget::Blackhole),
            route(Some(("198.51.108.0", 24)), RouteTarget::Unreachable),
            route(Some(("198.51.109.0", 24)), RouteTarget::Prohibit),
            route(None, via("2001:db8::1")),
            Route { metric: Some(5), mtu: Some(1300), ..route(Some(("2001:db8:1::", 48)), dev()) },
            route(Some(("2001:db8:2::", 48)), several("2001:db8::1", "2001:db8::2")),
            Route { table: 1000, ..route(Some(("2001:db8:3::", 48)), via("2001:db8::1")) },
            route(Some(("2001:db8:4::", 48)), RouteTarget::Blackhole),
        ];
        assert_eq!(texts(&change_routes(host, Action::Add, &wanted)), Vec::<String>::new());

        assert_seen(
            "-4",
            "default",
            &json!({"gateway": "192.0.2.1", "dev": "eth0", "scope": "global", "metric": null}),
        );
        assert_seen(
            "-4",
            "198.51.100.0/24",
            &json!({
                "gateway": "192.0.2.1", "metric": 7, "prefsrc": "192.0.2.254",
                "metrics": [{"mtu": 1400, "advmss": 1300}]
            }),
        );
        assert_seen("-4", "198.51.101.0/24", &json!({"dev": "eth0", "scope": "link"}));
        assert_seen("-4", "198.51.102.0/24", &json!({"dev": "eth0", "scope": "global"}));
        assert_seen("-4", "198.51.103.0/24", &json!({"table": "1000"}));
        let hops = |one: &str, other: &str| {
            json!([
                {"gateway": one, "dev": "eth0", "weight": 3, "flags": []},
                {"gateway": other, "dev": "eth0", "weight": 256, "flags": []}
            ])
        };
        assert_seen("-4", "198.51.104.0/24", &json!({"nexthops": hops("192.0.2.1", "192.0.2.2")}));
        assert_seen("-4", "198.51.105.0/24", &json!({"gateway": "203.0.113.1", "flags": ["onlink"]}));
        assert_seen(
            "-4",
            "198.51.106.0/24",
            &json!({"via": {"family": "inet6", "host": "2001:db8::1"}, "dev": "eth0"}),
        );
        assert_seen("-4", "198.51.107.0/24", &json!({"type": "blackhole"}));
        assert_seen("-4", "198.51.108.0/24", &json!({"type": "unreachable"}));
        assert_seen("-4", "198.51.109.0/24", &json!({"type": "prohibit"}));
        assert_seen("-6", "default", &json!({"gateway": "2001:db8::1", "dev": "eth0", "metric": 1024}));
        assert_seen("-6", "2001:db8:1::/48", &json!({"dev": "eth0", "metric": 5, "metrics": [{"mtu": 1300}]}));
        assert_seen("-6", "2001:db8:2::/48", &json!({"nexthops": hops("2001:db8::1", "2001:db8::2")}));
        assert_seen("-6", "2001:db8:3::/48", &json!({"table": "1000"}));
        assert_seen("-6", "2001:db8:4::/48", &json!({"type": "blackhole"}));

        // Ours only, and all of ours, are listed and recognised.
        run("ip route add 198.51.200.0/24 dev eth0").ok();
        let held = host.routes().expect("a list");
        assert_eq!(held.len(), wanted.len(), "{held:?}");
        for route in &wanted {
            assert!(held.iter().any(|held| route.is_held_as(held)), "{route:?} in {held:?}");
        }

        assert_eq!(texts(&change_routes(host, Action::Remove, &wanted)), Vec::<String>::new());
        assert_eq!(host.routes().expect("a list"), []);
        assert!(run("ip route").ok().contains("198.51.200.0/24"));
    });
}

/// A target of one way, over a link.
trait WithDevice {
    fn with_device(self, device: &str) -> Self;
}

impl WithDevice for RouteTarget {
    fn with_device(mut self, device: &str) -> Self {
        if let Self::Via(hops) = &mut self {
            hops[0].device = Some(device.to_owned());
        }
        self
    }
}

#[test]
fn an_administrators_route_is_put_behind_ours_and_comes_back() {
    with_network(|host| {
        run("ip route add default via 192.0.2.1").ok();
        let ours = [route(None, via("192.0.2.9"))];
        assert_eq!(texts(&change_routes(host, Action::Add, &ours)), Vec::<String>::new());
        assert!(run("ip route get 198.51.100.1").ok().contains("via 192.0.2.9"));
        assert_eq!(texts(&change_routes(host, Action::Remove, &ours)), Vec::<String>::new());
        assert!(run("ip route get 198.51.100.1").ok().contains("via 192.0.2.1"));
        // IPv6 has no order among routes of one metric, and would share the load.
        run("ip -6 route add default via 2001:db8::1").ok();
        let refusals = change_routes(host, Action::Add, &[route(None, via("2001:db8::9"))]);
        assert_eq!(texts(&refusals), ["cannot add the route default via 2001:db8::9: there is such a route already"]);
    });
}

#[test]
fn refused_routes_say_what_and_why() {
    with_network(|host| {
        let good = route(Some(("198.51.100.0", 24)), via("192.0.2.1"));
        let lost = route(Some(("198.51.101.0", 24)), via("203.0.113.1"));
        let over = route(Some(("198.51.102.0", 24)), via("203.0.113.1").with_device("eth7"));
        let empty = route(None, RouteTarget::Via(Vec::new()));
        let stranger = Route { source: Some(ip("203.0.113.7")), ..route(Some(("198.51.103.0", 24)), via("192.0.2.1")) };
        let refusals = change_routes(host, Action::Add, &[lost, good.clone(), over, good.clone(), empty, stranger]);
        assert_eq!(refusals.iter().map(|refusal| refusal.index).collect::<Vec<_>>(), [0, 2, 3, 4, 5]);
        assert_eq!(
            texts(&refusals),
            [
                "cannot add the route 198.51.101.0/24 via 203.0.113.1: the gateway cannot be reached",
                "cannot add the route 198.51.102.0/24 via 203.0.113.1 dev eth7: there is no link eth7",
                "cannot add the route 198.51.100.0/24 via 192.0.2.1: there is such a route already",
                "cannot add the route default: a route needs a gateway or a link",
                "cannot add the route 198.51.103.0/24 via 192.0.2.1: the kernel refuses such a route",
            ]
        );
        assert!(refusals.iter().filter(|refusal| refusal.is_needless()).all(|refusal| refusal.index == 3));
        let refusals = change_routes(host, Action::Remove, &[good.clone(), good]);
        assert_eq!(texts(&refusals), ["cannot remove the route 198.51.100.0/24 via 192.0.2.1: there is no such route"]);
        assert!(refusals[0].is_needless());
    });
}

#[test]
fn every_option_of_a_rule_is_as_ip_shows_it() {
    with_network(|host| {
        let prefix = |address, prefix| Some((ip(address), prefix));
        let v6 = |rule| Rule { family: Family::V6, ..rule };
        let wanted = [
            Rule { from: prefix("192.0.2.0", 24), ..rule(100, RuleAction::Lookup(100)) },
            Rule { not: true, to: prefix("198.51.100.1", 32), ..rule(101, RuleAction::Lookup(1000)) },
            Rule {
                mark: Some((5, 255)),
                iif: Some("eth0".to_owned()),
                oif: Some("not-there".to_owned()),
                ..rule(102, RuleAction::Blackhole)
            },
            rule(103, RuleAction::Unreachable),
            v6(Rule {
                from: prefix("2001:db8::", 32),
                to: prefix("2001:db8::1", 128),
                ..rule(104, RuleAction::Prohibit)
            }),
            v6(Rule { mark: Some((7, u32::MAX)), ..rule(105, RuleAction::Lookup(254)) }),
        ];
        assert_eq!(texts(&change_rules(host, Action::Add, &wanted)), Vec::<String>::new());
        let mut listed = ip_json("-4 rule show");
        listed.extend(ip_json("-6 rule show"));
        let seen = |preference: u32, fields: &Value| {
            let rule = listed.iter().find(|rule| rule["priority"] == preference).expect("listed");
            assert_contains(rule, fields);
            assert!(rule["protocol"] == "keepalived" || rule["protocol"] == "18", "{rule}");
        };
        seen(100, &json!({"src": "192.0.2.0", "srclen": 24, "table": "100"}));
        seen(101, &json!({"not": null, "src": "all", "dst": "198.51.100.1", "table": "1000"}));
        seen(
            102,
            &json!({"fwmark": "0x5", "fwmask": "0xff", "iif": "eth0", "oif": "not-there", "action": "blackhole"}),
        );
        seen(103, &json!({"action": "unreachable"}));
        seen(104, &json!({"src": "2001:db8::", "srclen": 32, "dst": "2001:db8::1", "action": "prohibit"}));
        seen(105, &json!({"fwmark": "0x7", "table": "main"}));

        assert_eq!(host.rules().expect("a list"), wanted);
        let refusals = change_rules(host, Action::Add, &wanted[..1]);
        assert_eq!(
            texts(&refusals),
            ["cannot add the rule 100: from 192.0.2.0/24 lookup 100: there is such a rule already"]
        );
        assert_eq!(texts(&change_rules(host, Action::Remove, &wanted)), Vec::<String>::new());
        assert_eq!(host.rules().expect("a list"), []);
        let refusals = change_rules(host, Action::Remove, &wanted[..1]);
        assert!(refusals[0].is_needless());
        assert_eq!(
            texts(&refusals),
            ["cannot remove the rule 100: from 192.0.2.0/24 lookup 100: there is no such rule"]
        );
    });
}
