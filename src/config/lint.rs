//! All that is wrong with a file: grammar, keywords, values, names, what several of them mean together, and what this
//! machine does not have.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{
    Environment, check,
    load::{self, Loaded},
    rules,
    schema::Kind,
    tree::{Finding, Level, Place, Statement, Verdict},
};

/// Where the kernel shows the links of this network namespace.
const LINKS: &str = "/sys/class/net";

/// How a file is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Whether to tell what keepalived complains of and lvsadm takes as it is meant, too.
    pub strict: bool,
    /// Whether the file is for this machine: then its users, scripts and links are looked for.
    pub here: bool,
}

/// Returns all that is wrong with a file and what it includes, in the order of the file.
pub fn lint(path: &Path, environment: &Environment, manner: Manner) -> Vec<Finding> {
    lint_and_keep(path, environment, manner).0
}

/// The same, with what was read: to take a large file's apart costs a program that ends a tenth of its time.
pub fn lint_and_keep(path: &Path, environment: &Environment, manner: Manner) -> (Vec<Finding>, impl Sized + use<>) {
    let (statements, Loaded { mut built, mut findings }) = load::inspect(path, environment, manner.strict);
    if manner.here {
        load::add(&mut findings, load::of_machine(&mut built));
        load::add(&mut findings, missing_links(&statements));
    }
    (in_order(findings), (statements, built))
}

/// Whether keepalived's own test (`keepalived -t`) has nothing to say of a file with these faults.
pub fn keepalived_accepts(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.keepalived == Verdict::Accepts)
}

/// Checks statements against the schema, and against each other.
pub(super) fn check(statements: &[Statement], strict: bool) -> Vec<Finding> {
    let mut seen = check::check(statements);
    seen.references();
    let mut findings = seen.findings;
    findings.append(&mut rules::check(statements, strict));
    findings
}

/// Finds names of links that this machine does not have.
fn missing_links(statements: &[Statement]) -> Vec<Finding> {
    // Links that may come and go need not be there.
    let globals = statements.iter().filter(|statement| *statement.keyword.text == *"global_defs");
    let mut globals = globals.filter_map(|globals| globals.block.as_deref()).flatten();
    if globals.any(|statement| *statement.keyword.text == *"dynamic_interfaces") {
        return Vec::new();
    }
    let seen = check::check(statements);
    let links = seen.of_host.iter().filter(|(kind, word, _)| *kind == Kind::Link && !has_link(&word.text));
    let finding = |word: &super::tree::Word, block: &str| {
        Finding::warning(&word.place, format_args!("this machine has no link {}", word.text))
            .keepalived(Verdict::Refuses)
            .within(block)
            .hint("ip link shows their names; dynamic_interfaces in global_defs if it comes later")
    };
    links.map(|(_, word, block)| finding(word, block)).collect()
}

fn has_link(name: &str) -> bool {
    PathBuf::from(LINKS).join(name).exists()
}

/// Sorts findings by where they are, and leaves out what is said twice.
pub(super) fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    // Files in the order in which they were read.
    let mut files: Vec<Rc<PathBuf>> = Vec::new();
    for finding in &findings {
        if !files.contains(&finding.place.file) {
            files.push(Rc::clone(&finding.place.file));
        }
    }
    let file = |place: &Place| files.iter().position(|file| *file == place.file);
    findings.sort_by_cached_key(|finding| {
        let Place { line, column, .. } = finding.place;
        (file(&finding.place), line, column, std::cmp::Reverse(finding.level))
    });
    findings.dedup_by(|a, b| a.place == b.place && a.message == b.message);
    // Of a word that is an error, nothing else need be said.
    let errors = findings.iter().filter(|finding| finding.level == Level::Error && finding.place.line > 0);
    let errors: BTreeSet<Place> = errors.map(|finding| finding.place.clone()).collect();
    findings.retain(|finding| finding.level == Level::Error || !errors.contains(&finding.place));
    findings
}
