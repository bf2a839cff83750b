//! A line on its way to words, with where each part of it was typed.
//!
//! Definitions are put in and backslashes taken out before a line is split; so text and places travel together.

use std::{borrow::Cow, path::PathBuf, rc::Rc};

use smol_str::SmolStr;

use super::tree::{Place, Word};

/// Text of which every character has a place.
#[derive(Clone, Debug)]
pub(super) struct Text<'a> {
    /// Of most lines, where they stand in the file.
    chars: Cow<'a, str>,
    file: Rc<PathBuf>,
    /// In the order of `start`; the first starts at 0.
    first: Part,
    /// Few lines have more than one part.
    more: Vec<Part>,
}

/// Where text comes from that begins at `start`.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: usize,
    line: u32,
    column: u32,
    /// Whether all of it stands for one word at this place; otherwise columns go on.
    fixed: bool,
}

impl<'a> Text<'a> {
    /// Returns line `number` of a file, without the blanks that it begins with.
    pub(super) fn new(file: &Rc<PathBuf>, number: u32, line: &'a str) -> Self {
        let chars = line.trim_ascii_start();
        let blanks = u32::try_from(line.len() - chars.len()).unwrap_or(u32::MAX);
        let first = Part { start: 0, line: number, column: blanks.saturating_add(1), fixed: false };
        Self { chars: Cow::Borrowed(chars), file: Rc::clone(file), first, more: Vec::new() }
    }

    /// Returns the same text, which needs its file no longer.
    pub(super) fn into_owned(self) -> Text<'static> {
        Text { chars: Cow::Owned(self.chars.into_owned()), file: self.file, first: self.first, more: self.more }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.chars
    }

    /// Returns the place of the character at this byte.
    pub(super) fn place(&self, at: usize) -> Place {
        let (line, column) = self.position(at);
        Place { file: Rc::clone(&self.file), line, column }
    }

    fn part(&self, at: usize) -> Part {
        self.more.iter().rev().find(|part| part.start <= at).copied().unwrap_or(self.first)
    }

    fn position(&self, at: usize) -> (u32, u32) {
        let part = self.part(at);
        let typed = self.chars.get(part.start..at).filter(|_| !part.fixed).unwrap_or_default();
        let passed = u32::try_from(typed.chars().count()).unwrap_or(u32::MAX);
        (part.line, part.column.saturating_add(passed))
    }

    /// Returns the text from one byte to another, with its places.
    pub(super) fn cut(&self, start: usize, end: usize) -> Self {
        let (line, column) = self.position(start);
        let first = Part { start: 0, line, column, fixed: self.part(start).fixed };
        let inside = |part: &&Part| part.start > start && part.start < end;
        let more = self.more.iter().filter(inside).map(|part| Part { start: part.start - start, ..*part }).collect();
        let chars = match &self.chars {
            Cow::Borrowed(chars) => Cow::Borrowed(chars.get(start..end).unwrap_or_default()),
            Cow::Owned(chars) => Cow::Owned(chars.get(start..end).unwrap_or_default().to_owned()),
        };
        Self { chars, file: Rc::clone(&self.file), first, more }
    }

    /// Returns the text from a byte on.
    pub(super) fn from(&self, start: usize) -> Self {
        self.cut(start, self.chars.len())
    }

    /// Returns the text without the blanks around it.
    pub(super) fn trimmed(mut self) -> Self {
        let end = self.chars.trim_end().len();
        let start = (self.chars.len() - self.chars.trim_start().len()).min(end);
        if !self.more.is_empty() {
            return self.cut(start, end);
        }
        // Most lines.
        (self.first.line, self.first.column) = self.position(start);
        match &mut self.chars {
            Cow::Borrowed(chars) => *chars = chars.get(start..end).unwrap_or_default(),
            Cow::Owned(chars) => {
                chars.truncate(end);
                chars.drain(..start);
            }
        }
        self
    }

    /// Puts `value` in place of the bytes from `start` to `end`; all of it stands where they stood.
    pub(super) fn replace(&mut self, start: usize, end: usize, value: &str) {
        let (line, column) = self.position(start);
        let (next_line, next_column) = self.position(end);
        let next =
            Part { start: start + value.len(), line: next_line, column: next_column, fixed: self.part(end).fixed };
        let moved = |part: &Part| Part { start: part.start - end + start + value.len(), ..*part };
        let behind: Vec<Part> = self.more.iter().filter(|part| part.start > end).map(moved).collect();
        self.more.retain(|part| part.start < start);
        self.add(Part { start, line, column, fixed: true });
        if end < self.chars.len() {
            self.add(next);
            self.more.extend(behind);
        }
        self.chars.to_mut().replace_range(start..end, value);
    }

    fn add(&mut self, part: Part) {
        match self.more.last_mut() {
            Some(last) if last.start == part.start => *last = part,
            None if part.start == 0 => self.first = part,
            _ => self.more.push(part),
        }
    }

    /// Takes out the characters at these bytes: each one byte long, in order.
    pub(super) fn without(mut self, at: &[usize]) -> Self {
        for &at in at.iter().rev() {
            let (line, column) = self.position(at + 1);
            let fixed = self.part(at + 1).fixed;
            self.chars.to_mut().remove(at);
            for part in &mut self.more {
                if part.start > at {
                    part.start -= 1;
                }
            }
            let next = Part { start: at, line, column, fixed };
            match self.more.iter().position(|part| part.start >= at) {
                Some(index) if self.more.get(index).is_some_and(|part| part.start == at) => {}
                Some(index) => self.more.insert(index, next),
                None => self.add(next),
            }
        }
        self
    }

    fn word(&self, text: SmolStr, quoted: bool, start: usize) -> Word {
        Word { text, quoted, place: self.place(start) }
    }
}

/// How the values of a keyword are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// At blanks; `"…"` is one word.
    Plain,
    /// As a shell would split a command: `"…"` and `'…'`; backslashes stay for [`command_line`].
    Command,
    /// As a command, and backslashes mean characters: `\n`, `\x20`, `\101`, `\cA`.
    Escaped,
}

/// Splits a line into its first word, if there is one, and the others. Also returns where a quote opens that nothing closes;
/// all behind it is one word.
pub(super) fn split(
    text: &Text<'_>,
    quoting: impl FnOnce(&str) -> Quoting,
) -> (Option<Word>, Vec<Word>, Option<Place>) {
    let (keyword, mut end) = one_word(text, 0, Quoting::Plain);
    let quoting = keyword.as_ref().map_or(Quoting::Plain, |word| quoting(&word.text));
    let mut values = Vec::new();
    while let Ok(at) = end {
        if at >= text.chars.len() {
            return (keyword, values, None);
        }
        let (word, next) = one_word(text, at, quoting);
        if let Some(word) = word {
            // Most keywords have one value.
            if values.is_empty() {
                values.reserve_exact(1);
            }
            values.push(word);
        }
        end = next;
    }
    (keyword, values, end.err().map(|at| text.place(at)))
}

/// Returns the next word from byte `at` on, if there is one, and where it ends; or where a quote opens that nothing closes.
fn one_word(text: &Text<'_>, at: usize, quoting: Quoting) -> (Option<Word>, Result<usize, usize>) {
    let rest = text.chars.get(at..).unwrap_or_default();
    let start = at + rest.len() - rest.trim_start().len();
    let rest = text.chars.get(start..).unwrap_or_default();
    // Most words are plain ones.
    let plain = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')).unwrap_or(rest.len());
    if rest[plain..].chars().next().is_none_or(char::is_whitespace) {
        let word = (plain > 0).then(|| text.word(rest[..plain].into(), false, start));
        return (word, Ok(start + plain));
    }
    let mut word = String::new();
    let mut quote = None;
    let mut quoted = false;
    let mut chars = rest.char_indices().peekable();
    let mut end = rest.len();
    while let Some((offset, c)) = chars.next() {
        match quote {
            None if c.is_whitespace() => {
                end = offset;
                break;
            }
            None if c == '"' || (c == '\'' && quoting != Quoting::Plain) => {
                quote = Some((c, offset));
                quoted = true;
            }
            Some((open, _)) if c == open => quote = None,
            _ if c == '\\' && quoting == Quoting::Escaped => word.push_str(&escaped(&mut chars)),
            _ if c == '\\' && quoting == Quoting::Command => {
                word.push(c);
                word.extend(chars.next().map(|(_, next)| next));
            }
            _ => word.push(c),
        }
    }
    let end = match quote {
        Some((_, open)) => Err(start + open),
        None => Ok(start + end),
    };
    (Some(text.word(word.into(), quoted, start)), end)
}

/// Returns what stands behind a backslash.
fn escaped(chars: &mut std::iter::Peekable<impl Iterator<Item = (usize, char)>>) -> String {
    let Some((_, c)) = chars.next() else { return "\\".to_owned() };
    let mut number = |radix: u32, most: usize, first: Option<u32>| {
        let mut value = first;
        for _ in 0..most {
            let Some(digit) = chars.peek().and_then(|(_, c)| c.to_digit(radix)) else { break };
            chars.next();
            value = Some(value.unwrap_or(0).wrapping_mul(radix).wrapping_add(digit));
        }
        value
    };
    let code = match c {
        'a' => 7,
        'b' => 8,
        'E' => 27,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '0'..='7' => number(8, 2, c.to_digit(8)).unwrap_or_default() & 0xff,
        'x' => match number(16, 2, None) {
            Some(code) => code,
            None => return "x".to_owned(),
        },
        'c' => match chars.next() {
            Some((_, control)) => u32::from(control.to_ascii_uppercase()) & 0x1f,
            None => return "c".to_owned(),
        },
        other => return other.to_string(),
    };
    char::from_u32(code).map(String::from).unwrap_or_default()
}

/// Returns the program and the arguments of a command as keepalived runs it: a quoted first word is a whole command
/// line, in which quotes are quotes again; backslashes stand for the character behind them.
pub fn command_line(words: &[Word]) -> Vec<String> {
    let mut arguments = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if index == 0 && word.quoted {
            shell_words(&word.text, &mut arguments);
        } else {
            arguments.push(unescaped(&word.text));
        }
    }
    arguments
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain
}

fn shell_words(text: &str, arguments: &mut Vec<String>) {
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match quote {
            None if c.is_whitespace() => arguments.extend(word.take()),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            Some(open) if c == open => quote = None,
            _ => word.get_or_insert_default().push(if c == '\\' { chars.next().unwrap_or(c) } else { c }),
        }
    }
    arguments.extend(word);
}
