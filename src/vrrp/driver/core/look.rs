//! What links mean for instances: what is under each of them, which sockets they need, where their addresses go.

use std::collections::BTreeMap;

use log::warn;

use super::{Core, STATICS, trackers};
use crate::{
    model::{Family, Moment},
    vrrp::{
        driver::{Error, holdings::Item, sockets::Endpoint, vmacs},
        event::{self, Event, InstanceId},
        packet,
        settings::{Authentication, Instance, Tracker, Transport, Version},
    },
};

impl Core {
    /// Looks at the links anew: what is under each instance, which sockets it needs, where its addresses go.
    pub(super) fn look(&mut self, now: Moment) -> Result<(), Error> {
        let instances: Vec<(InstanceId, Instance)> =
            self.router.ids().map(|(id, instance)| (id, instance.clone())).collect();
        let mut made = false;
        for (id, instance) in &instances {
            made |= self.vmacs.ensure(&mut self.host, *id, instance);
        }
        if made {
            self.links.replace(self.host.links()?, self.host.addresses()?);
        }
        let mut endpoints: BTreeMap<Endpoint, Vec<u8>> = BTreeMap::new();
        for (id, instance) in &instances {
            let own = instance.interface.as_deref();
            let vmac = own.and_then(|interface| self.vmacs.index(*id, interface));
            let adverts = if vmacs::adverts_leave_by_it(instance) {
                vmac
            } else {
                // Even so, there must be a macvlan for the addresses.
                let base = own.and_then(|interface| self.links.named(interface)).map(|link| link.index);
                base.filter(|_| vmac.is_some())
            };
            let under = self.links.under(instance, adverts);
            if let Ok(link) = under {
                endpoints.entry(endpoint(instance, link)).or_default().push(instance.vrid.get());
            }
            let items = self.items(*id, instance);
            if instance.promote_secondaries {
                self.vmacs.promote(*id, &self.links_of(&items));
            } else {
                self.vmacs.promote(*id, &BTreeMap::new());
            }
            self.holdings.set_items(*id, items);
            if self.under.insert(*id, under) != Some(under) {
                self.router.handle(now, Event::Link(*id, under));
            }
        }
        let statics = self.static_items();
        self.holdings.set_items(STATICS, statics);
        // Before the macvlans join groups.
        self.guard();
        self.listen(&endpoints);
        self.under.retain(|id, _| instances.iter().any(|(known, _)| known == id));
        for tracker in trackers(&self.settings) {
            if let Tracker::Interface(name) = &tracker {
                self.router.handle(now, Event::Tracker(&tracker, self.links.observe(name)));
            }
        }
        Ok(())
    }

    /// Opens the sockets that are needed, with the VRIDs that each is for, and closes the others.
    fn listen(&mut self, endpoints: &BTreeMap<Endpoint, Vec<u8>>) {
        let before: Vec<Endpoint> = self.sockets.listening().map(|(endpoint, _)| *endpoint).collect();
        for (endpoint, vrids) in endpoints {
            if let Err(error) = self.sockets.ensure(*endpoint, vrids) {
                warn!("{error}");
            }
        }
        for endpoint in before.iter().filter(|endpoint| !endpoints.contains_key(endpoint)) {
            self.sockets.close(endpoint);
        }
        let after: Vec<Endpoint> = self.sockets.listening().map(|(endpoint, _)| *endpoint).collect();
        if before != after {
            self.sockets_version += 1;
        }
    }

    /// Returns what an instance holds while it is master, as far as the links that it names are there.
    pub(super) fn items(&self, id: InstanceId, instance: &Instance) -> Vec<Item> {
        let own = instance.interface.as_deref();
        let addresses = instance.addresses.iter().chain(&instance.excluded).filter_map(|address| {
            let device = address.device.as_deref().or(own)?;
            // A virtual MAC is for the family of its adverts only.
            let vmac = self.vmacs.index(id, device).filter(|_| Family::of(address.address) == instance.family);
            let link = vmac.or_else(|| self.links.named(device).map(|link| link.index))?;
            Some(Item::Address(link, address.clone()))
        });
        let routes = instance.routes.iter().cloned().map(Item::Route);
        addresses.chain(routes).chain(instance.rules.iter().cloned().map(Item::Rule)).collect()
    }

    /// Returns what is always on the host, as far as the links that it names are there.
    fn static_items(&self) -> Vec<Item> {
        let statics = &self.settings.statics;
        let addresses = statics.addresses.iter().filter_map(|address| {
            let link = self.links.named(address.device.as_deref()?)?;
            Some(Item::Address(link.index, address.clone()))
        });
        let routes = statics.routes.iter().cloned().map(Item::Route);
        addresses.chain(routes).chain(statics.rules.iter().cloned().map(Item::Rule)).collect()
    }

    /// Returns the links that IPv4 addresses are on, with their names.
    pub(super) fn links_of(&self, items: &[Item]) -> BTreeMap<u32, String> {
        let links = items.iter().filter_map(|item| match item {
            Item::Address(link, address) if address.address.is_ipv4() => self.links.get(*link),
            _ => None,
        });
        links.map(|link| (link.index, link.name.clone())).collect()
    }
}

/// Returns where the adverts of an instance come in.
fn endpoint(instance: &Instance, under: event::Link) -> Endpoint {
    let address = match &instance.transport {
        Transport::Multicast { group, .. } => *group,
        Transport::Unicast { .. } => under.source,
    };
    let header = instance.version == Version::V2 && matches!(instance.authentication, Authentication::Ah(_));
    let protocol = if header { packet::AH } else { packet::VRRP };
    Endpoint { link: Some(under.index).filter(|index| *index != 0), protocol, address }
}
