//! `-R` and ipvsadm-restore with random files, good and bad.

use fastrand::Rng;
use lvsadm::state::grammar::{self, Class, Command, NoNames};

use super::{assert_same, ours, random, rounds, stock, whole_table, words::line};
use crate::support::{Output, in_netns, run_with_input};

/// Runs a program over a file in a fresh namespace that has one service; says what the table is.
fn restored(program: &str, words: &[String], file: &str, run: fn(&str, &[String], &str) -> Output) -> (Output, String) {
    in_netns(|| {
        run_with_input("ipvsadm -A -t 127.0.0.1:9 -s lc", "").ok();
        (run(program, words, file), whole_table())
    })
}

/// A table as somebody might keep it in a file.
fn file(rng: &mut Rng) -> String {
    let mut text = String::new();
    for line in random::table(rng) {
        // Namespaces do not agree on the order of addresses 2^31 apart.
        if ["-t 1", "-t 2", "-u 1", "-u 2", "-r 1", "-r 2", "service 1", "service 2"].iter().any(|far| {
            line.split_once(far).is_some_and(|(_, rest)| !rest.starts_with("0.") && !rest.starts_with("27."))
        }) || line.contains("-f ")
        {
            continue;
        }
        match rng.u8(0..20) {
            0 => text += "# a comment\n#another\n",
            1 => text += "\n  \t \n",
            2 => text += "ipvsadm\t",
            3 => text += " ",
            _ => {}
        }
        text += &line;
        text += choose_end(rng);
    }
    text
}

fn choose_end(rng: &mut Rng) -> &'static str {
    random::choose(rng, &["\n", "\n", "\n", " \n", "\r\n", "\n\n"])
}

#[test]
fn good_files() {
    rounds(12, |rng, seed| {
        let text = file(rng);
        let context = format!("{seed}\n{text}");
        let (stock, table) = restored("ipvsadm-restore", &[], &text, stock);
        let (ours, our_table) = restored("ipvsadm-restore", &[], &text, ours);
        assert_same(&stock, &ours, &context);
        assert_eq!(table, our_table, "{context}");
    });
}

/// A bad line anywhere. `-R` does the same as the stock program, down to the half-made table; ipvsadm-restore says the
/// same and leaves the table alone where the stock one empties it first.
#[test]
fn bad_files() {
    rounds(12, |rng, seed| {
        let mut lines: Vec<String> =
            file(rng).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
        for _ in 0..rng.usize(1..4) {
            let bad = loop {
                let words: Vec<String> = line(rng).into_iter().filter(|word| !word.is_empty()).collect();
                if grammar::parse(&words, &NoNames).is_err() {
                    break words.join(" ");
                }
            };
            lines.insert(rng.usize(0..=lines.len()), bad);
        }
        let text = lines.join("\n");
        let context = format!("{seed}\n{text}");
        let options = ["-R".to_owned()];
        let (stock_direct, table) = restored("ipvsadm", &options, &text, stock);
        let (our_direct, our_table) = restored("ipvsadm", &options, &text, ours);
        assert_same(&stock_direct, &our_direct, &context);
        assert_eq!(table, our_table, "{context}");

        let (stock, table) = restored("ipvsadm-restore", &[], &text, stock);
        let (ours, our_table) = restored("ipvsadm-restore", &[], &text, ours);
        assert_eq!(stock.status, ours.status, "{context}");
        if lines.iter().any(|line| stops(line)) {
            assert!(our_table.contains("127.0.0.1:9"), "{context}\nleft {our_table}");
            assert!(stock.stderr.ends_with(&ours.stderr) && !ours.stderr.is_empty(), "{context}\n{stock}\n{ours}");
        } else {
            assert_same(&stock, &ours, &context);
            assert_eq!(table, our_table, "{context}");
        }
    });
}

/// Whether a restore ends at this line.
fn stops(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "ipvsadm").collect();
    !words.is_empty()
        && match grammar::parse(&words, &NoNames) {
            Ok(parsed) => matches!(parsed.command, Command::Help | Command::Version | Command::Restore),
            Err(fault) => fault.kind.class() != Class::Options,
        }
}

#[test]
fn odd_files() {
    let files = [
        "",
        "\n\n",
        "-A -t 10.0.0.1:80",
        "-A -t 10.0.0.1:80 # note\n",
        "# note\n-A -t 10.0.0.1:80\n",
        " # note\n-A -t 10.0.0.1:80\n",
        "-A -t 10.0.0.1:80\n-A -t 10.0.0.1:80\n-A -t 10.0.0.1:81\n",
        "-A -t 10.0.0.1:80\n-A -t 10.0.0.1:80\n",
        "-A -t 10.0.0.1:80 -s\n-A -t 10.0.0.1:81\n",
        "-A -t 10.0.0.1:80\n-A -t 10.0.0.1:81 --bogus\n",
        "-A -t 10.0.0.1:80\n-R\n-A -t 10.0.0.1:81\n",
        "-A -t 10.0.0.1:80\n-v\n-A -t 10.0.0.1:81\n",
        "-A -t 10.0.0.1:80\n-L -n\n-C\n-L -n\n-S\n",
        "-A -t 10.0.0.1:80\n-L -t 10.0.0.2:80\n-A -t 10.0.0.1:81\n",
        "ipvsadm\nipvsadm -A ipvsadm -t 10.0.0.1:80 ipvsadm\n/sbin/ipvsadm -A -t 10.0.0.1:81\n",
        "-A -t 10.0.0.1:80 -s \"rr\"\n-A -t 10.0.0.1:80 -s rr\x0b\n",
        "--set 7 8 9\n--start-daemon master --mcast-interface lo\n-Z\n",
    ];
    for text in files {
        let options = ["-R".to_owned()];
        let (stock, table) = restored("ipvsadm", &options, text, stock);
        let (ours, our_table) = restored("ipvsadm", &options, text, ours);
        assert_same(&stock, &ours, &format!("{text:?}"));
        assert_eq!(table, our_table, "{text:?}");
    }
}

/// Files that are longer than one reading, fed slowly or at once.
#[test]
fn long_files() {
    let mut text = String::new();
    for service in 0..40 {
        text += &format!("-A -t 10.0.{service}.1:80 -s rr\n");
        for server in 1..60 {
            text += &format!("-a -t 10.0.{service}.1:80 -r 10.1.{service}.{server}:80 -m -w {server}\n");
        }
    }
    assert!(text.len() > 1 << 16);
    let (_, expected) = restored("ipvsadm", &["-R".to_owned()], &format!("-C\n{text}"), stock);
    let (direct, table) = restored("ipvsadm", &["-R".to_owned()], &format!("-C\n{text}"), ours);
    assert_eq!((direct.status, direct.stderr.as_str()), (0, ""), "{direct}");
    assert_eq!(table, expected);
    let (wrapper, table) = restored("ipvsadm-restore", &[], &text, ours);
    assert_eq!((wrapper.status, wrapper.stderr.as_str()), (0, ""), "{wrapper}");
    assert_eq!(table, expected);
}

#[test]
fn ipvsadm_save() {
    in_netns(|| {
        run_with_input(
            "ipvsadm -R",
            "-A -t 127.0.0.1:80\n-a -t 127.0.0.1:80 -r 127.0.0.1:80\n-A -t [2001:db8::1]:443\n",
        )
        .ok();
        for line in ["", "-n", "foo -n", "-x", "-n -x", "--help"] {
            let words = super::words(line);
            assert_same(&stock("ipvsadm-save", &words, ""), &ours("ipvsadm-save", &words, ""), line);
        }
    });
}
