//! Processes: by the kernel's events where it sends them, else by a look at all of them each second.

use std::{io, os::fd::OwnedFd, time::Duration};

use tokio::{
    io::unix::AsyncFd,
    task::spawn_blocking,
    time::{Instant, sleep_until, timeout},
};

use super::Out;
use crate::{
    host::process,
    model::Moment,
    sys::{
        procevents::{ProcessEvent, ProcessEvents},
        ready,
    },
    vrrp::{
        settings::{Process, Tracker},
        track::Processes,
    },
};

/// How long the kernel may take to say that it will send events.
const ANSWER: Duration = Duration::from_secs(1);

/// How often all processes are looked at if there are no events.
const LOOK: Duration = Duration::from_secs(1);

/// After lost events all processes are looked at, but not more often than this.
const SECOND_LOOK: Duration = Duration::from_millis(200);

/// How many events are taken in a row, so that a machine that starts thousands of processes does not keep others waiting.
const AT_ONCE: usize = 64;

/// Watches processes for ever.
pub(super) async fn watch(settings: Vec<Process>, out: Out) {
    // Subscribed before the first look, so that nothing is missed between them.
    let events = match subscribe().await {
        Ok(events) => Some(events),
        Err(error) => {
            log::info!("processes are looked at each second, because the kernel does not tell of them here: {error}");
            None
        }
    };
    let mut watcher = Watcher { processes: Processes::new(settings), out, origin: Instant::now() };
    loop {
        watcher.look().await;
        match &events {
            Some(events) => {
                watcher.follow(events).await;
                tokio::time::sleep(SECOND_LOOK).await;
            }
            None => watcher.wait(Instant::now() + LOOK).await,
        }
    }
}

async fn subscribe() -> io::Result<Events> {
    let socket = ProcessEvents::open()?;
    let events = Events { ready: ready::readable(&socket)?, socket };
    let listening = async {
        loop {
            if events.receive().await?.contains(&ProcessEvent::Listening) {
                return Ok(());
            }
        }
    };
    timeout(ANSWER, listening).await.unwrap_or_else(|_| {
        let reason = "no answer (another PID namespace, or a kernel without CONFIG_PROC_EVENTS)";
        Err(io::Error::new(io::ErrorKind::TimedOut, reason))
    })?;
    Ok(events)
}

/// The kernel's process events.
struct Events {
    ready: AsyncFd<OwnedFd>,
    socket: ProcessEvents,
}

impl Events {
    /// Receives at least one event, and what is there beside it.
    async fn receive(&self) -> io::Result<Vec<ProcessEvent>> {
        let mut received = Vec::new();
        loop {
            let mut ready = self.ready.readable().await?;
            while received.len() < AT_ONCE {
                match ready.try_io(|_| self.socket.receive()) {
                    Ok(event) => received.extend(event?),
                    Err(_) => break,
                }
            }
            if !received.is_empty() {
                return Ok(received);
            }
        }
    }
}

struct Watcher {
    processes: Processes,
    out: Out,
    origin: Instant,
}

impl Watcher {
    /// Any clock will do for delays.
    fn now(&self) -> Moment {
        Moment::from_start(self.origin.elapsed())
    }

    async fn look(&mut self) {
        let words = self.processes.wants_words();
        // Elsewhere: a thousand processes are some milliseconds.
        match spawn_blocking(move || process::programs(words)).await {
            Ok(Ok(found)) => self.processes.scanned(self.now(), &found),
            Ok(Err(error)) => log::warn!("processes cannot be looked at: /proc: {error}"),
            Err(_) => {}
        }
        self.tell().await;
    }

    /// Follows events until some are lost.
    async fn follow(&mut self, events: &Events) {
        loop {
            tokio::select! {
                received = events.receive() => match received {
                    Ok(received) if received.contains(&ProcessEvent::Lost) => {
                        log::info!("the kernel's process events came faster than they were read; all processes are looked at");
                        return;
                    }
                    Ok(received) => received.into_iter().for_each(|event| self.handle(event)),
                    Err(error) => {
                        log::warn!("the kernel's process events cannot be read: {error}; all processes are looked at");
                        return;
                    }
                },
                () = until(self.next_timeout()) => self.processes.handle_timeout(self.now()),
            }
            self.tell().await;
        }
    }

    /// Waits until `end`, with delays running on.
    async fn wait(&mut self, end: Instant) {
        while let Some(at) = self.next_timeout().filter(|at| *at < end) {
            sleep_until(at).await;
            self.processes.handle_timeout(self.now());
            self.tell().await;
        }
        sleep_until(end).await;
    }

    fn handle(&mut self, event: ProcessEvent) {
        let now = self.now();
        match event {
            ProcessEvent::Forked { parent, child } => self.processes.forked(now, parent, child),
            ProcessEvent::Changed(pid) => match process::program(pid, self.processes.wants_words()) {
                Some(program) => self.processes.changed(now, pid, &program),
                None => self.processes.exited(now, pid),
            },
            ProcessEvent::Exited(pid) => self.processes.exited(now, pid),
            ProcessEvent::Listening | ProcessEvent::Lost => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.processes.next_timeout().map(|at| self.origin + at.since_start())
    }

    async fn tell(&mut self) {
        while let Some((name, observation)) = self.processes.poll() {
            log::info!("process {name}: {} running, {observation:?}", self.processes.count(&name));
            self.out.tell(Tracker::Process(name), observation).await;
        }
    }
}

/// Waits until then; for ever if there is no such time.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
