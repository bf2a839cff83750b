//! Virtual routers on a real host: sockets, timers, links, trackers around the [`Router`](super::router::Router). One
//! thread; nothing in it waits but for the kernel to have news.

mod core;
mod holdings;
mod links;
mod resume;
pub mod sockets;
mod steps;
pub mod trackers;
mod vmacs;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    convert::Infallible,
    future::Future,
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use log::warn;

use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use thiserror::Error;
use tokio::{
    io::unix::AsyncFd,
    sync::{Notify, mpsc, oneshot},
    task::{JoinHandle, JoinSet, LocalSet, spawn_local, yield_now},
};

use self::{
    core::{Core, Listening},
    sockets::Endpoint,
    trackers::Trackers,
};
use super::{
    event::{Event, Notice, Observation},
    settings::Settings,
    status::Status,
};
use crate::{
    host::{self, script::Runner},
    model::Moment,
    sys::ready::readable,
};

/// Why virtual routers cannot run.
#[derive(Debug, Error)]
pub enum Error {
    /// The host's network cannot be read or changed.
    #[error("{0}")]
    Host(#[from] host::Error),
    /// There are no sockets.
    #[error("{0}")]
    Sockets(#[from] sockets::Error),
    /// The run directory cannot be used.
    #[error("cannot use the run directory {}: {}", .0.display(), .1)]
    RunDirectory(PathBuf, io::Error),
    /// The event loop cannot be used.
    #[error("cannot wait for events: {0}")]
    Events(io::Error),
}

/// What a running process can be asked.
#[derive(Debug)]
pub enum Order {
    /// How everything is.
    Status(oneshot::Sender<Status>),
    /// To make an instance master. Answers whether there is such an instance.
    Promote(String, oneshot::Sender<bool>),
    /// To make an instance give up mastership. Answers whether there is such an instance.
    Demote(String, oneshot::Sender<bool>),
    /// That a BFD session is so: up or down.
    Session(String, Observation),
    /// To take over other settings, which have been checked.
    Reload(Box<Settings>, oneshot::Sender<()>),
}

/// Runs virtual routers until `stop` comes, and then gives up what they hold. `tell` is called with everything that people,
/// scripts and FIFOs are told, in order, and must not wait.
///
/// # Errors
/// The kernel gives no sockets, or the run directory cannot be used; nothing has been started then. Later, only if the
/// kernel does not let itself be listened to any more.
pub async fn run(
    settings: Settings,
    run_dir: PathBuf,
    runner: Runner,
    orders: mpsc::Receiver<Order>,
    tell: impl Fn(&Notice) + 'static,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let tasks = LocalSet::new();
    tasks.run_until(run_local(settings, run_dir, runner, orders, tell, stop)).await
}

async fn run_local(
    settings: Settings,
    run_dir: PathBuf,
    runner: Runner,
    orders: mpsc::Receiver<Order>,
    tell: impl Fn(&Notice) + 'static,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let first = trackers::first(&settings);
    let core = Core::start(settings.clone(), &run_dir, &first)?;
    let trackers = Trackers::start(&settings, runner);
    let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC);
    let timer = timer.map_err(|errno| Error::Events(errno.into()))?;
    let shared = Rc::new(Shared {
        core: RefCell::new(core),
        timer,
        armed: Cell::new(None),
        listeners: RefCell::default(),
        sockets_version: Cell::new(0),
        work: Notify::new(),
        tell: Box::new(tell),
    });
    // What the start itself brought up.
    shared.with(|_, _| ());
    let mut tasks: JoinSet<Result<Infallible, Error>> = JoinSet::new();
    tasks.spawn_local(Rc::clone(&shared).timers());
    tasks.spawn_local(Rc::clone(&shared).host_news());
    tasks.spawn_local(Rc::clone(&shared).worker());
    tasks.spawn_local(Rc::clone(&shared).orders(orders, trackers));
    let result = tokio::select! {
        () = stop => Ok(()),
        Some(ended) = tasks.join_next() => match ended {
            Ok(Err(error)) => Err(error),
            Ok(Ok(never)) => match never {},
            // A task is neither cancelled before the end nor does it panic.
            Err(error) => Err(Error::Events(error.into())),
        },
    };
    tasks.shutdown().await;
    shared.listeners.take();
    if let Ok(shared) = Rc::try_unwrap(shared).map_err(drop) {
        for notice in shared.core.into_inner().stop() {
            (shared.tell)(&notice);
        }
    }
    result
}

/// What the tasks share. They run one after the other, and none holds on to it while it waits.
struct Shared {
    core: RefCell<Core>,
    timer: TimerFd,
    /// When the timer is set to ring.
    armed: Cell<Option<Moment>>,
    listeners: RefCell<HashMap<Endpoint, Listener>>,
    /// Of which sockets `listeners` are.
    sockets_version: Cell<u64>,
    /// Rings when there is something to do for the worker.
    work: Notify,
    tell: Box<dyn Fn(&Notice)>,
}

impl Shared {
    /// Does something with the core, and then what follows from it.
    fn with<T>(self: &Rc<Self>, action: impl FnOnce(&mut Core, Moment) -> T) -> T {
        let mut core = self.core.borrow_mut();
        let result = action(&mut core, crate::sys::clock::now());
        for notice in core.take_notices() {
            (self.tell)(&notice);
        }
        if core.has_work() {
            self.work.notify_one();
        }
        if let Some(due) = core.next_timeout() {
            self.arm(due);
        }
        if let Some((version, sockets)) = core.sockets_since(self.sockets_version.get()) {
            self.sockets_version.set(version);
            self.listen(sockets);
        }
        result
    }

    /// Sets the timer, if it would ring too late: too early does no harm, and setting it costs a system call.
    fn arm(&self, due: Moment) {
        if self.armed.get().is_some_and(|armed| armed <= due) {
            return;
        }
        // The time zero would mean never.
        let at = due.since_start().max(Duration::from_nanos(1));
        let expiration = Expiration::OneShot(TimeSpec::from_duration(at));
        // A valid time on a descriptor of ours: this cannot fail.
        if self.timer.set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME).is_ok() {
            self.armed.set(Some(due));
        }
    }

    async fn timers(self: Rc<Self>) -> Result<Infallible, Error> {
        let readable = Readable::new(&self.timer)?;
        loop {
            readable.wait().await?;
            // Nothing to read means that it was set anew meanwhile.
            let _ = self.timer.wait();
            self.armed.set(None);
            self.with(Core::handle_timeout);
        }
    }

    /// Starts a task for each socket, and ends those of sockets that are gone.
    fn listen(self: &Rc<Self>, sockets: Vec<Listening>) {
        let mut listeners = self.listeners.borrow_mut();
        listeners.retain(|endpoint, _| sockets.iter().any(|(known, _)| known == endpoint));
        for (endpoint, socket) in sockets {
            listeners.entry(endpoint).or_insert_with(|| {
                let shared = Rc::downgrade(self);
                Listener(spawn_local(async move {
                    if let Err(error) = packets(shared, endpoint, socket).await {
                        warn!("no adverts come in any more: {error}");
                    }
                }))
            });
        }
    }

    async fn host_news(self: Rc<Self>) -> Result<Infallible, Error> {
        let readable = Readable::new(self.core.borrow().monitor())?;
        loop {
            readable.wait().await?;
            while self.with(Core::hear_host)? {
                yield_now().await;
            }
        }
    }

    async fn worker(self: Rc<Self>) -> Result<Infallible, Error> {
        loop {
            self.work.notified().await;
            while self.with(|core, now| {
                core.work(now);
                core.has_work()
            }) {
                yield_now().await;
            }
        }
    }

    /// Trackers belong to this task, because a reload changes them too.
    async fn orders(
        self: Rc<Self>,
        mut orders: mpsc::Receiver<Order>,
        mut trackers: Trackers,
    ) -> Result<Infallible, Error> {
        loop {
            tokio::select! {
                (tracker, observation) = trackers.next() => {
                    self.with(|core, now| core.observe(&tracker, observation, now));
                }
                order = orders.recv() => match order {
                    Some(order) => self.carry_out(order, &mut trackers)?,
                    // Nobody is left to order anything.
                    None => std::future::pending().await,
                },
            }
        }
    }

    fn carry_out(self: &Rc<Self>, order: Order, trackers: &mut Trackers) -> Result<(), Error> {
        // Who asked may have gone meanwhile; that changes nothing.
        match order {
            Order::Status(reply) => {
                let _ = reply.send(self.with(|core, now| core.status(now)));
            }
            Order::Promote(name, reply) => {
                let _ = reply.send(self.with(|core, now| core.order(&name, Event::Promote, now)));
            }
            Order::Demote(name, reply) => {
                let _ = reply.send(self.with(|core, now| core.order(&name, Event::Demote, now)));
            }
            Order::Session(name, observation) => trackers.set(&name, observation),
            Order::Reload(settings, reply) => {
                trackers.reconfigure(&settings);
                self.with(|core, now| core.reconfigure(*settings, now))?;
                let _ = reply.send(());
            }
        }
        Ok(())
    }
}

/// Takes in what comes in at an endpoint, as long as there is somebody to take it.
async fn packets(shared: Weak<Shared>, endpoint: Endpoint, socket: Arc<OwnedFd>) -> Result<(), Error> {
    let readable = Readable::new(&socket)?;
    loop {
        readable.wait().await?;
        // What is there is read to the end, but others get their turn in between.
        while shared.upgrade().is_some_and(|shared| shared.with(|core, now| core.receive(&endpoint, now))) {
            yield_now().await;
        }
    }
}

/// A task that ends when this is dropped.
struct Listener(JoinHandle<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for a descriptor to have something to read.
struct Readable(AsyncFd<OwnedFd>);

impl Readable {
    fn new(descriptor: &impl AsFd) -> Result<Self, Error> {
        readable(descriptor).map(Self).map_err(Error::Events)
    }

    /// Waits until there is something to read. Whoever calls it reads all of it.
    async fn wait(&self) -> Result<(), Error> {
        self.0.readable().await.map_err(Error::Events)?.clear_ready();
        Ok(())
    }
}
