//! Which files a name means, and what is in them.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

/// The most bytes of one file: more is no configuration.
const LARGEST: u64 = 256 << 20;
/// The most files of one pattern, and the most patterns of one with braces.
const MOST: usize = 10_000;

/// Where configuration files come from.
pub trait Files {
    /// Returns the names in a directory, in no order.
    ///
    /// # Errors
    /// The directory cannot be read.
    fn names(&self, directory: &Path) -> io::Result<Vec<String>>;

    /// Returns whether there is something of this name.
    fn exists(&self, path: &Path) -> bool;

    /// Returns what is in a file.
    ///
    /// # Errors
    /// It cannot be read, or is no configuration file: then the reason, for people.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;
}

/// The files of this host.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn names(&self, directory: &Path) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(directory)?.take(MOST * 10).filter_map(Result::ok);
        Ok(entries.filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let reason = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        // Looked at before it is opened: opening a FIFO would wait for a writer.
        let metadata = fs::metadata(path).map_err(reason)?;
        if !metadata.is_file() {
            return Err(format!(
                "it is {}, not a regular file",
                if metadata.is_dir() { "a directory" } else { "a device" }
            ));
        }
        if metadata.permissions().mode() & 0o111 != 0 {
            return Err("it is executable, and a configuration file is no program".to_owned());
        }
        if metadata.len() > LARGEST {
            return Err(format!("it has {} bytes, more than {LARGEST}", metadata.len()));
        }
        fs::read(path).map_err(reason)
    }
}

/// Files that are nowhere but here: names with what is in them.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<PathBuf, Vec<u8>>);

impl Files for Memory {
    fn names(&self, directory: &Path) -> io::Result<Vec<String>> {
        let inside = self.0.keys().filter_map(|path| path.strip_prefix(directory).ok());
        let mut names: Vec<String> =
            inside.filter_map(|path| path.iter().next()?.to_str().map(str::to_owned)).collect();
        names.dedup();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.keys().any(|key| key.starts_with(path))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }
}

/// What became of one alternative of a pattern's braces.
#[derive(Debug)]
pub(super) struct Matches {
    /// The alternative.
    pub(super) pattern: String,
    /// Whether it has wildcards.
    pub(super) wild: bool,
    /// What there is, in order of names.
    pub(super) paths: Vec<PathBuf>,
}

/// Finds what a pattern with `*`, `?`, `[a-z]` and `{a,b}` means, relative to a directory. A name without wildcards that does not
/// exist has no match.
pub(super) fn find(files: &dyn Files, directory: &Path, pattern: &str) -> Vec<Matches> {
    let mut alternatives = Vec::new();
    alternatives_of(pattern, &mut alternatives);
    alternatives.into_iter().map(|pattern| matches(files, directory, pattern)).collect()
}

fn matches(files: &dyn Files, directory: &Path, pattern: String) -> Matches {
    let wild = pattern.contains(['*', '?', '[']);
    let mut paths = vec![PathBuf::new()];
    for component in Path::new(&pattern).components() {
        let Component::Normal(name) = component else {
            paths.iter_mut().for_each(|path| path.push(component));
            continue;
        };
        let name = name.to_string_lossy();
        if !name.contains(['*', '?', '[']) {
            paths.iter_mut().for_each(|path| path.push(&*name));
            continue;
        }
        let mut found = Vec::new();
        for path in paths {
            let mut names = files.names(&directory.join(&path)).unwrap_or_default();
            names.retain(|candidate| name.starts_with('.') || !candidate.starts_with('.'));
            names.retain(|candidate| matches_name(&name, candidate));
            names.sort();
            found.extend(names.into_iter().map(|name| path.join(name)));
            found.truncate(MOST);
        }
        paths = found;
    }
    let paths = paths.into_iter().map(|path| if path.is_absolute() { path } else { directory.join(path) });
    let paths = paths.filter(|path| files.exists(path)).collect();
    Matches { pattern, wild, paths }
}

/// Writes the braces of a pattern out, the first group first.
fn alternatives_of(pattern: &str, found: &mut Vec<String>) {
    if found.len() >= MOST {
        return;
    }
    let Some((open, close, commas)) = braces(pattern) else {
        found.push(pattern.to_owned());
        return;
    };
    let (before, after) = (&pattern[..open], &pattern[close + 1..]);
    let mut start = open + 1;
    for end in commas.into_iter().chain([close]) {
        alternatives_of(&format!("{before}{}{after}", &pattern[start..end]), found);
        start = end + 1;
    }
}

/// Returns where the first group of braces opens and closes, and its own commas.
fn braces(pattern: &str) -> Option<(usize, usize, Vec<usize>)> {
    let open = pattern.find('{')?;
    let mut depth = 0;
    let mut commas = Vec::new();
    for (at, c) in pattern.bytes().enumerate().skip(open) {
        match c {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some((open, at, commas)),
            b'}' => depth -= 1,
            b',' if depth == 1 => commas.push(at),
            _ => {}
        }
    }
    None
}

/// Returns whether a name fits a pattern without slashes.
fn matches_name(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Where to go on after a mismatch: behind the last `*`, one character further.
    let mut retry: Option<(usize, usize)> = None;
    let (mut p, mut n) = (0, 0);
    while let Some(&c) = name.get(n) {
        let next = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => one_of(&pattern, p, c),
            Some(&own) if own == c => Some(p + 1),
            _ => None,
        };
        match (next, &mut retry) {
            (Some(next), _) => (p, n) = (next, n + 1),
            (None, Some((star, from))) => {
                *from += 1;
                (p, n) = (*star, *from);
            }
            (None, None) => return false,
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Returns what is behind the `[…]` at `p` if it has this character.
fn one_of(pattern: &[char], p: usize, c: char) -> Option<usize> {
    let negated = matches!(pattern.get(p + 1), Some('!' | '^'));
    let first = p + 1 + usize::from(negated);
    let close = (first + 1..pattern.len()).find(|at| pattern.get(*at) == Some(&']'));
    let Some(close) = close else {
        // Never closed: an ordinary character.
        return (c == '[').then_some(p + 1);
    };
    let set = pattern.get(first..close).unwrap_or_default();
    let mut found = false;
    let mut at = 0;
    while let Some(&low) = set.get(at) {
        match (set.get(at + 1), set.get(at + 2)) {
            (Some('-'), Some(&high)) => {
                found |= (low..=high).contains(&c);
                at += 3;
            }
            _ => {
                found |= low == c;
                at += 1;
            }
        }
    }
    (found != negated).then_some(close + 1)
}
