//! One session: its state, its timers and what it negotiated (RFC 5880 section 6). No IO, no clock.
//!
//! Packets are sent on a schedule that goes on from when each was due, not from when it left, so it does not drift. A change of
//! state leaves at once (section 6.8.7), so that both ends are up after three packets, not after three seconds.

mod measure;

use std::{net::IpAddr, time::Duration};

use fastrand::Rng;

use super::{
    packet::{Control, Diagnostic, Packet, Reject, State},
    settings::{Authentication, Settings},
};
use crate::model::Moment;

pub use measure::{Counters, Measure, Rejected};

/// What is known of the neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its discriminator; 0 = not known.
    pub discriminator: u32,
    /// Its state.
    pub state: State,
    /// Why it last went down.
    pub diagnostic: Diagnostic,
    /// Least time between its packets that it wants, in microseconds.
    pub min_tx: u32,
    /// Least time between ours that it can take, in microseconds; 0 = it wants none.
    pub min_rx: u32,
    /// Its multiplier.
    pub multiplier: u8,
    /// Whether it wants no packets while all is well.
    pub demand: bool,
    /// Where its last packet was sent to: our address.
    pub towards: Option<IpAddr>,
}

/// Nothing is known (RFC 5880 section 6.8.1).
const STRANGER: Remote = Remote {
    discriminator: 0,
    state: State::Down,
    diagnostic: Diagnostic::NONE,
    min_tx: 0,
    min_rx: 1,
    multiplier: 0,
    demand: false,
    towards: None,
};

/// A poll sequence: the neighbour is told new times until it says that it knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    No,
    Yes,
    /// The times changed once more, so the next answer may be about the old ones.
    Twice,
}

/// A state that was entered, for who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Which.
    pub state: State,
    /// What it was before.
    pub before: State,
}

/// What follows from an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Packets to send now, in order.
    pub send: Vec<Vec<u8>>,
    /// The state that was entered, if another one was.
    pub entered: Option<Entered>,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    settings: Settings,
    discriminator: u32,
    state: State,
    diagnostic: Diagnostic,
    since: Moment,
    remote: Remote,
    poll: Poll,
    /// The intervals by which we go, in microseconds: those that we announce, or the ones before, until the neighbour knows.
    min_tx_in_use: u32,
    min_rx_in_use: u32,
    /// When the last packet of the schedule was due, and the next one is.
    last_due: Moment,
    due: Option<Moment>,
    /// The interval that `due` was made of.
    interval: Duration,
    /// When nothing was heard for too long.
    detect: Option<Moment>,
    heard: Option<Moment>,
    /// Sequence number of the last packet that was authenticated, and what the packet was.
    sequence: u32,
    last_sent: Option<Control>,
    /// The neighbour's; nothing if none is known.
    remote_sequence: Option<u32>,
    measure: Measure,
    counters: Counters,
    /// Times that it went down or up, and why it last went down.
    changes: u64,
    rng: Rng,
}

impl Session {
    /// Begins a session, down, which speaks at once unless it is passive. `discriminator` is unique among ours and not 0.
    pub fn new(settings: Settings, discriminator: u32, now: Moment, rng: Rng) -> Self {
        let mut rng = rng;
        let mut session = Self {
            discriminator,
            state: if settings.admin_down { State::AdminDown } else { State::Down },
            diagnostic: if settings.admin_down { Diagnostic::ADMIN_DOWN } else { Diagnostic::NONE },
            since: now,
            remote: STRANGER,
            poll: Poll::No,
            min_tx_in_use: 0,
            min_rx_in_use: micros(settings.min_rx),
            last_due: now,
            due: None,
            interval: Duration::ZERO,
            detect: None,
            heard: None,
            sequence: rng.u32(..),
            last_sent: None,
            remote_sequence: None,
            measure: Measure::default(),
            counters: Counters::default(),
            changes: 0,
            rng,
            settings,
        };
        session.min_tx_in_use = session.min_tx();
        session.schedule(now);
        if session.due.is_some() {
            session.due = Some(now);
        }
        session
    }

    /// Returns its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns its own discriminator.
    pub fn discriminator(&self) -> u32 {
        self.discriminator
    }

    /// Returns its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns when it entered its state.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// Returns why it last went down.
    pub fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }

    /// Returns what is known of the neighbour.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Returns what was counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns what was measured of the neighbour's packets.
    pub fn measure(&self) -> &Measure {
        &self.measure
    }

    /// Returns when the last packet of the neighbour came.
    pub fn heard(&self) -> Option<Moment> {
        self.heard
    }

    /// Returns how often it went up or came down.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns the longest time between packets of ours: that of both ends.
    pub fn transmit_interval(&self) -> Duration {
        Duration::from_micros(self.min_tx_in_use.max(self.remote.min_rx).into())
    }

    /// Returns after what time without a packet the path counts as failed (RFC 5880 section 6.8.4); zero if nothing is known
    /// of the neighbour.
    pub fn detection_time(&self) -> Duration {
        self.receive_interval() * u32::from(self.remote.multiplier)
    }

    fn receive_interval(&self) -> Duration {
        Duration::from_micros(self.min_rx_in_use.max(self.remote.min_tx).into())
    }

    /// Whether the neighbour's wish for silence is to be respected (RFC 5880 section 6.6).
    fn is_silent(&self) -> bool {
        let asleep = self.remote.demand && self.state == State::Up && self.remote.state == State::Up;
        asleep && self.poll == Poll::No
            || self.remote.min_rx == 0
            || self.settings.passive && self.remote.discriminator == 0
    }

    /// The interval that we announce, in microseconds.
    fn min_tx(&self) -> u32 {
        let idle = self.settings.idle_tx.max(super::settings::IDLE);
        micros(if self.state == State::Up { self.settings.min_tx } else { self.settings.min_tx.max(idle) })
    }

    /// Takes other settings, for the same neighbour.
    pub fn reconfigure(&mut self, settings: Settings, now: Moment) -> Effects {
        let mut effects = Effects::default();
        if settings.authentication != self.settings.authentication {
            self.remote_sequence = None;
        }
        self.settings = settings;
        match (self.settings.admin_down, self.state) {
            (true, State::AdminDown) => {}
            (true, _) => self.enter(State::AdminDown, Diagnostic::ADMIN_DOWN, now, &mut effects),
            (false, State::AdminDown) => self.enter(State::Down, self.diagnostic, now, &mut effects),
            (false, _) => {}
        }
        self.renegotiate();
        self.schedule(now);
        effects
    }

    /// Says a last time that it is down, because it will be no more.
    pub fn stop(&mut self, now: Moment) -> Effects {
        let mut effects = Effects::default();
        if self.state == State::AdminDown {
            return effects;
        }
        self.enter(State::AdminDown, Diagnostic::ADMIN_DOWN, now, &mut effects);
        effects
    }

    /// Takes in a packet that is for this session.
    ///
    /// # Errors
    /// It is not authenticated as it should be; it has no effect then, but is counted.
    pub fn handle(&mut self, now: Moment, packet: &Packet<'_>, towards: Option<IpAddr>) -> Result<Effects, Reject> {
        self.authenticate(now, packet).inspect_err(|reject| self.counters.reject(*reject))?;
        let mut effects = Effects::default();
        let control = packet.control;
        self.counters.received += 1;
        let was_waiting = self.settings.passive && self.remote.discriminator == 0;
        let expected = self.receive_interval();
        if self.state == State::Up && self.remote.state == State::Up {
            self.measure.packet(now, expected);
        }
        self.remote = Remote {
            discriminator: control.mine,
            state: control.state,
            diagnostic: control.diagnostic,
            min_tx: control.min_tx,
            min_rx: control.min_rx,
            multiplier: control.multiplier,
            demand: control.demand,
            towards: towards.or(self.remote.towards),
        };
        self.heard = Some(now);
        if control.answer && self.poll != Poll::No {
            self.poll = if self.poll == Poll::Twice { Poll::Yes } else { Poll::No };
            if self.poll == Poll::No {
                (self.min_tx_in_use, self.min_rx_in_use) = (self.min_tx(), micros(self.settings.min_rx));
            }
        }
        if self.state != State::AdminDown {
            self.follow(control.state, now, &mut effects);
        }
        // A neighbour that still believes it is up would else hear nothing of us until it is not any more.
        if was_waiting && effects.send.is_empty() {
            let first = self.packet(false);
            effects.send.push(first);
        }
        self.detect = Some(now + self.detection_time());
        self.schedule(now);
        if control.poll {
            let answer = self.packet(true);
            effects.send.push(answer);
        }
        Ok(effects)
    }

    /// The state machine (RFC 5880 section 6.8.6).
    fn follow(&mut self, remote: State, now: Moment, effects: &mut Effects) {
        match (self.state, remote) {
            (State::Down, State::Down) => self.enter(State::Init, self.diagnostic, now, effects),
            (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
                self.enter(State::Up, Diagnostic::NONE, now, effects);
            }
            (State::Up, State::Down | State::AdminDown) | (State::Init, State::AdminDown) => {
                self.enter(State::Down, Diagnostic::NEIGHBOUR_DOWN, now, effects);
            }
            _ => {}
        }
    }

    fn enter(&mut self, state: State, diagnostic: Diagnostic, now: Moment, effects: &mut Effects) {
        let before = self.state;
        if state == before {
            return;
        }
        if state == State::Up || before == State::Up {
            self.changes += 1;
        }
        (self.state, self.diagnostic, self.since) = (state, diagnostic, now);
        self.measure.pause();
        effects.entered = Some(Entered { state, before: effects.entered.map_or(before, |entered| entered.before) });
        self.renegotiate();
        self.schedule(now);
        if !(self.settings.passive && self.remote.discriminator == 0) {
            let news = self.packet(false);
            effects.send.push(news);
        }
    }

    /// Sees that the neighbour is told the times that it does not know yet.
    fn renegotiate(&mut self) {
        let (min_tx, min_rx) = (self.min_tx(), micros(self.settings.min_rx));
        if self.state != State::Up {
            (self.poll, self.min_tx_in_use, self.min_rx_in_use) = (Poll::No, min_tx, min_rx);
            return;
        }
        // What was announced last may be neither what is in use nor what is to be said now.
        let announced = self.last_sent.map(|sent| (sent.min_tx, sent.min_rx));
        if announced == Some((min_tx, min_rx)) {
            return;
        }
        self.poll = if self.poll == Poll::No { Poll::Yes } else { Poll::Twice };
        // Faster packets and more patience harm nobody; the opposite has to wait until the neighbour knows (section 6.8.3).
        self.min_tx_in_use = self.min_tx_in_use.min(min_tx);
        self.min_rx_in_use = self.min_rx_in_use.max(min_rx);
    }

    /// Finds out when the next packet is due, if the interval is another one.
    fn schedule(&mut self, now: Moment) {
        if self.is_silent() {
            self.due = None;
            return;
        }
        let interval = self.transmit_interval();
        if self.due.is_some() && interval == self.interval {
            return;
        }
        self.interval = interval;
        let jittered = self.jittered();
        self.due = Some(self.grid(self.last_due + jittered).max(now));
    }

    /// Returns the interval, a random quarter shorter; with a multiplier of 1 never longer than nine tenths (section 6.8.7).
    fn jittered(&mut self) -> Duration {
        let most: u32 = if self.settings.multiplier == 1 { 900 } else { 1000 };
        // The grid takes up to four hundredths of it.
        self.interval * self.rng.u32(790..=most) / 1000
    }

    /// Moves a time forward to one that other sessions share, by four hundredths of the interval and 1 ms at most: one wake-up
    /// of the process and one system call for many packets.
    fn grid(&self, due: Moment) -> Moment {
        // A power of two, so that sessions of different intervals share some.
        let most = (self.interval / 25).min(Duration::from_millis(2)).as_nanos();
        let step = most.checked_next_power_of_two().map_or(0, |step| step / 2);
        let into = due.since_start().as_nanos().checked_rem(step).unwrap_or(0);
        due - Duration::from_nanos(u64::try_from(into).unwrap_or(0))
    }

    /// Returns when something is due.
    pub fn next_timeout(&self) -> Option<Moment> {
        [self.due, self.detect].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Moment) -> Effects {
        let mut effects = Effects::default();
        if self.detect.is_some_and(|detect| detect <= now) {
            self.expire(now, &mut effects);
        }
        if let Some(due) = self.due.filter(|due| *due <= now) {
            self.counters.late(now.since(due));
            // The packet of a change that left just now is this one, too.
            if effects.send.is_empty() {
                let packet = self.packet(false);
                effects.send.push(packet);
            }
            let jittered = self.jittered();
            let next = self.grid(due + jittered);
            // Who was away does not make up for it.
            (self.last_due, self.due) = if next > now { (due, Some(next)) } else { (now, Some(now + jittered)) };
        }
        effects
    }

    /// Nothing was heard for the detection time.
    fn expire(&mut self, now: Moment, effects: &mut Effects) {
        self.detect = None;
        match self.state {
            State::Init | State::Up => {
                // The neighbour may be heard again, and its numbers go on; if not, they mean nothing after as long again.
                self.detect = Some(now + self.detection_time());
                self.counters.expired += 1;
                self.enter(State::Down, Diagnostic::TIME_EXPIRED, now, effects);
            }
            State::Down | State::AdminDown => {
                self.remote = Remote { towards: self.remote.towards, ..STRANGER };
                self.remote_sequence = None;
                self.schedule(now);
            }
        }
    }

    /// Makes a packet.
    fn packet(&mut self, answer: bool) -> Vec<u8> {
        let control = Control {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: self.poll != Poll::No && !answer,
            answer,
            multiplier: self.settings.multiplier,
            mine: self.discriminator,
            yours: self.remote.discriminator,
            min_tx: self.min_tx(),
            min_rx: micros(self.settings.min_rx),
            ..Control::default()
        };
        self.counters.sent += 1;
        let is_news = self.last_sent != Some(control);
        self.last_sent = Some(control);
        let Some(authentication) = &self.settings.authentication else { return control.encode() };
        if authentication.method.is_meticulous() || is_news {
            self.sequence = self.sequence.wrapping_add(1);
        }
        control.encode_with(authentication, self.sequence)
    }

    /// Checks what authenticates a packet, and that it is no repetition of an old one (RFC 5880 section 6.7).
    fn authenticate(&mut self, now: Moment, packet: &Packet<'_>) -> Result<(), Reject> {
        let authentication: Option<&Authentication> = self.settings.authentication.as_ref();
        let Some(number) = packet.authenticate(authentication)? else { return Ok(()) };
        // A neighbour that was silent for twice the detection time may have begun anew.
        let quiet = self.heard.is_none_or(|heard| now.since(heard) > 2 * self.detection_time());
        let meticulous = authentication.is_some_and(|authentication| authentication.method.is_meticulous());
        if let Some(last) = self.remote_sequence.filter(|_| !quiet) {
            let ahead = number.wrapping_sub(last);
            if ahead > 3 * u32::from(self.remote.multiplier.max(1)) || meticulous && ahead == 0 {
                return Err(Reject::Replay);
            }
        }
        self.remote_sequence = Some(number);
        Ok(())
    }

    /// Counts a packet that was meant for this session and not taken.
    pub fn reject(&mut self, reason: Reject) {
        self.counters.reject(reason);
    }
}

/// Microseconds as packets have them.
fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
