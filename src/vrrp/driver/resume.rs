//! What a process leaves behind for the one after it, should it be killed: who was master, when adverts were last sent, what
//! was changed on the host and has to be put back. Kept in files of the run directory, which a restart of the machine empties.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{host::sysctl, model::Moment, vrrp::settings::Instance};

/// The state file.
const STATE: &str = "vrrp.state";

/// Eight bytes: when adverts were last sent, in nanoseconds of the clock that [`Moment`]s count.
const HEARTBEAT: &str = "vrrp.heartbeat";

/// What an earlier process left behind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Left {
    /// Which start of the machine it was; moments of another one mean nothing.
    pub(super) boot: String,
    /// The masters, as [`key`] names them.
    pub(super) masters: Vec<String>,
    /// How far the sequence numbers of masters with an authentication header were.
    pub(super) sequences: BTreeMap<String, Sequence>,
    /// Addresses of its masters: those that settings know no more are nobody's now.
    pub(super) addresses: Vec<Held>,
    /// Macvlans that it made.
    pub(super) macvlans: Vec<String>,
    /// Kernel parameters as it found them.
    pub(super) sysctls: Vec<sysctl::Found>,
}

/// An address on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    /// Index of its link.
    pub(super) link: u32,
    /// The address.
    pub(super) address: IpAddr,
    /// Prefix length in bits.
    pub(super) prefix: u8,
}

/// How far the sequence numbers of an authentication header were at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sequence {
    /// Milliseconds of the clock that [`Moment`]s count.
    at_ms: u64,
    number: u32,
}

impl Sequence {
    /// Notes a number.
    pub(super) fn new(at: Moment, number: u32) -> Self {
        Self { at_ms: u64::try_from(at.since_start().as_millis()).unwrap_or(u64::MAX), number }
    }

    /// Returns a number that cannot have been reached by `now` with an advert each `interval`, answers to others included.
    pub(super) fn by(self, now: Moment, interval: Duration) -> u32 {
        let since = now.since(Moment::from_start(Duration::from_millis(self.at_ms)));
        let adverts = since.as_nanos() / interval.as_nanos().max(1);
        let most = u32::try_from(adverts.saturating_mul(2)).unwrap_or(u32::MAX).saturating_add(1000);
        self.number.saturating_add(most)
    }
}

/// The files of this process.
pub(super) struct Resume {
    directory: PathBuf,
    heartbeat: File,
    beat: Moment,
}

impl Resume {
    /// Opens the files in a directory, which is made if it is missing, and reads what is in them: what was left, and
    /// when adverts were last sent.
    ///
    /// # Errors
    /// The directory or a file in it cannot be made.
    pub(super) fn open(directory: &Path) -> io::Result<(Self, Left, Option<Moment>)> {
        fs::create_dir_all(directory)?;
        let path = directory.join(HEARTBEAT);
        let heartbeat =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        // What cannot be read is as good as not there: it is only used to avoid a failover.
        let text = fs::read(directory.join(STATE)).unwrap_or_default();
        let mut left: Left = serde_json::from_slice(&text).unwrap_or_default();
        if left.boot != boot() {
            // Links have other numbers since, and nothing is on them.
            left.addresses.clear();
        }
        let mut bytes = [0; 8];
        let beat = heartbeat.read_exact_at(&mut bytes, 0).ok().filter(|()| left.boot == boot());
        let beat = beat.map(|()| Moment::from_start(Duration::from_nanos(u64::from_le_bytes(bytes))));
        Ok((Self { directory: directory.to_owned(), heartbeat, beat: Moment::ZERO }, left, beat))
    }

    /// Notes that adverts were sent; writes it down if that is `every` later than what is written.
    pub(super) fn beat(&mut self, now: Moment, every: Duration) -> io::Result<()> {
        if now.since(self.beat) < every {
            return Ok(());
        }
        self.beat = now;
        let nanoseconds = u64::try_from(now.since_start().as_nanos()).unwrap_or(u64::MAX);
        self.heartbeat.write_all_at(&nanoseconds.to_le_bytes(), 0)
    }

    /// Writes down what the next process has to know.
    pub(super) fn save(&self, left: &Left) -> io::Result<()> {
        let left = Left { boot: boot(), ..left.clone() };
        let mut file = tempfile::Builder::new().prefix(".vrrp.").tempfile_in(&self.directory)?;
        serde_json::to_writer(&mut file, &left)?;
        file.flush()?;
        file.persist(self.directory.join(STATE)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Nothing is left behind.
    pub(super) fn finish(self) {
        for name in [STATE, HEARTBEAT] {
            // Gone already is as good.
            let _ = fs::remove_file(self.directory.join(name));
        }
    }
}

/// Returns what an instance is known by from one process to the next: settings with another meaning have another key.
pub(super) fn key(instance: &Instance) -> String {
    let Instance { name, interface, vrid, family, .. } = instance;
    format!("{name} {} {vrid} {family:?}", interface.as_deref().unwrap_or("-"))
}

/// Returns the masters that nobody can have replaced yet: adverts were sent so lately that the others still wait.
pub(super) fn resumed(instances: &[Instance], left: &Left, beat: Option<Moment>, now: Moment) -> Vec<String> {
    let Some(silence) = beat.map(|beat| now.since(beat)) else { return Vec::new() };
    // The others wait for their skew time, too, which may be next to nothing.
    let in_time = |instance: &&Instance| silence < instance.interval * u32::from(instance.down_timer_adverts);
    let was_master = |instance: &&Instance| left.masters.contains(&key(instance));
    instances.iter().filter(in_time).filter(was_master).map(|instance| instance.name.clone()).collect()
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Left, Resume};
    use crate::model::Moment;

    #[test]
    fn what_is_left_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let (mut resume, left, beat) = Resume::open(directory.path()).unwrap();
        assert!(left.masters.is_empty() && beat.is_none());
        resume.save(&Left { masters: vec!["VI_1 eth0 51 V4".to_owned()], ..Left::default() }).unwrap();
        let moment = |ms| Moment::from_start(Duration::from_millis(ms));
        resume.beat(moment(5000), Duration::from_millis(100)).unwrap();
        resume.beat(moment(5050), Duration::from_millis(100)).unwrap();

        let (resume, left, beat) = Resume::open(directory.path()).unwrap();
        assert_eq!(left.masters, ["VI_1 eth0 51 V4"]);
        assert_eq!(beat, Some(moment(5000)));
        resume.finish();
        let (_, left, beat) = Resume::open(directory.path()).unwrap();
        assert!(left.masters.is_empty() && beat.is_none());
    }
}
