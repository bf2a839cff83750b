//! When probes are made and when they count: the options of `check add`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{
    Faults, Kind,
    fault::Wrong,
    values::{number, time},
};
use crate::check::settings::{Initial, Schedule};

/// From one probe to the next if nothing is said.
pub(super) const INTERVAL: Duration = Duration::from_secs(5);

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(86_400);

/// Most probes that can be asked for in a row.
const MOST: u32 = 1000;

/// When probes are made, and when their results count.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Schedule")]
pub struct ScheduleArgs {
    /// From one probe to the next [default: 5s]
    #[arg(long, value_name = "TIME", global = true)]
    interval: Option<String>,
    /// Each interval is longer or shorter by up to so much, at random [default: 0]
    #[arg(long, value_name = "TIME", global = true)]
    jitter: Option<String>,
    /// So many failed probes of a working server are forgiven [default: 1; dns 3; script, file, agent 0]
    #[arg(long, value_name = "COUNT", global = true)]
    retry: Option<String>,
    /// So many failed probes in a row are a failure: --retry and one more
    #[arg(long, value_name = "COUNT", global = true)]
    fall: Option<String>,
    /// Pause before the probe that follows a failed one [default: 1s; http 3s; dns the interval]
    #[arg(long, value_name = "TIME", global = true)]
    retry_delay: Option<String>,
    /// So many good probes in a row bring a failed server back [default: 1]
    #[arg(long, value_name = "COUNT", global = true)]
    rise: Option<String>,
    /// The first probe is made within so much of the start, at random [default: the interval]
    #[arg(long, value_name = "TIME", global = true)]
    warmup: Option<String>,
    /// What counts before the first probe [default: check-first]
    #[arg(long, value_name = "STATE", global = true)]
    initial: Option<InitialWord>,
    /// Report each failed probe, not only those that change something
    #[arg(long, global = true)]
    log_all_failures: bool,
}

/// What counts before the first probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InitialWord {
    /// The server is added or removed by the first probe
    CheckFirst,
    /// The server works until it fails
    Up,
    /// The server has failed until it works
    Down,
}

impl ScheduleArgs {
    /// Reads the schedule of a check of a kind.
    pub fn schedule<K: Kind>(&self, faults: &mut Faults) -> Schedule {
        let count = |text: &str| number(text, 1..=MOST);
        let pause = |text: &str| time(text, Duration::ZERO..=LONGEST);
        let interval = faults
            .read("--interval", self.interval.as_ref(), |text| time(text, SHORTEST..=LONGEST))
            .unwrap_or(INTERVAL);
        let retry = faults.read("--retry", self.retry.as_ref(), |text| number(text, 0..=MOST - 1));
        let fall = faults.read("--fall", self.fall.as_ref(), count).map(|fall| fall - 1);
        if let (Some(word), Some(retry), Some(fall)) = (&self.fall, retry, fall)
            && retry != fall
        {
            faults.add(
                "--fall",
                word,
                Wrong::new(format_args!("--retry {retry} is --fall {}", retry + 1)).hint("one of them is enough"),
            );
        }
        let jitter = faults.read("--jitter", self.jitter.as_ref(), |text| {
            let jitter = pause(text)?;
            if jitter < interval { Ok(jitter) } else { Err(Wrong::new("jitter is less than the interval")) }
        });
        Schedule {
            interval,
            jitter: jitter.unwrap_or_default(),
            retry: retry.or(fall).unwrap_or(K::RETRY),
            delay_before_retry: faults
                .read("--retry-delay", self.retry_delay.as_ref(), pause)
                .unwrap_or_else(|| K::RETRY_DELAY.map_or(interval, Duration::from_secs)),
            rise: faults.read("--rise", self.rise.as_ref(), count).unwrap_or(1),
            warmup: faults.read("--warmup", self.warmup.as_ref(), pause).unwrap_or(interval),
            initial: match self.initial {
                None | Some(InitialWord::CheckFirst) => Initial::CheckFirst,
                Some(InitialWord::Up) => Initial::Up,
                Some(InitialWord::Down) => Initial::Down,
            },
            log_all_failures: self.log_all_failures,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::state::check::{DnsArgs, HttpArgs, TcpArgs};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        schedule: ScheduleArgs,
    }

    fn read<K: Kind>(line: &str) -> Result<Schedule, Vec<String>> {
        let words = std::iter::once("check").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| vec![error.to_string()])?;
        let mut faults = Faults::default();
        let schedule = line.schedule.schedule::<K>(&mut faults);
        if faults.is_empty() {
            return Ok(schedule);
        }
        Err(faults.into_all().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_not_said_is_as_in_keepalived_for_each_kind() {
        let pause = |schedule: Schedule| (schedule.retry, schedule.delay_before_retry.as_secs());
        assert_eq!(read::<TcpArgs>("").map(pause), Ok((1, 1)));
        assert_eq!(read::<HttpArgs>("").map(pause), Ok((1, 3)));
        assert_eq!(read::<DnsArgs>("--interval 7s").map(pause), Ok((3, 7)));
        let schedule = read::<TcpArgs>("--interval 2s --fall 3 --rise 2 --initial down").expect("sound");
        assert_eq!((schedule.retry, schedule.rise, schedule.initial), (2, 2, Initial::Down));
        assert_eq!(schedule.warmup, Duration::from_secs(2));
    }

    #[test]
    fn all_faults_are_told() {
        assert_eq!(
            read::<TcpArgs>("--interval 1s --jitter 1s --retry 1 --fall 3 --rise 0 --warmup x"),
            Err(vec![
                "--fall 3: --retry 1 is --fall 2".to_owned(),
                "--jitter 1s: jitter is less than the interval".to_owned(),
                "--rise 0: a number from 1 to 1000 is needed".to_owned(),
                "--warmup x: this is no time".to_owned(),
            ])
        );
    }
}
