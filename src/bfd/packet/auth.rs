//! Authentication of control packets (RFC 5880 section 4.2 to 4.4, 6.7). No IO.

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::{Control, LEN, Packet, Reject, word};
use crate::bfd::settings::Authentication;

/// Bytes of the longest authentication section: SHA1.
pub(super) const LONGEST: usize = 28;

/// How packets are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A password in each packet, readable by everybody on the way.
    Simple,
    /// MD5 over packet and key; a packet may be repeated by others until the sequence number goes on.
    Md5,
    /// The same with another sequence number in each packet.
    MeticulousMd5,
    /// SHA1 over packet and key; a packet may be repeated by others until the sequence number goes on.
    Sha1,
    /// The same with another sequence number in each packet.
    MeticulousSha1,
}

/// Every method, and its name.
pub const METHODS: [(&str, Method); 5] = [
    ("simple", Method::Simple),
    ("md5", Method::Md5),
    ("meticulous-md5", Method::MeticulousMd5),
    ("sha1", Method::Sha1),
    ("meticulous-sha1", Method::MeticulousSha1),
];

impl Method {
    /// Returns its name in lines and listings.
    pub fn name(self) -> &'static str {
        METHODS.iter().find(|(_, method)| *method == self).map_or("", |(name, _)| *name)
    }

    /// Returns how many bytes a key has at most.
    pub fn longest_key(self) -> usize {
        if self.is_sha1() { 20 } else { 16 }
    }

    /// Whether each packet has another sequence number.
    pub fn is_meticulous(self) -> bool {
        matches!(self, Self::MeticulousMd5 | Self::MeticulousSha1)
    }

    fn is_sha1(self) -> bool {
        matches!(self, Self::Sha1 | Self::MeticulousSha1)
    }

    /// Its number on the wire.
    fn code(self) -> u8 {
        match self {
            Self::Simple => 1,
            Self::Md5 => 2,
            Self::MeticulousMd5 => 3,
            Self::Sha1 => 4,
            Self::MeticulousSha1 => 5,
        }
    }
}

/// Where the digest stands in a packet.
const DIGEST_AT: usize = LEN + 8;

impl Control {
    /// Returns the packet with authentication. The password needs no sequence number.
    pub fn encode_with(&self, authentication: &Authentication, sequence: u32) -> Vec<u8> {
        let Authentication { method, key_id, key } = authentication;
        let len = LEN + section_len(authentication);
        let mut bytes = self.write(true, len);
        bytes.extend([method.code(), u8::try_from(len - LEN).unwrap_or(u8::MAX), *key_id]);
        if *method == Method::Simple {
            bytes.extend(key.bytes());
            return bytes;
        }
        bytes.push(0);
        bytes.extend(sequence.to_be_bytes());
        let digest = digest(authentication, &bytes);
        bytes.extend(digest);
        bytes
    }
}

impl Packet<'_> {
    /// Checks the authentication; returns the sequence number, if the method has one. Whether that number is to be expected
    /// is the session's business.
    ///
    /// # Errors
    /// The packet is authenticated otherwise, or wrongly.
    pub fn authenticate(&self, authentication: Option<&Authentication>) -> Result<Option<u32>, Reject> {
        let authentication = match (authentication, self.authenticated) {
            (None, false) => return Ok(None),
            (Some(authentication), true) => authentication,
            _ => return Err(Reject::AuthenticationMismatch),
        };
        let section = self.bytes.get(LEN..).unwrap_or_default();
        let [kind, len, key_id, ref rest @ ..] = *section else { return Err(Reject::AuthenticationMismatch) };
        if (kind, key_id) != (authentication.method.code(), authentication.key_id)
            || usize::from(len) != section.len()
            || authentication.method != Method::Simple && section.len() != section_len(authentication)
        {
            return Err(Reject::AuthenticationMismatch);
        }
        if authentication.method == Method::Simple {
            return same(rest, authentication.key.bytes()).then_some(None).ok_or(Reject::AuthenticationFailure);
        }
        let (head, found) = self.bytes.split_at_checked(DIGEST_AT).ok_or(Reject::Length)?;
        if !same(found, &digest(authentication, head)) {
            return Err(Reject::AuthenticationFailure);
        }
        Ok(Some(word(head.get(LEN + 4..).unwrap_or_default())))
    }
}

/// Bytes of the section with this authentication.
fn section_len(authentication: &Authentication) -> usize {
    match authentication.method {
        Method::Simple => 3 + authentication.key.bytes().len(),
        Method::Md5 | Method::MeticulousMd5 => 24,
        Method::Sha1 | Method::MeticulousSha1 => LONGEST,
    }
}

/// Computes the digest of a packet, of which `head` is everything in front of it: in its place stands the key, with zeros
/// behind it.
fn digest(authentication: &Authentication, head: &[u8]) -> Vec<u8> {
    let mut key = authentication.key.bytes().to_vec();
    key.resize(authentication.method.longest_key(), 0);
    if authentication.method.is_sha1() {
        Sha1::new().chain_update(head).chain_update(key).finalize().to_vec()
    } else {
        Md5::new().chain_update(head).chain_update(key).finalize().to_vec()
    }
}

/// Compares in a time that tells nothing about where the difference is.
fn same(found: &[u8], wanted: &[u8]) -> bool {
    found.len() == wanted.len() && found.iter().zip(wanted).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}
