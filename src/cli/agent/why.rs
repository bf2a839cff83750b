//! `lvsadm agent why`: the last transitions of a service, a server or a virtual router, with what was seen.

use std::{fmt::Write as _, time::Duration};

use clap::Args;
use indexmap::IndexMap;

use super::{
    Where,
    events::{From, time},
};
use crate::{
    agent::{
        control::Query,
        event::{Subject, now},
        journal::{Entry, Page},
        log::format_utc,
    },
    cli::{
        Complaint, Error, Ui,
        args::{Faults, OneService, server_filter},
        json,
        names::Names,
        render::{clean_line, duration},
    },
    model::{ServerKey, ServiceKey},
};

/// How many events of each subject are shown.
const OF_EACH: usize = 10;

/// Why a server is down, or an instance is not master: the last transitions, with what was seen
///
/// Newest first, from the agent's journal. What a server answered wrongly is quoted, with escapes for what is no text.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm agent why -t 10.0.0.1:80
      What happened to the service and its servers.
  lvsadm agent why -t 10.0.0.1:80 -r 10.0.0.11
      To one server of it.
  lvsadm agent why VI_1
      To a VRRP instance, a sync group or a BFD session.")]
pub(super) struct WhyArgs {
    /// Name of an instance, a sync group, a session, or a process of the agent
    name: Option<String>,
    #[command(flatten)]
    service: OneService,
    /// Only this server of the service; without a port: the service's port
    #[arg(short = 'r', long = "real-server", value_name = "ADDR[:PORT]")]
    server: Option<String>,
    /// Show so many events of each [default: 10]
    #[arg(long, short = 'n', value_name = "NUMBER")]
    number: Option<usize>,
    /// JSON, described in lvsadm(8)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

impl WhyArgs {
    pub(super) fn run(self, ui: &mut Ui) -> Result<u8, Error> {
        let Self { number, json, .. } = self;
        let (query, place) = self.query()?;
        let (mut page, from) = place.ask(&query)?;
        if from == From::Left {
            ui.note("no agent runs; this is what the last one wrote down");
        }
        if page.events.is_empty() {
            let reach = page.begin.map_or_else(
                || "it is empty".to_owned(),
                |begin| format!("it goes back to {}", format_utc(Duration::from_millis(begin))),
            );
            return Err(Error::failed(format_args!("the journal has nothing about {}; {reach}", about(&query)))
                .hint("`lvsadm check list` and `lvsadm vrrp list` show what there is"));
        }
        newest(&mut page, number.unwrap_or(OF_EACH));
        if json {
            ui.json(&json::Events::new(&page))?;
        } else {
            ui.print(text(&page.events, now()))?;
        }
        Ok(0)
    }

    /// Returns what to ask, and whom.
    fn query(self) -> Result<(Query, Where), Error> {
        let (names, mut faults) = (Names::new(false), Faults::default());
        let is_given = self.service.is_given();
        let service = self.service.key(&names, &mut faults);
        let server = faults.read(self.server.as_ref(), |word| server_filter(word, &names));
        match (&self.name, is_given) {
            (Some(name), true) => faults.add(Complaint::new(format_args!("{name}: either a name or a service"))),
            (None, false) => faults.add(
                Complaint::new("a service (-t, -u, --sctp-service, -f) or a name is needed")
                    .hint("lvsadm agent why -t 10.0.0.1:80, or lvsadm agent why VI_1"),
            ),
            (Some(_), false) if self.server.is_some() => {
                faults.add(Complaint::new("-r: a server belongs to a service, so -t, -u or -f is needed"));
            }
            _ => {}
        }
        faults.check()?;
        let server = server.map(|(address, port)| ServerKey {
            address,
            port: port.or_else(|| service.and_then(|service| service.port())).unwrap_or(0),
        });
        let query = Query {
            name: self.name,
            service: service.as_ref().map(ServiceKey::to_string),
            server: server.as_ref().map(ServerKey::to_string),
            ..Query::default()
        };
        Ok((query, self.place))
    }
}

/// Returns whom a query is about, for people.
fn about(Query { name, service, server, .. }: &Query) -> String {
    match (name, service, server) {
        (None, Some(service), Some(server)) => format!("server {server} of {service}"),
        (name, service, _) => name.as_ref().or(service.as_ref()).cloned().unwrap_or_default(),
    }
}

/// Keeps the newest events of each subject.
fn newest(page: &mut Page, most: usize) {
    let mut counts: IndexMap<Subject, usize> = IndexMap::new();
    let mut kept: Vec<Entry> = page.events.drain(..).rev().collect();
    kept.retain(|entry| {
        let count = counts.entry(entry.event.subject.clone()).or_default();
        *count += 1;
        *count <= most
    });
    kept.reverse();
    page.events = kept;
}

/// Lays out events, subject by subject, the newest first.
fn text(events: &[Entry], now: u64) -> String {
    let mut subjects: IndexMap<&Subject, Vec<&Entry>> = IndexMap::new();
    for entry in events.iter().rev() {
        subjects.entry(&entry.event.subject).or_default().push(entry);
    }
    let mut text = String::new();
    for (subject, entries) in subjects {
        let _ = writeln!(text, "{}", clean_line(&name(subject)));
        let widest = entries.iter().map(|entry| entry.event.what.len()).max().unwrap_or(0);
        for entry in entries {
            let event = &entry.event;
            let ago = duration(now.saturating_sub(event.time) / 1000);
            let by = event.by.as_ref().map_or_else(String::new, |by| format!(", by {by}"));
            let why = format!("{}{by}", event.reason.as_ref().unwrap_or(&event.text));
            let (what, why) = (clean_line(&event.what), clean_line(&why));
            let _ = writeln!(text, "  {}  {:>12}  {what:<widest$}  {why}", time(entry), format!("{ago} ago"));
            if let Some(evidence) = &event.evidence {
                let _ = writeln!(text, "      seen: {}", clean_line(evidence));
            }
        }
    }
    text
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Instance(name) => format!("instance {name}"),
        Subject::Group(name) => format!("group {name}"),
        Subject::Session(name) => format!("session {name}"),
        Subject::Service(service) => service.clone(),
        Subject::Server { service, server } => format!("server {server} of {service}"),
        Subject::Process(name) => format!("process {name}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::agent::event::{Author, Event};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        why: WhyArgs,
    }

    fn query(words: &str) -> Result<Query, usize> {
        let words = std::iter::once("why").chain(words.split_ascii_whitespace());
        let line = Line::try_parse_from(words).expect("clap takes it");
        line.why.query().map(|(query, _)| query).map_err(|error| error.complaints().len())
    }

    #[test]
    fn somebody_is_named() {
        let of = |service: &str, server: Option<&str>| {
            Ok(Query { service: Some(service.to_owned()), server: server.map(str::to_owned), ..Query::default() })
        };
        assert_eq!(query("VI_1"), Ok(Query { name: Some("VI_1".to_owned()), ..Query::default() }));
        assert_eq!(query("-t 10.0.0.1:80"), of("TCP 10.0.0.1:80", None));
        assert_eq!(query("-t 10.0.0.1:80 -r 10.0.0.5"), of("TCP 10.0.0.1:80", Some("10.0.0.5:80")));
        assert_eq!(query("-u [2001:db8::1]:53 -r 10.0.0.5:5353"), of("UDP [2001:db8::1]:53", Some("10.0.0.5:5353")));
        assert_eq!(query("-f 5 -6"), of("FWM 5 IPv6", None));
        for wrong in ["", "-r 10.0.0.5", "VI -t 10.0.0.1:80", "VI -r 10.0.0.5", "-t nonsense"] {
            assert_eq!(query(wrong), Err(1), "{wrong}");
        }
    }

    #[test]
    fn the_newest_comes_first_and_evidence_below() {
        let server =
            |server: &str| Subject::Server { service: "TCP 10.0.0.1:80".to_owned(), server: server.to_owned() };
        let event = |subject, what: &str, time| {
            let event = Event { time, ..Event::now(subject, what, "it is so") };
            Event { evidence: (what == "down").then(|| "HTTP/1.1 500\\r\\n".to_owned()), ..event }
        };
        let events = [
            event(server("10.0.0.5:80"), "up", 1_000),
            event(server("10.0.0.6:80"), "drain", 2_000).by(&Author { user: "root".to_owned(), pid: Some(7) }),
            event(server("10.0.0.5:80"), "down", 60_000).because("500 \x1b[2J"),
        ];
        let events = events.into_iter().zip(1..).map(|(event, number)| Entry { number, event }).collect();
        let mut page = Page { events, ..Page::default() };
        let expected = "\
server 10.0.0.5:80 of TCP 10.0.0.1:80
  1970-01-01T00:01:00.000Z        1s ago  down  500 \\u{1b}[2J
      seen: HTTP/1.1 500\\r\\n
  1970-01-01T00:00:01.000Z        1m ago  up    it is so
server 10.0.0.6:80 of TCP 10.0.0.1:80
  1970-01-01T00:00:02.000Z       59s ago  drain  it is so, by root (pid 7)
";
        assert_eq!(text(&page.events, 61_000), expected);
        newest(&mut page, 1);
        assert_eq!(page.events.iter().map(|entry| entry.number).collect::<Vec<_>>(), [2, 3]);
    }
}
