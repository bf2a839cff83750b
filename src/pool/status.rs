//! How checks and pools are doing: what `check list` and `--json` print, and what a running process answers. The JSON
//! schema is this file's types; fields are added, never changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    CheckId, Engine,
    drain::Turn,
    engine::reason,
    service::{Member, Pool},
};
use crate::{
    check::{
        answer::{Answer, Verdict},
        durations::Durations,
        settings::{Probe, Question},
    },
    model::{Moment, ServiceKey},
};

/// Everything about one check process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The services, in the order of the operator's table.
    pub services: Vec<ServiceStatus>,
    /// Checks that have nothing to check, because their service or server does not exist.
    pub idle: Vec<IdleStatus>,
    /// The probes.
    pub probes: ProbesStatus,
    /// How the kernel's table is kept.
    pub table: TableStatus,
}

/// A virtual service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// As in `TCP 10.0.0.1:80`, `FWM 5`, `FWM 5 IPv6`.
    pub service: String,
    /// Whether it has its quorum; `null` until enough checks have spoken.
    pub quorum: Option<bool>,
    /// Milliseconds since that changed.
    pub since_ms: u64,
    /// Weight of working servers.
    pub weight: u64,
    /// The quorum.
    pub needed: u32,
    /// Kept away from the quorum on both sides.
    pub hysteresis: u32,
    /// Sorry server, if there is one.
    pub sorry: Option<String>,
    /// Whether the sorry server has taken over.
    pub sorry_active: bool,
    /// Whether its checks sleep, because its address is not on this host.
    pub suspended: bool,
    /// The operator's servers.
    pub servers: Vec<ServerStatus>,
}

/// A real server of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Address and port.
    pub server: String,
    /// `up`, `down`, `untested`.
    pub state: String,
    /// Milliseconds since the state was entered.
    pub since_ms: u64,
    /// The operator's weight.
    pub operator_weight: u32,
    /// The weight that the kernel should have; `null` if the server should not be there.
    pub weight: Option<u32>,
    /// Its checks.
    pub checks: Vec<CheckStatus>,
    /// How it drains, if it does.
    #[serde(default)]
    pub drain: Option<DrainStatus>,
    /// How it gets its weight back, if it does so in steps.
    #[serde(default)]
    pub ramp: Option<RampStatus>,
}

/// A server that gets no new connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainStatus {
    /// Milliseconds since it began.
    pub since_ms: u64,
    /// Who asked for it.
    pub owner: Option<String>,
    /// What becomes of the server then: `keep`, `delete`.
    pub then: String,
    /// Milliseconds until it counts as drained, whatever connections it has; `null` = as long as it takes.
    pub timeout_ms: Option<u64>,
    /// Whether it has drained.
    pub drained: bool,
    /// Established connections; `null` until they are counted.
    pub active: Option<u32>,
    /// Other connections.
    pub inactive: Option<u32>,
    /// Clients that persistence leads to it.
    pub persistent: Option<u32>,
}

/// A server that gets its weight back in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RampStatus {
    /// How much of its weight it has.
    pub percent: u32,
    /// Milliseconds until it has all of it.
    pub left_ms: u64,
}

/// A check of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckStatus {
    /// What is asked, as in `tcp 10.0.0.11:80`.
    pub probe: String,
    /// Whether it goes through the kernel's own forwarding.
    pub through_vip: bool,
    /// `up`, `down`, `untested`.
    pub state: String,
    /// Milliseconds since the state was entered.
    pub since_ms: u64,
    /// The last answer.
    pub last: Option<AnswerStatus>,
    /// How long the last good answers took.
    pub latency: Option<LatencyStatus>,
    /// How long all good answers took, in ranges; `null` before the first one.
    #[serde(default)]
    pub durations: Option<DurationsStatus>,
    /// The last failures, the newest first.
    pub failures: Vec<FailureStatus>,
    /// Answers so far.
    pub probes: u64,
    /// Bad ones among them.
    pub failed: u64,
    /// Ones that said nothing, because we failed and not the server.
    pub unknown: u64,
    /// Milliseconds until the next probe; 0 while one is being made, `null` if none is planned.
    pub next_ms: Option<u64>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerStatus {
    /// Milliseconds ago.
    pub ago_ms: u64,
    /// `good`, `bad`, `unknown`.
    pub verdict: String,
    /// What it was, in words.
    pub text: String,
    /// What a person should know although it was good.
    pub warning: Option<String>,
    /// The first bytes of a wrong answer, as text with escapes.
    pub evidence: Option<String>,
    /// From the begin to the verdict, in microseconds.
    pub took_us: u64,
}

/// How long good answers took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyStatus {
    /// How many answers.
    pub samples: usize,
    /// Median in microseconds.
    pub median_us: u64,
    /// The longest in microseconds.
    pub worst_us: u64,
}

/// How long good answers took, since the begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurationsStatus {
    /// How many took at most 1, 2.5, 5, 10, 25, 50, 100, 250 and 500 ms, 1 s, 5 s, and longer; each in one range only.
    pub counts: Vec<u32>,
    /// Sum of all, in microseconds.
    pub sum_us: u64,
}

/// A failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureStatus {
    /// Milliseconds ago.
    pub ago_ms: u64,
    /// What sort (`timeout`, `refused`, `status` …).
    pub kind: String,
    /// What was wrong, in words.
    pub reason: String,
}

/// A check that has nothing to check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdleStatus {
    /// The service.
    pub service: String,
    /// The server.
    pub server: String,
    /// What would be asked.
    pub probe: String,
}

/// The probes of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbesStatus {
    /// Different ones; equal ones are made once.
    pub different: usize,
    /// Being made now.
    pub under_way: usize,
    /// Begun so far.
    pub begun: u64,
    /// Latest begin ever, in microseconds.
    pub worst_late_us: u64,
    /// Sum of lateness, in microseconds: the mean is this through `begun`.
    pub total_late_us: u64,
    /// Begun more than 1 ms, 5 ms, 10 ms, 100 ms and 1 s late.
    pub late: [u64; 5],
}

/// How the kernel's table is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStatus {
    /// Changes that the kernel made.
    pub changes: u64,
    /// Changes that it refused, each time it did.
    pub refused: u64,
    /// What the kernel refuses now, in words.
    pub refusals: Vec<String>,
    /// Changes of others that were found.
    pub foreign: u64,
    /// Those among them that are the operator's wish now.
    #[serde(default)]
    pub adopted: u64,
    /// Those that were undone.
    #[serde(default)]
    pub restored: u64,
    /// Those that stay until something of ours changes.
    #[serde(default)]
    pub ignored: u64,
}

impl Engine {
    /// Returns how everything is doing. Of the kernel's table nothing is known here.
    pub fn status(&self, now: Moment) -> Status {
        let lateness = self.board.lateness();
        Status {
            services: self.pools.pools.iter().map(|(key, pool)| self.service_status(now, *key, pool)).collect(),
            idle: self
                .pools
                .idle()
                .map(|check| IdleStatus {
                    service: check.service.to_string(),
                    server: check.server.to_string(),
                    probe: describe(&check.probe),
                })
                .collect(),
            probes: ProbesStatus {
                different: self.board.len(),
                under_way: self.board.under_way(),
                begun: lateness.probes,
                worst_late_us: micros(lateness.worst),
                total_late_us: micros(lateness.total),
                late: lateness.over,
            },
            table: TableStatus::default(),
        }
    }

    fn service_status(&self, now: Moment, key: ServiceKey, pool: &Pool) -> ServiceStatus {
        let effective = pool.effective();
        let server = |member: &Member| ServerStatus {
            server: member.server.key.to_string(),
            state: member.health.word().to_owned(),
            since_ms: millis(now.since(member.since)),
            operator_weight: member.server.weight.value(),
            weight: effective.servers.get(&member.server.key).map(|server| server.weight.value()),
            checks: member.checks.iter().filter_map(|check| self.check_status(now, check.id)).collect(),
            drain: member.turn.as_deref().and_then(|turn| drain_status(now, turn)),
            ramp: member.ramp().map(|ramp| RampStatus {
                percent: ramp.percent(),
                left_ms: millis((ramp.since + ramp.length).since(now)),
            }),
        };
        ServiceStatus {
            service: key.to_string(),
            quorum: pool.quorum,
            since_ms: millis(now.since(pool.since)),
            weight: pool.working(),
            needed: pool.policy.quorum,
            hysteresis: pool.policy.hysteresis,
            sorry: pool.policy.sorry.map(|sorry| sorry.key.to_string()),
            sorry_active: pool.is_sorry(),
            suspended: !pool.awake,
            servers: pool.members.values().map(server).collect(),
        }
    }

    fn check_status(&self, now: Moment, id: CheckId) -> Option<CheckStatus> {
        let check = self.pools.check(id)?;
        let probe = self.probe_of(id)?;
        let course = self.board.course(probe)?;
        let history = course.history();
        let failures = history.failures().map(|failed| FailureStatus {
            ago_ms: millis(now.since(failed.at)),
            kind: failed.kind.word().to_owned(),
            reason: failed.reason.clone(),
        });
        Some(CheckStatus {
            probe: describe(&check.probe),
            through_vip: check.through_vip,
            state: course.health().word().to_owned(),
            since_ms: millis(now.since(course.since())),
            last: history.last().map(|(at, answer)| answer_status(millis(now.since(at)), answer)),
            latency: history.latency().map(|latency| LatencyStatus {
                samples: latency.samples,
                median_us: micros(latency.median),
                worst_us: micros(latency.worst),
            }),
            durations: (history.durations != Durations::default()).then(|| DurationsStatus {
                counts: history.durations.counts.to_vec(),
                sum_us: history.durations.sum_us,
            }),
            failures: failures.collect(),
            probes: history.probes,
            failed: history.failed,
            unknown: history.unknown,
            next_ms: self.board.next(probe).map(|due| millis(due.since(now))),
        })
    }
}

fn drain_status(now: Moment, turn: &Turn) -> Option<DrainStatus> {
    let Turn::Drain(drain) = turn else { return None };
    Some(DrainStatus {
        since_ms: millis(now.since(drain.since)),
        owner: drain.owner.clone(),
        then: if drain.delete { "delete" } else { "keep" }.to_owned(),
        timeout_ms: drain.until.map(|until| millis(until.since(now))),
        drained: drain.over,
        active: drain.left.map(|left| left.active),
        inactive: drain.left.map(|left| left.inactive),
        persistent: drain.left.map(|left| left.persistent),
    })
}

fn answer_status(ago_ms: u64, answer: &Answer) -> AnswerStatus {
    let (verdict, warning, evidence) = match &answer.verdict {
        Verdict::Good(success) => ("good", success.warning.clone(), None),
        Verdict::Bad(failure) if failure.evidence.is_empty() => ("bad", None, None),
        Verdict::Bad(failure) => ("bad", None, Some(failure.evidence.escape_ascii().to_string())),
        Verdict::Unknown(_) => ("unknown", None, None),
    };
    AnswerStatus {
        ago_ms,
        verdict: verdict.to_owned(),
        text: reason(&answer.verdict),
        warning,
        evidence,
        took_us: micros(answer.took),
    }
}

/// Returns what a probe asks in a few words: `tcp 10.0.0.11:80`.
pub fn describe(probe: &Probe) -> String {
    let target = probe.target;
    match &probe.question {
        Question::Tcp => format!("tcp {target}"),
        Question::Http(http) => {
            let kind = if http.tls.is_some() { "https" } else { "http" };
            let path = http.pages.first().map(|page| page.path.as_str()).unwrap_or_default();
            let more = if http.pages.len() > 1 { " …" } else { "" };
            format!("{kind} {target}{path}{more}")
        }
        Question::Smtp { .. } => format!("smtp {target}"),
        Question::Dns { name, .. } => format!("dns {target} {name}"),
        Question::Udp(_) => format!("udp {target}"),
        Question::Ping => format!("ping {}", target.ip()),
        Question::Script { command, .. } => format!("script {}", command.words.join(" ")),
        Question::File { path, .. } => format!("file {}", path.display()),
        Question::Agent { .. } => format!("agent {target}"),
        Question::Bfd { name } => format!("bfd {name}"),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
