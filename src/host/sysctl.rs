//! Switches of the network under `/proc/sys/net`: read, written, and put back when nobody needs them any more.
//!
//! They are those of the calling thread's network namespace.

use std::{
    collections::BTreeSet,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where they are.
const ROOT: &str = "/proc/sys/net";

/// A switch of the network by its path under `/proc/sys/net`, as in `ipv4/conf/eth0.5/arp_ignore`. With slashes, because
/// names of links may have dots.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

impl Key {
    /// Returns the switch at this path.
    ///
    /// # Errors
    /// The path leaves `/proc/sys/net`.
    pub fn new(path: impl Into<String>) -> Result<Self, BadKey> {
        let path = path.into();
        let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        if path.split('/').all(is_name) { Ok(Self(path)) } else { Err(BadKey(path)) }
    }

    /// Returns a link's own IPv4 switch.
    ///
    /// # Errors
    /// `link` is not the name of a link.
    pub fn ipv4_of(link: &str, name: &str) -> Result<Self, BadKey> {
        Self::new(format!("ipv4/conf/{}/{name}", one_part(link)?))
    }

    /// Returns a link's own IPv6 switch.
    ///
    /// # Errors
    /// `link` is not the name of a link.
    pub fn ipv6_of(link: &str, name: &str) -> Result<Self, BadKey> {
        Self::new(format!("ipv6/conf/{}/{name}", one_part(link)?))
    }

    /// Returns the last part of the path, without the link.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is about IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.0.starts_with("ipv6/")
    }

    fn file(&self) -> PathBuf {
        Path::new(ROOT).join(&self.0)
    }
}

fn one_part(link: &str) -> Result<&str, BadKey> {
    if link.contains('/') { Err(BadKey(link.to_owned())) } else { Ok(link) }
}

impl fmt::Display for Key {
    /// As `sysctl -w` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "net/{}", self.0)
    }
}

impl TryFrom<String> for Key {
    type Error = BadKey;

    fn try_from(path: String) -> Result<Self, BadKey> {
        Self::new(path)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

/// A path that is no switch of the network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no switch below /proc/sys/net")]
pub struct BadKey(String);

/// Why a switch could not be read or set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No such switch: the link or the feature is not there.
    #[error("cannot {action} {key}: this kernel has no such setting, or the link is gone")]
    Missing {
        /// Read or set.
        action: &'static str,
        /// Which.
        key: Key,
    },
    /// It may not be set here.
    #[error("cannot {action} {key}: {}", .errno.desc())]
    Refused {
        /// Read or set.
        action: &'static str,
        /// Which.
        key: Key,
        /// Why.
        errno: Errno,
    },
    /// It is no switch.
    #[error(transparent)]
    BadKey(#[from] BadKey),
}

impl Error {
    fn new(action: &'static str, key: &Key, error: &io::Error) -> Self {
        let key = key.clone();
        match error.raw_os_error().map_or(Errno::EIO, Errno::from_raw) {
            Errno::ENOENT => Self::Missing { action, key },
            errno => Self::Refused { action, key, errno },
        }
    }

    /// Returns what a person can do about it, if there is more to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused { errno: Errno::EROFS, .. } => Some(
                "/proc/sys is read-only here, as in containers: set it from outside (docker run --sysctl), or mount it \
                 read-write",
            ),
            Self::Refused { errno: Errno::EACCES | Errno::EPERM, .. } => Some("this takes root"),
            Self::Refused { errno: Errno::EINVAL, .. } => Some("the kernel does not take this value"),
            _ => None,
        }
    }
}

/// Returns a switch's value, without the line's end.
///
/// # Errors
/// There is no such switch, or it cannot be read.
pub fn read(key: &Key) -> Result<String, Error> {
    let text = fs::read_to_string(key.file()).map_err(|error| Error::new("read", key, &error))?;
    Ok(text.trim().to_owned())
}

/// Sets a switch.
///
/// # Errors
/// There is no such switch, or it cannot be set so.
pub fn write(key: &Key, value: &str) -> Result<(), Error> {
    fs::write(key.file(), value).map_err(|error| Error::new("set", key, &error))
}

/// A switch that was changed: what was found, and what we made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Which.
    pub key: Key,
    /// What it was before.
    pub before: String,
    /// What it was set to.
    pub ours: String,
}

/// Remembers what was found and puts it back: when the last one who wanted a value goes, or at the end. What has not our
/// value any more was set by somebody else, and stays.
#[derive(Debug, Default)]
pub struct Kept {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    found: Found,
    wanted_by: BTreeSet<String>,
}

impl Kept {
    /// Takes over what an earlier run found and could not put back, from its [`Self::record`]. It is put back when this ends,
    /// or at once by [`Self::release`] with no owner's name (`""`) if nobody has set it again by then.
    pub fn resume(record: Vec<Found>) -> Self {
        let orphan = |found| Entry { found, wanted_by: BTreeSet::new() };
        Self { entries: record.into_iter().map(orphan).collect() }
    }

    /// Returns what would be put back, for the caller to store where the next run finds it.
    pub fn record(&self) -> Vec<Found> {
        self.entries.iter().map(|entry| entry.found.clone()).collect()
    }

    /// Sets a switch on behalf of `owner`, and remembers what it was.
    ///
    /// # Errors
    /// There is no such switch, or it cannot be set; then nothing is remembered.
    pub fn set(&mut self, owner: &str, key: Key, value: &str) -> Result<(), Error> {
        let now = read(&key)?;
        let written = write(&key, value);
        // What is so already is written all the same: the kernel then does not change it along with `default`.
        if now != value {
            written?;
        }
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.found.key == key) {
            value.clone_into(&mut entry.found.ours);
            entry.wanted_by.insert(owner.to_owned());
        } else if now != value {
            let found = Found { key, before: now, ours: value.to_owned() };
            self.entries.push(Entry { found, wanted_by: [owner.to_owned()].into() });
        }
        Ok(())
    }

    /// Remembers that `owner` wants those switches that are held already and that `which` takes.
    pub fn claim(&mut self, owner: &str, which: impl Fn(&Found) -> bool) {
        for entry in self.entries.iter_mut().filter(|entry| which(&entry.found)) {
            entry.wanted_by.insert(owner.to_owned());
        }
    }

    /// Puts back what nobody but `owner` wants, the last first. Returns what could not be put back; a switch that is gone,
    /// with its link, is no failure.
    pub fn release(&mut self, owner: &str) -> Vec<Error> {
        for entry in &mut self.entries {
            entry.wanted_by.remove(owner);
        }
        let mut errors = Vec::new();
        let mut still_wanted = Vec::new();
        while let Some(entry) = self.entries.pop() {
            if !entry.wanted_by.is_empty() {
                still_wanted.push(entry);
            } else if let Err(error) = put_back(&entry.found) {
                errors.push(error);
            }
        }
        still_wanted.reverse();
        self.entries = still_wanted;
        errors
    }

    /// Puts everything back, the last first, as [`Self::release`] does.
    pub fn restore(&mut self) -> Vec<Error> {
        for entry in &mut self.entries {
            entry.wanted_by.clear();
        }
        self.release("")
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for error in self.restore() {
            log::warn!("{error}");
        }
    }
}

fn put_back(found: &Found) -> Result<(), Error> {
    let result =
        read(&found.key).and_then(|now| if now == found.ours { write(&found.key, &found.before) } else { Ok(()) });
    match result {
        Err(Error::Missing { .. }) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_links_may_have_dots() {
        let key = Key::ipv4_of("eth0.5", "arp_ignore").expect("a switch");
        assert_eq!(key.to_string(), "net/ipv4/conf/eth0.5/arp_ignore");
        assert_eq!(key.file(), Path::new("/proc/sys/net/ipv4/conf/eth0.5/arp_ignore"));
    }

    #[test]
    fn nothing_outside_is_touched() {
        for path in ["", "..", "../vm/swappiness", "ipv4/../../kernel/panic", "/etc/passwd", "ipv4//x", "ipv4/"] {
            assert!(Key::new(path).is_err(), "{path}");
        }
        assert!(Key::ipv4_of("../..", "x").is_err());
        assert!(Key::ipv4_of("..", "x").is_err());
        let stored = r#"[{"key":"../kernel/panic","before":"0","ours":"1"}]"#;
        assert!(serde_json::from_str::<Vec<Found>>(stored).is_err());
    }

    #[test]
    fn a_record_can_be_stored() {
        let key = Key::ipv6_of("eth0", "accept_ra").expect("a switch");
        let found = vec![Found { key, before: "1".to_owned(), ours: "0".to_owned() }];
        let stored = serde_json::to_string(&found).expect("JSON");
        assert_eq!(stored, r#"[{"key":"ipv6/conf/eth0/accept_ra","before":"1","ours":"0"}]"#);
        assert_eq!(serde_json::from_str::<Vec<Found>>(&stored).expect("a record"), found);
    }

    #[test]
    fn what_is_missing_is_said_so() {
        let key = Key::ipv4_of("no-such-link", "arp_ignore").expect("a switch");
        let error = read(&key).expect_err("no such link");
        assert_eq!(
            error.to_string(),
            "cannot read net/ipv4/conf/no-such-link/arp_ignore: this kernel has no such setting, or the link is gone"
        );
        assert_eq!(error.hint(), None);
    }
}
