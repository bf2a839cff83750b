//! How a packet gets to a real server: route, neighbour, the largest packet that fits.

use std::net::IpAddr;

use crate::{
    cli::Error,
    host::{
        Host, Link,
        lookup::{Neighbour, NeighbourState, WayKind},
    },
    model::{Checksum, Forwarding, RealServer, Tunnel},
};

/// The way to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Way {
    /// There is none: why.
    None(String),
    /// The server is this host.
    Local,
    /// By a link.
    Link {
        /// Its name.
        link: String,
        /// The router, if the server is not on the link.
        gateway: Option<IpAddr>,
        /// The address of this host on it.
        source: Option<IpAddr>,
        /// What the kernel knows of the next host on the way.
        neighbour: Option<Neighbour>,
        /// The largest packet of the link or route, in bytes.
        mtu: u32,
        /// What encapsulation adds to a packet, in bytes.
        overhead: u32,
    },
}

impl Way {
    /// Returns what is likely to be wrong with it.
    pub(in crate::cli) fn doubts(&self, server: &RealServer) -> Vec<String> {
        let Self::Link { link, gateway, neighbour, .. } = self else { return Vec::new() };
        let mut doubts = Vec::new();
        if let (Some(gateway), Forwarding::Route) = (gateway, server.forwarding) {
            doubts.push(format!(
                "direct routing needs the server on the same link, and {gateway} is a router: it would send the packet back \
                 to the virtual address"
            ));
        }
        let state = neighbour.as_ref().map(|neighbour| neighbour.state);
        if let Some(NeighbourState::Failed | NeighbourState::Incomplete) = state {
            let next = gateway.unwrap_or(server.key.address);
            doubts.push(format!("{next} does not answer on {link}: nobody has this address, or the link is broken"));
        }
        doubts
    }
}

/// Finds the way to a server for packets with a firewall mark.
pub(super) fn find(host: &mut Host, links: &[Link], server: &RealServer, mark: u32) -> Result<Way, Error> {
    let fail = |error: crate::host::Error| {
        let failed = Error::failed(&error);
        match error.hint() {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    };
    let way = match host.way_to(server.key.address, mark).map_err(fail)? {
        Ok(way) => way,
        Err(errno) => return Ok(Way::None(errno.desc().to_owned())),
    };
    match way.kind {
        WayKind::Local => return Ok(Way::Local),
        WayKind::Unicast => {}
        WayKind::Other(kind) => return Ok(Way::None(format!("a route of kind {kind}, which is for no single host"))),
    }
    let found = way.link.and_then(|index| links.iter().find(|link| link.index == index));
    let Some(link) = found else { return Ok(Way::None("a route without a link".into())) };
    let next = way.gateway.unwrap_or(server.key.address);
    let neighbour = if link.noarp { None } else { host.neighbour(next, link.index).map_err(fail)? };
    Ok(Way::Link {
        link: link.name.clone(),
        gateway: way.gateway,
        source: way.source,
        neighbour,
        mtu: way.mtu.filter(|mtu| *mtu > 0).map_or(link.mtu, |mtu| mtu.min(link.mtu)),
        overhead: overhead(server),
    })
}

/// Returns what encapsulation adds to a packet, in bytes.
fn overhead(server: &RealServer) -> u32 {
    let Forwarding::Tunnel(tunnel) = server.forwarding else { return 0 };
    let outer = if server.key.address.is_ipv4() { 20 } else { 40 };
    outer
        + match tunnel {
            Tunnel::Ipip => 0,
            // UDP, GUE, and what a remote checksum needs.
            Tunnel::Gue { checksum, .. } => 8 + 4 + if checksum == Checksum::Remote { 8 } else { 0 },
            Tunnel::Gre { checksum } => 4 + if checksum == Checksum::None { 0 } else { 4 },
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ServerKey, Thresholds, Weight};

    #[test]
    fn tunnels_take_room() {
        let server = |address: &str, forwarding| RealServer {
            key: ServerKey { address: address.parse().unwrap(), port: 80 },
            forwarding,
            weight: Weight::default(),
            thresholds: Thresholds::default(),
        };
        let tunnel = |tunnel| overhead(&server("10.0.0.11", Forwarding::Tunnel(tunnel)));
        assert_eq!(overhead(&server("10.0.0.11", Forwarding::Route)), 0);
        assert_eq!(tunnel(Tunnel::Ipip), 20);
        assert_eq!(tunnel(Tunnel::Gue { port: 6080, checksum: Checksum::Full }), 32);
        assert_eq!(tunnel(Tunnel::Gue { port: 6080, checksum: Checksum::Remote }), 40);
        assert_eq!(tunnel(Tunnel::Gre { checksum: Checksum::Full }), 28);
        assert_eq!(overhead(&server("fd00::11", Forwarding::Tunnel(Tunnel::Ipip))), 40);
    }
}
