//! Addresses, routes and rules that lvsadm puts on a host (as `ip address`, `ip route` and `ip rule` take them): plain values.

use std::net::IpAddr;

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
    /// Where to: address and prefix length; `None` = default.
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
    pub family: crate::model::Family,
    /// What happens.
    pub action: RuleAction,
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
