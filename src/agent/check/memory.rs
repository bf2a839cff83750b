//! What a check process leaves to the next one, in the run directory: the operator's table, and which servers drain.
//!
//! The table is a save file that grows: each change is one more line, and from time to time it is written anew. So a change
//! costs the same however large the table is. A process that is killed while it writes leaves half a line at most, which
//! the next one passes over.

use std::{
    borrow::Borrow,
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    agent::control::Place,
    ipvs::plan::{Extra, plan},
    model::{Change, Moment, ServerKey, ServiceKey, Table, Weight},
    pool::{
        drain::{Drain, Turn},
        ramp::Ramp,
    },
    state::{file, grammar::NoNames, print, store},
};

/// The operator's table, in the run directory.
const TABLE: &str = "table";

/// What drains and ramps, in the run directory.
const TURNS: &str = "turns";

/// What an orderly end left in the kernel otherwise than the operator wants it, in the run directory.
const LEFT: &str = "left";

/// Adds changes of services and servers, made in the kernel while nobody holds the table, to what the last process left in
/// this run directory, so that the next one goes on with them. Does nothing if none left a table.
///
/// # Errors
/// The file cannot be written.
pub fn note_for_next(directory: &Path, changes: impl Iterator<Item = impl Borrow<Change>>) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(directory.join(TABLE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let text: String = changes.map(|change| print::change_line(change.borrow()) + "\n").collect();
    // Whoever was killed may have left half a line.
    let mut content = Vec::new();
    (&file).read_to_end(&mut content)?;
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    file.write_all_at(text.as_bytes(), u64::try_from(whole).unwrap_or_default())
}

/// So many lines are added before the table is written anew, and as many as it has.
const FEW: usize = 1000;

/// The files of a process. Failures are logged once: the process works without them.
#[derive(Debug, Default)]
pub(super) struct Memory {
    directory: Option<PathBuf>,
    /// The table's file, at its end; `None` if it has to be written anew.
    file: Option<File>,
    /// Lines of the table when it was written, and added since.
    lines: (usize, usize),
    /// Servers of which it is kept that they drain or ramp.
    turned: HashSet<(ServiceKey, ServerKey)>,
    failed: bool,
}

/// A server that drains or ramps, as it is kept. Times are milliseconds since the machine was started.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    place: Place,
    since: u64,
    #[serde(flatten)]
    what: What,
}

/// Servers at an orderly end, as lines of their services.
#[derive(Debug, Serialize, Deserialize)]
struct Left {
    /// As the operator wants them.
    operator: Vec<String>,
    /// As the kernel has them; those that it does not have are not here.
    kernel: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Drain { owner: Option<String>, delete: bool, until: Option<u64>, over: bool },
    Ramp { length: u64 },
}

impl Memory {
    /// Keeps nothing without a directory.
    pub(super) fn new(directory: Option<&Path>) -> Self {
        Self { directory: directory.map(Path::to_owned), ..Self::default() }
    }

    /// Returns the operator's table that a process before this one left; `None` if there is none that can be used.
    pub(super) fn table(&self) -> Option<Table> {
        let path = self.directory.as_ref()?.join(TABLE);
        let content = read(&path)?;
        let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        match file::parse(content.get(..whole)?, &NoNames) {
            Ok(read) => Some(Table { timeouts: None, daemons: Vec::new(), ..read.table }),
            Err(faults) => {
                let first = faults.first().map(|fault| format!("line {}: {}", fault.line, fault.message));
                log::error!("{} cannot be used: {}", path.display(), first.unwrap_or_default());
                None
            }
        }
    }

    /// Returns which servers drain or ramp.
    pub(super) fn turns(&self) -> Vec<(ServiceKey, ServerKey, Turn)> {
        let Some(content) = self.directory.as_ref().and_then(|directory| read(&directory.join(TURNS))) else {
            return Vec::new();
        };
        let kept: Vec<Kept> = serde_json::from_slice(&content).unwrap_or_else(|error| {
            log::error!("what drains is not known any more: {error}");
            Vec::new()
        });
        let turn = |kept: Kept| {
            let (service, server) = kept.place.keys().ok()?;
            let since = moment(kept.since);
            let turn = match kept.what {
                What::Drain { owner, delete, until, over } => {
                    Turn::Drain(Drain { since, owner, delete, until: until.map(moment), left: None, over })
                }
                What::Ramp { length } => Turn::Ramp(Ramp::new(since, Duration::from_millis(length))),
            };
            Some((service, server, turn))
        };
        kept.into_iter().filter_map(turn).collect()
    }

    /// Notes changes of the operator's table, which is `table` after them.
    pub(super) fn note(&mut self, changes: &[Change], table: impl FnOnce() -> Table) {
        if self.directory.is_none() || changes.is_empty() {
            return;
        }
        if self.lines.1 + changes.len() > self.lines.0 + FEW {
            self.file = None;
        }
        let Some(file) = &mut self.file else { return self.write(&table()) };
        let text: String = changes.iter().map(|change| print::change_line(change) + "\n").collect();
        match file.write_all(text.as_bytes()) {
            Ok(()) => self.lines.1 += changes.len(),
            Err(error) => {
                // What was written of it would spoil the next line.
                self.file = None;
                self.complain(TABLE, &error);
            }
        }
    }

    /// Writes the operator's table anew.
    pub(super) fn write(&mut self, table: &Table) {
        let Some(directory) = &self.directory else { return };
        let path = directory.join(TABLE);
        let mut text =
            "# The operator's table, which a check process goes on with that comes after one that died.\n".to_owned();
        let mut lines = 0;
        for change in plan(&Table::default(), table, Extra::Keep) {
            text.extend([&print::change_line(&change), "\n"]);
            lines += 1;
        }
        let written =
            store::replace_private(&path, text.as_bytes()).and_then(|()| OpenOptions::new().append(true).open(&path));
        match written {
            Ok(file) => {
                self.file = Some(file);
                self.lines = (lines, 0);
                self.failed = false;
            }
            Err(error) => self.complain(TABLE, &error),
        }
    }

    /// Whether these changes delete a server of which it is kept that it drains or ramps.
    pub(super) fn outlives(&self, changes: &[Change]) -> bool {
        let deletes = |change: &Change| match change {
            Change::DeleteServer(service, server) => self.turned.contains(&(*service, *server)),
            Change::DeleteService(key) => self.turned.iter().any(|(service, _)| service == key),
            _ => false,
        };
        !self.turned.is_empty() && changes.iter().any(deletes)
    }

    /// Writes which servers drain and ramp.
    pub(super) fn write_turns<'a>(&mut self, turns: impl Iterator<Item = (ServiceKey, ServerKey, &'a Turn)>) {
        let Some(directory) = &self.directory else { return };
        self.turned.clear();
        let kept = turns.map(|(service, server, turn)| {
            self.turned.insert((service, server));
            kept(&service, &server, turn)
        });
        let kept: Vec<Kept> = kept.collect();
        let written = serde_json::to_vec(&kept)
            .map_err(io::Error::from)
            .and_then(|content| store::replace_private(&directory.join(TURNS), &content));
        if let Err(error) = written {
            self.complain(TURNS, &error);
        }
    }

    /// Notes at an orderly end how the kernel is left where that is not what the operator wants: the next process may have
    /// to begin with the kernel's table.
    pub(super) fn leave(&mut self, operator: &Table, kernel: &Table) {
        let Some(directory) = &self.directory else { return };
        let left = Left { operator: lines(operator), kernel: lines(kernel) };
        let written = serde_json::to_vec(&left)
            .map_err(io::Error::from)
            .and_then(|content| store::replace_private(&directory.join(LEFT), &content));
        if let Err(error) = written {
            self.complain(LEFT, &error);
        }
    }

    /// Puts into a table that was read from the kernel what the operator wants of servers that are as an orderly end left
    /// them.
    pub(super) fn find_left(&self, table: &mut Table) {
        let Some(content) = self.directory.as_ref().and_then(|directory| read(&directory.join(LEFT))) else { return };
        let Ok(left) = serde_json::from_slice::<Left>(&content) else {
            return log::error!("how the last process left the kernel's table is not known any more");
        };
        let of = |lines: &[String]| file::parse(lines.join("\n").as_bytes(), &NoNames).unwrap_or_default().table;
        let (operator, kernel) = (of(&left.operator), of(&left.kernel));
        for (key, wanted) in operator.services {
            let Some(entry) = table.services.get_mut(&key) else { continue };
            let left = kernel.services.get(&key);
            // Sorry servers are nobody's wish.
            let unwanted =
                left.into_iter().flat_map(|left| &left.servers).filter(|(key, _)| !wanted.servers.contains_key(*key));
            for (server, left) in unwanted {
                if entry.servers.get(server) == Some(left) {
                    entry.servers.shift_remove(server);
                }
            }
            for (server, wanted) in wanted.servers {
                if entry.servers.get(&server) == left.and_then(|left| left.servers.get(&server)) {
                    entry.servers.insert(server, wanted);
                }
            }
        }
    }

    /// Puts into a table that was read from the kernel the weights of servers that a killed process was draining: they are 0
    /// there, and nobody's wish.
    pub(super) fn find_drained(&self, table: &mut Table) {
        let Some(before) = self.table() else { return };
        for (service, server, _) in self.turns() {
            let Some(meant) = before.services.get(&service).and_then(|entry| entry.servers.get(&server)) else {
                continue;
            };
            let held = table.services.get_mut(&service).and_then(|entry| entry.servers.get_mut(&server));
            if let Some(held) = held.filter(|held| held.weight == Weight::ZERO) {
                held.weight = meant.weight;
            }
        }
    }

    fn complain(&mut self, what: &str, error: &io::Error) {
        let Some(directory) = self.directory.as_ref().filter(|_| !self.failed) else { return };
        log::error!(
            "cannot write {}: {error}; a process that is started after this one has been killed will not know of it",
            directory.join(what).display()
        );
        self.failed = true;
    }
}

fn kept(service: &ServiceKey, server: &ServerKey, turn: &Turn) -> Kept {
    let millis = |moment: Moment| millis(moment.since_start());
    let (since, what) = match turn {
        Turn::Drain(drain) => {
            let until = drain.until.map(millis);
            let what = What::Drain { owner: drain.owner.clone(), delete: drain.delete, until, over: drain.over };
            (drain.since, what)
        }
        Turn::Ramp(ramp) => (ramp.since, What::Ramp { length: self::millis(ramp.length) }),
    };
    Kept { place: Place::new(service, server), since: millis(since), what }
}

fn lines(table: &Table) -> Vec<String> {
    plan(&Table::default(), table, Extra::Keep).map(|change| print::change_line(&change)).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn moment(millis: u64) -> Moment {
    Moment::from_start(Duration::from_millis(millis))
}

/// Reads a file that need not be there.
fn read(path: &Path) -> Option<Vec<u8>> {
    match std::fs::read(path) {
        Ok(content) => Some(content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            log::error!("cannot read {}: {error}", path.display());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::control::change;

    fn changes(lines: &[&str]) -> Vec<Change> {
        lines.iter().map(|line| change(line).expect(line)).collect()
    }

    fn table(lines: &[&str]) -> Table {
        let mut table = Table::default();
        changes(lines).iter().for_each(|change| table.apply(change).expect("it fits"));
        table
    }

    #[test]
    fn what_was_noted_is_there_for_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut memory = Memory::new(Some(directory.path()));
        assert_eq!(memory.table(), None);
        let all =
            ["-A -t 10.0.0.1:80 -s rr", "-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 1", "-A -f 5 -6 -s sh -b sh-port"];
        memory.note(&changes(&all[..1]), || table(&all[..1]));
        memory.note(&changes(&all[1..]), || unreachable!("it is added"));
        assert_eq!(memory.table(), Some(table(&all)));
        memory.note(&changes(&["-e -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 7"]), || unreachable!("it is added"));
        let read = memory.table().unwrap();
        assert_eq!(read.services[0].servers[0].weight.value(), 7);
        // Half a line of a process that was killed.
        let path = directory.path().join(TABLE);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"-D -f 5 -").unwrap();
        assert_eq!(memory.table(), Some(read));
        std::fs::write(&path, "-A nonsense\n").unwrap();
        assert_eq!(memory.table(), None);
        let mut none = Memory::new(None);
        none.note(&changes(&["-C"]), || unreachable!("it keeps nothing"));
        assert_eq!(none.table(), None);
    }

    #[test]
    fn many_changes_do_not_make_a_large_file() {
        let directory = tempfile::tempdir().unwrap();
        let mut memory = Memory::new(Some(directory.path()));
        let all = ["-A -t 10.0.0.1:80 -s rr"];
        for _ in 0..5 * FEW {
            memory.note(&changes(&["-E -t 10.0.0.1:80 -s rr"]), || table(&all));
        }
        let text = std::fs::read_to_string(directory.path().join(TABLE)).unwrap();
        assert!(text.lines().count() <= FEW + 3, "{}", text.lines().count());
        assert_eq!(memory.table(), Some(table(&all)));
    }

    const SORRY: &str = "-a -f 5 -r 10.0.0.99:0 -g -w 1";

    #[test]
    fn servers_that_were_out_at_an_orderly_end_are_not_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let mut memory = Memory::new(Some(directory.path()));
        let operator = [
            "-A -f 5 -s rr",
            "-a -f 5 -r 10.0.0.11:0 -g -w 1",
            "-a -f 5 -r 10.0.0.12:0 -g -w 2",
            "-a -f 5 -r 10.0.0.13:0 -g -w 3",
            "-A -f 6 -s rr",
            "-a -f 6 -r 10.0.0.11:0 -g -w 1",
        ];
        let kernel = ["-A -f 5 -s rr", "-a -f 5 -r 10.0.0.12:0 -g -w 0", "-a -f 5 -r 10.0.0.13:0 -g -w 0", SORRY];
        memory.leave(&table(&operator), &table(&kernel));
        // Somebody has changed one since, and deleted a service.
        let mut now =
            table(&["-A -f 5 -s wlc", "-a -f 5 -r 10.0.0.12:0 -g -w 0", "-a -f 5 -r 10.0.0.13:0 -g -w 9", SORRY]);
        memory.find_left(&mut now);
        let wanted = [
            "-A -f 5 -s wlc",
            "-a -f 5 -r 10.0.0.11:0 -g -w 1",
            "-a -f 5 -r 10.0.0.12:0 -g -w 2",
            "-a -f 5 -r 10.0.0.13:0 -g -w 9",
        ];
        assert_eq!(now, table(&wanted));
    }

    #[test]
    fn drains_and_ramps_come_back() {
        let directory = tempfile::tempdir().unwrap();
        let mut memory = Memory::new(Some(directory.path()));
        let (service, server) =
            Place { service: "-f 5 -6".into(), server: "[fd00::1]:0".into() }.keys().expect("they are named");
        let drain = Turn::Drain(Drain {
            since: moment(17),
            owner: Some("me".into()),
            delete: true,
            until: Some(moment(60_000)),
            left: None,
            over: false,
        });
        let ramp = Turn::Ramp(Ramp::new(moment(5), Duration::from_secs(60)));
        memory.write_turns([(service, server, &drain), (service, server, &ramp)].into_iter());
        assert_eq!(memory.turns(), [(service, server, drain), (service, server, ramp)]);
        let other = ServerKey { port: 1, ..server };
        assert!(!memory.outlives(&[Change::DeleteServer(service, other)]));
        assert!(memory.outlives(&[Change::DeleteServer(service, server)]));
        assert!(memory.outlives(&[Change::DeleteService(service)]));
        std::fs::write(directory.path().join(TURNS), "[{}]").unwrap();
        assert_eq!(memory.turns(), []);
    }
}
