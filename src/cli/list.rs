//! `lvsadm list`: services and servers, for people and for programs.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    net::IpAddr,
    time::Duration,
};

use clap::{Args, ValueEnum};

use super::{
    Error, Ui,
    args::{Faults, ServiceFilter, ServiceFilterArgs, interval, server_filter},
    compat::{layout, sort},
    drain::record,
    holder::Holder,
    json,
    kernel::Reader,
    names::Names,
    render::{self, Note, Notes},
    vrrp::Target,
    watch::watch,
};
use crate::{
    model::{ServerKey, ServerStatus, ServiceKey, Snapshot, SnapshotServer, SnapshotService, Weight},
    state::{
        drains::{Drains, Member},
        grammar::{self, Listing},
        names::Resolver,
    },
};

/// Show services and servers
///
/// Without root, what everybody may read is shown: no counters, thresholds, tunnels and flags of schedulers. With an agent
/// that holds the table, also servers that are out of it, and why: down, drained, untested.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm list
      Everything, sorted by address.
  lvsadm list -t 10.0.0.1:80 -t 10.0.0.1:443
      Two services.
  lvsadm list -r 10.0.0.11
      Where a server is in use.
  lvsadm list --rates --sort rate --watch
      What is busy now, every two seconds.
  lvsadm list --json | jq '.services[].servers[] | select(.weight == 0)'
      Servers that get no new connections.
  lvsadm list --format ipvsadm
      ipvsadm -ln, for scripts that read that.")]
pub struct ListArgs {
    #[command(flatten)]
    services: ServiceFilterArgs,
    /// Only this server; without a port: all of its ports. May be repeated
    #[arg(short = 'r', long = "real-server", value_name = "ADDR[:PORT]")]
    servers: Vec<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Counters since creation or the last zero
    #[arg(long)]
    stats: bool,
    /// Connections, packets and bytes a second
    #[arg(long, visible_alias = "rate")]
    rates: bool,
    /// Persistent clients of each server
    #[arg(long)]
    persistent_conn: bool,
    /// Numbers in full: 12345678 instead of 12.3M
    #[arg(short = 'X', long)]
    exact: bool,
    /// Order of services, and of servers within a service
    #[arg(long, value_name = "KEY", default_value = "address")]
    sort: Sort,
    /// Show names instead of addresses and ports, and look names up
    #[arg(long)]
    resolve: bool,
    /// Layout
    #[arg(long, default_value = "table")]
    format: Format,
    /// JSON, described in lvsadm(8)
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = interval)]
    watch: Option<Duration>,
}

/// Order of a listing; numbers from the greatest down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// Marks behind addresses, IPv4 before IPv6
    Address,
    /// Weight
    Weight,
    /// Active connections
    Active,
    /// Inactive connections
    Inactive,
    /// All connections
    Connections,
    /// New connections a second
    Rate,
    /// The kernel's own order
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// As ipvsadm -ln prints it
    Ipvsadm,
}

/// Runs the verb.
///
/// # Errors
/// The command line is wrong, nothing is found of what a filter names, or the kernel cannot be reached.
pub fn run(args: ListArgs, ui: &mut Ui) -> Result<u8, Error> {
    let mut faults = Faults::default();
    let names = Names::new(args.output.resolve);
    let choice = Choice {
        services: args.services.filter(&names, &mut faults),
        servers: args.servers.iter().filter_map(|word| faults.take(server_filter(word, &names))).collect(),
        sort: args.output.sort,
    };
    faults.check()?;

    let mut reader = Reader::open(ui)?;
    if let Some(interval) = args.output.watch {
        // A service that a filter names may come and go while we watch.
        return watch(interval, ui, |ui| {
            let (snapshot, notes) = read(&mut reader, &args.output)?;
            let snapshot = choice.apply(snapshot);
            if args.output.json {
                ui.json_line(&json::Table::new(&snapshot, reader.is_complete(), &notes))
            } else {
                show(&choice, &args.output, snapshot, &notes, &names, &mut reader, ui)
            }
        });
    }
    let (snapshot, notes) = read(&mut reader, &args.output)?;
    choice.services.all_found(&snapshot)?;
    let snapshot = choice.apply(snapshot);
    if !choice.servers.is_empty() && snapshot.services.is_empty() {
        return Err(Error::failed("no service has a server that -r names"));
    }
    if args.output.json {
        ui.json(&json::Table::new(&snapshot, reader.is_complete(), &notes))?;
    } else {
        show(&choice, &args.output, snapshot, &notes, &names, &mut reader, ui)?;
    }
    Ok(0)
}

/// Reads the kernel's table and, where a process holds the operator's, adds the servers that the kernel does not have.
fn read(reader: &mut Reader, output: &Output) -> Result<(Snapshot, Notes), Error> {
    let mut snapshot = reader.snapshot()?;
    let mut notes = Notes::default();
    let holder = Holder::for_reading().filter(|_| output.format != Format::Ipvsadm);
    let Some(holder) = holder else {
        if output.format != Format::Ipvsadm {
            notes.0 = drained(&snapshot);
            notes.1 = !notes.0.is_empty();
        }
        return Ok((snapshot, notes));
    };
    let (table, held) = holder.table(None)?;
    let mut missing: HashMap<ServiceKey, Vec<SnapshotServer>> = HashMap::new();
    for held in held {
        let Ok((service, server)) = held.place.keys() else { continue };
        let wanted = table.services.get(&service).and_then(|entry| entry.servers.get(&server));
        let absent = held.weight.is_none();
        if let Some(wanted) = wanted.filter(|_| absent) {
            let status = ServerStatus::default();
            missing.entry(service).or_default().push(SnapshotServer { server: *wanted, status });
        }
        notes.0.insert((service, server), Note { why: held.why, absent });
    }
    for each in &mut snapshot.services {
        let there: HashSet<_> = each.servers.iter().map(|server| server.server.key).collect();
        let missing = missing.remove(&each.service.key).unwrap_or_default();
        each.servers.extend(missing.into_iter().filter(|server| !there.contains(&server.server.key)));
    }
    notes.1 = true;
    Ok((snapshot, notes))
}

/// Returns which servers are drained as far as the notes beside the save file say. Whoever may not read those sees weights of 0.
fn drained(snapshot: &Snapshot) -> HashMap<(ServiceKey, ServerKey), Note> {
    let Ok(list) = Drains::read(&record::path(&Target::default())) else { return HashMap::new() };
    if list.drains.is_empty() {
        return HashMap::new();
    }
    let servers = snapshot.services.iter().flat_map(|each| {
        let key = each.service.key;
        each.servers.iter().map(move |server| (key, server.server))
    });
    servers
        .filter(|(key, server)| server.weight == Weight::ZERO && list.drain(&Member::new(key, &server.key)).is_some())
        .map(|(key, server)| ((key, server.key), Note { why: "drained".to_owned(), absent: false }))
        .collect()
}

fn show(
    choice: &Choice,
    output: &Output,
    snapshot: Snapshot,
    notes: &Notes,
    names: &Names,
    reader: &mut Reader,
    ui: &mut Ui,
) -> Result<(), Error> {
    if output.format == Format::Ipvsadm {
        return show_as_ipvsadm(choice, output, snapshot, reader, ui);
    }
    let columns = render::Columns {
        counters: output.stats,
        rates: output.rates,
        persistent: output.persistent_conn,
        exact: output.exact,
    };
    ui.print(render::services(&snapshot, columns, notes, names))
}

/// The first of several kinds of columns, in ipvsadm's order; the version line only above a whole table.
fn show_as_ipvsadm(
    choice: &Choice,
    output: &Output,
    mut snapshot: Snapshot,
    reader: &mut Reader,
    ui: &mut Ui,
) -> Result<(), Error> {
    if choice.sort == Sort::Address {
        sort::sort(&mut snapshot);
    }
    let listing = Listing {
        columns: match output {
            Output { stats: true, .. } => grammar::Columns::Stats,
            Output { rates: true, .. } => grammar::Columns::Rate,
            Output { persistent_conn: true, .. } => grammar::Columns::PersistentConn,
            _ => grammar::Columns::Default,
        },
        numeric: !output.resolve,
        exact: output.exact,
        ..Listing::default()
    };
    let info = if choice.services.takes_all() { Some(reader.info()?) } else { None };
    ui.print(layout::table(info.as_ref(), &snapshot.services, &listing, &Resolver::new()))
}

/// What of a table is shown, and in which order.
#[derive(Debug)]
struct Choice {
    services: ServiceFilter,
    servers: Vec<(IpAddr, Option<u16>)>,
    sort: Sort,
}

impl Choice {
    fn apply(&self, snapshot: Snapshot) -> Snapshot {
        let mut services = snapshot.services;
        services.retain_mut(|each| {
            if !self.servers.is_empty() {
                each.servers.retain(|server| self.takes(server));
            }
            self.services.takes(&each.service.key) && (self.servers.is_empty() || !each.servers.is_empty())
        });
        if self.sort != Sort::None {
            for each in &mut services {
                each.servers.sort_by_key(|server| (Reverse(self.sort.of_server(server)), server.server.key));
            }
            services.sort_by_key(|service| (Reverse(self.sort.of_service(service)), service.service.key));
        }
        Snapshot { services }
    }

    fn takes(&self, server: &SnapshotServer) -> bool {
        let key = server.server.key;
        self.servers.iter().any(|(address, port)| *address == key.address && port.is_none_or(|port| port == key.port))
    }
}

impl Sort {
    fn of_server(self, each: &SnapshotServer) -> u64 {
        let SnapshotServer { server, status } = each;
        match self {
            Self::Address | Self::None => 0,
            Self::Weight => u64::from(server.weight.value()),
            Self::Active => u64::from(status.active),
            Self::Inactive => u64::from(status.inactive),
            Self::Connections => u64::from(status.active) + u64::from(status.inactive),
            Self::Rate => status.stats.map_or(0, |stats| stats.connection_rate),
        }
    }

    fn of_service(self, each: &SnapshotService) -> u64 {
        match self {
            Self::Rate => each.stats.map_or(0, |stats| stats.connection_rate),
            _ => each.servers.iter().map(|server| self.of_server(server)).sum(),
        }
    }
}
