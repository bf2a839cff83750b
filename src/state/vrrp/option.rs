//! Options of VRRP lines: one table is the grammar of lines in files and of the command line.
//!
//! A table says which options there are, what stands behind them, and what they mean to a person. From it come clap's
//! arguments (help, manual, completions) and the reading of lines, where all faults are wanted at once and each with
//! its place. What a word means is read elsewhere; here words stay words, so that an edit keeps what it does not name.

use std::{fmt::Write as _, marker::PhantomData};

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use super::values::{Wrong, nearest};
use crate::state::{file::Fault, print::quoted, words::Word};

/// An option.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Its name, without the hyphens.
    pub name: &'static str,
    /// What stands behind it.
    pub takes: Takes,
    /// Whether it may be repeated; then this tells what a word is about: an edit replaces the word about the same.
    pub about: Option<fn(&str) -> String>,
    /// What it means, in one line.
    pub help: &'static str,
}

/// What stands behind an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: a flag.
    Nothing,
    /// A value of this name.
    Value(&'static str),
    /// A value of this name, or nothing: `--vmac`, `--vmac=NAME`.
    Perhaps(&'static str),
}

/// Options under a heading.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The heading in help.
    pub heading: &'static str,
    /// Whether short help leaves them out.
    pub rare: bool,
    /// The options.
    pub options: &'static [Opt],
}

impl Opt {
    pub(in crate::state) const fn flag(name: &'static str, help: &'static str) -> Self {
        Self { name, takes: Takes::Nothing, about: None, help }
    }

    pub(in crate::state) const fn one(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, takes: Takes::Value(value), about: None, help }
    }

    pub(in crate::state) const fn perhaps(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, takes: Takes::Perhaps(value), about: None, help }
    }

    pub(in crate::state) const fn many(
        name: &'static str,
        value: &'static str,
        about: fn(&str) -> String,
        help: &'static str,
    ) -> Self {
        Self { name, takes: Takes::Value(value), about: Some(about), help }
    }
}

/// What can be said of one kind of thing.
pub trait Grammar: Send + Sync + 'static {
    /// Its options.
    const SECTIONS: &'static [&'static Section];
}

/// An option that was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// Which.
    pub option: &'static Opt,
    /// Its value, if it has one.
    pub value: Option<String>,
    /// Column of the option in its line, from 1; 0 if it came from a command line.
    pub column: usize,
}

impl Given {
    /// Returns the option with its value, as messages name it: `--interval 0.5`.
    pub fn label(&self) -> String {
        match &self.value {
            // Messages end up in logs.
            Some(_) if self.is_secret() => format!("--{} …", self.option.name),
            Some(value) => format!("--{} {}", self.option.name, quoted(value)),
            None => format!("--{}", self.option.name),
        }
    }

    /// Whether the value is a secret itself, rather than the name of a file with one.
    pub fn is_secret(&self) -> bool {
        let value = self.value.as_deref().unwrap_or_default();
        match self.option.name {
            "secret" => !value.starts_with("file:"),
            "hmac-key" => !value.contains(":file:"),
            _ => false,
        }
    }

    fn about(&self) -> Option<String> {
        Some(self.option.about?(self.value.as_deref().unwrap_or_default()))
    }
}

/// Options of a kind of thing, as clap found them on a command line.
#[derive(Clone, Debug)]
pub struct Options<G> {
    given: Vec<Given>,
    grammar: PhantomData<G>,
}

impl<G> Options<G> {
    /// Returns what was given, in the order of the command line.
    pub fn into_given(self) -> Vec<Given> {
        self.given
    }
}

impl<G: Grammar> Args for Options<G> {
    fn augment_args(command: clap::Command) -> clap::Command {
        G::SECTIONS.iter().fold(command, |command, section| {
            section.options.iter().fold(command, |command, option| command.arg(argument(option, section)))
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl<G: Grammar> FromArgMatches for Options<G> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut found = Vec::new();
        for option in options(G::SECTIONS) {
            if option.takes == Takes::Nothing {
                if matches.get_flag(option.name) {
                    let at = matches.index_of(option.name).unwrap_or_default();
                    found.push((at, Given { option, value: None, column: 0 }));
                }
                continue;
            }
            let words = matches.get_many::<String>(option.name).into_iter().flatten();
            for (word, at) in words.zip(matches.indices_of(option.name).into_iter().flatten()) {
                let value = Some(word.clone()).filter(|word| !(word.is_empty() && is_optional(option)));
                found.push((at, Given { option, value, column: 0 }));
            }
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(Self { given: found.into_iter().map(|(_, given)| given).collect(), grammar: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(option: &'static Opt, section: &Section) -> Arg {
    let arg = Arg::new(option.name).long(option.name).help(option.help).help_heading(section.heading);
    let arg = if section.rare { arg.hide_short_help(true) } else { arg };
    let action = if option.about.is_some() { ArgAction::Append } else { ArgAction::Set };
    match option.takes {
        Takes::Nothing => arg.action(ArgAction::SetTrue),
        Takes::Value(name) => arg.action(action).value_name(name).allow_hyphen_values(true),
        Takes::Perhaps(name) => {
            arg.action(action).value_name(name).num_args(0..=1).require_equals(true).default_missing_value("")
        }
    }
}

fn is_optional(option: &Opt) -> bool {
    matches!(option.takes, Takes::Perhaps(_))
}

/// Returns all options of a table.
pub(in crate::state) fn options(sections: &'static [&'static Section]) -> impl Iterator<Item = &'static Opt> {
    sections.iter().flat_map(|section| section.options)
}

/// Reads the words of a line behind its verb and name.
///
/// What can be read is returned beside the faults, so that what is wrong with it can be said, too.
pub(in crate::state) fn read(
    sections: &'static [&'static Section],
    words: &[Word<'_>],
    line: usize,
) -> (Vec<Given>, Vec<Fault>) {
    let mut given: Vec<Given> = Vec::new();
    let mut faults = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let mut refuse =
            |message: String, hint: Option<String>| faults.push(Fault { line, column: word.column, message, hint });
        let Some(body) = word.text.strip_prefix("--") else {
            let hint = "options begin with --; a value with blanks stands in quotes";
            refuse(format!("`{}` is not expected here", word.text), Some(hint.to_owned()));
            continue;
        };
        let (name, attached) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
        let Some(option) = options(sections).find(|option| option.name == name) else {
            let meant = nearest(name, options(sections).map(|option| option.name));
            refuse(format!("there is no option --{name} here"), meant.map(|meant| format!("did you mean --{meant}?")));
            // Its value is not to blame.
            if attached.is_none() {
                words.next_if(|next| !next.text.starts_with("--"));
            }
            continue;
        };
        let value = match option.takes {
            Takes::Nothing => {
                if attached.is_some() {
                    refuse(format!("--{name} takes no value"), None);
                }
                None
            }
            Takes::Perhaps(_) => attached.map(str::to_owned),
            Takes::Value(what) => {
                let value = attached.map(str::to_owned).or_else(|| {
                    words.next_if(|next| !next.text.starts_with("--")).map(|next| next.text.clone().into_owned())
                });
                if value.is_none() {
                    refuse(format!("--{name} needs a value"), Some(format!("write --{name} {what}")));
                    continue;
                }
                value
            }
        };
        if option.about.is_none() && given.iter().any(|earlier| earlier.option.name == name) {
            refuse(format!("--{name} is given twice"), Some("keep one of the two".to_owned()));
            continue;
        }
        given.push(Given { option, value, column: word.column });
    }
    (given, faults)
}

/// Returns the options as words of a line, each with a blank in front.
pub(in crate::state) fn print(given: &[Given]) -> String {
    let mut text = String::new();
    for each in given {
        let name = each.option.name;
        let _ = match (&each.value, each.option.takes) {
            (None, _) => write!(text, " --{name}"),
            // A value that looks like an option, or an optional one, holds on to its option.
            (Some(value), Takes::Perhaps(_)) => write!(text, " --{name}={}", quoted(value)),
            (Some(value), _) if value.starts_with("--") => write!(text, " --{name}={}", quoted(value)),
            (Some(value), _) => write!(text, " --{name} {}", quoted(value)),
        };
    }
    text
}

/// Changes what is named and nothing else: options that may be repeated are added, or replace what is about the same;
/// others replace what was. `unset` are words `OPTION` or `OPTION=WORD`: the option, or what is said about that word,
/// goes back to the default.
///
/// # Errors
/// Words of `unset` that name nothing.
pub(in crate::state) fn edit(
    sections: &'static [&'static Section],
    mut base: Vec<Given>,
    changes: Vec<Given>,
    unset: &[String],
) -> Result<Vec<Given>, Vec<Wrong>> {
    let mut wrong = Vec::new();
    for word in unset {
        let (name, about) = word.split_once('=').map_or((word.as_str(), None), |(name, about)| (name, Some(about)));
        let name = name.trim_start_matches("--");
        let Some(option) = options(sections).find(|option| option.name == name) else {
            let meant = nearest(name, options(sections).map(|option| option.name));
            let fault = Wrong::new(format_args!("--unset {word}: there is no option {name}"));
            wrong.push(meant.into_iter().fold(fault, |fault, meant| fault.hint(format_args!("did you mean {meant}?"))));
            continue;
        };
        let about = about.map(|about| option.about.map_or_else(|| about.to_owned(), |of| of(about)));
        let before = base.len();
        base.retain(|given| given.option.name != name || about.is_some() && given.about() != about);
        if base.len() == before {
            wrong.push(Wrong::new(format_args!("--unset {word}: nothing is said about that")));
        }
    }
    for change in changes {
        base.retain(|given| Some(given.option.name) != rival(change.option.name));
        let same = |given: &Given| given.option.name == change.option.name && given.about() == change.about();
        match base.iter().position(same).and_then(|at| base.get_mut(at)) {
            Some(given) => *given = change,
            None => base.push(change),
        }
    }
    if wrong.is_empty() { Ok(base) } else { Err(wrong) }
}

/// Returns the option that says the opposite, or the same in another way.
fn rival(name: &str) -> Option<&'static str> {
    match name {
        "accept" => Some("no-accept"),
        "no-accept" => Some("accept"),
        "nopreempt" => Some("preempt-delay"),
        "preempt-delay" => Some("nopreempt"),
        "secret" => Some("secret-file"),
        "secret-file" => Some("secret"),
        _ => None,
    }
}
