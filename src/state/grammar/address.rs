//! Service and server addresses, IPv4 masks: what ipvsadm makes of the words after `-t`, `-u`, `-r` and `-M`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Names, values};
use crate::model::Protocol;

/// An address as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) address: IpAddr,
    pub(super) port: Option<u16>,
    /// A port behind the brackets of an IPv4 address or name, which ipvsadm does not read.
    pub(super) port_dropped: bool,
}

/// Reads `HOST[:PORT]`, `V6` or `[V6]:PORT`. Service names need a `protocol`.
pub(super) fn parse(text: &str, protocol: Option<Protocol>, names: &dyn Names) -> Option<Address> {
    if text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let (host, bracket_port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            (host, Some(rest.strip_prefix(':')?))
        }
        None => (text, None),
    };
    let read_port = |port: &str| parse_port(port, protocol, names);
    // Looked at only where it can be one, for the sake of long files.
    let colons = host.bytes().filter(|c| *c == b':').count();
    if colons >= 2
        && let Ok(address) = host.parse::<Ipv6Addr>()
    {
        let port = match bracket_port {
            Some(port) => Some(read_port(port)?),
            None => None,
        };
        return Some(Address { address: address.into(), port, port_dropped: false });
    }
    // With brackets the port is looked for inside them, too: what stands behind them is never read.
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (host, None),
    };
    let address = parse_v4(host, names)?.into();
    let port = match port {
        Some(port) => Some(read_port(port)?),
        None => None,
    };
    Some(Address { address, port, port_dropped: bracket_port.is_some() })
}

fn parse_port(text: &str, protocol: Option<Protocol>, names: &dyn Names) -> Option<u16> {
    match values::number(text, 0, u16::MAX.into()) {
        Some(port) => u16::try_from(port).ok(),
        None => names.port(text, protocol?),
    }
}

/// Reads an IPv4 address or mask: numbers and dots, else a host name.
pub(super) fn parse_v4(text: &str, names: &dyn Names) -> Option<Ipv4Addr> {
    // What everybody writes needs no knowledge of C; the two agree on it.
    text.parse().ok().or_else(|| inet_aton(text)).or_else(|| names.host_v4(text))
}

/// The C library's `inet_aton`: one to four numbers in decimal, octal (`0…`) or hexadecimal (`0x…`), the last of
/// which fills all bytes that are left; anything may follow a blank.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let text = text.split([' ', '\t', '\n', '\x0b', '\x0c', '\r']).next()?;
    let mut parts = Vec::new();
    for part in text.split('.') {
        parts.push(c_number(part)?);
    }
    let last = parts.pop()?;
    let (free_bits, leading) = (32_u32.checked_sub(8 * u32::try_from(parts.len()).ok()?)?, parts);
    if free_bits == 0 || u64::from(last) >= 1 << free_bits {
        return None;
    }
    let mut value = last;
    for (part, shift) in leading.into_iter().zip([24_u32, 16, 8]) {
        value |= u32::from(u8::try_from(part).ok()?) << shift;
    }
    Some(value.into())
}

/// A number in C's notation, without sign.
fn c_number(text: &str) -> Option<u32> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (digits, radix) = match (text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")), text.strip_prefix('0')) {
        (Some(hex), _) => (hex, 16),
        (None, Some(octal)) if !octal.is_empty() => (octal, 8),
        _ => (text, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}
