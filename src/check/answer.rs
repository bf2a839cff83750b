//! What came of one probe.

use std::{fmt, time::Duration};

/// What came of one probe, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub verdict: Verdict,
    /// From the begin to the verdict.
    pub took: Duration,
}

/// What a probe means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server works.
    Good(Success),
    /// It does not.
    Bad(Failure),
    /// Nobody knows: we failed, not the server (no descriptors, no source address, no such link). Changes no state.
    Unknown(String),
}

/// A good answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Success {
    /// What it means for the server's weight.
    pub weight: Option<WeightChange>,
    /// The answer in a few words, for people (`200 OK, 512 bytes`).
    pub summary: String,
    /// What a person should know although it works (a certificate that ends soon).
    pub warning: Option<String>,
}

/// What an answer means for a server's weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightChange {
    /// It is this.
    Exactly(i64),
    /// So much more (or less) than the operator's.
    Add(i64),
    /// So many percent of the operator's.
    Percent(u32),
}

/// A bad answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// What was wrong, for people: one line, without control characters, at most 200 characters.
    pub reason: String,
    /// The first bytes of the wrong answer, at most [`EVIDENCE`].
    pub evidence: Vec<u8>,
}

/// How many bytes of a wrong answer are kept.
pub const EVIDENCE: usize = 256;

/// How many characters a reason has at most.
const REASON: usize = 200;

/// How many bytes of an answer are quoted in a sentence.
const QUOTE: usize = 60;

impl Failure {
    /// Makes a failure out of a sentence, which may be of any length and quote anybody, and of what the server said, of
    /// which the first [`EVIDENCE`] bytes are kept.
    pub fn new(kind: FailureKind, reason: &str, said: &[u8]) -> Self {
        let reason = reason.chars().map(harmless).take(REASON).collect();
        Self { kind, reason, evidence: said.iter().take(EVIDENCE).copied().collect() }
    }
}

/// Returns the first line of what a server said in quotes, for use in a sentence; `nothing` if it said nothing.
pub fn quoted(said: &[u8]) -> String {
    let line = said.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    if said.is_empty() {
        return "nothing".to_owned();
    }
    let begin = String::from_utf8_lossy(line.get(..QUOTE).unwrap_or(line));
    let more = if line.len() > QUOTE { "…" } else { "" };
    format!("\"{}{more}\"", begin.chars().map(harmless).collect::<String>())
}

/// Returns a duration as people say it: `0.4 ms`, `12 ms`, `2.5 s`, `30 s`.
pub fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_micros() {
        0..10_000 => format!("{} ms", tenths(seconds * 1000.0)),
        10_000..1_000_000 => format!("{} ms", duration.as_millis()),
        1_000_000..10_000_000 => format!("{} s", tenths(seconds)),
        _ => format!("{} s", duration.as_secs()),
    }
}

/// Rounds to tenths, and leaves a final `.0` away.
fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// Servers must not be able to write to a person's terminal or to turn the direction of a line of text.
fn harmless(c: char) -> char {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}') { '?' } else { c }
}

/// What sort of failure; for counting and for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The time was over.
    Timeout,
    /// The connection was refused.
    Refused,
    /// No way to the server.
    Unreachable,
    /// The connection was reset.
    Reset,
    /// The connection ended before the answer did.
    Closed,
    /// TLS failed.
    Tls,
    /// The certificate is not what verification asks for.
    Certificate,
    /// The answer is not in the protocol, or too large.
    Protocol,
    /// The status is not accepted.
    Status,
    /// The digest differs.
    Digest,
    /// The pattern is missing, or there.
    Pattern,
    /// A script, agent or file says so.
    Reported,
}

impl FailureKind {
    /// Returns the word for it in JSON and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Digest => "digest",
            Self::Pattern => "pattern",
            Self::Reported => "reported",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A part of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The connection stood.
    Connect,
    /// TLS was agreed on.
    Tls,
    /// The first byte of the answer came.
    FirstByte,
    /// The answer was complete.
    Complete,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (microseconds, text) in [
            (0, "0 ms"),
            (400, "0.4 ms"),
            (1_000, "1 ms"),
            (2_540, "2.5 ms"),
            (12_900, "12 ms"),
            (1_000_000, "1 s"),
            (2_500_000, "2.5 s"),
            (61_900_000, "61 s"),
        ] {
            assert_eq!(spoken(Duration::from_micros(microseconds)), text);
        }
    }

    #[test]
    fn what_servers_say_cannot_reach_the_terminal() {
        assert_eq!(quoted(b"554 \x1b[2Jno\r\nmore"), "\"554 ?[2Jno\"");
        assert_eq!(quoted(b""), "nothing");
        assert_eq!(quoted(b"\r\n"), "\"\"");
        assert_eq!(quoted(&[b'x'; 100]), format!("\"{}…\"", "x".repeat(60)));
        let failure = Failure::new(FailureKind::Protocol, &"\u{202e}\n".repeat(200), &[0; 1000]);
        assert_eq!(failure.reason, "?".repeat(200));
        assert_eq!(failure.evidence.len(), EVIDENCE);
    }
}
