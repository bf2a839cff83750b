//! Directors on one LAN, each a network namespace with `eth0` on a bridge, and the daemons that run on them.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Output, Words, in_netns_of, run, run_with_input};

/// A network. Everything of it is gone when this is dropped.
pub(crate) struct Site {
    /// The hosts: 10.9.9.1, 10.9.9.2 … and fd09::1, fd09::2 …
    pub(crate) hosts: Vec<Host>,
    lan: String,
    _directory: TempDir,
}

/// One host.
pub(crate) struct Host {
    pub(crate) number: u8,
    namespace: String,
    port: String,
    lan: String,
    directory: PathBuf,
}

impl Site {
    /// Makes a LAN with so many hosts.
    pub(crate) fn new(hosts: u8) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = format!("lvsadm{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = TempDir::with_prefix("lvsadm-vrrp-").expect("a temporary directory");
        let lan = format!("{id}-lan");
        let hosts: Vec<Host> = (1..=hosts)
            .map(|number| Host {
                number,
                namespace: format!("{id}-{number}"),
                port: format!("port{number}"),
                lan: lan.clone(),
                directory: directory.path().to_owned(),
            })
            .collect();
        let site = Self { hosts, lan, _directory: directory };
        let mut batch = format!("netns add {}\n", site.lan);
        for host in &site.hosts {
            batch += &format!("netns add {}\n", host.namespace);
        }
        run_with_input("ip -batch -", &batch).ok();
        // Link-local addresses must work at once.
        for host in &site.hosts {
            for name in ["net/ipv6/conf/default/accept_dad", "net/ipv6/conf/all/accept_dad"] {
                host.inside(|| fs::write(format!("/proc/sys/{name}"), "0")).expect("IPv6 in this kernel");
            }
        }
        let mut batch = String::new();
        for host in &site.hosts {
            let Host { namespace, port, lan, .. } = host;
            batch += &format!("link add eth0 netns {namespace} type veth peer name {port} netns {lan}\n");
        }
        run_with_input("ip -batch -", &batch).ok();
        let mut batch = "link add bridge type bridge mcast_snooping 0\nlink set bridge up\n".to_owned();
        for host in &site.hosts {
            batch += &format!("link set {0} master bridge\nlink set {0} up\n", host.port);
        }
        run_with_input(["ip", "-n", &site.lan, "-batch", "-"], &batch).ok();
        for host in &site.hosts {
            let n = host.number;
            let batch = format!(
                "link set lo up\nlink set eth0 up\naddress add 10.9.9.{n}/24 dev eth0\naddress add fd09::{n}/64 dev eth0 nodad\n"
            );
            run_with_input(["ip", "-n", &host.namespace, "-batch", "-"], &batch).ok();
        }
        site
    }

    /// Runs a function in the namespace of the LAN, where the bridge sees every frame.
    #[allow(dead_code, reason = "benches use it, tests do not")]
    pub(crate) fn on_lan<T: Send>(&self, function: impl FnOnce() -> T + Send) -> T {
        in_netns_of(&Path::new("/run/netns").join(&self.lan), function)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for name in self.hosts.iter().map(|host| &host.namespace).chain([&self.lan]) {
            let _ = run(["ip", "netns", "delete", name]);
        }
    }
}

impl Host {
    /// Runs a function on a thread in this host's namespace.
    pub(crate) fn inside<T: Send>(&self, function: impl FnOnce() -> T + Send) -> T {
        in_netns_of(&Path::new("/run/netns").join(&self.namespace), function)
    }

    /// Runs a command on this host.
    pub(crate) fn run(&self, words: impl Words) -> Output {
        let words = words.words();
        self.inside(|| run(words))
    }

    /// Whether the host has an address on any link.
    pub(crate) fn has(&self, address: &str) -> bool {
        let listed = self.run("ip -o address show").ok();
        listed.contains(&format!(" {address}/"))
    }

    /// Pulls the cable out, or puts it back.
    pub(crate) fn cable(&self, plugged: bool) {
        let state = if plugged { "up" } else { "down" };
        run(["ip", "-n", &self.lan, "link", "set", &self.port, state]).ok();
    }

    /// Writes a file of this host and returns its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.join(format!("{}-{name}", self.number));
        fs::write(&path, content).expect("a file in our directory");
        path
    }

    /// Starts stock keepalived's VRRP with a configuration.
    pub(crate) fn keepalived(&self, configuration: &str) -> Daemon {
        let file = self.file("keepalived.conf", configuration);
        let pids = self.directory.join(format!("{}-keepalived", self.number));
        // Those of a killed one name processes that may not have been waited for yet.
        for kind in ["", "-vrrp"] {
            let _ = fs::remove_file(format!("{}{kind}.pid", pids.display()));
        }
        let words: Vec<String> = [
            "keepalived".to_owned(),
            "--dont-fork".to_owned(),
            "--log-console".to_owned(),
            "--log-detail".to_owned(),
            "--vrrp".to_owned(),
            format!("--use-file={}", file.display()),
            format!("--pid={}.pid", pids.display()),
            format!("--vrrp_pid={}-vrrp.pid", pids.display()),
        ]
        .into();
        self.start(words)
    }

    /// Starts the lvsadm under test as `lvsadm vrrp run …`.
    pub(crate) fn vrrp_run(&self, arguments: impl Words) -> Daemon {
        let run_dir = self.run_dir();
        let mut words = vec![env!("CARGO_BIN_EXE_lvsadm").to_owned(), "vrrp".to_owned(), "run".to_owned()];
        words.extend(arguments.words());
        words.extend(["--run-dir".to_owned(), run_dir.display().to_string()]);
        self.start(words)
    }

    /// Runs `lvsadm vrrp …` about the process that [`Self::vrrp_run`] started.
    pub(crate) fn vrrp(&self, arguments: impl Words) -> Output {
        let mut words = vec![env!("CARGO_BIN_EXE_lvsadm").to_owned(), "vrrp".to_owned()];
        words.extend(arguments.words());
        words.extend(["--run-dir".to_owned(), self.run_dir().display().to_string()]);
        self.run(words)
    }

    /// Starts the lvsadm under test with a save file of these lines.
    pub(crate) fn vrrp_file(&self, lines: &str) -> Daemon {
        let file = self.file("state", lines);
        self.vrrp_run(format!("--state {}", file.display()))
    }

    /// Runs `lvsadm vrrp …` about the save file of [`Self::vrrp_file`], and so about the process.
    pub(crate) fn change(&self, arguments: impl Words) -> Output {
        let mut words = arguments.words();
        words.extend(["--state".to_owned(), self.state().display().to_string()]);
        self.vrrp(words)
    }

    /// The save file.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.join(format!("{}-state", self.number))
    }

    /// How everything is doing that lvsadm runs here.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.vrrp("show --json").ok()).expect("JSON")
    }

    /// How one instance is doing; null if there is none, or no process.
    pub(crate) fn instance(&self, name: &str) -> Value {
        let shown = self.vrrp(["show", name, "--json"]);
        let status: Value = serde_json::from_str(&shown.stdout).unwrap_or_default();
        status["instances"][0].clone()
    }

    /// Whether one instance is in this state.
    pub(crate) fn is(&self, name: &str, state: &str) -> bool {
        self.instance(name)["state"] == state
    }

    /// How often one instance became master.
    pub(crate) fn became_master(&self, name: &str) -> u64 {
        self.instance(name)["counters"]["became_master"].as_u64().unwrap_or_default()
    }

    /// A kernel parameter, by its path below `/proc/sys/net`.
    pub(crate) fn sysctl(&self, path: &str) -> String {
        let text = self.inside(|| fs::read_to_string(format!("/proc/sys/net/{path}")));
        text.unwrap_or_else(|error| panic!("{path}: {error}")).trim().to_owned()
    }

    /// Sets a kernel parameter.
    pub(crate) fn set_sysctl(&self, path: &str, value: &str) {
        let written = self.inside(|| fs::write(format!("/proc/sys/net/{path}"), value));
        written.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Whether a ping to an address is answered.
    pub(crate) fn pings(&self, address: &str) -> bool {
        self.run(["ping", "-n", "-c", "1", "-W", "1", address]).status == 0
    }

    /// Where the lvsadm of this host keeps what it knows.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.directory.join(format!("{}-run", self.number))
    }

    /// Starts any command that runs until it is dropped.
    pub(crate) fn start(&self, words: Vec<String>) -> Daemon {
        let name = format!("{} on host {}", words[0].rsplit('/').next().unwrap_or_default(), self.number);
        let child = self.inside(|| {
            let mut command = Command::new(&words[0]);
            // A group of its own: keepalived has children.
            command.args(&words[1..]).process_group(0);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap_or_else(|error| panic!("cannot start {words:?}: {error}"))
        });
        Daemon::new(name, child)
    }
}

/// A daemon, with what it said so far.
pub(crate) struct Daemon {
    name: String,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Daemon {
    fn new(name: String, mut child: Child) -> Self {
        let log = Arc::new(Mutex::new(String::new()));
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("standard output is a pipe")),
            Box::new(child.stderr.take().expect("standard error is a pipe")),
        ];
        for stream in streams {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let mut log = log.lock().expect("no reader panics");
                    log.push_str(&line);
                    log.push('\n');
                }
            });
        }
        Self { name, child, log }
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no reader panics").clone()
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end.
    pub(crate) fn ask_to_end(&self) {
        kill(self.main(), Signal::SIGTERM).expect("it runs");
    }

    /// Asks it to end, and waits until it has; returns how long that took and its exit status.
    pub(crate) fn stop(&mut self) -> (Duration, Option<i32>) {
        let begun = Instant::now();
        self.ask_to_end();
        let give_up = begun + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.try_wait().expect("our child") {
                return (begun.elapsed(), status.code());
            }
            assert!(Instant::now() < give_up, "{} does not end:\n{}", self.name, self.log());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for it to end, if it has not yet.
    pub(crate) fn stop_quietly(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends it without a chance to say anything, children included.
    pub(crate) fn kill(&mut self) {
        let _ = kill(Pid::from_raw(-self.main().as_raw()), Signal::SIGKILL);
        let _ = self.child.wait();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.main(), signal).expect("it runs");
    }

    fn main(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
        if thread::panicking() {
            eprintln!("--- {}\n{}", self.name, self.log());
        }
    }
}

/// Waits until something holds; fails the test if it does not within `limit`. Returns how long it took.
#[track_caller]
pub(crate) fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < limit, "after {limit:?} still not: {what}");
        thread::sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}
