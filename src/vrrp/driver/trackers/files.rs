//! Files with numbers in them: read when something happens in their directories.
//!
//! Directories are watched, not files, because programs replace files rather than write to them. A directory that is not there
//! yet, that goes away, or that is on a file system whose changes this kernel does not hear of (NFS, FUSE, proc), is looked at
//! each second instead.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    errno::Errno,
    libc,
    sys::{
        inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor},
        statfs::{self, FsType},
    },
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, sleep_until},
};

use super::Out;
use crate::{
    sys::ready,
    vrrp::{
        event::Observation,
        settings::{TrackedFile, Tracker},
        track::number,
    },
};

/// How often directories are looked at that cannot be watched.
const LOOK: Duration = Duration::from_secs(1);

/// Files are at most read this often, however often they are written to.
const PAUSE: Duration = Duration::from_millis(10);

/// More bytes than a number has.
const LONGEST: u64 = 64;

/// What may change a file or what a link on its way leads to.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_CLOSE_WRITE
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_CREATE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_ONLYDIR);

/// File systems that can change without this kernel: `statfs` types, which nix names only in part.
const CHANGED_ELSEWHERE: [FsType; 9] = [
    statfs::NFS_SUPER_MAGIC,
    statfs::SMB_SUPER_MAGIC,
    statfs::PROC_SUPER_MAGIC,
    statfs::SYSFS_MAGIC,
    statfs::FUSE_SUPER_MAGIC,
    // Ceph, CIFS, SMB2, 9p.
    FsType(0x00c3_6400),
    FsType(0xff53_4d42u32 as libc::__fsword_t),
    FsType(0xfe53_4d42u32 as libc::__fsword_t),
    FsType(0x0102_1997),
];

/// Watches files for ever; writes the initial values of those that are new.
pub(super) async fn watch(files: Vec<TrackedFile>, new: Vec<TrackedFile>, out: Out) {
    initialise(&new);
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
        .map_err(io::Error::from)
        .and_then(|inotify| Ok((ready::readable(&inotify)?, inotify)));
    let inotify = match inotify {
        Ok(inotify) => Some(inotify),
        Err(error) => {
            log::warn!("tracked files are looked at each second, because their directories cannot be watched: {error}");
            None
        }
    };
    let directories: HashSet<PathBuf> = files.iter().map(|file| directory(&file.path).to_owned()).collect();
    let mut watcher = Watcher { files, directories, inotify, watched: HashMap::new(), values: HashMap::new(), out };
    loop {
        // The watch first, so that what happens between it and the reading is seen.
        let all_watched = watcher.watch_directories();
        watcher.read().await;
        watcher.wait((!all_watched).then(|| Instant::now() + LOOK)).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Writes the initial values of files.
pub(super) fn initialise(files: &[TrackedFile]) {
    for file in files {
        if let Some((value, overwrite)) = file.initial
            && let Err(error) = write(&file.path, value, overwrite)
        {
            log::warn!("file {}: cannot write {value} into {}: {error}", file.name, file.path.display());
        }
    }
}

/// Returns a file's number, 0 if there is none.
pub(super) fn value(path: &Path) -> i64 {
    read(path).unwrap_or(0)
}

struct Watcher {
    files: Vec<TrackedFile>,
    directories: HashSet<PathBuf>,
    inotify: Option<(AsyncFd<OwnedFd>, Inotify)>,
    watched: HashMap<WatchDescriptor, PathBuf>,
    /// What was found last.
    values: HashMap<String, Result<i64, String>>,
    out: Out,
}

impl Watcher {
    /// Watches what is not watched yet; whether that succeeded for all.
    fn watch_directories(&mut self) -> bool {
        let Some((_, inotify)) = &self.inotify else {
            return false;
        };
        let mut all = true;
        for directory in &self.directories {
            if self.watched.values().any(|watched| watched == directory) {
                continue;
            }
            let is_heard_of =
                statfs::statfs(directory).is_ok_and(|found| !CHANGED_ELSEWHERE.contains(&found.filesystem_type()));
            match inotify.add_watch(directory, CHANGES) {
                Ok(watch) if is_heard_of => {
                    self.watched.insert(watch, directory.clone());
                }
                _ => all = false,
            }
        }
        all
    }

    async fn read(&mut self) {
        for file in &self.files {
            let value = read(&file.path);
            if self.values.get(&file.name) == Some(&value) {
                continue;
            }
            match &value {
                Ok(number) => log::info!("file {}: {number}", file.name),
                Err(reason) => log::warn!("file {}: {}: {reason}; taken for 0", file.name, file.path.display()),
            }
            let number = value.as_ref().copied().unwrap_or(0);
            self.values.insert(file.name.clone(), value);
            self.out.tell(Tracker::File(file.name.clone()), Observation::Value(number)).await;
        }
    }

    /// Waits for something to happen in a directory, or until `end`.
    async fn wait(&mut self, end: Option<Instant>) {
        let look = async {
            match end {
                Some(end) => sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        let Some((ready, inotify)) = &self.inotify else {
            return look.await;
        };
        tokio::select! {
            () = look => {}
            events = ready.async_io(Interest::READABLE, |_| Ok(inotify.read_events()?)) => {
                for event in events.unwrap_or_default() {
                    if event.mask.intersects(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_MOVE_SELF) {
                        // What has this name from now on is another directory.
                        self.watched.remove(&event.wd);
                        let _ = inotify.rm_watch(event.wd);
                    }
                }
            }
        }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new("/"))
}

/// Returns a file's number; a missing file is 0, as in keepalived.
fn read(path: &Path) -> Result<i64, String> {
    // A FIFO must not hold us.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = match file {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other.map_err(|error| error.to_string())?,
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("not a file".to_owned());
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).map_err(|error| error.to_string())?;
    Ok(number(&text))
}

/// Writes an initial value. We may be root and the directory may be everybody's, so no link is followed.
fn write(path: &Path, value: i64, overwrite: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let mut file: File = match options.clone().create_new(true).open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::EEXIST as i32) => {
            if !overwrite {
                return Ok(());
            }
            options.open(path)?
        }
        other => other?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    file.set_len(0)?;
    writeln!(file, "{value}")
}
