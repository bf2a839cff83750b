//! Rules about VRRP.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    doctor::{
        facts::Facts,
        finding::{Finding, Outcome},
        listen::Advert,
        probe::shown,
    },
    vrrp::{event::State, status::InstanceStatus},
};

/// Makers of machines whose switches let only MAC addresses through that they gave away themselves.
const STRICT_SWITCHES: [&str; 5] = ["VMware", "Microsoft", "Amazon", "Google", "innotek"];

/// Timers that are later than a second are a matter of the machine, not of the program.
const SECOND: usize = 3;

/// What is to be said where no VRRP process of ours answers.
fn nobody(facts: &Facts) -> Outcome {
    if facts.keepalived {
        return Outcome::Unknown("keepalived runs here, which cannot be asked about its virtual routers".to_owned());
    }
    Outcome::NotNeeded("no VRRP process answers here")
}

pub(super) fn peers(facts: &Facts) -> Outcome {
    let Some(status) = &facts.vrrp else { return nobody(facts) };
    let Some(adverts) = &facts.adverts else {
        return Outcome::Unknown("nobody listened for adverts".to_owned());
    };
    let mut findings = Vec::new();
    for instance in status.instances.iter().filter(|instance| instance.state != State::Stopped) {
        let same = |advert: &&Advert| {
            Some(&advert.link) == instance.interface.as_ref()
                && advert.vrid == instance.vrid
                && advert.from.is_ipv6() == (instance.family == "ipv6")
        };
        let heard: Vec<&Advert> = adverts.iter().filter(same).collect();
        of_instance(instance, &heard, &mut findings);
    }
    Outcome::Checked(findings)
}

fn of_instance(instance: &InstanceStatus, heard: &[&Advert], findings: &mut Vec<Finding>) {
    let about = format!("VRRP instance {} (VRID {})", instance.name, instance.vrid);
    let mut senders: BTreeSet<IpAddr> = BTreeSet::new();
    for advert in heard.iter().filter(|advert| advert.priority != 0) {
        if !senders.insert(advert.from) {
            continue;
        }
        if let Some((read, command)) = mismatch(instance, advert) {
            findings.push(
                Finding::broken(
                    &about,
                    format!("{} ({}) sends adverts of this virtual router, and {read}", advert.from, shown(advert.mac)),
                    "each of the two takes no notice of the other, so both become master, and both have the virtual addresses",
                )
                .mend(command),
            );
            continue;
        }
        let ours = addresses(instance);
        let theirs: BTreeSet<IpAddr> = advert.addresses.iter().copied().collect();
        let is_known = instance.peers.iter().any(|peer| peer.address == advert.from);
        if !ours.is_empty() && ours.is_disjoint(&theirs) {
            findings.push(
                Finding::broken(
                    &about,
                    format!(
                        "{} sends adverts of the same VRID with quite other addresses: {}",
                        advert.from,
                        list(&theirs)
                    ),
                    "somebody else's routers have this number on this link: one of both is silenced by the other",
                )
                .mend(format!(
                    "lvsadm vrrp edit {} --vrid NUMBER   (one that nobody else on this link has)",
                    instance.name
                )),
            );
        } else if ours != theirs && !ours.is_empty() {
            findings.push(
                Finding::risk(
                    &about,
                    format!("{} sends other addresses: {} here, {} there", advert.from, list(&ours), list(&theirs)),
                    "after a failover some addresses are missing",
                )
                .mend("give both hosts the same addresses in the same order: lvsadm vrrp show"),
            );
        }
        if instance.state == State::Master && !is_known {
            findings.push(
                Finding::broken(
                    &about,
                    format!(
                        "it is master here, and {} sends adverts that this host's VRRP process does not get",
                        advert.from
                    ),
                    "both hosts have the virtual addresses: something between the link and the process drops adverts",
                )
                .mend("let them in: nft insert rule inet filter input meta l4proto 112 accept; see rule 13"),
            );
        }
    }
    let masters = senders.len() + usize::from(instance.state == State::Master);
    if masters > 1 && findings.iter().all(|finding| finding.about != about) {
        findings.push(
            Finding::broken(
                &about,
                format!("{masters} hosts send adverts at the same time: {}", list(&senders)),
                "they do not hear each other: all of them have the virtual addresses",
            )
            .mend("look at the filters and the settings of each: lvsadm doctor, there"),
        );
    }
}

/// Returns what makes two routers deaf to each other, and what to do.
fn mismatch(instance: &InstanceStatus, advert: &Advert) -> Option<(String, String)> {
    let InstanceStatus { name, version, interval_ms, .. } = instance;
    if advert.version != *version {
        let read = format!("they are of version {}, and ours of version {version}", advert.version);
        return Some((read, format!("lvsadm vrrp edit {name} --version {}   (on one of both)", advert.version)));
    }
    if advert.hops != 255 && advert.to.is_multicast() {
        let read = format!("their TTL is {}, not 255: something on the way changes it", advert.hops);
        return Some((read, "have all routers on one link, with nothing that routes between them".to_owned()));
    }
    if !advert.sound {
        return Some((
            "their checksum is wrong".to_owned(),
            format!(
                "lvsadm vrrp show {name}   (its rejected adverts; checksum offloading of a virtual link may be to blame)"
            ),
        ));
    }
    if *version == 2 && u64::from(advert.interval_ms) != *interval_ms {
        let read = format!("their interval is {} ms, and ours {interval_ms} ms", advert.interval_ms);
        return Some((
            read,
            format!("lvsadm vrrp edit {name} --interval {}s   (on one of both)", advert.interval_ms / 1000),
        ));
    }
    let rejected = &instance.counters.rejected;
    if rejected.auth_mismatch + rejected.auth_failure > 0
        && !instance.peers.iter().any(|peer| peer.address == advert.from)
    {
        let read = format!("their authentication (type {}) does not fit ours", advert.authentication);
        return Some((read, format!("give both hosts the same type and password: lvsadm vrrp edit {name} --help")));
    }
    None
}

/// Returns the addresses of adverts.
fn addresses(instance: &InstanceStatus) -> BTreeSet<IpAddr> {
    let address = |text: &String| text.split([' ', '/']).next()?.parse::<IpAddr>().ok();
    let found = instance.addresses.iter().filter_map(address);
    // Those of the other family are in no advert.
    found.filter(|address| address.is_ipv6() == (instance.family == "ipv6")).collect()
}

fn list(addresses: &BTreeSet<IpAddr>) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn virtual_mac(facts: &Facts) -> Outcome {
    // 00:00:5e:00:01 and :02, RFC 9568 section 7.3.
    let is_virtual = |mac: [u8; 6]| matches!(mac, [0, 0, 0x5e, 0, 1 | 2, _]);
    let Some(link) = facts.links.iter().find(|link| link.mac().is_some_and(is_virtual)) else {
        return Outcome::NotNeeded("no link has a virtual MAC address");
    };
    let Some(maker) = STRICT_SWITCHES.iter().find(|maker| facts.machine.starts_with(*maker)) else {
        return Outcome::Checked(Vec::new());
    };
    let finding = Finding::risk(
        &link.name,
        format!("it has a virtual MAC address, and this machine is one of {maker}"),
        "virtual switches of that kind deliver only to MAC addresses that they gave away themselves, unless told otherwise: the \
         virtual addresses do not answer",
    );
    Outcome::Checked(vec![finding.mend(
        "allow MAC address changes, forged transmits and promiscuous mode for this port, or use no virtual MAC address \
         (lvsadm vrrp edit NAME --unset vmac)",
    )])
}

pub(super) fn scheduling(facts: &Facts) -> Outcome {
    let Some(status) = &facts.vrrp else { return nobody(facts) };
    let late = status.lateness.over.get(SECOND).copied().unwrap_or(0);
    let paused: u64 = status.instances.iter().map(|instance| instance.counters.paused).sum();
    if late == 0 && paused == 0 {
        return Outcome::Checked(Vec::new());
    }
    let worst = status.lateness.worst_us / 1000;
    let finding = Finding::risk(
        "VRRP process",
        format!(
            "{late} timers were more than a second late, the worst {worst} ms; {paused} times an instance had to listen again"
        ),
        "while this host did not get its turn, others believed that it was dead: that is what failovers without a cause look like",
    );
    Outcome::Checked(vec![finding.mend(
        "give the process real-time priority, and the virtual machine its share of the processor: see lvsadm vrrp run --help",
    )])
}
