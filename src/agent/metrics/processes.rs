//! Numbers of virtual routers, of the agent's processes, and of what it keeps and sends.

use serde_json::Value;

use super::{
    Told,
    exposition::{Exposition, Histogram, Kind, labels, seconds},
};
use crate::{
    agent::supervisor::status::{ProcessStatus, Status as AgentStatus},
    vrrp::{
        event::{Observation, State},
        status::{Counters, InstanceStatus, Status},
    },
};

/// Lateness that a VRRP process counts, in microseconds.
const LATE_US: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// What an instance counts.
type Counter = (&'static str, &'static str, fn(&Counters) -> u64);

const COUNTERS: [Counter; 8] = [
    ("vrrp_adverts_sent_total", "Adverts sent", |counters| counters.sent),
    ("vrrp_adverts_received_total", "Adverts received and accepted", |counters| counters.received),
    ("vrrp_became_master_total", "Times it became master", |counters| counters.became_master),
    ("vrrp_released_master_total", "Times it gave mastership up", |counters| counters.released_master),
    ("vrrp_zero_priority_sent_total", "Adverts of priority 0 sent", |counters| counters.zero_sent),
    ("vrrp_zero_priority_received_total", "Adverts of priority 0 received", |counters| counters.zero_received),
    ("vrrp_lower_priority_received_total", "Adverts of lower priority heard while master", |counters| {
        counters.lower_received
    }),
    ("vrrp_pauses_total", "Timers that fired so late that it listened again", |counters| counters.paused),
];

/// Writes what the VRRP process says.
pub(super) fn vrrp(text: &mut Exposition, status: &Status) {
    let label = |instance: &InstanceStatus| labels(&[("instance", &instance.name)]);
    let instances = || status.instances.iter();
    let states = [State::Init, State::Backup, State::Master, State::Fault, State::Stopped];
    let states = instances().flat_map(|instance| {
        states.map(|state| {
            let labels = labels(&[("instance", &instance.name), ("state", &state.to_string())]);
            (labels, u8::from(instance.state == state))
        })
    });
    text.family("vrrp_state", Kind::Gauge, "1 for the state that the instance has, 0 for the others", states);
    let age = instances().map(|instance| (label(instance), instance.since_ms / 1000));
    text.family("vrrp_state_age_seconds", Kind::Gauge, "How long it has been in its state", age);
    let priority = instances().map(|instance| (label(instance), instance.priority));
    text.family("vrrp_priority", Kind::Gauge, "Priority in adverts", priority);
    let base = instances().map(|instance| (label(instance), instance.base_priority));
    text.family("vrrp_base_priority", Kind::Gauge, "Priority before trackers", base);
    for (name, help, of) in COUNTERS {
        let samples = instances().map(|instance| (label(instance), of(&instance.counters)));
        text.family(name, Kind::Counter, help, samples);
    }
    let rejected = instances().flat_map(|instance| {
        // Its fields are the reasons.
        let reasons = serde_json::to_value(instance.counters.rejected).unwrap_or_default();
        let reasons = reasons.as_object().cloned().unwrap_or_default().into_iter();
        reasons.filter_map(|(reason, count)| {
            Some((labels(&[("instance", &instance.name), ("reason", &reason)]), Value::as_u64(&count)?))
        })
    });
    text.family("vrrp_adverts_rejected_total", Kind::Counter, "Adverts that were rejected", rejected);
    let trackers = status.trackers.iter().filter_map(|tracker| {
        let value = match tracker.observation {
            Observation::Unknown => return None,
            Observation::Up => 1,
            Observation::Down => 0,
            Observation::Value(value) => value,
        };
        Some((labels(&[("tracker", &tracker.tracker)]), value))
    });
    text.family("vrrp_tracker", Kind::Gauge, "1 if it works, 0 if it fails; the number in a tracked file", trackers);
    let late = &status.lateness;
    let histogram = Histogram::of_late(&LATE_US, &late.over, late.timers, late.total_us);
    text.histograms("vrrp_timer_lateness_seconds", "How late timers fired", [(String::new(), histogram)]);
    text.single("vrrp_timer_lateness_worst_seconds", Kind::Gauge, "The latest timer ever", seconds(late.worst_us));
}

/// Writes what the agent says of itself.
pub(super) fn agent(text: &mut Exposition, status: &AgentStatus) {
    let label = |process: &ProcessStatus| labels(&[("process", &process.name)]);
    let up = status.processes.iter().map(|process| (label(process), u8::from(process.state == "ready")));
    text.family("process_up", Kind::Gauge, "Whether the process has done its first work and runs", up);
    let restarts = status.processes.iter().map(|process| (label(process), process.restarts));
    text.family("process_restarts_total", Kind::Counter, "Times it was started because it had ended", restarts);
    text.single("agent_age_seconds", Kind::Gauge, "How long the agent has been running", status.since_ms / 1000);
    text.single("agent_saved", Kind::Gauge, "Whether the save file says what runs", u8::from(status.saved));
    text.single("agent_revision", Kind::Gauge, "Number of the running state", status.revision);
}

/// Writes how journal, mail and FIFOs are doing.
pub(super) fn told(text: &mut Exposition, told: &Told) {
    let journal = &told.journal;
    text.single("events_total", Kind::Counter, "Events since the agent was started", journal.fed);
    text.single("journal_events", Kind::Gauge, "Events that the journal holds", journal.held);
    let help = "Events that could not be written to the journal's file";
    text.single("journal_unwritten_total", Kind::Counter, help, journal.unwritten);
    if let Some(lost) = told.fifo_lines_lost {
        let help = "Lines about servers and services that FIFOs have lost because nobody read them fast enough";
        text.single("fifo_lines_lost_total", Kind::Counter, help, lost);
    }
    let Some(mail) = &told.mail else { return };
    text.single("mails_sent_total", Kind::Counter, "Mails that a server took", mail.sent);
    text.single("mails_given_up_total", Kind::Counter, "Mails that no server took", mail.given_up);
    let help = "Notes that were left out because mail was too slow";
    text.single("mail_notes_left_out_total", Kind::Counter, help, mail.left_out);
    text.single("mail_notes_waiting", Kind::Gauge, "Notes that wait to be sent", mail.waiting);
}
