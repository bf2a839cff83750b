//! What an edit changes: only what was named. Pure.
//!
//! A patch is applied to what the kernel has, or to the defaults when something is added; the result is checked
//! here, because the kernel answers most mistakes with "invalid argument", or takes them and does something else.

use crate::{
    cli::Complaint,
    model::{
        Checksum, Family, Forwarding, Netmask, Persistence, Protocol, RealServer, Scheduler, SchedulerFlags, ServerKey,
        ServiceKey, Thresholds, Tunnel, VirtualService, Weight,
    },
};

/// How long a client is remembered when nothing is said, in seconds: what ipvsadm takes.
const DEFAULT_PERSISTENCE: u32 = 360;

/// What to do about persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persist {
    /// Switch it on; the time, if one was named.
    On(Option<u32>),
    /// Switch it off.
    Off,
}

/// Changes to a virtual service; `None` leaves what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServicePatch {
    /// Scheduler.
    pub scheduler: Option<Scheduler>,
    /// Words of `-b`, each known; empty = none.
    pub flags: Option<Vec<String>>,
    /// Persistence.
    pub persist: Option<Persist>,
    /// Granularity of persistence.
    pub netmask: Option<Netmask>,
    /// Persistence engine; inner `None` takes it away.
    pub engine: Option<Option<String>>,
    /// One-packet scheduling.
    pub one_packet: Option<bool>,
}

impl ServicePatch {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns `base` with the changes, or all that speaks against the result.
    pub fn apply(&self, base: &VirtualService) -> Result<VirtualService, Vec<Complaint>> {
        let mut wrong = Vec::new();
        let key = base.key;
        let scheduler = self.scheduler.clone().unwrap_or_else(|| base.scheduler.clone());
        let flags = match &self.flags {
            Some(words) => scheduler_flags(words, &scheduler, &mut wrong),
            None => base.flags,
        };
        let persistence = match self.persist {
            Some(Persist::Off) => None,
            Some(Persist::On(timeout)) => {
                let new = Persistence { timeout: DEFAULT_PERSISTENCE, netmask: Netmask::host(key.family()) };
                let old = base.persistence.unwrap_or(new);
                Some(Persistence { timeout: timeout.unwrap_or(old.timeout), ..old })
            }
            None => base.persistence,
        };
        let persistence = match (self.netmask, persistence) {
            (Some(netmask), Some(persistence)) => Some(Persistence { netmask, ..persistence }),
            (Some(_), None) => {
                wrong.push(
                    Complaint::new(format_args!(
                        "{key}: -M is the granularity of persistence, and the service has none"
                    ))
                    .hint("-p switches persistence on"),
                );
                None
            }
            (None, persistence) => persistence,
        };
        let engine = self.engine.clone().unwrap_or_else(|| base.engine.clone());
        if engine.is_some() && persistence.is_none() && (self.engine.is_some() || self.persist.is_some()) {
            wrong.push(
                Complaint::new(format_args!("{key}: a persistence engine needs persistence"))
                    .hint("-p switches persistence on, --no-pe takes the engine away"),
            );
        }
        if key.port() == Some(0) && persistence.is_none() {
            wrong.push(
                Complaint::new(format_args!("{key}: port 0, or none, means all ports, and that needs persistence"))
                    .hint("name the port, or add -p"),
            );
        }
        let one_packet = self.one_packet.unwrap_or(base.one_packet);
        if one_packet && !takes_one_packet(key) {
            wrong.push(Complaint::new(format_args!(
                "{key}: one-packet scheduling (-o) is for UDP and for firewall marks: other protocols have connections"
            )));
        }
        if wrong.is_empty() {
            Ok(VirtualService { key, scheduler, flags, persistence, engine, one_packet })
        } else {
            Err(wrong)
        }
    }
}

fn takes_one_packet(key: ServiceKey) -> bool {
    matches!(key, ServiceKey::Mark { .. } | ServiceKey::Address { protocol: Protocol::Udp, .. })
}

fn scheduler_flags(words: &[String], scheduler: &Scheduler, wrong: &mut Vec<Complaint>) -> SchedulerFlags {
    let mut flags = SchedulerFlags::default();
    for word in words {
        if let Some((owner, _)) = word.split_once('-')
            && owner != "flag"
            && owner != scheduler.as_str()
        {
            wrong.push(
                Complaint::new(format_args!("-b {word}: this flag is for the scheduler {owner}, not for {scheduler}"))
                    .hint(format_args!("-s {owner} chooses that scheduler")),
            );
        }
        match word.as_str() {
            "flag-1" | "sh-fallback" | "mh-fallback" => flags.first = true,
            "flag-2" | "sh-port" | "mh-port" => flags.second = true,
            _ => flags.third = true,
        }
    }
    flags
}

/// How packets are to get to a server, without the tunnel's details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `-g`
    Route,
    /// `-i`
    Tunnel,
    /// `-m`
    Masquerade,
}

/// Kind of encapsulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelKind {
    /// IP in IP.
    Ipip,
    /// Generic UDP encapsulation.
    Gue,
    /// Generic routing encapsulation.
    Gre,
}

/// Changes to a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TunnelPatch {
    /// Encapsulation.
    pub kind: Option<TunnelKind>,
    /// Destination port, GUE only.
    pub port: Option<u16>,
    /// Outer checksum.
    pub checksum: Option<Checksum>,
}

impl TunnelPatch {
    fn apply(self, base: Tunnel, server: ServerKey, wrong: &mut Vec<Complaint>) -> Tunnel {
        let mut refuse = |text: &str| wrong.push(Complaint::new(format_args!("-r {server}: {text}")));
        let kind = self.kind.unwrap_or(match base {
            Tunnel::Ipip => TunnelKind::Ipip,
            Tunnel::Gue { .. } => TunnelKind::Gue,
            Tunnel::Gre { .. } => TunnelKind::Gre,
        });
        if self.port.is_some() && kind != TunnelKind::Gue {
            refuse("--tun-port is for GUE: only --tun-type gue has a port");
        }
        match kind {
            TunnelKind::Ipip => {
                if self.checksum.is_some() {
                    refuse("IP in IP has no checksum of its own: --tun-csum and its like are for gue and gre");
                }
                Tunnel::Ipip
            }
            TunnelKind::Gue => {
                let (old_port, old_checksum) = match base {
                    Tunnel::Gue { port, checksum } => (Some(port), checksum),
                    _ => (None, Checksum::None),
                };
                if self.port.or(old_port).is_none() {
                    refuse("--tun-type gue needs --tun-port, the UDP port that the server listens on");
                }
                let port = self.port.or(old_port).unwrap_or_default();
                Tunnel::Gue { port, checksum: self.checksum.unwrap_or(old_checksum) }
            }
            TunnelKind::Gre => {
                if self.checksum == Some(Checksum::Remote) {
                    refuse("--tun-remcsum is for GUE: gre has --tun-csum or --tun-nocsum");
                }
                let old = if let Tunnel::Gre { checksum } = base { checksum } else { Checksum::None };
                Tunnel::Gre { checksum: self.checksum.unwrap_or(old) }
            }
        }
    }
}

/// Changes to a real server; `None` leaves what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerPatch {
    /// Forwarding method.
    pub method: Option<Method>,
    /// The tunnel's details.
    pub tunnel: TunnelPatch,
    /// Weight.
    pub weight: Option<Weight>,
    /// Upper threshold.
    pub upper: Option<u32>,
    /// Lower threshold.
    pub lower: Option<u32>,
}

impl ServerPatch {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns a new server of `service` with these settings and ipvsadm's defaults for the rest.
    pub fn create(&self, service: ServiceKey, key: ServerKey) -> Result<RealServer, Vec<Complaint>> {
        let base = RealServer {
            key,
            forwarding: Forwarding::Route,
            weight: Weight::default(),
            thresholds: Thresholds::default(),
        };
        Self { method: self.method.or(Some(Method::Route)), ..*self }.apply(service, &base)
    }

    /// Returns `base`, a server of `service`, with the changes, or all that speaks against the result.
    pub fn apply(&self, service: ServiceKey, base: &RealServer) -> Result<RealServer, Vec<Complaint>> {
        let mut wrong = Vec::new();
        let key = base.key;
        let forwarding = match (self.method, base.forwarding) {
            (Some(Method::Masquerade), _) => Forwarding::Masquerade,
            (Some(Method::Route), _) => Forwarding::Route,
            (Some(Method::Tunnel), Forwarding::Tunnel(tunnel)) | (None, Forwarding::Tunnel(tunnel)) => {
                Forwarding::Tunnel(self.tunnel.apply(tunnel, key, &mut wrong))
            }
            (Some(Method::Tunnel), _) => Forwarding::Tunnel(self.tunnel.apply(Tunnel::Ipip, key, &mut wrong)),
            (None, other) => other,
        };
        let tunnelled = matches!(forwarding, Forwarding::Tunnel(_));
        if !tunnelled && self.tunnel != TunnelPatch::default() {
            wrong.push(
                Complaint::new(format_args!("-r {key}: the options --tun-… are for tunnels only"))
                    .hint("-i makes the server a tunnelled one"),
            );
        }
        if self.method.is_some() {
            wrong.extend(port_is_kept(service, key, forwarding));
        }
        if key.family() != service.family() && !tunnelled {
            wrong.push(
                Complaint::new(format_args!(
                    "-r {key}: the server is {}, the service {}: only tunnels cross",
                    family_name(key.family()),
                    family_name(service.family())
                ))
                .hint("-i makes the server a tunnelled one"),
            );
        }
        let thresholds = Thresholds {
            upper: self.upper.unwrap_or(base.thresholds.upper),
            lower: self.lower.unwrap_or(base.thresholds.lower),
        };
        if thresholds.lower > thresholds.upper {
            wrong.push(Complaint::new(format_args!(
                "-r {key}: the lower threshold (-y {}) is above the upper one (-x {})",
                thresholds.lower, thresholds.upper
            )));
        }
        let weight = self.weight.unwrap_or(base.weight);
        if wrong.is_empty() { Ok(RealServer { key, forwarding, weight, thresholds }) } else { Err(wrong) }
    }
}

/// Only masquerading rewrites ports. The kernel takes another port with -g and -i and ignores it, ipvsadm replaces it
/// silently: either way packets arrive where nobody said.
fn port_is_kept(service: ServiceKey, server: ServerKey, forwarding: Forwarding) -> Option<Complaint> {
    let (method, option) = match forwarding {
        Forwarding::Route => ("direct routing", "-g"),
        Forwarding::Tunnel(_) => ("a tunnel", "-i"),
        _ => return None,
    };
    let port = service.port().filter(|port| *port != server.port)?;
    let arrives = if port == 0 { "the port that the client chose".to_owned() } else { format!("port {port}") };
    Some(
        Complaint::new(format_args!(
            "-r {server}: {method} ({option}) cannot change the port: packets would arrive at {arrives}"
        ))
        .hint("leave the port out, or masquerade with -m"),
    )
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str, port: u16) -> ServiceKey {
        ServiceKey::Address { protocol: Protocol::Tcp, address: text.parse().unwrap(), port }
    }

    fn texts<T: std::fmt::Debug>(result: Result<T, Vec<Complaint>>) -> Vec<String> {
        result.unwrap_err().into_iter().map(|complaint| complaint.text).collect()
    }

    fn full_service() -> VirtualService {
        VirtualService {
            key: tcp("10.0.0.1", 80),
            scheduler: Scheduler::new("sh"),
            flags: SchedulerFlags { second: true, ..SchedulerFlags::default() },
            persistence: Some(Persistence { timeout: 900, netmask: Netmask::V4("255.255.0.0".parse().unwrap()) }),
            engine: None,
            one_packet: false,
        }
    }

    #[test]
    fn an_empty_patch_changes_nothing() {
        let service = full_service();
        assert_eq!(ServicePatch::default().apply(&service), Ok(service));
        let server = nat_server();
        assert_eq!(ServerPatch::default().apply(tcp("10.0.0.1", 80), &server), Ok(server));
    }

    #[test]
    fn a_service_keeps_what_is_not_named() {
        let patch = ServicePatch { scheduler: Some(Scheduler::new("mh")), ..ServicePatch::default() };
        let service = full_service();
        assert_eq!(patch.apply(&service), Ok(VirtualService { scheduler: Scheduler::new("mh"), ..service.clone() }));
        let patch = ServicePatch { persist: Some(Persist::On(None)), ..ServicePatch::default() };
        assert_eq!(patch.apply(&service), Ok(service.clone()));
        let patch = ServicePatch { persist: Some(Persist::On(Some(30))), ..ServicePatch::default() };
        let edited = patch.apply(&service).unwrap();
        assert_eq!(edited.persistence.map(|p| p.timeout), Some(30));
        assert_eq!(edited.persistence.map(|p| p.netmask), service.persistence.map(|p| p.netmask));
        let patch = ServicePatch { persist: Some(Persist::Off), ..ServicePatch::default() };
        assert_eq!(patch.apply(&service), Ok(VirtualService { persistence: None, ..service }));
    }

    #[test]
    fn a_service_complains_of_everything_at_once() {
        let patch = ServicePatch {
            flags: Some(vec!["mh-port".into()]),
            netmask: Some(Netmask::V4("255.0.0.0".parse().unwrap())),
            engine: Some(Some("sip".into())),
            one_packet: Some(true),
            ..ServicePatch::default()
        };
        assert_eq!(
            texts(patch.apply(&VirtualService::new(tcp("10.0.0.1", 0)))),
            [
                "-b mh-port: this flag is for the scheduler mh, not for wlc",
                "TCP 10.0.0.1:0: -M is the granularity of persistence, and the service has none",
                "TCP 10.0.0.1:0: a persistence engine needs persistence",
                "TCP 10.0.0.1:0: port 0, or none, means all ports, and that needs persistence",
                "TCP 10.0.0.1:0: one-packet scheduling (-o) is for UDP and for firewall marks: other protocols have \
                 connections",
            ]
        );
    }

    fn nat_server() -> RealServer {
        RealServer {
            key: ServerKey { address: "10.0.0.12".parse().unwrap(), port: 8080 },
            forwarding: Forwarding::Masquerade,
            weight: Weight::new(5).unwrap(),
            thresholds: Thresholds { upper: 100, lower: 50 },
        }
    }

    #[test]
    fn a_server_keeps_what_is_not_named() {
        let service = tcp("10.0.0.1", 80);
        let drain = ServerPatch { weight: Weight::new(0), ..ServerPatch::default() };
        let server = nat_server();
        assert_eq!(drain.apply(service, &server), Ok(RealServer { weight: Weight::new(0).unwrap(), ..server }));
        let limit = ServerPatch { upper: Some(200), ..ServerPatch::default() };
        assert_eq!(limit.apply(service, &server).unwrap().thresholds, Thresholds { upper: 200, lower: 50 });
    }

    #[test]
    fn only_masquerading_changes_ports() {
        let service = tcp("10.0.0.1", 80);
        let route = ServerPatch { method: Some(Method::Route), ..ServerPatch::default() };
        let wrong = "-r 10.0.0.12:8080: direct routing (-g) cannot change the port: packets would arrive at port 80";
        assert_eq!(texts(route.apply(service, &nat_server())), [wrong]);
        assert_eq!(texts(ServerPatch::default().create(service, nat_server().key)), [wrong]);
        let masquerade = ServerPatch { method: Some(Method::Masquerade), ..ServerPatch::default() };
        assert!(masquerade.create(service, nat_server().key).is_ok());
        // A mark has no port of its own: there is nothing to differ from.
        let mark = ServiceKey::Mark { mark: 1, family: Family::V4 };
        assert!(ServerPatch::default().create(mark, nat_server().key).is_ok());
        // What somebody else made stays editable.
        let odd = RealServer { forwarding: Forwarding::Route, ..nat_server() };
        let weight = ServerPatch { weight: Weight::new(7), ..ServerPatch::default() };
        assert!(weight.apply(service, &odd).is_ok());
    }

    #[test]
    fn families_cross_in_tunnels_only() {
        let service = tcp("2001:db8::1", 8080);
        let key = nat_server().key;
        let wrong = "-r 10.0.0.12:8080: the server is IPv4, the service IPv6: only tunnels cross";
        assert_eq!(texts(ServerPatch::default().create(service, key)), [wrong]);
        let tunnel = ServerPatch { method: Some(Method::Tunnel), ..ServerPatch::default() };
        assert_eq!(tunnel.create(service, key).map(|s| s.forwarding), Ok(Forwarding::Tunnel(Tunnel::Ipip)));
    }

    #[test]
    fn tunnels() {
        let service = tcp("10.0.0.1", 80);
        let key = ServerKey { address: "10.0.0.11".parse().unwrap(), port: 80 };
        let tunnel = |kind, port, checksum| ServerPatch {
            method: Some(Method::Tunnel),
            tunnel: TunnelPatch { kind, port, checksum },
            ..ServerPatch::default()
        };
        let gue = tunnel(Some(TunnelKind::Gue), Some(6080), Some(Checksum::Remote)).create(service, key).unwrap();
        assert_eq!(gue.forwarding, Forwarding::Tunnel(Tunnel::Gue { port: 6080, checksum: Checksum::Remote }));
        let edit = |kind, port, checksum| {
            let tunnel = TunnelPatch { kind, port, checksum };
            ServerPatch { tunnel, ..ServerPatch::default() }.apply(service, &gue).map(|server| server.forwarding)
        };
        assert_eq!(
            edit(None, Some(7000), None),
            Ok(Forwarding::Tunnel(Tunnel::Gue { port: 7000, checksum: Checksum::Remote }))
        );
        assert_eq!(
            edit(Some(TunnelKind::Gre), None, None),
            Ok(Forwarding::Tunnel(Tunnel::Gre { checksum: Checksum::None }))
        );
        for patch in [
            tunnel(None, Some(1), None),
            tunnel(Some(TunnelKind::Ipip), None, Some(Checksum::Full)),
            tunnel(Some(TunnelKind::Gue), None, None),
            tunnel(Some(TunnelKind::Gre), None, Some(Checksum::Remote)),
            ServerPatch { method: Some(Method::Masquerade), ..tunnel(Some(TunnelKind::Ipip), None, None) },
        ] {
            assert_eq!(patch.create(service, key).unwrap_err().len(), 1, "{patch:?}");
        }
    }

    #[test]
    fn thresholds_are_ordered() {
        let service = tcp("10.0.0.1", 80);
        let patch = ServerPatch { upper: Some(20), ..ServerPatch::default() };
        assert_eq!(
            texts(patch.apply(service, &nat_server())),
            ["-r 10.0.0.12:8080: the lower threshold (-y 50) is above the upper one (-x 20)"]
        );
    }
}
