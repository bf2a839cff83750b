//! The agent's save file: lines of the table, of VRRP, of checks and of the agent in one file, each kept as it stands.
//!
//! A change touches the one line that it is about. What the lines of a part mean is read by that part: here, VRRP's by
//! [`super::vrrp`], the table's by [`super::file`].

use super::{
    check,
    file::{self, Fault, Part, SaveFile, text, without_program},
    grammar::Names,
    set,
    vrrp::{self, Files, Parsed, Subject},
    words,
};

/// Where the agent's save file is if nobody says otherwise.
pub const SYSTEM_FILE: &str = "/etc/sysconfig/lvsadm";

/// The lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentFile {
    lines: Vec<String>,
}

impl AgentFile {
    /// Takes the lines of a file apart.
    ///
    /// # Errors
    /// It is no text.
    pub fn new(content: &[u8]) -> Result<Self, Fault> {
        Ok(Self { lines: text(content)?.lines().map(str::to_owned).collect() })
    }

    /// Returns the content of the file.
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Returns the lines about VRRP and BFD, which one process carries out, with their numbers from 1.
    pub fn vrrp_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        of_vrrp(self.numbered())
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().enumerate().map(|(at, line)| (at + 1, line.as_str()))
    }

    /// Returns the number that line `number` of a changed file has in this one; the same if it is not there.
    pub fn number_before(&self, changed: &Self, number: usize) -> usize {
        let line = changed.lines.get(number.wrapping_sub(1));
        line.and_then(|line| self.lines.iter().position(|old| old == line)).map_or(number, |at| at + 1)
    }

    /// Reads what the file says about VRRP and BFD, and finds lines that are about nothing.
    ///
    /// # Errors
    /// All faults, in the order of their lines.
    pub fn vrrp(&self, files: &dyn Files) -> Result<Parsed, Vec<Fault>> {
        let strange: Vec<Fault> = self.numbered().filter_map(|(number, line)| strange(number, line)).collect();
        let parsed = vrrp::parse(self.vrrp_lines(), files);
        // Checks that cannot be read are another command's business.
        let by_sessions = self.check_lines().any(|(_, line)| line.contains("bfd"));
        let checks = by_sessions.then(|| check::Lines::parse(self.check_lines(), None).ok()).flatten();
        let unknown = checks.map(|checks| unknown_sessions(&checks, self.numbered())).unwrap_or_default();
        if strange.is_empty() && unknown.is_empty() {
            return parsed;
        }
        let mut faults = parsed.err().unwrap_or_default();
        faults.extend(strange);
        faults.extend(unknown);
        faults.sort_by_key(|fault| (fault.line, fault.column));
        Err(faults)
    }

    /// Returns number and text of the first line about this.
    pub fn find(&self, wanted: &Subject) -> Option<(usize, &str)> {
        self.vrrp_lines().find(|(_, line)| vrrp::subject(line).is_some_and(|subject| subject == *wanted))
    }

    /// Returns what line `number` is about, if it is one about VRRP or BFD.
    pub fn subject(&self, number: usize) -> Option<Subject> {
        self.vrrp_lines().find(|(each, _)| *each == number).and_then(|(_, line)| vrrp::subject(line))
    }

    /// Returns the names of all that VRRP lines of this kind define, in their order.
    pub fn names(&self, kind: vrrp::Kind) -> Vec<String> {
        names(kind, self.numbered())
    }

    /// Whether a line holds a secret, so that others must not read the file.
    pub fn holds_secrets(&self) -> bool {
        self.vrrp_lines().any(|(_, line)| vrrp::holds_secret(line))
    }

    /// Puts a line in the place of the one about the same, whose comment stays, or behind the last one of its kind;
    /// returns its number.
    pub fn put(&mut self, subject: &Subject, line: String) -> usize {
        if let Some((number, old)) = self.find(subject) {
            let comment = words::split_off_comment(old).map_or("", |(_, comment)| comment);
            let line = if comment.is_empty() { line } else { format!("{line} {comment}") };
            if let Some(place) = self.lines.get_mut(number - 1) {
                *place = line;
            }
            return number;
        }
        let alike = |line: &str| vrrp::subject(line).is_some_and(|other| other.kind == subject.kind);
        let last = self.vrrp_lines().filter(|(_, line)| alike(line)).last();
        let at = last.map_or(self.lines.len(), |(number, _)| number);
        self.lines.insert(at, line);
        at + 1
    }

    /// Returns the lines about checks, with their numbers from 1.
    pub fn check_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        of_checks(self.numbered())
    }

    /// Reads what the file says about checks and of the table, and finds lines that are about nothing.
    ///
    /// # Errors
    /// All faults, in the order of their lines.
    pub fn checks(&self, names: &dyn Names) -> Result<(check::Lines, SaveFile), Vec<Fault>> {
        read_checks(self.text().as_bytes(), names, None)
    }

    /// Returns number, subject and words of the lines about checks that can be read and that are `wanted`.
    pub fn find_checks(&self, wanted: impl Fn(&check::Subject) -> bool) -> Vec<(usize, check::Subject, check::Given)> {
        let mut subjects = check::Subjects::new();
        let read = self.check_lines().filter_map(|(number, line)| {
            let (subject, given) = subjects.of(line)?;
            Some((number, subject, given))
        });
        read.filter(|(_, subject, _)| wanted(subject)).collect()
    }

    /// Puts a line about checks in the place of line `number`, whose comment stays, or behind the last one; returns its
    /// number.
    pub fn put_check(&mut self, number: Option<usize>, line: String) -> usize {
        let at = number.or_else(|| self.check_lines().last().map(|(last, _)| last)).unwrap_or(self.lines.len());
        if number.is_some() {
            if let Some(place) = self.lines.get_mut(at.wrapping_sub(1)) {
                let comment = words::split_off_comment(place).map_or("", |(_, comment)| comment);
                *place = if comment.is_empty() { line } else { format!("{line} {comment}") };
            }
            return at;
        }
        self.lines.insert(at, line);
        at + 1
    }

    /// Returns the lines about the table.
    pub fn table_lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str).filter(|line| is_of_table(line))
    }

    /// Returns the lines that are not about the table: what an agent changes itself, comments among them.
    pub fn other_lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str).filter(|line| !is_of_table(line))
    }

    /// Returns the same file with this table. Lines that say the same already stay as they are, comments between them too.
    pub fn with_table(&self, table: &[String], names: &dyn Names) -> Self {
        let new = self.with_table_lines(table.iter().cloned());
        let read = |file: &Self| file::parse(file.text().as_bytes(), names).map(|file| file.table);
        match (read(self), read(&new)) {
            (Ok(old), Ok(table)) if old == table => self.clone(),
            _ => new,
        }
    }

    /// Puts lines about the table where the first one of them was, or at the end.
    fn with_table_lines(&self, table: impl Iterator<Item = String>) -> Self {
        let at = self.lines.iter().position(|line| is_of_table(line)).unwrap_or(self.lines.len());
        let rest = |lines: &[String]| lines.iter().filter(|line| !is_of_table(line)).cloned().collect::<Vec<_>>();
        let (before, behind) = self.lines.split_at(at);
        Self { lines: rest(before).into_iter().chain(table).chain(rest(behind)).collect() }
    }

    /// Returns the lines about the agent itself, with their numbers from 1.
    pub fn set_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.numbered().filter(|(_, line)| part(line) == Some(Part::Set))
    }

    /// Reads what the file says about the agent itself.
    ///
    /// # Errors
    /// All faults, in the order of their lines.
    pub fn agent(&self) -> Result<set::Settings, Vec<Fault>> {
        set::parse(self.set_lines())
    }

    /// Puts the line of a topic in the place of the old one, whose comment stays, or at the end; returns its number.
    pub fn put_set(&mut self, topic: set::Topic, line: String) -> usize {
        let old = self.set_lines().find(|(_, line)| set::topic(line) == Some(topic)).map(|(number, _)| number);
        let Some(number) = old else {
            self.lines.push(line);
            return self.lines.len();
        };
        if let Some(place) = self.lines.get_mut(number - 1) {
            let comment = words::split_off_comment(place).map_or("", |(_, comment)| comment);
            *place = if comment.is_empty() { line } else { format!("{line} {comment}") };
        }
        number
    }

    /// Takes the lines with these numbers away.
    pub fn remove_lines(&mut self, numbers: &[usize]) {
        let mut number = 0;
        self.lines.retain(|_| {
            number += 1;
            !numbers.contains(&number)
        });
    }

    /// Takes the line about this away; returns whether there was one.
    pub fn remove(&mut self, subject: &Subject) -> bool {
        let Some((number, _)) = self.find(subject) else { return false };
        self.lines.remove(number - 1);
        true
    }
}

/// Reads what the content of a file says about checks and of the table, and finds lines that are about nothing. Lines about
/// checks that are also in `before` are not read again.
///
/// # Errors
/// All faults, in the order of their lines.
pub fn read_checks(
    content: &[u8],
    names: &dyn Names,
    before: Option<&check::Lines>,
) -> Result<(check::Lines, SaveFile), Vec<Fault>> {
    let numbered = || text(content).map(|text| (1..).zip(text.lines()));
    let lines = numbered().map_err(|fault| vec![fault])?;
    let lines = check::Lines::parse(of_checks(lines), before);
    let unknown = lines.as_ref().ok().zip(numbered().ok());
    let unknown = unknown.map(|(lines, all)| unknown_sessions(lines, all)).unwrap_or_default();
    match (lines, file::parse(content, names)) {
        (Ok(lines), Ok(table)) if unknown.is_empty() => Ok((lines, table)),
        (lines, table) => {
            let mut faults = lines.err().unwrap_or_default();
            faults.extend(unknown);
            faults.extend(table.err().unwrap_or_default());
            faults.sort_by_key(|fault| (fault.line, fault.column));
            // A quote that is never closed is wrong whatever the line is about.
            faults.dedup();
            Err(faults)
        }
    }
}

/// Returns what is wrong with checks that go by BFD sessions which no line of the file defines.
fn unknown_sessions<'a>(checks: &check::Lines, all: impl Iterator<Item = (usize, &'a str)>) -> Vec<Fault> {
    let mut sessions = checks.sessions().peekable();
    if sessions.peek().is_none() {
        return Vec::new();
    }
    let known = names(vrrp::Kind::Session, all);
    let unknown = sessions.filter(|(_, name)| !known.iter().any(|known| known == name));
    let fault = |(line, name)| Fault {
        line,
        column: 1,
        message: format!("bfd {name}: there is no BFD session {name}"),
        hint: Some(format!("its line is: bfd add {name} --neighbour ADDR …")),
    };
    unknown.map(fault).collect()
}

/// Returns the names of all that VRRP lines of this kind define, in their order.
fn names<'a>(kind: vrrp::Kind, all: impl Iterator<Item = (usize, &'a str)>) -> Vec<String> {
    let subjects = of_vrrp(all).filter_map(|(_, line)| vrrp::subject(line));
    subjects.filter(|subject| subject.kind == kind).map(|subject| subject.name).collect()
}

/// Picks the lines about VRRP and BFD.
fn of_vrrp<'a>(all: impl Iterator<Item = (usize, &'a str)>) -> impl Iterator<Item = (usize, &'a str)> {
    all.filter(|(_, line)| matches!(part(line), Some(Part::Vrrp | Part::Bfd)))
}

/// Picks the lines about checks.
fn of_checks<'a>(all: impl Iterator<Item = (usize, &'a str)>) -> impl Iterator<Item = (usize, &'a str)> {
    all.filter(|(_, line)| part(line) == Some(Part::Check))
}

/// Whether a line is about the table.
fn is_of_table(line: &str) -> bool {
    let first =
        line.split_ascii_whitespace().find(|word| !matches!(word.rsplit('/').next(), Some("ipvsadm" | "lvsadm")));
    part(line).is_none() && first.is_some_and(|word| !word.starts_with('#'))
}

/// Returns what of an agent a line is about; `None` for lines of the table, comments, and what is neither.
fn part(line: &str) -> Option<Part> {
    // The first word tells, whatever is wrong behind it.
    let line = line.trim_ascii_start();
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    let first = if matches!(first.rsplit('/').next(), Some("lvsadm")) { words.next()? } else { first };
    Part::of(first)
}

/// Returns the fault of a line that is about nothing.
fn strange(number: usize, line: &str) -> Option<Fault> {
    if part(line).is_some() {
        return None;
    }
    // Lines of the table are judged by those who read the table.
    let words = words::split(line).ok()?;
    let first = without_program(&words).first()?;
    (!first.text.starts_with('-')).then(|| Fault {
        line: number,
        column: first.column,
        message: format!("`{}` does not begin a line", first.text),
        hint: Some("lines begin with vrrp, bfd, check, set, or an option of the table such as -A".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{
        grammar::NoNames,
        vrrp::{Disk, Kind},
    };

    const TEXT: &str = "\
# two directors
-A -t 10.0.0.1:80 -s rr

vrrp add A --interface eth0 --vrid 1 --address 10.0.0.1 # the web
check add -t 10.0.0.1:80 --tcp
  vrrp add 'B' --interface eth0 --vrid 2 --address 10.0.0.2
set mail root
";

    fn instance(name: &str) -> Subject {
        Subject { kind: Kind::Instance, name: name.to_owned() }
    }

    #[test]
    fn a_change_touches_one_line() {
        let mut file = AgentFile::new(TEXT.as_bytes()).unwrap();
        assert_eq!(file.text(), TEXT);
        assert_eq!(file.names(Kind::Instance), ["A", "B"]);
        assert_eq!(file.put(&instance("A"), "vrrp add A --vrid 3".to_owned()), 4);
        assert_eq!(file.put(&instance("C"), "vrrp add C".to_owned()), 7);
        let script = Subject { kind: Kind::Script, name: "s".to_owned() };
        assert_eq!(file.put(&script, "vrrp add-script s".to_owned()), 9);
        assert!(file.remove(&instance("B")));
        assert!(!file.remove(&instance("B")));
        let wanted = TEXT
            .replace("A --interface eth0 --vrid 1 --address 10.0.0.1 #", "A --vrid 3 #")
            .replace("  vrrp add 'B' --interface eth0 --vrid 2 --address 10.0.0.2", "vrrp add C");
        assert_eq!(file.text(), wanted + "vrrp add-script s\n");
    }

    #[test]
    fn checks_are_found_changed_and_taken_away() {
        let mut file = AgentFile::new(TEXT.as_bytes()).unwrap();
        assert!(file.checks(&NoNames).is_err_and(|faults| faults.len() == 1 && faults[0].line == 5), "an old word");
        let text = TEXT.replace("check add -t 10.0.0.1:80 --tcp", "check add -t 10.0.0.1:80 tcp --retry 2 # comment");
        file = AgentFile::new(text.as_bytes()).unwrap();
        let found = file.find_checks(|_| true);
        let [(5, subject, given)] = found.as_slice() else { panic!("{found:?}") };
        let line = given.line(subject).replace("--retry 2", "--retry 3");
        assert_eq!(file.put_check(Some(5), line.clone()), 5);
        assert_eq!(file.put_check(None, line), 6);
        let wanted = "check add -t 10.0.0.1:80 tcp --retry 3";
        assert_eq!(
            file.text(),
            text.replace("check add -t 10.0.0.1:80 tcp --retry 2 # comment", &format!("{wanted} # comment\n{wanted}"))
        );
        let faults = file.checks(&NoNames).unwrap_err();
        assert_eq!((faults.len(), faults[0].line), (1, 6), "{faults:?}");
        file.remove_lines(&[5, 6]);
        let (_, table) = file.checks(&NoNames).unwrap();
        assert_eq!(table.table.services.len(), 1);
    }

    #[test]
    fn the_table_is_replaced_where_it_was() {
        let file = AgentFile::new(TEXT.as_bytes()).unwrap();
        assert_eq!(file.table_lines().collect::<Vec<_>>(), ["-A -t 10.0.0.1:80 -s rr"]);
        assert_eq!(file.other_lines().count() + 1, TEXT.lines().count());
        let table = ["-A -f 1".to_owned(), "-a -f 1 -r 10.0.0.9".to_owned()];
        let wanted = TEXT.replace("-A -t 10.0.0.1:80 -s rr", &table.join("\n"));
        assert_eq!(file.with_table(&table, &NoNames).text(), wanted);
        let same = ["-A -t 10.0.0.1:http -s rr".replace("http", "80")];
        assert_eq!(file.with_table(&same, &NoNames), file);
        let bare = AgentFile::new(b"# nothing\nvrrp add A\n").unwrap().with_table(&table, &NoNames);
        assert_eq!(bare.text(), "# nothing\nvrrp add A\n-A -f 1\n-a -f 1 -r 10.0.0.9\n");
        assert_eq!(bare.with_table(&[], &NoNames).text(), "# nothing\nvrrp add A\n");
    }

    #[test]
    fn lines_of_nothing_are_faults() {
        let file = AgentFile::new(b"-A nonsense\nvrpr add A\nlvsadm vrrp add A --vrid 1\ncheck x 'y\n").unwrap();
        let faults = file.vrrp(&Disk).unwrap_err();
        let places: Vec<_> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
        assert_eq!(places, [(2, 1), (3, 17), (3, 17)], "{faults:?}");
    }
}
