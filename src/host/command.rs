//! Commands that a person asked us to run: plain values. Running them is `script`'s work.

/// A command: program and arguments, without a shell, and who runs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// Program (absolute path) and arguments.
    pub words: Vec<String>,
    /// User and group by name or number; `None` = the default user of scripts.
    pub user: Option<(String, Option<String>)>,
}
