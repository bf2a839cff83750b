//! Which discriminators sessions had, for the process after this one: a neighbour that still uses them is understood at once.
//! Kept in a file of the run directory.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use log::warn;

const FILE: &str = "bfd.discriminators";

/// The file.
#[derive(Debug)]
pub(super) struct Memory {
    directory: PathBuf,
    saved: BTreeMap<String, u32>,
}

impl Memory {
    /// Reads what an earlier process left. What cannot be read is as good as not there.
    pub(super) fn open(directory: &Path) -> (Self, BTreeMap<String, u32>) {
        let text = fs::read(directory.join(FILE)).unwrap_or_default();
        let saved: BTreeMap<String, u32> = serde_json::from_slice(&text).unwrap_or_default();
        (Self { directory: directory.to_owned(), saved: saved.clone() }, saved)
    }

    /// Writes them down, if they are others.
    pub(super) fn save(&mut self, discriminators: &BTreeMap<String, u32>) {
        if *discriminators == self.saved {
            return;
        }
        self.saved = discriminators.clone();
        if let Err(error) = self.write() {
            warn!("cannot write down the discriminators of BFD sessions in {}: {error}", self.directory.display());
        }
    }

    fn write(&self) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let mut file = tempfile::Builder::new().prefix(".bfd.").tempfile_in(&self.directory)?;
        serde_json::to_writer(&mut file, &self.saved)?;
        file.flush()?;
        file.persist(self.directory.join(FILE)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Nothing is left behind.
    pub(super) fn forget(self) {
        // Gone already is as good.
        let _ = fs::remove_file(self.directory.join(FILE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let (mut memory, found) = Memory::open(directory.path());
        assert!(found.is_empty());
        let numbers = BTreeMap::from([("a".to_owned(), 7)]);
        memory.save(&numbers);
        let (memory, found) = Memory::open(directory.path());
        assert_eq!(found, numbers);
        memory.forget();
        assert!(Memory::open(directory.path()).1.is_empty());
    }
}
