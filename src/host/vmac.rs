//! The virtual MAC address: a macvlan on the link of a virtual router, and the switches of the kernel without which the host
//! would speak for the virtual addresses with the wrong MAC address, or not at all.

use std::{
    fs,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU8,
};

use super::{
    client::{AddressChange, Error, Host},
    codec::Action,
    sysctl::{self, BadKey, Kept, Key},
    wanted::{Address, Lifetime, Scope},
};
use crate::model::Family;

/// Switches of the macvlan, and why.
const OF_VMAC: [(&str, &str); 4] = [
    // Answers ARP only for its own addresses, not for those of the link below.
    ("arp_ignore", "1"),
    // Takes packets whose source is an address of this host: adverts of its own, heard through the switch.
    ("accept_local", "1"),
    // Takes packets that the routing table would answer by the link below.
    ("rp_filter", "0"),
    // When the first virtual address of a network goes, the others stay.
    ("promote_secondaries", "1"),
];

/// IPv6 switches of the macvlan: no routes or addresses from router advertisements, the link below has them.
const OF_VMAC_IPV6: [(&str, &str); 2] = [("accept_ra", "0"), ("autoconf", "0")];

/// Switches of the link below: it must neither answer ARP for the virtual addresses, whose MAC address is another, nor ask
/// with one of them as its own, which would put its MAC address into the caches of neighbours.
const OF_BASE: [(&str, &str); 3] = [("arp_ignore", "1"), ("arp_filter", "1"), ("arp_announce", "2")];

/// Who wants reverse path filters moved from `all` to each link. Nobody takes that back before the end.
const FILTER_OWNER: &str = "(all macvlans)";

/// More macvlans for one identifier than this nobody has.
const NAMES_TRIED: u32 = 1000;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmacWanted {
    /// Name of the macvlan; `None` = `vrrp.VRID`, or else `vrrp1.VRID` and so on; for IPv6 `vrrp6.VRID` first.
    pub name: Option<String>,
    /// Name of the link below.
    pub base: String,
    /// Virtual router identifier.
    pub vrid: NonZeroU8,
    /// Family of the virtual router.
    pub family: Family,
    /// MAC address; `None` = that of the RFC ([`virtual_mac`]).
    pub mac: Option<[u8; 6]>,
    /// Whether it gets a link-local IPv6 address, made from the MAC address of the link below: for adverts that leave by it.
    pub link_local: bool,
}

/// A macvlan that is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vmac {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its MAC address.
    pub mac: [u8; 6],
    /// Index of the link below.
    pub base: u32,
    /// Whether it was there before: the operator made it, or an earlier run left it behind.
    pub adopted: bool,
    /// Whether [`Self::remove`] deletes it: all but adopted ones whose names the operator chose.
    pub ours: bool,
    /// Switches that could not be set: the addresses may not work.
    pub warnings: Vec<sysctl::Error>,
}

/// Returns the virtual MAC address of a virtual router (RFC 9568 section 7.3): 00:00:5e:00:01:VRID, for IPv6
/// 00:00:5e:00:02:VRID.
pub fn virtual_mac(family: Family, vrid: NonZeroU8) -> [u8; 6] {
    let family = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    [0, 0, 0x5e, 0, family, vrid.get()]
}

/// Makes a macvlan, or takes over the one that is there, and sets the switches that it needs. What the switches were is
/// remembered in `kept` under the name of the macvlan; so one `kept` for all.
///
/// # Errors
/// There is no link below; the name is taken; the kernel refuses. Then nothing is left behind. Switches that cannot be set
/// are warnings only.
pub fn set_up(host: &mut Host, kept: &mut Kept, wanted: &VmacWanted) -> Result<Vmac, Error> {
    let base = host.link(&wanted.base)?.ok_or_else(|| Error::NoLink(wanted.base.clone()))?;
    let mac = wanted.mac.unwrap_or_else(|| virtual_mac(wanted.family, wanted.vrid));
    let name = match &wanted.name {
        Some(name) => name.clone(),
        None => free_name(host, wanted, base.index, mac)?,
    };
    let (index, new) = host.add_macvlan(&name, base.index, mac)?;
    let mut vmac = Vmac {
        index,
        name,
        mac,
        base: base.index,
        adopted: !new,
        ours: new || wanted.name.is_none(),
        warnings: Vec::new(),
    };
    vmac.warnings = set_switches(kept, &vmac.name, &base.name, wanted.family);
    if let Some(base_mac) = base.mac().filter(|_| wanted.link_local) {
        let address = link_local(base_mac);
        let change = AddressChange { action: Action::Add, link: index, address: &address };
        let refusals = host.change_addresses(&[change])?;
        if let Some(refusal) = refusals.into_iter().find(|refusal| !refusal.is_needless()) {
            if new {
                // The refusal is the error to report.
                let _ = vmac.remove(host, kept);
            }
            return Err(refusal.into());
        }
    }
    Ok(vmac)
}

impl Vmac {
    /// Puts back what the macvlan needed of the kernel, and deletes it if it is ours. It is no failure if it is gone.
    ///
    /// # Errors
    /// The kernel refuses, or cannot be talked to.
    pub fn remove(&self, host: &mut Host, kept: &mut Kept) -> Result<(), Error> {
        for error in kept.release(&self.name) {
            log::warn!("{error}");
        }
        // The index may have been given to another link meanwhile.
        let still_there = host.link(&self.name)?.is_some_and(|link| link.index == self.index);
        if still_there && self.ours {
            host.delete_link(self.index)?;
        }
        Ok(())
    }
}

/// Has the kernel keep the other addresses of a network when the first one is removed from a link.
///
/// # Errors
/// The switch cannot be set.
pub fn promote_secondaries(kept: &mut Kept, owner: &str, link: &str) -> Result<(), sysctl::Error> {
    kept.set(owner, Key::ipv4_of(link, "promote_secondaries")?, "1")
}

/// Returns the name of a macvlan that an earlier run left behind, or else the first free name.
fn free_name(host: &mut Host, wanted: &VmacWanted, base: u32, mac: [u8; 6]) -> Result<String, Error> {
    let links = host.links()?;
    let vrid = wanted.vrid;
    let left_behind = |name: &str| {
        let number = name.strip_prefix("vrrp").and_then(|rest| rest.strip_suffix(&format!(".{vrid}")));
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if let Some(link) = links.iter().find(|link| link.is_macvlan_of(base, mac) && left_behind(&link.name)) {
        return Ok(link.name.clone());
    }
    let first = match wanted.family {
        Family::V4 => None,
        Family::V6 => Some(format!("vrrp6.{vrid}")),
    };
    let numbered = (1..NAMES_TRIED).map(|number| format!("vrrp{number}.{vrid}"));
    let mut names = first.into_iter().chain([format!("vrrp.{vrid}")]).chain(numbered);
    let is_free = |name: &String| links.iter().all(|link| link.name != *name);
    names.find(is_free).ok_or_else(|| Error::NameTaken {
        name: format!("vrrp.{vrid}"),
        found: format!("and {NAMES_TRIED} names like it are taken"),
    })
}

fn set_switches(kept: &mut Kept, vmac: &str, base: &str, family: Family) -> Vec<sysctl::Error> {
    let mut warnings = Vec::new();
    if family == Family::V4 {
        // First, because it changes the macvlan's own switch, too.
        warnings.extend(move_filter_to_links(kept, vmac).err());
    }
    let mut set = |kept: &mut Kept, key: Result<Key, BadKey>, value: &str| {
        let result = key.map_err(sysctl::Error::from).and_then(|key| kept.set(vmac, key, value));
        warnings.extend(result.err());
    };
    if family == Family::V4 {
        for (name, value) in OF_VMAC {
            set(kept, Key::ipv4_of(vmac, name), value);
        }
        for (name, value) in OF_BASE {
            set(kept, Key::ipv4_of(base, name), value);
        }
    }
    for (name, value) in OF_VMAC_IPV6 {
        set(kept, Key::ipv6_of(vmac, name), value);
    }
    // A host without IPv6 has no switches for it, and needs none.
    warnings.retain(|warning| !matches!(warning, sysctl::Error::Missing { key, .. } if key.is_ipv6()));
    warnings
}

/// The kernel filters by the greater of `all` and the link's own value, so `all` must be 0 for the macvlan's 0 to count. All
/// other links, and those that come later, get what `all` was: nothing changes for them.
fn move_filter_to_links(kept: &mut Kept, vmac: &str) -> Result<(), sysctl::Error> {
    let all = Key::ipv4_of("all", "rp_filter")?;
    // What an earlier run moved is where it belongs. Those that are 0 are macvlans' own.
    kept.claim(FILTER_OWNER, |found| found.key == all || (found.key.name() == "rp_filter" && found.ours != "0"));
    let strict = sysctl::read(&all)?;
    let strictness = |value: &str| value.parse::<u8>().unwrap_or(0);
    if strictness(&strict) == 0 {
        return Ok(());
    }
    let names = fs::read_dir("/proc/sys/net/ipv4/conf").into_iter().flatten().flatten();
    for name in names.filter_map(|entry| entry.file_name().into_string().ok()) {
        if name == "all" || name == vmac {
            continue;
        }
        let own = Key::ipv4_of(&name, "rp_filter")?;
        // A link that is gone meanwhile needs no filter.
        if sysctl::read(&own).is_ok_and(|value| strictness(&value) < strictness(&strict)) {
            kept.set(FILTER_OWNER, own, &strict)?;
        }
    }
    kept.set(FILTER_OWNER, all, "0")
}

/// Returns the link-local address that belongs to a MAC address (RFC 4291 appendix A).
fn link_local(mac: [u8; 6]) -> Address {
    let [a, b, c, d, e, f] = mac;
    let address = Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    Address {
        address: IpAddr::V6(address),
        prefix: 64,
        device: None,
        label: None,
        broadcast: None,
        peer: None,
        scope: Scope::Link,
        preferred: Some(Lifetime::Forever),
        // The link below has the same address, and the macvlan must speak at once.
        duplicate_detection: false,
        no_prefix_route: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_are_those_of_the_rfc() {
        let vrid = NonZeroU8::new(51).expect("not zero");
        assert_eq!(virtual_mac(Family::V4, vrid), [0, 0, 0x5e, 0, 1, 51]);
        assert_eq!(virtual_mac(Family::V6, vrid), [0, 0, 0x5e, 0, 2, 51]);
    }

    #[test]
    fn link_local_addresses_are_made_from_the_mac() {
        let address = link_local([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        assert_eq!(address.address.to_string(), "fe80::5054:ff:fe12:3456");
    }
}
