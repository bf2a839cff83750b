//! A command in the making: collects the values of options, then judges them together.

use std::net::IpAddr;

use super::{
    Columns, Command, Listing, Names, Note, Parsed, Subject, address,
    fault::{Fault, FaultKind},
    legality::{self, Given},
    options::{Means, Method, Opt, Verb},
    popt::{Found, Value},
    values,
};
use crate::model::{
    Change, Checksum, DaemonRole, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, Scheduler,
    SchedulerFlags, ServerKey, ServiceKey, SyncDaemon, Thresholds, Timeouts, Tunnel, VirtualService, Weight,
};

/// Persistence timeout when `-p` names none, in seconds; the man page's 300 is wrong.
const PERSISTENCE: u32 = 360;
/// Interface when none is named, or an empty one.
const INTERFACE: &str = "eth0";
/// The longest interface name, in bytes.
const INTERFACE_MAX_LEN: usize = 15;

/// Everything that a command line said, defaults where it said nothing.
pub(super) struct Draft<'a> {
    verb: Verb,
    given: Given,
    notes: Vec<Note>,
    service: Option<ServiceKey>,
    scheduler: &'a str,
    flags: Option<Value<'a>>,
    timeout: Option<u32>,
    /// `None` stands for the family's default.
    netmask: Option<Netmask>,
    engine: &'a str,
    server: Option<ServerKey>,
    /// The port that `-r` named, if it named one.
    server_port: Option<u16>,
    method: Method,
    weight: Weight,
    thresholds: Thresholds,
    tunnel_type: TunnelType,
    tunnel_port: u16,
    daemon: SyncDaemon,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TunnelType {
    Ipip,
    Gue,
    Gre,
}

impl<'a> Draft<'a> {
    /// Begins a command; two of them have a value of their own.
    pub(super) fn new(verb: Verb, value: Option<Value<'a>>) -> Result<Self, Fault> {
        let role = match (verb, value.map(|value| value.text)) {
            (_, Some("backup")) => DaemonRole::Backup,
            (_, None | Some("master")) => DaemonRole::Master,
            (verb, Some(_)) => {
                let kind = if verb == Verb::StopDaemon { FaultKind::StopRole } else { FaultKind::StartRole };
                return Err(Fault { kind, word: value.map(|value| value.word) });
            }
        };
        Ok(Self {
            verb,
            given: Given::new(),
            notes: Vec::new(),
            service: None,
            scheduler: "",
            flags: None,
            timeout: None,
            netmask: None,
            engine: "",
            server: None,
            server_port: None,
            method: Method::Route,
            weight: Weight::default(),
            thresholds: Thresholds::default(),
            tunnel_type: TunnelType::Ipip,
            tunnel_port: 0,
            daemon: SyncDaemon {
                role,
                interface: String::new(),
                sync_id: 0,
                max_len: None,
                group: None,
                port: None,
                ttl: None,
            },
        })
    }

    /// Takes one option.
    pub(super) fn take(&mut self, found: &Found<'a>, names: &dyn Names) -> Result<(), Fault> {
        let opt = match found.spec.means {
            Means::Service(_) | Means::Mark => Opt::Service,
            Means::Method(_) => Opt::Forwarding,
            Means::Plain(opt) => opt,
            Means::Ipv6 => {
                return self.ipv6().map_err(|kind| Fault { kind, word: Some(found.word) });
            }
            Means::Sort | Means::Verb(_) => {
                self.notes.push(Note::Unused(found.spec.long));
                return Ok(());
            }
        };
        self.given.insert(opt, found.word)?;
        let value = match (found.spec.means, found.value) {
            (Means::Method(method), _) => {
                self.method = method;
                return Ok(());
            }
            // Flags: that they were given is all there is to them. `-p` may be one.
            (_, None) => return Ok(()),
            (_, Some(value)) => value,
        };
        let taken = match found.spec.means {
            Means::Service(protocol) => self.address(value.text, protocol, names),
            Means::Mark => self.mark(value.text),
            _ => self.plain(opt, value, names),
        };
        taken.map_err(|kind| Fault { kind, word: Some(value.word) })
    }

    fn ipv6(&mut self) -> Result<(), FaultKind> {
        let Some(ServiceKey::Mark { family, .. }) = &mut self.service else {
            return Err(FaultKind::Ipv6BeforeMark);
        };
        *family = Family::V6;
        self.forget_netmask();
        Ok(())
    }

    /// A service that turns out to be IPv6 takes the netmask of all single addresses, whatever `-M` said before it.
    fn forget_netmask(&mut self) {
        if let Some(mask) = self.netmask.take() {
            self.notes.push(Note::MaskOverwritten(mask));
        }
    }

    fn address(&mut self, text: &str, protocol: Protocol, names: &dyn Names) -> Result<(), FaultKind> {
        let parsed = address::parse(text, Some(protocol), names).ok_or(FaultKind::VirtualServer)?;
        if parsed.port_dropped {
            self.notes.push(Note::PortDropped(text.to_owned()));
        }
        if parsed.address.is_ipv6() {
            self.forget_netmask();
        }
        let (address, port) = (parsed.address, parsed.port.unwrap_or(0));
        self.service = Some(ServiceKey::Address { protocol, address, port });
        Ok(())
    }

    fn mark(&mut self, text: &str) -> Result<(), FaultKind> {
        let mark = values::number(text, 1, u32::MAX).ok_or_else(|| FaultKind::Mark(text.to_owned()))?;
        self.service = Some(ServiceKey::Mark { mark, family: Family::V4 });
        Ok(())
    }

    fn plain(&mut self, opt: Opt, value: Value<'a>, names: &dyn Names) -> Result<(), FaultKind> {
        let text = value.text;
        let threshold = |what| values::number(text, 0, i32::MAX as u32).ok_or(FaultKind::Number(what));
        match opt {
            Opt::Scheduler => self.scheduler = self.short(text, Scheduler::MAX_LEN),
            Opt::Persistent => {
                let timeout = values::number(text, 1, values::MAX_TIMEOUT);
                self.timeout = Some(timeout.ok_or_else(|| FaultKind::Timeout(text.to_owned()))?);
            }
            Opt::Netmask => self.netmask = Some(self.read_netmask(text, names)?),
            Opt::Server => self.read_server(text, names)?,
            Opt::Weight => {
                let weight = values::number(text, 0, Weight::MAX.value()).and_then(Weight::new);
                self.weight = weight.ok_or(FaultKind::Number("weight"))?;
            }
            Opt::Upper => self.thresholds.upper = threshold("u_threshold")?,
            Opt::Lower => self.thresholds.lower = threshold("l_threshold")?,
            Opt::Interface => self.daemon.interface = self.short(text, INTERFACE_MAX_LEN).to_owned(),
            Opt::SyncId => self.daemon.sync_id = values::number_u8(text, 0, 255).ok_or(FaultKind::Number("syncid"))?,
            Opt::Engine => self.engine = self.short(text, VirtualService::ENGINE_MAX_LEN),
            Opt::Flags => self.flags = Some(value),
            Opt::Group => self.daemon.group = Some(values::group(text)?),
            Opt::McastPort => {
                self.daemon.port = Some(values::number_u16(text, 1, u16::MAX).ok_or(FaultKind::Number("mcast-port"))?);
            }
            Opt::McastTtl => {
                let ttl = values::number_u8(text, 1, 255);
                self.daemon.ttl = Some(ttl.ok_or(FaultKind::Number("mcast-ttl"))?);
            }
            Opt::SyncMaxLen => {
                self.daemon.max_len = Some(values::number_u16(text, 1, 65507).ok_or(FaultKind::Number("sync-maxlen"))?);
            }
            Opt::TunType => {
                self.tunnel_type = match text {
                    "ipip" => TunnelType::Ipip,
                    "gue" => TunnelType::Gue,
                    "gre" => TunnelType::Gre,
                    _ => return Err(FaultKind::Number("tunnel type")),
                }
            }
            Opt::TunPort => {
                self.tunnel_port = values::number_u16(text, 1, u16::MAX).ok_or(FaultKind::Number("tunnel port"))?;
            }
            // Services are taken elsewhere, and the others have no value.
            _ => {}
        }
        Ok(())
    }

    /// Cuts a name to what the kernel takes.
    fn short(&mut self, text: &'a str, max: usize) -> &'a str {
        let used = values::cut(text, max);
        if used.len() < text.len() {
            self.notes.push(Note::Cut { given: text.to_owned(), used: used.to_owned() });
        }
        used
    }

    fn read_netmask(&mut self, text: &str, names: &dyn Names) -> Result<Netmask, FaultKind> {
        if self.service.is_some_and(|key| key.family() == Family::V6) {
            let (prefix, tail) = values::prefix(text).ok_or(FaultKind::Prefix)?;
            if !tail.is_empty() {
                self.notes.push(Note::PrefixTail(text.to_owned()));
            }
            return Ok(Netmask::V6(prefix));
        }
        let mask = address::parse_v4(text, names).ok_or(FaultKind::Netmask)?;
        if text.bytes().all(|c| c.is_ascii_digit()) {
            self.notes.push(Note::MaskIsNoPrefix(mask));
        }
        Ok(Netmask::V4(mask))
    }

    fn read_server(&mut self, text: &str, names: &dyn Names) -> Result<(), FaultKind> {
        let protocol = match self.service {
            Some(ServiceKey::Address { protocol, .. }) => Some(protocol),
            // Ports behind a mark are looked up as TCP's.
            Some(ServiceKey::Mark { .. }) => Some(Protocol::Tcp),
            None => None,
        };
        let parsed = address::parse(text, protocol, names).ok_or(FaultKind::RealServer)?;
        if parsed.port_dropped {
            self.notes.push(Note::PortDropped(text.to_owned()));
        }
        let service_port = self.service.and_then(|key| key.port()).unwrap_or(0);
        self.server_port = parsed.port;
        self.server = Some(ServerKey { address: parsed.address, port: parsed.port.unwrap_or(service_port) });
        Ok(())
    }

    /// Judges the whole and builds the request. `leftovers` are the words that belong to no option.
    pub(super) fn finish(mut self, leftovers: &[(usize, &str)]) -> Result<Parsed, Fault> {
        let (timeouts, extra) = match (self.verb, leftovers) {
            (Verb::Set, [tcp, tcp_fin, udp, extra @ ..]) => {
                let timeouts = Timeouts { tcp: timeout(*tcp)?, tcp_fin: timeout(*tcp_fin)?, udp: timeout(*udp)? };
                (timeouts, extra)
            }
            (Verb::Set, _) => return Err(Fault { kind: FaultKind::TimeoutsMissing, word: None }),
            (_, extra) => (Timeouts { tcp: 0, tcp_fin: 0, udp: 0 }, extra),
        };
        if let Some((word, text)) = extra.first() {
            return Err(Fault { kind: FaultKind::UnexpectedArgument((*text).to_owned()), word: Some(*word) });
        }
        let flags = self.read_flags()?;
        legality::check_command(self.verb, &self.given)?;
        let command = match (self.verb, self.service) {
            (Verb::AddService, Some(key)) => Change::AddService(self.virtual_service(key, flags)?).into(),
            (Verb::EditService, Some(key)) => Change::EditService(self.virtual_service(key, flags)?).into(),
            (Verb::DeleteService, Some(key)) => Change::DeleteService(key).into(),
            (Verb::AddServer, Some(key)) => Change::AddServer(key, self.real_server(key)?).into(),
            (Verb::EditServer, Some(key)) => Change::EditServer(key, self.real_server(key)?).into(),
            (Verb::DeleteServer, Some(key)) => Change::DeleteServer(key, self.server_key(key)?).into(),
            (Verb::Clear, _) => Change::Clear.into(),
            (Verb::Zero, key) => Change::Zero(key.filter(|key| !is_null(key))).into(),
            (Verb::Set, _) => Change::SetTimeouts(timeouts).into(),
            (Verb::StartDaemon, _) => {
                if self.daemon.interface.is_empty() {
                    self.daemon.interface = INTERFACE.to_owned();
                }
                Change::StartDaemon(self.daemon).into()
            }
            (Verb::StopDaemon, _) => {
                self.note_unused(&[Opt::SyncId]);
                Change::StopDaemon(self.daemon.role).into()
            }
            (Verb::List, _) => Command::List(self.listing()?),
            (Verb::Save, _) => Command::Save { numeric: self.given.has(Opt::Numeric) },
            (Verb::Restore, _) => Command::Restore,
            (Verb::Help, _) => Command::Help,
            (Verb::Version, _) => Command::Version,
            // The table of legality lets none of the others through without a service.
            (_, None) => return Err(Fault { kind: FaultKind::VirtualServer, word: None }),
        };
        Ok(Parsed { command, notes: self.notes })
    }

    fn read_flags(&self) -> Result<SchedulerFlags, Fault> {
        let Some(value) = self.flags else { return Ok(SchedulerFlags::default()) };
        values::flags(value.text, self.scheduler).map_err(|kind| Fault { kind, word: Some(value.word) })
    }

    fn virtual_service(&mut self, key: ServiceKey, flags: SchedulerFlags) -> Result<VirtualService, Fault> {
        let persistent = self.given.has(Opt::Persistent);
        if !persistent && key.port() == Some(0) {
            return Err(Fault { kind: FaultKind::ZeroPort, word: self.given.word(Opt::Service) });
        }
        let one_packet = self.given.has(Opt::Ops);
        if one_packet && matches!(key, ServiceKey::Address { protocol: Protocol::Tcp | Protocol::Sctp, .. }) {
            return Err(Fault { kind: FaultKind::OnePacket, word: self.given.word(Opt::Ops) });
        }
        if self.netmask.is_some() && !persistent {
            self.notes.push(Note::MaskWithoutPersistence);
        }
        let scheduler = if self.scheduler.is_empty() { Scheduler::default() } else { Scheduler::new(self.scheduler) };
        let persistence = persistent.then(|| Persistence {
            timeout: self.timeout.unwrap_or(PERSISTENCE),
            netmask: self.netmask.unwrap_or_else(|| Netmask::host(key.family())),
        });
        let engine = (!self.engine.is_empty()).then(|| self.engine.to_owned());
        Ok(VirtualService { key, scheduler, flags, persistence, engine, one_packet })
    }

    fn server_key(&mut self, service: ServiceKey) -> Result<ServerKey, Fault> {
        if self.server_port.is_none()
            && self.given.word(Opt::Server) < self.given.word(Opt::Service)
            && service.port().is_some_and(|port| port != 0)
        {
            self.notes.push(Note::PortUnknown);
        }
        self.server.ok_or(Fault { kind: FaultKind::RealServer, word: None })
    }

    fn real_server(&mut self, service: ServiceKey) -> Result<RealServer, Fault> {
        let mut key = match (self.method, self.server) {
            // Its port is replaced in any case.
            (Method::Route | Method::Tunnel, Some(key)) if service.port().is_some() => key,
            _ => self.server_key(service)?,
        };
        if let (Method::Route | Method::Tunnel, Some(used)) = (self.method, service.port()) {
            if let Some(given) = self.server_port.filter(|given| *given != used) {
                self.notes.push(Note::PortForced { given, used });
            }
            key.port = used;
        }
        if key.family() != service.family() && self.method != Method::Tunnel {
            return Err(Fault { kind: FaultKind::OtherFamily, word: self.given.word(Opt::Server) });
        }
        let forwarding = self.forwarding()?;
        Ok(RealServer { key, forwarding, weight: self.weight, thresholds: self.thresholds })
    }

    fn forwarding(&self) -> Result<Forwarding, Fault> {
        let tunnel_options = [Opt::TunType, Opt::TunPort, Opt::TunNoCsum, Opt::TunCsum, Opt::TunRemCsum];
        let tunnel_word = tunnel_options.into_iter().find_map(|opt| self.given.word(opt));
        match (self.method, tunnel_word) {
            (Method::Tunnel, _) => {}
            (_, Some(word)) => return Err(Fault { kind: FaultKind::TunnelOptions, word: Some(word) }),
            (Method::Route, None) => return Ok(Forwarding::Route),
            (Method::Masquerade, None) => return Ok(Forwarding::Masquerade),
        }
        let checksum = if self.given.has(Opt::TunCsum) {
            Checksum::Full
        } else if self.given.has(Opt::TunRemCsum) {
            Checksum::Remote
        } else {
            Checksum::None
        };
        let (name, tunnel) = match self.tunnel_type {
            TunnelType::Ipip => ("ipip", Tunnel::Ipip),
            TunnelType::Gue => ("gue", Tunnel::Gue { port: self.tunnel_port, checksum }),
            TunnelType::Gre => ("gre", Tunnel::Gre { checksum }),
        };
        legality::check_tunnel(name, &self.given)?;
        Ok(Forwarding::Tunnel(tunnel))
    }

    fn listing(&mut self) -> Result<Listing, Fault> {
        legality::check_listing(&self.given)?;
        self.note_unused(&[Opt::SyncId]);
        let has = |opt| self.given.has(opt);
        let subject = match self.service {
            Some(key) => Subject::Service(key),
            None if has(Opt::Connection) => Subject::Connections,
            None if has(Opt::Timeout) => Subject::Timeouts,
            None if has(Opt::Daemon) => Subject::Daemons,
            None => Subject::Table,
        };
        // The first of these counts when several are given.
        let columns = [
            (Opt::Stats, Columns::Stats),
            (Opt::Rate, Columns::Rate),
            (Opt::Thresholds, Columns::Thresholds),
            (Opt::PersistentConn, Columns::PersistentConn),
            (Opt::TunInfo, Columns::TunInfo),
        ];
        let columns = columns.into_iter().find(|(opt, _)| has(*opt)).map_or(Columns::Default, |(_, columns)| columns);
        Ok(Listing { subject, columns, numeric: has(Opt::Numeric), exact: has(Opt::Exact), sorted: !has(Opt::NoSort) })
    }

    fn note_unused(&mut self, opts: &[Opt]) {
        let unused = opts.iter().filter(|opt| self.given.has(**opt)).map(|opt| Note::Unused(opt.name()));
        self.notes.extend(unused);
    }
}

impl From<Change> for Command {
    fn from(change: Change) -> Self {
        Self::Change(change)
    }
}

/// Whether `key` is all zero: `-Z` takes that for all services.
fn is_null(key: &ServiceKey) -> bool {
    match key {
        ServiceKey::Address { address, port: 0, .. } => match address {
            IpAddr::V4(address) => address.is_unspecified(),
            IpAddr::V6(address) => address.is_unspecified(),
        },
        _ => false,
    }
}

fn timeout((word, text): (usize, &str)) -> Result<u32, Fault> {
    values::number(text, 0, values::MAX_TIMEOUT)
        .ok_or_else(|| Fault { kind: FaultKind::Timeout(text.to_owned()), word: Some(word) })
}
