//! The little that a check wants to know of a certificate: until when it is valid, and whether it signed itself.
//!
//! Reads X.509 (RFC 5280, section 4.1) in DER as far as the validity. Does not verify anything: that is `tls`.

/// Part of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Begin of its validity, in seconds since 1970.
    pub(super) not_before: i64,
    /// End of its validity, in seconds since 1970.
    pub(super) not_after: i64,
    /// Whether issuer and subject are the same.
    pub(super) self_issued: bool,
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

impl Certificate {
    /// Reads a certificate; `None` if it is none.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let mut outer = Reader(der);
        let mut certificate = Reader(outer.element(SEQUENCE)?);
        let mut signed = Reader(certificate.element(SEQUENCE)?);
        // Version 1 does not say its version.
        if signed.0.first() == Some(&VERSION) {
            signed.element(VERSION)?;
        }
        signed.element(INTEGER)?;
        let _algorithm = signed.element(SEQUENCE)?;
        let issuer = signed.element(SEQUENCE)?;
        let mut validity = Reader(signed.element(SEQUENCE)?);
        let subject = signed.element(SEQUENCE)?;
        Some(Self { not_before: validity.time()?, not_after: validity.time()?, self_issued: issuer == subject })
    }
}

/// DER that is still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the content of the next element, which must have this tag.
    fn element(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, content) = self.next()?;
        (tag == wanted).then_some(content)
    }

    /// Returns tag and content of the next element.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            // The long form: so many bytes of length. More than 4 would be more than any certificate.
            let (bytes, after) =
                rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
            rest = after;
            bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// Returns the next point in time. Certificates have them in UTC and with seconds (RFC 5280, section 4.1.2.5).
    fn time(&mut self) -> Option<i64> {
        let (tag, text) = self.next()?;
        let text = str::from_utf8(text).ok()?.strip_suffix('Z')?;
        let (year, rest) = match tag {
            UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                let year = number(year)?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (number(year)?, rest)
            }
            _ => return None,
        };
        let field = |at: usize| rest.get(at..at + 2).and_then(number);
        let (month, day) = (field(0)?, field(2)?);
        let (hour, minute, second) = (field(4)?, field(6)?, field(8)?);
        Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
    }
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Years are counted from March here, so that a leap day is the last day of its year; 400 of them have 146,097 days.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days_of_year = (153 * month + 2) / 5 + day - 1;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + days_of_year - 719_468
}

/// Returns the day (UTC) of a point in time in seconds since 1970: `2027-01-31`.
pub fn day(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400).saturating_add(719_468);
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year_of_era + later)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days() {
        for (seconds, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_798_761_599, "2026-12-31"),
            (4_107_542_400, "2100-03-01"),
            (253_402_300_799, "9999-12-31"),
        ] {
            assert_eq!(day(seconds), text);
        }
    }

    #[test]
    fn times() {
        let time = |tag: u8, text: &str| {
            let mut der = vec![tag, u8::try_from(text.len()).unwrap()];
            der.extend(text.bytes());
            Reader(&der).time()
        };
        assert_eq!(time(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(UTC_TIME, "500101000000Z"), Some(-631_152_000));
        assert_eq!(time(GENERALIZED_TIME, "99991231235959Z"), Some(253_402_300_799));
        for text in ["", "Z", "7001010000Z", "70010100000xZ", "700101000000", "+00101000000Z"] {
            assert_eq!(time(UTC_TIME, text), None, "{text}");
        }
        assert_eq!(time(INTEGER, "700101000000Z"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut der: Vec<u8>, header in any::<bool>()) {
            if header {
                der.splice(0..0, [0x30, 0x82, 0x01, 0x00, 0x30, 0x82, 0x00, 0xf0, 0x02, 0x01, 0x01]);
            }
            let _ = Certificate::read(&der);
        }

        #[test]
        fn days_and_dates_agree(seconds in -62_135_596_800_i64..253_402_300_799) {
            let text = day(seconds);
            let field = |range| number(&text[range]).unwrap();
            prop_assert_eq!(days_since_1970(field(0..4), field(5..7), field(8..10)), seconds.div_euclid(86_400));
        }
    }
}
