//! What came of one probe.

use std::{fmt, time::Duration};

/// What came of one probe, and how long its parts took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub verdict: Verdict,
    /// From the begin to the verdict.
    pub took: Duration,
    /// When its parts were done, counted from the begin, in the order in which they came.
    pub phases: Vec<(Phase, Duration)>,
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
