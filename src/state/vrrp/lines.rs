//! All lines about VRRP → settings, or all of their faults; one line → what it is about, and a line with edits.

use std::collections::HashMap;

use thiserror::Error;

use super::{
    KINDS, Kind, instance, objects,
    option::{self, Given},
    print::BARE_SET,
    reader::Reader,
    track::Draft,
    values::{self, Files, Wrong, nearest},
};
use crate::{
    model::Family,
    state::{
        file::{Fault, without_program},
        print::quoted,
        words::{self, Word},
    },
    vrrp::settings::{Instance, Settings, Track, Tracker, Transport, Vrid},
};

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Which kind of thing.
    pub kind: Kind,
    /// Its name; empty for `vrrp set`.
    pub name: String,
}

/// Settings, and what may not be as it was meant.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// What the lines say.
    pub settings: Settings,
    /// Warnings, in the order of the lines.
    pub notes: Vec<Fault>,
}

/// Returns what a line is about, if it is one about VRRP that is sound enough to tell.
pub fn subject(line: &str) -> Option<Subject> {
    let words = words::split(line).ok()?;
    let (kind, name, _) = head(&words, 0).ok()?;
    Some(Subject { kind, name: name.map(|word| word.text.clone().into_owned()).unwrap_or_default() })
}

/// Whether a line itself holds a secret, rather than a file that it names.
pub fn holds_secret(line: &str) -> bool {
    let Ok(words) = words::split(line) else { return false };
    let Ok((kind, _, options)) = head(&words, 0) else { return false };
    option::read(kind.sections(), options, 0).0.iter().any(Given::is_secret)
}

/// Splits a line into kind, name and options.
fn head<'a, 'b>(words: &'a [Word<'b>], line: usize) -> Result<(Kind, Option<&'a Word<'b>>, &'a [Word<'b>]), Fault> {
    let fault =
        |column: usize, message: String, hint: &str| Fault { line, column, message, hint: Some(hint.to_owned()) };
    let words = without_program(words);
    let end = words.last().map_or(1, |word| word.column + word.text.chars().count());
    let Some((_, rest)) = words.split_first().filter(|(first, _)| first.text == "vrrp") else {
        return Err(fault(1, "this is no line about VRRP".to_owned(), VERBS));
    };
    let Some((verb, rest)) = rest.split_first() else {
        return Err(fault(end, "what is to be added is missing behind vrrp".to_owned(), VERBS));
    };
    let Some(kind) = KINDS.into_iter().find(|kind| kind.verb() == verb.text) else {
        let message = format!("`vrrp {}` does not say what there should be", verb.text);
        return Err(fault(verb.column, message, VERBS));
    };
    if kind == Kind::Set {
        return Ok((kind, None, rest));
    }
    match rest.split_first() {
        Some((name, rest)) if !name.text.starts_with("--") => Ok((kind, Some(name), rest)),
        _ => {
            let message = format!("the name is missing behind vrrp {}", kind.verb());
            Err(fault(end, message, "the name stands in front of the options"))
        }
    }
}

/// The verbs of lines, for people who wrote something else.
const VERBS: &str = "lines are: vrrp add, add-group, add-script, add-process, add-file NAME …, and vrrp set …";

/// Why a line cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotOne {
    /// The line itself is wrong.
    #[error("the line has faults of its own")]
    Line(Vec<Fault>),
    /// What is to be unset is not there: text and hint of each.
    #[error("there is nothing to unset")]
    Unset(Vec<(String, Option<String>)>),
}

/// Returns a line with changes to its options; `line` may be empty for one that is new.
///
/// # Errors
/// The line has words that are no options, or `unset` names what is not said.
pub fn edited(subject: &Subject, line: &str, changes: Vec<Given>, unset: &[String]) -> Result<String, NotOne> {
    let sections = subject.kind.sections();
    let base = if line.is_empty() {
        Vec::new()
    } else {
        let words = words::split(line).map_err(|unsplit| {
            let message = unsplit.to_string();
            NotOne::Line(vec![Fault { line: 0, column: unsplit.column(), message, hint: None }])
        })?;
        let (_, _, options) = head(&words, 0).map_err(|fault| NotOne::Line(vec![fault]))?;
        let (base, faults) = option::read(sections, options, 0);
        if !faults.is_empty() {
            return Err(NotOne::Line(faults));
        }
        base
    };
    let given = option::edit(sections, base, changes, unset)
        .map_err(|wrong| NotOne::Unset(wrong.into_iter().map(|Wrong { why, hint }| (why, hint)).collect()))?;
    Ok(format!("{}{}", first_words(subject), option::print(&given)))
}

/// Returns the words in front of the options.
fn first_words(subject: &Subject) -> String {
    match subject.kind {
        Kind::Set => BARE_SET.to_owned(),
        kind => format!("vrrp {} {}", kind.verb(), quoted(&subject.name)),
    }
}

/// Reads lines about VRRP, each with its number from 1; what they say about each other is checked, too.
///
/// # Errors
/// All faults, in the order of their lines.
pub fn parse<'a>(lines: impl Iterator<Item = (usize, &'a str)>, files: &dyn Files) -> Result<Parsed, Vec<Fault>> {
    let mut all = All::default();
    for (number, line) in lines {
        if let Err(fault) = all.line(number, line, files) {
            all.faults.push(fault);
        }
    }
    let between = [all.names(), all.settle(), all.members(), all.routers(), all.followed().into_iter().collect()];
    all.faults.extend(between.into_iter().flatten());
    all.faults.sort_by_key(|fault| (fault.line, fault.column));
    if all.faults.is_empty() { Ok(Parsed { settings: all.settings, notes: all.notes }) } else { Err(all.faults) }
}

/// Where something is named, and what it watches.
#[derive(Clone, Debug)]
struct Place {
    line: usize,
    column: usize,
    tracks: Vec<Draft>,
    /// Whether what tells it from others on the link can be read; otherwise faults about that are only echoes.
    is_router: bool,
}

#[derive(Default)]
struct All {
    settings: Settings,
    /// Places of the instances and groups, in the order of the settings.
    instances: Vec<Place>,
    groups: Vec<Place>,
    /// Every name by kind, with the lines of its first and other definitions.
    named: HashMap<(Kind, String), Vec<(usize, usize)>>,
    faults: Vec<Fault>,
    notes: Vec<Fault>,
}

impl All {
    fn line(&mut self, number: usize, line: &str, files: &dyn Files) -> Result<(), Fault> {
        let words = words::split(line).map_err(|unsplit| {
            let message = unsplit.to_string();
            Fault { line: number, column: unsplit.column(), message, hint: None }
        })?;
        let (kind, name, options) = head(&words, number)?;
        let (given, faults) = option::read(kind.sections(), options, number);
        let column = name.or_else(|| words.first()).map_or(1, |word| word.column);
        let name = name.map(|word| word.text.clone().into_owned()).unwrap_or_default();
        let title = if kind == Kind::Set { kind.noun().to_owned() } else { format!("{} {name}", kind.noun()) };
        let mut reader = Reader::new(title, number, column, &given);
        reader.faults = faults;
        if kind != Kind::Set
            && let Err(wrong) = values::name(&name)
        {
            reader.refuse("", wrong);
        }
        let tracks = match kind {
            Kind::Instance => {
                let (instance, tracks) = instance::read(&name, &mut reader, files);
                self.settings.instances.push(instance);
                tracks
            }
            Kind::Group => {
                let (group, tracks) = objects::group(&name, &mut reader);
                self.settings.groups.push(group);
                tracks
            }
            Kind::Script => {
                self.settings.scripts.extend(objects::script(&name, &mut reader));
                Vec::new()
            }
            Kind::Process => {
                self.settings.processes.extend(objects::process(&name, &mut reader));
                Vec::new()
            }
            Kind::File => {
                self.settings.files.extend(objects::file(&name, &mut reader));
                Vec::new()
            }
            Kind::Set => {
                objects::set(&mut reader, &mut self.settings);
                Vec::new()
            }
        };
        let sound = |option: &str| reader.is_sound(option);
        let is_router =
            sound("vrid") && (sound("interface") || sound("source")) && (sound("address") || sound("family"));
        let place = Place { line: number, column, tracks, is_router };
        match kind {
            Kind::Instance => self.instances.push(place),
            Kind::Group => self.groups.push(place),
            _ => {}
        }
        self.faults.append(&mut reader.faults);
        self.notes.append(&mut reader.notes);
        self.named.entry((kind, name)).or_default().push((number, column));
        Ok(())
    }

    /// Says which names stand in two lines.
    fn names(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for ((kind, name), places) in &self.named {
            let Some(((first, _), others)) = places.split_first() else { continue };
            let what = if *kind == Kind::Set { kind.noun().to_owned() } else { format!("{} {name}", kind.noun()) };
            for (line, column) in others {
                let message = format!("{what} stands already in line {first}");
                let hint = Some("keep one of the two lines".to_owned());
                faults.push(Fault { line: *line, column: *column, message, hint });
            }
        }
        faults
    }

    /// Gives trackers the weight that is said elsewhere; returns those that nothing is said of.
    fn settle(&mut self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let of_instances: Vec<_> = self.instances.iter().map(|place| self.tracks(place, &mut faults)).collect();
        let of_groups: Vec<_> = self.groups.iter().map(|place| self.tracks(place, &mut faults)).collect();
        for (instance, tracks) in self.settings.instances.iter_mut().zip(of_instances) {
            instance.tracks = tracks;
        }
        for (group, tracks) in self.settings.groups.iter_mut().zip(of_groups) {
            group.tracks = tracks;
        }
        faults
    }

    fn tracks(&self, place: &Place, faults: &mut Vec<Fault>) -> Vec<Track> {
        let mut tracks = Vec::new();
        for draft in &place.tracks {
            if let Some((kind, name)) = self.unknown(&draft.tracker) {
                let known = self.named.keys().filter(|(each, _)| *each == kind).map(|(_, name)| name.as_str());
                let hint = match nearest(&name, known) {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => format!("its line is: vrrp {} {name} …", kind.verb()),
                };
                let message = format!("{}: there is no {} {name}", draft.label, kind.noun());
                faults.push(Fault { line: place.line, column: draft.column, message, hint: Some(hint) });
            }
            let (weight, reverse) = draft.weight.unwrap_or_else(|| self.weight(&draft.tracker));
            tracks.push(Track { tracker: draft.tracker.clone(), weight, reverse });
        }
        tracks
    }

    /// Returns what a tracker names if no line defines it. BFD sessions are defined elsewhere.
    fn unknown(&self, tracker: &Tracker) -> Option<(Kind, String)> {
        let key = match tracker {
            Tracker::Script(name) => (Kind::Script, name.clone()),
            Tracker::Process(name) => (Kind::Process, name.clone()),
            Tracker::File(name) => (Kind::File, name.clone()),
            Tracker::Interface(_) | Tracker::Bfd(_) | Tracker::Service(_) => return None,
        };
        (!self.named.contains_key(&key)).then_some(key)
    }

    /// Returns the weight that is said where the tracker is defined.
    fn weight(&self, tracker: &Tracker) -> (i16, bool) {
        let Settings { scripts, processes, files, .. } = &self.settings;
        let weight = match tracker {
            Tracker::Script(name) => scripts.iter().find(|each| each.name == *name).map(|each| each.weight),
            Tracker::Process(name) => processes.iter().find(|each| each.name == *name).map(|each| each.weight),
            Tracker::File(name) => files.iter().find(|each| each.name == *name).map(|each| each.weight),
            Tracker::Interface(_) | Tracker::Bfd(_) | Tracker::Service(_) => None,
        };
        weight.unwrap_or_default()
    }

    /// Returns what is wrong with what the sync daemon follows.
    fn followed(&self) -> Option<Fault> {
        let follower = self.settings.sync.as_ref()?;
        if self.settings.instances.iter().any(|instance| instance.name == follower.instance) {
            return None;
        }
        let (line, column) = *self.named.get(&(Kind::Set, String::new()))?.first()?;
        let message = format!("--sync-daemon: there is no instance {}", follower.instance);
        Some(Fault { line, column, message, hint: Some("its line is: vrrp add NAME …".to_owned()) })
    }

    /// Returns what is wrong between groups and instances.
    fn members(&self) -> Vec<Fault> {
        let weights = "weight 0 makes failures faults of the whole group; --weights allows others";
        let mut faults = Vec::new();
        let mut group_of: HashMap<&str, &str> = HashMap::new();
        for (group, place) in self.settings.groups.iter().zip(&self.groups) {
            let mut refuse = |message: String, hint: String| {
                let message = format!("group {}: {message}", group.name);
                faults.push(Fault { line: place.line, column: place.column, message, hint: Some(hint) });
            };
            for member in &group.members {
                let Some(instance) = self.settings.instances.iter().find(|each| each.name == *member) else {
                    let known = self.settings.instances.iter().map(|each| each.name.as_str());
                    let meant =
                        nearest(member, known).map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
                    let hint =
                        format!("{meant}`lvsadm vrrp edit-group {} --unset member={member}` takes it out", group.name);
                    refuse(format!("there is no instance {member}"), hint);
                    continue;
                };
                if let Some(other) = group_of.insert(member, &group.name) {
                    let hint = "an instance is in one group at most".to_owned();
                    refuse(format!("{member} is in group {other} already"), hint);
                }
                if !group.weights && instance.tracks.iter().any(|track| track.weight != 0) {
                    let message = format!("{member} has trackers with weights, which part the members of a group");
                    refuse(message, weights.to_owned());
                }
            }
            if !group.weights && group.tracks.iter().any(|track| track.weight != 0) {
                refuse("a tracker has a weight, which parts the members".to_owned(), weights.to_owned());
            }
        }
        faults
    }

    /// Finds two instances that would be one to everybody on the link.
    fn routers(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen: HashMap<(String, Family, Vrid), (&str, usize)> = HashMap::new();
        let placed = self.settings.instances.iter().zip(&self.instances);
        for (instance, place) in placed.filter(|(_, place)| place.is_router) {
            let (Transport::Multicast { source, .. } | Transport::Unicast { source, .. }) = &instance.transport;
            let source = || source.map(|source| source.to_string()).unwrap_or_default();
            let link = instance.interface.clone().unwrap_or_else(source);
            let key = (link.clone(), instance.family, instance.vrid);
            let Some((other, line)) = seen.insert(key, (&instance.name, place.line)) else { continue };
            let family = if instance.family == Family::V4 { "IPv4" } else { "IPv6" };
            let Instance { name, vrid, .. } = instance;
            let message = format!("instance {name}: VRID {vrid} is that of {other} (line {line}) on {link}, {family}");
            let hint = "a VRID is unique on a link and family; another --vrid, or another --interface";
            faults.push(Fault { line: place.line, column: place.column, message, hint: Some(hint.to_owned()) });
        }
        faults
    }
}

#[cfg(test)]
mod tests;
