//! What a probe found beside its verdict, for a person who asks: certificate, status, digest. Plain values.

use std::time::Duration;

use super::answer::Phase;

/// What a probe found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// When parts of the probe were done, counted from the begin, in the order in which they came.
    pub phases: Vec<(Phase, Duration)>,
    /// The TLS of the last connection.
    pub tls: Option<TlsFacts>,
    /// The pages that answered, in order.
    pub pages: Vec<PageFacts>,
}

/// What was agreed on with a server, and what it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLS 1.2`, `TLS 1.3`.
    pub version: String,
    /// The cipher suite by its IANA name.
    pub cipher: String,
    /// End of the server's certificate, in seconds since 1970; `None` if it cannot be read.
    pub not_after: Option<i64>,
    /// Whether the certificate was signed by its own subject.
    pub self_signed: bool,
}

/// What came of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageFacts {
    /// Path and query.
    pub path: String,
    /// Status.
    pub status: u16,
    /// Bytes of the body that were read, decoded.
    pub bytes: u64,
    /// MD5 of the body, if it was read to the end.
    pub digest: Option<[u8; 16]>,
    /// MD5 of a chunked body as it was sent, chunk sizes and all, which is what genhash prints.
    pub chunked_digest: Option<[u8; 16]>,
}

/// Returns a digest as people write it: 32 hexadecimal digits.
pub fn hex(digest: [u8; 16]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
