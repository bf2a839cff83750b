//! `lvsadm doctor` and nftables: real rulesets in a real kernel, and a client's connections as the judge of what is said of them.

use std::{
    io::Write,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::network::{Host, Pair};

/// Rules of one table, which see IPv4 and IPv6, and whether nobody gets to port 80 of the virtual addresses with them.
const RULES: [(&str, bool, &str); 14] = [
    ("no rules", false, ""),
    ("a policy", true, "chain i { type filter hook input priority 0; policy drop; }"),
    (
        "a policy and what is let in",
        false,
        "chain i { type filter hook input priority 0; policy drop; ct state established,related accept; \
         ct state invalid drop; tcp dport { 22, 80, 443 } ct state new accept; }",
    ),
    (
        "a policy, and something else is let in",
        true,
        "chain i { type filter hook input priority 0; policy drop; ct state vmap { established : accept, \
         related : accept, invalid : drop }; tcp dport { 22, 8000-9000 } accept; iifname \"lo\" accept; }",
    ),
    (
        "a rule about the address",
        true,
        "chain i { type filter hook input priority 0; ip daddr 10.9.9.96/28 tcp dport 80 counter drop; ip6 daddr 2001:db8::100 drop; }",
    ),
    (
        "a rule about another address",
        false,
        "chain i { type filter hook input priority 0; ip daddr 10.9.9.96/30 drop; ip6 daddr 2001:db8::100-2001:db8::101 tcp dport != 80 drop; }",
    ),
    ("a refusal", true, "chain i { type filter hook input priority 0; tcp dport 80 reject with tcp reset; }"),
    (
        "a named set",
        true,
        "set four { type ipv4_addr; flags interval; elements = { 10.9.9.0/24 }; }\nset six { type ipv6_addr; elements = { 2001:db8::100 }; }\n\
         chain i { type filter hook input priority 0; ip daddr @four tcp dport 80 drop; ip6 daddr @six tcp dport 80 drop; }",
    ),
    (
        "a chain that is called",
        true,
        "chain web { tcp dport != 80 return; drop; }\nchain i { type filter hook input priority 0; meta l4proto tcp jump web; accept; }",
    ),
    (
        "a chain that returns",
        false,
        "chain web { tcp dport 80 return; drop; }\nchain i { type filter hook input priority 0; meta l4proto tcp jump web; accept; }",
    ),
    (
        "a verdict by port",
        true,
        "chain web { drop; }\nchain i { type filter hook input priority 0; tcp dport vmap { 22 : accept, 80 : goto web }; accept; }",
    ),
    (
        "what one chain accepts and a later one drops",
        true,
        "chain early { type filter hook input priority -10; tcp dport 80 accept; }\n\
         chain late { type filter hook input priority 10; tcp dport 80 drop; }",
    ),
    ("before it is routed", true, "chain p { type filter hook prerouting priority -300; tcp dport 80 drop; }"),
    (
        "other protocols, states and links",
        false,
        "chain i { type filter hook input priority 0; udp dport 80 drop; tcp sport 80 drop; ct state invalid drop; iifname \"eth9\" drop; \
         meta nfproto ipv4 meta l4proto sctp drop; }",
    ),
];

/// Loads a ruleset in place of the one before.
fn load(host: &Host, rules: &str) {
    let text = format!("flush ruleset\ntable inet t {{\n{rules}\n}}\n");
    host.inside(|| {
        let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().expect("nft");
        nft.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("nft reads");
        assert!(nft.wait().expect("it ends").success(), "{text}");
    });
}

/// What rule 13 says of a virtual address on a real server.
fn blamed(server: &Host, vip: IpAddr) -> Vec<Value> {
    let output = server.inside(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        command.args(["doctor", "--json", "--real-server", "--mode", "dr", "--port", "80", "--vip"]);
        command.arg(vip.to_string()).output().expect("lvsadm")
    });
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["unread"], Value::Array(Vec::new()), "{report}");
    let findings = report["findings"].as_array().expect("a list");
    findings.iter().filter(|finding| finding["rule"] == 13).cloned().collect()
}

#[test]
fn rules_are_blamed_where_nobody_gets_through() {
    let pair = Pair::new();
    let (client, server) = (&pair.one, &pair.two);
    server.run("ip address add 10.9.9.100/32 dev lo");
    server.run("ip address add 2001:db8::100/128 dev lo nodad");
    // For an address of another link nobody answers neighbour discovery; and what is said here is about TCP alone.
    client.run("ip -6 route add 2001:db8::100/128 via 2001:db8::2");
    for (host, other, number) in [(client, server, 2), (server, client, 1)] {
        let mac = other.mac().map(|byte| format!("{byte:02x}")).join(":");
        host.run(&format!("ip -6 neigh replace 2001:db8::{number} lladdr {mac} dev eth0 nud permanent"));
    }
    let vips: [IpAddr; 2] = ["10.9.9.100", "2001:db8::100"].map(|vip| vip.parse().expect("an address"));
    let _listeners =
        server.inside(|| vips.map(|vip| TcpListener::bind(SocketAddr::new(vip, 80)).expect("a server program")));
    let connects = |vip: IpAddr, patience| {
        let address = SocketAddr::new(vip, 80);
        client.inside(|| TcpStream::connect_timeout(&address, Duration::from_millis(patience)).is_ok())
    };
    for (name, drops, rules) in RULES {
        load(server, rules);
        for vip in vips {
            // Longer where an answer is expected: it comes at once, unless this machine is busy.
            assert_eq!(connects(vip, if drops { 200 } else { 5000 }), !drops, "{name}: {vip}");
            let findings = blamed(server, vip);
            assert_eq!(findings.len(), usize::from(drops), "{name}: {vip}: {findings:#?}");
        }
        // What is said to mend it does.
        for vip in vips.into_iter().filter(|_| drops) {
            let mend = blamed(server, vip)[0]["mend"][0]["command"].as_str().expect("a command").to_owned();
            assert!(mend.starts_with("nft insert rule inet t "), "{mend}");
            server.run(&mend);
            assert!(connects(vip, 5000), "{name}: {vip}: {mend}");
        }
    }
}
