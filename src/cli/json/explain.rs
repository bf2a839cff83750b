//! `explain --json`.

use std::net::IpAddr;

use serde::Serialize;

use super::{SCHEMA, ServiceName, protocol};
use crate::{
    cli::{
        explain::{Candidate, Decision, Explanation, Known, way::Way},
        render::forwarding_word,
    },
    ipvs::predict::Choice,
    model::ServerKey,
};

/// What the kernel does with a packet.
#[derive(Debug, Serialize)]
pub struct Explained<'a> {
    schema: u32,
    protocol: String,
    client_address: IpAddr,
    client_port: Option<u16>,
    address: IpAddr,
    port: u16,
    /// The mark that was named, 0 for none.
    mark: u32,
    /// The link that has the virtual address; `null` if it is not on this host.
    link: Option<&'a str>,
    /// Rules of the firewall that set marks, as their tools print them; `null` if they do not matter here.
    mark_rules: Option<&'a [String]>,
    /// Connections of this client with this service that are known.
    connections: Vec<KnownItem<'a>>,
    /// The service that takes the packet.
    service: Option<ServiceName>,
    /// `mark`, `exact`, `ftp`, `all-ports`.
    matched_by: Option<&'static str>,
    scheduler: Option<&'a str>,
    /// What is remembered of the client.
    remembered: Option<KnownItem<'a>>,
    /// What decides: `nothing` (IPVS does not take it), `connection`, `persistence`, `engine`, `hash`, `counts`, `share`,
    /// `closed` (its hash names a server that takes nothing: dropped), `nobody` (dropped), `needs-port`.
    decision: &'static str,
    /// The server, where one can be named.
    server: Option<ServerItem>,
    /// The next one once that has weight 0; `null`: nobody, or not foretold.
    server_if_drained: Option<ServerItem>,
    /// The next one once that is deleted; `null`: nobody, or not foretold.
    server_if_deleted: Option<ServerItem>,
    /// Whether the choice is sure; not where a scheduler goes by something that is not seen.
    certain: bool,
    /// All servers that may be chosen.
    candidates: Vec<CandidateItem<'a>>,
}

#[derive(Debug, Serialize)]
struct KnownItem<'a> {
    client_address: IpAddr,
    client_port: u16,
    server_address: IpAddr,
    server_port: u16,
    state: &'a str,
    expires: u32,
}

#[derive(Debug, Serialize)]
struct ServerItem {
    address: IpAddr,
    port: u16,
}

#[derive(Debug, Serialize)]
struct CandidateItem<'a> {
    address: IpAddr,
    port: u16,
    weight: u32,
    forwarding: &'static str,
    /// Share of new connections, from 0 to 1, where several may be chosen.
    share: Option<f64>,
    /// `link`, `local`, `none`; `null` if it was not looked up.
    route: Option<&'static str>,
    /// Why there is no route.
    route_error: Option<&'a str>,
    link: Option<&'a str>,
    gateway: Option<IpAddr>,
    source: Option<IpAddr>,
    /// State of the next host on the way, as `ip neighbour` calls it, in small letters.
    neighbour: Option<&'static str>,
    /// The largest packet of a client that fits, in bytes.
    largest_packet: Option<u32>,
    doubts: Vec<String>,
}

impl<'a> KnownItem<'a> {
    fn new(known: &'a Known) -> Self {
        Self {
            client_address: known.client.ip(),
            client_port: known.client.port(),
            server_address: known.server.ip(),
            server_port: known.server.port(),
            state: &known.state,
            expires: known.expires,
        }
    }
}

impl ServerItem {
    fn new(key: ServerKey) -> Self {
        Self { address: key.address, port: key.port }
    }

    fn of(choice: &Choice) -> Option<Self> {
        match choice {
            Choice::Hashed(key) | Choice::Now(key) => Some(Self::new(*key)),
            _ => None,
        }
    }
}

impl<'a> CandidateItem<'a> {
    fn new(each: &'a Candidate) -> Self {
        let server = &each.server;
        let mut item = Self {
            address: server.key.address,
            port: server.key.port,
            weight: server.weight.value(),
            forwarding: forwarding_word(server.forwarding),
            share: each.share.map(|share| f64::from(share) / 1000.0),
            route: None,
            route_error: None,
            link: None,
            gateway: None,
            source: None,
            neighbour: None,
            largest_packet: None,
            doubts: each.way.as_ref().map(|way| way.doubts(server)).unwrap_or_default(),
        };
        match &each.way {
            None => {}
            Some(Way::None(why)) => {
                item.route = Some("none");
                item.route_error = Some(why);
            }
            Some(Way::Local) => item.route = Some("local"),
            Some(Way::Link { link, gateway, source, neighbour, mtu, overhead }) => {
                item.route = Some("link");
                item.link = Some(link);
                item.gateway = *gateway;
                item.source = *source;
                item.neighbour = neighbour.as_ref().map(|neighbour| neighbour.state.word());
                item.largest_packet = Some(mtu.saturating_sub(*overhead));
            }
        }
        item
    }
}

impl<'a> Explained<'a> {
    /// Converts an explanation.
    pub(in crate::cli) fn new(it: &'a Explanation) -> Self {
        let question = &it.question;
        let decision = match &it.decision {
            Decision::NotTaken => "nothing",
            Decision::Connection(_) => "connection",
            Decision::Template(_) => "persistence",
            Decision::Engine(_) => "engine",
            Decision::Scheduler(choice) => match choice {
                Choice::Hashed(_) => "hash",
                Choice::Now(_) => "counts",
                Choice::Shared(_) => "share",
                Choice::Closed(_) => "closed",
                Choice::Nobody => "nobody",
                Choice::NeedsPort => "needs-port",
            },
        };
        Self {
            schema: SCHEMA,
            protocol: protocol(question.protocol),
            client_address: question.client,
            client_port: question.client_port,
            address: question.to.ip(),
            port: question.to.port(),
            mark: question.mark,
            link: it.link.as_deref(),
            mark_rules: it.rules.as_ref().map(|rules| rules.found.as_slice()),
            connections: it.connections.iter().map(KnownItem::new).collect(),
            service: it.service.as_ref().map(|(service, _)| ServiceName::new(&service.service.key)),
            matched_by: it.service.as_ref().map(|(_, why)| why.word()),
            scheduler: it.service.as_ref().map(|(service, _)| service.service.scheduler.as_str()),
            remembered: it.template.as_ref().map(KnownItem::new),
            decision,
            server: it.server().map(ServerItem::new),
            server_if_drained: it.fallback.as_ref().and_then(|next| ServerItem::of(&next.drained)),
            server_if_deleted: it.fallback.as_ref().and_then(|next| ServerItem::of(&next.deleted)),
            certain: it.unknown_weights.is_empty(),
            candidates: it.candidates.iter().map(CandidateItem::new).collect(),
        }
    }
}
