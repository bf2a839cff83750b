//! Rules about packet filters and connection tracking.

use std::{collections::BTreeSet, net::IpAddr};

use super::{kernel::conntracked, paths::leaving};
use crate::{
    doctor::{
        facts::{Facts, Role},
        finding::{Finding, Outcome, Severity},
        firewall::{Dropped, Hook, Packet, Ruleset},
        probe::{Answer, Kind},
    },
    host::prepare::{Mode, RealServer, Tunnel},
    model::{DaemonRole, Forwarding, Protocol, ServiceKey, Tunnel as Wrapping},
};

/// The UDP port of sync daemons that nobody chose another one for, and their group.
const SYNC_PORT: u16 = 8848;
const SYNC_GROUP: &str = "224.0.0.81";

const TCP: u16 = 6;
const UDP: u16 = 17;
const VRRP: u16 = 112;

const UNREAD: &str = "the rules of the firewall could not be read";

/// A packet that comes in for this host, of a client that nobody knows.
fn incoming(protocol: u16, to: IpAddr, port: Option<u16>) -> Packet {
    Packet {
        hook: Hook::Input,
        ipv6: to.is_ipv6(),
        protocol,
        from: None,
        to: Some(to),
        from_port: None,
        to_port: port,
        link: None,
        out_link: None,
        state: Some("new"),
    }
}

/// Returns how nft says what a packet is.
fn condition(protocol: u16, to: IpAddr, port: Option<u16>) -> String {
    let family = if to.is_ipv4() { "ip" } else { "ip6" };
    let name = match protocol {
        TCP => "tcp",
        UDP => "udp",
        132 => "sctp",
        number => return format!("{family} daddr {to} meta l4proto {number}"),
    };
    let port = port.map(|port| format!(" {name} dport {port}")).unwrap_or_default();
    format!("{family} daddr {to}{port}")
}

struct Check<'a> {
    rules: &'a Ruleset,
    told: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn packet(&mut self, packet: &Packet, about: impl ToString, what: &str, follows: &str, mend: &str) {
        // What comes in meets rules before it is decided where it goes.
        let before = Packet { hook: Hook::Prerouting, out_link: None, ..packet.clone() };
        let comes_in = matches!(packet.hook, Hook::Input | Hook::Forward);
        let dropped = comes_in.then(|| self.rules.drops(&before)).flatten().or_else(|| self.rules.drops(packet));
        let Some(dropped) = dropped else { return };
        let about = about.to_string();
        if self.told.insert(format!("{about} {}", dropped.place())) {
            let show = if dropped.legacy {
                let (family, table) = dropped.table.split_once(' ').unwrap_or(("ip", &dropped.table));
                format!("{family}tables -t {table} -nvL {} --line-numbers   (what it is for)", dropped.chain)
            } else {
                format!("nft -a list chain {} {}   (what it is for)", dropped.table, dropped.chain)
            };
            self.findings
                .push(Finding::broken(about, read(what, &dropped), follows).mend(dropped.mend(mend)).mend(show));
        }
    }
}

fn read(what: &str, dropped: &Dropped) -> String {
    format!("{what} dropped by {}", dropped.place())
}

pub(super) fn firewall(facts: &Facts) -> Outcome {
    let Some(rules) = &facts.firewall else { return Outcome::Unknown(UNREAD.to_owned()) };
    let mut check = Check { rules, told: BTreeSet::new(), findings: Vec::new() };
    for service in facts.services() {
        let ServiceKey::Address { protocol, address, port } = service.service.key else { continue };
        let number = protocol.number();
        let port = (port != 0).then_some(port);
        let mut packet = incoming(number, address, port);
        packet.link = facts.held(address).find(|(_, link)| !link.loopback).map(|(_, link)| link.name.clone());
        check.packet(
            &packet,
            service.service.key,
            "packets of clients are",
            "they never reach IPVS, which looks at packets after that chain: clients get no answer",
            &condition(number, address, port),
        );
        for server in &service.servers {
            to_server(facts, &mut check, service.service.key, server, protocol);
        }
    }
    for daemon in facts.daemons().iter().filter(|daemon| daemon.role == DaemonRole::Backup) {
        let group = daemon.group.or_else(|| SYNC_GROUP.parse().ok());
        let port = daemon.port.unwrap_or(SYNC_PORT);
        let Some(group) = group else { continue };
        let packet = Packet { link: Some(daemon.interface.clone()), ..incoming(UDP, group, Some(port)) };
        check.packet(
            &packet,
            "sync daemon (backup)",
            "messages of the other director are",
            "this host learns of no connections, and cuts all of them when it takes over",
            &condition(UDP, group, Some(port)),
        );
    }
    for instance in facts.vrrp.iter().flat_map(|status| &status.instances) {
        let group: &str = if instance.family == "ipv6" { "ff02::12" } else { "224.0.0.18" };
        let Ok(group) = group.parse() else { continue };
        let packet = Packet { link: instance.interface.clone(), ..incoming(VRRP, group, None) };
        check.packet(
            &packet,
            format!("VRRP instance {}", instance.name),
            "adverts of other routers are",
            "this host hears no master, and becomes one itself: two hosts have the virtual addresses",
            &condition(VRRP, group, None),
        );
    }
    Outcome::Checked(check.findings)
}

/// What goes to a server, and in mode nat what comes back.
fn to_server(
    facts: &Facts,
    check: &mut Check<'_>,
    key: ServiceKey,
    server: &crate::model::SnapshotServer,
    protocol: Protocol,
) {
    let real = server.server.key;
    let about = format!("{key} at {real}");
    let number = protocol.number();
    let mut out = Packet { hook: Hook::Output, ..leaving(facts, server, number) };
    let (outer, port) = match server.server.forwarding {
        Forwarding::Tunnel(Wrapping::Ipip) if key.family() == crate::model::Family::V4 => (4, None),
        Forwarding::Tunnel(Wrapping::Ipip) => (41, None),
        Forwarding::Tunnel(Wrapping::Gre { .. }) => (47, None),
        Forwarding::Tunnel(Wrapping::Gue { port, .. }) => (UDP, Some(port)),
        Forwarding::Masquerade => (number, Some(real.port)),
        _ => {
            // It keeps the virtual address on its way.
            let ServiceKey::Address { address, port, .. } = key else { return };
            out.to = Some(address);
            (number, Some(port))
        }
    };
    (out.protocol, out.to_port) = (outer, port);
    let to = out.to.unwrap_or(real.address);
    check.packet(
        &out,
        &about,
        "packets that IPVS passes on are",
        "they never leave for this server: clients that get it get no answer",
        &condition(outer, to, port),
    );
    if server.server.forwarding != Forwarding::Masquerade {
        return;
    }
    let name = match number {
        TCP => "tcp ",
        UDP => "udp ",
        _ => "th ",
    };
    let family = if real.address.is_ipv4() { "ip" } else { "ip6" };
    let back = Packet {
        hook: Hook::Forward,
        from: Some(real.address),
        to: None,
        from_port: Some(real.port),
        to_port: None,
        link: facts.link_to(real.address).map(|link| link.name.clone()),
        out_link: None,
        // What IPVS sent there is tracked only if it is told to; an answer to something unknown is invalid.
        state: if conntracked(facts) { Some("established") } else { (number == TCP).then_some("invalid") },
        ..leaving(facts, server, number)
    };
    check.packet(
        &back,
        &about,
        "answers of the server are",
        "they come back to the director, and no further: clients get no answer",
        &format!("{family} saddr {} {name}sport {}", real.address, real.port),
    );
}

pub(super) fn conntrack(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    if let (Some(rules), false) = (&facts.firewall, conntracked(facts)) {
        let rewritten = facts.servers().find(|(service, server)| {
            let number = match service.service.key {
                ServiceKey::Address { protocol, .. } => protocol.number(),
                ServiceKey::Mark { .. } => TCP,
            };
            let back = facts.probes.answer(service.service.key, server.server.key, Kind::Returning);
            server.server.forwarding == Forwarding::Masquerade
                && rules.rewrites(&leaving(facts, server, number)) == Some(true)
                // Where answers come back anyway, nobody needs the rule.
                && !matches!(back, Some(Answer::Accepted | Answer::Refused))
        });
        if let Some((service, server)) = rewritten {
            let back = facts.probes.answer(service.service.key, server.server.key, Kind::Returning);
            let asked = !matches!(back, None | Some(Answer::Unsent(_)));
            // Who was not asked may answer by way of this host all the same.
            let severity = if asked { Severity::Broken } else { Severity::Risk };
            findings.push(Finding {
                severity,
                ..Finding::broken(
                    format!("{} at {}", service.service.key, server.server.key),
                    "a rule of the firewall rewrites the source of what goes to the server (masquerade or snat), and \
                     net/ipv4/vs/conntrack is 0",
                    "what IPVS passes on is not tracked, so the rule does not touch it: the server answers the client itself, \
                     past the director",
                )
                .step(crate::host::sysctl::Key::new("ipv4/vs/conntrack").ok().map(|key| {
                    crate::host::prepare::Step::switch(key, "1")
                }))
            });
        }
    }
    if let Some((count, most)) = facts.conntrack
        && most > 0
        && count.saturating_mul(10) >= most.saturating_mul(9)
    {
        let read = format!("{count} of {most} connections are tracked (net/netfilter/nf_conntrack_max)");
        let follows = "when the table is full, first packets of new connections are dropped, before IPVS sees them";
        let finding = if count >= most {
            Finding::broken("connection tracking", read, follows)
        } else {
            Finding::risk("connection tracking", read, follows)
        };
        findings.push(finding.mend(format!("sysctl -w net/netfilter/nf_conntrack_max={}", most.saturating_mul(2))));
    }
    Outcome::Checked(findings)
}

pub(super) fn firewall_of_server(facts: &Facts) -> Outcome {
    let Role::RealServer(RealServer { mode, vips, tunnel, over, port, .. }) = &facts.role else {
        return Outcome::Checked(Vec::new());
    };
    let Some(rules) = &facts.firewall else { return Outcome::Unknown(UNREAD.to_owned()) };
    if *mode == Mode::Nat {
        return Outcome::NotNeeded(
            "what comes from the director is for the server's own address, like any other request",
        );
    }
    let mut check = Check { rules, told: BTreeSet::new(), findings: Vec::new() };
    for vip in vips {
        let mut packet = incoming(TCP, *vip, *port);
        if *mode == Mode::Tun {
            let inner = crate::model::Family::of(*vip);
            let (link, _) = crate::host::prepare::tunnel_link(*tunnel, inner, over.unwrap_or(inner));
            packet.link = Some(link.to_owned());
            wrapped(facts, &mut check, *vip, *tunnel, over.unwrap_or(inner));
        }
        check.packet(
            &packet,
            vip,
            "packets for it are",
            "the server program never sees them: clients get no answer",
            &condition(TCP, *vip, *port),
        );
    }
    Outcome::Checked(check.findings)
}

/// What is wrapped comes in for the server's own address.
fn wrapped(facts: &Facts, check: &mut Check<'_>, vip: IpAddr, tunnel: Tunnel, over: crate::model::Family) {
    let back = facts.link_to(crate::doctor::facts::elsewhere(over));
    let own = facts.addresses.iter().find(|held| {
        crate::model::Family::of(held.address.address) == over && back.is_none_or(|link| link.index == held.link)
    });
    let Some(own) = own.map(|held| held.address.address) else { return };
    let (protocol, port) = match tunnel {
        Tunnel::Ipip if vip.is_ipv4() => (4, None),
        Tunnel::Ipip => (41, None),
        Tunnel::Gre => (47, None),
        Tunnel::Gue(port) => (UDP, Some(port)),
    };
    let packet = Packet { link: back.map(|link| link.name.clone()), ..incoming(protocol, own, port) };
    check.packet(
        &packet,
        vip,
        "what the director wraps for it is",
        "nothing comes out of the tunnel: clients get no answer",
        &condition(protocol, own, port),
    );
}
