//! Where a running process says what it does: standard error, one line an event, with the priority in front where the
//! journal reads it (sd-daemon(3)) and the time where a person does.

use std::{
    env,
    io::{self, Write},
    time::{Duration, SystemTime},
};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::model::calendar;

struct Sink {
    journal: bool,
}

/// Sends what the `log` macros say to standard error.
pub(super) fn start(level: LevelFilter) {
    let sink = Box::new(Sink { journal: env::var_os("JOURNAL_STREAM").is_some() });
    // A process has one sink; whoever set one before keeps it.
    if log::set_boxed_logger(sink).is_ok() {
        log::set_max_level(level);
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
        let prefix = if self.journal { priority(record.level()).to_owned() } else { format!("{} ", now()) };
        // One write, so that lines of several processes do not mix. Nobody is told if that fails: there is nowhere to.
        let line = format!("{prefix}{}\n", clean(&record.args().to_string()));
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

fn priority(level: Level) -> &'static str {
    match level {
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
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
