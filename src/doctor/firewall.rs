//! What nftables does with a packet, as far as its rules (`nft -j list ruleset`) tell: pure.
//!
//! Rules have more kinds of matches than are known here. One that is not understood may match or not: a rule with such a match
//! that accepts counts as matching, and one that drops as not matching. So a packet is only called dropped if it surely is.

mod legacy;
mod read;
#[cfg(test)]
mod tests;

pub use legacy::add as add_legacy;
pub use read::parse;

use std::{collections::BTreeMap, net::IpAddr};

/// More jumps than this inside each other the kernel does not take either.
const DEEPEST: usize = 16;

/// Where in its way through the kernel a packet meets rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// It is for this host; what IPVS takes comes by here first.
    Input,
    /// It passes through; answers of servers in mode nat do.
    Forward,
    /// It is sent from here; what IPVS passes on goes by here.
    Output,
    /// It came in, and nothing is decided.
    Prerouting,
    /// It is about to leave.
    Postrouting,
}

/// A packet to be judged. What is not known matches nothing for certain.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Where it is.
    pub hook: Hook,
    /// Whether it is IPv6.
    pub ipv6: bool,
    /// IP protocol.
    pub protocol: u16,
    /// Source address.
    pub from: Option<IpAddr>,
    /// Destination address.
    pub to: Option<IpAddr>,
    /// Source port.
    pub from_port: Option<u16>,
    /// Destination port.
    pub to_port: Option<u16>,
    /// Name of the link that it came in by.
    pub link: Option<String>,
    /// Name of the link that it leaves by.
    pub out_link: Option<String>,
    /// What connection tracking says of it: `new`, `established`, `invalid`, `untracked`.
    pub state: Option<&'static str>,
}

/// All rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ruleset {
    /// Chains in the order of the listing.
    pub(super) chains: Vec<Chain>,
    /// Elements of named sets, by family, table and name.
    pub(super) sets: BTreeMap<(String, String, String), Values>,
}

/// A chain.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chain {
    pub(super) family: String,
    pub(super) table: String,
    pub(super) name: String,
    /// Hook and priority, if packets meet it by themselves.
    pub(super) hook: Option<(Hook, i64)>,
    pub(super) drops: bool,
    /// Whether it is one of iptables.
    pub(super) legacy: bool,
    pub(super) rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) handle: u64,
    pub(super) matches: Vec<Match>,
    pub(super) action: Action,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Match {
    /// The field is (or is not) one of the values.
    Is { field: Field, not: bool, values: Values },
    /// Something else.
    Unknown,
}

/// What a condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    From {
        ipv6: bool,
    },
    To {
        ipv6: bool,
    },
    /// Of this protocol, or of any that has ports.
    FromPort(Option<u16>),
    ToPort(Option<u16>),
    Protocol,
    Family,
    Link,
    OutLink,
    State,
}

/// Values as ranges of numbers, and words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) ranges: Vec<(u128, u128)>,
    pub(super) words: Vec<String>,
    /// A named set.
    pub(super) set: Option<String>,
    /// Whether something in them was not understood.
    pub(super) unclear: bool,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Accept,
    Drop,
    Jump(String),
    Goto(String),
    Return,
    /// Sets the firewall mark.
    Mark(u32),
    /// Rewrites the source (masquerade, snat).
    Rewrite,
    /// Goes on to the next rule, or does something else.
    None,
}

/// Where a packet is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Family and table.
    pub table: String,
    /// Chain.
    pub chain: String,
    /// The rule's handle, or its number in iptables; `None` = the chain's policy.
    pub handle: Option<u64>,
    /// Whether it is a rule of iptables.
    pub legacy: bool,
}

impl Dropped {
    /// Says where, as commands of nft name it.
    pub fn place(&self) -> String {
        let Self { table, chain, handle, legacy } = self;
        match handle {
            Some(number) if *legacy => format!("iptables, chain {table} {chain}, rule {number}"),
            None if *legacy => format!("iptables, chain {table} {chain}, policy DROP"),
            Some(handle) => format!("chain {table} {chain}, rule with handle {handle}"),
            None => format!("chain {table} {chain}, policy drop"),
        }
    }

    /// Returns the command that lets packets pass that match `condition`.
    pub fn mend(&self, condition: &str) -> String {
        let Self { table, chain, .. } = self;
        if self.legacy {
            let (family, table) = table.split_once(' ').unwrap_or(("ip", table));
            return format!("{family}tables -t {table} -I {chain} {} -j ACCEPT", in_iptables(condition));
        }
        format!("nft insert rule {table} {chain} {condition} accept")
    }
}

/// Returns a condition of nft as iptables has it.
fn in_iptables(condition: &str) -> String {
    let words: Vec<&str> = condition.split_whitespace().collect();
    let mut options = Vec::new();
    for triple in words.chunks(3) {
        options.push(match triple {
            [_, "daddr", address] => format!("-d {address}"),
            [_, "saddr", address] => format!("-s {address}"),
            ["meta", "l4proto", number] => format!("-p {number}"),
            [protocol, "dport", port] => format!("-p {protocol} --dport {port}"),
            [protocol, "sport", port] => format!("-p {protocol} --sport {port}"),
            other => other.join(" "),
        });
    }
    options.join(" ")
}

/// Three answers, of which one is that nobody knows.
type Maybe = Option<bool>;

enum End {
    Accepted,
    Dropped(Option<u64>, String),
    Returned,
}

impl Ruleset {
    /// Returns where the packet is dropped for certain, `None` if it passes or may pass.
    pub fn drops(&self, packet: &Packet) -> Option<Dropped> {
        let mut base: Vec<_> = self
            .chains
            .iter()
            .filter(|chain| chain.concerns(packet.ipv6))
            .filter_map(|chain| Some((chain.hook?, chain)))
            .filter(|((hook, _), _)| *hook == packet.hook)
            .collect();
        base.sort_by_key(|((_, priority), _)| *priority);
        // Each of them may drop it; what one accepts goes to the next.
        base.into_iter().find_map(|(_, chain)| {
            let place = |name: String, handle| {
                let table = format!("{} {}", chain.family, chain.table);
                Some(Dropped { table, chain: name, handle, legacy: chain.legacy })
            };
            match self.walk(chain, packet, 0) {
                End::Dropped(handle, name) => place(name, handle),
                End::Returned if chain.drops => place(chain.name.clone(), None),
                _ => None,
            }
        })
    }

    /// Returns the destinations of packets that get this firewall mark, as far as rules name single addresses; `None` if no rule
    /// sets the mark.
    pub fn marks(&self, mark: u32) -> Option<Vec<IpAddr>> {
        let mut rules = self
            .chains
            .iter()
            .flat_map(|chain| &chain.rules)
            .filter(|rule| rule.action == Action::Mark(mark))
            .peekable();
        rules.peek()?;
        let single = |field: &Field, values: &Values| match (field, values.ranges.as_slice()) {
            (Field::To { ipv6: false }, [(from, to)]) if from == to => {
                Some(IpAddr::from(u32::try_from(*from).ok()?.to_be_bytes()))
            }
            (Field::To { ipv6: true }, [(from, to)]) if from == to => Some(IpAddr::from(from.to_be_bytes())),
            _ => None,
        };
        let addresses = rules.flat_map(|rule| &rule.matches).filter_map(|each| match each {
            Match::Is { field, not: false, values } => single(field, values),
            _ => None,
        });
        Some(addresses.collect())
    }

    /// Whether a rule rewrites the source of this packet: certainly, certainly not, or perhaps.
    pub fn rewrites(&self, packet: &Packet) -> Option<bool> {
        let chains = self.chains.iter().filter(|chain| chain.concerns(packet.ipv6));
        let rules = chains.flat_map(|chain| chain.rules.iter().map(move |rule| (chain, rule)));
        let rewriting = rules.filter(|(_, rule)| rule.action == Action::Rewrite);
        let results: Vec<Maybe> =
            rewriting.map(|(chain, rule)| self.matches(rule, packet, &chain.family, &chain.table)).collect();
        if results.contains(&Some(true)) {
            Some(true)
        } else {
            results.iter().all(|result| *result == Some(false)).then_some(false)
        }
    }

    fn walk(&self, chain: &Chain, packet: &Packet, depth: usize) -> End {
        for rule in &chain.rules {
            let matches = self.matches(rule, packet, &chain.family, &chain.table);
            if matches == Some(false) {
                continue;
            }
            let sure = matches == Some(true);
            match &rule.action {
                Action::Accept => return End::Accepted,
                Action::Drop if sure => return End::Dropped(Some(rule.handle), chain.name.clone()),
                Action::Return if sure => return End::Returned,
                // It may go on here, where it may be accepted. So what follows is not certain.
                Action::Return => return End::Accepted,
                Action::Jump(name) | Action::Goto(name) if depth < DEEPEST => {
                    let target = self.chains.iter().find(|other| {
                        other.name == *name
                            && other.table == chain.table
                            && other.family == chain.family
                            && other.legacy == chain.legacy
                    });
                    match target.map(|target| self.walk(target, packet, depth + 1)) {
                        Some(End::Accepted) => return End::Accepted,
                        Some(End::Dropped(handle, name)) if sure => return End::Dropped(handle, name),
                        _ if sure && matches!(rule.action, Action::Goto(_)) => return End::Returned,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        End::Returned
    }

    fn matches(&self, rule: &Rule, packet: &Packet, family: &str, table: &str) -> Maybe {
        let mut sure = true;
        for each in &rule.matches {
            let result = match each {
                Match::Unknown => None,
                Match::Is { field, not, values } => {
                    self.is(*field, values, packet, family, table).map(|matches| matches != *not)
                }
            };
            match result {
                Some(false) => return Some(false),
                Some(true) => {}
                None => sure = false,
            }
        }
        sure.then_some(true)
    }

    fn is(&self, field: Field, values: &Values, packet: &Packet, family: &str, table: &str) -> Maybe {
        if let Some(set) = &values.set {
            let named = self.sets.get(&(family.to_owned(), table.to_owned(), set.clone()))?;
            return self.is(field, named, packet, family, table);
        }
        let address = |address: Option<IpAddr>, ipv6: bool| {
            if packet.ipv6 != ipv6 {
                return Some(false);
            }
            values.has(match address? {
                IpAddr::V4(address) => u32::from(address).into(),
                IpAddr::V6(address) => address.into(),
            })
        };
        let port = |protocol: Option<u16>, port: Option<u16>| {
            if protocol.is_some_and(|protocol| protocol != packet.protocol) {
                return Some(false);
            }
            values.has(port?.into())
        };
        match field {
            Field::From { ipv6 } => address(packet.from, ipv6),
            Field::To { ipv6 } => address(packet.to, ipv6),
            Field::FromPort(protocol) => port(protocol, packet.from_port),
            Field::ToPort(protocol) => port(protocol, packet.to_port),
            Field::Protocol => values.has(packet.protocol.into()),
            Field::Family => values.says(if packet.ipv6 { "ipv6" } else { "ipv4" }),
            Field::Link => match &packet.link {
                Some(link) => values.says(link),
                // Packets to be judged come from the network, by whatever link; none comes in where it is made.
                None if packet.hook != Hook::Output && values.is_loopback() => Some(false),
                None => None,
            },
            Field::OutLink => values.says(packet.out_link.as_deref()?),
            Field::State => values.says(packet.state?),
        }
    }
}

impl Chain {
    fn concerns(&self, ipv6: bool) -> bool {
        match self.family.as_str() {
            "inet" => true,
            "ip" => !ipv6,
            "ip6" => ipv6,
            // Bridges and single links are not on this way.
            _ => false,
        }
    }
}

impl Values {
    /// Whether they are the link of the host to itself, and nothing else.
    fn is_loopback(&self) -> bool {
        self.words == ["lo"] && self.ranges.is_empty() && self.set.is_none() && !self.unclear
    }

    fn has(&self, value: u128) -> Maybe {
        match self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&value)) {
            true => Some(true),
            false if self.unclear => None,
            false => Some(false),
        }
    }

    fn says(&self, word: &str) -> Maybe {
        match self.words.iter().any(|each| each == word || each.strip_suffix('*').is_some_and(|p| word.starts_with(p)))
        {
            true => Some(true),
            false if self.unclear => None,
            false => Some(false),
        }
    }
}
