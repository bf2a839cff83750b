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
