//! `lvsadm explain`: what the kernel does with a packet of a client, step by step, and which server gets it.

pub(in crate::cli) mod marks;
pub(in crate::cli) mod matching;
pub(in crate::cli) mod way;

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

use super::{
    Complaint, Error, Ui,
    args::{Faults, address, mark},
    drain,
    holder::Holder,
    json,
    kernel::Reader,
    names::Names,
    render,
    vrrp::Target,
};
use crate::{
    host::{Host, sysctl},
    ipvs::{
        Connection,
        predict::{self, Choice, Fallback, LastWeights, Packet},
        procfs,
    },
    model::{Family, Protocol, RealServer, ServerKey, ServiceKey, SnapshotService, Weight},
    state::drains::{Drains, Member},
};
use marks::Rules;
use matching::{Question, Why};
use way::Way;

/// Servers of which ways are looked up, if several may be chosen.
const MOST_WAYS: usize = 16;

/// Explain which real server a client gets, and why
///
/// Walks through what the kernel does with a packet: firewall mark, service, existing connection, remembered client, scheduler, real
/// server, way to it. For the schedulers sh, dh and mh the server is foretold, and who takes over without it; for others, the set of
/// servers with their shares, or the choice that the counts of this moment make. Nothing is sent and nothing is changed.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm explain 192.0.2.7 10.0.0.1:80
      A new connection of this client.
  lvsadm explain 192.0.2.7:49152 10.0.0.1:443
      This connection, if there is one.
  lvsadm explain 2001:db8::7 [2001:db8::100]:53 udp
      A datagram.
  lvsadm explain 192.0.2.7 10.0.0.1:80 --mark 5
      A packet that a firewall rule has given the mark 5.
  for ip in $(cat clients); do lvsadm explain $ip 10.0.0.1:80 --json | jq -r '.server.address'; done
      Who gets whom.")]
pub struct ExplainArgs {
    /// The client; without a port: any of its ports
    #[arg(value_name = "CLIENT[:PORT]")]
    client: String,
    /// Where it sends to
    #[arg(value_name = "ADDR:PORT")]
    to: String,
    /// Protocol
    #[arg(default_value = "tcp")]
    protocol: Word,
    /// The firewall mark that the packet has when it gets to IPVS
    #[arg(long, value_name = "MARK")]
    mark: Option<String>,
    /// Look host and service names up
    #[arg(long)]
    resolve: bool,
    /// JSON, described in lvsadm(8)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// A protocol that can be balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Word {
    Tcp,
    Udp,
    Sctp,
}

impl Word {
    fn protocol(self) -> Protocol {
        match self {
            Self::Tcp => Protocol::Tcp,
            Self::Udp => Protocol::Udp,
            Self::Sctp => Protocol::Sctp,
        }
    }
}

/// A line of the connection table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Known {
    /// The client's side.
    pub(in crate::cli) client: SocketAddr,
    /// The server's side.
    pub(in crate::cli) server: SocketAddr,
    /// State as the kernel calls it.
    pub(in crate::cli) state: String,
    /// Seconds until it is forgotten.
    pub(in crate::cli) expires: u32,
}

impl Known {
    fn new(each: &Connection<'_>) -> Self {
        Self { client: each.client, server: each.server, state: each.state.to_owned(), expires: each.expires }
    }
}

/// What decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Decision {
    /// Nothing: IPVS does not take the packet.
    NotTaken,
    /// The connection exists.
    Connection(ServerKey),
    /// The client is remembered.
    Template(ServerKey),
    /// The client would be remembered by its call, which is not known here.
    Engine(String),
    /// The scheduler.
    Scheduler(Choice),
}

/// A server that may get the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Candidate {
    /// The server, as the table has it.
    pub(in crate::cli) server: RealServer,
    /// Its share of new connections in thousandths, where several may be chosen.
    pub(in crate::cli) share: Option<u32>,
    /// How packets get to it.
    pub(in crate::cli) way: Option<Way>,
}

/// All that there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Explanation {
    /// What was asked.
    pub(in crate::cli) question: Question,
    /// Whether the mark was named.
    pub(in crate::cli) mark_is_said: bool,
    /// The link that has the virtual address.
    pub(in crate::cli) link: Option<String>,
    /// Rules that could set a mark, if there are services for marks and none was named.
    pub(in crate::cli) rules: Option<Rules>,
    /// Connections that are known.
    pub(in crate::cli) connections: Vec<Known>,
    /// The service, and why it takes the packet.
    pub(in crate::cli) service: Option<(SnapshotService, Why)>,
    /// Other services of the address, if none takes it.
    pub(in crate::cli) others: Vec<ServiceKey>,
    /// What is remembered of the client.
    pub(in crate::cli) template: Option<Known>,
    /// Whether that is void, because its server has no weight or is gone.
    pub(in crate::cli) template_is_void: bool,
    /// What decides.
    pub(in crate::cli) decision: Decision,
    /// Who may get it.
    pub(in crate::cli) candidates: Vec<Candidate>,
    /// Who gets it without the one that was foretold.
    pub(in crate::cli) fallback: Option<Fallback>,
    /// Servers whose last weight above 0 the scheduler goes by, and nobody knows.
    pub(in crate::cli) unknown_weights: Vec<ServerKey>,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or the kernel cannot be read.
pub fn run(args: ExplainArgs, ui: &mut Ui) -> Result<u8, Error> {
    let (question, mark_is_said) = question(&args)?;
    let mut reader = Reader::open(ui)?;
    let snapshot = reader.snapshot()?;
    let text = procfs::read_connections()?;
    let found = matching::service(&snapshot, &question);
    let lines = || procfs::connections(&text).filter_map(Result::ok);
    let connections: Vec<Known> =
        lines().filter(|each| matching::is_connection(each, &question)).map(|each| Known::new(&each)).collect();
    let template = found.and_then(|(service, _)| {
        lines().find(|each| matching::is_template(each, &question, service)).map(|each| Known::new(&each))
    });
    let has_marks = snapshot.services.iter().any(|each| matches!(each.service.key, ServiceKey::Mark { .. }));
    let is_alike =
        |key: &ServiceKey| matches!(key, ServiceKey::Address { address, .. } if *address == question.to.ip());
    let others = snapshot.services.iter().map(|each| each.service.key).filter(is_alike);

    let last = found.map(|(service, _)| last_weights(&args.target, service)).unwrap_or_default();
    let mut host = Host::open().map_err(Error::failed)?;
    let links = host.links().map_err(Error::failed)?;
    let addresses = host.addresses().map_err(Error::failed)?;
    let held = addresses.iter().find(|held| held.address.address == question.to.ip());
    let mut explanation = Explanation {
        question,
        mark_is_said,
        link: held.and_then(|held| links.iter().find(|link| link.index == held.link)).map(|link| link.name.clone()),
        rules: (has_marks && !mark_is_said).then(marks::rules),
        connections,
        service: found.map(|(service, why)| (service.clone(), why)),
        others: if found.is_none() { others.collect() } else { Vec::new() },
        template_is_void: false,
        template,
        decision: Decision::NotTaken,
        candidates: Vec::new(),
        fallback: None,
        unknown_weights: Vec::new(),
    };
    if let Some((service, _)) = &explanation.service {
        explanation.unknown_weights = predict::unknown_weights(service, &last);
    }
    explanation.decide(sends_away(), &last);
    for candidate in explanation.candidates.iter_mut().take(MOST_WAYS) {
        candidate.way = Some(way::find(&mut host, &links, &candidate.server, question.mark)?);
    }
    if args.json {
        ui.json(&json::Explained::new(&explanation))?;
    } else {
        ui.print(render::explanation(&explanation, &Names::new(args.resolve)))?;
    }
    Ok(0)
}

/// Reads the command line.
fn question(args: &ExplainArgs) -> Result<(Question, bool), Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.resolve);
    let protocol = args.protocol.protocol();
    let client = faults.take(address("CLIENT", &args.client, protocol, &names));
    let to = faults.take(address("ADDR:PORT", &args.to, protocol, &names));
    let mark = faults.read(args.mark.as_ref(), |word| mark("--mark", word));
    if let (Some((client, _)), Some((to, port))) = (client, to) {
        if Family::of(client) != Family::of(to) {
            faults.add(Complaint::new(format_args!("{client} and {to} are of different families")));
        }
        if port.is_none() {
            faults.add(
                Complaint::new(format_args!("{}: the port is missing", args.to))
                    .hint("for example 10.0.0.1:80, or [2001:db8::1]:80"),
            );
        }
    }
    match (client, to) {
        (Some((client, client_port)), Some((to, Some(port)))) => {
            faults.check()?;
            let to = SocketAddr::new(to, port);
            Ok((Question { protocol, client, client_port, to, mark: mark.unwrap_or(0) }, mark.is_some()))
        }
        _ => Err(faults.into()),
    }
}

/// Returns what weights servers had that have none now: from an agent, or from the notes of drains. Who cannot be asked knows
/// nothing.
fn last_weights(target: &Target, service: &SnapshotService) -> LastWeights {
    let key = &service.service.key;
    let closed = service.servers.iter().map(|each| each.server).filter(|server| server.weight == Weight::ZERO);
    let mut closed = closed.peekable();
    if closed.peek().is_none() {
        return LastWeights::new();
    }
    let held = Holder::for_reading_in(&target.run_dir()).and_then(|holder| holder.table(Some(key)).ok());
    let notes = Drains::read(&drain::record::path(target)).unwrap_or_default();
    let weight = |server: &RealServer| match &held {
        Some((table, _)) => Some(table.services.get(key)?.servers.get(&server.key)?.weight),
        None => notes.drain(&Member::new(key, &server.key)).and_then(|drain| Weight::new(drain.weight)),
    };
    let known = closed.filter_map(|server| Some((server.key, weight(&server)?)));
    known.filter(|(_, weight)| *weight > Weight::ZERO).collect()
}

/// Whether clients that are remembered are sent away from servers without weight.
fn sends_away() -> bool {
    let switch = sysctl::Key::new("ipv4/vs/expire_quiescent_template").ok();
    switch.and_then(|key| sysctl::read(&key).ok()).as_deref() == Some("1")
}

impl Explanation {
    /// Decides as the kernel does: a connection that exists, then what is remembered, then the scheduler.
    fn decide(&mut self, sends_away: bool, last: &LastWeights) {
        if let ([connection], Some(_)) = (self.connections.as_slice(), self.question.client_port) {
            let key = key_of(connection.server);
            self.decision = Decision::Connection(key);
            self.candidates = self.find(key).into_iter().collect();
            return;
        }
        let Some((service, _)) = &self.service else { return };
        if let (Some(engine), Some(_)) = (&service.service.engine, service.service.persistence) {
            self.decision = Decision::Engine(engine.clone());
            return;
        }
        if let Some(template) = &self.template {
            let key = key_of(template.server);
            let server = service.servers.iter().find(|each| {
                each.server.key.address == key.address && (each.server.key.port == key.port || key.port == 0)
            });
            let holds = server.is_some_and(|each| each.server.weight > Weight::ZERO || !sends_away);
            self.template_is_void = !holds;
            if let Some(server) = server.filter(|_| holds) {
                let key = server.server.key;
                self.decision = Decision::Template(key);
                self.candidates = self.find(key).into_iter().collect();
                return;
            }
        }
        let packet = Packet {
            source: self.question.client,
            source_port: self.question.client_port,
            destination: self.question.to.ip(),
        };
        let choice = predict::choose(service, &packet, last);
        match &choice {
            Choice::Hashed(key) | Choice::Closed(key) => {
                self.fallback = Some(predict::fallback(service, &packet, *key, last));
                self.candidates = self.find(*key).into_iter().collect();
            }
            Choice::Now(key) => self.candidates = self.find(*key).into_iter().collect(),
            Choice::Shared(shares) => {
                self.candidates = shares
                    .iter()
                    .filter_map(|(key, share)| Some(Candidate { share: Some(*share), ..self.find(*key)? }))
                    .collect();
            }
            Choice::Nobody | Choice::NeedsPort => {}
        }
        self.decision = Decision::Scheduler(choice);
    }

    /// Returns a server of the service.
    fn find(&self, key: ServerKey) -> Option<Candidate> {
        let (service, _) = self.service.as_ref()?;
        let server = service.servers.iter().map(|each| each.server).find(|server| server.key == key)?;
        Some(Candidate { server, share: None, way: None })
    }

    /// Returns the server that gets the packet, where one can be named.
    pub(in crate::cli) fn server(&self) -> Option<ServerKey> {
        match &self.decision {
            Decision::Connection(key) | Decision::Template(key) => Some(*key),
            Decision::Scheduler(Choice::Hashed(key) | Choice::Now(key)) => Some(*key),
            Decision::NotTaken | Decision::Engine(_) | Decision::Scheduler(_) => None,
        }
    }
}

fn key_of(server: SocketAddr) -> ServerKey {
    ServerKey { address: server.ip(), port: server.port() }
}
