//! Sockets to servers, and whose fault it is when one cannot be had.
//!
//! Every checker opens its sockets here, so that source, link and mark mean the same for all, and so that a fault of
//! ours (no descriptor left, no such address) is never taken for a fault of the server.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::{
        resource::{Resource, getrlimit},
        socket::{setsockopt, sockopt},
    },
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout_at},
};

use super::{
    answer::{Failure, FailureKind, Verdict, spoken},
    settings::Connection,
};

/// No probe waits longer, whatever it has been told; keeps sums of times in their range.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotConnected {
    /// The server cannot be reached or does not want us.
    Server(Failure),
    /// We failed before the server was asked; what, where and what to do, for people.
    Ours(String),
}

impl From<NotConnected> for Verdict {
    fn from(fault: NotConnected) -> Self {
        match fault {
            NotConnected::Server(failure) => Self::Bad(failure),
            NotConnected::Ours(reason) => Self::Unknown(reason),
        }
    }
}

/// Connects to a server over TCP, in the time for connections if there is one, but at most until `until`.
///
/// # Errors
/// The server refuses, cannot be reached or does not answer; or this host cannot ask.
pub(super) async fn tcp(
    target: SocketAddr,
    connection: &Connection,
    until: Instant,
) -> Result<TcpStream, NotConnected> {
    let begin = Instant::now();
    let until = limit(connection, begin, until);
    let socket = open(target, connection, Type::STREAM, Protocol::TCP)?;
    match timeout_at(until, TcpSocket::from_std_stream(socket.into()).connect(target)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(fault(target, &error, begin.elapsed())),
        Err(_) => Err(NotConnected::Server(silent(target, until - begin))),
    }
}

/// Returns until when a connection that begins now may take: its own time, but at most until `until`.
pub(super) fn limit(connection: &Connection, begin: Instant, until: Instant) -> Instant {
    connection.timeout.map_or(until, |time| until.min(after(begin, time)))
}

/// Returns the time so long after another one.
pub(super) fn after(begin: Instant, time: Duration) -> Instant {
    begin + time.min(LONGEST)
}

/// Opens a non-blocking socket as `connection` wants it: bound to source and link, and marked; not connected.
///
/// # Errors
/// This host cannot do it; always [`NotConnected::Ours`].
pub(super) fn open(
    target: SocketAddr,
    connection: &Connection,
    kind: Type,
    protocol: Protocol,
) -> Result<Socket, NotConnected> {
    let ours = |action: &str, error: &io::Error| ours(target, action, error);
    let domain = Domain::for_address(target);
    let socket =
        Socket::new(domain, kind.nonblocking(), Some(protocol)).map_err(|error| ours("open a socket", &error))?;
    if let Some(link) = &connection.interface {
        socket
            .bind_device(Some(link.as_bytes()))
            .map_err(|error| ours(&format!("bind a socket to the link {link}"), &error))?;
    }
    if connection.mark != 0 {
        socket
            .set_mark(connection.mark)
            .map_err(|error| ours(&format!("set the firewall mark {}", connection.mark), &error))?;
    }
    if let Some(source) = source(target, connection) {
        let bound = if source.port() == 0 {
            // The kernel then chooses the port when it knows the target. Otherwise one source address had 28,000 ports
            // for all servers together.
            setsockopt(&socket, sockopt::IpBindAddressNoPort, &true).map_err(io::Error::from)
        } else {
            socket.set_reuse_address(true)
        };
        bound.and_then(|()| socket.bind(&SockAddr::from(source))).map_err(|error| {
            let ip = source.ip();
            let source = if source.port() == 0 { ip.to_string() } else { source.to_string() };
            ours(&format!("use {source} as the source"), &error)
        })?;
    }
    Ok(socket)
}

/// Returns what a socket is bound to, if it is.
fn source(target: SocketAddr, connection: &Connection) -> Option<SocketAddr> {
    let any = match target.ip() {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0; 16]),
    };
    let wanted = connection.source.is_some() || connection.source_port != 0;
    wanted.then(|| SocketAddr::new(connection.source.unwrap_or(any), connection.source_port))
}

/// Says what an error of `connect`, `send` or `recv` means, so long after the begin.
pub(super) fn fault(target: SocketAddr, error: &io::Error, after: Duration) -> NotConnected {
    let ip = target.ip();
    let after = spoken(after);
    let (kind, reason) = match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ECONNREFUSED) => (FailureKind::Refused, format!("connection refused by {target} after {after}")),
        Some(Errno::ECONNRESET | Errno::ECONNABORTED | Errno::EPIPE) => {
            (FailureKind::Reset, format!("connection reset by {target} after {after}"))
        }
        Some(Errno::ETIMEDOUT) => (FailureKind::Timeout, format!("no answer from {target} within {after}")),
        Some(Errno::ENETUNREACH | Errno::ENETDOWN) => {
            (FailureKind::Unreachable, format!("no route to {ip} (network unreachable) after {after}"))
        }
        Some(Errno::EHOSTUNREACH | Errno::EHOSTDOWN) => (
            FailureKind::Unreachable,
            format!("{ip} cannot be reached: a router says so, or nobody answers for it on the link; after {after}"),
        ),
        Some(Errno::EPROTO | Errno::ENOPROTOOPT) => {
            (FailureKind::Unreachable, format!("{ip} does not know the protocol, it says after {after}"))
        }
        _ => return ours(target, "connect", error),
    };
    NotConnected::Server(Failure::new(kind, &reason, &[]))
}

/// Says that nothing came back from a server.
pub(super) fn silent(target: SocketAddr, waited: Duration) -> Failure {
    Failure::new(
        FailureKind::Timeout,
        &format!("{target} did not answer the connection within {}", spoken(waited)),
        &[],
    )
}

/// Says what this host could not do, why, and what to do about it.
pub(super) fn ours(target: SocketAddr, action: &str, error: &io::Error) -> NotConnected {
    let errno = error.raw_os_error().map(Errno::from_raw);
    let why = errno.map_or_else(|| error.to_string(), |errno| errno.desc().to_owned());
    let hint = match errno {
        Some(Errno::EMFILE) => {
            let limit =
                getrlimit(Resource::RLIMIT_NOFILE).map_or_else(|_| "?".to_owned(), |(soft, _)| soft.to_string());
            format!("; this process may have {limit} descriptors: raise LimitNOFILE of its unit, or ulimit -n")
        }
        Some(Errno::ENFILE) => "; the host has no more: raise sysctl fs.file-max".to_owned(),
        Some(Errno::ENODEV) => "; see `ip link`".to_owned(),
        Some(Errno::EADDRNOTAVAIL) if action == "connect" => {
            "; no local port is left for it (sysctl net.ipv4.ip_local_port_range)".to_owned()
        }
        Some(Errno::EADDRNOTAVAIL) => "; it must be an address of this host, see `ip address`".to_owned(),
        Some(Errno::EAFNOSUPPORT) => {
            "; source and target must be of one family, and the kernel must have it (IPv6 may be off)".to_owned()
        }
        Some(Errno::EINVAL) if action == "connect" => {
            "; a link-local address needs a link, and a source must be able to reach the target".to_owned()
        }
        Some(Errno::EPERM | Errno::EACCES) if action == "connect" => {
            "; a firewall or a routing rule of this host forbids it".to_owned()
        }
        Some(Errno::EPERM | Errno::EACCES) => "; this needs root, or CAP_NET_ADMIN and CAP_NET_RAW".to_owned(),
        _ => String::new(),
    };
    NotConnected::Ours(format!("cannot {action} to probe {target}: {why}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(3)
    }

    async fn listener(address: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(address).await.expect("loopback");
        let target = listener.local_addr().expect("bound");
        (listener, target)
    }

    /// A port on which nobody listens.
    async fn closed() -> SocketAddr {
        listener("127.0.0.1:0").await.1
    }

    fn ours(result: Result<TcpStream, NotConnected>) -> String {
        match result {
            Err(NotConnected::Ours(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn server(result: Result<TcpStream, NotConnected>) -> Failure {
        match result {
            Err(NotConnected::Server(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn connections_come_from_where_they_are_told_to() {
        for (any, source) in [("127.0.0.1:0", "127.0.0.9"), ("[::1]:0", "::1")] {
            let (listener, target) = listener(any).await;
            let source: IpAddr = source.parse().expect("address");
            let connection = Connection { source: Some(source), ..Connection::default() };
            let _stream = tcp(target, &connection, soon()).await.expect("connected");
            assert_eq!(listener.accept().await.expect("accepted").1.ip(), source);
        }
    }

    #[tokio::test]
    async fn a_refusal_is_the_servers() {
        let target = closed().await;
        let failure = server(tcp(target, &Connection::default(), soon()).await);
        assert_eq!(failure.kind, FailureKind::Refused);
        assert!(failure.reason.starts_with(&format!("connection refused by {target} after 0")), "{}", failure.reason);
    }

    #[tokio::test]
    async fn what_this_host_cannot_do_is_not_the_servers_fault() {
        let target = closed().await;
        let try_from = async |connection: Connection| ours(tcp(target, &connection, soon()).await);
        assert_eq!(
            try_from(Connection { source: Some([192, 0, 2, 77].into()), ..Connection::default() }).await,
            format!(
                "cannot use 192.0.2.77 as the source to probe {target}: Cannot assign requested address; \
                 it must be an address of this host, see `ip address`"
            )
        );
        assert_eq!(
            try_from(Connection { interface: Some("probes-none".to_owned()), ..Connection::default() }).await,
            format!("cannot bind a socket to the link probes-none to probe {target}: No such device; see `ip link`")
        );
        let of_the_other_family = Connection { source: Some(IpAddr::from([0; 16])), ..Connection::default() };
        assert!(try_from(of_the_other_family).await.contains("one family"));
    }

    /// The address of the listener takes no connection any more once its queue is full.
    #[tokio::test]
    async fn silence_is_told_after_the_time_for_connections() {
        let socket = TcpSocket::new_v4().expect("socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        let listener = socket.listen(1).expect("listens");
        let target = listener.local_addr().expect("bound");
        let connection = Connection { timeout: Some(Duration::from_millis(200)), ..Connection::default() };
        let mut kept = Vec::new();
        let failure = loop {
            match tcp(target, &connection, soon()).await {
                Ok(stream) if kept.len() < 8 => kept.push(stream),
                other => break server(other),
            }
        };
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert_eq!(failure.reason, format!("{target} did not answer the connection within 200 ms"));
    }

    #[test]
    fn errors_of_the_way_are_the_servers() {
        let target = SocketAddr::from(([10, 0, 0, 5], 80));
        for (errno, kind) in [
            (Errno::ENETUNREACH, FailureKind::Unreachable),
            (Errno::EHOSTUNREACH, FailureKind::Unreachable),
            (Errno::EHOSTDOWN, FailureKind::Unreachable),
            (Errno::ENETDOWN, FailureKind::Unreachable),
            (Errno::ECONNRESET, FailureKind::Reset),
            (Errno::ECONNABORTED, FailureKind::Reset),
            (Errno::ETIMEDOUT, FailureKind::Timeout),
        ] {
            match fault(target, &io::Error::from(errno), Duration::from_millis(1)) {
                NotConnected::Server(failure) => assert_eq!(failure.kind, kind),
                NotConnected::Ours(reason) => panic!("{errno}: {reason}"),
            }
        }
        for errno in [Errno::EPERM, Errno::EADDRNOTAVAIL, Errno::ENOBUFS, Errno::EINVAL] {
            assert!(matches!(fault(target, &io::Error::from(errno), Duration::ZERO), NotConnected::Ours(_)));
        }
    }
}
