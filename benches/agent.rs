//! What a reload that changes one weight costs with 2,000 services of 10 servers, beside stock keepalived: `tests/bench` runs
//! this inside the lab. Prints the rows of a Markdown table. With `--decisions` it needs no kernel, and measures what the check
//! process does before it writes.
//!
//! Each program has a network namespace of its own. The time is from the signal until the kernel has the weight; processor
//! time is that of the process that keeps the table.

// Of what tests use, only a part is used here.
#[allow(dead_code)]
#[path = "../tests/lab/support/mod.rs"]
mod support;

use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lvsadm::{
    agent::{
        check::{After, Layer, control::Loaded},
        control::{self, CheckCall},
    },
    host::namespace,
    ipvs::Client,
    model::{Moment, Protocol, ServiceKey},
    pool::{Engine, Step, settings::Scope},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use support::in_netns;

/// How many services are reloaded.
const SERVICES: [u32; 2] = [200, 2000];
/// Servers of each service.
const SERVERS: u32 = 10;

/// How long a program may take to have its table in the kernel, and for a reload.
const LIMIT: Duration = Duration::from_secs(900);

fn main() {
    if env::args().any(|word| word == "--decisions") {
        return decisions();
    }
    println!("| work | keepalived | lvsadm | ratio | target |");
    println!("|---|---|---|---|---|");
    for services in SERVICES {
        row(services, &measure(&Keepalived, services), &measure(&Lvsadm, services));
    }
}

fn row(services: u32, stock: &Measured, ours: &Measured) {
    let compared = |of: &dyn Fn(&Measured) -> f64, unit: &str| {
        format!("{:.0} {unit} | {:.0} {unit} | {:.3} ×", of(stock), of(ours), of(ours) / of(stock))
    };
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "| reload of {services} services × {SERVERS} servers, one weight changed: until the kernel has it | {} | |",
        compared(&|each| ms(each.wall), "ms")
    );
    println!("| … processor time of the process | {} | < 100 ms |", compared(&|each| ms(each.time), "ms"));
    let writes = ours.writes.map_or_else(|| "?".to_owned(), |count| count.to_string());
    println!("| … changes of the kernel's table | | {writes} | | 1 |");
    println!("| … resident memory | {} | 2 × |", compared(&|each| each.memory as f64, "kB"));
}

struct Measured {
    wall: Duration,
    time: Duration,
    memory: u64,
    writes: Option<u64>,
}

/// A program that keeps a table, and how its file looks with this weight of the last server of the last service.
trait Keeps {
    fn file(&self, services: u32, weight: u32) -> String;
    fn start(&self, file: &Path, directory: &Path) -> (Child, Pid);
    fn writes(&self) -> Option<u64> {
        None
    }
}

fn virtual_address(service: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0001 + service)
}

fn real_address(service: u32, server: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0b00_0001 + service * SERVERS + server)
}

/// The last server of the last service has the weight `last`.
fn weight_of(is_last: bool, server: u32, last: u32) -> u32 {
    if is_last && server == SERVERS - 1 { last } else { 1 }
}

struct Keepalived;

impl Keeps for Keepalived {
    fn file(&self, services: u32, weight: u32) -> String {
        let mut text = String::new();
        for service in 0..services {
            let address = virtual_address(service);
            text += &format!("virtual_server {address} 80 {{\ndelay_loop 600\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n");
            for server in 0..SERVERS {
                let weight = weight_of(service + 1 == services, server, weight);
                let address = real_address(service, server);
                text +=
                    &format!("real_server {address} 80 {{\nweight {weight}\nTCP_CHECK {{\nconnect_timeout 5\n}}\n}}\n");
            }
            text += "}\n";
        }
        text
    }

    fn start(&self, file: &Path, directory: &Path) -> (Child, Pid) {
        let path = |name: &str| directory.join(name);
        let mut command = Command::new("keepalived");
        command.args(["--check", "--dont-fork", "--use-file"]).arg(file);
        command.arg("--pid").arg(path("pid")).arg("--checkers_pid").arg(path("checkers"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("keepalived (is it installed?)");
        let number = wait(|| fs::read_to_string(path("checkers")).ok().and_then(|text| text.trim().parse().ok()));
        (child, Pid::from_raw(number))
    }
}

struct Lvsadm;

impl Keeps for Lvsadm {
    fn file(&self, services: u32, weight: u32) -> String {
        let mut text = String::new();
        for service in 0..services {
            let name = format!("-t {}:80", virtual_address(service));
            text += &format!("-A {name} -s rr\n");
            for server in 0..SERVERS {
                let weight = weight_of(service + 1 == services, server, weight);
                text += &format!("-a {name} -r {}:80 -m -w {weight}\n", real_address(service, server));
            }
            text += &format!("check add {name} tcp --interval 600s --initial up\n");
        }
        text
    }

    fn start(&self, file: &Path, _directory: &Path) -> (Child, Pid) {
        let child = Command::new(env!("CARGO_BIN_EXE_lvsadm"))
            .args(["check", "run", "--compare", "3600"])
            .arg(file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.expect("lvsadm");
        let pid = Pid::from_raw(child.id().cast_signed());
        (child, pid)
    }

    fn writes(&self) -> Option<u64> {
        let (verb, params) = CheckCall::Status {}.parts();
        let answer: Result<serde_json::Value, _> =
            control::call(&namespace::run_dir(None).join("check.sock"), &verb, params, LIMIT);
        answer.expect("it answers")["table"]["changes"].as_u64()
    }
}

fn measure(program: &(dyn Keeps + Sync), services: u32) -> Measured {
    in_netns(|| {
        support::run("ip route add local 11.0.0.0/8 dev lo").ok();
        let listener = TcpListener::bind("0.0.0.0:80").expect("a port");
        thread::spawn(move || listener.incoming().for_each(drop));
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        fs::write(&file, program.file(services, 1)).expect("written");
        let (mut child, process) = program.start(&file, directory.path());
        let mut client = Client::open().expect("IPVS (is this the lab?)");
        let key = |service| {
            let address = IpAddr::V4(virtual_address(service));
            ServiceKey::Address { protocol: Protocol::Tcp, address, port: 80 }
        };
        // By netlink: with services in several namespaces, /proc/net/ip_vs leaves some of them out.
        let mut complete = 0;
        wait(|| {
            let mut servers =
                |service| client.service(&key(service)).ok().flatten().map_or(0, |found| found.servers.len());
            while complete < services && servers(complete) == SERVERS as usize {
                complete += 1;
            }
            // Reading it takes the one processor that the program should have.
            thread::sleep(Duration::from_millis(500));
            (complete == services).then_some(())
        });
        let mut weight = || {
            let found = client.service(&key(services - 1)).ok().flatten()?;
            let last = IpAddr::V4(real_address(services - 1, SERVERS - 1));
            let found = found.servers.iter().find(|each| each.server.key.address == last);
            found.map(|each| each.server.weight.value())
        };
        // It may still be busy with its first checks.
        thread::sleep(Duration::from_secs(5));
        fs::write(&file, program.file(services, 7)).expect("written");
        let before = time(process);
        let begin = Instant::now();
        // keepalived's checker knows only what its parent has read.
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGHUP).expect("it runs");
        wait(|| weight().filter(|weight| *weight == 7));
        let wall = begin.elapsed();
        // What it tidies up belongs to it.
        thread::sleep(Duration::from_secs(2));
        let measured = Measured {
            wall,
            time: time(process) - before,
            memory: memory(process),
            // Asked at the end, because the answer is long: all but those that made the table.
            writes: program.writes().map(|all| all - u64::from(services * (1 + SERVERS))),
        };
        let _ = kill(process, Signal::SIGKILL);
        let _ = child.kill();
        let _ = child.wait();
        measured
    })
}

fn wait<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "it takes too long");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Processor time of a process so far.
fn time(process: Pid) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
    let of = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.map_while(Result::ok).filter_map(of).sum())
}

/// Resident memory in kB.
fn memory(process: Pid) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("a number")
}

/// Each part of a reload by itself.
fn decisions() {
    let directory = tempfile::tempdir().expect("a directory");
    let file: PathBuf = directory.path().join("file");
    let own = Pid::this();
    let moment = Moment::from_start(Duration::from_secs(1));
    let write = |weight| fs::write(&file, Lvsadm.file(SERVICES[1], weight)).expect("written");
    let show = |what: &str, begin: Instant| println!("| {what} | {:.1?} | {} kB |", begin.elapsed(), memory(own));

    write(1);
    let begin = Instant::now();
    let old = Loaded::read(&file).expect("a good file");
    show("file read for the first time", begin);
    let operator = old.table.clone().expect("a table");
    let begin = Instant::now();
    let settings = old.over(operator.clone(), Scope::All).settings;
    show("lines laid over the table", begin);
    let begin = Instant::now();
    let mut engine = Engine::new(moment, settings, &operator, 1, 1000);
    let changed = |engine: &mut Engine| {
        let mut changed = 0;
        while let Some(step) = engine.poll(moment) {
            match step {
                Step::Changed(_) => changed += 1,
                Step::Start(_) => break,
                _ => {}
            }
        }
        changed
    };
    let count = changed(&mut engine);
    show(&format!("pools and probes made, {count} services to write"), begin);

    write(7);
    let begin = Instant::now();
    let whole = Instant::now();
    let new = old.read_again().expect("a good file");
    show("file read again", begin);
    let begin = Instant::now();
    let After { scope, operator: table, .. } = new.after(&old, engine.pools());
    show("what changed of the table", begin);
    let begin = Instant::now();
    let settings = new.over(table, scope).settings;
    show("lines laid over the table again", begin);
    let begin = Instant::now();
    engine.replace(moment, settings, &operator);
    let count = changed(&mut engine);
    show(&format!("pools and probes replaced, {count} services to write"), begin);
    show("all of the reload", whole);
}
