//! Help: short on one screen, long with examples.

use std::path::Path;

use clap::Command;
use lvsadm::state::{vrrp::Files, words};

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
        examples_of(verb);
        verb.get_subcommands().for_each(examples_of);
    }
}

fn examples_of(verb: &Command) {
    let help = verb.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let examples = help.lines().filter_map(|line| line.strip_prefix("  lvsadm "));
    for example in examples {
        // Columns of explanation, pipes, redirections and further commands are for the reader.
        let line = example.split(&['|', '>', ';'][..]).next().unwrap_or(example);
        let line = line.split("   ").next().unwrap_or(line);
        let words = words::split(line).expect(line).into_iter().map(|word| word.text.into_owned());
        let words = std::iter::once("lvsadm".to_owned()).chain(words);
        if let Err(error) = lvsadm::cli::command().try_get_matches_from(words) {
            panic!("lvsadm {line}: {error}");
        }
    }
}

/// Lines of help that give the examples of VRRP to the save file's grammar, too.
#[test]
fn examples_of_vrrp_are_sound() {
    let root: Command = lvsadm::cli::command();
    let vrrp = root.get_subcommands().find(|verb| verb.get_name() == "vrrp").expect("the verb");
    let helps = vrrp.get_subcommands().filter_map(|verb| verb.get_after_long_help()).map(ToString::to_string);
    let all = helps.collect::<Vec<_>>().join("\n");
    let lines = all.lines().filter_map(|line| line.strip_prefix("  lvsadm "));
    let lines = lines.filter(|line| lvsadm::state::vrrp::subject(line).is_some() && !line.contains("--unset"));
    for line in lines {
        // What it names elsewhere is not there.
        let faults = lvsadm::state::vrrp::parse(std::iter::once((1, line)), &Secrets).err().unwrap_or_default();
        let wrong: Vec<_> = faults.iter().filter(|fault| !fault.message.contains("there is no ")).collect();
        assert!(wrong.is_empty(), "{line}: {wrong:?}");
    }
}

struct Secrets;

impl Files for Secrets {
    fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
        Ok(b"secret\n".to_vec())
    }
}
