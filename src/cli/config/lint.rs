//! `lvsadm config lint`: what is wrong with a keepalived.conf.

use std::{mem, path::PathBuf, time::SystemTime};

use clap::Args;
use serde::Serialize;

use super::KEEPALIVED_CONF;
use crate::{
    cli::{Error, Ui, json::SCHEMA, ui::clean},
    config::{
        Environment,
        lint::{self, Manner},
        tree::{Finding, Level, Verdict},
    },
};

/// Say what is wrong with a keepalived.conf
///
/// Every fault once, with file, line and column, what keepalived does with it, and what to write instead. Errors are what the
/// agent does not run; warnings are what works, but hardly as meant. lvsadm-keepalived.conf(5) has all keywords.
///
/// Exit status: 0 nothing to say, 1 something, 2 the file cannot be read. With `--strict`: 0 if keepalived would have nothing to say.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm config lint
      What is wrong with /etc/keepalived/keepalived.conf.
  lvsadm config lint keepalived.conf --elsewhere --json
      The same of a file for another machine, for a program.
  lvsadm config lint --strict --config-id backup
      What keepalived itself would say, on the machine that the file calls backup.")]
pub(super) struct LintArgs {
    /// The keepalived.conf; wildcards mean several files [default: /etc/keepalived/keepalived.conf]
    file: Option<PathBuf>,
    /// Give keepalived's own verdict: what it refuses, corrects or ignores with a message
    #[arg(long)]
    strict: bool,
    /// The file is for another machine: do not look for its users, scripts and links here
    #[arg(long)]
    elsewhere: bool,
    /// What lines that begin with @ID are compared with [default: this machine's name]
    #[arg(long, short = 'i', value_name = "ID")]
    config_id: Option<String>,
    /// JSON, described in lvsadm(8)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl LintArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let file = self.file.unwrap_or_else(|| PathBuf::from(KEEPALIVED_CONF));
        let mut environment = Environment::of_host();
        environment.seed = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        if let Some(id) = self.config_id {
            environment.config_id = id;
        }
        let manner = Manner { strict: self.strict, here: !self.elsewhere };
        let (findings, read) = lint::lint_and_keep(&file, &environment, manner);
        mem::forget(read);
        // A file that cannot be read has a place of its own.
        if let Some(unread) = findings.iter().find(|finding| finding.place.line == 0 && finding.level == Level::Error) {
            return Err(Error::failed(&unread.message).with_status(2));
        }
        let mut accepts = true;
        let mut shown: Vec<&Finding> = findings.iter().collect();
        if self.strict {
            shown.retain(|finding| finding.keepalived != Verdict::Accepts);
            accepts = lint::keepalived_accepts(&findings);
        }
        if self.json {
            ui.json(&Report {
                schema: SCHEMA,
                file: file.display().to_string(),
                keepalived_accepts: self.strict.then_some(accepts),
                findings: shown.iter().map(|finding| Found::new(finding)).collect(),
            })?;
        } else {
            for finding in &shown {
                ui.print(lines(finding))?;
            }
            summary(&shown, ui)?;
        }
        Ok(u8::from(!shown.is_empty()))
    }
}

/// `FILE:LINE:COLUMN: error: BLOCK: MESSAGE`, and what else there is to say below.
fn lines(finding: &Finding) -> String {
    let mut text = format!("{}: {}: ", finding.place, level(finding.level));
    if !finding.block.is_empty() {
        text += &format!("{}: ", finding.block);
    }
    text += &finding.message;
    if !finding.also.is_empty() {
        let also: Vec<_> = finding.also.iter().map(u32::to_string).collect();
        text += &format!("\n    also in line{} {}", if also.len() == 1 { "" } else { "s" }, also.join(", "));
    }
    let keepalived = match finding.keepalived {
        Verdict::Refuses => "\n    keepalived does not start",
        Verdict::Corrects => "\n    keepalived takes another value",
        Verdict::Ignores => "\n    keepalived goes on without it",
        Verdict::Accepts => "",
    };
    text += keepalived;
    if let Some(hint) = &finding.hint {
        text += &format!("\n    hint: {hint}");
    }
    // Lines of ours are ends of lines; those of the file are not.
    text.split('\n').map(|line| clean(line).into_owned() + "\n").collect()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

fn summary(findings: &[&Finding], ui: &mut Ui) -> Result<(), Error> {
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    let warnings = findings.len() - errors;
    let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    if findings.is_empty() {
        return Ok(());
    }
    ui.flush()?;
    ui.note(format_args!("{}, {}", many(errors, "error"), many(warnings, "warning")));
    Ok(())
}

/// `config lint --json`.
#[derive(Serialize)]
struct Report {
    schema: u32,
    /// The file that was asked for.
    file: String,
    /// Whether `keepalived -t` would have nothing to say; only with `--strict`.
    keepalived_accepts: Option<bool>,
    findings: Vec<Found>,
}

/// One fault.
#[derive(Serialize)]
struct Found {
    file: String,
    /// From 1.
    line: u32,
    /// From 1, in characters.
    column: u32,
    /// Other lines of the same file with the same fault.
    also: Vec<u32>,
    /// `error` or `warning`.
    level: &'static str,
    /// The block it stands in; `null` outside of all.
    block: Option<String>,
    message: String,
    /// `refuses`, `corrects`, `ignores` or `accepts`.
    keepalived: &'static str,
    hint: Option<String>,
}

impl Found {
    fn new(finding: &Finding) -> Self {
        Self {
            file: finding.place.file.display().to_string(),
            line: finding.place.line,
            column: finding.place.column,
            also: finding.also.clone(),
            level: level(finding.level),
            block: Some(finding.block.clone()).filter(|block| !block.is_empty()),
            message: finding.message.clone(),
            keepalived: match finding.keepalived {
                Verdict::Refuses => "refuses",
                Verdict::Corrects => "corrects",
                Verdict::Ignores => "ignores",
                Verdict::Accepts => "accepts",
            },
            hint: finding.hint.clone(),
        }
    }
}
