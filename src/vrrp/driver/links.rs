//! The host's links and addresses as last heard of, and what they mean for an instance.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    host::{Change, HeldAddress, Link, sysctl},
    model::Family,
    vrrp::{
        announce::Target,
        event::{self, LinkFault, Observation},
        settings::{Instance, Transport},
    },
};

/// What is known of the host.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: BTreeMap<u32, Link>,
    addresses: Vec<HeldAddress>,
}

impl Links {
    /// Takes what was read anew for what there is.
    pub(super) fn replace(&mut self, links: Vec<Link>, addresses: Vec<HeldAddress>) {
        self.links = links.into_iter().map(|link| (link.index, link)).collect();
        self.addresses = addresses;
    }

    /// Returns a link by its name.
    pub(super) fn named(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|link| link.name == name)
    }

    /// Returns a link by its index.
    pub(super) fn get(&self, index: u32) -> Option<&Link> {
        self.links.get(&index)
    }

    /// Returns all links.
    pub(super) fn all(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// Returns what it takes to announce an address; `None` where nobody listens to announcements.
    pub(super) fn target(&self, link: u32, address: IpAddr) -> Option<Target> {
        let on = self.links.get(&link).filter(|on| !on.noarp && !on.loopback)?;
        let below = on.parent.filter(|_| on.kind.as_deref() == Some("macvlan"));
        let forwards = || {
            let key = sysctl::Key::ipv6_of(&on.name, "forwarding").ok()?;
            sysctl::read(&key).ok()
        };
        let router = address.is_ipv6() && forwards().is_some_and(|value| value != "0");
        Some(Target { address, link, mac: on.mac()?, paced_by: below.unwrap_or(link), router })
    }

    /// Returns the addresses of the host.
    pub(super) fn addresses(&self) -> &[HeldAddress] {
        &self.addresses
    }

    /// Returns what a tracked link says.
    pub(super) fn observe(&self, name: &str) -> Observation {
        if self.named(name).is_some_and(|link| self.works(link)) { Observation::Up } else { Observation::Down }
    }

    /// Whether packets can go over a link, and over the one that it stands on.
    fn works(&self, link: &Link) -> bool {
        let parent = link.parent.filter(|parent| *parent != link.index).and_then(|parent| self.links.get(&parent));
        link.up && link.running && parent.is_none_or(|parent| parent.up && parent.running)
    }

    /// Returns what is under an instance: the link `adverts` that its adverts go over, and the address that they come from, of
    /// the link `base`. Both are the same but for a virtual MAC.
    pub(super) fn under(&self, instance: &Instance, adverts: Option<u32>) -> Result<event::Link, LinkFault> {
        let wanted = match &instance.transport {
            Transport::Multicast { source, .. } | Transport::Unicast { source, .. } => *source,
        };
        let Some(name) = &instance.interface else {
            // Unicast by its source alone.
            let source = wanted.ok_or(LinkFault::NoSource)?;
            let present = self.addresses.iter().any(|held| held.address.address == source);
            return if present { Ok(event::Link { index: 0, source }) } else { Err(LinkFault::NoSource) };
        };
        let base = self.named(name).ok_or(LinkFault::Missing)?;
        if instance.track_primary && !self.works(base) {
            return Err(LinkFault::Down);
        }
        let index = match (&instance.vmac, adverts) {
            (None, _) => base.index,
            (Some(_), Some(index)) => index,
            (Some(_), None) => return Err(LinkFault::NoVmac),
        };
        let source = match wanted {
            Some(source) if instance.track_source && !self.has(source) => return Err(LinkFault::NoSource),
            Some(source) => source,
            None => self.first_source(instance, index, base.index).ok_or(LinkFault::NoSource)?,
        };
        Ok(event::Link { index, source })
    }

    fn has(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|held| held.address.address == address)
    }

    /// The first address of a link that is no virtual address: IPv4 of the base link, IPv6 the first link-local one of the link
    /// that adverts leave by.
    fn first_source(&self, instance: &Instance, adverts: u32, base: u32) -> Option<IpAddr> {
        let virtual_address =
            |address: &IpAddr| instance.addresses.iter().chain(&instance.excluded).any(|own| own.address == *address);
        let on = |link: u32| {
            let on_link = self.addresses.iter().filter(move |held| held.link == link && !held.duplicate);
            on_link.filter(|held| !virtual_address(&held.address.address))
        };
        match instance.family {
            Family::V4 => {
                let mut candidates = on(base).filter(|held| held.address.address.is_ipv4());
                candidates.find(|held| !held.secondary).map(|held| held.address.address)
            }
            Family::V6 => {
                let candidates = on(adverts).filter(|held| !held.tentative);
                candidates.map(|held| held.address.address).find(is_link_local)
            }
        }
    }

    /// Takes in a change. Returns whether it may bear on what is under an instance.
    pub(super) fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::Link(link) => {
                let before = self.links.insert(link.index, link.clone());
                before.as_ref() != Some(link)
            }
            Change::LinkGone { index, .. } => {
                self.links.remove(index);
                self.addresses.retain(|held| held.link != *index);
                true
            }
            Change::AddressAdded(held) => {
                self.forget(held);
                self.addresses.push(held.clone());
                true
            }
            Change::AddressRemoved(held) => {
                self.forget(held);
                true
            }
            Change::RouteRemoved(_) | Change::RuleRemoved(_) | Change::Overrun | Change::Later => false,
        }
    }

    fn forget(&mut self, gone: &HeldAddress) {
        let is_it = |held: &HeldAddress| {
            held.link == gone.link
                && held.address.address == gone.address.address
                && held.address.prefix == gone.address.prefix
        };
        self.addresses.retain(|held| !is_it(held));
    }
}

fn is_link_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}
