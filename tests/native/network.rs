//! Two hosts with a cable between them, each a network namespace; and what goes over the cable, for tshark to judge.

use std::{
    ffi::OsString,
    fs::File,
    io::Write,
    os::fd::AsRawFd,
    panic, process,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sched::{CloneFlags, setns},
    sys::socket::{self, AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType},
};
use socket2::Socket;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Runs a command in the namespace of the calling thread, and returns what it prints. Fails the test if it fails.
#[track_caller]
pub(crate) fn run(line: &str) -> String {
    let mut words = line.split_whitespace();
    let program = words.next().expect("a command has a name");
    let output = Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A host: a network namespace with the links `lo` and `eth0`.
pub(crate) struct Host(String);

impl Host {
    /// Makes it, with `lo` alone.
    pub(crate) fn new(name: String) -> Self {
        let root = nix::unistd::geteuid().is_root();
        assert!(root, "this test makes network namespaces, which takes root: run it as tests/run does");
        run(&format!("ip netns add {name}"));
        let host = Self(name);
        host.run("ip link set lo up");
        host
    }

    /// Runs a function on a thread in this namespace.
    pub(crate) fn inside<T: Send>(&self, function: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.0)).expect("a network namespace");
        // A thread that changes its namespace cannot be used for anything else afterwards.
        let on_thread = || {
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("to enter a network namespace");
            function()
        };
        let result = thread::scope(|scope| scope.spawn(on_thread).join());
        result.unwrap_or_else(|payload| panic::resume_unwind(payload))
    }

    /// Runs a command on this host.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> String {
        self.inside(|| run(line))
    }

    /// Returns the index of a link.
    pub(crate) fn index(&self, link: &str) -> u32 {
        self.inside(|| nix::net::if_::if_nametoindex(link).expect("a link"))
    }

    /// Returns the hardware address of `eth0`.
    pub(crate) fn mac(&self) -> [u8; 6] {
        let text = self.run("ip -br link show dev eth0");
        let mac = text.split_whitespace().nth(2).expect("a hardware address");
        let mut bytes = mac.split(':').map(|byte| u8::from_str_radix(byte, 16).expect("a byte"));
        std::array::from_fn(|_| bytes.next().expect("six bytes"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.0]).status();
    }
}

/// Two hosts with `eth0` each, and a cable: 10.9.9.1/24, 2001:db8::1/64 and fe80::1, and the same with 2.
pub(crate) struct Pair {
    pub(crate) one: Host,
    pub(crate) two: Host,
}

impl Pair {
    pub(crate) fn new() -> Self {
        // Tests run at the same time.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = format!("wire{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let pair = Self { one: Host::new(format!("{id}-one")), two: Host::new(format!("{id}-two")) };
        let peer = format!("peer name eth0 netns {}", pair.two.0);
        pair.one.run(&format!("ip link add name eth0 type veth {peer}"));
        for (host, n) in [(&pair.one, 1), (&pair.two, 2)] {
            host.run("ip link set eth0 addrgenmode none");
            host.run("ip link set eth0 up");
            host.run(&format!("ip address add 10.9.9.{n}/24 dev eth0"));
            for address in [format!("fe80::{n}/64"), format!("2001:db8::{n}/64")] {
                host.run(&format!("ip address add {address} dev eth0 nodad"));
            }
        }
        for host in [&pair.one, &pair.two] {
            until("the carrier is there", || host.run("ip -br link show dev eth0").contains(" UP "));
        }
        pair
    }
}

/// Frames on a host's `eth0` from now on, in both directions.
pub(crate) struct Capture(Socket);

impl Capture {
    pub(crate) fn on(host: &Host) -> Self {
        host.inside(|| {
            let (family, kind) = (AddressFamily::Packet, SockType::Raw);
            let socket = socket::socket(family, kind, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll);
            let socket = Socket::from(socket.expect("a packet socket"));
            socket.bind_device(Some(b"eth0")).expect("a link");
            Self(socket)
        })
    }

    /// Returns the frames that are wanted, as soon as there are `count` of them, and fails the test if they do not come.
    #[track_caller]
    pub(crate) fn frames(&self, count: usize, wanted: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
        let mut frames: Vec<Vec<u8>> = Vec::new();
        until(&format!("{count} frames"), || {
            let mut buffer = [0; 9000];
            while let Ok(len) = socket::recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                frames.extend(Some(buffer[..len].to_vec()).filter(|frame| wanted(frame)));
            }
            frames.len() >= count
        });
        frames
    }
}

/// Whether a frame is VRRP, with or without authentication header, over IPv4 or IPv6.
pub(crate) fn is_vrrp(frame: &[u8]) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x00]) => matches!(frame.get(23), Some(112 | 51)),
        Some([0x86, 0xdd]) => frame.get(20) == Some(&112),
        _ => false,
    }
}

/// Lets tshark look at frames, and returns what it says about each: one line, the fields separated by blanks.
/// `pseudo_header`: what it expects of version 3 over IPv4.
pub(crate) fn tshark(frames: &[Vec<u8>], fields: &[&str], pseudo_header: bool) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    // Magic, version 2.4, no time zone, 64 KiB at most, Ethernet.
    let mut pcap: Vec<u8> = [0xa1b2_c3d4, 0x0002_0004_u32.rotate_left(16), 0, 0, 65_535, 1_u32]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();
    for frame in frames {
        let len = u32::try_from(frame.len()).expect("a frame");
        pcap.extend([0, 0, len, len].iter().flat_map(|word: &u32| word.to_ne_bytes()));
        pcap.extend(frame);
    }
    file.as_file().write_all(&pcap).expect("written");
    let checked = [
        "ip.check_checksum:TRUE",
        if pseudo_header { "vrrp.v3_checksum_as_in_v2:FALSE" } else { "vrrp.v3_checksum_as_in_v2:TRUE" },
    ];
    let mut arguments: Vec<OsString> = vec!["-n".into(), "-r".into(), file.path().into()];
    arguments.extend(checked.iter().flat_map(|option| ["-o".into(), option.into()]));
    arguments.extend(["-T", "fields", "-E", "separator=/s"].map(OsString::from));
    arguments.extend(fields.iter().flat_map(|field| ["-e".into(), field.into()]));
    let output = Command::new("tshark").args(arguments).output().expect("tshark (is it installed?)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(|line| line.trim().to_owned()).collect()
}
