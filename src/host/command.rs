//! Commands that a person asked us to run: plain values. Running them is `script`'s work.

/// A command: program and arguments, without a shell, and who runs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// Program and arguments. The program is an absolute path, or a name to be found in `PATH`.
    pub words: Vec<String>,
    /// User and group by name or number; `None` = the default user of scripts. A colon before the group (`:adm`, or only `:`)
    /// adds the supplementary groups that the user has.
    pub user: Option<(String, Option<String>)>,
}
