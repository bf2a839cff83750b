//! Names of hosts and services with a memory: each is looked up at most once.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv4Addr},
};

use super::{grammar, print};
use crate::{model::Protocol, sys::names};

/// Looks names up through the C library and keeps what it said.
#[derive(Debug, Default)]
pub struct Resolver {
    hosts: Memory<IpAddr, String>,
    services: Memory<(u16, Protocol), String>,
    addresses: Memory<String, Ipv4Addr>,
    ports: Memory<(String, Protocol), u16>,
}

type Memory<K, V> = RefCell<HashMap<K, Option<V>>>;

impl Resolver {
    /// Returns a resolver that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the name of a host.
    pub fn host(&self, address: IpAddr) -> Option<String> {
        remember(&self.hosts, address, |address| names::host_name(*address))
    }

    /// Returns the name of the service on a port.
    pub fn service(&self, port: u16, protocol: Protocol) -> Option<String> {
        remember(&self.services, (port, protocol), |_| names::service(port, name(protocol)?))
    }

    /// Writes an address and a port as names where there are any, numbers where not: `web.example:http`,
    /// `[six.example]:8080`. Behind a firewall mark (`None`) ports are numbers.
    pub fn endpoint(&self, address: IpAddr, port: u16, protocol: Option<Protocol>) -> String {
        let Some(host) = self.host(address) else {
            return self.numeric_host(address, port, protocol);
        };
        let port = self.port_text(port, protocol);
        if address.is_ipv6() { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// As [`Self::endpoint`], the address as a number: for IPv6, whose names no grammar reads back.
    pub fn numeric_host(&self, address: IpAddr, port: u16, protocol: Option<Protocol>) -> String {
        let port = self.port_text(port, protocol);
        match address {
            IpAddr::V4(address) => format!("{address}:{port}"),
            IpAddr::V6(address) => format!("[{}]:{port}", print::ipv6(address)),
        }
    }

    fn port_text(&self, port: u16, protocol: Option<Protocol>) -> String {
        let named = protocol.filter(|_| port != 0).and_then(|protocol| self.service(port, protocol));
        named.unwrap_or_else(|| port.to_string())
    }
}

impl grammar::Names for Resolver {
    fn host_v4(&self, name: &str) -> Option<Ipv4Addr> {
        remember(&self.addresses, name.to_owned(), |name| names::host_v4(name))
    }

    fn port(&self, service: &str, protocol: Protocol) -> Option<u16> {
        remember(&self.ports, (service.to_owned(), protocol), |_| names::port(service, name(protocol)?))
    }
}

/// The name under which services of a protocol are listed.
fn name(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Tcp => Some("tcp"),
        Protocol::Udp => Some("udp"),
        Protocol::Sctp => Some("sctp"),
        Protocol::Other(_) => None,
    }
}

fn remember<K: Eq + Hash, V: Clone>(memory: &Memory<K, V>, key: K, look_up: impl FnOnce(&K) -> Option<V>) -> Option<V> {
    if let Some(known) = memory.borrow().get(&key) {
        return known.clone();
    }
    let found = look_up(&key);
    memory.borrow_mut().insert(key, found.clone());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody is asked: everything that the text needs is in the memory.
    #[test]
    fn endpoints() {
        let resolver = Resolver::new();
        let (v4, v6): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        let (unknown, unknown6): (IpAddr, IpAddr) = ("10.0.0.2".parse().unwrap(), "2001:db8::2".parse().unwrap());
        let hosts = [(v4, Some("web.example")), (v6, Some("six.example")), (unknown, None), (unknown6, None)];
        resolver.hosts.borrow_mut().extend(hosts.map(|(address, name)| (address, name.map(str::to_owned))));
        let services = [(80, Some("http")), (81, None)];
        let services = services.map(|(port, name)| ((port, Protocol::Tcp), name.map(str::to_owned)));
        resolver.services.borrow_mut().extend(services);

        let tcp = Some(Protocol::Tcp);
        assert_eq!(resolver.endpoint(v4, 80, tcp), "web.example:http");
        assert_eq!(resolver.endpoint(v4, 81, tcp), "web.example:81");
        assert_eq!(resolver.endpoint(v6, 80, tcp), "[six.example]:http");
        assert_eq!(resolver.endpoint(unknown, 80, tcp), "10.0.0.2:http");
        assert_eq!(resolver.endpoint(unknown6, 0, tcp), "[2001:db8::2]:0");
        assert_eq!(resolver.endpoint(v4, 80, None), "web.example:80");
        assert_eq!(resolver.numeric_host(v6, 80, tcp), "[2001:db8::1]:http");
    }

    #[test]
    fn each_name_is_looked_up_once() {
        let memory = Memory::default();
        let mut asked = 0;
        for _ in 0..3 {
            let found: Option<u8> = remember(&memory, 7, |_| {
                asked += 1;
                None
            });
            assert_eq!(found, None);
        }
        assert_eq!(asked, 1);
    }
}
