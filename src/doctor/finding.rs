//! What a rule says. Plain values.

use std::net::IpAddr;

use crate::host::prepare::Step;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Requests of clients fail because of it now.
    Broken,
    /// They fail under circumstances that the finding names.
    Risk,
}

impl Severity {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Risk => "risk",
        }
    }
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: a service, a server, an address, a link.
    pub about: String,
    /// What was read, and where.
    pub read: String,
    /// What follows from that, for whom.
    pub follows: String,
    /// What mends it: all of these.
    pub mend: Vec<Mend>,
}

impl Finding {
    /// Returns a finding that requests fail.
    pub fn broken(about: impl ToString, read: impl ToString, follows: impl ToString) -> Self {
        let (about, read, follows) = (about.to_string(), read.to_string(), follows.to_string());
        Self { severity: Severity::Broken, about, read, follows, mend: Vec::new() }
    }

    /// Returns a finding that requests may fail.
    pub fn risk(about: impl ToString, read: impl ToString, follows: impl ToString) -> Self {
        Self { severity: Severity::Risk, ..Self::broken(about, read, follows) }
    }

    /// Adds a command for this host that a person has to decide about.
    #[must_use]
    pub fn mend(mut self, command: impl ToString) -> Self {
        self.mend.push(Mend { host: None, command: command.to_string(), step: None });
        self
    }

    /// Adds a command for another host.
    #[must_use]
    pub fn mend_on(mut self, host: IpAddr, command: impl ToString) -> Self {
        self.mend.push(Mend { host: Some(host), command: command.to_string(), step: None });
        self
    }

    /// Adds a step for this host that can do no harm beyond what it mends.
    #[must_use]
    pub fn step(mut self, step: impl Into<Option<Step>>) -> Self {
        let step = step.into();
        self.mend.extend(step.map(|step| Mend { host: None, command: step.to_string(), step: Some(step) }));
        self
    }
}

/// A part of what mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// On which host; `None` = this one.
    pub host: Option<IpAddr>,
    /// What to type.
    pub command: String,
    /// The same as a step, if it is safe to be done without a second thought and can be undone.
    pub step: Option<Step>,
}

/// What came of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that is in use needs it: why.
    NotNeeded(&'static str),
    /// It could not be checked: why.
    Unknown(String),
    /// It was checked; no finding is good.
    Checked(Vec<Finding>),
}

/// A rule with what came of it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Number of the rule, 1 to 26.
    pub number: u8,
    /// Its name.
    pub id: &'static str,
    /// What it checks, in a few words.
    pub title: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of all rules, in their order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The rules.
    pub verdicts: Vec<Verdict>,
    /// What could not be read, with the reason.
    pub unread: Vec<String>,
}

impl Report {
    /// Returns all findings with their rules, the worst first.
    pub fn findings(&self) -> Vec<(&Verdict, &Finding)> {
        let mut found: Vec<_> = self
            .verdicts
            .iter()
            .flat_map(|verdict| match &verdict.outcome {
                Outcome::Checked(findings) => findings.iter().map(move |finding| (verdict, finding)).collect(),
                _ => Vec::new(),
            })
            .collect();
        found.sort_by_key(|(_, finding)| finding.severity);
        found
    }

    /// Returns the steps that are safe, each once.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (_, finding) in self.findings() {
            for step in finding.mend.iter().filter_map(|mend| mend.step.clone()) {
                if !steps.contains(&step) {
                    steps.push(step);
                }
            }
        }
        steps
    }
}
