//! Random tables as the lines that make them.

use fastrand::Rng;

/// A random table: `-A` and `-a` lines that the kernel accepts, with every kind of service and server.
pub(super) fn table(rng: &mut Rng) -> Vec<String> {
    let mut lines = Vec::new();
    let mut names = Vec::new();
    for _ in 0..rng.usize(0..8) {
        let service = Service::new(rng);
        // The same one twice would be refused.
        if names.contains(&service.name) {
            continue;
        }
        names.push(service.name.clone());
        lines.push(format!("-A {}{}", service.name, settings(rng, &service)));
        let mut servers = Vec::new();
        for _ in 0..rng.usize(0..6) {
            let server = server(rng, &service);
            let key = server.split(' ').next().unwrap_or_default().to_owned();
            if !servers.contains(&key) {
                servers.push(key);
                lines.push(format!("-a {} -r {server}", service.name));
            }
        }
    }
    lines
}

/// A virtual service.
struct Service {
    /// `-t 10.0.0.1:80`
    name: String,
    v6: bool,
    udp: bool,
    /// The port of an address service.
    port: Option<u16>,
}

impl Service {
    fn new(rng: &mut Rng) -> Self {
        let v6 = rng.u8(0..3) == 0;
        if rng.u8(0..5) == 0 {
            let mark = match rng.u8(0..3) {
                0 => rng.u32(1..),
                _ => rng.u32(1..9),
            };
            let family = if v6 { " -6" } else { "" };
            return Self { name: format!("-f {mark}{family}"), v6, udp: false, port: None };
        }
        let option = choose(rng, &["-t", "-t", "-u", "--sctp-service"]);
        let port = port(rng);
        Self { name: format!("{option} {}", endpoint(rng, v6, port)), v6, udp: option == "-u", port: Some(port) }
    }
}

fn settings(rng: &mut Rng, service: &Service) -> String {
    let mut text = String::new();
    let scheduler =
        choose(rng, &["", "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"]);
    if !scheduler.is_empty() {
        text += &format!(" -s {scheduler}");
    }
    let persistent = service.port == Some(0) || rng.bool();
    if persistent {
        text += &match rng.u8(0..3) {
            0 => " -p".to_owned(),
            _ => format!(" -p {}", rng.u32(1..=2_678_400)),
        };
    }
    // Without -p it is accepted, too, and never seen again.
    if rng.u8(0..3) == 0 {
        text += &match service.v6 {
            true => format!(" -M {}", rng.u8(1..=128)),
            false => {
                format!(" -M {}", choose(rng, &["255.255.255.0", "255.255.255.255", "255.0.255.0", "0.0.0.0", "24"]))
            }
        };
    }
    if service.udp && rng.u8(0..4) == 0 {
        text += " --pe sip";
    }
    if (service.udp || service.port.is_none()) && rng.u8(0..3) == 0 {
        text += " -o";
    }
    if rng.u8(0..3) == 0 {
        text += &format!(
            " -b {}",
            match scheduler {
                "sh" => choose(rng, &["sh-port", "sh-fallback", "sh-port,sh-fallback", "flag-1"]),
                "mh" => choose(rng, &["mh-port", "mh-fallback", "mh-port,mh-fallback", "flag-2"]),
                _ => choose(rng, &["flag-1", "flag-3,flag-2", "flag-1,flag-2,flag-3"]),
            }
        );
    }
    text
}

fn server(rng: &mut Rng, service: &Service) -> String {
    let tunnel = rng.u8(0..4) == 0;
    let v6 = if tunnel && rng.u8(0..3) == 0 { !service.v6 } else { service.v6 };
    let masquerade = !tunnel && rng.bool();
    // Direct routing and tunnels take the service's port whatever is said, so two ports would be the same server twice.
    let port = match service.port {
        Some(port) if !masquerade => port,
        _ => port(rng),
    };
    let mut text = endpoint(rng, v6, port);
    if tunnel {
        text += " -i";
        text += &match rng.u8(0..4) {
            0 => String::new(),
            1 => " --tun-type ipip".to_owned(),
            2 => format!(
                " --tun-type gue --tun-port {} {}",
                rng.u16(1..),
                choose(rng, &["--tun-csum", "--tun-nocsum", "--tun-remcsum"])
            ),
            _ => format!(" --tun-type gre {}", choose(rng, &["", "--tun-csum", "--tun-nocsum"])),
        };
    } else if masquerade {
        text += " -m";
    } else if rng.bool() {
        text += " -g";
    }
    if rng.bool() {
        text += &format!(" -w {}", choose(rng, &["0", "1", "7", "100", "65536", "2147483647"]));
    }
    if rng.u8(0..3) == 0 {
        let upper = rng.u32(1..=i32::MAX as u32);
        text += &format!(" -x {upper}");
        if rng.bool() {
            text += &format!(" -y {}", rng.u32(0..=upper));
        }
    }
    text
}

fn port(rng: &mut Rng) -> u16 {
    match rng.u8(0..8) {
        0 => 0,
        1 => rng.u16(..),
        2 => 65535,
        _ => [21, 53, 80, 443, 8080, 3868][rng.usize(0..6)],
    }
}

/// An address that is good for services and servers, with a port. All of the unicast ranges, so that sorting has to do
/// with addresses 2^31 apart.
fn endpoint(rng: &mut Rng, v6: bool, port: u16) -> String {
    if v6 {
        let address = match rng.u8(0..5) {
            0 => format!("fd00::{:x}", rng.u16(1..20)),
            1 => format!("2001:db8::{:x}", rng.u16(1..20)),
            2 => format!("2001:db8:aaaa:bbbb:cccc:dddd:eeee:{:x}", rng.u16(..)),
            3 => format!("{:x}:{:x}::{:x}", rng.u16(0x2000..0x3fff), rng.u16(..), rng.u32(..) >> 16),
            _ => "::1".to_owned(),
        };
        return format!("[{address}]:{port}");
    }
    let first = choose(rng, &["1", "10", "10", "100", "127", "128", "172", "192", "200", "223"]);
    match rng.bool() {
        true => format!("{first}.0.0.{}:{port}", rng.u8(1..6)),
        false => format!("{first}.{}.{}.{}:{port}", rng.u8(..), rng.u8(..), rng.u8(1..255)),
    }
}

/// One of `items`.
pub(super) fn choose<'a>(rng: &mut Rng, items: &[&'a str]) -> &'a str {
    items[rng.usize(0..items.len())]
}
