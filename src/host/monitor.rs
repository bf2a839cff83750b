//! What changes on the host, as the kernel tells everybody: links, addresses, and our own routes and rules that go away.

use std::{
    collections::{HashMap, VecDeque},
    os::fd::{AsFd, BorrowedFd},
};

use neli::consts::socket::NlFamily;
use nix::errno::Errno;

use super::{
    client::Error,
    codec,
    link::{HeldAddress, Link},
    wanted::{Route, Rule},
};
use crate::sys::netlink;

/// Multicast groups (`RTNLGRP_…`).
mod group {
    pub(super) const LINK: u32 = 1;
    pub(super) const IPV4_ADDRESS: u32 = 5;
    pub(super) const IPV4_ROUTE: u32 = 7;
    pub(super) const IPV4_RULE: u32 = 8;
    pub(super) const IPV6_ADDRESS: u32 = 9;
    pub(super) const IPV6_ROUTE: u32 = 11;
    pub(super) const IPV6_RULE: u32 = 19;
}

/// Datagrams read in one call of [`Monitor::next`]: a flood of news about other people's routes holds nobody up for longer.
const DATAGRAMS_A_CALL: usize = 64;

/// Something changed. Our own changes are told, too; who changed something is not known for IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A link is new or has changed.
    Link(Link),
    /// A link is gone, and with it all that was on it.
    LinkGone {
        /// The index that it had.
        index: u32,
        /// The name that it had.
        name: String,
    },
    /// An address is new or has changed.
    AddressAdded(HeldAddress),
    /// An address is gone.
    AddressRemoved(HeldAddress),
    /// A route of ours is gone. Not told of IPv4 routes that the kernel removes because their link went down.
    RouteRemoved(Route),
    /// A rule of ours is gone.
    RuleRemoved(Rule),
    /// News were lost: links, addresses, routes and rules have to be listed anew.
    Overrun,
    /// There may be more, but this is enough for one turn: call again after other work.
    Later,
}

impl Change {
    /// Reads a message of routing netlink: its type, and what follows the netlink header. `None` if it is of no interest; one
    /// that makes no sense counts as lost. `name` knows the names of links.
    pub fn read(kind: u16, message: &[u8], name: impl Fn(u32) -> Option<String>) -> Option<Self> {
        let gone = |Link { index, name, .. }| Self::LinkGone { index, name };
        let change = match kind {
            codec::link::NEW => codec::link::decode(message).map(|link| link.map(Self::Link)),
            codec::link::DELETE => codec::link::decode(message).map(|link| link.map(gone)),
            codec::address::NEW => codec::address::decode(message).map(|held| held.map(Self::AddressAdded)),
            codec::address::DELETE => codec::address::decode(message).map(|held| held.map(Self::AddressRemoved)),
            codec::route::DELETE => codec::route::decode(message, name).map(|route| route.map(Self::RouteRemoved)),
            codec::rule::DELETE => codec::rule::decode(message).map(|rule| rule.map(Self::RuleRemoved)),
            _ => Ok(None),
        };
        change.unwrap_or(Some(Self::Overrun))
    }
}

/// What is listened to beside links and addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Routes. On a router with many of them this costs: the kernel tells of all routes.
    pub routes: bool,
    /// Rules.
    pub rules: bool,
}

/// Listens to what changes on the host, in the network namespace in which it was opened. The descriptor is readable when
/// something changed.
pub struct Monitor {
    socket: netlink::Monitor,
    ready: VecDeque<Change>,
    /// Names of links, as far as they were told of, to name those of routes.
    names: HashMap<u32, String>,
}

impl Monitor {
    /// Begins to listen. Lists that are read afterwards are at least as new as what is not told.
    ///
    /// # Errors
    /// The kernel gives no socket.
    pub fn open(watch: Watch) -> Result<Self, Error> {
        let socket = netlink::Monitor::open(NlFamily::Route, &[group::LINK, group::IPV4_ADDRESS, group::IPV6_ADDRESS])
            .map_err(|errno| Error::NoNetlink { what: "network", errno })?;
        let mut monitor = Self { socket, ready: VecDeque::new(), names: HashMap::new() };
        monitor.watch(watch)?;
        Ok(monitor)
    }

    /// Begins to listen to more. What is listened to already stays so.
    ///
    /// # Errors
    /// The kernel does not let it.
    pub fn watch(&mut self, watch: Watch) -> Result<(), Error> {
        let mut groups = Vec::new();
        if watch.routes {
            groups.extend([group::IPV4_ROUTE, group::IPV6_ROUTE]);
        }
        if watch.rules {
            groups.extend([group::IPV4_RULE, group::IPV6_RULE]);
        }
        self.socket.join(&groups).map_err(|errno| Error::NoNetlink { what: "network", errno })
    }

    /// Tells the names of links that were there before the monitor was: routes are then told with the names of their links.
    pub fn learn<'a>(&mut self, links: impl IntoIterator<Item = &'a Link>) {
        self.names.extend(links.into_iter().map(|link| (link.index, link.name.clone())));
    }

    /// Returns the next change, `None` if there is none now. Does a bounded amount of work.
    ///
    /// # Errors
    /// The socket fails.
    #[allow(clippy::should_implement_trait, reason = "the end is only the end for now")]
    pub fn next(&mut self) -> Result<Option<Change>, Error> {
        for _ in 0..DATAGRAMS_A_CALL {
            if let Some(change) = self.ready.pop_front() {
                return Ok(Some(change));
            }
            let Self { socket, ready, names } = self;
            let each = |kind, message: &[u8]| {
                let change = Change::read(kind, message, |index| names.get(&index).cloned());
                match &change {
                    Some(Change::Link(link)) => drop(names.insert(link.index, link.name.clone())),
                    Some(Change::LinkGone { index, .. }) => drop(names.remove(index)),
                    _ => {}
                }
                ready.extend(change);
            };
            match socket.receive(each) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                // What the kernel says and we cannot read is as lost as what it could not tell.
                Err(
                    netlink::Error::Socket { errno: Errno::ENOBUFS | Errno::EMSGSIZE, .. }
                    | netlink::Error::Malformed(_),
                ) => {
                    return Ok(Some(Change::Overrun));
                }
                Err(error) => return Err(Error::Kernel { attempt: "listen to changes of the network", error }),
            }
        }
        Ok(Some(self.ready.pop_front().unwrap_or(Change::Later)))
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(kind: u16, message: &[u8]) -> Option<Change> {
        Change::read(kind, message, |_| None)
    }

    #[test]
    fn what_cannot_be_read_counts_as_lost() {
        assert_eq!(read(codec::address::DELETE, &[2, 32]), Some(Change::Overrun));
        assert_eq!(read(codec::address::DELETE, &[2, 32, 0, 0, 1, 0, 0, 0]), None);
        assert_eq!(read(9999, &[]), None);
    }

    proptest! {
        #[test]
        fn reading_never_panics(kind in 16..40u16, message in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(kind, &message);
        }
    }
}
