//! Scripts: run each interval, one at a time.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::Out;
use crate::{
    host::script::Runner,
    vrrp::{
        event::Observation,
        settings::{Script, Tracker},
        track::Health,
    },
};

/// An interval of nothing would be a loop without a pause.
const SHORTEST: Duration = Duration::from_millis(1);

/// Whether two settings of a script differ in nothing that matters here.
pub(super) fn is_watched_alike(old: &Script, new: &Script) -> bool {
    let what = |script: &Script| (script.interval, script.timeout, script.rise, script.fall);
    what(old) == what(new)
}

/// Runs a script for ever. Starts are one interval apart; one that falls into a run is left out.
pub(super) async fn watch(script: Script, mut health: Health, runner: Runner, out: Out) {
    let tracker = Tracker::Script(script.name.clone());
    let interval = script.interval.max(SHORTEST);
    if health.observation() != Observation::Unknown {
        out.tell(tracker.clone(), health.observation()).await;
    }
    let mut next = Instant::now();
    loop {
        sleep_until(next).await;
        // Counted from when it was due, but what was missed in a long pause (suspension) is not made up for.
        next = (next + interval).max(Instant::now());
        let mut run = pin!(runner.run(&script.command, &[], script.timeout));
        let exit = loop {
            tokio::select! {
                biased;
                exit = &mut run => break exit,
                () = sleep_until(next) => {
                    log::warn!("script {}: still running after its interval of {interval:?}; this run is left out", script.name);
                    next += interval;
                }
            }
        };
        let is_good = exit.is_success();
        match health.count(is_good) {
            Some(Observation::Up) => log::info!("script {} works: {exit}", script.name),
            Some(_) => log::warn!("script {} fails: {exit}", script.name),
            None if is_good => log::debug!("script {}: {exit}", script.name),
            None => log::debug!("script {}: {exit} (no change)", script.name),
        }
        out.tell(tracker.clone(), health.observation()).await;
    }
}
