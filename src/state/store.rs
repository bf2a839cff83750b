//! Writing a file so that at every moment either the old or the new content is there, whole; and by one at a time.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
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
    replace_masked(path, content, 0o7777)
}

/// As [`replace`], and takes all permissions of others than the owner away: for content with secrets.
///
/// # Errors
/// As [`replace`].
pub fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_masked(path, content, 0o7700)
}

fn replace_masked(path: &Path, content: &[u8], mask: u32) -> io::Result<()> {
    let target = resolve(path)?;
    let old = match fs::metadata(&target) {
        Ok(old) if old.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(old) if !old.is_file() => return fs::OpenOptions::new().write(true).open(&target)?.write_all(content),
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let directory = parent(&target);
    // Nobody but the owner sees the content before it has the permissions of the file that it replaces.
    let first_mode = if old.is_some() { 0o600 } else { 0o666 & mask };
    let mut file = Builder::new()
        .prefix(".lvsadm-")
        .suffix(".tmp")
        .permissions(fs::Permissions::from_mode(first_mode))
        .tempfile_in(directory)?;
    file.write_all(content)?;
    if let Some(old) = old {
        // Owner before mode: a change of owner clears the set-id bits.
        fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
        file.as_file().set_permissions(fs::Permissions::from_mode(old.mode() & mask))?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    // The rename itself must survive a crash, too.
    fs::File::open(directory)?.sync_all()
}

/// Keeps other lvsadm processes from changing a file until it is dropped.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, never read")] Flock<fs::File>);

/// Waits at most `limit` until nobody else holds the lock for changes of `path`.
///
/// It lies on the directory, because the file itself is replaced by each change.
///
/// # Errors
/// There is no such directory, or `WouldBlock` after the time.
pub fn lock(path: &Path, limit: Duration) -> io::Result<Lock> {
    const STEP: Duration = Duration::from_millis(20);
    let target = resolve(path)?;
    let mut directory = fs::File::open(parent(&target))?;
    let mut waited = Duration::ZERO;
    loop {
        match Flock::lock(directory, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(Lock(lock)),
            Err((back, Errno::EWOULDBLOCK)) if waited < limit => directory = back,
            Err((_, errno)) => return Err(errno.into()),
        }
        thread::sleep(STEP);
        waited += STEP;
    }
}

fn parent(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
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
    fn secrets_are_the_owners() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state");
        let mode = || fs::metadata(&file).unwrap().mode() & 0o7777;
        replace_private(&file, b"x").unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        replace_private(&file, b"y").unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state");
        let held = lock(&file, Duration::ZERO).unwrap();
        assert_eq!(lock(&file, Duration::ZERO).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        drop(lock(&file, Duration::ZERO).unwrap());
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
