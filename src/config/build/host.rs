//! Entries of addresses, routes and rules: the words of `ip`, as lines of save files have them, and keepalived's own.

use super::reading::{Reader, inside};
use crate::{
    config::tree::{Statement, Verdict, Word},
    host::{Address, Route, Rule},
    state::vrrp,
};

/// Addresses of a block, each with its place.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    pub(super) addresses: Vec<(Address, crate::config::tree::Place)>,
    /// Whether one of them asks for a macvlan of its own.
    pub(super) use_vmac: bool,
}

/// Words of keepalived's that change nothing here, because what they switch off does not exist.
const NEEDLESS: [&str; 2] = ["no_track", "prepend"];

/// Words that are understood, and not done: they say nothing of where packets go.
const LEFT_OUT: [&str; 5] = ["home", "mngtmpaddr", "autojoin", "add", "append"];

/// The same with a value; in front of some of them stands `lock`.
const LEFT_OUT_WITH_VALUE: [&str; 20] = [
    "track_group",
    "protocol",
    "proto",
    "expires",
    "hoplimit",
    "rtt",
    "rttvar",
    "reordering",
    "window",
    "cwnd",
    "ssthresh",
    "rto_min",
    "initcwnd",
    "initrwnd",
    "realms",
    "features",
    "quickack",
    "congctl",
    "pref",
    "fastopen_no_cookie",
];

/// Reads the addresses of a block.
pub(super) fn addresses(block: &Statement, r: &mut Reader) -> Addresses {
    let mut found = Addresses::default();
    for entry in inside(block) {
        let (text, dropped) = without(entry, false, r);
        found.use_vmac |= dropped.use_vmac;
        match vrrp::read_address(&text) {
            Ok(address) => found.addresses.push((address, entry.keyword.place.clone())),
            Err(wrong) => refuse(entry, wrong, r),
        }
    }
    found
}

/// Reads the routes of a block.
pub(super) fn routes(block: &Statement, r: &mut Reader) -> Vec<Route> {
    let read = |entry| {
        vrrp::read_route(&route_words(&without(entry, false, r).0)).map_err(|wrong| refuse(entry, wrong, r)).ok()
    };
    inside(block).iter().filter_map(read).collect()
}

/// Returns a route in the words of `ip route`: keepalived takes a source in front of the destination, `gw` for `via`, and
/// `via A or B` for two ways.
fn route_words(text: &str) -> String {
    let mut words: Vec<&str> =
        text.split_ascii_whitespace().map(|word| if word == "gw" { "via" } else { word }).collect();
    if let ["src", source, ..] = *words.as_slice() {
        words.drain(..2);
        words.extend(["src", source]);
    }
    if words.first() == Some(&"default6") {
        words[0] = "::/0";
    }
    let via = words.iter().position(|word| *word == "via");
    let or = words.iter().position(|word| *word == "or");
    if let (Some(via), Some(or)) = (via, or)
        && or == via + 2
        && let (Some(one), Some(other)) = (words.get(via + 1).copied(), words.get(or + 1).copied())
    {
        let rest: Vec<&str> = words.drain(via..).skip(4).collect();
        words.extend(rest);
        words.extend(["nexthop", "via", one, "nexthop", "via", other]);
    }
    words.join(" ")
}

/// The preference of the first rule that names none.
const FIRST_PREFERENCE: u32 = 16_384;

/// Reads the rules of a block. Those without a preference get one each, from `next` downwards.
pub(super) fn rules(block: &Statement, next: &mut Option<u32>, r: &mut Reader) -> Vec<Rule> {
    let mut rules = Vec::new();
    for entry in inside(block) {
        let (mut text, _) = without(entry, true, r);
        let named = |word: &&Word| ["preference", "priority", "order"].contains(&&*word.text);
        if entry.words().find(named).is_none() {
            let preference = next.unwrap_or(FIRST_PREFERENCE);
            *next = Some(preference.saturating_sub(1));
            text = format!("{text} preference {preference}");
            let message = format!("the rule has no preference, and gets {preference}");
            let finding = r.warn(&entry.keyword.place, Verdict::Corrects, message);
            finding.hint = Some("preference N: lower goes first".to_owned());
        }
        match vrrp::read_rule(&text) {
            Ok(rule) => rules.push(rule),
            Err(wrong) => refuse(entry, wrong, r),
        }
    }
    rules
}

fn refuse(entry: &Statement, (why, hint): (String, Option<String>), r: &mut Reader) {
    let finding = r.error(&entry.keyword.place, Verdict::Ignores, format_args!("{}: {why}", entry.title()));
    finding.hint = hint;
}

fn leave_out(word: &Word, r: &mut Reader) {
    let message = format!("{} is understood, and not done", word.text);
    r.warn(&word.place, Verdict::Accepts, message);
}

/// What was taken out of an entry.
#[derive(Clone, Copy, Debug, Default)]
struct Dropped {
    use_vmac: bool,
}

/// Returns an entry as text without the words that are keepalived's alone.
fn without(entry: &Statement, is_rule: bool, r: &mut Reader) -> (String, Dropped) {
    let mut dropped = Dropped::default();
    let mut words = Vec::new();
    let mut all = entry.words();
    while let Some(word) = all.next() {
        match &*word.text {
            "use_vmac" => dropped.use_vmac = true,
            text if NEEDLESS.contains(&text) => {}
            text if LEFT_OUT.contains(&text) => leave_out(word, r),
            // Of a rule, `realms` chooses packets: without it, it would be another rule.
            text if LEFT_OUT_WITH_VALUE.contains(&text) && !(is_rule && text == "realms") => {
                if all.next().is_some_and(|word| &*word.text == "lock") {
                    all.next();
                }
                leave_out(word, r);
            }
            text => words.push(text),
        }
    }
    (words.join(" "), dropped)
}
