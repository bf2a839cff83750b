//! Probes through the kernel's own forwarding: each such server has a hidden service of its own, chosen by a firewall mark.
//!
//! The hidden service forwards like the real one, but to that server only; the probe goes to the virtual address and
//! carries the mark. So it proves what clients need: the address on the server's loopback, ARP, decapsulation, reverse-path
//! filters. On a director that holds the virtual address itself, answers of direct routing and tunnels come from an
//! address of our own: the kernel drops them unless `accept_local` is on for the link that they come by.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use indexmap::IndexMap;

use super::Error;
use crate::{
    check::settings::{Probe, Question},
    ipvs,
    model::{Entry, Family, RealServer, ServerKey, ServiceKey, Thresholds, VirtualService, Weight},
    pool::{
        Pools,
        settings::{Check, Scope},
    },
};

/// Which server is probed by which hidden service.
#[derive(Clone, Debug)]
pub(super) struct Hidden {
    first: u32,
    marks: HashMap<(ServiceKey, ServerKey), ServiceKey>,
    servers: HashMap<ServiceKey, (ServiceKey, ServerKey)>,
    by_service: HashMap<ServiceKey, Vec<ServiceKey>>,
}

impl Hidden {
    /// Begins with firewall marks from `first` on, up to the last of [`VirtualService::HIDDEN_MARKS`].
    pub(super) fn new(first: u32) -> Self {
        Self { first, marks: HashMap::new(), servers: HashMap::new(), by_service: HashMap::new() }
    }

    /// Gives each server that is probed through its virtual address a mark, the same as before if it had one, and has its
    /// probes go there; `checks` are all of the services of `scope`. Marks that are `taken` by others' services are left
    /// alone; nobody is asked for them if there is no such check.
    ///
    /// # Errors
    /// A check asks what cannot be asked this way, there are no marks left, or `taken` fails.
    pub(super) fn assign(
        &mut self,
        checks: &mut [Check],
        scope: &Scope,
        taken: impl FnOnce() -> Result<HashSet<u32>, ipvs::Error>,
    ) -> Result<(), Error> {
        let last = *VirtualService::HIDDEN_MARKS.end();
        let used: HashSet<u32> = self.servers.keys().filter_map(mark_of).collect();
        let taken = if checks.iter().any(|check| check.through_vip) { taken()? } else { HashSet::new() };
        let mut free = (self.first.max(1)..=last).filter(|mark| !taken.contains(mark) && !used.contains(mark));
        let mut still = HashSet::new();
        for check in checks.iter_mut().filter(|check| check.through_vip) {
            let pair = (check.service, check.server);
            let key = match self.marks.get(&pair) {
                Some(key) => *key,
                None => {
                    let mark = free.next().ok_or(Error::Marks { first: self.first, last })?;
                    let key = ServiceKey::Mark { mark, family: check.service.family() };
                    self.marks.insert(pair, key);
                    self.servers.insert(key, pair);
                    key
                }
            };
            still.insert(pair);
            redirect(check, mark_of(&key).unwrap_or_default())?;
        }
        let stays = |pair: &(ServiceKey, ServerKey)| still.contains(pair) || !scope.has(&pair.0);
        self.marks.retain(|pair, _| stays(pair));
        self.servers.retain(|_, pair| stays(pair));
        self.by_service.clear();
        for (key, (service, _)) in &self.servers {
            self.by_service.entry(*service).or_default().push(*key);
        }
        Ok(())
    }

    /// Returns all hidden services of ours, whether their servers exist or not.
    pub(super) fn keys(&self) -> impl Iterator<Item = ServiceKey> {
        self.servers.keys().copied()
    }

    /// Returns the hidden services of the servers of one service.
    pub(super) fn of(&self, service: &ServiceKey) -> impl Iterator<Item = ServiceKey> {
        self.by_service.get(service).into_iter().flatten().copied()
    }

    /// Whether a service is one of ours.
    pub(super) fn contains(&self, key: &ServiceKey) -> bool {
        self.servers.contains_key(key)
    }

    /// Returns a hidden service as the kernel should have it: with its server forwarded to as the operator wants it. `None`
    /// if it should not be there.
    pub(super) fn effective(&self, key: &ServiceKey, pools: &Pools) -> Option<Entry> {
        let (service, server) = self.servers.get(key)?;
        let operators = pools.operator_server(service, server)?;
        let weight = Weight::default();
        let server = RealServer { weight, thresholds: Thresholds::default(), ..operators };
        let ServiceKey::Mark { mark, family } = *key else { return None };
        Some(Entry { service: VirtualService::hidden(mark, family), servers: IndexMap::from([(server.key, server)]) })
    }

    /// Returns the hidden service that a probe goes through, `None` for others, and the server behind it.
    pub(super) fn behind(&self, probe: &Probe) -> Option<(ServiceKey, ServerKey)> {
        let family = Family::of(probe.target.ip());
        let key = ServiceKey::Mark { mark: probe.connection.mark, family };
        self.servers.get(&key).map(|(_, server)| (key, *server))
    }
}

fn mark_of(key: &ServiceKey) -> Option<u32> {
    match key {
        ServiceKey::Mark { mark, .. } => Some(*mark),
        ServiceKey::Address { .. } => None,
    }
}

/// Sends a check's probe to the virtual address with a mark. A firewall mark service has no address: there the check has to
/// name one that the rules give that mark, as its connect address.
fn redirect(check: &mut Check, mark: u32) -> Result<(), Error> {
    let refuse = |why| Error::ThroughVip { service: check.service, server: check.server, why };
    match check.probe.question {
        Question::Tcp | Question::Http(_) | Question::Smtp { .. } | Question::Dns { .. } | Question::Udp(_) => {}
        _ => return Err(refuse("only checks that connect by TCP or UDP can go through the virtual address")),
    }
    if check.probe.connection.mark != 0 {
        return Err(refuse("its probe has a firewall mark of its own; leave that out"));
    }
    if let ServiceKey::Address { address, port, .. } = check.service {
        let port = if port == 0 { check.probe.target.port() } else { port };
        Arc::make_mut(&mut check.probe).target = SocketAddr::new(address, port);
    } else if check.probe.target.is_ipv4() != (check.service.family() == Family::V4) {
        return Err(refuse("its connect address is of another family than the service"));
    }
    Arc::make_mut(&mut check.probe).connection.mark = mark;
    Ok(())
}

/// Returns the address from which this host would speak to a server: what a probe through a virtual address that is on
/// this host has to bind to, since the kernel would choose the virtual address itself. `None` without a route.
pub(super) fn source_towards(server: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // Nothing is sent: the kernel only looks for the way. The port is discard's.
    socket.connect((server, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        check::settings::{Connection, Initial, Schedule},
        model::{Forwarding, Moment, Protocol, Table},
        pool::settings::Settings,
    };

    /// The first of the marks.
    const FIRST: u32 = *VirtualService::HIDDEN_MARKS.start();

    fn service(number: u8) -> ServiceKey {
        ServiceKey::Address { protocol: Protocol::Tcp, address: [10, 0, 0, number].into(), port: 80 }
    }

    fn check(number: u8, server: u8) -> Check {
        let server = ServerKey { address: [10, 0, 1, server].into(), port: 8080 };
        Check {
            service: service(number),
            server,
            probe: Arc::new(Probe {
                target: (server.address, server.port).into(),
                connection: Connection::default(),
                question: Question::Tcp,
                deadline: Duration::from_secs(1),
            }),
            schedule: Arc::new(Schedule {
                interval: Duration::from_secs(1),
                jitter: Duration::ZERO,
                retry: 0,
                delay_before_retry: Duration::ZERO,
                rise: 1,
                warmup: Duration::ZERO,
                initial: Initial::CheckFirst,
                log_all_failures: false,
            }),
            through_vip: true,
        }
    }

    fn marks(checks: &[Check]) -> Vec<u32> {
        checks.iter().map(|check| check.probe.connection.mark - FIRST).collect()
    }

    #[test]
    fn each_server_has_a_mark_which_it_keeps() {
        let mut hidden = Hidden::new(FIRST);
        let taken = || Ok(HashSet::from([FIRST + 1]));
        let mut checks = [check(1, 1), check(1, 2), check(1, 1), check(2, 1)];
        hidden.assign(&mut checks, &Scope::All, taken).unwrap();
        assert_eq!(marks(&checks), [0, 2, 0, 3], "one for each server of each service; the second is somebody else's");
        assert_eq!(checks[0].probe.target, ([10, 0, 0, 1], 80).into(), "the virtual address, and its port");
        assert_eq!(hidden.of(&service(1)).count(), 2);

        let mut checks = [check(3, 1), check(2, 1)];
        hidden.assign(&mut checks, &Scope::All, taken).unwrap();
        assert_eq!(marks(&checks), [4, 3], "marks are not used again while others may still be on their way");
        assert_eq!((hidden.keys().count(), hidden.of(&service(1)).count()), (2, 0));
        assert!(hidden.behind(&check(1, 1).probe).is_none());
        assert_eq!(hidden.behind(&checks[1].probe).map(|(_, server)| server), Some(checks[1].server));

        // Of other services nothing is said.
        let mut more = [check(4, 1)];
        hidden.assign(&mut more, &Scope::Only([service(3), service(4)].into()), taken).unwrap();
        assert_eq!((marks(&more), hidden.keys().count()), (vec![0], 2));
        assert!(hidden.of(&service(2)).count() == 1 && hidden.of(&service(3)).count() == 0);
    }

    #[test]
    fn what_cannot_go_through_the_virtual_address_is_refused() {
        let refused = |change: &dyn Fn(&mut Check)| {
            let mut checks = [check(1, 1)];
            change(&mut checks[0]);
            Hidden::new(FIRST)
                .assign(&mut checks, &Scope::All, || Ok(HashSet::new()))
                .map_err(|error| error.to_string())
        };
        assert!(refused(&|_| {}).is_ok());
        assert_eq!(
            refused(&|check| Arc::make_mut(&mut check.probe).question = Question::Ping).unwrap_err(),
            "the check of server 10.0.1.1:8080 of TCP 10.0.0.1:80 cannot go through the virtual address: only checks that \
             connect by TCP or UDP can go through the virtual address"
        );
        assert!(refused(&|check| Arc::make_mut(&mut check.probe).connection.mark = 7).is_err());
        let mark = ServiceKey::Mark { mark: 5, family: Family::V6 };
        assert!(refused(&|check| check.service = mark).is_err(), "the target has to be one of the mark's");
        let mark = ServiceKey::Mark { mark: 5, family: Family::V4 };
        assert!(refused(&|check| check.service = mark).is_ok());

        let mut many: Vec<_> = (0..=255).flat_map(|number| (0..=255).map(move |each| check(number, each))).collect();
        many.push(Check { service: mark, ..check(0, 0) });
        let error = Hidden::new(FIRST).assign(&mut many, &Scope::All, || Ok(HashSet::new())).unwrap_err();
        assert!(matches!(error, Error::Marks { first: FIRST, last: 0x4c56_ffff }), "{error}");
    }

    #[test]
    fn the_hidden_service_forwards_as_the_real_one() {
        let mut hidden = Hidden::new(FIRST);
        let mut checks = vec![check(1, 1), check(1, 2)];
        hidden.assign(&mut checks, &Scope::All, || Ok(HashSet::new())).unwrap();
        let server = RealServer {
            key: checks[0].server,
            forwarding: Forwarding::Masquerade,
            weight: Weight::ZERO,
            thresholds: Thresholds { upper: 9, lower: 1 },
        };
        let entry = Entry { service: VirtualService::new(service(1)), servers: [(server.key, server)].into() };
        let operator = Table { services: [(service(1), entry)].into(), ..Table::default() };
        let settings = Settings { operator, ..Settings::default() };
        let pools = Pools::new(Moment::ZERO, settings, &Table::default());
        let first = ServiceKey::Mark { mark: FIRST, family: Family::V4 };
        let entry = hidden.effective(&first, &pools).unwrap();
        assert!(entry.service.is_hidden());
        let expected = RealServer { weight: Weight::default(), thresholds: Thresholds::default(), ..server };
        assert_eq!(entry.servers.values().collect::<Vec<_>>(), [&expected], "also while nobody else gets there");
        let second = ServiceKey::Mark { mark: FIRST + 1, family: Family::V4 };
        assert_eq!(hidden.effective(&second, &pools), None, "its server does not exist");
    }

    #[test]
    fn a_probe_comes_from_the_address_that_leads_to_the_server() {
        assert_eq!(source_towards([127, 0, 0, 1].into()), Some([127, 0, 0, 1].into()));
    }
}
