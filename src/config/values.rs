//! Whether a word is what its keyword takes.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::schema::Kind;

/// Words that stand for yes, and for no.
const YES: [&str; 3] = ["on", "true", "yes"];
const NO: [&str; 3] = ["off", "false", "no"];
/// The longest name of a link, in bytes.
const LONGEST_LINK: usize = 15;

/// Reads `on`, `off` and their like.
pub fn truth(word: &str) -> Option<bool> {
    if YES.contains(&word) { Some(true) } else { NO.contains(&word).then_some(false) }
}

/// Reads a decimal number of units with up to `decimals` digits behind the point: how many of the smallest parts it is.
pub fn decimal(word: &str, decimals: usize) -> Option<u64> {
    let (whole, part) = word.split_once('.').unwrap_or((word, ""));
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > decimals || whole.len() + part.len() == 0 {
        return None;
    }
    let scale = 10_u64.checked_pow(u32::try_from(decimals).ok()?)?;
    let smaller = 10_u64.checked_pow(u32::try_from(decimals - part.len()).ok()?)?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: u64 = if part.is_empty() { 0 } else { part.parse().ok()? };
    whole.checked_mul(scale)?.checked_add(part * smaller)
}

/// Reads an address, or one with a prefix length.
pub fn prefix(word: &str) -> Option<(IpAddr, Option<u8>)> {
    let (address, length) = word.split_once('/').map_or((word, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let length = match length {
        None => None,
        Some(length) => Some(length.parse().ok().filter(|length| *length <= if address.is_ipv4() { 32 } else { 128 })?),
    };
    Some((address, length))
}

/// The addresses of one entry of a `virtual_server_group`: the first and the last.
pub fn range(word: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((first, last)) = word.split_once('-') {
        let first: IpAddr = first.parse().ok()?;
        // The last part of an address, or all of one.
        let last = match (last.parse::<IpAddr>(), first) {
            (Ok(last), _) => last,
            (Err(_), IpAddr::V4(first)) => {
                let [a, b, c, _] = first.octets();
                Ipv4Addr::new(a, b, c, last.parse().ok()?).into()
            }
            (Err(_), IpAddr::V6(first)) => {
                let last = u16::from_str_radix(last, 16).ok()?;
                Ipv6Addr::from(u128::from(first) >> 16 << 16 | u128::from(last)).into()
            }
        };
        return (first.is_ipv4() == last.is_ipv4() && first < last).then_some((first, last));
    }
    let (address, length) = prefix(word)?;
    match (address, length) {
        (_, None) => Some((address, address)),
        (IpAddr::V4(network), Some(length)) => {
            let hosts = u32::MAX.checked_shr(length.into()).unwrap_or(0);
            let first = u32::from(network);
            (first & hosts == 0).then(|| (address, Ipv4Addr::from(first | hosts).into()))
        }
        (IpAddr::V6(network), Some(length)) => {
            let hosts = u128::MAX.checked_shr(length.into()).unwrap_or(0);
            let first = u128::from(network);
            (first & hosts == 0).then(|| (address, Ipv6Addr::from(first | hosts).into()))
        }
    }
}

/// Returns what a word should be and is not; `None` = it is.
pub(super) fn wrong(kind: Kind, word: &str) -> Option<Cow<'static, str>> {
    let must = |right: bool, what: &'static str| (!right).then_some(Cow::Borrowed(what));
    let address = |word: &str| word.parse::<IpAddr>().is_ok();
    match kind {
        Kind::Word(_) | Kind::New(_) | Kind::Of(_) | Kind::Command | Kind::User | Kind::Group | Kind::Path => {
            must(!word.is_empty(), "a word that is not empty")
        }
        Kind::Bool => must(truth(word).is_some(), "on, true or yes, or off, false or no"),
        Kind::Number(least, most) => number(word, least, most),
        Kind::Seconds(least, most) => time(word, 6, "a number of seconds", least, most),
        Kind::Milliseconds(least, most) => time(word, 3, "a number of milliseconds", least, most),
        Kind::OneOf(words) => (!words.contains(&word)).then(|| one_of(words)),
        Kind::OneOfAnyCase(words) => {
            (!words.iter().any(|known| known.eq_ignore_ascii_case(word))).then(|| one_of(words))
        }
        Kind::Address => must(address(word), "an IP address"),
        Kind::Multicast(six) => {
            let right = word.parse::<IpAddr>().is_ok_and(|group| group.is_multicast() && group.is_ipv6() == six);
            must(right, if six { "a multicast address of IPv6" } else { "a multicast address of IPv4" })
        }
        Kind::Prefix => must(prefix(word).is_some(), "an IP address, or one with /LENGTH"),
        Kind::PrefixOr(words) => {
            let right = words.contains(&word) || prefix(word).is_some();
            (!right).then(|| format!("an IP address, one with /LENGTH, or {}", words.join(", ")).into())
        }
        Kind::Range => must(range(word).is_some(), "an IP address, FIRST-LAST, or NETWORK/LENGTH"),
        Kind::Granularity => {
            let length = word.parse::<u8>().is_ok_and(|length| (1..=128).contains(&length));
            must(length || word.parse::<Ipv4Addr>().is_ok(), "an IPv4 netmask, or a prefix length of IPv6")
        }
        Kind::Port(open) => number(word, i64::from(!open), 65535),
        Kind::Link => {
            let right = (1..=LONGEST_LINK).contains(&word.len()) && !word.contains('/');
            must(right, "the name of a link: at most 15 characters")
        }
        Kind::Digest => must(
            word.len() == 32 && word.bytes().all(|c| c.is_ascii_hexdigit()),
            "an MD5 digest: 32 hexadecimal digits",
        ),
        Kind::Statuses => {
            let status = |word: &str| word.parse::<u16>().ok().filter(|status| (100..=599).contains(status));
            let right = match word.split_once('-') {
                Some((first, last)) => status(first).zip(status(last)).is_some_and(|(first, last)| first <= last),
                None => status(word).is_some(),
            };
            must(right, "an HTTP status from 100 to 599, or FIRST-LAST")
        }
        Kind::Bytes(any) => {
            let digit = |c: u8| c.is_ascii_hexdigit() || any && matches!(c, b'x' | b'X') || c == b' ';
            let digits = word.bytes().filter(|c| *c != b' ').count();
            must(digits > 0 && digits.is_multiple_of(2) && word.bytes().all(digit), "bytes in hexadecimal")
        }
        Kind::Mac => {
            let parts: Vec<_> = word.split(':').collect();
            let byte = |part: &&str| (1..=2).contains(&part.len()) && u8::from_str_radix(part, 16).is_ok();
            must(matches!(parts.len(), 5 | 6) && parts.iter().all(byte), "a MAC address")
        }
        Kind::Mark => {
            let mark = |word: &str| match word.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).is_ok(),
                None => word.parse::<u32>().is_ok(),
            };
            let (value, mask) = word.split_once('/').unwrap_or((word, "0"));
            must(mark(value) && mark(mask), "a mark, or MARK/MASK")
        }
        Kind::Span(least, most) => {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            number(first, least, most).or_else(|| number(last, least, most))
        }
        Kind::Pattern => None,
        Kind::Iproute => must(!word.is_empty(), "a name or a number"),
    }
}

fn number(word: &str, least: i64, most: i64) -> Option<Cow<'static, str>> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let whole = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    let inside = word.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number));
    (!whole || !inside).then(|| format!("a whole number from {least} to {most}").into())
}

fn time(word: &str, decimals: usize, what: &str, least: u64, most: u64) -> Option<Cow<'static, str>> {
    let inside = decimal(word, decimals).is_some_and(|time| (least..=most).contains(&time));
    (!inside).then(|| {
        let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or(0));
        #[allow(clippy::cast_precision_loss)] // Bounds are round numbers.
        let shown = |time: u64| time as f64 / scale;
        match (least, most) {
            (0, super::schema::LONGEST) => what.to_owned(),
            (least, super::schema::LONGEST) => format!("{what}, at least {}", shown(least)),
            _ => format!("{what} from {} to {}", shown(least), shown(most)),
        }
        .into()
    })
}

fn one_of(words: &[&str]) -> Cow<'static, str> {
    match words {
        [only] => (*only).to_owned().into(),
        _ => format!("one of {}", words.join(", ")).into(),
    }
}
