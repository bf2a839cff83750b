//! Single values in people's units and words.

use std::{borrow::Cow, fmt::Write as _, net::IpAddr};

use crate::{
    cli::ui::clean,
    model::{Checksum, Forwarding, Protocol, ServerKey, ServiceKey, SyncDaemon, Timeouts, Tunnel},
};

/// How addresses and ports are written: as numbers, or by name.
pub trait Labels {
    /// Returns the text for an address, without brackets.
    fn address(&self, address: IpAddr) -> String;

    /// Returns the text for a port of `protocol`, `None` for a firewall mark's.
    fn port(&self, port: u16, protocol: Option<Protocol>) -> String;
}

/// Returns `text` cleaned and on one line.
pub fn clean_line(text: &str) -> String {
    clean(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// Returns `address:port`, with brackets around what has colons.
pub(super) fn endpoint(address: IpAddr, port: u16, protocol: Option<Protocol>, labels: &dyn Labels) -> String {
    let host = clean_line(&labels.address(address));
    let port = clean_line(&labels.port(port, protocol));
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Returns `TCP 10.0.0.1:80`, `FWM 5 IPv6`.
pub fn service_label(key: &ServiceKey, labels: &dyn Labels) -> String {
    match *key {
        ServiceKey::Address { protocol, address, port } => {
            format!("{protocol} {}", endpoint(address, port, Some(protocol), labels))
        }
        ServiceKey::Mark { .. } => key.to_string(),
    }
}

/// Returns `10.0.0.11:80`; `service` tells what the port's name is.
pub fn server_label(key: &ServerKey, protocol: Option<Protocol>, labels: &dyn Labels) -> String {
    endpoint(key.address, key.port, protocol, labels)
}

/// Returns the forwarding method in one word.
pub fn forwarding_word(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Masquerade => "masq",
        Forwarding::Local => "local",
        Forwarding::Tunnel(_) => "tunnel",
        Forwarding::Route => "route",
        Forwarding::Bypass => "bypass",
    }
}

/// Returns what there is to say of a tunnel beside that it is one; nothing of plain IP in IP.
pub(super) fn tunnel_words(tunnel: Tunnel) -> Option<String> {
    let sum = |checksum| match checksum {
        Checksum::None => "",
        Checksum::Full => ", checksum",
        Checksum::Remote => ", remote checksum",
    };
    match tunnel {
        Tunnel::Ipip => None,
        Tunnel::Gue { port, checksum } => Some(format!("gue port {port}{}", sum(checksum))),
        Tunnel::Gre { checksum } => Some(format!("gre{}", sum(checksum))),
    }
}

/// Returns a number that fits seven columns: plain below 100,000, then thousands, millions …
pub fn count(number: u64) -> String {
    scaled(number, 1000, 100_000, ["k", "M", "G", "T", "P", "E"])
}

/// Returns a number of bytes: plain below 10,000, then in powers of 1024.
pub fn bytes(number: u64) -> String {
    scaled(number, 1024, 10_000, ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
}

/// Three significant digits; integers all the way, for a counter of 2^64 - 1 is possible.
fn scaled(number: u64, step: u64, plain_below: u64, units: [&str; 6]) -> String {
    if number < plain_below {
        return number.to_string();
    }
    let mut divisor = step;
    let mut units = units.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if number / divisor < step {
            break;
        }
        divisor = divisor.saturating_mul(step);
        unit = next;
    }
    let whole = number / divisor;
    if whole < 100 {
        let tenths = u128::from(number % divisor) * 10 / u128::from(divisor);
        return format!("{whole}.{tenths}{unit}");
    }
    format!("{whole}{unit}")
}

/// Returns seconds as `45s`, `14m56s`, `1h`, `2d3h`.
pub fn duration(seconds: u64) -> String {
    let mut rest = seconds;
    let mut text = String::new();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= length {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// Returns the connection timeouts, one a line.
pub fn timeouts(timeouts: &Timeouts) -> String {
    let Timeouts { tcp, tcp_fin, udp } = timeouts;
    [("tcp", tcp), ("tcp-fin", tcp_fin), ("udp", udp)]
        .map(|(name, seconds)| format!("{name:<8} {}\n", duration(u64::from(*seconds))))
        .concat()
}

/// Returns a sync daemon on one line, the way `sync start` would be told.
pub fn daemon(daemon: &SyncDaemon) -> String {
    let mut text = format!("{} on {}, sync id {}", daemon.role, clean_line(&daemon.interface), daemon.sync_id);
    let mut add = |name: &str, value: Option<Cow<'_, str>>| {
        if let Some(value) = value {
            let _ = write!(text, ", {name} {value}");
        }
    };
    add("group", daemon.group.map(|group| group.to_string().into()));
    add("port", daemon.port.map(|port| port.to_string().into()));
    add("ttl", daemon.ttl.map(|ttl| ttl.to_string().into()));
    add("messages up to", daemon.max_len.map(|len| format!("{len} bytes").into()));
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        for (number, text) in [
            (0, "0"),
            (99_999, "99999"),
            (100_000, "100k"),
            (999_999, "999k"),
            (1_000_000, "1.0M"),
            (12_345_678, "12.3M"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(count(number), text);
        }
        for (number, text) in [(9_999, "9999"), (10_000, "9.7Ki"), (1 << 20, "1.0Mi"), (u64::MAX, "15.9Ei")] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn durations_have_units() {
        for (seconds, text) in [(0, "0s"), (45, "45s"), (900, "15m"), (896, "14m56s"), (183_600, "2d3h")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
