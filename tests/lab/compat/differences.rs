//! Where we differ from the stock program on purpose: where it crashes, or loses or destroys data.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::{ours, stock, with_hosts, words};
use crate::support::{in_netns, ipvsadm, lvsadm, run_with_input};

fn our(line: &str) -> crate::support::Output {
    ours("ipvsadm", &words(line), "")
}

#[test]
fn a_list_of_no_flags_is_an_empty_list() {
    in_netns(|| {
        assert_eq!(our("-A -t 10.0.0.1:80 -b ,,").ok(), "");
        assert_eq!(ipvsadm("-Sn").ok(), "-A -t 10.0.0.1:80 -s wlc\n");
        // A segmentation fault.
        assert_eq!(stock("ipvsadm", &words("-A -t 10.0.0.1:81 -b ,"), "").status, 139);
    });
}

/// What is saved is restored, where the stock program's own file empties the table and ends at its first line.
#[test]
fn large_marks_and_third_flags_survive_saving() {
    in_netns(|| {
        let lines =
            "-A -f 4294967295 -s rr\n-a -f 4294967295 -r 127.0.0.1:0 -g -w 1\n-A -f 7 -6 -s sh -b sh-fallback,flag-3\n";
        run_with_input("ipvsadm -R", lines).ok();
        let saved = our("-Sn").ok();
        assert_eq!(saved, lines);
        assert_eq!(our("-Ln").ok(), ipvsadm("-Ln").ok());
        assert_eq!(ours("ipvsadm-restore", &[], &saved).ok(), "");
        assert_eq!(our("-Sn").ok(), lines);

        let stock_saved = ipvsadm("-Sn").ok();
        assert!(stock_saved.starts_with("-A -f -1 "), "{stock_saved}");
        assert_eq!(stock("ipvsadm-restore", &[], &stock_saved).status, 2);
        assert_eq!(our("-Sn").ok(), "");
        // Ours leaves the table as it is.
        run_with_input("ipvsadm -R", lines).ok();
        let refused = ours("ipvsadm-restore", &[], &stock_saved);
        assert_eq!((refused.status, refused.stderr.as_str()), (2, "invalid fwmark value `-1' specified\n"));
        assert_eq!(our("-Sn").ok(), lines);
    });
}

#[test]
fn names_of_ipv6_hosts_are_not_saved() {
    with_hosts("2001:db8::1 six.example\n2001:db8::2 seven.example\n", || {
        run_with_input("ipvsadm -R", "-A -t [2001:db8::1]:9\n-a -t [2001:db8::1]:9 -r [2001:db8::2]:9\n").ok();
        assert!(ipvsadm("-S").ok().contains("[six.example]"));
        let saved = our("-S").ok();
        assert!(saved.starts_with("-A -t [2001:db8::1]:"), "{saved}");
        assert_eq!(ours("ipvsadm-restore", &[], &saved).ok(), "");
        assert_eq!(our("-L").ok(), ipvsadm("-L").ok());
        assert!(ipvsadm("-L").ok().contains("[six.example]"));
    });
}

#[test]
fn long_names_keep_their_port_when_saved() {
    let name = "a-host-with-quite-a-long-name-in-a-domain-with-a-long-name.example";
    let hosts = format!("10.9.0.1 {name}\n10.9.0.2 b.{name}\n2001:db8::1 c.{name}\n");
    with_hosts(&hosts, || {
        run_with_input(
                "ipvsadm -R",
                "-A -t 10.9.0.1:9\n-a -t 10.9.0.1:9 -r 10.9.0.2:9 -m\n-A -t [2001:db8::1]:9\n-a -t [2001:db8::1]:9 -r [2001:db8::1]:10 -m\n",
            )
            .ok();
        let saved = our("-S").ok();
        assert!(saved.contains(&format!("-t {name}:")) && saved.contains(&format!("-r b.{name}:")), "{saved}");
        for listing in ["-L", "-L --stats", "-L --rate", "-Lc"] {
            assert_eq!(our(listing).ok(), ipvsadm(listing).ok());
        }
    });
}

/// `--help` of lvsadm itself is another one.
#[test]
fn help_and_version_need_neither_kernel_nor_root() {
    let output = run_with_input(["setpriv", "--reuid=65534", "--clear-groups", env!("CARGO_BIN_EXE_lvsadm"), "-v"], "");
    assert!(output.ok().starts_with("ipvsadm v1.31 "));
}

#[test]
fn no_permission() {
    let as_nobody = |program: &str| run_with_input(["setpriv", "--reuid=65534", "--clear-groups", program, "-Ln"], "");
    let (stock, ours) = (as_nobody("ipvsadm"), as_nobody(env!("CARGO_BIN_EXE_lvsadm")));
    super::assert_same(&stock, &ours, "");
    assert_eq!(ours.status, 2);
}

/// A full disk must not pass for a saved table.
#[test]
fn what_cannot_be_written_is_an_error() {
    in_netns(|| {
        run_with_input("ipvsadm -A -t 10.0.0.1:80", "").ok();
        let full = File::options().write(true).open("/dev/full").expect("/dev/full");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        let output =
            command.arg0("ipvsadm").args(["-S", "-n"]).stdout(full).stderr(Stdio::piped()).output().expect("it starts");
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("No space left on device"), "{message}");
    });
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    in_netns(|| {
        run_with_input("ipvsadm -A -t 10.0.0.1:80", "").ok();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        let output = command
            .arg0("ipvsadm")
            .args(["-S", "-n"])
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("it starts");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    });
}

/// Scripts that keep a pipe to `-R` open see each line done when it has been read.
#[test]
fn lines_are_carried_out_as_they_come() {
    use std::io::Write;
    use std::time::{Duration, Instant};

    in_netns(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        let mut child = command.arg0("ipvsadm").arg("-R").stdin(Stdio::piped()).spawn().expect("it starts");
        let mut input = child.stdin.take().expect("a pipe");
        for line in ["-A -t 10.0.0.1:80", "-D -t 10.0.0.1:80"] {
            writeln!(input, "{line}").expect("it reads");
            let give_up = Instant::now() + Duration::from_secs(20);
            while ipvsadm("-Sn").ok().is_empty() == line.starts_with("-A") {
                assert!(Instant::now() < give_up, "{line}");
            }
        }
        drop(input);
        assert!(child.wait().expect("it ends").success());
    });
}

/// The kernel does not answer then, and the stock program waits for ever.
#[test]
fn a_daemon_that_is_stopped_at_once() {
    in_netns(|| {
        let lines = "--start-daemon master --mcast-interface lo\n--stop-daemon master\n";
        assert_eq!(ours("ipvsadm", &words("-R"), lines).ok(), "");
        assert_eq!(our("-L --daemon").ok(), "");
        assert_eq!(our("--stop-daemon master").stderr, "No daemon is running\n");
        assert_eq!(ours("ipvsadm", &words("-R"), &lines.repeat(3)).ok(), "");
    });
}

/// The same words after lvsadm's own name, which then stands in the messages.
#[test]
fn as_lvsadm() {
    in_netns(|| {
        assert_eq!(lvsadm("-A -t 10.0.0.1:80 -s rr").ok(), "");
        assert_eq!(lvsadm("-Ln").ok(), ipvsadm("-Ln").ok());
        let refused = lvsadm("-n");
        assert_eq!(refused.status, 255);
        assert_eq!(refused.stderr, "Try `lvsadm -h' or 'lvsadm --help' for more information.\n");
    });
}

#[test]
fn a_directory_as_standard_input() {
    in_netns(|| {
        let directory = tempfile::TempDir::new().expect("a directory");
        let input = File::open(directory.path()).expect("it opens");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsadm"));
        let output = command.arg0("ipvsadm-restore").stdin(input).stderr(Stdio::piped()).output().expect("it starts");
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("cannot read standard input"), "{message}");
    });
}
