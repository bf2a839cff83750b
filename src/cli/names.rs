//! Names of hosts and network services, for those who ask for them with `--resolve`.
//!
//! Nothing is looked up otherwise: a typing mistake in an address must not become a question to the name servers, and a
//! listing must not wait for them.

use std::net::{IpAddr, ToSocketAddrs};

use super::{args::Lookup, render::Labels};
use crate::{
    model::Protocol,
    state::{grammar::Names as _, names::Resolver},
};

/// The names that this command may use.
#[derive(Debug)]
pub struct Names(Option<Resolver>);

impl Names {
    /// Returns all names if `resolve`, none otherwise.
    pub fn new(resolve: bool) -> Self {
        Self(resolve.then(Resolver::new))
    }
}

/// Words of the command line.
impl Lookup for Names {
    fn host(&self, name: &str) -> Result<IpAddr, String> {
        if self.0.is_none() {
            return Err(format!("{name} is no address"));
        }
        let found = (name, 0).to_socket_addrs().map_err(|error| format!("{name} is not found ({error})"))?;
        found.map(|socket| socket.ip()).next().ok_or_else(|| format!("{name} has no address"))
    }

    fn port(&self, name: &str, protocol: Protocol) -> Result<u16, String> {
        let Some(resolver) = &self.0 else { return Err(format!("{name} is no port number")) };
        resolver.port(name, protocol).ok_or_else(|| format!("there is no {protocol} service called {name}"))
    }

    fn knows_names(&self) -> bool {
        self.0.is_some()
    }
}

/// Words of the output.
impl Labels for Names {
    fn address(&self, address: IpAddr) -> String {
        let name = self.0.as_ref().and_then(|resolver| resolver.host(address));
        name.unwrap_or_else(|| address.to_string())
    }

    fn port(&self, port: u16, protocol: Option<Protocol>) -> String {
        let resolver = self.0.as_ref().filter(|_| port != 0);
        let name = resolver.zip(protocol).and_then(|(resolver, protocol)| resolver.service(port, protocol));
        name.unwrap_or_else(|| port.to_string())
    }
}
