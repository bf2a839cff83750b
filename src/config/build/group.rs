//! `virtual_server_group` → the services that it stands for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reading::{Reader, Reading, inside, number, port};
use crate::{
    config::tree::{Statement, Verdict},
    model::Family,
};

/// Most services of one range: more are a mistake.
const MOST: u32 = 65_536;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// An address and its port; 0 = all.
    Address(IpAddr, u16),
    /// A firewall mark, and its family if it is said.
    Mark(u32, Option<Family>),
}

/// Reads a group: its name and members.
pub(super) fn read(block: &Statement, r: &mut Reader) -> Option<(String, Vec<Member>)> {
    let name = super::instance::name(block, r)?;
    let mut members: Vec<Member> = Vec::new();
    for entry in inside(block) {
        if &*entry.keyword.text == "fwmark" {
            members.extend(mark(entry, r));
            continue;
        }
        let port = entry.values.first().map_or(Some(0), |word| r.word(entry, word, port));
        let addresses = r.word(entry, &entry.keyword, range).unwrap_or_default();
        members.extend(addresses.into_iter().map(|address| Member::Address(address, port.unwrap_or(0))));
    }
    if members.is_empty() {
        r.error(&block.keyword.place, Verdict::Ignores, format_args!("virtual_server_group {name} is empty"));
    }
    Some((name, members))
}

/// Reads `fwmark N [inet|inet6]`.
pub(super) fn mark(statement: &Statement, r: &mut Reader) -> Option<Member> {
    let mark = r.number(statement, 1..=u32::MAX)?;
    let family = statement.values.get(1).and_then(|word| r.word(statement, word, family));
    Some(Member::Mark(mark, family))
}

/// Reads `inet` or `inet6`.
pub(super) fn family(text: &str) -> Reading<Family> {
    match text {
        "inet" => Ok(Family::V4),
        "inet6" => Ok(Family::V6),
        _ => Err("inet or inet6 is needed".to_owned()),
    }
}

/// Reads `ADDR`, `ADDR-END` (the end of the last byte, IPv6: of the last two, or an address) or `ADDR/LENGTH`.
fn range(text: &str) -> Reading<Vec<IpAddr>> {
    let address = |text: &str| text.parse::<IpAddr>().map_err(|_| "this is no IP address".to_owned());
    if let Some((first, length)) = text.split_once('/') {
        let first = address(first)?;
        let bits = if first.is_ipv4() { 32 } else { 128 };
        let length = number(1..=bits)(length)?;
        let host_bits = bits - length;
        let count = 1_u32.checked_shl(host_bits).filter(|count| *count <= MOST).ok_or_else(too_many)?;
        let base = to_bits(first);
        if base & (u128::from(count) - 1) != 0 {
            return Err("it has bits outside its prefix".to_owned());
        }
        return Ok(several(first, base, base + u128::from(count) - 1));
    }
    let Some((first, last)) = text.split_once('-') else { return Ok(vec![address(text)?]) };
    let first = address(first)?;
    let from = to_bits(first);
    let to = match (first, last.parse::<IpAddr>()) {
        (_, Ok(last)) if last.is_ipv4() == first.is_ipv4() => to_bits(last),
        (IpAddr::V4(_), _) => from & !0xff | number(0..=255_u128)(last)?,
        (IpAddr::V6(_), _) => {
            let last = u16::from_str_radix(last, 16).map_err(|_| "four hexadecimal digits are needed".to_owned())?;
            from & !0xffff | u128::from(last)
        }
    };
    if to < from {
        return Err("the end of the range is less than its begin".to_owned());
    }
    if to - from >= u128::from(MOST) {
        return Err(too_many());
    }
    Ok(several(first, from, to))
}

fn too_many() -> String {
    format!("these are more than {MOST} addresses")
}

fn to_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn several(like: IpAddr, from: u128, to: u128) -> Vec<IpAddr> {
    let one = |bits: u128| match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX))),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    };
    (from..=to).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let count = |text: &str| range(text).map(|all| (all.len(), all.last().map(ToString::to_string)));
        assert_eq!(count("10.0.0.1"), Ok((1, Some("10.0.0.1".to_owned()))));
        assert_eq!(count("10.0.0.1-5"), Ok((5, Some("10.0.0.5".to_owned()))));
        assert_eq!(count("10.0.0.1-10.0.1.1"), Ok((257, Some("10.0.1.1".to_owned()))));
        assert_eq!(count("10.0.0.0/30"), Ok((4, Some("10.0.0.3".to_owned()))));
        assert_eq!(count("2001:db8::1-f"), Ok((15, Some("2001:db8::f".to_owned()))));
        for text in ["10.0.0.1/24", "10.0.0.5-1", "10.0.0.0/8", "x", "10.0.0.1-x", "10.0.0.1-256", "::/0"] {
            assert!(range(text).is_err(), "{text}");
        }
    }
}
