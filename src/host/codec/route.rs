//! Routes: `RTM_*ROUTE`, `struct rtmsg` (`linux/rtnetlink.h`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use neli::consts::nl::NlmF;

use super::{Action, Unsayable, create_new, family_number, family_of, read_ip, split, write_ip};
use crate::{
    host::wanted::{NextHop, PROTOCOL, Route, RouteTarget, Scope},
    model::Family,
    sys::netlink::{Attribute, Attributes, Batch, Malformed, Writer},
};

pub(in crate::host) const NEW: u16 = 24;
pub(in crate::host) const DELETE: u16 = 25;
const GET: u16 = 26;

mod attribute {
    pub(super) const DST: u16 = 1;
    pub(super) const OIF: u16 = 4;
    pub(super) const GATEWAY: u16 = 5;
    pub(super) const PRIORITY: u16 = 6;
    pub(super) const PREFSRC: u16 = 7;
    pub(super) const METRICS: u16 = 8;
    pub(super) const MULTIPATH: u16 = 9;
    pub(super) const TABLE: u16 = 15;
    pub(super) const VIA: u16 = 18;
}

/// In `METRICS`.
const METRIC_MTU: u16 = 2;
const METRIC_ADVMSS: u16 = 8;

/// What a route does.
mod kind {
    pub(super) const UNICAST: u8 = 1;
    pub(super) const BLACKHOLE: u8 = 6;
    pub(super) const UNREACHABLE: u8 = 7;
    pub(super) const PROHIBIT: u8 = 8;
}

/// Flag of a next hop.
const ONLINK: u8 = 4;

/// Flag of a route that is copied from another one (`RTM_F_CLONED`): a cache entry.
const CLONED: u32 = 0x200;

/// Bytes of `struct rtnexthop`.
const NEXT_HOP: usize = 8;

/// The fields of `struct rtmsg` that are not always zero.
#[derive(Default)]
struct Header {
    family: u8,
    prefix: u8,
    table: u8,
    protocol: u8,
    scope: u8,
    kind: u8,
    flags: u32,
}

impl Header {
    fn bytes(&self) -> [u8; 12] {
        let [a, b, c, d] = self.flags.to_ne_bytes();
        [self.family, self.prefix, 0, 0, self.table, self.protocol, self.scope, self.kind, a, b, c, d]
    }
}

/// Asks for all routes of ours of a family. Old kernels answer with everybody's.
pub(in crate::host) fn list(batch: &mut Batch, family: Family) {
    let header = Header { family: family_number(family), protocol: PROTOCOL, ..Header::default() };
    batch.push(GET, &header.bytes(), |_| {});
}

/// Adds or removes a route. `link` knows the index of a link.
pub(in crate::host) fn change(
    batch: &mut Batch,
    action: Action,
    route: &Route,
    link: impl Fn(&str) -> Option<u32>,
) -> Result<(), Unsayable> {
    let (kind, hops) = match &route.target {
        RouteTarget::Via(hops) => (kind::UNICAST, hops.as_slice()),
        RouteTarget::Blackhole => (kind::BLACKHOLE, [].as_slice()),
        RouteTarget::Unreachable => (kind::UNREACHABLE, [].as_slice()),
        RouteTarget::Prohibit => (kind::PROHIBIT, [].as_slice()),
    };
    if kind == kind::UNICAST && hops.is_empty() {
        return Err(Unsayable::Senseless("a route needs a gateway or a link"));
    }
    let family = route.family();
    let hops: Vec<_> = hops.iter().map(|hop| Ok((hop, index(hop, &link)?))).collect::<Result<_, _>>()?;
    let onlink = matches!(hops[..], [(hop, _)] if hop.onlink);
    let header = Header {
        family: family_number(family),
        prefix: route.to.map_or(0, |(_, prefix)| prefix),
        // Larger ones are in the attribute only.
        table: u8::try_from(route.table).unwrap_or_default(),
        protocol: PROTOCOL,
        scope: scope(route, action).number(),
        kind,
        flags: if onlink { ONLINK.into() } else { 0 },
    };
    // IPv4: an administrator's route to the same place stays, behind ours. IPv6 would share the load among both.
    let flags = match action {
        Action::Remove => 0,
        Action::Add if family == Family::V4 => NlmF::CREATE.bits(),
        Action::Add => create_new(),
    };
    let message = if action == Action::Add { NEW } else { DELETE };
    batch.push_with(message, flags, &header.bytes(), |w| {
        if let Some((address, 1..)) = route.to {
            write_ip(w, attribute::DST, address);
        }
        if header.table == 0 {
            w.u32(attribute::TABLE, route.table);
        }
        match &hops[..] {
            [] => {}
            [(hop, index)] => {
                write_gateway(w, family, hop);
                if let Some(index) = index {
                    w.u32(attribute::OIF, *index);
                }
            }
            several => w.nest(attribute::MULTIPATH, |w| {
                several.iter().for_each(|(hop, index)| write_hop(w, family, hop, index.unwrap_or_default()));
            }),
        }
        if let Some(source) = route.source {
            write_ip(w, attribute::PREFSRC, source);
        }
        if let Some(metric) = route.metric {
            w.u32(attribute::PRIORITY, metric);
        }
        let metrics = [(METRIC_MTU, route.mtu), (METRIC_ADVMSS, route.advmss)];
        if metrics.iter().any(|(_, value)| value.is_some()) {
            w.nest(attribute::METRICS, |w| {
                metrics.iter().for_each(|(kind, value)| value.iter().for_each(|value| w.u32(*kind, *value)));
            });
        }
    });
    Ok(())
}

fn index(hop: &NextHop, link: impl Fn(&str) -> Option<u32>) -> Result<Option<u32>, Unsayable> {
    let Some(name) = &hop.device else {
        return Ok(None);
    };
    link(name).map(Some).ok_or_else(|| Unsayable::NoLink(name.clone()))
}

/// See [`Route::scope`]. What is removed is found whatever its scope, unless one is named.
fn scope(route: &Route, action: Action) -> Scope {
    let on_link = match &route.target {
        RouteTarget::Via(hops) => hops.iter().all(|hop| hop.gateway.is_none()),
        _ => false,
    };
    route.scope.unwrap_or_else(|| match action {
        Action::Remove if route.family() == Family::V4 => Scope::Nowhere,
        // IPv6 has no scopes of routes.
        Action::Add if on_link && route.family() == Family::V4 => Scope::Link,
        _ => Scope::Global,
    })
}

fn write_gateway(w: &mut Writer<'_>, family: Family, hop: &NextHop) {
    let Some(gateway) = hop.gateway else {
        return;
    };
    if family_of(gateway) == family_number(family) {
        return write_ip(w, attribute::GATEWAY, gateway);
    }
    // `struct rtvia`: a gateway of the other family, which stands before its address.
    let mut via = u16::from(family_of(gateway)).to_ne_bytes().to_vec();
    match gateway {
        IpAddr::V4(gateway) => via.extend(gateway.octets()),
        IpAddr::V6(gateway) => via.extend(gateway.octets()),
    }
    w.bytes(attribute::VIA, &via);
}

/// Writes a `struct rtnexthop`, whose length covers the attributes behind it.
fn write_hop(w: &mut Writer<'_>, family: Family, hop: &NextHop, index: u32) {
    let start = w.position();
    // One less than the weight, which is 256 at most.
    let weight = u8::try_from(hop.weight.clamp(1, 256) - 1).unwrap_or(u8::MAX);
    let [a, b, c, d] = index.to_ne_bytes();
    w.raw(&[0, 0, if hop.onlink { ONLINK } else { 0 }, weight, a, b, c, d]);
    write_gateway(w, family, hop);
    let len = w.position() - start;
    w.patch_u16(start, u16::try_from(len).unwrap_or(u16::MAX));
}

/// Reads a route; `None` if it is not ours. `name` knows the name of a link.
pub(in crate::host) fn decode(
    message: &[u8],
    name: impl Fn(u32) -> Option<String>,
) -> Result<Option<Route>, Malformed> {
    let ([family, prefix, _, _, table, protocol, scope, kind, f0, f1, f2, f3], attributes) =
        split::<12>(message, "rtmsg")?;
    let flags = u32::from_ne_bytes([f0, f1, f2, f3]);
    if protocol != PROTOCOL || flags & CLONED != 0 {
        return Ok(None);
    }
    let Some(family) = [Family::V4, Family::V6].into_iter().find(|known| family_number(*known) == family) else {
        return Ok(None);
    };
    let any = match family {
        Family::V4 => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut route = Route {
        // The kernel leaves the address out if all of it is zero.
        to: (prefix != 0 || family == Family::V6).then_some((any, prefix)),
        target: RouteTarget::Blackhole,
        table: table.into(),
        source: None,
        metric: None,
        scope: (family == Family::V4).then(|| Scope::from_number(scope)),
        mtu: None,
        advmss: None,
    };
    let mut single = NextHop { gateway: None, device: None, weight: 1, onlink: flags & u32::from(ONLINK) != 0 };
    let mut several = Vec::new();
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            attribute::DST => route.to = Some((read_ip(&attribute, "RTA_DST")?, prefix)),
            attribute::OIF => single.device = name(attribute.u32("RTA_OIF")?),
            attribute::GATEWAY | attribute::VIA => single.gateway = Some(read_gateway(&attribute)?),
            attribute::PRIORITY => route.metric = Some(attribute.u32("RTA_PRIORITY")?),
            attribute::PREFSRC => route.source = Some(read_ip(&attribute, "RTA_PREFSRC")?),
            attribute::METRICS => {
                for metric in attribute.nested() {
                    let metric = metric?;
                    match metric.kind {
                        METRIC_MTU => route.mtu = Some(metric.u32("RTAX_MTU")?),
                        METRIC_ADVMSS => route.advmss = Some(metric.u32("RTAX_ADVMSS")?),
                        _ => {}
                    }
                }
            }
            attribute::MULTIPATH => several = read_hops(attribute.payload, &name)?,
            attribute::TABLE => route.table = attribute.u32("RTA_TABLE")?,
            _ => {}
        }
    }
    route.target = match kind {
        kind::UNICAST if several.is_empty() => RouteTarget::Via(vec![single]),
        kind::UNICAST => RouteTarget::Via(several),
        kind::BLACKHOLE => RouteTarget::Blackhole,
        kind::UNREACHABLE => RouteTarget::Unreachable,
        kind::PROHIBIT => RouteTarget::Prohibit,
        // Ours are of no other kind: this number is somebody else's, too.
        _ => return Ok(None),
    };
    Ok(Some(route))
}

/// Reads `RTA_GATEWAY`, or `RTA_VIA`, which has the family in front.
fn read_gateway(attribute: &Attribute<'_>) -> Result<IpAddr, Malformed> {
    if attribute.kind == attribute::GATEWAY {
        return read_ip(attribute, "RTA_GATEWAY");
    }
    let payload = attribute.payload.get(2..).unwrap_or_default();
    read_ip(&Attribute { kind: attribute.kind, payload }, "RTA_VIA")
}

fn read_hops(mut rest: &[u8], name: impl Fn(u32) -> Option<String>) -> Result<Vec<NextHop>, Malformed> {
    let mut hops = Vec::new();
    while !rest.is_empty() {
        let malformed = || Malformed::new("rtnexthop", "its length does not fit what holds it");
        let [l0, l1, flags, weight, i0, i1, i2, i3] = *rest.first_chunk::<NEXT_HOP>().ok_or_else(malformed)?;
        let len = usize::from(u16::from_ne_bytes([l0, l1]));
        let attributes = rest.get(NEXT_HOP..len).ok_or_else(malformed)?;
        let mut hop = NextHop {
            gateway: None,
            device: name(u32::from_ne_bytes([i0, i1, i2, i3])),
            weight: u16::from(weight) + 1,
            onlink: flags & ONLINK != 0,
        };
        for attribute in Attributes::new(attributes) {
            let attribute = attribute?;
            if matches!(attribute.kind, attribute::GATEWAY | attribute::VIA) {
                hop.gateway = Some(read_gateway(&attribute)?);
            }
        }
        hops.push(hop);
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(hops)
}
