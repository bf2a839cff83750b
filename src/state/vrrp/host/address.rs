//! Addresses.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr},
};

use super::{Words, once, prefix, print_prefix, print_scope, read_scope, unknown};
use crate::{
    host::{Address, Lifetime, Scope},
    model::Family,
    state::vrrp::values::{MAX_LINK, Reading, Wrong, address, link, number},
};

pub(super) const ADDRESS_WORDS: [&str; 9] =
    ["dev", "label", "brd", "broadcast", "scope", "peer", "preferred_lft", "-nodad", "noprefixroute"];

/// Reads an address: `ADDR[/LENGTH] [dev IF] [label L] [brd A|+|-] [scope S] [peer A] [preferred_lft SECONDS|forever]
/// [-nodad] [noprefixroute]`.
pub(in crate::state::vrrp) fn read_address(text: &str) -> Reading<Address> {
    let mut words = Words::new(text);
    let first = words.next().ok_or_else(|| Wrong::new("the address is missing"))?;
    let (host, length) = prefix(first)?;
    if host.is_unspecified() || host.is_multicast() || host.is_loopback() || length == 0 {
        return Err(Wrong::new(format_args!("{first} cannot be a virtual address")));
    }
    let (mut device, mut label, mut broadcast, mut peer, mut scope, mut preferred) =
        (None, None, None, None, None, None);
    let (mut duplicate_detection, mut no_prefix_route) = (false, false);
    let v4 = host.is_ipv4();
    let only_v4 =
        |word: &str| if v4 { Ok(()) } else { Err(Wrong::new(format_args!("{word} is for IPv4 addresses only"))) };
    while let Some(word) = words.next() {
        match word {
            "dev" => once(&mut device, word, words.value(word, link)?)?,
            "label" => {
                only_v4(word)?;
                once(&mut label, word, words.value(word, read_label)?)?;
            }
            "brd" | "broadcast" => {
                only_v4(word)?;
                once(&mut broadcast, word, words.value(word, |word| read_broadcast(word, host, length))?)?;
            }
            "scope" => once(&mut scope, word, words.value(word, read_scope)?)?,
            "peer" => once(&mut peer, word, words.value(word, |word| of_family(word, host))?)?,
            "preferred_lft" => once(&mut preferred, word, words.value(word, read_lifetime)?)?,
            "-nodad" => duplicate_detection = true,
            "noprefixroute" => no_prefix_route = true,
            "home" | "mngtmpaddr" | "autojoin" => {
                return Err(Wrong::new(format_args!("{word} has no use for a virtual address and is not supported")));
            }
            "use_vmac" => {
                return Err(Wrong::new("use_vmac is not said of one address")
                    .hint("--vmac-other-links gives all addresses on other interfaces a macvlan"));
            }
            "no_track" => {
                return Err(Wrong::new(
                    "no_track is not needed: an address that somebody removes comes back, and the \
                                       instance stays as it is",
                ));
            }
            other => return Err(unknown(other, &ADDRESS_WORDS)),
        }
    }
    Ok(Address {
        address: host,
        prefix: length,
        device,
        label,
        broadcast,
        peer,
        scope: scope.unwrap_or_default(),
        preferred,
        duplicate_detection,
        no_prefix_route,
    })
}

fn read_label(word: &str) -> Reading<String> {
    if (1..=MAX_LINK).contains(&word.len()) {
        return Ok(word.to_owned());
    }
    Err(Wrong::new(format_args!("a label has 1 to {MAX_LINK} letters")))
}

/// Reads a broadcast address: `+` and `-` are the last and the first of the prefix.
fn read_broadcast(word: &str, host: IpAddr, length: u8) -> Reading<IpAddr> {
    let IpAddr::V4(v4) = host else { return Err(Wrong::new("only IPv4 has broadcasts")) };
    let host_bits = u32::MAX.checked_shr(length.into()).unwrap_or(0);
    match word {
        "+" => Ok(Ipv4Addr::from_bits(v4.to_bits() | host_bits).into()),
        "-" => Ok(Ipv4Addr::from_bits(v4.to_bits() & !host_bits).into()),
        word => of_family(word, host),
    }
}

fn of_family(word: &str, host: IpAddr) -> Reading<IpAddr> {
    let read = address(word)?;
    if Family::of(read) == Family::of(host) {
        return Ok(read);
    }
    Err(Wrong::new(format_args!("this is not of the family of {host}")))
}

fn read_lifetime(word: &str) -> Reading<Lifetime> {
    match word {
        "forever" => Ok(Lifetime::Forever),
        // The kernel's forever.
        word => number(0..=u32::MAX - 1)(word).map(Lifetime::Seconds),
    }
}

/// Writes an address as [`read_address`] reads it.
pub fn print_address(address: &Address) -> String {
    let mut text = print_prefix((address.address, address.prefix));
    let mut say = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, " {word} {value}");
        }
    };
    say("dev", address.device.clone());
    say("label", address.label.clone());
    say("brd", address.broadcast.map(|broadcast| broadcast.to_string()));
    say("peer", address.peer.map(|peer| peer.to_string()));
    say("scope", (address.scope != Scope::Global).then(|| print_scope(address.scope)));
    say(
        "preferred_lft",
        address.preferred.map(|preferred| match preferred {
            Lifetime::Forever => "forever".to_owned(),
            Lifetime::Seconds(seconds) => seconds.to_string(),
        }),
    );
    if address.duplicate_detection {
        text.push_str(" -nodad");
    }
    if address.no_prefix_route {
        text.push_str(" noprefixroute");
    }
    text
}
