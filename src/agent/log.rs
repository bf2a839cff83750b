//! Where a running process says what it does: standard error, one line an event, with the priority in front where the
//! system's journal reads it (sd-daemon(3)) and the time where a person does; or the system's logger.

mod syslog;

use std::{
    env,
    io::{self, Write},
    time::{Duration, SystemTime},
};

use log::{Level, LevelFilter, Log, Metadata, Record};

use self::syslog::Syslog;
use crate::model::calendar;

/// How a process logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is not less important.
    pub level: LevelFilter,
    /// To the system's logger, as this; `None` = to standard error.
    pub syslog: Option<Facility>,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: LevelFilter::Info, syslog: None }
    }
}

/// As what the system's logger takes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facility {
    /// A program of a user.
    User,
    /// A service.
    Daemon,
    /// What this machine's administrators agreed on, 0 to 7.
    Local(u8),
}

impl Facility {
    /// Returns its number (RFC 5424, table 1).
    pub fn number(self) -> u8 {
        match self {
            Self::User => 1,
            Self::Daemon => 3,
            Self::Local(number) => 16 + number.min(7),
        }
    }
}

struct Sink {
    syslog: Option<Syslog>,
    journal: bool,
}

/// Sends what the `log` macros say where it is wanted.
pub(super) fn start(options: &Options) {
    let syslog = options.syslog.map(Syslog::new);
    let sink = Box::new(Sink { syslog, journal: env::var_os("JOURNAL_STREAM").is_some() });
    // A process has one sink; whoever set one before keeps it.
    if log::set_boxed_logger(sink).is_ok() {
        log::set_max_level(options.level);
    }
}

impl Log for Sink {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries may stay silent.
        metadata.target().starts_with("lvsadm")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let (severity, text) = (severity(record.level()), clean(&record.args().to_string()));
        if self.syslog.as_ref().is_some_and(|syslog| syslog.send(severity, &text)) {
            return;
        }
        let prefix = if self.journal { format!("<{severity}>") } else { format!("{} ", now()) };
        // One write, so that lines of several processes do not mix. Nobody is told if that fails: there is nowhere to.
        let line = format!("{prefix}{text}\n");
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

/// Returns how important a level is (syslog(3)).
fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Takes control characters out of text that may come from the network.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn now() -> String {
    format_utc(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// Returns `2026-11-22T20:35:30.123Z`.
pub fn format_utc(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = calendar(days);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since_epoch.subsec_millis())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{clean, format_utc};

    #[test]
    fn dates_are_those_of_date() {
        // date -u -d @N +%FT%T
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (1_795_379_730, "2026-11-22T20:35:30.007Z"),
            (4_107_542_399, "2100-02-28T23:59:59.007Z"),
        ] {
            assert_eq!(format_utc(Duration::from_millis(seconds * 1000 + 7)), text);
        }
    }

    #[test]
    fn control_characters_reach_no_terminal() {
        assert_eq!(clean("a\x1b[2Jb\nc"), "a [2Jb c");
    }
}
