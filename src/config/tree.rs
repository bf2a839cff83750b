//! A configuration file as statements: words with their places, and blocks; and what is wrong with it.

use std::{fmt, path::PathBuf, rc::Rc};

use smol_str::SmolStr;

/// Where a word stands in the files that were read, through includes and definitions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: Rc<PathBuf>,
    /// Its line, from 1; 0 = the file as a whole.
    pub line: u32,
    /// The column of its first character, from 1, in characters; 0 = the file as a whole.
    pub column: u32,
}

impl Place {
    /// Returns the place that is a whole file.
    pub fn of_file(file: Rc<PathBuf>) -> Self {
        Self { file, line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line == 0 { Ok(()) } else { write!(f, ":{}:{}", self.line, self.column) }
    }
}

/// One word, with definitions put in and quotes taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: SmolStr,
    /// Whether it was quoted: then it is a value, whatever it says.
    pub quoted: bool,
    /// Where it, or what stands for it, begins.
    pub place: Place,
}

/// A keyword with its values, and with the statements between its braces if it has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The keyword.
    pub keyword: Word,
    /// The words behind it.
    pub values: Vec<Word>,
    /// What is between its braces; `None` = no braces.
    pub block: Option<Vec<Self>>,
}

impl Statement {
    /// Returns the words of its line, the keyword first: for lists whose lines are entries.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        std::iter::once(&self.keyword).chain(&self.values)
    }

    /// Returns its line as people call it: `vrrp_instance VI_1`.
    pub fn title(&self) -> String {
        let mut title = self.keyword.text.to_string();
        for word in &self.values {
            title.push(' ');
            title.push_str(&word.text);
        }
        title
    }
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It works, but hardly as meant.
    Warning,
    /// It cannot be run so.
    Error,
}

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// Where else in the same file: lines, from 1, in order.
    pub also: Vec<u32>,
    /// The block it stands in: `vrrp_instance VI_1`; empty at the top.
    pub block: String,
    /// How bad it is.
    pub level: Level,
    /// What is wrong: one line without a full stop.
    pub message: String,
    /// What keepalived does with it.
    pub keepalived: Verdict,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Finding {
    /// Returns an error at the top of a file, which keepalived does not start with.
    pub fn error(place: &Place, message: impl fmt::Display) -> Self {
        Self {
            place: place.clone(),
            also: Vec::new(),
            block: String::new(),
            level: Level::Error,
            message: message.to_string(),
            keepalived: Verdict::Refuses,
            hint: None,
        }
    }

    /// Returns a warning at the top of a file, of what keepalived sees nothing wrong with.
    pub fn warning(place: &Place, message: impl fmt::Display) -> Self {
        Self { level: Level::Warning, keepalived: Verdict::Accepts, ..Self::error(place, message) }
    }

    /// Says what keepalived does with it.
    #[must_use]
    pub fn keepalived(self, keepalived: Verdict) -> Self {
        Self { keepalived, ..self }
    }

    /// Says which block it stands in.
    #[must_use]
    pub fn within(self, block: impl Into<String>) -> Self {
        Self { block: block.into(), ..self }
    }

    /// Says what to write instead.
    #[must_use]
    pub fn hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }
}

/// What keepalived does with something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does not start.
    Refuses,
    /// It says so, and takes another value.
    Corrects,
    /// It says so, and goes on without it.
    Ignores,
    /// It sees nothing wrong.
    Accepts,
}
