//! What an agent tells of servers and of the kernel's table: why, events, metrics.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use crate::support::{Background, Output, in_netns, ipvsadm, lvsadm, until};

/// A web server that is well, or not.
fn serve(well: Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.11:80").expect("a server");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let status = if well.load(Ordering::Relaxed) { "200 OK" } else { "500 Out of Order" };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(format!("HTTP/1.0 {status}\r\nContent-Length: 5\r\n\r\nhello").as_bytes());
        }
    });
}

#[test]
fn why_has_the_wrong_answer() {
    in_netns(|| {
        let well = Arc::new(AtomicBool::new(true));
        serve(Arc::clone(&well));
        let directory = tempfile::tempdir().expect("a directory");
        let (file, run_dir) = (directory.path().join("state"), directory.path().join("run"));
        let lines = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 127.0.0.11:80 -m -w 1\n\
                     check add -t 10.0.0.1:80 http --interval 200ms --retry 0 --warmup 0\n";
        fs::write(&file, lines).expect("written");
        let (file, run_dir) = (file.display().to_string(), run_dir.display().to_string());
        let ask = |words: &str| -> Output { lvsadm(format!("{words} --run-dir {run_dir}")) };
        let words = [env!("CARGO_BIN_EXE_lvsadm"), "agent", "run", "--state", &file, "--run-dir", &run_dir];
        let agent = Background::start(words);
        let metrics = || ask("metrics").stdout;
        until("the server is up", || {
            metrics().contains("lvsadm_server_up{service=\"TCP 10.0.0.1:80\",server=\"127.0.0.11:80\"} 1")
        });

        // Somebody else changes a weight.
        ipvsadm("-e -t 10.0.0.1:80 -r 127.0.0.11:80 -m -w 5").ok();
        until("that is told", || {
            ask("agent why -t 10.0.0.1:80").stdout.contains("somebody changed the kernel's table")
        });
        let counted = metrics();
        for line in [
            "lvsadm_table_foreign_changes_total{outcome=\"adopted\"} 1",
            "lvsadm_server_weight{service=\"TCP 10.0.0.1:80\",server=\"127.0.0.11:80\"} 5",
            "lvsadm_service_up{service=\"TCP 10.0.0.1:80\"} 1",
            "lvsadm_source_up{source=\"kernel\"} 1",
        ] {
            assert!(counted.lines().any(|other| other == line), "{line} is missing in\n{counted}");
        }
        assert!(counted.contains("lvsadm_check_duration_seconds_count{"), "{counted}");
        assert!(!ask("metrics --per none").ok().contains("service="));

        // The server answers wrongly, and the answer is what is shown.
        well.store(false, Ordering::Relaxed);
        let why = "agent why -t 10.0.0.1:80 -r 127.0.0.11";
        until("it is down", || ask(why).stdout.contains("  down "));
        let shown = ask(why).ok();
        assert!(shown.starts_with("server 127.0.0.11:80 of TCP 10.0.0.1:80\n"), "{shown}");
        assert!(shown.contains("status 500") && shown.contains("seen: hello"), "{shown}");
        let events = ask("agent events --json").ok();
        let down = events.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let down: Vec<Value> = down.filter(|event| event["what"] == "down").collect();
        assert!(down.iter().any(|event| event["kind"] == "server" && event["server"] == "127.0.0.11:80"), "{events}");
        assert!(
            down.iter().any(|event| event["kind"] == "service" && event["service"] == "TCP 10.0.0.1:80"),
            "{events}"
        );

        kill(agent.pid(), Signal::SIGTERM).expect("it runs");
        until("the agent has ended", || ask("agent status").status != 0);
        let left = ask(why);
        assert!(left.status == 0 && left.stderr.contains("no agent runs"), "{left}");
        // Without an agent there is still the kernel.
        let alone = metrics();
        assert!(alone.contains("lvsadm_service_servers{") && !alone.contains("lvsadm_server_up"), "{alone}");
    });
}
