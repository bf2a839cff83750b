//! Words → values: times, numbers, statuses, digests, bytes. Pure.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use super::fault::Wrong;

/// Reads a whole number within `range`.
pub(super) fn number<T: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<T>) -> Result<T, Wrong> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| Wrong::new(format_args!("a number from {} to {} is needed", range.start(), range.end())))
}

/// Reads a time within `range`: seconds, also with a fraction, or with units.
pub(super) fn time(text: &str, range: RangeInclusive<Duration>) -> Result<Duration, Wrong> {
    let time = parts(text).ok_or_else(|| {
        Wrong::new("this is no time").hint("seconds, or with units: 5, 0.5, 500ms, 90s, 5m, 1h30m, 2d")
    })?;
    if range.contains(&time) {
        return Ok(time);
    }
    Err(Wrong::new(format_args!("{} to {} are possible", spoken(*range.start()), spoken(*range.end()))))
}

fn spoken(time: Duration) -> String {
    match time.as_millis() {
        0 => "0".to_owned(),
        millis if millis % 86_400_000 == 0 => format!("{}d", millis / 86_400_000),
        millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

fn parts(text: &str) -> Option<Duration> {
    let plain = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.starts_with(|c: char| c.is_ascii_digit())
    };
    if plain(text) {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let units = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(units);
        let factor = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let number: f64 = plain(number).then(|| number.parse().ok()).flatten()?;
        total = total.checked_add(Duration::try_from_secs_f64(number * factor).ok()?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// Reads a size in bytes: a number, with `k`, `m` or `g` of 1024 each.
pub(super) fn size(text: &str, range: RangeInclusive<u64>) -> Result<u64, Wrong> {
    let lower = text.to_ascii_lowercase();
    let (digits, factor) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1 << 10),
        Some(b'm') => (&lower[..lower.len() - 1], 1 << 20),
        Some(b'g') => (&lower[..lower.len() - 1], 1 << 30),
        _ => (lower.as_str(), 1),
    };
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
    number.and_then(|number| number.checked_mul(factor)).filter(|size| range.contains(size)).ok_or_else(|| {
        let range = format!("a size from {} to {} bytes is needed", range.start(), range.end());
        Wrong::new(range).hint("a number, or with k, m, g: 64k, 1m")
    })
}

/// Reads statuses: `200`, `200-299`, several with commas.
pub(super) fn statuses(text: &str) -> Result<Vec<(u16, u16)>, Wrong> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let status = |text: &str| (text.len() == 3).then(|| text.parse::<u16>().ok()).flatten();
        let pair =
            status(from).zip(status(to)).filter(|(from, to)| (100..=599).contains(from) && from <= to && *to <= 599);
        pair.ok_or_else(|| {
            Wrong::new(format_args!("{part} is no status, nor a range of them"))
                .hint("100 to 599, ranges, several with commas: 200-299,301")
        })
    };
    text.split(',').map(range).collect()
}

/// Reads an MD5 digest.
pub(super) fn digest(text: &str) -> Result<[u8; 16], Wrong> {
    let hint = "32 hexadecimal digits; `lvsadm check digest URL` and genhash print them";
    let bytes = hex(text).map_err(|why| Wrong::new(format_args!("this is no MD5 digest: {why}")).hint(hint))?;
    let length = text.len();
    bytes
        .try_into()
        .map_err(|_| Wrong::new(format_args!("this is no MD5 digest: it has {length} digits, not 32")).hint(hint))
}

/// Reads bytes as hexadecimal digits.
pub(super) fn hex(text: &str) -> Result<Vec<u8>, String> {
    if let Some(other) = text.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(format!("{other} is no hexadecimal digit"));
    }
    if !text.len().is_multiple_of(2) {
        return Err(format!("its {} digits make no whole bytes", text.len()));
    }
    Ok(text.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | nibble(*digit))).collect())
}

/// Reads bytes that are expected, as hexadecimal digits with `x` for those that do not matter: value and mask of each.
pub(super) fn masked_hex(text: &str) -> Result<Vec<(u8, u8)>, Wrong> {
    let lower = text.to_ascii_lowercase();
    let values = hex(&lower.replace('x', "0"));
    let masks = hex(&lower
        .chars()
        .map(|c| {
            if c == 'x' {
                '0'
            } else if c.is_ascii_hexdigit() {
                'f'
            } else {
                c
            }
        })
        .collect::<String>());
    match (values, masks) {
        (Ok(values), Ok(masks)) => Ok(values.into_iter().zip(masks).collect()),
        (Err(why), _) | (_, Err(why)) => {
            Err(Wrong::new(why).hint("two hexadecimal digits a byte, x for those that do not matter: 01ffxx"))
        }
    }
}

fn nibble(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default()
}

/// Passes a word without characters that would break a line of a protocol.
pub(super) fn one_line(text: &str) -> Result<String, Wrong> {
    if text.is_empty() {
        return Err(Wrong::new("it is empty"));
    }
    match text.chars().position(char::is_control) {
        None => Ok(text.to_owned()),
        Some(at) => Err(Wrong::new(format_args!("character {} is a control character", at + 1))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times() {
        let any = Duration::ZERO..=Duration::MAX;
        for (text, millis) in [
            ("5", 5_000),
            ("0.5", 500),
            ("500ms", 500),
            ("1.5s", 1_500),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("0", 0),
            ("1m30s500ms", 90_500),
        ] {
            assert_eq!(time(text, any.clone()).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for text in ["", "s", "-1", "1x", ".5", "1..5", "1h30", "1e9", "inf", "5 s", "ms", "1sm"] {
            assert!(time(text, any.clone()).is_err(), "{text}");
        }
        let wrong = time("1ms", Duration::from_millis(10)..=Duration::from_secs(86_400)).unwrap_err();
        assert_eq!(wrong.why, "10ms to 1d are possible");
    }

    #[test]
    fn digests() {
        assert_eq!(digest("5d41402abc4b2a76b9719d911017c592").unwrap()[..2], [0x5d, 0x41]);
        assert_eq!(digest("5D41402ABC4B2A76B9719D911017C592").unwrap()[..2], [0x5d, 0x41]);
        for (text, why) in [
            ("", "this is no MD5 digest: it has 0 digits, not 32"),
            ("abc", "this is no MD5 digest: its 3 digits make no whole bytes"),
            ("5d41402abc4b2a76b9719d911017c5", "this is no MD5 digest: it has 30 digits, not 32"),
            ("zz41402abc4b2a76b9719d911017c592", "this is no MD5 digest: z is no hexadecimal digit"),
        ] {
            assert_eq!(digest(text).unwrap_err().why, why);
        }
    }

    #[test]
    fn status_lists() {
        assert_eq!(statuses("200").unwrap(), [(200, 200)]);
        assert_eq!(statuses("200-299,301").unwrap(), [(200, 299), (301, 301)]);
        for text in ["", "20", "2000", "600", "099", "299-200", "200-", "200,", "abc", "+20", "200--299"] {
            assert!(statuses(text).is_err(), "{text}");
        }
    }

    #[test]
    fn expected_bytes() {
        assert_eq!(masked_hex("01fXx2").unwrap(), [(0x01, 0xff), (0xf0, 0xf0), (0x02, 0x0f)]);
        assert!(masked_hex("0").is_err());
        assert!(masked_hex("0g").is_err());
    }

    #[test]
    fn sizes() {
        assert_eq!(size("64k", 0..=u64::MAX).unwrap(), 65_536);
        assert_eq!(size("1M", 0..=u64::MAX).unwrap(), 1 << 20);
        for text in ["", "k", "-1", "1t", "99999999999999999999g", "\u{e4}"] {
            assert!(size(text, 0..=u64::MAX).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_word_makes_a_reader_panic(word in r"\PC{0,40}|[0-9a-fx.,smhdkg-]{0,40}") {
            let _ = (time(&word, Duration::ZERO..=Duration::MAX), size(&word, 0..=u64::MAX), statuses(&word), digest(&word));
            let _ = (masked_hex(&word), one_line(&word), number::<i64>(&word, i64::MIN..=i64::MAX));
        }
    }
}
