//! The rules: one small pure function for each, in the tables here.

mod addresses;
mod filters;
mod kernel;
mod paths;
mod server;
mod table;
#[cfg(test)]
mod tests;
mod vrrp;

use super::{
    facts::{Facts, Ipvs, Role},
    finding::{Outcome, Report, Verdict},
};

/// A rule.
struct Rule {
    number: u8,
    id: &'static str,
    title: &'static str,
    check: fn(&Facts) -> Outcome,
}

const fn rule(number: u8, id: &'static str, title: &'static str, check: fn(&Facts) -> Outcome) -> Rule {
    Rule { number, id, title, check }
}

/// What is checked on a director.
const DIRECTOR: [Rule; 25] = [
    rule(1, "module", "the kernel has IPVS and the schedulers that are wanted", kernel::module),
    rule(2, "forwarding", "packets of servers are passed on", kernel::forwarding),
    rule(3, "vip", "virtual addresses are this host's", addresses::vip),
    rule(4, "vip-twice", "virtual addresses have one owner", addresses::vip_twice),
    rule(5, "arp", "nobody else answers for virtual addresses", addresses::arp),
    rule(6, "server-vip", "servers take what is for the virtual address", paths::server_vip),
    rule(8, "rp-filter", "reverse path filters let clients in", kernel::rp_filter),
    rule(9, "tunnel", "servers unpack what is wrapped", paths::tunnel),
    rule(10, "mtu", "wrapped packets fit into the way", paths::mtu),
    rule(11, "nat-gateway", "answers of servers come back through the director", paths::nat_gateway),
    rule(12, "redirects", "servers are not told a shorter way", kernel::redirects),
    rule(13, "firewall", "no rule drops what the services need", filters::firewall),
    rule(14, "conntrack", "connection tracking goes with IPVS", filters::conntrack),
    rule(15, "reuse", "clients that use a port again get a living server", kernel::reuse),
    rule(16, "table-size", "the connection table has room", kernel::table_size),
    rule(17, "weights", "every service has a server that takes connections", table::weights),
    rule(18, "ports", "servers listen where packets arrive", table::ports),
    rule(19, "own-clients", "clients are neither the director nor its servers", table::own_clients),
    rule(20, "families", "servers and services are of families that go together", table::families),
    rule(21, "persistence", "no client is tied to a server that is out", table::persistence),
    rule(22, "sync", "connections can be told to the other director", kernel::sync),
    rule(23, "estimation", "rates are counted", kernel::estimation),
    rule(24, "vrrp-peers", "the routers of the link agree", vrrp::peers),
    rule(25, "vmac", "virtual MAC addresses get through", vrrp::virtual_mac),
    rule(26, "scheduling", "the VRRP process gets its time", vrrp::scheduling),
];

/// What is checked on a real server.
const REAL_SERVER: [Rule; 8] = [
    rule(5, "arp", "the server keeps quiet about virtual addresses", server::arp),
    rule(6, "server-vip", "the server has the virtual addresses", server::vip),
    rule(7, "prefix", "virtual addresses are alone in their prefixes", server::prefix),
    rule(8, "rp-filter", "reverse path filters let clients in", server::rp_filter),
    rule(9, "tunnel", "the server unpacks what is wrapped", server::tunnel),
    rule(11, "nat-gateway", "answers go through the director", server::nat_gateway),
    rule(12, "redirects", "the server takes no shorter way", server::redirects),
    rule(13, "firewall", "no rule drops what the services need", filters::firewall_of_server),
];

/// Applies all rules for the role.
pub fn examine(facts: &Facts) -> Report {
    let rules: &[Rule] = match facts.role {
        Role::Director => &DIRECTOR,
        Role::RealServer(_) => &REAL_SERVER,
    };
    let lost = matches!(facts.role, Role::Director) && matches!(facts.ipvs, Ipvs::Absent { .. });
    let verdicts = rules.iter().map(|rule| Verdict {
        number: rule.number,
        id: rule.id,
        title: rule.title,
        outcome: match rule.id {
            // Without IPVS there is nothing that could need anything else.
            id if lost && id != "module" => Outcome::NotNeeded("there is no IPVS here"),
            _ => (rule.check)(facts),
        },
    });
    Report { verdicts: verdicts.collect(), unread: facts.unread.clone() }
}
