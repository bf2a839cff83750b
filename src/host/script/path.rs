//! Where a command's file is, and whether the way to it can be trusted.
//!
//! The way is walked one part at a time, through every symbolic link: each directory and link on it could be made to lead
//! elsewhere by whoever may write there.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use super::{ScriptFault, fault::Weakness};
use crate::{host::User, sys::child::Identity};

/// Where programs named without a path are looked for if our environment does not say.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// As many symbolic links as the kernel follows.
const MOST_LINKS: u32 = 40;

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const EXECUTE: u32 = 0o1;

/// Returns the file of a command, without symbolic links. A word without a slash is looked for where our environment says
/// that programs are.
pub(super) fn find(word: &str, user: &User) -> Result<PathBuf, ScriptFault> {
    if word.starts_with('/') {
        return file(Path::new(word), user);
    }
    if word.contains('/') {
        return Err(ScriptFault::NotAbsolute(word.to_owned()));
    }
    let places = env::var_os("PATH").unwrap_or_else(|| OsString::from(USUAL_PATH));
    let mut unusable = None;
    for place in env::split_paths(&places).filter(|place| place.is_absolute()) {
        let path = place.join(word);
        if !path.exists() {
            continue;
        }
        // As a shell does it: what this user cannot execute is passed over, but what is dangerous is not.
        match file(&path, user) {
            Err(fault @ ScriptFault::NotExecutable { .. }) => unusable = unusable.or(Some(fault)),
            other => return other,
        }
    }
    Err(unusable.unwrap_or_else(|| ScriptFault::NotInPath {
        name: word.to_owned(),
        places: places.to_string_lossy().into_owned(),
    }))
}

fn file(path: &Path, user: &User) -> Result<PathBuf, ScriptFault> {
    let way = walk(path)?;
    let fault = |component: &Path| ScriptFault::NotExecutable {
        path: path.to_owned(),
        component: component.to_owned(),
        user: user.name.clone(),
    };
    let Some(((real, last), before)) = way.split_last() else {
        return Err(ScriptFault::NotAFile(path.to_owned()));
    };
    if !last.is_file() {
        return Err(ScriptFault::NotAFile(path.to_owned()));
    }
    if let Some((component, _)) = before.iter().find(|(_, m)| m.is_dir() && !may_execute(m, &user.identity)) {
        return Err(fault(component));
    }
    if !may_execute(last, &user.identity) {
        return Err(fault(real));
    }
    if gains_root(last, &user.identity) {
        for (component, metadata) in &way {
            if let Some(weakness) = weakness(metadata) {
                let component = component.clone();
                return Err(ScriptFault::Unsafe { path: path.to_owned(), component, weakness });
            }
        }
    }
    Ok(real.clone())
}

/// Returns all directories and links on the way to the file, and the file as the last.
fn walk(path: &Path) -> Result<Vec<(PathBuf, Metadata)>, ScriptFault> {
    let look = |part: &Path| {
        fs::symlink_metadata(part).map_err(|error| ScriptFault::NotFound {
            path: path.to_owned(),
            component: part.to_owned(),
            reason: error.to_string(),
        })
    };
    let mut at = PathBuf::from("/");
    let mut way = vec![(at.clone(), look(&at)?)];
    let mut rest: Vec<OsString> = parts(path);
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        let part = at.join(&name);
        let metadata = look(&part)?;
        if metadata.is_symlink() {
            links += 1;
            let target = fs::read_link(&part).ok().filter(|_| links <= MOST_LINKS);
            let target = target.ok_or_else(|| ScriptFault::NotFound {
                path: path.to_owned(),
                component: part.clone(),
                reason: "too many symbolic links".to_owned(),
            })?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            rest.extend(parts(&target));
        } else {
            at.clone_from(&part);
        }
        way.push((part, metadata));
    }
    // The last entry is the file only if no link or `..` came behind it.
    if way.last().is_none_or(|(last, _)| *last != at) {
        let metadata = look(&at)?;
        way.push((at, metadata));
    }
    Ok(way)
}

/// Returns the names of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let name = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        _ => None,
    };
    path.components().rev().filter_map(name).collect()
}

/// Whether a user may execute a file, or pass a directory.
fn may_execute(metadata: &Metadata, identity: &Identity) -> bool {
    let mode = metadata.mode();
    if identity.uid.is_root() {
        return metadata.is_dir() || mode & 0o111 != 0;
    }
    let in_group =
        || identity.gid.as_raw() == metadata.gid() || identity.groups.iter().any(|g| g.as_raw() == metadata.gid());
    let bits = if identity.uid.as_raw() == metadata.uid() {
        mode >> 6
    } else if in_group() {
        mode >> 3
    } else {
        mode
    };
    bits & EXECUTE != 0
}

/// Whether the command has root's rights when it runs.
fn gains_root(file: &Metadata, identity: &Identity) -> bool {
    let by_user = identity.uid.is_root() || (file.mode() & SET_UID != 0 && file.uid() == 0);
    let by_group = identity.gid.as_raw() == 0 || (file.mode() & SET_GID != 0 && file.gid() == 0);
    by_user || by_group
}

/// Returns how somebody else than root could change this part of a path. In a sticky directory nobody replaces what is not
/// theirs; links have no permissions of their own.
fn weakness(metadata: &Metadata) -> Option<Weakness> {
    let mode = metadata.mode();
    if metadata.uid() != 0 {
        Some(Weakness::Owner(metadata.uid()))
    } else if metadata.is_symlink() || (metadata.is_dir() && mode & STICKY != 0) {
        None
    } else if mode & OTHERS_WRITE != 0 {
        Some(Weakness::Everybody)
    } else if mode & GROUP_WRITES != 0 && metadata.gid() != 0 {
        Some(Weakness::Group(metadata.gid()))
    } else {
        None
    }
}
