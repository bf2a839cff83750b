//! Completion in real shells, without a kernel: verbs, options, and live values from a program that stands in for lvsadm.
//!
//! zsh and fish are asked where they are installed; `tests/run` installs them.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// Returns a directory with a program called lvsadm that answers every question of a completion with `fake`.
fn stand_in(fake: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("lvsadm");
    fs::write(&program, format!("#!/bin/sh\n[ \"$1\" = __complete ] && printf '{fake}'\n")).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    dir
}

/// Runs another shell with the stand-in on its path; `None` where that shell is not installed.
fn shell(name: &str, arguments: &[&str], fake: &str) -> Option<String> {
    let dir = stand_in(fake);
    let mut command = Command::new(name);
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.env("PATH", format!("{}:/usr/bin:/bin", dir.path().display())).env("HOME", dir.path()).env("TERM", "dumb");
    match command.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        output => {
            let output = output.expect("the shell starts");
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
    }
}

/// Completes `line` in bash and returns the replies, with `fake` as what `lvsadm __complete` prints.
fn complete(line: &str, fake: &str) -> Vec<String> {
    let dir = stand_in(fake);
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

#[test]
fn fish_completes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/lvsadm.fish");
    let fish = |line: &str, fake: &str| {
        let command = format!("source {script}; complete -C '{line}'");
        let found = shell("fish", &["--no-config", "-c", &command], fake)?;
        Some(found.lines().map(|line| line.split('\t').next().unwrap_or(line).to_owned()).collect::<Vec<_>>())
    };
    let Some(verbs) = fish("lvsadm add-", "") else { return };
    assert_eq!(verbs, ["add-real", "add-service"]);
    let table = "10.0.0.1:80\\n[2001:db8::1]:80\\n";
    assert_eq!(fish("lvsadm list -t ", table), Some(vec!["10.0.0.1:80".into(), "[2001:db8::1]:80".into()]));
    assert_eq!(fish("lvsadm -a -t 10.0.0.1:80 -r ", "10.1.0.1:80\\n"), Some(vec!["10.1.0.1:80".into()]));
    assert_eq!(fish("lvsadm -A --sche", ""), Some(vec!["--scheduler".into(), "--sched-flags".into()]));
}

/// zsh completes only for a terminal, so it is given one (`zpty`), and a key that lists what there is. Fails if what
/// is expected does not turn up in time.
#[test]
fn zsh_completes() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");
    let driver = r#"
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PS1=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u; setopt no_beep; print REA''DY"
        zpty -r shell out '*READY*'
        zpty -w -n shell "$2"$'\t\C-D'
        zpty -r shell out "*$3*"
    "#;
    let lists = |line: &str, fake: &str, expected: &str| {
        let arguments = ["20", "zsh", "-f", "-c", driver, "zsh", directory, line, expected];
        assert!(shell("timeout", &arguments, fake).is_some());
    };
    if shell("zsh", &["-f", "-c", ":"], "").is_none() {
        return;
    }
    lists("lvsadm add-", "", "add-real*add-service");
    lists("lvsadm list -t ", "10.0.0.1:80\\n[2001:db8::1]:80\\n", "10.0.0.1:80*2001:db8::1*:80");
    lists("lvsadm -A --sched", "", "--sched-flags*--scheduler");
}
