//! Virtual routers, their groups and scripts.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{Rules, all, is_on, last, number, value};
use crate::config::{
    tree::{Finding, Place, Statement, Verdict, Word},
    values,
};

/// The bytes of a password that are sent.
const LONGEST_PASSWORD: usize = 8;
const SECOND: u64 = 1_000_000;

impl Rules {
    pub(super) fn routers(&mut self, statements: &[Statement], globals: &[&Statement]) {
        let of = |name: &str| globals.iter().rev().find(|statement| *statement.keyword.text == *name).copied();
        let strict = of("vrrp_strict").filter(|statement| is_on(Some(statement)));
        let version =
            of("vrrp_version").and_then(|statement| statement.values.first()).is_some_and(|word| &*word.text == "3");
        let mut routers: BTreeMap<(&str, i64, bool), &Place> = BTreeMap::new();
        for instance in all(statements, "vrrp_instance") {
            let own = last(instance, &["strict_mode"]);
            let is_strict = own.map_or_else(|| strict.is_some(), |own| is_on(Some(own)));
            self.instance(instance, is_strict, version);
            let (Some(link), Some(vrid)) = (value(instance, &["interface"]), number(instance, &["virtual_router_id"]))
            else {
                continue;
            };
            let six = addresses(instance, "virtual_ipaddress").next().is_some_and(|(address, _)| address.is_ipv6());
            let place = &instance.keyword.place;
            // By unicast, equal numbers meet only where peers are equal.
            let unicast = last(instance, &["unicast_peer"]).is_some();
            match routers.insert((&link.text, vrid, six), place).filter(|_| !unicast) {
                Some(first) => {
                    let message = format!(
                        "virtual_router_id {vrid} on {} is that of the instance in line {} already",
                        link.text, first.line
                    );
                    let word = value(instance, &["virtual_router_id"]).unwrap_or(&instance.keyword);
                    self.find(instance, Finding::error(&word.place, message));
                }
                None => continue,
            }
        }
        self.groups(statements);
        self.unused_scripts(statements);
    }

    fn instance(&mut self, instance: &Statement, strict: bool, version: bool) {
        let family = self.addresses(instance, strict);
        let three = match number(instance, &["version"]) {
            Some(own) => own == 3,
            None => version,
        };
        let three = three || family == Some(true);
        self.begin(instance, strict);
        self.authentication(instance, strict, three);
        self.interval(instance, three);
        if value(instance, &["interface"]).is_none() && last(instance, &["unicast_src_ip", "mcast_src_ip"]).is_none() {
            let message = "interface is missing";
            self.find(instance, Finding::error(&instance.keyword.place, message));
        }
        if let Some(source) = value(instance, &["unicast_src_ip", "mcast_src_ip"]) {
            let six = source.text.parse::<IpAddr>().ok().map(|address| address.is_ipv6());
            if six.zip(family).is_some_and(|(six, family)| six != family) {
                let message = "the source address is of another family than the virtual addresses";
                self.find(instance, Finding::error(&source.place, message).keepalived(Verdict::Ignores));
            }
        }
        self.untracked_routes(instance);
        if let (Some(ttl), None) = (last(instance, &["unicast_ttl"]), last(instance, &["unicast_peer"])) {
            let message = "unicast_ttl is of no use without unicast_peer";
            self.find(instance, Finding::warning(&ttl.keyword.place, message));
        }
        if let (Some(peers), true) = (last(instance, &["unicast_peer"]), strict) {
            let message = "strict VRRP has no unicast";
            self.find(instance, Finding::error(&peers.keyword.place, message).hint("leave out vrrp_strict"));
        }
        if let (Some(accept), Some(not)) = (last(instance, &["accept"]), last(instance, &["no_accept"])) {
            let later = std::cmp::max_by_key(accept, not, |statement| {
                (statement.keyword.place.line, statement.keyword.place.column)
            });
            self.find(
                instance,
                Finding::warning(&later.keyword.place, "both accept and no_accept stand here; the last one counts"),
            );
        }
    }

    /// Where it begins, and whether it displaces a master.
    fn begin(&mut self, instance: &Statement, strict: bool) {
        let state = value(instance, &["state"]);
        let priority = number(instance, &["priority"]);
        let master = state.is_some_and(|state| &*state.text == "MASTER");
        if let (Some(state), true, None) = (state, master, priority) {
            let message = "state MASTER without a priority means priority 255, the owner of the addresses";
            self.find(instance, Finding::warning(&state.place, message).hint("write a priority"));
        }
        if let (Some(state), true, true) = (state, master && strict, priority.is_some_and(|priority| priority != 255)) {
            let message = "strict VRRP begins as master only with priority 255";
            self.find(
                instance,
                Finding::warning(&state.place, message).keepalived(Verdict::Corrects).hint("state BACKUP"),
            );
        }
        if let Some(not) = last(instance, &["nopreempt"]).filter(|_| master || priority == Some(255)) {
            let message = if master {
                "nopreempt is of no use with state MASTER"
            } else {
                "nopreempt is of no use with priority 255"
            };
            let finding = Finding::warning(&not.keyword.place, message).keepalived(Verdict::Corrects);
            self.find(
                instance,
                finding.hint("state BACKUP on all directors; the highest priority becomes master all the same"),
            );
        }
        if let Some(delay) = last(instance, &["preempt_delay"])
            .filter(|delay| delay.values.first().is_none_or(|word| &*word.text != "0"))
        {
            let with = if master {
                "state MASTER"
            } else if last(instance, &["nopreempt"]).is_some() {
                "nopreempt"
            } else {
                return;
            };
            let message = format!("preempt_delay is of no use with {with}");
            self.find(instance, Finding::warning(&delay.keyword.place, message).keepalived(Verdict::Corrects));
        }
    }

    fn authentication(&mut self, instance: &Statement, strict: bool, three: bool) {
        let Some(authentication) = last(instance, &["authentication"]) else { return };
        let place = &authentication.keyword.place;
        if three || strict {
            let who = if strict { "strict VRRP" } else { "VRRP version 3" };
            let finding =
                Finding::warning(place, format_args!("{who} has no authentication")).keepalived(Verdict::Corrects);
            self.find(instance, finding.hint("leave it out, or see auth_hmac"));
        }
        if let Some(password) = value(authentication, &["auth_pass"]).filter(|word| word.text.len() > LONGEST_PASSWORD)
        {
            let finding = Finding::warning(&password.place, "only the first 8 bytes of a password count")
                .keepalived(Verdict::Corrects);
            self.find(authentication, finding);
        }
        let ah = value(authentication, &["auth_type"]).filter(|word| &*word.text == "AH");
        let state = value(instance, &["state"]).filter(|word| &*word.text == "MASTER");
        if let (Some(_), Some(state)) = (ah, state.filter(|_| number(instance, &["priority"]) != Some(255))) {
            let finding = Finding::warning(&state.place, "with AH it begins as backup, to learn the counter");
            self.find(instance, finding.keepalived(Verdict::Corrects).hint("state BACKUP"));
        }
    }

    fn interval(&mut self, instance: &Statement, three: bool) {
        let Some(word) = value(instance, &["advert_int"]) else { return };
        let Some(interval) = values::decimal(&word.text, 6) else { return };
        if !three && !interval.is_multiple_of(SECOND) {
            let finding =
                Finding::error(&word.place, "VRRP version 2 counts whole seconds").keepalived(Verdict::Corrects);
            self.find(instance, finding.hint("version 3"));
        } else if three && (interval > 40_950_000 || !interval.is_multiple_of(10_000)) {
            let message = "VRRP version 3 counts hundredths of a second, and up to 40.95 seconds";
            self.find(instance, Finding::error(&word.place, message).keepalived(Verdict::Corrects));
        }
    }

    /// Checks the addresses, and returns whether they are IPv6.
    fn addresses(&mut self, instance: &Statement, strict: bool) -> Option<bool> {
        let mut seen: BTreeMap<IpAddr, u32> = BTreeMap::new();
        let mut family = None;
        for list in ["virtual_ipaddress", "virtual_ipaddress_excluded"] {
            for (address, word) in addresses(instance, list) {
                if let Some(line) = seen.insert(address, word.place.line) {
                    let message = format!("{address} is in line {line} already");
                    self.find(instance, Finding::warning(&word.place, message));
                }
                if list == "virtual_ipaddress" && *family.get_or_insert_with(|| address.is_ipv6()) != address.is_ipv6()
                {
                    let finding = Finding::error(
                        &word.place,
                        format_args!("{address} is of another family than the first address"),
                    );
                    self.find(
                        instance,
                        finding
                            .keepalived(Verdict::Ignores)
                            .hint("write it in virtual_ipaddress_excluded, or in an instance of its own"),
                    );
                }
            }
        }
        if family.is_none() && last(instance, &["no_virtual_ipaddress"]).is_none() {
            let message = "it has no addresses";
            let finding = Finding::warning(&instance.keyword.place, message);
            let verdict = if strict { Verdict::Refuses } else { Verdict::Corrects };
            self.find(instance, finding.keepalived(verdict).hint("if that is meant: no_virtual_ipaddress"));
        }
        family
    }

    /// keepalived tracks routes by their link.
    fn untracked_routes(&mut self, instance: &Statement) {
        let lists = all(instance.block.as_deref().unwrap_or_default(), "virtual_routes").filter(|_| self.strict);
        let entries = lists.filter_map(|list| list.block.as_deref()).flatten();
        let bound = ["dev", "oif", "no_track", "blackhole", "unreachable", "prohibit", "throw", "nexthop"];
        let free = entries.filter(|entry| !entry.words().any(|word| bound.contains(&&*word.text)));
        let findings: Vec<_> = free
            .map(|entry| Finding::warning(&entry.keyword.place, "keepalived cannot track a route without dev"))
            .collect();
        for finding in findings {
            self.find(instance, finding.keepalived(Verdict::Corrects));
        }
    }

    fn groups(&mut self, statements: &[Statement]) {
        let mut grouped: BTreeMap<&str, &str> = BTreeMap::new();
        for group in all(statements, "vrrp_sync_group") {
            let lists =
                all(group.block.as_deref().unwrap_or_default(), "group").filter_map(|list| list.block.as_deref());
            let members: Vec<&Word> = lists.flatten().flat_map(Statement::words).collect();
            let name = group.values.first().map(|word| &*word.text).unwrap_or_default();
            for member in members {
                if let Some(other) = grouped.insert(&member.text, name) {
                    let message = format!("{} is in group {other} already", member.text);
                    self.find(group, Finding::error(&member.place, message).keepalived(Verdict::Ignores));
                }
            }
        }
    }

    fn unused_scripts(&mut self, statements: &[Statement]) {
        let trackers = statements.iter().filter_map(|statement| statement.block.as_deref()).flatten();
        let tracked: BTreeSet<&str> = trackers
            .filter(|tracker| &*tracker.keyword.text == "track_script")
            .filter_map(|tracker| tracker.block.as_deref())
            .flatten()
            .map(|entry| &*entry.keyword.text)
            .collect();
        for script in all(statements, "vrrp_script") {
            if let Some(name) = script.values.first().filter(|name| !tracked.contains(&*name.text)) {
                let message = format!("nothing tracks the script {}, so it is never run", name.text);
                self.find(script, Finding::warning(&name.place, message));
            }
        }
    }
}

/// Returns the addresses in a list of an instance, with their words.
fn addresses<'a>(instance: &'a Statement, list: &'static str) -> impl Iterator<Item = (IpAddr, &'a Word)> {
    let lists = all(instance.block.as_deref().unwrap_or_default(), list).filter_map(|list| list.block.as_deref());
    lists.flatten().filter_map(|entry| Some((values::prefix(&entry.keyword.text)?.0, &entry.keyword)))
}
