//! `save`, `restore` and `diff` against the real kernel, with stock ipvsadm, curl and strace as judges.

use std::{fs, net::SocketAddr, path::PathBuf, thread};

use tempfile::TempDir;

use crate::support::{
    Output,
    hosts::{Family, Forwarding, Hosts},
    in_netns, ipvsadm, lvsadm, lvsadm_as, run, run_with_input,
};

/// Something of everything that a table can hold.
const ALL_KINDS: &str = "\
--set 800 100 200
--start-daemon master --mcast-interface lo --syncid 7 --sync-maxlen 1400 --mcast-group 224.0.0.90 --mcast-port 9000 --mcast-ttl 3
-A -t 10.0.0.1:80 -s wrr
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1
-a -t 10.0.0.1:80 -r 10.1.0.2:8080 -m -w 7 -x 100 -y 50
-a -t 10.0.0.1:80 -r 10.1.0.3:80 -i -w 3 --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 10.0.0.1:80 -r 10.1.0.4:80 -i -w 3 --tun-type gre --tun-csum
-A -u 10.0.0.1:53 -s sh -o -b sh-fallback,sh-port
-A -u 10.0.0.1:5060 -s wlc -p 30 -M 255.255.255.0 --pe sip
-A --sctp-service 10.0.0.1:3868 -s lc
-A -t [2001:db8::1]:80 -s mh -p 90 -M 64 -b mh-port
-a -t [2001:db8::1]:80 -r [2001:db8::11]:80 -m -w 0
-A -f 5 -s sed -p 120
-a -f 5 -r 10.1.0.5:0 -g -w 2147483647
-A -f 4294967295 -6 -s nq
-a -f 4294967295 -6 -r [2001:db8::12]:443 -m -w 1
";

/// Everything that stock ipvsadm can show of a table.
fn stock_view() -> String {
    ["-S -n", "-Ln --thresholds", "-Ln --tun-info", "-L --timeout", "-L --daemon"]
        .map(|arguments| ipvsadm(arguments).ok())
        .concat()
}

/// A directory for files of a test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::with_prefix("lvsadm-restore-").expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        path.display().to_string()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("the directory");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn restore(content: &str) -> Output {
    lvsadm_as("lvsadm", "restore", content)
}

#[test]
fn a_saved_table_comes_back_whole() {
    let files = Files::new();
    let file = files.path("table").display().to_string();
    let (view, saved) = in_netns(|| {
        restore(ALL_KINDS).ok();
        lvsadm(["save", &file]).ok();
        (stock_view(), lvsadm("save").ok())
    });
    assert_eq!(fs::read_to_string(&file).expect("saved"), saved);
    in_netns(|| {
        lvsadm(["restore", &file]).ok();
        assert_eq!(stock_view(), view);
        assert_eq!(lvsadm("save").ok(), saved);
        let again = lvsadm(["restore", "--dry-run", &file]);
        assert_eq!((again.stdout.as_str(), again.status), ("", 0));
        assert_eq!(lvsadm(["diff", &file]).status, 0);
    });
    assert_eq!(saved.lines().count(), ALL_KINDS.lines().count(), "{saved}");
}

#[test]
fn stock_ipvsadm_reads_what_is_saved() {
    let saved = in_netns(|| {
        // Above 2^31 stock ipvsadm prints marks that it does not read.
        restore(&ALL_KINDS.replace("4294967295", "77")).ok();
        (lvsadm("save").ok(), stock_view())
    });
    let stock = in_netns(|| {
        run_with_input("ipvsadm -R", &saved.0).ok();
        stock_view()
    });
    assert_eq!(stock, saved.1);
}

#[test]
fn what_stock_ipvsadm_saves_is_restored() {
    let (saved, view) = in_netns(|| {
        let table: String = ALL_KINDS.replace("4294967295", "77").lines().skip(2).map(|l| format!("{l}\n")).collect();
        run_with_input("ipvsadm -R", &table).ok();
        (ipvsadm("-S -n").ok(), ipvsadm("-S -n").ok())
    });
    in_netns(|| {
        restore(&saved).ok();
        assert_eq!(ipvsadm("-S -n").ok(), view);
    });
    // As a person edits it on another system.
    let edited = format!("\u{feff}# the web\r\n\r\n  {}", saved.replace('\n', "\r\n").replace("-A", "ipvsadm  -A"));
    in_netns(|| {
        restore(&edited).ok();
        assert_eq!(ipvsadm("-S -n").ok(), view);
    });
}

#[test]
fn an_empty_file_empties_the_table_and_leaves_timeouts_and_daemons() {
    in_netns(|| {
        restore(ALL_KINDS).ok();
        let settings = || [ipvsadm("-L --timeout").ok(), ipvsadm("-L --daemon").ok()];
        let before = settings();
        lvsadm("restore /dev/null").ok();
        assert_eq!(ipvsadm("-S -n").ok(), "");
        assert_eq!(settings(), before);
    });
}

/// Counts the messages of IPVS commands that change something, in the hexadecimal dumps of a trace by strace.
fn kernel_writes(trace: &str) -> usize {
    const READS: [u8; 5] = [4, 8, 11, 13, 15];
    let mut sent: Vec<Vec<u8>> = Vec::new();
    for line in trace.lines() {
        // ` | 00010  01 02 … 10  11 12 …  text |`
        let Some((offset, row)) = line.strip_prefix(" | ").and_then(|row| row.split_once("  ")) else { continue };
        if offset == "00000" {
            sent.push(Vec::new());
        }
        let hex = row.get(..48).unwrap_or(row).split_whitespace();
        let bytes = hex.map(|byte| u8::from_str_radix(byte, 16).expect("a hexadecimal byte"));
        sent.last_mut().expect("a dump begins at 00000").extend(bytes);
    }
    let mut writes = 0;
    for bytes in sent {
        let mut rest = bytes.as_slice();
        while rest.len() >= 20 {
            let length = u32::from_ne_bytes(rest[..4].try_into().expect("four bytes")) as usize;
            let kind = u16::from_ne_bytes(rest[4..6].try_into().expect("two bytes"));
            // 0x10 asks the netlink controller; below stand netlink's own messages.
            writes += usize::from(kind > 0x10 && !READS.contains(&rest[16]));
            rest = rest.get(length.next_multiple_of(4).max(4)..).unwrap_or_default();
        }
    }
    writes
}

/// Runs `lvsadm restore` on this content and counts what it writes to the kernel.
fn writes_of_restore(files: &Files, content: &str) -> usize {
    let file = files.write("wanted", content);
    let trace = files.path("trace").display().to_string();
    let strace = ["strace", "-f", "-e", "trace=sendto,sendmsg", "-e", "write=all", "-o", &trace];
    run([strace.as_slice(), &[env!("CARGO_BIN_EXE_lvsadm"), "restore", &file]].concat()).ok();
    kernel_writes(&fs::read_to_string(trace).expect("a trace"))
}

#[test]
fn only_what_differs_is_written() {
    let files = Files::new();
    let many: String = (1..=200)
        .flat_map(|n| {
            let service = format!("-t 10.0.{n}.1:80");
            let servers = (1..=4).map(move |r| format!("-a -t 10.0.{n}.1:80 -r 10.1.{n}.{r}:80 -g -w 1\n"));
            std::iter::once(format!("-A {service} -s rr\n")).chain(servers).collect::<Vec<_>>()
        })
        .collect();
    in_netns(|| {
        assert_eq!(writes_of_restore(&files, &many), 1000);
        assert_eq!(writes_of_restore(&files, &many), 0);
        let edited = many.replacen("-r 10.1.77.3:80 -g -w 1", "-r 10.1.77.3:80 -g -w 9", 1);
        assert_eq!(writes_of_restore(&files, &edited), 1);
        assert_eq!(ipvsadm("-S -n").ok().matches("-w 9").count(), 1);
    });
}

#[test]
fn a_bad_file_changes_nothing_and_every_bad_line_is_named() {
    let content = "\
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -w nine
-A -t 10.0.0.1:80 -s wlc
-A -t 10.0.0.2 -s rr
-a -t 10.0.0.2 -r 10.1.0.1
-a -t 10.0.0.3:80 -r 10.1.0.1:80
add 10.0.0.4
-A -t 10.0.0.5:80 'rr
-L
";
    in_netns(|| {
        ipvsadm("-A -t 10.9.9.9:80 -s rr").ok();
        let output = restore(content);
        assert_eq!(output.status, 1, "{output}");
        let errors: Vec<_> = output.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        let places: Vec<_> = errors.iter().map(|line| line.split(": ").nth(1).expect("a place")).collect();
        let expected = ["2:37", "3:1", "4:4", "6:1", "7:1", "8:19", "9:1"].map(|at| format!("standard input:{at}"));
        assert_eq!(places, expected, "{output}");
        assert_eq!(ipvsadm("-S -n").ok(), "-A -t 10.9.9.9:80 -s rr\n");
        let dry = lvsadm_as("lvsadm", "restore --dry-run", content);
        assert_eq!(dry.status, 2, "{dry}");
    });
}

#[test]
fn a_refusal_by_the_kernel_undoes_everything() {
    in_netns(|| {
        restore(ALL_KINDS).ok();
        let before = stock_view();
        let wanted = "\
--set 1 2 3
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 4
-a -t 10.0.0.1:80 -r 10.1.0.9:80 -g -w 4
-A -t 10.0.0.7:80 -s nosuch
-a -t 10.0.0.7:80 -r 10.1.0.9:80 -g -w 4
-A -t 10.0.0.8:80 -s rr
-a -t 10.0.0.8:80 -r 224.0.0.1:80 -g -w 4
";
        let output = restore(wanted);
        assert_eq!(output.status, 1, "{output}");
        assert!(output.stderr.contains("standard input:5: "), "{output}");
        assert!(output.stderr.contains("nosuch"), "{output}");
        assert!(output.stderr.contains("standard input:8: "), "{output}");
        assert!(!output.stderr.contains("standard input:6: "), "the service is to blame, not its server: {output}");
        assert!(output.stderr.contains("nothing was changed"), "{output}");
        assert_eq!(stock_view(), before);
    });
}

#[test]
fn dry_run_shows_what_restore_then_does() {
    in_netns(|| {
        restore(ALL_KINDS).ok();
        let wanted = ALL_KINDS.replace("-w 7", "-w 8").replace("-A -t 10.0.0.1:80 -s wrr", "-A -t 10.0.0.1:80 -s rr");
        let wanted: String = wanted.lines().filter(|line| !line.contains("-f 5")).map(|l| format!("{l}\n")).collect();
        let dry = lvsadm_as("lvsadm", "restore --dry-run", &wanted);
        assert_eq!(dry.status, 1, "{dry}");
        let expected = "\
-E -t 10.0.0.1:80 -s rr
-e -t 10.0.0.1:80 -r 10.1.0.2:8080 -m -w 8 -x 100 -y 50
-D -f 5
";
        assert_eq!(dry.stdout, expected);
        let before = stock_view();
        // The plan is in ipvsadm's own words: the stock tool can carry it out.
        run_with_input("ipvsadm -R", &dry.stdout).ok();
        let stock = stock_view();
        assert_ne!(stock, before);
        restore(ALL_KINDS).ok();
        assert_eq!(stock_view(), before);
        restore(&wanted).ok();
        assert_eq!(stock_view(), stock);
    });
}

#[test]
fn keep_deletes_nothing_and_flush_starts_anew() {
    in_netns(|| {
        restore("-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1\n-A -t 10.0.0.2:80 -s rr\n").ok();
        let extra = "-A -t 10.0.0.1:80 -s lc\n-a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 1\n";
        lvsadm_as("lvsadm", "restore --keep", extra).ok();
        let kept = "\
-A -t 10.0.0.1:80 -s lc
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1
-a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 1
-A -t 10.0.0.2:80 -s rr
";
        assert_eq!(ipvsadm("-S -n").ok(), kept);
        lvsadm_as("lvsadm", "restore --flush", extra).ok();
        assert_eq!(ipvsadm("-S -n").ok(), extra);
        // The kernel refuses after the flush: what was flushed is back.
        let output = lvsadm_as("lvsadm", "restore --flush", "-A -t 10.0.0.3:80 -s nosuch\n");
        assert_eq!(output.status, 1, "{output}");
        assert_eq!(ipvsadm("-S -n").ok(), extra);
    });
}

#[test]
fn json_of_restore_and_diff() {
    in_netns(|| {
        let wanted = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1\n";
        let plan = lvsadm_as("lvsadm", "restore --dry-run --json", wanted);
        let plan: serde_json::Value = serde_json::from_str(&plan.stdout).expect("JSON");
        assert_eq!(plan["changes"].as_array().expect("a list").len(), 2, "{plan}");
        assert_eq!(plan["changes"][1]["line"], "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1");
        let diff = lvsadm_as("lvsadm", "diff --json -", wanted);
        assert_eq!(diff.status, 1);
        let diff: serde_json::Value = serde_json::from_str(&diff.stdout).expect("JSON");
        assert_eq!(diff["differences"][0]["plus"], "-A -t 10.0.0.1:80 -s rr");
        assert_eq!(diff["differences"][0]["minus"], serde_json::Value::Null);
    });
}

#[test]
fn diff_of_files_and_the_kernel() {
    let files = Files::new();
    let a = files.write("a", "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1\n");
    let b = files.write("b", "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 2\n-A -f 9 -s rr\n");
    in_netns(|| {
        let output = lvsadm(["diff", &a, &b]);
        let expected = format!(
            "--- {a}\n+++ {b}\n- -a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1\n+ -a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 2\n\
             + -A -f 9 -s rr\n"
        );
        assert_eq!((output.stdout.as_str(), output.status), (expected.as_str(), 1));
        lvsadm(["restore", &a]).ok();
        assert_eq!(lvsadm(["diff", &a]).ok(), "");
        assert_eq!(lvsadm(["diff", &a, "kernel"]).ok(), "");
        assert_eq!(lvsadm(["diff", &b]).stdout, expected.replace(&format!("--- {a}"), "--- kernel"));
        assert_eq!(lvsadm(["diff", "/nonexistent"]).status, 2);
    });
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let files = Files::new();
    let disk = files.path("disk");
    fs::create_dir(&disk).expect("a directory");
    let shown = disk.display().to_string();
    run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", &shown]).ok();
    let file = disk.join("table");
    fs::write(&file, "-A -t 10.0.0.1:80 -s rr\n").expect("a small file");
    let output = in_netns(|| {
        let table: String = (0..2000).map(|n| format!("-A -t 10.0.{}.{}:80 -s rr\n", n / 250, n % 250)).collect();
        restore(&table).ok();
        lvsadm(["save", file.to_str().expect("UTF-8")])
    });
    let left: Vec<_> = fs::read_dir(&disk).expect("the disk").map(|entry| entry.expect("entry").file_name()).collect();
    let content = fs::read_to_string(&file).expect("the old file");
    run(["umount", &shown]).ok();
    assert_eq!(output.status, 1, "{output}");
    assert!(output.stderr.contains("No space left on device"), "{output}");
    assert_eq!(content, "-A -t 10.0.0.1:80 -s rr\n");
    assert_eq!(left, ["table"]);
}

#[test]
fn a_kill_at_any_step_leaves_the_old_file() {
    let files = Files::new();
    let old = "-A -t 10.0.0.1:80 -s rr\n";
    in_netns(|| {
        ipvsadm("-A -t 10.0.0.2:80 -s rr").ok();
        for call in ["fchown", "fchmod", "fsync", "rename,renameat,renameat2"] {
            let file = files.write("table", old);
            let inject = format!("inject={call}:signal=KILL:error=EINTR");
            let output =
                run(["strace", "-f", "-o", "/dev/null", "-e", &inject, env!("CARGO_BIN_EXE_lvsadm"), "save", &file]);
            assert_ne!(output.status, 0, "{call}: {output}");
            assert_eq!(fs::read_to_string(&file).expect("the old file"), old, "{call}");
        }
        let file = files.write("table", old);
        lvsadm(["save", &file]).ok();
        assert!(fs::read_to_string(&file).expect("the new file").contains("-A -t 10.0.0.2:80 -s rr\n"));
    });
    assert!(files.names().contains(&"table".to_owned()));
}

#[test]
fn restore_cuts_no_connection() {
    const ROUNDS: usize = 20;
    let hosts = Hosts::new(4);
    hosts.prepare(Forwarding::Nat, Family::V4);
    let service = SocketAddr::new(hosts.vip(Family::V4), 80);
    let real = |n: usize| SocketAddr::new(hosts.servers[n].address(Family::V4), 80);
    let base = |w1: usize, w2: usize| {
        format!(
            "-A -t {service} -s wrr\n-a -t {service} -r {} -m -w {w1}\n-a -t {service} -r {} -m -w {w2}\n",
            real(0),
            real(1)
        )
    };
    let restore = |content: String| {
        hosts.director.inside(|| lvsadm_as("lvsadm", "restore", content)).ok();
    };
    restore(base(1, 1));
    thread::scope(|scope| {
        let client = scope.spawn(|| hosts.requests(600, service.ip()));
        // A download that lasts through all of it.
        let slow = scope.spawn(|| hosts.slow_request(service.ip()));
        for round in 1..=ROUNDS {
            let mut wanted = base(round, ROUNDS - round + 1);
            if round % 2 == 0 {
                // Others that hold none of the client's connections come and go.
                wanted += &format!("-a -t {service} -r {} -m -w 0\n", real(2));
            } else {
                wanted += &format!("-a -t {service} -r {} -m -w 0\n-A -u {service} -s rr\n", real(3));
            }
            restore(wanted);
        }
        let answers = client.join().expect("no request failed");
        assert_eq!(answers.len(), 600);
        for server in &hosts.servers[..2] {
            assert!(answers.contains(&server.name), "{} took part", server.name);
        }
        slow.join().expect("the long download was not cut");
    });
}
