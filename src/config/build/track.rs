//! What is watched: scripts, processes, files, and the entries that name them; sync groups.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use super::{
    global::Defaults,
    instance::{name, notify},
    reading::{LONGEST, Reader, entries, inside, number, user},
};
use crate::{
    config::tree::{Statement, Verdict, Word},
    state::vrrp,
    vrrp::settings::{ArgumentMatch, Instance, Notify, Process, Script, SyncGroup, Track, TrackedFile, Tracker},
};

/// Most that scripts, links and BFD sessions bear on a priority.
const MOST_OF_SCRIPT: i16 = 253;

/// Most that processes and files bear on a priority.
const MOST_OF_OTHERS: i16 = 254;

/// The longest name of a program in `/proc/PID/comm`.
const COMM: usize = 15;

/// What trackers name, wherever in the file it stands.
#[derive(Debug)]
pub(super) struct Named<'a> {
    pub(super) scripts: &'a [Script],
    pub(super) processes: &'a [Process],
    pub(super) files: &'a [TrackedFile],
    /// BFD sessions with their weights.
    pub(super) sessions: &'a [(String, (i16, bool))],
}

/// Reads `vrrp_script`; nothing without a command.
pub(super) fn script(block: &Statement, r: &mut Reader) -> Option<Script> {
    let name = name(block, r)?;
    let (mut command, mut who, mut timeout) = (None, None, None);
    let (mut interval, mut weight, mut rise, mut fall, mut init_fail) =
        (Duration::from_secs(1), (0, false), 1, 1, false);
    let range = Duration::from_millis(1)..=LONGEST;
    for statement in inside(block) {
        match &*statement.keyword.text {
            "script" => command = Some(statement),
            "user" => who = user(&statement.values),
            "interval" => interval = r.time(statement, range.clone()).unwrap_or(interval),
            "timeout" => timeout = r.time(statement, range.clone()),
            "weight" => weight = own_weight(statement, MOST_OF_SCRIPT, r).unwrap_or(weight),
            "rise" => rise = r.number(statement, 1..=i32::MAX as u32).unwrap_or(rise),
            "fall" => fall = r.number(statement, 1..=i32::MAX as u32).unwrap_or(fall),
            "init_fail" => init_fail = true,
            _ => {}
        }
    }
    let Some(command) = command else {
        r.error(&block.keyword.place, Verdict::Ignores, format_args!("vrrp_script {name} has no script")).hint =
            Some("script \"/PATH ARGUMENTS\"".to_owned());
        return None;
    };
    let command = r.whole_command(command, who)?;
    Some(Script { name, command, interval, timeout: timeout.unwrap_or(interval), weight, rise, fall, init_fail })
}

/// Reads `vrrp_track_process`; nothing without a process.
pub(super) fn process(block: &Statement, r: &mut Reader) -> Option<Process> {
    let name = name(block, r)?;
    let (mut words, mut how, mut full_command): (Vec<String>, _, _) = (Vec::new(), None, false);
    let (mut weight, mut quorum, mut quorum_max) = ((0, false), 1, None);
    let (mut terminate_delay, mut fork_delay) = (Duration::ZERO, Duration::ZERO);
    let delay = Duration::ZERO..=Duration::from_secs(3600);
    for statement in inside(block) {
        match &*statement.keyword.text {
            "process" => words = statement.values.iter().map(|word| word.text.to_string()).collect(),
            "param_match" => {
                how = match statement.values.first() {
                    None => Some(ArgumentMatch::Exact),
                    Some(word) => r.word(statement, word, |text| match text {
                        "initial" => Ok(ArgumentMatch::Initial),
                        "partial" => Ok(ArgumentMatch::Partial),
                        _ => Err("initial, partial or nothing is needed".to_owned()),
                    }),
                };
            }
            "full_command" => full_command = true,
            "weight" => weight = own_weight(statement, MOST_OF_OTHERS, r).unwrap_or(weight),
            "quorum" => quorum = r.number(statement, 1..=65_535).unwrap_or(quorum),
            "quorum_max" => quorum_max = r.number(statement, 0..=65_535),
            "delay" => {
                let both = r.time(statement, delay.clone());
                (terminate_delay, fork_delay) = (both.unwrap_or(terminate_delay), both.unwrap_or(fork_delay));
            }
            "terminate_delay" => terminate_delay = r.time(statement, delay.clone()).unwrap_or(terminate_delay),
            "fork_delay" => fork_delay = r.time(statement, delay.clone()).unwrap_or(fork_delay),
            _ => {}
        }
    }
    if quorum_max == Some(0) {
        quorum = 1;
    } else if quorum_max.is_some_and(|most| most < quorum) {
        let message = format!("quorum_max is less than the quorum of {quorum}: it is left out");
        r.error(&block.keyword.place, Verdict::Corrects, message);
        quorum_max = None;
    }
    let mut words = words.into_iter();
    let Some(mut program) = words.next() else {
        r.error(&block.keyword.place, Verdict::Ignores, format_args!("vrrp_track_process {name} names no process"));
        return None;
    };
    let arguments: Vec<String> = words.collect();
    let compares = how.is_some() || !arguments.is_empty();
    if !compares && !full_command {
        if program.contains('/') {
            let message = format!("{program} is a path: the whole command is compared");
            r.warn(&block.keyword.place, Verdict::Accepts, message).hint = Some("full_command".to_owned());
            full_command = true;
        } else if program.len() > COMM {
            // The kernel keeps no more of it.
            let end = (0..=COMM).rev().find(|end| program.is_char_boundary(*end)).unwrap_or(0);
            program.truncate(end);
        }
    }
    let arguments = compares.then(|| (arguments, how.unwrap_or(ArgumentMatch::Exact)));
    Some(Process { name, program, arguments, full_command, weight, quorum, quorum_max, terminate_delay, fork_delay })
}

/// Reads `track_file`; nothing without a path.
pub(super) fn file(block: &Statement, r: &mut Reader) -> Option<TrackedFile> {
    let name = name(block, r)?;
    let (mut path, mut weight, mut initial) = (None, (1, false), None);
    for statement in inside(block) {
        match &*statement.keyword.text {
            "file" => {
                path = r.one(statement, |text| {
                    if text.starts_with('/') {
                        Ok(PathBuf::from(text))
                    } else {
                        Err("an absolute path is needed".to_owned())
                    }
                });
            }
            "weight" => weight = own_weight(statement, MOST_OF_OTHERS, r).unwrap_or(weight),
            "init_file" => {
                let overwrite = statement.values.iter().any(|word| &*word.text == "overwrite");
                let value = statement.values.iter().find(|word| &*word.text != "overwrite");
                let value = value.map_or(Some(0), |word| r.word(statement, word, number(i64::MIN..=i64::MAX)));
                initial = value.map(|value| (value, overwrite));
            }
            _ => {}
        }
    }
    if path.is_none() && inside(block).iter().all(|statement| &*statement.keyword.text != "file") {
        r.error(&block.keyword.place, Verdict::Ignores, format_args!("track_file {name} has no file"));
    }
    Some(TrackedFile { name, path: path?, weight, initial })
}

/// Reads the weight of a session that instances may track: name, weight.
pub(super) fn session(block: &Statement, r: &mut Reader) -> Option<(String, (i16, bool))> {
    let name = block.values.first()?.text.to_string();
    let weight = inside(block).iter().find(|statement| &*statement.keyword.text == "weight");
    Some((name, weight.and_then(|statement| own_weight(statement, MOST_OF_SCRIPT, r)).unwrap_or_default()))
}

/// Reads `weight N [reverse]` of what is watched.
fn own_weight(statement: &Statement, most: i16, r: &mut Reader) -> Option<(i16, bool)> {
    let number = r.number(statement, -most..=most)?;
    Some((number, statement.values.get(1).is_some_and(|word| &*word.text == "reverse")))
}

/// Reads the `track_…` blocks among statements.
pub(super) fn tracks(statements: &[Statement], named: &Named<'_>, r: &mut Reader) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    for block in statements {
        let kind: (fn(String) -> Tracker, i16) = match &*block.keyword.text {
            "track_interface" => (Tracker::Interface, MOST_OF_SCRIPT),
            "track_script" => (Tracker::Script, MOST_OF_SCRIPT),
            "track_process" => (Tracker::Process, MOST_OF_OTHERS),
            "track_file" => (Tracker::File, MOST_OF_OTHERS),
            "track_bfd" => (Tracker::Bfd, MOST_OF_SCRIPT),
            _ => continue,
        };
        for entry in inside(block) {
            if let (Tracker::Interface(_), Err(why)) = (kind.0(String::new()), vrrp::read_link(&entry.keyword.text)) {
                r.error(&entry.keyword.place, Verdict::Ignores, format_args!("{}: {why}", entry.keyword.text));
                continue;
            }
            let Some(track) = track(entry, kind, named, r) else { continue };
            if tracks.iter().any(|other| other.tracker == track.tracker) {
                let message = format!("{} is tracked twice: the first one counts", entry.keyword.text);
                r.error(&entry.keyword.place, Verdict::Ignores, message);
            } else {
                tracks.push(track);
            }
        }
    }
    tracks
}

/// Reads `NAME [weight N [reverse|noreverse]]`.
fn track(
    entry: &Statement,
    (make, most): (fn(String) -> Tracker, i16),
    named: &Named<'_>,
    r: &mut Reader,
) -> Option<Track> {
    let tracker = make(entry.keyword.text.to_string());
    let Some((weight, reverse)) = of_definition(&tracker, named) else {
        let message = format!("there is no {} to track", entry.keyword.text);
        let finding = r.error(&entry.keyword.place, Verdict::Ignores, message);
        finding.hint = Some("its block stands anywhere in the file, by this name".to_owned());
        return None;
    };
    let mut track = Track { tracker, weight, reverse };
    let mut words = entry.values.iter();
    while let Some(word) = words.next() {
        match (&*word.text, words.next()) {
            ("weight", Some(value)) => {
                // keepalived takes 254 for 253.
                let number = r.word(entry, value, number(-254..=254_i16));
                track.weight = number.unwrap_or(track.weight).clamp(-most, most);
                match words.next() {
                    Some(word) if &*word.text == "reverse" => track.reverse = true,
                    Some(word) if &*word.text == "noreverse" => track.reverse = false,
                    Some(word) => strange(word, r),
                    None => track.reverse = false,
                }
            }
            ("reverse", None) => track.reverse = true,
            ("noreverse", None) => track.reverse = false,
            _ => strange(word, r),
        }
    }
    Some(track)
}

fn strange(word: &Word, r: &mut Reader) {
    let message = format!("{} is not expected here", word.text);
    r.error(&word.place, Verdict::Ignores, message).hint = Some("NAME [weight N [reverse|noreverse]]".to_owned());
}

/// Returns the weight that is said where the tracker is defined; nothing if it is nowhere.
fn of_definition(tracker: &Tracker, named: &Named<'_>) -> Option<(i16, bool)> {
    match tracker {
        Tracker::Interface(_) | Tracker::Service(_) => Some((0, false)),
        Tracker::Script(name) => named.scripts.iter().find(|each| each.name == *name).map(|each| each.weight),
        Tracker::Process(name) => named.processes.iter().find(|each| each.name == *name).map(|each| each.weight),
        Tracker::File(name) => named.files.iter().find(|each| each.name == *name).map(|each| each.weight),
        Tracker::Bfd(name) => named.sessions.iter().find(|(each, _)| each == name).map(|(_, weight)| *weight),
    }
}

/// Reads `vrrp_sync_group`; nothing without members that there are. What keepalived takes from trackers of members is
/// taken from them here.
pub(super) fn group(
    block: &Statement,
    instances: &mut [Instance],
    grouped: &mut HashSet<String>,
    (named, defaults): (&Named<'_>, &Defaults),
    r: &mut Reader,
) -> Option<SyncGroup> {
    let name = name(block, r)?;
    let has = |keyword: &str| inside(block).iter().any(|statement| &*statement.keyword.text == keyword);
    let weights = has("sync_group_tracking_weight") || has("global_tracking");
    let mut members: Vec<String> = Vec::new();
    let mut names_any = false;
    for list in inside(block).iter().filter(|statement| &*statement.keyword.text == "group") {
        for word in entries(list) {
            let member = word.text.to_string();
            names_any = true;
            if !instances.iter().any(|instance| instance.name == member) {
                let message = format!("there is no vrrp_instance {member}");
                r.error(&word.place, Verdict::Ignores, message);
            } else if !grouped.insert(member.clone()) {
                r.error(&word.place, Verdict::Ignores, format_args!("{member} is in a group already"));
            } else {
                members.push(member);
            }
        }
    }
    if members.is_empty() {
        // What is wrong with those that it names is said already.
        if !names_any {
            let message = format!("vrrp_sync_group {name} has no member, and is left out");
            r.error(&block.keyword.place, Verdict::Ignores, message).hint =
                Some("group { INSTANCE INSTANCE }".to_owned());
        }
        return None;
    }
    if members.len() == 1 {
        let message = format!("vrrp_sync_group {name} has one member, which changes nothing");
        r.warn(&block.keyword.place, Verdict::Accepts, message);
    }
    r.alert(inside(block), &name);
    let mut tracks = tracks(inside(block), named, r);
    if !weights {
        let of_members = instances.iter_mut().filter(|instance| members.contains(&instance.name));
        for tracks in of_members.map(|instance| &mut instance.tracks).chain(std::iter::once(&mut tracks)) {
            unweighted(tracks, block, r);
        }
    }
    // Groups know no such transitions.
    let notify = Notify { deleted: None, lower_priority: None, ..notify(inside(block), defaults, r) };
    Some(SyncGroup { name, members, tracks, weights, notify })
}

/// Weights would part the members of a group: interfaces and files lose theirs, other trackers with one go.
fn unweighted(tracks: &mut Vec<Track>, block: &Statement, r: &mut Reader) {
    let stays = |track: &Track| matches!(track.tracker, Tracker::Interface(_) | Tracker::File(_) | Tracker::Process(_));
    for track in tracks.iter_mut().filter(|track| track.weight != 0 && stays(track)) {
        (track.weight, track.reverse) = (0, false);
    }
    let before = tracks.len();
    tracks.retain(|track| track.weight == 0);
    if tracks.len() < before {
        let message = "members of a group cannot have scripts and sessions with weights: they are not tracked";
        let finding = r.warn(&block.keyword.place, Verdict::Ignores, message);
        finding.hint =
            Some("weight 0 makes a failure a fault of the group; sync_group_tracking_weight allows weights".to_owned());
    }
}
