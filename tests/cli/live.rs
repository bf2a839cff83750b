//! drain, undrain, top and explain: wrong command lines, and what is said where there is no terminal.

use crate::{check, session};

#[test]
fn drains() {
    check(
        "live-drains",
        &session(&[
            &["drain"],
            &["drain", "-r", "web1", "-t", "10.0.0.1:http", "--timeout", "soon"],
            &["drain", "-r", "10.0.0.11", "--timeout", "32d"],
            &["drain", "-r", "10.0.0.11", "--then", "kill"],
            &["drain", "-r", "10.0.0.11", "--no-wait", "--timeout", "5m"],
            &["drain", "--list", "--then", "delete"],
            &["drain", "-r", "10.0.0.11", "--ignore", "sctp"],
            &["undrain"],
            &["undrain", "--all", "-r", "10.0.0.11"],
            &["undrain", "-r", "10.0.0.11", "-w", "0", "--ramp", "0"],
        ]),
    );
}

#[test]
fn explanations() {
    check(
        "live-explanations",
        &session(&[
            &["explain", "192.0.2.7"],
            &["explain", "192.0.2.7", "10.0.0.1"],
            &["explain", "192.0.2.7:70000", "10.0.0.1:80", "--mark", "0"],
            &["explain", "2001:db8::7", "10.0.0.1:80"],
            &["explain", "192.0.2.7", "10.0.0.1:80", "icmp"],
            &["explain", "client", "10.0.0.1:80"],
        ]),
    );
}

#[test]
fn live_views() {
    check(
        "live-views",
        &session(&[&["top", "--interval", "0"], &["top", "--sort", "speed"], &["top", "-r", "web1", "-f", "x"]]),
    );
}
