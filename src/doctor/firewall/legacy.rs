//! `iptables-save` → rules, as far as they are understood: for hosts whose rules are not in nftables.

use std::net::IpAddr;

use super::{Action, Chain, Field, Hook, Match, Rule, Ruleset, Values};

/// Adds what `iptables-save` (or `ip6tables-save`) says to the rules.
pub fn add(ruleset: &mut Ruleset, text: &str, ipv6: bool) {
    let family = if ipv6 { "ip6" } else { "ip" };
    let mut table = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            name.clone_into(&mut table);
        } else if let Some(rest) = line.strip_prefix(':') {
            let mut words = rest.split_whitespace();
            let name = words.next().unwrap_or_default();
            ruleset.chains.push(Chain {
                family: family.to_owned(),
                table: table.clone(),
                name: name.to_owned(),
                hook: hook(name).map(|hook| (hook, priority(&table))),
                drops: words.next() == Some("DROP"),
                legacy: true,
                rules: Vec::new(),
            });
        } else if let Some(rest) = line.strip_prefix("-A ") {
            let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let is_it = |chain: &&mut Chain| {
                chain.legacy && chain.family == family && chain.table == table && chain.name == name
            };
            if let Some(chain) = ruleset.chains.iter_mut().find(is_it) {
                // Rules have no handles; people count them from 1.
                let number = chain.rules.len() as u64 + 1;
                chain.rules.push(read_rule(rest, number, ipv6));
            }
        }
    }
}

fn hook(chain: &str) -> Option<Hook> {
    Some(match chain {
        "INPUT" => Hook::Input,
        "FORWARD" => Hook::Forward,
        "OUTPUT" => Hook::Output,
        "PREROUTING" => Hook::Prerouting,
        "POSTROUTING" => Hook::Postrouting,
        _ => return None,
    })
}

/// When packets meet a table, among all of a hook.
fn priority(table: &str) -> i64 {
    match table {
        "raw" => -300,
        "mangle" => -150,
        "nat" => -100,
        "security" => 50,
        _ => 0,
    }
}

fn read_rule(text: &str, handle: u64, ipv6: bool) -> Rule {
    let mut rule = Rule { handle, matches: Vec::new(), action: Action::None };
    let mut words = text.split_whitespace();
    let mut not = false;
    let mut protocol = None;
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        let field = match word {
            "!" => {
                not = true;
                continue;
            }
            // What it names follows, in options that are known or not.
            "-m" => {
                value();
                continue;
            }
            "-j" | "-g" => {
                rule.action = target(value(), word == "-g");
                continue;
            }
            "--set-xmark" | "--set-mark" => {
                let mark = value().split('/').next().unwrap_or_default();
                let number = u32::from_str_radix(mark.trim_start_matches("0x"), 16).ok();
                rule.action = number.map_or(Action::None, Action::Mark);
                continue;
            }
            // How a packet is refused, and what is logged, changes nothing.
            "--reject-with" | "--log-prefix" | "--log-level" | "--comment" => {
                // A comment may be of several words, in quotes.
                let first = value();
                if first.starts_with('"') && (first.len() == 1 || !first.ends_with('"')) {
                    let _ = words.by_ref().find(|word| word.ends_with('"'));
                }
                continue;
            }
            "-s" => Field::From { ipv6 },
            "-d" => Field::To { ipv6 },
            "-p" => Field::Protocol,
            "-i" => Field::Link,
            "-o" => Field::OutLink,
            "--dport" | "--dports" => Field::ToPort(protocol),
            "--sport" | "--sports" => Field::FromPort(protocol),
            "--ctstate" | "--state" => Field::State,
            _ => {
                if word.starts_with('-') {
                    rule.matches.push(Match::Unknown);
                }
                not = false;
                continue;
            }
        };
        let mut values = Values::default();
        for part in value().split(',') {
            read_value(field, part, &mut values);
        }
        if let (Field::Protocol, [(number, _)]) = (field, values.ranges.as_slice()) {
            protocol = u16::try_from(*number).ok().filter(|_| !not);
        }
        rule.matches.push(Match::Is { field, not, values });
        not = false;
    }
    rule
}

fn target(name: &str, goto: bool) -> Action {
    match name {
        "ACCEPT" => Action::Accept,
        "DROP" | "REJECT" => Action::Drop,
        "RETURN" => Action::Return,
        "MASQUERADE" | "SNAT" => Action::Rewrite,
        // These go on to the next rule. A mark has its value in an option.
        "LOG" | "MARK" | "CONNMARK" | "TCPMSS" | "NFLOG" | "CT" | "TOS" | "DSCP" | "CLASSIFY" => Action::None,
        name if goto => Action::Goto(name.to_owned()),
        name => Action::Jump(name.to_owned()),
    }
}

fn read_value(field: Field, text: &str, values: &mut Values) {
    let range = match field {
        Field::From { .. } | Field::To { .. } => network(text),
        Field::FromPort(_) | Field::ToPort(_) => {
            let (from, to) = text.split_once(':').unwrap_or((text, text));
            from.parse().ok().zip(to.parse().ok())
        }
        Field::Protocol => super::read::protocol(text).or_else(|| text.parse().ok()).map(|number| (number, number)),
        Field::Link | Field::OutLink | Field::Family => {
            values.words.push(text.strip_suffix('+').map_or_else(|| text.to_owned(), |start| format!("{start}*")));
            return;
        }
        Field::State => {
            values.words.push(text.to_lowercase());
            return;
        }
    };
    match range {
        Some(range) => values.ranges.push(range),
        None => values.unclear = true,
    }
}

fn network(text: &str) -> Option<(u128, u128)> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let bits = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(bits), |length| length.parse::<u32>().ok())?;
    let host = super::read::bits_below(u32::checked_sub(bits, length)?);
    let base = super::read::number(address)? & !host;
    Some((base, base | host))
}
