//! The client: one socket to the kernel's links, addresses, routes and rules, in the network namespace in which it was opened.
//!
//! Calls wait for the kernel, which answers at once: hundreds of changes take milliseconds. What to change is decided above.

use std::collections::HashMap;

use neli::consts::socket::NlFamily;
use nix::errno::Errno;
use thiserror::Error;

use super::{
    codec::{self, Action},
    link::{HeldAddress, Link},
    refusal::{self, Problem, Refusal, words},
    wanted::{Address, Route, Rule},
};
use crate::{
    model::Family,
    sys::netlink::{self, Batch, Malformed, Socket},
};

/// Bytes that the name of a link may have (`IFNAMSIZ` and its NUL).
pub(super) const LONGEST_NAME: usize = 15;

/// Why something on the host could not be read or changed.
#[derive(Debug, Error)]
pub enum Error {
    /// The kernel gives us no netlink socket.
    #[error("cannot open a netlink socket to the {what} of the kernel: {errno}", errno = .errno.desc())]
    NoNetlink {
        /// Which part of the kernel.
        what: &'static str,
        /// Why not.
        errno: Errno,
    },
    /// The kernel could not be talked to.
    #[error("cannot {attempt}: {error}")]
    Kernel {
        /// What was tried, as a verb with its object.
        attempt: &'static str,
        /// What happened.
        error: netlink::Error,
    },
    /// The kernel refused something that is not a list of changes.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The answers to changes were lost; how many of them were made is unknown.
    #[error("cannot {attempt}: the kernel's answers were lost, so some of it may have been done")]
    Lost {
        /// What was tried.
        attempt: &'static str,
    },
    /// No link has this name.
    #[error("there is no link {0}")]
    NoLink(String),
    /// The name of a link to be made is in use.
    #[error("cannot make the link {name}: there is another link of this name ({found})")]
    NameTaken {
        /// The name.
        name: String,
        /// What has it.
        found: String,
    },
    /// The name of a link to be made is not one.
    #[error("{0:?} cannot be the name of a link: it takes 1 to 15 bytes without slashes, colons and spaces")]
    BadName(String),
}

impl Error {
    /// Returns what a person can do about it, if there is more to say.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NoNetlink { .. } => Some("check seccomp and SELinux rules, and that the kernel has CONFIG_NET"),
            Self::Kernel { .. } | Self::Lost { .. } => Some("see the kernel's messages (dmesg)"),
            Self::Refused(refusal) => refusal.hint(),
            Self::NoLink(_) => Some("see `ip link` for the links that there are"),
            Self::NameTaken { .. } => {
                Some("choose another name, or delete that link if nobody needs it: ip link delete NAME")
            }
            Self::BadName(_) => None,
        }
    }
}

/// An address to be put on a link or taken off it.
#[derive(Clone, Copy, Debug)]
pub struct AddressChange<'a> {
    /// On or off.
    pub action: Action,
    /// Index of the link.
    pub link: u32,
    /// The address; its `device` is not looked at.
    pub address: &'a Address,
}

/// A route to be added or removed.
#[derive(Clone, Copy, Debug)]
pub struct RouteChange<'a> {
    /// Which of both.
    pub action: Action,
    /// The route.
    pub route: &'a Route,
}

/// A rule to be added or removed.
#[derive(Clone, Copy, Debug)]
pub struct RuleChange<'a> {
    /// Which of both.
    pub action: Action,
    /// The rule.
    pub rule: &'a Rule,
}

/// A client of the kernel's network configuration.
pub struct Host {
    socket: Socket,
    batch: Batch,
}

impl Host {
    /// Opens a client of the calling thread's network namespace. Needs no privilege to read.
    ///
    /// # Errors
    /// The kernel gives no socket.
    pub fn open() -> Result<Self, Error> {
        let socket = Socket::open(NlFamily::Route).map_err(|errno| Error::NoNetlink { what: "network", errno })?;
        socket.filter_dumps();
        Ok(Self { socket, batch: Batch::default() })
    }

    /// Returns all links.
    ///
    /// # Errors
    /// The kernel cannot be talked to; so for all lists.
    pub fn links(&mut self) -> Result<Vec<Link>, Error> {
        self.dump("list the links", codec::link::list, codec::link::decode)
    }

    /// Returns the link with this name, `None` if there is none.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn link(&mut self, name: &str) -> Result<Option<Link>, Error> {
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Ok(None);
        }
        self.one_link(|batch| codec::link::get_named(batch, name))
    }

    /// Returns the link with this index, `None` if there is none.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn link_at(&mut self, index: u32) -> Result<Option<Link>, Error> {
        self.one_link(|batch| codec::link::get(batch, index))
    }

    /// Returns all addresses of all links.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn addresses(&mut self) -> Result<Vec<HeldAddress>, Error> {
        self.dump("list the addresses", |batch| codec::address::list(batch, None), codec::address::decode)
    }

    /// Returns the addresses of one link; none if it is gone.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn addresses_of(&mut self, link: u32) -> Result<Vec<HeldAddress>, Error> {
        let found =
            self.dump("list the addresses", |batch| codec::address::list(batch, Some(link)), codec::address::decode);
        match found {
            Err(Error::Kernel { error: netlink::Error::Refused(refused), .. }) if refused.errno == Errno::ENODEV => {
                Ok(Vec::new())
            }
            // Kernels before 4.20 do not filter.
            found => found.map(|found| found.into_iter().filter(|held| held.link == link).collect()),
        }
    }

    /// Returns the routes of both families that lvsadm (or keepalived) added, by their protocol number.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn routes(&mut self) -> Result<Vec<Route>, Error> {
        let names: HashMap<_, _> = self.links()?.into_iter().map(|link| (link.index, link.name)).collect();
        let mut found = Vec::new();
        for family in [Family::V4, Family::V6] {
            let routes = self.dump(
                "list the routes",
                |batch| codec::route::list(batch, family),
                |message| codec::route::decode(message, |index| names.get(&index).cloned()),
            )?;
            // A kernel without IPv6 answers with what it has.
            found.extend(routes.into_iter().filter(|route| route.family() == family));
        }
        Ok(found)
    }

    /// Returns the rules of both families that lvsadm (or keepalived) added, by their protocol number.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn rules(&mut self) -> Result<Vec<Rule>, Error> {
        let mut found = Vec::new();
        for family in [Family::V4, Family::V6] {
            let rules = self.dump("list the rules", |batch| codec::rule::list(batch, family), codec::rule::decode);
            match rules {
                Ok(rules) => found.extend(rules.into_iter().filter(|rule| rule.family == family)),
                // A kernel without policy rules has none.
                Err(Error::Kernel { error: netlink::Error::Refused(refused), .. })
                    if matches!(refused.errno, Errno::EAFNOSUPPORT | Errno::EOPNOTSUPP) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Carries out all changes in order and returns those that were refused. A refusal stops nothing. Callers that have
    /// something else to do slice long lists.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn change_addresses(&mut self, changes: &[AddressChange<'_>]) -> Result<Vec<Refusal>, Error> {
        let encode = |batch: &mut Batch, change: &AddressChange<'_>| {
            codec::address::change(batch, change.action, change.link, change.address);
            Ok(())
        };
        let problems = self.change("change addresses", changes, encode)?;
        let mut names = HashMap::new();
        let mut refusals = Vec::new();
        for (index, problem) in problems {
            let Some(change) = changes.get(index) else {
                continue;
            };
            let name = match names.get(&change.link) {
                Some(name) => name,
                None => {
                    let link = self.link_at(change.link)?;
                    let name = link.map_or_else(|| format!("link {}", change.link), |link| link.name);
                    names.entry(change.link).or_insert(name)
                }
            };
            refusals.push(refusal::address(index, change.action, name, change.address, problem));
        }
        Ok(refusals)
    }

    /// Adds and removes routes, as [`Self::change_addresses`] does addresses.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn change_routes(&mut self, changes: &[RouteChange<'_>]) -> Result<Vec<Refusal>, Error> {
        let mut links = HashMap::new();
        for name in changes.iter().flat_map(|change| change.route.devices()) {
            if !links.contains_key(name) {
                links.insert(name, self.link(name)?.map(|link| link.index));
            }
        }
        let encode = |batch: &mut Batch, change: &RouteChange<'_>| {
            codec::route::change(batch, change.action, change.route, |name| links.get(name).copied().flatten())
        };
        let problems = self.change("change routes", changes, encode)?;
        let word = |(index, problem)| {
            changes.get(index).map(|change| refusal::route(index, change.action, change.route, problem))
        };
        Ok(problems.into_iter().filter_map(word).collect())
    }

    /// Adds and removes rules, as [`Self::change_addresses`] does addresses. Links that a rule names need not exist.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn change_rules(&mut self, changes: &[RuleChange<'_>]) -> Result<Vec<Refusal>, Error> {
        let encode = |batch: &mut Batch, change: &RuleChange<'_>| {
            codec::rule::change(batch, change.action, change.rule);
            Ok(())
        };
        let problems = self.change("change rules", changes, encode)?;
        let word = |(index, problem)| {
            changes.get(index).map(|change| refusal::rule(index, change.action, change.rule, problem))
        };
        Ok(problems.into_iter().filter_map(word).collect())
    }

    /// Makes a macvlan of mode private on top of a link and sets it up; the kernel gives it no IPv6 address by itself.
    /// If there is one already that does not differ, it is taken over. Returns its index and whether it is new.
    ///
    /// # Errors
    /// The name is no name, or another link has it; the kernel refuses; the kernel cannot be talked to.
    pub fn add_macvlan(&mut self, name: &str, parent: u32, mac: [u8; 6]) -> Result<(u32, bool), Error> {
        let is_name = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':');
        if name.len() > LONGEST_NAME || !name.bytes().all(is_name) || matches!(name, "" | "." | "..") {
            return Err(Error::BadName(name.to_owned()));
        }
        let found = self.link(name)?;
        let adopted = found.is_some();
        let index = match found {
            Some(link) if link.is_macvlan_of(parent, mac) => link.index,
            Some(link) => {
                let kind = link.kind.as_deref().unwrap_or("hardware");
                return Err(Error::NameTaken { name: name.to_owned(), found: format!("link {}, {kind}", link.index) });
            }
            None => {
                self.demand(
                    |batch| codec::link::add_macvlan(batch, name, parent, mac),
                    |problem| {
                        let known = match problem {
                            Errno::ENODEV => words("the link below it is gone", ""),
                            Errno::EOPNOTSUPP => words(
                                "this kernel has no macvlan",
                                "install the package that has this kernel's modules, or load it: modprobe macvlan",
                            ),
                            Errno::EBUSY | Errno::EADDRINUSE => {
                                words("the link below it has another use of this MAC address", "")
                            }
                            Errno::EINVAL => words(
                                "the link below it cannot have macvlans",
                                "it must be an Ethernet link, and no loopback",
                            ),
                            _ => None,
                        };
                        (format!("make the macvlan {name}"), known)
                    },
                )?;
                self.link(name)?.ok_or_else(|| Error::NoLink(name.to_owned()))?.index
            }
        };
        // Where there is no IPv6, there is nothing to switch off.
        self.batch.clear();
        codec::link::generate_no_addresses(&mut self.batch, index);
        let attempt = "switch the IPv6 addresses of a macvlan off";
        self.socket.execute(&mut self.batch).map_err(|error| Error::Kernel { attempt, error })?;
        match self.set_link_up(index, true) {
            Ok(()) => Ok((index, !adopted)),
            Err(error) => {
                if !adopted {
                    // Nothing is left half made; the first error is the one to report.
                    let _ = self.delete_link(index);
                }
                Err(error)
            }
        }
    }

    /// Sets a link up or down.
    ///
    /// # Errors
    /// The kernel refuses, or cannot be talked to.
    pub fn set_link_up(&mut self, index: u32, up: bool) -> Result<(), Error> {
        self.demand(
            |batch| codec::link::set_up(batch, index, up),
            |errno| {
                let known = match errno {
                    Errno::ENODEV => words("it is gone", ""),
                    Errno::ENETDOWN => words("the link below it is down", "set that one up first"),
                    _ => None,
                };
                (format!("set link {index} {}", if up { "up" } else { "down" }), known)
            },
        )
    }

    /// Deletes a link. Returns whether there was one.
    ///
    /// # Errors
    /// The kernel refuses (hardware cannot be deleted), or cannot be talked to.
    pub fn delete_link(&mut self, index: u32) -> Result<bool, Error> {
        let result = self.demand(
            |batch| codec::link::delete(batch, index),
            |errno| {
                let known = (errno == Errno::EOPNOTSUPP).then(|| ("it is hardware".to_owned(), None));
                (format!("delete link {index}"), known)
            },
        );
        match result {
            Ok(()) => Ok(true),
            Err(Error::Refused(refusal)) if refusal.errno == Errno::ENODEV => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes one change, whose refusal is an error.
    fn demand(
        &mut self,
        encode: impl FnOnce(&mut Batch),
        explain: impl FnOnce(Errno) -> (String, Option<refusal::Words>),
    ) -> Result<(), Error> {
        self.batch.clear();
        encode(&mut self.batch);
        let attempt = "change a link";
        let outcome = self.socket.execute(&mut self.batch).map_err(|error| Error::Kernel { attempt, error })?;
        match outcome.refused.into_iter().next() {
            None if outcome.known == 0 => Err(Error::Lost { attempt }),
            None => Ok(()),
            Some((_, refused)) => {
                let (attempt, known) = explain(refused.errno);
                Err(Refusal::new(0, attempt, Problem::Refused(refused), known).into())
            }
        }
    }

    /// Sends changes in batches; returns the index of each that was not made, and why.
    fn change<C>(
        &mut self,
        attempt: &'static str,
        changes: &[C],
        encode: impl Fn(&mut Batch, &C) -> Result<(), codec::Unsayable>,
    ) -> Result<Vec<(usize, Problem)>, Error> {
        let mut problems = Vec::new();
        let mut rest = changes.iter().enumerate().peekable();
        while rest.peek().is_some() {
            self.batch.clear();
            // Which change each request of the batch is for.
            let mut sent = Vec::new();
            for (index, change) in rest.by_ref().take(self.socket.batch_limit()) {
                match encode(&mut self.batch, change) {
                    Ok(()) => sent.push(index),
                    Err(unsayable) => problems.push((index, Problem::Unsayable(unsayable))),
                }
            }
            let outcome = self.socket.execute(&mut self.batch).map_err(|error| Error::Kernel { attempt, error })?;
            if outcome.known < sent.len() {
                return Err(Error::Lost { attempt });
            }
            let refused = outcome.refused.into_iter();
            problems.extend(refused.filter_map(|(at, refused)| Some((*sent.get(at)?, Problem::Refused(refused)))));
        }
        problems.sort_by_key(|(index, _)| *index);
        Ok(problems)
    }

    fn dump<T>(
        &mut self,
        attempt: &'static str,
        request: impl FnOnce(&mut Batch),
        decode: impl FnMut(&[u8]) -> Result<Option<T>, Malformed>,
    ) -> Result<Vec<T>, Error> {
        self.batch.clear();
        request(&mut self.batch);
        let found = self.socket.dump(&mut self.batch, decode).map_err(|error| Error::Kernel { attempt, error })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Asks about one thing; what the kernel says against it is an answer.
    pub(super) fn ask<T>(
        &mut self,
        attempt: &'static str,
        request: impl FnOnce(&mut Batch),
        decode: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Result<T, Errno>, Error> {
        self.batch.clear();
        request(&mut self.batch);
        match self.socket.call(&mut self.batch, decode) {
            Ok(found) => Ok(Ok(found)),
            Err(netlink::Error::Refused(refused)) => Ok(Err(refused.errno)),
            Err(error) => Err(Error::Kernel { attempt, error }),
        }
    }

    fn one_link(&mut self, request: impl FnOnce(&mut Batch)) -> Result<Option<Link>, Error> {
        self.batch.clear();
        request(&mut self.batch);
        match self.socket.call(&mut self.batch, codec::link::decode) {
            Ok(link) => Ok(link),
            Err(netlink::Error::Refused(refused)) if refused.errno == Errno::ENODEV => Ok(None),
            Err(error) => Err(Error::Kernel { attempt: "look a link up", error }),
        }
    }
}
