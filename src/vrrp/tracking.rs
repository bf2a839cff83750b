//! Tracking: from what is known of links, scripts, processes, files, BFD sessions and services to priorities and faults.
//! Only arithmetic on values; nothing is watched here.

use std::collections::HashMap;

use super::{
    event::{InstanceId, Observation},
    settings::{Instance, SyncGroup, Track, Tracker},
    status::TrackerStatus,
};
use crate::model::Moment;

/// Most that a file's number times its weight may add or subtract; −254 and below is a fault.
const FILE_LIMIT: i64 = 253;

/// Returns a tracker as on a command line: `interface eth1`, `script chk`, `service TCP 10.0.0.1:80`.
pub fn in_words(tracker: &Tracker) -> String {
    match tracker {
        Tracker::Interface(name) => format!("interface {name}"),
        Tracker::Script(name) => format!("script {name}"),
        Tracker::Process(name) => format!("process {name}"),
        Tracker::File(name) => format!("file {name}"),
        Tracker::Bfd(name) => format!("bfd {name}"),
        Tracker::Service(tracked) => format!("service {}", tracked.service),
    }
}

/// Returns what an instance goes by: its own tracks and those of its sync group. A group without weights takes those of its
/// members away, as keepalived does: interfaces, files and services count as faults, and the others not at all.
pub(super) fn tracks_of(instance: &Instance, group: Option<&SyncGroup>) -> Vec<Track> {
    let own = instance.tracks.iter();
    let Some(group) = group else { return own.cloned().collect() };
    own.chain(&group.tracks)
        .filter_map(|track| {
            if group.weights || track.weight == 0 {
                return Some(track.clone());
            }
            match track.tracker {
                Tracker::Interface(_) | Tracker::File(_) | Tracker::Service(_) => {
                    Some(Track { weight: 0, ..track.clone() })
                }
                Tracker::Script(_) | Tracker::Process(_) | Tracker::Bfd(_) => None,
            }
        })
        .collect()
}

/// What one track does to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// So much is added to the priority.
    Add(i32),
    /// The instance cannot take part.
    Fault,
    /// The instance does not begin before more is known.
    Wait,
}

/// keepalived's arithmetic. `reverse` turns the sign of a weight around; without weight it turns working and failing around.
fn effect(track: &Track, seen: Observation) -> Effect {
    let weight = i32::from(track.weight);
    let signed = if track.reverse { -weight } else { weight };
    let fails = match seen {
        Observation::Unknown if weight == 0 => return Effect::Wait,
        Observation::Unknown => return Effect::Add(0),
        Observation::Value(value) if weight != 0 => {
            let sum = value.saturating_mul(i64::from(signed));
            return if sum < -FILE_LIMIT { Effect::Fault } else { Effect::Add(sum.min(FILE_LIMIT) as i32) };
        }
        Observation::Value(value) => value != 0,
        Observation::Up => false,
        Observation::Down => true,
    };
    match weight {
        0 if fails != track.reverse => Effect::Fault,
        // Above 0 the weight counts while the tracker works, below while it fails.
        1.. if !fails => Effect::Add(signed),
        ..=-1 if fails => Effect::Add(signed),
        _ => Effect::Add(0),
    }
}

/// What all tracks of an instance come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Sum of the weights.
    pub(super) weight: i32,
    /// The trackers that make a fault, in words.
    pub(super) faults: Vec<String>,
    /// The trackers of which nothing is known and that are waited for, in words.
    pub(super) waits: Vec<String>,
}

/// What is known of one tracker.
#[derive(Debug)]
struct Seen {
    observation: Observation,
    since: Moment,
    /// Instances that go by it.
    users: Vec<InstanceId>,
    /// Their names, and those of their groups, for people.
    names: Vec<String>,
}

/// All trackers that anybody goes by.
#[derive(Debug, Default)]
pub(super) struct Trackers {
    seen: HashMap<Tracker, Seen>,
    /// In the order in which they were named.
    order: Vec<Tracker>,
}

impl Trackers {
    /// Forgets who goes by what; [`Self::add_user`] tells it anew, and [`Self::prune`] ends it.
    pub(super) fn begin(&mut self) {
        self.order.clear();
        for seen in self.seen.values_mut() {
            seen.users.clear();
            seen.names.clear();
        }
    }

    /// Tells that an instance goes by `tracks`.
    pub(super) fn add_user(&mut self, now: Moment, id: InstanceId, name: &str, tracks: &[Track]) {
        for track in tracks {
            let seen = self.seen.entry(track.tracker.clone()).or_insert_with(|| Seen {
                observation: Observation::Unknown,
                since: now,
                users: Vec::new(),
                names: Vec::new(),
            });
            if seen.users.is_empty() {
                self.order.push(track.tracker.clone());
            }
            if seen.users.last() != Some(&id) {
                seen.users.push(id);
                seen.names.push(name.to_owned());
            }
        }
    }

    /// Forgets trackers that nobody goes by any more.
    pub(super) fn prune(&mut self) {
        self.seen.retain(|_, seen| !seen.users.is_empty());
    }

    /// Takes what is known now. Returns the instances that must be judged again: none if it was known before.
    pub(super) fn observe(&mut self, now: Moment, tracker: &Tracker, observation: Observation) -> Vec<InstanceId> {
        match self.seen.get_mut(tracker) {
            Some(seen) if seen.observation != observation => {
                seen.observation = observation;
                seen.since = now;
                seen.users.clone()
            }
            _ => Vec::new(),
        }
    }

    /// Returns what `tracks` come to.
    pub(super) fn judge(&self, tracks: &[Track]) -> Judgement {
        let mut judgement = Judgement::default();
        for track in tracks {
            let seen = self.seen.get(&track.tracker).map_or(Observation::Unknown, |seen| seen.observation);
            match effect(track, seen) {
                Effect::Add(weight) => judgement.weight += weight,
                Effect::Fault => judgement.faults.push(in_words(&track.tracker)),
                Effect::Wait => judgement.waits.push(in_words(&track.tracker)),
            }
        }
        judgement
    }

    /// Returns what is known, for people and programs.
    pub(super) fn status(&self, now: Moment) -> Vec<TrackerStatus> {
        let known = self.order.iter().filter_map(|tracker| Some((tracker, self.seen.get(tracker)?)));
        known
            .map(|(tracker, seen)| TrackerStatus {
                tracker: in_words(tracker),
                observation: seen.observation,
                since_ms: super::instance::millis(now.since(seen.since)),
                users: seen.names.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect::*, *};

    /// What keepalived 2.2.7 did with the same: observed as priorities on the wire.
    #[test]
    fn weights_and_faults() {
        use Observation::*;
        let table = [
            // weight, reverse, observation, effect
            (10, false, Up, Add(10)),
            (10, true, Up, Add(-10)),
            (-10, false, Up, Add(0)),
            (-10, true, Up, Add(0)),
            (10, false, Down, Add(0)),
            (10, true, Down, Add(0)),
            (-10, false, Down, Add(-10)),
            (-10, true, Down, Add(10)),
            (3, false, Value(5), Add(15)),
            (-3, false, Value(5), Add(-15)),
            (3, true, Value(5), Add(-15)),
            (-3, true, Value(5), Add(15)),
            (0, false, Value(5), Fault),
            (0, true, Value(5), Add(0)),
            (0, false, Value(0), Add(0)),
            (0, true, Value(0), Fault),
            (0, false, Up, Add(0)),
            (0, false, Down, Fault),
            (0, true, Up, Fault),
            (0, true, Down, Add(0)),
            // Files have limits.
            (1, false, Value(300), Add(253)),
            (1, false, Value(-253), Add(-253)),
            (1, false, Value(-254), Fault),
            (254, false, Value(i64::MAX), Add(253)),
            (254, true, Value(i64::MAX), Fault),
            // Nobody knows.
            (0, false, Unknown, Wait),
            (0, true, Unknown, Wait),
            (10, false, Unknown, Add(0)),
            (-10, false, Unknown, Add(0)),
        ];
        for (weight, reverse, seen, expected) in table {
            let track = Track { tracker: Tracker::Script("s".into()), weight, reverse };
            assert_eq!(effect(&track, seen), expected, "weight {weight}, reverse {reverse}, {seen:?}");
        }
    }
}
