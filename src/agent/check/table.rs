//! The kernel's table as this process keeps it: what it knows of it, what it wrote, what was refused.
//!
//! Never assumes: what the kernel accepted is known, what it refused is not, and everything is read again in turns.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;
use nix::errno::Errno;

use crate::{
    ipvs::{
        Client, Error, OpenError, Refusal, explain,
        plan::{Extra, plan},
    },
    model::{Change, Entry, ServerKey, ServerStatus, ServiceKey, Snapshot, SnapshotServer, Table, Target},
    pool::{drain::Left, status::TableStatus},
};

/// The kernel's table, as far as it is this process's business.
pub(super) struct Keeper {
    client: Client,
    /// The kernel's services when they were read last, with what was written since.
    known: Table,
    /// What the kernel refuses, as it was last said.
    refused: HashMap<Target, Refusing>,
    /// Services of which a refusal shows that they are not as they were known to be.
    stale: IndexSet<ServiceKey>,
    /// Whether somebody waits for the answer, who is told what is refused: it is not tried again then.
    pub(super) tries: bool,
    pub(super) status: TableStatus,
}

/// What the kernel refuses, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusing {
    /// In words.
    text: String,
    pub(super) errno: Errno,
    /// What the kernel said beside it.
    pub(super) said: Option<String>,
}

impl Keeper {
    /// Opens the kernel's table; nothing is known of it yet.
    ///
    /// # Errors
    /// No IPVS, or no permission.
    pub(super) fn open() -> Result<Self, OpenError> {
        let client = Client::open()?;
        Ok(Self {
            client,
            known: Table::default(),
            refused: HashMap::new(),
            stale: IndexSet::new(),
            tries: false,
            status: TableStatus::default(),
        })
    }

    /// Reads these services, and forgets what was known of them.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn learn(&mut self, keys: impl IntoIterator<Item = ServiceKey>) -> Result<(), Error> {
        for key in keys {
            self.read(key)?;
        }
        Ok(())
    }

    /// Reads one service. Returns how it was known and how it is, if that differs.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn read(&mut self, key: ServiceKey) -> Result<Option<(Table, Table)>, Error> {
        let found = self.client.service(&key)?;
        let mut now = Snapshot { services: found.into_iter().collect() }.table();
        if now.services.get(&key) == self.known.services.get(&key) {
            return Ok(None);
        }
        let before = part(key, self.known.services.shift_remove(&key));
        self.known.services.extend(now.services.get_key_value(&key).map(|(key, entry)| (*key, entry.clone())));
        now.timeouts = None;
        Ok(Some((before, now)))
    }

    /// Returns the kernel's table as it is known.
    pub(super) fn known(&self) -> &Table {
        &self.known
    }

    /// Returns the keys of hidden services that the kernel has, whoever made them.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn hidden(&mut self) -> Result<Vec<ServiceKey>, Error> {
        self.client.hidden()
    }

    /// Returns the marks of all services that are not hidden.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn marks(&mut self) -> Result<HashSet<u32>, Error> {
        let mark = |key: ServiceKey| match key {
            ServiceKey::Mark { mark, .. } => Some(mark),
            ServiceKey::Address { .. } => None,
        };
        Ok(self.client.snapshot()?.services.iter().filter_map(|each| mark(each.service.key)).collect())
    }

    /// Makes these services as they are wanted, all of them in as few sends as possible.
    ///
    /// First what is added and edited, then what is deleted. If a server cannot be added (the sorry server, say), those of
    /// its service that `works` are not deleted for it. What the kernel refuses is said once, and tried again at each
    /// following write; it never holds up anything else.
    ///
    /// # Errors
    /// The kernel cannot be talked to; how much was done is then unknown, and the services have to be read again.
    pub(super) fn write(
        &mut self,
        keys: &IndexSet<ServiceKey>,
        wanted: impl Fn(&ServiceKey) -> Option<Entry>,
        works: impl Fn(&ServiceKey, &ServerKey) -> bool,
    ) -> Result<(), Error> {
        let mut have = Table::default();
        let mut want = Table::default();
        for key in keys {
            have.services.extend(self.known.services.get(key).map(|entry| (*key, entry.clone())));
            want.services.extend(wanted(key).map(|entry| (*key, entry)));
        }
        let (deletions, first): (Vec<_>, Vec<_>) = plan(&have, &want, Extra::Delete).partition(deletes);
        self.refused.retain(|target, _| target.service().is_none_or(|service| !keys.contains(&service)));
        let lacking = self.apply(&first)?;
        let withheld = |change: &Change| match change {
            Change::DeleteServer(service, server) => lacking.contains(service) && works(service, server),
            _ => false,
        };
        let deletions: Vec<_> = deletions.into_iter().filter(|change| !withheld(change)).collect();
        self.apply(&deletions)?;
        Ok(())
    }

    /// Makes changes, and returns the services that lack a server because of a refusal.
    fn apply(&mut self, changes: &[Change]) -> Result<HashSet<ServiceKey>, Error> {
        let mut lacking = HashSet::new();
        if changes.is_empty() {
            return Ok(lacking);
        }
        let refusals: HashMap<usize, Refusal> =
            self.client.apply(changes)?.into_iter().map(|refusal| (refusal.index, refusal)).collect();
        for (index, change) in changes.iter().enumerate() {
            let Some(refusal) = refusals.get(&index).filter(|refusal| !is_done(change, refusal)) else {
                self.status.changes += 1;
                // The plan was made for what is known, so this cannot conflict with it.
                let _ = self.known.apply(change);
                continue;
            };
            self.status.refused += 1;
            if let Change::AddServer(service, _) = change {
                lacking.insert(*service);
            }
            let explanation = explain(change, refusal);
            let hint = explanation.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let text = format!("{explanation}{hint}");
            let known = self.status.refusals.contains(&text);
            if !known && !self.tries {
                log::error!("{text}; this is tried again");
            }
            if matches!(refusal.errno, Errno::EEXIST | Errno::ENOENT | Errno::ESRCH) {
                self.stale.extend(change.target().service());
            }
            let refusing = Refusing { text, errno: refusal.errno, said: refusal.said.clone() };
            self.refused.insert(change.target(), refusing);
        }
        Ok(lacking)
    }

    /// Returns why the kernel refuses to have this as it should be; `None` if it does not, or was not asked.
    pub(super) fn refusal(&self, target: &Target) -> Option<&Refusing> {
        self.refused.get(target)
    }

    /// Returns the keys of all services that are not hidden.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn keys(&mut self) -> Result<Vec<ServiceKey>, Error> {
        self.client.visible()
    }

    /// Returns one service as it is, and forgets nothing of what was known of it.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn peek(&mut self, key: &ServiceKey) -> Result<Option<Entry>, Error> {
        let mut found = Snapshot { services: self.client.service(key)?.into_iter().collect() }.table();
        Ok(found.services.swap_remove(key))
    }

    /// Returns the connections of the servers of one service.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn connections(&mut self, key: &ServiceKey) -> Result<HashMap<ServerKey, Left>, Error> {
        let left = |each: &SnapshotServer| {
            let ServerStatus { active, inactive, persistent, .. } = each.status;
            (each.server.key, Left { active, inactive, persistent })
        };
        Ok(self.client.service(key)?.map(|found| found.servers.iter().map(left).collect()).unwrap_or_default())
    }

    /// Makes changes of services that are not this process's business. Returns what the kernel refuses.
    ///
    /// # Errors
    /// The kernel cannot be talked to.
    pub(super) fn pass_on(&mut self, changes: &[Change]) -> Result<Vec<Refusal>, Error> {
        self.client.apply(changes)
    }

    /// Returns a service that is to be read again soon.
    pub(super) fn next_stale(&mut self) -> Option<ServiceKey> {
        self.stale.pop()
    }

    /// Notes what is refused now, after all writes of a round.
    pub(super) fn settle(&mut self) {
        let mut refusals: Vec<_> = self.refused.values().map(|refusing| refusing.text.clone()).collect();
        refusals.sort_unstable();
        self.status.refusals = refusals;
    }

    /// Opens the kernel's table anew after it could not be talked to.
    ///
    /// # Errors
    /// It still cannot.
    pub(super) fn reopen(&mut self) -> Result<(), OpenError> {
        self.client = Client::open()?;
        Ok(())
    }
}

fn part(key: ServiceKey, entry: Option<Entry>) -> Table {
    Table { services: entry.into_iter().map(|entry| (key, entry)).collect(), ..Table::default() }
}

fn deletes(change: &Change) -> bool {
    matches!(change, Change::DeleteService(_) | Change::DeleteServer(..))
}

/// Whether what was refused is nevertheless so: what was to be deleted is not there.
fn is_done(change: &Change, refusal: &Refusal) -> bool {
    deletes(change) && matches!(refusal.errno, Errno::ESRCH | Errno::ENOENT)
}
