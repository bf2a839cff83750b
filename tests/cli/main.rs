//! What the program says when it needs no kernel: help, and what is wrong with a command line.
//!
//! Each snapshot holds the command line, the exit status and both streams. `INSTA_UPDATE=always cargo test --test cli`
//! writes them anew; read the difference before it is committed.

mod checks;
mod completion;
mod dispatch;
mod help;
mod lint;
mod listing;
mod live;
mod mistakes;
mod probes;
mod savefile;
mod told;
mod vrrp;

use std::process::{Command, Stdio};

/// Runs lvsadm with nothing of this machine's environment and returns all of what it did.
fn lvsadm(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lvsadm"))
        .args(args)
        .env_clear()
        .env("COLUMNS", "100")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let words: Vec<_> = args.iter().map(|word| if word.is_empty() { "''" } else { word }).collect();
    let mut text = format!("$ lvsadm {}\n", words.join(" "));
    text += &String::from_utf8_lossy(&output.stdout);
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        text += &format!("! {line}\n");
    }
    let status = output.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
    text + &format!("[{status}]\n")
}

/// Runs several command lines, one below the other.
fn session(lines: &[&[&str]]) -> String {
    lines.iter().map(|args| lvsadm(args)).collect::<Vec<_>>().join("\n")
}

/// Compares with the snapshot `name` in `snapshots/`.
#[track_caller]
fn check(name: &str, text: &str) {
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(name, text);
    });
}
