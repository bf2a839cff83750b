//! How services and servers are named: exactly one of them, or all that a filter takes.

use std::{fmt, net::IpAddr};

use clap::Args;

use super::{Faults, values};
use crate::{
    cli::{Complaint, Error},
    model::{Family, Protocol, ServerKey, ServiceKey, Snapshot},
};

/// Names → addresses and ports.
pub trait Lookup {
    /// Returns the address of a host; why there is none otherwise.
    ///
    /// # Errors
    /// There is no such host, or names are not looked up.
    fn host(&self, name: &str) -> Result<IpAddr, String>;

    /// Returns the port of a network service; why there is none otherwise.
    ///
    /// # Errors
    /// There is no such network service, or names are not looked up.
    fn port(&self, name: &str, protocol: Protocol) -> Result<u16, String>;

    /// Whether names are looked up at all.
    fn knows_names(&self) -> bool;
}

/// Exactly one virtual service.
#[derive(Debug, Args)]
#[command(next_help_heading = "Virtual service")]
pub struct ServiceArgs {
    #[command(flatten)]
    choice: ServiceChoice,
    /// The packets that -f takes are IPv6
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Look host and service names up
    #[arg(long)]
    pub resolve: bool,
    /// Change the kernel's table itself, past a running agent: to that it is somebody else's change
    #[arg(long)]
    pub kernel: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ServiceChoice {
    /// TCP service
    #[arg(short = 't', long = "tcp-service", value_name = "ADDR:PORT")]
    tcp: Option<String>,
    /// UDP service
    #[arg(short = 'u', long = "udp-service", value_name = "ADDR:PORT")]
    udp: Option<String>,
    /// SCTP service
    #[arg(long = "sctp-service", visible_alias = "sctp", value_name = "ADDR:PORT")]
    sctp: Option<String>,
    /// All packets with this firewall mark
    #[arg(short = 'f', long = "fwmark-service", value_name = "MARK")]
    mark: Option<String>,
}

impl ServiceArgs {
    /// Returns the service that was named; a missing port is 0, all ports.
    pub fn key(&self, names: &dyn Lookup, faults: &mut Faults) -> Option<ServiceKey> {
        let family = if self.ipv6 { Family::V6 } else { Family::V4 };
        let ServiceChoice { tcp, udp, sctp, mark } = &self.choice;
        let addresses =
            [("-t", Protocol::Tcp, tcp), ("-u", Protocol::Udp, udp), ("--sctp-service", Protocol::Sctp, sctp)];
        for (option, protocol, word) in addresses {
            let Some(word) = word else { continue };
            let (address, port) = faults.take(values::address(option, word, protocol, names))?;
            if self.ipv6 && address.is_ipv4() {
                faults.add(
                    Complaint::new(format_args!("{option} {word}: this address is IPv4, and -6 says IPv6"))
                        .hint("-6 belongs to -f; addresses tell their family themselves"),
                );
                return None;
            }
            return Some(ServiceKey::Address { protocol, address, port: port.unwrap_or(0) });
        }
        let mark = faults.read(mark.as_ref(), |word| values::mark("-f", word))?;
        Some(ServiceKey::Mark { mark, family })
    }

    /// Says where a port was probably meant: `2001:db8::1:80` is an address without a port.
    pub fn port_hint(&self) -> Option<Complaint> {
        let ServiceChoice { tcp, udp, sctp, .. } = &self.choice;
        let word = [tcp, udp, sctp].into_iter().flatten().next()?;
        let (head, tail) = word.rsplit_once(':')?;
        let looks_like_port = tail.len() >= 2 && tail.bytes().all(|b| b.is_ascii_digit());
        if word.starts_with('[') || !head.contains(':') || !looks_like_port {
            return None;
        }
        Some(
            Complaint::new(format_args!("{word} is an IPv6 address without a port"))
                .hint(format_args!("with the port {tail}: [{head}]:{tail}")),
        )
    }
}

/// A virtual service, or none.
#[derive(Debug, Args)]
pub struct OneService {
    #[command(flatten)]
    choice: OptionalChoice,
    /// The packets that -f takes are IPv6
    #[arg(short = '6', long, requires = "mark")]
    ipv6: bool,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct OptionalChoice {
    /// TCP service
    #[arg(short = 't', long = "tcp-service", value_name = "ADDR:PORT")]
    tcp: Option<String>,
    /// UDP service
    #[arg(short = 'u', long = "udp-service", value_name = "ADDR:PORT")]
    udp: Option<String>,
    /// SCTP service
    #[arg(long = "sctp-service", visible_alias = "sctp", value_name = "ADDR:PORT")]
    sctp: Option<String>,
    /// All packets with this firewall mark
    #[arg(short = 'f', long = "fwmark-service", value_name = "MARK")]
    mark: Option<String>,
}

impl OneService {
    /// Whether one was named, rightly or wrongly.
    pub fn is_given(&self) -> bool {
        let OptionalChoice { tcp, udp, sctp, mark } = &self.choice;
        [tcp, udp, sctp, mark].into_iter().any(Option::is_some)
    }

    /// Returns the service that was named; a missing port is 0, all ports.
    pub fn key(self, names: &dyn Lookup, faults: &mut Faults) -> Option<ServiceKey> {
        if !self.is_given() {
            return None;
        }
        let Self { choice: OptionalChoice { tcp, udp, sctp, mark }, ipv6 } = self;
        ServiceArgs { choice: ServiceChoice { tcp, udp, sctp, mark }, ipv6, resolve: false, kernel: false }
            .key(names, faults)
    }
}

/// One or several real servers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Real server")]
pub struct ServersArgs {
    /// The server; without a port: the service's port. Several -r are one batch
    #[arg(short = 'r', long = "real-server", value_name = "ADDR[:PORT]", required = true)]
    servers: Vec<String>,
}

impl ServersArgs {
    /// Returns the servers that were named, in order, each once.
    pub fn keys(&self, service: Option<ServiceKey>, names: &dyn Lookup, faults: &mut Faults) -> Vec<ServerKey> {
        // A mark takes all protocols; names of ports are TCP's then.
        let protocol = match service {
            Some(ServiceKey::Address { protocol, .. }) => protocol,
            _ => Protocol::Tcp,
        };
        let implied = service.and_then(|service| service.port()).unwrap_or(0);
        let mut keys: Vec<ServerKey> = Vec::new();
        for word in &self.servers {
            let Some((address, port)) = faults.take(values::address("-r", word, protocol, names)) else { continue };
            let key = ServerKey { address, port: port.unwrap_or(implied) };
            if keys.contains(&key) {
                faults.add(Complaint::new(format_args!("-r {word}: {key} is named twice")));
            } else {
                keys.push(key);
            }
        }
        keys
    }
}

/// Any number of virtual services.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct ServiceFilterArgs {
    /// This TCP service; without a port: all of the address. May be repeated, as all of these
    #[arg(short = 't', long = "tcp-service", value_name = "ADDR[:PORT]")]
    tcp: Vec<String>,
    /// This UDP service
    #[arg(short = 'u', long = "udp-service", value_name = "ADDR[:PORT]")]
    udp: Vec<String>,
    /// This SCTP service
    #[arg(long = "sctp-service", visible_alias = "sctp", value_name = "ADDR[:PORT]")]
    sctp: Vec<String>,
    /// This firewall mark, in both families unless -6 is given
    #[arg(short = 'f', long = "fwmark-service", value_name = "MARK")]
    mark: Vec<String>,
    /// Only IPv6
    #[arg(short = '6', long)]
    ipv6: bool,
}

impl ServiceFilterArgs {
    /// Reads the filter.
    pub fn filter(&self, names: &dyn Lookup, faults: &mut Faults) -> ServiceFilter {
        let mut wanted = Vec::new();
        let addresses = [
            ("-t", Protocol::Tcp, &self.tcp),
            ("-u", Protocol::Udp, &self.udp),
            ("--sctp-service", Protocol::Sctp, &self.sctp),
        ];
        for (option, protocol, words) in addresses {
            for word in words {
                if let Some((address, port)) = faults.take(values::address(option, word, protocol, names)) {
                    wanted.push(Wanted::Address { protocol, address, port });
                }
            }
        }
        for word in &self.mark {
            wanted.extend(faults.take(values::mark("-f", word)).map(Wanted::Mark));
        }
        ServiceFilter { wanted, only_v6: self.ipv6 }
    }
}

/// Which services a listing shows: all that one of the words names; all there are without words.
#[derive(Clone, Debug, Default)]
pub struct ServiceFilter {
    wanted: Vec<Wanted>,
    only_v6: bool,
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Address { protocol: Protocol, address: IpAddr, port: Option<u16> },
    Mark(u32),
}

impl ServiceFilter {
    /// Whether nothing is filtered out.
    pub fn takes_all(&self) -> bool {
        self.wanted.is_empty() && !self.only_v6
    }

    /// Whether the filter takes this service.
    pub fn takes(&self, key: &ServiceKey) -> bool {
        if self.only_v6 && key.family() == Family::V4 {
            return false;
        }
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted.is(key))
    }

    /// Passes if every word of the filter names something in `snapshot`.
    ///
    /// # Errors
    /// Those that name nothing.
    pub fn all_found(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let keys: Vec<_> = snapshot.services.iter().map(|each| each.service.key).collect();
        self.all_among(&keys)
    }

    /// Passes if every word of the filter names one of these services.
    ///
    /// # Errors
    /// Those that name nothing.
    pub fn all_among(&self, services: &[ServiceKey]) -> Result<(), Error> {
        let there = |wanted: &&Wanted| services.iter().any(|key| wanted.is(key));
        let missing: Vec<_> = self
            .wanted
            .iter()
            .filter(|wanted| !there(wanted))
            .map(|wanted| Complaint::new(format_args!("{wanted}: there is no such service")))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::all_failed(missing)) }
    }

    /// Whether a firewall mark is among what the filter names.
    pub fn names_marks(&self) -> bool {
        self.wanted.iter().any(|wanted| matches!(wanted, Wanted::Mark(_)))
    }
}

impl Wanted {
    fn is(&self, key: &ServiceKey) -> bool {
        match (*self, *key) {
            (Self::Mark(wanted), ServiceKey::Mark { mark, .. }) => wanted == mark,
            (
                Self::Address { protocol: p, address: a, port: wanted },
                ServiceKey::Address { protocol, address, port },
            ) => p == protocol && a == address && wanted.is_none_or(|wanted| wanted == port),
            _ => false,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Address { protocol, address, port: Some(port) } => {
                ServiceKey::Address { protocol, address, port }.fmt(f)
            }
            Self::Address { protocol, address, port: None } => write!(f, "{protocol} {address}"),
            Self::Mark(mark) => write!(f, "FWM {mark}"),
        }
    }
}

/// Reads a filter for servers: an address and, if written, a port.
///
/// # Errors
/// It is none.
pub fn server_filter(word: &str, names: &dyn Lookup) -> Result<(IpAddr, Option<u16>), Complaint> {
    values::address("-r", word, Protocol::Tcp, names)
}
