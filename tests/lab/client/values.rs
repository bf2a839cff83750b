//! Short ways to say what the tests of the client work with.

use lvsadm::{
    ipvs::Client,
    model::{
        Change, Checksum, DaemonRole, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, Scheduler,
        SchedulerFlags, ServerKey, ServiceKey, SyncDaemon, Thresholds, Tunnel, VirtualService, Weight,
    },
};
use nix::errno::Errno;

use crate::support::run_with_input;

pub(super) fn client() -> Client {
    Client::open().expect("a client")
}

pub(super) fn service_key(protocol: Protocol, address: &str, port: u16) -> ServiceKey {
    ServiceKey::Address { protocol, address: address.parse().expect("an address"), port }
}

pub(super) fn vip() -> ServiceKey {
    service_key(Protocol::Tcp, "10.0.0.1", 80)
}

pub(super) fn vip6() -> ServiceKey {
    service_key(Protocol::Tcp, "2001:db8::1", 80)
}

pub(super) fn mark(mark: u32, family: Family) -> ServiceKey {
    ServiceKey::Mark { mark, family }
}

pub(super) fn service(key: ServiceKey, scheduler: &str) -> VirtualService {
    VirtualService { scheduler: Scheduler::new(scheduler), ..VirtualService::new(key) }
}

pub(super) fn persistent(service: VirtualService, timeout: u32, netmask: Netmask) -> VirtualService {
    VirtualService { persistence: Some(Persistence { timeout, netmask }), ..service }
}

pub(super) fn server(address: &str, port: u16, forwarding: Forwarding) -> RealServer {
    RealServer {
        key: ServerKey { address: address.parse().expect("an address"), port },
        forwarding,
        weight: Weight::default(),
        thresholds: Thresholds::default(),
    }
}

pub(super) fn masquerade(address: &str) -> RealServer {
    server(address, 8080, Forwarding::Masquerade)
}

pub(super) fn weighted(server: RealServer, weight: u32) -> RealServer {
    RealServer { weight: Weight::new(weight).expect("a weight"), ..server }
}

pub(super) fn limited(server: RealServer, upper: u32, lower: u32) -> RealServer {
    RealServer { thresholds: Thresholds { upper, lower }, ..server }
}

pub(super) fn gue(port: u16, checksum: Checksum) -> Forwarding {
    Forwarding::Tunnel(Tunnel::Gue { port, checksum })
}

pub(super) fn gre(checksum: Checksum) -> Forwarding {
    Forwarding::Tunnel(Tunnel::Gre { checksum })
}

pub(super) const IPIP: Forwarding = Forwarding::Tunnel(Tunnel::Ipip);

pub(super) fn flags(first: bool, second: bool, third: bool) -> SchedulerFlags {
    SchedulerFlags { first, second, third }
}

pub(super) fn daemon(role: DaemonRole, interface: &str) -> SyncDaemon {
    SyncDaemon { role, interface: interface.to_owned(), sync_id: 0, max_len: None, group: None, port: None, ttl: None }
}

#[track_caller]
pub(super) fn apply(client: &mut Client, changes: &[Change]) {
    assert_eq!(client.apply(changes).expect("answers"), []);
}

/// What each change is refused for, `None` if it is not.
pub(super) fn refusals(client: &mut Client, changes: &[Change]) -> Vec<Option<Errno>> {
    let refused = client.apply(changes).expect("answers");
    let mut found = vec![None; changes.len()];
    refused.iter().for_each(|refusal| found[refusal.index] = Some(refusal.errno));
    found
}

/// Makes an interface that sync daemons can use.
pub(super) fn lan_interface() {
    let commands = "link add eth0 type dummy\nlink set eth0 up\naddress add 192.0.2.1/24 dev eth0\n\
                    address add 2001:db8:2::1/64 dev eth0 nodad\n";
    run_with_input("ip -batch -", commands).ok();
}
