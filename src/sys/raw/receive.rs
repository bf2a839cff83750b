//! Receiving: up to [`BATCH`] datagrams a system call, into one buffer that is used again.

use std::{
    array,
    io::IoSliceMut,
    net::IpAddr,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use nix::{errno::Errno, libc};

use super::{
    BATCH,
    control::{self, WORDS},
};

/// How many datagrams are received at once as long as there are no more: preparing for all of [`BATCH`] takes longer than
/// receiving one.
const FEW: usize = 8;

/// Bytes of the largest datagram that is received whole.
pub const LARGEST: usize = 4352;

/// Room for received datagrams; only what is written to takes up memory.
pub struct Arena {
    buffer: Box<[u8]>,
    control: Box<[[u64; WORDS]; BATCH]>,
}

impl Default for Arena {
    fn default() -> Self {
        Self { buffer: vec![0; BATCH * LARGEST].into(), control: Box::new([[0; WORDS]; BATCH]) }
    }
}

/// A datagram as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// What the socket gives: with the header for IPv4, without for IPv6.
    pub bytes: &'a [u8],
    /// Who sent it.
    pub source: Option<IpAddr>,
    /// Where it was sent, if the socket was told to say that.
    pub destination: Option<IpAddr>,
    /// Index of the link that it came in by, if the socket was told to say that.
    pub link: Option<u32>,
    /// TTL or hop limit, if the socket was told to say that.
    pub hops: Option<u8>,
}

impl Arena {
    /// Calls `each` with the datagrams that are there, [`BATCH`] at most, and returns how many there were; fewer means that
    /// none was left. Those longer than [`LARGEST`] count, and are dropped. Does not wait.
    pub fn receive(&mut self, socket: BorrowedFd<'_>, mut each: impl FnMut(Datagram<'_>)) -> Result<usize, Errno> {
        let few = self.take::<FEW>(socket, &mut each)?;
        // An error is about what comes next, and will be there again.
        Ok(if few == FEW { few + self.take::<{ BATCH - FEW }>(socket, &mut each).unwrap_or(0) } else { few })
    }

    /// Receives up to `N` datagrams with one system call.
    #[allow(unsafe_code)]
    fn take<const N: usize>(
        &mut self,
        socket: BorrowedFd<'_>,
        mut each: impl FnMut(Datagram<'_>),
    ) -> Result<usize, Errno> {
        let mut slots = self.buffer.chunks_mut(LARGEST).map(IoSliceMut::new);
        let mut vectors: [Option<IoSliceMut<'_>>; N] = array::from_fn(|_| slots.next());
        // SAFETY: all zeros is an address of no family, and a header that names no address, no buffers and no control data.
        let (mut names, mut headers): ([libc::sockaddr_in6; N], [libc::mmsghdr; N]) = unsafe { std::mem::zeroed() };
        let rooms = names.iter_mut().zip(self.control.iter_mut()).zip(vectors.iter_mut().flatten());
        for (header, ((name, control), vector)) in headers.iter_mut().zip(rooms) {
            header.msg_hdr.msg_name = ptr::from_mut(name).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = size_of_val(control) as _;
            header.msg_hdr.msg_iov = ptr::from_mut(vector).cast();
            header.msg_hdr.msg_iovlen = 1;
        }
        let received = loop {
            // SAFETY: every header points to an address, control data and one I/O vector (`IoSliceMut` is one by definition)
            // of its own with their true sizes, which live until after the call; there are `N` headers.
            let result = unsafe {
                libc::recvmmsg(
                    socket.as_raw_fd(),
                    headers.as_mut_ptr(),
                    N as libc::c_uint,
                    libc::MSG_DONTWAIT as _,
                    ptr::null_mut(),
                )
            };
            match Errno::result(result) {
                Ok(received) => break received as usize,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(0),
                Err(errno) => return Err(errno),
            }
        };
        for ((header, name), (vector, control)) in
            headers.iter().zip(&names).zip(vectors.iter().flatten().zip(self.control.iter())).take(received)
        {
            let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
            let Some(bytes) = vector.get(..header.msg_len as usize).filter(|_| whole) else { continue };
            // SAFETY: the control data are words, which have no padding, and are as many bytes as their size says.
            let control = unsafe { std::slice::from_raw_parts(control.as_ptr().cast::<u8>(), size_of_val(control)) };
            let control = control.get(..header.msg_hdr.msg_controllen).unwrap_or_default();
            each(datagram(bytes, name, control));
        }
        Ok(received)
    }
}

fn datagram<'a>(bytes: &'a [u8], name: &libc::sockaddr_in6, control: &[u8]) -> Datagram<'a> {
    let mut datagram = Datagram { bytes, source: None, destination: None, link: None, hops: None };
    let octets = |bits: u32| IpAddr::from(bits.to_ne_bytes());
    let hops = |hops: libc::c_int| u8::try_from(hops).ok();
    match libc::c_int::from(name.sin6_family) {
        libc::AF_INET6 => {
            datagram.source = Some(name.sin6_addr.s6_addr.into());
            if let Some(info) = control::find::<libc::in6_pktinfo>(control, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) {
                datagram.destination = Some(info.ipi6_addr.s6_addr.into());
                datagram.link = Some(info.ipi6_ifindex);
            }
            datagram.hops = control::find(control, libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT).and_then(hops);
        }
        libc::AF_INET => {
            // Both kinds of name begin with family and port; behind that one has the flow, the other the address.
            datagram.source = Some(octets(name.sin6_flowinfo));
            if let Some(info) = control::find::<libc::in_pktinfo>(control, libc::IPPROTO_IP, libc::IP_PKTINFO) {
                datagram.destination = Some(octets(info.ipi_addr.s_addr));
                datagram.link = u32::try_from(info.ipi_ifindex).ok();
            }
            datagram.hops = control::find(control, libc::IPPROTO_IP, libc::IP_TTL).and_then(hops);
        }
        _ => {}
    }
    datagram
}
