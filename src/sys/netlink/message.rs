//! Netlink messages: the header, several in one buffer, refusals.

use neli::consts::nl::{NlmF, NlmsgerrAttr};
use nix::errno::Errno;

use super::{Attributes, Malformed, Refused, Writer};

/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;

/// Where a message's flags and sequence number stand in its header.
const FLAGS_AT: usize = 6;
const SEQUENCE_AT: usize = 8;

/// Requests one behind the other, as one system call sends them. Cleared and filled again, it allocates nothing.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Batch {
    /// Forgets all requests.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.starts.clear();
    }

    /// Returns the number of requests.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no request in it.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Appends a request: message type, the family's own header, and the attributes that `write` writes.
    pub fn push(&mut self, kind: u16, header: &[u8], write: impl FnOnce(&mut Writer<'_>)) {
        self.push_with(kind, 0, header, write);
    }

    /// Appends a request with flags of its own (`NLM_F_CREATE` …), beside those that every request has.
    pub fn push_with(&mut self, kind: u16, flags: u16, header: &[u8], write: impl FnOnce(&mut Writer<'_>)) {
        let start = self.bytes.len();
        self.starts.push(start);
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(NlmF::REQUEST.bits() | flags).to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.extend_from_slice(header);
        write(&mut Writer::new(&mut self.bytes));
        let len = (self.bytes.len() - start) as u32;
        self.bytes[start..start + 4].copy_from_slice(&len.to_ne_bytes());
    }

    /// Returns each request's bytes.
    pub fn requests(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        self.starts.iter().zip(ends).map(|(start, end)| &self.bytes[*start..end])
    }

    /// Numbers the requests from `first` on, gives the last one `flags` beside its own, and returns all bytes.
    pub(super) fn seal(&mut self, first: u32, flags: NlmF) -> &[u8] {
        for (sequence, start) in self.starts.iter().enumerate() {
            let sequence = first.wrapping_add(sequence as u32);
            self.bytes[start + SEQUENCE_AT..][..4].copy_from_slice(&sequence.to_ne_bytes());
        }
        if let Some(start) = self.starts.last() {
            for (byte, flag) in self.bytes[start + FLAGS_AT..].iter_mut().zip(flags.bits().to_ne_bytes()) {
                *byte |= flag;
            }
        }
        &self.bytes
    }
}

/// A message from the kernel.
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    /// What follows the netlink header.
    pub(super) payload: &'a [u8],
}

impl Message<'_> {
    /// Reads an `NLMSG_ERROR` or `NLMSG_DONE`: `None` is success.
    pub(super) fn refusal(&self) -> Result<Option<Refused>, Malformed> {
        let Some((number, rest)) = self.payload.split_first_chunk() else {
            return Err(Malformed::new("message", "an acknowledgement without an error number"));
        };
        let number = i32::from_ne_bytes(*number);
        if number == 0 {
            return Ok(None);
        }
        Ok(Some(Refused { errno: Errno::from_raw(number.wrapping_neg()), said: self.text(rest) }))
    }

    /// Returns the kernel's words that may follow the copy of the refused request's header. They are an extra: where they
    /// cannot be read, the error number has to do.
    fn text(&self, rest: &[u8]) -> Option<String> {
        if self.flags & NlmF::ACK_TLVS.bits() == 0 {
            return None;
        }
        let request = u32::from_ne_bytes(*rest.first_chunk()?) as usize;
        let copied = if self.flags & NlmF::CAPPED.bits() == 0 { request } else { HEADER };
        let words = Attributes::new(rest.get(copied.next_multiple_of(4)..)?)
            .filter_map(Result::ok)
            .find(|attribute| attribute.kind == u16::from(NlmsgerrAttr::Msg))?;
        words.string("message").ok().map(str::to_owned)
    }
}

/// The messages of one datagram.
pub(super) struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.rest);
        let Some((message, len)) = first_message(bytes) else {
            return Some(Err(Malformed::new("message", "its length does not fit its datagram")));
        };
        self.rest = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok(message))
    }
}

/// Returns the message that `bytes` start with, and its length; `None` if it is cut off.
fn first_message(bytes: &[u8]) -> Option<(Message<'_>, usize)> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (kind, rest) = rest.split_first_chunk()?;
    let (flags, rest) = rest.split_first_chunk()?;
    let (sequence, _port) = rest.split_first_chunk()?;
    let len = u32::from_ne_bytes(*len) as usize;
    let message = Message {
        kind: u16::from_ne_bytes(*kind),
        flags: u16::from_ne_bytes(*flags),
        sequence: u32::from_ne_bytes(*sequence),
        payload: bytes.get(HEADER..len)?,
    };
    Some((message, len))
}

#[cfg(test)]
mod tests {
    use neli::consts::nl::Nlmsg;
    use proptest::prelude::*;

    use super::*;

    /// A message as the kernel would send it.
    fn message(kind: u16, flags: NlmF, payload: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + payload.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.bits().to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(1234u32.to_ne_bytes());
        bytes.extend(payload);
        bytes
    }

    fn refusal(flags: NlmF, payload: &[u8]) -> Result<Option<Refused>, Malformed> {
        let bytes = message(Nlmsg::Error.into(), flags, payload);
        Messages::new(&bytes).next().expect("a message").expect("well formed").refusal()
    }

    #[test]
    fn requests_are_numbered_and_the_last_one_gets_the_flags() {
        let mut batch = Batch::default();
        batch.push(0x1c, &[1, 1, 0, 0], |w| w.u32(1, 2));
        batch.push_with(0x1c, NlmF::CREATE.bits(), &[17, 1, 0, 0], |_| {});
        batch.seal(u32::MAX, NlmF::ACK);
        let requests: Vec<_> = batch.requests().map(|r| Messages::new(r).next().expect("one").expect("good")).collect();
        assert_eq!(requests.iter().map(|r| r.sequence).collect::<Vec<_>>(), [u32::MAX, 0]);
        assert_eq!(requests.iter().map(|r| r.flags).collect::<Vec<_>>(), [1, 0x405]);
        assert_eq!(requests[1].payload, [17, 1, 0, 0]);
        batch.clear();
        assert!(batch.is_empty() && batch.requests().next().is_none());
    }

    #[test]
    fn zero_is_success_and_other_numbers_are_refusals() {
        assert_eq!(refusal(NlmF::empty(), &0i32.to_ne_bytes()), Ok(None));
        let refused = Refused { errno: Errno::EEXIST, said: None };
        assert_eq!(refusal(NlmF::empty(), &(-17i32).to_ne_bytes()), Ok(Some(refused)));
        assert!(refusal(NlmF::empty(), &[1, 2, 3]).is_err());
        let strange = refusal(NlmF::empty(), &i32::MIN.to_ne_bytes()).expect("well formed").expect("a refusal");
        assert_eq!(strange.errno, Errno::UnknownErrno);
    }

    #[test]
    fn the_kernels_words_are_found_behind_a_whole_or_a_capped_request() {
        let request = message(0x1c, NlmF::REQUEST, &[1, 1, 0, 0]);
        for (flags, copied) in [(NlmF::ACK_TLVS, request.len()), (NlmF::ACK_TLVS | NlmF::CAPPED, HEADER)] {
            let mut payload = (-34i32).to_ne_bytes().to_vec();
            payload.extend(&request[..copied]);
            Writer::new(&mut payload).string(NlmsgerrAttr::Msg.into(), "Attribute failed policy validation");
            let refused = refusal(flags, &payload).expect("well formed").expect("a refusal");
            assert_eq!(refused.errno, Errno::ERANGE);
            assert_eq!(refused.reason(), "Attribute failed policy validation");
        }
    }

    #[test]
    fn a_message_that_is_cut_off_is_an_error_and_the_end() {
        let whole = message(0x1c, NlmF::MULTI, &[5, 1, 0, 0, 9, 9, 9]);
        for len in 1..whole.len() {
            let read: Vec<_> = Messages::new(&whole[..len]).map(|m| m.is_ok()).collect();
            assert_eq!(read, [false], "{len}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_ends(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for message in Messages::new(&bytes).flatten() {
                let _ = message.refusal();
            }
            prop_assert!(Messages::new(&bytes).count() <= bytes.len());
        }

        #[test]
        fn refusals_never_panic(flags: u16, payload in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = refusal(NlmF::from(flags), &payload);
        }
    }
}
