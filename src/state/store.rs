//! Writing a file so that at every moment either the old or the new content is there, whole.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use tempfile::Builder;

/// Replaces the content of `path`: temporary file beside it, fsync, rename, fsync of the directory.
///
/// Mode and owner of an existing file are kept; a symbolic link stays one and its target is replaced. What is not a
/// regular file (`/dev/stdout`, a pipe) is written to as it is.
///
/// # Errors
/// Any failure to create, write, sync or rename; the old file is then untouched, and no temporary file stays.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let target = resolve(path)?;
    let old = match fs::metadata(&target) {
        Ok(old) if old.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(old) if !old.is_file() => return fs::OpenOptions::new().write(true).open(&target)?.write_all(content),
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Nobody but the owner sees the content before it has the permissions of the file that it replaces.
    let first_mode = if old.is_some() { 0o600 } else { 0o666 };
    let mut file = Builder::new()
        .prefix(".lvsadm-")
        .suffix(".tmp")
        .permissions(fs::Permissions::from_mode(first_mode))
        .tempfile_in(directory)?;
    file.write_all(content)?;
    if let Some(old) = old {
        // Owner before mode: a change of owner clears the set-id bits.
        fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
        file.as_file().set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    // The rename itself must survive a crash, too.
    fs::File::open(directory)?.sync_all()
}

/// Follows symbolic links, also those whose target does not exist yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = target.with_file_name(next),
            // EINVAL: not a link; NotFound: nothing there yet.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn mode_and_link_are_kept_and_nothing_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("table");
        let link = directory.path().join("link");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("table", &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(directory.path()), ["link", "table"]);
    }

    #[test]
    fn a_dangling_link_gets_its_target() {
        let directory = tempfile::tempdir().unwrap();
        symlink("later", directory.path().join("link")).unwrap();
        replace(&directory.path().join("link"), b"x").unwrap();
        assert_eq!(names(directory.path()), ["later", "link"]);
    }

    #[test]
    fn devices_are_written_not_replaced() {
        replace(Path::new("/dev/null"), b"x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn failure_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        assert!(replace(directory.path(), b"x").is_err());
        assert!(replace(&directory.path().join("missing/file"), b"x").is_err());
        assert_eq!(names(directory.path()), [""; 0]);
    }
}
