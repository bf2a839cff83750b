//! Routes.

use std::{fmt::Write as _, net::IpAddr};

use super::{MAIN, Words, network, once, print_prefix, print_scope, print_table, read_scope, read_table, unknown};
use crate::{
    host::{NextHop, Route, RouteTarget},
    model::Family,
    state::vrrp::values::{Reading, Wrong, address, link, number},
};

pub(super) const ROUTE_WORDS: [&str; 15] = [
    "to",
    "via",
    "dev",
    "oif",
    "onlink",
    "nexthop",
    "table",
    "src",
    "metric",
    "priority",
    "scope",
    "mtu",
    "advmss",
    "blackhole",
    "unreachable",
];

/// Reads a route: `[blackhole|unreachable|prohibit] [to] PREFIX|default [via A] [dev IF] [onlink] [src A] [table T]
/// [metric N] [scope S] [mtu N] [advmss N] [nexthop [via A] [dev IF] [weight N] [onlink]]…`.
pub(in crate::state::vrrp) fn read_route(text: &str) -> Reading<Route> {
    let mut words = Words::new(text);
    let mut kind = None;
    for (word, target) in TARGETS {
        if words.take(word) {
            kind = target;
            break;
        }
    }
    words.take("to");
    let to = match words.next() {
        None => return Err(Wrong::new("the destination is missing")),
        Some("default" | "any" | "all") => None,
        // `::/0` says which family is meant, which `default` does not.
        Some(word) => Some(network(word)?).filter(|(host, length)| *length > 0 || host.is_ipv6()),
    };
    let (mut table, mut source, mut metric, mut scope, mut mtu, mut advmss) = (None, None, None, None, None, None);
    let mut own = Hop::default();
    let mut hops = Vec::new();
    while let Some(word) = words.next() {
        if own.take(word, &mut words)? {
            continue;
        }
        match word {
            "nexthop" => {
                let mut hop = Hop::default();
                while let Some(word @ ("via" | "dev" | "oif" | "onlink" | "weight")) = words.words.peek().copied() {
                    words.next();
                    hop.take(word, &mut words)?;
                }
                hops.push(hop.finish()?);
            }
            "table" => once(&mut table, word, words.value(word, read_table)?)?,
            "src" => once(&mut source, word, words.value(word, address)?)?,
            "metric" | "priority" | "preference" => once(&mut metric, word, words.value(word, number(0..=u32::MAX))?)?,
            "scope" => once(&mut scope, word, words.value(word, read_scope)?)?,
            "mtu" => once(&mut mtu, word, words.value(word, number(68..=u32::MAX))?)?,
            "advmss" => once(&mut advmss, word, words.value(word, number(1..=u32::MAX))?)?,
            other => return Err(unknown(other, &ROUTE_WORDS)),
        }
    }
    let target = match kind {
        Some(kind) if own.is_empty() && hops.is_empty() => kind,
        Some(_) => return Err(Wrong::new("a route that drops its packets has no via, dev or nexthop")),
        None if hops.is_empty() && own.is_empty() => {
            return Err(Wrong::new("it is not said which way the packets go").hint("name via A, dev IF or both"));
        }
        None if hops.is_empty() => RouteTarget::Via(vec![own.finish()?]),
        None if own.is_empty() => RouteTarget::Via(hops),
        None => return Err(Wrong::new("via and dev belong either in front of all nexthops' or inside them")),
    };
    let gateways = match &target {
        RouteTarget::Via(hops) => hops.iter().filter_map(|hop| hop.gateway).collect(),
        _ => Vec::new(),
    };
    let mut families = to.map(|(host, _)| host).into_iter().chain(source).chain(gateways).map(Family::of);
    let first = families.next();
    if families.any(|family| Some(family) != first) {
        return Err(Wrong::new("its addresses are of both families"));
    }
    Ok(Route { to, target, table: table.unwrap_or(MAIN), source, metric, scope, mtu, advmss })
}

const TARGETS: [(&str, Option<RouteTarget>); 4] = [
    ("blackhole", Some(RouteTarget::Blackhole)),
    ("unreachable", Some(RouteTarget::Unreachable)),
    ("prohibit", Some(RouteTarget::Prohibit)),
    ("unicast", None),
];

/// A way out, while its words are read.
#[derive(Default)]
struct Hop {
    gateway: Option<IpAddr>,
    device: Option<String>,
    weight: Option<u16>,
    onlink: bool,
}

impl Hop {
    fn take(&mut self, word: &str, words: &mut Words<'_>) -> Reading<bool> {
        match word {
            "via" => {
                if !words.take("inet") {
                    words.take("inet6");
                }
                once(&mut self.gateway, word, words.value(word, address)?)?;
            }
            "dev" | "oif" => once(&mut self.device, word, words.value(word, link)?)?,
            "weight" => once(&mut self.weight, word, words.value(word, number(1..=256))?)?,
            "onlink" => self.onlink = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn is_empty(&self) -> bool {
        self.gateway.is_none() && self.device.is_none() && self.weight.is_none() && !self.onlink
    }

    fn finish(self) -> Reading<NextHop> {
        if self.gateway.is_none() && self.device.is_none() {
            return Err(Wrong::new("a way out needs via A, dev IF or both"));
        }
        if self.onlink && (self.gateway.is_none() || self.device.is_none()) {
            return Err(Wrong::new("onlink needs via A and dev IF"));
        }
        Ok(NextHop {
            gateway: self.gateway,
            device: self.device,
            weight: self.weight.unwrap_or(1),
            onlink: self.onlink,
        })
    }
}

/// Writes a route as [`read_route`] reads it.
pub(in crate::state::vrrp) fn print_route(route: &Route) -> String {
    let to = route.to.map_or_else(|| "default".to_owned(), print_prefix);
    let mut text = match &route.target {
        RouteTarget::Via(_) => to,
        RouteTarget::Blackhole => format!("blackhole {to}"),
        RouteTarget::Unreachable => format!("unreachable {to}"),
        RouteTarget::Prohibit => format!("prohibit {to}"),
    };
    let hops = if let RouteTarget::Via(hops) = &route.target { hops.as_slice() } else { &[] };
    let alone = hops.len() == 1;
    if let [hop] = hops {
        print_hop(&mut text, hop);
    }
    if route.table != MAIN {
        let _ = write!(text, " table {}", print_table(route.table));
    }
    let mut say = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, " {word} {value}");
        }
    };
    say("src", route.source.map(|source| source.to_string()));
    say("metric", route.metric.map(|metric| metric.to_string()));
    say("scope", route.scope.map(print_scope));
    say("mtu", route.mtu.map(|mtu| mtu.to_string()));
    say("advmss", route.advmss.map(|advmss| advmss.to_string()));
    for hop in hops.iter().filter(|_| !alone) {
        text.push_str(" nexthop");
        print_hop(&mut text, hop);
    }
    text
}

fn print_hop(text: &mut String, hop: &NextHop) {
    if let Some(gateway) = hop.gateway {
        let _ = write!(text, " via {gateway}");
    }
    if let Some(device) = &hop.device {
        let _ = write!(text, " dev {device}");
    }
    if hop.weight != 1 {
        let _ = write!(text, " weight {}", hop.weight);
    }
    if hop.onlink {
        text.push_str(" onlink");
    }
}
