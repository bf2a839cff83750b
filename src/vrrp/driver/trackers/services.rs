//! Virtual services: the weights of their servers in the kernel's table, read each second.

use std::time::Duration;

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use super::Out;
use crate::{
    ipvs::{Client, Error, OpenError},
    vrrp::{
        event::Observation,
        settings::{TrackedService, Tracker},
    },
};

/// How often the table is read.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long to wait before the kernel is asked again whether it has IPVS, which may mean to start modprobe.
const NO_IPVS: Duration = Duration::from_secs(10);

/// Watches services for ever. One that does not exist fails, and so do all without IPVS.
pub(super) async fn watch(services: Vec<TrackedService>, out: Out) {
    let mut client = None;
    let mut said = None;
    let mut next = Instant::now();
    loop {
        sleep_until(next).await;
        let (wanted, held) = (services.clone(), client.take());
        // Elsewhere: opening a client may load a kernel module.
        let Ok((held, look)) = spawn_blocking(move || look(&wanted, held)).await else {
            return;
        };
        client = held;
        let problem = look.as_ref().err().cloned();
        if problem != said {
            match &problem {
                Some(problem) => log::warn!("tracked services count as failed: {problem}"),
                None if said.is_some() => log::info!("the kernel's table can be read again"),
                None => {}
            }
            said = problem;
        }
        next = Instant::now() + if client.is_some() { INTERVAL } else { NO_IPVS };
        let found = look.unwrap_or_else(|_| vec![None; services.len()]);
        for (service, weight) in services.iter().zip(found) {
            let works = weight.is_some_and(|weight| weight >= u64::from(service.quorum.max(1)));
            let observation = if works { Observation::Up } else { Observation::Down };
            out.tell(Tracker::Service(*service), observation).await;
        }
    }
}

type Look = Result<Vec<Option<u64>>, String>;

/// Returns the sum of weights of each service, `None` for one that does not exist.
fn look(services: &[TrackedService], held: Option<Client>) -> (Option<Client>, Look) {
    let opened = match held {
        Some(client) => Ok(client),
        None => Client::open().map_err(|error: OpenError| format!("{error} ({})", error.hint())),
    };
    let mut client = match opened {
        Ok(client) => client,
        Err(reason) => return (None, Err(reason)),
    };
    let weights: Result<Vec<_>, Error> = services.iter().map(|service| weight(&mut client, service)).collect();
    match weights {
        Ok(weights) => (Some(client), Ok(weights)),
        // A new socket next time.
        Err(error) => (None, Err(error.to_string())),
    }
}

fn weight(client: &mut Client, tracked: &TrackedService) -> Result<Option<u64>, Error> {
    let found = client.service(&tracked.service)?;
    Ok(found.map(|found| found.servers.iter().map(|each| u64::from(each.server.weight.value())).sum()))
}
