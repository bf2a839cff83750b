//! Which child runs, and which is to be started, told to end or killed. No IO, no clock: moments come in, orders go out.
//!
//! A child that ends is started again: at once the first time, so that a master goes on before its peers notice; then
//! later and later, so that one that cannot live costs nothing. At the end the VRRP process goes first, because others
//! wait for its addresses; whoever does not go in time is killed. So is a child that hangs: it was not heard of for
//! [`SILENCE`] looks of ours, or for many more of them if it has just begun. Looks are counted and not time, so that
//! nobody is blamed for a pause of the whole machine.

use std::{collections::VecDeque, time::Duration};

use crate::model::Moment;

/// How long to wait before the second start after a child's end; it doubles from then on.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The longest wait before a start.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// A child that was healthy for so long is started at once again.
const HEALTHY: Duration = Duration::from_secs(60);

/// How long the VRRP process has to give addresses up before the check process is told to end, too.
const HEAD_START: Duration = Duration::from_secs(2);

/// How many looks a child may be silent for.
pub(super) const SILENCE: u32 = 10;

/// The same before it is heard for the first time: it may have a table of 100,000 servers to bring in.
const BEGINNING: u32 = 10 * SILENCE;

/// A child of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Virtual routers and BFD sessions.
    Vrrp,
    /// Health checks, and the kernel's table.
    Check,
}

impl Kind {
    /// Both, in the order in which they are started and shown.
    pub(super) const ALL: [Self; 2] = [Self::Vrrp, Self::Check];

    /// Returns its name, as commands and events have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vrrp => "vrrp",
            Self::Check => "check",
        }
    }

    /// Returns what people call it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Vrrp => "the VRRP process",
            Self::Check => "the check process",
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Start a child.
    Start {
        /// Which.
        kind: Kind,
        /// Whether it goes on where one before it was.
        resume: bool,
    },
    /// Tell a child to end.
    Terminate(Kind),
    /// End a child that does not do so by itself.
    Kill(Kind),
    /// End a child that hangs.
    KillHung(Kind),
}

/// Where a child is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It does not run, and need not.
    Down,
    /// It ended, and is started again then.
    Waiting(Moment),
    /// It runs since then, and its first work is not done yet.
    Starting(Moment),
    /// Its first work was done then.
    Ready(Moment),
}

/// What is known of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// Whether it should run.
    pub(super) wanted: bool,
    /// Where it is in its life.
    pub(super) phase: Phase,
    /// How often it was started because it had ended.
    pub(super) restarts: u64,
    /// How long the next start but one after an end waits.
    delay: Duration,
    /// Whether there is something to go on with.
    resume: bool,
    /// For how many more looks it may be silent; `None` = it was killed for that.
    patience: Option<u32>,
    /// Whether it can end in order: it was heard since its start.
    was_heard: bool,
    /// Whether it is to end as soon as it can: it may have to give up what one that was killed held.
    is_to_end: bool,
}

impl Child {
    fn new(resume: bool) -> Self {
        Self {
            wanted: false,
            phase: Phase::Down,
            restarts: 0,
            delay: Duration::ZERO,
            resume,
            patience: None,
            was_heard: false,
            is_to_end: false,
        }
    }

    /// Whether there is a process.
    pub(super) fn runs(&self) -> bool {
        matches!(self.phase, Phase::Starting(_) | Phase::Ready(_))
    }

    /// Whether its first work is done.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready(_))
    }
}

/// The end of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ending {
    /// When the check process is told, if VRRP is still not gone.
    check: Moment,
    /// When who is left is killed.
    kill: Moment,
}

/// The children.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    vrrp: Child,
    check: Child,
    ending: Option<Ending>,
    /// Whether the check process was told to end.
    check_told: bool,
    orders: VecDeque<Order>,
}

impl Tree {
    /// Returns a tree in which nothing runs. `resume`: the agent before this one did not end in order.
    pub(super) fn new(resume: bool) -> Self {
        let child = Child::new(resume);
        Self { vrrp: child, check: child, ending: None, check_told: false, orders: VecDeque::new() }
    }

    /// Returns what is known of a child.
    pub(super) fn child(&self, kind: Kind) -> &Child {
        match kind {
            Kind::Vrrp => &self.vrrp,
            Kind::Check => &self.check,
        }
    }

    fn child_mut(&mut self, kind: Kind) -> &mut Child {
        match kind {
            Kind::Vrrp => &mut self.vrrp,
            Kind::Check => &mut self.check,
        }
    }

    /// Returns the next thing to do.
    pub(super) fn poll(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// Sees that a child runs from now on; one that waits for its turn has it.
    pub(super) fn want(&mut self, kind: Kind, now: Moment) {
        self.child_mut(kind).wanted = true;
        if !self.child(kind).runs() {
            self.start(kind, now);
        }
    }

    /// A child need not be started again. One that runs goes on.
    pub(super) fn release(&mut self, kind: Kind) {
        let child = self.child_mut(kind);
        child.wanted = false;
        if let Phase::Waiting(_) = child.phase {
            child.phase = Phase::Down;
        }
    }

    fn start(&mut self, kind: Kind, now: Moment) {
        if self.ending.is_some() {
            return;
        }
        let child = self.child_mut(kind);
        child.phase = Phase::Starting(now);
        child.patience = Some(BEGINNING);
        (child.was_heard, child.is_to_end) = (false, false);
        let order = Order::Start { kind, resume: child.resume };
        self.orders.push_back(order);
    }

    /// A child's first work is done.
    pub(super) fn ready(&mut self, kind: Kind, now: Moment) {
        let child = self.child_mut(kind);
        if let Phase::Starting(_) = child.phase {
            child.phase = Phase::Ready(now);
            child.resume = true;
        }
    }

    /// A child has ended, or could not be started.
    pub(super) fn ended(&mut self, kind: Kind, now: Moment) {
        let ending = self.ending.is_some();
        let child = self.child_mut(kind);
        if let Phase::Ready(since) = child.phase
            && now.since(since) >= HEALTHY
        {
            child.delay = Duration::ZERO;
        }
        if ending || !child.wanted {
            child.phase = Phase::Down;
            if kind == Kind::Vrrp && ending {
                self.tell_check();
            }
            return;
        }
        child.restarts += 1;
        let delay = child.delay;
        child.delay = (delay * 2).clamp(FIRST_DELAY, LONGEST_DELAY);
        if delay.is_zero() {
            self.start(kind, now);
        } else {
            child.phase = Phase::Waiting(now + delay);
        }
    }

    /// A child lives.
    pub(super) fn heard(&mut self, kind: Kind) {
        let child = self.child_mut(kind);
        child.patience = Some(SILENCE);
        child.was_heard = true;
        if child.is_to_end {
            child.is_to_end = false;
            self.orders.push_back(Order::Terminate(kind));
        }
    }

    /// Has a child end: now, or when it can.
    fn terminate(&mut self, kind: Kind) {
        let child = self.child_mut(kind);
        if child.was_heard {
            self.orders.push_back(Order::Terminate(kind));
        } else {
            child.is_to_end = true;
        }
    }

    /// Looks whether children live. To be called time and again, and only when what they said before was heard.
    pub(super) fn look(&mut self) {
        for kind in Kind::ALL {
            let child = self.child_mut(kind);
            let Some(patience) = child.patience.filter(|_| child.runs()) else { continue };
            child.patience = patience.checked_sub(1);
            // Not again: it cannot but end.
            if child.patience.is_none() {
                self.orders.push_back(Order::KillHung(kind));
            }
        }
    }

    /// Begins the end of everything, which takes no longer than `limit`.
    pub(super) fn stop(&mut self, now: Moment, limit: Duration) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(Ending { check: now + HEAD_START.min(limit / 2), kill: now + limit });
        for child in [&mut self.vrrp, &mut self.check] {
            child.wanted = false;
            if let Phase::Waiting(_) = child.phase {
                child.phase = Phase::Down;
            }
        }
        if self.vrrp.runs() {
            self.terminate(Kind::Vrrp);
        } else {
            self.tell_check();
        }
    }

    fn tell_check(&mut self) {
        if !self.check_told && self.check.runs() {
            self.terminate(Kind::Check);
        }
        self.check_told = true;
    }

    /// Returns when [`Self::handle_timeout`] has something to do.
    pub(super) fn next_timeout(&self) -> Option<Moment> {
        let starts = Kind::ALL.into_iter().filter_map(|kind| match self.child(kind).phase {
            Phase::Waiting(until) => Some(until),
            _ => None,
        });
        let end = self.ending.filter(|_| !self.is_over());
        let end = end.map(|ending| if self.check_told { ending.kill } else { ending.check });
        starts.chain(end).min()
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Moment) {
        for kind in Kind::ALL {
            if let Phase::Waiting(until) = self.child(kind).phase
                && until <= now
            {
                self.start(kind, now);
            }
        }
        let Some(ending) = self.ending else { return };
        if ending.check <= now {
            self.tell_check();
        }
        if ending.kill <= now {
            let left = Kind::ALL.into_iter().filter(|kind| self.child(*kind).runs());
            let orders: Vec<Order> = left.map(Order::Kill).collect();
            self.orders.extend(orders);
            // Whoever does not even go by that is asked again.
            self.ending = Some(Ending { kill: now + HEAD_START, ..ending });
        }
    }

    /// Whether the end has begun.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether the end has begun, and nobody is left.
    pub(super) fn is_over(&self) -> bool {
        self.ending.is_some() && Kind::ALL.into_iter().all(|kind| !self.child(kind).runs())
    }

    /// Whether everybody who should run has done their first work.
    pub(super) fn is_ready(&self) -> bool {
        Kind::ALL.into_iter().map(|kind| self.child(kind)).all(|child| !child.wanted || child.is_ready())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(milliseconds: u64) -> Moment {
        Moment::from_start(Duration::from_millis(milliseconds))
    }

    fn orders(tree: &mut Tree) -> Vec<Order> {
        std::iter::from_fn(|| tree.poll()).collect()
    }

    fn start(kind: Kind, resume: bool) -> Order {
        Order::Start { kind, resume }
    }

    #[test]
    fn only_who_is_wanted_runs() {
        let mut tree = Tree::new(false);
        assert!(tree.is_ready() && tree.next_timeout().is_none());
        tree.want(Kind::Vrrp, at(0));
        tree.want(Kind::Vrrp, at(1));
        assert_eq!(orders(&mut tree), [start(Kind::Vrrp, false)]);
        assert!(!tree.is_ready());
        tree.ready(Kind::Vrrp, at(2));
        assert!(tree.is_ready() && !tree.child(Kind::Check).runs());
        tree.release(Kind::Vrrp);
        tree.ended(Kind::Vrrp, at(3));
        assert_eq!((orders(&mut tree), tree.child(Kind::Vrrp).phase), (vec![], Phase::Down));
    }

    #[test]
    fn who_ends_is_started_again_later_and_later() {
        let mut tree = Tree::new(false);
        tree.want(Kind::Check, at(0));
        tree.ready(Kind::Check, at(1));
        tree.ended(Kind::Check, at(2));
        // At once, and with what it knew.
        assert_eq!(orders(&mut tree), [start(Kind::Check, false), start(Kind::Check, true)]);
        let mut now = at(2);
        let mut waits = Vec::new();
        for _ in 0..11 {
            tree.ended(Kind::Check, now);
            let due = tree.next_timeout().unwrap();
            waits.push(due.since(now).as_millis());
            tree.handle_timeout(due - Duration::from_millis(1));
            assert_eq!(orders(&mut tree), []);
            tree.handle_timeout(due);
            assert_eq!(orders(&mut tree), [start(Kind::Check, true)]);
            now = due;
        }
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(tree.child(Kind::Check).restarts, 12);
        // A minute of health, and all is forgiven.
        tree.ready(Kind::Check, now);
        tree.ended(Kind::Check, now + 60 * SECOND);
        assert_eq!(orders(&mut tree), [start(Kind::Check, true)]);
    }

    #[test]
    fn a_wanted_child_need_not_wait() {
        let mut tree = Tree::new(true);
        tree.want(Kind::Vrrp, at(0));
        tree.ended(Kind::Vrrp, at(0));
        tree.ended(Kind::Vrrp, at(1));
        assert_eq!(tree.child(Kind::Vrrp).phase, Phase::Waiting(at(101)));
        tree.want(Kind::Vrrp, at(2));
        assert_eq!(orders(&mut tree), [start(Kind::Vrrp, true); 3]);
        assert_eq!(tree.next_timeout(), None);
    }

    #[test]
    fn vrrp_goes_first_and_who_stays_is_killed() {
        let mut tree = Tree::new(false);
        for kind in Kind::ALL {
            tree.want(kind, at(0));
        }
        orders(&mut tree);
        tree.heard(Kind::Check);
        tree.stop(at(0), 10 * SECOND);
        assert_eq!(orders(&mut tree), [], "it has not begun, and could not clean up after one that was killed");
        tree.heard(Kind::Vrrp);
        assert_eq!(orders(&mut tree), [Order::Terminate(Kind::Vrrp)]);
        tree.heard(Kind::Vrrp);
        assert_eq!(orders(&mut tree), []);
        assert_eq!(tree.next_timeout(), Some(at(2000)));
        let mut other = tree.clone();
        tree.ended(Kind::Vrrp, at(500));
        assert_eq!(orders(&mut tree), [Order::Terminate(Kind::Check)]);
        tree.ended(Kind::Check, at(600));
        assert!(tree.is_over() && tree.next_timeout().is_none() && orders(&mut tree).is_empty());
        // The other hangs.
        other.handle_timeout(at(2000));
        assert_eq!(orders(&mut other), [Order::Terminate(Kind::Check)]);
        assert_eq!(other.next_timeout(), Some(at(10_000)));
        other.ended(Kind::Check, at(3000));
        other.handle_timeout(at(10_000));
        assert_eq!(orders(&mut other), [Order::Kill(Kind::Vrrp)]);
        assert!(!other.is_over());
        other.ended(Kind::Vrrp, at(10_001));
        assert!(other.is_over());
    }

    #[test]
    fn who_hangs_is_killed_once() {
        let mut tree = Tree::new(false);
        for kind in Kind::ALL {
            tree.want(kind, at(0));
        }
        orders(&mut tree);
        // A child that is only about to begin may take its time.
        tree.heard(Kind::Vrrp);
        (0..SILENCE).for_each(|_| tree.look());
        assert_eq!(orders(&mut tree), []);
        tree.heard(Kind::Vrrp);
        (0..SILENCE).for_each(|_| tree.look());
        assert_eq!(orders(&mut tree), []);
        (0..3 * SILENCE).for_each(|_| tree.look());
        assert_eq!(orders(&mut tree), [Order::KillHung(Kind::Vrrp)]);
        tree.ended(Kind::Vrrp, at(9));
        assert_eq!(orders(&mut tree), [start(Kind::Vrrp, false)]);
        // The other one was never heard; and this one, started anew, is not either.
        (5 * SILENCE..BEGINNING).for_each(|_| tree.look());
        assert_eq!(orders(&mut tree), []);
        tree.look();
        assert_eq!(orders(&mut tree), [Order::KillHung(Kind::Check)]);
        (0..5 * SILENCE).for_each(|_| tree.look());
        assert_eq!(orders(&mut tree), [Order::KillHung(Kind::Vrrp)]);
    }

    #[test]
    fn nobody_is_started_at_the_end() {
        let mut tree = Tree::new(false);
        tree.want(Kind::Check, at(0));
        tree.ended(Kind::Check, at(0));
        tree.ended(Kind::Check, at(0));
        orders(&mut tree);
        tree.stop(at(1), SECOND);
        tree.want(Kind::Vrrp, at(2));
        tree.handle_timeout(at(5000));
        assert_eq!(orders(&mut tree), []);
        assert!(tree.is_over());
    }
}
