//! Which service takes a packet, and what the kernel already remembers of its client. Pure: the kernel's order, step by step.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::{
    ipvs::Connection,
    model::{Family, Netmask, Protocol, ServiceKey, Snapshot, SnapshotService},
};

/// FTP's control and data ports, and the first port that an ordinary program may listen on.
const FTP: u16 = 21;
const FTP_DATA: u16 = 20;
const FIRST_ORDINARY: u16 = 1024;

/// What is explained: a packet of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Question {
    /// Protocol.
    pub(in crate::cli) protocol: Protocol,
    /// Who sends it.
    pub(in crate::cli) client: IpAddr,
    /// From which port, where that is said.
    pub(in crate::cli) client_port: Option<u16>,
    /// Where to.
    pub(in crate::cli) to: SocketAddr,
    /// Its firewall mark; 0 is none.
    pub(in crate::cli) mark: u32,
}

/// Why a service takes a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Why {
    /// Its firewall mark.
    Mark,
    /// Its address and port.
    Exact,
    /// It may be data of an FTP service on that address.
    Ftp,
    /// The service takes all ports of the address that have none of their own.
    AllPorts,
}

impl Why {
    /// Returns a word that programs can go by.
    pub(in crate::cli) fn word(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::Exact => "exact",
            Self::Ftp => "ftp",
            Self::AllPorts => "all-ports",
        }
    }
}

/// Returns the service that takes the packet.
pub(super) fn service<'a>(snapshot: &'a Snapshot, question: &Question) -> Option<(&'a SnapshotService, Why)> {
    let find = |key: ServiceKey| snapshot.services.iter().find(|each| each.service.key == key);
    let at = |port| find(ServiceKey::Address { protocol: question.protocol, address: question.to.ip(), port });
    let mark = ServiceKey::Mark { mark: question.mark, family: Family::of(question.to.ip()) };
    let port = question.to.port();
    let may_be_ftp = question.protocol == Protocol::Tcp && (port == FTP_DATA || port >= FIRST_ORDINARY);
    (question.mark != 0)
        .then(|| find(mark))
        .flatten()
        .map(|service| (service, Why::Mark))
        .or_else(|| at(port).map(|service| (service, Why::Exact)))
        .or_else(|| may_be_ftp.then(|| at(FTP)).flatten().map(|service| (service, Why::Ftp)))
        .or_else(|| at(0).map(|service| (service, Why::AllPorts)))
}

/// Whether this is the connection that the packet belongs to; without a client's port, any of the client's.
pub(super) fn is_connection(each: &Connection<'_>, question: &Question) -> bool {
    each.client.port() != 0
        && each.protocol == question.protocol
        && each.client.ip() == question.client
        && question.client_port.is_none_or(|port| port == each.client.port())
        && each.service == question.to
}

/// Whether this is what a persistent service remembers of the client.
pub(super) fn is_template(each: &Connection<'_>, question: &Question, service: &SnapshotService) -> bool {
    let Some(persistence) = service.service.persistence else { return false };
    let port = question.to.port();
    let own_port = service.service.key.port() == Some(port);
    let (protocol, target) = match service.service.key {
        // A mark stands where the address would be.
        ServiceKey::Mark { mark, family: Family::V4 } => (Protocol::Other(0), IpAddr::from(Ipv4Addr::from(mark))),
        ServiceKey::Mark { mark, family: Family::V6 } => {
            (Protocol::Other(0), IpAddr::from(std::net::Ipv6Addr::from(u128::from(mark) << 96)))
        }
        ServiceKey::Address { protocol, address, .. } => (protocol, address),
    };
    // FTP's data has other ports than its control connection, and one memory for both.
    let target_port = if own_port && port != FTP { port } else { 0 };
    each.client.port() == 0
        && each.protocol == protocol
        && each.client.ip() == masked(question.client, persistence.netmask)
        && (each.service.ip() == target || is_mark(each.service.ip(), &service.service.key))
        && each.service.port() == target_port
}

/// Whether an address stands for the mark, in the last bytes or the first ones: kernels differ for IPv6.
fn is_mark(address: IpAddr, key: &ServiceKey) -> bool {
    match (address, key) {
        (IpAddr::V6(address), ServiceKey::Mark { mark, .. }) => u128::from(address) == u128::from(*mark),
        _ => false,
    }
}

/// Returns the part of an address that persistence goes by.
fn masked(address: IpAddr, netmask: Netmask) -> IpAddr {
    match (address, netmask) {
        (IpAddr::V4(address), Netmask::V4(mask)) => Ipv4Addr::from(u32::from(address) & u32::from(mask)).into(),
        (IpAddr::V6(address), Netmask::V6(prefix)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
            std::net::Ipv6Addr::from(u128::from(address) & mask).into()
        }
        (address, _) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ipvs::procfs,
        model::{Persistence, VirtualService},
    };

    fn snapshot(services: &[(ServiceKey, Option<Persistence>)]) -> Snapshot {
        let service = |(key, persistence): &(ServiceKey, Option<Persistence>)| SnapshotService {
            service: VirtualService { persistence: *persistence, ..VirtualService::new(*key) },
            stats: None,
            servers: Vec::new(),
        };
        Snapshot { services: services.iter().map(service).collect() }
    }

    fn tcp(port: u16) -> ServiceKey {
        ServiceKey::Address { protocol: Protocol::Tcp, address: "172.16.1.1".parse().unwrap(), port }
    }

    fn question(port: u16, mark: u32) -> Question {
        Question {
            protocol: Protocol::Tcp,
            client: "172.16.1.2".parse().unwrap(),
            client_port: Some(42830),
            to: SocketAddr::new("172.16.1.1".parse().unwrap(), port),
            mark,
        }
    }

    #[test]
    fn services_are_matched_in_the_kernels_order() {
        let mark = ServiceKey::Mark { mark: 5, family: Family::V4 };
        let all = snapshot(&[(tcp(0), None), (tcp(80), None), (tcp(21), None), (mark, None)]);
        let found = |port, mark| service(&all, &question(port, mark)).map(|(found, why)| (found.service.key, why));
        assert_eq!(found(80, 5), Some((mark, Why::Mark)));
        assert_eq!(found(80, 6), Some((tcp(80), Why::Exact)));
        assert_eq!(found(20, 0), Some((tcp(21), Why::Ftp)));
        assert_eq!(found(5000, 0), Some((tcp(21), Why::Ftp)));
        assert_eq!(found(22, 0), Some((tcp(0), Why::AllPorts)));
        let few = snapshot(&[(tcp(80), None)]);
        assert!(service(&few, &question(81, 0)).is_none());
    }

    #[test]
    fn memories_are_found() {
        let text = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP AC100102 A74E AC100101 0050 AC100302 1F90 ESTABLISHED     896
TCP AC100100 0000 AC100101 0050 AC100302 1F90 ASSURED          56
IP  AC100102 0000 00000005 0000 AC100302 0000 NONE             30
TCP AC100102 0000 AC100101 0000 AC100302 0000 NONE             30
";
        let lines: Vec<_> = procfs::connections(text).map(Result::unwrap).collect();
        let asked = question(80, 5);
        let at = |test: &dyn Fn(&Connection<'_>) -> bool| lines.iter().position(test);
        assert_eq!(at(&|line| is_connection(line, &asked)), Some(0));
        assert_eq!(at(&|line| is_connection(line, &Question { client_port: Some(1), ..asked })), None);
        assert_eq!(at(&|line| is_connection(line, &Question { client_port: None, ..asked })), Some(0));
        let memory = |key, mask: &str| {
            let netmask = Netmask::V4(mask.parse().unwrap());
            let table = snapshot(&[(key, Some(Persistence { timeout: 60, netmask }))]);
            at(&|line| is_template(line, &asked, &table.services[0]))
        };
        assert_eq!(memory(tcp(80), "255.255.255.0"), Some(1));
        assert_eq!(memory(tcp(80), "255.255.255.255"), None);
        assert_eq!(memory(ServiceKey::Mark { mark: 5, family: Family::V4 }, "255.255.255.255"), Some(2));
        assert_eq!(memory(tcp(0), "255.255.255.255"), Some(3));
        assert!(!is_template(&lines[1], &asked, &snapshot(&[(tcp(80), None)]).services[0]));
    }
}
