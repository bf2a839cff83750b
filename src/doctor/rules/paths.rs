//! Rules about what servers made of probes.

use std::{
    fmt::Display,
    net::{IpAddr, SocketAddr},
};

use super::{
    kernel::conntracked,
    table::{ends, ignores_port},
};
use crate::{
    doctor::{
        facts::{Facts, Way, is_tunnel},
        finding::{Finding, Outcome},
        firewall::{Hook, Packet},
        probe::{Answer, Kind, in_network, is_exact},
    },
    model::{Checksum, Family, Forwarding, ServiceKey, SnapshotServer, SnapshotService, Tunnel},
};

/// Returns servers that get traffic by a method.
fn with<'a>(
    facts: &'a Facts,
    method: impl Fn(Forwarding) -> bool + 'a,
) -> impl Iterator<Item = (&'a SnapshotService, &'a SnapshotServer)> {
    facts.servers().filter(move |(_, server)| method(server.server.forwarding) && server.server.weight.value() > 0)
}

fn answer<'a>(facts: &'a Facts, service: &SnapshotService, server: &SnapshotServer, kind: Kind) -> Option<&'a Answer> {
    facts.probes.answer(service.service.key, server.server.key, kind)
}

/// Whether the server's own address answers, one way or the other: the host is there.
fn is_there(facts: &Facts, service: &SnapshotService, server: &SnapshotServer) -> bool {
    matches!(answer(facts, service, server, Kind::Direct), Some(Answer::Accepted | Answer::Refused))
}

/// Whether a probe is what clients of the service send.
fn exact(service: &SnapshotService, server: &SnapshotServer) -> bool {
    is_exact(service.service.key, &server.server)
}

/// Servers of which a rule learnt nothing, and why.
#[derive(Default)]
struct Unasked(Vec<String>);

impl Unasked {
    fn note(&mut self, service: &SnapshotService, server: &SnapshotServer, why: impl Display) {
        self.0.push(format!("{} at {}: {why}", service.service.key, server.server.key));
    }

    /// Notes a server that was not asked at all.
    fn never(&mut self, service: &SnapshotService, server: &SnapshotServer) {
        let why = match service.service.key {
            ServiceKey::Mark { .. } => "no rule of the firewall tells an address of the service",
            ServiceKey::Address { .. } => "there are too many servers to ask all of them",
        };
        self.note(service, server, why);
    }

    /// Notes a server that did not answer what its clients do not ask for either.
    fn silent(&mut self, service: &SnapshotService, server: &SnapshotServer) {
        self.note(service, server, "it answers no TCP connection, which says nothing of this service");
    }

    /// Returns what came of the rule: without findings it is kept only if everybody was asked.
    fn outcome(self, findings: Vec<Finding>) -> Outcome {
        match self.0.as_slice() {
            [first] if findings.is_empty() => Outcome::Unknown(first.clone()),
            [first, others @ ..] if findings.is_empty() => {
                Outcome::Unknown(format!("{first}; and {} more servers", others.len()))
            }
            _ => Outcome::Checked(findings),
        }
    }
}

pub(super) fn server_vip(facts: &Facts) -> Outcome {
    let is_routed = |forwarding| forwarding == Forwarding::Route;
    if with(facts, is_routed).next().is_none() {
        return Outcome::NotNeeded("no server gets packets by direct routing");
    }
    if !facts.probes.made {
        return Outcome::Unknown("no probes were made".to_owned());
    }
    let (mut findings, mut unasked) = (Vec::new(), Unasked::default());
    for (service, server) in with(facts, is_routed) {
        let real = server.server.key.address;
        // That packets arrive at another port is a matter of its own.
        if ignores_port(service, server) {
            continue;
        }
        let about = format!("{} at {}", service.service.key, server.server.key);
        if let Some(gateway) = facts.ways.get(&real).and_then(Way::gateway) {
            findings.push(
                Finding::broken(
                    about,
                    format!("{real} is behind the router {gateway}"),
                    "direct routing changes the MAC address only: packets go to that router, which sends them back to the \
                     virtual address",
                )
                .mend("put the director and the server on one LAN, or use tunnels (-i)"),
            );
            continue;
        }
        let asked = facts.vip_of(service.service.key).zip(answer(facts, service, server, Kind::Routed));
        let Some((vip, answer)) = asked else {
            unasked.never(service, server);
            continue;
        };
        let exact = exact(service, server);
        let at = |address: IpAddr| match exact {
            true => SocketAddr::new(address, vip.port()).to_string(),
            false => address.to_string(),
        };
        match answer {
            Answer::Accepted => continue,
            Answer::Refused if !exact => continue,
            Answer::Unsent(why) => {
                unasked.note(service, server, why);
                continue;
            }
            Answer::Silent | Answer::Unreachable(_) if !exact && !is_there(facts, service, server) => {
                unasked.silent(service, server);
                continue;
            }
            _ => {}
        }
        let prepare = format!("lvsadm prepare real-server --vip {} --mode dr", vip.ip());
        let follows = "clients that get this server wait, and give up";
        findings.push(match answer {
            Answer::Refused if answer_is_refused(facts, service, server) => Finding::broken(
                about,
                format!(
                    "nobody listens at port {} there, neither at its own address nor at the virtual one",
                    vip.port()
                ),
                "clients that get this server are refused",
            )
            .mend_on(real, "start the server program"),
            Answer::Refused => Finding::broken(
                about,
                format!("a connection to {vip} there is refused, and one to {real} is not"),
                "the host has the virtual address, and nobody listens at it: clients that get this server are refused",
            )
            .mend_on(real, format!("let the server program listen at all addresses, or at {vip}, too")),
            _ if !is_there(facts, service, server) => Finding::broken(
                about,
                format!("neither {} nor {} answers there{}", at(real), at(vip.ip()), reason(answer)),
                follows,
            )
            .mend(format!(
                "is the host up? ping {real}; until it is: lvsadm edit-real {} -r {} -w 0",
                super::table::option(service.service.key),
                server.server.key
            )),
            _ => Finding::broken(
                about,
                format!(
                    "{real} answers, and a packet for {} at its MAC address is not answered{}",
                    at(vip.ip()),
                    reason(answer)
                ),
                format!("the server does not have {}, or filters what is for it: {follows}", vip.ip()),
            )
            .mend_on(real, prepare)
            .mend_on(
                real,
                format!("lvsadm doctor --real-server --vip {} --mode dr   (if that does not help)", vip.ip()),
            ),
        });
    }
    unasked.outcome(findings)
}

fn answer_is_refused(facts: &Facts, service: &SnapshotService, server: &SnapshotServer) -> bool {
    answer(facts, service, server, Kind::Direct) == Some(&Answer::Refused)
}

fn reason(answer: &Answer) -> String {
    match answer {
        Answer::Unreachable(why) => format!(" (ICMP: {why})"),
        Answer::Absent(why) => format!(" ({why})"),
        _ => String::new(),
    }
}

/// Returns the options of `prepare` for an encapsulation.
pub(super) fn tunnel_options(tunnel: Tunnel) -> String {
    match tunnel {
        Tunnel::Ipip => String::new(),
        Tunnel::Gue { port, .. } => format!(" --tun-type gue --tun-port {port}"),
        Tunnel::Gre { .. } => " --tun-type gre".to_owned(),
    }
}

pub(super) fn tunnel(facts: &Facts) -> Outcome {
    if with(facts, is_tunnel).next().is_none() {
        return Outcome::NotNeeded("no server is behind a tunnel");
    }
    if !facts.probes.made {
        return Outcome::Unknown("no probes were made".to_owned());
    }
    let (mut findings, mut unasked) = (Vec::new(), Unasked::default());
    for (service, server) in with(facts, is_tunnel) {
        let real = server.server.key.address;
        let Forwarding::Tunnel(tunnel) = server.server.forwarding else { continue };
        if ignores_port(service, server) {
            continue;
        }
        let asked = facts.vip_of(service.service.key).zip(answer(facts, service, server, Kind::Wrapped));
        let Some((vip, answer)) = asked else {
            unasked.never(service, server);
            continue;
        };
        let exact = exact(service, server);
        let at = |address: IpAddr| match exact {
            true => SocketAddr::new(address, vip.port()).to_string(),
            false => address.to_string(),
        };
        match answer {
            Answer::Accepted => continue,
            Answer::Refused if !exact => continue,
            Answer::Unsent(why) => {
                unasked.note(service, server, why);
                continue;
            }
            Answer::Silent if !exact && !is_there(facts, service, server) => {
                unasked.silent(service, server);
                continue;
            }
            _ => {}
        }
        let about = format!("{} at {}", service.service.key, server.server.key);
        let follows = "clients that get this server wait, and give up";
        let over = if vip.is_ipv4() == real.is_ipv4() {
            ""
        } else if real.is_ipv4() {
            " --over ipv4"
        } else {
            " --over ipv6"
        };
        let options = format!("real-server --vip {} --mode tun{}{over}", vip.ip(), tunnel_options(tunnel));
        let prepare = format!("lvsadm prepare {options}");
        findings.push(match (answer, tunnel) {
            (Answer::Unreachable("nobody listens at the port"), Tunnel::Gue { port, .. }) => Finding::broken(
                about,
                format!("{real} says that nobody listens at UDP port {port}, to which packets are wrapped"),
                format!("the server unpacks GUE at another port, or not at all: {follows}"),
            )
            .mend_on(real, "ip fou show   (at which port does it?)".to_owned())
            .mend_on(real, prepare),
            (Answer::Unreachable("it does not know the protocol"), _) => Finding::broken(
                about,
                format!("{real} says that it does not know the protocol of what is wrapped"),
                format!("the server has no tunnel interface that unpacks it: {follows}"),
            )
            .mend_on(real, prepare),
            (Answer::Refused, _) => Finding::broken(
                about,
                format!("a connection to {vip} through the tunnel is refused"),
                "the server unpacks it, and nobody listens at the virtual address: clients that get this server are refused",
            )
            .mend_on(real, format!("let the server program listen at all addresses, or at {vip}, too")),
            _ if !is_there(facts, service, server) => Finding::broken(
                about,
                format!("neither {} nor {} through the tunnel answers{}", at(real), at(vip.ip()), reason(answer)),
                follows,
            )
            .mend(format!("is the host up? ping {real}")),
            _ => Finding::broken(
                about,
                format!("{real} answers, and what is wrapped for {} is not answered{}", at(vip.ip()), reason(answer)),
                format!(
                    "the server's tunnel interface is down, or it lacks {}, or its reverse path filter is strict, or it filters: \
                     {follows}",
                    vip.ip()
                ),
            )
            .mend_on(real, prepare)
            .mend_on(real, format!("lvsadm doctor --{options}   (if that does not help)")),
        });
    }
    unasked.outcome(findings)
}

/// Returns how many bytes wrapping adds.
fn overhead(tunnel: Tunnel, outer: IpAddr) -> u32 {
    let header = if outer.is_ipv4() { 20 } else { 40 };
    header
        + match tunnel {
            Tunnel::Ipip => 0,
            Tunnel::Gue { .. } => 8 + 4,
            Tunnel::Gre { checksum: Checksum::None } => 4,
            Tunnel::Gre { .. } => 8,
        }
}

pub(super) fn mtu(facts: &Facts) -> Outcome {
    if with(facts, is_tunnel).next().is_none() {
        return Outcome::NotNeeded("no server is behind a tunnel");
    }
    if !facts.probes.made {
        return Outcome::Unknown("no probes were made".to_owned());
    }
    let (mut findings, mut unasked) = (Vec::new(), Unasked::default());
    let mut told = Vec::new();
    for (service, server) in with(facts, is_tunnel) {
        let real = server.server.key.address;
        let Forwarding::Tunnel(tunnel) = server.server.forwarding else { continue };
        let mtu = facts.probes.mtus.get(&real);
        let Some((mtu, passes)) = mtu.and_then(|mtu| Some((*mtu, mtu.passes?))) else {
            let why = if mtu.is_some() { "it answers no echo requests" } else { "it could not be asked" };
            unasked.note(service, server, why);
            continue;
        };
        if passes >= mtu.believed || told.contains(&real) {
            continue;
        }
        told.push(real);
        let inner = passes.saturating_sub(overhead(tunnel, real));
        let headers = if service.service.key.family() == Family::V6 { 60 } else { 40 };
        let link = facts.link_to(real).map_or("LINK", |link| link.name.as_str());
        let via = facts.ways.get(&real).and_then(Way::gateway);
        let via = via.map(|gateway| format!(" via {gateway}")).unwrap_or_default();
        findings.push(
            Finding::broken(
                format!("packets to {real}"),
                format!("of {passes} bytes they pass, of {} they are lost without a word; this host believes {}", passes + 1, mtu.believed),
                format!(
                    "wrapping leaves {inner} bytes for a client's packet, and nobody tells the client: small requests work, and \
                     uploads to {} hang",
                    service.service.key
                ),
            )
            .mend(format!("ip route replace {real}/{}{via} dev {link} mtu {passes}", if real.is_ipv4() { 32 } else { 128 }))
            .mend_on(
                real,
                format!("ip route change default … advmss {}   (or the same by a rule that clamps the MSS)", inner.saturating_sub(headers)),
            ),
        );
    }
    unasked.outcome(findings)
}

/// A packet as IPVS sends it to a server, where it leaves.
pub(super) fn leaving(facts: &Facts, server: &SnapshotServer, protocol: u16) -> Packet {
    let real = server.server.key;
    Packet {
        hook: Hook::Postrouting,
        ipv6: real.address.is_ipv6(),
        protocol,
        from: None,
        to: Some(real.address),
        from_port: None,
        to_port: Some(real.port),
        link: None,
        out_link: facts.link_to(real.address).map(|link| link.name.clone()),
        state: None,
    }
}

pub(super) fn nat_gateway(facts: &Facts) -> Outcome {
    let is_nat = |forwarding| forwarding == Forwarding::Masquerade;
    if with(facts, is_nat).next().is_none() {
        return Outcome::NotNeeded("no server answers through this host");
    }
    if !facts.probes.made {
        return Outcome::Unknown("no probes were made".to_owned());
    }
    let (mut findings, mut unasked) = (Vec::new(), Unasked::default());
    for (service, server) in with(facts, is_nat) {
        let real = server.server.key;
        let ends = ends(service, server);
        let about = format!("{} at {real}", service.service.key);
        let direct = answer(facts, service, server, Kind::Direct);
        let sources = facts.firewall.as_ref();
        // Where sources are rewritten, answers come back by themselves; where they should be and are not, that is another rule.
        if sources.is_some_and(|rules| rules.rewrites(&leaving(facts, server, 6)) == Some(true))
            || (conntracked(facts) && sources.is_some_and(|rules| rules.rewrites(&leaving(facts, server, 6)).is_none()))
        {
            continue;
        }
        let link = facts.link_to(real.address);
        let near = |client: &IpAddr| {
            link.is_some_and(|link| {
                facts.addresses.iter().any(|held| {
                    held.link == link.index
                        && in_network(held.address.address, held.address.prefix, *client)
                        && in_network(held.address.address, held.address.prefix, real.address)
                })
            })
        };
        let servers = |client: &IpAddr| facts.servers().any(|(_, server)| server.server.key.address == *client);
        let neighbour = ends.and_then(|ends| facts.connections.stuck.get(&ends)).and_then(|clients| {
            clients.keys().find(|client| near(client) && !servers(client) && facts.held(**client).next().is_none())
        });
        let director = facts.ways.get(&real.address).and_then(|way| match way {
            Way::Out { source, .. } => *source,
            _ => None,
        });
        let director = director.map_or_else(|| "DIRECTOR".to_owned(), |address| address.to_string());
        let back = answer(facts, service, server, Kind::Returning);
        let silent = matches!(back, Some(Answer::Silent | Answer::Unreachable(_)));
        let alive = ends.is_some_and(|ends| facts.connections.alive.contains(&ends));
        let exact = exact(service, server);
        let answers = direct == Some(&Answer::Accepted) || !exact && direct == Some(&Answer::Refused);
        if let Some(client) = neighbour.filter(|_| silent) {
            findings.push(
                Finding::broken(
                    about,
                    format!("the client {client} is on the servers' own network, and its connections never get beyond the first packet"),
                    "the server answers its neighbour directly, past the director, from an address that the client did not ask",
                )
                .mend_on(
                    real.address,
                    format!("lvsadm prepare real-server --mode nat --gateway {director} --client {client}"),
                ),
            );
        } else if alive || answers && matches!(back, Some(Answer::Accepted | Answer::Refused)) {
            // Packets go both ways.
        } else if silent && answers {
            findings.push(
                Finding::broken(
                    about,
                    "the server answers this host, and its answer to a client elsewhere does not come back by this host".to_owned(),
                    "its default route is not the director: clients get an answer from an address that they did not ask, or none",
                )
                .mend_on(real.address, format!("lvsadm prepare real-server --mode nat --gateway {director}"))
                .mend_on(real.address, format!("lvsadm doctor --real-server --mode nat --gateway {director}   (what its route is now)")),
            );
        } else if matches!(direct, Some(Answer::Absent(_)))
            || exact && matches!(direct, Some(Answer::Silent | Answer::Refused | Answer::Unreachable(_)))
        {
            let read = format!("{real} does not take connections{}", direct.map(reason).unwrap_or_default());
            findings.push(
                Finding::broken(about, read, "clients that get this server wait or are refused")
                    .mend(format!("is the server program running? lvsadm check try tcp {real}")),
            );
        } else {
            match direct.zip(back) {
                Some((Answer::Unsent(why), _) | (_, Answer::Unsent(why))) => unasked.note(service, server, why),
                Some(_) => unasked.silent(service, server),
                None => unasked.never(service, server),
            }
        }
    }
    unasked.outcome(findings)
}
