//! `lvsadm completions`: scripts that make shells complete lvsadm's command lines.
//!
//! clap_complete writes the verbs and their options. What is added here by hand asks `lvsadm __complete` for what the
//! kernel has ([`live`]), and completes ipvsadm's options.

mod live;

use clap::{Args, ValueEnum};

use super::{Error, IPVSADM_OPTIONS, Ui, command};

/// Print the completions of a shell
///
/// They complete verbs, options, and the services and servers that the kernel has.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lvsadm completions bash > /usr/share/bash-completion/completions/lvsadm
  lvsadm completions zsh > /usr/share/zsh/site-functions/_lvsadm
  lvsadm completions fish > /usr/share/fish/vendor_completions.d/lvsadm.fish
      For everybody; packages bring them along.
  . <(lvsadm completions bash)
      For this shell only.")]
pub struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash, 4.4 or newer
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// Runs the verb.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(args: CompletionsArgs, ui: &mut Ui) -> Result<u8, Error> {
    ui.print(script(args.shell))?;
    Ok(0)
}

/// Prints what could stand in the last of the words; nothing where that is not known, for shells have no use for errors.
///
/// # Errors
/// Standard output cannot be written.
pub fn run_live(words: &[String], ui: &mut Ui) -> Result<u8, Error> {
    for candidate in live::candidates(words) {
        ui.print(candidate + "\n")?;
    }
    Ok(0)
}

/// Returns the script for a shell.
pub fn script(shell: Shell) -> String {
    let verbs = |generator: clap_complete::Shell| {
        let mut script = Vec::new();
        clap_complete::generate(generator, &mut command(), "lvsadm", &mut script);
        String::from_utf8_lossy(&script).into_owned()
    };
    let script = match shell {
        Shell::Bash => bash(&verbs(clap_complete::Shell::Bash)),
        Shell::Zsh => zsh(&verbs(clap_complete::Shell::Zsh)),
        Shell::Fish => fish(&verbs(clap_complete::Shell::Fish)),
    };
    let mut tidy: String = script.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    tidy.truncate(tidy.trim_end().len());
    tidy + "\n"
}

/// Returns ipvsadm's options as words.
fn ipvsadm_words() -> String {
    let short = IPVSADM_OPTIONS.iter().filter_map(|(short, _)| short.map(|c| format!("-{c}")));
    let long = IPVSADM_OPTIONS.iter().map(|(_, long)| format!("--{long}"));
    short.chain(long).collect::<Vec<_>>().join(" ")
}

fn bash(verbs: &str) -> String {
    // clap_complete registers its function for the name at the end; ours goes in front of it.
    let verbs = verbs.split("\nif [[ \"${BASH_VERSINFO[0]}\"").next().unwrap_or(verbs);
    format!("{verbs}{}", include_str!("bash.in").replace("@IPVSADM@", &ipvsadm_words()))
}

fn zsh(verbs: &str) -> String {
    let verbs = verbs.split("\nif [ \"$funcstack[1]\"").next().unwrap_or(verbs);
    let verbs = verbs.replace("\n_lvsadm() {", "\n_lvsadm_verbs() {");
    // clap_complete leaves colons in the names of values, where zsh takes them for the end of the name.
    let verbs = verbs.replace(":ADDR:PORT:", ":ADDR\\:PORT:").replace(":ADDR[:PORT]:", ":ADDR[\\:PORT]:");
    let mut script = String::new();
    for line in verbs.lines() {
        let option = line.trim_start().trim_start_matches(['\'', '*']);
        let takes_live = live::OPTIONS.iter().any(|(short, long)| {
            option.starts_with(&format!("-{short}+[")) || option.starts_with(&format!("--{long}=["))
        });
        script += &if takes_live { line.replace(":_default'", ":_lvsadm_live'") } else { line.to_owned() };
        script.push('\n');
    }
    script + &include_str!("zsh.in").replace("@IPVSADM@", &ipvsadm_words())
}

fn fish(verbs: &str) -> String {
    let mut script = String::new();
    for line in verbs.lines() {
        let takes_live = live::OPTIONS.iter().any(|(_, long)| line.contains(&format!(" -l {long} ")));
        script += &match line.strip_suffix(" -r").filter(|_| takes_live) {
            Some(option) => format!("{option} -x -a \"(__lvsadm_live)\""),
            None => line.to_owned(),
        };
        script.push('\n');
    }
    script += include_str!("fish.in");
    for (short, long) in IPVSADM_OPTIONS {
        let short = short.map(|c| format!(" -s {c}")).unwrap_or_default();
        script += &format!("complete -c lvsadm -n __lvsadm_as_ipvsadm{short} -l {long}\n");
    }
    script
}
