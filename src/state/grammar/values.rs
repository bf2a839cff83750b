//! Numbers, flags and names: what ipvsadm makes of the values of options.

use std::net::IpAddr;

use super::fault::FaultKind;
use crate::model::SchedulerFlags;

/// The longest timeout, 31 days in seconds.
pub(super) const MAX_TIMEOUT: u32 = 31 * 24 * 60 * 60;

/// Reads a decimal number as C's `strtol` does, blanks and a sign before it included, nothing behind it.
pub(super) fn number(text: &str, min: u32, max: u32) -> Option<u32> {
    let (value, rest) = strtol(text)?;
    let value = u32::try_from(value).ok()?;
    (rest.is_empty() && (min..=max).contains(&value)).then_some(value)
}

/// C's `strtol`: the number that `text` starts with and what follows it. `None` without digits or beyond 64 bits.
pub(super) fn strtol(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let rest = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = &text[..text.len() - rest.len()];
    Some((number.parse().ok()?, rest))
}

/// Reads a number that must fit 16 bits.
pub(super) fn number_u16(text: &str, min: u16, max: u16) -> Option<u16> {
    number(text, min.into(), max.into()).and_then(|value| u16::try_from(value).ok())
}

/// Reads a number that must fit a byte.
pub(super) fn number_u8(text: &str, min: u8, max: u8) -> Option<u8> {
    number(text, min.into(), max.into()).and_then(|value| u8::try_from(value).ok())
}

/// Reads an IPv6 netmask: the number at the start, whatever follows it.
pub(super) fn prefix(text: &str) -> Option<(u8, &str)> {
    let (value, rest) = strtol(text)?;
    let prefix = u8::try_from(value).ok().filter(|prefix| (1..=128).contains(prefix))?;
    Some((prefix, rest))
}

/// Reads a multicast group; a colon makes it IPv6.
pub(super) fn group(text: &str) -> Result<IpAddr, FaultKind> {
    let v6 = text.contains(':');
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_ipv6() == v6 && address.is_multicast() => Ok(address),
        _ => Err(FaultKind::Group { word: text.to_owned(), v6 }),
    }
}

/// The longest list of scheduler flags that is read, in bytes.
const MAX_FLAGS: usize = 127;

/// Reads a list of scheduler flags for `scheduler`.
///
/// A list of nothing but commas is an empty list; ipvsadm crashes on it.
pub(super) fn flags(text: &str, scheduler: &str) -> Result<SchedulerFlags, FaultKind> {
    let mut flags = SchedulerFlags::default();
    for word in cut(text, MAX_FLAGS).split(',').filter(|word| !word.is_empty()) {
        let (bit, owner) = match word {
            "flag-1" => (&mut flags.first, None),
            "flag-2" => (&mut flags.second, None),
            "flag-3" => (&mut flags.third, None),
            "sh-fallback" => (&mut flags.first, Some("sh")),
            "sh-port" => (&mut flags.second, Some("sh")),
            "mh-fallback" => (&mut flags.first, Some("mh")),
            "mh-port" => (&mut flags.second, Some("mh")),
            _ => return Err(FaultKind::Flag(word.to_owned())),
        };
        if owner.is_some_and(|owner| owner != scheduler) {
            return Err(FaultKind::FlagOfOther(word.to_owned()));
        }
        *bit = true;
    }
    Ok(flags)
}

/// Returns the longest start of `text` that has at most `max` bytes and ends at a character border.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
