//! Running commands: users, limits, what is left afterwards, and what is not run at all.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    time::{Duration, Instant},
};

use lvsadm::host::{
    Command, User,
    script::{AT_ONCE, End, OUTPUT_KEPT, Runner, ScriptFault, check},
};

use super::{command, directory, is_root, run, script, until};

const LIMIT: Duration = Duration::from_secs(10);

fn runner() -> Runner {
    Runner::new(User::for_scripts(None).expect("somebody"), AT_ONCE)
}

fn as_root(command: Command) -> Command {
    Command { user: Some(("root".to_owned(), None)), ..command }
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// How many children this process has, zombies among them.
fn children() -> usize {
    let ours = format!(" {} ", std::process::id());
    let stats = fs::read_dir("/proc")
        .expect("readable")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    // Behind the name in brackets: state, then the parent.
    stats
        .filter(|stat| {
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.get(1..).is_some_and(|r| r.starts_with(&ours)))
        })
        .count()
}

/// Whether a process runs: zombies do not.
fn runs(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn words_arrive_as_they_are_and_the_status_comes_back() {
    let directory = directory();
    let path = script(directory.path(), "show", r#"for w in "$@"; do echo "<$w>"; done; echo oops >&2; exit 7"#);
    let exit = run(runner().run(&command(&path, &["a b", "$HOME", "*"]), &["extra;".to_owned()], LIMIT));
    assert_eq!(exit.end, End::Status(7));
    assert_eq!(text(&exit.output), "<a b>\n<$HOME>\n<*>\n<extra;>\noops\n");
    assert_eq!(exit.to_string(), "exit status 7, \"<a b>\"");
}

#[test]
fn names_without_a_path_are_found_as_a_shell_finds_them() {
    let exit = run(runner().run(&command(Path::new("true"), &[]), &[], LIMIT));
    assert!(exit.is_success(), "{exit}");
    let fault = check(&command(Path::new("lvsadm-no-such-program"), &[]), &User::ourselves()).expect_err("none");
    assert!(matches!(&fault, ScriptFault::NotInPath { name, .. } if name == "lvsadm-no-such-program"), "{fault}");
    assert!(matches!(
        check(&command(Path::new("bin/true"), &[]), &User::ourselves()),
        Err(ScriptFault::NotAbsolute(_))
    ));
}

#[test]
fn a_command_is_an_ordinary_user_without_anything_of_ours() {
    if !is_root() {
        return;
    }
    let directory = directory();
    let path = script(
        directory.path(),
        "who",
        "id -u; id -g; id -G; ls /proc/self/fd | wc -l; grep -E '^(CapEff|SigBlk)' /proc/self/status; echo $$; pwd; \
         cut -d' ' -f5,19,41 /proc/self/stat; echo ${LD_LIBRARY_PATH-unset}",
    );
    // A descriptor that somebody forgot to close on exec.
    let leaked = fs::File::open("/etc/passwd").expect("readable");
    nix::fcntl::fcntl(&leaked, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).expect("set");
    let nobody = User::find("nobody", None).expect("everybody has it");
    let exit = run(Runner::new(nobody, 1).run(&command(&path, &[]), &[], LIMIT));
    let output = text(&exit.output);
    let lines: Vec<_> = output.lines().collect();
    // Input, both outputs, and the directory that ls reads.
    let expected = ["65534", "65534", "65534", "4", "SigBlk:\t0000000000000000", "CapEff:\t0000000000000000"];
    let [before @ .., leader, place, stat, library_path] = lines.as_slice() else {
        panic!("{output}");
    };
    assert_eq!(before, expected, "{output}");
    assert_eq!((*place, *library_path), ("/", "unset"));
    // A process group of its own, niceness 0, SCHED_OTHER.
    assert_eq!(*stat, format!("{leader} 0 0"));
}

#[test]
fn groups_are_the_users_only_if_asked_for() {
    if !is_root() {
        return;
    }
    let id = |group: Option<&str>| {
        let command =
            Command { words: vec!["id".into(), "-G".into()], user: Some(("root".into(), group.map(Into::into))) };
        text(&run(runner().run(&command, &[], LIMIT)).output)
    };
    assert_eq!(id(None), "0\n");
    assert_eq!(id(Some("daemon")), "1\n");
    assert!(id(Some(":daemon")).starts_with('1'));
}

#[test]
fn the_time_limit_takes_the_whole_process_group() {
    let directory = directory();
    let body = "sleep 1000 & echo $! $$; trap '' TERM; sleep 1000";
    let path = script(directory.path(), "stubborn", body);
    let started = Instant::now();
    let exit = run(runner().run(&command(&path, &[]), &[], Duration::from_millis(200)));
    assert_eq!(exit.end, End::Timeout);
    // It ignores SIGTERM, so it gets SIGKILL after 2 s.
    assert!((2100..3500).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    let output = text(&exit.output);
    assert_eq!(output.split_whitespace().count(), 2, "{output}");
    assert!(output.split_whitespace().all(|pid| !runs(pid)), "{output}");
}

#[test]
fn a_command_that_obeys_is_gone_at_once_and_so_are_its_children() {
    let directory = directory();
    let path = script(directory.path(), "obeys", "(trap '' TERM; sleep 1000; sleep 1000) & echo $!; wait");
    let started = Instant::now();
    let exit = run(runner().run(&command(&path, &[]), &[], Duration::from_millis(100)));
    assert_eq!(exit.end, End::Timeout);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let pid = text(&exit.output).trim().to_owned();
    run(until("the child that ignores SIGTERM is killed", || !runs(&pid)));
}

#[test]
fn a_run_that_is_given_up_leaves_nothing() {
    let directory = directory();
    let path = script(directory.path(), "long", &format!("echo $$ > {}/pid; sleep 1000", directory.path().display()));
    let file = directory.path().join("pid");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    run(async {
        let command = command(&path, &[]);
        let runner = runner();
        tokio::select! {
            _ = runner.run(&command, &[], LIMIT) => panic!("it ends never"),
            () = until("it runs", || fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'))) => {}
        }
        let pid = fs::read_to_string(&file).expect("written");
        until("it is killed", || !Path::new("/proc").join(pid.trim()).exists() || !runs(pid.trim())).await;
    });
}

#[test]
fn output_is_bounded_and_never_blocks_the_command() {
    let exit = run(runner().run(&command(Path::new("/bin/sh"), &["-c", "yes | head -c 20000000; exit 3"]), &[], LIMIT));
    assert_eq!(exit.end, End::Status(3));
    assert_eq!(exit.output.len(), OUTPUT_KEPT);
}

#[test]
fn what_stays_in_the_background_may_go_on_writing() {
    let directory = directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    let body = format!(
        "(for i in 1 2 3 4 5; do sleep 0.1; echo $i; done; echo alive > {}/done) &",
        directory.path().display()
    );
    let path = script(directory.path(), "daemon", &body);
    run(async {
        let exit = runner().run(&command(&path, &[]), &[], LIMIT).await;
        assert!(exit.is_success() && exit.took < Duration::from_millis(400), "{exit}");
        until("it was not killed by writing", || directory.path().join("done").exists()).await;
    });
}

#[test]
fn what_cannot_be_started_is_no_success() {
    let directory = directory();
    let interpreter = directory.path().join("no-interpreter");
    fs::write(&interpreter, "#!/lvsadm/no/such/shell\n").expect("written");
    fs::set_permissions(&interpreter, fs::Permissions::from_mode(0o755)).expect("ours");
    let plain = directory.path().join("plain");
    fs::write(&plain, "exit 0\n").expect("written");
    let cases = [
        (interpreter, "the interpreter in its first line does not exist"),
        (plain.clone(), "has no such permission"),
        (directory.path().join("missing"), "missing: No such file"),
        (directory.path().to_owned(), "is not a file"),
    ];
    for (path, words) in cases {
        let exit = run(runner().run(&command(&path, &[]), &[], LIMIT));
        assert!(!exit.is_success());
        assert!(matches!(&exit.end, End::NotStarted(reason) if reason.contains(words)), "{exit}");
    }
    let nobody = Command { words: vec!["true".into()], user: Some(("lvsadm-nobody-has-this".into(), None)) };
    assert!(run(runner().run(&nobody, &[], LIMIT)).to_string().contains("there is no user lvsadm-nobody-has-this"));
    // keepalived runs files without a first line for the kernel by the shell, and so does every shell.
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o755)).expect("ours");
    assert!(run(runner().run(&command(&plain, &[]), &[], LIMIT)).is_success());
}

#[test]
fn no_more_run_at_once_than_allowed() {
    let few = Runner::new(User::for_scripts(None).expect("somebody"), 2);
    let sleep = command(Path::new("sleep"), &["0.2"]);
    let started = Instant::now();
    run(async {
        let all: Vec<_> = (0..6)
            .map(|_| {
                let (few, sleep) = (few.clone(), sleep.clone());
                tokio::spawn(async move { few.run(&sleep, &[], LIMIT).await })
            })
            .collect();
        for each in all {
            assert!(each.await.expect("no panic").is_success());
        }
    });
    assert!(started.elapsed() >= Duration::from_millis(590), "{:?}", started.elapsed());
}

#[test]
fn neither_zombies_nor_descriptors_are_left() {
    let program = std::env::current_exe().expect("known");
    // In a process of its own: other tests open descriptors and start children meanwhile.
    let output = std::process::Command::new(program)
        .args(["--exact", "scripts::leaves_nothing", "--nocapture"])
        .env("LVSADM_NATIVE_ALONE", "1")
        .output()
        .expect("starts");
    assert!(output.status.success(), "{}", text(&output.stdout) + &text(&output.stderr));
}

#[test]
fn leaves_nothing() {
    if std::env::var_os("LVSADM_NATIVE_ALONE").is_none() {
        return;
    }
    let descriptors = || fs::read_dir("/proc/self/fd").expect("readable").count();
    run(async {
        let runner = runner();
        let good = command(Path::new("true"), &[]);
        let slow = command(Path::new("sleep"), &["10"]);
        let missing = command(Path::new("/lvsadm/missing"), &[]);
        runner.run(&good, &[], LIMIT).await;
        let before = descriptors();
        for _ in 0..50 {
            runner.run(&good, &[], LIMIT).await;
            runner.run(&missing, &[], LIMIT).await;
        }
        for _ in 0..5 {
            runner.run(&slow, &[], Duration::from_millis(20)).await;
            let _ = tokio::time::timeout(Duration::from_millis(20), runner.run(&slow, &[], LIMIT)).await;
        }
        // What was given up is reaped when the next child ends.
        runner.run(&good, &[], LIMIT).await;
        until("no zombie is left", || children() == 0).await;
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn a_way_that_others_could_change_is_refused_by_its_part() {
    if !is_root() {
        return;
    }
    let base = directory();
    let top = base.path().join("top");
    fs::create_dir(&top).expect("new");
    fs::set_permissions(&top, fs::Permissions::from_mode(0o755)).expect("ours");
    let path = script(&top, "run", "exit 0");
    let fault = |path: &Path| check(&as_root(command(path, &[])), &User::ourselves()).map(|ok| ok.file);
    assert_eq!(fault(&path), Ok(path.clone()));

    let refused = |path: &Path, part: &Path, words: &str, hint: &str| {
        let fault = fault(path).expect_err("unsafe");
        let said = fault.to_string();
        assert!(said.contains(&format!("{} {words}", part.display())), "{said}");
        assert!(fault.hint().starts_with(&format!("{hint} {}", part.display())), "{}", fault.hint());
        // An ordinary user harms nobody but itself.
        assert!(check(&command(path, &[]), &User::for_scripts(None).expect("somebody")).is_ok());
    };
    let mode = |part: &Path, mode| fs::set_permissions(part, fs::Permissions::from_mode(mode)).expect("ours");

    mode(&path, 0o757);
    refused(&path, &path, "can be written to by everybody", "chmod o-w");
    mode(&path, 0o755);
    mode(&top, 0o777);
    refused(&path, &top, "can be written to by everybody", "chmod o-w");
    // Nobody can replace in there what is root's.
    mode(&top, 0o1777);
    assert!(fault(&path).is_ok());
    mode(&top, 0o775);
    assert!(fault(&path).is_ok(), "the group is root");
    chown(&top, None, Some(1)).expect("root may");
    refused(&path, &top, "can be written to by group 1", "chmod g-w");
    chown(&top, Some(1), Some(0)).expect("root may");
    refused(&path, &top, "belongs to user 1, not to root", "chown root");
    chown(&top, Some(0), Some(0)).expect("root may");
    mode(&top, 0o755);

    // A link in the middle of a chain of links: neither the path nor the real path shows it.
    let loose = base.path().join("loose");
    fs::create_dir(&loose).expect("new");
    symlink(loose.join("middle"), top.join("link")).expect("new");
    symlink("../top/run", loose.join("middle")).expect("new");
    assert_eq!(fault(&top.join("link")), Ok(path));
    mode(&loose, 0o777);
    refused(&top.join("link"), &loose, "can be written to by everybody", "chmod o-w");
}

#[test]
fn a_directory_that_the_user_may_not_pass_is_named() {
    if !is_root() {
        return;
    }
    let base = directory();
    let closed = base.path().join("closed");
    fs::create_dir(&closed).expect("new");
    let path = script(&closed, "run", "exit 0");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("ours");
    let fault = check(&command(&path, &[]), &User::find("nobody", None).expect("exists")).expect_err("closed");
    assert_eq!(
        fault.to_string(),
        format!("nobody may not execute {}: {} has no such permission", path.display(), closed.display())
    );
    let missing = base.path().join("missing/run");
    let fault = check(&command(&missing, &[]), &User::ourselves()).expect_err("missing");
    assert!(fault.to_string().contains(&format!("{}: No such file", base.path().join("missing").display())), "{fault}");
}

#[test]
fn links_in_a_circle_end() {
    let base = directory();
    symlink(base.path().join("b"), base.path().join("a")).expect("new");
    symlink(base.path().join("a"), base.path().join("b")).expect("new");
    let fault = check(&command(&base.path().join("a"), &[]), &User::ourselves()).expect_err("a circle");
    assert!(fault.to_string().contains("too many symbolic links"), "{fault}");
}
