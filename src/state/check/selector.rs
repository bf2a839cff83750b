//! Which service, and which of its servers, a line is about.

use std::net::{IpAddr, SocketAddr};

use clap::Args;

use super::{Faults, connection::mark, fault::Wrong, values::number};
use crate::model::{Family, Protocol, ServerKey, ServiceKey};

/// A virtual service, and one of its servers.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What it is about")]
pub struct SelectorArgs {
    #[command(flatten)]
    service: ServiceChoice,
    /// The packets that -f takes are IPv6
    #[arg(short = '6', long)]
    ipv6: bool,
    /// This server of it; without a port: the service's port [default: all servers of the service]
    #[arg(short = 'r', long = "real-server", value_name = "ADDR[:PORT]")]
    server: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
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
    fwmark: Option<String>,
}

/// The arguments that select, by clap's names.
pub(super) const IDS: [&str; 6] = ["tcp", "udp", "sctp", "fwmark", "ipv6", "server"];

impl SelectorArgs {
    /// Reads the service and the server; a service without a port is all ports of its address.
    pub fn read(&self, faults: &mut Faults) -> Option<(ServiceKey, Option<ServerKey>)> {
        let service = self.service(faults)?;
        let implied = service.port().unwrap_or(0);
        let server = match &self.server {
            Some(word) => {
                let (address, port) = faults.read("-r", Some(word), endpoint)?;
                Some(ServerKey { address, port: port.unwrap_or(implied) })
            }
            None => None,
        };
        Some((service, server))
    }

    fn service(&self, faults: &mut Faults) -> Option<ServiceKey> {
        let ServiceChoice { tcp, udp, sctp, fwmark } = &self.service;
        let family = if self.ipv6 { Family::V6 } else { Family::V4 };
        if let Some(word) = fwmark {
            let mark = faults.read("-f", Some(word), |text| match mark(text)? {
                0 => Err(Wrong::new("a firewall mark is a number from 1 to 4294967295")),
                mark => Ok(mark),
            })?;
            return Some(ServiceKey::Mark { mark, family });
        }
        let words = [("-t", Protocol::Tcp, tcp), ("-u", Protocol::Udp, udp), ("--sctp-service", Protocol::Sctp, sctp)];
        let (option, protocol, word) = words.into_iter().find(|(_, _, word)| word.is_some())?;
        let (address, port) = faults.read(option, word.as_ref(), endpoint)?;
        if self.ipv6 && address.is_ipv4() {
            let wrong = Wrong::new("this address is IPv4, and -6 says IPv6");
            let hint = "-6 belongs to -f; addresses tell their family themselves";
            faults.add(option, word.as_deref().unwrap_or_default(), wrong.hint(hint));
            return None;
        }
        Some(ServiceKey::Address { protocol, address, port: port.unwrap_or(0) })
    }
}

/// Reads an address and, if there is one, a port. Names are not looked up: what a line means must not change.
pub(super) fn endpoint(text: &str) -> Result<(IpAddr, Option<u16>), Wrong> {
    if let Ok(both) = text.parse::<SocketAddr>() {
        return Ok((both.ip(), Some(both.port())));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse() {
        return Ok((address, None));
    }
    if let Some((host, port)) = text.rsplit_once(':')
        && host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    {
        return Err(number::<u16>(port, 0..=u16::MAX)
            .err()
            .unwrap_or_else(|| Wrong::new("an IPv6 address with a port has brackets").hint("[2001:db8::5]:80")));
    }
    Err(Wrong::new("this is no address").hint("10.0.0.5:80, 10.0.0.5 or [2001:db8::5]:80; names are not looked up"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let read = |text| endpoint(text).map(|(address, port)| (address.to_string(), port)).map_err(|wrong| wrong.why);
        assert_eq!(read("10.0.0.5"), Ok(("10.0.0.5".to_owned(), None)));
        assert_eq!(read("10.0.0.5:0"), Ok(("10.0.0.5".to_owned(), Some(0))));
        assert_eq!(read("[2001:db8::5]:80"), Ok(("2001:db8::5".to_owned(), Some(80))));
        assert_eq!(read("2001:db8::5"), Ok(("2001:db8::5".to_owned(), None)));
        for text in ["", "www:80", "10.0.0.5:", "10.0.0.5:http", "10.0.0.5:65536", "[::1", "::1]:80", "[10.0.0.1]:80"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
