//! Numbers of BFD sessions.

use serde_json::Value;

use super::exposition::{Exposition, Kind, labels, seconds};
use crate::bfd::{
    packet::State,
    status::{Negotiated, Rejected, SessionStatus, Status},
};

/// What a session counts.
type Counter = (&'static str, &'static str, fn(&SessionStatus) -> u64);

const COUNTERS: [Counter; 4] = [
    ("bfd_changes_total", "Times it went up or came down", |session| session.changes),
    ("bfd_packets_sent_total", "Packets sent", |session| session.counters.sent),
    ("bfd_packets_received_total", "Packets received and taken", |session| session.counters.received),
    ("bfd_expired_total", "Times that nothing was heard for the detection time", |session| session.counters.expired),
];

/// What a session has agreed on with its neighbour, in microseconds.
type Time = (&'static str, &'static str, fn(&Negotiated) -> u64);

const TIMES: [Time; 2] = [
    ("bfd_transmit_interval_seconds", "Time between packets that it sends, before jitter", |times| times.transmit_us),
    ("bfd_detection_time_seconds", "After what time of silence the path counts as failed", |times| times.detection_us),
];

/// Writes how BFD sessions are doing.
pub(super) fn sessions(text: &mut Exposition, status: &Status) {
    let label = |session: &SessionStatus| labels(&[("session", &session.name)]);
    let sessions = || status.sessions.iter();
    let states = [State::AdminDown, State::Down, State::Init, State::Up];
    let states = sessions().flat_map(|session| {
        states.map(|state| {
            let labels = labels(&[("session", &session.name), ("state", state.name())]);
            (labels, u8::from(session.state == state))
        })
    });
    text.family("bfd_state", Kind::Gauge, "1 for the state that the session has, 0 for the others", states);
    let age = sessions().map(|session| (label(session), session.since_ms / 1000));
    text.family("bfd_state_age_seconds", Kind::Gauge, "How long it has been in its state", age);
    for (name, help, of) in COUNTERS {
        text.family(name, Kind::Counter, help, sessions().map(|session| (label(session), of(session))));
    }
    for (name, help, of) in TIMES {
        let agreed = sessions().filter_map(|session| Some((label(session), session.negotiated?)));
        text.family(name, Kind::Gauge, help, agreed.map(|(label, times)| (label, seconds(of(&times)))));
    }
    let measured = || sessions().filter_map(|session| Some((label(session), session.measured?)));
    let jitter = measured().map(|(label, measured)| (label, seconds(measured.jitter_us)));
    text.family(
        "bfd_jitter_seconds",
        Kind::Gauge,
        "Mean difference between one gap of its packets and the next",
        jitter,
    );
    let lost = measured().map(|(label, measured)| (label, measured.lost));
    text.family("bfd_packets_lost", Kind::Gauge, "About how many packets of the neighbour got lost while up", lost);
    let rejected = sessions().flat_map(|session| {
        reasons(session.counters.rejected)
            .map(|(reason, count)| (labels(&[("session", &session.name), ("reason", &reason)]), count))
    });
    text.family("bfd_packets_rejected_total", Kind::Counter, "Packets of its neighbour that were not taken", rejected);
    let strange = reasons(status.rejected).map(|(reason, count)| (labels(&[("reason", &reason)]), count));
    text.family("bfd_strange_packets_total", Kind::Counter, "Packets that were for no session", strange);
}

/// Its fields are the reasons.
fn reasons(rejected: Rejected) -> impl Iterator<Item = (String, u64)> {
    let reasons = serde_json::to_value(rejected).unwrap_or_default();
    let reasons = reasons.as_object().cloned().unwrap_or_default();
    reasons.into_iter().filter_map(|(reason, count)| Some((reason, Value::as_u64(&count)?)))
}
