//! Addresses, routes and rules in the words of `ip address`, `ip route` and `ip rule`, as keepalived takes them. Pure.
//!
//! A word that lvsadm cannot carry out is a fault, never skipped: an address that comes up half as it was meant is worse
//! than a message.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr},
};

use super::values::{Reading, Wrong, address, digits, link, nearest, number};
use crate::{
    host::{Address, Lifetime, NextHop, Route, RouteTarget, Rule, RuleAction, Scope},
    model::Family,
};

/// The words of one entry, read from left to right.
struct Words<'a> {
    words: std::iter::Peekable<std::str::SplitAsciiWhitespace<'a>>,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self { words: text.split_ascii_whitespace().peekable() }
    }

    fn next(&mut self) -> Option<&'a str> {
        self.words.next()
    }

    /// Reads the value behind `word`.
    fn value<T>(&mut self, word: &str, read: impl Fn(&str) -> Reading<T>) -> Reading<T> {
        let value = self.next().ok_or_else(|| Wrong::new(format_args!("a value is missing behind {word}")))?;
        read(value).map_err(|wrong| Wrong { why: format!("{word} {value}: {}", wrong.why), ..wrong })
    }

    /// Takes the next word if it is this one.
    fn take(&mut self, word: &str) -> bool {
        self.words.next_if_eq(&word).is_some()
    }
}

/// Keeps a value that may be said once.
fn once<T>(slot: &mut Option<T>, word: &str, value: T) -> Reading<()> {
    if slot.replace(value).is_some() {
        return Err(Wrong::new(format_args!("{word} is said twice")));
    }
    Ok(())
}

fn unknown(word: &str, known: &[&str]) -> Wrong {
    let wrong = Wrong::new(format_args!("the word {word} is not known here"));
    match nearest(word, known.iter().copied()) {
        Some(meant) => wrong.hint(format_args!("did you mean {meant}?")),
        None => wrong.hint(format_args!("known are {}", known.join(", "))),
    }
}

/// Returns how many bits an address of this family has.
fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Reads `ADDR` or `ADDR/LENGTH`.
fn prefix(text: &str) -> Reading<(IpAddr, u8)> {
    let (host, length) = text.split_once('/').map_or((text, None), |(host, length)| (host, Some(length)));
    let host = address(host)?;
    let most = bits(host);
    let length = match length {
        Some(word) => digits(word)
            .filter(|length| *length <= most)
            .ok_or_else(|| Wrong::new(format_args!("a prefix length from 0 to {most} belongs behind the slash")))?,
        None => most,
    };
    Ok((host, length))
}

/// Reads a prefix of a route or rule, whose host bits must be zero, as the kernel wants it.
fn network(text: &str) -> Reading<(IpAddr, u8)> {
    let (host, length) = prefix(text)?;
    let masked = masked(host, length);
    if masked != host {
        return Err(Wrong::new(format_args!("{host} has bits outside its prefix of {length}"))
            .hint(format_args!("the network is {masked}/{length}")));
    }
    Ok((host, length))
}

fn masked(host: IpAddr, length: u8) -> IpAddr {
    let length = u32::from(length);
    match host {
        IpAddr::V4(host) => {
            IpAddr::V4(Ipv4Addr::from_bits(host.to_bits() & u32::MAX.checked_shl(32 - length).unwrap_or(0)))
        }
        IpAddr::V6(host) => IpAddr::V6((host.to_bits() & u128::MAX.checked_shl(128 - length).unwrap_or(0)).into()),
    }
}

fn print_prefix((host, length): (IpAddr, u8)) -> String {
    if length == bits(host) { host.to_string() } else { format!("{host}/{length}") }
}

const ADDRESS_WORDS: [&str; 9] =
    ["dev", "label", "brd", "broadcast", "scope", "peer", "preferred_lft", "-nodad", "noprefixroute"];

/// Reads an address: `ADDR[/LENGTH] [dev IF] [label L] [brd A|+|-] [scope S] [peer A] [preferred_lft SECONDS|forever]
/// [-nodad] [noprefixroute]`.
pub(super) fn read_address(text: &str) -> Reading<Address> {
    let mut words = Words::new(text);
    let first = words.next().ok_or_else(|| Wrong::new("the address is missing"))?;
    let (host, length) = prefix(first)?;
    if host.is_unspecified() || host.is_multicast() || host.is_loopback() || length == 0 {
        return Err(Wrong::new(format_args!("{first} cannot be a virtual address")));
    }
    let (mut device, mut label, mut broadcast, mut peer, mut scope, mut preferred) =
        (None, None, None, None, None, None);
    let (mut duplicate_detection, mut no_prefix_route) = (false, false);
    let v4 = host.is_ipv4();
    let only_v4 =
        |word: &str| if v4 { Ok(()) } else { Err(Wrong::new(format_args!("{word} is for IPv4 addresses only"))) };
    while let Some(word) = words.next() {
        match word {
            "dev" => once(&mut device, word, words.value(word, link)?)?,
            "label" => {
                only_v4(word)?;
                once(&mut label, word, words.value(word, read_label)?)?;
            }
            "brd" | "broadcast" => {
                only_v4(word)?;
                once(&mut broadcast, word, words.value(word, |word| read_broadcast(word, host, length))?)?;
            }
            "scope" => once(&mut scope, word, words.value(word, read_scope)?)?,
            "peer" => once(&mut peer, word, words.value(word, |word| of_family(word, host))?)?,
            "preferred_lft" => once(&mut preferred, word, words.value(word, read_lifetime)?)?,
            "-nodad" => duplicate_detection = true,
            "noprefixroute" => no_prefix_route = true,
            "home" | "mngtmpaddr" | "autojoin" => {
                return Err(Wrong::new(format_args!("{word} has no use for a virtual address and is not supported")));
            }
            "use_vmac" => {
                return Err(Wrong::new("use_vmac is not said of one address")
                    .hint("--vmac-other-links gives all addresses on other interfaces a macvlan"));
            }
            "no_track" => {
                return Err(Wrong::new(
                    "no_track is not needed: an address that somebody removes comes back, and the \
                                       instance stays as it is",
                ));
            }
            other => return Err(unknown(other, &ADDRESS_WORDS)),
        }
    }
    Ok(Address {
        address: host,
        prefix: length,
        device,
        label,
        broadcast,
        peer,
        scope: scope.unwrap_or_default(),
        preferred,
        duplicate_detection,
        no_prefix_route,
    })
}

fn read_label(word: &str) -> Reading<String> {
    if (1..=super::values::MAX_LINK).contains(&word.len()) {
        return Ok(word.to_owned());
    }
    Err(Wrong::new(format_args!("a label has 1 to {} letters", super::values::MAX_LINK)))
}

/// Reads a broadcast address: `+` and `-` are the last and the first of the prefix.
fn read_broadcast(word: &str, host: IpAddr, length: u8) -> Reading<IpAddr> {
    let IpAddr::V4(v4) = host else { return Err(Wrong::new("only IPv4 has broadcasts")) };
    let host_bits = u32::MAX.checked_shr(length.into()).unwrap_or(0);
    match word {
        "+" => Ok(Ipv4Addr::from_bits(v4.to_bits() | host_bits).into()),
        "-" => Ok(Ipv4Addr::from_bits(v4.to_bits() & !host_bits).into()),
        word => of_family(word, host),
    }
}

fn of_family(word: &str, host: IpAddr) -> Reading<IpAddr> {
    let read = address(word)?;
    if Family::of(read) == Family::of(host) {
        return Ok(read);
    }
    Err(Wrong::new(format_args!("this is not of the family of {host}")))
}

const SCOPES: [(&str, Scope); 5] = [
    ("global", Scope::Global),
    ("site", Scope::Site),
    ("link", Scope::Link),
    ("host", Scope::Host),
    ("nowhere", Scope::Nowhere),
];

fn read_scope(word: &str) -> Reading<Scope> {
    if let Some((_, scope)) = SCOPES.iter().find(|(name, _)| *name == word) {
        return Ok(*scope);
    }
    match digits::<u8>(word) {
        Some(0) => Ok(Scope::Global),
        Some(200) => Ok(Scope::Site),
        Some(253) => Ok(Scope::Link),
        Some(254) => Ok(Scope::Host),
        Some(255) => Ok(Scope::Nowhere),
        Some(other) => Ok(Scope::Other(other)),
        None => Err(Wrong::new("global, site, link, host, nowhere or a number to 255 is needed")),
    }
}

fn print_scope(scope: Scope) -> String {
    let named = SCOPES.iter().find(|(_, known)| *known == scope).map(|(name, _)| (*name).to_owned());
    named.unwrap_or_else(|| if let Scope::Other(number) = scope { number.to_string() } else { String::new() })
}

fn read_lifetime(word: &str) -> Reading<Lifetime> {
    match word {
        "forever" => Ok(Lifetime::Forever),
        // The kernel's forever.
        word => number(0..=u32::MAX - 1)(word).map(Lifetime::Seconds),
    }
}

/// Writes an address as [`read_address`] reads it.
pub fn print_address(address: &Address) -> String {
    let mut text = print_prefix((address.address, address.prefix));
    let mut say = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, " {word} {value}");
        }
    };
    say("dev", address.device.clone());
    say("label", address.label.clone());
    say("brd", address.broadcast.map(|broadcast| broadcast.to_string()));
    say("peer", address.peer.map(|peer| peer.to_string()));
    say("scope", (address.scope != Scope::Global).then(|| print_scope(address.scope)));
    say(
        "preferred_lft",
        address.preferred.map(|preferred| match preferred {
            Lifetime::Forever => "forever".to_owned(),
            Lifetime::Seconds(seconds) => seconds.to_string(),
        }),
    );
    if address.duplicate_detection {
        text.push_str(" -nodad");
    }
    if address.no_prefix_route {
        text.push_str(" noprefixroute");
    }
    text
}

/// The routing tables that have names in every kernel.
const TABLES: [(&str, u32); 3] = [("default", 253), ("main", MAIN), ("local", 255)];
const MAIN: u32 = 254;

fn read_table(word: &str) -> Reading<u32> {
    let named = TABLES.iter().find(|(name, _)| *name == word).map(|(_, table)| *table);
    named.or_else(|| digits(word).filter(|table| *table > 0)).ok_or_else(|| {
        Wrong::new("main, local, default or a number is needed")
            .hint("other names stand in rt_tables, which another machine may not have")
    })
}

fn print_table(table: u32) -> String {
    TABLES.iter().find(|(_, known)| *known == table).map_or_else(|| table.to_string(), |(name, _)| (*name).to_owned())
}

const ROUTE_WORDS: [&str; 15] = [
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
pub(super) fn read_route(text: &str) -> Reading<Route> {
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
pub(super) fn print_route(route: &Route) -> String {
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

const RULE_WORDS: [&str; 17] = [
    "not",
    "from",
    "to",
    "fwmark",
    "iif",
    "dev",
    "oif",
    "inet",
    "inet6",
    "table",
    "lookup",
    "preference",
    "priority",
    "order",
    "blackhole",
    "unreachable",
    "prohibit",
];

/// Reads a rule: `[not] [from PREFIX|all] [to PREFIX|all] [fwmark N[/MASK]] [iif IF] [oif IF] [inet6] preference N
/// lookup TABLE|blackhole|unreachable|prohibit`.
pub(super) fn read_rule(text: &str) -> Reading<Rule> {
    let mut words = Words::new(text);
    let (mut from, mut to, mut mark, mut iif, mut oif, mut family, mut preference, mut action) =
        (None, None, None, None, None, None, None, None);
    let mut not = false;
    while let Some(word) = words.next() {
        match word {
            "not" => not = true,
            "from" => once(&mut from, word, words.value(word, selector)?)?,
            "to" => once(&mut to, word, words.value(word, selector)?)?,
            "fwmark" => once(&mut mark, word, words.value(word, read_mark)?)?,
            "iif" | "dev" => once(&mut iif, word, words.value(word, link)?)?,
            "oif" => once(&mut oif, word, words.value(word, link)?)?,
            "inet" => once(&mut family, word, Family::V4)?,
            "inet6" => once(&mut family, word, Family::V6)?,
            "preference" | "priority" | "order" => {
                once(&mut preference, word, words.value(word, number(0..=u32::MAX))?)?;
            }
            "type" => {}
            "table" | "lookup" => once(&mut action, word, RuleAction::Lookup(words.value(word, read_table)?))?,
            "blackhole" => once(&mut action, word, RuleAction::Blackhole)?,
            "unreachable" => once(&mut action, word, RuleAction::Unreachable)?,
            "prohibit" => once(&mut action, word, RuleAction::Prohibit)?,
            other => return Err(unknown(other, &RULE_WORDS)),
        }
    }
    let (from, to) = (from.flatten(), to.flatten());
    let named = [from, to].into_iter().flatten().map(|(host, _)| Family::of(host)).collect::<Vec<_>>();
    let families: Vec<Family> = named.into_iter().chain(family).collect();
    let family = families.first().copied().unwrap_or(Family::V4);
    if families.iter().any(|each| *each != family) {
        return Err(Wrong::new("its words are of both families"));
    }
    let preference = preference.ok_or_else(|| {
        Wrong::new("the preference is missing")
            .hint("preference N: lower goes first; the kernel's own rules are 0, 32766 and 32767")
    })?;
    let action = action.ok_or_else(|| {
        Wrong::new("it is not said what happens").hint("lookup TABLE, blackhole, unreachable or prohibit")
    })?;
    Ok(Rule { preference, not, from, to, mark, iif, oif, family, action })
}

fn selector(word: &str) -> Reading<Option<(IpAddr, u8)>> {
    if word == "all" || word == "any" { Ok(None) } else { network(word).map(Some) }
}

fn read_mark(word: &str) -> Reading<(u32, u32)> {
    let one = |word: &str| match word.strip_prefix("0x") {
        Some(hex) if !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None if word.is_empty() => None,
        None => digits(word),
    };
    let (mark, mask) = word.split_once('/').map_or((word, None), |(mark, mask)| (mark, Some(mask)));
    let mask = mask.map_or(Some(u32::MAX), one);
    one(mark).zip(mask).ok_or_else(|| Wrong::new("a mark is a number, with a mask behind a slash: 5, 0x10/0xf0"))
}

/// Writes a rule as [`read_rule`] reads it.
pub(super) fn print_rule(rule: &Rule) -> String {
    let mut text = String::new();
    let mut say = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            let separator = if text.is_empty() { "" } else { " " };
            let _ = write!(text, "{separator}{word}");
            if !value.is_empty() {
                let _ = write!(text, " {value}");
            }
        }
    };
    say("not", rule.not.then(String::new));
    say("from", rule.from.map(print_prefix));
    say("to", rule.to.map(print_prefix));
    say(
        "fwmark",
        rule.mark.map(|(mark, mask)| match mask {
            u32::MAX => mark.to_string(),
            mask => format!("{mark:#x}/{mask:#x}"),
        }),
    );
    say("iif", rule.iif.clone());
    say("oif", rule.oif.clone());
    let family_is_told = rule.from.is_some() || rule.to.is_some() || rule.family == Family::V4;
    say("inet6", (!family_is_told).then(String::new));
    match rule.action {
        RuleAction::Lookup(table) => say("lookup", Some(print_table(table))),
        RuleAction::Blackhole => say("blackhole", Some(String::new())),
        RuleAction::Unreachable => say("unreachable", Some(String::new())),
        RuleAction::Prohibit => say("prohibit", Some(String::new())),
    }
    say("preference", Some(rule.preference.to_string()));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entries_come_back_in_one_form() {
        for (typed, printed) in [
            ("10.9.9.100", "10.9.9.100"),
            ("10.9.9.100/32", "10.9.9.100"),
            ("10.9.9.101/24 dev eth1 label eth1:v brd +", "10.9.9.101/24 dev eth1 label eth1:v brd 10.9.9.255"),
            ("10.9.9.101/24 scope 253 noprefixroute", "10.9.9.101/24 scope link noprefixroute"),
            ("2001:db8::1/64 preferred_lft forever -nodad", "2001:db8::1/64 preferred_lft forever -nodad"),
            ("10.0.0.1 peer 10.0.0.2 scope 7", "10.0.0.1 peer 10.0.0.2 scope 7"),
        ] {
            assert_eq!(read_address(typed).map(|read| print_address(&read)), Ok(printed.to_owned()), "{typed}");
        }
        for (typed, printed) in [
            ("10.1.0.0/16 via 10.9.9.1", "10.1.0.0/16 via 10.9.9.1"),
            ("to default via inet 10.9.9.1 table 254", "default via 10.9.9.1"),
            ("blackhole 10.0.0.0/8 table 100 metric 0", "blackhole 10.0.0.0/8 table 100 metric 0"),
            ("0.0.0.0/0 dev eth0 scope link", "default dev eth0 scope link"),
            (
                "10.2.0.0/16 nexthop via 10.9.9.1 weight 2 nexthop dev eth1 mtu 1400",
                "10.2.0.0/16 mtu 1400 nexthop via 10.9.9.1 weight 2 nexthop dev eth1",
            ),
        ] {
            assert_eq!(read_route(typed).map(|read| print_route(&read)), Ok(printed.to_owned()), "{typed}");
        }
        for (typed, printed) in [
            ("from 10.9.9.100 lookup 100 preference 500", "from 10.9.9.100 lookup 100 preference 500"),
            ("not to all fwmark 16/0xf0 inet6 prohibit order 1", "not fwmark 0x10/0xf0 inet6 prohibit preference 1"),
            ("from ::/0 table main priority 7", "from ::/0 lookup main preference 7"),
        ] {
            assert_eq!(read_rule(typed).map(|read| print_rule(&read)), Ok(printed.to_owned()), "{typed}");
        }
    }

    #[test]
    fn faults_name_the_word() {
        let why = |wrong: Wrong| wrong.why;
        for (text, expected) in [
            ("", "the address is missing"),
            ("10.9.9", "this is no IP address"),
            ("10.9.9.1/33", "a prefix length from 0 to 32 belongs behind the slash"),
            ("224.0.0.1", "224.0.0.1 cannot be a virtual address"),
            ("10.9.9.1 dev", "a value is missing behind dev"),
            ("10.9.9.1 dev eth0 dev eth1", "dev is said twice"),
            ("2001:db8::1 label x", "label is for IPv4 addresses only"),
            ("10.9.9.1 lable x", "the word lable is not known here"),
            ("10.9.9.1 peer ::1", "peer ::1: this is not of the family of 10.9.9.1"),
            ("10.9.9.1 use_vmac", "use_vmac is not said of one address"),
        ] {
            assert_eq!(read_address(text).map_err(why), Err(expected.to_owned()), "{text}");
        }
        for (text, expected) in [
            ("", "the destination is missing"),
            ("10.1.0.1/16 via 10.9.9.1", "10.1.0.1 has bits outside its prefix of 16"),
            ("10.1.0.0/16", "it is not said which way the packets go"),
            ("10.1.0.0/16 via ::1", "its addresses are of both families"),
            ("blackhole default dev eth0", "a route that drops its packets has no via, dev or nexthop"),
            ("default via 10.9.9.1 encap mpls", "the word encap is not known here"),
        ] {
            assert_eq!(read_route(text).map_err(why), Err(expected.to_owned()), "{text}");
        }
        for (text, expected) in [
            ("from 10.0.0.1 lookup 100", "the preference is missing"),
            ("from 10.0.0.1 preference 1", "it is not said what happens"),
            ("from 10.0.0.1 to ::1 lookup 1 preference 1", "its words are of both families"),
            ("lookup vpn preference 1", "lookup vpn: main, local, default or a number is needed"),
        ] {
            assert_eq!(read_rule(text).map_err(why), Err(expected.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_comes_back(text in words()) {
            if let Ok(read) = read_address(&text) {
                prop_assert_eq!(read_address(&print_address(&read)), Ok(read));
            }
            if let Ok(read) = read_route(&text) {
                prop_assert_eq!(read_route(&print_route(&read)), Ok(read));
            }
            if let Ok(read) = read_rule(&text) {
                prop_assert_eq!(read_rule(&print_rule(&read)), Ok(read));
            }
        }
    }

    /// Lines of words that mean something somewhere.
    fn words() -> impl Strategy<Value = String> {
        let known: Vec<&str> = ADDRESS_WORDS.into_iter().chain(ROUTE_WORDS).chain(RULE_WORDS).collect();
        let values =
            ["10.9.9.0/24", "10.9.9.1", "2001:db8::1", "::/0", "eth0", "7", "254", "+", "link", "1/2", "default"];
        let word = prop_oneof![prop::sample::select(known), prop::sample::select(values.to_vec())];
        prop::collection::vec(word, 0..9).prop_map(|words| words.join(" "))
    }
}
