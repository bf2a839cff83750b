//! `lvsadm vrrp`: what it makes of the save file, what it tells a process, what it says of mistakes, and its listings.
//!
//! No virtual router runs here: a stand-in answers at the control socket.

use std::{
    fs,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use lvsadm::{
    agent::control::{Complaint, Reply, Request, Server, VrrpCall, reply},
    cli::{json, render},
    vrrp::{
        event::{Cause, LinkFault, Observation, State},
        status::{
            Counters, GroupStatus, InstanceStatus, Lateness, PeerStatus, Rejected, Status, TrackerStatus, Transition,
        },
    },
};
use tempfile::TempDir;

use crate::check;

/// A directory with a save file called `state` and a control socket in `run`.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn with(state: &str) -> Self {
        let home = Self::new();
        fs::write(home.state(), state).expect("written");
        home
    }

    fn state(&self) -> std::path::PathBuf {
        self.0.path().join("state")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.state()).unwrap_or_else(|error| format!("{error}\n"))
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        command.arg("vrrp").args(words).args(["--run-dir", "run"]);
        command.env_clear().env("COLUMNS", "100").env("LVSADM_STATE", "state").current_dir(self.0.path());
        command.stdin(Stdio::null());
        command
    }

    /// Runs one line, words as a shell has them, and returns all that it did.
    fn run(&self, line: &str) -> String {
        let words = lvsadm::state::words::split(line).expect(line);
        let words: Vec<_> = words.into_iter().map(|word| word.text.into_owned()).collect();
        let output = self.command(&words).output().expect("the program starts");
        let mut text = format!("$ lvsadm vrrp {line}\n{}", String::from_utf8_lossy(&output.stdout));
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            text += &format!("! {line}\n");
        }
        text + &format!("[{}]\n", output.status.code().unwrap_or(-1))
    }

    fn session(&self, lines: &[&str]) -> String {
        lines.iter().map(|line| self.run(line)).collect::<Vec<_>>().join("\n")
    }

    /// Answers requests at the control socket as `answer` says, until the returned sender is dropped.
    fn process(&self, answer: impl Fn(VrrpCall) -> Reply + Send + 'static) -> tokio::sync::oneshot::Sender<()> {
        self.serve("vrrp.sock", move |request| VrrpCall::read(request).and_then(&answer))
    }

    /// The same at any socket, for any verb.
    fn serve(
        &self,
        name: &str,
        answer: impl Fn(&Request) -> Reply + Send + 'static,
    ) -> tokio::sync::oneshot::Sender<()> {
        let path = self.0.path().join("run").join(name);
        let (end, ended) = tokio::sync::oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let server = Server::bind(&path).expect("a socket");
                ready.send(()).expect("somebody waits");
                let (sender, mut requests) = tokio::sync::mpsc::channel(8);
                tokio::spawn(server.serve(sender));
                let serve = async {
                    while let Some(request) = requests.recv().await {
                        let reply = answer(&request);
                        let Request { reply: taker, .. } = request;
                        let _ = taker.send(reply);
                    }
                };
                tokio::select! { () = serve => {}, _ = ended => {} }
            });
        });
        is_ready.recv_timeout(Duration::from_secs(5)).expect("it starts");
        end
    }
}

const STATE: &str = "\
# two directors
-A -t 10.0.0.1:80 -s rr
vrrp add-script chk --command /bin/true # every second
vrrp add VI_1 --interface eth0 --vrid 51 --address 10.9.9.100/24   --track-script chk # the web
vrrp add VI_2 --interface eth0 --vrid 52 --address 10.9.9.101/24
vrrp add-group VG --member VI_1 --member VI_2
check add -t 10.0.0.1:80
";

#[test]
fn a_day_at_the_save_file() {
    let home = Home::with(STATE);
    let mut text = home.session(&[
        "edit VI_1 --priority 150 --address '10.9.9.102/32 dev eth1' --notify-master '/bin/logger \"I am it\"'",
        "edit VI_2 --interval 2s --unset address=10.9.9.101 --address 10.9.9.103",
        "edit-script chk --interval 500ms",
        "add VI_3 --interface eth1 --vrid 51 --address fe80::51 --interval 100ms --vmac",
        "add VI_3 --interface eth1 --vrid 53 --address fe80::51",
        "add VI_3 --interface eth1 --vrid 53 --address fe80::51 --or-edit",
        "set --startup-delay 20s",
        "set --fifo '/run/vrrp.fifo owner alice'",
        "set --unset startup-delay --unset fifo",
        "delete-group VG",
        "delete VI_2 VI_9",
        "delete VI_2 VI_9 --if-exists",
        "list",
        "show VI_1",
        "list VI_9",
        "promote VI_1",
    ]);
    text += &format!("\n$ cat state\n{}", home.text());
    check("vrrp-day", &text);
}

#[test]
fn mistakes() {
    let home = Home::with(STATE);
    let text = home.session(&[
        "ad VI_3",
        "add",
        "add VI_3",
        "add 'VI 3' --interface eth0/1 --vrid 0 --priority 256 --interval 15ms --version 4 --address 10.9.9.300 \
         --track-interface :5 --garp-repeat 0 --notify-fault ./fault.sh",
        "add VI_3 --interface eth0 --vrid 51 --address 10.9.9.104 --interval 0.5 --auth pass --secret 123456789",
        "add VI_3 --interface eth0 --vrid 53 --address 10.9.9.104 --address fe80::1 --track-script chek --track-file f",
        "add VI_3 --interface eth0 --vrid 53 --address '10.9.9.104 lable x' --route '10.1.0.0/16' \
         --rule 'from 10.9.9.104 lookup 100'",
        "add VI_3 --interface eth0 --vrid 53 --address 10.9.9.104 --secret-file /nowhere/secret --auth pass",
        "add VI_3 --interface eth0 --vrid 53 --address 10.9.9.104 --strict --initial master --auth ah --secret x",
        "add VI_3 --interface eth0 --vrid 53 --address 10.9.9.104 --unicast-peer 10.9.9.2,ttl=9 --group 224.0.0.99",
        "add VI_3 --vrid 53 --address 10.9.9.104 --prioriti 5",
        "edit VI_1",
        "edit VI_1 --unset prioriti --unset address=10.0.0.1",
        "edit VI_1 --version 3 --interval 10ms --track-script chk:-300",
        "delete VI_1",
        "add-group VH --member VI_1 --member VI_4",
        "add-script s --command bin/check.sh --interval 0",
        "add-process p --program /usr/sbin/nginx --quorum 3 --quorum-max 2",
        "add-file f --path drain --weight 300",
        "set",
        "show VI_3",
        "list --watch=0",
    ]);
    check("vrrp-mistakes", &text);
    assert_eq!(home.text(), STATE);
}

#[test]
fn faults_of_the_file_stop_every_change() {
    let home = Home::with("vrrp add VI_1 --vrid 300 --address x\nweb add y\n  vrrp add-script 'chk\n");
    check("vrrp-bad-file", &home.session(&["add VI_2 --interface eth0 --vrid 1 --address 10.0.0.1", "list"]));
}

#[test]
fn a_secret_makes_the_file_private() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::with(STATE);
    let mode = || fs::metadata(home.state()).expect("there").permissions().mode() & 0o777;
    fs::set_permissions(home.state(), fs::Permissions::from_mode(0o644)).expect("ours");
    home.run("edit VI_1 --priority 7");
    assert_eq!(mode(), 0o644);
    let said = home.run("edit VI_1 --auth pass --secret hidden");
    assert!(said.contains("warning: others on this machine may see the secret"), "{said}");
    assert_eq!(mode(), 0o600);
    fs::set_permissions(home.state(), fs::Permissions::from_mode(0o640)).expect("ours");
    assert!(home.run("list").contains("warning: state holds a secret, and others may read it"));
}

#[test]
fn many_commands_at_once_lose_nothing() {
    let home = Home::with(STATE);
    let children: Vec<_> = (1..=12)
        .map(|number| {
            let line = format!("add P{number} --interface eth9 --vrid {number} --address 10.8.0.{number}");
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            home.command(&words).spawn().expect("it starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let text = home.text();
    assert!((1..=12).all(|number| text.contains(&format!("vrrp add P{number} "))), "{text}");
    assert_eq!(text.lines().count(), STATE.lines().count() + 12);
    let left: Vec<_> =
        fs::read_dir(home.0.path()).expect("there").map(|entry| entry.expect("there").file_name()).collect();
    assert_eq!(left, ["state"]);
}

#[test]
fn a_running_process_is_told() {
    let home = Home::with(STATE);
    let (told, heard) = mpsc::channel();
    let process = home.process(move |call| {
        let _ = told.send(call.clone());
        match call {
            VrrpCall::Status {} => reply(&status()),
            VrrpCall::Demote { name } => Err(vec![Complaint::new(format!("{name} is not master")).hint("see list")]),
            _ => reply(&()),
        }
    });
    let text = home.session(&["edit VI_1 --priority 7", "promote VI_1", "demote VI_1", "list", "list VI_1 VI_5"]);
    check("vrrp-told", &text);
    let path = fs::canonicalize(home.state()).expect("there");
    let lines = home.text().lines().map(str::to_owned).enumerate().map(|(at, line)| (at + 1, line)).collect::<Vec<_>>();
    let lines = lines.into_iter().filter(|(_, line)| line.starts_with("vrrp")).collect();
    assert_eq!(heard.recv(), Ok(VrrpCall::Reload { file: path.display().to_string(), lines }));
    assert_eq!(heard.recv(), Ok(VrrpCall::Promote { name: "VI_1".to_owned() }));
    drop(process);
}

/// An agent that runs virtual routers is asked itself; where it has none, a process that runs alone.
#[test]
fn one_door() {
    let home = Home::with(STATE);
    let (told, heard) = mpsc::channel();
    let own = told.clone();
    let _process = home.serve("vrrp.sock", move |request| {
        let _ = own.send(format!("alone: {}", request.verb));
        reply(&())
    });
    for (state, wanted) in
        [("idle", "alone: vrrp.promote"), ("ready", "agent: vrrp.promote"), ("waiting", "agent: vrrp.promote")]
    {
        let told = told.clone();
        let agent = home.serve("agent.sock", move |request| match request.verb.as_str() {
            "agent.status" => reply(&serde_json::json!({
                "pid": 1, "version": "1", "phase": "running", "since_ms": 1, "run_dir": "", "file": "", "revision": 1,
                "saved": true, "autosave": false, "processes": [{ "name": "vrrp", "state": state, "restarts": 0 }],
            })),
            verb => {
                let _ = told.send(format!("agent: {verb}"));
                reply(&())
            }
        });
        home.run("promote VI_1");
        assert_eq!(heard.recv_timeout(Duration::from_secs(5)).as_deref(), Ok(wanted), "{state}");
        assert!(heard.try_recv().is_err(), "once");
        drop(agent);
        // Its socket goes with it, and its lock a moment later.
        let gone = || std::os::unix::net::UnixStream::connect(home.0.path().join("run/agent.sock")).is_err();
        while !gone() {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn what_the_process_refuses_is_not_in_the_file() {
    let home = Home::with(STATE);
    let process = home.process(|_| Err(vec![Complaint::new("there is no interface eth7").hint("ip link shows them")]));
    let text = home.run("add VI_7 --interface eth7 --vrid 7 --address 10.7.0.1");
    assert_eq!(
        text,
        "$ lvsadm vrrp add VI_7 --interface eth7 --vrid 7 --address 10.7.0.1\n! note: state is what it was\n\
         ! error: there is no interface eth7\n! hint: ip link shows them\n[1]\n"
    );
    assert_eq!(home.text(), STATE);
    drop(process);
}

#[test]
fn listings_for_people_and_programs() {
    check("vrrp-list", &render::vrrp_list(&status(), true));
    check("vrrp-show", &render::vrrp_show(&status(), true));
    let status = status();
    let json = json::VirtualRouters::new(&status, true);
    check("vrrp-json", &(serde_json::to_string_pretty(&json).expect("JSON") + "\n"));
}

/// Something of everything, and names that somebody hostile chose.
fn status() -> Status {
    let address = |text: &str| text.parse().expect("an address");
    let transition = |ago_ms, from, to, cause| Transition { ago_ms, from, to, cause };
    let peer = PeerStatus { address: address("10.9.9.2"), priority: 100, interval_ms: 1000, ago_ms: 312, adverts: 77 };
    let silent = Cause::MasterSilent { master: Some(address("10.9.9.2")), silence: Duration::from_millis(3609) };
    let base = InstanceStatus {
        name: "VI_1".to_owned(),
        interface: Some("eth0".to_owned()),
        vrid: 51,
        version: 2,
        family: "ipv4".to_owned(),
        state: State::Master,
        since_ms: 896_000,
        transitions: vec![
            transition(896_000, State::Backup, State::Master, silent),
            transition(900_000, State::Init, State::Backup, Cause::Started),
        ],
        base_priority: 150,
        priority: 130,
        interval_ms: 1000,
        source: Some(address("10.9.9.1")),
        group: Some("VG".to_owned()),
        order: None,
        addresses: vec!["10.9.9.100/24".to_owned(), "10.9.9.101 dev eth1".to_owned()],
        peers: vec![peer],
        timer_ms: Some(312),
        waits_for: Vec::new(),
        counters: Counters {
            sent: 900,
            received: 77,
            became_master: 1,
            lower_received: 2,
            rejected: Rejected { auth_failure: 3, checksum: 1, ..Rejected::default() },
            ..Counters::default()
        },
    };
    let backup = InstanceStatus {
        name: "VI_2".to_owned(),
        state: State::Backup,
        since_ms: 4_200,
        order: Some("demote".to_owned()),
        transitions: vec![transition(4_200, State::Master, State::Backup, Cause::Operator)],
        version: 3,
        family: "ipv6".to_owned(),
        interval_ms: 100,
        addresses: vec!["fe80::51".to_owned()],
        priority: 150,
        ..base.clone()
    };
    let fault = InstanceStatus {
        name: "\u{1b}[2JVI_3".to_owned(),
        interface: None,
        state: State::Fault,
        since_ms: 20,
        transitions: vec![transition(20, State::Init, State::Fault, Cause::Link { fault: LinkFault::Down })],
        group: None,
        addresses: Vec::new(),
        peers: Vec::new(),
        timer_ms: None,
        waits_for: vec!["script chk\n".to_owned()],
        ..base.clone()
    };
    Status {
        instances: vec![base, backup, fault],
        groups: vec![GroupStatus {
            name: "VG".to_owned(),
            state: State::Master,
            since_ms: 896_000,
            members: vec!["VI_1".to_owned(), "VI_2".to_owned()],
        }],
        trackers: vec![
            TrackerStatus {
                tracker: "script chk".to_owned(),
                observation: Observation::Unknown,
                since_ms: 5,
                users: vec!["VI_1".to_owned()],
            },
            TrackerStatus {
                tracker: "file drain".to_owned(),
                observation: Observation::Value(-3),
                since_ms: 65_000,
                users: vec!["VI_1".to_owned(), "VG".to_owned()],
            },
        ],
        lateness: Lateness { timers: 1000, worst_us: 12_345, total_us: 50_000, over: [3, 1, 0, 0] },
    }
}
