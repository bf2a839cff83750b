//! Rules about the table itself.

use std::net::SocketAddr;

use crate::{
    doctor::{
        facts::{Facts, is_tunnel},
        finding::{Finding, Outcome},
        probe::socket,
    },
    model::{Forwarding, ServiceKey, SnapshotServer, SnapshotService},
};

/// Templates below this number say nothing about how clients are spread.
const ENOUGH: u32 = 50;

/// Options of `edit-real` and the like for a service.
pub(super) fn option(key: ServiceKey) -> String {
    match key {
        ServiceKey::Address { protocol, .. } => {
            let address = socket(key).map(|socket| socket.to_string()).unwrap_or_default();
            let option = match protocol.number() {
                17 => "-u",
                132 => "--sctp-service",
                _ => "-t",
            };
            format!("{option} {address}")
        }
        ServiceKey::Mark { mark, .. } => format!("-f {mark}"),
    }
}

/// The socket addresses of a service and a server of it, as connections name them.
pub(super) fn ends(service: &SnapshotService, server: &SnapshotServer) -> Option<(SocketAddr, SocketAddr)> {
    let key = server.server.key;
    Some((socket(service.service.key)?, SocketAddr::new(key.address, key.port)))
}

pub(super) fn weights(facts: &Facts) -> Outcome {
    if facts.services().is_empty() {
        return Outcome::NotNeeded("there is no service");
    }
    let mut findings = Vec::new();
    for service in facts.services() {
        let key = service.service.key;
        let follows = "no server is eligible: clients get a reset or an ICMP error, or no answer";
        let is_full = |server: &SnapshotServer| {
            let upper = server.server.thresholds.upper;
            upper != 0 && server.status.active + server.status.inactive >= upper
        };
        let out = |server: &SnapshotServer| server.server.weight.value() == 0;
        if service.servers.is_empty() {
            let finding = Finding::broken(key, "it has no server", follows);
            findings.push(finding.mend(format!("lvsadm add-real {} -r SERVER", option(key))));
        } else if service.servers.iter().all(out) {
            let first = service.servers.first().map(|server| server.server.key.to_string()).unwrap_or_default();
            findings.push(
                Finding::broken(key, format!("all {} servers have weight 0", service.servers.len()), follows)
                    .mend(format!("lvsadm edit-real {} -r {first} -w 1", option(key))),
            );
        } else if service.servers.iter().all(|server| out(server) || is_full(server)) {
            let full = service.servers.iter().find(|server| is_full(server));
            let (name, upper) =
                full.map(|server| (server.server.key.to_string(), server.server.thresholds.upper)).unwrap_or_default();
            findings.push(
                Finding::broken(
                    key,
                    format!("every server with a weight has reached its upper threshold ({name}: {upper})"),
                    follows,
                )
                .mend(format!(
                    "lvsadm edit-real {} -r {name} -x {}",
                    option(key),
                    upper.saturating_mul(2)
                )),
            );
        }
    }
    Outcome::Checked(findings)
}

/// Servers whose port the kernel does not look at.
pub(super) fn ignores_port(service: &SnapshotService, server: &SnapshotServer) -> bool {
    let own = server.server.key.port;
    let wanted = service.service.key.port();
    let keeps = server.server.forwarding == Forwarding::Route || is_tunnel(server.server.forwarding);
    keeps && wanted.is_some_and(|port| port != 0 && own != port)
}

pub(super) fn ports(facts: &Facts) -> Outcome {
    let findings = facts.servers().filter(|(service, server)| ignores_port(service, server)).map(|(service, server)| {
        let (key, real) = (service.service.key, server.server.key);
        let port = key.port().unwrap_or(0);
        Finding::broken(
            key,
            format!("the port of {real} is not the service's, {port}, and packets are not rewritten on their way there"),
            format!("direct routing and tunnels leave the port as it is: they arrive at port {port} of the server"),
        )
        .mend(format!(
            "lvsadm delete-real {0} -r {real}; lvsadm add-real {0} -r {1} {2}   (and let the server listen there), or use -m",
            option(key),
            SocketAddr::new(real.address, port),
            if is_tunnel(server.server.forwarding) { "-i" } else { "-g" }
        ))
    });
    Outcome::Checked(findings.collect())
}

pub(super) fn own_clients(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    for (service, server) in facts.servers() {
        let Some(ends) = ends(service, server) else { continue };
        let Some(stuck) = facts.connections.stuck.get(&ends) else { continue };
        let key = service.service.key;
        let nat = server.server.forwarding == Forwarding::Masquerade;
        let own = stuck.keys().find(|client| facts.addresses.iter().any(|held| held.address.address == **client));
        if let Some(client) = own.filter(|_| !nat) {
            findings.push(
                Finding::broken(
                    key,
                    format!("{client}, an address of this host, waits for {}", server.server.key),
                    "the director cannot be a client of its own service by direct routing or tunnels: the answer comes in with \
                     the virtual address as its source, which is the director's own, and is dropped",
                )
                .mend("ask a server by its own address from here, or the service from another host"),
            );
        }
        let fellow =
            stuck.keys().find(|client| service.servers.iter().any(|server| server.server.key.address == **client));
        if let Some(client) = fellow.filter(|_| nat) {
            findings.push(
                Finding::broken(
                    key,
                    format!("the real server {client} is a client, too, and waits for {}", server.server.key),
                    "servers are neighbours: the answer goes straight from one to the other, past the director, from an address \
                     that the client did not ask",
                )
                .mend_on(*client, "ask the server by its own address, or put the client into another network"),
            );
        }
    }
    Outcome::Checked(findings)
}

pub(super) fn families(facts: &Facts) -> Outcome {
    let Some(saved) = &facts.saved else {
        return Outcome::NotNeeded(
            "the kernel refuses what does not go together, and there is no save file to look at",
        );
    };
    let findings = saved.mixed.iter().map(|(number, line)| {
        Finding::broken(
            format!("{}:{number}", saved.path.display()),
            format!("{line}: service and server are of different families, and the server is no tunnel"),
            "the kernel refuses it (EINVAL): packets of one family can only be carried by the other one inside a tunnel, so the \
             file cannot be restored",
        )
        .mend("in that line: -i instead of -g or -m   (a tunnel), or an address of the service's family")
    });
    Outcome::Checked(findings.collect())
}

pub(super) fn persistence(facts: &Facts) -> Outcome {
    let persistent = |service: &&SnapshotService| service.service.persistence.is_some();
    if !facts.services().iter().any(|service| persistent(&service)) {
        return Outcome::NotNeeded("no service is persistent");
    }
    let expires = facts.switch("ipv4/vs/expire_quiescent_template").unwrap_or(0) != 0;
    let mut findings = Vec::new();
    for service in facts.services().iter().filter(persistent) {
        let key = service.service.key;
        let templates = |server: &SnapshotServer| {
            let counted = ends(service, server).and_then(|ends| facts.connections.templates.get(&ends)).copied();
            counted.unwrap_or(0).max(server.status.persistent)
        };
        for server in service.servers.iter().filter(|server| server.server.weight.value() == 0 && !expires) {
            let tied = templates(server);
            if tied > 0 {
                findings.push(
                    Finding::risk(
                        key,
                        format!(
                            "{tied} persistence templates tie clients to {}, which has weight 0; \
                             net/ipv4/vs/expire_quiescent_template is 0",
                            server.server.key
                        ),
                        "those clients get to that server with every new connection, and each one makes the template last \
                         longer: the server never becomes free, and if it is dead they get no answer",
                    )
                    .step(crate::host::sysctl::Key::new("ipv4/vs/expire_quiescent_template").ok().map(|key| {
                        crate::host::prepare::Step::switch(key, "1")
                    })),
                );
            }
        }
        let counts: Vec<u32> = service.servers.iter().map(templates).collect();
        let sum: u32 = counts.iter().sum();
        let most = service.servers.iter().zip(&counts).max_by_key(|(_, count)| **count);
        if let Some((server, count)) = most
            && sum >= ENOUGH
            && service.servers.iter().filter(|server| server.server.weight.value() > 0).count() > 1
            && u64::from(*count) * 10 >= u64::from(sum) * 8
        {
            findings.push(
                Finding::risk(
                    key,
                    format!("{count} of {sum} persistence templates are those of {}", server.server.key),
                    "most clients are tied to one server; they may come from behind one gateway, or the netmask is too wide",
                )
                .mend(format!("lvsadm edit-service {} -p TIMEOUT -M NETMASK   (a finer netmask, a shorter time)", option(key))),
            );
        }
    }
    Outcome::Checked(findings)
}
