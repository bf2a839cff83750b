//! Where packets may get a firewall mark: the rules of nftables and iptables that set one. They are read, not carried out: whether a
//! rule takes a packet depends on too much that is not known here.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::cli::render::clean_line;

/// No more rules than these are shown.
const MOST: usize = 20;

/// Tools that list rules, with what a rule that sets a mark has in it.
const TOOLS: [(&str, &[&str], &str); 5] = [
    ("nft", &["list", "ruleset"], "mark set"),
    ("iptables-save", &["-t", "mangle"], "MARK"),
    ("ip6tables-save", &["-t", "mangle"], "MARK"),
    ("iptables-legacy-save", &["-t", "mangle"], "MARK"),
    ("ip6tables-legacy-save", &["-t", "mangle"], "MARK"),
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
        // Where there is no table of the old kind, asking for one would make it.
        if tool.contains("legacy") && !has_old_table(tool) {
            continue;
        }
        let output = Command::new(tool).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output();
        let Some(output) = output.ok().filter(|output| output.status.success()) else { continue };
        rules.asked.push(tool);
        for line in String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains(word)) {
            // The same rule is shown twice where iptables is a name for one of the other tools; once is enough.
            let rule = clean_line(line.trim());
            if rules.found.iter().any(|known| known.split_once(": ").is_some_and(|(_, known)| known == rule)) {
                continue;
            }
            if rules.found.len() < MOST {
                rules.found.push(format!("{tool}: {rule}"));
            } else {
                rules.more += 1;
            }
        }
    }
    rules
}

/// Whether the kernel has a table `mangle` of the kind that iptables had before nftables.
fn has_old_table(tool: &str) -> bool {
    let names = if tool.starts_with("ip6") { "ip6_tables_names" } else { "ip_tables_names" };
    let tables = fs::read_to_string(format!("/proc/thread-self/net/{names}")).unwrap_or_default();
    tables.lines().any(|table| table == "mangle")
}
