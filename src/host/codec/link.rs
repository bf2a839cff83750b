//! Links: `RTM_*LINK`, `struct ifinfomsg` (`linux/if_link.h`).

use super::{AF_UNSPEC, create_new, split};
use crate::{
    host::link::Link,
    sys::netlink::{Batch, Malformed},
};

pub(in crate::host) const NEW: u16 = 16;
pub(in crate::host) const DELETE: u16 = 17;
const GET: u16 = 18;

mod attribute {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const IFNAME: u16 = 3;
    pub(super) const MTU: u16 = 4;
    pub(super) const LINK: u16 = 5;
    pub(super) const LINKINFO: u16 = 18;
    pub(super) const AF_SPEC: u16 = 26;
    pub(super) const EXT_MASK: u16 = 29;
    pub(super) const LINK_NETNSID: u16 = 37;
}

/// In `LINKINFO`.
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;

/// In the data of a macvlan.
const MACVLAN_MODE: u16 = 1;
const MACVLAN_MODE_PRIVATE: u32 = 1;

/// In `AF_SPEC`, by family; and in the part of IPv6.
const AF_SPEC_INET6: u16 = 10;
const INET6_ADDR_GEN_MODE: u16 = 8;
const ADDR_GEN_MODE_NONE: u8 = 1;

/// Leaves the counters out of answers.
const SKIP_STATS: u32 = 1 << 3;

mod flag {
    pub(super) const UP: u32 = 0x1;
    pub(super) const LOOPBACK: u32 = 0x8;
    pub(super) const RUNNING: u32 = 0x40;
    pub(super) const NOARP: u32 = 0x80;
    pub(super) const MULTICAST: u32 = 0x1000;
}

/// `struct ifinfomsg`: family, padding, hardware type, index, flags, mask of changed flags.
fn header(index: u32, flags: u32, changed: u32) -> [u8; 16] {
    let mut header = [0; 16];
    let numbers = index.to_ne_bytes().into_iter().chain(flags.to_ne_bytes()).chain(changed.to_ne_bytes());
    header.iter_mut().skip(4).zip(numbers).for_each(|(byte, value)| *byte = value);
    header
}

/// Asks for all links.
pub(in crate::host) fn list(batch: &mut Batch) {
    batch.push(GET, &header(0, 0, 0), |w| w.u32(attribute::EXT_MASK, SKIP_STATS));
}

/// Asks for the link with this name.
pub(in crate::host) fn get_named(batch: &mut Batch, name: &str) {
    batch.push(GET, &header(0, 0, 0), |w| {
        w.u32(attribute::EXT_MASK, SKIP_STATS);
        w.string(attribute::IFNAME, name);
    });
}

/// Asks for the link with this index.
pub(in crate::host) fn get(batch: &mut Batch, index: u32) {
    batch.push(GET, &header(index, 0, 0), |w| w.u32(attribute::EXT_MASK, SKIP_STATS));
}

/// Creates a macvlan in mode private: it and its parent do not hear each other, nor do macvlans among themselves.
pub(in crate::host) fn add_macvlan(batch: &mut Batch, name: &str, parent: u32, mac: [u8; 6]) {
    batch.push_with(NEW, create_new(), &header(0, 0, 0), |w| {
        w.u32(attribute::LINK, parent);
        w.string(attribute::IFNAME, name);
        w.bytes(attribute::ADDRESS, &mac);
        w.nest(attribute::LINKINFO, |w| {
            w.bytes(INFO_KIND, b"macvlan");
            w.nest(INFO_DATA, |w| w.u32(MACVLAN_MODE, MACVLAN_MODE_PRIVATE));
        });
    });
}

/// Has the kernel make no IPv6 addresses for the link by itself. Refused where there is no IPv6.
pub(in crate::host) fn generate_no_addresses(batch: &mut Batch, index: u32) {
    batch.push(NEW, &header(index, 0, 0), |w| {
        w.nest(attribute::AF_SPEC, |w| w.nest(AF_SPEC_INET6, |w| w.u8(INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE)));
    });
}

/// Sets the link up or down.
pub(in crate::host) fn set_up(batch: &mut Batch, index: u32, up: bool) {
    batch.push(NEW, &header(index, if up { flag::UP } else { 0 }, flag::UP), |_| {});
}

/// Deletes the link.
pub(in crate::host) fn delete(batch: &mut Batch, index: u32) {
    batch.push(DELETE, &header(index, 0, 0), |_| {});
}

/// Reads a link; `None` if the message is about something else (a bridge's view of its port).
pub(in crate::host) fn decode(message: &[u8]) -> Result<Option<Link>, Malformed> {
    let ([family, _, t0, t1, i0, i1, i2, i3, f0, f1, f2, f3, ..], attributes) = split::<16>(message, "ifinfomsg")?;
    if family != AF_UNSPEC {
        return Ok(None);
    }
    let flags = u32::from_ne_bytes([f0, f1, f2, f3]);
    let mut link = Link {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        name: String::new(),
        hardware_type: u16::from_ne_bytes([t0, t1]),
        hardware_address: Vec::new(),
        mtu: 0,
        up: flags & flag::UP != 0,
        running: flags & flag::RUNNING != 0,
        noarp: flags & flag::NOARP != 0,
        loopback: flags & flag::LOOPBACK != 0,
        multicast: flags & flag::MULTICAST != 0,
        kind: None,
        private: false,
        parent: None,
    };
    let mut parent_elsewhere = false;
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            attribute::ADDRESS => link.hardware_address = attribute.payload.to_vec(),
            attribute::IFNAME => attribute.string("IFLA_IFNAME")?.clone_into(&mut link.name),
            attribute::MTU => link.mtu = attribute.u32("IFLA_MTU")?,
            attribute::LINK => link.parent = Some(attribute.u32("IFLA_LINK")?).filter(|parent| *parent != link.index),
            attribute::LINK_NETNSID => parent_elsewhere = true,
            attribute::LINKINFO => {
                for info in attribute.nested() {
                    let info = info?;
                    match info.kind {
                        INFO_KIND => link.kind = Some(info.string("IFLA_INFO_KIND")?.to_owned()),
                        INFO_DATA if link.kind.as_deref() == Some("macvlan") => {
                            let mode = info.nested().filter_map(Result::ok).find(|data| data.kind == MACVLAN_MODE);
                            link.private = mode.is_some_and(|mode| mode.u32("mode") == Ok(MACVLAN_MODE_PRIVATE));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    // An index of another network namespace says nothing here.
    link.parent = link.parent.filter(|parent| !parent_elsewhere && *parent != 0);
    Ok(Some(link))
}
