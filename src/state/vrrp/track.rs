//! Trackers as words: `eth1`, `chk:-20`, `chk:0:reverse`, `tcp/10.0.0.1:80:30,quorum=2`. Pure.

use std::net::{IpAddr, Ipv6Addr};

use super::values::{Reading, Wrong, digits, link, name, signed};
use crate::{
    model::{Family, Protocol, ServiceKey},
    vrrp::settings::{Track, TrackedService, Tracker},
};

/// A tracker of an instance or a group as its line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) tracker: Tracker,
    /// Weight and whether it is reversed; `None` = as what is watched says itself.
    pub(super) weight: Option<(i16, bool)>,
    /// Column of its option.
    pub(super) column: usize,
    /// The option with its word, for messages.
    pub(super) label: String,
}

/// A tracker; its weight and whether that is reversed, if it is said.
pub(super) type Tracked = (Tracker, Option<(i16, bool)>);

/// Makes a tracker of its name.
pub(super) type Kind = fn(String) -> Tracker;

/// Options of trackers that have a name, and what they make of it. Links, scripts and BFD sessions weigh 253 at most,
/// processes and files 254.
pub(super) const NAMED: [(&str, Kind, i16); 5] = [
    ("track-interface", Tracker::Interface, 253),
    ("track-script", Tracker::Script, 253),
    ("track-process", Tracker::Process, 254),
    ("track-file", Tracker::File, 254),
    ("track-bfd", Tracker::Bfd, 253),
];

/// Most that a virtual service weighs.
pub(super) const MOST_OF_SERVICE: i16 = 253;

/// Reads `NAME[:WEIGHT[:reverse]]`.
pub(super) fn named(kind: Kind, most: i16) -> impl Fn(&str) -> Reading<Tracked> {
    move |text| {
        let (word, rest) = text.split_once(':').map_or((text, None), |(word, rest)| (word, Some(rest)));
        let weight = rest.map(weight(most)).transpose()?;
        let tracker = kind(name(word)?);
        if matches!(tracker, Tracker::Interface(_)) {
            link(word)?;
        }
        Ok((tracker, weight))
    }
}

/// Reads `WEIGHT[:reverse]`, −`most` to `most`.
pub(super) fn weight(most: i16) -> impl Fn(&str) -> Reading<(i16, bool)> {
    move |text| {
        let (number, reverse) = match text.split_once(':') {
            None => (text, false),
            Some((number, "reverse")) => (number, true),
            Some((_, other)) => {
                return Err(
                    Wrong::new(format_args!("{other} is not known behind a weight")).hint("write WEIGHT:reverse")
                );
            }
        };
        let number = signed(number).and_then(|number| i16::try_from(number).ok());
        let number = number.filter(|number| (-most..=most).contains(number));
        let number = number.ok_or_else(|| {
            Wrong::new(format_args!("a weight from -{most} to {most} is needed")).hint("0 makes its failure a fault")
        })?;
        Ok((number, reverse))
    }
}

/// Writes `WEIGHT[:reverse]`.
pub(super) fn print_weight((weight, reverse): (i16, bool)) -> String {
    if reverse { format!("{weight}:reverse") } else { weight.to_string() }
}

/// Reads `tcp/ADDR:PORT[:WEIGHT[:reverse]][,quorum=N]`; `udp/…`, `sctp/…`, `mark/N…`, and `mark6/N…` for IPv6.
pub(super) fn service(text: &str) -> Reading<Tracked> {
    let (body, quorum) = match text.split_once(',') {
        None => (text, 1),
        Some((body, extra)) => {
            let quorum = extra.strip_prefix("quorum=").and_then(digits).filter(|quorum| *quorum > 0);
            (body, quorum.ok_or_else(|| Wrong::new("behind the comma belongs quorum=N, at least 1"))?)
        }
    };
    let wrong =
        || Wrong::new("this names no virtual service").hint("write tcp/ADDR:PORT, udp/…, sctp/…, mark/N or mark6/N");
    let (kind, rest) = body.split_once('/').ok_or_else(wrong)?;
    let protocol = match kind {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        "sctp" => Some(Protocol::Sctp),
        _ => None,
    };
    let (service, rest) = match (protocol, kind) {
        (Some(protocol), _) => {
            let (address, rest) = endpoint_address(rest).ok_or_else(wrong)?;
            let (port, rest) = rest.split_once(':').map_or((rest, None), |(port, rest)| (port, Some(rest)));
            let port = digits(port).filter(|_| !port.is_empty()).ok_or_else(wrong)?;
            (ServiceKey::Address { protocol, address, port }, rest)
        }
        (None, "mark" | "mark6") => {
            let (mark, rest) = rest.split_once(':').map_or((rest, None), |(mark, rest)| (mark, Some(rest)));
            let mark = digits(mark).filter(|mark| *mark > 0).ok_or_else(wrong)?;
            let family = if kind == "mark" { Family::V4 } else { Family::V6 };
            (ServiceKey::Mark { mark, family }, rest)
        }
        _ => return Err(wrong()),
    };
    let weight = rest.map(weight(MOST_OF_SERVICE)).transpose()?;
    Ok((Tracker::Service(TrackedService { service, quorum }), weight))
}

/// Reads an address in front of a colon; IPv6 in brackets.
fn endpoint_address(text: &str) -> Option<(IpAddr, &str)> {
    match text.strip_prefix('[') {
        Some(inner) => {
            let (address, rest) = inner.split_once("]:")?;
            Some((address.parse::<Ipv6Addr>().ok()?.into(), rest))
        }
        None => {
            let (address, rest) = text.split_once(':')?;
            Some((address.parse().ok()?, rest))
        }
    }
}

/// Returns the option and the word that say this.
pub(super) fn print(track: &Track) -> (&'static str, String) {
    let weight = match (track.weight, track.reverse) {
        // What a link and a service weigh if nothing is said; scripts, processes and files say it themselves.
        (0, false) if matches!(track.tracker, Tracker::Interface(_) | Tracker::Service(_) | Tracker::Bfd(_)) => {
            String::new()
        }
        weight => format!(":{}", print_weight(weight)),
    };
    match &track.tracker {
        Tracker::Interface(name) => ("track-interface", format!("{name}{weight}")),
        Tracker::Script(name) => ("track-script", format!("{name}{weight}")),
        Tracker::Process(name) => ("track-process", format!("{name}{weight}")),
        Tracker::File(name) => ("track-file", format!("{name}{weight}")),
        Tracker::Bfd(name) => ("track-bfd", format!("{name}{weight}")),
        Tracker::Service(TrackedService { service, quorum }) => {
            let quorum = if *quorum == 1 { String::new() } else { format!(",quorum={quorum}") };
            ("track-service", format!("{}{weight}{quorum}", print_service(service)))
        }
    }
}

fn print_service(service: &ServiceKey) -> String {
    match *service {
        ServiceKey::Address { protocol, address, port } => {
            let kind = protocol.to_string().to_lowercase();
            if address.is_ipv6() { format!("{kind}/[{address}]:{port}") } else { format!("{kind}/{address}:{port}") }
        }
        ServiceKey::Mark { mark, family: Family::V4 } => format!("mark/{mark}"),
        ServiceKey::Mark { mark, family: Family::V6 } => format!("mark6/{mark}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trackers_come_back() {
        let read = |text: &str| {
            let (tracker, weight) =
                service(text).or_else(|_| named(Tracker::Interface, 253)(text)).map_err(|wrong| wrong.why)?;
            let (weight, reverse) = weight.unwrap_or_default();
            Ok::<_, String>(print(&Track { tracker, weight, reverse }).1)
        };
        for text in [
            "eth1",
            "eth1:-20",
            "eth1:0:reverse",
            "tcp/10.0.0.1:80",
            "tcp/[2001:db8::1]:80:30:reverse,quorum=2",
            "mark6/5:-1",
            "sctp/10.0.0.1:0,quorum=3",
        ] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        assert_eq!(read("eth1:+20").as_deref(), Ok("eth1:20"));
        for text in
            ["", ":5", "eth1:", "eth1:254", "eth1:x", "eth1:5:up", "tcp/10.0.0.1", "tcp/10.0.0.1:80,quorum=0", "mark/0"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
