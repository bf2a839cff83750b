//! A configuration file as statements: words with their places, and blocks.

use std::{fmt, path::PathBuf, rc::Rc};

/// Where a word stands in the files that were read, through includes and definitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Rc<PathBuf>,
    /// Its line, from 1.
    pub line: u32,
    /// The column of its first character, from 1, in characters.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// One word, with definitions put in and quotes taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: Box<str>,
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
    pub block: Option<Vec<Statement>>,
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
    /// The block it stands in: `vrrp_instance VI_1`; empty at the top.
    pub block: String,
    /// How bad it is.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// What keepalived does with it.
    pub keepalived: Verdict,
    /// What to write instead.
    pub hint: Option<String>,
}

/// What keepalived does with something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does not start.
    Refuses,
    /// It takes another value.
    Corrects,
    /// It goes on without it.
    Ignores,
    /// It sees nothing wrong.
    Accepts,
}
