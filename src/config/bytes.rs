//! Bytes of a file → its lines, without comments and the blanks around them.
//!
//! keepalived takes bytes as they are; here a file is text, and what is not is said, with its place. In comments, where people
//! write in the encoding of their day, it does not matter.

use std::{borrow::Cow, path::PathBuf, rc::Rc};

use super::{
    text::Text,
    tree::{Finding, Place, Verdict},
};

/// The longest line that keepalived reads, in bytes.
const LONGEST_LINE: usize = 1023;

/// What editors of some systems put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What begins a file in UTF-16, in either order of bytes.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// What helps where bytes are no text.
const TO_UTF8: &str = "iconv -f ENCODING -t UTF-8 FILE; ENCODING is often GB18030 or ISO-8859-1";

/// Gives each line of a file to `take`. Returns what is wrong with its bytes.
pub(super) fn lines(content: &[u8], file: &Rc<PathBuf>, mut take: impl FnMut(Text<'_>)) -> Vec<Finding> {
    let top = Place { file: Rc::clone(file), line: 1, column: 1 };
    if UTF_16.iter().any(|mark| content.starts_with(mark)) {
        let finding = Finding::error(&top, "the file is UTF-16: all of it is unreadable");
        return vec![finding.keepalived(Verdict::Ignores).hint("iconv -f UTF-16 -t UTF-8 FILE")];
    }
    let mut findings = Vec::new();
    let marked = content.strip_prefix(BYTE_ORDER_MARK);
    if marked.is_some() {
        let message = "the file begins with a byte order mark, which keepalived takes for a part of the first word";
        findings.push(Finding::warning(&top, message).keepalived(Verdict::Ignores).hint("save it without one"));
    }
    let mut strange = Vec::new();
    for (number, bytes) in (1..).zip(marked.unwrap_or(content).split(|byte| *byte == b'\n')) {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        // The standard library is slow at what is not known to be text.
        let text = str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        let is_text = matches!(text, Cow::Borrowed(_));
        let line = Text::new(file, number, &text);
        let fault = if bytes.len() > LONGEST_LINE {
            format!("the line has {} bytes, more than {LONGEST_LINE}", bytes.len())
        } else if bytes.contains(&0) {
            "the line has a NUL byte".to_owned()
        } else {
            let line = without_comment(line);
            findings.extend(wide_blank(&line));
            let line = line.trimmed();
            if !is_text {
                strange.extend(line.as_str().find(char::REPLACEMENT_CHARACTER).map(|at| line.place(at)));
            }
            take(line);
            continue;
        };
        findings.push(Finding::error(&line.place(0), fault).keepalived(Verdict::Ignores));
    }
    findings.extend(no_text(&strange));
    findings
}

/// Says once of a file where it is not UTF-8.
fn no_text(places: &[Place]) -> Option<Finding> {
    let (first, more) = places.split_first()?;
    let also = match more {
        [] => String::new(),
        [one] => format!("; so does line {}", one.line),
        [one, ..] => format!("; so do {} more lines, from line {} on", more.len(), one.line),
    };
    let message = format!("this has bytes that are not UTF-8, which lvsadm cannot keep as keepalived does{also}");
    Some(Finding::error(first, message).keepalived(Verdict::Accepts).hint(TO_UTF8))
}

/// Finds a blank of another script than Latin, which looks like one: keepalived takes it for a letter.
fn wide_blank(line: &Text<'_>) -> Option<Finding> {
    let text = line.as_str();
    if text.is_ascii() {
        return None;
    }
    let mut quoted = false;
    let (at, blank) = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        !quoted && !c.is_ascii() && c.is_whitespace()
    })?;
    let message = format!("this blank is U+{:04X}, which keepalived takes for a part of a word", u32::from(blank));
    Some(Finding::warning(&line.place(at), message).keepalived(Verdict::Ignores).hint("write an ordinary blank"))
}

/// Cuts off a comment; `\#` and `\!` outside quotes are those characters.
fn without_comment(text: Text<'_>) -> Text<'_> {
    let line = text.as_str();
    if !line.bytes().any(|byte| matches!(byte, b'#' | b'!')) {
        return text;
    }
    let mut quoted = false;
    let mut backslashes = Vec::new();
    let mut end = line.len();
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' | '!' if !quoted && before == '\\' => backslashes.push(at - 1),
            '#' | '!' if !quoted => {
                end = at;
                break;
            }
            _ => {}
        }
        before = c;
    }
    let kept = if end == line.len() { text } else { text.cut(0, end) };
    kept.without(&backslashes)
}
