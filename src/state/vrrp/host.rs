//! Addresses, routes and rules in the words of `ip address`, `ip route` and `ip rule`, as keepalived takes them. Pure.
//!
//! A word that lvsadm cannot carry out is a fault, never skipped: an address that comes up half as it was meant is worse
//! than a message.

mod address;
mod route;
mod rule;

use std::net::{IpAddr, Ipv4Addr};

use super::values::{Reading, Wrong, address as read_ip, digits, nearest};
use crate::host::Scope;

pub use address::print_address;
pub(super) use address::read_address;
pub(super) use route::{print_route, read_route};
pub(super) use rule::{print_rule, read_rule};

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
    let host = read_ip(host)?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{address::ADDRESS_WORDS, route::ROUTE_WORDS, rule::RULE_WORDS, *};

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
