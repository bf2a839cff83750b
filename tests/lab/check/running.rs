//! A check process in a thread of the test, in the namespace of the director.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use lvsadm::agent::check::{Order, Run, RunOptions, Stop, serve};
use lvsadm::check::settings::{Connection, Initial, Probe, Question, Schedule};
use lvsadm::host::User;
use lvsadm::host::script::Runner;
use lvsadm::model::{
    Entry, Forwarding, Protocol, RealServer, Scheduler, ServerKey, ServiceKey, Table, Thresholds, VirtualService,
    Weight,
};
use lvsadm::pool::settings::{Check, Policy, Settings};
use lvsadm::pool::status::Status;
use tokio::sync::{mpsc, oneshot};

use crate::support::{
    self,
    hosts::{Family, Host, Hosts},
};

/// What the processes said, all tests together.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Sink;

impl log::Log for Sink {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("lvsadm")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            eprintln!("{} {}", record.level(), record.args());
            LOG.lock().expect("no test panics here").push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Begins to keep the log.
pub(crate) fn keep_log() {
    // Every test does it, and the first one's counts.
    if log::set_logger(&Sink).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
}

/// Whether a process said this.
pub(crate) fn said(text: &str) -> bool {
    LOG.lock().expect("no test panics here").iter().any(|line| line.contains(text))
}

/// A process that runs. Stops when it is dropped, before the scope waits for its thread.
pub(crate) struct Running<'scope> {
    orders: mpsc::Sender<Order>,
    commands: mpsc::UnboundedReceiver<Run>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::ScopedJoinHandle<'scope, ()>>,
}

impl<'scope> Running<'scope> {
    /// Starts one on this host.
    pub(crate) fn start<'env: 'scope>(
        scope: &'scope thread::Scope<'scope, 'env>,
        host: &'env Host,
        settings: Settings,
        options: RunOptions,
    ) -> Self {
        keep_log();
        let (orders, inbox) = mpsc::channel(8);
        let (outbox, commands) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = scope.spawn(move || {
            host.inside(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                let stopped = async {
                    let _ = stopped.await;
                    Stop::Asked
                };
                let user = User::for_scripts(None).expect("a user for scripts");
                let scripts = Runner::new(user, 4);
                let process = serve(settings, None, &options, scripts, inbox, outbox, stopped);
                tokio::task::LocalSet::new().block_on(&runtime, process).expect("it runs");
            });
        });
        Self { orders, commands, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn status(&self) -> Status {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Status(reply));
        answer.blocking_recv().expect("an answer")
    }

    pub(crate) fn order(&self, order: Order) {
        self.orders.blocking_send(order).expect("it still runs");
    }

    /// The commands that were to be run since the last call.
    pub(crate) fn commands(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.commands.try_recv().ok()).map(|run| run.command.words.join(" ")).collect()
    }

    /// Stops it, and waits for its end.
    pub(crate) fn stop(mut self) {
        self.stop = None;
        self.thread.take().map(thread::ScopedJoinHandle::join).expect("still there").expect("it ended well");
    }
}

/// The service on the VIP, port 80.
pub(crate) fn service(hosts: &Hosts) -> ServiceKey {
    ServiceKey::Address { protocol: Protocol::Tcp, address: hosts.vip(Family::V4), port: 80 }
}

pub(crate) fn server(host: &Host, forwarding: Forwarding, weight: u32) -> RealServer {
    real(host.address(Family::V4), forwarding, weight)
}

pub(crate) fn real(address: IpAddr, forwarding: Forwarding, weight: u32) -> RealServer {
    let weight = Weight::new(weight).expect("in range");
    RealServer { key: ServerKey { address, port: 80 }, forwarding, weight, thresholds: Thresholds::default() }
}

/// A TCP check each half second.
pub(crate) fn check(service: ServiceKey, server: ServerKey) -> Check {
    let half = Duration::from_millis(500);
    Check {
        service,
        server,
        probe: Arc::new(Probe {
            target: SocketAddr::new(server.address, server.port),
            connection: Connection::default(),
            question: Question::Tcp,
            deadline: half,
        }),
        schedule: Arc::new(Schedule {
            interval: half,
            jitter: Duration::ZERO,
            retry: 0,
            delay_before_retry: Duration::ZERO,
            rise: 1,
            warmup: Duration::ZERO,
            initial: Initial::CheckFirst,
            log_all_failures: false,
        }),
        through_vip: false,
    }
}

/// A service, its servers, a check for each of them.
pub(crate) fn settings(key: ServiceKey, servers: &[RealServer], policy: Policy) -> Settings {
    let service = VirtualService { scheduler: Scheduler::new("rr"), ..VirtualService::new(key) };
    let entry = Entry { service, servers: servers.iter().map(|server| (server.key, *server)).collect() };
    Settings {
        operator: Table { services: [(key, entry)].into_iter().collect(), ..Table::default() },
        checks: servers.iter().map(|server| check(key, server.key)).collect(),
        policies: vec![policy],
        ..Settings::default()
    }
}

/// The servers that stock ipvsadm shows on a host, as `10.0.0.11:80 weight`, sorted.
pub(crate) fn rows(host: &Host) -> Vec<String> {
    host.inside(support::rows)
}
