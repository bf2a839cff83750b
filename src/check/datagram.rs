//! A UDP socket that is connected to a server, and that hears when the server or a router refuses what was sent.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};

use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use socket2::{Protocol, SockAddr, Type};
use tokio::{io::Interest, net::UdpSocket};

use super::{answer::Verdict, connect, probe::Phases, settings::Probe};

/// A connected UDP socket.
#[derive(Debug)]
pub(super) struct Datagrams {
    target: SocketAddr,
    socket: UdpSocket,
}

impl Datagrams {
    /// Opens a socket to the server of a probe. Nothing is sent.
    ///
    /// # Errors
    /// This host cannot do it, or knows that there is no way.
    pub(super) async fn begin(probe: &Probe, clock: &Phases) -> Result<Self, Verdict> {
        let target = probe.target;
        let socket = connect::open(target, &probe.connection, Type::DGRAM, Protocol::UDP)?;
        // Otherwise the kernel tells of closed ports only, not of hosts and networks that cannot be reached.
        let heard = match target.ip() {
            IpAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true),
            IpAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true),
        };
        heard.map_err(|errno| connect::ours(target, "ask for ICMP errors", &errno.into()))?;
        let fault = |error: io::Error| Verdict::from(connect::fault(target, &error, clock.elapsed()));
        socket.connect(&SockAddr::from(target)).map_err(fault)?;
        let socket = UdpSocket::from_std(socket.into()).map_err(fault)?;
        Ok(Self { target, socket })
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// This host cannot do it, or knows that there is no way.
    pub(super) async fn send(&self, bytes: &[u8], clock: &Phases) -> Result<(), Verdict> {
        let sent = self.socket.send(bytes).await;
        sent.map(|_| ()).map_err(|error| connect::fault(self.target, &error, clock.elapsed()).into())
    }

    /// Waits for a datagram, and returns what of it has room in the buffer, and its true length.
    ///
    /// # Errors
    /// The server, or a router on the way to it, refuses what was sent.
    pub(super) async fn receive<'a>(&self, buffer: &'a mut [u8], clock: &Phases) -> Result<(&'a [u8], usize), Verdict> {
        // An ICMP error alone makes a socket not readable.
        let interest = Interest::READABLE | Interest::ERROR;
        let received = self
            .socket
            .async_io(interest, || {
                Ok(recv(self.socket.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT)?)
            })
            .await;
        match received {
            Ok(length) => Ok((buffer.get(..length).unwrap_or(buffer), length)),
            Err(error) => Err(connect::fault(self.target, &error, clock.elapsed()).into()),
        }
    }
}
