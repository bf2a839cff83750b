//! Links, addresses, routes, rules, sysctls and nftables: what we change, as stock ip, sysctl, nft and ping see it.

mod addresses;
mod firewall;
mod links;
mod monitor;
mod neighbour;
mod routes;
mod vmac;

use std::net::IpAddr;

use lvsadm::{
    host::{Action, Address, AddressChange, Host, NextHop, Refusal, Route, RouteTarget, Rule, RuleAction, Scope},
    model::Family,
};
use serde_json::Value;

use crate::support::{in_netns, run};

/// Runs a test in a fresh namespace with `eth0` and `peer0`, two ends of a cable, both up.
fn with_cable<T: Send>(test: impl FnOnce(&mut Host) -> T + Send) -> T {
    in_netns(|| {
        run("ip link add eth0 type veth peer name peer0").ok();
        run("ip link set eth0 up").ok();
        run("ip link set peer0 up").ok();
        test(&mut Host::open().expect("a client"))
    })
}

fn index(host: &mut Host, name: &str) -> u32 {
    host.link(name).expect("an answer").expect("the link").index
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn address(text: &str, prefix: u8) -> Address {
    Address {
        address: ip(text),
        prefix,
        device: None,
        label: None,
        broadcast: None,
        peer: None,
        scope: Scope::Global,
        preferred: None,
        duplicate_detection: false,
        no_prefix_route: false,
    }
}

fn change<'a>(action: Action, link: u32, addresses: impl IntoIterator<Item = &'a Address>) -> Vec<AddressChange<'a>> {
    addresses.into_iter().map(|address| AddressChange { action, link, address }).collect()
}

fn hop(gateway: Option<&str>, device: Option<&str>) -> NextHop {
    NextHop { gateway: gateway.map(ip), device: device.map(str::to_owned), weight: 1, onlink: false }
}

fn route(to: Option<(&str, u8)>, target: RouteTarget) -> Route {
    let to = to.map(|(address, prefix)| (ip(address), prefix));
    Route { to, target, table: 254, source: None, metric: None, scope: None, mtu: None, advmss: None }
}

fn rule(preference: u32, action: RuleAction) -> Rule {
    Rule { preference, not: false, from: None, to: None, mark: None, iif: None, oif: None, family: Family::V4, action }
}

/// What `ip -j -d …` lists.
fn ip_json(arguments: &str) -> Vec<Value> {
    let text = run(format!("ip -j -d {arguments}")).ok();
    let listed: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    // ip lists empty objects for what it filtered out.
    listed.into_iter().filter(|value| value.as_object().is_some_and(|object| !object.is_empty())).collect()
}

fn texts(refusals: &[Refusal]) -> Vec<String> {
    refusals.iter().map(ToString::to_string).collect()
}
