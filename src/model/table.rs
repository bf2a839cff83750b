//! A table: virtual services with their real servers, timeouts and sync daemons.

use indexmap::{IndexMap, map};
use thiserror::Error;

use super::{Change, RealServer, ServerKey, ServiceKey, SyncDaemon, Timeouts, VirtualService};

/// A virtual service with its real servers, in the order in which they were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The service.
    pub service: VirtualService,
    /// Its servers.
    pub servers: IndexMap<ServerKey, RealServer>,
}

impl Entry {
    /// Returns the key of the service.
    pub fn key(&self) -> ServiceKey {
        self.service.key
    }
}

/// What a kernel table holds, or should. Equality ignores the order of services and servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Services with their servers, in the order in which they were added.
    pub services: IndexMap<ServiceKey, Entry>,
    /// Connection timeouts; `None` where nothing is said of them.
    pub timeouts: Option<Timeouts>,
    /// Sync daemons, at most one of each role.
    pub daemons: Vec<SyncDaemon>,
}

/// Why a [`Change`] does not fit a [`Table`]: the kernel would refuse it for the same reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Conflict {
    /// EEXIST of a service.
    #[error("the service exists already")]
    ServiceExists,
    /// ESRCH.
    #[error("there is no such service")]
    NoSuchService,
    /// EEXIST of a server.
    #[error("the service has this server already")]
    ServerExists,
    /// ENOENT.
    #[error("the service has no such server")]
    NoSuchServer,
    /// EEXIST of a daemon.
    #[error("a sync daemon of this role exists already")]
    DaemonExists,
    /// ESRCH of a daemon.
    #[error("there is no sync daemon of this role")]
    NoSuchDaemon,
}

impl Table {
    /// Applies one change as the kernel would.
    ///
    /// # Errors
    /// The change names something that exists already or does not exist; the table is then unchanged.
    pub fn apply(&mut self, change: &Change) -> Result<(), Conflict> {
        match change {
            Change::AddService(service) => match self.services.entry(service.key) {
                map::Entry::Occupied(_) => return Err(Conflict::ServiceExists),
                map::Entry::Vacant(vacant) => {
                    vacant.insert(Entry { service: service.clone(), servers: IndexMap::new() });
                }
            },
            Change::EditService(service) => self.entry(service.key)?.service = service.clone(),
            Change::DeleteService(key) => {
                self.services.shift_remove(key).ok_or(Conflict::NoSuchService)?;
            }
            Change::AddServer(service, server) => match self.entry(*service)?.servers.entry(server.key) {
                map::Entry::Occupied(_) => return Err(Conflict::ServerExists),
                map::Entry::Vacant(vacant) => {
                    vacant.insert(*server);
                }
            },
            Change::EditServer(service, server) => {
                *self.entry(*service)?.servers.get_mut(&server.key).ok_or(Conflict::NoSuchServer)? = *server;
            }
            Change::DeleteServer(service, server) => {
                self.entry(*service)?.servers.shift_remove(server).ok_or(Conflict::NoSuchServer)?;
            }
            Change::SetTimeouts(wanted) => {
                let have = self.timeouts.unwrap_or(Timeouts { tcp: 0, tcp_fin: 0, udp: 0 });
                let keep = |new: u32, old: u32| if new == 0 { old } else { new };
                self.timeouts = Some(Timeouts {
                    tcp: keep(wanted.tcp, have.tcp),
                    tcp_fin: keep(wanted.tcp_fin, have.tcp_fin),
                    udp: keep(wanted.udp, have.udp),
                });
            }
            Change::StartDaemon(daemon) => {
                if self.daemons.iter().any(|each| each.role == daemon.role) {
                    return Err(Conflict::DaemonExists);
                }
                self.daemons.push(daemon.clone());
            }
            Change::StopDaemon(role) => {
                let at = self.daemons.iter().position(|each| each.role == *role);
                self.daemons.remove(at.ok_or(Conflict::NoSuchDaemon)?);
            }
            Change::Zero(Some(key)) => {
                self.entry(*key)?;
            }
            Change::Zero(None) => {}
            Change::Clear => self.services.clear(),
        }
        Ok(())
    }

    fn entry(&mut self, key: ServiceKey) -> Result<&mut Entry, Conflict> {
        self.services.get_mut(&key).ok_or(Conflict::NoSuchService)
    }
}
