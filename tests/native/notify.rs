//! Notifications: commands in order, FIFOs and their readers, and what happens at the end.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lvsadm::{
    host::{
        Command, User,
        script::{AT_ONCE, Runner},
    },
    model::Moment,
    notify::{CommandQueue, FifoWriter, Notifier},
    vrrp::{
        event::{Cause, Notice, NoticeKind, State, Subject},
        settings::{Fifo, Notify, Settings, SyncGroup},
    },
};

use super::{command, directory, is_root, run, script, until};

const LIMIT: Duration = Duration::from_secs(10);

fn runner() -> Runner {
    Runner::new(User::ourselves(), AT_ONCE)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn group(name: &str, notify: Notify) -> SyncGroup {
    SyncGroup { name: name.to_owned(), members: Vec::new(), tracks: Vec::new(), weights: false, notify }
}

fn notice(name: &str, kind: NoticeKind) -> Notice {
    Notice { at: Moment::ZERO, subject: Subject::Group(name.to_owned()), kind, priority: 0 }
}

fn entered(name: &str, state: State) -> Notice {
    notice(name, NoticeKind::Entered { state, cause: Cause::Operator })
}

/// A command that appends its words to a file, after a pause that its last word names.
fn writer(directory: &Path, pause: &str) -> (Command, PathBuf) {
    let file = directory.join("calls");
    let path = script(directory, "writer", &format!("sleep {pause}; echo \"$*\" >> {}", file.display()));
    (command(&path, &[]), file)
}

#[test]
fn commands_of_a_subject_never_overtake_each_other() {
    let directory = directory();
    let file = directory.path().join("calls");
    let path = script(directory.path(), "writer", &format!("sleep $2; echo $1 >> {}", file.display()));
    let command = command(&path, &[]);
    run(async {
        let queue = CommandQueue::new(runner());
        let push = |subject: &str, word: &str, pause: &str| {
            queue.push(subject.to_owned(), command.clone(), vec![word.to_owned(), pause.to_owned()], LIMIT);
        };
        push("a", "a1", "0.5");
        push("a", "a2", "0.1");
        push("a", "a3", "0");
        push("b", "b1", "0");
        queue.finish(LIMIT).await;
    });
    // A slow subject holds no other one up.
    assert_eq!(text(&file), "b1\na1\na2\na3\n");
}

#[test]
fn order_holds_under_load() {
    let directory = directory();
    let file = |subject: usize| directory.path().join(format!("s{subject}"));
    let path = script(directory.path(), "append", "echo $1 >> $2");
    run(async {
        let queue = CommandQueue::new(runner());
        for number in 0..30 {
            for subject in 0..5 {
                let words = vec![number.to_string(), file(subject).to_str().expect("plain").to_owned()];
                queue.push(format!("s{subject}"), command(&path, &[]), words, LIMIT);
            }
        }
        queue.finish(LIMIT).await;
        assert_eq!(queue.left_out(), 0);
    });
    let expected: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    for subject in 0..5 {
        assert_eq!(text(&file(subject)).lines().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_cannot_be_kept_is_the_oldest_and_counted() {
    let directory = directory();
    let (command, file) = writer(directory.path(), "0.05");
    run(async {
        let queue = CommandQueue::new(runner());
        for number in 0..40 {
            queue.push("s".to_owned(), command.clone(), vec![number.to_string()], LIMIT);
        }
        // The worker had no turn yet.
        assert_eq!(queue.left_out(), 8);
        queue.finish(LIMIT).await;
    });
    let expected: Vec<_> = (8..40).map(|number| number.to_string()).collect();
    assert_eq!(text(&file).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_end_waits_for_commands_but_not_for_ever() {
    let directory = directory();
    let (slow, file) = writer(directory.path(), "0.3");
    run(async {
        let queue = CommandQueue::new(runner());
        queue.push("s".to_owned(), slow, vec!["done".to_owned()], LIMIT);
        queue.finish(LIMIT).await;
        assert_eq!(text(&file), "done\n");
        let pid = directory.path().join("pid");
        let hangs = script(directory.path(), "hangs", &format!("echo $$ > {}; trap '' TERM; sleep 100", pid.display()));
        queue.push("s".to_owned(), command(&hangs, &[]), Vec::new(), LIMIT);
        until("it runs", || text(&pid).ends_with('\n')).await;
        let begin = Instant::now();
        queue.finish(Duration::from_millis(200)).await;
        assert!(begin.elapsed() < Duration::from_secs(1));
        until("it is killed", || !text(&Path::new("/proc").join(text(&pid).trim()).join("stat")).contains(") S")).await;
    });
}

#[test]
fn the_last_command_has_its_turn_even_behind_a_slow_one() {
    let directory = directory();
    let (quick, file) = writer(directory.path(), "0");
    run(async {
        let queue = CommandQueue::new(runner());
        let push = |word: &str| queue.push("s".to_owned(), quick.clone(), vec![word.to_owned()], LIMIT);
        queue.push("s".to_owned(), command(Path::new("sleep"), &["100"]), Vec::new(), LIMIT);
        tokio::time::sleep(Duration::from_millis(50)).await;
        push("overtaken");
        let begin = Instant::now();
        for word in ["stop", "any"] {
            queue.push_last("s".to_owned(), quick.clone(), vec![word.to_owned()], Duration::from_secs(1));
        }
        queue.finish(Duration::from_secs(3)).await;
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        assert_eq!(queue.left_out(), 1);
    });
    assert_eq!(text(&file), "stop\nany\n");
}

#[test]
fn states_run_their_command_then_the_common_one_then_the_line() {
    let directory = directory();
    let (writer, calls) = writer(directory.path(), "0.05");
    let fifo = directory.path().join("fifo");
    let with = |word: &str| Some(Command { words: [writer.words[0].clone(), word.to_owned()].to_vec(), user: None });
    let notify = Notify {
        master: with("master"),
        backup: with("backup"),
        stop: with("stop"),
        any: with("any"),
        priority_changes: true,
        ..Notify::default()
    };
    let settings = Settings {
        groups: vec![group("G", notify)],
        fifos: vec![Fifo { path: fifo.clone(), owner: None, reader: None }],
        ..Settings::default()
    };
    run(async {
        let mut notifier = Notifier::new(&settings, runner()).expect("a FIFO");
        for state in [State::Init, State::Backup, State::Master] {
            notifier.notify(&entered("G", state));
        }
        notifier.notify(&notice("G", NoticeKind::Priority { before: 1 }));
        notifier.notify(&entered("unknown", State::Master));
        let mut reader =
            fs::OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(&fifo).expect("there");
        until("the commands have run", || text(&calls).lines().count() == 4).await;
        notifier.notify(&entered("G", State::Stopped));
        notifier.finish(LIMIT).await;
        let mut lines = String::new();
        reader.read_to_string(&mut lines).expect("at the end, because the writer is gone");
        assert_eq!(
            lines,
            "GROUP \"G\" BACKUP 0\nGROUP \"G\" MASTER 0\nGROUP \"G\" MASTER_PRIORITY 0\nGROUP \"G\" STOP 0\n"
        );
    });
    assert_eq!(text(&calls), "backup\nany GROUP G BACKUP 0\nmaster\nany GROUP G MASTER 0\nstop\nany GROUP G STOP 0\n");
    assert!(!fifo.exists(), "what we made we remove");
}

#[test]
fn what_is_removed_from_the_settings_can_still_be_told_so() {
    let directory = directory();
    let (writer, calls) = writer(directory.path(), "0");
    run(async {
        let notify = Notify { deleted: Some(writer.clone()), any: Some(writer), ..Notify::default() };
        let settings = Settings { groups: vec![group("G", notify)], ..Settings::default() };
        let mut notifier = Notifier::new(&settings, runner()).expect("no FIFO");
        assert!(notifier.reconfigure(&Settings::default()).is_ok());
        notifier.notify(&notice("G", NoticeKind::Deleted));
        assert!(notifier.reconfigure(&Settings::default()).is_ok());
        notifier.notify(&entered("G", State::Master));
        notifier.finish(LIMIT).await;
    });
    assert_eq!(text(&calls), "\nGROUP G DELETED 0\n");
}

#[test]
fn a_fifo_is_for_its_owner_only() {
    let directory = directory();
    let path = directory.path().join("fifo");
    run(async {
        let fifo = FifoWriter::open(&path, None, None, runner()).expect("new");
        let metadata = fs::symlink_metadata(&path).expect("there");
        assert!(metadata.file_type().is_fifo());
        assert_eq!(metadata.mode() & 0o7777, 0o600);
        drop(fifo);
        assert!(!path.exists());

        fs::write(&path, "").expect("written");
        let fault = FifoWriter::open(&path, None, None, runner()).expect_err("a file");
        assert_eq!(fault.to_string(), format!("{} exists and is not a FIFO", path.display()));
        fs::remove_file(&path).expect("ours");
        std::os::unix::fs::symlink("/dev/null", &path).expect("new");
        assert!(
            FifoWriter::open(&path, None, None, runner()).expect_err("a link").to_string().contains("is not a FIFO")
        );
        fs::remove_file(&path).expect("ours");
        let missing = directory.path().join("missing/fifo");
        let fault = FifoWriter::open(&missing, None, None, runner()).expect_err("no directory").to_string();
        assert!(fault.starts_with(&format!("cannot make FIFO {}: ", missing.display())), "{fault}");
        if !is_root() {
            return;
        }
        let nobody = ("nobody".to_owned(), None);
        let fifo = FifoWriter::open(&path, Some(&nobody), None, runner()).expect("new");
        assert_eq!(fs::symlink_metadata(&path).expect("there").uid(), 65_534);
        drop(fifo);
        // One that was there before: its owner's or ours, and it stays.
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).expect("new");
        std::os::unix::fs::chown(&path, Some(1), None).expect("root may");
        let fault = FifoWriter::open(&path, Some(&nobody), None, runner()).expect_err("another's").to_string();
        assert_eq!(fault, format!("FIFO {} belongs to user 1", path.display()));
        std::os::unix::fs::chown(&path, Some(65_534), None).expect("root may");
        drop(FifoWriter::open(&path, Some(&nobody), None, runner()).expect("its own"));
        assert!(path.exists());
        // Two of ours write to it: who made it does not take it away from the other.
        fs::remove_file(&path).expect("there");
        let (first, second) = [(); 2].map(|()| FifoWriter::open(&path, None, None, runner()).expect("ours")).into();
        drop(first);
        assert!(path.exists());
        drop(second);
    });
}

#[test]
fn lines_wait_for_a_reader_and_losses_are_counted() {
    let directory = directory();
    let path = directory.path().join("fifo");
    run(async {
        let fifo = FifoWriter::open(&path, None, None, runner()).expect("new");
        let line = |number: usize| format!("{number:0>99}\n");
        // What the pipe holds and what waits beside it.
        for number in 0..1500 {
            fifo.write(&line(number));
            if number % 100 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        assert_eq!(fifo.lost(), 0);
        for number in 1500..3000 {
            fifo.write(&line(number));
        }
        let lost = fifo.lost();
        assert!((1000..1500).contains(&lost), "{lost}");
        let reading = path.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut lines = Vec::new();
            let mut file = File::open(reading).expect("there");
            let mut buffer = [0; 1000];
            while !lines.ends_with(b"2999\n") {
                let length = file.read(&mut buffer).expect("readable");
                lines.extend_from_slice(&buffer[..length]);
            }
            String::from_utf8(lines).expect("digits")
        });
        let lines = read.await.expect("no panic");
        let numbers: Vec<usize> = lines.lines().map(|line| line.parse().expect("a number")).collect();
        assert_eq!(numbers.len() + lost as usize, 3000);
        assert!(numbers.is_sorted(), "in order, even with a gap");
    });
}

#[test]
fn a_reader_is_started_again_when_it_dies_and_ends_at_the_end() {
    let directory = directory();
    let (path, seen, starts) =
        (directory.path().join("fifo"), directory.path().join("seen"), directory.path().join("starts"));
    // Each reads one line, and dies of the word "die".
    let body = format!(
        "echo $$ >> {}; exec < $1; while read line; do echo \"$line\" >> {}; [ \"$line\" = die ] && exit 1; done",
        starts.display(),
        seen.display()
    );
    let reader = command(&script(directory.path(), "reader", &body), &[]);
    run(async {
        let fifo = FifoWriter::open(&path, None, Some(&reader), runner()).expect("new");
        fifo.write("one\n");
        fifo.write("die\n");
        until("it died", || text(&seen).ends_with("die\n")).await;
        fifo.write("two\n");
        until("another reads on", || text(&seen).ends_with("two\n")).await;
        assert_eq!(text(&starts).lines().count(), 2);
        fifo.write("last\n");
        let begin = Instant::now();
        fifo.finish(LIMIT).await;
        assert!(begin.elapsed() < Duration::from_secs(1), "it ends by itself when nobody writes any more");
        assert_eq!(text(&seen), "one\ndie\ntwo\nlast\n");
        assert_eq!(text(&starts).lines().count(), 2);
        assert!(!path.exists());
    });
}

#[test]
fn a_reader_that_does_not_want_to_end_is_made_to() {
    let directory = directory();
    let path = directory.path().join("fifo");
    let pid = directory.path().join("pid");
    let body = format!("trap '' TERM; echo $$ > {}; while :; do sleep 1; done", pid.display());
    let reader = command(&script(directory.path(), "reader", &body), &[]);
    run(async {
        let fifo = FifoWriter::open(&path, None, Some(&reader), runner()).expect("new");
        until("it runs", || text(&pid).ends_with('\n')).await;
        fifo.write("nobody reads this\n");
        let begin = Instant::now();
        fifo.finish(Duration::from_millis(1500)).await;
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        let process = PathBuf::from("/proc").join(text(&pid).trim());
        until("it is killed", || !text(&process.join("stat")).contains(") S")).await;
    });
}

#[test]
fn a_reload_keeps_what_did_not_change_and_never_has_two_readers() {
    let directory = directory();
    let (path, seen) = (directory.path().join("fifo"), directory.path().join("seen"));
    let busy = directory.path().join("busy");
    // Says so if another reader is there.
    let body = format!(
        "mkdir {0} || echo TWO >> {1}; trap 'rmdir {0}; exit' TERM; while read line; do echo \"$2 $line\" >> {1}; done < $1; rmdir {0}",
        busy.display(),
        seen.display()
    );
    let program = script(directory.path(), "reader", &format!("set -- \"$2\" \"$1\"\n{body}"));
    let settings = |word: &str| Settings {
        groups: vec![group("G", Notify::default())],
        fifos: vec![Fifo { path: path.clone(), owner: None, reader: Some(command(&program, &[word])) }],
        ..Settings::default()
    };
    run(async {
        let mut notifier = Notifier::new(&settings("first"), runner()).expect("a FIFO");
        let node = fs::symlink_metadata(&path).expect("there").ino();
        notifier.notify(&entered("G", State::Backup));
        until("it was read", || text(&seen).contains("BACKUP")).await;
        assert!(notifier.reconfigure(&settings("first")).is_ok());
        notifier.notify(&entered("G", State::Fault));
        assert!(notifier.reconfigure(&settings("second")).is_ok());
        notifier.notify(&entered("G", State::Master));
        until("the second reads", || text(&seen).contains("MASTER")).await;
        assert_eq!(fs::symlink_metadata(&path).expect("there").ino(), node, "the same FIFO all the time");
        let lines = text(&seen);
        assert!(
            lines.starts_with("first GROUP \"G\" BACKUP 0\n") && lines.contains("GROUP \"G\" FAULT 0\n"),
            "{lines}"
        );
        assert!(lines.ends_with("second GROUP \"G\" MASTER 0\n") && !lines.contains("TWO"), "{lines}");
        assert_eq!(notifier.losses(), (0, 0));
        // Not wanted any more.
        assert!(notifier.reconfigure(&Settings::default()).is_ok());
        until("it is gone", || !path.exists()).await;
        // What cannot be had is named, and the rest goes on.
        let bad = Settings {
            fifos: vec![Fifo { path: "/lvsadm/no/fifo".into(), owner: None, reader: None }],
            ..settings("x")
        };
        assert_eq!(notifier.reconfigure(&bad).expect_err("no directory").len(), 1);
        assert!(Notifier::new(&bad, runner()).is_err());
    });
    assert!(fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).is_ok());
}
