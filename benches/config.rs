//! What it costs to check a keepalived.conf, side by side with `keepalived -t` in one run: `tests/bench native` runs this.
//! Prints the rows of a Markdown table.

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// How often each is run; the fastest counts.
const RUNS: usize = 3;

/// Numbers of servers of one service that keepalived is asked about, too: its time grows with the square.
const BOTH: [u32; 2] = [2_000, 20_000];

fn main() {
    println!("| work | keepalived | lvsadm | ratio | target |");
    println!("|---|---|---|---|---|");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("keepalived.conf");
    for servers in [2_000, 20_000, 200_000] {
        fs::write(&file, service(servers)).expect("written");
        let ours = fastest(|| run(env!("CARGO_BIN_EXE_lvsadm"), &["config", "lint", "--elsewhere"], &file));
        let theirs = BOTH.contains(&servers).then(|| fastest(|| run("keepalived", &["-t", "-f"], &file)));
        let target = if servers == 20_000 { "< 100 ms" } else { "linear" };
        row(&format!("check of one service with {servers} servers"), theirs, ours, target);
    }
}

/// A file with one service.
fn service(servers: u32) -> String {
    let mut text =
        "virtual_server 10.0.0.1 80 {\n    delay_loop 6\n    lb_algo wrr\n    lb_kind DR\n    protocol TCP\n"
            .to_owned();
    for server in 0..servers {
        let [_, a, b, c] = server.to_be_bytes();
        let _ = write!(
            text,
            "    real_server 10.{}.{b}.{c} 80 {{\n        weight 1\n        TCP_CHECK {{\n            connect_timeout 3\n        }}\n    }}\n",
            a + 1
        );
    }
    text + "}\n"
}

fn run(program: &str, args: &[&str], file: &Path) -> Duration {
    let begun = Instant::now();
    let status = Command::new(program).args(args).arg(file).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok(), "{program} starts");
    begun.elapsed()
}

fn fastest(run: impl Fn() -> Duration) -> Duration {
    (0..RUNS).map(|_| run()).min().unwrap_or_default()
}

fn row(work: &str, theirs: Option<Duration>, ours: Duration, target: &str) {
    let shown = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1000.0);
    let ratio =
        theirs.map_or_else(|| "–".to_owned(), |theirs| format!("{:.1}", theirs.as_secs_f64() / ours.as_secs_f64()));
    println!("| {work} | {} | {} | {ratio} | {target} |", theirs.map_or_else(|| "–".to_owned(), shown), shown(ours));
}
