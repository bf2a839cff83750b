//! Questions about one destination: the route that a packet would take (`RTM_GETROUTE`), and the neighbour that it would be given
//! to (`RTM_GETNEIGH`, `linux/neighbour.h`).

use std::net::IpAddr;

use super::{family_of, read_ip, split, write_ip};
use crate::{
    host::lookup::{Neighbour, NeighbourState, Way, WayKind},
    sys::netlink::{Attribute, Batch, Malformed},
};

const GET_ROUTE: u16 = 26;
const GET_NEIGHBOUR: u16 = 30;

mod attribute {
    pub(super) const DST: u16 = 1;
    pub(super) const OIF: u16 = 4;
    pub(super) const GATEWAY: u16 = 5;
    pub(super) const PREFSRC: u16 = 7;
    pub(super) const METRICS: u16 = 8;
    pub(super) const MARK: u16 = 16;
    pub(super) const VIA: u16 = 18;
    pub(super) const NEIGHBOUR_DST: u16 = 1;
    pub(super) const NEIGHBOUR_ADDRESS: u16 = 2;
}

/// In `METRICS`.
const METRIC_MTU: u16 = 2;

/// Asks for the way of a packet of this host with this mark, 0 for none.
pub(in crate::host) fn get_way(batch: &mut Batch, to: IpAddr, mark: u32) {
    let prefix = if to.is_ipv4() { 32 } else { 128 };
    let header = [family_of(to), prefix, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    batch.push(GET_ROUTE, &header, |w| {
        write_ip(w, attribute::DST, to);
        if mark != 0 {
            w.u32(attribute::MARK, mark);
        }
    });
}

/// Reads a way.
pub(in crate::host) fn way(message: &[u8]) -> Result<Way, Malformed> {
    let (header, attributes) = split::<12>(message, "rtmsg")?;
    let kind = match header[7] {
        1 => WayKind::Unicast,
        2 => WayKind::Local,
        other => WayKind::Other(other),
    };
    let mut way = Way { kind, link: None, gateway: None, source: None, mtu: None };
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            attribute::OIF => way.link = Some(attribute.u32("RTA_OIF")?),
            attribute::GATEWAY => way.gateway = Some(read_ip(&attribute, "RTA_GATEWAY")?),
            attribute::VIA => {
                // The family stands before the address.
                let payload = attribute.payload.get(2..).unwrap_or_default();
                way.gateway = Some(read_ip(&Attribute { kind: attribute.kind, payload }, "RTA_VIA")?);
            }
            attribute::PREFSRC => way.source = Some(read_ip(&attribute, "RTA_PREFSRC")?),
            attribute::METRICS => {
                for metric in attribute.nested() {
                    let metric = metric?;
                    if metric.kind == METRIC_MTU {
                        way.mtu = Some(metric.u32("RTAX_MTU")?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(way)
}

/// Asks for the neighbour with this address on a link.
pub(in crate::host) fn get_neighbour(batch: &mut Batch, address: IpAddr, link: u32) {
    let [a, b, c, d] = link.to_ne_bytes();
    let header = [family_of(address), 0, 0, 0, a, b, c, d, 0, 0, 0, 0];
    batch.push(GET_NEIGHBOUR, &header, |w| write_ip(w, attribute::NEIGHBOUR_DST, address));
}

/// Reads a neighbour.
pub(in crate::host) fn neighbour(message: &[u8]) -> Result<Neighbour, Malformed> {
    let (header, attributes) = split::<12>(message, "ndmsg")?;
    let state = match u16::from_ne_bytes([header[8], header[9]]) {
        0x01 => NeighbourState::Incomplete,
        0x02 => NeighbourState::Reachable,
        0x04 => NeighbourState::Stale,
        0x08 => NeighbourState::Delay,
        0x10 => NeighbourState::Probe,
        0x20 => NeighbourState::Failed,
        0x40 => NeighbourState::NoArp,
        0x80 => NeighbourState::Permanent,
        _ => NeighbourState::None,
    };
    let mut found = Neighbour { state, address: None };
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.kind == attribute::NEIGHBOUR_ADDRESS {
            found.address = Some(attribute.payload.to_vec());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn garbage_never_panics(message in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (way(&message), neighbour(&message));
        }
    }
}
