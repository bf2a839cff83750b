//! Everything of the check process but its IO: probes come due, answers change states, states change the table.

use std::{
    collections::{BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use super::{
    CheckId, Event, Notice, Output, Pools,
    drain::{Left, Turn},
    settings::Settings,
};
use crate::{
    check::{
        answer::{Answer, Failure, FailureKind, Success, Verdict},
        board::{Board, ProbeId, Start},
    },
    host::Command,
    model::{Change, Moment, ServerKey, ServiceKey, Table, Target},
};

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A probe is to be made, and its answer given to [`Engine::answer`].
    Start(Start),
    /// The effective entry of this service may have changed: the kernel's is to be made equal to it.
    Changed(ServiceKey),
    /// A command is to be run, after the table is written.
    Run {
        /// Whom it is about.
        subject: Target,
        /// What to run.
        command: Command,
    },
    /// A person may want to know.
    Notice(Notice),
    /// A probe failed, and that changed nothing; for checks that want to hear of all failures.
    Failed {
        /// One of the servers that the probe is about.
        target: Target,
        /// Why.
        reason: String,
    },
    /// Nobody knows whether this server works, because we failed and not the server; said once.
    Unknown {
        /// One of the servers that the probe is about.
        target: Target,
        /// Why.
        reason: String,
    },
}

/// The check process without its IO.
#[derive(Debug)]
pub struct Engine {
    pub(super) board: Board,
    pub(super) pools: Pools,
    /// The probe of each check that is watched, by [`CheckId`].
    watched: Vec<Option<Watched>>,
    /// Which checks a probe is made for; a set of pairs takes a third of what a map of lists does.
    users: BTreeSet<(ProbeId, CheckId)>,
    steps: VecDeque<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Watched {
    probe: ProbeId,
    awake: bool,
}

impl Engine {
    /// Begins over a kernel that holds `kernel`. At most `most` probes are under way at once.
    pub fn new(now: Moment, settings: Settings, kernel: &Table, seed: u64, most: usize) -> Self {
        Self {
            board: Board::new(seed, most),
            watched: vec![None; settings.checks.len()],
            pools: Pools::new(now, settings, kernel),
            users: BTreeSet::new(),
            steps: VecDeque::new(),
        }
    }

    /// Goes on with other settings. What is known of probes, servers and quorums that stay is kept; services of which
    /// nothing is different are not touched at all.
    pub fn replace(&mut self, now: Moment, settings: Settings, kernel: &Table) {
        self.digest_all(now);
        self.pools.replace(now, settings, kernel);
        self.watched.resize(self.pools.checks.numbers(), None);
        self.digest_all(now);
    }

    /// Digests what speaks of checks whose numbers are about to be given again.
    fn digest_all(&mut self, now: Moment) {
        while let Some(step) = self.digest(now) {
            self.steps.push_back(step);
        }
    }

    /// Sets how many probes may be under way at once.
    pub fn set_most(&mut self, most: usize) {
        self.board.set_most(most);
    }

    /// Takes the answer to a probe that was started.
    pub fn answer(&mut self, now: Moment, id: ProbeId, answer: Answer) {
        let bad = matches!(answer.verdict, Verdict::Bad(_));
        let Some(outcome) = self.board.handle(now, id, answer) else { return };
        if outcome.changed {
            for check in self.users_of(id).collect::<Vec<_>>() {
                self.tell(now, check, id);
            }
        }
        let idle_failure = bad && !outcome.changed;
        if !outcome.newly_unknown && !idle_failure {
            return;
        }
        let Some((course, target)) = self.board.course(id).zip(self.target(id)) else { return };
        let Some((_, Answer { verdict, .. })) = course.history().last() else { return };
        if outcome.newly_unknown {
            self.steps.push_back(Step::Unknown { target, reason: reason(verdict) });
        } else if course.schedule().log_all_failures {
            self.steps.push_back(Step::Failed { target, reason: reason(verdict) });
        }
    }

    /// Takes the state of a BFD session.
    pub fn session(&mut self, now: Moment, name: &str, up: bool) {
        let verdict = if up {
            Verdict::Good(Success { summary: format!("BFD session {name} is up"), ..Success::default() })
        } else {
            let reason = format!("BFD session {name} is down");
            Verdict::Bad(Failure { kind: FailureKind::Reported, reason, evidence: Vec::new() })
        };
        let answer = Answer { verdict, took: Duration::ZERO };
        for id in self.board.bfd(name).collect::<Vec<_>>() {
            self.answer(now, id, answer.clone());
        }
    }

    /// Takes a change of the operator's table; `in_kernel` if it was made in the kernel.
    pub fn operator(&mut self, now: Moment, change: &Change, in_kernel: bool) {
        self.pools.handle(now, Event::Operator { change, in_kernel });
    }

    /// Has a server drain, ramp, or neither; see [`Pools::turn_server`].
    pub fn turn_server(&mut self, now: Moment, place: (ServiceKey, ServerKey), turn: Option<Turn>) -> Option<bool> {
        self.pools.turn_server(now, place, turn)
    }

    /// Takes the connections of a server that drains; see [`Pools::count_left`].
    pub fn count_left(&mut self, now: Moment, place: (ServiceKey, ServerKey), left: Left) -> bool {
        self.pools.count_left(now, place, left)
    }

    /// Is told whether an address is on this host.
    pub fn address(&mut self, now: Moment, address: IpAddr, present: bool) {
        self.pools.handle(now, Event::Address { address, present });
    }

    /// Says that all ends.
    pub fn finish(&mut self) {
        self.pools.finish();
    }

    /// Returns when there will be something to do if nothing happens before.
    pub fn next_timeout(&self) -> Option<Moment> {
        self.board.next_timeout().into_iter().chain(self.pools.next_timeout()).min()
    }

    /// Returns what is to be done next, until it returns `None`. Probes come after everything else.
    pub fn poll(&mut self, now: Moment) -> Option<Step> {
        if let Some(step) = self.steps.pop_front() {
            return Some(step);
        }
        self.pools.pass(now);
        self.digest(now).or_else(|| self.board.poll(now).map(Step::Start))
    }

    /// Returns the pools: what the table should be.
    pub fn pools(&self) -> &Pools {
        &self.pools
    }

    /// Carries out what the pools want of probes, and returns the next thing that is for others.
    fn digest(&mut self, now: Moment) -> Option<Step> {
        loop {
            match self.pools.poll()? {
                Output::Changed(key) => return Some(Step::Changed(key)),
                Output::Run { subject, command } => return Some(Step::Run { subject, command: *command }),
                Output::Notice(notice) => return Some(Step::Notice(*notice)),
                Output::Watch(check) => self.watch(now, check),
                Output::Unwatch(check) => {
                    if let Some(watched) = self.watched.get_mut(check.0).and_then(Option::take) {
                        self.users.remove(&(watched.probe, check));
                        self.let_go(watched);
                    }
                }
                Output::Wake(check) => self.turn(now, check, true),
                Output::Rest(check) => self.turn(now, check, false),
            }
        }
    }

    fn watch(&mut self, now: Moment, id: CheckId) {
        let Some((check, watched)) = self.pools.checks.get_mut(id).zip(self.watched.get_mut(id.0)) else { return };
        let probe = self.board.add(now, Arc::clone(&check.probe), Arc::clone(&check.schedule));
        // An equal one that was there before is as good, and is kept anyway.
        if let Some(kept) = self.board.probe(probe) {
            check.probe = Arc::clone(kept);
        }
        *watched = Some(Watched { probe, awake: false });
        self.users.insert((probe, id));
    }

    fn turn(&mut self, now: Moment, id: CheckId, awake: bool) {
        let Some(watched) = self.watched.get_mut(id.0).and_then(Option::as_mut) else { return };
        if watched.awake == awake {
            return;
        }
        watched.awake = awake;
        let probe = watched.probe;
        if awake {
            self.board.wake(now, probe);
            // Others may have gone on asking while this check slept.
            self.tell(now, id, probe);
        } else {
            self.board.rest(probe);
        }
    }

    fn let_go(&mut self, watched: Watched) {
        if watched.awake {
            self.board.rest(watched.probe);
        }
        self.board.release(watched.probe);
    }

    /// Tells the pools what a check's probe says now.
    fn tell(&mut self, now: Moment, check: CheckId, probe: ProbeId) {
        let Some(course) = self.board.course(probe) else { return };
        let last = course.history().last().map(|(_, answer)| &answer.verdict);
        let evidence = match last {
            Some(Verdict::Bad(failure)) => failure.evidence.as_slice(),
            _ => &[],
        };
        let reason = last.map(reason).unwrap_or_default();
        let (health, weight) = (course.health(), course.weight());
        self.pools.handle(now, Event::Check { check, health, weight, reason: &reason, evidence });
    }

    /// The checks that a probe is made for.
    fn users_of(&self, probe: ProbeId) -> impl Iterator<Item = CheckId> {
        self.users.range((probe, CheckId(0))..=(probe, CheckId(usize::MAX))).map(|(_, check)| *check)
    }

    /// One of the servers that a probe is about.
    fn target(&self, probe: ProbeId) -> Option<Target> {
        let check = self.pools.check(self.users_of(probe).next()?)?;
        Some(Target::Server(check.service, check.server))
    }

    /// Returns the probe of a check, `None` while it is idle.
    pub(super) fn probe_of(&self, check: CheckId) -> Option<ProbeId> {
        self.watched.get(check.0).copied().flatten().map(|watched| watched.probe)
    }
}

/// What a verdict says, in words.
pub(super) fn reason(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Good(success) if success.summary.is_empty() => "it answers".to_owned(),
        Verdict::Good(success) => success.summary.clone(),
        Verdict::Bad(failure) => failure.reason.clone(),
        Verdict::Unknown(reason) => reason.clone(),
    }
}
