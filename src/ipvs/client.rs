//! The client: one socket to the kernel's table.
//!
//! Sends what it is told and reports what it finds. Decides nothing: what to change is the planner's business, what a
//! refusal means to a person is [`super::explain`]'s.

use std::{collections::HashSet, hash::Hash};

use neli::consts::socket::NlFamily;
use nix::errno::Errno;
use thiserror::Error;

use super::codec::{self, command};
use crate::{
    model::{
        Change, Info, ServiceKey, Snapshot, SnapshotServer, SnapshotService, SyncDaemon, Table, Timeouts,
        VirtualService,
    },
    sys::{
        module::{self, LoadError},
        netlink::{self, Batch, Outcome, Refused, Socket},
        privileges::{self, Lacking},
    },
};

/// The kernel module.
const MODULE: &str = "ip_vs";

/// How often a table is read that changes while it is read.
const ATTEMPTS: usize = 3;

/// Why the kernel could not be talked to.
pub type Error = netlink::Error;

/// Why there is no client.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The kernel has no IPVS, and the module could not be loaded.
    #[error("the kernel has no IPVS, and its module {MODULE} cannot be loaded: {0}")]
    NoModule(LoadError),
    /// The module was loaded, and still there is no IPVS.
    #[error("the kernel has no IPVS even though its module {MODULE} is loaded")]
    ModuleUseless,
    /// IPVS is there, and this process may not use it.
    #[error("not permitted to use the kernel's IPVS: {0}")]
    NotPermitted(Lacking),
    /// The kernel has no generic netlink, or this process may not use it.
    #[error("cannot open a generic netlink socket: {errno}", errno = .0.desc())]
    NoNetlink(Errno),
    /// The kernel answered something unexpected.
    #[error("cannot talk to the kernel's IPVS: {0}")]
    Kernel(#[from] Error),
}

impl OpenError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoModule(LoadError::NoModprobe(_)) => {
                "install kmod, or load the module from outside; in a container the host has to load it: modprobe ip_vs"
            }
            Self::NoModule(LoadError::Locked) => {
                "this can only be undone by a reboot; have ip_vs loaded early, by a line in /etc/modules-load.d/ipvs.conf"
            }
            Self::NoModule(LoadError::NotPermitted(_)) => {
                "run `modprobe ip_vs` as root on the machine itself, not in a container"
            }
            Self::NoModule(LoadError::Failed(_)) | Self::ModuleUseless => {
                "install the package that has this kernel's modules (for `uname -r`), or a kernel built with CONFIG_IP_VS"
            }
            Self::NotPermitted(Lacking::FirstUserNamespace) => {
                "the kernel wants CAP_NET_ADMIN in the first user namespace: run as root on the machine itself, or in a \
                 container without a user namespace of its own"
            }
            Self::NotPermitted(Lacking::Root) => "run as root, for instance with sudo",
            Self::NotPermitted(Lacking::NetAdmin) => {
                "give the container or service the capability, for instance docker run --cap-add NET_ADMIN"
            }
            Self::NoNetlink(_) => "check seccomp and SELinux rules, and that the kernel has CONFIG_NET",
            Self::Kernel(_) => "see the kernel's messages (dmesg) for lines that begin with IPVS",
        }
    }
}

/// A change that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which of the changes, counted from 0.
    pub index: usize,
    /// The kernel's error number; [`super::explain`] puts it into words.
    pub errno: Errno,
    /// What the kernel said beside it, which it seldom does.
    pub said: Option<String>,
}

impl Refusal {
    fn new(index: usize, Refused { errno, said }: Refused) -> Self {
        Self { index, errno, said }
    }
}

/// A client of the kernel's table in the network namespace in which it was opened.
pub struct Client {
    socket: Socket,
    family: u16,
    batch: Batch,
}

impl Client {
    /// Opens a client; loads the module if the kernel does not have it yet.
    ///
    /// # Errors
    /// No IPVS, no permission, no netlink: see [`OpenError`].
    pub fn open() -> Result<Self, OpenError> {
        Self::over(Socket::open(NlFamily::Generic).map_err(OpenError::NoNetlink)?)
    }

    /// Opens a client over a socket of generic netlink.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn over(mut socket: Socket) -> Result<Self, OpenError> {
        let family = match socket.family(codec::FAMILY)? {
            Some(family) => family,
            None => {
                module::load(MODULE).map_err(OpenError::NoModule)?;
                socket.family(codec::FAMILY)?.ok_or(OpenError::ModuleUseless)?
            }
        };
        let mut client = Self { socket, family, batch: Batch::default() };
        // Every command wants the same permission, so one that changes nothing tells whether we have it.
        match client.info() {
            Err(Error::Refused(Refused { errno: Errno::EPERM, .. })) => {
                Err(OpenError::NotPermitted(privileges::lacking()))
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok(client),
        }
    }

    /// Asks for all changes, in order, and returns those that were refused. A refusal stops nothing.
    ///
    /// # Errors
    /// The kernel cannot be talked to; how much was done is then unknown.
    pub fn apply(&mut self, changes: &[Change]) -> Result<Vec<Refusal>, Error> {
        let mut refusals = Vec::new();
        for (round, batch) in changes.chunks(self.socket.batch_limit()).enumerate() {
            let first = round * self.socket.batch_limit();
            let outcome = self.execute(batch)?;
            for (index, refused) in outcome.refused {
                refusals.push(Refusal::new(first + index, refused));
            }
            let lost = batch.get(outcome.known..).unwrap_or_default();
            for (index, refused) in self.settle(lost)? {
                refusals.push(Refusal::new(first + outcome.known + index, refused));
            }
        }
        Ok(refusals)
    }

    /// Returns all services and servers but hidden services ([`VirtualService::is_hidden`]), for which see
    /// [`Self::hidden`].
    ///
    /// The kernel lists the servers of one service at a time, and does not say whether the table changed meanwhile. (Even
    /// changes in another network namespace can make it skip or repeat entries.) So the services are listed again at the end,
    /// and if others are there, everything is read again. A table that changes during each of three readings is returned as
    /// last read.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn snapshot(&mut self) -> Result<Snapshot, Error> {
        let mut attempt = 1;
        loop {
            let mut services = self.services()?;
            for each in &mut services {
                each.servers = self.servers(&each.service.key)?;
            }
            let keys = services.iter().map(|each| each.service.key);
            if services.is_empty() || attempt == ATTEMPTS || self.service_keys()?.into_iter().eq(keys) {
                services.retain(|each| !each.service.is_hidden());
                return Ok(Snapshot { services });
            }
            attempt += 1;
        }
    }

    /// Returns the keys of hidden services.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn hidden(&mut self) -> Result<Vec<ServiceKey>, Error> {
        let services = self.services()?.into_iter().map(|each| each.service);
        Ok(services.filter(VirtualService::is_hidden).map(|service| service.key).collect())
    }

    /// Returns the keys of all services that are not hidden.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn visible(&mut self) -> Result<Vec<ServiceKey>, Error> {
        let services = self.services()?.into_iter().map(|each| each.service);
        Ok(services.filter(|service| !service.is_hidden()).map(|service| service.key).collect())
    }

    /// Returns one service with its servers, `None` if there is no such service.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn service(&mut self, key: &ServiceKey) -> Result<Option<SnapshotService>, Error> {
        // The servers first: a service that vanishes meanwhile has none, but it is missed afterwards.
        let servers = self.servers(key)?;
        self.batch.clear();
        codec::get_service(&mut self.batch, self.family, key);
        match self.socket.call(&mut self.batch, codec::service) {
            Ok(found) => Ok(Some(SnapshotService { servers, ..found })),
            Err(Error::Refused(Refused { errno: Errno::ESRCH, .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns services, servers, timeouts and sync daemons as configured.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn table(&mut self) -> Result<Table, Error> {
        let table = self.snapshot()?.table();
        Ok(Table { timeouts: Some(self.timeouts()?), daemons: self.daemons()?, ..table })
    }

    /// Returns the connection timeouts.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.batch.clear();
        codec::get(&mut self.batch, self.family, command::GET_CONFIG);
        self.socket.call(&mut self.batch, codec::timeouts)
    }

    /// Returns the sync daemons that run, the master first.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        self.batch.clear();
        codec::get(&mut self.batch, self.family, command::GET_DAEMON);
        self.socket.dump(&mut self.batch, codec::daemon)
    }

    /// Returns what the kernel says of itself.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub fn info(&mut self) -> Result<Info, Error> {
        self.batch.clear();
        codec::get(&mut self.batch, self.family, command::GET_INFO);
        self.socket.call(&mut self.batch, codec::info)
    }

    pub(super) fn execute(&mut self, changes: &[Change]) -> Result<Outcome, Error> {
        self.batch.clear();
        for change in changes {
            codec::change(&mut self.batch, self.family, change);
        }
        // A sync daemon that is stopped before it ever ran: the kernel does it, and does not answer even if asked to. (Its
        // handler ends with EINTR, for which netlink sends nothing.) So what comes last is something that is answered.
        if let Some(Change::StopDaemon(_)) = changes.last() {
            codec::get(&mut self.batch, self.family, command::GET_INFO);
        }
        let outcome = self.socket.execute(&mut self.batch)?;
        Ok(Outcome { known: outcome.known.min(changes.len()), ..outcome })
    }

    /// Returns all services without their servers.
    fn services(&mut self) -> Result<Vec<SnapshotService>, Error> {
        self.batch.clear();
        codec::get(&mut self.batch, self.family, command::GET_SERVICE);
        let mut services = self.socket.dump(&mut self.batch, codec::service)?;
        drop_repeated(&mut services, |each| each.service.key);
        Ok(services)
    }

    fn service_keys(&mut self) -> Result<Vec<ServiceKey>, Error> {
        self.batch.clear();
        codec::get(&mut self.batch, self.family, command::GET_SERVICE);
        self.socket.dump(&mut self.batch, codec::service_key)
    }

    /// Returns the servers of one service; none if there is no such service.
    pub(super) fn servers(&mut self, key: &ServiceKey) -> Result<Vec<SnapshotServer>, Error> {
        let family = key.family();
        self.batch.clear();
        codec::get_servers(&mut self.batch, self.family, key);
        let mut servers = self.socket.dump(&mut self.batch, |message| codec::server(message, family))?;
        drop_repeated(&mut servers, |each| each.server.key);
        Ok(servers)
    }
}

/// Drops all but the first of what has the same key: the kernel repeats an entry of a dump when another one is put before it
/// between two messages.
fn drop_repeated<T, K: Eq + Hash>(found: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let mut seen = HashSet::with_capacity(found.len());
    found.retain(|each| seen.insert(key(each)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_and_a_hint() {
        let said = "modprobe: FATAL: Module ip_vs not found in directory /lib/modules/6.1.0".to_owned();
        let cases = [
            (
                OpenError::NoModule(LoadError::Failed(said)),
                "the kernel has no IPVS, and its module ip_vs cannot be loaded: \
                 modprobe: FATAL: Module ip_vs not found in directory /lib/modules/6.1.0",
            ),
            (
                OpenError::NoModule(LoadError::Locked),
                "the kernel has no IPVS, and its module ip_vs cannot be loaded: \
                 the kernel has been told to load no more modules (sysctl kernel.modules_disabled)",
            ),
            (OpenError::ModuleUseless, "the kernel has no IPVS even though its module ip_vs is loaded"),
            (
                OpenError::NotPermitted(Lacking::Root),
                "not permitted to use the kernel's IPVS: this process is neither root nor has it the capability \
                 CAP_NET_ADMIN",
            ),
            (
                OpenError::NoNetlink(Errno::EPROTONOSUPPORT),
                "cannot open a generic netlink socket: Protocol not supported",
            ),
            (
                OpenError::Kernel(Error::Interrupted),
                "cannot talk to the kernel's IPVS: the kernel's answer was interrupted 5 times in a row",
            ),
        ];
        for (error, words) in cases {
            assert_eq!(error.to_string(), words);
            assert!(!error.hint().is_empty());
        }
    }

    #[test]
    fn what_is_repeated_is_dropped() {
        let mut found = vec![3, 1, 3, 2, 1];
        drop_repeated(&mut found, |each| *each);
        assert_eq!(found, [3, 1, 2]);
    }
}
