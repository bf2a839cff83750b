//! Words of statements → values, and a place for all that is wrong with them. Pure.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use crate::{
    config::tree::{Finding, Level, Place, Statement, Verdict, Word},
    host::Command,
    state::words,
};

/// What a word means, or why it means nothing.
pub(super) type Reading<T> = Result<T, String>;

/// A command of the file, for whoever can tell whether this machine may run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Where it stands.
    pub place: Place,
    /// The block it stands in.
    pub block: String,
    /// What is run.
    pub command: Command,
}

/// What was found while a file's statements are read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) findings: Vec<Finding>,
    pub(super) scripts: Vec<Script>,
    /// What is said about mail of single things.
    pub(super) alerts: Vec<(String, bool)>,
}

impl Reader {
    /// Reads something within a block; what is found there is said to be in it.
    pub(super) fn within<T>(&mut self, block: &Statement, read: impl FnOnce(&mut Self) -> T) -> T {
        let (findings, scripts) = (self.findings.len(), self.scripts.len());
        let result = read(self);
        let findings = self.findings.iter_mut().skip(findings).map(|finding| &mut finding.block);
        let scripts = self.scripts.iter_mut().skip(scripts).map(|script| &mut script.block);
        for inner in findings.chain(scripts) {
            *inner = if inner.is_empty() { block.title() } else { format!("{}, {inner}", block.title()) };
        }
        result
    }

    /// It cannot be run so.
    pub(super) fn error(&mut self, place: &Place, keepalived: Verdict, message: impl Display) -> &mut Finding {
        self.find(place, Level::Error, keepalived, message)
    }

    /// It works, but hardly as meant.
    pub(super) fn warn(&mut self, place: &Place, keepalived: Verdict, message: impl Display) -> &mut Finding {
        self.find(place, Level::Warning, keepalived, message)
    }

    /// keepalived does it, and lvsadm does not: this is gone on without.
    pub(super) fn not_done(&mut self, statement: &Statement, why: impl Display) {
        let message = format!("{} is understood, and not done: {why}", statement.keyword.text);
        self.warn(&statement.keyword.place, Verdict::Accepts, message);
    }

    fn find(&mut self, place: &Place, level: Level, keepalived: Verdict, message: impl Display) -> &mut Finding {
        let finding = Finding::error(place, message).keepalived(keepalived);
        self.findings.push(Finding { level, ..finding });
        // It was pushed just now.
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Reads the first value of a statement; `None` if there is none, or if it means nothing, which is said.
    pub(super) fn one<T>(&mut self, statement: &Statement, read: impl FnOnce(&str) -> Reading<T>) -> Option<T> {
        let Some(word) = statement.values.first() else {
            let message = format!("a value is missing behind {}", statement.keyword.text);
            self.error(&statement.keyword.place, Verdict::Refuses, message);
            return None;
        };
        self.word(statement, word, read)
    }

    /// Reads a word of a statement.
    pub(super) fn word<T>(
        &mut self,
        statement: &Statement,
        word: &Word,
        read: impl FnOnce(&str) -> Reading<T>,
    ) -> Option<T> {
        match read(&word.text) {
            Ok(value) => Some(value),
            Err(why) => {
                let message = format!("{} {}: {why}", statement.keyword.text, word.text);
                self.error(&word.place, Verdict::Ignores, message);
                None
            }
        }
    }

    /// Reads a number.
    pub(super) fn number<T: FromStr + PartialOrd + Display>(
        &mut self,
        statement: &Statement,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        self.one(statement, number(range))
    }

    /// Reads a time in seconds.
    pub(super) fn time(&mut self, statement: &Statement, range: RangeInclusive<Duration>) -> Option<Duration> {
        self.one(statement, time(range))
    }

    /// Reads a switch: alone it is on.
    pub(super) fn switch(&mut self, statement: &Statement) -> bool {
        match statement.values.first() {
            None => true,
            Some(word) => self.word(statement, word, boolean).unwrap_or(true),
        }
    }

    /// Reads what is said about mail of the thing with this name, if anything is.
    pub(super) fn alert(&mut self, statements: &[Statement], name: &str) {
        if let Some(statement) = statements.iter().rfind(|statement| &*statement.keyword.text == "smtp_alert") {
            let on = self.switch(statement);
            self.alerts.push((name.to_owned(), on));
        }
    }

    /// Reads a word as it stands.
    pub(super) fn text(&mut self, statement: &Statement) -> Option<String> {
        self.one(statement, |text| Ok(text.to_owned()))
    }

    /// Reads a command with who runs it behind it: `"/path arguments" [user [[:]group]]`.
    pub(super) fn command(&mut self, statement: &Statement) -> Option<Command> {
        let Some((first, who)) = statement.values.split_first() else {
            return self.one(statement, |_| Err(String::new()));
        };
        let words = if first.quoted { self.word(statement, first, split)? } else { vec![first.text.to_string()] };
        let user = user(who);
        Some(self.keep(statement, Command { words, user }))
    }

    /// Reads a command without a user: all words are its own. One that is quoted holds several.
    pub(super) fn whole_command(
        &mut self,
        statement: &Statement,
        user: Option<(String, Option<String>)>,
    ) -> Option<Command> {
        let words = match statement.values.as_slice() {
            [] => return self.one(statement, |_| Err(String::new())),
            [only] if only.quoted => self.word(statement, only, split)?,
            several => several.iter().map(|word| word.text.to_string()).collect(),
        };
        Some(self.keep(statement, Command { words, user }))
    }

    fn keep(&mut self, statement: &Statement, mut command: Command) -> Command {
        // `</dev/tcp/…` is for a shell.
        if command.words.first().is_some_and(|word| word.starts_with('<')) {
            command.words = vec!["/bin/sh".to_owned(), "-c".to_owned(), command.words.join(" ")];
        }
        let place = statement.values.first().map_or(&statement.keyword.place, |word| &word.place).clone();
        self.scripts.push(Script { place, block: String::new(), command: command.clone() });
        command
    }
}

/// Returns the statements of a block; of one without braces, none.
pub(super) fn inside(statement: &Statement) -> &[Statement] {
    statement.block.as_deref().unwrap_or_default()
}

/// Returns all words of a list: `group { A B }`, one a line or several.
pub(super) fn entries(statement: &Statement) -> impl Iterator<Item = &Word> {
    inside(statement).iter().flat_map(Statement::words)
}

/// Reads user and group behind a command.
pub(super) fn user(words: &[Word]) -> Option<(String, Option<String>)> {
    let (user, group) = words.split_first()?;
    Some((user.text.to_string(), group.first().map(|group| group.text.to_string())))
}

fn split(text: &str) -> Reading<Vec<String>> {
    let words = words::split(text).map_err(|unsplit| unsplit.to_string())?;
    let words: Vec<String> = words.into_iter().map(|word| word.text.into_owned()).collect();
    if words.is_empty() { Err("there is no command".to_owned()) } else { Ok(words) }
}

/// Reads a whole number in a range.
pub(super) fn number<T: FromStr + PartialOrd + Display>(range: RangeInclusive<T>) -> impl Fn(&str) -> Reading<T> {
    move |text| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_number.then(|| text.strip_prefix('+').unwrap_or(text).parse().ok()).flatten();
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("a number from {} to {} is needed", range.start(), range.end()))
    }
}

/// Reads seconds, with a fraction of at most six digits.
pub(super) fn time(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Reading<Duration> {
    move |text| {
        let time = seconds(text).ok_or_else(|| "a time in seconds is needed".to_owned())?;
        if range.contains(&time) {
            return Ok(time);
        }
        let (least, most) = (range.start().as_secs_f64(), range.end().as_secs_f64());
        Err(format!("a time from {least} to {most} seconds is needed"))
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let micros: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(Duration::from_micros(whole.checked_mul(1_000_000)?.checked_add(micros)?))
}

/// Reads a switch's word.
pub(super) fn boolean(text: &str) -> Reading<bool> {
    match text {
        "on" | "true" | "yes" => Ok(true),
        "off" | "false" | "no" => Ok(false),
        _ => Err("on, true, yes, off, false or no is needed".to_owned()),
    }
}

/// Reads an address.
pub(super) fn address(text: &str) -> Reading<IpAddr> {
    text.parse().map_err(|_| "this is no IP address".to_owned())
}

/// Reads an IPv4 multicast group.
pub(super) fn group4(text: &str) -> Reading<IpAddr> {
    let group: Option<Ipv4Addr> = text.parse().ok();
    group.filter(Ipv4Addr::is_multicast).map(IpAddr::V4).ok_or_else(|| "this is no IPv4 multicast address".to_owned())
}

/// Reads an IPv6 multicast group.
pub(super) fn group6(text: &str) -> Reading<IpAddr> {
    let group: Option<Ipv6Addr> = text.parse().ok();
    let group = group.filter(Ipv6Addr::is_multicast).ok_or_else(|| "this is no IPv6 multicast address".to_owned())?;
    if group.octets()[1] & 0x0f != 2 {
        return Err("this is not a group of one link: such groups begin with ff02".to_owned());
    }
    Ok(group.into())
}

/// Reads the port of an address.
pub(super) fn port(text: &str) -> Reading<u16> {
    number(1..=u16::MAX)(text)
}

/// Whole seconds as a time.
pub(super) fn whole_seconds(range: RangeInclusive<u64>) -> impl Fn(&str) -> Reading<Duration> {
    move |text| number(range.clone())(text).map(Duration::from_secs)
}

/// A year: more than anybody waits for.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let any = time(Duration::ZERO..=LONGEST);
        for (text, micros) in [("1", 1_000_000), ("0.5", 500_000), (".25", 250_000), ("3.", 3_000_000), ("0", 0)] {
            assert_eq!(any(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", ".", "-1", "1s", "x", "1,5"] {
            assert!(any(text).is_err(), "{text}");
        }
        assert_eq!(number(-5_i16..=5)("+3"), Ok(3));
        assert!(number(1_u8..=5)("-3").is_err());
        assert!(number(1_u8..=5)("").is_err());
    }
}
