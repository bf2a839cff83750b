//! `lvsadm connections`: the kernel's connection table, filtered and counted.

use std::{collections::HashMap, net::IpAddr};

use clap::{Args, ValueEnum};

use super::{
    Error, Ui,
    args::{Faults, Prefix, ServiceFilter, ServiceFilterArgs, number, server_filter},
    json,
    kernel::Reader,
    names::Names,
    render,
};
use crate::{
    ipvs::{Connection, procfs},
    model::{Protocol, ServiceKey, Snapshot},
};

/// Show or count connections
///
/// Those that the kernel remembers, and the persistence of clients among them. A firewall mark's connections are told by
/// their servers: they are those that no other service can have made.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm connections -t 10.0.0.1:80 -r 10.0.0.11
      Those of one service on one server.
  lvsadm connections --count-by client --limit 10
      Who has most.
  lvsadm connections --client 192.0.2.0/24 --state SYN_RECV
      Those of a network that are not established.
  lvsadm connections --json | jq -r '.connections[].client_address' | sort -u
      All clients.")]
pub struct ConnectionsArgs {
    #[command(flatten)]
    services: ServiceFilterArgs,
    /// Only to this server; without a port: all of its ports. May be repeated, as all of these
    #[arg(short = 'r', long = "real-server", visible_alias = "server", value_name = "ADDR[:PORT]")]
    servers: Vec<String>,
    /// Only from this address or network
    #[arg(long, value_name = "ADDR[/LENGTH]")]
    client: Vec<String>,
    /// Only in this state: ESTABLISHED, SYN_RECV, FIN_WAIT, UDP …
    #[arg(long, value_name = "STATE")]
    state: Vec<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Count them instead
    #[arg(long, value_name = "WHAT")]
    count_by: Option<Group>,
    /// At most so many lines
    #[arg(long, value_name = "NUMBER")]
    limit: Option<String>,
    /// Show names instead of addresses and ports, and look names up
    #[arg(long)]
    resolve: bool,
    /// JSON, described in lvsadm(8)
    #[arg(long)]
    json: bool,
}

/// What connections are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Address of the client
    Client,
    /// Server with its port
    Server,
    /// Virtual address with its port
    Service,
    /// State
    State,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, or the kernel's connections cannot be read.
pub fn run(args: ConnectionsArgs, ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.output.resolve);
    let services = args.services.filter(&names, &mut faults);
    let mut filter = Filter {
        marks: None,
        servers: args.servers.iter().filter_map(|word| faults.take(server_filter(word, &names))).collect(),
        clients: args.client.iter().filter_map(|word| faults.take(Prefix::read("--client", word))).collect(),
        states: args.state.clone(),
        services,
    };
    let limit =
        faults.read(args.output.limit.as_ref(), |word| number("--limit", word, 1..=usize::MAX)).unwrap_or(usize::MAX);
    faults.check()?;

    if filter.services.names_marks() {
        filter.marks = Some(MarkedServers::new(&Reader::open(ui)?.snapshot()?));
    }
    let text = procfs::read_connections()?;
    let mut unreadable = 0_usize;
    let connections = procfs::connections(&text).filter_map(|line| line.map_err(|_| unreadable += 1).ok());
    let mut found: Vec<Connection<'_>> = connections.filter(|each| filter.takes(each)).collect();
    found.sort_by_key(|each| (each.client, each.service, each.protocol));

    let total = found.len();
    let (shown, what) = match args.output.count_by {
        None => {
            found.truncate(limit);
            if args.output.json {
                ui.json(&json::Connections::new(total, &found))?;
            } else {
                ui.print(render::connections(&found, &names))?;
            }
            (total.min(limit), "connections")
        }
        Some(group) => {
            let mut groups = count(&found, group, &names);
            let all = groups.len();
            groups.truncate(limit);
            if args.output.json {
                ui.json(&json::Groups::new(group.word(), total, &groups))?;
            } else {
                ui.print(render::groups(group.title(), &groups))?;
            }
            return finish(ui, (groups.len(), all, "groups"), unreadable);
        }
    };
    finish(ui, (shown, total, what), unreadable)
}

/// Says what was left out.
fn finish(ui: &mut Ui, (shown, all, what): (usize, usize, &str), unreadable: usize) -> Result<u8, Error> {
    ui.flush()?;
    if shown < all {
        ui.note(format_args!("{shown} of {all} {what}"));
    }
    if unreadable > 0 {
        ui.warn(format_args!("{unreadable} lines of the kernel's table were not understood"));
    }
    Ok(0)
}

impl Group {
    fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Service => "service",
            Self::State => "state",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Client => "CLIENT",
            Self::Server => "SERVER",
            Self::Service => "SERVICE",
            Self::State => "STATE",
        }
    }

    fn of(self, each: &Connection<'_>, labels: &dyn render::Labels) -> String {
        match self {
            Self::Client => labels.address(each.client.ip()),
            Self::Server => render::server_end(each, labels),
            Self::Service => render::service_end(each, labels),
            Self::State => each.state.to_owned(),
        }
    }
}

/// Returns how many connections each group has, the largest first.
fn count(connections: &[Connection<'_>], group: Group, labels: &dyn render::Labels) -> Vec<(String, usize)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for each in connections {
        *counts.entry(group.of(each, labels)).or_default() += 1;
    }
    let mut groups: Vec<_> = counts.into_iter().collect();
    groups.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
    groups
}

/// Which connections are shown; what is empty filters nothing.
struct Filter {
    services: ServiceFilter,
    marks: Option<MarkedServers>,
    servers: Vec<(IpAddr, Option<u16>)>,
    clients: Vec<Prefix>,
    states: Vec<String>,
}

impl Filter {
    fn takes(&self, each: &Connection<'_>) -> bool {
        self.takes_service(each)
            && (self.servers.is_empty()
                || self.servers.iter().any(|(address, port)| {
                    *address == each.server.ip() && port.is_none_or(|port| port == each.server.port())
                }))
            && (self.clients.is_empty() || self.clients.iter().any(|net| net.contains(each.client.ip())))
            && (self.states.is_empty() || self.states.iter().any(|state| state.eq_ignore_ascii_case(each.state)))
    }

    fn takes_service(&self, each: &Connection<'_>) -> bool {
        if self.services.takes(&address_key(each)) {
            return true;
        }
        match render::template_mark(each) {
            Some(key) => self.services.takes(&key),
            None => self.marks.as_ref().is_some_and(|marks| marks.of(each).any(|key| self.services.takes(&key))),
        }
    }
}

fn address_key(each: &Connection<'_>) -> ServiceKey {
    ServiceKey::Address { protocol: each.protocol, address: each.service.ip(), port: each.service.port() }
}

/// The servers of all firewall marks, and the services that are none: the connection table does not tell the mark that a
/// packet had.
struct MarkedServers {
    marks: Vec<(ServiceKey, Vec<(IpAddr, u16)>)>,
    addresses: Vec<(Protocol, IpAddr, u16)>,
}

impl MarkedServers {
    fn new(snapshot: &Snapshot) -> Self {
        let mut found = Self { marks: Vec::new(), addresses: Vec::new() };
        for each in &snapshot.services {
            match each.service.key {
                ServiceKey::Address { protocol, address, port } => found.addresses.push((protocol, address, port)),
                key @ ServiceKey::Mark { .. } => {
                    let servers = each.servers.iter().map(|s| (s.server.key.address, s.server.key.port));
                    found.marks.push((key, servers.collect()));
                }
            }
        }
        found
    }

    /// Returns the marks that may have made a connection: those with its server, if no other service takes it.
    fn of(&self, each: &Connection<'_>) -> impl Iterator<Item = ServiceKey> {
        let (address, port) = (each.service.ip(), each.service.port());
        let taken = self.addresses.iter().any(|&(protocol, vip, vport)| {
            (protocol, vip) == (each.protocol, address) && (vport == port || vport == 0)
        });
        let server = each.server;
        self.marks
            .iter()
            .filter(move |(_, servers)| {
                !taken && servers.iter().any(|&(ip, port)| ip == server.ip() && (port == 0 || port == server.port()))
            })
            .map(|(key, _)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From /proc/net/ip_vs_conn of Linux 6.1: two connections, a persistence template, one of the firewall mark 5.
    const TEXT: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP AC100102 A74E AC100101 0050 AC100302 1F90 ESTABLISHED     896
TCP AC100102 A750 AC100101 0050 AC100402 1F90 FIN_WAIT        110
TCP AC100100 0000 AC100101 0050 AC100302 1F90 ASSURED          56
IP  AC100100 0000 00000005 0000 AC100302 0000 NONE             30
UDP C0000207 C4B6 AC100109 0035 AC100302 0035 UDP             299
";

    fn filter() -> Filter {
        Filter {
            services: ServiceFilter::default(),
            marks: None,
            servers: Vec::new(),
            clients: Vec::new(),
            states: Vec::new(),
        }
    }

    fn found(filter: &Filter) -> Vec<String> {
        let connections = procfs::connections(TEXT).map(Result::unwrap).filter(|each| filter.takes(each));
        connections.map(|each| format!("{} {}", each.client, each.state)).collect()
    }

    #[test]
    fn filters_are_joined() {
        assert_eq!(found(&filter()).len(), 5);
        let server = ("172.16.3.2".parse().unwrap(), None);
        let state = "established".to_owned();
        assert_eq!(
            found(&Filter { servers: vec![server], states: vec![state], ..filter() }),
            ["172.16.1.2:42830 ESTABLISHED"]
        );
        let client = Prefix::read("--client", "192.0.2.0/24").unwrap();
        assert_eq!(found(&Filter { clients: vec![client], ..filter() }), ["192.0.2.7:50358 UDP"]);
    }

    #[test]
    fn groups_are_counted() {
        let connections: Vec<_> = procfs::connections(TEXT).map(Result::unwrap).collect();
        let count = |group| count(&connections, group, &Names::new(false));
        assert_eq!(count(Group::Client), [("172.16.1.0".into(), 2), ("172.16.1.2".into(), 2), ("192.0.2.7".into(), 1)]);
        assert_eq!(
            count(Group::Service),
            [("TCP 172.16.1.1:80".into(), 3), ("FWM 5".into(), 1), ("UDP 172.16.1.9:53".into(), 1)]
        );
        assert_eq!(count(Group::State).len(), 5);
    }
}
