//! `lvsadm top`: who is busy now.

mod keys;
mod known;
pub(in crate::cli) mod sample;
pub(in crate::cli) mod screen;
mod terminal;
pub(in crate::cli) mod view;

use std::{
    net::IpAddr,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Args;

use super::{
    Error, Ui,
    args::{Faults, ServiceFilter, ServiceFilterArgs, interval},
    drain::servers,
    json,
    kernel::Reader,
    names::Names,
    vrrp::Target,
    watch,
};
use crate::{model::Snapshot, sys::clock};
use keys::{Action, HELP, Session};
use known::Known;
use sample::Sample;
use screen::{cut_end, page, summary};
use terminal::{Input, Terminal};
use view::{Grouping, Rows, Sort, View};

/// Show what services and servers do now
///
/// A live view: connections, packets and bytes a second, from what the kernel's counters have gained since the reading before. With an
/// agent: health, drains, and weights that are not what it wants. Keys: h shows them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm top
      All services with their servers, the busiest first.
  lvsadm top -r 10.0.0.11
      One server, over all its services.
  lvsadm top -t 10.0.0.1 --sort bytes --interval 1
      The services of an address.
  lvsadm top --once
      One page, for a script or a ticket.
  lvsadm top --json --interval 10 | jq -c '[.time, .services[].rates.connections]'
      One line of JSON for each reading, until it is interrupted.")]
pub struct TopArgs {
    #[command(flatten)]
    services: ServiceFilterArgs,
    /// Only this server; without a port: all of its ports. May be repeated
    #[arg(short = 'r', long = "real-server", value_name = "ADDR[:PORT]")]
    servers: Vec<String>,
    /// Servers with their services below them, instead of services with their servers; with -r anyway
    #[arg(long)]
    by_server: bool,
    /// Order, the greatest first
    #[arg(long, value_name = "KEY", default_value = "connections")]
    sort: Sort,
    /// Only names with this in them
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
    /// Seconds between two readings; the kernel brings its counters up to date every two seconds, so that shorter ones show bursts
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
    interval: Duration,
    /// Print one page, after one interval, and end
    #[arg(long)]
    once: bool,
    /// JSON, one line for each reading, described in lvsadm(8)
    #[arg(long)]
    json: bool,
    /// Look host and service names up
    #[arg(long)]
    resolve: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, there is no terminal, or the kernel cannot be read.
pub fn run(args: TopArgs, ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.resolve);
    let services = args.services.filter(&names, &mut faults);
    let servers = servers(&args.servers, &names, &mut faults);
    faults.check()?;
    let grouping = if args.by_server || !servers.is_empty() { Grouping::Servers } else { Grouping::Services };
    let view = View { grouping, sort: args.sort, reverse: false, filter: args.filter.clone() };
    let mut source = Source { reader: Reader::open(ui)?, services, servers, known: Known::new(&args.target) };
    if args.once || args.json {
        return print(&args, &view, &mut source, ui);
    }
    // Before the terminal is taken over, so that what is wrong is said on the screen that stays.
    let first = source.sample(None)?;
    live(&args, view, source, first)
}

/// Where samples come from.
struct Source {
    reader: Reader,
    services: ServiceFilter,
    servers: Vec<(IpAddr, Option<u16>)>,
    known: Known,
}

impl Source {
    fn sample(&mut self, before: Option<&Sample>) -> Result<Sample, Error> {
        let at = clock::now();
        let snapshot = self.reader.snapshot()?;
        let snapshot = self.chosen(snapshot);
        self.known.refresh();
        Ok(Sample::new(at, snapshot, before))
    }

    fn chosen(&self, snapshot: Snapshot) -> Snapshot {
        let mut services = snapshot.services;
        services.retain_mut(|each| {
            if !self.servers.is_empty() {
                each.servers.retain(|server| {
                    let key = server.server.key;
                    let is = |(address, port): &(IpAddr, Option<u16>)| {
                        *address == key.address && port.is_none_or(|port| port == key.port)
                    };
                    self.servers.iter().any(is)
                });
            }
            self.services.takes(&each.service.key) && (self.servers.is_empty() || !each.servers.is_empty())
        });
        Snapshot { services }
    }
}

/// Prints one page, or lines of JSON.
fn print(args: &TopArgs, view: &View, source: &mut Source, ui: &mut Ui) -> Result<u8, Error> {
    let first = source.sample(None)?;
    let mut before = first;
    if args.once {
        thread::sleep(args.interval);
        let sample = source.sample(Some(&before))?;
        if args.json {
            ui.json_line(&json::Top::new(&sample, &source.known, now()))?;
            return Ok(0);
        }
        ui.print(summary(&sample, false) + "\n\n")?;
        for (line, _) in page(&sample, &view.rows(&sample), &source.known, 0, None) {
            ui.print(line + "\n")?;
        }
        return Ok(0);
    }
    let mut is_first = true;
    watch::watch(args.interval, ui, |ui| {
        // Without a reading before there are no rates to tell.
        if std::mem::take(&mut is_first) {
            return Ok(());
        }
        before = source.sample(Some(&before))?;
        ui.json_line(&json::Top::new(&before, &source.known, now()))
    })
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Draws until somebody has seen enough.
fn live(args: &TopArgs, view: View, mut source: Source, first: Sample) -> Result<u8, Error> {
    let terminal = Terminal::open()?;
    let mut session = Session::new(view);
    let mut sample = first;
    let mut rows = session.view.rows(&sample);
    // The first rates soon, whatever the interval.
    let mut next = Instant::now() + args.interval.min(Duration::from_secs(1));
    loop {
        let size = Terminal::size();
        // A line of sums above, a line of titles, a line of words below.
        let room = size.lines.saturating_sub(3);
        session.keep_within(rows.rows.len(), room);
        Terminal::draw(&lines(&sample, &rows, &session, &source.known, size))?;
        let limit =
            if session.paused { Duration::from_secs(3600) } else { next.saturating_duration_since(Instant::now()) };
        let mut refresh = false;
        match terminal.wait(limit) {
            Input::Keys(bytes) => {
                for key in keys::read(&bytes) {
                    match session.take(key, rows.rows.len(), room) {
                        Action::Draw => {}
                        Action::Refresh => refresh = true,
                        Action::Suspend => terminal.suspend()?,
                        Action::Quit => return Ok(0),
                    }
                }
                rows = session.view.rows(&sample);
            }
            Input::Suspend => terminal.suspend()?,
            Input::Ended(signal) => {
                terminal.die(signal);
                return Ok(1);
            }
            Input::Gone => return Ok(1),
            Input::Changed | Input::Timeout => {}
        }
        if refresh || (!session.paused && Instant::now() >= next) {
            sample = source.sample(Some(&sample))?;
            rows = session.view.rows(&sample);
            next = Instant::now() + args.interval;
        }
    }
}

/// Returns all lines of the screen.
fn lines(sample: &Sample, rows: &Rows, session: &Session, known: &Known, size: screen::Size) -> Vec<(String, bool)> {
    let cut = |text: &str| cut_end(text, size.columns);
    let mut lines = vec![(cut(&summary(sample, session.paused)), false)];
    let window = screen::Size { lines: size.lines.saturating_sub(2), ..size };
    if session.help {
        lines.extend(HELP.iter().take(window.lines).map(|line| (cut(line), false)));
    } else {
        lines.extend(page(sample, rows, known, session.first, Some(window)));
    }
    let below = match &session.typed {
        Some(typed) => format!("/{typed}"),
        None if session.view.filter.is_empty() => "h help  q quit".to_owned(),
        None => format!("only {}  Esc all  h help  q quit", session.view.filter),
    };
    while lines.len() + 1 < size.lines {
        lines.push((String::new(), false));
    }
    lines.push((cut(&below), false));
    lines.truncate(size.lines.max(1));
    lines
}
