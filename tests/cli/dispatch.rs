//! Which program am I: the grammar is chosen by the program's name and the first word.

use std::{fs, os::unix::fs::symlink, process::Command};

use crate::lvsadm;

/// ipvsadm's own mistakes sound like ipvsadm's, whichever way it is called; and need no kernel to be told.
fn stderr(program: &std::path::Path, args: &[&str]) -> String {
    let output = Command::new(program).args(args).env_clear().output().expect("the program starts");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn links_stand_in_for_the_stock_programs() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["ipvsadm", "ipvsadm-save", "ipvsadm-restore"] {
        symlink(env!("CARGO_BIN_EXE_lvsadm"), dir.path().join(name)).expect("a link");
    }
    let help = Command::new(dir.path().join("ipvsadm")).arg("-h").output().expect("the program starts");
    assert!(String::from_utf8_lossy(&help.stdout).starts_with("ipvsadm v1.31 "), "{help:?}");
    assert!(stderr(&dir.path().join("ipvsadm-save"), &["-x"]).contains("Script to save the IPVS table"));
    // A verb is no word of ipvsadm's.
    assert!(!stderr(&dir.path().join("ipvsadm"), &["list"]).contains("Usage: lvsadm"));
    fs::read_dir(dir.path()).expect("still there");
}

#[test]
fn versions() {
    assert_eq!(lvsadm(&["--version"]), format!("$ lvsadm --version\nlvsadm {}\n[0]\n", env!("CARGO_PKG_VERSION")));
    assert!(lvsadm(&["-v"]).contains("ipvsadm v1.31 "));
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let program = env!("CARGO_BIN_EXE_lvsadm");
    let output = Command::new(program).args(["completions", "bash"]).stdout(full).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "error: cannot write to standard output: No space left on device (os error 28)\n");
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let program = env!("CARGO_BIN_EXE_lvsadm");
    let output = Command::new(program).args(["completions", "bash"]).stdout(writer).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}
