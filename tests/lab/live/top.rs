//! The live view: rates against what was really done, and a terminal that is as it was afterwards.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    hosts::{Family, Forwarding, Hosts},
    in_netns, ipvsadm, lvsadm, run_with_input,
};

#[test]
fn rates_are_what_was_done() {
    let hosts = Hosts::new(2);
    hosts.prepare(Forwarding::Nat, Family::V4);
    let director = &hosts.director;
    director.ipvsadm("-A -t 10.0.0.100:80 -s rr").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.11:80 -m").ok();
    director.ipvsadm("-a -t 10.0.0.100:80 -r 10.0.0.12:80 -m").ok();
    let (output, requests) = thread::scope(|scope| {
        let top = scope.spawn(|| director.lvsadm("top --once --json --interval 6").ok());
        // Its first reading is made at once, and the slow guest has seconds for the requests.
        thread::sleep(Duration::from_millis(1500));
        let requests = hosts.requests(30, hosts.vip(Family::V4)).len();
        (top.join().expect("top"), requests)
    });
    let line: Value = serde_json::from_str(&output).expect("JSON");
    let seconds = line["interval"].as_f64().expect("a number") / 1000.0;
    let rates = &line["services"][0]["rates"];
    let connections = rates["connections"].as_f64().expect("a rate") * seconds;
    assert!((connections - requests as f64).abs() < 0.1, "{connections} of {requests}: {line}");
    for server in line["services"][0]["servers"].as_array().expect("a list") {
        let each = server["rates"]["connections"].as_f64().expect("a rate") * seconds;
        assert!((each - 15.0).abs() < 0.1, "{line}");
        assert!(server["rates"]["out_bytes"].as_f64().expect("a rate") > 0.0, "{line}");
    }
    let page = director.lvsadm("top --once --interval 0.1 -r 10.0.0.11").ok();
    assert!(page.contains("\n10.0.0.11 ") && page.contains("\n  80 of TCP 10.0.0.100:80 "), "{page}");
    assert!(!page.contains("10.0.0.12"), "{page}");
}

/// A shell on a terminal of its own, which runs a script and keeps what was on the terminal.
struct Shell {
    child: Child,
    keys: ChildStdin,
    directory: TempDir,
}

impl Shell {
    /// `{top}` in the script is the program, `{dir}` a directory for files.
    fn new(script: &str) -> Self {
        let directory = TempDir::with_prefix("lvsadm-top-").expect("a directory");
        let here = directory.path().display().to_string();
        let script = script.replace("{top}", &format!("{} top", env!("CARGO_BIN_EXE_lvsadm"))).replace("{dir}", &here);
        fs::write(directory.path().join("script"), script).expect("a script");
        let mut child = Command::new("script")
            .args(["-qfec", &format!("bash {here}/script"), &format!("{here}/typescript")])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("script, of bsdutils");
        let keys = child.stdin.take().expect("a pipe");
        Self { child, keys, directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.file(name)).unwrap_or_default()).into_owned()
    }

    #[track_caller]
    fn until(&self, text: &str, name: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.read(name).contains(text) {
            assert!(Instant::now() < end, "{text:?} does not come: {:?}", self.read(name));
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).and_then(|()| self.keys.flush()).expect("somebody reads keys");
    }

    /// Waits for the end, and fails unless the terminal is as it was.
    #[track_caller]
    fn left_as_it_was(mut self) -> String {
        self.until("over", "end");
        let screen = self.read("typescript");
        assert_eq!(self.read("before"), self.read("after"), "{screen:?}");
        for (on, off) in
            [("\u{1b}[?1049h", "\u{1b}[?1049l"), ("\u{1b}[?25l", "\u{1b}[?25h"), ("\u{1b}[?7l", "\u{1b}[?7h")]
        {
            assert_eq!(screen.matches(on).count(), screen.matches(off).count(), "{screen:?}");
            assert!(screen.rfind(on) < screen.rfind(off), "{screen:?}");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        screen
    }
}

const TABLE: &str = "-A -t 10.9.0.1:80 -s wrr\n-a -t 10.9.0.1:80 -r 10.9.0.11:80 -m -w 3\n-a -t 10.9.0.1:80 -r 10.9.0.12:80 -m -w 1\n\
                     -A -t 10.9.0.1:81 -s wlc\n-a -t 10.9.0.1:81 -r 10.9.0.11:81 -m -w 1\n";

#[test]
fn the_terminal_is_as_it_was() {
    in_netns(|| {
        run_with_input("ipvsadm -R", TABLE).ok();
        let mut shell = Shell::new(
            "stty cols 100 rows 20; stty -g > {dir}/before\n{top} --interval 0.2; echo $? > {dir}/status\nstty -g > {dir}/after; echo over > {dir}/end\n",
        );
        shell.until("TCP 10.9.0.1:81", "typescript");
        shell.press(b"h");
        shell.until("sort by new connections", "typescript");
        shell.press(b"xv");
        shell.until("80 of TCP 10.9.0.1:80", "typescript");
        shell.press(b"v/:81\r ");
        shell.until("only :81", "typescript");
        shell.until("paused", "typescript");
        shell.press(b"q");
        shell.until("0", "status");
        shell.left_as_it_was();
    });
}

#[test]
fn signals_give_the_terminal_back() {
    in_netns(|| {
        run_with_input("ipvsadm -R", TABLE).ok();
        for (signal, status) in [("TERM", "143"), ("HUP", "129"), ("INT", "130")] {
            // It is in front, and a helper behind it sends the signal.
            let shell = Shell::new(&format!(
                "stty -g > {{dir}}/before\n\
                 (until grep -q 10.9.0.12 {{dir}}/typescript; do sleep 0.1; done; kill -{signal} $(cat {{dir}}/pid)) &\n\
                 bash -c 'echo $$ > {{dir}}/pid; exec {{top}}'; echo $? > {{dir}}/status\n\
                 stty -g > {{dir}}/after; echo over > {{dir}}/end\n"
            ));
            shell.until("over", "end");
            assert_eq!(shell.read("status").trim(), status, "{}", shell.read("typescript"));
            shell.left_as_it_was();
        }
    });
}

#[test]
fn it_can_be_suspended() {
    in_netns(|| {
        run_with_input("ipvsadm -R", TABLE).ok();
        let mut shell = Shell::new(
            "set -m\nstty -g > {dir}/before\n{top} --interval 0.2\nstty -g > {dir}/between\necho stopped > {dir}/stopped\nfg\n\
             stty -g > {dir}/after; echo over > {dir}/end\n",
        );
        shell.until("TCP 10.9.0.1:81", "typescript");
        shell.press(b"\x1a");
        shell.until("stopped", "stopped");
        assert_eq!(shell.read("before"), shell.read("between"));
        thread::sleep(Duration::from_millis(500));
        shell.press(b"h");
        shell.until("sort by new connections", "typescript");
        shell.press(b"xq");
        shell.left_as_it_was();
    });
}

#[test]
fn a_window_of_twenty_columns_is_enough() {
    in_netns(|| {
        run_with_input("ipvsadm -R", TABLE).ok();
        let mut shell = Shell::new(
            "stty cols 20 rows 6; stty -g > {dir}/before\n{top} --interval 0.2\nstty -g > {dir}/after; echo over > {dir}/end\n",
        );
        shell.until("CONN/S", "typescript");
        shell.until("10.9.0.1:8", "typescript");
        shell.press(b"jjq");
        let screen = shell.left_as_it_was();
        let page = screen.split("\u{1b}[H").nth(1).and_then(|rest| rest.split("\u{1b}[J").next()).expect("a page");
        let page = page.replace("\u{1b}[0m\u{1b}[K", "").replace("\u{1b}[1m", "");
        let lines: Vec<_> = page.split("\r\n").collect();
        assert_eq!(lines.len(), 6, "{page}");
        assert!(lines.iter().all(|line| line.chars().count() <= 20), "{page}");
    });
}

#[test]
fn without_a_terminal_it_says_so() {
    in_netns(|| {
        let output = lvsadm("top");
        assert_eq!(output.status, 2, "{output}");
        assert_eq!(
            output.stderr,
            "error: top draws on a terminal, and this is none\n\
             hint: --once prints one page, --json one line for each reading\n"
        );
    });
}

/// Ten thousand servers, read and drawn every second. The guest is slow at system calls, and this is no optimised build: the bound
/// is there to catch what grows with the square of the number.
#[test]
fn ten_thousand_servers_are_drawn() {
    in_netns(|| {
        let mut table = String::new();
        for service in 0..100 {
            table += &format!("-A -t 10.9.{service}.1:80 -s wrr\n");
            for server in 0..100 {
                table += &format!("-a -t 10.9.{service}.1:80 -r 10.10.{service}.{}:80 -m -w 1\n", server + 1);
            }
        }
        run_with_input("ipvsadm -R", table).ok();
        let mut shell = Shell::new(
            "stty cols 100 rows 40; stty -g > {dir}/before\n\
             bash -c 'echo $$ > {dir}/pid; exec {top} --interval 1'\n\
             stty -g > {dir}/after; echo over > {dir}/end\n",
        );
        shell.until("10000 servers", "typescript");
        let used = |shell: &Shell| -> u64 {
            let stat = fs::read_to_string(format!("/proc/{}/stat", shell.read("pid").trim())).expect("it runs");
            let fields: Vec<_> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
            fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")
        };
        let (before, begin) = (used(&shell), Instant::now());
        thread::sleep(Duration::from_secs(10));
        let share = (used(&shell) - before) as f64 / 100.0 / begin.elapsed().as_secs_f64();
        eprintln!("10,000 servers at 1 Hz: {:.1} % of a core", share * 100.0);
        shell.press(b"q");
        shell.left_as_it_was();
        assert!(share < 0.5, "{share}");
        ipvsadm("-C").ok();
    });
}
