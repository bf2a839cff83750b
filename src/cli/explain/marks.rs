//! Where packets may get a firewall mark: the rules of nftables and iptables that set one. They are read, not carried out: whether a
//! rule takes a packet depends on too much that is not known here.

use std::process::{Command, Stdio};

use crate::cli::render::clean_line;

/// No more rules than these are shown.
const MOST: usize = 20;

/// Tools that list rules, with what a rule that sets a mark has in it.
const TOOLS: [(&str, &[&str], &str); 3] = [
    ("nft", &["list", "ruleset"], "mark set"),
    ("iptables-save", &["-t", "mangle"], "MARK"),
    ("ip6tables-save", &["-t", "mangle"], "MARK"),
];

/// Rules that set marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Rules {
    /// The rules, each with the tool that shows it in front.
    pub(in crate::cli) found: Vec<String>,
    /// How many more there are.
    pub(in crate::cli) more: usize,
    /// Tools that could be asked.
    pub(in crate::cli) asked: Vec<&'static str>,
}

/// Asks the tools that there are.
pub(super) fn rules() -> Rules {
    let mut rules = Rules::default();
    for (tool, arguments, word) in TOOLS {
        let output = Command::new(tool).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output();
        let Some(output) = output.ok().filter(|output| output.status.success()) else { continue };
        rules.asked.push(tool);
        for line in String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains(word)) {
            // The same rule is shown by both where iptables is nftables underneath; one is enough.
            if rules.found.len() < MOST {
                rules.found.push(format!("{tool}: {}", clean_line(line.trim())));
            } else {
                rules.more += 1;
            }
        }
    }
    rules
}
