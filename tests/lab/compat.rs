//! Our ipvsadm beside the stock one: the same words, the same table, and every byte of the answers compared.
//!
//! What may differ is listed in lvsadm-ipvsadm(7), and each such difference has a test of its own here.
//! `LVSADM_LAB_ROUNDS=10` makes the random parts ten times as long; `LVSADM_LAB_SEED` repeats one.

mod differences;
mod listings;
mod messages;
mod random;
mod restore;
mod traffic;
mod words;

use std::{env, fs};

use nix::sched::{CloneFlags, unshare};

use crate::support::{Output, Words, in_netns, lvsadm_as, run_with_input};

/// Runs a stock program.
fn stock(program: &str, words: &[String], input: &str) -> Output {
    let mut all = vec![program.to_owned()];
    all.extend_from_slice(words);
    run_with_input(all, input)
}

/// Runs ours by the name of the stock program.
fn ours(program: &str, words: &[String], input: &str) -> Output {
    lvsadm_as(program, words, input)
}

/// Fails unless both said the same.
#[track_caller]
fn assert_same(stock: &Output, ours: &Output, context: &str) {
    let parts = |output: &Output| (output.status, output.stdout.clone(), output.stderr.clone());
    assert!(parts(stock) == parts(ours), "{context}\n=== stock {stock}\n=== ours {ours}");
}

/// Compares the answers of both programs to the same words, against the table of this namespace, which neither changes.
#[track_caller]
fn compare(words: impl Words) {
    let words = words.words();
    assert_same(&stock("ipvsadm", &words, ""), &ours("ipvsadm", &words, ""), "");
}

/// Runs `lines`, one process each, with one of the programs in a fresh namespace; then says what the table is.
fn session(lines: &[Vec<String>], run: fn(&str, &[String], &str) -> Output) -> (Vec<Output>, String) {
    in_netns(|| {
        let outputs = lines.iter().map(|words| run("ipvsadm", words, "")).collect();
        (outputs, whole_table())
    })
}

/// Compares both programs over a sequence of commands, each program in a namespace of its own, and the tables they make.
#[track_caller]
fn compare_sessions(lines: &[Vec<String>]) {
    let (stock_outputs, stock_table) = session(lines, stock);
    let (our_outputs, our_table) = session(lines, ours);
    for ((stock, ours), words) in stock_outputs.iter().zip(&our_outputs).zip(lines) {
        assert_same(stock, ours, &format!("{words:?} of {lines:#?}"));
    }
    assert_eq!(stock_table, our_table, "{lines:#?}");
}

/// Runs a test in a fresh namespace with an `/etc/hosts` of its own.
fn with_hosts<T: Send>(hosts: &str, test: impl FnOnce() -> T + Send) -> T {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), hosts).expect("it is writable");
    in_netns(|| {
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        run_with_input("mount --make-rprivate /", "").ok();
        run_with_input(format!("mount --bind {} /etc/hosts", file.path().display()).as_str(), "").ok();
        test()
    })
}

/// Everything that stock ipvsadm can tell of the table of this namespace.
fn whole_table() -> String {
    let listings = "-L -n\n-L -n --thresholds\n-L -n --tun-info\n-L --timeout\n-L --daemon\n-S -n\n";
    let output = run_with_input(["ipvsadm", "-R"], listings);
    assert_eq!((output.status, output.stderr.as_str()), (0, ""), "{output}");
    output.stdout
}

/// The words of a line; `''` is an empty one.
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(|word| if word == "''" { String::new() } else { word.to_owned() }).collect()
}

/// Runs a random test often enough, each time from another seed, which it must name when it fails.
fn rounds(count: u64, test: impl Fn(&mut fastrand::Rng, &str)) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("LVSADM_LAB_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..count * number("LVSADM_LAB_ROUNDS").unwrap_or(1),
    };
    for seed in seeds {
        test(&mut fastrand::Rng::with_seed(seed), &format!("LVSADM_LAB_SEED={seed}"));
    }
}
