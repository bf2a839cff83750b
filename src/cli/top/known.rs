//! What is known of servers beside the kernel's table: health, drains and drift from an agent, or the notes of drains without one.

use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::screen::{Health, Told};
use crate::{
    agent::{
        SOCKET as AGENT,
        check::control::SOCKET,
        control::{self, CallError, CheckCall},
    },
    cli::{drain::record, vrrp::Target},
    model::{ServerKey, ServiceKey, Weight},
    pool::status::{ServerStatus, ServiceStatus, Status},
    state::drains::{Drains, Member},
};

/// An agent that does not answer soon is asked again later; keys must not wait for it.
const LIMIT: Duration = Duration::from_millis(500);

/// It is asked at most so often, and no more than takes it a twentieth of its time.
const PAUSE: Duration = Duration::from_secs(2);

/// What is known.
pub(super) struct Known {
    run_dir: PathBuf,
    notes: PathBuf,
    drains: Drains,
    services: HashMap<String, ServiceStatus>,
    next: Option<Instant>,
}

impl Known {
    /// Knows nothing yet.
    pub(super) fn new(target: &Target) -> Self {
        Self {
            run_dir: target.run_dir(),
            notes: record::path(target),
            drains: Drains::default(),
            services: HashMap::new(),
            next: None,
        }
    }

    /// Asks again, if it is time to. Who does not answer has nothing to say: this only adds words to a listing.
    pub(super) fn refresh(&mut self) {
        let begin = Instant::now();
        if self.next.is_some_and(|next| begin < next) {
            return;
        }
        self.services = self
            .status()
            .map(|status| status.services)
            .unwrap_or_default()
            .into_iter()
            .map(|service| (service.service.clone(), service))
            .collect();
        self.drains = Drains::read(&self.notes).unwrap_or_default();
        self.next = Some(begin + (begin.elapsed() * 20).max(PAUSE));
    }

    fn status(&self) -> Option<Status> {
        let (verb, params) = CheckCall::Status {}.parts();
        let ask = |socket: &str| control::call(&self.run_dir.join(socket), &verb, params.clone(), LIMIT);
        let answer = match ask(AGENT) {
            Err(CallError::NotRunning) => ask(SOCKET),
            answer => answer,
        };
        answer.ok()
    }

    fn status_of(&self, service: &ServiceKey, server: &ServerKey) -> Option<&ServerStatus> {
        if self.services.is_empty() {
            return None;
        }
        let name = server.to_string();
        self.services.get(&service.to_string())?.servers.iter().find(|status| status.server == name)
    }
}

impl Health for Known {
    fn server(&self, service: &ServiceKey, server: &ServerKey, weight: Weight) -> Told {
        if let Some(status) = self.status_of(service, server) {
            return Told {
                health: (!status.checks.is_empty()).then(|| status.state.clone()),
                draining: status.drain.is_some(),
                ramp: status.ramp.map(|ramp| ramp.percent),
                drifts: status.weight != Some(weight.value()),
            };
        }
        if self.drains.drains.is_empty() && self.drains.starts.is_empty() {
            return Told::default();
        }
        let member = Member::new(service, server);
        let start = self.drains.starts.iter().find(|start| start.member == member);
        let percent = start.map(|start| {
            let whole = u64::from(start.weight.max(1)) * u64::from(start.factor.max(1));
            u32::try_from(u64::from(weight.value()) * 100 / whole).unwrap_or(100).min(100)
        });
        Told {
            draining: weight == Weight::ZERO && self.drains.drain(&member).is_some(),
            ramp: percent.filter(|_| weight > Weight::ZERO),
            ..Told::default()
        }
    }

    fn service(&self, service: &ServiceKey) -> String {
        if self.services.is_empty() {
            return String::new();
        }
        match self.services.get(&service.to_string()) {
            Some(status) if status.sorry_active => "sorry server".to_owned(),
            Some(status) if status.quorum == Some(false) => "no quorum".to_owned(),
            _ => String::new(),
        }
    }
}
