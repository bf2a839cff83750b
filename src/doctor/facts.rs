//! What is known of a host and its cluster. Plain values: made by [`super::gather`], read by the rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use nix::errno::Errno;

use super::{firewall::Ruleset, listen::Advert, probe::Probes};
use crate::{
    host::{HeldAddress, Link, fou::Port, lookup, prepare, sysctl::Key},
    model::{Family, Forwarding, Info, ServiceKey, SnapshotServer, SnapshotService, SyncDaemon},
    vrrp::status::Status,
};

/// An address beyond every network that a cluster may have (RFC 5737): where packets for clients elsewhere go.
pub const ELSEWHERE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The same in IPv6 (RFC 3849).
pub const ELSEWHERE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// Returns the address that stands for clients elsewhere.
pub fn elsewhere(family: Family) -> IpAddr {
    match family {
        Family::V4 => ELSEWHERE_V4,
        Family::V6 => ELSEWHERE_V6,
    }
}

/// What the host is in its cluster.
#[derive(Clone, Debug)]
pub enum Role {
    /// IPVS runs here.
    Director,
    /// A server of somebody else's IPVS.
    RealServer(prepare::RealServer),
}

/// Whether the kernel has IPVS, and what it holds.
#[derive(Clone, Debug)]
pub enum Ipvs {
    /// Not here: why.
    Absent {
        /// What is wrong.
        why: String,
        /// What to do, where that is more than to load the module.
        hint: Option<String>,
    },
    /// Here.
    Present {
        /// Services with their servers.
        services: Vec<SnapshotService>,
        /// Sync daemons.
        daemons: Vec<SyncDaemon>,
        /// What it says of itself.
        info: Info,
    },
}

/// What the routing tables do with a packet of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is for this host itself.
    Local,
    /// It leaves.
    Out {
        /// Index of the link.
        link: u32,
        /// By whom; `None` = the destination is on the link.
        gateway: Option<IpAddr>,
        /// The source address that the kernel would take.
        source: Option<IpAddr>,
        /// Largest packet by the route, if the route says it.
        mtu: Option<u32>,
    },
    /// It goes nowhere.
    Nowhere,
}

impl Way {
    /// Converts what the kernel says.
    pub fn of(found: Result<lookup::Way, Errno>) -> Self {
        match found {
            Ok(lookup::Way { kind: lookup::WayKind::Local, .. }) => Self::Local,
            Ok(lookup::Way { link: Some(link), gateway, source, mtu, .. }) => Self::Out { link, gateway, source, mtu },
            _ => Self::Nowhere,
        }
    }

    /// Returns the index of the link by which it leaves.
    pub fn link(&self) -> Option<u32> {
        match self {
            Self::Out { link, .. } => Some(*link),
            _ => None,
        }
    }

    /// Returns the gateway.
    pub fn gateway(&self) -> Option<IpAddr> {
        match self {
            Self::Out { gateway, .. } => *gateway,
            _ => None,
        }
    }
}

/// What the connection table shows. Bounded by the number of services and servers.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// Servers that have finished a handshake with somebody: packets go both ways.
    pub alive: BTreeSet<(SocketAddr, SocketAddr)>,
    /// Services and servers with clients whose first packet was passed on, and nothing more was seen; one client of each, and
    /// how many there are.
    pub stuck: BTreeMap<(SocketAddr, SocketAddr), BTreeMap<IpAddr, u32>>,
    /// Persistence templates of each server.
    pub templates: BTreeMap<(SocketAddr, SocketAddr), u32>,
}

/// What the save file of the table says.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// Schedulers that it names and this kernel does not have.
    pub missing_schedulers: Vec<String>,
    /// Lines with servers of another family than their service that are no tunnels: number and text.
    pub mixed: Vec<(usize, String)>,
}

/// Everything that rules look at.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What the host is.
    pub role: Role,
    /// Version of the kernel: 6 and 1 of `6.1.0-25-amd64`; zeros if it says something else.
    pub kernel: (u32, u32),
    /// Links.
    pub links: Vec<Link>,
    /// Addresses.
    pub addresses: Vec<HeldAddress>,
    /// Switches by their paths under `/proc/sys/net`.
    pub switches: BTreeMap<String, String>,
    /// Where packets to virtual addresses, real servers, the gateway and elsewhere go.
    pub ways: BTreeMap<IpAddr, Way>,
    /// Where packets with a firewall mark go, by mark and destination.
    pub marked_ways: BTreeMap<(u32, IpAddr), Way>,
    /// IPVS.
    pub ipvs: Ipvs,
    /// Connections.
    pub connections: Connections,
    /// Rules of nftables; `None` if they could not be read.
    pub firewall: Option<Ruleset>,
    /// Tracked connections, and how many there may be.
    pub conntrack: Option<(u64, u64)>,
    /// The VRRP process here, if one answers.
    pub vrrp: Option<Status>,
    /// Whether a keepalived runs in this network namespace: which of its addresses it should have, only it knows.
    pub keepalived: bool,
    /// Adverts heard while listening; `None` if nobody listened.
    pub adverts: Option<Vec<Advert>>,
    /// What came of probes.
    pub probes: Probes,
    /// The save file of the table.
    pub saved: Option<Saved>,
    /// UDP ports at which tunnels are unpacked.
    pub gue_ports: Vec<Port>,
    /// Virtual addresses that files of this system's network configuration name.
    pub configured: Vec<(IpAddr, PathBuf)>,
    /// The maker of the machine (`VMware, Inc.`).
    pub machine: String,
    /// What could not be read, with the reason.
    pub unread: Vec<String>,
}

impl Facts {
    /// Returns facts of which nothing is known but the role.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            kernel: (0, 0),
            links: Vec::new(),
            addresses: Vec::new(),
            switches: BTreeMap::new(),
            ways: BTreeMap::new(),
            marked_ways: BTreeMap::new(),
            ipvs: Ipvs::Absent { why: String::new(), hint: None },
            connections: Connections::default(),
            firewall: None,
            conntrack: None,
            vrrp: None,
            keepalived: false,
            adverts: None,
            probes: Probes::default(),
            saved: None,
            gue_ports: Vec::new(),
            configured: Vec::new(),
            machine: String::new(),
            unread: Vec::new(),
        }
    }

    /// Returns the services of the kernel's table.
    pub fn services(&self) -> &[SnapshotService] {
        match &self.ipvs {
            Ipvs::Present { services, .. } => services,
            Ipvs::Absent { .. } => &[],
        }
    }

    /// Returns the sync daemons.
    pub fn daemons(&self) -> &[SyncDaemon] {
        match &self.ipvs {
            Ipvs::Present { daemons, .. } => daemons,
            Ipvs::Absent { .. } => &[],
        }
    }

    /// Returns every server with its service.
    pub fn servers(&self) -> impl Iterator<Item = (&SnapshotService, &SnapshotServer)> {
        self.services().iter().flat_map(|service| service.servers.iter().map(move |server| (service, server)))
    }

    /// Returns the services of which a server gets packets by a method, each once, in words.
    pub fn services_by(&self, which: impl Fn(&SnapshotService, &SnapshotServer) -> bool) -> Vec<String> {
        let uses = |service: &&SnapshotService| service.servers.iter().any(|server| which(service, server));
        self.services().iter().filter(uses).map(|service| service.service.key.to_string()).collect()
    }

    /// Returns the virtual addresses of services, each once.
    pub fn vips(&self) -> BTreeSet<IpAddr> {
        let address = |service: &SnapshotService| match service.service.key {
            ServiceKey::Address { address, .. } => Some(address),
            ServiceKey::Mark { .. } => None,
        };
        self.services().iter().filter_map(address).collect()
    }

    /// Returns the virtual address and the port of a service; of a firewall mark, an address that its rules name, and no port.
    pub fn vip_of(&self, key: ServiceKey) -> Option<SocketAddr> {
        match key {
            ServiceKey::Address { address, port, .. } => Some(SocketAddr::new(address, port)),
            ServiceKey::Mark { mark, family } => {
                let addresses = self.firewall.as_ref()?.marks(mark)?;
                let address = addresses.into_iter().find(|address| Family::of(*address) == family)?;
                Some(SocketAddr::new(address, 0))
            }
        }
    }

    /// Returns a switch as a number, by its path under `/proc/sys/net`.
    pub fn switch(&self, path: &str) -> Option<i64> {
        self.switches.get(path)?.trim().parse().ok()
    }

    /// Returns an IPv4 switch of which the larger of `all` and the link's own holds, and which of both that is.
    pub fn larger(&self, link: &str, name: &str) -> Option<(i64, &'static str)> {
        let all = self.switch(&format!("ipv4/conf/all/{name}"))?;
        let own = self.switch(&format!("ipv4/conf/{link}/{name}"))?;
        Some(if all >= own { (all, "all") } else { (own, "") })
    }

    /// Returns the link with this index.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// Returns the link with this name.
    pub fn link_named(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// Returns the link by which packets to an address leave.
    pub fn link_to(&self, address: IpAddr) -> Option<&Link> {
        self.link(self.ways.get(&address)?.link()?)
    }

    /// Returns what of this host's addresses is this one, with their links.
    pub fn held(&self, address: IpAddr) -> impl Iterator<Item = (&HeldAddress, &Link)> {
        let held = self.addresses.iter().filter(move |held| held.address.address == address);
        held.filter_map(|held| Some((held, self.link(held.link)?)))
    }

    /// Whether the host itself has the address.
    pub fn is_local(&self, address: IpAddr) -> bool {
        self.ways.get(&address) == Some(&Way::Local)
    }
}

/// Whether packets go through a tunnel.
pub fn is_tunnel(forwarding: Forwarding) -> bool {
    matches!(forwarding, Forwarding::Tunnel(_))
}

/// Returns the word for a method that ends in the option of `prepare --mode`.
pub fn mode_word(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Masquerade => "nat",
        Forwarding::Tunnel(_) => "tun",
        _ => "dr",
    }
}

/// Returns a switch of IPv4 by link and name. What is no name of a link has none.
pub fn ipv4(link: &str, name: &str) -> Option<Key> {
    Key::ipv4_of(link, name).ok()
}
