//! Why a command is not run, and what to do about it.

use std::{fmt, path::PathBuf};

use thiserror::Error;

use crate::host::UserFault;

/// Why a command may not or cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScriptFault {
    /// There are no words.
    #[error("there is no command")]
    NoCommand,
    /// Its user does not exist, or we may not be that user.
    #[error(transparent)]
    User(#[from] UserFault),
    /// A path that begins at some directory or other.
    #[error("{0} is not an absolute path")]
    NotAbsolute(String),
    /// A name that is in no directory of `PATH`.
    #[error("there is no program {name} in {places}")]
    NotInPath {
        /// The name.
        name: String,
        /// Where it was looked for.
        places: String,
    },
    /// Part of the path is missing, or cannot be read.
    #[error("{path} cannot be found: {component}: {reason}", path = path.display(), component = component.display())]
    NotFound {
        /// The command's path.
        path: PathBuf,
        /// The part.
        component: PathBuf,
        /// The kernel's reason.
        reason: String,
    },
    /// It is a directory, a device, a pipe.
    #[error("{path} is not a file", path = .0.display())]
    NotAFile(PathBuf),
    /// The user may not execute it, or not pass a directory on the way.
    #[error("{user} may not execute {path}: {component} has no such permission",
        path = path.display(), component = component.display())]
    NotExecutable {
        /// The command's path.
        path: PathBuf,
        /// The part that lacks the permission.
        component: PathBuf,
        /// Who.
        user: String,
    },
    /// It would run with root's rights, and others than root could replace it.
    #[error("{path} would run as root, but {component} {weakness}", path = path.display(), component = component.display())]
    Unsafe {
        /// The command's path.
        path: PathBuf,
        /// The part that others could change.
        component: PathBuf,
        /// Who could.
        weakness: Weakness,
    },
}

impl ScriptFault {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoCommand => "name a program".to_owned(),
            Self::User(fault) => fault.hint().to_owned(),
            Self::NotAbsolute(_) => "write the whole path, from /".to_owned(),
            Self::NotInPath { .. } => "install it, or write its whole path".to_owned(),
            Self::NotFound { .. } => "check the path; the part named first is the one that is missing".to_owned(),
            Self::NotAFile(_) => "name a program or a script".to_owned(),
            Self::NotExecutable { component, user, .. } => {
                format!("chmod a+x {}, or run it as another user than {user}", component.display())
            }
            Self::Unsafe { component, weakness, .. } => {
                let component = component.display();
                match weakness {
                    Weakness::Owner(_) => format!("chown root {component}, or run it as an ordinary user"),
                    Weakness::Group(_) => format!("chmod g-w {component}, or run it as an ordinary user"),
                    Weakness::Everybody => format!("chmod o-w {component}, or run it as an ordinary user"),
                }
            }
        }
    }
}

/// Who else than root could change a part of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It belongs to a user.
    Owner(u32),
    /// A group may write to it.
    Group(u32),
    /// Everybody may write to it.
    Everybody,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(uid) => write!(f, "belongs to user {uid}, not to root"),
            Self::Group(gid) => write!(f, "can be written to by group {gid}"),
            Self::Everybody => f.write_str("can be written to by everybody"),
        }
    }
}
