//! What runs on this host, by `/proc`.

use std::{
    fs,
    io::{self, Read},
};

/// How much of a command line is read, in bytes.
const COMMAND_LINE: u64 = 64 * 1024;

/// What a process executes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Its name: the first 15 bytes of its file's, or what it calls itself.
    pub name: Vec<u8>,
    /// The words of its command line; empty if they were not asked for, or it has none.
    pub words: Vec<Vec<u8>>,
}

/// Returns what a process executes, with its command line if `words`; `None` if it has ended, reaped or not.
pub fn program(pid: i32, words: bool) -> Option<Program> {
    let name = running_name(&fs::read(format!("/proc/{pid}/stat")).ok()?)?;
    let words = if words { command_line(pid)? } else { Vec::new() };
    Some(Program { name, words })
}

/// Returns all processes, each with what it executes. Takes some milliseconds on a busy host.
///
/// # Errors
/// There is no `/proc`.
pub fn programs(words: bool) -> io::Result<Vec<(i32, Program)>> {
    let entries = fs::read_dir("/proc")?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(pids.filter_map(|pid| Some((pid, program(pid, words)?))).collect())
}

/// Returns the name in a line like `12 (sh) S 1 …`; `None` for a zombie or something dead.
fn running_name(stat: &[u8]) -> Option<Vec<u8>> {
    // A name may have brackets in it.
    let begin = stat.iter().position(|byte| *byte == b'(')?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let state = stat.get(end + 2)?;
    if b"ZXx".contains(state) {
        return None;
    }
    stat.get(begin + 1..end).map(<[u8]>::to_vec)
}

/// Returns the words of a command line, the empty ones too.
fn command_line(pid: i32) -> Option<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    fs::File::open(format!("/proc/{pid}/cmdline")).ok()?.take(COMMAND_LINE).read_to_end(&mut bytes).ok()?;
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let whole = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    Some(whole.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_are_read_and_zombies_are_not() {
        assert_eq!(running_name(b"12 (sh) S 1 12 12 0"), Some(b"sh".to_vec()));
        assert_eq!(running_name(b"12 (a) (b) R 1"), Some(b"a) (b".to_vec()));
        assert_eq!(running_name(b"12 (sh) Z 1"), None);
        for bad in [&b""[..], b"12", b"12 (", b"12 )(", b"12 (sh)"] {
            assert_eq!(running_name(bad), None);
        }
    }

    #[test]
    fn this_process_is_found_among_all() {
        let own = std::process::id() as i32;
        let found = programs(true).expect("there is a /proc");
        let (_, program) = found.iter().find(|(pid, _)| *pid == own).expect("it runs");
        assert!(!program.name.is_empty() && !program.words.is_empty());
        assert!(super::program(0, false).is_none());
    }
}
