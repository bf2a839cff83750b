//! Requests and tables → lines in ipvsadm's save form, without line ends.
//!
//! What is printed here, [`super::grammar`] reads back as the same request. ipvsadm reads it too, within its limits
//! (marks below 2^31, no flag-3 beside sh's and mh's own). Quoting is the shell's, and only foreign names need it.

use std::{
    borrow::Cow,
    fmt::Write,
    net::{IpAddr, Ipv6Addr},
};

use crate::model::{
    Change, Checksum, Family, Forwarding, Protocol, RealServer, SchedulerFlags, ServerKey, ServiceKey, SyncDaemon,
    Timeouts, Tunnel, VirtualService,
};

/// Writes an address and a port of a protocol (`None` behind a firewall mark) as text.
pub type Endpoint<'a> = dyn Fn(IpAddr, u16, Option<Protocol>) -> String + 'a;

/// Which of a server's settings its line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thresholds {
    /// As `ipvsadm -S`, which loses them.
    Left,
    /// With `-x` and `-y` where they are set.
    Kept,
}

/// Returns the line that makes this change.
pub fn change_line(change: &Change) -> String {
    match change {
        Change::AddService(service) => service_line(service),
        Change::EditService(service) => format!("-E {}", service_tail(service, &numeric)),
        Change::DeleteService(key) => format!("-D {}", service_name(key, &numeric)),
        Change::AddServer(service, server) => server_line(service, server),
        Change::EditServer(service, server) => {
            format!("-e {}", server_tail(service, server, Thresholds::Kept, &numeric))
        }
        Change::DeleteServer(service, key) => format!("-d {}", server_name(service, key, &numeric)),
        Change::SetTimeouts(timeouts) => timeouts_line(timeouts),
        Change::StartDaemon(daemon) => daemon_line(daemon),
        Change::StopDaemon(role) => format!("--stop-daemon {role}"),
        Change::Zero(Some(key)) => format!("-Z {}", service_name(key, &numeric)),
        Change::Zero(None) => "-Z".to_owned(),
        Change::Clear => "-C".to_owned(),
    }
}

/// Returns the line that adds a service: `-A -t 10.0.0.1:80 -s wlc`.
pub fn service_line(service: &VirtualService) -> String {
    service_line_as(service, &numeric)
}

/// Returns the line that adds a service, its address written by `endpoint`.
pub fn service_line_as(service: &VirtualService, endpoint: &Endpoint<'_>) -> String {
    format!("-A {}", service_tail(service, endpoint))
}

/// Returns the line that adds a server, thresholds included: `-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 1 -x 100`.
pub fn server_line(service: &ServiceKey, server: &RealServer) -> String {
    server_line_as(service, server, Thresholds::Kept, &numeric)
}

/// Returns the line that adds a server, addresses written by `endpoint`.
pub fn server_line_as(
    service: &ServiceKey,
    server: &RealServer,
    thresholds: Thresholds,
    endpoint: &Endpoint<'_>,
) -> String {
    format!("-a {}", server_tail(service, server, thresholds, endpoint))
}

/// Returns the line that sets the timeouts: `--set 900 120 300`.
pub fn timeouts_line(timeouts: &Timeouts) -> String {
    format!("--set {} {} {}", timeouts.tcp, timeouts.tcp_fin, timeouts.udp)
}

/// Returns the line that starts a daemon: `--start-daemon master --mcast-interface eth0 --syncid 0`.
pub fn daemon_line(daemon: &SyncDaemon) -> String {
    let mut line = format!(
        "--start-daemon {} --mcast-interface {} --syncid {}",
        daemon.role,
        quoted(&daemon.interface),
        daemon.sync_id
    );
    let mut push = |option: &str, value: Option<String>| {
        if let Some(value) = value {
            line.extend([" ", option, " ", value.as_str()]);
        }
    };
    push("--sync-maxlen", daemon.max_len.map(|n| n.to_string()));
    push("--mcast-group", daemon.group.map(|group| group.to_string()));
    push("--mcast-port", daemon.port.map(|n| n.to_string()));
    push("--mcast-ttl", daemon.ttl.map(|n| n.to_string()));
    line
}

/// Returns what names a service: `-t 10.0.0.1:80`, `-f 5 -6`.
pub fn service_name(key: &ServiceKey, endpoint: &Endpoint<'_>) -> String {
    match *key {
        ServiceKey::Address { protocol, address, port } => {
            let option = match protocol {
                Protocol::Tcp => "-t",
                Protocol::Udp => "-u",
                Protocol::Sctp => "--sctp-service",
                // Nothing can read it back; somebody put it into the kernel by other means.
                Protocol::Other(_) => "--xxx-service",
            };
            format!("{option} {}", endpoint(address, port, Some(protocol)))
        }
        ServiceKey::Mark { mark, family: Family::V4 } => format!("-f {mark}"),
        ServiceKey::Mark { mark, family: Family::V6 } => format!("-f {mark} -6"),
    }
}

/// Writes an address and a port as numbers: `10.0.0.1:80`, `[2001:db8::1]:80`.
pub fn numeric(address: IpAddr, port: u16, _protocol: Option<Protocol>) -> String {
    match address {
        IpAddr::V4(address) => format!("{address}:{port}"),
        IpAddr::V6(address) => format!("[{}]:{port}", ipv6(address)),
    }
}

/// Writes an IPv6 address as the C library does: an address of nothing but its last four bytes ends in dotted form.
pub fn ipv6(address: Ipv6Addr) -> String {
    match address.octets() {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] if (a, b) != (0, 0) => format!("::{a}.{b}.{c}.{d}"),
        _ => address.to_string(),
    }
}

/// Returns the names of the flags that are set, as `scheduler` calls them: `sh-fallback,sh-port`.
pub fn flag_names(flags: SchedulerFlags, scheduler: &str) -> String {
    let (first, second) = match scheduler {
        "sh" => ("sh-fallback", "sh-port"),
        "mh" => ("mh-fallback", "mh-port"),
        _ => ("flag-1", "flag-2"),
    };
    let names = [(flags.first, first), (flags.second, second), (flags.third, "flag-3")];
    names.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect::<Vec<_>>().join(",")
}

fn service_tail(service: &VirtualService, endpoint: &Endpoint<'_>) -> String {
    let scheduler = service.scheduler.as_str();
    let mut line = format!("{} -s {}", service_name(&service.key, endpoint), quoted(scheduler));
    if let Some(persistence) = service.persistence {
        let _ = write!(line, " -p {}", persistence.timeout);
        if !persistence.netmask.is_host() {
            let _ = write!(line, " -M {}", persistence.netmask);
        }
    }
    if let Some(engine) = &service.engine {
        let _ = write!(line, " --pe {}", quoted(engine));
    }
    if service.one_packet {
        line.push_str(" -o");
    }
    if service.flags.any() {
        let _ = write!(line, " -b {}", flag_names(service.flags, scheduler));
    }
    line
}

fn server_name(service: &ServiceKey, server: &ServerKey, endpoint: &Endpoint<'_>) -> String {
    // Behind a mark ports belong to no protocol, so they stay numbers.
    let protocol = match service {
        ServiceKey::Address { protocol, .. } => Some(*protocol),
        ServiceKey::Mark { .. } => None,
    };
    format!("{} -r {}", service_name(service, endpoint), endpoint(server.address, server.port, protocol))
}

fn server_tail(service: &ServiceKey, server: &RealServer, thresholds: Thresholds, endpoint: &Endpoint<'_>) -> String {
    let method = match server.forwarding {
        Forwarding::Masquerade => "-m",
        Forwarding::Tunnel(_) => "-i",
        Forwarding::Route | Forwarding::Local | Forwarding::Bypass => "-g",
    };
    let mut line = format!("{} {method} -w {}", server_name(service, &server.key, endpoint), server.weight);
    let limits = [("-x", server.thresholds.upper), ("-y", server.thresholds.lower)];
    for (option, limit) in limits.into_iter().filter(|(_, limit)| thresholds == Thresholds::Kept && *limit != 0) {
        let _ = write!(line, " {option} {limit}");
    }
    match server.forwarding {
        Forwarding::Tunnel(Tunnel::Ipip) => line.push_str(" --tun-type ipip"),
        Forwarding::Tunnel(Tunnel::Gue { port, checksum }) => {
            let _ = write!(line, " --tun-type gue --tun-port {port} {}", checksum_option(checksum));
        }
        Forwarding::Tunnel(Tunnel::Gre { checksum }) => {
            let _ = write!(line, " --tun-type gre {}", checksum_option(checksum));
        }
        _ => {}
    }
    line
}

fn checksum_option(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::None => "--tun-nocsum",
        Checksum::Full => "--tun-csum",
        Checksum::Remote => "--tun-remcsum",
    }
}

/// Quotes a word that a save file would not give back as it is.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let special = |c: char| c.is_ascii_whitespace() || matches!(c, '\'' | '"' | '\\');
    if word.is_empty() || word.starts_with('#') || word.contains(special) {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    } else {
        Cow::Borrowed(word)
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ipvs::plan::{Extra, plan},
        model::{DaemonRole, Entry, Netmask, Persistence, Scheduler, Table, Thresholds as Limits, Weight},
        state::{
            grammar::{self, Command, NoNames},
            words,
        },
    };

    fn service(key: ServiceKey) -> VirtualService {
        VirtualService::new(key)
    }

    fn tcp(address: &str, port: u16) -> ServiceKey {
        ServiceKey::Address { protocol: Protocol::Tcp, address: address.parse().unwrap(), port }
    }

    fn server(address: &str, port: u16, forwarding: Forwarding) -> RealServer {
        RealServer {
            key: ServerKey { address: address.parse().unwrap(), port },
            forwarding,
            weight: Weight::default(),
            thresholds: Limits { upper: 9, lower: 0 },
        }
    }

    /// The samples of the reference.
    #[test]
    fn services_as_ipvsadm_saves_them() {
        let mask = Netmask::V4("255.255.255.0".parse().unwrap());
        let persistent = VirtualService {
            persistence: Some(Persistence { timeout: 360, netmask: mask }),
            ..service(tcp("10.0.0.1", 443))
        };
        assert_eq!(service_line(&persistent), "-A -t 10.0.0.1:443 -s wlc -p 360 -M 255.255.255.0");
        let flags = SchedulerFlags { first: true, second: true, third: false };
        let key = ServiceKey::Address { protocol: Protocol::Udp, address: "10.0.0.1".parse().unwrap(), port: 53 };
        let hashed = VirtualService { scheduler: Scheduler::new("sh"), flags, one_packet: true, ..service(key) };
        assert_eq!(service_line(&hashed), "-A -u 10.0.0.1:53 -s sh -o -b sh-fallback,sh-port");
        let mark = ServiceKey::Mark { mark: u32::MAX, family: Family::V6 };
        let sip = VirtualService { engine: Some("sip".to_owned()), ..service(mark) };
        assert_eq!(service_line(&sip), "-A -f 4294967295 -6 -s wlc --pe sip");
        let other =
            ServiceKey::Address { protocol: Protocol::Other(47), address: "10.0.0.1".parse().unwrap(), port: 0 };
        assert_eq!(service_line(&service(other)), "-A --xxx-service 10.0.0.1:0 -s wlc");
    }

    #[test]
    fn servers_as_ipvsadm_saves_them() {
        let key = tcp("10.0.0.2", 80);
        let line = |forwarding| {
            let server = server("10.0.0.63", 80, forwarding);
            server_line_as(&key, &server, Thresholds::Left, &numeric)
        };
        let head = "-a -t 10.0.0.2:80 -r 10.0.0.63:80";
        assert_eq!(line(Forwarding::Masquerade), format!("{head} -m -w 1"));
        assert_eq!(line(Forwarding::Local), format!("{head} -g -w 1"));
        assert_eq!(line(Forwarding::Tunnel(Tunnel::Ipip)), format!("{head} -i -w 1 --tun-type ipip"));
        let gue = Tunnel::Gue { port: 60800, checksum: Checksum::Remote };
        assert_eq!(
            line(Forwarding::Tunnel(gue)),
            format!("{head} -i -w 1 --tun-type gue --tun-port 60800 --tun-remcsum")
        );
        let gre = Tunnel::Gre { checksum: Checksum::None };
        assert_eq!(line(Forwarding::Tunnel(gre)), format!("{head} -i -w 1 --tun-type gre --tun-nocsum"));
        let kept = server_line(&key, &server("10.0.0.63", 80, Forwarding::Route));
        assert_eq!(kept, format!("{head} -g -w 1 -x 9"));
    }

    #[test]
    fn a_table_line_by_line() {
        let key = tcp("2001:db8::1", 80);
        let server = server("::1.2.3.4", 80, Forwarding::Route);
        let entry = Entry { service: service(key), servers: IndexMap::from([(server.key, server)]) };
        let daemon = SyncDaemon {
            role: DaemonRole::Master,
            interface: "it's".to_owned(),
            sync_id: 3,
            max_len: Some(1472),
            group: None,
            port: None,
            ttl: Some(1),
        };
        let table = Table {
            services: IndexMap::from([(key, entry)]),
            timeouts: Some(Timeouts { tcp: 1, tcp_fin: 2, udp: 3 }),
            daemons: vec![daemon],
        };
        let lines: Vec<_> = plan(&Table::default(), &table, Extra::Keep).map(|change| change_line(&change)).collect();
        assert_eq!(
            lines,
            [
                r"--start-daemon master --mcast-interface 'it'\''s' --syncid 3 --sync-maxlen 1472 --mcast-ttl 1",
                "--set 1 2 3",
                "-A -t [2001:db8::1]:80 -s wlc",
                "-a -t [2001:db8::1]:80 -r [::1.2.3.4]:80 -g -w 1 -x 9",
            ]
        );
    }

    #[test]
    fn ipv6_as_the_c_library_writes_it() {
        for text in ["::", "::1", "::ffff", "::1.2.3.4", "::0.1.0.0", "::ffff:1.2.3.4", "2001:db8::1", "1:0:0:2::3"] {
            assert_eq!(ipv6(text.parse().unwrap()), text);
        }
    }

    fn keys() -> impl Strategy<Value = ServiceKey> {
        let protocol = prop::sample::select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
        prop_oneof![
            (protocol, any::<IpAddr>(), 1..=u16::MAX).prop_map(|(protocol, address, port)| ServiceKey::Address {
                protocol,
                address,
                port
            }),
            (1..=u32::MAX, any::<bool>())
                .prop_map(|(mark, v6)| ServiceKey::Mark { mark, family: if v6 { Family::V6 } else { Family::V4 } }),
        ]
    }

    fn services() -> impl Strategy<Value = VirtualService> {
        let flags = any::<[bool; 3]>().prop_map(|[first, second, third]| SchedulerFlags { first, second, third });
        let persistence = prop::option::of((1..=2_678_400_u32, any::<u32>(), 1..=128_u8));
        let engine = prop::option::of("[ -~]{1,16}");
        let scheduler =
            prop_oneof![prop::sample::select(vec!["sh", "mh", "rr"]).prop_map(str::to_owned), "[!-~]{1,15}"];
        (keys(), scheduler, flags, persistence, engine, any::<bool>()).prop_map(
            |(key, scheduler, flags, persistence, engine, one_packet)| VirtualService {
                key,
                scheduler: Scheduler::new(&scheduler),
                flags,
                persistence: persistence.map(|(timeout, mask, prefix)| Persistence {
                    timeout,
                    netmask: match key.family() {
                        Family::V4 => Netmask::V4(mask.into()),
                        Family::V6 => Netmask::V6(prefix),
                    },
                }),
                engine,
                one_packet: one_packet
                    && !matches!(key, ServiceKey::Address { protocol: Protocol::Tcp | Protocol::Sctp, .. }),
            },
        )
    }

    fn servers() -> impl Strategy<Value = (ServiceKey, RealServer)> {
        let checksum = prop::sample::select(vec![Checksum::None, Checksum::Full, Checksum::Remote]);
        let plain = prop::sample::select(vec![Checksum::None, Checksum::Full]);
        let forwarding = prop_oneof![
            Just(Forwarding::Masquerade),
            Just(Forwarding::Route),
            Just(Forwarding::Tunnel(Tunnel::Ipip)),
            (1..=u16::MAX, checksum).prop_map(|(port, checksum)| Forwarding::Tunnel(Tunnel::Gue { port, checksum })),
            plain.prop_map(|checksum| Forwarding::Tunnel(Tunnel::Gre { checksum })),
        ];
        let limit = 0..=i32::MAX as u32;
        (keys(), any::<IpAddr>(), any::<u16>(), forwarding, limit.clone(), limit.clone(), limit).prop_map(
            |(service, address, port, forwarding, weight, upper, lower)| {
                let same_family = Family::of(address) == service.family();
                let forwarding = if same_family { forwarding } else { Forwarding::Tunnel(Tunnel::Ipip) };
                // The grammar cannot say another port than the service's with these.
                let port = match (forwarding, service.port()) {
                    (Forwarding::Masquerade, _) | (_, None) => port,
                    (_, Some(port)) => port,
                };
                let key = ServerKey { address, port };
                let weight = Weight::new(weight).unwrap_or_default();
                (service, RealServer { key, forwarding, weight, thresholds: Limits { upper, lower } })
            },
        )
    }

    fn changes() -> impl Strategy<Value = Change> {
        let group = prop_oneof![
            (0xe000_0000..=0xefff_ffff_u32).prop_map(|bits| IpAddr::V4(bits.into())),
            any::<u128>().prop_map(|bits| IpAddr::V6((bits | 0xff << 120).into())),
        ];
        let (port, ttl, max_len) = (1..=u16::MAX, 1..=u8::MAX, 1..=65507_u16);
        let daemon = (
            any::<bool>(),
            "[!-~]{1,15}",
            any::<u8>(),
            prop::option::of(max_len),
            prop::option::of(group),
            prop::option::of(port),
            prop::option::of(ttl),
        );
        let daemon = daemon.prop_map(|(master, interface, sync_id, max_len, group, port, ttl)| {
            let role = if master { DaemonRole::Master } else { DaemonRole::Backup };
            SyncDaemon { role, interface, sync_id, max_len, group, port, ttl }
        });
        let seconds = 0..=2_678_400_u32;
        prop_oneof![
            4 => services().prop_map(Change::AddService),
            2 => services().prop_map(Change::EditService),
            1 => keys().prop_map(Change::DeleteService),
            4 => servers().prop_map(|(service, server)| Change::AddServer(service, server)),
            2 => servers().prop_map(|(service, server)| Change::EditServer(service, server)),
            1 => servers().prop_map(|(service, server)| Change::DeleteServer(service, server.key)),
            1 => (seconds.clone(), seconds.clone(), seconds)
                .prop_map(|(tcp, tcp_fin, udp)| Change::SetTimeouts(Timeouts { tcp, tcp_fin, udp })),
            2 => daemon.prop_map(Change::StartDaemon),
            1 => any::<bool>().prop_map(|master| {
                Change::StopDaemon(if master { DaemonRole::Master } else { DaemonRole::Backup })
            }),
            1 => prop::option::of(keys()).prop_map(Change::Zero),
            1 => Just(Change::Clear),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(change in changes()) {
            let line = change_line(&change);
            let words: Vec<String> = words::split(&line).expect(&line).into_iter().map(|word| word.text.into_owned()).collect();
            let parsed = grammar::parse(&words, &NoNames).expect(&line);
            prop_assert_eq!(parsed.command, Command::Change(change), "{}", line);
            prop_assert_eq!(parsed.notes, [], "{}", line);
        }
    }
}
