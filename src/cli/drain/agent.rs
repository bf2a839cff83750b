//! Drains in the hands of an agent: it keeps them in mind, over restarts too, and carries them out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{
    choose::Chosen,
    wait::{self, State},
};
use crate::{
    agent::control::{Already, CheckCall, Drained, Place, Then},
    cli::{Complaint, Error, holder::Holder},
    model::ServerStatus,
    pool::status::Status,
};

/// Has servers drained. Returns those that did so before.
pub(super) fn drain(holder: &Holder, chosen: &[Chosen], owner: String, then: Then) -> Result<Vec<Already>, Error> {
    let mut answer: Drained =
        holder.ask(&CheckCall::Drain { targets: places(chosen), owner: Some(owner), then, timeout: None })?;
    let already = std::mem::take(&mut answer.already);
    done(answer).map(|()| already)
}

/// Returns what became of a server that drained and is not in the kernel's table any more; `None` if it should be there.
pub(super) fn left(holder: &Holder, chosen: &Chosen) -> Result<Option<State>, Error> {
    let (service, server) = (&chosen.service.key, &chosen.server.key);
    let (table, held, emptied) = holder.whole_table(Some(service))?;
    let place = Place::new(service, server);
    Ok(if table.services.get(service).is_some_and(|entry| entry.servers.contains_key(server)) {
        // Down, for instance: the agent took it out.
        let out = held.iter().any(|held| held.place == place && held.weight.is_none());
        out.then_some(State::Emptied)
    } else if emptied.contains(&place) {
        Some(State::Deleted)
    } else {
        Some(State::Gone)
    })
}

/// Tells this server in an answer.
pub(super) fn find<'a>(already: &'a [Already], chosen: &Chosen) -> Option<&'a Already> {
    let place = Place::new(&chosen.service.key, &chosen.server.key);
    already.iter().find(|each| each.place == place)
}

/// Gives servers their weight back, within `ramp` seconds. Returns how many were drained.
pub(in crate::cli) fn undrain(holder: &Holder, chosen: &[Chosen], ramp: Option<u32>) -> Result<usize, Error> {
    let answer: Drained =
        holder.ask(&CheckCall::Undrain { targets: places(chosen), ramp_seconds: ramp.map(u64::from) })?;
    let changed = answer.changed;
    done(answer).map(|()| changed)
}

/// Returns those of these servers that are drained.
pub(in crate::cli) fn drained(holder: &Holder, servers: Vec<Chosen>) -> Result<Vec<wait::Drained>, Error> {
    let status: Status = holder.ask(&CheckCall::Status {})?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let found = servers.into_iter().filter_map(|chosen| {
        let (service, server) = (chosen.service.key.to_string(), chosen.server.key.to_string());
        let service = status.services.iter().find(|status| status.service == service)?;
        let status = service.servers.iter().find(|status| status.server == server)?;
        let drain = status.drain.as_ref()?;
        let since = now.saturating_sub(Duration::from_millis(drain.since_ms)).as_secs();
        Some(wait::Drained {
            weight: Some(chosen.server.weight.value()),
            owner: drain.owner.clone().unwrap_or_default(),
            ours: false,
            since: Some(since),
            state: if drain.drained { State::Emptied } else { State::Draining },
            status: ServerStatus {
                active: drain.active.unwrap_or_default(),
                inactive: drain.inactive.unwrap_or_default(),
                persistent: drain.persistent.unwrap_or_default(),
                stats: None,
            },
            chosen,
        })
    });
    Ok(found.collect())
}

fn places(chosen: &[Chosen]) -> Vec<Place> {
    chosen.iter().map(|each| Place::new(&each.service.key, &each.server.key)).collect()
}

fn done(answer: Drained) -> Result<(), Error> {
    let gone = |place: Place| Complaint::new(format_args!("{} of {} is no more", place.server, place.service));
    let missing: Vec<_> = answer.missing.into_iter().map(gone).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::all_failed(missing)) }
}
