//! Rules on a real server.

use std::net::IpAddr;

use crate::{
    doctor::{
        facts::{ELSEWHERE_V4, Facts, Role, Way, elsewhere, ipv4},
        finding::{Finding, Outcome},
        probe::in_network,
    },
    host::{
        Link,
        fou::Port,
        prepare::{self, Mode, RealServer, Step, Tunnel, tunnel_link},
        sysctl::Key,
    },
    model::Family,
};

const ANSWERS_ITSELF: &str = "in mode nat the server has no virtual address";

fn wanted(facts: &Facts) -> Option<&RealServer> {
    match &facts.role {
        Role::RealServer(wanted) => Some(wanted),
        Role::Director => None,
    }
}

/// Returns what is wanted, if the server is to have virtual addresses itself.
fn holder(facts: &Facts) -> Option<&RealServer> {
    wanted(facts).filter(|wanted| wanted.mode != Mode::Nat)
}

/// A link on which somebody may ask for addresses.
fn is_asked(link: &&Link) -> bool {
    link.up && !link.loopback && !link.noarp
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

pub(super) fn arp(facts: &Facts) -> Outcome {
    let Some(wanted) = holder(facts) else { return Outcome::NotNeeded(ANSWERS_ITSELF) };
    let mut findings = Vec::new();
    for vip in &wanted.vips {
        if let Some((held, link)) = facts.held(*vip).find(|(_, link)| is_asked(link)) {
            findings.push(
                Finding::broken(
                    vip,
                    format!("it is on {}, on which the network asks for addresses", link.name),
                    "this server answers for it as well as the director: some clients come here past the director",
                )
                .mend(format!("ip address del {vip}/{} dev {}", held.address.prefix, link.name))
                .step(Step::Address {
                    link: prepare::home(wanted, *vip).to_owned(),
                    address: *vip,
                    prefix: bits(*vip),
                }),
            );
        }
    }
    // IPv6 answers only for addresses of the link that is asked.
    if let Some(vip) = wanted.vips.iter().find(|vip| vip.is_ipv4()) {
        let loud = |name: &str, least: i64| {
            let below = |link: &&Link| facts.larger(&link.name, name).is_some_and(|(value, _)| value < least);
            facts.links.iter().filter(is_asked).find(below)
        };
        if let Some(link) = loud("arp_ignore", 1) {
            findings.push(
                Finding::broken(
                    vip,
                    format!("arp_ignore is 0 on {} and for all links", link.name),
                    "this server answers ARP requests for the virtual address, wherever it has it: some clients come here past \
                     the director",
                )
                .step(ipv4("all", "arp_ignore").map(|key| Step::switch(key, "1"))),
            );
        }
        if let Some(link) = loud("arp_announce", 2) {
            let value = facts.larger(&link.name, "arp_announce").map_or(0, |(value, _)| value);
            findings.push(
                Finding::risk(
                    vip,
                    format!("arp_announce is {value} on {} and no more for all links", link.name),
                    "when this server asks for a client or a gateway, it does so as the virtual address: they learn its MAC \
                     address for it, and send to this server past the director",
                )
                .step(ipv4("all", "arp_announce").map(|key| Step::switch(key, "2"))),
            );
        }
    }
    Outcome::Checked(findings)
}

pub(super) fn vip(facts: &Facts) -> Outcome {
    let Some(wanted) = holder(facts) else { return Outcome::NotNeeded(ANSWERS_ITSELF) };
    let missing = wanted.vips.iter().filter(|vip| !facts.is_local(**vip));
    let findings = missing.map(|vip| {
        Finding::broken(
            vip,
            "no link of this host has it",
            "packets that the director sends here for it are dropped, or sent back: clients get no answer",
        )
        .step(Step::Address {
            link: prepare::home(wanted, *vip).to_owned(),
            address: *vip,
            prefix: bits(*vip),
        })
    });
    Outcome::Checked(findings.collect())
}

pub(super) fn prefix(facts: &Facts) -> Outcome {
    let Some(wanted) = holder(facts) else { return Outcome::NotNeeded(ANSWERS_ITSELF) };
    let mut findings = Vec::new();
    for vip in &wanted.vips {
        for (held, link) in facts.held(*vip).filter(|(held, link)| held.address.prefix < bits(*vip) && !is_asked(link))
        {
            let prefix = held.address.prefix;
            let read = format!("it is on {} with the prefix length {prefix}", link.name);
            let finding = if link.loopback {
                let follows = format!(
                    "the whole network {vip}/{prefix} counts as being on this host: nobody in it can be reached, clients and \
                     gateway included"
                );
                Finding::broken(vip, read, follows)
            } else {
                let follows = format!("packets for the network {vip}/{prefix} may leave by {} and get lost", link.name);
                Finding::risk(vip, read, follows)
            };
            let name = &link.name;
            findings.push(
                finding
                    .mend(format!("ip address del {vip}/{prefix} dev {name}"))
                    .mend(format!("ip address add {vip}/{} dev {name}", bits(*vip))),
            );
        }
    }
    Outcome::Checked(findings)
}

/// Returns the links that unpack tunnels of a kind, and what the usual one and its module are called.
fn unpacking<'a>(
    facts: &'a Facts,
    wanted: &RealServer,
    vip: IpAddr,
) -> (impl Iterator<Item = &'a Link>, &'static str, &'static str) {
    let inner = Family::of(vip);
    let (name, module) = tunnel_link(wanted.tunnel, inner, wanted.over.unwrap_or(inner));
    let kind = match name {
        "tunl0" => "ipip",
        "sit0" => "sit",
        "ip6tnl0" => "ip6tnl",
        "gre0" => "gre",
        _ => "ip6gre",
    };
    let is_one = move |link: &&Link| link.name == name || link.kind.as_deref() == Some(kind);
    (facts.links.iter().filter(is_one), name, module)
}

pub(super) fn rp_filter(facts: &Facts) -> Outcome {
    let Some(wanted) = holder(facts) else { return Outcome::NotNeeded(ANSWERS_ITSELF) };
    let Some(vip) = wanted.vips.iter().find(|vip| vip.is_ipv4()) else {
        return Outcome::NotNeeded("IPv6 has no reverse path filter of this kind");
    };
    let mut findings = Vec::new();
    let mut loose = Vec::new();
    let mut strict = |link: &Link, follows: String| {
        if let Some((1, whose)) = facts.larger(&link.name, "rp_filter") {
            let whose =
                if whose.is_empty() { format!("that of {}", link.name) } else { "that of all links".to_owned() };
            findings.push(
                Finding::broken(
                    vip,
                    format!("the reverse path filter on {} is strict ({whose} is 1)", link.name),
                    follows,
                )
                .step(ipv4(&link.name, "rp_filter").map(|key| Step::switch(key, "2"))),
            );
        }
    };
    if wanted.mode == Mode::Tun {
        let (links, ..) = unpacking(facts, wanted, *vip);
        for link in links.filter(|link| link.up) {
            let name = &link.name;
            let follows = format!(
                "what comes out of {name} is from clients that are not behind it, by the routes: all of it is dropped"
            );
            strict(link, follows.clone());
            // A loose filter takes nothing at all by a link that has no address of its own.
            let bare = !facts.addresses.iter().any(|held| held.link == link.index && held.address.address.is_ipv4());
            if bare && facts.larger(name, "rp_filter").is_some_and(|(value, _)| value == 2) {
                loose.push(
                    Finding::broken(
                        vip,
                        format!("the reverse path filter on {name} is loose, and {name} has no address"),
                        follows,
                    )
                    .step(Step::Address { link: name.clone(), address: *vip, prefix: bits(*vip) }),
                );
            }
        }
    } else if let (Some(director), Some(back)) =
        (wanted.gateway.and_then(|director| facts.link_to(director)), facts.link_to(ELSEWHERE_V4))
        && director.index != back.index
    {
        strict(
            director,
            format!(
                "packets from the director come in by {}, and answers to clients leave by {}: they are dropped",
                director.name, back.name
            ),
        );
    }
    findings.extend(loose);
    Outcome::Checked(findings)
}

pub(super) fn tunnel(facts: &Facts) -> Outcome {
    let Some(wanted) = wanted(facts).filter(|wanted| wanted.mode == Mode::Tun) else {
        return Outcome::NotNeeded("nothing is wrapped in this mode");
    };
    let mut findings = Vec::new();
    for vip in &wanted.vips {
        let follows = "what the director wraps is not unpacked: clients get no answer";
        let (mut links, name, module) = unpacking(facts, wanted, *vip);
        let up = facts.link_named(name);
        if !links.any(|link| link.up) {
            findings.push(match up {
                Some(_) => Finding::broken(vip, format!("{name} is down"), follows)
                    .step(Step::LinkUp(name.to_owned()))
                    .step(ipv4(name, "rp_filter").filter(|_| vip.is_ipv4()).map(|key| Step::switch(key, "2"))),
                None => Finding::broken(
                    vip,
                    format!("there is no link that unpacks it: the module {module} is not loaded"),
                    follows,
                )
                .step(Step::Module(module.to_owned()))
                .step(Step::LinkUp(name.to_owned())),
            });
        }
        if let Tunnel::Gue(port) = wanted.tunnel {
            let wanted = Port::gue(port, wanted.over.unwrap_or_else(|| Family::of(*vip)));
            if !facts.gue_ports.contains(&wanted) {
                let others: Vec<String> = facts.gue_ports.iter().map(|port| port.port.to_string()).collect();
                let read = match others.as_slice() {
                    [] => "no UDP port is open for GUE".to_owned(),
                    others => format!("UDP port {} is open for tunnels, and {port} is not for GUE", others.join(", ")),
                };
                findings.push(Finding::broken(vip, read, follows).step(Step::GuePort(wanted)));
            }
        }
    }
    Outcome::Checked(findings)
}

/// Returns an address that stands for the clients.
fn client(wanted: &RealServer, family: Family) -> IpAddr {
    let named = wanted.clients.iter().map(|(address, _)| *address).find(|address| Family::of(*address) == family);
    named.unwrap_or_else(|| elsewhere(family))
}

pub(super) fn nat_gateway(facts: &Facts) -> Outcome {
    let Some(wanted) = wanted(facts).filter(|wanted| wanted.mode == Mode::Nat) else {
        return Outcome::NotNeeded("the server answers clients itself");
    };
    let Some(director) = wanted.gateway else {
        return Outcome::Unknown("the director is not known (--gateway)".to_owned());
    };
    let client = client(wanted, Family::of(director));
    let read = match facts.ways.get(&client) {
        Some(Way::Out { gateway: Some(gateway), .. }) if *gateway == director => return Outcome::Checked(Vec::new()),
        Some(Way::Out { gateway: Some(gateway), .. }) => format!("answers to {} go by {gateway}", whom(wanted, client)),
        Some(Way::Out { gateway: None, link, .. }) => {
            let link = facts.link(*link).map_or("a link", |link| link.name.as_str());
            format!("answers to {} go out by {link} directly", whom(wanted, client))
        }
        Some(Way::Local) => format!("{client} is this host's own"),
        Some(Way::Nowhere) | None => format!("no route leads to {}", whom(wanted, client)),
    };
    let clients = wanted.clients.iter().map(|(address, prefix)| format!(" --client {address}/{prefix}"));
    let clients: String = clients.collect();
    let finding = Finding::broken(
        format!("answers through {director}"),
        read,
        "they do not pass the director, which would put the virtual address in: clients get them from an address that they did \
         not ask, or not at all",
    );
    Outcome::Checked(vec![finding.mend(format!("lvsadm prepare real-server --mode nat --gateway {director}{clients}"))])
}

fn whom(wanted: &RealServer, client: IpAddr) -> String {
    if wanted.clients.is_empty() { "clients elsewhere".to_owned() } else { client.to_string() }
}

pub(super) fn redirects(facts: &Facts) -> Outcome {
    let Some(wanted) = wanted(facts).filter(|wanted| wanted.mode == Mode::Nat) else {
        return Outcome::NotNeeded("answers do not go through the director");
    };
    let director = wanted.gateway.filter(IpAddr::is_ipv6);
    let Some((director, link)) = director.and_then(|director| Some((director, facts.link_to(director)?))) else {
        return Outcome::NotNeeded("IPv4 directors can be told to send no redirects");
    };
    let near = |client: IpAddr| {
        facts
            .addresses
            .iter()
            .any(|held| held.link == link.index && in_network(held.address.address, held.address.prefix, client))
    };
    if !wanted.clients.iter().any(|(client, _)| near(*client)) {
        return Outcome::NotNeeded("no client is known on the servers' own network");
    }
    let path = format!("ipv6/conf/{}/accept_redirects", link.name);
    if facts.switch(&path) != Some(1) || facts.switch(&format!("ipv6/conf/{}/forwarding", link.name)) == Some(1) {
        return Outcome::Checked(Vec::new());
    }
    let finding = Finding::broken(
        format!("redirects on {}", link.name),
        format!("net/{path} is 1"),
        format!(
            "{director} tells this server a shorter way to clients on the same network, past itself, and no switch of the \
             director's stops it: answers then come from an address that clients did not ask"
        ),
    );
    Outcome::Checked(vec![finding.step(Key::new(path).ok().map(|key| Step::switch(key, "0")))])
}
