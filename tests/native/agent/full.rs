//! Disks without room.

use std::{fs, io::Write, path::PathBuf, time::Duration};

use super::{Agent, LIMIT, LVSADM, line};
use crate::{
    support::{Words, run},
    vrrp::site::{Site, until},
};

/// A small file system of its own.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        let disk = Self(tempfile::tempdir().expect("a directory"));
        run(format!("mount -t tmpfs -o size=256k tmpfs {}", disk.0.path().display())).ok();
        disk
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Takes all the room that is left, to the last byte.
    fn fill(&self) {
        let mut waste = fs::File::create(self.file("waste")).expect("a file");
        for size in [4096, 1] {
            while waste.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.file("waste")).expect("it is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run(format!("umount --lazy {}", self.0.path().display()));
    }
}

/// The directory of the save file has no room: commands say so, the old file stays, what was changed runs.
#[test]
fn a_full_disk_at_save() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let agent = Agent(host);
    let disk = Disk::new();
    let file = disk.file("lvsadm");
    let old = format!("# mine\n{}", line("A", 51, 150));
    fs::write(&file, &old).expect("room");
    let start = |options: &str| {
        let (file, run_dir) = (file.display(), host.run_dir());
        let words = format!("{LVSADM} agent run --state {file} --run-dir {} {options}", run_dir.display());
        let daemon = host.start(words.words());
        until("the agent is ready", LIMIT, || agent.status()["phase"] == "running");
        daemon
    };
    let names = || fs::read_dir(disk.0.path()).expect("a directory").count();

    let mut daemon = start("");
    until("it is master", LIMIT, || host.has("10.9.9.51"));
    disk.fill();
    let files = names();
    agent.lvsadm(line("B", 52, 150).trim()).ok();
    let refused = agent.lvsadm("save --all");
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains(&format!("cannot write {}", file.display())), "{refused}");
    assert!(refused.stderr.contains("No space left") && refused.stderr.contains("is unchanged"), "{refused}");
    assert_eq!((fs::read_to_string(&file).expect("it is there"), names()), (old.clone(), files));
    assert_eq!((&agent.status()["saved"], &agent.vrrp()["restarts"]), (&false.into(), &0.into()));
    until("what was changed runs", LIMIT, || host.has("10.9.9.51") && host.has("10.9.9.52"));
    disk.free();
    agent.lvsadm("save --all").ok();
    let saved = fs::read_to_string(&file).expect("it is there");
    assert!(saved.starts_with(&old) && saved.contains("vrrp add B") && agent.status()["saved"] == true, "{saved}");
    daemon.stop();

    // With each change.
    let daemon = start("--autosave");
    disk.fill();
    let warned = agent.lvsadm(line("C", 53, 150).trim());
    assert!(warned.status == 0 && warned.stderr.contains("is not saved: cannot write"), "{warned}");
    assert!(daemon.log().contains("No space left") && daemon.log().contains("tried again"), "{}", daemon.log());
    assert_eq!(fs::read_to_string(&file).expect("it is there"), saved);
    until("what was changed runs", LIMIT, || host.has("10.9.9.51") && host.has("10.9.9.53"));
    disk.free();
    agent.lvsadm("vrrp edit C --priority 99").ok();
    let saved = fs::read_to_string(&file).expect("it is there");
    assert!(saved.contains("vrrp add C") && saved.contains("--priority 99"), "{saved}");
}

/// The run directory has no room: nothing is changed, because nobody would know of it after a crash.
#[test]
fn a_full_run_directory() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let disk = Disk::new();
    let run_dir = disk.file("run");
    host.file("state", &line("A", 51, 150));
    let words = format!("{LVSADM} agent run --state {} --run-dir {}", host.state().display(), run_dir.display());
    let mut daemon = host.start(words.words());
    let lvsadm = |words: &str| host.run(format!("{LVSADM} {words} --run-dir {}", run_dir.display()));
    until("it is master", LIMIT, || host.has("10.9.9.51"));
    disk.fill();
    let before = fs::read(run_dir.join("state")).expect("it is there");
    let refused = lvsadm(line("B", 52, 150).trim());
    assert!(refused.status == 1 && refused.stderr.contains("No space left"), "{refused}");
    assert_eq!(fs::read(run_dir.join("state")).expect("it is there"), before);
    // Long enough for an address that was to come, and for a process that was to die.
    std::thread::sleep(Duration::from_secs(1));
    assert!(host.has("10.9.9.51") && !host.has("10.9.9.52"), "{}", daemon.log());
    assert!(lvsadm("vrrp list").ok().contains("master"));
    disk.free();
    lvsadm(line("B", 52, 150).trim()).ok();
    until("it has both", LIMIT, || host.has("10.9.9.51") && host.has("10.9.9.52"));
    assert_eq!(daemon.stop().1, Some(0), "{}", daemon.log());
}
