//! Wrong command lines: what is said, and that all of it is said at once. Exit status 2, and the kernel is never asked.

use crate::{check, session};

#[test]
fn addresses() {
    check(
        "mistakes-addresses",
        &session(&[
            &["add-service"],
            &["add-service", "-t", "10.0.0.1:80", "-u", "10.0.0.1:80"],
            &["add-service", "-t", "web.example:80"],
            &["add-service", "-t", "10.0.0.1:http"],
            &["add-service", "-t", "10.0.0.1:65536"],
            &["add-service", "-t", "10.0.0.1"],
            &["add-service", "-t", "2001:db8::1"],
            &["add-service", "-t", "2001:db8::1:80"],
            &["add-service", "-t", "[2001:db8::1"],
            &["add-service", "-6", "-t", "10.0.0.1:80"],
            &["add-service", "-f", "0"],
            &["delete-service", "-f", "web"],
        ]),
    );
}

#[test]
fn services() {
    check(
        "mistakes-services",
        &session(&[
            &["add-service", "-t", "10.0.0.1:80", "-p", "32d", "-M", "33", "-s", "", "-b", "sh-prt"],
            &["add-service", "-t", "10.0.0.1:80", "-M", "24", "-o", "--pe", "sip", "-b", "mh-port"],
            &["add-service", "-t", "[2001:db8::1]:80", "-p", "-M", "255.255.255.0"],
            &["edit-service", "-t", "10.0.0.1:80"],
            &["edit-service", "-t", "10.0.0.1:80", "-p", "--no-persistent"],
        ]),
    );
}

#[test]
fn servers() {
    check(
        "mistakes-servers",
        &session(&[
            &["add-real", "-t", "10.0.0.1:80"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11:8080", "-r", "10.0.0.12:8080", "-w", "5"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11:8080", "-i"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11", "-g", "-m"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11", "-r", "10.0.0.11:80"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "2001:db8::11", "-m"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.x", "-w", "-1", "-x", "2147483648"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11", "-x", "5", "-y", "6"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11", "--tun-type", "gue"],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11", "-i", "--tun-type", "gue"],
            &[
                "add-real",
                "-t",
                "10.0.0.1:80",
                "-r",
                "10.0.0.11",
                "-i",
                "--tun-type",
                "gre",
                "--tun-port",
                "1",
                "--tun-remcsum",
            ],
            &["add-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11", "-i", "--tun-type", "vxlan"],
            &["edit-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11"],
            &["delete-real", "-t", "10.0.0.1:80", "-r", "10.0.0.11", "-w", "1"],
        ]),
    );
}

#[test]
fn the_rest() {
    check(
        "mistakes-the-rest",
        &session(&[
            &["lst"],
            &["list", "--watch", "0"],
            &["list", "--json", "--format", "ipvsadm"],
            &["list", "--sort", "name"],
            &["list", "-t", "x", "-r", "y"],
            &["connections", "--client", "10/8", "--limit", "0"],
            &["timeouts", "--tcp", "0", "--udp", "1x"],
            &["timeouts", "--tcp", "1m", "--json"],
            &["sync"],
            &["sync", "start", "both"],
            &[
                "sync",
                "start",
                "master",
                "--mcast-interface",
                "a-name-that-is-too-long",
                "--syncid",
                "256",
                "--mcast-group",
                "10.0.0.1",
            ],
            &["completions", "tcsh"],
        ]),
    );
}
