//! Words → options, the way the library popt finds them in ipvsadm's table.
//!
//! Knows nothing of what options mean. Long names must be complete; short ones cluster; words that belong to no
//! option are kept for later; `--` ends the options.

use super::{
    fault::{Fault, FaultKind},
    options::{SPECS, Spec, Takes},
};

/// An option that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) spec: &'static Spec,
    /// The word it stands in.
    pub(super) word: usize,
    /// Its value, if it has one.
    pub(super) value: Option<Value<'a>>,
}

/// The value of an option.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    /// The word it stands in.
    pub(super) word: usize,
}

/// Goes through the words of one command line.
pub(super) struct Scanner<'a> {
    words: &'a [&'a str],
    next: usize,
    /// What is left of a cluster of short options.
    cluster: &'a str,
    options_ended: bool,
    /// Indices of the words that belong to no option.
    pub(super) leftovers: Vec<usize>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(words: &'a [&'a str]) -> Self {
        Self { words, next: 0, cluster: "", options_ended: false, leftovers: Vec::new() }
    }

    /// Returns the next option, `None` after the last.
    pub(super) fn next_option(&mut self) -> Result<Option<Found<'a>>, Fault> {
        while self.cluster.is_empty() {
            let Some(&word) = self.words.get(self.next) else { return Ok(None) };
            self.next += 1;
            if self.options_ended || word == "-" || !word.starts_with('-') {
                self.leftovers.push(self.next - 1);
            } else if word == "--" {
                self.options_ended = true;
            } else if let Some(long) = word.strip_prefix("--") {
                return self.long_option(long).map(Some);
            } else {
                self.cluster = &word[1..];
            }
        }
        self.short_option().map(Some)
    }

    fn long_option(&mut self, text: &'a str) -> Result<Found<'a>, Fault> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let spec = SPECS.iter().find(|spec| spec.long == name).ok_or_else(|| self.fault(FaultKind::UnknownOption))?;
        self.with_value(spec, value)
    }

    fn short_option(&mut self) -> Result<Found<'a>, Fault> {
        let mut letters = self.cluster.chars();
        let letter = letters.next();
        let rest = letters.as_str();
        self.cluster = "";
        let spec = SPECS
            .iter()
            .find(|spec| spec.short.is_some() && spec.short == letter)
            .ok_or_else(|| self.fault(FaultKind::UnknownOption))?;
        if rest.is_empty() {
            self.with_value(spec, None)
        } else if spec.takes != Takes::Nothing || rest.starts_with('=') {
            self.with_value(spec, Some(rest.strip_prefix('=').unwrap_or(rest)))
        } else {
            self.cluster = rest;
            self.with_value(spec, None)
        }
    }

    /// Completes an option with the value found in its own word, or else with the next word.
    fn with_value(&mut self, spec: &'static Spec, own: Option<&'a str>) -> Result<Found<'a>, Fault> {
        let word = self.next - 1;
        let found = |value| Ok(Found { spec, word, value });
        if let Some(text) = own {
            return match spec.takes {
                Takes::Nothing => Err(self.fault(FaultKind::UnwantedArgument)),
                Takes::Value | Takes::Optional => found(Some(Value { text, word })),
            };
        }
        let following = self.words.get(self.next).map(|text| Value { text, word: self.next });
        match (spec.takes, following) {
            (Takes::Nothing, _) | (Takes::Optional, None) => found(None),
            (Takes::Optional, Some(value)) if value.text.starts_with('-') => found(None),
            (Takes::Value, None) => Err(self.fault(FaultKind::MissingArgument)),
            (Takes::Value | Takes::Optional, Some(value)) => {
                self.next += 1;
                found(Some(value))
            }
        }
    }

    /// A fault of the word that was read last; messages show it whole.
    fn fault(&self, kind: fn(String) -> FaultKind) -> Fault {
        let word = self.next.saturating_sub(1);
        let text = self.words.get(word).copied().unwrap_or_default();
        Fault { kind: kind(text.to_owned()), word: Some(word) }
    }
}
