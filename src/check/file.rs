//! What a number in a file says: something on this host knows how the server is, and writes it down.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use nix::fcntl::OFlag;
use tokio::task::spawn_blocking;

use super::{
    answer::{Failure, FailureKind, Phase, Success, Verdict, WeightChange, quoted},
    probe::Phases,
};

/// A number has fewer bytes, with all blanks that somebody could mean.
const LONGEST: u64 = 64;

/// The greatest weight, and the greatest number that is taken from one.
const GREATEST: i64 = i32::MAX as i64;

/// Reads the number and says what it means. A file that is not there says 0; one that cannot be read, or has no number,
/// says nothing about the server.
pub(super) async fn ask(path: &Path, weight: i64, clock: &mut Phases) -> Verdict {
    let name = path.display();
    let owned = path.to_owned();
    // Elsewhere, because the server of a file system may hang.
    let text = match spawn_blocking(move || read(&owned)).await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => b"0".to_vec(),
        Ok(Err(error)) => return Verdict::Unknown(format!("cannot read {name}: {error}")),
        Err(_) => return Verdict::Unknown(format!("cannot read {name}: the program ends")),
    };
    clock.heard(&text);
    clock.reached(Phase::Complete);
    match number(&text) {
        Some(number) => verdict(&name.to_string(), number, weight, &text),
        None => Verdict::Unknown(format!("{name} says {} where a number should be", quoted(&text))),
    }
}

/// Reads the begin of a file.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A FIFO would wait for a writer, a terminal would become ours.
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// Returns the number on the first line.
fn number(text: &[u8]) -> Option<i64> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

/// Says what a number means.
fn verdict(name: &str, number: i64, weight: i64, text: &[u8]) -> Verdict {
    let change = number.saturating_mul(weight);
    // keepalived's rules: without a weight it is yes or no; with one, the end of the scale is "no", too.
    let failed = if weight == 0 { number != 0 } else { change < -GREATEST };
    if failed {
        return Verdict::Bad(Failure::new(FailureKind::Reported, &format!("{name} says {number}"), text));
    }
    let weight = (weight != 0).then(|| WeightChange::Add(change.min(GREATEST)));
    Verdict::Good(Success { weight, summary: format!("{number}"), ..Success::default() })
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    async fn say(path: &Path, weight: i64) -> Verdict {
        let mut clock = Phases::start(Duration::from_secs(5));
        ask(path, weight, &mut clock).await
    }

    fn add(verdict: Verdict) -> Option<i64> {
        match verdict {
            Verdict::Good(Success { weight: Some(WeightChange::Add(change)), .. }) => Some(change),
            Verdict::Good(Success { weight: None, .. }) => None,
            other => panic!("{other:?}"),
        }
    }

    fn unknown(verdict: Verdict) -> String {
        match verdict {
            Verdict::Unknown(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn numbers_are_weights() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("load");
        for (text, weight, change) in [
            ("3\n", 1, Some(3)),
            ("  -3 \nmore\n", 2, Some(-6)),
            ("+7", -1, Some(-7)),
            ("0", 0, None),
            ("9223372036854775807", 2, Some(GREATEST)),
            ("-2147483647", 1, Some(-GREATEST)),
        ] {
            fs::write(&path, text).expect("written");
            assert_eq!(add(say(&path, weight).await), change, "{text:?}");
        }
        for (text, weight) in [("1", 0), ("-1", 0), ("-2147483648", 1), ("-9223372036854775808", 3)] {
            fs::write(&path, text).expect("written");
            let Verdict::Bad(failure) = say(&path, weight).await else { panic!("{text:?} is good") };
            assert_eq!(failure.reason, format!("{} says {text}", path.display()));
            assert_eq!((failure.kind, failure.evidence), (FailureKind::Reported, text.as_bytes().to_vec()));
        }
    }

    #[tokio::test]
    async fn other_things_say_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("load");
        assert_eq!(add(say(&path, 5).await), Some(0), "no file");
        for text in ["", "\n1", "one", "1 2", "99999999999999999999", "\u{1b}[2J"] {
            fs::write(&path, text).expect("written");
            let quote = quoted(text.as_bytes());
            assert_eq!(
                unknown(say(&path, 1).await),
                format!("{} says {quote} where a number should be", path.display())
            );
        }
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("made");
        for strange in [fifo.as_path(), directory.path(), Path::new("/dev/zero")] {
            assert!(unknown(say(strange, 1).await).ends_with("it is no regular file"));
        }
        fs::write(&path, vec![b' '; 1 << 20]).expect("written");
        assert!(unknown(say(&path, 1).await).contains("where a number should be"));
    }
}
