//! What became of changes whose answers were lost.
//!
//! The kernel drops answers for which the socket has no room, but carries the requests out all the same. [`Client`] never sends
//! more than there is room for, so this is for a kernel that runs out of memory. The changes are asked for once more, one by
//! one, and what is as wanted counts as done.

use std::slice;

use nix::errno::Errno;

use super::{Client, Error};
use crate::{
    model::{Change, Target},
    sys::netlink::Refused,
};

impl Client {
    /// Learns the fate of changes that have been sent together. Those that a later one overtakes count as done.
    pub(super) fn settle(&mut self, lost: &[Change]) -> Result<Vec<(usize, Refused)>, Error> {
        let mut refused = Vec::new();
        for (index, change) in lost.iter().enumerate() {
            if lost.iter().skip(index + 1).any(|later| overtakes(later, change)) {
                continue;
            }
            let mut outcome = self.execute(slice::from_ref(change))?;
            if outcome.known == 0 {
                return Err(Error::Interrupted);
            }
            if let Some((_, refusal)) = outcome.refused.pop()
                && !self.is_done(change, refusal.errno)?
            {
                refused.push((index, refusal));
            }
        }
        Ok(refused)
    }

    /// Whether a change is refused because it has been done before.
    fn is_done(&mut self, change: &Change, errno: Errno) -> Result<bool, Error> {
        Ok(match (change, errno) {
            (Change::AddService(wanted), Errno::EEXIST) => {
                self.service(&wanted.key)?.is_some_and(|found| found.service == *wanted)
            }
            (Change::AddServer(key, wanted), Errno::EEXIST) => {
                self.servers(key)?.iter().any(|found| found.server == *wanted)
            }
            (Change::StartDaemon(wanted), Errno::EEXIST) => {
                self.daemons()?.iter().any(|running| running.satisfies(wanted))
            }
            (Change::DeleteService(_) | Change::StopDaemon(_), Errno::ESRCH)
            | (Change::DeleteServer(..), Errno::ESRCH | Errno::ENOENT) => true,
            _ => false,
        })
    }
}

/// Whether nothing tells any more, after `later`, what became of `earlier`.
fn overtakes(later: &Change, earlier: &Change) -> bool {
    let target = earlier.target();
    match (later, &target) {
        (Change::Clear, Target::Service(_) | Target::Server(..) | Target::Counters(Some(_))) => true,
        (Change::DeleteService(key), Target::Server(service, _) | Target::Counters(Some(service))) => key == service,
        _ => later.target() == target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        DaemonRole, Family, Forwarding, RealServer, ServerKey, ServiceKey, Thresholds, VirtualService, Weight,
    };

    #[test]
    fn changes_are_overtaken_by_later_ones_of_the_same_thing_or_of_what_holds_it() {
        let mark = |mark| ServiceKey::Mark { mark, family: Family::V4 };
        let server = RealServer {
            key: ServerKey { address: [10, 0, 0, 11].into(), port: 0 },
            forwarding: Forwarding::Route,
            weight: Weight::default(),
            thresholds: Thresholds::default(),
        };
        let add = Change::AddService(VirtualService::new(mark(1)));
        let delete = Change::DeleteService(mark(1));
        let add_server = Change::AddServer(mark(1), server);
        let edit_server = Change::EditServer(mark(1), server);
        let delete_other = Change::DeleteService(mark(2));
        let zero = Change::Zero(Some(mark(1)));
        let start = Change::StopDaemon(DaemonRole::Master);

        for (later, earlier) in [
            (&delete, &add),
            (&add, &delete),
            (&edit_server, &add_server),
            (&delete, &add_server),
            (&delete, &zero),
            (&Change::Clear, &add_server),
            (&Change::Clear, &add),
            (&Change::Clear, &Change::Clear),
            (&start, &start),
        ] {
            assert!(overtakes(later, earlier), "{later:?} {earlier:?}");
        }
        for (later, earlier) in [
            (&add_server, &add),
            (&delete_other, &add),
            (&delete_other, &add_server),
            (&add, &add_server),
            (&zero, &add),
            (&Change::Clear, &start),
            (&Change::Zero(None), &zero),
            (&Change::StopDaemon(DaemonRole::Backup), &start),
        ] {
            assert!(!overtakes(later, earlier), "{later:?} {earlier:?}");
        }
    }
}
