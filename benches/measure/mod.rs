//! What benches of daemons look at: frames on the bridge, and what processes use.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::site::{Daemon, Site};

/// What went over the bridge, by tcpdump: seconds, and what tcpdump says of it.
pub(crate) struct Capture {
    child: Child,
    lines: mpsc::Receiver<(f64, String)>,
}

impl Capture {
    pub(crate) fn start(site: &Site, filter: &str) -> Self {
        let mut child = site.on_lan(|| {
            Command::new("tcpdump")
                // At once, but with room for bursts: whole frames of the greatest length would leave it for eight of them.
                .args(["--immediate-mode", "-s", "512", "-B", "16384"])
                .args(["-l", "-n", "-tt", "-i", "bridge", filter])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("tcpdump")
        });
        let errors = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                if line.contains("listening on") {
                    let _ = ready.send(());
                }
            }
        });
        let output = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((time, rest)) = line.split_once(' ')
                    && let Ok(time) = time.parse()
                    && sender.send((time, rest.to_owned())).is_err()
                {
                    break;
                }
            }
        });
        is_ready.recv_timeout(Duration::from_secs(10)).expect("tcpdump listens");
        Self { child, lines }
    }

    /// Everything so far; waits a little for what is on its way.
    pub(crate) fn take(&self) -> Vec<(f64, String)> {
        thread::sleep(Duration::from_millis(200));
        self.lines.try_iter().collect()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of all processes of a group, in clock ticks, and their private and whole memory in kB.
pub(crate) fn usage(daemon: &Daemon) -> (u64, u64) {
    let group = daemon.pid().to_string();
    let (mut ticks, mut memory) = (0, 0);
    for entry in fs::read_dir("/proc").expect("/proc").map_while(Result::ok) {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // State, parent, process group; user and system time are the 12th and 13th.
        if fields.get(2) != Some(&group.as_str()) {
            continue;
        }
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        ticks += number(11) + number(12);
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
        memory += resident.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0);
    }
    (ticks, memory)
}
