//! How a process that runs says what happens.

use clap::Args;
use log::LevelFilter;

use crate::agent::log::{Facility, Options};

/// Where it is said what happens.
#[derive(Clone, Copy, Debug, Args)]
pub struct LogArgs {
    /// Where it is said what happens: stderr, syslog, or syslog:FACILITY (daemon, user, local0 to local7)
    #[arg(long, value_name = "WHERE", default_value = "stderr", help_heading = "Log", value_parser = target)]
    log_to: Target,
    /// What is said: error, warn, info or debug
    #[arg(long, value_name = "LEVEL", default_value = "info", help_heading = "Log", value_parser = level)]
    log_level: LevelFilter,
}

/// Where; a type of its own, because clap takes an optional one for an optional option.
#[derive(Clone, Copy, Debug)]
struct Target(Option<Facility>);

impl LogArgs {
    /// Returns what was said.
    pub fn options(self) -> Options {
        Options { level: self.log_level, syslog: self.log_to.0 }
    }

    /// Returns the same as words for another process.
    pub fn words(self) -> impl Iterator<Item = String> {
        let to = match self.log_to.0 {
            None => "stderr".to_owned(),
            Some(Facility::Daemon) => "syslog".to_owned(),
            Some(Facility::User) => "syslog:user".to_owned(),
            Some(Facility::Local(number)) => format!("syslog:local{number}"),
        };
        [format!("--log-to={to}"), format!("--log-level={}", self.log_level.to_string().to_lowercase())].into_iter()
    }
}

fn target(word: &str) -> Result<Target, String> {
    let facility = match word.split_once(':').map_or((word, "daemon"), |(first, rest)| (first, rest)) {
        ("stderr", "daemon") => None,
        ("syslog", "daemon") => Some(Facility::Daemon),
        ("syslog", "user") => Some(Facility::User),
        ("syslog", local) => {
            let number =
                local.strip_prefix("local").and_then(|number| number.parse().ok()).filter(|number| *number < 8);
            Some(Facility::Local(number.ok_or("a facility is daemon, user, or local0 to local7")?))
        }
        _ => return Err("stderr, syslog or syslog:FACILITY is needed".to_owned()),
    };
    Ok(Target(facility))
}

fn level(word: &str) -> Result<LevelFilter, String> {
    match word {
        "error" => Ok(LevelFilter::Error),
        "warn" => Ok(LevelFilter::Warn),
        "info" => Ok(LevelFilter::Info),
        "debug" => Ok(LevelFilter::Debug),
        _ => Err("error, warn, info or debug is needed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        log: LogArgs,
    }

    #[test]
    fn words_come_back() {
        for words in [
            "--log-to=stderr --log-level=debug",
            "--log-to=syslog --log-level=info",
            "--log-to=syslog:local7 --log-level=error",
        ] {
            let line = Line::try_parse_from(std::iter::once("x").chain(words.split(' '))).unwrap();
            assert_eq!(line.log.words().collect::<Vec<_>>().join(" "), words);
        }
        let default = Line::try_parse_from(["x"]).unwrap().log.options();
        assert_eq!(default, Options::default());
        for wrong in ["--log-to=file", "--log-to=syslog:local8", "--log-to=syslog:", "--log-level=loud"] {
            assert!(Line::try_parse_from(["x", wrong]).is_err(), "{wrong}");
        }
    }
}
