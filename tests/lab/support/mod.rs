//! What lab tests share: network namespaces, commands run in them, and (in [`hosts`]) a network of several
//! hosts, with clients that count what they get ([`traffic`]).
//!
//! Nothing here knows what IPVS is supposed to do: the judges are the kernel and stock tools.

pub(crate) mod daemons;
pub(crate) mod hosts;
pub(crate) mod terminal;
pub(crate) mod traffic;

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, panic, thread};

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;

/// Runs a test in a fresh network namespace with only `lo` in it, and so with an empty IPVS table of its own.
///
/// The namespace belongs to a new thread; commands started there inherit it. Files below `/proc/net` are those of the
/// process, not of the thread: read `/proc/thread-self/net` instead.
pub(crate) fn in_netns<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    on_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace (is this the lab?)");
        run("ip link set lo up").ok();
        test()
    })
}

/// Runs a function in the network namespace that a file stands for.
pub(crate) fn in_netns_of<T: Send>(file: &Path, function: impl FnOnce() -> T + Send) -> T {
    on_thread(|| {
        let namespace = File::open(file).expect("a named network namespace");
        setns(namespace, CloneFlags::CLONE_NEWNET).expect("to enter a network namespace");
        function()
    })
}

/// A thread that changes its namespace cannot be used for anything else afterwards, so it ends with the function.
fn on_thread<T: Send>(function: impl FnOnce() -> T + Send) -> T {
    let result = thread::scope(|scope| scope.spawn(function).join());
    result.unwrap_or_else(|payload| panic::resume_unwind(payload))
}

/// A command line: a string is split at white space, an array is taken as it is.
pub(crate) trait Words {
    /// The words one by one.
    fn words(&self) -> Vec<String>;
}

impl Words for str {
    fn words(&self) -> Vec<String> {
        self.split_whitespace().map(Self::to_owned).collect()
    }
}

impl Words for String {
    fn words(&self) -> Vec<String> {
        self.as_str().words()
    }
}

impl<S: AsRef<str>> Words for [S] {
    fn words(&self) -> Vec<String> {
        self.iter().map(|word| word.as_ref().to_owned()).collect()
    }
}

impl<S: AsRef<str>, const N: usize> Words for [S; N] {
    fn words(&self) -> Vec<String> {
        self.as_slice().words()
    }
}

impl<S: AsRef<str>> Words for Vec<S> {
    fn words(&self) -> Vec<String> {
        self.as_slice().words()
    }
}

impl<W: Words + ?Sized> Words for &W {
    fn words(&self) -> Vec<String> {
        (*self).words()
    }
}

/// What a command left behind. Shows itself like a terminal session, for assertions and snapshots.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained about.
    pub(crate) stderr: String,
    /// Its exit status; 128 + the number of the signal that killed it.
    pub(crate) status: i32,
    command: String,
}

impl Output {
    /// Its standard output; fails the test if the command failed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, 0, "{self}");
        self.stdout
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$ {}\n{}--- stderr\n{}--- status {}", self.command, self.stdout, self.stderr, self.status)
    }
}

/// Runs a command in the namespace of the calling thread, with nothing to read.
pub(crate) fn run(words: impl Words) -> Output {
    run_with_input(words, "")
}

/// Runs a command that reads the given text.
pub(crate) fn run_with_input(words: impl Words, input: impl AsRef<[u8]>) -> Output {
    output(&mut command(words), input.as_ref())
}

/// Runs stock ipvsadm.
pub(crate) fn ipvsadm(arguments: impl Words) -> Output {
    output(Command::new("ipvsadm").args(arguments.words()), b"")
}

/// The servers that stock ipvsadm shows, as `127.0.0.11:80 1` (the weight), sorted.
pub(crate) fn rows() -> Vec<String> {
    let listing = ipvsadm("-Ln").ok();
    let row = |line: &str| {
        let words: Vec<_> = line.trim().strip_prefix("-> ")?.split_whitespace().collect();
        let (address, weight) = (words.first()?, words.get(2)?);
        weight.parse::<u32>().is_ok().then(|| format!("{address} {weight}"))
    };
    let mut rows: Vec<_> = listing.lines().filter_map(row).collect();
    rows.sort_unstable();
    rows
}

/// Waits until something is so; fails the test, and says what the table is, if it is not in time.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < give_up, "still not: {what}\n{}", ipvsadm("-Ln"));
        thread::sleep(Duration::from_millis(50));
    }
}

/// Runs the lvsadm under test.
pub(crate) fn lvsadm(arguments: impl Words) -> Output {
    lvsadm_as("lvsadm", arguments, "")
}

/// Runs the lvsadm under test by another name, as through a link (`ipvsadm`, `ipvsadm-restore` …), reading the given
/// text.
pub(crate) fn lvsadm_as(name: impl AsRef<OsStr>, arguments: impl Words, input: impl AsRef<[u8]>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
    output(command.arg0(name).args(arguments.words()), input.as_ref())
}

/// A command that runs until this is dropped.
pub(crate) struct Background(Child);

impl Background {
    /// Starts it in the namespace of the calling thread.
    pub(crate) fn start(words: impl Words) -> Self {
        let mut command = command(words);
        let child = command.stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child of ours").is_some()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(words: impl Words) -> Command {
    let words = words.words();
    let (program, arguments) = words.split_first().expect("a command has a name");
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn output(command: &mut Command, input: &[u8]) -> Output {
    use std::os::unix::process::ExitStatusExt;

    let line = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<_> = line.map(OsStr::to_string_lossy).collect();
    let line = line.join(" ");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let output = thread::scope(|scope| {
        // A command may end without reading all of its input: that is its own business.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("the output of a child")
    });
    let status = output.status;
    Output {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1),
        command: line,
    }
}
