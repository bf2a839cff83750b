//! Which servers of which services a command is about. Pure.

use std::net::IpAddr;

use crate::{
    cli::{Complaint, Error, args::ServiceFilter},
    model::{RealServer, ServiceKey, Table, VirtualService},
    state::drains,
};

/// A server of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Chosen {
    /// The service.
    pub(in crate::cli) service: VirtualService,
    /// The server as it was when the command came.
    pub(in crate::cli) server: RealServer,
}

impl Chosen {
    /// Names it as files do.
    pub(in crate::cli) fn member(&self) -> drains::Member {
        drains::Member::new(&self.service.key, &self.server.key)
    }

    /// Names it for people.
    pub(in crate::cli) fn label(&self) -> String {
        label(&self.service.key, &self.server)
    }
}

fn label(service: &ServiceKey, server: &RealServer) -> String {
    format!("{} of {service}", server.key)
}

/// Returns the servers of `table` that `servers` names in services that `services` takes; all servers if it names none.
///
/// # Errors
/// Everything that names nothing, with what could have been meant.
pub(in crate::cli) fn choose(
    table: &Table,
    services: &ServiceFilter,
    servers: &[(IpAddr, Option<u16>)],
) -> Result<Vec<Chosen>, Error> {
    let keys: Vec<ServiceKey> = table.services.keys().copied().collect();
    services.all_among(&keys)?;
    let all = || table.services.values().flat_map(|entry| entry.servers.values().map(move |server| (entry, server)));
    let is = |server: &RealServer, (address, port): &(IpAddr, Option<u16>)| {
        server.key.address == *address && port.is_none_or(|port| port == server.key.port)
    };
    let taken = || all().filter(|(entry, _)| services.takes(&entry.service.key));
    let missing = servers.iter().filter(|wanted| !taken().any(|(_, server)| is(server, wanted)));
    let complaints: Vec<_> = missing
        .map(|wanted| {
            let (address, port) = wanted;
            let name = match (port, address) {
                (None, address) => address.to_string(),
                (Some(port), address) => std::net::SocketAddr::new(*address, *port).to_string(),
            };
            let which = if services.takes_all() { "no service" } else { "none of these services" };
            let complaint = Complaint::new(format_args!("{which} has the real server {name}"));
            let alike: Vec<_> = all()
                .filter(|(_, server)| server.key.address == *address)
                .take(5)
                .map(|(entry, server)| label(&entry.service.key, server))
                .collect();
            if alike.is_empty() { complaint } else { complaint.hint(format_args!("there is {}", alike.join(", "))) }
        })
        .collect();
    if !complaints.is_empty() {
        return Err(Error::all_failed(complaints));
    }
    let chosen = taken().filter(|(_, server)| servers.is_empty() || servers.iter().any(|wanted| is(server, wanted)));
    let mut chosen: Vec<_> =
        chosen.map(|(entry, server)| Chosen { service: entry.service.clone(), server: *server }).collect();
    chosen.sort_by_key(|each| (each.service.key, each.server.key));
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{file, grammar::NoNames};

    fn table(text: &str) -> Table {
        file::parse(text.as_bytes(), &NoNames).expect("a save file").table
    }

    #[test]
    fn a_server_is_found_in_all_its_services() {
        let table = table(
            "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.11:80 -m -w 3\n\
             -A -u 10.0.0.1:53 -s rr\n-a -u 10.0.0.1:53 -r 10.0.0.11:53 -m -w 1\n-a -u 10.0.0.1:53 -r 10.0.0.12:53 -m -w 1\n",
        );
        let any = ServiceFilter::default();
        let labels = |servers: &[(&str, Option<u16>)]| {
            let servers: Vec<_> = servers.iter().map(|(ip, port)| (ip.parse().unwrap(), *port)).collect();
            choose(&table, &any, &servers).map(|chosen| chosen.iter().map(Chosen::label).collect::<Vec<_>>())
        };
        assert_eq!(
            labels(&[("10.0.0.11", None)]),
            Ok(vec!["10.0.0.11:80 of TCP 10.0.0.1:80".into(), "10.0.0.11:53 of UDP 10.0.0.1:53".into()])
        );
        assert_eq!(labels(&[("10.0.0.12", Some(53))]).unwrap().len(), 1);
        assert_eq!(labels(&[]).unwrap().len(), 3);
        let wrong = labels(&[("10.0.0.12", Some(80)), ("10.0.0.13", None)]).unwrap_err();
        let said: Vec<_> = wrong.complaints().iter().map(|complaint| complaint.text.as_str()).collect();
        assert_eq!(said, ["no service has the real server 10.0.0.12:80", "no service has the real server 10.0.0.13"]);
        assert_eq!(wrong.complaints()[0].hint.as_deref(), Some("there is 10.0.0.12:53 of UDP 10.0.0.1:53"));
    }
}
