//! How this host calls itself.

use std::fs;

/// Returns the name of this host, of letters that names have in protocols; `localhost` if it has none.
pub fn hostname() -> String {
    let said = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = said.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(253).collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
