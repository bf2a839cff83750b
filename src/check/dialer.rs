//! TCP connections that are made only to see whether they can be made, in the fewest system calls.
//!
//! A connection check by the book is eight system calls: a socket, its option, connect, into epoll, wait, result, out of
//! epoll, close. Here it is two and a share of a wait: a socket that has seen its connection is disconnected (which resets
//! the connection, so that nothing waits for its end) and kept for the next server, together with its place in an epoll
//! instance of our own. Nothing is ever sent or read.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::errno::Errno;
use socket2::{Protocol, SockAddr, Socket, Type};
use tokio::{
    sync::oneshot,
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use super::{
    connect::{self, NotConnected},
    settings::Connection,
};
use crate::sys::{
    epoll::{EpollFlags, Watch},
    socket::disconnect,
};

/// How many sockets of each family are kept while nobody uses them.
const IDLE: usize = 128;

/// Pause after a failure to wait, which is not known to happen.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Makes connections and dissolves them.
#[derive(Debug)]
pub(super) struct Dialer {
    exchange: Arc<Exchange>,
    reader: AbortHandle,
}

impl Dialer {
    /// Opens the epoll instance and starts the task that reads it. Must be called in a tokio runtime with IO.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(super) fn new() -> io::Result<Self> {
        let exchange = Arc::new(Exchange { watch: Watch::new()?, lines: Mutex::default() });
        let reader = tokio::spawn(Arc::clone(&exchange).read()).abort_handle();
        Ok(Self { exchange, reader })
    }

    /// Connects to a server and resets the connection; waits, from `begin` (now), for the time for connections if there is
    /// one, but at most until `until`.
    ///
    /// # Errors
    /// The server refuses, cannot be reached or does not answer; or this host cannot ask.
    pub(super) async fn dial(
        &self,
        target: SocketAddr,
        connection: &Connection,
        begin: Instant,
        until: Instant,
    ) -> Result<(), NotConnected> {
        let until = connect::limit(connection, begin, until);
        let line = self.exchange.line(target, connection)?;
        let call = self.exchange.call(line.number);
        match line.socket.connect(&SockAddr::from(target)) {
            Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {}
            Err(error) => return Err(connect::fault(target, &error, begin.elapsed())),
            Ok(()) => return Ok(()),
        }
        if !line.registered {
            self.exchange.register(&line).map_err(|error| connect::ours(target, "wait for a connection", &error))?;
        }
        let Ok(answer) = timeout_at(until, call.answer).await else {
            return Err(NotConnected::Server(connect::silent(target, until - begin)));
        };
        let flags = answer.map_err(|_| NotConnected::Ours(format!("the probe of {target} was ended by a shutdown")))?;
        // The kernel need not be asked about what the events do not call an error.
        let failed = flags.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP);
        let error = if failed { line.socket.take_error().ok().flatten() } else { None };
        match error {
            Some(error) => Err(connect::fault(target, &error, begin.elapsed())),
            None => {
                self.exchange.keep(line, target, connection);
                Ok(())
            }
        }
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// The epoll instance and who waits for what in it.
#[derive(Debug)]
struct Exchange {
    watch: Watch,
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    /// The number of the newest line.
    newest: u64,
    /// Who waits for the events of a line, by its number.
    calls: HashMap<u64, oneshot::Sender<EpollFlags>>,
    idle_v4: Vec<Line>,
    idle_v6: Vec<Line>,
}

impl Lines {
    fn idle(&mut self, target: SocketAddr) -> &mut Vec<Line> {
        if target.is_ipv4() { &mut self.idle_v4 } else { &mut self.idle_v6 }
    }
}

/// A socket and the number by which its events are known. Closing it takes it out of the epoll instance.
#[derive(Debug)]
struct Line {
    socket: Socket,
    number: u64,
    registered: bool,
}

impl Exchange {
    /// Takes an idle line, or opens one.
    fn line(&self, target: SocketAddr, connection: &Connection) -> Result<Line, NotConnected> {
        let mut lines = self.lock();
        if plain(connection)
            && let Some(line) = lines.idle(target).pop()
        {
            return Ok(line);
        }
        let socket = connect::open(target, connection, Type::STREAM, Protocol::TCP)?;
        lines.newest += 1;
        Ok(Line { socket, number: lines.newest, registered: false })
    }

    /// Notes that somebody waits for a line. Events that nobody waits for are lost, and meant to be: those of a disconnect
    /// come after it. An event that is read after `connect` tells of this connection, because epoll looks at the socket
    /// when it is read.
    fn call(&self, number: u64) -> Call<'_> {
        let (sender, answer) = oneshot::channel();
        self.lock().calls.insert(number, sender);
        Call { answer, _guard: Guard { exchange: self, number } }
    }

    /// Has the events of a line reported, each change once.
    fn register(&self, line: &Line) -> io::Result<()> {
        self.watch.add(&line.socket, EpollFlags::EPOLLOUT | EpollFlags::EPOLLET, line.number)
    }

    /// Dissolves the connection of a line, and keeps the line if there is room.
    fn keep(&self, line: Line, target: SocketAddr, connection: &Connection) {
        let mut lines = self.lock();
        let idle = lines.idle(target);
        // Closing it would end the connection, too, but leave its port occupied for a minute.
        if disconnect(&line.socket).is_ok() && plain(connection) && idle.len() < IDLE {
            idle.push(Line { registered: true, ..line });
        }
    }

    /// Hands events to those who wait for them, for ever.
    async fn read(self: Arc<Self>) {
        loop {
            let handed = self.watch.events(|number, flags| {
                if let Some(caller) = self.lock().calls.remove(&number) {
                    // A caller that has gone away has closed its socket.
                    let _ = caller.send(flags);
                }
            });
            if let Err(error) = handed.await {
                log::error!("cannot wait for connections: {error}");
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Options stay with a socket: only one without any serves everybody.
fn plain(connection: &Connection) -> bool {
    let Connection { source, source_port, interface, mark, timeout: _ } = connection;
    source.is_none() && *source_port == 0 && interface.is_none() && *mark == 0
}

/// Somebody who waits for events of a line.
struct Call<'a> {
    answer: oneshot::Receiver<EpollFlags>,
    _guard: Guard<'a>,
}

/// Forgets a call when its caller is gone.
struct Guard<'a> {
    exchange: &'a Exchange,
    number: u64,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.exchange.lock().calls.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use nix::libc;
    use tokio::{io::AsyncReadExt, net::TcpListener};

    use super::*;
    use crate::check::answer::FailureKind;

    async fn listener(address: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(address).await.expect("loopback");
        let target = listener.local_addr().expect("bound");
        (listener, target)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(3)
    }

    #[tokio::test]
    async fn one_socket_serves_many_connections_which_end_in_resets() {
        let dialer = Dialer::new().expect("descriptors");
        for any in ["127.0.0.1:0", "[::1]:0"] {
            for _ in 0..20 {
                let (listener, target) = listener(any).await;
                dialer.dial(target, &Connection::default(), Instant::now(), soon()).await.expect("connected");
                let (mut server, _) = listener.accept().await.expect("accepted");
                let error = server.read(&mut [0]).await.expect_err("reset");
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            }
        }
        let lines = dialer.exchange.lock();
        assert_eq!((lines.newest, lines.idle_v4.len(), lines.idle_v6.len()), (2, 1, 1));
        assert!(lines.calls.is_empty());
    }

    /// Good and bad servers in any order, at the same time and one after the other: nobody gets the answer of another.
    #[tokio::test]
    async fn each_caller_gets_the_answer_of_its_server() {
        let dialer = Dialer::new().expect("descriptors");
        let (server, good) = listener("127.0.0.1:0").await;
        tokio::spawn(async move { while server.accept().await.is_ok() {} });
        let bad = listener("127.0.0.1:0").await.1;
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let targets: Vec<bool> = (0..random.usize(1..8)).map(|_| random.bool()).collect();
            let calls = targets.iter().map(|works| {
                let target = if *works { good } else { bad };
                let dialer = &dialer;
                async move { dialer.dial(target, &Connection::default(), Instant::now(), soon()).await }
            });
            for (works, result) in targets.iter().zip(all(calls).await) {
                match result {
                    Ok(()) => assert!(works),
                    Err(NotConnected::Server(failure)) => {
                        assert_eq!((failure.kind, works), (FailureKind::Refused, &false));
                    }
                    Err(NotConnected::Ours(reason)) => panic!("{reason}"),
                }
            }
        }
        assert!(dialer.exchange.lock().calls.is_empty());
    }

    /// Runs futures at the same time.
    async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
        let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
        std::future::poll_fn(|context| {
            for (future, result) in &mut running {
                if result.is_none()
                    && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
                {
                    *result = Some(value);
                }
            }
            if running.iter().all(|(_, result)| result.is_some()) {
                return std::task::Poll::Ready(());
            }
            std::task::Poll::Pending
        })
        .await;
        running.into_iter().filter_map(|(_, result)| result).collect()
    }

    #[tokio::test]
    async fn silence_leaves_nothing_behind() {
        let dialer = Dialer::new().expect("descriptors");
        let socket = tokio::net::TcpSocket::new_v4().expect("socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        let full = socket.listen(1).expect("listens");
        let target = full.local_addr().expect("bound");
        let connection = Connection { timeout: Some(Duration::from_millis(100)), ..Connection::default() };
        // Its queue holds two; the kernel drops what follows.
        let mut kept = Vec::new();
        for _ in 0..2 {
            kept.push(connect::tcp(target, &connection, soon()).await.expect("connected"));
        }
        let error = dialer.dial(target, &connection, Instant::now(), soon()).await.expect_err("silent");
        assert_eq!(
            error,
            NotConnected::Server(connect::silent(target, Duration::from_millis(100))),
            "the time for connections counts"
        );
        let lines = dialer.exchange.lock();
        assert_eq!((lines.calls.len(), lines.idle_v4.len()), (0, 0));
    }

    #[tokio::test]
    async fn sockets_with_options_are_not_kept() {
        let dialer = Dialer::new().expect("descriptors");
        let (listener, target) = listener("127.0.0.1:0").await;
        let connection = Connection { source: Some([127, 0, 0, 3].into()), ..Connection::default() };
        dialer.dial(target, &connection, Instant::now(), soon()).await.expect("connected");
        let (mut server, from) = listener.accept().await.expect("accepted");
        assert_eq!(from.ip(), SocketAddr::from(([127, 0, 0, 3], 0)).ip());
        assert_eq!(server.read(&mut [0]).await.expect_err("reset").raw_os_error(), Some(libc::ECONNRESET));
        assert!(dialer.exchange.lock().idle_v4.is_empty());
    }
}
