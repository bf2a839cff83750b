//! Statements against the schema: what is unknown, what is missing, what is too much, and words that are not what they
//! should be. What several statements mean together is the business of `rules`.

use std::collections::HashMap;

use super::{
    schema::{self, Inside, Keyword, Kind, Slot, Status, Thing, Times},
    tree::{Finding, Place, Statement, Verdict, Word},
    values,
};

/// What was found on the way through all statements.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    pub(super) findings: Vec<Finding>,
    /// What is defined: where, and as the how many-th name of the file.
    pub(super) defined: HashMap<(Thing, &'a str), (&'a Place, usize)>,
    /// What is named, in the order of the file, with the block it stands in.
    pub(super) named: Vec<(Thing, &'a Word, String, usize)>,
    /// Links that are named.
    pub(super) of_host: Vec<(Kind, &'a Word, String)>,
    names: usize,
    /// Room for the words of one line.
    line: Vec<&'a Word>,
}

/// Checks all statements of a file.
pub(super) fn check(statements: &[Statement]) -> Seen<'_> {
    let mut seen = Seen::default();
    seen.block(statements, schema::ROOT, "");
    seen
}

impl<'a> Seen<'a> {
    fn find(&mut self, block: &str, finding: Finding) {
        self.findings.push(finding.within(block));
    }

    fn block(&mut self, statements: &'a [Statement], keywords: &'static [Keyword], block: &str) {
        let mut before: Vec<(&Keyword, &Place)> = Vec::new();
        for statement in statements {
            let Some(keyword) = schema::find(keywords, &statement.keyword.text) else {
                self.unknown(statement, keywords, block);
                continue;
            };
            if keyword.times != Times::Many {
                match before.iter().find(|(known, _)| std::ptr::eq(*known, keyword)) {
                    // What a loop writes several times stands in one place.
                    Some((_, first)) if **first == statement.keyword.place => {}
                    Some((_, first)) => self.again(statement, keyword, first, block),
                    None => before.push((keyword, &statement.keyword.place)),
                }
            }
            self.status(&statement.keyword, keyword, block);
            self.statement(statement, keyword, block);
        }
    }

    fn unknown(&mut self, statement: &Statement, keywords: &'static [Keyword], block: &str) {
        let name = &*statement.keyword.text;
        let finding = Finding::error(&statement.keyword.place, format_args!("unknown keyword {name}"))
            .keepalived(Verdict::Ignores);
        let elsewhere = || schema::places_of(name).into_iter().next();
        let nearest = || nearest(name, keywords.iter().flat_map(|keyword| keyword.names).copied());
        let hint = schema::known_mistake(name, block)
            .map(str::to_owned)
            .or_else(|| nearest().map(|near| format!("{near}?")))
            .or_else(|| elsewhere().map(|place| format!("it belongs in {place}")));
        self.find(block, Finding { hint, ..finding });
    }

    /// A keyword stands a second time where it may stand once.
    fn again(&mut self, statement: &Statement, keyword: &Keyword, first: &Place, block: &str) {
        let name = &statement.keyword.text;
        let message = format!("{name} is in line {} already", first.line);
        let place = &statement.keyword.place;
        let finding = if keyword.times == Times::FirstCounts {
            Finding::error(place, message).keepalived(Verdict::Ignores).hint("keepalived takes the first one")
        } else {
            Finding::warning(place, message).hint("the last one counts")
        };
        self.find(block, finding);
    }

    fn status(&mut self, word: &Word, keyword: &Keyword, block: &str) {
        let name = &word.text;
        match keyword.status {
            Status::Honoured => {}
            Status::NotDone(why) => {
                self.find(
                    block,
                    Finding::warning(&word.place, format_args!("{name} is understood, and not done: {why}")),
                );
            }
            Status::Obsolete(instead) => {
                // Of some, keepalived says so, too.
                let verdict = match &**name {
                    "lvs_sync_daemon_interface" | "or" | "gw" => Verdict::Corrects,
                    _ => Verdict::Accepts,
                };
                let finding = Finding::warning(&word.place, format_args!("{name} is obsolete: {instead}"));
                self.find(block, finding.keepalived(verdict));
            }
        }
        if keyword.status == Status::Honoured && keyword.name() != &**name && keyword.name() == "lvs_flush_on_stop" {
            self.find(
                block,
                Finding::warning(&word.place, format_args!("{name} is an old name of {}", keyword.name())),
            );
        }
    }

    fn statement(&mut self, statement: &'a Statement, keyword: &'static Keyword, block: &str) {
        self.line(&statement.keyword, statement.values.iter(), keyword.takes, block);
        let inside = match (&statement.block, keyword.inside) {
            (None, Inside::Nothing) => return,
            (Some(_), Inside::Nothing) => {
                let message = format_args!("{} takes no braces", statement.keyword.text);
                let finding = Finding::error(&statement.keyword.place, message).keepalived(Verdict::Ignores);
                return self.find(block, finding);
            }
            (None, _) => {
                let message = format_args!("{} needs braces: {{ ... }}", statement.title());
                return self
                    .find(block, Finding::error(&statement.keyword.place, message).keepalived(Verdict::Ignores));
            }
            (Some(inside), _) => inside,
        };
        let title = statement.title();
        if inside.is_empty() && matches!(keyword.inside, Inside::Words(_)) {
            let finding = Finding::warning(&statement.keyword.place, format_args!("{title} is empty"));
            self.find(block, finding.keepalived(Verdict::Ignores));
        }
        match keyword.inside {
            Inside::Nothing => {}
            Inside::Keywords(keywords) => {
                self.block(inside, keywords, &title);
                self.missing(statement, inside, keywords, block);
            }
            Inside::Entries(_, slots) => {
                for entry in inside {
                    self.line(&statement.keyword, entry.words(), slots, &title);
                    self.no_braces(entry, &title);
                }
            }
            Inside::Words(kind) => {
                for entry in inside {
                    self.line(&statement.keyword, entry.words(), &[Slot::Many(kind)], &title);
                    self.no_braces(entry, &title);
                }
            }
        }
    }

    fn no_braces(&mut self, entry: &Statement, block: &str) {
        if entry.block.is_some() {
            let message = format_args!("{} is an entry of a list, which takes no braces", entry.keyword.text);
            let finding = Finding::error(&entry.keyword.place, message).keepalived(Verdict::Ignores);
            let hint =
                schema::places_of(&entry.keyword.text).into_iter().next().map(|place| format!("it belongs in {place}"));
            self.find(block, Finding { hint, ..finding });
        }
    }

    fn missing(&mut self, statement: &Statement, inside: &[Statement], keywords: &'static [Keyword], block: &str) {
        let there =
            |keyword: &Keyword| inside.iter().any(|statement| keyword.names.contains(&&*statement.keyword.text));
        for keyword in keywords.iter().filter(|keyword| keyword.required && !there(keyword)) {
            let message = format_args!("{} has no {}", statement.title(), keyword.name());
            let verdict = match keyword.name() {
                "virtual_router_id" | "interface" => Verdict::Refuses,
                _ => Verdict::Ignores,
            };
            self.find(block, Finding::error(&statement.keyword.place, message).keepalived(verdict));
        }
    }

    /// Checks the words of one line.
    fn line(&mut self, subject: &Word, words: impl Iterator<Item = &'a Word>, slots: &[Slot], block: &str) {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.extend(words);
        let taken = self.slots(subject, &line, slots, block);
        if let Some(surplus) = line.get(taken) {
            let text = line.iter().skip(taken).map(|word| &*word.text).collect::<Vec<_>>().join(" ");
            let message = match slots {
                [] => format!("{} takes nothing: {text}", subject.text),
                _ => format!("this is too much for {}: {text}", subject.text),
            };
            self.find(block, Finding::warning(&surplus.place, message).hint("keepalived ignores it without a word"));
        }
        self.line = line;
    }

    /// Checks words as far as slots take them, and returns how many that is.
    fn slots(&mut self, subject: &Word, words: &[&'a Word], slots: &[Slot], block: &str) -> usize {
        let mut at = 0;
        for (index, slot) in slots.iter().enumerate() {
            let rest = words.get(at..).unwrap_or_default();
            at += match *slot {
                Slot::One(kind) => match rest.first() {
                    Some(word) => self.word(subject, word, kind, block),
                    None => {
                        // Said of the last word that is there.
                        let last = words.last().copied().unwrap_or(subject);
                        let message = format_args!("{} needs {}", subject.text, schema::named(kind));
                        self.find(block, Finding::error(&last.place, message));
                        return at;
                    }
                },
                Slot::Maybe(kind) => match rest.first() {
                    Some(word) if values::wrong(kind, &word.text).is_none() => self.word(subject, word, kind, block),
                    // Nothing else could take it.
                    Some(word) if index + 1 == slots.len() && rest.len() == 1 => self.word(subject, word, kind, block),
                    _ => 0,
                },
                Slot::Many(kind) | Slot::Any(kind) => {
                    if rest.is_empty() && matches!(slot, Slot::Many(_)) {
                        let message = format_args!("{} needs {}", subject.text, schema::named(kind));
                        self.find(block, Finding::error(&subject.place, message));
                    }
                    rest.iter().map(|word| self.word(subject, word, kind, block)).sum()
                }
                Slot::Options(options) => self.options(subject, rest, options, &[], block),
                Slot::Around(options, kinds) => self.options(subject, rest, options, kinds, block),
                Slot::Either(alternatives, otherwise) => {
                    let first = rest.first().map(|word| &*word.text).unwrap_or_default();
                    match alternatives.iter().find(|(name, _)| *name == first) {
                        Some((_, slots)) => 1 + self.slots(subject, rest.get(1..).unwrap_or_default(), slots, block),
                        None => self.slots(subject, rest, otherwise, block),
                    }
                }
            };
        }
        at
    }

    /// Checks options in any order, and words between them that are none.
    fn options(
        &mut self,
        subject: &Word,
        words: &[&'a Word],
        options: &'static [Keyword],
        kinds: &'static [Kind],
        block: &str,
    ) -> usize {
        let mut at = 0;
        let mut unused: Vec<Kind> = kinds.to_vec();
        while let Some(word) = words.get(at) {
            if let Some(option) = schema::find(options, &word.text) {
                self.status(word, option, block);
                at += 1 + self.slots(word, words.get(at + 1..).unwrap_or_default(), option.takes, block);
                continue;
            }
            at += 1;
            let fits = unused.iter().position(|kind| values::wrong(*kind, &word.text).is_none());
            match (fits, unused.last().copied()) {
                (Some(index), _) => {
                    let kind = unused.remove(index);
                    self.word(subject, word, kind, block);
                }
                (None, Some(kind)) if !looks_like_option(&word.text, options) => {
                    unused.pop();
                    self.word(subject, word, kind, block);
                }
                _ => {
                    let near = nearest(&word.text, options.iter().flat_map(|option| option.names).copied());
                    // What follows belongs to it.
                    let takes =
                        near.and_then(|near| schema::find(options, near)).map_or(0, |option| option.takes.len());
                    let behind = words.iter().skip(at).take(takes);
                    at += behind.take_while(|word| schema::find(options, &word.text).is_none()).count();
                    let message = format_args!("{} is no option of {}", word.text, subject.text);
                    let finding = Finding::error(&word.place, message).keepalived(Verdict::Ignores);
                    self.find(block, Finding { hint: near.map(|near| format!("{near}?")), ..finding });
                }
            }
        }
        at
    }

    fn word(&mut self, subject: &Word, word: &'a Word, kind: Kind, block: &str) -> usize {
        if let Some(should) = values::wrong(kind, &word.text) {
            let message = format!("{} should be {should}, not {}", subject.text, shown(word));
            let verdict = match kind {
                Kind::Address | Kind::Prefix | Kind::PrefixOr(_) | Kind::Range => Verdict::Ignores,
                Kind::New(_) => Verdict::Refuses,
                _ => Verdict::Corrects,
            };
            let mut finding = Finding::error(&word.place, message).keepalived(verdict);
            finding.hint = hint_of(kind, &word.text);
            self.find(block, finding);
            return 1;
        }
        self.names += 1;
        match kind {
            Kind::New(thing) => self.define(thing, word, block),
            Kind::Of(thing) => self.named.push((thing, word, block.to_owned(), self.names)),
            Kind::Link => self.of_host.push((kind, word, block.to_owned())),
            _ => {}
        }
        1
    }

    fn define(&mut self, thing: Thing, word: &'a Word, block: &str) {
        if let Some((first, _)) = self.defined.get(&(thing, &*word.text)) {
            let message = format!("{} {} is defined in line {} already", thing.keyword(), word.text, first.line);
            let finding = Finding::error(&word.place, message).keepalived(Verdict::Ignores).hint("names must differ");
            return self.find(block, finding);
        }
        self.defined.insert((thing, &word.text), (&word.place, self.names));
    }

    /// Finds names that nothing has.
    pub(super) fn references(&mut self) {
        for (thing, word, block, order) in std::mem::take(&mut self.named) {
            let kind = thing.keyword();
            let finding = match self.defined.get(&(thing, &*word.text)) {
                Some((_, defined)) if thing.before_use() && *defined > order => {
                    Finding::warning(&word.place, format_args!("{kind} {} is defined below", word.text))
                        .keepalived(Verdict::Ignores)
                        .hint("keepalived reads from the top and does not find it; write it above")
                }
                Some(_) => continue,
                None => {
                    let near =
                        nearest(&word.text, self.defined.keys().filter(|(of, _)| *of == thing).map(|(_, name)| *name));
                    let finding = Finding::error(&word.place, format_args!("there is no {kind} {}", word.text))
                        .keepalived(Verdict::Ignores);
                    Finding { hint: near.map(|near| format!("{near}?")), ..finding }
                }
            };
            self.find(&block, finding);
        }
    }
}

/// Whether a word looks more like a misspelt option than like a value.
fn looks_like_option(word: &str, options: &'static [Keyword]) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && nearest(word, options.iter().flat_map(|option| option.names).copied()).is_some()
}

/// Returns a word as a message shows it.
fn shown(word: &Word) -> String {
    if word.text.is_empty() || word.quoted { format!("\"{}\"", word.text) } else { word.text.to_string() }
}

/// What to write instead of a word that is wrong.
fn hint_of(kind: Kind, word: &str) -> Option<String> {
    match kind {
        Kind::OneOf(words) | Kind::OneOfAnyCase(words) => {
            let same = words.iter().find(|known| known.eq_ignore_ascii_case(word)).copied();
            same.or_else(|| nearest(word, words.iter().copied())).map(|near| format!("{near}?"))
        }
        Kind::Bool if values::truth(&word.to_ascii_lowercase()).is_some() => {
            Some(format!("{}: small letters", word.to_ascii_lowercase()))
        }
        _ if word.contains(['“', '”', '„', '‘', '’']) => Some("write straight quotes: \"".to_owned()),
        _ => None,
    }
}

/// Returns the name most like `word`, if one is.
pub(super) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let likeness = |name: &str| strsim::jaro_winkler(&word.to_ascii_lowercase(), &name.to_ascii_lowercase());
    let rated = names.map(|name| (likeness(name), name));
    rated.filter(|(likeness, _)| *likeness > 0.85).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
