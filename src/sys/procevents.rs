//! The kernel's process events (connector, `cn_proc`): who was forked, executed something, was renamed, ended.
//!
//! The kernel sends them in the first network namespace, to the first PID namespace, if it was built with
//! `CONFIG_PROC_EVENTS`. Elsewhere subscribing fails, or nothing ever comes: so wait for [`ProcessEvent::Listening`].

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use nix::{
    errno::Errno,
    libc,
    sys::socket::{self, MsgFlags, NetlinkAddr, sockopt},
};
use socket2::{Domain, Protocol, SockFilter, Type};

/// Events of a machine that starts thousands of processes a second, for some seconds.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Largest datagram: a netlink header, a connector header and an event (`struct proc_event`) are 92 bytes.
const LARGEST: usize = 256;

/// `CN_IDX_PROC` and `CN_VAL_PROC`: the connector's address of process events.
const CONNECTOR: u32 = 1;

/// `PROC_CN_MCAST_LISTEN`.
const LISTEN: u32 = 1;

/// Where things are in a datagram: behind `struct nlmsghdr` comes `struct cn_msg`, then `struct proc_event`.
mod at {
    pub(super) const CONNECTOR: usize = 16;
    pub(super) const WHAT: usize = CONNECTOR + 20;
    pub(super) const DATA: usize = WHAT + 16;
}

/// `proc_event.what`.
mod what {
    pub(super) const NONE: u32 = 0;
    pub(super) const FORK: u32 = 1;
    pub(super) const EXEC: u32 = 2;
    pub(super) const COMM: u32 = 0x200;
    pub(super) const EXIT: u32 = 0x8000_0000;
}

/// What happened to a process. Threads are not processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessEvent {
    /// From now on events come.
    Listening,
    /// A process made another, which is its copy.
    Forked {
        /// Which.
        parent: i32,
        /// The new one.
        child: i32,
    },
    /// A process executes another program, or has another name.
    Changed(i32),
    /// A process ended.
    Exited(i32),
    /// Events were lost.
    Lost,
}

/// A socket that receives process events.
#[derive(Debug)]
pub struct ProcessEvents {
    socket: socket2::Socket,
}

impl ProcessEvents {
    /// Subscribes. Does not block, and neither does receiving.
    ///
    /// # Errors
    /// This kernel or namespace has no such events, or this process lacks `CAP_NET_ADMIN`.
    pub fn open() -> io::Result<Self> {
        let socket = socket2::Socket::new(
            Domain::from(libc::AF_NETLINK),
            Type::DGRAM.nonblocking().cloexec(),
            Some(Protocol::from(libc::NETLINK_CONNECTOR)),
        )?;
        if socket::setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        // Without the filter there is more to read, and it is dropped here.
        let _ = socket.attach_filter(&filter());
        socket::bind(socket.as_raw_fd(), &NetlinkAddr::new(0, CONNECTOR))?;
        let request = request();
        socket::sendto(socket.as_raw_fd(), &request, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
        Ok(Self { socket })
    }

    /// Receives one event; `None` if there is none, or what came is none.
    ///
    /// # Errors
    /// The socket fails; `WouldBlock` if nothing is there.
    pub fn receive(&self) -> io::Result<Option<ProcessEvent>> {
        let mut buffer = [0; LARGEST];
        match socket::recvfrom::<NetlinkAddr>(self.socket.as_raw_fd(), &mut buffer) {
            // Others could send to our port.
            Ok((length, Some(sender))) if sender.pid() == 0 => Ok(buffer.get(..length).and_then(event)),
            Ok(_) | Err(Errno::EINTR) => Ok(None),
            Err(Errno::ENOBUFS) => Ok(Some(ProcessEvent::Lost)),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for ProcessEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The subscription: netlink header, connector header, one word.
fn request() -> Vec<u8> {
    let length = (at::WHAT + 4) as u32;
    let mut bytes = Vec::with_capacity(at::WHAT + 4);
    bytes.extend(length.to_ne_bytes());
    bytes.extend((libc::NLMSG_DONE as u16).to_ne_bytes());
    // No flags, sequence number 0, port 0.
    bytes.extend([0; 10]);
    bytes.extend(CONNECTOR.to_ne_bytes());
    bytes.extend(CONNECTOR.to_ne_bytes());
    // Sequence number 0, acknowledgement 0; length of what follows; no flags.
    bytes.extend([0; 8]);
    bytes.extend(4u16.to_ne_bytes());
    bytes.extend([0; 2]);
    bytes.extend(LISTEN.to_ne_bytes());
    bytes
}

/// Reads a datagram; `None` if it holds nothing for us.
fn event(datagram: &[u8]) -> Option<ProcessEvent> {
    let word = |at: usize| Some(u32::from_ne_bytes(*datagram.get(at..)?.first_chunk()?));
    if (word(at::CONNECTOR)?, word(at::CONNECTOR + 4)?) != (CONNECTOR, CONNECTOR) {
        return None;
    }
    let process = |at: usize| i32::try_from(word(at)?).ok();
    // Process and thread group: equal for what is no mere thread.
    let leader = |at: usize| process(at).filter(|pid| process(at + 4) == Some(*pid));
    match word(at::WHAT)? {
        what::NONE if word(at::DATA)? == 0 => Some(ProcessEvent::Listening),
        what::FORK => Some(ProcessEvent::Forked { parent: process(at::DATA + 4)?, child: leader(at::DATA + 8)? }),
        // After exec the thread that did it leads the group.
        what::EXEC => process(at::DATA + 4).map(ProcessEvent::Changed),
        what::COMM => leader(at::DATA).map(ProcessEvent::Changed),
        what::EXIT => leader(at::DATA).map(ProcessEvent::Exited),
        _ => None,
    }
}

/// Lets through what [`event`] reads. Busy machines start many threads, and each of them is an event.
fn filter() -> [SockFilter; 17] {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const KEEP: u16 = (libc::BPF_MISC | libc::BPF_TAX) as u16;
    const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const EQUAL_KEPT: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_X) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let load = |at: usize| SockFilter::new(LOAD, 0, 0, at as u32);
    // The filter reads words in network order, and the kernel writes them in its own. Jumps count from the next line.
    let is = |what: u32, jump: u8| SockFilter::new(EQUAL, jump, 0, what.to_be());
    [
        load(at::WHAT),
        is(what::FORK, 5),
        is(what::EXIT, 8),
        is(what::COMM, 7),
        is(what::EXEC, 11),
        is(what::NONE, 10),
        SockFilter::new(RETURN, 0, 0, 0),
        // 7: a fork; is the child a process?
        load(at::DATA + 8),
        SockFilter::new(KEEP, 0, 0, 0),
        load(at::DATA + 12),
        SockFilter::new(JUMP, 0, 0, 3),
        // 11: an end or a new name; is it that of a process?
        load(at::DATA),
        SockFilter::new(KEEP, 0, 0, 0),
        load(at::DATA + 4),
        // 14
        SockFilter::new(EQUAL_KEPT, 1, 0, 0),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}

#[cfg(test)]
mod tests {
    use std::{
        process::Command,
        thread,
        time::{Duration, Instant},
    };

    use proptest::prelude::*;

    use super::*;

    /// An event as the kernel would send it.
    fn datagram(what: u32, data: &[i32]) -> Vec<u8> {
        let mut bytes = request();
        bytes.truncate(at::WHAT);
        bytes.extend(what.to_ne_bytes());
        bytes.extend([0; 12]);
        bytes.extend(data.iter().flat_map(|word| word.to_ne_bytes()));
        bytes
    }

    #[test]
    fn events_of_processes_are_read_and_those_of_threads_are_not() {
        let cases = [
            (datagram(what::NONE, &[0]), Some(ProcessEvent::Listening)),
            (datagram(what::NONE, &[1]), None),
            (datagram(what::FORK, &[11, 10, 20, 20]), Some(ProcessEvent::Forked { parent: 10, child: 20 })),
            (datagram(what::FORK, &[10, 10, 20, 10]), None),
            (datagram(what::EXEC, &[20, 20]), Some(ProcessEvent::Changed(20))),
            (datagram(what::COMM, &[20, 20]), Some(ProcessEvent::Changed(20))),
            (datagram(what::COMM, &[21, 20]), None),
            (datagram(what::EXIT, &[20, 20, 0, 0]), Some(ProcessEvent::Exited(20))),
            (datagram(what::EXIT, &[21, 20, 0, 0]), None),
            (datagram(4, &[20, 20]), None),
            (datagram(what::EXIT, &[20]), None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(event(&bytes), expected, "{bytes:?}");
        }
    }

    /// The kernel tells what happens to a child, and the filter lets it through. Where it tells nothing (another network
    /// namespace, no CAP_NET_ADMIN, a kernel without these events) there is nothing to see.
    #[test]
    fn a_childs_life_is_told_where_the_kernel_tells_it() {
        let Ok(events) = ProcessEvents::open() else {
            eprintln!("passed over: no process events here");
            return;
        };
        let mut seen = Vec::new();
        let mut collect = |until: &dyn Fn(&[ProcessEvent]) -> bool| {
            let last = Instant::now() + Duration::from_secs(2);
            while !until(&seen) && Instant::now() < last {
                match events.receive() {
                    Ok(event) => seen.extend(event),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
            until(&seen)
        };
        if !collect(&|seen| seen.contains(&ProcessEvent::Listening)) {
            eprintln!("passed over: the kernel does not answer");
            return;
        }
        let mut child = Command::new("true").spawn().expect("starts");
        child.wait().expect("ends");
        let pid = child.id() as i32;
        let parent = std::process::id() as i32;
        assert!(collect(&|seen| seen.contains(&ProcessEvent::Exited(pid))));
        let forked = ProcessEvent::Forked { parent, child: pid };
        assert!(seen.contains(&forked) && seen.contains(&ProcessEvent::Changed(pid)), "{seen:?}");
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..LARGEST)) {
            let _ = event(&bytes);
        }
    }
}
