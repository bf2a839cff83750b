//! Which servers are drained where no agent keeps that in mind: a file beside the save file.
//!
//! It says what weight a drained server had, who drains it and since when, so that somebody else can see that and give the
//! weight back; and which weights a slow start has multiplied, so that one that was killed can be ended. What it says of a server
//! holds as long as the kernel's table bears it out: it is a note about that table, and never orders what should be in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{print, store};
use crate::model::{ServerKey, ServiceKey};

/// Version of the file.
const VERSION: u32 = 1;

/// The longest file that is read, in bytes: drains of some ten thousand servers.
const MOST_BYTES: u64 = 8 << 20;

/// A server of a service, each named as on a line of a save file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// `-t 10.0.0.1:80`, `-f 5 -6`.
    pub service: String,
    /// `10.0.0.11:80`.
    pub server: String,
}

impl Member {
    /// Names a server of a service.
    pub fn new(service: &ServiceKey, server: &ServerKey) -> Self {
        Self { service: print::service_name(service, &print::numeric), server: server.to_string() }
    }
}

/// A server that gets no new connections because somebody drains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Which.
    #[serde(flatten)]
    pub member: Member,
    /// The weight that it had.
    pub weight: u32,
    /// Who drains it, for people.
    pub owner: String,
    /// Since when: seconds since 1970, UTC.
    pub since: u64,
    /// The process that was told to.
    pub pid: u32,
}

/// A slow start: a server on its way to its whole weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Which server.
    #[serde(flatten)]
    pub member: Member,
    /// The weight that it is to have at the end.
    pub weight: u32,
    /// Who starts it, for people.
    pub owner: String,
    /// The process that goes through the steps.
    pub pid: u32,
    /// What the weights of all servers of the service are multiplied by meanwhile.
    pub factor: u32,
    /// The other servers of the service with their weights before.
    pub others: Vec<(String, u32)>,
}

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drains {
    version: u32,
    /// What is drained.
    pub drains: Vec<Drain>,
    /// What starts slowly.
    #[serde(default)]
    pub starts: Vec<Start>,
}

impl Drains {
    /// Returns the file that belongs to a save file.
    pub fn beside(save_file: &Path) -> PathBuf {
        let mut name = save_file.as_os_str().to_owned();
        name.push(".drains");
        PathBuf::from(name)
    }

    /// Reads the file; one that is not there says that nothing is drained.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn read(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
            Ok(found) if found.len() > MOST_BYTES => {
                return Err(io::Error::other("it is too long to be a list of drains"));
            }
            Ok(_) => {}
        }
        let found: Self = serde_json::from_slice(&fs::read(path)?)
            .map_err(|error| io::Error::other(format!("it is no list of drains: {error}")))?;
        match found.version {
            VERSION => Ok(found),
            other => {
                Err(io::Error::other(format!("it is of version {other}, and this lvsadm knows version {VERSION}")))
            }
        }
    }

    /// Replaces the file; a list of nothing takes it away.
    ///
    /// # Errors
    /// It cannot be written; the old one is then what it was.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if self.drains.is_empty() && self.starts.is_empty() {
            return match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let mut text = serde_json::to_vec_pretty(&Self { version: VERSION, ..self.clone() })?;
        text.push(b'\n');
        store::replace(path, &text)
    }

    /// Returns the drain of a server.
    pub fn drain(&self, member: &Member) -> Option<&Drain> {
        self.drains.iter().find(|drain| drain.member == *member)
    }

    /// Takes the drain of a server off the list.
    pub fn take(&mut self, member: &Member) -> Option<Drain> {
        let at = self.drains.iter().position(|drain| drain.member == *member)?;
        Some(self.drains.remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(server: &str) -> Drain {
        let member = Member { service: "-t 10.0.0.1:80".into(), server: server.into() };
        Drain { member, weight: 3, owner: "root on pts/0".into(), since: 1_700_000_000, pid: 77 }
    }

    #[test]
    fn a_list_comes_back_and_an_empty_one_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = Drains::beside(&directory.path().join("state"));
        assert_eq!(path.file_name().unwrap(), "state.drains");
        assert_eq!(Drains::read(&path).unwrap().drains, []);
        let mut list = Drains { drains: vec![drain("10.0.0.11:80"), drain("10.0.0.12:80")], ..Drains::default() };
        list.write(&path).unwrap();
        assert_eq!(Drains::read(&path).unwrap().drains, list.drains);
        let member = drain("10.0.0.11:80").member;
        assert_eq!(list.take(&member), Some(drain("10.0.0.11:80")));
        assert_eq!(list.drain(&member), None);
        list.drains.clear();
        list.write(&path).unwrap();
        list.write(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn other_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        for (text, why) in
            [("-A -t 10.0.0.1:80\n", "no list of drains"), ("{\"version\":9,\"drains\":[]}", "version 9")]
        {
            fs::write(&path, text).unwrap();
            assert!(Drains::read(&path).unwrap_err().to_string().contains(why));
        }
    }
}
