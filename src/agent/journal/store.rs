//! Which events are remembered: of every subject its last ones, so that one that comes and goes all day does not push out
//! what is known of the others; and of all together no more than a number of bytes. No IO, no clock.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::agent::event::{Event, Subject};

/// How many events of one subject are remembered.
pub const MOST_OF_ONE: usize = 50;

/// How many bytes all events may take as lines of JSON.
pub const MOST_BYTES: usize = 4 << 20;

/// An event and its number. Numbers begin at 1 and rise by 1 with each event; a restart goes on with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Remembered events.
#[derive(Debug)]
pub(super) struct Store {
    /// With the bytes that each takes.
    entries: BTreeMap<u64, (Entry, usize)>,
    of_subject: HashMap<Subject, VecDeque<u64>>,
    bytes: usize,
    last: u64,
    most_bytes: usize,
}

impl Store {
    /// Remembers nothing yet, and at most so many bytes.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { entries: BTreeMap::new(), of_subject: HashMap::new(), bytes: 0, last: 0, most_bytes }
    }

    /// Returns the number of the event that came last, 0 if none did.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Returns how many events are remembered.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Remembers an event that takes so many bytes. One whose number is not above all others is none of ours.
    pub(super) fn add(&mut self, entry: Entry, bytes: usize) {
        let number = entry.number;
        if number <= self.last {
            return;
        }
        self.last = number;
        let of_one = self.of_subject.entry(entry.event.subject.clone()).or_default();
        of_one.push_back(number);
        let too_many = if of_one.len() > MOST_OF_ONE { of_one.front().copied() } else { None };
        self.entries.insert(number, (entry, bytes));
        self.bytes += bytes;
        if let Some(oldest) = too_many {
            self.forget(oldest);
        }
        while self.bytes > self.most_bytes {
            let Some(oldest) = self.entries.keys().next().copied() else { return };
            self.forget(oldest);
        }
    }

    fn forget(&mut self, number: u64) {
        let Some((entry, bytes)) = self.entries.remove(&number) else { return };
        self.bytes -= bytes;
        let subject = entry.event.subject;
        if let Some(of_one) = self.of_subject.get_mut(&subject) {
            of_one.retain(|other| *other != number);
            if of_one.is_empty() {
                self.of_subject.remove(&subject);
            }
        }
    }

    /// Returns what came after the event of this number, in order.
    pub(super) fn after(&self, number: u64) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.range(number.saturating_add(1)..).map(|(_, (entry, _))| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subject: &str) -> Event {
        Event::now(Subject::Instance(subject.to_owned()), "master", "x")
    }

    fn numbers(store: &Store, after: u64) -> Vec<u64> {
        store.after(after).map(|entry| entry.number).collect()
    }

    #[test]
    fn one_that_flaps_pushes_nobody_out() {
        let mut store = Store::new(10_000);
        store.add(Entry { number: 1, event: event("quiet") }, 100);
        for number in 2..1000 {
            store.add(Entry { number, event: event("flaps") }, 100);
        }
        assert_eq!(store.len(), 1 + MOST_OF_ONE);
        assert_eq!(numbers(&store, 0).first(), Some(&1));
        assert_eq!(numbers(&store, 998), [999]);
        assert_eq!(numbers(&store, 5000), [0_u64; 0]);
    }

    #[test]
    fn all_together_have_a_limit() {
        let mut store = Store::new(1000);
        for number in 1..=100 {
            store.add(Entry { number, event: event(&number.to_string()) }, 100);
        }
        assert_eq!((store.bytes(), numbers(&store, 0)), (1000, (91..=100).collect()));
        assert_eq!(store.of_subject.len(), 10);
        store.add(Entry { number: 101, event: event("large") }, 5000);
        assert_eq!((store.bytes(), store.len(), store.last()), (0, 0, 101));
    }

    #[test]
    fn numbers_only_rise() {
        let mut store = Store::new(1000);
        for number in [3, 3, 2, 7] {
            store.add(Entry { number, event: event("a") }, 10);
        }
        assert_eq!((numbers(&store, 0), store.last()), (vec![3, 7], 7));
    }
}
