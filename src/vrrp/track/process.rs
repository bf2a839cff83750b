//! Processes that should run: who of all that run is one of them, how many there are, and since when.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use crate::{
    host::Program,
    model::Moment,
    vrrp::{
        event::Observation,
        settings::{ArgumentMatch, Process},
    },
};

/// The kernel keeps so many bytes of a name.
const NAME: usize = 15;

/// Counts processes. [`Self::poll`] has something new after any other call, and [`Self::next_timeout`] may change with it.
#[derive(Debug)]
pub struct Processes {
    watched: Vec<Watched>,
    changes: VecDeque<(String, Observation)>,
}

#[derive(Debug)]
struct Watched {
    settings: Process,
    /// Those that run.
    running: HashSet<i32>,
    /// Whether the right number runs, as last reported; `None` before the first look.
    reported: Option<bool>,
    /// When the opposite will be reported, unless the number changes back.
    change_at: Option<Moment>,
}

impl Processes {
    /// Starts without knowing anything.
    pub fn new(settings: Vec<Process>) -> Self {
        let watched = settings
            .into_iter()
            .map(|settings| Watched { settings, running: HashSet::new(), reported: None, change_at: None })
            .collect();
        Self { watched, changes: VecDeque::new() }
    }

    /// Whether command lines are needed to tell processes apart, or names are enough.
    pub fn wants_words(&self) -> bool {
        self.watched.iter().any(|each| each.settings.full_command || each.settings.arguments.is_some())
    }

    /// All processes were looked at. The first look is reported at once, later ones with the delays of the settings.
    pub fn scanned(&mut self, now: Moment, found: &[(i32, Program)]) {
        for each in &mut self.watched {
            let running = found.iter().filter(|(_, program)| matches(&each.settings, program)).map(|(pid, _)| *pid);
            let running = running.collect();
            each.change(now, &mut self.changes, |set| *set = running);
        }
    }

    /// A process executes something (else), or has another name.
    pub fn changed(&mut self, now: Moment, pid: i32, program: &Program) {
        for each in &mut self.watched {
            let belongs = matches(&each.settings, program);
            each.change(now, &mut self.changes, |set| {
                if belongs {
                    set.insert(pid);
                } else {
                    set.remove(&pid);
                }
            });
        }
    }

    /// A process made a copy of itself.
    pub fn forked(&mut self, now: Moment, parent: i32, child: i32) {
        for each in self.watched.iter_mut().filter(|each| each.running.contains(&parent)) {
            each.change(now, &mut self.changes, |set| {
                set.insert(child);
            });
        }
    }

    /// A process ended.
    pub fn exited(&mut self, now: Moment, pid: i32) {
        for each in self.watched.iter_mut().filter(|each| each.running.contains(&pid)) {
            each.change(now, &mut self.changes, |set| {
                set.remove(&pid);
            });
        }
    }

    /// Reports what has lasted long enough. Harmless at any other time than that of [`Self::next_timeout`].
    pub fn handle_timeout(&mut self, now: Moment) {
        for each in &mut self.watched {
            if each.change_at.is_some_and(|at| at <= now) {
                each.report(&mut self.changes);
            }
        }
    }

    /// Returns when [`Self::handle_timeout`] is to be called.
    pub fn next_timeout(&self) -> Option<Moment> {
        self.watched.iter().filter_map(|each| each.change_at).min()
    }

    /// Returns what has changed: the name of a tracker, and whether the right number runs.
    pub fn poll(&mut self) -> Option<(String, Observation)> {
        self.changes.pop_front()
    }

    /// Returns how many run.
    pub fn count(&self, name: &str) -> usize {
        self.watched.iter().find(|each| each.settings.name == name).map_or(0, |each| each.running.len())
    }
}

impl Watched {
    fn change(
        &mut self,
        now: Moment,
        changes: &mut VecDeque<(String, Observation)>,
        act: impl FnOnce(&mut HashSet<i32>),
    ) {
        let before = self.running.len();
        act(&mut self.running);
        let delay = if self.running.len() > before { self.settings.fork_delay } else { self.settings.terminate_delay };
        if self.reported == Some(self.is_right()) {
            self.change_at = None;
        } else if self.reported.is_none() || delay == Duration::ZERO {
            self.report(changes);
        } else {
            self.change_at.get_or_insert(now + delay);
        }
    }

    fn report(&mut self, changes: &mut VecDeque<(String, Observation)>) {
        let is_right = self.is_right();
        self.change_at = None;
        self.reported = Some(is_right);
        let observation = if is_right { Observation::Up } else { Observation::Down };
        changes.push_back((self.settings.name.clone(), observation));
    }

    /// Whether the right number runs.
    fn is_right(&self) -> bool {
        let count = u32::try_from(self.running.len()).unwrap_or(u32::MAX);
        let most = self.settings.quorum_max.unwrap_or(u32::MAX);
        // "At most none" would otherwise contradict the usual least number.
        (self.settings.quorum.min(most)..=most).contains(&count)
    }
}

/// Whether a process is one of those meant.
fn matches(settings: &Process, program: &Program) -> bool {
    let wanted = settings.program.as_bytes();
    if !settings.full_command && settings.arguments.is_none() {
        return program.name == wanted.get(..NAME).unwrap_or(wanted);
    }
    let Some((first, arguments)) = program.words.split_first() else {
        return false;
    };
    first == wanted && settings.arguments.as_ref().is_none_or(|(wanted, how)| arguments_match(wanted, *how, arguments))
}

fn arguments_match(wanted: &[String], how: ArgumentMatch, has: &[Vec<u8>]) -> bool {
    let equal = |(wanted, has): (&String, &Vec<u8>)| wanted.as_bytes() == has.as_slice();
    let enough = has.len() >= wanted.len();
    match (how, wanted.split_last()) {
        (ArgumentMatch::Exact, _) => has.len() == wanted.len() && wanted.iter().zip(has).all(equal),
        (ArgumentMatch::Initial, _) | (ArgumentMatch::Partial, None) => enough && wanted.iter().zip(has).all(equal),
        (ArgumentMatch::Partial, Some((last, before))) => {
            let begins = has.get(before.len()).is_some_and(|word| word.starts_with(last.as_bytes()));
            begins && before.iter().zip(has).all(equal)
        }
    }
}

#[cfg(test)]
mod tests;
