//! Addresses: `RTM_*ADDR`, `struct ifaddrmsg` (`linux/if_addr.h`).

use super::{AF_UNSPEC, Action, create_new, family_of, read_ip, split, write_ip};
use crate::{
    host::{
        link::HeldAddress,
        wanted::{Address, Lifetime, PROTOCOL, Scope},
    },
    sys::netlink::{Batch, Malformed},
};

pub(in crate::host) const NEW: u16 = 20;
pub(in crate::host) const DELETE: u16 = 21;
const GET: u16 = 22;

mod attribute {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const LOCAL: u16 = 2;
    pub(super) const LABEL: u16 = 3;
    pub(super) const BROADCAST: u16 = 4;
    pub(super) const CACHEINFO: u16 = 6;
    pub(super) const FLAGS: u16 = 8;
    pub(super) const PROTO: u16 = 11;
}

mod flag {
    pub(super) const SECONDARY: u32 = 0x01;
    pub(super) const NODAD: u32 = 0x02;
    pub(super) const DADFAILED: u32 = 0x08;
    pub(super) const DEPRECATED: u32 = 0x20;
    pub(super) const TENTATIVE: u32 = 0x40;
    pub(super) const NOPREFIXROUTE: u32 = 0x200;
}

/// A lifetime without end.
const FOREVER: u32 = u32::MAX;

/// Asks for all addresses, or for those of one link.
pub(in crate::host) fn list(batch: &mut Batch, link: Option<u32>) {
    batch.push(GET, &header(AF_UNSPEC, 0, 0, 0, link.unwrap_or_default()), |_| {});
}

/// Puts an address on a link or takes it off.
pub(in crate::host) fn change(batch: &mut Batch, action: Action, link: u32, address: &Address) {
    let family = family_of(address.address);
    // Where there is no other end, the kernel wants the address itself.
    let other_end = address.peer.unwrap_or(address.address);
    if action == Action::Remove {
        // Without the rest, so that an address that somebody labelled anew goes, too.
        batch.push(DELETE, &header(family, address.prefix, 0, 0, link), |w| {
            write_ip(w, attribute::LOCAL, address.address);
            write_ip(w, attribute::ADDRESS, other_end);
        });
        return;
    }
    let flags = flags(address);
    // The header has room for the first eight.
    let few = u8::try_from(flags).unwrap_or_default();
    batch.push_with(NEW, create_new(), &header(family, address.prefix, few, address.scope.number(), link), |w| {
        write_ip(w, attribute::LOCAL, address.address);
        write_ip(w, attribute::ADDRESS, other_end);
        if let Some(broadcast) = address.broadcast {
            write_ip(w, attribute::BROADCAST, broadcast);
        }
        if let Some(label) = &address.label {
            w.string(attribute::LABEL, label);
        }
        if few == 0 && flags != 0 {
            w.u32(attribute::FLAGS, flags);
        }
        if let Lifetime::Seconds(preferred) = preferred(address) {
            // Preferred, valid, and two times that only the kernel writes.
            let info = [preferred, FOREVER, 0, 0].map(u32::to_ne_bytes);
            w.bytes(attribute::CACHEINFO, info.as_flattened());
        }
        // Kernels before 5.18 ignore it.
        w.u8(attribute::PROTO, PROTOCOL);
    });
}

fn flags(address: &Address) -> u32 {
    let mut flags = 0;
    if address.address.is_ipv6() && !address.duplicate_detection {
        flags |= flag::NODAD;
    }
    if address.no_prefix_route {
        flags |= flag::NOPREFIXROUTE;
    }
    flags
}

/// See [`Address::preferred`].
fn preferred(address: &Address) -> Lifetime {
    let deprecated = address.address.is_ipv6() && address.prefix == 128;
    address.preferred.unwrap_or(if deprecated { Lifetime::Seconds(0) } else { Lifetime::Forever })
}

fn header(family: u8, prefix: u8, flags: u8, scope: u8, link: u32) -> [u8; 8] {
    let [a, b, c, d] = link.to_ne_bytes();
    [family, prefix, flags, scope, a, b, c, d]
}

/// Reads an address; `None` if it is neither IPv4 nor IPv6.
pub(in crate::host) fn decode(message: &[u8]) -> Result<Option<HeldAddress>, Malformed> {
    let ([_family, prefix, flags, scope, i0, i1, i2, i3], attributes) = split::<8>(message, "ifaddrmsg")?;
    let mut flags = u32::from(flags);
    let (mut local, mut other_end, mut broadcast, mut label) = (None, None, None, None);
    let (mut preferred, mut protocol) = (Lifetime::Forever, None);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            attribute::ADDRESS => other_end = Some(read_ip(&attribute, "IFA_ADDRESS")?),
            attribute::LOCAL => local = Some(read_ip(&attribute, "IFA_LOCAL")?),
            attribute::LABEL => label = Some(attribute.string("IFA_LABEL")?.to_owned()),
            attribute::BROADCAST => broadcast = Some(read_ip(&attribute, "IFA_BROADCAST")?),
            attribute::CACHEINFO => {
                let [a, b, c, d, ..] = attribute.bytes::<16>("IFA_CACHEINFO")?;
                preferred = match u32::from_ne_bytes([a, b, c, d]) {
                    FOREVER => Lifetime::Forever,
                    seconds => Lifetime::Seconds(seconds),
                };
            }
            attribute::FLAGS => flags = attribute.u32("IFA_FLAGS")?,
            attribute::PROTO => protocol = Some(attribute.u8("IFA_PROTO")?),
            _ => {}
        }
    }
    // IPv4 addresses that are deprecated for ever have no lifetime that says so.
    if flags & flag::DEPRECATED != 0 && preferred == Lifetime::Forever {
        preferred = Lifetime::Seconds(0);
    }
    // IPv6 addresses without another end have one attribute only.
    let Some(address) = local.or(other_end) else {
        return Ok(None);
    };
    Ok(Some(HeldAddress {
        link: u32::from_ne_bytes([i0, i1, i2, i3]),
        address: Address {
            address,
            prefix,
            device: None,
            label,
            broadcast,
            peer: other_end.filter(|other_end| *other_end != address),
            scope: Scope::from_number(scope),
            preferred: Some(preferred),
            duplicate_detection: address.is_ipv6() && flags & flag::NODAD == 0,
            no_prefix_route: flags & flag::NOPREFIXROUTE != 0,
        },
        protocol,
        // The same bit means "temporary" for IPv6.
        secondary: address.is_ipv4() && flags & flag::SECONDARY != 0,
        tentative: flags & flag::TENTATIVE != 0,
        duplicate: flags & flag::DADFAILED != 0,
    }))
}
