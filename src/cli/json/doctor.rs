//! `doctor --json`, `prepare --json`.

use std::{net::IpAddr, path::PathBuf};

use serde::Serialize;

use super::SCHEMA;
use crate::{
    cli::prepare::undo_words,
    doctor::{Facts, Finding, Outcome, Report, Role, record::Record},
    host::prepare::Step,
};

/// `doctor --json`.
#[derive(Debug, Serialize)]
pub struct Doctor {
    schema: u32,
    /// `director` or `real-server`.
    role: &'static str,
    /// The worst first.
    findings: Vec<FindingItem>,
    /// All rules for the role.
    rules: Vec<RuleItem>,
    /// What could not be read, with the reason.
    unread: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FindingItem {
    rule: u8,
    id: &'static str,
    /// `broken` or `risk`.
    severity: &'static str,
    about: String,
    found: String,
    follows: String,
    mend: Vec<MendItem>,
}

#[derive(Debug, Serialize)]
struct MendItem {
    /// The host that it is to be done on; `null` = this one.
    host: Option<IpAddr>,
    command: String,
    /// Whether `doctor --fix` does it.
    safe: bool,
}

#[derive(Debug, Serialize)]
struct RuleItem {
    rule: u8,
    id: &'static str,
    title: &'static str,
    /// `fine`, `finding`, `not-needed` or `unknown`.
    outcome: &'static str,
    /// Why it is not needed, or unknown.
    why: Option<String>,
}

impl Doctor {
    /// Converts a report.
    pub fn new(facts: &Facts, report: &Report) -> Self {
        let findings = report.findings().into_iter().map(|(verdict, finding)| {
            let Finding { severity, about, read, follows, mend } = finding.clone();
            let mend = mend
                .into_iter()
                .map(|mend| MendItem { host: mend.host, safe: mend.step.is_some(), command: mend.command })
                .collect();
            FindingItem {
                rule: verdict.number,
                id: verdict.id,
                severity: severity.word(),
                about,
                found: read,
                follows,
                mend,
            }
        });
        let rules = report.verdicts.iter().map(|verdict| {
            let (outcome, why) = match &verdict.outcome {
                Outcome::NotNeeded(why) => ("not-needed", Some((*why).to_owned())),
                Outcome::Unknown(why) => ("unknown", Some(why.clone())),
                Outcome::Checked(findings) if findings.is_empty() => ("fine", None),
                Outcome::Checked(_) => ("finding", None),
            };
            RuleItem { rule: verdict.number, id: verdict.id, title: verdict.title, outcome, why }
        });
        Self {
            schema: SCHEMA,
            role: match facts.role {
                Role::Director => "director",
                Role::RealServer(_) => "real-server",
            },
            findings: findings.collect(),
            rules: rules.collect(),
            unread: report.unread.clone(),
        }
    }
}

/// `prepare director --json`, `prepare real-server --json`.
#[derive(Debug, Serialize)]
pub struct Prepared {
    schema: u32,
    dry_run: bool,
    steps: Vec<StepItem>,
    /// Files that are (or would be) written.
    files: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct StepItem {
    command: String,
    /// Whether it changes (or would change) something; else it is as it should be.
    changes: bool,
}

impl Prepared {
    /// Converts a plan, of which `needed` changes something.
    pub fn new(dry_run: bool, steps: &[Step], needed: &[Step], files: &[PathBuf]) -> Self {
        let steps = steps.iter().map(|step| StepItem { command: step.to_string(), changes: needed.contains(step) });
        Self { schema: SCHEMA, dry_run, steps: steps.collect(), files: files.to_vec() }
    }
}

/// `prepare undo --json`.
#[derive(Debug, Serialize)]
pub struct Undone {
    schema: u32,
    dry_run: bool,
    /// The commands that are undone, the last one first.
    undone: Vec<UndoneItem>,
}

#[derive(Debug, Serialize)]
struct UndoneItem {
    command: String,
    steps: Vec<String>,
    files: Vec<PathBuf>,
}

impl Undone {
    /// Converts a record.
    pub fn new(dry_run: bool, record: &Record) -> Self {
        let undone = record.entries.iter().rev().map(|entry| UndoneItem {
            command: format!("lvsadm {}", entry.command),
            steps: entry.found.iter().rev().filter_map(undo_words).collect(),
            files: entry.files.iter().map(|file| file.path.clone()).collect(),
        });
        Self { schema: SCHEMA, dry_run, undone: undone.collect() }
    }
}
