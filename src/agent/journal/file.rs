//! The journal on disk: a line for each event, appended as it comes; from time to time the file is replaced by what is
//! still remembered. A line that a crash or a full disk has cut is left out when the file is read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::store::{Entry, Store};
use crate::state::store::replace_private;

/// How many bytes of forgotten events the file may hold before it is replaced.
const SLACK: u64 = 1 << 20;

/// A longer file is none of ours, and its begin is left out.
const MOST_READ: u64 = 32 << 20;

/// The file that events are appended to.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl JournalFile {
    /// Opens the file at `path`, for this user alone, and fills `store` with what it holds. Directories are made where
    /// they are missing.
    ///
    /// # Errors
    /// It cannot be made, read or written.
    pub(super) fn open(path: &Path, store: &mut Store) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = open(path)?;
        read(&mut file, store)?;
        let bytes = file.metadata()?.len();
        let mut journal = Self { path: path.to_owned(), file, bytes };
        // What a crash has cut off is not to be the begin of another line.
        journal.append(b"\n")?;
        Ok(journal)
    }

    /// Appends a line with its end.
    ///
    /// # Errors
    /// It cannot be written, or not all of it.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Replaces the file by what is remembered, if it has grown far beyond that.
    ///
    /// # Errors
    /// The new file cannot be written; the old one is as it was.
    pub(super) fn tidy(&mut self, store: &Store) -> io::Result<()> {
        if self.bytes <= store.bytes() as u64 + SLACK {
            return Ok(());
        }
        let text: Vec<u8> = store.after(0).flat_map(line).collect();
        replace_private(&self.path, &text)?;
        self.file = open(&self.path)?;
        self.bytes = text.len() as u64;
        Ok(())
    }
}

/// Reads what a file holds, without changing it.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(file: &mut File, store: &mut Store) -> io::Result<()> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST_READ)))?;
    let mut lines = BufReader::new(file.take(MOST_READ));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        if let Ok(entry) = serde_json::from_slice(&line) {
            store.add(entry, line.len());
        }
        line.clear();
    }
    Ok(())
}

/// Returns an event as a line of the file.
pub(super) fn line(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).unwrap_or_default();
    line.push(b'\n');
    line
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}
