//! The checks of all pools, each with a number that it keeps as long as it is the same.

use std::{collections::HashSet, sync::Arc};

use super::{CheckId, settings::Check};
use crate::{
    check::settings::Schedule,
    model::{ServerKey, ServiceKey},
};

/// Checks by number and by server.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    /// By [`CheckId`]; numbers of checks that are no more are given again.
    all: Vec<Option<Check>>,
    free: Vec<CheckId>,
    /// In the order of services and servers.
    order: Vec<CheckId>,
}

impl Checks {
    /// Numbers checks by their places.
    pub(super) fn new(checks: Vec<Check>) -> Self {
        let mut new = Self { all: held(checks), free: Vec::new(), order: Vec::new() };
        new.order = (0..new.all.len()).map(CheckId).collect();
        new.sort();
        new
    }

    /// Puts checks in the place of those of the services that are `wanted`. Those are not found by their servers any more, only by
    /// the numbers that are returned, for [`Self::forget`].
    pub(super) fn exchange(&mut self, wanted: impl Fn(&ServiceKey) -> bool, new: Self) -> Vec<CheckId> {
        if self.order.is_empty() && self.free.is_empty() {
            *self = new;
            return Vec::new();
        }
        let is_wanted = |id: &CheckId| self.get(*id).is_none_or(|check| wanted(&check.service));
        let (old, mut order): (Vec<_>, Vec<_>) = self.order.iter().copied().partition(is_wanted);
        for check in new.all.into_iter().flatten().filter(|check| wanted(&check.service)) {
            order.push(self.add(check));
        }
        self.order = order;
        self.sort();
        old
    }

    /// Gives the numbers of checks away that nobody needs any more.
    pub(super) fn forget(&mut self, old: Vec<CheckId>) {
        for id in &old {
            self.all.get_mut(id.0).map(Option::take);
        }
        self.free.extend(old);
    }

    fn add(&mut self, check: Check) -> CheckId {
        let id = self.free.pop().unwrap_or(CheckId(self.all.len()));
        match self.all.get_mut(id.0) {
            Some(place) => *place = Some(check),
            None => self.all.push(Some(check)),
        }
        id
    }

    fn sort(&mut self) {
        let mut order = std::mem::take(&mut self.order);
        // Several of one server stay in the order in which they came.
        order.sort_by_key(|id| self.place(*id));
        self.order = order;
    }

    fn place(&self, id: CheckId) -> Option<(ServiceKey, ServerKey)> {
        self.get(id).map(|check| (check.service, check.server))
    }

    /// Returns a check.
    pub(super) fn get(&self, id: CheckId) -> Option<&Check> {
        self.all.get(id.0)?.as_ref()
    }

    /// Returns a check.
    pub(super) fn get_mut(&mut self, id: CheckId) -> Option<&mut Check> {
        self.all.get_mut(id.0)?.as_mut()
    }

    /// Returns the checks of a server.
    pub(super) fn of(&self, place: &(ServiceKey, ServerKey)) -> &[CheckId] {
        let first = self.order.partition_point(|id| self.place(*id) < Some(*place));
        let behind = self.order.get(first..).unwrap_or_default();
        let count = behind.iter().take_while(|id| self.place(**id) == Some(*place)).count();
        behind.get(..count).unwrap_or_default()
    }

    /// Returns all checks.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Check> {
        self.all.iter().flatten()
    }

    /// Returns how many numbers there are: all are less.
    pub(super) fn numbers(&self) -> usize {
        self.all.len()
    }
}

/// Makes checks share equal schedules, and take no more room than they need.
fn held(checks: Vec<Check>) -> Vec<Option<Check>> {
    let mut schedules: HashSet<Arc<Schedule>> = HashSet::new();
    let shared = |mut check: Check| {
        match schedules.get(&check.schedule) {
            Some(known) => check.schedule = Arc::clone(known),
            None => _ = schedules.insert(Arc::clone(&check.schedule)),
        }
        Some(check)
    };
    // In place: a check has room for `None`.
    let mut checks: Vec<_> = checks.into_iter().map(shared).collect();
    checks.shrink_to_fit();
    checks
}
