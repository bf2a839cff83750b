//! Whether a server answers an echo request.
//!
//! One socket for all servers of a family (and of one source, link and mark), which one task reads: replies, and what routers
//! say of requests that got lost, find their requests by identifier, sequence number and address.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Protocol, Type};
use tokio::{
    net::UdpSocket,
    sync::oneshot,
    task::AbortHandle,
    time::{Instant, sleep, timeout_at},
};

use super::{
    answer::{Failure, FailureKind, Phase, Success, Verdict, spoken},
    connect::{self, NotConnected},
    echo::{self, Said},
    probe::{Context, Phases},
    settings::{Connection, Probe},
};
use crate::model::Family;

/// When there are more sockets than this, those that nobody uses are closed.
const SOCKETS: usize = 64;

/// Room for replies that come while we do something else, in bytes; each takes about 1,000 in the kernel. A reply for which
/// there is no room would be a failed check.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Pause after an error of the shared socket, which says nothing about any one server.
const AFTER_ERROR: Duration = Duration::from_millis(10);

/// Sends an echo request and waits for its reply.
pub(super) async fn ask(probe: &Probe, context: &Context, clock: &mut Phases) -> Verdict {
    let (target, ip) = (probe.target, probe.target.ip());
    let echoer = match context.echoers.get(target, &probe.connection) {
        Ok(echoer) => echoer,
        Err(fault) => return fault.into(),
    };
    let Some(call) = echoer.wires.call(ip) else {
        return Verdict::Unknown(format!("cannot ping {ip}: {} replies are awaited already", u16::MAX));
    };
    clock.awaits("the echo reply");
    if let Err(error) = echoer.wires.send(target, call.sequence).await {
        return connect::fault(SocketAddr::new(ip, 0), &error, clock.elapsed()).into();
    }
    let begin = Instant::now();
    let until = connect::limit(&probe.connection, begin, clock.until());
    match timeout_at(until, call.answer).await {
        Ok(Ok(Ok(()))) => {
            clock.reached(Phase::Complete);
            let summary = format!("echo in {}", spoken(clock.elapsed()));
            Verdict::Good(Success { summary, ..Success::default() })
        }
        Ok(Ok(Err(Lost { why, says }))) => {
            let reason = format!("{ip} cannot be reached: {says} says \"{why}\"; after {}", spoken(clock.elapsed()));
            Verdict::Bad(Failure::new(FailureKind::Unreachable, &reason, &[]))
        }
        Ok(Err(_)) => Verdict::Unknown(format!("the probe of {ip} was ended by a shutdown")),
        Err(_) => {
            let reason = format!("{ip} did not answer the echo request within {}", spoken(until - begin));
            Verdict::Bad(Failure::new(FailureKind::Timeout, &reason, &[]))
        }
    }
}

/// The shared sockets, by family and what they are bound to.
#[derive(Debug, Default)]
pub(super) struct Echoers {
    open: Mutex<HashMap<(Family, Connection), Arc<Echoer>>>,
}

impl Echoers {
    /// Returns the socket for a target, opened if there is none yet.
    fn get(&self, target: SocketAddr, connection: &Connection) -> Result<Arc<Echoer>, NotConnected> {
        let connection = Connection { timeout: None, source_port: 0, ..connection.clone() };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (family(target.ip()), connection);
        if let Some(echoer) = open.get(&key) {
            return Ok(Arc::clone(echoer));
        }
        let echoer = Arc::new(Echoer::open(target, &key.1)?);
        if open.len() >= SOCKETS {
            open.retain(|_, echoer| Arc::strong_count(echoer) > 1);
        }
        open.insert(key, Arc::clone(&echoer));
        Ok(echoer)
    }
}

fn family(ip: IpAddr) -> Family {
    if ip.is_ipv4() { Family::V4 } else { Family::V6 }
}

/// A socket for echo requests, and the task that reads it.
#[derive(Debug)]
struct Echoer {
    wires: Arc<Wires>,
    reader: AbortHandle,
}

impl Echoer {
    fn open(target: SocketAddr, connection: &Connection) -> Result<Self, NotConnected> {
        let family = family(target.ip());
        let protocol = match family {
            Family::V4 => Protocol::ICMPV4,
            Family::V6 => Protocol::ICMPV6,
        };
        let ours = |error: io::Error| connect::ours(target, "open a socket for echo requests", &error);
        // Sockets for echo requests alone are for whom net.ipv4.ping_group_range names, need no privileges, and are not told
        // what routers say.
        let (socket, raw) = match connect::open(target, connection, Type::RAW, protocol) {
            Ok(socket) => (socket, true),
            Err(fault) => match connect::open(target, connection, Type::DGRAM, protocol) {
                Ok(socket) => (socket, false),
                Err(_) => return Err(fault),
            },
        };
        // Without privileges we get less of it, and more than the default where the host allows more.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER).map_err(ours)?;
        }
        let id = fastrand::u16(..);
        if raw {
            socket.attach_filter(&echo::filter(family, id)).map_err(ours)?;
        }
        // Nothing here is about UDP: tokio's type sends and receives on any socket for datagrams.
        let socket = UdpSocket::from_std(socket.into()).map_err(ours)?;
        let wires = Arc::new(Wires { socket, family, raw, id, pending: Mutex::default() });
        let reader = tokio::spawn(Arc::clone(&wires).read()).abort_handle();
        Ok(Self { wires, reader })
    }
}

impl Drop for Echoer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

#[derive(Debug)]
struct Wires {
    socket: UdpSocket,
    family: Family,
    /// Whether it is a raw socket: otherwise the kernel chooses the identifier, and gives us the replies to it alone.
    raw: bool,
    id: u16,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    /// The newest sequence number.
    newest: u16,
    /// Whose reply is awaited, by sequence number.
    calls: HashMap<u16, (IpAddr, oneshot::Sender<Result<(), Lost>>)>,
}

/// A request that got lost: why, and who says so.
#[derive(Clone, Copy, Debug)]
struct Lost {
    why: &'static str,
    says: IpAddr,
}

impl Wires {
    /// Notes that a reply is awaited; `None` if no sequence number is free.
    fn call(&self, ip: IpAddr) -> Option<Call<'_>> {
        let mut pending = self.lock();
        let mut next = pending.newest;
        if pending.calls.len() >= usize::from(u16::MAX) {
            return None;
        }
        loop {
            next = next.wrapping_add(1);
            if !pending.calls.contains_key(&next) {
                break;
            }
        }
        let (sender, answer) = oneshot::channel();
        pending.newest = next;
        pending.calls.insert(next, (ip, sender));
        Some(Call { sequence: next, answer, _guard: Guard { wires: self, sequence: next } })
    }

    async fn send(&self, target: SocketAddr, sequence: u16) -> io::Result<()> {
        let mut target = target;
        // The address of a raw IPv6 socket has the protocol where others have the port; 0 does for all.
        target.set_port(0);
        self.socket.send_to(&echo::request(self.family, self.id, sequence), target).await.map(|_| ())
    }

    /// Hands replies to those who wait for them, for ever.
    async fn read(self: Arc<Self>) {
        let mut buffer = [0; 256];
        loop {
            let (length, from) = match self.socket.recv_from(&mut buffer).await {
                Ok(received) => received,
                Err(error) => {
                    log::debug!("cannot receive echo replies: {error}");
                    sleep(AFTER_ERROR).await;
                    continue;
                }
            };
            let with_ip_header = self.raw && self.family == Family::V4;
            let said = echo::read(self.family, with_ip_header, buffer.get(..length).unwrap_or_default());
            let Some(Said { id, sequence, lost }) = said else { continue };
            let (about, result) = match lost {
                None => (from.ip(), Ok(())),
                Some((why, to)) => (to, Err(Lost { why, says: from.ip() })),
            };
            let mut pending = self.lock();
            let expected = pending.calls.get(&sequence).is_some_and(|(ip, _)| *ip == about);
            if expected
                && (!self.raw || id == self.id)
                && let Some((_, caller)) = pending.calls.remove(&sequence)
            {
                // A caller that has gone away has no use for it.
                let _ = caller.send(result);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a reply.
struct Call<'a> {
    sequence: u16,
    answer: oneshot::Receiver<Result<(), Lost>>,
    _guard: Guard<'a>,
}

/// Forgets a call when its caller is gone.
struct Guard<'a> {
    wires: &'a Wires,
    sequence: u16,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.wires.lock().calls.remove(&self.sequence);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command, thread};

    use nix::{
        sched::{CloneFlags, unshare},
        unistd::geteuid,
    };

    use super::*;
    use crate::{
        check::{probe, settings::Question},
        host::{
            User,
            script::{AT_ONCE, Runner},
        },
        sys::capabilities,
    };

    /// Runs a test in a network namespace of its own, which has nothing but its loopback link, down. Without root there is
    /// none, and the test does not run.
    fn alone<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
        if !geteuid().is_root() {
            eprintln!("not run: needs root for a network namespace");
            return;
        }
        let thread = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a namespace");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(test());
        });
        thread.join().expect("the test passes");
    }

    fn context() -> Context {
        Context::new(Runner::new(User::ourselves(), AT_ONCE)).expect("descriptors")
    }

    async fn ping(context: &Context, ip: &str) -> Verdict {
        let target = SocketAddr::new(ip.parse().expect("an address"), 80);
        let connection = Connection { timeout: Some(Duration::from_millis(100)), ..Connection::default() };
        let probe = Probe { target, connection, question: Question::Ping, deadline: Duration::from_secs(2) };
        probe::ask(&probe, context).await.verdict
    }

    fn up() {
        assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().expect("ip runs").success());
    }

    fn failure(verdict: Verdict) -> (FailureKind, String) {
        match verdict {
            Verdict::Bad(failure) => (failure.kind, failure.reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn servers_answer_or_not() {
        alone(async || {
            let context = context();
            let (kind, reason) = failure(ping(&context, "127.0.0.1").await);
            assert_eq!(kind, FailureKind::Unreachable);
            assert!(reason.starts_with("no route to 127.0.0.1 (network unreachable) after 0"), "{reason}");
            up();
            for ip in ["127.0.0.1", "127.9.9.9", "::1"] {
                let verdict = ping(&context, ip).await;
                assert!(matches!(verdict, Verdict::Good(_)), "{ip}: {verdict:?}");
            }
            assert_eq!(context.echoers.open.lock().expect("nobody panics").len(), 2);
            fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1").expect("root may");
            let silent = "127.0.0.1 did not answer the echo request within 100 ms".to_owned();
            assert_eq!(failure(ping(&context, "127.0.0.1").await), (FailureKind::Timeout, silent));
            let open = context.echoers.open.lock().expect("nobody panics");
            assert!(open.values().all(|echoer| echoer.wires.lock().calls.is_empty()));
        });
    }

    /// With the sort of socket that needs no privileges, too.
    #[test]
    fn sockets_for_echo_requests_do() {
        alone(async || {
            up();
            fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0").expect("root may");
            capabilities::keep_or_warn(&[]);
            let context = context();
            for ip in ["127.0.0.1", "::1"] {
                let verdict = ping(&context, ip).await;
                assert!(matches!(verdict, Verdict::Good(_)), "{ip}: {verdict:?}");
            }
            assert!(context.echoers.open.lock().expect("nobody panics").values().all(|echoer| !echoer.wires.raw));
        });
    }

    #[test]
    fn many_at_once_find_their_replies() {
        alone(async || {
            up();
            let context = Arc::new(context());
            let pings: Vec<_> = (0..2000)
                .map(|n| {
                    let context = Arc::clone(&context);
                    tokio::spawn(async move { ping(&context, &format!("127.1.{}.{}", n / 250, n % 250)).await })
                })
                .collect();
            for ping in pings {
                assert!(matches!(ping.await.expect("no panic"), Verdict::Good(_)));
            }
        });
    }
}
