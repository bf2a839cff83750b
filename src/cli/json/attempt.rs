//! JSON of probes that were made at the prompt.

use serde::Serialize;

use super::SCHEMA;
use crate::check::{
    answer::{Answer, Phase, Verdict, WeightChange},
    facts::{Facts, PageFacts, hex},
    settings::Probe,
};

/// `check try --json`.
#[derive(Debug, Serialize)]
pub struct Attempt {
    schema: u32,
    target: String,
    /// `good`, `bad`, `unknown`.
    verdict: &'static str,
    /// Why it is bad or unknown, or in a few words what is good.
    text: String,
    /// What sort of failure.
    failure: Option<&'static str>,
    /// The first bytes of a wrong answer; what is not UTF-8 is replaced.
    evidence: Option<String>,
    warning: Option<String>,
    weight: Option<i64>,
    weight_change: Option<i64>,
    weight_percent: Option<u32>,
    seconds: f64,
    phases: Vec<PhaseTime>,
    tls: Option<Tls>,
    pages: Vec<Page>,
}

#[derive(Debug, Serialize)]
struct PhaseTime {
    phase: &'static str,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Tls {
    version: String,
    cipher: String,
    /// Seconds since 1970.
    certificate_end: Option<i64>,
    self_signed: bool,
}

/// A page that was asked for.
#[derive(Debug, Serialize)]
struct Page {
    path: String,
    status: u16,
    bytes: u64,
    digest: Option<String>,
    chunked_digest: Option<String>,
}

impl Attempt {
    /// Converts what came of a probe.
    pub fn new(probe: &Probe, answer: &Answer, facts: &Facts) -> Self {
        let (verdict, text) = match &answer.verdict {
            Verdict::Good(success) => ("good", &success.summary),
            Verdict::Bad(failure) => ("bad", &failure.reason),
            Verdict::Unknown(reason) => ("unknown", reason),
        };
        let success = if let Verdict::Good(success) = &answer.verdict { Some(success) } else { None };
        let failure = if let Verdict::Bad(failure) = &answer.verdict { Some(failure) } else { None };
        let weight = success.and_then(|success| success.weight);
        Self {
            schema: SCHEMA,
            target: probe.target.to_string(),
            verdict,
            text: text.clone(),
            failure: failure.map(|failure| failure.kind.word()),
            evidence: failure.map(|failure| String::from_utf8_lossy(&failure.evidence).into_owned()),
            warning: success.and_then(|success| success.warning.clone()),
            weight: if let Some(WeightChange::Exactly(weight)) = weight { Some(weight) } else { None },
            weight_change: if let Some(WeightChange::Add(more)) = weight { Some(more) } else { None },
            weight_percent: if let Some(WeightChange::Percent(percent)) = weight { Some(percent) } else { None },
            seconds: answer.took.as_secs_f64(),
            phases: facts
                .phases
                .iter()
                .map(|(phase, after)| PhaseTime { phase: phase_name(*phase), seconds: after.as_secs_f64() })
                .collect(),
            tls: facts.tls.as_ref().map(|tls| Tls {
                version: tls.version.clone(),
                cipher: tls.cipher.clone(),
                certificate_end: tls.not_after,
                self_signed: tls.self_signed,
            }),
            pages: facts.pages.iter().map(Page::new).collect(),
        }
    }
}

impl Page {
    fn new(page: &PageFacts) -> Self {
        Self {
            path: page.path.clone(),
            status: page.status,
            bytes: page.bytes,
            digest: page.digest.map(hex),
            chunked_digest: page.chunked_digest.map(hex),
        }
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "connect",
        Phase::Tls => "tls",
        Phase::FirstByte => "first_byte",
        Phase::Complete => "complete",
    }
}

/// `check digest --json`.
#[derive(Debug, Serialize)]
pub struct Digest {
    schema: u32,
    #[serde(flatten)]
    page: Page,
    /// Whether it was the same page when it was asked for again.
    stable: bool,
}

impl Digest {
    /// Converts a page.
    pub fn new(page: &PageFacts, stable: bool) -> Self {
        Self { schema: SCHEMA, page: Page::new(page), stable }
    }
}
