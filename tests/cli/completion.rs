//! Completion in a real bash, without a kernel: verbs, options, and live values from a program that stands in for lvsadm.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

/// Completes `line` in bash and returns the replies, with `fake` as what `lvsadm __complete` prints.
fn complete(line: &str, fake: &str) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("lvsadm");
    fs::write(&program, format!("#!/bin/sh\n[ \"$1\" = __complete ] && printf '{fake}'\n")).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/lvsadm.bash");
    // As readline calls a completion function: the line's words split at COMP_WORDBREAKS, then three arguments.
    let driver = r#"
        . "$1"
        COMP_LINE="$2" COMP_POINT=${#2}
        COMP_WORDS=() word=""
        for ((i = 0; i < ${#COMP_LINE}; i++)); do
            c="${COMP_LINE:i:1}"
            case "$c" in
                " ") [ -n "$word" ] && COMP_WORDS+=("$word"); word="" ;;
                :) [ -n "$word" ] && COMP_WORDS+=("$word"); COMP_WORDS+=(":"); word="" ;;
                *) word+="$c" ;;
            esac
        done
        COMP_WORDS+=("$word")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMPREPLY=()
        $(complete -p lvsadm | sed 's/.*-F \([^ ]*\) .*/\1/') lvsadm "$word" "${COMP_WORDS[COMP_CWORD-1]}"
        [ ${#COMPREPLY[@]} -gt 0 ] && printf '%s\n' "${COMPREPLY[@]}"
        exit 0
    "#;
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let output = Command::new("bash")
        .args(["--norc", "-i", "-c", driver, "bash", script, line])
        .env_clear()
        .env("PATH", path)
        .output()
        .expect("bash starts");
    let replies = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    assert!(output.status.success(), "{output:?}");
    replies
}

#[test]
fn verbs_and_options() {
    assert_eq!(complete("lvsadm add-", ""), ["add-service", "add-real"]);
    assert_eq!(complete("lvsadm list --js", ""), ["--json"]);
    assert_eq!(complete("lvsadm list --sort ", "").first().map(String::as_str), Some("address"));
    assert_eq!(complete("lvsadm sync st", ""), ["start", "stop"]);
    assert!(complete("lvsadm ", "").contains(&"connections".to_owned()));
    assert!(!complete("lvsadm ", "").contains(&"__complete".to_owned()));
}

#[test]
fn ipvsadm_options() {
    assert_eq!(complete("lvsadm -A --sch", ""), ["--scheduler", "--sched-flags"]);
    assert_eq!(complete("lvsadm --add-se", ""), ["--add-service", "--add-server"]);
}

#[test]
fn live_values() {
    let table = "10.0.0.1:80\\n10.0.0.1:443\\n10.0.0.2:80\\n[2001:db8::1]:80\\n";
    assert_eq!(complete("lvsadm list -t 10.0.0.2", table), ["10.0.0.2:80"]);
    // The shell splits at colons, and takes what stands behind the last one.
    assert_eq!(complete("lvsadm list -t 10.0.0.1:", table), ["80", "443"]);
    assert_eq!(complete("lvsadm list -t [2001:db8:", table), [":1]:80"]);
    assert_eq!(complete("lvsadm -E -t ", table).len(), 4);
}
