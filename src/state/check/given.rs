//! The words of a line as clap finds them: printed again, and changed by an edit.
//!
//! An edit works on words, so that what it does not name stays as it was typed. Whether they make sense together is found
//! when the line is read.

use std::fmt::Write as _;

use clap::{ArgMatches, Args, parser::ValueSource};

use super::{Faults, Subject, Verb, selector};
use crate::{model::ServiceKey, state::print};

/// An option or an operand with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    /// clap's name.
    id: String,
    /// How it is typed: `--interval`, `-g`; nothing for an operand.
    option: Option<String>,
    /// Its words; a switch has none.
    words: Vec<String>,
}

/// What of a line was given beside the service and the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The kind of check.
    kind: Option<String>,
    said: Vec<Said>,
}

/// Options of which a new one takes the place of the other.
const INSTEAD: [&[&str]; 5] = [
    &["retry", "fall"],
    &["pattern", "no_match"],
    &["sni", "no_sni"],
    &["inhibit", "no_inhibit"],
    &["gatewaying", "ipip", "masquerading"],
];

impl Given {
    /// Takes the words that `matches` has of the arguments of `command`.
    pub(super) fn of(command: &clap::Command, matches: &ArgMatches) -> Self {
        let mut given = Self { kind: None, said: said(command.get_arguments(), matches) };
        if let Some((kind, matches)) = matches.subcommand() {
            given.kind = Some(kind.to_owned());
            if let Some(command) = command.find_subcommand(kind) {
                // What all kinds have was found above; a command that was built has it here, too.
                given.said.extend(said(command.get_arguments().filter(|arg| !arg.is_global_set()), matches));
            }
        }
        given
    }

    /// Returns the kind of check.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// Whether a word cannot stand in a line.
    pub fn has_line_ends(&self) -> bool {
        self.said.iter().flat_map(|said| &said.words).any(|word| word.contains(['\n', '\r', '\0']))
    }

    /// Puts what `newer` says in the place of the same here.
    pub fn merge(&mut self, newer: Self) {
        self.kind = newer.kind.or_else(|| self.kind.take());
        if newer.said.iter().any(|said| ["gatewaying", "masquerading"].contains(&said.id.as_str())) {
            // What is said of a tunnel goes with it.
            self.said.retain(|old| !old.id.starts_with("tun_"));
        }
        for said in newer.said {
            let group = INSTEAD.iter().find(|group| group.contains(&said.id.as_str()));
            let other = |id: &str| id != said.id && group.is_some_and(|group| group.contains(&id));
            self.said.retain(|old| !other(&old.id));
            match self.said.iter_mut().find(|old| old.id == said.id) {
                Some(old) => *old = said,
                None => self.said.push(said),
            }
        }
    }

    /// Takes an option away, named as it is typed or without its hyphens; returns whether it was there.
    pub fn unset(&mut self, option: &str) -> bool {
        let before = self.said.len();
        let bare = |option: &str| option.trim_start_matches('-').to_owned();
        self.said.retain(|said| said.option.as_deref().is_none_or(|typed| bare(typed) != bare(option)));
        self.said.len() < before
    }

    /// Returns the line about `subject`.
    pub fn line(&self, subject: &Subject) -> String {
        let mut line =
            format!("check {} {}", subject.verb.word(), print::service_name(&subject.service, &print::numeric));
        if let Some(server) = &subject.server {
            // Behind a mark ports belong to no protocol.
            let protocol = match subject.service {
                ServiceKey::Address { protocol, .. } => Some(protocol),
                ServiceKey::Mark { .. } => None,
            };
            let _ = write!(line, " -r {}", print::numeric(server.address, server.port, protocol));
        }
        if let Some(kind) = &self.kind {
            let _ = write!(line, " {kind}");
        }
        let mut operands = String::new();
        for said in &self.said {
            let Some(option) = &said.option else {
                operands.extend(said.words.iter().map(|word| format!(" {}", print::quoted(word))));
                continue;
            };
            if said.words.is_empty() {
                let _ = write!(line, " {option}");
            }
            for word in &said.words {
                // What begins with a hyphen would be taken for an option.
                let separator = if word.starts_with('-') { '=' } else { ' ' };
                let _ = write!(line, " {option}{separator}{}", print::quoted(word));
            }
        }
        // A script may have arguments that look like options.
        if operands.starts_with(" -") || !operands.is_empty() && self.kind() == Some("script") {
            line.push_str(" --");
        }
        line.push_str(&operands);
        line
    }
}

fn said<'a>(arguments: impl Iterator<Item = &'a clap::Arg>, matches: &ArgMatches) -> Vec<Said> {
    let mut found = Vec::new();
    for arg in arguments {
        let id = arg.get_id().as_str();
        if selector::IDS.contains(&id) || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let takes = arg.get_action().takes_values();
        let raw = matches.get_raw(id).filter(|_| takes).into_iter().flatten();
        let long = arg.get_long().map(|long| format!("--{long}"));
        found.push(Said {
            id: id.to_owned(),
            option: arg.get_short().map(|short| format!("-{short}")).or(long),
            words: raw.map(|word| word.to_string_lossy().into_owned()).collect(),
        });
    }
    found
}

/// The words of a command that makes or changes a line of the grammar `L`. With `EDIT`, nothing must be there that would be
/// needed in a whole line.
#[derive(Clone, Debug)]
pub struct Typed<L, const EDIT: bool> {
    selector: selector::SelectorArgs,
    label: Option<String>,
    /// What was given.
    pub given: Given,
    grammar: std::marker::PhantomData<L>,
}

impl<L, const EDIT: bool> Typed<L, EDIT> {
    /// Returns what the line is about.
    pub fn subject(&self, verb: Verb, faults: &mut Faults) -> Option<Subject> {
        let (service, server) = self.selector.read(faults)?;
        Some(Subject { verb, service, server, kind: self.given.kind.clone(), label: self.label.clone() })
    }
}

impl<L: Args, const EDIT: bool> Args for Typed<L, EDIT> {
    fn augment_args(command: clap::Command) -> clap::Command {
        let command = L::augment_args(command);
        if !EDIT {
            return command;
        }
        let kinds: Vec<String> = command.get_subcommands().map(|kind| kind.get_name().to_owned()).collect();
        kinds.into_iter().fold(command, |command, kind| {
            command.mut_subcommand(kind, |kind| kind.mut_args(|arg| arg.required(false)))
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl<L: Args, const EDIT: bool> clap::FromArgMatches for Typed<L, EDIT> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let command = L::augment_args(clap::Command::new("line"));
        // clap must not be asked for what the grammar does not have.
        let has_label = command.get_arguments().any(|arg| arg.get_id() == "label");
        let label = has_label.then(|| matches.get_one::<String>("label").cloned()).flatten();
        Ok(Self {
            selector: clap::FromArgMatches::from_arg_matches(matches)?,
            label,
            given: Given::of(&command, matches),
            grammar: std::marker::PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
