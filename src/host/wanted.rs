//! Addresses, routes and rules that lvsadm puts on a host (as `ip address`, `ip route` and `ip rule` take them): plain values.

use std::net::IpAddr;

use crate::model::Family;

/// The routing protocol number that marks addresses, routes and rules as ours; keepalived's, so that `ip` shows its name.
pub const PROTOCOL: u8 = 18;

/// An address on a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// Prefix length in bits; 32 or 128 unless somebody said otherwise.
    pub prefix: u8,
    /// Name of the link, where it is not the one that its owner works on.
    pub device: Option<String>,
    /// Label as old tools show it (`eth0:1`), at most 15 bytes; IPv4 only.
    pub label: Option<String>,
    /// Broadcast address; IPv4 only.
    pub broadcast: Option<IpAddr>,
    /// Address of the other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// How far the address is valid.
    pub scope: Scope,
    /// For how long new connections should use it as a source; `None` = ours to choose: for ever, but for IPv6 addresses
    /// of 128 bits never (deprecated), so that the host does not speak from a virtual address by itself.
    pub preferred: Option<Lifetime>,
    /// Whether the kernel first asks the link for duplicates (IPv6). Off by default: a virtual address must work at once.
    pub duplicate_detection: bool,
    /// Whether the kernel adds no route for the prefix.
    pub no_prefix_route: bool,
}

impl Address {
    /// Returns an address as it is if nobody says anything else: on its owner's link, alone in its prefix, valid everywhere.
    pub fn new(address: IpAddr) -> Self {
        Self {
            address,
            prefix: if address.is_ipv4() { 32 } else { 128 },
            device: None,
            label: None,
            broadcast: None,
            peer: None,
            scope: Scope::Global,
            preferred: None,
            duplicate_detection: false,
            no_prefix_route: false,
        }
    }
}

/// How far an address or route is valid (`rtnetlink` scopes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everywhere.
    #[default]
    Global,
    /// In the site (200).
    Site,
    /// On the link.
    Link,
    /// On this host.
    Host,
    /// Nowhere (255).
    Nowhere,
    /// A number of the administrator's own.
    Other(u8),
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lifetime {
    /// So many seconds.
    Seconds(u32),
    /// No end.
    Forever,
}

/// A route, as `ip route` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Where to: address and prefix length; `None` = default. `::/0` is the default route of IPv6 where nothing else says it.
    pub to: Option<(IpAddr, u8)>,
    /// What happens to the packets.
    pub target: RouteTarget,
    /// The routing table; 254 = main.
    pub table: u32,
    /// Preferred source address.
    pub source: Option<IpAddr>,
    /// Metric; `None` = the kernel's.
    pub metric: Option<u32>,
    /// Scope; `None` = from the target: link without a gateway, global with one.
    pub scope: Option<Scope>,
    /// Largest packet.
    pub mtu: Option<u32>,
    /// Largest TCP segment announced.
    pub advmss: Option<u32>,
}

impl Route {
    /// Returns the family of the packets: that of the destination, or else of the first gateway, or of the source; IPv4
    /// where nothing says it.
    pub fn family(&self) -> Family {
        let gateway = match &self.target {
            RouteTarget::Via(hops) => hops.iter().find_map(|hop| hop.gateway),
            _ => None,
        };
        let address = self.to.map(|(address, _)| address).or(gateway).or(self.source);
        address.map_or(Family::V4, Family::of)
    }

    /// Returns the names of the links that it leads over.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        let hops = match &self.target {
            RouteTarget::Via(hops) => hops.as_slice(),
            _ => &[],
        };
        hops.iter().filter_map(|hop| hop.device.as_deref())
    }

    /// Whether `held`, as the kernel shows it, is what became of this route. What this one leaves to the kernel, the kernel
    /// has chosen; what does not tell routes apart is not compared.
    pub fn is_held_as(&self, held: &Self) -> bool {
        // Without a metric, IPv4 has 0, which the kernel does not mention, and IPv6 has 1024.
        let metric = match self.family() {
            Family::V4 => self.metric.unwrap_or(0),
            Family::V6 => self.metric.filter(|metric| *metric != 0).unwrap_or(1024),
        };
        let network = |to: Option<(IpAddr, u8)>| to.filter(|(_, prefix)| *prefix != 0);
        let hop = |(ours, theirs): (&NextHop, &NextHop)| {
            let same = |(ours, theirs)| ours == theirs;
            ours.gateway == theirs.gateway && ours.device.as_ref().zip(theirs.device.as_ref()).is_none_or(same)
        };
        self.family() == held.family()
            && network(self.to) == network(held.to)
            && self.table == held.table
            && metric == held.metric.unwrap_or(0)
            && match (&self.target, &held.target) {
                (RouteTarget::Via(ours), RouteTarget::Via(theirs)) => {
                    ours.len() == theirs.len() && ours.iter().zip(theirs).all(hop)
                }
                (ours, theirs) => ours == theirs,
            }
    }
}

/// What a route does with packets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RouteTarget {
    /// Sends them by one or several ways; more than one shares the load by weight.
    Via(Vec<NextHop>),
    /// Drops them without a word.
    Blackhole,
    /// Answers that the destination cannot be reached.
    Unreachable,
    /// Answers that it is forbidden.
    Prohibit,
}

/// One way out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// The gateway; `None` = the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// Name of the link; `None` = where the gateway is.
    pub device: Option<String>,
    /// Share of the load, 1 to 256.
    pub weight: u16,
    /// Whether the gateway is on the link even if no prefix says so.
    pub onlink: bool,
}

/// A policy rule, as `ip rule` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Preference: lower goes first.
    pub preference: u32,
    /// Whether the rule takes what does not match.
    pub not: bool,
    /// Source prefix.
    pub from: Option<(IpAddr, u8)>,
    /// Destination prefix.
    pub to: Option<(IpAddr, u8)>,
    /// Firewall mark and mask.
    pub mark: Option<(u32, u32)>,
    /// Name of the link that packets come in by.
    pub iif: Option<String>,
    /// Name of the link that sockets are bound to.
    pub oif: Option<String>,
    /// IPv4 or IPv6 where no prefix says it.
    pub family: Family,
    /// What happens.
    pub action: RuleAction,
}

impl Rule {
    /// Returns the family of the packets: that of the prefixes, where there is one.
    pub fn family(&self) -> Family {
        self.from.or(self.to).map_or(self.family, |(address, _)| Family::of(address))
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleAction {
    /// Looks the packet up in a routing table.
    Lookup(u32),
    /// Drops without a word.
    Blackhole,
    /// Answers that the destination cannot be reached.
    Unreachable,
    /// Answers that it is forbidden.
    Prohibit,
}
