//! Netlink attributes: length, type, payload, padding to four bytes; nested ones hold more of the same.

use thiserror::Error;

/// Set in the type of attributes that hold attributes (`NLA_F_NESTED`). Kernels set it in some answers and not in others.
const NESTED: u16 = 0x8000;

/// The type without the flag bits (`NLA_TYPE_MASK`).
const TYPE_MASK: u16 = 0x3fff;

/// Bytes before the payload.
const HEADER: usize = 4;

/// No string is longer than this; what is, is cut, and the kernel refuses it for its length as it would have without the cut.
const LONGEST_STRING: usize = 4096;

/// A part of a message that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: {why}")]
pub struct Malformed {
    /// The attribute or other part.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Malformed {
    /// Returns the error that `what` is wrong because of `why`.
    pub fn new(what: &'static str, why: &'static str) -> Self {
        Self { what, why }
    }
}

/// One attribute of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type, flag bits masked out.
    pub kind: u16,
    /// Its payload, without the padding.
    pub payload: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Returns exactly `N` bytes. `name` is how an error calls the attribute; so in all methods here.
    ///
    /// # Errors
    /// The payload has another length.
    pub fn bytes<const N: usize>(&self, name: &'static str) -> Result<[u8; N], Malformed> {
        self.payload.try_into().map_err(|_| Malformed::new(name, "wrong length"))
    }

    /// Returns a byte.
    ///
    /// # Errors
    /// The payload is not one byte long.
    pub fn u8(&self, name: &'static str) -> Result<u8, Malformed> {
        self.bytes(name).map(u8::from_ne_bytes)
    }

    /// Returns a 16-bit number in host byte order.
    ///
    /// # Errors
    /// The payload is not two bytes long.
    pub fn u16(&self, name: &'static str) -> Result<u16, Malformed> {
        self.bytes(name).map(u16::from_ne_bytes)
    }

    /// Returns a 16-bit number in network byte order.
    ///
    /// # Errors
    /// The payload is not two bytes long.
    pub fn u16_be(&self, name: &'static str) -> Result<u16, Malformed> {
        self.bytes(name).map(u16::from_be_bytes)
    }

    /// Returns a 32-bit number in host byte order.
    ///
    /// # Errors
    /// The payload is not four bytes long.
    pub fn u32(&self, name: &'static str) -> Result<u32, Malformed> {
        self.bytes(name).map(u32::from_ne_bytes)
    }

    /// Returns a number of 32 or 64 bits in host byte order.
    ///
    /// # Errors
    /// The payload is neither four nor eight bytes long.
    pub fn counter(&self, name: &'static str) -> Result<u64, Malformed> {
        if self.payload.len() == 4 { self.u32(name).map(u64::from) } else { self.bytes(name).map(u64::from_ne_bytes) }
    }

    /// Returns text up to its first NUL, or all of it where there is none.
    ///
    /// # Errors
    /// The text is not UTF-8.
    pub fn string(&self, name: &'static str) -> Result<&'a str, Malformed> {
        let text = self.payload.split(|byte| *byte == 0).next().unwrap_or_default();
        str::from_utf8(text).map_err(|_| Malformed::new(name, "not UTF-8"))
    }

    /// Returns the attributes in the payload.
    pub fn nested(&self) -> Attributes<'a> {
        Attributes::new(self.payload)
    }
}

/// Reads attributes one after the other. After an error there is nothing more.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Returns the attributes in `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.rest);
        let Some((attribute, len)) = first_attribute(bytes) else {
            return Some(Err(Malformed::new("attribute", "its length does not fit what holds it")));
        };
        self.rest = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok(attribute))
    }
}

/// Returns the attribute that `bytes` start with, and its length; `None` if it is cut off.
fn first_attribute(bytes: &[u8]) -> Option<(Attribute<'_>, usize)> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (kind, _) = rest.split_first_chunk()?;
    let len = usize::from(u16::from_ne_bytes(*len));
    let kind = u16::from_ne_bytes(*kind) & TYPE_MASK;
    Some((Attribute { kind, payload: bytes.get(HEADER..len)? }, len))
}

/// Appends attributes to a message.
pub struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Returns a writer that appends to `bytes`.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, kind: u16, payload: &[u8]) {
        let start = self.begin(kind);
        self.bytes.extend_from_slice(payload);
        self.end(start);
    }

    /// Writes a byte.
    pub fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    /// Writes a number in host byte order.
    pub fn u16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Writes a number in network byte order.
    pub fn u16_be(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Writes a number in host byte order.
    pub fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Writes a number in network byte order.
    pub fn u32_be(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Appends bytes that are no attribute: headers within attributes. Must be a multiple of four bytes.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns how many bytes the message has so far, to come back to with [`Self::patch_u16`].
    pub fn position(&self) -> usize {
        self.bytes.len()
    }

    /// Writes a number in host byte order over what stands at `position`.
    pub fn patch_u16(&mut self, position: usize, value: u16) {
        for (byte, new) in self.bytes.iter_mut().skip(position).zip(value.to_ne_bytes()) {
            *byte = new;
        }
    }

    /// Writes text with a NUL behind it.
    pub fn string(&mut self, kind: u16, text: &str) {
        let start = self.begin(kind);
        self.bytes.extend(text.bytes().take(LONGEST_STRING));
        self.bytes.push(0);
        self.end(start);
    }

    /// Writes an attribute that holds those that `write` writes.
    pub fn nest(&mut self, kind: u16, write: impl FnOnce(&mut Writer<'_>)) {
        let start = self.begin(kind | NESTED);
        write(&mut Writer::new(self.bytes));
        self.end(start);
    }

    fn begin(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn end(&mut self, start: usize) {
        // Nothing that is written here comes near 64 KiB; a length that does not fit would be refused as malformed.
        let len = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        self.bytes[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut Writer::new(&mut bytes));
        bytes
    }

    #[test]
    fn a_nest_is_flagged_padded_and_read_back() {
        let bytes = written(|w| {
            w.nest(3, |w| {
                w.u16(1, 0x0102);
                w.string(2, "rr");
            });
            w.u8(4, 5);
        });
        assert_eq!(bytes.len(), 20 + 8);
        assert_eq!(bytes[..4], [[20, 0], [3, 0x80]].concat());
        let top: Vec<_> = Attributes::new(&bytes).collect::<Result<_, _>>().expect("well formed");
        assert_eq!(top[0].kind, 3);
        let nested: Vec<_> = top[0].nested().collect::<Result<_, _>>().expect("well formed");
        assert_eq!(nested[0].u16("number"), Ok(0x0102));
        assert_eq!(nested[1].string("text"), Ok("rr"));
        assert_eq!(top[1].u8("byte"), Ok(5));
    }

    #[test]
    fn a_wrong_length_names_the_attribute() {
        let bytes = written(|w| w.u16(1, 7));
        let attribute = Attributes::new(&bytes).next().expect("one").expect("well formed");
        let error = attribute.u32("IPVS_SVC_ATTR_TIMEOUT").expect_err("two bytes are not four");
        assert_eq!(error.to_string(), "IPVS_SVC_ATTR_TIMEOUT: wrong length");
        assert_eq!(attribute.counter("counter"), Err(Malformed::new("counter", "wrong length")));
    }

    #[test]
    fn a_length_beyond_the_end_or_below_its_header_is_an_error_and_the_end() {
        for len in [0, 3, 9, 0xffff] {
            let mut bytes = written(|w| w.u32(1, 7));
            bytes[..2].copy_from_slice(&u16::to_ne_bytes(len));
            let read: Vec<_> = Attributes::new(&bytes).collect();
            assert!(matches!(read[..], [Err(_)]), "{len}: {read:?}");
        }
    }

    #[test]
    fn text_without_a_nul_is_read_whole_and_an_empty_one_is_empty() {
        let text = |payload| Attribute { kind: 1, payload }.string("text");
        assert_eq!(text(b"rr"), Ok("rr"));
        assert_eq!(text(b"rr\0x"), Ok("rr"));
        assert_eq!(text(b""), Ok(""));
        assert_eq!(text(b"\xff\0"), Err(Malformed::new("text", "not UTF-8")));
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_ends(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for attribute in Attributes::new(&bytes).flatten() {
                let _ = attribute.string("text");
                let _ = attribute.counter("counter");
                prop_assert!(attribute.nested().count() <= bytes.len());
            }
        }

        #[test]
        fn what_is_written_is_read(attributes in proptest::collection::vec((0..0x4000u16, proptest::collection::vec(any::<u8>(), 0..20)), 0..20)) {
            let bytes = written(|w| attributes.iter().for_each(|(kind, payload)| w.bytes(*kind, payload)));
            let read: Vec<_> = Attributes::new(&bytes).map(|a| a.expect("well formed")).collect();
            let read: Vec<_> = read.iter().map(|a| (a.kind, a.payload.to_vec())).collect();
            prop_assert_eq!(read, attributes);
        }
    }
}
