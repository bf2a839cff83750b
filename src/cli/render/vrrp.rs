//! Virtual routers for people: one a line, or everything about one.

use std::{fmt::Write as _, net::IpAddr, time::Duration};

use super::{Column, checks::span, clean_line, table};
use crate::{
    state::vrrp::print_time,
    vrrp::{
        event::{Cause, Observation, State},
        status::{Counters, InstanceStatus, Lateness, Rejected, Status, TrackerStatus},
    },
};

/// Returns the instances, one a line. Without a process that runs them, their state is not what the status says.
pub fn vrrp_list(status: &Status, running: bool) -> String {
    let columns = [
        Column::text("NAME"),
        Column::text("STATE"),
        Column::optional("SINCE"),
        Column::number("PRIORITY"),
        Column::optional("MASTER"),
        Column::optional("ADDRESSES"),
        Column::optional("WHY"),
    ];
    let row = |instance: &InstanceStatus| {
        let addresses = match instance.addresses.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [first, others @ ..] => format!("{first} +{}", others.len()),
        };
        let master = master(instance).map(|address| address.to_string()).unwrap_or_default();
        vec![
            clean_line(&instance.name),
            state(instance.state, running),
            if running { span(instance.since_ms) } else { String::new() },
            instance.priority.to_string(),
            master,
            clean_line(&addresses),
            why(instance),
        ]
    };
    table(&columns, status.instances.iter().map(row))
}

/// Returns everything about the instances, what is watched, and how punctual the process is.
pub fn vrrp_show(status: &Status, running: bool) -> String {
    let mut blocks: Vec<String> = status.instances.iter().map(|each| instance(each, running)).collect();
    if !status.groups.is_empty() {
        let columns =
            [Column::text("GROUP"), Column::text("STATE"), Column::optional("SINCE"), Column::text("MEMBERS")];
        let rows = status.groups.iter().map(|group| {
            let since = if running { span(group.since_ms) } else { String::new() };
            let members = clean_line(&group.members.join(", "));
            vec![clean_line(&group.name), state(group.state, running), since, members]
        });
        blocks.push(table(&columns, rows));
    }
    if !status.trackers.is_empty() {
        let columns = [Column::text("TRACKER"), Column::text("STATE"), Column::text("SINCE"), Column::text("BEARS ON")];
        blocks.push(table(&columns, status.trackers.iter().map(tracker)));
    }
    if running {
        blocks.push(lateness(&status.lateness));
    }
    blocks.join("\n")
}

/// Returns who is master, as far as this instance knows.
fn master(instance: &InstanceStatus) -> Option<IpAddr> {
    match instance.state {
        State::Master => instance.source,
        State::Backup => instance.peers.first().map(|peer| peer.address),
        State::Init | State::Fault | State::Stopped => None,
    }
}

fn state(state: State, running: bool) -> String {
    if running { state.to_string() } else { "not running".to_owned() }
}

/// Returns the last transition's cause, and what is waited for.
fn why(instance: &InstanceStatus) -> String {
    let last = instance.transitions.first().map(|transition| &transition.cause);
    // That it was ordered is said once.
    let last = last.filter(|cause| instance.order.is_none() || **cause != Cause::Operator);
    let cause = last.map(Cause::to_string);
    // What brought a fault about is often all that still keeps it.
    let others: Vec<&str> =
        instance.waits_for.iter().map(String::as_str).filter(|other| Some(*other) != cause.as_deref()).collect();
    let waits = (!others.is_empty()).then(|| format!("held back: {}", others.join(", ")));
    let ordered = instance.order.as_ref().map(|order| format!("ordered to {order}"));
    clean_line(&[cause, waits, ordered].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// Lines `  what  text`, what follows the first below it.
pub(super) struct Facts(pub(super) String);

impl Facts {
    pub(super) fn add(&mut self, what: &str, lines: impl IntoIterator<Item = String>) {
        let mut what = what;
        for line in lines {
            let _ = writeln!(self.0, "  {what:<12} {}", clean_line(&line));
            what = "";
        }
    }
}

fn instance(instance: &InstanceStatus, running: bool) -> String {
    let InstanceStatus { name, vrid, version, family, .. } = instance;
    let family = if family == "ipv4" { "IPv4" } else { "IPv6" };
    let link = instance.interface.as_ref().map(|link| format!(" on {link}")).unwrap_or_default();
    let since = if running { format!(" for {}", span(instance.since_ms)) } else { String::new() };
    let head =
        format!("{name}: {}{since}, VRID {vrid}{link}, VRRP {version}, {family}", state(instance.state, running));
    let mut facts = Facts(clean_line(&head) + "\n");
    let reason = why(instance);
    facts.add("why", (!reason.is_empty()).then_some(reason));
    let base = if instance.priority == instance.base_priority {
        String::new()
    } else {
        format!(" ({} without trackers)", instance.base_priority)
    };
    facts.add("priority", [format!("{}{base}", instance.priority)]);
    facts.add("interval", [print_time(Duration::from_millis(instance.interval_ms))]);
    facts.add("source", instance.source.map(|source| source.to_string()));
    facts.add("group", instance.group.clone());
    facts.add("addresses", instance.addresses.iter().cloned());
    facts.add("next timer", instance.timer_ms.map(|ms| format!("in {}", span(ms))));
    facts.add(
        "peers",
        instance.peers.iter().map(|peer| {
            format!(
                "{}, priority {}, interval {}, heard {} ago, {} adverts",
                peer.address,
                peer.priority,
                print_time(Duration::from_millis(peer.interval_ms)),
                span(peer.ago_ms),
                peer.adverts
            )
        }),
    );
    facts.add(
        "transitions",
        instance.transitions.iter().map(|each| {
            let (from, to) = (each.from, each.to);
            format!("{} ago: {from} to {to}: {}", span(each.ago_ms), each.cause)
        }),
    );
    if running {
        facts.add("adverts", counters(&instance.counters));
        facts.add("rejected", rejected(&instance.counters.rejected));
    }
    facts.0
}

fn counters(counters: &Counters) -> Vec<String> {
    let Counters { sent, received, became_master, released_master, zero_sent, zero_received, .. } = counters;
    let mut lines = vec![
        format!("{sent} sent, {received} received; of priority 0 {zero_sent} sent, {zero_received} received"),
        format!("{became_master} times master, given up {released_master} times"),
    ];
    let rare = [
        (counters.lower_received, "of lower priority while master"),
        (counters.addresses_differ, "with other addresses than ours"),
        (counters.paused, "timers so late that it listened again"),
    ];
    lines.extend(rare.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    lines
}

/// Returns the reasons that occurred, on one line.
fn rejected(rejected: &Rejected) -> Option<String> {
    let reasons = [
        (rejected.length, "wrong length"),
        (rejected.hops, "wrong TTL"),
        (rejected.version, "other version"),
        (rejected.kind, "no advert"),
        (rejected.checksum, "wrong checksum"),
        (rejected.auth_type, "unknown authentication"),
        (rejected.auth_mismatch, "other authentication"),
        (rejected.auth_failure, "wrong secret"),
        (rejected.replay, "repeated"),
        (rejected.window, "outside the time window"),
        (rejected.key, "unknown key"),
        (rejected.no_trailer, "without HMAC"),
        (rejected.interval, "other interval"),
        (rejected.destination, "wrong destination"),
        (rejected.source, "not of a peer"),
        (rejected.owner, "ignored by the owner"),
    ];
    let found: Vec<_> =
        reasons.into_iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

fn tracker(tracker: &TrackerStatus) -> Vec<String> {
    let observation = match tracker.observation {
        Observation::Unknown => "unknown".to_owned(),
        Observation::Up => "up".to_owned(),
        Observation::Down => "down".to_owned(),
        Observation::Value(value) => value.to_string(),
    };
    vec![clean_line(&tracker.tracker), observation, span(tracker.since_ms), clean_line(&tracker.users.join(", "))]
}

fn lateness(lateness: &Lateness) -> String {
    let Lateness { timers, worst_us, total_us, over } = lateness;
    let mean = total_us.checked_div(*timers).unwrap_or(0);
    let [over_1ms, over_10ms, over_100ms, over_1s] = over;
    format!(
        "timers: {timers} fired, {mean}us late on average, {worst_us}us at worst; later than 1ms {over_1ms}, 10ms \
         {over_10ms}, 100ms {over_100ms}, 1s {over_1s}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn times_have_units() {
        for (ms, text) in
            [(0, "0ms"), (999, "999ms"), (1_000, "1.0s"), (3_609, "3.6s"), (10_000, "10s"), (896_000, "14m56s")]
        {
            assert_eq!(span(ms), text);
        }
    }
}
