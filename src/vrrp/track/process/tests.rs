use super::*;

fn process(name: &str) -> Process {
    Process {
        name: name.to_owned(),
        program: name.to_owned(),
        arguments: None,
        full_command: false,
        weight: (0, false),
        quorum: 1,
        quorum_max: None,
        terminate_delay: Duration::ZERO,
        fork_delay: Duration::ZERO,
    }
}

fn program(line: &str) -> Program {
    let words: Vec<_> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    let name = line.split(' ').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    Program { name: name.bytes().take(NAME).collect(), words }
}

fn at(milliseconds: u64) -> Moment {
    Moment::from_start(Duration::from_millis(milliseconds))
}

fn changes(processes: &mut Processes) -> String {
    let mut text = String::new();
    while let Some((name, observation)) = processes.poll() {
        text += &format!("{name} {observation:?} ");
    }
    text
}

#[test]
fn the_first_look_tells_at_once_and_events_follow() {
    let slow = Process { fork_delay: Duration::from_secs(9), terminate_delay: Duration::from_secs(9), ..process("b") };
    let mut processes = Processes::new(vec![process("a"), slow]);
    processes.scanned(at(0), &[(1, program("/bin/a"))]);
    assert_eq!(changes(&mut processes), "a Up b Down ");
    processes.exited(at(1), 7);
    processes.forked(at(1), 7, 8);
    assert_eq!(changes(&mut processes), "");
    // A copy of itself takes over.
    processes.forked(at(2), 1, 2);
    processes.exited(at(3), 1);
    assert_eq!(changes(&mut processes), "");
    processes.changed(at(4), 2, &program("/bin/other"));
    assert_eq!(changes(&mut processes), "a Down ");
    processes.changed(at(5), 9, &program("/sbin/a -x"));
    assert_eq!(changes(&mut processes), "a Up ");
    assert_eq!(processes.next_timeout(), None);
}

#[test]
fn as_many_as_asked_for_and_no_more() {
    let few = Process { quorum: 2, quorum_max: Some(3), ..process("a") };
    let none = Process { name: "none".to_owned(), quorum_max: Some(0), ..process("a") };
    let mut processes = Processes::new(vec![few, none]);
    processes.scanned(at(0), &[]);
    assert_eq!(changes(&mut processes), "a Down none Up ");
    let mut told = Vec::new();
    for pid in 1..=4 {
        processes.changed(at(1), pid, &program("a"));
        told.push(changes(&mut processes));
    }
    assert_eq!(told, ["none Down ", "a Up ", "", "a Down "]);
    processes.exited(at(2), 1);
    assert_eq!((changes(&mut processes).as_str(), processes.count("a")), ("a Up ", 3));
}

#[test]
fn delays_forgive_what_passes() {
    let patient =
        Process { terminate_delay: Duration::from_millis(500), fork_delay: Duration::from_millis(200), ..process("a") };
    let mut processes = Processes::new(vec![patient]);
    processes.scanned(at(0), &[(1, program("a"))]);
    assert_eq!(changes(&mut processes), "a Up ");
    // Away for less than the delay.
    processes.exited(at(1000), 1);
    assert_eq!(processes.next_timeout(), Some(at(1500)));
    processes.changed(at(1400), 2, &program("a"));
    assert_eq!((changes(&mut processes).as_str(), processes.next_timeout()), ("", None));
    // Away for longer; a late timer is no problem.
    processes.exited(at(2000), 2);
    processes.handle_timeout(at(2499));
    assert_eq!(changes(&mut processes), "");
    processes.handle_timeout(at(2600));
    assert_eq!(changes(&mut processes), "a Down ");
    // Restarts before it has run for long: the delay counts from when the number was right.
    processes.changed(at(3000), 3, &program("a"));
    processes.exited(at(3100), 3);
    assert_eq!(processes.next_timeout(), None);
    processes.changed(at(3150), 4, &program("a"));
    processes.changed(at(3250), 5, &program("a"));
    assert_eq!(processes.next_timeout(), Some(at(3350)));
    processes.handle_timeout(at(3350));
    assert_eq!(changes(&mut processes), "a Up ");
}

#[test]
fn a_second_look_finds_what_events_did_not_tell() {
    let mut processes = Processes::new(vec![process("a")]);
    processes.scanned(at(0), &[(1, program("a"))]);
    processes.scanned(at(1), &[(1, program("a")), (2, program("a"))]);
    assert_eq!(changes(&mut processes), "a Up ");
    processes.scanned(at(2), &[(3, program("b"))]);
    assert_eq!(changes(&mut processes), "a Down ");
}

#[test]
fn names_are_cut_as_the_kernel_cuts_them_and_command_lines_are_not() {
    let long = process("a-name-longer-than-15");
    assert!(matches(&long, &program("a-name-longer-than-other")));
    let full = Process { full_command: true, ..long };
    assert!(!matches(&full, &program("a-name-longer-than-other")));
    assert!(matches(&full, &program("a-name-longer-than-15 -x -y")));
    assert!(!matches(&full, &Program::default()));
    assert!(Processes::new(vec![full]).wants_words());
    assert!(!Processes::new(vec![process("a")]).wants_words());
}

#[test]
fn arguments_are_compared_as_asked_for() {
    let with = |words: &str, how| {
        let words = words.split_whitespace().map(str::to_owned).collect();
        Process { arguments: Some((words, how)), ..process("/bin/a") }
    };
    let cases = [
        ("-f x", ArgumentMatch::Exact, "/bin/a -f x", true),
        ("-f x", ArgumentMatch::Exact, "/bin/a -f x y", false),
        ("", ArgumentMatch::Exact, "/bin/a", true),
        ("", ArgumentMatch::Exact, "/bin/a -f", false),
        ("-f", ArgumentMatch::Initial, "/bin/a -f x", true),
        ("-f", ArgumentMatch::Initial, "/bin/a -fx", false),
        ("-f x", ArgumentMatch::Initial, "/bin/a -f", false),
        ("-f x", ArgumentMatch::Partial, "/bin/a -f xyz q", true),
        ("-f x", ArgumentMatch::Partial, "/bin/a -g xyz", false),
        ("-f x", ArgumentMatch::Partial, "/bin/a -f", false),
        ("-f", ArgumentMatch::Exact, "/sbin/a -f", false),
    ];
    for (words, how, line, expected) in cases {
        assert_eq!(matches(&with(words, how), &program(line)), expected, "{words} {how:?} {line}");
    }
}
