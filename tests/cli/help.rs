//! Help: short on one screen, long with examples.

use clap::Command;

use crate::{check, lvsadm};

fn verbs() -> Vec<String> {
    let root: Command = lvsadm::cli::command();
    root.get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
}

#[test]
fn overview() {
    check("help", &lvsadm(&["-h"]));
}

#[test]
fn overview_in_full() {
    check("help-in-full", &lvsadm(&["--help"]));
}

#[test]
fn no_arguments() {
    check("help-instead", &lvsadm(&[]));
}

#[test]
fn short_help_of_each_verb_fits_a_screen() {
    for verb in verbs() {
        let help = lvsadm(&[&verb, "-h"]);
        assert!(help.ends_with("[0]\n"), "{help}");
        assert!(help.lines().count() <= 40, "{verb} -h has {} lines", help.lines().count());
        check(&format!("help-{verb}"), &help);
    }
}

#[test]
fn long_help_of_each_verb_has_examples() {
    for verb in verbs() {
        let help = lvsadm(&[&verb, "--help"]);
        assert!(help.contains("Examples:\n  lvsadm "), "{help}");
    }
}

/// An example that is refused teaches the wrong thing.
#[test]
fn examples_parse() {
    for verb in lvsadm::cli::command().get_subcommands() {
        let help = verb.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.lines().filter_map(|line| line.strip_prefix("  lvsadm "));
        for example in examples {
            // Columns of explanation, pipes, redirections and further commands are for the reader.
            let line = example.split(&['|', '>', ';'][..]).next().unwrap_or(example);
            let line = line.split("   ").next().unwrap_or(line);
            let words = std::iter::once("lvsadm").chain(line.split_whitespace());
            if let Err(error) = lvsadm::cli::command().try_get_matches_from(words) {
                panic!("lvsadm {line}: {error}");
            }
        }
    }
}
