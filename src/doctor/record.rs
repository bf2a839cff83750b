//! What `prepare` and `doctor --fix` found before they changed anything, kept in a file until it is put back. The only writer of that
//! file, which is private: it says what a host looks like.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    host::{namespace, prepare::Found},
    state::store,
};

/// Where the record of the machine itself is: it outlives the boot, as what `--persist` writes does.
const LASTING: &str = "/var/lib/lvsadm";

/// Where records of other network namespaces are, which do not outlive it.
const PASSING: &str = "/run/lvsadm";

/// Version of the file's form.
const VERSION: u32 = 1;

/// What was found, by command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// The commands, the first one first.
    pub entries: Vec<Entry>,
}

/// What one command found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The command, as a person would type it again.
    pub command: String,
    /// What was found on the host where it changed something.
    pub found: Vec<Found>,
    /// What was found in the places of files that it wrote.
    pub files: Vec<FileFound>,
}

/// What was in the place of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFound {
    /// Its path.
    pub path: PathBuf,
    /// Its content; `None` = there was none.
    pub before: Option<String>,
}

/// Returns where the record of the calling thread's network namespace is. The first one's has no number; that of another one
/// must not be found by the next one that gets its number.
pub fn place() -> PathBuf {
    let run_dir = namespace::run_dir(None);
    match run_dir.file_name().and_then(|name| name.to_str()).filter(|name| name.starts_with("net-")) {
        None => Path::new(LASTING).join("prepared.json"),
        Some(own) => Path::new(PASSING).join(format!("prepared-{own}.json")),
    }
}

/// Says what failed, and what it takes.
fn said(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        format!("{error}; this takes root")
    } else {
        error.to_string()
    }
}

/// Reads the record; an empty one if there is none.
///
/// # Errors
/// It cannot be read, or is damaged: in words.
pub fn read(path: &Path) -> Result<Record, String> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Record::default()),
        Err(error) => return Err(format!("cannot read {}: {}", path.display(), said(&error))),
    };
    // What is put back must be what we found, and not what somebody else wrote.
    let owner = fs::metadata(path).map(|found| found.uid()).unwrap_or(0);
    if owner != 0 && owner != nix::unistd::geteuid().as_raw() {
        return Err(format!("{} belongs to user {owner}, so it is not trusted", path.display()));
    }
    let record: Record =
        serde_json::from_slice(&text).map_err(|error| format!("{} is damaged: {error}", path.display()))?;
    if record.version != VERSION {
        return Err(format!("{} is of another version of lvsadm ({})", path.display(), record.version));
    }
    Ok(record)
}

/// Writes the record, or removes it if there is nothing in it.
///
/// # Errors
/// It cannot be written: in words.
pub fn write(path: &Path, record: &Record) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot write {}: {}", path.display(), said(&error));
    if record.entries.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        };
    }
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    }
    let record = Record { version: VERSION, ..record.clone() };
    let text = serde_json::to_vec_pretty(&record).map_err(|error| failed(error.into()))?;
    store::replace_private(path, &text).map_err(failed)
}

/// Puts files back, and returns what could not be.
pub fn put_back(files: &[FileFound]) -> Vec<String> {
    let back = |file: &FileFound| match &file.before {
        Some(before) => store::replace(&file.path, before.as_bytes()),
        None => match fs::remove_file(&file.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    };
    files
        .iter()
        .rev()
        .filter_map(|file| Some(format!("cannot put {} back: {}", file.path.display(), back(file).err()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_goes_when_it_is_empty() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("below/prepared.json");
        assert_eq!(read(&path), Ok(Record::default()));
        let found = vec![Found::LinkDown("tunl0".to_owned())];
        let entry = Entry { command: "x".to_owned(), found, files: Vec::new() };
        let record = Record { version: VERSION, entries: vec![entry] };
        write(&path, &record).expect("written");
        assert_eq!(read(&path), Ok(record));
        write(&path, &Record::default()).expect("removed");
        assert!(!path.exists());
        fs::write(&path, "{").expect("written");
        assert!(read(&path).expect_err("damaged").contains("is damaged"));
        fs::write(&path, r#"{"version":9,"entries":[]}"#).expect("written");
        assert!(read(&path).expect_err("another").contains("another version"));
    }

    #[test]
    fn namespaces_have_records_of_their_own() {
        let name = place().to_string_lossy().into_owned();
        assert!(name == "/var/lib/lvsadm/prepared.json" || name.starts_with("/run/lvsadm/prepared-"), "{name}");
    }
}
