//! One probe: what is asked of a server, answered in one total time.
//!
//! Sends each question to its checker and keeps the time. When to ask, and what an answer means for a check, is decided
//! elsewhere; nothing is remembered from one probe to the next but sockets that many of them share.

use std::{io, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{
    agent,
    answer::{Answer, EVIDENCE, Failure, FailureKind, Phase, Verdict, quoted, spoken},
    connect::{self, after},
    dialer::Dialer,
    dns,
    facts::Facts,
    file, http,
    ping::{self, Echoers},
    script,
    settings::{Probe, Question},
    smtp, tcp, udp,
};
use crate::host::script::Runner;

/// What the probes of a process share.
#[derive(Debug)]
pub struct Context {
    pub(super) dialer: Dialer,
    pub(super) echoers: Echoers,
    pub(super) scripts: Runner,
    http: http::Shared,
}

impl Context {
    /// Makes what probes share. Must be called in the tokio runtime in which they will run. `scripts` runs those of script
    /// checks.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new(scripts: Runner) -> io::Result<Self> {
        Ok(Self { dialer: Dialer::new()?, echoers: Echoers::default(), scripts, http: http::Shared::default() })
    }
}

/// Asks a server and returns what came of it, never later than the probe's deadline; a script that is late has some seconds
/// more to end. Dropping the future ends the probe and closes what it opened.
///
/// Must run in a tokio runtime with time and IO.
pub async fn ask(probe: &Probe, context: &Context) -> Answer {
    run(probe, context, Phases::start(probe.deadline)).await.0
}

/// Asks as [`ask`] does, and also returns what was found beside the answer; some of it costs more than a check is worth.
pub async fn ask_in_detail(probe: &Probe, context: &Context) -> (Answer, Facts) {
    run(probe, context, Phases { in_detail: true, ..Phases::start(probe.deadline) }).await
}

async fn run(probe: &Probe, context: &Context, mut clock: Phases) -> (Answer, Facts) {
    let until = match probe.question {
        // It keeps the time by itself, because it is asked to end before it is killed.
        Question::Script { .. } => after(clock.until(), script::TO_END),
        _ => clock.until(),
    };
    let verdict = match (timeout_at(until, put(probe, context, &mut clock)).await, &probe.question) {
        (Ok(verdict), _) => verdict,
        (Err(_), Question::Script { command, .. }) => script::no_turn(command, clock.elapsed()),
        (Err(_), _) => Verdict::Bad(clock.over(probe)),
    };
    (Answer { verdict, took: clock.elapsed() }, clock.facts)
}

/// Puts the question: hands it to its checker. The larger checkers are boxed: probes of the small ones wait by the thousand.
async fn put(probe: &Probe, context: &Context, clock: &mut Phases) -> Verdict {
    match &probe.question {
        Question::Tcp => tcp::ask(probe, context, clock).await,
        Question::Http(http) => Box::pin(http::ask(http, probe, &context.http, clock)).await,
        Question::Smtp { helo } => Box::pin(smtp::ask(helo, probe, clock)).await,
        Question::Dns { name, kind } => Box::pin(dns::ask(name, *kind, probe, clock)).await,
        Question::Udp(udp) => Box::pin(udp::ask(udp, probe, clock)).await,
        Question::Agent { send } => Box::pin(agent::ask(send, probe, clock)).await,
        Question::Ping => Box::pin(ping::ask(probe, context, clock)).await,
        Question::File { path, weight } => file::ask(path, *weight, clock).await,
        Question::Script { command, dynamic } => Box::pin(script::ask(command, *dynamic, probe, context, clock)).await,
        Question::Bfd { name } => Verdict::Unknown(format!("the BFD session {name} tells its state, it is not asked")),
    }
}

/// The clock of one probe: how far it has come, what it waits for and what it has heard.
///
/// A probe whose time is over is dropped where it stands; all that it can say about itself must be in here by then.
#[derive(Debug)]
pub(super) struct Phases {
    begin: Instant,
    until: Instant,
    awaited: &'static str,
    heard: Vec<u8>,
    in_detail: bool,
    facts: Facts,
}

impl Phases {
    /// Starts the clock of a probe that has so much time.
    pub(super) fn start(deadline: Duration) -> Self {
        let begin = Instant::now();
        Self {
            begin,
            until: after(begin, deadline),
            awaited: "",
            heard: Vec::new(),
            in_detail: false,
            facts: Facts::default(),
        }
    }

    /// Returns when the probe began.
    pub(super) fn begin(&self) -> Instant {
        self.begin
    }

    /// Returns when the time is over.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// Returns how long the probe has been under way.
    pub(super) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Whether somebody wants to know all there is to know.
    pub(super) fn in_detail(&self) -> bool {
        self.in_detail
    }

    /// Returns what was found so far, to be added to.
    pub(super) fn facts(&mut self) -> &mut Facts {
        &mut self.facts
    }

    /// Notes that a part is done. Only the first time counts: a probe of many pages connects many times.
    pub(super) fn reached(&mut self, phase: Phase) {
        if self.in_detail && !self.facts.phases.iter().any(|(known, _)| *known == phase) {
            self.facts.phases.push((phase, self.begin.elapsed()));
        }
    }

    /// Notes what the server has to send next, as it fits into `… from 10.0.0.5:25 did not come` (`the greeting`).
    pub(super) fn awaits(&mut self, what: &'static str) {
        self.awaited = what;
        self.heard.clear();
    }

    /// Notes bytes of the awaited answer, of which the first are kept as evidence.
    pub(super) fn heard(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.reached(Phase::FirstByte);
        }
        let room = EVIDENCE.saturating_sub(self.heard.len());
        self.heard.extend(bytes.iter().take(room));
    }

    /// Returns what was heard of the awaited answer.
    pub(super) fn said(&self) -> &[u8] {
        &self.heard
    }

    /// Says what a probe whose time is over was waiting for.
    fn over(&self, probe: &Probe) -> Failure {
        let (target, time) = (probe.target, self.until - self.begin);
        if self.awaited.is_empty() {
            return connect::silent(target, time);
        }
        let heard = if self.heard.is_empty() { String::new() } else { format!(", only {}", quoted(&self.heard)) };
        let reason = format!("{} from {target} did not come within {}{heard}", self.awaited, spoken(time));
        Failure::new(FailureKind::Timeout, &reason, &self.heard)
    }
}
