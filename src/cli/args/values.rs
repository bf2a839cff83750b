//! Words → values: addresses, marks, masks, durations, numbers. Pure; each complaint names the option and the word.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
    str::FromStr,
};

use super::select::Lookup;
use crate::{
    cli::Complaint,
    model::{Family, Netmask, Protocol},
};

/// Reads `ADDR:PORT`, `ADDR`, `[ADDR]:PORT` or `[ADDR]`; the port is `None` where none is written.
///
/// # Errors
/// It is none of them, or a name that may not be looked up.
pub fn address(
    option: &str,
    text: &str,
    protocol: Protocol,
    names: &dyn Lookup,
) -> Result<(IpAddr, Option<u16>), Complaint> {
    let wrong = |why: String| Complaint::new(format_args!("{option} {text}: {why}"));
    if let Some(rest) = text.strip_prefix('[') {
        let Some((inside, after)) = rest.split_once(']') else {
            return Err(wrong("the closing bracket is missing".into()));
        };
        let address = Ipv6Addr::from_str(inside).map_err(|_| {
            wrong(format!("{inside} is no IPv6 address")).hint("brackets are for IPv6: [2001:db8::1]:80")
        })?;
        let port = match after.strip_prefix(':') {
            Some(word) => Some(port(word, protocol, names).map_err(wrong)?),
            None if after.is_empty() => None,
            None => return Err(wrong(format!("a colon and a port belong behind the bracket, not {after}"))),
        };
        return Ok((address.into(), port));
    }
    if let Ok(address) = IpAddr::from_str(text) {
        return Ok((address, None));
    }
    let (host, word) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    if host.contains(':') {
        return Err(wrong("this is no IPv6 address".into()).hint("an IPv6 address with a port: [2001:db8::1]:80"));
    }
    let address = match Ipv4Addr::from_str(host) {
        Ok(address) => address.into(),
        Err(_) => names.host(host).map_err(|why| {
            let complaint = wrong(why);
            if names.knows_names() { complaint } else { complaint.hint("--resolve looks names up") }
        })?,
    };
    Ok((address, word.map(|word| port(word, protocol, names).map_err(wrong)).transpose()?))
}

fn port(word: &str, protocol: Protocol, names: &dyn Lookup) -> Result<u16, String> {
    if word.is_empty() {
        return Err("the port is missing behind the colon".into());
    }
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return word.parse().map_err(|_| format!("port {word} is above 65535"));
    }
    names.port(word, protocol)
}

/// Reads a firewall mark: 1 to 4294967295, decimal, or hexadecimal as iptables prints it.
///
/// # Errors
/// It is none.
pub fn mark(option: &str, text: &str) -> Result<u32, Complaint> {
    let read = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => digits(text),
    };
    read.filter(|mark| *mark > 0).ok_or_else(|| {
        Complaint::new(format_args!("{option} {text}: a firewall mark is a number from 1 to 4294967295"))
    })
}

/// Reads digits only: no sign, no blanks.
fn digits<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Reads a whole number within `range`.
///
/// # Errors
/// It is none; the complaint names the option, the word and the range.
pub fn number<T: FromStr + PartialOrd + Display>(
    option: &str,
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, Complaint> {
    digits(text).filter(|number| range.contains(number)).ok_or_else(|| {
        Complaint::new(format_args!("{option} {text}: a number from {} to {} is needed", range.start(), range.end()))
    })
}

/// Reads a duration in seconds, or with units: `90`, `90s`, `5m`, `1h30m`, `2d`.
///
/// # Errors
/// It is none, or outside 1 to `max` seconds.
pub fn duration(option: &str, text: &str, max: u32) -> Result<u32, Complaint> {
    let wrong = |why: String| Complaint::new(format_args!("{option} {text}: {why}"));
    let seconds = seconds(text)
        .ok_or_else(|| wrong("this is no duration".into()).hint("seconds, or with units: 90, 5m, 1h30m, 2d"))?;
    if !(1..=u64::from(max)).contains(&seconds) {
        return Err(wrong(format!("1 to {max} seconds are possible")));
    }
    u32::try_from(seconds).map_err(|_| wrong(format!("1 to {max} seconds are possible")))
}

fn seconds(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let mut units = tail.chars();
        let factor = match units.next() {
            // A number without a unit stands alone: `1h30` could be minutes or seconds.
            None if end == text.len() => 1,
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return None,
        };
        total = number.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(total)?;
        rest = units.as_str();
    }
    Some(total)
}

/// Reads the interval of a repeated listing: seconds, fractions allowed, 0.1 to 86400.
///
/// # Errors
/// It is none.
pub fn interval(text: &str) -> Result<std::time::Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(std::time::Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds from 0.1 to 86400 is needed".into()),
    }
}

/// Reads the granularity of persistence: a prefix length, for IPv4 also a dotted mask.
pub(super) fn netmask(option: &str, text: &str, family: Family) -> Result<Netmask, Complaint> {
    let prefix = digits::<u8>(text.strip_prefix('/').unwrap_or(text));
    match (family, prefix) {
        (Family::V4, Some(length)) if length <= 32 => Some(Netmask::V4(Ipv4Addr::from(mask_bits(length)))),
        (Family::V4, None) => text.parse().map(Netmask::V4).ok(),
        (Family::V6, Some(length)) if (1..=128).contains(&length) => Some(Netmask::V6(length)),
        _ => None,
    }
    .ok_or_else(|| {
        let needed = match family {
            Family::V4 => "a prefix length from 0 to 32 or a mask like 255.255.255.0",
            Family::V6 => "a prefix length from 1 to 128",
        };
        Complaint::new(format_args!("{option} {text}: {needed} is needed"))
    })
}

fn mask_bits(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

/// A network that addresses are matched against: an address, or a prefix of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// Reads `ADDR` or `ADDR/LENGTH`.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(option: &str, text: &str) -> Result<Self, Complaint> {
        let wrong =
            || Complaint::new(format_args!("{option} {text}: an address or a network like 10.0.0.0/8 is needed"));
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address = address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().map_err(|_| wrong())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) => digits(length).filter(|length| *length <= whole).ok_or_else(wrong)?,
            None => whole,
        };
        Ok(Self { address, length })
    }

    /// Returns the address of the network, without what is behind the prefix, and its length in bits.
    pub fn network(&self) -> (IpAddr, u8) {
        let address = match self.address {
            IpAddr::V4(address) => IpAddr::from((u32::from(address) & mask_bits(self.length)).to_be_bytes()),
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                IpAddr::from((u128::from(address) & mask).to_be_bytes())
            }
        };
        (address, self.length)
    }

    /// Whether `address` is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(one)) => {
                let mask = mask_bits(self.length);
                u32::from(net) & mask == u32::from(one) & mask
            }
            (IpAddr::V6(net), IpAddr::V6(one)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                u128::from(net) & mask == u128::from(one) & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{cli::names::Names, model::ServerKey};

    fn read(text: &str) -> Result<(IpAddr, Option<u16>), String> {
        address("-t", text, Protocol::Tcp, &Names::new(false)).map_err(|complaint| complaint.text)
    }

    #[test]
    fn addresses() {
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(read("10.0.0.1:80"), Ok(("10.0.0.1".parse().unwrap(), Some(80))));
        assert_eq!(read("10.0.0.1"), Ok(("10.0.0.1".parse().unwrap(), None)));
        assert_eq!(read("[2001:db8::1]:80"), Ok((v6, Some(80))));
        assert_eq!(read("[2001:db8::1]"), Ok((v6, None)));
        assert_eq!(read("2001:db8::1"), Ok((v6, None)));
        for (text, why) in [
            ("10.0.0.1:", "the port is missing behind the colon"),
            ("10.0.0.1:65536", "port 65536 is above 65535"),
            ("10.0.0.1:http", "http is no port number"),
            ("10.0.0.1:+80", "+80 is no port number"),
            ("10.0.0.256:80", "10.0.0.256 is no address"),
            ("10.1:80", "10.1 is no address"),
            ("80", "80 is no address"),
            ("", " is no address"),
            ("[2001:db8::1:80", "the closing bracket is missing"),
            ("[2001:db8::1]80", "a colon and a port belong behind the bracket, not 80"),
            ("[10.0.0.1]:80", "10.0.0.1 is no IPv6 address"),
            ("2001:db8::g:80", "this is no IPv6 address"),
            ("fe80::1%eth0", "this is no IPv6 address"),
        ] {
            assert_eq!(read(text), Err(format!("-t {text}: {why}")));
        }
    }

    #[test]
    fn marks() {
        assert_eq!(mark("-f", "4294967295").ok(), Some(u32::MAX));
        assert_eq!(mark("-f", "0x10").ok(), Some(16));
        for text in ["0", "4294967296", "-1", "+1", "0x", "0x+1", "1 ", ""] {
            assert!(mark("-f", text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("31d", 2_678_400)] {
            assert_eq!(duration("-p", text, 2_678_400).ok(), Some(seconds), "{text}");
        }
        for text in ["", "0", "0s", "1h30", "m", "1x", "-1", "1.5h", "31d1s", "99999999999999999999d", "1ä"] {
            assert!(duration("-p", text, 2_678_400).is_err(), "{text}");
        }
    }

    #[test]
    fn netmasks() {
        let v4 = |text| netmask("-M", text, Family::V4).ok().map(|mask| mask.to_string());
        assert_eq!(v4("24").as_deref(), Some("255.255.255.0"));
        assert_eq!(v4("/8").as_deref(), Some("255.0.0.0"));
        assert_eq!(v4("0").as_deref(), Some("0.0.0.0"));
        assert_eq!(v4("32").as_deref(), Some("255.255.255.255"));
        assert_eq!(v4("255.255.0.0").as_deref(), Some("255.255.0.0"));
        assert_eq!(v4("33"), None);
        assert_eq!(v4("x"), None);
        let v6 = |text| netmask("-M", text, Family::V6).ok().map(|mask| mask.to_string());
        assert_eq!(v6("64").as_deref(), Some("64"));
        assert_eq!(v6("0"), None);
        assert_eq!(v6("129"), None);
        assert_eq!(v6("255.255.255.0"), None);
    }

    #[test]
    fn prefixes() {
        let contains = |net: &str, one: &str| Prefix::read("--client", net).unwrap().contains(one.parse().unwrap());
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("0.0.0.0/0", "11.0.0.1"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(contains("::/0", "::1"));
        assert!(!contains("10.0.0.1", "10.0.0.2"));
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "10/8", "::/129", "10.0.0.0/-1"] {
            assert!(Prefix::read("--client", text).is_err(), "{text}");
        }
    }

    #[test]
    fn intervals() {
        assert_eq!(interval("0.5").map(|d| d.as_millis()), Ok(500));
        for text in ["", "0", "-1", "nan", "inf", "1e9", "x"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_word_makes_a_reader_panic(word in r"\PC{0,40}|[0-9a-f:.\[\]/x,dhms+-]{0,40}") {
            let names = Names::new(false);
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                // What is accepted is an address in the end, whichever way it was written.
                if let Ok((address, port)) = address("-t", &word, protocol, &names) {
                    let written = ServerKey { address, port: port.unwrap_or(0) }.to_string();
                    prop_assert_eq!(read(&written), Ok((address, Some(port.unwrap_or(0)))));
                }
            }
            let _ = (mark("-f", &word), interval(&word), Prefix::read("--client", &word));
            if let Ok(seconds) = duration("-p", &word, u32::MAX) {
                prop_assert!(seconds > 0);
            }
            for family in [Family::V4, Family::V6] {
                if let Ok(mask) = netmask("-M", &word, family) {
                    prop_assert_eq!(netmask("-M", &mask.to_string(), family).ok(), Some(mask));
                }
            }
        }
    }
}
