//! `lvsadm agent events`: what happened, and what happens.

use std::{io, thread, time::Duration};

use clap::Args;

use super::{
    Where,
    ask::{ask_verb, none},
};
use crate::{
    agent::{
        control::{JournalCall, Query},
        event::now,
        journal::{self, Entry, Page},
        log::format_utc,
    },
    cli::{
        Error, Ui,
        args::{Faults, duration},
        render::clean_line,
    },
};

/// How long to wait until an agent that has gone is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// How many past events are shown before those to come.
const BEFORE: usize = 10;

/// The longest time back, in seconds.
const YEAR: u32 = 366 * 86_400;

/// Show what happened: transitions, changes of others, restarts; with their reasons
///
/// The agent keeps a journal of the last events of everything that it looks after. It survives restarts.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm agent events --since 10m
      What happened in the last ten minutes.
  lvsadm agent events --follow --json | jq -r .text
      What happens from now on, for a program.")]
pub(super) struct EventsArgs {
    /// Only those of the last seconds, minutes, hours, days: 90, 10m, 2h, 1d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Go on with what happens, until interrupted
    #[arg(long, short = 'f')]
    follow: bool,
    /// One line of JSON for each event, described in lvsadm(8)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

/// Where an answer is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The agent.
    Agent,
    /// What one that is gone has left.
    Left,
}

impl Where {
    /// Asks the agent, or reads what it has left.
    ///
    /// # Errors
    /// There is no agent and no journal, or the agent does not answer.
    pub(super) fn ask(&self, query: &Query) -> Result<(Page, From), Error> {
        let (verb, params) = JournalCall::Events(query.clone()).parts();
        match ask_verb(&self.socket(), &verb, params)? {
            Some(page) => Ok((page, From::Agent)),
            None => self.left(query).map(|page| (page, From::Left)),
        }
    }

    fn left(&self, query: &Query) -> Result<Page, Error> {
        let directory = self.run_dir();
        journal::left(&directory, query).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => none(&self.socket()),
            _ => Error::failed(format_args!(
                "no agent answers at {}, and its journal {} cannot be read: {error}",
                self.socket().display(),
                directory.join(journal::FILE).display()
            )),
        })
    }
}

impl EventsArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let mut faults = Faults::default();
        let seconds = faults.read(self.since.as_ref(), |word| duration("--since", word, YEAR));
        faults.check()?;
        let since = seconds.map(|seconds| now().saturating_sub(u64::from(seconds) * 1000));
        let most = (self.follow && since.is_none()).then_some(BEFORE);
        let (page, from) = self.place.ask(&Query { since, most, ..Query::default() })?;
        if from == From::Left {
            ui.note("no agent runs; this is what the last one wrote down");
        }
        self.print(&page.events, ui)?;
        if self.follow { self.follow(page.last, ui) } else { Ok(0) }
    }

    /// Shows what comes after event number `last`, until somebody interrupts.
    fn follow(&self, mut last: u64, ui: &mut Ui) -> Result<u8, Error> {
        let mut answered = true;
        loop {
            ui.flush()?;
            match self.place.ask(&Query { after: Some(last), wait: true, ..Query::default() }) {
                Ok((page, From::Agent)) => {
                    // A journal that was removed begins anew.
                    let missed = if page.last < last { 0 } else { page.missed };
                    if missed > 0 {
                        ui.warn(format_args!("{missed} events came too fast, and the journal no longer has them"));
                    }
                    self.print(&page.events, ui)?;
                    (last, answered) = (page.last, true);
                }
                Ok((_, From::Left)) | Err(_) => {
                    if answered {
                        ui.note("no agent answers; this waits for one");
                    }
                    answered = false;
                    thread::sleep(AGAIN);
                }
            }
        }
    }

    fn print(&self, events: &[Entry], ui: &mut Ui) -> Result<(), Error> {
        for entry in events {
            if self.json {
                ui.json_line(entry)?;
            } else {
                ui.print(format!("{} {}\n", time(entry), clean_line(&entry.event.to_string())))?;
            }
        }
        Ok(())
    }
}

/// Returns when an event happened: `2026-11-22T20:35:30.123Z`.
pub(super) fn time(entry: &Entry) -> String {
    format_utc(Duration::from_millis(entry.event.time))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::agent::{
        event::{Event, Subject},
        journal::Journal,
    };

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        events: EventsArgs,
    }

    #[test]
    fn without_an_agent_its_journal_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let place = Where { run_dir: Some(directory.path().to_owned()) };
        let error = place.ask(&Query::default()).unwrap_err();
        assert!(error.complaints()[0].text.starts_with("no agent answers at "), "{error:?}");
        let journal = Journal::begin(directory.path());
        journal.feed(Event::now(Subject::Instance("V".to_owned()), "master", "V: master"));
        let (page, from) = place.ask(&Query::default()).unwrap();
        assert_eq!((page.events.len(), from), (1, From::Left));
    }

    #[test]
    fn times_are_checked() {
        let line = Line::try_parse_from(["events", "--since", "tomorrow"]).unwrap();
        let error = line.events.run(&mut Ui::new()).unwrap_err();
        assert_eq!((error.status(), error.complaints().len()), (2, 1));
    }
}
