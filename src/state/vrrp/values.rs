//! Single words of VRRP lines ↔ values: times, numbers, names, secrets, commands. Pure, but for secrets in files.

use std::{
    fmt::{Display, Write as _},
    fs,
    io::Read,
    net::IpAddr,
    ops::RangeInclusive,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use crate::{
    host::Command,
    state::{print::quoted, words},
    vrrp::settings::Secret,
};

/// What is wrong with a word, and what to do about it. Whoever knows where the word stood puts that in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::state) struct Wrong {
    pub(in crate::state) why: String,
    pub(in crate::state) hint: Option<String>,
}

impl Wrong {
    /// Returns a fault without a hint.
    pub(in crate::state) fn new(why: impl Display) -> Self {
        Self { why: why.to_string(), hint: None }
    }

    /// Adds what to do.
    pub(in crate::state) fn hint(self, hint: impl Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }
}

/// What a reader makes of a word.
pub(in crate::state) type Reading<T> = Result<T, Wrong>;

/// The longest name of a link (`IFNAMSIZ` - 1) and of an address label.
pub(in crate::state) const MAX_LINK: usize = 15;

/// Reads digits only: no sign, no blanks.
pub(in crate::state) fn digits<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Reads a whole number in a range.
pub(in crate::state) fn number<T: FromStr + PartialOrd + Display>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Reading<T> {
    move |text| {
        digits(text)
            .filter(|number| range.contains(number))
            .ok_or_else(|| Wrong::new(format_args!("a number from {} to {} is needed", range.start(), range.end())))
    }
}

/// Reads a whole number with a sign or without one.
pub(in crate::state) fn signed(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Reads one of several words.
pub(in crate::state) fn one_of<T: Copy>(choice: &'static [(&'static str, T)]) -> impl Fn(&str) -> Reading<T> {
    move |text| {
        choice.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<_> = choice.iter().map(|(word, _)| *word).collect();
            Wrong::new(format_args!("{} is needed", known.join(" or ")))
        })
    }
}

/// Reads a time from `least` to `most`: seconds, fractions allowed, or with units: `1`, `0.5`, `100ms`, `250us`, `1m30s`, `1h`.
pub(in crate::state) fn time(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Reading<Duration> {
    move |text| {
        let time = parse_time(text).ok_or_else(|| {
            Wrong::new("this is no time").hint("seconds, or with units: 1, 0.5, 100ms, 1m30s; not finer than 1us")
        })?;
        if !range.contains(&time) {
            return Err(Wrong::new(format_args!(
                "a time from {} to {} is needed",
                print_time(*range.start()),
                print_time(*range.end())
            )));
        }
        Ok(time)
    }
}

/// A year: more than anybody waits for.
pub(in crate::state) const LONGEST: Duration = Duration::from_secs(365 * 86_400);

fn parse_time(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let unit = &tail[..tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len())];
        let micros = match unit {
            // A number without a unit stands alone: `1m30` could be anything.
            "" if number.len() == text.len() => 1_000_000,
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            _ => return None,
        };
        total = total.checked_add(decimal(number, micros)?)?;
        rest = &tail[unit.len()..];
    }
    (!text.is_empty()).then_some(Duration::from_micros(total))
}

/// Returns `number` times `unit`, if that is a whole number: `0.5` of 1000 is 500.
fn decimal(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = if whole.is_empty() && !fraction.is_empty() { 0 } else { filled::<u64>(whole)? };
    let fraction = fraction.trim_end_matches('0');
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = if fraction.is_empty() { 0 } else { filled::<u64>(fraction)?.checked_mul(unit)? };
    if part % scale != 0 {
        return None;
    }
    whole.checked_mul(unit)?.checked_add(part / scale)
}

fn filled<T: FromStr>(text: &str) -> Option<T> {
    if text.is_empty() { None } else { digits(text) }
}

/// Writes a time in the largest unit that holds it whole: `5s`, `100ms`; what is finer than a microsecond is cut.
pub fn print_time(time: Duration) -> String {
    let micros = time.as_micros();
    if micros.is_multiple_of(1_000_000) {
        format!("{}s", micros / 1_000_000)
    } else if micros.is_multiple_of(1_000) {
        format!("{}ms", micros / 1_000)
    } else {
        format!("{micros}us")
    }
}

/// Reads an IP address.
pub(in crate::state) fn address(text: &str) -> Reading<IpAddr> {
    text.parse().map_err(|_| Wrong::new("this is no IP address"))
}

/// Reads the name of a link.
pub(in crate::state) fn link(text: &str) -> Reading<String> {
    let fits = (1..=MAX_LINK).contains(&text.len())
        && text != "."
        && text != ".."
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/' || c == ':');
    if fits {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(format_args!("the name of an interface has 1 to {MAX_LINK} letters, no blanks, colons and slashes")))
}

/// Reads a name that people give to instances, groups and trackers.
pub(in crate::state) fn name(text: &str) -> Reading<String> {
    let fits = (1..=MAX_NAME).contains(&text.len())
        && !text.starts_with('-')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"':,#".contains(c));
    if fits {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(format_args!(
        "a name has 1 to {MAX_NAME} letters, begins with no hyphen and has no blanks, quotes, colons, commas and #"
    )))
}

/// The longest name of an instance, group or tracker, in bytes.
const MAX_NAME: usize = 64;

/// Reads an absolute path.
pub(in crate::state) fn path(text: &str) -> Reading<PathBuf> {
    if text.starts_with('/') && !text.contains('\0') {
        return Ok(PathBuf::from(text));
    }
    Err(Wrong::new("an absolute path is needed").hint("lines are read by a process with another current directory"))
}

/// Reads six octets of a MAC address that may be given to a link of our own.
pub(in crate::state) fn mac(text: &str) -> Reading<[u8; 6]> {
    let wrong = || Wrong::new("this is no MAC address").hint("six pairs of hexadecimal digits: 02:00:5e:10:00:01");
    let mut mac = [0; 6];
    let mut octets = text.split(':');
    for octet in &mut mac {
        let word = octets.next().filter(|word| (1..=2).contains(&word.len())).ok_or_else(wrong)?;
        *octet = u8::from_str_radix(word, 16).map_err(|_| wrong())?;
    }
    if octets.next().is_some() || text.contains('+') {
        return Err(wrong());
    }
    match mac {
        [first, ..] if first & 1 == 1 => Err(Wrong::new("this is a multicast MAC address")),
        [0, 0, 0x5e, 0, 1 | 2, _] => Err(Wrong::new("addresses of this kind are VRRP's own")
            .hint("without --vmac-mac the right one for the VRID is taken")),
        [0, 0, 0, 0, 0, 0] => Err(wrong()),
        mac => Ok(mac),
    }
}

/// Writes a MAC address.
pub(in crate::state) fn print_mac(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

/// Reads `USER[:GROUP]`, names or numbers; `USER::[GROUP]` with the other groups of the user.
pub(in crate::state) fn user(text: &str) -> Reading<(String, Option<String>)> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    // A colon in front of the group asks for the groups that the user has, too; the group itself may be left out then.
    let (also_others, group) = match group.map(|group| (group.strip_prefix(':'), group)) {
        Some((Some(""), _)) => (true, None),
        Some((Some(group), _)) => (true, Some(group)),
        Some((None, group)) => (false, Some(group)),
        None => (false, None),
    };
    let fits = |word: &str| {
        !word.is_empty()
            && !word.starts_with('-')
            && !word.contains(|c: char| c.is_whitespace() || c.is_control() || "/:".contains(c))
    };
    if fits(user) && group.is_none_or(fits) {
        let colon = if also_others { ":" } else { "" };
        let said = group.is_some() || also_others;
        return Ok((user.to_owned(), said.then(|| format!("{colon}{}", group.unwrap_or_default()))));
    }
    Err(Wrong::new("a user, or user:group, is needed"))
}

/// Writes `USER[:GROUP]`.
pub(in crate::state) fn print_user((user, group): &(String, Option<String>)) -> String {
    group.as_ref().map_or_else(|| user.clone(), |group| format!("{user}:{group}"))
}

/// Reads a command: `[USER[:GROUP]@]PROGRAM [ARGUMENT…]`, quoted as in a shell. The program is an absolute path, or a name
/// without slashes, which is looked for in `PATH`.
pub(in crate::state) fn command(text: &str) -> Reading<Command> {
    let words = split(text)?;
    command_of(words.into_iter())
}

/// Makes a command of its words.
pub(in crate::state) fn command_of(mut words: impl Iterator<Item = String>) -> Reading<Command> {
    let first = words.next().ok_or_else(|| Wrong::new("the command is missing"))?;
    let separator = first.find("@/").or_else(|| first.rfind('@')).filter(|_| !first.starts_with('/'));
    let (who, program) = match separator {
        Some(at) => (Some(user(&first[..at])?), first[at + 1..].to_owned()),
        None => (None, first),
    };
    if program.is_empty() || program.starts_with('-') || program.contains('/') && !program.starts_with('/') {
        return Err(Wrong::new(format_args!("`{program}` is neither an absolute path nor the name of a program"))
            .hint("write [USER[:GROUP]@]/PATH ARGUMENTS; a shell is started only if it is the program"));
    }
    let words: Vec<String> = std::iter::once(program).chain(words).collect();
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Wrong::new("a command cannot have NUL bytes"));
    }
    Ok(Command { words, user: who })
}

/// Writes a command as [`command`] reads it.
pub(in crate::state) fn print_command(command: &Command) -> String {
    let mut text = String::new();
    for (at, word) in command.words.iter().enumerate() {
        let who = command.user.as_ref().filter(|_| at == 0).map(|who| print_user(who) + "@").unwrap_or_default();
        let separator = if at == 0 { "" } else { " " };
        let _ = write!(text, "{separator}{}", quoted(&format!("{who}{word}")));
    }
    text
}

/// Splits a word that holds several.
pub(in crate::state) fn split(text: &str) -> Reading<Vec<String>> {
    let words = words::split(text).map_err(|unsplit| Wrong::new(unsplit.to_string()))?;
    Ok(words.into_iter().map(|word| word.text.into_owned()).collect())
}

/// Reads files that hold secrets.
pub trait Files {
    /// Returns the content of a file of at most [`MAX_SECRET_FILE`] bytes.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;
}

/// The largest file that holds a secret, in bytes.
pub const MAX_SECRET_FILE: u64 = 4096;

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let open = || {
            let file = fs::File::open(path)?;
            let metadata = file.metadata()?;
            let mut content = Vec::new();
            file.take(MAX_SECRET_FILE + 1).read_to_end(&mut content)?;
            Ok::<_, std::io::Error>((metadata, content))
        };
        let (metadata, content) = open().map_err(|error| format!("it cannot be read: {error}"))?;
        if !metadata.is_file() {
            return Err("it is no regular file".to_owned());
        }
        // A secret that everybody may read is none.
        if metadata.permissions().mode() & 0o007 != 0 {
            return Err("everybody may read it; take that permission away (chmod o= FILE)".to_owned());
        }
        if content.len() as u64 > MAX_SECRET_FILE {
            return Err(format!("it has more than {MAX_SECRET_FILE} bytes"));
        }
        Ok(content)
    }
}

/// Reads a secret: `hex:…`, `file:PATH`, or the text itself.
pub(in crate::state) fn secret(files: &dyn Files) -> impl Fn(&str) -> Reading<Secret> + '_ {
    move |text| {
        if let Some(path) = text.strip_prefix("file:") {
            return secret_file(files)(path);
        }
        match text.strip_prefix("hex:") {
            Some(hex) => {
                hex_bytes(hex).map(Secret::new).ok_or_else(|| Wrong::new("hex: needs pairs of hexadecimal digits"))
            }
            None => Ok(Secret::new(text)),
        }
    }
}

/// Reads a secret from a file: `hex:…` or the text itself, one line end at the end taken off.
pub(in crate::state) fn secret_file(files: &dyn Files) -> impl Fn(&str) -> Reading<Secret> + '_ {
    move |word| {
        let path = path(word)?;
        let mut content = files.read(&path).map_err(Wrong::new)?;
        if content.ends_with(b"\n") {
            content.pop();
        }
        if let Some(hex) = content.strip_prefix(b"hex:") {
            let hex = str::from_utf8(hex).ok().and_then(hex_bytes);
            return hex.map(Secret::new).ok_or_else(|| Wrong::new("hex: needs pairs of hexadecimal digits"));
        }
        Ok(Secret::new(content))
    }
}

/// Writes a secret as [`secret`] reads it.
pub(in crate::state) fn print_secret(secret: &Secret) -> String {
    match str::from_utf8(secret.bytes()) {
        Ok(text)
            if text.chars().all(|c| c.is_ascii_graphic())
                && !text.starts_with("hex:")
                && !text.starts_with("file:") =>
        {
            text.to_owned()
        }
        _ => {
            let mut text = "hex:".to_owned();
            for byte in secret.bytes() {
                let _ = write!(text, "{byte:02x}");
            }
            text
        }
    }
}

fn hex_bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.is_empty() || !hex.len().is_multiple_of(2) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

/// Returns the candidate that `word` was probably meant to be.
pub(in crate::state) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate));
    let (distance, candidate) = near.min()?;
    (distance <= word.chars().count().max(3) / 3).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times() {
        let any = time(Duration::ZERO..=LONGEST);
        for (text, micros) in [
            ("1", 1_000_000),
            ("0", 0),
            ("0.5", 500_000),
            (".5s", 500_000),
            ("100ms", 100_000),
            ("1.5ms", 1_500),
            ("250us", 250),
            ("1m30s", 90_000_000),
            ("40.95", 40_950_000),
            ("1.000000000000000s", 1_000_000),
        ] {
            assert_eq!(any(text), Ok(Duration::from_micros(micros)), "{text}");
        }
        for text in
            ["", "s", ".", ".s", "1m30", "1x", "-1", "1.5us", "1e3", "99999999999999999999d", "1..5", "ä", "367d"]
        {
            assert!(any(text).is_err(), "{text}");
        }
    }

    #[test]
    fn commands() {
        let read = |text| command(text).map(|command| (command.words, command.user)).map_err(|wrong| wrong.why);
        let user = |user: &str, group: Option<&str>| Some((user.to_owned(), group.map(str::to_owned)));
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(read("/bin/x 'a b' c"), Ok((words(&["/bin/x", "a b", "c"]), None)));
        assert_eq!(read("alice:web@/bin/x"), Ok((words(&["/bin/x"]), user("alice", Some("web")))));
        assert_eq!(read("a@corp@/bin/x"), Ok((words(&["/bin/x"]), user("a@corp", None))));
        assert_eq!(read("/opt/@/x"), Ok((words(&["/opt/@/x"]), None)));
        assert_eq!(read("true"), Ok((words(&["true"]), None)));
        assert_eq!(read("alice::@true x"), Ok((words(&["true", "x"]), user("alice", Some(":")))));
        assert_eq!(read("alice::adm@/bin/x"), Ok((words(&["/bin/x"]), user("alice", Some(":adm")))));
        for text in ["", "''", "./x", "'/bin/x", "alice@bin/x", "alice@", "alice:@/bin/x", ":g@/bin/x", "@x", "--x"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn macs() {
        assert_eq!(mac("02:0:5e:10:0:1"), Ok([2, 0, 0x5e, 0x10, 0, 1]));
        for text in ["", "1:2:3:4:5", "01:0:0:0:0:1", "0:0:5e:0:1:7", "2:0:0:0:0:0:0", "2:0:0:0:0:+1", "0:0:0:0:0:0"] {
            assert!(mac(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_meant() {
        let known = ["priority", "preempt-delay", "interface"];
        assert_eq!(nearest("prioriti", known.into_iter()), Some("priority"));
        assert_eq!(nearest("interfaec", known.into_iter()), Some("interface"));
        assert_eq!(nearest("colour", known.into_iter()), None);
    }

    struct NoFiles;

    impl Files for NoFiles {
        fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
            Err("there are no files here".to_owned())
        }
    }

    proptest! {
        #[test]
        fn no_word_makes_a_reader_panic(word in r"\PC{0,30}|[0-9a-z:.,@/ '\\=-]{0,30}") {
            let _ = (name(&word), link(&word), path(&word), user(&word), signed(&word), secret(&NoFiles)(&word));
            if let Ok(time) = time(Duration::ZERO..=LONGEST)(&word) {
                prop_assert_eq!(parse_time(&print_time(time)), Some(time));
            }
            if let Ok(read) = command(&word) {
                prop_assert_eq!(command(&print_command(&read)), Ok(read));
            }
            if let Ok(read) = mac(&word) {
                prop_assert_eq!(mac(&print_mac(read)), Ok(read));
            }
        }

        #[test]
        fn secrets_come_back(bytes in prop::collection::vec(any::<u8>(), 1..64)) {
            let first = Secret::new(bytes);
            prop_assert!(secret(&NoFiles)(&print_secret(&first)) == Ok(first));
        }
    }
}
