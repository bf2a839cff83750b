//! Sessions on a real host: sockets and one timer around [`Sessions`]. One task, which waits for nothing but the kernel; what
//! has to be told is handed on, not carried out here.

mod memory;
mod sockets;

use std::{collections::BTreeSet, io, path::Path, time::Duration};

use log::{debug, warn};
use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{MissedTickBehavior, interval},
};

use self::{
    memory::Memory,
    sockets::{Endpoint, Outgoing, Sockets},
};
use super::{
    sessions::{Notice, Output, Sessions},
    settings::Settings,
    status::Status,
};
use crate::{
    model::{Family, Moment},
    sys::{
        clock,
        epoll::{EpollFlags, Watch},
    },
};

pub use sockets::Error as SocketError;

/// How often the links of sessions that are bound to one are looked for.
const LOOK_FOR_LINKS: Duration = Duration::from_secs(1);

/// How many batches of packets are taken in from a socket before timers have their turn.
const BATCHES: usize = 8;

/// The timer's number among what is watched; sockets have theirs from 0.
const TIMER: u64 = u64::MAX;

/// Why sessions cannot run.
#[derive(Debug, Error)]
pub enum Error {
    /// There are no sockets.
    #[error("{0}")]
    Sockets(#[from] SocketError),
    /// The event loop cannot be used.
    #[error("cannot wait for BFD packets: {0}")]
    Events(#[from] io::Error),
}

/// What a running driver can be asked.
#[derive(Debug)]
pub enum Order {
    /// How all sessions are doing.
    Status(oneshot::Sender<Status>),
    /// To take over other settings, which have been checked. If that fails, the old ones stay.
    Reload(Vec<Settings>, oneshot::Sender<Result<(), Error>>),
}

/// The sessions of a process.
pub struct Driver {
    sessions: Sessions,
    sockets: Sockets,
    memory: Memory,
    watch: Watch,
    timer: TimerFd,
    /// When the timer is set to ring.
    armed: Option<Moment>,
    outgoing: Vec<Outgoing>,
    notices: Vec<Notice>,
}

impl Driver {
    /// Opens what sessions need and begins them; packets leave with [`Self::run`]. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// The kernel gives no sockets, or somebody else has the port.
    pub fn start(settings: &[Settings], run_dir: &Path) -> Result<Self, Error> {
        let watch = Watch::new()?;
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, flags).map_err(io::Error::from)?;
        watch.add(&timer, EpollFlags::EPOLLIN, TIMER)?;
        let mut sockets = Sockets::new();
        sockets.ensure(&endpoints(settings), &watch)?;
        let (memory, remembered) = Memory::open(run_dir);
        let sessions = Sessions::new(settings, remembered, fastrand::u64(..), clock::now());
        let (outgoing, notices) = (Vec::new(), Vec::new());
        let mut driver = Self { sessions, sockets, memory, watch, timer, armed: None, outgoing, notices };
        driver.find_links();
        driver.memory.save(driver.sessions.discriminators());
        Ok(driver)
    }

    /// Runs the sessions until `stop` comes or whoever could send it is gone; then they say that they are held down. `tell` is
    /// called with everything that others are told, in order, and must not wait.
    ///
    /// # Errors
    /// The kernel does not let itself be listened to any more.
    pub async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        tell: impl Fn(&Notice) + Send,
        mut stop: oneshot::Receiver<()>,
    ) -> Result<(), Error> {
        let mut look = interval(LOOK_FOR_LINKS);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.settle();
        let mut ready = Vec::new();
        let mut more = false;
        loop {
            self.notices.drain(..).for_each(|notice| tell(&notice));
            let mut reported = Vec::new();
            tokio::select! {
                biased;
                _ = &mut stop => break,
                Some(order) = orders.recv() => self.carry_out(order),
                _ = look.tick() => self.find_links(),
                events = self.watch.events(|number, _| reported.push(number)), if !more => {
                    events?;
                    ready = reported;
                    more = self.turn(&ready);
                }
                () = yield_now(), if more => more = self.turn(&ready),
            }
        }
        self.sessions.stop(clock::now());
        self.settle();
        self.notices.drain(..).for_each(|notice| tell(&notice));
        self.memory.forget();
        Ok(())
    }

    /// Takes in what came, then does what is due: who was away hears first what others said meanwhile. Returns whether there
    /// may be more: whoever floods us does not keep our own packets from leaving.
    fn turn(&mut self, ready: &[u64]) -> bool {
        let now = clock::now();
        let mut numbers: Vec<u64> = ready.to_vec();
        if ready.contains(&TIMER) {
            // Nothing to read means that it was set anew meanwhile.
            let _ = self.timer.wait();
            self.armed = None;
            // What has come since may be what a session has been waiting for.
            numbers = self.sockets.numbers().collect();
        }
        let mut more = false;
        for number in numbers {
            let Self { sockets, sessions, .. } = self;
            let mut batch = || match sockets.receive(number, |received| sessions.handle(now, received)) {
                Ok(is_full) => is_full,
                Err(error) => {
                    debug!("{error}");
                    false
                }
            };
            // All of them full: there may be more.
            more |= (0..BATCHES).all(|_| batch());
        }
        self.sessions.handle_timeout(now);
        self.settle();
        more
    }

    /// Carries out what sessions want.
    fn settle(&mut self) {
        while let Some(output) = self.sessions.poll_output() {
            match output {
                Output::Send(id, bytes) => {
                    let outgoing = self.sessions.get(id).and_then(|(session, link)| {
                        Outgoing::new(id, session.settings(), session.remote().towards, link, &bytes)
                    });
                    self.outgoing.extend(outgoing);
                }
                Output::Notice(notice) => self.notices.push(notice),
            }
        }
        if !self.outgoing.is_empty() {
            // A neighbour that cannot be reached is what the session is about to find out.
            self.sockets.send(&self.outgoing, |to, errno| debug!("BFD packet to {to}: {}", errno.desc()));
            self.outgoing.clear();
        }
        self.arm();
    }

    /// Sets the timer, if it would ring too late: too early does no harm, and setting it costs a system call.
    fn arm(&mut self) {
        let Some(due) = self.sessions.next_timeout() else { return };
        if self.armed.is_some_and(|armed| armed <= due) {
            return;
        }
        // The time zero would mean never.
        let at = TimeSpec::from_duration(due.since_start().max(Duration::from_nanos(1)));
        // A valid time on a descriptor of ours: this cannot fail.
        if self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME).is_ok() {
            self.armed = Some(due);
        }
    }

    fn carry_out(&mut self, order: Order) {
        // Who asked may have gone meanwhile; that changes nothing.
        match order {
            Order::Status(reply) => {
                let _ = reply.send(self.sessions.status(clock::now()));
            }
            Order::Reload(settings, reply) => {
                let _ = reply.send(self.reload(&settings));
            }
        }
    }

    fn reload(&mut self, settings: &[Settings]) -> Result<(), Error> {
        let endpoints = endpoints(settings);
        self.sockets.ensure(&endpoints, &self.watch)?;
        self.sessions.reconfigure(settings, clock::now());
        self.find_links();
        // The last words of those that are gone need their sockets.
        self.settle();
        self.sockets.close_all_but(&endpoints);
        self.memory.save(self.sessions.discriminators());
        Ok(())
    }

    /// Finds the links of sessions that are bound to one: they come and go.
    fn find_links(&mut self) {
        let bound = self.sessions.all().filter_map(|(id, session, link)| {
            let name = session.settings().interface.as_deref()?;
            let found = sockets::link_index(name);
            (found != link).then(|| (id, found, session.settings().name.clone(), name.to_owned()))
        });
        for (id, found, session, name) in bound.collect::<Vec<_>>() {
            if found.is_none() {
                warn!("BFD session {session}: there is no interface {name} any more");
            }
            self.sessions.set_link(id, found);
        }
    }
}

fn endpoints(settings: &[Settings]) -> BTreeSet<Endpoint> {
    settings
        .iter()
        .map(|each| Endpoint { v6: Family::of(each.neighbour) == Family::V6, multihop: each.multihop })
        .collect()
}
