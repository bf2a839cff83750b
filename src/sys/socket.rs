//! What sockets can do and no library offers.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

use nix::libc;

/// Dissolves the connection of a socket, so that it can be connected again, to anybody. The other end of a TCP connection
/// gets a reset; no port is kept, unless the socket was bound to it.
///
/// # Errors
/// The kernel refuses; the state of the socket is unknown then.
#[allow(unsafe_code)]
pub fn disconnect(socket: impl AsFd) -> io::Result<()> {
    let nobody = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    let length = size_of_val(&nobody) as libc::socklen_t;
    // SAFETY: the address is valid for its length, and the kernel only reads it; the descriptor is open, it is borrowed.
    match unsafe { libc::connect(socket.as_fd().as_raw_fd(), &raw const nobody, length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `SO_NETNS_COOKIE`, which is not in every C library yet; the same on all machines that Rust runs Linux on but SPARC and PA-RISC.
const NETNS_COOKIE: libc::c_int = 71;

/// Returns the number of the calling thread's network namespace that no other one has had since the boot; `None` on kernels
/// before 5.14. (Numbers of files in `/proc/self/ns` are used again.)
#[allow(unsafe_code)]
pub fn namespace_cookie() -> Option<u64> {
    let socket = std::os::unix::net::UnixDatagram::unbound().ok()?;
    let mut cookie = 0_u64;
    let mut length = size_of_val(&cookie) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of the number that it is given.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, NETNS_COOKIE, (&raw mut cookie).cast(), &raw mut length)
    };
    (result == 0 && cookie != 0).then_some(cookie)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read},
        net::{TcpListener, UdpSocket},
    };

    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn a_connection_ends_in_a_reset_and_the_socket_connects_again() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let target = listener.local_addr().expect("bound").into();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        for _ in 0..3 {
            socket.connect(&target).expect("connected");
            let (mut other, _) = listener.accept().expect("accepted");
            disconnect(&socket).expect("disconnected");
            let error = other.read(&mut [0]).expect_err("reset");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
    }

    #[test]
    fn errors_are_told() {
        let error = disconnect(std::fs::File::open("/dev/null").expect("there")).expect_err("no socket");
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
        assert!(disconnect(UdpSocket::bind("127.0.0.1:0").expect("loopback")).is_ok());
    }
}
