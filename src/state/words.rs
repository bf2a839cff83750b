//! One line of a save file → words with their places.
//!
//! Shell quoting as far as a save file needs it: `'…'`, `"…"` and backslash; `#` at the start of a word begins a
//! comment. Nothing is expanded: no variables, no globs, no substitution. What an unquoted shell would treat as
//! special (`;`, `|`, `>` …) is an ordinary character here.

use std::borrow::Cow;

use thiserror::Error;

/// A word and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// The word, without its quotes.
    pub text: Cow<'a, str>,
    /// Column of its first character, from 1, in characters.
    pub column: usize,
}

/// Why a line cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsplit {
    /// A quote is never closed.
    #[error("the quote {quote} is never closed")]
    OpenQuote {
        /// Which quote.
        quote: char,
        /// Where it stands, from 1.
        column: usize,
    },
    /// A backslash is the last character.
    #[error("the line ends with a backslash; a command must stand on one line")]
    LastBackslash {
        /// Where it stands, from 1.
        column: usize,
    },
}

impl Unsplit {
    /// Returns where the trouble is, from 1.
    pub fn column(self) -> usize {
        match self {
            Self::OpenQuote { column, .. } | Self::LastBackslash { column } => column,
        }
    }
}

/// Splits a line into its words.
///
/// # Errors
/// A quote that is not closed, a backslash with nothing behind it.
pub fn split(line: &str) -> Result<Vec<Word<'_>>, Unsplit> {
    split_off_comment(line).map(|(words, _)| words)
}

/// Splits a line into its words and what is behind them: a comment, or nothing.
///
/// # Errors
/// As [`split`].
pub fn split_off_comment(line: &str) -> Result<(Vec<Word<'_>>, &str), Unsplit> {
    // Room for what most lines have.
    let mut words = Vec::with_capacity(16);
    let mut column = 1;
    let mut rest = line;
    loop {
        let word = rest.trim_ascii_start();
        column += rest.len() - word.len();
        if word.is_empty() || word.starts_with('#') {
            return Ok((words, word));
        }
        let special = |c: u8| c.is_ascii_whitespace() || matches!(c, b'\'' | b'"' | b'\\');
        let plain = &word[..word.bytes().position(special).unwrap_or(word.len())];
        rest = &word[plain.len()..];
        let text = if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace()) {
            Cow::Borrowed(plain)
        } else {
            let mut text = plain.to_owned();
            rest = quoted(rest, column + plain.chars().count(), &mut text)?;
            Cow::Owned(text)
        };
        words.push(Word { text, column });
        column += word[..word.len() - rest.len()].chars().count();
    }
}

/// Appends the rest of a word to `text`, whatever of it is quoted, and returns what follows it. `column` is that of the
/// first character of `rest`.
fn quoted<'a>(rest: &'a str, column: usize, text: &mut String) -> Result<&'a str, Unsplit> {
    let mut chars = rest.char_indices().zip(column..);
    while let Some(((at, c), column)) = chars.next() {
        let mut next = || chars.next().map(|((_, c), _)| c);
        match c {
            '\'' => loop {
                match next().ok_or(Unsplit::OpenQuote { quote: c, column })? {
                    '\'' => break,
                    inner => text.push(inner),
                }
            },
            '"' => loop {
                let open = Unsplit::OpenQuote { quote: c, column };
                match next().ok_or(open)? {
                    '"' => break,
                    '\\' => match next().ok_or(open)? {
                        escaped @ ('"' | '\\' | '$' | '`') => text.push(escaped),
                        other => text.extend(['\\', other]),
                    },
                    inner => text.push(inner),
                }
            },
            '\\' => text.push(next().ok_or(Unsplit::LastBackslash { column })?),
            c if c.is_ascii_whitespace() => return Ok(&rest[at..]),
            plain => text.push(plain),
        }
    }
    Ok("")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split(line).expect(line).into_iter().map(|word| word.text.into_owned()).collect()
    }

    #[test]
    fn words_quotes_and_comments() {
        assert_eq!(texts("-A -t\t10.0.0.1:80 \r"), ["-A", "-t", "10.0.0.1:80"]);
        assert_eq!(texts("a 'b c'd \"e \\\" $f\" g\\ h # i"), ["a", "b cd", "e \" $f", "g h"]);
        assert_eq!(texts("a#b #c"), ["a#b"]);
        assert_eq!(texts("'' x"), ["", "x"]);
        assert_eq!(texts(" # only a comment"), [""; 0]);
    }

    #[test]
    fn columns_count_characters() {
        let columns: Vec<_> = split("ä  'b' c").unwrap().iter().map(|word| word.column).collect();
        assert_eq!(columns, [1, 4, 8]);
    }

    #[test]
    fn what_cannot_be_split_is_placed() {
        assert_eq!(split("a 'b"), Err(Unsplit::OpenQuote { quote: '\'', column: 3 }));
        assert_eq!(split("a \"b\\"), Err(Unsplit::OpenQuote { quote: '"', column: 3 }));
        assert_eq!(split("a \\"), Err(Unsplit::LastBackslash { column: 3 }));
    }

    proptest! {
        #[test]
        fn any_line_is_split_or_refused(line in "\\PC*") {
            let _ = split(&line);
        }

        #[test]
        fn quoted_words_come_back(words in prop::collection::vec("[^']{1,8}", 0..5)) {
            let line: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
            prop_assert_eq!(texts(&line.join(" ")), words);
        }
    }
}
