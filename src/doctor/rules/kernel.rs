//! Rules about the kernel's switches on a director.

use std::collections::BTreeSet;

use crate::{
    doctor::{
        facts::{ELSEWHERE_V4, ELSEWHERE_V6, Facts, Ipvs, ipv4},
        finding::{Finding, Outcome},
    },
    host::{prepare::Step, sysctl::Key},
    model::{DaemonRole, Family, Forwarding},
};

/// More connections in one bucket than this make every packet's look-up long.
const FULL_BUCKET: u64 = 8;

fn set(path: &str, value: &str) -> Option<Step> {
    Key::new(path).ok().map(|key| Step::switch(key, value))
}

/// Returns services in words, the first few by name.
pub(super) fn named(services: &[String]) -> String {
    match services {
        [] => "no service".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

pub(super) fn module(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    if let Ipvs::Absent { why, hint } = &facts.ipvs {
        let follows = "no service can be added, and nothing is balanced on this host";
        let finding = Finding::broken("kernel", why, follows);
        findings.push(match hint {
            Some(hint) => finding.mend(hint),
            None => finding.step(Step::Module("ip_vs".to_owned())),
        });
    }
    if let Some(saved) = &facts.saved {
        for scheduler in &saved.missing_schedulers {
            findings.push(
                Finding::broken(
                    format!("scheduler {scheduler}"),
                    format!("{} names it, and this kernel has no module ip_vs_{scheduler}", saved.path.display()),
                    "its services cannot be added, so a restore of that file fails",
                )
                .mend("install the package that has all of this kernel's modules (linux-modules-extra, kernel-modules), or take another scheduler"),
            );
        }
    }
    Outcome::Checked(findings)
}

/// Families in which servers answer through this host.
fn nat_families(facts: &Facts) -> BTreeSet<Family> {
    let nat = facts.servers().filter(|(_, server)| server.server.forwarding == Forwarding::Masquerade);
    nat.map(|(_, server)| server.server.key.family()).collect()
}

fn nat_services(facts: &Facts, family: Family) -> String {
    named(&facts.services_by(|_, server| {
        server.server.forwarding == Forwarding::Masquerade && server.server.key.family() == family
    }))
}

pub(super) fn forwarding(facts: &Facts) -> Outcome {
    let families = nat_families(facts);
    if families.is_empty() {
        return Outcome::NotNeeded(
            "no server answers through this host: direct routing and tunnels need no forwarding",
        );
    }
    let mut findings = Vec::new();
    for family in families {
        let (path, word) = match family {
            Family::V4 => ("ipv4/ip_forward", "IPv4"),
            Family::V6 => ("ipv6/conf/all/forwarding", "IPv6"),
        };
        let follows = format!(
            "answers of the servers of {} are dropped here: packets reach the servers, and clients wait",
            nat_services(facts, family)
        );
        if facts.switch(path) == Some(0) {
            findings.push(
                Finding::broken(format!("{word} forwarding"), format!("net/{path} is 0"), follows).step(set(path, "1")),
            );
            continue;
        }
        // The links by which answers come in have a say of their own.
        for link in links_to_nat_servers(facts, family) {
            let path = format!("{}/conf/{link}/forwarding", if family == Family::V4 { "ipv4" } else { "ipv6" });
            if facts.switch(&path) == Some(0) {
                findings.push(
                    Finding::broken(format!("{word} forwarding on {link}"), format!("net/{path} is 0"), &follows)
                        .step(set(&path, "1")),
                );
            }
        }
    }
    Outcome::Checked(findings)
}

fn links_to_nat_servers(facts: &Facts, family: Family) -> BTreeSet<String> {
    let nat = facts.servers().filter(|(_, server)| {
        server.server.forwarding == Forwarding::Masquerade && server.server.key.family() == family
    });
    nat.filter_map(|(_, server)| Some(facts.link_to(server.server.key.address)?.name.clone())).collect()
}

/// Returns the links over which clients may come: that of the default route, and those whose networks have a virtual address.
fn client_links(facts: &Facts, family: Family) -> BTreeSet<String> {
    let elsewhere = if family == Family::V4 { ELSEWHERE_V4 } else { ELSEWHERE_V6 };
    let mut links: BTreeSet<String> = facts.link_to(elsewhere).map(|link| link.name.clone()).into_iter().collect();
    for vip in facts.vips() {
        let on = facts.held(vip).map(|(_, link)| link).filter(|link| !link.loopback);
        links.extend(on.map(|link| link.name.clone()));
    }
    links
}

pub(super) fn redirects(facts: &Facts) -> Outcome {
    if !nat_families(facts).contains(&Family::V4) {
        return Outcome::NotNeeded("no IPv4 server answers through this host, and only then it would send redirects");
    }
    let servers = links_to_nat_servers(facts, Family::V4);
    let one_armed: Vec<_> = client_links(facts, Family::V4).intersection(&servers).cloned().collect();
    if one_armed.is_empty() {
        return Outcome::NotNeeded("servers and clients are on different links");
    }
    let mut findings = Vec::new();
    for link in one_armed {
        let of = |name: &str| facts.switch(&format!("ipv4/conf/{name}/send_redirects")).unwrap_or(0);
        let (all, own) = (of("all"), of(&link));
        if all == 0 && own == 0 {
            continue;
        }
        let read = format!(
            "net/ipv4/conf/all/send_redirects is {all}, and that of {link} is {own}; clients and servers are both on {link}"
        );
        let follows = format!(
            "this host tells servers of {} a shorter way to clients, past itself; their answers then come from an address that \
             clients do not know, and connections hang or are reset",
            nat_services(facts, Family::V4)
        );
        let mut finding = Finding::broken(format!("redirects on {link}"), read, follows);
        for (name, value) in [("all", all), (&link, own)] {
            if value != 0 {
                finding = finding.step(ipv4(name, "send_redirects").map(|key| Step::switch(key, "0")));
            }
        }
        findings.push(finding);
    }
    Outcome::Checked(findings)
}

/// Strict filters drop clients whose packets come in by another link than answers to them would leave by.
pub(super) fn rp_filter(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    let Some(back) = facts.link_to(ELSEWHERE_V4) else {
        return Outcome::NotNeeded("there is no default route, so clients elsewhere are not expected");
    };
    let mut seen = BTreeSet::new();
    for vip in facts.vips().into_iter().filter(std::net::IpAddr::is_ipv4) {
        for (_, link) in facts.held(vip).filter(|(_, link)| !link.loopback && link.index != back.index) {
            if facts.larger(&link.name, "rp_filter").is_none_or(|(value, _)| value != 1) || !seen.insert(link.index) {
                continue;
            }
            let name = &link.name;
            let read = format!(
                "{vip} is on {name} with a strict reverse path filter (rp_filter 1), and the default route leaves by {}",
                back.name
            );
            let follows = format!(
                "packets of clients elsewhere that come in by {name} are dropped: their answers would leave by {}",
                back.name
            );
            findings.push(
                Finding::broken(format!("reverse path filter on {name}"), read, follows)
                    .step(ipv4(name, "rp_filter").map(|key| Step::switch(key, "2"))),
            );
        }
    }
    Outcome::Checked(findings)
}

pub(super) fn reuse(facts: &Facts) -> Outcome {
    let mode = facts.switch("ipv4/vs/conn_reuse_mode");
    let out = facts.servers().any(|(_, server)| server.server.weight.value() == 0);
    let mut findings = Vec::new();
    if mode == Some(0) && out {
        findings.push(
            Finding::risk(
                "net/ipv4/vs/conn_reuse_mode",
                "it is 0, and a server has weight 0",
                "a client that uses a source port again within two minutes gets to the server that it had before, even if that \
                 one is out: behind one busy proxy, connections go to servers that are being drained, for ever",
            )
            .step(set("ipv4/vs/conn_reuse_mode", "1")),
        );
    }
    let nat = !nat_families(facts).is_empty();
    if facts.kernel < (5, 9) && facts.kernel != (0, 0) && mode == Some(1) && nat && conntracked(facts) {
        let (major, minor) = facts.kernel;
        findings.push(
            Finding::risk(
                "net/ipv4/vs/conn_reuse_mode",
                format!("it is 1, net/ipv4/vs/conntrack is 1, and the kernel is {major}.{minor}"),
                "until 5.9 the kernel drops the first packet of a client that uses a source port again: such connections take a \
                 second longer",
            )
            .mend("update the kernel to 5.9 or later, or sysctl -w net/ipv4/vs/conn_reuse_mode=0 if servers are never drained"),
        );
    }
    let removed_hang = facts.switch("ipv4/vs/expire_nodest_conn") == Some(0);
    if removed_hang && mode == Some(0) {
        findings.push(
            Finding::risk(
                "net/ipv4/vs/expire_nodest_conn",
                "it is 0, and net/ipv4/vs/conn_reuse_mode is 0, too",
                "packets of a client whose server was deleted are dropped without a word, new connections from the same port \
                 included, until the old connection is forgotten (15 minutes)",
            )
            .step(set("ipv4/vs/expire_nodest_conn", "1")),
        );
    }
    Outcome::Checked(findings)
}

/// Whether connections of IPVS are tracked, too.
pub(super) fn conntracked(facts: &Facts) -> bool {
    facts.switch("ipv4/vs/conntrack") == Some(1)
}

pub(super) fn table_size(facts: &Facts) -> Outcome {
    let Ipvs::Present { info, .. } = &facts.ipvs else { return Outcome::Checked(Vec::new()) };
    let count = |status: &crate::model::ServerStatus| {
        u64::from(status.active) + u64::from(status.inactive) + u64::from(status.persistent)
    };
    let connections: u64 = facts.servers().map(|(_, server)| count(&server.status)).sum();
    let buckets = u64::from(info.table_size.max(1));
    if connections / buckets < FULL_BUCKET {
        return Outcome::Checked(Vec::new());
    }
    // Four connections a bucket; the module takes 8 to 20 bits, later kernels 27.
    let bits = (connections / 4).max(1).ilog2().clamp(8, 20);
    let finding = Finding::risk(
        "connection table",
        format!("{connections} connections are in {buckets} buckets"),
        "every packet searches a chain of them, and the director slows down under load",
    )
    .mend(format!("echo options ip_vs conn_tab_bits={bits} >/etc/modprobe.d/ipvs.conf   (takes effect when ip_vs is loaded again: at a reboot)"));
    Outcome::Checked(vec![finding])
}

pub(super) fn sync(facts: &Facts) -> Outcome {
    if facts.daemons().is_empty() {
        return Outcome::NotNeeded("no sync daemon runs");
    }
    let mut findings = Vec::new();
    for daemon in facts.daemons() {
        let about = format!("sync daemon ({})", daemon.role);
        let follows = match daemon.role {
            DaemonRole::Master => "the other director does not learn of connections, and a failover cuts all of them",
            DaemonRole::Backup => "this host does not learn of connections, and cuts all of them when it takes over",
        };
        let read = match facts.link_named(&daemon.interface) {
            Some(link) if link.running && link.multicast => continue,
            Some(link) if !link.multicast => format!("its link {} carries no multicast", link.name),
            Some(link) => format!("its link {} is down", link.name),
            None => format!("its link {} does not exist (any more)", daemon.interface),
        };
        let role = &daemon.role;
        findings.push(
            Finding::risk(about, read, follows)
                .mend(format!("lvsadm sync stop {role}; lvsadm sync start {role} -i LINK --syncid {}", daemon.sync_id)),
        );
    }
    Outcome::Checked(findings)
}

pub(super) fn estimation(facts: &Facts) -> Outcome {
    if facts.switch("ipv4/vs/run_estimation") != Some(0) {
        return Outcome::Checked(Vec::new());
    }
    let finding = Finding::risk(
        "net/ipv4/vs/run_estimation",
        "it is 0",
        "counters and rates stand still: whoever reads them (lvsadm list --rate, exporters, graphs) sees no traffic",
    );
    Outcome::Checked(vec![finding.step(set("ipv4/vs/run_estimation", "1"))])
}
