//! Control packets ↔ values, with all checks that need no session (RFC 5880 section 4, 6.8.6). No IO.
//!
//! Authentication is in [`auth`]: a packet tells which session it is for, and only then is there a key to check it with.

pub mod auth;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use auth::Method;

/// UDP port of sessions with a neighbour on the link (RFC 5881).
pub const SINGLE_HOP: u16 = 3784;

/// UDP port of sessions beyond routers (RFC 5883).
pub const MULTI_HOP: u16 = 4784;

/// Bytes of a packet without authentication.
pub const LEN: usize = 24;

/// Bytes of the longest packet there is.
pub const LONGEST: usize = LEN + auth::LONGEST;

const VERSION: u8 = 1;

/// State of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The operator holds it down.
    AdminDown,
    /// Nothing is heard of the neighbour, or it does not hear us.
    #[default]
    Down,
    /// The neighbour is heard; whether it hears us is not known.
    Init,
    /// Both hear each other.
    Up,
}

impl State {
    /// Returns its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdminDown => "admin-down",
            Self::Down => "down",
            Self::Init => "init",
            Self::Up => "up",
        }
    }

    /// Returns its name in running text.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::AdminDown => "held down",
            state => state.name(),
        }
    }

    fn of(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }

    fn bits(self) -> u8 {
        match self {
            Self::AdminDown => 0,
            Self::Down => 1,
            Self::Init => 2,
            Self::Up => 3,
        }
    }
}

/// Why a session left the state up, 0 to 31 (RFC 5880 section 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Diagnostic(u8);

impl Diagnostic {
    /// Nothing to say.
    pub const NONE: Self = Self(0);
    /// No packet came for the detection time.
    pub const TIME_EXPIRED: Self = Self(1);
    /// The neighbour said that it is down.
    pub const NEIGHBOUR_DOWN: Self = Self(3);
    /// The operator holds it down.
    pub const ADMIN_DOWN: Self = Self(7);

    /// Returns the number.
    pub fn code(self) -> u8 {
        self.0
    }

    /// Returns what it means.
    pub fn in_words(self) -> &'static str {
        match self.0 {
            0 => "none",
            1 => "nothing heard for the detection time",
            2 => "echo failed",
            3 => "the neighbour said it is down",
            4 => "forwarding plane reset",
            5 => "path down",
            6 => "concatenated path down",
            7 => "held down by the operator",
            8 => "reverse concatenated path down",
            _ => "unknown",
        }
    }
}

/// A control packet without its authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Why the sender last went down.
    pub diagnostic: Diagnostic,
    /// State of the sender.
    pub state: State,
    /// It wants an answer at once.
    pub poll: bool,
    /// This is the answer.
    pub answer: bool,
    /// The sender's BFD goes on when its control plane fails.
    pub independent: bool,
    /// The sender wants no packets while all is well.
    pub demand: bool,
    /// Detection multiplier of the sender.
    pub multiplier: u8,
    /// Discriminator of the sender.
    pub mine: u32,
    /// Discriminator of the receiver, as far as the sender knows; 0 = it does not.
    pub yours: u32,
    /// Least time between packets that the sender wants to send, in microseconds.
    pub min_tx: u32,
    /// Least time between packets that it can take, in microseconds; 0 = it wants none.
    pub min_rx: u32,
    /// The same of echo packets; 0 = it takes none.
    pub min_echo_rx: u32,
}

/// Why a packet was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reject {
    /// Shorter than it says, or than a packet can be.
    #[error("its length is wrong")]
    Length,
    /// Another version of BFD.
    #[error("it is of another version of BFD")]
    Version,
    /// Bits that must not be set: multipoint, or poll and final together.
    #[error("it has bits that must not be set")]
    Bits,
    /// A multiplier of 0.
    #[error("its multiplier is 0")]
    Multiplier,
    /// A discriminator of 0 where there has to be one.
    #[error("it has no discriminator")]
    NoDiscriminator,
    /// A discriminator that is nobody's.
    #[error("its discriminator is not of a session of ours")]
    Discriminator,
    /// No session has such a neighbour.
    #[error("no session has this neighbour")]
    Neighbour,
    /// The TTL is lower than routers on the way may have made it.
    #[error("its TTL is too low")]
    Ttl,
    /// Authenticated in another way, or not, or with another key.
    #[error("it is authenticated in another way")]
    AuthenticationMismatch,
    /// The password or the digest is wrong.
    #[error("its password or digest is wrong")]
    AuthenticationFailure,
    /// Its sequence number was used before, or is too far ahead.
    #[error("its sequence number is not to be expected")]
    Replay,
}

impl Control {
    /// Writes the first [`LEN`] bytes of a packet of `len` bytes.
    fn write(&self, authenticated: bool, len: usize) -> Vec<u8> {
        let flags = [
            (self.poll, 0x20),
            (self.answer, 0x10),
            (self.independent, 0x08),
            (authenticated, 0x04),
            (self.demand, 0x02),
        ];
        let flags: u8 = flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum();
        let mut bytes = Vec::with_capacity(len);
        bytes.push(VERSION << 5 | self.diagnostic.0 & 0x1f);
        bytes.push(self.state.bits() << 6 | flags);
        bytes.push(self.multiplier);
        bytes.push(u8::try_from(len).unwrap_or(u8::MAX));
        for word in [self.mine, self.yours, self.min_tx, self.min_rx, self.min_echo_rx] {
            bytes.extend(word.to_be_bytes());
        }
        bytes
    }

    /// Returns the packet without authentication.
    pub fn encode(&self) -> Vec<u8> {
        self.write(false, LEN)
    }
}

/// A packet as it came in, with what authenticates it still to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it says.
    pub control: Control,
    /// All its bytes; what follows its own length is cut off.
    bytes: &'a [u8],
    authenticated: bool,
}

impl<'a> Packet<'a> {
    /// Reads a packet (RFC 5880 section 6.8.6, up to the choice of the session).
    ///
    /// # Errors
    /// Why it is none.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, Reject> {
        let [first, flags, multiplier, len, ..] = *datagram else { return Err(Reject::Length) };
        if first >> 5 != VERSION {
            return Err(Reject::Version);
        }
        let authenticated = flags & 0x04 != 0;
        let least = if authenticated { LEN + 2 } else { LEN };
        let bytes = datagram.get(..usize::from(len)).filter(|bytes| bytes.len() >= least).ok_or(Reject::Length)?;
        let mut words = bytes.get(4..).unwrap_or_default().chunks_exact(4).map(word);
        let mut next = || words.next().ok_or(Reject::Length);
        let control = Control {
            diagnostic: Diagnostic(first & 0x1f),
            state: State::of(flags >> 6),
            poll: flags & 0x20 != 0,
            answer: flags & 0x10 != 0,
            independent: flags & 0x08 != 0,
            demand: flags & 0x02 != 0,
            multiplier,
            mine: next()?,
            yours: next()?,
            min_tx: next()?,
            min_rx: next()?,
            min_echo_rx: next()?,
        };
        if multiplier == 0 {
            return Err(Reject::Multiplier);
        }
        if flags & 0x01 != 0 || control.poll && control.answer {
            return Err(Reject::Bits);
        }
        let needs_ours = !matches!(control.state, State::Down | State::AdminDown);
        if control.mine == 0 || control.yours == 0 && needs_ours {
            return Err(Reject::NoDiscriminator);
        }
        Ok(Self { control, bytes, authenticated })
    }
}

/// Reads four bytes, of which there are four.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests;
