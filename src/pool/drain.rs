//! What the operator wants of a server beside its weight: no new connections for now, or its weight in steps. No IO.
//!
//! A server that drains has weight 0 in the kernel, whatever its checks say; its connections go on. One that comes back may
//! do so in steps, which [`ramp`](super::ramp) knows.

use super::ramp::Ramp;
use crate::model::Moment;

/// What is wanted of a server beside its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// No new connections.
    Drain(Drain),
    /// Its weight in steps.
    Ramp(Ramp),
}

/// A server that drains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Since when.
    pub since: Moment,
    /// Who asked, for people.
    pub owner: Option<String>,
    /// Whether it is deleted when it has drained.
    pub delete: bool,
    /// When it counts as drained, whatever connections it has.
    pub until: Option<Moment>,
    /// The connections that it had when they were counted last.
    pub left: Option<Left>,
    /// Whether it has drained.
    pub over: bool,
}

/// Connections of a server that drains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Established ones.
    pub active: u32,
    /// Others.
    pub inactive: u32,
    /// Clients that persistence leads to it: they come back.
    pub persistent: u32,
}

impl Drain {
    /// Returns this drain after it was asked for once more: it stays whose it is and since when, and no wish to delete is forgotten.
    #[must_use]
    pub fn again(self, delete: bool) -> Self {
        Self { delete: self.delete || delete, ..self }
    }

    /// Takes the connections that the server still has. Returns whether it has drained only now.
    pub(super) fn count(&mut self, now: Moment, left: Left) -> bool {
        self.left = Some(left);
        let before = self.over;
        self.over |= left == Left::default() || self.until.is_some_and(|until| until <= now);
        self.over && !before
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn who_comes_second_takes_nothing_away() {
        let first =
            Drain { since: at(5), owner: Some("a".into()), delete: true, until: Some(at(60)), left: None, over: true };
        assert_eq!(first.clone().again(false), first);
        let kept = Drain { delete: false, ..first.clone() };
        assert_eq!(kept.clone().again(false), kept);
        assert_eq!(kept.again(true), first);
    }

    #[test]
    fn a_server_has_drained_without_connections_or_without_time() {
        let drain = Drain { since: at(0), owner: None, delete: false, until: Some(at(60)), left: None, over: false };
        let some = Left { persistent: 1, ..Left::default() };
        let mut one = drain.clone();
        assert!(!one.count(at(1), some));
        assert!(one.count(at(2), Left::default()));
        assert!(!one.count(at(3), Left::default()), "said once");
        let mut other = drain;
        assert!(!other.count(at(59), some));
        assert!(other.count(at(60), some));
    }
}
