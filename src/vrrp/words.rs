//! States and causes in words, for logs and for the prompt alike.

use std::{fmt, time::Duration};

use super::event::{Cause, LinkFault, Notice, NoticeKind, State, Subject};

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init => "init",
            Self::Backup => "backup",
            Self::Master => "master",
            Self::Fault => "fault",
            Self::Stopped => "stopped",
        })
    }
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "its interface is missing",
            Self::Down => "its interface is down",
            Self::NoSource => "its interface has no address for adverts",
            Self::NoVmac => "its virtual MAC address cannot be set up",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started"),
            Self::Resumed => f.write_str("was master before its restart"),
            Self::MasterSilent { master: Some(master), silence } => {
                write!(f, "nothing heard of {master} for {}", Span(*silence))
            }
            Self::MasterSilent { master: None, silence } => write!(f, "no master heard for {}", Span(*silence)),
            Self::MasterGaveUp { master } => write!(f, "{master} gave up"),
            Self::Preempted { master, priority } => write!(f, "{master} has priority {priority} only"),
            Self::Outranked { master, priority } => write!(f, "{master} has priority {priority}"),
            Self::Paused { late } => write!(f, "did not run for {}", Span(*late)),
            Self::Link { fault } => fault.fmt(f),
            Self::Tracker { tracker } => write!(f, "{tracker} fails"),
            Self::Group { member } => write!(f, "together with {member}"),
            Self::Recovered => f.write_str("all faults are gone"),
            Self::Operator => f.write_str("ordered"),
            Self::Reconfigured => f.write_str("its settings changed"),
            Self::Stopped => f.write_str("the process ends"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(name) => f.write_str(name),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}

impl fmt::Display for Notice {
    /// One line for a log: `VI_1: master, priority 150: nothing heard of 10.9.9.2 for 3.4s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, priority, .. } = self;
        write!(f, "{subject}: ")?;
        match &self.kind {
            NoticeKind::Entered { state, cause } if matches!(subject, Subject::Group(_)) => {
                write!(f, "{state}: {cause}")
            }
            NoticeKind::Entered { state, cause } => write!(f, "{state}, priority {priority}: {cause}"),
            NoticeKind::Deleted => f.write_str("removed from the settings"),
            NoticeKind::LowerPriority { source, priority: theirs } => {
                write!(f, "{source} is master too, with priority {theirs}; it must give way")
            }
            NoticeKind::Priority { before } => write!(f, "priority {priority} instead of {before}"),
            NoticeKind::AddressesDiffer { source } => {
                write!(f, "the adverts of {source} have other addresses than ours; they count all the same")
            }
            NoticeKind::Rejected { source, reason } => write!(f, "an advert of {source} was rejected: {reason}"),
        }
    }
}

/// A time in people's units: `312ms`, `3.6s`, `14m56s`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ms, seconds) = (self.0.as_millis(), self.0.as_secs());
        match seconds {
            0 => write!(f, "{ms}ms"),
            1..10 => write!(f, "{seconds}.{}s", ms / 100 % 10),
            10..60 => write!(f, "{seconds}s"),
            60..3600 => write!(f, "{}m{}s", seconds / 60, seconds % 60),
            3600..86_400 => write!(f, "{}h{}m", seconds / 3600, seconds / 60 % 60),
            _ => write!(f, "{}d{}h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Span;

    #[test]
    fn times_have_units() {
        for (ms, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_000, "1.0s"),
            (3_609, "3.6s"),
            (10_000, "10s"),
            (896_000, "14m56s"),
            (7_380_000, "2h3m"),
            (90_000_000, "1d1h"),
        ] {
            assert_eq!(Span(Duration::from_millis(ms)).to_string(), text);
        }
    }
}
