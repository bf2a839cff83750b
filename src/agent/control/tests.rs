//! Both ends of a control socket, over real sockets in a directory of the test's own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;

const LIMIT: Duration = Duration::from_secs(5);

/// Serves `requests` at a socket until the returned guard is dropped, on a thread of its own: `echo` gives the parameters
/// back, `who` tells who asks, `refuse` refuses, `wait` never answers, anything else is dropped.
struct Process {
    directory: TempDir,
    end: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Process {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"))
    }

    fn start_in(directory: TempDir) -> Self {
        let path = directory.path().join("run/control.sock");
        let (end, ended) = tokio::sync::oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let server = Server::bind(&path).expect("a socket");
                ready.send(()).expect("somebody waits");
                let (sender, mut requests) = mpsc::channel(8);
                tokio::spawn(server.serve(sender));
                tokio::pin!(ended);
                let mut waiting = Vec::new();
                loop {
                    tokio::select! {
                        _ = &mut ended => return,
                        request = requests.recv() => {
                            let Some(Request { verb, params, by, reply }) = request else { return };
                            let _ = match verb.as_str() {
                                "echo" => reply.send(super::reply(&params)),
                                "who" => reply.send(super::reply(&by)),
                                "refuse" => reply.send(Err(vec![Complaint::new("no").hint("ask later")])),
                                "wait" => { waiting.push(reply); Ok(()) }
                                _ => Ok(()),
                            };
                        }
                    }
                }
            });
        });
        is_ready.recv_timeout(LIMIT).expect("it starts");
        Self { directory, end: Some(end), thread: Some(thread) }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("run/control.sock")
    }

    fn stop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

fn ask(path: &Path, verb: &str) -> Result<Value, CallError> {
    call(path, verb, json!({ "a": [1, 2] }), LIMIT)
}

#[test]
fn questions_are_answered() {
    let mut process = Process::start();
    let path = process.path();
    assert_eq!(fs::metadata(&path).expect("the socket").permissions().mode() & 0o777, 0o600);
    assert_eq!(ask(&path, "echo").expect("an answer"), json!({ "a": [1, 2] }));
    let Err(CallError::Refused(complaints)) = ask(&path, "refuse") else { panic!("it refuses") };
    assert_eq!(complaints, [Complaint::new("no").hint("ask later")]);
    let Err(CallError::Refused(complaints)) = ask(&path, "drop") else { panic!("there is no answer") };
    assert_eq!(complaints, [Complaint::new("the process is about to end")]);
    // Long lines go both ways.
    let long = json!("x".repeat(MOST_REQUEST - 100));
    assert_eq!(call::<Value>(&path, "echo", long.clone(), LIMIT).expect("an answer"), long);
    process.stop();
    assert!(!path.exists());
    assert!(matches!(ask(&path, "echo"), Err(CallError::NotRunning)));
}

#[test]
fn nonsense_is_refused_and_harms_nobody() {
    let process = Process::start();
    let talk = |line: &[u8]| {
        let mut stream = UnixStream::connect(process.path()).expect("somebody listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        // It may hang up before all of it is written.
        let _ = stream.write_all(line);
        let mut answer = String::new();
        let _ = BufReader::new(stream).read_line(&mut answer);
        answer
    };
    assert!(talk(b"hello\n").contains("this is no request"));
    assert!(talk(b"{\"version\":2,\"verb\":\"echo\"}\n").contains("this process speaks version 1"));
    assert!(talk(b"\xff\xfe\n").contains("this is no request"));
    assert!(talk(&vec![b' '; MOST_REQUEST + 1]).contains("at most 16777216 bytes"));
    assert!(ask(&process.path(), "echo").is_ok());
}

#[test]
fn a_slow_client_holds_nobody_up() {
    let process = Process::start();
    let mut slow: Vec<_> = (0..60).map(|_| UnixStream::connect(process.path()).expect("somebody listens")).collect();
    for stream in &mut slow {
        stream.write_all(b"{\"version\":1,").expect("half a request");
    }
    let begun = Instant::now();
    assert!(ask(&process.path(), "echo").is_ok());
    assert!(begun.elapsed() < Duration::from_secs(2));
    let more: Vec<_> = (0..4).map(|_| UnixStream::connect(process.path()).expect("somebody listens")).collect();
    let Err(CallError::Refused(complaints)) = ask(&process.path(), "echo") else { panic!("there are too many") };
    assert_eq!(complaints, [Complaint::new("too many clients")]);
    drop((slow, more));
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let process = Process::start();
    let begun = Instant::now();
    let answer = call::<Value>(&process.path(), "wait", Value::Null, Duration::from_millis(100));
    assert!(matches!(answer, Err(CallError::Broken(_))), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_live_socket_is_left_alone_and_a_dead_one_replaced() {
    let mut process = Process::start();
    let path = process.path();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _guard = runtime.enter();
    let error = Server::bind(&path).expect_err("it is taken");
    assert!(matches!(error, BindError::Taken { pid, .. } if pid == std::process::id()), "{error}");
    assert!(ask(&path, "echo").is_ok());
    process.stop();
    // What a killed process leaves behind.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    assert!(matches!(ask(&path, "echo"), Err(CallError::NotRunning)));
    let directory = std::mem::replace(&mut process.directory, tempfile::tempdir().expect("a directory"));
    let again = Process::start_in(directory);
    assert!(ask(&again.path(), "echo").is_ok());
}

#[test]
fn who_only_asks_who_has_a_socket_keeps_nobody_from_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("asked.sock");
    let file = fs::File::create(path.with_extension("lock")).expect("a file");
    let lock = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockSharedNonblock).expect("nobody has it");
    let asking = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        drop(lock);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _guard = runtime.enter();
    assert!(Server::bind(&path).is_ok());
    asking.join().expect("it ends");
}

#[test]
fn verbs_of_vrrp_come_back() {
    let lines = vec![(3, "vrrp add A".to_owned())];
    for wanted in [
        VrrpCall::Status {},
        VrrpCall::Promote { name: "A".to_owned() },
        VrrpCall::Demote { name: "A".to_owned() },
        VrrpCall::Reload { file: "/f".to_owned(), lines },
    ] {
        let (verb, params) = wanted.parts();
        assert_eq!(VrrpCall::read(&Request::of(verb, params).0), Ok(wanted));
    }
    for verb in ["vrrp.promote", "vrrp.destroy", ""] {
        assert!(VrrpCall::read(&Request::of(verb.to_owned(), Value::Null).0).is_err());
    }
}

#[test]
fn who_asks_is_what_the_kernel_says() {
    let process = Process::start();
    let says = ask(&process.path(), "who").expect("an answer");
    assert_eq!(says["pid"], std::process::id());
    assert!(says["user"].as_str().is_some_and(|user| !user.is_empty()), "{says}");
    // Only an agent, which is the parent of the process, may ask for somebody else.
    let mut stream = UnixStream::connect(process.path()).expect("somebody listens");
    stream.write_all(b"{\"version\":1,\"verb\":\"who\",\"by\":{\"user\":\"eve\",\"pid\":1}}\n").expect("taken");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("an answer");
    assert!(answer.contains("\"pid\"") && !answer.contains("eve"), "{answer}");
}
