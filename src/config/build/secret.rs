//! `authentication` and `auth_hmac`.

use std::time::Duration;

use super::reading::{Reader, inside, number};
use crate::{
    config::tree::{Statement, Verdict},
    state::vrrp,
    vrrp::settings::{AntiReplay, Authentication, Hmac, HmacMode, Secret},
};

/// The longest password (RFC 2338 section 5.3.10).
const MOST_PASSWORD: usize = 8;

/// How far clocks may differ at most.
const MOST_WINDOW: Duration = Duration::from_secs(300);

/// Reads `authentication`; nothing if it means nothing.
pub(super) fn password(block: &Statement, r: &mut Reader) -> Option<Authentication> {
    let mut make: Option<fn(Secret) -> Authentication> = None;
    let (mut secret, mut of_type) = (None, None);
    for statement in inside(block) {
        match &*statement.keyword.text {
            "auth_type" => {
                of_type = Some(statement);
                make = r.one(statement, |text| match text.to_ascii_uppercase().as_str() {
                    "PASS" => Ok(Authentication::Pass as fn(Secret) -> _),
                    "AH" => Ok(Authentication::Ah as fn(Secret) -> _),
                    _ => Err("PASS or AH is needed".to_owned()),
                });
            }
            "auth_pass" => secret = statement.values.first().map(|word| (statement, word)),
            _ => {}
        }
    }
    let Some((statement, word)) = secret else {
        let place = of_type.map_or(&block.keyword.place, |statement| &statement.keyword.place);
        let message = "there is no auth_pass: it goes on without authentication";
        r.error(place, Verdict::Ignores, message).hint = Some("auth_pass SECRET, 1 to 8 bytes".to_owned());
        return None;
    };
    let bytes = word.text.as_bytes();
    if bytes.len() > MOST_PASSWORD {
        let message = format!("auth_pass has {} bytes: the first 8 count", bytes.len());
        r.warn(&word.place, Verdict::Corrects, message);
    }
    if bytes.is_empty() {
        r.error(&statement.keyword.place, Verdict::Ignores, "auth_pass is empty");
        return None;
    }
    let secret = Secret::new(bytes.get(..MOST_PASSWORD).unwrap_or(bytes));
    make.map(|make| make(secret))
}

/// Reads `auth_hmac`; nothing without a key.
pub(super) fn hmac(block: &Statement, interval: Duration, strict: bool, r: &mut Reader) -> Option<Hmac> {
    let mut keys: Vec<(u8, Secret)> = Vec::new();
    let (mut active, mut mode, mut monotonic, mut window) = (None, HmacMode::Enforce, false, None);
    for statement in inside(block) {
        match &*statement.keyword.text {
            "key" => {
                let id = r.number(statement, 1..=u8::MAX);
                let value = statement.values.get(1);
                let key = value.and_then(|word| {
                    // The reason never has the key in it.
                    let read = vrrp::read_secret(&word.text);
                    let read = read.and_then(|key| match key.bytes().len() {
                        32..=64 => Ok(key),
                        length => Err(format!("a key has 32 to 64 bytes, not {length}")),
                    });
                    read.map_err(|why| _ = r.error(&word.place, Verdict::Ignores, format_args!("key: {why}"))).ok()
                });
                keys.extend(id.zip(key).filter(|(id, _)| !keys.iter().any(|(other, _)| other == id)));
            }
            "active_key" => active = r.one(statement, number(1..=u8::MAX)),
            "anti_replay" => {
                monotonic = r
                    .one(statement, |text| match text {
                        "time" => Ok(false),
                        "monotonic" => Ok(true),
                        _ => Err("time or monotonic is needed".to_owned()),
                    })
                    .unwrap_or(false);
            }
            "time_window" => window = r.time(statement, Duration::from_secs(1)..=MOST_WINDOW),
            "mode" => {
                let read = r.one(statement, |text| match text {
                    "enforce" => Ok(HmacMode::Enforce),
                    "permissive" => Ok(HmacMode::Permissive),
                    "receive-only" => Ok(HmacMode::ReceiveOnly),
                    _ => Err("enforce, permissive or receive-only is needed".to_owned()),
                });
                mode = read.unwrap_or(mode);
            }
            _ => {}
        }
    }
    if strict && mode != HmacMode::Enforce {
        r.warn(&block.keyword.place, Verdict::Corrects, "with vrrp_strict the mode is enforce");
        mode = HmacMode::Enforce;
    }
    let first = keys.first().map(|(id, _)| *id);
    let Some(first) = first else {
        r.error(&block.keyword.place, Verdict::Refuses, "auth_hmac has no key that can be used");
        return None;
    };
    let active = active.unwrap_or(first);
    if !keys.iter().any(|(id, _)| *id == active) {
        r.error(&block.keyword.place, Verdict::Refuses, format_args!("auth_hmac has no key {active}"));
        return None;
    }
    let usual = interval.saturating_mul(3).clamp(Duration::from_secs(5), MOST_WINDOW);
    let replay = if monotonic { AntiReplay::Monotonic } else { AntiReplay::Window(window.unwrap_or(usual)) };
    Some(Hmac { keys, active, mode, replay })
}
