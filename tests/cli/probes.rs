//! Checks at the prompt: what is wrong with their command lines, and what a probe of nobody says.

use crate::{check, lvsadm, session};

#[test]
fn wrong_options() {
    check(
        "check-mistakes",
        &session(&[
            &["check"],
            &["check", "tri"],
            &["check", "try", "icmp", "10.0.0.5"],
            &["check", "try", "tcp", "10.0.0.5"],
            &["check", "try", "tcp", "10.0.0.5:http"],
            &[
                "check",
                "try",
                "tcp",
                "10.0.0.5:80",
                "--timeout",
                "0",
                "--source",
                "::1",
                "--interface",
                "a/b",
                "--mark",
                "x",
            ],
            &[
                "check",
                "try",
                "tcp",
                "10.0.0.5:80",
                "--connect",
                "here",
                "--connect-timeout",
                "10s",
                "--source-port",
                "65536",
            ],
            &["check", "try", "smtp", "10.0.0.5", "--helo", "a b"],
            &["check", "try", "dns", "10.0.0.5", "--name", "a..b", "--type", "X"],
            &["check", "try", "udp", "10.0.0.5:7", "--payload", "0", "--expect", "0g", "--least", "9", "--most", "8"],
            &["check", "try", "script", "--", "true"],
            &["check", "try", "script", "--user", ":x", "/bin/true", "--more"],
            &["check", "try", "file", "here", "--weight", "4294967296"],
            &["check", "try", "agent", "10.0.0.5:3333", "--send", "hello\\x"],
        ]),
    );
}

#[test]
fn wrong_pages() {
    check(
        "check-mistakes-http",
        &session(&[
            &["check", "try", "http", "ftp://10.0.0.5/"],
            &["check", "try", "http", "http://me:secret@10.0.0.5/"],
            &["check", "try", "http", "http://www.example/"],
            &["check", "try", "http", "http://10.0.0.5/a b"],
            &["check", "try", "http", "http://10.0.0.5/a", "--path", "/b"],
            &[
                "check",
                "try",
                "http",
                "http://10.0.0.5",
                "--path",
                "b",
                "--host",
                "a/b",
                "--method",
                "CONNECT",
                "--status",
                "20",
            ],
            &[
                "check",
                "try",
                "http",
                "http://10.0.0.5",
                "--header",
                "X",
                "--header",
                "Content-Length: 5",
                "--http-version",
                "2",
            ],
            &["check", "try", "http", "http://10.0.0.5", "--digest", "5d41402abc4b2a76b9719d911017c5"],
            &["check", "try", "http", "http://10.0.0.5", "--digest", "5d41402abc4b2a76b9719d911017c59x"],
            &["check", "try", "http", "http://10.0.0.5", "--match", "up(", "--largest", "0"],
            &["check", "try", "http", "http://10.0.0.5", "--match", "up", "--no-match", "(?=down)"],
            &["check", "try", "http", "http://10.0.0.5", "--match", "up", "--no-match", "down"],
            &[
                "check",
                "try",
                "http",
                "http://10.0.0.5",
                "--page",
                "/b color=red",
                "--page",
                "c",
                "--page",
                "/d match='",
            ],
            &["check", "try", "http", "http://10.0.0.5", "--verify", "--sni", "x"],
            &[
                "check",
                "try",
                "http",
                "https://10.0.0.5",
                "--cert",
                "c.pem",
                "--ca",
                "ca.pem",
                "--warn-expiry",
                "x",
                "--sni",
                "10.0.0.5",
            ],
            &["check", "digest", "10.0.0.5:0"],
        ]),
    );
}

#[test]
fn help() {
    for verb in ["add", "edit", "delete", "set", "list", "run", "try", "digest"] {
        check(&format!("help-check-{verb}"), &lvsadm(&["check", verb, "-h"]));
        assert!(lvsadm(&["check", verb, "--help"]).contains("Examples:\n  lvsadm "));
    }
    check("help-check-try-http", &lvsadm(&["check", "try", "http", "-h"]));
    for kind in ["tcp", "http", "smtp", "dns", "udp", "ping", "agent", "script", "file"] {
        let help = lvsadm(&["check", "try", kind, "-h"]);
        assert!(help.ends_with("[0]\n"), "{help}");
        assert!(help.lines().count() <= 60, "{kind} -h has {} lines", help.lines().count());
    }
}

/// Port 9 of loopback: nobody is there.
#[test]
fn nobody_listens() {
    let refused = lvsadm(&["check", "try", "http", "http://127.0.0.1:9/"]);
    assert!(refused.contains("bad (refused): connection refused by 127.0.0.1:9 after "), "{refused}");
    assert!(refused.ends_with("[1]\n"), "{refused}");
    let json = lvsadm(&["check", "try", "http", "http://127.0.0.1:9/", "--json"]);
    assert!(json.contains("\"failure\": \"refused\"") && json.ends_with("[1]\n"), "{json}");
    let digest = lvsadm(&["check", "digest", "http://127.0.0.1:9/"]);
    assert!(
        digest.contains("! error: connection refused by 127.0.0.1:9 after ") && digest.ends_with("[1]\n"),
        "{digest}"
    );
    let script = lvsadm(&["check", "try", "script", "/bin/true"]);
    assert!(script.contains("good: ") && script.ends_with("[0]\n"), "{script}");
}
