//! Sync groups: which instances are master and backup together, and what state a group is in. What members do to each other is
//! the router's business.

use super::{
    event::{InstanceId, State},
    status::GroupStatus,
};
use crate::model::Moment;

/// A sync group.
#[derive(Debug)]
pub(super) struct Group {
    /// Its name.
    pub(super) name: String,
    /// Its members, in the order of the settings.
    pub(super) members: Vec<InstanceId>,
    /// Its state.
    pub(super) state: State,
    /// When that was entered.
    pub(super) since: Moment,
    /// Whether any member is master.
    pub(super) has_master: bool,
}

impl Group {
    /// Takes the states of its members. Returns whether the group's state is another one now.
    pub(super) fn update(&mut self, now: Moment, members: impl Iterator<Item = State> + Clone) -> bool {
        self.has_master = members.clone().any(|state| state == State::Master);
        let state = combined(members);
        let changed = state != self.state;
        if changed {
            self.state = state;
            self.since = now;
        }
        changed
    }

    /// Returns how the group is doing; `name` gives the names of members.
    pub(super) fn status(&self, now: Moment, name: impl Fn(InstanceId) -> Option<String>) -> GroupStatus {
        GroupStatus {
            name: self.name.clone(),
            state: self.state,
            since_ms: super::instance::millis(now.since(self.since)),
            members: self.members.iter().filter_map(|id| name(*id)).collect(),
        }
    }
}

/// A group is in a fault if any member is, and master only if all members are.
fn combined(members: impl Iterator<Item = State> + Clone) -> State {
    let any = |wanted: State| members.clone().any(|state| state == wanted);
    if any(State::Stopped) {
        State::Stopped
    } else if any(State::Fault) {
        State::Fault
    } else if any(State::Init) || members.clone().next().is_none() {
        State::Init
    } else if any(State::Backup) {
        State::Backup
    } else {
        State::Master
    }
}

#[cfg(test)]
mod tests {
    use super::{State::*, *};

    #[test]
    fn state_of_a_group() {
        let table: [(&[State], State); 7] = [
            (&[], Init),
            (&[Init, Backup], Init),
            (&[Backup, Backup], Backup),
            (&[Master, Backup], Backup),
            (&[Master, Master], Master),
            (&[Master, Fault], Fault),
            (&[Init, Fault], Fault),
        ];
        for (members, expected) in table {
            assert_eq!(combined(members.iter().copied()), expected, "{members:?}");
        }
    }
}
