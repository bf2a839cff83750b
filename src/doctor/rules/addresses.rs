//! Rules about virtual addresses on a director.

use std::net::IpAddr;

use crate::{
    doctor::{
        facts::{Facts, Way, mode_word},
        finding::{Finding, Outcome},
        probe::shown,
    },
    host::PROTOCOL,
    model::{Family, Forwarding, ServiceKey},
    vrrp::{event::State, status::InstanceStatus},
};

/// Returns the instance that has an address.
fn instance(facts: &Facts, vip: IpAddr) -> Option<&InstanceStatus> {
    let word = vip.to_string();
    // As a save file writes it: `10.0.0.100/24 dev eth0 …`.
    let has = |address: &String| {
        address.split_whitespace().next().is_some_and(|first| first.split('/').next() == Some(word.as_str()))
    };
    facts.vrrp.as_ref()?.instances.iter().find(|instance| instance.addresses.iter().any(has))
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn services_of(facts: &Facts, vip: IpAddr) -> String {
    let of = |key: ServiceKey| matches!(key, ServiceKey::Address { address, .. } if address == vip);
    super::kernel::named(&facts.services_by(|service, _| of(service.service.key)))
}

pub(super) fn vip(facts: &Facts) -> Outcome {
    if facts.services().is_empty() {
        return Outcome::NotNeeded("there is no service");
    }
    let (mut findings, mut unknown) = (Vec::new(), None);
    for vip in facts.vips() {
        // A backup has it not, and that is right.
        let waits = instance(facts, vip).is_some_and(|instance| instance.state != State::Master);
        let Some(way) = facts.ways.get(&vip).filter(|way| **way != Way::Local && !waits) else { continue };
        let elsewhere = facts.probes.answering.get(&vip).and_then(|macs| macs.first());
        if facts.keepalived && instance(facts, vip).is_none() {
            // It may be its backup; but then somebody has the address.
            if facts.probes.made && elsewhere.is_none() {
                findings.push(unanswered(facts, vip));
            }
            let why = "this host does not have it, which is right as long as the keepalived here is a backup";
            unknown.get_or_insert_with(|| format!("{vip}: {why}"));
            continue;
        }
        let (read, follows, command) = match elsewhere {
            Some(mac) if facts.probes.owner(*mac).is_none() => (
                format!("this host does not have it; {} answers for it", shown(*mac)),
                format!(
                    "{} gets no packets here; that is right only while that host is the director",
                    services_of(facts, vip)
                ),
                "lvsadm vrrp list   (on both directors: which of them should have it?)".to_owned(),
            ),
            _ => {
                let link = way.link().and_then(|link| facts.link(link)).map_or("LINK", |link| link.name.as_str());
                (
                    "no link of this host has it, and no route says that it is local".to_owned(),
                    format!("packets for {} never reach IPVS: clients get no answer at all", services_of(facts, vip)),
                    format!(
                        "ip address add {vip}/{} dev {link}   (or let VRRP put it there: lvsadm vrrp add)",
                        bits(vip)
                    ),
                )
            }
        };
        findings.push(Finding::broken(vip, read, follows).mend(command));
    }
    for service in facts.services() {
        if let ServiceKey::Mark { mark, family } = service.service.key {
            findings.extend(marked(facts, mark, family));
        }
    }
    match unknown {
        Some(why) if findings.is_empty() => Outcome::Unknown(why),
        _ => Outcome::Checked(findings),
    }
}

/// A virtual address that keepalived may have the care of, and that nobody has.
fn unanswered(facts: &Facts, vip: IpAddr) -> Finding {
    let read = "keepalived runs here, this host does not have it, and no other host answers for it";
    let follows = format!("unless another network has it, {} gets no packets anywhere", services_of(facts, vip));
    Finding::risk(vip, read, follows).mend("journalctl -u keepalived   (on all directors: which of them is master?)")
}

/// A service of a firewall mark needs a rule that sets it, and packets that come in for this host.
fn marked(facts: &Facts, mark: u32, family: Family) -> Option<Finding> {
    let about = ServiceKey::Mark { mark, family };
    let Some(addresses) = facts.firewall.as_ref()?.marks(mark) else {
        return Some(
            Finding::broken(about, format!("no rule of the firewall sets the mark {mark}"), "no packet ever gets to the service")
                .mend(format!(
                    "nft add rule inet TABLE prerouting ip daddr VIP tcp dport PORT meta mark set {mark}   (hook prerouting)"
                )),
        );
    };
    let lost = addresses.into_iter().find(|address| {
        Family::of(*address) == family && facts.marked_ways.get(&(mark, *address)).is_some_and(|way| *way != Way::Local)
    })?;
    Some(
        Finding::broken(
            about,
            format!("packets to {lost} with this mark are not for this host, by its routes"),
            "they get the mark, and are then routed away: they never reach IPVS",
        )
        .mend(format!("ip rule add fwmark {mark} lookup 100"))
        .mend(format!("ip route add local {lost}/{} dev lo table 100   (or give the host the address)", bits(lost))),
    )
}

pub(super) fn vip_twice(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    for vip in facts.vips() {
        let held: Vec<_> = facts.held(vip).collect();
        let names: Vec<&str> = held.iter().map(|(_, link)| link.name.as_str()).collect();
        if let [first, second, ..] = names.as_slice() {
            findings.push(
                Finding::risk(
                    vip,
                    format!("it is on {} links: {}", names.len(), names.join(", ")),
                    "whichever of them goes first, the address stays: a failover or a clean-up is not complete",
                )
                .mend(format!(
                    "ip address del {vip}/{} dev {second}   (if {first} is the one that should have it)",
                    bits(vip)
                )),
            );
        }
        let Some(instance) = instance(facts, vip) else { continue };
        if let (Some((_, link)), false) = (held.first(), instance.state == State::Master) {
            findings.push(
                Finding::broken(
                    vip,
                    format!(
                        "it is on {}, and the VRRP instance {} is {} here",
                        link.name,
                        instance.name,
                        instance.state.to_string().to_lowercase()
                    ),
                    "two hosts answer for the address: which of them a client gets changes from one ARP entry to the next",
                )
                .mend(format!("ip address del {vip}/{} dev {}", bits(vip), link.name))
                .mend("take it out of this system's network configuration: VRRP alone puts it there"),
            );
        } else if let Some((address, link)) =
            held.iter().find(|(held, _)| held.protocol.is_some_and(|by| by != PROTOCOL))
        {
            findings.push(
                Finding::risk(
                    vip,
                    format!(
                        "it was put on {} by somebody else than VRRP (protocol {})",
                        link.name,
                        address.protocol.unwrap_or(0)
                    ),
                    format!("when {} is no longer master here, the address may stay", instance.name),
                )
                .mend("take it out of this system's network configuration: VRRP alone puts it there"),
            );
        }
        if let Some((_, file)) = facts.configured.iter().find(|(address, _)| *address == vip) {
            findings.push(
                Finding::risk(
                    vip,
                    format!("{} names it, and the VRRP instance {} has it, too", file.display(), instance.name),
                    "after a reboot this host has the address even as a backup, and two hosts answer for it",
                )
                .mend(format!("take {vip} out of {}", file.display())),
            );
        }
    }
    if findings.is_empty() && facts.vips().is_empty() {
        return Outcome::NotNeeded("no service has an address");
    }
    Outcome::Checked(findings)
}

pub(super) fn arp(facts: &Facts) -> Outcome {
    if !facts.probes.made {
        return Outcome::Unknown("no probes were made".to_owned());
    }
    let mut findings = Vec::new();
    for vip in facts.vips() {
        // Of an address that is not here, somebody else should answer.
        let Some(macs) = facts.probes.answering.get(&vip).filter(|macs| !macs.is_empty() && facts.is_local(vip)) else {
            continue;
        };
        for mac in macs {
            let owner = facts.probes.owner(*mac);
            let whose = owner.map_or_else(|| "another host".to_owned(), |server| format!("the real server {server}"));
            let finding = Finding::broken(
                vip,
                format!("{} answers for it, too, which is {whose}", shown(*mac)),
                format!(
                    "some clients send their packets past this director, straight to that host: {} is not balanced for them, \
                     or not answered",
                    services_of(facts, vip)
                ),
            );
            let method = facts.servers().find(|(_, server)| Some(server.server.key.address) == owner);
            let method = method.map_or(Forwarding::Route, |(_, server)| server.server.forwarding);
            findings.push(match owner {
                Some(server) => finding
                    .mend_on(server, format!("lvsadm prepare real-server --vip {vip} --mode {}", mode_word(method))),
                None => finding.mend(format!(
                    "find that host: ip neighbour | grep {}; if it is the other director, see lvsadm vrrp list there",
                    shown(*mac)
                )),
            });
        }
    }
    if facts.vips().is_empty() {
        return Outcome::NotNeeded("no service has an address");
    }
    Outcome::Checked(findings)
}
