//! Save files that are not as they should be. Compares them with each other, which needs no kernel.

use std::io::Write as _;

use super::{check, lvsadm, session};

const EMPTY: &str = "/dev/null";

#[test]
fn every_bad_line_is_named() {
    check("savefile-bad-lines", &lvsadm(&["diff", "tests/cli/files/bad.save", EMPTY]));
}

#[test]
fn what_is_silently_changed_elsewhere_is_warned_of() {
    check("savefile-warnings", &lvsadm(&["diff", "tests/cli/files/warned.save", EMPTY]));
}

#[test]
fn what_is_no_save_file_is_refused() {
    let lines: &[&[&str]] = &[
        &["diff", "tests/cli/files/garbage", EMPTY],
        &["diff", "tests/cli/files/latin", EMPTY],
        &["diff", "tests/cli/files", EMPTY],
        &["diff", "tests/cli/files/nowhere", EMPTY],
        &["diff", "-", "-"],
        &["restore", "tests/cli/files/garbage"],
        &["restore", "--dry-run", "tests/cli/files/garbage"],
    ];
    check("savefile-no-save-file", &session(lines));
}

#[test]
fn a_million_lines() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut text = String::new();
    for service in 0..200_000_u32 {
        let [_, a, b, c] = service.to_be_bytes();
        text += &format!("-A -t 10.{a}.{b}.{c}:80 -s wlc\n");
        for server in 0..4 {
            text += &format!("-a -t 10.{a}.{b}.{c}:80 -r 11.{server}.{b}.{c}:80 -m -w 1\n");
        }
    }
    file.write_all(text.as_bytes()).expect("space for it");
    let path = file.path().to_str().expect("UTF-8").to_owned();
    assert_eq!(lvsadm(&["diff", &path, &path]), format!("$ lvsadm diff {path} {path}\n[0]\n"));
    writeln!(file, "-A -t 10.0.0.0:80 -s rr").expect("space for it");
    let output = lvsadm(&["diff", &path, &path]);
    assert!(output.contains(":1000001:1: TCP 10.0.0.0:80 is there already in line 1\n"), "{output}");
    assert!(output.ends_with("[2]\n"), "{output}");
}
