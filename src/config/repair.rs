//! What may stand in a block, as far as it tells where a brace is missing; and remarks that are no comments.

use super::{
    blocks,
    schema::{self, Inside, Keyword, Kind, Slot},
    text::Quoting,
    tree::Statement,
    values,
};

/// Quotation marks that are none for keepalived.
pub(super) const CURLY: [char; 6] = ['“', '”', '„', '‘', '’', '＂'];

/// What may stand in a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Inner {
    /// Nobody knows: the block's keyword is unknown.
    Anything,
    /// This.
    Known(Known),
}

/// Keywords, or entries of a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    Keywords(&'static [Keyword]),
    Entries(&'static [Slot]),
    Words,
}

impl Inner {
    pub(super) const ROOT: Self = Self::Known(Known::Keywords(schema::ROOT));
    pub(super) const ANYTHING: Self = Self::Anything;

    /// Returns what may stand in the block of a statement that stands in this one.
    pub(super) fn of(self, statement: &Statement) -> Self {
        let Self::Known(Known::Keywords(keywords)) = self else { return Self::Anything };
        match schema::find(keywords, &statement.keyword.text).map(|keyword| keyword.inside) {
            Some(Inside::Keywords(inside)) => Self::Known(Known::Keywords(inside)),
            Some(Inside::Entries(_, slots)) => Self::Known(Known::Entries(slots)),
            Some(Inside::Words(_)) => Self::Known(Known::Words),
            Some(Inside::Nothing) | None => Self::Anything,
        }
    }

    pub(super) fn known(self) -> Option<Known> {
        match self {
            Self::Anything => None,
            Self::Known(known) => Some(known),
        }
    }

    /// Whether a statement may stand here.
    pub(super) fn takes(self, statement: &Statement) -> bool {
        self.known().is_none_or(|known| known.takes(statement))
    }

    pub(super) fn is_list(self) -> bool {
        !matches!(self, Self::Known(Known::Keywords(_)))
    }
}

impl Known {
    pub(super) fn takes(self, statement: &Statement) -> bool {
        let word = &*statement.keyword.text;
        match self {
            Self::Keywords(keywords) => schema::find(keywords, word).is_some(),
            Self::Entries(slots) => slots.first().is_none_or(|slot| begins(*slot, word)),
            Self::Words => true,
        }
    }

    /// Whether a statement may stand here, and not because anything may.
    pub(super) fn is_meant(self, statement: &Statement) -> bool {
        let named = |kind: &Kind| matches!(kind, Kind::Word(_) | Kind::Of(_) | Kind::Link | Kind::Path);
        match self {
            Self::Words => false,
            Self::Entries([Slot::One(kind), ..]) if named(kind) => false,
            Self::Entries(_) | Self::Keywords(_) => self.takes(statement),
        }
    }
}

/// Whether an entry may begin with a word.
fn begins(slot: Slot, word: &str) -> bool {
    match slot {
        Slot::One(kind) | Slot::Maybe(kind) | Slot::Many(kind) | Slot::Any(kind) => values::wrong(kind, word).is_none(),
        Slot::Options(options) => schema::find(options, word).is_some(),
        Slot::Around(options, kinds) => {
            schema::find(options, word).is_some() || kinds.iter().any(|kind| values::wrong(*kind, word).is_none())
        }
        Slot::Either(alternatives, otherwise) => {
            alternatives.iter().any(|(name, _)| *name == word)
                || otherwise.first().is_none_or(|slot| begins(*slot, word))
        }
    }
}

/// Returns at which byte a remark begins that its author took for a comment: `//` at the begin of a word.
pub(super) fn remark(line: &str) -> Option<usize> {
    // Most lines have none; one character is found faster than two.
    if !line.contains('/') {
        return None;
    }
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|rest| rest.find("//")).map(|at| from + at) {
        let (before, behind) = (line.get(..at)?, line.get(at..)?);
        let quoted = before.matches('"').count() % 2 == 1;
        let begins = before.is_empty() || before.ends_with([' ', '\t', '{', '}']);
        if begins && !quoted && !is_path(before, behind) {
            return Some(at);
        }
        from = at + 2;
    }
    None
}

/// Whether a word that begins with `//` is the path of a command, written with one slash too many.
fn is_path(before: &str, behind: &str) -> bool {
    let mut words = before.split_whitespace();
    let command = words.next().is_some_and(|keyword| blocks::quoting(keyword) == Quoting::Command);
    let word = behind.split_whitespace().next().unwrap_or_default();
    command && words.next().is_none() && word.len() > 2 && word[2..].contains('/') && word.is_ascii()
}
