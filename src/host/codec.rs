//! The kernel's language for links, addresses, routes and rules: `NETLINK_ROUTE` (`linux/rtnetlink.h` and its neighbours).
//!
//! Turns requests into bytes and messages into values. Does no IO: links are numbers here, whoever calls knows their names.

pub(super) mod address;
pub(super) mod link;
pub(super) mod lookup;
pub(super) mod route;
pub(super) mod rule;

// Bytes of a little-endian machine.
#[cfg(all(test, target_endian = "little"))]
mod golden;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use neli::consts::nl::NlmF;

use super::wanted::Scope;
use crate::{
    model::Family,
    sys::netlink::{Attribute, Attributes, Malformed, Writer},
};

/// Whether something is put on the host or taken off it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Puts it there. What is there already is refused.
    Add,
    /// Takes it away. What is not there is refused.
    Remove,
}

/// A change that cannot be said to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unsayable {
    /// No link has this name.
    NoLink(String),
    /// It contradicts itself.
    Senseless(&'static str),
}

/// Flags of a request that creates what must not exist yet.
pub(super) fn create_new() -> u16 {
    (NlmF::CREATE | NlmF::EXCL).bits()
}

pub(super) const AF_UNSPEC: u8 = 0;
pub(super) const AF_INET: u8 = 2;
pub(super) const AF_INET6: u8 = 10;

pub(super) fn family_number(family: Family) -> u8 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

fn family_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { AF_INET } else { AF_INET6 }
}

/// Writes an address as bare bytes.
fn write_ip(w: &mut Writer<'_>, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(address) => w.bytes(kind, &address.octets()),
        IpAddr::V6(address) => w.bytes(kind, &address.octets()),
    }
}

/// Reads an address, whose family its length tells.
fn read_ip(attribute: &Attribute<'_>, name: &'static str) -> Result<IpAddr, Malformed> {
    if attribute.payload.len() == 4 {
        attribute.bytes::<4>(name).map(IpAddr::from)
    } else {
        attribute.bytes::<16>(name).map(IpAddr::from)
    }
}

/// Splits a message into its fixed header of `N` bytes and the attributes behind it, which begin at the next multiple of
/// four.
fn split<'a, const N: usize>(message: &'a [u8], name: &'static str) -> Result<([u8; N], Attributes<'a>), Malformed> {
    let header = message.first_chunk().ok_or_else(|| Malformed::new(name, "too short"))?;
    Ok((*header, Attributes::new(message.get(N.next_multiple_of(4)..).unwrap_or_default())))
}

impl Scope {
    fn number(self) -> u8 {
        match self {
            Self::Global => 0,
            Self::Site => 200,
            Self::Link => 253,
            Self::Host => 254,
            Self::Nowhere => 255,
            Self::Other(number) => number,
        }
    }

    fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Global,
            200 => Self::Site,
            253 => Self::Link,
            254 => Self::Host,
            255 => Self::Nowhere,
            number => Self::Other(number),
        }
    }
}
