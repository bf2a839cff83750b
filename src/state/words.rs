//! One line of a save file → words with their places.
//!
//! Shell quoting as far as a save file needs it: `'…'`, `"…"` and backslash; `#` at the start of a word begins a
//! comment. Nothing is expanded: no variables, no globs, no substitution. What an unquoted shell would treat as
//! special (`;`, `|`, `>` …) is an ordinary character here.

use thiserror::Error;

/// A word and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, without its quotes.
    pub text: String,
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
pub fn split(line: &str) -> Result<Vec<Word>, Unsplit> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut chars = line.chars().zip(1..);
    while let Some((c, column)) = chars.next() {
        if c.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        if c == '#' && word.is_none() {
            break;
        }
        // Most words fit, and a million lines are read without growing them.
        let text = &mut word.get_or_insert_with(|| Word { text: String::with_capacity(24), column }).text;
        match c {
            '\'' => loop {
                match chars.next() {
                    Some(('\'', _)) => break,
                    Some((inner, _)) => text.push(inner),
                    None => return Err(Unsplit::OpenQuote { quote: c, column }),
                }
            },
            '"' => loop {
                match chars.next() {
                    Some(('"', _)) => break,
                    Some(('\\', _)) => match chars.next() {
                        Some((escaped @ ('"' | '\\' | '$' | '`'), _)) => text.push(escaped),
                        Some((other, _)) => text.extend(['\\', other]),
                        None => return Err(Unsplit::OpenQuote { quote: c, column }),
                    },
                    Some((inner, _)) => text.push(inner),
                    None => return Err(Unsplit::OpenQuote { quote: c, column }),
                }
            },
            '\\' => match chars.next() {
                Some((escaped, _)) => text.push(escaped),
                None => return Err(Unsplit::LastBackslash { column }),
            },
            plain => text.push(plain),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split(line).expect(line).into_iter().map(|word| word.text).collect()
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
