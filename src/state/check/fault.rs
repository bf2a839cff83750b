//! What is wrong with the words of a check.

use std::fmt;

/// Something wrong with one option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The option as it is typed (`--digest`); an operand's name in capitals.
    pub option: &'static str,
    /// The word that was given, or part of it; empty if none was.
    pub word: String,
    /// What is wrong with it.
    pub why: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.option, self.word.as_str()) {
            (option, "") => write!(f, "{option}: {}", self.why),
            (option, word) => write!(f, "{option} {word}: {}", self.why),
        }
    }
}

/// Why a word cannot be read, before it is known which option it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) why: String,
    pub(super) hint: Option<String>,
}

impl Wrong {
    pub(super) fn new(why: impl fmt::Display) -> Self {
        Self { why: why.to_string(), hint: None }
    }

    pub(super) fn hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }
}

/// Collects what is wrong, so that one run tells all of it.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Returns all faults, in the order in which they were found.
    pub fn into_all(self) -> Vec<Fault> {
        self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a fault.
    pub(super) fn add(&mut self, option: &'static str, word: &str, wrong: Wrong) {
        self.0.push(Fault { option, word: word.to_owned(), why: wrong.why, hint: wrong.hint });
    }

    /// Reads an option's word, if it was given.
    pub(super) fn read<T>(
        &mut self,
        option: &'static str,
        word: Option<&String>,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let word = word?;
        read(word).map_err(|wrong| self.add(option, word, wrong)).ok()
    }

    /// Reads the words of an option that may be repeated, or that stands for several things.
    pub(super) fn read_all<T>(
        &mut self,
        option: &'static str,
        words: &[String],
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Vec<T> {
        words.iter().filter_map(|word| self.read(option, Some(word), &read)).collect()
    }
}
