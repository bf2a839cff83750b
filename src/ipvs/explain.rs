//! What it means when the kernel refuses a change: the kernel says a number, a person wants a sentence.
//!
//! Knows the kernel's checks, and nothing of command lines: hints name no option.

use std::{fmt, net::IpAddr};

use nix::errno::Errno;

use super::Refusal;
use crate::model::{
    Change, DaemonRole, Family, Forwarding, Netmask, RealServer, ServiceKey, SyncDaemon, Tunnel, VirtualService,
};

/// The schedulers of the kernel, each a module `ip_vs_NAME`.
const SCHEDULERS: [&str; 14] =
    ["dh", "fo", "lblc", "lblcr", "lc", "mh", "nq", "ovf", "rr", "sed", "sh", "twos", "wlc", "wrr"];

/// The persistence engines of the kernel, each a module `ip_vs_pe_NAME`.
const ENGINES: [&str; 1] = ["sip"];

/// A refusal in words: `cannot add the virtual service TCP 10.0.0.1:80: it exists already`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    attempt: String,
    reason: String,
    hint: Option<String>,
}

impl Explanation {
    /// Returns what a person can do about it, if there is more to say than the reason says.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns why it failed, without what failed: for callers that name the change in their own way.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.attempt, self.reason)
    }
}

/// Explains why the kernel refused `change`.
pub fn explain(change: &Change, refusal: &Refusal) -> Explanation {
    let (reason, hint) = known(change, refusal.errno).unwrap_or_else(|| unknown(refusal));
    Explanation { attempt: attempt(change), reason, hint }
}

fn attempt(change: &Change) -> String {
    match change {
        Change::AddService(service) => format!("add the virtual service {}", service.key),
        Change::EditService(service) => format!("edit the virtual service {}", service.key),
        Change::DeleteService(key) => format!("delete the virtual service {key}"),
        Change::AddServer(key, server) => format!("add the real server {} to {key}", server.key),
        Change::EditServer(key, server) => format!("edit the real server {} of {key}", server.key),
        Change::DeleteServer(service, key) => format!("delete the real server {key} of {service}"),
        Change::SetTimeouts(_) => "set the connection timeouts".to_owned(),
        Change::StartDaemon(daemon) => format!("start the {} sync daemon on {}", daemon.role, daemon.interface),
        Change::StopDaemon(role) => format!("stop the {role} sync daemon"),
        Change::Zero(Some(key)) => format!("zero the counters of {key}"),
        Change::Zero(None) => "zero all counters".to_owned(),
        Change::Clear => "clear the table".to_owned(),
    }
}

/// A reason and perhaps a hint.
type Words = (String, Option<String>);

fn words(reason: impl Into<String>, hint: &str) -> Option<Words> {
    Some((reason.into(), (!hint.is_empty()).then(|| hint.to_owned())))
}

fn unknown(refusal: &Refusal) -> Words {
    let reason = refusal.said.clone().unwrap_or_else(|| refusal.errno.desc().to_owned());
    let hint = "the kernel's log may say more: dmesg | grep IPVS";
    (format!("the kernel refused it: {reason} ({})", refusal.errno as i32), Some(hint.to_owned()))
}

fn known(change: &Change, errno: Errno) -> Option<Words> {
    match errno {
        Errno::EPERM => {
            return words(
                "not permitted",
                "this takes root with CAP_NET_ADMIN on the machine itself, not in a user namespace",
            );
        }
        Errno::ENOMEM => return words("the kernel has no memory left for it", ""),
        Errno::ENOPROTOOPT => return words("the module ip_vs is being unloaded", ""),
        Errno::EAFNOSUPPORT => {
            return words(
                "this kernel has no IPv6, or it is switched off",
                "look for ipv6.disable=1 on the kernel's command line (/proc/cmdline), and for CONFIG_IP_VS_IPV6",
            );
        }
        _ => {}
    }
    match change {
        Change::AddService(service) => match errno {
            Errno::EEXIST => words("it exists already", "edit it, or delete it first"),
            _ => service_settings(service, errno),
        },
        Change::EditService(service) => match errno {
            Errno::ESRCH => words("there is no such service", "add it instead"),
            _ => service_settings(service, errno),
        },
        Change::DeleteService(_) | Change::Zero(Some(_)) if errno == Errno::ESRCH => {
            words("there is no such service", "")
        }
        Change::AddServer(key, _) | Change::EditServer(key, _) | Change::DeleteServer(key, _)
            if errno == Errno::ESRCH =>
        {
            words(format!("there is no virtual service {key}"), "add the service first")
        }
        Change::AddServer(key, server) => match errno {
            Errno::EEXIST => words("the service has this server already", "edit it, or delete it first"),
            Errno::EINVAL => server_settings(key, server).or_else(|| server_address(server)),
            _ => server_numbers(server, errno),
        },
        Change::EditServer(key, server) => match errno {
            Errno::ENOENT => words("the service has no such server", "add it instead"),
            Errno::EINVAL => server_settings(key, server),
            _ => server_numbers(server, errno),
        },
        Change::DeleteServer(..) if errno == Errno::ENOENT => words("the service has no such server", ""),
        Change::SetTimeouts(timeouts) if errno == Errno::EINVAL => {
            let longest = timeouts.tcp.max(timeouts.tcp_fin).max(timeouts.udp);
            words(
                format!("{longest} seconds are more than this kernel can count"),
                "it counts to 2147483647 timer ticks: with 250 or 1000 a second, to 8589934 or 2147483 seconds",
            )
        }
        Change::StartDaemon(daemon) => start_daemon(daemon, errno),
        Change::StopDaemon(role) if errno == Errno::ESRCH => words(format!("no {role} sync daemon is running"), ""),
        _ => None,
    }
}

/// What can be wrong with a service's own settings.
fn service_settings(service: &VirtualService, errno: Errno) -> Option<Words> {
    match errno {
        Errno::ENOENT => Some(unknown_name(service)),
        Errno::EINVAL if service.engine.as_ref().is_some_and(|name| name.len() > VirtualService::ENGINE_MAX_LEN) => {
            let longest = VirtualService::ENGINE_MAX_LEN;
            words(format!("the name of a persistence engine has at most {longest} bytes"), "")
        }
        Errno::EINVAL => match service.persistence?.netmask {
            Netmask::V6(prefix) if prefix == 0 || prefix > 128 => words(
                format!("the persistence prefix length {prefix} is not one for IPv6"),
                "take a length from 1 to 128",
            ),
            Netmask::V4(mask) if service.key.family() == Family::V6 => {
                words(format!("the persistence mask {mask} is for IPv4, the service is IPv6"), "")
            }
            _ => None,
        },
        _ => None,
    }
}

/// The kernel does not say which of the two names it does not know.
fn unknown_name(service: &VirtualService) -> Words {
    let scheduler = service.scheduler.as_str();
    let scheduler_known = scheduler == "none" || SCHEDULERS.contains(&scheduler);
    match &service.engine {
        Some(engine) if scheduler_known && !ENGINES.contains(&engine.as_str()) => (
            format!("the kernel has no persistence engine '{engine}'"),
            Some(format!("Linux has: {}", ENGINES.join(", "))),
        ),
        Some(engine) if scheduler_known => (
            format!("the kernel has no scheduler '{scheduler}' or no persistence engine '{engine}'"),
            Some(format!("try: modprobe ip_vs_{scheduler}; modprobe ip_vs_pe_{engine}")),
        ),
        _ if scheduler_known => (
            format!("the kernel has no scheduler '{scheduler}'"),
            Some(format!("its module cannot be loaded; try: modprobe ip_vs_{scheduler}")),
        ),
        _ => (
            format!("the kernel has no scheduler '{scheduler}'"),
            Some(format!("Linux has: {}", SCHEDULERS.join(", "))),
        ),
    }
}

/// What can be wrong with a server apart from its address; the kernel says `EINVAL` to all of it.
fn server_settings(service: &ServiceKey, server: &RealServer) -> Option<Words> {
    if server.key.family() != service.family() {
        return if matches!(server.forwarding, Forwarding::Tunnel(_)) {
            words(
                "server and service are of different families, which cannot be while a sync daemon is running",
                "stop the sync daemons first",
            )
        } else {
            words(
                "server and service are of different families",
                "only tunnelled servers can be of another family than their service",
            )
        };
    }
    if matches!(server.forwarding, Forwarding::Tunnel(Tunnel::Gue { port: 0, .. })) {
        return words("a GUE tunnel needs a destination port", "");
    }
    None
}

fn server_numbers(server: &RealServer, errno: Errno) -> Option<Words> {
    let thresholds = server.thresholds;
    if errno == Errno::ERANGE && thresholds.lower > thresholds.upper {
        let (lower, upper) = (thresholds.lower, thresholds.upper);
        return words(
            format!("the lower threshold {lower} is above the upper threshold {upper}"),
            "connections stop at the upper threshold and start again below the lower one",
        );
    }
    None
}

/// Why a new server's address is refused. The kernel asks its routing table for local addresses whether it is a unicast one.
fn server_address(server: &RealServer) -> Option<Words> {
    let address = server.key.address;
    let plain = match address {
        IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unspecified(),
    };
    if plain {
        return words(format!("{address} is no unicast address"), "a real server needs an address of its own");
    }
    match address {
        IpAddr::V4(_) => words(
            format!("the kernel does not take {address} for a unicast address"),
            "it is the broadcast address of a network of this machine (ip route show table local), or no interface is up \
             in this network namespace, not even lo (ip link set lo up)",
        ),
        IpAddr::V6(_) => words(
            format!("{address} is a link-local address that is not this machine's"),
            "give the server by an address that needs no interface beside it",
        ),
    }
}

fn start_daemon(daemon: &SyncDaemon, errno: Errno) -> Option<Words> {
    let interface = &daemon.interface;
    match errno {
        Errno::EEXIST => words(format!("a {} sync daemon is running already", daemon.role), "stop it first"),
        Errno::ENODEV => {
            words(format!("there is no interface {interface}"), "the interfaces of this network namespace: ip link")
        }
        Errno::EINVAL if interface.len() > 15 => words("an interface's name has at most 15 bytes", ""),
        Errno::EINVAL => match daemon.group {
            Some(group) if !group.is_multicast() => {
                words(format!("{group} is no multicast address"), "the kernel's own choice is 224.0.0.81")
            }
            _ => words(
                "the table has servers of another family than their service, which the sync protocol cannot carry",
                "delete those servers first",
            ),
        },
        Errno::EADDRNOTAVAIL | Errno::EADDRINUSE | Errno::ENETUNREACH | Errno::EHOSTUNREACH => words(
            format!("{interface} cannot be used for multicast: {}", errno.desc()),
            match daemon.role {
                DaemonRole::Master => "is the interface up, and does it have an address? (ip address)",
                DaemonRole::Backup => {
                    "is the interface up, and is nothing else listening on the port? (ip address, ss -ulnp)"
                }
            },
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Checksum, Persistence, Protocol, Scheduler, ServerKey, Thresholds, Timeouts, Weight};

    fn key(address: &str) -> ServiceKey {
        ServiceKey::Address { protocol: Protocol::Tcp, address: address.parse().expect("an address"), port: 80 }
    }

    fn vip() -> ServiceKey {
        key("10.0.0.1")
    }

    fn service(scheduler: &str, engine: Option<&str>) -> VirtualService {
        VirtualService {
            scheduler: Scheduler::new(scheduler),
            engine: engine.map(str::to_owned),
            ..VirtualService::new(vip())
        }
    }

    fn server(address: &str) -> RealServer {
        RealServer {
            key: ServerKey { address: address.parse().expect("an address"), port: 8080 },
            forwarding: Forwarding::Masquerade,
            weight: Weight::default(),
            thresholds: Thresholds::default(),
        }
    }

    fn daemon(interface: &str, group: Option<&str>) -> Change {
        Change::StartDaemon(SyncDaemon {
            role: DaemonRole::Master,
            interface: interface.to_owned(),
            sync_id: 0,
            max_len: None,
            group: group.map(|group| group.parse().expect("an address")),
            port: None,
            ttl: None,
        })
    }

    fn explained(change: Change, errno: Errno) -> Explanation {
        explain(&change, &Refusal { index: 0, errno, said: None })
    }

    #[track_caller]
    fn check(change: Change, errno: Errno, expected: &str) {
        assert_eq!(explained(change, errno).to_string(), expected);
    }

    #[test]
    fn what_is_or_is_not_there_is_named() {
        let (add, edit) = (Change::AddService(service("rr", None)), Change::EditService(service("rr", None)));
        check(add, Errno::EEXIST, "cannot add the virtual service TCP 10.0.0.1:80: it exists already");
        check(edit, Errno::ESRCH, "cannot edit the virtual service TCP 10.0.0.1:80: there is no such service");
        let delete = Change::DeleteService(vip());
        check(delete, Errno::ESRCH, "cannot delete the virtual service TCP 10.0.0.1:80: there is no such service");
        let zero = Change::Zero(Some(vip()));
        check(zero, Errno::ESRCH, "cannot zero the counters of TCP 10.0.0.1:80: there is no such service");
        let rip = server("10.0.0.11");
        check(
            Change::AddServer(vip(), rip),
            Errno::EEXIST,
            "cannot add the real server 10.0.0.11:8080 to TCP 10.0.0.1:80: the service has this server already",
        );
        check(
            Change::AddServer(vip(), rip),
            Errno::ESRCH,
            "cannot add the real server 10.0.0.11:8080 to TCP 10.0.0.1:80: there is no virtual service TCP 10.0.0.1:80",
        );
        check(
            Change::EditServer(vip(), rip),
            Errno::ENOENT,
            "cannot edit the real server 10.0.0.11:8080 of TCP 10.0.0.1:80: the service has no such server",
        );
        check(
            Change::DeleteServer(vip(), rip.key),
            Errno::ENOENT,
            "cannot delete the real server 10.0.0.11:8080 of TCP 10.0.0.1:80: the service has no such server",
        );
    }

    #[test]
    fn unknown_names_are_told_apart_as_far_as_possible() {
        let reason = |scheduler, engine| {
            let explanation = explained(Change::AddService(service(scheduler, engine)), Errno::ENOENT);
            (explanation.reason().to_owned(), explanation.hint().map(str::to_owned))
        };
        let list = Some("Linux has: dh, fo, lblc, lblcr, lc, mh, nq, ovf, rr, sed, sh, twos, wlc, wrr".to_owned());
        assert_eq!(reason("rrr", None), ("the kernel has no scheduler 'rrr'".to_owned(), list.clone()));
        assert_eq!(reason("rrr", Some("sip")), ("the kernel has no scheduler 'rrr'".to_owned(), list));
        let hint = Some("its module cannot be loaded; try: modprobe ip_vs_mh".to_owned());
        assert_eq!(reason("mh", None), ("the kernel has no scheduler 'mh'".to_owned(), hint));
        assert_eq!(reason("rr", Some("sap")).0, "the kernel has no persistence engine 'sap'");
        assert_eq!(reason("rr", Some("sip")).0, "the kernel has no scheduler 'rr' or no persistence engine 'sip'");
    }

    #[test]
    fn each_cause_of_einval_has_its_own_words() {
        let reason = |service, server| explained(Change::AddServer(service, server), Errno::EINVAL).reason().to_owned();
        let mixed = server("2001:db8::1");
        assert_eq!(reason(vip(), mixed), "server and service are of different families");
        let tunnelled = RealServer { forwarding: Forwarding::Tunnel(Tunnel::Ipip), ..mixed };
        assert!(reason(vip(), tunnelled).ends_with("which cannot be while a sync daemon is running"));
        assert_eq!(reason(vip(), server("224.0.0.1")), "224.0.0.1 is no unicast address");
        assert_eq!(reason(vip(), server("0.0.0.0")), "0.0.0.0 is no unicast address");
        assert_eq!(reason(vip(), server("10.0.0.255")), "the kernel does not take 10.0.0.255 for a unicast address");
        assert_eq!(reason(key("2001:db8::2"), server("ff02::1")), "ff02::1 is no unicast address");
        assert_eq!(
            reason(key("2001:db8::2"), server("fe80::1")),
            "fe80::1 is a link-local address that is not this machine's"
        );
        let gue = Forwarding::Tunnel(Tunnel::Gue { port: 0, checksum: Checksum::None });
        let gue = RealServer { forwarding: gue, ..server("10.0.0.11") };
        assert_eq!(reason(vip(), gue), "a GUE tunnel needs a destination port");
        let netmask = Netmask::V6(0);
        let service = VirtualService { persistence: Some(Persistence { timeout: 1, netmask }), ..service("rr", None) };
        let explanation = explained(Change::AddService(service), Errno::EINVAL);
        assert_eq!(explanation.reason(), "the persistence prefix length 0 is not one for IPv6");
    }

    #[test]
    fn numbers_interfaces_and_permission() {
        let thresholds = Thresholds { upper: 5, lower: 10 };
        let server = RealServer { thresholds, ..server("10.0.0.11") };
        let reason = |change, errno| explained(change, errno).reason().to_owned();
        assert_eq!(
            reason(Change::EditServer(vip(), server), Errno::ERANGE),
            "the lower threshold 10 is above the upper threshold 5"
        );
        let timeouts = Timeouts { tcp: 0, tcp_fin: u32::MAX, udp: 0 };
        assert_eq!(
            reason(Change::SetTimeouts(timeouts), Errno::EINVAL),
            "4294967295 seconds are more than this kernel can count"
        );
        check(
            daemon("eth9", None),
            Errno::ENODEV,
            "cannot start the master sync daemon on eth9: there is no interface eth9",
        );
        assert_eq!(reason(daemon("eth0", None), Errno::EEXIST), "a master sync daemon is running already");
        assert_eq!(reason(daemon("eth0", Some("10.0.0.1")), Errno::EINVAL), "10.0.0.1 is no multicast address");
        assert!(reason(daemon("eth0", None), Errno::EINVAL).starts_with("the table has servers of another family"));
        check(
            Change::StopDaemon(DaemonRole::Backup),
            Errno::ESRCH,
            "cannot stop the backup sync daemon: no backup sync daemon is running",
        );
        check(Change::Clear, Errno::EPERM, "cannot clear the table: not permitted");
    }

    #[test]
    fn what_nobody_expects_is_told_with_its_number() {
        check(Change::Zero(None), Errno::EIO, "cannot zero all counters: the kernel refused it: I/O error (5)");
        let said = Some("Attribute failed policy validation".to_owned());
        let refusal = Refusal { index: 0, errno: Errno::ERANGE, said };
        let explanation = explain(&Change::Clear, &refusal);
        assert_eq!(explanation.reason(), "the kernel refused it: Attribute failed policy validation (34)");
        assert_eq!(explanation.hint(), Some("the kernel's log may say more: dmesg | grep IPVS"));
    }
}
