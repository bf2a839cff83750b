//! All that is wrong with a file: grammar, keywords, values, names, and what several of them mean together.

use std::path::Path;

use super::{
    Environment, check, reader, rules,
    schema::Kind,
    tree::{Finding, Statement, Verdict},
};

/// What a file is checked against beside itself.
pub trait Host {
    /// Whether there is a user of this name or number.
    fn has_user(&self, name: &str) -> bool;
    /// Whether there is a group of this name or number.
    fn has_group(&self, name: &str) -> bool;
    /// Whether there is a link of this name.
    fn has_link(&self, name: &str) -> bool;
    /// Returns why a program cannot be run; `None` = it can be.
    fn cannot_run(&self, program: &Path) -> Option<String>;
}

/// A host of which nothing is known: it has whatever a file names.
#[derive(Clone, Copy, Debug)]
pub struct AnyHost;

impl Host for AnyHost {
    fn has_user(&self, _: &str) -> bool {
        true
    }

    fn has_group(&self, _: &str) -> bool {
        true
    }

    fn has_link(&self, _: &str) -> bool {
        true
    }

    fn cannot_run(&self, _: &Path) -> Option<String> {
        None
    }
}

/// A file, read and checked.
#[derive(Debug)]
pub struct Linted {
    /// What it says. With errors among the findings, it is not to be run.
    pub statements: Vec<Statement>,
    /// What is wrong with it, in the order of the file.
    pub findings: Vec<Finding>,
}

impl Linted {
    /// Whether keepalived's own test (`keepalived -t`) would have nothing to say.
    pub fn keepalived_accepts(&self) -> bool {
        self.findings.iter().all(|finding| finding.keepalived == Verdict::Accepts)
    }
}

/// Reads and checks a configuration file with all that it includes. `strict` adds what keepalived complains of and lvsadm
/// takes as it is meant.
pub fn lint(path: &Path, environment: &Environment, host: &dyn Host, strict: bool) -> Linted {
    let (statements, mut findings) = reader::read(path, environment);
    let mut seen = check::check(&statements);
    seen.references();
    for (kind, word, block) in std::mem::take(&mut seen.of_host) {
        let name = &*word.text;
        let finding = match kind {
            Kind::User if !host.has_user(name.split(':').next().unwrap_or(name)) => {
                Finding::error(&word.place, format_args!("this host has no user {name}"))
                    .keepalived(Verdict::Ignores)
                    .hint(
                        "keepalived removes every script that has no user of its own; create the user, or name another",
                    )
            }
            Kind::Group if !host.has_group(name.trim_start_matches(':')) => {
                Finding::error(&word.place, format_args!("this host has no group {name}")).keepalived(Verdict::Ignores)
            }
            Kind::Link if !host.has_link(name) => {
                Finding::warning(&word.place, format_args!("this host has no link {name}"))
                    .keepalived(Verdict::Refuses)
                    .hint("names of links: ip link")
            }
            Kind::Command => {
                let arguments = super::text::command_line(std::slice::from_ref(word));
                let program = arguments.first().map(Path::new).filter(|program| program.is_absolute());
                match program.and_then(|program| Some((program, host.cannot_run(program)?))) {
                    Some((program, why)) => {
                        Finding::warning(&word.place, format_args!("cannot run {}: {why}", program.display()))
                            .keepalived(Verdict::Ignores)
                    }
                    None => continue,
                }
            }
            _ => continue,
        };
        findings.push(finding.within(block));
    }
    findings.append(&mut seen.findings);
    drop(seen);
    findings.append(&mut rules::check(&statements, strict));
    Linted { findings: check::in_order(findings), statements }
}
