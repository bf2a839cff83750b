//! A save file ↔ the table that it describes.
//!
//! The lines are taken as commands to an empty table, so that `-A` and `-a` build it up and any order of edits that
//! a person wrote means what it would mean to ipvsadm. Every fault of the whole file is reported; a file with a fault
//! describes nothing. Nothing here touches the kernel.

use std::collections::{HashMap, HashSet};

use super::{
    grammar::{self, Command, Names},
    words::{self, Word},
};
use crate::model::{Change, Conflict, ServiceKey, Table, Target};

/// Something wrong, or worth knowing, at one place of a save file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A save file that was read without a fault.
#[derive(Clone, Debug, Default)]
pub struct SaveFile {
    /// The table that it describes. Timeouts and daemons of which it says nothing are not in it.
    pub table: Table,
    /// What the file says but the kernel cannot do, and what is done instead.
    pub warnings: Vec<Fault>,
    /// How many of its lines are about what an agent does; the table says nothing of them, and they are not judged here.
    pub agent_lines: usize,
}

/// Which line is about what: the last one about each service, server, daemon, or the timeouts.
///
/// Made by reading the file again, because it is only wanted when something went wrong.
pub struct Lines(HashMap<Target, usize>);

impl Lines {
    /// Reads the lines of a save file once more. Lines with faults are about nothing.
    pub fn of(content: &[u8], names: &dyn Names) -> Self {
        let text = text(content).unwrap_or_default();
        Self::of_first(text, usize::MAX, names)
    }

    fn of_first(text: &str, count: usize, names: &dyn Names) -> Self {
        let target = |line: &str| {
            let words = words::split(line).ok()?;
            let texts: Vec<&str> = without_program(&words).iter().map(|word| &*word.text).collect();
            match grammar::parse(&texts, names).ok()?.command {
                Command::Change(change) => Some(change.target()),
                _ => None,
            }
        };
        Self(text.lines().zip(1..).take(count).filter_map(|(line, number)| Some((target(line)?, number))).collect())
    }

    /// Returns the line about the same service, server, daemon or timeouts as `change`, from 1.
    pub fn about(&self, change: &Change) -> Option<usize> {
        self.0.get(&change.target()).copied()
    }
}

/// Reads a save file.
///
/// # Errors
/// All faults, in the order of their lines.
pub fn parse(content: &[u8], names: &dyn Names) -> Result<SaveFile, Vec<Fault>> {
    let text = text(content).map_err(|fault| vec![fault])?;
    let mut reader =
        Reader { text, names, file: SaveFile::default(), lines: None, faults: Vec::new(), broken: HashSet::new() };
    for (line, number) in text.lines().zip(1..) {
        if let Err(fault) = reader.line(line, number) {
            reader.faults.push(fault);
        }
    }
    if reader.faults.is_empty() { Ok(reader.file) } else { Err(reader.faults) }
}

/// Returns the content as text, without the byte order mark that some editors write.
pub(super) fn text(content: &[u8]) -> Result<&str, Fault> {
    let no_text = |at: usize, what: &str| {
        let before = &content[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        let hint = "a save file is text: one command a line, as `lvsadm save` or `ipvsadm-save -n` writes them";
        Fault { line, column, message: format!("this is not a text file: {what}"), hint: Some(hint.to_owned()) }
    };
    if let Some(at) = content.iter().position(|byte| *byte == 0) {
        return Err(no_text(at, "there is a NUL byte"));
    }
    let text = str::from_utf8(content).map_err(|error| no_text(error.valid_up_to(), "a byte is not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

struct Reader<'a> {
    text: &'a str,
    names: &'a dyn Names,
    file: SaveFile,
    /// Kept from the first conflict on, to say with which line it is.
    lines: Option<Lines>,
    faults: Vec<Fault>,
    /// Services whose own line has a fault: their servers' lines are not to blame for that.
    broken: HashSet<ServiceKey>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, number: usize) -> Result<(), Fault> {
        let fault =
            |column: usize, message: String, hint: Option<String>| Fault { line: number, column, message, hint };
        let words = words::split(line).map_err(|unsplit| fault(unsplit.column(), unsplit.to_string(), None))?;
        let words = without_program(&words);
        let Some(first) = words.first() else { return Ok(()) };
        if !first.text.starts_with('-') {
            if Part::of(&first.text).is_some() {
                self.file.agent_lines += 1;
                return Ok(());
            }
            let message = format!("`{}` does not begin a line of a table", first.text);
            return Err(fault(first.column, message, Some(LINES.to_owned())));
        }
        let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        let column = |word: Option<usize>| word.and_then(|at| words.get(at)).unwrap_or(first).column;
        let parsed = grammar::parse(&texts, self.names).map_err(|error| {
            self.broken.extend(service_of(&texts, self.names));
            fault(column(error.word), error.to_string(), error.hint())
        })?;
        let change = match parsed.command {
            Command::Change(Change::Zero(_))
            | Command::List(_)
            | Command::Save { .. }
            | Command::Restore
            | Command::Help
            | Command::Version => {
                let message = format!("`{}` says nothing about what a table should hold", first.text);
                return Err(fault(first.column, message, Some(LINES.to_owned())));
            }
            Command::Change(change) => change,
        };
        let notes = parsed.notes.iter().map(|note| fault(first.column, note.to_string(), None));
        self.file.warnings.extend(notes);
        let target = change.target();
        match self.file.table.apply(&change) {
            Ok(()) => {
                if let Some(lines) = &mut self.lines {
                    lines.0.insert(target, number);
                }
                Ok(())
            }
            Err(Conflict::NoSuchService) if target.service().is_some_and(|key| self.broken.contains(&key)) => Ok(()),
            Err(conflict) => {
                let (text, names) = (self.text, self.names);
                let lines = self.lines.get_or_insert_with(|| Lines::of_first(text, number - 1, names));
                let (message, hint) = in_conflict(target, conflict, lines);
                Err(fault(first.column, message, hint))
            }
        }
    }
}

/// Says which earlier line a line is in conflict with, or which is missing.
fn in_conflict(target: Target, conflict: Conflict, lines: &Lines) -> (String, Option<String>) {
    let line = || lines.0.get(&target).map_or_else(String::new, |line| format!(" in line {line}"));
    match conflict {
        Conflict::ServiceExists | Conflict::ServerExists | Conflict::DaemonExists => {
            (format!("{target} is there already{}", line()), Some("keep one of the two lines".to_owned()))
        }
        Conflict::NoSuchService => {
            let service = target.service().map_or(target, Target::Service);
            (format!("{service} is not defined above this line"), Some("its line, with -A, comes first".to_owned()))
        }
        Conflict::NoSuchServer | Conflict::NoSuchDaemon => (format!("{target} is not defined above this line"), None),
    }
}

/// What of an agent a line is about, by its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Virtual routers.
    Vrrp,
    /// BFD sessions.
    Bfd,
    /// Health checks.
    Check,
    /// The agent itself.
    Set,
}

impl Part {
    /// Returns the part that lines with this first word are about.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "vrrp" => Some(Self::Vrrp),
            "bfd" => Some(Self::Bfd),
            "check" => Some(Self::Check),
            "set" => Some(Self::Set),
            _ => None,
        }
    }
}

/// What may begin a line, for people who wrote something else.
const LINES: &str = "lines begin with -A (virtual service), -a (real server), --set (timeouts) or --start-daemon";

/// Takes the program's name off, which people leave in front when they collect commands in a file.
pub(super) fn without_program<'a, 'b>(words: &'a [Word<'b>]) -> &'a [Word<'b>] {
    match words {
        [first, rest @ ..] if matches!(first.text.rsplit('/').next(), Some("ipvsadm" | "lvsadm")) => rest,
        words => words,
    }
}

/// Returns the service that a faulty line is about, if that much of it can be read.
fn service_of(words: &[&str], names: &dyn Names) -> Option<ServiceKey> {
    const SELECTORS: [&str; 8] =
        ["-t", "-u", "-f", "--sctp-service", "--tcp-service", "--udp-service", "--fwmark-service", "-6"];
    let at = words.iter().position(|word| SELECTORS.contains(word))?;
    let end = if words.get(at + 2) == Some(&"-6") { at + 3 } else { at + 2 };
    let line = [&["-D"], words.get(at..end)?].concat();
    match grammar::parse(&line, names).ok()?.command {
        Command::Change(Change::DeleteService(key)) => Some(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ipvs::plan::{Extra, plan},
        state::{grammar::NoNames, print},
    };

    fn faults(content: &str) -> Vec<(usize, usize, String)> {
        let faults = parse(content.as_bytes(), &NoNames).expect_err(content);
        faults.into_iter().map(|fault| (fault.line, fault.column, fault.message)).collect()
    }

    fn places(content: &str) -> Vec<(usize, usize)> {
        faults(content).into_iter().map(|(line, column, _)| (line, column)).collect()
    }

    fn lines_of(table: &Table) -> String {
        plan(&Table::default(), table, Extra::Keep).map(|change| print::change_line(&change) + "\n").collect()
    }

    #[test]
    fn lines_build_a_table() {
        let content = "\
\u{feff}# the web\r
--set 900 120 300\r

ipvsadm -A -t 10.0.0.1:80 -s 'rr'  # behind the firewall
/sbin/ipvsadm -a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 3
-a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 3
-E -t 10.0.0.1:80 -s lc
-e -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 4 -x 9
-d -t 10.0.0.1:80 -r 10.1.0.2:80";
        let file = parse(content.as_bytes(), &NoNames).unwrap();
        let expected = "--set 900 120 300\n-A -t 10.0.0.1:80 -s lc\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 4 -x 9\n";
        assert_eq!(lines_of(&file.table), expected);
        let empty = Table::default();
        let changes = plan(&empty, &file.table, Extra::Keep);
        let index = Lines::of(content.as_bytes(), &NoNames);
        let lines: Vec<_> = changes.map(|change| index.about(&change)).collect();
        assert_eq!(lines, [Some(2), Some(7), Some(8)]);
    }

    #[test]
    fn every_fault_is_placed() {
        let content = "\
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -w nine
-A -t 10.0.0.1:80
vrpr add VI_1
-a -u 10.0.0.1:80 -r 10.1.0.1
-A -f 7 'x
-L -n
-Z
-A -f 8 --bogus";
        assert_eq!(places(content), [(2, 37), (3, 1), (4, 1), (5, 1), (6, 9), (7, 1), (8, 1), (9, 9)]);
        assert_eq!(faults(content)[1].2, "TCP 10.0.0.1:80 is there already in line 1");
        assert_eq!(faults(content)[3].2, "UDP 10.0.0.1:80 is not defined above this line");
    }

    #[test]
    fn lines_of_the_agent_are_left_to_it() {
        let file = parse(b"vrrp add 'x\n-A -f 1\n check x\nset y # z\n", &NoNames);
        assert!(file.as_ref().is_err_and(|faults| faults.len() == 1), "a quote that is never closed ends no line");
        let file = parse(b"vrrp add x\n-A -f 1\n check x\nset y # z\n", &NoNames).unwrap();
        assert_eq!((file.agent_lines, file.table.services.len()), (3, 1));
    }

    #[test]
    fn servers_are_not_to_blame_for_their_service() {
        assert_eq!(places("-A -t 10.0.0.1:80 -s\n-a -t 10.0.0.1:80 -r 10.1.0.1"), [(1, 19)]);
        assert_eq!(places("-A -f 3 -6 -w 1\n-a -f 3 -6 -r fd00::1"), [(1, 12)]);
    }

    #[test]
    fn what_is_no_text_is_refused_once() {
        assert_eq!(places("-A -f 1\n-A\0"), [(2, 3)]);
        let faults = parse(b"-A -f 1\n \xff", &NoNames).unwrap_err();
        assert_eq!((faults.len(), faults[0].line, faults[0].column), (1, 2, 2));
    }

    #[test]
    fn an_empty_file_is_an_empty_table() {
        assert_eq!(parse(b"", &NoNames).unwrap().table, Table::default());
        assert_eq!(parse(b"\n# nothing\n\r\n", &NoNames).unwrap().table, Table::default());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&content, &NoNames);
        }

        #[test]
        fn what_is_read_is_printed_and_read_again(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "-A", "-a", "-E", "-e", "-D", "-d", "-t", "-u", "-f", "-r", "-s", "-p", "-M", "-g", "-m", "-i",
                    "-w", "-x", "-6", "-o", "-b", "--set", "\n", "\n-A -t 10.0.0.1:80", "\n-A -f 7",
                    "\n-a -t 10.0.0.1:80 -r", "\n-a -f 7 -r", "\n-A -u [fd00::1]:53", "10.0.0.1:80", "10.0.0.2:80",
                    "[fd00::1]:53", "7", "60", "rr", "sh", "sh-port", "255.255.0.0",
                ]),
                0..30,
            )
        ) {
            if let Ok(file) = parse(words.join(" ").as_bytes(), &NoNames) {
                let printed = lines_of(&file.table);
                let again = parse(printed.as_bytes(), &NoNames).map_err(|f| format!("{printed}{f:?}")).unwrap();
                prop_assert_eq!(again.table, file.table);
            }
        }
    }
}
