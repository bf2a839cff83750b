//! Policy rules.

use std::{fmt::Write as _, net::IpAddr};

use super::{Words, network, once, print_prefix, print_table, read_table, unknown};
use crate::{
    host::{Rule, RuleAction},
    model::Family,
    state::vrrp::values::{Reading, Wrong, digits, link, number},
};

pub(super) const RULE_WORDS: [&str; 17] = [
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
pub(in crate::state::vrrp) fn read_rule(text: &str) -> Reading<Rule> {
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
pub(in crate::state::vrrp) fn print_rule(rule: &Rule) -> String {
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
