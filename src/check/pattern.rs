//! Regular expressions on answers: bytes, not text, since a page may be in any encoding.
//!
//! The `regex` crate takes time in proportion to the text, whatever the expression; in return it has no look-around and
//! no back-references.

use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

/// Why an expression does not compile.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} at character {character}")]
pub struct PatternFault {
    /// What is wrong, in a few words.
    pub what: String,
    /// Where, in characters from 1.
    pub character: usize,
}

/// Compiles an expression. `(?i)` at its begin ignores case, `(?s)` lets a dot match line ends, `(?m)` lets `^` and `$`
/// match at lines.
///
/// # Errors
/// It is no regular expression, or one that would take too much memory: what, and where.
pub fn compile(text: &str) -> Result<Regex, PatternFault> {
    let fault = |what: String, at: usize| PatternFault {
        what,
        character: text.get(..at).map_or(0, |before| before.chars().count()) + 1,
    };
    // Asked first because it knows the place; the crate above it only paints a picture of it.
    let parsed = regex_syntax::ParserBuilder::new().utf8(false).unicode(false).build().parse(text);
    parsed.map_err(|error| match &error {
        regex_syntax::Error::Parse(error) => fault(error.kind().to_string(), error.span().start.offset),
        regex_syntax::Error::Translate(error) => fault(error.kind().to_string(), error.span().start.offset),
        other => fault(other.to_string().replace('\n', " "), 0),
    })?;
    // What parses but does not compile is too large.
    RegexBuilder::new(text).unicode(false).build().map_err(|error| fault(error.to_string().replace('\n', " "), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_matched() {
        for (text, page) in [
            ("^OK$", &b"OK"[..]),
            ("(?i)status: *up", b"<p>Status: UP</p>"),
            (r"\w+\.\d", b"v.1"),
            ("(?s)a.b", b"a\xff\xfeb"[..].get(..3).map_or(&b""[..], |_| b"a\nb")),
            (r"\xff", b"\xff"),
            ("gr\u{fc}n", "gr\u{fc}n".as_bytes()),
        ] {
            assert!(compile(text).unwrap().is_match(page), "{text}");
        }
    }

    #[test]
    fn faults_have_their_place() {
        for (text, said) in [
            ("a(b", "unclosed group at character 2"),
            ("\u{fc}[a", "unclosed character class at character 2"),
            ("*", "repetition operator missing expression at character 1"),
            ("a(?=b)", "look-around, including look-ahead and look-behind, is not supported at character 2"),
            (r"(a)\1", "backreferences are not supported at character 4"),
            (r"\pL", "Unicode not allowed here at character 1"),
        ] {
            assert_eq!(compile(text).unwrap_err().to_string(), said, "{text}");
        }
        assert!(compile("(a{1000}){1000}").unwrap_err().what.contains("size"));
    }
}
