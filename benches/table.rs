//! What the table verbs cost, side by side with stock ipvsadm in one run: `tests/bench` runs this inside the lab.
//!
//! Every figure is a ratio against the stock tool, or against the floor: the least program that brings the same file into
//! the kernel, `raw` below. Each repetition has a fresh network namespace, because the kernel keeps deleted servers for minutes
//! and searches them at each addition. Prints the rows of a Markdown table.

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::Read,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lvsadm::{
    ipvs::codec,
    model::{Change, Forwarding, Protocol, RealServer, ServerKey, ServiceKey, Thresholds, VirtualService, Weight},
    sys::netlink::Batch,
};
use nix::{
    pty::{Winsize, openpty},
    sched::{CloneFlags, unshare},
    sys::{
        resource::{UsageWho, getrusage},
        socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket},
    },
};

/// How often everything that takes less than seconds is repeated; the fastest counts, the rest is other work.
const REPETITIONS: usize = 5;

const LVSADM: &str = env!("CARGO_BIN_EXE_lvsadm");

/// By its path, as ours is: looking for it costs as much as starting it.
const STOCK: &str = "/usr/sbin/ipvsadm";

/// The first argument that makes this program the floor, and the one behind the file that makes it read a table, not make it.
const RAW: &str = "--raw";
const LIST: &str = "--list";

/// The first argument that has `top` alone measured.
const TOP: &str = "--top";

fn main() {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == RAW) {
        let file = PathBuf::from(arguments.next().expect("a file"));
        return if arguments.next().is_some() { raw_list(&file) } else { raw(&file) };
    }
    if env::args_os().nth(1).is_some_and(|first| first == TOP) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        return top(&Files { directory: directory.path().to_owned() });
    }
    // First of all: the kernel remembers the largest of all children, and so far there are only `ip` and ours.
    let memory = in_netns(|| {
        run(Command::new(LVSADM).args(["-A", "-t", "10.9.9.9:80", "-s", "rr"]));
        getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage").max_rss()
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    let files = Files { directory: directory.path().to_owned() };
    println!("| work | ipvsadm | lvsadm | ratio | raw netlink |");
    println!("|---|---|---|---|---|");
    let small = Size { services: 2_000, servers: 4 };
    let per_line = restore(&files, small);
    list_and_save(&files, small);
    unchanged(&files, small);
    one_command();
    println!("| peak memory of one `-A` | | {memory} kB | | |");
    top(&files);
    large(&files, Size { services: 20_000, servers: 5 }, per_line);
}

/// How large a table is.
#[derive(Clone, Copy)]
struct Size {
    services: u32,
    /// Of each service.
    servers: u32,
}

impl Size {
    fn lines(self) -> u32 {
        self.services * (self.servers + 1)
    }

    /// The table as a save file that both tools read.
    fn lines_of_table(self) -> String {
        let mut text = String::new();
        for service in 0..self.services {
            let vip = Ipv4Addr::from(0x0a00_0000 + service);
            let _ = writeln!(text, "-A -t {vip}:80 -s wlc");
            for server in 0..self.servers {
                let rip = Ipv4Addr::from(0x0b00_0000 + service * self.servers + server);
                let _ = writeln!(text, "-a -t {vip}:80 -r {rip}:80 -m -w 1");
            }
        }
        text
    }
}

struct Files {
    directory: PathBuf,
}

impl Files {
    fn table(&self, size: Size) -> PathBuf {
        self.write(&size.lines().to_string(), &size.lines_of_table())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, text).expect("a file");
        path
    }
}

/// Returns our seconds a line.
fn restore(files: &Files, size: Size) -> f64 {
    let file = files.table(size);
    // How long stock ipvsadm takes varies by several times from run to run, so all of its runs are shown.
    let mut runs: Vec<_> =
        (0..3).map(|_| in_netns(|| timed(|| run(Command::new(STOCK).arg("-R").stdin(open(&file)))))).collect();
    runs.sort_unstable();
    eprintln!("`ipvsadm -R` took {}", runs.iter().map(|time| shown(*time)).collect::<Vec<_>>().join(", "));
    let stock = runs[0];
    let ours = fastest(|| in_netns(|| timed(|| run(Command::new(LVSADM).arg("restore").arg(&file)))));
    let linked = fastest(|| in_netns(|| timed(|| run(Command::new(LVSADM).arg("-R").stdin(open(&file))))));
    let floor = fastest(|| in_netns(|| timed(|| run(&mut floor_of(&file)))));
    let lines = size.lines();
    row(
        &format!("`lvsadm restore` of {lines} lines into an empty table, beside `ipvsadm -R`"),
        stock,
        ours,
        Some(floor),
    );
    row("`lvsadm -R` of the same", stock, linked, Some(floor));
    ours.as_secs_f64() / f64::from(lines)
}

fn list_and_save(files: &Files, size: Size) {
    let file = files.table(size);
    in_netns(|| {
        run(Command::new(LVSADM).arg("restore").arg(&file));
        let of = |program: &str, arguments: &[&str]| {
            fastest(|| timed(|| run(Command::new(program).args(arguments).stdout(Stdio::null()))))
        };
        let shape = format!("{} × {}", size.services, size.servers);
        let (stock_list, stock_save) = (of(STOCK, &["-Ln"]), of(STOCK, &["-S", "-n"]));
        let floor = Some(fastest(|| timed(|| run(floor_of(&file).arg(LIST)))));
        row(&format!("`-Ln` of {shape}"), stock_list, of(LVSADM, &["-Ln"]), floor);
        row(&format!("`lvsadm list` of {shape}, beside `ipvsadm -Ln`"), stock_list, of(LVSADM, &["list"]), None);
        row(&format!("`-S -n` of {shape}"), stock_save, of(LVSADM, &["-S", "-n"]), None);
        row(&format!("`lvsadm save` of {shape}, beside `ipvsadm -S -n`"), stock_save, of(LVSADM, &["save"]), None);
    });
}

/// What stock tools do for one changed line is the whole restore. That 0 and 1 changes are written is a lab test.
fn unchanged(files: &Files, size: Size) {
    let file = files.table(size);
    let text = fs::read_to_string(&file).expect("the table");
    let edited = files.write("edited", &text.replacen("-w 1", "-w 2", 1));
    in_netns(|| {
        run(Command::new(LVSADM).arg("restore").arg(&file));
        let again = fastest(|| timed(|| run(Command::new(LVSADM).arg("restore").arg(&file))));
        let mut turn = [&edited, &file].into_iter().cycle();
        let one = fastest(|| timed(|| run(Command::new(LVSADM).arg("restore").arg(turn.next().expect("a file")))));
        let stock = fastest_of(2, || timed(|| run(Command::new("/usr/sbin/ipvsadm-restore").stdin(open(&file)))));
        row("restore of an unchanged file, beside `ipvsadm-restore`", stock, again, None);
        row("restore of one changed weight, beside `ipvsadm-restore`", stock, one, None);
    });
}

fn one_command() {
    const COMMANDS: u32 = 100;
    in_netns(|| {
        let add = |program: &str, number: u32| {
            let service = format!("10.8.0.{number}:80");
            timed(|| run(Command::new(program).args(["-A", "-t", &service, "-s", "rr"])))
        };
        // In turns, so that whatever else happens on the machine happens to both.
        let (mut stock, mut ours): (Vec<_>, Vec<_>) =
            (0..COMMANDS).map(|number| (add(STOCK, number), add(LVSADM, number + COMMANDS))).unzip();
        stock.sort_unstable();
        ours.sort_unstable();
        let middle = COMMANDS as usize / 2;
        row("one `-A` as a whole process (median of 100)", stock[middle], ours[middle], None);
    });
}

/// The share of a processor that `top` takes which draws ten thousand servers each second on a terminal.
fn top(files: &Files) {
    const SECONDS: u64 = 20;
    let size = Size { services: 100, servers: 100 };
    let file = files.table(size);
    let share = in_netns(|| {
        run(Command::new(LVSADM).arg("restore").arg(&file));
        let window = Winsize { ws_row: 50, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&window, None).expect("a terminal");
        let side = || pair.slave.try_clone().expect("a descriptor");
        let mut command = Command::new(LVSADM);
        command.args(["top", "--interval", "1"]).stdin(side()).stdout(side()).stderr(side());
        let mut child = command.spawn().expect("lvsadm");
        // Somebody has to read what is drawn.
        let mut screen = File::from(pair.master);
        thread::spawn(move || while matches!(screen.read(&mut [0; 65536]), Ok(1..)) {});
        let used = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it runs");
            let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
            [11, 12].iter().map(|at| fields[*at].parse::<u64>().expect("ticks")).sum::<u64>()
        };
        thread::sleep(Duration::from_secs(3));
        let (before, begin) = (used(), Instant::now());
        thread::sleep(Duration::from_secs(SECONDS));
        // The clock of these figures ticks a hundred times a second.
        let share = (used() - before) as f64 / begin.elapsed().as_secs_f64();
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        share
    });
    println!(
        "| `lvsadm top` of {} servers each second: share of a processor | | {share:.1} % | | |",
        size.services * size.servers
    );
}

fn large(files: &Files, size: Size, per_line_small: f64) {
    let file = files.table(size);
    let ours = in_netns(|| timed(|| run(Command::new(LVSADM).arg("restore").arg(&file))));
    let floor = in_netns(|| timed(|| run(&mut floor_of(&file))));
    let lines = f64::from(size.lines());
    println!(
        "| `lvsadm restore` of {} lines ({} servers): {:.2} times as long a line as with 10,000 | | {} | | {} |",
        size.lines(),
        size.services * size.servers,
        ours.as_secs_f64() / lines / per_line_small,
        shown(ours),
        shown(floor)
    );
}

fn row(work: &str, stock: Duration, ours: Duration, floor: Option<Duration>) {
    let ratio = stock.as_secs_f64() / ours.as_secs_f64();
    let floor = floor.map(shown).unwrap_or_default();
    println!("| {work} | {} | {} | {ratio:.1} × | {floor} |", shown(stock), shown(ours));
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The command of the floor.
fn floor_of(file: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.arg(RAW).arg(file);
    command
}

/// The floor, as a process of its own: the lines are taken apart at blanks and nothing is checked; the messages go over a bare
/// socket, 64 a send, and only the last of them asks for an acknowledgement.
fn raw(file: &Path) {
    const IN_A_SEND: usize = 64;
    const FLAGS_AT: usize = 6;
    const REQUEST_AND_ACK: u8 = 5;
    let family = family_of_ipvs();
    let socket = netlink();
    let text = fs::read_to_string(file).expect("the file");
    let mut lines = text.lines().peekable();
    let mut buffer = [0; 4096];
    let mut batch = Batch::default();
    while lines.peek().is_some() {
        batch.clear();
        lines.by_ref().take(IN_A_SEND).for_each(|line| codec::change(&mut batch, family, &change(line)));
        let requests: Vec<&[u8]> = batch.requests().collect();
        let last: usize = requests[..requests.len() - 1].iter().map(|request| request.len()).sum();
        let mut bytes = requests.concat();
        bytes[last + FLAGS_AT] = REQUEST_AND_ACK;
        send(socket.as_raw_fd(), &bytes, MsgFlags::empty()).expect("send");
        let len = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()).expect("an acknowledgement");
        assert_eq!(buffer[16..20.min(len)], [0; 4], "the kernel refused");
    }
}

/// The floor of a listing: the servers of each service of the file are asked for, and what comes is not looked at.
fn raw_list(file: &Path) {
    const REQUEST_AND_DUMP: u16 = 0x301;
    const DONE: u16 = 3;
    let family = family_of_ipvs();
    let socket = netlink();
    let text = fs::read_to_string(file).expect("the file");
    let mut buffer = [0; 32768];
    let mut batch = Batch::default();
    for line in text.lines().filter(|line| line.starts_with("-A")) {
        let Change::AddService(service) = change(line) else { continue };
        batch.clear();
        codec::get_servers(&mut batch, family, &service.key);
        let mut bytes = batch.requests().collect::<Vec<_>>().concat();
        bytes[6..8].copy_from_slice(&REQUEST_AND_DUMP.to_ne_bytes());
        send(socket.as_raw_fd(), &bytes, MsgFlags::empty()).expect("send");
        let mut kind = 0;
        while kind != DONE {
            recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()).expect("a part of the dump");
            kind = u16::from_ne_bytes([buffer[4], buffer[5]]);
        }
    }
}

/// Reads `-A -t 10.0.0.1:80 -s wlc` or `-a -t 10.0.0.1:80 -r 11.0.0.1:80 -m -w 1`.
fn change(line: &str) -> Change {
    let mut words = line.split(' ');
    let mut address = |at| words.nth(at).and_then(|word| word.parse().ok()).expect("an address");
    let service: SocketAddrV4 = address(2);
    let key = ServiceKey::Address { protocol: Protocol::Tcp, address: (*service.ip()).into(), port: service.port() };
    if line.starts_with("-A") {
        return Change::AddService(VirtualService::new(key));
    }
    let server: SocketAddrV4 = address(1);
    let server = RealServer {
        key: ServerKey { address: (*server.ip()).into(), port: server.port() },
        forwarding: Forwarding::Masquerade,
        weight: Weight::default(),
        thresholds: Thresholds::default(),
    };
    Change::AddServer(key, server)
}

fn netlink() -> OwnedFd {
    socket(AddressFamily::Netlink, SockType::Raw, SockFlag::empty(), SockProtocol::NetlinkGeneric).expect("netlink")
}

/// Asks the netlink controller which number IPVS has.
fn family_of_ipvs() -> u16 {
    const NAME: u16 = 2;
    const NUMBER: u16 = 1;
    let request: Vec<u8> = [
        &[32, 0, 0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], // length, to the controller, a request
        &[3, 1, 0, 0],                                           // get family
        &[9, 0, NAME as u8, 0],
        b"IPVS\0\0\0\0",
    ]
    .concat();
    let socket = netlink();
    send(socket.as_raw_fd(), &request, MsgFlags::empty()).expect("send");
    let mut buffer = [0; 4096];
    let len = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()).expect("an answer");
    let word = |at: usize| u16::from_ne_bytes([buffer[at], buffer[at + 1]]);
    let mut at = 20;
    while at < len {
        if word(at + 2) == NUMBER {
            return word(at + 4);
        }
        at += usize::from(word(at)).next_multiple_of(4);
    }
    panic!("the kernel has no IPVS");
}

fn fastest(measure: impl FnMut() -> Duration) -> Duration {
    fastest_of(REPETITIONS, measure)
}

fn fastest_of(repetitions: usize, mut measure: impl FnMut() -> Duration) -> Duration {
    (0..repetitions).map(|_| measure()).min().expect("at least one")
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn run(command: &mut Command) {
    let status = command.status().expect("the program starts");
    assert!(status.success(), "{command:?}: {status}");
}

fn open(path: &Path) -> File {
    File::open(path).expect("the file")
}

/// Runs something in a fresh network namespace, with an IPVS table of its own.
fn in_netns<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace (is this the lab?)");
            // Without any address the kernel takes no server for unicast.
            run(Command::new("ip").args(["link", "set", "lo", "up"]));
            work()
        });
        thread.join().expect("the work")
    })
}
