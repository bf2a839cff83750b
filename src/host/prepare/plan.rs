//! What each role and mode needs, and no more: pure.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use super::Step;
use crate::{
    host::{
        Error, Host,
        fou::Port,
        lookup::{Way, WayKind},
        sysctl,
        sysctl::Key,
    },
    model::Family,
};

/// How the director hands packets to real servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Direct routing: the servers have the virtual address, too, and keep quiet about it.
    Dr,
    /// Masquerading: answers come back through the director.
    Nat,
    /// Tunnelling: the servers unpack what the director wrapped.
    Tun,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dr => "dr",
            Self::Nat => "nat",
            Self::Tun => "tun",
        })
    }
}

/// How packets are wrapped in mode tun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// IP in IP.
    Ipip,
    /// In UDP packets to this port.
    Gue(u16),
    /// GRE.
    Gre,
}

/// What a director should be.
#[derive(Clone, Debug)]
pub struct Director {
    /// Its mode.
    pub mode: Mode,
    /// Families of its services.
    pub families: Vec<Family>,
    /// Virtual addresses that it gets; none where VRRP puts them there.
    pub vips: Vec<IpAddr>,
    /// Name of the link for them; `None` = that of the route to each.
    pub link: Option<String>,
}

/// What a real server should be.
#[derive(Clone, Debug)]
pub struct RealServer {
    /// The mode of its services.
    pub mode: Mode,
    /// The virtual addresses.
    pub vips: Vec<IpAddr>,
    /// The director, by which answers go in mode nat.
    pub gateway: Option<IpAddr>,
    /// The clients whose answers go by the director; none = all of them.
    pub clients: Vec<(IpAddr, u8)>,
    /// The encapsulation in mode tun.
    pub tunnel: Tunnel,
    /// The family of the outer packets in mode tun; `None` = that of the virtual address.
    pub over: Option<Family>,
    /// The TCP port of the services, where somebody asks about it; the plan does not depend on it.
    pub port: Option<u16>,
}

/// What a plan needs to know of the host.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Names of the Ethernet-like links that are up, without loopbacks and tunnels.
    pub links: Vec<String>,
    /// For each address that was asked for, the link over which it is reached; missing if it is local or unreachable.
    pub link_to: BTreeMap<IpAddr, String>,
    /// Those of them that are this host's own.
    pub local: Vec<IpAddr>,
    /// Names of links whose default routes come from router advertisements (`accept_ra` is 1).
    pub advertised: Vec<String>,
}

/// What is wrong with what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub text: String,
    /// What to do.
    pub hint: &'static str,
}

/// Looks at the host, for plans about these addresses.
///
/// # Errors
/// The kernel cannot be talked to.
pub fn seen(host: &mut Host, addresses: impl Iterator<Item = IpAddr>) -> Result<Seen, Error> {
    let links = host.links()?;
    let name = |index: u32| links.iter().find(|link| link.index == index).map(|link| link.name.clone());
    let mut seen = Seen::default();
    for address in addresses {
        match host.way_to(address, 0)? {
            Ok(Way { kind: WayKind::Local, .. }) => seen.local.push(address),
            Ok(way) => seen.link_to.extend(way.link.and_then(name).map(|link| (address, link))),
            // There is none.
            Err(_) => {}
        }
    }
    for link in links.iter().filter(|link| link.up && !link.loopback && !link.noarp) {
        seen.links.push(link.name.clone());
        let accepts = Key::ipv6_of(&link.name, "accept_ra").is_ok_and(|key| sysctl::read(&key).is_ok_and(|v| v == "1"));
        if accepts {
            seen.advertised.push(link.name.clone());
        }
    }
    Ok(seen)
}

/// Plans a director.
///
/// # Errors
/// What is wanted makes no sense on this host: all that is wrong.
pub fn director(wanted: &Director, seen: &Seen) -> Result<Vec<Step>, Vec<Fault>> {
    let mut steps = vec![Step::Module("ip_vs".to_owned())];
    let mut faults = Vec::new();
    // Wrapping and direct routing happen on what came in for this host: nothing is forwarded there.
    if wanted.mode == Mode::Nat {
        for family in &wanted.families {
            match family {
                Family::V4 => nat_ipv4(seen, &mut steps),
                Family::V6 => nat_ipv6(seen, &mut steps),
            }
        }
    }
    for vip in &wanted.vips {
        if let Some(link) = wanted.link.as_ref().or_else(|| seen.link_to.get(vip)) {
            steps.push(address(link, *vip));
        } else if !seen.local.contains(vip) {
            faults.push(Fault {
                text: format!("no route leads to {vip}, so there is no telling which link it belongs on"),
                hint: "name the link: --dev eth0",
            });
        }
    }
    if let (Some(link), true) = (&wanted.link, wanted.vips.is_empty()) {
        faults.push(Fault {
            text: format!("--dev {link} says where virtual addresses go, and none is given"),
            hint: "name them: --vip 10.0.0.100",
        });
    }
    if faults.is_empty() { Ok(steps) } else { Err(faults) }
}

/// Answers of servers pass through the director; a redirect would tell them a shorter way, past the director.
fn nat_ipv4(seen: &Seen, steps: &mut Vec<Step>) {
    push_switch(steps, Key::new("ipv4/ip_forward"), "1");
    for link in ["all"].into_iter().chain(seen.links.iter().map(String::as_str)) {
        push_switch(steps, Key::ipv4_of(link, "send_redirects"), "0");
    }
}

fn nat_ipv6(seen: &Seen, steps: &mut Vec<Step>) {
    // A host that forwards takes no default route from router advertisements, unless it is told to with a 2.
    for link in &seen.advertised {
        push_switch(steps, Key::ipv6_of(link, "accept_ra"), "2");
    }
    push_switch(steps, Key::new("ipv6/conf/all/forwarding"), "1");
}

/// Plans a real server.
///
/// # Errors
/// What is wanted makes no sense: all that is wrong.
pub fn real_server(wanted: &RealServer, seen: &Seen) -> Result<Vec<Step>, Vec<Fault>> {
    let mut steps = Vec::new();
    let mut faults = Vec::new();
    match wanted.mode {
        Mode::Nat => behind_nat(wanted, seen, &mut steps, &mut faults),
        Mode::Dr | Mode::Tun => {
            if wanted.mode == Mode::Tun {
                tunnels(wanted, &mut steps);
            }
            if wanted.vips.iter().any(IpAddr::is_ipv4) {
                quiet(&mut steps);
            }
            steps.extend(wanted.vips.iter().map(|vip| address(home(wanted, *vip), *vip)));
            if wanted.gateway.is_some() || !wanted.clients.is_empty() {
                faults.push(Fault {
                    text: format!("--gateway and --client belong to --mode nat, not to {}", wanted.mode),
                    hint: "in modes dr and tun servers answer their clients directly",
                });
            }
        }
    }
    if faults.is_empty() { Ok(steps) } else { Err(faults) }
}

/// Neither answers nor asks in the name of an address that is on another link (`arp_ignore`, `arp_announce`).
fn quiet(steps: &mut Vec<Step>) {
    push_switch(steps, Key::ipv4_of("all", "arp_ignore"), "1");
    push_switch(steps, Key::ipv4_of("all", "arp_announce"), "2");
}

fn behind_nat(wanted: &RealServer, seen: &Seen, steps: &mut Vec<Step>, faults: &mut Vec<Fault>) {
    let Some(gateway) = wanted.gateway else {
        faults.push(Fault {
            text: "--mode nat needs the director, through which answers must go".to_owned(),
            hint: "name its address on this server's network: --gateway 10.0.0.1",
        });
        return;
    };
    let family = Family::of(gateway);
    // Directors redirect to a shorter way in IPv6, and no switch of theirs stops them.
    if let (Family::V6, Some(link)) = (family, seen.link_to.get(&gateway)) {
        push_switch(steps, Key::ipv6_of("all", "accept_redirects"), "0");
        push_switch(steps, Key::ipv6_of(link, "accept_redirects"), "0");
    }
    if let Some((client, _)) = wanted.clients.iter().find(|(client, _)| Family::of(*client) != family) {
        faults.push(Fault {
            text: format!("--client {client} and --gateway {gateway} are of different families"),
            hint: "prepare one family after the other",
        });
    }
    let to = |to| Step::Route { to, gateway };
    steps.extend(wanted.clients.iter().map(|client| to(Some(*client))));
    if wanted.clients.is_empty() {
        steps.push(to(None));
    }
}

/// Returns the link that a virtual address belongs on. What comes out of an IPv4 tunnel is only taken, with a loose reverse path
/// filter, if the tunnel has an address itself; all others are best on the loopback, which is never down.
pub fn home(wanted: &RealServer, vip: IpAddr) -> &'static str {
    match (wanted.mode, Family::of(vip)) {
        (Mode::Tun, Family::V4) => tunnel_link(wanted.tunnel, Family::V4, wanted.over.unwrap_or(Family::V4)).0,
        _ => "lo",
    }
}

/// Returns the link that unpacks packets of family `inner` out of packets of family `outer`, and its module.
pub fn tunnel_link(tunnel: Tunnel, inner: Family, outer: Family) -> (&'static str, &'static str) {
    match (tunnel, inner, outer) {
        (Tunnel::Gre, _, Family::V4) => ("gre0", "ip_gre"),
        (Tunnel::Gre, _, Family::V6) => ("ip6gre0", "ip6_gre"),
        (_, Family::V4, Family::V4) => ("tunl0", "ipip"),
        (_, Family::V6, Family::V4) => ("sit0", "sit"),
        (_, _, Family::V6) => ("ip6tnl0", "ip6_tunnel"),
    }
}

fn tunnels(wanted: &RealServer, steps: &mut Vec<Step>) {
    let mut ups = Vec::new();
    for vip in &wanted.vips {
        let inner = Family::of(*vip);
        let outer = wanted.over.unwrap_or(inner);
        let (link, module) = tunnel_link(wanted.tunnel, inner, outer);
        push_new(steps, Step::Module(module.to_owned()));
        if let Tunnel::Gue(port) = wanted.tunnel {
            push_new(steps, Step::Module(if outer == Family::V6 { "fou6" } else { "fou" }.to_owned()));
            push_new(&mut ups, Step::GuePort(Port::gue(port, outer)));
        }
        if inner == Family::V4 {
            // Clients are not behind the tunnel, which a strict filter would want. The larger of this and `all` holds, so a 2
            // (any route will do) is right whatever the other one is.
            push_new(&mut ups, Step::switch_of(Key::ipv4_of(link, "rp_filter"), "2"));
        }
        push_new(&mut ups, Some(Step::LinkUp(link.to_owned())));
    }
    steps.extend(ups);
}

impl Step {
    fn switch_of<E>(key: Result<Key, E>, value: &str) -> Option<Self> {
        key.ok().map(|key| Self::switch(key, value))
    }
}

fn push_new(steps: &mut Vec<Step>, step: impl Into<Option<Step>>) {
    steps.extend(step.into().filter(|step| !steps.contains(step)));
}

/// Keys that this file makes are all good: links' names come from the kernel.
fn push_switch<E>(steps: &mut Vec<Step>, key: Result<Key, E>, value: &str) {
    push_new(steps, Step::switch_of(key, value));
}

/// A virtual address is alone in its prefix: whatever else is in its network is still reached as before.
fn address(link: &str, address: IpAddr) -> Step {
    Step::Address { link: link.to_owned(), address, prefix: if address.is_ipv4() { 32 } else { 128 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(steps: Result<Vec<Step>, Vec<Fault>>) -> Vec<String> {
        steps.expect("a plan").iter().map(ToString::to_string).collect()
    }

    fn host() -> Seen {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        Seen {
            links: vec!["eth0".to_owned()],
            link_to: ["10.0.0.100", "fd00::100", "10.0.0.1", "fd00::1"]
                .map(|text| (address(text), "eth0".to_owned()))
                .into(),
            local: Vec::new(),
            advertised: vec!["eth0".to_owned()],
        }
    }

    fn a_director(mode: Mode) -> Director {
        let vips = vec!["10.0.0.100".parse().expect("an address"), "fd00::100".parse().expect("an address")];
        Director { mode, families: vec![Family::V4, Family::V6], vips, link: None }
    }

    fn a_server(mode: Mode) -> RealServer {
        let vips = a_director(mode).vips;
        RealServer { mode, vips, gateway: None, clients: Vec::new(), tunnel: Tunnel::Ipip, over: None, port: None }
    }

    #[test]
    fn directors_get_what_their_mode_needs() {
        let addresses =
            ["ip address add 10.0.0.100/32 dev eth0", "ip address add fd00::100/128 dev eth0 nodad preferred_lft 0"];
        for mode in [Mode::Dr, Mode::Tun] {
            let steps = shown(director(&a_director(mode), &host()));
            assert_eq!(steps, [&["modprobe ip_vs"][..], &addresses].concat(), "{mode}");
        }
        let nat = [
            "modprobe ip_vs",
            "sysctl -w net/ipv4/ip_forward=1",
            "sysctl -w net/ipv4/conf/all/send_redirects=0",
            "sysctl -w net/ipv4/conf/eth0/send_redirects=0",
            "sysctl -w net/ipv6/conf/eth0/accept_ra=2",
            "sysctl -w net/ipv6/conf/all/forwarding=1",
        ];
        assert_eq!(shown(director(&a_director(Mode::Nat), &host())), [&nat[..], &addresses].concat());
    }

    #[test]
    fn servers_of_direct_routing_keep_quiet() {
        assert_eq!(
            shown(real_server(&a_server(Mode::Dr), &host())),
            [
                "sysctl -w net/ipv4/conf/all/arp_ignore=1",
                "sysctl -w net/ipv4/conf/all/arp_announce=2",
                "ip address add 10.0.0.100/32 dev lo",
                "ip address add fd00::100/128 dev lo nodad preferred_lft 0",
            ]
        );
        let mut only_v6 = a_server(Mode::Dr);
        only_v6.vips.retain(IpAddr::is_ipv6);
        assert_eq!(shown(real_server(&only_v6, &host())).len(), 1, "IPv6 needs no switches");
    }

    #[test]
    fn servers_behind_tunnels() {
        let mut server = a_server(Mode::Tun);
        server.vips.truncate(1);
        server.tunnel = Tunnel::Gue(6080);
        assert_eq!(
            shown(real_server(&server, &host())),
            [
                "modprobe ipip",
                "modprobe fou",
                "ip fou add port 6080 gue",
                "sysctl -w net/ipv4/conf/tunl0/rp_filter=2",
                "ip link set tunl0 up",
                "sysctl -w net/ipv4/conf/all/arp_ignore=1",
                "sysctl -w net/ipv4/conf/all/arp_announce=2",
                "ip address add 10.0.0.100/32 dev tunl0",
            ]
        );
        let links = [
            (Tunnel::Ipip, Family::V4, Family::V4, "tunl0"),
            (Tunnel::Ipip, Family::V6, Family::V4, "sit0"),
            (Tunnel::Ipip, Family::V4, Family::V6, "ip6tnl0"),
            (Tunnel::Gre, Family::V6, Family::V4, "gre0"),
            (Tunnel::Gre, Family::V6, Family::V6, "ip6gre0"),
        ];
        for (tunnel, inner, outer, link) in links {
            assert_eq!(tunnel_link(tunnel, inner, outer).0, link);
        }
    }

    #[test]
    fn servers_behind_nat_answer_through_the_director() {
        let mut server = a_server(Mode::Nat);
        assert!(real_server(&server, &host()).expect_err("no director")[0].text.contains("needs the director"));
        server.gateway = Some("10.0.0.1".parse().expect("an address"));
        assert_eq!(shown(real_server(&server, &host())), ["ip route prepend default via 10.0.0.1"]);
        server.clients = vec![("10.0.0.2".parse().expect("an address"), 32)];
        assert_eq!(shown(real_server(&server, &host())), ["ip route add 10.0.0.2/32 via 10.0.0.1"]);
        server.gateway = Some("fd00::1".parse().expect("an address"));
        assert!(real_server(&server, &host()).expect_err("mixed")[0].text.contains("different families"));
        server.clients.clear();
        assert_eq!(
            shown(real_server(&server, &host())),
            [
                "sysctl -w net/ipv6/conf/all/accept_redirects=0",
                "sysctl -w net/ipv6/conf/eth0/accept_redirects=0",
                "ip -6 route add default via fd00::1 metric 1",
            ]
        );
        server.mode = Mode::Dr;
        assert!(real_server(&server, &host()).is_err(), "no gateway in mode dr");
    }
}
