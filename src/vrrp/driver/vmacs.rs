//! The macvlans of virtual routers with a virtual MAC address: made when the link below is there, found by instance and link,
//! taken away at the end.

use std::collections::{BTreeMap, BTreeSet};

use log::warn;

use crate::{
    host::{
        Error, Host,
        sysctl::{Found, Kept},
        vmac::{self, Vmac, VmacWanted},
    },
    model::Family,
    vrrp::{
        event::InstanceId,
        settings::{Instance, Transport},
    },
};

/// All macvlans of a process, and the switches of the kernel that were set for its instances.
#[derive(Debug, Default)]
pub(super) struct Vmacs {
    kept: Kept,
    /// By instance and name of the link below.
    made: BTreeMap<(InstanceId, String), Vmac>,
    /// Links by index on which instances have the kernel keep addresses, and under whose name.
    promoted: BTreeMap<(InstanceId, u32), String>,
    /// What was complained about, until it works.
    failed: BTreeSet<(InstanceId, String)>,
}

impl Vmacs {
    /// Takes over what an earlier process found in the kernel and did not put back.
    pub(super) fn resume(found: Vec<Found>) -> Self {
        Self { kept: Kept::resume(found), ..Self::default() }
    }

    /// Puts back what the earlier process changed and this one does not need.
    pub(super) fn put_back_the_rest(&mut self) {
        for error in self.kept.release("") {
            warn!("{error}");
        }
    }

    /// Makes what is missing for an instance, as far as the links below are there. Returns whether something was made.
    pub(super) fn ensure(&mut self, host: &mut Host, id: InstanceId, instance: &Instance) -> bool {
        let mut made = false;
        for wanted in wanted(instance) {
            let key = (id, wanted.base.clone());
            if self.made.contains_key(&key) {
                continue;
            }
            match vmac::set_up(host, &mut self.kept, &wanted) {
                Ok(vmac) => {
                    for warning in &vmac.warnings {
                        warn!("{}: {warning}; its addresses may not work", instance.name);
                    }
                    self.failed.remove(&key);
                    self.made.insert(key, vmac);
                    made = true;
                }
                // A link that is not there is a fault of its own.
                Err(Error::NoLink(_)) => {}
                Err(error) => {
                    if self.failed.insert(key) {
                        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                        warn!("{}: {error}{hint}", instance.name);
                    }
                }
            }
        }
        made
    }

    /// Has the kernel keep the other addresses of a network when the first one goes, on these links by index and name, and no
    /// longer on others.
    pub(super) fn promote(&mut self, id: InstanceId, links: &BTreeMap<u32, String>) {
        let gone: Vec<(InstanceId, u32)> =
            self.promoted.keys().filter(|(of, link)| *of == id && !links.contains_key(link)).copied().collect();
        for owner in gone.iter().filter_map(|key| self.promoted.remove(key)).collect::<Vec<_>>() {
            for error in self.kept.release(&owner) {
                warn!("{error}");
            }
        }
        for (index, name) in links {
            if self.promoted.contains_key(&(id, *index)) {
                continue;
            }
            let owner = format!("(addresses of {id:?} on {index})");
            if let Err(error) = vmac::promote_secondaries(&mut self.kept, &owner, name) {
                warn!("{error}");
            }
            self.promoted.insert((id, *index), owner);
        }
    }

    /// Returns the index of the macvlan of an instance on a link.
    pub(super) fn index(&self, id: InstanceId, base: &str) -> Option<u32> {
        self.made.get(&(id, base.to_owned())).map(|vmac| vmac.index)
    }

    /// Returns the indices of the macvlans on a link.
    pub(super) fn on(&self, base: u32) -> Vec<u32> {
        self.made.values().filter(|vmac| vmac.base == base).map(|vmac| vmac.index).collect()
    }

    /// Forgets macvlans that are gone.
    pub(super) fn retain(&mut self, exists: impl Fn(u32) -> bool) {
        self.made.retain(|_, vmac| exists(vmac.index));
    }

    /// Takes away what belongs to no instance any more.
    pub(super) fn remove_all_but(&mut self, host: &mut Host, needed: impl Fn(InstanceId, &str) -> bool) {
        let (stay, go) = std::mem::take(&mut self.made).into_iter().partition(|((id, base), _)| needed(*id, base));
        self.made = stay;
        for vmac in go.values() {
            if let Err(error) = vmac.remove(host, &mut self.kept) {
                warn!("{error}");
            }
        }
    }

    /// Returns the indices of all macvlans.
    pub(super) fn indices(&self) -> impl Iterator<Item = u32> {
        self.made.values().map(|vmac| vmac.index)
    }

    /// Returns the names of those macvlans that go with this process.
    pub(super) fn names(&self) -> Vec<String> {
        self.made.values().filter(|vmac| vmac.ours).map(|vmac| vmac.name.clone()).collect()
    }

    /// Returns what was found in the kernel before it was changed.
    pub(super) fn found(&self) -> Vec<Found> {
        self.kept.record()
    }
}

/// Returns the macvlans that an instance needs: one on its own link, and on request one on each other link that it has
/// addresses on.
pub(super) fn wanted(instance: &Instance) -> Vec<VmacWanted> {
    let (Some(vmac), Some(interface)) = (&instance.vmac, &instance.interface) else { return Vec::new() };
    let one = |base: &str, is_own: bool| VmacWanted {
        name: vmac.name.clone().filter(|_| is_own),
        base: base.to_owned(),
        vrid: instance.vrid,
        family: instance.family,
        mac: vmac.mac,
        link_local: is_own && instance.family == Family::V6 && adverts_leave_by_it(instance),
    };
    let mut wanted = vec![one(interface, true)];
    if vmac.other_links {
        let devices =
            instance.addresses.iter().chain(&instance.excluded).filter_map(|address| address.device.as_deref());
        let others: BTreeSet<&str> = devices.filter(|device| device != interface).collect();
        wanted.extend(others.into_iter().map(|device| one(device, false)));
    }
    wanted
}

/// Whether adverts leave by the macvlan rather than by the link below it.
pub(super) fn adverts_leave_by_it(instance: &Instance) -> bool {
    let multicast = matches!(instance.transport, Transport::Multicast { .. });
    multicast && instance.vmac.as_ref().is_some_and(|vmac| !vmac.transmit_on_base)
}
