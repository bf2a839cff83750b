//! What an instance must not be, whichever way it was told: RFC 3768 and 9568, and what cannot be sent. Pure.
//!
//! keepalived corrects most of these silently, or with a line in the log; here they are refused, because a director that
//! does something else than it was told is found out at night.

use std::{net::IpAddr, time::Duration};

use super::{
    instance::{DOWN_TIMER_ADVERTS, Defaults, MOST_WINDOW},
    values::Wrong,
};
use crate::{
    model::Family,
    vrrp::settings::{AntiReplay, Authentication, HmacMode, Initial, Instance, Preempt, Transport, Version},
};

/// The option that a fault is about, or nothing if it is about none, and the fault.
pub(super) type About = (&'static str, Wrong);

/// The longest secret of version 2 (RFC 2338 section 5.3.10).
const MOST_SECRET: usize = 8;

/// Lengths of keys of an HMAC.
const HMAC_KEY: std::ops::RangeInclusive<usize> = 32..=64;

/// Most addresses in an advert: their number has 8 bits.
const MOST_ADDRESSES: usize = 255;

/// Returns what is wrong with an instance. Trackers are judged elsewhere.
pub(super) fn faults(instance: &Instance) -> Vec<About> {
    let mut found = Vec::new();
    interval(instance, &mut found);
    addresses(instance, &mut found);
    authentication(instance, &mut found);
    transport(instance, &mut found);
    election(instance, &mut found);
    if instance.strict {
        strict(instance, &mut found);
    }
    found
}

/// Returns what is allowed and may yet not be meant.
pub(super) fn notes(instance: &Instance) -> Vec<About> {
    let mut found = Vec::new();
    if !instance.accept && !instance.priority.is_owner() {
        let option = if instance.strict { "strict" } else { "no-accept" };
        let why = "the master takes no packets to the addresses: they answer no ping, and services on this host do not \
                   get them";
        found.push((option, Wrong::new(why)));
    }
    if instance.version == Version::V3 && instance.interval < Duration::from_millis(100) {
        found.push((
            "interval",
            Wrong::new("the other directors must be as punctual: a master counts as dead after three intervals"),
        ));
    }
    found
}

fn interval(instance: &Instance, found: &mut Vec<About>) {
    let interval = instance.interval;
    match instance.version {
        Version::V2 if interval.subsec_nanos() != 0 || !(1..=255).contains(&interval.as_secs()) => {
            let wrong = Wrong::new("version 2 carries whole seconds, 1s to 255s");
            found.push((
                "interval",
                wrong.hint("--version 3 carries hundredths, down to 10ms; all directors must speak it"),
            ));
        }
        Version::V3
            if !interval.as_micros().is_multiple_of(10_000) || !(1..=4095).contains(&(interval.as_millis() / 10)) =>
        {
            let wrong = Wrong::new("version 3 carries hundredths of a second, 10ms to 40.95s");
            found.push(("interval", wrong));
        }
        _ => {}
    }
}

fn addresses(instance: &Instance, found: &mut Vec<About>) {
    if let Some(other) = instance.addresses.iter().find(|each| Family::of(each.address) != instance.family) {
        let first = instance.addresses.first().map_or_else(String::new, |first| first.address.to_string());
        found.push((
            "address",
            Wrong::new(format_args!("{first} and {} are of both families", other.address))
                .hint("one instance for each family, or --exclude for those that need not be in adverts"),
        ));
    }
    if instance.addresses.len() > MOST_ADDRESSES {
        let wrong =
            Wrong::new(format_args!("{} addresses are more than an advert can carry", instance.addresses.len()));
        found.push(("address", wrong.hint("at most 255; --exclude moves the others along without adverts")));
    }
    let mut all: Vec<IpAddr> = instance.addresses.iter().chain(&instance.excluded).map(|each| each.address).collect();
    all.sort_unstable();
    for pair in all.windows(2) {
        if let [one, other] = pair
            && one == other
        {
            found.push(("", Wrong::new(format_args!("{one} is named twice"))));
        }
    }
}

fn authentication(instance: &Instance, found: &mut Vec<About>) {
    let (option, secret) = match &instance.authentication {
        Authentication::None => return,
        Authentication::Pass(secret) => ("auth", secret),
        Authentication::Ah(secret) => {
            if instance.family == Family::V6 {
                found.push(("auth", Wrong::new("there is no authentication header for IPv6")));
            }
            ("auth", secret)
        }
        Authentication::Hmac(hmac) => return keys(hmac, found),
    };
    if instance.version == Version::V3 {
        let wrong = Wrong::new("version 3 has no authentication (RFC 5798 section 9)");
        found.push((option, wrong.hint("--version 2, or --hmac-key if all directors know keepalived's HMAC")));
    }
    let length = secret.bytes().len();
    if !(1..=MOST_SECRET).contains(&length) {
        let wrong = Wrong::new(format_args!("the secret has {length} bytes, and 1 to {MOST_SECRET} are possible"));
        found.push((option, wrong.hint("keepalived uses the first 8 bytes of a longer one")));
    }
}

fn keys(hmac: &crate::vrrp::settings::Hmac, found: &mut Vec<About>) {
    for (at, (id, key)) in hmac.keys.iter().enumerate() {
        let length = key.bytes().len();
        if !HMAC_KEY.contains(&length) {
            let wrong = Wrong::new(format_args!("key {id} has {length} bytes, and 32 to 64 are needed"));
            found.push((
                "hmac-key",
                wrong.hint("head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n' makes one, behind hex:"),
            ));
        }
        if *id == 0 || hmac.keys.iter().take(at).any(|(earlier, _)| earlier == id) {
            found.push(("hmac-key", Wrong::new(format_args!("there are two keys with the number {id}"))));
        }
    }
    if !hmac.keys.iter().any(|(id, _)| *id == hmac.active) {
        found.push(("hmac-active", Wrong::new(format_args!("there is no key with the number {}", hmac.active))));
    }
    if let AntiReplay::Window(window) = hmac.replay
        && (window.is_zero() || window > MOST_WINDOW)
    {
        found.push(("hmac-window", Wrong::new("a time from 1s to 300s is needed")));
    }
}

fn transport(instance: &Instance, found: &mut Vec<About>) {
    let family = instance.family;
    let mut of_family = |option: &'static str, address: IpAddr| {
        if Family::of(address) != family {
            found.push((option, Wrong::new(format_args!("{address} is not of the family of the virtual addresses"))));
        }
    };
    match &instance.transport {
        Transport::Multicast { group, source } => {
            of_family("group", *group);
            source.iter().for_each(|source| of_family("source", *source));
            if let IpAddr::V6(group) = group
                && group.octets()[1] & 0x0f != 2
            {
                let wrong =
                    Wrong::new(format_args!("{group} is not a group of one link")).hint("such groups begin with ff02");
                found.push(("group", wrong));
            }
        }
        Transport::Unicast { source, peers, ttl: _, check_source } => {
            source.iter().for_each(|source| of_family("source", *source));
            peers.iter().for_each(|peer| of_family("unicast-peer", peer.address));
            for (at, peer) in peers.iter().enumerate() {
                let address = peer.address;
                if peers.iter().take(at).any(|earlier| earlier.address == address) {
                    found.push(("unicast-peer", Wrong::new(format_args!("{address} is named twice"))));
                }
                if Some(address) == *source {
                    found
                        .push(("unicast-peer", Wrong::new(format_args!("{address} is the source of our own adverts"))));
                }
                if address.is_multicast() || address.is_unspecified() {
                    found.push(("unicast-peer", Wrong::new(format_args!("{address} is no address of a host"))));
                }
            }
            if instance.interface.is_none() && source.is_none() {
                let wrong = Wrong::new("--interface is missing");
                found.push(("", wrong.hint("unicast without an interface needs --source")));
            }
            if !check_source && peers.iter().any(|peer| peer.ttl.is_some()) {
                found.push(("unicast-peer", Wrong::new("TTL limits of a peer need its source to be checked")));
            }
            if instance.vmac.as_ref().is_some_and(|vmac| !vmac.transmit_on_base) {
                found.push(("vmac", Wrong::new("adverts to peers leave by the interface below the macvlan")));
            }
        }
    }
    let sources = match &instance.transport {
        Transport::Multicast { source, .. } | Transport::Unicast { source, .. } => source,
    };
    if instance.track_source && sources.is_none() {
        found.push(("track-source", Wrong::new("no source is named").hint("--source ADDR")));
    }
    if instance.vmac.is_some() && instance.interface.is_none() {
        found.push(("vmac", Wrong::new("a macvlan needs an interface below it").hint("--interface NAME")));
    }
}

fn election(instance: &Instance, found: &mut Vec<About>) {
    let delays = matches!(instance.preempt, Preempt::After(delay) if !delay.is_zero());
    let never = instance.preempt == Preempt::Never;
    if instance.priority.is_owner() && never {
        found.push(("nopreempt", Wrong::new("the owner of the addresses (priority 255) always takes them")));
    } else if instance.initial == Initial::Master && (never || delays) {
        let option = if never { "nopreempt" } else { "preempt-delay" };
        let wrong = Wrong::new("an instance that begins as master waits for nobody");
        found.push((option, wrong.hint("--initial backup on all directors, and the priorities decide")));
    }
}

/// What keepalived's `vrrp_strict` forbids; it corrects, we refuse.
fn strict(instance: &Instance, found: &mut Vec<About>) {
    let owner = instance.priority.is_owner();
    let mut refuse = |option: &'static str, why: &str| {
        found.push((option, Wrong::new(format_args!("--strict forbids this: {why}"))));
    };
    if instance.initial == Initial::Master && !owner {
        refuse("initial", "only the owner (priority 255) begins as master");
    }
    match &instance.authentication {
        Authentication::Pass(_) | Authentication::Ah(_) => refuse("auth", "RFC 3768 took authentication away"),
        Authentication::Hmac(hmac) if hmac.mode != HmacMode::Enforce => refuse("hmac-mode", "an HMAC is enforced"),
        _ => {}
    }
    if matches!(instance.transport, Transport::Unicast { .. }) {
        refuse("unicast-peer", "adverts are multicast");
    }
    if instance.family == Family::V6 && instance.version == Version::V2 {
        refuse("version", "IPv6 has version 3");
    }
    match instance.addresses.first().map(|first| first.address) {
        None => refuse("family", "there is at least one address"),
        Some(IpAddr::V6(first)) if !first.is_unicast_link_local() => {
            refuse("address", "the first IPv6 address is link-local (RFC 9568 section 5.2.9)");
        }
        Some(_) => {}
    }
    if let Some(vmac) = &instance.vmac {
        if vmac.mac.is_some() {
            refuse("vmac-mac", "the MAC address follows from the VRID");
        }
        if vmac.transmit_on_base {
            refuse("vmac-transmit-base", "adverts come from the virtual MAC address");
        }
    }
    if matches!(instance.preempt, Preempt::After(delay) if !delay.is_zero()) {
        refuse("preempt-delay", "preemption is at once or never");
    }
    if instance.down_timer_adverts != DOWN_TIMER_ADVERTS {
        refuse("down-timer-adverts", "a master is dead after three intervals");
    }
    if instance.version == Version::V2 && instance.accept && !owner {
        refuse("accept", "in version 2 only the owner takes packets to the addresses");
    }
    let defaults = Defaults::of(instance.family, instance.priority, true);
    if instance.announce.lower_repeat != 0 {
        refuse("garp-lower-repeat", "a master of lower priority is no reason to announce");
    }
    if !instance.announce.lower_delay.is_zero() {
        refuse("garp-lower-delay", "a master of lower priority is no reason to announce");
    }
    if instance.answer_lower != defaults.answer_lower {
        refuse("no-answer-lower", "adverts of lower priority are not answered");
    }
    if instance.answer_higher {
        refuse("answer-higher", "who hears a higher priority gives way without a word");
    }
    if owner && !instance.owner_ignores_adverts {
        refuse("owner-ignores-adverts", "the owner ignores adverts");
    }
}
