//! Trackers: scripts, processes and files as they are, and what is told of them.

use std::{fs, path::Path, time::Duration};

use lvsadm::{
    host::{
        Command, User,
        script::{AT_ONCE, Runner},
    },
    model::{Protocol, ServiceKey},
    vrrp::{
        driver::trackers::Trackers,
        event::Observation::{self, Down, Up, Value},
        settings::{Process, Script, Settings, SyncGroup, Track, TrackedFile, TrackedService, Tracker},
    },
};
use tokio::time::{Instant, timeout};

use super::{command, directory, run, script};

fn runner() -> Runner {
    Runner::new(User::ourselves(), AT_ONCE)
}

/// Settings with a group that tracks what they hold.
fn tracked(settings: Settings) -> Settings {
    let scripts = settings.scripts.iter().map(|each| Tracker::Script(each.name.clone()));
    let processes = settings.processes.iter().map(|each| Tracker::Process(each.name.clone()));
    let files = settings.files.iter().map(|each| Tracker::File(each.name.clone()));
    let trackers = scripts.chain(processes).chain(files);
    let tracks = trackers.map(|tracker| Track { tracker, weight: 0, reverse: false }).collect();
    let group = SyncGroup {
        name: "G".to_owned(),
        members: Vec::new(),
        tracks,
        weights: false,
        notify: lvsadm::vrrp::settings::Notify::default(),
    };
    Settings { groups: vec![group], ..settings }
}

fn a_script(name: &str, command: Command) -> Script {
    Script {
        name: name.to_owned(),
        command,
        interval: Duration::from_millis(100),
        timeout: Duration::from_secs(5),
        weight: (0, false),
        rise: 1,
        fall: 1,
        init_fail: false,
    }
}

async fn next(trackers: &mut Trackers) -> (Tracker, Observation) {
    timeout(Duration::from_secs(8), trackers.next()).await.expect("something is told")
}

/// Nothing is told for some time.
async fn silence(trackers: &mut Trackers) {
    if let Ok(told) = timeout(Duration::from_millis(400), trackers.next()).await {
        panic!("told without a reason: {told:?}");
    }
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn scripts_are_told_when_their_result_changes_and_run_on_through_a_reload() {
    let directory = directory();
    let (verdict, runs) = (directory.path().join("verdict"), directory.path().join("runs"));
    fs::write(&verdict, "0").expect("written");
    let body = format!("echo x >> {}; exit $(cat {})", runs.display(), verdict.display());
    let path = script(directory.path(), "check", &body);
    let chk = a_script("chk", command(&path, &[]));
    let untracked = a_script(
        "other",
        command(&script(directory.path(), "other", &format!("echo > {}/other-ran", directory.path().display())), &[]),
    );
    let mut settings = tracked(Settings { scripts: vec![chk.clone()], ..Settings::default() });
    settings.scripts.push(untracked);
    run(async {
        let mut trackers = Trackers::start(&settings, runner());
        let tracker = Tracker::Script("chk".to_owned());
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Up));
        fs::write(&verdict, "3").expect("written");
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Down));
        // A reload that changes the weight disturbs nothing; one that changes the counts keeps the result.
        let heavier = Settings { scripts: vec![Script { weight: (7, false), ..chk.clone() }], ..settings.clone() };
        trackers.reconfigure(&heavier);
        let slower = Settings { scripts: vec![Script { rise: 3, ..chk.clone() }], ..settings.clone() };
        trackers.reconfigure(&slower);
        silence(&mut trackers).await;
        assert_eq!(trackers.known(&tracker), Down);
        let before = lines(&runs);
        fs::write(&verdict, "0").expect("written");
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Up));
        assert!(lines(&runs) - before >= 3, "three successes in a row");
        // Another command: the old result stands until the new one has its first, which decides.
        let other = a_script("chk", command(Path::new("false"), &[]));
        trackers.reconfigure(&Settings { scripts: vec![Script { fall: 9, ..other }], ..settings.clone() });
        assert_eq!(trackers.known(&tracker), Up);
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Down));
        // Not tracked any more: not run any more.
        trackers.reconfigure(&Settings::default());
        let runs_now = lines(&runs);
        silence(&mut trackers).await;
        assert_eq!(lines(&runs), runs_now);
        assert!(!directory.path().join("other-ran").exists(), "what nobody tracks is never run");
    });
}

#[test]
fn a_script_that_hangs_fails_and_its_missed_turns_are_left_out() {
    let directory = directory();
    let starts = directory.path().join("starts");
    let path = script(directory.path(), "hangs", &format!("echo x >> {}; sleep 100", starts.display()));
    let hangs = Script { timeout: Duration::from_millis(450), ..a_script("hangs", command(&path, &[])) };
    run(async {
        let begin = Instant::now();
        let mut trackers =
            Trackers::start(&tracked(Settings { scripts: vec![hangs], ..Settings::default() }), runner());
        assert_eq!(next(&mut trackers).await, (Tracker::Script("hangs".to_owned()), Down));
        assert!((450..900).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
        assert_eq!(lines(&starts), 1);
    });
}

#[test]
fn a_script_may_count_as_failed_before_it_ran_and_one_that_cannot_start_fails() {
    let slow = Script { init_fail: true, ..a_script("slow", command(Path::new("sleep"), &["0.3"])) };
    let missing = a_script("missing", command(Path::new("/lvsadm/missing"), &[]));
    run(async {
        let settings = tracked(Settings { scripts: vec![slow, missing], ..Settings::default() });
        let mut trackers = Trackers::start(&settings, runner());
        let mut told = vec![next(&mut trackers).await, next(&mut trackers).await, next(&mut trackers).await];
        assert_eq!(told.pop(), Some((Tracker::Script("slow".to_owned()), Up)));
        assert!(told.contains(&(Tracker::Script("slow".to_owned()), Down)));
        assert!(told.contains(&(Tracker::Script("missing".to_owned()), Down)));
    });
}

#[test]
fn files_are_followed_through_writing_replacing_and_removing() {
    let directory = directory();
    let inside = directory.path().join("sub");
    let path = inside.join("weight");
    let new = TrackedFile { name: "w".to_owned(), path: path.clone(), weight: (1, false), initial: None };
    let initial = TrackedFile {
        name: "i".to_owned(),
        path: directory.path().join("initial"),
        weight: (1, false),
        initial: Some((42, false)),
    };
    run(async {
        let settings = tracked(Settings { files: vec![new, initial.clone()], ..Settings::default() });
        let mut trackers = Trackers::start(&settings, runner());
        let w = |value| (Tracker::File("w".to_owned()), Value(value));
        // Its directory does not exist yet, either.
        let told = [next(&mut trackers).await, next(&mut trackers).await];
        assert!(told.contains(&w(0)) && told.contains(&(Tracker::File("i".to_owned()), Value(42))), "{told:?}");
        fs::create_dir(&inside).expect("new");
        fs::write(&path, "5 and so on").expect("written");
        assert_eq!(next(&mut trackers).await, w(5));
        fs::write(directory.path().join("next"), "-7\n").expect("written");
        fs::rename(directory.path().join("next"), &path).expect("replaced");
        assert_eq!(next(&mut trackers).await, w(-7));
        fs::remove_file(&path).expect("removed");
        assert_eq!(next(&mut trackers).await, w(0));
        // The directory goes and comes back.
        fs::write(&path, "8").expect("written");
        assert_eq!(next(&mut trackers).await, w(8));
        fs::rename(&inside, directory.path().join("away")).expect("moved");
        assert_eq!(next(&mut trackers).await, w(0));
        fs::create_dir(&inside).expect("new");
        fs::write(&path, "9").expect("written");
        assert_eq!(next(&mut trackers).await, w(9));
        // A reload does not write initial values again.
        fs::write(&initial.path, "1").expect("written");
        assert_eq!(next(&mut trackers).await, (Tracker::File("i".to_owned()), Value(1)));
        let fewer = tracked(Settings { files: vec![initial.clone()], ..Settings::default() });
        trackers.reconfigure(&fewer);
        silence(&mut trackers).await;
        assert_eq!(fs::read_to_string(&initial.path).expect("there"), "1");
    });
}

#[test]
fn an_initial_value_is_not_written_through_a_link() {
    let directory = directory();
    let (target, link) = (directory.path().join("target"), directory.path().join("link"));
    fs::write(&target, "precious").expect("written");
    std::os::unix::fs::symlink(&target, &link).expect("new");
    let file = TrackedFile { name: "l".to_owned(), path: link, weight: (1, false), initial: Some((3, true)) };
    run(async {
        let mut trackers = Trackers::start(&tracked(Settings { files: vec![file], ..Settings::default() }), runner());
        assert_eq!(next(&mut trackers).await.1, Value(0));
        assert_eq!(fs::read_to_string(&target).expect("there"), "precious");
    });
}

/// A program with a name that nothing else has: a copy of sleep.
fn program(directory: &Path, name: &str) -> std::path::PathBuf {
    let path = directory.join(name);
    fs::copy("/bin/sleep", &path).expect("copied");
    path
}

fn process(program: &str, quorum: u32, quorum_max: Option<u32>) -> Process {
    Process {
        name: format!("p{quorum}"),
        program: program.to_owned(),
        arguments: None,
        full_command: false,
        weight: (0, false),
        quorum,
        quorum_max,
        terminate_delay: Duration::ZERO,
        fork_delay: Duration::ZERO,
    }
}

#[test]
fn processes_are_counted_as_they_come_and_go() {
    let directory = directory();
    let path = program(directory.path(), "lvsadm-nat-p");
    run(async {
        let two = process("lvsadm-nat-p", 2, Some(2));
        let mut trackers =
            Trackers::start(&tracked(Settings { processes: vec![two], ..Settings::default() }), runner());
        let tracker = Tracker::Process("p2".to_owned());
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Down));
        let start = || std::process::Command::new(&path).arg("60").spawn().expect("starts");
        let mut running = vec![start()];
        silence(&mut trackers).await;
        running.push(start());
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Up));
        running.push(start());
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Down));
        for mut each in running.drain(..) {
            each.kill().expect("ours");
            each.wait().expect("ours");
        }
        // Through the right number down to none.
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Up));
        assert_eq!(next(&mut trackers).await, (tracker.clone(), Down));
    });
}

#[test]
fn without_the_kernels_events_processes_are_looked_at() {
    // In a network namespace of its own the kernel sends none.
    if !super::is_root() {
        return;
    }
    let directory = directory();
    let path = program(directory.path(), "lvsadm-nat-q");
    std::thread::spawn(move || {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("root may");
        run(async {
            let one = process("lvsadm-nat-q", 1, None);
            let mut trackers =
                Trackers::start(&tracked(Settings { processes: vec![one], ..Settings::default() }), runner());
            assert_eq!(next(&mut trackers).await.1, Down);
            let mut child = std::process::Command::new(&path).arg("60").spawn().expect("starts");
            assert_eq!(next(&mut trackers).await.1, Up);
            child.kill().expect("ours");
            // Not reaped: a zombie is no process that works.
            assert_eq!(next(&mut trackers).await.1, Down);
            child.wait().expect("ours");
        });
    })
    .join()
    .expect("no panic");
}

#[test]
fn bfd_sessions_are_told_from_outside_and_services_fail_without_ipvs() {
    let address = "192.0.2.1".parse().expect("an address");
    let service =
        TrackedService { service: ServiceKey::Address { protocol: Protocol::Tcp, address, port: 80 }, quorum: 1 };
    let tracks = [Tracker::Bfd("b".to_owned()), Tracker::Service(service)];
    let mut settings = tracked(Settings::default());
    settings.groups[0].tracks =
        tracks.iter().map(|tracker| Track { tracker: tracker.clone(), weight: 0, reverse: false }).collect();
    run(async {
        let mut trackers = Trackers::start(&settings, runner());
        trackers.set("b", Up);
        trackers.set("nobody-tracks-this", Up);
        let mut told = vec![next(&mut trackers).await, next(&mut trackers).await];
        told.sort_by_key(|(tracker, _)| tracker.clone());
        // No such service, or no IPVS in this kernel.
        assert_eq!(told, [(tracks[0].clone(), Up), (tracks[1].clone(), Down)]);
        trackers.set("b", Down);
        assert_eq!(next(&mut trackers).await, (tracks[0].clone(), Down));
    });
}
