//! Whether a name server answers: one question over UDP (RFC 1035, section 4).
//!
//! What it answers is not looked at, only that it did, without an error.

use std::fmt;

use thiserror::Error;

use super::{
    answer::{Failure, FailureKind, Phase, Success, Verdict},
    datagram::Datagrams,
    probe::Phases,
    settings::Probe,
};

/// Length of the head of a message (RFC 1035, section 4.1.1).
const HEAD: usize = 12;

/// "I want recursion": set for the sake of servers that do nothing else.
const RECURSION: u16 = 0x0100;

/// "This is a response."
const RESPONSE: u16 = 0x8000;

/// The class of the Internet.
const INTERNET: u16 = 1;

/// Types that have a name here; others are `TYPE` and a number (RFC 3597, section 5).
const KINDS: [(&str, u16); 16] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DS", 43),
    ("RRSIG", 46),
    ("DNSKEY", 48),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("ANY", 255),
];

/// Names of response codes (RFC 1035, section 4.1.1; RFC 2136, section 2.2).
const CODES: [&str; 11] = [
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
    "NOTZONE",
];

/// Returns the number of a type: `SOA`, `aaaa`, `TYPE65`.
pub fn kind(name: &str) -> Option<u16> {
    let name = name.to_ascii_uppercase();
    let known = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    known.or_else(|| name.strip_prefix("TYPE")?.parse().ok())
}

/// Returns the name of a type.
pub fn kind_name(kind: u16) -> String {
    let known = KINDS.iter().find(|(_, known)| *known == kind);
    known.map_or_else(|| format!("TYPE{kind}"), |(name, _)| (*name).to_owned())
}

/// Why something is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameFault {
    /// A part between two dots is empty.
    #[error("two dots follow each other, or one leads")]
    EmptyLabel,
    /// A part is too long.
    #[error("a part between dots has more than 63 bytes")]
    LongLabel,
    /// The name is too long.
    #[error("it has more than 253 bytes")]
    Long,
    /// It has other characters than names on the wire have.
    #[error("it may have printable ASCII characters only; write other ones as Punycode (xn--…)")]
    Characters,
}

/// Returns a name as it is sent: parts with their lengths (RFC 1035, section 3.1). `.` and the empty name are the root; a
/// dot at the end changes nothing.
///
/// # Errors
/// It is no name.
pub fn encode(name: &str) -> Result<Vec<u8>, NameFault> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut wire = Vec::with_capacity(name.len() + 2);
    if !name.is_empty() {
        for label in name.split('.') {
            let length = u8::try_from(label.len()).ok().filter(|length| *length <= 63).ok_or(NameFault::LongLabel)?;
            if length == 0 {
                return Err(NameFault::EmptyLabel);
            }
            if !label.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(NameFault::Characters);
            }
            wire.push(length);
            wire.extend_from_slice(label.as_bytes());
        }
    }
    wire.push(0);
    if wire.len() > 255 { Err(NameFault::Long) } else { Ok(wire) }
}

/// A response code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match CODES.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}

/// Returns the message that asks for a name, encoded, with this type.
fn question(id: u16, name: &[u8], kind: u16) -> Vec<u8> {
    let head = [id, RECURSION, 1, 0, 0, 0].map(u16::to_be_bytes).concat();
    [head.as_slice(), name, &kind.to_be_bytes(), &INTERNET.to_be_bytes()].concat()
}

/// Returns the code and the number of answers of a response to our question, `None` if the bytes are anything else.
pub fn response(id: u16, bytes: &[u8]) -> Option<(Code, u16)> {
    let (words, _) = bytes.get(..HEAD)?.as_chunks::<2>();
    let mut words = words.iter().map(|word| u16::from_be_bytes(*word));
    let (its_id, flags, _questions, answers) = (words.next()?, words.next()?, words.next()?, words.next()?);
    (its_id == id && flags & RESPONSE != 0).then_some((Code(flags & 0xf), answers))
}

/// Asks for a name, and waits for the response to exactly this question; whatever else comes is ignored.
pub(super) async fn ask(name: &str, kind: u16, probe: &Probe, clock: &mut Phases) -> Verdict {
    let wire = match encode(name) {
        Ok(wire) => wire,
        Err(fault) => return Verdict::Unknown(format!("cannot ask for the name {name}: {fault}")),
    };
    match exchange(&wire, kind, probe, clock).await {
        Ok((Code(0), answers)) => {
            Verdict::Good(Success { summary: format!("NOERROR, {answers} answers"), ..Success::default() })
        }
        Ok((code, _)) => {
            let reason = format!("{} answered {code} to {} {name}", probe.target, kind_name(kind));
            Verdict::Bad(Failure::new(FailureKind::Status, &reason, clock.said()))
        }
        Err(verdict) => verdict,
    }
}

async fn exchange(name: &[u8], kind: u16, probe: &Probe, clock: &mut Phases) -> Result<(Code, u16), Verdict> {
    let id = fastrand::u16(..);
    let server = Datagrams::begin(probe, clock).await?;
    server.send(&question(id, name, kind), clock).await?;
    clock.awaits("the response");
    let mut buffer = [0; 512];
    loop {
        let (bytes, _) = server.receive(&mut buffer, clock).await?;
        if let Some(response) = response(id, bytes) {
            clock.heard(bytes);
            clock.reached(Phase::Complete);
            return Ok(response);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_have_parts() {
        assert_eq!(encode("."), Ok(vec![0]));
        assert_eq!(encode(""), Ok(vec![0]));
        assert_eq!(encode("a.bc."), Ok(b"\x01a\x02bc\x00".to_vec()));
        assert_eq!(encode("_sip._udp.example"), Ok(b"\x04_sip\x04_udp\x07example\x00".to_vec()));
        assert_eq!(encode("a..b"), Err(NameFault::EmptyLabel));
        assert_eq!(encode(".a"), Err(NameFault::EmptyLabel));
        assert_eq!(encode(".."), Err(NameFault::EmptyLabel));
        assert_eq!(encode(&"x".repeat(64)), Err(NameFault::LongLabel));
        assert_eq!(encode("bücher.example"), Err(NameFault::Characters));
        assert_eq!(encode("a b"), Err(NameFault::Characters));
        assert!(encode(&[&*"x".repeat(61), &"x".repeat(63), &"x".repeat(63), &"x".repeat(63)].join(".")).is_ok());
        assert_eq!(encode(&["x".repeat(63).as_str(); 4].join(".")), Err(NameFault::Long));
    }

    #[test]
    fn types_have_names() {
        for (name, number) in KINDS {
            assert_eq!((kind(name), kind_name(number)), (Some(number), name.to_owned()));
        }
        assert_eq!((kind("soa"), kind("TYPE65535"), kind_name(62)), (Some(6), Some(65535), "TYPE62".to_owned()));
        assert_eq!((kind("TYPE65536"), kind("SO"), kind("")), (None, None, None));
    }

    /// As `dig +noedns example.com SOA` sends it.
    #[test]
    fn a_question_on_the_wire() {
        let name = encode("example.com").expect("a name");
        assert_eq!(
            question(0xbeef, &name, 6),
            b"\xbe\xef\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x06\x00\x01"
        );
    }

    #[test]
    fn responses_are_those_to_our_question() {
        let good = b"\xbe\xef\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00";
        assert_eq!(response(0xbeef, good), Some((Code(0), 3)));
        assert_eq!(response(0xbee0, good), None);
        assert_eq!(response(0xbeef, &good[..11]), None, "short");
        assert_eq!(response(0xbeef, b"\xbe\xef\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"), None, "our own question");
        let refused = b"\xbe\xef\x83\x83\x00\x01\x00\x00\x00\x00\x00\x00 truncated or not";
        assert_eq!(response(0xbeef, refused).map(|(code, _)| code.to_string()), Some("NXDOMAIN".to_owned()));
        assert_eq!(Code(15).to_string(), "RCODE15");
    }

    proptest! {
        #[test]
        fn any_bytes_may_come(id: u16, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if response(id, &bytes).is_some() {
                prop_assert!(bytes.starts_with(&id.to_be_bytes()));
            }
        }

        /// A name is what its parts say, or none.
        #[test]
        fn names_round_trip(name in "\\PC{0,80}") {
            if let Ok(wire) = encode(&name) {
                let (mut rest, mut labels) = (wire.as_slice(), Vec::new());
                while let Some((length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
                    let (label, after) = after.split_at(usize::from(*length));
                    labels.push(String::from_utf8_lossy(label).into_owned());
                    rest = after;
                }
                prop_assert_eq!(rest, [0]);
                prop_assert_eq!(labels.join("."), name.strip_suffix('.').unwrap_or(&name));
            }
        }
    }
}
