//! `bfd_instance` → a BFD session.

use std::{ops::RangeInclusive, time::Duration};

use super::reading::{Reader, Reading, address, inside, number, time};
use crate::{
    bfd::settings::{IDLE, LONGEST, Settings},
    config::tree::{Statement, Verdict},
    model::Family,
};

/// What keepalived sends over IPv6 unless it is told otherwise.
const TTL_V6: u8 = 64;

/// Reads a session; nothing if it has no name or no neighbour.
pub(super) fn read(block: &Statement, r: &mut Reader) -> Option<Settings> {
    let name = &block.values.first()?.text;
    let words = inside(block);
    let place = &block.keyword.place;
    let neighbour = words.iter().find(|each| matches!(&*each.keyword.text, "neighbor_ip" | "neighbour_ip"));
    let Some(neighbour) = neighbour.and_then(|statement| r.one(statement, address)) else {
        let message = format!("bfd_instance {name} has no neighbor_ip that can be read");
        r.error(place, Verdict::Ignores, message).hint = Some("neighbor_ip ADDRESS".to_owned());
        return None;
    };
    let mut session = Settings::new(name, neighbour);
    if Family::of(neighbour) == Family::V6 {
        session.ttl = TTL_V6;
    }
    let range = Duration::from_micros(1)..=LONGEST;
    for statement in words {
        match &*statement.keyword.text {
            "source_ip" => session.source = r.one(statement, address),
            "min_rx" => session.min_rx = r.one(statement, milliseconds(range.clone())).unwrap_or(session.min_rx),
            "min_tx" => session.min_tx = r.one(statement, milliseconds(range.clone())).unwrap_or(session.min_tx),
            "idle_tx" => session.idle_tx = r.one(statement, milliseconds(IDLE..=LONGEST)).unwrap_or(session.idle_tx),
            "multiplier" => session.multiplier = r.number(statement, 1..=255).unwrap_or(session.multiplier),
            "passive" => session.passive = true,
            "ttl" | "hoplimit" => session.ttl = r.number(statement, 1..=255).unwrap_or(session.ttl),
            "max_hops" => session.max_hops = r.one(statement, hops).unwrap_or(session.max_hops),
            "multihop" => session.multihop = r.switch(statement),
            // `vrrp` and `checker` are about who may name it: whoever does is told.
            _ => {}
        }
    }
    if session.source.is_some_and(|source| Family::of(source) != Family::of(neighbour)) {
        let message = format!("bfd_instance {name}: source_ip and neighbor_ip are of two families");
        r.error(place, Verdict::Ignores, message);
        return None;
    }
    Some(session)
}

/// Reads milliseconds, with three decimals at most.
fn milliseconds(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Reading<Duration> {
    let seconds = time(*range.start() * 1000..=*range.end() * 1000);
    move |text| match seconds(text) {
        Ok(time) => Ok(time / 1000),
        Err(_) => Err(format!(
            "milliseconds from {} to {} are needed",
            range.start().as_secs_f64() * 1000.0,
            range.end().as_secs_f64() * 1000.0
        )),
    }
}

/// Reads `max_hops`; −1 and 255 mean any number.
fn hops(text: &str) -> Reading<Option<u8>> {
    number(-1..=255)(text).map(|hops: i16| u8::try_from(hops).ok().filter(|hops| *hops != u8::MAX))
}
