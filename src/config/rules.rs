//! What several statements mean together: things that are missing, contradict each other, or mean what hardly anybody
//! wants.

mod routers;
mod services;

use std::collections::HashMap;

use super::{
    tree::{Finding, Statement, Verdict, Word},
    values,
};

/// Checks what is true of several statements.
pub(super) fn check(statements: &[Statement], strict: bool) -> Vec<Finding> {
    let mut rules = Rules { findings: Vec::new(), strict };
    let globals: Vec<&Statement> =
        all(statements, "global_defs").filter_map(|globals| globals.block.as_deref()).flatten().collect();
    rules.global(&globals);
    rules.routers(statements, &globals);
    rules.services(statements);
    rules.sessions(statements);
    rules.findings
}

struct Rules {
    findings: Vec<Finding>,
    /// Whether to tell what keepalived complains of and lvsadm takes as it is meant.
    strict: bool,
}

impl Rules {
    fn find(&mut self, block: &Statement, finding: Finding) {
        self.findings.push(finding.within(block.title()));
    }

    fn global(&mut self, globals: &[&Statement]) {
        let of = |name: &str| globals.iter().rev().find(|statement| *statement.keyword.text == *name).copied();
        if let (Some(mail), None) = (of("notification_email"), of("smtp_server")) {
            let message = "there is no smtp_server, so nobody gets mail";
            self.findings.push(Finding::warning(&mail.keyword.place, message).within("global_defs"));
        }
        for statement in globals {
            self.interval_of_zero(statement, "global_defs");
        }
    }

    /// A BFD session is for virtual routers or for servers alone, if it says so; whoever names it all the same is told here.
    fn sessions(&mut self, statements: &[Statement]) {
        let only = |session: &'_ Statement| match ["vrrp", "checker"].map(|word| last(session, &[word]).is_some()) {
            [true, false] => Some("vrrp"),
            [false, true] => Some("checker"),
            _ => None,
        };
        let name = |session: &Statement| Some((session.values.first()?.text.to_string(), only(session)?));
        let sessions: HashMap<_, _> = all(statements, "bfd_instance").filter_map(name).collect();
        if sessions.is_empty() {
            return;
        }
        let mut named = Vec::new();
        for block in statements {
            let inside = block.block.as_deref().unwrap_or_default();
            let tracked = all(inside, "track_bfd").filter_map(|list| list.block.as_deref()).flatten();
            named.extend(tracked.map(|entry| (block, &entry.keyword, "checker")));
            for server in all(inside, "real_server") {
                let checks = all(server.block.as_deref().unwrap_or_default(), "BFD_CHECK");
                named.extend(checks.filter_map(|check| Some((server, value(check, &["name"])?, "vrrp"))));
            }
        }
        for (block, word, other) in named {
            if sessions.get(&*word.text) == Some(&other) {
                let message = format!("bfd_instance {} says {other}, and yet it is named here: it counts", word.text);
                let finding = Finding::warning(&word.place, message).keepalived(Verdict::Ignores);
                self.find(block, finding.hint(format_args!("leave {other} out of the bfd_instance")));
            }
        }
    }

    /// keepalived complains of `vrrp_garp_interval 0`, which its own sample has.
    fn interval_of_zero(&mut self, statement: &Statement, block: &str) {
        let intervals = ["vrrp_garp_interval", "vrrp_gna_interval", "garp_interval", "gna_interval"];
        let Some(value) = statement.values.first().filter(|_| self.strict) else { return };
        if intervals.contains(&&*statement.keyword.text) && values::decimal(&value.text, 6) == Some(0) {
            let message = format!("keepalived takes no {} of 0, which lvsadm takes for off", statement.keyword.text);
            let finding = Finding::warning(&value.place, message).keepalived(Verdict::Corrects);
            self.findings.push(finding.within(block));
        }
    }
}

/// Returns the statements with this keyword.
fn all<'a>(statements: &'a [Statement], keyword: &'static str) -> impl Iterator<Item = &'a Statement> {
    statements.iter().filter(move |statement| *statement.keyword.text == *keyword)
}

/// Returns the last statement that has one of these keywords: the one that counts.
fn last<'a>(statement: &'a Statement, keywords: &[&str]) -> Option<&'a Statement> {
    let inside = statement.block.as_deref().unwrap_or_default();
    inside.iter().rev().find(|statement| keywords.contains(&&*statement.keyword.text))
}

/// Returns the first value of the statement that counts.
fn value<'a>(statement: &'a Statement, keywords: &[&str]) -> Option<&'a Word> {
    last(statement, keywords).and_then(|statement| statement.values.first())
}

/// Returns that value as a number.
fn number(statement: &Statement, keywords: &[&str]) -> Option<i64> {
    value(statement, keywords).and_then(|word| word.text.parse().ok())
}

/// Whether a switch is on: named without `off` behind it.
fn is_on(statement: Option<&Statement>) -> bool {
    statement
        .is_some_and(|statement| statement.values.first().and_then(|word| values::truth(&word.text)).unwrap_or(true))
}
