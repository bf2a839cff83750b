use std::net::IpAddr;

use serde_json::{Value, json};

use super::{Hook, Packet, Ruleset, add_legacy, parse};

/// A ruleset of one input chain.
fn input(policy: &str, rules: &[Value]) -> Ruleset {
    let mut items = vec![
        json!({"metainfo": {"version": "1.0.6"}}),
        json!({"chain": {"family": "inet", "table": "f", "name": "in", "handle": 1, "type": "filter", "hook": "input",
                         "prio": 0, "policy": policy}}),
        json!({"chain": {"family": "inet", "table": "f", "name": "web", "handle": 2}}),
        json!({"set": {"family": "inet", "table": "f", "name": "vips", "type": "ipv4_addr", "elem": ["10.0.0.100"]}}),
    ];
    for (rule, handle) in rules.iter().zip(10..) {
        let chain = rule.get("chain").cloned().unwrap_or_else(|| json!("in"));
        let expr = rule.get("expr").cloned().unwrap_or_else(|| rule.clone());
        items.push(json!({"rule": {"family": "inet", "table": "f", "chain": chain, "handle": handle, "expr": expr}}));
    }
    parse(&json!({ "nftables": items }).to_string()).expect("a listing")
}

fn packet() -> Packet {
    Packet {
        hook: Hook::Input,
        ipv6: false,
        protocol: 6,
        from: None,
        to: "10.0.0.100".parse().ok(),
        from_port: None,
        to_port: Some(80),
        link: Some("eth0".to_owned()),
        out_link: None,
        state: Some("new"),
    }
}

fn port(port: u16) -> Value {
    json!({"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": port}})
}

#[test]
fn a_rule_or_a_policy_drops() {
    let dropped = input("accept", &[json!([port(80), {"counter": {"packets": 0}}, {"drop": null}])]).drops(&packet());
    assert_eq!(dropped.expect("dropped").place(), "chain inet f in, rule with handle 10");
    let dropped = input("drop", &[json!([port(443), {"accept": null}])]).drops(&packet()).expect("dropped");
    assert_eq!(dropped.place(), "chain inet f in, policy drop");
    assert_eq!(dropped.mend("tcp dport 80"), "nft insert rule inet f in tcp dport 80 accept");
    assert_eq!(input("drop", &[json!([port(80), {"accept": null}])]).drops(&packet()), None);
    assert_eq!(input("accept", &[json!([{"reject": null}])]).drops(&packet()).and_then(|d| d.handle), Some(10));
}

#[test]
fn what_is_not_understood_drops_nothing() {
    let limit = json!({"limit": {"rate": 5, "per": "second"}});
    assert_eq!(input("accept", &[json!([limit, {"drop": null}])]).drops(&packet()), None);
    assert_eq!(input("drop", &[json!([limit, {"accept": null}])]).drops(&packet()), None);
    let from = json!({"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
                                "right": {"prefix": {"addr": "10.0.0.0", "len": 8}}}});
    assert_eq!(input("drop", &[json!([from, {"accept": null}])]).drops(&packet()), None, "some clients pass");
    assert_eq!(input("accept", &[json!([from, {"drop": null}])]).drops(&packet()), None, "some clients pass");
}

#[test]
fn states_sets_prefixes_ranges_and_maps() {
    let state = |words: Value| json!({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": words}});
    let rules = [json!([state(json!(["established", "related"])), {"accept": null}])];
    assert!(input("drop", &rules).drops(&packet()).is_some());
    let to = |op: &str, right: Value| json!({"match": {"op": op, "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": right}});
    for (right, hit) in [
        (json!("@vips"), true),
        (json!("10.0.0.100"), true),
        (json!({"prefix": {"addr": "10.0.0.0", "len": 24}}), true),
        (json!({"prefix": {"addr": "10.0.1.0", "len": 24}}), false),
        (json!({"set": ["10.0.0.1", {"range": ["10.0.0.99", "10.0.0.101"]}]}), true),
    ] {
        assert_eq!(
            input("accept", &[json!([to("==", right.clone()), {"drop": null}])]).drops(&packet()).is_some(),
            hit
        );
        assert_eq!(input("accept", &[json!([to("!=", right), {"drop": null}])]).drops(&packet()).is_some(), !hit);
    }
    let map = json!({"vmap": {"key": {"ct": {"key": "state"}},
                              "data": {"set": [["established", {"accept": null}], ["new", {"drop": null}]]}}});
    assert!(input("accept", &[json!([map])]).drops(&packet()).is_some());
    let ipv6 = Packet { ipv6: true, to: "fd00::100".parse().ok(), ..packet() };
    assert!(input("accept", &[json!([to("==", json!("10.0.0.100")), {"drop": null}])]).drops(&ipv6).is_none());
}

#[test]
fn chains_call_each_other() {
    let rules = [json!([port(80), {"jump": {"target": "web"}}]), json!({"chain": "web", "expr": [{"drop": null}]})];
    assert_eq!(
        input("accept", &rules).drops(&packet()).expect("dropped").place(),
        "chain inet f web, rule with handle 11"
    );
    let rules = [json!([{"jump": {"target": "web"}}]), json!({"chain": "web", "expr": [port(80), {"accept": null}]})];
    assert_eq!(input("drop", &rules).drops(&packet()), None);
    let looping =
        [json!([{"jump": {"target": "web"}}]), json!({"chain": "web", "expr": [{"jump": {"target": "web"}}]})];
    assert_eq!(input("accept", &looping).drops(&packet()), None, "and it ends");
}

#[test]
fn marks_and_rewritten_sources() {
    let rules = [
        json!([{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "10.0.0.100"}},
               port(80), {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 5}}]),
        json!([{"masquerade": null}]),
    ];
    let ruleset = input("accept", &rules);
    assert_eq!(ruleset.marks(5), Some(vec!["10.0.0.100".parse::<IpAddr>().expect("an address")]));
    assert_eq!(ruleset.marks(6), None);
    assert_eq!(ruleset.rewrites(&packet()), Some(true));
    assert_eq!(input("accept", &[]).rewrites(&packet()), Some(false));
    let by_link = json!({"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "eth1"}});
    let ruleset = input("accept", &[json!([by_link, {"masquerade": null}])]);
    assert_eq!(ruleset.rewrites(&packet()), None);
    assert_eq!(ruleset.rewrites(&Packet { out_link: Some("eth1".to_owned()), ..packet() }), Some(true));
}

#[test]
fn nonsense_is_no_listing() {
    for text in ["", "{}", "[]", r#"{"nftables": 5}"#] {
        assert_eq!(parse(text), None, "{text}");
    }
    let odd =
        r#"{"nftables": [5, {"rule": {}}, {"chain": {}}, {"set": {"elem": {"x": 1}}}, {"rule": {"expr": [[], {}]}}]}"#;
    assert!(parse(odd).is_some());
}

#[test]
fn rules_of_iptables() {
    let ruleset = |rules: &str| {
        let mut ruleset = Ruleset::default();
        add_legacy(&mut ruleset, &format!("*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n{rules}\nCOMMIT\n"), false);
        ruleset
    };
    let dropped = ruleset("-A INPUT -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT").drops(&packet());
    let dropped = dropped.expect("dropped");
    assert_eq!(dropped.place(), "iptables, chain ip filter INPUT, policy DROP");
    assert_eq!(
        dropped.mend("ip daddr 10.0.0.100 tcp dport 80"),
        "iptables -t filter -I INPUT -d 10.0.0.100 -p tcp --dport 80 -j ACCEPT"
    );
    for (rules, number) in [
        ("-A INPUT -d 10.0.0.0/24 -i eth+ -p tcp -m tcp --dport 80 -j ACCEPT", None),
        ("-A INPUT -d 10.0.0.100/32 -p tcp -m multiport --dports 80,443 -j REJECT --reject-with tcp-reset", Some(1)),
        ("-A INPUT -p tcp -j web\n-A web -p tcp -m tcp --dport 79:81 -m comment --comment \"a b\" -j ACCEPT", None),
        ("-A INPUT -p udp -j ACCEPT\n-A INPUT ! -d 10.0.1.0/24 -j DROP\n-A INPUT -j ACCEPT", Some(2)),
        ("-A INPUT -m recent --name x -j DROP\n-A INPUT -p tcp -j ACCEPT", None),
        ("-A INPUT -m limit --limit 5/sec -j ACCEPT", None),
    ] {
        assert_eq!(ruleset(rules).drops(&packet()).map(|dropped| dropped.handle), number.map(Some), "{rules}");
    }
    let mut marks = Ruleset::default();
    let text =
        "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.0.0.100/32 -p tcp -j MARK --set-xmark 0x5/0xffffffff\n";
    add_legacy(&mut marks, text, false);
    assert_eq!(marks.marks(5), Some(vec!["10.0.0.100".parse::<IpAddr>().expect("an address")]));
    let mut nat = Ruleset::default();
    add_legacy(&mut nat, "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -d 10.0.0.100/32 -j MASQUERADE\n", false);
    assert_eq!(nat.rewrites(&packet()), Some(true));
}
