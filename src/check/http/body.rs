//! The body of an answer while it comes: counted, digested, and kept as far as somebody will look at it.

use md5::{Digest, Md5};

use crate::check::answer::EVIDENCE;

/// A body.
#[derive(Debug)]
pub(super) struct Body {
    bytes: u64,
    digest: Option<Md5>,
    kept: Vec<u8>,
    keep: usize,
    complete: bool,
}

impl Body {
    /// Begins a body; `text` if all of it will be looked at, else its begin is kept as evidence.
    pub(super) fn new(digest: bool, text: bool) -> Self {
        let keep = if text { usize::MAX } else { EVIDENCE };
        Self { bytes: 0, digest: digest.then(Md5::new), kept: Vec::new(), keep, complete: false }
    }

    /// Adds what came.
    pub(super) fn take(&mut self, data: &[u8]) {
        self.bytes += data.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(data);
        }
        let room = self.keep - self.kept.len();
        self.kept.extend(data.iter().take(room));
    }

    /// Notes that all of it has come.
    pub(super) fn complete(&mut self) {
        self.complete = true;
    }

    /// How many bytes came.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a digest is made.
    pub(super) fn wants_digest(&self) -> bool {
        self.digest.is_some()
    }

    /// Returns the digest of a body that is complete, if one was made.
    pub(super) fn digest(&self) -> Option<[u8; 16]> {
        let digest = self.digest.as_ref().filter(|_| self.complete)?;
        Some(digest.clone().finalize().into())
    }

    /// Returns what is kept of it: all, where it was said that all will be looked at.
    pub(super) fn text(&self) -> &[u8] {
        &self.kept
    }

    /// Returns its first bytes, at most [`EVIDENCE`].
    pub(super) fn start(&self) -> &[u8] {
        self.kept.get(..EVIDENCE).unwrap_or(&self.kept)
    }
}
