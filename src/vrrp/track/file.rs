//! A tracked file's number.

/// Returns the number that a file begins with, as keepalived reads it: blanks before it and anything behind it do not count, and
/// where there is none it is 0. What is too large is the largest.
pub fn number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let size = digits.fold(0i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    if negative { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_read_as_keepalived_reads_them() {
        let cases: [(&[u8], i64); 10] = [
            (b"12\n", 12),
            (b"  -3", -3),
            (b"+7", 7),
            (b"12 x", 12),
            (b"5abc", 5),
            (b"", 0),
            (b"abc", 0),
            (b"-", 0),
            (b"99999999999999999999", i64::MAX),
            (b"\xff\x00", 0),
        ];
        for (text, value) in cases {
            assert_eq!(number(text), value, "{text:?}");
        }
    }
}
