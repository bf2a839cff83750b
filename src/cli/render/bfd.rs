//! BFD sessions for people: one a line, or everything about one.

use std::time::Duration;

use super::{Column, checks::span, clean_line, table, vrrp::Facts};
use crate::{
    bfd::{
        packet::State,
        status::{Rejected, SessionStatus, Status, Times},
    },
    state::vrrp::print_time,
};

/// Returns the sessions, one a line. Without a process that runs them, their state is not what the status says.
pub fn bfd_list(status: &Status, running: bool) -> String {
    let columns = [
        Column::text("NAME"),
        Column::text("STATE"),
        Column::optional("SINCE"),
        Column::text("NEIGHBOUR"),
        Column::optional("SENDS"),
        Column::optional("DETECTS"),
        Column::optional("LOST"),
        Column::optional("WHY"),
    ];
    let row = |session: &SessionStatus| {
        let negotiated = session.negotiated.filter(|_| session.state == State::Up);
        vec![
            clean_line(&session.name),
            state(session, running),
            if running { span(session.since_ms) } else { String::new() },
            clean_line(&session.neighbour),
            negotiated.map(|times| format!("every {}", time(times.transmit_us))).unwrap_or_default(),
            negotiated.map(|times| format!("in {}", time(times.detection_us))).unwrap_or_default(),
            session.measured.map(|measured| measured.lost.to_string()).unwrap_or_default(),
            why(session),
        ]
    };
    table(&columns, status.sessions.iter().map(row))
}

/// Returns everything about the sessions, and packets that were for none.
pub fn bfd_show(status: &Status, running: bool) -> String {
    let mut blocks: Vec<String> = status.sessions.iter().map(|each| session(each, running)).collect();
    if let Some(reasons) = rejected(&status.rejected) {
        blocks.push(format!("packets for no session: {reasons}\n"));
    }
    blocks.join("\n")
}

fn state(session: &SessionStatus, running: bool) -> String {
    if running { session.state.in_words().to_owned() } else { "not running".to_owned() }
}

/// Returns why a session is not up, as both ends have it.
fn why(session: &SessionStatus) -> String {
    if session.state == State::Up {
        return String::new();
    }
    let own = (session.diagnostic.code() != 0).then(|| session.why.clone());
    let theirs = session.remote.as_ref().filter(|remote| remote.diagnostic.code() != 0);
    let theirs = theirs.map(|remote| format!("the neighbour says: {}", remote.why));
    clean_line(&[own, theirs].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

fn session(session: &SessionStatus, running: bool) -> String {
    let SessionStatus { name, neighbour, remote, counters, .. } = session;
    let since = if running { format!(" for {}", span(session.since_ms)) } else { String::new() };
    let kind = if session.multihop { "multi-hop" } else { "single hop" };
    let link = session.interface.as_ref().map(|link| format!(" on {link}")).unwrap_or_default();
    let passive = if session.passive { ", passive" } else { "" };
    let head = format!("{name}: {}{since}, neighbour {neighbour}{link}, {kind}{passive}", state(session, running));
    let mut facts = Facts(clean_line(&head) + "\n");
    let reason = why(session);
    facts.add("why", (!reason.is_empty()).then_some(reason));
    facts.add("source", session.source.map(|source| source.to_string()));
    facts.add("signed", session.authentication.clone());
    facts.add("wanted", [times(&session.wanted)]);
    facts.add(
        "negotiated",
        session.negotiated.map(|negotiated| {
            let (transmit, detection) = (time(negotiated.transmit_us), time(negotiated.detection_us));
            format!("sends every {transmit}, detects in {detection}")
        }),
    );
    if let Some(remote) = remote {
        let demand = if remote.demand { ", wants silence while all is well" } else { "" };
        let state = remote.state.in_words();
        facts.add(
            "neighbour",
            [
                format!("{state}, heard {} ago{demand}", span(remote.heard_ms)),
                format!("wants {}", times(&remote.times)),
                format!("last went down: {}", remote.why),
            ],
        );
    }
    if running {
        let theirs = remote.as_ref().map(|remote| format!(", the neighbour's {}", remote.discriminator));
        let theirs = theirs.unwrap_or_default();
        facts.add("number", [format!("{}{theirs}", session.discriminator)]);
        facts.add(
            "measured",
            session.measured.map(|measured| {
                let (jitter, longest) = (time(measured.jitter_us), time(measured.longest_us));
                format!("jitter {jitter}, longest gap {longest}, about {} packets lost", measured.lost)
            }),
        );
        let late = time(counters.worst_late_us);
        facts.add(
            "packets",
            [
                format!("{} sent, {late} late at worst; {} received", counters.sent, counters.received),
                format!("{} times up or down, {} times nothing heard in time", session.changes, counters.expired),
            ],
        );
        facts.add("rejected", rejected(&counters.rejected));
    }
    facts.0
}

fn times(times: &Times) -> String {
    let Times { min_tx_us, min_rx_us, multiplier } = times;
    format!("to send every {}, to receive every {}, multiplier {multiplier}", time(*min_tx_us), time(*min_rx_us))
}

fn time(us: u64) -> String {
    print_time(Duration::from_micros(us))
}

/// Returns the reasons that occurred, on one line.
fn rejected(rejected: &Rejected) -> Option<String> {
    let found: Vec<_> = rejected
        .in_words()
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect();
    (!found.is_empty()).then(|| found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bfd::{sessions::idle, settings::Settings, status::Negotiated};

    #[test]
    fn what_is_not_known_is_not_shown() {
        let session = idle(&Settings::new("gw", "10.0.0.1".parse().unwrap()));
        let mut status = Status { sessions: vec![session], ..Status::default() };
        assert_eq!(bfd_list(&status, false), "NAME  STATE        NEIGHBOUR\ngw    not running  10.0.0.1\n");
        status.sessions[0].state = State::Up;
        status.sessions[0].negotiated = Some(Negotiated { transmit_us: 50_000, detection_us: 150_000 });
        let wanted =
            "NAME  STATE  SINCE  NEIGHBOUR  SENDS       DETECTS\ngw    up     0ms    10.0.0.1   every 50ms  in 150ms\n";
        assert_eq!(bfd_list(&status, true), wanted);
    }
}
