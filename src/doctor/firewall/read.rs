//! `nft -j list ruleset` → rules. What is not understood is kept as not understood.

use std::net::IpAddr;

use serde_json::Value;

use super::{Action, Chain, Field, Hook, Match, Rule, Ruleset, Values};

/// Reads a listing; `None` if it is none.
pub fn parse(json: &str) -> Option<Ruleset> {
    let listing: Value = serde_json::from_slice(json.as_bytes()).ok()?;
    let mut ruleset = Ruleset::default();
    for item in listing.get("nftables")?.as_array()? {
        if let Some(chain) = item.get("chain") {
            ruleset.chains.push(read_chain(chain));
        } else if let Some(rule) = item.get("rule") {
            let (family, table, name) = (text(rule, "family"), text(rule, "table"), text(rule, "chain"));
            let chain = ruleset
                .chains
                .iter_mut()
                .find(|chain| chain.family == family && chain.table == table && chain.name == name);
            if let Some(chain) = chain {
                chain.rules.extend(read_rule(rule));
            }
        } else if let Some(set) = item.get("set") {
            let key = (text(set, "family"), text(set, "table"), text(set, "name"));
            let mut values = Values::default();
            set.get("elem").into_iter().for_each(|elements| read_values(elements, &mut values));
            // What timeouts and packets put there comes and goes.
            values.unclear |= set.get("flags").is_some_and(|flags| flags.to_string().contains("dynamic"));
            ruleset.sets.insert(key, values);
        }
    }
    Some(ruleset)
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn read_chain(chain: &Value) -> Chain {
    let hook = match chain.get("hook").and_then(Value::as_str) {
        Some("input") => Some(Hook::Input),
        Some("forward") => Some(Hook::Forward),
        Some("output") => Some(Hook::Output),
        Some("prerouting") => Some(Hook::Prerouting),
        Some("postrouting") => Some(Hook::Postrouting),
        _ => None,
    };
    Chain {
        family: text(chain, "family"),
        table: text(chain, "table"),
        name: text(chain, "name"),
        hook: hook.map(|hook| (hook, chain.get("prio").and_then(Value::as_i64).unwrap_or(0))),
        drops: chain.get("policy").and_then(Value::as_str) == Some("drop"),
        legacy: false,
        rules: Vec::new(),
    }
}

/// Reads a rule. A map of verdicts becomes a rule for each of its elements.
fn read_rule(rule: &Value) -> Vec<Rule> {
    let handle = rule.get("handle").and_then(Value::as_u64).unwrap_or(0);
    let mut matches = Vec::new();
    let mut rules = Vec::new();
    let mut action = Action::None;
    let statements = rule.get("expr").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for statement in statements {
        let Some((word, content)) = statement.as_object().and_then(|object| object.iter().next()) else { continue };
        match word.as_str() {
            "match" => {
                matches.extend(content.get("left").and_then(implied));
                matches.push(read_match(content));
            }
            "counter" | "log" | "comment" | "notrack" => {}
            "vmap" => {
                matches.extend(content.get("key").and_then(implied));
                let (cases, complete) = read_map(content);
                for (condition, action) in cases {
                    rules.push(Rule { handle, matches: matches.iter().cloned().chain([condition]).collect(), action });
                }
                if !complete {
                    // Something in the map may let it pass.
                    let matches = matches.iter().cloned().chain([Match::Unknown]).collect();
                    rules.push(Rule { handle, matches, action: Action::Accept });
                }
            }
            "mangle" => action = read_mark(content).unwrap_or(action),
            "masquerade" | "snat" => action = Action::Rewrite,
            _ => match read_verdict(word, content) {
                Some(verdict) => action = verdict,
                // A limit, a target of iptables, and so on.
                None => matches.push(Match::Unknown),
            },
        }
    }
    rules.push(Rule { handle, matches, action });
    rules
}

fn read_verdict(word: &str, content: &Value) -> Option<Action> {
    Some(match word {
        "accept" => Action::Accept,
        "drop" | "reject" => Action::Drop,
        "return" => Action::Return,
        "jump" => Action::Jump(text(content, "target")),
        "goto" => Action::Goto(text(content, "target")),
        _ => return None,
    })
}

fn read_mark(content: &Value) -> Option<Action> {
    let key = content.get("key")?.get("meta")?.get("key")?.as_str()?;
    let value = content.get("value")?.as_u64()?;
    (key == "mark").then_some(Action::Mark(u32::try_from(value).ok()?))
}

/// Reads a map of verdicts, and says whether all of it was understood.
fn read_map(content: &Value) -> (Vec<(Match, Action)>, bool) {
    let field = content.get("key").and_then(read_field);
    let elements = content.get("data").and_then(|data| data.get("set")).and_then(Value::as_array);
    let (Some(field), Some(elements)) = (field, elements) else {
        return (Vec::new(), false);
    };
    let cases: Vec<_> = elements
        .iter()
        .filter_map(|element| {
            let [value, verdict] = element.as_array()?.as_slice() else { return None };
            let (word, content) = verdict.as_object()?.iter().next()?;
            let mut values = Values::default();
            read_value(value, &mut values);
            Some((Match::Is { field, not: false, values }, read_verdict(word, content)?))
        })
        .collect();
    let complete = cases.len() == elements.len();
    (cases, complete)
}

fn read_match(content: &Value) -> Match {
    let not = match content.get("op").and_then(Value::as_str) {
        Some("==" | "in") => false,
        Some("!=") => true,
        _ => return Match::Unknown,
    };
    let Some(field) = content.get("left").and_then(read_field) else {
        return Match::Unknown;
    };
    let mut values = Values::default();
    content.get("right").into_iter().for_each(|right| read_values(right, &mut values));
    Match::Is { field, not, values }
}

/// What any match on a field of a protocol's header says: that the packet is of that protocol.
fn implied(field: &Value) -> Option<Match> {
    let number = protocol(field.get("payload")?.get("protocol")?.as_str()?)?;
    let values = Values { ranges: vec![(number, number)], ..Values::default() };
    Some(Match::Is { field: Field::Protocol, not: false, values })
}

fn read_field(left: &Value) -> Option<Field> {
    if let Some(payload) = left.get("payload") {
        let protocol = payload.get("protocol")?.as_str()?;
        let number = match protocol {
            "tcp" => Some(6),
            "udp" => Some(17),
            "sctp" => Some(132),
            "th" | "ip" | "ip6" => None,
            _ => return None,
        };
        return Some(match (protocol, payload.get("field")?.as_str()?) {
            ("ip" | "ip6", "saddr") => Field::From { ipv6: protocol == "ip6" },
            ("ip" | "ip6", "daddr") => Field::To { ipv6: protocol == "ip6" },
            ("ip", "protocol") | ("ip6", "nexthdr") => Field::Protocol,
            (_, "sport") => Field::FromPort(number),
            (_, "dport") => Field::ToPort(number),
            _ => return None,
        });
    }
    if let Some(meta) = left.get("meta") {
        return Some(match meta.get("key")?.as_str()? {
            "l4proto" => Field::Protocol,
            "nfproto" => Field::Family,
            "iifname" | "iif" => Field::Link,
            "oifname" | "oif" => Field::OutLink,
            _ => return None,
        });
    }
    let state = left.get("ct")?.get("key")?.as_str()? == "state";
    state.then_some(Field::State)
}

fn read_values(right: &Value, values: &mut Values) {
    let list = right.get("set").unwrap_or(right);
    match list.as_array() {
        Some(elements) => elements.iter().for_each(|element| read_value(element, values)),
        None => read_value(list, values),
    }
}

fn read_value(value: &Value, values: &mut Values) {
    let value = value.get("elem").and_then(|elem| elem.get("val")).unwrap_or(value);
    if let Some(number) = value.as_u64() {
        values.ranges.push((number.into(), number.into()));
    } else if let Some(word) = value.as_str() {
        match (word.strip_prefix('@'), number(word)) {
            (Some(set), _) => values.set = Some(set.to_owned()),
            (None, Some(number)) => values.ranges.push((number, number)),
            (None, None) => {
                // A protocol is a number and a word.
                values.ranges.extend(protocol(word).map(|number| (number, number)));
                values.words.push(word.to_owned());
            }
        }
    } else if let Some(range) = read_range(value) {
        values.ranges.push(range);
    } else {
        values.unclear = true;
    }
}

fn read_range(value: &Value) -> Option<(u128, u128)> {
    if let Some([from, to]) = value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        let end = |value: &Value| value.as_u64().map(u128::from).or_else(|| number(value.as_str()?));
        return Some((end(from)?, end(to)?));
    }
    let prefix = value.get("prefix")?;
    let address: IpAddr = prefix.get("addr")?.as_str()?.parse().ok()?;
    let len = u32::try_from(prefix.get("len")?.as_u64()?).ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let host = bits_below(u32::checked_sub(bits, len)?);
    let base = number(&address.to_string())? & !host;
    Some((base, base | host))
}

pub(super) fn bits_below(count: u32) -> u128 {
    1_u128.checked_shl(count).map_or(u128::MAX, |power| power - 1)
}

pub(super) fn number(word: &str) -> Option<u128> {
    match word.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => Some(u32::from(address).into()),
        IpAddr::V6(address) => Some(address.into()),
    }
}

pub(super) fn protocol(word: &str) -> Option<u128> {
    Some(match word {
        "icmp" => 1,
        "ipv4" | "ipencap" | "ipip" => 4,
        "tcp" => 6,
        "udp" => 17,
        "ipv6" => 41,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmpv6" | "ipv6-icmp" => 58,
        "vrrp" => 112,
        "sctp" => 132,
        _ => return None,
    })
}
