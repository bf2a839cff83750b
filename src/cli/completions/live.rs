//! What could stand in the last word of a command line, from what the kernel has: services, servers, schedulers.

use crate::{
    cli::kernel::Reader,
    model::{Protocol, ServiceKey, Snapshot},
};

/// The options whose values the kernel knows.
pub(super) const OPTIONS: [(char, &str); 7] = [
    ('t', "tcp-service"),
    ('u', "udp-service"),
    ('\0', "sctp-service"),
    ('\0', "sctp"),
    ('f', "fwmark-service"),
    ('r', "real-server"),
    ('s', "scheduler"),
];

/// The schedulers of Linux.
const SCHEDULERS: [&str; 14] =
    ["dh", "fo", "lblc", "lblcr", "lc", "mh", "nq", "ovf", "rr", "sed", "sh", "twos", "wlc", "wrr"];

/// Returns all that fits behind the option before the last of the words behind the program's name; the shell picks what begins as the word does.
pub(super) fn candidates(words: &[String]) -> Vec<String> {
    let Some(option) = option_before_last(words) else { return Vec::new() };
    if option == "scheduler" {
        return SCHEDULERS.map(str::to_owned).to_vec();
    }
    let Ok(mut reader) = Reader::open_quietly() else { return Vec::new() };
    let Ok(snapshot) = reader.snapshot() else { return Vec::new() };
    if option == "real-server" { servers(&snapshot, words) } else { services(&snapshot, option) }
}

/// Returns the long name of the option whose value the last word is.
fn option_before_last(words: &[String]) -> Option<&'static str> {
    let (_, before) = words.split_last()?;
    long_name(before.last()?)
}

/// Returns the long name of an option with a live value: itself, its letter, or a cluster that ends in its letter.
fn long_name(word: &str) -> Option<&'static str> {
    let found = match word.strip_prefix("--") {
        Some(long) => OPTIONS.iter().find(|(_, name)| *name == long),
        None => {
            let letter = word.strip_prefix('-')?.chars().next_back()?;
            OPTIONS.iter().find(|(short, _)| *short == letter)
        }
    };
    found.map(|(_, name)| *name)
}

fn services(snapshot: &Snapshot, option: &str) -> Vec<String> {
    let keys = snapshot.services.iter().map(|each| each.service.key);
    let text = |key: ServiceKey| match (key, option) {
        (ServiceKey::Mark { mark, .. }, "fwmark-service") => Some(mark.to_string()),
        (ServiceKey::Address { protocol, .. }, _) if names_of(protocol).contains(&option) => {
            // The key's own text, without the protocol in front.
            key.to_string().split_once(' ').map(|(_, address)| address.to_owned())
        }
        _ => None,
    };
    sorted(keys.filter_map(text).collect())
}

fn names_of(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Tcp => &["tcp-service"],
        Protocol::Udp => &["udp-service"],
        Protocol::Sctp => &["sctp-service", "sctp"],
        Protocol::Other(_) => &[],
    }
}

/// Returns the servers of the services that the line names; if it names none, or one is about to get a new server, all.
fn servers(snapshot: &Snapshot, words: &[String]) -> Vec<String> {
    let adds = words.iter().any(|word| matches!(word.as_str(), "add-real" | "-a" | "--add-server"));
    let named: Vec<&String> = words
        .windows(2)
        .filter(|pair| {
            pair.first()
                .and_then(|word| long_name(word))
                .is_some_and(|name| name.ends_with("service") || name == "sctp")
        })
        .filter_map(|pair| pair.get(1))
        .collect();
    let of_line = |key: &ServiceKey| {
        let text = key.to_string();
        named.iter().any(|word| text.split(' ').nth(1) == Some(word.as_str()))
    };
    let servers = snapshot
        .services
        .iter()
        .filter(|each| adds || named.is_empty() || of_line(&each.service.key))
        .flat_map(|each| each.servers.iter().map(|server| server.server.key.to_string()));
    sorted(servers.collect())
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words.dedup();
    words
}
