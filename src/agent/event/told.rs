//! What routers, BFD sessions, pools and the kernel's table have to say, as events.

use super::{Event, Subject};
use crate::{
    bfd::{
        packet::{Diagnostic, Reject, State},
        sessions as bfd,
    },
    model::{Change, Target},
    pool::{self, settings::Foreign},
    state::print,
    vrrp::event::{self as vrrp, NoticeKind},
};

impl From<&vrrp::Subject> for Subject {
    fn from(subject: &vrrp::Subject) -> Self {
        match subject {
            vrrp::Subject::Instance(name) => Self::Instance(name.clone()),
            vrrp::Subject::Group(name) => Self::Group(name.clone()),
        }
    }
}

/// What is not a server's or a service's is the whole table's, which the check process keeps.
impl From<&Target> for Subject {
    fn from(target: &Target) -> Self {
        match target {
            Target::Server(service, server) => {
                Self::Server { service: service.to_string(), server: server.to_string() }
            }
            other => match other.service() {
                Some(service) => Self::Service(service.to_string()),
                None => Self::Process("check".to_owned()),
            },
        }
    }
}

impl From<&vrrp::Notice> for Event {
    fn from(notice: &vrrp::Notice) -> Self {
        let vrrp::Notice { subject, kind, priority, .. } = notice;
        let what = match kind {
            NoticeKind::Entered { state, .. } => state.to_string(),
            NoticeKind::Deleted => "deleted".to_owned(),
            NoticeKind::LowerPriority { .. } => "lower-priority".to_owned(),
            NoticeKind::Priority { .. } => "priority".to_owned(),
            NoticeKind::AddressesDiffer { .. } => "addresses-differ".to_owned(),
            NoticeKind::Rejected { .. } => "rejected".to_owned(),
        };
        let event = Self::now(subject.into(), &what, "");
        match (kind, subject) {
            (NoticeKind::Entered { state, cause }, vrrp::Subject::Group(_)) => {
                Self { text: format!("{subject}: {state}"), ..event }.because(cause)
            }
            (NoticeKind::Entered { state, cause }, _) => {
                Self { text: format!("{subject}: {state}, priority {priority}"), ..event }.because(cause)
            }
            (NoticeKind::Rejected { source, reason }, _) => {
                Self { text: format!("{subject}: an advert of {source} was rejected"), ..event }.because(reason)
            }
            _ => Self { text: notice.to_string(), ..event },
        }
    }
}

impl From<&bfd::Notice> for Event {
    fn from(notice: &bfd::Notice) -> Self {
        let bfd::Notice { session, kind, .. } = notice;
        let about = |what: &str| Self::now(Subject::Session(session.clone()), what, "");
        match kind {
            bfd::NoticeKind::Entered { state, diagnostic, remote, .. } => {
                let event =
                    Self { text: format!("BFD session {session} is {}", state.in_words()), ..about(state.name()) };
                match (state, remote.code()) {
                    (State::Up | State::Init | State::AdminDown, _) => event,
                    (State::Down, 1..) if *diagnostic == Diagnostic::NEIGHBOUR_DOWN => {
                        event.because(format_args!("{} ({})", diagnostic.in_words(), remote.in_words()))
                    }
                    _ => event.because(diagnostic.in_words()),
                }
            }
            bfd::NoticeKind::Rejected { reason, ttl } => {
                let text = format!("BFD session {session}: a packet of the neighbour was rejected");
                let event = Self { text, ..about("rejected") };
                match reason {
                    Reject::Ttl => event.because(format_args!(
                        "its TTL is {}, and {} is the least that is taken (--ttl, --max-hops)",
                        ttl.0, ttl.1
                    )),
                    reason => event.because(reason),
                }
            }
            bfd::NoticeKind::Removed => Self { text: format!("BFD session {session} was removed"), ..about("deleted") },
        }
    }
}

impl From<&pool::Notice> for Event {
    fn from(notice: &pool::Notice) -> Self {
        let pool::Notice { target, up, reason, evidence } = notice;
        let text = match (target, up) {
            (Target::Service(_), true) => format!("{target} has its quorum"),
            (Target::Service(_), false) => format!("{target} has lost its quorum"),
            (_, true) => format!("{target} is up"),
            (_, false) => format!("{target} is down"),
        };
        let event = Self::now(target.into(), if *up { "up" } else { "down" }, text).because(reason);
        let evidence = (!evidence.is_empty()).then(|| evidence.escape_ascii().to_string());
        Self { evidence, ..event }
    }
}

impl Event {
    /// Says that a check of a server or service tells nothing, because we failed and not the server.
    pub fn unknown(target: &Target, reason: &str) -> Self {
        Self::now(target.into(), "unknown", format_args!("{target}: a check tells nothing")).because(reason)
    }

    /// Says that a change of the table was asked for.
    pub fn asked(change: &Change) -> Self {
        let text = format!("a change of the table was asked for: {}", print::change_line(change));
        Self::now((&change.target()).into(), "changed", text)
    }

    /// Says that somebody else changed the kernel's table, and what becomes of that.
    pub fn foreign(change: &Change, policy: Foreign) -> Self {
        let (what, becomes) = match policy {
            Foreign::Adopt => ("adopted", "it stays so"),
            Foreign::Restore => ("restored", "it is put back"),
            Foreign::Ignore => ("ignored", "nothing is done about it"),
        };
        let line = print::change_line(change);
        let text = format!("somebody changed the kernel's table, and {becomes}: {line}");
        Self::now((&change.target()).into(), what, text)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, time::Duration};

    use super::*;
    use crate::{
        model::{Family, Moment, ServiceKey},
        vrrp::event::{Cause, State},
    };

    #[test]
    fn events_read_as_the_log_does() {
        let master: IpAddr = "10.9.9.2".parse().unwrap();
        let cause = Cause::MasterSilent { master: Some(master), silence: Duration::from_millis(3400) };
        for kind in [
            NoticeKind::Entered { state: State::Master, cause },
            NoticeKind::Rejected { source: master, reason: "wrong password".to_owned() },
            NoticeKind::LowerPriority { source: master, priority: 5 },
            NoticeKind::Deleted,
        ] {
            for subject in [vrrp::Subject::Instance("VI".to_owned()), vrrp::Subject::Group("G".to_owned())] {
                let notice = vrrp::Notice { at: Moment::ZERO, subject, kind: kind.clone(), priority: 150 };
                assert_eq!(Event::from(&notice).to_string(), notice.to_string());
            }
        }
        let service = ServiceKey::Mark { mark: 1, family: Family::V4 };
        let server = "10.0.0.5:80".parse::<std::net::SocketAddr>().unwrap();
        let server = crate::model::ServerKey { address: server.ip(), port: server.port() };
        for target in [Target::Service(service), Target::Server(service, server)] {
            let notice =
                pool::Notice { target, up: false, reason: "it said \"no\"".to_owned(), evidence: b"no\x1b".to_vec() };
            let event = Event::from(&notice);
            assert_eq!(event.to_string(), notice.to_string());
            assert_eq!((event.what.as_str(), event.evidence.as_deref()), ("down", Some("no\\x1b")));
        }
        let event = Event::foreign(&Change::DeleteServer(service, server), Foreign::Restore);
        assert_eq!(event.text, "somebody changed the kernel's table, and it is put back: -d -f 1 -r 10.0.0.5:80");
        assert_eq!(Event::foreign(&Change::Clear, Foreign::Adopt).subject, Subject::Process("check".to_owned()));
    }
}
