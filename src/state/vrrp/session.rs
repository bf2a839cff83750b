//! `bfd add`: options → a BFD session. Pure, but for secrets in files.

use std::{net::IpAddr, time::Duration};

use super::{
    reader::Reader,
    values::{self, Files, Reading, Wrong, number, one_of, time},
};
use crate::{
    bfd::{
        packet::auth::METHODS,
        settings::{Authentication, IDLE, LONGEST, Settings},
    },
    model::Family,
};

/// Number of the key, if nobody says another.
pub(super) const DEFAULT_KEY: u8 = 1;

/// The shortest interval: what the wire can say.
const SHORTEST: Duration = Duration::from_micros(1);

/// An interval that is longer finds failures too late for whoever asks for milliseconds.
const LONG: Duration = Duration::from_secs(10);

/// Returns what is said of routers in between, if nothing is.
pub(super) fn default_hops(multihop: bool) -> Option<u8> {
    if multihop { None } else { Some(0) }
}

/// Reads a session; nothing without a neighbour.
pub(super) fn read(name: &str, r: &mut Reader<'_>, files: &dyn Files) -> Option<Settings> {
    r.need("neighbour", "the address of the other end");
    let neighbour = r.one("neighbour", neighbour);
    let source = r.one("source", neighbour_like);
    let interface = r.one("interface", values::link);
    if let (Some(neighbour), Some(source)) = (neighbour, source) {
        if Family::of(neighbour) != Family::of(source) {
            r.refuse("source", Wrong::new(format_args!("the neighbour {neighbour} is of the other family")));
        } else if neighbour == source {
            r.refuse(
                "source",
                Wrong::new("that is the neighbour's address, too").hint("the neighbour is another host"),
            );
        }
    }
    if let Some(IpAddr::V6(neighbour)) = neighbour
        && neighbour.is_unicast_link_local()
        && !r.flag("interface")
    {
        r.refuse("neighbour", Wrong::new("a link-local address means nothing without --interface"));
    }
    let multihop = r.flag("multihop");
    let ttl = r.one("ttl", number(1..=255)).unwrap_or(u8::MAX);
    let max_hops = r.one("max-hops", hops).unwrap_or_else(|| default_hops(multihop));
    if max_hops.is_some_and(|hops| hops > ttl) {
        r.refuse("max-hops", Wrong::new(format_args!("no packet with a TTL of {ttl} comes so far")));
    }
    if !multihop && max_hops != Some(0) {
        let wrong = Wrong::new("packets of strangers beyond routers are taken, too");
        r.note("max-hops", wrong);
    }
    let range = SHORTEST..=LONGEST;
    let defaults = neighbour.map(|neighbour| Settings::new(name, neighbour));
    let mut interval = |option: &str, range| {
        let found = r.one(option, time(range));
        if found.is_some_and(|time| time > LONG) {
            r.note(option, Wrong::new("failures are found late with so long an interval"));
        }
        found
    };
    let (min_rx, min_tx) = (interval("min-rx", range.clone()), interval("min-tx", range));
    let idle_tx = interval("idle-tx", IDLE..=LONGEST);
    let multiplier = r.one("multiplier", number(1..=255));
    let authentication = authentication(r, files);
    let defaults = defaults?;
    Some(Settings {
        source,
        interface,
        min_rx: min_rx.unwrap_or(defaults.min_rx),
        min_tx: min_tx.unwrap_or(defaults.min_tx),
        idle_tx: idle_tx.unwrap_or(defaults.idle_tx),
        multiplier: multiplier.unwrap_or(defaults.multiplier),
        passive: r.flag("passive"),
        ttl,
        max_hops,
        multihop,
        authentication,
        admin_down: r.flag("admin-down"),
        ..defaults
    })
}

fn authentication(r: &mut Reader<'_>, files: &dyn Files) -> Option<Authentication> {
    let method = r.one("auth", one_of(&METHODS));
    let key_id = r.one("key-id", number(0..=255)).unwrap_or(DEFAULT_KEY);
    let secret = r.one("secret", values::secret(files));
    let key = r.one("secret-file", values::secret_file(files)).or(secret);
    if !r.flag("auth") {
        r.useless(&["key-id", "secret", "secret-file"], "this has no use without --auth");
        return None;
    }
    let option = if r.flag("secret") { "secret" } else { "secret-file" };
    if r.flag("secret") {
        r.useless(&["secret-file"], "--secret is given, too");
    } else if !r.flag("secret-file") {
        r.refuse("auth", Wrong::new("the key is missing").hint("--secret-file FILE, or --secret SECRET"));
    }
    let (method, key) = method.zip(key)?;
    let (len, most) = (key.bytes().len(), method.longest_key());
    if !(1..=most).contains(&len) {
        let wrong = format_args!("the key has {len} bytes, and 1 to {most} are possible with {}", method.name());
        r.refuse(option, Wrong::new(wrong));
    }
    Some(Authentication { method, key_id, key })
}

/// Reads an address that another host can have.
fn neighbour(text: &str) -> Reading<IpAddr> {
    let address = neighbour_like(text)?;
    if address.is_loopback() {
        return Err(Wrong::new("this is our own address").hint("the neighbour is another host"));
    }
    Ok(address)
}

/// Reads an address that one host can have.
fn neighbour_like(text: &str) -> Reading<IpAddr> {
    let address = values::address(text)?;
    let everybody = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_multicast() || address.is_unspecified() || everybody {
        return Err(Wrong::new("this is not the address of one host"));
    }
    if matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
        return Err(Wrong::new("this is an IPv4 address in disguise").hint("write it as an IPv4 address"));
    }
    Ok(address)
}

fn hops(text: &str) -> Reading<Option<u8>> {
    if text == "any" { Ok(None) } else { number(0..=255)(text).map(Some) }
}
